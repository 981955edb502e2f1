//! Filters: conditions on members, metadata and scores, joined from left to right.
//!
//! What is null or not there meets no condition but `isnull`, not even a negative one. Several values mean any of them,
//! for a negative operator none of them. Text is compared byte by byte except where the operator ignores case; no
//! document says what `lt` and its like do to text, here they compare bytes too.

use std::cmp::Ordering;

use serde_json::Value;

use super::fields::{self, Cell, Field, Kind};
use super::refusal::Refusal;
use super::span::Span;

/// Conditions and groups of them. An empty one takes every span.
#[derive(Debug, Default)]
pub(super) struct Filter {
    terms: Vec<Term>,
}

/// A part of a filter and how it joins what stands before it.
#[derive(Debug)]
struct Term {
    or: bool,
    part: Part,
}

#[derive(Debug)]
enum Part {
    One(Condition),
    Group(Filter),
}

impl Filter {
    /// Adds a condition with AND or OR.
    pub(super) fn push(&mut self, or: bool, condition: Condition) {
        self.terms.push(Term { or, part: Part::One(condition) });
    }

    /// Adds a group with AND or OR; an empty one changes nothing.
    pub(super) fn push_group(&mut self, or: bool, group: Filter) {
        if !group.terms.is_empty() {
            self.terms.push(Term { or, part: Part::Group(group) });
        }
    }

    pub(super) fn takes(&self, span: &Span) -> bool {
        let mut terms = self.terms.iter();
        let Some(first) = terms.next() else { return true };
        terms.fold(first.takes(span), |held, term| match term.or {
            true => held || term.takes(span),
            false => held && term.takes(span),
        })
    }
}

impl Term {
    fn takes(&self, span: &Span) -> bool {
        match &self.part {
            Part::One(condition) => condition.takes(span),
            Part::Group(filter) => filter.takes(span),
        }
    }
}

/// What a condition looks at.
#[derive(Debug)]
pub(super) enum Target {
    Field(&'static Field),
    /// The value of a metadata key.
    Label(String),
    /// The value of an evaluator's score.
    Score(String),
    /// Whether the span has no parent.
    Root,
}

impl Target {
    /// The target that a filter of the body names.
    pub(super) fn in_body(name: &str) -> Option<Target> {
        if name == "is_root_span" {
            return Some(Target::Root);
        }
        Target::prefixed(name).or_else(|| fields::in_body(name).map(Target::Field))
    }

    /// The target that a parameter of the URL names: what is not known is metadata.
    pub(super) fn in_url(name: &str) -> Target {
        Target::prefixed(name)
            .or_else(|| fields::named(name).filter(|field| field.in_url).map(Target::Field))
            .unwrap_or_else(|| Target::Label(name.to_owned()))
    }

    fn prefixed(name: &str) -> Option<Target> {
        if let Some(key) = name.strip_prefix("metadata__") {
            return Some(Target::Label(key.to_owned()));
        }
        name.strip_prefix("scores__").map(|id| Target::Score(id.to_owned()))
    }

    /// The one name that it has in the URL and in the body.
    pub(super) fn name(&self) -> String {
        match self {
            Target::Field(field) => field.name.to_owned(),
            Target::Label(key) => format!("metadata__{key}"),
            Target::Score(id) => format!("scores__{id}"),
            Target::Root => "is_root_span".to_owned(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Target::Field(field) => field.kind,
            Target::Label(_) => Kind::Text,
            Target::Score(_) => Kind::Number,
            Target::Root => Kind::Bool,
        }
    }

    fn read<'a>(&self, span: &'a Span) -> Cell<'a> {
        match self {
            Target::Field(field) => (field.read)(span),
            Target::Label(key) => {
                span.metadata.as_ref().and_then(|map| map.get(key)).map_or(Cell::Null, |text| Cell::Text(text))
            }
            Target::Score(id) => score(span, id).map_or(Cell::Null, Cell::Float),
            Target::Root => Cell::Bool(span.span_parent_id.is_none()),
        }
    }
}

/// The score of one evaluator.
pub(super) fn score(span: &Span, id: &str) -> Option<f64> {
    span.scores.as_ref()?.get(id).map(|score| score.score_value)
}

/// How values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Equal,
    EqualIgnoringCase,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    ContainsIgnoringCase,
    Starts,
    Ends,
    Null,
    Empty,
}

impl Test {
    /// The test of an operator, and whether it is negated.
    fn of(operator: &str) -> Option<(Test, bool)> {
        Some(match operator {
            "" | "in" => (Test::Equal, false),
            "not" | "not_in" => (Test::Equal, true),
            "iexact" => (Test::EqualIgnoringCase, false),
            "lt" => (Test::Less, false),
            "lte" => (Test::LessOrEqual, false),
            "gt" => (Test::Greater, false),
            "gte" => (Test::GreaterOrEqual, false),
            "contains" => (Test::Contains, false),
            "not_contains" => (Test::Contains, true),
            "icontains" => (Test::ContainsIgnoringCase, false),
            "startswith" => (Test::Starts, false),
            "not_startswith" => (Test::Starts, true),
            "endswith" => (Test::Ends, false),
            "not_endswith" => (Test::Ends, true),
            "isnull" => (Test::Null, false),
            "empty" => (Test::Empty, false),
            "not_empty" => (Test::Empty, true),
            _ => return None,
        })
    }

    /// Whether it looks at the text of a value whatever its type.
    fn textual(self) -> bool {
        use Test::{Contains, ContainsIgnoringCase, Ends, EqualIgnoringCase, Starts};
        matches!(self, EqualIgnoringCase | Contains | ContainsIgnoringCase | Starts | Ends)
    }

    /// Scores are compared by size only.
    fn fits_scores(self) -> bool {
        !self.textual() && !matches!(self, Test::Null | Test::Empty)
    }
}

/// One comparison.
#[derive(Debug)]
pub(super) struct Condition {
    target: Target,
    test: Test,
    negated: bool,
    operands: Vec<Operand>,
}

impl Condition {
    /// Reads a condition; the name is that of the filter, for what is said about a fault.
    pub(super) fn new(name: &str, target: Target, operator: &str, values: &[Value]) -> Result<Condition, Refusal> {
        let (test, negated) = Test::of(operator)
            .ok_or_else(|| Refusal::invalid(name, format!("\"{operator}\" is not a valid operator.")))?;
        if matches!(target, Target::Score(_)) && !test.fits_scores() {
            return Err(Refusal::invalid(name, format!("Scores do not support the operator \"{operator}\".")));
        }
        let kind = match test {
            Test::Null => Kind::Bool,
            test if test.textual() => Kind::Text,
            _ => target.kind(),
        };
        let operands = match test {
            Test::Empty => vec![Operand::Text(String::new())],
            Test::EqualIgnoringCase | Test::ContainsIgnoringCase => {
                let texts = values.iter().map(|value| Operand::read(name, Kind::Text, value));
                texts.map(|operand| Ok(operand?.lower())).collect::<Result<_, Refusal>>()?
            }
            _ => values.iter().map(|value| Operand::read(name, kind, value)).collect::<Result<_, Refusal>>()?,
        };
        Ok(Condition { target, test, negated, operands })
    }

    fn takes(&self, span: &Span) -> bool {
        let cell = self.target.read(span);
        if self.test == Test::Null {
            return self
                .operands
                .iter()
                .any(|operand| matches!(operand, Operand::Flag(null) if *null == cell.is_null()));
        }
        if cell.is_null() {
            return false;
        }
        self.operands.iter().any(|operand| operand.meets(self.test, cell)) != self.negated
    }
}

/// One value of a filter, in the type of its target.
#[derive(Debug)]
enum Operand {
    Text(String),
    Int(i64),
    Float(f64),
    Flag(bool),
}

impl Operand {
    fn read(name: &str, kind: Kind, value: &Value) -> Result<Operand, Refusal> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                return Err(Refusal::invalid(name, "Not a valid filter value."));
            }
        };
        match kind {
            Kind::Text | Kind::Other => Ok(Operand::Text(text)),
            Kind::Number => number(&text).ok_or_else(|| Refusal::invalid(name, "A valid number is required.")),
            Kind::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Ok(Operand::Flag(true)),
                "false" | "0" => Ok(Operand::Flag(false)),
                _ => Err(Refusal::invalid(name, "Must be a valid boolean.")),
            },
        }
    }

    fn lower(self) -> Operand {
        match self {
            Operand::Text(text) => Operand::Text(text.to_lowercase()),
            other => other,
        }
    }

    fn meets(&self, test: Test, cell: Cell<'_>) -> bool {
        if let (true, Operand::Text(wanted)) = (test.textual(), self) {
            return textual(test, &plain(cell), wanted);
        }
        let Some(order) = self.order(cell) else { return false };
        match test {
            Test::Equal | Test::Empty => order == Ordering::Equal,
            Test::Less => order == Ordering::Less,
            Test::LessOrEqual => order != Ordering::Greater,
            Test::Greater => order == Ordering::Greater,
            Test::GreaterOrEqual => order != Ordering::Less,
            _ => false,
        }
    }

    /// How the cell stands to this value. Whole numbers are compared as such: doubles cannot tell the largest apart.
    fn order(&self, cell: Cell<'_>) -> Option<Ordering> {
        match (cell, self) {
            (Cell::Int(cell), Operand::Int(value)) => Some(cell.cmp(value)),
            (Cell::Int(cell), Operand::Float(value)) => (cell as f64).partial_cmp(value),
            (Cell::Float(cell), Operand::Int(value)) => cell.partial_cmp(&(*value as f64)),
            (Cell::Float(cell), Operand::Float(value)) => cell.partial_cmp(value),
            (Cell::Bool(cell), Operand::Flag(value)) => Some(cell.cmp(value)),
            (cell, Operand::Text(value)) => Some(plain(cell).as_str().cmp(value)),
            _ => None,
        }
    }
}

fn number(text: &str) -> Option<Operand> {
    let text = text.trim();
    if let Ok(value) = text.parse() {
        return Some(Operand::Int(value));
    }
    text.parse().ok().filter(|value: &f64| value.is_finite()).map(Operand::Float)
}

fn textual(test: Test, text: &str, wanted: &str) -> bool {
    match test {
        Test::EqualIgnoringCase => text.to_lowercase() == wanted,
        Test::ContainsIgnoringCase => text.to_lowercase().contains(wanted),
        Test::Contains => text.contains(wanted),
        Test::Starts => text.starts_with(wanted),
        Test::Ends => text.ends_with(wanted),
        _ => false,
    }
}

/// The text of a cell that a filter may look at.
fn plain(cell: Cell<'_>) -> String {
    match cell {
        Cell::Text(text) => text.to_owned(),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => ryu::Buffer::new().format(value).to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::Null | Cell::Time(_) | Cell::Json(_) | Cell::Labels(_) | Cell::Scores(_) => String::new(),
    }
}
