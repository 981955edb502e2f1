//! Queries over the catalogs, answered by the evaluator of [`crate::catalog`].

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::Statement;

use crate::error::{Error, Result};
use crate::session::Session;

/// Whether every relation of a statement is one of the catalogs.
pub(super) fn applies(_session: &Session, _statement: &Statement) -> bool {
    false
}

/// Parameter types and columns; `None` when the evaluator leaves the statement to the engine.
pub(super) fn describe(
    _session: &Session,
    _statement: &Statement,
    _n_parameters: usize,
    _declared: &[u32],
) -> Result<Option<(Vec<u32>, SchemaRef)>> {
    Ok(None)
}

/// The rows.
pub(super) fn run(
    _session: &Session,
    _statement: &Statement,
    _parameters: &[ScalarValue],
    _schema: &SchemaRef,
) -> Result<RecordBatch> {
    Err(Error::unsupported("a catalog query"))
}
