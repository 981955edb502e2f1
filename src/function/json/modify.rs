//! Documents with parts set, inserted or left out: `||`, `-`, `#-`, `jsonb_set` and their like.

use std::borrow::Cow;

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::json::{Shape, document, item, number, refused, shape, texts, wrong_argument};
use crate::pgtype::jsonb::access::{Key, element, elements, member, members, text};
use crate::pgtype::jsonb::{operators, quote};
use crate::pgtype::style::Style;

/// What happens at the end of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// The value is set, also where there is none.
    Create,
    /// The value is set where there is one.
    Replace,
    Before,
    After,
    Delete,
}

impl Change {
    /// Whether it makes a place for the value where there is none.
    fn adds(self) -> bool {
        matches!(self, Change::Create | Change::Before | Change::After)
    }
}

/// Writes an array.
fn array<T: AsRef<str>>(items: &[T]) -> String {
    let mut out = String::from("[");
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { ", " });
        out.push_str(item.as_ref());
    }
    out.push(']');
    out
}

/// Writes an object whose keys are quoted and in order.
fn object<T: AsRef<str>>(pairs: &[(Cow<'_, str>, T)]) -> String {
    let mut out = String::from("{");
    for (index, (key, value)) in pairs.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { ", " });
        out.push_str(key);
        out.push_str(": ");
        out.push_str(value.as_ref());
    }
    out.push('}');
    out
}

/// Changes what is at the end of `path`, of which `level` steps were gone.
fn change(json: &str, path: &[Option<&str>], level: usize, value: &str, how: Change) -> Result<String> {
    let Some(step) = path.get(level).copied().flatten() else {
        let message = format!("path element at position {} is null", level + 1);
        return Err(Error::new(Kind::NullNotAllowed, message));
    };
    match shape(json) {
        Shape::Array => in_array(json, step, path, level, value, how),
        Shape::Object => in_object(json, step, path, level, value, how),
        _ => Ok(json.to_owned()),
    }
}

fn in_array(json: &str, step: &str, path: &[Option<&str>], level: usize, value: &str, how: Change) -> Result<String> {
    let digits = step.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let place = i64::from(digits.parse::<i32>().map_err(|_| {
        let message = format!("path element at position {} is not an integer: \"{step}\"", level + 1);
        Error::new(Kind::InvalidText, message)
    })?);
    let count = elements(json).count();
    let is_last = level + 1 == path.len();
    let place = match usize::try_from(place) {
        Ok(place) => Some(place.min(count)),
        Err(_) => usize::try_from(place.unsigned_abs()).ok().and_then(|back| count.checked_sub(back)),
    };
    let mut items: Vec<Cow<'_, str>> = Vec::with_capacity(count + 1);
    if place.is_none() && is_last && how.adds() {
        items.push(Cow::Borrowed(value));
    }
    for (index, item) in elements(json).enumerate() {
        if place != Some(index) {
            items.push(Cow::Borrowed(item));
        } else if !is_last {
            items.push(Cow::Owned(change(item, path, level + 1, value, how)?));
        } else {
            items.extend(match how {
                Change::Create | Change::Replace => vec![Cow::Borrowed(value)],
                Change::Before => vec![Cow::Borrowed(value), Cow::Borrowed(item)],
                Change::After => vec![Cow::Borrowed(item), Cow::Borrowed(value)],
                Change::Delete => Vec::new(),
            });
        }
    }
    if place == Some(count) && is_last && how.adds() {
        items.push(Cow::Borrowed(value));
    }
    Ok(array(&items))
}

fn in_object(json: &str, step: &str, path: &[Option<&str>], level: usize, value: &str, how: Change) -> Result<String> {
    let is_last = level + 1 == path.len();
    let mut key = String::new();
    quote(step, &mut key);
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    let mut is_there = false;
    for (name, item) in members(json) {
        if name != key {
            pairs.push((Cow::Borrowed(name), Cow::Borrowed(item)));
            continue;
        }
        is_there = true;
        if !is_last {
            pairs.push((Cow::Borrowed(name), Cow::Owned(change(item, path, level + 1, value, how)?)));
        } else if matches!(how, Change::Before | Change::After) {
            return Err(
                refused("cannot replace existing key").hint("Try using the function jsonb_set to replace key value.")
            );
        } else if how != Change::Delete {
            pairs.push((Cow::Borrowed(name), Cow::Borrowed(value)));
        }
    }
    if !is_there && is_last && how.adds() {
        let order = |key: &str| text(key).map(|key| (key.len(), key.into_owned()));
        let wanted = order(&key);
        let place = pairs.partition_point(|(name, _)| order(name) < wanted);
        pairs.insert(place, (Cow::Owned(key), Cow::Borrowed(value)));
    }
    Ok(object(&pairs))
}

fn flag(args: &[Datum<'_>], at: usize, default: bool) -> Result<bool> {
    match args.get(at) {
        None => Ok(default),
        Some(Datum::Bool(flag)) => Ok(*flag),
        _ => Err(wrong_argument()),
    }
}

fn set_at(json: &str, path: &[Option<&str>], value: &str, is_created: bool) -> Result<Datum<'static>> {
    if shape(json).is_scalar() {
        return Err(refused("cannot set path in scalar"));
    }
    if path.is_empty() {
        return Ok(Datum::jsonb(json));
    }
    if !is_created && matches!(json, "{}" | "[]") {
        return Ok(Datum::jsonb(json));
    }
    let how = if is_created { Change::Create } else { Change::Replace };
    Ok(Datum::jsonb(change(json, path, 0, value, how)?))
}

fn delete_at(json: &str, path: &[Option<&str>]) -> Result<Datum<'static>> {
    if shape(json).is_scalar() {
        return Err(refused("cannot delete path in scalar"));
    }
    if path.is_empty() || matches!(json, "{}" | "[]") {
        return Ok(Datum::jsonb(json));
    }
    Ok(Datum::jsonb(change(json, path, 0, "", Change::Delete)?))
}

pub(super) fn set<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    set_at(document(args, 0)?, &texts(args, 1)?, document(args, 2)?, flag(args, 3, true)?)
}

pub(super) fn set_lax<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let is_null = |at: usize| args.get(at).is_some_and(Datum::is_null);
    if is_null(0) || is_null(1) || is_null(3) {
        return Ok(Datum::Null);
    }
    let unknown = || {
        let words = "\"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"";
        refused(format!("null_value_treatment must be {words}"))
    };
    if is_null(4) {
        return Err(unknown());
    }
    if !is_null(2) {
        return set_at(document(args, 0)?, &texts(args, 1)?, document(args, 2)?, flag(args, 3, true)?);
    }
    match if args.len() > 4 { document(args, 4)? } else { "use_json_null" } {
        "use_json_null" => set_at(document(args, 0)?, &texts(args, 1)?, "null", flag(args, 3, true)?),
        "delete_key" => delete_at(document(args, 0)?, &texts(args, 1)?),
        "return_target" => Ok(args[0].clone()),
        "raise_exception" => Err(Error::new(Kind::NullNotAllowed, "JSON value must not be null")
            .detail("Exception was raised because null_value_treatment is \"raise_exception\".")
            .hint(
                "To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.",
            )),
        _ => Err(unknown()),
    }
}

pub(super) fn insert<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (json, path) = (document(args, 0)?, texts(args, 1)?);
    if shape(json).is_scalar() {
        return Err(refused("cannot set path in scalar"));
    }
    if path.is_empty() {
        return Ok(args[0].clone());
    }
    let how = if flag(args, 3, false)? { Change::After } else { Change::Before };
    Ok(Datum::jsonb(change(json, &path, 0, document(args, 2)?, how)?))
}

pub(super) fn concat<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let joined = operators::concat(document(args, 0)?, document(args, 1)?);
    joined.map(Datum::jsonb).map_err(|fault| Error::new(Kind::StatementTooComplex, fault.to_string()))
}

pub(super) fn without_path<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    delete_at(document(args, 0)?, &texts(args, 1)?)
}

fn without<'a>(args: &[Datum<'a>], keys: &[&str]) -> Result<Datum<'a>> {
    let json = document(args, 0)?;
    let quoted: Vec<String> = keys
        .iter()
        .map(|key| {
            let mut out = String::new();
            quote(key, &mut out);
            out
        })
        .collect();
    let stays = |value: &str| !quoted.iter().any(|key| key == value);
    match shape(json) {
        Shape::Array => Ok(Datum::jsonb(array(&elements(json).filter(|item| stays(item)).collect::<Vec<_>>()))),
        Shape::Object if keys.iter().all(|key| member(json, &Key::new(key)).is_none()) => Ok(args[0].clone()),
        Shape::Object => {
            let pairs = members(json).filter(|(key, _)| stays(key));
            Ok(Datum::jsonb(object(&pairs.map(|(key, value)| (Cow::Borrowed(key), value)).collect::<Vec<_>>())))
        }
        _ => Err(refused("cannot delete from scalar")),
    }
}

pub(super) fn without_key<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    without(args, &[document(args, 1)?])
}

pub(super) fn without_keys<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    without(args, &texts(args, 1)?.into_iter().flatten().collect::<Vec<_>>())
}

pub(super) fn without_listed_keys<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let keys = args.iter().skip(1).map(item).collect::<Result<Vec<_>>>()?;
    without(args, &keys.into_iter().flatten().collect::<Vec<_>>())
}

pub(super) fn without_element<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (json, place) = (document(args, 0)?, i64::from(number(args, 1)?));
    match shape(json) {
        Shape::Array => {}
        Shape::Object => return Err(refused("cannot delete from object using integer index")),
        _ => return Err(refused("cannot delete from scalar")),
    }
    if element(json, place).is_none() {
        return Ok(args[0].clone());
    }
    let count = elements(json).count();
    let place = match usize::try_from(place) {
        Ok(place) => place,
        Err(_) => count.saturating_sub(usize::try_from(place.unsigned_abs()).unwrap_or(count)),
    };
    let items = elements(json).enumerate().filter(|(index, _)| *index != place);
    Ok(Datum::jsonb(array(&items.map(|(_, item)| item).collect::<Vec<_>>())))
}
