//! The statements that one connection has prepared.
//!
//! Parsing and planning a read costs PostgreSQL as much as running it. So the first time that a statement is sent it is also
//! prepared, in the same round trip, and from then on only its values are sent. Behind a pooler that hands each transaction
//! to another session, nothing is prepared: there a name may mean nothing, or what another client prepared.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::future::join;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Statement};

use super::Parameter;
use crate::store::classify::says_stale;

/// What a connection has prepared, by its text.
pub(super) struct Statements {
    /// None where nothing may be prepared.
    prepared: Option<Mutex<HashMap<&'static str, Statement>>>,
}

impl Statements {
    pub(super) fn new(may_prepare: bool) -> Self {
        Self {
            prepared: may_prepare.then(Mutex::default),
        }
    }

    /// Runs a statement and gives all of its rows.
    pub(super) async fn query(
        &self,
        client: &Client,
        sql: &'static str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Error> {
        match self.find(sql) {
            Some(statement) => self.watch(client.query(&statement, &values(parameters)).await),
            None => {
                self.prepare_beside(client, sql, parameters, client.query_typed(sql, parameters))
                    .await
            }
        }
    }

    /// Runs a statement and gives the number of rows that it changed.
    pub(super) async fn execute(
        &self,
        client: &Client,
        sql: &'static str,
        parameters: &[Parameter<'_>],
    ) -> Result<u64, Error> {
        match self.find(sql) {
            Some(statement) => self.watch(client.execute(&statement, &values(parameters)).await),
            None => {
                self.prepare_beside(client, sql, parameters, client.execute_typed(sql, parameters))
                    .await
            }
        }
    }

    fn find(&self, sql: &'static str) -> Option<Statement> {
        let prepared = self.prepared.as_ref()?.lock();
        prepared.unwrap_or_else(PoisonError::into_inner).get(sql).cloned()
    }

    /// Runs a statement unnamed, and behind it, without waiting, prepares it for the next time.
    async fn prepare_beside<T>(
        &self,
        client: &Client,
        sql: &'static str,
        parameters: &[Parameter<'_>],
        run: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let Some(prepared) = &self.prepared else {
            return run.await;
        };
        let types: Vec<Type> = parameters.iter().map(|(_, value_type)| value_type.clone()).collect();
        let (result, statement) = join(run, client.prepare_typed(sql, &types)).await;
        // Where preparing fails, running did too, or the next time is like the first.
        if let Ok(statement) = statement {
            let mut known = prepared.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(sql, statement);
        }
        result
    }

    /// Forgets everything when the schema has changed behind what was prepared.
    fn watch<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let (Err(error), Some(prepared)) = (&result, &self.prepared)
            && says_stale(error)
        {
            prepared.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        result
    }
}

fn values<'a>(parameters: &[Parameter<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    parameters.iter().map(|(value, _)| *value).collect()
}
