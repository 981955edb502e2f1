//! PostgreSQL's functions, operators, casts and aggregates as plain functions of values.
//!
//! Nothing here knows of the engine, of columns or of SQL text: a function takes the values of one row and gives one
//! value. Which function a call means is resolved by [`resolve`], as PostgreSQL does it, from the tables of the families.
//!
//! A signature is text: argument types by their `pg_type` names, separated by blanks; `anyelement`, `anyarray`,
//! `anynonarray`, `anycompatible`, `anycompatiblearray` and `any` as in PostgreSQL; a last type followed by `...` is
//! VARIADIC (any number of arguments of that type, at least one; with `any...` also none).

pub mod aggregate;
pub mod array;
pub mod coerce;
pub(crate) mod ctype;
pub mod datetime;
pub mod datum;
pub mod identifier;
pub mod io;
pub mod json;
pub mod jsonpath;
pub mod number;
pub mod numeric;
pub mod quote;
pub mod regex;
pub mod registry;
pub mod resolve;
pub mod series;
pub mod size;
pub mod template;
pub mod text;

use crate::error::Result;
use crate::function::datum::Datum;
use crate::pgtype::style::Style;

/// How a function is carried out: the values of one row and the session's settings.
pub type Call = for<'a> fn(&[Datum<'a>], &Style) -> Result<Datum<'a>>;

/// How a set-returning function is carried out: rows of as many values as it has columns.
pub type Rows = for<'a> fn(&[Datum<'a>], &Style) -> Result<Vec<Vec<Datum<'a>>>>;

/// A scalar function, or an operator (then `name` is its symbol, and one argument means a prefix operator).
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// `pg_proc.proname`, or `pg_operator.oprname`.
    pub name: &'static str,
    /// The argument types.
    pub args: &'static str,
    /// The type of the value.
    pub result: &'static str,
    /// NULL for any argument gives NULL, without a call.
    pub strict: bool,
    /// It gives another value each time.
    pub volatile: bool,
    /// What it does. Arguments are of exactly the types of the signature.
    pub call: Call,
}

/// A set-returning function.
#[derive(Clone, Copy, Debug)]
pub struct SetFunction {
    /// `pg_proc.proname`.
    pub name: &'static str,
    /// The argument types.
    pub args: &'static str,
    /// The columns: `name type, name type`. One column without a name is named as the function.
    pub columns: &'static str,
    /// NULL for any argument gives no rows, without a call.
    pub strict: bool,
    /// What it does.
    pub rows: Rows,
}

/// When PostgreSQL casts by itself (`pg_cast.castcontext`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CastContext {
    /// Wherever a value of the target type is wanted.
    Implicit,
    /// When it is assigned to a column.
    Assignment,
    /// Only where a cast is written.
    Explicit,
}

/// A cast between two types that does not go through text.
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    /// The type of the argument.
    pub from: &'static str,
    /// The type of the value.
    pub to: &'static str,
    /// When it is made.
    pub context: CastContext,
    /// What it does with a value that is not NULL.
    pub call: Call,
}

/// What an aggregate gathers from the rows of one group.
pub trait State: Send + Sync + std::fmt::Debug {
    /// Takes a row. Rows with NULL do not come if the aggregate is strict.
    ///
    /// # Errors
    /// As PostgreSQL's transition function.
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()>;

    /// The value over the rows so far; may be asked for more than once.
    ///
    /// # Errors
    /// As PostgreSQL's final function.
    fn finish(&self) -> Result<Datum<'static>>;

    /// Bytes held.
    fn size(&self) -> usize;
}

/// How the state of a group is made from the direct arguments.
pub type Make = fn(&[Datum<'_>], &Style) -> Result<Box<dyn State>>;

/// An aggregate function. DISTINCT, ORDER BY and FILTER are not its business: it is given the rows that remain, in order.
#[derive(Clone, Copy, Debug)]
pub struct Aggregate {
    /// `pg_proc.proname`.
    pub name: &'static str,
    /// How many of the arguments are direct (`percentile_cont(0.5) WITHIN GROUP (ORDER BY x)` has one); `None` if it is
    /// no ordered-set aggregate.
    pub direct: Option<usize>,
    /// The argument types, the direct ones first.
    pub args: &'static str,
    /// The type of the value.
    pub result: &'static str,
    /// Rows with NULL for any argument that is not direct are left out.
    pub strict: bool,
    /// Makes the state of a group from the direct arguments.
    pub make: Make,
}

/// Makes a function that is not called with NULL.
pub const fn strict(name: &'static str, args: &'static str, result: &'static str, call: Call) -> Function {
    Function { name, args, result, strict: true, volatile: false, call }
}

/// Makes a function that sees its NULLs.
pub const fn lax(name: &'static str, args: &'static str, result: &'static str, call: Call) -> Function {
    Function { name, args, result, strict: false, volatile: false, call }
}

/// Makes a cast.
pub const fn cast(from: &'static str, to: &'static str, context: CastContext, call: Call) -> Cast {
    Cast { from, to, context, call }
}
