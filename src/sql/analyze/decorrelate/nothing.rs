//! What an aggregate over all rows gives over none.

use datafusion::common::Column;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Expr, LogicalPlan};

/// What an aggregate gives over no rows.
pub(super) fn on_nothing(call: &Expr) -> ScalarValue {
    match call {
        Expr::Alias(alias) => on_nothing(&alias.expr),
        Expr::AggregateFunction(call) if matches!(call.func.name(), "count" | "regr_count") => {
            ScalarValue::Int64(Some(0))
        }
        _ => ScalarValue::Null,
    }
}

/// What a subquery that is an aggregate over all its rows gives over none; `None` if it is no such subquery.
pub(super) fn on_empty(plan: &LogicalPlan) -> Option<Expr> {
    let column = plan.schema().columns().into_iter().next()?;
    on_empty_value(plan, &Expr::Column(column))
}

pub(super) fn on_empty_value(plan: &LogicalPlan, expr: &Expr) -> Option<Expr> {
    let replaced = |values: &dyn Fn(&Column) -> Option<Expr>| {
        let turned = expr.clone().transform_up(|part| {
            Ok(match &part {
                Expr::Column(column) => match values(column) {
                    Some(value) => Transformed::yes(value),
                    None => Transformed::no(part),
                },
                _ => Transformed::no(part),
            })
        });
        turned.ok().map(|turned| turned.data)
    };
    match plan {
        LogicalPlan::Projection(projection) => {
            let value = replaced(&|column| {
                let at = projection.schema.maybe_index_of_column(column)?;
                Some(projection.expr[at].clone().unalias())
            })?;
            on_empty_value(&projection.input, &value)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let value = replaced(&|column| {
                let at = alias.schema.maybe_index_of_column(column)?;
                Some(Expr::Column(alias.input.schema().columns().into_iter().nth(at)?))
            })?;
            on_empty_value(&alias.input, &value)
        }
        LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.is_empty() => replaced(&|column| {
            let at = aggregate.schema.maybe_index_of_column(column)?;
            let field = aggregate.schema.field(at).data_type().clone();
            let zero = on_nothing(&aggregate.aggr_expr[at]);
            let zero = if zero.is_null() { ScalarValue::try_from(&field).ok()? } else { zero };
            Some(Expr::Literal(zero, None))
        }),
        _ => None,
    }
}
