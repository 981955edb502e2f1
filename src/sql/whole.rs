//! A rule of the physical plan: an aggregation reads all its rows in one place.
//!
//! The engine would aggregate each branch of a union by itself and put the parts together. Most aggregates of ours have
//! no parts: their value depends on the order of the rows, or they keep what PostgreSQL keeps.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// The rules with this one before them.
pub fn with_rule(mut rules: Vec<Rule>) -> Vec<Rule> {
    rules.insert(0, Arc::new(WholeAggregates));
    rules
}

#[derive(Debug)]
struct WholeAggregates;

impl PhysicalOptimizerRule for WholeAggregates {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(last) = node.downcast_ref::<AggregateExec>() else { return Ok(Transformed::no(node)) };
            let is_last = matches!(last.mode(), AggregateMode::Final | AggregateMode::FinalPartitioned);
            let Some(first) = last.input().downcast_ref::<AggregateExec>() else { return Ok(Transformed::no(node)) };
            if !is_last || *first.mode() != AggregateMode::Partial {
                return Ok(Transformed::no(node));
            }
            let whole = AggregateExec::try_new(
                AggregateMode::Single,
                first.group_expr().clone(),
                first.aggr_expr().to_vec(),
                first.filter_expr().to_vec(),
                Arc::clone(first.input()),
                first.input_schema(),
            )?;
            Ok(Transformed::yes(Arc::new(whole)))
        })
        .data()
    }

    fn name(&self) -> &str {
        "WholeAggregates"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
