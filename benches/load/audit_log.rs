//! The audit log of the bench: as many events as are asked for, all of them sealed, and how fast they are verified.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use dashboard_store::config::ConnectConfig;
use dashboard_store::store::connect::connect;
use tokio::process::Command;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::Outcome;
use super::running::url;

/// How many events there are while few count.
pub const FEW: i32 = 1_000;
/// The users who have made them, as many events each: a page of every one of them is full with [`FEW`].
pub const USERS: usize = 10;
/// How many events a transaction writes.
const BATCH: i32 = 10_000;

/// Events $1 to $2 of $3, with all that an update has, over the time since the month began.
const LOAD: &str = "INSERT INTO audit_log (event_time, actor, actor_groups, auth_method, method, permission, project, resource,
        resource_uid, revision_before, revision_after, sha256_before, sha256_after, changed_paths, client_ip, user_agent,
        correlation_id, trace_id)
    SELECT began + (now() - began) * (n::double precision / $3), 'user:user-' || n % 10, '{group:makers,group:viewers}', 'jwt',
        'perses.dashboards.v1.DashboardService/UpdateDashboard', 'dashboards.update', 'project-' || n % 20,
        format('projects/project-%s/dashboards/dashboard-%s', n % 20, n % 5000), gen_random_uuid(), n % 100, n % 100 + 1,
        sha256(n::text::bytea), sha256((n + 1)::text::bytea), '{spec,display_name}', '10.0.0.1', 'grpc-go/1.76.0',
        gen_random_uuid(), md5(n::text)
    FROM generate_series($1::integer, $2::integer) AS n, date_trunc('month', now(), 'UTC') AS began";

/// A new partition in place of that with the events.
const EMPTY: &str =
    "SELECT drop_audit_partition(to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')); SELECT ensure_audit_partitions()";

/// The key is that of `lock_audit_sealing`: `dashseal` in ASCII.
const HOLD: &str = "SELECT pg_advisory_lock(x'646173687365616c'::bigint)";
const RELEASE: &str = "SELECT pg_advisory_unlock(x'646173687365616c'::bigint)";
const IS_SEALED: &str = "SELECT NOT EXISTS (SELECT FROM audit_log
    WHERE (xid, seq) > (COALESCE((SELECT to_xid FROM audit_seal ORDER BY number DESC LIMIT 1), '0'),
        COALESCE((SELECT to_seq FROM audit_seal ORDER BY number DESC LIMIT 1), 0)))";
/// How often that is asked.
const POLL: Duration = Duration::from_millis(100);

/// Takes all events away, before any was sealed, and makes `count` new ones.
pub async fn refill(sql: &Client, count: i32) -> Outcome<()> {
    sql.batch_execute(EMPTY).await?;
    fill(sql, count).await
}

/// Adds `count` events, in transactions of [`BATCH`], and tells the planner.
pub async fn fill(sql: &Client, count: i32) -> Outcome<()> {
    let statement = sql.prepare_typed(LOAD, &[Type::INT4, Type::INT4, Type::FLOAT8]).await?;
    let mut loaded = 0;
    while loaded < count {
        let last = count.min(loaded + BATCH);
        sql.execute(&statement, &[&(loaded + 1), &last, &f64::from(count)])
            .await?;
        loaded = last;
    }
    // One by one: VACUUM refuses to share a transaction.
    for upkeep in ["VACUUM (ANALYZE) audit_log", "CHECKPOINT"] {
        sql.batch_execute(upkeep).await?;
    }
    Ok(())
}

/// Keeps services from sealing events, as another one that seals does: by the lock that one of them has for each round. So the
/// same service is measured with sealing and without.
pub struct SealingHeld {
    sql: Client,
}

impl SealingHeld {
    /// Waits for the end of the round that is under way.
    pub async fn hold(database: &ConnectConfig) -> Outcome<Self> {
        let held = Self {
            sql: connect(database).await?.client,
        };
        held.resume().await?;
        Ok(held)
    }

    /// Has all events sealed.
    pub async fn seal_all(&self) -> Outcome<()> {
        self.release().await?;
        self.resume().await
    }

    /// Lets them seal, and waits until all events are sealed.
    pub async fn release(&self) -> Outcome<()> {
        self.sql.batch_execute(RELEASE).await?;
        while !self.sql.query_one(IS_SEALED, &[]).await?.try_get::<_, bool>(0)? {
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Keeps them from it again.
    pub async fn resume(&self) -> Outcome<()> {
        Ok(self.sql.batch_execute(HOLD).await?)
    }
}

/// The program `dashboard-store`, and what its command `audit` needs to know.
pub struct Auditor<'a> {
    /// The program.
    pub program: &'a Path,
    /// Where the events are.
    pub database: &'a ConnectConfig,
    /// What signed their seals.
    pub key: &'a Path,
}

impl Auditor<'_> {
    /// Verifies the log in the database, or in a file; how many events there are, and how long it took as a whole.
    pub async fn verify(&self, export: Option<&Path>) -> Outcome<(u64, Duration)> {
        let mut command = self.command("verify")?;
        command.arg("--audit-signing-key-file").arg(self.key).args(export);
        let begin = Instant::now();
        let said = said_by(command).await?;
        Ok((events_in(&said)?, begin.elapsed()))
    }

    /// Writes the log into a file.
    pub async fn export(&self, file: &Path) -> Outcome<()> {
        let mut command = self.command("export")?;
        command.arg(file);
        said_by(command).await?;
        Ok(())
    }

    fn command(&self, action: &str) -> Outcome<Command> {
        let mut command = Command::new(self.program);
        command.args(["audit", action]).env("DATABASE_URL", url(self.database)?);
        Ok(command)
    }
}

async fn said_by(mut command: Command) -> Outcome<String> {
    let output = command.stdin(Stdio::null()).output().await?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout)?),
        false => Err(format!("audit: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// Reads `… events under … seals are as they were sealed`.
fn events_in(said: &str) -> Outcome<u64> {
    let number = said.split_once(" events under ").map(|(number, _)| number);
    Ok(number
        .ok_or_else(|| format!("no events were verified: {said}"))?
        .parse()?)
}
