//! Tests of the rows: that they are written as typed, and that what is odd occurs.
use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::{all, ids, options, project, search, start};
use crate::demo::adaline::{Adaline, Options, Span};

fn assert_same(row: &Value, span: &Span) {
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| row.get(name).and_then(Value::as_f64);
    assert_eq!(row["id"], span.id.as_str());
    assert_eq!(row["name"], span.name);
    assert_eq!(row["contentType"], span.content_type);
    assert_eq!(row["status"], span.status);
    assert_eq!(row["startedAt"], span.started_at);
    assert_eq!(row["endedAt"], span.ended_at);
    assert_eq!(number("latency"), Some(span.latency));
    assert_eq!(row["logTraceId"], span.log_trace_id.as_str());
    assert_eq!(text("promptId").as_deref(), span.prompt_id);
    assert_eq!(text("referenceId"), span.reference_id);
    assert_eq!(text("parentReferenceId"), span.parent_reference_id);
    assert_eq!(text("sessionId"), span.session_id);
    assert_eq!(number("cost"), span.cost);
    assert_eq!(number("promptTokens"), span.prompt_tokens);
    assert_eq!(number("completionTokens"), span.completion_tokens);
    assert_eq!(number("totalTokens"), span.total_tokens);
    assert_eq!(row["content"], span.content.as_str());
    assert_eq!(row["parsedContent"], span.parsed_content.as_str());
    assert_eq!(row["attributes"], span.attributes.as_str());
    assert_eq!(row["tags"], span.tags.as_str());
    assert_eq!(row["events"], span.events.as_str());
    assert_eq!(row["createdAt"], span.created_at);
    assert_eq!(row["updatedAt"], span.updated_at);
    assert_eq!(text("region").as_deref(), span.region);
    let nulls = row.as_object().unwrap().values().filter(|value| value.is_null()).count();
    assert!(nulls == 0 || !span.nulls_absent, "{row}");
    assert!(!row.as_object().unwrap().keys().any(|name| name == "model" || name == "provider"));
}

#[tokio::test]
async fn rows_are_the_typed_spans_of_the_project() {
    let server = start(700).await;
    let mut found = 0;
    for project in options(0).projects {
        let rows = all(&server, "/logs/spans", json!({ "projectId": project, "limit": 200 })).await;
        let typed: Vec<&Span> = server.spans().iter().filter(|span| span.project_id == project).collect();
        assert_eq!(rows.len(), typed.len());
        rows.iter().zip(typed).for_each(|(row, span)| assert_same(row, span));
        found += rows.len();
    }
    assert_eq!((found, server.spans().len()), (700, 700));
}

#[tokio::test]
async fn what_is_odd_occurs_in_a_small_data_set() {
    let server = start(300).await;
    let spans = server.spans();
    let distinct = |value: fn(&Span) -> &'static str| spans.iter().map(value).collect::<HashSet<_>>();
    let statuses = ["success", "failure", "aborted", "cancelled", "unknown"];
    assert_eq!(distinct(|span| span.status), HashSet::from(statuses));
    assert!(distinct(|span| span.content_type).is_superset(&HashSet::from(["Model", "model", "Mein_Schritt 100%"])));
    for (what, odd) in [
        ("null cost", (|span| span.cost.is_none()) as fn(&Span) -> bool),
        ("cost 0", |span| span.cost == Some(0.0)),
        ("null session", |span| span.session_id.is_none()),
        ("empty session", |span| span.session_id.as_deref() == Some("")),
        ("empty name", |span| span.name.is_empty()),
        ("model span without a model", |span| span.content_type == "Model" && span.model.is_none()),
        ("empty content", |span| span.content.is_empty()),
        ("fraction of a millisecond", |span| span.latency.fract() > 0.0),
        ("whole number with a fraction", |span| span.fractions && span.prompt_tokens.is_some()),
        ("absent nulls", |span| span.nulls_absent && span.cost.is_none()),
        ("member beyond the documents", |span| span.region.is_some()),
        ("line feed in a name", |span| span.name.contains('\n')),
    ] {
        assert!(spans.iter().any(odd), "{what}");
    }
    let body = search(&server, json!({ "limit": 200 })).await.body;
    let float = body.split("\"promptTokens\":").skip(1).any(|rest| rest.split(',').next().unwrap().ends_with(".0"));
    assert!(float, "tokens as 12.0");
}

#[tokio::test]
async fn spans_spread_over_forty_days_and_share_instants() {
    let server = start(5_000).await;
    let spans = server.spans();
    let now = options(0).now.timestamp_millis();
    let ages: Vec<i64> = spans.iter().map(|span| (now - span.started_at) / 86_400_000).collect();
    assert!(ages.iter().all(|age| (0..40).contains(age)));
    assert_eq!(ages.iter().collect::<HashSet<_>>().len(), 40);
    assert!(spans.is_sorted_by(|newer, older| (newer.started_at, &newer.id) > (older.started_at, &older.id)));
    let instants: HashSet<i64> = spans.iter().map(|span| span.started_at).collect();
    assert!(instants.len() < 4_000, "{}", instants.len());
    assert_eq!(spans.iter().map(|span| &span.id).collect::<HashSet<_>>().len(), 5_000);
    assert_eq!(Adaline::start(options(5_000)).await.unwrap().spans(), spans);
}

#[tokio::test]
async fn parents_are_named_by_the_reference_of_a_span_of_the_same_trace() {
    let server = start(500).await;
    let references: HashSet<_> =
        server.spans().iter().filter_map(|span| Some((&span.log_trace_id, span.reference_id.as_ref()?))).collect();
    let children: Vec<&Span> = server.spans().iter().filter(|span| span.parent_reference_id.is_some()).collect();
    assert!(children.len() > 300);
    for span in children {
        assert!(references.contains(&(&span.log_trace_id, span.parent_reference_id.as_ref().unwrap())), "{span:?}");
        assert_ne!(span.parent_reference_id, span.reference_id);
    }
}

#[tokio::test]
async fn documents_are_strings_of_json_and_model_spans_name_their_model_inside() {
    let server = start(500).await;
    for span in server.spans() {
        for text in [&span.content, &span.parsed_content, &span.attributes, &span.tags, &span.events] {
            assert!(text.is_empty() || serde_json::from_str::<Value>(text).is_ok(), "{text}");
        }
        let content: Value = serde_json::from_str(&span.content).unwrap_or_default();
        assert_eq!(content["model"].as_str(), span.model);
        assert_eq!(content["provider"].as_str(), span.provider);
        assert!(span.model.is_none() || span.content_type.starts_with("Model"));
        assert_eq!(serde_json::from_str::<Vec<String>>(&span.tags).unwrap(), span.tag_list);
    }
}

#[tokio::test]
async fn ties_come_in_blocks_of_exactly_as_many_as_asked_for() {
    let server = Adaline::start(Options { tie: 7, ..options(900) }).await.unwrap();
    for project in options(0).projects {
        let mut of = HashMap::<i64, usize>::new();
        for span in server.spans().iter().filter(|span| span.project_id == project) {
            *of.entry(span.started_at).or_default() += 1;
        }
        // Two blocks may fall on one instant; the newest may be short.
        let whole = of.values().filter(|&&count| count.is_multiple_of(7)).count();
        assert!(whole + 1 >= of.len() && of.len() > 10, "{of:?}");
    }
    assert!(server.spans().iter().all(|span| span.started_at <= span.ended_at && span.ended_at <= span.created_at));
    let rows = all(&server, "/logs/spans", json!({ "limit": 3 })).await;
    assert_eq!(ids(&rows), super::spans(&server, |_| true));
}

#[tokio::test]
async fn traces_sum_up_their_spans_with_attributes_and_tags_as_json() {
    let server = start(400).await;
    let rows = all(&server, "/logs/traces", json!({ "limit": 20 })).await;
    let typed: Vec<_> = server.traces().iter().filter(|trace| trace.project_id == project()).collect();
    assert_eq!(rows.len(), typed.len());
    for (row, trace) in rows.iter().zip(typed) {
        let spans: Vec<&Span> = server.spans().iter().filter(|span| span.log_trace_id == trace.id).collect();
        assert_eq!(row["id"], trace.id.as_str());
        assert_eq!(row["startedAt"], spans.iter().map(|span| span.started_at).min().unwrap());
        assert_eq!(row["endedAt"], spans.iter().map(|span| span.ended_at).max().unwrap());
        assert_eq!(row["spanIds"].as_array().unwrap().len(), spans.len());
        assert_eq!(row["totalInputTokens"].as_f64(), trace.total_input_tokens);
        assert_eq!(row["tags"], json!(trace.tags));
        assert!(row["attributes"]["env"].is_string());
    }
    let pending = all(&server, "/logs/traces", json!({ "status": "pending" })).await;
    assert!(!pending.is_empty());
    let named = all(&server, "/logs/traces", json!({ "name": "CHECKOUT", "limit": 200 })).await;
    assert!(!named.is_empty() && named.len() < rows.len());
}
