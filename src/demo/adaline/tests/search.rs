//! Tests of the search: its filters, order, pages and refusals.
use serde_json::{Value, json};

use super::{all, assert_some, ids, options, project, refused, search, search_in, send, spans, start};
use crate::demo::adaline::{Adaline, Options};

#[tokio::test]
async fn model_provider_and_name_are_substrings_in_any_case() {
    let server = start(900).await;
    assert_some(&server, json!({ "model": "GPT-4O" }), |span| {
        span.model.is_some_and(|model| model.to_lowercase().contains("gpt-4o"))
    })
    .await;
    assert_some(&server, json!({ "provider": "oogl" }), |span| span.provider == Some("Google")).await;
    assert_some(&server, json!({ "model": "_4%" }), |span| span.model == Some("ft:gpt_4%o:demo")).await;
    assert_some(&server, json!({ "name": "retrieve_" }), |span| span.name == "retrieve_docs").await;
    assert_some(&server, json!({ "name": "prüfung ä" }), |span| span.name == "Prüfung ÄÖ").await;
}

#[tokio::test]
async fn a_name_is_that_of_the_span_or_of_its_trace() {
    let server = start(900).await;
    let takes = |name: &str| name.to_lowercase().contains("check");
    assert_some(&server, json!({ "name": "CHECK" }), |span| takes(span.name) || takes(span.trace_name)).await;
    assert!(spans(&server, |span| takes(span.trace_name) && !takes(span.name)).len() > 10);
}

#[tokio::test]
async fn both_bounds_of_the_start_belong_to_it() {
    let server = start(300).await;
    let of_project: Vec<_> = server.spans().iter().filter(|span| span.project_id == project()).collect();
    let (newer, older) = (of_project[20].started_at, of_project[60].started_at);
    let fields = json!({ "startedAfter": older, "startedBefore": newer });
    assert_some(&server, fields, |span| (older..=newer).contains(&span.started_at)).await;
    assert_some(&server, json!({ "startedAfter": newer }), |span| span.started_at >= newer).await;
    assert_some(&server, json!({ "startedBefore": older }), |span| span.started_at <= older).await;
    let none = all(&server, "/logs/spans", json!({ "startedAfter": newer, "startedBefore": newer - 1 })).await;
    assert_eq!(none, Vec::<Value>::new());
}

#[tokio::test]
async fn status_reference_session_and_prompt_are_exact() {
    let server = start(900).await;
    assert_some(&server, json!({ "status": "failure" }), |span| span.status == "failure").await;
    assert_some(&server, json!({ "status": "unknown" }), |span| span.status == "unknown").await;
    let of_project = || server.spans().iter().filter(|span| span.project_id == project());
    let reference = of_project().find_map(|span| span.reference_id.clone()).unwrap();
    assert_some(&server, json!({ "referenceId": reference }), |span| span.reference_id.as_ref() == Some(&reference))
        .await;
    let session = of_project().filter_map(|span| span.session_id.clone()).find(|id| id.starts_with("Sess")).unwrap();
    assert_some(&server, json!({ "sessionId": session }), |span| span.session_id.as_ref() == Some(&session)).await;
    assert_some(&server, json!({ "sessionId": "" }), |span| span.session_id.as_deref() == Some("")).await;
    let prompt = "prompt_demo_Answer_000001";
    assert_some(&server, json!({ "promptId": prompt }), |span| span.prompt_id == Some(prompt)).await;
    // A row is never pending; asking for it is no fault.
    assert!(all(&server, "/logs/spans", json!({ "status": "pending" })).await.is_empty());
    assert!(all(&server, "/logs/spans", json!({ "sessionId": session.to_uppercase() })).await.is_empty());
}

#[tokio::test]
async fn typed_filters_compare_columns_and_add_up_with_the_fields() {
    let server = start(900).await;
    let filter = |kind: &str, column: &str, operator: &str, value: Value| json!([{ "type": kind, "column": column, "operator": operator, "value": value }]);
    for (operator, holds) in [
        ("eq", (|cost| cost == 0.0) as fn(f64) -> bool),
        ("gt", |cost| cost > 0.0),
        ("gte", |cost| cost >= 0.0),
        ("lte", |cost| cost <= 0.0),
    ] {
        let fields = json!({ "filters": filter("number", "cost", operator, json!(0)) });
        assert_some(&server, fields, |span| span.cost.is_some_and(holds)).await;
    }
    let fields = json!({ "filters": filter("number", "latency", "lt", json!(1000.25)) });
    assert_some(&server, fields, |span| span.latency < 1000.25).await;
    let fields = json!({ "filters": filter("string", "contentType", "eq", json!("model")) });
    assert_some(&server, fields, |span| span.content_type == "model").await;
    let fields = json!({ "filters": filter("string", "name", "contains", json!("Chat")) });
    assert_some(&server, fields, |span| span.name.contains("Chat")).await;
    let fields = json!({ "filters": filter("arrayContains", "tags", "contains", json!("50%")) });
    assert_some(&server, fields, |span| span.tag_list.contains(&"50%")).await;
    let middle = server.spans()[450].started_at;
    let fields = json!({ "filters": filter("datetime", "startedAt", "gte", json!(middle)), "status": "failure" });
    assert_some(&server, fields, |span| span.started_at >= middle && span.status == "failure").await;
    // Without a type the column decides.
    let fields = json!({ "filters": [{ "column": "cost", "operator": "gt", "value": 0.001 }] });
    assert_some(&server, fields, |span| span.cost.is_some_and(|cost| cost > 0.001)).await;
}

#[tokio::test]
async fn unknown_columns_are_silently_ignored() {
    let server = start(300).await;
    let everything = spans(&server, |_| true);
    for filter in [
        json!({ "type": "string", "column": "modelName", "operator": "eq", "value": "nobody" }),
        json!({ "type": "string", "column": "cost", "operator": "eq", "value": "0" }),
        json!({ "type": "string", "column": "model", "operator": "eq", "value": "nobody" }),
        json!({ "type": "number", "column": "totalCost", "operator": "gt", "value": 1e9 }),
        json!({ "column": "started_at", "operator": "gt", "value": 1 }),
    ] {
        let rows = all(&server, "/logs/spans", json!({ "filters": [filter], "limit": 200 })).await;
        assert_eq!(ids(&rows), everything, "{filter}");
    }
}

#[tokio::test]
async fn pages_in_both_orders_have_every_row_once_whatever_the_ties() {
    let server = Adaline::start(Options { tie: 40, ..options(400) }).await.unwrap();
    let mut expected = spans(&server, |_| true);
    let rows = all(&server, "/logs/spans", json!({ "limit": 7, "sort": "startedAt:desc" })).await;
    assert_eq!(ids(&rows), expected);
    expected.reverse();
    let rows = all(&server, "/logs/spans", json!({ "limit": 7, "sort": "startedAt:asc" })).await;
    assert_eq!(ids(&rows), expected);
}

#[tokio::test]
async fn a_page_has_fifty_rows_unless_told_and_says_whether_there_are_more() {
    let server = start(400).await;
    let page = search(&server, json!({})).await.json();
    assert_eq!(page["spans"].as_array().unwrap().len(), 50);
    let pagination = &page["pagination"];
    assert_eq!((&pagination["limit"], &pagination["returned"]), (&json!(50), &json!(50)));
    assert_eq!(pagination["hasMore"], true);
    // Base64 of an object that starts with its version and the instant.
    assert!(pagination["nextCursor"].as_str().unwrap().starts_with("eyJ2IjoxLCJzdGFydGVkQXQiOi"));
    // A page that ends with the last row has no next one.
    let failures = spans(&server, |span| span.status == "failure").len();
    let page = search(&server, json!({ "status": "failure", "limit": failures })).await.json();
    assert_eq!(
        page["pagination"],
        json!({ "limit": failures, "returned": failures, "hasMore": false, "nextCursor": null })
    );
}

#[tokio::test]
async fn a_cursor_that_is_none_is_refused() {
    let server = start(20).await;
    for cursor in ["", "nonsense", "eyJ2IjoxfQ==", "eyJ2IjoyLCJzdGFydGVkQXQiOjEsImlkIjoieCJ9"] {
        assert_eq!(refused(&server, json!({ "cursor": cursor }), 400).await["code"], "INVALID_CURSOR", "{cursor}");
    }
}

#[tokio::test]
async fn a_broken_server_hands_out_the_same_cursor_again() {
    let server = Adaline::start(Options { repeats_cursor: true, ..options(300) }).await.unwrap();
    let first = search(&server, json!({})).await.json()["pagination"]["nextCursor"].take();
    let second = search(&server, json!({ "cursor": first })).await.json();
    assert_eq!((&second["pagination"]["nextCursor"], &second["pagination"]["hasMore"]), (&first, &json!(true)));
}

#[tokio::test]
async fn the_older_envelope_has_the_rows_under_data() {
    let (older, newer) =
        (Adaline::start(Options { data_envelope: true, ..options(90) }).await.unwrap(), start(90).await);
    for path in ["spans", "traces"] {
        let old = search_in(&older, &format!("/logs/{path}"), json!({})).await.json();
        let new = search_in(&newer, &format!("/logs/{path}"), json!({})).await.json();
        assert_eq!((&old["data"], &old["pagination"]), (&new[path], &new["pagination"]));
        assert!(old.get(path).is_none() && new.get("data").is_none());
    }
}

#[tokio::test]
async fn fields_of_the_wrong_type_or_range_are_named() {
    let server = start(20).await;
    let filter = |kind: &str, operator: &str, value: Value| json!([{ "type": kind, "column": "name", "operator": operator, "value": value }]);
    for (field, fields) in [
        ("projectId", json!({ "projectId": "short" })),
        ("projectId", json!({ "projectId": "x".repeat(81) })),
        ("promptId", json!({ "promptId": "short" })),
        ("startedAfter", json!({ "startedAfter": "2026-01-01T00:00:00Z" })),
        ("startedBefore", json!({ "startedBefore": 1.5 })),
        ("status", json!({ "status": "Failure" })),
        ("sort", json!({ "sort": "createdAt:desc" })),
        ("limit", json!({ "limit": 0 })),
        ("limit", json!({ "limit": 201 })),
        ("limit", json!({ "limit": "50" })),
        ("name", json!({ "name": null })),
        ("cursor", json!({ "cursor": 1 })),
        ("filters", json!({ "filters": vec![filter("string", "eq", json!("x"))[0].clone(); 21] })),
        ("filters.0.type", json!({ "filters": filter("model", "eq", json!("x")) })),
        ("filters.0.operator", json!({ "filters": filter("string", "equals", json!("x")) })),
        ("filters.0.operator", json!({ "filters": filter("datetime", "eq", json!(1)) })),
        ("filters.0.value", json!({ "filters": filter("number", "eq", json!("1")) })),
        ("filters.0.column", json!({ "filters": [{ "operator": "eq", "value": 1 }] })),
        ("filters.0.value", json!({ "filters": [{ "column": "name", "operator": "eq" }] })),
    ] {
        let error = refused(&server, fields, 400).await;
        assert_eq!(
            (&error["code"], &error["details"][0]["field"]),
            (&json!("VALIDATION_ERROR"), &json!(field)),
            "{error}"
        );
    }
    let both = refused(&server, json!({ "limit": 0, "status": "x" }), 400).await;
    assert_eq!(both["details"].as_array().unwrap().len(), 2);
    let without = send(&server, "POST", "/logs/spans", "demo-token", "{}").await;
    assert!(without.status == 400 && without.body.contains("projectId"), "{}", without.body);
    let twenty = json!({ "filters": vec![filter("string", "eq", json!("x"))[0].clone(); 20] });
    assert_eq!(search(&server, twenty).await.status, 200);
    // What no handler reads has a text for an error.
    let broken = send(&server, "POST", "/logs/spans", "demo-token", "{").await;
    assert!(broken.status == 400 && broken.body.starts_with("{\"error\":\""), "{}", broken.body);
}

#[tokio::test]
async fn keys_projects_and_paths_that_do_not_exist_are_refused() {
    let server = start(20).await;
    let body = json!({ "projectId": project() }).to_string();
    let wrong = send(&server, "POST", "/logs/spans", "other", &body).await;
    assert!(wrong.status == 401 && wrong.body.contains("AUTHENTICATION_REQUIRED"), "{}", wrong.body);
    let error = refused(&server, json!({ "projectId": "project_demo_nobody_9" }), 404).await;
    assert_eq!(error["code"], "RESOURCE_NOT_FOUND");
    assert_eq!(send(&server, "GET", "/logs/spans", "demo-token", "").await.status, 404);
    assert_eq!(send(&server, "POST", "/logs/else", "demo-token", &body).await.status, 404);
    let calls = server.calls();
    assert_eq!(calls.iter().map(|call| call.status).collect::<Vec<_>>(), [401, 404, 404, 404]);
    assert_eq!((calls[0].path.as_str(), calls[0].body.as_str()), ("/v2/logs/spans", body.as_str()));
}

#[tokio::test]
async fn calls_beyond_the_limit_are_refused_without_a_hint() {
    let server = Adaline::start(Options { calls_per_minute: Some(2), ..options(20) }).await.unwrap();
    for _ in 0..2 {
        assert_eq!(search(&server, json!({})).await.status, 200);
    }
    let answer = search(&server, json!({})).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, ""));
    assert!(answer.body.contains("\"code\":\"RATE_LIMIT_EXCEEDED\""), "{}", answer.body);
}
