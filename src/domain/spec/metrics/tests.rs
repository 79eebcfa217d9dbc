use proptest::prelude::*;

use super::*;

fn names(expression: &str) -> Vec<String> {
    let mut names = MetricNames::new();
    names.add(expression);
    names.into_sorted().collect()
}

/// Whether the parser took it, so that words were not looked for.
fn is_parsed(expression: &str) -> bool {
    MetricNames::new().parse(&tokens::split(expression)).is_some()
}

/// What a case is about, the expression, the names in it.
type Case = (&'static str, &'static str, &'static [&'static str]);

/// Expressions that the parser reads.
const PARSED: &[Case] = &[
    ("a name", "up", &["up"]),
    ("a recorded name", "job:up:sum", &["job:up:sum"]),
    ("a name that begins with a colon", ":node_memory:", &[":node_memory:"]),
    ("a number", "42", &[]),
    ("a large number", "1e400 + 0x1F + Inf - NaN + .5", &[]),
    ("a string", r#""up""#, &[]),
    ("labels", r#"up{job="a",instance!="b",x=~"c.*",y!~"d"}"#, &["up"]),
    ("no labels", "up{}", &["up"]),
    ("a comma at the end", r#"up{job="a",}"#, &["up"]),
    (
        "labels of all capitals",
        r#"DCGM_FI_DEV_GPU_UTIL{Hostname="a"}"#,
        &["DCGM_FI_DEV_GPU_UTIL"],
    ),
    ("a range", "rate(http_requests_total[5m])", &["http_requests_total"]),
    ("a subquery", "max_over_time(rate(a[5m])[1h:30s])", &["a"]),
    ("a subquery without step", "max_over_time(a[1h:])", &["a"]),
    ("a range of hostile size", "rate(a[1e300])", &["a"]),
    ("an offset", "a offset 1h - b offset -5m", &["a", "b"]),
    ("a moment", "a @ 1609746000 + b @ start() + c @ end()", &["a", "b", "c"]),
    (
        "operators",
        "a + b - c * d / e % f ^ g",
        &["a", "b", "c", "d", "e", "f", "g"],
    ),
    (
        "comparisons",
        "a == b != c > d < e >= f <= bool g",
        &["a", "b", "c", "d", "e", "f", "g"],
    ),
    ("sets", "a and b or c unless d", &["a", "b", "c", "d"]),
    ("keywords in capitals", "SUM BY (job) (a AND b)", &["a", "b"]),
    ("signs", "-a + -(+b)", &["a", "b"]),
    ("an aggregation", "sum by (job, le) (a)", &["a"]),
    ("labels at the end", "sum(a) without (instance)", &["a"]),
    ("labels that are names elsewhere", "sum by (up, a) (b)", &["b"]),
    ("a parameter", "topk(5, a)", &["a"]),
    (
        "a name for values",
        r#"count_values("version", build_info)"#,
        &["build_info"],
    ),
    ("matching", "a * on (namespace, pod) group_left (node) b", &["a", "b"]),
    (
        "matching without labels",
        "a / ignoring (code) group_right b",
        &["a", "b"],
    ),
    (
        "a call",
        "histogram_quantile(0.99, sum by (le) (rate(a_bucket[5m])))",
        &["a_bucket"],
    ),
    (
        "a call without arguments",
        "time() - process_start_time_seconds",
        &["process_start_time_seconds"],
    ),
    (
        "strings as arguments",
        r#"label_replace(a, "dst", "$1", "src", "(.*)")"#,
        &["a"],
    ),
    ("a name twice", "a / (a + b)", &["a", "b"]),
    ("a keyword as a name", "sum / count", &["count", "sum"]),
    ("comments", "a # + b\n + c # d", &["a", "c"]),
    ("lines", "sum(\n  a\n)\n/\nsum(\n\tb\n)", &["a", "b"]),
    ("the label of the name", r#"{__name__="up"}"#, &["up"]),
    ("the label of the name in quotes", r#"{"__name__"="up"}"#, &["up"]),
    (
        "the label of the name among others",
        r#"sum({job="a", __name__="up", x=~"y"})"#,
        &["up"],
    ),
    ("another name than that", r#"{__name__!="up", job="a"}"#, &[]),
    (
        "another name than that and one",
        r#"{__name__!="up",__name__=~"a|up"}"#,
        &["a", "up"],
    ),
    ("no name", r#"{job="a"}"#, &[]),
    ("no name beside one", r#"count({job="a"}) / b"#, &["b"]),
    ("no name behind a keyword", r#"a and {job="b"}"#, &["a"]),
    ("a name in quotes", r#"{"up", job="a"}"#, &["up"]),
    (
        "a name that takes quotes",
        r#"sum(rate({"http.server.duration"}[5m]))"#,
        &["http.server.duration"],
    ),
    ("a label that takes quotes", r#"{"up", "k8s.pod"="a"}"#, &["up"]),
    ("other quotes", "{__name__='a'} + {__name__=`b`}", &["a", "b"]),
    ("an escape", r#"{__name__="a\"b"}"#, &["a\"b"]),
    ("no escape", r"{__name__=`a\b`}", &[r"a\b"]),
    (
        "an optional part",
        r#"{__name__=~"(kserve_)?vllm:num_requests_running"}"#,
        &["kserve_vllm:num_requests_running", "vllm:num_requests_running"],
    ),
    (
        "alternatives",
        r#"{__name__=~"a|b|c_(x|y)"}"#,
        &["a", "b", "c_x", "c_y"],
    ),
    (
        "a group without a name",
        r#"{__name__=~"(?:a|b)_total"}"#,
        &["a_total", "b_total"],
    ),
    ("anchors", r#"{__name__=~"^up$"}"#, &["up"]),
    (
        "a class",
        r#"{__name__=~"node_load[15]"}"#,
        &["node_load1", "node_load5"],
    ),
    ("an escaped dot", r#"{__name__=~"http\\.server"}"#, &["http.server"]),
    ("one of many", r#"{__name__=~"up|node_.*"}"#, &["up"]),
    ("any", r#"{__name__=~".+"}"#, &[]),
    ("a beginning", r#"{__name__=~"node_.*"}"#, &[]),
    ("an end", r#"{__name__=~".*_total"}"#, &[]),
    ("too many", r#"{__name__=~"[0-9][0-9][0-9]"}"#, &[]),
    ("flags", r#"{__name__=~"(?i)up"}"#, &[]),
    ("not those", r#"{__name__!~"up|a", job="b"}"#, &[]),
    (
        "a variable as a label",
        r#"up{job="$job",x=~"${x:regex}",$label="y"}"#,
        &["up"],
    ),
    ("a variable as a range", "rate(a[$__rate_interval])", &["a"]),
    ("a variable in braces as a range", "increase(a[${window}])", &["a"]),
    ("a variable as a part of a range", "increase(a[${hours}h])", &["a"]),
    (
        "variables in a subquery",
        "avg_over_time(rate(a[$__rate_interval])[$__range:$__interval])",
        &["a"],
    ),
    (
        "a variable in a subquery without step",
        "max_over_time(a[$__range:])",
        &["a"],
    ),
    ("a variable as an offset", "a - a offset $shift", &["a"]),
    ("a variable as a negative offset", "a offset -${shift}", &["a"]),
    ("a variable as a moment", "a @ $moment", &["a"]),
    ("a variable as a parameter", "topk($n, a)", &["a"]),
    (
        "a variable as a quantile",
        "histogram_quantile($q, sum by (le) (rate(a_bucket[5m])))",
        &["a_bucket"],
    ),
    ("a variable as the last argument", "clamp_max(a, $most)", &["a"]),
    ("a variable as a threshold", "a > $threshold", &["a"]),
    ("a variable as a factor", "a * ${factor} / 1e3", &["a"]),
    ("a variable as a name", r#"sum(rate($metric{job="a"}[5m])) / b"#, &["b"]),
    ("a variable as a name alone", "$metric", &[]),
    ("a variable as a name in a call", "rate(${metric}[5m])", &[]),
    (
        "a variable as a part of a name",
        "node_${what}_total + $prefix:up + a",
        &["a"],
    ),
    (
        "a variable as a name in quotes",
        r#"{__name__="$metric"} or {__name__=~"$a|b|c_${d}"}"#,
        &["b"],
    ),
    (
        "a variable as a matcher",
        r#"a{$filter} + b{job="c", ${more}}"#,
        &["a", "b"],
    ),
    ("a variable as labels", "sum by ($by, ${also}) (a)", &["a"]),
    (
        "a variable as an aggregation",
        "$how by (pod) (a) + ${how:raw}(b)",
        &["a", "b"],
    ),
    ("a variable with a path", r#"a{b="${c.text}"}"#, &["a"]),
];

/// Expressions that the parser refuses, searched for words.
const UNPARSED: &[Case] = &[
    ("nothing", "", &[]),
    ("blanks", " \n\t", &[]),
    ("a comment", "# up", &[]),
    ("a bracket too few", "sum(rate(a[5m]) / b", &["a", "b"]),
    ("a bracket too many", "sum(a)) + b", &["a", "b"]),
    ("the wrong bracket", "sum(a] + b", &["a", "b"]),
    ("no second operand", "a +", &["a"]),
    ("a string without end", r#"rate(a{job="b}[5m])"#, &["a"]),
    ("an unknown function", "new_function(a[5m], up)", &["a", "up"]),
    ("a type that does not fit", "rate(a)", &["a"]),
    ("arithmetic in a range", "rate(a[$__range / 2]) by (job) b", &["a", "b"]),
    ("variables as operators", "a $op b", &["a", "b"]),
    ("a variable as a range function", "${how}_over_time(a[5m])", &["a"]),
    ("a label without a string", "a{job=b, c} + d", &["a", "d"]),
    ("a matcher without braces", "a{} job = \"b\"", &["a"]),
    (
        "the label of the name",
        r#"sum({__name__="a", x="y"}, {__name__=~"b|c"}, {__name__!="d"}"#,
        &["a", "b", "c"],
    ),
    ("labels", "sum by (job) (a) by (le", &["a"]),
    ("no metric in capitals", "SUM BY (a) (b) AND", &["b"]),
    ("another language", "a ü b", &["a", "b"]),
];

#[test]
fn names_are_found() {
    for (what, expression, expected) in PARSED {
        assert!(is_parsed(expression), "{what}: {expression}");
        assert_eq!(names(expression), *expected, "{what}: {expression}");
    }
    for (what, expression, expected) in UNPARSED {
        assert!(!is_parsed(expression), "{what}: {expression}");
        assert_eq!(names(expression), *expected, "{what}: {expression}");
    }
}

#[test]
fn what_is_not_parsed_has_the_same_names_in_most_cases() {
    // An operator that is missing keeps the parser away from all of them.
    let differing = PARSED.iter().filter(|(_, expression, expected)| {
        let unparsed = format!("({expression}\n) +");
        names(&unparsed) != *expected
    });
    let differing: Vec<&str> = differing.map(|(what, _, _)| *what).collect();
    assert_eq!(differing, ["a keyword as a name"]);
}

#[test]
fn names_that_nobody_can_use_are_left_out() {
    let longest = "a".repeat(MAX_NAME_BYTES);
    assert_eq!(names(&longest), [longest.as_str()]);
    assert_eq!(names(&format!("{longest}a")), [""; 0]);
    assert_eq!(names(r#"{__name__=""} + {__name__=~"(\\x00|a\\n)b|"}"#), [""; 0]);
    assert_eq!(names(r#"{__name__="\x41"}"#), [""; 0]);
}

#[test]
fn what_is_parsed_of_a_document_is_bounded() {
    let mut names = MetricNames::new();
    // A keyword that the parser takes for a name, and the search for words does not.
    for _ in 0..MAX_DOCUMENT_TOKENS {
        names.add("a");
    }
    names.add("sum / count");
    names.add(r#"{__name__=~"b"} + {__name__="c"}"#);
    assert!(names.into_sorted().eq(["a", "c"]));
}

#[test]
fn hostile_expressions_take_a_bounded_stack_and_no_time() {
    // A quarter of what a thread of the service has.
    let thread = std::thread::Builder::new().stack_size(512 * 1024);
    let hostile = thread.spawn(|| {
        let count = 20_000;
        for part in [
            "(",
            "[",
            "{",
            ")",
            "-",
            "sum(",
            "a+",
            "a[",
            "(a)+",
            "\"",
            "'\\",
            "`",
            "${",
            "${a:",
            "$",
            "#",
            "a{",
            "by(",
            "1^",
            "a offset ",
            "1 and ",
        ] {
            names(&part.repeat(count));
        }
        for (open, middle, close) in [
            ("(", "up", ")"),
            ("sum(", "up", ")"),
            ("-(", "1", ")"),
            ("abs(", "up", ")"),
            ("(1+", "1", ")"),
        ] {
            for depth in [60, 64, 65, 120, count] {
                let expression = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
                let expected: &[&str] = if middle == "up" { &["up"] } else { &[] };
                assert_eq!(names(&expression), expected);
                assert_eq!(is_parsed(&expression), depth <= 64);
            }
        }
        for (operand, operator) in [
            ("up", "+"),
            ("1", "-"),
            ("up", "^"),
            ("up", " and "),
            ("1", "^"),
            ("up", "=="),
        ] {
            for length in [MAX_EXPRESSION_TOKENS / 2, count] {
                let sum = vec![operand; length].join(operator);
                assert_eq!(
                    is_parsed(&sum),
                    length <= MAX_EXPRESSION_TOKENS / 2,
                    "{length} {operator}"
                );
                names(&sum);
            }
        }
        for pattern in [
            "(a|b)", "[ab]", "\\\\w", "a{1000}", "(a*)*", "(", "(?i)", "(?:", "$a", "a|",
        ] {
            for length in [10, 100, 1_000] {
                names(&format!("{{__name__=~\"{}\"}}", pattern.repeat(length)));
            }
        }
    });
    hostile.unwrap().join().unwrap();
}

proptest! {
    #[test]
    fn any_text_has_names_that_are_in_it(text in "([a-c]|\\$a|\\$\\{a\\}|__name__|sum|by|offset|[ (){}\\[\\]\"'`,:=~!+@#.\\\\0-9-]|[\u{e0}-\u{ff}]|\\PC){0,40}") {
        for name in names(&text) {
            prop_assert!(!name.is_empty() && name.len() <= MAX_NAME_BYTES);
            prop_assert_ne!(name, plain::UNKNOWN_NAME);
        }
    }

    #[test]
    fn a_selector_is_found_wherever_it_stands(
        prefix in "[a-z_:][a-z0-9_:]{0,10}",
        around in prop::collection::vec(prop::sample::select(vec![
            ("sum by (job) (", ")"), ("(", ")"), ("rate(", "[$__rate_interval])"), ("topk($n, ", ")"), ("-", ""), ("1 + ", " > $limit"),
            ("", " offset $shift"), ("(", "{job=~\"$job\"})"), ("max_over_time(", "[1h:$step])"),
        ]), 0..6),
    ) {
        let name = format!("metric_{prefix}");
        let expression = around.iter().fold(name.clone(), |inner, (before, after)| format!("{before}{inner}{after}"));
        prop_assert_eq!(names(&expression), [name]);
    }
}
