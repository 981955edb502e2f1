//! Queries over several vendors at once, against what the upstreams hold.

use std::collections::BTreeMap;

use crate::five::{Five, Options, start};
use crate::support::rows;

const HOUR_US: i64 = 3_600_000_000;

/// Source, start in microseconds and cost of every span that the four vendors hold.
fn spans(five: &Five) -> Vec<(&'static str, Option<i64>, Option<f64>)> {
    let scale = five.scale.spans().iter().map(|span| ("scale", Some(span.start_timestamp), None));
    let respan = five.respan.spans().iter().map(|span| ("respan", span.start_time, span.cost));
    let adaline = five.adaline.spans().iter().map(|span| ("adaline", Some(span.started_at * 1_000), span.cost));
    let trulayer = five.trulayer.spans().iter().map(|span| ("trulayer", Some(span.created_at), span.cost_usd));
    scale.chain(respan).chain(adaline).chain(trulayer).collect()
}

fn hour(micros: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(micros.div_euclid(HOUR_US) * HOUR_US).expect("a time");
    time.format("%Y-%m-%d %H:%M:%S+00").to_string()
}

/// The query of a dashboard: rows of (source, hour, count, cost), checked against the truth after `since`.
async fn check_hours(five: &Five, since_us: i64, only: Option<&str>) {
    let client = five.client().await;
    let since = chrono::DateTime::from_timestamp_micros(since_us).expect("a time").to_rfc3339();
    let filter = only.map(|source| format!("AND source = '{source}'")).unwrap_or_default();
    let query = format!(
        "SELECT source, date_trunc('hour', started_at), count(*), sum(cost_usd) FROM spans \
         WHERE started_at > '{since}' {filter} GROUP BY 1, 2"
    );
    let mut expected: BTreeMap<(String, String), (u64, f64)> = BTreeMap::new();
    for (source, started, cost) in spans(five) {
        if let Some(started) = started.filter(|started| *started > since_us && only.is_none_or(|only| only == source)) {
            let sums = expected.entry((source.to_owned(), hour(started))).or_default();
            sums.0 += 1;
            sums.1 += cost.unwrap_or_default();
        }
    }
    let got = rows(&client, &query).await;
    assert!(expected.len() > 3, "the demo has hours enough: {expected:?}");
    assert_eq!(got.len(), expected.len(), "{query}");
    for row in got {
        let [Some(source), Some(hour), Some(count), cost] = &row[..] else { panic!("{row:?}") };
        let (n, sum) = expected[&(source.clone(), hour.clone())];
        assert_eq!(*count, n.to_string(), "{row:?}");
        // Doubles add up differently in another order.
        let cost: f64 = cost.as_deref().unwrap_or("0").parse().expect("a number");
        assert!((cost - sum).abs() < 1e-9 * sum.abs().max(1.0), "{row:?}: {sum}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_by_hour_over_four_vendors_are_right() {
    let options = Options::small();
    let now = options.scale.now.timestamp_micros();
    let five = start(options).await;
    check_hours(&five, now - 36 * HOUR_US, None).await;
    assert_eq!(five.n_calls()[0], 0, "Spanlens has no spans");
    assert!(five.n_calls()[1..].iter().all(|calls| *calls > 0), "{:?}", five.n_calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_on_source_calls_that_source_only() {
    let options = Options::small();
    let now = options.scale.now.timestamp_micros();
    let five = start(options).await;
    check_hours(&five, now - 10 * 24 * HOUR_US, Some("respan")).await;
    let [spanlens, scale, respan, adaline, trulayer] = five.n_calls();
    assert_eq!([spanlens, scale, adaline, trulayer], [0; 4]);
    assert_eq!(respan, 1);
}

/// One call lists the traces, and each that matches takes one more.
#[tokio::test(flavor = "multi_thread")]
async fn a_join_over_failed_traces_calls_once_for_each_of_them() {
    let mut options = Options::small();
    options.trulayer.traces = 300;
    let since = options.trulayer.now.timestamp_micros() - 20 * 24 * HOUR_US;
    let five = start(options).await;
    let failed: Vec<&str> = five
        .trulayer
        .traces()
        .iter()
        .filter(|trace| trace.error.is_some() && trace.started_at > since)
        .map(|trace| trace.id.as_str())
        .collect();
    let expected = five.trulayer.spans().iter().filter(|span| failed.contains(&span.trace_id.as_str())).count();
    let since = chrono::DateTime::from_timestamp_micros(since).expect("a time").to_rfc3339();
    let joins = [
        format!(
            "FROM trulayer.traces t JOIN trulayer.spans s ON s.trace_id = t.id WHERE t.error IS NOT NULL AND t.started_at > '{since}'"
        ),
        format!(
            "FROM trulayer.spans s JOIN trulayer.traces t ON s.trace_id = t.id WHERE t.error IS NOT NULL AND t.started_at > '{since}'"
        ),
        format!(
            "FROM trulayer.spans s WHERE s.trace_id IN (SELECT id FROM trulayer.traces WHERE error IS NOT NULL AND started_at > '{since}')"
        ),
        format!(
            "FROM trulayer.spans s WHERE EXISTS (SELECT 1 FROM trulayer.traces t WHERE t.id = s.trace_id AND t.error IS NOT NULL AND t.started_at > '{since}')"
        ),
        format!(
            "FROM public.traces t JOIN trulayer.spans s ON s.trace_id = t.id WHERE t.source = 'trulayer' AND t.error_message IS NOT NULL AND t.started_at > '{since}'"
        ),
    ];
    let client = five.client().await;
    for join in joins {
        let before = five.trulayer.calls().len();
        let got = rows(&client, &format!("SELECT s.name, s.duration_ms {join}")).await;
        assert_eq!(got.len(), expected, "{join}");
        // Up to 200 traces come in one answer.
        let calls = &five.trulayer.calls()[before..];
        let lists = calls.iter().filter(|call| call.path == "/v1/traces").count();
        assert_eq!((lists, calls.len() - lists), (1, failed.len()), "{join}");
    }
    assert!(failed.len() > 5, "the demo has failures: {failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_spans_of_all_vendors_take_one_small_call_each() {
    let five = start(Options::small()).await;
    let client = five.client().await;
    let got = rows(&client, "SELECT source, started_at FROM spans WHERE source IN ('scale', 'respan') ORDER BY started_at DESC NULLS LAST LIMIT 5").await;
    let mut expected: Vec<(i64, &str)> = spans(&five)
        .into_iter()
        .filter(|(source, started, _)| matches!(*source, "scale" | "respan") && started.is_some())
        .map(|(source, started, _)| (started.unwrap_or_default(), source))
        .collect();
    expected.sort_by_key(|(started, _)| std::cmp::Reverse(*started));
    let sources: Vec<Option<String>> = expected.iter().take(5).map(|(_, source)| Some((*source).to_owned())).collect();
    assert_eq!(got.into_iter().map(|mut row| row.remove(0)).collect::<Vec<_>>(), sources);
}

#[tokio::test(flavor = "multi_thread")]
async fn canonical_filters_reach_each_vendor_in_its_own_words() {
    let five = start(Options::small()).await;
    let client = five.client().await;
    let plan = rows(&client, "EXPLAIN SELECT * FROM spans WHERE status = 'error' AND duration_ms > 500").await;
    let text: Vec<String> = plan.into_iter().filter_map(|mut row| row.remove(0)).collect();
    let text = text.join("\n");
    for part in [
        "\"statuses\":[\"ERROR\"]",
        "\"min_duration_ms\":500",
        "\"status\":{\"operator\":\"in\",\"value\":[\"error\",\"failed\"]}",
        "\"latency\":{\"operator\":\"gt",
        "\"status\":\"failure\"",
        "\"column\":\"latency\",\"operator\":\"gt\"",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}
