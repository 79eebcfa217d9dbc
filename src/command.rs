//! The commands of the program, one file each: what they do, and what they tell the person who ran them.

pub mod audit;
pub mod export;
pub mod import;
pub mod maintain;
pub mod migrate;
pub mod serve;
pub mod template;

use std::error::Error;
use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use audit::AuditFailure;

use crate::config::{
    AuditArgs, AuditCommandConfig, AuditSource, AuditTask, Cli, Command, ConfigErrors, ConnectConfig, Environment,
    ExportArgs, ExportConfig, ImportArgs, ImportConfig, MaintainArgs, MaintainConfig, MigrateArgs, MigrateConfig,
    PoolConfig, RenderConfig, ServeArgs, ServeConfig, TemplateAction, TemplateArgs,
};
use crate::store::migrate::Migrator;
use crate::store::pool::Pool;
use crate::store::{Store, connect};
use crate::telemetry::Telemetry;

/// The exit code of `audit verify` for a log that is not as it was. Others fail with 1, and clap with 2.
const AUDIT_LOG_CHANGED: u8 = 3;

/// What `main` gives back, and how the person learns of it.
type Outcome = Result<(), Box<dyn Error>>;

/// What a client command ends with when its options are wrong, as when clap finds it: scripts tell it from a refusal.
const USAGE: u8 = 2;

/// How long threads may take to end once the service has.
const LAST_GRACE: Duration = Duration::from_secs(1);

/// Runs one command. What goes wrong is told on stderr, in a line for each problem.
pub fn run(cli: Cli) -> ExitCode {
    let is_client = matches!(
        cli.command,
        Command::Import(_) | Command::Export(_) | Command::Template(_)
    );
    let outcome = match cli.command {
        Command::Serve(args) => serve(*args),
        Command::Migrate(args) => migrate(*args),
        Command::Maintain(args) => maintain(*args),
        Command::Audit(args) => audit(*args),
        Command::Import(args) => import(*args),
        Command::Export(args) => export(*args),
        Command::Template(args) => template(*args),
    };
    let Err(error) = outcome else {
        return ExitCode::SUCCESS;
    };
    for problem in error.to_string().lines() {
        // When stderr is closed there is nobody to tell.
        let _ = writeln!(io::stderr(), "error: {problem}");
    }
    match error.downcast_ref() {
        Some(AuditFailure::Changed(_)) => ExitCode::from(AUDIT_LOG_CHANGED),
        _ if is_client && error.is::<ConfigErrors>() => ExitCode::from(USAGE),
        _ => ExitCode::FAILURE,
    }
}

fn serve(args: ServeArgs) -> Outcome {
    let config = ServeConfig::from_args(args, Environment::of_process())?;
    let telemetry = Telemetry::start(config.log.format, &config.log.filter)?;
    let runtime = runtime(config.worker_threads)?;
    let served = runtime.block_on(serve::run(config, &telemetry, &mut io::stdout()));
    // A thread may hang in the file system, as on a mount whose server is gone: it is not waited for.
    runtime.shutdown_timeout(LAST_GRACE);
    Ok(served?)
}

fn migrate(args: MigrateArgs) -> Outcome {
    let config = MigrateConfig::from_args(args, Environment::of_process())?;
    let _telemetry = Telemetry::start(config.log.format, &config.log.filter)?;
    runtime(None)?.block_on(async {
        let mut connected = connect::connect(&config.connect).await?;
        migrate::run(
            &config.action,
            &Migrator::embedded(),
            &mut connected.client,
            &mut io::stdout(),
        )
        .await?;
        Ok(())
    })
}

fn maintain(args: MaintainArgs) -> Outcome {
    let config = MaintainConfig::from_args(args, Environment::of_process())?;
    let _telemetry = Telemetry::start(config.log.format, &config.log.filter)?;
    runtime(None)?.block_on(async {
        let retention = maintain::retention(&config);
        let pool = Pool::connect_lazy(config.connect, PoolConfig::default())?;
        let store = Store::new(pool, retention).with_audit(config.audit);
        maintain::run(&store, &mut io::stdout()).await?;
        Ok(())
    })
}

fn import(args: ImportArgs) -> Outcome {
    let config = ImportConfig::from_args(args)?;
    runtime(None)?.block_on(import::run(config, &mut io::stdout()))?;
    Ok(())
}

fn export(args: ExportArgs) -> Outcome {
    let config = ExportConfig::from_args(args)?;
    runtime(None)?.block_on(export::run(config, &mut io::stdout()))?;
    Ok(())
}

fn template(args: TemplateArgs) -> Outcome {
    let TemplateAction::Render(args) = args.action;
    let config = RenderConfig::from_args(*args)?;
    runtime(None)?.block_on(template::render(config, &mut io::stdout()))?;
    Ok(())
}

fn audit(args: AuditArgs) -> Outcome {
    let config = AuditCommandConfig::from_args(args, Environment::of_process())?;
    let _telemetry = Telemetry::start(config.log.format, &config.log.filter)?;
    runtime(None)?.block_on(async {
        let out = &mut io::stdout();
        match config.task {
            AuditTask::Export { connect, file } => audit::export(&reader(connect)?, &file, out).await?,
            AuditTask::Verify {
                source: AuditSource::File(file),
                keys,
                expected_head,
            } => audit::verify_file(&file, keys, expected_head, out)?,
            AuditTask::Verify {
                source: AuditSource::Database(connect),
                keys,
                expected_head,
            } => audit::verify_database(&reader(*connect)?, keys, expected_head, out).await?,
        }
        Ok(())
    })
}

/// A store that is only read from.
fn reader(connect: ConnectConfig) -> Result<Store, connect::ConnectError> {
    let pool = Pool::connect_lazy(connect, PoolConfig::default())?;
    Ok(Store::new(pool, maintain::KEEP_ALL))
}

fn runtime(worker_threads: Option<NonZeroUsize>) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if let Some(threads) = worker_threads {
        builder.worker_threads(threads.get());
    }
    builder.enable_all().build()
}
