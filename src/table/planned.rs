//! For tests: what of a statement's WHERE clause reaches a table provider once the engine has planned it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{MemTable, Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::model::table::Table;
use crate::upstream::spanlens;

/// `spanlens.requests`.
pub(super) fn requests() -> &'static Table {
    &spanlens::CONNECTOR.tables[0]
}

/// An engine with the table `requests`, times in one zone.
pub(super) struct Planned {
    context: SessionContext,
    table: &'static Table,
    recorder: Arc<Recorder>,
    pub(super) zone: Tz,
}

/// A provider that remembers the filters of its last scan.
#[derive(Debug)]
struct Recorder {
    rows: MemTable,
    filters: Mutex<Vec<Expr>>,
}

#[async_trait]
impl TableProvider for Recorder {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        *self.filters.lock().expect("no panic under this lock") = filters.to_vec();
        self.rows.scan(state, projection, &[], None).await
    }
}

impl Planned {
    /// Makes an engine over these rows of `requests`.
    pub(super) fn new(zone: &str, rows: impl FnOnce(SchemaRef) -> RecordBatch) -> Self {
        Planned::over(requests(), zone, rows)
    }

    /// Makes an engine over these rows of a table.
    pub(super) fn over(table: &'static Table, zone: &str, rows: impl FnOnce(SchemaRef) -> RecordBatch) -> Self {
        let mut config = SessionConfig::new().with_target_partitions(1);
        config = config.set_str("datafusion.sql_parser.dialect", "PostgreSQL");
        config = config.set_str("datafusion.execution.time_zone", zone);
        let mut context = SessionContext::new_with_config(config);
        crate::sql::functions::json::register(&mut context).expect("a session takes functions");
        let schema = table.schema(&Arc::from(zone));
        let rows = MemTable::try_new(Arc::clone(&schema), vec![vec![rows(schema)]]).expect("rows of the schema");
        let recorder = Arc::new(Recorder { rows, filters: Mutex::default() });
        context.register_table(table.name, Arc::clone(&recorder) as _).expect("a new name");
        Planned { context, table, recorder, zone: zone.parse().expect("a zone") }
    }

    /// The conjuncts that reach the provider; none if the engine sees that no row can match.
    pub(super) async fn filters(&self, condition: &str) -> Result<Option<Vec<Expr>>> {
        self.recorder.filters.lock().expect("no panic under this lock").clear();
        let frame = self.context.sql(&format!("SELECT * FROM {} WHERE {condition}", self.table.name)).await?;
        let plan = frame.into_optimized_plan()?;
        if matches!(plan, LogicalPlan::EmptyRelation(_)) {
            return Ok(None);
        }
        self.context.state().create_physical_plan(&plan).await?;
        Ok(Some(self.recorder.filters.lock().expect("no panic under this lock").clone()))
    }

    /// The conjuncts as they are written, with their types settled but before any rule of the optimizer.
    pub(super) async fn written(&self, condition: &str) -> Result<Vec<Expr>> {
        let state = self.context.state();
        let plan = state.create_logical_plan(&format!("SELECT * FROM {} WHERE {condition}", self.table.name)).await?;
        let plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})?;
        let mut found = Vec::new();
        let mut open = vec![&plan];
        while let Some(node) = open.pop() {
            if let LogicalPlan::Filter(filter) = node {
                found.extend(split_conjunction(&filter.predicate).into_iter().cloned());
            }
            open.extend(node.inputs());
        }
        Ok(found)
    }

    /// The values of `id` in the rows that match.
    pub(super) async fn ids(&self, condition: &str) -> Result<Vec<String>> {
        let frame = self.context.sql(&format!("SELECT id FROM {} WHERE {condition}", self.table.name)).await?;
        let mut ids = Vec::new();
        for batch in frame.collect().await? {
            let column = datafusion::common::cast::as_string_array(batch.column(0))?;
            ids.extend(column.iter().flatten().map(str::to_owned));
        }
        Ok(ids)
    }
}
