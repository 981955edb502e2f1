//! The running gateway: listeners in, connections out, and an orderly end. Also puts the parts together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Config};
use crate::error::{Error, Kind, Result};
use crate::fetch::sync::Job;
use crate::fetch::{Disk, Fetcher};
use crate::model::connector::{Connector, Quota};
use crate::model::scan::Source;
use crate::model::statement::Share;
use crate::session::gateway::{Gateway, Registry};
use crate::session::vars::{Scope, Vars};
use crate::sql::engine::Engine;
use crate::upstream::CONNECTORS;
use crate::upstream::http::{Client, Credential};
use crate::wire::{Tls, serve};

/// How long statements may go on after the gateway was asked to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Stack of each thread. The syntax tree of a chain such as `a = 1 OR a = 2 OR …` is as deep as the chain is long, and is
/// walked and dropped recursively; [`crate::session::command`] bounds the chain so that this is enough.
pub const STACK_BYTES: usize = 256 << 20;

/// The runtime that plans and computes. Ends without waiting for what is under way.
#[derive(Debug)]
pub struct Compute(Option<Runtime>);

impl Compute {
    /// Starts it. Twice the cores, so that one statement per core that never pauses leaves room for the others.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start() -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get);
        let runtime = Builder::new_multi_thread()
            .worker_threads((2 * cores).max(4))
            .thread_name("compute")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .map_err(|error| Error::internal(format!("cannot start threads: {error}")))?;
        Ok(Compute(Some(runtime)))
    }

    /// Where its tasks are started.
    pub fn handle(&self) -> tokio::runtime::Handle {
        self.0.as_ref().expect("taken only when dropped").handle().clone()
    }
}

impl Drop for Compute {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The built-in connectors as the configuration needs to know them.
pub fn kinds() -> Vec<config::KindInfo> {
    kinds_of(CONNECTORS)
}

/// These connectors as the configuration needs to know them.
pub fn kinds_of(connectors: &[&'static Connector]) -> Vec<config::KindInfo> {
    let info = |connector: &&'static Connector| config::KindInfo {
        kind: connector.kind,
        settings: connector.settings,
        default_base_url: Some(connector.base_url),
    };
    connectors.iter().map(info).collect()
}

/// The sources of a configuration, read by the built-in connectors.
///
/// # Errors
/// As [`sources_of`].
pub fn sources(config: &Config) -> Result<Vec<Arc<Source>>> {
    sources_of(CONNECTORS, config)
}

/// The sources of a configuration, read by these connectors.
///
/// # Errors
/// When a kind has no connector, which the configuration has checked before if it was given the same ones; or when a
/// source lacks what its connector requires.
pub fn sources_of(connectors: &[&'static Connector], config: &Config) -> Result<Vec<Arc<Source>>> {
    let source = |own: &config::Source| {
        let connector = connectors.iter().copied().find(|connector| connector.kind == own.kind);
        let connector = connector.ok_or_else(|| Error::new(Kind::Config, format!("unknown kind \"{}\"", own.kind)))?;
        let missing = connector.required.iter().find(|key| !own.settings.contains_key(**key));
        if let Some(key) = missing {
            let message = format!("source \"{}\" lacks \"{key}\"", own.name);
            let hint = format!("{} gives no rows without it; add it to the [[source]].", connector.title);
            return Err(Error::new(Kind::Config, message).hint(hint));
        }
        let quota = own.quota.map_or(connector.quota, |quota| Quota {
            calls: quota.calls,
            per: quota.per,
            concurrency: quota.concurrency.unwrap_or(connector.quota.concurrency),
        });
        Ok(Arc::new(Source {
            name: own.name.clone(),
            connector,
            base_url: own.base_url.clone(),
            quota,
            lookback: own.lookback,
            settle: own.settle,
            body_bytes: config.limits.body_bytes,
            settings: own.settings.iter().map(|(key, setting)| (key.clone(), setting.values())).collect(),
        }))
    };
    config.sources.iter().map(source).collect()
}

/// Which credential a user sends to a source.
#[derive(Debug)]
struct Wallet {
    shared: BTreeMap<String, Credential>,
    own: BTreeMap<(String, String), Credential>,
}

impl Wallet {
    fn of(config: &Config, sources: &[Arc<Source>]) -> Result<Self> {
        let mut wallet = Wallet { shared: BTreeMap::new(), own: BTreeMap::new() };
        for (source, configured) in sources.iter().zip(&config.sources) {
            let auth = source.connector.auth;
            let credential =
                |secret: &crate::secret::Secret| Credential::new(auth, secret.expose(), secret.fingerprint());
            if let Some(secret) = &configured.credential {
                wallet.shared.insert(source.name.clone(), credential(secret)?);
            }
            for user in &config.users {
                if let Some(secret) = user.credentials.get(&source.name) {
                    wallet.own.insert((user.name.clone(), source.name.clone()), credential(secret)?);
                }
            }
        }
        Ok(wallet)
    }
}

impl crate::fetch::Credentials for Wallet {
    fn credential(&self, source: &Source, user: &str) -> Result<Credential> {
        let own = self.own.get(&(user.to_owned(), source.name.clone()));
        own.or_else(|| self.shared.get(&source.name)).cloned().ok_or_else(|| {
            let message = format!("user \"{user}\" has no credential for source \"{}\"", source.name);
            Error::new(Kind::UpstreamAuthorization, message)
                .hint("Give the source a credential, or the user one of its own, in the configuration.")
        })
    }
}

/// Puts a configuration's parts together, with the built-in connectors.
///
/// # Errors
/// As [`assemble_of`].
pub fn assemble(config: &Config, compute: &Compute) -> Result<Arc<Gateway>> {
    assemble_of(CONNECTORS, config, compute)
}

/// Puts a configuration's parts together, with these connectors.
///
/// # Errors
/// Those of [`sources_of`]; when a credential cannot travel in a header; when the HTTP client cannot be set up.
pub fn assemble_of(connectors: &[&'static Connector], config: &Config, compute: &Compute) -> Result<Arc<Gateway>> {
    let sources = sources_of(connectors, config)?;
    check_settings(config, &sources)?;
    let bytes = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    let fetcher = holding(config, &sources)?.with_jobs(jobs(config, &sources)?);
    let engine = Engine::new(
        Arc::new(fetcher),
        compute.handle(),
        bytes(config.limits.query_memory),
        bytes(config.limits.total_memory),
    );
    Ok(Arc::new(Gateway {
        engine,
        sources,
        users: config.users.clone(),
        limits: config.limits.clone(),
        registry: Arc::new(Registry::default()),
        mock_secret: random(),
        keeps_rows: config.cache.memory > 0,
        started: chrono::Utc::now(),
    }))
}

/// Whether the users' sessions can begin with their settings.
///
/// # Errors
/// [`Kind::Config`] for a setting that there is not, that cannot be set, or whose value does not fit.
pub fn check_settings(config: &Config, sources: &[Arc<Source>]) -> Result<()> {
    for user in &config.users {
        let sees = |source: &&Arc<Source>| user.sources.as_ref().is_none_or(|own| own.contains(&source.name));
        let mut vars = Vars::default();
        for source in sources.iter().filter(sees) {
            for switch in source.connector.tables.iter().flat_map(|table| table.switches) {
                vars.offer(&format!("{}.{}", source.name, switch.name), switch.doc);
            }
        }
        for (name, value) in &user.settings {
            vars.set_text(name, value, Scope::Startup).map_err(|error| Error {
                kind: Kind::Config,
                message: format!("settings of user \"{}\": {}", user.name, error.message),
                ..error
            })?;
        }
    }
    Ok(())
}

/// The fetcher with what it holds.
///
/// # Errors
/// As [`assemble`]; when the directory of the cache cannot be used, or another process uses it.
pub fn holding(config: &Config, sources: &[Arc<Source>]) -> Result<Fetcher> {
    let memory = usize::try_from(config.cache.memory).unwrap_or(usize::MAX);
    let fetcher = fetcher(config, sources)?;
    match &config.cache.dir {
        Some(dir) if memory > 0 => {
            let (disk, records) = Disk::open(dir, config.cache.max_bytes)?;
            fetcher.with_disk(memory, disk, records, sources)
        }
        _ => Ok(fetcher.with_cache(memory)),
    }
}

/// The tables that are to be kept filled.
///
/// # Errors
/// [`Kind::Config`] for a table that there is not, that cannot be filled, or whose source has no credential of its own.
pub fn jobs(config: &Config, sources: &[Arc<Source>]) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for (source, configured) in sources.iter().zip(&config.sources) {
        let Some(sync) = &configured.sync else { continue };
        if configured.credential.is_none() {
            let message = format!("source \"{}\" has sync and no credential", source.name);
            return Err(Error::new(Kind::Config, message)
                .hint("Give the source a credential: what is read in the background belongs to those who share it."));
        }
        for name in &sync.tables {
            let tables = source.connector.tables;
            let Some(table) = tables.iter().find(|table| table.name == name) else {
                let known: Vec<&str> = tables.iter().map(|table| table.name).collect();
                let message = format!("sync of source \"{}\" names unknown table \"{name}\"", source.name);
                return Err(Error::new(Kind::Config, message).hint(format!("Its tables are {}.", known.join(", "))));
            };
            jobs.push(Job::new(source, table, sync.since, sync.every, Share::per_mille(sync.share))?);
        }
    }
    Ok(jobs)
}

/// The fetcher alone, for a probe.
///
/// # Errors
/// As [`assemble`].
pub fn fetcher(config: &Config, sources: &[Arc<Source>]) -> Result<Fetcher> {
    Ok(Fetcher::new(Arc::new(Client::new()?), Arc::new(Wallet::of(config, sources)?)))
}

fn random() -> [u8; 32] {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// TLS of a configuration.
///
/// # Errors
/// When a file cannot be read or does not fit; the gateway then does not start.
pub fn tls(config: &Config) -> Result<Option<Tls>> {
    let Some(tls) = &config.tls else { return Ok(None) };
    let fault = |message: String| Error::new(Kind::Config, message);
    let server = config::tls_server_config(tls).map_err(fault)?;
    let certificate = std::fs::read(&tls.cert).map_err(|error| fault(format!("{}: {error}", tls.cert.display())))?;
    Ok(Some(Tls { acceptor: server.into(), certificate: certificate.into(), required: tls.required }))
}

/// Opens the listeners of a configuration.
///
/// # Errors
/// When an address is taken or not this machine's.
pub async fn listen(config: &Config) -> Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for listen in &config.listen {
        let listener = TcpListener::bind((listen.host.as_str(), listen.port)).await;
        listeners.push(listener.map_err(|error| {
            Error::new(Kind::Config, format!("cannot listen on {listen}: {error}"))
                .hint("Stop what listens there, or choose another address.")
        })?);
    }
    Ok(listeners)
}

/// Serves until `shutdown` fires; then lets statements end, for a while.
pub async fn run(listeners: Vec<TcpListener>, gateway: Arc<Gateway>, tls: Option<Tls>, shutdown: CancellationToken) {
    let mut accepting = JoinSet::new();
    for work in gateway.engine.fetch().background(&shutdown) {
        accepting.spawn(work);
    }
    for listener in listeners {
        accepting.spawn(accept(listener, Arc::clone(&gateway), tls.clone(), shutdown.clone()));
    }
    while accepting.join_next().await.is_some() {}
}

async fn accept(listener: TcpListener, gateway: Arc<Gateway>, tls: Option<Tls>, shutdown: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    connections.spawn(serve(socket, Arc::clone(&gateway), tls.clone(), shutdown.clone()));
                }
                // Out of file handles, most likely: others must close before it helps to try again.
                Err(error) => {
                    tracing::warn!(%error, "connection not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("statements were still running when the gateway stopped");
    }
}
