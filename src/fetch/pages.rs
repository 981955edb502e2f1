//! Reads a scan page by page: what is left to read is a stack of time ranges, newest on top.
//!
//! Ranges on the stack overlap in single instants only, where one ends and another begins; rows there come twice and are
//! told apart by the table's key. Invariant: each row of the scan's range is handed on exactly once, or the scan fails.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;

use datafusion::arrow::record_batch::RecordBatch;

use super::judge::{Full, Verdict, judge};
use super::retry::Caller;
use super::rows::{Order, Place, Rows, holds};
use super::segment::without;
use super::{LEAST_ORDERED, MAX_HELD_ROWS};
use crate::error::{Error, Kind, Result};
use crate::model::scan::{At, Page, Range, Scan, iso_micros};

/// A scan under way.
#[derive(Debug)]
pub(super) struct Pages {
    scan: Scan,
    caller: Caller,
    max_rows: usize,
    precision_us: i64,
    /// When the scan began; stands for an open end.
    now_us: i64,
    /// What is read of each row: the projection, and what paging needs.
    columns: Vec<usize>,
    /// Positions of the projection among these.
    shown: Vec<usize>,
    time: Option<usize>,
    key: Option<Vec<usize>>,
    /// Rows have a time of their own and a key.
    pageable: bool,
    left: Vec<Range>,
    /// Keys and times of the rows handed on that may come again.
    seen: HashMap<String, i64>,
    ready: VecDeque<RecordBatch>,
    /// Rows held back until all have come, because they come in the wrong order.
    held: Option<Rows>,
    /// Time of the last row handed on in order.
    last: Option<i64>,
    /// The first page was small, and its order has been relied on.
    relied: bool,
    asked_small: bool,
    /// Rows that have been handed on, those that are held back among them.
    handed_on: u64,
    /// Why there is nothing after what is ready.
    failure: Option<Error>,
}

impl Pages {
    pub(super) fn new(scan: Scan, max_rows: usize, caller: Caller, now_us: i64) -> Self {
        let table = scan.table;
        let precision_us = table.precision_us;
        let time = table.time_position();
        let key = table.key_positions();
        let own = key.iter().flatten().copied();
        let mut columns: Vec<usize> = scan.projection.iter().copied().chain(time).chain(own).collect();
        columns.sort_unstable();
        columns.dedup();
        let slot = |position: usize| columns.binary_search(&position).ok();
        let key = key.map(|key| key.into_iter().filter_map(slot).collect::<Vec<usize>>());
        Pages {
            max_rows,
            precision_us,
            now_us,
            shown: scan.projection.iter().filter_map(|position| slot(*position)).collect(),
            time: time.and_then(slot),
            pageable: table.has_own_time() && key.is_some(),
            key,
            left: if scan.range.is_empty() { Vec::new() } else { vec![scan.range.widened(precision_us)] },
            columns,
            seen: HashMap::new(),
            ready: VecDeque::new(),
            held: None,
            last: None,
            relied: false,
            asked_small: false,
            handed_on: 0,
            failure: None,
            scan,
            caller,
        }
    }

    /// Gives the next batch, and calls upstream only if it has none.
    pub(super) async fn step(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some((batch, self)));
            }
            if let Some(error) = self.failure.take() {
                return Err(error);
            }
            match self.left.pop() {
                Some(range) => Box::pin(self.read(range)).await?,
                None => match self.held.take() {
                    Some(mut rows) => {
                        rows.sort_newest_first();
                        rows.retain(|place| self.last.is_none_or(|last| place.time <= last));
                        self.ready.extend(rows.into_batches(&self.shown)?);
                    }
                    None => return Ok(None),
                },
            }
        }
    }

    async fn read(&mut self, range: Range) -> Result<()> {
        let limit = self.limit();
        let page = Page { range, limit, at: At::Start };
        let window_end = self.scan.range.to.unwrap_or(self.now_us);
        let decoded = self.caller.page(&self.scan, &page, &self.columns, window_end).await?;
        let mut rows = Rows::new(decoded.batches, self.time);
        let order = rows.order();
        let full = rows.len() >= limit;
        let came = if full { rows.places().to_vec() } else { Vec::new() };
        if self.time.is_some() {
            rows.retain(|place| holds(range, place.time, 0));
        }
        if let Some(key) = &self.key {
            rows.drop_seen(key, &self.seen);
        }
        if self.relied && order != Order::NewestFirst {
            return Err(self.disordered());
        }
        if !full {
            self.hand_on(rows)?;
            self.tell(range);
            return Ok(());
        }
        if limit < self.max_rows {
            return self.after_small_page(range, &came, order, rows);
        }
        if !self.pageable {
            self.failure = Some(self.unpageable());
            return self.hand_on_before_failure(rows, order);
        }
        let page = Full { asked: range, rows: &came, order, fresh: rows.len() };
        let mut narrowed = None;
        match judge(page, self.precision_us, self.now_us) {
            Verdict::Complete => {
                self.hand_on(rows)?;
                self.tell(range);
                return Ok(());
            }
            Verdict::Narrow(rest) => {
                self.left.push(rest);
                narrowed = Some(rest);
            }
            Verdict::Split { older, newer } => {
                self.left.extend([older, newer]);
                return Ok(());
            }
            Verdict::OneInstant => self.failure = Some(self.one_instant(range, &came)),
            Verdict::Ignored => self.failure = Some(self.ignored()),
        }
        if self.failure.is_some() {
            return self.hand_on_before_failure(rows, order);
        }
        if self.scan.order.is_some() && order == Order::OldestFirst && self.held.is_none() {
            // What has been handed on is newer than all of what is left, so holding back from here on is enough.
            self.held = Some(Rows::default());
        }
        self.hand_on(rows)?;
        narrowed.into_iter().flat_map(|rest| without(range, rest)).for_each(|done| self.tell(done));
        Ok(())
    }

    /// Tells that all rows of a range have been handed on.
    fn tell(&self, range: Range) {
        if self.scan.order.is_none() && self.pageable {
            self.scan.complete(self.handed_on, range);
        }
    }

    /// Rows to ask for: few if few are wanted, but only once, and only if a row that comes again can be recognised.
    fn limit(&mut self) -> usize {
        let first = !std::mem::replace(&mut self.asked_small, true);
        match self.scan.limit {
            Some(wanted) if first && self.key.is_some() => {
                wanted.max(if self.scan.order.is_some() { LEAST_ORDERED } else { 1 }).min(self.max_rows)
            }
            _ => self.max_rows,
        }
    }

    /// A full page of the few rows that were thought enough is too small a sample to page by: if more are wanted, the
    /// range is read again with a full limit, less what has been handed on.
    fn after_small_page(&mut self, range: Range, came: &[Place], order: Order, rows: Rows) -> Result<()> {
        self.left.push(range);
        if self.scan.order.is_none() {
            return self.hand_on(rows);
        }
        if order != Order::NewestFirst || came.first().map(|place| place.time) == came.last().map(|place| place.time) {
            // Not the newest rows, or nothing that shows that they are.
            return Ok(());
        }
        self.relied = true;
        self.hand_on(rows)
    }

    fn hand_on_before_failure(&mut self, rows: Rows, order: Order) -> Result<()> {
        let in_order = self.scan.order.is_none() || (order == Order::NewestFirst && self.held.is_none());
        if in_order { self.hand_on(rows) } else { Ok(()) }
    }

    fn hand_on(&mut self, mut rows: Rows) -> Result<()> {
        self.remember(&rows);
        self.handed_on += rows.len() as u64;
        self.caller.ledger.rows.fetch_add(rows.len() as u64, Ordering::Relaxed);
        if let Some(held) = &mut self.held {
            held.append(rows);
            if held.len() > MAX_HELD_ROWS {
                return Err(self.too_many_held());
            }
            return Ok(());
        }
        if self.scan.order.is_some() {
            rows.sort_newest_first();
            // A row that was written while its elders were read belongs to a later statement.
            rows.retain(|place| self.last.is_none_or(|last| place.time <= last));
            self.last = rows.places().last().map(|place| place.time).or(self.last);
        }
        self.ready.extend(rows.into_batches(&self.shown)?);
        Ok(())
    }

    fn remember(&mut self, rows: &Rows) {
        let (left, slack) = (&self.left, self.precision_us);
        // Upstream may compare at its precision, hence send rows that lie up to one step outside.
        let timeless = self.time.is_none();
        let again = |time: i64| left.iter().any(|range| timeless || holds(*range, time, slack));
        self.seen.retain(|_, time| again(*time));
        if let Some(key) = &self.key {
            for place in rows.places().iter().filter(|place| again(place.time)) {
                self.seen.insert(rows.key(*place, key), place.time);
            }
        }
    }

    fn name(&self) -> String {
        format!("{}.{}", self.scan.source.name, self.scan.table.name)
    }

    fn unpageable(&self) -> Error {
        let (name, max_rows) = (self.name(), self.max_rows);
        Error::new(Kind::UpstreamTruncated, format!("upstream holds {max_rows} rows of {name} or more"))
            .detail("An answer was full, and rows without a time and a key of their own cannot be read further.")
            .hint("Narrow the query by a column that upstream filters by.")
    }

    fn ignored(&self) -> Error {
        let (name, max_rows) = (self.name(), self.max_rows);
        let message = format!("upstream ignores the time range of {name} and holds more than {max_rows} rows");
        Error::new(Kind::UpstreamTruncated, message)
            .detail("A full answer brought rows outside the range that was asked for, and none that is new inside it.")
            .hint("Ask only for newer rows, or narrow the query by another column that upstream filters by.")
    }

    fn one_instant(&self, range: Range, came: &[Place]) -> Error {
        let time = came.iter().map(|place| place.time).find(|time| holds(range, *time, 0)).unwrap_or_default();
        let step_ms = self.precision_us / 1_000;
        let message = format!("more than {} rows of {} share one instant", self.max_rows, self.name());
        Error::new(Kind::ProgramLimit, message)
            .detail(format!(
                "An answer was full with rows of {}, and upstream tells times no finer than {step_ms} ms.",
                iso_micros(time)
            ))
            .hint("Narrow the query by another column that upstream filters by, or leave the instant out.")
    }

    fn disordered(&self) -> Error {
        Error::new(Kind::UpstreamFault, format!("upstream does not keep the order of {}", self.name()))
            .detail("Its first answer was sorted newest first and a later one is not, so rows may have been missed.")
            .hint("Run the statement without LIMIT, or raise it to the row limit of upstream.")
    }

    fn too_many_held(&self) -> Error {
        let message = format!("more than {MAX_HELD_ROWS} rows of {} would have to be sorted", self.name());
        Error::new(Kind::ProgramLimit, message)
            .detail("The statement wants them newest first, and upstream sends them oldest first.")
            .hint("Narrow the time range.")
    }
}
