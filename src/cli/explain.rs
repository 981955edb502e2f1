//! `spanwire explain`: what a statement would call upstream, without calling.

use std::path::PathBuf;

use clap::Args;

use crate::config::{self, Config, Env};
use crate::error::{Error, Kind, Result};
use crate::server::{self, Compute};
use crate::session::{self, Hello, Session};
use crate::upstream::CONNECTORS;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The statement
    sql: String,
    /// The configuration; without one, each vendor is a source under its own name
    #[arg(long, short, env = "SPANWIRE_CONFIG")]
    config: Option<PathBuf>,
    /// The user whose sources are seen; the first one of the configuration, if not given
    #[arg(long, short)]
    user: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> Result<()> {
    let config = match &arguments.config {
        Some(path) => super::load(path)?,
        None => every_vendor()?,
    };
    let first = config.users.first().map(|user| user.name.clone()).unwrap_or_default();
    let user = arguments.user.unwrap_or(first);
    if !config.users.iter().any(|known| known.name == user) {
        return Err(Error::new(Kind::Config, format!("the configuration has no user \"{user}\"")));
    }
    let compute = Compute::start()?;
    let gateway = server::assemble(&config, &compute)?;
    let hello = Hello {
        user,
        database: "spanwire".to_owned(),
        parameters: Vec::new(),
        pid: 1,
        peer: ([127, 0, 0, 1], 0).into(),
    };
    let mut session = Session::new(gateway, hello)?;
    for line in session::explain_text(&mut session, &arguments.sql).await? {
        super::say(&line)?;
    }
    Ok(())
}

fn every_vendor() -> Result<Config> {
    let mut text = "[[user]]\nname = \"spanwire\"\npassword = \"spanwire\"\n".to_owned();
    for connector in CONNECTORS {
        let kind = connector.kind;
        text.push_str(&format!("[[source]]\nname = \"{kind}\"\nkind = \"{kind}\"\ncredential = \"none\"\n"));
        // Whose values show in the requests as what is to be filled in.
        for key in connector.required {
            text.push_str(&format!("{key} = \"<{key}>\"\n"));
        }
    }
    config::parse(&text, "built-in", &Env::default(), &server::kinds()).map_err(Error::from)
}
