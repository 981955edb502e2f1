//! PostgreSQL's types: which one an Arrow column has, and its values as text and as bytes.
//!
//! Below the wire and below SQL, so that functions print and read values exactly as the wire does. `column` holds a
//! column ready to be printed, `parameter` turns what a client binds into values; the modules between are pure, one
//! kind of value each.

pub mod types;

pub mod style;
pub mod zone;

pub mod array;
pub mod bytea;
pub mod calendar;
pub mod datetime;
pub mod float;
pub mod interval;
pub mod interval_parse;
pub mod jsonb;
pub mod moment;
pub mod numeric;
pub mod text;

pub mod column;
pub mod parameter;
