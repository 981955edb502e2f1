//! Which columns of a table are read for a scan, and where what is needed of them stands.

use crate::model::scan::Scan;

/// What is read of each row: the projection, and what paging needs.
#[derive(Debug)]
pub(super) struct Slots {
    /// Positions in the table, ascending.
    pub(super) columns: Vec<usize>,
    /// Positions of the projection among these.
    pub(super) shown: Vec<usize>,
    pub(super) time: Option<usize>,
    pub(super) key: Option<Vec<usize>>,
    /// Of the column that gives the order.
    pub(super) order: Option<usize>,
    /// Of the column by whose value rows are asked for.
    pub(super) lookup: Option<usize>,
}

impl Slots {
    pub(super) fn new(scan: &Scan) -> Self {
        let table = scan.table;
        let (time, order) = (table.time_position(), scan.order.as_ref());
        // What rows have in common with those of other answers only matters where upstream sends more than was asked for.
        let identity = || table.identity_positions().filter(|_| scan.widened);
        let key = table.key_positions().or_else(identity);
        let order = order.and_then(|order| table.position(order.column));
        let lookup = table.lookup.and_then(|lookup| table.position(lookup.column));
        let own = key.iter().flatten().copied().chain(order).chain(lookup);
        let mut columns: Vec<usize> = scan.projection.iter().copied().chain(time).chain(own).collect();
        columns.sort_unstable();
        columns.dedup();
        let slot = |position: usize| columns.binary_search(&position).ok();
        Slots {
            shown: scan.projection.iter().filter_map(|position| slot(*position)).collect(),
            time: time.and_then(slot),
            key: key.map(|key| key.into_iter().filter_map(slot).collect()),
            order: order.and_then(slot),
            lookup: lookup.and_then(slot),
            columns,
        }
    }
}
