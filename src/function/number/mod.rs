//! Operators, functions and casts of the numeric types: `smallint`, `integer`, `bigint`, `real`, `double precision`,
//! `numeric`, and `oid` where it is cast.

#[macro_use]
mod value;

mod bucket;
mod casts;
mod degrees;
mod float;
mod functions;
mod integer;
mod operators;
mod trigonometry;

#[cfg(test)]
mod tests;

pub use casts::{CAST_FUNCTIONS, CASTS};
pub use functions::FUNCTIONS;
pub use operators::OPERATORS;
