//! What each role may do: the table of `docs/security.md`, as code.

use super::permission::Permission;
use crate::domain::role::Role;

impl Role {
    /// Whether a holder of this role may use `permission` on what it has the role on.
    ///
    /// What users keep for themselves takes no role, and no role opens it.
    pub const fn may(self, permission: Permission) -> bool {
        match self {
            Self::Viewer => is_of_viewer(permission),
            Self::Editor => is_of_viewer(permission) || is_of_editor(permission),
            Self::Admin => is_of_viewer(permission) || is_of_editor(permission) || is_of_admin(permission),
            Self::Auditor => is_of_auditor(permission),
            Self::Gateway => is_of_gateway(permission),
            Self::PlatformAdmin => !is_of_nobody(permission),
        }
    }

    /// Whether the role, had on the platform, is about the platform itself. The others are about projects: on the platform, they
    /// are had on each of them.
    pub const fn is_of_platform(self) -> bool {
        matches!(self, Self::Auditor | Self::Gateway | Self::PlatformAdmin)
    }
}

const fn is_of_viewer(permission: Permission) -> bool {
    use Permission as P;
    matches!(
        permission,
        P::DashboardsGet
            | P::DashboardsList
            | P::DashboardsSearch
            | P::DashboardsExport
            | P::TemplatesGet
            | P::TemplatesList
            | P::TemplatesRender
    )
}

/// What an editor may beyond a viewer.
const fn is_of_editor(permission: Permission) -> bool {
    use Permission as P;
    matches!(
        permission,
        P::DashboardsCreate
            | P::DashboardsUpdate
            | P::DashboardsApply
            | P::DashboardsDelete
            | P::DashboardsUndelete
            | P::DashboardsRestore
            | P::DashboardsImport
            | P::TemplatesInstantiate
            | P::ShareLinksCreate
            | P::ShareLinksGet
            | P::ShareLinksList
            | P::ShareLinksUpdate
            | P::ShareLinksRevoke
    )
}

/// What an admin of a project may beyond an editor.
const fn is_of_admin(permission: Permission) -> bool {
    use Permission as P;
    matches!(
        permission,
        P::DashboardsPurge
            | P::ProjectsPurge
            | P::TemplatesCreate
            | P::TemplatesUpdate
            | P::TemplatesDelete
            | P::AccessGrantsList
            | P::AccessGrantsCreate
            | P::AccessGrantsRevoke
            | P::ShareLinksOfOthers
            | P::AuditEventsList
            | P::AuditEventsGet
            | P::AuditEventsExport
    )
}

/// What an auditor may: all that can be done with the audit log, and nothing else.
const fn is_of_auditor(permission: Permission) -> bool {
    use Permission as P;
    matches!(
        permission,
        P::AuditEventsList | P::AuditEventsGet | P::AuditEventsExport | P::AuditLogVerify
    )
}

/// What stands in front of browsers: it uses their links for them.
const fn is_of_gateway(permission: Permission) -> bool {
    use Permission as P;
    matches!(permission, P::ShareLinksResolve | P::ShareLinksStateClient)
}

/// What no role has: what users keep for themselves, and what the server does by itself.
const fn is_of_nobody(permission: Permission) -> bool {
    use Permission as P;
    matches!(
        permission,
        P::PreferencesGet | P::PreferencesUpdate | P::TemplatesInstall | P::AuditDrop
    )
}
