//! `projects/{project}/dashboards/{dashboard}/shareLinks/{uuid}`.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{DashboardName, malformed, parse_uid, require_set};
use crate::domain::violation::Violation;

/// The name of a share link: the dashboard that it shows, and its id, which says nothing about its secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShareLinkName {
    /// The dashboard.
    pub dashboard: DashboardName,
    /// The id.
    pub uid: Uuid,
}

impl ShareLinkName {
    const PATTERN: &'static str = "projects/{project}/dashboards/{dashboard}/shareLinks/{uuid}";

    /// Parses the full resource name; the id is a UUID as this service writes it.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` or `INVALID_NAME` on `field`.
    pub fn parse(field: &str, name: &str) -> Result<Self, Violation> {
        require_set(field, name, Self::PATTERN)?;
        let malformed = || malformed(field, name, Self::PATTERN);
        let (dashboard, id) = name.rsplit_once("/shareLinks/").ok_or_else(malformed)?;
        let uid = parse_uid(id).ok_or_else(malformed)?;
        let dashboard = DashboardName::parse(field, dashboard)?;
        Ok(Self { dashboard, uid })
    }
}

impl fmt::Display for ShareLinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/shareLinks/{}", self.dashboard, self.uid)
    }
}

impl From<ShareLinkName> for String {
    fn from(name: ShareLinkName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for ShareLinkName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse("name", &name).map_err(|violation| violation.description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

    #[test]
    fn names_round_trip() {
        let name = format!("projects/p/dashboards/d/shareLinks/{UID}");
        let parsed = ShareLinkName::parse("name", &name).unwrap();
        assert_eq!(parsed.dashboard.to_string(), "projects/p/dashboards/d");
        assert_eq!(parsed.to_string(), name);
    }

    #[test]
    fn broken_names_are_refused_with_their_field() {
        for name in [
            String::new(),
            "projects/p/dashboards/d".into(),
            format!("projects/p/shareLinks/{UID}"),
            format!("projects/-/dashboards/d/shareLinks/{UID}"),
            "projects/p/dashboards/d/shareLinks/".into(),
            "projects/p/dashboards/d/shareLinks/x".into(),
            format!("projects/p/dashboards/d/shareLinks/{}", UID.to_uppercase()),
            format!("projects/p/dashboards/d/shareLinks/{UID}/x"),
        ] {
            let refused = ShareLinkName::parse("name", &name).map_err(|violation| violation.field);
            assert_eq!(refused, Err("name".to_owned()), "{name}");
        }
    }
}
