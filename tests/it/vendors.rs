//! The four vendors beside Spanlens: every row that an upstream holds comes, with the values that it holds.

use spanwire::demo::{adaline, respan, scale, trulayer};

use crate::five::{Five, Options, start};
use crate::support::{fault, rows, value};

type Row = Vec<Option<String>>;

fn some(text: &(impl ToString + ?Sized)) -> Option<String> {
    Some(text.to_string())
}

fn opt<T: ToString>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// A time as PostgreSQL writes it in UTC.
fn time(micros: i64) -> Option<String> {
    let time = chrono::DateTime::from_timestamp_micros(micros).expect("a time of the demo");
    let text = time.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    Some(format!("{}+00", text.trim_end_matches('0').trim_end_matches('.')))
}

/// A double as PostgreSQL writes it: shortest digits, with an exponent below a ten-thousandth.
fn double(value: f64) -> Option<String> {
    if value == 0.0 || value.abs() >= 1e-4 {
        return some(&value);
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once("e-").expect("an exponent");
    Some(format!("{digits}e-{exponent:0>2}"))
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

async fn check(five: &Five, query: &str, expected: Vec<Row>) {
    let client = five.client().await;
    let (got, expected) = (sorted(rows(&client, query).await), sorted(expected));
    assert_eq!(got.len(), expected.len(), "{query}: number of rows");
    for (got, expected) in got.iter().zip(&expected) {
        assert_eq!(got, expected, "{query}");
    }
}

fn scale_row(span: &scale::span::Span) -> Row {
    let duration = span.end_timestamp.map(|end| (end - span.start_timestamp) as f64 / 1_000.0);
    vec![
        some(&span.id),
        some(&span.trace_id),
        span.parent_id.clone(),
        some(&span.name),
        opt(span.kind),
        opt(span.status),
        time(span.start_timestamp),
        span.end_timestamp.and_then(time),
        duration.and_then(double),
        opt(span.input_tokens),
    ]
}

fn respan_row(span: &respan::Span) -> Row {
    vec![
        some(&span.unique_id),
        span.trace_unique_id.clone(),
        span.span_name.clone(),
        some(&span.environment),
        opt(span.status_code),
        time(span.timestamp),
        span.start_time.and_then(time),
        double(span.latency),
        opt(span.prompt_tokens),
        span.customer_identifier.clone(),
        opt(span.stream.map(|stream| if stream { "t" } else { "f" })),
    ]
}

fn adaline_row(span: &adaline::Span) -> Row {
    vec![
        some(&span.project_id),
        some(&span.id),
        some(&span.name),
        some(&span.status),
        time(span.started_at * 1_000),
        time(span.ended_at * 1_000),
        double(span.latency),
        opt(span.model),
        opt(span.provider),
        opt(span.prompt_tokens),
        time(span.created_at * 1_000),
    ]
}

fn trulayer_trace(trace: &trulayer::Trace) -> Row {
    vec![
        some(&trace.id),
        some(&trace.project_id),
        opt(trace.name),
        opt(trace.model),
        opt(trace.latency_ms),
        opt(trace.error),
        opt(trace.total_token_count),
        some(&trace.span_count),
        time(trace.started_at),
        trace.ended_at.and_then(time),
    ]
}

fn trulayer_span(span: &trulayer::Span) -> Row {
    vec![
        some(&span.trace_id),
        some(&span.span_id),
        some(&span.name),
        some(&span.kind),
        opt(span.model),
        time(span.created_at),
        opt(span.duration_ms),
        opt(span.prompt_tokens),
        span.span_input.clone(),
        opt(span.error),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_every_vendor_comes_with_its_values() {
    let five = start(Options::small()).await;
    let query = "SELECT id, trace_id, parent_id, name, type, status, start_timestamp, end_timestamp, duration_ms, input_tokens FROM scale.spans";
    check(&five, query, five.scale.spans().iter().map(scale_row).collect()).await;
    let query = "SELECT id, trace_unique_id, span_name, environment, status_code, timestamp, start_time, latency, prompt_tokens, customer_identifier, stream FROM respan.spans";
    check(&five, query, five.respan.spans().iter().map(respan_row).collect()).await;
    let query = "SELECT project_id, id, name, status, started_at, ended_at, latency, model, provider, prompt_tokens, created_at FROM adaline.spans";
    check(&five, query, five.adaline.spans().iter().map(adaline_row).collect()).await;
    let query = "SELECT id, project_id, name, model, latency_ms, error, total_token_count, span_count, started_at, ended_at FROM trulayer.traces";
    check(&five, query, five.trulayer.traces().iter().map(trulayer_trace).collect()).await;
    let query = "SELECT trace_id, span_id, name, type, model, created_at, duration_ms, prompt_tokens, span_input, error FROM trulayer.spans";
    check(&five, query, five.trulayer.spans().iter().map(trulayer_span).collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sorted_query_of_respan_is_one_call() {
    let five = start(Options::small()).await;
    let client = five.client().await;
    let query =
        "SELECT id FROM respan.spans WHERE cost > 0.0001 AND metadata->>'plan' = 'pro' ORDER BY latency DESC LIMIT 20";
    let got = rows(&client, query).await;
    assert_eq!(five.n_calls(), [0, 0, 1, 0, 0]);
    let mut expected: Vec<_> = five.respan.spans().iter().collect();
    expected.retain(|span| {
        let plan = span.metadata.as_ref().and_then(|metadata| metadata.get("plan"));
        span.cost.is_some_and(|cost| cost > 0.0001) && plan.is_some_and(|plan| plan == "pro")
    });
    expected.sort_by(|one, next| next.latency.total_cmp(&one.latency));
    assert!(expected.len() > 20, "the demo has rows enough");
    let ids: Vec<Option<String>> = expected.iter().take(20).map(|span| some(&span.unique_id)).collect();
    assert_eq!(got.into_iter().map(|mut row| row.remove(0)).collect::<Vec<_>>(), ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_of_named_traces_take_a_call_each() {
    let five = start(Options::small()).await;
    let client = five.client().await;
    let traces: Vec<&str> = five.trulayer.traces().iter().take(3).map(|trace| trace.id.as_str()).collect();
    let query = format!(
        "SELECT count(*) FROM trulayer.spans WHERE trace_id IN ('{}', '{}', '{}', 'no uuid', '00000000-0000-4000-8000-000000000000')",
        traces[0], traces[1], traces[2]
    );
    let expected = five.trulayer.spans().iter().filter(|span| traces.contains(&span.trace_id.as_str())).count();
    assert_eq!(value(&client, &query).await, expected.to_string());
    assert_eq!(five.n_calls(), [0, 0, 0, 0, 4], "the text that is no uuid is no trace");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_by_a_score_is_upstreams() {
    let five = start(Options::small()).await;
    let client = five.client().await;
    let evaluators = five.respan.spans().iter().filter_map(|span| span.scores.as_ref()).flatten();
    let mut scores: std::collections::BTreeMap<&String, Vec<f64>> = std::collections::BTreeMap::new();
    for (evaluator, score) in evaluators {
        scores.entry(evaluator).or_default().push(score.score_value);
    }
    let (evaluator, mut values) = scores.into_iter().max_by_key(|(_, values)| values.len()).expect("scores");
    values.sort_by(|one, next| next.total_cmp(one));
    let score = format!("(scores->'{evaluator}'->>'score_value')::float8");
    let query = format!("SELECT {score} FROM respan.spans WHERE {score} IS NOT NULL ORDER BY 1 DESC LIMIT 25");
    let got = rows(&client, &query).await;
    let expected: Vec<Row> = values.iter().take(25).map(|value| vec![double(*value)]).collect();
    assert_eq!(got, expected);
    assert!(
        five.respan.calls()[0].query.contains(&format!("sort_by=-scores__{evaluator}")),
        "{:?}",
        five.respan.calls()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_spans_of_several_projects_take_one_small_call_each() {
    let five = start(Options::small()).await;
    let client = five.client().await;
    let got = rows(&client, "SELECT id FROM adaline.spans ORDER BY started_at DESC, id LIMIT 1").await;
    assert_eq!(got.len(), 1);
    let before = five.adaline.calls().len();
    let got = rows(&client, "SELECT started_at FROM adaline.spans ORDER BY started_at DESC LIMIT 30").await;
    let mut expected: Vec<i64> = five.adaline.spans().iter().map(|span| span.started_at).collect();
    expected.sort_by_key(|time| std::cmp::Reverse(*time));
    let expected: Vec<Row> = expected.iter().take(30).map(|millis| vec![time(millis * 1_000)]).collect();
    assert_eq!(got, expected);
    let calls = &five.adaline.calls()[before..];
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls.iter().all(|call| call.body.contains("\"limit\":30")), "{calls:?}");
}

/// However the export travels, its rows are the same.
#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_scales_export_gives_the_same_rows() {
    let query = "SELECT id, trace_id, parent_id, name, type, status, start_timestamp, end_timestamp, duration_ms, input_tokens FROM scale.spans";
    for (format, method) in
        [("jsonl", "signed_url"), ("json", "direct"), ("json", "signed_url"), ("csv", "direct"), ("csv", "signed_url")]
    {
        let mut options = Options::small();
        options.scale.signed_url_expired = 1;
        options.lines.push(("scale", format!("format = \"{format}\"\nmethod = \"{method}\"")));
        let five = start(options).await;
        check(&five, query, five.scale.spans().iter().map(scale_row).collect()).await;
        let calls = five.scale.calls();
        assert!(calls[0].body.contains(format) && calls[0].body.contains(method), "{calls:?}");
        // An address that has expired is asked for again.
        let exports = calls.iter().filter(|call| call.path == "/v5/spans/export").count();
        assert_eq!(exports, if method == "signed_url" { 2 } else { 1 }, "{format} {method}");
        let files = calls.iter().filter(|call| call.path != "/v5/spans/export");
        let has_key = |call: &spanwire::demo::host::Exchange| call.headers.iter().any(|(name, _)| name == "x-api-key");
        assert!(files.clone().all(|call| !has_key(call)), "the key stays with the API");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_cast_to_text_is_text() {
    let five = start(Options::small()).await;
    let client = five.client().await;
    let query =
        "SELECT metadata::text, metadata::text || '\"x\"' FROM respan.spans WHERE metadata->>'plan' = 'pro' LIMIT 1";
    let row = client.query_one(query, &[]).await.expect("a row");
    let columns: Vec<&str> = row.columns().iter().map(|column| column.type_().name()).collect();
    assert_eq!(columns, ["text", "text"]);
    let (text, longer): (String, String) = (row.get(0), row.get(1));
    assert_eq!(longer, format!("{text}\"x\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn base64_content_is_understood() {
    let mut options = Options::small();
    options.scale.base64 = true;
    let five = start(options).await;
    let query = "SELECT id, trace_id, parent_id, name, type, status, start_timestamp, end_timestamp, duration_ms, input_tokens FROM scale.spans";
    check(&five, query, five.scale.spans().iter().map(scale_row).collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_exports_are_read_in_slices() {
    let mut options = Options::small();
    options.top = "[limits]\nbody_bytes = \"400kB\"".to_owned();
    let five = start(options).await;
    let query = "SELECT id, trace_id, parent_id, name, type, status, start_timestamp, end_timestamp, duration_ms, input_tokens FROM scale.spans";
    check(&five, query, five.scale.spans().iter().map(scale_row).collect()).await;
    assert!(five.scale.calls().len() > 3, "{} calls", five.scale.calls().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_the_plan_cuts_is_an_error_or_a_warning() {
    let mut options = Options::small();
    options.trulayer.plan_cap = Some(10);
    let five = start(options).await;
    let client = five.client().await;
    let long = five.trulayer.traces().iter().max_by_key(|trace| trace.span_count).expect("a trace");
    assert!(long.span_count > 10);
    let query = format!("SELECT span_id FROM trulayer.spans WHERE trace_id = '{}'", long.id);
    let (code, message) = fault(&client, &query).await;
    assert_eq!(code, "HV00L", "{message}");
    assert!(message.contains("after 10 rows"), "{message}");
    client.simple_query("SET spanwire.on_truncated = warn").await.expect("a setting");
    assert_eq!(rows(&client, &query).await.len(), 10);
    let state = rows(&client, "SELECT state FROM spanwire.scans ORDER BY id DESC LIMIT 1").await;
    assert_eq!(state, [[some("truncated")]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_come_from_arrays_and_parameters_too() {
    let five = start(Options::small()).await;
    let client = five.client().await;
    let traces: Vec<String> = five.trulayer.traces().iter().take(3).map(|trace| trace.id.clone()).collect();
    let expected = five.trulayer.spans().iter().filter(|span| traces.contains(&span.trace_id)).count() as i64;
    let array = format!("trace_id = ANY(ARRAY['{}'])", traces.join("', '"));
    assert_eq!(
        value(&client, &format!("SELECT count(*) FROM trulayer.spans WHERE {array}")).await,
        expected.to_string()
    );
    assert_eq!(five.n_calls()[4], 3);
    let query = "SELECT count(*) FROM trulayer.spans WHERE trace_id IN ($1, $2, $3)";
    let count = client.query_one(query, &[&traces[0], &traces[1], &traces[2]]).await.expect("a count");
    assert_eq!(count.get::<_, i64>(0), expected);
    assert_eq!(five.n_calls()[4], 6);
    let query = "SELECT count(*) FROM trulayer.spans WHERE trace_id = ANY($1::text[])";
    let count = client.query_one(query, &[&traces]).await.expect("a count");
    assert_eq!(count.get::<_, i64>(0), expected);
    assert_eq!(five.n_calls()[4], 9, "an array parameter names the keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn children_come_with_their_traces_if_the_session_wants_them() {
    let five = start(Options::small()).await;
    let client = five.client().await;
    let name = five.scale.spans()[0].name;
    let named: Vec<&str> =
        five.scale.spans().iter().filter(|span| span.name == name).map(|span| span.trace_id.as_str()).collect();
    let whole = five.scale.spans().iter().filter(|span| named.contains(&span.trace_id.as_str())).count();
    let query = format!("SELECT count(*) FROM scale.spans WHERE name = '{name}'");
    assert_eq!(value(&client, &query).await, named.len().to_string());
    client.simple_query("SET scale.with_children = on").await.expect("a setting");
    assert_eq!(value(&client, &query).await, whole.to_string());
    assert!(whole > named.len());
    client.simple_query("SET scale.include_assessments = on").await.expect("a setting");
    let assessed = five.scale.spans().iter().filter(|span| !span.assessments.is_empty()).count();
    let query = "SELECT count(*) FROM scale.spans WHERE assessments->>0 IS NOT NULL";
    assert_eq!(value(&client, query).await, assessed.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_upstream_does_not_know_is_the_value_of_no_row() {
    let five = start(Options::small()).await;
    let client = five.client().await;
    for query in [
        "SELECT count(*) FROM trulayer.traces WHERE failure_type = 'nonsense'",
        "SELECT count(*) FROM scale.spans WHERE status = 'nonsense' AND start_timestamp > now() - interval '1 day'",
        "SELECT count(*) FROM adaline.spans WHERE status = 'nonsense'",
        "SELECT count(*) FROM adaline.spans WHERE prompt_id = 'short'",
        "SELECT count(*) FROM trulayer.traces WHERE project_id = 'no uuid'",
    ] {
        assert_eq!(value(&client, query).await, "0", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_of_adaline_are_asked_for_and_checked_again() {
    let five = start(Options::small()).await;
    let (client, plain) = (five.client().await, five.client().await);
    plain.simple_query("SET spanwire.pushdown = off").await.expect("a setting");
    let has = |tag: &'static str| move |span: &&adaline::Span| span.tag_list.contains(&tag);
    let ids = |spans: Vec<&adaline::Span>| sorted(spans.into_iter().map(|span| vec![some(&span.id)]).collect());
    let prod = ids(five.adaline.spans().iter().filter(has("prod")).collect());
    let both = ids(five.adaline.spans().iter().filter(has("prod")).filter(has("50%")).collect());
    let lacking = ids(five.adaline.spans().iter().filter(|span| !span.tags.is_empty() && !has("prod")(span)).collect());
    assert!(!both.is_empty() && both.len() < prod.len(), "the demo has rows enough");
    // The clause, how many filters it becomes, and the rows.
    let clauses = [
        (r#"tags @> '["prod"]'"#, 1, &prod),
        (r#"tags @> '["prod"]'::jsonb"#, 1, &prod),
        (r#"CAST('["prod"]' AS jsonb) <@ tags"#, 1, &prod),
        (r#"tags @> '"prod"'"#, 1, &prod),
        ("tags ? 'prod'", 1, &prod),
        ("tags ?| ARRAY['prod']", 0, &prod),
        (r#"tags @> '["prod", "50%"]'"#, 2, &both),
        ("tags ?& '{prod,50%}'", 2, &both),
        ("tags ? 'prod' AND tags ? '50%'", 2, &both),
        ("NOT tags ? 'prod'", 0, &lacking),
    ];
    for (clause, filters, expected) in clauses {
        let query = format!("SELECT id FROM adaline.spans WHERE {clause}");
        let plan = rows(&client, &format!("EXPLAIN {query}")).await;
        let request = plan.iter().flatten().flatten().find(|line| line.contains("Upstream Request:"));
        let sent = request.map(|line| line.matches("\"type\":\"arrayContains\"").count());
        assert_eq!(sent, Some(filters), "{clause}: {plan:?}");
        assert_eq!(&sorted(rows(&client, &query).await), expected, "{clause}");
        assert_eq!(&sorted(rows(&plain, &query).await), expected, "{clause} without pushdown");
    }
    for parameter in ["$1", "$1::jsonb"] {
        let query = format!("SELECT id FROM adaline.spans WHERE tags @> {parameter}");
        let found = client.query(&query, &[&serde_json::json!(["prod"])]).await.expect("a document");
        assert_eq!(found.len(), prod.len(), "{parameter}");
    }
}
