//! The rows of one page, each with its time and its place: enough to judge, filter and order them without moving any.

use std::cmp::Reverse;
use std::collections::HashMap;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::interleave_record_batch;
use datafusion::arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::error::{Error, Result};
use crate::model::scan::Range;
use crate::upstream::decode::BATCH_ROWS;

/// Batches, and those of their rows that count, in order.
#[derive(Debug, Default)]
pub(super) struct Rows {
    batches: Vec<RecordBatch>,
    places: Vec<Place>,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its time, or its rank in another order; zero if the table has none.
    pub(super) time: i64,
    batch: u32,
    row: u32,
}

/// How the times of rows follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Never later than the one before. Also if all are one instant.
    NewestFirst,
    /// Never earlier than the one before, and not all one instant.
    OldestFirst,
    /// None of these.
    Mixed,
}

impl Rows {
    /// All rows of a page. `time` is the position of the column that orders them, if there is one: a time, an integer
    /// or a double.
    pub(super) fn new(batches: Vec<RecordBatch>, time: Option<usize>) -> Self {
        Rows::by(batches, time, &[])
    }

    /// As [`Rows::new`]; with keys, by the number that they lead to within a `jsonb` column.
    pub(super) fn by(batches: Vec<RecordBatch>, time: Option<usize>, path: &[String]) -> Self {
        let mut places = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
        let mut last = 0;
        for (batch, rows) in (0..).zip(&batches) {
            let ranks = time.map(|time| rank(rows.column(time), path));
            let count = u32::try_from(rows.num_rows()).unwrap_or(u32::MAX);
            places.extend((0..count).map(|row| {
                // A row without a value has no place of its own: it stays behind its neighbour.
                last = ranks.as_ref().and_then(|rank| rank(row as usize)).unwrap_or(last);
                Place { time: last, batch, row }
            }));
        }
        Rows { batches, places }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// The key of a row, of the columns at these positions.
    pub(super) fn key(&self, place: Place, key: &[usize]) -> String {
        let row = place.row as usize;
        let part = |column: &usize| {
            let column = self.batches[place.batch as usize].column(*column);
            match column.as_string_opt::<i32>() {
                Some(texts) if texts.is_valid(row) => texts.value(row).to_owned(),
                _ => column.as_primitive_opt::<Int64Type>().map(|ids| ids.value(row).to_string()).unwrap_or_default(),
            }
        };
        match key {
            [only] => part(only),
            // A NUL stands in no text, so parts cannot run into each other.
            parts => parts.iter().map(part).collect::<Vec<String>>().join("\0"),
        }
    }

    pub(super) fn order(&self) -> Order {
        let falls = self.places.is_sorted_by(|one, next| one.time >= next.time);
        let rises = || self.places.is_sorted_by(|one, next| one.time <= next.time);
        match falls {
            true => Order::NewestFirst,
            false if rises() => Order::OldestFirst,
            false => Order::Mixed,
        }
    }

    /// Keeps the rows that satisfy a test.
    pub(super) fn retain(&mut self, mut test: impl FnMut(Place) -> bool) {
        self.places.retain(|place| test(*place));
    }

    /// Keeps the rows of one key, which stands in the column at this position.
    pub(super) fn retain_key(&mut self, column: usize, wanted: &str) {
        let mut places = std::mem::take(&mut self.places);
        places.retain(|place| self.key(*place, &[column]) == wanted);
        self.places = places;
    }

    /// Drops the rows whose key has been seen.
    pub(super) fn drop_seen(&mut self, key: &[usize], seen: &HashMap<String, i64>) {
        if seen.is_empty() {
            return;
        }
        let mut places = std::mem::take(&mut self.places);
        places.retain(|place| !seen.contains_key(&self.key(*place, key)));
        self.places = places;
    }

    /// Orders the rows oldest first; those of one instant stay as they came.
    pub(super) fn sort_oldest_first(&mut self) {
        self.places.sort_by_key(|place| place.time);
    }

    /// Orders the rows newest first; those of one instant stay as they came.
    pub(super) fn sort_newest_first(&mut self) {
        self.places.sort_by_key(|place| Reverse(place.time));
    }

    /// Adds the rows of another page.
    pub(super) fn append(&mut self, other: Rows) {
        let offset = u32::try_from(self.batches.len()).unwrap_or(u32::MAX);
        self.batches.extend(other.batches);
        self.places.extend(other.places.into_iter().map(|place| Place { batch: place.batch + offset, ..place }));
    }

    /// Gives the rows as batches of these columns.
    pub(super) fn into_batches(self, columns: &[usize]) -> Result<Vec<RecordBatch>> {
        let projected: Result<Vec<RecordBatch>, ArrowError> =
            self.batches.iter().map(|batch| batch.project(columns)).collect();
        let projected = projected.map_err(|error| fault(&error))?;
        let mut places = self.places.iter();
        let untouched = self.places.len() == self.batches.iter().map(RecordBatch::num_rows).sum::<usize>()
            && self.places.is_sorted_by_key(|place| (place.batch, place.row));
        if untouched {
            return Ok(projected);
        }
        let references: Vec<&RecordBatch> = projected.iter().collect();
        let mut batches = Vec::new();
        loop {
            let part: Vec<(usize, usize)> =
                places.by_ref().take(BATCH_ROWS).map(|place| (place.batch as usize, place.row as usize)).collect();
            if part.is_empty() {
                return Ok(batches);
            }
            let batch = if columns.is_empty() {
                let options = RecordBatchOptions::new().with_row_count(Some(part.len()));
                RecordBatch::try_new_with_options(references[0].schema(), Vec::new(), &options)
            } else {
                interleave_record_batch(&references, &part)
            };
            batches.push(batch.map_err(|error| fault(&error))?);
        }
    }
}

/// Maps the values of a column to integers of the same order; a row without a value has none.
fn rank<'a>(column: &'a ArrayRef, path: &'a [String]) -> Box<dyn Fn(usize) -> Option<i64> + 'a> {
    // Of doubles that are no NaN the bits, read as sign and magnitude, have their order; -0 is 0.
    let of_double = |number: f64| {
        let bits = (number + 0.0).to_bits() as i64;
        bits ^ (((bits >> 63) as u64) >> 1) as i64
    };
    if let Some(texts) = column.as_string_opt::<i32>() {
        return Box::new(move |row| {
            let document = texts.is_valid(row).then(|| serde_json::from_str::<serde_json::Value>(texts.value(row)));
            let found = path.iter().try_fold(&document?.ok()?, |value, key| value.get(key))?.clone();
            let number = found.as_f64().or_else(|| found.as_str()?.parse().ok());
            number.map(of_double)
        });
    }
    if let Some(times) = column.as_primitive_opt::<TimestampMicrosecondType>() {
        return Box::new(|row| times.is_valid(row).then(|| times.value(row)));
    }
    if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
        return Box::new(|row| numbers.is_valid(row).then(|| numbers.value(row)));
    }
    match column.as_primitive_opt::<Float64Type>() {
        Some(doubles) => Box::new(move |row| doubles.is_valid(row).then(|| of_double(doubles.value(row)))),
        None => Box::new(|_| None),
    }
}

/// Whether an instant lies in a range, or within `slack` of it.
pub(super) fn holds(range: Range, time: i64, slack: i64) -> bool {
    range.from.is_none_or(|from| time >= from.saturating_sub(slack))
        && range.to.is_none_or(|to| time <= to.saturating_add(slack))
}

fn fault(error: &ArrowError) -> Error {
    Error::internal(format!("rows of a page do not go together: {error}"))
}

#[cfg(test)]
impl Rows {
    /// Rows of which only the times are known.
    pub(super) fn of_times(times: &[i64]) -> Self {
        let places = (0..).zip(times).map(|(row, time)| Place { time: *time, batch: 0, row }).collect();
        Rows { batches: Vec::new(), places }
    }
}
