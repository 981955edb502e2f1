//! The virtual tables of schema `public` as plans: one projection for each source's table that has the shape, and all of
//! them together. The engine puts the plan where the name stands, so filters, projections and limits go into each branch
//! and end in the scans of the vendors' own tables.

mod definition;
mod extra;

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{TableProvider, default_table_source::provider_as_source};
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::{
    Column as Reference, DFSchema, Result as EngineResult, ScalarValue, TableReference, exec_err,
};
use datafusion::logical_expr::{
    ColumnarValue, EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility, case, cast, lit, when,
};

use crate::model::canonical::{Canonical, Shape, Take};
use crate::model::scan::Source;
use crate::model::table::{Column, From, Table, Type};

pub use definition::definition;

/// One vendor's table as a part of a virtual table.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Whose table.
    pub source: &'a Arc<Source>,
    /// Which table.
    pub table: &'static Table,
    canonical: Canonical,
}

/// The tables of the sources that have a shape, in the order of the sources.
pub fn parts<'a>(shape: &Shape, sources: &'a [Arc<Source>]) -> Vec<Part<'a>> {
    let of_source = |source: &'a Arc<Source>| {
        let connector = source.connector;
        connector.tables.iter().filter_map(move |table| {
            let canonical = table.canonical.filter(|canonical| canonical.shape == shape.name)?;
            Some(Part { source, table, canonical })
        })
    };
    sources.iter().flat_map(of_source).collect()
}

/// The virtual table. `provider` gives that of a part's own table; times are in `zone`.
///
/// # Errors
/// When a description names a column that its table lacks, or takes one that does not fit.
pub fn view(
    shape: &Shape,
    parts: &[Part<'_>],
    zone: &Arc<str>,
    provider: impl Fn(&Part<'_>) -> Arc<dyn TableProvider>,
) -> EngineResult<Arc<dyn TableProvider>> {
    let mut branches = parts.iter().map(|part| branch(shape, part, zone, provider(part)));
    let plan = match branches.next() {
        None => nothing(shape, zone)?,
        Some(first) => {
            let first = LogicalPlanBuilder::from(first?);
            branches.try_fold(first, |all, next| all.union(next?))?.build()?
        }
    };
    Ok(Arc::new(ViewTable::new(plan, None)))
}

/// No rows of the shape.
fn nothing(shape: &Shape, zone: &Arc<str>) -> EngineResult<LogicalPlan> {
    let fields: Vec<Field> = shape.columns.iter().map(|column| column.field(zone)).collect();
    let schema = DFSchema::from_unqualified_fields(fields.into(), std::collections::HashMap::new())?;
    Ok(LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: Arc::new(schema) }))
}

fn branch(
    shape: &Shape,
    part: &Part<'_>,
    zone: &Arc<str>,
    provider: Arc<dyn TableProvider>,
) -> EngineResult<LogicalPlan> {
    let name = TableReference::partial(part.source.name.as_str(), part.table.name);
    let scan = LogicalPlanBuilder::scan(name.clone(), provider_as_source(provider), None)?;
    let refer = |column: &str| Expr::Column(Reference::new(Some(name.clone()), column));
    let columns = shape.columns.iter().map(|column| {
        let take = part.canonical.columns.iter().find(|(own, _)| *own == column.name).map(|(_, take)| take);
        let value = match (column.name, take) {
            ("source", _) => lit(part.source.name.as_str()),
            ("extra", _) => rest(part, zone, refer),
            (_, Some(take)) => taken(part.table, column, take, zone, refer)?,
            (_, None) => null(column, zone),
        };
        Ok(value.alias(column.name))
    });
    scan.project(columns.collect::<EngineResult<Vec<Expr>>>()?)?.build()
}

/// NULL of a column's type, in PostgreSQL's sense of it.
fn null(column: &Column, zone: &Arc<str>) -> Expr {
    let field = column.field(zone);
    let value = ScalarValue::try_from(field.data_type()).unwrap_or(ScalarValue::Null);
    let metadata = Some(FieldMetadata::from(field.metadata().clone())).filter(|metadata| !metadata.is_empty());
    Expr::Literal(value, metadata)
}

fn taken(
    table: &Table,
    target: &Column,
    take: &Take,
    zone: &Arc<str>,
    refer: impl Fn(&str) -> Expr,
) -> EngineResult<Expr> {
    let Some(column) = table.column(take.column()) else {
        return exec_err!("table {} has no column {}", table.name, take.column());
    };
    let value = refer(column.name);
    Ok(match take {
        Take::Column(_) if column.ty == target.ty => value,
        Take::Column(_) => match (column.ty, target.ty) {
            (Type::Bigint, Type::Double) => cast(value, target.ty.arrow(zone)),
            (_, Type::Text) => as_text(column, value),
            (from, to) => return exec_err!("column {} is {}, not {}", column.name, from.name(), to.name()),
        },
        Take::Scaled(_, factor) => {
            let number = if column.ty == Type::Double { value } else { cast(value, DataType::Float64) };
            number * lit(*factor)
        }
        Take::Text(_) => as_text(column, value),
        Take::Words(_, pairs, other) => {
            let mut pairs = pairs.iter();
            let Some((word, canonical)) = pairs.next() else { return Ok(lit(*other)) };
            let mut words = case(as_text(column, value)).when(lit(*word), lit(*canonical));
            pairs.for_each(|(word, canonical)| {
                words = words.when(lit(*word), lit(*canonical));
            });
            words.otherwise(lit(*other))?
        }
        Take::IfNull(_, absent, present) => when(value.is_null(), lit(*absent)).otherwise(lit(*present))?,
    })
}

fn as_text(column: &Column, value: Expr) -> Expr {
    match column.ty {
        Type::Text => value,
        Type::Jsonb => ScalarUDF::new_from_impl(JsonbText::new()).call(vec![value]),
        _ => cast(value, DataType::Utf8),
    }
}

/// The columns of a vendor's table that no canonical column reads.
fn unread(table: &'static Table, canonical: &Canonical) -> impl Iterator<Item = &'static Column> {
    let takes = canonical.columns;
    table.columns.iter().filter(move |column| {
        column.from != From::FilterOnly && takes.iter().all(|(_, take)| take.column() != column.name)
    })
}

/// What the vendor has beyond the shape.
fn rest(part: &Part<'_>, zone: &Arc<str>, refer: impl Fn(&str) -> Expr) -> Expr {
    let columns: Vec<&Column> = unread(part.table, &part.canonical).collect();
    match columns.as_slice() {
        [] => null(&crate::model::table::extra(), zone),
        [only] if only.from == From::Rest => refer(only.name),
        columns => {
            let arguments = columns.iter().map(|column| refer(column.name)).collect();
            ScalarUDF::new_from_impl(extra::Extra::new(columns)).call(arguments)
        }
    }
}

/// A `jsonb` as `text`. The engine holds both in the same way, so a cast would come to nothing and leave the type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonbText {
    signature: Signature,
}

impl JsonbText {
    fn new() -> Self {
        JsonbText { signature: Signature::exact(vec![DataType::Utf8], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for JsonbText {
    fn name(&self) -> &'static str {
        "jsonb_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> EngineResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> EngineResult<FieldRef> {
        let nullable = arguments.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), DataType::Utf8, nullable)))
    }

    fn invoke_with_args(&self, mut arguments: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        match arguments.args.pop() {
            Some(value) => Ok(value),
            None => exec_err!("{} takes one argument", self.name()),
        }
    }
}

/// The arrays of a call.
fn arrays(arguments: &ScalarFunctionArgs) -> EngineResult<Vec<ArrayRef>> {
    let n_rows = arguments.number_rows;
    let arrays: Vec<ArrayRef> =
        arguments.args.iter().map(|value| value.to_array(n_rows)).collect::<EngineResult<_>>()?;
    debug_assert!(arrays.iter().all(|array| array.len() == n_rows), "arguments have one value a row");
    Ok(arrays)
}

#[cfg(test)]
mod tests;
