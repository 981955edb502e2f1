//! Numbers to and from the other numeric types, and into `numeric(precision, scale)`.

use num_traits::ToPrimitive;

use crate::error::{Error, Kind, Result};
use crate::function::numeric::Numeric;
use crate::function::numeric::digits::{length, shorten};
use crate::pgtype::float;

impl Numeric {
    /// The number that a double shows with 15 significant digits.
    pub fn from_f64(value: f64) -> Self {
        let mut text = Vec::new();
        float::put_f64(value, 0, &mut text);
        Numeric::of_float(&text)
    }

    /// The number that a `real` shows with 6 significant digits.
    pub fn from_f32(value: f32) -> Self {
        let mut text = Vec::new();
        float::put_f32(value, 0, &mut text);
        Numeric::of_float(&text)
    }

    fn of_float(text: &[u8]) -> Self {
        // What a float prints as is always a number.
        std::str::from_utf8(text).ok().and_then(|text| Numeric::parse(text).ok()).unwrap_or(Numeric::NaN)
    }

    /// The nearest double.
    ///
    /// # Errors
    /// 22003 if it is too large, or too small to be told from 0.
    pub fn to_f64(&self) -> Result<f64> {
        match self {
            Numeric::Finite { coefficient, scale } => {
                // Both are exact in a double, and so the quotient is the nearest one.
                if let (Some(small), scale @ 0..=22) = (coefficient.to_i64(), *scale)
                    && small.unsigned_abs() <= 1 << 53
                {
                    return Ok(small as f64 / 10_u128.pow(u32::from(scale)) as f64);
                }
                float::parse_f64(&self.to_string())
            }
            Numeric::NegInfinity => Ok(f64::NEG_INFINITY),
            Numeric::Infinity => Ok(f64::INFINITY),
            Numeric::NaN => Ok(f64::NAN),
        }
    }

    /// The nearest double; infinities and 0 for what is out of range.
    pub(crate) fn to_f64_lossy(&self) -> f64 {
        match self {
            Numeric::Finite { .. } => self.to_string().parse().unwrap_or(f64::NAN),
            other => other.to_f64().unwrap_or(f64::NAN),
        }
    }

    /// The nearest `real`.
    ///
    /// # Errors
    /// 22003 if it is too large, or too small to be told from 0.
    pub fn to_f32(&self) -> Result<f32> {
        match self {
            Numeric::Finite { .. } => float::parse_f32(&self.to_string()),
            Numeric::NegInfinity => Ok(f32::NEG_INFINITY),
            Numeric::Infinity => Ok(f32::INFINITY),
            Numeric::NaN => Ok(f32::NAN),
        }
    }

    /// As `bigint`, half away from zero.
    ///
    /// # Errors
    /// 22003; 0A000 for NaN and the infinities.
    pub fn to_i64(&self) -> Result<i64> {
        self.to_int("bigint")
    }

    /// As `integer`, half away from zero.
    ///
    /// # Errors
    /// 22003; 0A000 for NaN and the infinities.
    pub fn to_i32(&self) -> Result<i32> {
        self.to_int("integer")
    }

    /// As `smallint`, half away from zero.
    ///
    /// # Errors
    /// 22003; 0A000 for NaN and the infinities.
    pub fn to_i16(&self) -> Result<i16> {
        self.to_int("smallint")
    }

    fn to_int<T: TryFrom<i128>>(&self, name: &str) -> Result<T> {
        let cannot = |what| Error::new(Kind::FeatureNotSupported, format!("cannot convert {what} to {name}"));
        match self {
            Numeric::Finite { coefficient, scale } => shorten(coefficient, usize::from(*scale))
                .to_i128()
                .and_then(|value| T::try_from(value).ok())
                .ok_or_else(|| Error::new(Kind::NumericOutOfRange, format!("{name} out of range"))),
            Numeric::NaN => Err(cannot("NaN")),
            _ => Err(cannot("infinity")),
        }
    }

    /// As `numeric(precision, scale)`: rounded to `scale`, which may be below 0.
    ///
    /// # Errors
    /// 22003 for more than `precision` digits, and for the infinities.
    pub fn fit(&self, precision: i32, scale: i32) -> Result<Self> {
        let fault = |what: String| {
            Error::new(Kind::NumericOutOfRange, "numeric field overflow")
                .detail(format!("A field with precision {precision}, scale {scale} {what}"))
        };
        if self.is_nan() {
            return Ok(Numeric::NaN);
        }
        let fitted = self.to_scale(scale, shorten);
        let Numeric::Finite { coefficient, scale: shown } = &fitted else {
            return Err(fault("cannot hold an infinite value.".to_owned()));
        };
        let most = precision - scale;
        let whole = i32::try_from(length(coefficient)).unwrap_or(i32::MAX) - i32::from(*shown);
        if whole <= most || coefficient.sign() == num_bigint::Sign::NoSign {
            return Ok(fitted);
        }
        let limit = if most == 0 { "1".to_owned() } else { format!("10^{most}") };
        Err(fault(format!("must round to an absolute value less than {limit}.")))
    }
}
