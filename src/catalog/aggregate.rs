//! The aggregate functions.

use super::types::{self, Family};
use super::value::Value;
use crate::error::{Error, Kind, Result};

/// An aggregate function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    CountRows,
    Count,
    Min,
    Max,
    Sum,
    Avg,
    ArrayAgg,
    StringAgg,
    BoolAnd,
    BoolOr,
}

impl Aggregate {
    /// Finds an aggregate by name.
    pub(crate) fn named(name: &str) -> Option<Aggregate> {
        Some(match name {
            "count" => Aggregate::Count,
            "min" => Aggregate::Min,
            "max" => Aggregate::Max,
            "sum" => Aggregate::Sum,
            "avg" => Aggregate::Avg,
            "array_agg" => Aggregate::ArrayAgg,
            "string_agg" => Aggregate::StringAgg,
            "bool_and" | "every" => Aggregate::BoolAnd,
            "bool_or" => Aggregate::BoolOr,
            _ => return None,
        })
    }

    /// Returns the type of the result for the types of the arguments, `None` if it does not take them.
    pub(crate) fn result(self, args: &[u32]) -> Option<u32> {
        let first = args.first().copied().map(types::base);
        let number = first.is_some_and(|oid| types::family(oid) == Family::Number);
        let n = if self == Aggregate::CountRows {
            0
        } else if self == Aggregate::StringAgg {
            2
        } else {
            1
        };
        if args.len() != n {
            return None;
        }
        match (self, first) {
            (Aggregate::CountRows | Aggregate::Count, _) => Some(types::INT8),
            (Aggregate::Min | Aggregate::Max, Some(types::NAME | types::UNKNOWN | types::CHAR)) => Some(types::TEXT),
            (Aggregate::Min | Aggregate::Max, first) => first,
            (Aggregate::Sum, Some(types::INT2 | types::INT4)) => Some(types::INT8),
            (Aggregate::Sum | Aggregate::Avg, Some(types::INT2 | types::INT4 | types::INT8)) => Some(types::NUMERIC),
            (Aggregate::Sum | Aggregate::Avg, Some(types::FLOAT4 | types::FLOAT8)) => Some(types::FLOAT8),
            (Aggregate::Sum | Aggregate::Avg, first) if number => first,
            (Aggregate::ArrayAgg, first) => first.map(types::array_of),
            (Aggregate::StringAgg, Some(oid)) if matches!(types::family(oid), Family::Text | Family::Unknown) => {
                Some(types::TEXT)
            }
            (Aggregate::BoolAnd | Aggregate::BoolOr, Some(types::BOOL | types::UNKNOWN)) => Some(types::BOOL),
            _ => None,
        }
    }

    /// Computes the aggregate over the arguments of each row, in order.
    pub(crate) fn compute(self, rows: &[Vec<Value>]) -> Result<Value> {
        let count = |n: usize| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
        let values = || rows.iter().map(|row| &row[0]).filter(|value| !value.is_null());
        Ok(match self {
            Aggregate::CountRows => count(rows.len()),
            Aggregate::Count => count(values().count()),
            Aggregate::Min => values().min_by(|a, b| a.compare(b)).cloned().unwrap_or_default(),
            Aggregate::Max => values().max_by(|a, b| a.compare(b)).cloned().unwrap_or_default(),
            Aggregate::Sum => sum(values())?,
            Aggregate::Avg => average(values()),
            Aggregate::ArrayAgg if rows.is_empty() => Value::Null,
            Aggregate::ArrayAgg => Value::array(rows.iter().map(|row| row[0].clone()).collect()),
            Aggregate::StringAgg => string(rows),
            Aggregate::BoolAnd => values().map(Value::is_true).reduce(|a, b| a && b).into(),
            Aggregate::BoolOr => values().map(Value::is_true).reduce(|a, b| a || b).into(),
        })
    }
}

fn sum<'a>(values: impl Iterator<Item = &'a Value>) -> Result<Value> {
    let mut total = Value::Null;
    for value in values {
        total = match (&total, value) {
            (Value::Null, value) => value.clone(),
            (Value::Int(a), Value::Int(b)) => {
                Value::Int(a.checked_add(*b).ok_or_else(|| Error::new(Kind::NumericOutOfRange, "bigint out of range"))?)
            }
            (a, b) => Value::Float(float(a) + float(b)),
        };
    }
    Ok(total)
}

fn float(value: &Value) -> f64 {
    match value {
        Value::Int(int) => *int as f64,
        Value::Float(float) => *float,
        _ => 0.0,
    }
}

fn average<'a>(values: impl Iterator<Item = &'a Value>) -> Value {
    let (total, n) = values.fold((0.0, 0_u32), |(total, n), value| (total + float(value), n + 1));
    if n == 0 { Value::Null } else { Value::Float(total / f64::from(n)) }
}

/// The separator of a row stands before its text; that of the first row is not used.
fn string(rows: &[Vec<Value>]) -> Value {
    let mut text: Option<String> = None;
    for row in rows {
        let Some(part) = row[0].as_str() else { continue };
        match &mut text {
            Some(text) => text.extend([row[1].as_str().unwrap_or_default(), part]),
            None => text = Some(part.to_owned()),
        }
    }
    text.into()
}
