//! Who is next: classes, users, age.

use proptest::prelude::*;

use super::*;
use Priority::{Backfill, Interactive, Sync};

/// One slot that returns every minute: all that is seen is the order.
const ONE: Quota = Quota { calls: 1, per: MINUTE, concurrency: 1 };

#[tokio::test(start_paused = true)]
async fn interactive_goes_before_sync_and_sync_before_backfill() {
    let limiter = limiter(Quota { calls: 1, per: MINUTE * 10, concurrency: 1 });
    call(&limiter, &patient()).await;
    // So that nobody has waited a whole window when the slot returns.
    tokio::time::advance(seconds(1)).await;
    let mut line = Line::before(&limiter);
    for (name, priority) in [("backfill", Backfill), ("sync", Sync), ("interactive", Interactive)] {
        line.enter(name, of(name, priority)).await;
    }
    let served = line.served().await;
    assert_eq!(served[0], ("interactive".to_owned(), 599));
}

#[tokio::test(start_paused = true)]
async fn sync_goes_before_backfill() {
    let limiter = limiter(Quota { calls: 1, per: MINUTE, concurrency: 1 });
    call(&limiter, &patient()).await;
    tokio::time::advance(seconds(1)).await;
    let mut line = Line::before(&limiter);
    line.enter("backfill", of("bob", Backfill)).await;
    line.enter("sync", of("carol", Sync)).await;
    assert_eq!(seen(&line.served().await), [("sync", 59), ("backfill", 119)]);
}

#[tokio::test(start_paused = true)]
async fn a_user_with_many_pages_does_not_keep_another_from_his_first() {
    let limiter = limiter(Quota { calls: 4, per: MINUTE, concurrency: 4 });
    let mut line = Line::before(&limiter);
    for _ in 0..12 {
        line.enter("alice", of("alice", Interactive)).await;
        tokio::time::sleep(seconds(1)).await;
    }
    line.enter("bob", of("bob", Interactive)).await;
    line.enter("carol", of("carol", Interactive)).await;
    let served = line.served().await;
    // Four calls of hers fill the window; the first slot that returns is his, though eight of hers came before.
    assert_eq!(seen(&served[4..6]), [("bob", 60), ("carol", 61)]);
    assert_eq!(served.len(), 14);
    assert_eq!(seen(&served[6..8]), [("alice", 62), ("alice", 63)]);
}

#[tokio::test(start_paused = true)]
async fn users_take_turns() {
    let limiter = limiter(Quota { calls: 4, per: MINUTE, concurrency: 4 });
    limiter.penalize(Instant::now() + seconds(5));
    let mut line = Line::before(&limiter);
    for name in ["alice", "alice", "alice", "bob", "bob", "carol"] {
        line.enter(name, of(name, Interactive)).await;
    }
    let served = line.served().await;
    assert_eq!(seen(&served[..4]), [("alice", 5), ("bob", 5), ("carol", 5), ("alice", 5)]);
    // All slots are back by then: nobody has any, and who came first is first.
    assert_eq!(seen(&served[4..]), [("alice", 65), ("bob", 65)]);
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_a_window_counts_as_interactive() {
    let limiter = limiter(ONE);
    call(&limiter, &patient()).await;
    let mut line = Line::before(&limiter);
    tokio::time::sleep(seconds(30)).await;
    line.enter("backfill", of("bob", Backfill)).await;
    // Somebody interactive comes every twenty seconds, and there is one slot a minute.
    for index in 0..12 {
        line.enter("interactive", of(&format!("user {index}"), Interactive)).await;
        tokio::time::sleep(seconds(20)).await;
    }
    let served = line.served().await;
    // It is behind at 60 s, when it has waited half a minute, and first at 120 s, when it has waited one and a half.
    assert_eq!(seen(&served[..3]), [("interactive", 60), ("backfill", 120), ("interactive", 180)]);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_after_he_was_served_gives_the_slot_to_the_next() {
    let limiter = limiter(ONE);
    call(&limiter, &patient()).await;
    let first = patient();
    let mut waiting = Box::pin(limiter.acquire(&first, |_| {}));
    assert!(tokio::time::timeout(Duration::ZERO, &mut waiting).await.is_err());
    let mut line = Line::before(&limiter);
    line.enter("second", patient()).await;
    tokio::time::advance(MINUTE).await;
    // The slot is handed to the first, who does not come for it.
    assert_eq!(limiter.snapshot().used, 0);
    limiter.penalize(Instant::now());
    assert_eq!((limiter.snapshot().used, limiter.snapshot().waiting), (1, 1));
    drop(waiting);
    assert_eq!(seen(&line.served().await), [("second", 60)]);
}

async fn eta(limiter: &Arc<Limiter>, user: &str, priority: Priority) -> u64 {
    let mut statement = Statement::new(user, Some(Duration::from_micros(1)), 1000);
    statement.policy.priority = priority;
    let error = limiter.acquire(&statement, |_| {}).await.map(drop).unwrap_err();
    let detail = error.detail.unwrap();
    let (_, rest) = detail.split_once("made in ").unwrap();
    rest.split_once(" s").unwrap().0.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_eta_counts_those_who_are_ahead_for_certain() {
    let limiter = limiter(Quota { calls: 2, per: MINUTE, concurrency: 2 });
    call(&limiter, &of("alice", Interactive)).await;
    tokio::time::advance(seconds(10)).await;
    call(&limiter, &of("alice", Interactive)).await;
    let mut line = Line::before(&limiter);
    line.enter("alice", of("alice", Interactive)).await;
    line.enter("alice", of("alice", Interactive)).await;
    // Hers are at 50 s and 60 s. One who holds no slot is before both.
    assert_eq!(eta(&limiter, "bob", Interactive).await, 50);
    line.enter("bob", of("bob", Interactive)).await;
    assert_eq!(eta(&limiter, "carol", Interactive).await, 60);
    assert_eq!(eta(&limiter, "bob", Interactive).await, 60);
    // At 50 s one of her slots returns, and hers may come before his second then.
    assert_eq!(eta(&limiter, "alice", Interactive).await, 110);
    // Behind all that is interactive, until it has waited a minute itself.
    assert_eq!(eta(&limiter, "dave", Sync).await, 60);
    assert_eq!(line.served().await.len(), 3);
}

/// Statements that come at random, of some users and classes, against the bound that each is told at the start and
/// against any window.
async fn run(arrivals: Vec<(u64, usize, u8)>, quota: Quota) -> Result<(), TestCaseError> {
    let limiter = limiter(quota);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = arrivals
        .into_iter()
        .map(|(at, user, class)| {
            let (limiter, calls) = (Arc::clone(&limiter), Arc::clone(&calls));
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(at)).await;
                let priority = [Interactive, Sync, Backfill][usize::from(class % 3)];
                let statement = of(["alice", "bob", "carol"][user], priority);
                let (came, bound) = (Instant::now(), Mutex::new(Duration::ZERO));
                let mut permit = limiter.acquire(&statement, |wait| *lock(&bound) = wait).await.unwrap();
                let waited = came.elapsed();
                permit.sent();
                // Its way there, its time there, its way back.
                tokio::time::sleep(Duration::from_millis(at % 700)).await;
                lock(&calls).push((Instant::now(), priority != Interactive));
                tokio::time::sleep(Duration::from_millis(at % 1_900)).await;
                (waited, bound.into_inner().unwrap())
            })
        })
        .collect();
    let n = tasks.len();
    for task in tasks {
        let (waited, bound) = tokio::time::timeout(MINUTE * 60, task).await.expect("everyone is served").unwrap();
        prop_assert!(waited >= bound, "{:?} {:?}", waited, bound);
    }
    let mut calls = lock(&calls).clone();
    calls.sort();
    prop_assert_eq!(calls.len(), n);
    let most_in_a_window = |calls: &[Instant], most: u32| {
        calls.windows(most as usize + 1).all(|run| run[most as usize] - run[0] >= quota.per)
    };
    let all: Vec<Instant> = calls.iter().map(|(at, _)| *at).collect();
    prop_assert!(most_in_a_window(&all, quota.calls));
    let background: Vec<Instant> = calls.iter().filter(|(_, background)| *background).map(|(at, _)| *at).collect();
    prop_assert!(most_in_a_window(&background, Share::default().of(quota.calls)));
    prop_assert_eq!(limiter.snapshot().waiting, 0);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
    #[test]
    fn whoever_comes_is_served_and_no_window_is_overfull(
        arrivals in prop::collection::vec((0..120_000_u64, 0..3_usize, 0..3_u8), 1..60),
        calls in 1..12_u32,
        concurrency in 1..5_u32,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(run(arrivals, Quota { calls, per: seconds(20), concurrency }))?;
    }
}
