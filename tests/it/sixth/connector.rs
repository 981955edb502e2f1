//! Acme, a vendor that does not exist: `POST /v3/calls/search`, `GET /v3/runs` and `GET /v3/steps`.
//!
//! What each of the real vendors has, put together in another way. Calls are searched with conditions in a body and come
//! behind a cursor, workspace by workspace; runs come by numbered pages, and their times are bounded in whole seconds;
//! steps come run by run, as lines that may be cut.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use spanwire::error::{Error, Kind};
use spanwire::model::canonical::{Canonical, Take};
use spanwire::model::connector::{Auth, Body, Connector, Paging, Quota, Request, Told};
use spanwire::model::filter::Value;
use spanwire::model::push::Filter;
use spanwire::model::scan::{At, Page, Scan};
use spanwire::model::table::Fidelity::{Exact, Superset};
use spanwire::model::table::{
    Column, Each, Lookup, Op, Push, Sort, Switch, TABLE, Table, Type, bigint, class, contains, double, equal, extra,
    filter_only, jsonb, push, text, timestamptz,
};

const MILLISECOND_US: i64 = 1_000;
const SECOND_US: i64 = 1_000_000;

/// The vendor.
pub(crate) const CONNECTOR: Connector = Connector {
    kind: "acme",
    title: "Acme Traces",
    base_url: "https://api.acme.test",
    auth: Auth::Header("x-acme-token"),
    quota: Quota { calls: 30, per: Duration::from_secs(60), concurrency: 3 },
    told: Told::NOTHING,
    settings: &["workspaces", "region"],
    required: &["workspaces"],
    tables: &[CALLS, RUNS, STEPS],
    request,
    refusal,
    absent,
};

const WORKSPACES: Each = Each { setting: "workspaces", parameter: "workspace", column: "workspace" };

const GROUPS: &[(&str, i64, i64)] = &[("fine", 200, 299), ("client", 400, 499), ("server", 500, 599)];

const STATES: &[&str] = &["done", "failed", "running"];

const AT: &[Push] =
    &[push(Op::AtLeast(MILLISECOND_US), "after", Exact), push(Op::AtMost(MILLISECOND_US), "before", Exact)];
const STARTED: &[Push] = &[push(Op::AtLeast(SECOND_US), "since", Exact), push(Op::AtMost(SECOND_US), "until", Exact)];
/// They choose the runs that are listed.
const BEGAN: &[Push] = &[push(Op::AtLeast(1), "since", Superset), push(Op::AtMost(1), "until", Superset)];

const LABEL: &[Push] = &[
    push(Op::Equal, "label", Exact).under(&["v"]).counted(),
    push(Op::StartsWith, "label", Exact).under(&["v"]).counted(),
    push(Op::Greater, "label", Exact).under(&["n"]).counted(),
];

const fn boolean(name: &'static str) -> Column {
    let mut column = text(name);
    column.ty = Type::Boolean;
    column
}

const CALLS: Table = Table {
    name: "calls",
    path: "/v3/calls/search",
    doc: "One row per model call.",
    time: Some("at"),
    key: &["id"],
    precision_us: MILLISECOND_US,
    paging: Paging::Cursor { max_rows: 50, next: &["meta", "after"], more: &["meta", "open"] },
    body: Body::Rows { keys: &["items"], count: false },
    sorts: &[
        Sort { column: "at", parameter: "at", only_descending: false, under: None },
        Sort { column: "cost", parameter: "cost", only_descending: false, under: None },
    ],
    each: Some(WORKSPACES),
    most_filters: 2,
    columns: &[
        text("workspace").each().doc("Workspace, one of the source's setting workspaces."),
        text("id").doc("Unique ID of the call."),
        text("run").null().doc("Run that the call belongs to."),
        text("model").doc("Model.").push(&[equal("model", Exact).counted(), contains("modelHas", Superset).counted()]),
        text("vendor")
            .null()
            .doc("Provider of the model.")
            .push(&[push(Op::AnyOf, "vendors", Exact), push(Op::Except, "notVendors", Superset)]),
        bigint("status").doc("HTTP status of the call.").push(&[class("statusGroup", Exact, GROUPS)]),
        double("cost").null().unit("USD").doc("Cost.").push(&[
            push(Op::Greater, "cost", Exact).counted(),
            push(Op::GreaterEqual, "cost", Exact).counted(),
            push(Op::Less, "cost", Exact).counted(),
            push(Op::LessEqual, "cost", Exact).counted(),
            push(Op::NotNull, "priced", Exact),
        ]),
        bigint("tokens").keys(&["tokensIn"]).null().unit("tokens").doc("Input tokens.").push(&[
            push(Op::AtLeast(100), "minTokens", Exact).counted(),
            push(Op::AtMost(100), "maxTokens", Exact).counted(),
        ]),
        bigint("took").keys(&["tookMillis"]).unit("ms").doc("Duration."),
        boolean("streamed").doc("Whether the answer came in pieces.").push(&[equal("streamed", Exact)]),
        text("failure")
            .null()
            .doc("Error text; NULL for a call without an error.")
            .push(&[push(Op::Null, "failed", Exact), push(Op::NotNull, "failed", Exact)]),
        jsonb("labels").null().doc("Labels: {name: {v: text, n: weight}}.").push(LABEL),
        timestamptz("at").epoch_millis().doc("When the call was made.").push(AT),
        filter_only("cohort").doc("Cohort of the user who made the call.").push(&[equal("cohort", Exact)]),
        extra(),
    ],
    canonical: Some(Canonical {
        shape: "requests",
        columns: &[
            ("id", Take::Column("id")),
            ("project_id", Take::Column("workspace")),
            ("provider", Take::Column("vendor")),
            ("model", Take::Column("model")),
            ("prompt_tokens", Take::Column("tokens")),
            ("cost_usd", Take::Column("cost")),
            ("latency_ms", Take::Column("took")),
            ("status_code", Take::Column("status")),
            ("error_message", Take::Column("failure")),
            ("trace_id", Take::Column("run")),
            ("created_at", Take::Column("at")),
        ],
    }),
    notes: &["A request takes two conditions on model, cost, tokens and labels; the others are checked here."],
    examples: &[
        "SELECT vendor, count(*), sum(cost) FROM acme.calls GROUP BY 1",
        "SELECT * FROM acme.calls WHERE model ILIKE '%large%' ORDER BY at DESC LIMIT 20",
        "SELECT labels->'plan'->>'v', avg(took) FROM acme.calls WHERE status >= 200 AND status < 300 GROUP BY 1",
    ],
    ..TABLE
};

const RUNS: Table = Table {
    name: "runs",
    path: "/v3/runs",
    doc: "One row per run of an agent.",
    time: Some("started"),
    key: &["id"],
    precision_us: SECOND_US,
    paging: Paging::Numbered { max_rows: 40, next: &["links", "next"] },
    body: Body::Rows { keys: &["rows"], count: true },
    sorts: &[
        Sort { column: "started", parameter: "", only_descending: true, under: None },
        Sort { column: "seconds", parameter: "seconds", only_descending: false, under: None },
    ],
    each: Some(WORKSPACES),
    switches: &[Switch { name: "notes", doc: "Fill the column note.", widens: false }],
    columns: &[
        text("workspace").doc("Workspace, one of the source's setting workspaces."),
        text("id").doc("Unique ID of the run."),
        text("name").doc("Name.").push(&[
            push(Op::StartsWith, "name_prefix", Exact),
            push(Op::EndsWith, "name_suffix", Exact),
            push(Op::EqualIgnoreCase, "name_is", Exact),
        ]),
        text("state")
            .doc("done, failed or running.")
            .push(&[push(Op::AnyOf, "state", Exact).only(STATES), push(Op::NoneOf, "state_not", Exact).only(STATES)]),
        double("seconds")
            .unit("s")
            .doc("Duration so far.")
            .push(&[push(Op::GreaterEqual, "min_seconds", Exact), push(Op::LessEqual, "max_seconds", Exact)]),
        timestamptz("started").epoch_millis().doc("Start.").push(STARTED),
        timestamptz("ended").epoch_millis().null().doc("End; NULL while it runs."),
        text("note").null().doc("What people wrote about the run; filled if SET <source>.notes = on."),
        extra(),
    ],
    notes: &["Upstream takes time bounds in whole seconds."],
    examples: &[
        "SELECT state, count(*), avg(seconds) FROM acme.runs GROUP BY 1",
        "SELECT * FROM acme.runs WHERE state = 'failed' ORDER BY seconds DESC LIMIT 5",
        "SELECT date_trunc('day', started), count(*) FROM acme.runs WHERE name LIKE 'nightly%' GROUP BY 1",
    ],
    ..TABLE
};

const STEPS: Table = Table {
    name: "steps",
    path: "/v3/steps",
    doc: "One row per step of a run; upstream gives them run by run.",
    time: Some("began"),
    key: &["run", "id"],
    body: Body::Lines { truncated: "x-acme-cut" },
    lookup: Some(Lookup {
        column: "run",
        parameter: "run",
        uuid: false,
        list: "runs",
        list_column: "id",
        reach_us: 600 * SECOND_US,
    }),
    columns: &[
        text("run").doc("Run that the step belongs to.").push(&[push(Op::AnyOf, "run", Exact)]),
        bigint("id").doc("Number of the step within its run."),
        bigint("parent").null().doc("Number of the step above it; NULL for the first."),
        text("kind").doc("Kind of step: plan, call or tool."),
        text("model").inside(&["payload"], &[&["model"], &["call", "model"]]).doc("Model, where the payload names it."),
        timestamptz("began").epoch_millis().doc("Start.").push(BEGAN),
        timestamptz("ended").epoch_millis().null().doc("End; NULL while it runs."),
        double("took").between("began", "ended").epoch_millis().unit("ms").doc("From start to end."),
        jsonb("payload").null().json_text().doc("What the step did."),
        text("failure").null().doc("Error text; NULL for a step without an error."),
        extra(),
    ],
    canonical: Some(Canonical {
        shape: "spans",
        columns: &[
            ("id", Take::Text("id")),
            ("trace_id", Take::Column("run")),
            ("parent_id", Take::Text("parent")),
            ("type", Take::Column("kind")),
            ("status", Take::IfNull("failure", "ok", "error")),
            ("model", Take::Column("model")),
            ("started_at", Take::Column("began")),
            ("ended_at", Take::Column("ended")),
            ("duration_ms", Take::Column("took")),
            ("error_message", Take::Column("failure")),
            ("metadata", Take::Column("payload")),
        ],
    }),
    notes: &["A call gives the steps of one run."],
    examples: &[
        "SELECT kind, count(*), avg(took) FROM acme.steps GROUP BY 1",
        "SELECT * FROM acme.steps WHERE run IN (SELECT id FROM acme.runs ORDER BY seconds DESC LIMIT 2)",
        "SELECT r.name, count(*) FROM acme.runs r JOIN acme.steps s ON s.run = r.id WHERE r.state = 'failed' GROUP BY 1",
    ],
    ..TABLE
};

fn request(scan: &Scan, page: &Page) -> Request {
    let mut request = match (&page.at, scan.table.name) {
        (At::Key(run), _) => Request::get(scan.table.path, vec![("run", run.clone())]),
        (_, "calls") => Request::post(scan.table.path, Vec::new(), Json::Object(search(scan, page))),
        _ => Request::get(scan.table.path, list(scan, page)),
    };
    request.headers.extend(scan.source.setting("region").first().map(|region| ("x-acme-region", region.clone())));
    request
}

fn search(scan: &Scan, page: &Page) -> Map<String, Json> {
    let mut body = Map::new();
    let mut wanted = Vec::new();
    for filter in &scan.filters {
        match filter.parameter {
            "workspace" | "cohort" => drop(body.insert(filter.parameter.to_owned(), json!(filter.text()))),
            _ => wanted.push(condition(filter)),
        }
    }
    let millis = |micros: i64| json!(micros.div_euclid(MILLISECOND_US));
    body.extend(page.range.from.map(|from| ("after".to_owned(), millis(from))));
    body.extend(page.range.to.map(|to| ("before".to_owned(), millis(to))));
    body.insert("where".to_owned(), Json::Array(wanted));
    let order = scan.order.as_ref().map(|order| json!({ "by": order.parameter, "down": order.descending }));
    body.extend(order.map(|order| ("order".to_owned(), order)));
    body.insert("size".to_owned(), json!(page.limit));
    if let At::Cursor(cursor) = &page.at {
        body.insert("from".to_owned(), json!(cursor));
    }
    body
}

fn condition(filter: &Filter) -> Json {
    let word = match filter.op {
        Op::Contains => "has",
        Op::AnyOf => "in",
        Op::Except => "out",
        Op::StartsWith => "starts",
        Op::Greater => ">",
        Op::GreaterEqual | Op::AtLeast(_) => ">=",
        Op::Less => "<",
        Op::LessEqual | Op::AtMost(_) => "<=",
        Op::Null => "null",
        Op::NotNull => "some",
        _ => "is",
    };
    let value = |value: &Value| match value {
        Value::Integer(number) => json!(number),
        Value::Double(number) => json!(number),
        Value::Boolean(truth) => json!(truth),
        other => json!(other.to_text()),
    };
    let values: Vec<Json> = filter.values.iter().map(value).collect();
    let mut condition = json!({ "field": filter.parameter, "is": word, "values": values });
    if let Some(key) = &filter.key {
        condition["label"] = json!(key);
    }
    condition
}

fn list(scan: &Scan, page: &Page) -> Vec<(&'static str, String)> {
    let number = match page.at {
        At::Number(number) => number,
        _ => 1,
    };
    let mut query = vec![("page", number.to_string()), ("size", page.limit.to_string())];
    let seconds = |micros: i64| micros.div_euclid(SECOND_US).to_string();
    query.extend(page.range.from.map(|from| ("since", seconds(from))));
    query.extend(page.range.to.map(|to| ("until", seconds(to))));
    query.extend(scan.filters.iter().map(|filter| (filter.parameter, filter.texts().join(","))));
    let order = scan.order.as_ref().filter(|order| !order.parameter.is_empty());
    let sort = order.map(|order| format!("{}{}", if order.descending { "-" } else { "" }, order.parameter));
    query.extend(sort.map(|sort| ("sort", sort)));
    if scan.switched("notes") {
        query.push(("notes", "yes".to_owned()));
    }
    query
}

fn refusal(status: u16, _body: &str) -> Option<Error> {
    (status == 403).then(|| {
        Error::new(Kind::UpstreamAuthorization, "Acme does not know the token (HTTP 403)")
            .hint("Tokens are made under Settings, Access.")
    })
}

/// A run that is gone has no steps.
fn absent(status: u16, body: &str) -> bool {
    status == 404 && body.contains("gone")
}
