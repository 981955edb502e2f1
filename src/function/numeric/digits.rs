//! Integers seen as decimal digits.

use std::borrow::Cow;

use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

/// 10^`exponent`
pub(super) fn pow10(exponent: usize) -> BigInt {
    match u32::try_from(exponent).ok().and_then(|exponent| 10_u128.checked_pow(exponent)) {
        Some(power) => BigInt::from(power),
        None => BigInt::from(BigUint::from(10_u8).pow(u32::try_from(exponent).unwrap_or(u32::MAX))),
    }
}

/// `value` × 10^`digits`
pub(super) fn scaled(value: &BigInt, digits: usize) -> Cow<'_, BigInt> {
    if digits == 0 || value.is_zero() { Cow::Borrowed(value) } else { Cow::Owned(value * pow10(digits)) }
}

/// The number of decimal digits; 0 has none.
pub(super) fn length(value: &BigInt) -> usize {
    if let Some(small) = value.magnitude().to_u128() {
        return small.checked_ilog10().map_or(0, |log| usize::try_from(log).unwrap_or(0) + 1);
    }
    // log10(2) lies between these two fractions, closely enough that at most one power of ten needs a look.
    let bits = usize::try_from(value.bits()).unwrap_or(usize::MAX);
    let least = (bits - 1) * 30_102_999 / 100_000_000 + 1;
    let most = bits * 30_103_000 / 100_000_000 + 1;
    (least..most).find(|digits| value.magnitude() < pow10(*digits).magnitude()).unwrap_or(most)
}

/// `value` / 10^`digits`, rounded half away from zero.
pub(super) fn shorten(value: &BigInt, digits: usize) -> BigInt {
    if digits == 0 {
        return value.clone();
    }
    if let (Some(small), Some(power)) = (value.to_i128(), small_power(digits)) {
        let (quotient, rest) = (small / power, (small % power).abs());
        return BigInt::from(if rest >= power - rest { quotient + small.signum() } else { quotient });
    }
    divide_rounded(value, &pow10(digits))
}

/// `value` / 10^`digits` without the rest.
pub(super) fn cut(value: &BigInt, digits: usize) -> BigInt {
    match (value.to_i128(), small_power(digits)) {
        _ if digits == 0 => value.clone(),
        (Some(small), Some(power)) => BigInt::from(small / power),
        _ => value / pow10(digits),
    }
}

/// The quotient, rounded half away from zero. The divisor is not 0.
pub(super) fn divide_rounded(value: &BigInt, divisor: &BigInt) -> BigInt {
    let (quotient, rest) = value.div_rem(divisor);
    if (rest.abs() << 1_u8) < divisor.abs() {
        return quotient;
    }
    if (value.sign() == Sign::Minus) == (divisor.sign() == Sign::Minus) { quotient + 1 } else { quotient - 1 }
}

/// 10^`digits`, if it is far from the ends of its type.
fn small_power(digits: usize) -> Option<i128> {
    u32::try_from(digits).ok().filter(|digits| *digits <= 37).map(|digits| 10_i128.pow(digits))
}

/// A number as `digits` × 10^`exponent` with its first decimal digits in a double.
pub(super) struct Leading {
    /// The power of 10000 of the first digit in base 10000; 0 for 0.
    pub(super) weight: i32,
    /// The first digit in base 10000.
    pub(super) first: i32,
    /// The second one.
    pub(super) second: i32,
    /// Whether there are more than one of them.
    pub(super) is_longer: bool,
}

/// How a number begins in base 10000, where PostgreSQL estimates sizes.
pub(super) fn leading(coefficient: &BigInt, scale: u16) -> Leading {
    if coefficient.is_zero() {
        return Leading { weight: 0, first: 0, second: 0, is_longer: false };
    }
    let total = length(coefficient);
    let exponent = i32::try_from(total).unwrap_or(i32::MAX) - 1 - i32::from(scale);
    let weight = exponent.div_euclid(4);
    let wanted = usize::try_from(exponent.rem_euclid(4)).unwrap_or(0) + 5;
    let magnitude = coefficient.abs();
    let (eight, is_exact) = if total <= wanted {
        (scaled(&magnitude, wanted - total).into_owned(), true)
    } else {
        let kept = cut(&magnitude, total - wanted);
        let is_exact = scaled(&kept, total - wanted).as_ref() == &magnitude;
        (kept, is_exact)
    };
    let eight = eight.to_i32().unwrap_or(0);
    let (first, second) = (eight / 10_000, eight % 10_000);
    Leading { weight, first, second, is_longer: second != 0 || !is_exact }
}
