//! Streams: the first row before the last page, a stalled client stops the upstream, one busy session leaves the others be.

use std::time::Duration;

use futures::StreamExt;
use spanwire::demo::{Options, Progress};
use tokio_postgres::NoTls;

use crate::support::{fault, small, start, value};

const NO_PARAMETERS: [&str; 0] = [];

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_stops_the_paging() {
    let bench = start(Options { rows: 100_000, ..small() }).await;
    let client = bench.client().await;
    let stream = client.query_raw("SELECT * FROM spanlens.requests", NO_PARAMETERS).await.unwrap();
    futures::pin_mut!(stream);
    stream.next().await.expect("a row").expect("a row");
    // The driver reads ahead into its own unbounded queue, so what is asserted is order, not speed: the first row was
    // there while most pages were not.
    assert!(bench.n_calls() < 10, "the first row came after {} of 11 pages", bench.n_calls());
    let mut n_rows = 1;
    while let Some(row) = stream.next().await {
        row.unwrap();
        n_rows += 1;
    }
    assert_eq!(n_rows, 100_000);
    assert!(bench.demo.calls().iter().all(|call| call.body == Progress::Whole));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_portal_keeps_the_rest_unread() {
    let bench = start(Options { rows: 100_000, ..small() }).await;
    let mut client = bench.client().await;
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT id FROM spanlens.requests", &[]).await.unwrap();
    assert_eq!(transaction.query_portal(&portal, 10).await.unwrap().len(), 10);
    // Two batches may wait in the channel and one in the sender's hand; a page has more than one.
    assert!(bench.n_calls() <= 3, "{} pages were read for 10 rows", bench.n_calls());
    assert_eq!(transaction.query_portal(&portal, 10).await.unwrap().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heavy_join_is_cancelled_and_meanwhile_others_are_served() {
    let bench = start(small()).await;
    let busy = bench.client().await;
    let other = bench.client().await;
    let token = busy.cancel_token();
    let sql = "SELECT count(*) FROM generate_series(1, 300000) a(x) JOIN generate_series(1, 300000) b(y) ON x % 10 = y % 10 WHERE x + y < 0";
    let heavy = tokio::spawn(async move { fault(&busy, sql).await });
    for _ in 0..5 {
        let answer = tokio::time::timeout(Duration::from_secs(5), value(&other, "SELECT 1")).await;
        assert_eq!(answer.expect("another session is served"), "1");
        assert!(!heavy.is_finished(), "the join must still run");
    }
    token.cancel_query(NoTls).await.unwrap();
    let (code, _) = tokio::time::timeout(Duration::from_secs(10), heavy).await.expect("the cancel strikes").unwrap();
    assert_eq!(code, "57014");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_of_a_query_is_bounded() {
    let rest = "[limits]\nquery_memory = \"16MB\"";
    let bench = crate::support::start_with(small(), "quota = { calls = 1000, per = \"1m\" }", rest).await;
    let client = bench.client().await;
    let sql = "SELECT count(*) FROM generate_series(1, 3000000) a(x) JOIN generate_series(1, 3000000) b(y) ON x = y";
    assert_eq!(fault(&client, sql).await.0, "53200");
    assert_eq!(value(&client, "SELECT 1").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_ordered_aggregates_go_to_disk_and_come_back() {
    let rest = "[limits]\nquery_memory = \"16MB\"";
    let bench = crate::support::start_with(small(), "quota = { calls = 1000, per = \"1m\" }", rest).await;
    let client = bench.client().await;
    // 200,000 rows of at least 64 bytes are more than 16 MB.
    let sql = "SELECT count(*) || ' ' || min(s) || ' ' || max(s) || ' ' || sum(length(s)) FROM (
        SELECT x / 2, string_agg(x::text, ',' ORDER BY x DESC) AS s
        FROM generate_series(100000, 299999) a(x) GROUP BY x / 2) q(g, s)";
    assert_eq!(value(&client, sql).await, "100000 100001,100000 299999,299998 1300000");
}
