//! Whole numbers of fixed width.

use num_integer::Integer;
use num_traits::{CheckedAdd, CheckedDiv, CheckedMul, CheckedNeg, CheckedSub, Signed, Zero};

use crate::error::{Error, Kind, Result};
use crate::function::numeric::Numeric;

/// The greatest number whose factorial PostgreSQL works out.
const MAX_FACTORIAL: i64 = 32_177;

/// A type of whole numbers.
pub(super) trait Int:
    Copy + Zero + CheckedAdd + CheckedSub + CheckedMul + CheckedDiv + CheckedNeg + Signed
{
    /// The SQL name.
    const NAME: &'static str;
}

impl Int for i16 {
    const NAME: &'static str = "smallint";
}

impl Int for i32 {
    const NAME: &'static str = "integer";
}

impl Int for i64 {
    const NAME: &'static str = "bigint";
}

/// The fault of a number that a type does not hold.
pub(super) fn out_of_range<T: Int>() -> Error {
    Error::new(Kind::NumericOutOfRange, format!("{} out of range", T::NAME))
}

pub(super) fn division_by_zero() -> Error {
    Error::new(Kind::DivisionByZero, "division by zero")
}

pub(super) fn add<T: Int>(a: T, b: T) -> Result<T> {
    a.checked_add(&b).ok_or_else(out_of_range::<T>)
}

pub(super) fn sub<T: Int>(a: T, b: T) -> Result<T> {
    a.checked_sub(&b).ok_or_else(out_of_range::<T>)
}

pub(super) fn mul<T: Int>(a: T, b: T) -> Result<T> {
    a.checked_mul(&b).ok_or_else(out_of_range::<T>)
}

pub(super) fn div<T: Int>(a: T, b: T) -> Result<T> {
    if b.is_zero() {
        return Err(division_by_zero());
    }
    a.checked_div(&b).ok_or_else(out_of_range::<T>)
}

pub(super) fn rem<T: Int>(a: T, b: T) -> Result<T> {
    if b.is_zero() {
        return Err(division_by_zero());
    }
    // The least number has no quotient by -1, but a rest.
    Ok(if b == -T::one() { T::zero() } else { a % b })
}

pub(super) fn neg<T: Int>(a: T) -> Result<T> {
    a.checked_neg().ok_or_else(out_of_range::<T>)
}

pub(super) fn abs<T: Int>(a: T) -> Result<T> {
    if a.is_negative() { neg(a) } else { Ok(a) }
}

pub(super) fn gcd4(a: i32, b: i32) -> Result<i32> {
    i32::try_from(i64::from(a).gcd(&i64::from(b))).map_err(|_| out_of_range::<i32>())
}

pub(super) fn gcd8(a: i64, b: i64) -> Result<i64> {
    i64::try_from(i128::from(a).gcd(&i128::from(b))).map_err(|_| out_of_range::<i64>())
}

pub(super) fn lcm4(a: i32, b: i32) -> Result<i32> {
    i32::try_from(i64::from(a).lcm(&i64::from(b))).map_err(|_| out_of_range::<i32>())
}

pub(super) fn lcm8(a: i64, b: i64) -> Result<i64> {
    i64::try_from(i128::from(a).lcm(&i128::from(b))).map_err(|_| out_of_range::<i64>())
}

// Only the last bits of a distance count, as the processor takes them; a smallint is shifted as an integer.

pub(super) fn shl2(a: i16, by: i32) -> i16 {
    let [low, high, ..] = i32::from(a).wrapping_shl(by.cast_unsigned()).to_le_bytes();
    i16::from_le_bytes([low, high])
}

pub(super) fn shr2(a: i16, by: i32) -> i16 {
    let [low, high, ..] = i32::from(a).wrapping_shr(by.cast_unsigned()).to_le_bytes();
    i16::from_le_bytes([low, high])
}

pub(super) fn shl4(a: i32, by: i32) -> i32 {
    a.wrapping_shl(by.cast_unsigned())
}

pub(super) fn shr4(a: i32, by: i32) -> i32 {
    a.wrapping_shr(by.cast_unsigned())
}

pub(super) fn shl8(a: i64, by: i32) -> i64 {
    a.wrapping_shl(by.cast_unsigned())
}

pub(super) fn shr8(a: i64, by: i32) -> i64 {
    a.wrapping_shr(by.cast_unsigned())
}

pub(super) fn factorial(n: i64) -> Result<Numeric> {
    let fault = |message| Error::new(Kind::NumericOutOfRange, message);
    if n < 0 {
        return Err(fault("factorial of a negative number is undefined"));
    }
    if n > MAX_FACTORIAL {
        return Err(fault("value overflows numeric format"));
    }
    Ok(Numeric::new(product(2, n), 0))
}

/// The product of all numbers between two; halves are about as long, which makes their product fast.
fn product(from: i64, to: i64) -> num_bigint::BigInt {
    if to - from < 8 {
        return (from..=to).map(num_bigint::BigInt::from).product();
    }
    let middle = i64::midpoint(from, to);
    product(from, middle) * product(middle + 1, to)
}
