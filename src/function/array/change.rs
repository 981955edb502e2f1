//! Arrays made of arrays and elements.

use crate::error::{Error, Kind, Result};
use crate::function::array::{elements, is_same, items, number, wrong_argument};
use crate::function::datum::Datum;
use crate::pgtype::style::Style;

/// How many items a filled array may have; PostgreSQL allows eight times as many, which would take gigabytes here.
const MOST_ITEMS: usize = 1 << 24;

pub(super) fn append<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let element = args.get(1).ok_or_else(wrong_argument)?;
    let items = elements(args, 0)?.unwrap_or_default();
    Ok(Datum::Array(items.iter().chain([element]).cloned().collect()))
}

pub(super) fn prepend<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let element = args.first().ok_or_else(wrong_argument)?;
    let items = elements(args, 1)?.unwrap_or_default();
    Ok(Datum::Array([element].into_iter().chain(items).cloned().collect()))
}

pub(super) fn cat<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(match (elements(args, 0)?, elements(args, 1)?) {
        (None, None) => Datum::Null,
        (left, right) => Datum::Array([left.unwrap_or_default(), right.unwrap_or_default()].concat()),
    })
}

pub(super) fn remove<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let Some(items) = elements(args, 0)? else { return Ok(Datum::Null) };
    let gone = args.get(1).ok_or_else(wrong_argument)?;
    Ok(Datum::Array(items.iter().filter(|item| !is_same(item, gone)).cloned().collect()))
}

pub(super) fn replace<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let Some(items) = elements(args, 0)? else { return Ok(Datum::Null) };
    let [_, old, new] = args else { return Err(wrong_argument()) };
    let changed = items.iter().map(|item| if is_same(item, old) { new } else { item });
    Ok(Datum::Array(changed.cloned().collect()))
}

pub(super) fn trim<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let items = items(args, 0)?;
    let rest = usize::try_from(number(args, 1)?).ok().and_then(|lost| items.len().checked_sub(lost));
    let Some(rest) = rest else {
        let message = format!("number of elements to trim must be between 0 and {}", items.len());
        return Err(Error::new(Kind::ArraySubscript, message));
    };
    Ok(Datum::Array(items[..rest].to_vec()))
}

/// The only item of an array of dimensions or lower bounds; `None` if it has no item.
fn only_bound(args: &[Datum<'_>], at: usize) -> Result<Option<i32>> {
    let null = |message: &str| Error::new(Kind::NullNotAllowed, message);
    let bounds = elements(args, at)?.ok_or_else(|| null("dimension array or low bound array cannot be null"))?;
    if bounds.iter().any(Datum::is_null) {
        return Err(null("dimension values cannot be null"));
    }
    match bounds {
        [] => Ok(None),
        [Datum::Int4(bound)] => Ok(Some(*bound)),
        _ => Err(Error::unsupported("an array of more than one dimension")),
    }
}

pub(super) fn fill<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let element = args.first().ok_or_else(wrong_argument)?;
    let length = only_bound(args, 1)?;
    if args.len() > 2 {
        let bounds = elements(args, 2)?;
        if bounds.is_some_and(|bounds| bounds.len() != usize::from(length.is_some())) {
            return Err(Error::new(Kind::ArraySubscript, "wrong number of array subscripts")
                .detail("Low bound array has different size than dimensions array."));
        }
        if only_bound(args, 2)?.is_some_and(|bound| bound != 1) {
            return Err(Error::unsupported("an array whose subscripts do not start at 1"));
        }
    }
    let length = usize::try_from(length.unwrap_or(0)).ok().filter(|length| *length <= MOST_ITEMS);
    let Some(length) = length else {
        let message = "array size exceeds the maximum allowed (134217727)";
        return Err(Error::new(Kind::ProgramLimit, message));
    };
    Ok(Datum::Array(vec![element.clone(); length]))
}

pub(super) fn unnest<'a>(args: &[Datum<'a>], _: &Style) -> Result<Vec<Vec<Datum<'a>>>> {
    Ok(items(args, 0)?.iter().map(|item| vec![item.clone()]).collect())
}
