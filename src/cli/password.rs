//! `spanwire password`: a verifier from a password, so that the configuration need not hold the password.

use std::io::{IsTerminal, Read};

use clap::Args;

use crate::error::{Error, Kind, Result};
use crate::scram::Verifier;

#[derive(Debug, Args)]
#[command(after_help = "The password is asked for, or read from standard input when that is no terminal.")]
pub(super) struct Arguments {}

pub(super) fn run(_arguments: &Arguments) -> Result<()> {
    let password = if std::io::stdin().is_terminal() { ask()? } else { read()? };
    if password.is_empty() {
        return Err(Error::new(Kind::InvalidParameterValue, "the password is empty"));
    }
    super::say(&Verifier::from_password(&password).to_string())
}

fn ask() -> Result<String> {
    let prompt = |text| rpassword::prompt_password(text).map_err(|error| unreadable(&error));
    let password = prompt("Password: ")?;
    if password != prompt("Again: ")? {
        return Err(Error::new(Kind::InvalidParameterValue, "the passwords differ"));
    }
    Ok(password)
}

fn read() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| unreadable(&error))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn unreadable(error: &std::io::Error) -> Error {
    Error::new(Kind::InvalidParameterValue, format!("cannot read the password: {error}"))
}
