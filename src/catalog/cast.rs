//! Values to and from text, and from type to type.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};

use super::context::Context;
use super::functions::{object_oid, object_text};
use super::types::{self, Family};
use super::value::Value;
use crate::error::{Error, Kind, Result};

/// Converts a value that is not NULL.
pub(crate) fn cast(value: &Value, from: u32, to: u32, context: &Context<'_>) -> Result<Value> {
    let (from, to) = (types::base(from), types::base(to));
    if value.is_null() || from == to {
        return Ok(value.clone());
    }
    if let Some(element) = types::element(to) {
        return cast_array(value, from, element, to, context);
    }
    match (types::family(to), value) {
        (Family::Text, Value::Text(text)) => Ok(shorten(text, to)),
        (Family::Text | Family::Other | Family::Unknown, _) => match value {
            Value::Text(_) => Ok(value.clone()),
            _ => Ok(shorten(&text(value, from, context), to)),
        },
        (_, Value::Text(text)) => parse(text, to, context),
        (Family::Number, Value::Float(float)) if types::is_integer(to) => {
            Ok(Value::Int(float.round_ties_even() as i64))
        }
        (Family::Number, Value::Int(int)) if !types::is_integer(to) => Ok(Value::Float(*int as f64)),
        (Family::Number, Value::Int(int)) => in_range(*int, to),
        (Family::Number, Value::Bool(bool)) => Ok(Value::Int(i64::from(*bool))),
        (Family::Number, Value::Float(_)) => Ok(value.clone()),
        (Family::Bool, Value::Int(int)) => Ok(Value::Bool(*int != 0)),
        (Family::Time, _) => cast_time(value, to, context),
        _ if types::family(from) == types::family(to) => Ok(value.clone()),
        _ => Err(cannot(from, to)),
    }
}

/// The error for a cast that PostgreSQL does not have either.
pub(crate) fn cannot(from: u32, to: u32) -> Error {
    let name = |oid| types::format(oid, None).unwrap_or_else(|| "record".to_owned());
    Error::new(Kind::DatatypeMismatch, format!("cannot cast type {} to {}", name(from), name(to)))
}

fn shorten(text: &str, to: u32) -> Value {
    match to {
        types::CHAR => Value::text(text.chars().next().map(String::from).unwrap_or_default()),
        types::NAME if text.len() > 63 => Value::text(&text[..text.floor_char_boundary(63)]),
        _ => Value::text(text),
    }
}

fn in_range(int: i64, to: u32) -> Result<Value> {
    let fits = match to {
        types::INT2 => i16::try_from(int).is_ok(),
        types::INT4 => i32::try_from(int).is_ok(),
        types::OID => u32::try_from(int).is_ok() || i32::try_from(int).is_ok(),
        _ => true,
    };
    let name = types::format(to, None).unwrap_or_default();
    if !fits {
        return Err(Error::new(Kind::NumericOutOfRange, format!("{name} out of range")));
    }
    // -1::oid is 4294967295.
    Ok(Value::Int(if to == types::OID { int & 0xffff_ffff } else { int }))
}

fn cast_array(value: &Value, from: u32, element: u32, to: u32, context: &Context<'_>) -> Result<Value> {
    match value {
        Value::Array(array) => {
            let from = types::element(from).unwrap_or(types::UNKNOWN);
            let items: Result<Vec<Value>> = array.items.iter().map(|item| cast(item, from, element, context)).collect();
            Ok(if matches!(to, types::INT2VECTOR | types::OIDVECTOR) {
                Value::vector(items?)
            } else {
                Value::array(items?)
            })
        }
        Value::Text(text) => parse(text, to, context),
        _ => Err(cannot(from, to)),
    }
}

fn cast_time(value: &Value, to: u32, context: &Context<'_>) -> Result<Value> {
    const DAY: i64 = 86_400_000_000;
    let zone = context.session.timezone;
    let micros = match value {
        Value::Date(days) => i64::from(*days) * DAY,
        Value::Timestamp(micros) => *micros,
        Value::Timestamptz(micros) if to == types::TIMESTAMPTZ => return Ok(Value::Timestamptz(*micros)),
        Value::Timestamptz(micros) => local(*micros, zone).and_utc().timestamp_micros(),
        _ => return Err(cannot(types::UNKNOWN, to)),
    };
    Ok(match to {
        types::DATE => Value::Date(i32::try_from(micros.div_euclid(DAY)).unwrap_or_default()),
        types::TIMESTAMP => Value::Timestamp(micros),
        _ => Value::Timestamptz(instant(naive(micros), zone)),
    })
}

fn naive(micros: i64) -> NaiveDateTime {
    DateTime::from_timestamp_micros(micros).unwrap_or_default().naive_utc()
}

fn local(micros: i64, zone: chrono_tz::Tz) -> NaiveDateTime {
    DateTime::from_timestamp_micros(micros).unwrap_or_default().with_timezone(&zone).naive_local()
}

fn instant(time: NaiveDateTime, zone: chrono_tz::Tz) -> i64 {
    // A time that the clock skipped is read with the offset before the change, as PostgreSQL does.
    time.and_local_timezone(zone).earliest().map_or_else(|| time.and_utc().timestamp_micros(), |t| t.timestamp_micros())
}

fn invalid(text: &str, to: u32) -> Error {
    let name = types::format(to, None).unwrap_or_default();
    let kind = if types::family(to) == Family::Time { Kind::InvalidDatetime } else { Kind::InvalidText };
    Error::new(kind, format!("invalid input syntax for type {name}: \"{text}\""))
}

/// Reads a text as a value of a type.
pub(crate) fn parse(text: &str, to: u32, context: &Context<'_>) -> Result<Value> {
    let to = types::base(to);
    let trimmed = text.trim();
    if let Some(element) = types::element(to) {
        return parse_array(text, element, to, context);
    }
    if types::is_reg(to) {
        return object_oid(trimmed, to, context).map(Value::oid);
    }
    match types::family(to) {
        Family::Bool => match trimmed.to_ascii_lowercase().as_str() {
            "t" | "true" | "yes" | "y" | "on" | "1" => Ok(Value::Bool(true)),
            "f" | "false" | "no" | "n" | "off" | "0" => Ok(Value::Bool(false)),
            _ => Err(invalid(text, to)),
        },
        Family::Number if types::is_integer(to) => in_range(trimmed.parse().map_err(|_| invalid(text, to))?, to),
        Family::Number => trimmed.parse().map(Value::Float).map_err(|_| invalid(text, to)),
        Family::Time => parse_time(trimmed, to, context).ok_or_else(|| invalid(text, to)),
        Family::Interval => parse_interval(trimmed).ok_or_else(|| invalid(text, to)),
        Family::Record => Err(Error::unsupported(format!(
            "a literal of type {}",
            types::format(to, None).unwrap_or_else(|| "record".to_owned())
        ))),
        _ => Ok(shorten(text, to)),
    }
}

fn parse_array(text: &str, element: u32, to: u32, context: &Context<'_>) -> Result<Value> {
    if matches!(to, types::INT2VECTOR | types::OIDVECTOR) {
        let items: Result<Vec<Value>> = text.split_whitespace().map(|item| parse(item, element, context)).collect();
        return items.map(Value::vector);
    }
    let malformed = || Error::new(Kind::InvalidText, format!("malformed array literal: \"{text}\""));
    let body = text.trim().strip_prefix('{').and_then(|t| t.strip_suffix('}')).ok_or_else(malformed)?;
    let mut items = Vec::new();
    let mut chars = body.chars().peekable();
    while chars.peek().is_some() {
        let (mut item, mut quoted) = (String::new(), false);
        loop {
            match chars.next() {
                None | Some(',') => break,
                Some('"') => {
                    quoted = true;
                    while let Some(letter) = chars.next().filter(|&c| c != '"') {
                        item.push(if letter == '\\' { chars.next().ok_or_else(malformed)? } else { letter });
                    }
                }
                Some('\\') => item.push(chars.next().ok_or_else(malformed)?),
                Some('{') => return Err(Error::unsupported("an array of several dimensions")),
                Some(letter) => item.push(letter),
            }
        }
        let bare = item.trim();
        items.push(match quoted {
            false if bare.eq_ignore_ascii_case("null") => Value::Null,
            false => parse(bare, element, context)?,
            true => parse(&item, element, context)?,
        });
    }
    Ok(Value::array(items))
}

fn parse_time(text: &str, to: u32, context: &Context<'_>) -> Option<Value> {
    let zone = context.session.timezone;
    if text.eq_ignore_ascii_case("now") {
        return cast_time(&Value::Timestamptz(context.session.now.timestamp_micros()), to, context).ok();
    }
    if text.eq_ignore_ascii_case("epoch") {
        return cast_time(&Value::Timestamptz(0), to, context).ok();
    }
    let with_zone = ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"];
    let without = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let normal = text.strip_suffix('Z').map_or_else(|| text.to_owned(), |head| format!("{head}+00"));
    let time = if let Some(time) = with_zone.iter().find_map(|f| DateTime::parse_from_str(&normal, f).ok()) {
        Value::Timestamptz(time.timestamp_micros())
    } else {
        let time = without
            .iter()
            .find_map(|f| NaiveDateTime::parse_from_str(text, f).ok())
            .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
        if to == types::TIMESTAMPTZ {
            Value::Timestamptz(instant(time, zone))
        } else {
            Value::Timestamp(time.and_utc().timestamp_micros())
        }
    };
    cast_time(&time, to, context).ok()
}

/// Reads `1 day 2 hours`, `-30 minutes`, `01:02:03`.
pub(crate) fn parse_interval(text: &str) -> Option<Value> {
    let (mut months, mut days, mut micros) = (0.0_f64, 0.0_f64, 0.0_f64);
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if word.contains(':') {
            let (sign, clock) = word.strip_prefix('-').map_or((1.0, word), |rest| (-1.0, rest));
            for (part, unit) in clock.split(':').zip([3600e6, 60e6, 1e6]) {
                micros += sign * part.parse::<f64>().ok()? * unit;
            }
            continue;
        }
        let split = word.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(word.len());
        let number: f64 = word[..split].parse().ok()?;
        let unit = if split < word.len() { &word[split..] } else { words.next().unwrap_or("second") };
        match unit.to_ascii_lowercase().trim_end_matches('s') {
            "year" | "y" | "yr" => months += number * 12.0,
            "month" | "mon" => months += number,
            "week" | "w" => days += number * 7.0,
            "day" | "d" => days += number,
            "hour" | "h" | "hr" => micros += number * 3600e6,
            "minute" | "min" | "m" => micros += number * 60e6,
            "second" | "sec" | "" => micros += number * 1e6,
            "millisecond" | "msec" => micros += number * 1e3,
            _ => return None,
        }
    }
    Some(Value::Interval { months: months as i32, days: days as i32, micros: micros as i64 })
}

/// Returns the text of a value that is not NULL, as PostgreSQL's output function gives it.
pub(crate) fn text(value: &Value, of: u32, context: &Context<'_>) -> String {
    let of = types::base(of);
    match value {
        Value::Null => String::new(),
        Value::Bool(bool) => (if *bool { "true" } else { "false" }).to_owned(),
        Value::Int(int) if types::is_reg(of) => object_text(*int, of, context),
        Value::Int(int) => int.to_string(),
        Value::Float(float) => float_text(*float),
        Value::Text(text) => text.as_ref().to_owned(),
        Value::Date(days) => naive(i64::from(*days) * 86_400_000_000).format("%Y-%m-%d").to_string(),
        Value::Timestamp(micros) => time_text(naive(*micros)),
        Value::Timestamptz(micros) => zoned_text(*micros, context.session.timezone),
        Value::Interval { months, days, micros } => interval_text(*months, *days, *micros),
        Value::Array(array) => {
            let element = types::element(of).unwrap_or(types::TEXT);
            let item = |item: &Value| text(item, element, context);
            if matches!(of, types::INT2VECTOR | types::OIDVECTOR) {
                return array.items.iter().map(item).collect::<Vec<_>>().join(" ");
            }
            let items = array
                .items
                .iter()
                .map(|value| if value.is_null() { "NULL".to_owned() } else { array_item(&short(value, item(value))) });
            format!("{{{}}}", items.collect::<Vec<_>>().join(","))
        }
        Value::Record(fields) => {
            let fields = fields.iter().map(|field| record_item(&short(field, text(field, types::TEXT, context))));
            format!("({})", fields.collect::<Vec<_>>().join(","))
        }
    }
}

/// Inside arrays and rows a boolean is `t` or `f`, as everywhere but in a cast to text.
fn short(value: &Value, text: String) -> String {
    if let Value::Bool(bool) = value { (if *bool { "t" } else { "f" }).to_owned() } else { text }
}

fn array_item(text: &str) -> String {
    let plain = !text.is_empty()
        && !text.eq_ignore_ascii_case("null")
        && !text.contains(|c: char| matches!(c, '{' | '}' | ',' | '"' | '\\') || c.is_whitespace());
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) }
}

fn record_item(text: &str) -> String {
    let plain = !text.contains(|c: char| matches!(c, '(' | ')' | ',' | '"' | '\\') || c.is_whitespace());
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\"\"")) }
}

fn float_text(float: f64) -> String {
    if float.is_infinite() {
        return (if float > 0.0 { "Infinity" } else { "-Infinity" }).to_owned();
    }
    let magnitude = float.abs();
    if float != 0.0 && !(1e-4..1e15).contains(&magnitude) {
        let text = format!("{float:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    float.to_string()
}

fn time_text(time: NaiveDateTime) -> String {
    let mut text = time.format("%Y-%m-%d %H:%M:%S").to_string();
    let micros = time.nanosecond() / 1000;
    if micros > 0 {
        text.push_str(format!(".{micros:06}").trim_end_matches('0'));
    }
    if time.year() < 1 { format!("{text} BC") } else { text }
}

fn zoned_text(micros: i64, zone: chrono_tz::Tz) -> String {
    let time = DateTime::from_timestamp_micros(micros).unwrap_or_default().with_timezone(&zone);
    let offset = time.format("%:z").to_string();
    format!("{}{}", time_text(time.naive_local()), offset.strip_suffix(":00").unwrap_or(&offset))
}

fn interval_text(months: i32, days: i32, micros: i64) -> String {
    let mut parts = Vec::new();
    let mut part = |number: i64, unit: &str| {
        if number != 0 {
            parts.push(format!("{number} {unit}{}", if number == 1 { "" } else { "s" }));
        }
    };
    part(i64::from(months / 12), "year");
    part(i64::from(months % 12), "mon");
    part(i64::from(days), "day");
    if micros != 0 || parts.is_empty() {
        let (sign, rest) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
        let seconds = rest / 1_000_000;
        let fraction = rest % 1_000_000;
        let fraction =
            if fraction == 0 { String::new() } else { format!(".{fraction:06}").trim_end_matches('0').to_owned() };
        parts.push(format!("{sign}{:02}:{:02}:{:02}{fraction}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    }
    parts.join(" ")
}

/// Returns the text of a value that needs neither a type nor a session: times in UTC, oids as numbers.
pub(crate) fn plain_text(value: &Value) -> String {
    match value {
        Value::Int(int) => int.to_string(),
        Value::Float(float) => float_text(*float),
        Value::Bool(bool) => bool.to_string(),
        Value::Interval { months, days, micros } => interval_text(*months, *days, *micros),
        Value::Timestamp(micros) => time_text(naive(*micros)),
        Value::Timestamptz(micros) => zoned_text(*micros, chrono_tz::UTC),
        Value::Date(days) => naive(i64::from(*days) * 86_400_000_000).format("%Y-%m-%d").to_string(),
        Value::Text(text) => text.as_ref().to_owned(),
        Value::Array(array) => {
            format!("{{{}}}", array.items.iter().map(|v| array_item(&plain_text(v))).collect::<Vec<_>>().join(","))
        }
        Value::Record(fields) => {
            format!("({})", fields.iter().map(|v| record_item(&short(v, plain_text(v)))).collect::<Vec<_>>().join(","))
        }
        Value::Null => String::new(),
    }
}
