//! Conditions that the engine infers, where computing them may fail.
//!
//! `push_down_filter` (DataFusion 55.2, since #13081) takes a condition on one side of a join for one on the other, by the equality of
//! the join: with `a JOIN b ON a.x = b.x WHERE 10 / b.x > 1` it looks at `10 / a.x` too, also for rows of `a` that have no
//! partner, which PostgreSQL does not. For conditions that cannot fail this is welcome, because scans then know more; for
//! the others [`guarded`] hides the column that they are on from the equality.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result as EngineResult};
use datafusion::logical_expr::expr::InSubquery;
use datafusion::logical_expr::utils::{conjunction, split_conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Filter, Join, LogicalPlan, Operator, binary_expr};

use crate::sql::scalar::{is_total, kept};

/// A plan in which no condition that may fail is taken for one on another column.
///
/// # Errors
/// Never, unless the engine refuses to rebuild one of its own nodes.
pub fn guarded(plan: LogicalPlan) -> EngineResult<LogicalPlan> {
    let mut columns = HashSet::new();
    plan.apply(|node| {
        let (condition, inputs) = match node {
            LogicalPlan::Filter(filter) => (Some(&filter.predicate), vec![&filter.input]),
            LogicalPlan::Join(join) => (join.filter.as_ref(), vec![&join.left, &join.right]),
            _ => (None, Vec::new()),
        };
        for conjunct in condition.map(split_conjunction).unwrap_or_default().into_iter().filter(|own| may_fail(own)) {
            for column in conjunct.column_refs() {
                inputs.iter().for_each(|input| trace(input, column, &mut columns));
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let plan = match columns.is_empty() {
        true => plan,
        false => plan.transform_down(|node| hidden(node, &columns)).data()?,
    };
    plan.transform_down(|node| node.map_subqueries(|subquery| guarded(subquery).map(Transformed::yes))).data()
}

/// Whether computing an expression may end in an error.
fn may_fail(expr: &Expr) -> bool {
    let fails = |part: &Expr| matches!(part, Expr::ScalarFunction(call) if !is_total(call.name()));
    expr.exists(|part| Ok(fails(part))).unwrap_or(true)
}

/// Notes a column, and those below that it repeats.
fn trace(plan: &LogicalPlan, column: &Column, columns: &mut HashSet<Column>) {
    if !plan.schema().has_column(column) {
        return;
    }
    columns.insert(column.clone());
    match plan {
        LogicalPlan::Projection(projection) => {
            let at = projection.schema.maybe_index_of_column(column);
            for own in at.and_then(|at| projection.expr.get(at)).map(Expr::column_refs).unwrap_or_default() {
                trace(&projection.input, own, columns);
            }
        }
        LogicalPlan::SubqueryAlias(alias) => {
            if let Some(at) = alias.schema.maybe_index_of_column(column) {
                let own = Column::from(alias.input.schema().qualified_field(at));
                trace(&alias.input, &own, columns);
            }
        }
        plan => plan.inputs().into_iter().for_each(|input| trace(input, column, columns)),
    }
}

/// A node whose equalities with these columns are not seen as such.
fn hidden(node: LogicalPlan, columns: &HashSet<Column>) -> EngineResult<Transformed<LogicalPlan>> {
    let is_noted = |expr: &Expr| matches!(expr, Expr::Column(column) if columns.contains(column));
    Ok(match node {
        LogicalPlan::Join(join) => {
            let pair = |(left, right): (Expr, Expr)| match (is_noted(&left), is_noted(&right)) {
                (true, _) => (kept(left), right),
                (_, true) => (left, kept(right)),
                _ => (left, right),
            };
            let on = join.on.into_iter().map(pair).collect();
            let conjuncts = join.filter.map(split_conjunction_owned).unwrap_or_default().into_iter();
            let conjuncts = conjuncts.map(|conjunct| match conjunct {
                Expr::BinaryExpr(both)
                    if both.op == Operator::Eq
                        && matches!((&*both.left, &*both.right), (Expr::Column(_), Expr::Column(_))) =>
                {
                    let (left, right) = pair((*both.left, *both.right));
                    binary_expr(left, Operator::Eq, right)
                }
                other => other,
            });
            let filter = conjunction(conjuncts);
            Transformed::yes(LogicalPlan::Join(Join { on, filter, ..join }))
        }
        LogicalPlan::Filter(filter) => {
            let conjuncts = split_conjunction_owned(filter.predicate).into_iter().map(|conjunct| match conjunct {
                Expr::InSubquery(within) if !within.negated && is_noted(&within.expr) => {
                    let expr = Box::new(kept(*within.expr));
                    Expr::InSubquery(InSubquery { expr, ..within })
                }
                other => other,
            });
            match conjunction(conjuncts) {
                Some(predicate) => Transformed::yes(LogicalPlan::Filter(Filter::try_new(predicate, filter.input)?)),
                None => Transformed::no(Arc::unwrap_or_clone(filter.input)),
            }
        }
        node => Transformed::no(node),
    })
}
