//! What of a table an expression orders by: a column, or a number within the documents of one.

use std::sync::Arc;

use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::expressions::{Column, Literal};

/// The output column that an expression orders by, and the keys that lead into it.
pub(super) fn place(expr: &Arc<dyn PhysicalExpr>) -> Option<(usize, Vec<String>)> {
    if let Some(column) = expr.downcast_ref::<Column>() {
        return Some((column.index(), Vec::new()));
    }
    // A number, not its text, which would be ordered otherwise.
    let number = keyed(expr).unwrap_or(expr);
    let [text] = args_of(number, "float8")? else { return None };
    within(text, "->>")
}

/// The number of which an expression is the key.
pub(super) fn keyed(expr: &Arc<dyn PhysicalExpr>) -> Option<&Arc<dyn PhysicalExpr>> {
    args_of(expr, "float8_key")?.first()
}

/// The arguments of a call of this function.
fn args_of<'a>(expr: &'a Arc<dyn PhysicalExpr>, function: &str) -> Option<&'a [Arc<dyn PhysicalExpr>]> {
    let call = expr.downcast_ref::<ScalarFunctionExpr>().filter(|call| call.fun().name() == function)?;
    Some(call.args())
}

/// The column, and the keys, of nested accesses of which the outermost is this function.
fn within(expr: &Arc<dyn PhysicalExpr>, function: &str) -> Option<(usize, Vec<String>)> {
    let [inner, key] = args_of(expr, function)? else { return None };
    let key = key.downcast_ref::<Literal>()?.value().try_as_str()??.to_owned();
    let (column, mut path) = match inner.downcast_ref::<Column>() {
        Some(column) => (column.index(), Vec::new()),
        None => within(inner, "->")?,
    };
    path.push(key);
    Some((column, path))
}
