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
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use datafusion::sql::sqlparser::ast;

use crate::model::statement::Statement;
use crate::model::table::Table;
use crate::pgtype::style::Style;
use crate::pgtype::zone::Zone;
use crate::sql::analyze::{Environment, Targets, analyze};
use crate::sql::facts::Facts;
use crate::sql::relations::Relations;
use crate::sql::scalar::external;
use crate::upstream::spanlens;

/// `spanlens.requests`.
pub(super) fn requests() -> &'static Table {
    &spanlens::CONNECTOR.tables[0]
}

/// An engine with the table `requests`, times in one zone.
pub(super) struct Planned {
    context: SessionContext,
    environment: Environment,
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
        config = config.set_str("datafusion.execution.time_zone", zone);
        let context = SessionContext::new_with_config(config);
        let schema = table.schema(&Arc::from(zone));
        let rows = MemTable::try_new(Arc::clone(&schema), vec![vec![rows(schema)]]).expect("rows of the schema");
        let recorder = Arc::new(Recorder { rows, filters: Mutex::default() });
        let name = ("public".to_owned(), table.name.to_owned());
        let environment = Environment {
            relations: Relations {
                database: "d".to_owned(),
                search_path: vec!["public".to_owned()],
                tables: vec![name.clone()],
                oids: Arc::default(),
            },
            tables: Arc::new([(name, Arc::clone(&recorder) as Arc<dyn TableProvider>)].into()),
            style: Arc::new(Style { timezone: named(zone), ..Style::default() }),
            zone: Arc::from(zone),
            facts: Facts {
                user: "u".to_owned(),
                database: "d".to_owned(),
                schema: None,
                version: "v".to_owned(),
                backend_pid: 1,
            },
            now: Statement::now_micros(),
            started: Statement::now_micros(),
            settings: Arc::default(),
        };
        Planned { context, environment, table, recorder, zone: zone.parse().expect("a zone") }
    }

    /// The plan of a SELECT, as it is written.
    fn plan(&self, columns: &str, condition: &str) -> Result<LogicalPlan> {
        let sql = format!("SELECT {columns} FROM {} WHERE {condition}", self.table.name);
        let statement = crate::sql::parse::statements(&sql).map_err(external)?.pop();
        let Some(ast::Statement::Query(query)) = statement else { panic!("{sql} is no query") };
        Ok(analyze(&self.environment, &query, &sql, &[], None, &Targets::default()).map_err(external)?.plan)
    }

    /// The conjuncts that reach the provider; none if the engine sees that no row can match.
    pub(super) async fn filters(&self, condition: &str) -> Result<Option<Vec<Expr>>> {
        self.recorder.filters.lock().expect("no panic under this lock").clear();
        let state = self.context.state();
        let plan = state.optimize(&self.plan("*", condition)?)?;
        if matches!(plan, LogicalPlan::EmptyRelation(_)) {
            return Ok(None);
        }
        state.query_planner().create_physical_plan(&plan, &state).await?;
        Ok(Some(self.recorder.filters.lock().expect("no panic under this lock").clone()))
    }

    /// The conjuncts as they are written, with their types settled but before any rule of the optimizer.
    pub(super) fn written(&self, condition: &str) -> Result<Vec<Expr>> {
        let plan = self.plan("*", condition)?;
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
        let frame = DataFrame::new(self.context.state(), self.plan("id", condition)?);
        let mut ids = Vec::new();
        for batch in frame.collect().await? {
            let column = datafusion::common::cast::as_string_array(batch.column(0))?;
            ids.extend(column.iter().flatten().map(str::to_owned));
        }
        Ok(ids)
    }
}

/// A zone by its name, or by `+hh:mm` east of Greenwich.
fn named(zone: &str) -> Zone {
    let zone = match zone.starts_with(['+', '-']) {
        true => Zone::parse(&format!("INTERVAL '{zone}'")),
        false => Zone::parse(zone),
    };
    zone.expect("a zone")
}
