//! Parts of a `jsonb`: what `->`, `->>` and `#>` take out of one.
//!
//! Everything here reads the text that [`super::normalize`] writes and trusts it: nothing is parsed but what stands
//! before the part that is wanted, and nothing is copied but a text with escapes.

use std::borrow::Cow;

/// A key as it stands in a `jsonb`, quoted once for all documents that it is looked for in.
#[derive(Debug)]
pub struct Key {
    quoted: String,
    length: usize,
}

impl Key {
    /// The key of that text.
    pub fn new(key: &str) -> Self {
        let mut quoted = String::with_capacity(key.len() + 2);
        super::quote(key, &mut quoted);
        Key { quoted, length: key.len() }
    }

    /// Whether a `jsonb` is the text of the key.
    pub(super) fn is(&self, json: &str) -> bool {
        self.quoted == json
    }
}

/// Keys and places that lead to a part of a document, as `#>` takes them.
#[derive(Debug)]
pub struct Path {
    steps: Vec<(Key, Option<i32>)>,
}

impl Path {
    /// The path of these texts. Each is a key of an object; within an array it is a place, if it is a number.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Path { steps: texts.into_iter().map(|text| (Key::new(text), place(text))).collect() }
    }
}

/// A number as C's `strtol` reads it: space before it and a plus sign are no fault.
fn place(text: &str) -> Option<i32> {
    text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']).parse().ok()
}

/// The part of a document at the end of a path. Unlike for [`element`], a scalar has no parts.
pub fn at<'a>(json: &'a str, path: &Path) -> Option<&'a str> {
    path.steps.iter().try_fold(json, |json, (key, place)| match json.as_bytes().first()? {
        b'{' => member(json, key),
        b'[' => element(json, i64::from((*place)?)),
        _ => None,
    })
}

/// The value under a key of an object; none if there is no such key or it is no object.
pub fn member<'a>(json: &'a str, key: &Key) -> Option<&'a str> {
    under(json, &key.quoted, key.length)
}

/// The value under a key that is quoted already.
pub(super) fn named<'a>(json: &'a str, quoted: &str) -> Option<&'a str> {
    // With its escapes the key is longer than it is, so that the search may end late, but not early.
    under(json, quoted, quoted.len().saturating_sub(2))
}

fn under<'a>(json: &'a str, quoted: &str, length: usize) -> Option<&'a str> {
    for (name, value) in members(json) {
        if name == quoted {
            return Some(value);
        }
        // Keys stand in the order of their length, which an escape hides.
        if !name.contains('\\') && name.len() > length + 2 {
            return None;
        }
    }
    None
}

/// The members of an object, each with its quoted key; none of anything else.
pub fn members(json: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut cursor = Cursor::inside(json, b'{');
    std::iter::from_fn(move || {
        let cursor = cursor.as_mut().filter(|cursor| cursor.peek() == Some(b'"'))?;
        let name = cursor.value();
        cursor.skip(": ");
        let value = cursor.value();
        cursor.skip(", ");
        Some((name, value))
    })
}

/// The element of an array at a place, from 0, or from -1 at its end. A scalar is an array of itself here, as
/// PostgreSQL stores it.
pub fn element(json: &str, place: i64) -> Option<&str> {
    match json.as_bytes().first()? {
        b'{' => return None,
        b'[' => {}
        _ => return matches!(place, 0 | -1).then_some(json),
    }
    let place = match usize::try_from(place) {
        Ok(place) => place,
        Err(_) => elements(json).count().checked_sub(usize::try_from(place.unsigned_abs()).ok()?)?,
    };
    elements(json).nth(place)
}

/// The elements of an array; none of anything else.
pub fn elements(json: &str) -> impl Iterator<Item = &str> {
    let mut cursor = Cursor::inside(json, b'[');
    std::iter::from_fn(move || {
        let cursor = cursor.as_mut().filter(|cursor| !matches!(cursor.peek(), None | Some(b']')))?;
        let value = cursor.value();
        cursor.skip(", ");
        // Where nothing stands, as in no `jsonb`, there would be no end.
        (!value.is_empty()).then_some(value)
    })
}

/// A `jsonb` as the text that `->>` gives: a string without its quotes; none for `null`.
pub fn text(json: &str) -> Option<Cow<'_, str>> {
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        Some(_) => serde_json::from_str(json).ok().map(Cow::Owned),
        None if json == "null" => None,
        None => Some(Cow::Borrowed(json)),
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Behind the bracket that opens the document, if it is this one.
    fn inside(text: &'a str, bracket: u8) -> Option<Self> {
        (text.as_bytes().first() == Some(&bracket)).then_some(Cursor { text, at: 1 })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, separator: &str) {
        if self.text.as_bytes()[self.at..].starts_with(separator.as_bytes()) {
            self.at += separator.len();
        }
    }

    /// Moves behind the value that starts here and gives it.
    fn value(&mut self) -> &'a str {
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{' | b'[') => self.container(),
            _ => self.at += self.distance(|byte| matches!(byte, b',' | b'}' | b']')),
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn distance(&self, wanted: impl Fn(u8) -> bool) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        rest.iter().position(|&byte| wanted(byte)).unwrap_or(rest.len())
    }

    fn string(&mut self) {
        self.at += 1;
        loop {
            self.at += self.distance(|byte| matches!(byte, b'"' | b'\\'));
            match self.peek() {
                Some(b'\\') => self.at = self.text.len().min(self.at + 2),
                Some(_) => return self.at += 1,
                None => return,
            }
        }
    }

    fn container(&mut self) {
        let mut depth = 0_usize;
        loop {
            self.at += self.distance(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'));
            match self.peek() {
                Some(b'"') => {
                    self.string();
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(_) => depth = depth.saturating_sub(1),
                None => return,
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pgtype::jsonb::normalize;

    fn found(json: &str, key: &str) -> Option<String> {
        member(json, &Key::new(key)).map(str::to_owned)
    }

    #[test]
    fn members_are_found_by_their_key() {
        let json = normalize(r#"{"a":1,"b":{"a":[2,"}"]},"c\"d":"x","ccc":null,"é":"\u00e9\\","zz":[]}"#).unwrap();
        assert_eq!(found(&json, "a").as_deref(), Some("1"));
        assert_eq!(found(&json, "b").as_deref(), Some(r#"{"a": [2, "}"]}"#));
        assert_eq!(found(&json, "c\"d").as_deref(), Some("\"x\""));
        assert_eq!(found(&json, "ccc").as_deref(), Some("null"));
        assert_eq!(found(&json, "é").as_deref(), Some(r#""é\\""#));
        assert_eq!(found(&json, "zz").as_deref(), Some("[]"));
        for absent in ["", "d", "aa", "cccc", "2", "}"] {
            assert_eq!(found(&json, absent), None, "{absent}");
        }
        assert_eq!(found("[1]", "a"), None);
        assert_eq!(found("\"a\"", "a"), None);
        assert_eq!(found("{}", "a"), None);
    }

    #[test]
    fn elements_count_from_both_ends_and_a_scalar_is_its_own() {
        let json = r#"[1, "a,]b", {"k": [2]}, null]"#;
        let wanted = [(0, "1"), (1, "\"a,]b\""), (2, r#"{"k": [2]}"#), (3, "null"), (-1, "null"), (-4, "1")];
        for (place, part) in wanted {
            assert_eq!(element(json, place), Some(part), "{place}");
        }
        for (json, place) in [(json, 4), (json, -5), ("[]", 0), ("[]", -1), (r#"{"0": 1}"#, 0), ("5", 1), ("5", -2)] {
            assert_eq!(element(json, place), None, "{json} at {place}");
        }
        assert_eq!(element(json, i64::MIN), None);
        // SELECT '"foo"'::jsonb -> 0, '5'::jsonb -> -1: PostgreSQL 15 gives "foo" and 5.
        assert_eq!(element("\"foo\"", 0), Some("\"foo\""));
        assert_eq!(element("5", -1), Some("5"));
    }

    #[test]
    fn text_has_no_quotes_and_null_is_none() {
        assert_eq!(text("null"), None);
        assert_eq!(text("\"null\"").as_deref(), Some("null"));
        assert_eq!(text(r#""a\n\"b\"""#).as_deref(), Some("a\n\"b\""));
        assert_eq!(text("1.50").as_deref(), Some("1.50"));
        assert_eq!(text(r#"{"a": "b"}"#).as_deref(), Some(r#"{"a": "b"}"#));
        assert_eq!(text("\"\"").as_deref(), Some(""));
    }

    proptest::proptest! {
        /// Against a parser of whole documents.
        #[test]
        fn parts_are_those_of_a_full_parse(
            bytes in proptest::collection::vec(proptest::sample::select(br#"[]{},:"\ab 10.null"#.to_vec()), 0..40),
            key in proptest::sample::select(&["", "a", "b", "ab", "null", "1"][..]),
            place in -3..3_i64,
        ) {
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            for document in [text.clone(), format!("[{text}]"), format!("{{\"a\":{text}}}")] {
                // Whatever it is, no text makes it panic.
                let (member, at) = (found(&document, key), element(&document, place).map(str::to_owned));
                let _ = (member, at);
                let Ok(json) = normalize(&document) else { continue };
                let whole: serde_json::Value = serde_json::from_str(&json).unwrap();
                let parse = |part: &str| serde_json::from_str::<serde_json::Value>(part).unwrap();
                proptest::prop_assert_eq!(super::member(&json, &Key::new(key)).map(parse), whole.get(key).cloned());
                if let Some(array) = whole.as_array() {
                    let place_of = usize::try_from(if place < 0 { place + array.len() as i64 } else { place }).ok();
                    let wanted = place_of.and_then(|place| array.get(place)).cloned();
                    proptest::prop_assert_eq!(element(&json, place).map(parse), wanted);
                }
            }
        }
    }
}
