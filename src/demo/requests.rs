//! Request rows: what an ordinary month of LLM calls looks like.

use std::borrow::Cow;

use super::dice::{Dice, Lane, draw};
use super::odd;
use super::rows::Request;

/// A model, who serves it and what it costs.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) name: &'static str,
    provider: &'static str,
    /// Of a hundred calls.
    share: u64,
    /// Per input and output token, in 1e-8 USD; `None` if the price table does not have the model.
    price: Option<(i64, i64)>,
}

/// Every model that occurs. The shares make 100. `odd` relies on the places of three of them.
pub(super) const MODELS: [Model; 11] = [
    model("gpt-4o-mini-2024-07-18", "openai", 30, Some((15, 60))),
    model("gpt-4o-2024-08-06", "openai", 18, Some((250, 1000))),
    model("gpt-4.1-mini-2025-04-14", "openai", 6, Some((40, 160))),
    model("GPT-4o-2024-08-06", "openai", 1, Some((250, 1000))),
    model("ft:gpt_4o%mini:demo", "openai", 1, None),
    model("claude-3-5-sonnet-20241022", "anthropic", 15, Some((300, 1500))),
    model("claude-3-5-haiku-20241022", "anthropic", 9, Some((80, 400))),
    model("gemini-1.5-pro-002", "gemini", 6, Some((125, 500))),
    model("gemini-1.5-flash-002", "gemini", 9, Some((8, 30))),
    model("llama-3.3-70b-versatile", "groq", 3, Some((59, 79))),
    model("mistral-large-2411", "mistral", 2, Some((200, 600))),
];

const fn model(name: &'static str, provider: &'static str, share: u64, price: Option<(i64, i64)>) -> Model {
    Model { name, provider, share, price }
}

/// Two differ in case only.
const PROJECTS: [&str; 5] = ["proj_web", "proj_api", "proj_API", "proj_batch", "proj_eval"];

/// The columns that filters and sums need, made without touching the heap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    /// Index into [`MODELS`].
    pub(super) model: usize,
    pub(super) provider: &'static str,
    pub(super) project_id: &'static str,
    pub(super) provider_key_id: &'static str,
    pub(super) prompt_tokens: i64,
    pub(super) completion_tokens: i64,
    pub(super) cost_usd: Option<f64>,
    pub(super) latency_ms: i64,
    pub(super) status_code: i64,
}

impl Figures {
    pub(super) fn of(seed: u64, index: u64) -> Figures {
        let mut dice = Dice::new(seed, Lane::Figures, index);
        let model = pick_model(dice.below(100));
        let status_code = pick_status(dice.below(1000));
        let failed = status_code >= 400;
        let prompt_tokens = if failed { 0 } else { 40 + long_tail(&mut dice, 900) };
        let completion_tokens = if failed { 0 } else { 1 + long_tail(&mut dice, 250) };
        let cost_usd = MODELS[model].price.map(|(input, output)| {
            // A whole number of 1e-8 USD, so that the text has eight decimals at most.
            (prompt_tokens * input + completion_tokens * output) as f64 / 1e8
        });
        let latency_ms = if failed { 30 + long_tail(&mut dice, 200) } else { 180 + long_tail(&mut dice, 900) };
        let project_id = PROJECTS[dice.below(PROJECTS.len() as u64) as usize];
        let mut figures = Figures {
            model,
            provider: MODELS[model].provider,
            project_id,
            provider_key_id: "",
            prompt_tokens,
            completion_tokens,
            cost_usd,
            latency_ms,
            status_code,
        };
        odd::set_figures(index, &mut figures);
        figures.provider_key_id = pick_key(figures.provider, dice.below(4) == 0);
        figures
    }

    pub(super) fn set_model(&mut self, model: usize) {
        self.model = model;
        self.provider = MODELS[model].provider;
    }

    pub(super) fn total_tokens(&self) -> i64 {
        self.prompt_tokens + self.completion_tokens
    }
}

/// The request id; also that of its security row.
pub(super) fn id(seed: u64, index: u64) -> String {
    format!("req_{:016x}", draw(seed, Lane::RequestId, index))
}

/// The trace that a request belongs to: four requests in a row share one, but only two of five belong to any.
pub(super) fn trace_of(seed: u64, index: u64) -> Option<u64> {
    let linked = draw(seed, Lane::Linked, index) % 5 < 2 && !odd::unlinked(index);
    linked.then_some(index / 4)
}

/// The trace id, shaped like a UUID.
pub(super) fn trace_id(seed: u64, trace: u64) -> String {
    let high = draw(seed, Lane::TraceId, trace);
    let low = draw(!seed, Lane::TraceId, trace);
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFF,
        0x8000 | (low >> 50),
        low & 0xFFFF_FFFF_FFFF,
    )
}

/// The whole row.
pub(super) fn request(seed: u64, index: u64, created_at: i64) -> Request {
    let figures = Figures::of(seed, index);
    let mut request = Request {
        id: id(seed, index),
        project_id: figures.project_id,
        provider: figures.provider,
        model: MODELS[figures.model].name,
        prompt_tokens: figures.prompt_tokens,
        completion_tokens: figures.completion_tokens,
        total_tokens: figures.total_tokens(),
        cost_usd: figures.cost_usd,
        latency_ms: figures.latency_ms,
        status_code: figures.status_code,
        error_message: error_message(&figures),
        trace_id: trace_of(seed, index).map(|trace| trace_id(seed, trace)),
        created_at,
        provider_key_id: figures.provider_key_id,
        absent: &[],
        extra: &[],
        escaped: false,
    };
    if index < odd::PLACES {
        odd::set_texts(index, &mut request);
    }
    request
}

fn pick_model(mut roll: u64) -> usize {
    for (index, model) in MODELS.iter().enumerate() {
        if roll < model.share {
            return index;
        }
        roll -= model.share;
    }
    0
}

/// About 4 % of the calls fail.
fn pick_status(roll: u64) -> i64 {
    match roll {
        0..8 => 400,
        8..11 => 401,
        11..27 => 429,
        27..35 => 500,
        35..40 => 503,
        _ => 200,
    }
}

fn pick_key(provider: &str, second: bool) -> &'static str {
    match (provider, second) {
        ("openai", false) => "key_openai_main",
        ("openai", true) => "key_openai_batch",
        ("anthropic", false) => "key_anthropic_main",
        ("anthropic", true) => "key_anthropic_batch",
        ("gemini", _) => "key_gemini",
        _ => "key_other",
    }
}

/// Mostly below `usual`, one of ten several times as much, one of five hundred far more.
fn long_tail(dice: &mut Dice, usual: u64) -> i64 {
    let base = dice.below(usual);
    let value = match dice.below(500) {
        0 => usual * 20 + base * 60,
        1..=50 => usual + base * 4,
        _ => base,
    };
    value as i64
}

fn error_message(figures: &Figures) -> Option<Cow<'static, str>> {
    let text = match figures.status_code {
        400 => "Invalid request: 'messages' must hold at least one entry.",
        401 => "Incorrect API key provided.",
        429 => {
            let model = MODELS[figures.model].name;
            let wait = figures.latency_ms % 20 + 1;
            return Some(Cow::Owned(format!("Rate limit reached for {model}. Please try again in {wait}s.")));
        }
        499 => "client closed the request",
        500 => "The server had an error while processing your request.",
        503 => "The model is overloaded, please try again later.",
        599.. => "network connect timeout",
        _ => return None,
    };
    Some(Cow::Borrowed(text))
}
