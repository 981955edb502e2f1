//! One Arrow column of a batch, downcast once, whose cells are then written as PostgreSQL's text or binary form.

mod binary;
mod source;
mod text;

use std::ops::Range;

use bytes::BufMut;
use datafusion::arrow::array::Array;
use datafusion::arrow::buffer::NullBuffer;

use crate::error::{Error, Kind, Result};
use crate::pgtype::column::source::Source;
use crate::pgtype::style::{Format, Style};
use crate::pgtype::types::PgType;
use crate::pgtype::zone::Offsets;

/// A column whose type has been looked at.
#[derive(Debug)]
pub struct Column<'a> {
    nulls: Option<&'a NullBuffer>,
    source: Source<'a>,
    pg: PgType,
}

/// What printing needs beside the value: the settings, and what was worked out for the cells before.
#[derive(Debug)]
pub struct Printer {
    style: Style,
    offsets: Offsets,
}

impl Printer {
    /// A printer for one session's settings.
    pub fn new(style: &Style) -> Printer {
        Printer { style: style.clone(), offsets: Offsets::default() }
    }
}

impl<'a> Column<'a> {
    /// Looks at the type of an array, of which the rows in `rows` will be written as `pg`.
    pub fn new(array: &'a dyn Array, pg: PgType, rows: Range<usize>) -> Result<Column<'a>> {
        let source = Source::new(array, pg, rows)?;
        if !source.suits(pg) {
            return Err(Error::unsupported(format!("a column of type {} as {}", array.data_type(), pg.name())));
        }
        Ok(Column { nulls: array.nulls(), source, pg })
    }

    /// Fails if the type has no binary form here.
    pub fn check_binary(&self) -> Result<()> {
        if self.source.has_binary(self.pg) {
            Ok(())
        } else {
            Err(Error::unsupported(format!("the binary form of type {}", self.pg.name())))
        }
    }

    /// Whether a cell is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return true;
        }
        match &self.source {
            Source::Null => true,
            Source::Dictionary { keys, values } => values.is_null(keys.get(row)),
            _ => false,
        }
    }

    /// Appends a cell as it stands in a DataRow: its length, -1 for NULL, and the value.
    pub fn put_field(&self, row: usize, format: Format, printer: &mut Printer, out: &mut Vec<u8>) -> Result<()> {
        if self.is_null(row) {
            out.put_i32(-1);
            return Ok(());
        }
        let start = out.len();
        out.put_i32(0);
        match format {
            Format::Text => self.put_text(row, printer, out)?,
            Format::Binary => self.put_binary(row, out)?,
        }
        patch_length(start, 4, out)
    }
}

/// Writes into the four bytes at `start` the length of what has been appended from there, less `uncounted`.
pub(crate) fn patch_length(start: usize, uncounted: usize, out: &mut [u8]) -> Result<()> {
    let length = i32::try_from(out.len() - start - uncounted)
        .map_err(|_| Error::new(Kind::ProgramLimit, "a row is larger than 2 GB"))?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}
