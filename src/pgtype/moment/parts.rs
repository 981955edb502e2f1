//! Numbers that are parts of a date, or several parts written together.

use super::Fault;
use super::decode::{Decoder, seen};
use super::number;
use super::words::{self, Word};
use crate::pgtype::style::DateOrder;

impl Decoder<'_> {
    /// A date with separators: `2026-05-15`, `15-may-2026`, `2026.135`.
    pub(super) fn date_parts(&mut self, text: &str) -> Result<u32, Fault> {
        let parts = split(text)?;
        let before = self.seen;
        let mut found = 0;
        let mut add = |bits: u32| {
            let is_new = (before | found) & bits == 0;
            found |= bits;
            if is_new { Ok(before | found) } else { Err(Fault::Syntax) }
        };
        let is_word = |part: &str| part.starts_with(|letter: char| letter.is_ascii_alphabetic());
        let mut has_name = false;
        let mut seen = before;
        // A month's name makes the rest unambiguous, wherever it stands.
        for part in parts.iter().filter(|part| is_word(part)) {
            match words::special(part) {
                Some(Word::Month(month)) => {
                    self.month = i64::from(month);
                    has_name = true;
                    seen = add(seen::MONTH)?;
                }
                Some(Word::Ignored) => {}
                _ => return Err(Fault::Syntax),
            }
        }
        for part in parts.iter().filter(|part| !is_word(part)) {
            seen = add(self.single(part, has_name, seen)?)?;
        }
        let is_whole = seen & !(seen::DAY_OF_YEAR | seen::ZONE) == seen::DATE;
        if is_whole { Ok(found) } else { Err(Fault::Syntax) }
    }

    /// A number whose meaning depends on what has been seen, on `DateStyle` and on its length.
    pub(super) fn single(&mut self, text: &str, has_month_name: bool, seen: u32) -> Result<u32, Fault> {
        let (value, rest) = number::lead(text)?;
        let digits = text.len() - rest.len();
        if digits == 0 {
            return Err(Fault::Syntax);
        }
        if rest.starts_with('.') {
            if digits > 2 {
                return self.run_together(text, seen | seen::DATE);
            }
            self.clock.micros = number::fraction_micros(rest)?;
        } else if !rest.is_empty() {
            return Err(Fault::Syntax);
        }
        let value = i64::from(value);
        let is_year = text.len() >= 3 || self.order() == DateOrder::Ymd;
        if text.len() == 3 && seen & seen::DATE == seen::YEAR && (1..=366).contains(&value) {
            self.day_of_year = value;
            return Ok(seen::DAY_OF_YEAR | seen::MONTH | seen::DAY);
        }
        const YEAR_MONTH: u32 = seen::YEAR | seen::MONTH;
        const MONTH_DAY: u32 = seen::MONTH | seen::DAY;
        let part = match seen & seen::DATE {
            0 if is_year => seen::YEAR,
            0 if self.order() == DateOrder::Dmy => seen::DAY,
            0 => seen::MONTH,
            seen::YEAR | seen::DAY => seen::MONTH,
            seen::MONTH if has_month_name && is_year => seen::YEAR,
            seen::MONTH => seen::DAY,
            YEAR_MONTH if has_month_name && text.len() >= 3 && self.has_short_year => {
                // What was taken for a short year is the day.
                self.day = self.year;
                self.year = value;
                self.has_short_year = false;
                return Ok(seen::DAY);
            }
            YEAR_MONTH => seen::DAY,
            MONTH_DAY => seen::YEAR,
            seen::DATE => return self.run_together(text, seen),
            _ => return Err(Fault::Syntax),
        };
        match part {
            seen::YEAR => {
                self.year = value;
                self.has_short_year = text.len() <= 2;
            }
            seen::MONTH => self.month = value,
            _ => self.day = value,
        }
        Ok(part)
    }

    /// `20260515`, `260515`, `090000`, `0900`, `090000.5`
    pub(super) fn run_together(&mut self, text: &str, seen: u32) -> Result<u32, Fault> {
        let (digits, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::Syntax);
        }
        let value = |text: &str| text.parse().map_err(|_| Fault::Range);
        let length = digits.len();
        if !fraction.is_empty() {
            // A second point ends it.
            let end = fraction[1..].find('.').map_or(fraction.len(), |at| at + 1);
            self.clock.micros = number::fraction_micros(&fraction[..end])?;
        } else if seen & seen::DATE != seen::DATE && length >= 6 {
            self.day = value(&digits[length - 2..])?;
            self.month = value(&digits[length - 4..length - 2])?;
            self.year = number::lead(&digits[..length - 4])?.0.into();
            self.has_short_year |= length == 6;
            return Ok(seen::DATE);
        }
        if seen & seen::TIME == seen::TIME || length != 6 && length != 4 {
            return Err(Fault::Syntax);
        }
        self.clock.hour = value(&digits[..2])?;
        self.clock.minute = value(&digits[2..4])?;
        self.clock.second = if length == 6 { value(&digits[4..])? } else { 0 };
        Ok(seen::TIME)
    }
}

/// Digits and words; one letter between two of them, whichever it is, parts them.
fn split(text: &str) -> Result<Vec<&str>, Fault> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        rest = rest.trim_start_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let is_number = rest.starts_with(|letter: char| letter.is_ascii_digit());
        let belongs = |letter: char| if is_number { letter.is_ascii_digit() } else { letter.is_ascii_alphabetic() };
        let end = rest.find(|letter| !belongs(letter)).unwrap_or(rest.len());
        if end == 0 {
            return Err(Fault::Syntax);
        }
        parts.push(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    Ok(parts)
}
