//! Puts the parts of a date or time together and checks them.

use super::decode::{Decoder, seen};
use super::number::Clock;
use super::{Fault, Reading};
use crate::pgtype::calendar::{self, DAY_US};
use crate::pgtype::zone::Zone;

impl Decoder<'_> {
    pub(super) fn finish(mut self) -> Result<Reading, Fault> {
        self.check_date()?;
        if let Some(is_pm) = self.half {
            match (self.clock.hour, is_pm) {
                (13.., _) => return Err(Fault::Range),
                (12, false) => self.clock.hour = 0,
                (..12, true) => self.clock.hour += 12,
                _ => {}
            }
        }
        if self.is_time {
            if !is_time_of_day(self.clock) {
                return Err(Fault::Range);
            }
            // Without a date a zone with rules has no offset.
            let needs_date = self.zone.as_ref().is_some_and(Zone::needs_date) && !self.is_abbreviated;
            if !self.has(seen::TIME) || needs_date && !self.has(seen::DATE) {
                return Err(Fault::Syntax);
            }
        } else if let Some(outcome) = self.outcome {
            return Ok(outcome);
        } else if !self.has(seen::DATE) {
            return Err(Fault::Syntax);
        }
        if self.seen & seen::SUMMER != 0 && (self.zone.is_some() || self.seen & seen::ZONE == 0) {
            return Err(Fault::Syntax);
        }
        let day = if self.has(seen::DATE) { calendar::days(self.year, self.month as u32, self.day as u32) } else { 0 };
        let clock = self.clock.hour * 3_600_000_000
            + self.clock.minute * 60_000_000
            + self.clock.second * 1_000_000
            + self.clock.micros;
        let zone = if self.seen & seen::ZONE == 0 { Some(&self.style.timezone) } else { self.zone.as_ref() };
        let east = zone.map_or(self.east, |zone| zone.offset_of_local(day * 86_400 + clock / 1_000_000));
        Ok(Reading::Moment { day, clock, east })
    }

    fn check_date(&mut self) -> Result<(), Fault> {
        if self.seen & seen::YEAR != 0 && !self.is_julian {
            self.year = match self.year {
                year @ 0..70 if self.has_short_year && !self.is_bc => year + 2_000,
                year @ 70..100 if self.has_short_year && !self.is_bc => year + 1_900,
                year if year <= 0 => return Err(Fault::Range),
                year if self.is_bc => 1 - year,
                year => year,
            };
        }
        if self.seen & seen::DAY_OF_YEAR != 0 {
            self.set_day(calendar::days(self.year, 1, 1) + self.day_of_year - 1);
        }
        let is_month_wrong = self.seen & seen::MONTH != 0 && !(1..=12).contains(&self.month);
        if is_month_wrong || self.seen & seen::DAY != 0 && !(1..=31).contains(&self.day) {
            return Err(Fault::MonthDay);
        }
        let is_whole = self.has(seen::DATE);
        if is_whole && self.day > i64::from(calendar::month_length(self.year, self.month as u32)) {
            return Err(Fault::Range);
        }
        Ok(())
    }
}

pub(super) fn is_time_of_day(clock: Clock) -> bool {
    let in_range =
        (0..=24).contains(&clock.hour) && (0..60).contains(&clock.minute) && (0..=60).contains(&clock.second);
    in_range && (clock.hour * 3_600 + clock.minute * 60 + clock.second) * 1_000_000 + clock.micros <= DAY_US
}
