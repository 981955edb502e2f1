//! A gateway on embedded upstreams, in this process.

use std::net::SocketAddr;
use std::sync::Arc;

use chrono::Utc;
use spanwire::config::{self, Env};
use spanwire::demo::{Demo, Options};
use spanwire::model::connector::Connector;
use spanwire::server::{self, Compute};
use spanwire::session::gateway::Gateway;
use spanwire::upstream::CONNECTORS;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};
use tokio_util::sync::CancellationToken;

/// A running gateway.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    pub(crate) gateway: Arc<Gateway>,
    shutdown: CancellationToken,
    _server: JoinHandle<()>,
    _compute: Compute,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Gate {
    /// What a client needs to connect.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new();
        config.host("127.0.0.1").port(self.address.port()).user("demo").password("demo").dbname("spanwire");
        config
    }

    /// A connected client.
    pub(crate) async fn client(&self) -> Client {
        let (client, connection) = self.config().connect(NoTls).await.expect("the gateway lets demo in");
        tokio::spawn(connection);
        client
    }
}

/// Starts a gateway of this configuration.
pub(crate) async fn gate(text: &str) -> Gate {
    changed_gate(text, |_| {}).await
}

/// Starts a gateway of this configuration that reads its sources by these connectors.
pub(crate) async fn gate_of(connectors: &[&'static Connector], text: &str) -> Gate {
    any_gate(connectors, text, |_| {}).await
}

/// Starts a gateway of this configuration that is changed before it serves.
async fn changed_gate(text: &str, change: impl FnOnce(&mut Gateway)) -> Gate {
    any_gate(CONNECTORS, text, change).await
}

async fn any_gate(connectors: &[&'static Connector], text: &str, change: impl FnOnce(&mut Gateway)) -> Gate {
    let kinds = server::kinds_of(connectors);
    // What counts calls wants each statement to make its own.
    let cache = if text.contains("[cache]") { "" } else { "\n[cache]\nmemory = 0\n" };
    let text = format!("{text}{cache}");
    let config = config::parse(&text, "test", &Env::default(), &kinds).expect("the configuration is right");
    let compute = Compute::start().expect("threads");
    let mut gateway = server::assemble_of(connectors, &config, &compute).expect("the parts fit");
    change(Arc::get_mut(&mut gateway).expect("nobody else has it yet"));
    let tls = server::tls(&config).expect("TLS is configured rightly");
    let listeners = server::listen(&config).await.expect("a free port");
    let address = listeners[0].local_addr().expect("an address");
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(server::run(listeners, Arc::clone(&gateway), tls, shutdown.clone()));
    Gate { address, gateway, shutdown, _server: server, _compute: compute }
}

/// A running gateway with the upstream behind it.
pub(crate) struct Bench {
    pub(crate) demo: Demo,
    pub(crate) gateway: Arc<Gateway>,
    gate: Gate,
}

/// Options of a small upstream without a limit on calls.
pub(crate) fn small() -> Options {
    Options { rows: 3_000, seed: 7, now: Utc::now(), calls_per_minute: None, ..Options::default() }
}

/// Starts a gateway whose quota never stands in the way.
pub(crate) async fn start(options: Options) -> Bench {
    start_with(options, "quota = { calls = 1000000, per = \"1m\" }", "").await
}

/// Starts a gateway with further lines for the source and for the whole configuration; `{spanlens}` in them is the URL
/// of the upstream.
pub(crate) async fn start_with(options: Options, source: &str, rest: &str) -> Bench {
    start_changed(options, source, rest, |_| {}).await
}

/// Starts a gateway as [`start_with`], changed in what a configuration cannot say.
pub(crate) async fn start_changed(
    options: Options,
    source: &str,
    rest: &str,
    change: impl FnOnce(&mut Gateway),
) -> Bench {
    let demo = Demo::start(options).await.expect("the demo starts");
    let text = format!(
        "listen = \"127.0.0.1:0\"\n{rest}\n\
         [[source]]\nname = \"spanlens\"\nkind = \"spanlens\"\nbase_url = \"{}\"\ncredential = \"demo-token\"\n{source}\n\
         [[user]]\nname = \"demo\"\npassword = \"demo\"\n",
        demo.spanlens_url()
    );
    let text = text.replace("{spanlens}", &demo.spanlens_url());
    let gate = changed_gate(&text, change).await;
    Bench { demo, gateway: Arc::clone(&gate.gateway), gate }
}

impl Bench {
    /// What a client needs to connect.
    pub(crate) fn config(&self) -> Config {
        self.gate.config()
    }

    /// A connected client.
    pub(crate) async fn client(&self) -> Client {
        self.gate.client().await
    }

    /// Requests that reached the upstream.
    pub(crate) fn n_calls(&self) -> usize {
        self.demo.calls().len()
    }
}

/// The rows of a simple query, as text.
pub(crate) async fn rows(client: &Client, sql: &str) -> Vec<Vec<Option<String>>> {
    match client.simple_query(sql).await {
        Ok(messages) => messages.iter().filter_map(texts).collect(),
        Err(error) => panic!("{sql}: {}", describe(&error)),
    }
}

/// The values of a row; none if the message is no row.
pub(crate) fn texts(message: &SimpleQueryMessage) -> Option<Vec<Option<String>>> {
    match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()),
        _ => None,
    }
}

/// The one value of a query.
pub(crate) async fn value(client: &Client, sql: &str) -> String {
    let rows = rows(client, sql).await;
    assert_eq!(rows.len(), 1, "{sql}: one row");
    rows[0][0].clone().unwrap_or_else(|| "NULL".to_owned())
}

/// SQLSTATE and message of a statement that must fail.
pub(crate) async fn fault(client: &Client, sql: &str) -> (String, String) {
    match client.simple_query(sql).await {
        Ok(_) => panic!("{sql}: should have failed"),
        Err(error) => match error.as_db_error() {
            Some(error) => (error.code().code().to_owned(), error.message().to_owned()),
            None => panic!("{sql}: {error}"),
        },
    }
}

/// All that an error says.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => format!(
            "{} {} / {} / {}",
            error.code().code(),
            error.message(),
            error.detail().unwrap_or_default(),
            error.hint().unwrap_or_default()
        ),
        None => error.to_string(),
    }
}
