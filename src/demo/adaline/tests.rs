//! Tests of the Adaline upstream over real HTTP, against its typed rows.
mod rows;
mod search;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Adaline, Options, Span};
use crate::demo::tests::{Answer, parse};

fn options(rows: u64) -> Options {
    Options { rows, now: "2026-05-15T09:00:30.250Z".parse().unwrap(), ..Options::default() }
}

async fn start(rows: u64) -> Adaline {
    Adaline::start(options(rows)).await.unwrap()
}

/// The first of the two projects.
fn project() -> String {
    options(0).projects.remove(0)
}

async fn send(server: &Adaline, method: &str, path: &str, key: &str, body: &str) -> Answer {
    let url = server.url();
    let address = url.strip_prefix("http://").unwrap().strip_suffix("/v2").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} /v2{path} HTTP/1.1\r\nHost: demo\r\nAuthorization: Bearer {key}\r\nContent-Length: {length}\r\n\
         Content-Type: application/json\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    parse(&received)
}

/// A search for spans of the first project with these fields.
async fn search(server: &Adaline, fields: Value) -> Answer {
    search_in(server, "/logs/spans", fields).await
}

async fn search_in(server: &Adaline, path: &str, mut fields: Value) -> Answer {
    if fields.get("projectId").is_none() {
        fields["projectId"] = json!(project());
    }
    send(server, "POST", path, "demo-token", &fields.to_string()).await
}

/// Every row of a search, page after page.
async fn all(server: &Adaline, path: &str, mut fields: Value) -> Vec<Value> {
    let member = path.rsplit('/').next().unwrap();
    let mut rows = Vec::new();
    loop {
        let mut page = search_in(server, path, fields.clone()).await.json();
        let Value::Array(more) = page[member].take() else { panic!("no rows: {page}") };
        assert_eq!(page["pagination"]["returned"], more.len());
        rows.extend(more);
        assert_eq!(page["pagination"]["hasMore"], page["pagination"]["nextCursor"].is_string());
        if page["pagination"]["hasMore"] == false {
            return rows;
        }
        fields["cursor"] = page["pagination"]["nextCursor"].take();
    }
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect()
}

/// The spans of the first project that a condition takes, newest first.
fn spans(server: &Adaline, takes: impl Fn(&Span) -> bool) -> Vec<&str> {
    let project = project();
    let of_project = server.spans().iter().filter(|span| span.project_id == project);
    of_project.filter(|span| takes(span)).map(|span| span.id.as_str()).collect()
}

/// A search has exactly the spans that the condition takes, in order, and these are some of them but not all.
async fn assert_some(server: &Adaline, mut fields: Value, takes: impl Fn(&Span) -> bool) {
    fields["limit"] = json!(200);
    let rows = all(server, "/logs/spans", fields.clone()).await;
    let expected = spans(server, takes);
    assert_eq!(ids(&rows), expected, "{fields}");
    assert!(!expected.is_empty() && expected.len() < spans(server, |_| true).len(), "{fields}: {}", expected.len());
}

async fn refused(server: &Adaline, fields: Value, status: u16) -> Value {
    let answer = search(server, fields).await;
    assert_eq!(answer.status, status, "{}", answer.body);
    serde_json::from_str::<Value>(&answer.body).unwrap()["error"].take()
}
