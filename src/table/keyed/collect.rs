//! The node on the side of a join that drives the other: passes its rows on and gives their distinct keys at the end.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{Distribution, Partitioning, PhysicalExpr, PhysicalExprRef};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::expressions::Column;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, InputDistributionRequirements, PlanProperties,
};
use futures::{StreamExt, stream};

use super::flow;
use super::restrict::Sought;
use crate::model::push::is_uuid;
use crate::model::scan::KeySlot;

/// Bytes of memory that a key takes beside its text: the string, its place in the set, what the allocator adds.
const KEY_BYTES: usize = 64;

/// Passes rows on and gives the distinct keys in them, NULL left out, once all have come.
#[derive(Clone, Debug)]
pub struct KeysExec {
    input: Arc<dyn ExecutionPlan>,
    key: PhysicalExprRef,
    sought: Arc<Sought>,
    /// Other keys are of no use, for what lies above drops the rows of all but these. They are given earlier.
    within: Option<Arc<KeySlot>>,
    properties: Arc<PlanProperties>,
}

impl KeysExec {
    /// Puts the node upon `input`. `key` is over its columns and some type of text.
    pub(super) fn wrap(input: &Arc<dyn ExecutionPlan>, key: PhysicalExprRef, sought: Sought) -> Arc<dyn ExecutionPlan> {
        let mut input = Arc::clone(input);
        if input.output_partitioning().partition_count() > 1 {
            input = Arc::new(CoalescePartitionsExec::new(input));
        }
        let properties = properties(&input);
        Arc::new(KeysExec { input, key, sought: Arc::new(sought), within: None, properties })
    }

    /// Whether the keys are the values of this column, and not yet kept to others.
    pub(super) fn is_over(&self, column: usize) -> Result<bool> {
        Ok(self.within.is_none() && flow::column(&self.key, &self.input.schema())? == Some(column))
    }

    /// The same node, of whose keys only those count that `slot` holds by then.
    pub(super) fn within(&self, slot: Arc<KeySlot>) -> Arc<dyn ExecutionPlan> {
        Arc::new(KeysExec { within: Some(slot), ..self.clone() })
    }
}

/// All keys are given at once, so all rows pass through one stream.
fn properties(input: &Arc<dyn ExecutionPlan>) -> Arc<PlanProperties> {
    let own = input.properties();
    match own.output_partitioning().partition_count() {
        1 => Arc::clone(own),
        _ => Arc::new(own.as_ref().clone().with_partitioning(Partitioning::UnknownPartitioning(1))),
    }
}

impl DisplayAs for KeysExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.downcast_ref::<Column>() {
            Some(column) => write!(f, "Keys: distinct {}", column.name())?,
            None => write!(f, "Keys: distinct {}", self.key)?,
        }
        match self.sought.tables.is_empty() {
            true => Ok(()),
            false => write!(f, ", for {}", self.sought.tables.join(", ")),
        }
    }
}

impl ExecutionPlan for KeysExec {
    fn name(&self) -> &'static str {
        "KeysExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        f(&self.key)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop() else { return internal_err!("keys come from one input") };
        let properties = properties(&input);
        Ok(Arc::new(KeysExec { input, properties, ..self.as_ref().clone() }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("keys come in one partition");
        }
        let collection = Collection {
            input: self.input.execute(0, Arc::clone(&context))?,
            key: Arc::clone(&self.key),
            sought: Arc::clone(&self.sought),
            within: self.within.clone(),
            found: HashSet::new(),
            memory: MemoryConsumer::new("Keys").register(context.memory_pool()),
        };
        let rows = stream::try_unfold(collection, Collection::next);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.input.schema(), rows)))
    }
}

/// Keys that are being collected.
struct Collection {
    input: SendableRecordBatchStream,
    key: PhysicalExprRef,
    sought: Arc<Sought>,
    within: Option<Arc<KeySlot>>,
    found: HashSet<String>,
    memory: MemoryReservation,
}

impl Drop for Collection {
    /// Without effect once the keys are given. Before that, whoever waits for them would wait for ever.
    fn drop(&mut self) {
        self.slots().for_each(|slot| slot.abandon());
    }
}

impl Collection {
    fn slots(&self) -> impl Iterator<Item = &Arc<KeySlot>> {
        self.sought.all.iter().chain(&self.sought.uuids)
    }

    async fn next(mut self) -> Result<Option<(RecordBatch, Self)>> {
        match self.input.next().await {
            Some(batch) => {
                let batch = batch?;
                self.add(&batch)?;
                Ok(Some((batch, self)))
            }
            None => {
                self.give().await?;
                Ok(None)
            }
        }
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let values = self.key.evaluate(batch)?.into_array(batch.num_rows())?;
        let texts = cast(&values, &DataType::Utf8)?;
        let copies = self.slots().count();
        for text in texts.as_string::<i32>().iter().flatten() {
            if !self.found.contains(text) {
                self.memory.try_grow((text.len() + KEY_BYTES) * copies)?;
                self.found.insert(text.to_owned());
            }
        }
        Ok(())
    }

    async fn give(&mut self) -> Result<()> {
        let mut keys: Vec<String> = self.found.drain().collect();
        if let Some(slot) = &self.within {
            let wanted: HashSet<&str> = slot.wait().await.iter().map(String::as_str).collect();
            if slot.is_abandoned() {
                return internal_err!("the keys among which these count were not found");
            }
            keys.retain(|key| wanted.contains(key.as_str()));
        }
        keys.sort_unstable();
        let memory = Arc::new(self.memory.take());
        self.slots().for_each(|slot| slot.keep(Arc::clone(&memory)));
        if let Some(slot) = &self.sought.uuids {
            slot.give(keys.iter().filter(|key| is_uuid(key)).cloned().collect());
        }
        if let Some(slot) = &self.sought.all {
            slot.give(keys);
        }
        Ok(())
    }
}
