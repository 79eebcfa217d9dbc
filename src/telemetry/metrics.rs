//! The instruments, by the semantic conventions of OpenTelemetry, and how Prometheus reads them.
//!
//! Labels come from closed sets alone: never a user, a project or a dashboard.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter, MeterProvider};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use time::OffsetDateTime;

use super::TelemetryError;
use crate::domain::audit::AuditResult;
use crate::health::{PoolSnapshot, PoolSource};

/// The content type of what [`Metrics::render`] makes.
pub const TEXT_FORMAT: &str = prometheus::TEXT_FORMAT;

/// The name of this service in telemetry.
const SERVICE_NAME: &str = env!("CARGO_PKG_NAME");

/// Bounds of durations, in seconds: those of the conventions, and finer ones for reads, which take about a millisecond.
const DURATION_BOUNDS: [f64; 17] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// The instruments of the process; clones are the same.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    provider: SdkMeterProvider,
    call_duration: Histogram<f64>,
    audited_calls: Counter<u64>,
    overflowed_calls: Counter<u64>,
    maintenance_runs: Counter<u64>,
    maintenance_last_success: Gauge<i64>,
    sealing_lag: Gauge<f64>,
    sealed_events: Counter<u64>,
    reloads: Counter<u64>,
}

/// What is read again while the service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reloaded {
    /// The certificates of the gRPC listener, when they have changed.
    TlsCertificates,
    /// The keys of an issuer of tokens, again and again.
    SigningKeys,
}

impl Reloaded {
    /// The label in metrics.
    const fn as_str(self) -> &'static str {
        match self {
            Self::TlsCertificates => "tls_certificates",
            Self::SigningKeys => "signing_keys",
        }
    }
}

impl Metrics {
    /// Sets up instruments with a registry of their own.
    ///
    /// # Errors
    /// When the exporter can't register with it.
    pub fn new() -> Result<Self, TelemetryError> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()?;
        let provider = SdkMeterProvider::builder()
            .with_resource(Resource::builder().with_service_name(SERVICE_NAME).build())
            .with_reader(exporter)
            .build();
        let meter = provider.meter(SERVICE_NAME);
        let call_duration = meter
            .f64_histogram("rpc.server.call.duration")
            .with_description("How long calls take, from their headers to the last byte of the answer")
            .with_unit("s")
            .with_boundaries(DURATION_BOUNDS.to_vec())
            .build();
        let audited_calls = meter
            .u64_counter("audit.calls")
            .with_description("Calls without a change that became audit events, folded with others like them")
            .with_unit("{call}")
            .build();
        let overflowed_calls = meter
            .u64_counter("audit.calls.overflowed")
            .with_description("Calls that should have become audit events and found no room: one event counts them")
            .with_unit("{call}")
            .build();
        let maintenance_runs = meter
            .u64_counter("maintenance.runs")
            .with_description("Runs of tasks of maintenance on this server")
            .with_unit("{run}")
            .build();
        let maintenance_last_success = meter
            .i64_gauge("maintenance.last_success")
            .with_description(
                "When a task of maintenance last did all its work, on whichever server, in seconds since 1970",
            )
            .with_unit("s")
            .build();
        let reloads = meter
            .u64_counter("reloads")
            .with_description("How often certificates and the keys of issuers were read again")
            .with_unit("{reload}")
            .build();
        let sealing_lag = meter
            .f64_gauge("audit.sealing.lag")
            .with_description("How long the oldest audit event without a seal has waited for it")
            .with_unit("s")
            .build();
        let sealed_events = meter
            .u64_counter("audit.sealed.events")
            .with_description("Audit events that this server has sealed")
            .with_unit("{event}")
            .build();
        let metrics = Self {
            registry,
            provider,
            call_duration,
            audited_calls,
            overflowed_calls,
            maintenance_runs,
            maintenance_last_success,
            reloads,
            sealing_lag,
            sealed_events,
        };
        metrics.begin_at_zero();
        Ok(metrics)
    }

    /// Shows counters before they count: to Prometheus, one that appears has not risen, so an alert would miss the first event.
    fn begin_at_zero(&self) {
        for result in AuditResult::ALL {
            let labels = [KeyValue::new("audit.result", result.as_str())];
            self.audited_calls.add(0, &labels);
            self.overflowed_calls.add(0, &labels);
        }
        for of in [Reloaded::TlsCertificates, Reloaded::SigningKeys] {
            for is_success in [true, false] {
                self.reloads.add(0, &reload_labels(of, is_success));
            }
        }
        self.sealed_events.add(0, &[]);
    }

    /// Makes further instruments.
    pub fn meter(&self) -> Meter {
        self.provider.meter(SERVICE_NAME)
    }

    /// Counts a finished call: its full name, its status code, and how long it took.
    pub fn record_call(&self, method: &Arc<str>, status_code: i64, duration: Duration) {
        let labels = [
            KeyValue::new("rpc.system", "grpc"),
            KeyValue::new("rpc.method", Arc::clone(method)),
            KeyValue::new("rpc.grpc.status_code", status_code),
        ];
        self.call_duration.record(duration.as_secs_f64(), &labels);
    }

    /// Counts a call without a change that is an audit event, or finds no room among those that are.
    pub fn count_audited_call(&self, result: &'static str, is_kept: bool) {
        let counter = if is_kept {
            &self.audited_calls
        } else {
            &self.overflowed_calls
        };
        counter.add(1, &[KeyValue::new("audit.result", result)]);
    }

    /// Shows the counters of a task before they count, on a server that runs it.
    pub fn begin_maintenance(&self, task: &'static str) {
        for is_success in [true, false] {
            self.maintenance_runs.add(0, &maintenance_labels(task, is_success));
        }
    }

    /// Counts a run of a task of maintenance on this server.
    pub fn record_maintenance(&self, task: &'static str, is_success: bool) {
        self.maintenance_runs.add(1, &maintenance_labels(task, is_success));
    }

    /// Counts that something was read again, or could not be.
    pub fn record_reload(&self, of: Reloaded, is_success: bool) {
        self.reloads.add(1, &reload_labels(of, is_success));
    }

    /// Shows when a task of maintenance last did all its work, on whichever server.
    pub fn show_maintenance_success(&self, task: &'static str, finished_at: OffsetDateTime) {
        let labels = [KeyValue::new("maintenance.task", task)];
        self.maintenance_last_success
            .record(finished_at.unix_timestamp(), &labels);
    }

    /// Shows how long the oldest audit event without a seal has waited.
    pub fn show_sealing_lag(&self, lag: Duration) {
        self.sealing_lag.record(lag.as_secs_f64(), &[]);
    }

    /// Counts audit events that this server has sealed.
    pub fn count_sealed_events(&self, events: u64) {
        self.sealed_events.add(events, &[]);
    }

    /// Shows the connection pool whenever metrics are read.
    pub fn watch_pool(&self, pool: PoolSource) {
        let meter = self.meter();
        let source = Arc::clone(&pool);
        meter
            .i64_observable_up_down_counter("db.client.connection.count")
            .with_description("Connections to the database by state")
            .with_unit("{connection}")
            .with_callback(move |observer| {
                let snapshot = source();
                let state = |name| [KeyValue::new("db.client.connection.state", name)];
                observer.observe(snapshot.idle.into(), &state("idle"));
                observer.observe(snapshot.in_use.into(), &state("used"));
            })
            .build();
        let source = Arc::clone(&pool);
        meter
            .i64_observable_up_down_counter("db.client.connection.max")
            .with_description("The most connections that may be open")
            .with_unit("{connection}")
            .with_callback(move |observer| observer.observe(source().max_open.into(), &[]))
            .build();
        let source = Arc::clone(&pool);
        meter
            .u64_observable_counter("db.client.connection.waits")
            .with_description("Requests that had to wait for a connection")
            .with_unit("{request}")
            .with_callback(move |observer| observer.observe(source().wait_count, &[]))
            .build();
        meter
            .f64_observable_counter("db.client.connection.wait_duration")
            .with_description("How long requests have waited for a connection, all together")
            .with_unit("s")
            .with_callback(move |observer| observer.observe(wait_seconds(&pool()), &[]))
            .build();
    }

    /// Everything that has been counted, in the text format of Prometheus.
    ///
    /// # Errors
    /// When an instrument has a name or label that Prometheus does not take.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// Flushes what has been collected.
    pub(super) fn shutdown(&self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(error = %error, "cannot flush metrics");
        }
    }
}

fn maintenance_labels(task: &'static str, is_success: bool) -> [KeyValue; 2] {
    [
        KeyValue::new("maintenance.task", task),
        KeyValue::new("maintenance.result", result(is_success)),
    ]
}

fn reload_labels(of: Reloaded, is_success: bool) -> [KeyValue; 2] {
    [
        KeyValue::new("reload.of", of.as_str()),
        KeyValue::new("reload.result", result(is_success)),
    ]
}

const fn result(is_success: bool) -> &'static str {
    if is_success { "success" } else { "failure" }
}

fn wait_seconds(snapshot: &PoolSnapshot) -> f64 {
    snapshot.wait_duration.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_there_before_they_count_so_that_the_first_event_is_a_rise() {
        let text = Metrics::new().unwrap().render().unwrap();
        for line in [
            r#"reloads_total{reload_of="tls_certificates",reload_result="success"} 0"#,
            r#"reloads_total{reload_of="tls_certificates",reload_result="failure"} 0"#,
            r#"reloads_total{reload_of="signing_keys",reload_result="success"} 0"#,
            r#"reloads_total{reload_of="signing_keys",reload_result="failure"} 0"#,
            r#"audit_calls_total{audit_result="denied"} 0"#,
            r#"audit_calls_total{audit_result="failed"} 0"#,
            r#"audit_calls_total{audit_result="success"} 0"#,
            r#"audit_calls_overflowed_total{audit_result="denied"} 0"#,
            r#"audit_calls_overflowed_total{audit_result="failed"} 0"#,
            r#"audit_calls_overflowed_total{audit_result="success"} 0"#,
            "audit_sealed_events_total 0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn calls_pool_maintenance_and_reloads_are_shown_in_prometheus_text() {
        let metrics = Metrics::new().unwrap();
        metrics.record_call(&"a.B/C".into(), 5, Duration::from_millis(3));
        metrics.watch_pool(Arc::new(|| PoolSnapshot {
            open: 5,
            idle: 3,
            in_use: 2,
            max_open: 50,
            wait_count: 7,
            wait_duration: Duration::from_millis(1500),
        }));
        metrics.record_maintenance("purge", true);
        metrics.record_maintenance("purge", false);
        metrics.record_reload(Reloaded::SigningKeys, false);
        metrics.show_maintenance_success("purge", OffsetDateTime::UNIX_EPOCH + Duration::from_secs(60));
        metrics.show_sealing_lag(Duration::from_millis(1500));
        metrics.count_sealed_events(7);
        let text = metrics.render().unwrap();
        for line in [
            "audit_sealing_lag_seconds 1.5",
            "audit_sealed_events_total 7",
            r#"maintenance_runs_total{maintenance_result="success",maintenance_task="purge"} 1"#,
            r#"maintenance_runs_total{maintenance_result="failure",maintenance_task="purge"} 1"#,
            r#"maintenance_last_success_seconds{maintenance_task="purge"} 60"#,
            r#"rpc_server_call_duration_seconds_count{rpc_grpc_status_code="5",rpc_method="a.B/C",rpc_system="grpc"} 1"#,
            r#"db_client_connection_count{db_client_connection_state="used"} 2"#,
            r#"db_client_connection_count{db_client_connection_state="idle"} 3"#,
            r#"reloads_total{reload_of="signing_keys",reload_result="failure"} 1"#,
            "db_client_connection_max 50",
            "db_client_connection_waits_total 7",
            "db_client_connection_wait_duration_seconds_total 1.5",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
        }
    }
}
