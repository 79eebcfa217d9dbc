//! What is measured, and the requests that it consists of.

use std::time::Duration;

use bytes::Bytes;
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::SpecFormat;
use dashboard_store::grpc::proto::dashboard_spec::Content;

use super::audit_log;
use super::client::{Calls, MakeRequest, REMOTE_USER};
use super::document::{DOCUMENT_BYTES, VERSION_DIGITS, VERSION_MARK, document, end_of};

/// A row of the table. Controls stand before what they are the control of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Workload {
    PgbenchGet,
    PgbenchGetUnprepared,
    Echo,
    Get,
    GetAuthenticated,
    GetStruct,
    PgbenchList,
    List,
    BatchGet,
    Search,
    RecordView,
    ListRecents,
    ResolveLink,
    ResolveLinkAtTimes,
    ListAuditEvents,
    ListAuditEventsAtTimes,
    PgbenchUpdate,
    Update,
    UpdateSealed,
    ApplyUnchanged,
    CopyImported,
    Import,
    VerifyLog,
    VerifyExport,
    EmptyTransaction,
    PoolGet,
}

/// The dashboards with the documents of 20 KB; the others have small ones.
pub const LARGE_DASHBOARDS: i32 = 500;

/// The number of the dashboard that is read: no workload writes it.
const READ: usize = 101;
/// The numbers of those that are read together.
const READ_TOGETHER: std::ops::RangeInclusive<usize> = 201..=250;
/// The numbers of those that users look at: all live, and more than are remembered.
const LOOKED_AT: std::ops::Range<usize> = 200..400;
/// What is searched for: a metric of the dashboard that is read, the middle of its display name, and both.
pub const SEARCHED: [&str; 3] = [
    "loaded_0000101_total",
    "b3eff8baf566",
    "b3eff8baf566 loaded_0000101_total",
];
/// The number before those that are applied, one for each stream. Those that are updated are numbered from 1.
const BEFORE_APPLIED: usize = 50;
/// How long users wait who do not call all the time.
const BETWEEN_CALLS: Duration = Duration::from_secs(1);

impl Workload {
    /// All, in the order of the table.
    pub const ALL: [Self; 26] = [
        Self::PgbenchGet,
        Self::PgbenchGetUnprepared,
        Self::Echo,
        Self::Get,
        Self::GetAuthenticated,
        Self::GetStruct,
        Self::PgbenchList,
        Self::List,
        Self::BatchGet,
        Self::Search,
        Self::RecordView,
        Self::ListRecents,
        Self::ResolveLink,
        Self::ResolveLinkAtTimes,
        Self::ListAuditEvents,
        Self::ListAuditEventsAtTimes,
        Self::PgbenchUpdate,
        Self::Update,
        Self::UpdateSealed,
        Self::ApplyUnchanged,
        Self::CopyImported,
        Self::Import,
        Self::VerifyLog,
        Self::VerifyExport,
        Self::EmptyTransaction,
        Self::PoolGet,
    ];

    /// Those that are also measured among few dashboards and few events: they may grow with the number of all.
    pub const GROWING: [Self; 5] = [
        Self::List,
        Self::BatchGet,
        Self::Search,
        Self::ResolveLink,
        Self::ListAuditEvents,
    ];

    /// Whether it counts how many audit events there are.
    pub fn is_about_events(self) -> bool {
        matches!(
            self,
            Self::ResolveLink
                | Self::ResolveLinkAtTimes
                | Self::ListAuditEvents
                | Self::ListAuditEventsAtTimes
                | Self::UpdateSealed
                | Self::VerifyLog
                | Self::VerifyExport
        )
    }

    /// What the table calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::PgbenchGet => "control: pgbench, the statement of Get",
            Self::PgbenchGetUnprepared => "the same, parsed and planned each time",
            Self::Echo => "control: echo of 20 KB",
            Self::Get => "Get, JSON of 20 KB",
            Self::GetAuthenticated => "Get, JSON of 20 KB, with tokens of 50 users and their grants",
            Self::GetStruct => "Get, Struct of 20 KB",
            Self::PgbenchList => "control: pgbench, the statement of List",
            Self::List => "List, page of 50",
            Self::BatchGet => "BatchGet, 50 names",
            Self::Search => "Search, a metric, a part of a name, or both",
            Self::RecordView => "RecordDashboardView, 50 users",
            Self::ListRecents => "ListRecentDashboards, 50 users, page of 50",
            Self::ResolveLink => "ResolveShareLink, 20 KB",
            Self::ResolveLinkAtTimes => "the same, 50 users with a call a second each",
            Self::ListAuditEvents => "ListAuditEvents of one user, page of 50",
            Self::ListAuditEventsAtTimes => "the same, 50 users with a call a second each",
            Self::PgbenchUpdate => "control: pgbench, the statements of Update",
            Self::Update => "Update, 20 KB",
            Self::UpdateSealed => "the same, with its events sealed",
            Self::ApplyUnchanged => "Apply, 20 KB that are there already",
            Self::CopyImported => "control: COPY of the imported heads and revisions",
            Self::Import => "Import of 20 KB each, one stream",
            Self::VerifyLog => "audit verify: events of the database",
            Self::VerifyExport => "audit verify: events of an export",
            Self::EmptyTransaction => "pool: BEGIN, COMMIT",
            Self::PoolGet => "pool: take and give back",
        }
    }

    /// The method that is called; none where the service is not asked.
    pub fn path(self) -> Option<&'static str> {
        match self {
            Self::Echo => Some(super::echo::PATH),
            Self::Get | Self::GetAuthenticated | Self::GetStruct => {
                Some("/perses.dashboards.v1.DashboardService/GetDashboard")
            }
            Self::List => Some("/perses.dashboards.v1.DashboardService/ListDashboards"),
            Self::BatchGet => Some("/perses.dashboards.v1.DashboardService/BatchGetDashboards"),
            Self::Search => Some("/perses.dashboards.v1.DashboardService/SearchDashboards"),
            Self::RecordView => Some("/perses.dashboards.v1.PreferencesService/RecordDashboardView"),
            Self::ListRecents => Some("/perses.dashboards.v1.PreferencesService/ListRecentDashboards"),
            Self::ResolveLink | Self::ResolveLinkAtTimes => Some("/perses.dashboards.v1.ShareService/ResolveShareLink"),
            Self::ListAuditEvents | Self::ListAuditEventsAtTimes => {
                Some("/perses.dashboards.v1.AuditService/ListAuditEvents")
            }
            Self::Update | Self::UpdateSealed => Some("/perses.dashboards.v1.DashboardService/UpdateDashboard"),
            Self::ApplyUnchanged => Some("/perses.dashboards.v1.DashboardService/ApplyDashboard"),
            Self::PgbenchGet
            | Self::PgbenchGetUnprepared
            | Self::PgbenchList
            | Self::PgbenchUpdate
            | Self::CopyImported
            | Self::Import
            | Self::VerifyLog
            | Self::VerifyExport
            | Self::EmptyTransaction
            | Self::PoolGet => None,
        }
    }

    /// The calls of one stream, in development mode.
    pub fn calls(self, stream: usize) -> Calls {
        Calls {
            caller: matches!(self, Self::RecordView | Self::ListRecents).then(|| (REMOTE_USER, user(stream))),
            requests: self.requests(stream),
            pause: match self {
                Self::ResolveLinkAtTimes | Self::ListAuditEventsAtTimes => BETWEEN_CALLS,
                _ => Duration::ZERO,
            },
        }
    }

    /// The requests of one stream.
    pub fn requests(self, stream: usize) -> MakeRequest {
        let same = match self {
            Self::Get | Self::GetAuthenticated => get(SpecFormat::Json),
            Self::GetStruct => get(SpecFormat::Structured),
            Self::List => list(),
            Self::BatchGet => batch_get(),
            Self::ApplyUnchanged => apply(stream),
            Self::Search => return searches(),
            Self::RecordView => return views(stream),
            Self::ListRecents => list_recents(),
            Self::ListAuditEvents | Self::ListAuditEventsAtTimes => list_audit_events(stream),
            Self::Update | Self::UpdateSealed => return updates(stream),
            _ => Bytes::from(vec![b'x'; DOCUMENT_BYTES]),
        };
        same_again(same)
    }
}

/// The same request each time.
pub fn same_again(request: Bytes) -> MakeRequest {
    Box::new(move || request.clone())
}

/// The name of the user of a stream, who has a grant to read everything.
pub fn user(stream: usize) -> String {
    format!("user-{stream}")
}

/// The name of the dashboard that is read.
pub fn read_dashboard() -> String {
    name(READ)
}

/// The name of a loaded dashboard, as `load_dashboards.sql` makes it.
fn name(number: usize) -> String {
    format!("projects/project-{}/dashboards/dashboard-{number:07}", number % 20)
}

fn encoded(message: &impl prost::Message) -> Bytes {
    message.encode_to_vec().into()
}

fn get(format: SpecFormat) -> Bytes {
    encoded(&proto::GetDashboardRequest {
        name: name(READ),
        spec_format: format.into(),
        ..Default::default()
    })
}

fn list() -> Bytes {
    encoded(&proto::ListDashboardsRequest {
        parent: "projects/-".into(),
        page_size: 50,
        ..Default::default()
    })
}

fn batch_get() -> Bytes {
    encoded(&proto::BatchGetDashboardsRequest {
        parent: "projects/-".into(),
        names: READ_TOGETHER.map(name).collect(),
        ..Default::default()
    })
}

/// Searches that find one dashboard each, in turn by a metric that it alone uses, by a part of its display name, and by both.
fn searches() -> MakeRequest {
    in_turn(SEARCHED.map(|query| {
        encoded(&proto::SearchDashboardsRequest {
            parent: "projects/-".into(),
            query: query.into(),
            ..Default::default()
        })
    }))
}

/// Views of one dashboard after the other; each user begins with another one.
fn views(stream: usize) -> MakeRequest {
    let mut dashboards: Vec<usize> = LOOKED_AT.collect();
    dashboards.rotate_left(stream);
    in_turn(dashboards.into_iter().map(|number| {
        encoded(&proto::RecordDashboardViewRequest {
            parent: "users/me".into(),
            dashboard: name(number),
            ..Default::default()
        })
    }))
}

fn list_recents() -> Bytes {
    encoded(&proto::ListRecentDashboardsRequest {
        parent: "users/me".into(),
        ..Default::default()
    })
}

/// The newest events of a user who has as many as the others.
fn list_audit_events(stream: usize) -> Bytes {
    encoded(&proto::ListAuditEventsRequest {
        parent: "platform".into(),
        filter: format!("actor = \"user:{}\"", user(stream % audit_log::USERS)),
        ..Default::default()
    })
}

/// One after the other, over and over.
fn in_turn(requests: impl IntoIterator<Item = Bytes>) -> MakeRequest {
    let all: Vec<Bytes> = requests.into_iter().collect();
    let mut endless = all.into_iter().cycle();
    Box::new(move || endless.next().unwrap_or_default())
}

fn with_document(number: usize, etag: &str, version: u64) -> Option<proto::Dashboard> {
    Some(proto::Dashboard {
        name: name(number),
        etag: etag.into(),
        spec: Some(proto::DashboardSpec {
            content: Some(Content::Json(document(version))),
        }),
        ..Default::default()
    })
}

fn apply(stream: usize) -> Bytes {
    encoded(&proto::ApplyDashboardRequest {
        dashboard: with_document(BEFORE_APPLIED + 1 + stream, "", 0),
        ..Default::default()
    })
}

/// Updates with a new document each: its version is written over that of the first.
fn updates(stream: usize) -> MakeRequest {
    let first = encoded(&proto::UpdateDashboardRequest {
        dashboard: with_document(1 + stream, "*", 0),
        ..Default::default()
    });
    let digits_at = end_of(VERSION_MARK, &first).unwrap_or_default();
    // Later rounds, and the streams of other runs, write other versions.
    let mut version = u64::try_from(time::OffsetDateTime::now_utc().unix_timestamp_nanos()).unwrap_or_default();
    Box::new(move || {
        version += 1;
        let mut request = first.to_vec();
        request[digits_at..digits_at + VERSION_DIGITS]
            .copy_from_slice(format!("{version:0VERSION_DIGITS$}").as_bytes());
        request.into()
    })
}
