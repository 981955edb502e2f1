//! One JSON value as it stands, and the builders that take it or say why not.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use chrono::DateTime;
use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, StringArray, StringBuilder, TimestampMicrosecondBuilder,
};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{document, time};
use crate::model::table::{Column, Form, From, Type};
use crate::pgtype::jsonb;

/// One value of a row, borrowed from its text where it can be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    /// The row has no such key.
    Absent,
    Null,
    Boolean(bool),
    Integer(i64),
    /// Above the largest i64.
    Unsigned(u64),
    Double(f64),
    Text(Cow<'a, str>),
    Array,
    Object,
    /// Not looked at yet.
    Raw(&'a str),
}

/// Why a value was not taken: what comes after "upstream sent", and whether it ends there.
#[derive(Debug)]
pub(super) enum Refused {
    /// A value of another type: "upstream sent {0} where {type} is expected".
    Type(&'static str),
    /// A value of the type that it cannot hold: "upstream sent {0}".
    Value(String),
}

/// Reads any value into a [`Cell`].
#[derive(Clone, Copy, Debug)]
pub(super) struct AnyCell;

impl<'de> DeserializeSeed<'de> for AnyCell {
    type Value = Cell<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cell<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyCell {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Cell<'de>, E> {
        Ok(Cell::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Cell<'de>, E> {
        Ok(Cell::Boolean(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Cell<'de>, E> {
        Ok(Cell::Integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Cell<'de>, E> {
        Ok(i64::try_from(number).map_or(Cell::Unsigned(number), Cell::Integer))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Cell<'de>, E> {
        Ok(Cell::Double(number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Cell<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Cell<'de>, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Object)
    }
}

impl Cell<'_> {
    /// What it is, for people.
    fn word(&self) -> &'static str {
        match self {
            Cell::Absent => "nothing",
            Cell::Null => "null",
            Cell::Boolean(_) => "a boolean",
            Cell::Integer(_) | Cell::Unsigned(_) | Cell::Double(_) => "a number",
            Cell::Text(_) => "a string",
            Cell::Array => "an array",
            Cell::Object => "an object",
            Cell::Raw(_) => "JSON",
        }
    }
}

/// Takes the values of one column.
#[derive(Debug)]
pub(super) struct Builder {
    nullable: bool,
    /// Stands for a time that the row does not carry.
    default_us: Option<i64>,
    reading: Reading,
    values: Values,
}

/// How the values of a column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// As their type.
    Plain,
    Millis,
    JsonText,
    Inside(&'static [&'static [&'static str]]),
}

impl Reading {
    fn of(column: &Column) -> Self {
        match (column.from, column.form, column.ty) {
            (From::Inside(_, paths), ..) => Reading::Inside(paths),
            (_, Form::EpochMillis, Type::Timestamptz) => Reading::Millis,
            (_, Form::JsonText, Type::Text | Type::Jsonb) => Reading::JsonText,
            _ => Reading::Plain,
        }
    }
}

/// Whether a column takes its value as text, for it may be more than a scalar.
pub(super) fn takes_raw(column: &Column) -> bool {
    column.ty == Type::Jsonb || matches!(Reading::of(column), Reading::JsonText | Reading::Inside(_))
}

#[derive(Debug)]
enum Values {
    Text(StringBuilder),
    Bigint(Int64Builder),
    Double(Float64Builder),
    Boolean(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    Jsonb(StringBuilder),
    /// The same in every row, whatever the row says.
    Constant(Option<String>),
}

impl Builder {
    pub(super) fn new(column: &Column, echoes: &[(&'static str, Option<String>)], window_end_us: i64) -> Self {
        let values = match (column.from, column.ty) {
            (From::FilterOnly | From::Each, _) => {
                let echo = echoes.iter().find(|(name, _)| *name == column.name);
                Values::Constant(echo.and_then(|(_, value)| value.clone()))
            }
            (_, Type::Text) => Values::Text(StringBuilder::new()),
            (_, Type::Bigint) => Values::Bigint(Int64Builder::new()),
            (_, Type::Double) => Values::Double(Float64Builder::new()),
            (_, Type::Boolean) => Values::Boolean(BooleanBuilder::new()),
            (_, Type::Timestamptz) => Values::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            (_, Type::Jsonb) => Values::Jsonb(StringBuilder::new()),
        };
        let default_us = matches!(column.from, From::KeysOrWindowEnd(_)).then_some(window_end_us);
        Builder { nullable: column.nullable, default_us, reading: Reading::of(column), values }
    }

    /// Appends a value.
    pub(super) fn take(&mut self, cell: Cell<'_>) -> Result<(), Refused> {
        match cell {
            Cell::Absent | Cell::Null => self.take_nothing(&cell),
            Cell::Raw("null") => self.take_nothing(&Cell::Null),
            cell if self.reading != Reading::Plain => self.take_formed(cell),
            Cell::Raw(raw) if !matches!(self.values, Values::Jsonb(_)) => self.take(read(raw)?),
            cell => self.take_value(cell),
        }
    }

    /// Appends a value that is not written in the plain way of its type.
    fn take_formed(&mut self, cell: Cell<'_>) -> Result<(), Refused> {
        match (self.reading, &mut self.values, cell) {
            (Reading::Inside(paths), _, Cell::Raw(raw)) => match document::find(raw, paths) {
                Some(text) => self.take_value(Cell::Text(Cow::Owned(text))),
                None => self.take_nothing(&Cell::Null),
            },
            (Reading::JsonText, Values::Jsonb(texts), Cell::Raw(raw)) => {
                let held = document::string(raw).filter(|_| raw.starts_with('"'));
                // What jsonb cannot hold is still a string.
                match held.and_then(|text| jsonb::normalize(&text).ok()) {
                    Some(normal) if normal == "null" => return self.take_nothing(&Cell::Null),
                    Some(normal) => texts.append_value(normal),
                    None => return self.take_value(Cell::Raw(raw)),
                }
                Ok(())
            }
            (Reading::JsonText, Values::Text(_), Cell::Raw(raw)) if !raw.starts_with('"') => {
                self.take_value(Cell::Text(Cow::Borrowed(raw)))
            }
            (Reading::Millis, Values::Time(times), cell) => {
                times.append_value(micros(&scalar(cell)?, Form::EpochMillis)?);
                Ok(())
            }
            (_, _, cell) => self.take_value(scalar(cell)?),
        }
    }

    fn take_nothing(&mut self, cell: &Cell<'_>) -> Result<(), Refused> {
        if let (Some(default), Values::Time(times)) = (self.default_us, &mut self.values) {
            times.append_value(default);
            return Ok(());
        }
        match &mut self.values {
            Values::Constant(_) => {}
            _ if !self.nullable => return Err(Refused::Type(cell.word())),
            Values::Text(texts) | Values::Jsonb(texts) => texts.append_null(),
            Values::Bigint(numbers) => numbers.append_null(),
            Values::Double(numbers) => numbers.append_null(),
            Values::Boolean(truths) => truths.append_null(),
            Values::Time(times) => times.append_null(),
        }
        Ok(())
    }

    fn take_value(&mut self, cell: Cell<'_>) -> Result<(), Refused> {
        match (&mut self.values, cell) {
            (Values::Text(texts), Cell::Text(text)) => {
                if text.as_bytes().contains(&0) {
                    return Err(Refused::Value("the character \\u0000, which text cannot hold".to_owned()));
                }
                texts.append_value(text);
            }
            (Values::Bigint(numbers), cell) => numbers.append_value(integer(&cell)?),
            (Values::Double(numbers), Cell::Integer(number)) => numbers.append_value(number as f64),
            (Values::Double(numbers), Cell::Unsigned(number)) => numbers.append_value(number as f64),
            (Values::Double(numbers), Cell::Double(number)) => numbers.append_value(number),
            (Values::Boolean(truths), Cell::Boolean(truth)) => truths.append_value(truth),
            (Values::Time(times), cell) => times.append_value(micros(&cell, Form::Plain)?),
            (Values::Jsonb(texts), Cell::Raw(raw)) => {
                let normal = jsonb::normalize(raw);
                let normal = normal.map_err(|fault| Refused::Value(format!("{fault}, which jsonb cannot hold")))?;
                texts.append_value(normal);
            }
            (Values::Constant(_), _) => {}
            (_, cell) => return Err(Refused::Type(cell.word())),
        }
        Ok(())
    }

    /// Bytes of text held, which is nearly all that rows weigh.
    pub(super) fn text_bytes(&self) -> usize {
        match &self.values {
            Values::Text(texts) | Values::Jsonb(texts) => texts.values_slice().len(),
            _ => 0,
        }
    }

    /// Gives what was taken, and starts anew.
    pub(super) fn finish(&mut self, rows: usize) -> ArrayRef {
        match &mut self.values {
            Values::Text(texts) | Values::Jsonb(texts) => Arc::new(texts.finish()),
            Values::Bigint(numbers) => Arc::new(numbers.finish()),
            Values::Double(numbers) => Arc::new(numbers.finish()),
            Values::Boolean(truths) => Arc::new(truths.finish()),
            Values::Time(times) => Arc::new(times.finish()),
            Values::Constant(value) => Arc::new(std::iter::repeat_n(value.as_deref(), rows).collect::<StringArray>()),
        }
    }
}

/// An integer, also if it is written as a double (JavaScript and Python do) as long as that is exact.
fn integer(cell: &Cell<'_>) -> Result<i64, Refused> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match cell {
        Cell::Integer(number) => Ok(*number),
        Cell::Double(number) if number.fract() != 0.0 => Err(Refused::Type("a fraction")),
        Cell::Double(number) if number.abs() <= EXACT => Ok(*number as i64),
        Cell::Double(_) | Cell::Unsigned(_) => Err(Refused::Value("a number outside the range of bigint".to_owned())),
        other => Err(Refused::Type(other.word())),
    }
}

/// A time in microseconds since 1970.
fn micros(cell: &Cell<'_>, form: Form) -> Result<i64, Refused> {
    let outside = || Refused::Value("a number outside the range of timestamp with time zone".to_owned());
    match cell {
        Cell::Text(text) => time::micros(text)
            .ok_or_else(|| Refused::Value("text that is not an ISO 8601 time with its offset".to_owned())),
        Cell::Integer(_) | Cell::Unsigned(_) | Cell::Double(_) if form == Form::EpochMillis => {
            let millis = match integer(cell) {
                Err(Refused::Value(_)) => return Err(outside()),
                other => other?,
            };
            let time = DateTime::from_timestamp_millis(millis).ok_or_else(outside)?;
            Ok(time.timestamp_micros())
        }
        other => Err(Refused::Type(other.word())),
    }
}

/// The milliseconds from one time to another.
pub(super) fn between(start_us: i64, end_us: i64) -> f64 {
    // No difference of two i64 leaves i128.
    (i128::from(end_us) - i128::from(start_us)) as f64 / 1_000.0
}

/// The time that a column of another type is reckoned from; `None` if the row has none.
pub(super) fn reckoned(cell: Cell<'_>, form: Form) -> Result<Option<i64>, Refused> {
    let refused = |word| Refused::Value(format!("{word} where {} is expected", Type::Timestamptz.name()));
    match scalar(cell)? {
        Cell::Absent | Cell::Null => Ok(None),
        cell => micros(&cell, form).map(Some).map_err(|fault| match fault {
            Refused::Type(word) => refused(word),
            other => other,
        }),
    }
}

/// Looks at a value that has not been.
fn scalar(cell: Cell<'_>) -> Result<Cell<'_>, Refused> {
    match cell {
        Cell::Raw(raw) => read(raw),
        cell => Ok(cell),
    }
}

/// Reads a value that is known to be JSON.
pub(super) fn read(raw: &str) -> Result<Cell<'_>, Refused> {
    AnyCell.deserialize(&mut serde_json::Deserializer::from_str(raw)).map_err(|_| {
        Refused::Value(if raw.starts_with('"') {
            "text that is not Unicode".to_owned()
        } else {
            "a number outside the range of double precision".to_owned()
        })
    })
}
