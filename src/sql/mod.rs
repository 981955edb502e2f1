//! From PostgreSQL's SQL to rows: rewriting, planning, running on a runtime of its own, EXPLAIN.

pub mod budget;
pub mod cancel;
pub mod casts;
pub mod display;
pub mod engine;
pub mod explain;
pub mod fault;
pub mod functions;
pub mod memory;
pub mod names;
pub mod place;
pub mod relations;
pub mod timezone;
