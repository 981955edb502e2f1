//! Values of each type as text and back (`typinput`, `typoutput`), with their type modifiers, order and casts.
//!
//! What a single type takes is in [`crate::pgtype`]; here stands which of it a [`Datum`] wants.

pub mod array;
pub mod array_key;
pub mod casts;
pub mod compare;
pub mod json;
pub mod jsonb_key;
pub mod typmod;

use std::borrow::Cow;

pub use array_key::array_key;
pub use casts::CASTS;
pub use compare::compare;
pub use jsonb_key::jsonb_key;
pub use typmod::{coerce_typmod, input_typmod};

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::numeric::Numeric;
use crate::pgtype::array::{quote, quote_field};
use crate::pgtype::style::Style;
use crate::pgtype::types::PgType;
use crate::pgtype::{bytea, datetime, float, interval_parse, moment, text};

/// Bytes of a `name` without the zero byte that ends it.
const NAME_BYTES: usize = 63;

/// Reads the text of a value.
///
/// # Errors
/// As the input function of the type; 0A000 for what a [`Datum`] does not hold, such as arrays of more dimensions.
pub fn input(ty: PgType, text: &str, style: &Style) -> Result<Datum<'static>> {
    Ok(match ty {
        PgType::Array(element) => Datum::Array(array::input(*element, text, style)?),
        PgType::Int2vector | PgType::Oidvector => {
            let element = ty.element().unwrap_or(PgType::Oid);
            let items = text.split_ascii_whitespace().map(|item| input(element, item, style));
            Datum::Array(items.collect::<Result<_>>()?)
        }
        PgType::Bool => Datum::Bool(text::parse_bool(text)?),
        PgType::Int2 => Datum::Int2(integer(ty, text)?),
        PgType::Int4 => Datum::Int4(integer(ty, text)?),
        PgType::Int8 => Datum::Int8(integer(ty, text)?),
        PgType::Float4 => Datum::Float4(float::parse_f32(text)?),
        PgType::Float8 => Datum::Float8(float::parse_f64(text)?),
        PgType::Numeric => Datum::Numeric(Numeric::parse(text)?),
        PgType::Bytea => Datum::Bytea(Cow::Owned(bytea::parse(text)?)),
        PgType::Uuid => Datum::Uuid(text::parse_uuid(text)?),
        PgType::Json => {
            json::check(text, false)?;
            Datum::text(text)
        }
        PgType::Jsonb => Datum::jsonb(json::to_jsonb(text)?),
        PgType::Date => Datum::Date(moment::parse_date(text, style)?),
        PgType::Time => Datum::Time(moment::parse_time_in(text, style)?),
        PgType::Timestamp => Datum::Timestamp(moment::parse_timestamp(text, style)?),
        PgType::Timestamptz => Datum::Timestamptz(moment::parse_timestamptz(text, style)?),
        PgType::Interval => {
            let fields = interval_parse::mask::FULL;
            Datum::Interval(interval_parse::parse_fields(text, fields, style.interval_style)?)
        }
        PgType::Char => Datum::text(char_of(text)),
        PgType::Name => Datum::text(name_of(text)),
        PgType::Record | PgType::Void => {
            return Err(Error::unsupported(format!("input of a value of type {}", ty.name())));
        }
        _ if ty.is_oid() => Datum::Oid(text::parse_oid(text)?),
        _ => Datum::text(text),
    })
}

fn integer<N: TryFrom<i64>>(ty: PgType, text: &str) -> Result<N> {
    let (min, max) = match ty {
        PgType::Int2 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        PgType::Int4 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let value = text::parse_int(text, ty.name(), min, max).map_err(|fault| {
        // A number that is too large is found before what follows its digits.
        let number = text.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == '\x0b');
        let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
        let length = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
        let number = &number[..number.len() - digits.len() + length];
        match text::parse_int(number, ty.name(), min, max) {
            Err(range) if range.kind == Kind::NumericOutOfRange => {
                Error::new(range.kind, format!("value \"{text}\" is out of range for type {}", ty.name()))
            }
            _ => fault,
        }
    })?;
    N::try_from(value).map_err(|_| Error::internal("an integer beyond its type"))
}

/// What `"char"` keeps of a text, as it shows it: the first byte, or the one that `\ooo` means.
pub(crate) fn char_of(text: &str) -> String {
    let mut out = Vec::new();
    text::put_char(char_byte(text), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// The byte of a `"char"`.
pub(crate) fn char_byte(text: &str) -> u8 {
    match text.as_bytes() {
        [b'\\', a @ b'0'..=b'7', b @ b'0'..=b'7', c @ b'0'..=b'7'] => {
            (a - b'0').wrapping_shl(6) | (b - b'0') << 3 | (c - b'0')
        }
        bytes => bytes.first().copied().unwrap_or(0),
    }
}

/// What `name` keeps of a text: 63 bytes, and no half letter.
pub(crate) fn name_of(text: &str) -> &str {
    &text[..text.floor_char_boundary(NAME_BYTES)]
}

/// Prints a value, which is not NULL, as the output function of its type.
pub fn output(ty: PgType, value: &Datum<'_>, style: &Style) -> String {
    let mut out = Vec::new();
    if let (PgType::Regtype, Datum::Oid(oid)) = (ty, value)
        && let Some(named) = PgType::from_oid(*oid)
    {
        return named.name().to_owned();
    }
    if let (PgType::Int2vector | PgType::Oidvector, Datum::Array(items)) = (ty, value) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            put(item, style, &mut out);
        }
    } else {
        put(value, style, &mut out);
    }
    into_text(out)
}

/// Prints a value whose type is told by its variant alone.
pub fn output_variant(value: &Datum<'_>, style: &Style) -> String {
    let mut out = Vec::new();
    put(value, style, &mut out);
    into_text(out)
}

fn into_text(out: Vec<u8>) -> String {
    String::from_utf8(out).unwrap_or_else(|fault| String::from_utf8_lossy(fault.as_bytes()).into_owned())
}

fn put(value: &Datum<'_>, style: &Style, out: &mut Vec<u8>) {
    let mut digits = itoa::Buffer::new();
    match value {
        Datum::Null => {}
        Datum::Bool(value) => out.push(if *value { b't' } else { b'f' }),
        Datum::Int2(value) => out.extend(digits.format(*value).as_bytes()),
        Datum::Int4(value) => out.extend(digits.format(*value).as_bytes()),
        Datum::Int8(value) => out.extend(digits.format(*value).as_bytes()),
        Datum::Oid(value) => out.extend(digits.format(*value).as_bytes()),
        Datum::Float4(value) => float::put_f32(*value, style.extra_float_digits, out),
        Datum::Float8(value) => float::put_f64(*value, style.extra_float_digits, out),
        Datum::Numeric(value) => out.extend(value.to_string().as_bytes()),
        Datum::Text(value) | Datum::Jsonb(value) => out.extend(value.as_bytes()),
        Datum::Bytea(value) => bytea::put(value, style.bytea_output, out),
        Datum::Uuid(value) => text::put_uuid(value, out),
        Datum::Date(value) => datetime::put_date(*value, out),
        Datum::Time(value) => datetime::put_time(*value, out),
        Datum::Timestamp(value) => datetime::put_timestamp(*value, None, out),
        Datum::Timestamptz(value) => {
            let east = style.timezone.offset_at(value.div_euclid(1_000_000));
            datetime::put_timestamp(*value, Some(east), out);
        }
        Datum::Interval(value) => value.put(style.interval_style, out),
        Datum::Array(items) => {
            out.push(b'{');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                if item.is_null() {
                    out.extend(b"NULL");
                    continue;
                }
                let start = out.len();
                put(item, style, out);
                quote(start, out);
            }
            out.push(b'}');
        }
        Datum::Record(fields) => {
            out.push(b'(');
            for (index, field) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                if !field.is_null() {
                    let start = out.len();
                    put(field, style, out);
                    quote_field(start, out);
                }
            }
            out.push(b')');
        }
    }
}

#[cfg(test)]
#[path = "io/tests.rs"]
pub(crate) mod tests;
