//! The JSON of the health endpoints; fields may be added, none renamed.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Sources;
use crate::health::{HealthReport, PoolSnapshot, SchemaState};

/// `GET /api/v1/health`.
#[derive(Debug, Serialize)]
pub struct HealthBody {
    /// What monitoring should do.
    pub status: Verdict,
    timestamp: String,
    version: &'static str,
    phase: &'static str,
    /// Stands there in development mode alone, where every caller is taken at its word.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    insecure_dev: bool,
    checks: Checks,
}

/// The verdict on the whole service, by what monitoring should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing.
    Healthy,
    /// Look: calls succeed, and the pool is nearly used up, or audit events wait to be sealed.
    Degraded,
    /// Wake somebody: calls fail.
    Unhealthy,
}

#[derive(Debug, Serialize)]
struct Checks {
    database: DatabaseCheck,
    schema: SchemaCheck,
    /// Is not there where nothing is sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit: Option<AuditCheck>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Pass,
    Warn,
    Fail,
}

#[derive(Debug, Serialize)]
struct DatabaseCheck {
    status: Outcome,
    response_time_ms: u64,
    details: PoolDetails,
}

#[derive(Debug, Serialize)]
struct PoolDetails {
    open_connections: u32,
    idle_connections: u32,
    in_use_connections: u32,
    wait_count: u64,
}

#[derive(Debug, Serialize)]
struct SchemaCheck {
    status: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Debug, Serialize)]
struct AuditCheck {
    status: Outcome,
    sealing_lag_seconds: f64,
}

impl HealthBody {
    /// What is known at `now`.
    pub fn new(sources: &Sources, now: OffsetDateTime) -> Self {
        let report = sources.health.report();
        let pool = (sources.pool)();
        Self {
            status: verdict(&report, &pool),
            timestamp: to_seconds(now),
            version: sources.version,
            phase: report.phase.as_str(),
            insecure_dev: sources.is_insecure,
            checks: Checks {
                database: DatabaseCheck::new(&report, &pool),
                audit: AuditCheck::new(&report),
                schema: SchemaCheck::new(report.schema),
            },
        }
    }
}

fn verdict(report: &HealthReport, pool: &PoolSnapshot) -> Verdict {
    if !report.phase.is_serving() {
        return Verdict::Unhealthy;
    }
    if pool.is_under_pressure() || report.is_sealing_late() {
        Verdict::Degraded
    } else {
        Verdict::Healthy
    }
}

/// `2025-11-14T22:00:00Z`.
fn to_seconds(now: OffsetDateTime) -> String {
    let without_fraction = now.replace_nanosecond(0).unwrap_or(now);
    without_fraction.format(&Rfc3339).unwrap_or_default()
}

impl DatabaseCheck {
    fn new(report: &HealthReport, pool: &PoolSnapshot) -> Self {
        let status = match (report.database_is_reachable, pool.is_under_pressure()) {
            (false, _) => Outcome::Fail,
            (true, true) => Outcome::Warn,
            (true, false) => Outcome::Pass,
        };
        Self {
            status,
            response_time_ms: u64::try_from(report.response_time.as_millis()).unwrap_or(u64::MAX),
            details: PoolDetails {
                open_connections: pool.open,
                idle_connections: pool.idle,
                in_use_connections: pool.in_use,
                wait_count: pool.wait_count,
            },
        }
    }
}

impl SchemaCheck {
    fn new(schema: Option<SchemaState>) -> Self {
        let (status, message) = match schema {
            Some(SchemaState::Ready) => (Outcome::Pass, None),
            Some(SchemaState::NotReady(why)) => (Outcome::Fail, Some(why)),
            None => (Outcome::Fail, Some("the database has not answered yet".into())),
        };
        Self { status, message }
    }
}

impl AuditCheck {
    fn new(report: &HealthReport) -> Option<Self> {
        let lag = report.sealing_lag?;
        Some(Self {
            status: if report.is_sealing_late() {
                Outcome::Warn
            } else {
                Outcome::Pass
            },
            sealing_lag_seconds: lag.as_secs_f64(),
        })
    }
}

/// `GET /metrics/health`.
#[derive(Debug, Serialize)]
pub struct PoolBody {
    database_healthy: bool,
    database_response_time_seconds: f64,
    database_open_connections: u32,
    database_in_use_connections: u32,
    database_utilization_percent: f64,
    database_wait_count: u64,
    database_wait_duration_seconds: f64,
}

impl PoolBody {
    /// What is known now.
    pub fn new(report: &HealthReport, pool: &PoolSnapshot) -> Self {
        Self {
            database_healthy: report.database_is_reachable,
            database_response_time_seconds: report.response_time.as_secs_f64(),
            database_open_connections: pool.open,
            database_in_use_connections: pool.in_use,
            database_utilization_percent: pool.utilization_percent(),
            database_wait_count: pool.wait_count,
            database_wait_duration_seconds: pool.wait_duration.as_secs_f64(),
        }
    }
}
