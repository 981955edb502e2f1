//! Arrays as text: the quoting of `array_out`, and reading `{1,"a b",{2,NULL}}`.

use bytes::BufMut;

use crate::error::{Error, Kind, Result};

/// Quotes the element that was appended to `out` from `start` on, if it needs it.
pub fn quote(start: usize, out: &mut Vec<u8>) {
    let element = &out[start..];
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | b'{' | b'}' | b',') || is_space(*byte);
    if !element.is_empty() && !element.eq_ignore_ascii_case(b"null") && !element.iter().any(is_special) {
        return;
    }
    let element = out.split_off(start);
    out.put_u8(b'"');
    for byte in &element {
        if matches!(byte, b'"' | b'\\') {
            out.put_u8(b'\\');
        }
        out.put_u8(*byte);
    }
    out.put_u8(b'"');
}

/// Quotes the field of a record that was appended to `out` from `start` on, if it needs it.
pub fn quote_field(start: usize, out: &mut Vec<u8>) {
    let field = &out[start..];
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | b'(' | b')' | b',') || is_space(*byte);
    if !field.is_empty() && !field.iter().any(is_special) {
        return;
    }
    let field = out.split_off(start);
    out.put_u8(b'"');
    for byte in &field {
        if matches!(byte, b'"' | b'\\') {
            out.put_u8(*byte);
        }
        out.put_u8(*byte);
    }
    out.put_u8(b'"');
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// An array that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Literal {
    /// The length of each dimension, the outermost first; none for an empty array.
    pub lengths: Vec<usize>,
    /// The elements in order, the last dimension running fastest; `None` is NULL.
    pub elements: Vec<Option<String>>,
}

enum Item {
    Element(Option<String>),
    Array(Vec<Item>),
}

/// Reads an array literal.
pub fn parse(text: &str) -> Result<Literal> {
    let fault = |detail: &str| {
        Error::new(Kind::InvalidText, format!("malformed array literal: \"{text}\"")).detail(detail.to_owned())
    };
    let mut rest = text.trim();
    if rest.starts_with('[') {
        // Bounds do not survive in Arrow; PostgreSQL prints them only when they are not 1.
        let (_, items) = rest.split_once('=').ok_or_else(|| fault("Missing assignment operator."))?;
        rest = items.trim_start();
    }
    if !rest.starts_with('{') {
        return Err(fault("Array value must start with \"{\" or dimension information."));
    }
    let mut reader = Reader { rest: &rest[1..] };
    let items = reader.items(1).map_err(&fault)?;
    if !reader.rest.trim().is_empty() {
        return Err(fault("Junk after closing right brace."));
    }
    let lengths =
        shape(&items).ok_or_else(|| fault("Multidimensional arrays must have sub-arrays with matching dimensions."))?;
    let mut literal = Literal { lengths, elements: Vec::new() };
    flatten(items, &mut literal.elements);
    if literal.elements.is_empty() {
        literal.lengths.clear();
    }
    Ok(literal)
}

fn flatten(items: Vec<Item>, elements: &mut Vec<Option<String>>) {
    for item in items {
        match item {
            Item::Element(element) => elements.push(element),
            Item::Array(inner) => flatten(inner, elements),
        }
    }
}

/// The lengths of the dimensions, if they match.
fn shape(items: &[Item]) -> Option<Vec<usize>> {
    let of = |item: &Item| match item {
        Item::Array(inner) => shape(inner),
        Item::Element(_) => Some(Vec::new()),
    };
    let Some((first, others)) = items.split_first() else { return Some(vec![0]) };
    let mut lengths = of(first)?;
    if others.iter().any(|other| of(other).as_ref() != Some(&lengths)) {
        return None;
    }
    lengths.insert(0, items.len());
    Some(lengths)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// PostgreSQL's `MAXDIM`.
    const MAX_DEPTH: usize = 6;

    /// Reads what follows `{`, with the `}`.
    fn items(&mut self, depth: usize) -> Result<Vec<Item>, &'static str> {
        if depth > Self::MAX_DEPTH {
            return Err("The number of array dimensions exceeds the maximum allowed (6).");
        }
        let mut items = Vec::new();
        self.skip_space();
        if self.skip('}') {
            return Ok(items);
        }
        loop {
            self.skip_space();
            let item = if self.skip('{') { Item::Array(self.items(depth + 1)?) } else { self.element()? };
            items.push(item);
            self.skip_space();
            if self.skip('}') {
                return Ok(items);
            }
            if !self.skip(',') {
                return Err(if self.rest.is_empty() {
                    "Unexpected end of input."
                } else {
                    "Unexpected array element."
                });
            }
        }
    }

    fn element(&mut self) -> Result<Item, &'static str> {
        if self.skip('"') {
            return self.quoted();
        }
        let mut text = String::new();
        // Spaces behind the last escaped character are not part of the element.
        let mut kept = 0;
        let mut has_escape = false;
        loop {
            let letter = self.rest.chars().next().ok_or("Unexpected end of input.")?;
            match letter {
                ',' | '}' => break,
                '{' => return Err("Unexpected \"{\" character."),
                '"' => return Err("Unexpected array element."),
                '\\' => {
                    self.rest = &self.rest[1..];
                    text.push(self.rest.chars().next().ok_or("Unexpected end of input.")?);
                    has_escape = true;
                    kept = text.len();
                }
                _ => {
                    text.push(letter);
                    if !(letter.is_ascii() && is_space(letter as u8)) {
                        kept = text.len();
                    }
                }
            }
            self.rest = &self.rest[self.rest.chars().next().map_or(0, char::len_utf8)..];
        }
        text.truncate(kept);
        if text.is_empty() {
            return Err(if self.rest.starts_with(',') {
                "Unexpected \",\" character."
            } else {
                "Unexpected \"}\" character."
            });
        }
        let is_null = !has_escape && text.eq_ignore_ascii_case("null");
        Ok(Item::Element((!is_null).then_some(text)))
    }

    fn quoted(&mut self) -> Result<Item, &'static str> {
        let mut text = String::new();
        let mut letters = self.rest.char_indices();
        while let Some((index, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.rest = &self.rest[index + 1..];
                    return Ok(Item::Element(Some(text)));
                }
                '\\' => text.push(letters.next().ok_or("Unexpected end of input.")?.1),
                _ => text.push(letter),
            }
        }
        Err("Unexpected end of input.")
    }

    fn skip(&mut self, letter: char) -> bool {
        let rest = self.rest.strip_prefix(letter);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches(|letter: char| letter.is_ascii() && is_space(letter as u8));
    }
}
