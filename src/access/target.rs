//! What a call is about: the scope that is checked, and the name that was asked for.

use std::fmt::{self, Display};

use super::Scope;
use crate::domain::name::{AccessGrantName, AuditEventName, RevisionName, ShareLinkName, TemplateName};
use crate::domain::user::PreferencesName;

/// A scope, and the resource in it that was asked for, where that is no scope itself: events name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    scope: Scope,
    resource: Option<String>,
}

impl Target {
    fn of(scope: impl Into<Scope>, resource: &impl Display) -> Self {
        Self {
            scope: scope.into(),
            resource: Some(resource.to_string()),
        }
    }

    /// What is checked.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl Display for Target {
    /// As a resource name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.resource {
            Some(name) => f.write_str(name),
            None => self.scope.fmt(f),
        }
    }
}

impl<S: Into<Scope>> From<S> for Target {
    fn from(scope: S) -> Self {
        Self {
            scope: scope.into(),
            resource: None,
        }
    }
}

impl From<&TemplateName> for Target {
    fn from(name: &TemplateName) -> Self {
        Self::of(name.project().map_or(Scope::Platform, Scope::from), name)
    }
}

impl From<&RevisionName> for Target {
    fn from(name: &RevisionName) -> Self {
        Self::of(&name.dashboard, name)
    }
}

impl From<&ShareLinkName> for Target {
    fn from(name: &ShareLinkName) -> Self {
        Self::of(&name.dashboard, name)
    }
}

impl From<&AccessGrantName> for Target {
    fn from(name: &AccessGrantName) -> Self {
        Self::of(&name.parent, name)
    }
}

impl From<&PreferencesName> for Target {
    fn from(name: &PreferencesName) -> Self {
        Self::of(&name.user, name)
    }
}

/// The name says nothing of the project: what is found has to be in one that the caller may read.
impl From<&AuditEventName> for Target {
    fn from(name: &AuditEventName) -> Self {
        Self::of(Scope::AllProjects, name)
    }
}
