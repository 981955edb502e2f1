//! Documents made of values: `jsonb_build_object`, `json_object` and their like.

use std::borrow::Cow;

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::json::{document, refused, scan, texts};
use crate::pgtype::jsonb::{normalize, quote};
use crate::pgtype::style::Style;

/// An argument as JSON.
fn value<'b>(args: &'b [Datum<'_>], at: usize) -> Result<&'b str> {
    if args[at].is_null() { Ok("null") } else { document(args, at).map(|json| json.as_ref()) }
}

fn array(args: &[Datum<'_>]) -> Result<String> {
    let mut out = String::from("[");
    for at in 0..args.len() {
        out.push_str(if at == 0 { "" } else { ", " });
        out.push_str(value(args, at)?);
    }
    out.push(']');
    Ok(out)
}

/// What tells the two builders apart where they are called wrongly.
struct Words {
    function: &'static str,
    colon: &'static str,
    null_key: fn(usize) -> Error,
}

const JSONB: Words = Words {
    function: "jsonb_build_object",
    colon: ": ",
    null_key: |position| refused(format!("argument {position}: key must not be null")),
};

const JSON: Words = Words {
    function: "json_build_object",
    colon: " : ",
    null_key: |position| refused(format!("argument {position} cannot be null")).hint("Object keys should be text."),
};

fn object(args: &[Datum<'_>], words: &Words) -> Result<String> {
    if !args.len().is_multiple_of(2) {
        let hint = format!("The arguments of {}() must consist of alternating keys and values.", words.function);
        return Err(refused("argument list must have even number of elements").hint(hint));
    }
    let mut out = String::from("{");
    for at in (0..args.len()).step_by(2) {
        out.push_str(if at == 0 { "" } else { ", " });
        match value(args, at).map(scan::trim)? {
            "null" => return Err((words.null_key)(at + 1)),
            key if key.starts_with('"') => out.push_str(key),
            key if key.starts_with(['{', '[']) => {
                return Err(refused("key value must be scalar, not array, composite, or json"));
            }
            key => quote(key, &mut out),
        }
        out.push_str(words.colon);
        out.push_str(value(args, at + 1)?);
    }
    out.push('}');
    Ok(out)
}

/// Normalises what was put together of documents that are normal.
fn normal(json: &str) -> Result<Datum<'static>> {
    normalize(json).map(Datum::jsonb).map_err(|fault| Error::new(Kind::StatementTooComplex, fault.to_string()))
}

pub(super) fn jsonb_array<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    array(args).map(Datum::jsonb)
}

pub(super) fn jsonb_object<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    normal(&object(args, &JSONB)?)
}

pub(super) fn json_array<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    array(args).map(Datum::text)
}

pub(super) fn json_object<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    object(args, &JSON).map(Datum::text)
}

/// The keys and values of `json_object`: in turn in one list, or in two.
fn pairs<'b>(args: &'b [Datum<'_>]) -> Result<Vec<(Option<&'b str>, Option<&'b str>)>> {
    let keys = texts(args, 0)?;
    if args.len() == 1 {
        if !keys.len().is_multiple_of(2) {
            return Err(Error::new(Kind::ArraySubscript, "array must have even number of elements"));
        }
        return Ok(keys.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect());
    }
    let values = texts(args, 1)?;
    if keys.is_empty() != values.is_empty() {
        return Err(Error::new(Kind::ArraySubscript, "wrong number of array subscripts"));
    }
    if keys.len() != values.len() {
        return Err(Error::new(Kind::ArraySubscript, "mismatched array dimensions"));
    }
    Ok(keys.into_iter().zip(values).collect())
}

fn object_of_texts(args: &[Datum<'_>]) -> Result<String> {
    let mut out = String::from("{");
    for (index, (key, value)) in pairs(args)?.into_iter().enumerate() {
        out.push_str(if index == 0 { "" } else { ", " });
        let key = key.ok_or_else(|| Error::new(Kind::NullNotAllowed, "null value not allowed for object key"))?;
        quote(key, &mut out);
        out.push_str(" : ");
        match value {
            Some(value) => quote(value, &mut out),
            None => out.push_str("null"),
        }
    }
    out.push('}');
    Ok(out)
}

pub(super) fn jsonb_from_texts<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    normal(&object_of_texts(args)?)
}

pub(super) fn json_from_texts<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Text(Cow::Owned(object_of_texts(args)?)))
}
