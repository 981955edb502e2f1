//! Where in the text something stands, for the position of an error.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Ident, Statement, visit_expressions};
use datafusion::sql::sqlparser::tokenizer::Location;

use crate::error::{Error, Kind};

/// Characters of a text before a place.
pub fn offset(sql: &str, place: Location) -> usize {
    let line = usize::try_from(place.line).unwrap_or(usize::MAX).saturating_sub(1);
    let before: usize = sql.split_inclusive('\n').take(line).map(|line| line.chars().count()).sum();
    before + usize::try_from(place.column).unwrap_or(0).saturating_sub(1)
}

/// The position of something that starts at a place; none where it was made and not read.
pub fn position(sql: &str, start: Location) -> Option<usize> {
    (start.line > 0).then(|| offset(sql, start) + 1)
}

/// Adds the position of the column that an error names, where it has none yet.
pub fn locate(mut error: Error, sql: &str, statement: &Statement) -> Error {
    let about_column = matches!(error.kind, Kind::UndefinedColumn | Kind::AmbiguousColumn);
    if error.position.is_some() || !about_column {
        return error;
    }
    // `column "a" …`, or `column t.a …`: the name is the last word before the verb.
    let name = match error.message.split('"').nth(1) {
        Some(name) => Some(name),
        None => error.message.split(' ').nth(1).and_then(|name| name.rsplit('.').next()),
    };
    let Some(name) = name.map(str::to_owned) else { return error };
    let is_it = |ident: &Ident| match ident.quote_style {
        Some(_) => ident.value == name,
        None => ident.value.eq_ignore_ascii_case(&name),
    };
    let found = visit_expressions(statement, |expr| match expr {
        Expr::Identifier(ident) if is_it(ident) => ControlFlow::Break(position(sql, ident.span.start)),
        Expr::CompoundIdentifier(idents) if idents.last().is_some_and(is_it) => {
            ControlFlow::Break(idents.first().and_then(|first| position(sql, first.span.start)))
        }
        _ => ControlFlow::Continue(()),
    });
    if let ControlFlow::Break(position) = found {
        error.position = position;
    }
    error
}
