//! RFC 3339 text to microseconds. Pure.

use chrono::NaiveDate;

const SECOND_US: i64 = 1_000_000;

/// Reads `2026-05-15T09:00:00.123456789+02:00`: a `T` or a space, any digits of a second, `Z` or an offset. A date alone
/// is its midnight in UTC. More than six digits are rounded as PostgreSQL rounds them.
pub(super) fn micros(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let date = date(bytes)?;
    if bytes.len() == 10 {
        return Some(date);
    }
    let two = |at: usize| digits(bytes.get(at..at + 2)?);
    let marks = (bytes.get(10)?, bytes.get(13)?, bytes.get(16)?);
    if !matches!(marks, (b'T' | b't' | b' ', b':', b':')) {
        return None;
    }
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    // A leap second counts as the first of the next minute, as in PostgreSQL.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = &bytes[19..];
    let mut fraction = 0;
    if rest.first() == Some(&b'.') {
        let length = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        fraction = fraction_us(&rest[1..=length])?;
        rest = &rest[1 + length..];
    }
    let local = date + (hour * 3_600 + minute * 60 + second) * SECOND_US + fraction;
    Some(local - offset(rest)? * SECOND_US)
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

fn date(bytes: &[u8]) -> Option<i64> {
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let year = i32::try_from(digits(&bytes[..4])?).ok().filter(|year| *year > 0)?;
    let month = u32::try_from(digits(&bytes[5..7])?).ok()?;
    let day = u32::try_from(digits(bytes.get(8..10)?)?).ok()?;
    let midnight = NaiveDate::from_ymd_opt(year, month, day)?.and_hms_opt(0, 0, 0)?;
    Some(midnight.and_utc().timestamp() * SECOND_US)
}

fn fraction_us(digits_bytes: &[u8]) -> Option<i64> {
    match digits_bytes.len() {
        0 => None,
        length @ 1..=6 => {
            let scale = 10_i64.pow(6 - u32::try_from(length).ok()?);
            Some(digits(digits_bytes)? * scale)
        }
        // PostgreSQL reads the fraction as a double and takes the nearest microsecond, ties to even.
        _ => {
            let text = std::str::from_utf8(digits_bytes).ok()?;
            let fraction: f64 = format!("0.{text}").parse().ok()?;
            Some((fraction * 1e6).round_ties_even() as i64)
        }
    }
}

/// Seconds east of Greenwich: `Z`, `+hh:mm`, `+hhmm` or `+hh`.
fn offset(bytes: &[u8]) -> Option<i64> {
    let (sign, clock) = match bytes {
        [b'Z' | b'z'] => return Some(0),
        [b'+', clock @ ..] => (1, clock),
        [b'-', clock @ ..] => (-1, clock),
        _ => return None,
    };
    let (hour, minute) = match clock {
        [_, _] => (clock, &b"00"[..]),
        [_, _, b':', _, _] => (&clock[..2], &clock[3..]),
        [_, _, _, _] => clock.split_at(2),
        _ => return None,
    };
    let (hour, minute) = (digits(hour)?, digits(minute)?);
    // PostgreSQL's own limit is 15:59.
    (hour < 16 && minute < 60).then_some(sign * (hour * 3_600 + minute * 60))
}

#[cfg(test)]
mod tests {
    use super::micros;

    /// 2026-05-15 09:00:00 UTC.
    const NINE: i64 = 1_778_835_600_000_000;

    #[test]
    fn the_forms_that_upstreams_send() {
        for (text, expected) in [
            ("2026-05-15T09:00:00Z", NINE),
            ("2026-05-15T09:00:00.000Z", NINE),
            ("2026-05-15 09:00:00+00", NINE),
            ("2026-05-15t09:00:00z", NINE),
            ("2026-05-15T09:00:00.123456+00:00", NINE + 123_456),
            ("2026-05-15T11:30:00.1+02:30", NINE + 100_000),
            ("2026-05-15T01:30:00-0730", NINE),
            ("2026-05-15T09:00:00.000001Z", NINE + 1),
            ("2026-05-15T08:59:60Z", NINE),
            ("2026-05-15", NINE - 9 * 3_600_000_000),
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59.999999Z", -1),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ] {
            assert_eq!(micros(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn digits_beyond_microseconds_are_rounded() {
        for (fraction, expected) in [
            ("1234564", 123_456),
            ("1234566", 123_457),
            ("123456499", 123_456),
            ("123456501", 123_457),
            ("0000005", 0),
            ("0000015", 2),
            ("999999999", 1_000_000),
        ] {
            assert_eq!(micros(&format!("2026-05-15T09:00:00.{fraction}Z")), Some(NINE + expected), "{fraction}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "x",
            "now",
            "infinity",
            "2026",
            "2026-05",
            "2026-13-01",
            "2026-02-29",
            "2026-00-10",
            "0000-01-01",
            "2026-05-15T",
            "2026-05-15T09:00Z",
            "2026-05-15T09:00:00",
            "2026-05-15T24:00:00Z",
            "2026-05-15T09:60:00Z",
            "2026-05-15T09:00:61Z",
            "2026-05-15T09:00:00.Z",
            "2026-05-15T09:00:00+16:00",
            "2026-05-15T09:00:00+1",
            "2026-05-15T09:00:00ZZ",
            "2026-05-15X09:00:00Z",
            "2026-05-15T09:00:00+0é",
            "é026-05-15",
            "+026-05-15",
            "2026-05-15T-9:00:00Z",
            "2026-5-15T09:00:00Z",
            "1778835600000",
        ] {
            assert_eq!(micros(text), None, "{text}");
        }
    }
}
