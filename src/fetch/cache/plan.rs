//! How a scan is answered: from what is held, by waiting for what is being read, or by reading what is missing.
//!
//! A scan with filters whose rows are checked again can be completed in two ways: its gaps are read with the filters, which
//! brings few rows that serve few statements, or without, which brings all and serves every one. The rule: without, if that
//! is estimated to take no more calls than reading with the filters would take for all the different filters by which the
//! table was asked for within [`LATELY`]. Where a scan wants few rows, or an order, gaps are read only if one call does it.

use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::record_batch::RecordBatch;
use futures::{StreamExt, stream};
use tokio::time::Instant;

use super::body::Segment;
use super::held::Held;
use super::{Cache, Key, Landing, Signature, can_keep, is_divisible, is_told};
use crate::error::{Error, Kind, Result};
use crate::fetch::segment::{Cover, Freshness, cover, joined, meet};
use crate::model::connector::Paging;
use crate::model::scan::{Batches, Range, Scan};
use crate::model::statement::lock;

/// How long filters by which a table was asked for count.
const LATELY: Duration = Duration::from_secs(600);

/// Held rows between two gaps are read again with them if they are at most a quarter of a page, or of so many.
const MOST_REREAD: f64 = 10_000.0;

/// Rows that are sorted at once, where held rows come in another order than that of their time.
const MOST_SORTED: usize = 2_000_000;

/// Why it is asked how a scan is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fetch) enum Asks {
    /// To answer it; it may wait for what others read.
    Waits,
    /// To answer it, when it has waited.
    Alone,
    /// To tell what would happen.
    Looks,
}

/// How a scan is answered.
#[derive(Debug)]
pub(in crate::fetch) enum Plan {
    /// By what is held.
    Serve(Served),
    /// What it wants is being read: by what is held when that has ended.
    Wait(Landing),
    /// By what is held and what is read of the gaps.
    Stitch(Stitch),
}

/// Held rows that answer a scan.
#[derive(Clone, Debug)]
pub(in crate::fetch) struct Served(Rows);

#[derive(Clone, Debug)]
enum Rows {
    /// That are not cut by time.
    Loose(Arc<Held>),
    /// Parts of segments, ascending.
    Parts(Vec<Part>),
}

/// Reads a part of a scan's range, as the scan wants it.
pub(in crate::fetch) type Anew = Box<dyn Fn(Range) -> Batches + Send>;

/// What counts of a segment.
#[derive(Clone, Debug)]
struct Part {
    segment: Arc<Segment>,
    range: Range,
}

/// A scan of which a part is held, or nothing.
#[derive(Debug)]
pub(in crate::fetch) struct Stitch {
    pub(in crate::fetch) served: Served,
    /// What is to be read, each by a scan of its own.
    pub(in crate::fetch) gaps: Vec<Scan>,
    /// Under what it is kept.
    pub(in crate::fetch) signature: Signature,
    /// Upstream calls that reading the gaps is estimated to take, if rows have come before to tell.
    pub(in crate::fetch) calls: Option<f64>,
    /// Why its filters are not sent.
    pub(in crate::fetch) unfiltered: bool,
}

impl Served {
    /// The ranges of a scan that they answer, ascending.
    pub(in crate::fetch) fn ranges(&self, scan: &Scan) -> Vec<Range> {
        match &self.0 {
            Rows::Loose(_) => vec![scan.range],
            Rows::Parts(parts) => parts.iter().map(|part| meet(part.range, scan.range)).collect(),
        }
    }
}

/// One way to complete a scan.
struct Way {
    signature: Signature,
    parts: Vec<Part>,
    gaps: Vec<Range>,
    calls: Option<f64>,
}

impl Way {
    fn n_rows(&self) -> usize {
        self.parts.iter().map(|part| part.segment.n_rows).sum()
    }
}

impl Cache {
    /// How a scan is answered; none if it is read by itself, and not kept as segments.
    pub(in crate::fetch) fn plan(&self, key: &Key, scan: &Scan, fresh: Freshness, asks: Asks) -> Option<Plan> {
        let waits = asks == Asks::Waits;
        let own = Signature::of(scan);
        if let Some(held) = self.loose(key, scan, fresh, &own) {
            return Some(Plan::Serve(Served(Rows::Loose(held))));
        }
        if !is_divisible(scan) || scan.order.as_ref().is_some_and(|order| !order.path.is_empty()) {
            let landing = self.landing(key, scan, &[], fresh).filter(|_| waits);
            return landing.map(Plan::Wait);
        }
        let lately = self.asked(key, &own, asks == Asks::Waits);
        let open =
            Range { to: scan.range.to.filter(|_| !(scan.rechecked && fresh.is_open(scan.range.to))), ..scan.range };
        let mut ways = self.ways(key, scan, &own, open, fresh);
        let complete = ways.iter().enumerate().filter(|(_, way)| way.gaps.is_empty());
        let least = complete.min_by_key(|(_, way)| way.n_rows());
        let by_time = scan.order.as_ref().is_none_or(|order| Some(order.column) == scan.table.time);
        if let Some((place, n_rows)) = least.map(|(place, way)| (place, way.n_rows())) {
            if !by_time && n_rows > MOST_SORTED {
                return None;
            }
            return Some(Plan::Serve(self.serve(ways.swap_remove(place).parts)));
        }
        if scan.sample {
            return None;
        }
        let gaps: Vec<Range> = ways.first().map_or_else(|| vec![open], |way| way.gaps.clone());
        if let Some(landing) = self.landing(key, scan, &gaps, fresh).filter(|_| waits) {
            return Some(Plan::Wait(landing));
        }
        let few = scan.limit.is_some() || scan.order.is_some();
        let way = choose(ways, &own, few, lately)?;
        Some(Plan::Stitch(self.stitch(scan, &own, way)))
    }

    fn loose(&self, key: &Key, scan: &Scan, fresh: Freshness, own: &Signature) -> Option<Arc<Held>> {
        let state = lock(&self.state);
        let held = state.tables.get(key)?.loose.as_ref()?;
        held.serves(scan, fresh, !own.is_empty()).then(|| Arc::clone(held))
    }

    /// With how many different filters the table was asked for lately, this time included.
    fn asked(&self, key: &Key, own: &Signature, counts: bool) -> usize {
        let mut state = lock(&self.state);
        let Some(table) = (match counts {
            true => Some(state.tables.entry(key.clone()).or_default()),
            false => state.tables.get_mut(key),
        }) else {
            return 1;
        };
        table.asked.retain(|(_, when)| when.elapsed() < LATELY);
        let others = table.asked.iter().filter(|(signature, _)| signature != own && !signature.is_empty()).count();
        if counts {
            table.asked.retain(|(signature, _)| signature != own);
            table.asked.push((own.clone(), Instant::now()));
        }
        others + 1
    }

    /// The ways to complete a scan: from what was read without filters first.
    fn ways(&self, key: &Key, scan: &Scan, own: &Signature, wanted: Range, fresh: Freshness) -> Vec<Way> {
        let order = scan.order.as_ref().and_then(|order| scan.table.position(order.column));
        let needed = || scan.projection.iter().copied().chain(order);
        let state = lock(&self.state);
        let shelves = state.tables.get(key).map_or(&[][..], |table| &table.shelves);
        let mut ways = Vec::new();
        for shelf in shelves.iter().filter(|shelf| shelf.signature.serves(own, scan.rechecked)) {
            let segments: Vec<&Arc<Segment>> = shelf.segments.iter().filter(|segment| segment.has(needed())).collect();
            let Cover { parts, gaps } = cover(segments.iter().map(|segment| segment.extent), wanted, fresh);
            let density = density(&shelf.segments, fresh.now_us);
            let page = page_rows(scan);
            let rows = |range: Range| span(range, fresh.now_us).zip(density).map(|(span, density)| span * density);
            let gaps = joined(&gaps, |between| rows(between).is_some_and(|rows| rows <= page.min(MOST_REREAD) / 4.0));
            let calls = gaps.iter().map(|gap| rows(*gap).map(|rows| (rows / page).ceil().max(1.0))).sum();
            let part = |(place, range): &(usize, Range)| Part { segment: Arc::clone(segments[*place]), range: *range };
            let parts: Vec<Part> = parts
                .iter()
                .map(part)
                .filter(|part| {
                    // What a joined gap reads again is not given out twice.
                    gaps.iter().all(|gap| meet(*gap, part.range).is_empty())
                })
                .collect();
            ways.push(Way { signature: shelf.signature.clone(), parts, gaps, calls });
        }
        drop(state);
        if !ways.iter().any(|way| way.signature == *own) {
            let gaps = if wanted.is_empty() { Vec::new() } else { vec![wanted] };
            ways.push(Way { signature: own.clone(), parts: Vec::new(), gaps, calls: None });
        }
        ways.sort_by_key(|way| way.signature.filters.len());
        ways
    }

    fn serve(&self, parts: Vec<Part>) -> Served {
        let mut state = lock(&self.state);
        state.clock += 1;
        let (inflation, clock) = (state.inflation, state.clock);
        drop(state);
        parts.iter().for_each(|part| part.segment.touch(inflation, clock));
        Served(Rows::Parts(parts))
    }

    fn stitch(&self, scan: &Scan, own: &Signature, way: Way) -> Stitch {
        let kept = |filter: &&crate::model::push::Filter| is_told(scan, filter.parameter) || way.signature.has(filter);
        let filters: Vec<_> = scan.filters.iter().filter(kept).cloned().collect();
        let gap = |range: &Range| Scan {
            range: *range,
            filters: filters.clone(),
            any: way.signature.any,
            order: None,
            // It is read to its end, so a small page would cost another call.
            limit: None,
            ..scan.clone()
        };
        Stitch {
            gaps: way.gaps.iter().map(gap).collect(),
            unfiltered: way.signature != *own,
            served: self.serve(way.parts),
            calls: way.calls,
            signature: way.signature,
        }
    }

    /// Rows that answer a scan, as batches with its projection, in its order. What turns out to be damaged comes from
    /// `anew`, by the part of the range.
    pub(in crate::fetch) fn rows(self: &Arc<Self>, served: &Served, scan: &Scan, anew: Anew) -> Batches {
        let parts = match &served.0 {
            Rows::Loose(held) => {
                return match held.rows(scan) {
                    Ok(batches) => stream::iter(batches).map(Ok).boxed(),
                    Err(error) => crate::fetch::failed(error),
                };
            }
            Rows::Parts(parts) => parts,
        };
        let by_time = scan.order.as_ref().is_none_or(|order| Some(order.column) == scan.table.time);
        if !by_time {
            return match self.resorted(parts, scan) {
                Ok(batches) => stream::iter(batches).map(Ok).boxed(),
                Err(error) if error.kind == Kind::Io => anew(scan.range),
                Err(error) => crate::fetch::failed(error),
            };
        }
        let descending = scan.order.as_ref().is_some_and(|order| order.descending);
        let mut parts = parts.clone();
        if descending {
            parts.reverse();
        }
        let (cache, wanted, projection) = (Arc::clone(self), scan.range, scan.projection.clone());
        let read = move |part: Part| {
            let (cache, projection) = (Arc::clone(&cache), projection.clone());
            async move {
                let range = meet(part.range, wanted);
                (range, cache.batches_of(part, range, projection, descending).await)
            }
        };
        // One is unpacked while the one before is worked on.
        stream::iter(parts)
            .map(read)
            .buffered(2)
            .flat_map(move |(range, batches)| match batches {
                Ok(batches) => stream::iter(batches).map(Ok).boxed(),
                Err(error) if error.kind == Kind::Io => anew(range),
                Err(error) => crate::fetch::failed(error),
            })
            .boxed()
    }

    /// Rows that answer a scan, at once and in any order. For few columns: what is on disk is unpacked here.
    pub(in crate::fetch) fn rows_now(&self, served: &Served, scan: &Scan) -> Result<Vec<RecordBatch>> {
        let parts = match &served.0 {
            Rows::Loose(held) => return held.rows(scan),
            Rows::Parts(parts) => parts,
        };
        let mut rows = Vec::new();
        for part in parts {
            let batches = part.segment.batches(meet(part.range, scan.range), &scan.projection, false, &self.columns);
            rows.extend(self.read_of(&part.segment, batches)?);
        }
        Ok(rows)
    }

    async fn batches_of(
        self: Arc<Self>,
        part: Part,
        range: Range,
        projection: Vec<usize>,
        descending: bool,
    ) -> Result<Vec<RecordBatch>> {
        let on_disk = part.segment.file().is_some();
        let work = move || {
            let batches = part.segment.batches(range, &projection, descending, &self.columns);
            self.read_of(&part.segment, batches)
        };
        // Unpacking takes a while; rows in memory are only cut.
        if !on_disk {
            return work();
        }
        match tokio::task::spawn_blocking(work).await {
            Ok(batches) => batches,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::canceled()),
            },
        }
    }

    /// Rows in another order than that of their time.
    fn resorted(&self, parts: &[Part], scan: &Scan) -> Result<Vec<RecordBatch>> {
        let order = scan.order.as_ref().and_then(|order| scan.table.position(order.column));
        let order = order.ok_or_else(|| Error::internal("an order by a column that is not there"))?;
        let mut columns: Vec<usize> = scan.projection.iter().copied().chain([order]).collect();
        columns.sort_unstable();
        columns.dedup();
        let mut rows = Vec::new();
        for part in parts {
            let range = meet(part.range, scan.range);
            let batches = part.segment.batches(range, &columns, false, &self.columns);
            rows.extend(self.read_of(&part.segment, batches)?);
        }
        let place = super::body::places(&columns, &[order])?[0];
        let descending = scan.order.as_ref().is_some_and(|order| order.descending);
        let shown = super::body::places(&columns, &scan.projection)?;
        let sorted = super::body::sorted_by(&rows, place, descending)?;
        sorted.iter().map(|batch| batch.project(&shown).map_err(super::body::fault)).collect()
    }

    /// How many held rows answer a scan, and how many of them may have changed since they were read.
    pub(in crate::fetch) fn count(&self, served: &Served, scan: &Scan, fresh: Freshness) -> Result<(usize, usize)> {
        let parts = match &served.0 {
            Rows::Loose(held) => {
                let n_rows = held.count(scan);
                let settled = fresh.now_us == held.read_at;
                return Ok((n_rows, if settled { 0 } else { n_rows }));
            }
            Rows::Parts(parts) => parts,
        };
        let (mut all, mut stale) = (0, 0);
        for part in parts {
            let segment = &part.segment;
            let range = meet(part.range, scan.range);
            all += self.read_of(segment, segment.count(range, &self.columns))?;
            if segment.extent.read_at < fresh.now_us {
                let open = Range { from: Some(segment.extent.read_at.saturating_sub(fresh.settle_us)), to: None };
                stale += self.read_of(segment, segment.count(meet(range, open), &self.columns))?;
            }
        }
        Ok((all, stale))
    }
}

/// Which way takes the fewest calls; none if the scan is better read by itself.
fn choose(ways: Vec<Way>, own: &Signature, few: bool, lately: usize) -> Option<Way> {
    let with_filters = ways.iter().find(|way| way.signature == *own);
    let least = with_filters.map_or(1.0, |way| way.calls.unwrap_or(way.gaps.len() as f64)).max(1.0);
    let is_cheap = |way: &Way| match way.calls {
        Some(calls) if few => calls <= 1.0,
        Some(calls) => calls <= least * lately as f64,
        None => false,
    };
    let cheap = ways.iter().position(|way| way.signature != *own && is_cheap(way));
    let own = ways.iter().position(|way| way.signature == *own && (!few || is_cheap(way)));
    let place = cheap.or(own)?;
    ways.into_iter().nth(place)
}

/// Rows for each microsecond, as they came before.
fn density(segments: &[Arc<Segment>], now_us: i64) -> Option<f64> {
    let spans = segments.iter().map(|segment| {
        let read =
            Range { to: Some(segment.extent.range.to.unwrap_or(segment.extent.read_at)), ..segment.extent.range };
        span(read, now_us)
    });
    let span: f64 = spans.collect::<Option<Vec<f64>>>()?.into_iter().sum();
    let rows: usize = segments.iter().map(|segment| segment.n_rows).sum();
    (span > 0.0).then(|| rows as f64 / span)
}

fn span(range: Range, now_us: i64) -> Option<f64> {
    Some(range.to.unwrap_or(now_us).saturating_sub(range.from?).max(1) as f64)
}

/// Rows that one call brings.
fn page_rows(scan: &Scan) -> f64 {
    match scan.table.paging {
        Paging::One => f64::INFINITY,
        Paging::SplitTime { max_rows } | Paging::Numbered { max_rows, .. } | Paging::Cursor { max_rows, .. } => {
            max_rows as f64
        }
    }
}

impl Stitch {
    /// Whether what it reads is all that the scan wants, in the order that it wants.
    pub(in crate::fetch) fn streams(&self, scan: &Scan) -> bool {
        scan.order.is_none() && can_keep(scan)
    }
}
