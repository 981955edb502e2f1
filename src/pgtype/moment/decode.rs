//! Gives the fields of a date or time their meaning. What a number means depends on what came before it, as in
//! PostgreSQL.

use chrono::Utc;

use super::finish::is_time_of_day;
use super::lexer::{self, Field, Kind};
use super::number::{self, Clock};
use super::words::{self, Unit, Word};
use super::{Fault, Reading};
use crate::pgtype::calendar::{self, DAY_US};
use crate::pgtype::style::{DateOrder, Style};
use crate::pgtype::zone::Zone;

/// What has been read, as a set of bits.
pub(super) mod seen {
    pub(crate) const RESERVED: u32 = 1;
    pub(crate) const MONTH: u32 = 1 << 1;
    pub(crate) const YEAR: u32 = 1 << 2;
    pub(crate) const DAY: u32 = 1 << 3;
    pub(crate) const ZONE: u32 = 1 << 5;
    pub(crate) const HALF: u32 = 1 << 9;
    pub(crate) const HOUR: u32 = 1 << 10;
    pub(crate) const MINUTE: u32 = 1 << 11;
    pub(crate) const SECOND: u32 = 1 << 12;
    pub(crate) const FRACTION: u32 = 1 << 13;
    pub(crate) const DAY_OF_YEAR: u32 = 1 << 15;
    pub(crate) const WEEKDAY: u32 = 1 << 16;
    pub(crate) const ERA: u32 = 1 << 18;
    pub(crate) const SUMMER: u32 = 1 << 28;
    pub(crate) const DATE: u32 = YEAR | MONTH | DAY;
    pub(crate) const TIME: u32 = HOUR | MINUTE | SECOND | FRACTION;
}

/// What a label says of the field behind it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Label {
    /// A time, behind `t`.
    Time,
    Unit(Unit),
}

pub(super) struct Decoder<'a> {
    pub(super) style: &'a Style,
    /// Only a time of day is wanted; a date is taken in few places.
    pub(super) is_time: bool,
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) day_of_year: i64,
    pub(super) clock: Clock,
    pub(super) east: i32,
    pub(super) zone: Option<Zone>,
    pub(super) is_abbreviated: bool,
    pub(super) is_bc: bool,
    pub(super) is_julian: bool,
    pub(super) has_short_year: bool,
    pub(super) has_month_name: bool,
    pub(super) half: Option<bool>,
    label: Option<Label>,
    pub(super) outcome: Option<Reading>,
    pub(super) seen: u32,
}

/// Reads a date or time; the text must be in lower case.
pub(super) fn read(text: &str, style: &Style, is_time: bool) -> Result<Reading, Fault> {
    let fields = lexer::fields(text)?;
    let mut decoder = Decoder {
        style,
        is_time,
        year: 0,
        month: 0,
        day: 0,
        day_of_year: 0,
        clock: Clock::default(),
        east: 0,
        zone: None,
        is_abbreviated: false,
        is_bc: false,
        is_julian: false,
        has_short_year: false,
        has_month_name: false,
        half: None,
        label: None,
        outcome: None,
        seen: 0,
    };
    for (index, field) in fields.iter().enumerate() {
        let found = match field.kind {
            Kind::Date if is_time => decoder.date_of_time(field, index, &fields)?,
            Kind::Date => decoder.date(&field.text)?,
            Kind::Time => decoder.time(&field.text)?,
            Kind::Signed => {
                decoder.east = number::offset(&field.text)?;
                seen::ZONE
            }
            Kind::Number => decoder.number(field, index, &fields)?,
            Kind::Word | Kind::Special => decoder.word(&field.text, fields.get(index + 1))?,
        };
        if found & decoder.seen != 0 {
            return Err(Fault::Syntax);
        }
        decoder.seen |= found;
    }
    decoder.finish()
}

impl Decoder<'_> {
    pub(super) fn has(&self, bits: u32) -> bool {
        self.seen & bits == bits
    }

    pub(super) fn order(&self) -> DateOrder {
        self.style.date_order
    }

    pub(super) fn set_day(&mut self, days: i64) {
        let (year, month, day) = calendar::civil(days);
        (self.year, self.month, self.day) = (year, i64::from(month), i64::from(day));
    }

    /// Sets the date by its number since 4714-11-24 BC.
    fn set_julian(&mut self, number: i32) {
        self.set_day(i64::from(number) + super::MIN_DATE);
        self.is_julian = true;
    }

    /// The time behind a `t` is the only thing that may have that label.
    fn take_time_label(&mut self) -> Result<(), Fault> {
        match self.label.take() {
            None | Some(Label::Time) => Ok(()),
            Some(Label::Unit(_)) => Err(Fault::Syntax),
        }
    }

    fn date(&mut self, text: &str) -> Result<u32, Fault> {
        if self.label == Some(Label::Unit(Unit::Julian)) {
            let (day, rest) = number::lead(text)?;
            self.label = None;
            self.set_julian(day);
            self.east = number::offset(rest)?;
            return Ok(seen::DATE | seen::TIME | seen::ZONE);
        }
        if self.label.is_none() && !self.has(seen::MONTH | seen::DAY) {
            return self.date_parts(text);
        }
        if text.starts_with(|letter: char| letter.is_ascii_digit()) || self.label.is_some() {
            self.take_time_label()?;
            return self.time_and_offset(text, self.seen);
        }
        self.named_zone(text)
    }

    fn date_of_time(&mut self, field: &Field<'_>, index: usize, fields: &[Field<'_>]) -> Result<u32, Fault> {
        let text = &field.text;
        let is_first_of_more = index == 0 && fields.len() >= 2;
        if is_first_of_more && (fields[fields.len() - 1].kind == Kind::Date || fields[1].kind == Kind::Time) {
            return self.date_parts(text);
        }
        if text.starts_with(|letter: char| letter.is_ascii_digit()) {
            return self.time_and_offset(text, self.seen | seen::DATE);
        }
        self.named_zone(text)
    }

    /// `0900-05`
    fn time_and_offset(&mut self, text: &str, seen: u32) -> Result<u32, Fault> {
        if self.has(seen::TIME) {
            return Err(Fault::Syntax);
        }
        let (time, offset) = text.split_at(text.find('-').ok_or(Fault::Syntax)?);
        self.east = number::offset(offset)?;
        Ok(self.run_together(time, seen)? | seen::ZONE)
    }

    fn named_zone(&mut self, text: &str) -> Result<u32, Fault> {
        self.zone = Some(Zone::named_or_posix(text).ok_or_else(|| Fault::Zone(text.to_owned()))?);
        Ok(seen::ZONE)
    }

    fn time(&mut self, text: &str) -> Result<u32, Fault> {
        self.take_time_label()?;
        self.clock = number::clock(text, false)?;
        if i32::try_from(self.clock.hour).is_err() {
            return Err(Fault::Range);
        }
        if !self.is_time && !is_time_of_day(self.clock) {
            return Err(Fault::Range);
        }
        Ok(seen::TIME)
    }

    fn number(&mut self, field: &Field<'_>, index: usize, fields: &[Field<'_>]) -> Result<u32, Fault> {
        let text: &str = &field.text;
        if let Some(label) = self.label {
            return self.labelled(text, label);
        }
        let point = text.find('.');
        if self.is_time {
            let is_date = index == 0 && fields.len() >= 2 && fields[fields.len() - 1].kind == Kind::Date;
            return match point {
                Some(_) if is_date => self.date_parts(text),
                Some(digits) if digits > 2 => self.run_together(text, self.seen | seen::DATE),
                Some(_) => Err(Fault::Syntax),
                None if text.len() > 4 => self.run_together(text, self.seen | seen::DATE),
                None => self.single(text, false, self.seen | seen::DATE),
            };
        }
        match point {
            Some(_) if self.seen & seen::DATE == 0 => self.date_parts(text),
            Some(digits) if digits > 2 => self.run_together(text, self.seen),
            // Six digits and more are a year only if there is a date or a time already.
            None if text.len() >= 6 && !(self.has(seen::DATE) && self.has(seen::TIME)) => {
                self.run_together(text, self.seen)
            }
            _ => self.single(text, self.has_month_name, self.seen),
        }
    }

    /// A number behind `y`, `j`, `t` and so on.
    fn labelled(&mut self, text: &str, label: Label) -> Result<u32, Fault> {
        let (value, rest) = number::lead(text)?;
        let may_have_fraction = matches!(label, Label::Time | Label::Unit(Unit::Julian | Unit::Second));
        if !(rest.is_empty() || rest.starts_with('.') && may_have_fraction) {
            return Err(Fault::Syntax);
        }
        self.label = None;
        let wide = i64::from(value);
        let (place, found) = match label {
            Label::Time => {
                let found = self.run_together(text, self.seen | seen::DATE)?;
                return if found == seen::TIME { Ok(found) } else { Err(Fault::Syntax) };
            }
            Label::Unit(Unit::Julian) => {
                self.set_julian(value);
                if rest.is_empty() {
                    return Ok(seen::DATE);
                }
                // Less than a day.
                let micros = (number::fraction(rest)? * DAY_US as f64) as i64;
                self.set_clock(micros);
                return Ok(seen::DATE | seen::TIME);
            }
            Label::Unit(Unit::Second) => {
                self.clock.second = wide;
                if rest.is_empty() {
                    return Ok(seen::SECOND);
                }
                self.clock.micros = number::fraction_micros(rest)?;
                return Ok(seen::SECOND | seen::FRACTION);
            }
            Label::Unit(Unit::Year) => (&mut self.year, seen::YEAR),
            // A second `m` behind the hour is the minute.
            Label::Unit(Unit::Month) if self.seen & seen::MONTH != 0 && self.seen & seen::HOUR != 0 => {
                (&mut self.clock.minute, seen::MINUTE)
            }
            Label::Unit(Unit::Month) => (&mut self.month, seen::MONTH),
            Label::Unit(Unit::Day) => (&mut self.day, seen::DAY),
            Label::Unit(Unit::Hour) => (&mut self.clock.hour, seen::HOUR),
            Label::Unit(Unit::Minute) => (&mut self.clock.minute, seen::MINUTE),
            Label::Unit(_) => return Err(Fault::Syntax),
        };
        *place = wide;
        Ok(found)
    }

    fn set_clock(&mut self, micros: i64) {
        self.clock = Clock {
            hour: micros / 3_600_000_000,
            minute: micros / 60_000_000 % 60,
            second: micros / 1_000_000 % 60,
            micros: micros % 1_000_000,
        };
    }

    fn word(&mut self, text: &str, next: Option<&Field<'_>>) -> Result<u32, Fault> {
        if let Some(zone) = Zone::abbreviation(text) {
            match zone.constant() {
                Some(east) => self.east = east,
                None => {
                    self.zone = Some(zone);
                    self.is_abbreviated = true;
                }
            }
            return Ok(seen::ZONE);
        }
        let Some(word) = words::special(text) else {
            self.zone = Some(Zone::named_or_posix(text).ok_or(Fault::Syntax)?);
            return Ok(seen::ZONE);
        };
        let has_reserved_date = |is_time: bool| if is_time { Err(Fault::Syntax) } else { Ok(()) };
        Ok(match word {
            Word::Ignored => 0,
            Word::Now => {
                self.now();
                if self.is_time { seen::TIME } else { seen::DATE | seen::TIME | seen::ZONE }
            }
            Word::Midnight => {
                self.clock = Clock::default();
                self.east = 0;
                seen::TIME | seen::ZONE
            }
            Word::Era { is_bc } => {
                self.is_bc = is_bc;
                seen::ERA
            }
            Word::Half { is_pm } => {
                self.half = Some(is_pm);
                seen::HALF
            }
            Word::Label(unit) => {
                self.label = Some(Label::Unit(unit));
                0
            }
            Word::Time => {
                let is_followed = next.is_some_and(|next| matches!(next.kind, Kind::Number | Kind::Time | Kind::Date));
                if !is_followed || !self.is_time && !self.has(seen::DATE) {
                    return Err(Fault::Syntax);
                }
                self.label = Some(Label::Time);
                0
            }
            Word::Summer => {
                self.east += 3_600;
                seen::SUMMER
            }
            Word::Early | Word::Late | Word::Epoch => {
                has_reserved_date(self.is_time)?;
                self.outcome = Some(match word {
                    Word::Early => Reading::NegInfinity,
                    Word::Late => Reading::Infinity,
                    _ => Reading::Epoch,
                });
                seen::RESERVED
            }
            Word::Today(days) => {
                has_reserved_date(self.is_time)?;
                let clock = self.clock;
                self.now();
                self.clock = clock;
                self.set_day(calendar::days(self.year, self.month as u32, self.day as u32) + days);
                seen::DATE
            }
            Word::Month(month) => {
                has_reserved_date(self.is_time)?;
                let is_number_a_day = self.has(seen::MONTH) && !self.has_month_name && !self.has(seen::DAY);
                let was = self.month;
                self.has_month_name = true;
                self.month = i64::from(month);
                if !is_number_a_day || !(1..=31).contains(&was) {
                    return Ok(seen::MONTH);
                }
                self.day = was;
                seen::DAY
            }
            Word::Weekday => {
                has_reserved_date(self.is_time)?;
                seen::WEEKDAY
            }
        })
    }

    /// Takes the date and time of the session's zone.
    fn now(&mut self) {
        let now = Utc::now().timestamp_micros();
        self.east = self.style.timezone.offset_at(now.div_euclid(1_000_000));
        let local = now + i64::from(self.east) * 1_000_000;
        self.set_day(local.div_euclid(DAY_US));
        self.set_clock(local.rem_euclid(DAY_US));
    }
}
