//! Tests of the rows themselves, without HTTP.
use std::collections::HashSet;

use super::{now, options};
use crate::demo::Options;
use crate::demo::data::{Data, Table};
use crate::demo::dice::{Dice, Lane};
use crate::demo::rhythm::window;

const DAY_US: i64 = 86_400_000_000;

#[test]
fn a_row_depends_on_the_seed_and_its_index_alone() {
    let one = Data::new(&options(1000));
    let two = Data::new(&options(1000));
    assert!(one.requests().eq(two.requests()));
    assert!(one.traces().eq(two.traces()));
    assert_eq!(one.requests().nth(731), Some(two.request(731)));
    // More rows change the times and nothing else.
    let more = Data::new(&options(5000));
    for index in 0..1000 {
        let expected = one.request(index);
        assert_eq!(crate::demo::rows::Request { created_at: expected.created_at, ..more.request(index) }, expected);
    }
    let other = Data::new(&Options { seed: 2, ..options(1000) });
    assert_ne!(one.request(100).id, other.request(100).id);
}

#[test]
fn ids_are_unique() {
    let data = Data::new(&options(40_000));
    let requests: HashSet<String> = data.requests().map(|row| row.id).collect();
    let traces: HashSet<String> = data.traces().map(|row| row.id).collect();
    assert_eq!((requests.len(), traces.len()), (40_000, 10_000));
    assert!(traces.iter().all(|id| id.len() == 36));
}

#[test]
fn instants_never_rise_and_fill_29_days() {
    for (rows, tie) in [(1, 1), (200, 1), (200, 7), (30_000, 1), (30_000, 2500), (200, 1000)] {
        let data = Data::new(&Options { tie, ..options(rows) });
        let now_us = now().timestamp_micros();
        for table in [Table::Requests, Table::Traces, Table::Security] {
            let instants: Vec<i64> = (0..data.count(table)).map(|index| data.instant(table, index)).collect();
            assert!(instants.is_sorted_by(|newer, older| newer >= older), "{table:?} of {rows} rows, tie {tie}");
            assert!(instants.iter().all(|&at| at < now_us && at > now_us - 29 * DAY_US));
        }
        assert!(data.instant(Table::Requests, 0) > now_us - 60_000_000);
        if rows == 30_000 && tie == 1 {
            assert!(data.instant(Table::Requests, rows - 1) < now_us - 28 * DAY_US);
        }
    }
}

#[test]
fn afternoons_are_busier_than_nights() {
    let data = Data::new(&options(30_000));
    let at_hour = |hour: i64| data.requests().filter(|row| row.created_at / 3_600_000_000 % 24 == hour).count();
    assert!(at_hour(14) > 4 * at_hour(3));
}

#[test]
fn tie_makes_blocks_of_exactly_so_many_rows() {
    let data = Data::new(&Options { tie: 25, ..options(1000) });
    let instants: Vec<i64> = data.requests().map(|row| row.created_at).collect();
    let blocks: Vec<usize> = instants.chunk_by(|left, right| left == right).map(<[i64]>::len).collect();
    assert_eq!(blocks, [25; 40]);
}

#[test]
fn a_window_is_the_rows_that_a_plain_filter_gives() {
    for tie in [1, 13] {
        let data = Data::new(&Options { tie, ..options(2000) });
        for table in [Table::Requests, Table::Traces, Table::Security] {
            let at_ms: Vec<i64> =
                (0..data.count(table)).map(|index| data.instant(table, index).div_euclid(1000)).collect();
            let mut dice = Dice::new(9, Lane::Figures, tie);
            for _ in 0..300 {
                let mut bound = || at_ms[dice.below(at_ms.len() as u64) as usize] + dice.below(3) as i64 - 1;
                let (from, to) = (bound(), bound());
                let expected: Vec<u64> =
                    (0..).zip(&at_ms).filter(|(_, at)| (from..=to).contains(*at)).map(|(index, _)| index).collect();
                assert!(data.window(table, from, to).eq(expected.iter().copied()), "{table:?} {from} {to}");
            }
        }
    }
}

#[test]
fn windows_at_the_ends() {
    let at = |index: u64| [9, 5, 5, 2][index as usize];
    assert_eq!(window(4, i64::MIN, i64::MAX, at), 0..4);
    assert_eq!(window(4, 5, 5, at), 1..3);
    assert_eq!(window(4, 3, 4, at), 3..3);
    assert!(window(4, 9, 2, at).is_empty());
    assert!(window(4, 10, 20, at).is_empty());
    assert!(window(0, 0, 1, at).is_empty());
}

#[test]
fn the_sums_of_a_trace_are_those_of_its_requests() {
    let data = Data::new(&options(4001));
    let requests: Vec<_> = data.requests().collect();
    assert_eq!(data.traces().count(), 1001);
    let mut linked = 0;
    for trace in data.traces() {
        let of_trace: Vec<_> = requests.iter().filter(|row| row.trace_id.as_deref() == Some(&trace.id)).collect();
        assert_eq!(trace.total_tokens, of_trace.iter().map(|row| row.total_tokens).sum::<i64>());
        let cost: f64 = of_trace.iter().filter_map(|row| row.cost_usd).sum();
        assert!((trace.total_cost_usd - cost).abs() < 1e-6);
        assert!(trace.span_count > of_trace.len() as i64);
        if let (Some(ended_at), Some(duration_ms)) = (trace.ended_at, trace.duration_ms) {
            assert_eq!(ended_at - trace.started_at, duration_ms * 1000);
        }
        linked += of_trace.len();
    }
    assert!((1400..1800).contains(&linked), "{linked} of 4001 requests belong to a trace");
}

#[test]
fn the_mix_is_that_of_a_real_account() {
    let data = Data::new(&options(20_000));
    let share = |takes: &dyn Fn(&crate::demo::rows::Request) -> bool| {
        data.requests().filter(|row| takes(row)).count() as f64 / 20_000.0
    };
    assert!((0.035..0.045).contains(&share(&|row| row.status_code >= 400)));
    assert!((0.52..0.60).contains(&share(&|row| row.provider == "openai")));
    assert!((0.01..0.06).contains(&share(&|row| row.provider == "groq")));
    assert!(share(&|row| row.latency_ms > 10_000) > 0.0005);
    assert!((0.01..0.03).contains(&{
        let instants: Vec<i64> = data.requests().map(|row| row.created_at).collect();
        instants.windows(2).filter(|pair| pair[0] == pair[1]).count() as f64 / 20_000.0
    }));
    for row in data.requests().skip(64) {
        assert_eq!(row.total_tokens, row.prompt_tokens + row.completion_tokens);
        assert_eq!(row.error_message.is_some(), row.status_code >= 400);
        // Eight decimals at most.
        let cost = row.cost_usd.unwrap_or(0.0) * 1e8;
        assert!((cost - cost.round()).abs() < 1e-3, "{cost}");
    }
}
