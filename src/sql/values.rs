//! Between Arrow and values: which Arrow type holds a PostgreSQL type within a plan, and the cells of arrays one by one.
//!
//! `numeric` is held as [`Numeric::encode`] makes it, so that each value keeps its own scale; a `uuid` and a `bytea` as
//! their bytes; `jsonb` and `json` as text. Every other type has an Arrow type of its own.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanBuilder, Date32Builder, Float32Builder, Float64Builder,
    Int16Builder, Int32Builder, Int64Builder, IntervalMonthDayNanoBuilder, ListArray, NullArray, NullBufferBuilder,
    StringBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder, UInt32Builder, new_null_array,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Field, FieldRef, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType, TimeUnit,
    TimestampMicrosecondType, UInt32Type,
};
use datafusion::common::ScalarValue;

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::io;
use crate::function::numeric::Numeric;
use crate::model::table::PG_TYPE;
use crate::pgtype::interval::Interval;
use crate::pgtype::style::Style;
use crate::pgtype::types::PgType;

/// The Arrow type that holds a type within a plan; times with a zone are marked with the session's.
pub fn data_type(ty: PgType, zone: &str) -> DataType {
    match ty {
        PgType::Bool => DataType::Boolean,
        PgType::Int2 => DataType::Int16,
        PgType::Int4 => DataType::Int32,
        PgType::Int8 => DataType::Int64,
        PgType::Float4 => DataType::Float32,
        PgType::Float8 => DataType::Float64,
        PgType::Numeric | PgType::Bytea | PgType::Uuid => DataType::Binary,
        PgType::Date => DataType::Date32,
        PgType::Time => DataType::Time64(TimeUnit::Microsecond),
        PgType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        PgType::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into())),
        PgType::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
        PgType::Array(element) => DataType::List(item(*element, zone)),
        PgType::Int2vector => DataType::List(item(PgType::Int2, zone)),
        PgType::Oidvector => DataType::List(item(PgType::Oid, zone)),
        oid if oid.is_oid() => DataType::UInt32,
        _ => DataType::Utf8,
    }
}

/// The field of an array's elements.
fn item(element: PgType, zone: &str) -> FieldRef {
    Arc::new(Field::new_list_field(data_type(element, zone), true))
}

/// A column of a result or of a scan, tagged with its type.
pub fn field(name: &str, ty: PgType, zone: &str) -> Field {
    let tag = (PG_TYPE.to_owned(), ty.typname().to_owned());
    Field::new(name, data_type(ty, zone), true).with_metadata([tag].into())
}

/// An array whose cells are read as values of one type.
#[derive(Debug)]
pub struct Reader<'a> {
    array: Cow<'a, ArrayRef>,
    ty: PgType,
}

/// Bytes of a cell of a binary array of any layout.
fn bytes(array: &ArrayRef, row: usize) -> Result<&[u8]> {
    Ok(match array.data_type() {
        DataType::Binary => array.as_binary::<i32>().value(row),
        DataType::BinaryView => array.as_binary_view().value(row),
        DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().value(row),
        other => return Err(Error::internal(format!("no bytes in a column of type {other}"))),
    })
}

fn text(array: &ArrayRef, row: usize) -> Result<&str> {
    Ok(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row),
        DataType::Utf8View => array.as_string_view().value(row),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row),
        other => return Err(Error::internal(format!("no text in a column of type {other}"))),
    })
}

impl<'a> Reader<'a> {
    /// Reads `array` as `ty`.
    ///
    /// # Errors
    /// XX000 for an Arrow type that does not hold it.
    pub fn new(array: &'a ArrayRef, ty: PgType) -> Result<Self> {
        let wanted = data_type(ty, "UTC");
        let have = array.data_type();
        let fits = match (&wanted, have) {
            (_, DataType::Null)
            | (DataType::Utf8, DataType::Utf8View | DataType::LargeUtf8)
            | (DataType::Binary, DataType::BinaryView | DataType::FixedSizeBinary(_))
            | (DataType::List(_), DataType::List(_)) => true,
            (DataType::Timestamp(unit, _), DataType::Timestamp(other, _)) => unit == other,
            (wanted, have) => wanted == have,
        };
        if fits {
            return Ok(Reader { array: Cow::Borrowed(array), ty });
        }
        let converted = cast(array, &wanted)
            .map_err(|fault| Error::internal(format!("{} in a column of type {have}: {fault}", ty.name())))?;
        Ok(Reader { array: Cow::Owned(converted), ty })
    }

    /// One cell.
    ///
    /// # Errors
    /// XX000 for an Arrow type that does not hold the type.
    pub fn get(&self, row: usize) -> Result<Datum<'_>> {
        let array = self.array.as_ref();
        if array.is_null(row) || array.data_type() == &DataType::Null {
            return Ok(Datum::Null);
        }
        Ok(match self.ty {
            PgType::Bool => Datum::Bool(array.as_boolean().value(row)),
            PgType::Int2 => Datum::Int2(array.as_primitive::<Int16Type>().value(row)),
            PgType::Int4 => Datum::Int4(array.as_primitive::<Int32Type>().value(row)),
            PgType::Int8 => Datum::Int8(array.as_primitive::<Int64Type>().value(row)),
            PgType::Float4 => Datum::Float4(array.as_primitive::<Float32Type>().value(row)),
            PgType::Float8 => Datum::Float8(array.as_primitive::<Float64Type>().value(row)),
            PgType::Numeric => Datum::Numeric(Numeric::decode(bytes(array, row)?)),
            PgType::Bytea => Datum::Bytea(Cow::Borrowed(bytes(array, row)?)),
            PgType::Uuid => {
                Datum::Uuid(bytes(array, row)?.try_into().map_err(|_| Error::internal("a uuid that has not 16 bytes"))?)
            }
            PgType::Date => Datum::Date(array.as_primitive::<Date32Type>().value(row)),
            PgType::Time => Datum::Time(array.as_primitive::<Time64MicrosecondType>().value(row)),
            PgType::Timestamp => Datum::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row)),
            PgType::Timestamptz => Datum::Timestamptz(array.as_primitive::<TimestampMicrosecondType>().value(row)),
            PgType::Interval => {
                let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
                let micros = value.nanoseconds / 1_000;
                Datum::Interval(Interval { months: value.months, days: value.days, micros })
            }
            PgType::Jsonb => Datum::Jsonb(Cow::Borrowed(text(array, row)?)),
            PgType::Array(_) | PgType::Int2vector | PgType::Oidvector => {
                let items = array.as_list::<i32>().value(row);
                let element = self.ty.element().unwrap_or(PgType::Text);
                let reader = Reader::new(&items, element)?;
                let items = (0..items.len()).map(|at| reader.get(at).map(Datum::into_owned));
                Datum::Array(items.collect::<Result<_>>()?)
            }
            oid if oid.is_oid() => Datum::Oid(array.as_primitive::<UInt32Type>().value(row)),
            _ => Datum::Text(Cow::Borrowed(text(array, row)?)),
        })
    }
}

/// Makes an array of one type, value by value.
#[derive(Debug)]
pub enum Builder {
    #[expect(missing_docs, reason = "each variant is the builder of that type")]
    Bool(BooleanBuilder),
    #[expect(missing_docs, reason = "each variant is the builder of that type")]
    Int2(Int16Builder),
    #[expect(missing_docs, reason = "each variant is the builder of that type")]
    Int4(Int32Builder),
    #[expect(missing_docs, reason = "each variant is the builder of that type")]
    Int8(Int64Builder),
    #[expect(missing_docs, reason = "each variant is the builder of that type")]
    Oid(UInt32Builder),
    #[expect(missing_docs, reason = "each variant is the builder of that type")]
    Float4(Float32Builder),
    #[expect(missing_docs, reason = "each variant is the builder of that type")]
    Float8(Float64Builder),
    /// `numeric`, `bytea`, `uuid`
    Binary(BinaryBuilder),
    #[expect(missing_docs, reason = "each variant is the builder of that type")]
    Date(Date32Builder),
    #[expect(missing_docs, reason = "each variant is the builder of that type")]
    Time(Time64MicrosecondBuilder),
    /// Both timestamp types
    Timestamp(TimestampMicrosecondBuilder),
    #[expect(missing_docs, reason = "each variant is the builder of that type")]
    Interval(IntervalMonthDayNanoBuilder),
    /// Everything that is text
    Text(StringBuilder),
    /// An array: the elements of all rows, and where each row ends.
    List {
        /// The elements.
        items: Box<Builder>,
        /// Their field.
        field: FieldRef,
        /// How many elements each row has.
        lengths: Vec<usize>,
        /// Which rows are NULL.
        nulls: NullBufferBuilder,
    },
}

impl Builder {
    /// A builder for `rows` values of a type.
    pub fn new(ty: PgType, zone: &str, rows: usize) -> Builder {
        match data_type(ty, zone) {
            DataType::Boolean => Builder::Bool(BooleanBuilder::with_capacity(rows)),
            DataType::Int16 => Builder::Int2(Int16Builder::with_capacity(rows)),
            DataType::Int32 => Builder::Int4(Int32Builder::with_capacity(rows)),
            DataType::Int64 => Builder::Int8(Int64Builder::with_capacity(rows)),
            DataType::UInt32 => Builder::Oid(UInt32Builder::with_capacity(rows)),
            DataType::Float32 => Builder::Float4(Float32Builder::with_capacity(rows)),
            DataType::Float64 => Builder::Float8(Float64Builder::with_capacity(rows)),
            DataType::Binary => Builder::Binary(BinaryBuilder::with_capacity(rows, rows * 8)),
            DataType::Date32 => Builder::Date(Date32Builder::with_capacity(rows)),
            DataType::Time64(_) => Builder::Time(Time64MicrosecondBuilder::with_capacity(rows)),
            timestamp @ DataType::Timestamp(..) => {
                Builder::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(timestamp))
            }
            DataType::Interval(_) => Builder::Interval(IntervalMonthDayNanoBuilder::with_capacity(rows)),
            DataType::List(field) => Builder::List {
                items: Box::new(Builder::new(ty.element().unwrap_or(PgType::Text), zone, rows)),
                field,
                lengths: Vec::with_capacity(rows),
                nulls: NullBufferBuilder::new(rows),
            },
            _ => Builder::Text(StringBuilder::with_capacity(rows, rows * 16)),
        }
    }

    /// Appends a value.
    ///
    /// # Errors
    /// XX000 if the value is not of the builder's type; 22008 for an interval beyond what nanoseconds hold; 54000 for
    /// values of more than 2 GiB together.
    pub fn push(&mut self, value: &Datum<'_>) -> Result<()> {
        match (self, value) {
            (Builder::Bool(builder), Datum::Bool(value)) => builder.append_value(*value),
            (Builder::Int2(builder), Datum::Int2(value)) => builder.append_value(*value),
            (Builder::Int4(builder), Datum::Int4(value)) => builder.append_value(*value),
            (Builder::Int8(builder), Datum::Int8(value)) => builder.append_value(*value),
            (Builder::Oid(builder), Datum::Oid(value)) => builder.append_value(*value),
            (Builder::Float4(builder), Datum::Float4(value)) => builder.append_value(*value),
            (Builder::Float8(builder), Datum::Float8(value)) => builder.append_value(*value),
            (Builder::Binary(builder), Datum::Numeric(value)) => builder.append_value(value.encode()),
            (Builder::Binary(builder), Datum::Bytea(value)) => {
                fits(builder.values_slice().len(), value.len())?;
                builder.append_value(value);
            }
            (Builder::Binary(builder), Datum::Uuid(value)) => builder.append_value(value),
            (Builder::Date(builder), Datum::Date(value)) => builder.append_value(*value),
            (Builder::Time(builder), Datum::Time(value)) => builder.append_value(*value),
            (Builder::Timestamp(builder), Datum::Timestamp(value) | Datum::Timestamptz(value)) => {
                builder.append_value(*value);
            }
            (Builder::Interval(builder), Datum::Interval(value)) => builder.append_value(nanos(value)?),
            (Builder::Text(builder), Datum::Text(value) | Datum::Jsonb(value)) => {
                fits(builder.values_slice().len(), value.len())?;
                builder.append_value(value);
            }
            (Builder::List { items, lengths, nulls, .. }, Datum::Array(values)) => {
                lengths.push(values.len());
                nulls.append_non_null();
                for value in values {
                    items.push(value)?;
                }
            }
            (builder, Datum::Null) => builder.push_null(),
            (_, other) => return Err(Error::internal(format!("a function gave {other:?} for another type"))),
        }
        Ok(())
    }

    fn push_null(&mut self) {
        match self {
            Builder::Bool(builder) => builder.append_null(),
            Builder::Int2(builder) => builder.append_null(),
            Builder::Int4(builder) => builder.append_null(),
            Builder::Int8(builder) => builder.append_null(),
            Builder::Oid(builder) => builder.append_null(),
            Builder::Float4(builder) => builder.append_null(),
            Builder::Float8(builder) => builder.append_null(),
            Builder::Binary(builder) => builder.append_null(),
            Builder::Date(builder) => builder.append_null(),
            Builder::Time(builder) => builder.append_null(),
            Builder::Timestamp(builder) => builder.append_null(),
            Builder::Interval(builder) => builder.append_null(),
            Builder::Text(builder) => builder.append_null(),
            Builder::List { lengths, nulls, .. } => {
                lengths.push(0);
                nulls.append_null();
            }
        }
    }

    /// The array.
    pub fn finish(self) -> ArrayRef {
        match self {
            Builder::Bool(mut builder) => Arc::new(builder.finish()),
            Builder::Int2(mut builder) => Arc::new(builder.finish()),
            Builder::Int4(mut builder) => Arc::new(builder.finish()),
            Builder::Int8(mut builder) => Arc::new(builder.finish()),
            Builder::Oid(mut builder) => Arc::new(builder.finish()),
            Builder::Float4(mut builder) => Arc::new(builder.finish()),
            Builder::Float8(mut builder) => Arc::new(builder.finish()),
            Builder::Binary(mut builder) => Arc::new(builder.finish()),
            Builder::Date(mut builder) => Arc::new(builder.finish()),
            Builder::Time(mut builder) => Arc::new(builder.finish()),
            Builder::Timestamp(mut builder) => Arc::new(builder.finish()),
            Builder::Interval(mut builder) => Arc::new(builder.finish()),
            Builder::Text(mut builder) => Arc::new(builder.finish()),
            Builder::List { items, field, lengths, mut nulls } => {
                let offsets = OffsetBuffer::from_lengths(lengths);
                Arc::new(ListArray::new(field, offsets, items.finish(), nulls.finish()))
            }
        }
    }
}

/// Whether one more value has room in an array.
fn fits(held: usize, more: usize) -> Result<()> {
    match i32::try_from(held.saturating_add(more)) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::new(Kind::ProgramLimit, "the values of a column are too large")
            .detail("Those of the rows that are computed together would exceed 2 GiB.")
            .hint("Ask for shorter values, as by left().")),
    }
}

fn nanos(value: &Interval) -> Result<IntervalMonthDayNano> {
    let range = || Error::new(Kind::DatetimeOverflow, "interval out of range");
    let nanoseconds = value.micros.checked_mul(1_000).ok_or_else(range)?;
    Ok(IntervalMonthDayNano { months: value.months, days: value.days, nanoseconds })
}

/// A value as the engine's constant.
///
/// # Errors
/// As [`Builder::push`].
pub fn scalar(ty: PgType, value: &Datum<'_>, zone: &str) -> Result<ScalarValue> {
    let mut builder = Builder::new(ty, zone, 1);
    builder.push(value)?;
    ScalarValue::try_from_array(&builder.finish(), 0).map_err(|fault| Error::internal(fault.to_string()))
}

/// The engine's constant as a value.
///
/// # Errors
/// XX000 for a constant that is not of the type.
pub fn datum(ty: PgType, value: &ScalarValue) -> Result<Datum<'static>> {
    let array = value.to_array().map_err(|fault| Error::internal(fault.to_string()))?;
    Ok(Reader::new(&array, ty)?.get(0)?.into_owned())
}

/// A parameter's value, as the wire has read it.
///
/// # Errors
/// What the type's input says of a text; 0A000 for an array of more dimensions.
pub fn parameter(ty: PgType, value: &ScalarValue, style: &Style) -> Result<Datum<'static>> {
    if value.is_null() {
        return Ok(Datum::Null);
    }
    match value {
        ScalarValue::Decimal128(Some(unscaled), _, scale) => {
            Ok(Datum::Numeric(Numeric::new(*unscaled, u16::try_from(*scale).unwrap_or(0))))
        }
        ScalarValue::Decimal256(Some(_), ..) => Ok(Datum::Numeric(Numeric::parse(&value.to_string())?)),
        ScalarValue::Utf8(Some(text)) => io::input(ty, text, style),
        ScalarValue::List(list) => {
            let Some(element) = ty.element() else {
                return Err(Error::internal("an array for another type"));
            };
            let items = list.value(0);
            if matches!(items.data_type(), DataType::List(_)) {
                return Err(Error::unsupported("an array of more than one dimension"));
            }
            let item = |at| {
                let item = ScalarValue::try_from_array(&items, at);
                parameter(element, &item.map_err(|fault| Error::internal(fault.to_string()))?, style)
            };
            Ok(Datum::Array((0..items.len()).map(item).collect::<Result<_>>()?))
        }
        value => datum(ty, value),
    }
}

/// An array of NULLs.
pub fn nulls(ty: PgType, zone: &str, rows: usize) -> ArrayRef {
    match ty {
        PgType::Unknown => Arc::new(NullArray::new(rows)),
        ty => new_null_array(&data_type(ty, zone), rows),
    }
}
