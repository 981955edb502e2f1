//! Stops operators that compute for long without giving control back.
//!
//! Dropping a stream stops it only at its next await. A join whose filter drops all rows loops inside one poll, and an
//! aggregate over an exploding join polls without end. So filters look at the statement's token on each batch, and the
//! output of each join counts as work of a cooperative task.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{FieldRef, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result as EngineResult;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;

use crate::model::statement::Statement;
use crate::table::provider::external;

/// Adds the checks to a plan that is ready to run.
///
/// # Errors
/// Never, unless the engine refuses to rebuild one of its own nodes.
pub fn guard(plan: Arc<dyn ExecutionPlan>, statement: &Arc<Statement>) -> EngineResult<Arc<dyn ExecutionPlan>> {
    let guarded = plan.transform_up(|node| {
        if let Some(filter) = node.downcast_ref::<FilterExec>() {
            let predicate = Check::wrap(filter.predicate(), statement);
            let rebuilt = FilterExecBuilder::from(filter).with_predicate(predicate).build()?;
            return Ok(Transformed::yes(Arc::new(rebuilt) as Arc<dyn ExecutionPlan>));
        }
        if let Some(join) = node.downcast_ref::<HashJoinExec>() {
            let filter = join.filter().map(|filter| wrap_filter(filter, statement));
            let rebuilt = join.builder().with_filter(filter).build_exec()?;
            return Ok(Transformed::yes(Guard::wrap(rebuilt, statement)));
        }
        if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
            let filter = join.filter().map(|filter| wrap_filter(filter, statement));
            let rebuilt = NestedLoopJoinExecBuilder::from(join).with_filter(filter).build()?;
            return Ok(Transformed::yes(Guard::wrap(Arc::new(rebuilt), statement)));
        }
        if node.is::<CrossJoinExec>() {
            return Ok(Transformed::yes(Guard::wrap(node, statement)));
        }
        Ok(Transformed::no(node))
    })?;
    Ok(guarded.data)
}

fn wrap_filter(filter: &JoinFilter, statement: &Arc<Statement>) -> JoinFilter {
    let expression = Check::wrap(filter.expression(), statement);
    JoinFilter::new(expression, filter.column_indices().to_vec(), Arc::clone(filter.schema()))
}

/// An expression that fails once the statement is cancelled.
#[derive(Debug)]
struct Check {
    inner: Arc<dyn PhysicalExpr>,
    statement: Arc<Statement>,
}

impl Check {
    fn wrap(inner: &Arc<dyn PhysicalExpr>, statement: &Arc<Statement>) -> Arc<dyn PhysicalExpr> {
        Arc::new(Check { inner: Arc::clone(inner), statement: Arc::clone(statement) })
    }
}

impl PartialEq for Check {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Eq for Check {}

impl Hash for Check {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl PhysicalExpr for Check {
    fn return_field(&self, schema: &Schema) -> EngineResult<FieldRef> {
        self.inner.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> EngineResult<ColumnarValue> {
        if self.statement.cancel.is_cancelled() {
            return Err(external(self.statement.stopped()));
        }
        self.inner.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> EngineResult<Arc<dyn PhysicalExpr>> {
        Ok(match children.pop() {
            Some(inner) => Check::wrap(&inner, &self.statement),
            None => self,
        })
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}

/// A node that passes its input on and gives control back now and then.
#[derive(Debug)]
struct Guard {
    input: Arc<dyn ExecutionPlan>,
    statement: Arc<Statement>,
}

impl Guard {
    fn wrap(input: Arc<dyn ExecutionPlan>, statement: &Arc<Statement>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Guard { input, statement: Arc::clone(statement) })
    }
}

impl DisplayAs for Guard {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

impl ExecutionPlan for Guard {
    fn name(&self) -> &'static str {
        "Guard"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> EngineResult<TreeNodeRecursion>,
    ) -> EngineResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        Ok(match children.pop() {
            Some(input) => Guard::wrap(input, &self.statement),
            None => self,
        })
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> EngineResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let statement = Arc::clone(&self.statement);
        let checked = input.then(move |batch| {
            let statement = Arc::clone(&statement);
            async move {
                tokio::task::coop::consume_budget().await;
                if statement.cancel.is_cancelled() { Err(external(statement.stopped())) } else { batch }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.input.schema(), checked)))
    }
}
