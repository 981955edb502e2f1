//! Tests of what a query string selects: each answer against the typed rows and a filter written here.
use super::{REQUESTS, SECURITY, TRACES, js, json, options, start};
use crate::demo::rows::Request;
use crate::demo::{Demo, Options};

type Takes = fn(&Request) -> bool;

/// The ids of the answer, sorted, are those of the rows that the filter takes.
async fn check(demo: &Demo, params: &[(&str, &str)], takes: Takes) {
    let mut expected: Vec<String> = demo.data().requests().filter(takes).map(|row| row.id).collect();
    let mut ids = json(demo, REQUESTS, params).await.ids();
    assert!(!expected.is_empty(), "{params:?} selects nothing");
    expected.sort();
    ids.sort();
    assert_eq!(ids, expected, "{params:?}");
}

#[tokio::test]
async fn filters_of_requests() {
    let demo = start(3000).await;
    check(&demo, &[], |_| true).await;
    check(&demo, &[("provider", "gemini")], |row| row.provider == "gemini").await;
    check(&demo, &[("provider", "openai")], |row| row.provider == "openai").await;
    check(&demo, &[("provider", "OpenAI")], |row| row.provider == "OpenAI").await;
    check(&demo, &[("projectId", "proj_api")], |row| row.project_id == "proj_api").await;
    check(&demo, &[("model", "MINI")], |row| row.model.contains("mini")).await;
    check(&demo, &[("model", "gpt-4o-2024")], |row| row.model.to_lowercase().contains("gpt-4o-2024")).await;
    // Neither _ nor % is a wildcard.
    check(&demo, &[("model", "gpt_4o")], |row| row.model.contains("gpt_4o")).await;
    check(&demo, &[("model", "%")], |row| row.model.contains('%')).await;
    check(&demo, &[("providerKeyId", "key_openai_batch")], |row| row.provider_key_id == "key_openai_batch").await;
    check(&demo, &[("status", "ok")], |row| (200..300).contains(&row.status_code)).await;
    check(&demo, &[("status", "4xx")], |row| (400..500).contains(&row.status_code)).await;
    check(&demo, &[("status", "5xx")], |row| (500..600).contains(&row.status_code)).await;
    // What the server does not know it ignores.
    check(&demo, &[("status", "OK"), ("provider", ""), ("nonsense", "1")], |_| true).await;
    check(&demo, &[("provider", "openai"), ("model", "mini"), ("status", "5xx")], |row| {
        row.provider == "openai" && row.model.contains("mini") && (500..600).contains(&row.status_code)
    })
    .await;
    assert!(json(&demo, REQUESTS, &[("provider", "nobody")]).await.ids().is_empty());
    // The filters of requests are no filters of traces.
    assert_eq!(json(&demo, TRACES, &[("projectId", "nobody"), ("status", "5xx")]).await.ids().len(), 750);
}

#[tokio::test]
async fn limits_are_moved_into_the_range_without_a_word() {
    let demo = Demo::start(Options { page_cap: 50, ..options(200) }).await.unwrap();
    for (limit, rows) in [
        ("7", 7),
        ("50", 50),
        ("51", 50),
        ("99999999999999999999999", 50),
        ("0", 1),
        ("-5", 1),
        ("abc", 50),
        ("", 50),
        (" 7.9", 7),
        ("7e3", 7),
        ("+3", 3),
    ] {
        assert_eq!(json(&demo, REQUESTS, &[("limit", limit)]).await.rows().len(), rows, "limit={limit}");
    }
    assert_eq!(json(&demo, REQUESTS, &[]).await.rows().len(), 50);
    assert_eq!(json(&demo, TRACES, &[("limit", "3")]).await.rows().len(), 3);
    // With a filter the limit counts the rows that pass.
    assert_eq!(json(&demo, REQUESTS, &[("limit", "5"), ("provider", "gemini")]).await.rows().len(), 5);
    // By itself the documented cap.
    let demo = start(10_001).await;
    assert_eq!(json(&demo, REQUESTS, &[]).await.rows().len(), 10_000);
}

#[tokio::test]
async fn bounds_are_inclusive_in_whole_milliseconds() {
    let demo = start(200).await;
    let rows: Vec<_> = demo.data().requests().collect();
    let select = async |from: String, to: String| {
        let mut ids = json(&demo, REQUESTS, &[("from", &from), ("to", &to)]).await.ids();
        ids.sort();
        ids
    };
    let sorted = |range: std::ops::RangeInclusive<usize>| {
        let mut ids: Vec<String> = rows[range].iter().map(|row| row.id.clone()).collect();
        ids.sort();
        ids
    };
    let at = |index: usize| rows[index].created_at;
    assert_eq!(select(js(at(80)), js(at(70))).await, sorted(70..=80));
    assert_eq!(select(js(at(80) + 1000), js(at(70) - 1000)).await, sorted(71..=79));
    // All four rows of the millisecond, though three are some microseconds later.
    assert_eq!(select(js(at(33)), js(at(33))).await, sorted(30..=33));
    // Finer bounds are cut to milliseconds as well.
    let fine = js(at(33)).replace('Z', "500Z");
    assert_eq!(select(fine.clone(), fine).await, sorted(30..=33));
    assert_eq!(select(js(at(14)), js(at(10))).await, sorted(10..=14));
    assert!(select(js(at(70)), js(at(80))).await.is_empty());
    // Other forms of the same instant.
    let zoned = chrono::DateTime::parse_from_rfc3339(&js(at(80))).unwrap().to_utc() + chrono::TimeDelta::hours(2);
    let zoned = zoned.format("%Y-%m-%dT%H:%M:%S%.3f+02:00").to_string();
    assert_eq!(select(zoned, js(at(70)).replace('Z', "")).await, sorted(70..=80));
    let day = js(at(0))[..10].to_owned();
    assert!(select(day, String::new()).await.contains(&rows[0].id));
}

#[tokio::test]
async fn traces_and_security_have_a_window_of_their_own_times() {
    let demo = start(2000).await;
    let traces: Vec<_> = demo.data().traces().collect();
    let window = [("from", js(traces[90].created_at)), ("to", js(traces[60].created_at))];
    let window = window.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut ids = json(&demo, TRACES, &window).await.ids();
    let mut expected: Vec<_> = traces[60..=90].iter().map(|row| row.id.clone()).collect();
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
    let flagged: Vec<_> = demo.data().security().collect();
    let to = js(flagged[30].created_at);
    assert_eq!(json(&demo, SECURITY, &[("to", &to), ("limit", "4")]).await.ids().len(), 4);
    assert_eq!(json(&demo, SECURITY, &[("to", &to)]).await.ids()[0], flagged[30].id);
}

#[tokio::test]
async fn anomalies_have_a_hidden_day() {
    let demo = start(200).await;
    let typed: Vec<_> = demo.data().anomalies().cloned().collect();
    let middle = typed[17].detected_at;
    let newer = typed.iter().filter(|row| row.detected_at >= middle / 1000 * 1000).count();
    assert!(newer > 0 && newer < 60);
    assert_eq!(json(&demo, super::ANOMALIES, &[("from", &js(middle))]).await.rows().len(), newer);
    assert_eq!(json(&demo, super::ANOMALIES, &[("limit", "9")]).await.rows().len(), 9);
}

#[tokio::test]
async fn the_real_server_ignores_the_window_of_two_exports() {
    let demo = Demo::start(Options { ignore_window: true, ..options(500) }).await.unwrap();
    let params = [("from", "nonsense"), ("to", "2001-01-01"), ("limit", "1")];
    assert_eq!(json(&demo, super::ANOMALIES, &params).await.rows().len(), 60);
    assert_eq!(json(&demo, SECURITY, &params).await.rows().len(), 10);
    assert_eq!(json(&demo, REQUESTS, &params).await.status, 500);
}
