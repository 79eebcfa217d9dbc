//! What grants are on, and their own names: `platform/accessGrants/{uuid}` and the like.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{DashboardName, ProjectId, malformed, parse_uid, require_set};
use crate::domain::violation::Violation;

/// The name of all that there is.
const PLATFORM: &str = "platform";

/// What a role is granted on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GrantParent {
    /// Everything.
    Platform,
    /// One project and all in it.
    Project(ProjectId),
    /// One dashboard.
    Dashboard(DashboardName),
}

impl GrantParent {
    const PATTERN: &'static str = "platform, projects/{project} or projects/{project}/dashboards/{dashboard}";

    /// Parses the resource name; it is never empty, so that a field that was forgotten is not the widest grant.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` or `INVALID_NAME` on `field`.
    pub fn parse(field: &str, name: &str) -> Result<Self, Violation> {
        require_set(field, name, Self::PATTERN)?;
        let parts: Vec<&str> = name.splitn(3, '/').collect();
        match parts.as_slice() {
            [PLATFORM] => Ok(Self::Platform),
            ["projects", project] => ProjectId::parse(field, project).map(Self::Project),
            ["projects", ..] => DashboardName::parse(field, name).map(Self::Dashboard),
            _ => Err(malformed(field, name, Self::PATTERN)),
        }
    }

    /// The project, of a dashboard too; none for the platform.
    pub fn project(&self) -> Option<&ProjectId> {
        match self {
            Self::Platform => None,
            Self::Project(project) => Some(project),
            Self::Dashboard(name) => Some(name.project()),
        }
    }
}

impl fmt::Display for GrantParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str(PLATFORM),
            Self::Project(project) => project.fmt(f),
            Self::Dashboard(name) => name.fmt(f),
        }
    }
}

/// The name of a grant: what it is on, and its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccessGrantName {
    /// What it is on.
    pub parent: GrantParent,
    /// Its id.
    pub uid: Uuid,
}

impl AccessGrantName {
    const PATTERN: &'static str = "{parent}/accessGrants/{uuid}";

    /// Parses the full resource name; the id is a UUID as this service writes it.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` or `INVALID_NAME` on `field`.
    pub fn parse(field: &str, name: &str) -> Result<Self, Violation> {
        require_set(field, name, Self::PATTERN)?;
        let malformed = || malformed(field, name, Self::PATTERN);
        let (parent, id) = name.rsplit_once("/accessGrants/").ok_or_else(malformed)?;
        let uid = parse_uid(id).ok_or_else(malformed)?;
        let parent = GrantParent::parse(field, parent)?;
        Ok(Self { parent, uid })
    }
}

impl fmt::Display for AccessGrantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/accessGrants/{}", self.parent, self.uid)
    }
}

impl From<AccessGrantName> for String {
    fn from(name: AccessGrantName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for AccessGrantName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse("name", &name).map_err(|violation| violation.description)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UID: &str = "018f6b1e-0000-7000-8000-000000000001";

    #[test]
    fn names_round_trip() {
        for parent in ["platform", "projects/p", "projects/p/dashboards/d"] {
            let name = format!("{parent}/accessGrants/{UID}");
            let parsed = AccessGrantName::parse("name", &name).unwrap();
            assert_eq!(
                (parsed.to_string(), parsed.parent.to_string()),
                (name, parent.to_owned())
            );
        }
    }

    #[test]
    fn broken_names_are_refused_with_their_field() {
        for parent in [
            "",
            "platform/",
            "projects",
            "projects/",
            "projects/-",
            "projects/p/",
            "projects/p/templates/t",
        ] {
            let refused = GrantParent::parse("parent", parent).map_err(|violation| violation.field);
            assert_eq!(refused, Err("parent".to_owned()), "{parent}");
            assert!(
                AccessGrantName::parse("name", &format!("{parent}/accessGrants/{UID}")).is_err(),
                "{parent}"
            );
        }
        for id in ["", "x", &UID.to_uppercase(), &UID.replace('-', ""), &format!("{UID}/x")] {
            assert!(
                AccessGrantName::parse("name", &format!("platform/accessGrants/{id}")).is_err(),
                "{id}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_read_as_a_name_is_written_the_same(
            text in "(platform|projects/[-a-z.]{0,4}(/dashboards/[-a-z.]{0,4})?)(/accessGrants/018f6b1e-0000-7000-8000-00000000000[1A-])?|\\PC{0,30}",
        ) {
            if let Ok(parent) = GrantParent::parse("parent", &text) {
                prop_assert_eq!(parent.to_string(), text.clone());
            }
            if let Ok(name) = AccessGrantName::parse("name", &text) {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
