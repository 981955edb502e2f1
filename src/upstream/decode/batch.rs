//! Rows into batches: each through the plan of its table into the builders, and out when there are enough of them.

use std::sync::Arc;

use datafusion::arrow::array::Array;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::fault::Fault;
use super::{cell, row};
use crate::error::{Error, Result};
use crate::model::scan::Scan;

/// Rows of a batch at the most.
pub const BATCH_ROWS: usize = 8_192;
/// Text of a batch at which it is cut even with fewer rows.
const BATCH_BYTES: usize = 4 << 20;
/// Keys of an object that tells of an error. Nothing else stands in it.
const ERROR_KEYS: [&str; 4] = ["error", "message", "detail", "code"];
/// How such an object begins where rows have come before it; only there is it worth a look.
const ERROR_START: &[u8] = b"{\"error\"";

/// Takes the rows of one body.
#[derive(Debug)]
pub(super) struct Rows {
    /// `source.table`, for errors.
    table: String,
    plan: row::Plan,
    builders: Vec<cell::Builder>,
    schema: SchemaRef,
    /// Rows in the builders.
    pending: usize,
    ready: Vec<RecordBatch>,
    count: u64,
}

impl Rows {
    pub(super) fn new(table: String, scan: &Scan, columns: &[usize], window_end_us: i64) -> Result<Self> {
        let schema = scan.table.schema(&Arc::from("UTC")).project(columns).map_err(|error| internal(&error))?;
        let builders = columns
            .iter()
            .filter_map(|position| scan.table.columns.get(*position))
            .map(|column| cell::Builder::new(column, &scan.echoes, window_end_us))
            .collect();
        Ok(Rows {
            table,
            plan: row::Plan::new(scan.table, columns),
            builders,
            schema: Arc::new(schema),
            pending: 0,
            ready: Vec::new(),
            count: 0,
        })
    }

    /// Rows taken so far, with the one that could not be read.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Takes a row: the text of a JSON object.
    pub(super) fn take(&mut self, row: &[u8]) -> Result<(), Fault> {
        self.count += 1;
        if let Err(fault) = self.plan.read(row, &mut self.builders) {
            return Err(Fault::Row(fault.explain(&self.table, self.count)));
        }
        self.pending += 1;
        let text_bytes = || self.builders.iter().map(cell::Builder::text_bytes).sum::<usize>();
        if self.pending >= BATCH_ROWS || text_bytes() >= BATCH_BYTES {
            self.flush().map_err(Fault::Row)?;
        }
        Ok(())
    }

    /// Takes a line, which has no envelope around it that could tell of an error: the line does.
    pub(super) fn take_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        if (self.count == 0 || line.starts_with(ERROR_START))
            && let Ok(text) = std::str::from_utf8(line)
        {
            let members = row::members(text);
            if !members.is_empty() && members.iter().all(|(key, _)| ERROR_KEYS.contains(&&**key)) {
                let members = members.into_iter().map(|(key, raw)| (key.into_owned(), raw.get().to_owned()));
                return Err(Fault::Reported(members.collect()));
            }
        }
        self.take(line)
    }

    /// Refuses what would be the next row; `why` is a sentence.
    pub(super) fn refuse(&self, why: String) -> Fault {
        Fault::Row(row::Fault::Syntax(why).explain(&self.table, self.count + 1))
    }

    /// Gives the batches of all rows, in their order.
    pub(super) fn finish(mut self) -> Result<Vec<RecordBatch>> {
        if self.pending > 0 {
            self.flush()?;
        }
        Ok(self.ready)
    }

    fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.pending);
        // Builders have room for many more rows than a small page brings, and rows may be held for long.
        let finish = |builder: &mut cell::Builder| {
            let mut array = builder.finish(rows);
            array.shrink_to_fit();
            array
        };
        let arrays = self.builders.iter_mut().map(finish).collect();
        // The count is told apart, for there may be no column to tell it.
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options);
        self.ready.push(batch.map_err(|error| internal(&error))?);
        Ok(())
    }
}

fn internal(error: &ArrowError) -> Error {
    Error::internal(format!("rows do not fit their schema: {error}"))
}
