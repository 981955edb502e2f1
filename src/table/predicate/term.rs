//! Terms over one column, as the column and the steps that lead from its value to the term's.

use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

pub(super) use super::constant::{integer, literal, text};
use super::words::{self, Words};
use super::zone::{self, DAY_US, SLOP_US, Unit};
use crate::model::filter::{Atom, Condition};
use crate::model::table::{Column, Table, Type};
use crate::sql::functions::json::{OBJECT_FIELD, OBJECT_FIELD_TEXT};

/// A term. It is NULL exactly where the value is that it starts from, unless it is `partial` or goes by
/// [`Step::Words`].
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) column: &'static Column,
    /// The keys to a value within a `jsonb` column.
    pub(super) path: Vec<String>,
    /// Type of the value that the steps start from: the column's, or what the text at the path is cast to.
    pub(super) base: Type,
    pub(super) steps: Vec<Step>,
    pub(super) kind: Kind,
    /// It may be NULL where the value is not.
    pub(super) partial: bool,
}

/// What a term's value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Integer,
    /// An integer that counts units of ten to the minus this.
    Decimal(u32),
    Real,
    /// The text of a number, rounded to so many decimal digits at the least.
    Numeric(u32),
    /// With the number of its units in a second.
    Time(i128, Option<Tz>),
    Date,
    Text,
    Boolean,
    /// Its text is not what PostgreSQL compares.
    Json,
}

/// One step from a column's value to a term's.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Plus something between these two.
    Add(i128, i128),
    /// Taken from this.
    SubtractFrom(i128),
    Multiply(i128),
    /// Cut towards zero.
    Divide(i128),
    /// An integer becomes a double.
    Real,
    AddReal(f64),
    SubtractFromReal(f64),
    MultiplyReal(f64),
    DivideReal(f64),
    /// Time to the start of its unit.
    Trunc(Unit, Tz),
    /// Time to its date.
    Day(Tz),
    /// Time to its year.
    Year(Tz),
    Lower,
    Upper,
    /// The first so many characters.
    Left(usize),
    /// Where the text first stands, from 1, or 0.
    Position(String),
    /// An integer in decimal digits.
    Digits,
    /// A text to another one, or to a truth value.
    Words(Words),
}

/// Finds the terms of a table whose times are in `zone`.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) table: &'a Table,
    pub(super) zone: Tz,
}

impl Terms<'_> {
    /// Reads an expression as a term.
    pub(super) fn read(self, expr: &Expr) -> Option<Term> {
        match expr {
            Expr::Column(name) => self.column(&name.name),
            Expr::Alias(alias) => self.read(&alias.expr),
            Expr::Cast(cast) => self.read(&cast.expr)?.cast(cast.field.data_type()),
            Expr::TryCast(cast) => {
                let mut term = self.read(&cast.expr)?.cast(cast.field.data_type())?;
                term.partial = true;
                Some(term)
            }
            Expr::Negative(inner) => {
                let term = self.read(inner)?;
                match term.kind {
                    Kind::Integer => Some(term.step(Step::SubtractFrom(0))),
                    Kind::Real => Some(term.step(Step::SubtractFromReal(0.0))),
                    _ => None,
                }
            }
            Expr::BinaryExpr(binary) => self.arithmetic(binary),
            Expr::ScalarFunction(function) => self.function(function.func.name(), &function.args),
            Expr::Case(case) => words::read(self, case),
            _ => None,
        }
    }

    fn column(self, name: &str) -> Option<Term> {
        let column = self.table.column(name)?;
        let kind = match column.ty {
            Type::Text => Kind::Text,
            Type::Bigint => Kind::Integer,
            Type::Double => Kind::Real,
            Type::Boolean => Kind::Boolean,
            Type::Timestamptz => Kind::Time(1_000_000, Some(self.zone)),
            Type::Jsonb => Kind::Json,
        };
        Some(Term { column, path: Vec::new(), base: column.ty, steps: Vec::new(), kind, partial: false })
    }

    fn arithmetic(self, binary: &BinaryExpr) -> Option<Term> {
        let (term, constant, constant_first) = match (literal(&binary.left), literal(&binary.right)) {
            (None, Some(constant)) => (self.read(&binary.left)?, constant, false),
            (Some(constant), None) => (self.read(&binary.right)?, constant, true),
            _ => return None,
        };
        let step = match term.kind {
            Kind::Integer => integer_step(binary.op, integer(&constant)?, constant_first)?,
            Kind::Real => real_step(binary.op, &constant, constant_first)?,
            Kind::Time(1_000_000, zone) => interval_step(binary.op, &constant, constant_first, zone)?,
            _ => return None,
        };
        Some(term.step(step))
    }

    fn function(self, name: &str, args: &[Expr]) -> Option<Term> {
        let name = name.to_ascii_lowercase();
        match (name.as_str(), args) {
            ("lower", [inner]) => self.text_term(inner, Step::Lower),
            ("upper", [inner]) => self.text_term(inner, Step::Upper),
            ("left", [inner, count]) => self.left(inner, count),
            ("substr" | "substring", [inner, start, count]) if integer(&literal(start)?) == Some(1) => {
                self.left(inner, count)
            }
            ("strpos" | "position" | "instr", [inner, needle]) => {
                let mut term = self.text_term(inner, Step::Position(text(needle)?))?;
                term.kind = Kind::Integer;
                Some(term)
            }
            (OBJECT_FIELD, [inner, key]) => self.member(inner, key, Kind::Json),
            (OBJECT_FIELD_TEXT, [inner, key]) => {
                let term = self.member(inner, key, Kind::Text)?;
                Some(Term { base: Type::Text, ..term })
            }
            ("date_trunc", [unit, inner]) => self.trunc(unit, inner, None),
            ("date_trunc", [unit, inner, zone]) => self.trunc(unit, inner, Some(text(zone)?.parse().ok()?)),
            ("date_part" | "extract", [part, inner]) => self.part(&text(part)?, inner),
            _ => None,
        }
    }

    fn member(self, document: &Expr, key: &Expr, kind: Kind) -> Option<Term> {
        let mut term = self.read(document).filter(|term| matches!(term.kind, Kind::Json))?;
        term.path.push(text(key)?);
        term.kind = kind;
        Some(term)
    }

    fn text_term(self, inner: &Expr, step: Step) -> Option<Term> {
        let term = self.read(inner)?;
        matches!(term.kind, Kind::Text).then(|| term.step(step))
    }

    fn left(self, inner: &Expr, count: &Expr) -> Option<Term> {
        self.text_term(inner, Step::Left(usize::try_from(integer(&literal(count)?)?).ok()?))
    }

    fn trunc(self, unit: &Expr, inner: &Expr, zone: Option<Tz>) -> Option<Term> {
        let unit = Unit::parse(&text(unit)?)?;
        let term = self.read(inner)?;
        match term.kind {
            Kind::Time(1_000_000, own) => {
                let zone = zone.or(own).or_else(utc)?;
                Some(term.step(Step::Trunc(unit, zone)))
            }
            _ => None,
        }
    }

    fn part(self, part: &str, inner: &Expr) -> Option<Term> {
        let mut term = self.read(inner)?;
        let Kind::Time(1_000_000, zone) = term.kind else { return None };
        match part.to_ascii_lowercase().as_str() {
            "year" => {
                term.steps.push(Step::Year(zone.or_else(utc)?));
                term.kind = Kind::Integer;
            }
            "epoch" => {
                term.steps.extend([Step::Real, Step::DivideReal(1e6)]);
                term.kind = Kind::Real;
            }
            _ => return None,
        }
        Some(term)
    }
}

impl Term {
    pub(super) fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn turned(mut self, steps: impl IntoIterator<Item = Step>, kind: Kind) -> Self {
        self.steps.extend(steps);
        self.kind = kind;
        self
    }

    /// Whether it is never NULL.
    pub(super) fn is_never_null(&self) -> bool {
        !self.column.nullable && self.path.is_empty() && !self.partial && !self.goes_by_words()
    }

    /// Whether it may be NULL where its value is not, or the other way round.
    pub(super) fn goes_by_words(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Words(_)))
    }

    /// A condition about the value that the steps start from.
    pub(super) fn condition(&self, atom: Atom) -> Condition {
        Condition { column: self.column.name, path: self.path.clone(), atom }
    }

    /// The text at a path under a cast. What is no such number is an error there, never another number.
    fn cast_path(mut self, to: &DataType) -> Option<Self> {
        (self.base, self.kind) = match to {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => return Some(self),
            DataType::Float64 => (Type::Double, Kind::Real),
            DataType::Boolean => (Type::Boolean, Kind::Boolean),
            DataType::Decimal128(_, scale) => (Type::Double, Kind::Numeric(u32::try_from(*scale).ok()?)),
            to if to.is_integer() => (Type::Bigint, Kind::Integer),
            _ => return None,
        };
        Some(self)
    }

    /// The term under a cast, if the cast keeps order.
    fn cast(self, to: &DataType) -> Option<Self> {
        if !self.path.is_empty() && self.steps.is_empty() && matches!(self.kind, Kind::Text) {
            return self.cast_path(to);
        }
        match (self.kind, to) {
            (Kind::Numeric(scale), DataType::Decimal128(_, to_scale)) => {
                let kind = Kind::Numeric(scale.min(u32::try_from(*to_scale).ok()?));
                Some(Term { kind, ..self })
            }
            (Kind::Numeric(_), DataType::Float64) => Some(self),
            (_, DataType::Dictionary(_, inner)) => self.cast(inner),
            (Kind::Text, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
            | (Kind::Real, DataType::Float64)
            | (Kind::Date, DataType::Date32)
            | (Kind::Boolean, DataType::Boolean) => Some(self),
            // A value outside a narrower type is an error there, never another value.
            (Kind::Integer, to) if to.is_integer() => Some(self),
            (Kind::Integer, DataType::Float64) => Some(self.turned([Step::Real], Kind::Real)),
            (Kind::Integer, DataType::Decimal128(_, scale)) => {
                let scale = u32::try_from(*scale).ok()?;
                let factor = 10_i128.checked_pow(scale)?;
                Some(self.turned([Step::Multiply(factor)], Kind::Decimal(scale)))
            }
            (Kind::Integer, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => {
                Some(self.turned([Step::Digits], Kind::Text))
            }
            (Kind::Time(per_second, zone), DataType::Timestamp(unit, to_zone)) => {
                let to_zone = match to_zone {
                    Some(name) => Some(name.parse::<Tz>().ok()?),
                    None => None,
                };
                // PostgreSQL goes through local time here, arrow does not in one of the two directions.
                if zone.is_some() != to_zone.is_some() && !zone.or(to_zone).is_some_and(zone::is_utc) {
                    return None;
                }
                let target = per_second_of(*unit);
                let step = match target >= per_second {
                    true => Step::Multiply(target / per_second),
                    false => Step::Divide(per_second / target),
                };
                Some(self.turned((target != per_second).then_some(step), Kind::Time(target, to_zone)))
            }
            (Kind::Time(1_000_000, zone), DataType::Date32) => {
                Some(self.turned([Step::Day(zone.or_else(utc)?)], Kind::Date))
            }
            (Kind::Date, DataType::Timestamp(unit, to_zone)) => {
                let to_zone = match to_zone {
                    Some(name) => Some(name.parse::<Tz>().ok().filter(|zone| zone::is_utc(*zone))?),
                    None => None,
                };
                let per_second = per_second_of(*unit);
                Some(self.turned([Step::Multiply(86_400 * per_second)], Kind::Time(per_second, to_zone)))
            }
            _ => None,
        }
    }
}

/// Units of a timestamp in one second.
pub(super) fn per_second_of(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

fn utc() -> Option<Tz> {
    "+00:00".parse().ok()
}

fn integer_step(op: Operator, constant: i128, constant_first: bool) -> Option<Step> {
    match op {
        Operator::Plus => Some(Step::Add(constant, constant)),
        Operator::Minus if constant_first => Some(Step::SubtractFrom(constant)),
        Operator::Minus => Some(Step::Add(-constant, -constant)),
        Operator::Multiply => Some(Step::Multiply(constant)),
        Operator::Divide if !constant_first && constant != 0 => Some(Step::Divide(constant)),
        _ => None,
    }
}

fn real_step(op: Operator, constant: &ScalarValue, constant_first: bool) -> Option<Step> {
    let ScalarValue::Float64(Some(constant)) = *constant else { return None };
    if !constant.is_finite() {
        return None;
    }
    match op {
        Operator::Plus => Some(Step::AddReal(constant)),
        Operator::Minus if constant_first => Some(Step::SubtractFromReal(constant)),
        Operator::Minus => Some(Step::AddReal(-constant)),
        Operator::Multiply if constant != 0.0 => Some(Step::MultiplyReal(constant)),
        Operator::Divide if !constant_first && constant != 0.0 => Some(Step::DivideReal(constant)),
        _ => None,
    }
}

/// Time plus or minus an interval. Months and, where clocks are changed, days have no one length.
fn interval_step(op: Operator, constant: &ScalarValue, constant_first: bool, zone: Option<Tz>) -> Option<Step> {
    let (months, days, nanos) = match constant {
        ScalarValue::IntervalMonthDayNano(Some(interval)) => (interval.months, interval.days, interval.nanoseconds),
        ScalarValue::IntervalDayTime(Some(interval)) => {
            (0, interval.days, i64::from(interval.milliseconds).checked_mul(1_000_000)?)
        }
        ScalarValue::IntervalYearMonth(Some(months)) => (*months, 0, 0),
        ScalarValue::DurationMicrosecond(Some(micros)) => (0, 0, micros.checked_mul(1_000)?),
        ScalarValue::DurationNanosecond(Some(nanos)) => (0, 0, *nanos),
        _ => return None,
    };
    let day = i128::from(DAY_US);
    let months = i128::from(months);
    let fixed = i128::from(days) * day + i128::from(nanos.div_euclid(1_000));
    let slack = match zone.is_none_or(zone::is_fixed) || (months == 0 && days == 0) {
        true => 0,
        false => i128::from(SLOP_US),
    };
    let cut = i128::from(nanos.rem_euclid(1_000) != 0);
    let (one, other) = (months * 28 * day, months * 31 * day);
    let (low, high) = (fixed + one.min(other) - slack, fixed + one.max(other) + slack + cut);
    match op {
        Operator::Plus => Some(Step::Add(low, high)),
        Operator::Minus if !constant_first => Some(Step::Add(-high, -low)),
        _ => None,
    }
}
