//! Scale GP spans: `POST /v5/spans/export`.
//!
//! The export has no pages and no limit: all spans of the time range come in one answer, as text within JSON or as a file
//! at a signed address. It is read by slices of time if it is large. Lines of JSON are asked for, because CSV flattens
//! documents and its columns are not documented. `search_texts` is a search over words that the store has cut and stemmed,
//! so it never stands for LIKE. <https://docs.gp.scale.com>

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::model::canonical::{Canonical, Take};
use crate::model::connector::{Auth, Body, Connector, Quota, Request, Told, never_absent, plain_refusal};
use crate::model::filter::Value;
use crate::model::push::Filter;
use crate::model::scan::{Page, Scan, iso_micros};
use crate::model::table::Fidelity::{Exact, Superset};
use crate::model::table::{
    Op, Push, Sort, Switch, TABLE, Table, bigint, equal, extra, filter_only, jsonb, push, text, timestamptz,
};

/// The vendor.
pub const CONNECTOR: Connector = Connector {
    kind: "scale",
    title: "Scale GP",
    base_url: "https://api.egp.scale.com",
    auth: Auth::Header("x-api-key"),
    // None is documented; this is what a careful client keeps to.
    quota: Quota { calls: 60, per: Duration::from_secs(60), concurrency: 2 },
    told: Told::NOTHING,
    settings: &["account", "format", "method"],
    required: &[],
    tables: &[SPANS],
    request,
    refusal: plain_refusal,
    absent: never_absent,
};

const STATUSES: &[&str] = &["SUCCESS", "ERROR", "CANCELED"];

const TYPES: &[&str] = &[
    "TEXT_INPUT",
    "TEXT_OUTPUT",
    "COMPLETION_INPUT",
    "COMPLETION",
    "KB_RETRIEVAL",
    "KB_INPUT",
    "RERANKING",
    "EXTERNAL_ENDPOINT",
    "PROMPT_ENGINEERING",
    "DOCUMENT_INPUT",
    "MAP_REDUCE",
    "DOCUMENT_SEARCH",
    "DOCUMENT_PROMPT",
    "CUSTOM",
    "CODE_EXECUTION",
    "DATA_MANIPULATION",
    "EVALUATION",
    "FILE_RETRIEVAL",
    "KB_ADD_CHUNK",
    "KB_MANAGEMENT",
    "GUARDRAIL",
    "OUTPUT_GUARDRAIL",
    "TRACER",
    "AGENT_TRACER",
    "AGENT_WORKFLOW",
    "STANDALONE",
];

/// Whether bounds are inclusive is not documented, so they are asked for a little further out.
const SLACK_US: i64 = 1_000;
const TIME: &[Push] = &[push(Op::AtLeast(1), "from_ts", Superset), push(Op::AtMost(1), "to_ts", Superset)];

const SPANS: Table = Table {
    name: "spans",
    path: "/v5/spans/export",
    doc: "One row per span.",
    time: Some("start_timestamp"),
    // An export may hold a span twice that was sent again, so this is no key.
    identity: &["trace_id", "id"],
    body: Body::File { content: "content", url: "signed_url" },
    sorts: &[Sort { column: "start_timestamp", parameter: "", only_descending: true, under: None }],
    switches: &[
        Switch {
            name: "with_children",
            doc: "Export all spans of the traces that the filters match: what of WHERE upstream takes then chooses traces, rows outside the time range come as well, and only the rest of WHERE is checked on each row.",
            widens: true,
        },
        Switch { name: "include_assessments", doc: "Fill the column assessments.", widens: false },
    ],
    columns: &[
        text("id")
            .doc("ID of the span; unique within its trace.")
            .push(&[push(Op::AnyOf, "span_ids", Exact), push(Op::NoneOf, "excluded_span_ids", Exact)]),
        text("trace_id")
            .doc("Trace that the span belongs to.")
            .push(&[push(Op::AnyOf, "trace_ids", Exact), push(Op::NoneOf, "excluded_trace_ids", Exact)]),
        text("parent_id").null().doc("Span above it; NULL for a root.").push(&[push(Op::Null, "parents_only", Exact)]),
        text("group_id").null().doc("Group of traces.").push(&[equal("group_id", Exact)]),
        // Upstream may look at the name of the trace as well.
        text("name").doc("Name.").push(&[push(Op::AnyOf, "names", Superset)]),
        text("type").null().doc("Kind of span, e.g. COMPLETION.").push(&[push(Op::AnyOf, "types", Exact).only(TYPES)]),
        text("status")
            .null()
            .doc("SUCCESS, ERROR or CANCELED.")
            .push(&[push(Op::AnyOf, "statuses", Exact).only(STATUSES)]),
        timestamptz("start_timestamp").doc("Start of the span.").push(TIME),
        timestamptz("end_timestamp").null().doc("End of the span; NULL while it runs."),
        crate::model::table::double("duration_ms")
            .between("start_timestamp", "end_timestamp")
            .unit("ms")
            .doc("From start to end; NULL while the span runs.")
            .push(&[
                push(Op::AtLeast(1), "min_duration_ms", Superset),
                push(Op::AtMost(1), "max_duration_ms", Superset),
            ]),
        jsonb("input").null().doc("What went in."),
        jsonb("output").null().doc("What came out."),
        jsonb("expected").null().doc("What should have come out."),
        jsonb("metadata").null().doc("What the application attached.").push(&[push(
            Op::Equal,
            "extra_metadata",
            Superset,
        )
        .under(&[])]),
        bigint("input_tokens").null().unit("tokens").doc("Input tokens."),
        bigint("output_tokens").null().unit("tokens").doc("Output tokens."),
        text("account_id").doc("Account that owns the span."),
        text("application_interaction_id").null().doc("Interaction that the span belongs to."),
        jsonb("created_by").null().doc("Who sent it: {id, type, object}."),
        jsonb("assessments").null().doc("Assessments of the span; filled if SET <source>.include_assessments = on."),
        filter_only("search_text")
            .doc("Words that stand in input or output, as upstream's search finds them.")
            .push(&[equal("search_texts", Exact)]),
        filter_only("application_variant_id").doc("Variant of the application.").push(&[push(
            Op::AnyOf,
            "application_variant_ids",
            Exact,
        )]),
        filter_only("assessment_type").doc("The trace has assessments of this type.").push(&[push(
            Op::AnyOf,
            "assessment_types",
            Exact,
        )]),
        filter_only("acp_type").doc("ACP type.").push(&[push(Op::AnyOf, "acp_types", Exact)]),
        filter_only("agentex_agent_name").doc("Name of the agent.").push(&[push(
            Op::AnyOf,
            "agentex_agent_names",
            Exact,
        )]),
        filter_only("agentex_agent_id").doc("ID of the agent.").push(&[push(Op::AnyOf, "agentex_agent_ids", Exact)]),
        extra(),
    ],
    canonical: Some(Canonical {
        shape: "spans",
        columns: &[
            ("id", Take::Column("id")),
            ("trace_id", Take::Column("trace_id")),
            ("parent_id", Take::Column("parent_id")),
            ("name", Take::Column("name")),
            ("type", Take::Column("type")),
            (
                "status",
                Take::Words("status", &[("SUCCESS", "ok"), ("ERROR", "error"), ("CANCELED", "cancelled")], "unknown"),
            ),
            ("started_at", Take::Column("start_timestamp")),
            ("ended_at", Take::Column("end_timestamp")),
            ("duration_ms", Take::Column("duration_ms")),
            ("prompt_tokens", Take::Column("input_tokens")),
            ("completion_tokens", Take::Column("output_tokens")),
            ("input", Take::Text("input")),
            ("output", Take::Text("output")),
            ("metadata", Take::Column("metadata")),
        ],
    }),
    notes: &[
        "The export has no row limit; an answer larger than body_bytes is given up and its time range halved.",
        "Settings of the source: account (x-selected-account-id), format (jsonl, json or csv), method (direct or signed_url).",
    ],
    examples: &[
        "SELECT name, count(*), avg(duration_ms) FROM scale.spans WHERE start_timestamp > now() - interval '1 day' AND status = 'ERROR' GROUP BY 1",
        "SELECT * FROM scale.spans WHERE parent_id IS NULL AND metadata->>'env' = 'prod' ORDER BY start_timestamp DESC LIMIT 20",
        "SELECT trace_id, sum(output_tokens) FROM scale.spans WHERE type IN ('COMPLETION', 'RERANKING') AND duration_ms > 2000 GROUP BY 1",
    ],
    ..TABLE
};

fn request(scan: &Scan, page: &Page) -> Request {
    let mut query = Vec::new();
    let asked = page.range.reaching(SLACK_US);
    query.extend(asked.from.map(|from| ("from_ts", iso_micros(from))));
    query.extend(asked.to.map(|to| ("to_ts", iso_micros(to))));
    let setting =
        |key: &str, default: &str| scan.source.setting(key).first().map_or(default, String::as_str).to_owned();
    let mut body = Map::new();
    body.insert("export_method".to_owned(), json!(setting("method", "direct")));
    body.insert("export_format".to_owned(), json!(setting("format", "jsonl")));
    for switch in &scan.switches {
        body.insert((*switch).to_owned(), json!(true));
    }
    for filter in &scan.filters {
        add(&mut body, filter);
    }
    let mut request = Request::post(scan.table.path, query, Json::Object(body));
    let account = scan.source.setting("account").first();
    request.headers.extend(account.map(|account| ("x-selected-account-id", account.clone())));
    request
}

fn add(body: &mut Map<String, Json>, filter: &Filter) {
    let name = filter.parameter.to_owned();
    match (filter.op, &filter.key) {
        (_, Some(key)) => {
            let values = body.entry(name).or_insert_with(|| json!({}));
            values[key.as_str()] = metadata(&filter.text());
        }
        (Op::Null, _) => drop(body.insert(name, json!(true))),
        (Op::Equal, _) if filter.parameter == "search_texts" => drop(body.insert(name, json!([filter.text()]))),
        (Op::AnyOf | Op::NoneOf, _) => drop(body.insert(name, json!(filter.texts()))),
        (_, _) => {
            let value = match filter.values.first() {
                Some(Value::Integer(number)) => json!(number),
                _ => json!(filter.text()),
            };
            body.insert(name, value);
        }
    }
}

/// Values of a document whose text is this: the string, and the number or truth value that is written so. Upstream takes
/// any of a list.
fn metadata(text: &str) -> Json {
    match serde_json::from_str::<Json>(text) {
        Ok(value @ (Json::Number(_) | Json::Bool(_))) => json!([text, value]),
        _ => json!(text),
    }
}
