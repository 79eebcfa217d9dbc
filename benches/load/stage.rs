//! What the bench plays on: PostgreSQL with dashboards in it, the service as it is released, the echo.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use dashboard_store::config::ConnectConfig;
use dashboard_store::grpc::proto;
use dashboard_store::store::connect::connect;
use dashboard_store::store::embedded::{Durability, EmbeddedOptions, EmbeddedPostgres};
use dashboard_store::store::migrate::{Migrator, UpOptions};
use prost::Message as _;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio_postgres::types::Type;

use super::audit_log::{self, SealingHeld};
use super::client::{AUTHORIZATION, Calls, Clients, Latencies};
use super::credentials;
use super::document::document;
use super::pgbench::{Pgbench, Protocol, Script};
use super::report::Measured;
use super::running::Running;
use super::services::Services;
use super::transfers::{self, Peaks, Rows};
use super::workloads::{LARGE_DASHBOARDS, Workload};
use super::{Outcome, Times, pool, processes, statements, workloads};

/// The database of the bench.
pub const DATABASE: &str = "bench";
const LOAD: &str = include_str!("../../tests/it/support/load_dashboards.sql");
/// The users of the bench have looked at as many dashboards as are remembered.
const VIEWS: &str = "INSERT INTO dashboard_recent (dashboard_id, subject)
    SELECT id, 'user:user-' || n FROM dashboard, generate_series(0, 49) AS n
    WHERE name BETWEEN 'dashboard-0000200' AND 'dashboard-0000299'";
/// They may read every dashboard.
const GRANTS: &str = "INSERT INTO access_grant (id, subject, role, created_by)
    SELECT gen_random_uuid(), 'user:user-' || n, 'viewer', 'user:developer' FROM generate_series(0, 49) AS n";
/// The document of those that are not read one by one.
const SMALL_DOCUMENT: &str = r#"{"display":{"name":"loaded"},"panels":{},"layouts":[]}"#;

/// Everything that runs.
pub struct Stage {
    // Fields are dropped in this order: clients before servers, the directory last.
    service: Running,
    service_with_tokens: Running,
    echo: Running,
    postgres: EmbeddedPostgres,
    postmaster: u32,
    pgbench: Pgbench,
    scripts: Scripts,
    idle_bytes: u64,
    /// How many dashboards an import has.
    imported: usize,
    /// What it leaves in the tables.
    rows: OnceCell<Rows>,
    /// The requests that use share links, one for each stream.
    resolving: Vec<Bytes>,
    /// The audit log as it was when it was first verified.
    export: OnceCell<PathBuf>,
    services: Services,
    sealing_held: SealingHeld,
    directory: TempDir,
}

/// What pgbench runs.
struct Scripts {
    get: Script,
    list: Script,
    update: Script,
}

impl Stage {
    /// Starts everything, with the dashboards that have large documents.
    pub async fn set(service_program: &Path, imported: usize) -> Outcome<Self> {
        let directory = working_directory()?;
        let postgres = start_database(directory.path()).await?;
        let database = postgres.endpoint().connect_config(DATABASE);
        let services = Services::new(service_program, &database, directory.path())?;
        let sealing_held = SealingHeld::hold(&database).await?;
        let scripts = observe_statements(&services, &postgres, &database).await?;
        let service = services.in_development("service.log").await?;
        let idle_bytes = processes::resident_bytes(service.process()?)?;
        let resolving = credentials::share_links(service.address(), &workloads::read_dashboard()).await?;
        Ok(Self {
            idle_bytes,
            service,
            echo: Running::echo().await?,
            postmaster: processes::postmaster(&postgres.data_dir().join("cluster"))?,
            pgbench: Pgbench::find(directory.path(), DATABASE),
            scripts,
            postgres,
            imported,
            rows: OnceCell::new(),
            resolving,
            export: OnceCell::new(),
            service_with_tokens: services.with_tokens().await?,
            services,
            sealing_held,
            directory,
        })
    }

    /// Adds dashboards with small documents until there are `count`.
    pub async fn load_up_to(&self, count: i32) -> Outcome<()> {
        load(&self.database(), LARGE_DASHBOARDS + 1, count, SMALL_DOCUMENT).await
    }

    /// Has no audit events but a few, before any was sealed.
    pub async fn have_few_events(&self) -> Outcome<()> {
        audit_log::refill(&connect(&self.database()).await?.client, audit_log::FEW).await
    }

    /// Adds audit events, and has all that there are sealed.
    pub async fn add_events(&self, count: i32) -> Outcome<()> {
        audit_log::fill(&connect(&self.database()).await?.client, count).await?;
        self.sealing_held.seal_all().await
    }

    fn database(&self) -> ConnectConfig {
        self.postgres.endpoint().connect_config(DATABASE)
    }

    /// The version of PostgreSQL.
    pub fn postgres_version(&self) -> &str {
        self.postgres.version()
    }

    /// The memory of the service before its first call, in bytes.
    pub fn idle_bytes(&self) -> u64 {
        self.idle_bytes
    }

    /// Measures one workload.
    pub async fn measure(&self, workload: Workload, times: Times) -> Outcome<Measured> {
        let of_pgbench = match workload {
            Workload::PgbenchGet => Some((&self.scripts.get, Protocol::Prepared)),
            Workload::PgbenchGetUnprepared => Some((&self.scripts.get, Protocol::Extended)),
            Workload::PgbenchList => Some((&self.scripts.list, Protocol::Prepared)),
            Workload::PgbenchUpdate => Some((&self.scripts.update, Protocol::Prepared)),
            _ => None,
        };
        match of_pgbench {
            Some((script, protocol)) => self.measure_pgbench(script, protocol, times).await,
            None if matches!(workload, Workload::Import | Workload::CopyImported) => {
                self.measure_transfer(workload).await
            }
            None if matches!(workload, Workload::VerifyLog | Workload::VerifyExport) => {
                self.measure_verification(workload).await
            }
            None => self.measure_calls(workload, times).await,
        }
    }

    async fn measure_pgbench(&self, script: &Script, protocol: Protocol, times: Times) -> Outcome<Measured> {
        let endpoint = self.postgres.endpoint();
        let run = |seconds| self.pgbench.run(script, protocol, endpoint, seconds);
        if times.warm_up >= Duration::from_secs(1) {
            run(times.warm_up.as_secs()).await?;
        }
        let seconds = times.measure.as_secs().max(1);
        let before = processes::cpu_with_children(self.postmaster)?;
        let rate = run(seconds).await?;
        // A session counts for the postmaster once it has been reaped.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let cpu = processes::cpu_with_children(self.postmaster)? - before;
        Ok(Measured {
            rate,
            server_cpu: None,
            postgres_cpu: Some(micros(cpu) / (rate * f64_of(seconds))),
            latencies: None,
            resident_bytes: None,
        })
    }

    async fn measure_calls(&self, workload: Workload, times: Times) -> Outcome<Measured> {
        let service = match workload {
            Workload::GetAuthenticated => &self.service_with_tokens,
            _ => &self.service,
        };
        if workload == Workload::UpdateSealed {
            self.sealing_held.release().await?;
        }
        let (server, is_service) = match workload {
            Workload::Echo => (self.echo.process()?, false),
            Workload::EmptyTransaction | Workload::PoolGet => (std::process::id(), false),
            _ => (service.process()?, true),
        };
        let (latencies, used) = tokio::try_join!(self.run(workload, service, times), self.observe(server, times))?;
        if workload == Workload::UpdateSealed {
            self.sealing_held.resume().await?;
        }
        let (server_cpu, postgres_cpu) = used;
        let calls = f64_of(latencies.histogram.len());
        Ok(Measured {
            rate: calls / latencies.elapsed.as_secs_f64(),
            server_cpu: Some(micros(server_cpu) / calls),
            postgres_cpu: Some(micros(postgres_cpu) / calls),
            latencies: Some(latencies),
            resident_bytes: is_service.then(|| processes::resident_bytes(server)).transpose()?,
        })
    }

    async fn run(&self, workload: Workload, service: &Running, times: Times) -> Outcome<Latencies> {
        let Some(path) = workload.path() else {
            return pool::run(self.database(), times, workload == Workload::EmptyTransaction).await;
        };
        let address = match workload {
            Workload::Echo => self.echo.address(),
            _ => service.address(),
        };
        let clients = Clients::connect(address, path).await?;
        if workload == Workload::Search {
            check_searches(&clients).await?;
        }
        clients.run(times, |stream| self.calls(workload, stream)).await
    }

    /// The calls of one stream.
    fn calls(&self, workload: Workload, stream: usize) -> Outcome<Calls> {
        let mut calls = workload.calls(stream);
        match workload {
            Workload::GetAuthenticated => {
                let token = self.services.token(&workloads::user(stream))?;
                calls.caller = Some((AUTHORIZATION, format!("Bearer {token}")));
            }
            Workload::ResolveLink | Workload::ResolveLinkAtTimes => {
                let request = self.resolving.get(stream).ok_or("a stream without a link")?;
                calls.requests = workloads::same_again(request.clone());
            }
            _ => {}
        }
        Ok(calls)
    }

    /// Measures an import as a whole, or COPY of the rows that it leaves in the tables; a call is a dashboard here.
    async fn measure_transfer(&self, workload: Workload) -> Outcome<Measured> {
        let mut sql = connect(&self.database()).await?.client;
        let address = self.service.address();
        let rows = self
            .rows
            .get_or_try_init(|| Rows::of_import(address, &sql, self.imported))
            .await?;
        transfers::clear(&sql).await?;
        let service = self.service.process()?;
        let (server_before, postgres_before) = (
            processes::cpu_of(service)?,
            processes::cpu_with_children(self.postmaster)?,
        );
        let took = match workload {
            Workload::CopyImported => rows.copy_in(&mut sql).await?,
            _ => transfers::import(address, self.imported).await?,
        };
        let server_cpu = processes::cpu_of(service)? - server_before;
        let postgres_cpu = processes::cpu_with_children(self.postmaster)? - postgres_before;
        transfers::clear(&sql).await?;
        let dashboards = f64_of(self.imported.try_into()?);
        Ok(Measured {
            rate: dashboards / took.as_secs_f64(),
            server_cpu: (workload == Workload::Import).then(|| micros(server_cpu) / dashboards),
            postgres_cpu: Some(micros(postgres_cpu) / dashboards),
            latencies: None,
            resident_bytes: None,
        })
    }

    /// The memory that streams take, with few dashboards and with many.
    pub async fn measure_memory_of_streams(&self) -> Outcome<[Peaks; 2]> {
        let few = self.measure_peaks(transfers::FEW).await?;
        let many = self.measure_peaks(transfers::MANY).await?;
        Ok([few, many])
    }

    /// Imports so many dashboards and exports them again, each through a service of its own.
    async fn measure_peaks(&self, dashboards: usize) -> Outcome<Peaks> {
        let sql = connect(&self.database()).await?.client;
        transfers::clear(&sql).await?;
        let importing = self.services.in_development("another.log").await?;
        transfers::import(importing.address(), dashboards).await?;
        let exporting = self.services.in_development("another.log").await?;
        transfers::export(exporting.address(), dashboards).await?;
        transfers::clear(&sql).await?;
        let peaks = Peaks {
            import: processes::peak_bytes(importing.process()?)?,
            export: processes::peak_bytes(exporting.process()?)?,
        };
        eprintln!("{dashboards} dashboards: {peaks}");
        Ok(peaks)
    }

    /// Verifies all events, each time those that have been written since, or always the same export; a call is an event here.
    async fn measure_verification(&self, workload: Workload) -> Outcome<Measured> {
        self.sealing_held.seal_all().await?;
        let auditor = self.services.auditor();
        let exporting = || async {
            let file = self.directory.path().join("audit.jsonl");
            auditor.export(&file).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(file)
        };
        let export = match workload {
            Workload::VerifyExport => Some(self.export.get_or_try_init(exporting).await?),
            _ => None,
        };
        let before = processes::cpu_with_children(self.postmaster)?;
        let (count, took) = auditor.verify(export.map(PathBuf::as_path)).await?;
        let cpu = processes::cpu_with_children(self.postmaster)? - before;
        let events = f64_of(count);
        Ok(Measured {
            rate: events / took.as_secs_f64(),
            server_cpu: None,
            postgres_cpu: export.is_none().then(|| micros(cpu) / events),
            latencies: None,
            resident_bytes: None,
        })
    }

    /// The CPU time of a server and of PostgreSQL while it is measured, in nanoseconds.
    async fn observe(&self, server: u32, times: Times) -> Outcome<(u64, u64)> {
        let used = || {
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((
                processes::cpu_of(server)?,
                processes::cpu_with_children(self.postmaster)?,
            ))
        };
        tokio::time::sleep(times.warm_up).await;
        let before = used()?;
        tokio::time::sleep(times.measure).await;
        let after = used()?;
        Ok((after.0 - before.0, after.1 - before.1))
    }

    /// Stops everything.
    pub async fn strike(self) -> Outcome<()> {
        drop(self.service);
        Ok(self.postgres.stop().await?)
    }
}

/// Sees to it that the searches are selective: each finds one dashboard.
async fn check_searches(clients: &Clients) -> Outcome<()> {
    let mut next = Workload::Search.requests(0);
    for query in workloads::SEARCHED {
        let answer = proto::SearchDashboardsResponse::decode(clients.call(next()).await?)?;
        if answer.results.len() != 1 {
            return Err(format!("a search for {query:?} finds {} dashboards", answer.results.len()).into());
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "no count here comes near 2^52")]
pub fn f64_of(count: u64) -> f64 {
    count as f64
}

fn micros(nanoseconds: u64) -> f64 {
    f64_of(nanoseconds) / 1_000.0
}

/// A directory that PostgreSQL can use; removed when dropped.
pub fn working_directory() -> Outcome<TempDir> {
    let directory = tempfile::Builder::new().prefix("dashboard-store-bench-").tempdir()?;
    // As root, PostgreSQL runs as another user, who must get through.
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711))?;
    Ok(directory)
}

/// Starts PostgreSQL with a database of dashboards that have large documents.
pub async fn start_database(directory: &Path) -> Outcome<EmbeddedPostgres> {
    let options = EmbeddedOptions::new(directory.join("postgresql"), Durability::Durable);
    let postgres = EmbeddedPostgres::start(options).await?;
    postgres.create_database_if_missing(DATABASE).await?;
    let database = postgres.endpoint().connect_config(DATABASE);
    Migrator::embedded()
        .up(&mut connect(&database).await?.client, UpOptions::default(), &mut |_| {})
        .await?;
    load(&database, 1, LARGE_DASHBOARDS, &document(0)).await?;
    let sql = connect(&database).await?.client;
    for statement in [VIEWS, GRANTS, "VACUUM (ANALYZE) dashboard_recent, access_grant"] {
        sql.batch_execute(statement).await?;
    }
    Ok(postgres)
}

/// Inserts the dashboards of these numbers, and tells the planner.
async fn load(database: &ConnectConfig, first: i32, last: i32, spec: &str) -> Outcome<()> {
    let sql = connect(database).await?.client;
    let statement = sql.prepare_typed(LOAD, &[Type::INT4, Type::INT4, Type::TEXT]).await?;
    sql.execute(&statement, &[&first, &last, &spec]).await?;
    // One by one: VACUUM refuses to share a transaction.
    for upkeep in ["VACUUM (ANALYZE) dashboard, dashboard_revision", "CHECKPOINT"] {
        sql.batch_execute(upkeep).await?;
    }
    Ok(())
}

/// Lets a service run each statement once, and reads from PostgreSQL's log what it sent.
async fn observe_statements(
    services: &Services,
    postgres: &EmbeddedPostgres,
    database: &ConnectConfig,
) -> Outcome<Scripts> {
    let admin = connect(database).await?.client;
    admin
        .batch_execute("ALTER DATABASE bench SET log_statement = 'all'")
        .await?;
    let service = services.in_development("service.log").await?;
    for workload in [Workload::Get, Workload::List, Workload::Update] {
        let path = workload.path().ok_or("a call has a path")?;
        let request = workload.requests(0)();
        Clients::connect(service.address(), path).await?.call(request).await?;
    }
    admin.batch_execute("ALTER DATABASE bench RESET log_statement").await?;
    let sent = statements::read(&postgres.data_dir().join("postgresql.log"))?;
    Ok(Scripts {
        get: Script::of_read(&sent, "get_dashboard")?,
        list: Script::of_read(&sent, "list_dashboards")?,
        update: Script::of_update(&sent)?,
    })
}
