//! What the table of grants refuses by itself.

use tokio_postgres::Client;

use crate::support::TestServer;
use crate::support::requests::create;

/// Inserts a grant, and gives the constraint that it breaks.
async fn broken_by(
    sql: &Client,
    project: Option<&str>,
    dashboard: Option<&str>,
    subject: &str,
    role: &str,
) -> Option<String> {
    let insert = "INSERT INTO access_grant (id, project, dashboard_id, subject, role, created_by)
        VALUES (gen_random_uuid(), $1, $2::text::uuid, $3, $4, 'user:test')";
    let inserted = sql.execute(insert, &[&project, &dashboard, &subject, &role]).await;
    let refused = inserted.err()?;
    let constraint = refused.as_db_error().unwrap().constraint().unwrap();
    Some(constraint.to_owned())
}

#[tokio::test]
async fn grants_that_mean_nothing_are_refused() {
    let server = TestServer::start().await;
    let uid = create(&mut server.dashboards().await, "d").await.uid;
    let (dashboard, unknown) = (Some(uid.as_str()), Some("018f6b1e-0000-7000-8000-000000000001"));
    let (p, longest) = (Some("p"), format!("user:{}", "x".repeat(513)));
    let sql = server.sql().await;
    for (project, dashboard_id, subject, role, constraint) in [
        (Some("-"), None, "user:a", "viewer", "access_grant_project_check"),
        (p, dashboard, "user:a", "viewer", "access_grant_resource_check"),
        (None, unknown, "user:a", "viewer", "access_grant_dashboard_fkey"),
        (p, None, "a", "viewer", "access_grant_subject_check"),
        (p, None, "user:", "viewer", "access_grant_subject_check"),
        (p, None, &longest, "viewer", "access_grant_subject_check"),
        (None, None, "user:a", "owner", "access_grant_role_check"),
        (p, None, "user:a", "platform-admin", "access_grant_role_resource_check"),
        (None, dashboard, "user:a", "admin", "access_grant_role_resource_check"),
    ] {
        let broken = broken_by(&sql, project, dashboard_id, subject, role).await;
        assert_eq!(broken.as_deref(), Some(constraint), "{subject} {role}");
    }
    for (project, dashboard_id, constraint) in [
        (None, None, "idx_access_grant_platform"),
        (p, None, "idx_access_grant_project"),
        (None, dashboard, "idx_access_grant_dashboard"),
    ] {
        assert_eq!(broken_by(&sql, project, dashboard_id, "group:a", "viewer").await, None);
        let broken = broken_by(&sql, project, dashboard_id, "group:a", "viewer").await;
        assert_eq!(broken.as_deref(), Some(constraint));
    }
}
