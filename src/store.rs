//! PostgreSQL: the only part that knows SQL.
//!
//! What belongs here: the pool, one file per resource with its SQL, migrations, the embedded server. What does not: wire
//! types, rules about values. A read is one method, one statement and one round trip; a mutation is one transaction of
//! change, revision, audit event and request id (`mutate`).

mod access_grant;
mod advisory;
mod audit;
mod classify;
mod condition;
pub mod connect;
mod dashboard;
pub mod embedded;
mod export;
mod json_text;
pub mod maintenance;
mod metadata;
pub mod migrate;
mod mutate;
mod page;
pub mod pool;
mod preferences;
pub mod probe;
mod project;
mod revision;
mod run_tx;
mod share_link;
mod statement;
mod template;

pub use audit::{AuditExport, AuditWalk, NewSeal, Sealing, WalkedEvent};
pub use dashboard::{AuthorisedItem, DashboardExport};
pub use share_link::IssuedLink;

use std::time::Duration;

use pool::{Parameter, Pool};
use statement::Statement;
use tokio_postgres::Row;

use crate::config::AuditConfig;
use crate::error::Result;

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// The newest revisions of a dashboard that are kept.
    pub revisions_kept: i32,
    /// How long a soft-deleted dashboard can be undeleted.
    pub deleted_dashboards: Duration,
}

/// The dashboards in PostgreSQL. Cheap to clone: all clones share the pool.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    retention: Retention,
    audit: AuditConfig,
}

impl Store {
    /// Creates a store on `pool`; it connects when it is first used.
    pub fn new(pool: Pool, retention: Retention) -> Self {
        Self {
            pool,
            retention,
            audit: AuditConfig::default(),
        }
    }

    /// Keeps the audit log otherwise than by default.
    #[must_use]
    pub fn with_audit(self, audit: AuditConfig) -> Self {
        Self { audit, ..self }
    }

    /// Reads with one statement, which is one round trip.
    async fn read(&self, sql: &'static str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>> {
        let mut connection = self.pool.get().await?;
        Ok(connection.query(sql, parameters).await?)
    }

    /// Reads with a statement that was put together for this call.
    async fn read_with(&self, statement: &Statement) -> Result<Vec<Row>> {
        let mut connection = self.pool.get().await?;
        Ok(connection.query_once(statement.text(), &statement.params()).await?)
    }

    /// The pool, for its statistics.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
}
