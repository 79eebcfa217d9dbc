//! One view of the database for several statements.

use futures_util::TryStreamExt as _;
use tokio::time::timeout;
use tokio_postgres::Row;

use super::connection::{Parameter, PooledConnection, QueryError};

/// Every statement of such a transaction sees what was committed before the first one. READ COMMITTED would look anew for each;
/// SERIALIZABLE would keep watch over what others write, for an answer that can't differ: nothing is written here.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

const EXPORT: &str = "-- export_snapshot
SELECT pg_export_snapshot()";

const END: &str = "COMMIT";

/// A connection in a transaction that only reads. Dropped before its end, it is closed, and the transaction with it.
#[derive(Debug)]
pub struct Snapshot {
    connection: PooledConnection,
}

impl Snapshot {
    /// Begins the transaction; the first statement fixes what is seen.
    ///
    /// # Errors
    /// When the database refuses, the connection is lost, or the statement takes too long.
    pub async fn begin(connection: PooledConnection) -> Result<Self, QueryError> {
        let mut snapshot = Self { connection };
        snapshot.execute(BEGIN).await?;
        Ok(snapshot)
    }

    /// Lets others see the same, as long as this transaction is open: gives what names it for [`Self::begin_as`].
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub async fn export(&mut self) -> Result<String, QueryError> {
        let exported = self.query_once(EXPORT, &[]).await?;
        Ok(exported[0].try_get(0)?)
    }

    /// Begins a transaction that sees what another one sees, which has `exported` it, and runs `lock` first.
    ///
    /// # Errors
    /// As [`Self::begin`]; the other one has ended, or is on another server.
    pub async fn begin_as(connection: PooledConnection, exported: &str, lock: &str) -> Result<Self, QueryError> {
        let mut snapshot = Self::begin(connection).await?;
        snapshot.execute(lock).await?;
        // PostgreSQL takes no parameter here. An id of its own holds hexadecimal digits and hyphens.
        let quoted = exported.replace('\'', "''");
        snapshot
            .execute(&format!("SET TRANSACTION SNAPSHOT '{quoted}'"))
            .await?;
        Ok(snapshot)
    }

    /// Runs a statement that was put together for this call, and gives all of its rows.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub async fn query_once(&mut self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, QueryError> {
        self.read_once(sql, parameters, Ok).await
    }

    /// The same for very many rows: `read` makes something of each as it comes, so that the database never waits for room.
    ///
    /// # Errors
    /// As [`Self::begin`], and what `read` says of a row.
    pub async fn read_once<T, E: From<QueryError>>(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        read: impl Fn(Row) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        let limit = self.connection.query_timeout();
        timeout(limit, self.read_all(sql, parameters, read))
            .await
            .map_err(|_elapsed| QueryError::TimedOut(limit))?
    }

    /// The same for a statement that looks at all of a table: it takes as long as it takes.
    ///
    /// # Errors
    /// As [`Self::read_once`].
    pub async fn read_all<T, E: From<QueryError>>(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        read: impl Fn(Row) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        let lease = self.connection.lease();
        let typed = parameters.iter().map(|(value, of)| (*value, of.clone()));
        let rows = lease.query_typed_raw(sql, typed).await.map_err(QueryError::from)?;
        let values = rows.map_err(|error| QueryError::from(error).into());
        values.and_then(async |row| read(row)).try_collect().await
    }

    /// Ends the transaction and gives the connection back.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub async fn end(mut self) -> Result<(), QueryError> {
        self.execute(END).await?;
        self.connection.lease().settle();
        Ok(())
    }

    async fn execute(&mut self, sql: &str) -> Result<(), QueryError> {
        let limit = self.connection.query_timeout();
        // Not settled: as long as the transaction is open, the connection is no other's.
        let lease = self.connection.lease();
        let done = timeout(limit, lease.batch_execute(sql)).await;
        Ok(done.map_err(|_elapsed| QueryError::TimedOut(limit))??)
    }
}
