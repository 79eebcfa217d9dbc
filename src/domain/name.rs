//! Resource names (AIP-122): `projects/{project}/dashboards/{dashboard}[/revisions/{n}]`, and those of templates
//! and of audit events.

mod access_grant;
mod audit_event;
mod share_link;
mod template;

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::reason::Reason;
use super::share_link::holds_secret;
use super::violation::{Violation, quoted};

pub use access_grant::{AccessGrantName, GrantParent};
pub use audit_event::{AuditEventName, AuditParent, AuditSealName, require_platform};
pub use share_link::ShareLinkName;
pub use template::TemplateName;

/// The longest id in bytes (Perses `go/common/validate.go`).
pub const MAX_ID_BYTES: usize = 75;

/// The id that stands for every project in a `parent` (AIP-159).
const WILDCARD: &str = "-";

/// Checks the rule that Perses has for names, and says what is wrong in Perses' own words (`go/common/validate.go`).
///
/// # Errors
/// The sentence that describes the first rule that `id` breaks.
pub fn check_id(id: &str) -> Result<(), String> {
    if id.is_empty() {
        return Err("name cannot be empty".into());
    }
    if id.len() > MAX_ID_BYTES {
        return Err(format!("cannot contain more than {MAX_ID_BYTES} characters"));
    }
    if !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b)) {
        return Err(format!(
            "{} is not a correct name. It should match the regexp: ^[a-zA-Z0-9_.-]+$",
            quoted(id)
        ));
    }
    if id.contains("..") {
        return Err(format!("{} should not contain '..'", quoted(id)));
    }
    if id.starts_with('.') || id.ends_with('.') {
        return Err(format!("{} should not start or end with '.'", quoted(id)));
    }
    Ok(())
}

/// Checks an id of a resource of ours: Perses' rule, `-` is taken (it is the wildcard), and no name holds the secret of a link:
/// names are told, logged and kept.
fn parse_id(field: &str, id: &str) -> Result<String, Violation> {
    let checked = match id {
        WILDCARD => Err("\"-\" stands for all and is not a name".into()),
        _ if holds_secret(id) => Err("the token of a share link is not a name".into()),
        _ => check_id(id),
    };
    checked
        .map(|()| id.to_owned())
        .map_err(|why| Violation::new(field, Reason::InvalidName, why))
}

/// The id of a Perses project; on OpenShift a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectId(String);

impl ProjectId {
    /// Parses a bare project id.
    ///
    /// # Errors
    /// `INVALID_NAME` on `field`, with the rule that is broken.
    pub fn parse(field: &str, id: &str) -> Result<Self, Violation> {
        parse_id(field, id).map(Self)
    }

    /// The id as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "projects/{}", self.0)
    }
}

/// Where a list looks: `projects/{project}`, or `projects/-` for every project that the caller may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parent {
    /// One project.
    Project(ProjectId),
    /// Every project that the caller may read.
    AllProjects,
}

impl Parent {
    /// Parses `projects/{project}` or `projects/-`.
    ///
    /// # Errors
    /// `INVALID_NAME` on `field`.
    pub fn parse(field: &str, parent: &str) -> Result<Self, Violation> {
        match parent.strip_prefix("projects/") {
            Some(WILDCARD) => Ok(Self::AllProjects),
            _ => parse_project(field, parent).map(Self::Project),
        }
    }

    /// The one project, or none for all of them.
    pub fn project(&self) -> Option<&ProjectId> {
        match self {
            Self::Project(project) => Some(project),
            Self::AllProjects => None,
        }
    }
}

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(project) => project.fmt(f),
            Self::AllProjects => write!(f, "projects/{WILDCARD}"),
        }
    }
}

/// Parses `projects/{project}`, where no wildcard is allowed.
///
/// # Errors
/// `INVALID_NAME` on `field`.
pub fn parse_project(field: &str, parent: &str) -> Result<ProjectId, Violation> {
    let segments = segments::<2>(field, parent, "projects/{project}")?;
    match segments {
        ["projects", project] => ProjectId::parse(field, project),
        _ => Err(malformed(field, parent, "projects/{project}")),
    }
}

/// `projects/{project}/dashboards/{dashboard}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DashboardName {
    project: ProjectId,
    dashboard: String,
}

impl DashboardName {
    const PATTERN: &'static str = "projects/{project}/dashboards/{dashboard}";

    /// Names the dashboard `id` of `project`.
    ///
    /// # Errors
    /// `INVALID_NAME` on `field` when `id` breaks the rule for ids.
    pub fn new(project: ProjectId, field: &str, id: &str) -> Result<Self, Violation> {
        let dashboard = parse_id(field, id)?;
        Ok(Self { project, dashboard })
    }

    /// Parses the full resource name.
    ///
    /// # Errors
    /// `INVALID_NAME` on `field`.
    pub fn parse(field: &str, name: &str) -> Result<Self, Violation> {
        match segments::<4>(field, name, Self::PATTERN)? {
            ["projects", project, "dashboards", dashboard] => {
                Self::new(ProjectId::parse(field, project)?, field, dashboard)
            }
            _ => Err(malformed(field, name, Self::PATTERN)),
        }
    }

    /// The project, the scope of every permission on the dashboard.
    pub fn project(&self) -> &ProjectId {
        &self.project
    }

    /// The dashboard of the same id in another project.
    pub fn in_project(self, project: &ProjectId) -> Self {
        Self {
            project: project.clone(),
            ..self
        }
    }

    /// The name in lower case, as a Perses has it that tells no case apart.
    pub fn to_ascii_lowercase(&self) -> Self {
        Self {
            project: ProjectId(self.project.0.to_ascii_lowercase()),
            dashboard: self.dashboard.to_ascii_lowercase(),
        }
    }

    /// The last segment: Perses' `metadata.name`.
    pub fn id(&self) -> &str {
        &self.dashboard
    }
}

impl From<DashboardName> for String {
    fn from(name: DashboardName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for DashboardName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse("name", &name).map_err(|violation| violation.description)
    }
}

impl fmt::Display for DashboardName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/dashboards/{}", self.project, self.dashboard)
    }
}

/// `projects/{project}/dashboards/{dashboard}/revisions/{n}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RevisionName {
    /// The dashboard.
    pub dashboard: DashboardName,
    /// The number, from 1.
    pub revision: i32,
}

impl RevisionName {
    const PATTERN: &'static str = "projects/{project}/dashboards/{dashboard}/revisions/{n}";

    /// Parses the full resource name; the number is written without sign or leading zeros.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` or `INVALID_NAME` on `field`.
    pub fn parse(field: &str, name: &str) -> Result<Self, Violation> {
        require_set(field, name, Self::PATTERN)?;
        let malformed = || malformed(field, name, Self::PATTERN);
        let (dashboard, number) = name.rsplit_once("/revisions/").ok_or_else(malformed)?;
        let revision = number
            .parse::<i32>()
            .ok()
            .filter(|revision| *revision > 0 && revision.to_string() == number)
            .ok_or_else(malformed)?;
        let dashboard = DashboardName::parse(field, dashboard)?;
        Ok(Self { dashboard, revision })
    }
}

impl fmt::Display for RevisionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/revisions/{}", self.dashboard, self.revision)
    }
}

/// Splits `name` into exactly `N` segments.
pub(super) fn segments<'a, const N: usize>(
    field: &str,
    name: &'a str,
    pattern: &str,
) -> Result<[&'a str; N], Violation> {
    require_set(field, name, pattern)?;
    let parts: Vec<&str> = name.splitn(N + 1, '/').collect();
    parts.try_into().map_err(|_| malformed(field, name, pattern))
}

fn require_set(field: &str, name: &str, pattern: &str) -> Result<(), Violation> {
    match name {
        "" => {
            let description = format!("must be set, in the form {pattern}");
            Err(Violation::new(field, Reason::FieldRequired, description))
        }
        _ => Ok(()),
    }
}

/// The UUID that is the last part of a name, written as this service writes it.
fn parse_uid(id: &str) -> Option<Uuid> {
    Uuid::parse_str(id).ok().filter(|uid| uid.to_string() == id)
}

/// The violation of a name that does not have the form `pattern`.
pub(super) fn malformed(field: &str, name: &str, pattern: &str) -> Violation {
    let description = format!("{} does not have the form {pattern}", quoted(name));
    Violation::new(field, Reason::InvalidName, description)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_round_trip() {
        for name in ["projects/p/dashboards/d", "projects/My_ns-1/dashboards/dashboard-0.a_B"] {
            assert_eq!(
                DashboardName::parse("name", name).map(|n| n.to_string()),
                Ok(name.to_owned())
            );
        }
        let revision = "projects/p/dashboards/d/revisions/12";
        assert_eq!(
            RevisionName::parse("name", revision).map(|n| n.to_string()),
            Ok(revision.to_owned())
        );
        assert_eq!(Parent::parse("parent", "projects/-"), Ok(Parent::AllProjects));
    }

    #[test]
    fn broken_names_are_refused_with_their_field() {
        let longest = "x".repeat(MAX_ID_BYTES);
        assert!(DashboardName::parse("name", &format!("projects/p/dashboards/{longest}")).is_ok());
        for name in [
            "",
            "p/d",
            "projects/p/dashboards/",
            "projects//dashboards/d",
            "projects/-/dashboards/d",
            "projects/p/dashboards/-",
            "projects/p/dashboards/d/",
            "projects/p/dashboards/d/x",
            "projects/p/dashboards/a..b",
            "projects/p/dashboards/.a",
            "projects/p/dashboards/a.",
            "projects/p/dashboards/é",
            "projects/p/templates/d",
            &format!("projects/p/dashboards/{longest}x"),
        ] {
            let refused = DashboardName::parse("name", name).map_err(|violation| violation.field);
            assert_eq!(refused, Err("name".to_owned()), "{name}");
        }
        for number in ["0", "-1", "+1", "01", "", "2147483648", "x"] {
            let name = format!("projects/p/dashboards/d/revisions/{number}");
            assert!(RevisionName::parse("name", &name).is_err(), "{name}");
        }
    }

    #[test]
    fn long_names_are_cut_in_what_is_said_of_them() {
        let refused = DashboardName::parse("name", &"\u{1}".repeat(10_000)).unwrap_err();
        assert!(refused.description.len() < 1_000, "{}", refused.description.len());
    }

    proptest! {
        #[test]
        fn what_is_read_as_a_name_is_written_the_same(
            text in "projects/[-a-zA-Z0-9_.]{0,5}(/dashboards/[-a-zA-Z0-9_.]{0,5}(/revisions/[-+0-9]{0,12})?)?|[a-z/.é-]{0,30}|\\PC{0,30}",
        ) {
            if let Ok(name) = Parent::parse("parent", &text) {
                prop_assert_eq!(name.to_string(), text.clone());
            }
            if let Ok(name) = DashboardName::parse("name", &text) {
                prop_assert_eq!(name.to_string(), text.clone());
            }
            if let Ok(name) = RevisionName::parse("name", &text) {
                prop_assert_eq!(name.to_string(), text);
            }
        }

        #[test]
        fn names_of_the_syntax_are_read(
            project in "[a-zA-Z0-9_][a-zA-Z0-9_-]{0,74}",
            dashboard in "[a-zA-Z0-9_-]([.]?[a-zA-Z0-9_-]){1,37}",
            revision in 1..=i32::MAX,
        ) {
            let text = format!("projects/{project}/dashboards/{dashboard}/revisions/{revision}");
            let name = RevisionName::parse("name", &text);
            prop_assert_eq!(name.as_ref().map(ToString::to_string), Ok(text));
            let parts = name.map(|name| {
                let (project, id) = (name.dashboard.project().as_str().to_owned(), name.dashboard.id().to_owned());
                (project, id, name.revision)
            });
            prop_assert_eq!(parts, Ok((project, dashboard, revision)));
        }
    }
}
