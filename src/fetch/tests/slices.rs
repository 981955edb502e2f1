//! Whole ranges in one answer: one call if it fits, and slices that hold every row once if it does not.

use std::sync::atomic::Ordering;

use super::paged::{Answer, Paged, bound, failure_of, numbers, ok, read, rows_of};
use super::vendor::START;
use super::*;
use crate::model::connector::Body;
use crate::upstream::scale;

const COLUMNS: &[&str] = &["id", "trace_id", "start_timestamp"];
const SECOND: i64 = 1_000_000;

/// How an upstream behaves.
#[derive(Clone, Copy, Debug)]
struct Manner {
    /// The upper bound is not inclusive.
    excludes_end: bool,
    /// All rows of the traces come of which one lies in the range.
    widens: bool,
    /// Bytes beside the columns that are read, in each row.
    padding: usize,
}

const PLAIN: Manner = Manner { excludes_end: false, widens: false, padding: 0 };

/// Times in microseconds from [`START`]; row `r{n}` has the n-th and belongs to trace `n / 5`.
fn vendor(times: Vec<i64>, manner: Manner) -> Arc<Paged> {
    Arc::new(Paged::new(move |request, _| answer(&times, manner, request)))
}

fn answer(times: &[i64], manner: Manner, request: &Request) -> Answer {
    let from = bound(request, "from_ts").unwrap_or(i64::MIN);
    let to = bound(request, "to_ts").unwrap_or(i64::MAX);
    let inside = |time: i64| from <= time && if manner.excludes_end { time < to } else { time <= to };
    let rows: Vec<(usize, i64)> = times.iter().map(|time| START + time).enumerate().collect();
    let traces: BTreeSet<usize> = rows.iter().filter(|row| inside(row.1)).map(|row| row.0 / 5).collect();
    let comes = |row: &&(usize, i64)| if manner.widens { traces.contains(&(row.0 / 5)) } else { inside(row.1) };
    let padding = "x".repeat(manner.padding);
    let line = |(index, time): &(usize, i64)| {
        let time = crate::model::scan::iso_micros(*time);
        // IDs are unique within their trace only.
        let (trace, id) = (index / 5, if manner.widens { format!("s{}", index % 5) } else { format!("r{index}") });
        format!(r#"{{"id":"{id}","trace_id":"t{trace}","start_timestamp":"{time}","name":"{padding}"}}"#)
    };
    let mut lines: Vec<String> = rows.iter().filter(comes).map(line).collect();
    lines.sort_by_key(|line| line.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte)));
    ok(serde_json::json!({ "filename": "spans.jsonl", "content": lines.join("\n") }).to_string())
}

fn spans(body_bytes: u64) -> Scan {
    scan(Source { body_bytes, ..source_of(&scale::CONNECTOR) }, "spans", COLUMNS)
}

/// A scan of so many seconds.
fn within(body_bytes: u64, seconds: i64) -> Scan {
    let range = Range { from: Some(START), to: Some(START + seconds * SECOND) };
    Scan { range, ..spans(body_bytes) }
}

fn by_time(descending: bool) -> Option<Order> {
    Some(Order { column: "start_timestamp", path: Vec::new(), parameter: "", descending })
}

fn every(step: i64, count: i64) -> Vec<i64> {
    (0..count).map(|index| index * step).collect()
}

fn ids(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|index| format!("r{index}"))
}

#[tokio::test]
async fn what_fits_is_one_call() {
    for count in [0, 1, 3_000] {
        let vendor = vendor(every(SECOND, count), PLAIN);
        assert_rows(&rows_of(&vendor, spans(1 << 30)).await, ids(count as usize));
        assert_eq!(vendor.calls(), 1);
        assert!(bound(&vendor.asked()[0], "to_ts").is_none(), "the end is as open as it was");
    }
    let vendor = vendor(every(SECOND, 10), PLAIN);
    let nothing = Range { from: Some(2), to: Some(1) };
    assert_eq!(count(&rows_of(&vendor, Scan { range: nothing, ..spans(1 << 30) }).await), 0);
    assert_eq!(vendor.calls(), 0);
}

#[tokio::test]
async fn an_answer_too_large_is_cut_until_its_parts_fit() {
    for excludes_end in [false, true] {
        // A row each second: one lies on every border.
        let vendor = vendor(every(SECOND, 2_000), Manner { excludes_end, ..PLAIN });
        let (rows, statement) = read(&vendor, within(20_000, 2_001)).await;
        assert_rows(&rows.unwrap(), ids(2_000));
        // A row takes about 80 bytes, so two hundred fit; what is given up costs no more than the limit and a piece.
        assert!(vendor.calls() <= 20, "{} calls", vendor.calls());
        let bytes = statement.scans()[0].bytes.load(Ordering::Relaxed);
        let given_up = bytes.saturating_sub(2_000 * 85) / (20_000 + 4_096);
        assert!(given_up <= 5, "{bytes} bytes, as much as {given_up} answers given up");
    }
}

#[tokio::test]
async fn rows_in_bursts_come_once_over_many_slices() {
    let times: Vec<i64> =
        (0..1_500).map(|index| (index / 100) * (index / 100) * 97 * SECOND + index % 100 * 20_000).collect();
    let vendor = vendor(times, PLAIN);
    assert_rows(&rows_of(&vendor, within(30_000, 40_000)).await, ids(1_500));
    assert!(vendor.calls() <= 40, "{} calls", vendor.calls());
}

#[tokio::test]
async fn an_open_end_is_cut_like_any_other() {
    let vendor = vendor(every(SECOND, 500), PLAIN);
    let range = Range { from: Some(START), to: None };
    assert_rows(&rows_of(&vendor, Scan { range, ..spans(20_000) }).await, ids(500));
}

#[tokio::test]
async fn a_second_that_is_too_large_is_an_error_that_says_what_to_do() {
    let vendor = vendor(vec![5 * SECOND; 500], PLAIN);
    let error = failure_of(&vendor, within(20_000, 60)).await;
    assert_eq!(error.kind, Kind::ConfigurationLimit);
    assert_eq!(error.message, "an answer for scale.spans is larger than 20000 bytes");
    assert!(error.detail.unwrap().contains("It is one second's answer, from 2026-05-15T00:00:0"));
    let hint = error.hint.unwrap();
    assert!(hint.contains("body_bytes") && hint.contains("another column"), "{hint}");
    assert!(vendor.calls() <= 14, "{} calls", vendor.calls());
}

#[tokio::test]
async fn without_a_lower_bound_the_error_asks_for_one() {
    let vendor = vendor(every(SECOND, 500), PLAIN);
    let error = failure_of(&vendor, Scan { range: Range::default(), ..spans(20_000) }).await;
    assert!(error.hint.unwrap().contains("lower bound on \"start_timestamp\""));
    assert_eq!(vendor.calls(), 1);
}

#[tokio::test]
async fn a_budget_that_runs_out_is_no_body_too_large() {
    let vendor = vendor(every(SECOND, 2_000), PLAIN);
    let statement = Arc::new(Statement::new("alice", None, 3));
    let error = collect(super::paged::start(&vendor, within(20_000, 2_001), &statement)).await.unwrap_err();
    assert_eq!(error.message, "statement needs more than 3 upstream calls");
    assert_eq!(vendor.calls(), 3);
}

#[tokio::test]
async fn few_rows_wanted_are_looked_for_in_the_newest_part_first() {
    let vendor = vendor(every(SECOND, 6_400), PLAIN);
    let scan = Scan { limit: Some(20), order: by_time(true), ..within(1 << 30, 6_400) };
    let mut batches = super::paged::start(&vendor, scan, &patient());
    let first = batches.try_next().await.unwrap().unwrap();
    assert!((90..=110).contains(&first.num_rows()), "{}", first.num_rows());
    assert_eq!(vendor.calls(), 1);
    let mut all = vec![first];
    all.extend(collect(batches).await.unwrap());
    assert_rows(&all, ids(6_400));
    assert!(numbers(&all, "start_timestamp").is_sorted_by(|one, next| one >= next));
    assert_eq!(vendor.calls(), 4, "each part is wider than the one before");
}

#[tokio::test]
async fn an_order_holds_over_slices() {
    for (descending, limit) in [(true, None), (true, Some(5)), (false, None), (false, Some(5))] {
        let vendor = vendor(every(SECOND / 2, 1_000), PLAIN);
        let rows = rows_of(&vendor, Scan { limit, order: by_time(descending), ..within(20_000, 600) }).await;
        assert_rows(&rows, ids(1_000));
        let mut times = numbers(&rows, "start_timestamp");
        if descending {
            times.reverse();
        }
        assert!(times.is_sorted());
    }
}

#[tokio::test]
async fn rows_from_outside_their_slice_come_once() {
    // A trace has a row in each of five times, far from each other.
    let times: Vec<i64> = (0..600).map(|index| (index % 5) * 1_000 * SECOND + index / 5 * SECOND).collect();
    for order in [None, by_time(true)] {
        let vendor = vendor(times.clone(), Manner { widens: true, ..PLAIN });
        let range = Range { from: Some(START), to: Some(START + 900 * SECOND) };
        let widened = Scan { widened: true, switches: vec!["with_children"], order, range, ..spans(20_000) };
        let is_ordered = widened.order.is_some();
        let rows = rows_of(&vendor, widened).await;
        assert!(vendor.calls() > 3, "it is cut");
        let found = texts(&rows, "trace_id").into_iter().zip(texts(&rows, "id"));
        let found: BTreeSet<(String, String)> = found.collect();
        assert_eq!((count(&rows), found.len()), (600, 600));
        assert!(!is_ordered || numbers(&rows, "start_timestamp").is_sorted_by(|one, next| one >= next));
    }
}

#[tokio::test]
async fn rows_that_cannot_be_told_apart_are_not_cut_into_slices() {
    const NAMELESS: Connector = Connector { tables: &[NAMELESS_SPANS], ..scale::CONNECTOR };
    const NAMELESS_SPANS: Table = Table { identity: &[], ..scale::CONNECTOR.tables[0] };
    let vendor = vendor(every(SECOND, 600), Manner { widens: true, ..PLAIN });
    let source = Arc::new(Source { body_bytes: 20_000, ..source_of(&NAMELESS) });
    let scan = Scan { widened: true, source, table: &NAMELESS_SPANS, ..within(20_000, 600) };
    let error = failure_of(&vendor, scan).await;
    assert_eq!((error.kind, vendor.calls()), (Kind::ConfigurationLimit, 1));
}

#[tokio::test]
async fn a_stream_dropped_between_slices_makes_no_further_call() {
    let vendor = vendor(every(SECOND, 2_000), PLAIN);
    let mut batches = super::paged::start(&vendor, within(20_000, 2_001), &patient());
    batches.try_next().await.unwrap().unwrap();
    let calls = vendor.calls();
    drop(batches);
    assert_eq!(vendor.calls(), calls);
    assert!(calls < 8, "{calls} calls for the first rows");
}

proptest::proptest! {
    #[test]
    fn every_row_comes_once(
        bursts in proptest::collection::vec((0_i64..90_000, 0_usize..120, 0_i64..40_000_000), 1..8),
        newest_first: bool,
        limit in proptest::option::of(1_usize..50),
        excludes_end: bool,
    ) {
        let burst = |(start, count, step): &(i64, usize, i64)| {
            let (start, step) = (*start * SECOND, *step);
            (0..*count as i64).map(move |index| start + index * step)
        };
        let times: Vec<i64> = bursts.iter().flat_map(burst).collect();
        let n_rows = times.len();
        let vendor = vendor(times, Manner { excludes_end, ..PLAIN });
        let order = if newest_first { by_time(true) } else { None };
        let scan = Scan { order, limit, ..within(40_000, 200_000) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let rows = runtime.block_on(read(&vendor, scan)).0.unwrap();
        assert_rows(&rows, ids(n_rows));
        proptest::prop_assert!(!newest_first || numbers(&rows, "start_timestamp").is_sorted_by(|one, next| one >= next));
        proptest::prop_assert!(vendor.calls() <= 80, "{} calls", vendor.calls());
    }
}

#[test]
fn the_export_of_spans_is_a_file_without_pages() {
    assert!(matches!(scale::CONNECTOR.tables[0].body, Body::File { .. }));
}
