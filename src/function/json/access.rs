//! What `->`, `#>`, `@>`, `?` and their like find in a `jsonb`.

use std::borrow::Cow;

use crate::error::Result;
use crate::function::datum::Datum;
use crate::function::json::{Shape, cut, document, item, number, or_null, refused, shape, texts};
use crate::pgtype::jsonb::access::{Key, Path, at, element, elements, member, text};
use crate::pgtype::jsonb::operators;
use crate::pgtype::style::Style;

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

/// A value as `->>` gives it, out of a document.
pub(super) fn plain<'a>(part: Cow<'a, str>) -> Datum<'a> {
    let plain = match part {
        Cow::Borrowed(part) => text(part),
        Cow::Owned(part) => text(&part).map(|text| Cow::Owned(text.into_owned())),
    };
    or_null(plain, Datum::Text)
}

fn found<'a>(args: &[Datum<'a>], find: impl for<'b> Fn(&'b str) -> Option<&'b str>) -> Result<Datum<'a>> {
    Ok(or_null(cut(document(args, 0)?, find), Datum::Jsonb))
}

fn found_text<'a>(args: &[Datum<'a>], find: impl for<'b> Fn(&'b str) -> Option<&'b str>) -> Result<Datum<'a>> {
    Ok(or_null(cut(document(args, 0)?, find), plain))
}

pub(super) fn member_of<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let key = Key::new(document(args, 1)?);
    found(args, |json| member(json, &key))
}

pub(super) fn member_text<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let key = Key::new(document(args, 1)?);
    found_text(args, |json| member(json, &key))
}

pub(super) fn element_of<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let place = i64::from(number(args, 1)?);
    found(args, |json| element(json, place))
}

pub(super) fn element_text<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let place = i64::from(number(args, 1)?);
    found_text(args, |json| element(json, place))
}

/// The path of texts, unless one of them is NULL.
fn path(texts: Vec<Option<&str>>) -> Option<Path> {
    texts.into_iter().collect::<Option<Vec<_>>>().map(Path::new)
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

pub(super) fn contains<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Bool(operators::contains(document(args, 0)?, document(args, 1)?)))
}

pub(super) fn contained<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Bool(operators::contains(document(args, 1)?, document(args, 0)?)))
}

pub(super) fn has_key<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Bool(operators::exists(document(args, 0)?, &Key::new(document(args, 1)?))))
}

// NULL among the keys is passed over, by both.
pub(super) fn has_any<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let json = document(args, 0)?;
    Ok(Datum::Bool(texts(args, 1)?.into_iter().flatten().any(|key| operators::exists(json, &Key::new(key)))))
}

pub(super) fn has_all<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let json = document(args, 0)?;
    Ok(Datum::Bool(texts(args, 1)?.into_iter().flatten().all(|key| operators::exists(json, &Key::new(key)))))
}
