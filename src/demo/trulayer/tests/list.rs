//! Tests of the list of traces and of the single trace.
use std::collections::HashSet;

use chrono::DateTime;
use serde_json::{Value, json};

use super::{all, get, ids, longest, options, refused, send, start};
use crate::demo::trulayer::{Options, Trace, TruLayer};

fn micros(value: Option<&Value>) -> Option<i64> {
    Some(DateTime::parse_from_rfc3339(value?.as_str()?).unwrap().timestamp_micros())
}

fn iso(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).unwrap().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn assert_same(row: &Value, trace: &Trace) {
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let int = |name: &str| row.get(name).and_then(Value::as_i64);
    assert_eq!(row["id"], trace.id.as_str());
    assert_eq!(row["project_id"], trace.project_id.as_str());
    assert_eq!(text("session_id"), trace.session_id);
    assert_eq!(text("external_id"), trace.external_id);
    assert_eq!(text("name").as_deref(), trace.name);
    assert_eq!(text("input"), trace.input);
    assert_eq!(text("output"), trace.output);
    assert_eq!(text("model").as_deref(), trace.model);
    assert_eq!(int("latency_ms"), trace.latency_ms);
    assert_eq!(row.get("cost").and_then(Value::as_f64), trace.cost);
    assert_eq!(int("total_token_count"), trace.total_token_count);
    assert_eq!(int("prompt_tokens_total"), trace.prompt_tokens_total);
    assert_eq!(int("completion_tokens_total"), trace.completion_tokens_total);
    assert_eq!(text("error").as_deref(), trace.error);
    assert_eq!(row["tags"], json!(trace.tags));
    assert_eq!(row.get("tag_map").is_some_and(Value::is_object), !trace.tag_map.is_empty());
    assert_eq!(row.get("metadata").filter(|value| !value.is_null()), trace.metadata.as_ref());
    assert_eq!(row["span_count"], trace.span_count);
    assert_eq!(micros(row.get("started_at")), Some(trace.started_at));
    assert_eq!(micros(row.get("ended_at")), trace.ended_at);
    let nulls = row.as_object().unwrap().values().any(Value::is_null);
    assert!(!(nulls && trace.nulls_absent), "{row}");
}

/// The list has exactly the traces that the condition takes, in order, and these are some of them but not all.
async fn assert_some(server: &TruLayer, params: &[(&str, &str)], takes: impl Fn(&Trace) -> bool) {
    let rows = all(server, params).await;
    let expected: Vec<&str> =
        server.traces().iter().filter(|trace| takes(trace)).map(|trace| trace.id.as_str()).collect();
    assert_eq!(ids(&rows), expected, "{params:?}");
    assert!(!expected.is_empty() && expected.len() < server.traces().len(), "{params:?}: {}", expected.len());
}

#[tokio::test]
async fn the_list_is_the_typed_traces_newest_first() {
    let server = start(300).await;
    for limit in ["200", "7"] {
        let rows = all(&server, &[("limit", limit)]).await;
        assert_eq!(rows.len(), 300);
        rows.iter().zip(server.traces()).for_each(|(row, trace)| assert_same(row, trace));
    }
    assert!(server.traces().is_sorted_by_key(|trace| -trace.started_at));
    let again = start(300).await;
    assert_eq!((again.traces(), again.spans()), (server.traces(), server.spans()));
}

#[tokio::test]
async fn a_page_has_fifty_traces_unless_told() {
    let server = start(300).await;
    let page = get(&server, "/v1/traces", &[]).await.json();
    assert_eq!(page["traces"].as_array().unwrap().len(), 50);
    assert_eq!(page["has_more"], true);
    assert!(page["traces"][0].get("spans").is_none());
    let whole = get(&start(50).await, "/v1/traces", &[("limit", "50")]).await.json();
    assert_eq!((&whole["has_more"], &whole["next_cursor"]), (&json!(false), &Value::Null));
}

#[tokio::test]
async fn every_filter_takes_the_traces_that_it_says() {
    let server = start(300).await;
    let project = options(0).projects.remove(1);
    assert_some(&server, &[("project_id", &project)], |trace| trace.project_id == project).await;
    assert_some(&server, &[("model", "gpt-4o")], |trace| trace.model == Some("gpt-4o")).await;
    assert_some(&server, &[("error", "true")], |trace| trace.error.is_some()).await;
    assert_some(&server, &[("error", "false")], |trace| trace.error.is_none()).await;
    assert_some(&server, &[("failure_type", "timeout")], |trace| trace.failure_type == Some("timeout")).await;
    let within = |range: std::ops::RangeInclusive<i64>, value: Option<i64>| value.is_some_and(|it| range.contains(&it));
    let latency = server.traces().iter().find_map(|trace| trace.latency_ms).unwrap();
    let bound = latency.to_string();
    assert_some(&server, &[("latency_min", &bound)], |trace| within(latency..=i64::MAX, trace.latency_ms)).await;
    assert_some(&server, &[("latency_max", &bound)], |trace| within(0..=latency, trace.latency_ms)).await;
    let params = [("token_count_min", "1"), ("token_count_max", "9000"), ("error", "false")];
    assert_some(&server, &params, |trace| within(1..=9000, trace.total_token_count) && trace.error.is_none()).await;
    assert_some(&server, &[("token_count_max", "0")], |trace| trace.total_token_count == Some(0)).await;
    let tag = ("team", "search & find");
    assert_some(&server, &[("tag_key", tag.0), ("tag_value", tag.1)], |trace| trace.tag_map.contains(&tag)).await;
}

#[tokio::test]
async fn from_and_to_are_inclusive_bounds_of_the_start_to_the_microsecond() {
    let server = start(300).await;
    // Its microseconds are no whole milliseconds.
    let exact = server.traces().iter().map(|trace| trace.started_at).filter(|at| at % 1000 != 0).nth(40).unwrap();
    let (at, after, before) = (iso(exact), iso(exact + 1), iso(exact - 1));
    assert_some(&server, &[("from", &at)], |trace| trace.started_at >= exact).await;
    assert_some(&server, &[("to", &at)], |trace| trace.started_at <= exact).await;
    assert_some(&server, &[("from", &after)], |trace| trace.started_at > exact).await;
    assert_some(&server, &[("to", &before)], |trace| trace.started_at < exact).await;
    assert_some(&server, &[("from", &at), ("to", &at)], |trace| trace.started_at == exact).await;
}

#[tokio::test]
async fn parameters_that_cannot_be_read_are_refused() {
    let server = start(20).await;
    for params in [
        [("project_id", "alpha")],
        [("error", "yes")],
        [("failure_type", "other")],
        [("from", "yesterday")],
        [("to", "2026-13-01T00:00:00Z")],
        [("latency_min", "1.5")],
        [("limit", "0")],
        [("limit", "201")],
        [("cursor", "nonsense")],
    ] {
        refused(&server, "/v1/traces", &params, 400).await;
    }
    for alone in ["tag_key", "tag_value"] {
        let error = refused(&server, "/v1/traces", &[(alone, "env")], 400).await;
        assert_eq!(error["error"], "error.tags_filter_incomplete");
    }
}

#[tokio::test]
async fn a_shuffled_list_has_every_trace_once_in_no_order() {
    let server = TruLayer::start(Options { shuffled: true, ..options(120) }).await.unwrap();
    let rows = all(&server, &[("limit", "11")]).await;
    assert_eq!((rows.len(), ids(&rows).into_iter().collect::<HashSet<_>>().len()), (120, 120));
    let times: Vec<Option<i64>> = rows.iter().map(|row| micros(row.get("started_at"))).collect();
    assert!(!times.is_sorted() && !times.iter().rev().is_sorted());
}

#[tokio::test]
async fn a_single_trace_comes_with_its_spans() {
    let server = start(60).await;
    let trace = longest(&server);
    let body = get(&server, &format!("/v1/traces/{}", trace.id), &[]).await.json();
    let spans: Vec<_> = server.spans().iter().filter(|span| span.trace_id == trace.id).collect();
    assert_eq!(body["id"], trace.id.as_str());
    assert_eq!(body["spans"].as_array().unwrap().len(), spans.len());
    for (row, span) in body["spans"].as_array().unwrap().iter().zip(spans) {
        assert_eq!(row["id"], span.span_id.as_str());
        assert_eq!(row["parent_span_id"].as_str(), span.parent_span_id.as_deref());
        assert_eq!(row["latency_ms"].as_i64(), span.duration_ms);
        assert_eq!(micros(row.get("start_time")), Some(span.created_at));
    }
    refused(&server, "/v1/traces/00000000-0000-4000-8000-000000000000", &[], 404).await;
    refused(&server, "/v1/traces/nonsense", &[], 400).await;
}

#[tokio::test]
async fn a_wrong_key_and_other_paths_are_refused() {
    let server = start(20).await;
    let wrong = send(&server, "GET", "/v1/traces", "tl_other").await;
    assert!(
        wrong.status == 401 && wrong.body.starts_with("{\"code\":\"invalid_api_key\",\"error\":"),
        "{}",
        wrong.body
    );
    refused(&server, "/v1/spans", &[], 404).await;
    assert_eq!(send(&server, "POST", "/v1/traces", "tl_demo").await.status, 404);
    let calls: Vec<(String, u16)> = server.calls().into_iter().map(|call| (call.path, call.status)).collect();
    let paths = [("/v1/traces", 401), ("/v1/spans", 404), ("/v1/traces", 404)];
    assert_eq!(calls, paths.map(|(path, status)| (path.to_owned(), status)));
}

#[tokio::test]
async fn every_answer_tells_the_limit_and_calls_beyond_it_are_refused() {
    let server = TruLayer::start(Options { calls_per_minute: Some(2), ..options(20) }).await.unwrap();
    for left in ["1", "0"] {
        let answer = get(&server, "/v1/traces", &[]).await;
        assert_eq!((answer.status, answer.header("x-ratelimit-limit")), (200, "2"));
        assert_eq!(answer.header("x-ratelimit-remaining"), left);
    }
    let answer = get(&server, "/v1/traces", &[]).await;
    assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (429, "0"));
    assert_eq!((answer.header("retry-after"), answer.body.as_str()), ("", "{\"error\":\"rate limit exceeded\"}"));
    let free = get(&start(1).await, "/v1/traces", &[]).await;
    assert_eq!(free.header("x-ratelimit-remaining"), "36000");
}
