//! Joins that drive a scan. Rows of some tables come only by the value of one column ([`table::Lookup`]), a call for each
//! value; without values named in WHERE the source lists them all. Where such a column is joined by equality, only the
//! values of the other side are of any use: so the other side runs first and its distinct values go to the scan.
//!
//! The other side becomes the build input of the hash join, which reads that input to its end before it polls the probe
//! input (`HashJoinStream::collect_build_side`), and [`KeysExec`] on it gives its keys before it ends: so a scan that
//! waits for them never holds up what it waits for. The same holds of a scalar subquery, whose node runs its subqueries
//! before it even starts its input.
//!
//! [`table::Lookup`]: crate::model::table::Lookup

mod collect;
mod flow;
mod restrict;
mod scalar;

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinSide, JoinType, NullEquality, Result};
use datafusion::physical_expr::PhysicalExprRef;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, HashJoinExecBuilder};
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;

pub use self::collect::KeysExec;
use self::restrict::{Sought, restrict};

/// The rule. Plans are made for one execution each, and so are the slots that it puts into them.
#[derive(Debug)]
struct KeyedJoins;

/// A rule, as the engine keeps it.
type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// Puts the rule among those of the engine: after the sides of the joins are settled, before anything relies on their
/// order.
pub fn with_rule(mut rules: Vec<Rule>) -> Vec<Rule> {
    let settled = rules.iter().position(|rule| rule.name() == "join_selection").map_or(0, |place| place + 1);
    rules.insert(settled, Arc::new(KeyedJoins));
    rules
}

impl PhysicalOptimizerRule for KeyedJoins {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let before = |node: Arc<dyn ExecutionPlan>| match node.is::<RecursiveQueryExec>() {
            // Its term runs again and again, each time with other keys; a slot takes one set of them.
            true => Ok(Transformed::new(node, false, TreeNodeRecursion::Jump)),
            // A scalar subquery gives one key at the most, so it goes before the joins below it.
            false => scalar::drive(node),
        };
        plan.transform_down_up(before, drive).data()
    }

    fn name(&self) -> &'static str {
        "keyed_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// One side of a join, asked for the rows of the other side's keys only.
struct Driven {
    /// The side that waits.
    side: JoinSide,
    /// It, rewritten.
    plan: Arc<dyn ExecutionPlan>,
    /// The expression of the keys over the other side.
    key: PhysicalExprRef,
    sought: Sought,
}

/// Lets one side of a join drive the other, if that saves calls.
fn drive(node: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let Some(join) = node.downcast_ref::<HashJoinExec>() else { return Ok(Transformed::no(node)) };
    let mut best: Option<Driven> = None;
    // The right side first: it is the one that is probed already. Where keys would only become fewer, a scan on the
    // other side that has none yet comes first.
    for side in [JoinSide::Right, JoinSide::Left] {
        for driven in drivable(join, side)? {
            if best.as_ref().is_none_or(|best| driven.sought.scans > 0 && best.sought.scans == 0) {
                best = Some(driven);
            }
        }
    }
    let Some(Driven { side, plan, key, sought }) = best else { return Ok(Transformed::no(node)) };
    let rebuild = |left, right| {
        HashJoinExecBuilder::from(join).with_new_children(vec![left, right])?.recompute_properties().build()
    };
    let driven = match side {
        JoinSide::Left => {
            let keys = KeysExec::wrap(join.right(), key, sought);
            rebuild(plan, keys)?.swap_inputs(*join.partition_mode())?
        }
        _ => {
            let keys = KeysExec::wrap(join.left(), key, sought);
            Arc::new(rebuild(keys, plan)?)
        }
    };
    Ok(Transformed::yes(driven))
}

/// The ways in which a side can wait for the keys of the other: one for each equality that leads to a scan.
fn drivable(join: &HashJoinExec, side: JoinSide) -> Result<Vec<Driven>> {
    let mut found = Vec::new();
    if !drops_unmatched(*join.join_type(), side) {
        return Ok(found);
    }
    for (left, right) in join.on() {
        let (waiting, own, other, key) = match side {
            JoinSide::Left => (join.left(), left, join.right(), right),
            _ => (join.right(), right, join.left(), left),
        };
        let nullable = own.nullable(&waiting.schema())?;
        // NULLs are no keys, so rows that are joined by NULL, or count because they hold one, must not exist.
        if nullable && (join.null_equality() == NullEquality::NullEqualsNull || join.null_aware) {
            continue;
        }
        // NULL is in no list but the empty one: whether this one is empty may change.
        if join.null_aware && key.nullable(&other.schema())? {
            continue;
        }
        let Some(column) = flow::column(own, &waiting.schema())? else { continue };
        let mut sought = Sought::default();
        if let Some(plan) = restrict(waiting, column, &mut sought)? {
            found.push(Driven { side, plan, key: Arc::clone(key), sought });
        }
    }
    Ok(found)
}

/// Whether rows of a side to which the other has none make no difference to the result.
fn drops_unmatched(join: JoinType, side: JoinSide) -> bool {
    match join {
        JoinType::Inner | JoinType::LeftSemi | JoinType::RightSemi => true,
        JoinType::Left | JoinType::LeftAnti | JoinType::LeftMark => side == JoinSide::Right,
        JoinType::Right | JoinType::RightAnti | JoinType::RightMark => side == JoinSide::Left,
        JoinType::Full => false,
    }
}

#[cfg(test)]
mod tests;
