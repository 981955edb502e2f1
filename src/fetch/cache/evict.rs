//! What goes when there is no room: what takes the fewest upstream calls to read again for the bytes that it takes, and
//! of that what was not used for the longest (GreedyDual-Size: each use lifts a segment above what went last).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::body::{Body, Segment};
use super::{Cache, Key, Shelf, State, Table};

/// Rows in memory leave columns of files at least this part of the budget.
const COLUMNS_SHARE: usize = 4;

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
            match least(state, |segment| segment.memory() > 0) {
                Some((key, id)) => drop(take(state, &key, id)),
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

    /// The segments that have to go for the files to fit on disk.
    pub(super) fn evict_disk(&self, state: &mut State) -> Vec<Arc<Segment>> {
        let Some(disk) = &self.disk else { return Vec::new() };
        let mut gone = Vec::new();
        let mut bytes = files(state);
        while bytes > disk.max_bytes {
            let Some((key, id)) = least(state, |segment| segment.disk() > 0) else { break };
            gone.extend(take(state, &key, id));
            bytes = files(state);
        }
        gone
    }
}

/// Bytes of all files, each once.
fn files(state: &State) -> u64 {
    let mut files: Vec<(u64, u64)> = segments(state)
        .filter_map(|segment| match &segment.body {
            Body::File(file) => Some((file.id, file.bytes)),
            _ => None,
        })
        .collect();
    files.sort_unstable();
    files.dedup();
    files.iter().map(|(_, bytes)| bytes).sum()
}

fn segments(state: &State) -> impl Iterator<Item = &Arc<Segment>> {
    state.tables.values().flat_map(|table| &table.shelves).flat_map(|shelf| &shelf.segments)
}

/// The segment that is worth least.
fn least(state: &State, counts: impl Fn(&Segment) -> bool) -> Option<(Key, u64)> {
    let all = state.tables.iter().flat_map(|(key, table)| {
        table.shelves.iter().flat_map(move |shelf| shelf.segments.iter().map(move |segment| (key, segment)))
    });
    let least = all.filter(|(_, segment)| counts(segment)).min_by(|(_, one), (_, other)| {
        let used = |segment: &Segment| segment.used.load(Ordering::Relaxed);
        one.worth().total_cmp(&other.worth()).then_with(|| used(one).cmp(&used(other)))
    })?;
    Some((least.0.clone(), least.1.id))
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
