//! The permissions that RPCs ask for.

use std::fmt;

/// What an RPC needs; its text stands in audit events.
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
}

impl Permission {
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
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
