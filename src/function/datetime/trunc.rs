//! `date_trunc` and `date_bin`.

use crate::error::{Error, Kind, Result};
use crate::function::datetime::args;
use crate::function::datetime::convert::{checked, from_local, is_infinite, overflow, to_local, zone_of};
use crate::function::datetime::interval::{HOUR_US, MINUTE_US, out_of_range};
use crate::function::datetime::part::{unknown, unsupported, weekday};
use crate::function::datum::Datum;
use crate::pgtype::calendar::{self, DAY_US};
use crate::pgtype::interval::Interval;
use crate::pgtype::moment::words::{self, IntervalWord, Unit};
use crate::pgtype::style::Style;
use crate::pgtype::zone::Zone;

fn unit(name: &str, type_name: &str) -> Result<Unit> {
    match words::interval(name) {
        Some(IntervalWord::Unit(unit)) => Ok(unit),
        _ => Err(unknown(name, type_name)),
    }
}

/// The microseconds of a unit of the clock.
fn clock_unit(unit: Unit) -> Option<i64> {
    Some(match unit {
        Unit::Microsecond => 1,
        Unit::Millisecond => 1_000,
        Unit::Second => 1_000_000,
        Unit::Minute => MINUTE_US,
        Unit::Hour => HOUR_US,
        _ => return None,
    })
}

/// The first day of the unit that a day lies in. Centuries and millennia begin with a year 1.
fn first_day(unit: Unit, day: i64) -> Option<i64> {
    let (year, month, _) = calendar::civil(day);
    let first = |length: i64| {
        if year > 0 {
            (year + length - 1) / length * length - (length - 1)
        } else {
            -((length - 1 - (year - 1)) / length) * length + 1
        }
    };
    let (year, month) = match unit {
        Unit::Day => return Some(day),
        Unit::Week => return Some(day - weekday(day)),
        Unit::Month => (year, month),
        Unit::Quarter => (year, (month - 1) / 3 * 3 + 1),
        Unit::Year => (year, 1),
        Unit::Decade if year > 0 => (year / 10 * 10, 1),
        Unit::Decade => (-((8 - (year - 1)) / 10) * 10, 1),
        Unit::Century => (first(100), 1),
        Unit::Millennium => (first(1_000), 1),
        _ => return None,
    };
    Some(calendar::days(year, month, 1))
}

pub(super) fn timestamp<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    const TYPE: &str = "timestamp without time zone";
    let micros = args::moment(a, 1)?;
    if is_infinite(micros) {
        return Ok(Datum::Timestamp(micros));
    }
    let name = args::text(a, 0)?.to_ascii_lowercase();
    let unit = unit(&name, TYPE)?;
    if let Some(length) = clock_unit(unit) {
        return Ok(Datum::Timestamp(micros - micros.rem_euclid(length)));
    }
    let day = first_day(unit, micros.div_euclid(DAY_US)).ok_or_else(|| unsupported(&name, TYPE))?;
    Ok(Datum::Timestamp(checked(day.checked_mul(DAY_US))?))
}

pub(super) fn timestamptz<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    in_zone(a, &style.timezone)
}

pub(super) fn timestamptz_zone<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    if is_infinite(args::moment(a, 1)?) {
        return Ok(a[1].clone());
    }
    in_zone(a, &zone_of(a, 2)?)
}

fn in_zone<'a>(a: &[Datum<'_>], zone: &Zone) -> Result<Datum<'a>> {
    const TYPE: &str = "timestamp with time zone";
    let micros = args::moment(a, 1)?;
    if is_infinite(micros) {
        return Ok(Datum::Timestamptz(micros));
    }
    let name = args::text(a, 0)?.to_ascii_lowercase();
    let unit = unit(&name, TYPE)?;
    let local = to_local(micros, zone);
    // Below a day the offset stays what it was, so that the two hours of a change of clocks stay apart.
    if let Some(length) = clock_unit(unit) {
        return Ok(Datum::Timestamptz(checked(micros.checked_sub(local.rem_euclid(length)))?));
    }
    let day = first_day(unit, local.div_euclid(DAY_US)).ok_or_else(|| unsupported(&name, TYPE))?;
    Ok(Datum::Timestamptz(from_local(checked(day.checked_mul(DAY_US))?, zone)?))
}

pub(super) fn interval<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let value = args::interval(a, 1)?;
    let name = args::text(a, 0)?.to_ascii_lowercase();
    let unit = unit(&name, "interval")?;
    if let Some(length) = clock_unit(unit) {
        return Ok(Datum::Interval(Interval { micros: value.micros / length * length, ..value }));
    }
    let months = match unit {
        Unit::Day => return Ok(Datum::Interval(Interval { micros: 0, ..value })),
        Unit::Month => 1,
        Unit::Quarter => 3,
        Unit::Year => 12,
        Unit::Decade => 120,
        Unit::Century => 1_200,
        Unit::Millennium => 12_000,
        Unit::Week => {
            return Err(unsupported(&name, "interval").detail("Months usually have fractional weeks."));
        }
        _ => return Err(unsupported(&name, "interval")),
    };
    Ok(Datum::Interval(Interval { months: value.months / months * months, days: 0, micros: 0 }))
}

pub(super) fn bin<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (stride, micros, origin) = (args::interval(a, 0)?, args::moment(a, 1)?, args::moment(a, 2)?);
    if is_infinite(micros) {
        return Ok(a[1].clone());
    }
    if is_infinite(origin) {
        return Err(overflow("origin out of range"));
    }
    if stride.months != 0 {
        let message = "timestamps cannot be binned into intervals containing months or years";
        return Err(Error::new(Kind::FeatureNotSupported, message));
    }
    let stride = i64::from(stride.days).checked_mul(DAY_US).and_then(|days| days.checked_add(stride.micros));
    let stride = stride.ok_or_else(out_of_range)?;
    if stride <= 0 {
        return Err(overflow("stride must be greater than zero"));
    }
    let difference = micros.checked_sub(origin).ok_or_else(out_of_range)?;
    let start = micros.checked_sub(difference.rem_euclid(stride));
    let start = checked(start)?;
    Ok(if matches!(a[1], Datum::Timestamp(_)) { Datum::Timestamp(start) } else { Datum::Timestamptz(start) })
}
