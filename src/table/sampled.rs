//! Samples, where the session says that one does: a LIMIT without filter and order, and distinct values under a LIMIT, which
//! tools ask for column by column to fill their lists of choices, and each would read the whole table.

use std::sync::Arc;

use datafusion::common::Result as EngineResult;
use datafusion::common::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::union::UnionExec;
use futures::stream::{self, StreamExt};

use crate::model::scan::Batches;
use crate::model::statement::{Notice, Severity};
use crate::table::exec::ScanExec;

/// A rule, as the engine keeps it.
type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// Puts the rule after those of the engine, when limits are where they end up.
pub fn with_rule(mut rules: Vec<Rule>) -> Vec<Rule> {
    rules.push(Arc::new(SampledValues));
    rules
}

#[derive(Debug)]
struct SampledValues;

impl PhysicalOptimizerRule for SampledValues {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> EngineResult<Arc<dyn ExecutionPlan>> {
        sampled(&plan, Above::Nothing).map(|changed| changed.unwrap_or(plan))
    }

    fn name(&self) -> &'static str {
        "SampledValues"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// What stands above a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Above {
    Nothing,
    /// So many rows are enough.
    Limit,
    /// So many distinct values are enough.
    Distinct,
}

/// The plan with its scans sampled; none if none is.
fn sampled(plan: &Arc<dyn ExecutionPlan>, above: Above) -> EngineResult<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(scan) = plan.downcast_ref::<ScanExec>() {
        let sampled = scan.sampled().filter(|_| above == Above::Distinct);
        return Ok(sampled.map(|scan| Arc::new(scan) as Arc<dyn ExecutionPlan>));
    }
    let above = below(plan, above);
    let mut changes = false;
    let mut children = Vec::with_capacity(plan.children().len());
    for child in plan.children() {
        let changed = sampled(child, above)?;
        changes |= changed.is_some();
        children.push(changed.unwrap_or_else(|| Arc::clone(child)));
    }
    if !changes {
        return Ok(None);
    }
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    Arc::clone(plan).replace_children(children, options).map(Some)
}

/// What a node is to those below it.
fn below(plan: &Arc<dyn ExecutionPlan>, above: Above) -> Above {
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        let distinct =
            above != Above::Nothing && aggregate.aggr_expr().is_empty() && aggregate.group_expr().is_single();
        return if distinct { Above::Distinct } else { Above::Nothing };
    }
    let passes = plan.downcast_ref::<ProjectionExec>().is_some()
        || plan.downcast_ref::<CooperativeExec>().is_some()
        || plan.downcast_ref::<CoalescePartitionsExec>().is_some()
        || plan.downcast_ref::<RepartitionExec>().is_some()
        || plan.downcast_ref::<UnionExec>().is_some();
    let cuts = plan.downcast_ref::<SortExec>().is_some()
        || plan.downcast_ref::<SortPreservingMergeExec>().is_some()
        || plan.downcast_ref::<GlobalLimitExec>().is_some()
        || plan.downcast_ref::<LocalLimitExec>().is_some();
    match above {
        Above::Nothing if cuts && plan.fetch().is_some() => Above::Limit,
        _ if passes || cuts => above,
        _ => Above::Nothing,
    }
}

/// The first batch that has rows. What comes after it is not asked for: it could be another call.
pub(super) fn first_rows(batches: Batches) -> Batches {
    let next = |batches: Option<Batches>| async move {
        let mut batches = batches?;
        let batch = batches.next().await?;
        let is_enough = batch.as_ref().map_or(true, |batch| batch.num_rows() > 0);
        Some((batch, (!is_enough).then_some(batches)))
    };
    stream::unfold(Some(batches), next).boxed()
}

/// What the client is told.
pub(super) fn sampling(table: &str) -> Notice {
    Notice {
        severity: Severity::Notice,
        message: format!("{table} is sampled"),
        detail: Some("\"spanwire.sample\" is on, so one small page of the table stands for all of it here.".to_owned()),
        hint: Some("SET spanwire.sample = off to read as many rows as the statement asks for.".to_owned()),
    }
}
