//! LIKE, ILIKE and SIMILAR TO.

use datafusion::sql::sqlparser::ast;

use super::super::Analyzer;
use super::super::expr::Context;
use super::super::typed::Typed;
use crate::error::{Error, Result};
use crate::function::coerce::{Category, category};
use crate::function::datum::Datum;
use crate::pgtype::types::PgType;

impl Analyzer<'_> {
    /// LIKE and ILIKE.
    #[expect(clippy::too_many_arguments, reason = "each is a part of the one form")]
    pub(in crate::sql::analyze) fn like(
        &self,
        context: &Context<'_>,
        subject: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::ValueWithSpan>,
        negated: bool,
        any: bool,
        ignore_case: bool,
    ) -> Result<Typed> {
        if any {
            return Err(Error::unsupported("LIKE ANY of a list").hint("Use LIKE ANY (ARRAY[…])."));
        }
        let subject = self.expr(context, subject)?.placed_at(subject);
        let mut pattern = self.expr(context, pattern)?;
        if let Some(escape) = escape {
            let escape = self.literal(escape)?;
            pattern = self.by_name("like_escape", vec![pattern, escape])?;
        }
        let symbol = match (negated, ignore_case) {
            (false, false) => "~~",
            (true, false) => "!~~",
            (false, true) => "~~*",
            (true, true) => "!~~*",
        };
        self.matches(symbol, subject, pattern)
    }

    /// A match with a pattern, by the operator's symbol.
    pub(in crate::sql::analyze) fn matches(&self, symbol: &str, subject: Typed, pattern: Typed) -> Result<Typed> {
        let is_like = matches!(symbol, "~~" | "!~~");
        let ends_open = |text: &str| (text.len() - text.trim_end_matches('\\').len()) % 2 == 1;
        let is_text = category(subject.ty) == Category::String && subject.ty != PgType::Bpchar;
        if is_like
            && is_text
            && subject.value.is_none()
            && let Some(Datum::Text(text)) = &pattern.value
            && !ends_open(text)
        {
            // The engine's own LIKE is the same, and scans can tell upstream of it.
            let (subject, pattern) = (self.implicit(subject, PgType::Text)?, self.implicit(pattern, PgType::Text)?);
            let (subject, pattern) = (Box::new(subject.expr), Box::new(pattern.expr));
            let like = datafusion::logical_expr::expr::Like::new(symbol == "!~~", subject, pattern, None, false);
            return Ok(Typed::new(datafusion::logical_expr::Expr::Like(like), PgType::Bool));
        }
        self.operate(symbol, subject, pattern)
    }

    /// SIMILAR TO.
    pub(in crate::sql::analyze) fn similar(
        &self,
        context: &Context<'_>,
        subject: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::ValueWithSpan>,
        negated: bool,
    ) -> Result<Typed> {
        let subject = self.expr(context, subject)?.placed_at(subject);
        let mut args = vec![self.expr(context, pattern)?];
        if let Some(escape) = escape {
            args.push(self.literal(escape)?);
        }
        let pattern = self.by_name("similar_to_escape", args)?;
        self.operate(if negated { "!~" } else { "~" }, subject, pattern)
    }
}
