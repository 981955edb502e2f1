//! What belongs to one running statement and travels with it through every layer: when to stop, what to tell the
//! client, what it has cost.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Kind, Result};
use crate::model::table::Table;

/// One running statement.
#[derive(Debug)]
pub struct Statement {
    /// Fires when the client cancels, leaves, or the statement times out.
    pub cancel: CancellationToken,
    /// When `statement_timeout` strikes.
    pub deadline: Option<Instant>,
    /// Largest number of upstream calls, and the setting that says so.
    pub max_calls: u32,
    /// Whose credential is sent: the scope of limiter and segments.
    pub user: String,
    notices: Mutex<Vec<Notice>>,
    noticed: tokio::sync::Notify,
    scans: Mutex<Vec<std::sync::Arc<Ledger>>>,
    calls: AtomicU32,
}

/// Something to tell the client beside the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub severity: Severity,
    /// One line.
    pub message: String,
    /// What more there is to know.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Severity of a notice, as PostgreSQL orders them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For those who asked for it.
    Notice,
    /// Something is not as it should be.
    Warning,
}

/// What one scan has done.
#[derive(Debug)]
pub struct Ledger {
    /// Schema.
    pub source: String,
    /// Table.
    pub table: &'static str,
    /// HTTP attempts.
    pub calls: AtomicU32,
    /// Rows that came from upstream, before any local filter and without doubles.
    pub rows: AtomicU64,
    /// Bytes of the bodies after decompression.
    pub bytes: AtomicU64,
    /// Time spent waiting for permits, in microseconds.
    pub waited_us: AtomicU64,
    /// The requests that were sent.
    pub requests: Mutex<Vec<String>>,
}

impl Statement {
    /// Makes a statement that may take until `timeout` from now.
    pub fn new(user: &str, timeout: Option<Duration>, max_calls: u32) -> Self {
        Statement {
            cancel: CancellationToken::new(),
            deadline: timeout.map(|timeout| Instant::now() + timeout),
            max_calls,
            user: user.to_owned(),
            notices: Mutex::default(),
            noticed: tokio::sync::Notify::new(),
            scans: Mutex::default(),
            calls: AtomicU32::new(0),
        }
    }

    /// Queues a notice for the client and wakes who waits in [`Statement::noticed`].
    pub fn notice(&self, notice: Notice) {
        lock(&self.notices).push(notice);
        self.noticed.notify_one();
    }

    /// Takes the notices queued so far.
    pub fn take_notices(&self) -> Vec<Notice> {
        std::mem::take(&mut lock(&self.notices))
    }

    /// Waits until a notice is queued. Cancel safe.
    pub async fn noticed(&self) {
        self.noticed.notified().await;
    }

    /// Opens the ledger of a scan.
    pub fn open(&self, source: &str, table: &Table) -> std::sync::Arc<Ledger> {
        let ledger = std::sync::Arc::new(Ledger {
            source: source.to_owned(),
            table: table.name,
            calls: AtomicU32::new(0),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            waited_us: AtomicU64::new(0),
            requests: Mutex::default(),
        });
        lock(&self.scans).push(std::sync::Arc::clone(&ledger));
        ledger
    }

    /// The ledgers of the scans so far.
    pub fn scans(&self) -> Vec<std::sync::Arc<Ledger>> {
        lock(&self.scans).clone()
    }

    /// Counts one upstream call against the statement's budget.
    ///
    /// # Errors
    /// 53400 when the budget is used up.
    pub fn count_call(&self) -> Result<()> {
        let before = self.calls.fetch_add(1, Ordering::Relaxed);
        if before < self.max_calls {
            return Ok(());
        }
        Err(Error::new(
            Kind::ConfigurationLimit,
            format!("statement needs more than {} upstream calls", self.max_calls),
        )
        .detail("The budget \"spanwire.max_calls\" is used up and there are rows left to read.")
        .hint("Narrow the time range, or SET spanwire.max_calls to a larger number."))
    }

    /// The error of a statement whose token has fired: its deadline has passed, or somebody cancelled it.
    pub fn stopped(&self) -> Error {
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Statement::timed_out(),
            _ => Error::canceled(),
        }
    }

    /// The error of a statement that ran into `statement_timeout`.
    pub fn timed_out() -> Error {
        Error::new(Kind::QueryCanceled, "canceling statement due to statement timeout")
    }
}

impl Ledger {
    /// Records a request that is about to be sent.
    pub fn request(&self, request: String) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        lock(&self.requests).push(request);
    }

    /// The requests sent so far.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.requests).clone()
    }
}

/// Locks a mutex whose holders never panic while they hold it.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
