//! Numbers inside the text of a date, time or interval.

use super::Fault;

/// The digits at the beginning, as C's `strtol` reads them: none give 0.
pub fn lead(text: &str) -> Result<(i32, &str), Fault> {
    let (value, rest) = lead_wide(text)?;
    i32::try_from(value).map(|value| (value, rest)).map_err(|_| Fault::Range)
}

/// The same of 64 bits, perhaps with a sign.
pub fn lead_wide(text: &str) -> Result<(i64, &str), Fault> {
    let sign = usize::from(text.starts_with(['+', '-']));
    let digits = text[sign..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Ok((0, text));
    }
    let (number, rest) = text.split_at(sign + digits);
    number.parse().map(|value| (value, rest)).map_err(|_| Fault::Range)
}

/// The fraction that begins with a point.
pub fn fraction(text: &str) -> Result<f64, Fault> {
    let digits = text.strip_prefix('.').ok_or(Fault::Syntax)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Syntax);
    }
    format!("0.{digits}0").parse().map_err(|_| Fault::Syntax)
}

/// The fraction of a second that begins with a point, in microseconds.
pub fn fraction_micros(text: &str) -> Result<i64, Fault> {
    // At most a million.
    Ok((fraction(text)? * 1e6).round_ties_even() as i64)
}

/// A time of day, or the time of an interval.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    /// Hours, of any number.
    pub hour: i64,
    /// Minutes, up to 59.
    pub minute: i64,
    /// Seconds, up to 60.
    pub second: i64,
    /// Microseconds, up to a million.
    pub micros: i64,
}

/// Reads `2:03`, `2:03:04.5` and, as minutes and seconds, `03:04.5`; the last is also what `2:03` means if
/// `is_minute_first`.
pub fn clock(text: &str, is_minute_first: bool) -> Result<Clock, Fault> {
    let (hour, rest) = lead_wide(text)?;
    let (minute, rest) = lead(rest.strip_prefix(':').ok_or(Fault::Syntax)?)?;
    let mut clock = Clock { hour, minute: i64::from(minute), ..Clock::default() };
    let mut is_short = false;
    if rest.is_empty() {
        is_short = is_minute_first;
    } else if rest.starts_with('.') {
        is_short = true;
        clock.micros = fraction_micros(rest)?;
    } else {
        let (second, rest) = lead(rest.strip_prefix(':').ok_or(Fault::Syntax)?)?;
        clock.second = i64::from(second);
        if rest.starts_with('.') {
            clock.micros = fraction_micros(rest)?;
        } else if !rest.is_empty() {
            return Err(Fault::Syntax);
        }
    }
    if is_short {
        i32::try_from(hour).map_err(|_| Fault::Range)?;
        clock = Clock { hour: 0, minute: hour, second: clock.minute, micros: clock.micros };
    }
    let is_valid = clock.hour >= 0 && (0..=59).contains(&clock.minute) && (0..=60).contains(&clock.second);
    if is_valid { Ok(clock) } else { Err(Fault::Range) }
}

/// Reads `+02`, `-0530`, `+05:30:15` as seconds east.
pub fn offset(text: &str) -> Result<i32, Fault> {
    let sign = match text.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(Fault::Syntax),
    };
    let far = |_| Fault::Displacement;
    let (mut hour, mut rest) = lead(&text[1..]).map_err(far)?;
    let (mut minute, mut second) = (0, 0);
    if let Some(after) = rest.strip_prefix(':') {
        (minute, rest) = lead(after).map_err(far)?;
        if let Some(after) = rest.strip_prefix(':') {
            (second, rest) = lead(after).map_err(far)?;
        }
    } else if rest.is_empty() && text.len() > 3 {
        (hour, minute) = (hour / 100, hour % 100);
    }
    if !(0..=15).contains(&hour) || !(0..60).contains(&minute) || !(0..60).contains(&second) {
        return Err(Fault::Displacement);
    }
    if rest.is_empty() { Ok(sign * (hour * 3_600 + minute * 60 + second)) } else { Err(Fault::Syntax) }
}
