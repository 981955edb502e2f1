//! Expressions: one arm for each form that SQL has.

use std::cell::RefCell;

use datafusion::common::Column as EngineColumn;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::sql::sqlparser::ast::{self, CastKind};

use super::Analyzer;
use super::cte::Ctes;
use super::scope::Scope;
use super::sets::SetCall;
use super::typed::Typed;
use super::types;
use super::window::Named;
use crate::error::{Error, Kind, Result};
use crate::function::CastContext;
use crate::function::datum::Datum;
use crate::pgtype::types::PgType;

/// Where an expression stands, which decides what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clause {
    Select,
    Where,
    JoinOn,
    GroupBy,
    Having,
    OrderBy,
    Limit,
    Offset,
    Values,
    From,
    AggregateArgument,
    Filter,
    WindowDefinition,
    WindowFrame,
}

impl Clause {
    /// As PostgreSQL's errors name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Clause::Select => "SELECT",
            Clause::Where => "WHERE",
            Clause::JoinOn => "JOIN conditions",
            Clause::GroupBy => "GROUP BY",
            Clause::Having => "HAVING",
            Clause::OrderBy => "ORDER BY",
            Clause::Limit => "LIMIT",
            Clause::Offset => "OFFSET",
            Clause::Values => "VALUES",
            Clause::From => "functions in FROM",
            Clause::AggregateArgument => "aggregate function calls",
            Clause::Filter => "FILTER",
            Clause::WindowDefinition => "window definitions",
            Clause::WindowFrame => "window frames",
        }
    }
}

/// What the expressions of one SELECT ask of the plan below them: each a call, and the column that will hold its value.
#[derive(Debug, Default)]
pub(super) struct Gather {
    pub(super) aggregates: RefCell<Vec<(Expr, String)>>,
    pub(super) windows: RefCell<Vec<(Expr, String)>>,
    pub(super) sets: RefCell<Vec<SetCall>>,
    /// Calls of grouping(): their arguments, and the column that will hold the value.
    pub(super) groupings: RefCell<Vec<(Vec<Expr>, String)>>,
    pub(super) named_windows: Vec<Named>,
}

/// What an expression sees.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) scope: &'a Scope<'a>,
    pub(super) ctes: &'a Ctes<'a>,
    pub(super) gather: Option<&'a Gather>,
    pub(super) clause: Clause,
}

impl<'a> Context<'a> {
    /// How many set-returning functions have been called so far.
    pub(super) fn set_calls(&self) -> usize {
        self.gather.map_or(0, |gather| gather.sets.borrow().len())
    }

    pub(super) fn within(&self, clause: Clause) -> Context<'a> {
        Context { clause, ..*self }
    }
}

impl Analyzer<'_> {
    /// An expression.
    pub(super) fn expr(&self, context: &Context<'_>, expr: &ast::Expr) -> Result<Typed> {
        use ast::Expr as E;
        match expr {
            E::Value(value) => self.literal(value),
            E::Identifier(ident) => self.identifier(context, ident),
            E::CompoundIdentifier(idents) => self.compound(context, idents),
            E::Nested(inner) => self.expr(context, inner),
            E::BinaryOp { left, op, right } => {
                self.binary(context, left, op, right).map_err(|error| self.located(error, expr))
            }
            E::UnaryOp { op, expr: inner } => {
                self.unary(context, *op, inner).map_err(|error| self.located(error, expr))
            }
            E::Cast { expr: inner, data_type, kind, .. } => {
                if !matches!(kind, CastKind::Cast | CastKind::DoubleColon) {
                    return Err(Error::new(Kind::Syntax, "syntax error at or near \"AS\""));
                }
                let (ty, typmod) = types::resolve(data_type).map_err(|error| self.located(error, expr))?;
                let typed = match inner.as_ref() {
                    E::Array(array) if array.elem.is_empty() && ty.is_array() => return self.empty_array(ty),
                    inner => self.expr(context, inner)?.placed_at(inner),
                };
                self.written_cast(typed, ty, typmod).map_err(|error| self.located(error, expr))
            }
            E::TypedString(typed) => {
                let (ty, typmod) = types::resolve(&typed.data_type)?;
                let literal = self.literal(&typed.value)?;
                self.cast(literal, ty, typmod, CastContext::Explicit)
            }
            E::Interval(interval) => self.interval(context, interval),
            E::IsNull(inner) => self.null_test(context, inner, false),
            E::IsNotNull(inner) => self.null_test(context, inner, true),
            E::IsTrue(inner) => self.truth_test(context, inner, "IS TRUE", Expr::IsTrue),
            E::IsNotTrue(inner) => self.truth_test(context, inner, "IS NOT TRUE", Expr::IsNotTrue),
            E::IsFalse(inner) => self.truth_test(context, inner, "IS FALSE", Expr::IsFalse),
            E::IsNotFalse(inner) => self.truth_test(context, inner, "IS NOT FALSE", Expr::IsNotFalse),
            E::IsUnknown(inner) => self.truth_test(context, inner, "IS UNKNOWN", Expr::IsUnknown),
            E::IsNotUnknown(inner) => self.truth_test(context, inner, "IS NOT UNKNOWN", Expr::IsNotUnknown),
            E::IsDistinctFrom(left, right) => self.distinct_test(context, left, right, Operator::IsDistinctFrom),
            E::IsNotDistinctFrom(left, right) => self.distinct_test(context, left, right, Operator::IsNotDistinctFrom),
            E::Between { expr: inner, negated, low, high } => self.between(context, inner, *negated, low, high),
            E::InList { expr: inner, list, negated } => self.in_list(context, inner, list, *negated),
            E::InSubquery { expr: inner, subquery, negated } => {
                self.shared(context, expr, || self.in_subquery(context, inner, subquery, *negated))
            }
            E::Exists { subquery, negated } => self.shared(context, expr, || self.exists(context, subquery, *negated)),
            E::Subquery(query) => self.shared(context, expr, || self.scalar_subquery(context, query)),
            E::AnyOp { left, compare_op, right, .. } => self.quantified(context, left, compare_op, right, false),
            E::AllOp { left, compare_op, right } => self.quantified(context, left, compare_op, right, true),
            E::Like { negated, any, expr: inner, pattern, escape_char } => {
                self.like(context, inner, pattern, escape_char.as_ref(), *negated, *any, false)
            }
            E::ILike { negated, any, expr: inner, pattern, escape_char } => {
                self.like(context, inner, pattern, escape_char.as_ref(), *negated, *any, true)
            }
            E::SimilarTo { negated, expr: inner, pattern, escape_char } => {
                self.similar(context, inner, pattern, escape_char.as_ref(), *negated)
            }
            E::Case { operand, conditions, else_result, .. } => {
                self.case(context, operand.as_deref(), conditions, else_result.as_deref())
            }
            E::Function(function) => self.call(context, function).map_err(|error| self.located(error, expr)),
            E::Collate { expr: inner, collation } => self.collate(context, inner, collation),
            E::Array(array) => self.array(context, array),
            E::Tuple(items) => self.row(context, items),
            E::CompoundFieldAccess { root, access_chain } => self.access(context, root, access_chain),
            E::AtTimeZone { timestamp, time_zone } => {
                let zone = self.expr(context, time_zone)?;
                let moment = self.expr(context, timestamp)?;
                self.by_name("timezone", vec![zone, moment]).map_err(|error| self.located(error, expr))
            }
            _ => self.syntactic(context, expr).map_err(|error| self.located(error, expr)),
        }
    }

    /// A reference to a column of the plan.
    pub(super) fn column(&self, relation: Option<&str>, name: &str, ty: PgType) -> Typed {
        let column = EngineColumn::new(relation, name);
        self.columns.borrow_mut().insert(column.clone(), ty);
        Typed::new(Expr::Column(column), ty)
    }

    fn identifier(&self, context: &Context<'_>, ident: &ast::Ident) -> Result<Typed> {
        match self.unqualified(context.scope, ident) {
            Err(error) if error.kind == Kind::UndefinedColumn => match self.session_word(ident)? {
                Some(typed) => Ok(typed),
                None => Err(error),
            },
            found => found,
        }
    }

    fn compound(&self, context: &Context<'_>, idents: &[ast::Ident]) -> Result<Typed> {
        self.qualified(context.scope, idents)
    }

    fn written_cast(&self, typed: Typed, ty: PgType, typmod: i32) -> Result<Typed> {
        self.object_cast(typed, ty, typmod)
    }

    /// `interval '1' day`, with the unit written into the text as PostgreSQL's input reads it.
    fn interval(&self, context: &Context<'_>, interval: &ast::Interval) -> Result<Typed> {
        use ast::DateTimeField as F;
        let typed = self.expr(context, &interval.value)?;
        let Some(text) = typed.unknown_text().map(str::to_owned) else {
            return Err(Error::new(Kind::Syntax, "syntax error at or near \"interval\""));
        };
        let field = |field: &F| field.to_string().to_lowercase();
        let digits = interval.fractional_seconds_precision.or(interval.leading_precision);
        let first = interval.leading_field.as_ref().map(field);
        let last = interval.last_field.as_ref().map(field);
        let typmod = super::special::interval_typmod(first.as_deref(), last.as_deref(), digits)?;
        let literal = self.unknown(Some(&text)).placed(typed.place);
        self.cast(literal, PgType::Interval, typmod, CastContext::Explicit)
    }

    fn null_test(&self, context: &Context<'_>, inner: &ast::Expr, negated: bool) -> Result<Typed> {
        let typed = self.expr(context, inner)?;
        if let Some(fields) = &typed.fields {
            // A row is NULL if all its fields are, and NOT NULL if none is.
            let tests = fields.iter().map(|(_, field)| {
                let expr = Box::new(field.expr.clone());
                Typed::new(if negated { Expr::IsNotNull(expr) } else { Expr::IsNull(expr) }, PgType::Bool)
            });
            return Ok(self.joined(Operator::And, tests.collect()));
        }
        let typed = self.known(typed)?;
        if let Some(value) = &typed.value {
            return self.constant(PgType::Bool, Datum::Bool(value.is_null() != negated));
        }
        let expr = Box::new(typed.expr);
        Ok(Typed::new(if negated { Expr::IsNotNull(expr) } else { Expr::IsNull(expr) }, PgType::Bool))
    }

    fn truth_test(
        &self,
        context: &Context<'_>,
        inner: &ast::Expr,
        what: &str,
        make: fn(Box<Expr>) -> Expr,
    ) -> Result<Typed> {
        let typed = self.expr(context, inner)?.placed_at(inner);
        let typed = self.boolean(typed, what)?;
        Ok(Typed::new(make(Box::new(typed.expr)), PgType::Bool))
    }

    fn distinct_test(&self, context: &Context<'_>, left: &ast::Expr, right: &ast::Expr, op: Operator) -> Result<Typed> {
        let (left, right) = (self.expr(context, left)?, self.expr(context, right)?);
        self.distinct(left, right, op)
    }

    /// `IS [NOT] DISTINCT FROM`.
    pub(super) fn distinct(&self, left: Typed, right: Typed, op: Operator) -> Result<Typed> {
        if let (Some(one), Some(other)) = (&left.fields, &right.fields) {
            let pairs = one.iter().zip(other.iter());
            let same = pairs
                .map(|((_, one), (_, other))| self.distinct(one.clone(), other.clone(), Operator::IsNotDistinctFrom));
            let same = self.joined(Operator::And, same.collect::<Result<_>>()?);
            return if op == Operator::IsNotDistinctFrom { Ok(same) } else { self.negated(same) };
        }
        let ty = self.compared_type("=", &left, &right)?;
        let (left, right) = (self.key(self.implicit(left, ty)?)?, self.key(self.implicit(right, ty)?)?);
        Ok(Typed::new(datafusion::logical_expr::binary_expr(left.expr, op, right.expr), PgType::Bool))
    }

    fn between(
        &self,
        context: &Context<'_>,
        inner: &ast::Expr,
        negated: bool,
        low: &ast::Expr,
        high: &ast::Expr,
    ) -> Result<Typed> {
        let typed = self.expr(context, inner)?.placed_at(inner);
        let low = self.compare(Operator::GtEq, typed.clone(), self.expr(context, low)?)?;
        let high = self.compare(Operator::LtEq, typed, self.expr(context, high)?)?;
        let both = self.joined(Operator::And, vec![low, high]);
        if negated { self.negated(both) } else { Ok(both) }
    }

    fn in_list(&self, context: &Context<'_>, inner: &ast::Expr, list: &[ast::Expr], negated: bool) -> Result<Typed> {
        let typed = self.expr(context, inner)?.placed_at(inner);
        let items = list.iter().map(|item| self.expr(context, item)).collect::<Result<Vec<_>>>()?;
        let plain = typed.fields.is_none() && items.iter().all(|item| item.fields.is_none());
        let types = [&typed].into_iter().chain(&items).map(|typed| typed.ty);
        let common = crate::function::coerce::common(types).ok();
        let is_listed = |ty: PgType| ty.element().is_none() && !matches!(ty, PgType::Json | PgType::Float8);
        if let Some(ty) = common.filter(|ty| plain && is_listed(*ty))
            && !(typed.ty != ty && typed.value.is_none() && ty == PgType::Numeric)
        {
            let ty = if ty == PgType::Varchar { PgType::Text } else { ty };
            let subject = self.key(self.implicit(typed.clone(), ty)?)?;
            let items = items.into_iter().map(|item| self.key(self.implicit(item, ty)?));
            let items = items.collect::<Result<Vec<_>>>()?;
            if items.iter().all(|item| item.value.is_some()) && subject.value.is_none() {
                let list = items.into_iter().map(|item| item.expr).collect();
                let list = datafusion::logical_expr::expr::InList::new(Box::new(subject.expr), list, negated);
                return Ok(Typed::new(Expr::InList(list), PgType::Bool));
            }
            let tests = items.into_iter().map(|item| self.compare_same(Operator::Eq, subject.clone(), item));
            let any = self.joined(Operator::Or, tests.collect::<Result<_>>()?);
            return if negated { self.negated(any) } else { Ok(any) };
        }
        let tests = items.into_iter().map(|item| self.compare(Operator::Eq, typed.clone(), item));
        let any = self.joined(Operator::Or, tests.collect::<Result<_>>()?);
        if negated { self.negated(any) } else { Ok(any) }
    }

    fn collate(&self, context: &Context<'_>, inner: &ast::Expr, collation: &ast::ObjectName) -> Result<Typed> {
        let name = collation.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone());
        let name = name.unwrap_or_default();
        if !matches!(name.as_str(), "C" | "POSIX" | "default" | "ucs_basic") {
            let message = format!("collation \"{name}\" for encoding \"UTF8\" does not exist");
            return Err(self.located(
                Error::new(Kind::UndefinedObject, message).hint("Text is compared in the C collation."),
                inner,
            ));
        }
        let typed = self.known(self.expr(context, inner)?)?;
        if crate::function::coerce::category(typed.ty) != crate::function::coerce::Category::String {
            let message = format!("collations are not supported by type {}", typed.ty.name());
            return Err(self.located(Error::new(Kind::DatatypeMismatch, message), inner));
        }
        Ok(typed)
    }
}
