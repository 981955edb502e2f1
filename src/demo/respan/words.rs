//! What the texts of the demo spans are made of: ordinary words, and those that break clients.

/// A model and who serves it.
pub(super) struct Model {
    pub(super) name: &'static str,
    pub(super) provider: &'static str,
    /// Of a hundred calls.
    pub(super) share: u64,
    /// USD per million input and output tokens; `None` if nobody knows the price.
    pub(super) price: Option<(f64, f64)>,
}

const fn model(name: &'static str, provider: &'static str, share: u64, price: Option<(f64, f64)>) -> Model {
    Model { name, provider, share, price }
}

/// The shares make 100.
pub(super) const MODELS: [Model; 9] = [
    model("gpt-4o-mini", "openai", 30, Some((0.15, 0.6))),
    model("gpt-4o", "openai", 22, Some((2.5, 10.0))),
    model("GPT-4o", "openai", 6, Some((2.5, 10.0))),
    model("claude-3-5-sonnet-20241022", "anthropic", 16, Some((3.0, 15.0))),
    model("gemini-1.5-flash", "google_vertex_ai", 12, Some((0.075, 0.3))),
    model("text-embedding-3-small", "openai", 6, Some((0.02, 0.0))),
    model("ft:gpt_4o%mini:demo", "openai", 4, None),
    model("azure\\gpt-4o", "azure_openai", 2, Some((2.5, 10.0))),
    model("", "custom", 2, None),
];

/// Types whose input and output are messages.
pub(super) const CHAT_LIKE: [&str; 4] = ["chat", "completion", "text", "response"];

/// Types that call a model.
pub(super) const CALLS: [&str; 8] =
    ["chat", "completion", "text", "response", "generation", "embedding", "transcription", "speech"];

/// Every documented type.
pub(super) const LOG_TYPES: [&str; 20] = [
    "text",
    "chat",
    "completion",
    "response",
    "embedding",
    "transcription",
    "speech",
    "workflow",
    "task",
    "tool",
    "agent",
    "handoff",
    "guardrail",
    "function",
    "custom",
    "generation",
    "unknown",
    "score",
    "batch",
    "span",
];

pub(super) const LOG_METHODS: [&str; 4] = ["logging_api", "inference", "otel", "batch"];

pub(super) const NAMES: [&str; 10] = [
    "answer question",
    "Answer question",
    "retrieve_documents",
    "retrieve documents",
    "rerank",
    "plan",
    "check policy",
    "summarize",
    "lookup.order",
    "openai.chat",
];

pub(super) const WORKFLOWS: [&str; 5] = ["support", "Support", "ingest", "nightly eval", "search"];

/// Texts that stand in any text member now and then.
pub(super) const ODD: [&str; 14] = [
    "",
    "100% sure",
    "snake_case_name",
    "back\\slash\\",
    "it's a 'quote'",
    "say \"hello\"",
    "line one\nline two\r\n\ttab",
    "déjà vu",
    "DÉJÀ VU",
    "要約 🧵 e\u{301}",
    " blanks around ",
    "null",
    "1e5",
    "'; DROP TABLE spans; --",
];

pub(super) const ERRORS: [(i64, &str, &str); 6] = [
    (400, "invalid_request", "Invalid request: 'messages' must hold at least one entry."),
    (401, "invalid_api_key", "Incorrect API key provided."),
    (429, "rate_limit", "Rate limit reached; used 100% of quota_a\\b"),
    (500, "server_error", "The server had an error while processing the request."),
    (503, "overloaded", "Überlastet 🙂\nplease retry"),
    (0, "", ""),
];

/// Keys and values of metadata. A span has each key or not, on its own.
pub(super) const METADATA: [(&str, &[&str]); 7] = [
    ("plan", &["pro", "free", "Pro", "", "enterprise"]),
    ("Plan", &["PRO", "pro"]),
    ("user_type", &["premium", "basic", "5"]),
    ("a b", &["x y", "", "100%", "a_b"]),
    ("déjà", &["vu", "VU"]),
    ("attempt", &["1", "5", "10", "five"]),
    ("priority", &["low", "high"]),
];

/// Id, name and slug of the evaluators; the second gives verdicts, the others marks.
pub(super) const EVALUATORS: [(&str, &str, &str); 3] = [
    ("d4f46e95-73ff-4166-8581-928c1a1b1589", "Response quality", "response_quality"),
    ("0b9c7c52-5a2f-4c1e-9a53-6f6f0a9a7d10", "Is grounded", "is_grounded"),
    ("7e1de2a4-1c38-47aa-8c11-2d9a3be0c455", "Politeness (1–5)", "politeness"),
];

pub(super) const PROMPTS: [(&str, &str); 3] =
    [("042f5f", "Support answer"), ("a91c3e", "Summary: \"short\""), ("77b0d2", "Übersetzung")];
