//! What belongs to one running statement and travels with it through every layer: when to stop, what to tell the
//! client, what it has cost.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Kind, Result};
use crate::model::journal::Journal;
use crate::model::table::Table;

/// One running statement.
#[derive(Debug)]
pub struct Statement {
    /// Fires when the client cancels, leaves, or the statement times out.
    pub cancel: CancellationToken,
    /// When it started, in microseconds since 1970-01-01 UTC.
    pub started: i64,
    /// When its transaction started, which is what `now()` tells; as `started` where there is no block.
    pub transaction: i64,
    /// When `statement_timeout` strikes; moves as the client goes on with a cursor or portal.
    deadline: watch::Sender<Option<Instant>>,
    /// Largest number of upstream calls, and the setting that says so.
    pub max_calls: u32,
    /// Whose credential is sent: the scope of limiter and segments.
    pub user: String,
    /// What becomes of rows that upstream does not give.
    pub policy: Policy,
    notices: Mutex<Vec<Notice>>,
    noticed: tokio::sync::Notify,
    scans: Mutex<Vec<Arc<Ledger>>>,
    calls: AtomicU32,
    journal: Option<Arc<Journal>>,
    /// Its number in the journal; it has none until it scans.
    number: OnceLock<i64>,
}

/// What a session wants where not all rows can be had, or not at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Upstream says that it cut an answer: a warning instead of an error.
    pub warn_on_truncated: bool,
    /// One of several upstreams fails: a warning instead of an error.
    pub warn_on_upstream_error: bool,
    /// Which rows may come from those that are held.
    pub held: HeldRows,
    /// Its rank among those who wait for a quota.
    pub priority: Priority,
    /// How much of a quota it may take, if it is not interactive.
    pub share: Share,
    /// What comes is held before upstream is asked for more.
    pub eager: bool,
}

/// Who goes first where calls are short; the least does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Somebody looks at a screen.
    #[default]
    Interactive,
    /// Keeps what is held up to date.
    Sync,
    /// Reads the past, which can wait.
    Backfill,
}

/// A part of a quota, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u16);

/// Whether rows that are held answer a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeldRows {
    /// Never, and none are kept.
    #[default]
    Never,
    /// Where they are at most so old, or too old to change; what is read is kept.
    UpTo(Duration),
    /// Only they do, however old: no upstream is called.
    Only,
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
    /// Rows that were held already, before any local filter.
    pub held: AtomicU64,
    /// Those among them that may have changed since they were read.
    pub stale: AtomicU64,
    /// Bytes of the bodies after decompression.
    pub bytes: AtomicU64,
    /// Time spent waiting for permits, in microseconds.
    pub waited_us: AtomicU64,
    /// The requests that were sent; the first of them, if there are very many.
    pub requests: Mutex<Vec<String>>,
    /// When the scan began.
    pub started: chrono::DateTime<chrono::Utc>,
    end: Mutex<End>,
    /// Further requests are only counted.
    is_short: AtomicBool,
}

/// How far a scan has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It runs.
    #[default]
    Open,
    /// All rows have come.
    Complete,
    /// Nobody wanted more of its rows: there were enough, or the statement was cancelled or had failed elsewhere.
    Stopped,
    /// Upstream cut an answer, and the session wanted a warning.
    Truncated,
    /// It failed, and the session wanted a warning.
    Partial(String),
    /// It failed.
    Failed(String),
}

/// Requests that a ledger keeps.
const MAX_REQUESTS: usize = 1_000;
/// Bytes of requests that a shortened ledger keeps.
const SHORT_BYTES: usize = 4_096;

impl Statement {
    /// The clock, in microseconds since 1970-01-01 UTC.
    pub fn now_micros() -> i64 {
        chrono::Utc::now().timestamp_micros()
    }

    /// Makes a statement that may take until `timeout` from now.
    pub fn new(user: &str, timeout: Option<Duration>, max_calls: u32) -> Self {
        let started = Statement::now_micros();
        Statement {
            cancel: CancellationToken::new(),
            started,
            transaction: started,
            deadline: watch::Sender::new(timeout.map(|timeout| Instant::now() + timeout)),
            max_calls,
            user: user.to_owned(),
            policy: Policy::default(),
            notices: Mutex::default(),
            noticed: tokio::sync::Notify::new(),
            scans: Mutex::default(),
            calls: AtomicU32::new(0),
            journal: None,
            number: OnceLock::new(),
        }
    }

    /// Enters the scans, as soon as they are opened, into the journal of the user.
    #[must_use]
    pub fn recorded(mut self, journal: &Arc<Journal>) -> Self {
        self.journal = Some(Arc::clone(journal));
        self
    }

    /// When `statement_timeout` strikes; none while nothing of the statement is asked for.
    pub fn deadline(&self) -> Option<Instant> {
        *self.deadline.borrow()
    }

    /// The client asks for rows again: they may take until `timeout` from now.
    pub fn resume(&self, timeout: Option<Duration>) {
        self.deadline.send_replace(timeout.map(|timeout| Instant::now() + timeout));
    }

    /// The client has what it asked for, and may come back for more.
    pub fn pause(&self) {
        self.deadline.send_replace(None);
    }

    /// Waits until the deadline has passed, wherever it is moved to meanwhile. Cancel safe.
    pub async fn expired(&self) {
        let mut moved = self.deadline.subscribe();
        loop {
            let deadline = *moved.borrow_and_update();
            let passed = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = passed => return,
                // It cannot end while this waits: the sender is the statement's own.
                _ = moved.changed() => {}
            }
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
    pub fn open(&self, source: &str, table: &Table) -> Arc<Ledger> {
        let ledger = Arc::new(Ledger {
            source: source.to_owned(),
            table: table.name,
            calls: AtomicU32::new(0),
            rows: AtomicU64::new(0),
            held: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            waited_us: AtomicU64::new(0),
            requests: Mutex::default(),
            started: chrono::Utc::now(),
            end: Mutex::default(),
            is_short: AtomicBool::new(false),
        });
        lock(&self.scans).push(Arc::clone(&ledger));
        if let Some(journal) = &self.journal {
            journal.push(*self.number.get_or_init(|| journal.next_statement()), &ledger);
        }
        ledger
    }

    /// The ledgers of the scans so far.
    pub fn scans(&self) -> Vec<Arc<Ledger>> {
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
        Err(self.over_budget().detail("The budget \"spanwire.max_calls\" is used up and there are rows left to read."))
    }

    /// The error of a statement that needs more calls than its budget allows.
    pub fn over_budget(&self) -> Error {
        let message = format!("statement needs more than {} upstream calls", self.max_calls);
        Error::new(Kind::ConfigurationLimit, message)
            .hint("Narrow the time range, or SET spanwire.max_calls to a larger number.")
    }

    /// Whether the budget of calls is used up.
    pub fn is_spent(&self) -> bool {
        self.calls.load(Ordering::Relaxed) > self.max_calls
    }

    /// The error of a statement whose token has fired: its deadline has passed, or somebody cancelled it.
    pub fn stopped(&self) -> Error {
        match self.deadline() {
            Some(deadline) if Instant::now() >= deadline => Statement::timed_out(),
            _ => Error::canceled(),
        }
    }

    /// The error of a statement that ran into `statement_timeout`.
    pub fn timed_out() -> Error {
        Error::new(Kind::QueryCanceled, "canceling statement due to statement timeout")
    }
}

impl Share {
    /// Makes a share; more than the whole is the whole.
    pub fn per_mille(thousandths: u16) -> Self {
        Share(thousandths.min(1_000))
    }

    /// So much of `whole`, and at least one.
    pub fn of(self, whole: u32) -> u32 {
        let part = u64::from(whole) * u64::from(self.0) / 1_000;
        u32::try_from(part).unwrap_or(whole).max(1)
    }
}

impl Default for Share {
    /// Half.
    fn default() -> Self {
        Share(500)
    }
}

impl Ledger {
    /// Records a request that is about to be sent.
    pub fn request(&self, request: String) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut requests = lock(&self.requests);
        if requests.len() < MAX_REQUESTS && !self.is_short.load(Ordering::Relaxed) {
            requests.push(request);
        }
    }

    /// Keeps the first few requests only, also of those to come.
    pub fn shorten(&self) {
        let mut requests = lock(&self.requests);
        self.is_short.store(true, Ordering::Relaxed);
        let mut bytes = 0;
        let mut fits = |request: &&String| {
            bytes += request.len();
            bytes <= SHORT_BYTES
        };
        let n = requests.iter().take_while(|request| fits(request)).count();
        requests.truncate(n);
        requests.shrink_to_fit();
    }

    /// Records how the scan ended. What was cut stays cut, even if all the rest has come; and who leaves a scan that has
    /// ended does not stop it.
    pub fn end(&self, how: End) {
        let mut end = lock(&self.end);
        let stays = match how {
            End::Stopped => *end != End::Open,
            End::Complete => matches!(*end, End::Truncated | End::Partial(_)),
            _ => matches!(*end, End::Partial(_)),
        };
        if !stays {
            *end = how;
        }
    }

    /// How the scan ended, if it did.
    pub fn ended(&self) -> End {
        lock(&self.end).clone()
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
