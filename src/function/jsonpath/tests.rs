//! Paths against a table of calls; the values are those of PostgreSQL 15.

use super::{FUNCTIONS, OPERATORS, SETS};
use crate::function::io::tests::check_calls;

#[test]
fn answers_are_those_of_postgresql() {
    check_calls(include_str!("cases.tsv"), FUNCTIONS, OPERATORS, SETS);
}
