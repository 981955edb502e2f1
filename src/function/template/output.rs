//! Dates, times and intervals by a template: `to_char`.

use std::fmt::Write;

use crate::error::{Error, Kind, Result};
use crate::function::template::ordinal::ordinal;
use crate::function::template::pattern::{self, Case, Field, Item, Node};
use crate::function::template::week::Ymd;

/// The months' names.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// The days' names.
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// The months as Roman numbers.
pub(super) const ROMAN: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/// What is shown: a moment by the clock of its zone, or the parts of an interval.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) is_interval: bool,
    pub(super) date: Ymd,
    pub(super) hour: i64,
    pub(super) minute: i32,
    pub(super) second: i32,
    pub(super) micros: i32,
    /// Sunday is 0.
    pub(super) weekday: i32,
    /// From 1.
    pub(super) yearday: i32,
    /// Seconds east of Greenwich.
    pub(super) offset: i32,
    /// The zone's abbreviation.
    pub(super) zone: String,
}

/// Writes it by a template.
pub(super) fn write(shown: &Shown, template: &str) -> Result<String> {
    let mut out = String::with_capacity(template.len() * 2);
    for node in pattern::parse(template) {
        match node {
            Node::Field(item) => shown.put(&item, &mut out)?,
            other => out.extend(other.letter()),
        }
    }
    Ok(out)
}

impl Shown {
    fn put(&self, item: &Item<'_>, out: &mut String) -> Result<()> {
        match item.field {
            Field::Meridiem { .. }
            | Field::Hour12
            | Field::Hour24
            | Field::Minute
            | Field::Second
            | Field::Fraction(_)
            | Field::Milliseconds
            | Field::Microseconds
            | Field::SecondsOfDay => self.put_clock(item, out),
            Field::ZoneName(_) | Field::ZoneHours | Field::ZoneMinutes | Field::Offset => {
                self.check_moment()?;
                self.put_zone(item, out);
                Ok(())
            }
            Field::Era { .. }
            | Field::DayName(_)
            | Field::ShortDayName(_)
            | Field::MonthName(_)
            | Field::ShortMonthName(_) => {
                self.check_moment()?;
                self.put_name(item, out);
                Ok(())
            }
            Field::Century | Field::GroupedYear | Field::Year(_) | Field::IsoYear(_) => self.put_year(item, out),
            Field::RomanMonth(case) => {
                self.put_roman_month(case, item, out);
                Ok(())
            }
            _ => self.put_day(item, out),
        }
    }

    /// An error for an interval: it has no such thing.
    fn check_moment(&self) -> Result<()> {
        if !self.is_interval {
            return Ok(());
        }
        Err(Error::new(Kind::InvalidDatetime, "invalid format specification for an interval value")
            .hint("Intervals are not tied to specific calendar dates."))
    }

    fn put_clock(&self, item: &Item<'_>, out: &mut String) -> Result<()> {
        let two = |value: i64| (value, if value >= 0 { 2 } else { 3 });
        let fraction = |divisor: i32, width: usize| (i64::from(self.micros / divisor), width);
        let (value, width) = match item.field {
            Field::Meridiem { is_dotted, case } => {
                let is_afternoon = self.hour % 24 >= 12;
                let name = if is_afternoon { ["PM", "P.M."] } else { ["AM", "A.M."] };
                out.push_str(&case.write(name[usize::from(is_dotted)]));
                return Ok(());
            }
            Field::Hour12 => {
                let hour = if self.hour % 12 == 0 { 12 } else { self.hour % 12 };
                (hour, two(self.hour).1)
            }
            Field::Hour24 => two(self.hour),
            Field::Minute => two(i64::from(self.minute)),
            Field::Second => two(i64::from(self.second)),
            Field::Milliseconds => fraction(1_000, 3),
            Field::Microseconds => fraction(1, 6),
            Field::Fraction(digits) => fraction(10_i32.pow(6 - u32::from(digits)), usize::from(digits)),
            _ => (self.hour * 3_600 + i64::from(self.minute) * 60 + i64::from(self.second), 0),
        };
        // FM does not take the zeros from a fraction.
        let is_fraction = matches!(item.field, Field::Milliseconds | Field::Microseconds | Field::Fraction(_));
        put_number(value, if item.is_fill && !is_fraction { 0 } else { width }, item, out)
    }

    fn put_zone(&self, item: &Item<'_>, out: &mut String) {
        let (sign, size) = (if self.offset >= 0 { '+' } else { '-' }, self.offset.abs());
        let (hours, minutes) = (size / 3_600, size % 3_600 / 60);
        // Writing to a String cannot fail.
        let _ = match item.field {
            Field::ZoneName(Case::Lower) => write!(out, "{}", self.zone.to_ascii_lowercase()),
            Field::ZoneName(_) => write!(out, "{}", self.zone),
            Field::ZoneHours => write!(out, "{sign}{hours:02}"),
            Field::ZoneMinutes => write!(out, "{minutes:02}"),
            _ => {
                let width = if item.is_fill { 0 } else { 2 };
                let _ = write!(out, "{sign}{hours:0width$}");
                if size % 3_600 == 0 { Ok(()) } else { write!(out, ":{minutes:02}") }
            }
        };
    }

    fn put_name(&self, item: &Item<'_>, out: &mut String) {
        let day = usize::try_from(self.weekday).ok().and_then(|day| DAYS.get(day)).copied().unwrap_or_default();
        let month = self.month_index().and_then(|month| MONTHS.get(month)).copied().unwrap_or_default();
        let (name, width) = match item.field {
            Field::Era { is_dotted, case } => {
                let name = if self.date.year <= 0 { ["BC", "B.C."] } else { ["AD", "A.D."] };
                (case.write(name[usize::from(is_dotted)]), 0)
            }
            Field::DayName(case) => (case.write(day), 9),
            Field::ShortDayName(case) => (case.write(&day[..3]), 0),
            Field::MonthName(case) => (case.write(month), 9),
            Field::ShortMonthName(case) => (case.write(&month[..3]), 0),
            _ => return,
        };
        put_padded(&name, if item.is_fill || item.is_local { 0 } else { width }, out);
    }

    fn month_index(&self) -> Option<usize> {
        usize::try_from(self.date.month).ok()?.checked_sub(1)
    }

    /// A year as it is called: 1 BC is 1.
    fn called(&self, year: i32) -> i32 {
        if self.is_interval || year > 0 { year } else { 1 - year }
    }

    fn put_year(&self, item: &Item<'_>, out: &mut String) -> Result<()> {
        let year = self.called(self.date.year);
        let (value, digits) = match item.field {
            Field::Century => {
                let century = match self.date.year {
                    year if self.is_interval => year / 100,
                    year if year > 0 => (year - 1) / 100 + 1,
                    year => year / 100 - 1,
                };
                let width = if item.is_fill { 0 } else { signed_width(century, 2) };
                return put_number(i64::from(century), width, item, out);
            }
            Field::GroupedYear => {
                let start = out.len();
                let _ = write!(out, "{},{:03}", year / 1_000, year % 1_000);
                return put_ordinal(start, item, out);
            }
            Field::IsoYear(digits) => (self.called(self.date.iso_week().0), digits),
            Field::Year(digits) => (year, digits),
            _ => return Ok(()),
        };
        let shown = if digits == 4 { value } else { value % 10_i32.pow(u32::from(digits)) };
        let width = if item.is_fill || digits == 1 { 0 } else { signed_width(year, usize::from(digits)) };
        put_number(i64::from(shown), width, item, out)
    }

    /// Years of an interval without months count as its last month, or its first if they are less than 0.
    fn put_roman_month(&self, case: Case, item: &Item<'_>, out: &mut String) {
        let (year, month) = (self.date.year, self.date.month);
        let index = match month {
            0 if year == 0 => return,
            0 if year > 0 => 11,
            0 => 0,
            _ if month < 0 => 12 + month,
            _ => month - 1,
        };
        let name = usize::try_from(index).ok().and_then(|index| ROMAN.get(index)).copied().unwrap_or_default();
        put_padded(&case.write(name), if item.is_fill { 0 } else { 4 }, out);
    }

    fn put_day(&self, item: &Item<'_>, out: &mut String) -> Result<()> {
        let date = self.date;
        let (value, width) = match item.field {
            Field::Month => (date.month, signed_width(date.month, 2)),
            Field::DayOfYear => (self.yearday, 3),
            Field::IsoDayOfYear => (date.iso_day(), 3),
            Field::Day => (date.day, 2),
            Field::Week => (self.yearday.wrapping_sub(1) / 7 + 1, 2),
            Field::IsoWeek => (date.iso_week().1, 2),
            Field::WeekOfMonth => (date.day.wrapping_sub(1) / 7 + 1, 0),
            Field::JulianDay => (date.julian(), 0),
            Field::Quarter if date.month == 0 => return Ok(()),
            Field::Quarter => ((date.month - 1) / 3 + 1, 0),
            Field::Weekday | Field::IsoWeekday => {
                self.check_moment()?;
                let is_iso_sunday = item.field == Field::IsoWeekday && self.weekday == 0;
                let shift = i32::from(item.field == Field::Weekday);
                (if is_iso_sunday { 7 } else { self.weekday + shift }, 0)
            }
            _ => return Ok(()),
        };
        put_number(i64::from(value), if item.is_fill { 0 } else { width }, item, out)
    }
}

/// The minus sign has a place of its own.
fn signed_width(value: i32, digits: usize) -> usize {
    if value >= 0 { digits } else { digits + 1 }
}

fn put_padded(text: &str, width: usize, out: &mut String) {
    let _ = write!(out, "{text:width$}");
}

fn put_number(value: i64, width: usize, item: &Item<'_>, out: &mut String) -> Result<()> {
    let start = out.len();
    let _ = write!(out, "{value:0width$}");
    put_ordinal(start, item, out)
}

/// Appends the letters behind the number that begins at `start`.
fn put_ordinal(start: usize, item: &Item<'_>, out: &mut String) -> Result<()> {
    if let Some(case) = item.ordinal {
        let letters = ordinal(&out[start..], case)?;
        out.push_str(letters);
    }
    Ok(())
}
