//! Every method for every kind of caller, beside the table of what was decided: `matrix.md`, for people to read.
//!
//! Methods come from the descriptors that reflection serves, callers from the head of the table. Each call asks for something
//! that is there, and changes nothing.

pub mod requests;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use dashboard_store::grpc::DESCRIPTOR_SETS;
use dashboard_store::grpc::proto::Role;
use dashboard_store::signing::SigningKey;
use postgres_types::ToSql;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use serde_json::json;
use tokio_postgres::Client;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::access::grant;
use crate::support::cluster::directory;
use crate::support::raw;
use crate::support::requests::{apply, delete, reason, spec_named};
use crate::support::templates;
use crate::support::tls_server::authentication;
use crate::support::tokens::{ISSUER, KeyFile, Signer, claims_of, in_seconds, issuer, jwk_set};

const TABLE: &str = include_str!("matrix.md");

/// The callers: what each was granted. [`credential`] says how they prove who they are.
const CALLERS: &[(&str, Option<(&str, Role)>)] = &[
    (ANONYMOUS, None),
    (EXPIRED, None),
    (WRONG_AUDIENCE, None),
    ("no role", None),
    ("viewer", Some(("projects/p", Role::Viewer))),
    ("editor", Some(("projects/p", Role::Editor))),
    ("admin", Some(("projects/p", Role::Admin))),
    ("admin of another project", Some(("projects/q", Role::Admin))),
    ("dashboard-only viewer", Some(("projects/p/dashboards/d", Role::Viewer))),
    ("auditor", Some(("platform", Role::Auditor))),
    ("gateway", Some(("platform", Role::Gateway))),
    (MIGHTIEST, Some(("platform", Role::PlatformAdmin))),
];

const ANONYMOUS: &str = "anonymous";
const EXPIRED: &str = "expired token";
const WRONG_AUDIENCE: &str = "wrong audience";
const MIGHTIEST: &str = "platform-admin";

/// The cells of a table, by method and caller.
type Cells = BTreeMap<(String, String), String>;

/// The user that a caller of the table is.
fn user(caller: &str) -> String {
    caller.replace(' ', "-")
}

/// Every method of the descriptors, as `package.Service/Method`, once.
pub fn methods() -> Vec<String> {
    let mut methods = Vec::new();
    for set in DESCRIPTOR_SETS {
        for file in FileDescriptorSet::decode(*set).unwrap().file {
            for service in &file.service {
                let names = service.method.iter().map(|method| method.name());
                methods.extend(names.map(|name| format!("{}.{}/{name}", file.package(), service.name())));
            }
        }
    }
    methods.sort();
    methods.dedup();
    methods
}

/// The token that a caller shows. Nothing but what the name of the caller says is wrong with one that is not taken: it is
/// of a user who may do everything.
fn credential(signer: &Signer, caller: &str) -> Option<String> {
    let mut claims = claims_of(&user(MIGHTIEST));
    match caller {
        ANONYMOUS => return None,
        EXPIRED => claims["exp"] = json!(in_seconds(-90)),
        WRONG_AUDIENCE => claims["aud"] = json!("another-service"),
        _ => claims["sub"] = json!(user(caller)),
    }
    Some(signer.sign(&claims))
}

/// Puts there what the calls ask for by an id that the server would choose: a share link, and an audit event.
pub async fn insert_what_has_ids(sql: &Client) {
    let share = "INSERT INTO share_token (id, dashboard_id, token_sha256, expires_at, created_by, updated_by)
        SELECT $1::text::uuid, id, $2, now() + interval '1 day', 'user:editor', 'user:editor' FROM dashboard WHERE name = 'd'";
    let sha256 = requests::link_secret().sha256();
    let row: [&(dyn ToSql + Sync); 2] = [&requests::LINK_ID, &sha256.as_bytes()];
    sql.execute(share, &row).await.unwrap();
    let event = "INSERT INTO audit_log (id, actor, auth_method, method, permission, project, resource, correlation_id)
        VALUES ($1::text::uuid, 'user:editor', 'jwt', 'Matrix', 'dashboards.get', 'p', 'projects/p/dashboards/d', $1::text::uuid)";
    sql.execute(event, &[&requests::EVENT_ID]).await.unwrap();
}

/// Makes all that the calls ask for, and a grant for each caller, on a server that takes everybody at its word.
async fn prepare() -> TestServer {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    apply(&mut client, "projects/p/dashboards/d", spec_named("d")).await;
    apply(&mut client, "projects/p/dashboards/gone", spec_named("gone")).await;
    delete(&mut client, "projects/p/dashboards/gone").await;
    templates::create(&mut server.templates().await, "t").await;
    insert_what_has_ids(&server.sql().await).await;
    for (caller, granted) in CALLERS {
        if let Some((parent, role)) = granted {
            grant(&server, parent, &format!("user:{}", user(caller)), *role).await;
        }
    }
    server
}

/// What a server decides that finds this in its database, and takes the tokens of one issuer.
async fn decisions(prepared: TestServer) -> Cells {
    let signer = Signer::es256("a");
    let keys = KeyFile::new(&jwk_set(&[&signer]));
    let database = prepared.database().clone();
    let connect = database.service_config();
    let server = TestServer::launch(database, connect, |config| {
        config.authentication = authentication();
        config.authentication.issuers = vec![issuer(ISSUER, keys.source())];
        config.audit.key = Some(signing_key());
    })
    .await;
    server.wait_until_ready().await;
    let channel = server.channel().await;
    let mut cells = Cells::new();
    for method in methods() {
        let message = requests::of(&method);
        for (caller, _) in CALLERS {
            let mut metadata = MetadataMap::new();
            if let Some(token) = credential(&signer, caller) {
                metadata.insert("authorization", format!("Bearer {token}").parse().unwrap());
            }
            let called = raw::call(channel.clone(), &method, metadata, message.clone()).await;
            cells.insert((method.clone(), (*caller).to_owned()), decision(called));
        }
    }
    cells
}

/// A key, so that there is a sealed log to verify.
fn signing_key() -> Arc<SigningKey> {
    let path = directory().join(format!("matrix-key-{}.pem", Uuid::new_v4()));
    Arc::new(SigningKey::read_or_create(&path).unwrap())
}

/// What became of a call, in a word.
fn decision(called: Result<(), Status>) -> String {
    let Err(status) = called else {
        return "allow".to_owned();
    };
    match (status.code(), reason(&status).as_str()) {
        (Code::PermissionDenied, "PERMISSION_DENIED") => "deny".to_owned(),
        (Code::Unauthenticated, "UNAUTHENTICATED") => "unauthenticated".to_owned(),
        // The call asks for something that is not there: then it shows nothing.
        (code, reason) => format!("{code:?}, {reason}: {}", status.message()),
    }
}

/// Reads a table of Markdown: the first row has the callers, the first column the methods.
fn read(table: &str) -> Cells {
    let mut rows = table.lines().filter_map(|line| {
        let inside = line.strip_prefix('|')?.strip_suffix('|')?;
        let cells = inside.split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
        Some(cells.collect::<Vec<_>>())
    });
    let head = rows.next().unwrap();
    let mut cells = Cells::new();
    for row in rows.filter(|row| !row[0].starts_with("---")) {
        assert_eq!(row.len(), head.len(), "{row:?}");
        for (caller, decision) in head.iter().zip(&row).skip(1) {
            let doubled = cells.insert((row[0].clone(), caller.clone()), decision.clone());
            assert_eq!(doubled, None, "{} has two rows", row[0]);
        }
    }
    cells
}

/// Writes a table as it stands in the file.
fn write(cells: &Cells) -> String {
    let mut table = String::from("| method |");
    for (caller, _) in CALLERS {
        write!(table, " {caller} |").unwrap();
    }
    table += "\n|---|";
    table += &"---|".repeat(CALLERS.len());
    for method in methods() {
        write!(table, "\n| `{method}` |").unwrap();
        for (caller, _) in CALLERS {
            write!(table, " {} |", cells[&(method.clone(), (*caller).to_owned())]).unwrap();
        }
    }
    table
}

/// The cells in which two tables differ.
fn differences(decided: &Cells, written: &Cells) -> Vec<String> {
    let cells: std::collections::BTreeSet<_> = decided.keys().chain(written.keys()).collect();
    let differing = cells
        .into_iter()
        .filter(|cell| decided.get(*cell) != written.get(*cell));
    differing
        .map(|cell| {
            let (method, caller) = cell;
            let (server, table) = (decided.get(cell), written.get(cell));
            format!("{method} by {caller}: the server says {server:?}, the table {table:?}")
        })
        .collect()
}

#[tokio::test]
async fn every_method_decides_as_the_table_says() {
    let decided = decisions(prepare().await).await;
    let differing = differences(&decided, &read(TABLE));
    assert!(differing.is_empty(), "{}\n\n{}", differing.join("\n"), write(&decided));
}

#[test]
fn a_changed_cell_and_a_missing_row_are_found() {
    let written = read(TABLE);
    for (cell, decision) in &written {
        let other = if decision == "allow" { "deny" } else { "allow" };
        let mut changed = written.clone();
        changed.insert(cell.clone(), other.into());
        assert_eq!(differences(&changed, &written).len(), 1, "{cell:?}");
    }
    let method = "perses.dashboards.v1.DashboardService/GetDashboard";
    let mut without = written.clone();
    without.retain(|(row, _), _| row != method);
    assert_eq!(differences(&written, &without).len(), CALLERS.len());
}
