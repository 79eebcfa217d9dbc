//! Files of the repository, and the words of code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A source file, without its comments and strings.
pub struct SourceFile {
    path: String,
    words: Vec<String>,
}

impl SourceFile {
    /// Every source file below a folder of the repository.
    pub fn all_of(folder: &str) -> Vec<Self> {
        files(folder, &["rs"]).into_iter().map(Self::read).collect()
    }

    fn read(path: String) -> Self {
        let tokens = read(&path).parse().unwrap();
        let mut words = Vec::new();
        collect_words(tokens, &mut words);
        Self { path, words }
    }

    /// From the root of the repository.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The top-level module that it belongs to: `grpc` of `src/grpc/status.rs` and of `src/grpc.rs`.
    pub fn module(&self) -> &str {
        let within = self.path.split('/').nth(1).unwrap();
        within.strip_suffix(".rs").unwrap_or(within)
    }

    /// Its identifiers, punctuation and braces, in their order.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The top-level modules that its paths name, as `crate::x` or in `crate::{x, y::z}`.
    pub fn modules_named(&self) -> BTreeSet<String> {
        let after_crate = self.words.windows(3).enumerate();
        after_crate
            .filter(|(_, words)| words[..] == ["crate", ":", ":"])
            .flat_map(|(position, _)| first_words(&self.words[position + 3..]))
            .collect()
    }
}

/// The first word of a path, or of each path of a `use` tree in braces.
fn first_words(path: &[String]) -> Vec<String> {
    let Some((brace, tree)) = path.split_first().filter(|(first, _)| *first == "{") else {
        return path.first().cloned().into_iter().collect();
    };
    let mut named = Vec::new();
    let mut depth = 0;
    let mut before = brace;
    for word in tree {
        match word.as_str() {
            "}" if depth == 0 => break,
            "}" => depth -= 1,
            "{" => depth += 1,
            "," => {}
            name if depth == 0 && [",", "{"].contains(&before.as_str()) => named.push(name.to_owned()),
            _ => {}
        }
        before = word;
    }
    named
}

fn collect_words(tokens: TokenStream, words: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(name) => words.push(name.to_string()),
            TokenTree::Punct(mark) => words.push(mark.as_char().to_string()),
            TokenTree::Literal(_) => {}
            TokenTree::Group(group) => {
                let is_braced = group.delimiter() == Delimiter::Brace;
                words.extend(is_braced.then(|| "{".to_owned()));
                collect_words(group.stream(), words);
                words.extend(is_braced.then(|| "}".to_owned()));
            }
        }
    }
}

/// The files below a folder that end in one of `extensions`, from the root of the repository; none if there is no such folder.
pub fn files(folder: &str, extensions: &[&str]) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() {
            found.extend(files(&path, extensions));
        } else if extensions
            .iter()
            .any(|extension| name.ends_with(&format!(".{extension}")))
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The text of a file, by its path from the root of the repository.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn words_are_code_alone() {
    let text = "/// tonic\n// tonic\nuse crate::{store::{self, x}, error}; fn f() { crate::grpc::g(\"tonic\") }";
    let mut words = Vec::new();
    collect_words(text.parse().unwrap(), &mut words);
    assert!(!words.iter().any(|word| word == "tonic"), "{words:?}");
    let file = SourceFile {
        path: "src/domain/name.rs".to_owned(),
        words,
    };
    assert_eq!(file.module(), "domain");
    assert_eq!(
        file.modules_named(),
        ["error", "grpc", "store"].map(str::to_owned).into()
    );
}
