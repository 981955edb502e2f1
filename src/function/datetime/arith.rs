//! The operators between dates, times, timestamps and intervals, and `age`.

use crate::error::Result;
use crate::function::datetime::convert::{
    checked, checked_date, is_date_infinite, is_infinite, midnight, overflow, to_local,
};
use crate::function::datetime::{args, interval};
use crate::function::datum::Datum;
use crate::pgtype::calendar::{self, DAY_US, EPOCH_US};
use crate::pgtype::datetime::{INFINITY, NEG_INFINITY};
use crate::pgtype::interval::Interval;
use crate::pgtype::style::Style;
use crate::pgtype::zone::Zone;

fn turned(a: Interval) -> Interval {
    Interval { months: a.months.wrapping_neg(), days: a.days.wrapping_neg(), micros: a.micros.wrapping_neg() }
}

fn add_months(local: i64, months: i32) -> Result<i64> {
    let (year, month, day) = calendar::civil(local.div_euclid(DAY_US));
    let total = year * 12 + i64::from(month) - 1 + i64::from(months);
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) as u32 + 1);
    let day = calendar::days(year, month, day.min(calendar::month_length(year, month)));
    checked(day.checked_mul(DAY_US).and_then(|micros| micros.checked_add(local.rem_euclid(DAY_US))))
}

fn add_days(local: i64, days: i32) -> Result<i64> {
    checked(i64::from(days).checked_mul(DAY_US).and_then(|micros| local.checked_add(micros)))
}

/// Months first, with the day cut to the month's length, then days, then the time.
pub(super) fn add(local: i64, span: Interval) -> Result<i64> {
    if is_infinite(local) {
        return Ok(local);
    }
    let months = if span.months == 0 { local } else { add_months(local, span.months)? };
    let days = if span.days == 0 { months } else { add_days(months, span.days)? };
    checked(days.checked_add(span.micros))
}

/// The same, months and days by the clocks of a zone.
pub(super) fn add_in_zone(utc: i64, span: Interval, zone: &Zone) -> Result<i64> {
    if is_infinite(utc) {
        return Ok(utc);
    }
    let mut moment = utc;
    if span.months != 0 {
        moment = super::convert::from_local(add_months(to_local(moment, zone), span.months)?, zone)?;
    }
    if span.days != 0 {
        moment = super::convert::from_local(add_days(to_local(moment, zone), span.days)?, zone)?;
    }
    checked(moment.checked_add(span.micros))
}

/// Adds to a value of any of the types that an interval can be added to.
pub(super) fn plus<'a>(to: &Datum<'_>, span: Interval, style: &Style) -> Result<Datum<'a>> {
    Ok(match to {
        Datum::Date(day) => Datum::Timestamp(add(midnight(*day)?, span)?),
        Datum::Time(time) => Datum::Time(time.wrapping_add(span.micros).rem_euclid(DAY_US)),
        Datum::Timestamp(micros) => Datum::Timestamp(add(*micros, span)?),
        Datum::Timestamptz(micros) => Datum::Timestamptz(add_in_zone(*micros, span, &style.timezone)?),
        Datum::Interval(value) => Datum::Interval(interval::add(*value, span)?),
        _ => return Err(crate::error::Error::internal("an interval added to a value of another type")),
    })
}

pub(super) fn plus_interval<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    plus(&a[0], args::interval(a, 1)?, style)
}

pub(super) fn interval_plus<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    plus(&a[1], args::interval(a, 0)?, style)
}

pub(super) fn minus_interval<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    let span = args::interval(a, 1)?;
    match &a[0] {
        Datum::Interval(value) => Ok(Datum::Interval(interval::subtract(*value, span)?)),
        Datum::Time(time) => Ok(Datum::Time(time.wrapping_sub(span.micros).rem_euclid(DAY_US))),
        from => plus(from, turned(span), style),
    }
}

fn add_to_date(day: i32, days: i64) -> Result<Datum<'static>> {
    Ok(Datum::Date(if is_date_infinite(day) { day } else { checked_date(i64::from(day) + days)? }))
}

pub(super) fn date_plus<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    add_to_date(args::date(a, 0)?, args::int4(a, 1)?.into())
}

pub(super) fn plus_date<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    add_to_date(args::date(a, 1)?, args::int4(a, 0)?.into())
}

pub(super) fn date_minus<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    add_to_date(args::date(a, 0)?, -i64::from(args::int4(a, 1)?))
}

pub(super) fn between_dates<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (a, b) = (args::date(a, 0)?, args::date(a, 1)?);
    if is_date_infinite(a) || is_date_infinite(b) {
        return Err(overflow("cannot subtract infinite dates"));
    }
    Ok(Datum::Int4(a.wrapping_sub(b)))
}

pub(super) fn between_times<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Interval(Interval { micros: args::time(a, 0)? - args::time(a, 1)?, ..Interval::default() }))
}

pub(super) fn between_timestamps<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (a, b) = (args::moment(a, 0)?, args::moment(a, 1)?);
    if is_infinite(a) || is_infinite(b) {
        return Err(overflow("cannot subtract infinite timestamps"));
    }
    let micros = a.wrapping_sub(b);
    Ok(Datum::Interval(interval::justify_hours(Interval { micros, ..Interval::default() })?))
}

pub(super) fn multiply<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Interval(match &a[0] {
        Datum::Interval(span) => interval::multiply(*span, args::float8(a, 1)?)?,
        _ => interval::multiply(args::interval(a, 1)?, args::float8(a, 0)?)?,
    }))
}

pub(super) fn divide<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Interval(interval::divide(args::interval(a, 0)?, args::float8(a, 1)?)?))
}

pub(super) fn negate<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Interval(interval::negate(args::interval(a, 0)?)?))
}

pub(super) fn age<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Interval(age_of(args::moment(a, 0)?, args::moment(a, 1)?)?))
}

pub(super) fn age_in_zone<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    let local = |at| Ok::<_, crate::error::Error>(to_local(args::moment(a, at)?, &style.timezone));
    Ok(Datum::Interval(age_of(local(0)?, local(1)?)?))
}

/// Year by year and month by month, as on a calendar. A day is borrowed from the month of the earlier of the two.
fn age_of(a: i64, b: i64) -> Result<Interval> {
    let fields = |micros: i64| {
        if micros == NEG_INFINITY {
            return Err(overflow("timestamp out of range"));
        }
        // PostgreSQL takes infinity for the number that it is, counted from 2000.
        let micros = i128::from(micros) + if micros == INFINITY { i128::from(EPOCH_US) } else { 0 };
        let day = micros.div_euclid(i128::from(DAY_US)) as i64;
        Ok((calendar::civil(day), micros.rem_euclid(i128::from(DAY_US)) as i64))
    };
    let is_negative = a < b;
    let (early, late) = if is_negative { (a, b) } else { (b, a) };
    let ((early_year, early_month, early_day), early_clock) = fields(early)?;
    let ((year, month, day), clock) = fields(late)?;
    let mut months = (year - early_year) * 12 + i64::from(month) - i64::from(early_month);
    let mut days = i64::from(day) - i64::from(early_day);
    let mut micros = clock - early_clock;
    if micros < 0 {
        micros += DAY_US;
        days -= 1;
    }
    while days < 0 {
        days += i64::from(calendar::month_length(early_year, early_month));
        months -= 1;
    }
    let sign = if is_negative { -1 } else { 1 };
    // Both are less than what a timestamp spans.
    Ok(Interval { months: (months * sign) as i32, days: (days * sign) as i32, micros: micros * sign })
}
