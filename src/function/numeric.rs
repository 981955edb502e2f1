//! `numeric`: decimal numbers of any length, each with the number of fractional digits that it shows (`dscale`).

use std::fmt;

use num_bigint::BigInt;

use crate::error::{Error, Kind, Result};

/// A number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numeric {
    /// `coefficient` / 10^`scale`, shown with `scale` fractional digits.
    Finite {
        /// The digits without the point.
        coefficient: BigInt,
        /// Fractional digits, at most 16383.
        scale: u16,
    },
    /// Less than all others.
    NegInfinity,
    /// More than all finite ones.
    Infinity,
    /// More than all others, and equal to itself.
    NaN,
}

impl Numeric {
    /// `coefficient` / 10^`scale`.
    pub fn new(coefficient: impl Into<BigInt>, scale: u16) -> Self {
        Numeric::Finite { coefficient: coefficient.into(), scale }
    }

    /// Reads what PostgreSQL takes: `1.50`, `-1e3`, `NaN`, `Infinity`, blanks around.
    ///
    /// # Errors
    /// 22P02 with the text, 22003 for a number that is too large.
    pub fn parse(text: &str) -> Result<Self> {
        let fault = || Error::new(Kind::InvalidText, format!("invalid input syntax for type numeric: \"{text}\""));
        let (mantissa, exponent) = match text.trim().split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| fault())?),
            None => (text.trim(), 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut coefficient: BigInt = format!("{whole}{fraction}").parse().map_err(|_| fault())?;
        let mut scale = i32::try_from(fraction.len()).unwrap_or(i32::MAX) - exponent;
        if scale < 0 {
            coefficient *= BigInt::from(10).pow(scale.unsigned_abs());
            scale = 0;
        }
        Ok(Numeric::new(coefficient, u16::try_from(scale).map_err(|_| fault())?))
    }
}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Numeric::NaN => f.write_str("NaN"),
            Numeric::Infinity => f.write_str("Infinity"),
            Numeric::NegInfinity => f.write_str("-Infinity"),
            Numeric::Finite { coefficient, scale } => {
                let mut out = Vec::new();
                crate::pgtype::numeric::put_text(&coefficient.to_string(), i32::from(*scale), &mut out);
                f.write_str(&String::from_utf8_lossy(&out))
            }
        }
    }
}

impl From<i64> for Numeric {
    fn from(value: i64) -> Self {
        Numeric::new(value, 0)
    }
}
