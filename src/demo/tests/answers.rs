//! Tests of everything around the rows: headers, refusals, the rate limit and the call log.
use std::time::Duration;

use super::{ANOMALIES, REQUESTS, SECURITY, TRACES, get, options, send, start};
use crate::demo::{Demo, Options, Progress};

#[tokio::test]
async fn headers_of_an_export() {
    let demo = Demo::start(Options { calls_per_minute: Some(10), ..options(200) }).await.unwrap();
    let csv = get(&demo, REQUESTS).await;
    assert_eq!(csv.status, 200);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"spanlens-requests-2026-05-15.csv\"");
    assert_eq!(csv.header("cache-control"), "no-store");
    assert_eq!(csv.header("x-ratelimit-limit"), "10");
    assert_eq!(csv.header("x-ratelimit-window"), "60s");
    assert_eq!(csv.header("x-ratelimit-remaining"), "9");
    // 2026-05-15T09:01:00Z, the next minute.
    assert_eq!(csv.header("x-ratelimit-reset"), "1778835660");
    assert_eq!(csv.header("x-request-id"), "demo-000001");
    let json = get(&demo, &format!("{TRACES}?format=json")).await;
    assert_eq!(json.header("content-type"), "application/json");
    assert_eq!(json.header("content-disposition"), "attachment; filename=\"spanlens-traces-2026-05-15.json\"");
    let unlimited = start(200).await;
    assert_eq!(get(&unlimited, REQUESTS).await.header("x-ratelimit-limit"), "");
}

#[tokio::test]
async fn only_the_right_token_is_let_in() {
    let demo = start(200).await;
    for (header, message) in [
        ("", "Missing or invalid Authorization header"),
        ("Authorization: demo-token\r\n", "Missing or invalid Authorization header"),
        ("Authorization: Basic demo-token\r\n", "Missing or invalid Authorization header"),
        ("Authorization: Bearer demo-tokem\r\n", "Invalid or expired token"),
        ("Authorization: Bearer Demo-token\r\n", "Invalid or expired token"),
    ] {
        let answer = send(&demo, "GET", REQUESTS, header).await;
        assert_eq!(answer.status, 401);
        let error = answer.error();
        assert_eq!((error["code"].as_str(), error["message"].as_str()), (Some("UNAUTHORIZED"), Some(message)));
        assert_eq!(error["requestId"], answer.header("x-request-id"));
    }
}

#[tokio::test]
async fn elsewhere_is_nothing() {
    let demo = start(200).await;
    for (method, target) in [
        ("GET", "/"),
        ("GET", "/api/v1/exports/"),
        ("GET", "/api/v1/exports/spans"),
        ("GET", "/api/v1/exports/requests/"),
        ("GET", "/exports/requests"),
        ("POST", REQUESTS),
    ] {
        let answer = send(&demo, method, target, "Authorization: Bearer demo-token\r\n").await;
        assert_eq!(answer.status, 404, "{method} {target}");
        assert_eq!(answer.error()["code"], "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_malformed_bound_is_the_servers_fault() {
    let demo = start(200).await;
    for (path, query, message) in [
        (REQUESTS, "from=yesterday", "Failed to export requests"),
        (REQUESTS, "to=2026-13-01T00:00:00Z", "Failed to export requests"),
        // A plus sign that was not encoded is a blank.
        (REQUESTS, "from=2026-05-01T00:00:00+00:00", "Failed to export requests"),
        (TRACES, "to=1778835660", "Failed to export traces"),
        (ANOMALIES, "from=x", "Failed to export anomalies"),
        (SECURITY, "from=x", "Failed to export security"),
    ] {
        let answer = get(&demo, &format!("{path}?format=json&{query}")).await;
        assert_eq!(answer.status, 500, "{query}");
        let error = answer.error();
        assert_eq!((error["code"].as_str(), error["message"].as_str()), (Some("INTERNAL_ERROR"), Some(message)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_rate_limit_slides_over_all_exports() {
    let demo = Demo::start(Options { calls_per_minute: Some(3), ..options(200) }).await.unwrap();
    let seconds = |count: f64| tokio::time::advance(Duration::from_secs_f64(count));
    assert_eq!(get(&demo, REQUESTS).await.status, 200);
    seconds(10.5).await;
    assert_eq!(get(&demo, TRACES).await.status, 200);
    // A call that fails counts, one that is not let in does not.
    assert_eq!(get(&demo, &format!("{ANOMALIES}?from=x")).await.status, 500);
    assert_eq!(send(&demo, "GET", SECURITY, "").await.status, 401);
    let refused = get(&demo, SECURITY).await;
    assert_eq!(refused.status, 429);
    // The first call came 10.5 seconds ago; a half second is rounded up.
    assert_eq!(refused.header("retry-after"), "50");
    assert_eq!((refused.header("x-ratelimit-limit"), refused.header("x-ratelimit-remaining")), ("3", "0"));
    let error = refused.error();
    assert_eq!(error["code"], "RATE_LIMIT");
    assert_eq!(error["message"], "API rate limit exceeded: 3 requests/min. Retry after 50 seconds.");
    assert_eq!(error["details"], serde_json::json!({"limit": 3, "window": "60s"}));
    // Refused calls do not count: after the time that was told, exactly one call is free.
    seconds(50.0).await;
    assert_eq!(get(&demo, SECURITY).await.status, 200);
    let refused = get(&demo, SECURITY).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "10"));
    seconds(10.0).await;
    assert_eq!(get(&demo, SECURITY).await.status, 200);
    assert_eq!(get(&demo, SECURITY).await.status, 200);
    assert_eq!(get(&demo, SECURITY).await.status, 429);
}

#[tokio::test]
async fn the_call_log_has_every_request() {
    let demo = Demo::start(Options { calls_per_minute: Some(2), ..options(200) }).await.unwrap();
    get(&demo, &format!("{REQUESTS}?format=json&limit=5&model=a%20b+c")).await;
    get(&demo, "/nowhere").await;
    send(&demo, "GET", REQUESTS, "").await;
    get(&demo, &format!("{TRACES}?limit=7")).await;
    get(&demo, TRACES).await;
    let calls = demo.calls();
    let seen: Vec<_> = calls.iter().map(|call| (call.path.as_str(), call.query.as_str(), call.status)).collect();
    assert_eq!(
        seen,
        [
            (REQUESTS, "format=json&limit=5&model=a%20b+c", 200),
            ("/nowhere", "", 404),
            (REQUESTS, "", 401),
            (TRACES, "limit=7", 200),
            (TRACES, "", 429),
        ]
    );
    assert!(calls.iter().all(|call| call.method == "GET" && call.body == Progress::Whole));
    assert_eq!(calls[3].rows, 7);
}
