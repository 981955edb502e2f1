//! The letters behind an ordinal number: 1st, 2nd, 3rd, 4th.

use crate::error::{Error, Kind, Result};
use crate::function::template::pattern::Case;

/// The letters that belong behind a number.
///
/// # Errors
/// 22P02 if it does not end in a digit.
pub(super) fn ordinal(number: &str, case: Case) -> Result<&'static str> {
    let mut digits = number.bytes().rev();
    let last = digits
        .next()
        .filter(u8::is_ascii_digit)
        .ok_or_else(|| Error::new(Kind::InvalidText, format!("\"{number}\" is not a number")))?;
    // 11th to 13th are no exceptions.
    let index = match last {
        _ if digits.next() == Some(b'1') => 3,
        b'1' => 0,
        b'2' => 1,
        b'3' => 2,
        _ => 3,
    };
    let letters = if case == Case::Upper { ["ST", "ND", "RD", "TH"] } else { ["st", "nd", "rd", "th"] };
    Ok(letters[index])
}
