//! Who is calling and what it may do.
//!
//! [`Access`] is the proof of authorisation: only [`AccessControl::require`] makes one for a caller, and every store method that
//! touches a resource takes one. It carries what the audit event of the call needs. What the server does without a call, it
//! does with an [`Access`] of its own.

mod caller;
mod permission;

pub use caller::{AuthMethod, CallOrigin, Caller, Identity};
pub use permission::Permission;

use uuid::Uuid;

use crate::domain::name::{Parent, ProjectId, TemplateName};
use crate::domain::user::UserId;
use crate::error::{Error, Result};

/// What a permission is asked for: the scope that is checked is the scope that is queried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One project and all in it.
    Project(ProjectId),
    /// Every project that the caller may read.
    AllProjects,
    /// What one user keeps for itself; no project is part of it.
    User(UserId),
    /// What belongs to no project: the templates that come with the service. To read and to use them takes no role in a
    /// project of its own; nobody but the server changes them.
    Platform,
}

impl From<&TemplateName> for Scope {
    fn from(name: &TemplateName) -> Self {
        name.project().map_or(Self::Platform, Self::from)
    }
}

impl From<&ProjectId> for Scope {
    fn from(project: &ProjectId) -> Self {
        Self::Project(project.clone())
    }
}

impl From<&UserId> for Scope {
    fn from(user: &UserId) -> Self {
        Self::User(user.clone())
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

/// The proof that a caller may use one permission on one scope.
#[derive(Debug, Clone)]
pub struct Access {
    caller: Caller,
    permission: Permission,
    scope: Scope,
}

impl Access {
    /// The server's own, to what it does without being called: nobody has to be asked. `method` is the RPC with which a caller
    /// would do the same, or the name of what has none; all that belongs together has the same `correlation_id`.
    pub(crate) fn of_server(method: &str, correlation_id: Uuid, permission: Permission, scope: Scope) -> Self {
        Self {
            caller: Caller::server(method, correlation_id),
            permission,
            scope,
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
        &self.scope
    }
}

/// Decides what callers may do.
///
/// The only callers that exist so far are those of development mode, which have every role: the server listens on loopback
/// alone. What a user keeps for itself is for that user alone, whatever the roles of others.
/// Authentication and grants replace this type's inside, not its users.
#[derive(Debug, Clone, Default)]
pub struct AccessControl {}

impl AccessControl {
    /// Proves that `caller` has `permission` on `scope`.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for a caller that lacks it.
    pub async fn require(&self, caller: &Caller, permission: Permission, scope: impl Into<Scope>) -> Result<Access> {
        let asked = scope.into();
        if let Scope::User(user) = &asked
            && user.subject() != caller.subject()
        {
            return Err(Error::PermissionDenied);
        }
        match caller.auth_method() {
            AuthMethod::Development => Ok(Access {
                caller: caller.clone(),
                permission,
                scope: asked,
            }),
            AuthMethod::ClientCertificate | AuthMethod::IdentityHeaders | AuthMethod::Jwt | AuthMethod::Server => {
                Err(Error::PermissionDenied)
            }
        }
    }
}
