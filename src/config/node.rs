//! A configuration as a tree of values that know where they come from: a line of the file or a variable.
//!
//! Serde stops at the first fault, so the file is not deserialized: it becomes this tree, the overrides are laid over
//! it, and `read` takes it apart key by key.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::Fault;

/// A table by key.
pub(super) type Table = BTreeMap<String, Node>;

/// A value and its place. No `Debug`: it may hold a secret.
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// Where a value stands.
#[derive(Clone)]
pub(super) enum Origin {
    /// A 1-based line of the file.
    Line(usize),
    /// The name of an environment variable.
    Variable(String),
    /// Nowhere: the file as a whole.
    File,
}

/// What a configuration can hold; a variable is always `Text`.
pub(super) enum Value {
    Text(String),
    /// None where it does not fit into 64 bits.
    Integer(Option<i64>),
    Boolean(bool),
    List(Vec<Node>),
    Table(Table),
    Float(f64),
    /// What no key takes: a time, by its name.
    Other(&'static str),
}

impl Value {
    /// Returns the type with its article.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Text(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Boolean(_) => "a boolean",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Float(_) => "a float",
            Value::Other(name) => name,
        }
    }
}

/// Reads TOML; all syntax errors at once. Their texts are the parser's own and hold nothing of the file.
pub(super) fn parse(text: &str, file: &str) -> Result<Table, Vec<Fault>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(table(document.get_ref(), text));
    }
    let fault = |error: &toml::de::Error| Fault {
        file: file.to_owned(),
        line: error.span().map(|span| line_of(text, span.start)),
        key: String::new(),
        message: format!("not valid TOML: {}", error.message().replace('\n', ", ")),
        hint: None,
    };
    let mut faults: Vec<Fault> = errors.iter().map(fault).collect();
    faults.sort_by_key(|fault| fault.line);
    Err(faults)
}

fn table(table: &DeTable<'_>, text: &str) -> Table {
    table.iter().map(|(key, value)| (key.get_ref().clone().into_owned(), node(value, text))).collect()
}

fn node(spanned: &Spanned<DeValue<'_>>, text: &str) -> Node {
    let value = match spanned.get_ref() {
        DeValue::String(string) => Value::Text(string.clone().into_owned()),
        DeValue::Integer(integer) => Value::Integer(i64::from_str_radix(integer.as_str(), integer.radix()).ok()),
        DeValue::Float(float) => float.as_str().parse().map_or(Value::Other("a float"), Value::Float),
        DeValue::Boolean(boolean) => Value::Boolean(*boolean),
        DeValue::Datetime(_) => Value::Other("a time"),
        DeValue::Array(array) => Value::List(array.iter().map(|element| node(element, text)).collect()),
        DeValue::Table(inner) => Value::Table(table(inner, text)),
    };
    Node { value, origin: Origin::Line(line_of(text, spanned.span().start)) }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}
