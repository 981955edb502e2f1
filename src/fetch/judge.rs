//! What a full page says about the rows that did not fit on it. Pure; the heart of reading past a row limit by time.
//!
//! A full page that is sorted by time holds all rows on one side of its last instant, so the rest lies beyond it: the next
//! bound is that instant, inclusive, for it may have more rows than fitted. A page that is not sorted says nothing but that
//! there is more: its range is divided where half of its rows lie on either side. That takes at most 2 · rows / half a page
//! calls however the rows lie in time, which halving the range itself would not.

use crate::model::scan::{Range, ceil, floor};

use super::rows::{Order, Place, holds};

/// What is left to be read of a range whose page was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing: the page reaches over the end of the range.
    Complete,
    /// This part.
    Narrow(Range),
    /// Both halves, and the page counts for nothing.
    Split {
        /// The half that ends where the other begins.
        older: Range,
        /// The half that begins where the other ends.
        newer: Range,
    },
    /// There are more rows on an instant than on a page, or so it seems.
    OneInstant,
    /// Upstream does not keep to the range, so that no other range would bring other rows.
    Ignored,
}

/// A full page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Full<'a> {
    /// The range that was asked for.
    pub(super) asked: Range,
    /// All its rows, as they came.
    pub(super) rows: &'a [Place],
    /// How they are sorted.
    pub(super) order: Order,
    /// How many are in the range and have not come before.
    pub(super) fresh: usize,
}

/// Judges a full page. `precision` is that of upstream's bounds, in microseconds.
pub(super) fn judge(page: Full<'_>, precision: i64, now: i64) -> Verdict {
    let Full { asked, rows, order, fresh } = page;
    let inside = || rows.iter().map(|row| row.time).filter(|time| holds(asked, *time, 0));
    // One that cuts times to its precision before it compares them keeps to the range all the same.
    let strays = rows.iter().any(|row| !holds(asked, row.time, precision - 1));
    let stuck = if strays { Verdict::Ignored } else { Verdict::OneInstant };
    let (Some(oldest), Some(newest)) = (inside().min(), inside().max()) else { return stuck };
    let next = match order {
        Order::NewestFirst if asked.from.is_some_and(|from| rows.iter().any(|row| row.time < from)) => {
            return Verdict::Complete;
        }
        Order::OldestFirst if asked.to.is_some_and(|to| rows.iter().any(|row| row.time > to)) => {
            return Verdict::Complete;
        }
        _ if strays && fresh == 0 => return Verdict::Ignored,
        Order::NewestFirst => {
            let to = ceil(oldest, precision);
            Range { to: Some(asked.to.map_or(to, |end| end.min(to))), ..asked }
        }
        Order::OldestFirst => {
            let from = floor(newest, precision);
            Range { from: Some(asked.from.map_or(from, |start| start.max(from))), ..asked }
        }
        // Each half would bring the same page again.
        Order::Mixed if strays => return Verdict::Ignored,
        Order::Mixed => return split(asked, inside().collect(), precision, now),
    };
    if next == asked { stuck } else { Verdict::Narrow(next) }
}

fn split(asked: Range, mut times: Vec<i64>, precision: i64, now: i64) -> Verdict {
    times.sort_unstable();
    let (Some(oldest), Some(newest)) = (times.first(), times.last()) else { return Verdict::Ignored };
    let start = asked.from.unwrap_or_else(|| floor(*oldest, precision).saturating_sub(precision));
    let end = asked.to.unwrap_or_else(|| ceil((*newest).max(now), precision));
    let within = |middle: &i64| start < *middle && *middle < end;
    let half = times.len() / 2;
    let below = times[..half].iter().rev().map(|time| floor(*time, precision)).find(within);
    let above = times[half..].iter().map(|time| floor(*time, precision)).find(within);
    // Between the two, the one closer to the half of the rows; if all rows lie on the ends, half of the time.
    let rank = |middle: &i64| times.partition_point(|time| time < middle).abs_diff(half);
    let by_rows = below.into_iter().chain(above).min_by_key(rank);
    let by_time = floor(start.midpoint(end), precision);
    match by_rows.or(Some(by_time)).filter(within) {
        Some(middle) => {
            Verdict::Split { older: Range { to: Some(middle), ..asked }, newer: Range { from: Some(middle), ..asked } }
        }
        None => Verdict::OneInstant,
    }
}

#[cfg(test)]
mod tests;
