//! Work that nobody waits for: its share, its pace, and what it leaves.

use super::*;
use Priority::{Backfill, Interactive, Sync};

#[tokio::test(start_paused = true)]
async fn the_background_has_half_of_the_window_evenly_paced() {
    let limiter = limiter(QUOTA);
    let mut line = Line::before(&limiter);
    for (name, priority) in [("sync", Sync), ("backfill", Backfill)].repeat(4) {
        line.enter(name, of(name, priority)).await;
    }
    assert_eq!(limiter.snapshot().used, 1);
    let served = line.served().await;
    let times: Vec<u64> = served.iter().map(|(_, at)| *at).collect();
    assert_eq!(times, [0, 12, 24, 36, 48, 60, 72, 84]);
}

#[tokio::test(start_paused = true)]
async fn the_share_is_the_statements_own() {
    for (per_mille, times) in [(0, [0, 60, 120]), (100, [0, 60, 120]), (200, [0, 30, 60]), (1_000, [0, 6, 12])] {
        let limiter = limiter(QUOTA);
        let mut line = Line::before(&limiter);
        for _ in 0..3 {
            let mut statement = of("alice", Backfill);
            statement.policy.share = Share::per_mille(per_mille);
            line.enter("backfill", statement).await;
        }
        let served: Vec<u64> = line.served().await.iter().map(|(_, at)| *at).collect();
        assert_eq!(served, times, "{per_mille}");
    }
}

#[tokio::test(start_paused = true)]
async fn slots_of_slow_calls_count_towards_the_share() {
    let limiter = limiter(Quota { concurrency: 10, ..QUOTA });
    let mut held = Vec::new();
    let start = Instant::now();
    for _ in 0..5 {
        let mut permit = limiter.acquire(&of("alice", Sync), |_| {}).await.unwrap();
        permit.sent();
        held.push(permit);
    }
    assert_eq!(start.elapsed(), seconds(48));
    let mut late = Statement::new("alice", Some(seconds(50)), 1000);
    late.policy.priority = Sync;
    let error = limiter.acquire(&late, |_| {}).await.unwrap_err();
    let detail =
        "10 calls per 60 s are allowed, 5 of them to work in the background; the next call can be made in 60 s";
    assert!(error.detail.as_deref().unwrap().starts_with(detail), "{error:?}");
    // Others are not kept by it.
    call(&limiter, &patient()).await;
    assert_eq!(start.elapsed(), seconds(48));
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_of_the_background_leaves_room_for_another() {
    let limiter = limiter(QUOTA);
    let first = limiter.acquire(&of("alice", Backfill), |_| {}).await.unwrap();
    tokio::time::advance(MINUTE).await;
    let mut line = Line::before(&limiter);
    line.enter("backfill", of("alice", Backfill)).await;
    line.enter("interactive", patient()).await;
    tokio::time::advance(seconds(5)).await;
    assert_eq!(limiter.snapshot().waiting, 1);
    drop(first);
    assert_eq!(seen(&line.served().await), [("interactive", 0), ("backfill", 5)]);
}

#[tokio::test(start_paused = true)]
async fn a_paced_wait_is_told_and_checked_against_the_deadline() {
    let limiter = limiter(QUOTA);
    call(&limiter, &of("alice", Sync)).await;
    let mut hurried = Statement::new("alice", Some(seconds(12)), 1000);
    hurried.policy.priority = Sync;
    let error = limiter.acquire(&hurried, |_| {}).await.unwrap_err();
    assert!(error.detail.unwrap().contains("made in 12 s at the earliest"));
    let told = Mutex::new(None);
    limiter.acquire(&of("alice", Sync), |wait| *lock(&told) = Some(wait)).await.unwrap();
    assert_eq!(*lock(&told), Some(seconds(12)));
}

#[tokio::test(start_paused = true)]
async fn the_last_free_slots_are_left_to_others() {
    for (interactive, at) in [(6, 12), (7, 60)] {
        let limiter = limiter(QUOTA);
        let mut line = Line::before(&limiter);
        line.enter("first", of("alice", Sync)).await;
        for _ in 0..interactive {
            call(&limiter, &patient()).await;
        }
        line.enter("second", of("alice", Sync)).await;
        assert_eq!(seen(&line.served().await), [("first", 0), ("second", at)]);
    }
}

#[tokio::test(start_paused = true)]
async fn one_call_in_each_window_is_the_backgrounds_however_many_others_come() {
    let limiter = limiter(QUOTA);
    let mut first = limiter.acquire(&of("alice", Sync), |_| {}).await.unwrap();
    first.sent();
    first.settle();
    // Somebody else leaves one slot free for ten minutes.
    first.observe(None, Some(1), Some(MINUTE * 10));
    drop(first);
    let mut line = Line::before(&limiter);
    for _ in 0..3 {
        line.enter("sync", of("alice", Sync)).await;
    }
    assert_eq!(seen(&line.served().await), [("sync", 60), ("sync", 120), ("sync", 180)]);
}

/// The waits of interactive statements that come at random beside a backfill of 500 calls, all of which wait from the
/// start; how many calls a minute the backfill made; and whether it kept to its pace.
async fn beside_a_backfill(seed: u64, per_minute: f64) -> (Vec<Duration>, f64, bool) {
    let start = Instant::now();
    let limiter = limiter(QUOTA);
    let grants = Arc::new(Mutex::new(Vec::new()));
    let backfill: Vec<_> = (0..500)
        .map(|_| {
            let (limiter, grants) = (Arc::clone(&limiter), Arc::clone(&grants));
            tokio::spawn(async move {
                let mut permit = limiter.acquire(&of("backfill", Backfill), |_| {}).await.unwrap();
                lock(&grants).push(Instant::now());
                permit.sent();
                tokio::time::sleep(Duration::from_millis(800)).await;
            })
        })
        .collect();
    let mut state = seed;
    let mut statements = Vec::new();
    for index in 0..200 {
        let uniform = (random(&mut state) % 1_000_000 + 1) as f64 / 1e6;
        tokio::time::sleep(Duration::from_secs_f64(-uniform.ln() * 60.0 / per_minute)).await;
        let limiter = Arc::clone(&limiter);
        statements.push(tokio::spawn(async move {
            let came = Instant::now();
            let statement = of(["alice", "bob", "carol"][index % 3], Interactive);
            let mut permit = limiter.acquire(&statement, |_| {}).await.unwrap();
            permit.sent();
            let waited = came.elapsed();
            tokio::time::sleep(Duration::from_millis(300)).await;
            waited
        }));
    }
    let mut waits = Vec::new();
    for statement in statements {
        waits.push(statement.await.unwrap());
    }
    backfill.iter().for_each(|task| task.abort());
    let grants = lock(&grants).clone();
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    let is_paced = grants.windows(2).all(|pair| pair[1] - pair[0] >= seconds(12));
    (waits, grants.len() as f64 / minutes, is_paced)
}

#[tokio::test(start_paused = true)]
async fn an_interactive_statement_beside_a_backfill_waits_at_most_an_interval() {
    let mut waits = Vec::new();
    for seed in [0x9E37_79B9_7F4A_7C15, 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB, 0xD6E8_FEB8_6659_FD93] {
        // Three a minute on average, of the five that the backfill leaves at the least.
        let (some, backfilled, is_paced) = beside_a_backfill(seed, 3.0).await;
        assert!(is_paced, "what has waited long keeps to the pace");
        assert!(backfilled > 3.5, "{backfilled} a minute");
        waits.extend(some);
    }
    waits.sort();
    let p95 = waits[waits.len() * 95 / 100];
    assert!(p95 <= QUOTA.per / QUOTA.calls, "{p95:?}");
}
