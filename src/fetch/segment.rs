//! Which part of a time range is held, which is not, and what gives way when it is read again. Pure.
//!
//! Instants are microseconds since 1970-01-01 UTC, ranges are closed. The extents of one table never overlap: what is read
//! anew takes the place of what was held of its range.

use std::time::Duration;

use crate::model::scan::Range;

/// What is known of held rows besides the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// All rows of this range are held; without an end, all that had come when they were read.
    pub(super) range: Range,
    /// When the reading began: what came later may be missing.
    pub(super) read_at: i64,
}

/// How fresh held rows must be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freshness {
    /// Now.
    pub(super) now_us: i64,
    /// How old rows may be that can still change.
    pub(super) max_staleness: Duration,
    /// How long rows can change.
    pub(super) settle_us: i64,
}

/// How a range is put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cover {
    /// The parts that are held, ascending: the position of the extent, and what of it counts.
    pub(super) parts: Vec<(usize, Range)>,
    /// What is to be read, ascending.
    pub(super) gaps: Vec<Range>,
}

impl Freshness {
    /// Whether rows up to an instant may still change.
    pub(super) fn is_open(&self, to: Option<i64>) -> bool {
        to.is_none_or(|to| to >= self.now_us.saturating_sub(self.settle_us))
    }
}

impl Extent {
    /// Whether what is held can change no more.
    pub(super) fn is_settled(&self, settle_us: i64) -> bool {
        self.range.to.is_some_and(|to| to <= self.read_at.saturating_sub(settle_us))
    }

    /// The last instant up to which the rows are as they would be read now, or as old as is allowed.
    pub(super) fn solid_to(&self, fresh: Freshness) -> i64 {
        let age_us = u128::try_from(fresh.now_us.saturating_sub(self.read_at)).unwrap_or(0);
        if age_us <= fresh.max_staleness.as_micros() {
            // What has come since may be missing for so long.
            return self.range.to.unwrap_or(i64::MAX);
        }
        let settled = self.read_at.saturating_sub(fresh.settle_us);
        self.range.to.map_or(settled, |to| to.min(settled))
    }
}

/// How a range is put together from extents, which stand in ascending order.
pub(super) fn cover(extents: impl Iterator<Item = Extent>, wanted: Range, fresh: Freshness) -> Cover {
    let mut cover = Cover::default();
    let end = wanted.to.unwrap_or(i64::MAX);
    let mut next = wanted.from.unwrap_or(i64::MIN);
    if next > end {
        return cover;
    }
    for (index, extent) in extents.enumerate() {
        let from = extent.range.from.unwrap_or(i64::MIN).max(next);
        let to = extent.solid_to(fresh).min(end);
        if from > to {
            continue;
        }
        if from > next {
            cover.gaps.push(closed(next, from - 1));
        }
        cover.parts.push((index, closed(from, to)));
        if to == end {
            return cover;
        }
        next = to + 1;
    }
    cover.gaps.push(closed(next, end));
    cover
}

/// What stays of a range when another one takes its place where they meet.
pub(super) fn without(range: Range, taken: Range) -> impl Iterator<Item = Range> {
    let older =
        taken.from.and_then(|from| from.checked_sub(1)).map(|to| meet(range, Range { from: None, to: Some(to) }));
    let newer = taken.to.and_then(|to| to.checked_add(1)).map(|from| meet(range, Range { from: Some(from), to: None }));
    [older, newer].into_iter().flatten().filter(|rest| !rest.is_empty())
}

/// What two ranges have in common.
pub(super) fn meet(one: Range, other: Range) -> Range {
    let to = match (one.to, other.to) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    Range { from: one.from.max(other.from), to }
}

/// Whether two ranges have anything in common.
pub(super) fn meets(one: Range, other: Range) -> bool {
    !meet(one, other).is_empty()
}

/// Gaps that lie close together become one, where `between` says that what lies between is worth no call of its own.
pub(super) fn joined(gaps: &[Range], between: impl Fn(Range) -> bool) -> Vec<Range> {
    let mut joined: Vec<Range> = Vec::new();
    for gap in gaps {
        match joined.last_mut() {
            Some(last) if is_small(last.to, gap.from, &between) => last.to = gap.to,
            _ => joined.push(*gap),
        }
    }
    joined
}

fn is_small(to: Option<i64>, from: Option<i64>, between: &impl Fn(Range) -> bool) -> bool {
    let (Some(to), Some(from)) = (to, from) else { return false };
    between(Range { from: to.checked_add(1), to: from.checked_sub(1) })
}

fn closed(from: i64, to: i64) -> Range {
    Range { from: Some(from).filter(|from| *from > i64::MIN), to: Some(to).filter(|to| *to < i64::MAX) }
}

#[cfg(test)]
mod tests;
