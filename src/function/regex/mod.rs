//! PostgreSQL's regular expressions: the operators and functions that take them.
//!
//! The expression is read into a tree ([`parse`]). Where a match starts is found by the `regex` engine, where it ends by
//! an automaton that knows all ends ([`automaton`]), and where its groups are by [`dissect`]: PostgreSQL wants the
//! longest match (or the shortest), not the one that a backtracking engine comes upon first. Where words start and end in
//! texts that are not ASCII is seen by [`marks`]. Texts that are ASCII have automata of their own ([`program`]).

mod automaton;
mod call;
mod class;
mod constraint;
mod dissect;
mod machine;
mod marks;
mod matches;
mod node;
mod options;
mod parse;
mod program;
mod quantifier;
pub(crate) mod similar;

pub(crate) use options::{Dialect, Options};
pub(crate) use program::compile;

pub use call::{FUNCTIONS, OPERATORS, SETS};

#[cfg(test)]
mod tests;
