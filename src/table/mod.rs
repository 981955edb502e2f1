//! Between the engine and the scans: what a WHERE clause asks of one table, and what of it upstream can answer.

pub mod predicate;
pub mod translate;

#[cfg(test)]
mod clauses;
#[cfg(test)]
mod planned;
#[cfg(test)]
mod predicate_tests;
#[cfg(test)]
mod translate_tests;
