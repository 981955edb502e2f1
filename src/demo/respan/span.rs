//! One row of the spans list as a typed value.
//!
//! An `Option` is a member that may be null. Which members there are, in which order they are sent and what a filter
//! may name: `fields`.

use std::collections::BTreeMap;

use serde_json::Value;

/// One span, as the vendor sends it. Instants are microseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    /// Also sent as `id`.
    pub unique_id: String,
    pub trace_unique_id: Option<String>,
    pub span_unique_id: Option<String>,
    /// `None` at the root of a trace and at a span of its own.
    pub span_parent_id: Option<String>,
    pub span_name: Option<String>,
    pub span_workflow_name: Option<String>,
    pub trace_group_identifier: Option<String>,
    pub session_identifier: Option<String>,
    pub thread_identifier: Option<String>,
    /// When the span ended.
    pub timestamp: i64,
    /// The end minus the latency, where the vendor has it.
    pub start_time: Option<i64>,
    /// JSON as text.
    pub input: Option<String>,
    /// JSON as text.
    pub output: Option<String>,
    /// An array of messages; only chat-like spans have it.
    pub prompt_messages: Option<Value>,
    /// One message; only chat-like spans have it.
    pub completion_message: Option<Value>,
    pub tool_calls: Option<Value>,
    pub variables: Option<Value>,
    pub model: Option<String>,
    pub foundation_model: Option<String>,
    pub provider_id: Option<String>,
    pub deployment_name: Option<String>,
    /// `prod`, `test` or `staging`.
    pub environment: String,
    pub log_type: String,
    pub log_method: Option<String>,
    /// `success`, `failed` or, in older rows, `error`.
    pub status: Option<String>,
    pub status_code: Option<i64>,
    pub failed: Option<bool>,
    pub error_message: Option<String>,
    pub error_code: Option<String>,
    pub warnings: Option<String>,
    pub prompt_tokens: Option<i64>,
    pub completion_tokens: Option<i64>,
    pub total_request_tokens: Option<i64>,
    pub prompt_cache_hit_tokens: Option<i64>,
    pub prompt_cache_creation_tokens: Option<i64>,
    pub reasoning_tokens: Option<i64>,
    /// USD.
    pub cost: Option<f64>,
    /// Seconds, a whole number of microseconds; no row lacks it.
    pub latency: f64,
    /// Seconds.
    pub time_to_first_token: Option<f64>,
    /// Seconds.
    pub routing_time: Option<f64>,
    pub tokens_per_second: Option<f64>,
    pub metadata: Option<BTreeMap<String, String>>,
    /// What the customer sent with its JSON types.
    pub properties: Option<Value>,
    /// By the id of the evaluator.
    pub scores: Option<BTreeMap<String, Score>>,
    pub customer_identifier: Option<String>,
    pub customer_email: Option<String>,
    pub customer_name: Option<String>,
    pub custom_identifier: Option<String>,
    pub group_identifier: Option<String>,
    pub evaluation_identifier: Option<String>,
    pub prompt_id: Option<String>,
    pub prompt_name: Option<String>,
    pub prompt_version_number: Option<i64>,
    pub organization_key_id: Option<String>,
    pub organization_key_name: Option<String>,
    pub stream: Option<bool>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_tokens: Option<i64>,
    pub used_custom_credential: Option<bool>,
    pub has_tool_calls: Option<bool>,
    pub cache_bit: Option<i64>,
    pub cache_key: Option<String>,
    pub positive_feedback: Option<bool>,
    pub note: Option<String>,
    /// A member that no document names.
    pub ingest: Option<Value>,
    /// Null members that the JSON object of this row does not have at all.
    pub absent: Vec<&'static str>,
}

/// What one evaluator said of a span.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Score {
    pub evaluator_name: &'static str,
    pub evaluator_slug: &'static str,
    /// A boolean verdict is 0 or 1.
    pub score_value: f64,
}
