//! MD5 (RFC 1321).

use crate::error::Result;
use crate::function::datum::Datum;
use crate::function::text::args::{bytes, text};
use crate::pgtype::style::Style;

/// `md5(text)`
pub(crate) fn of_text<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::text(format!("{:x}", md5::compute(text(args, 0)?))))
}

/// `md5(bytea)`
pub(crate) fn of_bytea<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::text(format!("{:x}", md5::compute(bytes(args, 0)?))))
}
