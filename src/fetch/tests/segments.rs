//! Segments: what is held of a table, under which filters, on disk, and after the process has ended.

use super::super::cache::Disk;
use super::super::sync::{Job, Progresses};
use super::vendor::{START, Sorting, Vendor};
use super::*;
use crate::model::filter::Value;
use crate::model::push::{Filter, Op};
use crate::model::statement::{HeldRows, Policy, Share};

const MINUTE: i64 = 60_000_000;
const MEGABYTE: usize = 1 << 20;
const FRESH: HeldRows = HeldRows::UpTo(Duration::from_secs(30));
const NEVER_OLD: HeldRows = HeldRows::UpTo(Duration::ZERO);

/// So many rows, one a minute, in pages of a hundred.
fn vendor_of(count: usize) -> Arc<Vendor> {
    Arc::new(Vendor { max_rows: 100, ..Vendor::of(count, Sorting::Newest, |index| index * MINUTE) })
}

fn small_source() -> Source {
    Source { connector: &SMALL, ..source("http://test") }
}

fn within(from: i64, to: i64) -> Scan {
    let range = Range { from: Some(START + from * MINUTE), to: Some(START + to * MINUTE) };
    Scan { range, ..scan(small_source(), "requests", &["id", "created_at"]) }
}

/// Up to just before a minute.
fn up_to(from: i64, to: i64) -> Scan {
    let range = Range { from: Some(START + from * MINUTE), to: Some(START + to * MINUTE - 1) };
    Scan { range, ..within(0, 0) }
}

fn all() -> Scan {
    Scan { range: Range { from: Some(START), to: None }, ..within(0, 0) }
}

/// A scan that upstream is sent filters for, which are checked again.
fn filtered(scan: Scan, filters: &[(&'static str, &str)]) -> Scan {
    let filter = |(name, value): &(&'static str, &str)| Filter::one(name, Op::Equal, Value::Text((*value).to_owned()));
    Scan { filters: filters.iter().map(filter).collect(), rechecked: true, ..scan }
}

fn ids(range: std::ops::RangeInclusive<i64>) -> impl Iterator<Item = String> {
    range.map(|index| format!("r{index}"))
}

fn statement_of(user: &str, held: HeldRows) -> Arc<Statement> {
    let mut statement = Statement::new(user, None, 1_000);
    statement.policy = Policy { held, ..Policy::default() };
    Arc::new(statement)
}

/// Reads a scan, and tells how many calls it took.
async fn calls(
    vendor: &Vendor,
    fetcher: &Fetcher,
    scan: Scan,
    held: HeldRows,
    expected: std::ops::RangeInclusive<i64>,
) -> u32 {
    let before = vendor.calls();
    let rows = collect(fetcher.fetch(scan, statement_of("alice", held))).await.unwrap();
    assert_rows(&rows, ids(expected));
    vendor.calls() - before
}

fn in_memory(vendor: &Arc<Vendor>) -> Fetcher {
    fetcher(Arc::clone(vendor) as Arc<dyn Transport>).with_cache(MEGABYTE)
}

/// A reader on a directory; what another one left there it finds.
fn on_disk(vendor: &Arc<Vendor>, dir: &std::path::Path, max_bytes: Option<u64>) -> Fetcher {
    let (disk, records) = Disk::open(dir, max_bytes).unwrap();
    let sources = [Arc::new(small_source())];
    fetcher(Arc::clone(vendor) as Arc<dyn Transport>).with_disk(MEGABYTE, disk, records, &sources).unwrap()
}

fn files(dir: &std::path::Path) -> usize {
    std::fs::read_dir(dir.join("segments")).unwrap().count()
}

#[tokio::test]
async fn ranges_that_lie_apart_are_held_side_by_side() {
    let vendor = vendor_of(250);
    let fetcher = in_memory(&vendor);
    assert_eq!(calls(&vendor, &fetcher, within(100, 180), FRESH, 100..=180).await, 1);
    assert_eq!(calls(&vendor, &fetcher, within(10, 20), FRESH, 10..=20).await, 1);
    for (from, to) in [(100, 180), (10, 20), (150, 150), (12, 15)] {
        assert_eq!(calls(&vendor, &fetcher, within(from, to), FRESH, from..=to).await, 0, "{from} to {to}");
    }
    // What lies between, and around, is read; each row comes once.
    assert_eq!(calls(&vendor, &fetcher, within(0, 249), FRESH, 0..=249).await, 3);
    assert_eq!(calls(&vendor, &fetcher, within(0, 249), FRESH, 0..=249).await, 0);
    let runs = fetcher.holdings(&[Arc::new(small_source())], "alice");
    assert_eq!(runs.iter().map(|run| (run.rows, run.filters.len())).collect::<Vec<_>>(), [(250, 0)]);
}

#[tokio::test]
async fn what_a_filter_brought_serves_stronger_filters_and_no_others() {
    let vendor = vendor_of(50);
    let fetcher = in_memory(&vendor);
    // The upstream of this test takes all filters and leaves nothing out, so rows do not tell which one was sent.
    let openai = || filtered(within(0, 49), &[("provider", "openai")]);
    assert_eq!(calls(&vendor, &fetcher, openai(), FRESH, 0..=49).await, 1);
    assert_eq!(calls(&vendor, &fetcher, openai(), FRESH, 0..=49).await, 0);
    let stronger = filtered(within(10, 20), &[("model", "m"), ("provider", "openai")]);
    assert_eq!(calls(&vendor, &fetcher, stronger.clone(), FRESH, 10..=20).await, 0);
    let unchecked = Scan { rechecked: false, ..stronger };
    assert_eq!(calls(&vendor, &fetcher, unchecked, FRESH, 10..=20).await, 1);
    let either = Scan { any: true, ..filtered(within(10, 20), &[("model", "m"), ("provider", "openai")]) };
    assert_eq!(calls(&vendor, &fetcher, either, FRESH, 10..=20).await, 1);
    assert_eq!(calls(&vendor, &fetcher, filtered(within(0, 49), &[("model", "m")]), FRESH, 0..=49).await, 1);
    assert_eq!(calls(&vendor, &fetcher, within(0, 49), FRESH, 0..=49).await, 1);
    // Now that all rows are held, every filter is served.
    assert_eq!(calls(&vendor, &fetcher, filtered(within(0, 49), &[("provider", "x")]), FRESH, 0..=49).await, 0);
}

#[tokio::test]
async fn a_gap_is_read_without_filters_once_these_would_cost_as_much() {
    let vendor = vendor_of(1_000);
    let fetcher = in_memory(&vendor);
    // Rows have come before to tell how many there are: a hundred in a hundred minutes.
    calls(&vendor, &fetcher, within(0, 99), FRESH, 0..=99).await;
    let ask = |value: &str| filtered(within(0, 349), &[("provider", value)]);
    let sent = |fetcher: &Fetcher, value: &str| {
        let gaps = fetcher.gaps(&ask(value), &statement_of("alice", FRESH)).unwrap();
        (gaps.unfiltered, gaps.scans.iter().any(|scan| !scan.filters.is_empty()))
    };
    // 250 rows are three calls; one filter is taken to be one.
    assert_eq!(sent(&fetcher, "a"), (false, true));
    for value in ["a", "b"] {
        collect(fetcher.fetch(ask(value), statement_of("alice", FRESH))).await.unwrap();
    }
    assert_eq!(sent(&fetcher, "c"), (true, false));
    assert_rows(&collect(fetcher.fetch(ask("c"), statement_of("alice", FRESH))).await.unwrap(), ids(0..=349));
    assert_eq!(calls(&vendor, &fetcher, ask("d"), FRESH, 0..=349).await, 0);
}

#[tokio::test]
async fn the_latest_rows_come_from_what_is_held_and_one_small_gap() {
    let vendor = vendor_of(250);
    let fetcher = in_memory(&vendor);
    calls(&vendor, &fetcher, all(), FRESH, 0..=249).await;
    let newest = || {
        let order = Order { column: "created_at", path: Vec::new(), parameter: "created_at", descending: true };
        Scan { order: Some(order), limit: Some(5), ..all() }
    };
    let before = vendor.calls();
    let statement = statement_of("alice", NEVER_OLD);
    let mut batches = fetcher.fetch(newest(), Arc::clone(&statement));
    let first = batches.next().await.unwrap().unwrap();
    assert_eq!(texts(&[first], "id")[..5], ["r249", "r248", "r247", "r246", "r245"]);
    assert_eq!(vendor.calls() - before, 1);
    assert!(statement.scans()[0].held.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn who_wants_more_than_is_being_read_reads_only_the_rest() {
    let vendor = vendor_of(250);
    let fetcher = in_memory(&vendor);
    let reads = [within(60, 249), within(0, 249)];
    let rows = reads.map(|scan| collect(fetcher.fetch(scan, statement_of("alice", FRESH))));
    let rows = futures::future::join_all(rows).await;
    assert_rows(rows[1].as_ref().unwrap(), ids(0..=249));
    // Two pages for 190 rows, and one for the 60 before them.
    assert_eq!(vendor.calls(), 3);
}

#[tokio::test]
async fn who_waits_has_its_rows_as_soon_as_they_are_held() {
    let vendor = vendor_of(1_000);
    let fetcher = in_memory(&vendor);
    let mut eager = Statement::new("alice", None, 1_000);
    eager.policy = Policy { held: FRESH, eager: true, ..Policy::default() };
    let long = collect(fetcher.fetch(within(0, 999), Arc::new(eager)));
    let waits = async {
        let rows = collect(fetcher.fetch(within(950, 999), statement_of("alice", FRESH))).await;
        (rows, vendor.calls())
    };
    let (long, (rows, calls_then)) = futures::future::join(long, waits).await;
    assert_rows(&long.unwrap(), ids(0..=999));
    assert_rows(&rows.unwrap(), ids(950..=999));
    assert!(calls_then < vendor.calls(), "it did not wait for all {} calls", vendor.calls());
}

#[tokio::test]
async fn what_is_on_disk_is_found_again_by_who_read_it_only() {
    let vendor = vendor_of(250);
    let folder = tempfile::tempdir().unwrap();
    {
        let fetcher = on_disk(&vendor, folder.path(), None);
        calls(&vendor, &fetcher, all(), FRESH, 0..=249).await;
        let error = Disk::open(folder.path(), None).unwrap_err();
        assert_eq!(error.kind, Kind::ObjectInUse, "{error:?}");
        assert!(error.hint.is_some());
    }
    let fetcher = on_disk(&vendor, folder.path(), None);
    assert_eq!(calls(&vendor, &fetcher, within(0, 249), NEVER_OLD, 0..=249).await, 0);
    assert_eq!(calls(&vendor, &fetcher, within(7, 70), NEVER_OLD, 7..=70).await, 0);
    assert_eq!(calls(&vendor, &fetcher, all(), NEVER_OLD, 0..=249).await, 1, "what has come since is asked for");
    assert_eq!(fetcher.held(&within(0, 249), &statement_of("bob", FRESH)), None);
    // The same name at another address is another source.
    let elsewhere = Source { base_url: "http://elsewhere".parse().unwrap(), ..small_source() };
    let other = Scan { source: Arc::new(elsewhere), ..within(0, 249) };
    assert_eq!(fetcher.held(&other, &statement_of("alice", FRESH)), None);
    assert!(fetcher.holdings(&[Arc::new(small_source())], "bob").is_empty());
}

#[tokio::test]
async fn what_no_transaction_names_is_removed_and_counts_for_nothing() {
    let vendor = vendor_of(250);
    let folder = tempfile::tempdir().unwrap();
    calls(&vendor, &on_disk(&vendor, folder.path(), None), within(0, 249), FRESH, 0..=249).await;
    let n_files = files(folder.path());
    std::fs::write(folder.path().join("segments/999.parquet"), b"half of a file").unwrap();
    let fetcher = on_disk(&vendor, folder.path(), None);
    assert_eq!(files(folder.path()), n_files);
    assert_eq!(calls(&vendor, &fetcher, within(0, 249), FRESH, 0..=249).await, 0);
}

#[tokio::test]
async fn what_a_damaged_file_held_is_read_anew_at_once() {
    let vendor = vendor_of(50);
    let folder = tempfile::tempdir().unwrap();
    calls(&vendor, &on_disk(&vendor, folder.path(), None), within(0, 49), FRESH, 0..=49).await;
    let file = std::fs::read_dir(folder.path().join("segments")).unwrap().next().unwrap().unwrap().path();
    let fetcher = on_disk(&vendor, folder.path(), None);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[40..200].fill(0xff);
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(calls(&vendor, &fetcher, within(0, 49), FRESH, 0..=49).await, 1);
    assert_eq!(calls(&vendor, &fetcher, within(0, 49), FRESH, 0..=49).await, 0);
    drop(fetcher);
    let (disk, records) = Disk::open(folder.path(), None).unwrap();
    assert_eq!(records.len(), 1);
    assert!(disk.verify(&records).is_empty());
    bytes.truncate(30);
    std::fs::write(folder.path().join(format!("segments/{}.parquet", records[0].file.unwrap())), &bytes).unwrap();
    assert_eq!(disk.verify(&records).len(), 1);
    disk.drop_records(&[records[0].id]).unwrap();
    assert_eq!(files(folder.path()), 0);
}

/// Overwrites all data of a Parquet file; what stands in it where is still told.
fn damage(file: &std::path::Path) {
    let mut bytes = std::fs::read(file).unwrap();
    let end = bytes.len() - 8;
    let footer = u32::from_le_bytes(bytes[end..end + 4].try_into().unwrap()) as usize;
    bytes[4..end - footer].fill(0xff);
    std::fs::write(file, &bytes).unwrap();
}

#[tokio::test]
async fn of_a_range_only_what_is_damaged_is_read_anew() {
    let vendor = vendor_of(300);
    let order = |column: &'static str, descending| {
        let order = Order { column, path: Vec::new(), parameter: column, descending };
        Scan { order: Some(order), ..within(0, 299) }
    };
    // Too unequal to become one.
    let parts = [(0, 8), (8, 56), (56, 300)];
    for (n_parts, scan) in [
        (3, within(0, 299)),
        (3, within(20, 299)),
        (3, order("created_at", true)),
        (3, order("created_at", false)),
        (3, order("model", true)),
        // Around what is held there are gaps.
        (2, within(0, 299)),
        (2, within(20, 299)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let fetcher = on_disk(&vendor, folder.path(), None);
        for (from, to) in &parts[..n_parts] {
            calls(&vendor, &fetcher, up_to(*from, *to), FRESH, *from..=to - 1).await;
        }
        drop(fetcher);
        let (disk, records) = Disk::open(folder.path(), None).unwrap();
        let middle = records.iter().find(|record| record.from == Some(START + 8 * MINUTE)).unwrap();
        let file = folder.path().join(format!("segments/{}.parquet", middle.file.unwrap()));
        assert_eq!(middle.rows, 48);
        drop(disk);
        let fetcher = on_disk(&vendor, folder.path(), None);
        damage(&file);
        let first = if scan.range.from == Some(START) { 0 } else { 20 };
        let descending = scan.order.as_ref().is_some_and(|order| order.descending);
        let is_by_time = scan.order.as_ref().is_some_and(|order| order.column == "created_at");
        let again = scan.clone();
        let statement = statement_of("alice", FRESH);
        let before = vendor.calls();
        let rows = collect(fetcher.fetch(scan, Arc::clone(&statement))).await.unwrap();
        assert_rows(&rows, ids(first..=299));
        assert!(vendor.calls() > before, "what was damaged is read");
        let in_order = |one: &i64, next: &i64| if descending { one >= next } else { one <= next };
        assert!(!is_by_time || times(&rows).is_sorted_by(in_order));
        if n_parts == 3 && again.order.is_none() {
            assert_eq!(vendor.calls() - before, 1, "{:?}", requests(&statement));
        }
        let rows = collect(fetcher.fetch(again, statement_of("alice", HeldRows::Only))).await.unwrap();
        assert_rows(&rows, ids(first..=299));
    }
}

#[tokio::test]
async fn what_no_source_can_use_any_more_counts_and_goes_first() {
    let vendor = vendor_of(400);
    let folder = tempfile::tempdir().unwrap();
    let other = Arc::new(Source { name: "other".to_owned(), ..small_source() });
    let of_other = Scan { source: Arc::clone(&other), ..within(0, 199) };
    {
        let (disk, records) = Disk::open(folder.path(), None).unwrap();
        let fetcher = fetcher(Arc::clone(&vendor) as Arc<dyn Transport>);
        let fetcher = fetcher.with_disk(MEGABYTE, disk, records, &[other]).unwrap();
        calls(&vendor, &fetcher, of_other, FRESH, 0..=199).await;
    }
    let bytes = |folder: &std::path::Path| -> u64 {
        let files = std::fs::read_dir(folder.join("segments")).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
    };
    let most = bytes(folder.path()) + 1_000;
    let fetcher = on_disk(&vendor, folder.path(), Some(most));
    calls(&vendor, &fetcher, within(200, 399), FRESH, 200..=399).await;
    assert!(bytes(folder.path()) <= most, "{} of {most} bytes", bytes(folder.path()));
    assert_eq!(calls(&vendor, &fetcher, within(200, 399), FRESH, 200..=399).await, 0, "what is used stays");
    drop(fetcher);
    let (_disk, records) = Disk::open(folder.path(), None).unwrap();
    assert!(records.iter().all(|record| record.source == "spanlens"), "{records:?}");
}

#[tokio::test]
async fn files_stay_within_their_bound_and_small_ones_become_one() {
    let vendor = vendor_of(2_000);
    let folder = tempfile::tempdir().unwrap();
    let fetcher = on_disk(&vendor, folder.path(), None);
    for hour in 0..30 {
        calls(&vendor, &fetcher, up_to(hour * 60, hour * 60 + 60), FRESH, hour * 60..=hour * 60 + 59).await;
    }
    assert!(files(folder.path()) <= 6, "{} files", files(folder.path()));
    assert_eq!(calls(&vendor, &fetcher, within(0, 1_799), FRESH, 0..=1_799).await, 0);
    drop(fetcher);
    let most = 60_000;
    let fetcher = on_disk(&vendor, folder.path(), Some(most));
    calls(&vendor, &fetcher, within(1_800, 1_999), FRESH, 1_800..=1_999).await;
    let bytes = || {
        std::fs::read_dir(folder.path().join("segments")).unwrap().map(|file| file.unwrap().metadata().unwrap().len())
    };
    assert!(bytes().sum::<u64>() <= most, "{:?}", bytes().collect::<Vec<_>>());
    assert!(bytes().count() > 0);
}

#[tokio::test]
async fn a_table_is_filled_page_by_page_and_from_where_it_stood() {
    let vendor = vendor_of(1_000);
    let folder = tempfile::tempdir().unwrap();
    let source = Arc::new(small_source());
    let since = Duration::from_micros(u64::try_from(now_us() - START + MINUTE).unwrap());
    let minute = Duration::from_secs(60);
    let job = || Job::new(&source, &SMALL_TABLES[0], since, minute, Share::per_mille(1_000)).unwrap();
    let fill = async |progresses: &Progresses, stop: CancellationToken| {
        on_disk(&vendor, folder.path(), None).fill(&job(), progresses, &stop).await
    };
    // Stopped on the way, it has held every page but the one under way.
    let progresses = Progresses::default();
    let stop = CancellationToken::new();
    let stopped = async {
        while vendor.calls() < 4 {
            vendor.called.notified().await;
        }
        stop.cancel();
    };
    let (filled, ()) = futures::future::join(fill(&progresses, stop.clone()), stopped).await;
    assert_eq!(filled.unwrap_err().kind, Kind::QueryCanceled);
    let before = vendor.calls();
    let progresses = Progresses::default();
    fill(&progresses, CancellationToken::new()).await.unwrap();
    let filling = &progresses.snapshot()[0];
    assert!(filling.is_filled && filling.covered == 1.0, "{filling:?}");
    // Rows on the border of two pages take ten full pages to a little more.
    assert!(vendor.calls() <= 10 + 1 + 1, "{before} and then {}", vendor.calls() - before);
    let fetcher = on_disk(&vendor, folder.path(), None);
    let statement = || {
        let mut statement = Statement::new("", None, 1_000);
        statement.policy = Policy { held: HeldRows::Only, ..Policy::default() };
        Arc::new(statement)
    };
    assert_rows(&collect(fetcher.fetch(within(0, 999), statement())).await.unwrap(), vendor.ids());
    assert_eq!(fetcher.held(&within(0, 999), &statement_of("alice", FRESH)), None, "alice has a credential of her own");
}

#[tokio::test]
async fn a_table_that_cannot_be_filled_is_refused() {
    let source = Arc::new(small_source());
    let minute = Duration::from_secs(60);
    let error = Job::new(&source, &SMALL_TABLES[1], minute, minute, Share::default()).unwrap_err();
    assert_eq!(error.message, "table \"spanlens.anomalies\" cannot be kept filled");
    // Without room for its rows it is not read again and again.
    let vendor = vendor_of(1_000);
    let small = fetcher(Arc::clone(&vendor) as Arc<dyn Transport>).with_cache(20_000);
    let since = Duration::from_micros(u64::try_from(now_us() - START + MINUTE).unwrap());
    let job = Job::new(&source, &SMALL_TABLES[0], since, minute, Share::per_mille(1_000)).unwrap();
    let error = small.fill(&job, &Progresses::default(), &CancellationToken::new()).await.unwrap_err();
    assert_eq!(error.kind, Kind::ConfigurationLimit, "{error:?}");
    assert!(vendor.calls() < 30, "{} calls", vendor.calls());
}

#[tokio::test]
async fn memory_stays_within_its_budget_while_more_is_read() {
    let vendor = vendor_of(5_000);
    let folder = tempfile::tempdir().unwrap();
    let (disk, records) = Disk::open(folder.path(), None).unwrap();
    let sources = [Arc::new(small_source())];
    let budget = 1_000_000;
    let fetcher =
        fetcher(Arc::clone(&vendor) as Arc<dyn Transport>).with_disk(budget, disk, records, &sources).unwrap();
    for part in 0..10 {
        let (from, to) = (part * 500, part * 500 + 499);
        calls(&vendor, &fetcher, up_to(from, to + 1), FRESH, from..=to).await;
        assert!(fetcher.memory() <= budget, "{} bytes", fetcher.memory());
    }
    assert_eq!(calls(&vendor, &fetcher, within(0, 4_999), FRESH, 0..=4_999).await, 0);
    assert!(fetcher.memory() <= budget, "{} bytes", fetcher.memory());
}
