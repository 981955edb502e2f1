//! String constants and quoted names.

use super::lexer::{Scanner, Tok, cut, is_ident_start, is_space};
use crate::error::{Error, Kind, Result};

/// How a string constant was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `'…'`
    Plain,
    /// `E'…'`
    Escaped,
    /// `U&'…'`
    Unicode,
    /// `$tag$…$tag$`
    Dollar(Option<String>),
    /// `B'…'`
    Bits,
    /// `X'…'`
    Hex,
    /// `N'…'`
    National,
}

/// Reads a string constant or a quoted name, if one starts here.
pub(super) fn quoted(scanner: &mut Scanner<'_>) -> Result<Option<Tok>> {
    let start = scanner.at;
    let (form, prefix) = match (scanner.byte(0), scanner.byte(1), scanner.byte(2)) {
        (b'"', ..) => return name(scanner, start, 1, false).map(Some),
        (b'\'', ..) => (Form::Plain, 1),
        (b'e' | b'E', b'\'', _) => (Form::Escaped, 2),
        (b'b' | b'B', b'\'', _) => (Form::Bits, 2),
        (b'x' | b'X', b'\'', _) => (Form::Hex, 2),
        (b'n' | b'N', b'\'', _) => (Form::National, 2),
        (b'u' | b'U', b'&', b'\'') => (Form::Unicode, 3),
        (b'u' | b'U', b'&', b'"') => return name(scanner, start, 3, true).map(Some),
        (b'$', ..) => return dollar(scanner),
        _ => return Ok(None),
    };
    scanner.at += prefix;
    let value = body(scanner, start, &form)?;
    let value = match form {
        Form::Unicode => unicode(scanner, &value, start, prefix)?,
        _ => value,
    };
    Ok(Some(Tok::Text { value, form }))
}

/// Reads up to the closing quote, through continuations on later lines.
fn body(scanner: &mut Scanner<'_>, start: usize, form: &Form) -> Result<String> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut has_escapes = false;
    loop {
        if scanner.at >= scanner.text.len() {
            let what = match form {
                Form::Bits => "unterminated bit string literal",
                Form::Hex => "unterminated hexadecimal string literal",
                _ => "unterminated quoted string",
            };
            return Err(scanner.fault(what, start));
        }
        match scanner.byte(0) {
            b'\'' if scanner.byte(1) == b'\'' => {
                bytes.push(b'\'');
                scanner.at += 2;
            }
            b'\'' => {
                scanner.at += 1;
                if !continued(scanner) {
                    break;
                }
            }
            b'\\' if *form == Form::Escaped => {
                has_escapes = true;
                escape(scanner, &mut bytes)?;
            }
            byte => {
                bytes.push(byte);
                scanner.at += 1;
            }
        }
    }
    if has_escapes && bytes.contains(&0) {
        return Err(encoding(&[0]));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let length = error.utf8_error().error_len().unwrap_or(1);
        encoding(error.as_bytes().get(at..at + length).unwrap_or_default())
    })
}

fn encoding(bytes: &[u8]) -> Error {
    let hex: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
    Error::new(
        Kind::CharacterNotInRepertoire,
        format!("invalid byte sequence for encoding \"UTF8\": {}", hex.join(" ")),
    )
}

/// Another quote on a later line continues a constant; moves behind it.
fn continued(scanner: &mut Scanner<'_>) -> bool {
    let before = scanner.at;
    let mut newline = false;
    loop {
        match (scanner.byte(0), scanner.byte(1)) {
            (byte, _) if is_space(byte) => {
                newline |= matches!(byte, b'\n' | b'\r');
                scanner.at += 1;
            }
            (b'-', b'-') => scanner.skip_line(),
            (b'\'', _) if newline => {
                scanner.at += 1;
                return true;
            }
            _ => {
                scanner.at = before;
                return false;
            }
        }
    }
}

/// Reads a backslash and what it escapes.
fn escape(scanner: &mut Scanner<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    let start = scanner.at;
    let letter = scanner.byte(1);
    scanner.at += 2;
    let plain = match letter {
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'0'..=b'7' => {
            scanner.at -= 1;
            let mut value = 0_u32;
            let mut digits = 0;
            while digits < 3 && matches!(scanner.byte(0), b'0'..=b'7') {
                value = value * 8 + u32::from(scanner.byte(0) - b'0');
                scanner.at += 1;
                digits += 1;
            }
            u8::try_from(value & 0xff).unwrap_or(0)
        }
        b'x' if scanner.byte(0).is_ascii_hexdigit() => {
            let length = 1 + usize::from(scanner.byte(1).is_ascii_hexdigit());
            let value = hex(scanner.rest(), length).and_then(|value| u8::try_from(value).ok());
            scanner.at += length;
            value.unwrap_or(0)
        }
        b'u' | b'U' => {
            let letter = wide(scanner, start)?;
            bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(());
        }
        other => other,
    };
    bytes.push(plain);
    Ok(())
}

/// The value of so many hexadecimal digits at the start of a text.
fn hex(text: &str, length: usize) -> Option<u32> {
    let digits = text.get(..length).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

/// Reads `\uXXXX` or `\UXXXXXXXX` behind the letter, and the second half of a surrogate pair.
fn wide(scanner: &mut Scanner<'_>, start: usize) -> Result<char> {
    let unit = |scanner: &mut Scanner<'_>, start: usize| {
        let length = if scanner.text.as_bytes().get(start + 1) == Some(&b'u') { 4 } else { 8 };
        let offset = scanner.text.get(..start).map_or(0, |before| before.chars().count());
        let value = hex(scanner.rest(), length).ok_or_else(|| {
            Error::new(Kind::InvalidEscape, "invalid Unicode escape")
                .hint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX.")
                .position(offset + 1)
        })?;
        scanner.at += length;
        Ok::<u32, Error>(value)
    };
    let high = unit(scanner, start)?;
    if !(0xd800..0xe000).contains(&high) {
        return char::from_u32(high)
            .filter(|letter| *letter != '\0')
            .ok_or_else(|| scanner.fault("invalid Unicode escape value", start));
    }
    let second = scanner.at;
    if high < 0xdc00 && scanner.byte(0) == b'\\' && matches!(scanner.byte(1), b'u' | b'U') {
        scanner.at += 2;
        let low = unit(scanner, second)?;
        if let Some(letter) = paired(high, low) {
            return Ok(letter);
        }
    }
    let next = scanner.rest().chars().next().map_or(0, char::len_utf8);
    scanner.at += next;
    Err(scanner.fault("invalid Unicode surrogate pair", second))
}

fn paired(high: u32, low: u32) -> Option<char> {
    let halves = (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low);
    if halves { char::from_u32(0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff)) } else { None }
}

/// Reads `"…"`, of which U& has escapes of its own.
fn name(scanner: &mut Scanner<'_>, start: usize, prefix: usize, escapes: bool) -> Result<Tok> {
    scanner.at += prefix;
    let mut value = String::new();
    loop {
        let Some(length) = scanner.rest().find('"') else {
            scanner.at = scanner.text.len();
            return Err(scanner.fault("unterminated quoted identifier", start));
        };
        value.push_str(scanner.rest().get(..length).unwrap_or_default());
        scanner.at += length + 1;
        if scanner.byte(0) != b'"' {
            break;
        }
        value.push('"');
        scanner.at += 1;
    }
    if value.is_empty() {
        return Err(scanner.fault("zero-length delimited identifier", start));
    }
    if escapes {
        value = unicode(scanner, &value, start, prefix)?;
    }
    Ok(Tok::Name { value: cut(value), quoted: true })
}

/// Replaces `\XXXX` and `\+XXXXXX` and reads the UESCAPE that may follow.
fn unicode(scanner: &mut Scanner<'_>, text: &str, start: usize, prefix: usize) -> Result<String> {
    let mark = uescape(scanner)?;
    let offset = scanner.text.get(..start).map_or(0, |before| before.chars().count()) + prefix;
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let mut high: Option<u32> = None;
    let pair = |at: usize| Error::new(Kind::Syntax, "invalid Unicode surrogate pair").position(offset + at + 1);
    while let Some(letter) = letters.get(at).copied() {
        let start = at;
        if letter != mark || letters.get(at + 1) == Some(&mark) {
            if high.is_some() {
                return Err(pair(at));
            }
            out.push(letter);
            at += if letter == mark { 2 } else { 1 };
            continue;
        }
        let (skip, length) = if letters.get(at + 1) == Some(&'+') { (2, 6) } else { (1, 4) };
        let digits: String = letters.iter().skip(at + skip).take(length).collect();
        let Some(value) = hex(&digits, length) else {
            return Err(Error::new(Kind::Syntax, "invalid Unicode escape")
                .hint("Unicode escapes must be \\XXXX or \\+XXXXXX.")
                .position(offset + at + 1));
        };
        at += skip + length;
        match (high.take(), value) {
            (Some(first), second) => out.push(paired(first, second).ok_or_else(|| pair(start))?),
            (None, 0xd800..0xdc00) => high = Some(value),
            (None, _) if (0xdc00..0xe000).contains(&value) => return Err(pair(start)),
            (None, _) => match char::from_u32(value).filter(|letter| *letter != '\0') {
                Some(letter) => out.push(letter),
                None => {
                    return Err(Error::new(Kind::Syntax, "invalid Unicode escape value").position(offset + start + 1));
                }
            },
        }
    }
    match high {
        Some(_) => Err(pair(at)),
        None => Ok(out),
    }
}

/// Reads UESCAPE 'c', if it follows; else the mark is a backslash.
fn uescape(scanner: &mut Scanner<'_>) -> Result<char> {
    let before = scanner.at;
    let blank = scanner.rest().bytes().take_while(|byte| is_space(*byte)).count();
    let word = scanner.rest().get(blank..blank + 7);
    if !word.is_some_and(|word| word.eq_ignore_ascii_case("uescape")) {
        return Ok('\\');
    }
    scanner.at += blank + 7;
    scanner.at += scanner.rest().bytes().take_while(|byte| is_space(*byte)).count();
    let start = scanner.at;
    if scanner.byte(0) != b'\'' {
        scanner.at = before;
        return Ok('\\');
    }
    scanner.at += 1;
    let value = body(scanner, start, &Form::Plain)?;
    let mut letters = value.chars();
    match (letters.next(), letters.next()) {
        (Some(mark), None)
            if !mark.is_ascii_hexdigit() && !matches!(mark, '+' | '\'' | '"') && !mark.is_ascii_whitespace() =>
        {
            Ok(mark)
        }
        _ => Err(scanner.fault("invalid Unicode escape character", start)),
    }
}

/// Reads `$tag$…$tag$`, if one starts here.
fn dollar(scanner: &mut Scanner<'_>) -> Result<Option<Tok>> {
    let start = scanner.at;
    let Some(length) = scanner.rest().get(1..).and_then(|rest| rest.find('$')) else { return Ok(None) };
    let tag = scanner.rest().get(1..=length).unwrap_or_default().to_owned();
    let is_tag = tag.bytes().all(|byte| is_ident_start(byte) || byte.is_ascii_digit())
        && !tag.starts_with(|letter: char| letter.is_ascii_digit());
    if !is_tag {
        return Ok(None);
    }
    let fence = format!("${tag}$");
    scanner.at += fence.len();
    let Some(length) = scanner.rest().find(&fence) else {
        scanner.at = scanner.text.len();
        return Err(scanner.fault("unterminated dollar-quoted string", start));
    };
    let value = scanner.rest().get(..length).unwrap_or_default().to_owned();
    scanner.at += length + fence.len();
    Ok(Some(Tok::Text { value, form: Form::Dollar(Some(tag).filter(|tag| !tag.is_empty())) }))
}
