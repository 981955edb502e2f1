//! When rows happened: the instant of row `i` as a function that never rises with `i`.
//!
//! The 29 days before `now` are cut into hours of different weight (busy afternoons, quiet nights and week-ends); row
//! `i` of `n` stands where the weight counted back from the newest row reaches `i / n`, moved by less than one row's
//! share. A time window is therefore a range of indexes, found by binary search.

use std::ops::Range;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};

use super::dice::{Lane, draw};
use super::odd;

const HOUR_MS: i64 = 3_600_000;
const HOURS: usize = 29 * 24;
/// The newest row is a little older than `now`, as rows are logged after the call.
const NEWEST_AGE_MS: i64 = 12_345;
/// Share of the day's traffic by hour of the day, UTC.
const DAY: [f64; 24] = [
    2.0, 1.5, 1.2, 1.0, 1.0, 1.3, 2.0, 3.5, 5.5, 7.0, 7.5, 7.3, 6.5, 7.2, 8.0, 8.0, 7.4, 6.5, 5.5, 4.8, 4.2, 3.8, 3.2,
    2.6,
];
const WEEKEND: f64 = 0.4;

/// The instants of all request rows.
#[derive(Clone, Debug)]
pub(super) struct Rhythm {
    seed: u64,
    tie: u64,
    newest_ms: i64,
    /// Weight of all hours younger than this one, by hours of age; one more entry at the end for the total.
    younger: Vec<f64>,
    /// Weight of one row.
    step: f64,
}

impl Rhythm {
    pub(super) fn new(seed: u64, rows: u64, tie: u64, now: DateTime<Utc>) -> Rhythm {
        let newest_ms = now.timestamp_millis() - NEWEST_AGE_MS;
        let mut younger = Vec::with_capacity(HOURS + 1);
        let mut total = 0.0;
        for age in 0..HOURS {
            younger.push(total);
            total += weight(now - TimeDelta::hours(age as i64));
        }
        younger.push(total);
        // The oldest row stays within the 29 days although the newest is not quite at their end.
        let used = total - weight(now - TimeDelta::hours(HOURS as i64 - 1)) * 0.01;
        Rhythm { seed, tie: tie.max(1), newest_ms, younger, step: used / rows.max(1) as f64 }
    }

    /// The instant of a row, in microseconds since 1970.
    pub(super) fn instant(&self, index: u64) -> i64 {
        let anchor = self.anchor(index);
        let at_ms = self.newest_ms - self.age_ms(anchor);
        at_ms * 1000 + self.micros(index)
    }

    /// The instant of a row cut to milliseconds.
    pub(super) fn instant_ms(&self, index: u64) -> i64 {
        self.newest_ms - self.age_ms(self.anchor(index))
    }

    /// The row whose instant this one shares.
    fn anchor(&self, index: u64) -> u64 {
        if self.tie > 1 {
            return index - index % self.tie;
        }
        if index < odd::PLACES {
            return odd::anchor(index);
        }
        let mut anchor = index;
        while anchor > odd::PLACES && draw(self.seed, Lane::Tied, anchor).is_multiple_of(61) {
            anchor -= 1;
        }
        anchor
    }

    /// Microseconds beyond the millisecond. A whole block of tied rows has the same.
    fn micros(&self, index: u64) -> i64 {
        if self.tie == 1 {
            return odd::micros(index);
        }
        let block = index / self.tie;
        if block == odd::FIRST_MICROS / self.tie { odd::micros(odd::FIRST_MICROS) } else { 0 }
    }

    fn age_ms(&self, index: u64) -> i64 {
        // The odd rows stand at even distances: those with microseconds need a millisecond of their own.
        let jitter =
            if index < odd::PLACES { 0.0 } else { (draw(self.seed, Lane::Jitter, index) >> 48) as f64 / 65_536.0 };
        let weight = (index as f64 + jitter) * self.step;
        let hour = (self.younger.partition_point(|&younger| younger <= weight) - 1).min(HOURS - 1);
        let of_hour = (weight - self.younger[hour]) / (self.younger[hour + 1] - self.younger[hour]);
        hour as i64 * HOUR_MS + ((of_hour * HOUR_MS as f64) as i64).min(HOUR_MS - 1)
    }
}

/// The indexes below `count` whose millisecond lies in `from_ms..=to_ms`, given that `at_ms` never rises.
pub(super) fn window(count: u64, from_ms: i64, to_ms: i64, at_ms: impl Fn(u64) -> i64) -> Range<u64> {
    let start = first(0..count, |index| at_ms(index) <= to_ms);
    let end = first(start..count, |index| at_ms(index) < from_ms);
    start..end
}

/// The first index of the range for which the condition holds, or the end; it must hold from some index on.
pub(super) fn first(range: Range<u64>, holds: impl Fn(u64) -> bool) -> u64 {
    let Range { mut start, mut end } = range;
    while start < end {
        let middle = start + (end - start) / 2;
        if holds(middle) {
            end = middle;
        } else {
            start = middle + 1;
        }
    }
    start
}

fn weight(at: DateTime<Utc>) -> f64 {
    let weekend = at.weekday().number_from_monday() > 5;
    DAY[at.hour() as usize] * if weekend { WEEKEND } else { 1.0 }
}
