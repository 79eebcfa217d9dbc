//! Runs every task of maintenance where each has something to do.

use dashboard_store::store::maintenance::{TASKS, When};
use dashboard_store::store::{Retention, Store};

use crate::support::TestServer;

/// Some of what can expire has, among much that has not: more than a batch of each. It has a name, so it is no trigger's.
const EXPIRE: &str = "-- expire_some
    INSERT INTO mutation_request (caller, method, request_id, fingerprint, answer, created_at)
        SELECT 'user:ada', 'CreateDashboard', gen_random_uuid(), sha256(''), '{}', now() - n * interval '1 minute'
        FROM generate_series(1, 3000) AS n;
    UPDATE dashboard SET purge_at = now() WHERE id IN (SELECT id FROM dashboard WHERE state = 'deleted' LIMIT 120)";

/// Runs every statement at least once.
pub async fn each(server: &TestServer) {
    let sql = server.sql().await;
    sql.batch_execute(EXPIRE).await.unwrap();
    sql.batch_execute("ANALYZE mutation_request").await.unwrap();
    let retention = Retention {
        revisions_kept: 50,
        deleted_dashboards: std::time::Duration::ZERO,
    };
    let store = Store::new(server.pool().clone(), retention);
    store.maintenance_records().await.unwrap();
    for task in TASKS {
        store.maintain(task, When::Now).await.unwrap();
    }
}
