//! Columns of files that were read lately, as Arrow in memory: the least recently used go first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::record_batch::RecordBatch;

use super::body::batch_of;
use super::disk::File;
use crate::error::Result;
use crate::model::statement::lock;

/// Columns in memory, within a budget.
#[derive(Debug)]
pub(super) struct Columns {
    budget: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By the file's number and the column's position in it; with the clock of the last use.
    columns: HashMap<(u64, usize), (ArrayRef, u64)>,
    bytes: usize,
    clock: u64,
}

impl Columns {
    pub(super) fn new(budget: usize) -> Self {
        Columns { budget: AtomicUsize::new(budget), state: Mutex::default() }
    }

    /// Lets columns take so many bytes from now on.
    pub(super) fn limit(&self, budget: usize) {
        self.budget.store(budget, Ordering::Relaxed);
        self.trim(&mut lock(&self.state));
    }

    /// Bytes that are taken.
    pub(super) fn bytes(&self) -> usize {
        lock(&self.state).bytes
    }

    /// Columns of a file, by their position in it: those in memory, and the others from disk.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn read(&self, file: &Arc<File>, wanted: &[usize]) -> Result<RecordBatch> {
        let mut found: Vec<Option<ArrayRef>> = {
            let mut state = lock(&self.state);
            state.clock += 1;
            let clock = state.clock;
            let mut find = |column: &usize| {
                state.columns.get_mut(&(file.id, *column)).map(|(array, used)| {
                    *used = clock;
                    Arc::clone(array)
                })
            };
            wanted.iter().map(&mut find).collect()
        };
        let mut missing: Vec<usize> =
            wanted.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(column, _)| *column).collect();
        missing.sort_unstable();
        missing.dedup();
        if !missing.is_empty() {
            let read = file.read(&missing)?;
            for (column, array) in missing.iter().zip(&read) {
                for (_, found) in wanted.iter().zip(&mut found).filter(|(wanted, _)| *wanted == column) {
                    *found = Some(Arc::clone(array));
                }
            }
            self.keep(file.id, missing.into_iter().zip(read));
        }
        let schema = Arc::new(file.schema.project(wanted).map_err(super::body::fault)?);
        batch_of(schema, found.into_iter().flatten().collect(), file.rows)
    }

    /// Forgets a file that is gone.
    pub(super) fn forget(&self, file: u64) {
        let mut state = lock(&self.state);
        let mut freed = 0;
        state.columns.retain(|(own, _), (array, _)| {
            let stays = *own != file;
            freed += if stays { 0 } else { array.get_array_memory_size() };
            stays
        });
        state.bytes -= freed;
    }

    fn keep(&self, file: u64, columns: impl Iterator<Item = (usize, ArrayRef)>) {
        let mut state = lock(&self.state);
        let clock = state.clock;
        for (column, array) in columns {
            state.bytes += array.get_array_memory_size();
            if let Some((before, _)) = state.columns.insert((file, column), (array, clock)) {
                state.bytes -= before.get_array_memory_size();
            }
        }
        self.trim(&mut state);
    }

    fn trim(&self, state: &mut State) {
        let budget = self.budget.load(Ordering::Relaxed);
        while state.bytes > budget {
            let oldest = state.columns.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key);
            let Some((array, _)) = oldest.and_then(|oldest| state.columns.remove(&oldest)) else { return };
            state.bytes -= array.get_array_memory_size();
        }
    }
}
