//! Rows that upstream gives only by the value of one column, such as the spans of a trace: all rows of a key are held
//! together, and asked for again only as long as more may come.
//!
//! How long more may come nobody tells. A key is taken to be over when nothing has come for [`Lookup::reach_us`], within
//! which rows follow their entry in the list, and then for the time in which rows can change. A key without rows may have
//! some later: that there are none is believed no longer than the session allows, unless its entry is known to be that old.
//! Until then a key serves a range that ends before its rows could still change, like any segment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::arrow::record_batch::RecordBatch;
use tokio::sync::watch;

use super::disk::{KeyRecord, KeyedShelf, KeyedTable};
use super::{Cache, Key, State, lock};
use crate::error::{Error, Kind, Result};
use crate::fetch::segment::Freshness;
use crate::model::table::{Lookup, Table};

/// What a key takes besides its rows, about.
const INDEX_BYTES: usize = 256;

/// All rows of a key.
#[derive(Debug)]
pub(super) struct Entry {
    known: KeyRecord,
    body: Body,
    /// Bits of what it is worth to keep it; see [`super::evict`].
    worth: AtomicU64,
    /// The clock of its last use.
    used: AtomicU64,
}

#[derive(Clone, Debug)]
enum Body {
    /// There are none.
    Empty,
    Memory(RecordBatch),
    /// In the shelf of this number.
    Disk(u64),
}

/// Rows of a key that are held.
#[derive(Clone, Debug)]
pub(in crate::fetch) struct Found {
    pub(in crate::fetch) rows: usize,
    /// They may have changed since they were read.
    pub(in crate::fetch) stale: bool,
    body: Body,
}

/// What is to be done about a key.
#[derive(Debug)]
pub(in crate::fetch) enum Sought {
    Held(Found),
    /// Somebody reads it. Its call goes on whether or not its rows are taken, so it ends.
    Runs(Running),
    Missing(Reading),
}

/// A call for a key that somebody has begun.
#[derive(Debug)]
pub(in crate::fetch) struct Running(watch::Receiver<()>);

/// A call for a key that is being made. Over when it is dropped.
#[derive(Debug)]
pub(in crate::fetch) struct Reading {
    cache: Arc<Cache>,
    key: Key,
    value: String,
    running: watch::Receiver<()>,
    _ended: watch::Sender<()>,
}

impl Running {
    /// Waits until it has ended, one way or another. Cancel safe.
    pub(in crate::fetch) async fn ended(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

impl Entry {
    /// Whether the rows up to an instant are as they would be read now, or as old as the session allows.
    fn is_fresh(&self, to: Option<i64>, fresh: Freshness) -> bool {
        let age_us = u128::try_from(fresh.now_us.saturating_sub(self.known.read_at)).unwrap_or(0);
        self.known.settled
            || age_us <= fresh.max_staleness.as_micros()
            || to.is_some_and(|to| to <= self.known.read_at.saturating_sub(fresh.settle_us))
    }

    /// Bytes that it takes in memory for as long as it is held.
    fn memory(&self) -> usize {
        match &self.body {
            Body::Memory(rows) => INDEX_BYTES + rows.get_array_memory_size(),
            Body::Empty => INDEX_BYTES,
            Body::Disk(_) => 0,
        }
    }

    fn disk(&self) -> u64 {
        if matches!(self.body, Body::Disk(_)) { self.known.bytes } else { 0 }
    }

    /// Says that it was used. It took one call.
    fn touch(&self, inflation: f64, clock: u64) {
        self.used.store(clock, Ordering::Relaxed);
        let bytes = (self.known.bytes as f64).max(1.0);
        self.worth.store((inflation + 1.0 / bytes).to_bits(), Ordering::Relaxed);
    }

    fn worth(&self) -> f64 {
        f64::from_bits(self.worth.load(Ordering::Relaxed))
    }
}

impl Cache {
    /// The rows of a key, who reads them, or the right to.
    pub(in crate::fetch) fn seek(
        self: &Arc<Self>,
        key: &Key,
        value: &str,
        to: Option<i64>,
        fresh: Freshness,
        waits: bool,
    ) -> Sought {
        if let Some(found) = self.found(key, value, to, fresh) {
            return Sought::Held(found);
        }
        let mut state = lock(&self.state);
        let table = state.tables.entry(key.clone()).or_default();
        match table.reading.get(value) {
            Some(running) if waits => Sought::Runs(Running(running.clone())),
            _ => {
                let (ended, running) = watch::channel(());
                table.reading.insert(value.to_owned(), running.clone());
                let (cache, key, value) = (Arc::clone(self), key.clone(), value.to_owned());
                Sought::Missing(Reading { cache, key, value, running, _ended: ended })
            }
        }
    }

    /// The rows of a key, if they are held and, up to an instant, fresh enough.
    pub(in crate::fetch) fn found(&self, key: &Key, value: &str, to: Option<i64>, fresh: Freshness) -> Option<Found> {
        let mut state = lock(&self.state);
        state.clock += 1;
        let (inflation, clock) = (state.inflation, state.clock);
        let entry = state.tables.get(key)?.keyed.get(value)?;
        if !entry.is_fresh(to, fresh) {
            return None;
        }
        entry.touch(inflation, clock);
        let is_exact = entry.is_fresh(to, Freshness { max_staleness: Duration::ZERO, ..fresh });
        let stale = !is_exact && entry.known.read_at < fresh.now_us;
        let rows = usize::try_from(entry.known.rows).unwrap_or(usize::MAX);
        Some(Found { rows, stale, body: entry.body.clone() })
    }

    /// What is known of a key that is held, however old.
    pub(in crate::fetch) fn known(&self, key: &Key, value: &str) -> Option<KeyRecord> {
        lock(&self.state).tables.get(key)?.keyed.get(value).map(|entry| entry.known)
    }

    /// Columns of the rows that were found, by their position in the table. Rows that cannot be read are dropped.
    ///
    /// # Errors
    /// 58030 when they cannot be read.
    pub(in crate::fetch) async fn rows_of(
        self: &Arc<Self>,
        key: &Key,
        value: &str,
        found: Found,
        columns: &[usize],
    ) -> Result<Vec<RecordBatch>> {
        let shelf = match found.body {
            Body::Empty => return Ok(Vec::new()),
            Body::Memory(rows) => return Ok(vec![rows.project(columns).map_err(super::body::fault)?]),
            Body::Disk(shelf) => shelf,
        };
        let (cache, key, value, columns) = (Arc::clone(self), key.clone(), value.to_owned(), columns.to_vec());
        let work = move || {
            let Some(disk) = &cache.disk else { return Err(Error::internal("rows on a disk that is not there")) };
            disk.key_rows(shelf, &value, &columns).inspect_err(|_| cache.lose_key(&key, &value, shelf))
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(rows) => rows,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::canceled()),
            },
        }
    }

    fn lose_key(&self, key: &Key, value: &str, shelf: u64) {
        let mut state = lock(&self.state);
        let gone = take(&mut state, key, value);
        drop(state);
        tracing::error!(table = key.table, value, "held rows cannot be read: dropped");
        if let (Some(disk), true) = (&self.disk, gone.is_some())
            && let Err(error) = disk.drop_keys(&[(shelf, value.to_owned())], &[])
        {
            tracing::error!(error = %error.message, "damaged rows of a key not dropped");
        }
    }

    /// Finds what a disk holds; `table_of` knows the tables that there are now.
    pub(super) fn find_shelves(
        &self,
        shelves: Vec<KeyedShelf>,
        table_of: &impl Fn(&str, &str) -> Option<&'static Table>,
    ) {
        let mut state = lock(&self.state);
        for KeyedShelf { id, table, keys } in shelves {
            let bytes = keys.iter().map(|(_, known)| known.bytes).sum::<u64>();
            let now = table_of(&table.source, &table.table);
            if now.is_none_or(|now| columns_of(now) != table.columns || now.lookup.is_none()) {
                state.unused_shelves.push((id, bytes));
                continue;
            }
            state.keyed_bytes += bytes;
            let KeyedTable { source, place, scope, table, form, .. } = table;
            let own = state.tables.entry(Key { source, place, scope, table, form }).or_default();
            own.shelf = Some(id);
            let mut memory = 0;
            for (value, known) in keys {
                let body = if known.rows == 0 { Body::Empty } else { Body::Disk(id) };
                let entry = Entry { known, body, worth: AtomicU64::new(0), used: AtomicU64::new(0) };
                entry.touch(0.0, 0);
                memory += entry.memory();
                own.keyed.insert(value, entry);
            }
            state.bytes += memory;
        }
    }

    /// Of each table whose rows are held by key: its key, the keys' number, rows, bytes in memory and on disk, and calls;
    /// the time of the first and of the last row, and when it was read last.
    pub(super) fn keyed_runs(state: &State) -> impl Iterator<Item = (&Key, Vec<&KeyRecord>, usize, u64)> {
        state.tables.iter().filter(|(_, table)| !table.keyed.is_empty()).map(|(key, table)| {
            let entries = || table.keyed.values();
            let known = entries().map(|entry| &entry.known).collect();
            (key, known, entries().map(Entry::memory).sum(), entries().map(Entry::disk).sum())
        })
    }
}

impl Reading {
    /// Holds the rows of the key, all columns of the table: all that there were when the reading began. `listed_at` is the
    /// time of the key's entry in the list, if that is known.
    pub(in crate::fetch) async fn keep(
        self,
        table: &'static Table,
        batches: Vec<RecordBatch>,
        listed_at: Option<i64>,
        fresh: Freshness,
    ) {
        let in_memory = self.cache.disk.is_none();
        let keep = move || {
            // A disk that fails costs calls, not results.
            if let Err(error) = self.insert(table, &batches, listed_at, fresh) {
                tracing::error!(error = %error.message, hint = error.hint, "rows are not held");
            }
        };
        if in_memory {
            return keep();
        }
        if let Err(error) = tokio::task::spawn_blocking(keep).await
            && let Ok(panic) = error.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }

    fn insert(
        &self,
        table: &'static Table,
        batches: &[RecordBatch],
        listed_at: Option<i64>,
        fresh: Freshness,
    ) -> Result<()> {
        let rows = match batches.first() {
            Some(first) => Some(concat_batches(&first.schema(), batches).map_err(super::body::fault)?),
            None => None,
        };
        let rows = rows.filter(|rows| rows.num_rows() > 0);
        let known = known(table, rows.as_ref(), listed_at, fresh);
        // One that takes so much would leave no room for others.
        if known.bytes > (self.cache.budget / super::SHARE) as u64 {
            return Ok(());
        }
        let _changes = lock(&self.cache.changes);
        self.cache.put(&self.key, &self.value, table, known, rows)
    }
}

impl Cache {
    /// Says that a key without rows will have none any more, if the time of its entry in the list says so.
    ///
    /// # Errors
    /// When the disk fails.
    pub(in crate::fetch) fn settle_empty(
        &self,
        key: &Key,
        value: &str,
        table: &'static Table,
        listed_at: i64,
        fresh: Freshness,
    ) -> Result<()> {
        let _changes = lock(&self.changes);
        match self.known(key, value) {
            Some(known) if known.rows == 0 && !known.settled && is_over(table, listed_at, known.read_at, fresh) => {
                self.put(key, value, table, KeyRecord { settled: true, ..known }, None)
            }
            _ => Ok(()),
        }
    }

    /// Holds the rows of a key in place of those that were. To be called with the lock on changes.
    fn put(
        &self,
        key: &Key,
        value: &str,
        table: &'static Table,
        known: KeyRecord,
        rows: Option<RecordBatch>,
    ) -> Result<()> {
        let mut shelf = lock(&self.state).tables.get(key).and_then(|table| table.shelf);
        let (known, body) = match (&self.disk, rows) {
            (None, None) => (known, Body::Empty),
            (None, Some(rows)) => (known, Body::Memory(rows)),
            (Some(disk), rows) => {
                let new = shelf.is_none().then(|| key.keyed_table(table));
                let id = *shelf.get_or_insert_with(|| disk.number());
                let known = disk.put_key(id, new.as_ref(), value, known, rows.as_ref())?;
                (known, if rows.is_some() { Body::Disk(id) } else { Body::Empty })
            }
        };
        let entry = Entry { known, body, worth: AtomicU64::new(0), used: AtomicU64::new(0) };
        let mut state = lock(&self.state);
        state.clock += 1;
        entry.touch(state.inflation, state.clock);
        take(&mut state, key, value);
        state.bytes += entry.memory();
        state.keyed_bytes += entry.disk();
        let table = state.tables.entry(key.clone()).or_default();
        table.shelf = shelf;
        table.keyed.insert(value.to_owned(), entry);
        self.evict_memory(&mut state);
        let evicted = self.evict_disk(&mut state);
        drop(state);
        self.drop_evicted(&evicted)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(table) = lock(&self.cache.state).tables.get_mut(&self.key)
            && table.reading.get(&self.value).is_some_and(|running| running.same_channel(&self.running))
        {
            table.reading.remove(&self.value);
        }
    }
}

impl Key {
    fn keyed_table(&self, table: &Table) -> KeyedTable {
        let Key { source, place, scope, table: name, form } = self.clone();
        KeyedTable { source, place, scope, table: name, form, columns: columns_of(table) }
    }
}

fn columns_of(table: &Table) -> Vec<(String, String)> {
    table.columns.iter().map(|column| (column.name.to_owned(), format!("{:?}", column.ty))).collect()
}

fn known(table: &Table, rows: Option<&RecordBatch>, listed_at: Option<i64>, fresh: Freshness) -> KeyRecord {
    let times = || {
        let column = rows?.column(table.time_position().filter(|_| table.has_own_time())?);
        Some(column.as_primitive_opt::<TimestampMicrosecondType>()?.iter())
    };
    let first = times().and_then(|times| times.min().flatten());
    let last = times().and_then(|times| times.max().flatten());
    KeyRecord {
        read_at: fresh.now_us,
        settled: last.or(listed_at).is_some_and(|since| is_over(table, since, fresh.now_us, fresh)),
        rows: rows.map_or(0, |rows| rows.num_rows() as u64),
        bytes: rows.map_or(0, |rows| rows.get_array_memory_size() as u64),
        first: first.unwrap_or_default(),
        last: last.unwrap_or_default(),
    }
}

/// Whether a key is over at an instant of which nothing has come after `since`.
fn is_over(table: &Table, since: i64, at: i64, fresh: Freshness) -> bool {
    let reach_us = table.lookup.map_or(i64::MAX, |Lookup { reach_us, .. }| reach_us);
    since.saturating_add(reach_us).saturating_add(fresh.settle_us) <= at
}

/// The key whose rows are worth least, of those that are in memory or of those on disk.
pub(super) fn least(state: &State, in_memory: bool) -> Option<(Key, String, f64, u64)> {
    let counts = |entry: &Entry| if in_memory { entry.memory() > 0 } else { entry.disk() > 0 };
    let all =
        state.tables.iter().flat_map(|(key, table)| table.keyed.iter().map(move |(value, own)| (key, value, own)));
    let rank = |entry: &Entry| (entry.worth(), entry.used.load(Ordering::Relaxed));
    let (key, value, entry) = all.filter(|(.., entry)| counts(entry)).min_by(|(.., one), (.., other)| {
        let ((one, one_used), (other, other_used)) = (rank(one), rank(other));
        one.total_cmp(&other).then(one_used.cmp(&other_used))
    })?;
    let (worth, used) = rank(entry);
    Some((key.clone(), value.clone(), worth, used))
}

/// Takes out the rows of a key because they are worth least; what stays is worth more.
pub(super) fn evict(state: &mut State, key: &Key, value: &str) -> Option<Option<u64>> {
    let worth = state.tables.get(key)?.keyed.get(value)?.worth();
    state.inflation = state.inflation.max(worth);
    take(state, key, value)
}

/// Takes out the rows of a key; the shelf in which they are, if they are on disk.
fn take(state: &mut State, key: &Key, value: &str) -> Option<Option<u64>> {
    let entry = state.tables.get_mut(key)?.keyed.remove(value)?;
    state.bytes -= entry.memory();
    state.keyed_bytes -= entry.disk();
    Some(match entry.body {
        Body::Disk(shelf) => Some(shelf),
        Body::Empty | Body::Memory(_) => None,
    })
}

/// Whether an error means that rows were held and are lost.
pub(in crate::fetch) fn is_lost(error: &Error) -> bool {
    error.kind == Kind::Io
}
