//! Keeps a table filled whose rows come only by key: its list is read, then the keys whose rows are missing, the newest
//! first.
//!
//! As long as more rows may come under a key it is read again, each time after about twice as long as before: more come
//! mostly soon after the first ones, and each look costs a call.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use datafusion::arrow::record_batch::RecordBatch;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::{Job, Progresses, TAIL, no_room, nothing_held};
use crate::error::Result;
use crate::fetch::cache::{Key as Place, KeyRecord};
use crate::fetch::{Fetcher, Shelf, keyed};
use crate::model::scan::{Fetch, Keys, Scan};
use crate::model::statement::{Priority, Statement};
use crate::model::table::Lookup;

/// Keys that are asked for by one statement: its ledger names each call.
const AT_ONCE: usize = 100;

/// A key as the list has it, with the time of its entry; without one it counts as new.
type Listed = (String, i64);

impl Fetcher {
    /// Fills the rows of all keys that are listed for the range of a scan.
    pub(super) async fn fill_keys(
        &self,
        job: &Job,
        scan: &Scan,
        lookup: Lookup,
        progress: &Progresses,
        shutdown: &CancellationToken,
    ) -> Result<()> {
        let began = Statement::now_micros();
        let listed = self.list(job, scan, lookup, progress, shutdown).await?;
        let scope = self.credentials.credential(&scan.source, "")?.scope;
        let key = Place::of(scan, &scope);
        let statement = job.statement(Priority::Backfill, Duration::ZERO, shutdown);
        let fresh = self.freshness(&scan.source, &statement).ok_or_else(nothing_held)?;
        let shelf = Shelf { cache: Arc::clone(&self.cache), key, fresh, to: None, only: false };
        let (due, held): (Vec<Listed>, Vec<Listed>) = listed
            .into_iter()
            .partition(|(key, since)| is_due(shelf.cache.known(&shelf.key, key), *since, job.every, began));
        let (n_all, mut n_held) = ((due.len() + held.len()).max(1), held.len());
        let tell = |n_held: usize| {
            progress.update(job, |progress| progress.covered = n_held as f64 / n_all as f64);
        };
        tell(n_held);
        let settle_us = i64::try_from(job.source.settle.as_micros()).unwrap_or(i64::MAX);
        let recent = began.saturating_sub(settle_us.saturating_mul(TAIL));
        for keys in
            due.chunk_by(|one, next| (one.1 >= recent) == (next.1 >= recent)).flat_map(|run| run.chunks(AT_ONCE))
        {
            let priority = if keys[0].1 >= recent { Priority::Sync } else { Priority::Backfill };
            let statement = job.statement(priority, Duration::ZERO, shutdown);
            let names: Vec<String> = keys.iter().map(|(key, _)| key.clone()).collect();
            let own = Scan { keys: Keys::Known(names.clone()), ..scan.clone() };
            self.count(job, own, &statement, progress, |_| ()).await?;
            if names.iter().any(|name| shelf.cache.known(&shelf.key, name).is_none_or(|known| known.read_at < began)) {
                return Err(no_room(job));
            }
            for (key, since) in keys {
                shelf.cache.settle_empty(&shelf.key, key, scan.table, *since, fresh)?;
            }
            n_held += keys.len();
            tell(n_held);
        }
        Ok(())
    }

    /// The keys that are listed for a scan, with the time of their entries, the newest first.
    async fn list(
        &self,
        job: &Job,
        scan: &Scan,
        lookup: Lookup,
        progress: &Progresses,
        shutdown: &CancellationToken,
    ) -> Result<Vec<Listed>> {
        let statement = job.statement(Priority::Sync, job.every / 2, shutdown);
        let mut listed = Vec::new();
        for list in keyed::listings(scan, &scan.source, lookup)? {
            let entries = |batch: &RecordBatch| {
                listed.extend(keyed::entries(batch).into_iter().map(|(key, time)| (key, time.unwrap_or(i64::MAX))));
            };
            self.count(job, list, &statement, progress, entries).await?;
        }
        listed.sort_unstable_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        listed.dedup_by(|one, other| one.0 == other.0);
        if lookup.uuid {
            listed.retain(|(key, _)| crate::model::push::is_uuid(key));
        }
        Ok(listed)
    }

    /// Reads a scan to its end, and enters what that takes into the progress.
    async fn count(
        &self,
        job: &Job,
        scan: Scan,
        statement: &Arc<Statement>,
        progress: &Progresses,
        mut each: impl FnMut(&RecordBatch),
    ) -> Result<()> {
        let mut batches = self.fetch(scan, Arc::clone(statement));
        let sums = || {
            let ledgers = statement.scans();
            let rows: u64 = ledgers.iter().map(|ledger| ledger.rows.load(Ordering::Relaxed)).sum();
            let calls: u64 = ledgers.iter().map(|ledger| u64::from(ledger.calls.load(Ordering::Relaxed))).sum();
            (rows, calls)
        };
        let mut before = sums();
        while let Some(batch) = batches.next().await {
            each(&batch?);
            let now = sums();
            progress.update(job, |progress| {
                progress.rows += now.0 - before.0;
                progress.calls += now.1 - before.1;
                progress.error = None;
            });
            before = now;
        }
        Ok(())
    }
}

/// Whether a key that began at `since` is to be read, again or at all.
fn is_due(known: Option<KeyRecord>, since: i64, every: Duration, now_us: i64) -> bool {
    let Some(known) = known else { return true };
    let every_us = i64::try_from(every.as_micros()).unwrap_or(i64::MAX);
    let (passed_us, lived_us) = (now_us.saturating_sub(known.read_at), known.read_at.saturating_sub(since));
    !known.settled && passed_us >= every_us / 2 && passed_us >= lived_us
}
