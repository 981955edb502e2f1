//! The scan of one virtual table as a plan node: reads batches through [`Fetch`], checks every filter on them, puts the
//! session's time zone on the times, and stops as soon as enough rows have passed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatchOptions};
use datafusion::arrow::compute::{SortOptions, filter_record_batch};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result as EngineResult, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::expressions::Column;
use datafusion::physical_plan::sort_pushdown::SortOrderPushdownResult;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, stream};

use crate::error::{Error, Result};
use crate::model::scan::{Batches, Fetch, Scan};
use crate::model::statement::{Notice, Statement};
use crate::model::table::Fidelity;
use crate::table::provider::external;

/// Rows that are asked for at the least where their order matters: one row alone is always in order, so an upstream that
/// does not sort would not be found out.
const LEAST_ORDERED: usize = 20;

/// What a conjunction of filters came to.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The scans whose rows together are the answer; none when no row can match.
    pub scans: Vec<Scan>,
    /// Whether upstream alone sends the rows that match, up to the precision of its time bounds.
    pub exact: bool,
    /// What to tell the client when the scan starts.
    pub notice: Option<Notice>,
    /// Rows that are enough.
    pub limit: Option<usize>,
    /// Each conjunct as SQL, with what became of it.
    pub conjuncts: Vec<(Fidelity, String)>,
}

/// The scan of one virtual table.
#[derive(Clone, Debug)]
pub struct ScanExec {
    lookup: Lookup,
    /// All columns of the table, times in the session's zone.
    table_schema: SchemaRef,
    /// Positions of the output columns in the table.
    projection: Vec<usize>,
    /// Positions that are read: the output columns and those that the filter looks at, ascending.
    read: Vec<usize>,
    /// The filter over the columns that are read.
    residual: Option<Arc<dyn PhysicalExpr>>,
    newest_first: bool,
    fetch: Arc<dyn Fetch>,
    properties: Arc<PlanProperties>,
}

impl ScanExec {
    /// Makes the node. `residual` is over the columns of `table_schema`.
    ///
    /// # Errors
    /// When the filter names a column that the table lacks.
    pub fn new(
        lookup: Lookup,
        table_schema: SchemaRef,
        projection: Vec<usize>,
        residual: Option<Arc<dyn PhysicalExpr>>,
        fetch: Arc<dyn Fetch>,
    ) -> Result<Self> {
        let mut read = projection.clone();
        read.extend(residual.iter().flat_map(collect_columns).map(|column| column.index()));
        read.sort_unstable();
        read.dedup();
        let read_schema = project(&table_schema, &read)?;
        let residual = residual
            .map(|filter| reassign_expr_columns(filter, &read_schema))
            .transpose()
            .map_err(|error| Error::internal(error.to_string()))?;
        let output = project(&table_schema, &projection)?;
        let properties = properties(EquivalenceProperties::new(output));
        Ok(ScanExec { lookup, table_schema, projection, read, residual, newest_first: false, fetch, properties })
    }

    /// What the filters came to, for EXPLAIN.
    pub fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    /// The scans with everything that is known by now: projection, order, page size.
    pub fn scans(&self) -> Vec<Scan> {
        // Where rows are dropped here, a small page could bring too few of them and cost another call.
        let limit = self.lookup.limit.filter(|_| self.lookup.exact);
        let limit = limit.map(|limit| if self.newest_first { limit.max(LEAST_ORDERED) } else { limit });
        let complete = |scan: &Scan| Scan {
            projection: self.read.clone(),
            limit,
            newest_first: self.newest_first,
            ..scan.clone()
        };
        self.lookup.scans.iter().map(complete).collect()
    }

    /// How long the first call would wait for the quota now.
    pub fn wait(&self, user: &str) -> Duration {
        let source = self.lookup.scans.first().map(|scan| &scan.source);
        source.map_or(Duration::ZERO, |source| self.fetch.wait(source, user))
    }

    /// Whether the rows come newest first.
    pub fn newest_first(&self) -> bool {
        self.newest_first
    }

    fn time_ordering(&self) -> Option<LexOrdering> {
        let table = self.lookup.scans.first()?.table;
        let position = table.time_position()?;
        let output = self.projection.iter().position(|&column| column == position)?;
        let column = Column::new(table.columns[position].name, output);
        // The time of a row is never NULL, so where NULLs go does not matter; PostgreSQL's default is named.
        LexOrdering::new([PhysicalSortExpr::new(Arc::new(column), SortOptions { descending: true, nulls_first: true })])
    }
}

fn properties(equivalences: EquivalenceProperties) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        equivalences,
        Partitioning::UnknownPartitioning(1),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ))
}

fn project(schema: &SchemaRef, positions: &[usize]) -> Result<SchemaRef> {
    let projected = schema.project(positions).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Arc::new(projected))
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lookup.scans.first() {
            Some(scan) => write!(f, "Scan on {}.{}", scan.source.name, scan.table.name),
            None => f.write_str("Scan on nothing: the filters exclude every row"),
        }
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &'static str {
        "ScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> EngineResult<TreeNodeRecursion>,
    ) -> EngineResult<TreeNodeRecursion> {
        match &self.residual {
            Some(filter) => f(filter),
            None => Ok(TreeNodeRecursion::Continue),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("a scan has no children") }
    }

    /// A leaf that claims limit pushdown loses OFFSET, hence false; the limit comes by `with_fetch`.
    fn supports_limit_pushdown(&self) -> bool {
        false
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        let mut limited = self.clone();
        limited.lookup.limit = limit;
        Some(Arc::new(limited))
    }

    fn fetch(&self) -> Option<usize> {
        self.lookup.limit
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
    ) -> EngineResult<SortOrderPushdownResult<Arc<dyn ExecutionPlan>>> {
        let served = self.time_ordering().filter(|ordering| {
            let [wanted] = order else { return false };
            wanted.options.descending && wanted.expr.eq(&ordering.first().expr) && self.lookup.scans.len() == 1
        });
        let Some(ordering) = served else { return Ok(SortOrderPushdownResult::Unsupported) };
        let mut sorted = self.clone();
        let mut equivalences = EquivalenceProperties::new(self.schema());
        equivalences.add_ordering(ordering);
        sorted.properties = properties(equivalences);
        sorted.newest_first = true;
        Ok(SortOrderPushdownResult::Exact { inner: Arc::new(sorted) })
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> EngineResult<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("a scan has one partition");
        }
        let Some(statement) = context.session_config().get_extension::<Statement>() else {
            return internal_err!("a scan runs within a statement");
        };
        if let Some(notice) = self.lookup.notice.clone().filter(|_| !self.lookup.scans.is_empty()) {
            statement.notice(notice);
        }
        let finish = Finish {
            read_schema: project(&self.table_schema, &self.read).map_err(external)?,
            output: self.schema(),
            output_positions: self
                .projection
                .iter()
                .map(|column| self.read.binary_search(column))
                .collect::<Result<_, _>>()
                .or_else(|_| internal_err!("an output column is not read"))?,
            residual: self.residual.clone(),
            remaining: self.lookup.limit,
        };
        let fetch = Arc::clone(&self.fetch);
        let scans = stream::iter(self.scans());
        let batches = scans.flat_map(move |scan| fetch.fetch(scan, Arc::clone(&statement)));
        let rows = stream::try_unfold((batches.boxed(), finish), next_rows);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// The next batch of which a row passed. Asks for nothing more once there are enough: the next poll could be a call.
async fn next_rows(
    (mut batches, mut finish): (Batches, Finish),
) -> EngineResult<Option<(RecordBatch, (Batches, Finish))>> {
    while finish.remaining != Some(0) {
        let Some(batch) = batches.next().await else { break };
        let passed = finish.batch(&batch.map_err(external)?)?;
        if passed.num_rows() > 0 {
            return Ok(Some((passed, (batches, finish))));
        }
    }
    Ok(None)
}

/// What turns a batch from upstream into one of the scan's output.
struct Finish {
    read_schema: SchemaRef,
    output: SchemaRef,
    output_positions: Vec<usize>,
    residual: Option<Arc<dyn PhysicalExpr>>,
    remaining: Option<usize>,
}

impl Finish {
    fn batch(&mut self, batch: &RecordBatch) -> EngineResult<RecordBatch> {
        let zoned = zoned(batch, &self.read_schema)?;
        let passed = match &self.residual {
            Some(filter) => {
                let truth = filter.evaluate(&zoned)?.into_array(zoned.num_rows())?;
                filter_record_batch(&zoned, truth.as_boolean())?
            }
            None => zoned,
        };
        let enough = self.remaining.map_or(passed.num_rows(), |remaining| remaining.min(passed.num_rows()));
        if let Some(remaining) = &mut self.remaining {
            *remaining -= enough;
        }
        let passed = passed.slice(0, enough);
        let columns = self.output_positions.iter().map(|&position| Arc::clone(passed.column(position))).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(passed.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.output), columns, &options)?)
    }
}

/// Puts the session's time zone on the time columns; the instants stay as they are.
fn zoned(batch: &RecordBatch, schema: &Arc<Schema>) -> EngineResult<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| match field.data_type() {
        DataType::Timestamp(_, zone) if column.data_type() != field.data_type() => {
            let times = column.as_primitive::<TimestampMicrosecondType>().clone();
            Arc::new(times.with_timezone_opt(zone.clone())) as ArrayRef
        }
        _ => Arc::clone(column),
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect(), &options)?)
}
