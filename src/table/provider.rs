//! A virtual table as a DataFusion table provider. One lives per session and table, because the columns of time carry
//! the session's time zone.
//!
//! Every filter that reaches the scan is claimed exact: the scan itself checks all of them again on the rows that come,
//! so LIMIT and ORDER BY always reach it, and it alone decides what of them upstream may be told.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, Result as EngineResult};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType, utils::conjunction};
use datafusion::physical_plan::ExecutionPlan;

use crate::error::Error;
use crate::model::scan::{Fetch, Range, Scan, Source};
use crate::model::statement::{Notice, Severity};
use crate::model::table::{Fidelity, From, Table};
use crate::sql::timezone::Zone;
use crate::table::exec::{Lookup, ScanExec};
use crate::table::{predicate, translate};

/// What of a session's settings a scan obeys.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The session's TimeZone.
    pub zone: Zone,
    /// `spanwire.lookback`, if set.
    pub lookback: Option<Duration>,
    /// `spanwire.pushdown`: off sends nothing but the time range of the lookback.
    pub pushdown: bool,
}

/// One virtual table in one session.
#[derive(Debug)]
pub struct Provider {
    source: Arc<Source>,
    table: &'static Table,
    schema: SchemaRef,
    fetch: Arc<dyn Fetch>,
    settings: Settings,
}

impl Provider {
    /// Makes the provider of a source's table.
    pub fn new(source: Arc<Source>, table: &'static Table, fetch: Arc<dyn Fetch>, settings: Settings) -> Self {
        let schema = table.schema(&settings.zone.name());
        Provider { source, table, schema, fetch, settings }
    }

    /// The scans that answer a conjunction of filters, and how well upstream serves each of these.
    fn lookup(&self, filters: &[Expr], limit: Option<usize>) -> Result<Lookup, Error> {
        let tz = self.settings.zone.tz();
        let reads: Vec<_> = filters.iter().map(|filter| predicate::read(self.table, tz, filter)).collect();
        let mut translation = translate::translate(self.table, &reads)?;
        if !self.settings.pushdown {
            self.withhold(&mut translation);
        }
        let (range, notice) = self.bounded(translation.range);
        let scans = translation.scans.into_iter().filter(|_| !range.is_empty()).map(|parameters| Scan {
            source: Arc::clone(&self.source),
            table: self.table,
            parameters: parameters.parameters,
            range,
            echoes: parameters.echoes,
            projection: Vec::new(),
            limit: None,
            newest_first: false,
        });
        let scans = scans.collect();
        let conjuncts = filters.iter().map(crate::sql::display::expression);
        let conjuncts = translation.fidelity.into_iter().zip(conjuncts).collect();
        Ok(Lookup { scans, exact: translation.exact, notice, limit, conjuncts })
    }

    /// Takes back what need not be sent. A filter-only column has no rows to check here, so it is sent all the same.
    fn withhold(&self, translation: &mut translate::Translation) {
        let hidden = |parameter: &str| {
            let mut columns = self.table.columns.iter().filter(|column| column.from == From::FilterOnly);
            columns.any(|column| column.push.iter().any(|push| push.parameter == parameter))
        };
        for scan in &mut translation.scans {
            scan.parameters.retain(|(parameter, _)| hidden(parameter));
        }
        translation.range = Range::default();
        translation.exact = translation.fidelity.is_empty();
        translation.fidelity.fill(Fidelity::Local);
    }

    /// The range to read: as asked, or back to the lookback where the query gives no lower bound.
    fn bounded(&self, range: Range) -> (Range, Option<Notice>) {
        if self.table.time.is_none() || range.from.is_some() {
            return (range, None);
        }
        let lookback = self.settings.lookback.unwrap_or(self.source.lookback);
        let lookback_us = i64::try_from(lookback.as_micros()).unwrap_or(i64::MAX);
        let anchor = Utc::now().timestamp_micros();
        let from = anchor.saturating_sub(lookback_us);
        let text = crate::sql::display::span(lookback);
        let (source, table) = (&self.source.name, self.table.name);
        let notice = Notice {
            severity: Severity::Notice,
            message: format!("{source}.{table} is read back to {text} ago"),
            detail: Some(format!(
                "The statement gives no lower bound on \"{}\", so the lookback of the source applies.",
                self.table.time.unwrap_or_default()
            )),
            hint: Some("Add a lower bound to WHERE, or SET spanwire.lookback.".to_owned()),
        };
        (Range { from: Some(from), to: range.to }, Some(notice))
    }
}

#[async_trait::async_trait]
impl TableProvider for Provider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> EngineResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let lookup = self.lookup(filters, limit).map_err(external)?;
        let residual = match conjunction(filters.iter().cloned()) {
            Some(filter) => {
                let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
                let unqualified = unqualify(filter)?;
                Some(state.create_physical_expr(unqualified, &schema)?)
            }
            None => None,
        };
        let projection = match projection {
            Some(projection) => projection.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let exec = ScanExec::new(lookup, Arc::clone(&self.schema), projection, residual, Arc::clone(&self.fetch))
            .map_err(external)?;
        Ok(Arc::new(exec))
    }
}

/// Drops the table names from column references: the physical filter knows one table only.
fn unqualify(filter: Expr) -> EngineResult<Expr> {
    use datafusion::common::Column;
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let unqualified = filter.transform(|expr| match expr {
        Expr::Column(column) if column.relation.is_some() => {
            Ok(Transformed::yes(Expr::Column(Column::new_unqualified(column.name))))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(unqualified.data)
}

/// Carries an error of ours through the engine unharmed.
pub(crate) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
