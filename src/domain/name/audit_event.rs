//! Names of audit events, `auditEvents/{uuid}`, and of the seals over them, `auditSeals/{number}`; and what both are listed of.

use std::fmt;

use uuid::Uuid;

use super::{ProjectId, malformed, parse_uid, require_set};
use crate::domain::violation::Violation;

/// The parent that stands for all events, also of what belongs to no project.
const PLATFORM: &str = "platform";

/// Whose events are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditParent {
    /// All of them.
    Platform,
    /// Those about one project and what is in it.
    Project(ProjectId),
}

impl AuditParent {
    const PATTERN: &'static str = "platform or projects/{project}";

    /// Parses the resource name; it is never empty, so that a field that was forgotten is not all there is.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` or `INVALID_NAME` on `field`.
    pub fn parse(field: &str, name: &str) -> Result<Self, Violation> {
        require_set(field, name, Self::PATTERN)?;
        match name.split_once('/') {
            None if name == PLATFORM => Ok(Self::Platform),
            Some(("projects", project)) => ProjectId::parse(field, project).map(Self::Project),
            _ => Err(malformed(field, name, Self::PATTERN)),
        }
    }

    /// The project; none for the platform.
    pub fn project(&self) -> Option<&ProjectId> {
        match self {
            Self::Platform => None,
            Self::Project(project) => Some(project),
        }
    }
}

/// Checks that `name` is the platform, the parent of all seals: each is about events of all projects.
///
/// # Errors
/// `FIELD_REQUIRED` or `INVALID_NAME` on `field`.
pub fn require_platform(field: &str, name: &str) -> Result<(), Violation> {
    require_set(field, name, PLATFORM)?;
    match name {
        PLATFORM => Ok(()),
        _ => Err(malformed(field, name, PLATFORM)),
    }
}

impl fmt::Display for AuditParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str(PLATFORM),
            Self::Project(project) => project.fmt(f),
        }
    }
}

/// The name of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditEventName {
    /// Its id.
    pub uid: Uuid,
}

impl AuditEventName {
    const PATTERN: &'static str = "auditEvents/{uuid}";

    /// Parses the resource name; the id is a UUID as this service writes it.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` or `INVALID_NAME` on `field`.
    pub fn parse(field: &str, name: &str) -> Result<Self, Violation> {
        require_set(field, name, Self::PATTERN)?;
        let id = name.strip_prefix("auditEvents/").unwrap_or_default();
        let uid = parse_uid(id);
        uid.map(|uid| Self { uid })
            .ok_or_else(|| malformed(field, name, Self::PATTERN))
    }
}

impl fmt::Display for AuditEventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "auditEvents/{}", self.uid)
    }
}

/// The name of one seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditSealName {
    /// Its number.
    pub number: i64,
}

impl fmt::Display for AuditSealName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "auditSeals/{}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reason::Reason;

    #[test]
    fn parents_are_the_platform_and_projects() {
        for parent in ["platform", "projects/p"] {
            assert_eq!(AuditParent::parse("parent", parent).unwrap().to_string(), parent);
        }
        for (parent, reason) in [
            ("", Reason::FieldRequired),
            ("projects/-", Reason::InvalidName),
            ("projects/p/dashboards/d", Reason::InvalidName),
            ("platform/", Reason::InvalidName),
        ] {
            let refused = AuditParent::parse("parent", parent).unwrap_err();
            assert_eq!(refused.reason, reason, "{parent}");
        }
    }

    #[test]
    fn seals_are_of_the_platform_alone() {
        assert!(require_platform("parent", "platform").is_ok());
        for (parent, reason) in [
            ("", Reason::FieldRequired),
            ("projects/p", Reason::InvalidName),
            ("platform/", Reason::InvalidName),
        ] {
            let refused = require_platform("parent", parent).unwrap_err();
            assert_eq!(refused.reason, reason, "{parent}");
        }
    }

    #[test]
    fn events_have_one_spelling() {
        let name = "auditEvents/0190b5a1-0000-7000-8000-000000000001";
        assert_eq!(AuditEventName::parse("name", name).unwrap().to_string(), name);
        for other in ["", "auditEvents/1", &name.to_uppercase(), &format!("projects/p/{name}")] {
            assert!(AuditEventName::parse("name", other).is_err(), "{other}");
        }
    }
}
