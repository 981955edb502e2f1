//! The function behind a virtual table's `extra`: the columns that the shape lacks as one JSON object, together with the
//! members of the vendor's own `extra`.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result as EngineResult, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::arrays;
use crate::error::{Error, Kind};
use crate::model::table::{Column, From, PG_TYPE, Type};
use crate::pgtype::{datetime, jsonb};
use crate::table::provider::external;

/// Columns → one JSON object, as PostgreSQL prints a `jsonb`. NULL columns are left out; NULL if nothing is left. Times
/// are those of its `jsonb_build_object` in UTC.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Extra {
    members: Vec<Member>,
    signature: Signature,
}

/// One argument.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Member {
    key: &'static str,
    /// It is JSON already.
    json: bool,
    /// It is an object of which each member becomes one of the result.
    spread: bool,
}

impl Extra {
    /// The function over these columns.
    pub(super) fn new(columns: &[&Column]) -> Self {
        let member = |column: &&Column| Member {
            key: column.name,
            json: column.ty == Type::Jsonb,
            spread: column.from == From::Rest,
        };
        let members: Vec<Member> = columns.iter().map(member).collect();
        let signature = Signature::any(members.len(), Volatility::Immutable);
        Extra { members, signature }
    }

    /// The object of one row.
    fn object(&self, values: &[ArrayRef], row: usize) -> EngineResult<Option<String>> {
        let mut text = String::from("{");
        // Of equal keys the last counts, so a column hides a member of the vendor's that has its name.
        let ordered = self.members.iter().zip(values).filter(|(member, _)| member.spread);
        let ordered = ordered.chain(self.members.iter().zip(values).filter(|(member, _)| !member.spread));
        for (member, array) in ordered.filter(|(_, array)| array.is_valid(row)) {
            let value = value(array, member.json, row)?;
            let inner = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            if member.spread && inner.is_some_and(str::is_empty) {
                continue;
            }
            if text.len() > 1 {
                text.push(',');
            }
            match inner.filter(|_| member.spread) {
                Some(inner) => text.push_str(inner),
                None => {
                    jsonb::quote(member.key, &mut text);
                    text.push(':');
                    text.push_str(&value);
                }
            }
        }
        if text.len() == 1 {
            return Ok(None);
        }
        text.push('}');
        let normal = jsonb::normalize(&text);
        let normal = normal.map_err(|fault| {
            let message = format!("column \"extra\" would hold {fault}");
            external(Error::new(Kind::ProgramLimit, message).hint("Read the columns of the vendor's own table."))
        });
        normal.map(Some)
    }
}

/// A value as JSON text.
fn value(array: &ArrayRef, json: bool, row: usize) -> EngineResult<Cow<'_, str>> {
    let quoted = |text: &str| {
        let mut out = String::with_capacity(text.len() + 2);
        jsonb::quote(text, &mut out);
        Cow::Owned(out)
    };
    Ok(match array.data_type() {
        DataType::Utf8 if json => Cow::Borrowed(array.as_string::<i32>().value(row)),
        DataType::Utf8 => quoted(array.as_string::<i32>().value(row)),
        DataType::Int64 => Cow::Owned(array.as_primitive::<Int64Type>().value(row).to_string()),
        DataType::Float64 => {
            let number = array.as_primitive::<Float64Type>().value(row);
            // What is no number of JSON stands there as a text, as with PostgreSQL's to_jsonb.
            if number.is_finite() { Cow::Owned(number.to_string()) } else { quoted(&number.to_string()) }
        }
        DataType::Boolean => Cow::Borrowed(if array.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Timestamp(..) => quoted(&time(array.as_primitive::<TimestampMicrosecondType>().value(row))),
        other => return exec_err!("a column of type {other} in extra"),
    })
}

/// A time as PostgreSQL writes it within JSON: its text with a T, and minutes in the offset.
fn time(micros: i64) -> String {
    let mut text = Vec::new();
    datetime::put_timestamp(micros, Some(0), &mut text);
    String::from_utf8_lossy(&text).replacen(' ', "T", 1).replacen("+00", "+00:00", 1)
}

impl ScalarUDFImpl for Extra {
    fn name(&self) -> &'static str {
        "extra"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> EngineResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, _arguments: ReturnFieldArgs<'_>) -> EngineResult<FieldRef> {
        let field = Field::new(self.name(), DataType::Utf8, true);
        Ok(Arc::new(field.with_metadata([(PG_TYPE.to_owned(), "jsonb".to_owned())].into())))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let values = arrays(&arguments)?;
        let mut texts = StringBuilder::new();
        for row in 0..arguments.number_rows {
            texts.append_option(self.object(&values, row)?);
        }
        Ok(ColumnarValue::Array(Arc::new(texts.finish())))
    }
}
