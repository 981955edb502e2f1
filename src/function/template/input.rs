//! `to_date` and `to_timestamp`: the values of a template's fields put together.

use crate::error::{Error, Kind, Result};
use crate::function::template::pattern::Calendar;
use crate::function::template::scan::{Parts, scan};
use crate::function::template::week::{Ymd, first_monday, is_leap};
use crate::pgtype::calendar::{self, EPOCH_US};
use crate::pgtype::datetime::INFINITY;
use crate::pgtype::moment::{MAX_DATE, MIN_DATE, MIN_TIMESTAMP};
use crate::pgtype::zone::Zone;

/// A date and a time of day as read.
struct Read {
    date: Ymd,
    /// Seconds since midnight.
    seconds: i64,
    micros: i64,
    /// Seconds east of Greenwich, if the text names a zone.
    offset: Option<i32>,
    /// Digits of the second's fraction, if a field gives them.
    precision: u8,
}

/// Days since 1970-01-01.
pub(super) fn to_date(text: &str, template: &str) -> Result<i32> {
    let date = read(text, template)?.date;
    let days = date.days();
    i32::try_from(days)
        .ok()
        .filter(|_| date.is_julian() && (MIN_DATE..=MAX_DATE).contains(&days))
        .ok_or_else(|| Error::new(Kind::DatetimeOverflow, format!("date out of range: \"{text}\"")))
}

/// Microseconds since 1970-01-01 UTC.
pub(super) fn to_timestamp(text: &str, template: &str, zone: &Zone) -> Result<i64> {
    let read = read(text, template)?;
    let local = read.date.days() * 86_400 + read.seconds;
    let in_range = |micros: &i64| read.date.is_julian() && (MIN_TIMESTAMP..INFINITY).contains(micros);
    let east = read.offset.unwrap_or_else(|| if read.date.is_julian() { zone.offset_of_local(local) } else { 0 });
    local
        .checked_sub(i64::from(east))
        .and_then(|seconds| seconds.checked_mul(1_000_000))
        .and_then(|micros| micros.checked_add(read.micros))
        .filter(in_range)
        .map(|micros| rounded(micros, read.precision))
        .ok_or_else(|| Error::new(Kind::DatetimeOverflow, "timestamp out of range"))
}

/// Rounds to so many digits of a second as `timestamptz(3)` does, away from 2000-01-01 where it lies in the middle.
fn rounded(micros: i64, precision: u8) -> i64 {
    if !(1..6).contains(&precision) {
        return micros;
    }
    let unit = 10_i64.pow(6 - u32::from(precision));
    let since_2000 = i128::from(micros) - i128::from(EPOCH_US);
    let size = (since_2000.abs() + i128::from(unit) / 2) / i128::from(unit) * i128::from(unit);
    i64::try_from(size * since_2000.signum() + i128::from(EPOCH_US)).unwrap_or(micros)
}

fn read(text: &str, template: &str) -> Result<Read> {
    let parts = scan(text, template)?;
    let out_of_range = || Error::new(Kind::DatetimeOverflow, format!("date/time field value out of range: \"{text}\""));
    let (hour, minute, second) = clock(&parts)?;
    let date = Assembly::date(parts)?.ok_or_else(out_of_range)?;
    let micros = i64::from(parts.millis.wrapping_mul(1_000).wrapping_add(parts.micros));
    let is_clock = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    if !is_clock || !(0..1_000_000).contains(&micros) {
        return Err(out_of_range());
    }
    let mut offset = None;
    if parts.zone_sign != 0 {
        if !(0..=15).contains(&parts.zone_hours) || !(0..60).contains(&parts.zone_minutes) {
            let message = format!("time zone displacement out of range: \"{text}\"");
            return Err(Error::new(Kind::InvalidTimeZone, message));
        }
        offset = Some(parts.zone_sign * (parts.zone_hours * 3_600 + parts.zone_minutes * 60));
    }
    let seconds = i64::from(hour * 3_600 + minute * 60 + second);
    Ok(Read { date, seconds, micros, offset, precision: parts.precision })
}

fn clock(parts: &Parts) -> Result<(i32, i32, i32)> {
    let given = |value: i32, otherwise: i32| if value == 0 { otherwise } else { value };
    let second_of_day = parts.second_of_day;
    let mut hour = given(parts.hour, second_of_day / 3_600);
    let minute = given(parts.minute, second_of_day % 3_600 / 60);
    let second = given(parts.second, second_of_day % 60);
    if parts.is_12_hours {
        if !(1..=12).contains(&hour) {
            let message = format!("hour \"{hour}\" is invalid for the 12-hour clock");
            return Err(Error::new(Kind::InvalidDatetime, message)
                .hint("Use the 24-hour clock, or give an hour between 1 and 12."));
        }
        hour = hour % 12 + if parts.is_pm != 0 { 12 } else { 0 };
    }
    Ok((hour, minute, second))
}

/// A date on its way: what it is so far, and which of its parts have been given.
struct Assembly {
    parts: Parts,
    date: Ymd,
    has_year: bool,
    has_month: bool,
    has_day: bool,
}

impl Assembly {
    /// The date; `None` if the fields that were given make none.
    fn date(parts: Parts) -> Result<Option<Ymd>> {
        let date = Ymd { year: 0, month: 1, day: 1 };
        let mut assembly = Assembly { parts, date, has_year: false, has_month: false, has_day: false };
        assembly.year();
        if parts.julian_day != 0 {
            assembly.set(Ymd::of(parts.julian_day));
        }
        assembly.week();
        if assembly.parts.week_of_month != 0 {
            assembly.parts.day = assembly.parts.week_of_month.wrapping_sub(1).wrapping_mul(7).wrapping_add(1);
        }
        if assembly.parts.day != 0 {
            assembly.date.day = assembly.parts.day;
            assembly.has_day = true;
        }
        if assembly.parts.month != 0 {
            assembly.date.month = assembly.parts.month;
            assembly.has_month = true;
        }
        assembly.day_of_year()?;
        Ok(assembly.is_valid().then_some(assembly.date))
    }

    fn set(&mut self, date: Ymd) {
        self.date = date;
        (self.has_year, self.has_month, self.has_day) = (true, true, true);
    }

    fn year(&mut self) {
        let Parts { year, century, year_digits, is_bc, .. } = self.parts;
        let century = if is_bc != 0 { century.wrapping_neg() } else { century };
        let hundreds = |centuries: i32| centuries.wrapping_mul(100);
        let year = match (year, century) {
            (0, 0) => return,
            // The first year of a century: 2001, 600 BC.
            (0, 1..) => hundreds(century - 1) + 1,
            (0, _) => hundreds(century).wrapping_add(1),
            // Two digits in a given century; more digits do without it.
            (_, 1..) if year_digits <= 2 && year % 100 == 0 => hundreds(century),
            (_, 1..) if year_digits <= 2 => hundreds(century - 1).wrapping_add(year % 100),
            (_, i32::MIN..=-1) if year_digits <= 2 && year % 100 == 0 => hundreds(century).wrapping_add(1),
            (_, i32::MIN..=-1) if year_digits <= 2 => {
                hundreds(century.wrapping_add(1)).wrapping_sub(year % 100).wrapping_add(1)
            }
            _ => {
                let year = if is_bc != 0 { year.wrapping_neg() } else { year };
                if year < 0 { year + 1 } else { year }
            }
        };
        self.date.year = year;
        self.has_year = true;
    }

    fn week(&mut self) {
        let Parts { week, weekday, calendar, .. } = self.parts;
        if week == 0 {
            return;
        }
        let days = week.wrapping_sub(1).wrapping_mul(7);
        if calendar != Some(Calendar::IsoWeek) {
            self.parts.day_of_year = days.wrapping_add(1);
            return;
        }
        // Sunday is 1, and the last day of the week; without a weekday it is the Monday.
        let day = match weekday {
            0 => 0,
            2.. => weekday - 2,
            _ => 6,
        };
        self.set(Ymd::of(first_monday(self.date.year).wrapping_add(days).wrapping_add(day)));
    }

    /// Month and day from the day of the year, as far as they have not been given.
    fn day_of_year(&mut self) -> Result<()> {
        let day_of_year = self.parts.day_of_year;
        if day_of_year == 0 || (self.date.month > 1 && self.date.day > 1) {
            return Ok(());
        }
        if self.date.year == 0 && self.parts.is_bc == 0 {
            let message = "cannot calculate day of year without year information";
            return Err(Error::new(Kind::InvalidDatetime, message));
        }
        if self.parts.calendar == Some(Calendar::IsoWeek) {
            let first = first_monday(self.date.year);
            self.set(Ymd::of(first.wrapping_sub(1).wrapping_add(day_of_year)));
            return Ok(());
        }
        let year = if is_leap(self.date.year) { 2_000 } else { 2_001 };
        let mut month = 1;
        let mut before = 0;
        for length in (1..=12).map(|month| calendar::month_length(year, month)) {
            let length = i32::try_from(length).unwrap_or(31);
            if day_of_year <= before + length {
                break;
            }
            before += length;
            month += 1;
        }
        if self.date.month <= 1 {
            self.date.month = month;
        }
        if self.date.day <= 1 {
            self.date.day = day_of_year.wrapping_sub(before);
        }
        (self.has_month, self.has_day) = (true, true);
        Ok(())
    }

    fn is_valid(&self) -> bool {
        let Ymd { year, month, day } = self.date;
        let is_month = !self.has_month || (1..=12).contains(&month);
        let is_day = !self.has_day || (1..=31).contains(&day);
        let is_whole = self.has_year && self.has_month && self.has_day;
        is_month && is_day && (!is_whole || day <= length_of_month(year, month))
    }
}

fn length_of_month(year: i32, month: i32) -> i32 {
    let length = u32::try_from(month).map_or(31, |month| calendar::month_length(i64::from(year), month));
    i32::try_from(length).unwrap_or(31)
}
