//! Where the engine's optimizer takes for granted what does not hold (DataFusion 55.2). Where apache/datafusion has an
//! issue of the kind, its number stands behind.
//!
//! * `push_down_filter` moves a condition without columns below an aggregate over all rows, or over grouping sets, which has
//!   a row also where its input has none: `SELECT 1 FROM t HAVING (SELECT false)`, `1 IN (SELECT 2 FROM (SELECT count(*)
//!   FROM t))`. [`held`] puts a LIMIT between, which it
//!   does not pass.
//! * `aggregate_functional_dependencies` takes the keys of an inner aggregation for unique in an outer one, also where a
//!   join between them has repeated them: `SELECT k, count(*) FROM (SELECT DISTINCT k, c FROM (SELECT DISTINCT k FROM s) x,
//!   t) y GROUP BY k, c` loses groups (#23626, #23818 to #23820). [`held`] hides what is known of the keys from the outer
//!   one.
//! * `FilterPushdown`, of the physical plan, takes a column of one side of a join for that of the other with the same name
//!   (#25264). [`with_rule`] does without: the logical plan's filters have been moved before.
//! * `aggregate_statistics` answers `count(DISTINCT x)` from the statistics of x, which for a column of nothing but NULLs
//!   tell of one value: `SELECT count(DISTINCT b.x) FROM a LEFT JOIN b ON false`. [`with_rule`] does without, too.
//! * `EquivalenceGroup::join` and the properties of an aggregation take a column for constant that was so before an outer
//!   join or a grouping set filled it with NULLs, and a sort by it is left out; over a union of constants or of single rows,
//!   and below a window, sorts are left out that are then missed (#12446, #17372). [`with_rule`] hides the constants of
//!   select lists from these, and puts a node that promises nothing over such joins and aggregations, and below windows.
//! * The rule that moves sorts down takes an OFFSET without a LIMIT for a node that drops no rows, and sorts below it: `SELECT
//!   x FROM (SELECT x FROM t ORDER BY x DESC OFFSET 1) s ORDER BY x`. [`with_rule`] puts a node that promises nothing above
//!   it.
//! * `FilterExec::try_swapping_with_projection` reads the predicate of a filter that has a projection of its own as if it
//!   spoke of that projection's columns, and takes a column for another of the same name. [`with_rule`] gives such a filter
//!   its projection above it before `ProjectionPushdown`, which runs twice, sees it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{FieldRef, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, Result as EngineResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::{
    Aggregate, ColumnarValue, Distinct, Expr, Limit, LogicalPlan, Projection, Subquery, lit,
};
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, replace_children_if_necessary,
};

use crate::sql::scalar::kept;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// A plan in which no condition reaches the input of an aggregate over all rows.
///
/// # Errors
/// Never, unless the engine refuses to rebuild one of its own nodes.
pub fn held(plan: LogicalPlan) -> EngineResult<LogicalPlan> {
    held_below(plan, false)
}

/// The same for a plan that is, or will be, filtered.
fn held_below(plan: LogicalPlan, is_filtered: bool) -> EngineResult<LogicalPlan> {
    let plan = below(plan, is_filtered)?;
    let mut aggregations = 0;
    plan.apply(|node| {
        aggregations += usize::from(matches!(node, LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_)));
        Ok(TreeNodeRecursion::Continue)
    })?;
    if aggregations < 2 {
        return Ok(plan);
    }
    // What is known of keys stands in the schemas, up to the root.
    plan.transform_up(|node| unkeyed(node.recompute_schema()?).map(Transformed::yes)).data()
}

fn below(plan: LogicalPlan, is_filtered: bool) -> EngineResult<LogicalPlan> {
    // The rows that there are of one group of all rows; more of more grouping sets, of which that may be one.
    let rows = match &plan {
        LogicalPlan::Aggregate(aggregate) => match aggregate.group_expr.as_slice() {
            [] => Some(1_i64),
            [Expr::GroupingSet(_)] => Some(i64::MAX),
            _ => None,
        },
        _ => None,
    };
    let filters = match &plan {
        LogicalPlan::Filter(_) => true,
        LogicalPlan::Join(join) => is_filtered || join.filter.is_some(),
        _ => is_filtered,
    };
    let plan = plan.map_children(|child| below(child, filters && rows.is_none()).map(Transformed::yes)).data()?;
    let plan = plan.map_expressions(|expr| expr.transform_down(held_subquery)).data()?;
    match rows.filter(|_| is_filtered) {
        Some(rows) => {
            Ok(LogicalPlan::Limit(Limit { skip: None, fetch: Some(Box::new(lit(rows))), input: Arc::new(plan) }))
        }
        None => Ok(plan),
    }
}

fn held_subquery(expr: Expr) -> EngineResult<Transformed<Expr>> {
    let held = |own: Subquery, is_filtered| -> EngineResult<Subquery> {
        let subquery = Arc::new(held_below(Arc::unwrap_or_clone(own.subquery), is_filtered)?);
        Ok(Subquery { subquery, ..own })
    };
    Ok(Transformed::yes(match expr {
        // It becomes a join, of which the condition speaks of its columns.
        Expr::InSubquery(within) => Expr::InSubquery(InSubquery { subquery: held(within.subquery, true)?, ..within }),
        Expr::Exists(exists) => Expr::Exists(Exists { subquery: held(exists.subquery, false)?, ..exists }),
        Expr::ScalarSubquery(subquery) => Expr::ScalarSubquery(held(subquery, false)?),
        other => return Ok(Transformed::no(other)),
    }))
}

/// An aggregation that does not know which columns of its input are keys. DISTINCT, as what the engine makes of it later.
fn unkeyed(plan: LogicalPlan) -> EngineResult<LogicalPlan> {
    let (input, keys, calls) = match plan {
        LogicalPlan::Aggregate(own) => (own.input, own.group_expr, own.aggr_expr),
        LogicalPlan::Distinct(Distinct::All(input)) if !input.schema().fields().is_empty() => {
            let columns = input.schema().columns().into_iter().map(Expr::Column).collect();
            (input, columns, Vec::new())
        }
        plan => return Ok(plan),
    };
    let has_keys = !input.schema().functional_dependencies().is_empty();
    let input = if has_keys { hidden_keys(input)? } else { input };
    Ok(LogicalPlan::Aggregate(Aggregate::try_new(input, keys, calls)?))
}

fn hidden_keys(plan: Arc<LogicalPlan>) -> EngineResult<Arc<LogicalPlan>> {
    let keys: Vec<usize> =
        plan.schema().functional_dependencies().iter().flat_map(|known| known.source_indices.clone()).collect();
    let columns = plan.schema().columns().into_iter().enumerate().map(|(at, column)| match keys.contains(&at) {
        true => {
            let (relation, name) = (column.relation.clone(), column.name.clone());
            kept(Expr::Column(column)).alias_qualified(relation, name)
        }
        false => Expr::Column(column),
    });
    let columns: Vec<Expr> = columns.collect();
    Ok(Arc::new(LogicalPlan::Projection(Projection::try_new(columns, plan)?)))
}

/// The rules with this one before those that look at orders.
pub fn with_rule(mut rules: Vec<Rule>) -> Vec<Rule> {
    let at = rules.iter().position(|rule| rule.name() == NEXT);
    debug_assert!(at.is_some(), "the engine has a rule {NEXT}");
    rules.insert(at.unwrap_or(0), Arc::new(Constants));
    let wrong = |rule: &Rule| rule.name().starts_with("FilterPushdown") || rule.name() == "aggregate_statistics";
    rules.retain(|rule| !wrong(rule));
    let unfused = |rule: Rule| match rule.name() {
        PUSHDOWN => vec![Arc::new(Unfused) as Rule, rule],
        _ => vec![rule],
    };
    rules.into_iter().flat_map(unfused).collect()
}

/// The rule that moves projections.
const PUSHDOWN: &str = "ProjectionPushdown";

/// Filters that only filter.
#[derive(Debug)]
struct Unfused;

impl PhysicalOptimizerRule for Unfused {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> EngineResult<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(filter) = node.downcast_ref::<FilterExec>() else { return Ok(Transformed::no(node)) };
            let Some(shown) = filter.projection() else { return Ok(Transformed::no(node)) };
            let (input, predicate) = (Arc::clone(filter.input()), Arc::clone(filter.predicate()));
            let fields = input.schema();
            let columns = shown.iter().map(|&at| {
                let name = fields.field(at).name();
                ProjectionExpr { expr: Arc::new(Column::new(name, at)), alias: name.clone() }
            });
            let columns: Vec<ProjectionExpr> = columns.collect();
            let plain = FilterExecBuilder::new(predicate, input).with_fetch(filter.fetch()).build()?;
            let above = ProjectionExec::try_new_with_schema_metadata(columns, Arc::new(plain), &filter.schema())?;
            Ok(Transformed::yes(Arc::new(above)))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "unfused_filters"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The rule that adds the sorts that are needed.
const NEXT: &str = "EnsureRequirements";

#[derive(Debug)]
struct Constants;

impl PhysicalOptimizerRule for Constants {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> EngineResult<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
                if !projection.expr().iter().any(|column| column.expr.is::<Literal>()) {
                    return Ok(Transformed::no(node));
                }
                let hidden = projection.expr().iter().map(|column| match column.expr.downcast_ref::<Literal>() {
                    Some(literal) => ProjectionExpr { expr: Arc::new(Hidden(literal.clone())), ..column.clone() },
                    None => column.clone(),
                });
                let (input, schema) = (Arc::clone(projection.input()), projection.schema());
                let rebuilt = ProjectionExec::try_new_with_schema_metadata(hidden, input, &schema)?;
                return Ok(Transformed::yes(Arc::new(rebuilt)));
            }
            let skips = |limit: &GlobalLimitExec| limit.skip() > 0 && limit.fetch().is_none();
            if node.downcast_ref::<GlobalLimitExec>().is_some_and(skips) {
                return Ok(Transformed::yes(Modest::over(node)));
            }
            let is_window = node.is::<WindowAggExec>() || node.is::<BoundedWindowAggExec>();
            if let [input] = node.children().as_slice()
                && is_window
                && !input.equivalence_properties().eq_group().is_empty()
            {
                let input = Modest::over(Arc::clone(input));
                return Ok(Transformed::yes(replace_children_if_necessary(node, vec![input])?));
            }
            let promises = !node.equivalence_properties().constants().is_empty();
            let fills = if let Some(join) = node.downcast_ref::<HashJoinExec>() {
                is_outer(join.join_type())
            } else if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
                is_outer(join.join_type())
            } else if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
                aggregate.group_expr().has_grouping_set() || aggregate.group_expr().is_empty()
            } else {
                false
            };
            Ok(if promises && fills { Transformed::yes(Modest::over(node)) } else { Transformed::no(node) })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "hidden_constants"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn is_outer(join: &JoinType) -> bool {
    matches!(join, JoinType::Left | JoinType::Right | JoinType::Full)
}

/// A constant that the optimizer does not take for one.
#[derive(Debug, PartialEq, Eq)]
struct Hidden(Literal);

impl Hash for Hidden {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PhysicalExpr for Hidden {
    fn return_field(&self, schema: &Schema) -> EngineResult<FieldRef> {
        self.0.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> EngineResult<ColumnarValue> {
        self.0.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn PhysicalExpr>>) -> EngineResult<Arc<dyn PhysicalExpr>> {
        Ok(self)
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_sql(f)
    }
}

/// A node that passes its input on and promises nothing of it.
#[derive(Debug)]
struct Modest {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl Modest {
    fn over(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let own = input.properties();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            own.partitioning.clone(),
            own.emission_type,
            own.boundedness,
        );
        Arc::new(Modest { input, properties: Arc::new(properties) })
    }
}

impl DisplayAs for Modest {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Modest")
    }
}

impl ExecutionPlan for Modest {
    fn name(&self) -> &'static str {
        "Modest"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
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
            Some(input) => Modest::over(input),
            None => self,
        })
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> EngineResult<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }
}
