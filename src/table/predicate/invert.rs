//! From what is wanted of a term to what that asks of its column: the steps, backwards.

use std::cmp::Ordering;
use std::ops::Bound;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;

use super::atom::{all_but, range};
use super::facts::{Facts, within};
use super::pattern::{self, Words};
use super::real::{self, Range};
use super::spans::{Spans, monotone};
use super::term::{Kind, Step, Term, finite_day, finite_time, integer};
use super::zone;
use crate::function::numeric::Numeric;
use crate::model::filter::{Atom, Value};
use crate::model::table::Type;

/// Values that are wanted of a term.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    Spans(Spans),
    Words(Words),
    Range(Range),
    /// Any double but this.
    NotDouble(f64),
    Boolean(bool),
    /// Any value.
    Any,
    /// Any value, or NULL.
    Unknown,
}

/// What is wanted of a term that compares in this way with a constant, and whether that says all. The constant is not
/// NULL; the term ends where the search for its boundary has begun.
pub(super) fn compared(term: Term, op: Operator, constant: &ScalarValue) -> Option<(Term, Wanted, bool)> {
    let exactly = |term, spans| Some((term, Wanted::Spans(spans), true));
    match (term.kind, constant) {
        (Kind::Integer, constant) => exactly(term, Spans::compare(op, integer(constant)?)?),
        (Kind::Exact, ScalarValue::Binary(Some(key))) => numbers(term, op, &Number::Exact(Numeric::from_key(key)?)),
        (Kind::Real, ScalarValue::Float64(Some(constant))) => {
            if term.steps.iter().any(is_start) {
                return match constant.is_nan() || (*constant == 0.0 && constant.is_sign_negative()) {
                    true => Some((term, Wanted::Any, false)),
                    false => numbers(term, op, &Number::Double(*constant)),
                };
            }
            let (wanted, exact) = double(&term, op, *constant);
            Some((term, wanted, exact))
        }
        (Kind::Numeric(scale), constant) => Some((term, numeric(scale, op, constant)?, false)),
        (Kind::Time(zone), ScalarValue::TimestampMicrosecond(Some(time), its_zone)) => {
            match zone.is_some() == its_zone.is_some() {
                true => timed(term, op, i128::from(*time), finite_time(*time)),
                false => None,
            }
        }
        (Kind::Date, ScalarValue::Date32(Some(day))) => timed(term, op, i128::from(*day), finite_day(*day)),
        (Kind::Boolean, ScalarValue::Boolean(Some(truth))) if op == Operator::Eq => {
            let truth = *truth;
            Some((term, Wanted::Boolean(truth), true))
        }
        (Kind::Text, constant) => match (op, constant.try_as_str().flatten()) {
            (Operator::Eq, Some(text)) => Some((term, Wanted::Words(Words::OneOf(vec![text.to_owned()])), true)),
            (Operator::NotEq, Some(text)) => Some((term, Wanted::Words(Words::NoneOf(vec![text.to_owned()])), true)),
            (_, Some(_)) => Some((term, Wanted::Any, false)),
            _ => None,
        },
        _ => None,
    }
}

/// A time or date beside a constant. Upstream has no infinite ones, so all are on one side of such a constant.
fn timed(term: Term, op: Operator, constant: i128, finite: bool) -> Option<(Term, Wanted, bool)> {
    let spans = Spans::compare(op, constant)?;
    Some(match finite {
        true => (term, Wanted::Spans(spans), true),
        false if spans.contains(0) => (term, Wanted::Any, true),
        false => (term, Wanted::Spans(Spans::union([])), true),
    })
}

/// A number that is made of an integer.
#[derive(Clone, Debug)]
enum Number {
    Exact(Numeric),
    Double(f64),
}

impl Number {
    fn compare(&self, other: &Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Exact(one), Number::Exact(other)) => Some(one.compare(other)),
            (Number::Double(one), Number::Double(other)) => one.partial_cmp(other),
            _ => None,
        }
    }
}

/// Whether a step makes another number of an integer.
fn is_start(step: &Step) -> bool {
    matches!(step, Step::Real | Step::Numeric(_))
}

/// A division of `numeric` rounds to 17 digits at the least, and to more on one side of a power of ten than on the
/// other. Neighbours that differ by more than this part of themselves stay in order all the same.
const LEAST_APART: f64 = 4e-16;

/// Whether neighbours around an integer may lose their order where the steps divide.
fn may_lose_order(steps: &[Step], end: i128) -> bool {
    let Ok(number) = i64::try_from(end) else { return false };
    let dividends = steps.iter().enumerate().filter(|(_, step)| matches!(step, Step::Exact(Operator::Divide, ..)));
    let apart = |before: &[Step]| match (image(before, number)?, image(before, number.checked_add(1)?)?) {
        (Number::Exact(one), Number::Exact(other)) => {
            let gap = other.sub(&one).ok()?.to_f64().ok()?.abs();
            Some(gap > LEAST_APART * one.to_f64().ok()?.abs().max(other.to_f64().ok()?.abs()))
        }
        _ => None,
    };
    dividends.into_iter().any(|(at, _)| apart(&steps[..at]) != Some(true))
}

/// A number that comes from an integer through steps of which none turns the order but by a sign: the boundary is found
/// by trying integers, so rounding is that of the engine itself.
fn numbers(mut term: Term, op: Operator, constant: &Number) -> Option<(Term, Wanted, bool)> {
    let start = term.steps.iter().rposition(is_start)?;
    let steps = term.steps.split_off(start);
    term.kind = Kind::Integer;
    let falling = is_falling(&steps);
    let order = |number: i64| image(&steps, number)?.compare(constant);
    if order(i64::MIN).is_none() || order(i64::MAX).is_none() {
        return Some((term, Wanted::Any, false));
    }
    let is = |number: i64, wanted: fn(Ordering) -> bool| order(number).is_some_and(wanted);
    let spans = match falling {
        false => monotone(op, |number| is(number, Ordering::is_ge), |number| is(number, Ordering::is_gt)),
        true => monotone(mirrored(op), |number| is(number, Ordering::is_le), |number| is(number, Ordering::is_lt)),
    }?;
    let in_doubt = spans.ends().any(|end| may_lose_order(&steps, end));
    match in_doubt {
        true => Some((term, Wanted::Any, false)),
        false => Some((term, Wanted::Spans(spans), true)),
    }
}

/// What is wanted of a double column, or of a text that is cast to a double.
fn double(term: &Term, op: Operator, constant: f64) -> (Wanted, bool) {
    let plain = term.steps.is_empty();
    match real::compare(op, constant) {
        _ if !constant.is_finite() => (Wanted::Any, false),
        None if plain && op == Operator::NotEq => (Wanted::NotDouble(constant), true),
        // NaN, which JSON does not have but its texts may spell, is above all numbers on both sides of the step.
        Some((_, Bound::Unbounded)) if is_falling(&term.steps) && !term.path.is_empty() => (Wanted::Any, false),
        Some(range) => (Wanted::Range(range), true),
        None => (Wanted::Any, false),
    }
}

/// What is wanted of a text that is cast to `numeric`, as doubles.
fn numeric(scale: Option<i32>, op: Operator, constant: &ScalarValue) -> Option<Wanted> {
    let constant = match constant {
        ScalarValue::Float64(Some(number)) => *number,
        ScalarValue::Binary(Some(key)) => Numeric::from_key(key)?.to_f64().unwrap_or(f64::INFINITY),
        _ => return None,
    };
    let rounding = scale.map_or(0.0, |scale| 0.1_f64.powi(scale));
    Some(match real::compare(op, constant) {
        Some(range) if constant.is_finite() => Wanted::Range(real::widened(range, rounding)),
        _ => Wanted::Any,
    })
}

fn is_falling(steps: &[Step]) -> bool {
    let turns = |step: &&Step| match step {
        Step::Exact(Operator::Minus, _, constant_first) => *constant_first,
        Step::Exact(Operator::Multiply | Operator::Divide, constant, _) => {
            constant.compare(&Numeric::new(0, 0)).is_lt()
        }
        step => real::turns(step),
    };
    steps.iter().filter(turns).count() % 2 == 1
}

/// What the steps make of an integer; none if that overflows.
#[expect(clippy::cast_precision_loss, reason = "the cast rounds as the engine's does")]
fn image(steps: &[Step], number: i64) -> Option<Number> {
    let mut value = Number::Double(number as f64);
    for step in steps {
        value = match (step, value) {
            (Step::Real, _) => Number::Double(number as f64),
            (Step::Numeric(scale), _) => Number::Exact(Numeric::new(number, *scale)),
            (Step::Exact(op, constant, constant_first), Number::Exact(value)) => {
                let (one, other) = if *constant_first { (constant, &value) } else { (&value, constant) };
                let made = match op {
                    Operator::Plus => one.add(other),
                    Operator::Minus => one.sub(other),
                    Operator::Multiply => one.mul(other),
                    _ => one.div(other),
                };
                Number::Exact(made.ok()?)
            }
            (Step::Double, Number::Exact(value)) => Number::Double(value.to_f64().ok()?),
            (Step::AddReal(constant), Number::Double(value)) => Number::Double(value + constant),
            (Step::SubtractFromReal(constant), Number::Double(value)) => Number::Double(constant - value),
            (Step::MultiplyReal(constant), Number::Double(value)) => Number::Double(value * constant),
            (Step::DivideReal(constant), Number::Double(value)) => Number::Double(value / constant),
            _ => return None,
        };
    }
    Some(value)
}

/// The comparison with its sides exchanged.
pub(super) fn mirrored(op: Operator) -> Operator {
    op.swap().unwrap_or(op)
}

/// What it asks of the column that a term's value is one of those wanted.
pub(super) fn invert(term: &Term, mut wanted: Wanted, mut exact: bool) -> Facts {
    for step in term.steps.iter().rev() {
        let (before, all) = back(step, wanted);
        wanted = before;
        exact &= all;
    }
    let one = |atom: Atom, exact: bool| Facts::one(term.condition(atom), exact);
    match (wanted, term.base) {
        (Wanted::Unknown, _) => Facts::unknown(),
        (Wanted::Spans(spans), Type::Bigint | Type::Timestamptz) => {
            within(&term.condition(Atom::NotNull), &spans, term.base == Type::Timestamptz, exact)
        }
        (Wanted::Words(Words::OneOf(texts)), Type::Text) => one(Atom::OneOf(values(texts)), exact),
        (Wanted::Words(Words::NoneOf(texts)), Type::Text) => one(all_but(values(texts)), exact),
        (Wanted::Words(Words::Like(pattern)), Type::Text) => one(Atom::Like(pattern), exact),
        (Wanted::Range((low, high)), Type::Double) => one(range(low, high), exact),
        // -0 and 0 are one value.
        (Wanted::NotDouble(number), Type::Double) => one(Atom::NoneOf(vec![Value::Double(number + 0.0)]), exact),
        (Wanted::Boolean(truth), Type::Boolean) => one(Atom::OneOf(vec![Value::Boolean(truth)]), exact),
        (Wanted::Any | Wanted::Words(Words::Any), _) => one(Atom::NotNull, exact),
        _ => one(Atom::NotNull, false),
    }
}

fn values(texts: Vec<String>) -> Vec<Value> {
    texts.into_iter().map(Value::Text).collect()
}

/// One step back; whether the values before it are exactly those that lead to one wanted.
fn back(step: &Step, wanted: Wanted) -> (Wanted, bool) {
    let spans = |spans: Spans| (Wanted::Spans(spans), true);
    let clocked = |(spans, exact): (Spans, bool)| (Wanted::Spans(spans), exact);
    match (step, wanted) {
        (Step::Add(low, high), Wanted::Spans(set)) => (Wanted::Spans(set.before_add(*low, *high)), low == high),
        (Step::SubtractFrom(constant), Wanted::Spans(set)) => spans(set.before_subtract_from(*constant)),
        (Step::Multiply(factor), Wanted::Spans(set)) => spans(set.before_multiply(*factor)),
        (Step::Divide(divisor), Wanted::Spans(set)) => spans(set.before_divide(*divisor)),
        (Step::Trunc(unit, zone), Wanted::Spans(set)) => clocked(zone::before_trunc(&set, *unit, *zone)),
        (Step::Local(zone), Wanted::Spans(set)) => clocked(zone::before_local(&set, *zone)),
        (Step::Day(zone), Wanted::Spans(set)) => clocked(zone::before_day(&set, *zone)),
        (Step::Year(zone), Wanted::Spans(set)) => clocked(zone::before_year(&set, *zone)),
        (Step::Position(needle), Wanted::Spans(set)) => position(needle, &set),
        (Step::Digits, Wanted::Words(Words::OneOf(texts))) => {
            let numbers = texts.iter().filter_map(|text| {
                let number: i64 = text.parse().ok()?;
                (number.to_string() == *text).then(|| Spans::between(number.into(), number.into()))
            });
            spans(Spans::union(numbers))
        }
        (Step::Digits, Wanted::Words(Words::NoneOf(texts))) => {
            let (before, _) = back(step, Wanted::Words(Words::OneOf(texts)));
            match before {
                Wanted::Spans(set) => spans(set.complement()),
                _ => (Wanted::Any, false),
            }
        }
        (_, Wanted::Unknown) => (Wanted::Unknown, false),
        (Step::Words(words), wanted) => words.before(&wanted),
        (step, Wanted::Range(range)) => match real::before(step, range) {
            Some(range) => (Wanted::Range(range), false),
            None => (Wanted::Any, false),
        },
        (Step::Lower, Wanted::Words(words)) => worded(pattern::before_lower(words, true)),
        (Step::Upper, Wanted::Words(words)) => worded(pattern::before_upper(words, true)),
        (Step::Left(count), Wanted::Words(words)) => worded(pattern::before_left(words, true, *count)),
        (_, Wanted::Any) => (Wanted::Any, true),
        _ => (Wanted::Any, false),
    }
}

fn worded((words, exact): (Words, bool)) -> (Wanted, bool) {
    (Wanted::Words(words), exact)
}

/// The texts in which a needle first stands at one of these places (from 1; 0 is nowhere).
fn position(needle: &str, places: &Spans) -> (Wanted, bool) {
    let (absent, first) = (places.contains(0), places.contains(1));
    let all = places.covers(1, i128::from(i32::MAX));
    match needle {
        // Stands at 1 in every text.
        "" if first => (Wanted::Any, true),
        "" => (Wanted::Words(Words::OneOf(Vec::new())), true),
        _ if absent => (Wanted::Any, all),
        _ if all => worded((pattern::piece(needle, false, false, false), true)),
        _ if *places == Spans::between(1, 1) => worded((pattern::piece(needle, true, false, false), true)),
        _ => worded((pattern::piece(needle, false, false, false), false)),
    }
}
