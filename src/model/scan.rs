//! What is asked of one table in one statement, ready to be turned into requests, and what a source is.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use datafusion::arrow::record_batch::RecordBatch;
use futures::stream::BoxStream;
use url::Url;

use crate::error::Result;
use crate::model::connector::{Connector, Quota};
use crate::model::statement::Statement;
use crate::model::table::Table;

/// One configured account of a vendor. Its name is the schema of its tables.
#[derive(Debug)]
pub struct Source {
    /// Schema name.
    pub name: String,
    /// The vendor.
    pub connector: &'static Connector,
    /// Where it answers.
    pub base_url: Url,
    /// What it allows.
    pub quota: Quota,
    /// How far back a query without a lower time bound reads.
    pub lookback: Duration,
    /// Largest body that is read, in bytes.
    pub body_bytes: u64,
}

/// One scan of one table: the request parameters, the time range, how many rows and in which order.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Whose table.
    pub source: Arc<Source>,
    /// Which table.
    pub table: &'static Table,
    /// Request parameters that follow from the filters, without the time bounds, in the order of the columns.
    pub parameters: Vec<(&'static str, String)>,
    /// The time range that the query asks for; widened to upstream's precision only in requests.
    pub range: Range,
    /// What the filter-only columns show.
    pub echoes: Vec<(&'static str, String)>,
    /// Positions of the columns wanted, ascending. Reading a column that is not asked for costs nothing.
    pub projection: Vec<usize>,
    /// Rows that are enough. Only a hint for page sizes: the caller stops reading when it has what it wants.
    pub limit: Option<usize>,
    /// Whether the rows must come newest first.
    pub newest_first: bool,
}

/// A closed range of microseconds since 1970-01-01 UTC; `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Range {
    /// Lower bound, inclusive.
    pub from: Option<i64>,
    /// Upper bound, inclusive.
    pub to: Option<i64>,
}

/// One page of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The part of the scan's range that it covers.
    pub range: Range,
    /// Rows to ask for.
    pub limit: usize,
}

/// A stream of batches, each with the scan's projection as its columns (times in UTC).
pub type Batches = BoxStream<'static, Result<RecordBatch>>;

/// From a scan to batches. Dropping the stream stops the call that is under way and gives its permit back.
pub trait Fetch: Send + Sync + std::fmt::Debug {
    /// Starts reading; nothing is called before the stream is polled.
    fn fetch(&self, scan: Scan, statement: Arc<Statement>) -> Batches;

    /// How long the first call for a user would wait for the quota if it were made now.
    fn wait(&self, source: &Source, user: &str) -> Duration;
}

impl Range {
    /// Whether no instant lies in it.
    pub fn is_empty(self) -> bool {
        matches!((self.from, self.to), (Some(from), Some(to)) if from > to)
    }

    /// Widens both bounds to a multiple of `precision_us`, so that a bound cut to that precision loses nothing.
    #[must_use]
    pub fn widened(self, precision_us: i64) -> Self {
        Range { from: self.from.map(|from| floor(from, precision_us)), to: self.to.map(|to| ceil(to, precision_us)) }
    }
}

/// The largest multiple of `step` that is not above `micros`.
pub fn floor(micros: i64, step: i64) -> i64 {
    micros.saturating_sub(micros.rem_euclid(step))
}

/// The smallest multiple of `step` that is not below `micros`.
pub fn ceil(micros: i64, step: i64) -> i64 {
    match micros.rem_euclid(step) {
        0 => micros,
        rest => micros.saturating_add(step - rest),
    }
}

/// ISO 8601 in UTC with as many digits as the value needs, at least milliseconds.
pub fn iso_micros(micros: i64) -> String {
    let digits = if micros % 1_000 == 0 { SecondsFormat::Millis } else { SecondsFormat::Micros };
    match DateTime::from_timestamp_micros(micros) {
        Some(time) => time.to_rfc3339_opts(digits, true),
        // Outside chrono's years; no upstream holds such a row, and the nearest bound keeps the meaning.
        None if micros < 0 => "0001-01-01T00:00:00.000Z".to_owned(),
        None => "9999-12-31T23:59:59.999Z".to_owned(),
    }
}
