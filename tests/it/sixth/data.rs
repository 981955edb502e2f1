//! The rows of Acme: functions of their number, so that every run has the same but for the time at which they end.

use serde_json::{Value as Json, json};

pub(super) const MODELS: [&str; 4] = ["nova-large", "nova-small", "Orbit-Large", "orbit_mini 100%"];
const VENDORS: [&str; 3] = ["helio", "lumen", "Helio"];
const NAMES: [&str; 4] = ["nightly import", "Nightly Export", "triage tickets", "triage_mail"];
/// The last one is not configured, so its rows must never come.
const WORKSPACES: [&str; 4] = ["north", "north", "south", "hidden"];
const HOUR_MS: i64 = 3_600_000;

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) workspace: &'static str,
    pub(crate) id: String,
    pub(crate) run: Option<String>,
    pub(crate) model: &'static str,
    pub(crate) vendor: Option<&'static str>,
    pub(crate) status: i64,
    pub(crate) cost: Option<f64>,
    pub(crate) tokens: Option<i64>,
    pub(crate) took: i64,
    pub(crate) streamed: bool,
    pub(crate) failure: Option<&'static str>,
    pub(crate) labels: Option<Json>,
    /// Milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) cohort: &'static str,
}

#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) workspace: &'static str,
    pub(crate) id: String,
    pub(crate) name: &'static str,
    pub(crate) state: &'static str,
    pub(crate) seconds: f64,
    /// Milliseconds since 1970.
    pub(crate) started: i64,
    pub(crate) ended: Option<i64>,
}

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) run: String,
    pub(crate) id: i64,
    pub(crate) kind: &'static str,
    /// As sent: a string that holds JSON.
    pub(crate) payload: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) began: i64,
    pub(crate) ended: Option<i64>,
    pub(crate) failure: Option<&'static str>,
}

/// A number that looks random.
fn dice(number: i64, salt: i64, sides: i64) -> i64 {
    let mut mixed = (number * 1_000 + salt).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64);
    mixed ^= mixed >> 29;
    mixed = mixed.wrapping_mul(0xBF58_476D_1CE4_E5B9_u64 as i64);
    mixed ^= mixed >> 32;
    mixed.rem_euclid(sides)
}

fn pick<T: Copy>(from: &[T], number: i64, salt: i64) -> T {
    from[dice(number, salt, from.len() as i64) as usize]
}

/// Calls, newest first; some share their instant.
pub(super) fn calls(now_ms: i64) -> Vec<Call> {
    (0..230).map(|number| call(now_ms, number)).collect()
}

fn call(now_ms: i64, number: i64) -> Call {
    let instant = if number % 10 < 4 { number / 2 * 2 } else { number };
    let status = pick(&[200, 200, 201, 302, 404, 429, 500, 599], number, 1);
    let labels = json!({
        "plan": { "v": pick(&["pro", "free", "it's 100%"], number, 2), "n": dice(number, 3, 9) as f64 / 2.0 },
        "team": { "v": pick(&["red", "Red", "blue"], number, 4), "n": dice(number, 5, 5) },
    });
    Call {
        workspace: pick(&WORKSPACES, number, 6),
        id: format!("call-{:04}", dice(number, 7, 10) * 1_000 + number),
        run: (dice(number, 8, 3) > 0).then(|| format!("run {}", dice(number, 8, 100))),
        model: pick(&MODELS, number, 9),
        vendor: (dice(number, 10, 5) > 0).then(|| pick(&VENDORS, number, 11)),
        status,
        cost: (dice(number, 12, 6) > 0).then(|| dice(number, 13, 400) as f64 / 1_000.0),
        tokens: (dice(number, 14, 7) > 0).then(|| dice(number, 15, 2_000)),
        took: dice(number, 16, 9_000),
        streamed: dice(number, 17, 2) == 0,
        failure: (status >= 400).then(|| pick(&["out of quota", "timed out"], number, 18)),
        labels: (dice(number, 19, 4) > 0).then_some(labels),
        at: now_ms - instant * 2 * HOUR_MS - dice(instant, 20, HOUR_MS),
        cohort: pick(&["early", "late"], number, 21),
    }
}

/// Runs, newest first.
pub(super) fn runs(now_ms: i64) -> Vec<Run> {
    let run = |number| {
        let (state, seconds) =
            (pick(&["done", "done", "failed", "running"], number, 31), dice(number, 32, 2_000) as f64 / 4.0);
        let started = now_ms - number * 5 * HOUR_MS - dice(number, 33, HOUR_MS);
        Run {
            workspace: pick(&WORKSPACES, number, 34),
            id: format!("run {number}"),
            name: pick(&NAMES, number, 35),
            state,
            seconds,
            started,
            ended: (state != "running").then(|| started + (seconds * 1_000.0) as i64),
        }
    };
    (0..100).map(run).collect()
}

/// The steps of these runs, in their order.
pub(super) fn steps(runs: &[Run]) -> Vec<Step> {
    let of_run = |(number, run): (usize, &Run)| {
        let count = dice(number as i64, 41, 6);
        (0..count).map(|at| step(run, number as i64 * 10 + at, at)).collect::<Vec<_>>()
    };
    runs.iter().enumerate().flat_map(of_run).collect()
}

fn step(run: &Run, number: i64, at: i64) -> Step {
    let model = pick(&MODELS, number, 42);
    let payload = match dice(number, 43, 4) {
        0 => None,
        1 => Some(json!({ "model": model, "n": at }).to_string()),
        2 => Some(json!({ "call": { "model": model } }).to_string()),
        _ => Some(json!(["no model"]).to_string()),
    };
    let began = run.started + at * 1_500 + dice(number, 44, 1_000);
    Step {
        run: run.id.clone(),
        id: at + 1,
        kind: pick(&["plan", "call", "tool"], number, 45),
        payload,
        began,
        ended: (dice(number, 46, 5) > 0).then(|| began + dice(number, 47, 3_000)),
        failure: (dice(number, 48, 4) == 0).then_some("tool failed"),
    }
}
