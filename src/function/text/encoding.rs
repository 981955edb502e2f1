//! Bytes as text and back: `encode`, `decode` and the conversions between character sets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::text::args::{bytea, bytes, count, text};
use crate::function::text::letters::hex;
use crate::pgtype;
use crate::pgtype::style::Style;

/// How many letters of base64 stand in a line.
const LINE: usize = 76;

fn unrecognized(name: &str) -> Error {
    Error::new(Kind::InvalidParameterValue, format!("unrecognized encoding: \"{name}\""))
}

/// `encode(bytea, format)`
pub(crate) fn encode<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (bytes, name) = (bytes(args, 0)?, text(args, 1)?);
    Ok(Datum::text(match name.to_ascii_lowercase().as_str() {
        "hex" => hex(bytes),
        "base64" => {
            let encoded = STANDARD.encode(bytes);
            // A line ends where it is full, also the last one, but not behind what was filled up.
            let whole = bytes.len() / 3 * 4;
            let mut lines = String::with_capacity(encoded.len() + encoded.len() / LINE);
            for (at, letter) in encoded.char_indices() {
                lines.push(letter);
                if (at + 1) % LINE == 0 && at < whole {
                    lines.push('\n');
                }
            }
            lines
        }
        "escape" => escape(bytes),
        _ => return Err(unrecognized(name)),
    }))
}

fn escape(bytes: &[u8]) -> String {
    let mut escaped = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'\\' => escaped.push_str("\\\\"),
            1..=0x7f => escaped.push(char::from(*byte)),
            _ => escaped.push_str(&format!("\\{byte:03o}")),
        }
    }
    escaped
}

/// `decode(text, format)`
pub(crate) fn decode<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (string, name) = (text(args, 0)?, text(args, 1)?);
    Ok(bytea(match name.to_ascii_lowercase().as_str() {
        "hex" => pgtype::bytea::parse(&format!("\\x{string}"))?,
        "base64" => decode_base64(string)?,
        "escape" => decode_escape(string)?,
        _ => return Err(unrecognized(name)),
    }))
}

fn decode_escape(string: &str) -> Result<Vec<u8>> {
    // `\x` at the start means nothing here.
    if string.starts_with("\\x") {
        return Err(Error::new(Kind::InvalidText, "invalid input syntax for type bytea"));
    }
    pgtype::bytea::parse(string)
}

fn decode_base64(string: &str) -> Result<Vec<u8>> {
    let fault = |message: String| Error::new(Kind::InvalidParameterValue, message);
    let mut decoded = Vec::with_capacity(string.len() / 4 * 3);
    let mut group = 0_u32;
    let mut letters = 0;
    // How many bytes the last group has, once its padding was met.
    let mut last = None;
    for letter in string.chars() {
        let value = match letter {
            ' ' | '\t' | '\n' | '\r' => continue,
            '=' => {
                if last.is_none() {
                    last = match letters {
                        2 => Some(1),
                        3 => Some(2),
                        _ => return Err(fault("unexpected \"=\" while decoding base64 sequence".to_owned())),
                    };
                }
                0
            }
            'A'..='Z' => u32::from(letter) - u32::from('A'),
            'a'..='z' => u32::from(letter) - u32::from('a') + 26,
            '0'..='9' => u32::from(letter) - u32::from('0') + 52,
            '+' => 62,
            '/' => 63,
            _ => return Err(fault(format!("invalid symbol \"{letter}\" found while decoding base64 sequence"))),
        };
        group = group << 6 | value;
        letters += 1;
        if letters == 4 {
            decoded.extend_from_slice(&group.to_be_bytes()[1..=last.unwrap_or(3)]);
            (group, letters) = (0, 0);
        }
    }
    if letters != 0 {
        return Err(fault("invalid base64 end sequence".to_owned())
            .hint("Input data is missing padding, is truncated, or is otherwise corrupted."));
    }
    Ok(decoded)
}

/// The character sets that are converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charset {
    /// `UTF8`
    Utf8,
    /// `LATIN1`
    Latin1,
    /// `SQL_ASCII`: bytes that mean nothing above 127.
    SqlAscii,
}

/// Finds a character set by its name, in which only letters and digits count.
fn charset(name: &str, role: &str) -> Result<Charset> {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    match plain.as_str() {
        "utf8" | "unicode" => Ok(Charset::Utf8),
        "latin1" | "iso88591" => Ok(Charset::Latin1),
        "sqlascii" => Ok(Charset::SqlAscii),
        _ => Err(Error::new(Kind::InvalidParameterValue, format!("invalid {role} encoding name \"{name}\""))),
    }
}

fn invalid_bytes(name: &str, bytes: &[u8]) -> Error {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
    let message = format!("invalid byte sequence for encoding \"{name}\": {}", bytes.join(" "));
    Error::new(Kind::CharacterNotInRepertoire, message)
}

/// Checks that bytes are text; a wrong character is shown in the length that its first byte promises.
fn utf8(bytes: &[u8]) -> Result<&str> {
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&0) => return Ok(text),
        Ok(_) => bytes.len(),
        Err(fault) => fault.valid_up_to(),
    };
    let wrong = bytes[..valid].iter().position(|byte| *byte == 0).unwrap_or(valid);
    let rest = &bytes[wrong..];
    let width = match rest.first() {
        Some(0xc0..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf7) => 4,
        _ => 1,
    };
    Err(invalid_bytes("UTF8", &rest[..width.min(rest.len())]))
}

fn without_zero<'b>(bytes: &'b [u8], name: &str) -> Result<&'b [u8]> {
    if bytes.contains(&0) { Err(invalid_bytes(name, &[0])) } else { Ok(bytes) }
}

/// `convert_from(bytea, encoding)`
pub(crate) fn convert_from<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let bytes = bytes(args, 0)?;
    Ok(match charset(text(args, 1)?, "source")? {
        Charset::Utf8 => Datum::text(utf8(bytes)?),
        Charset::SqlAscii => Datum::text(utf8(without_zero(bytes, "SQL_ASCII")?)?),
        Charset::Latin1 => {
            let letters = without_zero(bytes, "LATIN1")?.iter().copied().map(char::from);
            Datum::text(letters.collect::<String>())
        }
    })
}

/// `convert_to(text, encoding)`
pub(crate) fn convert_to<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let string = text(args, 0)?;
    match charset(text(args, 1)?, "destination")? {
        Charset::Utf8 | Charset::SqlAscii => Ok(bytea(string.as_bytes())),
        Charset::Latin1 => {
            let bytes: Result<Vec<u8>> =
                string.chars().map(|letter| u8::try_from(letter).map_err(|_| no_equivalent(letter))).collect();
            Ok(bytea(bytes?))
        }
    }
}

fn no_equivalent(letter: char) -> Error {
    let bytes: Vec<String> = letter.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("0x{byte:02x}")).collect();
    let message = format!(
        "character with byte sequence {} in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"",
        bytes.join(" ")
    );
    Error::new(Kind::UntranslatableCharacter, message)
}

/// `length(bytea, encoding)`
pub(crate) fn length_in<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let bytes = bytes(args, 0)?;
    let name = text(args, 1)?;
    let charset = charset(name, "")
        .map_err(|_| Error::new(Kind::InvalidParameterValue, format!("invalid encoding name \"{name}\"")))?;
    match charset {
        Charset::Utf8 => Ok(count(utf8(bytes)?.chars().count())),
        Charset::Latin1 => Ok(count(without_zero(bytes, "LATIN1")?.len())),
        Charset::SqlAscii => Ok(count(without_zero(bytes, "SQL_ASCII")?.len())),
    }
}
