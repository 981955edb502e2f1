//! Set-returning functions: in FROM, and in a select list.

use std::sync::Arc;

use datafusion::common::{Column, UnnestOptions};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::Analyzer;
use super::expr::{Clause, Context};
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::SetFunction;
use crate::function::registry::sets;
use crate::function::resolve::{Choice, Failure, choose};
use crate::pgtype::types::PgType;
use crate::sql::fault::from_engine;
use crate::sql::unrolled::{self, Spec};

/// A list that the plan unrolls, and the column that will hold its elements.
#[derive(Clone, Debug)]
pub(super) struct SetCall {
    pub(super) list: Expr,
    pub(super) column: String,
}

/// A set-returning function resolved for its arguments.
pub(super) struct Resolved {
    choice: Choice<SetFunction>,
    args: Vec<Typed>,
    /// Names and types of its columns.
    pub(super) columns: Vec<(String, PgType)>,
}

impl Analyzer<'_> {
    /// Finds the function for a call.
    pub(super) fn resolve_set(&self, name: &str, args: Vec<Typed>) -> Result<Resolved> {
        let types: Vec<PgType> = args.iter().map(|arg| arg.ty).collect();
        if (name, types.as_slice()) == ("unnest", &[PgType::Unknown]) {
            let message = "function unnest(unknown) is not unique";
            return Err(Error::new(Kind::AmbiguousFunction, message)
                .hint("Could not choose a best candidate function. You might need to add explicit type casts."));
        }
        let choice = choose(sets(name), &types).map_err(|failure| match failure {
            Failure::Missing => self.missing_function(name, &types),
            Failure::Ambiguous => {
                let message = format!("function {name}({}) is not unique", super::call::listed(&types));
                Error::new(Kind::AmbiguousFunction, message)
                    .hint("Could not choose a best candidate function. You might need to add explicit type casts.")
            }
        })?;
        let args = args.into_iter().zip(&choice.args).map(|(arg, ty)| self.implicit(arg, *ty));
        let args = args.collect::<Result<Vec<_>>>()?;
        let element = choice.args.iter().find_map(|ty| ty.element());
        let column = |text: &str| {
            let (own, ty) = text.trim().rsplit_once(' ').unwrap_or((name, text.trim()));
            let ty = match ty {
                "anyelement" => element,
                ty => PgType::from_name(ty),
            };
            let unknown = || Error::internal(format!("the function {name} has a column of no type"));
            Ok((own.to_owned(), ty.ok_or_else(unknown)?))
        };
        let columns = choice.target.columns.split(',').map(column).collect::<Result<Vec<_>>>()?;
        Ok(Resolved { choice, args, columns })
    }

    /// One list for each column, and one more for the number of the row if that is asked for.
    pub(super) fn unroll(&self, resolved: &Resolved, ordinality: bool, keeps_empty: bool) -> Vec<(SetCall, Typed)> {
        let mut columns = resolved.columns.clone();
        if ordinality {
            columns.push(("ordinality".to_owned(), PgType::Int8));
        }
        let make = |(at, (_, ty)): (usize, &(String, PgType))| {
            let spec = Spec {
                function: resolved.choice.target,
                args: resolved.choice.args.clone(),
                column: at,
                ty: *ty,
                keeps_empty,
                style: Arc::clone(self.style()),
                zone: Arc::clone(self.zone()),
            };
            let list = unrolled::call(spec, resolved.args.iter().map(|arg| arg.expr.clone()).collect());
            let column = self.fresh("s");
            let typed = self.column(None, &column, *ty);
            (SetCall { list, column }, typed)
        };
        columns.iter().enumerate().map(make).collect()
    }

    /// A set-returning function where a value is wanted: in a select list.
    pub(super) fn set_in_expression(&self, context: &Context<'_>, name: &str, args: Vec<Typed>) -> Result<Typed> {
        let allowed = matches!(context.clause, Clause::Select | Clause::OrderBy | Clause::GroupBy);
        let Some(gather) = context.gather.filter(|_| allowed) else {
            return Err(self.refuse_in(context, "set-returning functions", Kind::FeatureNotSupported));
        };
        let resolved = self.resolve_set(name, args)?;
        let calls = self.unroll(&resolved, false, false);
        let names = resolved.columns.iter().map(|(name, _)| name.clone());
        let mut columns = Vec::new();
        for ((call, typed), name) in calls.into_iter().zip(names) {
            let mut known = gather.sets.borrow_mut();
            match known.iter().find(|own| own.list == call.list) {
                // One function stands for all its calls with the same arguments only if it is the same call.
                Some(_) | None => known.push(call),
            }
            columns.push((name, typed));
        }
        match columns.len() {
            1 => Ok(columns.remove(0).1),
            _ => self.record(columns),
        }
    }

    /// Unrolls lists beside the columns of a plan. Lists that need others' elements come after these.
    pub(super) fn unrolled(&self, plan: LogicalPlan, calls: Vec<SetCall>, keeps_empty: bool) -> Result<LogicalPlan> {
        let mut plan = plan;
        let mut open = calls;
        while !open.is_empty() {
            let names: Vec<String> = open.iter().map(|call| call.column.clone()).collect();
            let waits = |call: &SetCall| {
                call.list.column_refs().iter().any(|column| column.relation.is_none() && names.contains(&column.name))
            };
            let (later, now): (Vec<_>, Vec<_>) = open.into_iter().partition(waits);
            if now.is_empty() {
                return Err(Error::internal("set-returning functions that need each other"));
            }
            let mut exprs: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
            exprs.extend(now.iter().map(|call| call.list.clone().alias(&call.column)));
            let columns = now.iter().map(|call| Column::new_unqualified(&call.column)).collect();
            let options = UnnestOptions::new().with_preserve_nulls(keeps_empty);
            plan = LogicalPlanBuilder::from(plan)
                .project(exprs)
                .and_then(|builder| builder.unnest_columns_with_options(columns, options))
                .and_then(LogicalPlanBuilder::build)
                .map_err(from_engine)?;
            open = later;
        }
        Ok(plan)
    }
}
