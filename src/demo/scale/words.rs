//! The free text search: whole words, whatever their case and ending, over the strings of input and output.
//!
//! It is no substring search. A term of several words is found where they stand one after the other within one string.
//! Names of members and numbers are not searched; a term without any word is found nowhere.

use serde_json::Value;

use super::span::Span;

/// The words of a text in their stemmed forms.
pub(super) fn stems(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| stem(&word.to_lowercase()))
        .collect()
}

/// Whether every term is found in the span.
pub(super) fn found(span: &Span, terms: &[Vec<String>]) -> bool {
    if terms.is_empty() {
        return true;
    }
    let mut strings = Vec::new();
    for json in [&span.input, &span.output].into_iter().flatten() {
        collect(&json.value, &mut strings);
    }
    terms.iter().all(|term| {
        !term.is_empty() && strings.iter().any(|words| words.windows(term.len()).any(|part| part == term.as_slice()))
    })
}

fn collect(value: &Value, strings: &mut Vec<Vec<String>>) {
    match value {
        Value::String(text) => strings.push(stems(text)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, strings)),
        Value::Object(members) => members.values().for_each(|item| collect(item, strings)),
        _ => {}
    }
}

/// Cuts the commonest English endings; what stays has three letters at least.
fn stem(word: &str) -> String {
    let endings = [("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("e", "")];
    let cut = endings.iter().find_map(|(ending, instead)| {
        let rest = word.strip_suffix(ending)?;
        (rest.chars().count() >= 3).then(|| format!("{rest}{instead}"))
    });
    cut.unwrap_or_else(|| word.to_owned())
}
