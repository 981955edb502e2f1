//! Rows that were read lately, in memory: what one statement has read of a table, the next need not ask for again.
//!
//! Only what was read without a filter is kept, with all columns unless a request asks for some of them: it serves every
//! filter that is checked again on the rows, every projection and every order. What is kept is either all rows of a time range, or only the first of them,
//! which are enough where a statement wants so many and does not say which.
//!
//! Invariants: rows are found only under the credential that read them; what broke off or was cut is never kept as whole;
//! rows that may have changed since serve no longer than the session's `spanwire.max_staleness`.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use datafusion::arrow::array::{AsArray, BooleanArray};
use datafusion::arrow::compute::{
    SortOptions, concat_batches, filter_record_batch, sort_to_indices, take_record_batch,
};
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::arrow::record_batch::RecordBatch;
use futures::{Stream, StreamExt, stream};

pub(super) use flight::Landing;
use flight::{Flight, Pilot};
pub(super) use stitch::Stitch;
use tokio::time::Instant;

use super::rows::holds;
use crate::error::{Error, Result};
use crate::model::scan::{Batches, Keys, Range, Scan};
use crate::model::statement::{End, Ledger, lock};

mod flight;
mod stitch;

/// One table's rows take at most this part of the budget.
const SHARE: usize = 4;

/// How much the ends of two ranges that reach back equally far from now may differ, in microseconds.
const DRIFT_US: i64 = 1_000_000;

/// Rows that were read lately, of all sources and credentials.
#[derive(Debug)]
pub(super) struct Cache {
    budget: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<Key, Entry>,
    /// The fetches that run.
    flights: HashMap<Key, Vec<Arc<Flight>>>,
    /// Of which tables there were more rows than are held, and when.
    too_large: HashMap<Key, Instant>,
    bytes: usize,
    /// Counts uses, to tell which entry was not used for the longest.
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    held: Arc<Held>,
    used: u64,
}

/// Whose rows, and of which table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    source: String,
    scope: String,
    table: &'static str,
    /// What of the request decides about more than which rows come: switches, and what the source wants to be told.
    form: String,
}

/// Rows, times in UTC.
#[derive(Debug)]
pub(super) struct Held {
    batches: Vec<RecordBatch>,
    /// Positions of their columns in the table, ascending.
    columns: Vec<usize>,
    n_rows: usize,
    bytes: usize,
    range: Range,
    /// When the reading began, in microseconds since 1970-01-01 UTC: what came later may be missing.
    read_at: i64,
    /// All rows of the range, not only the first.
    whole: bool,
}

/// How fresh held rows must be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freshness {
    /// Now, in microseconds since 1970-01-01 UTC.
    pub(super) now_us: i64,
    /// How old rows may be that can still change.
    pub(super) max_staleness: Duration,
}

impl Cache {
    /// An empty one that holds at most so many bytes.
    pub(super) fn new(budget: usize) -> Self {
        Cache { budget, state: Mutex::default() }
    }

    /// Whether it can hold anything.
    pub(super) fn is_on(&self) -> bool {
        self.budget > 0
    }

    /// The rows that answer a scan, if they are held.
    pub(super) fn find(&self, key: &Key, scan: &Scan, fresh: Freshness) -> Option<Arc<Held>> {
        let mut state = lock(&self.state);
        state.clock += 1;
        let clock = state.clock;
        let entry = state.entries.get_mut(key)?;
        if !entry.held.serves(scan, fresh) {
            return None;
        }
        entry.used = clock;
        Some(Arc::clone(&entry.held))
    }

    /// What is held under a key, whether it serves or not.
    fn peek(&self, key: &Key) -> Option<Arc<Held>> {
        lock(&self.state).entries.get(key).map(|entry| Arc::clone(&entry.held))
    }

    /// The columns to read so that the rows serve what comes after: all, or those wanted and those wanted lately.
    pub(super) fn columns(&self, key: &Key, scan: &Scan) -> Vec<usize> {
        if !scan.table.narrows {
            return (0..scan.table.columns.len()).collect();
        }
        let state = lock(&self.state);
        let lately = state.entries.get(key).map_or(&[][..], |entry| &entry.held.columns);
        let time = scan.table.time_position();
        let mut columns: Vec<usize> = scan.projection.iter().chain(lately).copied().chain(time).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Keeps rows in place of those that were kept before, unless these are worth more.
    fn keep(&self, key: Key, held: Held) {
        let mut state = lock(&self.state);
        if let Some(before) = state.entries.get(&key)
            && before.held.whole
            && !held.whole
            && held.columns.iter().all(|column| before.held.columns.contains(column))
        {
            return;
        }
        state.clock += 1;
        let used = state.clock;
        state.bytes += held.bytes;
        if let Some(before) = state.entries.insert(key, Entry { held: Arc::new(held), used }) {
            state.bytes -= before.held.bytes;
        }
        while state.bytes > self.budget {
            let Some(oldest) = state.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone())
            else {
                break;
            };
            if let Some(entry) = state.entries.remove(&oldest) {
                state.bytes -= entry.held.bytes;
            }
        }
    }
}

impl Key {
    /// The key of the rows that a scan under this credential reads.
    pub(super) fn of(scan: &Scan, scope: &str) -> Self {
        let told: Vec<_> = scan.filters.iter().filter(|filter| is_told(scan, filter.parameter)).collect();
        Key {
            source: scan.source.name.clone(),
            scope: scope.to_owned(),
            table: scan.table.name,
            form: format!("{:?} {told:?} {:?}", scan.switches, scan.echoes),
        }
    }
}

/// Whether a parameter names what every request for the table has to say, like the project that is meant.
fn is_told(scan: &Scan, parameter: &str) -> bool {
    scan.table.each.is_some_and(|each| each.parameter == parameter)
}

/// Whether rows that the filters leave out do no harm.
fn filters_checked(scan: &Scan) -> bool {
    scan.rechecked || scan.filters.iter().all(|filter| is_told(scan, filter.parameter))
}

/// Whether the rows of a scan are worth keeping: all rows of their range, by nothing but the range.
pub(super) fn can_keep(scan: &Scan) -> bool {
    scan.order.is_none()
        && !scan.widened
        && scan.filters.iter().all(|filter| is_told(scan, filter.parameter))
        && matches!(scan.keys, Keys::NotNeeded | Keys::Listed)
}

impl Held {
    fn serves(&self, scan: &Scan, fresh: Freshness) -> bool {
        if scan.widened || !filters_checked(scan) || !matches!(scan.keys, Keys::NotNeeded | Keys::Listed) {
            return false;
        }
        let order = scan.order.as_ref();
        if order.is_some_and(|order| !order.path.is_empty()) {
            return false;
        }
        let ordered_by = order.and_then(|order| scan.table.position(order.column));
        if scan.projection.iter().copied().chain(ordered_by).any(|column| self.place(column).is_none()) {
            return false;
        }
        if !self.is_fresh(scan, fresh) || !self.covers(scan, fresh.now_us) {
            return false;
        }
        let is_enough = |wanted: usize| scan.order.is_none() && self.rows_within(scan) >= wanted;
        self.whole || can_keep(scan) && (scan.sample && self.n_rows > 0 || scan.limit.is_some_and(is_enough))
    }

    /// Whether the rows are as they would be read now, or as old as the session allows.
    fn is_fresh(&self, scan: &Scan, fresh: Freshness) -> bool {
        let age_us = u128::try_from(fresh.now_us.saturating_sub(self.read_at)).unwrap_or(0);
        let settle_us = i64::try_from(scan.source.settle.as_micros()).unwrap_or(i64::MAX);
        let is_settled = |to: i64| to <= self.read_at.saturating_sub(settle_us);
        age_us <= fresh.max_staleness.as_micros() || scan.range.to.is_some_and(is_settled)
    }

    /// Whether the range lies within what was read.
    fn covers(&self, scan: &Scan, now_us: i64) -> bool {
        let open = |to: Option<i64>| to.is_none_or(|to| to >= self.read_at);
        let (held, wanted) = (self.range, scan.range);
        if !scan.table.has_own_time() {
            // Rows that do not tell their time are those of one range only. That of the lookback moves with the clock.
            let back = |from: Option<i64>, to: i64| from.map(|from| to.saturating_sub(from));
            let moved = match (back(held.from, self.read_at), back(wanted.from, now_us)) {
                (Some(before), Some(now)) => before.abs_diff(now) <= DRIFT_US.unsigned_abs(),
                (before, now) => before == now,
            };
            return held == wanted || moved && open(held.to) && wanted.to.is_none();
        }
        let from = held.from.is_none_or(|held| wanted.from.is_some_and(|wanted| held <= wanted));
        let to = open(held.to) || held.to.zip(wanted.to).is_some_and(|(held, wanted)| wanted <= held);
        from && to
    }

    pub(super) fn rows_within(&self, scan: &Scan) -> usize {
        let n_rows = |batch: &RecordBatch| self.within(batch, scan).map_or(batch.num_rows(), |mask| mask.true_count());
        self.batches.iter().map(n_rows).sum()
    }

    /// The rows for a scan that they serve: those of its range, in its order, its columns.
    pub(super) fn rows(&self, scan: &Scan) -> Result<Vec<RecordBatch>> {
        let fault = |error: datafusion::arrow::error::ArrowError| Error::internal(error.to_string());
        let mut rows = Vec::with_capacity(self.batches.len());
        for batch in &self.batches {
            rows.push(match self.within(batch, scan) {
                Some(mask) => filter_record_batch(batch, &mask).map_err(fault)?,
                None => batch.clone(),
            });
        }
        if let (Some(order), Some(first)) = (&scan.order, rows.first()) {
            let all = concat_batches(&first.schema(), &rows).map_err(fault)?;
            let column = scan.table.position(order.column).and_then(|column| self.place(column));
            let column = column.ok_or_else(|| Error::internal("an order by a column that is not there"))?;
            let options = SortOptions { descending: order.descending, nulls_first: order.descending };
            let sorted = sort_to_indices(all.column(column), Some(options), None).map_err(fault)?;
            rows = vec![take_record_batch(&all, &sorted).map_err(fault)?];
        }
        let shown = places(&self.columns, &scan.projection)?;
        rows.iter().map(|batch| batch.project(&shown).map_err(fault)).collect()
    }

    /// Where a column of the table stands in the rows.
    fn place(&self, column: usize) -> Option<usize> {
        self.columns.binary_search(&column).ok()
    }

    /// Which rows lie in the range of a scan; none if all do.
    fn within(&self, batch: &RecordBatch, scan: &Scan) -> Option<BooleanArray> {
        if !scan.table.has_own_time() {
            return None;
        }
        let column = self.place(scan.table.time_position()?)?;
        let times = batch.column(column).as_primitive::<TimestampMicrosecondType>();
        let is_within = |time: Option<i64>| time.is_some_and(|time| holds(scan.range, time, 0));
        let mask: BooleanArray = times.iter().map(|time| Some(is_within(time))).collect();
        (mask.true_count() < mask.len()).then_some(mask)
    }
}

/// Where columns of the table stand among those that are read.
fn places(read: &[usize], wanted: &[usize]) -> Result<Vec<usize>> {
    let place = |column: &usize| read.binary_search(column);
    let places: Result<Vec<usize>, usize> = wanted.iter().map(place).collect();
    places.map_err(|_| Error::internal("a column is wanted that is not read"))
}

/// What a scan reads, on its way to the statement and into the cache. The scan reads these columns.
pub(super) struct Kept {
    pub(super) batches: Batches,
    pub(super) ledger: Arc<Ledger>,
    pub(super) cache: Arc<Cache>,
    pub(super) key: Key,
    pub(super) range: Range,
    pub(super) read_at: i64,
    /// Positions of the columns that are read, and of those among them that the statement wants.
    pub(super) columns: Vec<usize>,
    pub(super) projection: Vec<usize>,
    /// All rows of the range are wanted.
    pub(super) whole: bool,
    /// Only these first rows are wanted.
    pub(super) sample: bool,
    /// Rows that are held already, with the columns that are read, and are kept together with what is read.
    pub(super) before: Vec<RecordBatch>,
    /// Rows that are read before the first is handed on, so that a small table is known to be read to its end.
    pub(super) at_first: usize,
}

impl Kept {
    /// The batches with the columns that the statement wants.
    pub(super) fn begin(self) -> Batches {
        let promise = Held {
            batches: Vec::new(),
            columns: self.columns.clone(),
            n_rows: 0,
            bytes: 0,
            range: self.range,
            read_at: self.read_at,
            whole: true,
        };
        let pilot = if self.whole { self.cache.take_off(self.key.clone(), promise) } else { None };
        let keep = Keep {
            pilot,
            cache: self.cache,
            key: Some(self.key),
            ledger: self.ledger,
            columns: self.columns,
            range: self.range,
            read_at: self.read_at,
            batches: Vec::new(),
            n_rows: 0,
            bytes: 0,
        };
        let mut keep = keep;
        self.before.iter().for_each(|batch| keep.add(batch));
        let n_before = keep.n_rows;
        let shown = match places(&keep.columns, &self.projection) {
            Ok(shown) => shown,
            Err(error) => return super::failed(error),
        };
        let mut keeping = Keeping { batches: self.batches, keep, shown };
        let (at_first, sample) = (self.at_first, self.sample);
        stream::once(async move {
            let mut first = Vec::new();
            while keeping.keep.n_rows - n_before < at_first {
                match keeping.next().await {
                    Some(batch) => first.push(batch),
                    None => break,
                }
                if first.last().is_some_and(|batch| batch.is_err()) {
                    break;
                }
            }
            let rest = if sample { None } else { Some(keeping) };
            stream::iter(first).chain(stream::iter(rest).flatten())
        })
        .flatten()
        .boxed()
    }
}

struct Keeping {
    batches: Batches,
    keep: Keep,
    shown: Vec<usize>,
}

/// Collects rows, and keeps them when it is dropped.
struct Keep {
    /// Those who wait for the rows hear of it.
    pilot: Option<Pilot>,
    cache: Arc<Cache>,
    /// None once the rows are not to be kept.
    key: Option<Key>,
    ledger: Arc<Ledger>,
    columns: Vec<usize>,
    range: Range,
    read_at: i64,
    batches: Vec<RecordBatch>,
    n_rows: usize,
    bytes: usize,
}

impl Keep {
    fn add(&mut self, batch: &RecordBatch) {
        self.n_rows += batch.num_rows();
        if self.key.is_none() {
            return;
        }
        self.bytes += batch.get_array_memory_size();
        if self.bytes > self.cache.budget / SHARE {
            self.pilot.iter().for_each(Pilot::is_too_large);
            self.give_up();
        } else {
            self.batches.push(batch.clone());
        }
    }

    fn give_up(&mut self) {
        self.key = None;
        self.batches.clear();
        self.pilot = None;
    }

    fn finish(&mut self, whole: bool) {
        let Some(key) = self.key.take() else { return };
        // What upstream cut, or failed to give, is not the range.
        if matches!(self.ledger.ended(), End::Truncated | End::Partial(_) | End::Failed(_)) {
            return;
        }
        let (range, read_at) = (self.range, self.read_at);
        let columns = std::mem::take(&mut self.columns);
        let batches = stitch::compact(std::mem::take(&mut self.batches));
        let held = Held { batches, columns, n_rows: self.n_rows, bytes: self.bytes, range, read_at, whole };
        if whole || held.n_rows > 0 {
            self.cache.keep(key, held);
        }
        // Who waited for the rows finds them now.
        self.pilot = None;
    }
}

impl Drop for Keep {
    fn drop(&mut self) {
        self.finish(false);
    }
}

impl Stream for Keeping {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.batches.poll_next_unpin(context);
        if let Some(pilot) = &self.keep.pilot {
            if polled.is_pending() { pilot.waits() } else { pilot.rests() }
        }
        let polled = std::task::ready!(polled);
        Poll::Ready(match polled {
            Some(Ok(batch)) => {
                self.keep.add(&batch);
                let shown = batch.project(&self.shown);
                Some(shown.map_err(|error| Error::internal(error.to_string())))
            }
            Some(Err(error)) => {
                self.keep.give_up();
                Some(Err(error))
            }
            None => {
                self.keep.finish(true);
                None
            }
        })
    }
}
