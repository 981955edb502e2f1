//! Adaline spans: `POST /v2/logs/spans`.
//!
//! Pages of at most 200 spans, linked by a cursor. Upstream ignores filters over columns that it does not know, and its
//! list of columns is not public, so typed filters only ever narrow what is checked again here. Model and provider are
//! filtered by columns that the rows do not have; a row shows those that its content holds. <https://www.adaline.ai/docs>

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::model::canonical::{Canonical, Take};
use crate::model::connector::{Auth, Body, Connector, Paging, Quota, Request, Told, never_absent, plain_refusal};
use crate::model::filter::Value;
use crate::model::push::Filter;
use crate::model::scan::{At, Page, Scan};
use crate::model::table::Fidelity::{Exact, Superset};
use crate::model::table::{
    Each, Op, Push, Sort, TABLE, Table, Takes, bigint, contains, double, equal, extra, jsonb, push, text, timestamptz,
};

const MILLISECOND_US: i64 = 1_000;
/// Typed filters of one request at the most.
const MAX_FILTERS: usize = 20;

/// The vendor.
pub const CONNECTOR: Connector = Connector {
    kind: "adaline",
    title: "Adaline",
    base_url: "https://api.adaline.ai/v2",
    auth: Auth::Bearer,
    // The smaller of two documented figures.
    quota: Quota { calls: 100, per: Duration::from_secs(60), concurrency: 4 },
    told: Told::NOTHING,
    settings: &["projects"],
    required: &["projects"],
    tables: &[SPANS],
    request,
    refusal: plain_refusal,
    absent: never_absent,
};

const STATUSES: &[&str] = &["success", "failure", "aborted", "cancelled", "pending", "unknown"];

const TIME: &[Push] = &[
    push(Op::AtLeast(MILLISECOND_US), "startedAfter", Exact),
    push(Op::AtMost(MILLISECOND_US), "startedBefore", Exact),
];

/// A filter object of type `number`.
const fn numbers(column: &'static str) -> [Push; 5] {
    [
        push(Op::Equal, column, Superset).counted(),
        push(Op::Greater, column, Superset).counted(),
        push(Op::GreaterEqual, column, Superset).counted(),
        push(Op::Less, column, Superset).counted(),
        push(Op::LessEqual, column, Superset).counted(),
    ]
}

/// A filter object of type `datetime`.
const fn times(column: &'static str) -> [Push; 2] {
    [
        push(Op::AtLeast(MILLISECOND_US), column, Superset).counted(),
        push(Op::AtMost(MILLISECOND_US), column, Superset).counted(),
    ]
}

/// A filter object of type `string`.
const fn words(column: &'static str) -> [Push; 2] {
    [push(Op::Equal, column, Superset).counted(), push(Op::ContainsCase, column, Superset).counted()]
}

const SPANS: Table = Table {
    name: "spans",
    path: "/logs/spans",
    doc: "One row per span: a model call, a tool call, a retrieval or another step.",
    time: Some("started_at"),
    key: &["id"],
    precision_us: MILLISECOND_US,
    paging: Paging::Cursor { max_rows: 200, next: &["pagination", "nextCursor"], more: &["pagination", "hasMore"] },
    body: Body::Rows { keys: &["spans", "data"], count: false },
    sorts: &[Sort { column: "started_at", parameter: "startedAt", only_descending: false, under: None }],
    each: Some(Each { setting: "projects", parameter: "projectId", column: "project_id" }),
    most_filters: MAX_FILTERS,
    columns: &[
        text("project_id").each().doc("Project, one of the source's setting projects."),
        text("id").doc("Unique ID of the span."),
        text("log_trace_id").keys(&["logTraceId"]).doc("Trace that the span belongs to.").push(&words("logTraceId")),
        text("reference_id")
            .keys(&["referenceId"])
            .null()
            .doc("ID given by the application.")
            .push(&[equal("referenceId", Exact)]),
        text("parent_reference_id").keys(&["parentReferenceId"]).null().doc("reference_id of the span above it."),
        // Upstream looks at the name of the trace as well.
        text("name").doc("Name.").push(&[contains("name", Superset)]),
        text("content_type")
            .keys(&["contentType"])
            .doc("Model, ModelStream, Tool, Function, Guardrail, Retrieval, Embeddings, Other or custom.")
            .push(&words("contentType")),
        text("status")
            .doc("success, failure, aborted, cancelled, pending or unknown.")
            .push(&[equal("status", Exact).only(STATUSES)]),
        timestamptz("started_at").keys(&["startedAt"]).epoch_millis().doc("Start of the span.").push(TIME),
        timestamptz("ended_at")
            .keys(&["endedAt"])
            .epoch_millis()
            .null()
            .doc("End of the span.")
            .push(&times("endedAt")),
        double("latency").null().unit("ms").doc("Duration.").push(&numbers("latency")),
        text("model")
            .inside(&["content"], &[&["model"], &["config", "model"], &["input", "model"], &["request", "model"]])
            .doc("Model, where the content names it.")
            .push(&[contains("model", Superset)]),
        text("provider")
            .inside(&["content"], &[&["provider"], &["config", "provider"], &["input", "provider"]])
            .doc("Provider, where the content names it.")
            .push(&[contains("provider", Superset)]),
        text("prompt_id")
            .keys(&["promptId"])
            .null()
            .doc("Prompt that the span was made with.")
            .push(&[equal("promptId", Exact).takes(Takes::Length(20, 80))]),
        text("session_id").keys(&["sessionId"]).null().doc("Session.").push(&[equal("sessionId", Exact)]),
        double("cost").null().unit("USD").doc("Cost.").push(&numbers("cost")),
        bigint("prompt_tokens")
            .keys(&["promptTokens"])
            .null()
            .unit("tokens")
            .doc("Input tokens.")
            .push(&numbers("promptTokens")),
        bigint("completion_tokens")
            .keys(&["completionTokens"])
            .null()
            .unit("tokens")
            .doc("Output tokens.")
            .push(&numbers("completionTokens")),
        bigint("total_tokens")
            .keys(&["totalTokens"])
            .null()
            .unit("tokens")
            .doc("Sum of both.")
            .push(&numbers("totalTokens")),
        jsonb("content").null().json_text().doc("What the span did; its form depends on the content type."),
        jsonb("parsed_content")
            .keys(&["parsedContent"])
            .null()
            .json_text()
            .doc("The content as Adaline has understood it."),
        jsonb("attributes").null().json_text().doc("What the application attached."),
        jsonb("tags").null().json_text().doc("Array of texts.").push(&[push(Op::Element, "tags", Superset).counted()]),
        jsonb("events").null().json_text().doc("What happened within the span."),
        timestamptz("created_at")
            .keys(&["createdAt"])
            .epoch_millis()
            .null()
            .doc("When Adaline saved it.")
            .push(&times("createdAt")),
        timestamptz("updated_at").keys(&["updatedAt"]).epoch_millis().null().doc("When it changed last."),
        extra(),
    ],
    canonical: Some(Canonical {
        shape: "spans",
        columns: &[
            ("id", Take::Column("id")),
            ("trace_id", Take::Column("log_trace_id")),
            ("parent_id", Take::Column("parent_reference_id")),
            ("name", Take::Column("name")),
            ("type", Take::Column("content_type")),
            (
                "status",
                Take::Words(
                    "status",
                    &[
                        ("success", "ok"),
                        ("failure", "error"),
                        ("aborted", "cancelled"),
                        ("cancelled", "cancelled"),
                        ("pending", "pending"),
                    ],
                    "unknown",
                ),
            ),
            ("provider", Take::Column("provider")),
            ("model", Take::Column("model")),
            ("started_at", Take::Column("started_at")),
            ("ended_at", Take::Column("ended_at")),
            ("duration_ms", Take::Column("latency")),
            ("prompt_tokens", Take::Column("prompt_tokens")),
            ("completion_tokens", Take::Column("completion_tokens")),
            ("total_tokens", Take::Column("total_tokens")),
            ("cost_usd", Take::Column("cost")),
            ("session_id", Take::Column("session_id")),
            ("metadata", Take::Column("attributes")),
        ],
    }),
    notes: &[
        "Each project of the source's setting projects takes a scan of its own; a condition on project_id leaves the others out.",
        "Upstream ignores filters over columns that it does not know, so all of them are checked again here.",
    ],
    examples: &[
        "SELECT content_type, count(*), avg(latency) FROM adaline.spans WHERE started_at > now() - interval '1 day' GROUP BY 1",
        "SELECT * FROM adaline.spans WHERE status = 'failure' AND model ILIKE '%gpt%' ORDER BY started_at DESC LIMIT 50",
        "SELECT session_id, sum(cost) FROM adaline.spans WHERE cost >= 0.01 GROUP BY 1 ORDER BY 2 DESC",
    ],
    ..TABLE
};

/// Filters that have a field of their own in the body; all others are filter objects.
const FLAT: &[&str] = &["projectId", "promptId", "model", "provider", "status", "name", "referenceId", "sessionId"];

fn request(scan: &Scan, page: &Page) -> Request {
    let mut body = Map::new();
    let mut objects = Vec::new();
    for filter in &scan.filters {
        if FLAT.contains(&filter.parameter) {
            body.insert(filter.parameter.to_owned(), json!(filter.text()));
        } else {
            objects.extend(object(filter));
        }
    }
    let millis = |micros: i64| json!(micros.div_euclid(MILLISECOND_US));
    body.extend(page.range.from.map(|from| ("startedAfter".to_owned(), millis(from))));
    body.extend(page.range.to.map(|to| ("startedBefore".to_owned(), millis(to))));
    if !objects.is_empty() {
        body.insert("filters".to_owned(), Json::Array(objects));
    }
    let ascending = scan.order.as_ref().is_some_and(|order| !order.descending);
    body.insert("sort".to_owned(), json!(if ascending { "startedAt:asc" } else { "startedAt:desc" }));
    body.insert("limit".to_owned(), json!(page.limit));
    if let At::Cursor(cursor) = &page.at {
        body.insert("cursor".to_owned(), json!(cursor));
    }
    Request::post(scan.table.path, Vec::new(), Json::Object(body))
}

fn object(filter: &Filter) -> Option<Json> {
    let operator = match filter.op {
        Op::Equal => "eq",
        Op::ContainsCase | Op::Contains | Op::Element => "contains",
        Op::Greater => "gt",
        Op::GreaterEqual | Op::AtLeast(_) => "gte",
        Op::Less => "lt",
        Op::LessEqual | Op::AtMost(_) => "lte",
        _ => return None,
    };
    let (kind, value) = match filter.values.first()? {
        Value::Text(text) if filter.op == Op::Element => ("arrayContains", json!(text)),
        Value::Text(text) => ("string", json!(text)),
        Value::Integer(number) => ("number", json!(number)),
        Value::Double(number) => ("number", json!(number)),
        Value::Timestamp(micros) => ("datetime", json!(micros.div_euclid(MILLISECOND_US))),
        Value::Boolean(_) => return None,
    };
    Some(json!({ "type": kind, "column": filter.parameter, "operator": operator, "value": value }))
}
