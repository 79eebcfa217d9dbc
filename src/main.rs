//! Parses the command line, and runs one command.

use std::process::ExitCode;

use clap::Parser as _;
use dashboard_store::command;
use dashboard_store::config::Cli;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    command::run(Cli::parse())
}
