//! Finds the scans below a node whose keys are to be listed, and lets them wait for keys instead.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::physical_plan::{ExecutionPlan, replace_children_if_necessary};

use super::{KeysExec, flow};
use crate::model::scan::{KeySlot, Keys};
use crate::table::exec::ScanExec;

/// Who waits for the keys of one node.
#[derive(Debug, Default)]
pub(super) struct Sought {
    /// Takes all keys.
    pub(super) all: Option<Arc<KeySlot>>,
    /// Takes those that are UUIDs.
    pub(super) uuids: Option<Arc<KeySlot>>,
    /// How many scans wait.
    pub(super) scans: usize,
    /// Their tables, each once.
    pub(super) tables: Vec<String>,
}

impl Sought {
    fn slot(&mut self, uuids: bool) -> Arc<KeySlot> {
        let slot = if uuids { &mut self.uuids } else { &mut self.all };
        Arc::clone(slot.get_or_insert_default())
    }
}

/// Lets every scan below `plan` wait that would list the values of what is `plan`'s column at that position, and those
/// that find keys for such a scan keep to the keys that are wanted. None if there is none. What the plan gives for keys
/// that are not found is not defined.
pub(super) fn restrict(
    plan: &Arc<dyn ExecutionPlan>,
    column: usize,
    sought: &mut Sought,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(scan) = plan.downcast_ref::<ScanExec>() {
        let Some(lookup) = scan.listed(column) else { return Ok(None) };
        sought.scans += 1;
        let table = scan.name_of_table();
        if !sought.tables.contains(&table) {
            sought.tables.push(table);
        }
        return Ok(Some(scan.with_keys(&Keys::Awaited(sought.slot(lookup.uuid)))));
    }
    let mut children: Vec<_> = plan.children().into_iter().map(Arc::clone).collect();
    let mut is_changed = false;
    for (child, column) in flow::inputs(plan.as_ref(), column)? {
        if let Some(restricted) = restrict(&children[child], column, sought)? {
            children[child] = restricted;
            is_changed = true;
        }
    }
    let below = match is_changed {
        true => replace_children_if_necessary(Arc::clone(plan), children)?,
        false => Arc::clone(plan),
    };
    if let Some(keys) = below.downcast_ref::<KeysExec>()
        && keys.is_over(column)?
    {
        return Ok(Some(keys.within(sought.slot(false))));
    }
    Ok(is_changed.then_some(below))
}
