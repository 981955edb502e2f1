//! Rows that are held: what was read is not asked for again, and never passes for more than it is.

use super::super::cache::{Asks, Cache, Claim, Kept, Key as Place, Plan};
use super::vendor::{START, Sorting, Vendor};
use super::*;
use crate::model::filter::Value;
use crate::model::push::{Filter, Op};
use crate::model::statement::{End, HeldRows, Policy};
use crate::upstream::refusal::Headers;

const MINUTE: i64 = 60_000_000;
const MEGABYTE: usize = 1 << 20;
const FRESH: HeldRows = HeldRows::UpTo(Duration::from_secs(30));

/// 250 rows, one a minute, in pages of a hundred: three calls.
fn vendor() -> Arc<Vendor> {
    Arc::new(Vendor { max_rows: 100, ..Vendor::of(250, Sorting::Newest, |index| index * MINUTE) })
}

fn reader(vendor: &Arc<Vendor>, bytes: usize) -> Fetcher {
    fetcher(Arc::clone(vendor) as Arc<dyn Transport>).with_cache(bytes)
}

fn statement_of(user: &str, held: HeldRows) -> Arc<Statement> {
    let mut statement = Statement::new(user, None, 1_000);
    statement.policy = Policy { held, ..Policy::default() };
    Arc::new(statement)
}

fn all(columns: &[&str]) -> Scan {
    let source = Source { connector: &SMALL, ..source("http://test") };
    scan(source, "requests", columns)
}

async fn read(fetcher: &Fetcher, scan: Scan, held: HeldRows) -> Vec<RecordBatch> {
    collect(fetcher.fetch(scan, statement_of("alice", held))).await.unwrap()
}

#[tokio::test]
async fn a_table_that_was_read_is_not_asked_for_again() {
    let vendor = vendor();
    let fetcher = reader(&vendor, MEGABYTE);
    let first = read(&fetcher, all(&["id"]), FRESH).await;
    assert_rows(&first, vendor.ids());
    let calls = vendor.calls();
    assert!(calls >= 3);

    let statement = statement_of("alice", FRESH);
    assert_eq!(fetcher.held(&all(&["model"]), &statement), Some(250));
    let again = collect(fetcher.fetch(all(&["id", "created_at"]), Arc::clone(&statement))).await.unwrap();
    assert_rows(&again, vendor.ids());
    assert_eq!(times(&again).len(), 250);
    let ledger = &statement.scans()[0];
    assert_eq!((ledger.held.load(Ordering::Relaxed), ledger.rows.load(Ordering::Relaxed)), (250, 0));
    assert_eq!(ledger.ended(), End::Complete);

    // A part of the range, its bounds included.
    let range = Range { from: Some(START + 10 * MINUTE), to: Some(START + 20 * MINUTE) };
    let part = read(&fetcher, Scan { range, ..all(&["id"]) }, FRESH).await;
    assert_rows(&part, (10..=20).map(|index| format!("r{index}")));
    assert_eq!(vendor.calls(), calls);

    // Without columns the number of rows is still right.
    assert_eq!(count(&read(&fetcher, all(&[]), FRESH).await), 250);
    assert_eq!(vendor.calls(), calls);
}

#[tokio::test]
async fn held_rows_come_in_the_order_that_is_wanted() {
    let vendor = vendor();
    let fetcher = reader(&vendor, MEGABYTE);
    read(&fetcher, all(&["id"]), FRESH).await;
    let calls = vendor.calls();
    for descending in [true, false] {
        let order = Order { column: "created_at", path: Vec::new(), parameter: "created_at", descending };
        let rows = read(&fetcher, Scan { order: Some(order), ..all(&["id", "created_at"]) }, FRESH).await;
        let mut expected = times(&rows);
        expected.sort_unstable();
        if descending {
            expected.reverse();
        }
        assert_eq!(times(&rows), expected);
        assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 250);
    }
    assert_eq!(vendor.calls(), calls);
}

#[tokio::test]
async fn rows_serve_a_filter_only_where_it_is_checked_again() {
    let vendor = vendor();
    let fetcher = reader(&vendor, MEGABYTE);
    read(&fetcher, all(&["id"]), FRESH).await;
    let calls = vendor.calls();
    let filtered = |rechecked| {
        let filters = vec![Filter::one("provider", Op::Equal, Value::Text("openai".to_owned()))];
        Scan { filters, rechecked, ..all(&["id"]) }
    };
    read(&fetcher, filtered(true), FRESH).await;
    assert_eq!(vendor.calls(), calls);
    read(&fetcher, filtered(false), FRESH).await;
    assert!(vendor.calls() > calls);
    // What a filter chose is not the table.
    let other = reader(&vendor, MEGABYTE);
    read(&other, filtered(true), FRESH).await;
    assert_eq!(other.held(&all(&["id"]), &statement_of("alice", FRESH)), None);
}

#[tokio::test]
async fn rows_are_held_for_the_credential_that_read_them() {
    let vendor = vendor();
    let fetcher = reader(&vendor, MEGABYTE);
    read(&fetcher, all(&["id"]), FRESH).await;
    let (alice, bob) = (statement_of("alice", FRESH), statement_of("bob", FRESH));
    assert_eq!(fetcher.held(&all(&["id"]), &alice), Some(250));
    assert_eq!(fetcher.held(&all(&["id"]), &bob), None);
    let calls = vendor.calls();
    assert_rows(&collect(fetcher.fetch(all(&["id"]), bob)).await.unwrap(), vendor.ids());
    assert_eq!(vendor.calls(), 2 * calls);
}

#[tokio::test]
async fn rows_that_can_still_change_serve_no_longer_than_the_session_allows() {
    let vendor = vendor();
    let fetcher = reader(&vendor, MEGABYTE);
    let never_old = HeldRows::UpTo(Duration::ZERO);
    read(&fetcher, all(&["id"]), FRESH).await;
    let held = |scan: &Scan, held| fetcher.held(scan, &statement_of("alice", held));
    let settled = Scan { range: Range { from: Some(START), to: Some(START + MINUTE) }, ..all(&["id"]) };
    let days = Duration::from_secs(200 * 365 * 86_400);
    let source = Source { settle: days, ..Source { connector: &SMALL, ..source("http://test") } };
    let unsettled = Scan { source: Arc::new(source), ..settled.clone() };
    // What may have come since is not among the rows, nor a late row of a range that has not settled.
    assert_eq!(held(&all(&["id"]), never_old), None);
    assert_eq!(held(&unsettled, never_old), None);
    assert_eq!(held(&unsettled, FRESH), Some(2));
    assert_eq!(held(&settled, never_old), Some(2));
    assert_eq!(held(&settled, HeldRows::Never), None);
    let calls = vendor.calls();
    // All of it can have changed.
    read(&fetcher, Scan { source: Arc::clone(&unsettled.source), ..all(&["id"]) }, never_old).await;
    assert_eq!(vendor.calls(), 2 * calls);
    read(&fetcher, settled, HeldRows::Never).await;
    assert_eq!(vendor.calls(), 2 * calls + 1);
}

/// The ranges of the requests of one statement, in minutes from the first row.
async fn ranges(fetcher: &Fetcher, scan: Scan, held: HeldRows, expected: impl Iterator<Item = String>) -> Vec<String> {
    let statement = statement_of("alice", held);
    let rows = collect(fetcher.fetch(scan, Arc::clone(&statement))).await.unwrap();
    assert_rows(&rows, expected);
    requests(&statement)
}

fn ids(range: std::ops::RangeInclusive<i64>) -> impl Iterator<Item = String> {
    range.map(|index| format!("r{index}"))
}

#[tokio::test]
async fn only_what_is_missing_of_a_range_is_read() {
    let vendor = vendor();
    let fetcher = reader(&vendor, MEGABYTE);
    let within = |from: i64, to: i64| {
        let range = Range { from: Some(START + from * MINUTE), to: Some(START + to * MINUTE) };
        Scan { range, ..all(&["id"]) }
    };
    assert_eq!(ranges(&fetcher, within(100, 150), FRESH, ids(100..=150)).await.len(), 1);
    let wider = ranges(&fetcher, within(50, 200), FRESH, ids(50..=200)).await;
    assert_eq!(wider.len(), 2, "{wider:?}");
    let parameter = |request: &str, name: &str| {
        let (_, rest) = request.split_once(&format!("{name}=")).unwrap();
        rest.split('&').next().unwrap().replace("%3A", ":")
    };
    let at = |minutes: i64, ms: i64| crate::model::scan::iso_micros(START + minutes * MINUTE + ms * 1_000);
    assert_eq!((parameter(&wider[0], "from"), parameter(&wider[0], "to")), (at(50, 0), at(100, 0)));
    assert_eq!((parameter(&wider[1], "from"), parameter(&wider[1], "to")), (at(150, 0), at(200, 0)));
    // What has come lately may be missing as long as the session allows: of an open end only the older part is read.
    let open = |from: i64| Scan { range: Range { from: Some(START + from * MINUTE), to: None }, ..all(&["id"]) };
    let other = reader(&vendor, MEGABYTE);
    assert_eq!(ranges(&other, open(200), FRESH, ids(200..=249)).await.len(), 1);
    assert_eq!(ranges(&other, open(150), FRESH, ids(150..=249)).await.len(), 1);
    // Now all of it is held, each row once.
    assert!(ranges(&fetcher, within(50, 200), FRESH, ids(50..=200)).await.is_empty());
    assert!(ranges(&fetcher, within(120, 130), FRESH, ids(120..=130)).await.is_empty());
    // What lies apart is read by itself.
    assert_eq!(ranges(&fetcher, within(0, 10), FRESH, ids(0..=10)).await.len(), 1);
}

#[tokio::test]
async fn of_what_may_have_changed_only_the_open_end_is_read_again() {
    let vendor = vendor();
    let fetcher = reader(&vendor, MEGABYTE);
    let never_old = HeldRows::UpTo(Duration::ZERO);
    let calls = ranges(&fetcher, all(&["id"]), FRESH, ids(0..=249)).await.len();
    assert!(calls >= 3);
    // The rows are settled, so one call looks for those that came since.
    assert_eq!(ranges(&fetcher, all(&["id", "model"]), never_old, ids(0..=249)).await.len(), 1);
    // Up to 50 minutes before the last row they are settled: what is later is replaced, and comes once.
    let since = now_us() - (START + 200 * MINUTE);
    let settle = Duration::from_micros(u64::try_from(since).unwrap());
    let source = Arc::new(Source { settle, connector: &SMALL, ..source("http://test") });
    let unsettled = || Scan { source: Arc::clone(&source), ..all(&["id"]) };
    assert_eq!(ranges(&fetcher, unsettled(), never_old, ids(0..=249)).await.len(), 1);
    assert_eq!(ranges(&fetcher, unsettled(), never_old, ids(0..=249)).await.len(), 1);
    // A filter is served as well: the gap is small, and read without it.
    let filters = vec![Filter::one("provider", Op::Equal, Value::Text("openai".to_owned()))];
    let filtered = Scan { filters, rechecked: true, ..all(&["id"]) };
    let sent = ranges(&fetcher, filtered.clone(), never_old, ids(0..=249)).await;
    assert!(sent.len() == 1 && !sent[0].contains("provider"), "{sent:?}");
    // Where the gap may take many calls, the filter is sent.
    let settle = Duration::from_secs(200 * 365 * 86_400);
    let days = Arc::new(Source { settle, connector: &SMALL, ..super::source("http://test") });
    let sent = ranges(&fetcher, Scan { source: days, ..filtered }, never_old, ids(0..=249)).await;
    assert!(sent.iter().all(|request| request.contains("provider")), "{sent:?}");
}

#[tokio::test]
async fn a_gap_that_is_left_halfway_keeps_what_was_held() {
    let vendor = vendor();
    let fetcher = reader(&vendor, MEGABYTE);
    let within = |from: i64, to: i64| {
        let range = Range { from: Some(START + from * MINUTE), to: Some(START + to * MINUTE) };
        Scan { range, ..all(&["id"]) }
    };
    read(&fetcher, within(100, 150), FRESH).await;
    let mut batches = fetcher.fetch(within(0, 150), statement_of("alice", FRESH));
    while batches.next().await.unwrap().unwrap().num_rows() == 51 {}
    drop(batches);
    assert_eq!(fetcher.held(&within(100, 150), &statement_of("alice", FRESH)), Some(51));
    // Of the gap the pages that came are held as well.
    assert_eq!(fetcher.held(&within(50, 150), &statement_of("alice", FRESH)), Some(101));
    assert_eq!(fetcher.held(&within(0, 150), &statement_of("alice", FRESH)), None);
    assert_eq!(ranges(&fetcher, within(0, 150), FRESH, ids(0..=150)).await.len(), 1);
}

#[tokio::test]
async fn a_wider_range_than_was_read_is_read() {
    let vendor = vendor();
    let fetcher = reader(&vendor, MEGABYTE);
    let range = Range { from: Some(START + 100 * MINUTE), to: Some(START + 200 * MINUTE) };
    read(&fetcher, Scan { range, ..all(&["id"]) }, FRESH).await;
    let held = |from: i64, to: Option<i64>| {
        let range = Range { from: Some(START + from * MINUTE), to: to.map(|to| START + to * MINUTE) };
        fetcher.held(&Scan { range, ..all(&["id"]) }, &statement_of("alice", FRESH))
    };
    assert_eq!(held(100, Some(200)), Some(101));
    assert_eq!(held(150, Some(150)), Some(1));
    assert_eq!(held(99, Some(200)), None);
    assert_eq!(held(100, Some(201)), None);
    assert_eq!(held(100, None), None);
    let without = Scan { range: Range::default(), ..all(&["id"]) };
    assert_eq!(fetcher.held(&without, &statement_of("alice", FRESH)), None);
}

#[tokio::test]
async fn the_first_rows_serve_who_wants_no_more_than_these() {
    let vendor = vendor();
    let fetcher = reader(&vendor, MEGABYTE);
    let limited = |limit| Scan { limit: Some(limit), ..all(&["id"]) };
    // The reader leaves after the first batch.
    let mut batches = fetcher.fetch(limited(60), statement_of("alice", FRESH));
    assert_eq!(batches.next().await.unwrap().unwrap().num_rows(), 60);
    drop(batches);
    assert_eq!(vendor.calls(), 1);
    let held = |scan: &Scan| fetcher.held(scan, &statement_of("alice", FRESH));
    assert_eq!(held(&limited(60)), Some(60));
    assert_eq!(held(&limited(61)), None);
    assert_eq!(held(&all(&["id"])), None);
    let order = Order { column: "created_at", path: Vec::new(), parameter: "created_at", descending: true };
    assert_eq!(held(&Scan { order: Some(order), ..limited(5) }), None);
    assert_eq!(held(&Scan { sample: true, ..limited(1_000) }), Some(60));
    // Which rows are the first says nothing of those that match.
    let filters = vec![Filter::one("provider", Op::Equal, Value::Text("openai".to_owned()))];
    assert_eq!(held(&Scan { filters, rechecked: true, ..limited(5) }), None);
}

#[tokio::test]
async fn a_small_table_is_known_to_be_whole_after_its_first_row() {
    let vendor = Arc::new(Vendor::of(30, Sorting::Newest, |index| index * MINUTE));
    let fetcher = reader(&vendor, MEGABYTE);
    let mut batches = fetcher.fetch(Scan { limit: Some(50), ..all(&["id"]) }, statement_of("alice", FRESH));
    batches.next().await.unwrap().unwrap();
    drop(batches);
    assert_rows(&read(&fetcher, all(&["id"]), FRESH).await, vendor.ids());
    assert_eq!(vendor.calls(), 1);
}

#[tokio::test]
async fn a_sample_is_one_call_whatever_the_table_holds() {
    let vendor = vendor();
    let fetcher = reader(&vendor, MEGABYTE);
    let sample = Scan { sample: true, limit: Some(80), ..all(&["id"]) };
    assert_eq!(count(&read(&fetcher, sample.clone(), FRESH).await), 80);
    assert_eq!(count(&read(&fetcher, sample, FRESH).await), 80);
    assert_eq!(vendor.calls(), 1);
}

#[tokio::test]
async fn what_failed_or_was_cut_is_not_held() {
    let vendor = vendor();
    vendor.first.lock().unwrap().push((400, Headers::default(), "{}"));
    let fetcher = reader(&vendor, MEGABYTE);
    assert!(collect(fetcher.fetch(all(&["id"]), statement_of("alice", FRESH))).await.is_err());
    assert_eq!(fetcher.held(&all(&["id"]), &statement_of("alice", FRESH)), None);

    let every: Vec<&str> = all(&[]).table.columns.iter().map(|column| column.name).collect();
    let whole = read(&fetcher, all(&every), HeldRows::Never).await;
    for (how, is_held) in
        [(End::Complete, true), (End::Truncated, false), (End::Partial("one failed".to_owned()), false)]
    {
        let cache = Arc::new(Cache::new(MEGABYTE));
        let wanted = Scan { limit: Some(1), ..all(&["id"]) };
        let ledger = statement_of("alice", FRESH).open("spanlens", wanted.table);
        ledger.end(how);
        let kept = Kept {
            batches: stream::iter(whole.clone()).map(Ok).boxed(),
            ledger,
            cache: Arc::clone(&cache),
            key: Place::of(&wanted, "alice"),
            claim: Claim::of(&wanted),
            table: wanted.table,
            range: wanted.range,
            wanted: wanted.range,
            read_at: now_us(),
            settle_us: 0,
            columns: (0..wanted.table.columns.len()).collect(),
            projection: wanted.projection.clone(),
            sample: false,
            whole: true,
            at_first: 0,
            eager: false,
            progress: Arc::default(),
        };
        assert_eq!(count(&collect(kept.begin()).await.unwrap()), 250);
        let fresh = Freshness { now_us: now_us(), max_staleness: Duration::from_secs(30), settle_us: 0 };
        let plan = cache.plan(&Place::of(&wanted, "alice"), &wanted, fresh, Asks::Looks);
        assert_eq!(matches!(plan, Some(Plan::Serve(_))), is_held);
    }
}

#[tokio::test]
async fn what_is_held_stays_within_its_budget() {
    let vendor = vendor();
    let fetcher = reader(&vendor, 1_000);
    assert_rows(&read(&fetcher, all(&["id"]), FRESH).await, vendor.ids());
    assert_eq!(fetcher.held(&all(&["id"]), &statement_of("alice", FRESH)), None);

    // Room for the rows of some users: who was not served for the longest goes first.
    let fetcher = reader(&vendor, MEGABYTE);
    let users: Vec<String> = (0..40).map(|index| format!("user{index}")).collect();
    for user in &users {
        collect(fetcher.fetch(all(&["id"]), statement_of(user, FRESH))).await.unwrap();
    }
    let held: Vec<bool> =
        users.iter().map(|user| fetcher.held(&all(&["id"]), &statement_of(user, FRESH)).is_some()).collect();
    let n_held = held.iter().filter(|held| **held).count();
    assert!((1..40).contains(&n_held), "{n_held} users' rows are held");
    assert!(held[40 - n_held..].iter().all(|held| *held), "{held:?}");
}

#[tokio::test]
async fn only_what_is_held_is_read_where_the_session_wants_that() {
    let vendor = vendor();
    let fetcher = reader(&vendor, MEGABYTE);
    let error = collect(fetcher.fetch(all(&["id"]), statement_of("alice", HeldRows::Only))).await.unwrap_err();
    assert_eq!(error.kind, Kind::ObjectState);
    assert_eq!(vendor.calls(), 0);
    read(&fetcher, all(&["id"]), FRESH).await;
    let calls = vendor.calls();
    assert_rows(&read(&fetcher, all(&["id"]), HeldRows::Only).await, vendor.ids());
    assert_eq!(vendor.calls(), calls);
}

#[tokio::test]
async fn what_runs_already_is_waited_for() {
    let vendor = vendor();
    let fetcher = reader(&vendor, MEGABYTE);
    let filters = vec![Filter::one("provider", Op::Equal, Value::Text("openai".to_owned()))];
    let within = Range { from: Some(START + 10 * MINUTE), to: Some(START + 20 * MINUTE) };
    let scans = [
        all(&["id"]),
        all(&["id", "model"]),
        Scan { filters, rechecked: true, ..all(&["id"]) },
        Scan { range: within, ..all(&["id"]) },
    ];
    let reads = scans.map(|scan| collect(fetcher.fetch(scan, statement_of("alice", FRESH))));
    let rows = futures::future::join_all(reads).await;
    let counts: Vec<usize> = rows.into_iter().map(|rows| count(&rows.unwrap())).collect();
    assert_eq!(counts, [250, 250, 250, 11]);
    let shared = vendor.calls();
    read(&reader(&vendor, MEGABYTE), all(&["id"]), FRESH).await;
    assert_eq!(vendor.calls(), 2 * shared, "all of them together took as many calls as one");
    // Another user's are not.
    let users = ["bob", "carol"].map(|user| collect(fetcher.fetch(all(&["id"]), statement_of(user, FRESH))));
    futures::future::join_all(users).await.into_iter().for_each(|rows| assert_eq!(count(&rows.unwrap()), 250));
    assert_eq!(vendor.calls(), 4 * shared);
}

#[tokio::test(start_paused = true)]
async fn who_waits_goes_on_when_the_reader_does_not() {
    let vendor = vendor();
    let fetcher = reader(&vendor, MEGABYTE);
    // It takes one batch, and is not asked for more.
    let mut idle = fetcher.fetch(all(&["id"]), statement_of("alice", FRESH));
    idle.next().await.unwrap().unwrap();
    assert_eq!(count(&read(&fetcher, all(&["id"]), FRESH).await), 250);
    drop(idle);
    // It is left while upstream answers it, as by a join that reads its other side first.
    let fetcher = reader(&vendor, MEGABYTE);
    let mut left = fetcher.fetch(all(&["id"]), statement_of("alice", FRESH));
    assert!(futures::poll!(left.next()).is_pending());
    let waiting = collect(fetcher.fetch(all(&["id"]), statement_of("alice", FRESH)));
    let rows = tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it waits for ever");
    assert_eq!(count(&rows.unwrap()), 250);
    drop(left);
    // It is dropped, as by a cancel.
    let fetcher = reader(&vendor, MEGABYTE);
    let dropped = fetcher.fetch(all(&["id"]), statement_of("alice", FRESH));
    let waiting = collect(fetcher.fetch(all(&["id"]), statement_of("alice", FRESH)));
    drop(dropped);
    assert_eq!(count(&waiting.await.unwrap()), 250);
    // It fails: who waited asks by itself.
    vendor.first.lock().unwrap().push((400, Headers::default(), "{}"));
    let fetcher = reader(&vendor, MEGABYTE);
    let reads = [0, 1].map(|_| collect(fetcher.fetch(all(&["id"]), statement_of("alice", FRESH))));
    let [first, second]: [Result<Vec<RecordBatch>>; 2] =
        futures::future::join_all(reads).await.try_into().unwrap_or_else(|_| panic!("two"));
    assert!(first.is_err());
    assert_eq!(count(&second.unwrap()), 250);
}

#[tokio::test]
async fn what_is_too_large_to_be_held_is_waited_for_once() {
    let vendor = vendor();
    let fetcher = reader(&vendor, 20_000);
    let reads = || [0, 1, 2].map(|_| collect(fetcher.fetch(all(&["id"]), statement_of("alice", FRESH))));
    for rows in futures::future::join_all(reads()).await {
        assert_eq!(count(&rows.unwrap()), 250);
    }
    let before = vendor.calls();
    for rows in futures::future::join_all(reads()).await {
        assert_eq!(count(&rows.unwrap()), 250);
    }
    assert_eq!(vendor.calls(), before + before, "each reads by itself, and none waits");
}
