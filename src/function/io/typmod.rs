//! Type modifiers: the length of `varchar(n)`, the digits of `numeric(p,s)`, the fractional digits of times.
//!
//! <https://www.postgresql.org/docs/15/catalog-pg-attribute.html> (`atttypmod`)

use std::borrow::Cow;

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::io::input;
use crate::pgtype::calendar::EPOCH_US;
use crate::pgtype::interval::Interval;
use crate::pgtype::interval_parse::{mask, parse_fields};
use crate::pgtype::style::Style;
use crate::pgtype::types::PgType;

/// What the modifier counts on top of the length, PostgreSQL's `VARHDRSZ`.
const HEADER: i32 = 4;

const HOUR_US: i64 = 3_600_000_000;
const MINUTE_US: i64 = 60_000_000;

/// Fits a value into its type's modifier; -1 is none. An `explicit` cast cuts what an assignment refuses.
///
/// # Errors
/// 22001 for a text that is too long, 22003 for a number with too many digits.
pub fn coerce_typmod(
    ty: PgType,
    value: Datum<'static>,
    typmod: i32,
    explicit: bool,
    _style: &Style,
) -> Result<Datum<'static>> {
    if typmod < 0 { Ok(value) } else { coerce(ty, value, typmod, explicit) }
}

/// Reads the text of a literal whose type has a modifier; -1 is none. The fields of an interval tell what a bare number
/// in it means, hence they have to be known before it is read.
///
/// # Errors
/// As [`input`].
pub fn input_typmod(ty: PgType, text: &str, typmod: i32, style: &Style) -> Result<Datum<'static>> {
    let fields = u16::try_from(typmod >> 16).unwrap_or(mask::FULL) & mask::FULL;
    let value = match ty {
        PgType::Interval if typmod >= 0 => Datum::Interval(parse_fields(text, fields, style.interval_style)?),
        _ => input(ty, text, style)?,
    };
    coerce_typmod(ty, value, typmod, true, style)
}

fn coerce(ty: PgType, value: Datum<'static>, typmod: i32, explicit: bool) -> Result<Datum<'static>> {
    Ok(match (ty, value) {
        (_, Datum::Null) => Datum::Null,
        (PgType::Array(element), Datum::Array(items)) => {
            let items = items.into_iter().map(|item| coerce(*element, item, typmod, explicit));
            Datum::Array(items.collect::<Result<_>>()?)
        }
        (PgType::Varchar, Datum::Text(text)) => Datum::Text(cut(text, typmod - HEADER, explicit, ty)?),
        (PgType::Bpchar, Datum::Text(text)) => {
            let mut text = cut(text, typmod - HEADER, explicit, ty)?;
            let length = usize::try_from(typmod - HEADER).unwrap_or(0);
            let missing = length.saturating_sub(text.chars().count());
            if missing > 0 {
                text.to_mut().extend(std::iter::repeat_n(' ', missing));
            }
            Datum::Text(text)
        }
        (PgType::Numeric, Datum::Numeric(number)) if typmod >= HEADER => {
            let (precision, scale) = numeric(typmod);
            Datum::Numeric(number.fit(precision, scale)?)
        }
        (PgType::Time, Datum::Time(micros)) => Datum::Time(round(micros, typmod)),
        (PgType::Timestamp, Datum::Timestamp(micros)) => Datum::Timestamp(moment(micros, typmod)),
        (PgType::Timestamptz, Datum::Timestamptz(micros)) => Datum::Timestamptz(moment(micros, typmod)),
        (PgType::Interval, Datum::Interval(value)) => Datum::Interval(interval(value, typmod)),
        (_, value) => value,
    })
}

/// Precision and scale of a `numeric`. The scale has eleven bits, the highest being its sign.
fn numeric(typmod: i32) -> (i32, i32) {
    let typmod = typmod - HEADER;
    let scale = typmod & 0x7ff;
    (typmod >> 16 & 0xffff, (scale ^ 1024) - 1024)
}

/// Leaves `length` letters. What goes must be blanks unless the cast is written.
fn cut<'a>(text: Cow<'a, str>, length: i32, explicit: bool, ty: PgType) -> Result<Cow<'a, str>> {
    let letters = usize::try_from(length).unwrap_or(0);
    let Some((end, _)) = text.char_indices().nth(letters) else { return Ok(text) };
    if !explicit && text[end..].bytes().any(|byte| byte != b' ') {
        return Err(Error::new(Kind::StringLength, format!("value too long for type {}({length})", ty.name())));
    }
    Ok(match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    })
}

/// Rounds microseconds to a number of fractional digits of the second, halves away from zero.
fn round(micros: i64, digits: i32) -> i64 {
    let Some(unit) = u32::try_from(6 - digits).ok().filter(|lost| (1..=6).contains(lost)).map(|lost| 10_i64.pow(lost))
    else {
        return micros;
    };
    let rounded = |size: i64| (size.saturating_add(unit / 2)) / unit * unit;
    if micros < 0 { -rounded(micros.saturating_neg()) } else { rounded(micros) }
}

/// PostgreSQL counts from 2000, which decides where a half goes.
fn moment(micros: i64, digits: i32) -> i64 {
    if matches!(micros, i64::MAX | i64::MIN) {
        return micros;
    }
    micros.checked_sub(EPOCH_US).map_or(micros, |micros| round(micros, digits) + EPOCH_US)
}

/// Fields that `INTERVAL YEAR TO MONTH` and its like leave, as bits of the modifier's upper half.
mod field {
    pub(super) const MONTH: i32 = 1 << 1;
    pub(super) const YEAR: i32 = 1 << 2;
    pub(super) const DAY: i32 = 1 << 3;
    pub(super) const HOUR: i32 = 1 << 10;
    pub(super) const MINUTE: i32 = 1 << 11;
    pub(super) const SECOND: i32 = 1 << 12;
    pub(super) const ALL: i32 = 0x7fff;
}

fn interval(value: Interval, typmod: i32) -> Interval {
    let Interval { mut months, mut days, mut micros } = value;
    let fields = typmod >> 16 & field::ALL;
    if fields != field::ALL {
        // The smallest field decides: what is below it goes, what is above it stays.
        if fields & (field::YEAR | field::MONTH) != 0 {
            (days, micros) = (0, 0);
            if fields & field::MONTH == 0 {
                months = months / 12 * 12;
            }
        } else if fields & field::SECOND == 0 {
            micros = match fields {
                _ if fields & field::MINUTE != 0 => micros / MINUTE_US * MINUTE_US,
                _ if fields & field::HOUR != 0 => micros / HOUR_US * HOUR_US,
                _ if fields & field::DAY != 0 => 0,
                _ => micros,
            };
        }
    }
    let digits = typmod & 0xffff;
    if digits <= 6 {
        micros = round(micros, digits);
    }
    Interval { months, days, micros }
}
