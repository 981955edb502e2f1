//! `interval` as text, in each `IntervalStyle`. Reading it is in [`super::interval_parse`].

use std::io::Write;

use bytes::BufMut;

use crate::pgtype::calendar::DAY_US;
use crate::pgtype::style::IntervalStyle;

/// An interval. The three parts do not turn into each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// The time of day part.
    pub micros: i64,
}

/// The parts as they are shown. All of one part have the same sign.
struct Fields {
    years: i32,
    months: i32,
    days: i32,
    hours: i64,
    minutes: i64,
    seconds: i64,
    micros: i64,
}

impl Interval {
    /// An interval of whole days and what is left, as the difference of two timestamps is given.
    pub fn justified(micros: i64) -> Interval {
        Interval { months: 0, days: (micros / DAY_US) as i32, micros: micros % DAY_US }
    }

    /// Appends the text in a style.
    pub fn put(self, style: IntervalStyle, out: &mut Vec<u8>) {
        let fields = self.fields();
        match style {
            IntervalStyle::Postgres => fields.postgres(out),
            IntervalStyle::PostgresVerbose => fields.verbose(out),
            IntervalStyle::SqlStandard => fields.sql_standard(out),
            IntervalStyle::Iso8601 => fields.iso_8601(out),
        }
    }

    fn fields(self) -> Fields {
        Fields {
            years: self.months / 12,
            months: self.months % 12,
            days: self.days,
            hours: self.micros / 3_600_000_000,
            minutes: self.micros / 60_000_000 % 60,
            seconds: self.micros / 1_000_000 % 60,
            micros: self.micros % 1_000_000,
        }
    }
}

// The names are those of EncodeInterval in PostgreSQL's datetime.c, which this follows step by step.
impl Fields {
    fn has_time(&self) -> bool {
        self.hours != 0 || self.minutes != 0 || self.seconds != 0 || self.micros != 0
    }

    fn is_time_negative(&self) -> bool {
        self.hours < 0 || self.minutes < 0 || self.seconds < 0 || self.micros < 0
    }

    /// `05` or `5`, and the fraction without trailing zeros; never a sign.
    fn put_seconds(&self, is_padded: bool, out: &mut Vec<u8>) {
        let seconds = self.seconds.abs();
        if is_padded && seconds < 10 {
            out.put_u8(b'0');
        }
        out.put_slice(itoa::Buffer::new().format(seconds).as_bytes());
        if self.micros != 0 {
            let fraction = format!("{:06}", self.micros.abs());
            out.put_u8(b'.');
            out.put_slice(fraction.trim_end_matches('0').as_bytes());
        }
    }

    fn put_clock(&self, out: &mut Vec<u8>) {
        put(out, format_args!(":{:02}:", self.minutes.abs()));
        self.put_seconds(true, out);
    }

    fn postgres(&self, out: &mut Vec<u8>) {
        let mut is_first = true;
        let mut was_negative = false;
        for (value, unit) in [(self.years, "year"), (self.months, "mon"), (self.days, "day")] {
            if value == 0 {
                continue;
            }
            let space = if is_first { "" } else { " " };
            let sign = if was_negative && value > 0 { "+" } else { "" };
            put(out, format_args!("{space}{sign}{value} {unit}{}", if value == 1 { "" } else { "s" }));
            is_first = false;
            was_negative = value < 0;
        }
        if is_first || self.has_time() {
            let space = if is_first { "" } else { " " };
            let sign = match (self.is_time_negative(), was_negative) {
                (true, _) => "-",
                (false, true) => "+",
                (false, false) => "",
            };
            put(out, format_args!("{space}{sign}{:02}", self.hours.abs()));
            self.put_clock(out);
        }
    }

    fn iso_8601(&self, out: &mut Vec<u8>) {
        if self.years == 0 && self.months == 0 && self.days == 0 && !self.has_time() {
            return out.put_slice(b"PT0S");
        }
        out.put_u8(b'P');
        let part = |value: i64, unit: char, out: &mut Vec<u8>| {
            if value != 0 {
                put(out, format_args!("{value}{unit}"));
            }
        };
        part(i64::from(self.years), 'Y', out);
        part(i64::from(self.months), 'M', out);
        part(i64::from(self.days), 'D', out);
        if self.has_time() {
            out.put_u8(b'T');
        }
        part(self.hours, 'H', out);
        part(self.minutes, 'M', out);
        if self.seconds != 0 || self.micros != 0 {
            if self.seconds < 0 || self.micros < 0 {
                out.put_u8(b'-');
            }
            self.put_seconds(false, out);
            out.put_u8(b'S');
        }
    }

    fn sql_standard(&self, out: &mut Vec<u8>) {
        let has_months = self.years != 0 || self.months != 0;
        let has_days = self.days != 0;
        let is_months_negative = self.years < 0 || self.months < 0;
        let is_negative = is_months_negative || self.days < 0 || self.is_time_negative();
        let is_positive = self.years > 0
            || self.months > 0
            || self.days > 0
            || self.hours > 0
            || self.minutes > 0
            || self.seconds > 0
            || self.micros > 0;
        let is_standard = !(is_negative && is_positive) && !(has_months && (has_days || self.has_time()));
        let (years, months, days, hours) =
            (self.years.abs(), self.months.abs(), self.days.unsigned_abs(), self.hours.abs());
        if !is_negative && !is_positive {
            return out.put_u8(b'0');
        }
        if !is_standard {
            let sign = |is_negative: bool| if is_negative { '-' } else { '+' };
            let (month_sign, day_sign) = (sign(is_months_negative), sign(self.days < 0));
            let time_sign = sign(self.is_time_negative());
            put(out, format_args!("{month_sign}{years}-{months} {day_sign}{days} {time_sign}{hours}"));
            return self.put_clock(out);
        }
        if is_negative {
            out.put_u8(b'-');
        }
        if has_months {
            return put(out, format_args!("{years}-{months}"));
        }
        if has_days {
            put(out, format_args!("{days} "));
        }
        put(out, format_args!("{hours}"));
        self.put_clock(out);
    }

    fn verbose(&self, out: &mut Vec<u8>) {
        out.put_u8(b'@');
        let mut is_first = true;
        let mut is_ago = false;
        let parts = [
            (i64::from(self.years), "year"),
            (i64::from(self.months), "mon"),
            (i64::from(self.days), "day"),
            (self.hours, "hour"),
            (self.minutes, "min"),
        ];
        for (value, unit) in parts {
            if value == 0 {
                continue;
            }
            if is_first {
                is_ago = value < 0;
            }
            let shown = if is_ago { -value } else { value };
            put(out, format_args!(" {shown} {unit}{}", if shown == 1 { "" } else { "s" }));
            is_first = false;
        }
        if self.seconds != 0 || self.micros != 0 {
            out.put_u8(b' ');
            let is_negative = self.seconds < 0 || self.micros < 0;
            if is_first {
                is_ago = is_negative;
            } else if is_negative != is_ago {
                out.put_u8(b'-');
            }
            self.put_seconds(false, out);
            put(out, format_args!(" sec{}", if self.seconds.abs() == 1 && self.micros == 0 { "" } else { "s" }));
            is_first = false;
        }
        if is_first {
            out.put_slice(b" 0");
        }
        if is_ago {
            out.put_slice(b" ago");
        }
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a vector does not fail.
    let _ = out.write_fmt(text);
}
