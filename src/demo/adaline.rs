//! The Adaline log API: `POST /v2/logs/spans` and `POST /v2/logs/traces`.
//!
//! Pages of at most 200 rows behind a cursor, instants in epoch milliseconds, JSON documents as strings. The vendor's
//! public page decides; where it is silent (the form of a filter, error bodies, null columns) its SDK does.
//!
//! [`data`] has the rows, `query` reads a request's body, `filter` the typed filters, `page` cuts and writes a page.

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
use super::quota::Quota;
use data::Data;
pub use data::{Span, Trace};
use query::{Query, Target};

pub mod data;
mod filter;
mod page;
mod query;
#[cfg(test)]
mod tests;

/// What is served and how nasty it is.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of spans, over all projects.
    pub rows: u64,
    /// Equal seeds give equal rows.
    pub seed: u64,
    /// When the data ends.
    pub now: DateTime<Utc>,
    /// The bearer token that is let in.
    pub key: String,
    /// The projects that exist, each id of 20 to 80 characters; the first has most of the rows.
    pub projects: Vec<String>,
    /// Calls in any 60 seconds; `None` is no limit.
    pub calls_per_minute: Option<u32>,
    /// As older documents have it: the rows stand under `data` instead of `spans` or `traces`.
    pub data_envelope: bool,
    /// A broken server: to a request with a cursor, the next cursor is that same one.
    pub repeats_cursor: bool,
    /// Spans of one project on one instant: with 1, a realistic mix of mostly single ones; with n, blocks of n.
    pub tie: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            rows: 5_000,
            seed: 1,
            now: Utc::now(),
            key: "demo-token".to_owned(),
            projects: vec!["project_demo_alpha_0001".to_owned(), "project_demo_Beta_0002".to_owned()],
            calls_per_minute: None,
            data_envelope: false,
            repeats_cursor: false,
            tie: 1,
        }
    }
}

/// A running Adaline API. Dropping it stops the server.
#[derive(Debug)]
pub struct Adaline {
    host: Host,
    server: Arc<Server>,
}

impl Adaline {
    /// Starts the server on a free port of the loopback address; it is ready when this returns.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(options: Options) -> io::Result<Adaline> {
        let data = Data::new(&options);
        let server = Arc::new(Server { data, quota: Quota::new(options.calls_per_minute), options });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&server));
        Ok(Adaline { host: Host::start(router).await?, server })
    }

    /// The base URL; it ends in `/v2`.
    pub fn url(&self) -> String {
        format!("{}/v2", self.host.url())
    }

    /// Every request answered so far, refused ones too.
    pub fn calls(&self) -> Vec<Exchange> {
        self.host.calls()
    }

    /// The spans of all projects, newest first, those on one instant by descending id.
    pub fn spans(&self) -> &[Span] {
        &self.server.data.spans
    }

    /// The traces of all projects, in the same order.
    pub fn traces(&self) -> &[Trace] {
        &self.server.data.traces
    }
}

#[derive(Debug)]
struct Server {
    options: Options,
    data: Data,
    quota: Quota,
}

async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    // The host holds the whole body already.
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    match server.search(&head.method, head.uri.path(), &head.headers, &body) {
        Ok(page) => respond(StatusCode::OK, &page),
        Err(refusal) => refusal.response(),
    }
}

impl Server {
    fn search(&self, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
        let target = match path {
            "/v2/logs/spans" => Target::Spans,
            "/v2/logs/traces" => Target::Traces,
            _ => return Err(Refusal::NoRoute),
        };
        if method != Method::POST {
            return Err(Refusal::NoRoute);
        }
        self.authorize(headers)?;
        // How long to wait is not told.
        self.quota.take().map_err(|_| Refusal::TooMany)?;
        let query = Query::parse(body, target)?;
        if !self.options.projects.contains(&query.project_id) {
            return Err(Refusal::NoProject);
        }
        Ok(match target {
            Target::Spans => page::page(&self.data.spans, &query, &self.options, "spans"),
            Target::Traces => page::page(&self.data.traces, &query, &self.options, "traces"),
        })
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let key = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "));
        if key == Some(self.options.key.as_str()) { Ok(()) } else { Err(Refusal::Unauthorized) }
    }
}

/// One fault of a request's body: the field and what is wrong with it.
#[derive(Debug)]
struct Issue {
    field: String,
    issue: &'static str,
}

/// Why there are no rows.
#[derive(Debug)]
enum Refusal {
    Unauthorized,
    TooMany,
    NoRoute,
    NoProject,
    NotJson,
    Invalid(Vec<Issue>),
    Cursor,
}

impl Refusal {
    /// Both documented forms of an error occur: an object, and a bare text for what no handler has seen.
    fn response(&self) -> Response {
        let coded = |code: &str, message: &str| json!({ "code": code, "message": message });
        let (status, error) = match self {
            Refusal::Unauthorized => {
                (StatusCode::UNAUTHORIZED, coded("AUTHENTICATION_REQUIRED", "Missing or invalid API key."))
            }
            Refusal::TooMany => {
                let message = "Rate limit exceeded. Please try again later.";
                (StatusCode::TOO_MANY_REQUESTS, coded("RATE_LIMIT_EXCEEDED", message))
            }
            Refusal::NoRoute => (StatusCode::NOT_FOUND, Value::from("Not found")),
            Refusal::NoProject => (StatusCode::NOT_FOUND, coded("RESOURCE_NOT_FOUND", "Project not found.")),
            Refusal::NotJson => (StatusCode::BAD_REQUEST, Value::from("The request body is no JSON object")),
            Refusal::Invalid(issues) => {
                let mut error = coded("VALIDATION_ERROR", "The request is invalid.");
                error["details"] =
                    issues.iter().map(|one| json!({ "field": one.field, "issue": one.issue })).collect::<Value>();
                (StatusCode::BAD_REQUEST, error)
            }
            Refusal::Cursor => (StatusCode::BAD_REQUEST, coded("INVALID_CURSOR", "The cursor is invalid.")),
        };
        respond(status, &json!({ "error": error }))
    }
}

fn respond(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
