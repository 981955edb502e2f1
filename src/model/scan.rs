//! What is asked of one table in one statement, ready to be turned into requests, and what a source is.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use datafusion::arrow::record_batch::RecordBatch;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::error::Result;
use crate::model::connector::{Connector, Quota};
use crate::model::push::Filter;
use crate::model::statement::{Statement, lock};
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
    /// Who wants to know which parts of the range have come as a whole.
    pub progress: Option<Arc<Progress>>,
}

/// Which parts of a scan's range have come as a whole, told by who reads it.
#[derive(Debug, Default)]
pub struct Progress(Mutex<VecDeque<(u64, Range)>>);

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

    /// How a scan that takes calls is completed by what is held; `None` if it is read by itself.
    fn gaps(&self, _scan: &Scan, _statement: &Statement) -> Option<Gaps> {
        None
    }

    /// What is to be done until `shutdown` fires, whether or not somebody asks for rows.
    fn background(&self, _shutdown: &CancellationToken) -> Vec<BoxFuture<'static, ()>> {
        Vec::new()
    }

    /// How far the tables have come that are kept filled, of the sources that a user sees.
    fn filling(&self, _sources: &[Arc<Source>], _user: &str) -> Vec<Filling> {
        Vec::new()
    }

    /// The rows that are held, of the sources and under the credentials of a user.
    fn holdings(&self, _sources: &[Arc<Source>], _user: &str) -> Vec<Holding> {
        Vec::new()
    }

    /// What is used now of the quota under which a user reads a source; nothing if nobody counts.
    fn used(&self, _source: &Source, _user: &str) -> Usage {
        Usage::default()
    }
}

/// How a scan is completed by what is held.
#[derive(Clone, Debug)]
pub struct Gaps {
    /// Rows of it that are held.
    pub held: usize,
    /// The scans that read the rest.
    pub scans: Vec<Scan>,
    /// Calls that these are estimated to take; `None` if no rows have come before to tell.
    pub calls: Option<f64>,
    /// They read more than the filters ask for, to serve what comes after.
    pub unfiltered: bool,
}

/// How far a table has come that is kept filled.
#[derive(Clone, Debug, PartialEq)]
pub struct Filling {
    /// Name of the source.
    pub source: String,
    /// Name of the table.
    pub table: String,
    /// How far back it is filled.
    pub since: Duration,
    /// The part of the time range that is held, from 0 to 1.
    pub covered: f64,
    /// Rows read since the start.
    pub rows: u64,
    /// Upstream calls since the start.
    pub calls: u64,
    /// All of the range has been read once.
    pub is_filled: bool,
    /// Why it does not go on.
    pub error: Option<String>,
}

/// Rows of a table that are held: all of a range of time that match some filters.
#[derive(Clone, Debug, PartialEq)]
pub struct Holding {
    /// Name of the source.
    pub source: String,
    /// Name of the table.
    pub table: String,
    /// The filters that upstream was sent; none for all rows.
    pub filters: Vec<String>,
    /// If its rows come only by key: of how many keys they are held. Then the bounds are those of the rows.
    pub keys: Option<usize>,
    /// Lower bound, microseconds since 1970-01-01 UTC.
    pub from: Option<i64>,
    /// Upper bound; none if it reaches to what had come when it was read.
    pub to: Option<i64>,
    /// When the youngest part was read.
    pub read_at: i64,
    /// Segments that it consists of.
    pub segments: usize,
    /// Rows.
    pub rows: usize,
    /// Bytes of rows that are in memory only.
    pub memory: usize,
    /// Bytes on disk.
    pub disk: u64,
    /// Upstream calls that it took.
    pub calls: f64,
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

impl Progress {
    /// Takes the ranges all rows of which are among the first so many.
    pub fn take(&self, rows: u64) -> Vec<Range> {
        let mut told = lock(&self.0);
        let mut complete = Vec::new();
        while let Some((_, range)) = told.pop_front_if(|(before, _)| *before <= rows) {
            complete.push(range);
        }
        complete
    }
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
            progress: None,
        }
    }

    /// Says that all rows of a range are among the first so many that were handed on.
    pub fn complete(&self, rows: u64, range: Range) {
        if let Some(progress) = &self.progress {
            lock(&progress.0).push_back((rows, range));
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
