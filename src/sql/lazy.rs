//! Makes AND and OR lazy all over a plan that is ready to run; [`shortcut`] says why and how.

use std::sync::Arc;

use datafusion::common::Result as EngineResult;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, PhysicalGroupBy};
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

use crate::table::shortcut;

type Plan = Arc<dyn ExecutionPlan>;
type Expr = Arc<dyn PhysicalExpr>;

/// Changes the expressions of filters, projections, joins and aggregates. Those of scans, which filter too, are changed
/// by the scan.
///
/// # Errors
/// Never, unless the engine refuses to rebuild one of its own nodes.
pub fn lazily(plan: Plan) -> EngineResult<Plan> {
    let changed = plan.transform_up(|node| {
        let changed = if let Some(filter) = node.downcast_ref::<FilterExec>() {
            of_filter(filter)?
        } else if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
            of_projection(projection)?
        } else if let Some(join) = node.downcast_ref::<HashJoinExec>() {
            let filter = join.filter().map(of_join).transpose()?.flatten();
            filter.map(|filter| join.builder().with_filter(Some(filter)).build_exec()).transpose()?
        } else if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
            let filter = join.filter().map(of_join).transpose()?.flatten();
            let rebuilt = |filter| NestedLoopJoinExecBuilder::from(join).with_filter(Some(filter)).build();
            filter.map(rebuilt).transpose()?.map(|join| Arc::new(join) as Plan)
        } else if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
            of_aggregate(aggregate)?
        } else {
            None
        };
        Ok(changed.map_or_else(|| Transformed::no(node), Transformed::yes))
    })?;
    Ok(changed.data)
}

fn of_filter(filter: &FilterExec) -> EngineResult<Option<Plan>> {
    let Some(predicate) = shortcut::filter(filter.predicate())? else { return Ok(None) };
    Ok(Some(Arc::new(FilterExecBuilder::from(filter).with_predicate(predicate).build()?)))
}

fn of_projection(projection: &ProjectionExec) -> EngineResult<Option<Plan>> {
    let mut is_changed = false;
    let mut exprs: Vec<ProjectionExpr> = projection.expr().to_vec();
    for column in &mut exprs {
        change(&mut column.expr, &mut is_changed)?;
    }
    if !is_changed {
        return Ok(None);
    }
    let (input, schema) = (Arc::clone(projection.input()), projection.schema());
    Ok(Some(Arc::new(ProjectionExec::try_new_with_schema_metadata(exprs, input, &schema)?)))
}

fn of_join(filter: &JoinFilter) -> EngineResult<Option<JoinFilter>> {
    let changed = shortcut::filter(filter.expression())?;
    Ok(changed.map(|expr| JoinFilter::new(expr, filter.column_indices().to_vec(), Arc::clone(filter.schema()))))
}

fn of_aggregate(aggregate: &AggregateExec) -> EngineResult<Option<Plan>> {
    let mut is_changed = false;
    let mut functions: Vec<Arc<AggregateFunctionExpr>> = aggregate.aggr_expr().to_vec();
    for function in &mut functions {
        let mut own = false;
        let mut args = function.expressions();
        let mut orders: Vec<Expr> = function.order_bys().iter().map(|order| Arc::clone(&order.expr)).collect();
        for expr in args.iter_mut().chain(&mut orders) {
            change(expr, &mut own)?;
        }
        if let Some(changed) = own.then(|| function.with_new_expressions(args, orders)).flatten() {
            *function = Arc::new(changed);
            is_changed = true;
        }
    }
    let mut filters: Vec<Option<Expr>> = aggregate.filter_expr().to_vec();
    for filter in filters.iter_mut().flatten() {
        change(filter, &mut is_changed)?;
    }
    let keys = aggregate.group_expr();
    let mut groups = keys.expr().to_vec();
    for (expr, _) in &mut groups {
        change(expr, &mut is_changed)?;
    }
    if !is_changed {
        return Ok(None);
    }
    let keys = PhysicalGroupBy::new(groups, keys.null_expr().to_vec(), keys.groups().to_vec(), keys.has_grouping_set());
    let input = Arc::clone(aggregate.input());
    let rebuilt = AggregateExec::try_new(*aggregate.mode(), keys, functions, filters, input, aggregate.input_schema())?;
    Ok(Some(Arc::new(rebuilt.with_new_limit_options(aggregate.limit_options()))))
}

fn change(expr: &mut Expr, is_changed: &mut bool) -> EngineResult<()> {
    if let Some(changed) = shortcut::lazily(expr)? {
        *expr = changed;
        *is_changed = true;
    }
    Ok(())
}
