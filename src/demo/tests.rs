//! Tests of the demo upstream over real HTTP, with a client of a few lines: what is tested must not test itself.
mod answers;
mod bodies;
mod filters;
mod odd;
mod rows;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Demo, Options};

const REQUESTS: &str = "/api/v1/exports/requests";
const TRACES: &str = "/api/v1/exports/traces";
const ANOMALIES: &str = "/api/v1/exports/anomalies";
const SECURITY: &str = "/api/v1/exports/security";

fn now() -> DateTime<Utc> {
    "2026-05-15T09:00:30.250Z".parse().unwrap()
}

fn options(rows: u64) -> Options {
    Options { rows, now: now(), calls_per_minute: None, ..Options::default() }
}

async fn start(rows: u64) -> Demo {
    Demo::start(options(rows)).await.unwrap()
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: HashMap<String, String>,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(super) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    fn rows(&self) -> Vec<Value> {
        let Value::Array(rows) = self.json() else { panic!("not an array: {}", self.body) };
        rows
    }

    fn ids(&self) -> Vec<String> {
        self.rows().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }

    fn error(&self) -> Value {
        serde_json::from_str::<Value>(&self.body).unwrap()["error"].take()
    }
}

/// Sends a GET with the right token.
async fn get(demo: &Demo, target: &str) -> Answer {
    send(demo, "GET", target, "Authorization: Bearer demo-token\r\n").await
}

/// The rows of a JSON export with these parameters.
async fn json(demo: &Demo, path: &str, params: &[(&str, &str)]) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("format", "json")
        .extend_pairs(params)
        .finish();
    get(demo, &format!("{path}?{query}")).await
}

async fn send(demo: &Demo, method: &str, target: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(demo.spanlens).await.unwrap();
    let request = format!("{method} {target} HTTP/1.1\r\nHost: demo\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    parse(&received)
}

pub(super) fn parse(received: &[u8]) -> Answer {
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&received[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: HashMap<String, String> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let body = &received[end + 4..];
    let chunked = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
    let body = if chunked { unchunk(body) } else { body.to_vec() };
    Answer { status, headers, body: String::from_utf8(body).unwrap() }
}

/// Fails on a body that is cut.
fn unchunk(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let line = body.windows(2).position(|bytes| bytes == b"\r\n").expect("a chunk has a size");
        let size = usize::from_str_radix(std::str::from_utf8(&body[..line]).unwrap(), 16).unwrap();
        body = &body[line + 2..];
        if size == 0 {
            return whole;
        }
        whole.extend_from_slice(&body[..size]);
        body = &body[size + 2..];
    }
}

/// An instant as JavaScript writes it: in whole milliseconds.
fn js(micros: i64) -> String {
    let at = DateTime::from_timestamp_millis(micros.div_euclid(1000)).unwrap();
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Microseconds of an ISO text.
fn micros(value: &Value) -> i64 {
    DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap().timestamp_micros()
}
