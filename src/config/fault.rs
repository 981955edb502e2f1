//! What is wrong with a configuration: all of it at once, each fault with its place.
//!
//! A fault never repeats the value of a credential or password, nor a URL (it may hold one), nor a line of the file.

use std::fmt;

use crate::error::{Error, Kind};

/// One fault. `Display` is one line: `spanwire.toml:12: source[0].quota.per: is missing`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The configuration file, or `environment` for an override.
    pub file: String,
    /// 1-based; none for what is missing from the top of the file, and for overrides.
    pub line: Option<usize>,
    /// The path of the key, such as `source[0].quota.per`, the variable of an override, or nothing for the whole file.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// All the faults of a configuration, in the order of the file. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// The faults.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n_before, fault) in self.faults.iter().enumerate() {
            if n_before > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        let n_faults = faults.faults.len();
        let noun = if n_faults == 1 { "fault" } else { "faults" };
        Error::new(Kind::Config, format!("configuration has {n_faults} {noun}")).detail(faults.to_string())
    }
}
