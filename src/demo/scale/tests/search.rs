//! The search, page by page.

use super::*;

async fn page(scale: &Scale, query: &str, body: Value) -> (Vec<Value>, bool) {
    let answer = post(scale, &format!("{SEARCH}?{query}"), body).await.ok();
    assert_eq!((answer["object"].as_str(), answer["total"].as_i64()), (Some("list"), Some(0)));
    let items = answer["items"].as_array().unwrap().clone();
    (items, answer["has_more"].as_bool().unwrap())
}

/// All items, in pages of so many, forwards.
async fn pages(scale: &Scale, limit: usize, query: &str, body: &Value) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all.last().map(|last| format!("&starting_after={}", last["id"].as_str().unwrap()));
        let query = format!("limit={limit}&{query}{}", after.unwrap_or_default());
        let (items, more) = page(scale, &query, body.clone()).await;
        assert!(items.len() == limit || !more);
        all.extend(items);
        if !more {
            return all;
        }
    }
}

#[tokio::test]
async fn pages_cover_the_matching_spans_in_order_whatever_their_size() {
    let scale = start(600).await;
    let roots = expected(&scale, |span| span.parent_id.is_none());
    let body = json!({ "parents_only": true });
    let whole = pages(&scale, 10_000, "sort_by=start_timestamp", &body).await;
    assert_eq!(identities(&whole), roots);
    for limit in [1, 7, roots.len(), roots.len() - 1] {
        assert_eq!(pages(&scale, limit, "sort_by=start_timestamp", &body).await, whole, "{limit} a page");
    }
    let mut backwards = pages(&scale, 7, "sort_order=desc", &body).await;
    backwards.reverse();
    assert_eq!(backwards, whole);
}

#[tokio::test]
async fn sort_keys_order_the_items_and_an_unknown_one_is_the_start() {
    let scale = start(400).await;
    let spans: HashMap<Identity, &Span> = scale.spans().iter().map(|span| (identity(span), span)).collect();
    let key = |row: &Value, sort: &str| -> i64 {
        let span = spans[&identities(std::slice::from_ref(row)).pop_first().unwrap()];
        match sort {
            "duration_ms" => span.duration().unwrap_or(i64::MIN),
            "input_tokens" => span.input_tokens.unwrap_or(0),
            "output_tokens" => span.output_tokens.unwrap_or(0),
            _ => span.start_timestamp,
        }
    };
    for sort in ["start_timestamp", "duration_ms", "input_tokens", "output_tokens", "unknown"] {
        let (items, more) = page(&scale, &format!("limit=400&sort_by={sort}"), json!({})).await;
        assert_eq!((items.len(), more), (400, false));
        assert!(items.is_sorted_by_key(|row| key(row, sort)), "{sort}");
    }
}

#[tokio::test]
async fn ending_before_gives_the_page_before_in_the_same_order() {
    let scale = start(100).await;
    let (all, _) = page(&scale, "limit=100", json!({ "parents_only": true })).await;
    let id = all[8]["id"].as_str().unwrap();
    let query = format!("limit=5&ending_before={id}");
    let (before, more) = page(&scale, &query, json!({ "parents_only": true })).await;
    assert_eq!((before.as_slice(), more), (&all[3..8], true));
    let query = format!("limit=8&ending_before={id}");
    let (before, more) = page(&scale, &query, json!({ "parents_only": true })).await;
    assert_eq!((before.as_slice(), more), (&all[..8], false));
}

#[tokio::test]
async fn a_page_holds_a_hundred_unless_told_and_filters_and_times_apply() {
    let scale = start(600).await;
    assert_eq!(page(&scale, "", json!({})).await.0.len(), 100);
    let from = now().timestamp_micros() - 10 * 86_400_000_000;
    let query = format!("limit=600&from_ts={}", iso(from));
    let (items, _) = page(&scale, &query, json!({ "statuses": ["SUCCESS"] })).await;
    let wanted = expected(&scale, |span| span.start_timestamp >= from && span.status == Some("SUCCESS"));
    assert!(!wanted.is_empty());
    assert_eq!(identities(&items), wanted);
}

#[tokio::test]
async fn the_search_knows_parents_and_observability_ids() {
    let scale = start(600).await;
    let parent = scale.spans().iter().find_map(|span| span.parent_id.clone()).unwrap();
    let observed = scale.spans().iter().find_map(|span| span.obs_trace_id.clone()).unwrap();
    let (items, _) = page(&scale, "limit=600", json!({ "parent_ids": [parent] })).await;
    assert_eq!(identities(&items), expected(&scale, |span| span.parent_id.as_ref() == Some(&parent)));
    let (items, _) = page(&scale, "limit=600", json!({ "obs_trace_ids": [observed] })).await;
    assert_eq!(identities(&items), expected(&scale, |span| span.obs_trace_id.as_ref() == Some(&observed)));
}

#[tokio::test]
async fn limits_orders_and_cursors_out_of_range_are_422() {
    let scale = start(50).await;
    let id = &scale.spans()[0].id;
    let cases = [
        ("limit=0".to_owned(), json!(["query", "limit"]), "greater_than_equal"),
        ("limit=10001".to_owned(), json!(["query", "limit"]), "less_than_equal"),
        ("limit=many".to_owned(), json!(["query", "limit"]), "int_parsing"),
        ("sort_order=down".to_owned(), json!(["query", "sort_order"]), "enum"),
        ("starting_after=none".to_owned(), json!(["query", "starting_after"]), "value_error"),
        (format!("starting_after={id}&ending_before={id}"), json!(["query"]), "value_error"),
    ];
    for (query, place, kind) in cases {
        let answer = post(&scale, &format!("{SEARCH}?{query}"), json!({})).await;
        assert_eq!(answer.fault(), (place, kind.to_owned()), "{query}");
    }
}
