//! One span as a typed value, and how it is written as a JSON object or a CSV record.

use serde_json::{Map, Value};

use crate::demo::rows::Extra;
use crate::demo::text::{Sink, Style};

/// What a status may be.
pub const STATUSES: [&str; 3] = ["SUCCESS", "ERROR", "CANCELED"];

/// What a type may be.
pub const TYPES: [&str; 26] = [
    "TEXT_INPUT",
    "TEXT_OUTPUT",
    "COMPLETION_INPUT",
    "COMPLETION",
    "KB_RETRIEVAL",
    "KB_INPUT",
    "RERANKING",
    "EXTERNAL_ENDPOINT",
    "PROMPT_ENGINEERING",
    "DOCUMENT_INPUT",
    "MAP_REDUCE",
    "DOCUMENT_SEARCH",
    "DOCUMENT_PROMPT",
    "CUSTOM",
    "CODE_EXECUTION",
    "DATA_MANIPULATION",
    "EVALUATION",
    "FILE_RETRIEVAL",
    "KB_ADD_CHUNK",
    "KB_MANAGEMENT",
    "GUARDRAIL",
    "OUTPUT_GUARDRAIL",
    "TRACER",
    "AGENT_TRACER",
    "AGENT_WORKFLOW",
    "STANDALONE",
];

/// A JSON object: the text that is sent, and what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Json {
    /// As it stands in an export.
    pub text: String,
    /// The same, read.
    pub value: Value,
}

/// An opinion about a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// `comment`, `rating`, `approval`, `rubric`, `metadata` or `overwrite`.
    pub assessment_type: &'static str,
    /// The object that stands in the span's `assessments`.
    pub json: Value,
}

/// One span. Times are microseconds since 1970. The last six fields are no columns of the documents.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Unique within a trace; a few spans of different traces share one.
    pub id: String,
    /// The account.
    pub account_id: String,
    /// The name; may be empty.
    pub name: &'static str,
    /// The trace.
    pub trace_id: String,
    /// The span above; `None` at the root of a trace.
    pub parent_id: Option<String>,
    /// A group, if any.
    pub group_id: Option<&'static str>,
    /// When it began.
    pub start_timestamp: i64,
    /// When it ended; `None` if it has not.
    pub end_timestamp: Option<i64>,
    /// A JSON object.
    pub input: Option<Json>,
    /// A JSON object.
    pub output: Option<Json>,
    /// A JSON object.
    pub expected: Option<Json>,
    /// A JSON object.
    pub metadata: Option<Json>,
    /// One of [`STATUSES`].
    pub status: Option<&'static str>,
    /// One of [`TYPES`].
    pub kind: Option<&'static str>,
    /// The interaction.
    pub application_interaction_id: Option<String>,
    /// The variant.
    pub application_variant_id: Option<&'static str>,
    /// Who made it: a JSON object with `id`, `type` and `object`.
    pub created_by: Option<Json>,
    /// Prompt tokens.
    pub input_tokens: Option<i64>,
    /// Completion tokens.
    pub output_tokens: Option<i64>,
    /// The trace that an observability tool knows.
    pub obs_trace_id: Option<String>,
    /// The span that an observability tool knows.
    pub obs_span_id: Option<String>,
    /// Members that no document names.
    pub extra: Extra,
    /// Whether members that are null are left out and times are written with `+00:00`.
    pub terse: bool,
    /// Only for the filter `acp_types`.
    pub acp_type: Option<&'static str>,
    /// Only for the filter `agentex_agent_names`.
    pub agentex_agent_name: Option<&'static str>,
    /// Only for the filter `agentex_agent_ids`.
    pub agentex_agent_id: Option<&'static str>,
    /// What is said about it, for `include_assessments` and the filter `assessment_types`.
    pub assessments: Vec<Assessment>,
}

/// The columns of a CSV export without assessments, in their order.
pub(super) const COLUMNS: [&str; 22] = [
    "id",
    "object",
    "account_id",
    "name",
    "trace_id",
    "parent_id",
    "group_id",
    "start_timestamp",
    "end_timestamp",
    "input",
    "output",
    "expected",
    "metadata",
    "status",
    "type",
    "application_interaction_id",
    "application_variant_id",
    "created_by",
    "input_tokens",
    "output_tokens",
    "obs_trace_id",
    "obs_span_id",
];

impl Span {
    /// How long it took, in microseconds; `None` if it has not ended.
    pub fn duration(&self) -> Option<i64> {
        Some(self.end_timestamp? - self.start_timestamp)
    }

    /// Writes the columns, with assessments if they are asked for.
    pub(super) fn write(&self, sink: &mut impl Sink, with_assessments: bool) {
        let style = if self.terse { Style::Offset } else { Style::Zulu };
        sink.text("id", Some(&self.id));
        sink.text("object", Some("span"));
        sink.text("account_id", Some(&self.account_id));
        sink.text("name", Some(self.name));
        sink.text("trace_id", Some(&self.trace_id));
        self.text(sink, "parent_id", self.parent_id.as_deref());
        self.text(sink, "group_id", self.group_id);
        sink.time("start_timestamp", Some(self.start_timestamp), style);
        match self.end_timestamp {
            None => self.text(sink, "end_timestamp", None),
            end => sink.time("end_timestamp", end, style),
        }
        self.json(sink, "input", self.input.as_ref());
        self.json(sink, "output", self.output.as_ref());
        self.json(sink, "expected", self.expected.as_ref());
        self.json(sink, "metadata", self.metadata.as_ref());
        self.text(sink, "status", self.status);
        self.text(sink, "type", self.kind);
        self.text(sink, "application_interaction_id", self.application_interaction_id.as_deref());
        self.text(sink, "application_variant_id", self.application_variant_id);
        self.json(sink, "created_by", self.created_by.as_ref());
        self.int(sink, "input_tokens", self.input_tokens);
        self.int(sink, "output_tokens", self.output_tokens);
        self.text(sink, "obs_trace_id", self.obs_trace_id.as_deref());
        self.text(sink, "obs_span_id", self.obs_span_id.as_deref());
        sink.extra(self.extra);
        if with_assessments {
            sink.json("assessments", &self.assessments_value().to_string());
        }
    }

    /// The object of the search, which has no assessments.
    pub(super) fn object(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut json = crate::demo::text::Json::open(&mut out, false);
        self.write(&mut json, false);
        json.close();
        out
    }

    /// The metadata, which is an object.
    pub(super) fn metadata_members(&self) -> Option<&Map<String, Value>> {
        self.metadata.as_ref()?.value.as_object()
    }

    fn assessments_value(&self) -> Value {
        Value::Array(self.assessments.iter().map(|assessment| assessment.json.clone()).collect())
    }

    fn text(&self, sink: &mut impl Sink, name: &'static str, value: Option<&str>) {
        if self.terse && value.is_none() { sink.absent() } else { sink.text(name, value) }
    }

    fn int(&self, sink: &mut impl Sink, name: &'static str, value: Option<i64>) {
        if self.terse && value.is_none() { sink.absent() } else { sink.int(name, value) }
    }

    fn json(&self, sink: &mut impl Sink, name: &'static str, value: Option<&Json>) {
        match value {
            Some(json) => sink.json(name, &json.text),
            None => self.text(sink, name, None),
        }
    }
}
