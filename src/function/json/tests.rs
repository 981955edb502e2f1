//! The table in `expected` is what PostgreSQL 15.18 answers with `TimeZone` Europe/Berlin: what is called (`f`, `o` or
//! `s`), its name, signature, the types of the arguments, the arguments, and the answer. An error stands as `!SQLSTATE
//! message / detail`, the rows of a set with `;;` between.

use super::*;
use crate::function::io::tests::check_calls;

#[test]
fn answers_are_those_of_postgresql() {
    check_calls(include_str!("expected/calls.tsv"), FUNCTIONS, OPERATORS, SETS);
}

#[test]
fn functions_behind_operators_have_names() {
    check_calls(include_str!("expected/named.tsv"), FUNCTIONS, OPERATORS, SETS);
}
