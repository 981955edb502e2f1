//! Spanlens data export: `GET /api/v1/exports/{requests,traces,anomalies,security}`.
//!
//! At most 10,000 rows an answer, 10 calls a minute, no cursor: more rows are reached by narrowing `from`/`to`, which are
//! inclusive at milliseconds. CSV cannot tell NULL from '' and carries a formula guard, so JSON is asked for. The
//! documents show a bare array; the server sends `{"exported_at", "count", "data"}`: both are read.
//! <https://www.spanlens.io/docs/features/exports>

use std::time::Duration;

use crate::error::{Error, Kind};
use crate::model::canonical::{Canonical, Take};
use crate::model::connector::{Auth, Body, Connector, Paging, Quota, Request, Told, never_absent};
use crate::model::scan::{Page, Scan, iso_micros};
use crate::model::table::Fidelity::{Exact, Superset};
use crate::model::table::{
    Column, Op, Push, Sort, TABLE, Table, Window, bigint, class, contains, double, equal, extra, filter_only, jsonb,
    push, text, timestamptz,
};

/// Rows of one answer at the most.
const MAX_ROWS: usize = 10_000;
const MILLISECOND_US: i64 = 1_000;

/// The vendor.
pub const CONNECTOR: Connector = Connector {
    kind: "spanlens",
    title: "Spanlens",
    base_url: "https://spanlens-server.vercel.app",
    auth: Auth::Bearer,
    quota: Quota { calls: 10, per: Duration::from_secs(60), concurrency: 2 },
    // `Limit` is of a minute; `Remaining` is one less than it, or 0 with a 429, whatever is left.
    // https://github.com/spanlens/Spanlens, apps/server/src/middleware/rateLimit.ts
    told: Told { limit_per: Some(Duration::from_secs(60)), remaining: false },
    settings: &[],
    required: &[],
    tables: &[REQUESTS, TRACES, ANOMALIES, SECURITY],
    request,
    refusal,
    absent: never_absent,
};

const EXPORT: Table = Table {
    precision_us: MILLISECOND_US,
    paging: Paging::SplitTime { max_rows: MAX_ROWS },
    body: Body::Rows { keys: &["data"], count: true },
    ..TABLE
};

/// `ok` is 2xx in the documents and everything below 400 in the server, so only 2xx may be asked for by it; `5xx` has
/// no upper end in the server. All three are therefore checked again here.
const STATUS: &[(&str, i64, i64)] = &[("ok", 200, 299), ("4xx", 400, 499), ("5xx", 500, 599)];

const TIME: &[Push] =
    &[push(Op::AtLeast(MILLISECOND_US), "from", Superset), push(Op::AtMost(MILLISECOND_US), "to", Superset)];

pub(crate) const REQUESTS: Table = Table {
    name: "requests",
    path: "/api/v1/exports/requests",
    doc: "One row per LLM call that went through the Spanlens proxy.",
    time: Some("created_at"),
    key: &["id"],
    columns: &[
        text("id").doc("Unique request ID."),
        text("project_id").doc("Project the request belongs to.").push(&[equal("projectId", Exact)]),
        text("provider").doc("Provider: openai, anthropic, gemini, …").push(&[equal("provider", Exact)]),
        text("model")
            .doc("Dated model variant that the provider returned, e.g. gpt-4o-mini-2024-07-18.")
            .push(&[contains("model", Exact)]),
        bigint("prompt_tokens").unit("tokens").doc("Input tokens, gross, cached portion included."),
        bigint("completion_tokens").unit("tokens").doc("Output tokens."),
        bigint("total_tokens").unit("tokens").doc("Sum of prompt and completion tokens."),
        double("cost_usd").null().unit("USD").doc("Calculated cost; NULL if the model is not in the price table."),
        bigint("latency_ms").unit("ms").doc("From the request's arrival at the proxy to the last byte sent."),
        bigint("status_code").doc("HTTP status that the provider returned.").push(&[class("status", Superset, STATUS)]),
        text("error_message").null().doc("Error text; NULL for a successful request."),
        text("trace_id")
            .null()
            .doc("Trace the call belongs to; NULL outside an SDK observe().")
            .references("traces", "id"),
        timestamptz("created_at").doc("When the request arrived at the proxy.").push(TIME),
        PROVIDER_KEY_ID,
        extra(),
    ],
    notes: &["The export lags behind: requests still streaming are not in it yet."],
    examples: &[
        "SELECT provider, model, count(*), sum(cost_usd) FROM spanlens.requests WHERE created_at > now() - interval '7 days' GROUP BY 1, 2 ORDER BY 4 DESC",
        "SELECT * FROM spanlens.requests WHERE provider = 'openai' AND model ILIKE '%mini%' ORDER BY created_at DESC LIMIT 50",
        "SELECT date_trunc('hour', created_at) AS hour, count(*) FROM spanlens.requests WHERE status_code BETWEEN 500 AND 599 GROUP BY 1 ORDER BY 1",
    ],
    sorts: &[Sort { column: "created_at", parameter: "", only_descending: true, under: None }],
    canonical: Some(Canonical {
        shape: "requests",
        columns: &[
            ("id", Take::Column("id")),
            ("project_id", Take::Column("project_id")),
            ("provider", Take::Column("provider")),
            ("model", Take::Column("model")),
            ("prompt_tokens", Take::Column("prompt_tokens")),
            ("completion_tokens", Take::Column("completion_tokens")),
            ("total_tokens", Take::Column("total_tokens")),
            ("cost_usd", Take::Column("cost_usd")),
            ("latency_ms", Take::Column("latency_ms")),
            ("status_code", Take::Column("status_code")),
            ("error_message", Take::Column("error_message")),
            ("trace_id", Take::Column("trace_id")),
            ("created_at", Take::Column("created_at")),
        ],
    }),
    ..EXPORT
};

const PROVIDER_KEY_ID: Column =
    filter_only("provider_key_id").doc("Provider key that the request used.").push(&[equal("providerKeyId", Exact)]);

const TRACES: Table = Table {
    name: "traces",
    path: "/api/v1/exports/traces",
    doc: "One row per trace: an SDK observe() with its spans.",
    time: Some("created_at"),
    key: &["id"],
    columns: &[
        text("id").doc("Unique trace ID."),
        text("project_id").doc("Project the trace belongs to."),
        text("name").doc("Name given in the SDK."),
        text("status").doc("ok or error; servers of 2026 also say running and completed."),
        text("error_message").null().doc("Error text; NULL for a successful trace."),
        bigint("duration_ms").null().unit("ms").doc("From the first span's start to the last span's end."),
        double("total_cost_usd").unit("USD").doc("Cost of all requests in the trace."),
        bigint("total_tokens").unit("tokens").doc("Tokens of all requests in the trace."),
        bigint("span_count").doc("Number of spans."),
        timestamptz("started_at").doc("Start of the trace."),
        timestamptz("ended_at").null().doc("End of the trace; NULL while it runs."),
        timestamptz("created_at").doc("When the row was saved; the time that from and to apply to.").push(TIME),
        extra(),
    ],
    notes: &["Upstream's time bounds apply to created_at, not to started_at."],
    examples: &[
        "SELECT name, count(*), avg(duration_ms) FROM spanlens.traces WHERE created_at > now() - interval '1 day' GROUP BY 1",
        "SELECT * FROM spanlens.traces WHERE status = 'error' ORDER BY created_at DESC LIMIT 20",
        "SELECT t.name, sum(r.cost_usd) FROM spanlens.traces t JOIN spanlens.requests r ON r.trace_id = t.id GROUP BY 1",
    ],
    sorts: &[Sort { column: "created_at", parameter: "", only_descending: true, under: None }],
    canonical: Some(Canonical {
        shape: "traces",
        columns: &[
            ("id", Take::Column("id")),
            ("project_id", Take::Column("project_id")),
            ("name", Take::Column("name")),
            (
                "status",
                Take::Words(
                    "status",
                    &[("ok", "ok"), ("completed", "ok"), ("error", "error"), ("running", "pending")],
                    "unknown",
                ),
            ),
            ("error_message", Take::Column("error_message")),
            ("duration_ms", Take::Column("duration_ms")),
            ("total_cost_usd", Take::Column("total_cost_usd")),
            ("total_tokens", Take::Column("total_tokens")),
            ("span_count", Take::Column("span_count")),
            ("started_at", Take::Column("started_at")),
            ("ended_at", Take::Column("ended_at")),
            ("created_at", Take::Column("created_at")),
        ],
    }),
    ..EXPORT
};

pub(crate) const ANOMALIES: Table = Table {
    name: "anomalies",
    path: "/api/v1/exports/anomalies",
    doc: "Buckets of provider, model and kind that lay 3 sigma or more off their baseline.",
    time: Some("detected_at"),
    window: Window::Doubtful,
    columns: &[
        text("provider").doc("Provider."),
        text("model").doc("Model."),
        text("kind").doc("What is off: latency (ms), cost (USD per request) or error_rate (0 to 1)."),
        double("current_value").doc("Mean of the window observed, in the unit of the kind."),
        double("baseline_mean").doc("Mean of the baseline."),
        double("baseline_stddev").doc("Standard deviation of the baseline."),
        double("deviations").unit("sigma").doc("Distance from the baseline."),
        bigint("sample_count").doc("Requests in the window observed."),
        bigint("reference_count").doc("Requests in the baseline."),
        timestamptz("detected_at")
            .keys_or_window_end(&["detected_at", "detectedAt", "created_at"])
            .doc("The row's own time where upstream sends one, else the end of the exported window (now, if open).")
            .push(TIME),
        extra(),
    ],
    notes: &[
        "Rows carry no time and no id, so more than 10,000 of them cannot be told apart: such an answer is an error.",
    ],
    examples: &[
        "SELECT * FROM spanlens.anomalies ORDER BY deviations DESC",
        "SELECT kind, count(*) FROM spanlens.anomalies GROUP BY 1",
        "SELECT model, current_value / baseline_mean AS factor FROM spanlens.anomalies WHERE kind = 'cost'",
    ],
    canonical: Some(Canonical {
        shape: "anomalies",
        columns: &[
            ("provider", Take::Column("provider")),
            ("model", Take::Column("model")),
            ("kind", Take::Column("kind")),
            ("current_value", Take::Column("current_value")),
            ("baseline_mean", Take::Column("baseline_mean")),
            ("baseline_stddev", Take::Column("baseline_stddev")),
            ("deviations", Take::Column("deviations")),
            ("sample_count", Take::Column("sample_count")),
            ("reference_count", Take::Column("reference_count")),
            ("detected_at", Take::Column("detected_at")),
        ],
    }),
    ..EXPORT
};

pub(crate) const SECURITY: Table = Table {
    name: "security",
    path: "/api/v1/exports/security",
    doc: "Requests in which personal data or a prompt injection was found.",
    time: Some("created_at"),
    key: &["id"],
    window: Window::Doubtful,
    columns: &[
        text("id").doc("ID of the flagged request."),
        text("provider").doc("Provider."),
        text("model").doc("Model."),
        bigint("status_code").doc("HTTP status that the provider returned."),
        bigint("latency_ms").unit("ms").doc("Latency of the request."),
        double("cost_usd").null().unit("USD").doc("Cost of the request; NULL if the model is not in the price table."),
        jsonb("flags")
            .doc("Array of {type, pattern, sample}; type is pii or injection; empty if only the response was flagged."),
        timestamptz("created_at").doc("When the request arrived at the proxy.").push(TIME),
        extra(),
    ],
    notes: &[
        "Some servers ignore the time range and send the newest 10,000 rows; if a query needs older ones, that is an error.",
    ],
    examples: &[
        "SELECT created_at, model, flags FROM spanlens.security ORDER BY created_at DESC LIMIT 20",
        "SELECT provider, count(*) FROM spanlens.security GROUP BY 1",
        "SELECT count(*) FROM spanlens.security WHERE created_at > now() - interval '1 day'",
    ],
    sorts: &[Sort { column: "created_at", parameter: "", only_descending: true, under: None }],
    canonical: Some(Canonical {
        shape: "security",
        columns: &[
            ("id", Take::Column("id")),
            ("provider", Take::Column("provider")),
            ("model", Take::Column("model")),
            ("status_code", Take::Column("status_code")),
            ("latency_ms", Take::Column("latency_ms")),
            ("cost_usd", Take::Column("cost_usd")),
            ("flags", Take::Column("flags")),
            ("created_at", Take::Column("created_at")),
        ],
    }),
    ..EXPORT
};

fn request(scan: &Scan, page: &Page) -> Request {
    let mut query = vec![("format", "json".to_owned())];
    if let Some(from) = page.range.from {
        query.push(("from", iso_micros(from)));
    }
    if let Some(to) = page.range.to {
        query.push(("to", iso_micros(to)));
    }
    query.extend(scan.filters.iter().map(|filter| (filter.parameter, filter.text())));
    query.push(("limit", page.limit.to_string()));
    Request::get(scan.table.path, query)
}

/// The export routes take only the short-lived token of the dashboard; an API key is refused with the same 401.
fn refusal(status: u16, _body: &str) -> Option<Error> {
    (status == 401).then(|| {
        Error::new(Kind::UpstreamAuthorization, "upstream refused the credential (HTTP 401)").hint(
            "The Spanlens exports take a Supabase access token, which lives for one hour; API keys (sl_live_…) do not work there. Renew the credential of the source.",
        )
    })
}
