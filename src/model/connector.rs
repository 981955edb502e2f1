//! The description of a vendor: a constant with two pure functions beside its tables. It never sees the engine, the
//! wire, segments, the limiter or retries.

use std::time::Duration;

use crate::error::Error;
use crate::model::scan::{Page, Scan};
use crate::model::table::Table;

/// One vendor.
#[derive(Debug)]
pub struct Connector {
    /// The word under which a configuration names it.
    pub kind: &'static str,
    /// Name as the vendor writes it.
    pub title: &'static str,
    /// Public base URL, for an error's hint and the example configuration.
    pub base_url: &'static str,
    /// How the credential travels.
    pub auth: Auth,
    /// What the vendor's documents allow.
    pub quota: Quota,
    /// How further rows are reached.
    pub paging: Paging,
    /// Keys of an envelope object under which the rows may stand; a bare array needs none.
    pub rows_keys: &'static [&'static str],
    /// Keys of the configuration beyond the common ones.
    pub settings: &'static [&'static str],
    /// Its tables.
    pub tables: &'static [Table],
    /// Builds the request of one page. Pure.
    pub request: fn(&Scan, &Page) -> Request,
    /// Words for what an error answer of this vendor means, if they say more than the status. Pure.
    pub refusal: fn(status: u16, body: &str) -> Option<Error>,
}

/// Where the credential stands in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer …`.
    Bearer,
    /// A header of the vendor's own.
    Header(&'static str),
}

/// A call allowance: never more than `calls` in any `per`, never more than `concurrency` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls in the window.
    pub calls: u32,
    /// Length of the sliding window.
    pub per: Duration,
    /// Calls under way at once.
    pub concurrency: u32,
}

/// How the rows beyond one page are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// No cursor: narrow the time range. At most `max_rows` come in one answer, and nothing but their number tells
    /// that there are more. Bounds are inclusive at a precision of `precision_us`.
    SplitTime {
        /// Rows of one answer at the most.
        max_rows: usize,
        /// Precision of the bounds in microseconds.
        precision_us: i64,
    },
}

/// One HTTP request, without the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method; GET or POST.
    pub method: Method,
    /// Path below the base URL, starting with `/`.
    pub path: String,
    /// Query parameters, in order, not yet encoded.
    pub query: Vec<(&'static str, String)>,
    /// JSON body of a POST.
    pub body: Option<serde_json::Value>,
}

/// The methods that the vendors use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Safe to repeat.
    Get,
    /// Used by these vendors for reading only, hence safe to repeat as well.
    Post,
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let method = match self.method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        write!(f, "{method} {}", self.path)?;
        for (index, (name, value)) in self.query.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { '?' } else { '&' })?;
        }
        match &self.body {
            Some(body) => write!(f, " {body}"),
            None => Ok(()),
        }
    }
}
