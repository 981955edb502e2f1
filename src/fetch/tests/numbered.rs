//! Pages by number: every row once, in as few calls as the rows need, in the order wanted or not at all.

use std::cmp::Reverse;

use super::paged::{Answer, Paged, bound, failure_of, numbers, ok, parameter, read, rows_of, start};
use super::vendor::START;
use super::*;
use crate::model::connector::Paging;
use crate::upstream::respan;

const COLUMNS: &[&str] = &["id", "timestamp", "cost"];

/// Respan with pages of ten rows: the same borders with less to read.
const SMALL: Connector = Connector { tables: &[SMALL_SPANS], ..respan::CONNECTOR };
const SMALL_SPANS: Table =
    Table { paging: Paging::Numbered { max_rows: 10, next: &["next"] }, ..respan::CONNECTOR.tables[0] };

#[derive(Clone, Debug)]
struct Row {
    id: String,
    time: i64,
    cost: i64,
}

/// How an upstream behaves.
#[derive(Clone, Debug)]
struct Upstream {
    rows: Vec<Row>,
    /// Rows of a page at the most, whatever is asked for.
    cap: usize,
    tells_next: bool,
    ignores_page: bool,
    ignores_order: bool,
    /// The page, by its first row, from which on rows come the other way round.
    breaks_at: usize,
    /// Rows that have come later, and so many more with every call, newer than all others.
    late: usize,
}

fn upstream(count: usize, cost: impl Fn(i64) -> i64) -> Upstream {
    let row = |index: i64| Row { id: format!("r{index}"), time: START + index * 1_000_000, cost: cost(index) };
    Upstream {
        rows: (0..count as i64).map(row).collect(),
        cap: usize::MAX,
        tells_next: true,
        ignores_page: false,
        ignores_order: false,
        breaks_at: usize::MAX,
        late: 0,
    }
}

impl Upstream {
    fn serve(self) -> Arc<Paged> {
        Arc::new(Paged::new(move |request, before| self.answer(request, before)))
    }

    fn ids(&self) -> Vec<String> {
        self.rows.iter().map(|row| row.id.clone()).collect()
    }

    fn answer(&self, request: &Request, before: usize) -> Answer {
        let page: usize = parameter(request, "page").unwrap().parse().unwrap();
        let size = parameter(request, "page_size").unwrap().parse::<usize>().unwrap().min(self.cap);
        let (from, to) = (bound(request, "start_time").unwrap(), bound(request, "end_time").unwrap());
        let late = |index| Row { id: format!("late{index}"), time: START + 1_000_000_000 + index as i64, cost: -1 };
        let mut rows: Vec<Row> = self.rows.iter().cloned().chain((0..self.late * before).map(late)).collect();
        rows.retain(|row| (from..=to).contains(&row.time));
        match parameter(request, "sort_by").unwrap() {
            _ if self.ignores_order => rows.sort_by_key(|row| (row.time / 1_000_000 * 7_919) % 104_729),
            "-id" => rows.sort_by_key(|row| Reverse(row.time)),
            "id" => rows.sort_by_key(|row| row.time),
            "-cost" => rows.sort_by_key(|row| Reverse(row.cost)),
            "cost" => rows.sort_by_key(|row| row.cost),
            other => panic!("no order by {other}"),
        }
        let first = if self.ignores_page { 0 } else { (page - 1) * size };
        let mut shown: Vec<&Row> = rows.iter().skip(first).take(size).collect();
        if first >= self.breaks_at {
            shown.reverse();
        }
        let row = |row: &&Row| {
            let time = crate::model::scan::iso_micros(row.time);
            format!(r#"{{"id":"{}","timestamp":"{time}","cost":{}}}"#, row.id, row.cost)
        };
        let shown: Vec<String> = shown.iter().map(row).collect();
        let next = if first + size < rows.len() || self.ignores_page { r#""http://test/?page=x""# } else { "null" };
        let next = if self.tells_next { format!(r#","next":{next}"#) } else { String::new() };
        ok(format!(r#"{{"count":{},"results":[{}]{next}}}"#, shown.len(), shown.join(",")))
    }
}

fn spans(connector: &'static Connector) -> Scan {
    scan(source_of(connector), "spans", COLUMNS)
}

fn by(column: &'static str, parameter: &'static str, descending: bool) -> Option<Order> {
    Some(Order { column, path: Vec::new(), parameter, descending })
}

#[tokio::test]
async fn the_number_of_calls_is_the_number_of_pages() {
    for (count, with_next, without) in
        [(0, 1, 1), (1, 1, 1), (999, 1, 1), (1_000, 1, 2), (1_001, 2, 2), (2_000, 2, 3), (2_500, 3, 3)]
    {
        for (tells_next, calls) in [(true, with_next), (false, without)] {
            let upstream = Upstream { tells_next, ..upstream(count, |_| 0) };
            let (ids, vendor) = (upstream.ids(), upstream.serve());
            assert_rows(&rows_of(&vendor, spans(&respan::CONNECTOR)).await, ids);
            assert_eq!(vendor.calls(), calls, "{count} rows, next: {tells_next}");
        }
    }
}

#[tokio::test]
async fn pages_shorter_than_asked_for_are_not_the_end() {
    for limit in [None, Some(3), Some(500)] {
        let upstream = Upstream { cap: 100, ..upstream(950, |_| 0) };
        let (ids, vendor) = (upstream.ids(), upstream.serve());
        assert_rows(&rows_of(&vendor, Scan { limit, ..spans(&respan::CONNECTOR) }).await, ids);
        assert_eq!(vendor.calls(), 10 + usize::from(limit.is_some()));
    }
}

#[tokio::test]
async fn rows_that_arrive_while_pages_are_read_come_once_and_push_none_out() {
    // Nine late ones shift a page by nearly all of its length with every call, so the same rows come again and again.
    for late in [1, 3, 9] {
        let upstream = Upstream { late, ..upstream(95, |_| 0) };
        let (ids, vendor) = (upstream.ids(), upstream.serve());
        let rows = rows_of(&vendor, spans(&SMALL)).await;
        assert_rows(&rows, ids);
        let ends: BTreeSet<Option<i64>> = vendor.asked().iter().map(|request| bound(request, "end_time")).collect();
        assert_eq!(ends.len(), 1, "the end is pinned");
    }
}

#[tokio::test]
async fn rows_newer_than_the_pinned_end_do_not_come() {
    let vendor = Upstream { late: 3, ..upstream(95, |_| 0) }.serve();
    let range = Range { from: Some(0), to: Some(START + 90_000_000) };
    let rows = rows_of(&vendor, Scan { range, ..spans(&SMALL) }).await;
    assert_rows(&rows, (0..=90).map(|index| format!("r{index}")));
    assert_eq!(vendor.calls(), 10);
}

#[tokio::test]
async fn an_upstream_that_ignores_the_page_number_is_an_error() {
    for cap in [usize::MAX, 7] {
        let vendor = Upstream { ignores_page: true, cap, ..upstream(95, |_| 0) }.serve();
        let error = failure_of(&vendor, spans(&SMALL)).await;
        assert_eq!(
            (error.kind, error.message.as_str()),
            (Kind::UpstreamTruncated, "upstream repeats itself in respan.spans")
        );
        assert_eq!(vendor.calls(), 2);
    }
    // Also if a small page has come before.
    let vendor = Upstream { ignores_page: true, ..upstream(95, |_| 0) }.serve();
    let error = failure_of(&vendor, Scan { limit: Some(3), ..spans(&SMALL) }).await;
    assert_eq!(error.kind, Kind::UpstreamTruncated);
    assert_eq!(vendor.calls(), 3);
}

#[tokio::test]
async fn a_page_with_no_row_of_the_range_is_not_the_end() {
    // Upstream does not keep to the end of the range, so the first pages lie outside.
    let all = upstream(95, |_| 0);
    let vendor = Arc::new(Paged::new(move |request, before| {
        let mut wide = request.clone();
        let end = wide.query.iter_mut().find(|(name, _)| *name == "end_time").unwrap();
        end.1 = "2030-01-01T00:00:00Z".to_owned();
        all.answer(&wide, before)
    }));
    let range = Range { from: Some(0), to: Some(START + 30_000_000) };
    assert_rows(&rows_of(&vendor, Scan { range, ..spans(&SMALL) }).await, (0..=30).map(|index| format!("r{index}")));
}

#[tokio::test]
async fn few_rows_wanted_are_one_small_page_and_more_come_if_they_are_asked_for() {
    let upstream = upstream(2_500, |_| 0);
    let (ids, vendor) = (upstream.ids(), upstream.serve());
    let mut batches = start(&vendor, Scan { limit: Some(20), ..spans(&respan::CONNECTOR) }, &patient());
    let first = batches.try_next().await.unwrap().unwrap();
    assert_eq!((first.num_rows(), vendor.calls()), (20, 1));
    assert_eq!(parameter(&vendor.asked()[0], "page_size"), Some("20"));
    let mut all = vec![first];
    all.extend(collect(batches).await.unwrap());
    assert_rows(&all, ids);
    assert_eq!(vendor.calls(), 4);
}

#[tokio::test]
async fn a_dropped_stream_makes_no_further_call() {
    let vendor = upstream(95, |_| 0).serve();
    let mut batches = start(&vendor, spans(&SMALL), &patient());
    assert_eq!(vendor.calls(), 0);
    batches.try_next().await.unwrap();
    drop(batches);
    assert_eq!(vendor.calls(), 1);
}

#[tokio::test]
async fn an_order_holds_whether_upstream_keeps_it_or_not() {
    for (column, word) in [("timestamp", "id"), ("cost", "cost")] {
        for (descending, limit, ignores_order) in [
            (true, None, false),
            (false, None, false),
            (true, Some(4), false),
            (false, Some(1), false),
            (true, None, true),
            (false, Some(7), true),
        ] {
            for count in [0, 3, 10, 45] {
                // Costs in groups of seven: ties lie on every border.
                let upstream = Upstream { ignores_order, ..upstream(count, |index| index / 7) };
                let (ids, vendor) = (upstream.ids(), upstream.serve());
                let scan = Scan { order: by(column, word, descending), limit, ..spans(&SMALL) };
                let rows = rows_of(&vendor, scan).await;
                assert_rows(&rows, ids);
                let mut ranks = numbers(&rows, column);
                if descending {
                    ranks.reverse();
                }
                assert!(ranks.is_sorted(), "{column} {descending} {limit:?} {ignores_order}: {ranks:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_order_that_upstream_keeps_is_not_waited_for() {
    let vendor = upstream(95, |index| index).serve();
    let mut batches = start(&vendor, Scan { order: by("cost", "cost", true), ..spans(&SMALL) }, &patient());
    let first = batches.try_next().await.unwrap().unwrap();
    assert_eq!((numbers(&[first], "cost")[0], vendor.calls()), (94, 1));
}

#[tokio::test]
async fn an_order_broken_on_a_later_page_is_an_error_after_the_rows_before() {
    let vendor = Upstream { breaks_at: 20, ..upstream(95, |index| index) }.serve();
    let statement = patient();
    let mut batches = start(&vendor, Scan { order: by("cost", "cost", true), ..spans(&SMALL) }, &statement);
    for _ in 0..2 {
        assert_eq!(batches.try_next().await.unwrap().unwrap().num_rows(), 10);
    }
    let error = batches.try_next().await.unwrap_err();
    assert_eq!(error.message, "upstream does not keep the order of respan.spans");
    // The scan has failed for good.
    assert!(batches.try_next().await.unwrap().is_none());
    assert_eq!(vendor.calls(), 3);
    let failed = crate::model::statement::End::Failed(error.message);
    assert_eq!(statement.scans()[0].ended(), failed);
}

#[tokio::test]
async fn a_small_page_of_equal_rows_does_not_show_that_the_order_is_kept() {
    // The greatest cost is not on the page that upstream sends first.
    let rows = upstream(30, |index| if index == 0 { 9 } else { 1 });
    let vendor = Arc::new(Paged::new(move |request, before| {
        let mut other = request.clone();
        let sort = other.query.iter_mut().find(|(name, _)| *name == "sort_by").unwrap();
        sort.1 = "-id".to_owned();
        rows.answer(&other, before)
    }));
    let scan = Scan { order: by("cost", "cost", true), limit: Some(5), ..spans(&respan::CONNECTOR) };
    let rows = rows_of(&vendor, scan).await;
    assert_eq!((numbers(&rows, "cost")[0], count(&rows), vendor.calls()), (9, 30, 2));
}

#[tokio::test(start_paused = true)]
async fn a_429_that_tells_the_wait_in_its_body_or_as_a_reset_is_waited_out() {
    use super::paged::refusal;
    use crate::upstream::refusal::Headers;
    let said = |body: &str, reset: Option<&str>| {
        let headers = Headers { rate_limit_reset: reset.map(str::to_owned), ..Headers::default() };
        Answer { headers, ..refusal(429, body) }
    };
    for (first, seconds) in [
        (said(r#"{"detail":"Rate limit exceeded","retry_after":30}"#, None), 30),
        (said(r#"{"detail":"Rate limit exceeded","retry_after":7}"#, Some("50")), 7),
        (said(r#"{"detail":"Rate limit exceeded"}"#, Some("50")), 50),
        (said("slow down", None), 60),
    ] {
        let (all, began) = (upstream(5, |_| 0), Instant::now());
        let vendor = Arc::new(Paged::new(move |request, before| match before {
            0 => first.clone(),
            _ => all.answer(request, before),
        }));
        let (rows, statement) = read(&vendor, spans(&respan::CONNECTOR)).await;
        assert_eq!(count(&rows.unwrap()), 5);
        assert_eq!(began.elapsed(), Duration::from_secs(seconds));
        assert_eq!(requests(&statement).len(), 2);
    }
}
