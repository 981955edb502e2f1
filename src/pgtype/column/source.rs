//! The Arrow side of a column: which array it is, and which PostgreSQL types it can be written as.

use std::ops::Range;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, LargeBinaryArray,
    LargeStringArray, StringArray, StringViewArray,
};
use datafusion::arrow::datatypes::{
    ArrowDictionaryKeyType, ArrowNativeType, DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type,
    Decimal128Type, Decimal256Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalDayTime,
    IntervalDayTimeType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type, i256,
};

use crate::error::{Error, Result};
use crate::pgtype::column::Column;
use crate::pgtype::types::PgType;

/// An array of known type.
#[derive(Debug)]
pub(super) enum Source<'a> {
    Null,
    Bool(&'a BooleanArray),
    Int8(&'a [i8]),
    Int16(&'a [i16]),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    UInt8(&'a [u8]),
    UInt16(&'a [u16]),
    UInt32(&'a [u32]),
    UInt64(&'a [u64]),
    Float32(&'a [f32]),
    Float64(&'a [f64]),
    /// With each text: whether one may hold a zero byte, which PostgreSQL has no text with.
    Utf8(&'a StringArray, bool),
    LargeUtf8(&'a LargeStringArray, bool),
    Utf8View(&'a StringViewArray),
    Binary(&'a BinaryArray),
    LargeBinary(&'a LargeBinaryArray),
    BinaryView(&'a BinaryViewArray),
    FixedBinary(&'a FixedSizeBinaryArray),
    Date32(&'a [i32]),
    Date64(&'a [i64]),
    Time32(&'a [i32], TimeUnit),
    Time64(&'a [i64], TimeUnit),
    Timestamp(&'a [i64], TimeUnit),
    Months(&'a [i32]),
    DayTime(&'a [IntervalDayTime]),
    MonthDayNano(&'a [IntervalMonthDayNano]),
    Duration(&'a [i64], TimeUnit),
    Decimal32(&'a [i32], i8),
    Decimal64(&'a [i64], i8),
    Decimal128(&'a [i128], i8),
    Decimal256(&'a [i256], i8),
    List {
        ends: Ends<'a>,
        values: Box<Column<'a>>,
    },
    Struct(Vec<Column<'a>>),
    Dictionary {
        keys: Keys<'a>,
        values: Box<Column<'a>>,
    },
}

/// Where each list begins and ends.
#[derive(Debug)]
pub(super) enum Ends<'a> {
    Small(&'a [i32]),
    Large(&'a [i64]),
    Fixed(usize),
}

impl Ends<'_> {
    pub(super) fn range(&self, row: usize) -> Range<usize> {
        match self {
            Ends::Small(offsets) => offsets[row].as_usize()..offsets[row + 1].as_usize(),
            Ends::Large(offsets) => offsets[row].as_usize()..offsets[row + 1].as_usize(),
            Ends::Fixed(length) => row * length..(row + 1) * length,
        }
    }

    /// The values of several rows; the rows must follow each other.
    fn span(&self, rows: &Range<usize>) -> Range<usize> {
        if rows.is_empty() { 0..0 } else { self.range(rows.start).start..self.range(rows.end - 1).end }
    }
}

/// The keys of a dictionary.
#[derive(Debug)]
pub(super) struct Keys<'a> {
    array: &'a dyn Array,
    key: fn(&dyn Array, usize) -> usize,
}

impl Keys<'_> {
    pub(super) fn get(&self, row: usize) -> usize {
        (self.key)(self.array, row)
    }
}

fn key<K: ArrowDictionaryKeyType>(array: &dyn Array, row: usize) -> usize {
    array.as_primitive::<K>().value(row).as_usize()
}

impl<'a> Source<'a> {
    pub(super) fn new(array: &'a dyn Array, pg: PgType, rows: Range<usize>) -> Result<Source<'a>> {
        use DataType as D;
        Ok(match array.data_type() {
            D::Null => Source::Null,
            D::Boolean => Source::Bool(array.as_boolean()),
            D::Int8 => Source::Int8(array.as_primitive::<Int8Type>().values()),
            D::Int16 => Source::Int16(array.as_primitive::<Int16Type>().values()),
            D::Int32 => Source::Int32(array.as_primitive::<Int32Type>().values()),
            D::Int64 => Source::Int64(array.as_primitive::<Int64Type>().values()),
            D::UInt8 => Source::UInt8(array.as_primitive::<UInt8Type>().values()),
            D::UInt16 => Source::UInt16(array.as_primitive::<UInt16Type>().values()),
            D::UInt32 => Source::UInt32(array.as_primitive::<UInt32Type>().values()),
            D::UInt64 => Source::UInt64(array.as_primitive::<UInt64Type>().values()),
            D::Float32 => Source::Float32(array.as_primitive::<Float32Type>().values()),
            D::Float64 => Source::Float64(array.as_primitive::<Float64Type>().values()),
            D::Utf8 => {
                let texts = array.as_string::<i32>();
                let (start, end) = span(texts.value_offsets(), &rows);
                Source::Utf8(texts, has_zero(&texts.value_data()[start..end]))
            }
            D::LargeUtf8 => {
                let texts = array.as_string::<i64>();
                let (start, end) = span(texts.value_offsets(), &rows);
                Source::LargeUtf8(texts, has_zero(&texts.value_data()[start..end]))
            }
            D::Utf8View => Source::Utf8View(array.as_string_view()),
            D::Binary => Source::Binary(array.as_binary()),
            D::LargeBinary => Source::LargeBinary(array.as_binary()),
            D::BinaryView => Source::BinaryView(array.as_binary_view()),
            D::FixedSizeBinary(_) => Source::FixedBinary(array.as_fixed_size_binary()),
            D::Decimal32(_, scale) => Source::Decimal32(array.as_primitive::<Decimal32Type>().values(), *scale),
            D::Decimal64(_, scale) => Source::Decimal64(array.as_primitive::<Decimal64Type>().values(), *scale),
            D::Decimal128(_, scale) => Source::Decimal128(array.as_primitive::<Decimal128Type>().values(), *scale),
            D::Decimal256(_, scale) => Source::Decimal256(array.as_primitive::<Decimal256Type>().values(), *scale),
            D::List(_) | D::LargeList(_) | D::FixedSizeList(..) | D::Struct(_) | D::Dictionary(..) => {
                return Source::nested(array, pg, rows);
            }
            _ => return Source::temporal(array),
        })
    }

    fn temporal(array: &'a dyn Array) -> Result<Source<'a>> {
        use DataType as D;
        use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
        Ok(match array.data_type() {
            D::Date32 => Source::Date32(array.as_primitive::<Date32Type>().values()),
            D::Date64 => Source::Date64(array.as_primitive::<Date64Type>().values()),
            D::Time32(Second) => Source::Time32(array.as_primitive::<Time32SecondType>().values(), Second),
            D::Time32(unit) => Source::Time32(array.as_primitive::<Time32MillisecondType>().values(), *unit),
            D::Time64(Nanosecond) => Source::Time64(array.as_primitive::<Time64NanosecondType>().values(), Nanosecond),
            D::Time64(unit) => Source::Time64(array.as_primitive::<Time64MicrosecondType>().values(), *unit),
            D::Timestamp(unit, _) => {
                let values = match unit {
                    Second => array.as_primitive::<TimestampSecondType>().values(),
                    Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
                    Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
                    Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
                };
                Source::Timestamp(values, *unit)
            }
            D::Interval(IntervalUnit::YearMonth) => {
                Source::Months(array.as_primitive::<IntervalYearMonthType>().values())
            }
            D::Interval(IntervalUnit::DayTime) => Source::DayTime(array.as_primitive::<IntervalDayTimeType>().values()),
            D::Interval(IntervalUnit::MonthDayNano) => {
                Source::MonthDayNano(array.as_primitive::<IntervalMonthDayNanoType>().values())
            }
            D::Duration(unit) => {
                let values = match unit {
                    Second => array.as_primitive::<DurationSecondType>().values(),
                    Millisecond => array.as_primitive::<DurationMillisecondType>().values(),
                    Microsecond => array.as_primitive::<DurationMicrosecondType>().values(),
                    Nanosecond => array.as_primitive::<DurationNanosecondType>().values(),
                };
                Source::Duration(values, *unit)
            }
            other => return Err(Error::unsupported(format!("a column of type {other}"))),
        })
    }

    fn nested(array: &'a dyn Array, pg: PgType, rows: Range<usize>) -> Result<Source<'a>> {
        if let DataType::Dictionary(key_type, _) = array.data_type() {
            let dictionary = array.as_any_dictionary();
            let values = dictionary.values();
            let values = Box::new(Column::new(values, pg, 0..values.len())?);
            return Ok(Source::Dictionary {
                keys: Keys { array: dictionary.keys(), key: key_reader(key_type)? },
                values,
            });
        }
        if let DataType::Struct(fields) = array.data_type() {
            let columns = array.as_struct().columns().iter().zip(fields);
            let columns = columns.map(|(column, field)| Column::new(column, PgType::of(field)?, rows.clone()));
            return Ok(Source::Struct(columns.collect::<Result<_>>()?));
        }
        let (ends, values, field): (_, &'a ArrayRef, &'a Field) = match array.data_type() {
            DataType::List(field) => {
                let list = array.as_list::<i32>();
                (Ends::Small(list.value_offsets()), list.values(), field)
            }
            DataType::LargeList(field) => {
                let list = array.as_list::<i64>();
                (Ends::Large(list.value_offsets()), list.values(), field)
            }
            DataType::FixedSizeList(field, length) => {
                (Ends::Fixed(length.as_usize()), array.as_fixed_size_list().values(), field)
            }
            other => return Err(Error::unsupported(format!("a column of type {other}"))),
        };
        let is_nested =
            matches!(field.data_type(), DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..));
        let element = match pg.element() {
            Some(_) if is_nested => pg,
            Some(element) => element,
            None => PgType::of(field)?,
        };
        let values = Column::new(values, element, ends.span(&rows))?;
        Ok(Source::List { ends, values: Box::new(values) })
    }

    /// Whether values of this source can be written as `pg`, at least as text.
    pub(super) fn suits(&self, pg: PgType) -> bool {
        use PgType as P;
        match self {
            Source::Null | Source::Dictionary { .. } => true,
            Source::Bool(_) => pg == P::Bool,
            Source::Int8(_) | Source::UInt8(_) if pg == P::Char => true,
            Source::Int8(_)
            | Source::Int16(_)
            | Source::Int32(_)
            | Source::Int64(_)
            | Source::UInt8(_)
            | Source::UInt16(_)
            | Source::UInt32(_)
            | Source::UInt64(_) => matches!(pg, P::Int2 | P::Int4 | P::Int8 | P::Numeric) || pg.is_oid(),
            Source::Float32(_) | Source::Float64(_) => matches!(pg, P::Float4 | P::Float8),
            Source::Utf8(..) | Source::LargeUtf8(..) | Source::Utf8View(_) => pg != P::Bool,
            Source::FixedBinary(bytes) if pg == P::Uuid => bytes.value_length() == 16,
            Source::Binary(_) | Source::LargeBinary(_) | Source::BinaryView(_) | Source::FixedBinary(_) => {
                matches!(pg, P::Bytea | P::Numeric | P::Uuid)
            }
            Source::Date32(_) => pg == P::Date,
            Source::Time32(..) | Source::Time64(..) => pg == P::Time,
            Source::Date64(_) | Source::Timestamp(..) => matches!(pg, P::Timestamp | P::Timestamptz),
            Source::Months(_) | Source::DayTime(_) | Source::MonthDayNano(_) | Source::Duration(..) => {
                pg == P::Interval
            }
            Source::Decimal32(..) | Source::Decimal64(..) | Source::Decimal128(..) | Source::Decimal256(..) => {
                pg == P::Numeric
            }
            Source::List { .. } => pg.element().is_some(),
            Source::Struct(_) => pg == P::Record,
        }
    }

    /// Whether the binary form can be made as well.
    pub(super) fn has_binary(&self, pg: PgType) -> bool {
        use PgType as P;
        match self {
            Source::Struct(_) => false,
            Source::List { values, .. } | Source::Dictionary { values, .. } => values.check_binary().is_ok(),
            Source::Utf8(..) | Source::LargeUtf8(..) | Source::Utf8View(_) => {
                pg.is_text() || pg.is_oid() || matches!(pg, P::Jsonb | P::Uuid | P::Char | P::Numeric | P::Void)
            }
            _ => true,
        }
    }
}

fn key_reader(key_type: &DataType) -> Result<fn(&dyn Array, usize) -> usize> {
    Ok(match key_type {
        DataType::Int8 => key::<Int8Type>,
        DataType::Int16 => key::<Int16Type>,
        DataType::Int32 => key::<Int32Type>,
        DataType::Int64 => key::<Int64Type>,
        DataType::UInt8 => key::<UInt8Type>,
        DataType::UInt16 => key::<UInt16Type>,
        DataType::UInt32 => key::<UInt32Type>,
        DataType::UInt64 => key::<UInt64Type>,
        other => return Err(Error::internal(format!("a dictionary with keys of type {other}"))),
    })
}

fn span<O: ArrowNativeType>(offsets: &[O], rows: &Range<usize>) -> (usize, usize) {
    (offsets[rows.start].as_usize(), offsets[rows.end].as_usize())
}

// Chunk by chunk without leaving early within one, which the compiler turns into wide compares.
fn has_zero(bytes: &[u8]) -> bool {
    bytes.chunks(4096).any(|chunk| chunk.iter().fold(false, |found, byte| found | (*byte == 0)))
}
