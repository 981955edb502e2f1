//! Ranges of doubles, and their preimages under arithmetic by constants.
//!
//! A preimage is computed in doubles as well, so its bounds are moved outwards by more than both roundings can amount
//! to: it holds every double whose image, rounded, lies in the range, and perhaps some beside them.

use std::ops::Bound;

use datafusion::logical_expr::Operator;

use super::term::Step;

/// More than the relative error of two roundings and of the sums that follow.
const RELATIVE: f64 = 4.0 * f64::EPSILON;

/// A range of doubles.
pub(super) type Range = (Bound<f64>, Bound<f64>);

/// The doubles that compare in this way with a finite number; none for `<>`.
pub(super) fn compare(op: Operator, number: f64) -> Option<Range> {
    Some(match op {
        Operator::Eq => (Bound::Included(number), Bound::Included(number)),
        Operator::Lt => (Bound::Unbounded, Bound::Excluded(number)),
        Operator::LtEq => (Bound::Unbounded, Bound::Included(number)),
        Operator::Gt => (Bound::Excluded(number), Bound::Unbounded),
        Operator::GtEq => (Bound::Included(number), Bound::Unbounded),
        _ => return None,
    })
}

/// The range with its ends moved outwards by `slack`.
pub(super) fn widened(range: Range, slack: f64) -> Range {
    let moved = |bound, sign: f64| match bound {
        Bound::Included(end) | Bound::Excluded(end) => included(end + sign * (slack + RELATIVE * f64::abs(end))),
        Bound::Unbounded => Bound::Unbounded,
    };
    (moved(range.0, -1.0), moved(range.1, 1.0))
}

fn included(end: f64) -> Bound<f64> {
    if end.is_finite() { Bound::Included(end) } else { Bound::Unbounded }
}

/// Whether a step turns the order.
pub(super) fn turns(step: &Step) -> bool {
    match step {
        Step::SubtractFromReal(_) => true,
        Step::MultiplyReal(constant) | Step::DivideReal(constant) => *constant < 0.0,
        _ => false,
    }
}

/// Doubles among which are all that a step leads into the range; none if the step is none of doubles.
pub(super) fn before(step: &Step, (low, high): Range) -> Option<Range> {
    // The end before the step, and how far it may be off.
    let end: Box<dyn Fn(f64) -> (f64, f64)> = match *step {
        Step::AddReal(constant) => Box::new(move |end| (end - constant, sum(end, constant))),
        Step::SubtractFromReal(constant) => Box::new(move |end| (constant - end, sum(end, constant))),
        // What falls below the least normal double is off by more than its digits.
        Step::MultiplyReal(constant) => {
            Box::new(move |end| (end / constant, product(end / constant, f64::MIN_POSITIVE / constant)))
        }
        Step::DivideReal(constant) => {
            Box::new(move |end| (end * constant, product(end * constant, f64::MIN_POSITIVE * constant)))
        }
        _ => return None,
    };
    let moved = |bound, sign: f64| match bound {
        Bound::Included(to) | Bound::Excluded(to) => {
            let (end, slack) = end(to);
            included(end + sign * slack)
        }
        Bound::Unbounded => Bound::Unbounded,
    };
    Some(match turns(step) {
        false => (moved(low, -1.0), moved(high, 1.0)),
        true => (moved(high, -1.0), moved(low, 1.0)),
    })
}

fn sum(one: f64, other: f64) -> f64 {
    RELATIVE * (one.abs() + other.abs()) + f64::MIN_POSITIVE
}

fn product(end: f64, least: f64) -> f64 {
    RELATIVE * end.abs() + least.abs() + f64::MIN_POSITIVE
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::filter::is_between;

    fn image(step: &Step, x: f64) -> f64 {
        match *step {
            Step::AddReal(constant) => x + constant,
            Step::SubtractFromReal(constant) => constant - x,
            Step::MultiplyReal(constant) => x * constant,
            Step::DivideReal(constant) => x / constant,
            _ => x,
        }
    }

    fn double() -> impl Strategy<Value = f64> {
        prop_oneof![
            3 => -1000.0..1000.0,
            2 => (-40..40_i32).prop_map(|n| f64::from(n) / 8.0),
            1 => proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO,
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

        /// The image of `x` and its neighbours are the bounds, so that every rounding is met.
        #[test]
        fn preimages_lose_no_double(x in double(), constant in double(), kind in 0..4, nudge in -2..3_i32) {
            prop_assume!(constant != 0.0);
            let step = match kind {
                0 => Step::AddReal(constant),
                1 => Step::SubtractFromReal(constant),
                2 => Step::MultiplyReal(constant),
                _ => Step::DivideReal(constant),
            };
            let value = image(&step, x);
            let bound = (0..nudge.abs()).fold(value, |end, _| if nudge < 0 { end.next_down() } else { end.next_up() });
            prop_assume!(value.is_finite() && bound.is_finite());
            for op in [Operator::Eq, Operator::Lt, Operator::LtEq, Operator::Gt, Operator::GtEq] {
                let range = compare(op, bound).expect("an order");
                if is_between(value, range.0, range.1) {
                    let (low, high) = before(&step, range).expect("a step of doubles");
                    prop_assert!(is_between(x, low, high), "{x} {step:?} {op} {bound}: {low:?} {high:?}");
                }
            }
        }
    }
}
