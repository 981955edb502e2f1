//! What `@>`, `<@`, `?` and `?&` ask of a document: texts that it must hold.

use datafusion::arrow::array::AsArray;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;

use super::constant::{literal, text};
use crate::pgtype::jsonb::{normalize, operators};

/// A document and the texts that it holds, each in the sense of `?`, if the function is true.
pub(super) struct Held<'a> {
    pub(super) document: &'a Expr,
    pub(super) texts: Vec<String>,
    /// A document that holds them makes the function true.
    pub(super) exact: bool,
}

/// Reads a call of an operator of `jsonb`. It is NULL where the document is.
pub(super) fn read<'a>(name: &str, args: &'a [Expr]) -> Option<Held<'a>> {
    let [left, right] = args else { return None };
    match name {
        "@>" => contained(left, right),
        "<@" => contained(right, left),
        "?" => Some(Held { document: left, texts: vec![text(right)?], exact: true }),
        "?&" => Some(Held { document: left, texts: list(right)?, exact: true }),
        _ => None,
    }
}

fn contained<'a>(document: &'a Expr, part: &Expr) -> Option<Held<'a>> {
    // The tag that says the text is in form may be lost.
    let part = normalize(&text(part)?).ok()?;
    Some(Held { document, texts: operators::texts(&part), exact: false })
}

/// The texts of a constant list; a NULL among them counts for nothing.
fn list(expr: &Expr) -> Option<Vec<String>> {
    let ScalarValue::List(list) = literal(expr)? else { return None };
    let texts = list.iter().next().flatten()?;
    Some(texts.as_string_opt::<i32>()?.iter().flatten().map(str::to_owned).collect())
}
