//! Tests of the export and of the spans.
use std::collections::HashSet;

use chrono::DateTime;
use serde_json::Value;

use super::{get, longest, options, refused, start};
use crate::demo::trulayer::export::COLUMNS;
use crate::demo::trulayer::{Options, Span, TruLayer};

const EXPORT: &str = "/v1/traces/export";
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// The cells of a span in the order of the columns; a null is an empty cell.
fn cells(span: &Span) -> [String; 15] {
    fn cell<T: ToString>(value: Option<T>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    [
        span.trace_id.clone(),
        span.span_id.clone(),
        span.name.to_owned(),
        span.kind.to_owned(),
        cell(span.model),
        span.created_at.to_string(),
        cell(span.duration_ms),
        cell(span.prompt_tokens),
        cell(span.completion_tokens),
        cell(span.cost_usd),
        cell(span.trace_input.as_deref()),
        cell(span.trace_output.as_deref()),
        cell(span.span_input.as_deref()),
        cell(span.span_output.as_deref()),
        cell(span.error),
    ]
}

/// A cell as [`cells`] has it: times in microseconds, numbers as Rust writes them.
fn normal(column: &str, text: String) -> String {
    match column {
        "created_at" => DateTime::parse_from_rfc3339(&text).unwrap().timestamp_micros().to_string(),
        "cost_usd" if !text.is_empty() => text.parse::<f64>().unwrap().to_string(),
        _ => text,
    }
}

/// A reader of RFC 4180, with line feeds.
fn read_csv(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell, mut quoted) = (vec![], vec![], String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            other => cell.push(other),
        }
    }
    assert!(record.is_empty() && cell.is_empty(), "the last line ends");
    records
}

fn of_trace<'a>(server: &'a TruLayer, id: &str) -> Vec<&'a Span> {
    server.spans().iter().filter(|span| span.trace_id == id).collect()
}

#[tokio::test]
async fn csv_is_the_default_with_the_documented_columns_in_order() {
    let server = start(40).await;
    let mut rows = 0;
    for trace in server.traces() {
        let answer = get(&server, EXPORT, &[("trace_id", &trace.id)]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/csv"));
        let mut records = read_csv(&answer.body);
        assert_eq!(records.remove(0), COLUMNS);
        let spans = of_trace(&server, &trace.id);
        assert_eq!(records.len(), spans.len());
        for (record, span) in records.into_iter().zip(spans) {
            let read: Vec<String> = COLUMNS.iter().zip(record).map(|(column, text)| normal(column, text)).collect();
            assert_eq!(read, cells(span));
            rows += 1;
        }
    }
    assert_eq!(rows, server.spans().len());
}

#[tokio::test]
async fn jsonl_has_the_same_keys_on_every_line() {
    let server = start(40).await;
    let mut nulls = HashSet::new();
    for trace in server.traces() {
        let answer = get(&server, EXPORT, &[("trace_id", &trace.id), ("format", "jsonl")]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-ndjson"));
        let spans = of_trace(&server, &trace.id);
        assert_eq!(answer.body.lines().count(), spans.len());
        for (line, span) in answer.body.lines().zip(spans) {
            let row: Value = serde_json::from_str(line).unwrap();
            assert_eq!(row.as_object().unwrap().len(), COLUMNS.len());
            let text = |column: &str| match &row[column] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let read: Vec<String> = COLUMNS.iter().map(|column| normal(column, text(column))).collect();
            assert_eq!(read, cells(span));
            nulls.extend(COLUMNS.into_iter().filter(|column| row[*column].is_null()));
        }
    }
    let nullable = &COLUMNS[4..];
    assert_eq!(nulls, nullable.iter().copied().filter(|column| *column != "created_at").collect());
}

#[tokio::test]
async fn the_file_is_named_after_the_trace_and_the_day_and_the_body_is_streamed() {
    let server = start(20).await;
    let id = &longest(&server).id;
    for format in ["csv", "jsonl"] {
        let answer = get(&server, EXPORT, &[("trace_id", id), ("format", format)]).await;
        let file = format!("attachment; filename=\"spans-{}-2026-05-15.{format}\"", &id[..8]);
        assert_eq!(answer.header("content-disposition"), file);
        assert_eq!(answer.header("transfer-encoding"), "chunked");
    }
}

#[tokio::test]
async fn a_plan_cuts_long_traces_and_says_so() {
    let server = TruLayer::start(Options { plan_cap: Some(100), ..options(60) }).await.unwrap();
    let long = longest(&server);
    assert!(long.span_count > 150);
    let answer = get(&server, EXPORT, &[("trace_id", &long.id), ("format", "jsonl")]).await;
    assert_eq!((answer.header("x-trulayer-truncated"), answer.body.lines().count()), ("true", 100));
    let short = server.traces().iter().find(|trace| (1..=60).contains(&trace.span_count)).unwrap();
    let answer = get(&server, EXPORT, &[("trace_id", &short.id), ("format", "jsonl")]).await;
    assert_eq!(
        (answer.headers.get("x-trulayer-truncated"), answer.body.lines().count()),
        (None, short.span_count as usize)
    );
    // A trace with exactly as many spans is whole.
    let exact = Options { plan_cap: Some(long.span_count as usize), ..options(60) };
    let answer = get(&TruLayer::start(exact).await.unwrap(), EXPORT, &[("trace_id", &long.id)]).await;
    assert_eq!(answer.headers.get("x-trulayer-truncated"), None);
}

#[tokio::test]
async fn a_plan_without_exports_asks_for_a_better_one() {
    let server = TruLayer::start(Options { plan_cap: Some(0), ..options(20) }).await.unwrap();
    let error = refused(&server, EXPORT, &[("trace_id", &server.traces()[0].id)], 402).await;
    assert_eq!(error["code"], "plan_upgrade_required");
    assert!(error["required_plan"].is_string());
    assert_eq!(get(&server, "/v1/traces", &[]).await.status, 200);
}

#[tokio::test]
async fn the_trace_must_be_named_and_be_a_uuid() {
    let server = start(20).await;
    refused(&server, EXPORT, &[], 400).await;
    refused(&server, EXPORT, &[("trace_id", "")], 400).await;
    refused(&server, EXPORT, &[("trace_id", "trace-1")], 400).await;
    let id = &server.traces()[0].id;
    refused(&server, EXPORT, &[("trace_id", id), ("format", "json")], 400).await;
    refused(&server, EXPORT, &[("trace_id", id), ("project_id", "alpha")], 400).await;
    let upper = id.to_uppercase();
    assert_eq!(
        get(&server, EXPORT, &[("trace_id", &upper)]).await.body,
        get(&server, EXPORT, &[("trace_id", id)]).await.body
    );
}

#[tokio::test]
async fn an_unknown_trace_is_a_404_or_has_an_empty_body() {
    let strict = start(20).await;
    let lenient = TruLayer::start(Options { unknown_is_404: false, ..options(20) }).await.unwrap();
    let trace = &strict.traces()[0];
    let other = options(0).projects.into_iter().find(|project| *project != trace.project_id).unwrap();
    for params in [&[("trace_id", NOBODY)][..], &[("trace_id", trace.id.as_str()), ("project_id", &other)]] {
        refused(&strict, EXPORT, params, 404).await;
        let answer = get(&lenient, EXPORT, params).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    }
    let params = [("trace_id", trace.id.as_str()), ("project_id", &trace.project_id)];
    assert_eq!(get(&strict, EXPORT, &params).await.status, 200);
}

#[tokio::test]
async fn a_shuffled_export_has_the_same_spans_in_no_order() {
    let server = TruLayer::start(Options { shuffled: true, ..options(20) }).await.unwrap();
    let id = &longest(&server).id;
    let body = get(&server, EXPORT, &[("trace_id", id), ("format", "jsonl")]).await.body;
    let ids: Vec<String> = body
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["span_id"].take().as_str().unwrap().to_owned())
        .collect();
    let typed: Vec<&String> = of_trace(&server, id).into_iter().map(|span| &span.span_id).collect();
    assert_ne!(ids.iter().collect::<Vec<_>>(), typed);
    assert_eq!(ids.iter().collect::<HashSet<_>>(), typed.into_iter().collect::<HashSet<_>>());
}

#[tokio::test]
async fn spans_lie_within_their_trace_and_what_is_odd_occurs() {
    let server = start(300).await;
    assert_eq!(server.traces().iter().map(|trace| trace.span_count).sum::<i64>(), server.spans().len() as i64);
    for trace in server.traces() {
        let spans = of_trace(&server, &trace.id);
        assert!(spans.iter().all(|span| span.created_at >= trace.started_at));
        assert!(spans.iter().all(|span| trace.ended_at.is_none_or(|end| span.created_at <= end)));
        assert!(spans.iter().all(|span| span.trace_input == trace.input && span.trace_output == trace.output));
    }
    let now = options(0).now.timestamp_micros();
    let days: HashSet<i64> = server.traces().iter().map(|trace| (now - trace.started_at) / 86_400_000_000).collect();
    assert!(days.len() > 35 && days.iter().all(|day| (0..40).contains(day)), "{days:?}");
    assert_eq!(server.spans().iter().map(|span| &span.span_id).collect::<HashSet<_>>().len(), server.spans().len());
    for (what, odd) in [
        ("empty trace", server.traces().iter().any(|trace| trace.span_count == 0)),
        ("running trace", server.traces().iter().any(|trace| trace.ended_at.is_none())),
        ("empty error", server.traces().iter().any(|trace| trace.error == Some(""))),
        (
            "old trace without tokens",
            server.traces().iter().any(|trace| trace.total_token_count == Some(0) && trace.cost > Some(0.0)),
        ),
        ("empty name", server.spans().iter().any(|span| span.name.is_empty())),
        (
            "carriage return",
            server.spans().iter().any(|span| span.span_input.as_ref().is_some_and(|text| text.contains('\r'))),
        ),
        ("error text", server.spans().iter().any(|span| span.error.is_some_and(|text| text.contains('\n')))),
        ("tied spans", server.spans().windows(2).any(|pair| pair[0].created_at == pair[1].created_at)),
        ("tied traces", server.traces().windows(2).any(|pair| pair[0].started_at == pair[1].started_at)),
    ] {
        assert!(odd, "{what}");
    }
}
