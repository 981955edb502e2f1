//! Parameters in text form.

use datafusion::common::ScalarValue;

use crate::error::Result;
use crate::pgtype::parameter::{interval, list, numeric, numerics, unsupported};
use crate::pgtype::style::Style;
use crate::pgtype::types::PgType;
use crate::pgtype::{array, bytea, float, interval_parse, moment, numeric as decimal, text};

pub(super) fn decode(pg: PgType, bytes: &[u8], style: &Style) -> Result<ScalarValue> {
    let input = text::from_utf8(bytes)?;
    match pg {
        PgType::Array(element) => array_of(*element, input, style),
        PgType::Int2vector | PgType::Oidvector => vector(pg, input, style),
        _ => scalar(pg, input, style),
    }
}

fn scalar(pg: PgType, input: &str, style: &Style) -> Result<ScalarValue> {
    use ScalarValue as S;
    Ok(match pg {
        PgType::Bool => S::Boolean(Some(text::parse_bool(input)?)),
        PgType::Int2 => S::Int16(Some(int(pg, input, i16::MIN.into(), i16::MAX.into())? as i16)),
        PgType::Int4 => S::Int32(Some(int(pg, input, i32::MIN.into(), i32::MAX.into())? as i32)),
        PgType::Int8 => S::Int64(Some(int(pg, input, i64::MIN, i64::MAX)?)),
        PgType::Float4 => S::Float32(Some(float::parse_f32(input)?)),
        PgType::Float8 => S::Float64(Some(float::parse_f64(input)?)),
        PgType::Numeric => numeric(decimal::parse(input)?)?,
        PgType::Date => S::Date32(Some(moment::parse_date(input, style)?)),
        PgType::Time => S::Time64Microsecond(Some(moment::parse_time_in(input, style)?)),
        PgType::Timestamp => S::TimestampMicrosecond(Some(moment::parse_timestamp(input, style)?), None),
        PgType::Timestamptz => {
            S::TimestampMicrosecond(Some(moment::parse_timestamptz(input, style)?), Some("UTC".into()))
        }
        PgType::Interval => interval(interval_parse::parse(input)?)?,
        PgType::Bytea => S::Binary(Some(bytea::parse(input)?)),
        PgType::Uuid => uuid(&text::parse_uuid(input)?),
        PgType::Json | PgType::Jsonb => {
            text::check_json(input)?;
            utf8(input)
        }
        PgType::Char => utf8(input.chars().next().map_or("", |letter| &input[..letter.len_utf8()])),
        PgType::Text
        | PgType::Varchar
        | PgType::Bpchar
        | PgType::Name
        | PgType::Unknown
        | PgType::Xml
        | PgType::Inet => utf8(input),
        oid if oid.is_oid() => S::UInt32(Some(oid_number(oid, input)?)),
        other => return Err(unsupported(other)),
    })
}

fn utf8(input: &str) -> ScalarValue {
    ScalarValue::Utf8(Some(input.to_owned()))
}

/// A UUID is kept as text: that is what columns with identifiers hold.
pub(super) fn uuid(bytes: &[u8; 16]) -> ScalarValue {
    let mut out = Vec::with_capacity(36);
    text::put_uuid(bytes, &mut out);
    ScalarValue::Utf8(Some(String::from_utf8_lossy(&out).into_owned()))
}

fn int(pg: PgType, input: &str, min: i64, max: i64) -> Result<i64> {
    text::parse_int(input, pg.name(), min, max)
}

/// The number of an object. Its name would have to be looked up in the catalog, which the wire does not know.
fn oid_number(pg: PgType, input: &str) -> Result<u32> {
    match text::parse_oid(input) {
        Err(_) if pg != PgType::Oid => {
            Err(unsupported(pg).hint(format!("Bind \"{input}\" as text and cast it: $1::text::{}.", pg.name())))
        }
        parsed => parsed,
    }
}

fn array_of(element: PgType, input: &str, style: &Style) -> Result<ScalarValue> {
    let literal = array::parse(input)?;
    let elements = if element == PgType::Numeric {
        let decimals = literal.elements.iter().map(|text| text.as_deref().map(decimal::parse).transpose());
        numerics(decimals.collect::<Result<_>>()?)?
    } else {
        let value = |text: &Option<String>| match text {
            Some(text) => scalar(element, text, style),
            None => super::decode(element, super::Format::Text, None, style),
        };
        literal.elements.iter().map(value).collect::<Result<_>>()?
    };
    list(element, &literal.lengths, elements)
}

/// `1 2 3`
fn vector(pg: PgType, input: &str, style: &Style) -> Result<ScalarValue> {
    let element = pg.element().unwrap_or(PgType::Oid);
    let elements =
        input.split_ascii_whitespace().map(|text| scalar(element, text, style)).collect::<Result<Vec<_>>>()?;
    list(element, &[elements.len()], elements)
}
