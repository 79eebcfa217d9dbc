//! The commands of the program, one file each: what they do, and what they tell the person who ran them.

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

use tokio::runtime::{Builder, Runtime};

use crate::config::{
    Cli, Command, ConfigErrors, Environment, ExportArgs, ExportConfig, ImportArgs, ImportConfig, MaintainArgs,
    MaintainConfig, MigrateArgs, MigrateConfig, PoolConfig, RenderConfig, ServeArgs, ServeConfig, TemplateAction,
    TemplateArgs,
};
use crate::store::migrate::Migrator;
use crate::store::pool::Pool;
use crate::store::{Store, connect};
use crate::telemetry::Telemetry;

/// What `main` gives back, and how the person learns of it.
type Outcome = Result<(), Box<dyn Error>>;

/// What a client command ends with when its options are wrong, as when clap finds it: scripts tell it from a refusal.
const USAGE: u8 = 2;

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
    match is_client && error.is::<ConfigErrors>() {
        true => ExitCode::from(USAGE),
        false => ExitCode::FAILURE,
    }
}

fn serve(args: ServeArgs) -> Outcome {
    let config = ServeConfig::from_args(args, Environment::of_process())?;
    let telemetry = Telemetry::start(config.log.format, &config.log.filter)?;
    runtime(config.worker_threads)?.block_on(serve::run(config, &telemetry, &mut io::stdout()))?;
    Ok(())
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
        let store = Store::new(Pool::connect_lazy(config.connect, PoolConfig::default())?, retention);
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

fn runtime(worker_threads: Option<NonZeroUsize>) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if let Some(threads) = worker_threads {
        builder.worker_threads(threads.get());
    }
    builder.enable_all().build()
}
