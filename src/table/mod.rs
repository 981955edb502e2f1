//! Between the engine and the scans: what a WHERE clause asks of one table, and what of it upstream can answer.

pub mod predicate;
pub mod translate;
