//! The Respan spans list: `POST` or `GET /api/request-logs/list/`, as a server of its own.
//!
//! Pages by number, of at most 1000 rows; the default window is the last hour, by the end of the span; the default
//! scope is production; newest first. The vendor's public page decides; where it is silent (connectors, the meaning of
//! `count`, newer operators and what cannot be filtered) its older pages and its published clients do.
//!
//! Where no document speaks: a larger `page_size` is cut to 1000 without a word; a page beyond the end is empty; a
//! malformed parameter or condition is a 422; an order by a field that does not sort is a 400. Ids are in no order, so
//! that "by id", which the documents say is "by time", must not be taken for an order of the text.
//!
//! Reading order: `span` (a row), `fields` (its members), `query` and `body` (what is asked for), `filter`, then
//! `rows`, `make` and `words` (where the data comes from).
mod body;
mod fields;
mod filter;
mod make;
mod query;
mod refusal;
mod rows;
mod span;
#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::time::Instant;

use super::host::{Exchange, Host};
use super::quota::Quota;
use fields::Row;
use query::Query;
use refusal::Refusal;
pub use span::{Score, Span};

/// The paths of the list, without a slash at their end. The last is what an old client makes of the first.
const PATHS: [&str; 3] = ["/api/request-logs/list", "/api/request-logs", "/request-logs/list"];
const MAX_BODY_BYTES: usize = 1 << 20;
/// Members whose values `fetch_filters` lists, and how many of each.
const FILTER_FIELDS: [&str; 5] = ["model", "provider_id", "log_type", "environment", "status"];
const FILTER_VALUES: usize = 100;

/// What the upstream serves and how nasty it is.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of spans.
    pub rows: u64,
    /// Equal seeds give equal rows.
    pub seed: u64,
    /// When the data ends. The server's own clock starts here and runs with tokio's.
    pub now: DateTime<Utc>,
    /// The bearer token that is let in.
    pub key: String,
    /// Calls in any 60 seconds; `None` is no limit.
    pub calls_per_minute: Option<u32>,
    /// As older servers do: `count` is the number of all rows that the filters take, not of those on the page.
    pub count_is_total: bool,
    /// A faulty server: rows come in one order whatever `sort_by` says.
    pub ignores_sort: bool,
    /// Rows on one instant: with 0 or 1, a realistic mix of mostly single rows; with n, blocks of exactly n.
    pub tie: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            rows: 5_000,
            seed: 1,
            now: Utc::now(),
            key: "demo-token".to_owned(),
            calls_per_minute: None,
            count_is_total: false,
            ignores_sort: false,
            tie: 1,
        }
    }
}

/// A running Respan. Dropping it stops the server and breaks its connections.
#[derive(Debug)]
pub struct Respan {
    host: Host,
    server: Arc<Server>,
}

impl Respan {
    /// Makes the rows and starts the server on a free port of the loopback address; it is ready when this returns.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(options: Options) -> io::Result<Respan> {
        let server = Arc::new(Server {
            spans: rows::make(&options),
            quota: Quota::new(options.calls_per_minute),
            started: Instant::now(),
            options,
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&server));
        Ok(Respan { host: Host::start(router).await?, server })
    }

    /// The base URL, without a slash at its end.
    pub fn url(&self) -> String {
        self.host.url()
    }

    /// Every request answered so far, refused ones too, in the order of the answers.
    pub fn calls(&self) -> Vec<Exchange> {
        self.host.calls()
    }

    /// Every span of every environment, in no special order.
    pub fn spans(&self) -> &[Span] {
        &self.server.spans
    }
}

#[derive(Debug)]
struct Server {
    options: Options,
    spans: Vec<Span>,
    quota: Quota,
    started: Instant,
}

/// The body of an answer with rows.
#[derive(Debug, Serialize)]
struct Page<'a> {
    count: usize,
    next: Option<String>,
    previous: Option<String>,
    results: Vec<Row<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filters_data: Option<BTreeMap<&'static str, BTreeSet<String>>>,
}

impl Server {
    /// Refuses who is not let in, what is not there and who calls too often; a refused call does not count.
    fn admit(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Refusal> {
        if !PATHS.contains(&path.strip_suffix('/').unwrap_or(path)) {
            return Err(Refusal::NotFound);
        }
        if method != Method::GET && method != Method::POST {
            return Err(Refusal::MethodNotAllowed);
        }
        let token = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "));
        if token != Some(self.options.key.as_str()) {
            return Err(Refusal::Unauthorized);
        }
        self.quota.take().map_err(Refusal::TooMany)
    }

    /// The JSON text of a page. Filters of the body are read from a POST only.
    fn list(&self, uri: &Uri, host: &str, body: &[u8]) -> Result<String, Refusal> {
        let text = uri.query().unwrap_or_default();
        let mut query = Query::parse(text, self.options.now + self.started.elapsed())?;
        let body = body::read(body, |name| query.filters(name))?;
        let filter = query.joined(body);
        let mut spans: Vec<&Span> = self.spans.iter().filter(|span| query.takes(span) && filter.takes(span)).collect();
        if !self.options.ignores_sort {
            spans.sort_by(|left, right| query.compare(left, right));
        }
        let before = (query.page - 1).saturating_mul(query.page_size).min(spans.len());
        let after = before.saturating_add(query.page_size).min(spans.len());
        let link = |page: usize| Some(format!("http://{host}{}?{}", uri.path(), turned(text, page)));
        let include = query.include.as_deref();
        let results: Vec<Row<'_>> = spans[before..after].iter().map(|span| Row { span, include }).collect();
        let page = Page {
            count: if self.options.count_is_total { spans.len() } else { results.len() },
            next: if after < spans.len() { link(query.page + 1) } else { None },
            previous: if query.page > 1 { link(query.page - 1) } else { None },
            results,
            filters_data: query.fetch_filters.then(|| choices(&spans)),
        };
        Ok(serde_json::to_string(&page).expect("rows are strings, numbers and maps with names as keys"))
    }
}

async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if let Err(refusal) = server.admit(&head.method, head.uri.path(), &head.headers) {
        return refusal.into_response();
    }
    let body = match head.method {
        Method::POST => to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| Refusal::Format),
        _ => Ok(axum::body::Bytes::new()),
    };
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    match body.and_then(|body| server.list(&head.uri, host, &body)) {
        Ok(page) => ([(CONTENT_TYPE, "application/json")], page).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// The query string for another page.
fn turned(query: &str, page: usize) -> String {
    let others = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "page");
    let mut turned = url::form_urlencoded::Serializer::new(String::new());
    turned.append_pair("page", &page.to_string()).extend_pairs(others).finish()
}

/// The values that a filter could be set to.
fn choices(spans: &[&Span]) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut choices: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    for field in fields::FIELDS.iter().filter(|field| FILTER_FIELDS.contains(&field.name)) {
        let values = choices.entry(field.name).or_default();
        for span in spans {
            if let fields::Cell::Text(text) = (field.read)(span)
                && values.len() < FILTER_VALUES
            {
                values.insert(text.to_owned());
            }
        }
    }
    choices
}
