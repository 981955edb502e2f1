//! An embedded upstream as a server of its own: where it listens, what was asked of it, how often it may be called.
//!
//! The vendor's router answers; this wraps it, so that every request is in the log, refused ones too.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::listen::Stoppable;

/// The largest request body that is read; no vendor takes a larger one.
const MAX_BODY_BYTES: usize = 32 << 20;

/// One request that an upstream received, and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The HTTP method.
    pub method: String,
    /// The path, without the query string.
    pub path: String,
    /// The query string as received, without `?`; empty if there was none.
    pub query: String,
    /// The body as text; empty if there was none.
    pub body: String,
    /// Names and values of the request's headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The status that was answered.
    pub status: u16,
}

type Log = Arc<Mutex<Vec<Exchange>>>;

/// A running upstream. Dropping it stops the server and breaks its connections.
#[derive(Debug)]
pub struct Host {
    address: SocketAddr,
    log: Log,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

impl Host {
    /// Starts a router on a free port of the loopback address; it is ready when this returns.
    ///
    /// # Errors
    /// When no port is free.
    pub(super) async fn start(router: Router) -> io::Result<Host> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let log = Log::default();
        let stop = CancellationToken::new();
        let logged = router.layer(from_fn_with_state(Arc::clone(&log), record));
        let listener = Stoppable::new(listener, stop.clone());
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, logged).await {
                tracing::error!(%error, "a demo upstream stopped");
            }
        });
        Ok(Host { address, log, stop, server })
    }

    /// The URL of the server, without a slash at its end and without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request answered so far, in the order of the answers.
    pub fn calls(&self) -> Vec<Exchange> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop.cancel();
        self.server.abort();
    }
}

async fn record(State(log): State<Log>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut exchange = Exchange {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
        headers: head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        status: 0,
    };
    let response = next.run(Request::from_parts(head, Body::from(body))).await;
    exchange.status = response.status().as_u16();
    log.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    response
}
