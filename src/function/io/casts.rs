//! Casts between the text types, `json` and `jsonb`, and from `jsonb` to numbers and booleans.

use std::borrow::Cow;

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::io::{char_of, json, name_of};
use crate::function::numeric::Numeric;
use crate::function::{Cast, CastContext, cast};
use crate::pgtype::style::Style;

use CastContext::{Assignment, Explicit, Implicit};

/// The casts of `pg_cast` between these types.
pub const CASTS: &[Cast] = &[
    cast("int4", "char", CastContext::Explicit, int4_to_char),
    cast("char", "int4", CastContext::Explicit, char_to_int4),
    cast("text", "varchar", Implicit, same),
    cast("text", "bpchar", Implicit, same),
    cast("text", "name", Implicit, to_name),
    cast("text", "char", Assignment, to_char),
    cast("varchar", "text", Implicit, same),
    cast("varchar", "bpchar", Implicit, same),
    cast("varchar", "name", Implicit, to_name),
    cast("varchar", "char", Assignment, to_char),
    cast("bpchar", "text", Implicit, without_blanks),
    cast("bpchar", "varchar", Implicit, without_blanks),
    cast("bpchar", "name", Implicit, blanks_to_name),
    cast("bpchar", "char", Assignment, to_char),
    cast("name", "text", Implicit, same),
    cast("name", "varchar", Assignment, same),
    cast("name", "bpchar", Assignment, same),
    cast("char", "text", Implicit, same),
    cast("char", "varchar", Assignment, same),
    cast("char", "bpchar", Assignment, same),
    cast("bool", "text", Assignment, bool_to_text),
    cast("bool", "varchar", Assignment, bool_to_text),
    cast("bool", "bpchar", Assignment, bool_to_text),
    cast("json", "jsonb", Assignment, json_to_jsonb),
    cast("jsonb", "json", Assignment, jsonb_to_json),
    cast("jsonb", "bool", Explicit, jsonb_to_bool),
    cast("jsonb", "int2", Explicit, jsonb_to_int2),
    cast("jsonb", "int4", Explicit, jsonb_to_int4),
    cast("jsonb", "int8", Explicit, jsonb_to_int8),
    cast("jsonb", "float4", Explicit, jsonb_to_float4),
    cast("jsonb", "float8", Explicit, jsonb_to_float8),
    cast("jsonb", "numeric", Explicit, jsonb_to_numeric),
];

fn wrong() -> Error {
    Error::internal("a cast of a value of another type")
}

fn text<'a, 'b>(args: &'b [Datum<'a>]) -> Result<&'b Cow<'a, str>> {
    match args {
        [Datum::Text(text)] => Ok(text),
        _ => Err(wrong()),
    }
}

fn jsonb<'b>(args: &'b [Datum<'_>]) -> Result<&'b str> {
    match args {
        [Datum::Jsonb(text)] => Ok(text),
        _ => Err(wrong()),
    }
}

/// Cuts a text, borrowing if it borrowed.
fn part<'a>(text: &Cow<'a, str>, end: usize) -> Datum<'a> {
    Datum::Text(match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(text) => Cow::Owned(text[..end].to_owned()),
    })
}

fn same<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Text(text(args)?.clone()))
}

fn to_name<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let text = text(args)?;
    Ok(part(text, name_of(text).len()))
}

fn without_blanks<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let text = text(args)?;
    Ok(part(text, text.trim_end_matches(' ').len()))
}

fn blanks_to_name<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let text = text(args)?;
    Ok(part(text, name_of(text).trim_end_matches(' ').len()))
}

fn to_char<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::text(char_of(text(args)?)))
}

fn bool_to_text<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    match args {
        [Datum::Bool(value)] => Ok(Datum::Text(Cow::Borrowed(if *value { "true" } else { "false" }))),
        _ => Err(wrong()),
    }
}

fn json_to_jsonb<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::jsonb(json::to_jsonb(text(args)?)?))
}

fn jsonb_to_json<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    match args {
        [Datum::Jsonb(text)] => Ok(Datum::Text(text.clone())),
        _ => Err(wrong()),
    }
}

/// The kind of a `jsonb`, as PostgreSQL names it where a cast fails.
fn kind(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "numeric",
    }
}

fn refused(json: &str, type_name: &str) -> Error {
    Error::new(Kind::InvalidParameterValue, format!("cannot cast jsonb {} to type {type_name}", kind(json)))
}

fn number(json: &str, type_name: &str) -> Result<Numeric> {
    if kind(json) == "numeric" { Numeric::parse(json) } else { Err(refused(json, type_name)) }
}

fn jsonb_to_bool<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    match jsonb(args)? {
        "true" => Ok(Datum::Bool(true)),
        "false" => Ok(Datum::Bool(false)),
        other => Err(refused(other, "boolean")),
    }
}

fn jsonb_to_int2<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Int2(number(jsonb(args)?, "smallint")?.to_i16()?))
}

fn jsonb_to_int4<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Int4(number(jsonb(args)?, "integer")?.to_i32()?))
}

fn jsonb_to_int8<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Int8(number(jsonb(args)?, "bigint")?.to_i64()?))
}

fn jsonb_to_float4<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Float4(number(jsonb(args)?, "real")?.to_f32()?))
}

fn jsonb_to_float8<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Float8(number(jsonb(args)?, "double precision")?.to_f64()?))
}

fn jsonb_to_numeric<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Numeric(number(jsonb(args)?, "numeric")?))
}

/// The byte of that number, which has a sign.
fn int4_to_char<'a>(args: &[Datum<'a>], _style: &Style) -> Result<Datum<'a>> {
    let Datum::Int4(value) = &args[0] else { return Ok(Datum::Null) };
    let byte = i8::try_from(*value).map_err(|_| Error::new(Kind::NumericOutOfRange, "\"char\" out of range"))?;
    let mut out = Vec::new();
    crate::pgtype::text::put_char(byte.cast_unsigned(), &mut out);
    Ok(Datum::text(String::from_utf8_lossy(&out).into_owned()))
}

fn char_to_int4<'a>(args: &[Datum<'a>], _style: &Style) -> Result<Datum<'a>> {
    let Datum::Text(value) = &args[0] else { return Ok(Datum::Null) };
    Ok(Datum::Int4(i32::from(crate::function::io::char_byte(value).cast_signed())))
}
