//! What a query gives: its plan, and the columns as their names and types.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::logical_expr::LogicalPlan;

use super::typed::Typed;
use crate::model::table::{PG_FIELDS, PG_ORIGIN, PG_TYPMOD};
use crate::pgtype::types::PgType;
use crate::sql::values::field;

/// A column as the client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its name; not unique.
    pub name: String,
    /// Its type.
    pub ty: PgType,
    /// The type's modifier, -1 for none.
    pub typmod: i32,
    /// The column of a relation that it is, if it is one.
    pub origin: Option<ColumnOrigin>,
    /// The types of its fields, if it is a row of which they are known.
    pub fields: Option<Arc<[PgType]>>,
}

/// A column of a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnOrigin {
    /// The relation (`pg_class.oid`).
    pub relation: u32,
    /// The column (`pg_attribute.attnum`).
    pub attnum: i16,
}

/// An analyzed query.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    /// Its columns are `columns`, in that order, and no others.
    pub(super) plan: LogicalPlan,
    pub(super) outputs: Vec<Output>,
    /// The plan's columns.
    pub(super) columns: Vec<Typed>,
    /// For each column the literal without a type that it is, if it is one; in the plan it is text.
    pub(super) literals: Vec<Option<Typed>>,
}

/// The columns of a result as the client sees them.
pub fn shown_schema(outputs: &[Output], zone: &str) -> SchemaRef {
    let fields = outputs.iter().map(|output| {
        let mut shown = field(&output.name, output.ty, zone);
        if output.typmod >= 0 {
            shown.metadata_mut().insert(PG_TYPMOD.to_owned(), output.typmod.to_string());
        }
        if let Some(fields) = &output.fields {
            let oids: Vec<String> = fields.iter().map(|ty| ty.oid().to_string()).collect();
            shown.metadata_mut().insert(PG_FIELDS.to_owned(), oids.join(" "));
        }
        if let Some(ColumnOrigin { relation, attnum }) = output.origin {
            shown.metadata_mut().insert(PG_ORIGIN.to_owned(), format!("{relation} {attnum}"));
        }
        shown
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
