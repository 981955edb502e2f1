//! EXPLAIN of a planned query.

use std::sync::Arc;
use std::time::Instant;

use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use serde_json::{Map, Value, json};

use crate::error::{Error, Kind, Result};
use crate::model::statement::Statement;
use crate::pgtype::types::PgType;
use crate::session::Session;
use crate::session::command::ExplainOptions;
use crate::session::prepared::Work;
use crate::sql::engine::Plan;
use crate::sql::estimate::Estimate;
use crate::sql::explain;
use crate::sql::values::field;

/// The one column.
pub(super) fn schema(options: ExplainOptions) -> SchemaRef {
    let ty = if options.json { PgType::Json } else { PgType::Text };
    Arc::new(Schema::new(vec![field("QUERY PLAN", ty, "UTC")]))
}

/// EXPLAIN of a query over the catalogs.
pub(super) fn of_catalogs(options: ExplainOptions) -> Result<RecordBatch> {
    let line = "Result from the catalogs: no upstream call";
    let estimate = Estimate::of_rows(1, &Schema::empty());
    if options.json {
        let mut node = Map::from_iter([("Node Type".to_owned(), Value::from(line))]);
        if options.costs {
            explain::add_costs(&mut node, &estimate);
        }
        return document(options, &json!([{ "Plan": node }]));
    }
    batch(options, vec![if options.costs { format!("{line}{}", estimate.text()) } else { line.to_owned() }])
}

fn document(options: ExplainOptions, document: &Value) -> Result<RecordBatch> {
    let text = serde_json::to_string_pretty(document).map_err(|error| Error::internal(error.to_string()))?;
    batch(options, vec![text])
}

fn batch(options: ExplainOptions, lines: Vec<String>) -> Result<RecordBatch> {
    let column = Arc::new(StringArray::from(lines)) as ArrayRef;
    RecordBatch::try_new(schema(options), vec![column]).map_err(|error| Error::internal(error.to_string()))
}

impl Session {
    pub(super) async fn explain(
        &mut self,
        plan: &Plan,
        options: ExplainOptions,
        parameters: Vec<ScalarValue>,
        statement: &Arc<Statement>,
    ) -> Result<RecordBatch> {
        let view = self.view()?;
        let physical = self.gateway.engine.physical(&view, plan, parameters.clone(), statement).await?;
        let begun = Instant::now();
        let mut lines = explain::lines(physical.as_ref(), statement, options.costs);
        let mut document_of = json!({ "Plan": explain::tree(physical.as_ref(), statement, options.costs) });
        if options.analyze {
            let mut rows = self.gateway.engine.run(&view, plan, parameters, statement).await?;
            let mut n_rows = 0;
            while let Some(batch) = rows.next().await {
                n_rows += batch?.num_rows() as u64;
            }
            let ledger = explain::ledger(statement, n_rows, begun.elapsed());
            document_of["Actual Rows"] = n_rows.into();
            document_of["Execution Time"] = (begun.elapsed().as_secs_f64() * 1e3).into();
            document_of["Scans"] = ledger.clone().into();
            lines.extend(ledger);
        }
        if options.json { document(options, &json!([document_of])) } else { batch(options, lines) }
    }
}

/// The lines of EXPLAIN for a text, for the command line.
///
/// # Errors
/// What is wrong with the text, or that it is not one query.
pub async fn explain_text(session: &mut Session, sql: &str) -> Result<Vec<String>> {
    let mut parsed = session.parse(sql)?;
    let (Some(one), true) = (parsed.pop(), parsed.is_empty()) else {
        return Err(Error::new(Kind::Syntax, "give one statement"));
    };
    let prepared = session.prepare(one, &[]).await?;
    let statement = session.statement();
    match &prepared.work {
        Work::Query(plan) | Work::Explain { plan, .. } => {
            let view = session.view()?;
            let physical = session.gateway.engine.physical(&view, plan, Vec::new(), &statement).await?;
            Ok(explain::lines(physical.as_ref(), &statement, false))
        }
        _ => Ok(vec!["No upstream call.".to_owned()]),
    }
}
