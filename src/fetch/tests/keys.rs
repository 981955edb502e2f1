//! Rows that come key by key: one call for each key, all of them or an error.

use super::paged::{Answer, Paged, failure_of, ok, parameter, read, refusal, rows_of, start};
use super::vendor::START;
use super::*;
use crate::model::scan::{KeySlot, Keys};
use crate::model::statement::{End, Policy, Severity};
use crate::upstream::refusal::Headers;
use crate::upstream::trulayer;

pub(super) const EXPORT: &str = "/v1/traces/export";
const HOUR: i64 = 3_600 * 1_000_000;

pub(super) fn key(number: usize) -> String {
    format!("018f0000-0000-7000-8000-{number:012}")
}

pub(super) fn keys(count: usize) -> Vec<String> {
    (0..count).map(key).collect()
}

/// Three spans a trace, a minute apart.
pub(super) fn lines(trace: &str) -> String {
    let line = |index: i64| {
        let time = crate::model::scan::iso_micros(START + index * 60_000_000);
        format!(r#"{{"trace_id":"{trace}","span_id":"{trace}/{index}","name":"n","created_at":"{time}"}}"#)
    };
    (0..3).map(line).collect::<Vec<_>>().join("\n")
}

pub(super) fn export(request: &Request) -> Answer {
    ok(lines(parameter(request, "trace_id").unwrap()))
}

/// The list of so many traces, ten on a page, some of them twice.
pub(super) fn list(request: &Request, count: usize) -> Answer {
    let first: usize = parameter(request, "cursor").unwrap_or("0").parse().unwrap();
    let last = (first + 10).min(count);
    let twice = (first..last).chain(first..last.min(first + 2));
    let time = crate::model::scan::iso_micros(START);
    let trace = |number| format!(r#"{{"id":"{}","started_at":"{time}"}}"#, key(number));
    let traces: Vec<String> = twice.map(trace).collect();
    let (next, more) = if last < count { (format!("\"{last}\""), true) } else { ("null".to_owned(), false) };
    ok(format!(r#"{{"traces":[{}],"next_cursor":{next},"has_more":{more}}}"#, traces.join(",")))
}

/// An upstream with so many traces, which answers an export as it is told.
pub(super) fn vendor(count: usize, export: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Arc<Paged> {
    Arc::new(Paged::new(move |request, before| match request.path.as_str() {
        EXPORT => export(request, before),
        _ => list(request, count),
    }))
}

pub(super) fn healthy(count: usize) -> Arc<Paged> {
    vendor(count, |request, _| export(request))
}

pub(super) fn spans(keys: Keys) -> Scan {
    Scan { keys, ..scan(source_of(&trulayer::CONNECTOR), "spans", &["trace_id", "span_id"]) }
}

/// The keys that were asked for, in their order.
pub(super) fn asked(vendor: &Paged) -> Vec<String> {
    let asked = vendor.asked();
    asked
        .iter()
        .filter(|request| request.path == EXPORT)
        .filter_map(|request| parameter(request, "trace_id"))
        .map(str::to_owned)
        .collect()
}

pub(super) fn span_ids(batches: &[RecordBatch]) -> BTreeSet<String> {
    let ids = texts(batches, "span_id");
    let unique: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!(ids.len(), unique.len(), "rows came twice");
    unique
}

#[tokio::test]
async fn each_key_is_one_call_and_a_few_are_under_way_at_once() {
    let vendor = healthy(0);
    let rows = rows_of(&vendor, spans(Keys::Known(keys(40)))).await;
    assert_eq!((span_ids(&rows).len(), vendor.calls()), (120, 40));
    assert!((2..=8).contains(&vendor.most()), "{} at once", vendor.most());
    assert_eq!(rows_of(&healthy(0), spans(Keys::Known(Vec::new()))).await.len(), 0);
}

#[tokio::test]
async fn a_quota_of_two_at_once_is_kept_to() {
    let vendor = healthy(0);
    let mut source = source_of(&trulayer::CONNECTOR);
    source.quota.concurrency = 2;
    rows_of(&vendor, Scan { source: Arc::new(source), ..spans(Keys::Known(keys(10))) }).await;
    assert_eq!(vendor.most(), 2);
}

/// As in a join, which reads one side to its end before it goes on with the other.
#[tokio::test(start_paused = true)]
async fn calls_whose_rows_are_not_read_do_not_hold_up_other_scans_of_the_source() {
    let transport: Arc<dyn Transport> = Arc::<Paged>::clone(&healthy(0));
    let fetcher = fetcher(transport);
    let mut source = source_of(&trulayer::CONNECTOR);
    source.quota.concurrency = 3;
    let source = Arc::new(source);
    let scan = || fetcher.fetch(Scan { source: Arc::clone(&source), ..spans(Keys::Known(keys(12))) }, patient());
    let mut begun = [scan(), scan()];
    let mut rows = 0;
    for batches in &mut begun {
        rows += batches.try_next().await.unwrap().unwrap().num_rows();
    }
    let third = tokio::time::timeout(Duration::from_secs(3_600), collect(scan())).await;
    assert_eq!(span_ids(&third.expect("it waits for the others").unwrap()).len(), 36);
    for batches in begun {
        rows += count(&collect(batches).await.unwrap());
    }
    assert_eq!(rows, 72);
}

#[tokio::test]
async fn a_key_given_twice_is_asked_for_once_and_what_is_no_key_not_at_all() {
    let vendor = healthy(0);
    let given = vec![key(1), key(2), key(1), "no uuid".to_owned(), String::new()];
    let slot = Arc::new(KeySlot::default());
    slot.give(given.clone());
    for keys in [Keys::Known(given), Keys::Awaited(slot)] {
        vendor.asked.lock().unwrap().clear();
        assert_eq!(span_ids(&rows_of(&vendor, spans(keys)).await).len(), 6);
        assert_eq!(asked(&vendor).len(), 2);
    }
}

#[tokio::test]
async fn where_few_rows_are_wanted_keys_are_asked_for_one_by_one() {
    let vendor = healthy(0);
    let mut batches = start(&vendor, Scan { limit: Some(4), ..spans(Keys::Known(keys(9))) }, &patient());
    for calls in 1..=2 {
        batches.try_next().await.unwrap().unwrap();
        assert_eq!((vendor.calls(), vendor.most()), (calls, 1));
    }
    drop(batches);
    assert_eq!(asked(&vendor), keys(2));
}

#[tokio::test]
async fn a_dropped_stream_stops_the_calls_under_way() {
    let mut hanging = Paged::new(|request, _| export(request));
    hanging.hangs_from = 0;
    let vendor = Arc::new(hanging);
    let statement = patient();
    let mut batches = start(&vendor, spans(Keys::Known(keys(20))), &statement);
    tokio::select! {
        _ = batches.try_next() => panic!("it hangs"),
        () = vendor.called.notified() => {}
    }
    assert_eq!(vendor.under_way(), 8);
    drop(batches);
    assert!(vendor.is_left_alone().await);
    assert_eq!(vendor.calls(), 8);
    assert_eq!(statement.scans()[0].ended(), End::Stopped);
}

#[tokio::test]
async fn a_key_that_upstream_does_not_know_has_no_rows() {
    let vendor = vendor(0, |request, _| match parameter(request, "trace_id") == Some(&key(1)) {
        true => refusal(404, r#"{"error":"trace not found"}"#),
        false => export(request),
    });
    assert_eq!(span_ids(&rows_of(&vendor, spans(Keys::Known(keys(3)))).await).len(), 6);
    assert_eq!(vendor.calls(), 3);
}

#[tokio::test]
async fn a_404_that_speaks_of_no_key_is_an_error() {
    for body in ["<html>not found</html>", "404 page not found", r#"{"detail":"Not Found"}"#, ""] {
        let vendor = vendor(0, move |_, _| refusal(404, body));
        let error = failure_of(&vendor, spans(Keys::Known(keys(1)))).await;
        assert!(error.hint.unwrap().contains("base_url"), "{body}");
    }
}

#[tokio::test]
async fn a_404_of_the_list_is_never_taken_for_an_empty_list() {
    let vendor = Arc::new(Paged::new(|_, _| refusal(404, r#"{"error":"not found"}"#)));
    let error = failure_of(&vendor, spans(Keys::Listed)).await;
    assert_eq!(error.kind, Kind::UpstreamRequest);
    let traces = scan(source_of(&trulayer::CONNECTOR), "traces", &["id"]);
    assert_eq!(failure_of(&vendor, traces).await.kind, Kind::UpstreamRequest);
}

#[tokio::test]
async fn a_key_that_fails_fails_the_scan() {
    let vendor = vendor(0, |request, _| match parameter(request, "trace_id") == Some(&key(3)) {
        true => refusal(403, r#"{"error":"no"}"#),
        false => export(request),
    });
    let statement = patient();
    let mut batches = start(&vendor, spans(Keys::Known(keys(60))), &statement);
    let error = loop {
        if let Err(error) = batches.try_next().await {
            break error;
        }
    };
    assert_eq!(error.kind, Kind::UpstreamAuthorization);
    assert!(batches.try_next().await.unwrap().is_none(), "nothing comes after an error");
    assert!(vendor.is_left_alone().await && vendor.calls() < 20, "{} calls", vendor.calls());
    assert_eq!(statement.scans()[0].ended(), End::Failed(error.message));
}

fn truncating() -> Arc<Paged> {
    vendor(0, |request, _| {
        let is_cut = parameter(request, "trace_id") == Some(&key(1));
        let flags = if is_cut { vec!["x-trulayer-truncated".to_owned()] } else { Vec::new() };
        Answer { headers: Headers { flags, ..Headers::default() }, ..export(request) }
    })
}

#[tokio::test]
async fn a_key_whose_rows_were_cut_is_an_error_that_names_it() {
    let vendor = truncating();
    let error = failure_of(&vendor, spans(Keys::Known(keys(2)))).await;
    let message = format!("upstream cut its answer for trulayer.spans under key '{}' after 3 rows", key(1));
    assert_eq!((error.kind, error.message), (Kind::UpstreamTruncated, message));
    assert!(error.hint.unwrap().contains("spanwire.on_truncated"));
    assert_eq!(vendor.calls(), 2, "it would be cut again");
}

#[tokio::test]
async fn a_session_can_take_what_was_cut_with_a_warning() {
    let vendor = truncating();
    let mut statement = Statement::new("alice", None, 100);
    statement.policy = Policy { warn_on_truncated: true, ..Policy::default() };
    let statement = Arc::new(statement);
    let rows = collect(start(&vendor, spans(Keys::Known(keys(3))), &statement)).await.unwrap();
    assert_eq!(span_ids(&rows).len(), 9);
    assert_eq!(statement.scans()[0].ended(), End::Truncated);
    let notices = statement.take_notices();
    assert_eq!((notices.len(), notices[0].severity), (1, Severity::Warning));
    assert!(notices[0].message.contains(&key(1)));
}

#[tokio::test]
async fn rows_of_another_key_or_time_do_not_come() {
    let vendor = vendor(0, |request, _| {
        let wanted = parameter(request, "trace_id").unwrap();
        ok(format!("{}\n{}", lines(wanted), lines(&key(99))))
    });
    let range = Range { from: Some(START + 60_000_000), to: Some(START + 119_999_999) };
    let rows = rows_of(&vendor, Scan { range, ..spans(Keys::Known(keys(2))) }).await;
    let expected = keys(2).iter().map(|key| format!("{key}/1")).collect();
    assert_eq!(span_ids(&rows), expected);
    assert!(vendor.asked().iter().all(|request| parameter(request, "from").is_none()), "the export takes no times");
}

#[tokio::test]
async fn listed_keys_reach_back_before_the_range_and_come_once() {
    let vendor = healthy(25);
    let range = Range { from: Some(START), to: Some(START + HOUR) };
    let rows = rows_of(&vendor, Scan { range, ..spans(Keys::Listed) }).await;
    assert_eq!((span_ids(&rows).len(), vendor.calls()), (75, 25 + 3));
    let first = &vendor.asked()[0];
    assert_eq!(parameter(first, "from"), Some("2026-05-14T22:59:59.999Z"));
    assert_eq!(parameter(first, "to"), Some("2026-05-15T01:00:00.001Z"));
}

#[tokio::test]
async fn the_list_is_read_only_as_far_as_keys_are_wanted() {
    let vendor = healthy(25);
    let mut batches = start(&vendor, Scan { limit: Some(1), ..spans(Keys::Listed) }, &patient());
    batches.try_next().await.unwrap().unwrap();
    drop(batches);
    assert_eq!(vendor.calls(), 2);
}

#[tokio::test]
async fn the_list_is_asked_for_what_the_source_is_set_to() {
    let projects = |of: &Paged| {
        let lists = of.asked().into_iter().filter(|request| request.path != EXPORT);
        lists.map(|request| parameter(&request, "project_id").map(str::to_owned)).collect::<Vec<_>>()
    };
    let vendor = healthy(5);
    rows_of(&vendor, spans(Keys::Listed)).await;
    assert_eq!(projects(&vendor), [None]);
    // Each project that the source names has a list of its own; a key in both is asked for once.
    let mut source = source_of(&trulayer::CONNECTOR);
    source.settings.insert("projects".to_owned(), vec!["p1".to_owned(), "p2".to_owned()]);
    let listed = Scan { source: Arc::new(source), ..spans(Keys::Listed) };
    let vendor = healthy(5);
    assert_eq!(span_ids(&rows_of(&vendor, listed.clone()).await).len(), 15);
    assert_eq!(projects(&vendor), [Some("p1".to_owned()), Some("p2".to_owned())]);
    // The filters of the scan choose one of them.
    let vendor = healthy(5);
    let filters = vec![Filter::one("project_id", Op::Equal, Value::Text("p2".to_owned()))];
    rows_of(&vendor, Scan { filters, ..listed }).await;
    assert_eq!(projects(&vendor), [Some("p2".to_owned())]);
}

#[tokio::test]
async fn a_budget_that_is_used_up_is_told_with_a_hint() {
    let vendor = healthy(25);
    let statement = Arc::new(Statement::new("alice", None, 6));
    let error = collect(start(&vendor, spans(Keys::Listed), &statement)).await.unwrap_err();
    assert_eq!((error.kind.sqlstate(), vendor.calls()), ("53400", 6));
    assert!(error.hint.unwrap().contains("spanwire.max_calls"));
}

#[tokio::test]
async fn an_order_that_keys_cannot_give_is_refused() {
    let order = Some(Order { column: "created_at", path: Vec::new(), parameter: "", descending: true });
    let (rows, _) = read(&healthy(0), Scan { order, ..spans(Keys::Known(keys(2))) }).await;
    assert_eq!(rows.unwrap_err().kind, Kind::Internal);
}
