//! `trace_id = (SELECT …)`: the node that runs the subquery does so before its input, so the subquery's value is a key.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::scalar_subquery::ScalarSubqueryExpr;
use datafusion::physical_expr::{PhysicalExprRef, split_conjunction};
use datafusion::physical_plan::expressions::{BinaryExpr, CastExpr, Column};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::scalar_subquery::{ScalarSubqueryExec, ScalarSubqueryLink};
use datafusion::physical_plan::{ExecutionPlan, replace_children_if_necessary};

use super::flow;
use super::restrict::{Sought, restrict};
use crate::table::keyed::KeysExec;

/// Lets the scans below a filter for the value of a scalar subquery wait for it.
pub(super) fn drive(node: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let Some(scalar) = node.downcast_ref::<ScalarSubqueryExec>() else { return Ok(Transformed::no(node)) };
    let mut input = Arc::clone(scalar.input());
    let mut subqueries = Vec::new();
    let mut is_changed = false;
    for link in scalar.subqueries() {
        let mut sought = Sought::default();
        let found = input.transform_down(|node| filtered(node, scalar, link, &mut sought))?;
        is_changed |= found.transformed;
        input = found.data;
        subqueries.push(match found.transformed {
            true => {
                let value = link.plan.schema().field(0).name().clone();
                KeysExec::wrap(&link.plan, Arc::new(Column::new(&value, 0)), sought)
            }
            false => Arc::clone(&link.plan),
        });
    }
    if !is_changed {
        return Ok(Transformed::no(node));
    }
    let children = [input].into_iter().chain(subqueries).collect();
    Ok(Transformed::yes(replace_children_if_necessary(node, children)?))
}

/// A filter by the subquery's value, with its input asked for that value only.
fn filtered(
    node: Arc<dyn ExecutionPlan>,
    scalar: &ScalarSubqueryExec,
    link: &ScalarSubqueryLink,
    sought: &mut Sought,
) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let Some(filter) = node.downcast_ref::<FilterExec>() else { return Ok(Transformed::no(node)) };
    let mut input = Arc::clone(filter.input());
    let mut is_changed = false;
    for conjunct in split_conjunction(filter.predicate()) {
        let Some(equality) = conjunct.downcast_ref::<BinaryExpr>().filter(|both| *both.op() == Operator::Eq) else {
            continue;
        };
        for (own, value) in [(equality.left(), equality.right()), (equality.right(), equality.left())] {
            let Some(column) = flow::column(own, &input.schema())?.filter(|_| is_value_of(value, scalar, link)) else {
                continue;
            };
            if let Some(restricted) = restrict(&input, column, sought)? {
                input = restricted;
                is_changed = true;
            }
        }
    }
    match is_changed {
        true => Ok(Transformed::yes(replace_children_if_necessary(node, vec![input])?)),
        false => Ok(Transformed::no(node)),
    }
}

/// Whether an expression is the value of a subquery for a text, as it is or as another type of text.
fn is_value_of(expr: &PhysicalExprRef, scalar: &ScalarSubqueryExec, link: &ScalarSubqueryLink) -> bool {
    if let Some(cast) = expr.downcast_ref::<CastExpr>() {
        return flow::is_text(cast.cast_type()) && is_value_of(cast.expr(), scalar, link);
    }
    let data_type = link.plan.schema().field(0).data_type().clone();
    if !flow::is_text(&data_type) {
        return false;
    }
    // Equal are those that read the same place of the same results.
    let value = ScalarSubqueryExpr::new(data_type, true, link.index, scalar.results().clone());
    expr.downcast_ref::<ScalarSubqueryExpr>().is_some_and(|expr| *expr == value)
}
