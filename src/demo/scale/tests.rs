//! Tests of the Scale GP upstream over real HTTP: what it answers against the typed rows.
mod export;
mod filters;
mod refusals;
mod rows;
mod search;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::span::Span;
use super::{Options, Scale};

const KEY: &str = "x-api-key: demo-token\r\n";
const EXPORT: &str = "/v5/spans/export";
const SEARCH: &str = "/v5/spans/search";

fn now() -> DateTime<Utc> {
    "2026-05-15T09:00:30.250Z".parse().unwrap()
}

fn options(rows: u64) -> Options {
    Options { rows, now: now(), ..Options::default() }
}

async fn start(rows: u64) -> Scale {
    Scale::start(options(rows)).await.unwrap()
}

/// An answer, read to its end.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// Names in lower case.
    headers: HashMap<String, String>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json()
    }

    /// The text of a direct export.
    fn content(&self) -> String {
        self.ok()["content"].as_str().unwrap().to_owned()
    }

    /// The rows of a direct export as JSON.
    fn rows(&self) -> Vec<Value> {
        serde_json::from_str(&self.content()).unwrap()
    }

    /// The first fault's place and kind.
    fn fault(&self) -> (Value, String) {
        assert_eq!(self.status, 422, "{}", self.body);
        let first = self.json()["detail"][0].take();
        assert!(first["msg"].is_string(), "{first}");
        (first["loc"].clone(), first["type"].as_str().unwrap().to_owned())
    }
}

/// Posts a JSON body with the right key.
async fn post(scale: &Scale, target: &str, body: Value) -> Answer {
    send(scale, "POST", target, KEY, &body.to_string()).await
}

async fn export(scale: &Scale, body: Value) -> Answer {
    post(scale, EXPORT, body).await
}

async fn send(scale: &Scale, method: &str, target: &str, headers: &str, body: &str) -> Answer {
    let headers = format!("Content-Type: application/json\r\n{headers}");
    raw(scale, method, target, &headers, body).await
}

async fn raw(scale: &Scale, method: &str, target: &str, headers: &str, body: &str) -> Answer {
    let url = scale.url();
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let length = body.len();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{headers}");
    stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes()).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    parse(&received)
}

/// Downloads a URL of this server, without a key.
async fn download(scale: &Scale, url: &str) -> Answer {
    let target = url.strip_prefix(&scale.url()).unwrap();
    raw(scale, "GET", target, "", "").await
}

fn parse(received: &[u8]) -> Answer {
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let mut lines = std::str::from_utf8(&received[..end]).unwrap().split("\r\n");
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

/// What identifies a span.
type Identity = (String, String);

fn identity(span: &Span) -> Identity {
    (span.trace_id.clone(), span.id.clone())
}

fn identities(rows: &[Value]) -> BTreeSet<Identity> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let set: BTreeSet<Identity> = rows.iter().map(|row| (text(row, "trace_id"), text(row, "id"))).collect();
    assert_eq!(set.len(), rows.len(), "no row comes twice");
    set
}

fn expected(scale: &Scale, keep: impl Fn(&Span) -> bool) -> BTreeSet<Identity> {
    scale.spans().iter().filter(|span| keep(span)).map(identity).collect()
}

/// Fails unless the export with this body gives exactly the spans that `keep` keeps: some, but not all.
async fn check(scale: &Scale, body: Value, keep: impl Fn(&Span) -> bool) {
    check_at(scale, EXPORT, body, keep).await;
}

async fn check_at(scale: &Scale, target: &str, body: Value, keep: impl Fn(&Span) -> bool) {
    let wanted = expected(scale, keep);
    assert!(!wanted.is_empty() && wanted.len() < scale.spans().len(), "{} rows tell nothing: {body}", wanted.len());
    assert_eq!(identities(&post(scale, target, body.clone()).await.rows()), wanted, "{target} {body}");
}

fn iso(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).unwrap().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
