//! The numbers in a text that is read by a template.

use crate::function::template::pattern::is_space;

/// What the digits of a fraction are to be multiplied by: `25` is as much as `250`.
pub(super) fn scale(length: usize, digits: usize) -> i32 {
    (1..digits).contains(&length).then(|| digits - length).map_or(1, |zeros| (0..zeros).fold(1, |value, _| value * 10))
}

/// A year with the digits that it lacks, so that it is near 2020.
pub(super) fn full_year(year: i32) -> i32 {
    match year {
        ..70 => year.wrapping_add(2_000),
        70..100 => year + 1_900,
        100..520 => year + 2_000,
        520..1_000 => year + 1_000,
        _ => year,
    }
}

/// Reads a number with or without a sign. Gives it, unless it is out of range, and how many characters it took with the
/// blanks before it; none if there is no number.
pub(super) fn whole_number(text: &[u8]) -> (Option<i64>, usize) {
    let blanks = text.iter().take_while(|byte| is_space(char::from(**byte))).count();
    let unsigned = text[blanks..].strip_prefix(b"-").or_else(|| text[blanks..].strip_prefix(b"+"));
    let is_negative = text.get(blanks) == Some(&b'-');
    let digits = unsigned.unwrap_or(&text[blanks..]);
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return (Some(0), 0);
    }
    let value = digits[..count].iter().try_fold(0_i64, |value, byte| {
        let digit = i64::from(byte - b'0');
        value.checked_mul(10)?.checked_add(if is_negative { -digit } else { digit })
    });
    (value, text.len() - digits.len() + count)
}
