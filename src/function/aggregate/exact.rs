//! `sum`, `avg` and the variances over whole and decimal numbers, without rounding until the end.

use num_bigint::{BigInt, Sign};
use num_traits::{Pow, ToPrimitive};

use crate::error::{Error, Kind, Result};
use crate::function::State;
use crate::function::aggregate::{only, unexpected};
use crate::function::datum::Datum;
use crate::function::numeric::Numeric;

/// Bytes of a number's digits on the heap.
pub(super) fn limbs(number: &BigInt) -> usize {
    usize::try_from(number.bits().div_ceil(8)).unwrap_or(usize::MAX)
}

/// A sum (`near` + `far`) / 10^`scale`. Nearly all additions stay in `near`, away from the heap.
#[derive(Debug, Default)]
struct Exact {
    near: i128,
    far: BigInt,
    scale: u16,
}

impl Exact {
    fn add_near(&mut self, addend: i128) {
        if let Some(sum) = self.near.checked_add(addend) {
            self.near = sum;
        } else {
            self.far += std::mem::replace(&mut self.near, addend);
        }
    }

    /// Adds `addend` / 10^`scale`.
    fn add_small(&mut self, addend: i128, scale: u16) {
        self.raise(scale);
        match power(self.scale - scale).and_then(|factor| addend.checked_mul(factor)) {
            Some(addend) => self.add_near(addend),
            None => self.far += BigInt::from(addend) * big_power(self.scale - scale),
        }
    }

    fn add_large(&mut self, addend: &BigInt, scale: u16) {
        self.raise(scale);
        if self.scale == scale {
            self.far += addend;
        } else {
            self.far += addend * big_power(self.scale - scale);
        }
    }

    fn raise(&mut self, scale: u16) {
        if scale <= self.scale {
            return;
        }
        let by = scale - self.scale;
        self.scale = scale;
        if self.far.sign() == Sign::NoSign
            && let Some(near) = power(by).and_then(|factor| self.near.checked_mul(factor))
        {
            self.near = near;
        } else {
            self.far += std::mem::take(&mut self.near);
            self.far *= big_power(by);
        }
    }

    fn total(&self) -> BigInt {
        &self.far + self.near
    }
}

fn power(exponent: u16) -> Option<i128> {
    10_i128.checked_pow(u32::from(exponent))
}

fn big_power(exponent: u16) -> BigInt {
    BigInt::from(10).pow(u32::from(exponent))
}

/// What the rows are summed up to.
#[derive(Debug)]
pub(super) struct Numbers {
    sum: Exact,
    /// The sum of the squares, where a variance wants it.
    squares: Option<Exact>,
    /// Rows, special values included.
    count: i64,
    has_nan: bool,
    has_infinity: bool,
    has_neg_infinity: bool,
    last: fn(&Numbers) -> Result<Numeric>,
    /// With fewer rows the result is NULL.
    least: i64,
}

impl Numbers {
    /// `sum` of type `numeric`.
    pub(super) fn sum() -> Result<Box<dyn State>> {
        Numbers::make(None, 1, |numbers| fit(&numbers.sum))
    }

    /// `avg` of type `numeric`.
    pub(super) fn avg() -> Result<Box<dyn State>> {
        Numbers::make(None, 1, |numbers| fit(&numbers.sum)?.div(&Numeric::from(numbers.count)))
    }

    pub(super) fn var_pop() -> Result<Box<dyn State>> {
        Numbers::make(Some(Exact::default()), 1, |numbers| numbers.variance(numbers.count))
    }

    pub(super) fn var_samp() -> Result<Box<dyn State>> {
        Numbers::make(Some(Exact::default()), 2, |numbers| numbers.variance(numbers.count - 1))
    }

    pub(super) fn stddev_pop() -> Result<Box<dyn State>> {
        Numbers::make(Some(Exact::default()), 1, |numbers| Ok(root(numbers.variance(numbers.count)?)))
    }

    pub(super) fn stddev_samp() -> Result<Box<dyn State>> {
        Numbers::make(Some(Exact::default()), 2, |numbers| Ok(root(numbers.variance(numbers.count - 1)?)))
    }

    fn make(squares: Option<Exact>, least: i64, last: fn(&Numbers) -> Result<Numeric>) -> Result<Box<dyn State>> {
        Ok(Box::new(Numbers {
            sum: Exact::default(),
            squares,
            count: 0,
            has_nan: false,
            has_infinity: false,
            has_neg_infinity: false,
            last,
            least,
        }))
    }

    fn add_int(&mut self, value: i64) {
        let value = i128::from(value);
        self.sum.add_near(value);
        if let Some(squares) = &mut self.squares {
            squares.add_near(value * value);
        }
    }

    fn add_decimal(&mut self, coefficient: &BigInt, scale: u16) {
        if let Some(small) = coefficient.to_i64().map(i128::from) {
            self.sum.add_small(small, scale);
            if let Some(squares) = &mut self.squares {
                squares.add_small(small * small, 2 * scale);
            }
        } else {
            self.sum.add_large(coefficient, scale);
            if let Some(squares) = &mut self.squares {
                squares.add_large(&(coefficient * coefficient), 2 * scale);
            }
        }
    }

    /// N sum(x²) - sum(x)² over N times `divisor`, with the digits that a quotient of numbers of these sizes has.
    fn variance(&self, divisor: i64) -> Result<Numeric> {
        let Some(squares) = &self.squares else { return Err(Error::internal("a variance without squares")) };
        let sum = self.sum.total();
        let numerator = squares.total() * self.count - &sum * &sum;
        if numerator.sign() != Sign::Plus {
            return Ok(Numeric::from(0_i64));
        }
        Numeric::new(numerator, squares.scale).div(&Numeric::new(i128::from(self.count) * i128::from(divisor), 0))
    }
}

/// The number, if PostgreSQL can store it.
fn fit(sum: &Exact) -> Result<Numeric> {
    Numeric::new(sum.total(), sum.scale).add(&Numeric::new(0, 0))
}

/// The square root with as many fractional digits as its argument; the last one is rounded.
fn root(variance: Numeric) -> Numeric {
    let Numeric::Finite { coefficient, scale } = variance else { return variance };
    // Half a unit shows in the root of the fourfold.
    let doubled = (coefficient * big_power(scale) * 4_u8).sqrt();
    Numeric::new((doubled + 1_u8) / 2_u8, scale)
}

impl State for Numbers {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        match only(args)? {
            Datum::Int2(value) => self.add_int(i64::from(*value)),
            Datum::Int4(value) => self.add_int(i64::from(*value)),
            Datum::Int8(value) => self.add_int(*value),
            Datum::Numeric(Numeric::Finite { coefficient, scale }) => self.add_decimal(coefficient, *scale),
            Datum::Numeric(Numeric::NaN) => self.has_nan = true,
            Datum::Numeric(Numeric::Infinity) => self.has_infinity = true,
            Datum::Numeric(Numeric::NegInfinity) => self.has_neg_infinity = true,
            other => return Err(unexpected(other)),
        }
        self.count += 1;
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        if self.count < self.least {
            return Ok(Datum::Null);
        }
        let has_spread = self.squares.is_some();
        Ok(Datum::Numeric(match (self.has_infinity, self.has_neg_infinity) {
            (false, false) if !self.has_nan => (self.last)(self)?,
            (true, false) if !self.has_nan && !has_spread => Numeric::Infinity,
            (false, true) if !self.has_nan && !has_spread => Numeric::NegInfinity,
            _ => Numeric::NaN,
        }))
    }

    fn size(&self) -> usize {
        size_of_val(self) + limbs(&self.sum.far) + self.squares.as_ref().map_or(0, |squares| limbs(&squares.far))
    }
}

/// `sum` of type `bigint`.
#[derive(Debug, Default)]
pub(super) struct IntSum {
    sum: Option<i64>,
}

impl State for IntSum {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        let addend = match only(args)? {
            Datum::Int2(value) => i64::from(*value),
            Datum::Int4(value) => i64::from(*value),
            other => return Err(unexpected(other)),
        };
        let sum = self.sum.unwrap_or(0).checked_add(addend);
        self.sum = Some(sum.ok_or_else(|| Error::new(Kind::NumericOutOfRange, "bigint out of range"))?);
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        Ok(self.sum.map_or(Datum::Null, Datum::Int8))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
