//! The odd rows: what breaks decoders, at fixed small indexes, so that every data set of 200 rows or more has it all.
//!
//! ```text
//! requests 10–14  one instant                       36–41  status 0, 302, 499, 599, 600, 101
//!          20     error, message null               42     error_message absent
//!          21     error, message ''                 43     trace_id absent
//!          22     emoji, CJK, combining, RTL        44     cost_usd absent
//!          23     quotes, backslashes, commas       45     all three absent
//!          24     line feeds, tabs, CR              46–49  unknown members
//!          25     200 KB of ASCII                   50     model in upper case
//!          26     200 KB of multi-byte letters      51     model with _ and %
//!          27     total_tokens 2^53 + 1             52     provider "OpenAI"
//!          28     cost_usd 1e-9                     53     message in \u escapes
//!          29     cost_usd null                     54     message that looks like a formula
//!          30–32  microseconds in one millisecond   55     no tokens, latency 0
//!          33     that millisecond without any      56     blanks around the message
//!          34     cost_usd 0                        57–58  messages "null" and "1e5"
//!          35     cost_usd 12 (no fraction)         59     control characters, U+2028, U+FEFF
//! traces   3–4    one instant                       9      error_message absent
//!          5      running: no end, no duration      10     unknown members
//!          6      started on a whole second         11     ended_at and duration_ms absent
//!          7      error, message ''                 12     error, message null
//!          8      name with quotes and letters beyond ASCII
//! security 0      flags []
//!          1      ten flags                         2      sample beyond ASCII
//! anomalies: the first two by deviation are equal in every column
//! ```
//! With `Options::tie` above 1 the instants follow the blocks instead; the block of row 30 then has microseconds.

use std::borrow::Cow;

use super::requests::Figures;
use super::rows::{Extra, Request, Trace};

/// Indexes below this are no product of chance in what the table above says.
pub(super) const PLACES: u64 = 64;
/// The first request row with microseconds.
pub(super) const FIRST_MICROS: u64 = 30;

const MODEL_UPPER: usize = 3;
const MODEL_WILDCARDS: usize = 4;
const LONG_BYTES: usize = 200 * 1024;

/// The row whose millisecond an odd row shares.
pub(super) fn anchor(index: u64) -> u64 {
    match index {
        10..=14 => 10,
        FIRST_MICROS..=33 => FIRST_MICROS,
        _ => index,
    }
}

/// Microseconds beyond the millisecond, falling where the millisecond is the same.
pub(super) fn micros(index: u64) -> i64 {
    match index {
        FIRST_MICROS => 987,
        31 => 654,
        32 => 1,
        _ => 0,
    }
}

/// Rows that belong to no trace: their sums would be of no use, or they shall not have the column.
pub(super) fn unlinked(index: u64) -> bool {
    matches!(index, 27 | 43 | 45)
}

/// Changes the columns that filters and sums look at.
pub(super) fn set_figures(index: u64, figures: &mut Figures) {
    match index {
        20..=26 | 42 | 53..=54 | 56..=59 => figures.status_code = 500,
        27 => {
            (figures.prompt_tokens, figures.completion_tokens) = (1 << 53, 1);
        }
        28 => figures.cost_usd = Some(1e-9),
        29 | 44 | 45 => figures.cost_usd = None,
        34 => figures.cost_usd = Some(0.0),
        35 => figures.cost_usd = Some(12.0),
        36..=41 => figures.status_code = [0, 302, 499, 599, 600, 101][(index - 36) as usize],
        50 => figures.set_model(MODEL_UPPER),
        51 => {
            figures.set_model(MODEL_WILDCARDS);
            figures.cost_usd = None;
        }
        52 => {
            figures.set_model(0);
            figures.provider = "OpenAI";
        }
        55 => {
            (figures.prompt_tokens, figures.completion_tokens, figures.latency_ms) = (0, 0, 0);
            figures.cost_usd = Some(0.0);
        }
        _ => {}
    }
}

/// Changes the other columns.
pub(super) fn set_texts(index: u64, request: &mut Request) {
    request.error_message = match index {
        20 | 36..=37 | 41..=42 | 45 => None,
        25 => Some(Cow::Owned("upstream said: no. ".repeat(LONG_BYTES / 19 + 1))),
        26 => Some(Cow::Owned("長い🙂é→".repeat(LONG_BYTES / 15 + 1))),
        21..=24 | 53..=54 | 56..=59 => Some(Cow::Borrowed(message(index))),
        _ => request.error_message.take(),
    };
    request.absent = match index {
        42 => &["error_message"],
        43 => &["trace_id"],
        44 => &["cost_usd"],
        45 => &["cost_usd", "error_message", "trace_id"],
        _ => &[],
    };
    request.extra = extra(index);
    request.escaped = index == 53;
}

/// Changes a trace.
pub(super) fn set_trace(index: u64, trace: &mut Trace) {
    match index {
        5 | 11 => {
            (trace.ended_at, trace.duration_ms) = (None, None);
            (trace.status, trace.error_message) = ("ok", None);
        }
        6 => {
            // The duration keeps its meaning: the end moves with the start.
            let cut = trace.started_at.rem_euclid(1_000_000);
            trace.started_at -= cut;
            trace.ended_at = trace.ended_at.map(|at| at - cut);
        }
        7 => (trace.status, trace.error_message) = ("error", Some("")),
        8 => trace.name = "antwort \"schön\" \\ 要約 🧵, سلام",
        9 => (trace.status, trace.error_message) = ("ok", None),
        10 => trace.extra = extra(46),
        12 => (trace.status, trace.error_message) = ("error", None),
        _ => {}
    }
    trace.absent = match index {
        9 => &["error_message"],
        11 => &["duration_ms", "ended_at"],
        _ => &[],
    };
}

fn message(index: u64) -> &'static str {
    match index {
        22 => "模型过载 🚧 👩‍👩‍👧‍👦 — e\u{301}tat inconnu — שגיאה: العميل",
        23 => r#"invalid JSON: "{\"a\": 'b', \\n}", expected `"` or '}' at C:\temp\x, see ''docs''"#,
        24 => "line one\nline two\r\n\tindented\n\nlast",
        53 => "Ungültig/ошибка 😀 \"quoted\" \\ end",
        54 => "=1+1,@SUM(A1)",
        56 => "  blanks around  ",
        57 => "null",
        58 => "1e5",
        59 => "bell\u{7} unit\u{1f} del\u{7f} line\u{2028} mark\u{feff} zero\u{200b}",
        _ => "",
    }
}

fn extra(index: u64) -> Extra {
    match index {
        46 => &[
            ("user_id", "\"user-7\""),
            ("metadata", r#"{"plan":"pro","tags":["a","b"],"deep":{"list":[1,{"none":null}],"text":"}\"]"}}"#),
        ],
        47 => &[("sequence", "36893488147419103233"), ("exact", "0.12345678901234567890123"), ("big", "1e300")],
        48 => &[("price", "1.10"), ("negative", "-0.50"), ("done", "true"), ("none", "null"), ("list", "[]")],
        49 => &[("Größe", "\"ß\""), ("with space", "{}"), ("a.b", "[[1,[2.50]],\"\\u00e9\\n\"]")],
        _ => &[],
    }
}
