//! Sums, products, quotients, and rounding.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, Zero};

use crate::error::Result;
use crate::function::numeric::digits::{cut, divide_rounded, leading, length, pow10, scaled, shorten};
use crate::function::numeric::{MAX_DISPLAY_SCALE, MAX_SCALE, MIN_SIGNIFICANT, Numeric, division_by_zero};

use Numeric::{Finite, NaN};

/// Most places that `round` and `trunc` go before the point.
const MAX_WHOLE_PLACES: i32 = 131_072;

impl Numeric {
    /// `self` + `other`
    ///
    /// # Errors
    /// 22003
    pub fn add(&self, other: &Self) -> Result<Self> {
        match (self, other) {
            (Finite { coefficient: a, scale: s }, Finite { coefficient: b, scale: t }) => {
                let scale = *s.max(t);
                if s == t {
                    return Numeric::checked(a + b, i32::from(scale));
                }
                let (a, b) = (scaled(a, usize::from(scale - s)), scaled(b, usize::from(scale - t)));
                Numeric::checked(a.as_ref() + b.as_ref(), i32::from(scale))
            }
            (NaN, _) | (_, NaN) => Ok(NaN),
            (Numeric::Infinity, Numeric::NegInfinity) | (Numeric::NegInfinity, Numeric::Infinity) => Ok(NaN),
            (Finite { .. }, infinity) | (infinity, _) => Ok(infinity.clone()),
        }
    }

    /// `self` - `other`
    ///
    /// # Errors
    /// 22003
    pub fn sub(&self, other: &Self) -> Result<Self> {
        match (self, other) {
            (Finite { coefficient: a, scale: s }, Finite { coefficient: b, scale: t }) if s == t => {
                Numeric::checked(a - b, i32::from(*s))
            }
            _ => self.add(&other.neg()),
        }
    }

    /// `self` × `other`
    ///
    /// # Errors
    /// 22003
    pub fn mul(&self, other: &Self) -> Result<Self> {
        match (self, other) {
            (Finite { coefficient: a, scale: s }, Finite { coefficient: b, scale: t }) => {
                let (product, scale) = (a * b, s + t);
                if scale > MAX_SCALE {
                    let product = shorten(&product, usize::from(scale - MAX_SCALE));
                    return Numeric::checked(product, i32::from(MAX_SCALE));
                }
                Numeric::checked(product, i32::from(scale))
            }
            (NaN, _) | (_, NaN) => Ok(NaN),
            // 0 times an infinity is NaN.
            _ => Ok(Numeric::infinity(self.side() * other.side())),
        }
    }

    /// `self` / `other`, with at least 16 significant digits and at least the scale of either.
    ///
    /// # Errors
    /// 22012, 22003
    pub fn div(&self, other: &Self) -> Result<Self> {
        let (Finite { coefficient: a, scale: s }, Finite { coefficient: b, scale: t }) = (self, other) else {
            return self.div_special(other);
        };
        if b.is_zero() {
            return Err(division_by_zero());
        }
        let (first, second) = (leading(a, *s), leading(b, *t));
        let weight = first.weight - second.weight - i32::from(first.first <= second.first);
        let scale = (MIN_SIGNIFICANT - weight * 4).max(i32::from(*s)).max(i32::from(*t)).clamp(0, MAX_DISPLAY_SCALE);
        quotient(a, *s, b, *t, scale)
    }

    /// A quotient one side of which is NaN or an infinity.
    fn div_special(&self, other: &Self) -> Result<Self> {
        match (self, other) {
            (NaN, _) | (_, NaN) => Ok(NaN),
            (_, zero) if zero.is_zero() => Err(division_by_zero()),
            (Finite { .. }, _) => Ok(Numeric::new(0, 0)),
            (_, Finite { .. }) => Ok(Numeric::infinity(self.side() * other.side())),
            _ => Ok(NaN),
        }
    }

    /// The quotient without its fraction: `div(self, other)`.
    ///
    /// # Errors
    /// 22012
    pub fn div_trunc(&self, other: &Self) -> Result<Self> {
        let (Finite { coefficient: a, scale: s }, Finite { coefficient: b, scale: t }) = (self, other) else {
            return self.div_special(other);
        };
        if b.is_zero() {
            return Err(division_by_zero());
        }
        let scale = *s.max(t);
        let (a, b) = (scaled(a, usize::from(scale - s)), scaled(b, usize::from(scale - t)));
        Numeric::checked(a.as_ref() / b.as_ref(), 0)
    }

    /// The rest of the division, with the sign of `self`: `self % other`.
    ///
    /// # Errors
    /// 22012
    pub fn rem(&self, other: &Self) -> Result<Self> {
        match (self, other) {
            (Finite { coefficient: a, scale: s }, Finite { coefficient: b, scale: t }) => {
                if b.is_zero() {
                    return Err(division_by_zero());
                }
                let scale = *s.max(t);
                let (a, b) = (scaled(a, usize::from(scale - s)), scaled(b, usize::from(scale - t)));
                Numeric::checked(a.as_ref() % b.as_ref(), i32::from(scale))
            }
            (NaN, _) | (_, NaN) => Ok(NaN),
            (_, zero) if zero.is_zero() => Err(division_by_zero()),
            (Finite { .. }, _) => Ok(self.clone()),
            _ => Ok(NaN),
        }
    }

    /// To `places` digits behind the point, or to 10^-`places`, half away from zero.
    pub fn round(&self, places: i32) -> Self {
        self.to_places(places, shorten)
    }

    /// To `places` digits behind the point, or to 10^-`places`, towards zero.
    pub fn trunc(&self, places: i32) -> Self {
        self.to_places(places, cut)
    }

    fn to_places(&self, places: i32, shorten: fn(&BigInt, usize) -> BigInt) -> Self {
        let places = places.clamp(-MAX_WHOLE_PLACES, i32::from(MAX_SCALE));
        self.to_scale(places, shorten)
    }

    /// As `to_places`, as far as one likes.
    pub(super) fn to_scale(&self, places: i32, shorten: fn(&BigInt, usize) -> BigInt) -> Self {
        let Finite { coefficient, scale } = self else { return self.clone() };
        let dropped = i32::from(*scale) - places;
        let shown = u16::try_from(places).unwrap_or(0);
        let coefficient = match usize::try_from(dropped) {
            Ok(dropped) if dropped > length(coefficient) => BigInt::ZERO,
            Ok(dropped) => shorten(coefficient, dropped),
            Err(_) => scaled(coefficient, usize::from(shown - scale)).into_owned(),
        };
        let zeros = usize::try_from(-places).unwrap_or(0);
        Numeric::new(scaled(&coefficient, zeros).into_owned(), shown)
    }

    /// The least whole number that is not below.
    pub fn ceil(&self) -> Self {
        let Finite { coefficient, scale } = self else { return self.clone() };
        Numeric::new(Integer::div_ceil(coefficient, &pow10(usize::from(*scale))), 0)
    }

    /// The greatest whole number that is not above.
    pub fn floor(&self) -> Self {
        let Finite { coefficient, scale } = self else { return self.clone() };
        Numeric::new(coefficient.div_floor(&pow10(usize::from(*scale))), 0)
    }

    /// The least scale that loses nothing; `None` for NaN and the infinities.
    pub fn min_scale(&self) -> Option<u16> {
        let Finite { coefficient, scale } = self else { return None };
        if coefficient.is_zero() {
            return Some(0);
        }
        // By halves, as there may be thousands of zeros; 2 divides at least as often as 10 does.
        let mut kept = *scale;
        let mut rest = coefficient.abs();
        for places in (0..14).rev().map(|bit| 1_u16 << bit) {
            if kept >= places && rest.trailing_zeros().is_some_and(|twos| twos >= u64::from(places)) {
                let (quotient, cut) = rest.div_rem(&pow10(usize::from(places)));
                if cut.is_zero() {
                    rest = quotient;
                    kept -= places;
                }
            }
        }
        Some(kept)
    }

    /// The same value with its least scale.
    pub fn trim_scale(&self) -> Self {
        match self.min_scale() {
            Some(scale) => self.to_scale(i32::from(scale), cut),
            None => self.clone(),
        }
    }

    /// The greatest number that divides both without a rest.
    ///
    /// # Errors
    /// 22003
    pub fn gcd(&self, other: &Self) -> Result<Self> {
        let (Finite { coefficient: a, scale: s }, Finite { coefficient: b, scale: t }) = (self, other) else {
            return Ok(NaN);
        };
        let scale = *s.max(t);
        let (a, b) = (scaled(a, usize::from(scale - s)), scaled(b, usize::from(scale - t)));
        Numeric::checked(a.gcd(b.as_ref()), i32::from(scale))
    }

    /// The least number that both divide without a rest; 0 if either is 0.
    ///
    /// # Errors
    /// 22003
    pub fn lcm(&self, other: &Self) -> Result<Self> {
        let (Finite { coefficient: a, scale: s }, Finite { coefficient: b, scale: t }) = (self, other) else {
            return Ok(NaN);
        };
        let scale = *s.max(t);
        let (a, b) = (scaled(a, usize::from(scale - s)), scaled(b, usize::from(scale - t)));
        Numeric::checked(a.lcm(b.as_ref()).abs(), i32::from(scale))
    }
}

/// (`a` / 10^`s`) / (`b` / 10^`t`), rounded to `scale` digits. `b` is not 0.
fn quotient(a: &BigInt, s: u16, b: &BigInt, t: u16, scale: i32) -> Result<Numeric> {
    let shift = scale + i32::from(t) - i32::from(s);
    let coefficient = match usize::try_from(shift) {
        Ok(digits) => divide_rounded(&scaled(a, digits), b),
        Err(_) => divide_rounded(a, &scaled(b, usize::try_from(-shift).unwrap_or(0))),
    };
    Numeric::checked(coefficient, scale)
}
