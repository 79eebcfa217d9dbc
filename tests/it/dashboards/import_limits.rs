//! ImportDashboards: how much of it there may be, and what large ones cost.

use std::fs;

use dashboard_store::domain::import::{MAX_ATOMIC_BYTES, MAX_ATOMIC_ITEMS, MAX_ITEMS};
use dashboard_store::grpc::proto;
use proto::{ErrorReason, ImportOutcome};
use tonic::Code;

use crate::support::TestServer;
use crate::support::cluster::TestDatabase;
use crate::support::process::{ServiceProcess, database_url, serve};
use crate::support::requests::assert_refused;
use crate::support::transfer::{atomic, begin, import, item, options, outcomes, resource, send, whole};

/// Counts as an item, and never gets as far as the database.
const NO_RESOURCE: &str = "{}";

#[tokio::test]
async fn a_stream_has_a_limit_of_items() {
    let server = TestServer::start().await;
    let (sender, mut answers) = begin(&mut server.dashboards().await, options()).await;
    let sending = tokio::spawn(async move {
        for _ in 0..MAX_ITEMS {
            sender.send(item(NO_RESOURCE)).await.unwrap();
        }
        sender
    });
    for index in 0..MAX_ITEMS {
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(
            (usize::try_from(answer.index), answer.outcome()),
            (Ok(index), ImportOutcome::Refused)
        );
    }
    let sender = sending.await.unwrap();
    sender.send(item(NO_RESOURCE)).await.unwrap();
    let end = answers.message().await.unwrap_err();
    assert_refused(&end, Code::ResourceExhausted, "IMPORT_TOO_LARGE");
}

#[tokio::test]
async fn an_atomic_import_has_a_limit_of_items() {
    let server = TestServer::start().await;
    assert_atomic_limit(&server, vec![NO_RESOURCE.into(); MAX_ATOMIC_ITEMS], NO_RESOURCE.into()).await;
}

#[tokio::test]
async fn an_atomic_import_has_a_limit_of_bytes() {
    /// Below what one message may have.
    const ITEM_BYTES: usize = 2 * 1024 * 1024;
    let server = TestServer::start().await;
    let text = [NO_RESOURCE, &" ".repeat(ITEM_BYTES - NO_RESOURCE.len())].concat();
    let texts = vec![text; MAX_ATOMIC_BYTES / ITEM_BYTES];
    assert_eq!(texts.concat().len(), MAX_ATOMIC_BYTES);
    assert_atomic_limit(&server, texts, " ".into()).await;
}

/// Sends texts that fit, of which each is refused by itself, and the same with one more, which is too much.
async fn assert_atomic_limit(server: &TestServer, fitting: Vec<String>, one_more: String) {
    let mut client = server.dashboards().await;
    let (answers, end) = send(&mut client, whole(atomic(), fitting.clone())).await;
    assert_eq!(outcomes(&answers), vec![ImportOutcome::Refused; fitting.len()]);
    assert_refused(&end.unwrap_err(), Code::FailedPrecondition, "IMPORT_REFUSED");

    let too_many = [fitting, vec![one_more]].concat();
    let (answers, end) = send(&mut client, whole(atomic(), too_many)).await;
    assert!(answers.is_empty());
    assert_refused(&end.unwrap_err(), Code::ResourceExhausted, "IMPORT_TOO_LARGE");
}

#[tokio::test]
async fn anchors_that_multiply_are_refused_and_the_rest_goes_in() {
    let server = TestServer::start().await;
    let mut bomb =
        "kind: Dashboard\nmetadata: {name: bomb, project: p}\nspec:\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
            .to_owned();
    for level in 1..10 {
        let below = format!("*a{},", level - 1).repeat(9);
        bomb.push_str(&format!("  a{level}: &a{level} [{below}]\n"));
    }
    let texts = vec![resource("p", "before", "d"), bomb, resource("p", "after", "d")];

    let answers = import(&mut server.dashboards().await, options(), texts).await;

    use ImportOutcome::{Created, Refused};
    assert_eq!(outcomes(&answers), [Created, Refused, Created]);
    assert_eq!(answers[1].reason(), ErrorReason::SpecLimitExceeded);
}

#[tokio::test]
async fn ten_thousand_dashboards_in_one_stream_take_no_more_memory_than_a_thousand() {
    const DASHBOARDS: usize = 10_000;
    /// When everything that a stream needs is there: connections, prepared statements, buffers.
    const WARM: usize = 1_000;
    const TITLE_BYTES: usize = 4_000;
    const MAX_GROWTH_BYTES: usize = 12 * 1024 * 1024;
    let database = TestDatabase::create().await;
    let mut command = serve(&["--insecure-dev"]);
    command.env("DATABASE_URL", database_url(database.config()));
    let service = ServiceProcess::start_serving(command).await;
    let (sender, mut answers) = begin(&mut service.dashboards().await, options()).await;
    let sending = tokio::spawn(async move {
        for number in 0..DASHBOARDS {
            let text = resource("p", &format!("d-{number}"), &"x".repeat(TITLE_BYTES));
            sender.send(item(text)).await.unwrap();
        }
    });

    let mut when_warm = 0;
    for index in 0..DASHBOARDS {
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(
            (usize::try_from(answer.index), answer.outcome()),
            (Ok(index), ImportOutcome::Created)
        );
        if index == WARM {
            when_warm = peak_memory_bytes(service.id());
        }
    }
    sending.await.unwrap();
    assert!(answers.message().await.unwrap().is_none());

    // The kernel counts memory by thread, so that even the highest mark can be read a little lower later on.
    let growth = peak_memory_bytes(service.id()).saturating_sub(when_warm);
    assert!(
        growth < MAX_GROWTH_BYTES,
        "{growth} bytes for {} of text",
        (DASHBOARDS - WARM) * TITLE_BYTES
    );
    let count = "SELECT count(*) FROM dashboard";
    let stored: i64 = database.connect().await.query_one(count, &[]).await.unwrap().get(0);
    assert_eq!(usize::try_from(stored), Ok(DASHBOARDS));
}

/// The most memory that a process ever held.
fn peak_memory_bytes(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kibibytes: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    kibibytes * 1024
}
