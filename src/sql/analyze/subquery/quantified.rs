//! ANY and ALL, over arrays and subqueries.

use datafusion::logical_expr::{Expr, Operator, lit};
use datafusion::sql::sqlparser::ast::{self, BinaryOperator};

use super::super::Analyzer;
use super::super::expr::Context;
use super::super::output::Bound;
use super::super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::CastContext;
use crate::function::datum::Datum;
use crate::function::io;
use crate::function::registry::operators;
use crate::function::resolve::choose_operator;
use crate::pgtype::types::PgType;
use crate::sql::scalar::Declaration;

impl Analyzer<'_> {
    /// `x op ANY (…)` and `x op ALL (…)`, over an array or a subquery.
    pub(in crate::sql::analyze) fn quantified(
        &self,
        context: &Context<'_>,
        left: &ast::Expr,
        op: &BinaryOperator,
        right: &ast::Expr,
        all: bool,
    ) -> Result<Typed> {
        let typed = self.expr(context, left)?.placed_at(left);
        let mut right = right;
        while let ast::Expr::Nested(inner) = right {
            right = inner;
        }
        let comparison = crate::sql::analyze::operator::comparison(op);
        if let ast::Expr::Subquery(query) = right {
            let bound = self.inner(context, query)?;
            let Some(op) = comparison else {
                return self.any_operator(typed, &crate::sql::analyze::operator::symbol(op), bound, all);
            };
            // ALL is: not any for which the opposite holds.
            let any = match (all, op.negate()) {
                (false, _) => return self.any_of(typed, op, bound),
                (true, Some(opposite)) => self.any_of(typed, opposite, bound)?,
                (true, None) => return Err(Error::internal("a comparison without an opposite")),
            };
            return self.negated(any);
        }
        let array = self.expr(context, right)?.placed_at(right);
        match comparison {
            Some(op) => self.compare_array(typed, op, array, all),
            None => self.operate_array(typed, &crate::sql::analyze::operator::symbol(op), array, all),
        }
    }

    pub(super) fn any_operator(&self, typed: Typed, symbol: &str, bound: Bound, all: bool) -> Result<Typed> {
        let [column] = bound.columns.as_slice() else {
            return Err(Error::new(Kind::Syntax, "subquery has too many columns"));
        };
        let test = self.operate(symbol, self.as_outer(typed), column.clone())?;
        let test = self.boolean(test, symbol)?;
        match all {
            false => self.counted(test, bound.plan),
            true => {
                let any = self.counted(self.negated(test)?, bound.plan)?;
                self.negated(any)
            }
        }
    }

    pub(super) fn array_operand(&self, typed: &Typed, array: Typed) -> Result<Typed> {
        let array = match array.ty {
            PgType::Unknown => {
                let ty = if typed.ty == PgType::Unknown { PgType::Text } else { typed.ty };
                self.implicit(array, ty.array())?
            }
            _ => array,
        };
        match array.ty.element() {
            Some(_) => Ok(array),
            None => {
                let message = "op ANY/ALL (array) requires array on right side";
                Err(self.at(Error::new(Kind::WrongObjectType, message), array.place))
            }
        }
    }

    pub(super) fn compare_array(&self, typed: Typed, op: Operator, array: Typed, all: bool) -> Result<Typed> {
        let array = self.array_operand(&typed, array)?;
        let element = array.ty.element().unwrap_or(PgType::Text);
        if let Some(value) = &array.value {
            let Datum::Array(items) = value else { return self.constant(PgType::Bool, Datum::Null) };
            let items = items.iter().map(|item| self.constant(element, item.clone())).collect::<Result<Vec<_>>>()?;
            let listed = (op == Operator::Eq && !all) || (op == Operator::NotEq && all);
            if listed && !items.is_empty() && typed.fields.is_none() {
                return self.listed(typed, items, all);
            }
            let tests = items.into_iter().map(|item| self.compare(op, typed.clone(), item));
            let tests = tests.collect::<Result<Vec<_>>>()?;
            if tests.is_empty() {
                return self.constant(PgType::Bool, Datum::Bool(all));
            }
            return Ok(self.joined(if all { Operator::And } else { Operator::Or }, tests));
        }
        let one = Typed::new(lit(true), element);
        let ty = self.compared_type(crate::sql::analyze::compare::symbol(op), &typed, &one)?;
        let (typed, array) = (self.implicit(typed, ty)?, self.implicit(array, ty.array())?);
        let declaration = Declaration {
            name: format!("{} {}", crate::sql::analyze::compare::symbol(op), if all { "all" } else { "any" }),
            args: vec![ty, ty.array()],
            result: PgType::Bool,
            strict: false,
            volatile: false,
            tag: String::new(),
        };
        let call = crate::sql::analyze::call::body(move |args, _| {
            quantify(&args[0], &args[1], all, |one, other| {
                Ok(Some(crate::sql::analyze::compare::holds(op, io::compare(ty, one, other))))
            })
        });
        self.row_call(declaration, call, vec![typed, array])
    }

    /// `x = ANY (constants)` as IN, which scans can tell upstream of.
    pub(super) fn listed(&self, typed: Typed, items: Vec<Typed>, negated: bool) -> Result<Typed> {
        let element = items.first().map_or(PgType::Text, |item| item.ty);
        let one = Typed::new(lit(true), element);
        let ty = self.compared_type("=", &typed, &one)?;
        let subject = self.key(self.implicit(typed, ty)?)?;
        let items = items.into_iter().map(|item| self.key(self.implicit(item, ty)?));
        let items = items.collect::<Result<Vec<_>>>()?;
        if subject.value.is_some() || ty.element().is_some() {
            let op = if negated { Operator::NotEq } else { Operator::Eq };
            let tests = items.into_iter().map(|item| self.compare_same(op, subject.clone(), item));
            let tests = tests.collect::<Result<Vec<_>>>()?;
            return Ok(self.joined(if negated { Operator::And } else { Operator::Or }, tests));
        }
        let list = items.into_iter().map(|item| item.expr).collect();
        let list = datafusion::logical_expr::expr::InList::new(Box::new(subject.expr), list, negated);
        Ok(Typed::new(Expr::InList(list), PgType::Bool))
    }

    pub(super) fn operate_array(&self, typed: Typed, symbol: &str, array: Typed, all: bool) -> Result<Typed> {
        let typed = self.known(typed)?;
        let array = self.array_operand(&typed, array)?;
        let element = array.ty.element().unwrap_or(PgType::Text);
        let choice = choose_operator(operators(symbol), typed.ty, element).map_err(|_| {
            self.at(crate::sql::analyze::compare::no_operator(symbol, Some(typed.ty), element), typed.place)
        })?;
        if choice.result != PgType::Bool {
            let message = "op ANY/ALL (array) requires operator to yield boolean";
            return Err(Error::new(Kind::WrongObjectType, message));
        }
        let (left, right) = (choice.args[0], choice.args[1]);
        let typed = self.implicit(typed, left)?;
        let array = self.coerce(array, right.array(), CastContext::Explicit)?;
        let function = choice.target.call;
        let declaration = Declaration {
            name: format!("{symbol} {}", if all { "all" } else { "any" }),
            args: vec![left, right.array()],
            result: PgType::Bool,
            strict: false,
            volatile: false,
            tag: String::new(),
        };
        let call = crate::sql::analyze::call::body(move |args, style| {
            quantify(&args[0], &args[1], all, |one, other| match function(&[one.clone(), other.clone()], style)? {
                Datum::Bool(truth) => Ok(Some(truth)),
                _ => Ok(None),
            })
        });
        self.row_call(declaration, call, vec![typed, array])
    }
}

/// A test on a value and each element of an array.
pub(super) fn quantify<'a>(
    value: &Datum<'a>,
    array: &Datum<'a>,
    all: bool,
    test: impl Fn(&Datum<'a>, &Datum<'a>) -> Result<Option<bool>>,
) -> Result<Datum<'a>> {
    let Datum::Array(items) = array else { return Ok(Datum::Null) };
    let mut is_unknown = false;
    for item in items {
        let truth = if value.is_null() || item.is_null() { None } else { test(value, item)? };
        match truth {
            Some(truth) if truth != all => return Ok(Datum::Bool(truth)),
            Some(_) => {}
            None => is_unknown = true,
        }
    }
    Ok(if is_unknown { Datum::Null } else { Datum::Bool(all) })
}
