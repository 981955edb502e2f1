//! `sum`, `avg`, the variances and the regressions over floating-point numbers.
//!
//! The order of each operation is PostgreSQL's (Youngs and Cramer's updates), so that results agree to the last bit.

use crate::error::{Error, Kind, Result};
use crate::function::State;
use crate::function::aggregate::{both, only, unexpected};
use crate::function::datum::Datum;

fn overflow() -> Error {
    Error::new(Kind::NumericOutOfRange, "value out of range: overflow")
}

/// A sum is infinite only with an infinite part.
fn check(sum: f64, before: f64, addend: f64) -> Result<()> {
    if sum.is_infinite() && !before.is_infinite() && !addend.is_infinite() { Err(overflow()) } else { Ok(()) }
}

fn double(datum: &Datum<'_>) -> Result<f64> {
    match datum {
        Datum::Float8(value) => Ok(*value),
        Datum::Float4(value) => Ok(f64::from(*value)),
        other => Err(unexpected(other)),
    }
}

/// `sum` of type `double precision`.
#[derive(Debug, Default)]
pub(super) struct DoubleSum {
    sum: Option<f64>,
}

impl State for DoubleSum {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        let addend = double(only(args)?)?;
        let Some(before) = self.sum else {
            self.sum = Some(addend);
            return Ok(());
        };
        let sum = before + addend;
        check(sum, before, addend)?;
        self.sum = Some(sum);
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        Ok(self.sum.map_or(Datum::Null, Datum::Float8))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// `sum` of type `real`.
#[derive(Debug, Default)]
pub(super) struct RealSum {
    sum: Option<f32>,
}

impl State for RealSum {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        let addend = match only(args)? {
            Datum::Float4(value) => *value,
            other => return Err(unexpected(other)),
        };
        let Some(before) = self.sum else {
            self.sum = Some(addend);
            return Ok(());
        };
        let sum = before + addend;
        check(f64::from(sum), f64::from(before), f64::from(addend))?;
        self.sum = Some(sum);
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        Ok(self.sum.map_or(Datum::Null, Datum::Float4))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// How far the numbers spread: their count, their sum, and the sum of their squared distances from the mean.
#[derive(Debug)]
pub(super) struct Spread {
    count: f64,
    sum: f64,
    squares: f64,
    last: fn(&Spread) -> f64,
    /// With fewer rows the result is NULL.
    least: f64,
}

impl Spread {
    pub(super) fn avg() -> Result<Box<dyn State>> {
        Spread::make(1.0, |spread| spread.sum / spread.count)
    }

    pub(super) fn var_pop() -> Result<Box<dyn State>> {
        Spread::make(1.0, |spread| spread.squares / spread.count)
    }

    pub(super) fn var_samp() -> Result<Box<dyn State>> {
        Spread::make(2.0, |spread| spread.squares / (spread.count - 1.0))
    }

    pub(super) fn stddev_pop() -> Result<Box<dyn State>> {
        Spread::make(1.0, |spread| (spread.squares / spread.count).sqrt())
    }

    pub(super) fn stddev_samp() -> Result<Box<dyn State>> {
        Spread::make(2.0, |spread| (spread.squares / (spread.count - 1.0)).sqrt())
    }

    fn make(least: f64, last: fn(&Spread) -> f64) -> Result<Box<dyn State>> {
        Ok(Box::new(Spread { count: 0.0, sum: 0.0, squares: 0.0, last, least }))
    }
}

impl State for Spread {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        let value = double(only(args)?)?;
        let (before, sum_before) = (self.count, self.sum);
        self.count += 1.0;
        self.sum += value;
        if before > 0.0 {
            let distance = value * self.count - self.sum;
            self.squares += distance * distance / (self.count * before);
            if self.sum.is_infinite() || self.squares.is_infinite() {
                if !sum_before.is_infinite() && !value.is_infinite() {
                    return Err(overflow());
                }
                self.squares = f64::NAN;
            }
        } else if !value.is_finite() {
            self.squares = f64::NAN;
        }
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        Ok(if self.count < self.least { Datum::Null } else { Datum::Float8((self.last)(self)) })
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// How two numbers spread together. The first argument is Y.
#[derive(Debug)]
pub(super) struct Pairs {
    count: f64,
    sum_x: f64,
    squares_x: f64,
    sum_y: f64,
    squares_y: f64,
    products: f64,
    last: fn(&Pairs) -> Option<f64>,
}

impl Pairs {
    /// A state that ends in `last`, for at least one row.
    pub(super) fn make(last: fn(&Pairs) -> Option<f64>) -> Result<Box<dyn State>> {
        Ok(Box::new(Pairs { count: 0.0, sum_x: 0.0, squares_x: 0.0, sum_y: 0.0, squares_y: 0.0, products: 0.0, last }))
    }

    pub(super) fn regr_sxx(&self) -> Option<f64> {
        Some(self.squares_x)
    }

    pub(super) fn regr_syy(&self) -> Option<f64> {
        Some(self.squares_y)
    }

    pub(super) fn regr_sxy(&self) -> Option<f64> {
        Some(self.products)
    }

    pub(super) fn regr_avgx(&self) -> Option<f64> {
        Some(self.sum_x / self.count)
    }

    pub(super) fn regr_avgy(&self) -> Option<f64> {
        Some(self.sum_y / self.count)
    }

    pub(super) fn covar_pop(&self) -> Option<f64> {
        Some(self.products / self.count)
    }

    pub(super) fn covar_samp(&self) -> Option<f64> {
        (self.count >= 2.0).then(|| self.products / (self.count - 1.0))
    }

    pub(super) fn corr(&self) -> Option<f64> {
        let is_flat = self.squares_x == 0.0 || self.squares_y == 0.0;
        (!is_flat).then(|| self.products / (self.squares_x * self.squares_y).sqrt())
    }

    pub(super) fn regr_r2(&self) -> Option<f64> {
        if self.squares_x == 0.0 {
            return None;
        }
        if self.squares_y == 0.0 {
            return Some(1.0);
        }
        Some((self.products * self.products) / (self.squares_x * self.squares_y))
    }

    pub(super) fn regr_slope(&self) -> Option<f64> {
        (self.squares_x != 0.0).then(|| self.products / self.squares_x)
    }

    pub(super) fn regr_intercept(&self) -> Option<f64> {
        (self.squares_x != 0.0).then(|| (self.sum_y - self.sum_x * self.products / self.squares_x) / self.count)
    }

    fn check_overflow(&mut self, before: (f64, f64), (x, y): (f64, f64)) -> Result<()> {
        let is_x_finite = !before.0.is_infinite() && !x.is_infinite();
        let is_y_finite = !before.1.is_infinite() && !y.is_infinite();
        if (self.sum_x.is_infinite() || self.squares_x.is_infinite()) && is_x_finite
            || (self.sum_y.is_infinite() || self.squares_y.is_infinite()) && is_y_finite
            || self.products.is_infinite() && is_x_finite && is_y_finite
        {
            return Err(overflow());
        }
        for sum in [&mut self.squares_x, &mut self.squares_y, &mut self.products] {
            if sum.is_infinite() {
                *sum = f64::NAN;
            }
        }
        Ok(())
    }
}

impl State for Pairs {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        let (y, x) = both(args)?;
        let (y, x) = (double(y)?, double(x)?);
        let (before, sums_before) = (self.count, (self.sum_x, self.sum_y));
        self.count += 1.0;
        self.sum_x += x;
        self.sum_y += y;
        if before > 0.0 {
            let distance_x = x * self.count - self.sum_x;
            let distance_y = y * self.count - self.sum_y;
            let scale = 1.0 / (self.count * before);
            self.squares_x += distance_x * distance_x * scale;
            self.squares_y += distance_y * distance_y * scale;
            self.products += distance_x * distance_y * scale;
            return self.check_overflow(sums_before, (x, y));
        }
        if !x.is_finite() {
            self.squares_x = f64::NAN;
            self.products = f64::NAN;
        }
        if !y.is_finite() {
            self.squares_y = f64::NAN;
            self.products = f64::NAN;
        }
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        let is_empty = self.count < 1.0;
        Ok(if is_empty { None } else { (self.last)(self) }.map_or(Datum::Null, Datum::Float8))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// `regr_count`.
#[derive(Debug, Default)]
pub(super) struct PairCount {
    count: i64,
}

impl State for PairCount {
    fn step(&mut self, _: &[Datum<'_>]) -> Result<()> {
        self.count += 1;
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        Ok(Datum::Int8(self.count))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
