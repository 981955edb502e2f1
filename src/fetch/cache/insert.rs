//! How rows that were read become segments, and how segments become fewer.
//!
//! One change at a time: files are written, then the transaction that names them, then what readers see is exchanged. Who
//! reads a segment that is being replaced keeps it until done.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::record_batch::RecordBatch;

use super::body::{Body, MOST_BYTES, MOST_ROWS, Segment, cut, fault};
use super::disk::{File, KeyedShelf, Record};
use super::evict::tidy;
use super::{Cache, Disk, Key, Shelf, Signature, Unused, disk_files};
use crate::error::Result;
use crate::fetch::segment::{Extent, meets, without};
use crate::model::scan::Range;
use crate::model::statement::lock;
use crate::model::table;

/// A segment is put together with its neighbour if that is at most so many times its size: what is added in small pieces
/// is then copied a few times at most.
const MERGE_FACTOR: usize = 4;

/// Rows of a range, to be held.
#[derive(Debug)]
pub(super) struct Slice {
    pub(super) key: Key,
    pub(super) signature: Signature,
    pub(super) table: &'static table::Table,
    pub(super) extent: Extent,
    pub(super) columns: Arc<[usize]>,
    /// Where the time stands among these.
    pub(super) time: usize,
    /// Sorted by their time, all of them in the range. None if there are none.
    pub(super) rows: Option<RecordBatch>,
    pub(super) calls: f64,
    pub(super) settle_us: i64,
}

/// What a change of one shelf comes to.
#[derive(Default)]
struct Change {
    gone: Vec<Arc<Segment>>,
    come: Vec<Arc<Segment>>,
}

impl Cache {
    /// Holds rows in place of what was held of their range.
    ///
    /// # Errors
    /// When the disk fails; then nothing has changed.
    pub(super) fn insert(&self, slice: &Slice) -> Result<()> {
        let _changes = lock(&self.changes);
        let change = self.change(slice)?;
        self.exchange(slice, &change)?;
        self.merge(slice)
    }

    fn change(&self, slice: &Slice) -> Result<Change> {
        let mut change = Change::default();
        for segment in self.segments_of(slice) {
            if !meets(segment.extent.range, slice.extent.range) {
                continue;
            }
            for rest in without(segment.extent.range, slice.extent.range) {
                let rest = segment.trimmed(self.number(), rest, &self.columns);
                change.come.push(Arc::new(self.read_or_lose(&segment, rest)?));
            }
            change.gone.push(segment);
        }
        let parts = match &slice.rows {
            None => vec![(slice.extent.range, None)],
            Some(rows) => {
                cut(rows, slice.time, slice.extent.range).into_iter().map(|(range, rows)| (range, Some(rows))).collect()
            }
        };
        let total = slice.rows.as_ref().map_or(0, RecordBatch::num_rows).max(1) as f64;
        for (range, rows) in parts {
            let n_rows = rows.as_ref().map_or(0, RecordBatch::num_rows);
            let share = if slice.rows.is_none() { 1.0 } else { n_rows as f64 / total };
            let extent = Extent { range, ..slice.extent };
            change.come.push(self.segment(slice, extent, rows, slice.calls * share)?);
        }
        Ok(change)
    }

    fn segment(&self, slice: &Slice, extent: Extent, rows: Option<RecordBatch>, calls: f64) -> Result<Arc<Segment>> {
        let rows = rows.filter(|rows| rows.num_rows() > 0);
        let n_rows = rows.as_ref().map_or(0, RecordBatch::num_rows);
        let body = match (rows, &self.disk) {
            (None, _) => Body::Empty,
            (Some(rows), None) => Body::Memory(rows),
            (Some(rows), Some(disk)) => Body::File(disk.write(&rows, slice.time)?),
        };
        Ok(Arc::new(Segment {
            id: self.number(),
            extent,
            columns: Arc::clone(&slice.columns),
            time: slice.time,
            offset: 0,
            n_rows,
            body,
            calls,
            worth: AtomicU64::new(0),
            used: AtomicU64::new(0),
        }))
    }

    /// Makes a change durable, then visible.
    fn exchange(&self, slice: &Slice, change: &Change) -> Result<()> {
        if let Some(disk) = &self.disk {
            let put: Vec<Record> = change.come.iter().map(|segment| record(slice, segment)).collect();
            let dropped: Vec<u64> = change.gone.iter().map(|segment| segment.id).collect();
            disk.commit(&put, &dropped)?;
        }
        let mut state = lock(&self.state);
        state.clock += 1;
        let (inflation, clock) = (state.inflation, state.clock);
        let table = state.tables.entry(slice.key.clone()).or_default();
        let shelf = match table.shelves.iter().position(|shelf| shelf.signature == slice.signature) {
            Some(place) => &mut table.shelves[place],
            None => {
                table.shelves.push(Shelf { signature: slice.signature.clone(), segments: Vec::new() });
                table.shelves.last_mut().expect("one was pushed")
            }
        };
        let gone: BTreeSet<u64> = change.gone.iter().map(|segment| segment.id).collect();
        shelf.segments.retain(|segment| !gone.contains(&segment.id));
        for segment in &change.come {
            segment.touch(inflation, clock);
            shelf.segments.push(Arc::clone(segment));
        }
        shelf.segments.sort_by_key(|segment| segment.extent.range.from);
        tidy(table);
        let freed: usize = change.gone.iter().map(|segment| segment.memory()).sum();
        let added: usize = change.come.iter().map(|segment| segment.memory()).sum();
        state.bytes = (state.bytes + added).saturating_sub(freed);
        self.evict_memory(&mut state);
        let kept = disk_files(&state);
        let evicted = self.evict_disk(&mut state);
        drop(state);
        self.doom(&change.gone, &kept);
        self.drop_evicted(&evicted)
    }

    /// Puts small neighbours together that can change no more.
    fn merge(&self, slice: &Slice) -> Result<()> {
        loop {
            let segments = self.segments_of(slice);
            let fits = |pair: &&[Arc<Segment>]| can_merge(&pair[0], &pair[1], slice.settle_us);
            let Some(pair) = segments.windows(2).find(fits) else { return Ok(()) };
            let merged = self.merged(slice, &pair[0], &pair[1])?;
            self.exchange(slice, &Change { gone: pair.to_vec(), come: vec![merged] })?;
        }
    }

    fn merged(&self, slice: &Slice, older: &Arc<Segment>, newer: &Arc<Segment>) -> Result<Arc<Segment>> {
        let mut rows = Vec::new();
        for segment in [older, newer].into_iter().filter(|segment| segment.n_rows > 0) {
            let read = segment.read(&segment.columns, &self.columns);
            rows.push(self.read_or_lose(segment, read)?);
        }
        let rows = match rows.first() {
            Some(first) => Some(concat_batches(&first.schema(), &rows).map_err(fault)?),
            None => None,
        };
        let extent = Extent {
            range: Range { from: older.extent.range.from, to: newer.extent.range.to },
            // Both are settled, and the younger reading says so of both.
            read_at: older.extent.read_at.max(newer.extent.read_at),
        };
        let own = Slice { columns: Arc::clone(&older.columns), time: older.time, ..slice.without_rows() };
        self.segment(&own, extent, rows, older.calls + newer.calls)
    }

    fn segments_of(&self, slice: &Slice) -> Vec<Arc<Segment>> {
        let state = lock(&self.state);
        let shelves = state.tables.get(&slice.key).map_or(&[][..], |table| &table.shelves);
        let shelf = shelves.iter().find(|shelf| shelf.signature == slice.signature);
        shelf.map(|shelf| shelf.segments.clone()).unwrap_or_default()
    }

    /// As [`Cache::read_of`], by who holds the lock on changes.
    fn read_or_lose<T>(&self, segment: &Segment, result: Result<T>) -> Result<T> {
        if result.is_err() {
            self.lose_locked(segment);
        }
        result
    }
}

impl Slice {
    fn without_rows(&self) -> Slice {
        Slice {
            key: self.key.clone(),
            signature: self.signature.clone(),
            table: self.table,
            extent: self.extent,
            columns: Arc::clone(&self.columns),
            time: self.time,
            rows: None,
            calls: 0.0,
            settle_us: self.settle_us,
        }
    }
}

impl Segment {
    /// The file of its rows.
    pub(super) fn file(&self) -> Option<&Arc<File>> {
        match &self.body {
            Body::File(file) => Some(file),
            Body::Empty | Body::Memory(_) => None,
        }
    }
}

fn can_merge(older: &Segment, newer: &Segment, settle_us: i64) -> bool {
    let touch = older.extent.range.to.zip(newer.extent.range.from);
    let touch = touch.is_some_and(|(to, from)| to.checked_add(1) == Some(from));
    let settled = older.extent.is_settled(settle_us) && newer.extent.is_settled(settle_us);
    let (least, most) = (older.n_rows.min(newer.n_rows), older.n_rows.max(newer.n_rows));
    let alike = least == 0 || most <= least * MERGE_FACTOR;
    let bytes = |segment: &Segment| match &segment.body {
        Body::Empty => 0,
        Body::Memory(rows) => rows.get_array_memory_size(),
        // Unpacked they take a few times as much.
        Body::File(file) => usize::try_from(file.bytes).unwrap_or(usize::MAX).saturating_mul(4),
    };
    let fits = older.n_rows + newer.n_rows <= MOST_ROWS && bytes(older).saturating_add(bytes(newer)) <= MOST_BYTES;
    touch && settled && alike && fits && older.columns == newer.columns
}

fn record(slice: &Slice, segment: &Segment) -> Record {
    let column = |position: &usize| {
        let column = &slice.table.columns[*position];
        (column.name.to_owned(), format!("{:?}", column.ty))
    };
    let file = segment.file();
    Record {
        id: segment.id,
        file: file.map(|file| file.id),
        file_bytes: file.map_or(0, |file| file.bytes),
        file_rows: file.map_or(0, |file| file.rows),
        offset: segment.offset,
        rows: segment.n_rows,
        source: slice.key.source.clone(),
        place: slice.key.place.clone(),
        scope: slice.key.scope.clone(),
        table: slice.key.table.clone(),
        form: slice.key.form.clone(),
        filters: slice.signature.filters.clone(),
        any: slice.signature.any,
        from: segment.extent.range.from,
        to: segment.extent.range.to,
        read_at: segment.extent.read_at,
        columns: segment.columns.iter().map(column).collect(),
        calls: segment.calls,
    }
}

impl Cache {
    /// One that holds what a directory holds, and keeps there what it reads. `tables` are those that there are now; what
    /// was held of others, or with other columns, stays where it is and is not used.
    ///
    /// # Errors
    /// As [`Disk::open`].
    pub(in crate::fetch) fn on_disk(
        budget: usize,
        disk: Disk,
        records: Vec<Record>,
        shelves: Vec<KeyedShelf>,
        table_of: impl Fn(&str, &str) -> Option<&'static table::Table>,
    ) -> Self {
        let cache = Cache { disk: Some(Arc::new(disk)), ..Cache::new(budget) };
        let mut state = lock(&cache.state);
        let mut files: std::collections::HashMap<u64, Arc<File>> = std::collections::HashMap::new();
        let Some(disk) = &cache.disk else { unreachable!("it was just set") };
        let mut damaged = Vec::new();
        for record in records {
            let table = table_of(&record.source, &record.table);
            let Some((columns, time)) = table.and_then(|table| columns_of(&record, table)) else {
                state.unused.push(Unused { id: record.id, file: record.file, bytes: record.file_bytes });
                continue;
            };
            let body = match record.file {
                None => Body::Empty,
                Some(id) => match files.get(&id).cloned().map_or_else(|| disk.find(id), Ok) {
                    Ok(file) if record.offset + record.rows <= file.rows => {
                        files.insert(id, Arc::clone(&file));
                        Body::File(file)
                    }
                    Ok(_) => {
                        tracing::error!(file = id, "file of held rows is shorter than its record says: dropped");
                        damaged.push(record.id);
                        continue;
                    }
                    Err(error) => {
                        tracing::error!(error = %error.message, "segment dropped");
                        damaged.push(record.id);
                        continue;
                    }
                },
            };
            let segment = Segment {
                id: record.id,
                extent: Extent { range: Range { from: record.from, to: record.to }, read_at: record.read_at },
                columns: columns.into(),
                time,
                offset: record.offset,
                n_rows: record.rows,
                body,
                calls: record.calls,
                worth: AtomicU64::new(0),
                used: AtomicU64::new(0),
            };
            segment.touch(0.0, 0);
            let key = Key {
                source: record.source,
                place: record.place,
                scope: record.scope,
                table: record.table,
                form: record.form,
            };
            let signature = Signature { filters: record.filters, any: record.any };
            let own = state.tables.entry(key).or_default();
            match own.shelves.iter_mut().find(|shelf| shelf.signature == signature) {
                Some(shelf) => shelf.segments.push(Arc::new(segment)),
                None => own.shelves.push(Shelf { signature, segments: vec![Arc::new(segment)] }),
            }
        }
        for shelf in state.tables.values_mut().flat_map(|table| &mut table.shelves) {
            shelf.segments.sort_by_key(|segment| segment.extent.range.from);
            drop_overlaps(&mut shelf.segments);
        }
        drop(state);
        cache.find_shelves(shelves, &table_of);
        // What is read anew must not meet them when they can be read again.
        if !damaged.is_empty()
            && let Err(error) = disk.commit(&[], &damaged)
        {
            tracing::error!(error = %error.message, "records of damaged segments not dropped");
        }
        cache
    }
}

/// Of segments that hold the same range, which those of two versions of a table can, the one read last counts.
fn drop_overlaps(segments: &mut Vec<Arc<Segment>>) {
    let mut at = 1;
    while at < segments.len() {
        let (older, newer) = (segments[at - 1].extent, segments[at].extent);
        if meets(older.range, newer.range) {
            segments.remove(if older.read_at < newer.read_at { at - 1 } else { at });
            at = at.saturating_sub(1).max(1);
        } else {
            at += 1;
        }
    }
}

/// Positions of a record's columns in its table, and where the time stands among them; none if one is not there any more,
/// or has another type, or does not stand where it stood.
fn columns_of(record: &Record, table: &table::Table) -> Option<(Vec<usize>, usize)> {
    let position = |(name, ty): &(String, String)| {
        let position = table.position(name)?;
        (format!("{:?}", table.columns[position].ty) == *ty).then_some(position)
    };
    let columns: Vec<usize> = record.columns.iter().map(position).collect::<Option<_>>()?;
    // A column that the table has and the rows lack would be missing in every result.
    let complete = table.narrows || columns.len() == table.columns.len();
    let time = table.time_position().and_then(|time| columns.binary_search(&time).ok())?;
    (columns.is_sorted() && complete).then_some((columns, time))
}
