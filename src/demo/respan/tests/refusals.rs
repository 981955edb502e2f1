//! Tests of calls that get no rows.
use std::time::Duration;

use serde_json::json;

use super::{ALL, Answer, KEY, LIST, all, get, options, send, start};
use crate::demo::respan::{Options, Respan};

#[track_caller]
fn invalid(answer: &Answer, name: &str) {
    assert_eq!((answer.status, &answer.body["detail"]), (422, &json!("Validation error")), "{name}");
    let errors = answer.body["errors"].as_object().unwrap();
    assert_eq!(errors.keys().collect::<Vec<_>>(), [name]);
    assert!(errors[name][0].is_string());
}

#[tokio::test]
async fn a_wrong_key_is_unauthorized() {
    let server = start(50).await;
    for header in ["", "Authorization: Bearer other\r\n", "Authorization: demo-token\r\n", "x-api-key: demo-token\r\n"]
    {
        let answer = send(&server, "POST", LIST, header, "{}").await;
        assert_eq!(answer.status, 401, "{header}");
        assert!(answer.body["detail"].as_str().unwrap().starts_with("Your API key is invalid or expired"));
    }
    assert_eq!(server.calls()[1].status, 401);
    assert!(server.calls()[1].headers.contains(&("authorization".to_owned(), "Bearer other".to_owned())));
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let server = start(50).await;
    for path in ["/", "/api/request-logs/list/x", "/api/request-logs//", "/v1/traces"] {
        assert_eq!(send(&server, "GET", path, KEY, "").await.status, 404, "{path}");
    }
    assert_eq!(send(&server, "DELETE", LIST, KEY, "").await.status, 405);
}

#[tokio::test]
async fn a_body_that_is_no_request_is_a_bad_request() {
    let server = start(50).await;
    for body in ["{", "[]", "5", r#"{"filters":[]}"#, r#"{"filters":"x"}"#, r#"{"filters":{},"operator":5}"#] {
        let answer = all(&server, &[], body).await;
        assert_eq!((answer.status, answer.body), (400, json!({ "detail": "Invalid request format" })), "{body}");
    }
    for body in ["", "{}", r#"{"filters":{}}"#, r#"{"filters":null}"#, r#"{"other":1}"#] {
        assert_eq!(all(&server, &[], body).await.rows().len(), 50, "{body}");
    }
}

#[tokio::test]
async fn an_unsupported_field_is_a_bad_request_in_the_body() {
    let server = start(50).await;
    for name in ["nonsense", "id", "timestamp", "start_time", "input", "metadata", "scores", "failed"] {
        let body = json!({ "filters": { name: { "operator": "", "value": ["x"] } } }).to_string();
        let answer = all(&server, &[], &body).await;
        assert_eq!((answer.status, answer.body), (400, json!({ "error": format!("Unsupported field: {name}") })));
    }
    let answer = all(&server, &[("sort_by", "-model")], "").await;
    assert_eq!((answer.status, answer.body), (400, json!({ "error": "Unsupported field: model" })));
}

#[tokio::test]
async fn a_condition_that_cannot_be_read_is_unprocessable() {
    let server = start(50).await;
    let score = "scores__d4f46e95-73ff-4166-8581-928c1a1b1589";
    for (name, condition) in [
        ("model", json!({ "operator": "like", "value": ["x"] })),
        ("model", json!({ "operator": 5, "value": ["x"] })),
        ("model", json!({ "operator": "" })),
        ("model", json!({ "operator": "", "value": [null] })),
        ("model", json!("gpt-4o")),
        ("model", json!(["gpt-4o"])),
        ("model", json!({ "value": ["x"], "connector": "XOR" })),
        ("cost", json!({ "operator": "gt", "value": ["much"] })),
        ("stream", json!({ "operator": "", "value": ["maybe"] })),
        ("model", json!({ "operator": "isnull", "value": ["maybe"] })),
        (score, json!({ "operator": "contains", "value": ["4"] })),
        (score, json!({ "operator": "isnull", "value": [true] })),
    ] {
        invalid(&all(&server, &[], &json!({ "filters": { name: condition } }).to_string()).await, name);
    }
}

#[tokio::test]
async fn a_parameter_that_cannot_be_read_is_unprocessable() {
    let server = start(50).await;
    for (name, value) in [
        ("page", "0"),
        ("page", "x"),
        ("page_size", "-1"),
        ("page_size", "0"),
        ("start_time", "yesterday"),
        ("end_time", "2026-13-01"),
        ("all_envs", "yes"),
        ("is_test", "1"),
        ("status_code[size]", "1"),
    ] {
        invalid(&get(&server, &[(name, value)]).await, name);
    }
    invalid(&get(&server, &[("cost", "much")]).await, "cost");
    invalid(&get(&server, &[("cost[operator]", "gt")]).await, "cost");
}

#[tokio::test(start_paused = true)]
async fn too_many_calls_wait_for_the_seconds_in_the_body() {
    let server = Respan::start(Options { calls_per_minute: Some(3), ..options(50) }).await.unwrap();
    for second in 0..3 {
        assert_eq!(get(&server, &ALL).await.status, 200);
        // A refused key does not count.
        assert_eq!(send(&server, "GET", LIST, "", "").await.status, 401);
        tokio::time::advance(Duration::from_secs(second)).await;
    }
    let refused = get(&server, &ALL).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.body, json!({ "detail": "Rate limit exceeded", "retry_after": 57 }));
    assert!(!refused.head.to_lowercase().contains("retry-after"));
    tokio::time::advance(Duration::from_secs(57)).await;
    assert_eq!(get(&server, &ALL).await.status, 200);
}
