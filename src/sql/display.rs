//! Engine expressions as SQL, for EXPLAIN.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::expr::{Like, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, binary_expr};
use datafusion::sql::unparser::Unparser;
use datafusion::sql::unparser::dialect::PostgreSqlDialect;

use crate::function::numeric::Numeric;
use crate::pgtype::types::PgType;
use crate::sql::scalar::RowFunction;

/// The text of an expression, columns without their table.
pub fn expression(expr: &Expr) -> String {
    let known = expr.clone().transform_down(|expr| Ok(Transformed::yes(decoded(expr))));
    let plain = known.and_then(|known| known.data.transform_up(|expr| Ok(Transformed::yes(plain(expr)))));
    text(&plain.map_or_else(|_| expr.clone(), |plain| plain.data))
}

fn text(expr: &Expr) -> String {
    match Unparser::new(&PostgreSqlDialect {}).with_pretty(true).expr_to_sql(expr) {
        Ok(sql) => sql.to_string().replace('"', ""),
        // Not everything that the engine computes has a spelling in SQL.
        Err(_) => expr.to_string(),
    }
}

/// Something that is spelt already, as what the unparser leaves as it is.
fn spelt(text: impl Into<String>) -> Expr {
    Expr::Column(Column::new_unqualified(text.into()))
}

/// A comparison of keys with the values for the constants among them.
fn decoded(expr: Expr) -> Expr {
    let key = |side: &Expr| match side {
        Expr::ScalarFunction(call) if call.name().ends_with("_key") => Some(call.name().to_owned()),
        _ => None,
    };
    let value = |key: &Option<String>, side: Expr| match (key.as_deref(), &side) {
        (Some("numeric_key"), _) => number(side, Numeric::from_key),
        // A place in the order of all documents, from which there is no way back.
        (Some("jsonb_key"), Expr::Literal(ScalarValue::Binary(Some(_)), _)) => spelt("'…'::jsonb"),
        _ => side,
    };
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (of_left, of_right) = (key(&left), key(&right));
            let (left, right) = (Box::new(value(&of_right, *left)), Box::new(value(&of_left, *right)));
            Expr::BinaryExpr(BinaryExpr { left, op, right })
        }
        Expr::InList(mut list) => {
            let of = key(&list.expr);
            list.list = list.list.into_iter().map(|item| value(&of, item)).collect();
            Expr::InList(list)
        }
        other => other,
    }
}

/// An expression of which the parts are plain, without what only the engine needs to know.
fn plain(expr: Expr) -> Expr {
    match expr {
        Expr::Column(column) => spelt(column.name),
        Expr::ScalarFunction(call) => match RowFunction::of(&call.func) {
            Some(function) => {
                let (types, result) = (function.args().to_vec(), function.result());
                let (is_cast, typmod) = (function.is_cast(), function.typmod());
                let decoded = |(arg, ty): (Expr, PgType)| match ty {
                    PgType::Numeric => number(arg, |bytes| Some(Numeric::decode(bytes))),
                    _ => arg,
                };
                let args: Vec<Expr> = call.args.into_iter().zip(types).map(decoded).collect();
                match (is_cast, typmod, args.as_slice()) {
                    (true, _, [inner]) => spelt(format!("CAST({} AS {})", text(inner), result.name())),
                    // The length or the precision that was written with the cast.
                    (_, Some(_), [inner]) => inner.clone(),
                    _ => called(ScalarFunction { func: call.func, args }),
                }
            }
            None => Expr::ScalarFunction(call),
        },
        other => other,
    }
}

/// A constant in bytes as the number that they are.
fn number(expr: Expr, read: impl Fn(&[u8]) -> Option<Numeric>) -> Expr {
    let number = match &expr {
        Expr::Literal(ScalarValue::Binary(Some(bytes)), _) => read(bytes),
        _ => None,
    };
    number.map_or(expr, |number| spelt(number.to_string()))
}

/// A call as it is written: most of those of one or two arguments are operators.
fn called(call: ScalarFunction) -> Expr {
    let name = call.name().to_owned();
    let like = |args: &[Expr], negated: bool, ignore_case: bool| {
        let [subject, pattern] = [&args[0], &args[1]].map(|arg| Box::new(arg.clone()));
        Expr::Like(Like::new(negated, subject, pattern, None, ignore_case))
    };
    match (name.as_str(), call.args.as_slice()) {
        ("numeric_key" | "float8_key" | "interval_key" | "jsonb_key" | "bpchar_key", [inner]) => inner.clone(),
        ("~~", [_, _]) => like(&call.args, false, false),
        ("!~~", [_, _]) => like(&call.args, true, false),
        ("~~*", [_, _]) => like(&call.args, false, true),
        ("!~~*", [_, _]) => like(&call.args, true, true),
        ("-", [inner]) => Expr::Negative(Box::new(inner.clone())),
        ("timezone", [zone, inner]) => spelt(format!("{} AT TIME ZONE {}", text(inner), text(zone))),
        ("extract", [Expr::Literal(ScalarValue::Utf8(Some(field)), _), inner]) => {
            spelt(format!("EXTRACT({field} FROM {})", text(inner)))
        }
        (symbol, [left, right]) => match operator(symbol) {
            Some(op) => binary_expr(left.clone(), op, right.clone()),
            None if symbol.contains(|letter: char| letter.is_ascii_alphanumeric()) => Expr::ScalarFunction(call),
            None => spelt(format!("{} {symbol} {}", text(left), text(right))),
        },
        _ => Expr::ScalarFunction(call),
    }
}

/// The operator of this symbol, so that the unparser knows how strongly it binds.
fn operator(symbol: &str) -> Option<Operator> {
    Some(match symbol {
        "+" => Operator::Plus,
        "-" => Operator::Minus,
        "*" => Operator::Multiply,
        "/" => Operator::Divide,
        "%" => Operator::Modulo,
        "||" => Operator::StringConcat,
        "~" => Operator::RegexMatch,
        "~*" => Operator::RegexIMatch,
        "!~" => Operator::RegexNotMatch,
        "!~*" => Operator::RegexNotIMatch,
        "->" => Operator::Arrow,
        "->>" => Operator::LongArrow,
        "#>" => Operator::HashArrow,
        "#>>" => Operator::HashLongArrow,
        "@>" => Operator::AtArrow,
        "<@" => Operator::ArrowAt,
        "?" => Operator::Question,
        "?|" => Operator::QuestionPipe,
        "?&" => Operator::QuestionAnd,
        _ => return None,
    })
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
