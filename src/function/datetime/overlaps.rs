//! `OVERLAPS`: whether two spans of time have a moment in common. An end may be NULL, and the ends may be swapped.

use crate::error::Result;
use crate::function::datetime::arith::plus;
use crate::function::datum::Datum;
use crate::pgtype::style::Style;

fn number(value: &Datum<'_>) -> Option<i64> {
    match value {
        Datum::Time(value) | Datum::Timestamp(value) | Datum::Timestamptz(value) => Some(*value),
        _ => None,
    }
}

/// The start and the end of a span, if at least one is known; a lone one is the start.
fn span(start: &Datum<'_>, end: &Datum<'_>, style: &Style) -> Result<Option<(i64, Option<i64>)>> {
    let end = match end {
        Datum::Interval(_) if start.is_null() => None,
        Datum::Interval(length) => number(&plus(start, *length, style)?),
        end => number(end),
    };
    Ok(match (number(start), end) {
        (Some(start), Some(end)) => Some((start.min(end), Some(start.max(end)))),
        (Some(only), None) | (None, Some(only)) => Some((only, None)),
        (None, None) => None,
    })
}

pub(super) fn overlaps<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    let (Some(first), Some(second)) = (span(&a[0], &a[1], style)?, span(&a[2], &a[3], style)?) else {
        return Ok(Datum::Null);
    };
    let (earlier, later) = if first.0 <= second.0 { (first, second) } else { (second, first) };
    let answer = if earlier.0 == later.0 {
        earlier.1.and(later.1).map(|_| true)
    } else {
        match earlier.1 {
            Some(end) if later.0 < end => Some(true),
            // It ends before the other begins; yet PostgreSQL wants to know both ends.
            Some(_) => later.1.map(|_| false),
            None => None,
        }
    };
    Ok(answer.map_or(Datum::Null, Datum::Bool))
}
