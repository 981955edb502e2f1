//! The binary form of a row value (`record_send`): the number of fields, then each with its type.
//!
//! A row comes as its text; the types of its fields stand beside it, where analysis knew them.

use bytes::BufMut;
use datafusion::arrow::datatypes::Field;

use crate::error::{Error, Kind, Result};
use crate::function::io;
use crate::model::table::PG_FIELDS;
use crate::pgtype::column::{Column, Printer, patch_length};
use crate::pgtype::style::{Format, Style};
use crate::pgtype::types::PgType;
use crate::sql::values;

/// The types of the fields of a row column; none if it is none, or they are not known.
pub(super) fn fields(field: &Field) -> Option<Vec<PgType>> {
    let types = field.metadata().get(PG_FIELDS)?;
    types.split_whitespace().map(|oid| PgType::from_oid(oid.parse().ok()?)).collect()
}

/// Appends a row as it stands in a DataRow: its length, -1 for NULL, and the value.
pub(super) fn put(
    column: &Column<'_>,
    row: usize,
    types: &[PgType],
    style: &Style,
    printer: &mut Printer,
    out: &mut Vec<u8>,
) -> Result<()> {
    if column.is_null(row) {
        out.put_i32(-1);
        return Ok(());
    }
    let mut text = Vec::new();
    column.put_text(row, printer, &mut text)?;
    let text = String::from_utf8(text).map_err(|_| Error::internal("a row is no text"))?;
    let cells = if types.is_empty() { Some(Vec::new()) } else { parse(&text) };
    let cells = cells.filter(|cells| cells.len() == types.len());
    let cells = cells.ok_or_else(|| Error::internal("a row has not the fields that it should have"))?;
    let start = out.len();
    out.put_i32(0);
    out.put_i32(i32::try_from(cells.len()).map_err(|_| Error::new(Kind::ProgramLimit, "a row has too many fields"))?);
    for (cell, ty) in cells.into_iter().zip(types) {
        out.put_u32(ty.oid());
        match cell {
            None => out.put_i32(-1),
            Some(cell) if ty.is_text() => {
                let length = i32::try_from(cell.len());
                out.put_i32(length.map_err(|_| Error::new(Kind::ProgramLimit, "a row is larger than 2 GB"))?);
                out.put_slice(cell.as_bytes());
            }
            Some(cell) => {
                let datum = io::input(*ty, &cell, style)?;
                let scalar = values::scalar(*ty, &datum, "UTC")?;
                let array = scalar.to_array().map_err(|error| Error::internal(error.to_string()))?;
                let own = Column::new(&array, *ty, 0..1)?;
                own.check_binary()?;
                own.put_field(0, Format::Binary, printer, out)?;
            }
        }
    }
    patch_length(start, 4, out)
}

/// The fields of the text of a row, as `record_in` reads it; none if it is none.
fn parse(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut cells = Vec::new();
    let mut cell: Option<String> = None;
    let mut quoted = false;
    let mut letters = inner.chars().peekable();
    if letters.peek().is_none() {
        // One field that is NULL, or no field at all: the caller knows how many there are.
        return Some(vec![None]);
    }
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.get_or_insert_default().push('"');
            }
            '"' => {
                quoted = !quoted;
                cell.get_or_insert_default();
            }
            '\\' => cell.get_or_insert_default().push(letters.next()?),
            ',' if !quoted => cells.push(cell.take()),
            letter => cell.get_or_insert_default().push(letter),
        }
    }
    cells.push(cell);
    (!quoted).then_some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_row_is_read_back() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parse("(1,a)"), Some(vec![some("1"), some("a")]));
        assert_eq!(parse(r#"("a b","c""d","e\\f",)"#), Some(vec![some("a b"), some("c\"d"), some("e\\f"), None]));
        assert_eq!(parse(r#"("",x)"#), Some(vec![some(""), some("x")]));
        assert_eq!(parse("(,)"), Some(vec![None, None]));
        assert_eq!(parse("()"), Some(vec![None]));
        assert_eq!(parse(r#"("a,(b)",c)"#), Some(vec![some("a,(b)"), some("c")]));
        assert_eq!(parse(r#"("a)"#), None);
        assert_eq!(parse("1,2"), None);
    }
}
