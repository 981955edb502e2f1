//! Rows that are held, over the wire: fewer calls, the same rows.

use crate::support::{Bench, rows, small, start_with, value};

async fn bench() -> Bench {
    start_with(small(), "quota = { calls = 1000000, per = \"1m\" }", "[cache]\nmemory = \"64MB\"").await
}

/// A bound that does not move while a test runs.
fn since(days: i64) -> String {
    let then = chrono::Utc::now() - chrono::Duration::days(days);
    format!("created_at >= '{}'", then.format("%Y-%m-%d %H:%M:00+00"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_read_once_for_many_statements() {
    let bench = bench().await;
    let client = bench.client().await;
    let since6 = since(6);
    let since3 = since(3);
    let statements = [
        format!("SELECT count(*), count(error_message), sum(latency_ms) FROM spanlens.requests WHERE {since6}"),
        format!(
            "SELECT provider, count(*) FROM spanlens.requests WHERE {since6} AND latency_ms > 500 GROUP BY 1 ORDER BY 1"
        ),
        format!(
            "SELECT id FROM spanlens.requests WHERE {since6} AND provider = 'openai' ORDER BY created_at DESC, id LIMIT 20"
        ),
        format!("SELECT model FROM spanlens.requests WHERE {since6} AND model ILIKE '%mini%' GROUP BY 1 ORDER BY 1"),
        format!("SELECT count(*) FROM requests WHERE source = 'spanlens' AND {since3}"),
    ];
    let mut asked = Vec::new();
    for sql in &statements {
        asked.push(rows(&client, sql).await);
    }
    assert_eq!(bench.n_calls(), 1, "{:?}", bench.demo.calls());
    assert!(!asked[2].is_empty() && !asked[3].is_empty());
    client.batch_execute("SET spanwire.cache = off").await.expect("it can be switched off");
    for (sql, held) in statements.iter().zip(asked) {
        let before = bench.n_calls();
        assert_eq!(rows(&client, sql).await, held, "{sql}");
        assert!(bench.n_calls() > before, "{sql} calls without held rows");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_wider_range_only_the_missing_part_is_read() {
    let bench = bench().await;
    let client = bench.client().await;
    let bounds = [since(3), since(6)];
    let of = |at: usize| format!("SELECT count(*) FROM spanlens.requests WHERE {}", bounds[at]);
    value(&client, &of(0)).await;
    let plan = rows(&client, &format!("EXPLAIN {}", of(1))).await;
    let plan: Vec<String> = plan.into_iter().flatten().flatten().collect();
    assert!(plan.iter().any(|line| line.contains("Held: ")), "{plan:#?}");
    let requests = plan.iter().filter(|line| line.contains("Upstream Request: ")).count();
    assert_eq!(requests, 1, "{plan:#?}");
    let wide = value(&client, &of(1)).await;
    assert_eq!(bench.n_calls(), 2);
    let scans = "SELECT sum(calls), sum(rows), max(held) FROM spanwire.scans";
    let scans = rows(&client, scans).await.remove(0);
    assert_eq!(scans[0].as_deref(), Some("2"));
    assert_eq!(scans[1].as_deref(), Some(wide.as_str()), "each row came once");
    client.batch_execute("SET spanwire.cache = off").await.expect("it can be switched off");
    assert_eq!(value(&client, &of(1)).await, wide);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_one_page_and_says_so() {
    let bench = bench().await;
    let client = bench.client().await;
    client.batch_execute("SET spanwire.sample = on").await.expect("a setting");
    let sampled = value(&client, "SELECT count(*) FROM (SELECT id FROM spanlens.requests LIMIT 10000) AS s").await;
    assert_eq!(sampled, "1000");
    assert!(!rows(&client, "SELECT DISTINCT provider FROM spanlens.requests ORDER BY 1 LIMIT 100").await.is_empty());
    assert_eq!(bench.n_calls(), 1);
    // What filters, orders or counts is no sample.
    assert_eq!(value(&client, "SELECT count(*) FROM spanlens.requests").await, "3000");
    let calls = bench.n_calls();
    let top = rows(&client, "SELECT id FROM spanlens.requests ORDER BY created_at DESC LIMIT 2000").await;
    assert_eq!(top.len(), 2000);
    let counted = rows(&client, "SELECT provider, count(*) FROM spanlens.requests GROUP BY 1 LIMIT 100").await;
    let all: u32 = counted.iter().filter_map(|row| row[1].as_deref()).filter_map(|n| n.parse::<u32>().ok()).sum();
    assert_eq!(all, 3000);
    assert_eq!(bench.n_calls(), calls, "all of it is held by now");
}
