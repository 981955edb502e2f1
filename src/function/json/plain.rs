//! What `->`, `#>` and their like find in a `json`.

use std::borrow::Cow;

use crate::error::Result;
use crate::function::datum::Datum;
use crate::function::io::json::check;
use crate::function::json::access::plain;
use crate::function::json::scan::{elements, members, trim};
use crate::function::json::{Shape, cut, document, item, number, or_null, refused, shape, texts};
use crate::pgtype::jsonb::access::text;
use crate::pgtype::style::Style;

/// Refuses escapes that stand for no character: they are read as soon as anything is taken out of a document.
pub(super) fn check_escapes(json: &str) -> Result<()> {
    if json.contains("\\u") { check(json, true) } else { Ok(()) }
}

pub(super) fn type_of<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Text(Cow::Borrowed(shape(document(args, 0)?).name())))
}

pub(super) fn array_length<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let json = document(args, 0)?;
    match shape(json) {
        Shape::Array => Ok(Datum::Int4(i32::try_from(elements(json).count()).unwrap_or(i32::MAX))),
        Shape::Object => Err(refused("cannot get array length of a non-array")),
        _ => Err(refused("cannot get array length of a scalar")),
    }
}

/// Whether a key, which stands in quotes, is this text.
fn is_key(quoted: &str, key: &str) -> bool {
    text(quoted).is_some_and(|text| text == key)
}

/// Of equal keys the last one counts.
fn member<'b>(json: &'b str, key: &str) -> Option<&'b str> {
    members(json).filter(|(name, _)| is_key(name, key)).last().map(|(_, value)| value)
}

fn element(json: &str, place: i64) -> Option<&str> {
    let place = match usize::try_from(place) {
        Ok(place) => place,
        Err(_) => elements(json).count().checked_sub(usize::try_from(place.unsigned_abs()).ok()?)?,
    };
    elements(json).nth(place)
}

fn at<'b>(json: &'b str, path: &[&str]) -> Option<&'b str> {
    let Some((step, path)) = path.split_first() else { return Some(trim(json)) };
    match shape(json) {
        Shape::Object => {
            members(json).filter(|(key, _)| is_key(key, step)).filter_map(|(_, value)| at(value, path)).last()
        }
        Shape::Array => {
            let place = step.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']).parse::<i32>().ok()?;
            element(json, i64::from(place)).and_then(|value| at(value, path))
        }
        _ => None,
    }
}

fn found<'a>(args: &[Datum<'a>], find: impl for<'b> Fn(&'b str) -> Option<&'b str>) -> Result<Datum<'a>> {
    let json = document(args, 0)?;
    check_escapes(json)?;
    Ok(or_null(cut(json, find), Datum::Text))
}

fn found_text<'a>(args: &[Datum<'a>], find: impl for<'b> Fn(&'b str) -> Option<&'b str>) -> Result<Datum<'a>> {
    let json = document(args, 0)?;
    check_escapes(json)?;
    Ok(or_null(cut(json, find), plain))
}

pub(super) fn member_of<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let key = document(args, 1)?;
    found(args, |json| member(json, key))
}

pub(super) fn member_text<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let key = document(args, 1)?;
    found_text(args, |json| member(json, key))
}

pub(super) fn element_of<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let place = i64::from(number(args, 1)?);
    found(args, |json| element(json, place))
}

pub(super) fn element_text<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let place = i64::from(number(args, 1)?);
    found_text(args, |json| element(json, place))
}

fn path(texts: Vec<Option<&str>>) -> Option<Vec<&str>> {
    texts.into_iter().collect()
}

pub(super) fn part<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    path(texts(args, 1)?).map_or(Ok(Datum::Null), |path| found(args, |json| at(json, &path)))
}

pub(super) fn part_text<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    path(texts(args, 1)?).map_or(Ok(Datum::Null), |path| found_text(args, |json| at(json, &path)))
}

pub(super) fn extract_path<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let texts = args.iter().skip(1).map(item).collect::<Result<_>>()?;
    path(texts).map_or(Ok(Datum::Null), |path| found(args, |json| at(json, &path)))
}

pub(super) fn extract_path_text<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let texts = args.iter().skip(1).map(item).collect::<Result<_>>()?;
    path(texts).map_or(Ok(Datum::Null), |path| found_text(args, |json| at(json, &path)))
}
