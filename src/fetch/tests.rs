//! The fetch layer against upstreams that run in the process: `vendor` answers from memory, so that the clock can stand
//! still; `server` speaks HTTP over TCP, faults included.

use std::collections::BTreeSet;
use std::sync::Mutex;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::arrow::record_batch::RecordBatch;

use super::*;
use crate::error::Kind;
use crate::model::connector::{Connector, Quota};
use futures::TryStreamExt;

use crate::model::scan::Order;
use crate::model::table::Table;
use crate::upstream::http::Client;
use crate::upstream::spanlens;

mod cursors;
mod faults;
mod files;
mod held;
mod held_by_key;
mod keys;
mod numbered;
mod paged;
mod paging;
mod quota;
mod segments;
mod server;
mod slices;
mod vendor;

/// Spanlens with a quota that no test runs into.
const GENEROUS: Quota = Quota { calls: 1_000, per: Duration::from_secs(60), concurrency: 10 };

pub(super) fn source(base_url: &str) -> Source {
    Source {
        name: "spanlens".to_owned(),
        connector: &spanlens::CONNECTOR,
        base_url: base_url.parse().unwrap(),
        quota: GENEROUS,
        lookback: Duration::from_secs(30 * 86_400),
        settle: Duration::ZERO,
        body_bytes: 1 << 30,
        settings: std::collections::BTreeMap::new(),
    }
}

/// Spanlens with pages of a hundred rows: the same borders with less to read.
const SMALL: Connector = Connector { tables: SMALL_TABLES, ..spanlens::CONNECTOR };
const SMALL_TABLES: &[Table] = &[
    Table { paging: Paging::SplitTime { max_rows: 100 }, ..spanlens::REQUESTS },
    Table { paging: Paging::SplitTime { max_rows: 100 }, ..spanlens::ANOMALIES },
    Table { paging: Paging::SplitTime { max_rows: 100 }, ..spanlens::SECURITY },
];

/// A source of another vendor, with its own quota per minute.
fn source_of(connector: &'static Connector) -> Source {
    let quota = Quota { concurrency: connector.quota.concurrency, ..GENEROUS };
    Source { name: connector.kind.to_owned(), connector, quota, ..source("http://test") }
}

/// The secret of every test; looked for where it must not be.
const SECRET: &str = "test-token-secret";

#[derive(Debug)]
struct Key;

impl Credentials for Key {
    fn credential(&self, source: &Source, user: &str) -> Result<Credential> {
        Credential::new(source.connector.auth, SECRET, user.to_owned())
    }
}

fn fetcher(transport: Arc<dyn Transport>) -> Fetcher {
    Fetcher::new(transport, Arc::new(Key))
}

fn http_fetcher() -> Fetcher {
    fetcher(Arc::new(Client::new().unwrap()))
}

fn patient() -> Arc<Statement> {
    Arc::new(Statement::new("alice", None, 1_000))
}

fn scan(source: Source, table: &str, columns: &[&str]) -> Scan {
    let connector: &'static Connector = source.connector;
    let table = connector.tables.iter().find(|described| described.name == table).unwrap();
    let mut projection: Vec<usize> = columns.iter().map(|name| table.position(name).unwrap()).collect();
    projection.sort_unstable();
    Scan { range: Range { from: Some(0), to: None }, projection, ..Scan::of(&Arc::new(source), table) }
}

async fn collect(batches: Batches) -> Result<Vec<RecordBatch>> {
    batches.try_collect().await
}

fn count(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

fn texts(batches: &[RecordBatch], column: &str) -> Vec<String> {
    let column = |batch: &RecordBatch| batch.column_by_name(column).unwrap().as_string::<i32>().clone();
    batches.iter().flat_map(|batch| column(batch).iter().flatten().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn times(batches: &[RecordBatch]) -> Vec<i64> {
    let column = |batch: &RecordBatch| {
        batch.column_by_name("created_at").unwrap().as_primitive::<TimestampMicrosecondType>().values().to_vec()
    };
    batches.iter().flat_map(column).collect()
}

fn requests(statement: &Statement) -> Vec<String> {
    statement.scans().iter().flat_map(|ledger| ledger.requests()).collect()
}

/// Asserts that the rows are exactly those expected, each once.
fn assert_rows(batches: &[RecordBatch], expected: impl IntoIterator<Item = String>) {
    let ids = texts(batches, "id");
    let unique: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "rows came twice");
    let expected: BTreeSet<String> = expected.into_iter().collect();
    assert_eq!(ids.len(), expected.len(), "rows are missing or too many");
    assert!(ids.iter().all(|id| expected.contains(id)));
}
