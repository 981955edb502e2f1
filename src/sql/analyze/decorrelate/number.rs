//! Rows with numbers, and the values of window functions, in columns of the plan.

use datafusion::common::Column;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::TreeNode;
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::{Sort, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};

use super::super::subquery::project;
use crate::error::Result;
use crate::sql::fault::from_engine;

/// The plan with the number of each row within its partition, from 1, in the column `name`.
pub(in crate::sql::analyze) fn numbered(
    plan: LogicalPlan,
    by: Vec<Expr>,
    order: Vec<Sort>,
    name: &str,
) -> Result<LogicalPlan> {
    let frame = WindowFrame::new_bounds(
        WindowFrameUnits::Rows,
        WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
        WindowFrameBound::CurrentRow,
    );
    let params = WindowFunctionParams {
        args: Vec::new(),
        partition_by: by,
        order_by: order,
        window_frame: frame,
        filter: None,
        null_treatment: None,
        distinct: false,
    };
    let fun = WindowFunctionDefinition::WindowUDF(row_number_udwf());
    let call = Expr::WindowFunction(Box::new(WindowFunction { fun, params }));
    windows(plan, vec![(call, name.to_owned())])
}

/// The plan with the values of window functions in further columns of these names.
pub(in crate::sql::analyze) fn windows(plan: LogicalPlan, calls: Vec<(Expr, String)>) -> Result<LogicalPlan> {
    let mut columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    // Keys become columns first: the engine's reasoning about sorted expressions is not to be trusted.
    let mut widened = columns.clone();
    let mut hoisted: Vec<(Expr, Expr)> = Vec::new();
    let mut hoist = |key: &mut Expr, name: &str| {
        if matches!(key, Expr::Column(_)) {
            return;
        }
        let known = hoisted.iter().find(|(own, _)| own == key).map(|(_, column)| column.clone());
        let column = known.unwrap_or_else(|| {
            let own = format!("{name}k{}", hoisted.len());
            widened.push(key.clone().alias(&own));
            let column = Expr::Column(Column::new_unqualified(own));
            hoisted.push((key.clone(), column.clone()));
            column
        });
        *key = column;
    };
    let mut calls = calls;
    for (call, name) in &mut calls {
        if let Expr::WindowFunction(window) = call {
            // And what can be lazy is so in a projection only.
            for arg in window.params.args.iter_mut().filter(|arg| !is_plain(arg)) {
                hoist(arg, name);
            }
            // A constant parts nothing.
            window.params.partition_by.retain(|key| !matches!(key, Expr::Literal(..)));
            for key in &mut window.params.partition_by {
                hoist(key, name);
            }
            for key in &mut window.params.order_by {
                hoist(&mut key.expr, name);
            }
        }
    }
    let plan = if widened.len() > columns.len() { project(plan, widened)? } else { plan };
    let mut distinct: Vec<Expr> = Vec::new();
    for (call, name) in calls {
        let own = Column::new_unqualified(call.schema_name().to_string());
        columns.push(Expr::Column(own).alias(name));
        if !distinct.contains(&call) {
            distinct.push(call);
        }
    }
    project(LogicalPlanBuilder::window_plan(plan, distinct).map_err(from_engine)?, columns)
}

fn is_plain(arg: &Expr) -> bool {
    !arg.exists(|part| Ok(matches!(part, Expr::BinaryExpr(_)))).unwrap_or(true)
}
