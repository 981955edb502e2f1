//! What happens on the wire: every kind of answer, good and bad, over TCP.

use std::error::Error as _;

use super::server::{Answer, Server, answer, chunked, gzip, rows};
use super::vendor::{START, json};
use super::*;
use crate::upstream::http::Break;
use crate::upstream::refusal::{Refusal, Retry};

fn body(count: usize) -> String {
    let rows: Vec<String> = (0..count).map(|index| json(&format!("r{index}"), START)).collect();
    format!("[{}]", rows.join(","))
}

/// One attempt, without the retries: what the answer is taken for, and the bytes that came.
async fn one(server: &Server) -> Result<Result<Vec<u8>, Break>, Refusal> {
    let source = source(&server.url);
    let request = Request::get("/x", vec![("a", "1 2&3".to_owned())]);
    let credential = Key.credential(&source, "alice").unwrap();
    let response = Client::new().unwrap().send(&source, &request, None, &credential).await?;
    let body = response.rows(&source).await?;
    Ok(body.try_collect::<Vec<_>>().await.map(|pieces| pieces.concat()))
}

async fn refused(script: Answer) -> Refusal {
    let refusal = one(&Server::start(vec![script]).await).await.expect_err("it is refused");
    assert!(!refusal.error.to_string().contains(SECRET));
    refusal
}

async fn fetch(server: &Server, table: &str) -> (Result<Vec<RecordBatch>>, Arc<Statement>) {
    let statement = patient();
    let batches = http_fetcher().fetch(scan(source(&server.url), table, &["id"]), Arc::clone(&statement));
    (collect(batches).await, statement)
}

#[tokio::test]
async fn the_request_is_what_it_should_be() {
    let mut server = Server::start(vec![rows("[]")]).await;
    assert_eq!(one(&server).await.unwrap().unwrap(), b"[]");
    let head = server.asked().remove(0);
    assert!(head.starts_with("GET /x?a=1+2%263 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nauthorization: Bearer {SECRET}\r\n")));
    assert!(head.contains(&format!("\r\nuser-agent: spanwire/{}\r\n", env!("CARGO_PKG_VERSION"))));
    assert!(head.contains("\r\naccept: application/json\r\n"));
    let encodings = head.lines().find(|line| line.starts_with("accept-encoding")).unwrap();
    assert!(["gzip", "br", "zstd"].iter().all(|encoding| encodings.contains(encoding)), "{encodings}");
}

#[tokio::test]
async fn compressed_bodies_are_read_and_corrupt_ones_told() {
    let text = body(100);
    let zipped = |bytes: &[u8]| Answer::Bytes(answer(200, &["content-encoding: gzip"], bytes));
    let file = gzip(text.as_bytes());
    let server = Server::start(vec![zipped(&file)]).await;
    assert_eq!(one(&server).await.unwrap().unwrap(), text.as_bytes());
    let mut corrupt = file.clone();
    let sum = corrupt.len() - 8;
    corrupt[sum] ^= 1;
    for broken in [corrupt, b"this is no gzip file".to_vec()] {
        let server = Server::start(vec![zipped(&broken)]).await;
        let broken = one(&server).await.unwrap().unwrap_err();
        assert!(matches!(broken, Break::Corrupt(_)), "{broken:?}");
    }
    let server = Server::start(vec![zipped(&file[..file.len() / 2])]).await;
    let broken = one(&server).await.unwrap().unwrap_err();
    assert!(matches!(broken, Break::Cut(_)), "{broken:?}");
}

#[tokio::test]
async fn bodies_that_break_off_are_cut() {
    let half = &body(3)[..body(2).len()];
    let mut short = answer(200, &[], body(3).as_bytes());
    short.truncate(short.len() - 10);
    for script in [Answer::Bytes(chunked(half)), Answer::Bytes(short), Answer::Reset(chunked(half))] {
        let server = Server::start(vec![script]).await;
        let broken = one(&server).await.unwrap().unwrap_err();
        assert!(matches!(broken, Break::Cut(_)), "{broken:?}");
    }
}

#[tokio::test]
async fn a_cut_page_is_read_again_and_its_rows_come_once() {
    let half = &body(3)[..body(2).len()];
    let mut server = Server::start(vec![Answer::Bytes(chunked(half)), rows(&body(3))]).await;
    let (batches, statement) = fetch(&server, "requests").await;
    assert_rows(&batches.unwrap(), (0..3).map(|index| format!("r{index}")));
    assert_eq!((server.asked().len(), requests(&statement).len()), (2, 2));
}

#[tokio::test]
async fn a_page_that_stays_cut_is_an_error_and_never_some_rows() {
    let server = Server::start(vec![rows(&body(3)[..body(2).len()]); 3]).await;
    let statement = patient();
    let mut batches = http_fetcher().fetch(scan(source(&server.url), "requests", &["id"]), Arc::clone(&statement));
    let error = batches.try_next().await.unwrap_err();
    assert_eq!(error.kind, Kind::UpstreamTruncated);
    assert_eq!(error.message, "upstream cut its answer for spanlens.requests after 2 rows");
    assert_eq!(error.detail.unwrap(), "The JSON ends before it is complete. It was tried 3 times.");
    assert_eq!(requests(&statement).len(), 3);
}

#[tokio::test]
async fn a_web_page_is_no_rows() {
    let by_type = Answer::Bytes(answer(200, &["content-type: text/html"], b"hello"));
    let refusal = refused(by_type).await;
    assert_eq!((refusal.error.kind, refusal.retry), (Kind::UpstreamFault, Retry::No));
    assert!(refusal.error.hint.unwrap().contains("base_url"));
    let server = Server::start(vec![rows("\n<!doctype html>")]).await;
    let error = fetch(&server, "requests").await.0.unwrap_err();
    assert_eq!(error.message, "upstream sent a web page instead of rows");
}

#[tokio::test]
async fn the_headers_of_a_refusal_are_read() {
    let limited = answer(429, &["retry-after: 7"], br#"{"error":{"message":"slow down"}}"#);
    let refusal = refused(Answer::Bytes(limited)).await;
    assert_eq!(refusal.retry, Retry::After(Duration::from_secs(7)));
    assert_eq!(refusal.error.detail.unwrap(), "Source \"spanlens\" says: slow down");
    let refusal = refused(Answer::Bytes(answer(401, &[], b"{}"))).await;
    assert!(refusal.error.hint.unwrap().contains("Supabase access token"));
    // What breaks off in an error answer does not hide the error.
    let mut cut = answer(503, &["x-ratelimit-reset: 5"], br#"{"error":"down"}"#);
    cut.truncate(cut.len() - 5);
    assert_eq!(refused(Answer::Bytes(cut)).await.error.message, "upstream failed (HTTP 503)");
}

#[tokio::test]
async fn nobody_there() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let source = source(&url);
    let request = Request::get("/x", vec![("from", "where".to_owned())]);
    let credential = Key.credential(&source, "alice").unwrap();
    let refusal = Client::new().unwrap().send(&source, &request, None, &credential).await.unwrap_err();
    assert_eq!((refusal.error.kind, refusal.retry), (Kind::UpstreamConnection, Retry::Backoff));
    assert_eq!(refusal.error.message, "could not connect to upstream \"spanlens\"");
    assert!(refusal.error.detail.unwrap().starts_with(&url));
    // One that hangs up before it says anything is the same.
    let refusal = refused(Answer::Reset(Vec::new())).await;
    assert_eq!((refusal.error.kind, refusal.retry), (Kind::UpstreamConnection, Retry::Backoff));
}

#[tokio::test]
async fn a_certificate_of_an_unknown_issuer_is_not_tried_again() {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![issued.cert.der().clone()], key).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = source(&format!("https://localhost:{}", listener.local_addr().unwrap().port()));
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        tokio_rustls::TlsAcceptor::from(Arc::new(config)).accept(stream).await.is_ok()
    });
    let statement = patient();
    let scan = scan(source, "requests", &["id"]);
    let error = collect(http_fetcher().fetch(scan, Arc::clone(&statement))).await.unwrap_err();
    assert_eq!(error.kind, Kind::UpstreamConnection);
    assert!(error.hint.unwrap().contains("issuer of its certificate"));
    assert_eq!(requests(&statement).len(), 1);
    assert!(!serving.await.unwrap());
}

#[tokio::test]
async fn the_key_never_follows_a_redirect_to_another_host() {
    let mut other = Server::start(vec![rows("[]")]).await;
    let mut server =
        Server::start(vec![Answer::Bytes(answer(307, &[&format!("location: {}/x", other.url)], b""))]).await;
    let error = fetch(&server, "requests").await.0.unwrap_err();
    assert_eq!(error.kind, Kind::UpstreamFault);
    assert_eq!(error.message, "upstream redirects to another host (HTTP 307)");
    assert!(error.detail.unwrap().contains(&other.url));
    assert_eq!(server.asked().len(), 1);
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn a_redirect_within_the_host_is_followed_as_a_call_of_its_own() {
    let there = |location: &str| Answer::Bytes(answer(308, &[&format!("location: {location}")], b""));
    let mut server = Server::start(vec![there("/v2/exports?limit=5"), there("later"), rows(&body(1))]).await;
    let (batches, statement) = fetch(&server, "requests").await;
    assert_eq!(count(&batches.unwrap()), 1);
    let asked = server.asked();
    assert!(asked[1].starts_with("GET /v2/exports?limit=5 "), "{}", asked[1]);
    assert!(asked[2].starts_with("GET /v2/later "), "{}", asked[2]);
    assert!(asked.iter().all(|head| head.contains(SECRET)));
    assert_eq!(requests(&statement).len(), 3);
    let mut server = Server::start(vec![there("/again"); 5]).await;
    let error = fetch(&server, "requests").await.0.unwrap_err();
    assert_eq!(error.message, "upstream redirects in a circle");
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let hanging = || Answer::Hang(chunked(&body(2)[..100]));
    let mut server = Server::start(vec![hanging()]).await;
    let fetcher = http_fetcher();
    let mut batches = fetcher.fetch(scan(source(&server.url), "requests", &["id"]), patient());
    tokio::select! {
        _ = batches.next() => panic!("it hangs"),
        head = server.heads.recv() => assert!(head.is_some()),
    }
    assert_eq!(fetcher.usage()[0].under_way, 1);
    drop(batches);
    server.left.recv().await.unwrap();
    // The permit lives as long as the call, which has been seen to end.
    assert_eq!(fetcher.usage()[0].under_way, 0);
}

#[tokio::test]
async fn cancel_and_deadline_close_the_connection() {
    for cancelled in [true, false] {
        let mut server = Server::start(vec![Answer::Hang(chunked(&body(2)[..100]))]).await;
        let timeout = (!cancelled).then_some(Duration::from_secs(2));
        let statement = Arc::new(Statement::new("alice", timeout, 10));
        let batches = http_fetcher().fetch(scan(source(&server.url), "requests", &["id"]), Arc::clone(&statement));
        let reading = tokio::spawn(collect(batches));
        server.heads.recv().await.unwrap();
        if cancelled {
            statement.cancel.cancel();
        }
        let error = reading.await.unwrap().unwrap_err();
        assert_eq!(error, if cancelled { Error::canceled() } else { Statement::timed_out() });
        server.left.recv().await.unwrap();
    }
}

#[tokio::test]
async fn values_of_the_wrong_type_are_not_tried_again() {
    let mut server = Server::start(vec![rows(r#"[{"id":7}]"#), rows("[]")]).await;
    let error = fetch(&server, "requests").await.0.unwrap_err();
    assert_eq!(error.kind, Kind::UpstreamData);
    assert_eq!(error.message, "column \"id\" of spanlens.requests: upstream sent a number where text is expected");
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn no_secret_is_shown() {
    let source = source("http://test");
    let credential = Key.credential(&source, "alice").unwrap();
    assert!(!format!("{credential:?}").contains(SECRET));
    let error = Credential::new(source.connector.auth, "test-token\n", String::new()).unwrap_err();
    assert!(!error.to_string().contains("test-token"));
    assert!(error.source().is_none());
}
