//! The functions of the engine in catalog statements: those that the catalogs have no version of their own of.
//!
//! Values go over as text, in the session's style: such calls are few and their values small.

use super::cast;
use super::context::Context;
use super::value::Value;
use crate::error::Result;
use crate::function::datum::Datum;
use crate::function::{Function, io};
use crate::pgtype::types::PgType;

/// A function chosen for a call, with the types of its arguments and of its value.
#[derive(Clone, Debug)]
pub(crate) struct EngineCall {
    pub(crate) function: &'static Function,
    pub(crate) args: Vec<PgType>,
    pub(crate) result: PgType,
}

impl PartialEq for EngineCall {
    fn eq(&self, other: &EngineCall) -> bool {
        // One that gives another value each time is equal to no other.
        std::ptr::eq(self.function, other.function) && self.args == other.args && !self.function.volatile
    }
}

impl EngineCall {
    /// The value for these arguments.
    pub(crate) fn eval(&self, args: &[Value], context: &Context<'_>) -> Result<Value> {
        if self.function.strict && args.iter().any(Value::is_null) {
            return Ok(Value::Null);
        }
        let style = &context.session.style;
        let datum = |(value, ty): (&Value, &PgType)| match value {
            Value::Null => Ok(Datum::Null),
            value => io::input(*ty, &cast::text(value, ty.oid(), context), style),
        };
        let args = args.iter().zip(&self.args).map(datum).collect::<Result<Vec<Datum<'static>>>>()?;
        match (self.function.call)(&args, style)? {
            Datum::Null => Ok(Value::Null),
            value => cast::parse(&io::output(self.result, &value, style), self.result.oid(), context),
        }
    }
}
