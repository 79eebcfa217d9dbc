//! What callers ask for: one type for each request, parsed and ready for the store.

use super::{AllowedNetworks, Expiry, ShareLimits, ShareLink, ShareLinkChange};
use crate::domain::digest::{Digest, Fingerprint};
use crate::domain::etag::EtagCondition;
use crate::domain::filter::ShareLinkFilter;
use crate::domain::mutation::WriteOptions;
use crate::domain::name::{DashboardName, ShareLinkName};
use crate::domain::order_by::{OrderBy, ShareLinkOrderKey};
use crate::domain::page::{Cursor, PageBinding, PageOrder, PageSize, PagedQuery};

/// Which links of a dashboard a caller can do something with; the others are not there for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those that it created.
    Own,
    /// All.
    Everybodys,
}

/// Asks for a new link.
#[derive(Debug, Clone)]
pub struct CreateShareLink {
    /// The dashboard that it shows.
    pub dashboard: DashboardName,
    /// The revision; none for the head.
    pub pinned_revision: Option<i32>,
    /// When it expires.
    pub expiry: Expiry,
    /// How often it can be used.
    pub max_uses: Option<i32>,
    /// From where.
    pub allowed_networks: AllowedNetworks,
    /// What for.
    pub note: String,
    /// What the operator allows at the most.
    pub limits: ShareLimits,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl CreateShareLink {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        Fingerprint::new()
            .part(self.dashboard.to_string())
            .optional_part(self.pinned_revision.map(|revision| revision.to_string()))
            .part(self.expiry.to_string())
            .optional_part(self.max_uses.map(|most| most.to_string()))
            .parts(self.allowed_networks.to_texts().iter())
            .part(&self.note)
            .finish()
    }
}

/// Asks for a link to be tightened.
#[derive(Debug, Clone)]
pub struct UpdateShareLink {
    /// Which.
    pub name: ShareLinkName,
    /// In which version.
    pub etag: EtagCondition,
    /// What to change.
    pub change: ShareLinkChange,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl UpdateShareLink {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        let named = Fingerprint::new()
            .part(self.name.to_string())
            .part(self.etag.to_string());
        self.change.fingerprint(named).finish()
    }
}

/// Asks for a link to be of no use from now on.
#[derive(Debug, Clone)]
pub struct RevokeShareLink {
    /// Which.
    pub name: ShareLinkName,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl RevokeShareLink {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        Fingerprint::new().part(self.name.to_string()).finish()
    }
}

/// Asks for all links of a dashboard to be of no use from now on.
#[derive(Debug, Clone)]
pub struct RevokeShareLinks {
    /// Which dashboard.
    pub dashboard: DashboardName,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl RevokeShareLinks {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        Fingerprint::new().part(self.dashboard.to_string()).finish()
    }
}

/// A list of the links of a dashboard.
#[derive(Debug, Clone)]
pub struct ListShareLinks {
    /// The dashboard.
    pub dashboard: DashboardName,
    /// The most items.
    pub page_size: PageSize,
    /// Which links.
    pub filter: Option<ShareLinkFilter>,
    /// In which order.
    pub order_by: OrderBy<ShareLinkOrderKey>,
    /// Where the page begins; none for the first.
    pub after: Option<Cursor>,
}

impl ListShareLinks {
    /// The cursor that stands on `link` in this list's order.
    pub fn cursor_on(&self, link: &ShareLink) -> Cursor {
        match self.order_by.key {
            ShareLinkOrderKey::CreateTime => Cursor::CreateTime {
                time: link.create_time,
                uid: link.name.uid,
            },
        }
    }

    /// What the tokens of its pages belong to.
    pub fn binding(&self) -> PageBinding {
        PageBinding::new(&PagedQuery {
            method: "ListShareLinks",
            parent: &self.dashboard.to_string(),
            filter: self.filter.as_ref().map_or("", ShareLinkFilter::text),
            order: PageOrder::ShareLinks(self.order_by),
            show_deleted: false,
        })
    }
}
