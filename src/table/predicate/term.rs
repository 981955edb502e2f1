//! Terms over one column, as the column and the steps that lead from its value to the term's.

use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, Operator};

pub(super) use super::constant::{integer, literal, text};
use super::words::{self, Words};
use super::zone::{self, DAY_US, SLOP_US, Unit};
use crate::function::numeric::Numeric;
use crate::model::filter::{Atom, Condition};
use crate::model::table::{Column, Table, Type};
use crate::pgtype::types::PgType;
use crate::sql::scalar::RowFunction;

/// A term. It is NULL exactly where the value is that it starts from, unless it goes by [`Step::Words`].
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) column: &'static Column,
    /// The keys to a value within a `jsonb` column.
    pub(super) path: Vec<String>,
    /// Type of the value that the steps start from: the column's, or what the text at the path is cast to.
    pub(super) base: Type,
    pub(super) steps: Vec<Step>,
    pub(super) kind: Kind,
}

/// What a term's value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Integer,
    /// A `numeric` that is worked out from an integer.
    Exact,
    Real,
    /// The text of a number as a `numeric`, or a double made of that; rounded to so many decimal digits, if to any.
    Numeric(Option<i32>),
    /// In microseconds, with its zone if it has one.
    Time(Option<Tz>),
    /// Microseconds between two times.
    Span,
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
    /// An integer that counts units of ten to the minus this becomes a `numeric`.
    Numeric(u16),
    /// A `numeric` and a constant, which may stand first.
    Exact(Operator, Numeric, bool),
    /// A `numeric` becomes a double.
    Double,
    /// An integer becomes a double.
    Real,
    AddReal(f64),
    SubtractFromReal(f64),
    MultiplyReal(f64),
    DivideReal(f64),
    /// Time to the start of its unit.
    Trunc(Unit, Tz),
    /// Time to what the clocks show then.
    Local(Tz),
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
            Expr::Cast(cast) => self.cast(self.read(&cast.expr)?, type_of(cast.field.data_type())?),
            // The units of a virtual table's columns.
            Expr::BinaryExpr(binary) => self.arithmetic(binary.op, &binary.left, &binary.right),
            Expr::ScalarFunction(function) => self.function(function),
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
            Type::Timestamptz => Kind::Time(Some(self.zone)),
            Type::Jsonb => Kind::Json,
        };
        Some(Term { column, path: Vec::new(), base: column.ty, steps: Vec::new(), kind })
    }

    fn arithmetic(self, op: Operator, left: &Expr, right: &Expr) -> Option<Term> {
        let (term, constant, constant_first) = match (literal(left), literal(right)) {
            (None, Some(constant)) => (self.read(left)?, constant, false),
            (Some(constant), None) => (self.read(right)?, constant, true),
            _ => return None,
        };
        let step = match (term.kind, &constant) {
            (Kind::Integer, constant) => integer_step(op, integer(constant)?, constant_first)?,
            (Kind::Exact, constant) => exact_step(op, constant, constant_first)?,
            (Kind::Real, constant) => real_step(op, constant, constant_first)?,
            (Kind::Date, constant) if integer(constant).is_some() => match op {
                Operator::Plus | Operator::Minus => integer_step(op, integer(constant)?, constant_first)?,
                _ => return None,
            },
            (Kind::Date, ScalarValue::Date32(Some(day))) if op == Operator::Minus && finite_day(*day) => {
                let step = integer_step(op, i128::from(*day), constant_first)?;
                return Some(term.turned([step], Kind::Integer));
            }
            (Kind::Time(_), ScalarValue::TimestampMicrosecond(Some(time), _))
                if op == Operator::Minus && finite_time(*time) =>
            {
                let step = integer_step(op, i128::from(*time), constant_first)?;
                return Some(term.turned([step], Kind::Span));
            }
            (Kind::Time(zone), constant) => interval_step(op, constant, constant_first, zone)?,
            _ => return None,
        };
        Some(term.step(step))
    }

    fn function(self, call: &ScalarFunction) -> Option<Term> {
        let function = RowFunction::of(&call.func)?;
        match (call.name(), call.args.as_slice()) {
            // What decides in a comparison.
            ("numeric_key", [inner]) => self.read(inner).filter(|term| term.is_exact()),
            ("float8_key", [inner]) => {
                self.read(inner).filter(|term| matches!(term.kind, Kind::Real | Kind::Numeric(_)))
            }
            ("interval_key", [inner]) => self
                .read(inner)
                .filter(|term| matches!(term.kind, Kind::Span))
                .map(|term| term.turned([], Kind::Integer)),
            ("-", [inner]) => self.read(inner)?.negated(),
            ("+", [inner]) => self.read(inner),
            ("+", [left, right]) => self.arithmetic(Operator::Plus, left, right),
            ("-", [left, right]) => self.arithmetic(Operator::Minus, left, right),
            ("*", [left, right]) => self.arithmetic(Operator::Multiply, left, right),
            ("/", [left, right]) => self.arithmetic(Operator::Divide, left, right),
            ("lower", [inner]) => self.text_term(inner, Step::Lower),
            ("upper", [inner]) => self.text_term(inner, Step::Upper),
            ("left", [inner, count]) => self.left(inner, count),
            ("substr" | "substring", [inner, start, count]) if integer(&literal(start)?) == Some(1) => {
                self.left(inner, count)
            }
            ("strpos" | "position", [inner, needle]) => {
                let mut term = self.text_term(inner, Step::Position(text(needle)?))?;
                term.kind = Kind::Integer;
                Some(term)
            }
            ("->", [inner, key]) => self.member(inner, key, Kind::Json),
            ("->>", [inner, key]) => {
                let term = self.member(inner, key, Kind::Text)?;
                Some(Term { base: Type::Text, ..term })
            }
            ("date_trunc", [unit, inner]) => self.trunc(unit, inner, None),
            ("date_trunc", [unit, inner, zone]) => self.trunc(unit, inner, Some(zone::named(&text(zone)?)?)),
            ("date_part", [part, inner]) => self.part(&text(part)?, inner, false),
            ("extract", [part, inner]) => self.part(&text(part)?, inner, true),
            ("timezone", [zone, inner]) => {
                let zone = zone::named(&text(zone)?)?;
                let term = self.read(inner).filter(|term| matches!(term.kind, Kind::Time(Some(_))))?;
                Some(term.turned([Step::Local(zone)], Kind::Time(None)))
            }
            ("numeric", [inner]) if function.typmod().is_some() => {
                let term = self.read(inner).filter(|term| matches!(term.kind, Kind::Numeric(None)))?;
                // The scale is the lower eleven bits, and has a sign.
                let scale = (((function.typmod()? - 4) & 0x7ff) ^ 1024) - 1024;
                Some(term.turned([], Kind::Numeric(Some(scale))))
            }
            (_, [inner]) if function.is_cast() => self.cast(self.read(inner)?, function.result()),
            _ => None,
        }
    }

    /// The term under a cast, if the cast keeps order.
    fn cast(self, term: Term, to: PgType) -> Option<Term> {
        if !term.path.is_empty() && term.steps.is_empty() && matches!(term.kind, Kind::Text) {
            return term.cast_path(to);
        }
        let is_utc = zone::is_utc(self.zone);
        Some(match (term.kind, to) {
            (Kind::Text, PgType::Text)
            | (Kind::Real | Kind::Numeric(_), PgType::Float8)
            | (Kind::Boolean, PgType::Bool)
            // A value outside a narrower type is an error there, never another value.
            | (Kind::Integer, PgType::Int2 | PgType::Int4 | PgType::Int8) => term,
            (Kind::Integer, PgType::Float8) => term.turned([Step::Real], Kind::Real),
            (Kind::Integer, PgType::Numeric) => term.turned([Step::Numeric(0)], Kind::Exact),
            (Kind::Exact, PgType::Float8) => term.turned([Step::Double], Kind::Real),
            (Kind::Integer, PgType::Text | PgType::Varchar) => term.turned([Step::Digits], Kind::Text),
            (Kind::Time(zone), PgType::Date) => term.turned([Step::Day(zone.or_else(utc)?)], Kind::Date),
            (Kind::Time(Some(zone)), PgType::Timestamp) => term.turned([Step::Local(zone)], Kind::Time(None)),
            (Kind::Time(None), PgType::Timestamptz) if is_utc => term.turned([], Kind::Time(Some(self.zone))),
            (Kind::Date, PgType::Timestamp) => term.turned([Step::Multiply(i128::from(DAY_US))], Kind::Time(None)),
            (Kind::Date, PgType::Timestamptz) if is_utc => {
                term.turned([Step::Multiply(i128::from(DAY_US))], Kind::Time(Some(self.zone)))
            }
            _ => return None,
        })
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
        let Kind::Time(own) = term.kind else { return None };
        let zone = zone.or(own).or_else(utc)?;
        Some(term.step(Step::Trunc(unit, zone)))
    }

    /// `extract` if `exact`, else `date_part`.
    fn part(self, part: &str, inner: &Expr, exact: bool) -> Option<Term> {
        let term = self.read(inner)?;
        let Kind::Time(zone) = term.kind else { return None };
        Some(match (part.to_ascii_lowercase().as_str(), exact) {
            ("year", true) => term.turned([Step::Year(zone.or_else(utc)?), Step::Numeric(0)], Kind::Exact),
            ("year", false) => term.turned([Step::Year(zone.or_else(utc)?), Step::Real], Kind::Real),
            ("epoch", true) => term.turned([Step::Numeric(6)], Kind::Exact),
            ("epoch", false) => term.turned([Step::Real, Step::DivideReal(1e6)], Kind::Real),
            _ => return None,
        })
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
        !self.column.nullable && self.path.is_empty() && !self.goes_by_words()
    }

    /// Whether it may be NULL where its value is not, or the other way round.
    pub(super) fn goes_by_words(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Words(_)))
    }

    /// A condition about the value that the steps start from.
    pub(super) fn condition(&self, atom: Atom) -> Condition {
        Condition { column: self.column.name, path: self.path.clone(), atom }
    }

    /// Whether it is a `numeric`.
    fn is_exact(&self) -> bool {
        matches!(self.kind, Kind::Exact | Kind::Numeric(_))
    }

    fn negated(self) -> Option<Self> {
        Some(match self.kind {
            Kind::Integer => self.step(Step::SubtractFrom(0)),
            Kind::Real => self.step(Step::SubtractFromReal(0.0)),
            Kind::Exact => self.step(Step::Exact(Operator::Minus, Numeric::new(0, 0), true)),
            _ => return None,
        })
    }

    /// The text at a path under a cast. What is no such number is an error there, never another number.
    fn cast_path(mut self, to: PgType) -> Option<Self> {
        (self.base, self.kind) = match to {
            PgType::Text => return Some(self),
            PgType::Float8 => (Type::Double, Kind::Real),
            PgType::Bool => (Type::Boolean, Kind::Boolean),
            PgType::Numeric => (Type::Double, Kind::Numeric(None)),
            PgType::Int2 | PgType::Int4 | PgType::Int8 => (Type::Bigint, Kind::Integer),
            _ => return None,
        };
        Some(self)
    }
}

/// The type that a cast of the engine's own gives.
fn type_of(ty: &DataType) -> Option<PgType> {
    Some(match ty {
        DataType::Dictionary(_, inner) => type_of(inner)?,
        DataType::Int16 => PgType::Int2,
        DataType::Int32 => PgType::Int4,
        DataType::Int64 => PgType::Int8,
        DataType::Float64 => PgType::Float8,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => PgType::Text,
        _ => return None,
    })
}

/// Whether a time is one, and not infinity.
pub(super) fn finite_time(micros: i64) -> bool {
    micros != i64::MIN && micros != i64::MAX
}

/// Whether a date is one, and not infinity.
pub(super) fn finite_day(day: i32) -> bool {
    day != i32::MIN && day != i32::MAX
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

fn exact_step(op: Operator, constant: &ScalarValue, constant_first: bool) -> Option<Step> {
    let ScalarValue::Binary(Some(bytes)) = constant else { return None };
    let constant = Numeric::decode(bytes);
    let fits = match op {
        Operator::Plus | Operator::Minus | Operator::Multiply => true,
        Operator::Divide => !constant_first && !constant.is_zero(),
        _ => false,
    };
    (fits && constant.is_finite()).then_some(Step::Exact(op, constant, constant_first))
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
    let ScalarValue::IntervalMonthDayNano(Some(interval)) = constant else { return None };
    let (months, days, nanos) = (interval.months, interval.days, interval.nanoseconds);
    let day = i128::from(DAY_US);
    let months = i128::from(months);
    let fixed = i128::from(days) * day + i128::from(nanos.div_euclid(1_000));
    let slack = match zone.is_none_or(zone::is_fixed) || (months == 0 && days == 0) {
        true => 0,
        false => i128::from(SLOP_US),
    };
    let (one, other) = (months * 28 * day, months * 31 * day);
    let (low, high) = (fixed + one.min(other) - slack, fixed + one.max(other) + slack);
    match op {
        Operator::Plus => Some(Step::Add(low, high)),
        Operator::Minus if !constant_first => Some(Step::Add(-high, -low)),
        _ => None,
    }
}
