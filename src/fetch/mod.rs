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

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Kind, Result};
use crate::model::connector::{Paging, Request};
use crate::model::filter::Value;
use crate::model::push::{Filter, Op};
use crate::model::scan::{self, At, Batches, Fetch, Filling, Gaps, Holding, Keys, Page, Progress, Range, Scan, Source};
use crate::model::statement::{HeldRows, Ledger, Priority, Statement};
use crate::upstream::http::{Credential, Transport};

use cache::{Asks, Cache, Claim, Kept, Key, Landing, Plan, Served, Stitch};
pub use cache::{Disk, KeyedShelf, Record};
use keyed::Shelf;
use limiter::{Limiters, Usage};
use pages::Pages;
use retry::Caller;
use segment::Freshness;
use sequence::Sequence;
use slices::Slices;
use slots::Slots;
use sync::{Job, Progresses};

mod cache;
mod judge;
mod keyed;
mod lanes;
pub mod limiter;
mod pages;
mod retry;
mod rows;
mod segment;
mod sequence;
mod slices;
mod slots;
pub mod sync;
mod watch;

/// How long `spanwire check` waits for a source.
const PROBE_TIMEOUT: Duration = Duration::from_secs(90);

/// Rows of a first page that are read to its end before one is handed on.
const FIRST: usize = 1_000;

/// Rows of a first page at least where an order is wanted: fewer would stand in it by chance now and then.
const LEAST_ORDERED: usize = 20;

/// Rows that are held when an order is wanted and upstream keeps none.
const MAX_HELD_ROWS: usize = 2_000_000;

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
    jobs: Arc<Vec<Job>>,
    progresses: Arc<Progresses>,
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
        Fetcher {
            transport,
            credentials,
            limiters: Arc::default(),
            cache: Arc::new(Cache::new(0)),
            jobs: Arc::default(),
            progresses: Arc::default(),
        }
    }

    /// Keeps rows that were read, within so many bytes.
    #[must_use]
    pub fn with_cache(self, bytes: usize) -> Self {
        Fetcher { cache: Arc::new(Cache::new(bytes)), ..self }
    }

    /// Keeps rows that were read in a directory, within so many bytes of memory, and finds those that are there.
    ///
    /// # Errors
    /// 58030 when the directory cannot be read.
    pub fn with_disk(self, bytes: usize, disk: Disk, records: Vec<Record>, sources: &[Arc<Source>]) -> Result<Self> {
        let shelves = disk.shelves()?;
        let table_of = |source: &str, table: &str| {
            let source = sources.iter().find(|own| own.name == source)?;
            source.connector.tables.iter().find(|own| own.name == table)
        };
        Ok(Fetcher { cache: Arc::new(Cache::on_disk(bytes, disk, records, shelves, table_of)), ..self })
    }

    /// Keeps tables filled, once [`Fetch::background`] runs.
    #[must_use]
    pub fn with_jobs(self, jobs: Vec<Job>) -> Self {
        Fetcher { jobs: Arc::new(jobs), ..self }
    }

    /// Bytes of held rows in memory.
    pub fn memory(&self) -> usize {
        self.cache.memory()
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
        watch::watched(self.served(scan, &statement, &ledger, Asks::Waits), ledger)
    }

    fn wait(&self, source: &Source, user: &str) -> Duration {
        self.used(source, user).wait
    }

    fn held(&self, scan: &Scan, statement: &Statement) -> Option<usize> {
        if cache::is_keyed(scan) {
            let (held, missing) = self.sorted(scan, statement)?;
            return missing.is_empty().then_some(held);
        }
        let (plan, fresh) = self.look(scan, statement)?;
        match plan {
            Plan::Serve(served) => self.cache.count(&served, scan, fresh).ok().map(|(rows, _)| rows),
            Plan::Wait(_) | Plan::Stitch(_) => None,
        }
    }

    fn gaps(&self, scan: &Scan, statement: &Statement) -> Option<Gaps> {
        if cache::is_keyed(scan) {
            let (held, missing) = self.sorted(scan, statement)?;
            let is_complete = missing.is_empty();
            let rest = Scan { keys: Keys::Known(missing), ..scan.clone() };
            let scans = if is_complete { Vec::new() } else { vec![rest] };
            return Some(Gaps { held, calls: None, unfiltered: false, scans });
        }
        let (plan, fresh) = self.look(scan, statement)?;
        let Plan::Stitch(stitch) = plan else { return None };
        let (held, _) = self.cache.count(&stitch.served, scan, fresh).ok()?;
        Some(Gaps { held, calls: stitch.calls, unfiltered: stitch.unfiltered, scans: stitch.gaps })
    }

    fn background(&self, shutdown: &CancellationToken) -> Vec<BoxFuture<'static, ()>> {
        let work =
            |job: &Job| self.clone().keep_filled(job.clone(), Arc::clone(&self.progresses), shutdown.clone()).boxed();
        self.jobs.iter().map(work).collect()
    }

    fn filling(&self, sources: &[Arc<Source>], user: &str) -> Vec<Filling> {
        // Who has a credential of his own has other rows.
        let scope = |source: &Source, user: &str| self.credentials.credential(source, user).ok().map(|own| own.scope);
        let is_shown = |filling: &Filling| {
            let source = sources.iter().find(|source| source.name == filling.source);
            source.is_some_and(|source| scope(source, user).is_some() && scope(source, user) == scope(source, ""))
        };
        self.progresses.snapshot().into_iter().filter(is_shown).collect()
    }

    fn holdings(&self, sources: &[Arc<Source>], user: &str) -> Vec<Holding> {
        let scopes: Vec<(&str, String)> = sources
            .iter()
            .filter_map(|source| Some((source.name.as_str(), self.credentials.credential(source, user).ok()?.scope)))
            .collect();
        self.cache.runs(|source, scope| scopes.iter().any(|own| own.0 == source && own.1 == scope))
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

/// For whom a scan is answered.
#[derive(Clone)]
struct Run {
    statement: Arc<Statement>,
    ledger: Arc<Ledger>,
    key: Key,
    fresh: Freshness,
}

impl Fetcher {
    /// How fresh held rows must be for a statement; `None` if it wants none.
    fn freshness(&self, source: &Source, statement: &Statement) -> Option<Freshness> {
        let max_staleness = match statement.policy.held {
            HeldRows::Never => return None,
            HeldRows::UpTo(age) => age,
            HeldRows::Only => Duration::MAX,
        };
        let settle_us = i64::try_from(source.settle.as_micros()).unwrap_or(i64::MAX);
        // As of when the statement began: waiting for a fetch that runs makes its rows no older.
        let fresh = Freshness { now_us: statement.started, max_staleness, settle_us };
        self.cache.is_on().then_some(fresh)
    }

    /// How a scan would be answered now.
    fn look(&self, scan: &Scan, statement: &Statement) -> Option<(Plan, Freshness)> {
        let fresh = self.freshness(&scan.source, statement)?;
        let credential = self.credentials.credential(&scan.source, &statement.user).ok()?;
        let plan = self.cache.plan(&Key::of(scan, &credential.scope), scan, fresh, Asks::Looks)?;
        Some((plan, fresh))
    }

    /// The rows of a scan: those that are held, or else those of upstream, which are kept if they can be.
    fn served(&self, scan: Scan, statement: &Arc<Statement>, ledger: &Arc<Ledger>, asks: Asks) -> Batches {
        let only = statement.policy.held == HeldRows::Only;
        let Some(fresh) = self.freshness(&scan.source, statement) else {
            return match only {
                true => failed(not_held(&scan)),
                false => self.batches(scan, statement, Arc::clone(ledger)),
            };
        };
        if cache::is_keyed(&scan) {
            return self.batches(scan, statement, Arc::clone(ledger));
        }
        let key = match self.credentials.credential(&scan.source, &statement.user) {
            Ok(credential) => Key::of(&scan, &credential.scope),
            Err(error) => return failed(error),
        };
        let plan = self.cache.plan(&key, &scan, fresh, if only { Asks::Looks } else { asks });
        let run = Run { statement: Arc::clone(statement), ledger: Arc::clone(ledger), key, fresh };
        match plan {
            Some(Plan::Serve(served)) => self.handed_out(&served, &scan, &run),
            _ if only => failed(not_held(&scan)),
            Some(Plan::Wait(landing)) => self.after(landing, scan, run),
            Some(Plan::Stitch(stitch)) if stitch.streams(&scan) => self.stitched(&scan, &stitch, &run),
            Some(Plan::Stitch(stitch)) => self.completed(scan, &stitch, run),
            None if cache::can_keep(&scan) => {
                let (claim, wanted) = (Claim::of(&scan), scan.clone());
                self.kept(scan, &wanted, claim, &run)
            }
            None => self.batches(scan, statement, Arc::clone(ledger)),
        }
    }

    fn handed_out(&self, served: &Served, scan: &Scan, run: &Run) -> Batches {
        // What is damaged is dropped when that is found, so each time it is asked again there is less of it.
        let (fetcher, all, own) = (self.clone(), scan.clone(), run.clone());
        let anew = move |range: Range| {
            let part = Scan { range, ..all.clone() };
            fetcher.served(part, &own.statement, &own.ledger, Asks::Alone)
        };
        match self.cache.count(served, scan, run.fresh) {
            Ok((rows, stale)) => {
                run.ledger.held.fetch_add(rows as u64, Ordering::Relaxed);
                run.ledger.stale.fetch_add(stale as u64, Ordering::Relaxed);
                self.cache.rows(served, scan, Box::new(anew))
            }
            Err(error) if error.kind == Kind::Io && scan.order.is_some() => anew(scan.range),
            Err(error) if error.kind == Kind::Io => {
                // Around these parts somebody else reads.
                let parts: Vec<Batches> = served.ranges(scan).into_iter().map(anew).collect();
                stream::iter(parts).flatten().boxed()
            }
            Err(error) => failed(error),
        }
    }

    /// The rows of a scan that another statement is reading already: what is held when that has ended, or else as any.
    fn after(&self, landing: Landing, scan: Scan, run: Run) -> Batches {
        let fetcher = self.clone();
        let rows = async move {
            let is_enough = || {
                let plan = fetcher.cache.plan(&run.key, &scan, run.fresh, Asks::Looks);
                matches!(plan, Some(Plan::Serve(_)))
            };
            landing.wait(is_enough).await;
            // Once: who waited for one that failed must not wait for the next that will.
            fetcher.served(scan, &run.statement, &run.ledger, Asks::Alone)
        };
        stream::once(rows).flatten().boxed()
    }

    /// The rows of a scan of which a part is held: that part, then what is read of the gaps.
    fn stitched(&self, scan: &Scan, stitch: &Stitch, run: &Run) -> Batches {
        let held = self.handed_out(&stitch.served, scan, run);
        let claim = Claim::Segments(stitch.signature.clone());
        let gaps = stitch.gaps.iter().map(|gap| self.kept(gap.clone(), scan, claim.clone(), run));
        let gaps: Vec<Batches> = gaps.collect();
        held.chain(stream::iter(gaps).flatten()).boxed()
    }

    /// The rows of a scan that wants them in an order: the gaps are read to their end, then all is held.
    fn completed(&self, scan: Scan, stitch: &Stitch, run: Run) -> Batches {
        let claim = Claim::Segments(stitch.signature.clone());
        let gaps = stitch.gaps.iter().map(|gap| self.kept(gap.clone(), &scan, claim.clone(), &run));
        let gaps: Vec<Batches> = gaps.collect();
        let fetcher = self.clone();
        let rows = async move {
            let mut gaps = stream::iter(gaps).flatten();
            while let Some(batch) = gaps.next().await {
                if let Err(error) = batch {
                    return failed(error);
                }
            }
            match fetcher.cache.plan(&run.key, &scan, run.fresh, Asks::Looks) {
                Some(Plan::Serve(served)) => fetcher.handed_out(&served, &scan, &run),
                // There was no room for them.
                _ => fetcher.batches(scan, &run.statement, run.ledger),
            }
        };
        stream::once(rows).flatten().boxed()
    }

    /// Reads a scan, keeps its rows, and gives out those that another one wants.
    fn kept(&self, mut read: Scan, wanted: &Scan, claim: Claim, run: &Run) -> Batches {
        let columns = self.cache.columns(&run.key, wanted);
        let progress = Arc::new(Progress::default());
        read.projection.clone_from(&columns);
        read.progress = Some(Arc::clone(&progress));
        // Only where a page that is not full is the last one does reading to its end take no further call.
        let page = match (read.table.lookup, read.table.paging) {
            (None, Paging::SplitTime { max_rows } | Paging::Numbered { max_rows, .. }) => max_rows,
            _ => 0,
        };
        let at_first = if read.sample { 1 } else { read.limit.map_or(0, |limit| limit.min(page).min(FIRST)) };
        let (table, range, sample) = (read.table, read.range, read.sample);
        // Nobody waits for what takes its time.
        let whole = read.limit.is_none() && run.statement.policy.priority != Priority::Backfill;
        Kept {
            batches: self.batches(read, &run.statement, Arc::clone(&run.ledger)),
            ledger: Arc::clone(&run.ledger),
            cache: Arc::clone(&self.cache),
            key: run.key.clone(),
            claim,
            table,
            range,
            wanted: wanted.range,
            read_at: run.fresh.now_us,
            settle_us: run.fresh.settle_us,
            columns,
            projection: wanted.projection.clone(),
            at_first,
            whole,
            sample,
            eager: run.statement.policy.eager,
            progress,
        }
        .begin()
    }

    /// The batches of a scan, by its table's way of paging.
    fn batches(&self, scan: Scan, statement: &Arc<Statement>, ledger: Arc<Ledger>) -> Batches {
        let now_us = now_us();
        let caller = match self.caller(&scan, statement, ledger) {
            Ok(caller) => caller,
            Err(error) => return failed(error),
        };
        if let Some(lookup) = scan.table.lookup {
            let shelf = match self.shelf(&scan, statement) {
                Ok(shelf) => shelf,
                Err(error) => return failed(error),
            };
            let listings = keyed::listings(&scan, &scan.source, lookup);
            let listed = || match listings {
                Ok(lists) => {
                    let lists: Vec<Batches> =
                        lists.into_iter().map(|list| self.fetch(list, Arc::clone(statement))).collect();
                    stream::iter(lists).flatten().boxed()
                }
                Err(error) => failed(error),
            };
            return keyed::read(scan, caller, listed, shelf, now_us);
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
