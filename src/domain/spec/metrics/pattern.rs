//! The names that a regular expression stands for.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::Extractor;

use super::super::variable_graph::split_reference;

/// The longest regular expression that is looked into, in bytes.
const MAX_PATTERN_BYTES: usize = 1024;

/// The most parentheses around a part of a regular expression that is looked into.
const MAX_DEPTH: u32 = 32;

/// The most names that one regular expression stands for; one that has more stands for none.
const MAX_NAMES: usize = 100;

/// What a variable is in a pattern: a character of no name, for private use in Unicode.
const VARIABLE: char = '\u{E000}';

/// The names that `pattern`, which Prometheus anchors at both ends, matches as a whole, as far as they are written out in it.
///
/// `(kserve_)?vllm:up` has two, `up|node_.*` has `up`. Nothing is known of a pattern that can begin with anything
/// (`.*_total|up`), has flags (`(?i)up`) or can't be read: which series it finds is for Prometheus to say. What holds a
/// variable of the dashboard is no name either.
pub(super) fn names(pattern: &str) -> Vec<String> {
    if pattern.len() > MAX_PATTERN_BYTES || has_flags(pattern) {
        return Vec::new();
    }
    // Without Unicode no class has more than 256 members: with it, 1 KiB of `\w` takes milliseconds.
    let mut parser = ParserBuilder::new()
        .nest_limit(MAX_DEPTH)
        .unicode(false)
        .utf8(false)
        .build();
    let Ok(tree) = parser.parse(&without_variables(pattern)) else {
        return Vec::new();
    };
    let mut extractor = Extractor::new();
    extractor.limit_total(MAX_NAMES).limit_literal_len(MAX_PATTERN_BYTES);
    let prefixes = extractor.extract(&tree);
    // A prefix that is a whole match is called exact.
    let literals = prefixes.literals().unwrap_or_default().iter();
    literals
        .filter(|literal| literal.is_exact())
        .filter_map(|literal| str::from_utf8(literal.as_bytes()).ok())
        .filter(|name| !name.contains(VARIABLE))
        .map(str::to_owned)
        .collect()
}

/// Whether a group of `pattern` is more than a group without a name; flags could turn Unicode on.
fn has_flags(pattern: &str) -> bool {
    pattern.split("(?").skip(1).any(|group| !group.starts_with(':'))
}

/// `pattern` with [`VARIABLE`] in place of each variable.
fn without_variables(pattern: &str) -> String {
    let mut pieces = pattern.split('$');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match split_reference(piece) {
            Some((_, rest)) => {
                text.push(VARIABLE);
                text.push_str(rest);
            }
            None => {
                text.push('$');
                text.push_str(piece);
            }
        }
    }
    text
}
