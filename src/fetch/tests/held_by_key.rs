//! Rows that are held by key: a key is asked for once, and again only while more of its rows may come.

use super::super::cache::Disk;
use super::super::sync::{Job, Progresses};
use super::keys::{EXPORT, asked, export, healthy, key, keys, span_ids, spans, vendor};
use super::paged::{Answer, Paged, bound, ok, parameter, refusal};
use super::vendor::START;
use super::*;
use crate::model::statement::{End, HeldRows, Policy, Share};
use crate::upstream::trulayer;

const MEGABYTE: usize = 1 << 20;
const MINUTE: i64 = 60_000_000;
const FRESH: HeldRows = HeldRows::UpTo(Duration::from_secs(30));
const NEVER_OLD: HeldRows = HeldRows::UpTo(Duration::ZERO);

fn statement_of(user: &str, held: HeldRows) -> Arc<Statement> {
    let mut statement = Statement::new(user, None, 1_000);
    statement.policy = Policy { held, ..Policy::default() };
    Arc::new(statement)
}

fn in_memory(vendor: &Arc<Paged>) -> Fetcher {
    fetcher(Arc::<Paged>::clone(vendor)).with_cache(MEGABYTE)
}

fn on_disk(vendor: &Arc<Paged>, dir: &std::path::Path, max_bytes: Option<u64>, sources: &[Arc<Source>]) -> Fetcher {
    let (disk, records) = Disk::open(dir, max_bytes).unwrap();
    fetcher(Arc::<Paged>::clone(vendor)).with_disk(MEGABYTE, disk, records, sources).unwrap()
}

fn own_source() -> Arc<Source> {
    Arc::new(source_of(&trulayer::CONNECTOR))
}

fn of(numbers: std::ops::Range<usize>) -> Keys {
    Keys::Known(numbers.map(key).collect())
}

/// Reads a scan; the number of its rows, and the calls that it took.
async fn read(vendor: &Paged, fetcher: &Fetcher, scan: Scan, held: HeldRows) -> (usize, usize) {
    let before = vendor.calls();
    let rows = collect(fetcher.fetch(scan, statement_of("alice", held))).await.unwrap();
    (span_ids(&rows).len(), vendor.calls() - before)
}

/// An upstream whose traces begin now, with one span each.
fn recent() -> Arc<Paged> {
    vendor(0, |request, _| {
        let trace = parameter(request, "trace_id").unwrap();
        let time = crate::model::scan::iso_micros(now_us());
        ok(format!(r#"{{"trace_id":"{trace}","span_id":"{trace}/0","name":"n","created_at":"{time}"}}"#))
    })
}

#[tokio::test]
async fn a_key_that_was_read_is_not_asked_for_again() {
    let vendor = healthy(0);
    let fetcher = in_memory(&vendor);
    assert_eq!(read(&vendor, &fetcher, spans(of(0..5)), FRESH).await, (15, 5));
    // However old: nothing can come under it any more.
    assert_eq!(read(&vendor, &fetcher, spans(of(2..5)), NEVER_OLD).await, (9, 0));
    assert_eq!(read(&vendor, &fetcher, spans(of(3..7)), NEVER_OLD).await, (12, 2));
    assert_eq!(asked(&vendor), keys(7));
    // Other columns, and a part of the time.
    let scan = Scan {
        range: Range { from: Some(START + MINUTE), to: Some(START + MINUTE) },
        ..super::scan(source_of(&trulayer::CONNECTOR), "spans", &["span_id", "name", "created_at"])
    };
    let statement = statement_of("alice", FRESH);
    let rows = collect(fetcher.fetch(Scan { keys: of(0..7), ..scan }, Arc::clone(&statement))).await.unwrap();
    assert_eq!((span_ids(&rows).len(), vendor.calls()), (7, 7));
    assert_eq!(times(&rows), [START + MINUTE; 7]);
    let ledger = &statement.scans()[0];
    let sums = (ledger.held.load(Ordering::Relaxed), ledger.stale.load(Ordering::Relaxed));
    assert_eq!((sums, ledger.rows.load(Ordering::Relaxed)), ((7, 0), 0));
    assert_eq!(ledger.ended(), End::Complete);
    // Another user's are others.
    let rows = collect(fetcher.fetch(spans(of(0..2)), statement_of("bob", FRESH))).await.unwrap();
    assert_eq!((span_ids(&rows).len(), vendor.calls()), (6, 9));
    // Who wants none that are held gets none.
    assert_eq!(read(&vendor, &fetcher, spans(of(0..2)), HeldRows::Never).await, (6, 2));
}

#[tokio::test]
async fn what_is_held_and_what_is_not_is_told_before() {
    let vendor = healthy(25);
    let fetcher = in_memory(&vendor);
    let statement = statement_of("alice", FRESH);
    assert_eq!(fetcher.held(&spans(of(0..2)), &statement), None);
    read(&vendor, &fetcher, spans(of(0..2)), FRESH).await;
    assert_eq!(fetcher.held(&spans(of(0..2)), &statement), Some(6));
    let gaps = fetcher.gaps(&spans(of(0..4)), &statement).unwrap();
    assert_eq!(gaps.held, 6);
    assert!(matches!(&gaps.scans[..], [Scan { keys: Keys::Known(missing), .. }] if *missing == [key(2), key(3)]));
    // Listed keys are known once the list is held.
    let listed = || Scan { range: Range { from: Some(START), to: Some(START + MINUTE) }, ..spans(Keys::Listed) };
    assert!(fetcher.gaps(&listed(), &statement).is_none());
    // Three pages of the list, and the keys that are missing.
    assert_eq!(read(&vendor, &fetcher, listed(), FRESH).await, (50, 3 + 23));
    assert_eq!(fetcher.held(&listed(), &statement), Some(75));
    assert_eq!(read(&vendor, &fetcher, listed(), HeldRows::Only).await, (50, 0));
    let error = collect(fetcher.fetch(spans(of(0..40)), statement_of("alice", HeldRows::Only))).await.unwrap_err();
    assert_eq!(error.kind, Kind::ObjectState);
    let runs = fetcher.holdings(&[own_source()], "alice");
    let of_spans = runs.iter().find(|run| run.table == "spans").unwrap();
    assert_eq!((of_spans.keys, of_spans.rows, of_spans.calls), (Some(25), 75, 25.0));
    assert_eq!((of_spans.from, of_spans.to), (Some(START), Some(START + 2 * MINUTE)));
    assert!(of_spans.memory > 0 && fetcher.memory() >= of_spans.memory);
    assert!(!fetcher.holdings(&[own_source()], "bob").iter().any(|run| run.keys.is_some()));
}

#[tokio::test]
async fn while_more_may_come_a_key_serves_as_long_as_the_session_allows() {
    let vendor = recent();
    let fetcher = in_memory(&vendor);
    assert_eq!(read(&vendor, &fetcher, spans(of(0..2)), FRESH).await, (2, 2));
    let statement = statement_of("alice", FRESH);
    let rows = collect(fetcher.fetch(spans(of(0..2)), Arc::clone(&statement))).await.unwrap();
    assert_eq!((span_ids(&rows).len(), vendor.calls()), (2, 2));
    assert_eq!(statement.scans()[0].stale.load(Ordering::Relaxed), 2);
    assert_eq!(read(&vendor, &fetcher, spans(of(0..2)), NEVER_OLD).await, (2, 2));
    // What came before it was read is as it was.
    let before = Range { from: Some(START), to: Some(now_us() - 60 * MINUTE) };
    assert_eq!(read(&vendor, &fetcher, Scan { range: before, ..spans(of(0..2)) }, NEVER_OLD).await, (0, 0));
    // That there are none may change as well.
    let vendor = super::keys::vendor(0, |_, _| ok(String::new()));
    let fetcher = in_memory(&vendor);
    assert_eq!(read(&vendor, &fetcher, spans(of(0..1)), FRESH).await, (0, 1));
    assert_eq!(read(&vendor, &fetcher, spans(of(0..1)), FRESH).await, (0, 0));
    assert_eq!(read(&vendor, &fetcher, spans(of(0..1)), NEVER_OLD).await, (0, 1));
}

#[tokio::test]
async fn a_key_without_rows_is_final_once_its_entry_in_the_list_is_old_enough() {
    let empty = || {
        let day_ago = now_us() - 86_400_000_000;
        Arc::new(Paged::new(move |request, _| match request.path.as_str() {
            EXPORT => ok(String::new()),
            _ => listed(request, &[day_ago, now_us() - MINUTE]),
        }))
    };
    let two_days = |to: i64| Range { from: Some(now_us() - 2 * 86_400_000_000), to: Some(to) };
    let scan = || Scan { range: two_days(now_us() - 10 * MINUTE), ..spans(Keys::Listed) };
    let vendor = empty();
    let folder = tempfile::tempdir().unwrap();
    let fetcher = on_disk(&vendor, folder.path(), None, &[own_source()]);
    assert_eq!(read(&vendor, &fetcher, scan(), NEVER_OLD).await, (0, 2));
    assert_eq!(asked(&vendor), [key(0)]);
    drop(fetcher);
    let fetcher = on_disk(&vendor, folder.path(), None, &[own_source()]);
    read(&vendor, &fetcher, scan(), NEVER_OLD).await;
    assert_eq!(asked(&vendor), [key(0)]);
    // The same where a filling reads it.
    let vendor = empty();
    let fetcher = in_memory(&vendor);
    let source = own_source();
    let table = source.connector.tables.iter().find(|table| table.name == "spans").unwrap();
    let (days, every) = (Duration::from_secs(2 * 86_400), Duration::from_secs(60));
    let job = Job::new(&source, table, days, every, Share::default()).unwrap();
    let (progress, shutdown) = (Progresses::default(), CancellationToken::new());
    fetcher.fill(&job, &progress, &shutdown).await.unwrap();
    assert_eq!(asked(&vendor).len(), 2);
    let found = |number: usize| fetcher.held(&spans(of(number..number + 1)), &statement_of("", NEVER_OLD));
    assert_eq!((found(0), found(1)), (Some(0), None));
}

#[tokio::test]
async fn a_trace_that_goes_on_for_hours_is_asked_for_until_it_is_quiet() {
    let began = now_us() - 5 * 60 * MINUTE;
    // A span every half an hour: the last one has just come.
    let vendor = super::keys::vendor(0, move |request, _| {
        let trace = parameter(request, "trace_id").unwrap();
        let span = |index: i64| {
            let time = crate::model::scan::iso_micros(began + index * 30 * MINUTE);
            format!(r#"{{"trace_id":"{trace}","span_id":"{trace}/{index}","name":"n","created_at":"{time}"}}"#)
        };
        ok((0..=10).map(span).collect::<Vec<_>>().join("\n"))
    });
    let fetcher = in_memory(&vendor);
    assert_eq!(read(&vendor, &fetcher, spans(of(0..1)), NEVER_OLD).await, (11, 1));
    assert_eq!(read(&vendor, &fetcher, spans(of(0..1)), NEVER_OLD).await, (11, 1));
}

#[tokio::test]
async fn a_settle_window_keeps_a_key_from_being_final() {
    let vendor = healthy(0);
    let fetcher = in_memory(&vendor);
    let settle = Duration::from_secs(200 * 365 * 86_400);
    let source = Arc::new(Source { settle, ..source_of(&trulayer::CONNECTOR) });
    let scan = || Scan { source: Arc::clone(&source), ..spans(of(0..1)) };
    assert_eq!(read(&vendor, &fetcher, scan(), FRESH).await, (3, 1));
    assert_eq!(read(&vendor, &fetcher, scan(), FRESH).await, (3, 0));
    assert_eq!(read(&vendor, &fetcher, scan(), NEVER_OLD).await, (3, 1));
}

#[tokio::test]
async fn statements_that_want_a_key_at_the_same_time_share_its_call() {
    let vendor = healthy(0);
    let fetcher = in_memory(&vendor);
    let reads =
        [of(0..4), of(2..6), of(0..6)].map(|keys| collect(fetcher.fetch(spans(keys), statement_of("alice", FRESH))));
    let counts: Vec<usize> =
        futures::future::join_all(reads).await.into_iter().map(|rows| span_ids(&rows.unwrap()).len()).collect();
    assert_eq!((counts, vendor.calls()), (vec![12, 12, 18], 6));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_key_goes_on_whatever_becomes_of_its_reader() {
    // It is left while upstream answers it.
    let vendor = healthy(0);
    let fetcher = in_memory(&vendor);
    let mut left = fetcher.fetch(spans(of(0..1)), statement_of("alice", FRESH));
    assert!(futures::poll!(left.next()).is_pending());
    let waiting = read(&vendor, &fetcher, spans(of(0..1)), FRESH);
    let (rows, _) = tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it waits for ever");
    assert_eq!((rows, vendor.calls()), (3, 1));
    drop(left);
    // It fails, and it is dropped: who waited asks by itself.
    let vendor =
        super::keys::vendor(0, |request, before| if before == 0 { refusal(400, "{}") } else { export(request) });
    let fetcher = in_memory(&vendor);
    let reads = [0, 1].map(|_| collect(fetcher.fetch(spans(of(0..1)), statement_of("alice", FRESH))));
    let rows = futures::future::join_all(reads).await;
    assert!(rows[0].is_err());
    assert_eq!(span_ids(rows[1].as_ref().unwrap()).len(), 3);
    let fetcher = in_memory(&vendor);
    let mut dropped = fetcher.fetch(spans(of(0..1)), statement_of("alice", FRESH));
    assert!(futures::poll!(dropped.next()).is_pending());
    let mut waiting = Box::pin(read(&vendor, &fetcher, spans(of(0..1)), FRESH));
    assert!(futures::poll!(&mut waiting).is_pending());
    drop(dropped);
    let (rows, _) = tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it waits for ever");
    assert_eq!(rows, 3);
}

#[tokio::test]
async fn rows_that_were_cut_are_not_held() {
    let vendor = super::keys::vendor(0, |request, _| {
        let mut answer = export(request);
        answer.headers.flags.push("x-trulayer-truncated".to_owned());
        answer
    });
    let fetcher = in_memory(&vendor);
    let statement = || {
        let mut statement = Statement::new("alice", None, 1_000);
        statement.policy = Policy { held: FRESH, warn_on_truncated: true, ..Policy::default() };
        Arc::new(statement)
    };
    for calls in 1..=2 {
        let rows = collect(fetcher.fetch(spans(of(0..1)), statement())).await.unwrap();
        assert_eq!((span_ids(&rows).len(), vendor.calls()), (3, calls));
    }
}

#[tokio::test]
async fn keys_are_found_again_on_disk_by_who_read_them_only() {
    let vendor = healthy(0);
    let folder = tempfile::tempdir().unwrap();
    {
        let fetcher = on_disk(&vendor, folder.path(), None, &[own_source()]);
        assert_eq!(read(&vendor, &fetcher, spans(of(0..20)), FRESH).await, (60, 20));
        assert_eq!(read(&vendor, &fetcher, spans(of(0..20)), FRESH).await, (60, 0));
    }
    let fetcher = on_disk(&vendor, folder.path(), None, &[own_source()]);
    assert_eq!(read(&vendor, &fetcher, spans(of(0..20)), NEVER_OLD).await, (60, 0));
    assert_eq!(fetcher.held(&spans(of(0..1)), &statement_of("bob", FRESH)), None);
    let runs = fetcher.holdings(&[own_source()], "alice");
    assert_eq!((runs[0].keys, runs[0].rows, runs[0].memory), (Some(20), 60, 0));
    assert!(runs[0].disk > 0);
    // Read anew, they stand there once.
    let source =
        Arc::new(Source { settle: Duration::from_secs(200 * 365 * 86_400), ..source_of(&trulayer::CONNECTOR) });
    drop(fetcher);
    let (disk, _) = Disk::open(folder.path(), None).unwrap();
    disk.drop_keys(&[(disk.shelves().unwrap()[0].id, key(3))], &[]).unwrap();
    drop(disk);
    let fetcher = on_disk(&vendor, folder.path(), None, &[Arc::clone(&source)]);
    assert_eq!(read(&vendor, &fetcher, Scan { source, ..spans(of(0..20)) }, FRESH).await, (60, 1));
    drop(fetcher);
    let (disk, _) = Disk::open(folder.path(), None).unwrap();
    let shelves = disk.shelves().unwrap();
    assert_eq!((shelves.len(), shelves[0].keys.len()), (1, 20));
    assert!(disk.verify_keys(&shelves[0]).is_empty());
}

#[tokio::test]
async fn keys_stay_within_the_bounds_of_memory_and_disk() {
    let vendor = healthy(0);
    let small = fetcher(Arc::<Paged>::clone(&vendor)).with_cache(40_000);
    read(&vendor, &small, spans(of(0..40)), FRESH).await;
    let n_held =
        (0..40).filter(|number| small.held(&spans(of(*number..number + 1)), &statement_of("alice", FRESH)).is_some());
    let n_held = n_held.count();
    assert!((1..40).contains(&n_held) && small.memory() <= 40_000, "{n_held} keys, {} bytes", small.memory());

    let folder = tempfile::tempdir().unwrap();
    let most = 100_000;
    let fetcher = on_disk(&vendor, folder.path(), Some(most), &[own_source()]);
    read(&vendor, &fetcher, spans(of(0..40)), FRESH).await;
    let disk = fetcher.holdings(&[own_source()], "alice")[0].disk;
    assert!(disk <= most && disk > most / 2, "{disk} bytes");
    drop(fetcher);
    // What nobody can use counts, and goes first.
    let other = Arc::new(Source { name: "other".to_owned(), ..source_of(&trulayer::CONNECTOR) });
    let fetcher = on_disk(&vendor, folder.path(), Some(most), &[Arc::clone(&other)]);
    read(&vendor, &fetcher, Scan { source: Arc::clone(&other), ..spans(of(0..10)) }, FRESH).await;
    drop(fetcher);
    let (disk, _) = Disk::open(folder.path(), None).unwrap();
    let bytes = disk.shelves().unwrap().iter().flat_map(|shelf| &shelf.keys).map(|(_, known)| known.bytes).sum::<u64>();
    assert!(bytes <= most, "{bytes} bytes");
    assert!(disk.shelves().unwrap().iter().any(|shelf| shelf.table.source == "other" && shelf.keys.len() == 10));
}

/// Traces that began at these times, five on a page of the list, each with one span.
fn traces(times: Vec<i64>) -> Arc<Paged> {
    Arc::new(Paged::new(move |request, _| {
        let begins = |number: usize| crate::model::scan::iso_micros(times[number]);
        if request.path == EXPORT {
            let trace = parameter(request, "trace_id").unwrap();
            let number: usize = trace[trace.len() - 12..].parse().unwrap();
            return ok(format!(
                r#"{{"trace_id":"{trace}","span_id":"{trace}/0","name":"n","created_at":"{}"}}"#,
                begins(number)
            ));
        }
        listed(request, &times)
    }))
}

fn listed(request: &Request, times: &[i64]) -> Answer {
    let (from, to) = (bound(request, "from").unwrap_or(i64::MIN), bound(request, "to").unwrap_or(i64::MAX));
    let within: Vec<usize> = (0..times.len()).filter(|number| (from..=to).contains(&times[*number])).collect();
    let first: usize = parameter(request, "cursor").unwrap_or("0").parse().unwrap();
    let last = (first + 5).min(within.len());
    let trace = |number: &usize| {
        format!(r#"{{"id":"{}","started_at":"{}"}}"#, key(*number), crate::model::scan::iso_micros(times[*number]))
    };
    let page: Vec<String> = within[first..last].iter().map(trace).collect();
    let more = last < within.len();
    let next = if more { format!("\"{last}\"") } else { "null".to_owned() };
    ok(format!(r#"{{"traces":[{}],"next_cursor":{next},"has_more":{more}}}"#, page.join(",")))
}

#[tokio::test]
async fn a_table_whose_rows_come_by_key_is_kept_filled() {
    let now = now_us();
    // Twelve days, two traces a day; the last two are recent.
    let times: Vec<i64> = (0..24).map(|half| now - half * 12 * 3_600 * 1_000_000 - MINUTE).collect();
    let vendor = traces(times);
    let folder = tempfile::tempdir().unwrap();
    let days = Duration::from_secs(30 * 86_400);
    let spans_of = |source: &Arc<Source>| source.connector.tables.iter().find(|table| table.name == "spans").unwrap();
    let source = own_source();
    let job = |every| Job::new(&source, spans_of(&source), days, every, Share::default()).unwrap();
    let (progress, shutdown) = (Progresses::default(), CancellationToken::new());
    let fetcher = on_disk(&vendor, folder.path(), None, &[Arc::clone(&source)]);
    fetcher.fill(&job(Duration::from_secs(60)), &progress, &shutdown).await.unwrap();
    let filling = progress.snapshot().pop().unwrap();
    assert!(filling.is_filled);
    assert_eq!((filling.covered, asked(&vendor).len()), (1.0, 24));
    assert_eq!(asked(&vendor)[..2], keys(2), "the newest first");
    assert_eq!((filling.calls as usize, filling.rows >= 24), (vendor.calls(), true));
    // Every statement over it makes no calls.
    let week = Range { from: Some(now - 7 * 86_400_000_000), to: Some(now - 86_400_000_000) };
    for keys in [Keys::Listed, of(2..20)] {
        // The rows belong to those who read with the shared credential.
        let (before, statement) = (vendor.calls(), statement_of("", NEVER_OLD));
        let rows = collect(fetcher.fetch(Scan { range: week, ..spans(keys) }, statement)).await.unwrap();
        assert_eq!((span_ids(&rows).len(), vendor.calls() - before), (12, 0));
    }
    // Again: the list's end, and no key, for the newest was read just now.
    let before = asked(&vendor).len();
    fetcher.fill(&job(Duration::from_secs(60)), &progress, &shutdown).await.unwrap();
    assert_eq!(asked(&vendor).len(), before);
    // After a restart as well.
    drop(fetcher);
    let fetcher = on_disk(&vendor, folder.path(), None, &[Arc::clone(&source)]);
    fetcher.fill(&job(Duration::from_secs(60)), &progress, &shutdown).await.unwrap();
    assert_eq!(asked(&vendor).len(), before);
    // Where there is no room, that is told.
    let fetcher = super::fetcher(Arc::<Paged>::clone(&vendor)).with_cache(4_000);
    let error = fetcher.fill(&job(Duration::from_secs(60)), &progress, &shutdown).await.unwrap_err();
    assert_eq!(error.kind, Kind::ConfigurationLimit, "{error:?}");
}
