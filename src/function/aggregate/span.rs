//! `sum` and `avg` over intervals, and the arithmetic that `percentile_cont` over them wants.

use crate::error::{Error, Kind, Result};
use crate::function::State;
use crate::function::aggregate::{only, unexpected};
use crate::function::datum::Datum;
use crate::pgtype::interval::Interval;

const DAYS_PER_MONTH: f64 = 30.0;
const SECONDS_PER_DAY: f64 = 86_400.0;

fn out_of_range() -> Error {
    Error::new(Kind::DatetimeOverflow, "interval out of range")
}

fn parts(months: Option<i32>, days: Option<i32>, micros: Option<i64>) -> Result<Interval> {
    match (months, days, micros) {
        (Some(months), Some(days), Some(micros)) => Ok(Interval { months, days, micros }),
        _ => Err(out_of_range()),
    }
}

fn add(left: Interval, right: Interval) -> Result<Interval> {
    parts(
        left.months.checked_add(right.months),
        left.days.checked_add(right.days),
        left.micros.checked_add(right.micros),
    )
}

fn subtract(left: Interval, right: Interval) -> Result<Interval> {
    parts(
        left.months.checked_sub(right.months),
        left.days.checked_sub(right.days),
        left.micros.checked_sub(right.micros),
    )
}

/// Rounds to microseconds, in a number of days or seconds.
fn to_micros(value: f64) -> f64 {
    (value * 1_000_000.0).round_ties_even() / 1_000_000.0
}

/// The parts of an interval times or over a factor: what is left of a part goes down to the smaller ones.
fn cascade(months: f64, days: f64, micros: f64) -> Result<Interval> {
    let whole = |value: f64| {
        let is_in_range = (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value);
        if is_in_range { Ok(value.trunc()) } else { Err(out_of_range()) }
    };
    let whole_months = whole(months)?;
    let mut whole_days = whole(days)?;
    let month_days = to_micros((months - whole_months) * DAYS_PER_MONTH);
    let mut seconds = to_micros((days - whole_days + month_days - month_days.trunc()) * SECONDS_PER_DAY);
    if seconds.abs() >= SECONDS_PER_DAY {
        let carried = (seconds / SECONDS_PER_DAY).trunc();
        whole_days += carried;
        seconds -= carried * SECONDS_PER_DAY;
    }
    let micros = (micros + seconds * 1_000_000.0).round_ties_even();
    // Both bounds are powers of two, exact in a double.
    if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&micros) {
        return Err(out_of_range());
    }
    // In range, as was checked; a day more or less that leaves it stops at the border.
    Ok(Interval { months: whole_months as i32, days: (whole_days + month_days.trunc()) as i32, micros: micros as i64 })
}

/// What lies at `proportion` of the way from one interval to another.
pub(super) fn between(from: Interval, to: Interval, proportion: f64) -> Result<Interval> {
    let whole = subtract(to, from)?;
    let part = cascade(
        f64::from(whole.months) * proportion,
        f64::from(whole.days) * proportion,
        whole.micros as f64 * proportion,
    )?;
    add(part, from)
}

/// The interval among the values of a row.
pub(super) fn interval(datum: &Datum<'_>) -> Result<Interval> {
    match datum {
        Datum::Interval(value) => Ok(*value),
        other => Err(unexpected(other)),
    }
}

/// `sum` and `avg` of type `interval`.
#[derive(Debug)]
pub(super) struct Spans {
    sum: Interval,
    count: i64,
    is_avg: bool,
}

impl Spans {
    pub(super) fn sum() -> Result<Box<dyn State>> {
        Ok(Box::new(Spans { sum: Interval::default(), count: 0, is_avg: false }))
    }

    pub(super) fn avg() -> Result<Box<dyn State>> {
        Ok(Box::new(Spans { sum: Interval::default(), count: 0, is_avg: true }))
    }
}

impl State for Spans {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        self.sum = add(self.sum, interval(only(args)?)?)?;
        self.count += 1;
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        if self.count == 0 {
            return Ok(Datum::Null);
        }
        if !self.is_avg {
            return Ok(Datum::Interval(self.sum));
        }
        let count = self.count as f64;
        let Interval { months, days, micros } = self.sum;
        cascade(f64::from(months) / count, f64::from(days) / count, micros as f64 / count).map(Datum::Interval)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
