//! The configuration: a TOML file and the environment in, checked values out, or all the faults at once.
//!
//! What comes out can be used without another check: names are unique and refer to each other, files were read, TLS
//! was tried, each source that a user sees has a credential. `spanwire.example.toml` shows every key.
//!
//! Any key can be overridden by the environment: `SPANWIRE_LISTEN`, `SPANWIRE_LIMITS__CONNECTIONS`,
//! `SPANWIRE_SOURCE__<NAME>__BASE_URL`, `SPANWIRE_SOURCE__<NAME>__QUOTA__CALLS`, `SPANWIRE_USER__<NAME>__PASSWORD`,
//! `SPANWIRE_USER__<NAME>__CREDENTIALS__<SOURCE>`, `SPANWIRE_TLS__CERT` and so on: two underscores at each step, names
//! in capitals with `_` for what is no letter or digit. See `env`.
//!
//! Relative paths, also those of overrides, start at the directory of the file.
//!
//! Reading order: `node` (the file as a tree), `env` (overrides laid over it), `read` and `values` (typed access),
//! then one file per section.

mod credential;
mod env;
mod fault;
mod limits;
mod node;
mod read;
mod source;
#[cfg(test)]
mod tests;
mod tls;
mod user;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use url::Url;

use crate::scram;
use crate::secret::Secret;

pub use self::env::Env;
pub use self::fault::{Fault, Faults};
pub use self::tls::tls_server_config;

/// A checked configuration. `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where clients connect; at least one.
    pub listen: Vec<Listen>,
    /// None: no TLS.
    pub tls: Option<Tls>,
    /// At least one, in the order of the file.
    pub sources: Vec<Source>,
    /// At least one, in the order of the file.
    pub users: Vec<User>,
    /// Where segments are kept.
    pub cache: Cache,
    /// What one statement, one session and the process may take.
    pub limits: Limits,
    /// None: no metrics.
    pub metrics: Option<Metrics>,
    /// What is allowed and unwise, one line each, for the log.
    pub warnings: Vec<String>,
}

/// An address to listen on; a host name is resolved when it is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// An IP address without brackets, or a host name.
    pub host: String,
    /// 0: any free port.
    pub port: u16,
}

/// TLS towards the clients. Paths are resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate chain in PEM.
    pub cert: PathBuf,
    /// Its key in PEM.
    pub key: PathBuf,
    /// Whose certificates a client must show one of.
    pub client_ca: Option<PathBuf>,
    /// Whether clients without TLS are refused; default true.
    pub required: bool,
}

/// One account at one vendor.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The name of its schema: a lower-case SQL identifier.
    pub name: String,
    /// The connector, one of the [`KindInfo`]s.
    pub kind: String,
    /// https, or http to this machine; no user, query or fragment.
    pub base_url: Url,
    /// None where every user who sees the source brings their own.
    pub credential: Option<Secret>,
    /// None: what the vendor documents.
    pub quota: Option<Quota>,
    /// How far back a query without a time bound reads; never zero.
    pub lookback: Duration,
    /// How long rows may still change; may be zero.
    pub settle: Duration,
    /// What of it is kept filled in the background.
    pub sync: Option<Sync>,
    /// What only this kind knows.
    pub settings: BTreeMap<String, Setting>,
}

/// Tables that are kept filled in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sync {
    /// Their names, at least one.
    pub tables: Vec<String>,
    /// How far back they are filled; never zero.
    pub since: Duration,
    /// How often the newest rows are read; never zero.
    pub every: Duration,
    /// The part of the quota that this may take, in thousandths; never zero.
    pub share: u16,
}

/// How often an upstream may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// At least one.
    pub calls: u32,
    /// Never zero.
    pub per: Duration,
    /// Calls at the same time, at least one.
    pub concurrency: Option<u32>,
}

/// A value that only one kind of source knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// One text.
    Text(String),
    /// Several; at least one.
    List(Vec<String>),
}

impl Setting {
    /// The values; one text is a list of one.
    pub fn values(&self) -> Vec<String> {
        match self {
            Setting::Text(text) => vec![text.clone()],
            Setting::List(texts) => texts.clone(),
        }
    }
}

/// Somebody who may connect.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The name at login.
    pub name: String,
    /// What the password is checked with.
    pub verifier: scram::Verifier,
    /// Whether the password stands in the file in plain text; [`Config::warnings`] has a line about it.
    pub plain_password: bool,
    /// The sources the user sees; none: all.
    pub sources: Option<Vec<String>>,
    /// The user's own credentials by source.
    pub credentials: BTreeMap<String, Secret>,
    /// Settings with which the user's sessions begin, as `ALTER ROLE … SET` has them. Checked by the server.
    pub settings: BTreeMap<String, String>,
}

/// Where segments are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// None: in memory only.
    pub dir: Option<PathBuf>,
    /// Bytes of files; none: no bound.
    pub max_bytes: Option<u64>,
    /// Bytes in memory; may be zero.
    pub memory: u64,
}

/// What one statement, one session and the process may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sessions at the same time.
    pub connections: u32,
    /// The longest statement; sessions may set less or more.
    pub statement_timeout: Option<Duration>,
    /// Bytes of one statement.
    pub query_memory: u64,
    /// Bytes of all statements; at least `query_memory`.
    pub total_memory: u64,
    /// Upstream calls of one statement.
    pub max_calls: u32,
    /// The largest upstream body, decompressed.
    pub body_bytes: u64,
    /// The longest idle session outside a transaction.
    pub idle_session_timeout: Option<Duration>,
    /// The longest idle session inside a transaction.
    pub idle_in_transaction_session_timeout: Option<Duration>,
    /// From the first byte to a complete login.
    pub authentication_timeout: Duration,
}

/// Where metrics are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// The address.
    pub listen: Listen,
}

/// What the configuration needs to know of a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindInfo {
    /// The value of `kind`.
    pub kind: &'static str,
    /// The keys that only this kind takes.
    pub settings: &'static [&'static str],
    /// None: `base_url` must be given.
    pub default_base_url: Option<&'static str>,
}

/// Reads and checks a file.
pub fn load(path: &Path, env: &Env, kinds: &[KindInfo]) -> Result<Config, Faults> {
    let file = path.display().to_string();
    let unreadable = |message: String| Faults {
        faults: vec![Fault { file: file.clone(), line: None, key: String::new(), message, hint: None }],
    };
    let bytes = std::fs::read(path).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("holds what is not UTF-8".to_owned()))?;
    parse(&text, &file, env, kinds)
}

/// Checks the text of a file. Reads nothing but the files of secrets and TLS that it names.
pub fn parse(text: &str, file_name: &str, env: &Env, kinds: &[KindInfo]) -> Result<Config, Faults> {
    let mut root = node::parse(text, file_name).map_err(|faults| Faults { faults })?;
    let reader = read::Reader::new(file_name, env);
    env::overlay(&mut root, &reader);
    let config = sections(read::Section::new(&reader, &root, String::new(), &node::Origin::File), kinds);
    env::check_misspelt(&reader);
    let (faults, warnings) = reader.into_findings();
    if faults.is_empty() { Ok(Config { warnings, ..config }) } else { Err(Faults { faults }) }
}

fn sections(mut root: read::Section<'_>, kinds: &[KindInfo]) -> Config {
    let listen = limits::listens(&mut root);
    let tls = root.section("tls").and_then(tls::read);
    let sources: Vec<_> = root.sections("source").into_iter().map(|section| source::read(section, kinds)).collect();
    let users: Vec<_> = root.sections("user").into_iter().map(user::read).collect();
    user::check(&root, &sources, &users);
    let cache = root.section("cache").map(limits::cache).unwrap_or_default();
    let limits = root.section("limits").map(limits::limits).unwrap_or_default();
    let metrics = root.section("metrics").and_then(|section| limits::metrics(section, &listen));
    limits::warn_open(&listen, tls.as_ref(), &mut root);
    root.finish();
    Config {
        listen,
        tls,
        sources: sources.into_iter().filter_map(|declared| declared.source).collect(),
        users: users.into_iter().filter_map(|declared| declared.user).collect(),
        cache,
        limits,
        metrics,
        warnings: Vec::new(),
    }
}

impl Setting {
    /// Returns all the texts; one text is a list of one.
    pub fn texts(&self) -> &[String] {
        match self {
            Setting::Text(text) => std::slice::from_ref(text),
            Setting::List(texts) => texts,
        }
    }
}

impl Listen {
    /// Whether only this machine can connect.
    pub fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host == "localhost",
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Listen { host: address.ip().to_string(), port: address.port() });
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(|| format!("{text:?} is not an address"))?;
        let is_host = !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        if !is_host {
            return Err(format!("{text:?} is not an address"));
        }
        let port = port.parse().map_err(|_| format!("port {port:?} is not a number from 0 to 65535"))?;
        Ok(Listen { host: host.to_owned(), port })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
