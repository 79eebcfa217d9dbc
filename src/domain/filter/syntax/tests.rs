use proptest::prelude::*;

use super::*;

/// Writes `expr` with every parenthesis that it has in mind.
fn show(expr: &Expr<Comparison>) -> String {
    match expr {
        Expr::And(parts) => format!("({})", show_all(parts, " AND ")),
        Expr::Or(parts) => format!("({})", show_all(parts, " OR ")),
        Expr::Not(inner) if matches!(**inner, Expr::Not(_)) => format!("NOT ({})", show(inner)),
        Expr::Not(inner) => format!("NOT {}", show(inner)),
        Expr::Term(term) => {
            let path: Vec<String> = term.path.iter().map(|segment| quote(segment)).collect();
            let value = match &term.value {
                Value::Text(text) => quote(text),
                Value::Anything => "*".into(),
            };
            format!("{}{}{value}", path.join("."), term.operator)
        }
    }
}

fn show_all(parts: &[Expr<Comparison>], between: &str) -> String {
    parts.iter().map(show).collect::<Vec<_>>().join(between)
}

/// Puts `text` in quotes unless it is a short plain word.
fn quote(text: &str) -> String {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase());
    match plain {
        true => text.to_owned(),
        false => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

#[test]
fn precedence_is_that_of_aip_160() {
    for (filter, meaning) in [
        ("a=x", "a=x"),
        (" a = x ", "a=x"),
        ("a=x AND b=y AND c=z", "(a=x AND b=y AND c=z)"),
        ("a=x OR b=y OR c=z", "(a=x OR b=y OR c=z)"),
        ("a=x AND b=y OR c=z", "(a=x AND (b=y OR c=z))"),
        ("a=x OR b=y AND c=z OR d=w", "((a=x OR b=y) AND (c=z OR d=w))"),
        ("(a=x AND b=y) OR c=z", "((a=x AND b=y) OR c=z)"),
        ("NOT a=x OR b=y", "(NOT a=x OR b=y)"),
        ("NOT (a=x OR b=y)", "NOT (a=x OR b=y)"),
        ("-a=x AND -(b=y)", "(NOT a=x AND NOT b=y)"),
        ("((a=x))", "a=x"),
        ("(a=x)AND(b=y)", "(a=x AND b=y)"),
        ("a=x\n\tAND\u{a0}b=y", "(a=x AND b=y)"),
    ] {
        assert_eq!(
            parse(filter).map(|expr| show(&expr)),
            Ok(meaning.to_owned()),
            "{filter}"
        );
    }
}

#[test]
fn operators_fields_and_values_are_told_apart() {
    for (filter, meaning) in [
        ("a!=x", "a!=x"),
        ("a<=x AND a>=x AND a<x AND a>x", "(a<=x AND a>=x AND a<x AND a>x)"),
        ("a:x", "a:x"),
        ("a:*", "a:*"),
        ("a:\"*\"", "a:\"*\""),
        ("a:x*", "a:\"x*\""),
        ("a.b = x", "a.b=x"),
        ("a.\"b.c\" = x", "a.\"b.c\"=x"),
        ("a = user:x.y/z-1", "a=\"user:x.y/z-1\""),
        ("a = 'it\\'s \"so\"'", "a=\"it's \\\"so\\\"\""),
        ("a = \"back\\\\slash\"", "a=\"back\\\\slash\""),
        ("a = ''", "a=\"\""),
        ("a = \"AND\"", "a=\"AND\""),
        ("a = ANDROID", "a=\"ANDROID\""),
        ("a = é", "a=\"é\""),
    ] {
        assert_eq!(
            parse(filter).map(|expr| show(&expr)),
            Ok(meaning.to_owned()),
            "{filter}"
        );
    }
}

#[test]
fn what_leaves_the_grammar_is_refused_where_it_does() {
    for (filter, offset, description) in [
        ("a", 1, "expected one of the operators = != < <= > >= :, found the end"),
        ("a =", 3, "expected a value, found the end"),
        ("= x", 0, "expected a field, found '='"),
        ("a == x", 3, "expected a value, found '='"),
        ("a :: x", 3, "expected a value, found ':'"),
        ("a = x b = y", 6, "expected AND, OR or the end, found 'b'"),
        ("a = x and b = y", 6, "expected AND, OR or the end, found 'a'"),
        ("a = x AND", 9, "expected a field, found the end"),
        (
            "a = x AND OR b = y",
            10,
            "expected a field, found OR: put it in quotes if you mean the word",
        ),
        (
            "a = AND b = y",
            4,
            "expected a value, found AND: put it in quotes if you mean the word",
        ),
        (
            "NOT NOT a = x",
            4,
            "expected a field, found NOT: put it in quotes if you mean the word",
        ),
        ("(a = x", 6, "expected AND, OR or \")\", found the end"),
        ("a = x)", 5, "expected AND, OR or the end, found ')'"),
        ("()", 1, "expected a field, found ')'"),
        ("a. = x", 2, "expected a field, found ' '"),
        (
            "a . b = x",
            2,
            "expected one of the operators = != < <= > >= :, found '.'",
        ),
        ("a = \"x", 4, "the string that begins here does not end"),
        (
            "a = \"x\\n\"",
            6,
            "a \\ in a string stands before a quote or another \\",
        ),
        ("a = f(x)", 5, "expected AND, OR or the end, found '('"),
        ("a = x, b", 5, "expected AND, OR or the end, found ','"),
        ("a = \u{1}", 4, "expected a value, found '\\u{1}'"),
        ("a = 'é\0'", 7, "the character U+0000 is not allowed"),
    ] {
        assert_eq!(parse(filter), Err(Problem::new(offset, description)), "{filter}");
    }
}

#[test]
fn terms_and_depth_are_bounded() {
    let terms = |count: usize| vec!["a=x"; count].join(" AND ");
    assert!(parse(&terms(MAX_TERMS)).is_ok());
    let refused = parse(&terms(MAX_TERMS + 1));
    assert_eq!(refused, Err(Problem::new(8 * MAX_TERMS, "more than 32 comparisons")));

    let nested = |depth: usize| format!("{}a=x{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    let refused = parse(&nested(MAX_DEPTH + 1));
    assert_eq!(
        refused,
        Err(Problem::new(MAX_DEPTH, "more than 16 parentheses inside each other"))
    );
    assert!(parse(&"-(".repeat(1000)).is_err());
    assert!(parse(&"(".repeat(1_000_000)).is_err());

    let beside = vec!["(a=x)"; MAX_TERMS].join(" OR ");
    assert!(parse(&beside).is_ok());
}

/// Filters that parse: at most 27 comparisons, at most 3 parentheses deep.
fn filters() -> impl Strategy<Value = String> {
    let operator = prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">=", ":"]);
    let comparison = ("[a-z.]{1,3}", operator, "[^\0]{0,4}")
        .prop_map(|(field, operator, value)| format!("{}{operator}{}", quote(&field), quote(&value)));
    comparison.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" AND "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" OR "))),
            inner.prop_map(|part| format!("NOT ({part})")),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused_at_a_character(text in any::<String>()) {
        if let Err(problem) = parse(&text) {
            prop_assert!(text.is_char_boundary(problem.offset), "{problem:?}");
        }
    }

    #[test]
    fn text_like_a_filter_is_parsed_or_refused_at_a_character(text in "([a=!<>:()\"'\\\\ .*é-]|AND |OR |NOT ){0,60}") {
        if let Err(problem) = parse(&text) {
            prop_assert!(text.is_char_boundary(problem.offset), "{problem:?}");
        }
    }

    #[test]
    fn a_tree_survives_being_written_and_parsed(filter in filters()) {
        let shown = parse(&filter).map(|expr| show(&expr));
        prop_assert!(shown.is_ok(), "{shown:?}");
        let again = shown.clone().and_then(|text| parse(&text)).map(|expr| show(&expr));
        prop_assert_eq!(again, shown);
    }
}
