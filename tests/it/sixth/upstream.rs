//! The server of Acme: refuses what it does not know, keeps to its filters to the letter, and writes down each request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::data::{self, Call, Run, Step};

pub(crate) const TOKEN: &str = "acme-test-token";
/// Conditions of which a search takes two.
const COUNTED: [&str; 6] = ["model", "modelHas", "cost", "minTokens", "maxTokens", "label"];

/// One request, and how it was answered.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: String,
    pub(crate) region: Option<String>,
    pub(crate) status: u16,
}

impl Entry {
    /// All of the request but its headers.
    pub(crate) fn text(&self) -> String {
        format!("{} {}?{} {}", self.method, self.path, self.query, self.body)
    }
}

/// A running Acme.
#[derive(Debug)]
pub(crate) struct Acme {
    url: String,
    pub(crate) state: Arc<Holdings>,
    server: JoinHandle<()>,
}

/// What it holds.
#[derive(Debug)]
pub(crate) struct Holdings {
    pub(crate) calls: Vec<Call>,
    pub(crate) runs: Vec<Run>,
    pub(crate) steps: Vec<Step>,
    /// Steps that one answer holds at the most.
    most_steps: usize,
    log: Mutex<Vec<Entry>>,
}

impl Drop for Acme {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Acme {
    /// Starts it with rows that end now.
    pub(crate) async fn start(most_steps: usize) -> Acme {
        let now_ms = chrono::Utc::now().timestamp_millis();
        let (calls, runs) = (data::calls(now_ms), data::runs(now_ms));
        let steps = data::steps(&runs);
        let state = Arc::new(Holdings { calls, runs, steps, most_steps, log: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Acme { url, state, server }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Every request so far.
    pub(crate) fn log(&self) -> Vec<Entry> {
        self.state.log.lock().expect("no panic under this lock").clone()
    }
}

/// An answer: status, body, whether rows were cut.
type Answer = (u16, String, bool);

fn refused(status: u16, why: &str) -> Answer {
    (status, json!({ "why": why }).to_string(), false)
}

async fn answer(State(held): State<Arc<Holdings>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a small body");
    let body = String::from_utf8(body.to_vec()).expect("text");
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let query = head.uri.query().unwrap_or_default();
    let (status, text, cut) = match (header("x-acme-token").as_deref(), head.method.as_str(), head.uri.path()) {
        (Some(TOKEN), "POST", "/v3/calls/search") => held.search(&body).unwrap_or_else(|why| refused(400, &why)),
        (Some(TOKEN), "GET", "/v3/runs") => held.list(query).unwrap_or_else(|why| refused(400, &why)),
        (Some(TOKEN), "GET", "/v3/steps") => held.export(query),
        (Some(TOKEN), ..) => refused(404, "no such route"),
        _ => refused(403, "no such token"),
    };
    held.log.lock().expect("no panic under this lock").push(Entry {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: query.to_owned(),
        body,
        region: header("x-acme-region"),
        status,
    });
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    if cut {
        response.headers_mut().insert("x-acme-cut", HeaderValue::from_static("true"));
    }
    response
}

fn parameters(query: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

impl Holdings {
    fn search(&self, body: &str) -> Result<Answer, String> {
        let asked: BTreeMap<String, Json> = serde_json::from_str(body).map_err(|error| error.to_string())?;
        let known = ["workspace", "cohort", "after", "before", "where", "order", "size", "from"];
        if let Some(key) = asked.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("unknown member {key}"));
        }
        let text = |key: &str| asked.get(key).and_then(Json::as_str);
        let number = |key: &str| asked.get(key).and_then(Json::as_i64);
        let workspace = text("workspace").ok_or("a workspace is needed")?;
        let size = number("size").filter(|size| (1..=50).contains(size)).ok_or("size is 1 to 50")? as usize;
        let wanted = asked.get("where").and_then(Json::as_array).ok_or("where is needed")?;
        if wanted.iter().filter(|one| COUNTED.iter().any(|counted| one["field"] == **counted)).count() > 2 {
            return Err("too many conditions".to_owned());
        }
        let mut found = Vec::new();
        for call in self.calls.iter().filter(|call| call.workspace == workspace) {
            let in_range = number("after").is_none_or(|after| call.at >= after)
                && number("before").is_none_or(|before| call.at <= before)
                && text("cohort").is_none_or(|cohort| call.cohort == cohort);
            let mut passes = in_range;
            for one in wanted {
                passes &= holds(call, one)?;
            }
            if passes {
                found.push(call);
            }
        }
        sort(&mut found, asked.get("order"))?;
        let from = match text("from") {
            Some(cursor) => cursor.strip_prefix("c-").and_then(|at| at.parse().ok()).ok_or("no such cursor")?,
            None => 0,
        };
        let (end, open) = (found.len().min(from + size), found.len() > from + size);
        let items: Vec<Json> = found[from.min(end)..end].iter().map(|call| shown(call)).collect();
        let after = if open { json!(format!("c-{end}")) } else { Json::Null };
        Ok((200, json!({ "meta": { "after": after, "open": open }, "items": items }).to_string(), false))
    }

    fn list(&self, query: &str) -> Result<Answer, String> {
        let asked = parameters(query);
        let get = |name: &str| asked.get(name).map(String::as_str);
        let workspace = get("workspace").ok_or("a workspace is needed")?;
        let number = |name: &str| {
            get(name).map(|text| text.parse::<f64>().map_err(|_| format!("{name} is no number"))).transpose()
        };
        let (page, size) = (number("page")?.unwrap_or(1.0) as usize, number("size")?.unwrap_or(40.0) as usize);
        if !(1..=40).contains(&size) || page < 1 {
            return Err("no such page".to_owned());
        }
        let (since, until) = (number("since")?, number("until")?);
        let (least, most) = (number("min_seconds")?, number("max_seconds")?);
        let takes = |run: &&Run| {
            let started = run.started as f64 / 1_000.0;
            run.workspace == workspace
                && since.is_none_or(|since| started >= since)
                && until.is_none_or(|until| started <= until)
                && least.is_none_or(|least| run.seconds >= least)
                && most.is_none_or(|most| run.seconds <= most)
                && get("name_prefix").is_none_or(|text| run.name.starts_with(text))
                && get("name_suffix").is_none_or(|text| run.name.ends_with(text))
                && get("name_is").is_none_or(|text| run.name.eq_ignore_ascii_case(text))
                && get("state").is_none_or(|states| states.split(',').any(|state| state == run.state))
                && get("state_not").is_none_or(|states| states.split(',').all(|state| state != run.state))
        };
        let mut found: Vec<&Run> = self.runs.iter().filter(takes).collect();
        match get("sort") {
            None => found.sort_by_key(|run| -run.started),
            Some("seconds") => found.sort_by(|one, next| one.seconds.total_cmp(&next.seconds)),
            Some("-seconds") => found.sort_by(|one, next| next.seconds.total_cmp(&one.seconds)),
            Some(other) => return Err(format!("cannot sort by {other}")),
        }
        let from = ((page - 1) * size).min(found.len());
        let end = found.len().min(from + size);
        let notes = get("notes") == Some("yes");
        let rows: Vec<Json> = found[from..end].iter().map(|run| listed(run, notes)).collect();
        let next = if end < found.len() { json!(format!("page {}", page + 1)) } else { Json::Null };
        Ok((200, json!({ "count": rows.len(), "rows": rows, "links": { "next": next } }).to_string(), false))
    }

    fn export(&self, query: &str) -> Answer {
        let asked = parameters(query);
        let Some(run) = self.runs.iter().find(|run| asked.get("run") == Some(&run.id)) else {
            return (404, json!({ "gone": true }).to_string(), false);
        };
        let steps: Vec<&Step> = self.steps.iter().filter(|step| step.run == run.id).collect();
        let lines = steps.iter().take(self.most_steps).map(|step| format!("{}\n", line(step)));
        (200, lines.collect(), steps.len() > self.most_steps)
    }
}

/// Whether a call satisfies a condition.
fn holds(call: &Call, condition: &Json) -> Result<bool, String> {
    let (field, word) = (condition["field"].as_str().unwrap_or_default(), condition["is"].as_str().unwrap_or_default());
    let values = condition["values"].as_array().ok_or("values are needed")?;
    let first = values.first().cloned().unwrap_or_default();
    let text = first.as_str().unwrap_or_default();
    let is_one = |own: &str| values.iter().any(|value| value == own);
    let label = call.labels.as_ref().map(|labels| &labels[condition["label"].as_str().unwrap_or_default()]);
    let label_text = || label.and_then(|label| label["v"].as_str());
    let group = match call.status {
        200..300 => "fine",
        400..500 => "client",
        500..600 => "server",
        _ => "",
    };
    Ok(match (field, word) {
        ("model", "is") => call.model == text,
        ("modelHas", "has") => call.model.to_lowercase().contains(&text.to_lowercase()),
        ("vendors", "in") => call.vendor.is_some_and(is_one),
        ("notVendors", "out") => !call.vendor.is_some_and(is_one),
        ("statusGroup", "is") => group == text,
        ("cost", _) => compare(call.cost, word, first.as_f64())?,
        ("priced", "some") => call.cost.is_some(),
        ("minTokens", ">=") | ("maxTokens", "<=") => {
            compare(call.tokens.map(|tokens| tokens as f64), word, first.as_f64())?
        }
        ("streamed", "is") => first == json!(call.streamed),
        ("failed", "null") => call.failure.is_none(),
        ("failed", "some") => call.failure.is_some(),
        ("label", "is") => label_text() == Some(text),
        ("label", "starts") => label_text().is_some_and(|own| own.starts_with(text)),
        ("label", ">") => compare(label.and_then(|label| label["n"].as_f64()), word, first.as_f64())?,
        _ => return Err(format!("unknown condition {condition}")),
    })
}

fn compare(own: Option<f64>, word: &str, other: Option<f64>) -> Result<bool, String> {
    let other = other.ok_or("a number is needed")?;
    let Some(own) = own else { return Ok(false) };
    Ok(match word {
        ">" => own > other,
        ">=" => own >= other,
        "<" => own < other,
        "<=" => own <= other,
        _ => return Err(format!("unknown comparison {word}")),
    })
}

/// Newest first unless asked; calls without a cost come last either way.
fn sort(found: &mut [&Call], order: Option<&Json>) -> Result<(), String> {
    let down = order.is_none_or(|order| order["down"] == json!(true));
    match order.map_or(Some("at"), |order| order["by"].as_str()) {
        Some("at") => found.sort_by_key(|call| if down { -call.at } else { call.at }),
        Some("cost") => found.sort_by(|one, next| match (one.cost, next.cost) {
            (Some(one), Some(next)) if down => next.total_cmp(&one),
            (Some(one), Some(next)) => one.total_cmp(&next),
            (one, next) => one.is_none().cmp(&next.is_none()),
        }),
        _ => return Err("cannot sort by that".to_owned()),
    }
    Ok(())
}

fn shown(call: &Call) -> Json {
    json!({
        "id": call.id, "run": call.run, "model": call.model, "vendor": call.vendor, "status": call.status,
        "cost": call.cost, "tokensIn": call.tokens, "tookMillis": call.took, "streamed": call.streamed,
        "failure": call.failure, "labels": call.labels, "at": call.at, "zone": "z1",
    })
}

fn listed(run: &Run, notes: bool) -> Json {
    let note = notes.then(|| format!("seen {}", run.id));
    json!({
        "workspace": run.workspace, "id": run.id, "name": run.name, "state": run.state, "seconds": run.seconds,
        "started": run.started, "ended": run.ended, "note": note,
    })
}

fn line(step: &Step) -> Json {
    let parent = (step.id > 1).then_some(1);
    json!({
        "run": step.run, "id": step.id, "parent": parent, "kind": step.kind, "payload": step.payload,
        "began": step.began, "ended": step.ended, "failure": step.failure,
    })
}
