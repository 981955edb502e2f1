//! ORDER BY over a virtual table: each branch is sorted, and cut to the LIMIT, by itself, then the branches are merged.
//!
//! The engine by itself sorts what comes out of the union if there is a LIMIT, so no scan would hear of the order; and
//! where it takes a sort away above a projection, the scan does not hear of the LIMIT. Below the projection the sort
//! stands on the scan, and goes away where upstream serves the order, and the scan takes its LIMIT.

use std::sync::Arc;

use datafusion::common::Result as EngineResult;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::expressions::Column;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use crate::table::exec::ScanExec;
use crate::table::place::{keyed, place};

/// The rule that is followed: sorts stand on scans before it.
const NEXT: &str = "PushdownSort";

/// A rule, as the engine keeps it.
type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// Puts the rule among those of the engine.
pub fn with_rule(mut rules: Vec<Rule>) -> Vec<Rule> {
    let at = rules.iter().position(|rule| rule.name() == NEXT);
    debug_assert!(at.is_some(), "the engine pushes sorts into scans");
    rules.insert(at.unwrap_or(rules.len()), Arc::new(OrderedBranches));
    rules
}

#[derive(Debug)]
struct OrderedBranches;

impl PhysicalOptimizerRule for OrderedBranches {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let rewritten = plan.transform_down(|node| {
            let alone = |sort: &&SortExec| {
                let scan = sort.input().downcast_ref::<ScanExec>();
                scan.is_some_and(|scan| scan.apart(sort.expr()).is_none())
            };
            let Some(sort) = node.downcast_ref::<SortExec>().filter(|sort| !alone(sort)) else {
                return Ok(Transformed::no(node));
            };
            let Some(branches) = branches(sort.input(), sort.expr(), sort.fetch())? else {
                return Ok(Transformed::no(node));
            };
            // What is sorted part by part is merged further up already.
            if sort.preserve_partitioning() || branches.output_partitioning().partition_count() == 1 {
                return Ok(Transformed::yes(branches));
            }
            let merged = SortPreservingMergeExec::new(sort.expr().clone(), branches).with_fetch(sort.fetch());
            Ok(Transformed::yes(Arc::new(merged) as Arc<dyn ExecutionPlan>))
        })?;
        Ok(rewritten.data)
    }

    fn name(&self) -> &'static str {
        "OrderedBranches"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The plan with each of its scans sorted; none if it is more than these, put together and projected.
fn branches(
    plan: &Arc<dyn ExecutionPlan>,
    order: &LexOrdering,
    fetch: Option<usize>,
) -> EngineResult<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(gathered) = plan.downcast_ref::<CoalescePartitionsExec>() {
        return if gathered.fetch().is_none() { branches(gathered.input(), order, fetch) } else { Ok(None) };
    }
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let Some(below) = below(projection, order) else { return Ok(None) };
        let Some(input) = branches(projection.input(), &below, fetch)? else { return Ok(None) };
        return checked(over(plan, input)?, order);
    }
    if let Some(scan) = plan.downcast_ref::<ScanExec>() {
        let Some(parts) = scan.apart(order) else { return Ok(Some(sort(plan, order, fetch))) };
        let parts = parts.iter().map(|part| sort(part, order, fetch)).collect();
        return checked(UnionExec::try_new(parts)?, order);
    }
    let Some(union) = plan.downcast_ref::<UnionExec>() else { return Ok(None) };
    let inputs = union.inputs().iter().map(|input| sorted(input, order, fetch)).collect::<EngineResult<_>>()?;
    checked(UnionExec::try_new(inputs)?, order)
}

/// The plan, if the engine sees that all of its parts have the order.
fn checked(plan: Arc<dyn ExecutionPlan>, order: &LexOrdering) -> EngineResult<Option<Arc<dyn ExecutionPlan>>> {
    let has_order = plan.equivalence_properties().ordering_satisfy(order.clone())?;
    Ok(has_order.then_some(plan))
}

/// The plan sorted, as far down as the order still has a meaning.
fn sorted(
    plan: &Arc<dyn ExecutionPlan>,
    order: &LexOrdering,
    fetch: Option<usize>,
) -> EngineResult<Arc<dyn ExecutionPlan>> {
    if let Some(parts) = branches(plan, order, fetch)? {
        return Ok(parts);
    }
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>()
        && let Some(below) = below(projection, order)
    {
        let input = sorted(projection.input(), &below, fetch)?;
        return over(plan, input);
    }
    Ok(sort(plan, order, fetch))
}

fn sort(plan: &Arc<dyn ExecutionPlan>, order: &LexOrdering, fetch: Option<usize>) -> Arc<dyn ExecutionPlan> {
    let in_parts = plan.output_partitioning().partition_count() > 1;
    let sort = SortExec::new(order.clone(), Arc::clone(plan)).with_fetch(fetch);
    Arc::new(sort.with_preserve_partitioning(in_parts))
}

/// A projection over another input.
fn over(plan: &Arc<dyn ExecutionPlan>, input: Arc<dyn ExecutionPlan>) -> EngineResult<Arc<dyn ExecutionPlan>> {
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    Arc::clone(plan).replace_children(vec![input], options)
}

/// The order in terms of a projection's input, if each of its columns is one of these, or a number within one.
fn below(projection: &ProjectionExec, order: &LexOrdering) -> Option<LexOrdering> {
    let input = |expr: &Arc<dyn PhysicalExpr>| {
        let output = expr.downcast_ref::<Column>()?;
        Some(Arc::clone(&projection.expr().get(output.index())?.expr))
    };
    let column = |wanted: &PhysicalSortExpr| {
        let own = match keyed(&wanted.expr) {
            // The engine computes what stands twice, by itself and within a key, in a projection of its own.
            Some(number) => Arc::clone(&wanted.expr).with_new_children(vec![input(number)?]).ok()?,
            None => input(&wanted.expr)?,
        };
        let goes_on = keyed(&own).is_some_and(|number| number.is::<Column>());
        (goes_on || place(&own).is_some()).then_some(PhysicalSortExpr { expr: own, options: wanted.options })
    };
    LexOrdering::new(order.iter().map(column).collect::<Option<Vec<_>>>()?)
}
