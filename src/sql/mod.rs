//! From PostgreSQL's SQL to rows: rewriting, planning, running on a runtime of its own, EXPLAIN.

pub mod analyze;
pub mod barrier;
pub mod budget;
pub mod cancel;
pub mod cursor;
pub mod display;
pub mod engine;
pub mod estimate;
pub mod explain;
pub mod facts;
pub mod fault;
pub mod gathered;
pub mod inferred;
pub mod lazy;
pub mod memory;
pub mod names;
pub mod parse;
pub mod place;
pub mod relations;
pub mod scalar;
pub mod timezone;
pub mod unnest;
pub mod unrolled;
pub mod values;
pub mod whole;
pub mod windowed;
