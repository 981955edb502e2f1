//! `bytea` as text, and back.

use bytes::BufMut;

use crate::error::{Error, Kind, Result};
use crate::pgtype::style::ByteaOutput;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends bytes in the form that `bytea_output` asks for.
pub fn put(bytes: &[u8], output: ByteaOutput, out: &mut Vec<u8>) {
    match output {
        ByteaOutput::Hex => {
            out.reserve(2 + 2 * bytes.len());
            out.put_slice(b"\\x");
            for byte in bytes {
                out.put_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
        }
        ByteaOutput::Escape => {
            for byte in bytes {
                match byte {
                    b'\\' => out.put_slice(b"\\\\"),
                    b' '..=b'~' => out.put_u8(*byte),
                    _ => out.put_slice(&[b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)]),
                }
            }
        }
    }
}

/// Reads either form.
pub fn parse(text: &str) -> Result<Vec<u8>> {
    match text.strip_prefix("\\x") {
        Some(digits) => parse_hex(digits),
        None => parse_escape(text.as_bytes()),
    }
}

fn parse_hex(digits: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    // Space is allowed between bytes, not within one.
    let mut letters = digits.chars();
    let value = |letter: char| {
        letter
            .to_digit(16)
            .ok_or_else(|| Error::new(Kind::InvalidParameterValue, format!("invalid hexadecimal digit: \"{letter}\"")))
    };
    while let Some(high) = letters.find(|letter| !letter.is_ascii_whitespace()) {
        let high = value(high)?;
        let low = letters
            .next()
            .ok_or_else(|| Error::new(Kind::InvalidParameterValue, "invalid hexadecimal data: odd number of digits"))?;
        bytes.push((high << 4 | value(low)?) as u8);
    }
    Ok(bytes)
}

fn parse_escape(text: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Ok(bytes),
            [b'\\', b'\\', rest @ ..] => {
                bytes.push(b'\\');
                rest
            }
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest
            }
            [b'\\', ..] => return Err(Error::new(Kind::InvalidText, "invalid input syntax for type bytea")),
            [byte, rest @ ..] => {
                bytes.push(*byte);
                rest
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], output: ByteaOutput) -> String {
        let mut out = Vec::new();
        put(bytes, output, &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn both_forms_print_and_read() {
        let bytes = b"a\\\0\x7f\xff ~";
        assert_eq!(text(bytes, ByteaOutput::Hex), r"\x615c007fff207e");
        assert_eq!(text(bytes, ByteaOutput::Escape), r"a\\\000\177\377 ~");
        assert_eq!(parse(r"\x615C 007fff207e").unwrap(), bytes);
        assert_eq!(parse(r"a\\\000\177\377 ~").unwrap(), bytes);
    }

    #[test]
    fn faults() {
        for (input, expected) in [
            (r"\xa", "invalid hexadecimal data: odd number of digits"),
            (r"\xzz", "invalid hexadecimal digit: \"z\""),
            (r"a\b", "invalid input syntax for type bytea"),
            (r"\400", "invalid input syntax for type bytea"),
        ] {
            assert_eq!(parse(input).unwrap_err().message, expected, "{input}");
        }
    }
}
