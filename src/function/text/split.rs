//! `string_to_array` and `string_to_table`.

use std::ops::Range;

use crate::error::Result;
use crate::function::datum::Datum;
use crate::function::text::args::{part, text_or_null};
use crate::pgtype::style::Style;

/// The fields of a text; `None` if the text is NULL.
fn fields<'a>(args: &[Datum<'a>]) -> Result<Option<Vec<Datum<'a>>>> {
    let Some(string) = text_or_null(args, 0)? else { return Ok(None) };
    let null = if args.len() > 2 { text_or_null(args, 2)? } else { None };
    let field = |range: Range<usize>| {
        if null == Some(&string[range.clone()]) { Ok(Datum::Null) } else { part(args, 0, range) }
    };
    if string.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let fields: Result<Vec<_>> = match text_or_null(args, 1)? {
        None => string.char_indices().map(|(at, letter)| field(at..at + letter.len_utf8())).collect(),
        Some("") => [field(0..string.len())].into_iter().collect(),
        Some(separator) => {
            let mut at = 0;
            let ranges = string.split(separator).map(|part| {
                let range = at..at + part.len();
                at = range.end + separator.len();
                range
            });
            ranges.map(field).collect()
        }
    };
    fields.map(Some)
}

/// `string_to_array(text, separator, null)`
pub(crate) fn string_to_array<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(fields(args)?.map_or(Datum::Null, Datum::Array))
}

/// `string_to_table(text, separator, null)`
pub(crate) fn string_to_table<'a>(args: &[Datum<'a>], _: &Style) -> Result<Vec<Vec<Datum<'a>>>> {
    Ok(fields(args)?.unwrap_or_default().into_iter().map(|field| vec![field]).collect())
}
