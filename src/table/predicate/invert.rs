//! From what is wanted of a term to what that asks of its column: the steps, backwards.

use std::ops::Bound;

use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;

use super::atom::{all_but, range};
use super::facts::{Facts, within};
use super::pattern::{self, Words};
use super::real::{self, Range};
use super::spans::{Spans, monotone};
use super::term::{Kind, Step, Term, integer, per_second_of};
use super::zone;
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

/// What is wanted of a term that compares in this way with a constant; the term as the constant's type sees it; and
/// whether that says all. The constant is not NULL.
pub(super) fn compared(mut term: Term, op: Operator, constant: &ScalarValue) -> Option<(Term, Wanted, bool)> {
    let exactly = |term, spans| Some((term, Wanted::Spans(spans), true));
    match (term.kind, constant) {
        (Kind::Integer, constant) if integer(constant).is_some() => {
            exactly(term, Spans::compare(op, integer(constant)?)?)
        }
        (Kind::Integer, ScalarValue::Float64(_)) => {
            term.kind = Kind::Real;
            compared(term.step(Step::Real), op, constant)
        }
        (Kind::Integer, ScalarValue::Decimal128(..)) => {
            term.kind = Kind::Decimal(0);
            compared(term, op, constant)
        }
        (Kind::Decimal(scale), ScalarValue::Decimal128(Some(number), _, to_scale)) => {
            let to_scale = u32::try_from(*to_scale).ok()?;
            let more = 10_i128.checked_pow(to_scale.saturating_sub(scale))?;
            let number = number.checked_mul(10_i128.checked_pow(scale.saturating_sub(to_scale))?)?;
            let spans = Spans::compare(op, number)?;
            exactly(term, spans.before_multiply(more))
        }
        (Kind::Real, ScalarValue::Float64(Some(constant))) => real(term, op, *constant),
        (Kind::Numeric(scale), constant) => Some((term, numeric(scale, op, constant)?, false)),
        (Kind::Time(per_second, zone), constant) => {
            let (number, unit, its_zone) =
                timestamp(constant).or_else(|| timestamp(&constant.cast_to(&term_type(per_second, zone)?).ok()?))?;
            if zone.is_some() != its_zone {
                return None;
            }
            // Both sides in the finer of the two units.
            let number = number.checked_mul((per_second / unit).max(1))?;
            exactly(term, Spans::compare(op, number)?.before_multiply((unit / per_second).max(1)))
        }
        (Kind::Date, ScalarValue::Date32(Some(day))) => exactly(term, Spans::compare(op, i128::from(*day))?),
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

fn term_type(per_second: i128, zone: Option<Tz>) -> Option<DataType> {
    let unit = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond]
        .into_iter()
        .find(|unit| per_second_of(*unit) == per_second)?;
    Some(DataType::Timestamp(unit, zone.map(|zone| zone.to_string().into())))
}

/// A timestamp constant: its number, the units in a second, whether it has a zone.
fn timestamp(constant: &ScalarValue) -> Option<(i128, i128, bool)> {
    match constant {
        ScalarValue::TimestampSecond(Some(number), zone) => Some((i128::from(*number), 1, zone.is_some())),
        ScalarValue::TimestampMillisecond(Some(number), zone) => Some((i128::from(*number), 1_000, zone.is_some())),
        ScalarValue::TimestampMicrosecond(Some(number), zone) => Some((i128::from(*number), 1_000_000, zone.is_some())),
        ScalarValue::TimestampNanosecond(Some(number), zone) => {
            Some((i128::from(*number), 1_000_000_000, zone.is_some()))
        }
        _ => None,
    }
}

/// A double that comes from an integer through steps of which none turns the order but by a sign: the boundary is
/// found by trying integers, so rounding is that of the engine itself.
fn real(mut term: Term, op: Operator, constant: f64) -> Option<(Term, Wanted, bool)> {
    let Some(start) = term.steps.iter().rposition(|step| matches!(step, Step::Real)) else {
        let (wanted, exact) = double(&term, op, constant);
        return Some((term, wanted, exact));
    };
    if constant.is_nan() || (constant == 0.0 && constant.is_sign_negative()) {
        return Some((term, Wanted::Any, false));
    }
    let steps = term.steps.split_off(start);
    let falling = is_falling(&steps);
    let image = |number: i64| steps.iter().fold(0.0, |value, step| apply(step, value, number));
    let spans = match falling {
        false => monotone(op, |number| image(number) >= constant, |number| image(number) > constant),
        true => monotone(mirrored(op), |number| image(number) <= constant, |number| image(number) < constant),
    }?;
    term.kind = Kind::Integer;
    Some((term, Wanted::Spans(spans), true))
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
#[expect(clippy::cast_precision_loss, reason = "the range is widened by more")]
fn numeric(scale: u32, op: Operator, constant: &ScalarValue) -> Option<Wanted> {
    let constant = match constant {
        ScalarValue::Float64(Some(number)) => *number,
        ScalarValue::Decimal128(Some(number), _, scale) => *number as f64 / 10_f64.powi(i32::from(*scale)),
        constant => integer(constant)? as f64,
    };
    let rounding = 0.1_f64.powi(i32::try_from(scale).ok()?);
    Some(match real::compare(op, constant) {
        Some(range) if constant.is_finite() => Wanted::Range(real::widened(range, rounding)),
        _ => Wanted::Any,
    })
}

fn is_falling(steps: &[Step]) -> bool {
    steps.iter().filter(|step| real::turns(step)).count() % 2 == 1
}

#[expect(clippy::cast_precision_loss, reason = "the cast rounds as the engine's does")]
fn apply(step: &Step, value: f64, number: i64) -> f64 {
    match step {
        Step::Real => number as f64,
        Step::AddReal(constant) => value + constant,
        Step::SubtractFromReal(constant) => constant - value,
        Step::MultiplyReal(constant) => value * constant,
        Step::DivideReal(constant) => value / constant,
        _ => value,
    }
}

/// The comparison with its sides exchanged.
pub(super) fn mirrored(op: Operator) -> Operator {
    op.swap().unwrap_or(op)
}

/// What it asks of the column that a term's value is one of those wanted.
pub(super) fn invert(term: &Term, mut wanted: Wanted, exact: bool) -> Facts {
    let mut exact = exact && !term.partial;
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
    let timed = |(spans, exact): (Spans, bool)| (Wanted::Spans(spans), exact);
    match (step, wanted) {
        (Step::Add(low, high), Wanted::Spans(set)) => (Wanted::Spans(set.before_add(*low, *high)), low == high),
        (Step::SubtractFrom(constant), Wanted::Spans(set)) => spans(set.before_subtract_from(*constant)),
        (Step::Multiply(factor), Wanted::Spans(set)) => spans(set.before_multiply(*factor)),
        (Step::Divide(divisor), Wanted::Spans(set)) => spans(set.before_divide(*divisor)),
        (Step::Trunc(unit, zone), Wanted::Spans(set)) => timed(zone::before_trunc(&set, *unit, *zone)),
        (Step::Day(zone), Wanted::Spans(set)) => timed(zone::before_day(&set, *zone)),
        (Step::Year(zone), Wanted::Spans(set)) => timed(zone::before_year(&set, *zone)),
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
