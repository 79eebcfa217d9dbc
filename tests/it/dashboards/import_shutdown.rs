//! ImportDashboards when the server ends in the middle.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::import_dashboards_request::Part;
use proto::ImportOutcome;
use tokio_postgres::Client;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::events;
use crate::support::blocking::HeldTable;
use crate::support::requests::assert_refused;
use crate::support::transfer::{atomic, begin, import, item, message, options, outcomes, resource};

/// What is acknowledged before the server ends, where items go in by themselves.
const BEFORE: [&str; 3] = ["a", "b", "c"];
/// What the server is writing when it ends.
const UNDER_WAY: &str = "d";

#[tokio::test]
async fn a_shutdown_keeps_what_was_acknowledged_and_the_import_can_be_repeated() {
    for (with_options, expected) in [(options(), BEFORE.as_slice()), (atomic(), &[])] {
        let repeatable = proto::ImportOptions {
            request_id: Uuid::new_v4().to_string(),
            ..with_options
        };
        let server = TestServer::start().await;
        let database = server.database().clone();

        cut_by_shutdown(server, repeatable.clone()).await;

        assert_eq!(stored_names(&database.connect().await).await, expected);
        let restarted = TestServer::launch(database.clone(), database.config().clone(), |_| {}).await;
        restarted.wait_until(ServingStatus::Serving).await;
        let all = [&BEFORE[..], &[UNDER_WAY]].concat();
        let texts = all.iter().map(|id| resource("p", id, id)).collect();
        let answers = import(&mut restarted.dashboards().await, repeatable, texts).await;
        assert_eq!(outcomes(&answers), [ImportOutcome::Created; 4]);
        assert_eq!(stored_names(&database.connect().await).await, all);
        assert_eq!(events(&restarted).await.len(), all.len(), "nothing was written twice");
    }
}

/// Stops the server while it writes the last item of an import, or all of them at once.
async fn cut_by_shutdown(server: TestServer, with_options: proto::ImportOptions) {
    let is_atomic = with_options.atomic;
    let (sender, mut answers) = begin(&mut server.dashboards().await, with_options).await;
    for id in BEFORE {
        sender.send(item(resource("p", id, id))).await.unwrap();
        if !is_atomic {
            let acknowledged = answers.message().await.unwrap().unwrap();
            assert_eq!(acknowledged.outcome(), ImportOutcome::Created);
        }
    }
    let held = HeldTable::lock(server.database()).await;
    sender.send(item(resource("p", UNDER_WAY, UNDER_WAY))).await.unwrap();
    if is_atomic {
        sender.send(message(Part::End(proto::ImportEnd {}))).await.unwrap();
    }
    held.wait_for_waiting(1).await;

    let stopping = tokio::spawn(server.stop());
    let end = answers.message().await.unwrap_err();

    assert_refused(&end, Code::Unavailable, "DRAINING");
    held.release().await;
    stopping.await.unwrap();
}

async fn stored_names(sql: &Client) -> Vec<String> {
    let rows = sql
        .query("SELECT name FROM dashboard ORDER BY name", &[])
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
