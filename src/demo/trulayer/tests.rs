//! Tests of the TruLayer upstream over real HTTP, against its typed rows.
mod export;
mod list;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Options, Trace, TruLayer};
use crate::demo::tests::{Answer, parse};

fn options(traces: u64) -> Options {
    Options { traces, now: "2026-05-15T09:00:30.250Z".parse().unwrap(), ..Options::default() }
}

async fn start(traces: u64) -> TruLayer {
    TruLayer::start(options(traces)).await.unwrap()
}

async fn send(server: &TruLayer, method: &str, target: &str, key: &str) -> Answer {
    let url = server.url();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    let request =
        format!("{method} {target} HTTP/1.1\r\nHost: demo\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    parse(&received)
}

async fn get(server: &TruLayer, path: &str, params: &[(&str, &str)]) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    send(server, "GET", &format!("{path}?{query}"), "tl_demo").await
}

async fn refused(server: &TruLayer, path: &str, params: &[(&str, &str)], status: u16) -> Value {
    let answer = get(server, path, params).await;
    assert_eq!(answer.status, status, "{params:?}: {}", answer.body);
    let error: Value = serde_json::from_str(&answer.body).unwrap();
    assert!(error["error"].is_string(), "{error}");
    error
}

/// Every trace of the list, page after page.
async fn all(server: &TruLayer, params: &[(&str, &str)]) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut page = get(server, "/v1/traces", &[params, &[("cursor", cursor.as_str())]].concat()).await.json();
        let Value::Array(more) = page["traces"].take() else { panic!("no traces: {page}") };
        rows.extend(more);
        assert_eq!(page["has_more"], page["next_cursor"].is_string());
        let Some(next) = page["next_cursor"].as_str() else { return rows };
        cursor = next.to_owned();
    }
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect()
}

/// The trace with the most spans.
fn longest(server: &TruLayer) -> &Trace {
    server.traces().iter().max_by_key(|trace| trace.span_count).unwrap()
}
