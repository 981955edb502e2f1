//! Dates, times and intervals: operators, functions and casts.

pub(in crate::function) mod args;
mod arith;
pub(in crate::function) mod convert;
pub mod interval;
mod make;
mod overlaps;
mod part;
mod tables;
mod trunc;

use crate::error::Result;
pub use interval::{fit, interval_key, round_micros, round_timestamp};
pub use tables::{CASTS, FUNCTIONS, OPERATORS};

use crate::pgtype::interval::Interval;
use crate::pgtype::zone::Zone;

/// The timestamp an interval later; with a zone, days and months are those of its clocks.
///
/// # Errors
/// 22008 for one out of range.
pub fn timestamp_plus(micros: i64, span: Interval, zone: Option<&Zone>) -> Result<i64> {
    match zone {
        Some(zone) => arith::add_in_zone(micros, span, zone),
        None => arith::add(micros, span),
    }
}

#[cfg(test)]
mod tests;
