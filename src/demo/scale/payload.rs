//! What spans carry: inputs, outputs, expectations and metadata, which are JSON objects of any shape.

use serde_json::{Value, json};

use super::span::Json;
use crate::demo::dice::Dice;

const LARGE_WORDS: usize = 20_000;
/// The span whose input is large.
const LARGE: u64 = 25;

/// Several forms of some words, so that a search by stems finds more than a search by substrings, and less.
const WORDS: [&str; 32] = [
    "retrieve",
    "retrieved",
    "retrieving",
    "retrieval",
    "document",
    "documents",
    "summary",
    "summaries",
    "invoice",
    "invoices",
    "refund",
    "refunds",
    "customer",
    "customers",
    "agent",
    "agents",
    "run",
    "running",
    "query",
    "queries",
    "the",
    "a",
    "of",
    "for",
    "with",
    "vector",
    "Straße",
    "naïve",
    "要約",
    "Schön",
    "gpt-4o",
    "v1.2.3",
];

/// Shapes that chance would seldom make, as they are sent.
const ODD: [&str; 9] = [
    "{}",
    r#"{"text":"line one\nline \"two\" \\ 100% it's _ok_","empty":"","flag":true,"none":null}"#,
    "{\"text\":\"🙂 e\u{301}tat 👩‍👩‍👧 שגיאה \u{2028}next\u{85}line\"}",
    r#"{"a":{"b":{"c":[1,[2,{"d":"deep words"}],[]]}},"A":{}}"#,
    r#"{"int":5,"float":5.0,"text":"5","big":36893488147419103233,"small":1e-9,"price":1.10,"minus":-0.0}"#,
    r#"{"escaped":"\u00e9\/\ud83d\ude42 \u0007"}"#,
    r#"{"messages":[]}"#,
    r#"{"a.b":1,"with space":2,"quote\"":3,"":4,"Größe":"ß"}"#,
    r#"{ "spaced" : [ 1 , 2 ] }"#,
];

/// The metadata value `version`, which is of every type.
const VERSIONS: [&str; 9] =
    ["5", "5.0", "\"5\"", "true", "null", "[5,\"5\"]", "{\"major\":5}", "\"100%_\\\\'\\\"\\n\"", "-0.5"];
const ENVIRONMENTS: [&str; 5] = ["prod", "Prod", "dev", "", " prod"];

/// What went in.
pub(super) fn input(dice: &mut Dice, index: u64) -> Option<Json> {
    let shape = dice.below(24);
    if index == LARGE {
        return Some(made(&json!({ "text": "large words ".repeat(LARGE_WORDS) })));
    }
    match (odd(index), shape) {
        (Some(odd), _) => Some(odd),
        (None, 0..2) => None,
        (None, 2..4) => Some(read(ODD[dice.below(ODD.len() as u64) as usize])),
        (None, 4..12) => Some(made(&json!({ "query": sentence(dice), "top_k": dice.below(10) }))),
        _ => Some(made(&json!({
            "messages": [
                { "role": "system", "content": "Answer from the documents only." },
                { "role": "user", "content": sentence(dice) },
            ],
            "temperature": 0.2,
        }))),
    }
}

/// What came out. The odd shapes stand at other rows than those of the input.
pub(super) fn output(dice: &mut Dice, index: u64) -> Option<Json> {
    match (odd(index.wrapping_sub(ODD.len() as u64)), dice.below(8)) {
        (Some(odd), _) => Some(odd),
        (None, 0) => None,
        (None, 1..4) => Some(made(&json!({ "documents": [sentence(dice), sentence(dice)], "scores": [0.5, 1.0] }))),
        _ => {
            let usage = json!({ "prompt_tokens": dice.below(4000), "cost": dice.below(1000) as f64 / 1e5 });
            Some(made(&json!({ "content": sentence(dice), "model": "gpt-4o", "usage": usage })))
        }
    }
}

/// What should have come out: seldom there.
pub(super) fn expected(dice: &mut Dice) -> Option<Json> {
    let answer = sentence(dice);
    (dice.below(9) == 0).then(|| made(&json!({ "answer": answer })))
}

/// What else is known: `env` is of the trace, `version` of the span.
pub(super) fn metadata(dice: &mut Dice, index: u64, trace: u64) -> Option<Json> {
    let version = VERSIONS[(index % VERSIONS.len() as u64) as usize];
    let env = Value::from(ENVIRONMENTS[(trace % ENVIRONMENTS.len() as u64) as usize]);
    match dice.below(16) {
        0..2 => None,
        2 => Some(read("{}")),
        3..9 => Some(read(&format!(r#"{{"env":{env},"version":{version}}}"#))),
        _ => {
            let seats = dice.below(20);
            let tags = r#"["a","b%_",5]"#;
            let text = format!(
                r#"{{"env":{env},"version":{version},"customer":{{"plan":"pro","seats":{seats}}},"tags":{tags},"cost":1.10}}"#
            );
            Some(read(&text))
        }
    }
}

/// Who made the span.
pub(super) fn identity(dice: &mut Dice) -> Option<Json> {
    let number = dice.below(5);
    match dice.below(5) {
        0 => None,
        1 => Some(made(&json!({ "id": format!("service-{number}"), "type": "service_account", "object": "identity" }))),
        _ => Some(made(&json!({ "id": format!("user-{number}"), "type": "user", "object": "identity" }))),
    }
}

/// Some words.
pub(super) fn sentence(dice: &mut Dice) -> String {
    let words: Vec<&str> = (0..3 + dice.below(7)).map(|_| WORDS[dice.below(WORDS.len() as u64) as usize]).collect();
    words.join(" ")
}

fn odd(index: u64) -> Option<Json> {
    ODD.get(usize::try_from(index).ok()?).map(|text| read(text))
}

fn made(value: &Value) -> Json {
    Json { text: value.to_string(), value: value.clone() }
}

fn read(text: &str) -> Json {
    Json { value: serde_json::from_str(text).expect("the texts here are JSON"), text: text.to_owned() }
}
