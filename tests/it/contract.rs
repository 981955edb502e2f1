//! The contract that every connector keeps, whatever its vendor is like: what its description says is what its tables do.
//! Written once; a subject is a connector, a gateway before a server that holds its rows, and that server's log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::Utc;
use spanwire::demo::host::Exchange;
use spanwire::model::connector::Connector;
use spanwire::model::journal::Journal;
use spanwire::upstream::CONNECTORS;
use tokio_postgres::Client;

use crate::five::{Five, Options, start};
use crate::support::{Gate, rows};

mod checks;
mod clauses;

use checks::Tried;

/// A connector under test.
pub(crate) struct Subject {
    pub(crate) connector: &'static Connector,
    /// The source that it reads.
    pub(crate) source: &'static str,
    pub(crate) credential: String,
    /// Sends what upstream takes.
    pub(crate) pushing: Client,
    /// Sends nothing but the lookback.
    pub(crate) plain: Client,
    /// The requests that the server has had, but for so many: method, path, query and body.
    log: Log,
    journal: Arc<Journal>,
    /// How many of them have been looked at.
    seen: AtomicUsize,
}

type Log = Box<dyn Fn(usize) -> Vec<String> + Send + Sync>;

pub(crate) type Row = Vec<Option<String>>;

impl Subject {
    /// Readies two clients of a gateway: both read sixty days back, and the second pushes nothing.
    pub(crate) async fn new(
        connector: &'static Connector,
        credential: &str,
        gate: &Gate,
        log: impl Fn(usize) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        let (pushing, plain) = (gate.client().await, gate.client().await);
        pushing.simple_query("SET spanwire.lookback = '60 days'").await.expect("a setting");
        plain.simple_query("SET spanwire.lookback = '60 days'; SET spanwire.pushdown = off").await.expect("settings");
        Subject {
            connector,
            source: connector.kind,
            credential: credential.to_owned(),
            pushing,
            plain,
            log: Box::new(log),
            journal: gate.gateway.registry.journal("demo"),
            seen: AtomicUsize::new(0),
        }
    }

    /// The rows that the scans of the last statement have read, before any filter of the gateway.
    fn rows_of_last_statement(&self) -> u64 {
        let entries = self.journal.entries();
        let last = entries.iter().map(|entry| entry.statement_id).max();
        let scans = entries.iter().filter(|entry| Some(entry.statement_id) == last);
        scans.map(|entry| entry.ledger.rows.load(Ordering::Relaxed)).sum()
    }

    /// The requests since the last look. None of them holds the credential.
    fn fresh(&self) -> Vec<String> {
        let fresh = (self.log)(self.seen.load(Ordering::Relaxed));
        self.seen.fetch_add(fresh.len(), Ordering::Relaxed);
        for request in &fresh {
            assert!(!request.contains(&self.credential), "the credential stands in {request}");
        }
        fresh
    }

    /// The rows of a statement and the requests that it took.
    async fn traced(&self, client: &Client, sql: &str) -> (Vec<Row>, Vec<String>) {
        let rows = rows(client, sql).await;
        (rows, self.fresh())
    }

    /// The rows in an order of their own, and the requests that it took.
    async fn sorted(&self, client: &Client, sql: &str) -> (Vec<Row>, Vec<String>) {
        let (mut rows, sent) = self.traced(client, sql).await;
        rows.sort();
        (rows, sent)
    }
}

/// Checks all tables of a connector.
pub(crate) async fn keep(subject: &Subject) {
    assert_eq!(crate::readme::faults(&[subject.connector]), [] as [&str; 0]);
    for table in subject.connector.tables {
        let tried = Tried::read(subject, table).await;
        tried.rows_are_as_described();
        tried.types_are_as_described().await;
        tried.rows_are_counted().await;
        tried.each_push_is_sent_and_changes_nothing().await;
        tried.each_order_is_served_and_changes_nothing().await;
        tried.one_row_takes_a_small_page().await;
        tried.filter_only_columns_take_equality_alone().await;
        tried.explain_calls_nobody().await;
    }
    assert!(subject.seen.load(Ordering::Relaxed) > 0, "the log holds no request");
}

fn texts(calls: &[Exchange], from: usize) -> Vec<String> {
    let text = |call: &Exchange| format!("{} {}?{} {}", call.method, call.path, call.query, call.body);
    calls[from..].iter().map(text).collect()
}

/// One of the built-in connectors, on its embedded upstream.
async fn built_in(kind: &str, log: fn(&Five, usize) -> Vec<String>) {
    let options = Options::of(Utc::now(), 400);
    let key = match kind {
        "scale" => &options.scale.key,
        "respan" => &options.respan.key,
        "adaline" => &options.adaline.key,
        "trulayer" => &options.trulayer.key,
        _ => &options.spanlens.token,
    };
    let key = key.clone();
    let five = Arc::new(start(options).await);
    let connector = CONNECTORS.iter().find(|connector| connector.kind == kind).expect("a connector");
    let held = Arc::clone(&five);
    let subject = Subject::new(connector, &key, five.gate(), move |from| log(&held, from)).await;
    keep(&subject).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spanlens_keeps_the_contract() {
    let log = |five: &Five, from: usize| {
        let calls = five.spanlens.calls();
        calls[from..].iter().map(|call| format!("{} {}?{}", call.method, call.path, call.query)).collect()
    };
    built_in("spanlens", log).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scale_keeps_the_contract() {
    built_in("scale", |five, from| texts(&five.scale.calls(), from)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn respan_keeps_the_contract() {
    built_in("respan", |five, from| texts(&five.respan.calls(), from)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn adaline_keeps_the_contract() {
    built_in("adaline", |five, from| texts(&five.adaline.calls(), from)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trulayer_keeps_the_contract() {
    built_in("trulayer", |five, from| texts(&five.trulayer.calls(), from)).await;
}

#[test]
fn every_built_in_connector_is_under_the_contract() {
    let mut kinds: Vec<&str> = CONNECTORS.iter().map(|connector| connector.kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["adaline", "respan", "scale", "spanlens", "trulayer"], "a test above is missing or too many");
}
