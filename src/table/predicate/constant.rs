//! Constants of an expression.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;

/// The value of a constant.
pub(super) fn literal(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(ScalarValue::Dictionary(_, inner), _) => Some(inner.as_ref().clone()),
        Expr::Literal(value, _) => Some(value.clone()),
        Expr::Alias(alias) => literal(&alias.expr),
        _ => None,
    }
}

/// An integer constant.
pub(super) fn integer(value: &ScalarValue) -> Option<i128> {
    Some(match value {
        ScalarValue::Int16(number) => i128::from((*number)?),
        ScalarValue::Int32(number) => i128::from((*number)?),
        ScalarValue::Int64(number) => i128::from((*number)?),
        _ => return None,
    })
}

/// A text constant.
pub(super) fn text(expr: &Expr) -> Option<String> {
    literal(expr)?.try_as_str().flatten().map(str::to_owned)
}
