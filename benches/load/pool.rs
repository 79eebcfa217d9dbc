//! The pool by itself, within this process: what a read and a transaction pay before their first statement.

use std::sync::Arc;
use std::time::Instant;

use dashboard_store::config::{ConnectConfig, PoolConfig};
use dashboard_store::store::pool::Pool;

use super::client::{Latencies, Recorder, sum};
use super::{Outcome, STREAMS, Times};

/// Takes connections, and where `in_transaction`, runs an empty transaction on each.
pub async fn run(connect: ConnectConfig, times: Times, in_transaction: bool) -> Outcome<Latencies> {
    let pool = Arc::new(Pool::connect_lazy(connect, PoolConfig::default())?);
    let mut tasks = Vec::new();
    for _ in 0..STREAMS {
        let shared = Arc::clone(&pool);
        tasks.push(tokio::spawn(async move {
            let mut recorder = Recorder::begin(times)?;
            loop {
                let begin = Instant::now();
                match in_transaction {
                    true => empty_transaction(&shared).await?,
                    false => take_and_give_back(&shared).await?,
                }
                if !recorder.record(begin)? {
                    return Ok(recorder.finish());
                }
            }
        }));
    }
    sum(tasks, times).await
}

async fn empty_transaction(pool: &Pool) -> Outcome<()> {
    let mut connection = pool.get().await?;
    let mut lease = connection.lease();
    lease.transaction().await?.commit().await?;
    lease.settle();
    Ok(())
}

async fn take_and_give_back(pool: &Pool) -> Outcome<()> {
    drop(pool.get().await?);
    // What waits for nothing would never let other streams go on.
    tokio::task::yield_now().await;
    Ok(())
}
