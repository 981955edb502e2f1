//! Loose rows: the first few of a table, or all of a table whose rows do not tell their time.

use datafusion::arrow::array::{Array, AsArray, BooleanArray};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::arrow::record_batch::RecordBatch;

use super::body::{places, sorted_by};
use crate::error::{Error, Result};
use crate::fetch::rows::holds;
use crate::fetch::segment::Freshness;
use crate::model::scan::{Range, Scan};

/// How much the ends of two ranges that reach back equally far from now may differ, in microseconds.
const DRIFT_US: i64 = 1_000_000;

/// Rows, times in UTC.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) batches: Vec<RecordBatch>,
    /// Positions of their columns in the table, ascending.
    pub(super) columns: Vec<usize>,
    pub(super) n_rows: usize,
    pub(super) bytes: usize,
    pub(super) range: Range,
    /// When the reading began, in microseconds since 1970-01-01 UTC: what came later may be missing.
    pub(super) read_at: i64,
    /// All rows of the range, not only the first.
    pub(super) whole: bool,
}

impl Held {
    /// Whether the rows answer a scan. They were read without filters; `filtered`: the scan has some.
    pub(super) fn serves(&self, scan: &Scan, fresh: Freshness, filtered: bool) -> bool {
        if scan.widened || filtered && !(scan.rechecked && self.whole) {
            return false;
        }
        let order = scan.order.as_ref();
        if order.is_some_and(|order| !order.path.is_empty() || !self.whole) {
            return false;
        }
        let ordered_by = order.and_then(|order| scan.table.position(order.column));
        let mut needed = scan.projection.iter().copied().chain(ordered_by);
        if needed.any(|column| self.columns.binary_search(&column).is_err()) {
            return false;
        }
        if !self.is_fresh(scan, fresh) || !self.covers(scan, fresh.now_us) {
            return false;
        }
        self.whole || scan.sample && self.n_rows > 0 || scan.limit.is_some_and(|wanted| self.count(scan) >= wanted)
    }

    /// Whether the rows are as they would be read now, or as old as the session allows.
    fn is_fresh(&self, scan: &Scan, fresh: Freshness) -> bool {
        let age_us = u128::try_from(fresh.now_us.saturating_sub(self.read_at)).unwrap_or(0);
        let is_settled = |to: i64| to <= self.read_at.saturating_sub(fresh.settle_us);
        age_us <= fresh.max_staleness.as_micros() || scan.range.to.is_some_and(is_settled)
    }

    /// Whether the range is the one that was read.
    fn covers(&self, scan: &Scan, now_us: i64) -> bool {
        let open = |to: Option<i64>| to.is_none_or(|to| to >= self.read_at);
        let (held, wanted) = (self.range, scan.range);
        if scan.table.has_own_time() && !self.whole {
            let from = held.from.is_none_or(|held| wanted.from.is_some_and(|wanted| held <= wanted));
            return from && (open(held.to) || held.to.zip(wanted.to).is_some_and(|(held, wanted)| wanted <= held));
        }
        // Rows that do not tell their time are those of one range only. That of the lookback moves with the clock.
        let back = |from: Option<i64>, to: i64| from.map(|from| to.saturating_sub(from));
        let moved = match (back(held.from, self.read_at), back(wanted.from, now_us)) {
            (Some(before), Some(now)) => before.abs_diff(now) <= DRIFT_US.unsigned_abs(),
            (before, now) => before == now,
        };
        held == wanted || moved && open(held.to) && wanted.to.is_none()
    }

    /// How many rows answer a scan.
    pub(super) fn count(&self, scan: &Scan) -> usize {
        let count = |batch: &RecordBatch| self.mask(batch, scan).map_or(batch.num_rows(), |mask| mask.true_count());
        self.batches.iter().map(count).sum()
    }

    /// Which rows lie in the range of a scan; none if all do.
    fn mask(&self, batch: &RecordBatch, scan: &Scan) -> Option<BooleanArray> {
        let time = scan.table.time_position().filter(|_| scan.table.has_own_time())?;
        let column = self.columns.binary_search(&time).ok()?;
        outside(batch, column, scan.range)
    }

    /// The rows for a scan that they serve, in its order, its columns.
    pub(super) fn rows(&self, scan: &Scan) -> Result<Vec<RecordBatch>> {
        let shown = places(&self.columns, &scan.projection)?;
        let mut rows = Vec::with_capacity(self.batches.len());
        for batch in &self.batches {
            rows.push(match self.mask(batch, scan) {
                Some(mask) => filter_record_batch(batch, &mask).map_err(super::body::fault)?,
                None => batch.clone(),
            });
        }
        if let Some(order) = &scan.order {
            let column = scan.table.position(order.column);
            let column = column.ok_or_else(|| Error::internal("an order by a column that is not there"))?;
            rows = sorted_by(&rows, places(&self.columns, &[column])?[0], order.descending)?;
        }
        rows.iter().map(|batch| batch.project(&shown).map_err(super::body::fault)).collect()
    }

    /// As it will be, before it has rows.
    pub(super) fn promise(columns: &[usize], range: Range, read_at: i64) -> Self {
        Held { batches: Vec::new(), columns: columns.to_vec(), n_rows: 0, bytes: 0, range, read_at, whole: true }
    }
}

/// Which rows have a time within a range; none if all do.
pub(super) fn outside(batch: &RecordBatch, time: usize, range: Range) -> Option<BooleanArray> {
    let times = batch.column(time).as_primitive::<TimestampMicrosecondType>();
    if times.null_count() == 0 && times.values().iter().all(|time| holds(range, *time, 0)) {
        return None;
    }
    let is_within = |time: Option<i64>| time.is_some_and(|time| holds(range, time, 0));
    let mask: BooleanArray = times.iter().map(|time| Some(is_within(time))).collect();
    (mask.true_count() < mask.len()).then_some(mask)
}
