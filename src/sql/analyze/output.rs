//! What a query gives: its plan, and the columns as their names and types.

use datafusion::logical_expr::LogicalPlan;

use super::typed::Typed;
use crate::pgtype::types::PgType;

/// A column as the client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its name; not unique.
    pub name: String,
    /// Its type.
    pub ty: PgType,
    /// The type's modifier, -1 for none.
    pub typmod: i32,
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
