//! What is refused, and in which words.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_wrong_or_missing_key_is_401() {
    let scale = start(20).await;
    for headers in ["", "x-api-key: other\r\n", "Authorization: Bearer demo-token\r\n"] {
        let answer = send(&scale, "POST", EXPORT, headers, "{}").await;
        assert_eq!((answer.status, answer.json()["detail"].is_string()), (401, true), "{headers}");
    }
}

#[tokio::test]
async fn another_account_is_403_and_none_is_the_default_account() {
    let scale = start(20).await;
    let with = |account: &str| format!("{KEY}x-selected-account-id: {account}\r\n");
    assert_eq!(send(&scale, "POST", EXPORT, &with("other"), "{}").await.status, 403);
    assert_eq!(send(&scale, "POST", EXPORT, &with("demo-account"), "{}").await.status, 200);
    assert_eq!(send(&scale, "POST", EXPORT, KEY, "{}").await.status, 200);
}

#[tokio::test]
async fn unknown_paths_are_404_and_other_methods_405() {
    let scale = start(20).await;
    assert_eq!(send(&scale, "POST", "/v5/spans/exports", KEY, "{}").await.status, 404);
    assert_eq!(send(&scale, "GET", "/v5/spans", KEY, "").await.status, 404);
    assert_eq!(send(&scale, "GET", EXPORT, KEY, "").await.status, 405);
    assert_eq!(send(&scale, "PUT", SEARCH, KEY, "{}").await.status, 405);
}

#[tokio::test]
async fn a_body_that_is_missing_no_json_or_no_object_is_422() {
    let scale = start(20).await;
    for (body, kind) in [("", "missing"), ("{", "json_invalid"), ("[]", "model_attributes_type")] {
        assert_eq!(send(&scale, "POST", EXPORT, KEY, body).await.fault().1, kind);
    }
    let headers = format!("{KEY}Content-Type: text/plain\r\n");
    assert_eq!(raw(&scale, "POST", EXPORT, &headers, "{}").await.fault().1, "model_attributes_type");
}

#[tokio::test]
async fn words_out_of_no_choice_are_422_with_their_place() {
    let scale = start(20).await;
    let cases = [
        (json!({ "statuses": ["ERROR", "error"] }), json!(["body", "statuses", 1])),
        (json!({ "types": ["SPAN"] }), json!(["body", "types", 0])),
        (json!({ "export_format": "parquet" }), json!(["body", "export_format"])),
        (json!({ "export_method": "email" }), json!(["body", "export_method"])),
    ];
    for (body, place) in cases {
        assert_eq!(export(&scale, body).await.fault(), (place, "enum".to_owned()));
    }
    let answer = export(&scale, json!({ "statuses": ["x"] })).await;
    assert_eq!(answer.json()["detail"][0]["ctx"]["expected"], "'SUCCESS', 'ERROR' or 'CANCELED'");
}

#[tokio::test]
async fn values_of_other_types_and_null_are_422() {
    let scale = start(20).await;
    let cases = [
        (json!({ "names": "chat" }), json!(["body", "names"]), "list_type"),
        (json!({ "names": null }), json!(["body", "names"]), "list_type"),
        (json!({ "names": ["chat", 5] }), json!(["body", "names", 1]), "string_type"),
        (json!({ "group_id": 5 }), json!(["body", "group_id"]), "string_type"),
        (json!({ "parents_only": "maybe" }), json!(["body", "parents_only"]), "bool_type"),
        (json!({ "min_duration_ms": 1.5 }), json!(["body", "min_duration_ms"]), "int_type"),
        (json!({ "extra_metadata": ["env"] }), json!(["body", "extra_metadata"]), "dict_type"),
    ];
    for (body, place, kind) in cases {
        assert_eq!(export(&scale, body).await.fault(), (place, kind.to_owned()));
    }
}

#[tokio::test]
async fn all_faults_are_told_at_once() {
    let scale = start(20).await;
    let target = format!("{EXPORT}?from_ts=yesterday");
    let answer = post(&scale, &target, json!({ "statuses": ["x"], "types": ["y"] })).await;
    assert_eq!(answer.json()["detail"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_time_range_that_ends_before_it_begins_or_is_no_time_is_422() {
    let scale = start(20).await;
    let turned = format!("{EXPORT}?from_ts=2026-05-02T00:00:00Z&to_ts=2026-05-01T00:00:00Z");
    assert_eq!(post(&scale, &turned, json!({})).await.fault(), (json!(["query", "from_ts"]), "value_error".to_owned()));
    for text in ["", "yesterday", "2026-05-02T00:00:00+00:00", "2026-13-01"] {
        let (place, _) = post(&scale, &format!("{EXPORT}?to_ts={text}"), json!({})).await.fault();
        assert_eq!(place, json!(["query", "to_ts"]), "{text}");
    }
    let point = format!("{EXPORT}?from_ts=2026-05-02T00:00:00Z&to_ts=2026-05-02T00:00:00Z");
    assert_eq!(post(&scale, &point, json!({})).await.status, 200);
}

#[tokio::test]
async fn more_than_ten_thousand_ids_together_are_422() {
    let scale = start(20).await;
    let ids = |count: usize| vec!["x"; count];
    let body = |count: usize| json!({ "span_ids": ids(5_000), "excluded_trace_ids": ids(count) });
    assert_eq!(export(&scale, body(5_000)).await.status, 200);
    assert_eq!(export(&scale, body(5_001)).await.fault(), (json!(["body"]), "value_error".to_owned()));
    assert_eq!(export(&scale, json!({ "names": ids(10_001) })).await.status, 200);
}

#[tokio::test]
async fn too_many_or_too_short_search_terms_are_422() {
    let scale = start(20).await;
    assert_eq!(export(&scale, json!({ "search_texts": vec!["ab"; 10] })).await.status, 200);
    let (place, kind) = export(&scale, json!({ "search_texts": vec!["ab"; 11] })).await.fault();
    assert_eq!((place, kind.as_str()), (json!(["body", "search_texts"]), "too_long"));
    let (place, kind) = export(&scale, json!({ "search_texts": ["ab", "ß"] })).await.fault();
    assert_eq!((place, kind.as_str()), (json!(["body", "search_texts", 1]), "string_too_short"));
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_limit_are_429_until_the_window_has_passed() {
    let scale = Scale::start(Options { calls_per_minute: Some(2), ..options(20) }).await.unwrap();
    assert_eq!(export(&scale, json!({})).await.status, 200);
    assert_eq!(post(&scale, SEARCH, json!({})).await.status, 200);
    let refused = export(&scale, json!({})).await;
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait));
    tokio::time::advance(Duration::from_secs(wait)).await;
    assert_eq!(export(&scale, json!({})).await.status, 200);
}

#[tokio::test]
async fn every_call_is_in_the_log_with_its_body_and_status() {
    let scale = start(20).await;
    post(&scale, &format!("{EXPORT}?to_ts=2026-05-01"), json!({ "names": ["chat"] })).await;
    send(&scale, "POST", SEARCH, "", "{}").await;
    let answer = export(&scale, json!({ "export_method": "signed_url" })).await.ok();
    download(&scale, answer["signed_url"].as_str().unwrap()).await;
    let calls = scale.calls();
    assert_eq!(calls.iter().map(|call| call.status).collect::<Vec<_>>(), [200, 401, 200, 200]);
    assert_eq!((calls[0].query.as_str(), calls[0].body.as_str()), ("to_ts=2026-05-01", r#"{"names":["chat"]}"#));
    assert!(calls[0].headers.contains(&("x-api-key".to_owned(), "demo-token".to_owned())));
    assert!(calls[3].path.starts_with("/object-storage/"));
}
