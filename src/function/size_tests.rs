//! Sizes and names against a table of calls; the values are those of PostgreSQL 15.

use super::FUNCTIONS;
use crate::function::identifier;
use crate::function::io::tests::check_calls;

#[test]
fn answers_are_those_of_postgresql() {
    let functions: Vec<_> = FUNCTIONS.iter().chain(identifier::FUNCTIONS).copied().collect();
    check_calls(include_str!("size_cases.tsv"), &functions, &[], &[]);
}
