//! The command line, one file per subcommand.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage. Results go to standard output, everything else to standard error.

mod cache;
mod check;
mod demo;
mod explain;
mod healthcheck;
mod password;
mod serve;
mod sync;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::config::{self, Config, Env};
use crate::error::{Error, Kind, Result};

/// A read-only PostgreSQL over the export APIs of LLM observability vendors.
#[derive(Debug, Parser)]
#[command(name = "spanwire", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the gateway on embedded demo upstreams: no account, no network
    Demo(demo::Arguments),
    /// Start the gateway
    Serve(serve::Arguments),
    /// Check a configuration, and call each source once
    Check(check::Arguments),
    /// Fill the tables that `sync` names, up to now
    Sync(sync::Arguments),
    /// Look at, check or remove the rows that are held on disk
    Cache(cache::Arguments),
    /// Show what a statement would call upstream, without calling
    Explain(explain::Arguments),
    /// Make the SCRAM verifier of a password, for `[[user]] password`
    Password(password::Arguments),
    /// Ask a running gateway whether it answers
    Healthcheck(healthcheck::Arguments),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log();
    let outcome = match arguments.command {
        Command::Password(arguments) => password::run(&arguments),
        Command::Healthcheck(arguments) => healthcheck::run(&arguments),
        Command::Demo(arguments) => block_on(demo::run(arguments)),
        Command::Serve(arguments) => block_on(serve::run(arguments)),
        Command::Sync(arguments) => block_on(sync::run(arguments)),
        Command::Cache(arguments) => cache::run(&arguments),
        Command::Check(arguments) => block_on(check::run(arguments)),
        Command::Explain(arguments) => block_on(explain::run(arguments)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "spanwire: {error}");
            ExitCode::FAILURE
        }
    }
}

fn block_on(work: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(crate::server::STACK_BYTES)
        .enable_all()
        .build()
        .map_err(|error| Error::internal(format!("cannot start threads: {error}")))?;
    // On a thread of the runtime, whose stack is large enough for any statement.
    let worked = runtime.block_on(runtime.spawn(work));
    worked.map_err(|error| Error::internal(format!("the program failed: {error}")))?
}

/// People read lines, machines read JSON; `RUST_LOG` says how much.
fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,datafusion=warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start within one process finds the log started; that is as good.
    let _ = if std::io::stderr().is_terminal() { log.try_init() } else { log.json().try_init() };
}

/// Writes a line of the result.
fn say(line: &str) -> Result<()> {
    let written = writeln!(std::io::stdout(), "{line}");
    written.map_err(|error| Error::new(Kind::Config, format!("cannot write to standard output: {error}")))
}

fn load(path: &Path) -> Result<Config> {
    config::load(path, &Env::of_process(), &crate::server::kinds()).map_err(|faults| {
        let count = faults.faults.len();
        let plural = if count == 1 { "fault" } else { "faults" };
        Error::new(Kind::Config, format!("the configuration has {count} {plural}\n{faults}"))
    })
}

fn default_config() -> PathBuf {
    PathBuf::from("spanwire.toml")
}

/// Fires at Ctrl-C or SIGTERM.
fn until_signal() -> tokio_util::sync::CancellationToken {
    let token = tokio_util::sync::CancellationToken::new();
    let fired = token.clone();
    tokio::spawn(async move {
        let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(terminate) => terminate,
            Err(error) => {
                tracing::warn!(%error, "SIGTERM is not handled");
                return;
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        fired.cancel();
    });
    token
}
