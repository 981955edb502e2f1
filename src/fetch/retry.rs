//! One page, by as many calls as it takes: permit, send, read, and again if the failure may pass.
//!
//! Every request is a read, hence safe to repeat; and no row of a page has been handed on before all have come, hence a
//! body that broke off is repeated like any other failure.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use datafusion::arrow::record_batch::RecordBatch;
use futures::StreamExt;
use tokio::time::Instant;

use super::limiter::{self, Limiter, whole_seconds};
use crate::error::{Error, Kind, Result};
use crate::model::connector::Request;
use crate::model::scan::{Page, Scan};
use crate::model::statement::{Ledger, Notice, Severity, Statement};
use crate::upstream::decode::Decoder;
use crate::upstream::http::{Body, Break, Credential, Transport};
use crate::upstream::refusal::{Refusal, Retry};

/// Attempts at one page.
const MAX_ATTEMPTS: u32 = 3;
/// Redirects followed for one page.
const MAX_HOPS: u32 = 3;
/// The pause after the first failure; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Makes the calls of one scan.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) limiter: Arc<Limiter>,
    pub(super) credential: Credential,
    pub(super) statement: Arc<Statement>,
    pub(super) ledger: Arc<Ledger>,
}

/// How far the attempts at one page have come.
#[derive(Debug, Default)]
struct Progress {
    failures: u32,
    hops: u32,
    /// Where a redirect led.
    at: Option<String>,
}

impl Caller {
    /// Reads one page, all of it. Dropping the future ends the call that is under way.
    pub(super) async fn page(
        &self,
        scan: &Scan,
        page: &Page,
        columns: &[usize],
        window_end_us: i64,
    ) -> Result<Vec<RecordBatch>> {
        let request = (scan.source.connector.request)(scan, page);
        let mut progress = Progress::default();
        loop {
            let decoder = Decoder::new(scan, columns, window_end_us)?;
            match self.attempt(scan, &request, progress.at.as_deref(), decoder).await {
                Ok(batches) => return Ok(batches),
                Err(refusal) => self.wait_for_next(refusal, &mut progress).await?,
            }
        }
    }

    /// Makes one call.
    async fn attempt(
        &self,
        scan: &Scan,
        request: &Request,
        at: Option<&str>,
        decoder: Decoder,
    ) -> Result<Vec<RecordBatch>, Refusal> {
        // Before the wait: a budget that is used up is no reason to wait for a permit.
        self.statement.count_call().map_err(Refusal::fatal)?;
        let mut permit = {
            let started = Instant::now();
            let permit = self.limiter.acquire(&self.statement, |wait| self.tell(wait)).await;
            let waited = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.ledger.waited_us.fetch_add(waited, Ordering::Relaxed);
            permit.map_err(Refusal::fatal)?
        };
        self.ledger.request(match at {
            Some(at) => format!("{request} (redirected to {at})"),
            None => request.to_string(),
        });
        permit.sent();
        let answer = self.within(self.transport.send(&scan.source, request, at, &self.credential)).await;
        permit.settle();
        let body = self.within(answer.map_err(Refusal::fatal)??.rows(&scan.source)).await.map_err(Refusal::fatal)??;
        // The permit lives until here, because the call does.
        let batches = self.read(body, decoder).await;
        drop(permit);
        batches
    }

    async fn read(&self, mut body: Body, mut decoder: Decoder) -> Result<Vec<RecordBatch>, Refusal> {
        loop {
            match self.within(body.next()).await.map_err(Refusal::fatal)? {
                Some(Ok(piece)) => {
                    self.ledger.bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
                    decoder.feed(&piece).map_err(retriable_if_cut)?;
                }
                Some(Err(broken)) => return Err(broken_off(broken, &decoder)),
                None => return decoder.finish().map_err(retriable_if_cut),
            }
        }
    }

    /// Decides whether there is another attempt, and waits until it is due.
    async fn wait_for_next(&self, refusal: Refusal, progress: &mut Progress) -> Result<()> {
        let Refusal { error, retry } = refusal;
        if let Retry::Follow(at) = retry {
            progress.hops += 1;
            progress.at = Some(at);
            return if progress.hops > MAX_HOPS { Err(error) } else { Ok(()) };
        }
        if retry == Retry::No {
            return Err(error);
        }
        progress.failures += 1;
        let now = Instant::now();
        let pause = match retry {
            Retry::After(wait) => {
                self.limiter.penalize(now + wait);
                wait
            }
            _ => jittered(FIRST_PAUSE * 2_u32.saturating_pow(progress.failures - 1)),
        };
        if progress.failures >= MAX_ATTEMPTS {
            return Err(and(error, &format!("It was tried {MAX_ATTEMPTS} times.")));
        }
        if self.statement.deadline.is_some_and(|deadline| deadline <= now + pause) {
            let pause = whole_seconds(pause);
            let why = format!("Another attempt is due in {pause} s, which is after the statement's deadline.");
            return Err(and(error, &why));
        }
        if matches!(retry, Retry::After(_)) {
            // The limiter lets nobody through before.
            return Ok(());
        }
        self.within(tokio::time::sleep(pause)).await
    }

    /// Runs a future until the statement is stopped or its deadline passes.
    async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.statement.cancel.cancelled() => Err(self.statement.stopped()),
            () = limiter::until(self.statement.deadline) => Err(self.statement.stopped()),
            done = work => Ok(done),
        }
    }

    fn tell(&self, wait: Duration) {
        let seconds = whole_seconds(wait);
        let usage = self.limiter.snapshot();
        let per = whole_seconds(usage.quota.per);
        self.statement.notice(Notice {
            severity: Severity::Notice,
            message: format!("waiting {seconds} s for the quota of source \"{}\"", usage.source),
            detail: Some(format!("{} calls per {per} s are allowed, and {} are taken.", usage.quota.calls, usage.used)),
            hint: None,
        });
    }
}

fn retriable_if_cut(error: Error) -> Refusal {
    let retry = if error.kind == Kind::UpstreamTruncated { Retry::Backoff } else { Retry::No };
    Refusal { error, retry }
}

fn broken_off(broken: Break, decoder: &Decoder) -> Refusal {
    let error = match broken {
        Break::Cut(cause) => decoder.cut(format!("The connection broke: {cause}.")),
        Break::Silent => decoder.cut("Nothing came for too long."),
        Break::Corrupt(cause) => Error::new(Kind::UpstreamFault, "upstream sent a body that cannot be decompressed")
            .detail(format!("After {} rows: {cause}.", decoder.rows())),
    };
    Refusal { error, retry: Retry::Backoff }
}

fn and(mut error: Error, sentence: &str) -> Error {
    error.detail = Some(match error.detail {
        // Upstream's own words may end in anything.
        Some(detail) if detail.ends_with(['.', '!', '?']) => format!("{detail} {sentence}"),
        Some(detail) => format!("{detail}. {sentence}"),
        None => sentence.to_owned(),
    });
    error
}

/// Between half of it and all of it, so that those who failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    pause / 2 + pause.mul_f64((random % 1_000) as f64 / 2_000.0)
}
