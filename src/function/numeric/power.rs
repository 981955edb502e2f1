//! Powers, with PostgreSQL's number of fractional digits.

use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use crate::error::{Error, Kind, Result};
use crate::function::numeric::digits::{divide_rounded, leading, pow10, shorten};
use crate::function::numeric::exponential::{LOG10_E, bits_of, exp_of, ln_fixed, ln_rounded, ln_weight, shown, whole};
use crate::function::numeric::{MAX_DISPLAY_SCALE, MIN_SIGNIFICANT, Numeric, division_by_zero, overflow};

/// Where PostgreSQL stops to estimate a power and calls it 0 or too large.
const MAX_EXPONENT: f64 = 6020.0;
/// Bits of a power up to which it is worked out exactly.
const MAX_EXACT_BITS: u64 = 1 << 20;

impl Numeric {
    /// This number to the power `exponent`.
    ///
    /// # Errors
    /// 2201F for what is no real number, 22003
    pub fn power(&self, exponent: &Self) -> Result<Self> {
        let one = || Numeric::new(1, 0);
        if self.is_nan() || exponent.is_nan() {
            let is_one = exponent.is_zero() || exponent.is_nan() && self.is_one();
            return Ok(if is_one { one() } else { Numeric::NaN });
        }
        if self.is_zero() && exponent.side() == Sign::Minus {
            return Err(Error::new(Kind::InvalidPower, "zero raised to a negative power is undefined"));
        }
        if self.side() == Sign::Minus && !exponent.is_integral() {
            let message = "a negative number raised to a non-integer power yields a complex result";
            return Err(Error::new(Kind::InvalidPower, message));
        }
        match (self, exponent) {
            (Numeric::Finite { coefficient: a, scale: s }, Numeric::Finite { coefficient: b, scale: t }) => {
                power(a, *s, b, *t)
            }
            _ if self.is_one() || exponent.is_zero() => Ok(one()),
            _ if self.is_zero() => Ok(Numeric::new(0, 0)),
            (base, Numeric::Infinity | Numeric::NegInfinity) => {
                let size = base.abs();
                if size.is_one() {
                    return Ok(one());
                }
                let grows = size.compare(&one()).is_gt() == (exponent.side() == Sign::Plus);
                Ok(if grows { Numeric::Infinity } else { Numeric::new(0, 0) })
            }
            (_, exponent) if exponent.side() == Sign::Minus => Ok(Numeric::new(0, 0)),
            (Numeric::NegInfinity, exponent) if exponent.is_odd() => Ok(Numeric::NegInfinity),
            _ => Ok(Numeric::Infinity),
        }
    }

    fn is_one(&self) -> bool {
        matches!(self, Numeric::Finite { coefficient, scale } if *coefficient == pow10(usize::from(*scale)))
    }

    /// Whether it has no fraction; an infinity has none.
    fn is_integral(&self) -> bool {
        match self {
            Numeric::Finite { coefficient, scale } => coefficient.is_multiple_of(&pow10(usize::from(*scale))),
            _ => !self.is_nan(),
        }
    }

    fn is_odd(&self) -> bool {
        matches!(self, Numeric::Finite { coefficient, scale }
            if self.is_integral() && (coefficient / pow10(usize::from(*scale))).is_odd())
    }
}

fn power(a: &BigInt, s: u16, b: &BigInt, t: u16) -> Result<Numeric> {
    let (integer, fraction) = b.div_rem(&pow10(usize::from(t)));
    if fraction.is_zero()
        && let Some(integer) = integer.to_i32()
    {
        return power_int(a, s, integer);
    }
    if a.is_zero() {
        return Numeric::checked(BigInt::ZERO, MIN_SIGNIFICANT);
    }
    let is_negative = a.sign() == Sign::Minus && integer.is_odd();
    let base = a.abs();
    let weight = ln_weight(&base, s);
    // A first look with 8 digits says how large the result is.
    let rough = ln_rounded(&base, s, (8 - weight).max(0))?;
    let Numeric::Finite { coefficient: ln, scale: ln_scale } = &rough else { return Ok(rough) };
    let product = Numeric::new(shorten(&(ln * b), usize::from(t)), *ln_scale).to_f64_lossy();
    if product.abs() > MAX_EXPONENT {
        return if product > 0.0 { Err(overflow()) } else { Numeric::checked(BigInt::ZERO, MAX_DISPLAY_SCALE) };
    }
    let size = whole(product * LOG10_E);
    let scale = shown(MIN_SIGNIFICANT - size, &[s, t]);
    if product.abs() >= 6000.0 {
        return if product > 0.0 { Err(overflow()) } else { Numeric::checked(BigInt::ZERO, scale) };
    }
    let result = exponential(&base, s, b, t, scale, size)?;
    Ok(if is_negative { result.neg() } else { result })
}

/// e^(ln(base) × exponent), which has about `size` digits before the point, rounded to `scale` digits.
fn exponential(base: &BigInt, s: u16, exponent: &BigInt, t: u16, scale: i32, size: i32) -> Result<Numeric> {
    let bits = bits_of(scale + size.max(0) + 1);
    let extra = usize::try_from(exponent.bits()).unwrap_or(0) + 1;
    let ln = ln_fixed(base, s, bits + extra);
    let product = divide_rounded(&(ln * exponent), &(pow10(usize::from(t)) << extra));
    exp_of(&product, bits, scale)
}

fn power_int(a: &BigInt, s: u16, exponent: i32) -> Result<Numeric> {
    let scale = shown(MIN_SIGNIFICANT, &[s]);
    let size = exponent.unsigned_abs();
    match exponent {
        0 => return Numeric::checked(pow10(usize::try_from(scale).unwrap_or(0)), scale),
        _ if a.is_zero() && exponent < 0 => return Err(division_by_zero()),
        _ if a.is_zero() => return Numeric::checked(BigInt::ZERO, scale),
        _ => {}
    }
    let start = leading(a, s);
    let first = f64::from(start.first * 10_000 + start.second).log10() + f64::from(start.weight - 1) * 4.0;
    let digits = first * f64::from(exponent);
    if digits > 131_072.0 {
        return Err(overflow());
    }
    if digits + 1.0 < -f64::from(scale) {
        return Numeric::checked(BigInt::ZERO, scale);
    }
    // Zeros at the end need not be multiplied.
    let Numeric::Finite { coefficient, scale: s } = Numeric::new(a.clone(), s).trim_scale() else {
        return Err(Error::internal("a finite number without a coefficient"));
    };
    let all_scale = u64::from(s) * u64::from(size);
    if coefficient.bits() * u64::from(size) <= MAX_EXACT_BITS && all_scale < MAX_EXACT_BITS {
        let power = coefficient.pow(size);
        let one = pow10(usize::try_from(all_scale).unwrap_or(0));
        let (above, below) = if exponent < 0 { (one, power) } else { (power, one) };
        let above = above * pow10(usize::try_from(scale).unwrap_or(0));
        return Numeric::checked(divide_rounded(&above, &below), scale);
    }
    let result = repeated(&coefficient.abs(), s, exponent, scale, bits_of(scale + whole(digits).max(0) + 1))?;
    let is_negative = coefficient.sign() == Sign::Minus && exponent % 2 != 0;
    Ok(if is_negative { result.neg() } else { result })
}

/// A number above 0, to so many leading bits: `digits` × 2^`exponent`.
struct Rough {
    digits: BigInt,
    exponent: i64,
}

impl Rough {
    fn new(digits: BigInt, exponent: i64, bits: u64) -> Self {
        let spare = digits.bits().saturating_sub(bits);
        Rough { digits: digits >> spare, exponent: exponent + i64::try_from(spare).unwrap_or(i64::MAX) }
    }

    fn times(&self, other: &Self, bits: u64) -> Self {
        Rough::new(&self.digits * &other.digits, self.exponent + other.exponent, bits)
    }
}

/// A power by squaring, each product cut to `bits` bits, rounded to `scale` digits. The base is above 0.
fn repeated(base: &BigInt, s: u16, exponent: i32, scale: i32, bits: usize) -> Result<Numeric> {
    let one = pow10(usize::from(s));
    let shift = bits + usize::try_from(one.bits()).unwrap_or(0);
    let bits = u64::try_from(bits).unwrap_or(u64::MAX);
    let mut square = Rough::new((base << shift) / one, -i64::try_from(shift).unwrap_or(i64::MAX), bits);
    let mut product = Rough { digits: BigInt::from(1), exponent: 0 };
    let mut rest = exponent.unsigned_abs();
    loop {
        if rest % 2 == 1 {
            product = product.times(&square, bits);
        }
        rest /= 2;
        if rest == 0 {
            break;
        }
        square = square.times(&square, bits);
    }
    let one = pow10(usize::try_from(scale).unwrap_or(0));
    let (above, below, twos) = match exponent < 0 {
        true => (one, product.digits, -product.exponent),
        false => (product.digits * one, BigInt::from(1), product.exponent),
    };
    let coefficient = match usize::try_from(twos) {
        Ok(twos) => divide_rounded(&(above << twos), &below),
        Err(_) => divide_rounded(&above, &(below << twos.unsigned_abs())),
    };
    Numeric::checked(coefficient, scale)
}
