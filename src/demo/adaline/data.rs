//! The rows: spans in traces, spread over the 40 days before the end of the data.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::super::dice::{Dice, Lane, draw};
use super::super::phrases::{ODD, any, pick};
use super::Options;

const SPAN_DAYS_MS: u64 = 40 * 86_400_000;
/// Rows on most instants stand at least this long before the end of the data.
const NEWEST_AGE_MS: u64 = 60_000;
const MAX_SPANS: u64 = 14;

const TRACE_NAMES: [&str; 8] = [
    "checkout-assistant",
    "Checkout-Assistant",
    "nightly_batch 100%",
    "support 支援",
    "Übersetzung",
    "o'clock \"report\"",
    "path\\to\\flow",
    "eval_run",
];
const SPAN_NAMES: [&str; 12] = [
    "chat completion",
    "Chat Completion",
    "retrieve_docs",
    "retrieve-docs",
    "rerank 50%",
    "guard\\rail",
    "Prüfung ÄÖ",
    "要約 🧵",
    "o'neil's \"tool\"",
    "two\nlines",
    "",
    "embed",
];
/// Of fifty spans each; the last three are custom ones.
const CONTENT_TYPES: [(&str, u64); 11] = [
    ("Model", 18),
    ("ModelStream", 6),
    ("Tool", 6),
    ("Function", 4),
    ("Guardrail", 3),
    ("Retrieval", 4),
    ("Embeddings", 3),
    ("Other", 2),
    ("Reranker", 2),
    ("model", 1),
    ("Mein_Schritt 100%", 1),
];
/// Provider, model and USD for a token; the last has no price.
const MODELS: [(&str, &str, Option<f64>); 7] = [
    ("openai", "gpt-4o", Some(5e-6)),
    ("openai", "GPT-4o-mini", Some(3e-7)),
    ("openai", "gpt-4.1", Some(4e-6)),
    ("anthropic", "claude-3-5-sonnet-20241022", Some(6e-6)),
    ("Google", "gemini-1.5-pro", Some(2.5e-6)),
    ("groq", "llama-3.3-70b", Some(0.0)),
    ("azure", "ft:gpt_4%o:demo", None),
];
const STATUSES: [&str; 20] = [
    "success",
    "success",
    "success",
    "success",
    "success",
    "success",
    "success",
    "success",
    "success",
    "success",
    "success",
    "success",
    "success",
    "success",
    "failure",
    "failure",
    "failure",
    "aborted",
    "cancelled",
    "unknown",
];
const PROMPTS: [&str; 3] = ["prompt_demo_answer_000001", "prompt_demo_Answer_000001", "prompt_demo_classify_0002"];
const TAGS: [&str; 7] = ["prod", "Prod", "beta", "a b", "50%", "日本", ""];

/// One span. Instants are epoch milliseconds, latency is in milliseconds, cost in USD.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub id: String,
    pub name: &'static str,
    pub content_type: &'static str,
    pub status: &'static str,
    pub started_at: i64,
    pub ended_at: i64,
    pub latency: f64,
    pub log_trace_id: String,
    pub prompt_id: Option<&'static str>,
    pub reference_id: Option<String>,
    pub parent_reference_id: Option<String>,
    pub session_id: Option<String>,
    pub cost: Option<f64>,
    pub prompt_tokens: Option<f64>,
    pub completion_tokens: Option<f64>,
    pub total_tokens: Option<f64>,
    /// JSON text, as are the next four; sometimes empty.
    pub content: String,
    pub parsed_content: String,
    pub attributes: String,
    pub tags: String,
    pub events: String,
    pub created_at: i64,
    pub updated_at: i64,
    /// Beyond the documents: a member that some rows have.
    pub region: Option<&'static str>,
    /// Whether null columns are left out of the object.
    pub nulls_absent: bool,
    /// Whether whole numbers are written as `12.0`.
    pub fractions: bool,
    /// Hidden: what the search is limited to.
    pub project_id: String,
    /// Hidden: also looked at by the filter on names.
    pub trace_name: &'static str,
    /// Hidden, as is the provider: it stands in the content only.
    pub model: Option<&'static str>,
    pub provider: Option<&'static str>,
    /// The elements of `tags`.
    pub tag_list: Vec<&'static str>,
}

/// One trace. Its start and end are the first start and the last end of its spans, in epoch milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    pub id: String,
    pub name: &'static str,
    pub status: &'static str,
    pub started_at: i64,
    pub ended_at: i64,
    pub reference_id: String,
    pub session_id: Option<String>,
    pub attributes: Vec<(&'static str, &'static str)>,
    pub tags: Vec<&'static str>,
    pub total_cost: Option<f64>,
    pub total_input_tokens: Option<f64>,
    pub total_output_tokens: Option<f64>,
    pub span_ids: Vec<String>,
    /// Hidden: what the search is limited to.
    pub project_id: String,
}

/// All rows, newest first, those on one instant by descending id.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) spans: Vec<Span>,
    pub(super) traces: Vec<Trace>,
}

impl Data {
    pub(super) fn new(options: &Options) -> Data {
        let (mut spans, mut traces) = (Vec::new(), Vec::new());
        while (spans.len() as u64) < options.rows {
            let plan = Plan::new(options, traces.len() as u64);
            let count = plan.count.min(options.rows - spans.len() as u64);
            let first = spans.len() as u64;
            spans.extend((0..count).map(|place| plan.span(first + place, place)));
            traces.push(plan.trace);
        }
        if options.tie > 1 {
            options.projects.iter().for_each(|project| tie(&mut spans, project, options.tie as usize));
        }
        sum_up(&mut traces, &spans);
        spans.sort_by(|left, right| (right.started_at, &right.id).cmp(&(left.started_at, &left.id)));
        traces.sort_by(|left, right| (right.started_at, &right.id).cmp(&(left.started_at, &left.id)));
        Data { spans, traces }
    }
}

/// A trace before it has spans.
struct Plan {
    seed: u64,
    now_ms: i64,
    count: u64,
    trace: Trace,
}

impl Plan {
    fn new(options: &Options, index: u64) -> Plan {
        let mut dice = Dice::new(options.seed, Lane::Trace, index);
        // Every ninth trace starts with the one before it.
        let start = if index % 9 == 8 { index - 1 } else { index };
        let age = NEWEST_AGE_MS + Dice::new(options.seed, Lane::Jitter, start).below(SPAN_DAYS_MS - NEWEST_AGE_MS);
        let now_ms = options.now.timestamp_millis();
        // The first project has three of four traces; the rest share the others.
        let others = options.projects.len().saturating_sub(1) as u64;
        let project = if others > 0 && dice.below(4) == 0 { 1 + dice.below(others) as usize } else { 0 };
        let trace = Trace {
            id: format!("trace_{:020x}", draw(options.seed, Lane::TraceId, index)),
            name: pick(&mut dice, &TRACE_NAMES),
            status: if index % 50 == 7 { "pending" } else { pick(&mut dice, &STATUSES) },
            started_at: now_ms - age as i64,
            ended_at: 0,
            reference_id: format!("ref-{:x}", draw(options.seed, Lane::Linked, index) >> 24),
            session_id: session(&mut dice, options.seed),
            attributes: vec![("env", pick(&mut dice, &["prod", "Prod", "staging"])), ("note", any(&mut dice))],
            tags: some_tags(&mut dice),
            total_cost: None,
            total_input_tokens: None,
            total_output_tokens: None,
            span_ids: Vec::new(),
            project_id: options.projects.get(project).cloned().unwrap_or_default(),
        };
        Plan { seed: options.seed, now_ms, count: 1 + dice.below(MAX_SPANS), trace }
    }

    /// The span with this index of all, at this place of the trace; the first is the root of the others.
    fn span(&self, index: u64, place: u64) -> Span {
        let mut dice = Dice::new(self.seed, Lane::Figures, index);
        let content_type = content_type(&mut dice, index);
        // Calls in parallel start together.
        let started_at = self.trace.started_at + (place / 3) as i64 * 350;
        let latency_ms = if dice.below(40) == 0 { 0 } else { 1 + dice.below(4_000) as i64 };
        let ended_at = started_at + latency_ms;
        let created_at = (ended_at + dice.below(3_000) as i64).min(self.now_ms);
        let usage = Usage::roll(&mut dice, content_type);
        let tag_list = some_tags(&mut dice);
        let (reference_id, parent_reference_id) = self.references(&mut dice, place);
        Span {
            id: format!("span_{:020x}", draw(self.seed, Lane::RequestId, index)),
            name: pick(&mut dice, &SPAN_NAMES),
            content_type,
            status: if index < STATUSES.len() as u64 { STATUSES[index as usize] } else { pick(&mut dice, &STATUSES) },
            started_at,
            ended_at,
            latency: latency_ms as f64 + if dice.below(5) == 0 { 0.25 } else { 0.0 },
            log_trace_id: self.trace.id.clone(),
            prompt_id: (usage.model.is_some() && dice.below(3) > 0).then(|| pick(&mut dice, &PROMPTS)),
            reference_id,
            parent_reference_id,
            session_id: self.trace.session_id.clone(),
            cost: usage.cost,
            prompt_tokens: usage.prompt,
            completion_tokens: usage.completion,
            total_tokens: usage.prompt.zip(usage.completion).map(|(prompt, completion)| prompt + completion),
            content: content(&mut dice, content_type, &usage),
            parsed_content: if dice.below(2) == 0 {
                String::new()
            } else {
                json!({"text": any(&mut dice)}).to_string()
            },
            attributes: attributes(&mut dice, index).to_string(),
            tags: json!(tag_list).to_string(),
            events: events(&mut dice, started_at).to_string(),
            created_at,
            updated_at: created_at + if dice.below(4) == 0 { 1_234 } else { 0 },
            region: (index % 32 == 5).then_some("eu-1"),
            nulls_absent: index % 16 == 3,
            fractions: index % 8 == 6,
            project_id: self.trace.project_id.clone(),
            trace_name: self.trace.name,
            model: usage.model,
            provider: usage.provider,
            tag_list,
        }
    }

    /// The span's own reference id and that of its parent: the root or one of the first three, which all have one.
    fn references(&self, dice: &mut Dice, place: u64) -> (Option<String>, Option<String>) {
        let reference = |place: u64| format!("{}/{place}", self.trace.reference_id);
        let own = (place < 3 || dice.below(5) > 0).then(|| reference(place));
        let parent = if place < 3 || place.is_multiple_of(2) { 0 } else { place % 3 };
        (own, (place > 0).then(|| reference(parent)))
    }
}

/// What a span used. Only model spans have a model, and not all of them.
struct Usage {
    provider: Option<&'static str>,
    model: Option<&'static str>,
    cost: Option<f64>,
    prompt: Option<f64>,
    completion: Option<f64>,
}

impl Usage {
    fn roll(dice: &mut Dice, content_type: &str) -> Usage {
        let none = Usage { provider: None, model: None, cost: None, prompt: None, completion: None };
        let (prompt, completion) = (dice.below(3_000) as f64, dice.below(800) as f64);
        match content_type {
            "Model" | "ModelStream" => {
                let (provider, model, price) = pick(dice, &MODELS);
                // A whole number of 1e-9 USD.
                let cost = price.map(|price| ((prompt + 4.0 * completion) * price * 1e9).round() / 1e9);
                let named = dice.below(30) > 0;
                let completion = (dice.below(20) > 0).then_some(completion);
                Usage {
                    provider: named.then_some(provider),
                    model: named.then_some(model),
                    cost,
                    prompt: Some(prompt),
                    completion,
                }
            }
            "Embeddings" => Usage { prompt: Some(prompt), cost: Some(prompt / 1e8), ..none },
            _ => none,
        }
    }
}

fn content_type(dice: &mut Dice, index: u64) -> &'static str {
    if let Some(&(name, _)) = CONTENT_TYPES.get(index as usize) {
        return name;
    }
    let mut left = dice.below(50);
    for (name, share) in CONTENT_TYPES {
        if left < share {
            return name;
        }
        left -= share;
    }
    "Other"
}

fn content(dice: &mut Dice, content_type: &str, usage: &Usage) -> String {
    let (input, output) = (json!({"text": any(dice)}).to_string(), json!(any(dice)).to_string());
    let mut content = json!({ "type": content_type, "input": input, "output": output });
    match content_type {
        "Model" | "ModelStream" => {
            content["provider"] = json!(usage.provider);
            content["model"] = json!(usage.model);
        }
        "Reranker" => return String::new(),
        "Other" => return json!([1, 2.50, null, any(dice)]).to_string(),
        _ => {}
    }
    content.to_string()
}

fn attributes(dice: &mut Dice, index: u64) -> Value {
    match dice.below(5) {
        0 => json!({}),
        1 => json!({ "user": "user-7", "note": ODD[(index % ODD.len() as u64) as usize], "Größe": 12.0 }),
        _ => json!({ "env": pick(dice, &["prod", "Prod", "staging"]), "retries": dice.below(3) }),
    }
}

fn events(dice: &mut Dice, started_at: i64) -> Value {
    let count = dice.below(3);
    (0..count).map(|place| json!({ "name": any(dice), "timestamp": started_at + place as i64 })).collect()
}

fn some_tags(dice: &mut Dice) -> Vec<&'static str> {
    (0..dice.below(4)).map(|_| pick(dice, &TAGS)).collect()
}

fn session(dice: &mut Dice, seed: u64) -> Option<String> {
    match dice.below(10) {
        0..=2 => None,
        3 => Some(String::new()),
        4 => Some(format!("Session_{}%", dice.below(5))),
        _ => Some(format!("session-{:04x}", draw(seed, Lane::Tied, dice.below(40)) >> 48)),
    }
}

/// Moves the spans of a project together, so that blocks of them start on one instant.
fn tie(spans: &mut [Span], project: &str, block: usize) {
    let mut order: Vec<usize> = (0..spans.len()).filter(|&place| spans[place].project_id == project).collect();
    order.sort_by_key(|&place| spans[place].started_at);
    for block in order.chunks(block) {
        let start = spans[block[0]].started_at;
        for &place in block {
            let span = &mut spans[place];
            // The whole span moves: its latency and what followed it stay as they are.
            let by = span.started_at - start;
            for at in [&mut span.started_at, &mut span.ended_at, &mut span.created_at, &mut span.updated_at] {
                *at -= by;
            }
        }
    }
}

/// Gives the traces what follows from their spans.
fn sum_up(traces: &mut [Trace], spans: &[Span]) {
    let mut of: HashMap<&str, Vec<&Span>> = HashMap::new();
    spans.iter().for_each(|span| of.entry(&span.log_trace_id).or_default().push(span));
    for trace in traces {
        let Some(spans) = of.get(trace.id.as_str()) else { continue };
        let sum = |value: fn(&Span) -> Option<f64>| spans.iter().filter_map(|span| value(span)).reduce(|a, b| a + b);
        trace.total_cost = sum(|span| span.cost);
        trace.total_input_tokens = sum(|span| span.prompt_tokens);
        trace.total_output_tokens = sum(|span| span.completion_tokens);
        trace.started_at = spans.iter().map(|span| span.started_at).min().unwrap_or(trace.started_at);
        trace.ended_at = spans.iter().map(|span| span.ended_at).max().unwrap_or(trace.started_at);
        trace.span_ids = spans.iter().map(|span| span.id.clone()).collect();
    }
}
