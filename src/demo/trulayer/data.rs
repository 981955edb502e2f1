//! The rows: traces spread over the 40 days before the end of the data, and their spans.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::{Map, Value, json};

use super::super::dice::{Dice, Lane, draw, hash};
use super::super::phrases::{any, pick};
use super::super::requests;
use super::super::text::{Style, push_time};
use super::Options;

const AGE_US: u64 = 40 * 86_400_000_000;
/// The newest trace starts at least this long before the end of the data.
const NEWEST_AGE_US: u64 = 120_000_000;
/// The trace with this index has more spans than the smallest plan exports.
const LONG_TRACE: u64 = 3;
const LONG_TRACE_SPANS: u64 = 180;
const MAX_SPANS: u64 = 60;

const NAMES: [&str; 10] = [
    "answer-question",
    "Answer-Question",
    "nightly_run 100%",
    "agent\\step",
    "résumé",
    "検索 🔎",
    "o'brien's \"flow\"",
    "two\nlines",
    "a,b;c",
    "",
];
const KINDS: [&str; 6] = ["llm", "llm", "tool", "retrieval", "other", "default"];
const MODELS: [&str; 6] =
    ["gpt-4o", "GPT-4o", "gpt-4o-mini", "claude-3-5-sonnet-20241022", "gemini-1.5-pro", "ft:gpt_4%o"];
/// What may be wrong, and how the server classifies it.
const ERRORS: [(&str, Option<&str>); 7] = [
    ("upstream timed out after 30s", Some("timeout")),
    ("Timeout: \"deadline\" exceeded\n  at step 3", Some("timeout")),
    ("429: rate limit, retry later", Some("rate_limit")),
    ("invalid JSON: expected ',' or '}'", Some("invalid_response")),
    ("context_length 100% exceeded", Some("context_length")),
    ("接続エラー ÄÖ", None),
    ("", None),
];
const TAGS: [&str; 6] = ["prod", "Prod", "beta", "a b", "50%", "日本"];
const TAG_MAP: [(&str, &str); 6] =
    [("env", "prod"), ("env", "Prod"), ("team", "search & find"), ("größe", "XL"), ("tier", "50%"), ("empty", "")];

/// One trace. Instants are microseconds since 1970, latency is in milliseconds, cost in USD.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    pub id: String,
    pub project_id: String,
    pub session_id: Option<String>,
    pub external_id: Option<String>,
    pub name: Option<&'static str>,
    pub input: Option<String>,
    pub output: Option<String>,
    pub model: Option<&'static str>,
    pub latency_ms: Option<i64>,
    pub cost: Option<f64>,
    /// 0 for old traces, whatever their spans used.
    pub total_token_count: Option<i64>,
    pub prompt_tokens_total: Option<i64>,
    pub completion_tokens_total: Option<i64>,
    pub error: Option<&'static str>,
    pub tags: Vec<&'static str>,
    /// Empty: the trace has none.
    pub tag_map: Vec<(&'static str, &'static str)>,
    pub metadata: Option<Value>,
    pub span_count: i64,
    pub started_at: i64,
    pub ended_at: Option<i64>,
    /// Hidden: what the filter of the same name compares.
    pub failure_type: Option<&'static str>,
    /// Whether null members are left out of the object.
    pub nulls_absent: bool,
}

/// One span, with the columns of its export. `created_at` is in microseconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub trace_id: String,
    pub span_id: String,
    pub name: &'static str,
    /// The column `type`.
    pub kind: &'static str,
    pub model: Option<&'static str>,
    pub created_at: i64,
    pub duration_ms: Option<i64>,
    pub prompt_tokens: Option<i64>,
    pub completion_tokens: Option<i64>,
    pub cost_usd: Option<f64>,
    pub trace_input: Option<String>,
    pub trace_output: Option<String>,
    pub span_input: Option<String>,
    pub span_output: Option<String>,
    pub error: Option<&'static str>,
    /// Not exported: only the single trace has it.
    pub parent_span_id: Option<String>,
}

/// All rows: traces newest first, their spans in the same order.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) traces: Vec<Trace>,
    pub(super) spans: Vec<Span>,
    /// By trace id: the place of the trace, and the places of its spans.
    by_id: HashMap<String, (usize, Range<usize>)>,
    /// The places of the traces in the order of the list.
    list: Vec<usize>,
    shuffled: bool,
}

impl Data {
    pub(super) fn new(options: &Options) -> Data {
        let mut made: Vec<(Trace, Vec<Span>)> = (0..options.traces).map(|index| make(options, index)).collect();
        made.sort_by(|(left, _), (right, _)| (right.started_at, &right.id).cmp(&(left.started_at, &left.id)));
        let (mut traces, mut spans, mut by_id) = (Vec::new(), Vec::new(), HashMap::new());
        for (trace, of_trace) in made {
            let start = spans.len();
            spans.extend(of_trace);
            by_id.insert(trace.id.clone(), (traces.len(), start..spans.len()));
            traces.push(trace);
        }
        let mut list: Vec<usize> = (0..traces.len()).collect();
        if options.shuffled {
            list.sort_by_key(|&place| hash(traces[place].id.as_bytes()));
        }
        Data { traces, spans, by_id, list, shuffled: options.shuffled }
    }

    /// A trace and its spans, the oldest first.
    pub(super) fn trace(&self, id: &str) -> Option<(&Trace, &[Span])> {
        let (place, spans) = self.by_id.get(&id.to_ascii_lowercase())?;
        Some((&self.traces[*place], &self.spans[spans.clone()]))
    }

    /// The traces in the order of the list.
    pub(super) fn listed(&self) -> impl Iterator<Item = &Trace> {
        self.list.iter().map(|&place| &self.traces[place])
    }

    /// Where a trace stands in the list.
    pub(super) fn place(&self, id: &str) -> Option<usize> {
        self.listed().position(|trace| trace.id == id)
    }

    /// The places of a trace's spans in the order of the export.
    pub(super) fn exported(&self, id: &str) -> Vec<usize> {
        let mut places: Vec<usize> = self.by_id.get(id).map_or(0..0, |(_, spans)| spans.clone()).collect();
        if self.shuffled {
            places.sort_by_key(|&place| hash(self.spans[place].span_id.as_bytes()));
        }
        places
    }
}

fn make(options: &Options, index: u64) -> (Trace, Vec<Span>) {
    let mut dice = Dice::new(options.seed, Lane::Trace, index);
    let count = match index {
        LONG_TRACE => LONG_TRACE_SPANS,
        _ if dice.below(12) == 0 => 0,
        // Mostly short ones.
        _ => 1 + dice.below(MAX_SPANS).min(dice.below(MAX_SPANS)).min(dice.below(MAX_SPANS)),
    };
    let mut trace = trace(options, index, &mut dice);
    // From the first span to the last, with whole milliseconds; at least one for each span.
    let length_ms = count as i64 + dice.below(90_000) as i64;
    trace.latency_ms = (dice.below(15) > 0).then_some(length_ms);
    trace.ended_at = trace.latency_ms.map(|latency| trace.started_at + latency * 1000);
    trace.span_count = count as i64;
    let mut spans: Vec<Span> = (0..count).map(|place| span(options.seed, &trace, place, length_ms)).collect();
    spans.sort_by(|left, right| (left.created_at, &left.span_id).cmp(&(right.created_at, &right.span_id)));
    // Older traces were stored before tokens were summed up.
    let old = trace.started_at < options.now.timestamp_micros() - (AGE_US / 4 * 3) as i64;
    let sum = |value: fn(&Span) -> Option<i64>| spans.iter().filter_map(value).sum::<i64>();
    let (prompt, completion) = (sum(|span| span.prompt_tokens), sum(|span| span.completion_tokens));
    trace.total_token_count = (dice.below(10) > 0).then_some(if old { 0 } else { prompt + completion });
    trace.prompt_tokens_total = (!old).then_some(prompt);
    trace.completion_tokens_total = (!old).then_some(completion);
    trace.cost = spans.iter().filter_map(|span| span.cost_usd).reduce(|a, b| a + b);
    (trace, spans)
}

/// A trace without what follows from its spans.
fn trace(options: &Options, index: u64, dice: &mut Dice) -> Trace {
    // Every seventh trace starts with the one before it.
    let start = if index % 7 == 6 { index - 1 } else { index };
    let age = NEWEST_AGE_US + Dice::new(options.seed, Lane::Jitter, start).below(AGE_US - NEWEST_AGE_US);
    let started_at = options.now.timestamp_micros() - age as i64;
    // Half of the clients send milliseconds.
    let started_at = if start % 2 == 0 { started_at } else { started_at - started_at.rem_euclid(1000) };
    let others = options.projects.len().saturating_sub(1) as u64;
    let project = if others > 0 && dice.below(4) == 0 { 1 + dice.below(others) as usize } else { 0 };
    let (error, failure_type) = match dice.below(5) {
        0 => pick(dice, &ERRORS),
        _ => ("", None),
    };
    let failed = failure_type.is_some() || !error.is_empty() || index % 40 == 11;
    Trace {
        id: requests::trace_id(options.seed, index),
        project_id: options.projects.get(project).cloned().unwrap_or_default(),
        session_id: (dice.below(3) > 0).then(|| format!("Session-{}%", dice.below(30))),
        external_id: (dice.below(4) == 0).then(|| format!("ext_{:08x}", draw(options.seed, Lane::Linked, index) >> 32)),
        name: (dice.below(10) > 0).then(|| pick(dice, &NAMES)),
        input: (dice.below(8) > 0).then(|| any(dice).to_owned()),
        output: (dice.below(6) > 0).then(|| format!("{}\n{}", any(dice), json!({ "text": any(dice) }))),
        model: (dice.below(8) > 0).then(|| pick(dice, &MODELS)),
        latency_ms: None,
        cost: None,
        total_token_count: None,
        prompt_tokens_total: None,
        completion_tokens_total: None,
        error: failed.then_some(error),
        tags: (0..dice.below(3)).map(|_| pick(dice, &TAGS)).collect(),
        tag_map: if dice.below(2) == 0 { vec![pick(dice, &TAG_MAP)] } else { Vec::new() },
        metadata: (dice.below(3) > 0).then(|| json!({ "user": "user-7", "note": any(dice), "score": 1.5 })),
        span_count: 0,
        started_at,
        ended_at: None,
        failure_type,
        nulls_absent: index % 2 == 1,
    }
}

fn span(seed: u64, trace: &Trace, place: u64, length_ms: i64) -> Span {
    let mut dice = Dice::new(seed ^ hash(trace.id.as_bytes()), Lane::Figures, place);
    let id = |place| requests::trace_id(!seed ^ hash(trace.id.as_bytes()), place);
    // The first starts with the trace; a few share an instant with it.
    let offset_ms = if place == 0 || dice.below(10) == 0 { 0 } else { dice.below(length_ms as u64 + 1) as i64 };
    let kind = pick(&mut dice, &KINDS);
    let llm = kind == "llm";
    let prompt_tokens = (llm && dice.below(12) > 0).then(|| dice.below(4_000) as i64);
    let completion_tokens = (llm && dice.below(12) > 0).then(|| dice.below(900) as i64);
    let cost = prompt_tokens.zip(completion_tokens).map(|(prompt, completion)| (prompt + 4 * completion) as f64 / 1e7);
    Span {
        trace_id: trace.id.clone(),
        span_id: id(place),
        name: pick(&mut dice, &NAMES),
        kind,
        model: (llm && dice.below(15) > 0).then(|| pick(&mut dice, &MODELS)),
        created_at: trace.started_at + offset_ms * 1000,
        duration_ms: (dice.below(12) > 0).then(|| dice.below((length_ms - offset_ms) as u64 + 1) as i64),
        prompt_tokens,
        completion_tokens,
        cost_usd: if dice.below(9) == 0 { None } else { cost },
        trace_input: trace.input.clone(),
        trace_output: trace.output.clone(),
        span_input: (dice.below(6) > 0).then(|| any(&mut dice).to_owned()),
        span_output: (dice.below(6) > 0).then(|| any(&mut dice).to_owned()),
        error: (dice.below(10) == 0).then(|| pick(&mut dice, &ERRORS).0),
        parent_span_id: (place > 0).then(|| id(dice.below(place))),
    }
}

impl Trace {
    /// The object of the list, without spans.
    pub(super) fn json(&self) -> Value {
        let map: Map<String, Value> =
            self.tag_map.iter().map(|&(key, value)| (key.to_owned(), Value::from(value))).collect();
        let mut row = json!({
            "id": self.id, "project_id": self.project_id, "session_id": self.session_id,
            "external_id": self.external_id, "name": self.name, "input": self.input, "output": self.output,
            "model": self.model, "latency_ms": self.latency_ms, "cost": self.cost,
            "total_token_count": self.total_token_count, "prompt_tokens_total": self.prompt_tokens_total,
            "completion_tokens_total": self.completion_tokens_total, "error": self.error, "tags": self.tags,
            "tag_map": (!self.tag_map.is_empty()).then_some(map), "metadata": self.metadata,
            "span_count": self.span_count, "started_at": iso(self.started_at), "ended_at": self.ended_at.map(iso),
        });
        if let (true, Value::Object(members)) = (self.nulls_absent, &mut row) {
            members.retain(|_, value| !value.is_null());
        }
        row
    }
}

impl Span {
    /// The object within a single trace, which has other names than the export.
    pub(super) fn detail(&self) -> Value {
        let end = self.duration_ms.map(|duration| iso(self.created_at + duration * 1000));
        json!({
            "id": self.span_id, "trace_id": self.trace_id, "parent_span_id": self.parent_span_id, "name": self.name,
            "type": self.kind, "input": self.span_input, "output": self.span_output, "model": self.model,
            "latency_ms": self.duration_ms, "cost": self.cost_usd, "error": self.error,
            "prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens, "metadata": {},
            "created_at": iso(self.created_at), "start_time": iso(self.created_at), "end_time": end,
        })
    }
}

fn iso(micros: i64) -> String {
    let mut text = Vec::new();
    push_time(&mut text, micros, Style::Zulu);
    String::from_utf8(text).expect("times are ASCII")
}
