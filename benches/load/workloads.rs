//! What is measured, and the requests that it consists of.

use bytes::Bytes;
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::SpecFormat;
use dashboard_store::grpc::proto::dashboard_spec::Content;

use super::client::{Calls, MakeRequest};
use super::document::{DOCUMENT_BYTES, VERSION_DIGITS, VERSION_MARK, document, end_of};

/// A row of the table. Controls stand before what they are the control of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Workload {
    PgbenchGet,
    PgbenchGetUnprepared,
    Echo,
    Get,
    GetStruct,
    PgbenchList,
    List,
    BatchGet,
    Search,
    RecordView,
    ListRecents,
    PgbenchUpdate,
    Update,
    ApplyUnchanged,
    CopyImported,
    Import,
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

impl Workload {
    /// All, in the order of the table.
    pub const ALL: [Self; 18] = [
        Self::PgbenchGet,
        Self::PgbenchGetUnprepared,
        Self::Echo,
        Self::Get,
        Self::GetStruct,
        Self::PgbenchList,
        Self::List,
        Self::BatchGet,
        Self::Search,
        Self::RecordView,
        Self::ListRecents,
        Self::PgbenchUpdate,
        Self::Update,
        Self::ApplyUnchanged,
        Self::CopyImported,
        Self::Import,
        Self::EmptyTransaction,
        Self::PoolGet,
    ];

    /// Those that are also measured among few dashboards: they may grow with the number of all.
    pub const GROWING: [Self; 3] = [Self::List, Self::BatchGet, Self::Search];

    /// What the table calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::PgbenchGet => "control: pgbench, the statement of Get",
            Self::PgbenchGetUnprepared => "the same, parsed and planned each time",
            Self::Echo => "control: echo of 20 KB",
            Self::Get => "Get, JSON of 20 KB",
            Self::GetStruct => "Get, Struct of 20 KB",
            Self::PgbenchList => "control: pgbench, the statement of List",
            Self::List => "List, page of 50",
            Self::BatchGet => "BatchGet, 50 names",
            Self::Search => "Search, a metric, a part of a name, or both",
            Self::RecordView => "RecordDashboardView, 50 users",
            Self::ListRecents => "ListRecentDashboards, 50 users, page of 50",
            Self::PgbenchUpdate => "control: pgbench, the statements of Update",
            Self::Update => "Update, 20 KB",
            Self::ApplyUnchanged => "Apply, 20 KB that are there already",
            Self::CopyImported => "control: COPY of the imported heads and revisions",
            Self::Import => "Import of 20 KB each, one stream",
            Self::EmptyTransaction => "pool: BEGIN, COMMIT",
            Self::PoolGet => "pool: take and give back",
        }
    }

    /// The method that is called; none where the service is not asked.
    pub fn path(self) -> Option<&'static str> {
        match self {
            Self::Echo => Some(super::echo::PATH),
            Self::Get | Self::GetStruct => Some("/perses.dashboards.v1.DashboardService/GetDashboard"),
            Self::List => Some("/perses.dashboards.v1.DashboardService/ListDashboards"),
            Self::BatchGet => Some("/perses.dashboards.v1.DashboardService/BatchGetDashboards"),
            Self::Search => Some("/perses.dashboards.v1.DashboardService/SearchDashboards"),
            Self::RecordView => Some("/perses.dashboards.v1.PreferencesService/RecordDashboardView"),
            Self::ListRecents => Some("/perses.dashboards.v1.PreferencesService/ListRecentDashboards"),
            Self::Update => Some("/perses.dashboards.v1.DashboardService/UpdateDashboard"),
            Self::ApplyUnchanged => Some("/perses.dashboards.v1.DashboardService/ApplyDashboard"),
            Self::PgbenchGet
            | Self::PgbenchGetUnprepared
            | Self::PgbenchList
            | Self::PgbenchUpdate
            | Self::CopyImported
            | Self::Import
            | Self::EmptyTransaction
            | Self::PoolGet => None,
        }
    }

    /// The calls of one stream.
    pub fn calls(self, stream: usize) -> Calls {
        Calls {
            user: matches!(self, Self::RecordView | Self::ListRecents).then(|| format!("user-{stream}")),
            requests: self.requests(stream),
        }
    }

    /// The requests of one stream.
    pub fn requests(self, stream: usize) -> MakeRequest {
        let same = match self {
            Self::Get => get(SpecFormat::Json),
            Self::GetStruct => get(SpecFormat::Structured),
            Self::List => list(),
            Self::BatchGet => batch_get(),
            Self::ApplyUnchanged => apply(stream),
            Self::Search => return searches(),
            Self::RecordView => return views(stream),
            Self::ListRecents => list_recents(),
            Self::Update => return updates(stream),
            _ => Bytes::from(vec![b'x'; DOCUMENT_BYTES]),
        };
        Box::new(move || same.clone())
    }
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
