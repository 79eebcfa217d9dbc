//! What a list was asked for, parsed; and a page of it.

use super::dashboard::{Dashboard, View};
use super::filter::{Filter, TemplateFilter};
use super::name::{DashboardName, Parent};
use super::order_by::{OrderBy, OrderKey, TemplateOrderKey};
use super::page::{Cursor, PageBinding, PageOrder, PageSize, PagedQuery};
use super::revision::DashboardRevision;
use super::template::Template;

/// The most bytes of one answer, about; a page that would exceed it ends early.
pub const MAX_PAGE_BYTES: i64 = 3 * 1024 * 1024;

/// How much of a display name counts for its place in a list, in characters: a document may hold a name of any length.
pub const ORDERED_CHARS: usize = 200;

/// A page, and where the next one begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The last item, when more follow.
    pub next: Option<Cursor>,
}

/// A list of dashboards.
#[derive(Debug, Clone)]
pub struct ListDashboards {
    /// In one project or in all.
    pub parent: Parent,
    /// The most items.
    pub page_size: PageSize,
    /// Which dashboards.
    pub filter: Option<Filter>,
    /// In which order.
    pub order_by: OrderBy,
    /// Soft-deleted ones too.
    pub show_deleted: bool,
    /// With or without documents.
    pub view: View,
    /// Where the page begins; none for the first.
    pub after: Option<Cursor>,
}

impl ListDashboards {
    /// The cursor that stands on `dashboard` in this list's order.
    pub fn cursor_on(&self, dashboard: &Dashboard) -> Cursor {
        let uid = dashboard.uid;
        match self.order_by.key {
            OrderKey::Name => Cursor::Name(dashboard.name.clone()),
            OrderKey::DisplayName => Cursor::DisplayName {
                display_name: dashboard.display_name.chars().take(ORDERED_CHARS).collect(),
                uid,
            },
            OrderKey::CreateTime => Cursor::CreateTime {
                time: dashboard.create_time,
                uid,
            },
            OrderKey::UpdateTime => Cursor::UpdateTime {
                time: dashboard.update_time,
                uid,
            },
        }
    }

    /// What the tokens of its pages belong to.
    pub fn binding(&self) -> PageBinding {
        PageBinding::new(&PagedQuery {
            method: "ListDashboards",
            parent: &self.parent.to_string(),
            filter: self.filter.as_ref().map_or("", Filter::text),
            order: PageOrder::Dashboards(self.order_by),
            show_deleted: self.show_deleted,
        })
    }
}

/// A list of the revisions of a dashboard, newest first.
#[derive(Debug, Clone)]
pub struct ListDashboardRevisions {
    /// The dashboard.
    pub dashboard: DashboardName,
    /// The most items.
    pub page_size: PageSize,
    /// With or without documents.
    pub view: View,
    /// Where the page begins; none for the first.
    pub after: Option<Cursor>,
}

impl ListDashboardRevisions {
    /// The cursor that stands on `revision`.
    pub fn cursor_on(&self, revision: &DashboardRevision) -> Cursor {
        Cursor::Revision(revision.name.revision)
    }

    /// What the tokens of its pages belong to.
    pub fn binding(&self) -> PageBinding {
        PageBinding::new(&PagedQuery {
            method: "ListDashboardRevisions",
            parent: &self.dashboard.to_string(),
            filter: "",
            order: PageOrder::NewestRevisionFirst,
            show_deleted: false,
        })
    }
}

/// A list of the templates that can be used in a project, or anywhere.
#[derive(Debug, Clone)]
pub struct ListTemplates {
    /// Those of one project, or of all; those that come with the service are always among them.
    pub parent: Parent,
    /// The most items.
    pub page_size: PageSize,
    /// Which templates.
    pub filter: Option<TemplateFilter>,
    /// In which order.
    pub order_by: OrderBy<TemplateOrderKey>,
    /// With or without documents.
    pub view: View,
    /// Where the page begins; none for the first.
    pub after: Option<Cursor>,
}

impl ListTemplates {
    /// The cursor that stands on `template` in this list's order.
    pub fn cursor_on(&self, template: &Template) -> Cursor {
        let uid = template.uid;
        match self.order_by.key {
            TemplateOrderKey::Name => Cursor::TemplateName(template.name.clone()),
            TemplateOrderKey::DisplayName => Cursor::DisplayName {
                display_name: template.display_name.clone(),
                uid,
            },
            TemplateOrderKey::CreateTime => Cursor::CreateTime {
                time: template.create_time,
                uid,
            },
            TemplateOrderKey::UpdateTime => Cursor::UpdateTime {
                time: template.update_time,
                uid,
            },
            TemplateOrderKey::UsageCount => Cursor::UsageCount {
                count: template.usage_count,
                uid,
            },
        }
    }

    /// What the tokens of its pages belong to.
    pub fn binding(&self) -> PageBinding {
        PageBinding::new(&PagedQuery {
            method: "ListTemplates",
            parent: &self.parent.to_string(),
            filter: self.filter.as_ref().map_or("", TemplateFilter::text),
            order: PageOrder::Templates(self.order_by),
            show_deleted: false,
        })
    }
}
