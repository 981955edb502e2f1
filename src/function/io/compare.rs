//! The order of values, as PostgreSQL's B-tree operator classes have it. NULL comes last.

use std::cmp::Ordering;

use crate::function::datum::Datum;
use crate::function::io::{char_byte, jsonb_key};
use crate::pgtype::calendar::DAY_US;
use crate::pgtype::interval::Interval;
use crate::pgtype::types::PgType;

/// Compares two values of one type; text by its bytes.
pub fn compare(ty: PgType, a: &Datum<'_>, b: &Datum<'_>) -> Ordering {
    match (a, b) {
        (Datum::Null, _) | (_, Datum::Null) => a.is_null().cmp(&b.is_null()),
        (Datum::Text(a), Datum::Text(b)) => match ty {
            PgType::Bpchar => a.trim_end_matches(' ').cmp(b.trim_end_matches(' ')),
            PgType::Char => char_byte(a).cmp(&char_byte(b)),
            _ => a.cmp(b),
        },
        (Datum::Array(a), Datum::Array(b)) => {
            let element = ty.element().unwrap_or(PgType::Unknown);
            items(element, a, b)
        }
        (Datum::Record(a), Datum::Record(b)) => items(PgType::Unknown, a, b),
        (Datum::Bool(a), Datum::Bool(b)) => a.cmp(b),
        (Datum::Int2(a), Datum::Int2(b)) => a.cmp(b),
        (Datum::Int4(a), Datum::Int4(b)) => a.cmp(b),
        (Datum::Int8(a), Datum::Int8(b)) => a.cmp(b),
        (Datum::Oid(a), Datum::Oid(b)) => a.cmp(b),
        (Datum::Float4(a), Datum::Float4(b)) => float(f64::from(*a), f64::from(*b)),
        (Datum::Float8(a), Datum::Float8(b)) => float(*a, *b),
        (Datum::Numeric(a), Datum::Numeric(b)) => a.compare(b),
        (Datum::Bytea(a), Datum::Bytea(b)) => a.cmp(b),
        (Datum::Uuid(a), Datum::Uuid(b)) => a.cmp(b),
        (Datum::Jsonb(a), Datum::Jsonb(b)) if a == b => Ordering::Equal,
        (Datum::Jsonb(a), Datum::Jsonb(b)) => jsonb_key(a).cmp(&jsonb_key(b)),
        (Datum::Date(a), Datum::Date(b)) => a.cmp(b),
        (Datum::Time(a), Datum::Time(b))
        | (Datum::Timestamp(a), Datum::Timestamp(b))
        | (Datum::Timestamptz(a), Datum::Timestamptz(b)) => a.cmp(b),
        (Datum::Interval(a), Datum::Interval(b)) => total(*a).cmp(&total(*b)),
        // Values of one type have one variant; any fixed order does for what cannot be.
        _ => rank(a).cmp(&rank(b)),
    }
}

/// Item by item, then the shorter first.
fn items(element: PgType, a: &[Datum<'_>], b: &[Datum<'_>]) -> Ordering {
    let differing = a.iter().zip(b).map(|(a, b)| compare(element, a, b)).find(|order| order.is_ne());
    differing.unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// NaN is equal to itself and more than all others; the zeros are equal.
fn float(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Microseconds, a month being 30 days.
fn total(value: Interval) -> i128 {
    let days = i128::from(value.months) * 30 + i128::from(value.days);
    days * i128::from(DAY_US) + i128::from(value.micros)
}

fn rank(value: &Datum<'_>) -> u8 {
    match value {
        Datum::Bool(_) => 0,
        Datum::Int2(_) => 1,
        Datum::Int4(_) => 2,
        Datum::Int8(_) => 3,
        Datum::Oid(_) => 4,
        Datum::Float4(_) => 5,
        Datum::Float8(_) => 6,
        Datum::Numeric(_) => 7,
        Datum::Text(_) => 8,
        Datum::Bytea(_) => 9,
        Datum::Uuid(_) => 10,
        Datum::Jsonb(_) => 11,
        Datum::Date(_) => 12,
        Datum::Time(_) => 13,
        Datum::Timestamp(_) => 14,
        Datum::Timestamptz(_) => 15,
        Datum::Interval(_) => 16,
        Datum::Array(_) => 17,
        Datum::Record(_) => 18,
        Datum::Null => 19,
    }
}
