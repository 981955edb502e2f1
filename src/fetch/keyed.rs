//! Reads a scan whose rows come only key by key: one call for each distinct one, a few at once.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::record_batch::RecordBatch;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::retry::Caller;
use super::rows::{Rows, holds};
use super::{Slots, failed};
use crate::error::{Error, Result};
use crate::model::filter::Value;
use crate::model::push::is_uuid;
use crate::model::push::{Filter, Op};
use crate::model::scan::{At, Batches, KeySlot, Keys, Page, Range, Scan, Source};
use crate::model::table::Lookup;

/// Calls under way at once, at the most.
const MAX_AT_ONCE: usize = 8;

type KeyStream = BoxStream<'static, Result<String>>;

/// Reads the rows under the scan's keys; `listed` gives them if the source has to list them. Where few rows are wanted,
/// one key is read after the other: a call that nobody needs is worse than a wait.
pub(super) fn read(scan: Scan, caller: Caller, listed: impl FnOnce() -> Batches, now_us: i64) -> Batches {
    if scan.order.is_some() {
        return failed(Error::internal("rows by key come in no order"));
    }
    let at_once = if scan.limit.is_some() { 1 } else { MAX_AT_ONCE.min(scan.source.quota.concurrency as usize) };
    let keys: KeyStream = match &scan.keys {
        Keys::Known(keys) => stream::iter(keys.clone()).map(Ok).boxed(),
        Keys::Awaited(slot) => stream::once(awaited(Arc::clone(slot))).flat_map(stream::iter).map(Ok).boxed(),
        Keys::Listed => values(listed()),
        Keys::NotNeeded => return failed(Error::internal("a scan by key without keys")),
    };
    let slots = Arc::new(Slots::new(&scan));
    let scan = Arc::new(scan);
    let uuid = scan.table.lookup.is_some_and(|lookup| lookup.uuid);
    let one = move |key: String| {
        let (scan, slots, caller) = (Arc::clone(&scan), Arc::clone(&slots), caller.clone());
        async move { rows_of(&scan, &slots, &caller, key, now_us).await }
    };
    let mut seen = HashSet::new();
    keys.try_filter(move |key| std::future::ready((!uuid || is_uuid(key)) && seen.insert(key.clone())))
        .map_ok(one)
        .try_buffer_unordered(at_once.max(1))
        .map_ok(|batches| stream::iter(batches).map(Ok))
        .try_flatten()
        .boxed()
}

async fn awaited(slot: Arc<KeySlot>) -> Vec<String> {
    slot.wait().await.to_vec()
}

async fn rows_of(scan: &Scan, slots: &Slots, caller: &Caller, key: String, now_us: i64) -> Result<Vec<RecordBatch>> {
    let page = Page { range: Range::default(), limit: usize::MAX, at: At::Key(key.clone()) };
    let window_end = scan.range.to.unwrap_or(now_us);
    let decoded = caller.page(scan, &page, &slots.columns, window_end).await?;
    let mut rows = Rows::new(decoded.batches, slots.time);
    if let Some(lookup) = slots.lookup {
        // Upstream may take a key in more than one spelling, and the rows have one only.
        rows.retain_key(lookup, &key);
    }
    if scan.table.has_own_time() {
        rows.retain(|place| holds(scan.range, place.time, 0));
    }
    caller.ledger.rows.fetch_add(rows.len() as u64, Ordering::Relaxed);
    rows.into_batches(&slots.shown)
}

/// The scans that list the keys of another one's rows: one, or one for each value of a setting that the list wants.
pub(super) fn listings(scan: &Scan, source: &Arc<Source>, lookup: Lookup) -> Result<Vec<Scan>> {
    let table = source.connector.tables.iter().find(|table| table.name == lookup.list);
    let table = table.ok_or_else(|| Error::internal(format!("there is no table \"{}\"", lookup.list)))?;
    let column = table.position(lookup.list_column);
    let column = column.ok_or_else(|| Error::internal(format!("there is no column \"{}\"", lookup.list_column)))?;
    // What belongs to every request of the source stays; all else is asked of other columns.
    let shared = |parameter: &str| {
        let each = [scan.table.each, table.each];
        each.iter().flatten().any(|each| each.parameter == parameter)
    };
    let list = Scan {
        filters: scan.filters.iter().filter(|filter| shared(filter.parameter)).cloned().collect(),
        range: Range { from: scan.range.from.map(|from| from.saturating_sub(lookup.reach_us)), to: scan.range.to },
        projection: vec![column],
        // A few rows need a few keys.
        sample: scan.sample,
        limit: scan.limit.filter(|_| scan.sample),
        ..Scan::of(source, table)
    };
    let Some(each) = table.each else { return Ok(vec![list]) };
    let values = source.setting(each.setting);
    if values.is_empty() || list.filters.iter().any(|filter| filter.parameter == each.parameter) {
        return Ok(vec![list]);
    }
    let with = |value: &String| {
        let mut one = list.clone();
        one.filters.push(Filter::one(each.parameter, Op::Equal, Value::Text(value.clone())));
        one
    };
    Ok(values.iter().map(with).collect())
}

/// The values of the only column of some batches.
fn values(batches: Batches) -> KeyStream {
    batches
        .map_ok(|batch| {
            let values = batch.column(0).as_string::<i32>().iter().flatten();
            stream::iter(values.map(str::to_owned).collect::<Vec<String>>()).map(Ok)
        })
        .try_flatten()
        .boxed()
}
