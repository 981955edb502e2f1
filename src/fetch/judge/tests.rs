//! Full pages and their verdicts. Times are in microseconds, the precision is 1,000.

use super::*;
use crate::fetch::rows::Rows;

const NOW: i64 = 1_000_000;

fn range(from: i64, to: i64) -> Range {
    Range { from: (from >= 0).then_some(from), to: (to >= 0).then_some(to) }
}

fn verdict(asked: Range, times: &[i64], fresh: usize) -> Verdict {
    let rows = Rows::of_times(times);
    judge(Full { asked, rows: rows.places(), order: rows.order(), fresh }, 1_000, NOW)
}

#[test]
fn sorted_pages_narrow_the_range_inclusively() {
    assert_eq!(verdict(range(0, -1), &[9_000, 7_000, 5_000], 3), Verdict::Narrow(range(0, 5_000)));
    assert_eq!(verdict(range(0, -1), &[9_000, 5_001], 2), Verdict::Narrow(range(0, 6_000)));
    assert_eq!(verdict(range(0, 9_000), &[9_000, 9_000, 5_000], 1), Verdict::Narrow(range(0, 5_000)));
    assert_eq!(verdict(range(0, 9_000), &[1_000, 5_999], 2), Verdict::Narrow(range(5_000, 9_000)));
    // All on one instant: it may have more, and there may be older ones.
    assert_eq!(verdict(range(0, 9_000), &[5_000, 5_000], 2), Verdict::Narrow(range(0, 5_000)));
}

#[test]
fn a_range_that_does_not_shrink_is_one_instant() {
    assert_eq!(verdict(range(0, 5_000), &[5_000, 5_000], 1), Verdict::OneInstant);
    assert_eq!(verdict(range(0, 5_000), &[4_999, 4_001], 2), Verdict::OneInstant);
    assert_eq!(verdict(range(5_000, 9_000), &[5_000, 5_999], 2), Verdict::OneInstant);
    assert_eq!(verdict(range(5_000, 6_000), &[5_000, 6_000, 5_000], 3), Verdict::OneInstant);
    // A bound that was not widened to the precision.
    assert_eq!(verdict(range(0, 5_500), &[5_400, 5_200], 2), Verdict::OneInstant);
}

#[test]
fn mixed_pages_divide_the_range_by_their_rows() {
    let halves = |at| Verdict::Split { older: range(0, at), newer: range(at, 90_000) };
    assert_eq!(verdict(range(0, 90_000), &[5_000, 1_000, 9_000, 7_000], 4), halves(7_000));
    assert_eq!(verdict(range(0, 90_000), &[80_000, 1_000, 80_000, 80_000], 4), halves(80_000));
    // Rows on the ends divide nothing: then by time.
    assert_eq!(verdict(range(0, 90_000), &[90_000, 0, 90_000], 3), halves(45_000));
    assert_eq!(verdict(range(0, 90_000), &[90_000, 0, 90_000, 3_000, 90_000], 3), halves(3_000));
    let open = verdict(range(0, -1), &[5_000, 1_000, 9_000], 3);
    assert_eq!(open, Verdict::Split { older: range(0, 5_000), newer: range(5_000, -1) });
    let bottomless = verdict(range(-1, 9_000), &[5_000, 1_000, 9_000, 2_000], 4);
    assert_eq!(bottomless, Verdict::Split { older: range(-1, 5_000), newer: range(5_000, 9_000) });
}

#[test]
fn rows_beyond_the_range_end_it_or_show_that_it_is_ignored() {
    assert_eq!(verdict(range(5_000, -1), &[9_000, 5_000, 4_999], 2), Verdict::Complete);
    assert_eq!(verdict(range(0, 5_000), &[4_000, 5_001], 1), Verdict::Complete);
    assert_eq!(verdict(range(0, 5_000), &[9_000, 8_000], 0), Verdict::Ignored);
    assert_eq!(verdict(range(0, 5_000), &[9_000, 5_000], 0), Verdict::Ignored);
    assert_eq!(verdict(range(0, 5_000), &[9_000, 5_000], 1), Verdict::Ignored);
    assert_eq!(verdict(range(0, 5_000), &[9_000, 4_000], 1), Verdict::Narrow(range(0, 4_000)));
    assert_eq!(verdict(range(0, 5_000), &[9_000, 1_000, 4_000], 2), Verdict::Ignored);
}
