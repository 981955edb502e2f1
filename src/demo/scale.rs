//! The Scale GP demo upstream: span export and span search as the vendor's API pages describe them.
//!
//! The page of the export decides; the official client's types decide what a row looks like and how the search pages.
//! Where both are silent the stricter or less convenient behaviour is taken: exported rows come in no order, members
//! that are null are sometimes left out, an empty list filters nothing.
//!
//! Rows are made once at the start and held: the filters need to look at whole traces.
//!
//! Reading order: `data`, `payload` and `assess` (which spans there are), [`span`] (their columns), `server` (who is let
//! in), `fields`, `filter` and `words` (what was asked for), `export`, `storage` and `search` (what is answered).
pub mod span;

mod assess;
mod data;
mod export;
mod fields;
mod filter;
mod payload;
mod search;
mod server;
mod storage;
#[cfg(test)]
mod tests;
mod words;

use std::io;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::host::{Exchange, Host};
use server::Server;
use span::{Assessment, Span};

/// What the upstream serves and how nasty it is.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of spans.
    pub rows: u64,
    /// Equal seeds give equal rows.
    pub seed: u64,
    /// When the data ends; it begins forty days before.
    pub now: DateTime<Utc>,
    /// The API key that is let in.
    pub key: String,
    /// The account that every span belongs to, and the only one that may be selected.
    pub account: String,
    /// Calls of the API in any 60 seconds; downloads from the object storage do not count. `None` is no limit.
    pub calls_per_minute: Option<u32>,
    /// Whether exported rows come in no order, another one for another body; else the oldest start comes first.
    pub shuffled: bool,
    /// Whether the content of a direct export is base64 instead of the text itself.
    pub base64: bool,
    /// So many downloads of signed URLs, the first ones, find the URL expired.
    pub signed_url_expired: u32,
    /// Whether there is an object storage; without one, an export by signed URL is answered 501.
    pub object_storage: bool,
    /// Whether the duration filters look at durations cut to whole milliseconds.
    pub whole_milliseconds: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            rows: 5_000,
            seed: 1,
            now: Utc::now(),
            key: "demo-token".to_owned(),
            account: "demo-account".to_owned(),
            calls_per_minute: None,
            shuffled: true,
            base64: false,
            signed_url_expired: 0,
            object_storage: true,
            whole_milliseconds: false,
        }
    }
}

/// A running upstream. Dropping it stops the server and breaks its connections.
#[derive(Debug)]
pub struct Scale {
    host: Host,
    server: Arc<Server>,
}

impl Scale {
    /// Makes the rows and starts the server on a free port of the loopback address; it is ready when this returns.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(options: Options) -> io::Result<Scale> {
        let server = Arc::new(Server::new(options));
        let host = Host::start(server::router(Arc::clone(&server))).await?;
        Ok(Scale { host, server })
    }

    /// The base URL, without a slash at its end and without a path.
    pub fn url(&self) -> String {
        self.host.url()
    }

    /// Every request answered so far, in the order of the answers, refused ones and downloads too.
    pub fn calls(&self) -> Vec<Exchange> {
        self.host.calls()
    }

    /// The spans that are served, trace by trace, the newest trace first.
    pub fn spans(&self) -> &[Span] {
        &self.server.spans
    }

    /// Every assessment with the span that it is attached to, in the order of the spans.
    pub fn assessments(&self) -> impl Iterator<Item = (&Span, &Assessment)> {
        self.spans().iter().flat_map(|span| span.assessments.iter().map(move |assessment| (span, assessment)))
    }
}
