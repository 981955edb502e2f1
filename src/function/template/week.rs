//! Days by their Julian number and by ISO weeks.
//!
//! Templates show these also for intervals, whose year, month and day are no date, and read any number; so the sums are
//! those of PostgreSQL's 32-bit integers, wherever they lead.

use crate::pgtype::calendar;

/// The Julian day of 1970-01-01.
pub(super) const EPOCH: i32 = 2_440_588;

/// A year, a month and a day, whether or not there is such a date. Year 0 is 1 BC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ymd {
    pub(super) year: i32,
    pub(super) month: i32,
    pub(super) day: i32,
}

impl Ymd {
    /// The date of a Julian day.
    pub(super) fn of(julian: i32) -> Ymd {
        let (year, month, day) = calendar::civil(i64::from(julian) - i64::from(EPOCH));
        let small = |value: i64| i32::try_from(value).unwrap_or(i32::MAX);
        Ymd { year: small(year), month: small(i64::from(month)), day: small(i64::from(day)) }
    }

    /// The Julian day.
    pub(super) fn julian(self) -> i32 {
        // Years begin in March, so that the leap day is the last one.
        let (shift, month) = if self.month > 2 { (4_800, 1) } else { (4_799, 13) };
        let year = self.year.wrapping_add(shift);
        let leap_days = (year / 4).wrapping_sub(year / 100).wrapping_add(year / 100 / 4);
        let before_month = self.month.wrapping_add(month).wrapping_mul(7_834) / 256;
        year.wrapping_mul(365)
            .wrapping_sub(32_167)
            .wrapping_add(leap_days)
            .wrapping_add(before_month)
            .wrapping_add(self.day)
    }

    /// The ISO year and the week in it.
    pub(super) fn iso_week(self) -> (i32, i32) {
        let today = self.julian();
        let mut year = self.year;
        if today < first_monday(year) {
            year = year.wrapping_sub(1);
        }
        let week = today.wrapping_sub(first_monday(year)) / 7 + 1;
        let next = first_monday(year.wrapping_add(1));
        if week >= 52 && today >= next {
            return (year.wrapping_add(1), today.wrapping_sub(next) / 7 + 1);
        }
        (year, week)
    }

    /// The day of the ISO year, from 1.
    pub(super) fn iso_day(self) -> i32 {
        self.julian().wrapping_sub(first_monday(self.iso_week().0)).wrapping_add(1)
    }

    /// Whether its Julian day can be told, which is a little more than the dates there are.
    pub(super) fn is_julian(self) -> bool {
        ((-4713, 11)..(5_874_898, 6)).contains(&(self.year, self.month))
    }

    /// Days since 1970-01-01.
    pub(super) fn days(self) -> i64 {
        i64::from(self.julian()) - i64::from(EPOCH)
    }
}

/// The day of the week of a Julian day; Sunday is 0.
pub(super) fn weekday(julian: i32) -> i32 {
    julian.wrapping_add(1).wrapping_rem(7).rem_euclid(7)
}

/// The Julian day on which an ISO year begins: the Monday of the week of 4 January.
pub(super) fn first_monday(year: i32) -> i32 {
    let fourth = Ymd { year, month: 1, day: 4 }.julian();
    fourth.wrapping_sub(weekday(fourth.wrapping_sub(1)))
}

/// Whether a year of the calendar has a leap day.
pub(super) fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}
