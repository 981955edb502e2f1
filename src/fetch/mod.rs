//! From a scan to batches over HTTP, cheaply and completely: which pages (`pages`), when (`limiter`), how often (`retry`).
//!
//! Invariants: each HTTP attempt, a retry and a redirect too, takes one permit and is counted in the ledger and against
//! the statement. Nothing runs that nobody waits for: the next page is asked for when the consumer polls after the last row
//! of the page before, and dropping the stream closes the connection and gives the permit back. A page is handed on when
//! it is complete and judged, never in part; hence a page that broke off can be asked for again. What is buffered is one
//! page: bounded by upstream's row limit and by the source's `body_bytes`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::model::connector::{Paging, Request};
use crate::model::scan::{Batches, Fetch, Page, Range, Scan, Source};
use crate::model::statement::{Ledger, Statement};
use crate::upstream::http::{Credential, Transport};

use limiter::{Limiters, Usage};
use pages::Pages;
use retry::Caller;

mod judge;
pub mod limiter;
mod pages;
mod retry;
mod rows;

/// How long `spanwire check` waits for a source.
const PROBE_TIMEOUT: Duration = Duration::from_secs(90);

/// Gives the credential with which a user reads a source.
pub trait Credentials: Send + Sync + fmt::Debug {
    /// # Errors
    /// When there is none, or it cannot be read.
    fn credential(&self, source: &Source, user: &str) -> Result<Credential>;
}

/// Reads from all sources, under one set of quotas.
#[derive(Debug)]
pub struct Fetcher {
    transport: Arc<dyn Transport>,
    credentials: Arc<dyn Credentials>,
    limiters: Limiters,
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
        Fetcher { transport, credentials, limiters: Limiters::default() }
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
        let lookback = i64::try_from(source.lookback.as_micros()).unwrap_or(i64::MAX);
        let Paging::SplitTime { precision_us, .. } = source.connector.paging;
        let range = Range { from: Some(now.saturating_sub(lookback)), to: None }.widened(precision_us);
        let scan = Scan {
            source: Arc::clone(source),
            table,
            parameters: Vec::new(),
            range,
            echoes: Vec::new(),
            projection: (0..table.columns.len()).collect(),
            limit: Some(1),
            newest_first: false,
        };
        let statement = Arc::new(Statement::new(user, Some(PROBE_TIMEOUT), u32::MAX));
        let started = Instant::now();
        let caller = self.caller(&scan, &statement, statement.open(&source.name, table))?;
        let page = Page { range, limit: 1 };
        let request: Request = (source.connector.request)(&scan, &page);
        let batches = caller.page(&scan, &page, &scan.projection, now).await?;
        let rows = batches.iter().map(|batch| batch.num_rows()).sum();
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
        let pages = self.caller(&scan, &statement, ledger).map(|caller| Pages::new(scan, caller, now_us()));
        let start = stream::once(std::future::ready(pages));
        start.map_ok(|pages| stream::try_unfold(pages, Pages::step)).try_flatten().boxed()
    }

    fn wait(&self, source: &Source, user: &str) -> Duration {
        // Without a credential there is no budget yet; the call itself will say what is missing.
        let credential = self.credentials.credential(source, user).ok();
        let next_free = credential.and_then(|own| self.limiters.of(source, &own.scope).snapshot().next_free);
        next_free.map_or(Duration::ZERO, |free| free.saturating_duration_since(tokio::time::Instant::now()))
    }
}

fn now_us() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

#[cfg(test)]
mod tests;
