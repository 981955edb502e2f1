//! Quota, deadline and cancel, with a clock that stands still.

use super::vendor::{Sorting, Vendor};
use super::*;
use crate::model::connector::Told;
use crate::model::statement::{Priority, Severity};
use crate::upstream::refusal::Headers;

fn limited(calls: u32) -> Source {
    Source { quota: Quota { calls, per: Duration::from_secs(60), concurrency: 1 }, ..source("http://test") }
}

fn vendor(count: usize) -> Arc<Vendor> {
    Arc::new(Vendor::of(count, Sorting::Newest, |index| index * 1_000))
}

fn of(vendor: &Arc<Vendor>) -> Fetcher {
    let transport: Arc<dyn Transport> = Arc::<Vendor>::clone(vendor);
    fetcher(transport)
}

fn in_seconds(seconds: u64) -> Arc<Statement> {
    Arc::new(Statement::new("alice", Some(Duration::from_secs(seconds)), 1_000))
}

#[tokio::test(start_paused = true)]
async fn pages_beyond_the_quota_wait_and_the_client_is_told() {
    let (vendor, statement, start) = (vendor(25_000), patient(), Instant::now());
    let rows = collect(of(&vendor).fetch(scan(limited(2), "requests", &["id"]), Arc::clone(&statement))).await;
    assert_eq!(count(&rows.unwrap()), 25_000);
    assert_eq!(start.elapsed(), Duration::from_secs(60));
    let notices = statement.take_notices();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].severity, Severity::Notice);
    assert_eq!(notices[0].message, "waiting 60 s for the quota of source \"spanlens\"");
    assert_eq!(notices[0].detail.as_deref(), Some("2 calls per 60 s are allowed, and 2 are taken."));
    let waited = statement.scans()[0].waited_us.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(waited, 60_000_000);
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_deadline_is_not_begun() {
    let (vendor, start) = (vendor(25_000), Instant::now());
    let rows = collect(of(&vendor).fetch(scan(limited(2), "requests", &["id"]), in_seconds(30))).await;
    assert_eq!(rows.unwrap_err().kind, Kind::UpstreamQuota);
    assert_eq!((start.elapsed(), vendor.calls()), (Duration::ZERO, 2));
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_wait_returns_at_once_and_leaves_the_quota_as_it_was() {
    let (vendor, statement, start) = (vendor(25_000), patient(), Instant::now());
    let fetcher = Arc::new(of(&vendor));
    let batches = fetcher.fetch(scan(limited(2), "requests", &["id"]), Arc::clone(&statement));
    let reading = tokio::spawn(collect(batches));
    statement.noticed().await;
    assert_eq!(fetcher.usage()[0].waiting, 1);
    statement.cancel.cancel();
    assert_eq!(reading.await.unwrap().unwrap_err(), Error::canceled());
    assert_eq!(start.elapsed(), Duration::ZERO);
    let usage = &fetcher.usage()[0];
    assert_eq!((usage.used, usage.under_way, usage.waiting), (2, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_call_stops_it_and_gives_the_permit_back() {
    let vendor = Arc::new(Vendor { hangs: true, ..Vendor::new(Vec::new(), Sorting::Newest) });
    let (statement, fetcher) = (patient(), Arc::new(of(&vendor)));
    let reading = tokio::spawn(collect(fetcher.fetch(scan(limited(1), "requests", &["id"]), Arc::clone(&statement))));
    vendor.called.notified().await;
    assert_eq!(fetcher.usage()[0].under_way, 1);
    statement.cancel.cancel();
    assert_eq!(reading.await.unwrap().unwrap_err(), Error::canceled());
    let usage = &fetcher.usage()[0];
    assert_eq!((usage.used, usage.under_way, usage.next_free), (1, 0, Some(Instant::now() + Duration::from_secs(60))));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_stops_a_call() {
    let vendor = Arc::new(Vendor { hangs: true, ..Vendor::new(Vec::new(), Sorting::Newest) });
    let start = Instant::now();
    let rows = collect(of(&vendor).fetch(scan(limited(9), "requests", &["id"]), in_seconds(7))).await;
    assert_eq!(rows.unwrap_err(), Statement::timed_out());
    assert_eq!(start.elapsed(), Duration::from_secs(7));
}

fn refusing(answers: &[(u16, Option<&str>)], count: usize) -> Arc<Vendor> {
    let vendor = vendor(count);
    *vendor.first.lock().unwrap() = answers
        .iter()
        .map(|(status, after)| {
            let headers = Headers { retry_after: after.map(str::to_owned), ..Headers::default() };
            (*status, headers, r#"{"error":{"code":"X","message":"said upstream"}}"#)
        })
        .collect();
    vendor
}

#[tokio::test(start_paused = true)]
async fn a_429_is_waited_out_by_everyone() {
    for (after, seconds) in [(Some("17"), 17), (None, 60)] {
        let (vendor, statement, start) = (refusing(&[(429, after)], 5), patient(), Instant::now());
        let fetcher = of(&vendor);
        let rows = collect(fetcher.fetch(scan(limited(9), "requests", &["id"]), Arc::clone(&statement))).await;
        assert_eq!(count(&rows.unwrap()), 5);
        assert_eq!(start.elapsed(), Duration::from_secs(seconds));
        assert_eq!(requests(&statement).len(), 2);
        let told = format!("waiting {seconds} s for the quota of source \"spanlens\"");
        assert_eq!(statement.take_notices()[0].message, told);
    }
}

#[tokio::test(start_paused = true)]
async fn a_429_that_cannot_be_waited_out_is_an_error_at_once() {
    let (vendor, start) = (refusing(&[(429, Some("31"))], 5), Instant::now());
    let fetcher = of(&vendor);
    let error = collect(fetcher.fetch(scan(limited(9), "requests", &["id"]), in_seconds(30))).await.unwrap_err();
    assert_eq!(error.kind, Kind::UpstreamQuota);
    let detail = "Source \"spanlens\" says: said upstream. Another attempt is due in 31 s, which is after the \
                  statement's deadline.";
    assert_eq!(error.detail.as_deref(), Some(detail));
    assert_eq!(start.elapsed(), Duration::ZERO);
    // Others are held back as well.
    assert_eq!(fetcher.usage()[0].next_free, Some(start + Duration::from_secs(31)));
}

#[tokio::test(start_paused = true)]
async fn three_attempts_are_made_and_no_more() {
    let (vendor, statement, start) = (refusing(&[(502, None), (503, None)], 5), patient(), Instant::now());
    let rows = collect(of(&vendor).fetch(scan(limited(9), "requests", &["id"]), Arc::clone(&statement))).await;
    assert_eq!(count(&rows.unwrap()), 5);
    let pauses = start.elapsed();
    assert!((Duration::from_millis(750)..=Duration::from_millis(1_500)).contains(&pauses), "{pauses:?}");
    assert_eq!(requests(&statement).len(), 3);
    let vendor = refusing(&[(500, None), (502, None), (504, None)], 5);
    let error = collect(of(&vendor).fetch(scan(limited(9), "requests", &["id"]), patient())).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (Kind::UpstreamFault, "upstream failed (HTTP 504)"));
    assert!(error.detail.unwrap().ends_with("said upstream. It was tried 3 times."));
    assert_eq!(vendor.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_would_fail_again_is_not_tried_again() {
    for (status, kind) in [
        (400, Kind::UpstreamRequest),
        (401, Kind::UpstreamAuthorization),
        (403, Kind::UpstreamAuthorization),
        (404, Kind::UpstreamRequest),
        (422, Kind::UpstreamRequest),
    ] {
        let vendor = refusing(&[(status, None)], 5);
        let error = collect(of(&vendor).fetch(scan(limited(9), "requests", &["id"]), patient())).await.unwrap_err();
        assert_eq!(error.kind, kind);
        assert!(error.to_string().contains("said upstream"), "{error}");
        assert_eq!(vendor.calls(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_budget_of_calls_counts_attempts() {
    let vendor = refusing(&[(503, None)], 25_000);
    let statement = Arc::new(Statement::new("alice", None, 2));
    let error =
        collect(of(&vendor).fetch(scan(limited(9), "requests", &["id"]), Arc::clone(&statement))).await.unwrap_err();
    assert_eq!(error.kind, Kind::ConfigurationLimit);
    assert_eq!((vendor.calls(), requests(&statement).len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn tenants_have_quotas_of_their_own() {
    let vendor = vendor(5);
    let fetcher = of(&vendor);
    let start = Instant::now();
    for user in ["alice", "bob"] {
        let statement = Arc::new(Statement::new(user, None, 10));
        collect(fetcher.fetch(scan(limited(1), "requests", &["id"]), statement)).await.unwrap();
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(fetcher.usage().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_one_small_call() {
    let vendor = vendor(500);
    let fetcher = of(&vendor);
    // The rows are of 2026, whatever the year is now.
    let source = Source { lookback: Duration::from_secs(200 * 365 * 86_400), ..limited(9) };
    let probe = fetcher.probe(&Arc::new(source), "alice").await.unwrap();
    assert_eq!((probe.rows, vendor.calls(), fetcher.usage()[0].used), (1, 1, 1));
    assert!(probe.request.ends_with("&limit=1"), "{}", probe.request);
    let vendor = refusing(&[(401, None)], 0);
    let error = of(&vendor).probe(&Arc::new(limited(9)), "alice").await.unwrap_err();
    assert_eq!(error.kind, Kind::UpstreamAuthorization);
}

/// What is allowed and what is used after one answer that says: one call allowed, none left, for 30 s.
async fn after_an_answer(source: Source) -> (u32, u32) {
    let vendor = vendor(5);
    let told = |text: &str| Some(text.to_owned());
    let (limit, remaining, reset) = (told("1"), told("0"), told("30"));
    let headers =
        Headers { rate_limit: limit, rate_limit_remaining: remaining, rate_limit_reset: reset, ..Headers::default() };
    *vendor.first.lock().unwrap() = vec![(200, headers, "[]")];
    let fetcher = of(&vendor);
    collect(fetcher.fetch(scan(source, "requests", &["id"]), patient())).await.unwrap();
    let usage = &fetcher.usage()[0];
    (usage.quota.calls, usage.used)
}

#[tokio::test(start_paused = true)]
async fn of_what_an_answer_tells_of_the_quota_only_what_is_known_to_be_so_is_believed() {
    const NOTHING: Connector = Connector { told: Told::NOTHING, ..SMALL };
    const REMAINING: Connector = Connector { told: Told { limit_per: None, remaining: true }, ..SMALL };
    // This vendor's Remaining is no count.
    assert_eq!(after_an_answer(limited(9)).await, (1, 1));
    let hourly = Quota { per: Duration::from_secs(3_600), ..limited(9).quota };
    assert_eq!(after_an_answer(Source { quota: hourly, ..limited(9) }).await, (9, 1));
    assert_eq!(after_an_answer(Source { connector: &NOTHING, ..limited(9) }).await, (9, 1));
    assert_eq!(after_an_answer(Source { connector: &REMAINING, ..limited(9) }).await, (9, 9));
}

#[tokio::test(start_paused = true)]
async fn a_backfill_reads_its_pages_at_its_pace() {
    let (vendor, start) = (vendor(25_000), Instant::now());
    let mut statement = Statement::new("alice", None, 1_000);
    statement.policy.priority = Priority::Backfill;
    let rows = collect(of(&vendor).fetch(scan(limited(10), "requests", &["id"]), Arc::new(statement))).await;
    assert_eq!((count(&rows.unwrap()), vendor.calls()), (25_000, 3));
    assert_eq!(start.elapsed(), Duration::from_secs(24));
}
