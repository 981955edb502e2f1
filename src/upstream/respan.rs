//! Respan (once Keywords AI) spans: `POST /api/request-logs/list/`.
//!
//! Filters travel in the body, one condition or several for a field; what the query string would take as a filter on an
//! unknown field is not used. Without start_time the last hour is searched and without all_envs one environment, so both
//! are always sent. `count` is the rows of the page at newer servers and of all pages at older ones, so it is not read.
//! Times filter `timestamp`, the end of the span. Latency is in seconds. <https://docs.respan.ai>

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::model::canonical::{Canonical, Take};
use crate::model::connector::{Auth, Body, Connector, Paging, Quota, Request, Told, never_absent, plain_refusal};
use crate::model::filter::Value;
use crate::model::push::Filter;
use crate::model::scan::{At, Page, Scan, iso_micros};
use crate::model::table::Fidelity::{Exact, Superset};
use crate::model::table::{
    Column, From, Op, Push, Sort, TABLE, Table, Type, bigint, double, equal, extra, filter_only, jsonb, push, text,
    timestamptz,
};

/// The vendor.
pub const CONNECTOR: Connector = Connector {
    kind: "respan",
    title: "Respan",
    base_url: "https://api.respan.ai",
    auth: Auth::Bearer,
    // None is documented for logs; other routes of the vendor have this one.
    quota: Quota { calls: 60, per: Duration::from_secs(60), concurrency: 2 },
    told: Told::NOTHING,
    settings: &["environment"],
    required: &[],
    tables: &[SPANS],
    request,
    refusal: plain_refusal,
    absent: never_absent,
};

/// All that can be asked of a text.
const fn words(field: &'static str) -> [Push; 10] {
    [
        push(Op::Equal, field, Exact),
        push(Op::AnyOf, field, Exact),
        push(Op::NoneOf, field, Exact),
        push(Op::EqualIgnoreCase, field, Exact),
        push(Op::StartsWith, field, Exact),
        push(Op::EndsWith, field, Exact),
        push(Op::ContainsCase, field, Exact),
        push(Op::Contains, field, Exact),
        push(Op::Null, field, Exact),
        push(Op::NotNull, field, Exact),
    ]
}

/// All that can be asked of a number.
const fn numbers(field: &'static str) -> [Push; 9] {
    [
        push(Op::Equal, field, Exact),
        push(Op::AnyOf, field, Exact),
        push(Op::NoneOf, field, Exact),
        push(Op::Greater, field, Exact),
        push(Op::GreaterEqual, field, Exact),
        push(Op::Less, field, Exact),
        push(Op::LessEqual, field, Exact),
        push(Op::Null, field, Exact),
        push(Op::NotNull, field, Exact),
    ]
}

/// Spans without the key match no condition on it, as in SQL.
const METADATA: &[Push] = &[
    push(Op::Equal, "metadata", Exact).under(&[]),
    push(Op::AnyOf, "metadata", Exact).under(&[]),
    push(Op::NoneOf, "metadata", Exact).under(&[]),
    push(Op::EqualIgnoreCase, "metadata", Exact).under(&[]),
    push(Op::StartsWith, "metadata", Exact).under(&[]),
    push(Op::EndsWith, "metadata", Exact).under(&[]),
    push(Op::ContainsCase, "metadata", Exact).under(&[]),
    push(Op::Contains, "metadata", Exact).under(&[]),
];

const SCORE: &[&str] = &["score_value"];
const SCORES: &[Push] = &[
    push(Op::Equal, "scores", Exact).under(SCORE),
    push(Op::NoneOf, "scores", Exact).under(SCORE),
    push(Op::Greater, "scores", Exact).under(SCORE),
    push(Op::GreaterEqual, "scores", Exact).under(SCORE),
    push(Op::Less, "scores", Exact).under(SCORE),
    push(Op::LessEqual, "scores", Exact).under(SCORE),
];

/// Whether bounds are inclusive is not documented, so they are asked for a little further out.
const SLACK_US: i64 = 1_000;
const TIME: &[Push] = &[push(Op::AtLeast(1), "start_time", Superset), push(Op::AtMost(1), "end_time", Superset)];
/// A span ends after it starts, so what bounds its start from below bounds its end.
const START: &[Push] = &[push(Op::AtLeast(1), "start_time", Superset)];

const fn sort(column: &'static str, parameter: &'static str) -> Sort {
    Sort { column, parameter, only_descending: false, under: None }
}

const fn boolean(name: &'static str) -> Column {
    let mut column = text(name);
    column.ty = Type::Boolean;
    column.null()
}

const SPANS: Table = Table {
    name: "spans",
    path: "/api/request-logs/list/",
    doc: "One row per span: an LLM call, a tool call, a workflow or a part of one.",
    time: Some("timestamp"),
    key: &["id"],
    paging: Paging::Numbered { max_rows: 1_000, next: &["next"] },
    narrows: true,
    body: Body::Rows { keys: &["results"], count: false },
    sorts: &[
        // The default order; it is faster upstream than a sort by the time itself.
        sort("timestamp", "id"),
        sort("cost", "cost"),
        sort("latency", "latency"),
        sort("time_to_first_token", "time_to_first_token"),
        sort("prompt_tokens", "prompt_tokens"),
        sort("completion_tokens", "completion_tokens"),
        sort("total_request_tokens", "all_tokens"),
        Sort { under: Some(SCORE), ..sort("scores", "scores") },
    ],
    any: true,
    columns: &[
        // At older servers id is a number of its own; unique_id is what can be filtered by.
        text("id").keys(&["unique_id", "id"]).json_text().doc("Unique ID of the span.").push(&words("unique_id")),
        text("trace_unique_id").null().doc("Trace that the span belongs to.").push(&words("trace_unique_id")),
        text("span_unique_id").null().doc("ID within the trace, to which span_parent_id refers."),
        text("span_parent_id").null().doc("Span above it; NULL for a root."),
        text("span_name").null().doc("Name.").push(&words("span_name")),
        text("span_workflow_name").null().doc("Name of the workflow.").push(&words("span_workflow_name")),
        text("log_type").null().doc("Kind of span: chat, embedding, workflow, tool, …").push(&words("log_type")),
        text("environment").null().doc("prod, test or another.").push(&words("environment")),
        text("status").null().doc("success, or how it failed.").push(&words("status")),
        bigint("status_code").null().doc("HTTP status of the call.").push(&numbers("status_code")),
        text("error_message").null().doc("Error text.").push(&words("error_message")),
        timestamptz("timestamp").doc("End of the span; the time that start_time and end_time apply to.").push(TIME),
        timestamptz("start_time").null().doc("Start of the span.").push(START),
        double("latency")
            .unit("seconds")
            .doc("Duration; upstream computes it for each span.")
            .push(&numbers("latency")),
        double("time_to_first_token")
            .null()
            .unit("seconds")
            .doc("From the request to the first token.")
            .push(&numbers("time_to_first_token")),
        double("tokens_per_second").null().doc("Output tokens a second.").push(&numbers("tokens_per_second")),
        double("cost").null().unit("USD").doc("Cost.").push(&numbers("cost")),
        bigint("prompt_tokens").null().unit("tokens").doc("Input tokens.").push(&numbers("prompt_tokens")),
        bigint("completion_tokens").null().unit("tokens").doc("Output tokens.").push(&numbers("completion_tokens")),
        bigint("total_request_tokens")
            .keys(&["total_request_tokens", "total_tokens"])
            .null()
            .unit("tokens")
            .doc("Sum of both.")
            .push(&numbers("total_request_tokens")),
        text("model").null().doc("Model.").push(&words("model")),
        text("provider_id").null().doc("Provider, e.g. openai.").push(&words("provider_id")),
        text("deployment_name").null().doc("Deployment.").push(&words("deployment_name")),
        text("customer_identifier")
            .null()
            .doc("The user on whose behalf the span ran.")
            .push(&words("customer_identifier")),
        text("custom_identifier").null().doc("Tag given by the application.").push(&words("custom_identifier")),
        text("thread_identifier").null().doc("Conversation.").push(&words("thread_identifier")),
        text("session_identifier").null().doc("Session."),
        text("prompt_id").null().doc("Managed prompt.").push(&words("prompt_id")),
        text("prompt_name").null().doc("Name of the managed prompt."),
        boolean("stream").doc("Whether the answer was streamed.").push(&[equal("stream", Exact)]),
        double("temperature").null().doc("Sampling temperature.").push(&numbers("temperature")),
        bigint("max_tokens").null().unit("tokens").doc("Limit on output tokens.").push(&numbers("max_tokens")),
        text("input").null().json_text().doc("What went in, as JSON text."),
        text("output").null().json_text().doc("What came out, as JSON text."),
        jsonb("metadata").null().doc("What the application attached: an object of texts.").push(METADATA),
        jsonb("scores")
            .null()
            .doc("Scores by evaluator: {id: {evaluator_name, evaluator_slug, score_value}}.")
            .push(SCORES),
        filter_only("is_test")
            .doc("Test calls (true) or all others (false).")
            .push(&[equal("is_test", Exact).only(&["true", "false"])]),
        extra(),
    ],
    canonical: Some(Canonical {
        shape: "spans",
        columns: &[
            ("id", Take::Column("id")),
            ("trace_id", Take::Column("trace_unique_id")),
            ("parent_id", Take::Column("span_parent_id")),
            ("name", Take::Column("span_name")),
            ("type", Take::Column("log_type")),
            ("status", Take::Words("status", &[("success", "ok"), ("error", "error"), ("failed", "error")], "unknown")),
            ("provider", Take::Column("provider_id")),
            ("model", Take::Column("model")),
            ("started_at", Take::Column("start_time")),
            ("ended_at", Take::Column("timestamp")),
            ("duration_ms", Take::Scaled("latency", 1000.0)),
            ("prompt_tokens", Take::Column("prompt_tokens")),
            ("completion_tokens", Take::Column("completion_tokens")),
            ("total_tokens", Take::Column("total_request_tokens")),
            ("cost_usd", Take::Column("cost")),
            ("input", Take::Column("input")),
            ("output", Take::Column("output")),
            ("error_message", Take::Column("error_message")),
            ("session_id", Take::Column("thread_identifier")),
            ("user_id", Take::Column("customer_identifier")),
            ("metadata", Take::Column("metadata")),
        ],
    }),
    notes: &[
        "All environments are read, unless the source's setting environment names one.",
        "The end of the time range is fixed when the scan begins, so that new spans do not shift the pages.",
        "A lower bound on start_time bounds the request as well, because a span ends after it starts.",
    ],
    examples: &[
        "SELECT * FROM respan.spans WHERE cost > 0.01 AND metadata->>'plan' = 'pro' ORDER BY latency DESC LIMIT 20",
        "SELECT model, sum(cost), percentile_cont(0.95) WITHIN GROUP (ORDER BY latency) FROM respan.spans WHERE timestamp > now() - interval '1 day' GROUP BY 1",
        "SELECT customer_identifier, count(*) FROM respan.spans WHERE status_code >= 500 OR cost > 1 GROUP BY 1 ORDER BY 2 DESC",
    ],
    ..TABLE
};

fn request(scan: &Scan, page: &Page) -> Request {
    let number = match &page.at {
        At::Number(number) => *number,
        _ => 1,
    };
    let mut query = vec![("page", number.to_string()), ("page_size", page.limit.to_string())];
    let asked = page.range.reaching(SLACK_US);
    query.extend(asked.from.map(|from| ("start_time", iso_micros(from))));
    query.extend(asked.to.map(|to| ("end_time", iso_micros(to))));
    let sort = scan.order.as_ref().map_or("-id".to_owned(), |order| {
        let key = order.path.first().map(|key| format!("__{key}")).unwrap_or_default();
        format!("{}{}{key}", if order.descending { "-" } else { "" }, order.parameter)
    });
    query.push(("sort_by", sort));
    query.push(("all_envs", "true".to_owned()));
    query.extend(scan.source.setting("environment").first().map(|name| ("environment", name.clone())));
    query.extend(include_fields(scan).map(|fields| ("include_fields", fields)));
    let (flags, conditions): (Vec<&Filter>, Vec<&Filter>) =
        scan.filters.iter().partition(|filter| filter.parameter == "is_test");
    query.extend(flags.iter().map(|filter| (filter.parameter, filter.text())));
    let body = if conditions.is_empty() { json!({}) } else { json!({ "filters": filters(&conditions, scan.any) }) };
    Request::post(scan.table.path, query, body)
}

/// The fields that the columns read; all of them if the rest is wanted as well.
fn include_fields(scan: &Scan) -> Option<String> {
    let columns: Vec<&Column> = scan.projection.iter().filter_map(|at| scan.table.columns.get(*at)).collect();
    if columns.iter().any(|column| column.from == From::Rest) {
        return None;
    }
    let mut fields = vec!["unique_id", "id", "timestamp"];
    let ordered = scan.order.as_ref().and_then(|order| scan.table.column(order.column));
    for field in columns.into_iter().chain(ordered).flat_map(Column::row_keys) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    Some(fields.join(","))
}

/// One condition for a field, or a list of them.
fn filters(conditions: &[&Filter], any: bool) -> Map<String, Json> {
    let mut filters: Map<String, Json> = Map::new();
    for filter in conditions {
        let field = match &filter.key {
            Some(key) => format!("{}__{key}", filter.parameter),
            None => filter.parameter.to_owned(),
        };
        let mut condition = json!({ "operator": operator(filter.op), "value": values(filter) });
        if any {
            condition["connector"] = json!("OR");
        }
        match filters.get_mut(&field) {
            None => drop(filters.insert(field, condition)),
            Some(Json::Array(conditions)) => conditions.push(condition),
            Some(first) => *first = json!([first.take(), condition]),
        }
    }
    filters
}

fn operator(op: Op) -> &'static str {
    match op {
        Op::AnyOf => "in",
        Op::NoneOf | Op::Except => "not",
        Op::Contains => "icontains",
        Op::ContainsCase => "contains",
        Op::StartsWith => "startswith",
        Op::EndsWith => "endswith",
        Op::EqualIgnoreCase => "iexact",
        Op::Greater => "gt",
        Op::GreaterEqual | Op::AtLeast(_) => "gte",
        Op::Less => "lt",
        Op::LessEqual | Op::AtMost(_) => "lte",
        Op::Null | Op::NotNull => "isnull",
        Op::Equal | Op::Class(_) | Op::Element => "",
    }
}

fn values(filter: &Filter) -> Vec<Json> {
    let value = |value: &Value| match value {
        Value::Integer(number) => json!(number),
        Value::Double(number) => json!(number),
        Value::Boolean(truth) => json!(truth),
        Value::Text(_) | Value::Timestamp(_) => json!(value.to_text()),
    };
    filter.values.iter().map(value).collect()
}
