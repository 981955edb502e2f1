//! Numbers by a template: `to_char`.

use crate::error::Result;
use crate::function::datum::Datum;
use crate::function::template::digits::{Digits, digits};
use crate::function::template::ordinal::ordinal;
use crate::function::template::pattern::Case;
use crate::function::template::picture::{Node, Pattern, Picture, SignPlace};

/// Writes a number by a template.
pub(super) fn write(value: &Datum<'_>, template: &str) -> Result<String> {
    let mut picture = Picture::parse(template)?;
    let digits = digits(value, &mut picture)?;
    if picture.has_exponent {
        return Ok(digits.text);
    }
    Layout::new(picture, digits).write()
}

struct Layout {
    picture: Picture,
    digits: Digits,
    out: String,
    /// Where the next digit stands in the number.
    at: usize,
    /// Places of the template behind us.
    place: usize,
    /// Places of the template in all.
    places: usize,
    /// Whether a digit or a zero was the last that was written.
    is_inside: bool,
    is_sign_written: bool,
    /// With `FM` the last digit behind the point that is shown, or the point.
    last_relevant: Option<usize>,
}

impl Layout {
    fn new(mut picture: Picture, digits: Digits) -> Layout {
        let is_positive = digits.sign == Some('+');
        let mut is_sign_written = false;
        if picture.is_roman {
            picture = Picture { nodes: picture.nodes, is_fill: picture.is_fill, is_roman: true, ..Picture::default() };
        } else if picture.has_plus || picture.has_minus {
            // MI and SG write the sign themselves.
            is_sign_written = picture.has_minus;
        } else {
            if is_positive && picture.is_fill {
                picture.has_bracket = false;
                is_sign_written = !picture.has_sign;
            }
            if picture.sign_place == SignPlace::Before && picture.whole == picture.before_sign {
                picture.sign_place = SignPlace::Behind;
            }
        }
        let last_relevant = last_relevant(&picture, &digits);
        let mut places = picture.whole + picture.fraction;
        if !is_sign_written && digits.spaces == 0 {
            places += 1;
        }
        let out = String::with_capacity(picture.nodes.len() + 1);
        Layout { picture, digits, out, at: 0, place: 0, places, is_inside: false, is_sign_written, last_relevant }
    }

    fn write(mut self) -> Result<String> {
        for node in std::mem::take(&mut self.picture.nodes) {
            match node {
                Node::Letter(letter) => self.out.push(letter),
                Node::Pattern(pattern) => self.put(pattern)?,
            }
        }
        // PostgreSQL's buffer is a C string: it ends at the first zero byte, which the place of a digit that the number
        // does not have, and SG beside RN, put into it.
        if let Some(end) = self.out.find('\0') {
            self.out.truncate(end);
        }
        Ok(self.out)
    }

    fn put(&mut self, pattern: Pattern) -> Result<()> {
        let sign = self.digits.sign;
        match pattern {
            Pattern::Nine | Pattern::Zero | Pattern::Point if !self.picture.is_roman => self.put_place(pattern),
            Pattern::Comma | Pattern::Group if self.is_inside => self.out.push(','),
            Pattern::Comma | Pattern::Group => self.put_unless_fill(' '),
            Pattern::Currency => self.out.push(' '),
            Pattern::Roman(case) => {
                let text = if case == Case::Lower { self.digits.text.to_lowercase() } else { self.digits.text.clone() };
                let width = if self.picture.is_fill { 0 } else { 15 };
                self.out.push_str(&format!("{text:>width$}"));
            }
            Pattern::Ordinal(case) => {
                let is_none = self.picture.is_roman || self.picture.has_point || sign == Some('-');
                if !is_none && !self.digits.text.starts_with('#') {
                    self.out.push_str(ordinal(&self.digits.text, case)?);
                }
            }
            Pattern::Minus if sign == Some('-') => self.out.push('-'),
            Pattern::Plus if sign == Some('+') => self.out.push('+'),
            Pattern::Minus | Pattern::Plus => self.put_unless_fill(' '),
            Pattern::PlusMinus => self.out.push(sign.unwrap_or('\0')),
            _ => {}
        }
        Ok(())
    }

    fn put_unless_fill(&mut self, letter: char) {
        if !self.picture.is_fill {
            self.out.push(letter);
        }
    }

    fn digit_at(&self, index: usize) -> char {
        self.digits.text.as_bytes().get(index).map_or('\0', |byte| char::from(*byte))
    }

    fn is_point_last(&self) -> bool {
        self.last_relevant.is_some_and(|index| self.digit_at(index) == '.')
    }

    /// Whether the next digit is the 0 before a point, of which a template like `9.9` shows nothing.
    fn is_zero_before_point(&self) -> bool {
        self.picture.zero_start.is_none() && self.at == 0 && self.digit_at(0) == '0' && self.picture.fraction != 0
    }

    /// A place for a digit or the point.
    fn put_place(&mut self, pattern: Pattern) {
        self.is_inside = false;
        let spaces = self.digits.spaces;
        let is_padding = self.place < spaces;
        let is_sign_here = !is_padding || self.picture.zero_start == Some(self.place);
        if !self.is_sign_written && is_sign_here && (!self.is_zero_before_point() || self.is_point_last()) {
            self.put_sign();
        }
        if is_padding && self.picture.zero_start.is_none_or(|start| start > self.place) {
            self.put_unless_fill(' ');
        } else if is_padding {
            self.out.push('0');
            self.is_inside = true;
        } else {
            self.put_digit(pattern);
        }
        let end = self.places + usize::from(spaces > 0) + usize::from(self.picture.has_point);
        if self.place + 2 == end && self.last_relevant != Some(self.at) {
            self.put_closing();
        }
        self.place += 1;
    }

    fn put_sign(&mut self) {
        let sign = self.digits.sign.unwrap_or('\0');
        if self.picture.has_sign {
            // Behind the number it is the closing's business.
            if self.picture.sign_place != SignPlace::Before {
                return;
            }
            self.out.push(sign);
        } else if self.picture.has_bracket {
            self.out.push(if sign == '+' { ' ' } else { '<' });
        } else if sign == '+' {
            self.put_unless_fill(' ');
        } else {
            self.out.push(sign);
        }
        self.is_sign_written = true;
    }

    fn put_digit(&mut self, pattern: Pattern) {
        let digit = self.digit_at(self.at);
        if digit == '.' {
            if !self.is_point_last() || self.picture.is_fill {
                self.out.push('.');
            }
        } else if self.last_relevant.is_some_and(|last| self.at > last) && pattern != Pattern::Zero {
            // A zero at the end that FM takes away.
        } else if self.is_zero_before_point() {
            if !self.picture.is_fill {
                self.out.push(' ');
            } else if self.is_point_last() {
                self.out.push('0');
            }
        } else {
            self.out.push(digit);
            self.is_inside = true;
        }
        if digit != '\0' {
            self.at += 1;
        }
    }

    /// The sign or bracket behind the last digit.
    fn put_closing(&mut self) {
        let sign = self.digits.sign.unwrap_or('\0');
        if self.is_sign_written && self.picture.has_bracket {
            self.out.push(if sign == '+' { ' ' } else { '>' });
        } else if self.picture.has_sign && self.picture.sign_place == SignPlace::Behind {
            self.out.push(sign);
        }
    }
}

/// The index of the last digit behind the point that is no zero or has a `0` in the template, or of the point.
fn last_relevant(picture: &Picture, digits: &Digits) -> Option<usize> {
    if !picture.is_fill || !picture.has_point {
        return None;
    }
    let point = digits.text.find('.')?;
    let last = digits.text.rfind(|letter| letter != '0').filter(|last| *last > point).unwrap_or(point);
    let kept = picture.zero_end.saturating_sub(digits.spaces).min(digits.text.len() - 1);
    Some(if picture.zero_end > digits.spaces { last.max(kept) } else { last })
}
