//! Intervals of ISO 8601: `P1Y2M3DT4H5M6S`, `P0001-02-03T04:05:06`, `P00010203T040506`.

use super::Parts;
use crate::pgtype::moment::Fault;
use crate::pgtype::moment::words::Unit;

/// Reads what follows the `P`.
pub(super) fn read(text: &str) -> Result<Parts, Fault> {
    if text.is_empty() {
        return Err(Fault::Syntax);
    }
    let mut parts = Parts::default();
    let mut rest = text;
    let mut is_time = false;
    let mut is_first = true;
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T') {
            (rest, is_time, is_first) = (time, true, true);
            continue;
        }
        let start = rest;
        let (whole, fraction) = number(&mut rest)?;
        let width = start.trim_start_matches('-').bytes().take_while(u8::is_ascii_digit).count();
        let letter = rest.chars().next();
        let unit = match (letter, is_time) {
            (Some('Y'), false) => Unit::Year,
            (Some('M'), false) => Unit::Month,
            (Some('W'), false) => Unit::Week,
            (Some('D'), false) => Unit::Day,
            (Some('H'), true) => Unit::Hour,
            (Some('M'), true) => Unit::Minute,
            (Some('S'), true) => Unit::Second,
            // Eight digits are a date, six a time.
            (None | Some('T'), false) if width == 8 && is_first => {
                parts.add(whole / 10_000, 0.0, Unit::Year)?;
                parts.add(whole / 100 % 100, 0.0, Unit::Month)?;
                parts.add(whole % 100, fraction, Unit::Day)?;
                continue;
            }
            (None, true) if width == 6 && is_first => {
                parts.add(whole / 10_000, 0.0, Unit::Hour)?;
                parts.add(whole / 100 % 100, 0.0, Unit::Minute)?;
                parts.add(whole % 100, fraction, Unit::Second)?;
                return Ok(parts);
            }
            (None | Some('T' | '-'), false) if is_first => {
                parts.add(whole, fraction, Unit::Year)?;
                separated(&mut parts, &mut rest, '-', [Unit::Month, Unit::Day])?;
                continue;
            }
            (None | Some(':'), true) if is_first => {
                parts.add(whole, fraction, Unit::Hour)?;
                separated(&mut parts, &mut rest, ':', [Unit::Minute, Unit::Second])?;
                return if rest.is_empty() { Ok(parts) } else { Err(Fault::Syntax) };
            }
            _ => return Err(Fault::Syntax),
        };
        rest = &rest[1..];
        parts.add(whole, fraction, unit)?;
        is_first = false;
    }
    Ok(parts)
}

/// The second and third part of `0001-02-03` or `04:05:06`; what follows must be the time, or nothing.
fn separated(parts: &mut Parts, rest: &mut &str, separator: char, units: [Unit; 2]) -> Result<(), Fault> {
    for unit in units {
        if rest.is_empty() || rest.starts_with('T') {
            return Ok(());
        }
        *rest = rest.strip_prefix(separator).ok_or(Fault::Syntax)?;
        let (whole, fraction) = number(rest)?;
        parts.add(whole, fraction, unit)?;
    }
    if rest.is_empty() || rest.starts_with('T') { Ok(()) } else { Err(Fault::Syntax) }
}

/// Takes a number from the beginning: its whole part and the rest, both with its sign. An exponent is taken too.
fn number(rest: &mut &str) -> Result<(i64, f64), Fault> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut end = usize::from(rest.starts_with('-'));
    let whole = digits(&rest[end..]);
    end += whole;
    let mut fraction = 0;
    if rest[end..].starts_with('.') {
        fraction = digits(&rest[end + 1..]);
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        return Err(Fault::Syntax);
    }
    if let Some(exponent) = rest[end..].strip_prefix(['e', 'E']) {
        let sign = usize::from(exponent.starts_with(['+', '-']));
        let length = digits(&exponent[sign..]);
        end += if length == 0 { 0 } else { 1 + sign + length };
    }
    let (text, after) = rest.split_at(end);
    let value: f64 = text.parse().map_err(|_| Fault::Syntax)?;
    *rest = after;
    if !(-1e15..=1e15).contains(&value) {
        return Err(Fault::Range);
    }
    Ok((value.trunc() as i64, value.fract()))
}
