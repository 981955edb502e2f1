//! Functions and operators of `json` and `jsonb`.
//!
//! A `json` keeps its text, so its parts are cut out of it; a `jsonb` is normalised, and so are its parts. The `any`
//! arguments of PostgreSQL's builders are declared as `json` or `jsonb` here: whoever calls converts each argument by its
//! type with [`encode`], where that type is still known.
//!
//! <https://www.postgresql.org/docs/15/functions-json.html>

mod access;
mod build;
pub mod encode;
mod modify;
mod plain;
mod pretty;
mod scan;
mod sets;
mod strip;

use std::borrow::Cow;

pub use encode::{Field, record_to_json, record_to_jsonb, to_json, to_jsonb};

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::{Function, SetFunction, lax, strict};

/// The scalar functions.
pub const FUNCTIONS: &[Function] = &[
    strict("jsonb_typeof", "jsonb", "text", access::type_of),
    strict("json_typeof", "json", "text", plain::type_of),
    strict("jsonb_array_length", "jsonb", "int4", access::array_length),
    strict("json_array_length", "json", "int4", plain::array_length),
    strict("jsonb_extract_path", "jsonb text...", "jsonb", access::extract_path),
    strict("jsonb_extract_path_text", "jsonb text...", "text", access::extract_path_text),
    strict("json_extract_path", "json text...", "json", plain::extract_path),
    strict("json_extract_path_text", "json text...", "text", plain::extract_path_text),
    strict("jsonb_exists", "jsonb text", "bool", access::has_key),
    strict("jsonb_exists_any", "jsonb text[]", "bool", access::has_any),
    strict("jsonb_exists_all", "jsonb text[]", "bool", access::has_all),
    strict("jsonb_contains", "jsonb jsonb", "bool", access::contains),
    strict("jsonb_contained", "jsonb jsonb", "bool", access::contained),
    strict("jsonb_object_field", "jsonb text", "jsonb", access::member_of),
    strict("jsonb_object_field_text", "jsonb text", "text", access::member_text),
    strict("jsonb_array_element", "jsonb int4", "jsonb", access::element_of),
    strict("jsonb_array_element_text", "jsonb int4", "text", access::element_text),
    strict("json_object_field", "json text", "json", plain::member_of),
    strict("json_object_field_text", "json text", "text", plain::member_text),
    strict("json_array_element", "json int4", "json", plain::element_of),
    strict("json_array_element_text", "json int4", "text", plain::element_text),
    strict("jsonb_concat", "jsonb jsonb", "jsonb", modify::concat),
    strict("jsonb_delete", "jsonb text", "jsonb", modify::without_key),
    strict("jsonb_delete", "jsonb int4", "jsonb", modify::without_element),
    strict("jsonb_delete", "jsonb text...", "jsonb", modify::without_listed_keys),
    strict("jsonb_delete_path", "jsonb text[]", "jsonb", modify::without_path),
    strict("jsonb_set", "jsonb text[] jsonb", "jsonb", modify::set),
    strict("jsonb_set", "jsonb text[] jsonb bool", "jsonb", modify::set),
    lax("jsonb_set_lax", "jsonb text[] jsonb", "jsonb", modify::set_lax),
    lax("jsonb_set_lax", "jsonb text[] jsonb bool", "jsonb", modify::set_lax),
    lax("jsonb_set_lax", "jsonb text[] jsonb bool text", "jsonb", modify::set_lax),
    strict("jsonb_insert", "jsonb text[] jsonb", "jsonb", modify::insert),
    strict("jsonb_insert", "jsonb text[] jsonb bool", "jsonb", modify::insert),
    strict("jsonb_strip_nulls", "jsonb", "jsonb", strip::jsonb),
    strict("json_strip_nulls", "json", "json", strip::json),
    strict("jsonb_pretty", "jsonb", "text", pretty::pretty),
    lax("jsonb_build_array", "", "jsonb", build::jsonb_array),
    lax("jsonb_build_array", "jsonb...", "jsonb", build::jsonb_array),
    lax("jsonb_build_object", "", "jsonb", build::jsonb_object),
    lax("jsonb_build_object", "jsonb...", "jsonb", build::jsonb_object),
    lax("json_build_array", "", "json", build::json_array),
    lax("json_build_array", "json...", "json", build::json_array),
    lax("json_build_object", "", "json", build::json_object),
    lax("json_build_object", "json...", "json", build::json_object),
    strict("jsonb_object", "text[]", "jsonb", build::jsonb_from_texts),
    strict("jsonb_object", "text[] text[]", "jsonb", build::jsonb_from_texts),
    strict("json_object", "text[]", "json", build::json_from_texts),
    strict("json_object", "text[] text[]", "json", build::json_from_texts),
    strict("to_json", "anyelement", "json", encode::call_to_json),
    strict("to_json", "json", "json", encode::call_json_to_json),
    strict("to_json", "json[]", "json", encode::call_jsons_to_json),
    strict("to_jsonb", "anyelement", "jsonb", encode::call_to_jsonb),
    strict("to_jsonb", "json", "jsonb", encode::call_json_to_jsonb),
    strict("to_jsonb", "json[]", "jsonb", encode::call_jsons_to_jsonb),
    strict("row_to_json", "record", "json", encode::call_to_json),
    strict("row_to_json", "record bool", "json", encode::call_to_json),
    strict("array_to_json", "anyarray", "json", encode::call_to_json),
    strict("array_to_json", "anyarray bool", "json", encode::call_to_json),
    strict("array_to_json", "json[]", "json", encode::call_jsons_to_json),
    strict("array_to_json", "json[] bool", "json", encode::call_jsons_to_json),
];

/// The operators. Those that compare are made of [`crate::function::io::compare`].
pub const OPERATORS: &[Function] = &[
    strict("->", "jsonb text", "jsonb", access::member_of),
    strict("->", "jsonb int4", "jsonb", access::element_of),
    strict("->>", "jsonb text", "text", access::member_text),
    strict("->>", "jsonb int4", "text", access::element_text),
    strict("#>", "jsonb text[]", "jsonb", access::part),
    strict("#>>", "jsonb text[]", "text", access::part_text),
    strict("@>", "jsonb jsonb", "bool", access::contains),
    strict("<@", "jsonb jsonb", "bool", access::contained),
    strict("?", "jsonb text", "bool", access::has_key),
    strict("?|", "jsonb text[]", "bool", access::has_any),
    strict("?&", "jsonb text[]", "bool", access::has_all),
    strict("||", "jsonb jsonb", "jsonb", modify::concat),
    strict("-", "jsonb text", "jsonb", modify::without_key),
    strict("-", "jsonb text[]", "jsonb", modify::without_keys),
    strict("-", "jsonb int4", "jsonb", modify::without_element),
    strict("#-", "jsonb text[]", "jsonb", modify::without_path),
    strict("->", "json text", "json", plain::member_of),
    strict("->", "json int4", "json", plain::element_of),
    strict("->>", "json text", "text", plain::member_text),
    strict("->>", "json int4", "text", plain::element_text),
    strict("#>", "json text[]", "json", plain::part),
    strict("#>>", "json text[]", "text", plain::part_text),
];

const fn set(
    name: &'static str,
    args: &'static str,
    columns: &'static str,
    rows: crate::function::Rows,
) -> SetFunction {
    SetFunction { name, args, columns, strict: true, rows }
}

/// The set-returning functions.
pub const SETS: &[SetFunction] = &[
    set("jsonb_array_elements", "jsonb", "value jsonb", sets::elements),
    set("jsonb_array_elements_text", "jsonb", "value text", sets::elements_text),
    set("jsonb_each", "jsonb", "key text, value jsonb", sets::each),
    set("jsonb_each_text", "jsonb", "key text, value text", sets::each_text),
    set("jsonb_object_keys", "jsonb", "text", sets::keys),
    set("json_array_elements", "json", "value json", sets::json_elements),
    set("json_array_elements_text", "json", "value text", sets::json_elements_text),
    set("json_each", "json", "key text, value json", sets::json_each),
    set("json_each_text", "json", "key text, value text", sets::json_each_text),
    set("json_object_keys", "json", "text", sets::json_keys),
];

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Object,
    Array,
    Text,
    Boolean,
    Null,
    Number,
}

fn shape(json: &str) -> Shape {
    match json.bytes().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => Shape::Object,
        Some(b'[') => Shape::Array,
        Some(b'"') => Shape::Text,
        Some(b't' | b'f') => Shape::Boolean,
        Some(b'n') => Shape::Null,
        _ => Shape::Number,
    }
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Shape::Object => "object",
            Shape::Array => "array",
            Shape::Text => "string",
            Shape::Boolean => "boolean",
            Shape::Null => "null",
            Shape::Number => "number",
        }
    }

    fn is_scalar(self) -> bool {
        !matches!(self, Shape::Object | Shape::Array)
    }
}

fn wrong_argument() -> Error {
    Error::internal("an argument of another type than declared")
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(Kind::InvalidParameterValue, message)
}

/// The text of a `json`, a `jsonb` or a text.
fn document<'a, 'b>(args: &'b [Datum<'a>], at: usize) -> Result<&'b Cow<'a, str>> {
    match args.get(at) {
        Some(Datum::Text(text) | Datum::Jsonb(text)) => Ok(text),
        _ => Err(wrong_argument()),
    }
}

fn number(args: &[Datum<'_>], at: usize) -> Result<i32> {
    match args.get(at) {
        Some(Datum::Int4(number)) => Ok(*number),
        _ => Err(wrong_argument()),
    }
}

/// The items of a `text[]`; `None` is NULL.
fn texts<'b>(args: &'b [Datum<'_>], at: usize) -> Result<Vec<Option<&'b str>>> {
    match args.get(at) {
        Some(Datum::Array(items)) => items.iter().map(item).collect(),
        _ => Err(wrong_argument()),
    }
}

fn item<'b>(item: &'b Datum<'_>) -> Result<Option<&'b str>> {
    match item {
        Datum::Null => Ok(None),
        Datum::Text(text) => Ok(Some(text)),
        _ => Err(wrong_argument()),
    }
}

/// A part of a document, which borrows what the document borrows.
fn cut<'a>(document: &Cow<'a, str>, find: impl for<'b> Fn(&'b str) -> Option<&'b str>) -> Option<Cow<'a, str>> {
    match document {
        Cow::Borrowed(text) => find(text).map(Cow::Borrowed),
        Cow::Owned(text) => find(text).map(|part| Cow::Owned(part.to_owned())),
    }
}

fn or_null<'a, T>(value: Option<T>, make: impl FnOnce(T) -> Datum<'a>) -> Datum<'a> {
    value.map_or(Datum::Null, make)
}

#[cfg(test)]
#[path = "json/tests.rs"]
mod tests;
