//! What a query wants of a table's rows, without the engine: a conjunction of atoms over single columns.
//!
//! An atom says at most what the query's own condition says (the condition implies the atom), so that sending an atom
//! upstream never loses a row. No atom but `Null` holds for a NULL.

use std::fmt;

/// A value that a filter compares with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A double.
    Double(f64),
    /// A boolean.
    Boolean(bool),
    /// Microseconds since 1970-01-01 UTC.
    Timestamp(i64),
}

/// A condition over one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Atom {
    /// The value is one of these (one value: `=`; none: nothing matches).
    OneOf(Vec<Value>),
    /// The text matches a pattern of literal pieces; see [`Pattern`].
    Like(Pattern),
    /// The integer or time lies in the closed range; `i64::MIN` and `i64::MAX` stand for no bound.
    Within(i64, i64),
    /// The value is NULL.
    Null,
    /// The value is not NULL.
    NotNull,
}

/// A LIKE pattern whose only wildcard is `%`. With `ignore_case` it compares as PostgreSQL's ILIKE does: both sides in
/// lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The literal pieces between the `%`s, none of them empty.
    pub pieces: Vec<String>,
    /// The pattern does not start with `%`.
    pub anchored_start: bool,
    /// The pattern does not end with `%`.
    pub anchored_end: bool,
    /// ILIKE.
    pub ignore_case: bool,
}

/// Something that follows from a WHERE clause, over one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The column.
    pub column: &'static str,
    /// What is known of its value.
    pub atom: Atom,
}

impl Value {
    /// The value as request text.
    pub fn to_text(&self) -> String {
        match self {
            Value::Text(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Double(number) => number.to_string(),
            Value::Boolean(truth) => truth.to_string(),
            Value::Timestamp(micros) => crate::model::scan::iso_micros(*micros),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Value::Timestamp(_) => write!(f, "'{}'", self.to_text()),
            other => f.write_str(&other.to_text()),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.ignore_case { "ILIKE" } else { "LIKE" };
        let start = if self.anchored_start { "" } else { "%" };
        let end = if self.anchored_end { "" } else { "%" };
        write!(f, "{word} '{start}{}{end}'", self.pieces.join("%").replace('\'', "''"))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.column;
        match &self.atom {
            Atom::OneOf(values) if values.len() == 1 => write!(f, "{column} = {}", values[0]),
            Atom::OneOf(values) => {
                write!(f, "{column} IN (")?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            Atom::Like(pattern) => write!(f, "{column} {pattern}"),
            Atom::Within(low, i64::MAX) => write!(f, "{column} >= {low}"),
            Atom::Within(i64::MIN, high) => write!(f, "{column} <= {high}"),
            Atom::Within(low, high) => write!(f, "{column} BETWEEN {low} AND {high}"),
            Atom::Null => write!(f, "{column} IS NULL"),
            Atom::NotNull => write!(f, "{column} IS NOT NULL"),
        }
    }
}
