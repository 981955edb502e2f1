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
use datafusion::common::{DFSchema, Result as EngineResult, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType, utils::conjunction};
use datafusion::physical_plan::ExecutionPlan;

use crate::error::Error;
use crate::model::scan::{Fetch, Keys, Range, Scan, Source, iso_micros};
use crate::model::statement::{Notice, Severity};
use crate::model::table::{Fidelity, From, Switch, Table};
use crate::sql::timezone::Zone;
use crate::table::branch::Branches;
use crate::table::exec::{Habits, Lookup, ScanExec};
use crate::table::{predicate, translate};

/// What of a session's settings a scan obeys.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The session's TimeZone.
    pub zone: Zone,
    /// `spanwire.lookback`, if set.
    pub lookback: Option<Duration>,
    /// Rows that are read are kept for the next statement, unless `spanwire.cache` is off.
    pub keeps: bool,
    /// `spanwire.sample`: a few rows do where any will.
    pub sample: bool,
    /// `spanwire.pushdown`: off sends nothing but the time range of the lookback.
    pub pushdown: bool,
    /// `<source>.<switch>` settings that are on.
    pub switches: Vec<(String, String)>,
}

/// One virtual table in one session.
#[derive(Debug)]
pub struct Provider {
    source: Arc<Source>,
    table: &'static Table,
    schema: SchemaRef,
    fetch: Arc<dyn Fetch>,
    settings: Settings,
    /// It is read as a part of a virtual table over all sources.
    branches: Option<Branches>,
}

impl Provider {
    /// Makes the provider of a source's table.
    pub fn new(source: Arc<Source>, table: &'static Table, fetch: Arc<dyn Fetch>, settings: Settings) -> Self {
        let schema = table.schema(&settings.zone.name());
        Provider { source, table, schema, fetch, settings, branches: None }
    }

    /// Makes its scans branches of a virtual table.
    #[must_use]
    pub fn branch(mut self, branches: &Branches) -> Self {
        self.branches = Some(branches.clone());
        self
    }

    /// The scans that answer a conjunction of filters, and how well upstream serves each of these.
    fn lookup(&self, filters: &[Expr], limit: Option<usize>) -> Result<Lookup, Error> {
        let tz = self.settings.zone.tz();
        let reads: Vec<_> = filters.iter().map(|filter| predicate::read(self.table, tz, filter)).collect();
        let each = self.table.each.map_or(&[][..], |each| self.source.setting(each.setting));
        let mut translation = translate::translate(self.table, each, &reads)?;
        if !self.settings.pushdown {
            self.withhold(&mut translation);
        }
        let by_key = translation.scans.iter().any(|scan| matches!(scan.keys, Keys::Known(_)));
        let (range, notice) = if by_key { (translation.range, None) } else { self.bounded(translation.range) };
        let is_listed = translation.scans.iter().any(|scan| matches!(scan.keys, Keys::Listed));
        let notice = if is_listed { self.listing(range, notice) } else { notice };
        let switches = self.switches();
        let widened = switches.iter().any(|switch| switch.widens);
        let asked = translation.range;
        let scans = translation.scans.into_iter().map(|parameters| Scan {
            filters: parameters.filters,
            any: parameters.any,
            range: asked,
            echoes: parameters.echoes,
            projection: Vec::new(),
            switches: switches.iter().map(|switch| switch.name).collect(),
            widened,
            keys: parameters.keys,
            ..Scan::of(&self.source, self.table)
        });
        let mut scans: Vec<Scan> = scans.filter(|_| !asked.is_empty()).collect();
        let listed = scans.iter().filter(|scan| matches!(scan.keys, Keys::Listed)).cloned().collect();
        scans.retain(|_| !range.is_empty());
        scans.iter_mut().for_each(|scan| scan.range = range);
        let checked = reads.iter().zip(&translation.fidelity).map(|(read, fidelity)| {
            // What upstream does not return cannot be checked, and is sent whole; where a switch adds rows that the
            // filters do not describe, those that were sent choose other rows.
            !(read.columns.iter().any(|name| self.is_hidden(name)) || widened && *fidelity != Fidelity::Local)
        });
        let checked = checked.collect();
        let conjuncts = filters.iter().map(crate::sql::display::expression);
        let conjuncts = translation.fidelity.into_iter().zip(conjuncts).collect();
        let exact = translation.exact && !widened;
        Ok(Lookup { scans, listed, exact, notice, limit, conjuncts, checked, not_null: translation.not_null })
    }

    fn is_hidden(&self, name: &str) -> bool {
        self.table.column(name).is_some_and(|column| column.from == From::FilterOnly)
    }

    /// The switches of the table that the session has on.
    fn switches(&self) -> Vec<&'static Switch> {
        let is_on = |switch: &&Switch| {
            self.settings.switches.iter().any(|(source, name)| *source == self.source.name && name == switch.name)
        };
        self.table.switches.iter().filter(is_on).collect()
    }

    /// Takes back what need not be sent. A filter-only column has no rows to check here, so it is sent all the same.
    fn withhold(&self, translation: &mut translate::Translation) {
        // Without values of the setting its column is filtered like any other.
        let each = self.table.each.filter(|each| !self.source.setting(each.setting).is_empty());
        let needed = |parameter: &str| {
            let mut columns = self.table.columns.iter().filter(|column| column.from == From::FilterOnly);
            columns.any(|column| column.push.iter().any(|push| push.parameter == parameter))
                || each.is_some_and(|each| each.parameter == parameter)
        };
        for scan in &mut translation.scans {
            scan.filters.retain(|filter| needed(filter.parameter));
            scan.any = false;
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

    /// Tells which keys are asked for, where the source lists them: with the notice of the lookback if there is one.
    fn listing(&self, range: Range, lookback: Option<Notice>) -> Option<Notice> {
        let (lookup, from) = self.table.lookup.zip(range.from)?;
        let reach = match Duration::from_micros(lookup.reach_us.unsigned_abs()) {
            Duration::ZERO => String::new(),
            reach => format!(", {} before the lower bound", crate::sql::display::span(reach)),
        };
        let from = iso_micros(from.saturating_sub(lookup.reach_us));
        let (source, table, list, column) = (&self.source.name, self.table.name, lookup.list, lookup.column);
        let keys = format!("those that {source}.{list} lists from {from}{reach}");
        let told = format!("{source}.{table} is read by \"{column}\", one call for each: {keys}");
        Some(match lookback {
            Some(notice) => {
                let detail = notice.detail.unwrap_or_default();
                Notice { detail: Some(format!("{detail} {told}.")), ..notice }
            }
            None => Notice { severity: Severity::Notice, message: told, detail: None, hint: None },
        })
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
        // Where a filter over a virtual table meets a constant of a branch, nothing of the rows is left in it: the engine
        // folds it where it stands, and drops the branch if it is false.
        let one = |filter: &&Expr| match filter.column_refs().is_empty() {
            true => TableProviderFilterPushDown::Unsupported,
            false => TableProviderFilterPushDown::Exact,
        };
        Ok(filters.iter().map(one).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let filters: Vec<Expr> = filters.iter().filter(|filter| !is_true(filter)).cloned().collect();
        let lookup = self.lookup(&filters, limit).map_err(external)?;
        let checked = filters.iter().zip(&lookup.checked).filter(|(_, checked)| **checked);
        let residual = match conjunction(checked.map(|(filter, _)| filter.clone())) {
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
        let habits = Habits { keeps: self.settings.keeps, sample: self.settings.sample };
        Ok(Arc::new(exec.branch(self.branches.clone()).with_habits(habits)))
    }
}

/// Whether a filter has been folded to nothing.
fn is_true(filter: &Expr) -> bool {
    matches!(filter, Expr::Literal(ScalarValue::Boolean(Some(true)), _))
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
