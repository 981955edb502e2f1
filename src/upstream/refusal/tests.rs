//! Status, headers and bodies of the vendors' documents, and what they are taken for.

use std::time::UNIX_EPOCH;

use super::*;
use crate::model::connector::Connector;
use crate::upstream::spanlens;

const PLAIN: Connector = Connector { refusal: |_, _| None, ..spanlens::CONNECTOR };

fn source(connector: &'static Connector) -> Source {
    Source {
        name: "spanlens".to_owned(),
        connector,
        base_url: "https://api.test/base".parse().unwrap(),
        quota: connector.quota,
        lookback: Duration::from_secs(1),
        settle: Duration::ZERO,
        body_bytes: 1,
        settings: std::collections::BTreeMap::new(),
    }
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn judge(status: u16, headers: &Headers, body: &str) -> Refusal {
    classify(&source(&PLAIN), status, headers, body, at(1_778_835_600))
}

fn plain(status: u16, body: &str) -> Refusal {
    judge(status, &Headers::default(), body)
}

#[test]
fn the_status_names_the_kind_and_the_retry() {
    for (status, kind, retry) in [
        (401, Kind::UpstreamAuthorization, Retry::No),
        (403, Kind::UpstreamAuthorization, Retry::No),
        (400, Kind::UpstreamRequest, Retry::No),
        (404, Kind::UpstreamRequest, Retry::No),
        (422, Kind::UpstreamRequest, Retry::No),
        (429, Kind::UpstreamQuota, Retry::After(Duration::from_secs(60))),
        (500, Kind::UpstreamFault, Retry::Backoff),
        (502, Kind::UpstreamFault, Retry::Backoff),
        (503, Kind::UpstreamFault, Retry::Backoff),
        (504, Kind::UpstreamFault, Retry::Backoff),
        (304, Kind::UpstreamFault, Retry::No),
    ] {
        let refusal = plain(status, "");
        assert_eq!((refusal.error.kind, refusal.retry), (kind, retry), "{status}");
        assert!(refusal.error.message.contains(&status.to_string()), "{}", refusal.error.message);
    }
}

#[test]
fn what_upstream_says_is_passed_on() {
    for (body, said) in [
        (r#"{"error":{"code":"NOT_FOUND","message":"Project not found","requestId":"r"}}"#, "Project not found"),
        (r#"{"error":"API rate limit exceeded","limit":10}"#, "API rate limit exceeded"),
        (r#"{"message":"no\n such  thing"}"#, "no such thing"),
        (r#"{"detail":"bad"}"#, "bad"),
        (r#"{"detail":[{"loc":["query","x"],"msg":"wrong"}]}"#, r#"[{"loc":["query","x"],"msg":"wrong"}]"#),
    ] {
        assert_eq!(plain(404, body).error.detail, Some(format!("Source \"spanlens\" says: {said}")), "{body}");
    }
    assert_eq!(plain(404, "plain words").error.detail.unwrap(), "It is source \"spanlens\".");
    let long = format!(r#"{{"error":"{}"}}"#, "é".repeat(500));
    assert_eq!(text(&long).unwrap().chars().count(), 301);
}

#[test]
fn the_connector_may_know_better() {
    let refusal =
        classify(&source(&spanlens::CONNECTOR), 401, &Headers::default(), r#"{"error":"Invalid token"}"#, at(0));
    assert_eq!(refusal.error.message, "upstream refused the credential (HTTP 401)");
    assert_eq!(refusal.error.detail.unwrap(), "Source \"spanlens\" says: Invalid token");
    assert!(refusal.error.hint.unwrap().contains("Supabase access token"));
    assert_eq!(refusal.retry, Retry::No);
}

#[test]
fn how_long_to_wait() {
    let told = |text: &str| Some(text.to_owned());
    let retry_after = |text: &str| Headers { retry_after: told(text), ..Headers::default() };
    let reset = |text: &str| Headers { rate_limit_reset: told(text), ..Headers::default() };
    for (headers, body, seconds) in [
        (retry_after("17"), "", 17),
        (retry_after(" 1.5 "), "", 1),
        (retry_after("0"), "", 1),
        (retry_after("-5"), "", 1),
        (retry_after("99999999999"), "", 86_400),
        (retry_after("Fri, 15 May 2026 09:00:30 GMT"), "", 30),
        (retry_after("Fri, 15 May 2026 08:00:00 GMT"), "", 1),
        (retry_after("soon"), "", 60),
        (retry_after("NaN"), "", 60),
        (reset("1778835642"), "", 42),
        (reset("1778835642000"), "", 42),
        (reset("42"), "", 42),
        (Headers::default(), r#"{"retry_after":7}"#, 7),
        (Headers::default(), r#"{"error":{"retry_after":8}}"#, 8),
        (Headers::default(), r#"{"error":"text","retry_after":9}"#, 9),
        (Headers { rate_limit_reset: told("42"), ..retry_after("17") }, r#"{"retry_after":7}"#, 17),
    ] {
        let Retry::After(wait) = judge(429, &headers, body).retry else { panic!("{headers:?}") };
        assert_eq!(wait.as_secs(), seconds, "{headers:?} {body}");
    }
    assert_eq!(judge(503, &retry_after("5"), "").retry, Retry::After(Duration::from_secs(5)));
    assert_eq!(judge(503, &reset("5"), "").retry, Retry::Backoff);
}

#[test]
fn what_is_told_of_the_quota() {
    let told = |text: &str| Some(text.to_owned());
    for (text, count) in
        [("10", Some(10)), (" 0 ", Some(0)), ("60, 60;w=1", None), ("-1", None), ("1.5", None), ("unlimited", None)]
    {
        let headers = Headers { rate_limit: told(text), rate_limit_remaining: told(text), ..Headers::default() };
        assert_eq!((headers.limit(), headers.remaining()), (count, count), "{text}");
    }
    assert_eq!((Headers::default().limit(), Headers::default().remaining()), (None, None));
}

#[test]
fn redirects_stay_within_the_origin() {
    let to = |location: &str, status| {
        judge(status, &Headers { location: Some(location.to_owned()), ..Headers::default() }, "")
    };
    for status in [301, 302, 307, 308] {
        assert_eq!(to("https://api.test/v2/x?a=1", status).retry, Retry::Follow("/v2/x?a=1".to_owned()));
    }
    assert_eq!(to("/v2/x", 307).retry, Retry::Follow("/v2/x".to_owned()));
    assert_eq!(to("https://api.test:443/x", 307).retry, Retry::Follow("/x".to_owned()));
    assert_eq!(to("/v2/x", 303).retry, Retry::No);
    for other in ["http://api.test/x", "https://api.test:444/x", "https://evil.test/x", "//evil.test/x"] {
        let refusal = to(other, 307);
        assert_eq!(refusal.retry, Retry::No, "{other}");
        assert_eq!(refusal.error.message, "upstream redirects to another host (HTTP 307)");
        assert!(refusal.error.hint.unwrap().contains("base_url"));
    }
    assert_eq!(to("https://", 307).retry, Retry::No);
}

#[test]
fn a_web_page_is_not_quoted() {
    let html = Headers { content_type: Some("text/html; charset=utf-8".to_owned()), ..Headers::default() };
    let refusal = judge(404, &html, "<html><body>secret</body></html>");
    assert_eq!(refusal.error.message, "upstream sent a web page instead of rows");
    assert!(!refusal.error.to_string().contains("secret"));
    assert_eq!(judge(502, &html, "<html>").error.message, "upstream failed (HTTP 502)");
    assert!(is_web_page(&Headers::default(), b"\n <!doctype"));
    assert!(!is_web_page(&Headers::default(), b"[{\"a\":\"<\"}]"));
}
