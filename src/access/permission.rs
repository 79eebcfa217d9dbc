//! The permissions that RPCs ask for.

use std::fmt;

/// What an RPC needs; its text stands in audit events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read a dashboard and its revisions.
    DashboardsGet,
    /// List dashboards.
    DashboardsList,
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
}

impl Permission {
    /// The text in audit events: `resource.verb`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DashboardsGet => "dashboards.get",
            Self::DashboardsList => "dashboards.list",
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
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
