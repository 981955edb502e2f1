//! Reads a scan whose rows come only key by key: one call for each distinct one whose rows are not held, a few at once.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::arrow::record_batch::RecordBatch;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::cache::{Cache, Found, Key, Plan, Sought, is_keyed, is_lost};
use super::retry::Caller;
use super::rows::{Rows, holds};
use super::segment::Freshness;
use super::{Fetcher, Slots, failed, not_held};
use crate::error::{Error, Result};
use crate::model::filter::Value;
use crate::model::push::is_uuid;
use crate::model::push::{Filter, Op};
use crate::model::scan::{At, Batches, KeySlot, Keys, Page, Range, Scan, Source};
use crate::model::statement::{HeldRows, Statement};
use crate::model::table::{Lookup, Table};

/// Calls under way at once, at the most.
const MAX_AT_ONCE: usize = 8;

/// Where the rows of keys are held.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) cache: Arc<Cache>,
    pub(super) key: Key,
    pub(super) fresh: Freshness,
    /// Up to when rows are wanted.
    pub(super) to: Option<i64>,
    /// What is not held is not read.
    pub(super) only: bool,
}

/// A key, and the time of its entry in the list if it was listed.
type Listed = (String, Option<i64>);

type KeyStream = BoxStream<'static, Result<Listed>>;

/// Reads the rows under the scan's keys; `listed` gives them if the source has to list them. Where few rows are wanted,
/// one key is read after the other: a call that nobody needs is worse than a wait.
pub(super) fn read(
    scan: Scan,
    caller: Caller,
    listed: impl FnOnce() -> Batches,
    shelf: Option<Shelf>,
    now_us: i64,
) -> Batches {
    if scan.order.is_some() {
        return failed(Error::internal("rows by key come in no order"));
    }
    let at_once = if scan.limit.is_some() { 1 } else { MAX_AT_ONCE.min(scan.source.quota.concurrency as usize) };
    let keys: KeyStream = match &scan.keys {
        Keys::Known(keys) => stream::iter(keys.clone()).map(|key| Ok((key, None))).boxed(),
        Keys::Awaited(slot) => {
            stream::once(awaited(Arc::clone(slot))).flat_map(stream::iter).map(|key| Ok((key, None))).boxed()
        }
        Keys::Listed => values(listed()),
        Keys::NotNeeded => return failed(Error::internal("a scan by key without keys")),
    };
    let slots = Arc::new(Slots::new(&scan));
    let scan = Arc::new(scan);
    let uuid = scan.table.lookup.is_some_and(|lookup| lookup.uuid);
    let one = move |listed: Listed| {
        let (scan, slots, caller, shelf) = (Arc::clone(&scan), Arc::clone(&slots), caller.clone(), shelf.clone());
        async move {
            match shelf {
                Some(shelf) => held(&scan, &slots, &caller, &shelf, listed, now_us).await,
                None => rows_of(&scan, &slots, &caller, listed.0, now_us).await,
            }
        }
    };
    let mut seen = HashSet::new();
    keys.try_filter(move |(key, _)| std::future::ready((!uuid || is_uuid(key)) && seen.insert(key.clone())))
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
    let decoded = caller.page(scan, &page_of(&key), &slots.columns, scan.range.to.unwrap_or(now_us)).await?;
    let rows = own(scan, slots, decoded.batches, &key);
    caller.ledger.rows.fetch_add(rows.len() as u64, Ordering::Relaxed);
    rows.into_batches(&slots.shown)
}

fn page_of(key: &str) -> Page {
    Page { range: Range::default(), limit: usize::MAX, at: At::Key(key.to_owned()) }
}

/// The rows of a key: those that are held, or else those of upstream, which are held from then on.
async fn held(
    scan: &Arc<Scan>,
    slots: &Slots,
    caller: &Caller,
    shelf: &Shelf,
    (key, listed_at): Listed,
    now_us: i64,
) -> Result<Vec<RecordBatch>> {
    let mut waits = true;
    loop {
        match shelf.cache.seek(&shelf.key, &key, shelf.to, shelf.fresh, waits) {
            Sought::Held(found) => {
                let stale = found.stale;
                let batches = match shelf.cache.rows_of(&shelf.key, &key, found, &slots.columns).await {
                    // It is held no longer, so it is not found again.
                    Err(error) if is_lost(&error) => continue,
                    batches => batches?,
                };
                let rows = own(scan, slots, batches, &key);
                caller.ledger.held.fetch_add(rows.len() as u64, Ordering::Relaxed);
                caller.ledger.stale.fetch_add(if stale { rows.len() as u64 } else { 0 }, Ordering::Relaxed);
                return rows.into_batches(&slots.shown);
            }
            Sought::Runs(running) => {
                running.ended().await;
                // Once: who waited for a call that failed must not wait for the next that will.
                waits = false;
            }
            Sought::Missing(_) if shelf.only => return Err(not_held(scan)),
            Sought::Missing(reading) => {
                let (all, from, fresh) = (Arc::clone(scan), caller.clone(), shelf.fresh);
                let page = page_of(&key);
                // Apart, so that those who wait for it need not wait until its rows are taken.
                let read = async move {
                    let columns: Vec<usize> = (0..all.table.columns.len()).collect();
                    let decoded = from.page(&all, &page, &columns, all.range.to.unwrap_or(now_us)).await?;
                    if !decoded.truncated {
                        reading.keep(all.table, decoded.batches.clone(), listed_at, fresh).await;
                    }
                    Ok(decoded.batches)
                };
                let batches = caller.apart(read).await?;
                let needed = batches.iter().map(|batch| batch.project(&slots.columns));
                let needed = needed.collect::<Result<_, _>>().map_err(|error| Error::internal(error.to_string()))?;
                let rows = own(scan, slots, needed, &key);
                caller.ledger.rows.fetch_add(rows.len() as u64, Ordering::Relaxed);
                return rows.into_batches(&slots.shown);
            }
        }
    }
}

impl Fetcher {
    /// Where the rows of a scan's keys are held, if its statement takes held rows.
    pub(super) fn shelf(&self, scan: &Scan, statement: &Statement) -> Result<Option<Shelf>> {
        let Some(fresh) = self.freshness(&scan.source, statement).filter(|_| is_keyed(scan)) else {
            return Ok(None);
        };
        let scope = self.credentials.credential(&scan.source, &statement.user)?.scope;
        let only = statement.policy.held == HeldRows::Only;
        Ok(Some(Shelf { cache: Arc::clone(&self.cache), key: Key::of(scan, &scope), fresh, to: scan.range.to, only }))
    }

    /// Of the keys of a scan the rows that are held, and the keys of which they are not. None if its keys are not known, or
    /// its statement takes no held rows.
    pub(super) fn sorted(&self, scan: &Scan, statement: &Statement) -> Option<(usize, Vec<String>)> {
        let shelf = self.shelf(scan, statement).ok()??;
        // What is no key is not asked for.
        let is_key = |key: &&String| !scan.table.lookup.is_some_and(|lookup| lookup.uuid) || is_uuid(key);
        match &scan.keys {
            Keys::Known(keys) => Some(shelf.sort(keys.iter().filter(is_key))),
            Keys::Listed => Some(shelf.sort(self.listed(scan, statement)?.iter().filter(is_key))),
            Keys::NotNeeded | Keys::Awaited(_) => None,
        }
    }

    /// The keys that are listed for a scan, if the list is held.
    fn listed(&self, scan: &Scan, statement: &Statement) -> Option<Vec<String>> {
        let lists = listings(scan, &scan.source, scan.table.lookup?).ok()?;
        let mut keys = Vec::new();
        for list in lists {
            let (plan, _) = self.look(&list, statement)?;
            let Plan::Serve(served) = plan else { return None };
            let batches = self.cache.rows_now(&served, &list).ok()?;
            keys.extend(batches.iter().flat_map(entries).map(|(key, _)| key));
        }
        keys.sort_unstable();
        keys.dedup();
        Some(keys)
    }
}

/// Those rows of a key's that the scan wants.
fn own(scan: &Scan, slots: &Slots, batches: Vec<RecordBatch>, key: &str) -> Rows {
    let mut rows = Rows::new(batches, slots.time);
    if let Some(lookup) = slots.lookup {
        // Upstream may take a key in more than one spelling, and the rows have one only.
        rows.retain_key(lookup, key);
    }
    if scan.table.has_own_time() {
        rows.retain(|place| holds(scan.range, place.time, 0));
    }
    rows
}

impl Shelf {
    /// Of some keys the rows that are held, and the keys of which they are not.
    pub(super) fn sort<'a>(&self, keys: impl Iterator<Item = &'a String>) -> (usize, Vec<String>) {
        let (mut rows, mut missing) = (0, Vec::new());
        for key in keys {
            match self.cache.found(&self.key, key, self.to, self.fresh) {
                Some(Found { rows: own, .. }) => rows += own,
                None => missing.push(key.clone()),
            }
        }
        (rows, missing)
    }
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
        projection: entry_columns(table, column),
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

fn values(batches: Batches) -> KeyStream {
    batches.map_ok(|batch| stream::iter(entries(&batch)).map(Ok)).try_flatten().boxed()
}

/// What is read of a list: the column of the keys, and the time of the entries, if they have one of their own.
fn entry_columns(list: &Table, keys: usize) -> Vec<usize> {
    let time = list.time_position().filter(|_| list.has_own_time() && list.time_position() != Some(keys));
    let mut columns: Vec<usize> = [Some(keys), time].into_iter().flatten().collect();
    columns.sort_unstable();
    columns
}

/// The keys of a batch of a list, and their times: the columns are told apart by their types.
pub(super) fn entries(batch: &RecordBatch) -> Vec<Listed> {
    let keys = batch.columns().iter().find_map(|column| column.as_string_opt::<i32>());
    let times = batch.columns().iter().find_map(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let Some(keys) = keys else { return Vec::new() };
    let time = |row: usize| times.filter(|times| times.is_valid(row)).map(|times| times.value(row));
    keys.iter().enumerate().filter_map(|(row, key)| Some((key?.to_owned(), time(row)))).collect()
}
