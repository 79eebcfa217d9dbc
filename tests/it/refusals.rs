//! What a caller learns of a statement that PostgreSQL refuses: PostgreSQL itself raises each kind of error.

use dashboard_store::domain::reason::Reason;
use dashboard_store::error::Error;
use tokio_postgres::Client;

use crate::support::cluster::TestDatabase;

/// The error of the service where PostgreSQL raises one with this SQLSTATE.
async fn raised(sql: &Client, sqlstate: &str) -> Error {
    let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'secret text' USING ERRCODE = '{sqlstate}'; END $$");
    sql.batch_execute(&raise).await.unwrap_err().into()
}

/// Which condition of the database is told, where one is.
fn unavailable(error: &Error) -> Option<Reason> {
    match error {
        Error::Unavailable { reason, .. } => Some(*reason),
        _ => None,
    }
}

#[tokio::test]
async fn collisions_can_be_repeated() {
    let sql = TestDatabase::create_empty().await.connect().await;
    for sqlstate in ["40001", "40P01"] {
        let error = raised(&sql, sqlstate).await;
        assert!(matches!(error, Error::SerializationFailure), "{sqlstate}: {error:?}");
    }
}

#[tokio::test]
async fn cancelled_statements_are_past_their_deadline() {
    let sql = TestDatabase::create_empty().await.connect().await;
    for sqlstate in ["57014", "25P04"] {
        let error = raised(&sql, sqlstate).await;
        assert!(matches!(error, Error::DeadlineExceeded), "{sqlstate}: {error:?}");
    }
}

#[tokio::test]
async fn a_lock_that_others_hold_is_worth_another_try() {
    let sql = TestDatabase::create_empty().await.connect().await;
    let error = raised(&sql, "55P03").await;
    assert!(
        matches!(
            error,
            Error::Exhausted {
                reason: Reason::Overloaded,
                retry_after: Some(_),
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn conditions_of_the_database_are_told_apart() {
    let sql = TestDatabase::create_empty().await.connect().await;
    let conditions = [
        (Reason::DatabaseReadOnly, &["25006"][..]),
        (Reason::SchemaNotReady, &["42P01", "42703", "42883", "23514"]),
        // Shutdowns, recovery, idle sessions, a pooler's own errors, resources, lost connections.
        (
            Reason::DatabaseUnavailable,
            &[
                "57P01", "57P02", "57P03", "25P03", "57P05", "08P01", "53100", "53300", "08006",
            ],
        ),
    ];
    for (reason, sqlstates) in conditions {
        for sqlstate in sqlstates {
            let error = raised(&sql, sqlstate).await;
            assert_eq!(unavailable(&error), Some(reason), "{sqlstate}: {error:?}");
        }
    }
}

#[tokio::test]
async fn every_other_refusal_is_a_bug_that_tells_nothing() {
    let sql = TestDatabase::create_empty().await.connect().await;
    for sqlstate in ["22012", "23502", "23505", "42601", "XX000", "P0001"] {
        let error = raised(&sql, sqlstate).await;
        assert!(matches!(error, Error::Internal(_)), "{sqlstate}: {error:?}");
        assert!(!error.to_string().contains("secret text"), "{error}");
    }
}
