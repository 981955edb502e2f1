//! Reads a scan whose rows all come in one answer, however many they are: by slices of time, so that no answer is larger
//! than the source's limit.
//!
//! The whole range is asked for first, which is one call in the usual case. An answer that grows too large is given up,
//! and its range cut, which costs the bytes of `body_bytes` at the most; what the slices so far have weighed tells how wide
//! the next may be. Where few rows are enough, slices begin narrow at the newest end and widen. Slices come newest first,
//! and the rows of each are sorted, if that is the order wanted; for any other, or where rows come from outside their
//! slice, all are held back.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;

use datafusion::arrow::record_batch::RecordBatch;

use super::retry::Caller;
use super::rows::{Rows, holds};
use super::{MAX_HELD_ROWS, Slots};
use crate::error::{Error, Kind, Result};
use crate::model::scan::{At, Order, Page, Range, Scan, ceil, floor, iso_micros};

/// Slices are cut at whole seconds, whatever precision upstream's bounds have.
const SECOND_US: i64 = 1_000_000;
/// So much more is asked for at the end of a slice that another one begins at: whether bounds are inclusive is not told
/// by every upstream.
const MARGIN_US: i64 = 1_000;
/// The first slice of a scan that wants few rows is this part of the range, and each is so many times wider.
const NARROW: i64 = 64;
const WIDENING: i64 = 4;

/// A scan under way.
#[derive(Debug)]
pub(super) struct Slices {
    scan: Scan,
    caller: Caller,
    slots: Slots,
    now_us: i64,
    /// What is left, newest on top. Neighbours share an instant, which belongs to the older of them.
    left: Vec<Slice>,
    /// Microseconds and bytes of the last slice.
    weighed: Option<(i64, u64)>,
    /// Width of the next slice where few rows are wanted.
    width: Option<i64>,
    /// Keys of all rows, where rows come from outside their slice.
    seen: HashMap<String, i64>,
    ready: VecDeque<RecordBatch>,
    /// Rows that have been handed on.
    handed_on: u64,
    /// Rows held back until all have come, if slices do not come in the order wanted.
    held: Option<Rows>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slice {
    range: Range,
    /// Rows on the lower bound belong to the next older slice.
    open: bool,
    /// A newer slice begins at the upper bound.
    met: bool,
}

impl Slices {
    pub(super) fn new(scan: Scan, caller: Caller, now_us: i64) -> Self {
        let newest_first = |order: &Order| order.descending && Some(order.column) == scan.table.time;
        let in_order = scan.order.as_ref().is_none_or(|order| newest_first(order) && !scan.widened);
        let few = scan.limit.is_some() && !scan.widened && in_order;
        let whole = Slice { range: scan.range, open: false, met: false };
        let end = scan.range.to.unwrap_or(now_us);
        let width = scan.range.from.filter(|_| few).map(|from| end.saturating_sub(from) / NARROW);
        Slices {
            slots: Slots::new(&scan),
            left: if scan.range.is_empty() { Vec::new() } else { vec![whole] },
            weighed: None,
            width: width.map(|width| width.max(SECOND_US)),
            seen: HashMap::new(),
            ready: VecDeque::new(),
            handed_on: 0,
            held: (!in_order).then(Rows::default),
            scan,
            caller,
            now_us,
        }
    }

    /// Gives the next batch, and calls upstream only if it has none.
    pub(super) async fn step(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some((batch, self)));
            }
            let Some(slice) = self.left.pop() else {
                let Some(mut rows) = self.held.take() else { return Ok(None) };
                self.sort(&mut rows);
                self.ready.extend(rows.into_batches(&self.slots.shown)?);
                continue;
            };
            match self.narrowed(slice) {
                Some((older, newer)) => self.left.extend([older, newer]),
                None => Box::pin(self.read(slice)).await?,
            }
        }
    }

    async fn read(&mut self, slice: Slice) -> Result<()> {
        let range = slice.range;
        let beyond = if slice.met { MARGIN_US } else { 0 };
        let asked = Range { to: range.to.map(|to| to.saturating_add(beyond)), ..range };
        let page = Page { range: asked.widened(self.scan.table.precision_us), limit: usize::MAX, at: At::Start };
        let window_end = range.to.unwrap_or(self.now_us);
        let before = self.caller.ledger.bytes.load(Ordering::Relaxed);
        let decoded = match self.caller.page(&self.scan, &page, &self.slots.columns, window_end).await {
            Err(error) if error.kind == Kind::ConfigurationLimit && !self.is_spent() => {
                let (older, newer) = self.halved(slice).ok_or_else(|| self.too_large(slice, error))?;
                self.left.extend([older, newer]);
                return Ok(());
            }
            other => other?,
        };
        let bytes = self.caller.ledger.bytes.load(Ordering::Relaxed) - before;
        self.weighed = range.from.map(|from| (window_end.saturating_sub(from), bytes.max(1)));
        self.width = self.width.map(|width| width.saturating_mul(WIDENING));
        let mut rows = Rows::new(decoded.batches, self.slots.time);
        if self.scan.table.has_own_time() && !self.scan.widened {
            rows.retain(|place| holds(range, place.time, 0) && !(slice.open && Some(place.time) == range.from));
        }
        self.drop_seen(&mut rows);
        self.caller.ledger.rows.fetch_add(rows.len() as u64, Ordering::Relaxed);
        self.handed_on += rows.len() as u64;
        self.hand_on(rows)?;
        if self.held.is_none() && self.scan.table.has_own_time() && !self.scan.widened {
            let from = range.from.map(|from| if slice.open { from.saturating_add(1) } else { from });
            self.scan.complete(self.handed_on, Range { from, ..range });
        }
        Ok(())
    }

    /// Drops the rows that another slice has brought, and remembers the others as long as there are slices left.
    fn drop_seen(&mut self, rows: &mut Rows) {
        let (true, Some(key)) = (self.scan.widened, &self.slots.key) else { return };
        rows.drop_seen(key, &self.seen);
        if !self.left.is_empty() {
            let keys: Vec<_> = rows.places().iter().map(|place| (rows.key(*place, key), place.time)).collect();
            self.seen.extend(keys);
        }
    }

    fn hand_on(&mut self, mut rows: Rows) -> Result<()> {
        let Some(held) = &mut self.held else {
            self.sort(&mut rows);
            self.ready.extend(rows.into_batches(&self.slots.shown)?);
            return Ok(());
        };
        let all: Vec<usize> = (0..self.slots.columns.len()).collect();
        held.append(Rows::new(rows.into_batches(&all)?, self.slots.order));
        if held.len() > MAX_HELD_ROWS {
            let (source, table) = (&self.scan.source.name, self.scan.table.name);
            let message = format!("more than {MAX_HELD_ROWS} rows of {source}.{table} would have to be sorted");
            return Err(Error::new(Kind::ProgramLimit, message).hint("Narrow the time range."));
        }
        Ok(())
    }

    fn sort(&self, rows: &mut Rows) {
        match &self.scan.order {
            Some(order) if order.descending => rows.sort_newest_first(),
            Some(_) => rows.sort_oldest_first(),
            None => {}
        }
    }

    /// Whether the statement's own budget is what has run out.
    fn is_spent(&self) -> bool {
        self.caller.statement.is_spent()
    }

    /// Whether rows tell which slice they belong to, or that they came with another.
    fn is_divisible(&self) -> bool {
        if self.scan.widened { self.slots.key.is_some() } else { self.scan.table.has_own_time() }
    }

    /// Cuts a slice whose newest part is enough for now.
    fn narrowed(&self, slice: Slice) -> Option<(Slice, Slice)> {
        let from = slice.range.from.filter(|_| self.is_divisible())?;
        let to = slice.range.to.unwrap_or(self.now_us);
        let heavy = self.weighed.and_then(|(width, bytes)| {
            let limit = self.scan.source.body_bytes / 5 * 4;
            let fits = i128::from(width) * i128::from(limit) / i128::from(bytes);
            i64::try_from(fits).ok().map(|width| width.max(SECOND_US))
        });
        let width = self.width.into_iter().chain(heavy).min()?;
        let cut = floor(to.saturating_sub(width), SECOND_US);
        // A remainder not worth a call of its own stays with its neighbour.
        (cut.saturating_sub(from) > width / 4).then(|| cut_at(slice, cut)).flatten()
    }

    fn halved(&self, slice: Slice) -> Option<(Slice, Slice)> {
        let from = slice.range.from.filter(|_| self.is_divisible())?;
        let middle = from.midpoint(slice.range.to.unwrap_or(self.now_us));
        cut_at(slice, floor(middle, SECOND_US)).or_else(|| cut_at(slice, ceil(middle, SECOND_US)))
    }

    /// The error of an answer whose range cannot be cut.
    fn too_large(&self, slice: Slice, error: Error) -> Error {
        if !self.is_divisible() {
            return error;
        }
        let Some(from) = slice.range.from else {
            let time = self.scan.table.time.unwrap_or_default();
            return error.hint(format!("Add a lower bound on \"{time}\" to WHERE, so that the range can be cut."));
        };
        let given_up = error.detail.clone().unwrap_or_default();
        let detail = format!("{given_up} It is one second's answer, from {}.", iso_micros(from));
        error
            .detail(detail.trim_start())
            .hint("Raise \"body_bytes\" of the source, or narrow the query by another column that upstream filters by.")
    }
}

/// The older and the newer part of a slice, if both are shorter than it.
fn cut_at(slice: Slice, at: i64) -> Option<(Slice, Slice)> {
    let inside = slice.range.from.is_none_or(|from| from < at) && slice.range.to.is_none_or(|to| at < to);
    let older = Slice { range: Range { to: Some(at), ..slice.range }, open: slice.open, met: true };
    let newer = Slice { range: Range { from: Some(at), ..slice.range }, open: true, met: slice.met };
    inside.then_some((older, newer))
}
