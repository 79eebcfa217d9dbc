//! Decides what callers may do: by their claims, by the configuration, and by grants.

use std::sync::Arc;

use super::caller::Caller;
use super::grants::{GrantSource, KnownGrants};
use super::permission::Permission;
use super::rights::Rights;
use super::{Access, Reach, Scope, Target};
use crate::domain::role::Role;
use crate::domain::subject::Subject;
use crate::error::{Error, Result};

/// Decides what callers may do. Cheap to clone: all clones know the same.
#[derive(Debug, Clone)]
pub struct AccessControl {
    rules: Arc<Rules>,
}

#[derive(Debug)]
struct Rules {
    bootstrap_admins: Vec<Subject>,
    grants: KnownGrants,
}

impl AccessControl {
    /// Decides by the grants of `source`; `bootstrap_admins` are platform-admin without one.
    pub fn new(bootstrap_admins: Vec<Subject>, source: Arc<dyn GrantSource>) -> Self {
        let grants = KnownGrants::new(source);
        Self {
            rules: Arc::new(Rules {
                bootstrap_admins,
                grants,
            }),
        }
    }

    /// Proves that the caller may do what it calls for on `target`: the permission is the one that its RPC declares.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for a caller that lacks it; `UNAVAILABLE` when its grants can't be read.
    pub async fn require(&self, caller: &Caller, target: impl Into<Target>) -> Result<Access> {
        let method = &caller.origin().method;
        let permission =
            Permission::of_method(method).ok_or_else(|| Error::internal(format!("{method} declares no permission")))?;
        self.prove(caller, permission, target.into()).await
    }

    /// Proves that the caller of `first` has another permission as well, which its RPC needs on a second resource.
    ///
    /// # Errors
    /// As for [`AccessControl::require`].
    pub async fn require_also(
        &self,
        first: &Access,
        permission: Permission,
        target: impl Into<Target>,
    ) -> Result<Access> {
        self.prove(first.caller(), permission, target.into()).await
    }

    /// Whether the caller of `first` has another permission as well, with which its RPC reaches further. Whoever lacks it is
    /// denied nothing, so no event tells of it.
    ///
    /// # Errors
    /// `UNAVAILABLE` when its grants can't be read.
    pub async fn allows_also(&self, first: &Access, permission: Permission, scope: impl Into<Scope>) -> Result<bool> {
        let found = self.decide(first.caller(), permission, &scope.into()).await?;
        Ok(found.is_some())
    }

    /// Awaits what changes grants, and reads them anew before the next decision, however the change ended.
    pub async fn change_grants<T>(&self, change: impl Future<Output = T>) -> T {
        self.rules.grants.change(change).await
    }

    /// Whether the configuration names platform admins, whom no revocation takes away.
    pub fn has_bootstrap_admins(&self) -> bool {
        !self.rules.bootstrap_admins.is_empty()
    }

    /// Decides, and notes what was asked for.
    async fn prove(&self, caller: &Caller, permission: Permission, target: Target) -> Result<Access> {
        let found = self.decide(caller, permission, target.scope()).await?;
        caller.origin().course.ask(caller, permission, &target, found.is_none());
        let reach = found.ok_or(Error::PermissionDenied)?;
        let has_it_without_grants = || {
            let own = Rights::new(self.own_roles(caller), Arc::default());
            own.reach(permission, target.scope()).is_some()
        };
        Ok(Access {
            has_to_be_confirmed: permission.outlasts_decision() && !has_it_without_grants(),
            caller: caller.clone(),
            permission,
            target,
            reach,
        })
    }

    /// How much of `scope` the caller has the permission on; none for nothing.
    async fn decide(&self, caller: &Caller, permission: Permission, scope: &Scope) -> Result<Option<Reach>> {
        let rights = self.rights(caller, permission, scope).await?;
        Ok(rights.reach(permission, scope))
    }

    async fn rights(&self, caller: &Caller, permission: Permission, scope: &Scope) -> Result<Rights> {
        if let Scope::User(user) = scope {
            return Ok(Rights {
                is_that_user: user.subject() == caller.subject(),
                ..Rights::default()
            });
        }
        let roles = self.own_roles(caller);
        // Whoever may do everything, or brings its right along, needs no grants, nor a database that can be reached.
        let grants = if roles.contains(&Role::PlatformAdmin) || permission.is_in_a_token() {
            Arc::default()
        } else if permission.outlasts_decision() {
            self.rules.grants.now(caller).await?
        } else {
            self.rules.grants.of(caller).await?
        };
        Ok(Rights::new(roles, grants))
    }

    /// The roles on the platform that the caller has without a grant.
    fn own_roles(&self, caller: &Caller) -> Vec<Role> {
        let mut roles = caller.roles().to_vec();
        if self.is_bootstrap_admin(caller) {
            roles.push(Role::PlatformAdmin);
        }
        roles
    }

    fn is_bootstrap_admin(&self, caller: &Caller) -> bool {
        let is_caller = |admin: &Subject| match admin.as_str().strip_prefix("group:") {
            Some(group) => caller.groups().iter().any(|own| own == group),
            None => admin.as_str() == caller.subject(),
        };
        self.rules.bootstrap_admins.iter().any(is_caller)
    }
}
