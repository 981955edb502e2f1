//! The TruLayer trace API: `GET /v1/traces`, `GET /v1/traces/{id}` and `GET /v1/traces/export`.
//!
//! Spans are exported one trace at a time, as CSV or JSON lines, cut by the plan; which traces there are, a list behind
//! a cursor tells. The vendor's public page decides on the export, its OpenAPI document on the rest.
//!
//! [`data`] has the rows, `list` finds traces, `export` writes spans.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::host::{Exchange, Host};
use super::quota::{Quota, WINDOW};
use data::Data;
pub use data::{Span, Trace};

pub mod data;
mod export;
mod list;
#[cfg(test)]
mod tests;

/// What a tenant without a limit of its own is told: 600 calls a second, counted by the minute.
const TOLD_LIMIT: u32 = 36_000;

/// What is served and how nasty it is.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of traces, over all projects; each has 0 to 60 spans, one has 180.
    pub traces: u64,
    /// Equal seeds give equal rows.
    pub seed: u64,
    /// When the data ends.
    pub now: DateTime<Utc>,
    /// The bearer token that is let in.
    pub key: String,
    /// The projects that exist, as UUIDs; the first has most of the traces.
    pub projects: Vec<String>,
    /// Calls in any 60 seconds; `None` is no limit.
    pub calls_per_minute: Option<u32>,
    /// The most spans of one export: 100 on the smallest plan; `None` is unlimited, 0 a plan without exports.
    pub plan_cap: Option<usize>,
    /// Traces are listed, and spans exported, in no order.
    pub shuffled: bool,
    /// An export of a trace that is not there is a 404; else its body is empty.
    pub unknown_is_404: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            traces: 300,
            seed: 1,
            now: Utc::now(),
            key: "tl_demo".to_owned(),
            projects: vec![
                "0d0e0a11-0000-4000-8000-000000000001".to_owned(),
                "0d0e0a11-0000-4000-8000-000000000002".to_owned(),
            ],
            calls_per_minute: None,
            plan_cap: None,
            shuffled: false,
            unknown_is_404: true,
        }
    }
}

/// A running TruLayer API. Dropping it stops the server.
#[derive(Debug)]
pub struct TruLayer {
    host: Host,
    server: Arc<Server>,
}

impl TruLayer {
    /// Starts the server on a free port of the loopback address; it is ready when this returns.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(options: Options) -> io::Result<TruLayer> {
        let data = Arc::new(Data::new(&options));
        let server = Arc::new(Server { data, quota: Quota::new(options.calls_per_minute), options });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&server));
        Ok(TruLayer { host: Host::start(router).await?, server })
    }

    /// The base URL, without a slash at its end and without a path.
    pub fn url(&self) -> String {
        self.host.url()
    }

    /// Every request answered so far, refused ones too.
    pub fn calls(&self) -> Vec<Exchange> {
        self.host.calls()
    }

    /// The traces of all projects, newest first, those on one instant by descending id.
    pub fn traces(&self) -> &[Trace] {
        &self.server.data.traces
    }

    /// The spans of all traces, in the order of the traces; within one the oldest first.
    pub fn spans(&self) -> &[Span] {
        &self.server.data.spans
    }
}

#[derive(Debug)]
struct Server {
    options: Options,
    data: Arc<Data>,
    quota: Quota,
}

async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    let uri = request.uri();
    let query = uri.query().unwrap_or_default();
    let mut response = server
        .answer(request.method(), uri.path(), query, request.headers())
        .unwrap_or_else(|refusal| refusal.response());
    server.mark(response.headers_mut());
    response
}

impl Server {
    fn answer(&self, method: &Method, path: &str, query: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
        let target = path.strip_prefix("/v1/traces").ok_or(Refusal::NoRoute)?;
        if method != Method::GET {
            return Err(Refusal::NoRoute);
        }
        self.authorize(headers)?;
        // How long to wait is told by the headers of every answer only.
        self.quota.take().map_err(|_| Refusal::TooMany)?;
        match target {
            "" => Ok(respond(StatusCode::OK, &list::list(&self.data, query)?)),
            "/export" => export::export(&self.data, &self.options, query),
            _ => self.trace(target.strip_prefix('/').ok_or(Refusal::NoRoute)?),
        }
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let key = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "));
        if key == Some(self.options.key.as_str()) { Ok(()) } else { Err(Refusal::Unauthorized) }
    }

    /// One trace with its spans.
    fn trace(&self, id: &str) -> Result<Response, Refusal> {
        if !list::is_uuid(id) {
            return Err(Refusal::Invalid("trace id must be a uuid"));
        }
        let (trace, spans) = self.data.trace(id).ok_or(Refusal::NoTrace)?;
        let mut body = trace.json();
        body["spans"] = spans.iter().map(Span::detail).collect();
        Ok(respond(StatusCode::OK, &body))
    }

    fn mark(&self, headers: &mut HeaderMap) {
        let limit = self.quota.limit.unwrap_or(TOLD_LIMIT);
        headers.insert("x-ratelimit-limit", HeaderValue::from(limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(self.quota.left().unwrap_or(limit)));
        headers.insert("x-ratelimit-reset", HeaderValue::from(WINDOW.as_secs()));
    }
}

/// Why there are no rows.
#[derive(Debug)]
enum Refusal {
    Unauthorized,
    TooMany,
    NoRoute,
    NoTrace,
    /// The plan has no exports.
    Plan,
    Invalid(&'static str),
}

impl Refusal {
    fn response(&self) -> Response {
        let (status, body) = match self {
            Refusal::Unauthorized => {
                let body = json!({ "error": "missing or invalid credentials", "code": "invalid_api_key" });
                (StatusCode::UNAUTHORIZED, body)
            }
            Refusal::TooMany => (StatusCode::TOO_MANY_REQUESTS, json!({ "error": "rate limit exceeded" })),
            Refusal::NoRoute => (StatusCode::NOT_FOUND, json!({ "error": "not found" })),
            Refusal::NoTrace => (StatusCode::NOT_FOUND, json!({ "error": "trace not found" })),
            Refusal::Plan => {
                let error = "exports are not part of this plan";
                let body = json!({ "error": error, "code": "plan_upgrade_required", "required_plan": "starter" });
                (StatusCode::PAYMENT_REQUIRED, body)
            }
            Refusal::Invalid(error) => (StatusCode::BAD_REQUEST, json!({ "error": error })),
        };
        respond(status, &body)
    }
}

fn respond(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
