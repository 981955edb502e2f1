//! The rows as typed values, one struct per export, and the order of their columns.
//!
//! Instants are microseconds since 1970. An `Option` is a column that may be null. Fields named "hidden" are not
//! exported: they are there so that a test can apply the server's filters itself.

use std::borrow::Cow;

use serde::Serialize;

use super::text::{Sink, Style};

/// The columns of the requests export, in CSV order.
pub const REQUEST_COLUMNS: &[&str] = &[
    "id",
    "project_id",
    "provider",
    "model",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "cost_usd",
    "latency_ms",
    "status_code",
    "error_message",
    "trace_id",
    "created_at",
];
/// The columns of the traces export, in CSV order.
pub const TRACE_COLUMNS: &[&str] = &[
    "id",
    "project_id",
    "name",
    "status",
    "error_message",
    "duration_ms",
    "total_cost_usd",
    "total_tokens",
    "span_count",
    "started_at",
    "ended_at",
    "created_at",
];
/// The columns of the anomalies export, in CSV order. There is neither an id nor a time.
pub const ANOMALY_COLUMNS: &[&str] = &[
    "provider",
    "model",
    "kind",
    "current_value",
    "baseline_mean",
    "baseline_stddev",
    "deviations",
    "sample_count",
    "reference_count",
];
/// The columns of the security export, in CSV order.
pub const SECURITY_COLUMNS: &[&str] =
    &["id", "provider", "model", "status_code", "latency_ms", "cost_usd", "flags", "created_at"];

/// Members of a row's JSON object that no document names: name and JSON text.
pub type Extra = &'static [(&'static str, &'static str)];

/// One LLM call.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub id: String,
    pub project_id: &'static str,
    pub provider: &'static str,
    pub model: &'static str,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
    pub total_tokens: i64,
    pub cost_usd: Option<f64>,
    pub latency_ms: i64,
    pub status_code: i64,
    pub error_message: Option<Cow<'static, str>>,
    pub trace_id: Option<String>,
    pub created_at: i64,
    /// Hidden: what the filter `providerKeyId` compares.
    pub provider_key_id: &'static str,
    /// Null columns that the JSON object does not have at all.
    pub absent: &'static [&'static str],
    /// Members beyond the columns.
    pub extra: Extra,
    /// Hidden: the JSON text has `\u` escapes for everything beyond ASCII.
    pub escaped: bool,
}

/// One trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    pub id: String,
    pub project_id: &'static str,
    pub name: &'static str,
    pub status: &'static str,
    pub error_message: Option<&'static str>,
    pub duration_ms: Option<i64>,
    pub total_cost_usd: f64,
    pub total_tokens: i64,
    pub span_count: i64,
    pub started_at: i64,
    pub ended_at: Option<i64>,
    pub created_at: i64,
    /// Null columns that the JSON object does not have at all.
    pub absent: &'static [&'static str],
    /// Members beyond the columns.
    pub extra: Extra,
}

/// One bucket that exceeded three sigma on one day.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly {
    pub provider: &'static str,
    pub model: &'static str,
    /// `latency` (ms), `cost` (USD) or `error_rate` (0 to 1).
    pub kind: &'static str,
    pub current_value: f64,
    pub baseline_mean: f64,
    pub baseline_stddev: f64,
    pub deviations: f64,
    pub sample_count: i64,
    pub reference_count: i64,
    /// Hidden: what `from` and `to` compare.
    pub detected_at: i64,
}

/// One request with security flags.
#[derive(Clone, Debug, PartialEq)]
pub struct Security {
    pub id: String,
    pub provider: &'static str,
    pub model: &'static str,
    pub status_code: i64,
    pub latency_ms: i64,
    pub cost_usd: Option<f64>,
    pub flags: Vec<Flag>,
    pub created_at: i64,
}

/// One finding; a row has an array of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Flag {
    /// `pii` or `injection`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub pattern: &'static str,
    /// The masked text.
    pub sample: &'static str,
}

impl Security {
    /// The `flags` column as JSON text, as it stands in a CSV cell.
    pub fn flags_json(&self) -> String {
        serde_json::to_string(&self.flags).expect("strings always serialize")
    }
}

/// A row that can be written in the documented order of its columns.
pub(super) trait Row {
    fn write(&self, sink: &mut impl Sink);
}

impl Row for Request {
    fn write(&self, sink: &mut impl Sink) {
        sink.escape(self.escaped);
        sink.text("id", Some(&self.id));
        sink.text("project_id", Some(self.project_id));
        sink.text("provider", Some(self.provider));
        sink.text("model", Some(self.model));
        sink.int("prompt_tokens", Some(self.prompt_tokens));
        sink.int("completion_tokens", Some(self.completion_tokens));
        sink.int("total_tokens", Some(self.total_tokens));
        unless_absent(sink, self.absent, "cost_usd", |sink, name| sink.number(name, self.cost_usd));
        sink.int("latency_ms", Some(self.latency_ms));
        sink.int("status_code", Some(self.status_code));
        unless_absent(sink, self.absent, "error_message", |sink, name| sink.text(name, self.error_message.as_deref()));
        unless_absent(sink, self.absent, "trace_id", |sink, name| sink.text(name, self.trace_id.as_deref()));
        sink.time("created_at", Some(self.created_at), Style::Zulu);
        sink.extra(self.extra);
    }
}

impl Row for Trace {
    fn write(&self, sink: &mut impl Sink) {
        sink.text("id", Some(&self.id));
        sink.text("project_id", Some(self.project_id));
        sink.text("name", Some(self.name));
        sink.text("status", Some(self.status));
        unless_absent(sink, self.absent, "error_message", |sink, name| sink.text(name, self.error_message));
        unless_absent(sink, self.absent, "duration_ms", |sink, name| sink.int(name, self.duration_ms));
        sink.number("total_cost_usd", Some(self.total_cost_usd));
        sink.int("total_tokens", Some(self.total_tokens));
        sink.int("span_count", Some(self.span_count));
        sink.time("started_at", Some(self.started_at), Style::Offset);
        unless_absent(sink, self.absent, "ended_at", |sink, name| sink.time(name, self.ended_at, Style::Offset));
        sink.time("created_at", Some(self.created_at), Style::Offset);
        sink.extra(self.extra);
    }
}

impl Row for Anomaly {
    fn write(&self, sink: &mut impl Sink) {
        sink.text("provider", Some(self.provider));
        sink.text("model", Some(self.model));
        sink.text("kind", Some(self.kind));
        sink.number("current_value", Some(self.current_value));
        sink.number("baseline_mean", Some(self.baseline_mean));
        sink.number("baseline_stddev", Some(self.baseline_stddev));
        sink.number("deviations", Some(self.deviations));
        sink.int("sample_count", Some(self.sample_count));
        sink.int("reference_count", Some(self.reference_count));
    }
}

impl Row for Security {
    fn write(&self, sink: &mut impl Sink) {
        sink.text("id", Some(&self.id));
        sink.text("provider", Some(self.provider));
        sink.text("model", Some(self.model));
        sink.int("status_code", Some(self.status_code));
        sink.int("latency_ms", Some(self.latency_ms));
        sink.number("cost_usd", self.cost_usd);
        sink.json("flags", &self.flags_json());
        sink.time("created_at", Some(self.created_at), Style::Offset);
    }
}

fn unless_absent<S: Sink>(sink: &mut S, absent: &[&str], name: &'static str, write: impl FnOnce(&mut S, &'static str)) {
    if absent.contains(&name) {
        sink.absent();
    } else {
        write(sink, name);
    }
}
