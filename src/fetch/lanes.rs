//! Reads a scan whose pages are linked by cursors in several time ranges at once: a chain of cursors alone waits for each
//! page before it can ask for the next.
//!
//! The first page is read by itself. Only if it shows that many more are to come is the rest cut into lanes, each with a
//! cursor of its own; a lane costs at most one call more than its rows need. What lies newer than the first page's last row
//! counts as read, so there are lanes only where upstream is known to sort by the time that its bounds are about.

use futures::stream::{self, BoxStream, StreamExt};

use super::retry::Caller;
use super::sequence::Sequence;
use crate::error::Result;
use crate::model::scan::{Batches, Range, Scan, floor};
use crate::model::table::Table;

/// Pages that a lane must have before it, to be worth a call.
const LEAST_PAGES: i64 = 3;
const MAX_LANES: usize = 8;

/// Reads all rows of a scan, in any order.
pub(super) fn read(scan: Scan, caller: Caller, now_us: i64) -> Batches {
    stream::once(start(scan, caller, now_us)).flat_map(Flat::unfold).boxed()
}

/// What the first page came to.
enum Flat {
    Failed(crate::error::Error),
    Streams(Vec<BoxStream<'static, Result<datafusion::arrow::record_batch::RecordBatch>>>),
}

impl Flat {
    fn unfold(self) -> Batches {
        match self {
            Flat::Failed(error) => stream::once(std::future::ready(Err(error))).boxed(),
            Flat::Streams(streams) => stream::select_all(streams).boxed(),
        }
    }
}

async fn start(scan: Scan, caller: Caller, now_us: i64) -> Flat {
    let mut first = Sequence::new(scan.clone(), caller.clone(), now_us);
    if let Err(error) = first.first().await {
        return Flat::Failed(error);
    }
    let ranges = first
        .rest()
        .filter(|_| is_sorted_by_time(scan.table))
        .map(|(oldest, rows)| lanes(&scan, oldest, rows, now_us))
        .unwrap_or_default();
    if ranges.len() < 2 {
        return Flat::Streams(vec![stream::try_unfold(first, Sequence::step).boxed()]);
    }
    let (ready, keys) = first.into_parts();
    let mut streams = vec![stream::iter(ready.into_iter().map(Ok)).boxed()];
    for range in ranges {
        let lane = Sequence::new(Scan { range, ..scan.clone() }, caller.clone(), now_us).without(keys.clone());
        streams.push(stream::try_unfold(lane, Sequence::step).boxed());
    }
    Flat::Streams(streams)
}

/// Whether upstream sorts by the time of the rows, and rows on the border of two ranges can be told apart.
fn is_sorted_by_time(table: &Table) -> bool {
    let by_time = table.sorts.iter().any(|sort| Some(sort.column) == table.time);
    by_time && table.has_own_time() && !table.key.is_empty()
}

/// The rest of the range in equal parts, as many as may be read at once and as the rows seem to be worth.
fn lanes(scan: &Scan, oldest: i64, rows: usize, now_us: i64) -> Vec<Range> {
    let Some(from) = scan.range.from else { return Vec::new() };
    let end = scan.range.to.unwrap_or(now_us);
    let (page, left) = (end.saturating_sub(oldest).max(1), oldest.saturating_sub(from));
    if rows == 0 || left <= 0 {
        return Vec::new();
    }
    let most = MAX_LANES.min(scan.source.quota.concurrency as usize) as i64;
    let count = (left / page / LEAST_PAGES).min(most);
    // At upstream's precision, so that the requests of neighbours have no more than one instant in common.
    let border = |lane: i64| match lane {
        0 => oldest,
        _ => floor(oldest - left / count.max(1) * lane, scan.table.precision_us).max(from),
    };
    let part = |lane: i64| Range {
        // Borders are in one part only; requests are widened to upstream's precision, and the rows are cut to this.
        from: Some(if lane + 1 == count { from } else { border(lane + 1) + 1 }),
        to: Some(border(lane)),
    };
    (0..count).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_cover_the_rest_once() {
        let source = crate::fetch::tests::source("http://127.0.0.1:1");
        let source = std::sync::Arc::new(source);
        let range = Range { from: Some(0), to: Some(1_000_000) };
        let scan = Scan { range, ..Scan::of(&source, &source.connector.tables[0]) };
        let ranges = lanes(&scan, 900_003, 200, 0);
        assert_eq!(ranges.len(), 3, "{ranges:?}");
        assert_eq!(ranges[0].to, Some(900_003));
        assert_eq!(ranges[2].from, Some(0));
        assert_eq!(ranges[1].to.unwrap() + 1, ranges[0].from.unwrap());
        assert!(lanes(&scan, 500_000, 200, 0).is_empty(), "few pages are left");
    }
}
