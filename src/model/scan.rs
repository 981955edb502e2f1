//! What is asked of one table in one statement, ready to be turned into requests, and what a source is.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use datafusion::arrow::record_batch::RecordBatch;
use futures::stream::BoxStream;
use url::Url;

use crate::error::Result;
use crate::model::connector::{Connector, Quota};
use crate::model::push::Filter;
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
    /// How long rows may still change.
    pub settle: Duration,
    /// Largest body that is read, in bytes.
    pub body_bytes: u64,
    /// What the configuration says for [`Connector::settings`].
    pub settings: BTreeMap<String, Vec<String>>,
}

/// One scan of one table: the filters, the time range, how many rows and in which order.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Whose table.
    pub source: Arc<Source>,
    /// Which table.
    pub table: &'static Table,
    /// What is asked of the rows, without the time bounds, in the order of the columns.
    pub filters: Vec<Filter>,
    /// One of the filters is enough, instead of all of them.
    pub any: bool,
    /// The time range that the query asks for; widened to upstream's precision only in requests.
    pub range: Range,
    /// What the columns show that upstream does not return; `None` is NULL.
    pub echoes: Vec<(&'static str, Option<String>)>,
    /// Positions of the columns wanted, ascending. Reading a column that is not asked for costs nothing.
    pub projection: Vec<usize>,
    /// Rows that are enough. Only a hint for page sizes: the caller stops reading when it has what it wants.
    pub limit: Option<usize>,
    /// The order in which the rows must come; `None` is any.
    pub order: Option<Order>,
    /// Names of the table's switches that are on.
    pub switches: Vec<&'static str>,
    /// Rows outside the range are wanted as well, if upstream sends them.
    pub widened: bool,
    /// Where the values of the table's [`crate::model::table::Lookup`] come from.
    pub keys: Keys,
    /// All filters and the range are checked again on the rows, so rows that upstream would have left out do no harm.
    pub rechecked: bool,
    /// A few rows will do, whichever they are.
    pub sample: bool,
}

/// The order of a scan's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub column: &'static str,
    /// Keys that lead to a number within a `jsonb` column; empty for the column itself.
    pub path: Vec<String>,
    /// Upstream's word for it.
    pub parameter: &'static str,
    /// From the greatest to the least.
    pub descending: bool,
}

/// Where the values come from without which upstream gives no rows.
#[derive(Clone, Debug)]
pub enum Keys {
    /// None are needed.
    NotNeeded,
    /// The filters name them. Distinct.
    Known(Vec<String>),
    /// Another part of the statement finds them first.
    Awaited(Arc<KeySlot>),
    /// A table of the same source lists them for the time range.
    Listed,
}

/// Hands the values that one part of a plan finds to the scan that asks upstream for their rows.
#[derive(Debug, Default)]
pub struct KeySlot {
    keys: OnceLock<Vec<String>>,
    given: tokio::sync::Notify,
    abandoned: AtomicBool,
    kept: OnceLock<Box<dyn Any + Send + Sync>>,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The part of the scan's range that it covers, widened to upstream's precision.
    pub range: Range,
    /// Rows to ask for.
    pub limit: usize,
    /// Where it begins.
    pub at: At,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// At the first row.
    Start,
    /// At a page of this number, from 1.
    Number(u64),
    /// Where upstream's cursor says.
    Cursor(String),
    /// All rows under this key.
    Key(String),
}

/// A stream of batches, each with the scan's projection as its columns (times in UTC).
pub type Batches = BoxStream<'static, Result<RecordBatch>>;

/// From a scan to batches. Dropping the stream stops the call that is under way and gives its permit back.
pub trait Fetch: Send + Sync + std::fmt::Debug {
    /// Starts reading; nothing is called before the stream is polled.
    fn fetch(&self, scan: Scan, statement: Arc<Statement>) -> Batches;

    /// How long the first call for a user would wait for the quota if it were made now.
    fn wait(&self, source: &Source, user: &str) -> Duration;

    /// How many rows are held that answer a scan without a call; `None` if it takes calls.
    fn held(&self, _scan: &Scan, _statement: &Statement) -> Option<usize> {
        None
    }

    /// How many rows are held of a scan of which only a part is, and the scans that read the rest.
    fn gaps(&self, _scan: &Scan, _statement: &Statement) -> Option<(usize, Vec<Scan>)> {
        None
    }

    /// What is used now of the quota under which a user reads a source; nothing if nobody counts.
    fn used(&self, _source: &Source, _user: &str) -> Usage {
        Usage::default()
    }
}

/// What is used of a quota at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls allowed in the window; none if nothing is known but the configuration.
    pub calls: Option<u32>,
    /// Slots taken: calls in the window, under way, and about to be made.
    pub used: u32,
    /// Calls under way.
    pub under_way: u32,
    /// Scans that wait for a call.
    pub waiting: usize,
    /// How long until the next call can be made at the earliest.
    pub wait: Duration,
}

impl KeySlot {
    /// Gives the values, once; what is given later is dropped.
    pub fn give(&self, keys: Vec<String>) {
        // A second run of one plan finds the same values.
        let _ = self.keys.set(keys);
        self.given.notify_waiters();
    }

    /// Says that nobody will give the values any more, unless they are given already. Who waits gets none, and must not
    /// take them for all.
    pub fn abandon(&self) {
        if self.keys.get().is_none() {
            self.abandoned.store(true, Ordering::Release);
            self.give(Vec::new());
        }
    }

    /// Whether the values will never be known. Tells once [`KeySlot::wait`] has returned.
    pub fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// Keeps something for as long as the values live: the memory that is reserved for them.
    pub fn keep(&self, what: impl Any + Send + Sync) {
        // What a second run would keep is for values that are dropped.
        let _ = self.kept.set(Box::new(what));
    }

    /// Waits for the values. Cancel safe.
    pub async fn wait(&self) -> &[String] {
        loop {
            let given = self.given.notified();
            tokio::pin!(given);
            given.as_mut().enable();
            if let Some(keys) = self.keys.get() {
                return keys;
            }
            given.await;
        }
    }
}

impl Scan {
    /// A scan of all rows of a table, all columns.
    pub fn of(source: &Arc<Source>, table: &'static Table) -> Self {
        Scan {
            source: Arc::clone(source),
            table,
            filters: Vec::new(),
            any: false,
            range: Range::default(),
            echoes: Vec::new(),
            projection: (0..table.columns.len()).collect(),
            limit: None,
            order: None,
            switches: Vec::new(),
            widened: false,
            keys: Keys::NotNeeded,
            rechecked: false,
            sample: false,
        }
    }

    /// Whether a switch is on.
    pub fn switched(&self, name: &str) -> bool {
        self.switches.contains(&name)
    }
}

impl Source {
    /// What the configuration says under a key of the vendor's own; empty if nothing.
    pub fn setting(&self, key: &str) -> &[String] {
        self.settings.get(key).map_or(&[], Vec::as_slice)
    }
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

impl Range {
    /// Moves both bounds outwards by so many microseconds.
    #[must_use]
    pub fn reaching(self, slack_us: i64) -> Self {
        Range {
            from: self.from.map(|from| from.saturating_sub(slack_us)),
            to: self.to.map(|to| to.saturating_add(slack_us)),
        }
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
