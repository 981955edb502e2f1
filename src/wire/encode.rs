//! Record batches as DataRow messages.
//!
//! Each column is downcast once per call and each cell is written straight into the output: nothing is allocated for a
//! cell, and lengths are filled in afterwards.

use std::ops::Range;

use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::{Array, RecordBatch, new_empty_array};
use datafusion::arrow::datatypes::Schema;

use crate::error::{Error, Kind, Result};
use crate::pgtype::column::{Column, Printer, patch_length};
use crate::pgtype::style::{Format, Style};
use crate::pgtype::types::PgType;
use crate::wire::record;

/// Small enough to stay in the processor's nearest cache until it is copied.
const FLUSH_BYTES: usize = 16 << 10;

/// Turns the batches of one result into DataRow messages.
#[derive(Debug)]
pub struct RowEncoder {
    columns: Vec<(PgType, Format)>,
    /// For each column the types of the fields of its rows, if it is of rows in binary form.
    fields: Vec<Option<Vec<PgType>>>,
    style: Style,
    n_columns: u16,
    printer: Printer,
    /// Where the rows of one call are put together: growing a `Vec` by a few bytes is inlined and growing a `BytesMut`
    /// is not, which is worth more than the copy at the end.
    scratch: Vec<u8>,
}

impl RowEncoder {
    /// Prepares for batches of a schema, with a format for each column. Fails if a column cannot be sent so.
    pub fn new(schema: &Schema, formats: &[Format], style: &Style) -> Result<RowEncoder> {
        if schema.fields().len() != formats.len() {
            return Err(Error::internal("as many formats are needed as there are columns"));
        }
        let mut columns = Vec::with_capacity(formats.len());
        let mut fields = Vec::with_capacity(formats.len());
        for (field, format) in schema.fields().iter().zip(formats) {
            let pg = PgType::of(field)?;
            let nothing = new_empty_array(field.data_type());
            let column = Column::new(&nothing, pg, 0..0)?;
            let own = record::fields(field).filter(|_| *format == Format::Binary);
            if *format == Format::Binary && own.is_none() {
                column.check_binary()?;
            }
            fields.push(own);
            columns.push((pg, *format));
        }
        let n_columns = u16::try_from(columns.len())
            .map_err(|_| Error::new(Kind::ProgramLimit, "a result has too many columns"))?;
        let style = style.clone();
        Ok(RowEncoder { columns, fields, n_columns, printer: Printer::new(&style), style, scratch: Vec::new() })
    }

    /// Appends the rows `rows` of a batch. On an error the row at fault is not in the output, those before it are.
    pub fn encode(&mut self, batch: &RecordBatch, rows: Range<usize>, out: &mut BytesMut) -> Result<()> {
        if batch.num_columns() != self.columns.len() || rows.end > batch.num_rows() {
            return Err(Error::internal("a batch is not of the result's schema, or lacks rows"));
        }
        let columns = batch
            .columns()
            .iter()
            .zip(&self.columns)
            .map(|(array, (pg, format))| Ok((Column::new(array, *pg, rows.clone())?, *format)))
            .collect::<Result<Vec<_>>>()?;
        let shape = Shape { columns: &columns, fields: &self.fields, n_columns: self.n_columns, style: &self.style };
        let result = put_rows(&shape, rows, &mut self.printer, &mut self.scratch, out);
        out.extend_from_slice(&self.scratch);
        self.scratch.clear();
        result
    }
}

/// The columns of one call, and how they are written.
struct Shape<'a> {
    columns: &'a [(Column<'a>, Format)],
    fields: &'a [Option<Vec<PgType>>],
    n_columns: u16,
    style: &'a Style,
}

/// Writes rows into `scratch` and moves them to `out` when there are many; leaves whole rows, also on an error.
fn put_rows(
    shape: &Shape<'_>,
    rows: Range<usize>,
    printer: &mut Printer,
    scratch: &mut Vec<u8>,
    out: &mut BytesMut,
) -> Result<()> {
    for row in rows {
        let start = scratch.len();
        if let Err(error) = put_row(shape, row, printer, scratch) {
            scratch.truncate(start);
            return Err(error);
        }
        if scratch.len() >= FLUSH_BYTES {
            out.extend_from_slice(scratch);
            scratch.clear();
        }
    }
    Ok(())
}

fn put_row(shape: &Shape<'_>, row: usize, printer: &mut Printer, out: &mut Vec<u8>) -> Result<()> {
    let start = out.len();
    out.put_slice(b"D\0\0\0\0");
    out.put_u16(shape.n_columns);
    for ((column, format), fields) in shape.columns.iter().zip(shape.fields) {
        match fields {
            None => column.put_field(row, *format, printer, out)?,
            Some(types) => record::put(column, row, types, shape.style, printer, out)?,
        }
    }
    // The length counts itself, but not the letter.
    patch_length(start + 1, 0, out)
}

/// Appends the text of one cell; tells whether there is one, which for NULL there is not.
pub fn text_value(array: &dyn Array, pg: PgType, row: usize, style: &Style, out: &mut Vec<u8>) -> Result<bool> {
    let column = Column::new(array, pg, row..row + 1)?;
    if column.is_null(row) {
        return Ok(false);
    }
    column.put_text(row, &mut Printer::new(style), out)?;
    Ok(true)
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
