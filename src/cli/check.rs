//! `spanwire check`: all faults of a configuration at once, then one small call per source and credential.

use std::path::PathBuf;

use clap::Args;

use crate::error::{Error, Kind, Result};
use crate::server;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, short, env = "SPANWIRE_CONFIG", default_value_os_t = super::default_config())]
    config: PathBuf,
    /// Do not call the sources
    #[arg(long)]
    offline: bool,
}

pub(super) async fn run(arguments: Arguments) -> Result<()> {
    let config = super::load(&arguments.config)?;
    for warning in &config.warnings {
        super::say(&format!("warning: {warning}"))?;
    }
    let sources = server::sources(&config)?;
    server::jobs(&config, &sources)?;
    server::check_settings(&config, &sources)?;
    super::say(&format!("{}: {} sources, {} users", arguments.config.display(), sources.len(), config.users.len()))?;
    if arguments.offline {
        return Ok(());
    }
    let fetcher = server::fetcher(&config, &sources)?;
    let mut n_failed = 0;
    for (source, configured) in sources.iter().zip(&config.sources) {
        // "" is nobody's name, so it stands for the credential that all users share.
        let shared = configured.credential.iter().map(|_| "");
        let own = config.users.iter().filter(|user| user.credentials.contains_key(&source.name));
        for user in shared.chain(own.map(|user| user.name.as_str())) {
            let whose = if user.is_empty() { String::new() } else { format!(" as user \"{user}\"") };
            match fetcher.probe(source, user).await {
                Ok(probe) => {
                    let took = probe.took.as_millis();
                    super::say(&format!("source \"{}\"{whose}: ok, {} rows in {took} ms", source.name, probe.rows))?;
                }
                Err(error) => {
                    n_failed += 1;
                    super::say(&format!("source \"{}\"{whose}: {error}", source.name))?;
                }
            }
        }
    }
    match n_failed {
        0 => Ok(()),
        _ => Err(Error::new(Kind::Config, format!("{n_failed} of the sources did not answer as they should"))),
    }
}
