//! Record batches as COPY data: text, CSV and binary (<https://www.postgresql.org/docs/15/sql-copy.html>).

use std::ops::Range;
use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::{RecordBatch, new_empty_array};
use datafusion::arrow::datatypes::Schema;

use crate::error::{Error, Kind, Result};
use crate::pgtype::column::{Column, Printer, patch_length};
use crate::pgtype::style::{Format, Style};
use crate::pgtype::types::PgType;
use crate::session::copy::CopyFormat;

/// What a binary COPY starts with: the signature, no flags, no extension.
const BINARY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with, in the place of a number of columns.
const BINARY_TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// Small enough to stay in the processor's nearest cache until it is copied.
const FLUSH_BYTES: usize = 16 << 10;

/// Turns the batches of one result into CopyData messages, a row each.
#[derive(Debug)]
pub struct CopyEncoder {
    names: Vec<String>,
    types: Vec<PgType>,
    n_columns: u16,
    format: Arc<CopyFormat>,
    /// For each byte whether a value with it is not written as it is.
    special: Box<[bool; 256]>,
    printer: Printer,
    scratch: Vec<u8>,
    /// One value on its way to its quotes or escapes.
    value: Vec<u8>,
    /// The binary header is not sent yet: it goes with the first row.
    owes_header: bool,
}

impl CopyEncoder {
    /// Prepares for batches of a schema. Fails if a column cannot be sent so.
    pub fn new(schema: &Schema, format: &Arc<CopyFormat>, style: &Style) -> Result<Self> {
        let mut types = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let pg = PgType::of(field)?;
            let nothing = new_empty_array(field.data_type());
            let column = Column::new(&nothing, pg, 0..0)?;
            if format.is_binary() {
                column.check_binary()?;
            }
            types.push(pg);
        }
        let n_columns =
            u16::try_from(types.len()).map_err(|_| Error::new(Kind::ProgramLimit, "a result has too many columns"))?;
        let mut special = Box::new([false; 256]);
        let bytes: Vec<u8> = match format.as_ref() {
            CopyFormat::Text { delimiter, .. } => [b"\\\x08\x0c\n\r\t\x0b".as_slice(), &[*delimiter]].concat(),
            CopyFormat::Csv { delimiter, quote, .. } => vec![*delimiter, *quote, b'\n', b'\r'],
            CopyFormat::Binary => Vec::new(),
        };
        bytes.into_iter().for_each(|byte| special[usize::from(byte)] = true);
        Ok(CopyEncoder {
            names: schema.fields().iter().map(|field| field.name().clone()).collect(),
            types,
            n_columns,
            owes_header: format.is_binary(),
            format: Arc::clone(format),
            special,
            printer: Printer::new(style),
            scratch: Vec::new(),
            value: Vec::new(),
        })
    }

    /// Appends CopyOutResponse, and the names of the columns if they are wanted.
    pub fn begin(&mut self, out: &mut BytesMut) -> Result<()> {
        let code = i16::from(self.format.is_binary());
        out.put_u8(b'H');
        out.put_u32(4 + 1 + 2 + 2 * u32::from(self.n_columns));
        out.put_u8(u8::from(self.format.is_binary()));
        out.put_u16(self.n_columns);
        (0..self.n_columns).for_each(|_| out.put_i16(code));
        let format = Arc::clone(&self.format);
        let (CopyFormat::Text { delimiter, header, .. } | CopyFormat::Csv { delimiter, header, .. }) = format.as_ref()
        else {
            return Ok(());
        };
        if !header {
            return Ok(());
        }
        let start = open(&mut self.scratch);
        for at in 0..self.names.len() {
            if at > 0 {
                self.scratch.push(*delimiter);
            }
            let from = self.scratch.len();
            self.scratch.extend_from_slice(self.names[at].as_bytes());
            self.settle(from, false);
        }
        self.scratch.push(b'\n');
        patch_length(start + 1, 0, &mut self.scratch)?;
        self.empty_into(out);
        Ok(())
    }

    /// Appends the rows `rows` of a batch. On an error the row at fault is not in the output, those before it are.
    pub fn encode(&mut self, batch: &RecordBatch, rows: Range<usize>, out: &mut BytesMut) -> Result<()> {
        if batch.num_columns() != self.types.len() || rows.end > batch.num_rows() {
            return Err(Error::internal("a batch is not of the result's schema, or lacks rows"));
        }
        let columns = batch.columns().iter().zip(&self.types);
        let columns = columns.map(|(array, pg)| Column::new(array, *pg, rows.clone())).collect::<Result<Vec<_>>>()?;
        let format = Arc::clone(&self.format);
        let mut result = Ok(());
        for row in rows {
            let start = open(&mut self.scratch);
            result = match format.as_ref() {
                CopyFormat::Binary => self.binary_row(&columns, row),
                CopyFormat::Text { delimiter, null, .. } => self.text_row(&columns, row, *delimiter, null, &[]),
                CopyFormat::Csv { delimiter, null, force_quote, .. } => {
                    self.text_row(&columns, row, *delimiter, null, force_quote)
                }
            };
            result = result.and_then(|()| patch_length(start + 1, 0, &mut self.scratch));
            if result.is_err() {
                self.scratch.truncate(start);
                break;
            }
            if self.scratch.len() >= FLUSH_BYTES {
                self.empty_into(out);
            }
        }
        self.empty_into(out);
        result
    }

    /// Appends what follows the last row, and CopyDone.
    pub fn finish(&mut self, out: &mut BytesMut) -> Result<()> {
        if self.format.is_binary() {
            let start = open(&mut self.scratch);
            self.header();
            self.scratch.extend_from_slice(&BINARY_TRAILER);
            patch_length(start + 1, 0, &mut self.scratch)?;
            self.empty_into(out);
        }
        out.put_slice(b"c\0\0\0\x04");
        Ok(())
    }

    fn header(&mut self) {
        if std::mem::take(&mut self.owes_header) {
            self.scratch.extend_from_slice(BINARY_HEADER);
        }
    }

    fn empty_into(&mut self, out: &mut BytesMut) {
        out.extend_from_slice(&self.scratch);
        self.scratch.clear();
    }

    fn binary_row(&mut self, columns: &[Column<'_>], row: usize) -> Result<()> {
        self.header();
        self.scratch.put_u16(self.n_columns);
        for column in columns {
            column.put_field(row, Format::Binary, &mut self.printer, &mut self.scratch)?;
        }
        Ok(())
    }

    fn text_row(
        &mut self,
        columns: &[Column<'_>],
        row: usize,
        delimiter: u8,
        null: &[u8],
        force_quote: &[bool],
    ) -> Result<()> {
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                self.scratch.push(delimiter);
            }
            if column.is_null(row) {
                self.scratch.extend_from_slice(null);
                continue;
            }
            let from = self.scratch.len();
            column.put_text(row, &mut self.printer, &mut self.scratch)?;
            self.settle(from, force_quote.get(at) == Some(&true));
        }
        self.scratch.push(b'\n');
        Ok(())
    }

    /// Quotes or escapes the value that starts at a place and is the last so far.
    fn settle(&mut self, from: usize, force_quote: bool) {
        let value = &self.scratch[from..];
        let is_special = value.iter().any(|byte| self.special[usize::from(*byte)]);
        match self.format.as_ref() {
            CopyFormat::Binary => {}
            CopyFormat::Text { delimiter, .. } => {
                if is_special {
                    let delimiter = *delimiter;
                    self.rewrite(from, |byte, out| escaped(byte, delimiter, out));
                }
            }
            CopyFormat::Csv { null, quote, escape, .. } => {
                // Alone on its line it would be taken for the end of the data.
                let is_end = self.n_columns == 1 && value == b"\\.";
                if !(force_quote || is_special || is_end || value == null.as_slice()) {
                    return;
                }
                let (quote, escape) = (*quote, *escape);
                self.value.clear();
                self.value.extend_from_slice(&self.scratch[from..]);
                self.scratch.truncate(from);
                self.scratch.push(quote);
                for byte in &self.value {
                    if *byte == quote || *byte == escape {
                        self.scratch.push(escape);
                    }
                    self.scratch.push(*byte);
                }
                self.scratch.push(quote);
            }
        }
    }

    fn rewrite(&mut self, from: usize, write: impl Fn(u8, &mut Vec<u8>)) {
        self.value.clear();
        self.value.extend_from_slice(&self.scratch[from..]);
        self.scratch.truncate(from);
        self.value.iter().for_each(|byte| write(*byte, &mut self.scratch));
    }
}

/// Starts a CopyData message.
fn open(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(b"d\0\0\0\0");
    start
}

fn escaped(byte: u8, delimiter: u8, out: &mut Vec<u8>) {
    let letter = match byte {
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x0b => b'v',
        other if other == b'\\' || other == delimiter => other,
        other => {
            out.push(other);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}
