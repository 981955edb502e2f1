//! The operators of `jsonb` as calls of their functions, with the types that PostgreSQL gives to what has none.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::{DFSchema, Result as EngineResult, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::operators::{Operation, is_text};
use super::{Part, fault, is_jsonb, tagged};
use crate::error::{Error, Kind};
use crate::pgtype::array;
use crate::pgtype::jsonb::normalize;
use crate::pgtype::types::PgType;
use crate::table::provider::external;

/// Turns the operators into the functions.
#[derive(Debug)]
pub(super) struct Operators;

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> EngineResult<PlannerResult<RawBinaryExpr>> {
        let planned = match &expr.op {
            BinaryOperator::Arrow => part(expr, schema, false, false)?,
            BinaryOperator::LongArrow => part(expr, schema, true, false)?,
            // The parser takes the sign for a part of the operator, which no operator of PostgreSQL ends in.
            BinaryOperator::Custom(name) if name == "->-" => part(expr, schema, false, true)?,
            BinaryOperator::Custom(name) if name == "->>-" => part(expr, schema, true, true)?,
            BinaryOperator::AtArrow => return both(expr, schema, Operation::Contains),
            BinaryOperator::ArrowAt => return both(expr, schema, Operation::Contained),
            BinaryOperator::StringConcat => return both(expr, schema, Operation::Concat),
            BinaryOperator::Question => with_key(expr, schema)?,
            BinaryOperator::QuestionPipe => with_list(expr, schema, Operation::ExistsAny)?,
            BinaryOperator::QuestionAnd => with_list(expr, schema, Operation::ExistsAll)?,
            BinaryOperator::HashArrow => with_list(expr, schema, Operation::ExtractPath)?,
            BinaryOperator::HashLongArrow => with_list(expr, schema, Operation::ExtractPathText)?,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        Ok(PlannerResult::Planned(planned))
    }
}

/// `->` and `->>`.
fn part(expr: RawBinaryExpr, schema: &DFSchema, is_text_wanted: bool, negative: bool) -> EngineResult<Expr> {
    let RawBinaryExpr { left, right, op: _ } = expr;
    let op = if is_text_wanted { BinaryOperator::LongArrow } else { BinaryOperator::Arrow };
    let right = if negative { Expr::Negative(Box::new(right)) } else { right };
    let (_, document) = left.to_field(schema)?;
    let selector = typed(right, &DataType::Utf8);
    let (_, by) = selector.to_field(schema)?;
    let part = match (by.data_type(), is_text_wanted) {
        _ if !may_be_document(&left, &document) => None,
        (ty, false) if ty.is_integer() => Some(Part::Element),
        (ty, true) if ty.is_integer() => Some(Part::ElementText),
        (ty, false) if is_text(ty) => Some(Part::Field),
        (ty, true) if is_text(ty) => Some(Part::FieldText),
        _ => None,
    };
    match part {
        Some(part) => Ok(part.function().call(vec![left, selector])),
        None => Err(no_operator(&document, &op, &by)),
    }
}

/// An operator between two documents. `||` is also one of texts, `@>` and `<@` are also such of arrays.
fn both(expr: RawBinaryExpr, schema: &DFSchema, operation: Operation) -> EngineResult<PlannerResult<RawBinaryExpr>> {
    let sides = [(&expr.left, expr.left.to_field(schema)?.1), (&expr.right, expr.right.to_field(schema)?.1)];
    let is_array = sides.iter().any(|(_, field)| is_list(field.data_type()));
    let is_document = |(side, field): &(&Expr, FieldRef)| match operation {
        // A document without its tag is not told from a text, and beside a text it is one.
        Operation::Concat => is_jsonb(field) && !is_cast_to_text(side),
        _ => may_be_document(side, field),
    };
    let fits = sides.iter().any(is_document) && sides.iter().all(|side| is_document(side) || is_untyped(side.0));
    if fits {
        let arguments = vec![document(expr.left)?, document(expr.right)?];
        Ok(PlannerResult::Planned(operation.function().call(arguments)))
    } else if is_array || operation == Operation::Concat {
        Ok(PlannerResult::Original(expr))
    } else {
        Err(no_operator(&sides[0].1, &expr.op, &sides[1].1))
    }
}

/// `?`.
fn with_key(expr: RawBinaryExpr, schema: &DFSchema) -> EngineResult<Expr> {
    let key = typed(expr.right, &DataType::Utf8);
    let (_, document) = expr.left.to_field(schema)?;
    let (_, by) = key.to_field(schema)?;
    match may_be_document(&expr.left, &document) && is_text(by.data_type()) && !is_jsonb(&by) {
        true => Ok(Operation::Exists.function().call(vec![expr.left, key])),
        false => Err(no_operator(&document, &expr.op, &by)),
    }
}

/// An operator that takes a `text[]`.
fn with_list(expr: RawBinaryExpr, schema: &DFSchema, operation: Operation) -> EngineResult<Expr> {
    let list = list(typed(expr.right, &DataType::new_list(DataType::Utf8, true)))?;
    let (_, document) = expr.left.to_field(schema)?;
    let (_, by) = list.to_field(schema)?;
    let is_texts = match by.data_type() {
        DataType::List(element) | DataType::LargeList(element) => is_text(element.data_type()),
        ty => ty.is_null(),
    };
    match may_be_document(&expr.left, &document) && is_texts {
        true => Ok(operation.function().call(vec![expr.left, list])),
        false => Err(no_operator(&document, &expr.op, &by)),
    }
}

/// Whether an expression is a document, so far as its field tells. A constant or a column that is not tagged has a type
/// of its own; the engine loses the tag elsewhere.
fn may_be_document(expr: &Expr, field: &Field) -> bool {
    if is_cast_to_text(expr) {
        return false;
    }
    is_jsonb(field)
        || is_text(field.data_type())
            && !matches!(expr, Expr::Column(_) | Expr::Literal(..) | Expr::Cast(_) | Expr::Placeholder(_))
}

/// `document::text`: the engine gives a cast the tags of what is cast.
fn is_cast_to_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Cast(cast) if is_text(cast.field.data_type()) && !is_jsonb(&cast.field))
}

fn is_list(ty: &DataType) -> bool {
    matches!(ty, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
}

/// A constant or a parameter whose type only its place tells.
fn is_untyped(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, None) => matches!(value, ScalarValue::Utf8(_) | ScalarValue::Null),
        Expr::Placeholder(placeholder) => placeholder.field.is_none(),
        _ => false,
    }
}

/// An operand as a document.
fn document(expr: Expr) -> EngineResult<Expr> {
    let literal = |text: Option<String>| {
        let field = tagged(Field::new("", DataType::Utf8, true));
        Expr::Literal(ScalarValue::Utf8(text), Some(FieldMetadata::from(&field)))
    };
    match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)), None) => Ok(literal(Some(normalize(&text).map_err(fault)?))),
        Expr::Literal(value, None) if value.is_null() => Ok(literal(None)),
        expr => Ok(typed(expr, &DataType::Utf8)),
    }
}

/// An operand as a list of texts, if it is a constant: the engine reads no array out of a text.
fn list(expr: Expr) -> EngineResult<Expr> {
    let text = match &expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) => text,
        Expr::Cast(cast) if is_list(cast.field.data_type()) => match cast.expr.as_ref() {
            Expr::Literal(ScalarValue::Utf8(Some(text)), _) => text,
            _ => return Ok(expr),
        },
        _ => return Ok(expr),
    };
    let elements = array::parse(text).map_err(external)?.elements;
    let texts: Vec<ScalarValue> = elements.into_iter().map(ScalarValue::Utf8).collect();
    let list = ScalarValue::new_list_nullable(&texts, &DataType::Utf8);
    Ok(Expr::Literal(ScalarValue::List(list), None))
}

/// A parameter beside an operator of `jsonb` has this type unless it is cast.
fn typed(expr: Expr, ty: &DataType) -> Expr {
    match expr {
        Expr::Placeholder(mut placeholder) if placeholder.field.is_none() => {
            placeholder.field = Some(Arc::new(Field::new("", ty.clone(), true)));
            Expr::Placeholder(placeholder)
        }
        expr => expr,
    }
}

fn no_operator(left: &Field, op: &BinaryOperator, right: &Field) -> DataFusionError {
    let name = |field: &Field| match PgType::of(field) {
        Ok(ty) => ty.name().to_owned(),
        Err(_) => field.data_type().to_string(),
    };
    let message = format!("operator does not exist: {} {op} {}", name(left), name(right));
    external(
        Error::new(Kind::UndefinedFunction, message)
            .hint("No operator matches the given name and argument types. You might need to add explicit type casts."),
    )
}
