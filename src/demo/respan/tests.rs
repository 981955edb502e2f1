//! Tests of the Respan upstream over real HTTP, with a client of a few lines; each answer against the typed rows.
mod data;
mod filters;
mod links;
mod refusals;
mod scope;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Options, Respan, Span};

const LIST: &str = "/api/request-logs/list/";
/// Everything, whatever its time and environment.
const ALL: [(&str, &str); 3] = [("start_time", "2000-01-01"), ("end_time", "2100-01-01"), ("all_envs", "true")];

fn options(rows: u64) -> Options {
    Options { rows, now: now(), ..Options::default() }
}

fn now() -> DateTime<Utc> {
    "2026-05-15T09:00:30.250Z".parse().unwrap()
}

async fn start(rows: u64) -> Respan {
    Respan::start(options(rows)).await.unwrap()
}

/// An answer, read to its end.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Answer {
    fn rows(&self) -> &[Value] {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body["results"].as_array().unwrap()
    }

    fn ids(&self) -> Vec<&str> {
        self.rows().iter().map(id).collect()
    }
}

fn id(row: &Value) -> &str {
    row["unique_id"].as_str().unwrap()
}

async fn send(server: &Respan, method: &str, target: &str, headers: &str, body: &str) -> Answer {
    let url = server.url();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    let length = body.len();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: demo:80\r\n{headers}Content-Length: {length}\r\n");
    stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes()).await.unwrap();
    let mut received = String::new();
    stream.read_to_string(&mut received).await.unwrap();
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: serde_json::from_str(body).unwrap() }
}

const KEY: &str = "Authorization: Bearer demo-token\r\n";

fn target(params: &[(&str, &str)]) -> String {
    format!("{LIST}?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish())
}

async fn get(server: &Respan, params: &[(&str, &str)]) -> Answer {
    send(server, "GET", &target(params), KEY, "").await
}

async fn post(server: &Respan, params: &[(&str, &str)], body: &str) -> Answer {
    send(server, "POST", &target(params), KEY, body).await
}

/// One large page over everything with these parameters.
async fn all(server: &Respan, params: &[(&str, &str)], body: &str) -> Answer {
    let params = [&ALL[..], &[("page_size", "1000")], params].concat();
    post(server, &params, body).await
}

fn expected(server: &Respan, takes: impl Fn(&Span) -> bool) -> BTreeSet<&str> {
    server.spans().iter().filter(|span| takes(span)).map(|span| span.unique_id.as_str()).collect()
}

/// The answer has the rows that the test takes, each once; neither all nor none.
#[track_caller]
fn same(server: &Respan, answer: &Answer, what: &str, takes: impl Fn(&Span) -> bool) {
    let expected = expected(server, takes);
    assert!(!expected.is_empty() && expected.len() < server.spans().len(), "{what} tells nothing apart");
    let ids = answer.ids();
    assert_eq!(ids.iter().copied().collect::<BTreeSet<_>>(), expected, "{what}");
    assert_eq!(ids.len(), expected.len(), "{what}");
}

/// The pages of a list until an empty one.
async fn pages(server: &Respan, params: &[(&str, &str)], size: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    loop {
        let page = (pages.len() + 1).to_string();
        let answer = get(server, &[&ALL, params, &[("page_size", size), ("page", &page)]].concat()).await;
        if answer.rows().is_empty() {
            return pages;
        }
        pages.push(answer.ids().into_iter().map(str::to_owned).collect());
    }
}

#[tokio::test]
async fn both_methods_and_all_paths_give_the_same_list() {
    let server = start(300).await;
    let query = target(&[&ALL[..], &[("page_size", "7")]].concat());
    let query = query.strip_prefix(LIST).unwrap();
    let first = send(&server, "GET", &format!("{LIST}{query}"), KEY, "").await;
    assert_eq!(first.rows().len(), 7);
    for path in ["/api/request-logs/list", "/api/request-logs/", "/api/request-logs", "/request-logs/list"] {
        for method in ["GET", "POST"] {
            let answer = send(&server, method, &format!("{path}{query}"), KEY, "").await;
            assert_eq!(answer.body["results"], first.body["results"], "{method} {path}");
        }
    }
    assert_eq!(server.calls().len(), 9);
    assert_eq!((server.calls()[0].method.as_str(), server.calls()[0].path.as_str()), ("GET", LIST));
}

#[tokio::test]
async fn pages_are_a_hundred_rows_and_never_more_than_a_thousand() {
    let server = start(2500).await;
    assert_eq!(get(&server, &ALL).await.rows().len(), 100);
    let large = get(&server, &[&ALL[..], &[("page_size", "5000")]].concat()).await;
    assert_eq!(large.rows().len(), 1000);
    let sizes: Vec<usize> = pages(&server, &[], "1000").await.iter().map(Vec::len).collect();
    assert_eq!(sizes, [1000, 1000, 500]);
    let beyond = get(&server, &[&ALL[..], &[("page", "26")]].concat()).await;
    assert_eq!((beyond.rows().len(), &beyond.body["next"]), (0, &Value::Null));
}

#[tokio::test]
async fn pages_together_are_all_rows_once() {
    for tie in [1, 700] {
        let server = Respan::start(Options { tie, ..options(1500) }).await.unwrap();
        for sort in ["-id", "cost", "-scores__d4f46e95-73ff-4166-8581-928c1a1b1589"] {
            let ids: Vec<String> = pages(&server, &[("sort_by", sort)], "211").await.concat();
            assert_eq!(ids.len(), 1500, "{sort}");
            assert_eq!(ids.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected(&server, |_| true));
        }
    }
}

#[tokio::test]
async fn the_order_is_newest_first_unless_said_otherwise() {
    let server = start(600).await;
    let times = |answer: &Answer| -> Vec<String> {
        answer.rows().iter().map(|row| row["timestamp"].as_str().unwrap().to_owned()).collect()
    };
    let unsaid = all(&server, &[], "").await;
    assert!(times(&unsaid).is_sorted_by(|left, right| left >= right));
    for sort in ["-id", "-timestamp"] {
        assert_eq!(all(&server, &[("sort_by", sort)], "").await.ids(), unsaid.ids());
    }
    for sort in ["id", "timestamp"] {
        assert!(times(&all(&server, &[("sort_by", sort)], "").await).is_sorted());
    }
    // Ids themselves are in no order.
    assert!(!unsaid.ids().is_sorted() && !unsaid.ids().is_sorted_by(|left, right| left >= right));
}

#[tokio::test]
async fn nulls_stand_last_in_both_directions() {
    let server = start(900).await;
    let evaluator = "7e1de2a4-1c38-47aa-8c11-2d9a3be0c455";
    let score = format!("scores__{evaluator}");
    let names = [
        "cost",
        "time_to_first_token",
        "latency",
        "prompt_tokens",
        "completion_tokens",
        "tokens_per_second",
        "all_tokens",
    ];
    for name in names.into_iter().chain([score.as_str(), "total_request_tokens"]) {
        for descending in [false, true] {
            let sort = if descending { format!("-{name}") } else { name.to_owned() };
            let answer = all(&server, &[("sort_by", &sort)], "").await;
            let values: Vec<Option<f64>> = answer
                .rows()
                .iter()
                .map(|row| match name {
                    "all_tokens" => row["total_request_tokens"].as_f64(),
                    name if name == score => row["scores"][evaluator]["score_value"].as_f64(),
                    name => row[name].as_f64(),
                })
                .collect();
            assert_eq!(values.len(), 900);
            let known: Vec<f64> = values.iter().copied().flatten().collect();
            assert!(values[known.len()..].iter().all(Option::is_none), "{sort}: a null before a value");
            assert!(known.len() > 10 && (name == "latency" || known.len() < 900), "{sort}");
            assert!(known.is_sorted_by(|left, right| if descending { left >= right } else { left <= right }), "{sort}");
        }
    }
}

#[tokio::test]
async fn a_faulty_server_keeps_no_order() {
    let server = Respan::start(Options { ignores_sort: true, ..options(300) }).await.unwrap();
    let cheap = all(&server, &[("sort_by", "cost")], "").await;
    let new = all(&server, &[("sort_by", "-timestamp")], "").await;
    assert_eq!(cheap.ids(), new.ids());
    let times: Vec<&str> = new.rows().iter().map(|row| row["timestamp"].as_str().unwrap()).collect();
    assert!(!times.is_sorted() && !times.is_sorted_by(|left, right| left >= right));
}

#[tokio::test]
async fn count_is_the_page_or_on_older_servers_the_total() {
    let newer = start(250).await;
    assert_eq!(get(&newer, &ALL).await.body["count"], 100);
    let older = Respan::start(Options { count_is_total: true, ..options(250) }).await.unwrap();
    assert_eq!(get(&older, &ALL).await.body["count"], 250);
    let filtered = all(&older, &[], &json!({ "filters": { "log_type": { "value": ["chat"] } } }).to_string()).await;
    assert_eq!(filtered.body["count"], expected(&older, |span| span.log_type == "chat").len());
}
