//! What people said about spans.

use serde_json::{Value, json};

use super::Options;
use super::payload::sentence;
use super::span::Assessment;
use crate::demo::dice::Dice;

const TYPES: [&str; 6] = ["comment", "rating", "approval", "rubric", "metadata", "overwrite"];
const HOUR: i64 = 3_600_000_000;

/// None for most spans; for the first spans one of each type in turn.
pub(super) fn assessments(
    options: &Options,
    dice: &mut Dice,
    index: u64,
    span_id: &str,
    trace_id: &str,
    start: i64,
) -> Vec<Assessment> {
    let count = match dice.below(16) {
        _ if index.is_multiple_of(8) && index < 48 => 1,
        0 => 1,
        1 => 2,
        _ => 0,
    };
    let turn = (index / 8) as usize;
    (0..count)
        .map(|place| {
            let chance = dice.below(TYPES.len() as u64) as usize;
            let assessment_type = TYPES[if index < 48 { turn % TYPES.len() } else { chance }];
            let at = time(start + HOUR + dice.below(48 * HOUR as u64) as i64);
            let mut json = json!({
                "assessment_id": format!("assessment-{index}-{place}"),
                "object": "span.assessment",
                "assessment_type": assessment_type,
                "account_id": options.account,
                "span_id": span_id,
                "trace_id": trace_id,
                "created_by": format!("user-{}", dice.below(5)),
                "created_at": at,
                "updated_at": at,
            });
            for name in TYPES {
                json[name] = if name == assessment_type { said(dice, name) } else { Value::Null };
            }
            Assessment { assessment_type, json }
        })
        .collect()
}

fn said(dice: &mut Dice, assessment_type: &str) -> Value {
    match assessment_type {
        "comment" => json!(format!("\"{}\"\nis 100% wrong", sentence(dice))),
        "rating" => json!(1 + dice.below(5)),
        "approval" => json!(["approved", "rejected"][dice.below(2) as usize]),
        "rubric" => json!({ "tone": "good", "length": "poor" }),
        "metadata" => json!({ "source": { "queue": dice.below(9) } }),
        _ => json!({ "content": sentence(dice) }),
    }
}

fn time(micros: i64) -> String {
    let mut text = Vec::new();
    crate::demo::text::push_time(&mut text, micros, crate::demo::text::Style::Zulu);
    String::from_utf8(text).expect("times are ASCII")
}
