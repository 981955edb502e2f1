//! One value of a PostgreSQL type.

use std::borrow::Cow;

use crate::function::numeric::Numeric;
use crate::pgtype::interval::Interval;

/// One value. Which type it has stands beside it; types that differ in name only share a variant.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum<'a> {
    /// SQL NULL.
    Null,
    /// `boolean`
    Bool(bool),
    /// `smallint`
    Int2(i16),
    /// `integer`
    Int4(i32),
    /// `bigint`
    Int8(i64),
    /// `oid` and the `reg…` types
    Oid(u32),
    /// `real`
    Float4(f32),
    /// `double precision`
    Float8(f64),
    /// `numeric`
    Numeric(Numeric),
    /// `text`, `varchar`, `bpchar`, `name`, `"char"`, `json`, `unknown`
    Text(Cow<'a, str>),
    /// `bytea`
    Bytea(Cow<'a, [u8]>),
    /// `uuid`
    Uuid([u8; 16]),
    /// `jsonb`, as [`crate::pgtype::jsonb::normalize`] makes it
    Jsonb(Cow<'a, str>),
    /// `date`: days since 1970-01-01; `i32::MAX` and `i32::MIN` are the infinities
    Date(i32),
    /// `time`: microseconds since midnight
    Time(i64),
    /// `timestamp`: microseconds since 1970-01-01; `i64::MAX` and `i64::MIN` are the infinities
    Timestamp(i64),
    /// `timestamptz`: microseconds since 1970-01-01 UTC; the infinities as for `timestamp`
    Timestamptz(i64),
    /// `interval`
    Interval(Interval),
    /// An array of one dimension, or of none if it is empty; subscripts start at 1.
    Array(Vec<Datum<'a>>),
    /// A row.
    Record(Vec<Datum<'a>>),
}

impl Datum<'_> {
    /// Makes a text that owns its letters.
    pub fn text(text: impl Into<String>) -> Datum<'static> {
        Datum::Text(Cow::Owned(text.into()))
    }

    /// Makes a `jsonb` out of a text that is normalised already.
    pub fn jsonb(text: impl Into<String>) -> Datum<'static> {
        Datum::Jsonb(Cow::Owned(text.into()))
    }

    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Datum::Null)
    }

    /// The same value, borrowing nothing.
    pub fn into_owned(self) -> Datum<'static> {
        match self {
            Datum::Null => Datum::Null,
            Datum::Bool(value) => Datum::Bool(value),
            Datum::Int2(value) => Datum::Int2(value),
            Datum::Int4(value) => Datum::Int4(value),
            Datum::Int8(value) => Datum::Int8(value),
            Datum::Oid(value) => Datum::Oid(value),
            Datum::Float4(value) => Datum::Float4(value),
            Datum::Float8(value) => Datum::Float8(value),
            Datum::Numeric(value) => Datum::Numeric(value),
            Datum::Text(value) => Datum::Text(Cow::Owned(value.into_owned())),
            Datum::Bytea(value) => Datum::Bytea(Cow::Owned(value.into_owned())),
            Datum::Uuid(value) => Datum::Uuid(value),
            Datum::Jsonb(value) => Datum::Jsonb(Cow::Owned(value.into_owned())),
            Datum::Date(value) => Datum::Date(value),
            Datum::Time(value) => Datum::Time(value),
            Datum::Timestamp(value) => Datum::Timestamp(value),
            Datum::Timestamptz(value) => Datum::Timestamptz(value),
            Datum::Interval(value) => Datum::Interval(value),
            Datum::Array(items) => Datum::Array(items.into_iter().map(Datum::into_owned).collect()),
            Datum::Record(items) => Datum::Record(items.into_iter().map(Datum::into_owned).collect()),
        }
    }
}
