//! The typed filters: `{type, column, operator, value}`.
//!
//! A column that does not exist, or not with this type, is silently ignored: the answer then has more rows, not fewer.
//! Where `type` is left out, as in the vendor's example, the column decides.

use serde_json::Value;

/// The type of a filter, and with it that of its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    String,
    Number,
    Datetime,
    ArrayContains,
}

/// Every column that can be filtered on. Traces have their own three sums.
const COLUMNS: [(&str, Kind); 24] = [
    ("id", Kind::String),
    ("name", Kind::String),
    ("contentType", Kind::String),
    ("status", Kind::String),
    ("logTraceId", Kind::String),
    ("promptId", Kind::String),
    ("referenceId", Kind::String),
    ("parentReferenceId", Kind::String),
    ("sessionId", Kind::String),
    ("content", Kind::String),
    ("parsedContent", Kind::String),
    ("attributes", Kind::String),
    ("latency", Kind::Number),
    ("cost", Kind::Number),
    ("promptTokens", Kind::Number),
    ("completionTokens", Kind::Number),
    ("totalTokens", Kind::Number),
    ("totalCost", Kind::Number),
    ("totalInputTokens", Kind::Number),
    ("totalOutputTokens", Kind::Number),
    ("startedAt", Kind::Datetime),
    ("endedAt", Kind::Datetime),
    ("createdAt", Kind::Datetime),
    ("tags", Kind::ArrayContains),
];

/// The value of a column, as filters see it.
#[derive(Debug)]
pub(super) enum Cell<'a> {
    Text(Option<&'a str>),
    /// Also instants, in epoch milliseconds.
    Number(Option<f64>),
    Elements(&'a [&'static str]),
    /// Rows of this sort do not have the column.
    Unknown,
}

/// A filter that was read.
#[derive(Debug)]
pub(super) struct Filter {
    column: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Equal(String),
    /// The text itself: `%` and `_` are no wildcards, and case counts.
    Part(String),
    Number(Comparison, f64),
    Element(String),
    Ignored,
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Eq,
    Gt,
    Gte,
    Lt,
    Lte,
}

/// The member that is wrong, and what is wrong with it.
type Fault = (&'static str, &'static str);

impl Filter {
    pub(super) fn parse(object: &Value) -> Result<Filter, Fault> {
        let column = object["column"].as_str().ok_or(("column", "Expected string"))?;
        let operator = object["operator"].as_str().ok_or(("operator", "Expected string"))?;
        let value = object.get("value").ok_or(("value", "Required"))?;
        let known = COLUMNS.iter().find(|(name, _)| *name == column).map(|&(_, kind)| kind);
        let given = object.get("type").map(Kind::parse).transpose()?;
        let test = match given.or(known) {
            Some(kind) => kind.test(operator, value)?,
            None => Test::Ignored,
        };
        let test =
            if known.is_none() || given.is_some_and(|given| Some(given) != known) { Test::Ignored } else { test };
        Ok(Filter { column: column.to_owned(), test })
    }

    /// Whether a row passes, given its columns. A null passes no filter.
    pub(super) fn takes<'a>(&self, row: impl Fn(&str) -> Cell<'a>) -> bool {
        match (&self.test, row(&self.column)) {
            (Test::Ignored, _) | (_, Cell::Unknown) => true,
            (Test::Equal(wanted), Cell::Text(text)) => text == Some(wanted),
            (Test::Part(part), Cell::Text(text)) => text.is_some_and(|text| text.contains(part.as_str())),
            (Test::Number(comparison, bound), Cell::Number(value)) => {
                value.is_some_and(|value| comparison.holds(value, *bound))
            }
            (Test::Element(wanted), Cell::Elements(elements)) => elements.contains(&wanted.as_str()),
            _ => false,
        }
    }
}

impl Kind {
    fn parse(value: &Value) -> Result<Kind, Fault> {
        match value.as_str() {
            Some("string") => Ok(Kind::String),
            Some("number") => Ok(Kind::Number),
            Some("datetime") => Ok(Kind::Datetime),
            Some("arrayContains") => Ok(Kind::ArrayContains),
            _ => Err(("type", "Invalid discriminator value")),
        }
    }

    fn test(self, operator: &str, value: &Value) -> Result<Test, Fault> {
        let text = || value.as_str().map(str::to_owned).ok_or(("value", "Expected string"));
        let number = || value.as_f64().ok_or(("value", "Expected number"));
        let comparison = match operator {
            "eq" => Some(Comparison::Eq),
            "gt" => Some(Comparison::Gt),
            "gte" => Some(Comparison::Gte),
            "lt" => Some(Comparison::Lt),
            "lte" => Some(Comparison::Lte),
            _ => None,
        };
        match (self, operator, comparison) {
            (Kind::String, "eq", _) => Ok(Test::Equal(text()?)),
            (Kind::String, "contains", _) => Ok(Test::Part(text()?)),
            (Kind::ArrayContains, "contains", _) => Ok(Test::Element(text()?)),
            (Kind::Datetime, "eq", _) => Err(("operator", "Invalid enum value")),
            (Kind::Number | Kind::Datetime, _, Some(comparison)) => Ok(Test::Number(comparison, number()?)),
            _ => Err(("operator", "Invalid enum value")),
        }
    }
}

impl Comparison {
    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Comparison::Eq => value == bound,
            Comparison::Gt => value > bound,
            Comparison::Gte => value >= bound,
            Comparison::Lt => value < bound,
            Comparison::Lte => value <= bound,
        }
    }
}
