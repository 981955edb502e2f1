//! What is held and what is missing, by example and for random ranges.

use proptest::prelude::*;

use super::*;

const fn range(from: i64, to: i64) -> Range {
    Range { from: Some(from), to: Some(to) }
}

const fn fresh(now_us: i64, staleness_us: u64, settle_us: i64) -> Freshness {
    Freshness { now_us, max_staleness: Duration::from_micros(staleness_us), settle_us }
}

fn extent(from: i64, to: i64, read_at: i64) -> Extent {
    Extent { range: range(from, to), read_at }
}

#[test]
fn what_is_held_is_not_missing() {
    let held = [extent(10, 19, 1_000), extent(30, 39, 1_000)];
    let cover = |wanted| cover(held.into_iter(), wanted, fresh(5_000, 0, 100));
    assert_eq!(cover(range(12, 15)), Cover { parts: vec![(0, range(12, 15))], gaps: vec![] });
    assert_eq!(
        cover(range(5, 50)),
        Cover {
            parts: vec![(0, range(10, 19)), (1, range(30, 39))],
            gaps: vec![range(5, 9), range(20, 29), range(40, 50)]
        }
    );
    assert_eq!(cover(range(20, 29)), Cover { parts: vec![], gaps: vec![range(20, 29)] });
    assert_eq!(cover(range(7, 3)), Cover::default());
    let all = cover(Range::default());
    assert_eq!(all.gaps[0], Range { from: None, to: Some(9) });
    assert_eq!(all.gaps[2], Range { from: Some(40), to: None });
}

#[test]
fn what_may_have_changed_is_missing_once_it_is_older_than_is_allowed() {
    let open = Extent { range: Range { from: Some(0), to: None }, read_at: 1_000 };
    let wanted = Range { from: Some(500), to: None };
    let gaps = |fresh| cover(std::iter::once(open), wanted, fresh).gaps;
    assert_eq!(gaps(fresh(1_030, 30, 100)), []);
    assert_eq!(gaps(fresh(1_031, 30, 100)), [Range { from: Some(901), to: None }]);
    // What came late lies within the settle window; rows up to its beginning are final.
    let closed = extent(0, 950, 1_000);
    assert_eq!(cover(std::iter::once(closed), range(0, 950), fresh(1_031, 30, 100)).gaps, [range(901, 950)]);
    assert_eq!(cover(std::iter::once(closed), range(0, 900), fresh(9_999, 0, 100)).gaps, []);
}

#[test]
fn gaps_around_little_are_read_as_one() {
    let gaps = [range(0, 9), range(12, 20), range(900, 1_000)];
    let few = |between: Range| between.to.unwrap() - between.from.unwrap() < 10;
    assert_eq!(joined(&gaps, few), [range(0, 20), range(900, 1_000)]);
    assert_eq!(joined(&gaps, |_| false), gaps);
}

proptest! {
    #[test]
    fn every_instant_is_either_held_or_read(
        borders in prop::collection::btree_set(0_i64..200, 0..12),
        from in -10_i64..210, length in 0_i64..150,
        now in 0_i64..400, staleness in 0_u64..50, settle in 0_i64..100,
    ) {
        let borders: Vec<i64> = borders.into_iter().collect();
        let held: Vec<Extent> = borders.chunks_exact(2).map(|pair| extent(pair[0], pair[1] - 1, pair[1] + 20)).collect();
        let wanted = range(from, from + length);
        let cover = cover(held.iter().copied(), wanted, fresh(now, staleness, settle));
        for instant in from..=from + length {
            let holds = |range: &Range| meets(*range, range_of(instant));
            let parts = cover.parts.iter().filter(|(_, part)| holds(part)).count();
            let gaps = cover.gaps.iter().filter(|gap| holds(gap)).count();
            prop_assert_eq!(parts + gaps, 1);
        }
        for (index, part) in &cover.parts {
            prop_assert_eq!(meet(*part, held[*index].range), *part);
        }
    }

    #[test]
    fn what_is_taken_is_gone_and_nothing_else(
        from in 0_i64..50, length in 0_i64..50, taken in 0_i64..50, width in 0_i64..50,
    ) {
        let (whole, taken) = (range(from, from + length), range(taken, taken + width));
        let rest: Vec<Range> = without(whole, taken).collect();
        for instant in -5..120 {
            let expected = meets(whole, range_of(instant)) && !meets(taken, range_of(instant));
            prop_assert_eq!(rest.iter().filter(|rest| meets(**rest, range_of(instant))).count(), usize::from(expected));
        }
    }
}

fn range_of(instant: i64) -> Range {
    range(instant, instant)
}
