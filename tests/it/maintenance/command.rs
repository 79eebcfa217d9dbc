//! `dashboard-store maintain`.

use std::process::Output;

use super::audit_partitions::drop_partition;
use super::*;
use crate::support::TestServer;
use crate::support::process::{self, database_url, program};
use crate::support::requests::{apply, create, spec_named};

/// Runs the command on a database.
async fn maintain(database: &TestDatabase, arguments: &[&str]) -> Output {
    let mut command = program(&["maintain"]);
    command
        .args(arguments)
        .env("DB_DIRECT_URL", database_url(database.config()));
    process::run(command).await
}

/// The lines that it printed.
fn lines(output: &Output) -> Vec<&str> {
    std::str::from_utf8(&output.stdout).unwrap().lines().collect()
}

#[tokio::test]
async fn it_runs_every_task_due_or_not_and_tells_what_was_done() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "d").await;
    for revision in 2..=4 {
        apply(
            &mut client,
            "projects/p/dashboards/d",
            spec_named(&revision.to_string()),
        )
        .await;
    }
    let sql = server.sql().await;
    let expected = [
        "audit_partitions: 0 partitions of the audit log made",
        "system_templates: 4 system templates installed or updated",
        "audit_retention: 0 partitions of the audit log dropped",
        "expired_request_ids: 0 expired request ids removed",
        "deleted_dashboards: 0 deleted dashboards purged",
        "expired_share_links: 0 expired share links removed",
        "old_revisions: 0 old revisions pruned",
        "template_usage: 0 usage counts of templates updated",
    ];
    let first = maintain(server.database(), &[]).await;
    assert_eq!(
        (first.status.code(), lines(&first)),
        (Some(0), expected.to_vec()),
        "{first:?}"
    );

    drop_partition(&sql, 3).await;
    let expire = "UPDATE mutation_request SET created_at = now() - interval '2 days'";
    sql.execute(expire, &[]).await.unwrap();
    let busy = maintain(server.database(), &["--revisions-kept=2"]).await;

    let expected = [
        "audit_partitions: 1 partitions of the audit log made",
        "system_templates: 0 system templates installed or updated",
        "audit_retention: 0 partitions of the audit log dropped",
        "expired_request_ids: 4 expired request ids removed",
        "deleted_dashboards: 0 deleted dashboards purged",
        "expired_share_links: 0 expired share links removed",
        "old_revisions: 2 old revisions pruned",
        "template_usage: 0 usage counts of templates updated",
    ];
    assert_eq!(
        (busy.status.code(), lines(&busy)),
        (Some(0), expected.to_vec()),
        "{busy:?}"
    );
}

#[tokio::test]
async fn it_goes_on_after_a_task_that_fails_and_fails_itself() {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    let break_it = "ALTER TABLE mutation_request RENAME TO elsewhere";
    sql.batch_execute(break_it).await.unwrap();
    let output = maintain(&database, &[]).await;
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error: 1 of 8 tasks failed"), "{stderr}");
    let told = lines(&output);
    assert_eq!(told.len(), TASKS.len());
    assert!(told[3].starts_with("expired_request_ids: failed: "), "{told:?}");
    assert!(told[4].contains("0 deleted dashboards purged"), "{told:?}");
}

#[tokio::test]
async fn it_reports_every_bad_option_at_once() {
    let mut command = program(&["maintain"]);
    command.args(["--revisions-kept=0", "--db-host=localhost"]);
    let output = process::run(command).await;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for setting in ["REVISIONS_KEPT", "DB_USER"] {
        assert!(stderr.contains(setting), "{stderr}");
    }
}
