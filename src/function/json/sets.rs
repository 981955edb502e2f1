//! The elements, members and keys of a document as rows.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::function::datum::Datum;
use crate::function::json::access::plain;
use crate::function::json::plain::check_escapes;
use crate::function::json::{Shape, document, refused, scan, shape};
use crate::pgtype::jsonb::access::{elements as jsonb_elements, members as jsonb_members, text};
use crate::pgtype::style::Style;

type Found<'a> = Result<Vec<Vec<Datum<'a>>>>;
type Make = for<'c> fn(Cow<'c, str>) -> Datum<'c>;

/// The rows that `list` makes of a document, which borrow what the document borrows.
fn rows<'a>(document: &Cow<'a, str>, list: impl for<'b> Fn(&'b str) -> Vec<Vec<Datum<'b>>>) -> Vec<Vec<Datum<'a>>> {
    match document {
        Cow::Borrowed(text) => list(text),
        Cow::Owned(text) => {
            let own = |row: Vec<Datum<'_>>| row.into_iter().map(Datum::into_owned).collect();
            list(text).into_iter().map(own).collect()
        }
    }
}

fn key_of(quoted: &str) -> Datum<'_> {
    Datum::Text(text(quoted).unwrap_or_default())
}

fn member_row<'b>((key, value): (&'b str, &'b str), make: Make) -> Vec<Datum<'b>> {
    vec![key_of(key), make(Cow::Borrowed(value))]
}

fn jsonb_value(part: Cow<'_, str>) -> Datum<'_> {
    Datum::Jsonb(part)
}

fn json_value(part: Cow<'_, str>) -> Datum<'_> {
    Datum::Text(part)
}

fn all_elements<'a>(args: &[Datum<'a>], make: Make) -> Found<'a> {
    let json = document(args, 0)?;
    match shape(json) {
        Shape::Array => {
            Ok(rows(json, |json| jsonb_elements(json).map(|item| vec![make(Cow::Borrowed(item))]).collect()))
        }
        Shape::Object => Err(refused("cannot extract elements from an object")),
        _ => Err(refused("cannot extract elements from a scalar")),
    }
}

pub(super) fn elements<'a>(args: &[Datum<'a>], _: &Style) -> Found<'a> {
    all_elements(args, jsonb_value)
}

pub(super) fn elements_text<'a>(args: &[Datum<'a>], _: &Style) -> Found<'a> {
    all_elements(args, plain)
}

fn all_members<'a>(args: &[Datum<'a>], name: &str, make: Make) -> Found<'a> {
    let json = document(args, 0)?;
    if shape(json) != Shape::Object {
        return Err(refused(format!("cannot call {name} on a non-object")));
    }
    Ok(rows(json, |json| jsonb_members(json).map(|member| member_row(member, make)).collect()))
}

pub(super) fn each<'a>(args: &[Datum<'a>], _: &Style) -> Found<'a> {
    all_members(args, "jsonb_each", jsonb_value)
}

pub(super) fn each_text<'a>(args: &[Datum<'a>], _: &Style) -> Found<'a> {
    all_members(args, "jsonb_each_text", plain)
}

fn no_keys(json: &str, name: &str) -> Option<Error> {
    let kind = match shape(json) {
        Shape::Object => return None,
        Shape::Array => "an array",
        _ => "a scalar",
    };
    Some(refused(format!("cannot call {name} on {kind}")))
}

pub(super) fn keys<'a>(args: &[Datum<'a>], _: &Style) -> Found<'a> {
    let json = document(args, 0)?;
    no_keys(json, "jsonb_object_keys").map_or(Ok(()), Err)?;
    Ok(rows(json, |json| jsonb_members(json).map(|(key, _)| vec![key_of(key)]).collect()))
}

fn all_json_elements<'a>(args: &[Datum<'a>], name: &str, make: Make) -> Found<'a> {
    let json = document(args, 0)?;
    match shape(json) {
        Shape::Array => {
            Ok(rows(json, |json| scan::elements(json).map(|item| vec![make(Cow::Borrowed(item))]).collect()))
        }
        Shape::Object => Err(refused(format!("cannot call {name} on a non-array"))),
        _ => Err(refused(format!("cannot call {name} on a scalar"))),
    }
}

pub(super) fn json_elements<'a>(args: &[Datum<'a>], _: &Style) -> Found<'a> {
    all_json_elements(args, "json_array_elements", json_value)
}

pub(super) fn json_elements_text<'a>(args: &[Datum<'a>], _: &Style) -> Found<'a> {
    let json = document(args, 0)?;
    // An object is refused at its brace, before any of its escapes.
    if shape(json) != Shape::Object {
        check_escapes(json)?;
    }
    all_json_elements(args, "json_array_elements_text", plain)
}

fn all_json_members<'a>(args: &[Datum<'a>], make: Make) -> Found<'a> {
    let json = document(args, 0)?;
    if shape(json) != Shape::Array {
        check_escapes(json)?;
    }
    match shape(json) {
        Shape::Object => Ok(rows(json, |json| scan::members(json).map(|member| member_row(member, make)).collect())),
        Shape::Array => Err(refused("cannot deconstruct an array as an object")),
        _ => Err(refused("cannot deconstruct a scalar")),
    }
}

pub(super) fn json_each<'a>(args: &[Datum<'a>], _: &Style) -> Found<'a> {
    all_json_members(args, json_value)
}

pub(super) fn json_each_text<'a>(args: &[Datum<'a>], _: &Style) -> Found<'a> {
    all_json_members(args, plain)
}

pub(super) fn json_keys<'a>(args: &[Datum<'a>], _: &Style) -> Found<'a> {
    let json = document(args, 0)?;
    if shape(json) != Shape::Array {
        check_escapes(json)?;
    }
    no_keys(json, "json_object_keys").map_or(Ok(()), Err)?;
    Ok(rows(json, |json| scan::members(json).map(|(key, _)| vec![key_of(key)]).collect()))
}
