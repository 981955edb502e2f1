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

/// A size in the largest unit that leaves it whole: `512 MB`, `1 GB`, `1500 bytes`.
pub fn bytes(size: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(unit, _)| size > 0 && size.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{} {name}", size / unit),
        None => format!("{size} bytes"),
    }
}

/// A span of time in words: `30 days`, `1 minute`, `12h 30m`.
pub fn span(span: std::time::Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    match units.into_iter().find(|(size, _)| seconds > 0 && seconds.is_multiple_of(*size)) {
        Some((size, unit)) if seconds == size => format!("1 {unit}"),
        Some((size, unit)) => format!("{} {unit}s", seconds / size),
        None => humantime::format_duration(span).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_whole() {
        let told = [0, 999, 1_500, 64_000, 512_000_000, 2_000_000_000].map(bytes);
        assert_eq!(told, ["0 bytes", "999 bytes", "1500 bytes", "64 kB", "512 MB", "2 GB"]);
    }
}
