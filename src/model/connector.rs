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
    /// What its answers tell of the quota.
    pub told: Told,
    /// Keys of the configuration beyond the common ones.
    pub settings: &'static [&'static str],
    /// Those of them without which there are no rows.
    pub required: &'static [&'static str],
    /// Its tables.
    pub tables: &'static [Table],
    /// Builds the request of one page. Pure.
    pub request: fn(&Scan, &Page) -> Request,
    /// Words for what an error answer of this vendor means, if they say more than the status. Pure.
    pub refusal: fn(status: u16, body: &str) -> Option<Error>,
    /// Whether an error answer to the request of one key says that there are no rows under it. Pure.
    pub absent: fn(status: u16, body: &str) -> bool,
}

impl Request {
    /// A GET.
    pub fn get(path: &str, query: Vec<(&'static str, String)>) -> Self {
        Request { method: Method::Get, path: path.to_owned(), query, headers: Vec::new(), body: None }
    }

    /// A POST that only reads.
    pub fn post(path: &str, query: Vec<(&'static str, String)>, body: serde_json::Value) -> Self {
        Request { method: Method::Post, path: path.to_owned(), query, headers: Vec::new(), body: Some(body) }
    }
}

/// For vendors whose error answers say no more than their status.
pub fn plain_refusal(_status: u16, _body: &str) -> Option<Error> {
    None
}

/// For vendors whose rows need no key.
pub fn never_absent(_status: u16, _body: &str) -> bool {
    false
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

/// What the headers `X-RateLimit-*` of a vendor's answers stand for. Names say little: a number that counts something else
/// would hold back calls that upstream would serve, so only what is documented or seen in its source is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The window over which `Limit` counts calls.
    pub limit_per: Option<Duration>,
    /// Whether `Remaining` counts the calls that are left until `Reset`.
    pub remaining: bool,
}

impl Told {
    /// For vendors who document none of it.
    pub const NOTHING: Told = Told { limit_per: None, remaining: false };
}

/// How the rows beyond one answer are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// All rows of the range come in one answer, in no order that could be relied on. If the answer is too large, the
    /// range is cut into slices.
    One,
    /// No cursor: narrow the time range. At most `max_rows` come in one answer, and nothing but their number tells
    /// that there are more. Bounds are inclusive.
    SplitTime {
        /// Rows of one answer at the most.
        max_rows: usize,
    },
    /// Pages by number, from 1.
    Numbered {
        /// Rows of one page at the most.
        max_rows: usize,
        /// Path in the envelope to what is null on the last page.
        next: &'static [&'static str],
    },
    /// Each answer holds the cursor of the next.
    Cursor {
        /// Rows of one page at the most.
        max_rows: usize,
        /// Path in the envelope to the next cursor.
        next: &'static [&'static str],
        /// Path in the envelope to whether there is more.
        more: &'static [&'static str],
    },
}

/// How the rows stand in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// A JSON array, bare or as a member of an object.
    Rows {
        /// Keys of the object under which the rows may stand; a bare array needs none.
        keys: &'static [&'static str],
        /// The object's `count` is the number of rows that it holds.
        count: bool,
    },
    /// One JSON object a line. `truncated` is the header that tells that rows are missing.
    Lines {
        /// Lower-case name of the header which is `true` if the answer was cut.
        truncated: &'static str,
    },
    /// An object with the text of a file in it, or with the URL of one.
    File {
        /// Key of the text.
        content: &'static str,
        /// Key of the URL. It is called without the credential.
        url: &'static str,
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
    /// Headers beside the credential's; none of them is secret.
    pub headers: Vec<(&'static str, String)>,
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
