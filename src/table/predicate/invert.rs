//! From what is wanted of a term to what that asks of its column: the steps, backwards.

use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;

use super::facts::{Facts, within};
use super::pattern::{self, Words};
use super::spans::{Spans, monotone};
use super::term::{Kind, Step, Term, integer, per_second_of};
use super::zone;
use crate::model::filter::{Atom, Value};
use crate::model::table::Type;

/// Values that are wanted of a term. NULL is never one of them.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    Spans(Spans),
    Words(Words),
    Doubles(Vec<f64>),
    Boolean(bool),
    /// Any value.
    Any,
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
        // A double column. The engine tells -0.0 from 0.0 and PostgreSQL does not.
        let plain = op == Operator::Eq && term.steps.is_empty() && constant != 0.0 && constant.is_finite();
        return Some(match plain {
            true => (term, Wanted::Doubles(vec![constant]), true),
            false => (term, Wanted::Any, false),
        });
    };
    if constant.is_nan() || (constant == 0.0 && constant.is_sign_negative()) {
        return Some((term, Wanted::Any, false));
    }
    let steps = term.steps.split_off(start);
    let falling = steps.iter().filter(|step| turns(step)).count() % 2 == 1;
    let image = |number: i64| steps.iter().fold(0.0, |value, step| apply(step, value, number));
    let spans = match falling {
        false => monotone(op, |number| image(number) >= constant, |number| image(number) > constant),
        true => monotone(mirrored(op), |number| image(number) <= constant, |number| image(number) < constant),
    }?;
    term.kind = Kind::Integer;
    Some((term, Wanted::Spans(spans), true))
}

fn turns(step: &Step) -> bool {
    match step {
        Step::SubtractFromReal(_) => true,
        Step::MultiplyReal(constant) | Step::DivideReal(constant) => *constant < 0.0,
        _ => false,
    }
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
    let name = term.column.name;
    match (wanted, term.column.ty) {
        (Wanted::Spans(spans), Type::Bigint | Type::Timestamptz) => within(term.column, &spans, exact),
        (Wanted::Words(Words::OneOf(texts)), Type::Text) => {
            Facts::one(name, Atom::OneOf(texts.into_iter().map(Value::Text).collect()), exact)
        }
        (Wanted::Words(Words::Like(pattern)), Type::Text) => Facts::one(name, Atom::Like(pattern), exact),
        (Wanted::Doubles(numbers), Type::Double) => {
            Facts::one(name, Atom::OneOf(numbers.into_iter().map(Value::Double).collect()), exact)
        }
        (Wanted::Boolean(truth), Type::Boolean) => Facts::one(name, Atom::OneOf(vec![Value::Boolean(truth)]), exact),
        (Wanted::Any | Wanted::Words(Words::Any), _) => Facts::one(name, Atom::NotNull, exact),
        _ => Facts::one(name, Atom::NotNull, false),
    }
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
