//! Tests of the links between pages and of what else an answer holds.
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ALL, KEY, LIST, all, get, send, start};

#[tokio::test]
async fn next_and_previous_lead_through_the_pages() {
    let server = start(50).await;
    let params = [&ALL[..], &[("page_size", "20"), ("sort_by", "latency"), ("metadata__a b", "x y")]].concat();
    let unfiltered = &params[..5];
    let mut answer = get(&server, unfiltered).await;
    assert_eq!(answer.body["previous"], Value::Null);
    let mut seen: Vec<String> = Vec::new();
    loop {
        seen.extend(answer.ids().into_iter().map(str::to_owned));
        let Some(next) = answer.body["next"].as_str().map(str::to_owned) else { break };
        let target = next.strip_prefix("http://demo:80").expect("the host of the request");
        assert!(target.starts_with(LIST) && target.contains("sort_by=latency"), "{target}");
        let further = send(&server, "GET", target, KEY, "").await;
        let back = further.body["previous"].as_str().unwrap().strip_prefix("http://demo:80").unwrap().to_owned();
        assert_eq!(send(&server, "GET", &back, KEY, "").await.body["results"], answer.body["results"]);
        answer = further;
    }
    assert_eq!(seen.len(), 50);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 50);
    // What had to be escaped is escaped in the link too.
    let filtered = get(&server, &[&params[..], &[("page", "2")]].concat()).await;
    let back = filtered.body["previous"].as_str().unwrap();
    assert!(back.contains("metadata__a+b=x+y"), "{back}");
}

#[tokio::test]
async fn named_fields_are_present_and_identifiers_still_come() {
    let server = start(300).await;
    let answer = all(&server, &[("include_fields", "cost, error_message,nonsense")], "").await;
    for row in answer.rows() {
        let names: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["cost", "error_message", "id", "nonsense", "timestamp", "unique_id"]);
    }
    // Without the parameter some rows lack what they have no value for.
    let full = all(&server, &[], "").await;
    assert!(full.rows().iter().any(|row| row.get("error_message").is_none()));
}

#[tokio::test]
async fn filter_choices_come_when_asked_for() {
    let server = start(300).await;
    let without = all(&server, &[("fetch_filters", "false")], "").await;
    assert!(without.body.get("filters_data").is_none());
    let with = all(&server, &[("fetch_filters", "true"), ("page_size", "1")], "").await;
    assert_eq!(with.rows().len(), 1);
    assert_eq!(with.body["filters_data"]["environment"], json!(["prod", "staging", "test"]));
    assert!(with.body["filters_data"]["model"].as_array().unwrap().contains(&json!("GPT-4o")));
}
