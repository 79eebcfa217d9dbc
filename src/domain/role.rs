//! Roles: what a grant, a claim or the configuration makes of a caller.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A set of permissions with a name. Which permissions, and on what a role can be had, `docs/security.md` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads dashboards, on a project or one dashboard.
    Viewer,
    /// Also changes dashboards and shares them.
    Editor,
    /// Also purges, grants, and reads the project's audit events.
    Admin,
    /// Reads the audit log of everything, and nothing else.
    Auditor,
    /// Resolves share links for callers whose address it states, and nothing else.
    Gateway,
    /// May do all, on everything.
    PlatformAdmin,
}

impl Role {
    /// Every role, from the least.
    pub const ALL: [Self; 6] = [
        Self::Viewer,
        Self::Editor,
        Self::Admin,
        Self::Auditor,
        Self::Gateway,
        Self::PlatformAdmin,
    ];

    /// The text in the database, in the configuration and in audit events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
            Self::Auditor => "auditor",
            Self::Gateway => "gateway",
            Self::PlatformAdmin => "platform-admin",
        }
    }

    /// The role of that text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_from_its_own_text_alone() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("Admin"), None);
    }
}
