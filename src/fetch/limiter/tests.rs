//! The limiter on a paused clock: exact instants, no sleeping.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::model::statement::{Priority, Share};

mod background;
mod order;
mod told;

const MINUTE: Duration = Duration::from_secs(60);
const QUOTA: Quota = Quota { calls: 10, per: MINUTE, concurrency: 2 };

fn limiter(quota: Quota) -> Arc<Limiter> {
    Arc::new(Limiter::new("spanlens", quota))
}

fn patient() -> Statement {
    Statement::new("alice", None, 1000)
}

fn of(user: &str, priority: Priority) -> Statement {
    let mut statement = Statement::new(user, None, 1000);
    statement.policy.priority = priority;
    statement
}

/// One that waits in a task of its own, and tells who it is when it is served.
struct Line {
    limiter: Arc<Limiter>,
    served: Arc<Mutex<Vec<(String, Duration)>>>,
    start: Instant,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Line {
    fn before(limiter: &Arc<Limiter>) -> Self {
        let limiter = Arc::clone(limiter);
        Line { limiter, served: Arc::default(), start: Instant::now(), tasks: Vec::new() }
    }

    /// Enters a statement that makes one call, and lets go of it at once.
    async fn enter(&mut self, name: &str, statement: Statement) {
        let (limiter, served, start, name) =
            (Arc::clone(&self.limiter), Arc::clone(&self.served), self.start, name.to_owned());
        let before = limiter.snapshot();
        self.tasks.push(tokio::spawn(async move {
            let mut permit = limiter.acquire(&statement, |_| {}).await.unwrap();
            lock(&served).push((name, start.elapsed()));
            permit.sent();
        }));
        loop {
            let now = self.limiter.snapshot();
            if (now.waiting, now.used) != (before.waiting, before.used) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Names in the order in which they were served, and when.
    async fn served(self) -> Vec<(String, u64)> {
        for task in self.tasks {
            task.await.unwrap();
        }
        lock(&self.served).iter().map(|(name, at)| (name.clone(), whole_seconds(*at))).collect()
    }
}

fn seen(served: &[(String, u64)]) -> Vec<(&str, u64)> {
    served.iter().map(|(name, at)| (name.as_str(), *at)).collect()
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

async fn call(limiter: &Arc<Limiter>, statement: &Statement) {
    let mut permit = limiter.acquire(statement, |_| {}).await.unwrap();
    permit.sent();
    permit.settle();
}

#[tokio::test(start_paused = true)]
async fn the_eleventh_call_waits_until_a_minute_after_the_first_settled() {
    let limiter = limiter(QUOTA);
    let statement = patient();
    let mut first = limiter.acquire(&statement, |_| {}).await.unwrap();
    first.sent();
    tokio::time::advance(seconds(7)).await;
    first.settle();
    let settled = Instant::now();
    drop(first);
    for _ in 0..9 {
        tokio::time::advance(seconds(1)).await;
        call(&limiter, &statement).await;
    }
    let told = Mutex::new(None);
    let permit = limiter.acquire(&statement, |wait| *lock(&told) = Some(wait)).await.unwrap();
    assert_eq!(Instant::now() - settled, MINUTE);
    assert_eq!(*lock(&told), Some(seconds(51)));
    drop(permit);
}

#[tokio::test(start_paused = true)]
async fn a_short_wait_is_not_told() {
    let limiter = limiter(Quota { calls: 1, per: seconds(2), concurrency: 1 });
    let statement = patient();
    call(&limiter, &statement).await;
    let told = AtomicU32::new(0);
    let permit = limiter
        .acquire(&statement, |_| {
            told.fetch_add(1, Ordering::Relaxed);
        })
        .await;
    drop(permit.unwrap());
    assert_eq!(told.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn two_tenants_do_not_share() {
    let limiters = Limiters::default();
    let source = crate::fetch::tests::source("http://127.0.0.1:1");
    let alice = limiters.of(&source, "a");
    let bob = limiters.of(&source, "b");
    assert!(Arc::ptr_eq(&alice, &limiters.of(&source, "a")));
    let start = Instant::now();
    for _ in 0..10 {
        call(&alice, &patient()).await;
        call(&bob, &patient()).await;
    }
    assert_eq!(Instant::now(), start);
    let used: Vec<u32> = limiters.snapshot().iter().map(|usage| usage.used).collect();
    assert_eq!(used, [10, 10]);
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_wait_gives_the_place_back() {
    let limiter = limiter(Quota { calls: 1, per: MINUTE, concurrency: 1 });
    call(&limiter, &patient()).await;
    let start = Instant::now();
    let first = patient();
    let cancel = first.cancel.clone();
    let waiter = Arc::clone(&limiter);
    let waiting = tokio::spawn(async move { waiter.acquire(&first, |_| {}).await.map(drop) });
    let waiter = Arc::clone(&limiter);
    let behind = tokio::spawn(async move { waiter.acquire(&patient(), |_| {}).await.map(drop) });
    while limiter.snapshot().waiting < 2 {
        tokio::task::yield_now().await;
    }
    cancel.cancel();
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error, Error::canceled());
    assert_eq!(Instant::now(), start);
    assert_eq!(limiter.snapshot().waiting, 1);
    behind.await.unwrap().unwrap();
    assert_eq!(Instant::now() - start, MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_deadline_fails_at_once() {
    let limiter = limiter(Quota { calls: 2, per: MINUTE, concurrency: 2 });
    call(&limiter, &patient()).await;
    call(&limiter, &patient()).await;
    let start = Instant::now();
    let hurried = Statement::new("alice", Some(seconds(60)), 1000);
    let error = limiter.acquire(&hurried, |_| panic!("told of a wait that is not waited")).await.unwrap_err();
    assert_eq!(Instant::now(), start);
    assert_eq!(error.kind, Kind::UpstreamQuota);
    assert_eq!(error.message, "upstream quota of source \"spanlens\" is used up");
    assert_eq!(
        error.detail.unwrap(),
        "2 calls per 60 s are allowed and all are taken; the next call can be made in 60 s at the earliest (0 others \
         are waiting), which is after the statement's deadline."
    );
    let enough = Statement::new("alice", Some(seconds(61)), 1000);
    limiter.acquire(&enough, |_| {}).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_queue_counts_towards_the_deadline() {
    let limiter = limiter(Quota { calls: 1, per: MINUTE, concurrency: 1 });
    call(&limiter, &patient()).await;
    let waiter = Arc::clone(&limiter);
    let ahead = tokio::spawn(async move { waiter.acquire(&patient(), |_| {}).await.map(drop) });
    while limiter.snapshot().waiting < 1 {
        tokio::task::yield_now().await;
    }
    let hurried = Statement::new("alice", Some(seconds(90)), 1000);
    let error = limiter.acquire(&hurried, |_| {}).await.unwrap_err();
    assert!(error.detail.unwrap().contains("in 120 s at the earliest (1 others are waiting)"));
    ahead.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn retry_after_moves_everyone() {
    let limiter = limiter(QUOTA);
    let start = Instant::now();
    limiter.penalize(start + seconds(30));
    limiter.penalize(start + seconds(20));
    let waits: Vec<_> = (0..2)
        .map(|_| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move {
                let permit = limiter.acquire(&patient(), |_| {}).await.unwrap();
                (Instant::now(), permit)
            })
        })
        .collect();
    let hurried = Statement::new("alice", Some(seconds(29)), 1000);
    let error = limiter.acquire(&hurried, |_| {}).await.unwrap_err();
    assert!(error.detail.unwrap().starts_with("Upstream asked to wait; the next call can be made in 30 s"));
    for wait in waits {
        assert_eq!(wait.await.unwrap().0 - start, seconds(30));
    }
}

#[tokio::test(start_paused = true)]
async fn a_penalty_that_comes_during_a_wait_counts() {
    let limiter = limiter(Quota { calls: 1, per: seconds(10), concurrency: 1 });
    call(&limiter, &patient()).await;
    let start = Instant::now();
    let waiter = Arc::clone(&limiter);
    let waiting = tokio::spawn(async move {
        let statement = Statement::new("alice", Some(seconds(15)), 1000);
        waiter.acquire(&statement, |_| {}).await.map(drop)
    });
    tokio::time::advance(seconds(5)).await;
    limiter.penalize(start + seconds(40));
    assert_eq!(waiting.await.unwrap().unwrap_err().kind, Kind::UpstreamQuota);
    assert_eq!(Instant::now() - start, seconds(5));
}

#[tokio::test(start_paused = true)]
async fn concurrency_is_bounded_until_the_permit_is_dropped() {
    let limiter = limiter(QUOTA);
    let mut first = limiter.acquire(&patient(), |_| {}).await.unwrap();
    let second = limiter.acquire(&patient(), |_| {}).await.unwrap();
    let waiter = Arc::clone(&limiter);
    let third = tokio::spawn(async move { waiter.acquire(&patient(), |_| {}).await.map(drop) });
    first.sent();
    first.settle();
    tokio::time::advance(seconds(5)).await;
    assert!(!third.is_finished());
    assert_eq!(limiter.snapshot().under_way, 2);
    drop(second);
    third.await.unwrap().unwrap();
    assert_eq!(limiter.snapshot().used, 1);
}

#[tokio::test(start_paused = true)]
async fn a_permit_dropped_unsent_costs_nothing_and_in_flight_settles() {
    let limiter = limiter(Quota { calls: 1, per: MINUTE, concurrency: 1 });
    drop(limiter.acquire(&patient(), |_| {}).await.unwrap());
    assert_eq!(limiter.snapshot().used, 0);
    let mut permit = limiter.acquire(&patient(), |_| {}).await.unwrap();
    permit.sent();
    tokio::time::advance(seconds(100)).await;
    assert_eq!(limiter.snapshot().free, 0);
    drop(permit);
    let usage = limiter.snapshot();
    assert_eq!((usage.used, usage.under_way, usage.next_free), (1, 0, Some(Instant::now() + MINUTE)));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_stops_a_wait_for_a_call_under_way() {
    let limiter = limiter(Quota { calls: 5, per: MINUTE, concurrency: 1 });
    let _held = limiter.acquire(&patient(), |_| {}).await.unwrap();
    let start = Instant::now();
    let statement = Statement::new("alice", Some(seconds(3)), 1000);
    assert_eq!(limiter.acquire(&statement, |_| {}).await.unwrap_err(), Statement::timed_out());
    assert_eq!(Instant::now() - start, seconds(3));
}

/// Small, fast, and the same on every run.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[tokio::test(start_paused = true)]
async fn no_window_ever_sees_more_than_the_quota() {
    for seed in 1..=8_u64 {
        let limiter = limiter(Quota { calls: 10, per: MINUTE, concurrency: 4 });
        let arrivals = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..80_u64)
            .map(|index| {
                let (limiter, arrivals) = (Arc::clone(&limiter), Arc::clone(&arrivals));
                let mut state = (seed * 1_000_003 + index) | 1;
                tokio::spawn(async move {
                    let mut pause = |limit_ms: u64| {
                        let wait = Duration::from_millis(random(&mut state) % limit_ms);
                        tokio::time::sleep(wait)
                    };
                    pause(200_000).await;
                    let mut permit = limiter.acquire(&patient(), |_| {}).await.unwrap();
                    pause(3_000).await;
                    permit.sent();
                    // On its way to the vendor, at the vendor, and back.
                    pause(9_000).await;
                    lock(&arrivals).push(Instant::now());
                    pause(20_000).await;
                    if index % 3 != 0 {
                        permit.settle();
                        pause(5_000).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let mut arrivals = lock(&arrivals).clone();
        arrivals.sort();
        assert_eq!(arrivals.len(), 80);
        assert!(arrivals.windows(11).all(|eleven| eleven[10] - eleven[0] >= MINUTE), "seed {seed}");
    }
}
