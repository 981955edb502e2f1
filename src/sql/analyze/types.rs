//! Types as SQL names them.

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, IntervalFields, ObjectNamePart, TimezoneInfo,
};

use crate::error::{Error, Kind, Result};
use crate::pgtype::types::PgType;

/// `typmod` of `varchar(n)` and `char(n)` is this more than n; of `numeric(p,s)` too.
const HEADER: i32 = 4;

/// The type and its modifier, -1 for none.
pub fn resolve(data_type: &DataType) -> Result<(PgType, i32)> {
    use DataType as D;
    Ok(match data_type {
        D::Boolean | D::Bool => (PgType::Bool, -1),
        D::SmallInt(None) | D::Int2(None) => (PgType::Int2, -1),
        D::Int(None) | D::Integer(None) | D::Int4(None) => (PgType::Int4, -1),
        D::BigInt(None) | D::Int8(None) => (PgType::Int8, -1),
        D::Real | D::Float4 => (PgType::Float4, -1),
        D::Float(info) => (float(info)?, -1),
        D::Double(_) | D::DoublePrecision | D::Float8 => (PgType::Float8, -1),
        D::Numeric(info) | D::Decimal(info) | D::Dec(info) => (PgType::Numeric, numeric(info)?),
        D::Text => (PgType::Text, -1),
        D::Varchar(length) | D::CharacterVarying(length) | D::CharVarying(length) => {
            (PgType::Varchar, characters(length.as_ref(), "varchar")?)
        }
        D::Char(length) | D::Character(length) => {
            let typmod = characters(length.as_ref(), "char")?;
            // char alone is char(1).
            (PgType::Bpchar, if typmod < 0 { HEADER + 1 } else { typmod })
        }
        D::Bytea => (PgType::Bytea, -1),
        D::Uuid => (PgType::Uuid, -1),
        D::JSON => (PgType::Json, -1),
        D::JSONB => (PgType::Jsonb, -1),
        D::Date => (PgType::Date, -1),
        D::Time(precision, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => (PgType::Time, fraction(*precision)?),
        D::Timestamp(precision, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
            (PgType::Timestamp, fraction(*precision)?)
        }
        D::Timestamp(precision, _) => (PgType::Timestamptz, fraction(*precision)?),
        D::Interval { fields, precision } => (PgType::Interval, interval(fields.as_ref(), *precision)?),
        D::Regclass => (PgType::Regclass, -1),
        D::Array(element) => {
            let inner = match element {
                ArrayElemTypeDef::AngleBracket(inner)
                | ArrayElemTypeDef::SquareBracket(inner, _)
                | ArrayElemTypeDef::Parenthesis(inner) => inner,
                ArrayElemTypeDef::None => return Err(missing("array")),
            };
            let (ty, typmod) = resolve(inner)?;
            (ty.array(), typmod)
        }
        D::Custom(name, modifiers) => {
            let is_qualified = name.0.len() > 1;
            let parts: Vec<String> = name
                .0
                .iter()
                .filter_map(ObjectNamePart::as_ident)
                .map(|ident| match (ident.value.as_str(), ident.quote_style) {
                    // Only as a key word is it character(1).
                    ("char", quoted) if quoted.is_some() || is_qualified => "\"char\"".to_owned(),
                    (name, Some(_)) => name.to_owned(),
                    (name, None) => name.to_ascii_lowercase(),
                })
                .collect();
            custom(&parts, modifiers)?
        }
        other => return Err(missing(&other.to_string().to_lowercase())),
    })
}

fn missing(name: &str) -> Error {
    Error::new(Kind::UndefinedObject, format!("type \"{name}\" does not exist"))
}

fn custom(parts: &[String], modifiers: &[String]) -> Result<(PgType, i32)> {
    let name = match parts {
        [name] => name,
        [schema, name] if schema == "pg_catalog" => name,
        _ => return Err(missing(&parts.join("."))),
    };
    let numbers: Vec<u64> = modifiers.iter().filter_map(|modifier| modifier.trim().parse().ok()).collect();
    let ty = match name.as_str() {
        "\"char\"" => PgType::Char,
        "char" => PgType::Bpchar,
        "decimal" => PgType::Numeric,
        "float" => PgType::Float8,
        name => {
            let plain = name.trim_matches('"');
            PgType::from_name(plain).filter(|ty| ty.oid() != PgType::Unknown.oid()).ok_or_else(|| missing(plain))?
        }
    };
    let length = |fallback: i32| match numbers.first() {
        Some(n) => i32::try_from(*n).map(|n| n + HEADER).unwrap_or(fallback),
        None => fallback,
    };
    let typmod = match ty {
        PgType::Numeric if !numbers.is_empty() => {
            let precision = numbers[0];
            let scale = numbers.get(1).copied().unwrap_or(0);
            numeric(&ExactNumberInfo::PrecisionAndScale(precision, i64::try_from(scale).unwrap_or(i64::MAX)))?
        }
        PgType::Varchar => length(-1),
        PgType::Bpchar => length(if name == "char" { HEADER + 1 } else { -1 }),
        PgType::Timestamp | PgType::Timestamptz | PgType::Time => fraction(numbers.first().copied())?,
        _ => -1,
    };
    Ok((ty, typmod))
}

fn float(info: &ExactNumberInfo) -> Result<PgType> {
    let out = |message: &str| Err(Error::new(Kind::InvalidParameterValue, message));
    match info {
        ExactNumberInfo::None => Ok(PgType::Float8),
        ExactNumberInfo::Precision(0) => out("precision for type float must be at least 1 bit"),
        ExactNumberInfo::Precision(1..=24) => Ok(PgType::Float4),
        ExactNumberInfo::Precision(25..=53) => Ok(PgType::Float8),
        _ => out("precision for type float must be less than 54 bits"),
    }
}

fn numeric(info: &ExactNumberInfo) -> Result<i32> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => return Ok(-1),
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    if !(1..=1000).contains(&precision) {
        let message = format!("NUMERIC precision {precision} must be between 1 and 1000");
        return Err(Error::new(Kind::InvalidParameterValue, message));
    }
    if !(-1000..=1000).contains(&scale) {
        let message = format!("NUMERIC scale {scale} must be between -1000 and 1000");
        return Err(Error::new(Kind::InvalidParameterValue, message));
    }
    let precision = i32::try_from(precision).unwrap_or(1000);
    let scale = i32::try_from(scale).unwrap_or(0);
    Ok(((precision << 16) | (scale & 0x7ff)) + HEADER)
}

fn characters(length: Option<&CharacterLength>, name: &str) -> Result<i32> {
    match length {
        None => Ok(-1),
        Some(CharacterLength::IntegerLength { length: 0, .. }) => {
            let message = format!("length for type {name} must be at least 1");
            Err(Error::new(Kind::InvalidParameterValue, message))
        }
        Some(CharacterLength::IntegerLength { length, .. }) if *length <= 10_485_760 => {
            Ok(i32::try_from(*length).unwrap_or(0) + HEADER)
        }
        Some(_) => {
            let message = format!("length for type {name} cannot exceed 10485760");
            Err(Error::new(Kind::InvalidParameterValue, message))
        }
    }
}

/// Fractional digits of seconds; more than six are six, with a warning there and none here.
fn fraction(precision: Option<u64>) -> Result<i32> {
    Ok(precision.map_or(-1, |digits| i32::try_from(digits.min(6)).unwrap_or(6)))
}

/// `intervaltypmod`: the fields that are kept in the upper half, the digits of seconds in the lower.
fn interval(fields: Option<&IntervalFields>, precision: Option<u64>) -> Result<i32> {
    const MONTH: i32 = 1 << 1;
    const YEAR: i32 = 1 << 2;
    const DAY: i32 = 1 << 3;
    const HOUR: i32 = 1 << 10;
    const MINUTE: i32 = 1 << 11;
    const SECOND: i32 = 1 << 12;
    const ALL: i32 = 0x7fff;
    const ANY_PRECISION: i32 = 0xffff;
    let mask = match fields {
        None if precision.is_none() => return Ok(-1),
        None => ALL,
        Some(IntervalFields::Year) => YEAR,
        Some(IntervalFields::Month) => MONTH,
        Some(IntervalFields::Day) => DAY,
        Some(IntervalFields::Hour) => HOUR,
        Some(IntervalFields::Minute) => MINUTE,
        Some(IntervalFields::Second) => SECOND,
        Some(IntervalFields::YearToMonth) => YEAR | MONTH,
        Some(IntervalFields::DayToHour) => DAY | HOUR,
        Some(IntervalFields::DayToMinute) => DAY | HOUR | MINUTE,
        Some(IntervalFields::DayToSecond) => DAY | HOUR | MINUTE | SECOND,
        Some(IntervalFields::HourToMinute) => HOUR | MINUTE,
        Some(IntervalFields::HourToSecond) => HOUR | MINUTE | SECOND,
        Some(IntervalFields::MinuteToSecond) => MINUTE | SECOND,
    };
    let digits = precision.map_or(ANY_PRECISION, |digits| i32::try_from(digits.min(6)).unwrap_or(6));
    Ok((mask << 16) | digits)
}
