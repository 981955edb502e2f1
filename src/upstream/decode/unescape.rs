//! The characters that a JSON string stands for, while it comes: an escape may begin in one piece and end in another.

use super::fault::Fault;
use crate::upstream::json::{self, quote_or_backslash};

/// Where in an escape the last piece has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Plain,
    Backslash,
    /// `digits` of four have come.
    Hex {
        digits: u8,
        value: u16,
    },
}

/// Reads what stands between the quotes of a JSON string.
#[derive(Debug, Default)]
pub(super) struct Unescape {
    state: State,
    /// The first half of a surrogate pair whose second must follow.
    high: Option<u16>,
}

impl Unescape {
    /// Appends the characters of the next piece.
    ///
    /// # Errors
    /// When it holds what no JSON string does.
    pub(super) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut rest = piece;
        while let Some((&byte, behind)) = rest.split_first() {
            if self.state == State::Plain {
                let end = quote_or_backslash(rest).unwrap_or(rest.len());
                let (plain, escape) = rest.split_at(end);
                self.plain(plain, out)?;
                rest = escape;
                if let Some((_, behind)) = escape.split_first() {
                    self.state = State::Backslash;
                    rest = behind;
                }
            } else {
                self.escaped(byte, out)?;
                rest = behind;
            }
        }
        Ok(())
    }

    /// Tells that the string has ended.
    ///
    /// # Errors
    /// When it has not.
    pub(super) fn finish(&self) -> Result<(), Fault> {
        if self.state == State::Plain && self.high.is_none() { Ok(()) } else { Err(Fault::Escape) }
    }

    fn plain(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        if text.is_empty() {
            return Ok(());
        }
        if self.high.is_some() {
            return Err(Fault::Escape);
        }
        if text.iter().any(|byte| *byte < 0x20) {
            return Err(json::Fault::Syntax.into());
        }
        out.extend_from_slice(text);
        Ok(())
    }

    fn escaped(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<(), Fault> {
        let (digits, value) = match self.state {
            State::Hex { digits, value } => (digits, value),
            _ if byte == b'u' => {
                self.state = State::Hex { digits: 0, value: 0 };
                return Ok(());
            }
            _ => {
                self.state = State::Plain;
                if self.high.is_some() {
                    return Err(Fault::Escape);
                }
                out.push(short(byte).ok_or(Fault::Escape)?);
                return Ok(());
            }
        };
        let digit = char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok()).ok_or(Fault::Escape)?;
        let value = (value << 4) | digit;
        if digits < 3 {
            self.state = State::Hex { digits: digits + 1, value };
            return Ok(());
        }
        self.state = State::Plain;
        self.unit(value, out)
    }

    /// Takes a unit of UTF-16.
    fn unit(&mut self, unit: u16, out: &mut Vec<u8>) -> Result<(), Fault> {
        let found = match self.high.take() {
            Some(high) => char::decode_utf16([high, unit]).next().and_then(Result::ok),
            None if (0xd800..0xdc00).contains(&unit) => {
                self.high = Some(unit);
                return Ok(());
            }
            None => char::from_u32(u32::from(unit)),
        };
        let found = found.ok_or(Fault::Escape)?;
        out.extend_from_slice(found.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }
}

/// What a backslash and this byte stand for.
fn short(byte: u8) -> Option<u8> {
    Some(match byte {
        b'"' | b'\\' | b'/' => byte,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Option<String> {
        let mut unescape = Unescape::default();
        let mut out = Vec::new();
        for piece in pieces {
            unescape.push(piece, &mut out).ok()?;
        }
        unescape.finish().ok()?;
        Some(String::from_utf8(out).unwrap())
    }

    fn every_way(text: &str) -> Option<String> {
        let whole = read(&[text.as_bytes()]);
        for at in 0..=text.len() {
            assert_eq!(read(&[&text.as_bytes()[..at], &text.as_bytes()[at..]]), whole, "{text} cut at {at}");
        }
        assert_eq!(read(&text.as_bytes().chunks(1).collect::<Vec<_>>()), whole, "{text}");
        whole
    }

    #[test]
    fn every_escape_is_read_as_serde_json_reads_it() {
        for text in [
            "",
            "plain é 😀",
            r#"\"\\\/\b\f\n\r\t"#,
            r"a\u00e9\u0041\u20ACb",
            r"\ud83d\ude00\uD83D\uDE00",
            r"\\u0041\\\\n",
            r"\u0000",
            r"\udbff\udfff\ue000\ud7ff",
        ] {
            let expected: String = serde_json::from_str(&format!("\"{text}\"")).unwrap();
            assert_eq!(every_way(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_string_is_refused() {
        for text in [
            r"\x",
            r"\u12g4",
            r"\u12",
            r"\",
            r"\ud83d",
            r"\ud83dx",
            r"\ud83d\n",
            r"\ud83d\u0041",
            r"\ud83d\ud83d",
            r"\ude00",
            "a\nb",
            "\u{1}",
        ] {
            assert_eq!(every_way(text), None, "{text:?}");
            assert!(serde_json::from_str::<String>(&format!("\"{text}\"")).is_err(), "{text:?}");
        }
    }
}
