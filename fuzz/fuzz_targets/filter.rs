//! Filters: what is taken means the same when it is read again, what is refused says where, inside the text.

#![no_main]

use dashboard_store_fuzz::domain::filter::Filter;
use dashboard_store_fuzz::domain::reason::Reason;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Filter::parse("filter", text) {
        Ok(None) => assert_eq!(text.trim(), ""),
        Ok(Some(filter)) => {
            let again = Filter::parse("filter", filter.text());
            assert_eq!(again, Ok(Some(filter)));
        }
        Err(violation) => {
            if violation.reason == Reason::InvalidFilter {
                let position = position(&violation.description);
                assert!(
                    (1..=text.chars().count() + 1).contains(&position),
                    "{}",
                    violation.description
                );
            }
        }
    }
});

/// The position that a description begins with: `at character 7: …`.
fn position(description: &str) -> usize {
    let number = description
        .strip_prefix("at character ")
        .and_then(|rest| rest.split_once(':'));
    number.and_then(|(number, _)| number.parse().ok()).unwrap_or(0)
}
