//! `spanwire serve`: the gateway as configured.

use std::path::PathBuf;

use clap::Args;

use crate::error::Result;
use crate::server::{self, Compute};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, short, env = "SPANWIRE_CONFIG", default_value_os_t = super::default_config())]
    config: PathBuf,
}

pub(super) async fn run(arguments: Arguments) -> Result<()> {
    let config = super::load(&arguments.config)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let compute = Compute::start()?;
    let tls = server::tls(&config)?;
    let gateway = server::assemble(&config, &compute)?;
    let listeners = server::listen(&config).await?;
    for listener in &listeners {
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, tls = tls.is_some(), "ready");
        }
    }
    server::run(listeners, gateway, tls, super::until_signal()).await;
    Ok(())
}
