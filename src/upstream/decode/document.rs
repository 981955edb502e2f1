//! A text within a document, found without a tree of the document: agents' inputs and outputs are the largest values that
//! there are, and one short text of them is wanted.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::row::Name;

/// The text at the first of these paths that leads to one. `raw` is JSON: the document or, as a string, the text of it.
/// `None` as well if that text is no JSON.
pub(super) fn find(raw: &str, paths: &[&[&str]]) -> Option<String> {
    let document: Cow<'_, str> = if raw.starts_with('"') { string(raw)? } else { Cow::Borrowed(raw) };
    paths.iter().find_map(|path| {
        let mut deserializer = serde_json::Deserializer::from_str(&document);
        let found = At(path).deserialize(&mut deserializer).ok()?;
        // What follows may show that it is no JSON.
        deserializer.end().ok()?;
        found.map(Cow::into_owned)
    })
}

/// The text of a JSON string; `None` if it is not Unicode.
pub(super) fn string(raw: &str) -> Option<Cow<'_, str>> {
    Name.deserialize(&mut serde_json::Deserializer::from_str(raw)).ok()
}

/// Reads the text at a path of keys below a value, and over all else.
#[derive(Clone, Copy, Debug)]
struct At<'p>(&'p [&'p str]);

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = members.next_key_seed(Name)? {
            match self.0.split_first() {
                // Of a key that comes twice, the last counts.
                Some((first, rest)) if *first == name => found = members.next_value_seed(At(rest))?,
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then_some(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    const PATHS: &[&[&str]] = &[&["model"], &["response", "model"], &["é"]];

    #[test]
    fn the_first_path_that_leads_to_a_text_wins() {
        for (document, expected) in [
            (r#"{"model":"a","response":{"model":"b"}}"#, Some("a")),
            (r#"{"response":{"model":"b"},"model":1}"#, Some("b")),
            (r#"{"response":{"model":"b","model":"c"}}"#, Some("c")),
            (r#"{"response":{"x":[{"model":"b"}]},"é":"d\n"}"#, Some("d\n")),
            (r#"{"mod\u0065l":"a"}"#, Some("a")),
            (r#"{"model":""}"#, Some("")),
            (r#"{"model":null,"response":"x"}"#, None),
            (r#"{"model":{"model":"a"},"response":[{"model":"a"}]}"#, None),
            (r#"[{"model":"a"}]"#, None),
            ("17", None),
            ("true", None),
            ("{}", None),
        ] {
            assert_eq!(find(document, PATHS).as_deref(), expected, "{document}");
            let text = serde_json::to_string(document).unwrap();
            assert_eq!(find(&text, PATHS).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_json_holds_nothing() {
        for text in ["", "x", "\"model\"", "{\"model\":\"a\"", "{\"model\":\"a\"} x", "{\"model\":\"a\",\"b\":tru}"] {
            assert_eq!(find(&serde_json::to_string(text).unwrap(), PATHS), None, "{text}");
        }
        assert_eq!(find(r#""\ud800""#, PATHS), None);
        assert_eq!(find(r#""""#, &[&[]]), None);
    }
}
