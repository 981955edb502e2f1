//! Statements from the wire to the upstream: right rows, fewest calls, and what EXPLAIN says of them.

use spanwire::demo::{Envelope, Options, Order};

use crate::support::{fault, rows, small, start, start_with, value};

#[tokio::test(flavor = "multi_thread")]
async fn count_over_95_000_rows_takes_at_most_11_calls() {
    for tie in [1, 120] {
        let bench = start(Options { rows: 95_000, tie, ..small() }).await;
        let client = bench.client().await;
        assert_eq!(value(&client, "SELECT count(*) FROM spanlens.requests").await, "95000", "ties of {tie}");
        assert!((10..=11).contains(&bench.n_calls()), "ties of {tie}: {} calls", bench.n_calls());
        assert_eq!(value(&client, "SELECT count(DISTINCT id) FROM spanlens.requests").await, "95000", "ties of {tie}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_and_envelope_of_upstream_gives_the_same_rows() {
    for (order, envelope) in [(Order::OldestFirst, Envelope::Bare), (Order::Unsorted, Envelope::Object)] {
        let bench = start(Options { rows: 25_000, order, envelope, ..small() }).await;
        let client = bench.client().await;
        assert_eq!(value(&client, "SELECT count(DISTINCT id) FROM spanlens.requests").await, "25000", "{order:?}");
        // Several rows may be the newest.
        let newest = bench.demo.data().requests().next().expect("a row").created_at;
        let sql = "SELECT id FROM spanlens.requests ORDER BY created_at DESC LIMIT 1";
        let id = value(&client, sql).await;
        assert!(expected_ids(&bench, newest).contains(&id), "{order:?}: {id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_with_more_rows_than_the_cap_is_an_error() {
    let bench = start(Options { rows: 12_000, tie: 12_000, ..small() }).await;
    let client = bench.client().await;
    let (code, message) = fault(&client, "SELECT count(*) FROM spanlens.requests").await;
    assert_eq!(code, "54000", "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_50_of_an_exact_filter_take_one_small_call() {
    let bench = start(Options { rows: 40_000, ..small() }).await;
    let client = bench.client().await;
    let sql = "SELECT id FROM spanlens.requests WHERE provider = 'openai' AND model ILIKE '%mini%' ORDER BY created_at DESC LIMIT 50";
    let got: Vec<String> = rows(&client, sql).await.into_iter().map(|row| row[0].clone().unwrap()).collect();
    let matching =
        |row: &spanwire::demo::rows::Request| row.provider == "openai" && row.model.to_lowercase().contains("mini");
    let expected: Vec<_> = bench.demo.data().requests().filter(matching).take(60).collect();
    assert_eq!(got.len(), 50);
    for (id, expected) in got.iter().zip(&expected) {
        // Rows on one instant may come in any order.
        let time = expected.created_at;
        assert!(expected_at(&expected_ids(&bench, time), id), "{id} is not of the instant {time}");
    }
    let calls = bench.demo.calls();
    assert_eq!(calls.len(), 1);
    assert!(calls[0].query.contains("limit=50"), "{}", calls[0].query);
}

fn expected_ids(bench: &crate::support::Bench, time: i64) -> Vec<String> {
    bench.demo.data().requests().filter(|row| row.created_at == time).map(|row| row.id).collect()
}

fn expected_at(ids: &[String], id: &str) -> bool {
    ids.iter().any(|own| own == id)
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_over_a_superset_filter_is_right() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let sql = "SELECT model FROM spanlens.requests WHERE model = 'gpt-4o-mini-2024-07-18' LIMIT 50";
    let got = rows(&client, sql).await;
    assert_eq!(got.len(), 50);
    assert!(got.iter().all(|row| row[0].as_deref() == Some("gpt-4o-mini-2024-07-18")));
    // OFFSET counts rows that passed, not rows that came.
    let all = rows(
        &client,
        "SELECT id FROM spanlens.requests WHERE model = 'gpt-4o-mini-2024-07-18' ORDER BY created_at DESC, id",
    )
    .await;
    let page = rows(
        &client,
        "SELECT id FROM spanlens.requests WHERE model = 'gpt-4o-mini-2024-07-18' ORDER BY created_at DESC, id LIMIT 7 OFFSET 5",
    )
    .await;
    assert_eq!(page, all[5..12]);
}

#[tokio::test(flavor = "multi_thread")]
async fn contradictions_call_nobody() {
    let bench = start(small()).await;
    let client = bench.client().await;
    for filter in [
        "provider = 'openai' AND provider = 'gemini'",
        "created_at > now() AND created_at < now() - interval '1 day'",
        "status_code BETWEEN 500 AND 400",
        "provider = NULL",
        "false",
    ] {
        assert_eq!(
            value(&client, &format!("SELECT count(*) FROM spanlens.requests WHERE {filter}")).await,
            "0",
            "{filter}"
        );
    }
    assert_eq!(bench.n_calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_only_column_filters_and_shows_the_value() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let expected = bench.demo.data().requests().filter(|row| row.provider_key_id == "key_gemini").count();
    let sql = "SELECT count(*), min(provider_key_id) FROM spanlens.requests WHERE provider_key_id = 'key_gemini'";
    assert_eq!(rows(&client, sql).await, [[Some(expected.to_string()), Some("key_gemini".to_owned())]]);
    let two = bench.demo.data().requests().filter(|row| row.provider_key_id.starts_with("key_openai")).count();
    let sql = "SELECT count(*) FROM spanlens.requests WHERE provider_key_id IN ('key_openai_main', 'key_openai_batch')";
    assert_eq!(value(&client, sql).await, two.to_string());
    assert_eq!(fault(&client, "SELECT 1 FROM spanlens.requests WHERE provider_key_id LIKE 'key%'").await.0, "0A000");
    assert_eq!(value(&client, "SELECT count(provider_key_id) FROM spanlens.requests").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_names_the_request_and_analyze_counts_the_calls() {
    let bench = start(Options { rows: 15_000, ..small() }).await;
    let client = bench.client().await;
    let sql = "SELECT count(*) FROM spanlens.requests WHERE created_at > now() - interval '40 days' AND model = 'x' AND latency_ms > 5";
    let text = |rows: Vec<Vec<Option<String>>>| {
        rows.into_iter().map(|row| row[0].clone().unwrap_or_default()).collect::<Vec<_>>().join("\n")
    };
    let plan = text(rows(&client, &format!("EXPLAIN {sql}")).await);
    assert_eq!(bench.n_calls(), 0, "EXPLAIN calls nobody");
    for part in [
        "Upstream Request: GET /api/v1/exports/requests?format=json&from=",
        "Re-checked Filter:",
        "Local Filter: latency_ms > 5",
    ] {
        assert!(plan.contains(part), "{part} is missing in\n{plan}");
    }
    let plan = text(rows(&client, "EXPLAIN ANALYZE SELECT count(*) FROM spanlens.requests").await);
    assert!(plan.contains("calls made 2, rows read 15000"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lookback_is_announced_and_can_be_set() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let all: usize = value(&client, "SELECT count(*) FROM spanlens.requests").await.parse().unwrap();
    assert_eq!(all, 3_000);
    client.simple_query("SET spanwire.lookback = '3 days'").await.unwrap();
    let since = chrono::Utc::now().timestamp_micros() - 3 * 86_400_000_000;
    let expected = bench.demo.data().requests().filter(|row| row.created_at >= since).count();
    let got: usize = value(&client, "SELECT count(*) FROM spanlens.requests").await.parse().unwrap();
    // The window moves while the test runs, so a row at its edge may have left it.
    assert!(got <= expected && got + 3 >= expected, "{got} of {expected}");
    let asked = "SELECT count(*) FROM spanlens.requests WHERE created_at > now() - interval '30 days'";
    assert_eq!(value(&client, asked).await, "3000");
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_values_arrive_as_they_are() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let got = rows(
        &client,
        "SELECT id, total_tokens, cost_usd, error_message, status_code, trace_id, extra FROM spanlens.requests ORDER BY created_at DESC, id",
    )
    .await;
    let mut expected: Vec<_> = bench.demo.data().requests().collect();
    expected.sort_by(|left, right| right.created_at.cmp(&left.created_at).then_with(|| left.id.cmp(&right.id)));
    assert_eq!(got.len(), expected.len());
    for (row, expected) in got.iter().zip(&expected) {
        let id = &expected.id;
        assert_eq!(row[0].as_deref(), Some(id.as_str()));
        assert_eq!(row[1], Some(expected.total_tokens.to_string()), "{id}");
        let cost = row[2].as_ref().map(|text| text.parse::<f64>().unwrap());
        assert_eq!(cost.map(f64::to_bits), expected.cost_usd.map(f64::to_bits), "{id}");
        assert_eq!(row[3].as_deref(), expected.error_message.as_deref(), "{id}");
        assert_eq!(row[4], Some(expected.status_code.to_string()), "{id}");
        assert_eq!(row[5].as_deref(), expected.trace_id.as_deref(), "{id}");
        assert_eq!(row[6].is_some(), !expected.extra.is_empty(), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn time_zones_move_the_text_but_not_the_instant() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let utc = value(&client, "SELECT max(created_at) FROM spanlens.requests").await;
    client.simple_query("SET TimeZone = 'Asia/Kolkata'").await.unwrap();
    let there = value(&client, "SELECT max(created_at) FROM spanlens.requests").await;
    assert!(utc.ends_with("+00") && there.ends_with("+05:30"), "{utc} {there}");
    let same = format!("SELECT timestamptz '{utc}' = timestamptz '{there}'");
    assert_eq!(value(&client, &same).await, "t");
}

#[tokio::test(flavor = "multi_thread")]
async fn joins_and_aggregates_over_several_tables() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let linked = bench.demo.data().requests().filter(|row| row.trace_id.is_some()).count();
    let traces: std::collections::HashSet<String> = bench.demo.data().traces().map(|trace| trace.id).collect();
    let joined =
        bench.demo.data().requests().filter(|row| row.trace_id.as_ref().is_some_and(|id| traces.contains(id))).count();
    let sql = "SELECT count(*) FROM spanlens.requests r JOIN spanlens.traces t ON t.id = r.trace_id";
    assert_eq!(value(&client, sql).await, joined.to_string());
    assert_eq!(value(&client, "SELECT count(trace_id) FROM spanlens.requests").await, linked.to_string());
    let names = rows(&client, "SELECT count(*), count(*), 1, 1 FROM spanlens.traces").await;
    assert_eq!(names.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_call_budget_ends_a_statement() {
    let bench = start_with(Options { rows: 45_000, ..small() }, "quota = { calls = 1000, per = \"1m\" }", "").await;
    let client = bench.client().await;
    let (code, message) = fault(&client, "SET spanwire.max_calls = 2; SELECT count(*) FROM spanlens.requests").await;
    assert_eq!(code, "53400", "{message}");
    assert_eq!(bench.n_calls(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn percentiles_interpolate_in_full_precision() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let mut latencies: Vec<f64> = bench.demo.data().requests().map(|row| row.latency_ms as f64).collect();
    latencies.sort_by(f64::total_cmp);
    for percentile in [0.95, 0.333, 0.5, 0.0] {
        let place = percentile * (latencies.len() - 1) as f64;
        let (low, high) = (latencies[place.floor() as usize], latencies[place.ceil() as usize]);
        let expected = low + (place - place.floor()) * (high - low);
        let sql =
            format!("SELECT percentile_cont({percentile}) WITHIN GROUP (ORDER BY latency_ms) FROM spanlens.requests");
        let got: f64 = value(&client, &sql).await.parse().unwrap();
        assert_eq!(got.to_bits(), expected.to_bits(), "{percentile}: {got} is not {expected}");
    }
    let (code, _) =
        fault(&client, "SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY latency_ms) FROM spanlens.requests").await;
    assert_eq!(code, "22003");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_do_not_see_each_others_tables_or_time_zones() {
    let demo = spanwire::demo::Demo::start(small()).await.unwrap();
    let more = format!(
        "quota = {{ calls = 1000, per = \"1m\" }}\n\
         [[source]]\nname = \"hidden\"\nkind = \"spanlens\"\nbase_url = \"{}\"\ncredential = \"demo-token\"\n\
         [[user]]\nname = \"other\"\npassword = \"other\"\nsources = [\"spanlens\"]",
        demo.spanlens_url()
    );
    let bench = start_with(small(), &more, "").await;
    let first = bench.client().await;
    first.simple_query("SET TimeZone = 'Asia/Tokyo'").await.unwrap();
    value(&first, "SELECT max(created_at) FROM hidden.requests").await;
    let (other, connection) =
        bench.config().user("other").password("other").connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    assert!(value(&other, "SELECT max(created_at) FROM spanlens.requests").await.ends_with("+00"));
    assert!(value(&first, "SELECT max(created_at) FROM spanlens.requests").await.ends_with("+09"));
    assert_eq!(fault(&other, "SELECT 1 FROM hidden.requests").await.0, "42P01");
    assert_eq!(value(&other, "SELECT count(*) FROM pg_class WHERE relname = 'requests' AND relkind = 'r'").await, "1");
    assert_eq!(value(&first, "SELECT count(*) FROM pg_class WHERE relname = 'requests' AND relkind = 'r'").await, "2");
    assert_eq!(value(&first, "SELECT count(*) FROM hidden.requests").await, "3000");
}
