//! A [`Rowset`] as an Arrow batch.
//!
//! Where the Arrow type does not tell the PostgreSQL type, the field's metadata does: `pg.type` is the `typname`.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float32Builder, Float64Builder, Int16Builder, Int32Builder, Int64Builder,
    ListArray, RecordBatch, RecordBatchOptions, StringBuilder, TimestampMicrosecondBuilder, UInt32Builder,
    new_empty_array,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use super::value::Value;
use super::{Rowset, types};
use crate::error::{Error, Kind, Result};
use crate::model::table::PG_TYPE;

/// Makes a batch of an answer.
pub fn to_batch(rowset: &Rowset) -> Result<RecordBatch> {
    let mut fields = Vec::new();
    let mut arrays = Vec::new();
    for (at, (name, type_oid)) in rowset.columns.iter().enumerate() {
        let cells: Vec<&Value> = rowset.rows.iter().map(|row| &row[at]).collect();
        let array = column(&cells, *type_oid)?;
        let name_of_type = types::get(*type_oid).map_or("record", |entry| entry.name.as_str());
        let metadata = HashMap::from([(PG_TYPE.to_owned(), name_of_type.to_owned())]);
        fields.push(Field::new(name, array.data_type().clone(), true).with_metadata(metadata));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rowset.rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|error| Error::internal(format!("catalog batch: {error}")))
}

fn column(cells: &[&Value], type_oid: u32) -> Result<ArrayRef> {
    if let Some(element) = types::element(type_oid) {
        return list(cells, element);
    }
    let ints = || cells.iter().map(|cell| cell.as_int());
    if cells.iter().any(|cell| !fits(cell, types::base(type_oid))) {
        let name = types::format(type_oid, None).unwrap_or_default();
        return Err(Error::new(Kind::NumericOutOfRange, format!("{name} out of range")));
    }
    Ok(match types::base(type_oid) {
        types::BOOL => {
            let mut builder = BooleanBuilder::new();
            cells
                .iter()
                .for_each(|cell| builder.append_option(if let Value::Bool(bool) = cell { Some(*bool) } else { None }));
            Arc::new(builder.finish())
        }
        types::INT2 => collect(Int16Builder::new(), ints().map(|int| int.and_then(|i| i16::try_from(i).ok()))),
        types::INT4 => collect(Int32Builder::new(), ints().map(|int| int.and_then(|i| i32::try_from(i).ok()))),
        types::INT8 => collect(Int64Builder::new(), ints()),
        types::OID | types::XID | types::CID => {
            collect(UInt32Builder::new(), ints().map(|int| int.and_then(|i| u32::try_from(i).ok())))
        }
        types::FLOAT4 => collect(Float32Builder::new(), cells.iter().map(|cell| float(cell).map(|f| f as f32))),
        types::FLOAT8 => collect(Float64Builder::new(), cells.iter().map(|cell| float(cell))),
        types::DATE => collect(
            Date32Builder::new(),
            cells.iter().map(|cell| if let Value::Date(days) = cell { Some(*days) } else { None }),
        ),
        types::TIMESTAMP => collect(TimestampMicrosecondBuilder::new(), cells.iter().map(|cell| micros(cell))),
        types::TIMESTAMPTZ => {
            let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
            collect(TimestampMicrosecondBuilder::new().with_data_type(utc), cells.iter().map(|cell| micros(cell)))
        }
        _ => {
            let mut builder = StringBuilder::new();
            cells.iter().for_each(|cell| builder.append_option(text(cell)));
            Arc::new(builder.finish())
        }
    })
}

/// Whether an integer is one of its type: arithmetic is done in 64 bits.
fn fits(cell: &Value, type_oid: u32) -> bool {
    match (cell, type_oid) {
        (Value::Int(int), types::INT2) => i16::try_from(*int).is_ok(),
        (Value::Int(int), types::INT4) => i32::try_from(*int).is_ok(),
        (Value::Int(int), types::OID | types::XID | types::CID) => u32::try_from(*int).is_ok(),
        _ => true,
    }
}

fn collect<T, B>(mut builder: B, values: impl Iterator<Item = Option<T>>) -> ArrayRef
where
    B: Extend<Option<T>> + datafusion::arrow::array::ArrayBuilder,
{
    builder.extend(values);
    builder.finish()
}

fn float(cell: &Value) -> Option<f64> {
    match cell {
        Value::Float(float) => Some(*float),
        Value::Int(int) => Some(*int as f64),
        _ => None,
    }
}

fn micros(cell: &Value) -> Option<i64> {
    if let Value::Timestamp(micros) | Value::Timestamptz(micros) = cell { Some(*micros) } else { None }
}

/// Returns the text of a cell whose type has no Arrow type of its own.
fn text(cell: &Value) -> Option<String> {
    match cell {
        Value::Null => None,
        Value::Text(text) => Some(text.as_ref().to_owned()),
        other => Some(super::cast::plain_text(other)),
    }
}

fn list(cells: &[&Value], element: u32) -> Result<ArrayRef> {
    let lists: Vec<Option<&[Value]>> = cells.iter().map(|cell| cell.items()).collect();
    let items: Vec<&Value> = lists.iter().flatten().flat_map(|list| list.iter()).collect();
    let values =
        if items.is_empty() { new_empty_array(column(&[], element)?.data_type()) } else { column(&items, element)? };
    let name = types::get(element).map_or("text", |entry| entry.name.as_str());
    let metadata = HashMap::from([(PG_TYPE.to_owned(), name.to_owned())]);
    let field = Field::new("item", values.data_type().clone(), true).with_metadata(metadata);
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.map_or(0, <[Value]>::len)));
    let nulls = NullBuffer::from(lists.iter().map(Option::is_some).collect::<Vec<bool>>());
    let array = ListArray::try_new(Arc::new(field), offsets, values, Some(nulls));
    Ok(Arc::new(array.map_err(|error| Error::internal(format!("catalog list: {error}")))?))
}
