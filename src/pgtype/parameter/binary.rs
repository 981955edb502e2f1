//! Parameters in binary form.

use datafusion::common::ScalarValue;

use crate::error::{Error, Kind, Result};
use crate::pgtype::calendar::{DAY_US, EPOCH_DAYS, EPOCH_US};
use crate::pgtype::datetime::{INFINITY, NEG_INFINITY};
use crate::pgtype::parameter::{interval, list, numeric, numerics, unsupported};
use crate::pgtype::style::{Format, Style};
use crate::pgtype::types::PgType;
use crate::pgtype::{interval_parse, moment, numeric as decimal, text};

pub(super) fn decode(pg: PgType, bytes: &[u8]) -> Result<ScalarValue> {
    use ScalarValue as S;
    Ok(match pg {
        PgType::Bool => S::Boolean(Some(fixed::<1>(pg, bytes)? != [0])),
        PgType::Int2 => S::Int16(Some(i16::from_be_bytes(fixed(pg, bytes)?))),
        PgType::Int4 => S::Int32(Some(i32::from_be_bytes(fixed(pg, bytes)?))),
        PgType::Int8 => S::Int64(Some(i64::from_be_bytes(fixed(pg, bytes)?))),
        PgType::Float4 => S::Float32(Some(f32::from_be_bytes(fixed(pg, bytes)?))),
        PgType::Float8 => S::Float64(Some(f64::from_be_bytes(fixed(pg, bytes)?))),
        PgType::Numeric => numeric(decimal::parse_binary(bytes)?)?,
        PgType::Date => S::Date32(Some(date(i32::from_be_bytes(fixed(pg, bytes)?))?)),
        PgType::Time => S::Time64Microsecond(Some(time(i64::from_be_bytes(fixed(pg, bytes)?))?)),
        PgType::Timestamp => S::TimestampMicrosecond(Some(timestamp(i64::from_be_bytes(fixed(pg, bytes)?))?), None),
        PgType::Timestamptz => {
            S::TimestampMicrosecond(Some(timestamp(i64::from_be_bytes(fixed(pg, bytes)?))?), Some("UTC".into()))
        }
        PgType::Interval => interval(interval_parse::parse_binary(bytes)?)?,
        PgType::Bytea => S::Binary(Some(bytes.to_vec())),
        PgType::Uuid => super::text::uuid(&fixed(pg, bytes)?),
        PgType::Jsonb => match bytes {
            [1, rest @ ..] => super::text::decode(pg, rest, &Style::default())?,
            [version, ..] => return Err(Error::unsupported(format!("jsonb version number {version}"))),
            [] => return Err(wrong(pg)),
        },
        PgType::Char => match fixed::<1>(pg, bytes)? {
            [0] => S::Utf8(Some(String::new())),
            byte => S::Utf8(Some(text::from_utf8(&byte)?.to_owned())),
        },
        PgType::Array(_) | PgType::Int2vector | PgType::Oidvector => array(pg, bytes)?,
        PgType::PgNodeTree => return Err(unsupported(pg)),
        oid if oid.is_oid() => S::UInt32(Some(u32::from_be_bytes(fixed(pg, bytes)?))),
        text if text.is_text() => super::text::decode(pg, bytes, &Style::default())?,
        other => return Err(unsupported(other)),
    })
}

fn wrong(pg: PgType) -> Error {
    Error::new(Kind::InvalidBinary, format!("incorrect binary data format for type {}", pg.name()))
}

fn fixed<const N: usize>(pg: PgType, bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| wrong(pg))
}

fn date(days: i32) -> Result<i32> {
    if matches!(days, i32::MIN | i32::MAX) {
        return Ok(days);
    }
    let shifted = i64::from(days) + EPOCH_DAYS;
    i32::try_from(shifted)
        .ok()
        .filter(|_| (moment::MIN_DATE..=moment::MAX_DATE).contains(&shifted))
        .ok_or_else(|| Error::new(Kind::DatetimeOverflow, "date out of range"))
}

fn time(micros: i64) -> Result<i64> {
    let in_range = (0..=DAY_US).contains(&micros);
    if in_range { Ok(micros) } else { Err(Error::new(Kind::DatetimeOverflow, "time out of range")) }
}

fn timestamp(micros: i64) -> Result<i64> {
    if matches!(micros, INFINITY | NEG_INFINITY) {
        return Ok(micros);
    }
    micros
        .checked_add(EPOCH_US)
        .filter(|micros| (moment::MIN_TIMESTAMP..INFINITY).contains(micros))
        .ok_or_else(|| Error::new(Kind::DatetimeOverflow, "timestamp out of range"))
}

/// PostgreSQL's `MAXDIM`.
const MAX_DIMENSIONS: usize = 6;

/// Number of dimensions, whether there are NULLs, type of the elements, length and lower bound of each dimension, then
/// the elements, each with its length.
fn array(pg: PgType, bytes: &[u8]) -> Result<ScalarValue> {
    let element = pg.element().ok_or_else(|| unsupported(pg))?;
    let mut reader = Reader { rest: bytes, pg };
    let n_dimensions = usize::try_from(reader.int()?).ok().filter(|n| *n <= MAX_DIMENSIONS).ok_or_else(|| wrong(pg))?;
    reader.int()?;
    let sent = reader.int()? as u32;
    if sent != element.oid() {
        return Err(Error::new(
            Kind::DatatypeMismatch,
            format!("binary data has array element type {sent} instead of expected {}", element.oid()),
        ));
    }
    let mut lengths = Vec::with_capacity(n_dimensions);
    for _ in 0..n_dimensions {
        lengths.push(usize::try_from(reader.int()?).map_err(|_| wrong(pg))?);
        reader.int()?;
    }
    let count =
        lengths.iter().try_fold(1_usize, |count, length| count.checked_mul(*length)).ok_or_else(|| wrong(pg))?;
    let count = if lengths.is_empty() { 0 } else { count };
    // Each element takes four bytes at least, so a wrong length does not make for a large allocation.
    if count > reader.rest.len() / 4 {
        return Err(wrong(pg));
    }
    let fields = (0..count).map(|_| reader.field()).collect::<Result<Vec<_>>>()?;
    if !reader.rest.is_empty() {
        return Err(wrong(pg));
    }
    if count == 0 {
        lengths.clear();
    }
    let elements = if element == PgType::Numeric {
        numerics(fields.iter().map(|field| field.map(decimal::parse_binary).transpose()).collect::<Result<_>>()?)?
    } else {
        let value = |field: &Option<&[u8]>| super::decode(element, Format::Binary, *field, &Style::default());
        fields.iter().map(value).collect::<Result<_>>()?
    };
    list(element, &lengths, elements)
}

struct Reader<'a> {
    rest: &'a [u8],
    pg: PgType,
}

impl<'a> Reader<'a> {
    fn int(&mut self) -> Result<i32> {
        let (int, rest) = self.rest.split_first_chunk::<4>().ok_or_else(|| wrong(self.pg))?;
        self.rest = rest;
        Ok(i32::from_be_bytes(*int))
    }

    fn field(&mut self) -> Result<Option<&'a [u8]>> {
        let length = self.int()?;
        if length == -1 {
            return Ok(None);
        }
        let length = usize::try_from(length).map_err(|_| wrong(self.pg))?;
        let (field, rest) = self.rest.split_at_checked(length).ok_or_else(|| wrong(self.pg))?;
        self.rest = rest;
        Ok(Some(field))
    }
}
