//! What the operators `@>`, `?` and `||` of `jsonb` say of documents, in the text that [`super::normalize`] writes.
//!
//! <https://www.postgresql.org/docs/15/datatype-json.html#JSON-CONTAINMENT>

use std::borrow::Cow;

use super::access::{Key, elements, member, members, named, text};
use super::{Fault, normalize};

/// What a value is, as far as containment goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Scalar,
    Array,
    Object,
}

fn shape(json: &str) -> Shape {
    match json.as_bytes().first() {
        Some(b'{') => Shape::Object,
        Some(b'[') => Shape::Array,
        _ => Shape::Scalar,
    }
}

/// `document @> part`. An array may hold a scalar that is not in an array, but only where the whole part is one.
pub fn contains(document: &str, part: &str) -> bool {
    match (shape(document), shape(part)) {
        (Shape::Array, Shape::Scalar) => elements(document).any(|element| holds(element, part)),
        _ => holds(document, part),
    }
}

fn holds(document: &str, part: &str) -> bool {
    match (shape(document), shape(part)) {
        (Shape::Scalar, Shape::Scalar) => is_same(document, part),
        (Shape::Array, Shape::Array) => {
            elements(part).all(|wanted| elements(document).any(|element| holds(element, wanted)))
        }
        (Shape::Object, Shape::Object) => {
            members(part).all(|(name, wanted)| named(document, name).is_some_and(|value| holds(value, wanted)))
        }
        _ => false,
    }
}

/// Whether two scalars are equal; numbers by their value, whatever digits they came with.
fn is_same(one: &str, other: &str) -> bool {
    one == other || matches!((number(one), number(other)), (Some(one), Some(other)) if one == other)
}

/// A number without the zeros behind its point.
fn number(json: &str) -> Option<&str> {
    json.starts_with(|first: char| first == '-' || first.is_ascii_digit()).then(|| match json.contains('.') {
        true => json.trim_end_matches('0').trim_end_matches('.'),
        false => json,
    })
}

/// `document ? key`: a key of the object, a text in the array, or the text itself.
pub fn exists(document: &str, key: &Key) -> bool {
    match shape(document) {
        Shape::Object => member(document, key).is_some(),
        Shape::Array => elements(document).any(|element| key.is(element)),
        Shape::Scalar => key.is(document),
    }
}

/// The texts of which every document that contains this one must hold each, in the sense of `?`: the texts in an array,
/// or the text that it is.
pub fn texts(part: &str) -> Vec<String> {
    let own = std::iter::once(part).filter(|part| shape(part) == Shape::Scalar);
    let texts = elements(part).chain(own).filter(|value| value.starts_with('"'));
    texts.filter_map(text).map(Cow::into_owned).collect()
}

/// `left || right`: two objects become one, of equal keys the right one stays; anything else becomes one array.
///
/// # Errors
/// When the result is nested too deeply.
pub fn concat(left: &str, right: &str) -> Result<String, Fault> {
    let is_object = |json: &str| shape(json) == Shape::Object;
    let (open, close) = if is_object(left) && is_object(right) { ('{', '}') } else { ('[', ']') };
    let inside = |json| str::strip_prefix(json, open).and_then(|json| json.strip_suffix(close)).unwrap_or(json);
    let (before, after) = (inside(left), inside(right));
    let comma = if before.is_empty() || after.is_empty() { "" } else { ", " };
    let joined = format!("{open}{before}{comma}{after}{close}");
    if open == '{' { normalize(&joined) } else { Ok(joined) }
}

#[cfg(test)]
#[path = "operator_tests.rs"]
mod tests;
