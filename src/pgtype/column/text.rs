//! Cells as text.

use bytes::BufMut;
use datafusion::arrow::datatypes::{IntervalDayTime, IntervalMonthDayNano, TimeUnit};

use crate::error::{Error, Kind, Result};
use crate::function::numeric::Numeric;
use crate::pgtype::column::source::Source;
use crate::pgtype::column::{Column, Printer};
use crate::pgtype::datetime::{self, INFINITY, NEG_INFINITY};
use crate::pgtype::interval::Interval;
use crate::pgtype::types::PgType;
use crate::pgtype::{array, bytea, float, numeric, text};

impl Column<'_> {
    /// Appends the text of a cell that is not NULL.
    pub fn put_text(&self, row: usize, printer: &mut Printer, out: &mut Vec<u8>) -> Result<()> {
        match &self.source {
            Source::Utf8(texts, has_zero) => return self.put_str(texts.value(row), *has_zero, out),
            Source::LargeUtf8(texts, has_zero) => return self.put_str(texts.value(row), *has_zero, out),
            Source::Utf8View(texts) => return self.put_str(texts.value(row), true, out),
            Source::Int64(values) => put_int(values[row], out),
            Source::Int32(values) => put_int(values[row], out),
            Source::Float64(values) => float::put_f64(values[row], printer.style.extra_float_digits, out),
            Source::Float32(values) => float::put_f32(values[row], printer.style.extra_float_digits, out),
            Source::Bool(values) => out.put_u8(if values.value(row) { b't' } else { b'f' }),
            Source::Int8(values) if self.pg == PgType::Char => text::put_char(values[row] as u8, out),
            Source::UInt8(values) if self.pg == PgType::Char => text::put_char(values[row], out),
            Source::Int8(values) => put_int(values[row], out),
            Source::Int16(values) => put_int(values[row], out),
            Source::UInt8(values) => put_int(values[row], out),
            Source::UInt16(values) => put_int(values[row], out),
            Source::UInt32(values) => self.put_oid(values[row], out),
            Source::UInt64(values) => put_int(values[row], out),
            Source::Binary(values) => self.put_bytes(values.value(row), printer, out),
            Source::LargeBinary(values) => self.put_bytes(values.value(row), printer, out),
            Source::BinaryView(values) => self.put_bytes(values.value(row), printer, out),
            Source::FixedBinary(values) => self.put_bytes(values.value(row), printer, out),
            Source::Decimal32(values, scale) => put_decimal(i128::from(values[row]), *scale, out),
            Source::Decimal64(values, scale) => put_decimal(i128::from(values[row]), *scale, out),
            Source::Decimal128(values, scale) => put_decimal(values[row], *scale, out),
            Source::Decimal256(values, scale) => numeric::put_text(&values[row].to_string(), i32::from(*scale), out),
            Source::List { .. } => return self.put_list_text(row, printer, out),
            Source::Struct(columns) => return put_record(columns, row, printer, out),
            Source::Dictionary { keys, values } => return values.put_text(keys.get(row), printer, out),
            Source::Null => {}
            _ => return self.put_temporal(row, printer, out),
        }
        Ok(())
    }

    /// A type's number shows its name.
    fn put_oid(&self, oid: u32, out: &mut Vec<u8>) {
        match PgType::from_oid(oid) {
            Some(ty) if self.pg == PgType::Regtype => out.put_slice(ty.name().as_bytes()),
            _ => put_int(oid, out),
        }
    }

    /// Bytes are a `bytea`, or hold a value of another type.
    fn put_bytes(&self, value: &[u8], printer: &Printer, out: &mut Vec<u8>) {
        match self.pg {
            PgType::Uuid => text::put_uuid(value, out),
            PgType::Numeric => out.put_slice(Numeric::decode(value).to_string().as_bytes()),
            _ => bytea::put(value, printer.style.bytea_output, out),
        }
    }

    fn put_str(&self, value: &str, may_have_zero: bool, out: &mut Vec<u8>) -> Result<()> {
        if may_have_zero && value.bytes().any(|byte| byte == 0) {
            return Err(text::zero_byte());
        }
        match value.as_bytes() {
            [first, ..] if self.pg == PgType::Char => text::put_char(*first, out),
            bytes => out.put_slice(bytes),
        }
        Ok(())
    }

    fn put_temporal(&self, row: usize, printer: &mut Printer, out: &mut Vec<u8>) -> Result<()> {
        match &self.source {
            Source::Date32(values) => datetime::put_date(values[row], out),
            Source::Time32(values, unit) => datetime::put_time(time_micros(i64::from(values[row]), *unit), out),
            Source::Time64(values, unit) => datetime::put_time(time_micros(values[row], *unit), out),
            _ => {
                if let Some(micros) = self.timestamp(row)? {
                    let is_zoned = self.pg == PgType::Timestamptz;
                    let offset = is_zoned.then(|| printer.offset_at(micros));
                    datetime::put_timestamp(micros, offset, out);
                } else if let Some(interval) = self.interval(row)? {
                    interval.put(printer.style.interval_style, out);
                }
            }
        }
        Ok(())
    }

    /// The cell as microseconds since 1970-01-01, if the column has timestamps.
    pub(super) fn timestamp(&self, row: usize) -> Result<Option<i64>> {
        let (value, unit) = match &self.source {
            Source::Timestamp(values, unit) => (values[row], *unit),
            Source::Date64(values) => (values[row], TimeUnit::Millisecond),
            _ => return Ok(None),
        };
        if value == INFINITY || value == NEG_INFINITY {
            return Ok(Some(value));
        }
        scaled(value, unit).map(Some).ok_or_else(|| Error::new(Kind::DatetimeOverflow, "timestamp out of range"))
    }

    /// The cell as an interval, if the column has intervals.
    pub(super) fn interval(&self, row: usize) -> Result<Option<Interval>> {
        Ok(Some(match &self.source {
            Source::Months(values) => Interval { months: values[row], ..Interval::default() },
            Source::DayTime(values) => {
                let IntervalDayTime { days, milliseconds } = values[row];
                Interval { months: 0, days, micros: i64::from(milliseconds) * 1_000 }
            }
            Source::MonthDayNano(values) => {
                let IntervalMonthDayNano { months, days, nanoseconds } = values[row];
                Interval { months, days, micros: nanoseconds / 1_000 }
            }
            // The difference of two timestamps, which PostgreSQL gives in days and hours.
            Source::Duration(values, unit) => {
                let micros = scaled(values[row], *unit);
                let overflow = || Error::new(Kind::DatetimeOverflow, "interval out of range");
                Interval::justified(micros.ok_or_else(overflow)?)
            }
            _ => return Ok(None),
        }))
    }

    fn put_list_text(&self, row: usize, printer: &mut Printer, out: &mut Vec<u8>) -> Result<()> {
        let Source::List { ends, values } = &self.source else { return Ok(()) };
        let range = ends.range(row);
        if matches!(self.pg, PgType::Int2vector | PgType::Oidvector) {
            for (index, element) in range.enumerate() {
                if index > 0 {
                    out.put_u8(b' ');
                }
                values.put_text(element, printer, out)?;
            }
            return Ok(());
        }
        let is_nested = matches!(values.source, Source::List { .. });
        // An array of empty arrays is an empty array.
        let is_hollow = is_nested && self.lengths(row).is_some_and(|lengths| lengths.contains(&0));
        let range = if is_hollow { 0..0 } else { range };
        out.put_u8(b'{');
        for (index, element) in range.enumerate() {
            if index > 0 {
                out.put_u8(b',');
            }
            if values.is_null(element) {
                out.put_slice(b"NULL");
                continue;
            }
            let start = out.len();
            values.put_text(element, printer, out)?;
            if !is_nested && !values.is_plain() {
                array::quote(start, out);
            }
        }
        out.put_u8(b'}');
        Ok(())
    }

    /// Whether no value ever needs quotes within an array.
    fn is_plain(&self) -> bool {
        use PgType::{Bool, Float4, Float8, Int2, Int4, Int8, Numeric, Oid, Time};
        matches!(self.pg, Bool | Int2 | Int4 | Int8 | Oid | Float4 | Float8 | Numeric | Time)
    }
}

impl Printer {
    fn offset_at(&mut self, micros: i64) -> i32 {
        match self.style.timezone.constant() {
            Some(east) => east,
            None => self.offsets.offset_at(&self.style.timezone, micros.div_euclid(1_000_000)),
        }
    }
}

fn put_int(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.put_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn put_decimal(unscaled: i128, scale: i8, out: &mut Vec<u8>) {
    numeric::put_text(itoa::Buffer::new().format(unscaled), i32::from(scale), out);
}

fn put_record(columns: &[Column<'_>], row: usize, printer: &mut Printer, out: &mut Vec<u8>) -> Result<()> {
    out.put_u8(b'(');
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            out.put_u8(b',');
        }
        if !column.is_null(row) {
            let start = out.len();
            column.put_text(row, printer, out)?;
            array::quote_field(start, out);
        }
    }
    out.put_u8(b')');
    Ok(())
}

fn scaled(value: i64, unit: TimeUnit) -> Option<i64> {
    match unit {
        TimeUnit::Second => value.checked_mul(1_000_000),
        TimeUnit::Millisecond => value.checked_mul(1_000),
        TimeUnit::Microsecond => Some(value),
        TimeUnit::Nanosecond => Some(value.div_euclid(1_000)),
    }
}

/// A time of day in microseconds; none is so large that it overflows.
pub(super) fn time_micros(value: i64, unit: TimeUnit) -> i64 {
    scaled(value, unit).unwrap_or(0)
}
