//! Local time: which instants belong to a range of local days, months or years, or of truncated times.
//!
//! Around a change of a zone's offset a local time may occur twice or never. Where that touches a bound, the bound is
//! moved outwards and the answer is no longer exact.

use chrono::{DateTime, Datelike, Days, MappedLocalTime, Months, NaiveDate, NaiveDateTime, Offset, TimeZone};
use datafusion::arrow::array::timezone::Tz;

use super::spans::{Spans, finite};

pub(super) const SECOND_US: i64 = 1_000_000;
pub(super) const HOUR_US: i64 = 3_600 * SECOND_US;
pub(super) const DAY_US: i64 = 24 * HOUR_US;
/// No zone has ever moved its clocks by more than a day (Samoa and Manila, around the date line).
pub(super) const SLOP_US: i64 = 25 * HOUR_US;

/// A unit of `date_trunc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// An hour or less, in microseconds.
    Fixed(i64),
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    /// The unit of that name, in the singular or plural.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Some(match name.strip_suffix('s').unwrap_or(&name) {
            "microsecond" => Unit::Fixed(1),
            "millisecond" => Unit::Fixed(1_000),
            "second" => Unit::Fixed(SECOND_US),
            "minute" => Unit::Fixed(60 * SECOND_US),
            "hour" => Unit::Fixed(HOUR_US),
            "day" => Unit::Day,
            "week" => Unit::Week,
            "month" => Unit::Month,
            "quarter" => Unit::Quarter,
            "year" => Unit::Year,
            _ => return None,
        })
    }

    /// Its longest length.
    fn longest_us(self) -> i64 {
        match self {
            Unit::Fixed(length) => length,
            Unit::Day => DAY_US,
            Unit::Week => 7 * DAY_US,
            Unit::Month => 31 * DAY_US,
            Unit::Quarter => 92 * DAY_US,
            Unit::Year => 366 * DAY_US,
        }
    }

    /// The first day of the unit that holds `date`. Not for fixed units.
    fn start(self, date: NaiveDate) -> Option<NaiveDate> {
        match self {
            Unit::Fixed(_) => None,
            Unit::Day => Some(date),
            Unit::Week => date.checked_sub_days(Days::new(u64::from(date.weekday().num_days_from_monday()))),
            Unit::Month => date.with_day(1),
            Unit::Quarter => date.with_day(1)?.with_month(date.month0() / 3 * 3 + 1),
            Unit::Year => date.with_day(1)?.with_month(1),
        }
    }

    /// The first day of the next unit, given the first day of one.
    fn next(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Unit::Fixed(_) => None,
            Unit::Day => start.succ_opt(),
            Unit::Week => start.checked_add_days(Days::new(7)),
            Unit::Month => start.checked_add_months(Months::new(1)),
            Unit::Quarter => start.checked_add_months(Months::new(3)),
            Unit::Year => start.checked_add_months(Months::new(12)),
        }
    }
}

/// When a local time is reached.
struct Moment {
    first_us: i64,
    last_us: i64,
}

impl Moment {
    /// All instants before have earlier local times, all from it on have this or a later one.
    fn is_plain(&self) -> bool {
        self.first_us == self.last_us
    }
}

/// Whether a zone has one offset for ever.
pub(super) fn is_fixed(zone: Tz) -> bool {
    let name = zone.to_string();
    name.starts_with(['+', '-']) || name.starts_with("Etc/") || is_utc(zone)
}

/// Whether a zone's local time is UTC.
pub(super) fn is_utc(zone: Tz) -> bool {
    matches!(zone.to_string().as_str(), "UTC" | "+00:00" | "Etc/UTC" | "Zulu" | "Etc/Zulu" | "GMT" | "Etc/GMT" | "UCT")
}

/// The zone of that name, if it means the same to PostgreSQL: an abbreviation is no region there, and the sign of an
/// offset is turned.
pub(super) fn named(name: &str) -> Option<Tz> {
    let is_region = name.contains('/') || name == "UTC";
    name.parse().ok().filter(|_| is_region && !name.starts_with(['+', '-']))
}

/// The instants whose local time, in microseconds since 1970-01-01, lies in the set.
pub(super) fn before_local(times: &Spans, zone: Tz) -> (Spans, bool) {
    edges(times, |local| reached(naive(i64::try_from(local).ok()?)?, zone))
}

/// The instants whose local date, in days since 1970-01-01, lies in the set.
pub(super) fn before_day(days: &Spans, zone: Tz) -> (Spans, bool) {
    let midnight = |day: i128| {
        let local = i64::try_from(day).ok()?.checked_mul(DAY_US)?;
        reached(naive(local)?, zone)
    };
    edges(days, midnight)
}

/// The instants whose local year lies in the set.
pub(super) fn before_year(years: &Spans, zone: Tz) -> (Spans, bool) {
    let new_year =
        |year: i128| reached(NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, 1, 1)?.and_hms_opt(0, 0, 0)?, zone);
    // Before the year 1 comes -1, which the calendar calls 0.
    let is_early = |end: i128| end != i128::MIN && end < 1;
    let mut exact = true;
    let years = years.map(|&(low, high)| {
        exact &= !is_early(low) && !is_early(high);
        (low, if is_early(high) { high + 1 } else { high })
    });
    let (spans, plain) = edges(&years, new_year);
    (spans, plain && exact)
}

/// The instants of all units in the set, where `start` tells when a unit starts.
fn edges(units: &Spans, start: impl Fn(i128) -> Option<Moment>) -> (Spans, bool) {
    let mut exact = true;
    let mut edge = |unit: i128, open: i128, pick: fn(&Moment) -> i64| match start(unit) {
        Some(moment) => {
            exact &= moment.is_plain();
            i128::from(pick(&moment))
        }
        None => {
            exact = false;
            open
        }
    };
    let spans = units.map(|&(low, high)| {
        let from = finite(low, |low| edge(low, i128::MIN, |moment| moment.first_us));
        let to = finite(high, |high| match edge(high.saturating_add(1), i128::MAX, |moment| moment.last_us) {
            i128::MAX => i128::MAX,
            end => end - 1,
        });
        (from, to)
    });
    (spans, exact)
}

/// The instants whose `date_trunc` to `unit` in `zone` lies in the set.
pub(super) fn before_trunc(times: &Spans, unit: Unit, zone: Tz) -> (Spans, bool) {
    let mut exact = true;
    let spans = times.map(|&(low, high)| {
        let from = finite(low, |low| match first_unit_from(low, unit, zone) {
            Some(start) => i128::from(start),
            None => {
                exact = false;
                low.saturating_sub(i128::from(SLOP_US))
            }
        });
        let to = finite(high, |high| match unit_after(high, unit, zone) {
            Some(end) => i128::from(end) - 1,
            None => {
                exact = false;
                high.saturating_add(i128::from(unit.longest_us() + SLOP_US))
            }
        });
        (from, to)
    });
    (spans, exact)
}

/// The start of the first unit that does not start before `low`, if the clocks make that plain.
fn first_unit_from(low: i128, unit: Unit, zone: Tz) -> Option<i64> {
    let low = i64::try_from(low).ok()?;
    if let Unit::Fixed(step) = unit {
        let offset = steady_offset(low, zone)?;
        return Some(crate::model::scan::ceil(low.checked_add(offset)?, step) - offset);
    }
    let local = local_time(low, zone)?;
    let start = unit.start(local.date())?;
    if start.and_hms_opt(0, 0, 0)? == local {
        return plain(start, zone);
    }
    plain(start, zone)?;
    plain(unit.next(start)?, zone)
}

/// The start of the unit after the last one that starts at or before `high`, if the clocks make that plain.
fn unit_after(high: i128, unit: Unit, zone: Tz) -> Option<i64> {
    let high = i64::try_from(high).ok()?;
    if let Unit::Fixed(step) = unit {
        let offset = steady_offset(high, zone)?;
        return (crate::model::scan::floor(high.checked_add(offset)?, step) - offset).checked_add(step);
    }
    let start = unit.start(local_time(high, zone)?.date())?;
    plain(start, zone)?;
    plain(unit.next(start)?, zone)
}

/// The offset at an instant, if it is the same days before and after.
fn steady_offset(micros: i64, zone: Tz) -> Option<i64> {
    let offset = offset_us(micros, zone)?;
    let around = [micros.checked_sub(2 * DAY_US)?, micros.checked_add(2 * DAY_US)?];
    around.into_iter().all(|near| offset_us(near, zone) == Some(offset)).then_some(offset)
}

/// The instant of a local midnight that occurs once.
fn plain(date: NaiveDate, zone: Tz) -> Option<i64> {
    let moment = reached(date.and_hms_opt(0, 0, 0)?, zone)?;
    moment.is_plain().then_some(moment.first_us)
}

/// When the clocks of a zone show a local time.
fn reached(local: NaiveDateTime, zone: Tz) -> Option<Moment> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(time) => {
            Some(Moment { first_us: time.timestamp_micros(), last_us: time.timestamp_micros() })
        }
        MappedLocalTime::Ambiguous(one, other) => {
            Some(Moment { first_us: one.min(other).timestamp_micros(), last_us: one.max(other).timestamp_micros() })
        }
        MappedLocalTime::None => {
            let micros = local.and_utc().timestamp_micros();
            let before = offset_us(micros.checked_sub(SLOP_US)?, zone)?;
            let after = offset_us(micros.checked_add(SLOP_US)?, zone)?;
            Some(Moment { first_us: micros - before.max(after), last_us: micros - before.min(after) })
        }
    }
}

fn offset_us(micros: i64, zone: Tz) -> Option<i64> {
    let offset = zone.offset_from_utc_datetime(&naive(micros)?).fix();
    Some(i64::from(offset.local_minus_utc()) * SECOND_US)
}

fn local_time(micros: i64, zone: Tz) -> Option<NaiveDateTime> {
    naive(micros.checked_add(offset_us(micros, zone)?)?)
}

fn naive(micros: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_micros(micros).map(|time| time.naive_utc())
}
