//! Sets of integers as sorted closed spans, and the preimages of such sets under arithmetic by constants.
//!
//! Times and dates are integers here as well. A value that would overflow its SQL type counts as one that may match:
//! PostgreSQL raises 22003 for it, which is the engine's business.

use datafusion::logical_expr::Operator;

use super::atom::nothing;
use crate::model::filter::{Atom, Value};

/// Integers that a set may lack for the lack to be said one by one.
const MAX_HOLES: i128 = 100;

/// No lower bound.
const NONE_BELOW: i128 = i128::MIN;
/// No upper bound.
const NONE_ABOVE: i128 = i128::MAX;

/// A set of integers: disjoint closed spans, ascending, with a gap between neighbours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spans(Vec<(i128, i128)>);

impl Spans {
    /// The integers that compare in this way with `value`.
    pub(super) fn compare(op: Operator, value: i128) -> Option<Self> {
        let below = (NONE_BELOW, value.saturating_sub(1));
        let above = (value.saturating_add(1), NONE_ABOVE);
        Some(match op {
            Operator::Eq => Spans(vec![(value, value)]),
            Operator::NotEq => Spans(vec![below, above]),
            Operator::Lt => Spans(vec![below]),
            Operator::LtEq => Spans(vec![(NONE_BELOW, value)]),
            Operator::Gt => Spans(vec![above]),
            Operator::GtEq => Spans(vec![(value, NONE_ABOVE)]),
            _ => return None,
        })
    }

    /// The integers from `low` to `high`, if there are any.
    pub(super) fn between(low: i128, high: i128) -> Self {
        Spans::from_unsorted(vec![(low, high)])
    }

    /// The integers in any of these sets.
    pub(super) fn union(sets: impl IntoIterator<Item = Spans>) -> Self {
        Spans::from_unsorted(sets.into_iter().flat_map(|set| set.0).collect())
    }

    fn from_unsorted(mut spans: Vec<(i128, i128)>) -> Self {
        spans.retain(|(low, high)| low <= high);
        spans.sort_unstable();
        let mut merged: Vec<(i128, i128)> = Vec::with_capacity(spans.len());
        for (low, high) in spans {
            match merged.last_mut() {
                Some(last) if last.1.saturating_add(1) >= low => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        Spans(merged)
    }

    /// Whether it holds `value`.
    pub(super) fn contains(&self, value: i128) -> bool {
        self.0.iter().any(|&(low, high)| low <= value && value <= high)
    }

    /// Whether it holds all integers from `low` to `high`.
    pub(super) fn covers(&self, low: i128, high: i128) -> bool {
        self.0.iter().any(|&(from, to)| from <= low && high <= to)
    }

    /// The ends of its spans.
    pub(super) fn ends(&self) -> impl Iterator<Item = i128> {
        self.0.iter().flat_map(|&(low, high)| [low, high])
    }

    /// Maps each span to another.
    pub(super) fn map(&self, each: impl FnMut(&(i128, i128)) -> (i128, i128)) -> Self {
        Spans::from_unsorted(self.0.iter().map(each).collect())
    }

    /// The `x` for which `x + s` lies in the set for some `s` from `low` to `high`.
    pub(super) fn before_add(&self, low: i128, high: i128) -> Self {
        self.map(|&(from, to)| {
            (finite(from, |from| from.saturating_sub(high)), finite(to, |to| to.saturating_sub(low)))
        })
    }

    /// The `x` for which `constant - x` lies in the set.
    pub(super) fn before_subtract_from(&self, constant: i128) -> Self {
        self.negate().before_add(-constant, -constant)
    }

    fn negate(&self) -> Self {
        let turn = |end| match end {
            NONE_BELOW => NONE_ABOVE,
            NONE_ABOVE => NONE_BELOW,
            end => -end,
        };
        self.map(|&(low, high)| (turn(high), turn(low)))
    }

    /// The `x` for which `x * factor` lies in the set.
    pub(super) fn before_multiply(&self, factor: i128) -> Self {
        match factor {
            0 if self.contains(0) => Spans(vec![(NONE_BELOW, NONE_ABOVE)]),
            0 => Spans(Vec::new()),
            1.. => self.map(|&(low, high)| {
                (finite(low, |low| -((-low).div_euclid(factor))), finite(high, |high| high.div_euclid(factor)))
            }),
            _ => self.negate().before_multiply(-factor),
        }
    }

    /// The `x` for which `x / divisor`, cut towards zero as PostgreSQL does, lies in the set. The divisor is not zero.
    pub(super) fn before_divide(&self, divisor: i128) -> Self {
        if divisor < 0 {
            return self.negate().before_divide(-divisor);
        }
        let least = |quotient: i128| match quotient {
            1.. => quotient.saturating_mul(divisor),
            _ => (quotient - 1).saturating_mul(divisor).saturating_add(1),
        };
        let greatest = |quotient: i128| match quotient {
            0.. => (quotient + 1).saturating_mul(divisor).saturating_sub(1),
            _ => quotient.saturating_mul(divisor),
        };
        self.map(|&(low, high)| (finite(low, least), finite(high, greatest)))
    }

    /// All integers.
    pub(super) fn all() -> Self {
        Spans(vec![(NONE_BELOW, NONE_ABOVE)])
    }

    /// The integers that are not in it.
    pub(super) fn complement(&self) -> Self {
        let mut gaps = Vec::with_capacity(self.0.len() + 1);
        let mut next = Some(NONE_BELOW);
        for &(low, high) in &self.0 {
            if let Some(start) = next.filter(|start| *start < low) {
                gaps.push((start, low - 1));
            }
            next = high.checked_add(1);
        }
        gaps.extend(next.map(|start| (start, NONE_ABOVE)));
        Spans(gaps)
    }

    /// The integers in both.
    pub(super) fn intersect(&self, other: &Spans) -> Self {
        Spans::union([self.complement(), other.complement()]).complement()
    }

    /// The set as atoms about integers or times that hold together, and whether they say all.
    pub(super) fn atoms(&self, is_time: bool) -> (Vec<Atom>, bool) {
        let value = |value: i64| if is_time { Value::Timestamp(value) } else { Value::Integer(value) };
        let (least, greatest) = (i128::from(i64::MIN), i128::from(i64::MAX));
        let spans: Vec<(i64, i64)> = self
            .map(|&(low, high)| (low.max(least), high.min(greatest)))
            .0
            .iter()
            .filter_map(|&(low, high)| Some((i64::try_from(low).ok()?, i64::try_from(high).ok()?)))
            .collect();
        let (Some(&(first, _)), Some(&(_, last))) = (spans.first(), spans.last()) else {
            return (vec![nothing()], true);
        };
        if spans.iter().all(|(low, high)| low == high) {
            return (vec![Atom::OneOf(spans.iter().map(|&(low, _)| value(low)).collect())], true);
        }
        let is_open = (first, last) == (i64::MIN, i64::MAX);
        let hull = if is_open { Atom::NotNull } else { Atom::Within(first, last) };
        let gaps: Vec<(i64, i64)> = spans.windows(2).map(|pair| (pair[0].1 + 1, pair[1].0 - 1)).collect();
        let size: i128 = gaps.iter().map(|&(low, high)| i128::from(high) - i128::from(low) + 1).sum();
        if size == 0 || size > MAX_HOLES {
            return (vec![hull], size == 0);
        }
        let holes = Atom::NoneOf(gaps.into_iter().flat_map(|(low, high)| (low..=high).map(value)).collect());
        (if is_open { vec![holes] } else { vec![hull, holes] }, true)
    }
}

/// Changes a bound, unless it is none.
pub(super) fn finite(end: i128, change: impl FnOnce(i128) -> i128) -> i128 {
    match end {
        NONE_BELOW | NONE_ABOVE => end,
        end => change(end),
    }
}

/// The integers whose image under a function that never falls compares in this way; `reaches(n)` tells whether the
/// image of `n` is at least the constant, `exceeds(n)` whether it is more.
pub(super) fn monotone(op: Operator, reaches: impl Fn(i64) -> bool, exceeds: impl Fn(i64) -> bool) -> Option<Spans> {
    let (reached, exceeded) = (first(reaches), first(exceeds));
    let from = |start: i128| if start == i128::from(i64::MIN) { NONE_BELOW } else { start };
    let below = |end: i128| (NONE_BELOW, end - 1);
    let spans = match op {
        Operator::Eq => vec![(reached, exceeded - 1)],
        Operator::NotEq => vec![below(reached), (from(exceeded), NONE_ABOVE)],
        Operator::Lt => vec![below(reached)],
        Operator::LtEq => vec![below(exceeded)],
        Operator::Gt => vec![(from(exceeded), NONE_ABOVE)],
        Operator::GtEq => vec![(from(reached), NONE_ABOVE)],
        _ => return None,
    };
    Some(Spans::from_unsorted(spans))
}

/// The first `i64` for which a condition holds that, once true, stays true; one above all of them if it never holds.
fn first(holds: impl Fn(i64) -> bool) -> i128 {
    let (mut low, mut high) = (i128::from(i64::MIN), i128::from(i64::MAX) + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match i64::try_from(middle) {
            Ok(number) if !holds(number) => low = middle + 1,
            _ => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every preimage against the plain definition, over a small range and all operators.
    #[test]
    fn preimages_are_those_of_the_definition() {
        let ops = [Operator::Eq, Operator::NotEq, Operator::Lt, Operator::LtEq, Operator::Gt, Operator::GtEq];
        for op in ops {
            for value in -7..=7 {
                let set = Spans::compare(op, value).expect("a comparison");
                for constant in -4..=4_i128 {
                    let check = |name: &str, before: Spans, image: &dyn Fn(i128) -> i128| {
                        for x in -40..=40 {
                            let wanted = set.contains(image(x));
                            assert_eq!(before.contains(x), wanted, "{name} {op} {value}, constant {constant}, x {x}");
                        }
                    };
                    check("add", set.before_add(constant, constant), &|x| x + constant);
                    check("subtract", set.before_subtract_from(constant), &|x| constant - x);
                    check("multiply", set.before_multiply(constant), &|x| x * constant);
                    if constant != 0 {
                        check("divide", set.before_divide(constant), &|x| x / constant);
                    }
                }
            }
        }
    }

    #[test]
    fn complements_and_intersections_are_those_of_sets() {
        let sets: Vec<Spans> = [&[][..], &[(-3, -1)], &[(0, 0), (2, 5)], &[(NONE_BELOW, 1), (4, NONE_ABOVE)]]
            .into_iter()
            .map(|spans| Spans::from_unsorted(spans.to_vec()))
            .chain([Spans::all()])
            .collect();
        for one in &sets {
            for x in -9..=9 {
                assert_eq!(one.complement().contains(x), !one.contains(x), "{one:?} {x}");
                for other in &sets {
                    let both = one.intersect(other);
                    assert_eq!(both.contains(x), one.contains(x) && other.contains(x), "{one:?} {other:?} {x}");
                }
            }
            assert_eq!(&one.complement().complement(), one);
        }
    }

    #[test]
    fn sets_that_lack_a_few_integers_name_them() {
        let atoms = |spans: &[(i128, i128)]| Spans::from_unsorted(spans.to_vec()).atoms(false);
        let none = |values: &[i64]| Atom::NoneOf(values.iter().map(|&value| Value::Integer(value)).collect());
        assert_eq!(atoms(&[(NONE_BELOW, 4), (6, NONE_ABOVE)]), (vec![none(&[5])], true));
        assert_eq!(atoms(&[(0, 4), (7, 9)]), (vec![Atom::Within(0, 9), none(&[5, 6])], true));
        assert_eq!(atoms(&[(0, 4), (200, 300)]), (vec![Atom::Within(0, 300)], false));
        assert_eq!(atoms(&[(NONE_BELOW, 4), (200, NONE_ABOVE)]), (vec![Atom::NotNull], false));
    }

    #[test]
    fn boundary_search_finds_both_ends() {
        assert_eq!(first(|_| true), i128::from(i64::MIN));
        assert_eq!(first(|_| false), i128::from(i64::MAX) + 1);
        assert_eq!(first(|n| n >= 1_001), 1_001);
    }
}
