//! Where an object stands in the binary form of its document, which is the `id` that `keyvalue()` gives it.
//!
//! A container there is a word of header, a word for each element (for each key and value of an object) and then their
//! bytes: texts as they are, numbers and containers at multiples of four.

use crate::error::Result;
use crate::function::numeric::Numeric;
use crate::pgtype::jsonb::access::{elements, members, text};

const WORD: usize = 4;

/// The place of the part `json` of the document `root`; 0 if it is no part of it.
pub(super) fn identity(root: &str, json: &str) -> Result<usize> {
    let mut found = None;
    if !std::ptr::eq(root.as_ptr(), json.as_ptr()) {
        end_of(root, 0, json, &mut found)?;
    }
    Ok(found.unwrap_or(0))
}

/// Where a value ends that begins at `at` or at the next place that suits it.
fn end_of(json: &str, at: usize, wanted: &str, found: &mut Option<usize>) -> Result<usize> {
    let aligned = at.next_multiple_of(WORD);
    Ok(match json.as_bytes().first() {
        Some(b'{' | b'[') => {
            if std::ptr::eq(json.as_ptr(), wanted.as_ptr()) {
                *found = Some(aligned);
            }
            let entries = elements(json).count() + 2 * members(json).count();
            let mut end = aligned + WORD + WORD * entries;
            end += members(json).map(|(key, _)| text(key).map_or(0, |key| key.len())).sum::<usize>();
            for value in elements(json).chain(members(json).map(|(_, value)| value)) {
                end = end_of(value, end, wanted, found)?;
            }
            end
        }
        Some(b'"') => at + text(json).map_or(0, |text| text.len()),
        Some(b'n' | b't' | b'f') => at,
        _ => aligned + size(&Numeric::parse(json)?),
    })
}

/// Bytes of a stored number: the length, a header that is short for most numbers, and two for each four digits.
fn size(number: &Numeric) -> usize {
    let mut binary = Vec::new();
    number.put_binary(&mut binary);
    let Some((header, digits)) = binary.split_at_checked(8) else { return 0 };
    let weight = i16::from_be_bytes([header[2], header[3]]);
    let scale = u16::from_be_bytes([header[6], header[7]]);
    let is_short = scale <= 63 && (-64..=63).contains(&weight);
    WORD + if is_short { 2 } else { 4 } + digits.len()
}
