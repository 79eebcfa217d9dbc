//! Many dashboards in one stream: an import, `COPY` of the rows that it leaves in the tables, and an export.

use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::import_dashboards_request::Part;
use futures_util::{SinkExt as _, TryStreamExt as _, stream};
use prost::Message as _;
use proto::ImportOutcome;
use tokio_postgres::Client;

use super::Outcome;
use super::client::Clients;
use super::document::{VERSION_DIGITS, VERSION_MARK, document, end_of};

/// The shorter of two streams whose memory is compared.
pub const FEW: usize = 1_000;
/// The longer one.
pub const MANY: usize = 10_000;
/// How much more memory it may take, in MiB: the documents that it has more are 176.
pub const MOST_GROWTH: f64 = 8.0;

const IMPORT: &str = "/perses.dashboards.v1.DashboardService/ImportDashboards";
const EXPORT: &str = "/perses.dashboards.v1.DashboardService/ExportDashboards";
const PARENT: &str = "projects/imported";
/// What an import writes, beside audit events and request ids.
const IMPORTED: [(&str, &str); 2] = [
    ("dashboard", "project = 'imported'"),
    (
        "dashboard_revision",
        "dashboard_id IN (SELECT id FROM dashboard WHERE project = 'imported')",
    ),
];
/// All that are not generated.
const COLUMNS: &str = "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''";
/// How much is handed to the driver at once.
const COPY_BYTES: usize = 1024 * 1024;

/// The most memory that a service has had resident, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Peaks {
    /// One that took an import.
    pub import: u64,
    /// One that gave an export.
    pub export: u64,
}

impl fmt::Display for Peaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [import, export] = [self.import, self.export].map(|bytes| bytes / 1024 / 1024);
        write!(
            f,
            "at most {import} MiB of memory for the import, {export} MiB for the export"
        )
    }
}

/// Imports so many new dashboards in one stream; how long it took.
pub async fn import(service: SocketAddr, count: usize) -> Outcome<Duration> {
    let clients = Clients::connect(service, IMPORT).await?;
    let begin = Instant::now();
    let mut answers = clients.call_streaming(stream::iter(messages(count))).await?;
    let mut created = 0;
    while let Some(encoded) = answers.message().await? {
        let answer = proto::ImportDashboardsResponse::decode(encoded)?;
        if answer.outcome() != ImportOutcome::Created {
            return Err(format!("an import of new dashboards answers {answer:?}").into());
        }
        created += 1;
    }
    match created == count {
        true => Ok(begin.elapsed()),
        false => Err(format!("{created} of {count} dashboards went in").into()),
    }
}

/// Exports what was imported.
pub async fn export(service: SocketAddr, count: usize) -> Outcome<()> {
    let request = proto::ExportDashboardsRequest {
        parent: PARENT.into(),
        ..Default::default()
    };
    let clients = Clients::connect(service, EXPORT).await?;
    let only = stream::iter([request.encode_to_vec().into()]);
    let mut answers = clients.call_streaming(only).await?;
    let mut came_out = 0;
    while answers.message().await?.is_some() {
        came_out += 1;
    }
    match came_out == count {
        true => Ok(()),
        false => Err(format!("{came_out} of {count} dashboards came out").into()),
    }
}

/// Removes what was imported, so that the tables are the same for the next one.
pub async fn clear(sql: &Client) -> Outcome<()> {
    for statement in [
        "DELETE FROM dashboard WHERE project = 'imported'",
        "VACUUM dashboard, dashboard_revision",
        "CHECKPOINT",
    ] {
        sql.batch_execute(statement).await?;
    }
    Ok(())
}

/// The messages of an import. Numbers are written over those of the first item: to make each document anew would take as long as
/// to take it in.
fn messages(count: usize) -> impl Iterator<Item = Bytes> + Send {
    const NAME_MARK: &str = "imported-";
    const NAME_DIGITS: usize = 7;
    let encoded = |part| proto::ImportDashboardsRequest { part: Some(part) }.encode_to_vec();
    let options = encoded(Part::Options(proto::ImportOptions {
        parent: PARENT.into(),
        ..Default::default()
    }));
    let (name, spec) = (format!("{NAME_MARK}{:0NAME_DIGITS$}", 0), document(0));
    let text = format!(r#"{{"kind":"Dashboard","metadata":{{"name":"{name}"}},"spec":{spec}}}"#);
    let first = encoded(Part::Item(proto::ImportItem { text }));
    let name_at = end_of(NAME_MARK, &first).unwrap_or_default();
    let version_at = end_of(VERSION_MARK, &first).unwrap_or_default();
    let items = (1..=count).map(move |number| {
        let mut item = first.clone();
        item[name_at..name_at + NAME_DIGITS].copy_from_slice(format!("{number:0NAME_DIGITS$}").as_bytes());
        item[version_at..version_at + VERSION_DIGITS].copy_from_slice(format!("{number:0VERSION_DIGITS$}").as_bytes());
        item
    });
    [options].into_iter().chain(items).map(Bytes::from)
}

/// The rows of imported dashboards and their revisions, as COPY writes them.
pub struct Rows {
    /// How to copy them in, and what.
    tables: Vec<(String, Vec<Bytes>)>,
}

impl Rows {
    /// Imports dashboards, and copies their rows out.
    pub async fn of_import(service: SocketAddr, sql: &Client, count: usize) -> Outcome<Self> {
        import(service, count).await?;
        let mut tables = Vec::new();
        for (table, condition) in IMPORTED {
            let columns: String = sql.query_one(COLUMNS, &[&table]).await?.try_get(0)?;
            let select = format!("COPY (SELECT {columns} FROM {table} WHERE {condition}) TO STDOUT (FORMAT binary)");
            let insert = format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)");
            tables.push((insert, joined(sql.copy_out(&select).await?).await?));
        }
        Ok(Self { tables })
    }

    /// Copies them in, in one transaction; how long it took.
    pub async fn copy_in(&self, sql: &mut Client) -> Outcome<Duration> {
        let begin = Instant::now();
        let transaction = sql.transaction().await?;
        for (insert, pieces) in &self.tables {
            let mut sink = pin!(transaction.copy_in(insert).await?);
            for piece in pieces {
                sink.feed(piece.clone()).await?;
            }
            sink.finish().await?;
        }
        transaction.commit().await?;
        Ok(begin.elapsed())
    }
}

/// Pieces of [`COPY_BYTES`]: each one that is handed on costs two switches between tasks, and these are one for each row.
async fn joined(rows: tokio_postgres::CopyOutStream) -> Outcome<Vec<Bytes>> {
    let mut rows = pin!(rows);
    let mut pieces = Vec::new();
    let mut piece = BytesMut::new();
    while let Some(row) = rows.try_next().await? {
        piece.extend_from_slice(&row);
        if piece.len() >= COPY_BYTES {
            pieces.push(piece.split().freeze());
        }
    }
    pieces.push(piece.freeze());
    Ok(pieces)
}
