//! Through which inputs a column of a plan node comes, if the rows of each of its values can be had alone: a node that
//! counts, cuts or compares rows of different values is the end of the way.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::{JoinSide, JoinType, Result};
use datafusion::physical_expr::window::WindowExpr;
use datafusion::physical_expr::{PhysicalExpr, PhysicalExprRef};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::expressions::{CastExpr, Column};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::scalar_subquery::ScalarSubqueryExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::union::{InterleaveExec, UnionExec};
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};

use super::KeysExec;

/// An input of a node, by its position among the children, and the position of a column in it.
pub(super) type Input = (usize, usize);

/// The column that an expression shows, as it is or as another type of text.
pub(super) fn column(expr: &PhysicalExprRef, schema: &Schema) -> Result<Option<usize>> {
    if let Some(column) = expr.downcast_ref::<Column>() {
        return Ok(Some(column.index()));
    }
    match expr.downcast_ref::<CastExpr>() {
        Some(cast) if is_text(cast.cast_type()) && is_text(&cast.expr().data_type(schema)?) => {
            column(cast.expr(), schema)
        }
        _ => Ok(None),
    }
}

/// Whether it is a type of text.
pub(super) fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

/// The inputs of which only the rows are needed whose column has one of the values that are wanted of the node's column.
///
/// Of the node's rows with a value that is not wanted nobody knows afterwards what they are, only that they have none
/// that is wanted.
pub(super) fn inputs(plan: &dyn ExecutionPlan, wanted: usize) -> Result<Vec<Input>> {
    // Which rows come among the first depends on all of them.
    if plan.fetch().is_some() {
        return Ok(Vec::new());
    }
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let Some(shown) = projection.expr().get(wanted) else { return Ok(Vec::new()) };
        return Ok(one(column(&shown.expr, &projection.input().schema())?));
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        return Ok(one(projected(filter.projection().as_deref(), wanted)));
    }
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        return grouped(aggregate, wanted);
    }
    if let Some(window) = plan.downcast_ref::<WindowAggExec>() {
        return windowed(window.window_expr(), window.input(), wanted);
    }
    if let Some(window) = plan.downcast_ref::<BoundedWindowAggExec>() {
        return windowed(window.window_expr(), window.input(), wanted);
    }
    if plan.is::<UnionExec>() || plan.is::<InterleaveExec>() {
        return Ok((0..plan.children().len()).map(|branch| (branch, wanted)).collect());
    }
    if passes_on(plan) {
        return Ok(one(Some(wanted)));
    }
    joined(plan, wanted)
}

fn one(column: Option<usize>) -> Vec<Input> {
    column.map(|column| (0, column)).into_iter().collect()
}

fn projected(projection: Option<&[usize]>, wanted: usize) -> Option<usize> {
    projection.map_or(Some(wanted), |projection| projection.get(wanted).copied())
}

/// Nodes that give all rows of their first input as they are.
fn passes_on(plan: &dyn ExecutionPlan) -> bool {
    plan.is::<KeysExec>()
        || plan.is::<CooperativeExec>()
        || plan.is::<CoalescePartitionsExec>()
        || plan.is::<RepartitionExec>()
        || plan.is::<SortExec>()
        || plan.is::<SortPreservingMergeExec>()
        || plan.is::<ScalarSubqueryExec>()
}

/// A group is made of rows of one value of each column that it is grouped by.
fn grouped(aggregate: &AggregateExec, wanted: usize) -> Result<Vec<Input>> {
    let group = aggregate.group_expr();
    if group.has_grouping_set() || aggregate.limit_options().is_some() {
        return Ok(Vec::new());
    }
    match group.expr().get(wanted) {
        Some((expr, _)) => Ok(one(column(expr, &aggregate.input().schema())?)),
        None => Ok(Vec::new()),
    }
}

/// A window over rows of one value of the column.
fn windowed(windows: &[Arc<dyn WindowExpr>], input: &Arc<dyn ExecutionPlan>, wanted: usize) -> Result<Vec<Input>> {
    let schema = input.schema();
    let is_wanted = |expr: &Arc<dyn PhysicalExpr>| Ok(column(expr, &schema)? == Some(wanted));
    for window in windows {
        let parts = window.partition_by().iter().map(is_wanted).collect::<Result<Vec<bool>>>()?;
        if !parts.contains(&true) {
            return Ok(Vec::new());
        }
    }
    Ok(one((wanted < schema.fields().len()).then_some(wanted)))
}

/// The side of a join that the column comes from, and the other side by what it is equal to there.
fn joined(plan: &dyn ExecutionPlan, wanted: usize) -> Result<Vec<Input>> {
    let [left, right] = plan.children()[..] else { return Ok(Vec::new()) };
    let (left_schema, right_schema) = (left.schema(), right.schema());
    let widths = (left_schema.fields().len(), right_schema.fields().len());
    if plan.is::<CrossJoinExec>() {
        return Ok(origin(JoinType::Inner, widths, wanted).into_iter().collect());
    }
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        let wanted = projected(join.projection().as_deref(), wanted);
        return Ok(wanted.and_then(|wanted| origin(*join.join_type(), widths, wanted)).into_iter().collect());
    }
    let Some(join) = plan.downcast_ref::<HashJoinExec>() else { return Ok(Vec::new()) };
    let wanted = projected(join.projection.as_deref(), wanted);
    let Some(own) = wanted.and_then(|wanted| origin(*join.join_type(), widths, wanted)) else { return Ok(Vec::new()) };
    let mut inputs = vec![own];
    for (left, right) in join.on().iter().filter(|_| !join.null_aware) {
        let pair = [column(left, &left_schema)?, column(right, &right_schema)?];
        let other = 1 - own.0;
        if pair[own.0] == Some(own.1) {
            inputs.extend(pair[other].map(|column| (other, column)));
        }
    }
    Ok(inputs)
}

/// Where a column of a join's result comes from. None if rows without a partner lack its value: there would be more of
/// them if it were looked for less.
fn origin(join: JoinType, (left, right): (usize, usize), wanted: usize) -> Option<Input> {
    let (side, column) = match join {
        JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => (JoinSide::Left, wanted),
        JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => (JoinSide::Right, wanted),
        _ if wanted < left => (JoinSide::Left, wanted),
        _ => (JoinSide::Right, wanted - left),
    };
    match (side, join) {
        (_, JoinType::Full) | (JoinSide::Left, JoinType::Right) | (JoinSide::Right, JoinType::Left) => None,
        (JoinSide::Left, _) => (column < left).then_some((0, column)),
        _ => (column < right).then_some((1, column)),
    }
}
