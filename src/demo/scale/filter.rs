//! Which spans a request asks for. Values of one list are alternatives; the lists must all agree.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::fields::{Faults, Fields, Query};
use super::span::{STATUSES, Span, TYPES};
use super::words;

const MAX_IDS: usize = 10_000;
const MAX_TERMS: usize = 10;
const MIN_TERM_LETTERS: usize = 2;

/// Who asks: the search knows some filters that the export ignores, as it ignores any unknown field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Export,
    Search,
}

/// Alternatives. None at all lets everything pass.
#[derive(Clone, Debug, Default)]
struct Any(HashSet<String>);

impl Any {
    fn new(values: Vec<String>) -> Any {
        Any(values.into_iter().collect())
    }

    fn admits(&self, value: Option<&str>) -> bool {
        self.0.is_empty() || value.is_some_and(|value| self.0.contains(value))
    }

    fn names(&self, value: &str) -> bool {
        self.0.contains(value)
    }
}

/// The conditions of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    from: Option<i64>,
    to: Option<i64>,
    parents_only: bool,
    span_ids: Any,
    trace_ids: Any,
    excluded_span_ids: Any,
    excluded_trace_ids: Any,
    parent_ids: Any,
    obs_trace_ids: Any,
    obs_span_ids: Any,
    group_id: Option<String>,
    names: Any,
    statuses: Any,
    types: Any,
    terms: Vec<Vec<String>>,
    metadata: Map<String, Value>,
    variants: Any,
    assessment_types: Any,
    acp_types: Any,
    agent_names: Any,
    agent_ids: Any,
    min_duration_ms: Option<i64>,
    max_duration_ms: Option<i64>,
}

impl Filter {
    pub(super) fn parse(query: &Query, body: &Fields, endpoint: Endpoint, faults: &mut Faults) -> Filter {
        let mut ids = 0;
        let mut id_list = |name: &str, faults: &mut Faults| {
            let values = body.texts(name, faults);
            ids += values.len();
            Any::new(values)
        };
        let (from, to) = window(query, faults);
        let filter = Filter {
            from,
            to,
            span_ids: id_list("span_ids", faults),
            trace_ids: id_list("trace_ids", faults),
            excluded_span_ids: id_list("excluded_span_ids", faults),
            excluded_trace_ids: id_list("excluded_trace_ids", faults),
            parents_only: body.flag("parents_only", faults),
            group_id: body.text("group_id", faults),
            names: Any::new(body.texts("names", faults)),
            statuses: Any::new(body.words("statuses", &STATUSES, faults)),
            types: Any::new(body.words("types", &TYPES, faults)),
            terms: terms(body, faults),
            metadata: body.members("extra_metadata", faults),
            variants: Any::new(body.texts("application_variant_ids", faults)),
            assessment_types: Any::new(body.texts("assessment_types", faults)),
            acp_types: Any::new(body.texts("acp_types", faults)),
            agent_names: Any::new(body.texts("agentex_agent_names", faults)),
            agent_ids: Any::new(body.texts("agentex_agent_ids", faults)),
            min_duration_ms: body.int("min_duration_ms", faults),
            max_duration_ms: body.int("max_duration_ms", faults),
            ..match endpoint {
                Endpoint::Export => Filter::default(),
                Endpoint::Search => Filter {
                    parent_ids: id_list("parent_ids", faults),
                    obs_trace_ids: Any::new(body.texts("obs_trace_ids", faults)),
                    obs_span_ids: Any::new(body.texts("obs_span_ids", faults)),
                    ..Filter::default()
                },
            }
        };
        if ids > MAX_IDS {
            let message = format!("Value error, {ids} ids in all filters together, at most {MAX_IDS} are allowed");
            faults.add(json!(["body"]), "value_error", &message, &Value::Null);
        }
        filter
    }

    /// The spans that match. `whole_ms` cuts durations to milliseconds before they are compared.
    pub(super) fn select<'a>(&self, spans: &'a [Span], whole_ms: bool) -> Vec<&'a Span> {
        let assessed = self.assessed(spans);
        spans.iter().filter(|span| self.matches(span, &assessed, whole_ms)).collect()
    }

    /// The traces with an assessment of the types that are asked for.
    fn assessed<'a>(&self, spans: &'a [Span]) -> HashSet<&'a str> {
        let has = |span: &&Span| span.assessments.iter().any(|one| self.assessment_types.names(one.assessment_type));
        spans.iter().filter(has).map(|span| span.trace_id.as_str()).collect()
    }

    fn matches(&self, span: &Span, assessed: &HashSet<&str>, whole_ms: bool) -> bool {
        self.from.is_none_or(|from| from <= span.start_timestamp)
            && self.to.is_none_or(|to| span.start_timestamp <= to)
            && !(self.parents_only && span.parent_id.is_some())
            && self.identity_matches(span)
            && self.group_id.as_deref().is_none_or(|group| span.group_id == Some(group))
            && self.names.admits(Some(span.name))
            && self.statuses.admits(span.status)
            && self.types.admits(span.kind)
            && self.variants.admits(span.application_variant_id)
            && self.acp_types.admits(span.acp_type)
            && self.agent_names.admits(span.agentex_agent_name)
            && self.agent_ids.admits(span.agentex_agent_id)
            && (self.assessment_types.0.is_empty() || assessed.contains(span.trace_id.as_str()))
            && self.duration_matches(span, whole_ms)
            && self.metadata_matches(span)
            && words::found(span, &self.terms)
    }

    fn identity_matches(&self, span: &Span) -> bool {
        self.span_ids.admits(Some(&span.id))
            && self.trace_ids.admits(Some(&span.trace_id))
            && !self.excluded_span_ids.names(&span.id)
            && !self.excluded_trace_ids.names(&span.trace_id)
            && self.parent_ids.admits(span.parent_id.as_deref())
            && self.obs_trace_ids.admits(span.obs_trace_id.as_deref())
            && self.obs_span_ids.admits(span.obs_span_id.as_deref())
    }

    /// Both bounds count; a span that has not ended has no duration.
    fn duration_matches(&self, span: &Span, whole_ms: bool) -> bool {
        if self.min_duration_ms.is_none() && self.max_duration_ms.is_none() {
            return true;
        }
        let Some(duration) = span.duration() else { return false };
        let duration = i128::from(if whole_ms { duration - duration.rem_euclid(1000) } else { duration });
        let micros = |ms: i64| i128::from(ms) * 1000;
        self.min_duration_ms.is_none_or(|min| micros(min) <= duration)
            && self.max_duration_ms.is_none_or(|max| duration <= micros(max))
    }

    /// Each key must be there, with the value or one of an array of values.
    fn metadata_matches(&self, span: &Span) -> bool {
        self.metadata.iter().all(|(key, wanted)| {
            let Some(value) = span.metadata_members().and_then(|members| members.get(key)) else { return false };
            match wanted {
                Value::Array(any) => any.iter().any(|wanted| same(wanted, value)),
                wanted => same(wanted, value),
            }
        })
    }
}

/// The bounds on `start_timestamp`, which both count.
fn window(query: &Query, faults: &mut Faults) -> (Option<i64>, Option<i64>) {
    let bounds = (query.time("from_ts", faults), query.time("to_ts", faults));
    if let (Some(from), Some(to)) = bounds
        && from > to
    {
        let message = "Value error, from_ts must not be after to_ts";
        faults.add(json!(["query", "from_ts"]), "value_error", message, &json!(query.text("from_ts")));
    }
    bounds
}

fn terms(body: &Fields, faults: &mut Faults) -> Vec<Vec<String>> {
    let texts = body.texts("search_texts", faults);
    if texts.len() > MAX_TERMS {
        let count = texts.len();
        let message = format!("List should have at most {MAX_TERMS} items after validation, not {count}");
        faults.add(json!(["body", "search_texts"]), "too_long", &message, &json!(texts));
    }
    for (place, text) in texts.iter().enumerate() {
        if text.chars().count() < MIN_TERM_LETTERS {
            let message = format!("String should have at least {MIN_TERM_LETTERS} characters");
            faults.add(json!(["body", "search_texts", place]), "string_too_short", &message, &json!(text));
        }
    }
    texts.iter().map(|text| words::stems(text)).collect()
}

/// Equality of JSON values: numbers by their value, whatever their form; nothing equals a value of another type.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one == other,
            _ => one.as_f64() == other.as_f64(),
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}
