//! Reads intervals: `1 day 02:03:04.5`, `2 hours ago`, `1-2 3 4:05:06`, `P1DT2H`, and the binary form.

mod iso;

use crate::error::{Error, Kind, Result};
use crate::pgtype::calendar::DAY_US;
use crate::pgtype::interval::Interval;
use crate::pgtype::moment::Fault;
use crate::pgtype::moment::lexer::{self, Field, Kind as FieldKind};
use crate::pgtype::moment::number;
use crate::pgtype::moment::words::{self, IntervalWord, Unit};
use crate::pgtype::style::IntervalStyle;

/// Bits of the mask of `interval day to second` and the like, as `pg_attribute.atttypmod` has them.
pub mod mask {
    /// `month`
    pub const MONTH: u16 = 1 << 1;
    /// `year`
    pub const YEAR: u16 = 1 << 2;
    /// `day`
    pub const DAY: u16 = 1 << 3;
    /// `hour`
    pub const HOUR: u16 = 1 << 10;
    /// `minute`
    pub const MINUTE: u16 = 1 << 11;
    /// `second`
    pub const SECOND: u16 = 1 << 12;
    /// All fields.
    pub const FULL: u16 = 0x7FFF;
}

/// Reads an interval's text.
pub fn parse(text: &str) -> Result<Interval> {
    parse_fields(text, mask::FULL, IntervalStyle::Postgres)
}

/// Reads an interval of certain fields, of which the last is the unit of a bare number (`interval '1' day`). The style
/// matters if it is `sql_standard`: then a sign at the beginning counts for all fields. The value is not restricted to
/// the fields yet.
pub fn parse_fields(text: &str, fields: u16, style: IntervalStyle) -> Result<Interval> {
    let mut parts = read(&text.to_ascii_lowercase(), fields, style);
    // What is no interval may still be one of ISO 8601, whose letters must be capitals.
    if let (Err(Fault::Syntax), Some(iso)) = (&parts, text.strip_prefix('P')) {
        parts = iso::read(iso);
    }
    let parts = parts.map_err(|fault| match fault {
        Fault::Range => {
            Error::new(Kind::IntervalFieldOverflow, format!("interval field value out of range: \"{text}\""))
        }
        fault => fault.error("interval", text),
    })?;
    let months = i64::from(parts.years) * 12 + i64::from(parts.months);
    let months = i32::try_from(months).map_err(|_| Error::new(Kind::DatetimeOverflow, "interval out of range"))?;
    Ok(Interval { months, days: parts.days, micros: parts.micros })
}

#[derive(Default)]
struct Parts {
    years: i32,
    months: i32,
    days: i32,
    micros: i64,
}

fn add(place: &mut i32, value: i64, factor: i32) -> Result<(), Fault> {
    let sum = i32::try_from(value).ok().and_then(|value| value.checked_mul(factor)).and_then(|v| place.checked_add(v));
    *place = sum.ok_or(Fault::Range)?;
    Ok(())
}

// A fraction of a unit goes down into the next ones, a month being 30 days and a day 24 hours; a fraction of a year is
// rounded to months.
impl Parts {
    fn add(&mut self, whole: i64, fraction: f64, unit: Unit) -> Result<(), Fault> {
        match unit {
            Unit::Microsecond => self.add_micros(whole, fraction, 1),
            Unit::Millisecond => self.add_micros(whole, fraction, 1_000),
            Unit::Second => self.add_micros(whole, fraction, 1_000_000),
            Unit::Minute => self.add_micros(whole, fraction, 60_000_000),
            Unit::Hour => self.add_micros(whole, fraction, 3_600_000_000),
            Unit::Day => {
                add(&mut self.days, whole, 1)?;
                self.add_fraction(fraction, DAY_US)
            }
            Unit::Week => {
                add(&mut self.days, whole, 7)?;
                self.add_days(fraction * 7.0)
            }
            Unit::Month => {
                add(&mut self.months, whole, 1)?;
                self.add_days(fraction * 30.0)
            }
            Unit::Year => self.add_years(whole, fraction, 1),
            Unit::Decade => self.add_years(whole, fraction, 10),
            Unit::Century => self.add_years(whole, fraction, 100),
            Unit::Millennium => self.add_years(whole, fraction, 1_000),
            _ => Err(Fault::Syntax),
        }
    }

    fn add_years(&mut self, whole: i64, fraction: f64, factor: i32) -> Result<(), Fault> {
        add(&mut self.years, whole, factor)?;
        // At most 12000.
        add(&mut self.months, (fraction * f64::from(factor) * 12.0).round_ties_even() as i64, 1)
    }

    fn add_days(&mut self, days: f64) -> Result<(), Fault> {
        add(&mut self.days, days.trunc() as i64, 1)?;
        self.add_fraction(days.fract(), DAY_US)
    }

    fn add_micros(&mut self, whole: i64, fraction: f64, factor: i64) -> Result<(), Fault> {
        let sum = whole.checked_mul(factor).and_then(|micros| self.micros.checked_add(micros));
        self.micros = sum.ok_or(Fault::Range)?;
        self.add_fraction(fraction, factor)
    }

    fn add_fraction(&mut self, fraction: f64, factor: i64) -> Result<(), Fault> {
        // A factor of a day is exact.
        let micros = fraction * factor as f64;
        let rest = micros.fract();
        let round = i64::from(rest > 0.5) - i64::from(rest < -0.5);
        self.micros = self.micros.checked_add(micros.trunc() as i64 + round).ok_or(Fault::Range)?;
        Ok(())
    }

    fn negated(self) -> Result<Parts, Fault> {
        let negate = |value: i32| value.checked_neg().ok_or(Fault::Range);
        Ok(Parts {
            years: negate(self.years)?,
            months: negate(self.months)?,
            days: negate(self.days)?,
            micros: self.micros.checked_neg().ok_or(Fault::Range)?,
        })
    }
}

/// What has been read, as a set of bits. A time has all of its units.
fn bits(unit: Unit, has_fraction: bool) -> u32 {
    match unit {
        Unit::Second if has_fraction => {
            bits(Unit::Second, false) | bits(Unit::Millisecond, false) | bits(Unit::Microsecond, false)
        }
        unit => 1 << unit as u32,
    }
}

fn time_bits() -> u32 {
    bits(Unit::Hour, false) | bits(Unit::Minute, false) | bits(Unit::Second, true)
}

/// The unit of a number behind which none stands.
fn last_unit(fields: u16) -> Unit {
    match fields {
        mask::YEAR => Unit::Year,
        _ if fields & !(mask::YEAR | mask::MONTH) == 0 => Unit::Month,
        mask::DAY => Unit::Day,
        _ if fields & !(mask::DAY | mask::HOUR) == 0 => Unit::Hour,
        _ if fields & !(mask::DAY | mask::HOUR | mask::MINUTE) == 0 => Unit::Minute,
        _ => Unit::Second,
    }
}

fn read(text: &str, fields: u16, style: IntervalStyle) -> Result<Parts, Fault> {
    let list = lexer::fields(text)?;
    let has_sign = |field: &Field<'_>| field.text.starts_with(['+', '-']);
    let is_all_negative = style == IntervalStyle::SqlStandard
        && list.first().is_some_and(|first| first.text.starts_with('-'))
        && !list[1..].iter().any(has_sign);
    let mut parts = Parts::default();
    let mut unit = None;
    let mut is_ago = false;
    let mut seen = 0;
    // From the end, because units stand behind their numbers.
    for field in list.iter().rev() {
        let found = match field.kind {
            FieldKind::Time => {
                parts.micros = clock(&field.text, fields)?;
                if is_all_negative {
                    parts.micros = -parts.micros;
                }
                unit = Some(Unit::Day);
                time_bits()
            }
            FieldKind::Word | FieldKind::Special => {
                match words::interval(&field.text) {
                    Some(IntervalWord::Unit(found)) => unit = Some(found),
                    Some(IntervalWord::Ago) => {
                        is_ago = true;
                        // A number right before it has no unit.
                        unit = Some(Unit::Timezone);
                    }
                    None => return Err(Fault::Syntax),
                }
                continue;
            }
            FieldKind::Signed if field.text.contains(':') && clock(&field.text[1..], fields).is_ok() => {
                let micros = clock(&field.text[1..], fields)?;
                parts.micros = if field.text.starts_with('-') { -micros } else { micros };
                unit = Some(Unit::Day);
                time_bits()
            }
            FieldKind::Signed | FieldKind::Date | FieldKind::Number => {
                let wanted = unit.unwrap_or_else(|| last_unit(fields));
                let (whole, fraction, of) = amount(&field.text, wanted)?;
                let (whole, fraction) =
                    if is_all_negative && whole >= 0 { (-whole, -fraction.abs()) } else { (whole, fraction) };
                parts.add(whole, fraction, of)?;
                // A number before hours counts days.
                unit = Some(if of == Unit::Hour { Unit::Day } else { of });
                bits(of, fraction != 0.0)
            }
        };
        if seen & found != 0 {
            return Err(Fault::Syntax);
        }
        seen |= found;
    }
    match seen {
        0 => Err(Fault::Syntax),
        _ if is_ago => parts.negated(),
        _ => Ok(parts),
    }
}

/// A number, or the years and months of `1-2`.
fn amount(text: &str, unit: Unit) -> Result<(i64, f64, Unit), Fault> {
    let is_negative = text.starts_with('-');
    let (whole, rest) = number::lead_wide(text)?;
    if let Some(months) = rest.strip_prefix('-') {
        let (months, rest) = number::lead(months)?;
        if !(0..12).contains(&months) {
            return Err(Fault::Range);
        }
        if !rest.is_empty() {
            return Err(Fault::Syntax);
        }
        let months = i64::from(if is_negative { -months } else { months });
        let sum = whole.checked_mul(12).and_then(|sum| sum.checked_add(months));
        return Ok((sum.ok_or(Fault::Range)?, 0.0, Unit::Month));
    }
    let fraction = if rest.is_empty() { 0.0 } else { number::fraction(rest.trim_start_matches(['+', '-']))? };
    Ok((whole, if is_negative { -fraction } else { fraction }, unit))
}

/// A time, in microseconds.
fn clock(text: &str, fields: u16) -> Result<i64, Fault> {
    let clock = number::clock(text, fields == mask::MINUTE | mask::SECOND)?;
    let rest = clock.minute * 60_000_000 + clock.second * 1_000_000 + clock.micros;
    clock.hour.checked_mul(3_600_000_000).and_then(|micros| micros.checked_add(rest)).ok_or(Fault::Range)
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
