//! A body to Arrow, while it comes: `json` cuts it into rows, `row` reads each straight into the builders of the columns
//! that are wanted. Types are exact: a value that is not of its column's type is an error with table, row and column.
//!
//! Called by `fetch`, chunk by chunk. Knows no HTTP.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::error::{Error, Kind, Result};
use crate::model::scan::Scan;
use crate::upstream::json::{self, Splitter};
use crate::upstream::refusal;

mod cell;
mod row;
mod time;

/// Rows of a batch at the most.
pub const BATCH_ROWS: usize = 8_192;
/// Text of a batch at which it is cut even with fewer rows.
const BATCH_BYTES: usize = 4 << 20;
/// A single row longer than this is not read.
const MAX_ROW_BYTES: usize = 64 << 20;

/// Reads one body.
#[derive(Debug)]
pub struct Decoder {
    /// `source.table`, for errors.
    name: String,
    source: String,
    base_url: &'static str,
    max_bytes: u64,
    splitter: Splitter,
    plan: row::Plan,
    builders: Vec<cell::Builder>,
    schema: SchemaRef,
    /// Rows in the builders.
    pending: usize,
    ready: Vec<RecordBatch>,
    rows: u64,
    bytes: u64,
}

impl Decoder {
    /// Makes a decoder of these columns (positions in the table, ascending) of a page. `window_end_us` is what rows
    /// without a time of their own get.
    pub fn new(scan: &Scan, columns: &[usize], window_end_us: i64) -> Result<Self> {
        let schema = scan.table.schema(&Arc::from("UTC")).project(columns).map_err(|error| fault(&error))?;
        let builders = columns
            .iter()
            .filter_map(|position| scan.table.columns.get(*position))
            .map(|column| cell::Builder::new(column, &scan.echoes, window_end_us))
            .collect();
        let connector = scan.source.connector;
        Ok(Decoder {
            name: format!("{}.{}", scan.source.name, scan.table.name),
            source: scan.source.name.clone(),
            base_url: connector.base_url,
            max_bytes: scan.source.body_bytes,
            splitter: Splitter::new(connector.rows_keys, MAX_ROW_BYTES),
            plan: row::Plan::new(scan.table, columns),
            builders,
            schema: Arc::new(schema),
            pending: 0,
            ready: Vec::new(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Reads the next piece of the body.
    ///
    /// # Errors
    /// When the body is not one of rows, a value is not of its type, or a limit is passed. The decoder is then of no use.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<()> {
        self.bytes += chunk.len() as u64;
        if self.bytes > self.max_bytes {
            return Err(Error::new(
                Kind::ConfigurationLimit,
                format!("an answer for {} is larger than {} bytes", self.name, self.max_bytes),
            )
            .detail(format!("It was given up after {} rows.", self.rows))
            .hint("Raise \"body_bytes\" of the source, or narrow the time range."));
        }
        let mut rest = chunk;
        loop {
            let row = match self.splitter.next(&mut rest) {
                Ok(Some(row)) => row,
                Ok(None) => return Ok(()),
                Err(fault) => return Err(self.explain(fault)),
            };
            self.rows += 1;
            if let Err(fault) = self.plan.read(row, &mut self.builders) {
                return Err(fault.explain(&self.name, self.rows));
            }
            self.pending += 1;
            let text_bytes = || self.builders.iter().map(cell::Builder::text_bytes).sum::<usize>();
            if self.pending >= BATCH_ROWS || text_bytes() >= BATCH_BYTES {
                self.flush()?;
            }
        }
    }

    /// Tells that the body has ended, and gives the batches of all of it.
    ///
    /// # Errors
    /// [`Kind::UpstreamTruncated`] when the body was cut, or holds fewer or more rows than it says.
    pub fn finish(mut self) -> Result<Vec<RecordBatch>> {
        match self.splitter.finish() {
            Ok(members) => {
                let count = members.iter().rev().find(|(key, _)| key == "count");
                let count = count.and_then(|(_, raw)| serde_json::from_str::<f64>(raw).ok());
                #[expect(clippy::float_cmp, reason = "both are whole numbers")]
                if let Some(count) = count.filter(|count| *count != self.rows as f64) {
                    let message = format!("upstream cut its answer for {} after {} rows", self.name, self.rows);
                    return Err(Error::new(Kind::UpstreamTruncated, message)
                        .detail(format!("The answer says that it holds {count} rows.")));
                }
            }
            Err(fault) => return Err(self.explain(fault)),
        }
        if self.pending > 0 {
            self.flush()?;
        }
        Ok(self.ready)
    }

    /// Rows read so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The error of a body that broke off; `why` is a sentence.
    pub fn cut(&self, why: impl Into<String>) -> Error {
        let message = format!("upstream cut its answer for {} after {} rows", self.name, self.rows);
        Error::new(Kind::UpstreamTruncated, message).detail(why)
    }

    fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.pending);
        let arrays = self.builders.iter_mut().map(|builder| builder.finish(rows)).collect();
        // The count is told apart, for there may be no column to tell it.
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options);
        self.ready.push(batch.map_err(|error| fault(&error))?);
        Ok(())
    }

    fn explain(&self, fault: json::Fault) -> Error {
        let name = &self.name;
        let broken = |what: String| Error::new(Kind::UpstreamFault, what);
        match fault {
            json::Fault::Cut => self.cut("The JSON ends before it is complete."),
            json::Fault::Html => refusal::web_page(&self.source, self.base_url),
            json::Fault::Syntax => broken(format!("upstream sent something other than JSON rows for {name}"))
                .detail(format!("After {} rows comes what is neither a row nor the end.", self.rows)),
            json::Fault::Trailing => broken(format!("upstream sent more than one JSON value for {name}"))
                .detail(format!("Something follows the end of the answer, after {} rows.", self.rows)),
            json::Fault::NotAnObject => broken(format!("upstream sent a row of {name} that is not a JSON object"))
                .detail(format!("It is row {} of the answer.", self.rows + 1)),
            json::Fault::RowTooLong => Error::new(
                Kind::ConfigurationLimit,
                format!("a row of {name} is larger than {} MB", MAX_ROW_BYTES >> 20),
            )
            .detail(format!("It is row {} of the answer.", self.rows + 1)),
            json::Fault::NoRows => self.without_rows(),
        }
    }

    fn without_rows(&self) -> Error {
        let members = self.splitter.members();
        let told = members.iter().find(|(key, _)| matches!(key.as_str(), "error" | "message" | "detail"));
        if let Some((key, raw)) = told
            && let Some(text) = refusal::text(&format!("{{\"{key}\":{raw}}}"))
        {
            return Error::new(Kind::UpstreamFault, "upstream reported an error instead of rows")
                .detail(format!("Upstream says for {}: {text}", self.name));
        }
        let keys: Vec<&str> = members.iter().map(|(key, _)| key.as_str()).collect();
        Error::new(Kind::UpstreamFault, format!("upstream sent an object without rows for {}", self.name))
            .detail(format!("Its keys are: {}.", keys.join(", ")))
            .hint("Check base_url of the source, and whether the vendor has changed its API.")
    }
}

fn fault(error: &datafusion::arrow::error::ArrowError) -> Error {
    Error::internal(format!("rows do not fit their schema: {error}"))
}

#[cfg(test)]
mod tests;
