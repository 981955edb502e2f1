//! Functions over arrays, and JSON objects built from values.

use super::super::cast;
use super::super::context::Context;
use super::super::types;
use super::super::value::{Array, Value};
use super::{Function, int_at, lax, str_at, strict};
use crate::error::{Error, Kind, Result};

pub(super) const FUNCTIONS: &[Function] = &[
    lax("array_to_string", "anyarray text|anyarray text text", "text", array_to_string),
    lax("string_to_array", "text text|text text text", "_text", string_to_array),
    strict("array_length", "anyarray int4", "int4", |a, _| Ok(length(&a[0], a).filter(|&n| n > 0).into())),
    strict("cardinality", "anyarray", "int4", |a, _| {
        Ok(Value::Int(a[0].items().map_or(0, |items| items.len() as i64)))
    }),
    strict("array_lower", "anyarray int4", "int4", |a, _| Ok(bounds(a).map(|(lower, _)| lower).into())),
    strict("array_upper", "anyarray int4", "int4", |a, _| Ok(bounds(a).map(|(_, upper)| upper).into())),
    strict("array_ndims", "anyarray", "int4", |a, _| {
        Ok(a[0].items().filter(|items| !items.is_empty()).map(|_| 1).into())
    }),
    lax("array_position", "anyarray anyelement", "int4", |a, _| Ok(position(a).into())),
    lax("array_remove", "anyarray anyelement", "anyarray", |a, _| Ok(remove(a))),
    lax("array_append", "anyarray anyelement", "anyarray", |a, _| Ok(join(&a[0], &Value::array(vec![a[1].clone()])))),
    lax("array_prepend", "anyelement anyarray", "anyarray", |a, _| Ok(join(&Value::array(vec![a[0].clone()]), &a[1]))),
    lax("array_cat", "anyarray anyarray", "anyarray", |a, _| Ok(join(&a[0], &a[1]))),
    strict("parse_ident", "text|text bool", "_text", parse_ident),
    lax("json_build_object", "any...", "json", json_build_object),
    lax("jsonb_build_object", "any...", "jsonb", json_build_object),
    lax("json_build_array", "any...", "json", |a, c| {
        Ok(format!("[{}]", a.iter().map(|v| json(v, c)).collect::<Vec<_>>().join(", ")).into())
    }),
    lax("to_json", "any", "json", |a, c| Ok(json(&a[0], c).into())),
    lax("to_jsonb", "any", "jsonb", |a, c| Ok(json(&a[0], c).into())),
    lax("num_nulls", "any...", "int4", |a, _| Ok(Value::Int(a.iter().filter(|v| v.is_null()).count() as i64))),
];

fn array_to_string(args: &[Value], context: &Context<'_>) -> Result<Value> {
    let (Some(items), Some(separator)) = (args[0].items(), args[1].as_str()) else { return Ok(Value::Null) };
    let null = args.get(2).and_then(Value::as_str);
    let parts = items.iter().filter_map(|item| match item {
        Value::Null => null.map(str::to_owned),
        Value::Bool(bool) => Some((if *bool { "t" } else { "f" }).to_owned()),
        item => Some(cast::text(item, types::UNKNOWN, context)),
    });
    Ok(parts.collect::<Vec<_>>().join(separator).into())
}

fn string_to_array(args: &[Value], _: &Context<'_>) -> Result<Value> {
    let Some(text) = args[0].as_str() else { return Ok(Value::Null) };
    let null = args.get(2).and_then(Value::as_str);
    let item = |part: &str| if Some(part) == null { Value::Null } else { part.into() };
    Ok(Value::array(match args[1].as_str() {
        _ if text.is_empty() => Vec::new(),
        None => text.chars().map(|c| item(&c.to_string())).collect(),
        Some("") => vec![item(text)],
        Some(separator) => text.split(separator).map(item).collect(),
    }))
}

fn length(array: &Value, args: &[Value]) -> Option<i64> {
    array.items().filter(|_| int_at(args, 1) == Some(1)).map(|items| items.len() as i64)
}

fn bounds(args: &[Value]) -> Option<(i64, i64)> {
    let Value::Array(array) = &args[0] else { return None };
    let n = length(&args[0], args).filter(|&n| n > 0)?;
    Some((i64::from(array.lower), i64::from(array.lower) + n - 1))
}

fn position(args: &[Value]) -> Option<i64> {
    args[0].items()?.iter().position(|item| item.same(&args[1])).map(|at| at as i64 + 1)
}

fn remove(args: &[Value]) -> Value {
    let Some(items) = args[0].items() else { return Value::Null };
    Value::array(items.iter().filter(|item| !item.same(&args[1])).cloned().collect())
}

/// Joins two arrays; NULL counts as empty, but two of them stay NULL.
pub(crate) fn join(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Array(a), Value::Array(b)) => {
            let items = a.items.iter().chain(&b.items).cloned().collect();
            Value::Array(std::sync::Arc::new(Array { lower: a.lower, items }))
        }
        (Value::Null, other) | (other, Value::Null) => other.clone(),
        _ => Value::Null,
    }
}

fn parse_ident(args: &[Value], _: &Context<'_>) -> Result<Value> {
    let text = str_at(args, 0);
    let parts = super::name::split(text).ok_or_else(|| {
        Error::new(Kind::InvalidParameterValue, format!("string is not a valid identifier: \"{text}\""))
    })?;
    Ok(Value::array(parts.into_iter().map(Value::from).collect()))
}

/// Returns a value as JSON; text of a json type is taken for a string, since values do not know their type.
fn json(value: &Value, context: &Context<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(bool) => bool.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Float(_) => cast::text(value, types::FLOAT8, context),
        Value::Array(array) => {
            format!("[{}]", array.items.iter().map(|v| json(v, context)).collect::<Vec<_>>().join(","))
        }
        other => serde_json::Value::String(cast::text(other, types::UNKNOWN, context)).to_string(),
    }
}

fn json_build_object(args: &[Value], context: &Context<'_>) -> Result<Value> {
    if args.len() % 2 == 1 {
        return Err(Error::new(Kind::InvalidParameterValue, "argument list must have even number of elements"));
    }
    let pairs = args.chunks(2).map(|pair| {
        let key = serde_json::Value::String(cast::text(&pair[0], types::UNKNOWN, context));
        format!("{key} : {}", json(&pair[1], context))
    });
    Ok(format!("{{{}}}", pairs.collect::<Vec<_>>().join(", ")).into())
}
