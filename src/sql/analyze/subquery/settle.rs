//! Subqueries within expressions as columns of the plan below.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr, lit,
};

use super::super::Analyzer;
use super::super::from::deep_reference;
use super::super::typed::Typed;
use super::{count_where, empty, engine_subquery, has_subquery, is_of_table, project, three_valued};
use crate::error::{Error, Result};
use crate::pgtype::types::PgType;
use crate::sql::fault::from_engine;

/// Whether the value, or those that it is compared with, may be constants.
fn is_constant(plan: &LogicalPlan, within: &InSubquery) -> bool {
    let of_table = |expr: &Expr, plan| matches!(expr, Expr::Column(column) if is_of_table(plan, column));
    let sub = &within.subquery.subquery;
    let listed = sub.schema().columns().into_iter().next().is_some_and(|column| is_of_table(sub, &column));
    !listed || !of_table(&within.expr, plan)
}

impl Analyzer<'_> {
    /// A filter over a plan.
    pub(in crate::sql::analyze) fn filtered(&self, plan: LogicalPlan, condition: Expr) -> Result<LogicalPlan> {
        let mut plan = plan;
        let columns = plan.schema().columns();
        let (mut rest, mut others) = (Vec::new(), Vec::new());
        for conjunct in split_conjunction_owned(condition) {
            match conjunct {
                Expr::Exists(exists) if !exists.subquery.outer_ref_columns.is_empty() => {
                    let join = if exists.negated { JoinType::LeftAnti } else { JoinType::LeftSemi };
                    plan = self.dependent_join(plan, Arc::unwrap_or_clone(exists.subquery.subquery), join, None)?;
                }
                Expr::InSubquery(within)
                    if within.subquery.outer_ref_columns.is_empty()
                        && !has_subquery(&within.expr)
                        // The engine does not look for NULLs where one of both sides is, or turns out to be, a constant.
                        && !(within.negated && is_constant(&plan, &within)) =>
                {
                    rest.push(Expr::InSubquery(within));
                }
                Expr::InSubquery(within) if !within.negated && !has_subquery(&within.expr) => {
                    let sub = Arc::unwrap_or_clone(within.subquery.subquery);
                    let column = sub.schema().columns().into_iter().next();
                    let column = column.ok_or_else(|| Error::internal("a subquery without columns"))?;
                    let on = (*within.expr).eq(Expr::Column(column));
                    plan = self.dependent_join(plan, sub, JoinType::LeftSemi, Some(on))?;
                }
                Expr::Exists(exists) => rest.push(Expr::Exists(exists)),
                other => others.push(other),
            }
        }
        let before = plan.schema().fields().len();
        for other in &mut others {
            *other = self.settled_true(&mut plan, std::mem::take(other))?;
        }
        let (mut plan, mut settled) = self.settle(plan, others)?;
        let is_widened = plan.schema().fields().len() != before;
        rest.append(&mut settled);
        if let Some(condition) = conjunction(rest) {
            plan = LogicalPlanBuilder::from(plan)
                .filter(condition)
                .and_then(LogicalPlanBuilder::build)
                .map_err(from_engine)?;
        }
        match is_widened {
            true => project(plan, columns.into_iter().map(Expr::Column).collect()),
            false => Ok(plan),
        }
    }

    /// Turns the subqueries within expressions into columns of the plan.
    pub(in crate::sql::analyze) fn settle(
        &self,
        plan: LogicalPlan,
        exprs: Vec<Expr>,
    ) -> Result<(LogicalPlan, Vec<Expr>)> {
        if !exprs.iter().any(has_subquery) {
            return Ok((plan, exprs));
        }
        let mut plan = plan;
        let mut settled = Vec::with_capacity(exprs.len());
        // What stands twice, as in coalesce, is one column.
        let mut known: Vec<(Expr, Expr)> = Vec::new();
        for expr in exprs {
            let mut fault = None;
            let turned = expr.transform_up(|part| {
                if fault.is_some() || !matches!(part, Expr::Exists(_) | Expr::InSubquery(_) | Expr::ScalarSubquery(_)) {
                    return Ok(Transformed::no(part));
                }
                if let Some((_, value)) = known.iter().find(|(own, _)| *own == part) {
                    return Ok(Transformed::yes(value.clone()));
                }
                match self.settled(&mut plan, part.clone()) {
                    Ok(value) => {
                        known.push((part, value.clone()));
                        Ok(Transformed::yes(value))
                    }
                    Err(error) => {
                        fault = Some(error);
                        Ok(Transformed::no(lit(false)))
                    }
                }
            });
            let turned = turned.map_err(from_engine)?;
            if let Some(error) = fault {
                return Err(error);
            }
            settled.push(turned.data);
        }
        Ok((plan, settled))
    }

    fn settled(&self, plan: &mut LogicalPlan, expr: Expr) -> Result<Expr> {
        match expr {
            Expr::Exists(Exists { subquery, negated }) => {
                let count = self.fresh("a");
                let sub = Arc::unwrap_or_clone(subquery.subquery);
                let sub = self.aggregated(sub, Vec::new(), vec![count_where(lit(true)).alias(&count)])?;
                let count = self.column(None, &count, PgType::Int8).expr;
                let test = if negated { count.eq(lit(0_i64)) } else { count.gt(lit(0_i64)) };
                let name = self.fresh("o");
                self.column(None, &name, PgType::Bool);
                let sub = project(sub, vec![test.alias(&name)])?;
                self.settled(plan, Expr::ScalarSubquery(engine_subquery(sub)))
            }
            Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                let sub = Arc::unwrap_or_clone(subquery.subquery);
                let value = match subquery.outer_ref_columns.is_empty() && !expr.column_refs().is_empty() {
                    true => self.marked(plan, *expr, sub, false)?,
                    false => {
                        let column = sub.schema().columns().into_iter().next();
                        let column = column.ok_or_else(|| Error::internal("a subquery without columns"))?;
                        let test = self.to_outer(*expr).eq(Expr::Column(column));
                        let counted = self.counted(Typed::new(test, PgType::Bool), sub)?;
                        self.settled(plan, counted.expr)?
                    }
                };
                Ok(if negated { Expr::Not(Box::new(value)) } else { value })
            }
            Expr::ScalarSubquery(subquery) if subquery.outer_ref_columns.is_empty() => {
                Ok(Expr::ScalarSubquery(subquery))
            }
            // What depends only on queries further out waits for these.
            Expr::ScalarSubquery(subquery) if !deep_reference(&subquery.subquery, plan)? => {
                Ok(Expr::ScalarSubquery(subquery))
            }
            Expr::ScalarSubquery(subquery) => {
                let sub = Arc::unwrap_or_clone(subquery.subquery);
                let owned = std::mem::replace(plan, empty(false)?);
                let (joined, value) = self.dependent_value(owned, sub)?;
                *plan = joined;
                Ok(value)
            }
            other => Ok(other),
        }
    }

    /// Turns the IN of a condition into columns of the plan where it makes no difference whether it is false or NULL.
    fn settled_true(&self, plan: &mut LogicalPlan, condition: Expr) -> Result<Expr> {
        match condition {
            Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
                let left = self.settled_true(plan, *left)?;
                Ok(binary_expr(left, op, self.settled_true(plan, *right)?))
            }
            Expr::InSubquery(within)
                if !within.negated
                    && within.subquery.outer_ref_columns.is_empty()
                    && !within.expr.column_refs().is_empty()
                    && !has_subquery(&within.expr) =>
            {
                self.marked(plan, *within.expr, Arc::unwrap_or_clone(within.subquery.subquery), true)
            }
            other => Ok(other),
        }
    }

    /// `x IN (SELECT …)` as a value, where the subquery depends on nothing outside: its rows are looked up, and counted,
    /// unless no NULL can come out or one counts as false.
    fn marked(&self, plan: &mut LogicalPlan, value: Expr, sub: LogicalPlan, null_is_false: bool) -> Result<Expr> {
        let column = sub.schema().columns().into_iter().next();
        let column = Expr::Column(column.ok_or_else(|| Error::internal("a subquery without columns"))?);
        let may_be_null = column.nullable(sub.schema()).map_err(from_engine)?
            || value.nullable(plan.schema()).map_err(from_engine)?;
        let (key, mark) = (self.fresh("d"), self.fresh("m"));
        let known = column.clone().is_not_null();
        let distinct = LogicalPlanBuilder::from(sub.clone())
            .filter(known)
            .and_then(|builder| builder.project(vec![column.clone().alias(&key)]))
            .and_then(LogicalPlanBuilder::distinct)
            .and_then(|builder| {
                builder.project(vec![Expr::Column(Column::new_unqualified(&key)), lit(true).alias(&mark)])
            })
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        let owned = std::mem::replace(plan, empty(false)?);
        let on = value.clone().eq(Expr::Column(Column::new_unqualified(&key)));
        let marked = LogicalPlanBuilder::from(owned).join_on(distinct, JoinType::Left, [on]).map_err(from_engine)?;
        let named = |name: &str| Expr::Column(Column::new_unqualified(name));
        if null_is_false || !may_be_null {
            *plan = marked.build().map_err(from_engine)?;
            return Ok(named(&mark).is_not_null());
        }
        let (total, filled) = (self.fresh("a"), self.fresh("a"));
        let calls = vec![count_where(lit(true)).alias(&total), count_where(column.is_not_null()).alias(&filled)];
        let counts = self.aggregated(sub, Vec::new(), calls)?;
        *plan = marked.cross_join(counts).and_then(LogicalPlanBuilder::build).map_err(from_engine)?;
        let has_null = named(&total).gt(named(&filled));
        let asks_null = value.is_null().and(named(&total).gt(lit(0_i64)));
        Ok(three_valued(named(&mark).is_not_null(), has_null.or(asks_null)))
    }
}
