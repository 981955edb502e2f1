//! An upstream in memory that answers each request by a function of it, and keeps what it was asked.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::Notify;

use super::*;
use crate::upstream::http::Response;
use crate::upstream::refusal::{Headers, Refusal};

/// What comes back.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) body: String,
}

/// An answer to a request, of which it is told how many came before.
type Answerer = Box<dyn Fn(&Request, usize) -> Answer + Send + Sync>;

pub(super) struct Paged {
    answerer: Answerer,
    /// Answers to downloads, in their order.
    pub(super) files: Mutex<Vec<Answer>>,
    pub(super) asked: Mutex<Vec<Request>>,
    /// Calls from this one on get no answer.
    pub(super) hangs_from: usize,
    under_way: AtomicUsize,
    most: AtomicUsize,
    pub(super) called: Notify,
}

struct UnderWay<'a>(&'a Paged);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

impl std::fmt::Debug for Paged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Paged").finish_non_exhaustive()
    }
}

pub(super) fn ok(body: String) -> Answer {
    Answer { status: 200, headers: Headers::default(), body }
}

pub(super) fn refusal(status: u16, body: &str) -> Answer {
    Answer { status, ..ok(body.to_owned()) }
}

impl Paged {
    pub(super) fn new(answerer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        Paged {
            answerer: Box::new(answerer),
            files: Mutex::default(),
            asked: Mutex::default(),
            hangs_from: usize::MAX,
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            called: Notify::new(),
        }
    }

    pub(super) fn asked(&self) -> Vec<Request> {
        crate::model::statement::lock(&self.asked).clone()
    }

    pub(super) fn calls(&self) -> usize {
        self.asked().len()
    }

    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }

    /// Whether all calls end; one that nobody waits for any more does so as soon as its task has a turn.
    pub(super) async fn is_left_alone(&self) -> bool {
        for _ in 0..1_000 {
            if self.under_way() == 0 {
                return true;
            }
            tokio::task::yield_now().await;
        }
        false
    }

    /// Calls that were under way at once, at the most.
    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

/// What a scan brings, and the statement it ran in.
pub(super) async fn read(vendor: &Arc<Paged>, scan: Scan) -> (Result<Vec<RecordBatch>>, Arc<Statement>) {
    let statement = patient();
    let rows = collect(start(vendor, scan, &statement)).await;
    (rows, statement)
}

pub(super) fn start(vendor: &Arc<Paged>, scan: Scan, statement: &Arc<Statement>) -> Batches {
    let transport: Arc<dyn Transport> = Arc::<Paged>::clone(vendor);
    fetcher(transport).fetch(scan, Arc::clone(statement))
}

/// The rows of a scan that succeeds; every call stands in a ledger, and every row that came.
pub(super) async fn rows_of(vendor: &Arc<Paged>, scan: Scan) -> Vec<RecordBatch> {
    let table = scan.table.name;
    let (rows, statement) = read(vendor, scan).await;
    let rows = rows.unwrap();
    let ledgers = statement.scans();
    let calls: u32 = ledgers.iter().map(|ledger| ledger.calls.load(Ordering::Relaxed)).sum();
    assert_eq!(calls as usize, vendor.calls());
    let ledger = ledgers.iter().find(|ledger| ledger.table == table).unwrap();
    assert_eq!(ledger.rows.load(Ordering::Relaxed), count(&rows) as u64);
    assert_eq!(ledger.ended(), crate::model::statement::End::Complete);
    rows
}

pub(super) async fn failure_of(vendor: &Arc<Paged>, scan: Scan) -> Error {
    read(vendor, scan).await.0.expect_err("it cannot be read")
}

pub(super) fn parameter<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.query.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
}

/// A bound in a request's query, in microseconds.
pub(super) fn bound(request: &Request, name: &str) -> Option<i64> {
    let text = parameter(request, name)?;
    Some(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros())
}

/// A column of times or doubles, as whole numbers.
pub(super) fn numbers(batches: &[RecordBatch], name: &str) -> Vec<i64> {
    let column = |batch: &RecordBatch| {
        let column = Arc::clone(batch.column_by_name(name).unwrap());
        match column.as_primitive_opt::<TimestampMicrosecondType>() {
            Some(times) => times.values().to_vec(),
            None => {
                let doubles = column.as_primitive::<datafusion::arrow::datatypes::Float64Type>();
                doubles.values().iter().map(|value| *value as i64).collect()
            }
        }
    };
    batches.iter().flat_map(column).collect()
}

impl Transport for Paged {
    fn send<'a>(
        &'a self,
        _source: &'a Source,
        request: &'a Request,
        _at: Option<&'a str>,
        _credential: &'a Credential,
    ) -> BoxFuture<'a, Result<Response, Refusal>> {
        Box::pin(async move {
            let before = {
                let mut asked = crate::model::statement::lock(&self.asked);
                asked.push(request.clone());
                asked.len() - 1
            };
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            let _under_way = UnderWay(self);
            self.most.fetch_max(now, Ordering::SeqCst);
            self.called.notify_one();
            if before >= self.hangs_from {
                std::future::pending::<()>().await;
            }
            // Whoever else wants to call does so meanwhile; and calls made together do not end together.
            for _ in 0..5 * (before % 4 + 1) {
                tokio::task::yield_now().await;
            }
            Ok(response((self.answerer)(request, before)))
        })
    }

    fn download<'a>(&'a self, _source: &'a Source, url: &'a str) -> BoxFuture<'a, Result<Response, Refusal>> {
        let file = Request::get(url, Vec::new());
        crate::model::statement::lock(&self.asked).push(file);
        let answer = crate::model::statement::lock(&self.files).remove(0);
        Box::pin(std::future::ready(Ok(response(answer))))
    }
}

fn response(answer: Answer) -> Response {
    let Answer { status, headers, body } = answer;
    let pieces: Vec<_> = body.as_bytes().chunks(4_096).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Response { status, headers, body: stream::iter(pieces).boxed() }
}
