//! TruLayer: `GET /v1/traces`, and `GET /v1/traces/export` for the spans of one trace.
//!
//! There is no export of all spans: each trace takes a call. Which traces these are follows from the query, or else from
//! the list of traces. The vendor's plan caps the spans of a trace, and a header tells when it did. Fields are known by
//! their names, never by their places. <https://docs.trulayer.ai>

use std::time::Duration;

use crate::model::canonical::{Canonical, Take};
use crate::model::connector::{Auth, Body, Connector, Paging, Quota, Request, Told, plain_refusal};
use crate::model::push::Filter;
use crate::model::scan::{At, Page, Scan, iso_micros};
use crate::model::table::Fidelity::{Exact, Superset};
use crate::model::table::{
    Each, Lookup, Op, Push, TABLE, Table, Takes, bigint, double, equal, extra, filter_only, jsonb, push, text,
    timestamptz,
};

/// The vendor.
pub const CONNECTOR: Connector = Connector {
    kind: "trulayer",
    title: "TruLayer",
    base_url: "https://api.trulayer.ai",
    auth: Auth::Bearer,
    // The smallest plan's.
    quota: Quota { calls: 60, per: Duration::from_secs(1), concurrency: 8 },
    // The headers are documented for every answer, without the unit of `Limit`. The vendor counts fixed minutes of a
    // tenant; few are left at the end of one if others call too. https://github.com/trulayer/docs, api-reference
    told: Told { limit_per: None, remaining: true },
    settings: &["projects"],
    required: &[],
    tables: &[TRACES, SPANS],
    request,
    refusal: plain_refusal,
    absent,
};

const PROJECTS: Each = Each { setting: "projects", parameter: "project_id", column: "project_id" };

/// Whether bounds are inclusive is not documented, so they are asked for a little further out.
const SLACK_US: i64 = 1_000;
const TIME: &[Push] = &[push(Op::AtLeast(1), "from", Superset), push(Op::AtMost(1), "to", Superset)];
/// The export takes no times: they choose the traces that are listed.
const SPAN_TIME: &[Push] = &[push(Op::AtLeast(1), "from", Superset), push(Op::AtMost(1), "to", Superset)];

const TRACES: Table = Table {
    name: "traces",
    path: "/v1/traces",
    doc: "One row per trace.",
    time: Some("started_at"),
    key: &["id"],
    paging: Paging::Cursor { max_rows: 200, next: &["next_cursor"], more: &["has_more"] },
    body: Body::Rows { keys: &["traces"], count: false },
    each: Some(PROJECTS),
    columns: &[
        text("id").doc("Unique trace ID."),
        text("project_id")
            .null()
            .doc("Project the trace belongs to.")
            .push(&[equal("project_id", Exact).takes(Takes::Uuid)]),
        text("session_id").null().doc("Session."),
        text("external_id").null().doc("ID given by the application."),
        text("name").null().doc("Name."),
        text("model").null().doc("Model.").push(&[equal("model", Superset)]),
        text("error")
            .null()
            .doc("Error text; NULL for a trace without an error.")
            .push(&[push(Op::Null, "error", Superset), push(Op::NotNull, "error", Superset)]),
        bigint("latency_ms")
            .null()
            .unit("ms")
            .doc("Duration.")
            .push(&[push(Op::AtLeast(1), "latency_min", Exact), push(Op::AtMost(1), "latency_max", Exact)]),
        double("cost").null().unit("USD").doc("Cost."),
        bigint("total_token_count")
            .null()
            .unit("tokens")
            .doc("Tokens; 0 in old traces.")
            .push(&[push(Op::AtLeast(1), "token_count_min", Exact), push(Op::AtMost(1), "token_count_max", Exact)]),
        bigint("prompt_tokens_total").null().unit("tokens").doc("Input tokens."),
        bigint("completion_tokens_total").null().unit("tokens").doc("Output tokens."),
        bigint("span_count").null().doc("Number of spans."),
        jsonb("tags").null().doc("Array of texts."),
        jsonb("tag_map")
            .null()
            .doc("Tags with values: an object of texts.")
            // One pair of key and value is all that a request takes.
            .push(&[push(Op::Equal, "tag", Superset).under(&[])]),
        jsonb("metadata").null().doc("What the application attached."),
        text("input").null().json_text().doc("What went in."),
        text("output").null().json_text().doc("What came out."),
        timestamptz("started_at").doc("Start of the trace.").push(TIME),
        timestamptz("ended_at").null().doc("End of the trace; NULL while it runs."),
        filter_only("failure_type")
            .doc("Why the trace failed: timeout, rate_limit, invalid_response or context_length.")
            .push(&[equal("failure_type", Exact).only(&[
                "timeout",
                "rate_limit",
                "invalid_response",
                "context_length",
            ])]),
        extra(),
    ],
    canonical: Some(Canonical {
        shape: "traces",
        columns: &[
            ("id", Take::Column("id")),
            ("project_id", Take::Column("project_id")),
            ("name", Take::Column("name")),
            ("status", Take::IfNull("error", "ok", "error")),
            ("error_message", Take::Column("error")),
            ("duration_ms", Take::Column("latency_ms")),
            ("total_cost_usd", Take::Column("cost")),
            ("total_tokens", Take::Column("total_token_count")),
            ("span_count", Take::Column("span_count")),
            ("started_at", Take::Column("started_at")),
            ("ended_at", Take::Column("ended_at")),
        ],
    }),
    notes: &["The order of the list is not documented, so ORDER BY is computed here."],
    examples: &[
        "SELECT model, count(*), avg(latency_ms) FROM trulayer.traces WHERE started_at > now() - interval '1 day' GROUP BY 1",
        "SELECT * FROM trulayer.traces WHERE error IS NOT NULL AND latency_ms >= 5000",
        "SELECT name, sum(cost) FROM trulayer.traces WHERE tag_map->>'env' = 'prod' GROUP BY 1",
    ],
    ..TABLE
};

const SPANS: Table = Table {
    name: "spans",
    path: "/v1/traces/export",
    doc: "One row per span; upstream gives them trace by trace.",
    time: Some("created_at"),
    key: &["span_id"],
    body: Body::Lines { truncated: "x-trulayer-truncated" },
    lookup: Some(Lookup {
        column: "trace_id",
        parameter: "trace_id",
        uuid: true,
        list: "traces",
        list_column: "id",
        reach_us: 3_600 * 1_000_000,
    }),
    columns: &[
        text("trace_id")
            .doc("Trace that the span belongs to.")
            .push(&[push(Op::AnyOf, "trace_id", Exact)])
            .references("traces", "id"),
        text("span_id").keys(&["span_id", "id"]).doc("Unique ID of the span."),
        text("name").doc("Name."),
        text("type").null().doc("llm, tool, retrieval, other, default or custom."),
        text("model").null().doc("Model."),
        timestamptz("created_at").doc("When the span was made.").push(SPAN_TIME),
        bigint("duration_ms").null().unit("ms").doc("Duration."),
        bigint("prompt_tokens").null().unit("tokens").doc("Input tokens."),
        bigint("completion_tokens").null().unit("tokens").doc("Output tokens."),
        double("cost_usd").null().unit("USD").doc("Cost."),
        text("span_input").null().json_text().doc("What went into the span."),
        text("span_output").null().json_text().doc("What came out of the span."),
        text("trace_input").null().json_text().doc("What went into the trace; the same in each of its spans."),
        text("trace_output").null().json_text().doc("What came out of the trace; the same in each of its spans."),
        text("error").null().doc("Error text; NULL for a span without an error."),
        extra(),
    ],
    canonical: Some(Canonical {
        shape: "spans",
        columns: &[
            ("id", Take::Column("span_id")),
            ("trace_id", Take::Column("trace_id")),
            ("name", Take::Column("name")),
            ("type", Take::Column("type")),
            ("status", Take::IfNull("error", "ok", "error")),
            ("model", Take::Column("model")),
            ("started_at", Take::Column("created_at")),
            ("duration_ms", Take::Column("duration_ms")),
            ("prompt_tokens", Take::Column("prompt_tokens")),
            ("completion_tokens", Take::Column("completion_tokens")),
            ("cost_usd", Take::Column("cost_usd")),
            ("input", Take::Column("span_input")),
            ("output", Take::Column("span_output")),
            ("error_message", Take::Column("error")),
        ],
    }),
    notes: &[
        "A call gives the spans of one trace. Which traces: those that trace_id names, by =, IN, a join or an IN-subquery; else all that the list gives for the time range, and for one hour before it.",
        "Where the vendor's plan cuts a trace's spans the statement fails, unless SET spanwire.on_truncated = warn.",
    ],
    examples: &[
        "SELECT name, duration_ms FROM trulayer.spans WHERE trace_id IN (SELECT id FROM trulayer.traces ORDER BY span_count DESC LIMIT 3)",
        "SELECT s.name, s.duration_ms FROM trulayer.traces t JOIN trulayer.spans s ON s.trace_id = t.id WHERE t.error IS NOT NULL AND t.started_at > now() - interval '1 day'",
        "SELECT type, sum(cost_usd) FROM trulayer.spans WHERE trace_id IN (SELECT id FROM trulayer.traces WHERE latency_ms > 10000) GROUP BY 1",
    ],
    ..TABLE
};

fn request(scan: &Scan, page: &Page) -> Request {
    let mut query = Vec::new();
    if let At::Key(key) = &page.at {
        query.push(("trace_id", key.clone()));
        query.push(("format", "jsonl".to_owned()));
        query.extend(scan.filters.iter().map(|filter| (filter.parameter, filter.text())));
        return Request::get(scan.table.path, query);
    }
    let asked = page.range.reaching(SLACK_US);
    query.extend(asked.from.map(|from| ("from", iso_micros(from))));
    query.extend(asked.to.map(|to| ("to", iso_micros(to))));
    let mut tagged = false;
    for filter in &scan.filters {
        match (&filter.key, filter.op) {
            (Some(_), _) if std::mem::replace(&mut tagged, true) => {}
            (Some(key), _) => query.extend([("tag_key", key.clone()), ("tag_value", filter.text())]),
            (None, Op::Null) => query.push((filter.parameter, "false".to_owned())),
            (None, Op::NotNull) => query.push((filter.parameter, "true".to_owned())),
            (None, _) => query.push((filter.parameter, Filter::text(filter))),
        }
    }
    query.push(("limit", page.limit.to_string()));
    if let At::Cursor(cursor) = &page.at {
        query.push(("cursor", cursor.clone()));
    }
    Request::get(scan.table.path, query)
}

/// A trace that does not exist has no spans; whether that is a 404 or an empty answer is not documented.
fn absent(status: u16, body: &str) -> bool {
    status == 404 && serde_json::from_str::<serde_json::Value>(body).is_ok_and(|body| body.get("error").is_some())
}
