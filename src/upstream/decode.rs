//! A body to Arrow, while it comes: `json` cuts it into rows, `row` reads each straight into the builders of the columns
//! that are wanted. Types are exact: a value that is not of its column's type is an error with table, row and column.
//!
//! Called by `fetch`, chunk by chunk. Knows no HTTP.

use datafusion::arrow::record_batch::RecordBatch;

use crate::error::{Error, Kind, Result};
use crate::model::connector::Body;
use crate::model::scan::Scan;
use crate::upstream::json::Splitter;

mod batch;
mod cell;
mod csv;
mod document;
mod encoded;
mod fault;
mod file;
mod row;
mod text;
mod time;
mod unescape;

pub use batch::BATCH_ROWS;
use batch::Rows;
use fault::{Fault, Names};
use file::File;
use text::Text;

/// A single row longer than this is not read.
const MAX_ROW_BYTES: usize = 64 << 20;

/// A body that has been read to its end.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Its rows.
    pub batches: Vec<RecordBatch>,
    /// What stood beside them.
    pub envelope: Envelope,
    /// Where the rows are to be fetched instead, if there are none in the body.
    pub file_url: Option<String>,
    /// Upstream says that it left rows out.
    pub truncated: bool,
}

/// The members of the object that holds the rows, without these; the last of several of one name counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope(Vec<(String, String)>);

impl Envelope {
    /// The value at a path of keys; `None` if there is none.
    pub fn get(&self, path: &[&str]) -> Option<serde_json::Value> {
        let (first, rest) = path.split_first()?;
        let (_, raw) = self.0.iter().rev().find(|(key, _)| key == first)?;
        let mut value: serde_json::Value = serde_json::from_str(raw).ok()?;
        for key in rest {
            value = value.get_mut(*key)?.take();
        }
        Some(value)
    }
}

/// Reads one body.
#[derive(Debug)]
pub struct Decoder {
    names: Names,
    max_bytes: u64,
    shape: Shape,
    rows: Rows,
    bytes: u64,
}

/// How the rows stand in the body.
#[derive(Debug)]
enum Shape {
    Rows {
        splitter: Splitter,
        /// The envelope's `count` is the number of its rows.
        counts: bool,
    },
    Lines(Splitter),
    File(Box<File>),
    /// The file itself.
    Text(Box<Text>),
}

impl Decoder {
    /// Makes a decoder of these columns (positions in the table, ascending) of a page. `window_end_us` is what rows
    /// without a time of their own get.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn new(scan: &Scan, columns: &[usize], window_end_us: i64) -> Result<Self> {
        let shape = match scan.table.body {
            Body::Rows { keys, count } => Shape::Rows { splitter: Splitter::new(keys, MAX_ROW_BYTES), counts: count },
            Body::Lines { .. } => Shape::Lines(Splitter::lines(MAX_ROW_BYTES)),
            Body::File { content, url } => Shape::File(Box::new(File::new(content, url, Text::new(scan)))),
        };
        Decoder::of(shape, scan, columns, window_end_us)
    }

    /// Makes a decoder of a file that an answer has named by its URL: a JSON array, an object a line, or CSV. Columns
    /// and `window_end_us` are those of the page.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn of_file(scan: &Scan, columns: &[usize], window_end_us: i64) -> Result<Self> {
        Decoder::of(Shape::Text(Box::new(Text::new(scan))), scan, columns, window_end_us)
    }

    fn of(shape: Shape, scan: &Scan, columns: &[usize], window_end_us: i64) -> Result<Self> {
        let table = format!("{}.{}", scan.source.name, scan.table.name);
        let rows = Rows::new(table.clone(), scan, columns, window_end_us)?;
        let names = Names { table, source: scan.source.name.clone(), base_url: scan.source.connector.base_url };
        Ok(Decoder { names, max_bytes: scan.source.body_bytes, shape, rows, bytes: 0 })
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
                format!("an answer for {} is larger than {} bytes", self.names.table, self.max_bytes),
            )
            .detail(format!("It was given up after {} rows.", self.rows.count()))
            .hint("Raise \"body_bytes\" of the source, or narrow the time range."));
        }
        let rows = &mut self.rows;
        let read = match &mut self.shape {
            Shape::Rows { splitter, .. } => take_rows(splitter, chunk, rows),
            Shape::Lines(splitter) => take_lines(splitter, chunk, rows),
            Shape::File(file) => file.feed(chunk, rows),
            Shape::Text(text) => text.feed(chunk, rows),
        };
        read.map_err(|fault| self.explain(fault))
    }

    /// Tells that the body has ended, and gives the batches of all of it.
    ///
    /// # Errors
    /// [`Kind::UpstreamTruncated`] when the body was cut, or holds fewer or more rows than it says.
    pub fn finish(mut self) -> Result<Decoded> {
        let rows = &mut self.rows;
        let ended = match &mut self.shape {
            Shape::Rows { splitter, .. } | Shape::Lines(splitter) => {
                splitter.finish().map(|members| (members.to_vec(), None)).map_err(Fault::Json)
            }
            Shape::File(file) => file.finish(rows),
            Shape::Text(text) => text.finish(rows).map(|()| (Vec::new(), None)),
        };
        let (members, file_url) = ended.map_err(|fault| self.explain(fault))?;
        if matches!(self.shape, Shape::Rows { counts: true, .. }) {
            self.check_count(&members)?;
        }
        Ok(Decoded { batches: self.rows.finish()?, envelope: Envelope(members), file_url, truncated: false })
    }

    /// Rows read so far.
    pub fn rows(&self) -> u64 {
        self.rows.count()
    }

    /// The error of a body that broke off; `why` is a sentence.
    pub fn cut(&self, why: impl Into<String>) -> Error {
        self.names.cut(self.rows.count(), why)
    }

    fn check_count(&self, members: &[(String, String)]) -> Result<()> {
        let count = members.iter().rev().find(|(key, _)| key == "count");
        let count = count.and_then(|(_, raw)| serde_json::from_str::<f64>(raw).ok());
        #[expect(clippy::float_cmp, reason = "both are whole numbers")]
        match count.filter(|count| *count != self.rows.count() as f64) {
            Some(count) => Err(self.cut(format!("The answer says that it holds {count} rows."))),
            None => Ok(()),
        }
    }

    fn explain(&self, fault: Fault) -> Error {
        let members = match &self.shape {
            Shape::Rows { splitter, .. } | Shape::Lines(splitter) => splitter.members(),
            Shape::File(file) => file.members(),
            Shape::Text(_) => &[],
        };
        fault.explain(&self.names, self.rows.count(), members)
    }
}

/// Reads the rows that end in this chunk.
fn take_rows(splitter: &mut Splitter, chunk: &[u8], rows: &mut Rows) -> Result<(), Fault> {
    let mut rest = chunk;
    while let Some(row) = splitter.next(&mut rest)? {
        rows.take(row)?;
    }
    Ok(())
}

/// Reads the lines that end in this chunk. One may be an error instead of a row.
fn take_lines(splitter: &mut Splitter, chunk: &[u8], rows: &mut Rows) -> Result<(), Fault> {
    let mut rest = chunk;
    while let Some(row) = splitter.next(&mut rest)? {
        rows.take_line(row)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
