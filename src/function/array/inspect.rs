//! What an array holds: its bounds, its elements, and where they are.

use crate::error::{Error, Kind, Result};
use crate::function::array::{elements, int4, is_same, items, number, wrong_argument};
use crate::function::datum::Datum;
use crate::function::io::output_variant;
use crate::pgtype::style::Style;

/// Whether the array has that dimension.
fn has_dimension(args: &[Datum<'_>]) -> Result<bool> {
    Ok(!items(args, 0)?.is_empty() && number(args, 1)? == 1)
}

pub(super) fn length<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(if has_dimension(args)? { int4(items(args, 0)?.len()) } else { Datum::Null })
}

pub(super) fn lower<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(if has_dimension(args)? { Datum::Int4(1) } else { Datum::Null })
}

pub(super) fn dimensions<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(if items(args, 0)?.is_empty() { Datum::Null } else { Datum::Int4(1) })
}

pub(super) fn bounds<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let length = items(args, 0)?.len();
    Ok(if length == 0 { Datum::Null } else { Datum::text(format!("[1:{length}]")) })
}

pub(super) fn cardinality<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(int4(items(args, 0)?.len()))
}

/// The places, from 1, where an array has an element.
fn places<'b>(items: &'b [Datum<'_>], wanted: &'b Datum<'_>) -> impl Iterator<Item = usize> {
    items.iter().enumerate().filter(|(_, item)| is_same(item, wanted)).map(|(index, _)| index + 1)
}

pub(super) fn position<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let Some(items) = elements(args, 0)? else { return Ok(Datum::Null) };
    let wanted = args.get(1).ok_or_else(wrong_argument)?;
    let cannot_be = items.is_empty() || wanted.is_null() && !items.iter().any(Datum::is_null);
    if cannot_be {
        return Ok(Datum::Null);
    }
    let first = match args.get(2) {
        None => 1,
        Some(Datum::Null) => return Err(Error::new(Kind::NullNotAllowed, "initial position must not be null")),
        Some(_) => number(args, 2)?,
    };
    let first = usize::try_from(first).unwrap_or(0);
    Ok(places(items, wanted).find(|place| *place >= first).map_or(Datum::Null, int4))
}

pub(super) fn positions<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let Some(items) = elements(args, 0)? else { return Ok(Datum::Null) };
    let wanted = args.get(1).ok_or_else(wrong_argument)?;
    Ok(Datum::Array(places(items, wanted).map(int4).collect()))
}

pub(super) fn to_string<'a>(args: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    let (Some(items), Some(Datum::Text(separator))) = (elements(args, 0)?, args.get(1)) else {
        return Ok(Datum::Null);
    };
    let shown = |item: &Datum<'_>| match (item, args.get(2)) {
        (Datum::Null, Some(Datum::Text(instead))) => Some(instead.clone().into_owned()),
        (Datum::Null, _) => None,
        (item, _) => Some(output_variant(item, style)),
    };
    Ok(Datum::text(items.iter().filter_map(shown).collect::<Vec<_>>().join(separator)))
}

pub(super) fn get<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let index = usize::try_from(number(args, 1)?).ok().and_then(|place| place.checked_sub(1));
    Ok(index.and_then(|index| items(args, 0).ok()?.get(index)).cloned().unwrap_or(Datum::Null))
}

pub(super) fn slice<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let items = items(args, 0)?;
    let place = |at: usize| Ok::<_, Error>(usize::try_from(number(args, at)?).unwrap_or(0));
    let (first, last) = (place(1)?.max(1), place(2)?.min(items.len()));
    Ok(Datum::Array(items.get(first - 1..last).unwrap_or_default().to_vec()))
}

/// Whether an array has an element; NULL is equal to none.
fn has(items: &[Datum<'_>], wanted: &Datum<'_>) -> bool {
    !wanted.is_null() && items.iter().any(|item| is_same(item, wanted))
}

pub(super) fn contains<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let whole = items(args, 0)?;
    Ok(Datum::Bool(items(args, 1)?.iter().all(|item| has(whole, item))))
}

pub(super) fn contained<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let whole = items(args, 1)?;
    Ok(Datum::Bool(items(args, 0)?.iter().all(|item| has(whole, item))))
}

pub(super) fn overlaps<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let whole = items(args, 0)?;
    Ok(Datum::Bool(items(args, 1)?.iter().any(|item| has(whole, item))))
}
