//! Values of any type as JSON: `to_json`, `row_to_json` and their like.

use crate::error::{Error, Result};
use crate::function::datum::Datum;
use crate::function::io::json::to_jsonb as normal;
use crate::function::io::{output, output_variant};
use crate::pgtype::datetime::{self, put_offset};
use crate::pgtype::jsonb::quote;
use crate::pgtype::style::Style;
use crate::pgtype::types::PgType;

/// A column of a row.
#[derive(Clone, Copy, Debug)]
pub struct Field<'n> {
    /// Its name.
    pub name: &'n str,
    /// Its type.
    pub ty: PgType,
}

/// The value as `to_json` gives it; NULL is `null`. The fields of a row are named `f1`, `f2` and so on.
pub fn to_json(ty: PgType, value: &Datum<'_>, style: &Style) -> String {
    let mut out = String::new();
    put(ty, value, ",", style, &mut out);
    out
}

/// The value as `to_jsonb` gives it.
///
/// # Errors
/// As the input of `jsonb`, for a `json` whose escapes stand for no character.
pub fn to_jsonb(ty: PgType, value: &Datum<'_>, style: &Style) -> Result<String> {
    if let Datum::Jsonb(json) = value {
        return Ok(json.clone().into_owned());
    }
    normal(&to_json(ty, value, style))
}

/// A row as `row_to_json` gives it. With `pretty` each field has its line.
pub fn record_to_json(fields: &[Field<'_>], values: &[Datum<'_>], pretty: bool, style: &Style) -> String {
    let mut out = String::from("{");
    for (index, (field, value)) in fields.iter().zip(values).enumerate() {
        out.push_str(if index == 0 { "" } else { separator(pretty) });
        quote(field.name, &mut out);
        out.push(':');
        put(field.ty, value, ",", style, &mut out);
    }
    out.push('}');
    out
}

/// A row as `to_jsonb` gives it.
///
/// # Errors
/// As [`to_jsonb`].
pub fn record_to_jsonb(fields: &[Field<'_>], values: &[Datum<'_>], style: &Style) -> Result<String> {
    normal(&record_to_json(fields, values, false, style))
}

fn separator(pretty: bool) -> &'static str {
    if pretty { ",\n " } else { "," }
}

fn put(ty: PgType, value: &Datum<'_>, comma: &str, style: &Style, out: &mut String) {
    match value {
        Datum::Null => out.push_str("null"),
        Datum::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Datum::Int2(_) | Datum::Int4(_) | Datum::Int8(_) | Datum::Float4(_) | Datum::Float8(_) | Datum::Numeric(_) => {
            let text = output_variant(value, style);
            // What is no number of JSON's is a text: NaN and the infinities.
            if text.ends_with(|last: char| last.is_ascii_digit()) {
                out.push_str(&text);
            } else {
                quote(&text, out);
            }
        }
        Datum::Text(text) if ty == PgType::Json => out.push_str(text),
        Datum::Jsonb(text) => out.push_str(text),
        Datum::Timestamp(micros) => moment(*micros, None, out),
        Datum::Timestamptz(micros) => moment(*micros, Some(style), out),
        Datum::Array(items) => {
            let element = ty.element().unwrap_or(PgType::Unknown);
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { comma });
                put(element, item, ",", style, out);
            }
            out.push(']');
        }
        Datum::Record(values) => {
            out.push('{');
            for (index, value) in values.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { comma });
                out.push_str(&format!("\"f{}\":", index + 1));
                put(PgType::Unknown, value, ",", style, out);
            }
            out.push('}');
        }
        _ => quote(&output(ty, value, style), out),
    }
}

/// Date and time with a `T` between; the offset always with its minutes.
fn moment(micros: i64, style: Option<&Style>, out: &mut String) {
    let mut text = Vec::new();
    let is_finite = !matches!(micros, i64::MAX | i64::MIN);
    let east = style.filter(|_| is_finite).map(|style| style.timezone.offset_at(micros.div_euclid(1_000_000)));
    let local = east.map_or(micros, |east| micros.saturating_add(i64::from(east) * 1_000_000));
    datetime::put_timestamp(local, None, &mut text);
    let text = String::from_utf8_lossy(&text);
    let (text, era) = text.strip_suffix(" BC").map_or((text.as_ref(), ""), |text| (text, " BC"));
    out.push('"');
    out.push_str(&text.replacen(' ', "T", 1));
    if let Some(east) = east {
        let mut offset = Vec::new();
        put_offset(east, &mut offset);
        out.push_str(&String::from_utf8_lossy(&offset));
        if east % 3_600 == 0 {
            out.push_str(":00");
        }
    }
    out.push_str(era);
    out.push('"');
}

fn call(ty: PgType, args: &[Datum<'_>], style: &Style) -> Result<String> {
    let value = args.first().ok_or_else(|| Error::internal("a call without its argument"))?;
    let pretty = matches!(args.get(1), Some(Datum::Bool(true)));
    let mut out = String::new();
    put(ty, value, separator(pretty), style, &mut out);
    Ok(out)
}

pub(super) fn call_to_json<'a>(args: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    call(PgType::Unknown, args, style).map(Datum::text)
}

pub(super) fn call_json_to_json<'a>(args: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    call(PgType::Json, args, style).map(Datum::text)
}

pub(super) fn call_jsons_to_json<'a>(args: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    call(PgType::Json.array(), args, style).map(Datum::text)
}

pub(super) fn call_to_jsonb<'a>(args: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    normal(&call(PgType::Unknown, args, style)?).map(Datum::jsonb)
}

pub(super) fn call_json_to_jsonb<'a>(args: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    normal(&call(PgType::Json, args, style)?).map(Datum::jsonb)
}

pub(super) fn call_jsons_to_jsonb<'a>(args: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    normal(&call(PgType::Json.array(), args, style)?).map(Datum::jsonb)
}
