//! Comparisons: to which type both sides go, and what of a value decides.
//!
//! Most types are held so that the engine's own comparison is PostgreSQL's, and then it is used, because scans can tell
//! upstream of it. The others are compared by a *key*: of a `numeric` without its scale, of an `interval` the whole
//! length, of a `jsonb` its place in PostgreSQL's order, of a `char(n)` the text without the blanks behind it, of a
//! floating point number that has been worked out the one without the sign of zero.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Operator, binary_expr};

use super::Analyzer;
use super::ColumnOrigin;
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::coerce::{Category, category, is_implicit, is_preferred};
use crate::function::datum::Datum;
use crate::function::io;
use crate::function::numeric::Numeric;
use crate::pgtype::types::PgType;
use crate::sql::scalar::{Body, Declaration};

/// The symbol of a comparison.
pub(super) fn symbol(op: Operator) -> &'static str {
    match op {
        Operator::Eq => "=",
        Operator::NotEq => "<>",
        Operator::Lt => "<",
        Operator::LtEq => "<=",
        Operator::Gt => ">",
        _ => ">=",
    }
}

/// Whether the ordering satisfies the comparison.
pub(super) fn holds(op: Operator, ordering: Ordering) -> bool {
    match op {
        Operator::Eq => ordering.is_eq(),
        Operator::NotEq => ordering.is_ne(),
        Operator::Lt => ordering.is_lt(),
        Operator::LtEq => ordering.is_le(),
        Operator::Gt => ordering.is_gt(),
        _ => ordering.is_ge(),
    }
}

/// The other way round.
pub(super) fn mirrored(op: Operator) -> Operator {
    match op {
        Operator::Lt => Operator::Gt,
        Operator::LtEq => Operator::GtEq,
        Operator::Gt => Operator::Lt,
        Operator::GtEq => Operator::LtEq,
        op => op,
    }
}

fn is_integer(ty: PgType) -> bool {
    matches!(ty, PgType::Int2 | PgType::Int4 | PgType::Int8)
}

impl Analyzer<'_> {
    /// A comparison.
    pub(super) fn compare(&self, op: Operator, left: Typed, right: Typed) -> Result<Typed> {
        if left.fields.is_some() && right.fields.is_some() {
            return self.compare_rows(op, &left, &right);
        }
        if let Some(typed) = self.integer_and_fraction(op, &left, &right)? {
            return Ok(typed);
        }
        let place = left.place;
        let ty = self.compared_type(symbol(op), &left, &right)?;
        let left = self.implicit_or_time(left, ty)?;
        let right = self.implicit_or_time(right, ty)?;
        Ok(self.compare_same(op, left, right)?.placed(place))
    }

    fn implicit_or_time(&self, typed: Typed, ty: PgType) -> Result<Typed> {
        self.implicit(typed, ty)
    }

    /// A comparison of two values of one type.
    pub(super) fn compare_same(&self, op: Operator, left: Typed, right: Typed) -> Result<Typed> {
        let ty = left.ty;
        if matches!(ty, PgType::Json | PgType::Xml) {
            return Err(no_operator(symbol(op), Some(ty), ty));
        }
        if left.is_null() || right.is_null() {
            return self.constant(PgType::Bool, Datum::Null);
        }
        if let (Some(one), Some(other)) = (&left.value, &right.value) {
            let truth = holds(op, io::compare(ty, one, other));
            return self.constant(PgType::Bool, Datum::Bool(truth));
        }
        if ty.element().is_some() {
            let body: Body = Arc::new(move |args, _| Ok(Datum::Bool(holds(op, io::compare(ty, &args[0], &args[1])))));
            let declaration = Declaration {
                name: symbol(op).to_owned(),
                args: vec![ty, ty],
                result: PgType::Bool,
                strict: true,
                volatile: false,
                tag: String::new(),
            };
            return self.row_call(declaration, body, vec![left, right]);
        }
        let (left, right) = (self.key(left)?, self.key(right)?);
        Ok(Typed::new(binary_expr(left.expr, op, right.expr), PgType::Bool))
    }

    /// What of a value decides in comparisons, sorting and grouping.
    pub(super) fn key(&self, typed: Typed) -> Result<Typed> {
        let place = typed.place;
        let keyed = match typed.ty {
            PgType::Numeric => self.named_call("numeric_key", PgType::Bytea, vec![typed], |args, _| {
                let Datum::Numeric(value) = &args[0] else { return Ok(Datum::Null) };
                let encoded = value.encode();
                Ok(Datum::Bytea(Numeric::key(&encoded).to_vec().into()))
            })?,
            PgType::Interval => self.named_call("interval_key", PgType::Int8, vec![typed], |args, _| {
                let Datum::Interval(value) = &args[0] else { return Ok(Datum::Null) };
                let micros = crate::function::datetime::interval_key(value);
                let fits =
                    i64::try_from(micros).map_err(|_| Error::new(Kind::DatetimeOverflow, "interval out of range"));
                Ok(Datum::Int8(fits?))
            })?,
            PgType::Jsonb => self.named_call("jsonb_key", PgType::Bytea, vec![typed], |args, _| {
                let Datum::Jsonb(value) = &args[0] else { return Ok(Datum::Null) };
                Ok(Datum::Bytea(io::jsonb_key(value).into()))
            })?,
            // The engine would compare the elements in an order of its own.
            PgType::Array(element) => self.named_call("array_key", PgType::Bytea, vec![typed], move |args, _| {
                let Datum::Array(items) = &args[0] else { return Ok(Datum::Null) };
                Ok(Datum::Bytea(io::array_key(*element, items).into()))
            })?,
            PgType::Bpchar => self.named_call("bpchar_key", PgType::Text, vec![typed], |args, _| {
                let Datum::Text(value) = &args[0] else { return Ok(Datum::Null) };
                Ok(Datum::text(value.trim_end_matches(' ')))
            })?,
            // Zero has two signs.
            PgType::Float8 if matches!(&typed.value, Some(Datum::Float8(value)) if *value == 0.0) => {
                self.constant(PgType::Float8, Datum::Float8(0.0))?
            }
            PgType::Float8 if !self.has_one_zero(&typed.expr) => {
                self.named_call("float8_key", PgType::Float8, vec![typed], |args, _| {
                    let Datum::Float8(value) = &args[0] else { return Ok(Datum::Null) };
                    Ok(Datum::Float8(if value.is_nan() { f64::NAN } else { *value + 0.0 }))
                })?
            }
            PgType::Float4 if !self.has_one_zero(&typed.expr) => {
                self.named_call("float4_key", PgType::Float4, vec![typed], |args, _| {
                    let Datum::Float4(value) = &args[0] else { return Ok(Datum::Null) };
                    Ok(Datum::Float4(if value.is_nan() { f32::NAN } else { *value + 0.0 }))
                })?
            }
            _ => typed,
        };
        Ok(keyed.placed(place))
    }

    /// Whether values of a type can be told apart but for what [`Analyzer::key`] leaves out.
    pub(super) fn has_key(&self, typed: &Typed) -> bool {
        match typed.ty {
            PgType::Numeric | PgType::Interval | PgType::Jsonb | PgType::Bpchar => true,
            PgType::Float4 | PgType::Float8 => !self.has_one_zero(&typed.expr),
            _ => false,
        }
    }

    /// Whether zero has one sign only among the values of an expression, and NaN too.
    fn has_one_zero(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Column(column) | Expr::OuterReferenceColumn(_, column) => self.one_zero.borrow().contains(column),
            Expr::Literal(ScalarValue::Float64(Some(value)), _) => *value != 0.0 && !value.is_nan(),
            Expr::Literal(ScalarValue::Float32(Some(value)), _) => *value != 0.0 && !value.is_nan(),
            Expr::Alias(alias) => self.has_one_zero(&alias.expr),
            Expr::ScalarFunction(call) => matches!(call.name(), "float4_key" | "float8_key"),
            // Integers have one.
            Expr::Cast(cast) => match cast.expr.as_ref() {
                Expr::Column(column) => self.columns.borrow().get(column).copied().is_some_and(is_integer),
                _ => false,
            },
            Expr::Literal(value, _) => value.is_null(),
            _ => false,
        }
    }

    /// Notes that a column repeats an expression.
    pub(super) fn repeats(&self, column: &Expr, expr: &Expr) {
        if let Expr::Column(column) = column
            && self.has_one_zero(expr)
        {
            self.one_zero.borrow_mut().insert(column.clone());
        }
    }

    /// Notes which column of a relation a column of the plan is.
    pub(super) fn stems(&self, column: &Expr, origin: Option<ColumnOrigin>) {
        if let (Expr::Column(column), Some(origin)) = (column, origin) {
            self.origins.borrow_mut().insert(column.clone(), origin);
        }
    }

    /// Which column of a relation an expression is.
    pub(super) fn origin(&self, expr: &Expr) -> Option<ColumnOrigin> {
        match expr {
            Expr::Column(column) => self.origins.borrow().get(column).copied(),
            _ => None,
        }
    }

    /// Notes the types of the fields of a column of rows.
    pub(super) fn has_fields(&self, column: &Expr, types: Option<Arc<[PgType]>>) {
        if let (Expr::Column(column), Some(types)) = (column, types) {
            self.rows.borrow_mut().insert(column.clone(), types);
        }
    }

    /// The types of the fields of a row, where they are known.
    pub(super) fn field_types(&self, typed: &Typed) -> Option<Arc<[PgType]>> {
        match (&typed.fields, &typed.expr) {
            _ if typed.ty != PgType::Record => None,
            (Some(fields), _) => Some(fields.iter().map(|(_, field)| field.ty).collect()),
            (None, Expr::Column(column)) => self.rows.borrow().get(column).cloned(),
            _ => None,
        }
    }

    /// An integer beside a constant with a fraction: `latency_ms > 1000.5` is `latency_ms > 1000`, which upstream may
    /// understand.
    fn integer_and_fraction(&self, op: Operator, left: &Typed, right: &Typed) -> Result<Option<Typed>> {
        let (own, constant, op, mirrored_back) = match (left.ty, right.ty) {
            (ty, PgType::Numeric) if is_integer(ty) && left.value.is_none() => (left, right, op, false),
            (PgType::Numeric, ty) if is_integer(ty) && right.value.is_none() => (right, left, mirrored(op), true),
            _ => return Ok(None),
        };
        let Some(Datum::Numeric(value)) = &constant.value else { return Ok(None) };
        if value.is_nan() || !matches!(value, Numeric::Finite { .. }) {
            return Ok(None);
        }
        let floor = value.floor();
        let is_whole = floor.compare(value).is_eq();
        let Ok(floor) = floor.to_i64() else { return Ok(None) };
        let op = match (op, is_whole) {
            (op, true) => op,
            (Operator::Lt, false) => Operator::LtEq,
            (Operator::GtEq, false) => Operator::Gt,
            (op @ (Operator::LtEq | Operator::Gt), false) => op,
            _ => return Ok(None),
        };
        let constant = self.constant(PgType::Int8, Datum::Int8(floor))?;
        let own = own.clone();
        let both = match (own.ty, i32::try_from(floor)) {
            (PgType::Int4, Ok(small)) => (own, self.constant(PgType::Int4, Datum::Int4(small))?),
            _ => (self.implicit(own, PgType::Int8)?, constant),
        };
        let op = if mirrored_back { mirrored(op) } else { op };
        let (one, other) = if mirrored_back { (both.1, both.0) } else { both };
        self.compare_same(op, one, other).map(Some)
    }

    /// The type in which two values are compared.
    pub(super) fn compared_type(&self, symbol: &str, left: &Typed, right: &Typed) -> Result<PgType> {
        let missing = || self.at(no_operator(symbol, Some(left.ty), right.ty), left.place);
        compared_type(left.ty, right.ty).ok_or_else(missing)
    }
}

/// The type in which values of two types are compared, if there is an operator.
pub(super) fn compared_type(left: PgType, right: PgType) -> Option<PgType> {
    use PgType::{Char, Date, Float4, Float8, Int8, Numeric, Oid, Record, Text, Timestamp, Timestamptz, Unknown};
    Some(match (left, right) {
        (Unknown, Unknown) => Text,
        (Unknown, Record) | (Record, Unknown) => return None,
        // An unknown literal beside a varchar is text.
        (Unknown, ty) | (ty, Unknown) => {
            if ty == PgType::Varchar {
                Text
            } else {
                ty
            }
        }
        (one, other) if one == other => {
            if one == PgType::Varchar {
                Text
            } else {
                one
            }
        }
        (Date, Timestamp) | (Timestamp, Date) => Timestamp,
        (Date | Timestamp, Timestamptz) | (Timestamptz, Date | Timestamp) => Timestamptz,
        (one, other) if is_integer(one) && is_integer(other) => {
            if one == Int8 || other == Int8 {
                Int8
            } else {
                PgType::Int4
            }
        }
        (Float4 | Float8, other) | (other, Float4 | Float8)
            if category(other) == Category::Numeric && !other.is_oid() =>
        {
            Float8
        }
        (Numeric, other) | (other, Numeric) if is_integer(other) => Numeric,
        (one, other) if one.is_oid() && other.is_oid() => Oid,
        (one, other) if (one.is_oid() && is_integer(other)) || (is_integer(one) && other.is_oid()) => Oid,
        (Char, other) | (other, Char) if category(other) == Category::String => Text,
        (one, other) if category(one) == Category::String && category(other) == Category::String => Text,
        (PgType::Array(one), PgType::Array(other)) if one == other => left,
        (one, other) if category(one) == category(other) && is_preferred(other) && is_implicit(one, other) => other,
        (one, other) if category(one) == category(other) && is_preferred(one) && is_implicit(other, one) => one,
        (PgType::Time, PgType::Interval) | (PgType::Interval, PgType::Time) => PgType::Interval,
        _ => return None,
    })
}

/// The error for an operator that no two such types have.
pub(super) fn no_operator(symbol: &str, left: Option<PgType>, right: PgType) -> Error {
    let left = left.map_or(String::new(), |left| format!("{} ", left.name()));
    let message = format!("operator does not exist: {left}{symbol} {}", right.name());
    Error::new(Kind::UndefinedFunction, message)
        .hint("No operator matches the given name and argument types. You might need to add explicit type casts.")
}
