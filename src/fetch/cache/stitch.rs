//! What is missing of a range when a part of it is held: only the gaps are read, and then more is held than before.

use std::sync::Arc;

use datafusion::arrow::compute::{concat_batches, filter_record_batch};
use datafusion::arrow::record_batch::RecordBatch;
use futures::StreamExt;

use super::{Cache, Freshness, Held, Key, filters_checked, is_told};
use crate::error::{Error, Result};
use crate::model::connector::Paging;
use crate::model::scan::{Batches, Keys, Range, Scan};

/// More batches than this are put together into one.
const MOST_BATCHES: usize = 64;

/// A scan of which a part is held.
#[derive(Debug)]
pub(in crate::fetch) struct Stitch {
    pub(super) held: Arc<Held>,
    /// What of the held rows is as it would be read now.
    solid: Range,
    /// What is to be read, each by a scan of its own.
    pub(in crate::fetch) gaps: Vec<Scan>,
    /// The range that is held in the end, and how old its open end is.
    pub(in crate::fetch) range: Range,
    pub(in crate::fetch) read_at: i64,
}

impl Cache {
    /// How a scan is put together from held rows and what is missing; none if reading it as a whole is as good.
    pub(in crate::fetch) fn stitch(&self, key: &Key, scan: &Scan, fresh: Freshness) -> Option<Stitch> {
        let held = self.peek(key)?;
        Held::stitch(&held, scan, fresh)
    }
}

impl Held {
    fn stitch(held: &Arc<Held>, scan: &Scan, fresh: Freshness) -> Option<Stitch> {
        let fits = held.whole
            && scan.table.has_own_time()
            && !scan.widened
            && !scan.sample
            && scan.order.is_none()
            && matches!(scan.keys, Keys::NotNeeded)
            && filters_checked(scan)
            && scan.projection.iter().all(|column| held.place(*column).is_some());
        let solid_to = held.solid_to(scan, fresh);
        let solid = Range { from: held.range.from, to: Some(solid_to) };
        let wanted = scan.range;
        let apart = wanted.from.is_some_and(|from| from > solid_to)
            || wanted.to.zip(solid.from).is_some_and(|(to, from)| to < from);
        if !fits || solid.is_empty() || apart {
            return None;
        }
        let older = solid.from.filter(|from| wanted.from.is_none_or(|wanted| wanted < *from));
        let newer = wanted.to.unwrap_or(i64::MAX - 1) > solid_to;
        let mut ranges = Vec::new();
        ranges.extend(older.map(|from| Range { from: wanted.from, to: Some(from - 1) }));
        if newer {
            ranges.push(Range { from: Some(solid_to + 1), to: wanted.to });
        }
        let is_alone = scan.filters.iter().all(|filter| is_told(scan, filter.parameter));
        if !is_alone && !ranges.iter().all(|gap| held.is_one_page(*gap, scan, fresh)) {
            return None;
        }
        let filters: Vec<_> = scan.filters.iter().filter(|filter| is_told(scan, filter.parameter)).cloned().collect();
        let gap = |range: Range| Scan {
            range,
            filters: filters.clone(),
            any: false,
            projection: held.columns.clone(),
            limit: None,
            ..scan.clone()
        };
        Some(Stitch {
            held: Arc::clone(held),
            solid: if newer { solid } else { held.range },
            gaps: ranges.into_iter().map(gap).collect(),
            range: Range {
                from: if older.is_some() { wanted.from } else { held.range.from },
                to: if newer { wanted.to } else { held.range.to },
            },
            read_at: if newer { fresh.now_us } else { held.read_at },
        })
    }

    /// The last instant up to which the rows are as they would be read now, or as old as the session allows.
    fn solid_to(&self, scan: &Scan, fresh: Freshness) -> i64 {
        let age_us = u128::try_from(fresh.now_us.saturating_sub(self.read_at)).unwrap_or(0);
        let settle_us = i64::try_from(scan.source.settle.as_micros()).unwrap_or(i64::MAX);
        let is_open = self.range.to.is_none_or(|to| to >= self.read_at);
        let to = match age_us <= fresh.max_staleness.as_micros() {
            // What has come since may be missing for so long.
            true if is_open => i64::MAX - 1,
            true => self.read_at,
            false => self.read_at.saturating_sub(settle_us),
        };
        if is_open { to } else { self.range.to.map_or(to, |end| end.min(to)) }
    }

    /// Whether a gap has no more rows than one call brings, if rows come as often there as they came before.
    fn is_one_page(&self, gap: Range, scan: &Scan, fresh: Freshness) -> bool {
        let max_rows = match scan.table.paging {
            Paging::One => return true,
            Paging::SplitTime { max_rows } | Paging::Numbered { max_rows, .. } | Paging::Cursor { max_rows, .. } => {
                max_rows
            }
        };
        let span = |range: Range| Some((range.to.unwrap_or(fresh.now_us) - range.from?).max(1) as f64);
        let held = Range { to: Some(self.range.to.unwrap_or(self.read_at)), ..self.range };
        let (Some(gap), Some(held)) = (span(gap), span(held)) else { return false };
        self.n_rows as f64 * gap / held <= max_rows as f64
    }
}

impl Stitch {
    /// The held rows that the scan wants.
    pub(in crate::fetch) fn rows(&self, scan: &Scan) -> Result<Vec<RecordBatch>> {
        let latest = |a: Option<i64>, b: Option<i64>| a.max(b);
        let earliest = |a: Option<i64>, b: Option<i64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let range =
            Range { from: latest(self.solid.from, scan.range.from), to: earliest(self.solid.to, scan.range.to) };
        self.held.rows(&Scan { range, ..scan.clone() })
    }

    /// The columns that are held, and read in the gaps.
    pub(in crate::fetch) fn columns(&self) -> &[usize] {
        &self.held.columns
    }

    /// The held rows that stay, all columns that are held.
    pub(in crate::fetch) fn staying(&self, scan: &Scan) -> Result<Vec<RecordBatch>> {
        let own = Scan { range: self.solid, projection: self.held.columns.clone(), order: None, ..scan.clone() };
        self.held.rows(&own)
    }

    /// The rows of a gap: what upstream sends beyond it, because its bounds are coarse, is held already.
    pub(in crate::fetch) fn within(&self, gap: &Scan, batches: Batches) -> Batches {
        let (held, gap) = (Arc::clone(&self.held), gap.clone());
        let cut = move |batch: Result<RecordBatch>| {
            let batch = batch?;
            match held.within(&batch, &gap) {
                Some(mask) => filter_record_batch(&batch, &mask).map_err(|error| Error::internal(error.to_string())),
                None => Ok(batch),
            }
        };
        batches.map(cut).boxed()
    }
}

/// Batches as few as they were before, however often more rows are added.
pub(super) fn compact(batches: Vec<RecordBatch>) -> Vec<RecordBatch> {
    match batches.first().map(RecordBatch::schema) {
        Some(schema) if batches.len() > MOST_BATCHES => match concat_batches(&schema, &batches) {
            Ok(one) => vec![one],
            // What does not fit into one batch stays as it is.
            Err(_) => batches,
        },
        _ => batches,
    }
}
