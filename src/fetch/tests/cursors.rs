//! Pages linked by cursors, one after the other or in lanes: every row once, and every way in which a cursor can lie.

use std::cmp::Reverse;

use super::paged::{Answer, Paged, failure_of, numbers, ok, read, rows_of, start};
use super::vendor::START;
use super::*;
use crate::model::connector::Paging;
use crate::upstream::adaline;

const COLUMNS: &[&str] = &["id", "started_at"];
const PAGE: usize = 10;

/// Adaline with pages of ten rows: the same borders with less to read.
const SMALL: Connector = Connector { tables: &[SMALL_SPANS], ..adaline::CONNECTOR };
const SMALL_SPANS: Table = Table {
    paging: Paging::Cursor { max_rows: PAGE, next: &["pagination", "nextCursor"], more: &["pagination", "hasMore"] },
    ..adaline::CONNECTOR.tables[0]
};
/// The same of an upstream whose order is not known.
const UNSORTED: Connector = Connector { tables: &[UNSORTED_SPANS], ..adaline::CONNECTOR };
const UNSORTED_SPANS: Table = Table { sorts: &[], ..SMALL_SPANS };

/// How an upstream writes what stands beside the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Envelope {
    Documented,
    /// The rows stand under `data`.
    Older,
    /// There is a next cursor on the last page, too, but not more.
    LastCursor,
    /// No word of `hasMore`.
    CursorOnly,
    /// The same cursor on each page.
    SameCursor,
    /// More, but no cursor.
    NoCursor,
    /// More, and a cursor that is empty.
    EmptyCursor,
    /// More, and a cursor that is no text.
    NumberCursor,
    /// Nothing at all beside the rows.
    Nothing,
    /// Every other page is empty.
    EmptyPages,
    /// Another cursor each time, and always the first page.
    Stuck,
}

use Envelope::*;

/// Times in milliseconds from [`START`]; row `r{n}` has the n-th.
fn vendor(times: Vec<i64>, envelope: Envelope) -> Arc<Paged> {
    Arc::new(Paged::new(move |request, before| answer(&times, envelope, request, before)))
}

fn answer(times: &[i64], envelope: Envelope, request: &Request, before: usize) -> Answer {
    let body = request.body.as_ref().unwrap();
    let number = |key: &str| body.get(key).map(|value| value.as_i64().unwrap());
    let (from, to) = (number("startedAfter").unwrap(), number("startedBefore").unwrap());
    let limit = number("limit").unwrap() as usize;
    let at = body.get("cursor").map_or("0", |cursor| cursor.as_str().unwrap());
    let is_gap = at.ends_with('e');
    let first: usize = at.trim_end_matches('e').parse().unwrap();
    let first = if envelope == Stuck { 0 } else { first };
    let start_ms = START / 1_000;
    let mut rows: Vec<(usize, i64)> = times.iter().map(|time| start_ms + time).enumerate().collect();
    rows.retain(|(_, time)| (from..=to).contains(time));
    match body["sort"].as_str().unwrap() {
        "startedAt:desc" => rows.sort_by_key(|(index, time)| (Reverse(*time), *index)),
        _ => rows.sort_by_key(|(index, time)| (*time, *index)),
    }
    let shown = if is_gap { 0 } else { limit };
    let page = rows.iter().skip(first).take(shown);
    let page: Vec<String> = page.map(|(index, time)| format!(r#"{{"id":"r{index}","startedAt":{time}}}"#)).collect();
    let next = first + page.len();
    let more = next < rows.len() || envelope == Stuck;
    let cursor = match envelope {
        SameCursor => r#""0""#.to_owned(),
        Stuck => format!(r#""{before}""#),
        NoCursor => "null".to_owned(),
        EmptyCursor => r#""""#.to_owned(),
        NumberCursor => next.to_string(),
        EmptyPages if !is_gap && more => format!(r#""{next}e""#),
        _ if more || envelope == LastCursor => format!(r#""{next}""#),
        _ => "null".to_owned(),
    };
    let key = if envelope == Older { "data" } else { "spans" };
    let pagination = match envelope {
        Nothing => String::new(),
        CursorOnly => format!(r#","pagination":{{"nextCursor":{cursor}}}"#),
        _ => format!(r#","pagination":{{"hasMore":{more},"nextCursor":{cursor}}}"#),
    };
    ok(format!(r#"{{"{key}":[{}]{pagination}}}"#, page.join(",")))
}

fn spans(connector: &'static Connector) -> Scan {
    scan(source_of(connector), "spans", COLUMNS)
}

fn ids(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|index| format!("r{index}"))
}

/// Times so many apart; a scan from the beginning of time has no use for lanes, for it is mostly empty.
fn every(step: i64, count: i64) -> Vec<i64> {
    (0..count).map(|index| index * step).collect()
}

/// A scan of the time in which the rows lie.
fn within(connector: &'static Connector, end_ms: i64) -> Scan {
    let range = Range { from: Some(START), to: Some(START + end_ms * 1_000) };
    Scan { range, ..spans(connector) }
}

/// A scan in which a cursor leads from page to page.
fn chain() -> Scan {
    Scan { order: newest_first(), ..spans(&SMALL) }
}

fn newest_first() -> Option<Order> {
    Some(Order { column: "started_at", path: Vec::new(), parameter: "startedAt", descending: true })
}

#[tokio::test]
async fn the_number_of_calls_is_the_number_of_pages() {
    for envelope in [Documented, Older, LastCursor, CursorOnly] {
        for (count, calls) in [(0, 1), (1, 1), (9, 1), (10, 1), (11, 2), (35, 4)] {
            let vendor = vendor(every(1, count), envelope);
            assert_rows(&rows_of(&vendor, chain()).await, ids(count as usize));
            assert_eq!(vendor.calls(), calls, "{count} rows, {envelope:?}");
        }
    }
}

#[tokio::test]
async fn an_empty_page_with_a_cursor_is_not_the_end() {
    let vendor = vendor(every(1, 35), EmptyPages);
    assert_rows(&rows_of(&vendor, chain()).await, ids(35));
}

#[tokio::test]
async fn a_cursor_that_leads_nowhere_is_an_error_after_the_rows_before() {
    for (envelope, message) in [
        (SameCursor, "upstream repeats itself in adaline.spans"),
        (Stuck, "upstream repeats itself in adaline.spans"),
        (NoCursor, "upstream cut its answer for adaline.spans"),
        (EmptyCursor, "upstream cut its answer for adaline.spans"),
        (NumberCursor, "upstream cut its answer for adaline.spans"),
        (Nothing, "upstream cut its answer for adaline.spans"),
    ] {
        let vendor = vendor(every(1, 35), envelope);
        let mut batches = start(&vendor, chain(), &patient());
        let mut read = 0;
        let error = loop {
            match batches.try_next().await {
                Ok(batch) => read += batch.expect("an error comes first").num_rows(),
                Err(error) => break error,
            }
        };
        assert_eq!((error.kind, error.message.as_str()), (Kind::UpstreamTruncated, message), "{envelope:?}");
        assert_eq!(read, 10, "{envelope:?}");
        assert!(vendor.calls() <= 2);
    }
}

#[tokio::test]
async fn a_page_that_is_not_full_needs_no_word_about_further_ones() {
    let short = vendor(every(1, 9), Nothing);
    assert_rows(&rows_of(&short, chain()).await, ids(9));
    assert_eq!(short.calls(), 1);
    // A small page that is full is no end either, but a larger one can show it.
    let few = vendor(every(1, 9), Nothing);
    assert_rows(&rows_of(&few, Scan { limit: Some(4), ..spans(&SMALL) }).await, ids(9));
    assert_eq!(few.calls(), 2);
}

#[tokio::test]
async fn a_limit_or_an_order_reads_page_by_page() {
    let ascending = Some(Order { column: "started_at", path: Vec::new(), parameter: "startedAt", descending: false });
    for (limit, order) in [(Some(5), None), (None, newest_first()), (Some(5), newest_first()), (None, ascending)] {
        let vendor = vendor(every(1, 200), Documented);
        let descending = order.as_ref().map(|order| order.descending);
        let rows = rows_of(&vendor, Scan { limit, order, ..within(&SMALL, 200) }).await;
        assert_rows(&rows, ids(200));
        assert_eq!(vendor.most(), 1);
        let mut times = numbers(&rows, "started_at");
        if descending == Some(true) {
            times.reverse();
        }
        assert!(descending.is_none() || times.is_sorted());
    }
}

#[tokio::test]
async fn rows_on_the_borders_of_lanes_come_once() {
    // Twelve rows on each instant: more than a page, and on every border of a lane, whatever is on its both sides.
    let times: Vec<i64> = (0..600).map(|index| index / 12).collect();
    let vendor = vendor(times, Documented);
    assert_rows(&rows_of(&vendor, within(&SMALL, 50)).await, ids(600));
    assert!(vendor.most() > 1, "it is read in lanes");
    assert!(vendor.most() <= 4, "{} at once", vendor.most());
    // The twelve on a border are read by both of its lanes.
    assert!(vendor.calls() <= (600_usize + 5 * 12).div_ceil(PAGE) + 4, "{} calls", vendor.calls());
}

#[tokio::test]
async fn a_first_page_of_one_instant_hides_none_of_its_other_rows() {
    let times: Vec<i64> = (0..400).map(|index| if index < 35 { 1_000 } else { index }).collect();
    let vendor = vendor(times, Documented);
    assert_rows(&rows_of(&vendor, within(&SMALL, 1_010)).await, ids(400));
}

#[tokio::test]
async fn an_upstream_whose_order_is_not_known_is_read_page_by_page() {
    let vendor = vendor(every(1, 400), Documented);
    assert_rows(&rows_of(&vendor, within(&UNSORTED, 400)).await, ids(400));
    assert_eq!((vendor.most(), vendor.calls()), (1, 40));
}

#[tokio::test]
async fn lanes_end_with_the_first_error_of_one_of_them() {
    let times = every(1, 400);
    let vendor = Arc::new(Paged::new(move |request, before| {
        let envelope = if before == 6 { NoCursor } else { Documented };
        answer(&times, envelope, request, before)
    }));
    let error = failure_of(&vendor, within(&SMALL, 400)).await;
    assert_eq!(error.message, "upstream cut its answer for adaline.spans");
    assert!(vendor.is_left_alone().await && vendor.calls() < 20, "{} calls", vendor.calls());
}

#[tokio::test]
async fn cancelling_stops_all_lanes() {
    let times = every(1, 400);
    let mut hanging = Paged::new(move |request, before| answer(&times, Documented, request, before));
    hanging.hangs_from = 1;
    let vendor = Arc::new(hanging);
    let statement = patient();
    let transport: Arc<dyn Transport> = Arc::<Paged>::clone(&vendor);
    let fetcher = Arc::new(fetcher(transport));
    let reading = tokio::spawn(collect(fetcher.fetch(within(&SMALL, 400), Arc::clone(&statement))));
    while vendor.under_way() < 4 {
        vendor.called.notified().await;
    }
    statement.cancel.cancel();
    assert_eq!(reading.await.unwrap().unwrap_err(), Error::canceled());
    assert_eq!((vendor.under_way(), fetcher.usage()[0].under_way, vendor.calls()), (0, 0, 5));
}

#[tokio::test]
async fn lanes_obey_the_budget_of_calls() {
    let vendor = vendor(every(1, 400), Documented);
    let statement = Arc::new(Statement::new("alice", None, 7));
    let error = collect(start(&vendor, within(&SMALL, 400), &statement)).await.unwrap_err();
    assert_eq!((error.kind, vendor.calls()), (Kind::ConfigurationLimit, 7));
    assert!(error.hint.unwrap().contains("spanwire.max_calls"));
}

proptest::proptest! {
    #[test]
    fn every_row_comes_once(
        bursts in proptest::collection::vec((0_i64..50_000, 0_usize..90, 0_i64..700), 1..12),
        from in 0_i64..20_000,
        end in 20_000_i64..120_000,
        gaps: bool,
    ) {
        let burst = |(start, count, step): &(i64, usize, i64)| {
            let (start, step) = (*start, *step);
            (0..*count as i64).map(move |index| start + index * step)
        };
        let times: Vec<i64> = bursts.iter().flat_map(burst).collect();
        let wanted = |time: &i64| (from..=end).contains(time);
        let expected: Vec<String> =
            times.iter().enumerate().filter(|(_, time)| wanted(time)).map(|(index, _)| format!("r{index}")).collect();
        let crowd = times.iter().map(|time| times.iter().filter(|other| *other == time).count()).max().unwrap_or(0);
        let vendor = vendor(times, if gaps { EmptyPages } else { Documented });
        let mut scan = within(&SMALL, end);
        scan.range.from = Some(START + from * 1_000);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let rows = runtime.block_on(read(&vendor, scan)).0.unwrap();
        // Each lane takes a call more than its rows need at the most, and those on a border are read by both of its lanes.
        let most = (expected.len() + 5 * crowd).div_ceil(PAGE).max(1) + 4;
        assert_rows(&rows, expected);
        proptest::prop_assert!(gaps || vendor.calls() <= most, "{} calls instead of {most}", vendor.calls());
        proptest::prop_assert!(vendor.most() <= 4);
    }
}
