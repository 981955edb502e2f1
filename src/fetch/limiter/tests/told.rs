//! What upstream tells of the budget.

use proptest::prelude::*;

use super::window::{Owner, Window};
use super::*;

async fn call_told(limiter: &Arc<Limiter>, limit: Option<u32>, remaining: Option<u32>, reset: Option<u64>) {
    let mut permit = limiter.acquire(&patient(), |_| {}).await.unwrap();
    permit.sent();
    permit.settle();
    permit.observe(limit, remaining, reset.map(seconds));
}

#[tokio::test(start_paused = true)]
async fn calls_of_others_take_slots_until_the_reset() {
    let limiter = limiter(QUOTA);
    call_told(&limiter, None, Some(4), Some(20)).await;
    let usage = limiter.snapshot();
    assert_eq!((usage.used, usage.free), (6, 4));
    // Told again, they are the same calls.
    call_told(&limiter, None, Some(3), Some(20)).await;
    assert_eq!(limiter.snapshot().used, 7);
    tokio::time::advance(seconds(20)).await;
    assert_eq!(limiter.snapshot().used, 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_reset_they_are_taken_for_a_window() {
    let limiter = limiter(QUOTA);
    call_told(&limiter, None, Some(0), None).await;
    let start = Instant::now();
    assert_eq!(limiter.snapshot().free, 0);
    call(&limiter, &patient()).await;
    assert_eq!(start.elapsed(), MINUTE);
}

#[tokio::test(start_paused = true)]
async fn more_calls_left_than_are_free_change_nothing() {
    let limiter = limiter(QUOTA);
    call_told(&limiter, Some(120), Some(119), Some(60)).await;
    let usage = limiter.snapshot();
    assert_eq!((usage.used, usage.free, usage.quota), (1, 9, QUOTA));
}

#[tokio::test(start_paused = true)]
async fn calls_under_way_are_not_taken_for_those_of_others() {
    let limiter = limiter(Quota { concurrency: 4, ..QUOTA });
    let mut permits = Vec::new();
    for _ in 0..4 {
        let mut permit = limiter.acquire(&patient(), |_| {}).await.unwrap();
        permit.sent();
        permits.push(permit);
    }
    // Upstream had counted all four of them, or one: neither is news.
    permits[0].settle();
    permits[0].observe(None, Some(6), Some(seconds(60)));
    assert_eq!(limiter.snapshot().used, 4);
    permits[1].settle();
    permits[1].observe(None, Some(9), Some(seconds(60)));
    assert_eq!(limiter.snapshot().used, 4);
}

#[tokio::test(start_paused = true)]
async fn slots_that_return_while_an_answer_is_on_its_way_are_not_taken_for_those_of_others() {
    let limiter = limiter(QUOTA);
    for _ in 0..9 {
        call(&limiter, &patient()).await;
    }
    tokio::time::advance(seconds(59)).await;
    let mut last = limiter.acquire(&patient(), |_| {}).await.unwrap();
    last.sent();
    // Upstream has counted ten and says so; by the time that is heard nine of them are over.
    tokio::time::advance(seconds(2)).await;
    last.settle();
    last.observe(None, Some(0), Some(seconds(60)));
    assert_eq!(limiter.snapshot().used, 1);
}

#[tokio::test(start_paused = true)]
async fn a_lower_limit_holds_until_another_is_told() {
    let limiter = limiter(QUOTA);
    call_told(&limiter, Some(3), None, None).await;
    assert_eq!(limiter.snapshot().quota, Quota { calls: 3, ..QUOTA });
    call(&limiter, &patient()).await;
    call(&limiter, &patient()).await;
    let start = Instant::now();
    call_told(&limiter, Some(0), None, None).await;
    assert_eq!(start.elapsed(), MINUTE);
    // None at all could never be waited for.
    assert_eq!(limiter.snapshot().quota.calls, 1);
    call_told(&limiter, Some(120), None, None).await;
    assert_eq!(start.elapsed(), MINUTE * 2);
    assert_eq!(limiter.snapshot().quota, QUOTA);
}

#[tokio::test(start_paused = true)]
async fn a_lower_limit_than_is_used_is_waited_out() {
    let limiter = limiter(QUOTA);
    for _ in 0..5 {
        call(&limiter, &patient()).await;
        tokio::time::advance(seconds(1)).await;
    }
    call_told(&limiter, Some(2), None, None).await;
    let start = Instant::now();
    assert_eq!(limiter.snapshot().free, 0);
    // Six are in the window: five of them have to return.
    call(&limiter, &patient()).await;
    assert_eq!(start.elapsed(), seconds(59));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_upstream_makes_too_long_ends_at_once() {
    let limiter = limiter(Quota { calls: 2, per: MINUTE, concurrency: 2 });
    call(&limiter, &patient()).await;
    tokio::time::advance(seconds(30)).await;
    let mut permit = limiter.acquire(&patient(), |_| {}).await.unwrap();
    permit.sent();
    let start = Instant::now();
    let waiter = Arc::clone(&limiter);
    let waiting = tokio::spawn(async move {
        let statement = Statement::new("alice", Some(seconds(40)), 1000);
        waiter.acquire(&statement, |_| {}).await.map(drop)
    });
    while limiter.snapshot().waiting < 1 {
        tokio::task::yield_now().await;
    }
    permit.settle();
    permit.observe(Some(1), None, None);
    assert_eq!(waiting.await.unwrap().unwrap_err().kind, Kind::UpstreamQuota);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

proptest! {
    /// Slots of others are counted, those of our own are listed: together they return as if each stood in one list.
    #[test]
    fn slots_return_in_the_order_of_their_time(
        ours in prop::collection::vec(0..60_u64, 0..12),
        theirs in prop::collection::vec((1..6_u32, 60..120_u64), 0..6),
    ) {
        let start = Instant::now();
        let at = |second| start + seconds(second);
        let mut window = Window::new(Quota { calls: 1_000_000, per: MINUTE, concurrency: 1 });
        let owner = Owner { user: Arc::from("alice"), background: false };
        for settled in &ours {
            window.take(&owner, start);
            window.settle(&owner, at(*settled));
            window.release(&owner);
        }
        for (n, until) in &theirs {
            let free = 1_000_000 - u32::try_from(window.used()).unwrap();
            window.remaining(free - n, window.returned(), at(*until));
        }
        let others = theirs.iter().flat_map(|(n, until)| std::iter::repeat_n(at(*until), *n as usize));
        let mut naive: Vec<Instant> = ours.iter().map(|settled| at(settled + 60)).chain(others).collect();
        naive.sort_unstable();
        prop_assert_eq!(window.used(), naive.len());
        if let Some(first) = naive.first() {
            prop_assert_eq!(window.next_change(), Some(*first));
            window.limit(u32::try_from(naive.len()).unwrap());
            for (before, expected) in naive.iter().enumerate() {
                prop_assert_eq!(window.earliest(before, start), *expected);
            }
            for over in [60, 75, 90, 119] {
                window.tidy(at(over));
                prop_assert_eq!(window.used(), naive.iter().filter(|end| **end > at(over)).count());
                prop_assert_eq!(window.returned(), (naive.len() - window.used()) as u64);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_million_calls_of_others_are_one_entry() {
    let limiter = limiter(Quota { calls: 1_000_000, per: MINUTE, concurrency: 2 });
    call_told(&limiter, None, Some(3), Some(20)).await;
    let usage = limiter.snapshot();
    assert_eq!((usage.used, usage.free), (999_997, 3));
    let entries = lock(&limiter.queue).window.entries();
    assert_eq!(entries, 2, "one of ours, one of all others");
    tokio::time::advance(seconds(20)).await;
    assert_eq!(limiter.snapshot().used, 1);
}
