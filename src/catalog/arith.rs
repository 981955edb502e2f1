//! Arithmetic of numbers, times and intervals.

use super::plan::Arith;
use super::value::Value;
use crate::error::{Error, Kind, Result};

const DAY: i64 = 86_400_000_000;

/// Computes an operator; NULL gives NULL.
pub(crate) fn arith(op: Arith, left: &Value, right: &Value) -> Result<Value> {
    Ok(match (op, left, right) {
        (_, Value::Null, _) | (_, _, Value::Null) => Value::Null,
        (_, Value::Int(a), Value::Int(b)) => return integers(op, *a, *b),
        (_, Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => return floats(op, left, right),
        (Arith::Add, Value::Date(a), Value::Int(b)) | (Arith::Add, Value::Int(b), Value::Date(a)) => day(*a, *b)?,
        (Arith::Sub, Value::Date(a), Value::Int(b)) => day(*a, b.saturating_neg())?,
        (Arith::Sub, Value::Date(a), Value::Date(b)) => Value::Int(i64::from(*a) - i64::from(*b)),
        (Arith::Sub, Value::Timestamptz(a) | Value::Timestamp(a), Value::Timestamptz(b) | Value::Timestamp(b)) => {
            let gap = a.saturating_sub(*b);
            Value::Interval { months: 0, days: (gap / DAY) as i32, micros: gap % DAY }
        }
        (Arith::Add, interval @ Value::Interval { .. }, time) if !matches!(time, Value::Interval { .. }) => {
            shift(time, interval, 1)?
        }
        (Arith::Add, time, interval @ Value::Interval { .. }) => shift(time, interval, 1)?,
        (Arith::Sub, time, interval @ Value::Interval { .. }) => shift(time, interval, -1)?,
        (Arith::Mul, Value::Interval { months, days, micros }, number)
        | (Arith::Mul, number, Value::Interval { months, days, micros }) => {
            let factor = float(number);
            Value::Interval {
                months: (f64::from(*months) * factor) as i32,
                days: (f64::from(*days) * factor) as i32,
                micros: (*micros as f64 * factor) as i64,
            }
        }
        _ => return Err(Error::unsupported("this arithmetic")),
    })
}

fn day(start: i32, by: i64) -> Result<Value> {
    let moved = i64::from(start).checked_add(by).and_then(|day| i32::try_from(day).ok());
    moved.map(Value::Date).ok_or_else(|| Error::new(Kind::DatetimeOverflow, "date out of range"))
}

fn float(value: &Value) -> f64 {
    match value {
        Value::Int(int) => *int as f64,
        Value::Float(float) => *float,
        _ => 0.0,
    }
}

fn shift(time: &Value, by: &Value, sign: i32) -> Result<Value> {
    let Value::Interval { months, days, micros } = by else { return Ok(Value::Null) };
    let months = months.saturating_mul(sign);
    let days = days.saturating_mul(sign);
    let micros = micros.saturating_mul(i64::from(sign));
    let moved = |at: i64| -> Result<i64> {
        let out = || Error::new(Kind::DatetimeOverflow, "timestamp out of range");
        let start = chrono::DateTime::from_timestamp_micros(at).ok_or_else(out)?;
        let by = chrono::Months::new(months.unsigned_abs());
        let month = if months < 0 { start.checked_sub_months(by) } else { start.checked_add_months(by) };
        let rest = (i64::from(days) * DAY).saturating_add(micros);
        month.ok_or_else(out)?.timestamp_micros().checked_add(rest).ok_or_else(out)
    };
    Ok(match time {
        Value::Timestamptz(at) => Value::Timestamptz(moved(*at)?),
        Value::Timestamp(at) => Value::Timestamp(moved(*at)?),
        Value::Date(day) => Value::Timestamp(moved(i64::from(*day) * DAY)?),
        Value::Interval { months: m, days: d, micros: u } => Value::Interval {
            months: m.saturating_add(months),
            days: d.saturating_add(days),
            micros: u.saturating_add(micros),
        },
        _ => return Err(Error::unsupported("this arithmetic")),
    })
}

fn integers(op: Arith, a: i64, b: i64) -> Result<Value> {
    let shift = || u32::try_from(b & 63).unwrap_or(0);
    let result = match op {
        Arith::Div | Arith::Mod if b == 0 => return Err(Error::new(Kind::DivisionByZero, "division by zero")),
        Arith::Add => a.checked_add(b),
        Arith::Sub => a.checked_sub(b),
        Arith::Mul => a.checked_mul(b),
        Arith::Div => a.checked_div(b),
        Arith::Mod => Some(a.wrapping_rem(b)),
        Arith::And => Some(a & b),
        Arith::Or => Some(a | b),
        Arith::Xor => Some(a ^ b),
        Arith::ShiftLeft => Some(a.wrapping_shl(shift())),
        Arith::ShiftRight => Some(a.wrapping_shr(shift())),
        Arith::Power => return Ok(Value::Float((a as f64).powf(b as f64))),
    };
    result.map(Value::Int).ok_or_else(|| Error::new(Kind::NumericOutOfRange, "bigint out of range"))
}

fn floats(op: Arith, left: &Value, right: &Value) -> Result<Value> {
    let (a, b) = (float(left), float(right));
    Ok(Value::Float(match op {
        Arith::Div | Arith::Mod if b == 0.0 => return Err(Error::new(Kind::DivisionByZero, "division by zero")),
        Arith::Add => a + b,
        Arith::Sub => a - b,
        Arith::Mul => a * b,
        Arith::Div => a / b,
        Arith::Mod => a % b,
        Arith::Power => a.powf(b),
        _ => return Err(Error::unsupported("this arithmetic")),
    }))
}
