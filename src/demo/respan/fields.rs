//! The members of a span: their order, their types, what a filter may name, and the row as JSON.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::span::{Score, Span};

/// The value of one member.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    Null,
    Text(&'a str),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Microseconds since 1970.
    Time(i64),
    Json(&'a Value),
    Labels(&'a BTreeMap<String, String>),
    Scores(&'a BTreeMap<String, Score>),
}

impl Cell<'_> {
    pub(super) fn is_null(self) -> bool {
        matches!(self, Cell::Null)
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match *self {
            Cell::Null => to.serialize_none(),
            Cell::Text(text) => to.serialize_str(text),
            Cell::Int(value) => to.serialize_i64(value),
            Cell::Float(value) => to.serialize_f64(value),
            Cell::Bool(value) => to.serialize_bool(value),
            Cell::Time(at) => to.serialize_str(&time(at)),
            Cell::Json(value) => value.serialize(to),
            Cell::Labels(map) => map.serialize(to),
            Cell::Scores(map) => map.serialize(to),
        }
    }
}

/// The type of a member, which decides how the values of a filter are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Bool,
    /// No filter and no order takes it.
    Other,
}

/// One member of the JSON object of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) read: fn(&Span) -> Cell<'_>,
    /// A parameter of this name is a filter on the member; any other name means metadata.
    pub(super) in_url: bool,
    /// A filter in the body may name it.
    pub(super) in_body: bool,
    pub(super) sorts: bool,
}

const fn field(name: &'static str, kind: Kind, read: fn(&Span) -> Cell<'_>) -> Field {
    Field { name, kind, read, in_url: false, in_body: false, sorts: false }
}

impl Field {
    /// Filters name it in the body.
    const fn body(self) -> Field {
        Field { in_body: true, ..self }
    }

    /// Filters name it in the URL and in the body.
    const fn both(self) -> Field {
        Field { in_url: true, in_body: true, ..self }
    }

    const fn sorts(self) -> Field {
        Field { sorts: true, ..self }
    }
}

fn text(value: Option<&String>) -> Cell<'_> {
    value.map_or(Cell::Null, |text| Cell::Text(text))
}

fn int(value: Option<i64>) -> Cell<'static> {
    value.map_or(Cell::Null, Cell::Int)
}

fn float(value: Option<f64>) -> Cell<'static> {
    value.map_or(Cell::Null, Cell::Float)
}

fn flag(value: Option<bool>) -> Cell<'static> {
    value.map_or(Cell::Null, Cell::Bool)
}

fn json(value: Option<&Value>) -> Cell<'_> {
    value.map_or(Cell::Null, Cell::Json)
}

use Kind::{Bool, Number, Other, Text};

/// Every member, in the order in which it is sent.
pub(super) const FIELDS: &[Field] = &[
    field("id", Other, |span| Cell::Text(&span.unique_id)),
    field("unique_id", Text, |span| Cell::Text(&span.unique_id)).both(),
    field("trace_unique_id", Text, |span| text(span.trace_unique_id.as_ref())).both(),
    field("span_unique_id", Text, |span| text(span.span_unique_id.as_ref())).body(),
    field("span_parent_id", Text, |span| text(span.span_parent_id.as_ref())).body(),
    field("span_name", Text, |span| text(span.span_name.as_ref())).both(),
    field("span_workflow_name", Text, |span| text(span.span_workflow_name.as_ref())).both(),
    field("trace_group_identifier", Other, |span| text(span.trace_group_identifier.as_ref())),
    field("session_identifier", Other, |span| text(span.session_identifier.as_ref())),
    field("thread_identifier", Text, |span| text(span.thread_identifier.as_ref())).both(),
    field("timestamp", Other, |span| Cell::Time(span.timestamp)),
    field("start_time", Other, |span| span.start_time.map_or(Cell::Null, Cell::Time)),
    field("input", Other, |span| text(span.input.as_ref())),
    field("output", Other, |span| text(span.output.as_ref())),
    field("prompt_messages", Other, |span| json(span.prompt_messages.as_ref())),
    field("completion_message", Other, |span| json(span.completion_message.as_ref())),
    field("tool_calls", Other, |span| json(span.tool_calls.as_ref())),
    field("variables", Other, |span| json(span.variables.as_ref())),
    field("model", Text, |span| text(span.model.as_ref())).both(),
    field("foundation_model", Other, |span| text(span.foundation_model.as_ref())),
    field("provider_id", Text, |span| text(span.provider_id.as_ref())).both(),
    field("deployment_name", Text, |span| text(span.deployment_name.as_ref())).both(),
    field("environment", Text, |span| Cell::Text(&span.environment)).both(),
    field("log_type", Text, |span| Cell::Text(&span.log_type)).both(),
    field("log_method", Text, |span| text(span.log_method.as_ref())).body(),
    field("status", Text, |span| text(span.status.as_ref())).both(),
    field("status_code", Number, |span| int(span.status_code)).both(),
    field("failed", Other, |span| flag(span.failed)),
    field("error_message", Text, |span| text(span.error_message.as_ref())).both(),
    field("error_code", Text, |span| text(span.error_code.as_ref())).body(),
    field("warnings", Other, |span| text(span.warnings.as_ref())),
    field("prompt_tokens", Number, |span| int(span.prompt_tokens)).both().sorts(),
    field("completion_tokens", Number, |span| int(span.completion_tokens)).both().sorts(),
    field("total_request_tokens", Number, |span| int(span.total_request_tokens)).both().sorts(),
    field("prompt_cache_hit_tokens", Number, |span| int(span.prompt_cache_hit_tokens)).body(),
    field("prompt_cache_creation_tokens", Number, |span| int(span.prompt_cache_creation_tokens)).body(),
    field("reasoning_tokens", Other, |span| int(span.reasoning_tokens)),
    field("cost", Number, |span| float(span.cost)).both().sorts(),
    field("latency", Number, |span| Cell::Float(span.latency)).both().sorts(),
    field("time_to_first_token", Number, |span| float(span.time_to_first_token)).both().sorts(),
    field("routing_time", Number, |span| float(span.routing_time)).body(),
    field("tokens_per_second", Number, |span| float(span.tokens_per_second)).both().sorts(),
    field("metadata", Other, |span| span.metadata.as_ref().map_or(Cell::Null, Cell::Labels)),
    field("properties", Other, |span| json(span.properties.as_ref())),
    field("scores", Other, |span| span.scores.as_ref().map_or(Cell::Null, Cell::Scores)),
    field("customer_identifier", Text, |span| text(span.customer_identifier.as_ref())).both(),
    field("customer_email", Text, |span| text(span.customer_email.as_ref())).body(),
    field("customer_name", Other, |span| text(span.customer_name.as_ref())),
    field("custom_identifier", Text, |span| text(span.custom_identifier.as_ref())).both(),
    field("group_identifier", Text, |span| text(span.group_identifier.as_ref())).body(),
    field("evaluation_identifier", Text, |span| text(span.evaluation_identifier.as_ref())).body(),
    field("prompt_id", Text, |span| text(span.prompt_id.as_ref())).both(),
    field("prompt_name", Text, |span| text(span.prompt_name.as_ref())).body(),
    field("prompt_version_number", Number, |span| int(span.prompt_version_number)).body(),
    field("organization_key_id", Text, |span| text(span.organization_key_id.as_ref())).body(),
    field("organization_key_name", Other, |span| text(span.organization_key_name.as_ref())),
    field("stream", Bool, |span| flag(span.stream)).both(),
    field("temperature", Number, |span| float(span.temperature)).both(),
    field("top_p", Other, |span| float(span.top_p)),
    field("max_tokens", Number, |span| int(span.max_tokens)).both(),
    field("used_custom_credential", Bool, |span| flag(span.used_custom_credential)).body(),
    field("has_tool_calls", Bool, |span| flag(span.has_tool_calls)).body(),
    field("cache_bit", Number, |span| int(span.cache_bit)).body(),
    field("cache_key", Text, |span| text(span.cache_key.as_ref())).body(),
    field("positive_feedback", Bool, |span| flag(span.positive_feedback)).body(),
    field("note", Text, |span| text(span.note.as_ref())).body(),
    field("ingest", Other, |span| json(span.ingest.as_ref())),
];

/// Names that mean a member of another name, in body filters.
const ALIASES: &[(&str, &str)] = &[
    ("total_cost", "cost"),
    ("input_tokens", "prompt_tokens"),
    ("output_tokens", "completion_tokens"),
    ("total_tokens", "total_request_tokens"),
    ("trace_id", "trace_unique_id"),
];

/// Members that every row has, whatever `include_fields` says.
const ALWAYS: &[&str] = &["id", "unique_id", "timestamp"];

pub(super) fn named(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name)
}

/// The member that a filter of the body names.
pub(super) fn in_body(name: &str) -> Option<&'static Field> {
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
    named(name).filter(|field| field.in_body)
}

/// A row as a JSON object: with all members, or with those that were asked for.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) span: &'a Span,
    /// The names of `include_fields`.
    pub(super) include: Option<&'a [String]>,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut row = to.serialize_map(None)?;
        for field in FIELDS {
            let wanted = self.include.is_some_and(|names| names.iter().any(|name| name == field.name));
            let there = match self.include {
                Some(_) => wanted || ALWAYS.contains(&field.name),
                None => !self.span.absent.contains(&field.name),
            };
            if there {
                row.serialize_entry(field.name, &(field.read)(self.span))?;
            }
        }
        // What was asked for is there, even if there is no such member.
        for name in self.include.unwrap_or_default().iter().filter(|name| named(name).is_none()) {
            row.serialize_entry(name, &Cell::Null)?;
        }
        row.end()
    }
}

/// ISO 8601 in UTC with six digits, always.
pub(super) fn time(micros: i64) -> String {
    let at = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
