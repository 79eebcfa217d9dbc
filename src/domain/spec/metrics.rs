//! The names of the metrics that a PromQL expression uses.
//!
//! What belongs here: from the text of one expression to names. Which texts of a dashboard are PromQL is for
//! [`super::search_terms`] to know.
//!
//! # How
//! An expression of a dashboard is no PromQL yet: it has variables (`$job`, `${job:regex}`, `[$__rate_interval]`). It is split
//! into [`tokens`], written again as [`plain`] PromQL without them, and read by a parser that knows the grammar of Prometheus.
//!
//! - A name is that of a selector (`up`, `{"up"}`), or of a matcher `__name__="up"`. A matcher `__name__=~"…"` has the names
//!   that are written out in its [`pattern`]; one that excludes names has none.
//! - A name with a variable in it, whole (`$metric`) or in part (`node_${what}_total`), is not known and so is none.
//! - What the parser refuses is searched for words that can be names where they stand. So an expression that is half typed or
//!   written for a newer Prometheus is found too, and never refuses a document.

mod pattern;
mod plain;
mod tokens;

use std::collections::BTreeSet;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{self, Expr, VectorSelector};

use self::plain::{LabelMatcher, Opening};
use self::tokens::{Text, Token, Variables, Word};

/// The most tokens of an expression that is parsed; a longer one is searched for words. The parser's tree of a long sum is as
/// deep as the sum is long, and is visited with recursion.
const MAX_PARSED_TOKENS: usize = 2_000;

/// The longest name in bytes; Prometheus has no limit.
pub(super) const MAX_NAME_BYTES: usize = 256;

/// Adds the names of the metrics that `expression` uses to `names`.
///
/// It takes any text, in time proportional to its length.
pub(super) fn collect(expression: &str, names: &mut BTreeSet<String>) {
    let tokens = tokens::split(expression);
    match parse(&tokens) {
        Some(tree) => collect_from_tree(&tree, &tokens, names),
        None => collect_from_words(&tokens, names),
    }
}

/// The tree of an expression; none if it is too long or no PromQL.
fn parse(tokens: &[Token<'_>]) -> Option<Expr> {
    if tokens.len() > MAX_PARSED_TOKENS {
        return None;
    }
    let text = plain::write(tokens)?;
    parser::parse(&text).ok()
}

fn collect_from_tree(tree: &Expr, tokens: &[Token<'_>], names: &mut BTreeSet<String>) {
    let mut unvisited = vec![tree];
    while let Some(expr) = unvisited.pop() {
        match expr {
            Expr::Aggregate(aggregate) => {
                unvisited.push(&aggregate.expr);
                unvisited.extend(aggregate.param.as_deref());
            }
            Expr::Unary(unary) => unvisited.push(&unary.expr),
            Expr::Binary(binary) => unvisited.extend([&*binary.lhs, &*binary.rhs]),
            Expr::Paren(paren) => unvisited.push(&paren.expr),
            Expr::Subquery(subquery) => unvisited.push(&subquery.expr),
            Expr::Call(call) => unvisited.extend(call.args.args.iter().map(|argument| &**argument)),
            Expr::VectorSelector(selector) => collect_from_selector(selector, tokens, names),
            Expr::MatrixSelector(selector) => collect_from_selector(&selector.vs, tokens, names),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }
}

fn collect_from_selector(selector: &VectorSelector, tokens: &[Token<'_>], names: &mut BTreeSet<String>) {
    if let Some(name) = selector.name.as_deref().filter(|name| *name != plain::UNKNOWN_NAME) {
        insert(name, names);
    }
    let matchers = &selector.matchers;
    for matcher in matchers.matchers.iter().chain(matchers.or_matchers.iter().flatten()) {
        let Matcher { op, name, value } = matcher;
        if name != plain::NAME_LABEL {
            continue;
        }
        let Some(text) = plain::text_of(tokens, value) else {
            continue;
        };
        match op {
            MatchOp::Equal => collect_equal(text, names),
            MatchOp::Re(_) => collect_matching(text, names),
            MatchOp::NotEqual | MatchOp::NotRe(_) => {}
        }
    }
}

/// Collects the words that can be names where they stand.
fn collect_from_words(tokens: &[Token<'_>], names: &mut BTreeSet<String>) {
    let mut open: Vec<Opening> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if let Some(opening) = Opening::of(tokens, index) {
            open.push(opening);
        } else if open.last().is_some_and(|opening| opening.is_closed_by(token)) {
            open.pop();
        }
        match (open.last(), &tokens[index..]) {
            (Some(Opening::Selector), rest) => collect_from_matcher(rest, names),
            (None | Some(Opening::Parenthesis), [Token::Word(word), rest @ ..]) if is_name(*word, rest.first()) => {
                insert(word.text, names);
            }
            _ => {}
        }
    }
}

/// Collects the names of the matcher that `tokens` begin with; a string alone is a name.
fn collect_from_matcher(tokens: &[Token<'_>], names: &mut BTreeSet<String>) {
    match (LabelMatcher::first_of(tokens), tokens) {
        (Some(matcher), _) if !matcher.names_metrics() => {}
        (Some(matcher), _) if matcher.operator == "=" => collect_equal(matcher.value, names),
        (Some(matcher), _) => collect_matching(matcher.value, names),
        (
            None,
            [
                Token::Symbol("{" | ","),
                Token::Text(name),
                Token::Symbol("," | "}"),
                ..,
            ],
        ) => collect_equal(*name, names),
        (None, _) => {}
    }
}

/// Whether `word` can be the name of a metric before the token `next`.
fn is_name(word: Word<'_>, next: Option<&Token<'_>>) -> bool {
    let is_called_or_compared = match next {
        Some(Token::Symbol(symbol)) => matches!(*symbol, "(" | "=" | "=~" | "!~"),
        Some(Token::Word(_) | Token::Text(_)) | None => false,
    };
    let is_identifier = word.variables == Variables::None && !word.is_number() && !word.text.contains('.');
    is_identifier && !is_called_or_compared && !word.is_keyword()
}

fn collect_equal(text: Text<'_>, names: &mut BTreeSet<String>) {
    if let Some(name) = text.unescaped().filter(|name| !tokens::has_variable(name)) {
        insert(&name, names);
    }
}

fn collect_matching(text: Text<'_>, names: &mut BTreeSet<String>) {
    if let Some(pattern) = text.unescaped() {
        for name in pattern::names(&pattern) {
            insert(&name, names);
        }
    }
}

/// Adds a name, unless no database or person could do anything with it.
fn insert(name: &str, names: &mut BTreeSet<String>) {
    let is_useful = !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.contains(char::is_control);
    if is_useful && !names.contains(name) {
        names.insert(name.to_owned());
    }
}

#[cfg(test)]
mod tests;
