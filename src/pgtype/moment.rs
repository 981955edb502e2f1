//! Reads dates, times and timestamps as PostgreSQL does: ISO forms, `01/02/2003` by `DateStyle`, month names, run-together
//! digits, Julian days, `today` and the like, zones by offset, abbreviation or name.

mod decode;
mod finish;
pub mod lexer;
pub mod number;
mod parts;
pub mod words;

use crate::error::{Error, Kind, Result};
use crate::pgtype::calendar::DAY_US;
use crate::pgtype::datetime::{INFINITY, NEG_INFINITY};
use crate::pgtype::style::Style;

/// The first moment that PostgreSQL has, 4714-11-24 BC, in microseconds since 1970-01-01.
pub const MIN_TIMESTAMP: i64 = -210_866_803_200_000_000;
/// The first date that PostgreSQL has, in days since 1970-01-01.
pub const MIN_DATE: i64 = -2_440_588;
/// The last date that PostgreSQL has, 5874897-12-31.
pub const MAX_DATE: i64 = 2_145_042_905;

/// Reads a date, as days since 1970-01-01; a time behind it is checked and dropped.
pub fn parse_date(text: &str, style: &Style) -> Result<i32> {
    let day = match read(text, style, false).map_err(|fault| fault.error("date", text))? {
        Reading::Infinity => return Ok(i32::MAX),
        Reading::NegInfinity => return Ok(i32::MIN),
        Reading::Epoch => 0,
        Reading::Moment { day, .. } => day,
    };
    let in_range = (MIN_DATE..=MAX_DATE).contains(&day);
    i32::try_from(day)
        .ok()
        .filter(|_| in_range)
        .ok_or_else(|| Error::new(Kind::DatetimeOverflow, format!("date out of range: \"{text}\"")))
}

/// Reads a time of day, as microseconds; a date before it or a zone behind it is checked and dropped.
pub fn parse_time(text: &str) -> Result<i64> {
    parse_time_in(text, &Style::default())
}

/// The same in a session, whose zone has `now` and whose `DateStyle` a date before it.
pub fn parse_time_in(text: &str, style: &Style) -> Result<i64> {
    match read(text, style, true).map_err(|fault| fault.error("time", text))? {
        Reading::Moment { clock, .. } => Ok(clock),
        _ => Err(Fault::Syntax.error("time", text)),
    }
}

/// Reads a `timestamp`, as microseconds since 1970-01-01; a zone is checked and dropped.
pub fn parse_timestamp(text: &str, style: &Style) -> Result<i64> {
    timestamp(text, "timestamp", style, false)
}

/// Reads a `timestamptz`, as microseconds since 1970-01-01 UTC; without a zone it is in the session's.
pub fn parse_timestamptz(text: &str, style: &Style) -> Result<i64> {
    timestamp(text, "timestamp with time zone", style, true)
}

fn timestamp(text: &str, type_name: &str, style: &Style, has_zone: bool) -> Result<i64> {
    let (day, clock, east) = match read(text, style, false).map_err(|fault| fault.error(type_name, text))? {
        Reading::Infinity => return Ok(INFINITY),
        Reading::NegInfinity => return Ok(NEG_INFINITY),
        Reading::Epoch => return Ok(0),
        Reading::Moment { day, clock, east } => (day, clock, if has_zone { east } else { 0 }),
    };
    day.checked_mul(DAY_US)
        .and_then(|micros| micros.checked_add(clock))
        .and_then(|micros| micros.checked_sub(i64::from(east) * 1_000_000))
        .filter(|micros| (MIN_TIMESTAMP..INFINITY).contains(micros))
        .ok_or_else(|| Error::new(Kind::DatetimeOverflow, format!("timestamp out of range: \"{text}\"")))
}

enum Reading {
    Infinity,
    NegInfinity,
    Epoch,
    /// Days since 1970-01-01, microseconds since midnight, and the zone in seconds east.
    Moment {
        day: i64,
        clock: i64,
        east: i32,
    },
}

/// Why a text is no date, time or interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not written as one.
    Syntax,
    /// A month of 13, a day of 32.
    MonthDay,
    /// Another part that is too large.
    Range,
    /// A time zone too far away.
    Displacement,
    /// A time zone that there is not.
    Zone(String),
}

impl Fault {
    /// PostgreSQL's words for it.
    pub fn error(self, type_name: &str, text: &str) -> Error {
        let range = || Error::new(Kind::DatetimeOverflow, format!("date/time field value out of range: \"{text}\""));
        match self {
            Fault::Syntax => {
                Error::new(Kind::InvalidDatetime, format!("invalid input syntax for type {type_name}: \"{text}\""))
            }
            Fault::Range => range(),
            Fault::MonthDay => range().hint("Perhaps you need a different \"datestyle\" setting."),
            Fault::Displacement => {
                Error::new(Kind::InvalidTimeZone, format!("time zone displacement out of range: \"{text}\""))
            }
            Fault::Zone(zone) => {
                Error::new(Kind::InvalidParameterValue, format!("time zone \"{zone}\" not recognized"))
            }
        }
    }
}

fn read(text: &str, style: &Style, is_time: bool) -> Result<Reading, Fault> {
    decode::read(&text.to_ascii_lowercase(), style, is_time)
}
