//! Every row exactly once, in as few calls as the rows need.

use super::vendor::{START, Sorting, Vendor};
use super::*;

const COLUMNS: &[&str] = &["id", "created_at"];
const NEWEST: Order = Order { column: "created_at", path: Vec::new(), parameter: "", descending: true };

async fn read(vendor: &Arc<Vendor>, scan: Scan) -> (Result<Vec<RecordBatch>>, Arc<Statement>) {
    let statement = patient();
    let transport: Arc<dyn Transport> = Arc::<Vendor>::clone(vendor);
    let rows = collect(fetcher(transport).fetch(scan, Arc::clone(&statement))).await;
    (rows, statement)
}

async fn read_all(vendor: Vendor) -> (Vec<RecordBatch>, u32) {
    let vendor = Arc::new(vendor);
    let connector = if vendor.max_rows == 100 { &SMALL } else { &spanlens::CONNECTOR };
    let source = Source { connector, ..source("http://test") };
    let (rows, statement) = read(&vendor, scan(source, "requests", COLUMNS)).await;
    let rows = rows.unwrap();
    assert_rows(&rows, vendor.ids());
    let ledger = &statement.scans()[0];
    assert_eq!(ledger.rows.load(std::sync::atomic::Ordering::Relaxed), vendor.rows.len() as u64);
    assert_eq!(ledger.calls.load(std::sync::atomic::Ordering::Relaxed), vendor.calls());
    (rows, vendor.calls())
}

/// A vendor whose pages hold a hundred rows.
fn small(count: usize, sorting: Sorting, time: impl Fn(i64) -> i64) -> Vendor {
    Vendor { max_rows: 100, ..Vendor::of(count, sorting, time) }
}

async fn fail(vendor: Vendor, scan: Scan) -> Error {
    read(&Arc::new(vendor), scan).await.0.expect_err("it cannot be read")
}

fn requests_scan() -> Scan {
    scan(source("http://test"), "requests", COLUMNS)
}

#[tokio::test]
async fn ninety_five_thousand_rows_take_ten_calls() {
    let (_, calls) = read_all(Vendor::of(95_000, Sorting::Newest, |index| index * 1_000)).await;
    assert_eq!(calls, 10);
}

#[tokio::test]
async fn ascending_rows_take_as_few_calls() {
    let (_, calls) = read_all(Vendor::of(95_000, Sorting::Oldest, |index| index * 1_000)).await;
    assert_eq!(calls, 10);
}

#[tokio::test]
async fn ties_on_every_border_come_once() {
    // 10,000 is no multiple of 120, so each page ends within a group.
    for sorting in [Sorting::Newest, Sorting::Oldest] {
        let (_, calls) = read_all(Vendor::of(50_000, sorting, |index| index / 120 * 1_000)).await;
        assert_eq!(calls, 6);
    }
}

#[tokio::test]
async fn times_finer_than_the_bounds_lose_nothing() {
    for compares_at_us in [1, 1_000] {
        for sorting in [Sorting::Newest, Sorting::Oldest, Sorting::Scattered] {
            let mut vendor = small(3_000, sorting, |index| index * 37 + index / 3);
            vendor.compares_at_us = compares_at_us;
            read_all(vendor).await;
        }
    }
}

#[tokio::test]
async fn an_unsorted_upstream_is_read_by_halves() {
    // A burst in one hour of thirty days: halving the time would waste calls on empty ranges.
    let (_, calls) = read_all(Vendor::of(95_000, Sorting::Scattered, |index| index * 37_000)).await;
    assert!(calls <= 2 * 95_000 / 5_000, "{calls} calls");
    read_all(small(4_000, Sorting::Scattered, |index| index / 12 * 1_000)).await;
    read_all(small(2_500, Sorting::Scattered, |index| if index < 90 { 0 } else { index * 1_000_000 })).await;
}

#[tokio::test]
async fn the_empty_and_the_exactly_full() {
    assert_eq!(read_all(Vendor::of(0, Sorting::Newest, |index| index)).await.1, 1);
    assert_eq!(read_all(Vendor::of(9_999, Sorting::Newest, |index| index * 1_000)).await.1, 1);
    // A full page may or may not be the last.
    assert_eq!(read_all(Vendor::of(10_000, Sorting::Newest, |index| index * 1_000)).await.1, 2);
    let vendor = Arc::new(Vendor::of(1, Sorting::Newest, |index| index));
    let mut nothing = requests_scan();
    nothing.range = Range { from: Some(2), to: Some(1) };
    assert_eq!(count(&read(&vendor, nothing).await.0.unwrap()), 0);
    assert_eq!(vendor.calls(), 0);
}

#[tokio::test]
async fn more_rows_on_one_instant_than_a_page_holds() {
    for sorting in [Sorting::Newest, Sorting::Oldest, Sorting::Scattered] {
        let error = fail(Vendor::of(10_001, sorting, |_| 0), requests_scan()).await;
        assert_eq!(error.kind, Kind::ProgramLimit);
        assert_eq!(error.message, "more than 10000 rows of spanlens.requests share one instant");
        assert!(error.detail.unwrap().contains("2026-05-15T00:00:00.000Z"));
        assert!(error.hint.is_some());
        let crowd = Vendor::of(40_000, sorting, |index| if index < 10_001 { 5_000_000 } else { index * 1_000 });
        assert_eq!(fail(crowd, requests_scan()).await.kind, Kind::ProgramLimit, "{sorting:?}");
    }
}

#[tokio::test]
async fn a_range_is_kept_to() {
    let vendor = Arc::new(Vendor::of(30_000, Sorting::Newest, |index| index * 1_000));
    let mut some = requests_scan();
    some.range = Range { from: Some(START + 5_000_000), to: Some(START + 20_000_000) };
    let (rows, statement) = read(&vendor, some).await;
    assert_rows(&rows.unwrap(), (5_000..=20_000).map(|index| format!("r{index}")));
    assert_eq!(
        requests(&statement),
        [
            "GET /api/v1/exports/requests?format=json&from=2026-05-15T00:00:05.000Z&to=2026-05-15T00:00:20.000Z&limit=10000",
            "GET /api/v1/exports/requests?format=json&from=2026-05-15T00:00:05.000Z&to=2026-05-15T00:00:10.001Z&limit=10000",
        ]
    );
}

fn ignoring(count: usize, sorting: Sorting) -> Vendor {
    Vendor { ignores_window: true, ..Vendor::of(count, sorting, |index| index * 1_000) }
}

fn security(from: i64, to: Option<i64>) -> Scan {
    let mut scan = scan(source("http://test"), "security", COLUMNS);
    scan.range = Range { from: Some(START + from), to: to.map(|to| START + to) };
    scan
}

#[tokio::test]
async fn an_ignored_window_is_an_error_only_if_rows_may_be_missing() {
    // A short answer holds all there is.
    let vendor = Arc::new(ignoring(9_999, Sorting::Newest));
    let rows = read(&vendor, security(1_000_000, Some(2_000_000))).await.0.unwrap();
    assert_rows(&rows, (1_000..=2_000).map(|index| format!("r{index}")));
    // A full one that reaches below the range holds all of the range.
    let vendor = Arc::new(ignoring(40_000, Sorting::Newest));
    let rows = read(&vendor, security(35_000_000, None)).await.0.unwrap();
    assert_rows(&rows, (35_000..40_000).map(|index| format!("r{index}")));
    assert_eq!(vendor.calls(), 1);
    for (range, sorting) in [
        (security(0, None), Sorting::Newest),
        (security(0, Some(1_000_000)), Sorting::Newest),
        (security(39_000_000, None), Sorting::Oldest),
        (security(0, Some(39_000_000)), Sorting::Scattered),
        (security(35_000_000, None), Sorting::Scattered),
    ] {
        let error = fail(ignoring(40_000, sorting), range).await;
        assert_eq!(error.kind, Kind::UpstreamTruncated);
        let message = "upstream ignores the time range of spanlens.security and holds more than 10000 rows";
        assert_eq!(error.message, message);
    }
}

#[tokio::test]
async fn the_newest_row_of_an_unsorted_upstream_is_never_one_that_came_first_by_chance() {
    for step in 1..=100 {
        let vendor = Arc::new(Vendor::of(300, Sorting::Scattered, |index| index * step * 1_000));
        let newest = vendor.rows.last().unwrap().1;
        let (rows, _) = read(&vendor, sorted(Some(1))).await;
        assert_eq!(times(&rows.unwrap())[0], newest, "a row every {step} ms");
    }
}

#[tokio::test]
async fn a_limit_is_sent_and_the_rest_comes_if_it_is_asked_for() {
    let vendor = Arc::new(Vendor::of(25_000, Sorting::Newest, |index| index / 7 * 1_000));
    let mut few = requests_scan();
    few.limit = Some(50);
    let statement = patient();
    let transport: Arc<dyn Transport> = Arc::<Vendor>::clone(&vendor);
    let mut batches = fetcher(transport).fetch(few, Arc::clone(&statement));
    let first = batches.try_next().await.unwrap().unwrap();
    assert_eq!(first.num_rows(), 50);
    assert_eq!(vendor.calls(), 1);
    assert!(requests(&statement)[0].ends_with("&limit=50"));
    let mut all = vec![first];
    all.extend(collect(batches).await.unwrap());
    assert_rows(&all, vendor.ids());
    assert_eq!(vendor.calls(), 4);
}

#[tokio::test]
async fn pages_are_asked_for_one_by_one() {
    let vendor = Arc::new(Vendor::of(25_000, Sorting::Newest, |index| index * 1_000));
    let transport: Arc<dyn Transport> = Arc::<Vendor>::clone(&vendor);
    let mut batches = fetcher(transport).fetch(requests_scan(), patient());
    assert_eq!(vendor.calls(), 0);
    let mut read = 0;
    while let Some(batch) = batches.try_next().await.unwrap() {
        read += batch.num_rows();
        assert_eq!(vendor.calls() as usize, read.div_ceil(10_000).max(1), "after {read} rows");
    }
    assert_eq!(read, 25_000);
}

fn sorted(limit: Option<usize>) -> Scan {
    Scan { order: Some(NEWEST), limit, ..requests_scan() }
}

#[tokio::test]
async fn newest_first_holds_whatever_upstream_does() {
    for (sorting, limit) in [
        (Sorting::Newest, None),
        (Sorting::Newest, Some(1)),
        (Sorting::Newest, Some(70)),
        (Sorting::Newest, Some(100)),
        (Sorting::Oldest, None),
        (Sorting::Oldest, Some(1)),
        (Sorting::Oldest, Some(70)),
        (Sorting::Scattered, None),
        (Sorting::Scattered, Some(70)),
    ] {
        for count in [40, 90, 350, 1_000] {
            let vendor = Arc::new(small(count, sorting, |index| index / 3 * 1_000));
            let small = Source { connector: &SMALL, ..source("http://test") };
            let scan = Scan { source: Arc::new(small), table: &SMALL_TABLES[0], ..sorted(limit) };
            let rows = read(&vendor, scan).await.0.unwrap();
            assert_rows(&rows, vendor.ids());
            assert!(times(&rows).is_sorted_by(|one, next| one >= next), "{sorting:?} {limit:?} {count}");
        }
    }
}

#[tokio::test]
async fn a_small_answer_that_shows_no_order_is_not_relied_on() {
    // All of the newest hundred are on one instant, or upstream begins with the oldest: one cannot tell.
    let vendor = Arc::new(Vendor::of(9_000, Sorting::Oldest, |index| if index < 500 { 0 } else { index * 1_000 }));
    let rows = read(&vendor, sorted(Some(100))).await.0.unwrap();
    assert_eq!(times(&rows)[0], START + 8_999_000);
    assert_eq!(vendor.calls(), 2);
}

#[tokio::test]
async fn a_small_answer_that_was_sorted_by_chance_is_found_out() {
    let rows = |ids: &[i64]| -> &'static str {
        let rows: Vec<String> =
            ids.iter().map(|id| super::vendor::json(&format!("r{id}"), START + id * 1_000)).collect();
        format!("[{}]", rows.join(",")).leak()
    };
    let vendor = Vendor::new(Vec::new(), Sorting::Newest);
    let answer = |ids| (200, crate::upstream::refusal::Headers::default(), rows(ids));
    let by_chance: Vec<i64> = (0..20).rev().collect();
    *vendor.first.lock().unwrap() = vec![answer(&by_chance), answer(&[5, 3, 29])];
    let transport: Arc<dyn Transport> = Arc::new(vendor);
    let mut batches = fetcher(transport).fetch(sorted(Some(2)), patient());
    assert_eq!(batches.try_next().await.unwrap().unwrap().num_rows(), 20);
    let error = batches.try_next().await.unwrap_err();
    assert_eq!(error.message, "upstream does not keep the order of spanlens.requests");
}

#[tokio::test]
async fn only_what_is_asked_for_is_handed_on() {
    let vendor = Arc::new(Vendor::of(12_000, Sorting::Newest, |index| index * 1_000));
    for columns in [&["model"][..], &[], &["extra", "total_tokens"]] {
        let rows = read(&vendor, scan(source("http://test"), "requests", columns)).await.0.unwrap();
        assert_eq!(count(&rows), 12_000);
        let schema = rows[0].schema();
        let mut names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        names.reverse();
        assert_eq!(names, columns);
    }
}

#[tokio::test]
async fn rows_without_a_time_cannot_be_read_past_a_full_answer() {
    let row = r#"{"provider":"o","model":"m","kind":"cost","current_value":1,"baseline_mean":1,"baseline_stddev":1,"deviations":4,"sample_count":1,"reference_count":1}"#;
    let body = |count| -> &'static str { format!("[{}]", vec![row; count].join(",")).leak() };
    let vendor = |count| {
        let vendor = Vendor::new(Vec::new(), Sorting::Newest);
        vendor.first.lock().unwrap().push((200, crate::upstream::refusal::Headers::default(), body(count)));
        vendor
    };
    let mut anomalies = scan(source("http://test"), "anomalies", &["kind", "detected_at"]);
    anomalies.range = Range { from: Some(START), to: Some(START + 1) };
    anomalies.limit = Some(5);
    let full = Arc::new(vendor(10_000));
    let statement = patient();
    let transport: Arc<dyn Transport> = Arc::<Vendor>::clone(&full);
    let mut batches = fetcher(transport).fetch(anomalies.clone(), Arc::clone(&statement));
    // They are rows all the same: who wants no more than those gets them.
    assert_eq!(batches.try_next().await.unwrap().unwrap().num_rows(), 8_192);
    assert_eq!(batches.try_next().await.unwrap().unwrap().num_rows(), 1_808);
    let error = batches.try_next().await.unwrap_err();
    assert_eq!(error.kind, Kind::UpstreamTruncated);
    assert_eq!(error.message, "upstream holds 10000 rows of spanlens.anomalies or more");
    assert!(batches.try_next().await.unwrap().is_none());
    // No key: rows that came twice could not be told apart, so the limit is not sent.
    assert!(requests(&statement)[0].ends_with("&limit=10000"));
    let rows = read(&Arc::new(vendor(9_999)), anomalies).await.0.unwrap();
    assert_eq!(count(&rows), 9_999);
    let detected = rows[0].column(1).as_primitive::<TimestampMicrosecondType>().value(0);
    assert_eq!(detected, START + 1);
}

proptest::proptest! {
    #[test]
    fn every_row_comes_once(
        bursts in proptest::collection::vec((0_i64..50_000, 1_usize..90, 0_i64..3_000), 1..12),
        sorting in proptest::sample::select(vec![Sorting::Newest, Sorting::Oldest, Sorting::Scattered]),
        newest_first: bool,
        coarse: bool,
        limit in proptest::option::of(2_usize..120),
    ) {
        let burst = |(start, count, step): &(i64, usize, i64)| {
            let (start, step) = (*start, *step);
            (0..*count as i64).map(move |index| START + start + index * step)
        };
        let rows = bursts.iter().flat_map(burst).enumerate().map(|(index, time)| (format!("r{index}"), time)).collect();
        let mut vendor = Vendor { max_rows: 100, ..Vendor::new(rows, sorting) };
        vendor.compares_at_us = if coarse { 1_000 } else { 1 };
        let vendor = Arc::new(vendor);
        let source = Source { connector: &SMALL, ..source("http://test") };
        let scan = Scan { order: newest_first.then_some(NEWEST), limit, ..scan(source, "requests", COLUMNS) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (rows, _) = runtime.block_on(read(&vendor, scan));
        match rows {
            Ok(rows) => {
                assert_rows(&rows, vendor.ids());
                proptest::prop_assert!(!newest_first || times_fall(&rows));
            }
            // A crowd on one instant, or a small sample that happened to be sorted.
            Err(error) => proptest::prop_assert!(
                error.kind == Kind::ProgramLimit || (newest_first && limit.is_some() && error.kind == Kind::UpstreamFault),
                "{}", error
            ),
        }
    }
}

fn times_fall(rows: &[RecordBatch]) -> bool {
    times(rows).is_sorted_by(|one, next| one >= next)
}
