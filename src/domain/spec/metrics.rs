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

use promql_parser::parser::{self, Expr, VectorSelector};

use self::plain::{LabelMatcher, Opening};
use self::tokens::{Text, Token, Variables, Word};

/// The most tokens of an expression that is parsed; people write at most some 120. The parser's tree of a long sum is as deep as the sum is long: it is
/// dropped with recursion, and built in time that grows with the square of its depth.
const MAX_EXPRESSION_TOKENS: usize = 500;

/// The most tokens, and bytes of patterns, of a document that are parsed; what comes after is searched for words.
/// Dashboards of 60 KB have some 4,500.
const MAX_DOCUMENT_TOKENS: usize = 30_000;

/// The longest name in bytes; Prometheus has no limit.
pub(super) const MAX_NAME_BYTES: usize = 256;

/// The names of the metrics that the expressions of a document use.
pub(super) struct MetricNames {
    names: BTreeSet<String>,
    /// How much of [`MAX_DOCUMENT_TOKENS`] is left.
    tokens_left: usize,
}

impl MetricNames {
    /// No names.
    pub(super) fn new() -> Self {
        Self {
            names: BTreeSet::new(),
            tokens_left: MAX_DOCUMENT_TOKENS,
        }
    }

    /// The names, sorted.
    pub(super) fn into_sorted(self) -> impl Iterator<Item = String> {
        self.names.into_iter()
    }

    /// Adds the names of the metrics that `expression`, which may be any text, uses.
    pub(super) fn add(&mut self, expression: &str) {
        let tokens = tokens::split(expression);
        match self.parse(&tokens) {
            Some(tree) => self.add_tree(&tree, &tokens),
            None => self.add_words(&tokens),
        }
    }

    /// The tree of an expression; none if it is too long or no PromQL.
    fn parse(&mut self, tokens: &[Token<'_>]) -> Option<Expr> {
        if tokens.len() > MAX_EXPRESSION_TOKENS || !self.takes(tokens.len()) {
            return None;
        }
        let text = plain::write(tokens)?;
        parser::parse(&text).ok()
    }

    /// Takes `tokens` from what is left; nothing and false if that is less.
    fn takes(&mut self, tokens: usize) -> bool {
        let left = self.tokens_left.checked_sub(tokens);
        self.tokens_left = left.unwrap_or(self.tokens_left);
        left.is_some()
    }

    fn add_tree(&mut self, tree: &Expr, tokens: &[Token<'_>]) {
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
                Expr::VectorSelector(selector) => self.add_selector(selector, tokens),
                Expr::MatrixSelector(selector) => self.add_selector(&selector.vs, tokens),
                Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
            }
        }
    }

    fn add_selector(&mut self, selector: &VectorSelector, tokens: &[Token<'_>]) {
        if let Some(name) = selector.name.as_deref().filter(|name| *name != plain::UNKNOWN_NAME) {
            self.insert(name);
        }
        let matchers = &selector.matchers;
        let matchers = matchers.matchers.iter().chain(matchers.or_matchers.iter().flatten());
        for matcher in matchers.filter(|matcher| matcher.name == plain::NAME_LABEL) {
            if let Some((text, is_pattern)) = plain::text_of(tokens, &matcher.value) {
                self.add_text(text, is_pattern);
            }
        }
    }

    /// Adds the words that can be names where they stand.
    fn add_words(&mut self, tokens: &[Token<'_>]) {
        let mut open: Vec<Opening> = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            if let Some(opening) = Opening::of(tokens, index) {
                open.push(opening);
            } else if open.last().is_some_and(|opening| opening.is_closed_by(token)) {
                open.pop();
            }
            match (open.last(), &tokens[index..]) {
                (Some(Opening::Selector), rest) => self.add_matcher(rest),
                (None | Some(Opening::Parenthesis), [Token::Word(word), rest @ ..]) if is_name(*word, rest.first()) => {
                    self.insert(word.text);
                }
                _ => {}
            }
        }
    }

    /// Adds the names of the matcher that `tokens` begin with; a string alone is a name.
    fn add_matcher(&mut self, tokens: &[Token<'_>]) {
        match (LabelMatcher::first_of(tokens), tokens) {
            (Some(matcher), _) if matcher.names_metrics() => self.add_text(matcher.value, matcher.operator == "=~"),
            (
                None,
                [
                    Token::Symbol("{" | ","),
                    Token::Text(name),
                    Token::Symbol("," | "}"),
                    ..,
                ],
            ) => {
                self.add_text(*name, false);
            }
            _ => {}
        }
    }

    /// Adds the names that a string stands for.
    fn add_text(&mut self, text: Text<'_>, is_pattern: bool) {
        let Some(text) = text.unescaped() else {
            return;
        };
        if !is_pattern {
            if !tokens::has_variable(&text) {
                self.insert(&text);
            }
        } else if self.takes(text.len()) {
            for name in pattern::names(&text) {
                self.insert(&name);
            }
        }
    }

    /// Adds a name, unless no database or person could do anything with it.
    fn insert(&mut self, name: &str) {
        let is_useful = !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.contains(char::is_control);
        if is_useful && !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
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

#[cfg(test)]
mod tests;
