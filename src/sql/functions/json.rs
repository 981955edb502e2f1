//! The functions that stand behind the operators of `jsonb` in PostgreSQL.
//!
//! Those of `->` and `->>` are here: by key (text) or by place (integer); NULL where there is no such part. `->` gives a
//! `jsonb`, `->>` its text.

mod operators;
mod plan;

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result as EngineResult, ScalarValue, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::error::{Error, Kind};
use crate::model::table::PG_TYPE;
use crate::pgtype::jsonb::access::{self, Key};
use crate::pgtype::jsonb::{Fault, normalize};
use crate::table::provider::external;

/// `jsonb -> text`.
pub const OBJECT_FIELD: &str = "jsonb_object_field";
/// `jsonb ->> text`.
pub const OBJECT_FIELD_TEXT: &str = "jsonb_object_field_text";
/// `jsonb -> integer`.
const ARRAY_ELEMENT: &str = "jsonb_array_element";
/// `jsonb ->> integer`.
const ARRAY_ELEMENT_TEXT: &str = "jsonb_array_element_text";

pub use self::operators::{CONTAINED, CONTAINS, EXISTS, EXISTS_ALL, FROM_TEXT};

/// Makes the functions and the operators known.
///
/// # Errors
/// When the registry takes no functions.
pub fn register(registry: &mut dyn FunctionRegistry) -> EngineResult<()> {
    for part in [Part::Field, Part::FieldText, Part::Element, Part::ElementText] {
        registry.register_udf(part.function())?;
    }
    for function in operators::all() {
        registry.register_udf(function)?;
    }
    registry.register_expr_planner(Arc::new(plan::Operators))
}

/// What is taken out of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Field,
    FieldText,
    Element,
    ElementText,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Field => OBJECT_FIELD,
            Part::FieldText => OBJECT_FIELD_TEXT,
            Part::Element => ARRAY_ELEMENT,
            Part::ElementText => ARRAY_ELEMENT_TEXT,
        }
    }

    fn is_text(self) -> bool {
        matches!(self, Part::FieldText | Part::ElementText)
    }

    fn is_by_key(self) -> bool {
        matches!(self, Part::Field | Part::FieldText)
    }

    fn function(self) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::new_from_impl(Access { part: self, signature: Signature::any(2, Volatility::Immutable) }))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Access {
    part: Part,
    signature: Signature,
}

impl ScalarUDFImpl for Access {
    fn name(&self) -> &str {
        self.part.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> EngineResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, _arguments: ReturnFieldArgs<'_>) -> EngineResult<FieldRef> {
        let field = Field::new(self.part.name(), DataType::Utf8, true);
        Ok(Arc::new(if self.part.is_text() { field } else { tagged(field) }))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let [document, selector] = arguments.args.as_slice() else {
            return internal_err!("{} takes two arguments", self.part.name());
        };
        // A constant's tag may be lost on the way; its text is brought into form before it is trusted.
        let is_normal = arguments.arg_fields.first().is_some_and(|field| is_jsonb(field));
        let rows = match (document, selector) {
            (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)) => 1,
            _ => arguments.number_rows,
        };
        let mut documents = cast(&document.to_array(rows)?, &DataType::Utf8)?;
        if !is_normal {
            documents = normalized(documents.as_string())?;
        }
        let parts = match (self.part.is_by_key(), selector) {
            (true, ColumnarValue::Scalar(key)) => {
                let key = key.try_as_str().flatten().map(Key::new);
                self.each(documents.as_string(), |json, _| access::member(json, key.as_ref()?))
            }
            (true, ColumnarValue::Array(keys)) => {
                let keys = cast(keys, &DataType::Utf8)?;
                let keys: &StringArray = keys.as_string();
                let key = |row: usize| keys.is_valid(row).then(|| Key::new(keys.value(row)));
                self.each(documents.as_string(), |json, row| access::member(json, &key(row)?))
            }
            (false, places) => {
                let places = cast(&places.to_array(rows)?, &DataType::Int64)?;
                let places = places.as_primitive::<Int64Type>();
                let place = |row: usize| places.is_valid(row).then(|| places.value(row));
                self.each(documents.as_string(), |json, row| access::element(json, place(row)?))
            }
        };
        match (document, selector) {
            (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)) => {
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&parts, 0)?))
            }
            _ => Ok(ColumnarValue::Array(parts)),
        }
    }
}

impl Access {
    fn each(&self, documents: &StringArray, part: impl Fn(&str, usize) -> Option<&str>) -> ArrayRef {
        let mut parts = StringBuilder::with_capacity(documents.len(), 0);
        for (row, document) in documents.iter().enumerate() {
            let found = document.and_then(|json| part(json, row));
            match found {
                Some(json) if self.part.is_text() => parts.append_option(access::text(json)),
                found => parts.append_option(found),
            }
        }
        Arc::new(parts.finish())
    }
}

fn normalized(documents: &StringArray) -> EngineResult<ArrayRef> {
    let mut normal = StringBuilder::with_capacity(documents.len(), documents.values().len());
    for document in documents {
        let text = document.map(|text| normalize(text).map_err(fault));
        normal.append_option(text.transpose()?);
    }
    Ok(Arc::new(normal.finish()))
}

/// What PostgreSQL says of a text that is no `jsonb`.
pub fn refusal(fault: Fault) -> Error {
    let syntax = "invalid input syntax for type json";
    match fault {
        Fault::Syntax => Error::new(Kind::InvalidText, syntax),
        Fault::Nul => Error::new(Kind::UntranslatableCharacter, "unsupported Unicode escape sequence")
            .detail("\\u0000 cannot be converted to text."),
        Fault::Surrogate => {
            Error::new(Kind::InvalidText, syntax).detail("Unicode low surrogate must follow a high surrogate.")
        }
        Fault::Number => Error::new(Kind::NumericOutOfRange, "value overflows numeric format"),
        Fault::Depth => Error::new(Kind::StatementTooComplex, "stack depth limit exceeded"),
    }
}

fn fault(fault: Fault) -> DataFusionError {
    external(refusal(fault))
}

fn tagged(field: Field) -> Field {
    field.with_metadata([(PG_TYPE.to_owned(), "jsonb".to_owned())].into())
}

fn is_jsonb(field: &Field) -> bool {
    field.metadata().get(PG_TYPE).is_some_and(|name| name == "jsonb")
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
