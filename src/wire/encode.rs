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

/// Turns the batches of one result into DataRow messages.
#[derive(Debug)]
pub struct RowEncoder {
    columns: Vec<(PgType, Format)>,
    n_columns: u16,
    printer: Printer,
    /// Size of a row so far, to make room for several at once.
    row_bytes: usize,
}

impl RowEncoder {
    /// Prepares for batches of a schema, with a format for each column. Fails if a column cannot be sent so.
    pub fn new(schema: &Schema, formats: &[Format], style: &Style) -> Result<RowEncoder> {
        if schema.fields().len() != formats.len() {
            return Err(Error::internal("as many formats are needed as there are columns"));
        }
        let mut columns = Vec::with_capacity(formats.len());
        for (field, format) in schema.fields().iter().zip(formats) {
            let pg = PgType::of(field)?;
            let nothing = new_empty_array(field.data_type());
            let column = Column::new(&nothing, pg, 0..0)?;
            if *format == Format::Binary {
                column.check_binary()?;
            }
            columns.push((pg, *format));
        }
        let n_columns = u16::try_from(columns.len())
            .map_err(|_| Error::new(Kind::ProgramLimit, "a result has too many columns"))?;
        let row_bytes = 16 * columns.len();
        Ok(RowEncoder { columns, n_columns, printer: Printer::new(style), row_bytes })
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
        let (before, n_rows) = (out.len(), rows.len());
        out.reserve(n_rows * self.row_bytes);
        for row in rows {
            let start = out.len();
            if let Err(error) = put_row(&columns, row, self.n_columns, &mut self.printer, out) {
                out.truncate(start);
                return Err(error);
            }
        }
        self.row_bytes = (out.len() - before).checked_div(n_rows).map_or(self.row_bytes, |bytes| bytes + 1);
        Ok(())
    }
}

fn put_row(
    columns: &[(Column<'_>, Format)],
    row: usize,
    n_columns: u16,
    printer: &mut Printer,
    out: &mut BytesMut,
) -> Result<()> {
    let start = out.len();
    out.put_slice(b"D\0\0\0\0");
    out.put_u16(n_columns);
    for (column, format) in columns {
        column.put_field(row, *format, printer, out)?;
    }
    // The length counts itself, but not the letter.
    patch_length(start + 1, 0, out)
}

/// Appends the text of one cell; tells whether there is one, which for NULL there is not.
pub fn text_value(array: &dyn Array, pg: PgType, row: usize, style: &Style, out: &mut BytesMut) -> Result<bool> {
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
