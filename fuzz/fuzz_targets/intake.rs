//! Documents: what is taken is JSON and stays as it was written, what is refused has reasons that fit an answer.

#![no_main]

use dashboard_store_fuzz::domain::spec::{DashboardSpec, SpecLimits};
use dashboard_store_fuzz::domain::violation::MAX_VIOLATIONS;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

/// More than any path or description needs: one that grows with the document would not fit an answer.
const MAX_TEXT_BYTES: usize = 2048;

fuzz_target!(|text: &str| {
    match DashboardSpec::parse(text.to_owned(), &SpecLimits::default()) {
        Ok(spec) => {
            assert_eq!(spec.text(), text);
            assert!(
                serde_json::from_str::<IgnoredAny>(text).is_ok(),
                "taken, and no JSON to others"
            );
            assert!(spec.warnings().iter().all(|warning| warning.len() < MAX_TEXT_BYTES));
        }
        Err(violations) => {
            assert!((1..=MAX_VIOLATIONS).contains(&violations.len()));
            for violation in violations {
                assert!(violation.field.is_empty() || violation.field.starts_with('/'));
                assert!(violation.field.len() < MAX_TEXT_BYTES);
                assert!(violation.description.len() < MAX_TEXT_BYTES);
            }
        }
    }
});
