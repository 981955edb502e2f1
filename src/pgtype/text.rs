//! Plain text and the small types that are text in disguise: booleans, whole numbers, `"char"`, `uuid`, `json`.

use bytes::BufMut;

use crate::error::{Error, Kind, Result};

/// Checks that the bytes are text as PostgreSQL takes it: UTF-8 without a zero byte.
pub fn from_utf8(bytes: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(bytes).map_err(|fault| {
        let end = fault.error_len().map_or(bytes.len(), |length| fault.valid_up_to() + length);
        let wrong: Vec<String> = bytes[fault.valid_up_to()..end].iter().map(|byte| format!("0x{byte:02x}")).collect();
        not_utf8(&wrong.join(" "))
    })?;
    if bytes.contains(&0) { Err(zero_byte()) } else { Ok(text) }
}

/// The error for a zero byte in a text.
pub fn zero_byte() -> Error {
    not_utf8("0x00")
}

fn not_utf8(bytes: &str) -> Error {
    Error::new(Kind::CharacterNotInRepertoire, format!("invalid byte sequence for encoding \"UTF8\": {bytes}"))
}

/// The error for a text that is not a value of a type.
pub fn invalid(type_name: &str, text: &str) -> Error {
    Error::new(Kind::InvalidText, format!("invalid input syntax for type {type_name}: \"{text}\""))
}

fn trim(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_ascii_whitespace() || letter == '\x0b')
}

/// Reads a boolean: `t`, `tru`, `yes`, `on`, `1` and their opposites, in any case.
pub fn parse_bool(text: &str) -> Result<bool> {
    let word = trim(text).to_ascii_lowercase();
    let is_start = |full: &str, least: usize| word.len() >= least && full.starts_with(&word);
    if is_start("true", 1) || is_start("yes", 1) || word == "on" || word == "1" {
        Ok(true)
    } else if is_start("false", 1) || is_start("no", 1) || is_start("off", 2) || word == "0" {
        Ok(false)
    } else {
        Err(invalid("boolean", text))
    }
}

/// Reads a whole number of a type between `min` and `max`.
pub fn parse_int(text: &str, type_name: &str, min: i64, max: i64) -> Result<i64> {
    let trimmed = trim(text);
    let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid(type_name, text));
    }
    trimmed.parse().ok().filter(|value| (min..=max).contains(value)).ok_or_else(|| {
        Error::new(Kind::NumericOutOfRange, format!("value \"{text}\" is out of range for type {type_name}"))
    })
}

/// Reads an object number; a negative one is taken as its two's complement.
pub fn parse_oid(text: &str) -> Result<u32> {
    let value = parse_int(text, "oid", i64::from(i32::MIN), i64::from(u32::MAX))?;
    Ok(value as u32)
}

/// Appends a `"char"`: its first byte; a byte above 127 as `\ooo`.
pub fn put_char(byte: u8, out: &mut Vec<u8>) {
    match byte {
        0 => {}
        1..=127 => out.put_u8(byte),
        _ => out.put_slice(&[b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)]),
    }
}

/// Appends a UUID.
pub fn put_uuid(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.put_u8(b'-');
        }
        out.put_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

/// Reads a UUID: 32 hexadecimal digits, hyphens between groups of four, braces around it.
pub fn parse_uuid(text: &str) -> Result<[u8; 16]> {
    let fault = || invalid("uuid", text);
    let inner = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}').ok_or_else(fault)?,
        None => text,
    };
    let mut bytes = [0; 16];
    let mut rest = inner.as_bytes();
    for (index, byte) in bytes.iter_mut().enumerate() {
        let [high, low, tail @ ..] = rest else { return Err(fault()) };
        let digit = |letter: u8| char::from(letter).to_digit(16).ok_or_else(fault);
        *byte = (digit(*high)? << 4 | digit(*low)?) as u8;
        rest = match tail {
            [b'-', tail @ ..] if index % 2 == 1 && index < 15 => tail,
            tail => tail,
        };
    }
    if rest.is_empty() { Ok(bytes) } else { Err(fault()) }
}

/// Checks that a text is JSON.
pub fn check_json(text: &str) -> Result<()> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).map(|_| ()).map_err(|fault| {
        Error::new(Kind::InvalidText, "invalid input syntax for type json").detail(format!("The input has: {fault}."))
    })
}
