//! The permissions that RPCs ask for.

use std::fmt;

/// What each RPC declares in its proto, by its full name and ordered by that. `build.rs` writes it, and fails where an RPC
/// declares none.
const OF_METHODS: &[(&str, Permission)] = include!(concat!(env!("OUT_DIR"), "/permissions.rs"));

/// What an RPC needs. Its text stands in the proto and in audit events; the name of its variant is made of the words of the
/// text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read a dashboard and its revisions.
    DashboardsGet,
    /// List dashboards.
    DashboardsList,
    /// Search for dashboards.
    DashboardsSearch,
    /// Create a dashboard.
    DashboardsCreate,
    /// Change a dashboard.
    DashboardsUpdate,
    /// Create, change or undelete a dashboard so that it is as given.
    DashboardsApply,
    /// Make an old revision the head again.
    DashboardsRestore,
    /// Soft-delete a dashboard.
    DashboardsDelete,
    /// Bring a soft-deleted dashboard back.
    DashboardsUndelete,
    /// Remove a dashboard and its history for good.
    DashboardsPurge,
    /// Take in dashboards from files.
    DashboardsImport,
    /// Give dashboards out as files.
    DashboardsExport,
    /// Remove all that is in a project, for good and at once.
    ProjectsPurge,
    /// Read what a user keeps: preferences, favourites, recent dashboards.
    PreferencesGet,
    /// Change what a user keeps.
    PreferencesUpdate,
    /// Read a template.
    TemplatesGet,
    /// List templates.
    TemplatesList,
    /// Fill a template in.
    TemplatesRender,
    /// Make a dashboard of a template.
    TemplatesInstantiate,
    /// Create a template.
    TemplatesCreate,
    /// Change a template.
    TemplatesUpdate,
    /// Delete a template.
    TemplatesDelete,
    /// Install a template that comes with the service: no role has it but the server's own.
    TemplatesInstall,
    /// Drop what is older than the audit log is kept: no role has it but the server's own.
    AuditDrop,
    /// List audit events.
    AuditEventsList,
    /// Read an audit event.
    AuditEventsGet,
    /// Give audit events out.
    AuditEventsExport,
    /// Look whether the audit log is as it was written.
    AuditLogVerify,
    /// List who has which role on something.
    AccessGrantsList,
    /// Give somebody a role on something.
    AccessGrantsCreate,
    /// Take a role away.
    AccessGrantsRevoke,
    /// Create a share link.
    ShareLinksCreate,
    /// Read a share link.
    ShareLinksGet,
    /// List share links.
    ShareLinksList,
    /// Tighten a share link.
    ShareLinksUpdate,
    /// Revoke share links.
    ShareLinksRevoke,
    /// Do with the share links of others what one may do with one's own: no RPC asks for it alone.
    ShareLinksOfOthers,
    /// Use a share link: its token is the right, and it takes no role.
    ShareLinksResolve,
    /// Say for whom a share link is used, and be believed.
    ShareLinksStateClient,
}

impl Permission {
    /// What an RPC declares in its proto; none for a name that is no RPC of ours. `method` is `package.Service/Method`.
    pub fn of_method(method: &str) -> Option<Self> {
        let found = OF_METHODS.binary_search_by_key(&method, |(name, _)| name).ok()?;
        OF_METHODS.get(found).map(|(_, permission)| *permission)
    }

    /// Whether it reads what is no audit log: an event where all reads are to be events.
    pub const fn is_ordinary_read(self) -> bool {
        self.reads_dashboards()
            || self.reads_template()
            || matches!(
                self,
                Self::TemplatesList
                    | Self::PreferencesGet
                    | Self::AccessGrantsList
                    | Self::ShareLinksGet
                    | Self::ShareLinksList
            )
    }

    /// Whether it is about what users keep for themselves.
    pub const fn is_of_users(self) -> bool {
        matches!(self, Self::PreferencesGet | Self::PreferencesUpdate)
    }

    /// Whether it only reads dashboards: who may read some of a project gets those, and the others are left out.
    pub const fn reads_dashboards(self) -> bool {
        matches!(
            self,
            Self::DashboardsGet | Self::DashboardsList | Self::DashboardsSearch | Self::DashboardsExport
        )
    }

    /// Whether what is done with it outlasts the decision: it gives or takes rights that stay when the caller has lost its own. So it
    /// takes the grants that the caller has at that moment, and not those of a while ago.
    pub const fn outlasts_decision(self) -> bool {
        matches!(
            self,
            Self::AccessGrantsCreate | Self::AccessGrantsRevoke | Self::ShareLinksCreate | Self::ProjectsPurge
        )
    }

    /// Whether it needs no role, because what the caller brings is the right.
    pub const fn is_in_a_token(self) -> bool {
        matches!(self, Self::ShareLinksResolve)
    }

    /// Whether it only reads one template.
    pub const fn reads_template(self) -> bool {
        matches!(self, Self::TemplatesGet | Self::TemplatesRender)
    }

    /// The text in audit events: `resource.verb`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DashboardsGet => "dashboards.get",
            Self::DashboardsList => "dashboards.list",
            Self::DashboardsSearch => "dashboards.search",
            Self::DashboardsCreate => "dashboards.create",
            Self::DashboardsUpdate => "dashboards.update",
            Self::DashboardsApply => "dashboards.apply",
            Self::DashboardsRestore => "dashboards.restore",
            Self::DashboardsDelete => "dashboards.delete",
            Self::DashboardsUndelete => "dashboards.undelete",
            Self::DashboardsPurge => "dashboards.purge",
            Self::DashboardsImport => "dashboards.import",
            Self::DashboardsExport => "dashboards.export",
            Self::ProjectsPurge => "projects.purge",
            Self::PreferencesGet => "preferences.get",
            Self::PreferencesUpdate => "preferences.update",
            Self::TemplatesGet => "templates.get",
            Self::TemplatesList => "templates.list",
            Self::TemplatesRender => "templates.render",
            Self::TemplatesInstantiate => "templates.instantiate",
            Self::TemplatesCreate => "templates.create",
            Self::TemplatesUpdate => "templates.update",
            Self::TemplatesDelete => "templates.delete",
            Self::TemplatesInstall => "templates.install",
            Self::AuditDrop => "audit.drop",
            Self::AuditEventsList => "audit_events.list",
            Self::AuditEventsGet => "audit_events.get",
            Self::AuditEventsExport => "audit_events.export",
            Self::AuditLogVerify => "audit_log.verify",
            Self::AccessGrantsList => "access_grants.list",
            Self::AccessGrantsCreate => "access_grants.create",
            Self::AccessGrantsRevoke => "access_grants.revoke",
            Self::ShareLinksCreate => "share_links.create",
            Self::ShareLinksGet => "share_links.get",
            Self::ShareLinksList => "share_links.list",
            Self::ShareLinksUpdate => "share_links.update",
            Self::ShareLinksRevoke => "share_links.revoke",
            Self::ShareLinksOfOthers => "share_links.of_others",
            Self::ShareLinksResolve => "share_links.resolve",
            Self::ShareLinksStateClient => "share_links.state_client",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_have_the_permission_that_they_declare() {
        let of = |method| Permission::of_method(method).map(Permission::as_str);
        assert_eq!(
            of("perses.dashboards.v1.DashboardService/GetDashboard"),
            Some("dashboards.get")
        );
        assert_eq!(of("perses.dashboards.v1.DashboardService/Invented"), None);
        assert_eq!(of("grpc.health.v1.Health/Check"), None);
    }

    /// What changes something is none; each read of the audit log and each use of a share link has an event of its own.
    #[test]
    fn all_rpcs_that_neither_change_a_thing_nor_have_an_event_of_their_own_are_ordinary_reads() {
        const CHANGES: [&str; 15] = [
            "Create",
            "Update",
            "Apply",
            "Delete",
            "Undelete",
            "Purge",
            "Restore",
            "Import",
            "Instantiate",
            "Add",
            "Remove",
            "Record",
            "Grant",
            "Revoke",
            "Resolve",
        ];
        for (method, permission) in OF_METHODS {
            let (service, name) = method.rsplit_once('/').unwrap();
            let is_none = service.ends_with(".AuditService") || CHANGES.iter().any(|verb| name.starts_with(verb));
            assert_eq!(permission.is_ordinary_read(), !is_none, "{method}");
        }
    }

    #[test]
    fn the_table_is_ordered_and_finds_each_of_its_methods() {
        for (method, permission) in OF_METHODS {
            assert_eq!(Permission::of_method(method), Some(*permission), "{method}");
        }
    }
}
