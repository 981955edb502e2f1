//! Constants of an expression.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;

/// The value of a constant, with the casts around it carried out.
pub(super) fn literal(expr: &Expr) -> Option<ScalarValue> {
    let value = match expr {
        Expr::Literal(value, _) => value.clone(),
        Expr::Alias(alias) => literal(&alias.expr)?,
        Expr::Cast(cast) => literal(&cast.expr)?.cast_to(cast.field.data_type()).ok()?,
        Expr::TryCast(cast) => literal(&cast.expr)?.cast_to(cast.field.data_type()).ok()?,
        Expr::Negative(inner) => literal(inner)?.arithmetic_negate().ok()?,
        _ => return None,
    };
    Some(match value {
        ScalarValue::Dictionary(_, inner) => *inner,
        value => value,
    })
}

/// An integer constant.
pub(super) fn integer(value: &ScalarValue) -> Option<i128> {
    Some(match value {
        ScalarValue::Int8(number) => i128::from((*number)?),
        ScalarValue::Int16(number) => i128::from((*number)?),
        ScalarValue::Int32(number) => i128::from((*number)?),
        ScalarValue::Int64(number) => i128::from((*number)?),
        ScalarValue::UInt8(number) => i128::from((*number)?),
        ScalarValue::UInt16(number) => i128::from((*number)?),
        ScalarValue::UInt32(number) => i128::from((*number)?),
        ScalarValue::UInt64(number) => i128::from((*number)?),
        _ => return None,
    })
}

/// A text constant.
pub(super) fn text(expr: &Expr) -> Option<String> {
    literal(expr)?.try_as_str().flatten().map(str::to_owned)
}
