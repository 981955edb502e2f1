//! Cells in PostgreSQL's binary form.

use bytes::BufMut;

use crate::error::{Error, Kind, Result};
use crate::function::numeric::Numeric;
use crate::pgtype::calendar::{EPOCH_DAYS, EPOCH_US};
use crate::pgtype::column::source::Source;
use crate::pgtype::column::text::time_micros;
use crate::pgtype::column::{Column, patch_length};
use crate::pgtype::datetime::{INFINITY, NEG_INFINITY};
use crate::pgtype::types::PgType;
use crate::pgtype::{numeric, text};

impl Column<'_> {
    /// Bytes are a `bytea` or a `uuid`, or hold a `numeric`.
    fn put_bytes_binary(&self, value: &[u8], out: &mut Vec<u8>) {
        match self.pg {
            PgType::Numeric => Numeric::decode(value).put_binary(out),
            _ => out.put_slice(value),
        }
    }

    /// Appends the binary form of a cell that is not NULL.
    pub fn put_binary(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        match &self.source {
            Source::Utf8(texts, has_zero) => return self.put_str_binary(texts.value(row), *has_zero, out),
            Source::LargeUtf8(texts, has_zero) => return self.put_str_binary(texts.value(row), *has_zero, out),
            Source::Utf8View(texts) => return self.put_str_binary(texts.value(row), true, out),
            Source::Int64(values) => return self.put_int_binary(i128::from(values[row]), out),
            Source::Int32(values) => return self.put_int_binary(i128::from(values[row]), out),
            Source::Float64(values) => self.put_float_binary(values[row], out),
            Source::Float32(values) if self.pg == PgType::Float4 => out.put_f32(values[row]),
            Source::Float32(values) => self.put_float_binary(f64::from(values[row]), out),
            Source::Bool(values) => out.put_u8(u8::from(values.value(row))),
            Source::Int8(values) if self.pg == PgType::Char => out.put_i8(values[row]),
            Source::UInt8(values) if self.pg == PgType::Char => out.put_u8(values[row]),
            Source::Int8(values) => return self.put_int_binary(i128::from(values[row]), out),
            Source::Int16(values) => return self.put_int_binary(i128::from(values[row]), out),
            Source::UInt8(values) => return self.put_int_binary(i128::from(values[row]), out),
            Source::UInt16(values) => return self.put_int_binary(i128::from(values[row]), out),
            Source::UInt32(values) => return self.put_int_binary(i128::from(values[row]), out),
            Source::UInt64(values) => return self.put_int_binary(i128::from(values[row]), out),
            Source::Binary(values) => self.put_bytes_binary(values.value(row), out),
            Source::LargeBinary(values) => self.put_bytes_binary(values.value(row), out),
            Source::BinaryView(values) => self.put_bytes_binary(values.value(row), out),
            Source::FixedBinary(values) => out.put_slice(values.value(row)),
            Source::Decimal32(values, scale) => put_decimal(i128::from(values[row]), *scale, out),
            Source::Decimal64(values, scale) => put_decimal(i128::from(values[row]), *scale, out),
            Source::Decimal128(values, scale) => put_decimal(values[row], *scale, out),
            Source::Decimal256(values, scale) => numeric::put_binary(&values[row].to_string(), i32::from(*scale), out),
            Source::List { .. } => return self.put_list_binary(row, out),
            Source::Struct(_) => return self.check_binary(),
            Source::Dictionary { keys, values } => return values.put_binary(keys.get(row), out),
            Source::Null => {}
            _ => return self.put_temporal_binary(row, out),
        }
        Ok(())
    }

    fn put_str_binary(&self, value: &str, may_have_zero: bool, out: &mut Vec<u8>) -> Result<()> {
        if may_have_zero && value.bytes().any(|byte| byte == 0) {
            return Err(text::zero_byte());
        }
        match self.pg {
            PgType::Jsonb => {
                out.put_u8(1);
                out.put_slice(value.as_bytes());
            }
            PgType::Uuid => out.put_slice(&text::parse_uuid(value)?),
            PgType::Char => out.put_u8(value.bytes().next().unwrap_or(0)),
            PgType::Numeric => {
                let decimal = numeric::parse(value)?;
                numeric::put_binary(&decimal.unscaled, i32::try_from(decimal.scale).unwrap_or(0), out);
            }
            // The number of a name is in the catalog, which the wire does not know.
            oid if oid.is_oid() => out.put_u32(text::parse_oid(value).map_err(|_| {
                Error::unsupported(format!("the binary form of the {} \"{value}\"", oid.name()))
                    .hint("Cast the column to oid or to text.")
            })?),
            _ => out.put_slice(value.as_bytes()),
        }
        Ok(())
    }

    fn put_int_binary(&self, value: i128, out: &mut Vec<u8>) -> Result<()> {
        let out_of_range = || Error::new(Kind::NumericOutOfRange, format!("{} out of range", self.pg.name()));
        match self.pg {
            PgType::Int2 => out.put_i16(i16::try_from(value).map_err(|_| out_of_range())?),
            PgType::Int4 => out.put_i32(i32::try_from(value).map_err(|_| out_of_range())?),
            PgType::Int8 => out.put_i64(i64::try_from(value).map_err(|_| out_of_range())?),
            PgType::Numeric => put_decimal(value, 0, out),
            _ => out.put_u32(u32::try_from(value).map_err(|_| out_of_range())?),
        }
        Ok(())
    }

    fn put_float_binary(&self, value: f64, out: &mut Vec<u8>) {
        if self.pg == PgType::Float4 {
            out.put_f32(value as f32);
        } else {
            out.put_f64(value);
        }
    }

    fn put_temporal_binary(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        match &self.source {
            Source::Date32(values) => out.put_i32(match values[row] {
                infinite @ (i32::MIN | i32::MAX) => infinite,
                days => days.saturating_sub(EPOCH_DAYS as i32),
            }),
            Source::Time32(values, unit) => out.put_i64(time_micros(i64::from(values[row]), *unit)),
            Source::Time64(values, unit) => out.put_i64(time_micros(values[row], *unit)),
            _ => {
                if let Some(micros) = self.timestamp(row)? {
                    let overflow = || Error::new(Kind::DatetimeOverflow, "timestamp out of range");
                    out.put_i64(match micros {
                        INFINITY | NEG_INFINITY => micros,
                        micros => micros.checked_sub(EPOCH_US).ok_or_else(overflow)?,
                    });
                } else if let Some(interval) = self.interval(row)? {
                    out.put_i64(interval.micros);
                    out.put_i32(interval.days);
                    out.put_i32(interval.months);
                }
            }
        }
        Ok(())
    }

    /// The lengths of an array's dimensions; none if lists of one level differ or one of them is NULL.
    pub(super) fn lengths(&self, row: usize) -> Option<Vec<usize>> {
        let Source::List { ends, values } = &self.source else { return Some(Vec::new()) };
        let range = ends.range(row);
        let mut lengths = vec![range.len()];
        if matches!(values.source, Source::List { .. }) {
            let mut inner = range.map(|element| if values.is_null(element) { None } else { values.lengths(element) });
            let first = inner.next().unwrap_or_else(|| Some(Vec::new()))?;
            if !inner.all(|other| other.as_ref() == Some(&first)) {
                return None;
            }
            lengths.extend(first);
        }
        Some(lengths)
    }

    fn put_list_binary(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        let lengths = self.lengths(row).ok_or_else(|| {
            Error::unsupported("an array whose sub-arrays differ in length")
                .detail("Multidimensional arrays must have sub-arrays with matching dimensions.")
        })?;
        let is_vector = !self.pg.is_array();
        let is_empty = lengths.contains(&0) && !is_vector;
        out.put_i32(if is_empty { 0 } else { lengths.len() as i32 });
        let flags = out.len();
        out.put_i32(0);
        out.put_u32(self.pg.element().unwrap_or(PgType::Text).oid());
        if is_empty {
            return Ok(());
        }
        for length in &lengths {
            let length = i32::try_from(*length);
            out.put_i32(length.map_err(|_| Error::new(Kind::ProgramLimit, "array size exceeds the maximum allowed"))?);
            // The two vector types count from 0.
            out.put_i32(i32::from(!is_vector));
        }
        if self.put_elements(row, out)? {
            out[flags + 3] = 1;
        }
        Ok(())
    }

    /// Appends the elements of a list and of the lists in it; tells whether one is NULL.
    fn put_elements(&self, row: usize, out: &mut Vec<u8>) -> Result<bool> {
        let Source::List { ends, values } = &self.source else { return Ok(false) };
        let mut has_null = false;
        for element in ends.range(row) {
            if matches!(values.source, Source::List { .. }) {
                has_null |= values.put_elements(element, out)?;
            } else if values.is_null(element) {
                has_null = true;
                out.put_i32(-1);
            } else {
                let start = out.len();
                out.put_i32(0);
                values.put_binary(element, out)?;
                patch_length(start, 4, out)?;
            }
        }
        Ok(has_null)
    }
}

fn put_decimal(unscaled: i128, scale: i8, out: &mut Vec<u8>) {
    numeric::put_binary(itoa::Buffer::new().format(unscaled), i32::from(scale), out);
}
