//! An expression with its PostgreSQL type.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::tokenizer::Location;

use super::Analyzer;
use crate::error::Result;
use crate::function::datum::Datum;
use crate::pgtype::types::PgType;
use crate::sql::scalar::{self, Body, Declaration};
use crate::sql::values;

/// An expression whose type is known. [`PgType::Unknown`] are literals and parameters that nothing has given one yet.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    /// What the engine computes.
    pub(super) expr: Expr,
    pub(super) ty: PgType,
    pub(super) typmod: i32,
    /// Its value, if it is a constant.
    pub(super) value: Option<Datum<'static>>,
    /// Which parameter it is, if its type is still open.
    pub(super) parameter: Option<usize>,
    /// Where it stands in the text.
    pub(super) place: Location,
    /// Names and types of the fields of a row.
    pub(super) fields: Option<Arc<Vec<(String, Typed)>>>,
}

impl Typed {
    /// An expression of a type.
    pub(super) fn new(expr: Expr, ty: PgType) -> Self {
        Typed { expr, ty, typmod: -1, value: None, parameter: None, place: Location::empty(), fields: None }
    }

    pub(super) fn with_typmod(self, typmod: i32) -> Self {
        Typed { typmod, ..self }
    }

    pub(super) fn placed(self, place: Location) -> Self {
        Typed { place, ..self }
    }

    /// Whether it is the constant NULL.
    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Some(Datum::Null))
    }

    /// The text of a literal without a type.
    pub(super) fn unknown_text(&self) -> Option<&str> {
        match (&self.ty, &self.value) {
            (PgType::Unknown, Some(Datum::Text(text))) => Some(text),
            _ => None,
        }
    }
}

impl Analyzer<'_> {
    /// A constant.
    pub(super) fn constant(&self, ty: PgType, value: Datum<'static>) -> Result<Typed> {
        let expr = match ty {
            PgType::Unknown => Expr::Literal(ScalarValue::Utf8(None), None),
            ty => Expr::Literal(values::scalar(ty, &value, self.zone())?, None),
        };
        Ok(Typed { value: Some(value), ..Typed::new(expr, ty) })
    }

    /// A text constant.
    pub(super) fn text(&self, text: &str) -> Typed {
        let expr = Expr::Literal(ScalarValue::Utf8(Some(text.to_owned())), None);
        Typed { value: Some(Datum::text(text)), ..Typed::new(expr, PgType::Text) }
    }

    /// A call of a function of values. One of constants is computed at once, unless that fails: then whoever gets to it
    /// gets the error.
    pub(super) fn row_call(&self, declaration: Declaration, body: Body, args: Vec<Typed>) -> Result<Typed> {
        let result = declaration.result;
        if !declaration.volatile && args.iter().all(|arg| arg.value.is_some()) {
            let values: Vec<Datum<'static>> = args.iter().filter_map(|arg| arg.value.clone()).collect();
            if declaration.strict && values.iter().any(Datum::is_null) {
                return self.constant(result, Datum::Null);
            }
            if let Ok(value) = body(&values, self.style()) {
                return self.constant(result, value.into_owned());
            }
        }
        let args = args.into_iter().map(|arg| arg.expr).collect();
        Ok(Typed::new(scalar::call(declaration, body, self.style(), self.zone(), args), result))
    }

    /// A call of a function with one name for all its uses.
    pub(super) fn named_call(
        &self,
        name: &str,
        result: PgType,
        args: Vec<Typed>,
        body: impl for<'a> Fn(&[Datum<'a>], &crate::pgtype::style::Style) -> Result<Datum<'a>> + Send + Sync + 'static,
    ) -> Result<Typed> {
        let declaration = Declaration {
            name: name.to_owned(),
            args: args.iter().map(|arg| arg.ty).collect(),
            result,
            strict: true,
            volatile: false,
            tag: String::new(),
        };
        self.row_call(declaration, Arc::new(body), args)
    }
}
