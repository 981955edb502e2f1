//! What a scan reads, on its way to the statement and into the cache.
//!
//! Parts of the range that have come as a whole are held before the rest is read, so that who breaks off, or is broken
//! off, has not called for nothing. An error, or rows that upstream cut, keep the rest from being held.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use datafusion::arrow::compute::{concat_batches, filter_record_batch};
use datafusion::arrow::record_batch::RecordBatch;
use futures::{StreamExt, stream};
use tokio::time::Instant;

use super::body::{places, sorted, within};
use super::flight::{Pilot, Promise};
use super::held::{Held, outside};
use super::insert::Slice;
use super::{Cache, Key, SHARE, Signature, is_divisible};
use crate::error::Result;
use crate::fetch::segment::{Extent, meet, without};
use crate::model::scan::{Batches, Progress, Range, Scan};
use crate::model::statement::{End, Ledger};
use crate::model::table::Table;

/// More batches than this are put together into one.
const MOST_BATCHES: usize = 64;

/// Parts that have come are held so often, or once there are so many rows of them: each takes a file of its own.
const EACH: Duration = Duration::from_secs(1);
const EACH_ROWS: usize = 100_000;

/// As what rows are kept.
#[derive(Clone, Debug)]
pub(in crate::fetch) enum Claim {
    /// As segments: all rows of a range that match these filters.
    Segments(Signature),
    /// As loose rows.
    Loose,
}

impl Claim {
    /// Of a scan that is kept by itself.
    pub(in crate::fetch) fn of(scan: &Scan) -> Self {
        if is_divisible(scan) { Claim::Segments(Signature::of(scan)) } else { Claim::Loose }
    }
}

/// The rows of a scan under way. The scan reads `columns`.
pub(in crate::fetch) struct Kept {
    pub(in crate::fetch) batches: Batches,
    pub(in crate::fetch) ledger: Arc<Ledger>,
    pub(in crate::fetch) cache: Arc<Cache>,
    pub(in crate::fetch) key: Key,
    pub(in crate::fetch) claim: Claim,
    pub(in crate::fetch) table: &'static Table,
    /// What is read, and what of it the statement wants.
    pub(in crate::fetch) range: Range,
    pub(in crate::fetch) wanted: Range,
    pub(in crate::fetch) read_at: i64,
    pub(in crate::fetch) settle_us: i64,
    /// Positions of the columns that are read, and of those that the statement wants.
    pub(in crate::fetch) columns: Vec<usize>,
    pub(in crate::fetch) projection: Vec<usize>,
    /// All rows of the range are wanted.
    pub(in crate::fetch) whole: bool,
    /// Only these first rows are wanted.
    pub(in crate::fetch) sample: bool,
    /// Rows that are read before the first is handed on, so that a small table is known to be read to its end.
    pub(in crate::fetch) at_first: usize,
    /// Each part is held as soon as it has come, before upstream is asked for more.
    pub(in crate::fetch) eager: bool,
    pub(in crate::fetch) progress: Arc<Progress>,
}

impl Kept {
    /// The batches with the columns that the statement wants.
    pub(in crate::fetch) fn begin(self) -> Batches {
        let promise = match &self.claim {
            Claim::Segments(signature) => Promise::Segment {
                signature: signature.clone(),
                range: self.range,
                columns: self.columns.clone(),
                read_at: self.read_at,
            },
            Claim::Loose => Promise::Loose(Held::promise(&self.columns, self.range, self.read_at)),
        };
        let pilot = if self.whole { self.cache.take_off(self.key.clone(), promise) } else { None };
        let shown = match places(&self.columns, &self.projection) {
            Ok(shown) => shown,
            Err(error) => return crate::fetch::failed(error),
        };
        let time = self.table.time_position().filter(|_| self.table.has_own_time());
        let time = time.and_then(|time| self.columns.binary_search(&time).ok());
        let keep = Keep {
            pilot,
            is_on: true,
            cache: self.cache,
            key: self.key,
            claim: self.claim,
            table: self.table,
            ledger: Arc::clone(&self.ledger),
            calls_before: f64::from(self.ledger.calls.load(Ordering::Relaxed)),
            columns: self.columns.into(),
            time,
            left: vec![self.range],
            range: self.range,
            read_at: self.read_at,
            settle_us: self.settle_us,
            progress: self.progress,
            complete: Vec::new(),
            eager: self.eager,
            whole: self.whole,
            last: Instant::now(),
            batches: Vec::new(),
            n_rows: 0,
            bytes: 0,
            held_bytes: 0,
        };
        let cut = meet(self.range, self.wanted);
        let mut keeping = Keeping { batches: self.batches, keep, shown, cut };
        let (at_first, sample) = (self.at_first, self.sample);
        let told = keeping.keep.pilot.as_ref().map(Pilot::told);
        let batches = stream::once(async move {
            let mut first = Vec::new();
            while keeping.keep.n_rows < at_first {
                match keeping.step().await {
                    Some(batch) => first.push(batch),
                    None => break,
                }
                if first.last().is_some_and(|batch| batch.is_err()) {
                    break;
                }
            }
            let rest = (!sample).then(|| stream::unfold(keeping, Keeping::next));
            stream::iter(first).chain(stream::iter(rest).flatten())
        });
        let batches = batches.flatten().boxed();
        match told {
            Some(told) => told(batches),
            None => batches,
        }
    }
}

struct Keeping {
    batches: Batches,
    keep: Keep,
    shown: Vec<usize>,
    /// Rows outside are held elsewhere, or not wanted.
    cut: Range,
}

impl Keeping {
    async fn next(mut self) -> Option<(Result<RecordBatch>, Self)> {
        self.step().await.map(|batch| (batch, self))
    }

    async fn step(&mut self) -> Option<Result<RecordBatch>> {
        self.keep.hold_complete().await;
        match self.batches.next().await {
            Some(Ok(batch)) => {
                self.keep.add(&batch);
                Some(self.shown(&batch))
            }
            Some(Err(error)) => {
                self.keep.give_up();
                Some(Err(error))
            }
            None => {
                self.keep.finish().await;
                None
            }
        }
    }

    fn shown(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mask = self.keep.time.and_then(|time| outside(batch, time, self.cut));
        let shown = batch.project(&self.shown).map_err(super::body::fault)?;
        mask.map_or_else(|| Ok(shown.clone()), |mask| filter_record_batch(&shown, &mask).map_err(super::body::fault))
    }
}

/// Collects rows, and holds them.
struct Keep {
    /// Those who wait for the rows hear of it.
    pilot: Option<Pilot>,
    /// False once the rows are not to be held.
    is_on: bool,
    cache: Arc<Cache>,
    key: Key,
    claim: Claim,
    table: &'static Table,
    ledger: Arc<Ledger>,
    /// Calls of the ledger that were made for what is held already.
    calls_before: f64,
    columns: Arc<[usize]>,
    /// Where the time stands among the columns.
    time: Option<usize>,
    range: Range,
    /// What is not held yet.
    left: Vec<Range>,
    read_at: i64,
    settle_us: i64,
    progress: Arc<Progress>,
    /// Parts that have come as a whole.
    complete: Vec<Range>,
    eager: bool,
    /// All rows of the range are wanted.
    whole: bool,
    last: Instant,
    batches: Vec<RecordBatch>,
    /// Rows that have come.
    n_rows: usize,
    bytes: usize,
    held_bytes: usize,
}

impl Keep {
    fn add(&mut self, batch: &RecordBatch) {
        self.n_rows += batch.num_rows();
        if !self.is_on {
            return;
        }
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch.clone());
        self.complete.extend(self.progress.take(self.n_rows as u64));
        let most = self.cache.budget / SHARE;
        // On disk there is more room than in memory.
        let in_memory = if self.cache.disk.is_some() { self.bytes } else { self.bytes + self.held_bytes };
        if in_memory > most {
            self.pilot.iter().for_each(Pilot::is_too_large);
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        self.is_on = false;
        self.batches.clear();
        self.pilot = None;
    }

    /// What upstream cut, or failed to give, is not the range.
    fn is_sound(&self) -> bool {
        self.is_on && !matches!(self.ledger.ended(), End::Truncated | End::Partial(_) | End::Failed(_))
    }

    /// Holds the parts that have come, if they are worth it yet.
    async fn hold_complete(&mut self) {
        let n_rows = || self.batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        let is_full = self.bytes > self.cache.budget / SHARE / 2;
        let is_due = self.eager || is_full || self.last.elapsed() >= EACH || n_rows() >= EACH_ROWS;
        if !self.complete.is_empty() && is_due && self.is_sound() {
            let complete = std::mem::take(&mut self.complete);
            let slices = self.slices(complete);
            self.hold(slices).await;
            self.pilot.iter().for_each(Pilot::holds);
        }
    }

    async fn finish(&mut self) {
        if !self.is_sound() {
            self.give_up();
            return;
        }
        match self.claim {
            Claim::Segments(_) => {
                let left = std::mem::take(&mut self.left);
                self.complete.clear();
                let slices = self.slices(left);
                self.hold(slices).await;
            }
            Claim::Loose => self.hold_loose(true),
        }
        // Who waited for the rows finds them now.
        self.give_up();
    }

    /// The rows of ranges that have come as a whole; the other rows stay.
    fn slices(&mut self, ranges: Vec<Range>) -> Vec<Slice> {
        let (Claim::Segments(signature), Some(time)) = (&self.claim, self.time) else { return Vec::new() };
        let all = match sorted(&std::mem::take(&mut self.batches), time) {
            Ok(all) => all,
            Err(error) => {
                tracing::warn!(error = %error.message, "rows are not held");
                self.give_up();
                return Vec::new();
            }
        };
        let calls_now = f64::from(self.ledger.calls.load(Ordering::Relaxed));
        let calls = (calls_now - self.calls_before).max(0.0) / ranges.len().max(1) as f64;
        self.calls_before = calls_now;
        let mut slices = Vec::new();
        for range in ranges.into_iter().map(|range| meet(range, self.range)).filter(|range| !range.is_empty()) {
            slices.push(Slice {
                key: self.key.clone(),
                signature: signature.clone(),
                table: self.table,
                extent: Extent { range, read_at: self.read_at },
                columns: Arc::clone(&self.columns),
                time,
                rows: all.as_ref().map(|all| within(all, time, range)).filter(|rows| rows.num_rows() > 0),
                calls,
                settle_us: self.settle_us,
            });
            self.left = self.left.iter().flat_map(|left| without(*left, range)).collect();
        }
        if let Some(all) = all {
            self.batches =
                self.left.iter().map(|left| within(&all, time, *left)).filter(|rows| rows.num_rows() > 0).collect();
        }
        self.bytes = self.batches.iter().map(RecordBatch::get_array_memory_size).sum();
        slices
    }

    async fn hold(&mut self, slices: Vec<Slice>) {
        self.held_bytes += slices
            .iter()
            .filter_map(|slice| slice.rows.as_ref())
            .map(RecordBatch::get_array_memory_size)
            .sum::<usize>();
        self.last = Instant::now();
        let cache = Arc::clone(&self.cache);
        if cache.disk.is_none() {
            insert_all(&cache, &slices);
            return;
        }
        // Writing and syncing a file takes a while.
        if let Err(error) = tokio::task::spawn_blocking(move || insert_all(&cache, &slices)).await
            && let Ok(panic) = error.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }

    fn hold_loose(&mut self, whole: bool) {
        let batches = compact(std::mem::take(&mut self.batches));
        let n_rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if !whole && n_rows == 0 {
            return;
        }
        let held = Held {
            bytes: batches.iter().map(RecordBatch::get_array_memory_size).sum(),
            batches,
            columns: self.columns.to_vec(),
            n_rows,
            range: self.range,
            read_at: self.read_at,
            whole,
        };
        self.cache.keep_loose(self.key.clone(), held);
    }
}

/// A disk that fails costs calls, not results.
fn insert_all(cache: &Cache, slices: &[Slice]) {
    for slice in slices {
        if let Err(error) = cache.insert(slice) {
            tracing::error!(error = %error.message, hint = error.hint, "rows are not held");
        }
    }
}

impl Drop for Keep {
    /// Who leaves early has read the first rows, and perhaps some parts as a whole.
    fn drop(&mut self) {
        if !self.is_sound() {
            return;
        }
        let complete = std::mem::take(&mut self.complete);
        let unfiltered = match &self.claim {
            Claim::Segments(signature) => *signature == Signature::default(),
            Claim::Loose => true,
        };
        let first = unfiltered.then(|| self.batches.clone());
        let slices = if complete.is_empty() { Vec::new() } else { self.slices(complete) };
        // Who wants so many rows, and not all, is served by the first of them also where none of the parts is enough.
        let first = first.filter(|_| !self.whole || slices.is_empty());
        if !slices.is_empty() {
            let cache = Arc::clone(&self.cache);
            let hold = move || insert_all(&cache, &slices);
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) if self.cache.disk.is_some() => drop(runtime.spawn_blocking(hold)),
                _ => hold(),
            }
        }
        if let Some(first) = first {
            self.batches = first;
            self.hold_loose(false);
        }
    }
}

/// Batches as few as they were before, however often more rows are added.
fn compact(batches: Vec<RecordBatch>) -> Vec<RecordBatch> {
    match batches.first().map(RecordBatch::schema) {
        Some(schema) if batches.len() > MOST_BATCHES => match concat_batches(&schema, &batches) {
            Ok(one) => vec![one],
            // What does not fit into one batch stays as it is.
            Err(_) => batches,
        },
        _ => batches,
    }
}
