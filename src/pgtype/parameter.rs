//! What a client binds to `$1`, as a value: the text or binary form of a type that is known by then.

mod binary;
mod text;

use std::str::FromStr;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, ListArray, new_empty_array};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, Field, IntervalMonthDayNano, i256,
};
use datafusion::common::ScalarValue;

use crate::error::{Error, Kind, Result};
use crate::pgtype::interval::Interval;
use crate::pgtype::numeric::{Decimal, too_large};
use crate::pgtype::style::{Format, Style};
use crate::pgtype::types::PgType;

/// Reads a parameter of a type given by number.
pub fn decode_oid(oid: u32, format: Format, bytes: Option<&[u8]>, style: &Style) -> Result<ScalarValue> {
    let pg =
        PgType::from_oid(oid).ok_or_else(|| Error::unsupported(format!("a parameter of the type with OID {oid}")))?;
    decode(pg, format, bytes, style)
}

/// Reads a parameter; `None` is NULL.
pub fn decode(pg: PgType, format: Format, bytes: Option<&[u8]>, style: &Style) -> Result<ScalarValue> {
    match (bytes, format) {
        (None, _) => ScalarValue::try_from(pg.arrow()).map_err(|fault| Error::internal(fault.to_string())),
        (Some(bytes), Format::Text) => text::decode(pg, bytes, style),
        (Some(bytes), Format::Binary) => binary::decode(pg, bytes),
    }
}

fn unsupported(pg: PgType) -> Error {
    Error::unsupported(format!("a parameter of type {}", pg.name()))
}

fn interval(value: Interval) -> Result<ScalarValue> {
    let Interval { months, days, micros } = value;
    let nanoseconds =
        micros.checked_mul(1_000).ok_or_else(|| Error::new(Kind::DatetimeOverflow, "interval out of range"))?;
    Ok(ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano { months, days, nanoseconds })))
}

fn numeric(value: Decimal) -> Result<ScalarValue> {
    Ok(numerics(vec![Some(value)])?.swap_remove(0))
}

/// Decimals of one Arrow type: with the largest scale, and as many digits as any needs.
fn numerics(mut values: Vec<Option<Decimal>>) -> Result<Vec<ScalarValue>> {
    let scale = values.iter().flatten().map(|value| value.scale).max().unwrap_or(0);
    values.iter_mut().flatten().for_each(|value| value.rescale(scale));
    let digits = values.iter().flatten().map(Decimal::digits).max().unwrap_or(1);
    let precision = u8::try_from(digits.max(scale)).map_err(|_| too_large())?;
    let scale = i8::try_from(scale).map_err(|_| too_large())?;
    if precision > DECIMAL256_MAX_PRECISION {
        return Err(too_large());
    }
    let scalar = |value: Option<Decimal>| {
        let unscaled = value.as_ref().map(|value| value.unscaled.as_str());
        if precision <= DECIMAL128_MAX_PRECISION {
            let unscaled = unscaled.map(str::parse).transpose().map_err(|_| too_large())?;
            Ok(ScalarValue::Decimal128(unscaled, precision, scale))
        } else {
            let unscaled = unscaled.map(i256::from_str).transpose().map_err(|_| too_large())?;
            Ok(ScalarValue::Decimal256(unscaled, precision, scale))
        }
    };
    values.into_iter().map(scalar).collect()
}

/// An array of the given dimensions, the outermost first; no dimension means no element.
fn list(element: PgType, lengths: &[usize], elements: Vec<ScalarValue>) -> Result<ScalarValue> {
    let internal = |fault: &dyn std::fmt::Display| Error::internal(fault.to_string());
    let mut count = elements.len();
    let mut values: ArrayRef = if elements.is_empty() {
        new_empty_array(&element.arrow())
    } else {
        ScalarValue::iter_to_array(elements).map_err(|fault| internal(&fault))?
    };
    let lengths = if lengths.is_empty() { &[0] } else { lengths };
    for length in lengths.iter().rev() {
        count = count.checked_div(*length).unwrap_or(1);
        let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        let offsets = OffsetBuffer::from_repeated_length(*length, count);
        values = Arc::new(ListArray::try_new(field, offsets, values, None).map_err(|fault| internal(&fault))?);
    }
    ScalarValue::try_from_array(&values, 0).map_err(|fault| internal(&fault))
}

#[cfg(test)]
#[path = "parameter_tests.rs"]
mod tests;
