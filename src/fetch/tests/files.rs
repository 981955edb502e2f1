//! Rows in a file that an answer names: fetched without the credential, and its address told to nobody.

use std::io::Write;

use super::paged::{Answer, Paged, failure_of, ok, refusal, rows_of, start};
use super::server::{Answer as Wire, Server, answer, rows};
use super::vendor::START;
use super::*;
use crate::upstream::scale;

const FILE: &str = r#"{"id":"r0","trace_id":"t","start_timestamp":"2026-05-15T00:00:00Z"}
{"id":"r1","trace_id":"t","start_timestamp":"2026-05-15T00:00:01Z"}"#;
/// What is secret in an address.
const SIGNATURE: &str = "test-signature";

fn spans(base_url: &str) -> Scan {
    let source = Source { base_url: base_url.parse().unwrap(), ..source_of(&scale::CONNECTOR) };
    scan(source, "spans", &["id", "trace_id"])
}

/// An export whose rows are elsewhere.
fn named(url: &str) -> String {
    serde_json::json!({ "filename": "spans.jsonl", "signed_url": url }).to_string()
}

/// An upstream that names files at addresses of its own, and a storage that answers with these.
fn vendor(files: Vec<Answer>) -> Arc<Paged> {
    let vendor = Paged::new(|_, before| ok(named(&format!("https://files.test/{before}?sig={SIGNATURE}"))));
    *vendor.files.lock().unwrap() = files;
    Arc::new(vendor)
}

/// The paths of what was asked for.
fn paths(vendor: &Paged) -> Vec<String> {
    vendor.asked().into_iter().map(|request| request.path.replace(SIGNATURE, "…")).collect()
}

/// Whatever is logged, at any level.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_file_is_fetched_without_the_key_and_its_address_stands_nowhere() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let logging = tracing::subscriber::set_default(subscriber);
    let mut storage = Server::start(vec![Wire::Bytes(answer(200, &[], FILE.as_bytes()))]).await;
    let url = format!("{}/f/spans.jsonl?sig={SIGNATURE}", storage.url);
    let mut api = Server::start(vec![rows(&named(&url))]).await;
    let statement = patient();
    let batches = collect(http_fetcher().fetch(spans(&api.url), Arc::clone(&statement))).await.unwrap();
    tracing::info!("the end of the scan");
    drop(logging);
    assert_rows(&batches, ["r0".to_owned(), "r1".to_owned()]);
    let (asked, fetched) = (api.asked(), storage.asked());
    assert!(asked[0].to_ascii_lowercase().contains(&format!("x-api-key: {SECRET}")), "{}", asked[0]);
    assert!(fetched[0].starts_with("GET /f/spans.jsonl?sig=test-signature HTTP/1.1"), "{}", fetched[0]);
    let head = fetched[0].to_ascii_lowercase();
    assert!(!head.contains(SECRET) && !head.contains("x-api-key") && !head.contains("authorization"), "{head}");
    let told = requests(&statement);
    assert_eq!((told.len(), told[1].as_str()), (2, "GET the file that the answer names"));
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("the end of the scan"));
    for text in [&told.concat(), &logged] {
        assert!(!text.contains(SIGNATURE) && !text.contains("spans.jsonl?"), "{text}");
    }
}

#[tokio::test]
async fn a_file_is_not_fetched_in_the_clear_from_another_host() {
    for url in ["http://files.test/f?sig=test-signature", "ftp://files.test/test-signature", "test-signature"] {
        let api = Server::start(vec![rows(&named(url))]).await;
        let error = collect(http_fetcher().fetch(spans(&api.url), patient())).await.unwrap_err();
        assert_eq!(error.kind, Kind::UpstreamFault);
        assert!(error.message.starts_with("source \"scale\" names a file"), "{error}");
        assert!(!format!("{error:?}").contains(SIGNATURE), "{error:?}");
    }
}

#[tokio::test]
async fn a_storage_that_cannot_be_reached_is_told_without_the_address() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/f?sig={SIGNATURE}", listener.local_addr().unwrap());
    drop(listener);
    let api = Server::start(vec![rows(&named(&url))]).await;
    let statement = Arc::new(Statement::new("alice", None, 2));
    // The budget ends it after the first attempt.
    let error = collect(http_fetcher().fetch(spans(&api.url), Arc::clone(&statement))).await.unwrap_err();
    assert_eq!(error.kind, Kind::ConfigurationLimit);
    assert_eq!(requests(&statement).len(), 2);
    let source = source_of(&scale::CONNECTOR);
    let refusal = Client::new().unwrap().download(&source, &url).await.unwrap_err();
    assert_eq!(refusal.error.message, "could not fetch the file that source \"scale\" names");
    assert!(!format!("{refusal:?}").contains(SIGNATURE), "{refusal:?}");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_has_expired_leads_to_one_more_export() {
    let vendor = vendor(vec![refusal(403, "expired, says test-signature"), ok(FILE.to_owned())]);
    assert_rows(&rows_of(&vendor, spans("http://test")).await, ["r0".to_owned(), "r1".to_owned()]);
    let export = "/v5/spans/export";
    // Each export names another file: the first did so as call 0, the second as call 2.
    assert_eq!(paths(&vendor), [export, "https://files.test/0?sig=…", export, "https://files.test/2?sig=…"]);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_has_always_expired_is_an_error() {
    for status in [403, 404, 429, 503] {
        let vendor = vendor(vec![refusal(status, r#"{"error":"test-signature"}"#); 3]);
        let began = Instant::now();
        let error = failure_of(&vendor, spans("http://test")).await;
        assert_eq!(error.message, format!("the file of scale.spans cannot be fetched (HTTP {status})"));
        assert_eq!(error.kind, Kind::UpstreamFault);
        assert!(!format!("{error:?}").contains(SIGNATURE), "{error:?}");
        assert_eq!(vendor.calls(), 6);
        // What the storage says about its own limits does not hold back the API.
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn fetching_a_file_counts_like_any_call() {
    let vendor = vendor(vec![ok(FILE.to_owned())]);
    let statement = Arc::new(Statement::new("alice", None, 1));
    let error = collect(start(&vendor, spans("http://test"), &statement)).await.unwrap_err();
    assert_eq!((error.kind, vendor.calls()), (Kind::ConfigurationLimit, 1));
}

#[tokio::test]
async fn a_file_too_large_is_given_up_and_its_range_cut() {
    let line = |index: i64| {
        let time = crate::model::scan::iso_micros(START + index * 1_000_000);
        format!(r#"{{"id":"r{index}","trace_id":"t","start_timestamp":"{time}"}}"#)
    };
    let file = |range: std::ops::Range<i64>| ok(range.map(line).collect::<Vec<_>>().join("\n"));
    // The whole, the newer half, what is left of the older one.
    let vendor = vendor(vec![file(0..200), file(100..200), file(0..101)]);
    let source = Source { body_bytes: 10_000, ..source_of(&scale::CONNECTOR) };
    let range = Range { from: Some(START), to: Some(START + 199_000_000) };
    let scan = Scan { source: Arc::new(source), range, ..spans("http://test") };
    assert_rows(&rows_of(&vendor, scan).await, (0..200).map(|index| format!("r{index}")));
    assert_eq!(vendor.calls(), 6);
}
