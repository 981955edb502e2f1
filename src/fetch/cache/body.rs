//! The rows of a segment: sorted by their time, in memory or in a file, and the parts of them that are wanted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use datafusion::arrow::compute::{SortOptions, concat_batches, sort_to_indices, take_record_batch};
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::columns::Columns;
use super::disk::File;
use crate::error::{Error, Result};
use crate::fetch::segment::Extent;
use crate::model::scan::Range;

/// Rows of a segment at the most, unless they share one instant.
pub(super) const MOST_ROWS: usize = 1 << 18;

/// Bytes of a segment in memory at the most, unless its rows share one instant.
pub(super) const MOST_BYTES: usize = 64 << 20;

/// Rows of a batch that is handed on.
const BATCH_ROWS: usize = 1 << 14;

/// All rows of a range of time. It never changes; others take its place.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) id: u64,
    pub(super) extent: Extent,
    /// Positions of its columns in the table, ascending.
    pub(super) columns: Arc<[usize]>,
    /// Where the time stands among these.
    pub(super) time: usize,
    /// The rows that count: so many of the body's, from this one on.
    pub(super) offset: usize,
    pub(super) n_rows: usize,
    pub(super) body: Body,
    /// Upstream calls that it took to read it.
    pub(super) calls: f64,
    /// Bits of what it is worth to keep it; see [`super::evict`].
    pub(super) worth: AtomicU64,
    /// The clock of its last use.
    pub(super) used: AtomicU64,
}

/// Where rows are.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// There are none.
    Empty,
    /// In memory.
    Memory(RecordBatch),
    /// On disk.
    File(Arc<File>),
}

impl Segment {
    /// Whether it has these columns.
    pub(super) fn has(&self, columns: impl IntoIterator<Item = usize>) -> bool {
        columns.into_iter().all(|column| self.columns.binary_search(&column).is_ok())
    }

    /// Bytes that it takes in memory for as long as it is held.
    pub(super) fn memory(&self) -> usize {
        match &self.body {
            Body::Memory(rows) => rows.get_array_memory_size(),
            Body::Empty | Body::File(_) => 0,
        }
    }

    /// How many of its rows lie in a range.
    pub(super) fn count(&self, range: Range, columns: &Columns) -> Result<usize> {
        self.place(range, columns).map(|(_, n_rows)| n_rows)
    }

    /// Which of its rows lie in a range: so many, from this one on.
    pub(super) fn place(&self, range: Range, columns: &Columns) -> Result<(usize, usize)> {
        let own = self.extent.range;
        let from_start = range.from.is_none() || own.from.is_some() && range.from <= own.from;
        let to_end = range.to.is_none() || own.to.is_some() && own.to <= range.to;
        if from_start && to_end || self.n_rows == 0 {
            return Ok((0, self.n_rows));
        }
        let times = self.read(&[self.columns[self.time]], columns)?;
        let times = times.column(0).as_primitive::<TimestampMicrosecondType>().values();
        let from = range.from.map_or(0, |from| times.partition_point(|time| *time < from));
        let to = range.to.map_or(times.len(), |to| times.partition_point(|time| *time <= to));
        Ok((from, to.saturating_sub(from)))
    }

    /// All its rows, of these columns of the table.
    pub(super) fn read(&self, wanted: &[usize], columns: &Columns) -> Result<RecordBatch> {
        let places = places(&self.columns, wanted)?;
        let rows = match &self.body {
            Body::Empty => return Err(Error::internal("a segment without rows was read")),
            Body::Memory(rows) => rows.project(&places).map_err(fault)?,
            Body::File(file) => columns.read(file, &places)?,
        };
        Ok(rows.slice(self.offset, self.n_rows))
    }

    /// The rows of a range in the order of their time, cut into batches.
    pub(super) fn batches(
        &self,
        range: Range,
        wanted: &[usize],
        descending: bool,
        columns: &Columns,
    ) -> Result<Vec<RecordBatch>> {
        let (offset, n_rows) = self.place(range, columns)?;
        if n_rows == 0 {
            return Ok(Vec::new());
        }
        let rows = self.read(wanted, columns)?.slice(offset, n_rows);
        let mut batches: Vec<RecordBatch> =
            (0..n_rows).step_by(BATCH_ROWS).map(|from| rows.slice(from, BATCH_ROWS.min(n_rows - from))).collect();
        if descending {
            batches.reverse();
            for batch in &mut batches {
                *batch = reversed(batch)?;
            }
        }
        Ok(batches)
    }

    /// What a trimmed segment holds: its rows of a range, under a number of its own.
    pub(super) fn trimmed(&self, id: u64, range: Range, columns: &Columns) -> Result<Segment> {
        let (offset, n_rows) = self.place(range, columns)?;
        let share = if self.n_rows == 0 { 0.0 } else { n_rows as f64 / self.n_rows as f64 };
        let mut trimmed = Segment {
            id,
            extent: Extent { range, ..self.extent },
            columns: Arc::clone(&self.columns),
            time: self.time,
            offset: self.offset + offset,
            n_rows,
            body: if n_rows == 0 { Body::Empty } else { self.body.clone() },
            calls: self.calls * share,
            worth: AtomicU64::new(self.worth.load(Ordering::Relaxed)),
            used: AtomicU64::new(self.used.load(Ordering::Relaxed)),
        };
        if let Body::Memory(rows) = &self.body
            && n_rows > 0
            && n_rows < rows.num_rows() / 8 * 7
        {
            // A slice would keep the whole alive.
            let all: UInt32Array = (0..n_rows as u32).collect();
            let copy = take_record_batch(&rows.slice(trimmed.offset, n_rows), &all).map_err(fault)?;
            (trimmed.offset, trimmed.body) = (0, Body::Memory(copy));
        }
        Ok(trimmed)
    }
}

/// Rows as one batch in the order of their time.
pub(super) fn sorted(batches: &[RecordBatch], time: usize) -> Result<Option<RecordBatch>> {
    let Some(first) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(None) };
    let all = concat_batches(&first.schema(), batches).map_err(fault)?;
    let times = all.column(time).as_primitive::<TimestampMicrosecondType>();
    if times.null_count() > 0 {
        return Err(Error::internal("a row without the time that every row has"));
    }
    if times.values().is_sorted() {
        return Ok(Some(all));
    }
    let order = SortOptions { descending: false, nulls_first: false };
    let indices = sort_to_indices(all.column(time), Some(order), None).map_err(fault)?;
    take_record_batch(&all, &indices).map(Some).map_err(fault)
}

/// Rows in any order, sorted by any of their columns.
pub(super) fn sorted_by(batches: &[RecordBatch], column: usize, descending: bool) -> Result<Vec<RecordBatch>> {
    let Some(first) = batches.first() else { return Ok(Vec::new()) };
    let all = concat_batches(&first.schema(), batches).map_err(fault)?;
    let options = SortOptions { descending, nulls_first: descending };
    let indices = sort_to_indices(all.column(column), Some(options), None).map_err(fault)?;
    Ok(vec![take_record_batch(&all, &indices).map_err(fault)?])
}

/// Those of some sorted rows that lie in a range.
pub(super) fn within(rows: &RecordBatch, time: usize, range: Range) -> RecordBatch {
    let times = rows.column(time).as_primitive::<TimestampMicrosecondType>().values();
    let from = range.from.map_or(0, |from| times.partition_point(|time| *time < from));
    let to = range.to.map_or(times.len(), |to| times.partition_point(|time| *time <= to));
    rows.slice(from, to.saturating_sub(from))
}

/// Cuts the sorted rows of a range into ranges of bounded size. Rows on one instant stay together.
pub(super) fn cut(rows: &RecordBatch, time: usize, range: Range) -> Vec<(Range, RecordBatch)> {
    let n_rows = rows.num_rows();
    let row_bytes = (rows.get_array_memory_size() / n_rows.max(1)).max(1);
    let most = MOST_ROWS.min(MOST_BYTES / row_bytes).max(1);
    let times = rows.column(time).as_primitive::<TimestampMicrosecondType>().values();
    let mut cuts = Vec::new();
    let (mut start, mut from) = (0, range.from);
    while n_rows - start > most {
        let border = times[start + most];
        let mut end = times.partition_point(|time| *time < border);
        if end <= start {
            end = times.partition_point(|time| *time <= border);
        }
        if end >= n_rows {
            break;
        }
        let to = times[end] - 1;
        cuts.push((Range { from, to: Some(to) }, rows.slice(start, end - start)));
        (start, from) = (end, Some(to + 1));
    }
    cuts.push((Range { from, to: range.to }, rows.slice(start, n_rows - start)));
    cuts
}

/// Columns as a batch.
pub(super) fn batch_of(
    schema: datafusion::arrow::datatypes::SchemaRef,
    columns: Vec<ArrayRef>,
    n_rows: usize,
) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
    RecordBatch::try_new_with_options(schema, columns, &options).map_err(fault)
}

fn reversed(batch: &RecordBatch) -> Result<RecordBatch> {
    let n_rows = batch.num_rows() as u32;
    let indices: UInt32Array = (0..n_rows).rev().collect();
    if batch.num_columns() == 0 {
        return Ok(batch.clone());
    }
    take_record_batch(batch, &indices).map_err(fault)
}

/// Where columns of the table stand among those that are held.
pub(super) fn places(held: &[usize], wanted: &[usize]) -> Result<Vec<usize>> {
    let places: Result<Vec<usize>, usize> = wanted.iter().map(|column| held.binary_search(column)).collect();
    places.map_err(|_| Error::internal("a column is wanted that is not held"))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(super) fn fault(error: ArrowError) -> Error {
    Error::internal(format!("held rows do not go together: {error}"))
}
