//! What goes when there is no room: what takes the fewest upstream calls to read again for the bytes that it takes, and
//! of that what was not used for the longest (GreedyDual-Size: each use lifts a segment above what went last).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::body::{Body, Segment};
use super::{Cache, Key, Shelf, State, Table, Unused, disk_files, keyed};
use crate::error::Result;

/// Rows in memory leave columns of files at least this part of the budget.
const COLUMNS_SHARE: usize = 4;

/// What has to go from disk.
#[derive(Debug, Default)]
pub(super) struct Evicted {
    segments: Vec<Arc<Segment>>,
    unused: Vec<Unused>,
    /// Keys by their shelf, and whole shelves.
    keys: Vec<(u64, String)>,
    shelves: Vec<u64>,
    /// Files that are named by what stays.
    kept: BTreeSet<u64>,
}

/// What is worth least of all that counts.
enum Least {
    Segment(Key, u64),
    Key(Key, String),
}

impl Segment {
    /// Bytes on disk, of its rows only.
    pub(super) fn disk(&self) -> u64 {
        match &self.body {
            Body::File(file) if file.rows > 0 => file.bytes * self.n_rows as u64 / file.rows as u64,
            _ => 0,
        }
    }

    /// Says that it was used.
    pub(super) fn touch(&self, inflation: f64, clock: u64) {
        self.used.store(clock, Ordering::Relaxed);
        let bytes = (self.memory() as f64).max(self.disk() as f64).max(1.0);
        self.worth.store((inflation + self.calls / bytes).to_bits(), Ordering::Relaxed);
    }

    fn worth(&self) -> f64 {
        f64::from_bits(self.worth.load(Ordering::Relaxed))
    }
}

impl Cache {
    /// Brings memory down to the budget.
    pub(super) fn evict_memory(&self, state: &mut State) {
        let budget = if self.disk.is_some() { self.budget - self.budget / COLUMNS_SHARE } else { self.budget };
        while state.bytes > budget {
            let bytes_before = state.bytes;
            match least(state, true) {
                Some(Least::Segment(key, id)) => drop(take(state, &key, id)),
                Some(Least::Key(key, value)) => drop(keyed::evict(state, &key, &value)),
                None => {
                    let loose = state.tables.values_mut().filter_map(|table| table.loose.take());
                    let freed: usize = loose.map(|held| held.bytes).sum();
                    state.bytes -= freed;
                }
            }
            if state.bytes == bytes_before {
                break;
            }
        }
        self.columns.limit(self.budget.saturating_sub(state.bytes));
    }

    /// What has to go for the rest to fit on disk: first what nobody can use.
    pub(super) fn evict_disk(&self, state: &mut State) -> Evicted {
        let Some(disk) = &self.disk else { return Evicted::default() };
        let mut evicted = Evicted::default();
        if on_disk(state) > disk.max_bytes {
            evicted.unused = std::mem::take(&mut state.unused);
            evicted.shelves = std::mem::take(&mut state.unused_shelves).into_iter().map(|(id, _)| id).collect();
        }
        while on_disk(state) > disk.max_bytes {
            match least(state, false) {
                Some(Least::Segment(key, id)) => evicted.segments.extend(take(state, &key, id)),
                Some(Least::Key(key, value)) => {
                    let shelf = keyed::evict(state, &key, &value).flatten();
                    evicted.keys.extend(shelf.map(|shelf| (shelf, value)));
                }
                None => break,
            }
        }
        evicted.kept = disk_files(state);
        evicted
    }

    /// Removes from disk what went, and what took its place in memory.
    pub(super) fn drop_evicted(&self, evicted: &Evicted) -> Result<()> {
        let Some(disk) = &self.disk else { return Ok(()) };
        let Evicted { segments, unused, keys, shelves, kept } = evicted;
        if !(segments.is_empty() && unused.is_empty()) {
            let ids = segments.iter().map(|segment| segment.id).chain(unused.iter().map(|unused| unused.id));
            disk.commit(&[], &ids.collect::<Vec<_>>())?;
            disk.remove(unused.iter().filter_map(|unused| unused.file));
            self.doom(segments, kept);
        }
        if !(keys.is_empty() && shelves.is_empty()) {
            disk.drop_keys(keys, shelves)?;
        }
        Ok(())
    }

    /// Has the files of segments removed that nothing that stays names.
    pub(super) fn doom(&self, segments: &[Arc<Segment>], kept: &BTreeSet<u64>) {
        for file in segments.iter().filter_map(|segment| segment.file()).filter(|file| !kept.contains(&file.id)) {
            self.columns.forget(file.id);
            file.doom();
        }
    }
}

fn on_disk(state: &State) -> u64 {
    let unused: u64 = state.unused_shelves.iter().map(|(_, bytes)| bytes).sum();
    files(state) + state.keyed_bytes + unused
}

/// Bytes of all files, each once.
fn files(state: &State) -> u64 {
    let mut files: Vec<(u64, u64)> = segments(state)
        .filter_map(|segment| match &segment.body {
            Body::File(file) => Some((file.id, file.bytes)),
            _ => None,
        })
        .chain(state.unused.iter().filter_map(|unused| Some((unused.file?, unused.bytes))))
        .collect();
    files.sort_unstable();
    files.dedup();
    files.iter().map(|(_, bytes)| bytes).sum()
}

fn segments(state: &State) -> impl Iterator<Item = &Arc<Segment>> {
    state.tables.values().flat_map(|table| &table.shelves).flat_map(|shelf| &shelf.segments)
}

/// What is worth least of what is in memory, or on disk.
fn least(state: &State, in_memory: bool) -> Option<Least> {
    let counts = |segment: &Segment| if in_memory { segment.memory() > 0 } else { segment.disk() > 0 };
    let all = state.tables.iter().flat_map(|(key, table)| {
        table.shelves.iter().flat_map(move |shelf| shelf.segments.iter().map(move |segment| (key, segment)))
    });
    let used = |segment: &Segment| segment.used.load(Ordering::Relaxed);
    let segment = all
        .filter(|(_, segment)| counts(segment))
        .min_by(|(_, one), (_, other)| one.worth().total_cmp(&other.worth()).then_with(|| used(one).cmp(&used(other))));
    let key = keyed::least(state, in_memory);
    match (segment, key) {
        (Some((_, segment)), Some((key, value, worth, last))) if (worth, last) < (segment.worth(), used(segment)) => {
            Some(Least::Key(key, value))
        }
        (Some((key, segment)), _) => Some(Least::Segment(key.clone(), segment.id)),
        (None, Some((key, value, ..))) => Some(Least::Key(key, value)),
        (None, None) => None,
    }
}

fn take(state: &mut State, key: &Key, id: u64) -> Option<Arc<Segment>> {
    let table = state.tables.get_mut(key)?;
    let taken = table.shelves.iter_mut().find_map(|shelf| {
        let place = shelf.segments.iter().position(|segment| segment.id == id)?;
        Some(shelf.segments.remove(place))
    })?;
    tidy(table);
    state.bytes -= taken.memory();
    state.inflation = state.inflation.max(taken.worth());
    Some(taken)
}

/// Drops shelves that hold nothing.
pub(super) fn tidy(table: &mut Table) {
    table.shelves.retain(|shelf: &Shelf| !shelf.segments.is_empty());
}
