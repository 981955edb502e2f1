//! Reads a text by a template into the values of its fields.

use crate::error::{Error, Kind, Result};
use crate::function::template::integer::{full_year, scale, whole_number};
use crate::function::template::output::{DAYS, MONTHS, ROMAN};
use crate::function::template::pattern::{self, Calendar, Field, Item, Node, is_separator, is_space};

/// What was read. 0 is also what was not there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    pub(super) calendar: Option<Calendar>,
    pub(super) hour: i32,
    pub(super) is_pm: i32,
    pub(super) is_12_hours: bool,
    pub(super) minute: i32,
    pub(super) second: i32,
    pub(super) second_of_day: i32,
    /// Sunday is 1.
    pub(super) weekday: i32,
    pub(super) day: i32,
    pub(super) day_of_year: i32,
    pub(super) month: i32,
    pub(super) millis: i32,
    pub(super) micros: i32,
    /// Digits to which `FF1` to `FF6` round.
    pub(super) precision: u8,
    pub(super) year: i32,
    /// Digits of the field that gave the year.
    pub(super) year_digits: u8,
    pub(super) is_bc: i32,
    pub(super) century: i32,
    pub(super) week: i32,
    pub(super) week_of_month: i32,
    pub(super) julian_day: i32,
    pub(super) zone_sign: i32,
    pub(super) zone_hours: i32,
    pub(super) zone_minutes: i32,
}

/// Reads a text.
pub(super) fn scan(text: &str, template: &str) -> Result<Parts> {
    let nodes = pattern::parse(template);
    let mut scanner =
        Scanner { text, rest: text, parts: Parts::default(), is_exact: false, is_first: true, skipped: 0 };
    for (index, node) in nodes.iter().enumerate() {
        if scanner.rest.is_empty() {
            break;
        }
        scanner.node(node, nodes.get(index + 1))?;
        scanner.is_first = false;
    }
    Ok(scanner.parts)
}

struct Scanner<'a> {
    text: &'a str,
    rest: &'a str,
    parts: Parts,
    /// Behind `FX`: blanks count.
    is_exact: bool,
    is_first: bool,
    /// Blanks and separators skipped beyond those of the template.
    skipped: i32,
}

impl Scanner<'_> {
    fn node(&mut self, node: &Node<'_>, next: Option<&Node<'_>>) -> Result<()> {
        let field = if let Node::Field(item) = node { Some(item.field) } else { None };
        if !self.is_exact && field != Some(Field::Exact) && (field.is_some() || self.is_first) {
            self.skip_spaces();
        }
        match node {
            Node::Field(item) => {
                self.check_calendar(item.field)?;
                self.field(item, &Ending::of(item, next))?;
                if !self.is_exact {
                    self.skipped = 0;
                    self.skip_spaces();
                }
            }
            Node::Space(_) | Node::Separator(_) if !self.is_exact => {
                self.skipped -= 1;
                if self.rest.starts_with(|letter| is_space(letter) || is_separator(letter)) {
                    self.skip_letter();
                    self.skipped += 1;
                }
            }
            // What was skipped before may have been this one.
            Node::Letter(_) if !self.is_exact && self.skipped > 0 => self.skipped -= 1,
            _ => self.skip_letter(),
        }
        Ok(())
    }

    fn skip_letter(&mut self) {
        let mut letters = self.rest.chars();
        letters.next();
        self.rest = letters.as_str();
    }

    fn skip_spaces(&mut self) {
        while self.rest.starts_with(is_space) {
            self.skip_letter();
            self.skipped += 1;
        }
    }

    fn check_calendar(&mut self, field: Field) -> Result<()> {
        let Some(calendar) = field.calendar() else { return Ok(()) };
        if *self.parts.calendar.get_or_insert(calendar) == calendar {
            return Ok(());
        }
        Err(Error::new(Kind::InvalidDatetime, "invalid combination of date conventions")
            .hint("Do not mix Gregorian and ISO week date conventions in a formatting template."))
    }

    fn field(&mut self, item: &Item<'_>, ending: &Ending) -> Result<()> {
        let own_length = item.name.len();
        match item.field {
            Field::Exact => self.is_exact = true,
            Field::Meridiem { is_dotted, .. } => {
                let names = if is_dotted { ["a.m.", "p.m."] } else { ["am", "pm"] };
                let index = self.word(&names, usize::MAX, item)?;
                set(&mut self.parts.is_pm, index, item)?;
                self.parts.is_12_hours = true;
            }
            Field::Era { is_dotted, .. } => {
                let names = if is_dotted { ["a.d.", "b.c."] } else { ["ad", "bc"] };
                let index = self.word(&names, usize::MAX, item)?;
                set(&mut self.parts.is_bc, index, item)?;
            }
            Field::MonthName(_) | Field::ShortMonthName(_) => {
                let is_short = matches!(item.field, Field::ShortMonthName(_));
                let index = self.word(&MONTHS, if is_short { 3 } else { usize::MAX }, item)?;
                set(&mut self.parts.month, index + 1, item)?;
            }
            Field::RomanMonth(_) => {
                let mut names = ROMAN;
                // From the last one, so that VIII is not read as V.
                names.reverse();
                let index = self.word(&names, usize::MAX, item)?;
                set(&mut self.parts.month, 12 - index, item)?;
            }
            Field::DayName(_) | Field::ShortDayName(_) => {
                let is_short = matches!(item.field, Field::ShortDayName(_));
                let index = self.word(&DAYS, if is_short { 3 } else { usize::MAX }, item)?;
                set(&mut self.parts.weekday, index, item)?;
                self.parts.weekday += 1;
            }
            Field::Hour12 => {
                self.number_into(|parts| &mut parts.hour, 2, item, ending)?;
                self.parts.is_12_hours = true;
            }
            Field::Hour24 => {
                self.number_into(|parts| &mut parts.hour, 2, item, ending)?;
            }
            Field::IsoDayOfYear => {
                self.number_into(|parts| &mut parts.day_of_year, 3, item, ending)?;
            }
            Field::IsoWeekday => {
                self.number_into(|parts| &mut parts.weekday, 1, item, ending)?;
                let weekday = self.parts.weekday.wrapping_add(1);
                self.parts.weekday = if weekday > 7 { 1 } else { weekday };
            }
            Field::Milliseconds => {
                let length = self.number_into(|parts| &mut parts.millis, 3, item, ending)?;
                self.parts.millis = self.parts.millis.wrapping_mul(scale(length, 3));
            }
            Field::Microseconds | Field::Fraction(_) => {
                let mut length = 6;
                if let Field::Fraction(digits) = item.field {
                    self.parts.precision = digits;
                    length = usize::from(digits);
                }
                let length = self.number_into(|parts| &mut parts.micros, length, item, ending)?;
                self.parts.micros = self.parts.micros.wrapping_mul(scale(length, 6));
            }
            Field::Quarter => {
                self.number(own_length, item, ending)?;
            }
            Field::GroupedYear => self.grouped_year(item)?,
            Field::Year(digits) | Field::IsoYear(digits) => {
                let length = self.number_into(|parts| &mut parts.year, own_length, item, ending)?;
                if digits < 4 && length < 4 {
                    self.parts.year = full_year(self.parts.year);
                }
                self.parts.year_digits = digits;
            }
            Field::ZoneName(_) | Field::Offset => {
                let message = format!("formatting field \"{}\" is only supported in to_char", item.name);
                return Err(Error::new(Kind::FeatureNotSupported, message));
            }
            Field::ZoneHours => {
                self.zone_sign();
                self.number_into(|parts| &mut parts.zone_hours, 2, item, ending)?;
            }
            Field::ZoneMinutes => {
                if self.parts.zone_sign == 0 {
                    self.parts.zone_sign = 1;
                }
                self.number_into(|parts| &mut parts.zone_minutes, 2, item, ending)?;
            }
            _ => {
                self.number_into(|parts| plain(parts, item.field), own_length, item, ending)?;
            }
        }
        let is_number = item.field.is_digits() && item.field != Field::ZoneMinutes;
        if is_number && item.ordinal.is_some() {
            self.skip_letter();
            self.skip_letter();
        }
        Ok(())
    }

    /// The sign of `TZH`; a minus may have been skipped as a separator.
    fn zone_sign(&mut self) {
        self.parts.zone_sign = match self.rest.as_bytes().first() {
            Some(sign @ (b'+' | b'-' | b' ')) => {
                self.skip_letter();
                if *sign == b'-' { -1 } else { 1 }
            }
            _ => {
                let read = &self.text[..self.text.len() - self.rest.len()];
                if self.skipped > 0 && read.ends_with('-') { -1 } else { 1 }
            }
        };
    }

    /// Reads one of the names, or of the first `length` letters of them, in any case, and gives its index.
    fn word(&mut self, names: &[&str], length: usize, item: &Item<'_>) -> Result<i32> {
        for (index, name) in (0..).zip(names) {
            let name = &name[..name.len().min(length)];
            if let Some(head) = self.rest.get(..name.len())
                && head.eq_ignore_ascii_case(name)
            {
                self.rest = &self.rest[name.len()..];
                return Ok(index);
            }
        }
        let end = self.rest.find(|letter: char| letter.is_ascii_whitespace()).unwrap_or(self.rest.len());
        let message = format!("invalid value \"{}\" for \"{}\"", &self.rest[..end], item.name);
        Err(Error::new(Kind::InvalidDatetime, message)
            .detail("The given value did not match any of the allowed values for this field."))
    }

    fn number_into(
        &mut self,
        target: impl FnOnce(&mut Parts) -> &mut i32,
        length: usize,
        item: &Item<'_>,
        ending: &Ending,
    ) -> Result<usize> {
        let (value, consumed) = self.number(length, item, ending)?;
        set(target(&mut self.parts), value, item)?;
        Ok(consumed)
    }

    /// Reads a whole number of `length` characters, or of as many as there are if its end can be told otherwise. Gives
    /// also how many characters it took with the blanks before it.
    fn number(&mut self, length: usize, item: &Item<'_>, ending: &Ending) -> Result<(i32, usize)> {
        let start = self.rest;
        let trimmed = start.trim_start_matches(is_space);
        let invalid = |message: String| Error::new(Kind::InvalidDatetime, message);
        let head = || String::from_utf8_lossy(&trimmed.as_bytes()[..trimmed.len().min(length)]).into_owned();
        let value = if *ending == Ending::Open || item.is_fill {
            let (value, digits) = whole_number(trimmed.as_bytes());
            self.rest = if digits == 0 { start } else { &trimmed[digits..] };
            value
        } else {
            let fixed = "If your source string is not fixed-width, try using the \"FM\" modifier.";
            if trimmed.len() < length {
                let message = format!("source string too short for \"{}\" formatting field", item.name);
                let detail = format!("Field requires {length} characters, but only {} remain.", trimmed.len());
                return Err(invalid(message).detail(detail).hint(fixed));
            }
            let (value, digits) = whole_number(&trimmed.as_bytes()[..length]);
            if digits > 0 && digits < length {
                let detail = format!("Field requires {length} characters, but only {digits} could be parsed.");
                let message = format!("invalid value \"{}\" for \"{}\"", head(), item.name);
                return Err(invalid(message).detail(detail).hint(fixed));
            }
            self.rest = &trimmed[digits..];
            value
        };
        if self.rest.len() == start.len() {
            let message = format!("invalid value \"{}\" for \"{}\"", head(), item.name);
            return Err(invalid(message).detail("Value must be an integer."));
        }
        let value = value.and_then(|value| i32::try_from(value).ok()).ok_or_else(|| {
            let message = format!("value for \"{}\" in source string is out of range", item.name);
            Error::new(Kind::DatetimeOverflow, message).detail(format!(
                "Value must be in the range {} to {}.",
                i32::MIN,
                i32::MAX
            ))
        })?;
        Ok((value, start.len() - self.rest.len()))
    }

    /// `12,345`
    fn grouped_year(&mut self, item: &Item<'_>) -> Result<()> {
        let invalid = || Error::new(Kind::InvalidDatetime, "invalid input string for \"Y,YYY\"");
        let trimmed = self.rest.trim_start_matches(is_space);
        let (thousands, digits) = whole_number(trimmed.as_bytes());
        let behind = trimmed[digits..].strip_prefix(',').filter(|_| digits > 0).ok_or_else(invalid)?;
        let behind = behind.trim_start_matches(is_space);
        let (years, digits) = whole_number(&behind.as_bytes()[..behind.len().min(3)]);
        if digits == 0 {
            return Err(invalid());
        }
        // scanf keeps the low bits of a number that is too large.
        let low = |value: Option<i64>| value.unwrap_or(i64::MAX) as i32;
        set(&mut self.parts.year, low(years).wrapping_add(low(thousands).wrapping_mul(1_000)), item)?;
        self.parts.year_digits = 4;
        self.rest = &behind[digits..];
        Ok(())
    }
}

/// Where a number ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// With its last digit: what follows is none.
    Open,
    /// After its length.
    Fixed,
}

impl Ending {
    fn of(item: &Item<'_>, next: Option<&Node<'_>>) -> Ending {
        let is_digit_next = match next {
            _ if item.ordinal.is_some() => false,
            None => false,
            Some(Node::Field(next)) => next.field.is_digits(),
            Some(other) => other.letter().is_some_and(|letter| letter.is_ascii_digit()),
        };
        if is_digit_next { Ending::Fixed } else { Ending::Open }
    }
}

/// Where a number goes that is taken as it is.
fn plain(parts: &mut Parts, field: Field) -> &mut i32 {
    match field {
        Field::Century => &mut parts.century,
        Field::DayOfYear => &mut parts.day_of_year,
        Field::Day => &mut parts.day,
        Field::Weekday => &mut parts.weekday,
        Field::JulianDay => &mut parts.julian_day,
        Field::Minute => &mut parts.minute,
        Field::Month => &mut parts.month,
        Field::SecondsOfDay => &mut parts.second_of_day,
        Field::Second => &mut parts.second,
        Field::WeekOfMonth => &mut parts.week_of_month,
        // WW and IW; all others have been dealt with.
        _ => &mut parts.week,
    }
}

/// Sets a value; one that was read before must be the same.
fn set(target: &mut i32, value: i32, item: &Item<'_>) -> Result<()> {
    if *target != 0 && *target != value {
        let message = format!("conflicting values for \"{}\" field in formatting string", item.name);
        return Err(Error::new(Kind::InvalidDatetime, message)
            .detail("This value contradicts a previous setting for the same field type."));
    }
    *target = value;
    Ok(())
}
