//! `normalize` and `is_normalized`: the normalization forms of Unicode.

use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::text::args::text;
use crate::pgtype::style::Style;

/// The text in the form that the second argument names, NFC if there is none.
fn normalized(args: &[Datum<'_>]) -> Result<String> {
    let string = text(args, 0)?;
    let form = if args.len() > 1 { text(args, 1)? } else { "NFC" };
    Ok(match form.to_ascii_uppercase().as_str() {
        "NFC" => string.nfc().collect(),
        "NFD" => string.nfd().collect(),
        "NFKC" => string.nfkc().collect(),
        "NFKD" => string.nfkd().collect(),
        _ => return Err(Error::new(Kind::InvalidParameterValue, format!("invalid normalization form: {form}"))),
    })
}

/// `normalize(text, form)`
pub(super) fn normalize<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    normalized(args).map(Datum::text)
}

/// `is_normalized(text, form)`
pub(super) fn is_normalized<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Bool(normalized(args)? == text(args, 0)?))
}
