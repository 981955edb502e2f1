//! `text::jsonb` as a call of the input function of `jsonb`: to the engine it is a text like any other.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, Statement, Value, ValueWithSpan, visit_expressions_mut,
};

use crate::error::Result;
use crate::pgtype::jsonb::normalize;
use crate::sql::functions::json::{FROM_TEXT, refusal};
use crate::sql::place::position;

/// Rewrites the casts of a statement.
///
/// # Errors
/// What PostgreSQL says of a constant that is no `jsonb`, with its place in the text.
pub fn rewrite(statement: &mut Statement, sql: &str) -> Result<()> {
    let outcome = visit_expressions_mut(statement, |expr| {
        let Some(inner) = operand(expr) else { return ControlFlow::Continue(()) };
        if let Expr::Value(ValueWithSpan { value, span }) = &inner
            && let Some(Err(fault)) = text(value).map(normalize)
        {
            let mut error = refusal(fault);
            error.position = position(sql, span.start);
            return ControlFlow::Break(error);
        }
        *expr = call(inner);
        ControlFlow::Continue(())
    });
    match outcome {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// What is cast to `jsonb`, if the expression is such a cast.
fn operand(expr: &Expr) -> Option<Expr> {
    match expr {
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr: inner,
            data_type: DataType::JSONB,
            array: false,
            format: None,
        } => Some(inner.as_ref().clone()),
        Expr::TypedString(typed) if typed.data_type == DataType::JSONB => Some(Expr::Value(typed.value.clone())),
        _ => None,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Some(text),
        Value::DollarQuotedString(quoted) => Some(&quoted.value),
        _ => None,
    }
}

fn call(inner: Expr) -> Expr {
    let is_parameter = matches!(&inner, Expr::Value(value) if matches!(value.value, Value::Placeholder(_)));
    let argument = match is_parameter {
        // The engine takes the type of a parameter from a cast, not from a function.
        true => Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(inner),
            data_type: DataType::Text,
            array: false,
            format: None,
        },
        false => inner,
    };
    let arguments = FunctionArgumentList {
        duplicate_treatment: None,
        args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))],
        clauses: Vec::new(),
    };
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(FROM_TEXT)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(arguments),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn rewritten(sql: &str) -> Result<String> {
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).expect("SQL").remove(0);
        rewrite(&mut statement, sql).map(|()| statement.to_string())
    }

    #[test]
    fn casts_to_jsonb_are_calls() {
        let pairs = [
            ("SELECT '[1]'::jsonb", "SELECT jsonb_in('[1]')"),
            ("SELECT CAST(a AS jsonb) FROM t", "SELECT jsonb_in(a) FROM t"),
            ("SELECT jsonb '{}'", "SELECT jsonb_in('{}')"),
            ("SELECT $1::jsonb", "SELECT jsonb_in($1::TEXT)"),
            (
                "SELECT 1 FROM t WHERE (a::jsonb)::jsonb @> '1'::jsonb",
                "SELECT 1 FROM t WHERE jsonb_in((jsonb_in(a))) @> jsonb_in('1')",
            ),
            ("SELECT a::text, '1'::int FROM t", "SELECT a::TEXT, '1'::INT FROM t"),
        ];
        for (sql, expected) in pairs {
            assert_eq!(rewritten(sql).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn constants_are_refused_as_postgresql_refuses_them() {
        // (SQL, SQLSTATE, position)
        let refused = [
            ("SELECT '{'::jsonb", "22P02", 8),
            ("SELECT 1, CAST('x' AS jsonb)", "22P02", 16),
            ("SELECT '1e200000'::jsonb", "22003", 8),
            ("SELECT '\"\\u0000\"'::jsonb", "22P05", 8),
        ];
        for (sql, state, position) in refused {
            let error = rewritten(sql).expect_err(sql);
            assert_eq!((error.sqlstate(), error.position), (state, Some(position)), "{sql}");
        }
    }
}
