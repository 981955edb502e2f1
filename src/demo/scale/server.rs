//! Who is let in and what is refused.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::fields::{Faults, Fields, Query};
use super::span::Span;
use super::storage::{self, Storage};
use super::{Options, data, export, search};
use crate::demo::quota::{Quota, whole_seconds};

const EXPORT: &str = "/v5/spans/export";
const SEARCH: &str = "/v5/spans/search";
const MAX_BODY_BYTES: usize = 32 << 20;
/// Bodies beyond this are sent in pieces of this size, without telling their length before.
const PIECE_BYTES: usize = 64 << 10;

/// The server's state.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) options: Options,
    pub(super) spans: Vec<Span>,
    pub(super) storage: Storage,
    quota: Quota,
}

/// What was asked.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) query: Query,
    pub(super) fields: Fields,
    /// The body as it came.
    pub(super) body: Bytes,
    /// The base URL that the client reaches the server by.
    pub(super) base_url: String,
}

/// Answers every path.
pub(super) fn router(server: Arc<Server>) -> Router {
    Router::new().fallback(answer).with_state(server)
}

impl Server {
    pub(super) fn new(options: Options) -> Server {
        Server {
            spans: data::spans(&options),
            storage: Storage::new(&options),
            quota: Quota::new(options.calls_per_minute),
            options,
        }
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        match text("x-api-key") {
            None => return Err(Refusal::Unauthorized("Not authenticated")),
            Some(key) if key != self.options.key => return Err(Refusal::Unauthorized("Invalid API key")),
            Some(_) => {}
        }
        match text("x-selected-account-id") {
            Some(account) if account != self.options.account => Err(Refusal::Forbidden),
            _ => Ok(()),
        }
    }

    /// The answer to a call of the API.
    fn call(&self, path: &str, query: &str, headers: &HeaderMap, body: Bytes) -> Result<Response, Refusal> {
        self.authorize(headers)?;
        self.quota.take().map_err(Refusal::TooMany)?;
        let mut faults = Faults::default();
        let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
        let is_json = header(CONTENT_TYPE).split(';').next().is_some_and(|kind| kind.trim() == "application/json");
        let Some(fields) = Fields::parse(&body, is_json, &mut faults) else { return Err(Refusal::Invalid(faults)) };
        let base_url = format!("http://{}", header(HOST));
        let asked = Asked { query: Query::parse(query), fields, body, base_url };
        if path == EXPORT { export::answer(self, &asked) } else { search::answer(self, &asked) }
    }
}

async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let query = head.uri.query().unwrap_or_default();
    if path.starts_with(storage::PREFIX) {
        return server.storage.download(&server, &head.method, path, query, &head.headers);
    }
    let result = match (&head.method, path) {
        (&Method::POST, EXPORT | SEARCH) => {
            let body = axum::body::to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
            server.call(path, query, &head.headers, body)
        }
        (_, EXPORT | SEARCH) => Err(Refusal::Method),
        _ => Err(Refusal::NotFound),
    };
    result.unwrap_or_else(|refusal| refusal.response())
}

/// A body of JSON with status 200.
pub(super) fn ok(body: Vec<u8>) -> Response {
    with_type(in_pieces(body), "application/json")
}

pub(super) fn with_type(body: Body, kind: &'static str) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

pub(super) fn in_pieces(body: Vec<u8>) -> Body {
    if body.len() <= PIECE_BYTES {
        return Body::from(body);
    }
    let body = Bytes::from(body);
    let pieces = (0..body.len()).step_by(PIECE_BYTES).map(move |start| {
        let end = body.len().min(start + PIECE_BYTES);
        Ok::<Bytes, Infallible>(body.slice(start..end))
    });
    Body::from_stream(futures::stream::iter(pieces))
}

/// Why there are no rows.
#[derive(Debug)]
pub(super) enum Refusal {
    Unauthorized(&'static str),
    Forbidden,
    NotFound,
    Method,
    TooMany(Duration),
    Invalid(Faults),
    /// There is no object storage to export to.
    NoStorage,
}

impl Refusal {
    fn response(&self) -> Response {
        let text = |text: &str| json!({ "detail": text });
        let (status, body): (StatusCode, Value) = match self {
            Refusal::Unauthorized(reason) => (StatusCode::UNAUTHORIZED, text(reason)),
            Refusal::Forbidden => (StatusCode::FORBIDDEN, text("Not authorized for the selected account")),
            Refusal::NotFound => (StatusCode::NOT_FOUND, text("Not Found")),
            Refusal::Method => (StatusCode::METHOD_NOT_ALLOWED, text("Method Not Allowed")),
            Refusal::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, text("Rate limit exceeded")),
            Refusal::Invalid(faults) => (StatusCode::UNPROCESSABLE_ENTITY, faults.body()),
            Refusal::NoStorage => (StatusCode::NOT_IMPLEMENTED, text("Object storage is not configured")),
        };
        let mut response = with_type(Body::from(body.to_string()), "application/json");
        *response.status_mut() = status;
        if let Refusal::TooMany(wait) = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(*wait)));
        }
        response
    }
}
