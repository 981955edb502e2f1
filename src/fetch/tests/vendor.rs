//! A Spanlens in memory: rows, an order, a row limit, and whatever faults it is told to have.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::Notify;

use super::*;
use crate::upstream::http::Response;
use crate::upstream::refusal::{Headers, Refusal};

/// In which order the rows come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sorting {
    Newest,
    Oldest,
    /// By something else.
    Scattered,
}

#[derive(Debug)]
pub(super) struct Vendor {
    /// Id and time in microseconds.
    pub(super) rows: Vec<(String, i64)>,
    pub(super) sorting: Sorting,
    pub(super) max_rows: usize,
    /// Does not look at `from` and `to`.
    pub(super) ignores_window: bool,
    /// Cuts the times of its rows to this before it compares them with the bounds.
    pub(super) compares_at_us: i64,
    /// Status, headers and body for the first calls, before it answers with rows.
    pub(super) first: Mutex<Vec<(u16, Headers, &'static str)>>,
    /// Does not answer at all until the test says so.
    pub(super) hangs: bool,
    pub(super) calls: AtomicU32,
    pub(super) called: Notify,
}

/// 2026-05-15 00:00:00 UTC.
pub(super) const START: i64 = 1_778_803_200_000_000;

impl Vendor {
    pub(super) fn new(rows: Vec<(String, i64)>, sorting: Sorting) -> Self {
        Vendor {
            rows,
            sorting,
            max_rows: 10_000,
            ignores_window: false,
            compares_at_us: 1,
            first: Mutex::default(),
            hangs: false,
            calls: AtomicU32::new(0),
            called: Notify::new(),
        }
    }

    /// Rows `r0`, `r1`, … whose times the function gives, from [`START`].
    pub(super) fn of(count: usize, sorting: Sorting, time: impl Fn(i64) -> i64) -> Self {
        let rows = (0..count).map(|index| (format!("r{index}"), START + time(index as i64))).collect();
        Vendor::new(rows, sorting)
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.rows.iter().map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    fn answer(&self, request: &Request) -> String {
        let parameter = |name: &str| request.query.iter().find(|(other, _)| *other == name).map(|(_, value)| value);
        let bound = |name| {
            let text = parameter(name).filter(|_| !self.ignores_window)?;
            Some(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros())
        };
        let (from, to) = (bound("from").unwrap_or(i64::MIN), bound("to").unwrap_or(i64::MAX));
        let limit: usize = parameter("limit").unwrap().parse().unwrap();
        let compared = |time: i64| time - time.rem_euclid(self.compares_at_us);
        let inside = |row: &&(String, i64)| (from..=to).contains(&compared(row.1));
        let mut rows: Vec<&(String, i64)> = self.rows.iter().filter(inside).collect();
        match self.sorting {
            Sorting::Newest => rows.sort_by_key(|row| std::cmp::Reverse(row.1)),
            Sorting::Oldest => rows.sort_by_key(|row| row.1),
            Sorting::Scattered => {
                rows.sort_by_key(|row| {
                    let mut hasher = std::hash::DefaultHasher::new();
                    std::hash::Hash::hash(&row, &mut hasher);
                    std::hash::Hasher::finish(&hasher)
                });
            }
        }
        let rows: Vec<String> =
            rows.into_iter().take(limit.min(self.max_rows)).map(|row| json(&row.0, row.1)).collect();
        format!("[{}]", rows.join(","))
    }
}

/// A row of requests and of security.
pub(super) fn json(id: &str, time: i64) -> String {
    let time = crate::model::scan::iso_micros(time);
    format!(
        r#"{{"id":"{id}","project_id":"p","provider":"openai","model":"m","prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"cost_usd":0.5,"latency_ms":4,"status_code":200,"flags":[],"error_message":null,"trace_id":null,"created_at":"{time}"}}"#
    )
}

impl Transport for Vendor {
    fn send<'a>(
        &'a self,
        _source: &'a Source,
        request: &'a Request,
        _at: Option<&'a str>,
        _credential: &'a Credential,
    ) -> BoxFuture<'a, Result<Response, Refusal>> {
        Box::pin(async move {
            self.calls.fetch_add(1, Ordering::Relaxed);
            self.called.notify_one();
            if self.hangs {
                std::future::pending::<()>().await;
            }
            let mut first = crate::model::statement::lock(&self.first);
            let (status, headers, body) = if first.is_empty() {
                (200, Headers::default(), Bytes::from(self.answer(request)))
            } else {
                let (status, headers, body) = first.remove(0);
                (status, headers, Bytes::from(body))
            };
            let pieces: Vec<_> = body.chunks(4_096).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            Ok(Response { status, headers, body: stream::iter(pieces).boxed() })
        })
    }
}
