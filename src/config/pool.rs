//! How many connections to the database are kept, and for how long.

use std::time::Duration;

use super::args::PoolArgs;
use super::problem::Reader;
use super::value;

/// Whether statements are prepared on the connections of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementMode {
    /// Yes, unless a pooler stands before the database.
    Auto,
    /// Yes.
    Named,
    /// No: each is parsed and planned whenever it is sent.
    Unnamed,
}

impl StatementMode {
    fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "auto" => Ok(Self::Auto),
            "named" => Ok(Self::Named),
            "unnamed" => Ok(Self::Unnamed),
            _ => Err("must be auto, named or unnamed".to_owned()),
        }
    }
}

/// How many connections are kept, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfig {
    /// The most connections.
    pub max_open: u32,
    /// The most connections that are kept without use.
    pub max_idle: u32,
    /// The age at which a connection is replaced; none for never.
    pub max_lifetime: Option<Duration>,
    /// The time without use after which a connection is closed; none for never.
    pub max_idle_time: Option<Duration>,
    /// How long to wait for a connection.
    pub acquire_timeout: Duration,
    /// The limit for one statement.
    pub query_timeout: Duration,
    /// Whether statements are prepared.
    pub statement_mode: StatementMode,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            max_open: 50,
            max_idle: 10,
            max_lifetime: Some(Duration::from_secs(300)),
            max_idle_time: Some(Duration::from_secs(60)),
            acquire_timeout: Duration::from_secs(5),
            query_timeout: Duration::from_secs(30),
            statement_mode: StatementMode::Auto,
        }
    }
}

impl PoolConfig {
    /// Reads the options of the pool.
    pub(super) fn read(reader: &mut Reader, args: PoolArgs) -> Self {
        let PoolArgs {
            db_max_open_conns,
            db_max_idle_conns,
            db_conn_max_lifetime,
            db_conn_max_idle_time,
            db_acquire_timeout,
            db_query_timeout,
            db_statement_mode,
        } = args;
        let defaults = Self::default();
        let max_open = reader
            .read("DB_MAX_OPEN_CONNS", db_max_open_conns, |text| {
                value::number(text, 1..=10_000)
            })
            .unwrap_or(defaults.max_open);
        let max_idle = reader
            .read("DB_MAX_IDLE_CONNS", db_max_idle_conns, |text| {
                let parsed = value::number(text, 0..=10_000)?;
                if parsed > max_open {
                    return Err(format!("must not exceed DB_MAX_OPEN_CONNS, which is {max_open}"));
                }
                Ok(parsed)
            })
            .unwrap_or(defaults.max_idle.min(max_open));
        Self {
            max_open,
            max_idle,
            max_lifetime: reader
                .read("DB_CONN_MAX_LIFETIME", db_conn_max_lifetime, value::limit)
                .unwrap_or(defaults.max_lifetime),
            max_idle_time: reader
                .read("DB_CONN_MAX_IDLE_TIME", db_conn_max_idle_time, value::limit)
                .unwrap_or(defaults.max_idle_time),
            acquire_timeout: reader
                .read("DB_ACQUIRE_TIMEOUT", db_acquire_timeout, value::timeout)
                .unwrap_or(defaults.acquire_timeout),
            query_timeout: reader
                .read("DB_QUERY_TIMEOUT", db_query_timeout, value::timeout)
                .unwrap_or(defaults.query_timeout),
            statement_mode: reader
                .read("DB_STATEMENT_MODE", db_statement_mode, StatementMode::parse)
                .unwrap_or(defaults.statement_mode),
        }
    }
}
