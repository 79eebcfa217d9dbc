//! Rows that a test needs many of.

use tokio_postgres::Client;
use tokio_postgres::types::Type;

/// Copies the dashboard `projects/p/dashboards/{id}` as `{id}-1` to `{id}-{count}`, without history: faster than as many
/// requests.
pub async fn copy_dashboard(sql: &Client, id: &str, count: i32) {
    let statement = "INSERT INTO dashboard (id, project, name, display_name, description, metadata, spec, spec_sha256,
            spec_size_bytes, spec_value_sha256, state, revision, generation, created_by, updated_by, created_at, updated_at,
            deleted_at, purge_at, panel_titles, metric_names)
        SELECT gen_random_uuid(), project, name || '-' || n, display_name, description, metadata, spec, spec_sha256,
            spec_size_bytes, spec_value_sha256, state, revision, generation, created_by, updated_by, created_at, updated_at,
            deleted_at, purge_at, panel_titles, metric_names
        FROM dashboard, generate_series(1, $2) AS n WHERE project = 'p' AND name = $1";
    let copied = sql.execute(statement, &[&id, &count]).await.unwrap();
    assert_eq!(i64::from(count), copied.cast_signed());
}

/// Makes each of 10,000 users viewer of a project, and of 5 dashboards elsewhere; `user:granted` of `projects/project-1` and of 10
/// dashboards. Makes the planner see them.
pub async fn load_access_grants(sql: &Client) {
    let load = "INSERT INTO access_grant (id, project, subject, role, created_by)
            SELECT gen_random_uuid(), 'project-' || n % 20, 'user:' || n, 'viewer', 'user:test' FROM generate_series(1, 10000) AS n
            UNION ALL SELECT gen_random_uuid(), 'project-1', 'user:granted', 'viewer', 'user:test';
        INSERT INTO access_grant (id, dashboard_id, subject, role, created_by)
            SELECT gen_random_uuid(), id, 'user:' || n, 'viewer', 'user:test'
            FROM (SELECT id, row_number() OVER (ORDER BY md5(name)) % 10000 + 1 AS n FROM dashboard LIMIT 50000) AS granted
            UNION ALL (SELECT gen_random_uuid(), id, 'user:granted', 'viewer', 'user:test' FROM dashboard
                WHERE project = 'project-2' AND state = 'active' ORDER BY name LIMIT 10);";
    sql.batch_execute(load).await.unwrap();
    sql.batch_execute("VACUUM (ANALYZE) access_grant").await.unwrap();
}

/// Shares every fifth dashboard with three links, one of which pins a revision, while the other two are revoked; the first
/// dashboard with none. Makes the planner see them.
pub async fn load_share_links(sql: &Client) {
    let load = "INSERT INTO share_token (id, dashboard_id, pinned_revision, token_sha256, expires_at, created_by, updated_by,
                revoked_at, revoked_by)
            SELECT gen_random_uuid(), id, CASE WHEN n = 1 THEN revision END, sha256((id::text || n)::bytea), now() + interval '7 days',
                created_by, created_by, CASE WHEN n > 1 THEN now() END, CASE WHEN n > 1 THEN created_by END
            FROM dashboard CROSS JOIN generate_series(1, 3) AS n
            WHERE right(name, 1) IN ('0', '5')";
    sql.batch_execute(load).await.unwrap();
    sql.batch_execute("VACUUM (ANALYZE) share_token").await.unwrap();
}

/// Inserts `count` templates with a document of a few bytes, and makes the planner see them.
pub async fn load_templates(sql: &Client, count: i32) {
    let load = include_str!("load_templates.sql");
    let spec = super::requests::spec_named("loaded");
    let statement = sql.prepare_typed(load, &[Type::INT4, Type::TEXT]).await.unwrap();
    sql.execute(&statement, &[&count, &spec]).await.unwrap();
    sql.batch_execute("VACUUM (ANALYZE) dashboard_template").await.unwrap();
}

/// Inserts `count` dashboards with a document of a few bytes, in `projects/project-0` to `projects/project-19`, and makes the
/// planner see them.
pub async fn load_dashboards(sql: &Client, count: i32) {
    let load = include_str!("load_dashboards.sql");
    let spec = super::requests::spec_named("loaded");
    let types = [Type::INT4, Type::INT4, Type::TEXT];
    let statement = sql.prepare_typed(load, &types).await.unwrap();
    sql.execute(&statement, &[&1, &count, &spec]).await.unwrap();
    sql.batch_execute("VACUUM (ANALYZE) dashboard, dashboard_revision")
        .await
        .unwrap();
}

/// Gives 1,000 users a favourite, a recent dashboard and preferences for every hundredth loaded dashboard each, and
/// `user:developer` 450 favourites and 100 recent dashboards; makes the planner see them. The first dashboard is nobody's.
pub async fn load_preferences(sql: &Client) {
    let load = "CREATE TEMPORARY TABLE kept AS
            SELECT id, 'user:user-' || row_number() OVER (ORDER BY md5(name)) % 1000 AS subject, updated_at FROM dashboard
            WHERE name <> 'dashboard-0000001';
        INSERT INTO kept SELECT id, 'user:developer', updated_at FROM (SELECT * FROM kept ORDER BY id LIMIT 450) AS developers;
        INSERT INTO dashboard_favorite (dashboard_id, subject) SELECT id, subject FROM kept ORDER BY md5(id::text);
        INSERT INTO dashboard_recent (dashboard_id, subject, viewed_at)
            SELECT id, subject, updated_at FROM kept WHERE subject <> 'user:developer'
            UNION ALL (SELECT id, subject, updated_at FROM kept WHERE subject = 'user:developer' LIMIT 100);
        INSERT INTO user_preferences (id, subject, home_dashboard, theme, timezone, rows_per_page, settings)
            SELECT gen_random_uuid(), 'user:user-' || n, '', 'dark', '', 0, '{}' FROM generate_series(0, 999) AS n;";
    sql.batch_execute(load).await.unwrap();
    sql.batch_execute("VACUUM (ANALYZE) user_preferences, dashboard_favorite, dashboard_recent")
        .await
        .unwrap();
}
