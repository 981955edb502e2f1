//! What upstream can filter by: comparisons as data, and how well upstream keeps to each.

use crate::model::filter::Value;

/// One thing that upstream can filter by a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push {
    /// What SQL must say.
    pub op: Op,
    /// Name of the request parameter or of the filtered field.
    pub parameter: &'static str,
    /// Whether upstream keeps to it to the letter.
    pub fidelity: Fidelity,
    /// Counts against the table's `most_filters`.
    pub counted: bool,
    /// The only values that upstream takes; it refuses a request with another.
    pub domain: Option<&'static [&'static str]>,
    /// The only texts that upstream takes; it refuses a request with another.
    pub takes: Takes,
    /// It is about a value within a `jsonb` column: under any one key, and then these.
    pub under: Option<&'static [&'static str]>,
}

/// Texts that upstream takes as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// All of them.
    Any,
    /// UUIDs.
    Uuid,
    /// Those of at least and at most so many characters.
    Length(usize, usize),
}

impl Takes {
    /// Whether a text is one of these.
    pub fn holds(self, text: &str) -> bool {
        match self {
            Takes::Any => true,
            Takes::Uuid => is_uuid(text),
            Takes::Length(least, most) => (least..=most).contains(&text.chars().count()),
        }
    }
}

/// Whether a text is a UUID in groups of hexadecimal digits.
pub fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl Push {
    /// Takes these texts only.
    #[must_use]
    pub const fn takes(mut self, takes: Takes) -> Self {
        self.takes = takes;
        self
    }

    /// Counts against the table's `most_filters`.
    #[must_use]
    pub const fn counted(mut self) -> Self {
        self.counted = true;
        self
    }

    /// Takes these values only.
    #[must_use]
    pub const fn only(mut self, domain: &'static [&'static str]) -> Self {
        self.domain = Some(domain);
        self
    }

    /// Is about the value under any one key, and then these.
    #[must_use]
    pub const fn under(mut self, suffix: &'static [&'static str]) -> Self {
        self.under = Some(suffix);
        self
    }
}

/// A comparison that upstream offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `column = value`.
    Equal,
    /// `column IN (…)`, also of one value.
    AnyOf,
    /// `column NOT IN (…)`, also of one value. A NULL does not come.
    NoneOf,
    /// `column NOT IN (…)`, also of one value. A NULL comes as well, so it is always checked again.
    Except,
    /// `column ILIKE '%value%'`; hence also a superset of `=` and of `LIKE` patterns.
    Contains,
    /// `column LIKE '%value%'`.
    ContainsCase,
    /// `column LIKE 'value%'`.
    StartsWith,
    /// `column LIKE '%value'`.
    EndsWith,
    /// `column ILIKE 'value'`.
    EqualIgnoreCase,
    /// `column` within one of these ranges, each under its own word. Bounds are inclusive.
    Class(&'static [(&'static str, i64, i64)]),
    /// `column >= value`: in whole multiples of so many units (microseconds for a time), rounded down.
    AtLeast(i64),
    /// `column <= value`: in whole multiples of so many units (microseconds for a time), rounded up.
    AtMost(i64),
    /// `column > value`, a number.
    Greater,
    /// `column >= value`, a number.
    GreaterEqual,
    /// `column < value`, a number.
    Less,
    /// `column <= value`, a number.
    LessEqual,
    /// `column ? value`, for a column whose documents are arrays: the text is one of the elements.
    Element,
    /// `column IS NULL`; the value sent is `true`.
    Null,
    /// `column IS NOT NULL`; the value sent is `false`.
    NotNull,
}

/// One filter of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Name of the request parameter or of the filtered field.
    pub parameter: &'static str,
    /// The key under which the value stands in a `jsonb` column.
    pub key: Option<String>,
    /// The comparison.
    pub op: Op,
    /// What is compared with; one value, unless `op` takes a list.
    pub values: Vec<Value>,
}

impl Filter {
    /// A comparison with one value.
    pub fn one(parameter: &'static str, op: Op, value: Value) -> Self {
        Filter { parameter, key: None, op, values: vec![value] }
    }

    /// The first value as request text.
    pub fn text(&self) -> String {
        self.values.first().map(Value::to_text).unwrap_or_default()
    }

    /// All values as request texts.
    pub fn texts(&self) -> Vec<String> {
        self.values.iter().map(Value::to_text).collect()
    }
}

/// How well upstream keeps to a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fidelity {
    /// Not sent: the rows are filtered here.
    Local,
    /// Sent, and all rows that match come, with others among them: checked again here.
    Superset,
    /// Sent, and exactly the rows that match come.
    Exact,
}

impl Fidelity {
    /// The word that EXPLAIN and the system views use.
    pub fn word(self) -> &'static str {
        match self {
            Fidelity::Local => "local",
            Fidelity::Superset => "re-checked",
            Fidelity::Exact => "pushed",
        }
    }
}

/// A comparison under a parameter.
pub const fn push(op: Op, parameter: &'static str, fidelity: Fidelity) -> Push {
    Push { op, parameter, fidelity, counted: false, domain: None, takes: Takes::Any, under: None }
}

/// `=` under a parameter.
pub const fn equal(parameter: &'static str, fidelity: Fidelity) -> Push {
    push(Op::Equal, parameter, fidelity)
}

/// Case-insensitive substring under a parameter.
pub const fn contains(parameter: &'static str, fidelity: Fidelity) -> Push {
    push(Op::Contains, parameter, fidelity)
}

/// Classes of numbers under a parameter.
pub const fn class(parameter: &'static str, fidelity: Fidelity, classes: &'static [(&'static str, i64, i64)]) -> Push {
    push(Op::Class(classes), parameter, fidelity)
}
