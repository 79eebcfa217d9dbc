//! Rows that a test needs many of.

use tokio_postgres::Client;

/// Copies the dashboard `projects/p/dashboards/{id}` as `{id}-1` to `{id}-{count}`, without history: faster than as many
/// requests.
pub async fn copy_dashboard(sql: &Client, id: &str, count: i32) {
    let statement = "INSERT INTO dashboard
        SELECT (jsonb_populate_record(dashboard, jsonb_build_object('id', gen_random_uuid(), 'name', name || '-' || n))).*
        FROM dashboard, generate_series(1, $2) AS n WHERE project = 'p' AND name = $1";
    let copied = sql.execute(statement, &[&id, &count]).await.unwrap();
    assert_eq!(i64::from(count), copied.cast_signed());
}
