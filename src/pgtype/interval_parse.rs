//! Reads intervals: `1 day 02:03:04.5`, `2 hours ago`, `1-2 3 4:05:06`, `P1DT2H`, and the binary form.

use crate::error::{Error, Kind, Result};
use crate::pgtype::calendar::DAY_US;
use crate::pgtype::interval::Interval;

/// Reads an interval's text.
pub fn parse(text: &str) -> Result<Interval> {
    read(text).map_err(|fault| match fault {
        Fault::Syntax => {
            Error::new(Kind::InvalidDatetime, format!("invalid input syntax for type interval: \"{text}\""))
        }
        Fault::Range => Error::new(Kind::DatetimeOverflow, format!("interval field value out of range: \"{text}\"")),
        Fault::Sum => Error::new(Kind::DatetimeOverflow, "interval out of range"),
    })
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Syntax,
    Range,
    /// Each part is in range, but not their sum.
    Sum,
}

/// The sum so far, wide enough that only the end has to be checked.
#[derive(Default)]
struct Sum {
    months: i128,
    days: i128,
    micros: i128,
}

/// A number in front of a unit: whole part and fraction, both with its sign.
#[derive(Clone, Copy)]
struct Amount {
    whole: i128,
    fraction: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Micros(i128),
    Days(i128),
    Months,
    Years(i128),
}

const SECOND: Unit = Unit::Micros(1_000_000);
const MINUTE: Unit = Unit::Micros(60_000_000);
const HOUR: Unit = Unit::Micros(3_600_000_000);

impl Sum {
    // A fraction of a unit goes down into the next ones, a month being 30 days and a day 24 hours; a fraction of a year
    // is rounded to months. So does PostgreSQL.
    fn add(&mut self, amount: Amount, unit: Unit) {
        let Amount { whole, fraction } = amount;
        match unit {
            Unit::Micros(factor) => {
                self.micros += whole * factor + (fraction * factor as f64).round_ties_even() as i128;
            }
            Unit::Days(factor) => {
                self.days += whole * factor;
                self.add_days(fraction * factor as f64);
            }
            Unit::Months => {
                self.months += whole;
                self.add_days(fraction * 30.0);
            }
            Unit::Years(factor) => {
                self.months += whole * factor * 12 + (fraction * factor as f64 * 12.0).round_ties_even() as i128;
            }
        }
    }

    fn add_days(&mut self, days: f64) {
        self.days += days.trunc() as i128;
        self.micros += (days.fract() * DAY_US as f64).round_ties_even() as i128;
    }

    fn finish(self, is_ago: bool) -> Result<Interval, Fault> {
        let sign = if is_ago { -1 } else { 1 };
        let months = i32::try_from(self.months * sign)
            .map_err(|_| if self.months.abs() / 12 > i128::from(i32::MAX) { Fault::Range } else { Fault::Sum })?;
        let days = i32::try_from(self.days * sign).map_err(|_| Fault::Range)?;
        let micros = i64::try_from(self.micros * sign).map_err(|_| Fault::Range)?;
        Ok(Interval { months, days, micros })
    }
}

fn read(text: &str) -> Result<Interval, Fault> {
    let trimmed = text.trim();
    let lower = trimmed.to_ascii_lowercase();
    if let Some(iso) = lower.strip_prefix('p') {
        return read_iso(iso)?.finish(false);
    }
    let mut scanner = Scanner { rest: lower.strip_prefix('@').unwrap_or(&lower).trim_start() };
    let mut sum = Sum::default();
    let mut seen: Vec<Unit> = Vec::new();
    let mut is_ago = false;
    let mut is_empty = true;
    while !scanner.rest.is_empty() {
        // Wherever it stands, it turns the whole interval around.
        if let Some(rest) = scanner.rest.strip_prefix("ago").filter(|_| !is_empty && !is_ago) {
            (is_ago, scanner.rest) = (true, rest.trim_start());
            continue;
        }
        is_empty = false;
        let unit = scanner.part(&mut sum)?;
        if seen.contains(&unit) {
            return Err(Fault::Syntax);
        }
        seen.push(unit);
        scanner.rest = scanner.rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == ',');
    }
    if is_empty { Err(Fault::Syntax) } else { sum.finish(is_ago) }
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|letter| !belongs(letter)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Reads one amount and adds it; returns its unit, which may come only once.
    fn part(&mut self, sum: &mut Sum) -> Result<Unit, Fault> {
        let sign = match self.rest.as_bytes().first() {
            Some(b'-') => -1,
            Some(b'+') => 1,
            _ => 0,
        };
        self.rest = self.rest[usize::from(sign != 0)..].trim_start();
        let number = self.take(|letter| letter.is_ascii_digit() || letter == '.' || letter == ':');
        let sign = if sign == 0 { 1 } else { sign };
        if number.contains(':') {
            sum.micros += sign * clock(number)?;
            return Ok(HOUR);
        }
        if let Some(months) = self.rest.strip_prefix('-').filter(|_| !number.contains('.')) {
            self.rest = months;
            let months = self.take(|letter| letter.is_ascii_digit());
            let (years, months) = (whole(number)?, whole(months)?);
            (months < 12).then_some(()).ok_or(Fault::Range)?;
            sum.months += sign * (years * 12 + months);
            return Ok(Unit::Years(1));
        }
        let amount = amount(number, sign)?;
        self.rest = self.rest.trim_start();
        let word = self.take(|letter| letter.is_ascii_alphabetic());
        let unit = if !word.is_empty() {
            unit(word).ok_or(Fault::Syntax)?
        } else if self.clock_follows() {
            Unit::Days(1)
        } else if self.rest.is_empty() {
            SECOND
        } else {
            return Err(Fault::Syntax);
        };
        sum.add(amount, unit);
        Ok(unit)
    }

    /// Whether the next part is `2:03`, so that a bare number before it counts days.
    fn clock_follows(&self) -> bool {
        let unsigned = self.rest.trim_start_matches(['+', '-']);
        unsigned.trim_start_matches(|letter: char| letter.is_ascii_digit()).starts_with(':')
    }
}

fn whole(text: &str) -> Result<i128, Fault> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return Err(Fault::Syntax);
    }
    // Wide enough for any sum, narrow enough that no factor overflows it.
    text.parse::<i64>().map(i128::from).map_err(|_| Fault::Range)
}

fn amount(text: &str, sign: i128) -> Result<Amount, Fault> {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    if text.is_empty() || text == "." || fraction.bytes().any(|byte| !byte.is_ascii_digit()) {
        return Err(Fault::Syntax);
    }
    let digits = if digits.is_empty() { "0" } else { digits };
    let fraction: f64 = format!("0.{fraction}0").parse().map_err(|_| Fault::Syntax)?;
    Ok(Amount { whole: sign * whole(digits)?, fraction: if sign < 0 { -fraction } else { fraction } })
}

/// `2:03`, `2:03:04.5`, `03:04.5` (minutes and seconds), in microseconds.
fn clock(text: &str) -> Result<i128, Fault> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [minutes, seconds] if seconds.contains('.') => ("0", *minutes, *seconds),
        [hours, minutes] => (*hours, *minutes, "0"),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds),
        _ => return Err(Fault::Syntax),
    };
    let mut sum = Sum::default();
    let minutes = whole(minutes)?;
    let seconds = amount(seconds, 1)?;
    if minutes > 59 || seconds.whole > 60 {
        return Err(Fault::Range);
    }
    sum.add(seconds, SECOND);
    Ok(whole(hours)? * 3_600_000_000 + minutes * 60_000_000 + sum.micros)
}

fn unit(word: &str) -> Option<Unit> {
    Some(match word {
        "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecond" | "microseconds" => Unit::Micros(1),
        "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecond" | "milliseconds" => Unit::Micros(1_000),
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
        "h" | "hr" | "hrs" | "hour" | "hours" => HOUR,
        "d" | "day" | "days" => Unit::Days(1),
        "w" | "week" | "weeks" => Unit::Days(7),
        "mon" | "mons" | "month" | "months" => Unit::Months,
        "y" | "yr" | "yrs" | "year" | "years" => Unit::Years(1),
        "dec" | "decs" | "decade" | "decades" => Unit::Years(10),
        "c" | "cent" | "century" | "centuries" => Unit::Years(100),
        "mil" | "mils" | "millennia" | "millennium" | "millenniums" => Unit::Years(1_000),
        _ => return None,
    })
}

/// What follows the `P` of ISO 8601: `1y2m3dt4h5m6s`, or `0001-02-03T04:05:06`.
fn read_iso(text: &str) -> Result<Sum, Fault> {
    let mut sum = Sum::default();
    let mut is_time = false;
    let mut scanner = Scanner { rest: text };
    if text.is_empty() {
        return Err(Fault::Syntax);
    }
    while !scanner.rest.is_empty() {
        if let Some(rest) = scanner.rest.strip_prefix('t').filter(|_| !is_time) {
            (is_time, scanner.rest) = (true, rest);
            continue;
        }
        let sign = if scanner.take(|letter| letter == '-' || letter == '+') == "-" { -1 } else { 1 };
        let number = scanner.take(|letter| letter.is_ascii_digit() || ".:".contains(letter));
        if number.contains(':') && is_time {
            sum.micros += sign * clock(number)?;
            continue;
        }
        if scanner.rest.starts_with('-') && !is_time {
            let rest = scanner.take(|letter| letter.is_ascii_digit() || letter == '-');
            let mut split = rest[1..].split('-');
            sum.months += sign * (whole(number)? * 12 + split.next().map_or(Ok(0), whole)?);
            sum.days += sign * split.next().map_or(Ok(0), whole)?;
            continue;
        }
        let unit = match (scanner.take(|letter| letter.is_ascii_alphabetic() && letter != 't'), is_time) {
            // The short form of ISO 8601 leaves out the unit of a lone year.
            ("y" | "", false) => Unit::Years(1),
            ("m", false) => Unit::Months,
            ("w", false) => Unit::Days(7),
            ("d", false) => Unit::Days(1),
            ("h", true) => HOUR,
            ("m", true) => MINUTE,
            ("s", true) => SECOND,
            _ => return Err(Fault::Syntax),
        };
        sum.add(amount(number, sign)?, unit);
    }
    Ok(sum)
}

/// Reads the binary form: microseconds, days, months.
pub fn parse_binary(bytes: &[u8]) -> Result<Interval> {
    let Some((micros, rest)) = bytes.split_first_chunk::<8>() else { return Err(wrong_length()) };
    let (Some((days, _)), Some(months), 8) = (rest.split_first_chunk::<4>(), rest.last_chunk::<4>(), rest.len()) else {
        return Err(wrong_length());
    };
    Ok(Interval {
        months: i32::from_be_bytes(*months),
        days: i32::from_be_bytes(*days),
        micros: i64::from_be_bytes(*micros),
    })
}

fn wrong_length() -> Error {
    Error::new(Kind::InvalidBinary, "incorrect binary data format for type interval")
}
