//! A path as it is carried out.

use crate::function::numeric::Numeric;
use crate::function::regex::Options;

/// A path.
#[derive(Debug)]
pub(super) struct Path {
    /// What does not fit the structure is passed over, and arrays are unwrapped.
    pub(super) is_lax: bool,
    pub(super) expression: Expression,
}

/// Something that gives items, and what is taken of each.
#[derive(Debug)]
pub(super) struct Expression {
    pub(super) head: Head,
    pub(super) steps: Vec<Step>,
}

impl Expression {
    /// An expression without steps.
    pub(super) fn of(head: Head) -> Self {
        Expression { head, steps: Vec::new() }
    }
}

/// Where an expression begins.
#[derive(Debug)]
pub(super) enum Head {
    Root,
    Current,
    Last,
    Null,
    Bool(bool),
    Number(Numeric),
    Text(String),
    Variable(String),
    Arithmetic(Operator, Box<Expression>, Box<Expression>),
    Sign { is_minus: bool, of: Box<Expression> },
    Predicate(Box<Predicate>),
}

/// The operators of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Operator {
    pub(super) fn symbol(self) -> char {
        match self {
            Operator::Add => '+',
            Operator::Subtract => '-',
            Operator::Multiply => '*',
            Operator::Divide => '/',
            Operator::Modulo => '%',
        }
    }
}

/// What is taken of an item.
#[derive(Debug)]
pub(super) enum Step {
    Key(String),
    AnyKey,
    AnyElement,
    Elements(Vec<(Expression, Option<Expression>)>),
    /// `**`, from one level to another; `u32::MAX` is the last.
    Descend {
        first: u32,
        last: u32,
    },
    Filter(Predicate),
    Method(Method),
}

/// The item methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Abs,
    Ceiling,
    Floor,
    Double,
    Size,
    Type,
    KeyValue,
}

impl Method {
    pub(super) fn name(self) -> &'static str {
        match self {
            Method::Abs => "abs",
            Method::Ceiling => "ceiling",
            Method::Floor => "floor",
            Method::Double => "double",
            Method::Size => "size",
            Method::Type => "type",
            Method::KeyValue => "keyvalue",
        }
    }
}

/// How two items compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A condition.
#[derive(Debug)]
pub(super) enum Predicate {
    And(Box<Predicate>, Box<Predicate>),
    Or(Box<Predicate>, Box<Predicate>),
    Not(Box<Predicate>),
    IsUnknown(Box<Predicate>),
    Exists(Expression),
    Compare(Comparison, Expression, Expression),
    StartsWith(Expression, Expression),
    LikeRegex(Expression, String, Options),
}
