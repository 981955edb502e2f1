//! The embedded demo upstream: a real HTTP server with the shapes, caps, limits and errors that the vendor documents.
//!
//! It is written from the API documents alone and shares no code with the connectors, so that a mistake made once
//! cannot hide itself. Who calls it: the `demo` subcommand, the tests and the benches.
//!
//! Rows are functions of (seed, index) and are made while they are sent: a million rows need no more memory than ten.
//! [`data::Data`] gives the same rows as typed values, so that a test can compute what a query must return.
//!
//! Reading order: [`data`] (which rows there are), [`rows`] (their columns), `spanlens` (the HTTP side), `feed` (a body
//! being sent). Which odd row stands where: `odd`. [`adaline`] and [`trulayer`] are servers of their own, each with all
//! its parts beneath it; their rows are made once and held.
pub mod adaline;
pub mod data;
pub mod rows;
pub mod trulayer;

mod dice;
mod feed;
mod findings;
pub mod host;
mod listen;
mod odd;
mod params;
mod pass;
mod phrases;
mod quota;
mod requests;
pub mod respan;
mod rhythm;
pub mod scale;
mod spanlens;
#[cfg(test)]
mod tests;
mod text;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use data::Data;
use spanlens::Spanlens;

/// What the demo upstream serves and how nasty it is.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of request rows; traces are a quarter and security flags a fiftieth of it.
    pub rows: u64,
    /// Equal seeds give equal rows.
    pub seed: u64,
    /// When the data ends. The server's own clock starts here and runs with tokio's.
    pub now: DateTime<Utc>,
    /// Calls in any 60 seconds over all endpoints; `None` is no limit.
    pub calls_per_minute: Option<u32>,
    /// The most rows that one response holds.
    pub page_cap: usize,
    /// Rows on one instant: with 1, a realistic mix of mostly single rows; with n, blocks of exactly n.
    pub tie: u64,
    /// The form of a JSON body.
    pub envelope: Envelope,
    /// As the real server does: anomalies and security flags take no notice of from, to and limit.
    pub ignore_window: bool,
    /// The bearer token that is let in.
    pub token: String,
    /// The order of requests and traces.
    pub order: Order,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            rows: 100_000,
            seed: 1,
            now: Utc::now(),
            calls_per_minute: Some(10),
            page_cap: 10_000,
            tie: 1,
            envelope: Envelope::Bare,
            ignore_window: false,
            token: "demo-token".to_owned(),
            order: Order::NewestFirst,
        }
    }
}

/// The form of a JSON body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// `[…]`, as documented.
    Bare,
    /// `{"exported_at", "count", "data": […]}`, pretty-printed, as the server's source has it.
    Object,
}

/// The order of rows in a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By `created_at`, newest first, rows on one instant in any order.
    NewestFirst,
    /// By `created_at`, oldest first; the row limit then keeps the oldest.
    OldestFirst,
    /// In no order; the row limit then keeps any rows of the window.
    Unsorted,
}

/// One request that the server received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The HTTP method.
    pub method: String,
    /// The path, without the query string.
    pub path: String,
    /// The query string as received, without `?`; empty if there was none.
    pub query: String,
    /// The status that was answered.
    pub status: u16,
    /// When it came, counted from the start of the server.
    pub at: Duration,
    /// Data rows made so far for the body.
    pub rows: u64,
    /// How far the body got.
    pub body: Progress,
}

/// How far the body of a response got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is being sent.
    Running,
    /// It was sent to its end.
    Whole,
    /// The client left before its end.
    Dropped,
}

/// A running demo upstream. Dropping it stops the server and closes its connections.
#[derive(Debug)]
pub struct Demo {
    /// Where the Spanlens API listens.
    pub spanlens: SocketAddr,
    state: Arc<Spanlens>,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

impl Demo {
    /// Starts the server on a free port of the loopback address; it is ready when this returns.
    pub async fn start(options: Options) -> io::Result<Demo> {
        Demo::start_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?, options)
    }

    /// Starts the server on a listener that is already bound. Must be called within a tokio runtime.
    pub fn start_on(listener: TcpListener, options: Options) -> io::Result<Demo> {
        let spanlens = listener.local_addr()?;
        let state = Arc::new(Spanlens::new(options));
        let stop = CancellationToken::new();
        let listener = listen::Stoppable::new(listener, stop.clone());
        let router = spanlens::router(Arc::clone(&state));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the demo upstream stopped");
            }
        });
        Ok(Demo { spanlens, state, stop, server })
    }

    /// The base URL of the Spanlens API, without a slash at its end.
    pub fn spanlens_url(&self) -> String {
        format!("http://{}", self.spanlens)
    }

    /// Every request received so far, in order, refused ones too.
    pub fn calls(&self) -> Vec<Call> {
        self.state.calls()
    }

    /// The rows that are served, as typed values.
    pub fn data(&self) -> &Data {
        self.state.data()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.stop.cancel();
        self.server.abort();
    }
}
