//! Engine expressions as SQL, for EXPLAIN.

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::Expr;
use datafusion::sql::unparser::Unparser;
use datafusion::sql::unparser::dialect::PostgreSqlDialect;

/// The text of an expression, columns without their table.
pub fn expression(expr: &Expr) -> String {
    let bare = expr.clone().transform(|expr| match expr {
        Expr::Column(column) => Ok(Transformed::yes(Expr::Column(Column::new_unqualified(column.name)))),
        other => Ok(Transformed::no(other)),
    });
    let expr = bare.map_or_else(|_| expr.clone(), |bare| bare.data);
    match Unparser::new(&PostgreSqlDialect {}).with_pretty(true).expr_to_sql(&expr) {
        Ok(sql) => sql.to_string().replace('"', ""),
        // Not everything that the engine computes has a spelling in SQL.
        Err(_) => expr.to_string(),
    }
}
