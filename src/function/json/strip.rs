//! `jsonb_strip_nulls` and `json_strip_nulls`: members that are `null` go, elements stay.

use crate::error::Result;
use crate::function::datum::Datum;
use crate::function::json::plain::check_escapes;
use crate::function::json::{Shape, document, scan, shape};
use crate::pgtype::jsonb::access::{elements, members, text};
use crate::pgtype::jsonb::quote;
use crate::pgtype::style::Style;

pub(super) fn jsonb<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let json = document(args, 0)?;
    if !json.contains("null") {
        return Ok(args[0].clone());
    }
    let mut out = String::with_capacity(json.len());
    put_jsonb(json, &mut out);
    Ok(Datum::jsonb(out))
}

fn put_jsonb(json: &str, out: &mut String) {
    match shape(json) {
        Shape::Array => {
            out.push('[');
            for (index, item) in elements(json).enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                put_jsonb(item, out);
            }
            out.push(']');
        }
        Shape::Object => {
            out.push('{');
            for (index, (key, value)) in members(json).filter(|(_, value)| *value != "null").enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                out.push_str(key);
                out.push_str(": ");
                put_jsonb(value, out);
            }
            out.push('}');
        }
        _ => out.push_str(json),
    }
}

pub(super) fn json<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let json = document(args, 0)?;
    check_escapes(json)?;
    let mut out = String::with_capacity(json.len());
    put_json(scan::trim(json), &mut out);
    Ok(Datum::text(out))
}

/// Writes the document anew: without space, and with no escapes but those that are needed.
fn put_json(json: &str, out: &mut String) {
    match shape(json) {
        Shape::Array => {
            out.push('[');
            for (index, item) in scan::elements(json).enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                put_json(item, out);
            }
            out.push(']');
        }
        Shape::Object => {
            out.push('{');
            for (index, (key, value)) in scan::members(json).filter(|(_, value)| *value != "null").enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                put_json(key, out);
                out.push(':');
                put_json(value, out);
            }
            out.push('}');
        }
        Shape::Text => quote(&text(json).unwrap_or_default(), out),
        _ => out.push_str(json),
    }
}
