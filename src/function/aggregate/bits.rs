//! `bit_and`, `bit_or`, `bit_xor`, `bool_and`, `bool_or` and `every`.

use crate::error::Result;
use crate::function::State;
use crate::function::aggregate::{only, unexpected};
use crate::function::datum::Datum;

/// How two values become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logic {
    /// `&`, `AND`
    And,
    /// `|`, `OR`
    Or,
    /// `#`
    Xor,
}

/// What remains of the values so far.
#[derive(Debug)]
pub(super) struct Bits {
    logic: Logic,
    value: Option<i64>,
    /// Makes a value of the aggregate's type again.
    datum: fn(i64) -> Datum<'static>,
}

impl Bits {
    pub(super) fn make(logic: Logic) -> Result<Box<dyn State>> {
        Ok(Box::new(Bits { logic, value: None, datum: Datum::Int8 }))
    }
}

impl State for Bits {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        // Widening keeps what the operations do to each bit, and a narrow type's results fit it again.
        let (operand, datum): (i64, fn(i64) -> Datum<'static>) = match only(args)? {
            Datum::Bool(value) => (i64::from(*value), |value| Datum::Bool(value != 0)),
            Datum::Int2(value) => (i64::from(*value), |value| i16::try_from(value).map_or(Datum::Null, Datum::Int2)),
            Datum::Int4(value) => (i64::from(*value), |value| i32::try_from(value).map_or(Datum::Null, Datum::Int4)),
            Datum::Int8(value) => (*value, Datum::Int8),
            other => return Err(unexpected(other)),
        };
        self.datum = datum;
        self.value = Some(match (self.value, self.logic) {
            (None, _) => operand,
            (Some(value), Logic::And) => value & operand,
            (Some(value), Logic::Or) => value | operand,
            (Some(value), Logic::Xor) => value ^ operand,
        });
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        Ok(self.value.map_or(Datum::Null, self.datum))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
