//! Calls that wait in the database for as long as a test wants.

use dashboard_store::grpc::proto::CreateDashboardResponse;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tonic::{Response, Status};

use super::TestServer;
use super::cluster::TestDatabase;
use super::requests::create_request;
use super::waiting::{found, until};

/// Holds a table, so that whoever writes dashboards waits.
pub struct HeldTable {
    holder: Client,
    /// A transaction sees the activity of others once; this one asks outside of it.
    observer: Client,
}

impl HeldTable {
    /// Locks the table of dashboards until [`Self::release`].
    pub async fn lock(database: &TestDatabase) -> Self {
        let holder = database.connect().await;
        holder
            .batch_execute("BEGIN; LOCK TABLE dashboard IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
        let observer = database.connect().await;
        Self { holder, observer }
    }

    /// Waits until so many statements wait for the table, and gives their backends.
    pub async fn wait_for_waiting(&self, count: usize) -> Vec<i32> {
        const WAITING: &str = "SELECT pid FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'";
        let rows = found(format_args!("{count} who wait"), async || {
            let waiting = self.observer.query(WAITING, &[]).await.unwrap();
            (waiting.len() == count).then_some(waiting)
        })
        .await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Ends a backend, as an administrator would.
    pub async fn terminate(&self, backend: i32) {
        let terminate = "SELECT pg_terminate_backend($1)";
        self.observer.execute(terminate, &[&backend]).await.unwrap();
    }

    /// Lets everybody go on.
    pub async fn release(self) {
        self.holder.batch_execute("ROLLBACK").await.unwrap();
    }
}

/// Begins to create `projects/p/dashboards/{id}` in the background.
pub async fn begin_create(
    server: &TestServer,
    id: &str,
) -> JoinHandle<Result<Response<CreateDashboardResponse>, Status>> {
    let mut client = server.dashboards().await;
    let request = create_request(id);
    tokio::spawn(async move { DashboardServiceClient::create_dashboard(&mut client, request).await })
}

/// Waits until no connection of the service is in use.
pub async fn wait_until_pool_is_free(server: &TestServer) {
    let pool = server.pool();
    until(format_args!("nothing in use of {pool:?}"), async || {
        pool.stats().in_use == 0
    })
    .await;
}

/// Waits until so many statements of this name wait for locks in the database of `observer`.
pub async fn wait_for_locks(observer: &Client, statement: &str, count: usize) {
    const WAITING: &str = "SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND starts_with(query, $1)";
    let name = format!("-- {statement}\n");
    until(format_args!("{count} {statement} that wait"), async || {
        observer.query(WAITING, &[&name]).await.unwrap().len() >= count
    })
    .await;
}
