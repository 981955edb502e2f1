//! Functions that make a new text out of one, or measure it.

use std::fmt::Write as _;

use crate::error::{Error, Kind, Result};
use crate::function::ctype;
use crate::function::datum::Datum;
use crate::function::io::output_variant;
use crate::function::text::MOST_BYTES;
use crate::function::text::args::{count, int4, offset, part, text, text_or_null};
use crate::pgtype::style::Style;

/// `length(text)`
pub(crate) fn length<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(count(text(args, 0)?.chars().count()))
}

/// `length(bpchar)`: the blanks at the end do not count.
pub(crate) fn blank_padded_length<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(count(text(args, 0)?.trim_end_matches(' ').chars().count()))
}

/// `octet_length(text)`
pub(crate) fn octet_length<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(count(text(args, 0)?.len()))
}

/// `bit_length(text)`
pub(crate) fn bit_length<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(count(text(args, 0)?.len() * 8))
}

/// `lower(text)`
pub(crate) fn lower<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::text(ctype::lower(text(args, 0)?)))
}

/// `upper(text)`
pub(crate) fn upper<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::text(ctype::upper(text(args, 0)?)))
}

/// `initcap(text)`
pub(crate) fn initcap<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::text(ctype::initcap(text(args, 0)?)))
}

/// `text || text`
pub(crate) fn concatenate<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::text([text(args, 0)?, text(args, 1)?].concat()))
}

/// `text || anynonarray` and the other way round: the value is cast to text, which for a boolean is not its output.
pub(crate) fn concatenate_any<'a>(args: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    let mut string = String::new();
    for value in args {
        match value {
            Datum::Text(text) => string.push_str(text),
            Datum::Bool(value) => string.push_str(if *value { "true" } else { "false" }),
            value => string.push_str(&output_variant(value, style)),
        }
    }
    Ok(Datum::text(string))
}

/// `concat`: NULLs are left out.
pub(crate) fn concat<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let mut string = String::new();
    for at in 0..args.len() {
        string.push_str(text_or_null(args, at)?.unwrap_or_default());
    }
    Ok(Datum::text(string))
}

/// `concat_ws`: NULLs are left out, with their separators.
pub(crate) fn concat_ws<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let Some(separator) = text_or_null(args, 0)? else { return Ok(Datum::Null) };
    let mut string = String::new();
    let mut is_first = true;
    for at in 1..args.len() {
        let Some(next) = text_or_null(args, at)? else { continue };
        if !is_first {
            string.push_str(separator);
        }
        is_first = false;
        string.push_str(next);
    }
    Ok(Datum::text(string))
}

fn too_long() -> Error {
    Error::new(Kind::ProgramLimit, "requested length too large")
}

/// `lpad` and `rpad`
pub(crate) fn pad<'a, const LEFT: bool>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let string = text(args, 0)?;
    let wanted = usize::try_from(int4(args, 1)?).unwrap_or(0);
    let fill = if args.len() > 2 { text(args, 2)? } else { " " };
    let fill_length = fill.chars().count();
    let length = string.chars().count();
    if wanted.min(if fill_length == 0 { length } else { wanted }) * 4 > MOST_BYTES {
        return Err(too_long());
    }
    if wanted <= length || fill_length == 0 {
        return part(args, 0, 0..offset(string, wanted));
    }
    let (whole, rest) = ((wanted - length) / fill_length, (wanted - length) % fill_length);
    let rest = &fill[..offset(fill, rest)];
    let mut padded = String::with_capacity(string.len() + whole * fill.len() + rest.len());
    if !LEFT {
        padded.push_str(string);
    }
    for _ in 0..whole {
        padded.push_str(fill);
    }
    padded.push_str(rest);
    if LEFT {
        padded.push_str(string);
    }
    Ok(Datum::text(padded))
}

/// `repeat(text, n)`
pub(crate) fn repeat<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let string = text(args, 0)?;
    let times = usize::try_from(int4(args, 1)?).unwrap_or(0);
    if string.len().checked_mul(times).is_none_or(|length| length > MOST_BYTES) {
        return Err(too_long());
    }
    Ok(Datum::text(string.repeat(times)))
}

/// `replace(text, from, to)`
pub(crate) fn replace<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (string, from) = (text(args, 0)?, text(args, 1)?);
    if from.is_empty() {
        return part(args, 0, 0..string.len());
    }
    let to = text(args, 2)?;
    let found = string.matches(from).count();
    if string.len() - found * from.len() + found.saturating_mul(to.len()) > MOST_BYTES {
        return Err(Error::new(Kind::ProgramLimit, "out of memory"));
    }
    Ok(Datum::text(string.replace(from, to)))
}

/// `reverse(text)`
pub(crate) fn reverse<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::text(text(args, 0)?.chars().rev().collect::<String>()))
}

/// `ascii(text)`: the code of the first character.
pub(crate) fn ascii<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(count(text(args, 0)?.chars().next().map_or(0, |letter| u32::from(letter) as usize)))
}

/// `chr(integer)`
pub(crate) fn chr<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let fault = |message: &str| Error::new(Kind::ProgramLimit, message);
    let code = u32::try_from(int4(args, 0)?)
        .map_err(|_| Error::new(Kind::InvalidParameterValue, "character number must be positive"))?;
    if code == 0 {
        return Err(fault("null character not permitted"));
    }
    if code > u32::from(char::MAX) {
        return Err(fault(&format!("requested character too large for encoding: {code}")));
    }
    let letter =
        char::from_u32(code).ok_or_else(|| fault(&format!("requested character not valid for encoding: {code}")))?;
    Ok(Datum::text(letter))
}

/// `translate(text, from, to)`
pub(crate) fn translate<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (string, from, to) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let mut translated = String::with_capacity(string.len());
    for letter in string.chars() {
        match from.chars().position(|candidate| candidate == letter) {
            None => translated.push(letter),
            Some(at) => translated.extend(to.chars().nth(at)),
        }
    }
    Ok(Datum::text(translated))
}

/// Writes bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
