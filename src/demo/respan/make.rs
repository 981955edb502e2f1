//! One demo span, from (seed, index) and its place in a trace.

use std::collections::BTreeMap;

use serde_json::json;

use super::fields::FIELDS;
use super::span::{Score, Span};
use super::words::{
    CALLS, CHAT_LIKE, ERRORS, EVALUATORS, LOG_METHODS, LOG_TYPES, METADATA, MODELS, Model, NAMES, ODD, PROMPTS,
    WORKFLOWS,
};
use crate::demo::dice::{Dice, Lane, draw};

/// Larger than any double can tell from its neighbour.
const HUGE_TOKENS: i64 = (1 << 53) + 1;

/// Where a span stands in its trace.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) trace: u64,
    /// 0 is the root.
    pub(super) place: u64,
    /// Spans of the trace.
    pub(super) size: u64,
    /// The root, for all others.
    pub(super) root: Option<&'a Span>,
    /// When the trace ended, in microseconds since 1970.
    pub(super) end: i64,
}

/// The span without anything that depends on its type and outcome.
pub(super) fn span(seed: u64, index: u64, place: &Place<'_>) -> Span {
    let mut dice = Dice::new(seed, Lane::Figures, index);
    let dice = &mut dice;
    let log_type = log_type(dice, index, place);
    let model = CALLS.contains(&log_type).then(|| pick_model(dice));
    let (timestamp, latency_us) = times(dice, place);
    let error = (dice.below(100) < 6).then(|| pick(dice, &ERRORS));
    let mut span = Span {
        timestamp,
        start_time: maybe(98, timestamp - latency_us, dice),
        latency: latency_us as f64 / 1e6,
        ..identified(seed, index, dice, place)
    };
    span.log_type = log_type.to_owned();
    span.environment = ["prod", "test", "staging"][share(dice, &[80, 14, 6])].to_owned();
    outcome(&mut span, dice, error);
    if let Some(model) = model {
        call(&mut span, dice, index, model, latency_us);
    }
    contents(&mut span, dice, index);
    customer(&mut span, dice);
    labels(&mut span, dice);
    span.absent = absent(&span, dice);
    span
}

/// Identifiers and names; everything else is empty.
fn identified(seed: u64, index: u64, dice: &mut Dice, place: &Place<'_>) -> Span {
    let unique_id = format!("{:016x}{:016x}", draw(seed, Lane::RequestId, index), draw(!seed, Lane::RequestId, index));
    let traced = place.size > 1 || dice.below(3) > 0;
    let trace_id = || format!("{:016x}{:016x}", draw(seed, Lane::TraceId, place.trace), place.trace);
    let root = place.root;
    Span {
        trace_unique_id: traced.then(trace_id),
        span_unique_id: traced.then(|| unique_id[..16].to_owned()),
        span_parent_id: root.and_then(|root| root.span_unique_id.clone()),
        span_name: maybe(90, word(dice, &NAMES), dice),
        span_workflow_name: match root {
            Some(root) => root.span_workflow_name.clone(),
            None => maybe(70, word(dice, &WORKFLOWS), dice),
        },
        trace_group_identifier: maybe(20, format!("group-{}", place.trace % 7), dice),
        session_identifier: maybe(30, format!("session-{}", place.trace % 90), dice),
        thread_identifier: maybe(50, format!("thread_{}", place.trace % 60), dice),
        unique_id,
        ..Span::default()
    }
}

/// Chat rules; each type occurs once in the first rows and now and then later.
fn log_type(dice: &mut Dice, index: u64, place: &Place<'_>) -> &'static str {
    let alone = place.size == 1;
    match dice.below(100) {
        _ if index < LOG_TYPES.len() as u64 => LOG_TYPES[index as usize],
        0..40 if place.place == 0 && !alone => "workflow",
        40..60 if place.place == 0 && !alone => "agent",
        0..55 => "chat",
        55..65 => "tool",
        65..72 => "embedding",
        _ => pick(dice, &LOG_TYPES),
    }
}

/// End and length in microseconds. The spans of a trace lie within their root.
fn times(dice: &mut Dice, place: &Place<'_>) -> (i64, i64) {
    let usual = 1_500_000;
    let drawn = match dice.below(100) {
        0 => 0,
        1 => 1 + dice.below(9),
        2..=4 => 40 * usual + dice.below(200 * usual),
        _ => 50_000 + dice.below(usual),
    } as i64;
    let Some(root) = place.root else { return (place.end, drawn * place.size.min(4) as i64) };
    let room = (root.latency * 1e6) as u64;
    let before_end = dice.below(room / 2 + 1) as i64;
    (root.timestamp - before_end, drawn.min(room as i64 - before_end))
}

fn outcome(span: &mut Span, dice: &mut Dice, error: Option<(i64, &str, &str)>) {
    let Some((code, kind, message)) = error else {
        span.status = maybe(97, "success".to_owned(), dice);
        span.status_code = maybe(96, 200, dice);
        span.failed = maybe(90, false, dice);
        return;
    };
    // Older rows say "error" where newer ones say "failed".
    span.status = Some(["failed", "error"][share(dice, &[70, 30])].to_owned());
    span.status_code = maybe(95, code, dice);
    span.failed = maybe(90, true, dice);
    span.error_message = maybe(90, message.to_owned(), dice);
    span.error_code = maybe(60, kind.to_owned(), dice);
    span.warnings = maybe(20, "retried once".to_owned(), dice);
}

/// What a model call has: model, tokens, cost, speed.
fn call(span: &mut Span, dice: &mut Dice, index: u64, model: &Model, latency_us: i64) {
    span.model = maybe(99, model.name.to_owned(), dice);
    span.foundation_model = maybe(80, model.name.to_lowercase(), dice);
    span.provider_id = maybe(97, model.provider.to_owned(), dice);
    span.deployment_name = maybe(15, format!("{}/eu-1", model.provider), dice);
    let prompt = match index % 97 {
        13 => HUGE_TOKENS,
        14 => 0,
        _ => 20 + dice.below(4000) as i64,
    };
    let completion = if span.log_type == "embedding" { 0 } else { dice.below(900) as i64 };
    span.prompt_tokens = maybe(96, prompt, dice);
    span.completion_tokens = maybe(96, completion, dice);
    span.total_request_tokens = match (span.prompt_tokens, span.completion_tokens) {
        (Some(prompt), Some(completion)) => Some(prompt + completion),
        _ => None,
    };
    span.prompt_cache_hit_tokens = maybe(30, dice_of(dice, prompt.clamp(0, 4000)), dice);
    span.prompt_cache_creation_tokens = maybe(10, dice_of(dice, 100), dice);
    span.reasoning_tokens = maybe(10, dice_of(dice, 2000), dice);
    span.cost = match index % 83 {
        7 => Some(1e-9),
        8 => Some(0.0),
        9 => Some(12_345.678_9),
        10 => Some(3.0),
        _ => model.price.map(|(input, output)| (prompt.min(5000) as f64 * input + completion as f64 * output) / 1e6),
    };
    let streamed = dice.below(3) == 0;
    span.stream = maybe(95, streamed, dice);
    if streamed {
        span.time_to_first_token = maybe(80, dice_of(dice, latency_us / 2) as f64 / 1e6, dice);
        span.tokens_per_second = (latency_us > 0).then(|| completion as f64 / (latency_us as f64 / 1e6));
    }
    span.routing_time = maybe(40, dice_of(dice, 900) as f64 / 1e5, dice);
    span.temperature = maybe(70, [0.0, 0.7, 1.0, 1.2][share(dice, &[40, 30, 20, 10])], dice);
    span.top_p = maybe(20, 0.95, dice);
    span.max_tokens = maybe(40, [256, 1024, 4096][share(dice, &[30, 50, 20])], dice);
    span.cache_bit = maybe(80, i64::from(dice.below(10) == 0), dice);
    span.cache_key = maybe(5, format!("cache-{:04x}", dice.below(4096)), dice);
    span.used_custom_credential = maybe(80, dice.below(4) == 0, dice);
    if dice.below(3) == 0 {
        let (id, name) = pick(dice, &PROMPTS);
        span.prompt_id = Some(id.to_owned());
        span.prompt_name = maybe(90, name.to_owned(), dice);
        span.prompt_version_number = maybe(90, 1 + dice_of(dice, 12), dice);
        span.variables = maybe(60, json!({ "topic": pick(dice, &ODD), "count": dice.below(9) }), dice);
    }
}

/// Input and output: JSON as text.
fn contents(span: &mut Span, dice: &mut Dice, index: u64) {
    let (question, reply) = (sentence(dice, index), sentence(dice, index + 1));
    let (input, output) = if CHAT_LIKE.contains(&span.log_type.as_str()) {
        let asked = json!({ "role": "user", "content": question });
        let messages = match dice.below(2) {
            0 => json!([asked]),
            _ => json!([{ "role": "system", "content": "You are a helpful assistant." }, asked]),
        };
        let message = json!({ "role": "assistant", "content": reply });
        span.prompt_messages = Some(messages.clone());
        span.completion_message = Some(message.clone());
        (messages, message)
    } else {
        match span.log_type.as_str() {
            "embedding" => (json!(question), json!([0.125, -3e-5, 1.0])),
            "tool" | "function" => (json!({ "name": "lookup", "arguments": { "text": question } }), json!([reply])),
            _ => (json!({ "question": question, "n": dice.below(100) }), json!({ "answer": reply, "done": true })),
        }
    };
    span.input = maybe(96, input.to_string(), dice);
    span.output = if span.error_message.is_some() { None } else { maybe(94, output.to_string(), dice) };
    span.has_tool_calls = maybe(70, dice.below(6) == 0, dice);
    if span.has_tool_calls == Some(true) {
        let called = json!({ "name": "lookup", "arguments": "{\"id\": 5}" });
        span.tool_calls = Some(json!([{ "id": "call_1", "type": "function", "function": called }]));
    }
}

fn customer(span: &mut Span, dice: &mut Dice) {
    let number = dice.below(40);
    let identifier = match dice.below(30) {
        0 => format!("USER_{number}"),
        1 => pick(dice, &ODD).to_owned(),
        _ => format!("user_{number}"),
    };
    if dice.below(100) < 75 {
        span.customer_email =
            maybe(50, if dice.below(5) == 0 { String::new() } else { format!("user_{number}@example.com") }, dice);
        span.customer_name = maybe(30, format!("Customer {number}"), dice);
        span.customer_identifier = Some(identifier);
    }
    span.custom_identifier = maybe(30, format!("run-{}", dice.below(200)), dice);
    span.group_identifier = maybe(15, format!("cohort_{}", dice.below(5)), dice);
    span.evaluation_identifier = maybe(5, format!("eval-{}", dice.below(9)), dice);
    span.organization_key_id = Some("key_demo".to_owned());
    span.organization_key_name = maybe(90, "Demo key".to_owned(), dice);
    span.positive_feedback = maybe(12, dice.below(4) > 0, dice);
    span.note = maybe(5, pick(dice, &ODD).to_owned(), dice);
}

/// Metadata, scores, and what is no documented member.
fn labels(span: &mut Span, dice: &mut Dice) {
    let mut metadata = BTreeMap::new();
    for (key, values) in METADATA {
        if dice.below(100) < 40 {
            metadata.insert(key.to_owned(), pick(dice, values).to_owned());
        }
    }
    span.metadata = maybe(93, metadata, dice);
    let mut scores = BTreeMap::new();
    for (place, (id, evaluator_name, evaluator_slug)) in EVALUATORS.into_iter().enumerate() {
        if dice.below(100) < 25 {
            let score_value = if place == 1 { dice.below(2) as f64 } else { dice.below(51) as f64 / 10.0 };
            scores.insert(id.to_owned(), Score { evaluator_name, evaluator_slug, score_value });
        }
    }
    span.scores = maybe(90, scores, dice);
    span.properties = maybe(20, json!({ "attempt": dice.below(5), "deep": { "list": [1, null, "ü"] } }), dice);
    span.log_method = maybe(92, pick(dice, &LOG_METHODS).to_owned(), dice);
    span.ingest = maybe(30, json!({ "region": "eu-1", "shard": dice.below(16), "größe": 36.5 }), dice);
}

/// About every fifth row leaves out some of its null members.
fn absent(span: &Span, dice: &mut Dice) -> Vec<&'static str> {
    if dice.below(5) > 0 {
        return Vec::new();
    }
    let null = FIELDS.iter().filter(|field| (field.read)(span).is_null());
    null.filter(|_| dice.below(2) == 0).map(|field| field.name).collect()
}

fn sentence(dice: &mut Dice, index: u64) -> String {
    match dice.below(6) {
        0 => pick(dice, &ODD).to_owned(),
        // One long text, of letters of several bytes.
        1 if index % 211 == 5 => "長い🙂é→".repeat(4000),
        _ => format!("Where is order {}? 100% urgent, see file_{index}.", dice.below(10_000)),
    }
}

/// A word of the list; one of twelve is odd.
fn word(dice: &mut Dice, words: &[&str]) -> String {
    if dice.below(12) == 0 { pick(dice, &ODD).to_owned() } else { pick(dice, words).to_owned() }
}

fn pick<T: Copy>(dice: &mut Dice, list: &[T]) -> T {
    list[dice.below(list.len() as u64) as usize]
}

fn pick_model(dice: &mut Dice) -> &'static Model {
    &MODELS[share(dice, &MODELS.each_ref().map(|model| model.share))]
}

/// Which part of 100 was drawn.
fn share(dice: &mut Dice, parts: &[u64]) -> usize {
    let roll = dice.below(100);
    let mut sum = 0;
    parts
        .iter()
        .position(|part| {
            sum += part;
            roll < sum
        })
        .unwrap_or_default()
}

/// The value in so many of a hundred rows.
fn maybe<T>(percent: u64, value: T, dice: &mut Dice) -> Option<T> {
    (dice.below(100) < percent).then_some(value)
}

fn dice_of(dice: &mut Dice, bound: i64) -> i64 {
    dice.below(bound.max(1) as u64) as i64
}
