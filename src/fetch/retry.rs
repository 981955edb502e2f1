//! One page, by as many calls as it takes: permit, send, read, and again if the failure may pass.
//!
//! Every request is a read, hence safe to repeat; and no row of a page has been handed on before all have come, hence a
//! body that broke off is repeated like any other failure.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use datafusion::arrow::record_batch::RecordBatch;
use futures::StreamExt;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::limiter::{Limiter, Permit, whole_seconds};
use crate::error::{Error, Kind, Result};
use crate::model::connector::{Body, Request};
use crate::model::scan::{At, Page, Scan, Source};
use crate::model::statement::{End, Ledger, Notice, Severity, Statement};
use crate::upstream::decode::{Decoded, Decoder};
use crate::upstream::http::{Body as Pieces, Break, Credential, Transport};
use crate::upstream::refusal::{Headers, Refusal, Retry};

/// Attempts at one page.
const MAX_ATTEMPTS: u32 = 3;
/// Redirects followed for one page.
const MAX_HOPS: u32 = 3;
/// The pause after the first failure; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Makes the calls of one scan.
#[derive(Clone, Debug)]
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
    ///
    /// The call runs in a task of its own: a consumer that reads other rows first leaves the future unpolled, and its
    /// permit, or its place in the queue for one, would keep those rows from coming.
    pub(super) async fn page(
        &self,
        scan: &Scan,
        page: &Page,
        columns: &[usize],
        window_end_us: i64,
    ) -> Result<Decoded> {
        let (caller, scan, page, columns) = (self.clone(), scan.clone(), page.clone(), columns.to_vec());
        self.apart(async move { caller.call(&scan, &page, &columns, window_end_us).await }).await
    }

    /// Runs work in a task of its own, which ends when the future is dropped.
    pub(super) async fn apart<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        match AbortOnDropHandle::new(tokio::spawn(work)).await {
            Ok(done) => done,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only the process's end takes a task away from its handle.
                Err(_) => Err(self.statement.stopped()),
            },
        }
    }

    async fn call(&self, scan: &Scan, page: &Page, columns: &[usize], window_end_us: i64) -> Result<Decoded> {
        let request = (scan.source.connector.request)(scan, page);
        let mut progress = Progress::default();
        loop {
            let decoder = Decoder::new(scan, columns, window_end_us)?;
            let attempt = match self.attempt(scan, &request, progress.at.as_deref(), decoder).await {
                Ok(Decoded { file_url: Some(url), .. }) => {
                    let decoder = Decoder::of_file(scan, columns, window_end_us)?;
                    self.download(scan, &url, decoder).await
                }
                other => other,
            };
            match attempt {
                Ok(decoded) => return self.judge(scan, page, decoded),
                Err(Refusal { retry: Retry::Absent, error }) => match page.at {
                    At::Key(_) => return Ok(Decoded::default()),
                    // Where no key was asked for, nothing can be absent but what was to be read.
                    _ => return Err(error),
                },
                Err(refusal) => self.wait_for_next(refusal, &mut progress).await?,
            }
        }
    }

    /// What to do about rows that upstream says it left out.
    fn judge(&self, scan: &Scan, page: &Page, decoded: Decoded) -> Result<Decoded> {
        if !decoded.truncated {
            return Ok(decoded);
        }
        let name = format!("{}.{}", scan.source.name, scan.table.name);
        let rows: usize = decoded.batches.iter().map(RecordBatch::num_rows).sum();
        let of_key = match &page.at {
            At::Key(key) => format!(" under key '{key}'"),
            _ => String::new(),
        };
        let message = format!("upstream cut its answer for {name}{of_key} after {rows} rows");
        let detail = "It says so itself, and there is no way to ask for the rest.";
        if !self.statement.policy.warn_on_truncated {
            return Err(Error::new(Kind::UpstreamTruncated, message).detail(detail).hint(
                "SET spanwire.on_truncated = warn takes what comes; the vendor's plan decides how much that is.",
            ));
        }
        self.ledger.end(End::Truncated);
        let notice = Notice { severity: Severity::Warning, message, detail: Some(detail.to_owned()), hint: None };
        self.statement.notice(notice);
        Ok(decoded)
    }

    /// Gets the file that an answer has named. Its address is told to nobody.
    async fn download(&self, scan: &Scan, url: &str, decoder: Decoder) -> Result<Decoded, Refusal> {
        let permit = self.permit("GET the file that the answer names".to_owned());
        let mut permit = permit.await.map_err(Refusal::fatal)?;
        let answer = self.within(self.transport.download(&scan.source, url)).await;
        permit.settle();
        let answer = answer.map_err(Refusal::fatal)??;
        if !(200..300).contains(&answer.status) {
            let (source, table, status) = (&scan.source.name, scan.table.name, answer.status);
            let message = format!("the file of {source}.{table} cannot be fetched (HTTP {status})");
            let error =
                Error::new(Kind::UpstreamFault, message).detail("Its address may have expired before it was used.");
            // A new address comes with a new answer. What the storage says may repeat the address, so it is not read.
            return Err(Refusal { error, retry: Retry::Backoff });
        }
        let body = self.within(answer.rows(&scan.source)).await.map_err(Refusal::fatal)??;
        self.read(body, decoder).await
    }

    /// Takes the right to make one call, and enters the call as sent.
    async fn permit(&self, told: String) -> Result<Permit> {
        // Before the wait: a budget that is used up is no reason to wait for a permit.
        self.statement.count_call()?;
        let started = Instant::now();
        let permit = self.limiter.acquire(&self.statement, |wait| self.tell(wait)).await;
        let waited = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.ledger.waited_us.fetch_add(waited, Ordering::Relaxed);
        let mut permit = permit?;
        self.ledger.request(told);
        permit.sent();
        Ok(permit)
    }

    /// Makes one call.
    async fn attempt(
        &self,
        scan: &Scan,
        request: &Request,
        at: Option<&str>,
        decoder: Decoder,
    ) -> Result<Decoded, Refusal> {
        let told = match at {
            Some(at) => format!("{request} (redirected to {at})"),
            None => request.to_string(),
        };
        let mut permit = self.permit(told).await.map_err(Refusal::fatal)?;
        let answer = self.within(self.transport.send(&scan.source, request, at, &self.credential)).await;
        permit.settle();
        let answer = answer.map_err(Refusal::fatal)??;
        observe(&permit, &scan.source, &answer.headers);
        let truncated = match scan.table.body {
            Body::Lines { truncated } => answer.headers.flags.iter().any(|flag| flag == truncated),
            Body::Rows { .. } | Body::File { .. } => false,
        };
        let body = self.within(answer.rows(&scan.source)).await.map_err(Refusal::fatal)??;
        // The permit lives until here, because the call does.
        let decoded = self.read(body, decoder).await;
        drop(permit);
        decoded.map(|decoded| Decoded { truncated, ..decoded })
    }

    async fn read(&self, mut body: Pieces, mut decoder: Decoder) -> Result<Decoded, Refusal> {
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
        if self.statement.deadline().is_some_and(|deadline| deadline <= now + pause) {
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
            () = self.statement.expired() => Err(self.statement.stopped()),
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

/// Corrects the budget by what an answer tells of it, as far as this vendor's headers say what their names do.
fn observe(permit: &Permit, source: &Source, headers: &Headers) {
    let told = source.connector.told;
    // A limit over another length of time than the budget's cannot be compared with it.
    let limit = headers.limit().filter(|_| told.limit_per == Some(source.quota.per));
    let remaining = headers.remaining().filter(|_| told.remaining);
    if limit.is_some() || remaining.is_some() {
        permit.observe(limit, remaining, headers.reset(SystemTime::now()));
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
