//! Sets of integers as sorted closed spans, and the preimages of such sets under arithmetic by constants.
//!
//! Times and dates are integers here as well. A value that would overflow its SQL type counts as one that may match:
//! PostgreSQL raises 22003 for it, which is the engine's business.

use datafusion::logical_expr::Operator;

use crate::model::filter::{Atom, Value};
use crate::model::table::Type;

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

    /// Whether it holds no integer.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it holds `value`.
    pub(super) fn contains(&self, value: i128) -> bool {
        self.0.iter().any(|&(low, high)| low <= value && value <= high)
    }

    /// Whether it holds all integers from `low` to `high`.
    pub(super) fn covers(&self, low: i128, high: i128) -> bool {
        self.0.iter().any(|&(from, to)| from <= low && high <= to)
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

    /// The set as an atom over a column of `ty`, and whether the atom says all.
    pub(super) fn atom(&self, ty: Type) -> (Atom, bool) {
        let value = |value: i64| if ty == Type::Timestamptz { Value::Timestamp(value) } else { Value::Integer(value) };
        let (least, greatest) = (i128::from(i64::MIN), i128::from(i64::MAX));
        let spans: Vec<(i64, i64)> = self
            .map(|&(low, high)| (low.max(least), high.min(greatest)))
            .0
            .iter()
            .filter_map(|&(low, high)| Some((i64::try_from(low).ok()?, i64::try_from(high).ok()?)))
            .collect();
        let points = spans.iter().all(|(low, high)| low == high);
        match (spans.first(), spans.last()) {
            (Some(&(i64::MIN, _)), Some(&(_, i64::MAX))) => (Atom::NotNull, spans.len() == 1),
            _ if points => (Atom::OneOf(spans.iter().map(|&(low, _)| value(low)).collect()), true),
            (Some(&(low, _)), Some(&(_, high))) => (Atom::Within(low, high), spans.len() == 1),
            _ => (Atom::OneOf(Vec::new()), true),
        }
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
    fn boundary_search_finds_both_ends() {
        assert_eq!(first(|_| true), i128::from(i64::MIN));
        assert_eq!(first(|_| false), i128::from(i64::MAX) + 1);
        assert_eq!(first(|n| n >= 1_001), 1_001);
    }
}
