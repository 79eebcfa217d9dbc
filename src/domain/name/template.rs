//! `templates/{template}` and `projects/{project}/templates/{template}`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ProjectId, malformed, parse_id, require_set};
use crate::domain::violation::Violation;

/// The name of a template: of one that comes with the service, or of one that belongs to a project.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TemplateName {
    project: Option<ProjectId>,
    template: String,
}

impl TemplateName {
    const PATTERN: &'static str = "projects/{project}/templates/{template} or templates/{template}";

    /// Names the template `id` of `project`.
    ///
    /// # Errors
    /// `INVALID_NAME` on `field` when `id` breaks the rule for ids.
    pub fn new(project: ProjectId, field: &str, id: &str) -> Result<Self, Violation> {
        let template = parse_id(field, id)?;
        Ok(Self {
            project: Some(project),
            template,
        })
    }

    /// Parses the full resource name.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` or `INVALID_NAME` on `field`.
    pub fn parse(field: &str, name: &str) -> Result<Self, Violation> {
        require_set(field, name, Self::PATTERN)?;
        let parts: Vec<&str> = name.splitn(5, '/').collect();
        match parts.as_slice() {
            ["templates", template] => Ok(Self {
                project: None,
                template: parse_id(field, template)?,
            }),
            ["projects", project, "templates", template] => {
                Self::new(ProjectId::parse(field, project)?, field, template)
            }
            _ => Err(malformed(field, name, Self::PATTERN)),
        }
    }

    /// The project that it belongs to; none for one that comes with the service.
    pub fn project(&self) -> Option<&ProjectId> {
        self.project.as_ref()
    }

    /// Whether it comes with the service.
    pub fn is_system(&self) -> bool {
        self.project.is_none()
    }

    /// The last segment.
    pub fn id(&self) -> &str {
        &self.template
    }
}

impl fmt::Display for TemplateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(project) = &self.project {
            write!(f, "{project}/")?;
        }
        write!(f, "templates/{}", self.template)
    }
}

impl From<TemplateName> for String {
    fn from(name: TemplateName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for TemplateName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse("name", &name).map_err(|violation| violation.description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for (text, project) in [
            ("templates/model-serving", None),
            ("projects/p/templates/gpu.1", Some("p")),
        ] {
            let name = TemplateName::parse("name", text).unwrap();
            assert_eq!(name.to_string(), text);
            assert_eq!(name.project().map(ProjectId::as_str), project);
            assert_eq!(name.is_system(), project.is_none());
        }
    }

    #[test]
    fn broken_names_are_refused_with_their_field() {
        for name in [
            "",
            "templates",
            "templates/",
            "templates/-",
            "templates/a/b",
            "templates/a..b",
            "projects/p/templates/",
            "projects/-/templates/a",
            "projects/p/templates/a/b",
            "projects/p/dashboards/a",
            "projects/templates/a",
        ] {
            let refused = TemplateName::parse("name", name).map_err(|violation| violation.field);
            assert_eq!(refused, Err("name".to_owned()), "{name}");
        }
    }
}
