//! The Spanlens export API: `GET /api/v1/exports/{requests,traces,anomalies,security}`.
//!
//! CSV unless `format=json`; at most 10 000 rows a response and no word about more; the default window is the last 30
//! days; from and to are inclusive, compared in whole milliseconds; newest first, rows on one instant in no order. The
//! vendor's public page decides; where it is silent (headers, error bodies, columns of anomalies and security) the
//! server's published source does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::data::{Data, Table};
use super::feed::{self, Form, Gauge, Plan};
use super::params::{Params, instant_ms};
use super::quota::{Quota, whole_seconds};
use super::text::{Style, push_time};
use super::{Call, Envelope, Options, Order, Progress};

const PREFIX: &str = "/api/v1/exports/";
const DEFAULT_WINDOW: TimeDelta = TimeDelta::days(30);

/// The server's state.
#[derive(Debug)]
pub(super) struct Spanlens {
    options: Options,
    data: Arc<Data>,
    quota: Quota,
    started: Instant,
    answered: AtomicU64,
    log: Mutex<Vec<(Call, Option<Arc<Gauge>>)>>,
}

/// Answers every path: what is no export is a 404, and is in the call log too.
pub(super) fn router(state: Arc<Spanlens>) -> Router {
    Router::new().fallback(answer).with_state(state)
}

impl Spanlens {
    /// Needs the clock of a tokio runtime.
    pub(super) fn new(options: Options) -> Spanlens {
        Spanlens {
            data: Arc::new(Data::new(&options)),
            quota: Quota::new(options.calls_per_minute),
            started: Instant::now(),
            answered: AtomicU64::new(0),
            log: Mutex::default(),
            options,
        }
    }

    pub(super) fn data(&self) -> &Data {
        &self.data
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter()
            .map(|(call, gauge)| match gauge {
                Some(gauge) => Call { rows: gauge.rows(), body: gauge.progress(), ..call.clone() },
                None => call.clone(),
            })
            .collect()
    }

    /// The server's clock: it starts at the end of the data and runs with tokio's.
    fn now(&self) -> DateTime<Utc> {
        self.options.now + self.started.elapsed()
    }

    /// What is answered to an export, and the gauge of its body if it has rows.
    fn export(&self, table: Table, query: &str, request: &Request) -> Result<(Response, Arc<Gauge>), Refusal> {
        self.authorize(request.headers())?;
        self.quota.take().map_err(Refusal::TooMany)?;
        let params = Params::parse(query, self.options.page_cap.max(1));
        let json = params.json;
        let plan = self.plan(table, params, query)?;
        let gauge = Arc::new(Gauge::default());
        let body = Body::from_stream(feed::stream(Arc::clone(&self.data), plan, Arc::clone(&gauge)));
        let mut response = Response::new(body);
        let (kind, extension) = if json { ("application/json", "json") } else { ("text/csv; charset=utf-8", "csv") };
        let date = self.now().date_naive();
        let file = format!("attachment; filename=\"spanlens-{}-{date}.{extension}\"", name(table));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CONTENT_DISPOSITION, value(&file));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok((response, gauge))
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let token = headers
            .get(AUTHORIZATION)
            .and_then(|header| header.to_str().ok())
            .and_then(|header| header.strip_prefix("Bearer "))
            .ok_or(Refusal::Unauthorized("Missing or invalid Authorization header"))?;
        if token == self.options.token { Ok(()) } else { Err(Refusal::Unauthorized("Invalid or expired token")) }
    }

    fn plan(&self, table: Table, params: Params, query: &str) -> Result<Plan, Refusal> {
        let now = self.now();
        let windowless = self.options.ignore_window && matches!(table, Table::Anomalies | Table::Security);
        let bound = |text: Option<String>, default: DateTime<Utc>| match text {
            Some(text) => instant_ms(&text).ok_or(Refusal::Failed(table)),
            None => Ok(default.timestamp_millis()),
        };
        let (times_ms, limit) = if windowless {
            ((i64::MIN, i64::MAX), self.options.page_cap.max(1))
        } else {
            ((bound(params.from, now - DEFAULT_WINDOW)?, bound(params.to, now)?), params.limit)
        };
        let range = match table {
            Table::Anomalies => 0..self.data.count(table),
            _ => self.data.window(table, times_ms.0, times_ms.1),
        };
        let order = match table {
            Table::Requests | Table::Traces => self.options.order,
            Table::Security | Table::Anomalies => Order::NewestFirst,
        };
        let form = match (params.json, self.options.envelope) {
            (false, _) => Form::Csv,
            (true, Envelope::Bare) => Form::Bare,
            (true, Envelope::Object) => Form::Object(exported_at(now)),
        };
        let nonce = super::dice::hash(query.as_bytes());
        Ok(Plan { table, form, range, times_ms, filter: params.filter, limit: limit as u64, order, nonce })
    }

    /// What the server puts on every answer. `Remaining` is no real count there either.
    fn mark(&self, headers: &mut HeaderMap, id: &str, refused: bool) {
        headers.insert("x-request-id", value(id));
        headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
        let Some(limit) = self.options.calls_per_minute else { return };
        let next_minute = (self.now().timestamp().div_euclid(60) + 1) * 60;
        headers.insert("x-ratelimit-limit", HeaderValue::from(limit));
        headers.insert("x-ratelimit-window", HeaderValue::from_static("60s"));
        headers.insert("x-ratelimit-reset", HeaderValue::from(next_minute));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(if refused { 0 } else { limit.saturating_sub(1) }));
    }
}

async fn answer(State(server): State<Arc<Spanlens>>, request: Request) -> Response {
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let id = format!("demo-{:06}", server.answered.fetch_add(1, Ordering::Relaxed) + 1);
    let table = if request.method() == Method::GET { path.strip_prefix(PREFIX).and_then(named) } else { None };
    let result = match table {
        Some(table) => server.export(table, query, &request),
        None => Err(Refusal::NotFound),
    };
    let refused = matches!(result, Err(Refusal::TooMany(_)));
    let (mut response, gauge) = match result {
        Ok((response, gauge)) => (response, Some(gauge)),
        Err(refusal) => (refusal.response(&id, server.options.calls_per_minute), None),
    };
    server.mark(response.headers_mut(), &id, refused);
    let call = Call {
        method: request.method().as_str().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        status: response.status().as_u16(),
        at: server.started.elapsed(),
        rows: 0,
        body: Progress::Whole,
    };
    server.log.lock().unwrap_or_else(PoisonError::into_inner).push((call, gauge));
    response
}

/// Why there are no rows.
#[derive(Debug)]
enum Refusal {
    Unauthorized(&'static str),
    NotFound,
    TooMany(Duration),
    /// A bound of the window is no time: the server does not check it and fails on it.
    Failed(Table),
}

impl Refusal {
    fn response(&self, request_id: &str, limit: Option<u32>) -> Response {
        let (status, code, message) = match self {
            Refusal::Unauthorized(message) => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED", (*message).to_owned()),
            Refusal::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND", "Not found".to_owned()),
            Refusal::TooMany(wait) => {
                let (limit, seconds) = (limit.unwrap_or_default(), whole_seconds(*wait));
                let message = format!("API rate limit exceeded: {limit} requests/min. Retry after {seconds} seconds.");
                (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT", message)
            }
            Refusal::Failed(table) => {
                let message = format!("Failed to export {}", name(*table));
                (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", message)
            }
        };
        let mut error = json!({ "code": code, "message": message });
        if let Refusal::TooMany(_) = self {
            error["details"] = json!({ "limit": limit, "window": "60s" });
        }
        error["requestId"] = Value::from(request_id);
        let mut response = Response::new(Body::from(json!({ "error": error }).to_string()));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Refusal::TooMany(wait) = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(*wait)));
        }
        response
    }
}

fn named(name: &str) -> Option<Table> {
    match name {
        "requests" => Some(Table::Requests),
        "traces" => Some(Table::Traces),
        "anomalies" => Some(Table::Anomalies),
        "security" => Some(Table::Security),
        _ => None,
    }
}

fn name(table: Table) -> &'static str {
    match table {
        Table::Requests => "requests",
        Table::Traces => "traces",
        Table::Anomalies => "anomalies",
        Table::Security => "security",
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("made of names, digits and dashes")
}

fn exported_at(now: DateTime<Utc>) -> String {
    let mut text = Vec::new();
    push_time(&mut text, now.timestamp_millis() * 1000, Style::Zulu);
    String::from_utf8(text).expect("times are ASCII")
}
