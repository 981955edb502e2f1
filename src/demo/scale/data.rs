//! Which spans there are: traces of some spans each, over the forty days before the end of the data.
//!
//! What breaks decoders and filters stands at the first indexes of its pool, so that every data set of 100 rows or more
//! has all of it; beyond that chance decides.

use chrono::TimeDelta;

use super::Options;
use super::assess;
use super::payload;
use super::span::{STATUSES, Span, TYPES};
use crate::demo::dice::{Dice, Lane, draw};
use crate::demo::rows::Extra;

/// Keeps these rows apart from those of other upstreams with the same seed.
const SALT: u64 = 0x5CA1_E000_0000_0000;
const PERIOD: TimeDelta = TimeDelta::days(40);
/// No trace begins later than that before the end of the data, so that nothing begins after it.
const NEWEST_AGE: TimeDelta = TimeDelta::minutes(10);
const SECOND: i64 = 1_000_000;
/// Of so many traces one has a span with the id of a span of the trace before; which one.
const SHARING: u64 = 40;
const SHARED: u64 = 4;
const BEFORE_SHARED: u64 = SHARED - 1;

const NAMES: [&str; 18] = [
    "chat",
    "Chat",
    "retrieve_docs",
    "RETRIEVE_DOCS",
    "retrieveXdocs",
    "100% recall",
    "a\\b path",
    "it's \"quoted\", and more",
    "line\nbreak\ttab",
    "",
    "要約 🧵 naïve",
    " blanks around ",
    "null",
    "llm.completion",
    "plan",
    "rerank",
    "=1+1",
    "tool_call",
];
const GROUPS: [Option<&str>; 8] =
    [Some("group_a"), Some("GROUP_A"), Some("groupXa"), Some("50%"), Some(""), None, None, None];
const VARIANTS: [Option<&str>; 5] = [Some("variant-1"), Some("Variant-1"), Some("variant_2"), None, None];
const ACP_TYPES: [Option<&str>; 4] = [Some("sync"), Some("async"), Some("agentic"), None];
const AGENTS: [Option<(&str, &str)>; 4] =
    [Some(("billing", "agent-1")), Some(("Billing", "agent-2")), Some(("look up", "agent-3")), None];
const EXTRAS: [Extra; 6] = [
    &[("ingest", r#"{"library":"python","version":[0,7,0]}"#)],
    &[("ingest", "null"), ("shard", "5")],
    &[("shard", "18446744073709551616")],
    &[],
    &[],
    &[],
];

/// One trace before its spans are made.
#[derive(Debug)]
struct Trace {
    index: u64,
    root_at: i64,
}

/// All spans of these options.
pub(super) fn spans(options: &Options) -> Vec<Span> {
    let seed = options.seed ^ SALT;
    let sizes = sizes(seed, options.rows);
    let mut spans: Vec<Span> = Vec::new();
    for (index, &size) in (0..).zip(&sizes) {
        let trace = Trace { index, root_at: root_at(options, seed, index, sizes.len() as u64) };
        let first = spans.len();
        for place in 0..size {
            let span = make(options, seed, &trace, &spans[first..], (first + place) as u64);
            spans.push(span);
        }
        share_id(&mut spans, first, index);
    }
    spans
}

/// The numbers of spans of the traces; they sum up to `rows`.
fn sizes(seed: u64, rows: u64) -> Vec<usize> {
    let mut left = rows;
    let mut sizes = Vec::new();
    while left > 0 {
        let mut dice = Dice::new(seed, Lane::Trace, sizes.len() as u64);
        // So that the spans that share an id are no roots.
        let least = if matches!(sizes.len() as u64 % SHARING, BEFORE_SHARED | SHARED) { 2 } else { 1 };
        let usual = least + dice.below(7);
        let size = if dice.below(25) == 0 { usual + 20 } else { usual }.min(left);
        left -= size;
        sizes.push(size as usize);
    }
    sizes
}

/// When a trace begins. Of thirty traces, three share an instant; some begin on whole seconds or milliseconds.
fn root_at(options: &Options, seed: u64, index: u64, traces: u64) -> i64 {
    let anchor = if matches!(index % 30, 4 | 5) { index - (index % 30 - 3) } else { index };
    let usable = (PERIOD - NEWEST_AGE).num_seconds() * SECOND;
    let step = usable / traces as i64;
    let moved = Dice::new(seed, Lane::Jitter, anchor).below(step.max(1) as u64) as i64;
    let at = (options.now - NEWEST_AGE).timestamp_micros() - anchor as i64 * step - moved;
    match index % 9 {
        2 => at - at.rem_euclid(SECOND),
        6 => at - at.rem_euclid(1000),
        _ => at,
    }
}

/// In some traces the last span takes the id of a span of the trace before it.
fn share_id(spans: &mut [Span], first: usize, trace: u64) {
    let last = spans.len() - 1;
    if trace % SHARING == SHARED && last > first {
        let (before, own) = spans.split_at_mut(first);
        let span = &mut own[last - first];
        span.id.clone_from(&before[before.len() - 1].id);
        for assessment in &mut span.assessments {
            assessment.json["span_id"] = span.id.as_str().into();
        }
    }
}

/// One span; `above` are the earlier ones of its trace.
fn make(options: &Options, seed: u64, trace: &Trace, above: &[Span], index: u64) -> Span {
    let mut dice = Dice::new(seed, Lane::Figures, index);
    let parent = if above.is_empty() { None } else { Some(&above[dice.below(above.len() as u64) as usize]) };
    let start_timestamp = start(&mut dice, trace, above);
    let end_timestamp = (dice.below(12) != 0).then(|| start_timestamp + duration(&mut dice));
    let agent = AGENTS[of(seed, 1, trace.index, AGENTS.len())];
    let id = uuid(seed, Lane::RequestId, index);
    let trace_id = uuid(seed, Lane::TraceId, trace.index);
    let observed = dice.below(3) == 0;
    Span {
        parent_id: parent.map(|span| span.id.clone()),
        account_id: options.account.clone(),
        name: NAMES[early(&mut dice, index, NAMES.len())],
        group_id: GROUPS[of(seed, 2, trace.index, GROUPS.len())],
        start_timestamp,
        end_timestamp,
        input: payload::input(&mut dice, index),
        output: payload::output(&mut dice, index),
        expected: payload::expected(&mut dice),
        metadata: payload::metadata(&mut dice, index, trace.index),
        status: status(&mut dice, end_timestamp),
        kind: kind(&mut dice, index),
        application_interaction_id: trace.index.is_multiple_of(3).then(|| format!("interaction-{}", trace.index / 2)),
        application_variant_id: VARIANTS[of(seed, 3, trace.index, VARIANTS.len())],
        created_by: payload::identity(&mut dice),
        input_tokens: tokens(&mut dice, index),
        output_tokens: tokens(&mut dice, index + 1),
        obs_trace_id: observed.then(|| uuid(seed, Lane::Linked, trace.index).replace('-', "")),
        obs_span_id: observed.then(|| format!("{:016x}", draw(seed, Lane::Linked, !index))),
        extra: EXTRAS[early(&mut dice, index, EXTRAS.len())],
        terse: index % 16 == 11,
        acp_type: ACP_TYPES[of(seed, 4, trace.index, ACP_TYPES.len())],
        agentex_agent_name: agent.map(|(name, _)| name),
        agentex_agent_id: agent.map(|(_, id)| id),
        assessments: assess::assessments(options, &mut dice, index, &id, &trace_id, start_timestamp),
        id,
        trace_id,
    }
}

/// Some seconds after the span before; one of six on its instant; one of forty a little before the root, as the clock
/// of another machine has it.
fn start(dice: &mut Dice, trace: &Trace, above: &[Span]) -> i64 {
    let Some(before) = above.last() else { return trace.root_at };
    match dice.below(120) {
        0..20 => before.start_timestamp,
        20..23 => trace.root_at - 1 - dice.below(20_000) as i64,
        _ => before.start_timestamp + dice.below(9 * SECOND as u64) as i64,
    }
}

/// Mostly below three seconds, some whole milliseconds, some zero, a few up to four minutes.
fn duration(dice: &mut Dice) -> i64 {
    match dice.below(60) {
        0 => 0,
        1..=3 => dice.below(240 * SECOND as u64) as i64,
        4..=20 => dice.below(3_000) as i64 * 1000,
        _ => dice.below(3 * SECOND as u64) as i64,
    }
}

fn status(dice: &mut Dice, end: Option<i64>) -> Option<&'static str> {
    match (dice.below(20), end) {
        (_, None) | (19, _) => None,
        (0..=14, _) => Some(STATUSES[0]),
        (15..=17, _) => Some(STATUSES[1]),
        _ => Some(STATUSES[2]),
    }
}

fn kind(dice: &mut Dice, index: u64) -> Option<&'static str> {
    let chance = dice.below(10);
    let place = early(dice, index, TYPES.len());
    match chance {
        _ if index < TYPES.len() as u64 => Some(TYPES[place]),
        0 => None,
        1..=5 => Some("COMPLETION"),
        _ => Some(TYPES[place]),
    }
}

fn tokens(dice: &mut Dice, index: u64) -> Option<i64> {
    let usual = dice.below(4_000) as i64;
    match index % 12 {
        3 => Some(0),
        5..=8 => None,
        9 if index < 12 => Some(1 << 53 | 1),
        _ => Some(usual),
    }
}

/// The place of a value in its pool: in turn for the first rows, then by chance.
fn early(dice: &mut Dice, index: u64, places: usize) -> usize {
    let chance = dice.below(places as u64) as usize;
    if index < places as u64 { index as usize } else { chance }
}

/// The place of what all spans of a trace have in common; `use_of` keeps the uses apart.
fn of(seed: u64, use_of: u64, trace: u64, places: usize) -> usize {
    let chance = Dice::new(seed ^ use_of, Lane::Fraction, trace).below(places as u64) as usize;
    if trace < places as u64 { trace as usize } else { chance }
}

fn uuid(seed: u64, lane: Lane, index: u64) -> String {
    let (high, low) = (draw(seed, lane, index), draw(!seed, lane, index));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFF,
        0x8000 | (low >> 50),
        low & 0xFFFF_FFFF_FFFF,
    )
}
