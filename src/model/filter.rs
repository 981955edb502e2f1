//! What a query wants of a table's rows, without the engine: a conjunction of atoms over single columns, or over single
//! places within a `jsonb` column.
//!
//! An atom says at most what the query's own condition says (the condition implies the atom), so that sending an atom
//! upstream never loses a row. No atom but `Null` holds for a NULL.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Bound;

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
    /// The value is none of these.
    NoneOf(Vec<Value>),
    /// The text matches a pattern of literal pieces; see [`Pattern`].
    Like(Pattern),
    /// The integer or time lies in the closed range; `i64::MIN` and `i64::MAX` stand for no bound.
    Within(i64, i64),
    /// The double lies between the bounds, in PostgreSQL's order: NaN is above all numbers, and -0 equals 0.
    Range(Bound<f64>, Bound<f64>),
    /// The document holds this text at its top: an array has it as an element, an object as a key, or it is that text.
    /// PostgreSQL writes it `?`; `@>` with a text in an array implies it. Of a column itself only, never of a path.
    Element(String),
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
    /// The keys that lead to a value within a `jsonb` column; empty for the column itself. The atom is then about the
    /// text that `->>` gives (NULL where a key is absent or the value is `null`), or, if its values are of another
    /// type, about that text cast to the type.
    pub path: Vec<String>,
    /// What is known of the value.
    pub atom: Atom,
}

/// The order of doubles in PostgreSQL: NaN equals itself and is above all numbers, -0 equals 0.
pub fn compare_doubles(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

/// Whether a double lies between two bounds, in PostgreSQL's order.
pub fn is_between(number: f64, low: Bound<f64>, high: Bound<f64>) -> bool {
    let reaches = match low {
        Bound::Included(low) => compare_doubles(number, low).is_ge(),
        Bound::Excluded(low) => compare_doubles(number, low).is_gt(),
        Bound::Unbounded => true,
    };
    reaches
        && match high {
            Bound::Included(high) => compare_doubles(number, high).is_le(),
            Bound::Excluded(high) => compare_doubles(number, high).is_lt(),
            Bound::Unbounded => true,
        }
}

impl Condition {
    /// A condition over a column itself.
    pub fn of(column: &'static str, atom: Atom) -> Self {
        Condition { column, path: Vec::new(), atom }
    }

    /// Whether the other is about the same column and path.
    pub fn is_about_same(&self, other: &Condition) -> bool {
        self.column == other.column && self.path == other.path
    }

    /// The value as SQL: `model`, `metadata->>'plan'`, `(metadata->>'n')::bigint`.
    fn subject(&self) -> String {
        let quoted = |key: &String| format!("'{}'", key.replace('\'', "''"));
        let Some((last, keys)) = self.path.split_last() else { return self.column.to_owned() };
        let mut subject = self.column.to_owned();
        for key in keys {
            subject.push_str("->");
            subject.push_str(&quoted(key));
        }
        subject.push_str("->>");
        subject.push_str(&quoted(last));
        match self.atom.cast() {
            Some(cast) => format!("({subject})::{cast}"),
            None => subject,
        }
    }
}

impl Atom {
    /// The type that a text is cast to before the atom is about it; none if it is about the text.
    fn cast(&self) -> Option<&'static str> {
        match self {
            Atom::Within(..) => Some("bigint"),
            Atom::Range(..) => Some("double precision"),
            Atom::OneOf(values) | Atom::NoneOf(values) => match values.first()? {
                Value::Text(_) => None,
                Value::Integer(_) => Some("bigint"),
                Value::Double(_) => Some("double precision"),
                Value::Boolean(_) => Some("boolean"),
                Value::Timestamp(_) => Some("timestamptz"),
            },
            Atom::Like(_) | Atom::Element(_) | Atom::Null | Atom::NotNull => None,
        }
    }
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
        let subject = self.subject();
        match &self.atom {
            Atom::OneOf(values) if values.len() == 1 => write!(f, "{subject} = {}", values[0]),
            Atom::OneOf(values) => write!(f, "{subject} IN ({})", List(values)),
            Atom::NoneOf(values) if values.len() == 1 => write!(f, "{subject} <> {}", values[0]),
            Atom::NoneOf(values) => write!(f, "{subject} NOT IN ({})", List(values)),
            Atom::Like(pattern) => write!(f, "{subject} {pattern}"),
            Atom::Within(low, i64::MAX) => write!(f, "{subject} >= {low}"),
            Atom::Within(i64::MIN, high) => write!(f, "{subject} <= {high}"),
            Atom::Within(low, high) => write!(f, "{subject} BETWEEN {low} AND {high}"),
            Atom::Range(Bound::Included(low), Bound::Included(high)) => {
                write!(f, "{subject} BETWEEN {low} AND {high}")
            }
            Atom::Range(low, high) => {
                let low = match low {
                    Bound::Included(low) => Some(format!("{subject} >= {low}")),
                    Bound::Excluded(low) => Some(format!("{subject} > {low}")),
                    Bound::Unbounded => None,
                };
                let high = match high {
                    Bound::Included(high) => Some(format!("{subject} <= {high}")),
                    Bound::Excluded(high) => Some(format!("{subject} < {high}")),
                    Bound::Unbounded => None,
                };
                let sides: Vec<String> = [low, high].into_iter().flatten().collect();
                f.write_str(&sides.join(" AND "))
            }
            Atom::Element(text) => write!(f, "{subject} ? '{}'", text.replace('\'', "''")),
            Atom::Null => write!(f, "{subject} IS NULL"),
            Atom::NotNull => write!(f, "{subject} IS NOT NULL"),
        }
    }
}

/// Values with commas between them.
struct List<'a>(&'a [Value]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, value) in self.0.iter().enumerate() {
            write!(f, "{}{value}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_shown_as_sql() {
        let shown = |path: &[&str], atom: Atom| {
            let path = path.iter().map(|&key| key.to_owned()).collect();
            Condition { column: "c", path, atom }.to_string()
        };
        let texts = |texts: &[&str]| texts.iter().map(|&text| Value::Text(text.to_owned())).collect();
        let open = Bound::Unbounded;
        assert_eq!(shown(&[], Atom::NoneOf(texts(&["it's"]))), "c <> 'it''s'");
        assert_eq!(shown(&[], Atom::NoneOf(vec![Value::Integer(1), Value::Integer(2)])), "c NOT IN (1, 2)");
        assert_eq!(shown(&[], Atom::Range(Bound::Excluded(0.01), open)), "c > 0.01");
        assert_eq!(shown(&[], Atom::Range(open, Bound::Included(4.0))), "c <= 4");
        assert_eq!(shown(&[], Atom::Range(Bound::Included(0.5), Bound::Included(4.0))), "c BETWEEN 0.5 AND 4");
        assert_eq!(shown(&[], Atom::Range(Bound::Included(0.5), Bound::Excluded(4.0))), "c >= 0.5 AND c < 4");
        assert_eq!(shown(&["plan"], Atom::OneOf(texts(&["pro"]))), "c->>'plan' = 'pro'");
        assert_eq!(shown(&[], Atom::Element("it's".to_owned())), "c ? 'it''s'");
        assert_eq!(shown(&["it's", "v"], Atom::Null), "c->'it''s'->>'v' IS NULL");
        assert_eq!(shown(&["n"], Atom::Within(5, i64::MAX)), "(c->>'n')::bigint >= 5");
        assert_eq!(shown(&["n"], Atom::OneOf(vec![Value::Double(4.5)])), "(c->>'n')::double precision = 4.5");
    }

    #[test]
    fn doubles_are_ordered_as_postgresql_orders_them() {
        assert!(is_between(f64::NAN, Bound::Excluded(f64::MAX), Bound::Unbounded));
        assert!(!is_between(f64::NAN, Bound::Unbounded, Bound::Included(f64::INFINITY)));
        assert!(is_between(-0.0, Bound::Included(0.0), Bound::Included(0.0)));
        assert!(!is_between(-0.0, Bound::Unbounded, Bound::Excluded(0.0)));
    }
}
