//! Bounds on the memory of one query and of all together. A query over its bound fails with 53200; operators that can
//! spill do so first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::{DataFusionError, Result as EngineResult};
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool, MemoryReservation};

use crate::error::{Error, Kind};

/// The memory that all queries share.
#[derive(Debug)]
pub struct Process {
    used: AtomicUsize,
    limit: usize,
}

/// The memory of one query.
#[derive(Debug)]
pub struct Query {
    process: Arc<Process>,
    used: AtomicUsize,
    limit: usize,
}

impl Process {
    /// A bound for all queries together, in bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Process { used: AtomicUsize::new(0), limit })
    }

    /// A bound for one query within it, in bytes.
    pub fn query(self: &Arc<Self>, limit: usize) -> Query {
        Query { process: Arc::clone(self), used: AtomicUsize::new(0), limit }
    }
}

fn take(used: &AtomicUsize, limit: usize, additional: usize) -> bool {
    let taken = used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
        used.checked_add(additional).filter(|&sum| sum <= limit)
    });
    taken.is_ok()
}

impl std::fmt::Display for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({} of {})", self.name(), self.reserved(), self.limit)
    }
}

impl MemoryPool for Query {
    fn name(&self) -> &'static str {
        "query"
    }

    fn grow(&self, _reservation: &MemoryReservation, additional: usize) {
        self.used.fetch_add(additional, Ordering::Relaxed);
        self.process.used.fetch_add(additional, Ordering::Relaxed);
    }

    fn shrink(&self, _reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
        self.process.used.fetch_sub(shrink, Ordering::Relaxed);
    }

    fn try_grow(&self, _reservation: &MemoryReservation, additional: usize) -> EngineResult<()> {
        if !take(&self.used, self.limit, additional) {
            return Err(exhausted("query", self.limit, "limits.query_memory"));
        }
        if !take(&self.process.used, self.process.limit, additional) {
            self.used.fetch_sub(additional, Ordering::Relaxed);
            return Err(exhausted("gateway", self.process.limit, "limits.total_memory"));
        }
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

/// Operators spill on this variant, so it must be the engine's own; the hint travels in a context around it.
fn exhausted(whose: &str, limit: usize, key: &str) -> DataFusionError {
    let limit = bytesize::ByteSize(limit as u64);
    DataFusionError::ResourcesExhausted(format!("the {whose} may use {limit} of memory ({key})"))
}

/// The error that a client sees.
pub(crate) fn out_of_memory(message: &str) -> Error {
    Error::new(Kind::OutOfMemory, "out of memory")
        .detail(format!("The statement needs more memory than it may use: {message}."))
        .hint("Narrow the time range, aggregate before joining, or raise limits.query_memory.")
}
