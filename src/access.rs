//! Who is calling and what it may do.
//!
//! [`Access`] is the proof of authorisation: for callers only [`AccessControl`] makes one, and every store method that touches
//! a resource takes one. It carries what the audit event of the call needs. Which permission an RPC needs stands in its proto,
//! so no handler says it; which role has it stands in `role_permissions`. What the server does without a call, it does with an
//! [`Access`] of its own.

mod caller;
mod control;
mod course;
mod grants;
mod permission;
mod rights;
mod role_permissions;
mod target;

pub use caller::{AuthMethod, CallOrigin, Caller, Identity, SERVER};
pub use control::AccessControl;
pub use course::{Asked, CallCourse};
pub use grants::{Grant, GrantSource, GrantedOn};
pub use permission::Permission;
pub use target::Target;

use std::fmt;

use uuid::Uuid;

use self::rights::Rights;
use crate::domain::name::{AuditParent, DashboardName, GrantParent, Parent, ProjectId};
use crate::domain::user::UserId;
use crate::error::{Error, Result};

/// What a permission is asked for: the scope that is checked is the scope that is queried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One project and all in it.
    Project(ProjectId),
    /// Every project that the caller may read.
    AllProjects,
    /// One dashboard, whether it exists or not.
    Dashboard(DashboardName),
    /// What one user keeps for itself; no project is part of it.
    User(UserId),
    /// What belongs to no project: the templates that come with the service. To read and to use them takes no role in a
    /// project of its own; nobody but the server changes them.
    Platform,
}

impl Scope {
    /// The one project that it lies in; none for any other.
    pub fn project(&self) -> Option<&ProjectId> {
        match self {
            Self::Project(project) => Some(project),
            Self::Dashboard(name) => Some(name.project()),
            Self::AllProjects | Self::User(_) | Self::Platform => None,
        }
    }
}

impl fmt::Display for Scope {
    /// As a resource name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(project) => project.fmt(f),
            Self::AllProjects => f.write_str("projects/-"),
            Self::Dashboard(name) => name.fmt(f),
            Self::User(user) => user.fmt(f),
            Self::Platform => f.write_str("platform"),
        }
    }
}

impl From<&AuditParent> for Scope {
    fn from(parent: &AuditParent) -> Self {
        parent.project().map_or(Self::Platform, Self::from)
    }
}

impl From<&ProjectId> for Scope {
    fn from(project: &ProjectId) -> Self {
        Self::Project(project.clone())
    }
}

impl From<&DashboardName> for Scope {
    fn from(name: &DashboardName) -> Self {
        Self::Dashboard(name.clone())
    }
}

impl From<&UserId> for Scope {
    fn from(user: &UserId) -> Self {
        Self::User(user.clone())
    }
}

impl From<&GrantParent> for Scope {
    fn from(parent: &GrantParent) -> Self {
        match parent {
            GrantParent::Platform => Self::Platform,
            GrantParent::Project(project) => project.into(),
            GrantParent::Dashboard(name) => name.into(),
        }
    }
}

impl From<&Parent> for Scope {
    fn from(parent: &Parent) -> Self {
        match parent {
            Parent::Project(project) => Self::Project(project.clone()),
            Parent::AllProjects => Self::AllProjects,
        }
    }
}

/// How much of its scope a proof holds for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// All of it.
    Whole,
    /// Of what is in the scope, what is in a project, whichever that is; nothing of the platform.
    EachProject,
    /// Of what is in the scope, what is in one of these projects or is one of these dashboards.
    Parts {
        /// All that is in them.
        projects: Vec<ProjectId>,
        /// By uid: a proof for one life of a dashboard is none for the next one of the same name.
        dashboards: Vec<Uuid>,
    },
}

/// The proof that a caller may use one permission on one scope, as far as it reaches.
#[derive(Debug, Clone)]
pub struct Access {
    caller: Caller,
    permission: Permission,
    target: Target,
    reach: Reach,
    /// Whether its permission outlasts it, and is had by grants alone.
    has_to_be_confirmed: bool,
}

impl Access {
    /// The server's own, to what it does without being called: nobody has to be asked. `method` is the RPC with which a caller
    /// would do the same, or the name of what has none; all that belongs together has the same `correlation_id`.
    pub(crate) fn of_server(method: &str, correlation_id: Uuid, permission: Permission, scope: Scope) -> Self {
        Self {
            caller: Caller::server(method, correlation_id),
            permission,
            target: scope.into(),
            reach: Reach::Whole,
            has_to_be_confirmed: false,
        }
    }

    /// Who was authorised.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What for.
    pub fn permission(&self) -> Permission {
        self.permission
    }

    /// On what.
    pub fn scope(&self) -> &Scope {
        self.target.scope()
    }

    /// The same, and what of it was asked for.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// On how much of it.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Whether it has to be proved again where its permission is used: what that does outlasts it, and it rests on grants, which
    /// somebody may revoke in between.
    pub fn has_to_be_confirmed(&self) -> bool {
        self.has_to_be_confirmed
    }

    /// Proves it again, by the grants that the caller has now.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` when they do not give it.
    pub fn confirm(&self, grants: Vec<Grant>) -> Result<()> {
        match Rights::new(Vec::new(), grants.into()).reach(self.permission, self.scope()) {
            Some(reach) if reach == Reach::Whole || reach == self.reach => Ok(()),
            _ => Err(Error::PermissionDenied),
        }
    }

    /// Whether it holds for all of a project, so also for what is not in there yet: then the caller may be told that something
    /// does not exist.
    pub fn reaches_all_of(&self, project: &ProjectId) -> bool {
        match &self.reach {
            Reach::Whole | Reach::EachProject => true,
            Reach::Parts { projects, .. } => projects.contains(project),
        }
    }

    /// The projects that it holds for alone, beside the dashboards; none where it holds for all of them.
    pub fn projects(&self) -> Option<Vec<&str>> {
        match &self.reach {
            Reach::Whole | Reach::EachProject => None,
            Reach::Parts { projects, .. } => Some(projects.iter().map(ProjectId::as_str).collect()),
        }
    }

    /// The dashboards that it holds for alone, beside the projects; none where it holds for all of them.
    pub fn dashboards(&self) -> Option<&[Uuid]> {
        match &self.reach {
            Reach::Whole | Reach::EachProject => None,
            Reach::Parts { dashboards, .. } => Some(dashboards),
        }
    }
}
