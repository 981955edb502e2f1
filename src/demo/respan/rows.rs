//! The rows, made once from the seed: traces of one to nine spans over the 40 days before `now`.

use chrono::{DateTime, Datelike, TimeDelta, Utc};

use super::Options;
use super::make::{Place, span};
use super::span::Span;
use crate::demo::dice::{Dice, Lane, hash};

const DAYS: u64 = 40;
const HOUR_US: i64 = 3_600_000_000;
/// Share of the day's traffic by hour of the day, UTC.
const DAY: [u64; 24] = [2, 2, 1, 1, 1, 1, 2, 3, 5, 7, 8, 7, 6, 7, 8, 8, 7, 6, 5, 5, 4, 4, 3, 3];
/// One trace of so many ended within the last hour.
const RECENT: u64 = 25;
/// Where the default mix has a block of many rows on one instant.
const CROWD: usize = 10;

/// Makes all rows, in no special order.
pub(super) fn make(options: &Options) -> Vec<Span> {
    let seed = options.seed ^ hash(b"respan");
    let count = options.rows as usize;
    let mut spans: Vec<Span> = Vec::with_capacity(count);
    for trace in 0.. {
        let left = count - spans.len();
        if left == 0 {
            break;
        }
        let mut dice = Dice::new(seed, Lane::Trace, trace);
        let size = if dice.below(5) < 2 { 1 } else { 2 + dice.below(8) };
        let end = instant(&mut dice, options.now, trace);
        let mut root = None;
        for place in 0..size.min(left as u64) {
            let index = spans.len() as u64;
            let place = Place { trace, place, size, root: root.as_ref(), end };
            let made = span(seed, index, &place);
            root.get_or_insert_with(|| made.clone());
            spans.push(made);
        }
    }
    tie(&mut spans, seed, options.tie);
    spans.sort_by(|left, right| left.unique_id.cmp(&right.unique_id));
    spans
}

/// When a trace ended, by the rhythm of the day; quieter at week-ends.
fn instant(dice: &mut Dice, now: DateTime<Utc>, trace: u64) -> i64 {
    let now_us = now.timestamp_micros();
    if trace.is_multiple_of(RECENT) {
        return now_us - dice.below(HOUR_US as u64) as i64;
    }
    loop {
        let day = now - TimeDelta::days(dice.below(DAYS + 1) as i64);
        let midnight = day.timestamp_micros() - day.timestamp_micros().rem_euclid(24 * HOUR_US);
        let mut fraction = dice.below(HOUR_US as u64) as i64;
        // Some clocks know whole seconds only.
        if dice.below(12) == 0 {
            fraction -= fraction % 1_000_000;
        }
        let at = midnight + hour(dice) * HOUR_US + fraction;
        let weekend = day.weekday().number_from_monday() > 5;
        let within = at <= now_us && at > now_us - DAYS as i64 * 24 * HOUR_US;
        if within && (!weekend || dice.below(5) < 2) {
            return at;
        }
    }
}

fn hour(dice: &mut Dice) -> i64 {
    let mut roll = dice.below(DAY.iter().sum());
    for (hour, share) in DAY.iter().enumerate() {
        if roll < *share {
            return hour as i64;
        }
        roll -= share;
    }
    0
}

/// Puts rows on one instant: blocks of exactly `tie`, or for 1 a mix of mostly single rows.
fn tie(spans: &mut [Span], seed: u64, tie: u64) {
    spans.sort_by_key(|span| span.timestamp);
    let mut dice = Dice::new(seed, Lane::Tied, 0);
    let mut start = 0;
    while start < spans.len() {
        let mixed = match dice.below(300) {
            _ if start == CROWD => 5,
            0 => 12,
            1..=15 => 2,
            16..=25 => 3,
            _ => 1,
        };
        let size = if tie > 1 { tie as usize } else { mixed };
        // Where the mix has its crowd, the block before must end.
        let end = (start + size).min(spans.len());
        let end = if tie <= 1 && start < CROWD { end.min(CROWD) } else { end };
        // The latest counts, so that the newest rows stay new.
        let at = spans[end - 1].timestamp;
        for span in &mut spans[start..end] {
            let moved = at - span.timestamp;
            span.timestamp = at;
            span.start_time = span.start_time.map(|start| start + moved);
        }
        start = end;
    }
}
