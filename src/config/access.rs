//! Who may do everything without a grant.

use super::args::AccessArgs;
use super::problem::Reader;
use crate::domain::subject::Subject;

/// Who may do everything without a grant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessConfig {
    /// Users and groups that are platform-admin by configuration.
    pub bootstrap_admins: Vec<Subject>,
}

impl AccessConfig {
    /// Reads the options.
    pub(super) fn read(reader: &mut Reader, args: AccessArgs) -> Self {
        let AccessArgs { bootstrap_admins } = args;
        Self {
            bootstrap_admins: reader
                .read("BOOTSTRAP_ADMINS", bootstrap_admins, subjects)
                .unwrap_or_default(),
        }
    }
}

/// Parses `user:ada,group:sre`.
fn subjects(text: &str) -> Result<Vec<Subject>, String> {
    let parsed = text.split(',').map(|subject| Subject::parse("", subject.trim()));
    let all: Result<Vec<Subject>, _> = parsed.collect();
    all.map_err(|_| "must be users and groups with commas between them: user:ada,group:sre".to_owned())
}
