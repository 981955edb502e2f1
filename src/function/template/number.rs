//! Numbers out of texts by a template: `to_number`.

use crate::error::{Error, Kind, Result};
use crate::function::numeric::Numeric;
use crate::function::template::picture::{Node, Pattern, Picture, SignPlace};

/// Reads a number.
pub(super) fn to_number(text: &str, template: &str) -> Result<Numeric> {
    let picture = Picture::parse(template)?;
    let unsupported = |name: &str| Error::new(Kind::FeatureNotSupported, format!("\"{name}\" not supported for input"));
    if picture.has_exponent {
        return Err(unsupported("EEEE"));
    }
    if picture.is_roman {
        return Err(unsupported("RN"));
    }
    let mut reader = Reader {
        picture: &picture,
        text: text.as_bytes(),
        at: 0,
        sign: ' ',
        number: String::new(),
        whole: 0,
        fraction: 0,
        has_point: false,
    };
    reader.read();
    let number = reader.number.strip_suffix('.').unwrap_or(&reader.number);
    let fraction = reader.fraction;
    let precision = size(picture.whole + picture.shift + fraction);
    let value = Numeric::parse(&format!("{}{number}", reader.sign))?.fit(precision, size(fraction))?;
    if picture.has_shift { value.mul(&shrink(picture.shift)) } else { Ok(value) }
}

fn size(digits: usize) -> i32 {
    i32::try_from(digits).unwrap_or(i32::MAX)
}

/// A power of a tenth with the 16 digits that PostgreSQL gives it; it is 0 if they are not enough.
fn shrink(shift: usize) -> Numeric {
    const SCALE: u16 = 16;
    let zeros = u32::try_from(shift).ok().and_then(|shift| u32::from(SCALE).checked_sub(shift));
    Numeric::new(zeros.map_or(0, |zeros| 10_i64.pow(zeros)), SCALE)
}

/// Goes through the text beside the template, by bytes as PostgreSQL does.
struct Reader<'a> {
    picture: &'a Picture,
    text: &'a [u8],
    at: usize,
    sign: char,
    number: String,
    /// Digits read before the point.
    whole: usize,
    /// Digits read behind it.
    fraction: usize,
    has_point: bool,
}

impl Reader<'_> {
    fn read(&mut self) {
        for node in &self.picture.nodes {
            if self.is_at_end() {
                return;
            }
            match node {
                Node::Pattern(pattern) => self.pattern(*pattern),
                // Whatever it is, it stands for one character.
                Node::Letter(_) => self.at += self.letter_length(),
            }
        }
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn letter_length(&self) -> usize {
        let length = match self.byte(0) {
            Some(0xc0..0xe0) => 2,
            Some(0xe0..0xf0) => 3,
            Some(0xf0..) => 4,
            _ => 1,
        };
        length.min(self.text.len() - self.at)
    }

    /// Skips so many characters unless they may belong to the number.
    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            if self.byte(0).is_none_or(|byte| b"0123456789.,+-".contains(&byte)) {
                return;
            }
            self.at += self.letter_length();
        }
    }

    fn pattern(&mut self, pattern: Pattern) {
        let byte = self.byte(0);
        match pattern {
            Pattern::Nine | Pattern::Zero => {
                self.place(true);
                self.at += 1;
            }
            Pattern::Point => {
                self.place(false);
                self.at += 1;
            }
            // With FM groups are not looked for.
            Pattern::Comma | Pattern::Group if byte == Some(b',') && !self.picture.is_fill => self.at += 1,
            Pattern::Currency => self.skip(1),
            Pattern::Ordinal(_) if !self.picture.has_point => self.skip(2),
            Pattern::Minus | Pattern::PlusMinus if byte == Some(b'-') => self.signed('-'),
            Pattern::Plus | Pattern::PlusMinus if byte == Some(b'+') => self.signed('+'),
            Pattern::Minus | Pattern::Plus | Pattern::PlusMinus => self.skip(1),
            _ => {}
        }
    }

    fn signed(&mut self, sign: char) {
        self.sign = sign;
        self.at += 1;
    }

    /// A place for a digit, the point, and a sign before or behind; the caller steps over the last character read.
    fn place(&mut self, is_digit: bool) {
        if self.byte(0) == Some(b' ') {
            self.at += 1;
        }
        if self.sign == ' ' && is_digit && self.whole + self.fraction == 0 {
            self.sign_before();
        }
        let Some(byte) = self.byte(0) else { return };
        let mut is_read = false;
        if byte.is_ascii_digit() {
            if self.has_point && self.fraction == self.picture.fraction {
                return;
            }
            self.number.push(char::from(byte));
            *(if self.has_point { &mut self.fraction } else { &mut self.whole }) += 1;
            is_read = true;
        } else if byte == b'.' && self.picture.has_point && !self.has_point {
            self.number.push('.');
            self.has_point = true;
            is_read = true;
        }
        if self.sign == ' ' && self.whole + self.fraction > 0 {
            self.sign_behind(is_read);
        }
    }

    fn sign_before(&mut self) {
        let is_locale_sign = self.picture.has_sign && self.picture.sign_place == SignPlace::Before;
        match self.byte(0) {
            Some(b'-') => self.signed('-'),
            Some(b'+') => self.signed('+'),
            Some(b'<') if !is_locale_sign && self.picture.has_bracket => self.signed('-'),
            _ => {}
        }
    }

    fn sign_behind(&mut self, is_read: bool) {
        let sign = |byte: Option<u8>| byte.map(char::from).filter(|byte| ['+', '-'].contains(byte));
        if self.picture.has_sign && is_read {
            if let Some(sign) = sign(self.byte(1)) {
                self.signed(sign);
            }
        } else if !is_read
            && !self.picture.has_sign
            && (self.picture.has_plus || self.picture.has_minus)
            && let Some(sign) = sign(self.byte(0))
        {
            // Its character is the one that the caller steps over.
            self.sign = sign;
        }
    }
}
