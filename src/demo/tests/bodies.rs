//! Tests of the bodies: both envelopes, CSV, the orders, and that a body is made only as far as it is read.
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{REQUESTS, SECURITY, TRACES, get, js, json, micros, options, start};
use crate::demo::rows::{REQUEST_COLUMNS, Request};
use crate::demo::{Demo, Envelope, Options, Order, Progress};

/// Every column of the JSON object is that of the typed row.
fn assert_same(row: &Value, typed: &Request) {
    let nullable = |name: &str| row.get(name).filter(|value| !value.is_null());
    assert_eq!(row["id"], typed.id.as_str());
    assert_eq!(row["project_id"], typed.project_id);
    assert_eq!(row["provider"], typed.provider);
    assert_eq!(row["model"], typed.model);
    assert_eq!(row["prompt_tokens"], typed.prompt_tokens);
    assert_eq!(row["completion_tokens"], typed.completion_tokens);
    assert_eq!(row["total_tokens"], typed.total_tokens);
    assert_eq!(nullable("cost_usd").map(|value| value.as_f64().unwrap()), typed.cost_usd);
    assert_eq!(row["latency_ms"], typed.latency_ms);
    assert_eq!(row["status_code"], typed.status_code);
    assert_eq!(nullable("error_message").map(|value| value.as_str().unwrap()), typed.error_message.as_deref());
    assert_eq!(nullable("trace_id").map(|value| value.as_str().unwrap()), typed.trace_id.as_deref());
    assert_eq!(micros(&row["created_at"]), typed.created_at);
    let expected = REQUEST_COLUMNS.len() - typed.absent.len() + typed.extra.len();
    assert_eq!(row.as_object().unwrap().len(), expected);
}

fn by_id(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by(|left, right| left["id"].as_str().cmp(&right["id"].as_str()));
    rows
}

#[tokio::test]
async fn json_rows_are_the_typed_rows() {
    let demo = start(1500).await;
    let answer = json(&demo, REQUESTS, &[]).await;
    let rows = by_id(answer.rows());
    let mut typed: Vec<Request> = demo.data().requests().collect();
    typed.sort_by(|left, right| left.id.cmp(&right.id));
    assert_eq!(rows.len(), typed.len());
    rows.iter().zip(&typed).for_each(|(row, typed)| assert_same(row, typed));
}

#[tokio::test]
async fn the_object_envelope_holds_the_same_rows() {
    let bare = start(300).await;
    let object = Demo::start(Options { envelope: Envelope::Object, ..options(300) }).await.unwrap();
    for (path, params) in [
        (REQUESTS, &[][..]),
        (REQUESTS, &[("provider", "gemini")]),
        (REQUESTS, &[("provider", "gemini"), ("limit", "3")]),
        (REQUESTS, &[("provider", "nobody")]),
        (TRACES, &[("limit", "7")]),
        (SECURITY, &[]),
        (super::ANOMALIES, &[("limit", "5")]),
    ] {
        let answer = json(&object, path, params).await;
        let body = answer.json();
        assert_eq!(body["data"], json(&bare, path, params).await.json(), "{path} {params:?}");
        assert_eq!(body["count"], body["data"].as_array().unwrap().len());
        assert!(answer.body.starts_with("{\n  \"exported_at\": \"2026-05-15T09:00:3"), "{path} {params:?}");
    }
    let answer = json(&object, REQUESTS, &[("limit", "1")]).await.body;
    assert!(answer.contains("\n  \"count\": 1,\n  \"data\": [\n    {\n      \"id\": \"req_"), "{answer}");
    assert!(answer.ends_with("Z\"\n    }\n  ]\n}"), "{answer}");
    assert!(json(&object, REQUESTS, &[("provider", "nobody")]).await.body.ends_with("  \"data\": []\n}"));
}

/// A reader of RFC 4180, with line feeds.
fn read_csv(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell, mut quoted) = (vec![], vec![], String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            other => cell.push(other),
        }
    }
    if !record.is_empty() {
        record.push(cell);
        records.push(record);
    }
    records
}

#[tokio::test]
async fn csv_is_the_default_and_reads_back() {
    let demo = start(200).await;
    let answer = get(&demo, REQUESTS).await;
    assert!(answer.body.starts_with("id,project_id,provider,model,prompt_tokens,"), "{}", &answer.body[..80]);
    assert!(answer.body.ends_with("Z\n"));
    let mut records = read_csv(&answer.body);
    assert_eq!(records.remove(0), REQUEST_COLUMNS);
    records.sort();
    let mut typed: Vec<Request> = demo.data().requests().collect();
    typed.sort_by(|left, right| left.id.cmp(&right.id));
    assert_eq!(records.len(), 200);
    for (record, row) in records.iter().zip(&typed) {
        assert_eq!(record[0], row.id);
        assert_eq!(record[6], row.total_tokens.to_string());
        assert_eq!(record[7].parse().ok(), row.cost_usd);
        assert_eq!(record[10], row.error_message.as_deref().unwrap_or_default());
        assert_eq!(record[11], row.trace_id.as_deref().unwrap_or_default());
        assert_eq!(record.len(), REQUEST_COLUMNS.len());
    }
    // A format that there is not is CSV too; the order of ties depends on the query string.
    let other = read_csv(&get(&demo, &format!("{REQUESTS}?format=jsonl")).await.body);
    assert_eq!(other.into_iter().skip(1).collect::<BTreeSet<_>>(), records.iter().cloned().collect());
    let security = get(&demo, SECURITY).await.body;
    assert!(!security.ends_with('\n'));
    let records = read_csv(&security);
    let flags = demo.data().flagged(1).flags_json();
    assert_eq!((records.len(), records[2][6].as_str()), (5, flags.as_str()));
}

#[tokio::test]
async fn newest_first_and_ties_in_an_order_of_their_own() {
    let demo = Demo::start(Options { tie: 8, ..options(400) }).await.unwrap();
    let times = |rows: &[Value]| rows.iter().map(|row| micros(&row["created_at"])).collect::<Vec<_>>();
    let mut orders = HashSet::new();
    for limit in 20..60 {
        let answer = json(&demo, REQUESTS, &[("limit", &limit.to_string())]).await;
        assert!(times(&answer.rows()).is_sorted_by(|newer, older| newer >= older));
        let mut block = answer.ids()[..8].to_vec();
        orders.insert(block.clone());
        block.sort();
        let mut expected: Vec<String> = (0..8).map(|index| demo.data().request(index).id).collect();
        expected.sort();
        assert_eq!(block, expected);
    }
    assert!(orders.len() > 3, "{} orders of one block", orders.len());
    // The same question has the same answer.
    assert_eq!(json(&demo, REQUESTS, &[]).await.body, json(&demo, REQUESTS, &[]).await.body);
}

#[tokio::test]
async fn other_orders_keep_other_rows() {
    let data = start(400).await;
    let typed: Vec<Request> = data.data().requests().collect();
    let oldest = Demo::start(Options { order: Order::OldestFirst, ..options(400) }).await.unwrap();
    let rows = json(&oldest, REQUESTS, &[("limit", "30")]).await.rows();
    assert!(rows.is_sorted_by_key(|row| micros(&row["created_at"])));
    assert_eq!(micros(&rows[0]["created_at"]), typed[399].created_at);
    assert_eq!(micros(&rows[29]["created_at"]), typed[370].created_at);
    let unsorted = Demo::start(Options { order: Order::Unsorted, ..options(400) }).await.unwrap();
    let to = js(typed[100].created_at);
    let whole = json(&unsorted, REQUESTS, &[("to", &to)]).await;
    let ids: HashSet<String> = whole.ids().into_iter().collect();
    let expected: HashSet<String> =
        typed.iter().filter(|row| row.created_at <= typed[100].created_at).map(|row| row.id.clone()).collect();
    assert_eq!(ids, expected);
    assert!(!whole.rows().is_sorted_by_key(|row| -micros(&row["created_at"])));
    assert_eq!(json(&unsorted, REQUESTS, &[("limit", "30")]).await.ids().len(), 30);
    // Security flags always come newest first.
    assert!(json(&unsorted, SECURITY, &[]).await.rows().is_sorted_by_key(|row| -micros(&row["created_at"])));
}

/// Waits for something that another task will do.
async fn until(condition: impl Fn() -> bool) {
    let waited = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.expect("it happens soon");
}

async fn ask_for_much(demo: &Demo) -> TcpStream {
    ask(demo, "limit=1000000").await
}

/// Sends a request and reads the head of the answer.
async fn ask(demo: &Demo, query: &str) -> TcpStream {
    let mut stream = TcpStream::connect(demo.spanlens).await.unwrap();
    let request = format!(
        "GET {REQUESTS}?format=json&{query} HTTP/1.1\r\nHost: demo\r\nAuthorization: Bearer demo-token\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 200];
    stream.read_exact(&mut first).await.unwrap();
    stream
}

#[tokio::test]
async fn a_body_is_made_as_far_as_it_is_read() {
    let demo = Demo::start(Options { page_cap: 1_000_000, ..options(1_000_000) }).await.unwrap();
    let stream = ask_for_much(&demo).await;
    until(|| demo.calls()[0].rows > 0).await;
    let call = demo.calls().remove(0);
    assert_eq!(call.body, Progress::Running);
    drop(stream);
    until(|| demo.calls()[0].body == Progress::Dropped).await;
    assert!(demo.calls()[0].rows < 500_000, "{} rows for a client that left", demo.calls()[0].rows);
}

#[tokio::test]
async fn an_answer_starts_before_its_rows_are_found() {
    // One thread for both sides: the client reads only if the server lets it.
    let demo = start(1_000_000).await;
    let stream = ask(&demo, "provider=nobody").await;
    assert_eq!(demo.calls()[0].body, Progress::Running);
    drop(stream);
    until(|| demo.calls()[0].body == Progress::Dropped).await;
}

#[tokio::test]
async fn dropping_the_demo_breaks_a_connection_that_nobody_reads() {
    let demo = Demo::start(Options { page_cap: 1_000_000, ..options(1_000_000) }).await.unwrap();
    let address = demo.spanlens;
    let mut stream = ask_for_much(&demo).await;
    drop(demo);
    let mut rest = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await.expect("it ends");
    // Reset or closed, but never the whole body.
    assert!(end.is_err() || !rest.ends_with(b"0\r\n\r\n"));
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), refused).await.expect("the port is free soon");
}
