//! Conversions between dates, timestamps and zones, and the bounds of each type.

use crate::error::{Error, Kind, Result};
use crate::function::datetime::{args, interval};
use crate::function::datum::Datum;
use crate::pgtype::calendar::DAY_US;
use crate::pgtype::datetime::{INFINITY, NEG_INFINITY};
use crate::pgtype::interval::Interval;
use crate::pgtype::moment::{MAX_DATE, MIN_DATE, MIN_TIMESTAMP};
use crate::pgtype::style::Style;
use crate::pgtype::zone::Zone;

pub(super) fn overflow(message: &str) -> Error {
    Error::new(Kind::DatetimeOverflow, message)
}

pub(in crate::function) fn is_infinite(micros: i64) -> bool {
    micros == INFINITY || micros == NEG_INFINITY
}

pub(super) fn is_date_infinite(day: i32) -> bool {
    day == i32::MAX || day == i32::MIN
}

/// A finite timestamp, if it is one.
pub(super) fn checked(micros: Option<i64>) -> Result<i64> {
    micros.filter(|micros| (MIN_TIMESTAMP..INFINITY).contains(micros)).ok_or_else(|| overflow("timestamp out of range"))
}

pub(super) fn checked_date(day: i64) -> Result<i32> {
    let day = i32::try_from(day).ok().filter(|day| (MIN_DATE..=MAX_DATE).contains(&i64::from(*day)));
    day.ok_or_else(|| overflow("date out of range"))
}

/// The local time in a zone.
pub(super) fn to_local(utc: i64, zone: &Zone) -> i64 {
    let east = zone.offset_at(utc.div_euclid(1_000_000));
    if is_infinite(utc) { utc } else { utc.saturating_add(i64::from(east) * 1_000_000) }
}

/// The moment of a local time in a zone.
pub(super) fn from_local(local: i64, zone: &Zone) -> Result<i64> {
    if is_infinite(local) {
        return Ok(local);
    }
    let east = zone.offset_of_local(local.div_euclid(1_000_000));
    checked(local.checked_sub(i64::from(east) * 1_000_000))
}

/// Midnight of a date.
pub(super) fn midnight(day: i32) -> Result<i64> {
    match day {
        i32::MAX => Ok(INFINITY),
        i32::MIN => Ok(NEG_INFINITY),
        _ => checked(i64::from(day).checked_mul(DAY_US)).map_err(|_| overflow("date out of range for timestamp")),
    }
}

fn midnight_in(day: i32, zone: &Zone) -> Result<i64> {
    from_local(midnight(day)?, zone).map_err(|_| overflow("date out of range for timestamp"))
}

fn day_of(local: i64) -> i32 {
    match local {
        INFINITY => i32::MAX,
        NEG_INFINITY => i32::MIN,
        // A timestamp's date is always one.
        _ => local.div_euclid(DAY_US) as i32,
    }
}

fn time_of(local: i64) -> Datum<'static> {
    if is_infinite(local) { Datum::Null } else { Datum::Time(local.rem_euclid(DAY_US)) }
}

pub(super) fn date_to_timestamp<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Timestamp(midnight(args::date(a, 0)?)?))
}

pub(super) fn date_to_timestamptz<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Timestamptz(midnight_in(args::date(a, 0)?, &style.timezone)?))
}

/// A date and a time of day.
pub(super) fn join(day: i32, time: i64) -> Result<i64> {
    let midnight = midnight(day)?;
    if is_infinite(midnight) { Ok(midnight) } else { checked(midnight.checked_add(time)) }
}

pub(super) fn date_time_to_timestamp<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Timestamp(join(args::date(a, 0)?, args::time(a, 1)?)?))
}

pub(super) fn time_date_to_timestamp<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Timestamp(join(args::date(a, 1)?, args::time(a, 0)?)?))
}

pub(super) fn date_time_to_timestamptz<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    let local = join(args::date(a, 0)?, args::time(a, 1)?)?;
    Ok(Datum::Timestamptz(from_local(local, &style.timezone)?))
}

pub(super) fn timestamp_to_date<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Date(day_of(args::moment(a, 0)?)))
}

pub(super) fn timestamptz_to_date<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Date(day_of(to_local(args::moment(a, 0)?, &style.timezone))))
}

pub(super) fn timestamp_to_time<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(time_of(args::moment(a, 0)?))
}

pub(super) fn timestamptz_to_time<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    Ok(time_of(to_local(args::moment(a, 0)?, &style.timezone)))
}

pub(super) fn timestamp_to_timestamptz<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Timestamptz(from_local(args::moment(a, 0)?, &style.timezone)?))
}

pub(super) fn timestamptz_to_timestamp<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    let local = to_local(args::moment(a, 0)?, &style.timezone);
    Ok(Datum::Timestamp(if is_infinite(local) { local } else { checked(Some(local))? }))
}

pub(super) fn time_to_interval<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Interval(Interval { micros: args::time(a, 0)?, ..Interval::default() }))
}

pub(super) fn interval_to_time<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Time(args::interval(a, 0)?.micros.rem_euclid(DAY_US)))
}

/// A precision, or none.
fn precision(a: &[Datum<'_>], type_name: &str) -> Result<Option<i32>> {
    match args::int4(a, 1)? {
        0x7fff_ffff | -1 => Ok(None),
        digits @ 0..=6 => Ok(Some(digits)),
        digits => {
            let message = format!("{type_name}({digits}) precision must be between 0 and 6");
            Err(Error::new(Kind::InvalidParameterValue, message))
        }
    }
}

pub(super) fn fit_timestamp<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let micros = args::moment(a, 0)?;
    let digits = if is_infinite(micros) { None } else { precision(a, "timestamp")? };
    let micros = digits.map_or(micros, |digits| interval::round_timestamp(micros, digits));
    Ok(if matches!(a[0], Datum::Timestamptz(_)) { Datum::Timestamptz(micros) } else { Datum::Timestamp(micros) })
}

pub(super) fn fit_time<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let micros = args::time(a, 0)?;
    // What PostgreSQL does not take as a precision it leaves alone here.
    let digits = args::int4(a, 1)?;
    Ok(Datum::Time(if (0..=6).contains(&digits) { interval::round_micros(micros, digits) } else { micros }))
}

pub(super) fn fit_interval<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (value, typmod) = (args::interval(a, 0)?, args::int4(a, 1)?);
    if typmod < 0 {
        return Ok(Datum::Interval(value));
    }
    // Both halves are of 16 bits.
    let (fields, digits) = ((typmod >> 16 & 0x7fff) as u16, typmod & 0xffff);
    Ok(Datum::Interval(interval::fit(value, fields, (digits != 0xffff).then_some(digits))?))
}

fn zone(name: &str) -> Result<Zone> {
    Zone::parse_suffix(name)
        .ok_or_else(|| Error::new(Kind::InvalidParameterValue, format!("time zone \"{name}\" not recognized")))
}

/// The zone that a text names.
pub(super) fn zone_of(a: &[Datum<'_>], at: usize) -> Result<Zone> {
    zone(args::text(a, at)?)
}

fn zone_of_interval(a: &[Datum<'_>]) -> Result<Zone> {
    let interval = args::interval(a, 0)?;
    if interval.months != 0 || interval.days != 0 {
        let mut text = Vec::new();
        interval.put(crate::pgtype::style::IntervalStyle::Postgres, &mut text);
        let text = String::from_utf8_lossy(&text);
        let message = format!("interval time zone \"{text}\" must not include months or days");
        return Err(Error::new(Kind::InvalidParameterValue, message));
    }
    // An offset of more seconds than 32 bits hold moves any timestamp out of range.
    let seconds = i32::try_from(interval.micros / 1_000_000).ok().filter(|seconds| *seconds != i32::MIN);
    seconds.map(Zone::fixed).ok_or_else(|| overflow("timestamp out of range"))
}

/// `AT TIME ZONE`: a local time in that zone, or the local time of a moment there.
pub(super) fn at_zone<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let micros = args::moment(a, 1)?;
    if is_infinite(micros) {
        return Ok(turned(&a[1], micros));
    }
    let zone = if matches!(a[0], Datum::Interval(_)) { zone_of_interval(a)? } else { zone_of(a, 0)? };
    Ok(turned(
        &a[1],
        match &a[1] {
            Datum::Timestamp(_) => from_local(micros, &zone)?,
            _ => checked(Some(to_local(micros, &zone)))?,
        },
    ))
}

fn turned(from: &Datum<'_>, micros: i64) -> Datum<'static> {
    if matches!(from, Datum::Timestamp(_)) { Datum::Timestamptz(micros) } else { Datum::Timestamp(micros) }
}

/// The zone that `make_timestamptz` takes: an offset with its sign, or a name.
pub(super) fn sane_zone(name: &str) -> Result<Zone> {
    let fault = |message: String| Error::new(Kind::InvalidParameterValue, message);
    if name.starts_with(|letter: char| letter.is_ascii_digit()) {
        return Err(fault(format!("invalid input syntax for type numeric time zone: \"{name}\""))
            .hint("Numeric time zones must have \"-\" or \"+\" as first character."));
    }
    match crate::pgtype::moment::number::offset(name) {
        Ok(east) => Ok(Zone::fixed(east)),
        Err(crate::pgtype::moment::Fault::Displacement) => {
            Err(fault(format!("numeric time zone \"{name}\" out of range")))
        }
        Err(_) => zone(name),
    }
}
