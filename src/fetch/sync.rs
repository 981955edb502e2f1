//! Keeps tables filled: what is missing of a range is read in the background, the newest rows first, and held.
//!
//! The newest rows are read at sync priority, the past as a backfill, both within a share of the quota. Each page is held
//! before the next is asked for, so whenever the process ends, a page at the most is read again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::cache::{Asks, Claim, Key, Plan};
use super::{Fetcher, Run};
use crate::error::{Error, Result};
use crate::model::connector::Paging;
use crate::model::filter::Value;
use crate::model::push::{Filter, Op};
use crate::model::scan::{Filling, Keys, Range, Scan, Source, floor};
use crate::model::statement::{HeldRows, Policy, Priority, Share, Statement, lock};
use crate::model::table::Table;

mod keys;

/// Where pages do not end at an instant, so much is read at once: what breaks off is read again.
const SLICE_US: i64 = 86_400_000_000;

/// What reaches back further than so many times the span in which rows can change is the past.
const TAIL: i64 = 2;

/// The pause after a failure; it doubles, up to the last one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LAST_PAUSE: Duration = Duration::from_secs(300);

/// A table that is to be kept filled.
#[derive(Clone, Debug)]
pub struct Job {
    /// Whose table; its shared credential is used.
    pub source: Arc<Source>,
    /// Which table.
    pub table: &'static Table,
    /// How far back it is filled.
    pub since: Duration,
    /// How often the newest rows are read.
    pub every: Duration,
    /// How much of the quota it may take.
    pub share: Share,
}

/// The progress of all jobs of a process.
#[derive(Debug, Default)]
pub struct Progresses(Mutex<Vec<Filling>>);

impl Progresses {
    /// As they are now.
    pub fn snapshot(&self) -> Vec<Filling> {
        lock(&self.0).clone()
    }

    pub(super) fn update(&self, job: &Job, change: impl FnOnce(&mut Filling)) {
        let mut all = lock(&self.0);
        let is_own = |filling: &Filling| filling.source == job.source.name && filling.table == job.table.name;
        let place = all.iter().position(is_own).unwrap_or_else(|| {
            all.push(Filling {
                source: job.source.name.clone(),
                table: job.table.name.to_owned(),
                since: job.since,
                covered: 0.0,
                rows: 0,
                calls: 0,
                is_filled: false,
                error: None,
            });
            all.len() - 1
        });
        change(&mut all[place]);
    }
}

impl Job {
    /// Makes a job, if the rows of the table can be held by their time.
    ///
    /// # Errors
    /// [`crate::error::Kind::Config`] for a table that cannot be kept filled.
    pub fn new(
        source: &Arc<Source>,
        table: &'static Table,
        since: Duration,
        every: Duration,
        share: Share,
    ) -> Result<Self> {
        if !table.has_own_time() {
            let message = format!("table \"{}.{}\" cannot be kept filled", source.name, table.name);
            return Err(Error::new(crate::error::Kind::Config, message)
                .detail("Its rows do not tell their time, so what is missing of them cannot be told.")
                .hint("Take it out of sync.tables."));
        }
        Ok(Job { source: Arc::clone(source), table, since, every, share })
    }

    /// A statement that fills.
    pub(super) fn statement(
        &self,
        priority: Priority,
        max_staleness: Duration,
        shutdown: &CancellationToken,
    ) -> Arc<Statement> {
        let mut statement = Statement::new("", None, u32::MAX);
        statement.cancel = shutdown.child_token();
        statement.policy = Policy {
            held: HeldRows::UpTo(max_staleness),
            eager: true,
            priority,
            share: self.share,
            ..Policy::default()
        };
        Arc::new(statement)
    }

    /// The scans of the whole range: one, or one for each value that the source wants to be told.
    fn scans(&self, now_us: i64) -> Vec<Scan> {
        let since_us = i64::try_from(self.since.as_micros()).unwrap_or(i64::MAX);
        let from = floor(now_us.saturating_sub(since_us), self.table.precision_us);
        let range = Range { from: Some(from), to: None };
        let keys = if self.table.lookup.is_some() { Keys::Listed } else { Keys::NotNeeded };
        let one = Scan { range, keys, rechecked: true, ..Scan::of(&self.source, self.table) };
        let Some(each) = self.table.each else { return vec![one] };
        let values = self.source.setting(each.setting);
        if values.is_empty() {
            return vec![one];
        }
        let with = |value: &String| {
            let filter = Filter::one(each.parameter, Op::Equal, Value::Text(value.clone()));
            Scan { filters: vec![filter], ..one.clone() }
        };
        values.iter().map(with).collect()
    }
}

impl Fetcher {
    /// Keeps a table filled until `shutdown` fires. What fails is told in the log and in the progress, and tried again.
    pub(super) async fn keep_filled(self, job: Job, progress: Arc<Progresses>, shutdown: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        progress.update(&job, |_| {});
        while !shutdown.is_cancelled() {
            let wait = match self.fill(&job, &progress, &shutdown).await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    job.every
                }
                Err(_) if shutdown.is_cancelled() => return,
                Err(error) => {
                    let (source, table) = (&job.source.name, job.table.name);
                    tracing::warn!(source, table, error = %error.message, "table not filled");
                    progress.update(&job, |progress| progress.error = Some(error.message));
                    let wait = pause;
                    pause = (pause * 2).min(LAST_PAUSE);
                    wait
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Fills a table once, up to now.
    ///
    /// # Errors
    /// Those of a query; what has come until then is held.
    pub async fn fill(&self, job: &Job, progress: &Progresses, shutdown: &CancellationToken) -> Result<()> {
        let began = Statement::now_micros();
        for scan in job.scans(began) {
            if let Some(lookup) = job.table.lookup {
                self.fill_keys(job, &scan, lookup, progress, shutdown).await?;
                continue;
            }
            let (mut first, mut last, mut before) = (true, None, 0.0);
            loop {
                // Each slice is found anew, so what others have read meanwhile is not read again.
                let now_us = if first { began } else { Statement::now_micros() };
                let (covered, gap) = self.missing(job, &scan, now_us, began)?;
                progress.update(job, |progress| progress.covered = covered);
                let Some(gap) = gap else { break };
                if last.replace(gap.range) == Some(gap.range) || covered < before {
                    return Err(no_room(job));
                }
                before = covered;
                self.fill_gap(job, scan.clone(), gap, progress, shutdown).await?;
                first = false;
            }
        }
        progress.update(job, |progress| {
            (progress.is_filled, progress.covered, progress.error) = (true, 1.0, None);
        });
        Ok(())
    }

    /// The part of a range that is held, and the newest slice that is missing. What can still change counts as missing
    /// unless it was read since `began`, or shortly before by a process that has ended since.
    fn missing(&self, job: &Job, scan: &Scan, now_us: i64, began: i64) -> Result<(f64, Option<Scan>)> {
        let credential = self.credentials.credential(&scan.source, "")?;
        let key = Key::of(scan, &credential.scope);
        let age = Duration::from_micros(u64::try_from(now_us.saturating_sub(began)).unwrap_or(0));
        let mut statement = Statement::new("", None, u32::MAX);
        statement.started = now_us;
        statement.policy.held = HeldRows::UpTo(age + job.every / 2);
        let fresh = self.freshness(&scan.source, &statement).ok_or_else(nothing_held)?;
        let whole = scan.range.from.map_or(1, |from| now_us.saturating_sub(from)).max(1) as f64;
        let gaps = match self.cache.plan(&key, scan, fresh, Asks::Looks) {
            Some(Plan::Serve(_)) => return Ok((1.0, None)),
            Some(Plan::Stitch(stitch)) => stitch.gaps,
            Some(Plan::Wait(_)) | None => vec![scan.clone()],
        };
        let span = |gap: &Scan| {
            let from = gap.range.from.unwrap_or(0);
            gap.range.to.unwrap_or(now_us).saturating_sub(from).max(0) as f64
        };
        let missing: f64 = gaps.iter().map(span).sum();
        let newest = gaps.into_iter().next_back().map(|gap| slice(job.table, gap, now_us));
        Ok(((1.0 - missing / whole).clamp(0.0, 1.0), newest))
    }

    async fn fill_gap(
        &self,
        job: &Job,
        mut scan: Scan,
        gap: Scan,
        progress: &Progresses,
        shutdown: &CancellationToken,
    ) -> Result<()> {
        scan.range = gap.range;
        let settle_us = i64::try_from(job.source.settle.as_micros()).unwrap_or(i64::MAX);
        let recent = Statement::now_micros().saturating_sub(settle_us.saturating_mul(TAIL));
        let is_tail = scan.range.to.is_none() && scan.range.from.is_some_and(|from| from >= recent);
        let priority = if is_tail { Priority::Sync } else { Priority::Backfill };
        let statement = job.statement(priority, Duration::ZERO, shutdown);
        let credential = self.credentials.credential(&scan.source, "")?;
        let Some(fresh) = self.freshness(&scan.source, &statement) else { return Ok(()) };
        let ledger = statement.open(&scan.source.name, scan.table);
        let key = Key::of(&scan, &credential.scope);
        let run = Run { statement: Arc::clone(&statement), ledger: Arc::clone(&ledger), key, fresh };
        let nothing =
            Scan { projection: if scan.table.narrows { scan.projection.clone() } else { Vec::new() }, ..scan.clone() };
        let claim = Claim::of(&scan);
        let (mut rows, mut calls) = (0, 0);
        let mut batches = self.kept(scan, &nothing, claim, &run);
        while let Some(batch) = batches.next().await {
            batch?;
            let (rows_now, calls_now) =
                (ledger.rows.load(super::Ordering::Relaxed), ledger.calls.load(super::Ordering::Relaxed));
            progress.update(job, |progress| {
                progress.rows += rows_now - rows;
                progress.calls += u64::from(calls_now - calls);
                progress.error = None;
            });
            (rows, calls) = (rows_now, calls_now);
        }
        Ok(())
    }
}

/// What was read is not found, or other rows had to go for it.
pub(super) fn no_room(job: &Job) -> Error {
    let message =
        format!("table \"{}.{}\" cannot be filled: what is read of it is not held", job.source.name, job.table.name);
    Error::new(crate::error::Kind::ConfigurationLimit, message)
        .detail("There is no room for it, or the disk has failed, which the log tells.")
        .hint("Set cache.dir, raise cache.memory or cache.max_bytes, or fill the table less far back.")
}

/// The newest part of a gap that is read at once: all of it where each page that comes is held, a day of it elsewhere.
fn slice(table: &Table, gap: Scan, now_us: i64) -> Scan {
    if matches!(table.paging, Paging::SplitTime { .. }) {
        return gap;
    }
    let end = gap.range.to.unwrap_or(now_us);
    let from = floor(end.saturating_sub(1), SLICE_US);
    let from = gap.range.from.map_or(from, |own| own.max(from));
    Scan { range: Range { from: Some(from), ..gap.range }, ..gap }
}

pub(super) fn nothing_held() -> Error {
    Error::new(crate::error::Kind::Config, "no rows are held, so no table can be filled")
        .hint("Set cache.memory to more than 0.")
}
