//! What the rules find in a document.

use super::pointer::Pointer;
use crate::domain::reason::Reason;
use crate::domain::violation::{MAX_VIOLATIONS, Violation};

/// The most warnings that one answer carries.
const MAX_WARNINGS: usize = 50;

/// Violations, which refuse the document, and warnings, which don't.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) violations: Vec<Violation>,
    pub(super) warnings: Vec<String>,
}

impl Findings {
    /// Notes that what is at `pointer` breaks a rule of Perses.
    pub(super) fn refuse(&mut self, pointer: &Pointer<'_>, description: impl Into<String>) {
        if self.violations.len() < MAX_VIOLATIONS {
            let violation = Violation::new(pointer.to_field(), Reason::SpecInvalid, description);
            self.violations.push(violation);
        }
    }

    /// Notes, once, what is legal and probably not meant.
    pub(super) fn warn(&mut self, warning: String) {
        if self.warnings.len() < MAX_WARNINGS && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}
