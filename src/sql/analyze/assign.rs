//! Values on their way to something that has a type: a parameter of a prepared statement, a column of a table.

use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast::{self, SetExpr};

use super::Analyzer;
use super::cte;
use super::output::{Bound, Output};
use super::subquery::project;
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::CastContext;
use crate::pgtype::types::PgType;

/// What a column of a query is assigned to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name of the column; a parameter has none.
    pub column: Option<String>,
    /// Its type.
    pub ty: PgType,
    /// The type's modifier, -1 for none.
    pub typmod: i32,
}

/// What the columns of a query are assigned to; nothing if there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// In the order of the query's columns.
    pub columns: Vec<Target>,
    /// The statement lists them: the query must have a column for each.
    pub is_listed: bool,
}

impl Target {
    /// A parameter of this type.
    pub fn parameter(ty: PgType) -> Self {
        Target { column: None, ty, typmod: -1 }
    }
}

impl Analyzer<'_> {
    /// A query whose columns are assigned to these targets, if there are some.
    pub(super) fn assigned(&self, query: &ast::Query, targets: &Targets) -> Result<Bound> {
        let Targets { columns: targets, is_listed } = targets;
        let is_plain = query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none();
        let bound = match query.body.as_ref() {
            // Each value by itself, not the type that the rows have in common.
            SetExpr::Values(values) if is_plain => self.values(None, &cte::NONE, values, targets)?,
            _ => self.query(None, &cte::NONE, query)?,
        };
        if targets.is_empty() {
            return Ok(bound);
        }
        let n_columns = bound.outputs.len();
        if n_columns > targets.len() {
            return Err(Error::new(Kind::Syntax, "INSERT has more expressions than target columns"));
        }
        if *is_listed && n_columns < targets.len() {
            return Err(Error::new(Kind::Syntax, "INSERT has more target columns than expressions"));
        }
        let targets = &targets[..n_columns];
        let mut typed = Vec::with_capacity(targets.len());
        let literals = bound.literals.iter().zip(&bound.columns);
        for (number, ((literal, column), target)) in literals.zip(targets).enumerate() {
            typed.push(self.assign(literal.as_ref().unwrap_or(column).clone(), target, number)?);
        }
        let names: Vec<String> = typed.iter().map(|_| self.fresh("o")).collect();
        let exprs: Vec<Expr> = typed.iter().zip(&names).map(|(own, name)| own.expr.clone().alias(name)).collect();
        let plan = project(bound.plan, exprs)?;
        let outputs = bound.outputs.into_iter().zip(targets);
        let outputs: Vec<Output> = outputs
            .map(|(own, target)| Output {
                name: own.name,
                ty: target.ty,
                typmod: target.typmod,
                origin: None,
                fields: None,
            })
            .collect();
        let columns = names.iter().zip(targets).map(|(name, target)| self.column(None, name, target.ty)).collect();
        Ok(Bound { plan, literals: vec![None; outputs.len()], outputs, columns })
    }

    /// A value for a target, which is the one of that number from 0.
    pub(super) fn assign(&self, typed: Typed, target: &Target, number: usize) -> Result<Typed> {
        let (from, place) = (typed.ty.name(), typed.place);
        self.cast(typed, target.ty, target.typmod, CastContext::Assignment).map_err(|error| {
            if error.kind != Kind::CannotCoerce {
                return error;
            }
            let to = target.ty.name();
            let message = match &target.column {
                Some(column) => format!("column \"{column}\" is of type {to} but expression is of type {from}"),
                None => {
                    let number = number + 1;
                    format!("parameter ${number} of type {from} cannot be coerced to the expected type {to}")
                }
            };
            let error = Error::new(Kind::DatatypeMismatch, message);
            self.at(error.hint("You will need to rewrite or cast the expression."), place)
        })
    }
}
