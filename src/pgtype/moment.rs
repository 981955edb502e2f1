//! Reads dates, times and timestamps: ISO forms, `01/02/2003` by `DateStyle`, month names, zones by offset or name.

use crate::error::{Error, Kind, Result};
use crate::pgtype::calendar::{self, DAY_US};
use crate::pgtype::datetime::{INFINITY, NEG_INFINITY};
use crate::pgtype::style::{DateOrder, Style};
use crate::pgtype::zone::Zone;

/// The first moment that PostgreSQL has, 4714-11-24 BC, in microseconds since 1970-01-01.
pub const MIN_TIMESTAMP: i64 = -210_866_803_200_000_000;
/// The first date that PostgreSQL has, in days since 1970-01-01.
pub const MIN_DATE: i64 = -2_440_588;
/// The last date that PostgreSQL has, 5874897-12-31.
pub const MAX_DATE: i64 = 2_145_042_905;

/// Reads a date, as days since 1970-01-01; a time behind it is checked and dropped.
pub fn parse_date(text: &str, style: &Style) -> Result<i32> {
    let fault = |fault: Fault| fault.error("date", text);
    let day = match read(text, style.date_order).map_err(fault)? {
        Reading::Infinity => return Ok(i32::MAX),
        Reading::NegInfinity => return Ok(i32::MIN),
        Reading::Epoch => 0,
        Reading::Fields(fields) => fields.day.ok_or(Fault::Syntax).map_err(fault)?,
    };
    let in_range = (MIN_DATE..=MAX_DATE).contains(&day);
    i32::try_from(day)
        .ok()
        .filter(|_| in_range)
        .ok_or_else(|| Error::new(Kind::DatetimeOverflow, format!("date out of range: \"{text}\"")))
}

/// Reads a time of day, as microseconds; a date before it or a zone behind it is checked and dropped.
pub fn parse_time(text: &str) -> Result<i64> {
    let fault = |fault: Fault| fault.error("time", text);
    match read_as(text, DateOrder::Mdy, true).map_err(fault)? {
        Reading::Fields(fields) => fields.clock.ok_or(Fault::Syntax).map_err(fault),
        _ => Err(fault(Fault::Syntax)),
    }
}

/// Reads a `timestamp`, as microseconds since 1970-01-01; a zone is checked and dropped.
pub fn parse_timestamp(text: &str, style: &Style) -> Result<i64> {
    timestamp(text, "timestamp", style, |_| 0)
}

/// Reads a `timestamptz`, as microseconds since 1970-01-01 UTC; without a zone it is in the session's.
pub fn parse_timestamptz(text: &str, style: &Style) -> Result<i64> {
    timestamp(text, "timestamp with time zone", style, |(zone, local)| {
        zone.unwrap_or(&style.timezone).offset_of_local(local)
    })
}

fn timestamp(
    text: &str,
    type_name: &str,
    style: &Style,
    offset: impl FnOnce((Option<&Zone>, i64)) -> i32,
) -> Result<i64> {
    let fault = |fault: Fault| fault.error(type_name, text);
    let fields = match read(text, style.date_order).map_err(fault)? {
        Reading::Infinity => return Ok(INFINITY),
        Reading::NegInfinity => return Ok(NEG_INFINITY),
        Reading::Epoch => return Ok(0),
        Reading::Fields(fields) => fields,
    };
    let day = fields.day.ok_or(Fault::Syntax).map_err(fault)?;
    let clock = fields.clock.unwrap_or(0);
    let east = offset((fields.zone.as_ref(), day * 86_400 + clock / 1_000_000));
    day.checked_mul(DAY_US)
        .and_then(|micros| micros.checked_add(clock - i64::from(east) * 1_000_000))
        .filter(|micros| (MIN_TIMESTAMP..INFINITY).contains(micros))
        .ok_or_else(|| Error::new(Kind::DatetimeOverflow, format!("timestamp out of range: \"{text}\"")))
}

enum Reading {
    Infinity,
    NegInfinity,
    Epoch,
    Fields(Fields),
}

#[derive(Default)]
struct Fields {
    /// Days since 1970-01-01.
    day: Option<i64>,
    /// Microseconds since midnight.
    clock: Option<i64>,
    zone: Option<Zone>,
}

enum Fault {
    Syntax,
    /// A month of 13, a day of 32.
    MonthDay,
    Range,
    Displacement,
    Zone(String),
    Relative(String),
}

impl Fault {
    fn error(self, type_name: &str, text: &str) -> Error {
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
            Fault::Relative(word) => Error::unsupported(format!("the {type_name} value \"{word}\""))
                .hint("Use a function such as now() or current_date."),
        }
    }
}

fn read(text: &str, order: DateOrder) -> Result<Reading, Fault> {
    read_as(text, order, false)
}

fn read_as(text: &str, order: DateOrder, is_time: bool) -> Result<Reading, Fault> {
    let word = text.trim().to_ascii_lowercase();
    match word.as_str() {
        "infinity" | "+infinity" => Ok(Reading::Infinity),
        "-infinity" => Ok(Reading::NegInfinity),
        "epoch" => Ok(Reading::Epoch),
        "now" | "today" | "tomorrow" | "yesterday" | "allballs" => Err(Fault::Relative(word)),
        _ => Scanner { rest: text.trim(), order, is_time, ..Scanner::default() }.read().map(Reading::Fields),
    }
}

#[derive(Default)]
struct Scanner<'a> {
    rest: &'a str,
    order: DateOrder,
    /// Whether `040506` is a time and not a date.
    is_time: bool,
    /// Year, month and day as written.
    date: Option<(i64, u32, u32)>,
    clock: Option<i64>,
    zone: Option<Zone>,
    month: Option<u32>,
    /// Numbers beside a month's name.
    numbers: Vec<&'a str>,
    is_bc: bool,
    afternoon: Option<bool>,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH_NAMES: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

impl<'a> Scanner<'a> {
    fn read(mut self) -> Result<Fields, Fault> {
        loop {
            self.rest = self.rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == ',');
            match self.rest.bytes().next() {
                None => break,
                Some(b'0'..=b'9') => self.number()?,
                Some(b'+' | b'-') if (self.clock.is_some() || self.date.is_some()) && self.zone.is_none() => {
                    self.offset()?
                }
                Some(_) => self.word()?,
            }
        }
        self.finish()
    }

    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|letter| !belongs(letter)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn number(&mut self) -> Result<(), Fault> {
        let digits = self.rest.len() - self.rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let next = self.rest.as_bytes().get(digits).copied();
        let has_date = self.date.is_some();
        let is_clock = (has_date || self.is_time) && self.clock.is_none();
        match next {
            Some(b':') if self.clock.is_none() => self.clock_with_colons(),
            Some(b'-' | b'/') if !has_date => self.date_with_separators(),
            Some(b'.') if !has_date && digits <= 4 => self.date_with_separators(),
            _ if is_clock && (digits == 6 || digits == 4 && next != Some(b'.')) => self.compact_clock(digits),
            _ if !has_date && self.month.is_none() && (digits == 8 || digits == 6 && next != Some(b'.')) => {
                self.compact_date(digits)
            }
            _ if !has_date && self.numbers.len() < 2 => {
                let number = self.take(|letter| letter.is_ascii_digit());
                self.numbers.push(number);
                Ok(())
            }
            _ => Err(Fault::Syntax),
        }
    }

    fn compact_date(&mut self, digits: usize) -> Result<(), Fault> {
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let (year, tail) = number.split_at(digits - 4);
        self.date = Some((full_year(year)?, small(&tail[..2])?, small(&tail[2..])?));
        Ok(())
    }

    fn compact_clock(&mut self, digits: usize) -> Result<(), Fault> {
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let fraction = self.take(|letter| letter == '.' || letter.is_ascii_digit());
        let second = format!("{}{fraction}", number.get(4..6).unwrap_or("00"));
        self.set_clock(&number[..2], &number[2..4], &second)
    }

    fn date_with_separators(&mut self) -> Result<(), Fault> {
        let before = self.rest;
        let parts = self.take(|letter| letter.is_ascii_alphanumeric() || "-/.".contains(letter));
        // "2024-01-02T03:04" and "2024-01-02Z": the letter behind the day begins something else.
        let digits_end = parts.rfind(['-', '/', '.']).unwrap_or(0) + 1;
        let tail = parts[digits_end..].find(|letter: char| !letter.is_ascii_digit()).map(|at| digits_end + at);
        let parts = match tail {
            Some(end) if end > digits_end => {
                self.rest = &before[end..];
                &parts[..end]
            }
            _ => parts,
        };
        let mut split = parts.split(['-', '/', '.']);
        let (Some(first), Some(second), Some(third), None) = (split.next(), split.next(), split.next(), split.next())
        else {
            return Err(Fault::Syntax);
        };
        let order = if first.len() > 2 { DateOrder::Ymd } else { self.order };
        self.date = Some(if let Some(month) = month_number(second) {
            let is_year_first = first.len() > 2 || order == DateOrder::Ymd && third.len() <= 2;
            let (year, day) = if is_year_first { (first, third) } else { (third, first) };
            (full_year(year)?, month, small(day)?)
        } else {
            match order {
                DateOrder::Ymd => (full_year(first)?, small(second)?, small(third)?),
                DateOrder::Mdy => (full_year(third)?, small(first)?, small(second)?),
                DateOrder::Dmy => (full_year(third)?, small(second)?, small(first)?),
            }
        });
        Ok(())
    }

    fn clock_with_colons(&mut self) -> Result<(), Fault> {
        let clock = self.take(|letter| letter.is_ascii_digit() || letter == ':' || letter == '.');
        let mut split = clock.split(':');
        let (Some(hour), Some(minute), second, None) =
            (split.next(), split.next(), split.next().unwrap_or("0"), split.next())
        else {
            return Err(Fault::Syntax);
        };
        self.set_clock(hour, minute, second)
    }

    fn set_clock(&mut self, hour: &str, minute: &str, second: &str) -> Result<(), Fault> {
        let (hour, minute) = (i64::from(small(hour)?), i64::from(small(minute)?));
        let micros = seconds(second)?;
        let total = (hour * 60 + minute) * 60_000_000 + micros;
        if hour > 24 || minute > 59 || micros > 60_000_000 || total > DAY_US {
            return Err(Fault::Range);
        }
        self.clock = Some(total);
        Ok(())
    }

    /// `+02`, `-0530`, `+05:30:15`
    fn offset(&mut self) -> Result<(), Fault> {
        let sign = if self.take(|letter| letter == '+' || letter == '-') == "-" { -1 } else { 1 };
        let clock = self.take(|letter| letter.is_ascii_digit() || letter == ':');
        let (hour, minute, second) = if clock.contains(':') {
            let mut split = clock.splitn(3, ':');
            (split.next().unwrap_or("0"), split.next().unwrap_or("0"), split.next().unwrap_or("0"))
        } else if clock.len() > 2 {
            let (head, second) = if clock.len() > 4 { clock.split_at(clock.len() - 2) } else { (clock, "0") };
            let (hour, minute) = head.split_at(head.len() - 2);
            (hour, minute, second)
        } else {
            (clock, "0", "0")
        };
        let (hour, minute, second) = (small(hour)?, small(minute)?, small(second)?);
        if hour > 15 || minute > 59 || second > 59 {
            return Err(Fault::Displacement);
        }
        self.zone = Some(Zone::fixed(sign * (hour * 3_600 + minute * 60 + second) as i32));
        Ok(())
    }

    fn word(&mut self) -> Result<(), Fault> {
        let before = self.rest;
        let text = self.take(|letter| !letter.is_ascii_whitespace() && letter != ',');
        let letters = text.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(text.len());
        let word = text[..letters].to_ascii_lowercase();
        let is_whole = letters == text.len();
        if word == "t" && self.date.is_some() && self.clock.is_none() {
            self.rest = &before[letters..];
            return if self.rest.is_empty() { Err(Fault::Syntax) } else { Ok(()) };
        }
        match word.as_str() {
            "bc" if is_whole => self.is_bc = true,
            "ad" if is_whole => self.is_bc = false,
            "am" | "pm" if is_whole && self.clock.is_some() => self.afternoon = Some(word == "pm"),
            _ if is_whole && month_number(&word).is_some() && self.month.is_none() => self.month = month_number(&word),
            _ if is_whole && WEEKDAYS.iter().any(|day| *day == word || word.len() == 3 && day.starts_with(&word)) => {}
            _ if self.zone.is_none() && (self.clock.is_some() || self.date.is_some()) => {
                let unknown = || {
                    if text.contains('/') { Fault::Zone(text.to_ascii_lowercase()) } else { Fault::Syntax }
                };
                self.zone = Some(Zone::parse_suffix(text).ok_or_else(unknown)?);
            }
            _ => return Err(Fault::Syntax),
        }
        Ok(())
    }

    fn finish(self) -> Result<Fields, Fault> {
        let date = match (self.date, self.month, self.numbers.as_slice()) {
            (Some(date), None, []) => Some(date),
            (None, Some(month), [year, day]) if year.len() > 2 => Some((full_year(year)?, month, small(day)?)),
            (None, Some(month), [day, year]) => Some((full_year(year)?, month, small(day)?)),
            (None, None, []) => None,
            _ => return Err(Fault::Syntax),
        };
        let clock = match (self.clock, self.afternoon) {
            (clock, None) => clock,
            (Some(clock), Some(_)) if clock >= 13 * 3_600_000_000 => return Err(Fault::Range),
            (Some(clock), Some(is_pm)) => Some(clock % (DAY_US / 2) + if is_pm { DAY_US / 2 } else { 0 }),
            (None, Some(_)) => return Err(Fault::Syntax),
        };
        let day = date.map(|(year, month, day)| checked_day(year, month, day, self.is_bc)).transpose()?;
        Ok(Fields { day, clock, zone: self.zone })
    }
}

fn checked_day(year: i64, month: u32, day: u32, is_bc: bool) -> Result<i64, Fault> {
    if year <= 0 || year > 6_000_000 {
        return Err(Fault::Range);
    }
    let year = if is_bc { 1 - year } else { year };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Err(Fault::MonthDay);
    }
    if day > calendar::month_length(year, month) { Err(Fault::Range) } else { Ok(calendar::days(year, month, day)) }
}

fn month_number(word: &str) -> Option<u32> {
    let at = |names: &[&str; 12]| names.iter().position(|name| name.eq_ignore_ascii_case(word));
    let sept = word.eq_ignore_ascii_case("sept").then_some(8);
    at(&MONTHS).or_else(|| at(&MONTH_NAMES)).or(sept).map(|index| index as u32 + 1)
}

/// A year as written; two digits are one of 1970 to 2069.
fn full_year(text: &str) -> Result<i64, Fault> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let year: i64 = text.parse().ok().filter(|_| is_number).ok_or(Fault::Syntax)?;
    Ok(match year {
        _ if text.len() > 2 => year,
        0..=69 => year + 2000,
        _ => year + 1900,
    })
}

fn small(text: &str) -> Result<u32, Fault> {
    let is_number = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or(Fault::Syntax)
}

/// Seconds with a fraction, as microseconds.
fn seconds(text: &str) -> Result<i64, Fault> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Syntax);
    }
    let fraction: f64 = format!("0.{fraction}0").parse().map_err(|_| Fault::Syntax)?;
    Ok(i64::from(small(whole)?) * 1_000_000 + (fraction * 1e6).round_ties_even() as i64)
}
