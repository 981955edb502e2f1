//! Constants and parameters.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast::{Value, ValueWithSpan};

use super::Analyzer;
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::numeric::Numeric;
use crate::pgtype::types::PgType;

impl Analyzer<'_> {
    /// A constant as it is written.
    pub(super) fn literal(&self, value: &ValueWithSpan) -> Result<Typed> {
        let place = value.span.start;
        let typed = match &value.value {
            Value::Number(text, _) => number(self, text)?,
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) | Value::UnicodeStringLiteral(text) => {
                self.unknown(Some(text))
            }
            Value::DollarQuotedString(quoted) => self.unknown(Some(&quoted.value)),
            Value::Boolean(truth) => self.constant(PgType::Bool, Datum::Bool(*truth))?,
            Value::Null => self.unknown(None),
            Value::Placeholder(name) => self.placeholder(name).map_err(|error| self.at(error, place))?,
            Value::NationalStringLiteral(text) => Typed { ty: PgType::Bpchar, ..self.text(text) },
            Value::SingleQuotedByteStringLiteral(_) | Value::HexStringLiteral(_) => {
                return Err(self.at(Error::unsupported("a bit string"), place));
            }
            other => {
                return Err(self.at(Error::new(Kind::Syntax, format!("syntax error at or near \"{other}\"")), place));
            }
        };
        Ok(typed.placed(place))
    }

    /// A literal whose type its surroundings give.
    pub(super) fn unknown(&self, text: Option<&str>) -> Typed {
        let value = text.map_or(Datum::Null, Datum::text);
        let expr = Expr::Literal(ScalarValue::Utf8(text.map(str::to_owned)), None);
        Typed { value: Some(value), ..Typed::new(expr, PgType::Unknown) }
    }

    fn placeholder(&self, name: &str) -> Result<Typed> {
        let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
        let missing = || Error::new(Kind::UndefinedParameter, format!("there is no parameter {name}"));
        let index =
            number.and_then(|number| number.checked_sub(1)).filter(|index| *index < 65_535).ok_or_else(missing)?;
        let mut parameters = self.parameters.borrow_mut();
        if parameters.len() <= index {
            if self.values.is_some() {
                return Err(missing());
            }
            parameters.resize(index + 1, None);
        }
        let Some(ty) = parameters[index].filter(|ty| *ty != PgType::Unknown) else {
            let expr = Expr::Literal(ScalarValue::Utf8(None), None);
            return Ok(Typed { parameter: Some(index), ..Typed::new(expr, PgType::Unknown) });
        };
        drop(parameters);
        self.parameter(index, ty)
    }

    /// A parameter whose type is known: its value, or, before there are values, an unknown one of that type.
    pub(super) fn parameter(&self, index: usize, ty: PgType) -> Result<Typed> {
        match &self.values {
            Some(values) => {
                let value = values.get(index).cloned();
                let missing = || Error::new(Kind::UndefinedParameter, format!("there is no parameter ${}", index + 1));
                self.constant(ty, value.ok_or_else(missing)?)
            }
            None => {
                let id = format!("${}", index + 1);
                let field = std::sync::Arc::new(crate::sql::values::field("", ty, self.zone()));
                let placeholder = datafusion::logical_expr::expr::Placeholder::new_with_field(id, Some(field));
                Ok(Typed::new(Expr::Placeholder(placeholder), ty))
            }
        }
    }
}

/// An integer of the smallest of `integer` and `bigint` that holds it, else a `numeric`.
fn number(analyzer: &Analyzer<'_>, text: &str) -> Result<Typed> {
    if let Ok(small) = text.parse::<i32>() {
        return analyzer.constant(PgType::Int4, Datum::Int4(small));
    }
    if let Ok(large) = text.parse::<i64>() {
        return analyzer.constant(PgType::Int8, Datum::Int8(large));
    }
    analyzer.constant(PgType::Numeric, Datum::Numeric(Numeric::parse(text)?))
}
