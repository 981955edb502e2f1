//! The functions against a table of calls; the values are those of PostgreSQL 15.

use super::{FUNCTIONS, OPERATORS, SETS};

#[test]
fn functions_and_operators() {
    crate::function::text::tests::check(include_str!("cases.tsv"), FUNCTIONS, OPERATORS, SETS);
}

#[test]
fn lookahead_and_lookbehind() {
    crate::function::text::tests::check(include_str!("lookaround.tsv"), FUNCTIONS, OPERATORS, SETS);
}
