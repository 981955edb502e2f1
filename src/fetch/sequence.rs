//! Reads a scan in pages that upstream numbers, or links by cursors.
//!
//! The end of the range is pinned when the scan begins, so that rows which arrive meanwhile do not shift the pages; a row
//! that comes twice all the same is known by its key. Invariant: each row of the range is handed on once, or the scan
//! fails; a page that does not tell how to go on is handed on before that. An order that was asked for is checked on the
//! rows: upstream that does not keep it is read to the end and sorted here.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::Ordering;

use datafusion::arrow::record_batch::RecordBatch;
use serde_json::Value;

use super::retry::Caller;
use super::rows::{Order, Rows, holds};
use super::{LEAST_ORDERED, MAX_HELD_ROWS, Slots};
use crate::error::{Error, Kind, Result};
use crate::model::connector::Paging;
use crate::model::scan::{At, Page, Range, Scan};
use crate::upstream::decode::Envelope;

/// A scan under way.
#[derive(Debug)]
pub(super) struct Sequence {
    scan: Scan,
    caller: Caller,
    slots: Slots,
    max_rows: usize,
    /// The scan's range with its end pinned; rows outside are dropped.
    range: Range,
    /// Where the next page begins; none when there is none.
    next: Option<At>,
    asked_small: bool,
    /// The next page is the first one again, with as many rows as there can be.
    starts_over: bool,
    /// Keys of the rows of the last two pages.
    seen: [HashMap<String, i64>; 2],
    /// Keys of rows that came elsewhere.
    elsewhere: HashMap<String, i64>,
    cursors: HashSet<String>,
    ready: VecDeque<RecordBatch>,
    /// Rows held back until all have come, because they come in the wrong order.
    held: Option<Rows>,
    /// Rank of the last row handed on in order.
    last: Option<i64>,
    handed_on: bool,
    newest_first: bool,
    oldest: Option<i64>,
    fresh: usize,
    /// Why there is nothing after what is ready.
    failure: Option<Error>,
}

impl Sequence {
    /// `now_us` stands for an open end.
    pub(super) fn new(scan: Scan, caller: Caller, now_us: i64) -> Self {
        let slots = Slots::new(&scan);
        let max_rows = match scan.table.paging {
            Paging::Numbered { max_rows, .. } | Paging::Cursor { max_rows, .. } | Paging::SplitTime { max_rows } => {
                max_rows
            }
            Paging::One => usize::MAX,
        };
        let range = Range { from: scan.range.from, to: Some(scan.range.to.unwrap_or(now_us)) };
        Sequence {
            max_rows,
            range,
            next: Some(first(&scan)).filter(|_| !range.is_empty()),
            slots,
            scan,
            caller,
            asked_small: false,
            starts_over: false,
            seen: [HashMap::new(), HashMap::new()],
            elsewhere: HashMap::new(),
            cursors: HashSet::new(),
            ready: VecDeque::new(),
            held: None,
            last: None,
            handed_on: false,
            newest_first: true,
            oldest: None,
            fresh: 0,
            failure: None,
        }
    }

    /// Gives the next batch, and calls upstream only if it has none.
    pub(super) async fn step(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some((batch, self)));
            }
            if !self.read_next().await? {
                return Ok(None);
            }
        }
    }

    /// Reads the next page, or gives out what was held back; false when there is nothing more.
    async fn read_next(&mut self) -> Result<bool> {
        if let Some(at) = self.next.take() {
            return Box::pin(self.read(at)).await.map(|()| true);
        }
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        let Some(mut rows) = self.held.take() else { return Ok(false) };
        self.sort(&mut rows);
        self.ready.extend(rows.into_batches(&self.slots.shown)?);
        Ok(true)
    }

    /// Reads the first page. Afterwards [`Sequence::rest`] tells what is left.
    pub(super) async fn first(&mut self) -> Result<()> {
        self.read_next().await.map(|_| ())
    }

    /// If the pages come newest first and there are more: the time of the oldest row so far, and the rows read.
    pub(super) fn rest(&self) -> Option<(i64, usize)> {
        let newest_first = self.newest_first && self.held.is_none() && self.next.is_some();
        self.oldest.filter(|_| newest_first).map(|oldest| (oldest, self.fresh))
    }

    /// Leaves the rest to others, and gives what has come, and the keys that may come again.
    pub(super) fn into_parts(self) -> (VecDeque<RecordBatch>, HashMap<String, i64>) {
        let [mut keys, earlier] = self.seen;
        keys.extend(earlier);
        (self.ready, keys)
    }

    /// Rows that came elsewhere.
    pub(super) fn without(mut self, keys: HashMap<String, i64>) -> Self {
        self.elsewhere = keys;
        self
    }

    async fn read(&mut self, at: At) -> Result<()> {
        let again = std::mem::take(&mut self.starts_over);
        let limit = self.limit();
        let page = Page { range: self.range.widened(self.scan.table.precision_us), limit, at: at.clone() };
        let window_end = self.range.to.unwrap_or_default();
        let decoded = self.caller.page(&self.scan, &page, &self.slots.columns, window_end).await?;
        let count: usize = decoded.batches.iter().map(RecordBatch::num_rows).sum();
        match self.following(&at, count, limit, &decoded.envelope) {
            Ok(next) => self.next = next,
            Err(error) => self.failure = Some(error),
        }
        let mut rows = Rows::new(decoded.batches, self.slots.time);
        self.look_at_times(&rows);
        self.drop_repeated(&mut rows);
        if rows.len() == 0 && count > 0 && self.next.is_some() && !again {
            return Err(self.repeats());
        }
        let rows = self.own(rows)?;
        if limit < self.max_rows && self.next.is_some() && self.shows_no_order(&rows) {
            self.start_over();
            return Ok(());
        }
        self.caller.ledger.rows.fetch_add(rows.len() as u64, Ordering::Relaxed);
        self.fresh += rows.len();
        self.hand_on(rows)
    }

    fn look_at_times(&mut self, rows: &Rows) {
        if self.slots.time.is_some() {
            self.newest_first &= rows.order() == Order::NewestFirst;
            let times = || rows.places().iter().map(|place| place.time);
            self.newest_first &= self.oldest.is_none_or(|oldest| times().all(|time| time <= oldest));
            self.oldest = self.oldest.into_iter().chain(times().min()).min();
        }
    }

    /// Drops the rows that stood on one of the last two pages, and remembers those of this one: all of them, for a row may
    /// be shifted from page to page.
    fn drop_repeated(&mut self, rows: &mut Rows) {
        let Some(key) = &self.slots.key else { return };
        let keys = rows.places().iter().map(|place| (rows.key(*place, key), place.time)).collect();
        rows.drop_seen(key, &self.seen[0]);
        rows.drop_seen(key, &self.seen[1]);
        self.seen.swap(0, 1);
        self.seen[0] = keys;
    }

    /// The rows that lie in the range and have not come elsewhere, ranked in the order that is wanted.
    fn own(&self, mut rows: Rows) -> Result<Rows> {
        if self.scan.table.has_own_time() && !self.scan.widened {
            let range = self.range;
            rows.retain(|place| holds(range, place.time, 0));
        }
        if let Some(key) = &self.slots.key {
            rows.drop_seen(key, &self.elsewhere);
        }
        match self.slots.order {
            None => Ok(rows),
            Some(order) => {
                let all: Vec<usize> = (0..self.slots.columns.len()).collect();
                let path = self.scan.order.as_ref().map_or(&[][..], |order| &order.path);
                Ok(Rows::by(rows.into_batches(&all)?, Some(order), path))
            }
        }
    }

    /// Rows to ask for: few if few are wanted, but only once, and only if a row that comes again can be recognised.
    fn limit(&mut self) -> usize {
        let first = !std::mem::replace(&mut self.asked_small, true);
        let least = if self.scan.order.is_some() { LEAST_ORDERED } else { 1 };
        match self.scan.limit {
            Some(wanted) if first && self.slots.key.is_some() => wanted.max(least).min(self.max_rows),
            _ => self.max_rows,
        }
    }

    /// Whether rows would stand in the order that is wanted even if upstream kept none.
    fn shows_no_order(&self, rows: &Rows) -> bool {
        let (first, last) = (rows.places().first(), rows.places().last());
        self.scan.order.is_some() && first.map(|place| place.time) == last.map(|place| place.time)
    }

    /// Forgets the page that has come and reads on from the first one, with as many rows as there can be.
    fn start_over(&mut self) {
        self.next = Some(first(&self.scan));
        self.starts_over = true;
        self.seen = [HashMap::new(), HashMap::new()];
        self.cursors.clear();
        (self.oldest, self.newest_first) = (None, true);
    }

    /// Where the page after this one begins.
    fn following(&mut self, at: &At, count: usize, limit: usize, envelope: &Envelope) -> Result<Option<At>> {
        match self.scan.table.paging {
            Paging::Numbered { next, .. } => {
                let ended = match envelope.get(next) {
                    Some(value) => value.is_null() || value == "",
                    None => count < limit,
                };
                Ok(match at {
                    _ if ended || count == 0 => None,
                    // Pages are counted in their own size: with another size, from the start again.
                    At::Number(_) if limit < self.max_rows => {
                        self.starts_over = true;
                        Some(At::Number(1))
                    }
                    At::Number(number) => Some(At::Number(number + 1)),
                    _ => None,
                })
            }
            Paging::Cursor { next, more, .. } => {
                let more = envelope.get(more).and_then(|more| more.as_bool());
                match (envelope.get(next), more) {
                    (_, Some(false)) => Ok(None),
                    (Some(Value::String(cursor)), _) if !cursor.is_empty() => {
                        let is_new = self.cursors.insert(cursor.clone());
                        if is_new { Ok(Some(At::Cursor(cursor))) } else { Err(self.repeats()) }
                    }
                    (Some(Value::Null | Value::String(_)), None) => Ok(None),
                    // Nothing is said about further rows: a page that is not full has all of them.
                    (None, None) if count < limit => Ok(None),
                    (None, None) if limit < self.max_rows => {
                        self.starts_over = true;
                        Ok(Some(At::Start))
                    }
                    _ => Err(self.no_cursor()),
                }
            }
            Paging::One | Paging::SplitTime { .. } => Ok(None),
        }
    }

    fn hand_on(&mut self, mut rows: Rows) -> Result<()> {
        let Some(descending) = self.scan.order.as_ref().map(|order| order.descending) else {
            self.handed_on = true;
            self.ready.extend(rows.into_batches(&self.slots.shown)?);
            return Ok(());
        };
        if self.held.is_none() && !self.follows(&rows, descending) {
            if self.handed_on {
                return Err(self.disordered());
            }
            self.held = Some(Rows::default());
        }
        if let Some(held) = &mut self.held {
            held.append(rows);
            return if held.len() > MAX_HELD_ROWS { Err(self.too_many_held()) } else { Ok(()) };
        }
        self.last = rows.places().last().map(|place| place.time).or(self.last);
        self.handed_on |= rows.len() > 0;
        self.sort(&mut rows);
        self.ready.extend(rows.into_batches(&self.slots.shown)?);
        Ok(())
    }

    /// Whether rows are in order, and after those handed on before.
    fn follows(&self, rows: &Rows, descending: bool) -> bool {
        let ranks = || self.last.into_iter().chain(rows.places().iter().map(|place| place.time));
        match descending {
            true => ranks().is_sorted_by(|one, next| one >= next),
            false => ranks().is_sorted(),
        }
    }

    fn sort(&self, rows: &mut Rows) {
        match &self.scan.order {
            Some(order) if order.descending => rows.sort_newest_first(),
            Some(_) => rows.sort_oldest_first(),
            None => {}
        }
    }

    fn name(&self) -> String {
        format!("{}.{}", self.scan.source.name, self.scan.table.name)
    }

    fn repeats(&self) -> Error {
        Error::new(Kind::UpstreamTruncated, format!("upstream repeats itself in {}", self.name()))
            .detail("The next page is one that has come already, so the rows after it cannot be reached.")
            .hint("Narrow the time range, so that fewer pages are needed.")
    }

    fn no_cursor(&self) -> Error {
        Error::new(Kind::UpstreamTruncated, format!("upstream cut its answer for {}", self.name()))
            .detail("There are more rows, or may be, and it does not say how to reach them.")
    }

    fn disordered(&self) -> Error {
        Error::new(Kind::UpstreamFault, format!("upstream does not keep the order of {}", self.name()))
            .detail("Its first page was sorted and a later one is not, so rows may have been missed.")
            .hint("Run the statement without LIMIT, or SET spanwire.pushdown = off.")
    }

    fn too_many_held(&self) -> Error {
        let message = format!("more than {MAX_HELD_ROWS} rows of {} would have to be sorted", self.name());
        Error::new(Kind::ProgramLimit, message)
            .detail("The statement wants them in an order that upstream was asked for and does not keep.")
            .hint("Narrow the time range.")
    }
}

/// Where the first page of a scan begins.
fn first(scan: &Scan) -> At {
    match scan.table.paging {
        Paging::Numbered { .. } => At::Number(1),
        _ => At::Start,
    }
}
