//! The scan of one virtual table as a plan node: reads batches through [`Fetch`], checks every filter on them, puts the
//! session's time zone on the times, and stops as soon as enough rows have passed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatchOptions};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result as EngineResult, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::sort_pushdown::SortOrderPushdownResult;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};

use crate::error::{Error, Result};
use crate::model::scan::{Batches, Fetch, Gaps, Keys, Order, Scan};
use crate::model::statement::{Notice, Statement};
use crate::model::table::{self, Fidelity};
use crate::table::branch::{Branches, Of};
use crate::table::place::place;
use crate::table::provider::external;
use crate::table::sampled::{first_rows, sampling};
use crate::table::shortcut;

/// Rows that are asked for at the least where their order matters: one row alone is always in order, so an upstream that
/// does not sort would not be found out.
const LEAST_ORDERED: usize = 20;

/// Rows that are asked for at the least where any will do and they are kept: what asks for one row soon asks for more.
const LEAST_KEPT: usize = 500;

/// Rows of a sample.
const SAMPLE: usize = 1_000;

/// What a conjunction of filters came to.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The scans whose rows together are the answer; none when no row can match.
    pub scans: Vec<Scan>,
    /// Those whose keys the source lists, without the lookback: so they are made if a join gives the keys.
    pub listed: Vec<Scan>,
    /// Whether upstream alone sends the rows that match, up to the precision of its time bounds.
    pub exact: bool,
    /// What to tell the client when the scan starts.
    pub notice: Option<Notice>,
    /// Rows that are enough.
    pub limit: Option<usize>,
    /// Each conjunct as SQL, with what became of it.
    pub conjuncts: Vec<(Fidelity, String)>,
    /// For each conjunct, whether it is checked on the rows that come.
    pub checked: Vec<bool>,
    /// Columns, and paths into them, that have a value in every row of the answer.
    pub not_null: Vec<(&'static str, Vec<String>)>,
}

impl Lookup {
    /// One for each of its scans. What there is to tell is told by the first.
    fn apart(&self) -> Vec<Lookup> {
        let listed = self.listed.iter().cloned().map(Some).chain(std::iter::repeat(None));
        let alone = |(index, (scan, listed)): (usize, (&Scan, Option<Scan>))| Lookup {
            scans: vec![scan.clone()],
            listed: listed.into_iter().collect(),
            notice: self.notice.clone().filter(|_| index == 0),
            ..self.clone()
        };
        self.scans.iter().zip(listed).enumerate().map(alone).collect()
    }
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
    order: Option<Order>,
    fetch: Arc<dyn Fetch>,
    branches: Option<Branches>,
    habits: Habits,
    /// Only the distinct values of some rows are wanted, and those of a few rows do.
    sampled: bool,
    properties: Arc<PlanProperties>,
}

/// How a session reads where the statement leaves it open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Habits {
    /// Rows are kept for the next statement, so a first page of more than the rows wanted saves a call.
    pub keeps: bool,
    /// A few rows do where any will.
    pub sample: bool,
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
        Ok(ScanExec {
            lookup,
            table_schema,
            projection,
            read,
            residual,
            order: None,
            fetch,
            branches: None,
            habits: Habits::default(),
            sampled: false,
            properties,
        })
    }

    /// Makes it a branch of a virtual table over all sources.
    #[must_use]
    pub(super) fn branch(mut self, branches: Option<Branches>) -> Self {
        self.branches = branches;
        self
    }

    /// Reads as the session wants where the statement leaves it open.
    #[must_use]
    pub(super) fn with_habits(mut self, habits: Habits) -> Self {
        self.habits = habits;
        self
    }

    /// The same scan of a few rows only, if the session wants that and nothing chooses among the rows.
    pub(super) fn sampled(&self) -> Option<ScanExec> {
        let any = self.habits.sample && self.lookup.conjuncts.is_empty() && self.order.is_none();
        any.then(|| ScanExec { sampled: true, ..self.clone() })
    }

    /// Whether a few rows are read instead of all or of as many as are wanted.
    fn is_sample(&self) -> bool {
        let is_limited = self.lookup.limit.is_some() && self.sampled().is_some();
        self.sampled || is_limited
    }

    /// Each of its scans by itself, if there are several and upstream serves the order of each.
    pub(super) fn apart(&self, order: &LexOrdering) -> Option<Vec<Arc<dyn ExecutionPlan>>> {
        if self.lookup.scans.len() < 2 {
            return None;
        }
        let alone: Vec<ScanExec> =
            self.lookup.apart().into_iter().map(|lookup| ScanExec { lookup, ..self.clone() }).collect();
        let [wanted] = order.iter().collect::<Vec<_>>()[..] else { return None };
        alone
            .iter()
            .all(|scan| scan.served(wanted).is_some())
            .then(|| alone.into_iter().map(|scan| Arc::new(scan) as Arc<dyn ExecutionPlan>).collect())
    }

    /// What the filters came to, for EXPLAIN.
    pub fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    /// The scans with everything that is known by now: projection, order, page size.
    pub fn scans(&self) -> Vec<Scan> {
        // Where rows are dropped here, a small page could bring too few of them and cost another call.
        let limit = self.lookup.limit.filter(|_| self.lookup.exact);
        let least = match self.order {
            Some(_) => LEAST_ORDERED,
            None if self.habits.keeps && self.lookup.conjuncts.is_empty() => LEAST_KEPT,
            None => 0,
        };
        let sample = self.is_sample();
        let limit = if sample { Some(SAMPLE) } else { limit.map(|limit| limit.max(least)) };
        let rechecked = self.lookup.checked.iter().all(|checked| *checked);
        let complete = |scan: &Scan| Scan {
            projection: self.read.clone(),
            limit,
            order: self.order.clone(),
            rechecked,
            sample,
            ..scan.clone()
        };
        self.lookup.scans.iter().map(complete).collect()
    }

    /// The lookup column, if it is the output column at this position and its values are to be listed by the source. None
    /// where only some of all rows are wanted, whichever come first.
    pub fn listed(&self, output: usize) -> Option<table::Lookup> {
        if self.lookup.limit.is_some() {
            return None;
        }
        let table = self.lookup.listed.first()?.table;
        let column = table.columns.get(*self.projection.get(output)?)?;
        table.lookup.filter(|lookup| lookup.column == column.name)
    }

    /// `source.table`; empty if nothing is read.
    pub fn name_of_table(&self) -> String {
        let scan = self.lookup.scans.first().or(self.lookup.listed.first());
        scan.map(|scan| format!("{}.{}", scan.source.name, scan.table.name)).unwrap_or_default()
    }

    /// The same scan, keys from elsewhere. It reads as far back as they lead.
    pub fn with_keys(&self, keys: &Keys) -> Arc<dyn ExecutionPlan> {
        let mut keyed = self.clone();
        keyed.lookup.notice = None;
        keyed.lookup.scans = std::mem::take(&mut keyed.lookup.listed);
        keyed.lookup.scans.iter_mut().for_each(|scan| scan.keys = keys.clone());
        Arc::new(keyed)
    }

    /// How long the first call would wait for the quota now.
    pub fn wait(&self, user: &str) -> Duration {
        let source = self.lookup.scans.first().map(|scan| &scan.source);
        source.map_or(Duration::ZERO, |source| self.fetch.wait(source, user))
    }

    /// How many rows are held that answer all of it without a call.
    pub fn held(&self, statement: &Statement) -> Option<usize> {
        self.scans().iter().map(|scan| self.fetch.held(scan, statement)).sum()
    }

    /// For each of its scans the rows that are held of it, and the scans that read the rest.
    pub fn parts(&self, statement: &Statement) -> Vec<Gaps> {
        let alone = |scan| Gaps { held: 0, scans: vec![scan], calls: None, unfiltered: false };
        let part = |scan: Scan| self.fetch.gaps(&scan, statement).unwrap_or_else(|| alone(scan));
        self.scans().into_iter().map(part).collect()
    }

    /// The order in which the rows come, if one was wanted.
    pub fn order(&self) -> Option<&Order> {
        self.order.as_ref()
    }

    fn batches(&self, statement: Arc<Statement>) -> Batches {
        let scans = self.scans();
        let branch = self.branches.clone().zip(scans.first()).map(|(branches, scan)| {
            let (source, table) = (scan.source.name.clone(), scan.table.name);
            let waits_for_keys = matches!(scan.keys, Keys::Awaited(_));
            (branches, Of { statement: Arc::clone(&statement), source, table }, waits_for_keys)
        });
        let fetch = Arc::clone(&self.fetch);
        let batches = stream::iter(scans).flat_map(move |scan| begin(fetch.as_ref(), scan, &statement)).boxed();
        let batches = if self.is_sample() { first_rows(batches) } else { batches };
        match branch {
            Some((branches, of, waits_for_keys)) => branches.follow(batches, of, waits_for_keys),
            None => batches,
        }
    }

    /// The order that upstream serves and that is the one wanted, also for rows without a value.
    fn served(&self, wanted: &PhysicalSortExpr) -> Option<Order> {
        let [scan] = self.lookup.scans.as_slice() else { return None };
        // Rows come key by key.
        if matches!(scan.keys, Keys::Awaited(_) | Keys::Listed) {
            return None;
        }
        let (output, path) = place(&wanted.expr)?;
        let column = scan.table.columns.get(*self.projection.get(output)?)?;
        let fits = |sort: &&table::Sort| match (sort.under, path.as_slice()) {
            (None, []) => true,
            (Some(suffix), [_, rest @ ..]) => rest.iter().eq(suffix),
            _ => false,
        };
        let sort = scan.table.sorts.iter().filter(|sort| sort.column == column.name).find(fits)?;
        // Where upstream puts rows without a value is not told.
        let nullable = column.nullable || !path.is_empty();
        if nullable && !self.lookup.not_null.iter().any(|(name, own)| *name == column.name && *own == path) {
            return None;
        }
        let descending = wanted.options.descending;
        let order = Order { column: sort.column, path, parameter: sort.parameter, descending };
        (descending || !sort.only_descending).then_some(order)
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
        let [wanted] = order else { return Ok(SortOrderPushdownResult::Unsupported) };
        let Some(served) = self.served(wanted) else { return Ok(SortOrderPushdownResult::Unsupported) };
        let mut sorted = self.clone();
        let mut equivalences = EquivalenceProperties::new(self.schema());
        equivalences.add_ordering([wanted.clone()]);
        sorted.properties = properties(equivalences);
        sorted.order = Some(served);
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
        if self.is_sample() && !self.lookup.scans.is_empty() {
            statement.notice(sampling(&self.name_of_table()));
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
            residual: self.residual.as_ref().map(shortcut::filter).transpose()?.flatten().or(self.residual.clone()),
            remaining: self.lookup.limit,
        };
        let rows = stream::try_unfold((self.batches(statement), finish), next_rows);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// Starts a scan. Where the part of the plan that finds its keys ended before it had all, so does the scan: rows of some
/// keys must not pass for those of all.
fn begin(fetch: &dyn Fetch, scan: Scan, statement: &Arc<Statement>) -> Batches {
    let Keys::Awaited(slot) = &scan.keys else { return fetch.fetch(scan, Arc::clone(statement)) };
    let slot = Arc::clone(slot);
    let batches = fetch.fetch(scan, Arc::clone(statement));
    let found = async move {
        slot.wait().await;
        match slot.is_abandoned() {
            true => Err(Error::internal("what finds the keys of a scan ended before the scan")),
            false => Ok(batches),
        }
    };
    stream::once(found).try_flatten().boxed()
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
