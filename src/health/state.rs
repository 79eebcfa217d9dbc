//! The state machine: STARTING → SERVING ⇄ NOT_SERVING → DRAINING. Pure.

use std::fmt;
use std::time::Duration;

use super::{HealthReport, ProbeOk, SchemaState};

/// Failed probes in a row until the database counts as unreachable.
const FAILURES_UNTIL_DOWN: u32 = 3;

/// Good probes in a row until it counts as reachable again.
const SUCCESSES_UNTIL_UP: u32 = 2;

/// How long audit events may wait to be sealed; it takes a second or two, unless a long transaction holds it back.
pub const SEALING_LAG_LIMIT: Duration = Duration::from_secs(60);

/// Where the process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The database has not answered yet.
    Starting,
    /// Calls can succeed.
    Serving,
    /// The database does not answer, or its schema is not ready.
    NotServing,
    /// The process is about to end; there is no way back.
    Draining,
}

impl Phase {
    /// The text in logs and in the health endpoints.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Serving => "serving",
            Self::NotServing => "not_serving",
            Self::Draining => "draining",
        }
    }

    /// Whether new calls are welcome.
    pub const fn is_serving(self) -> bool {
        match self {
            Self::Serving => true,
            Self::Starting | Self::NotServing | Self::Draining => false,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether the database answers, as far as the probes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Database {
    /// It has not answered since the process began.
    #[default]
    Unknown,
    /// It answers; so many probes in a row have failed since.
    Up { failures: u32 },
    /// It does not answer; so many probes in a row have succeeded since.
    Down { successes: u32 },
}

/// What the probes have found, and what follows.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    database: Database,
    schema: Option<SchemaState>,
    response_time: Duration,
    /// Why the last probe was no success.
    trouble: Option<String>,
    sealing_lag: Option<Duration>,
    is_draining: bool,
}

impl Machine {
    /// Takes the result of a probe. One answer is enough after the start; a schema that is not ready counts at once.
    pub fn observe(&mut self, probed: Result<ProbeOk, String>) {
        match probed {
            Ok(answer) => {
                self.database = self.database.after_success();
                self.response_time = answer.response_time;
                self.trouble = match &answer.schema {
                    SchemaState::Ready => None,
                    SchemaState::NotReady(why) => Some(why.clone()),
                };
                self.schema = Some(answer.schema);
            }
            Err(why) => {
                self.database = self.database.after_failure();
                self.trouble = Some(why);
            }
        }
    }

    /// Takes how long the oldest audit event without a seal has waited.
    pub fn observe_sealing_lag(&mut self, lag: Duration) {
        self.sealing_lag = Some(lag);
    }

    /// Why the last probe was no success, in words for the log.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Begins the end.
    pub fn drain(&mut self) {
        self.is_draining = true;
    }

    /// What follows from all that.
    pub fn phase(&self) -> Phase {
        if self.is_draining {
            return Phase::Draining;
        }
        match (self.database, &self.schema) {
            (Database::Unknown, _) => Phase::Starting,
            (Database::Up { .. }, Some(SchemaState::Ready)) => Phase::Serving,
            (Database::Up { .. }, Some(SchemaState::NotReady(_)) | None) | (Database::Down { .. }, _) => {
                Phase::NotServing
            }
        }
    }

    /// The same for people and programs.
    pub fn report(&self) -> HealthReport {
        HealthReport {
            phase: self.phase(),
            database_is_reachable: matches!(self.database, Database::Up { .. }),
            response_time: self.response_time,
            schema: self.schema.clone(),
            sealing_lag: self.sealing_lag,
        }
    }
}

impl Database {
    fn after_success(self) -> Self {
        match self {
            Self::Unknown | Self::Up { .. } => Self::Up { failures: 0 },
            Self::Down { successes } if successes + 1 >= SUCCESSES_UNTIL_UP => Self::Up { failures: 0 },
            Self::Down { successes } => Self::Down {
                successes: successes + 1,
            },
        }
    }

    fn after_failure(self) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Up { failures } if failures + 1 < FAILURES_UNTIL_DOWN => Self::Up { failures: failures + 1 },
            Self::Up { .. } | Self::Down { .. } => Self::Down { successes: 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> Result<ProbeOk, String> {
        Err("connection refused".into())
    }

    fn ready() -> Result<ProbeOk, String> {
        Ok(ProbeOk {
            response_time: Duration::from_millis(2),
            schema: SchemaState::Ready,
        })
    }

    fn too_old() -> Result<ProbeOk, String> {
        Ok(ProbeOk {
            response_time: Duration::from_millis(2),
            schema: SchemaState::NotReady("run migrate up".into()),
        })
    }

    /// The phases after each of `probes`.
    fn phases(probes: impl IntoIterator<Item = Result<ProbeOk, String>>) -> Vec<Phase> {
        let mut machine = Machine::default();
        let observe = |probed| {
            machine.observe(probed);
            machine.phase()
        };
        probes.into_iter().map(observe).collect()
    }

    #[test]
    fn the_first_answer_is_enough_to_serve() {
        assert_eq!(Machine::default().phase(), Phase::Starting);
        assert_eq!(phases([ready()]), [Phase::Serving]);
    }

    #[test]
    fn a_database_that_is_away_at_start_leaves_it_starting() {
        let probes = [failed(), failed(), failed(), failed(), ready()];
        let starting = Phase::Starting;
        assert_eq!(phases(probes), [starting, starting, starting, starting, Phase::Serving]);
    }

    #[test]
    fn three_failures_in_a_row_are_down_and_two_answers_up() {
        use Phase::{NotServing, Serving};
        assert_eq!(
            phases([ready(), failed(), failed(), ready(), failed(), failed(), failed()]),
            [Serving, Serving, Serving, Serving, Serving, Serving, NotServing]
        );
        assert_eq!(
            phases([
                ready(),
                failed(),
                failed(),
                failed(),
                ready(),
                failed(),
                ready(),
                ready()
            ])[3..],
            [NotServing, NotServing, NotServing, NotServing, Serving]
        );
    }

    #[test]
    fn a_schema_that_is_not_ready_counts_at_once() {
        use Phase::{NotServing, Serving};
        assert_eq!(
            phases([too_old(), ready(), too_old()]),
            [NotServing, Serving, NotServing]
        );
    }

    #[test]
    fn there_is_no_way_back_from_draining() {
        let mut machine = Machine::default();
        machine.drain();
        machine.observe(ready());
        assert_eq!(machine.phase(), Phase::Draining);
        assert!(machine.report().database_is_reachable);
    }
}
