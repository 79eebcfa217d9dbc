//! The map of the modules: `docs/architecture.md` has a row for each file directly in `src/`, whose row names, in backticks,
//! each file directly in the folder of the same name.

use std::collections::BTreeSet;

use super::source::{files, read, root};

const MAP: &str = "docs/architecture.md";

/// The pieces of a line in backticks.
fn code_of(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The row of the table about `src/{module}.rs`.
fn row_of<'a>(map: &'a str, module: &str) -> Option<&'a str> {
    let file = format!("{module}.rs");
    map.lines().find(|line| {
        let cell = line.strip_prefix('|').and_then(|row| row.split('|').next());
        cell.is_some_and(|cell| code_of(cell).any(|code| code == file))
    })
}

/// The names of the files directly in a folder, without `tests`, which belong to their neighbours.
fn modules_in(folder: &str) -> Vec<String> {
    let within = format!("{folder}/");
    let paths = files(folder, &["rs"]);
    let names = paths
        .iter()
        .filter_map(|path| path.strip_prefix(&within)?.strip_suffix(".rs"));
    names
        .filter(|name| !name.contains('/') && *name != "tests")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_map_names_every_module() {
    let map = read(MAP);
    let mut missing = Vec::new();
    for module in modules_in("src").into_iter().filter(|module| module != "lib") {
        let Some(row) = row_of(&map, &module) else {
            missing.push(format!("{module}.rs has no row"));
            continue;
        };
        let is_separator = |c: char| c != '_' && !c.is_alphanumeric();
        let words: BTreeSet<&str> = code_of(row).flat_map(|code| code.split(is_separator)).collect();
        for part in modules_in(&format!("src/{module}")) {
            if !words.contains(part.as_str()) {
                missing.push(format!("{module}/{part}.rs is not in the row of {module}.rs"));
            }
        }
    }
    assert_eq!(missing, [""; 0], "{MAP} has to tell what each is for");
}

#[test]
fn what_the_map_names_is_there() {
    let map = read(MAP);
    let named = map.lines().flat_map(code_of).filter(|code| code.ends_with(".rs"));
    let is_there = |path: &str| ["", "src/"].iter().any(|from| root().join(from).join(path).is_file());
    let gone: Vec<_> = named.filter(|path| !is_there(path)).collect();
    assert_eq!(gone, [""; 0], "{MAP} names files that are not there");
}
