//! Unrolls lists in batches of bounded size.
//!
//! The engine's own operator makes one batch of all that a batch unrolls to: a text of 200 KB beside its 30,000 words is
//! 6 GB, and more than the offsets of a column can count. Here a row's list may go over several batches.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result as EngineResult;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};

use crate::error::Error;
use crate::table::provider::external;

/// Rows of a batch at the most.
const BATCH_ROWS: usize = 8192;
/// Bytes after which a batch is full.
const BATCH_BYTES: usize = 16 << 20;

/// Puts this in the place of the engine's operator.
///
/// # Errors
/// Never, unless the engine cannot walk its plan.
pub fn bounded(plan: Arc<dyn ExecutionPlan>) -> EngineResult<Arc<dyn ExecutionPlan>> {
    let walked = plan.transform_up(|node| {
        let Some(unnest) = node.downcast_ref::<UnnestExec>() else { return Ok(Transformed::no(node)) };
        let lists = unnest.list_column_indices();
        if lists.iter().any(|list| list.depth != 1) || !unnest.struct_column_indices().is_empty() {
            return Ok(Transformed::no(node));
        }
        let exec = UnrollExec {
            lists: lists.iter().map(|list| list.index_in_input_schema).collect(),
            keeps_null: unnest.options().preserve_nulls(),
            input: Arc::clone(unnest.input()),
            properties: Arc::clone(unnest.properties()),
        };
        Ok(Transformed::yes(Arc::new(exec) as Arc<dyn ExecutionPlan>))
    })?;
    Ok(walked.data)
}

/// One row for each element of the longest of some lists; the other columns are repeated.
#[derive(Debug)]
struct UnrollExec {
    /// The columns that are lists; their elements stand in their places.
    lists: Vec<usize>,
    /// Lists of which all are NULL make one row.
    keeps_null: bool,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl DisplayAs for UnrollExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unroll")
    }
}

impl ExecutionPlan for UnrollExec {
    fn name(&self) -> &'static str {
        "UnrollExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> EngineResult<TreeNodeRecursion>,
    ) -> EngineResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let input = children.pop().unwrap_or_else(|| Arc::clone(&self.input));
        let (lists, properties) = (self.lists.clone(), Arc::clone(&self.properties));
        Ok(Arc::new(UnrollExec { lists, keeps_null: self.keeps_null, input, properties }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> EngineResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let (schema, lists, keeps_null) = (self.schema(), self.lists.clone(), self.keeps_null);
        let out = Arc::clone(&schema);
        let batches = input.map_ok(move |batch| {
            let rest = Unrolling::new(batch, &lists, keeps_null);
            stream::try_unfold((rest, Arc::clone(&out)), |(rest, out)| async move {
                let mut rest = rest?;
                let next = rest.next(&out)?;
                Ok(next.map(|batch| (batch, (Ok(rest), out))))
            })
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches.try_flatten().boxed())))
    }
}

/// A batch that is unrolled in part.
struct Unrolling {
    batch: RecordBatch,
    /// For each column whether it is a list.
    is_list: Vec<bool>,
    keeps_null: bool,
    /// The row, and how many of the rows that it makes are made.
    row: usize,
    at: usize,
}

impl Unrolling {
    fn new(batch: RecordBatch, lists: &[usize], keeps_null: bool) -> EngineResult<Self> {
        let is_list: Vec<bool> = (0..batch.num_columns()).map(|column| lists.contains(&column)).collect();
        let mut columns = batch.columns().iter().zip(&is_list);
        if columns.any(|(column, is_list)| *is_list && !matches!(column.data_type(), DataType::List(_))) {
            return Err(external(Error::internal("what is unrolled is no list")));
        }
        Ok(Unrolling { batch, is_list, keeps_null, row: 0, at: 0 })
    }

    /// How many rows a row makes.
    fn length(&self, row: usize) -> usize {
        let lists = self.batch.columns().iter().zip(&self.is_list).filter(|(_, is_list)| **is_list);
        let lists = lists.map(|(column, _)| column.as_list::<i32>());
        let lengths = lists.map(|list| match list.is_null(row) {
            true => usize::from(self.keeps_null),
            false => usize::try_from(list.value_length(row)).unwrap_or(0),
        });
        lengths.max().unwrap_or(0)
    }

    /// Bytes that each row made of a row takes, about.
    fn width(&self, row: usize) -> usize {
        let columns = self.batch.columns().iter().zip(&self.is_list);
        columns.map(|(column, is_list)| if *is_list { 16 } else { bytes(column, row) }).sum()
    }

    /// The next rows; `None` when there are no more.
    fn next(&mut self, schema: &SchemaRef) -> EngineResult<Option<RecordBatch>> {
        let (mut n_bytes, mut rows) = (0, Vec::new());
        // For each list the place of each row's element.
        let mut elements: Vec<Vec<Option<u32>>> = vec![Vec::new(); self.is_list.len()];
        while self.row < self.batch.num_rows() && rows.len() < BATCH_ROWS && n_bytes < BATCH_BYTES {
            let left = self.length(self.row) - self.at;
            let width = self.width(self.row).max(1);
            let fits = (BATCH_BYTES - n_bytes).div_ceil(width).min(BATCH_ROWS - rows.len());
            let n = left.min(fits);
            let row = u32::try_from(self.row).map_err(|_| external(Error::internal("a batch of too many rows")))?;
            rows.extend(std::iter::repeat_n(row, n));
            for (column, places) in self
                .batch
                .columns()
                .iter()
                .zip(&mut elements)
                .zip(&self.is_list)
                .filter_map(|(pair, is_list)| is_list.then_some(pair))
            {
                let list = column.as_list::<i32>();
                let (start, end) = match list.is_null(self.row) {
                    true => (0, 0),
                    false => (list.value_offsets()[self.row], list.value_offsets()[self.row + 1]),
                };
                let place = |at: usize| {
                    let place = i64::from(start) + i64::try_from(at).ok()?;
                    (place < i64::from(end)).then(|| u32::try_from(place).ok()).flatten()
                };
                places.extend((self.at..self.at + n).map(place));
            }
            n_bytes += n * width;
            self.at += n;
            if n == left {
                (self.row, self.at) = (self.row + 1, 0);
            }
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let rows = UInt32Array::from(rows);
        let columns = self.batch.columns().iter().zip(elements).zip(&self.is_list);
        let columns = columns.map(|((column, places), is_list)| match is_list {
            true => take(column.as_list::<i32>().values(), &UInt32Array::from(places), None),
            false => take(column, &rows, None),
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>, _>>()?;
        Ok(Some(RecordBatch::try_new(Arc::clone(schema), columns)?))
    }
}

/// Bytes of a value, about.
fn bytes(array: &ArrayRef, row: usize) -> usize {
    let span = |offsets: &[i32]| usize::try_from(offsets[row + 1] - offsets[row]).unwrap_or(0);
    match array.data_type() {
        DataType::Utf8 => span(array.as_string::<i32>().value_offsets()),
        DataType::Binary => span(array.as_binary::<i32>().value_offsets()),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let each = list.values().get_array_memory_size() / list.values().len().max(1);
            span(list.value_offsets()) * each
        }
        _ => 16,
    }
}
