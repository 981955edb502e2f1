//! `extract` and `date_part`: one field of a value, as `numeric` or as `double precision`.

use crate::error::{Error, Kind, Result};
use crate::function::datetime::args;
use crate::function::datetime::convert::{is_date_infinite, is_infinite, midnight, to_local};
use crate::function::datetime::interval::{HOUR_US, MINUTE_US};
use crate::function::datum::Datum;
use crate::function::numeric::Numeric;
use crate::pgtype::calendar::{self, DAY_US};
use crate::pgtype::interval::Interval;
use crate::pgtype::moment::MIN_DATE;
use crate::pgtype::moment::words::{self, IntervalWord, Unit, Word};
use crate::pgtype::style::Style;

/// What the text of a field means.
#[derive(Clone, Copy, PartialEq)]
enum Field {
    Unit(Unit),
    Epoch,
    /// A word such as `now`, which no type has as a field.
    Reserved,
    Unknown,
}

/// The value of a field before it is given a type.
enum Part {
    Null,
    Infinity {
        is_negative: bool,
    },
    Whole(i64),
    /// Microseconds, shown as milliseconds.
    Milliseconds(i64),
    /// Microseconds, shown as seconds.
    Seconds(i64),
    Epoch(i64),
    IntervalEpoch(Interval),
    Julian {
        day: i64,
        clock: i64,
    },
}

fn field(text: &str) -> Field {
    match words::interval(text) {
        Some(IntervalWord::Unit(unit)) => return Field::Unit(unit),
        Some(IntervalWord::Ago) => return Field::Unknown,
        None => {}
    }
    match words::special(text) {
        Some(Word::Label(unit)) => Field::Unit(unit),
        Some(Word::Epoch) => Field::Epoch,
        Some(Word::Early | Word::Late | Word::Now | Word::Today(_) | Word::Midnight) => Field::Reserved,
        _ => Field::Unknown,
    }
}

pub(super) fn unsupported(field: &str, type_name: &str) -> Error {
    Error::new(Kind::FeatureNotSupported, format!("unit \"{field}\" not supported for type {type_name}"))
}

pub(super) fn unknown(field: &str, type_name: &str) -> Error {
    Error::new(Kind::InvalidParameterValue, format!("unit \"{field}\" not recognized for type {type_name}"))
}

/// The weekday, Monday being 0.
pub(super) fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}

/// Year and week of ISO 8601, whose weeks belong to the year of their Thursday.
fn iso_week(day: i64) -> (i64, i64) {
    let thursday = day - weekday(day) + 3;
    let (year, _, _) = calendar::civil(thursday);
    (year, (thursday - calendar::days(year, 1, 1)) / 7 + 1)
}

/// A year as it is counted, without a year 0.
fn counted(year: i64) -> i64 {
    if year > 0 { year } else { year - 1 }
}

/// A field that depends on the date alone.
fn of_day(unit: Unit, day: i64) -> Option<Part> {
    let (year, month, day_of_month) = calendar::civil(day);
    let month = i64::from(month);
    let spans = |length: i64| {
        if year > 0 { (year + length - 1) / length } else { -((length - 1 - (year - 1)) / length) }
    };
    Some(Part::Whole(match unit {
        Unit::Day => i64::from(day_of_month),
        Unit::Month => month,
        Unit::Quarter => (month - 1) / 3 + 1,
        Unit::Week => iso_week(day).1,
        Unit::Year => counted(year),
        Unit::Decade if year >= 0 => year / 10,
        Unit::Decade => -((8 - (year - 1)) / 10),
        Unit::Century => spans(100),
        Unit::Millennium => spans(1_000),
        Unit::IsoYear => counted(iso_week(day).0),
        Unit::DayOfWeek => (weekday(day) + 1) % 7,
        Unit::IsoDayOfWeek => weekday(day) + 1,
        Unit::DayOfYear => day - calendar::days(year, 1, 1) + 1,
        _ => return None,
    }))
}

/// A field that depends on the time alone.
fn of_clock(unit: Unit, clock: i64) -> Option<Part> {
    Some(match unit {
        Unit::Microsecond => Part::Whole(clock % MINUTE_US),
        Unit::Millisecond => Part::Milliseconds(clock % MINUTE_US),
        Unit::Second => Part::Seconds(clock % MINUTE_US),
        Unit::Minute => Part::Whole(clock / MINUTE_US % 60),
        Unit::Hour => Part::Whole(clock / HOUR_US),
        _ => return None,
    })
}

/// What an infinite value has: nothing of what comes round, and infinity of what only grows.
fn of_infinity(field: Field, is_negative: bool, is_date: bool) -> Option<Part> {
    match field {
        Field::Epoch => Some(Part::Infinity { is_negative }),
        Field::Unit(Unit::Year | Unit::Decade | Unit::Century | Unit::Millennium | Unit::Julian | Unit::IsoYear) => {
            Some(Part::Infinity { is_negative })
        }
        Field::Unit(
            Unit::Day
            | Unit::Month
            | Unit::Quarter
            | Unit::Week
            | Unit::DayOfWeek
            | Unit::IsoDayOfWeek
            | Unit::DayOfYear,
        ) => Some(Part::Null),
        Field::Unit(_) if !is_date => Some(Part::Null),
        _ => None,
    }
}

/// A field of a timestamp; `east` is the offset of one with a zone.
fn of_moment(field: Field, utc: i64, local: i64, east: Option<i32>) -> Option<Part> {
    if is_infinite(utc) {
        return of_infinity(field, utc < 0, false);
    }
    let (day, clock) = (local.div_euclid(DAY_US), local.rem_euclid(DAY_US));
    let unit = match field {
        Field::Epoch => return Some(Part::Epoch(utc)),
        Field::Unit(unit) => unit,
        _ => return None,
    };
    let zone = |seconds: fn(i32) -> i32| east.map(|east| Part::Whole(i64::from(seconds(east))));
    match unit {
        Unit::Julian => Some(Part::Julian { day: day - MIN_DATE, clock }),
        Unit::Timezone => zone(|east| east),
        Unit::TimezoneHour => zone(|east| east / 3_600),
        Unit::TimezoneMinute => zone(|east| east / 60 % 60),
        _ => of_day(unit, day).or_else(|| of_clock(unit, clock)),
    }
}

fn of_date(field: Field, day: i32) -> Option<Part> {
    if is_date_infinite(day) {
        return of_infinity(field, day < 0, true);
    }
    let day = i64::from(day);
    match field {
        Field::Epoch => Some(Part::Whole(day * 86_400)),
        Field::Unit(Unit::Julian) => Some(Part::Whole(day - MIN_DATE)),
        Field::Unit(unit) => of_day(unit, day),
        _ => None,
    }
}

fn of_time(field: Field, clock: i64) -> Option<Part> {
    match field {
        Field::Epoch => Some(Part::Epoch(clock)),
        Field::Unit(unit) => of_clock(unit, clock),
        _ => None,
    }
}

fn of_interval(field: Field, value: Interval) -> Option<Part> {
    let (years, months) = (i64::from(value.months / 12), i64::from(value.months % 12));
    let unit = match field {
        Field::Epoch => return Some(Part::IntervalEpoch(value)),
        Field::Unit(unit) => unit,
        _ => return None,
    };
    Some(Part::Whole(match unit {
        Unit::Day => i64::from(value.days),
        Unit::Month => months,
        Unit::Quarter => months / 3 + 1,
        Unit::Year => years,
        Unit::Decade => years / 10,
        Unit::Century => years / 100,
        Unit::Millennium => years / 1_000,
        _ => return of_clock(unit, value.micros),
    }))
}

fn part(a: &[Datum<'_>], style: &Style) -> Result<Part> {
    let name = args::text(a, 0)?.to_ascii_lowercase();
    let field = field(&name);
    let (part, type_name) = match &a[1] {
        Datum::Date(day) => (of_date(field, *day), "date"),
        Datum::Time(clock) => (of_time(field, *clock), "time without time zone"),
        Datum::Timestamp(micros) => (of_moment(field, *micros, *micros, None), "timestamp without time zone"),
        Datum::Timestamptz(micros) => {
            let east = style.timezone.offset_at(micros.div_euclid(1_000_000));
            let local = to_local(*micros, &style.timezone);
            (of_moment(field, *micros, local, Some(east)), "timestamp with time zone")
        }
        Datum::Interval(value) => (of_interval(field, *value), "interval"),
        _ => return Err(Error::internal("a field of a value of another type")),
    };
    let is_known = match field {
        Field::Unknown => false,
        // Only what has a date knows these words at all.
        Field::Reserved => !matches!(a[1], Datum::Time(_) | Datum::Interval(_)),
        _ => true,
    };
    part.ok_or_else(|| if is_known { unsupported(&name, type_name) } else { unknown(&name, type_name) })
}

pub(super) fn extract<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Numeric(match part(a, style)? {
        Part::Null => return Ok(Datum::Null),
        Part::Infinity { is_negative: true } => Numeric::NegInfinity,
        Part::Infinity { is_negative: false } => Numeric::Infinity,
        Part::Whole(value) => Numeric::new(value, 0),
        Part::Milliseconds(micros) => Numeric::new(micros, 3),
        Part::Seconds(micros) | Part::Epoch(micros) => Numeric::new(micros, 6),
        Part::IntervalEpoch(value) => {
            // A year has 365.25 days here, hence the quarters.
            let quarters = i128::from(value.months / 12) * 1_461
                + i128::from(value.months % 12) * 120
                + i128::from(value.days) * 4;
            Numeric::new(quarters * i128::from(DAY_US / 4) + i128::from(value.micros), 6)
        }
        Part::Julian { day, clock } => {
            Numeric::new(day, 0).add(&Numeric::new(clock, 0).div(&Numeric::new(DAY_US, 0))?)?
        }
    }))
}

pub(super) fn date_part<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    // What PostgreSQL does for a date too.
    let part = match &a[1] {
        Datum::Date(day) => part(&[Datum::text(args::text(a, 0)?), Datum::Timestamp(midnight(*day)?)], style)?,
        _ => part(a, style)?,
    };
    Ok(Datum::Float8(match part {
        Part::Null => return Ok(Datum::Null),
        Part::Infinity { is_negative: true } => f64::NEG_INFINITY,
        Part::Infinity { is_negative: false } => f64::INFINITY,
        Part::Whole(value) => value as f64,
        Part::Milliseconds(micros) => (micros / 1_000_000 * 1_000) as f64 + (micros % 1_000_000) as f64 / 1_000.0,
        Part::Seconds(micros) => (micros / 1_000_000) as f64 + (micros % 1_000_000) as f64 / 1e6,
        Part::Epoch(micros) => micros as f64 / 1e6,
        Part::IntervalEpoch(value) => {
            value.micros as f64 / 1e6
                + 365.25 * 86_400.0 * f64::from(value.months / 12)
                + 30.0 * 86_400.0 * f64::from(value.months % 12)
                + 86_400.0 * f64::from(value.days)
        }
        Part::Julian { day, clock } => {
            day as f64 + ((clock / 1_000_000) as f64 + (clock % 1_000_000) as f64 / 1e6) / 86_400.0
        }
    }))
}
