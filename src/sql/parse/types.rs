//! Names of types with their modifiers and array bounds.

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, Expr, GeometricTypeKind, Ident, IntervalFields,
    ObjectName, TimezoneInfo,
};

use super::cursor::Parser;
use super::lexer::Tok;
use crate::error::{Error, Kind, Result};

impl Parser<'_> {
    /// A type, with brackets behind it or without.
    pub(super) fn type_name(&mut self) -> Result<DataType> {
        if self.is("setof") {
            return Err(Error::unsupported("SETOF in an expression"));
        }
        let mut data_type = self.simple_type()?;
        if self.accept("array") {
            let size = self.accept_mark("[").then(|| self.integer()).transpose()?;
            if size.is_some() {
                self.expect_mark("]")?;
            }
            return Ok(array_of(data_type, size));
        }
        while self.accept_mark("[") {
            let size = if self.is_mark("]") { None } else { Some(self.integer()?) };
            self.expect_mark("]")?;
            data_type = array_of(data_type, size);
        }
        Ok(data_type)
    }

    /// A type without brackets.
    pub(super) fn simple_type(&mut self) -> Result<DataType> {
        let Tok::Key(key) = self.tok() else { return self.generic_type() };
        let word = key.word;
        let position = self.position();
        let known = match word {
            "int" => DataType::Int(None),
            "integer" => DataType::Integer(None),
            "smallint" => DataType::SmallInt(None),
            "bigint" => DataType::BigInt(None),
            "real" => DataType::Real,
            "boolean" => DataType::Boolean,
            "double" if self.is_ahead(1, "precision") => {
                self.advance();
                DataType::DoublePrecision
            }
            "float" => {
                self.advance();
                return float(self.optional_length()?, position);
            }
            "decimal" | "dec" | "numeric" => {
                self.advance();
                return self.numeric(word);
            }
            "bit" => {
                self.advance();
                let varying = self.accept("varying");
                let length = self.bit_length()?;
                return Ok(if varying { DataType::BitVarying(length) } else { DataType::Bit(length) });
            }
            "national" => {
                self.advance();
                if !self.is_any(&["character", "char"]) {
                    return Err(self.unexpected());
                }
                return self.character();
            }
            "character" | "char" | "varchar" | "nchar" => return self.character(),
            "time" | "timestamp" => {
                self.advance();
                let precision = self.optional_length()?;
                let zone = self.zone()?;
                return Ok(match word {
                    "time" => DataType::Time(precision, zone),
                    _ => DataType::Timestamp(precision, zone),
                });
            }
            "interval" => {
                self.advance();
                return self.interval_type();
            }
            _ => return self.generic_type(),
        };
        self.advance();
        Ok(known)
    }

    fn zone(&mut self) -> Result<TimezoneInfo> {
        let zone = match self.tok() {
            Tok::Key(key) if key.word == "with" && self.is_ahead(1, "time") => TimezoneInfo::WithTimeZone,
            Tok::Key(key) if key.word == "without" => TimezoneInfo::WithoutTimeZone,
            _ => return Ok(TimezoneInfo::None),
        };
        self.advance();
        self.expect("time")?;
        self.expect("zone")?;
        Ok(zone)
    }

    fn character(&mut self) -> Result<DataType> {
        let is_varchar = self.is("varchar");
        let is_long = self.is("character");
        self.advance();
        let varying = !is_varchar && self.accept("varying");
        let length = self.optional_length()?.map(|length| CharacterLength::IntegerLength { length, unit: None });
        Ok(match (is_varchar, is_long, varying) {
            (true, ..) => DataType::Varchar(length),
            (_, true, true) => DataType::CharacterVarying(length),
            (_, true, false) => DataType::Character(length),
            (_, false, true) => DataType::CharVarying(length),
            (_, false, false) => DataType::Char(length),
        })
    }

    fn bit_length(&mut self) -> Result<Option<u64>> {
        let position = self.position();
        let Some(modifiers) = self.modifiers()? else { return Ok(None) };
        match modifiers.as_slice() {
            [one] => match one.parse() {
                Ok(length) => Ok(Some(length)),
                Err(_) => Err(Error::new(Kind::InvalidParameterValue, "invalid type modifier").position(position)),
            },
            _ => Err(Error::new(Kind::InvalidParameterValue, "invalid type modifier").position(position)),
        }
    }

    /// Expressions in parentheses behind a type, as text.
    fn modifiers(&mut self) -> Result<Option<Vec<String>>> {
        if !self.accept_mark("(") {
            return Ok(None);
        }
        let list = self.exprs()?;
        self.expect_mark(")")?;
        Ok(Some(list.iter().map(Expr::to_string).collect()))
    }

    fn numeric(&mut self, word: &str) -> Result<DataType> {
        let modifiers = self.modifiers()?.unwrap_or_default();
        let info = match modifiers.as_slice() {
            [] => Some(ExactNumberInfo::None),
            [precision] => precision.parse().ok().map(ExactNumberInfo::Precision),
            [precision, scale] => match (precision.parse(), scale.parse()) {
                (Ok(precision), Ok(scale)) => Some(ExactNumberInfo::PrecisionAndScale(precision, scale)),
                _ => None,
            },
            _ => None,
        };
        Ok(match (info, word) {
            (Some(info), "decimal") => DataType::Decimal(info),
            (Some(info), "dec") => DataType::Dec(info),
            (Some(info), _) => DataType::Numeric(info),
            (None, _) => DataType::Custom(ObjectName::from(vec![Ident::new("numeric")]), modifiers),
        })
    }

    fn interval_type(&mut self) -> Result<DataType> {
        if let Some(precision) = self.optional_length()? {
            return Ok(DataType::Interval { fields: None, precision: Some(precision) });
        }
        let Some((first, last, precision)) = self.interval_fields()? else {
            return Ok(DataType::Interval { fields: None, precision: None });
        };
        let fields = match (first, last) {
            ("year", Some(_)) => IntervalFields::YearToMonth,
            ("year", None) => IntervalFields::Year,
            ("month", _) => IntervalFields::Month,
            ("day", Some("hour")) => IntervalFields::DayToHour,
            ("day", Some("minute")) => IntervalFields::DayToMinute,
            ("day", Some(_)) => IntervalFields::DayToSecond,
            ("day", None) => IntervalFields::Day,
            ("hour", Some("minute")) => IntervalFields::HourToMinute,
            ("hour", Some(_)) => IntervalFields::HourToSecond,
            ("hour", None) => IntervalFields::Hour,
            ("minute", Some(_)) => IntervalFields::MinuteToSecond,
            ("minute", None) => IntervalFields::Minute,
            _ => IntervalFields::Second,
        };
        Ok(DataType::Interval { fields: Some(fields), precision })
    }

    fn generic_type(&mut self) -> Result<DataType> {
        let mut names = vec![self.function_name()?];
        while self.accept_mark(".") {
            names.push(self.label()?);
        }
        let modifiers = self.modifiers()?.unwrap_or_default();
        self.data_type_named(&names, &modifiers)
    }

    /// The type with a name. Those of `pg_catalog` that the syntax tree knows are named without it.
    pub(super) fn data_type_named(&mut self, names: &[Ident], modifiers: &[String]) -> Result<DataType> {
        let custom = || DataType::Custom(ObjectName::from(names.to_vec()), modifiers.to_vec());
        let [name] = names else { return Ok(custom()) };
        let length = match modifiers {
            [] => None,
            [one] => match one.parse::<u64>() {
                Ok(length) => Some(length),
                Err(_) => return Ok(custom()),
            },
            _ => return Ok(custom()),
        };
        let known = match name.value.as_str() {
            "timestamptz" => return Ok(DataType::Timestamp(length, TimezoneInfo::Tz)),
            "timetz" => return Ok(DataType::Time(length, TimezoneInfo::Tz)),
            "varbit" => return Ok(DataType::VarBit(length)),
            _ if length.is_some() => return Ok(custom()),
            "bool" => DataType::Bool,
            "int2" => DataType::Int2(None),
            "int4" => DataType::Int4(None),
            "int8" => DataType::Int8(None),
            "float4" => DataType::Float4,
            "float8" => DataType::Float8,
            "text" => DataType::Text,
            "bytea" => DataType::Bytea,
            "uuid" => DataType::Uuid,
            "json" => DataType::JSON,
            "jsonb" => DataType::JSONB,
            "regclass" => DataType::Regclass,
            "date" => DataType::Date,
            "tsvector" => DataType::TsVector,
            "tsquery" => DataType::TsQuery,
            "point" => DataType::GeometricType(GeometricTypeKind::Point),
            "line" => DataType::GeometricType(GeometricTypeKind::Line),
            "lseg" => DataType::GeometricType(GeometricTypeKind::LineSegment),
            "box" => DataType::GeometricType(GeometricTypeKind::GeometricBox),
            "path" => DataType::GeometricType(GeometricTypeKind::GeometricPath),
            "polygon" => DataType::GeometricType(GeometricTypeKind::Polygon),
            "circle" => DataType::GeometricType(GeometricTypeKind::Circle),
            _ => custom(),
        };
        Ok(known)
    }
}

fn array_of(data_type: DataType, size: Option<u64>) -> DataType {
    DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(data_type), size))
}

fn float(bits: Option<u64>, position: usize) -> Result<DataType> {
    let refuse = |message: &str| Err(Error::new(Kind::InvalidParameterValue, message).position(position));
    match bits {
        None => Ok(DataType::Float(ExactNumberInfo::None)),
        Some(0) => refuse("precision for type float must be at least 1 bit"),
        Some(bits @ 1..=53) => Ok(DataType::Float(ExactNumberInfo::Precision(bits))),
        Some(_) => refuse("precision for type float must be less than 54 bits"),
    }
}
