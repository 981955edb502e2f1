//! From a scan to batches over HTTP, cheaply and completely: which pages (`pages`), when (`limiter`), how often (`retry`).
//!
//! Invariants: each HTTP attempt, a retry and a redirect too, takes one permit and is counted in the ledger and against
//! the statement. Nothing begins that nobody waits for: the next page is asked for when the consumer polls after the last
//! row of the page before, and dropping the stream closes the connection and gives the permit back. A call that has begun
//! goes on to its end whether polled or not, so that no permit waits for a consumer. A page is handed on when
//! it is complete and judged, never in part; hence a page that broke off can be asked for again. What is buffered is one
//! page: bounded by upstream's row limit and by the source's `body_bytes`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use tokio::time::Instant;

use crate::error::{Error, Kind, Result};
use crate::model::connector::{Paging, Request};
use crate::model::filter::Value;
use crate::model::push::{Filter, Op};
use crate::model::scan::{self, At, Batches, Fetch, Page, Range, Scan, Source};
use crate::model::statement::{HeldRows, Ledger, Statement};
use crate::upstream::http::{Credential, Transport};

use cache::{Cache, Freshness, Kept, Key, Landing, Stitch};
use limiter::{Limiters, Usage};
use pages::Pages;
use retry::Caller;
use sequence::Sequence;
use slices::Slices;

mod cache;
mod judge;
mod keyed;
mod lanes;
pub mod limiter;
mod pages;
mod retry;
mod rows;
mod sequence;
mod slices;
mod watch;

/// How long `spanwire check` waits for a source.
const PROBE_TIMEOUT: Duration = Duration::from_secs(90);

/// Rows of a first page that are read to its end before one is handed on.
const FIRST: usize = 1_000;

/// Rows of a first page at least where an order is wanted: fewer would stand in it by chance now and then.
const LEAST_ORDERED: usize = 20;

/// Rows that are held when an order is wanted and upstream keeps none.
const MAX_HELD_ROWS: usize = 2_000_000;

/// What is read of each row: the projection, and what paging needs.
#[derive(Debug)]
struct Slots {
    /// Positions in the table, ascending.
    columns: Vec<usize>,
    /// Positions of the projection among these.
    shown: Vec<usize>,
    time: Option<usize>,
    key: Option<Vec<usize>>,
    /// Of the column that gives the order.
    order: Option<usize>,
    /// Of the column by whose value rows are asked for.
    lookup: Option<usize>,
}

impl Slots {
    fn new(scan: &Scan) -> Self {
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

/// Gives the credential with which a user reads a source.
pub trait Credentials: Send + Sync + fmt::Debug {
    /// # Errors
    /// When there is none, or it cannot be read.
    fn credential(&self, source: &Source, user: &str) -> Result<Credential>;
}

/// Reads from all sources, under one set of quotas.
#[derive(Clone, Debug)]
pub struct Fetcher {
    transport: Arc<dyn Transport>,
    credentials: Arc<dyn Credentials>,
    limiters: Arc<Limiters>,
    cache: Arc<Cache>,
}

/// What a small call has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The request that was sent, without the credential.
    pub request: String,
    /// Rows that came: 1, or 0 if there are none.
    pub rows: usize,
    /// How long it took, waiting for the quota included.
    pub took: Duration,
}

impl Fetcher {
    /// Makes a reader with nothing used of any quota.
    pub fn new(transport: Arc<dyn Transport>, credentials: Arc<dyn Credentials>) -> Self {
        Fetcher { transport, credentials, limiters: Arc::default(), cache: Arc::new(Cache::new(0)) }
    }

    /// Keeps rows that were read, within so many bytes.
    #[must_use]
    pub fn with_cache(self, bytes: usize) -> Self {
        Fetcher { cache: Arc::new(Cache::new(bytes)), ..self }
    }

    /// The state of every quota that has been used.
    pub fn usage(&self) -> Vec<Usage> {
        self.limiters.snapshot()
    }

    /// Asks a source for one row of its first table and reads all columns of it: whether it answers, takes the
    /// credential and sends what its description says. Takes one call of the quota.
    ///
    /// # Errors
    /// Those of a query.
    pub async fn probe(&self, source: &Arc<Source>, user: &str) -> Result<Probe> {
        let Some(table) = source.connector.tables.first() else {
            return Err(Error::internal(format!("source \"{}\" has no table", source.name)));
        };
        let now = now_us();
        // Where all rows come in one answer, a short time shows as much as a long one.
        let whole = table.paging == Paging::One && table.lookup.is_none();
        let lookback = if whole { source.lookback.min(Duration::from_secs(3_600)) } else { source.lookback };
        let lookback = i64::try_from(lookback.as_micros()).unwrap_or(i64::MAX);
        let range = Range { from: Some(now.saturating_sub(lookback)), to: Some(now) }.widened(table.precision_us);
        let mut scan = Scan { range, limit: Some(1), ..Scan::of(source, table) };
        scan.filters.extend(table.each.and_then(|each| {
            let value = source.setting(each.setting).first()?;
            Some(Filter::one(each.parameter, Op::Equal, Value::Text(value.clone())))
        }));
        let statement = Arc::new(Statement::new(user, Some(PROBE_TIMEOUT), u32::MAX));
        let started = Instant::now();
        let caller = self.caller(&scan, &statement, statement.open(&source.name, table))?;
        let page = Page { range, limit: 1, at: At::Start };
        let request: Request = (source.connector.request)(&scan, &page);
        let decoded = caller.page(&scan, &page, &scan.projection, now).await?;
        let rows = decoded.batches.iter().map(|batch| batch.num_rows()).sum();
        Ok(Probe { request: request.to_string(), rows, took: started.elapsed() })
    }

    fn caller(&self, scan: &Scan, statement: &Arc<Statement>, ledger: Arc<Ledger>) -> Result<Caller> {
        let credential = self.credentials.credential(&scan.source, &statement.user)?;
        Ok(Caller {
            transport: Arc::clone(&self.transport),
            limiter: self.limiters.of(&scan.source, &credential.scope),
            credential,
            statement: Arc::clone(statement),
            ledger,
        })
    }
}

impl Fetch for Fetcher {
    fn fetch(&self, scan: Scan, statement: Arc<Statement>) -> Batches {
        let ledger = statement.open(&scan.source.name, scan.table);
        watch::watched(self.served(scan, &statement, &ledger, true), ledger)
    }

    fn wait(&self, source: &Source, user: &str) -> Duration {
        self.used(source, user).wait
    }

    fn held(&self, scan: &Scan, statement: &Statement) -> Option<usize> {
        let fresh = self.freshness(statement)?;
        let credential = self.credentials.credential(&scan.source, &statement.user).ok()?;
        self.cache.find(&Key::of(scan, &credential.scope), scan, fresh).map(|held| held.rows_within(scan))
    }

    fn gaps(&self, scan: &Scan, statement: &Statement) -> Option<(usize, Vec<Scan>)> {
        let fresh = self.freshness(statement)?;
        let credential = self.credentials.credential(&scan.source, &statement.user).ok()?;
        let stitch = self.cache.stitch(&Key::of(scan, &credential.scope), scan, fresh)?;
        let rows = stitch.rows(scan).ok()?;
        Some((rows.iter().map(|batch| batch.num_rows()).sum(), stitch.gaps))
    }

    fn used(&self, source: &Source, user: &str) -> scan::Usage {
        // Without a credential there is no budget yet; the call itself will say what is missing.
        let Ok(credential) = self.credentials.credential(source, user) else { return scan::Usage::default() };
        let now = self.limiters.of(source, &credential.scope).snapshot();
        let wait = now.next_free.map_or(Duration::ZERO, |free| free.saturating_duration_since(Instant::now()));
        scan::Usage {
            calls: Some(now.quota.calls),
            used: now.used,
            under_way: now.under_way,
            waiting: now.waiting,
            wait,
        }
    }
}

impl Fetcher {
    /// How fresh held rows must be for a statement; `None` if it wants none.
    fn freshness(&self, statement: &Statement) -> Option<Freshness> {
        let max_staleness = match statement.policy.held {
            HeldRows::Never => return None,
            HeldRows::UpTo(age) => age,
            HeldRows::Only => Duration::MAX,
        };
        // As of when the statement began: waiting for a fetch that runs makes its rows no older.
        self.cache.is_on().then_some(Freshness { now_us: statement.started, max_staleness })
    }

    /// The rows of a scan: those that are held, or else those of upstream, which are kept if they can be. `waits` is
    /// whether it may wait for a fetch that runs.
    fn served(&self, mut scan: Scan, statement: &Arc<Statement>, ledger: &Arc<Ledger>, waits: bool) -> Batches {
        let only = statement.policy.held == HeldRows::Only;
        let Some(fresh) = self.freshness(statement) else {
            return match only {
                true => failed(not_held(&scan)),
                false => self.batches(scan, statement, Arc::clone(ledger)),
            };
        };
        let key = match self.credentials.credential(&scan.source, &statement.user) {
            Ok(credential) => Key::of(&scan, &credential.scope),
            Err(error) => return failed(error),
        };
        if let Some(held) = self.cache.find(&key, &scan, fresh) {
            return match held.rows(&scan) {
                Ok(batches) => {
                    let n_rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
                    ledger.held.fetch_add(n_rows as u64, Ordering::Relaxed);
                    stream::iter(batches).map(Ok).boxed()
                }
                Err(error) => failed(error),
            };
        }
        if only {
            return failed(not_held(&scan));
        }
        if let Some(landing) = self.cache.landing(&key, &scan, fresh).filter(|_| waits) {
            return self.after(landing, scan, statement, ledger);
        }
        if let Some(stitch) = self.cache.stitch(&key, &scan, fresh) {
            return self.stitched(scan, &stitch, key, statement, ledger);
        }
        if !cache::can_keep(&scan) {
            return self.batches(scan, statement, Arc::clone(ledger));
        }
        let columns = self.cache.columns(&key, &scan);
        let projection = std::mem::replace(&mut scan.projection, columns.clone());
        // Only where a page that is not full is the last one does reading to its end take no further call.
        let page = match (scan.table.lookup, scan.table.paging) {
            (None, Paging::SplitTime { max_rows } | Paging::Numbered { max_rows, .. }) => max_rows,
            _ => 0,
        };
        let at_first = if scan.sample { 1 } else { scan.limit.map_or(0, |limit| limit.min(page).min(FIRST)) };
        let (range, sample, whole) = (scan.range, scan.sample, scan.limit.is_none());
        Kept {
            batches: self.batches(scan, statement, Arc::clone(ledger)),
            ledger: Arc::clone(ledger),
            cache: Arc::clone(&self.cache),
            key,
            range,
            read_at: fresh.now_us,
            columns,
            projection,
            at_first,
            whole,
            sample,
            before: Vec::new(),
        }
        .begin()
    }

    /// The rows of a scan that another statement is reading already: what is held when that has ended, or else as any.
    fn after(&self, landing: Landing, scan: Scan, statement: &Arc<Statement>, ledger: &Arc<Ledger>) -> Batches {
        let (fetcher, statement, ledger) = (self.clone(), Arc::clone(statement), Arc::clone(ledger));
        let rows = async move {
            landing.wait().await;
            // Once: who waited for one that failed must not wait for the next that will.
            fetcher.served(scan, &statement, &ledger, false)
        };
        stream::once(rows).flatten().boxed()
    }

    /// The rows of a scan of which a part is held: that part, then what is read of the gaps.
    fn stitched(
        &self,
        scan: Scan,
        stitch: &Stitch,
        key: Key,
        statement: &Arc<Statement>,
        ledger: &Arc<Ledger>,
    ) -> Batches {
        let (held, before) = match (stitch.rows(&scan), stitch.staying(&scan)) {
            (Ok(held), Ok(before)) => (held, before),
            (Err(error), _) | (_, Err(error)) => return failed(error),
        };
        let n_rows: usize = held.iter().map(|batch| batch.num_rows()).sum();
        ledger.held.fetch_add(n_rows as u64, Ordering::Relaxed);
        let gaps = stitch.gaps.iter().map(|gap| {
            let batches = self.batches(gap.clone(), statement, Arc::clone(ledger));
            stitch.within(gap, batches)
        });
        let gaps: Vec<Batches> = gaps.collect();
        let kept = Kept {
            batches: stream::iter(gaps).flatten().boxed(),
            ledger: Arc::clone(ledger),
            cache: Arc::clone(&self.cache),
            key,
            range: stitch.range,
            read_at: stitch.read_at,
            columns: stitch.columns().to_vec(),
            projection: scan.projection,
            at_first: 0,
            whole: scan.limit.is_none(),
            sample: false,
            before,
        };
        stream::iter(held).map(Ok).chain(kept.begin()).boxed()
    }

    /// The batches of a scan, by its table's way of paging.
    fn batches(&self, scan: Scan, statement: &Arc<Statement>, ledger: Arc<Ledger>) -> Batches {
        let now_us = now_us();
        let caller = match self.caller(&scan, statement, ledger) {
            Ok(caller) => caller,
            Err(error) => return failed(error),
        };
        if let Some(lookup) = scan.table.lookup {
            let listings = keyed::listings(&scan, &scan.source, lookup);
            let listed = || match listings {
                Ok(lists) => {
                    let lists: Vec<Batches> =
                        lists.into_iter().map(|list| self.fetch(list, Arc::clone(statement))).collect();
                    stream::iter(lists).flatten().boxed()
                }
                Err(error) => failed(error),
            };
            return keyed::read(scan, caller, listed, now_us);
        }
        match scan.table.paging {
            Paging::SplitTime { max_rows } => {
                stream::try_unfold(Pages::new(scan, max_rows, caller, now_us), Pages::step).boxed()
            }
            Paging::Cursor { .. } if scan.order.is_none() && scan.limit.is_none() => lanes::read(scan, caller, now_us),
            Paging::Cursor { .. } | Paging::Numbered { .. } => {
                stream::try_unfold(Sequence::new(scan, caller, now_us), Sequence::step).boxed()
            }
            Paging::One => stream::try_unfold(Slices::new(scan, caller, now_us), Slices::step).boxed(),
        }
    }
}

fn not_held(scan: &Scan) -> Error {
    let message = format!("rows of {}.{} are not held", scan.source.name, scan.table.name);
    Error::new(Kind::ObjectState, message)
        .detail("\"spanwire.cache\" is \"only\", so no upstream is called.")
        .hint("SET spanwire.cache = on to read them.")
}

fn failed(error: Error) -> Batches {
    stream::once(std::future::ready(Err(error))).boxed()
}

fn now_us() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

#[cfg(test)]
mod tests;
