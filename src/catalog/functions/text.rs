//! Functions over text.

use std::fmt::Write;

use super::super::cast;
use super::super::context::Context;
use super::super::types;
use super::super::value::Value;
use super::{Function, int_at, lax, quoted, str_at, strict};
use crate::error::{Error, Kind, Result};
use crate::function::ctype;

pub(super) const FUNCTIONS: &[Function] = &[
    strict("lower", "text", "text", |a, _| Ok(ctype::lower(str_at(a, 0)).into())),
    strict("upper", "text", "text", |a, _| Ok(ctype::upper(str_at(a, 0)).into())),
    strict("initcap", "text", "text", |a, _| Ok(ctype::initcap(str_at(a, 0)).into())),
    strict("length", "text", "int4", |a, _| Ok(length(str_at(a, 0)))),
    strict("char_length", "text", "int4", |a, _| Ok(length(str_at(a, 0)))),
    strict("character_length", "text", "int4", |a, _| Ok(length(str_at(a, 0)))),
    strict("octet_length", "text", "int4", |a, _| Ok(Value::Int(str_at(a, 0).len() as i64))),
    strict("substring", "text int4|text int4 int4", "text", substring),
    strict("substr", "text int4|text int4 int4", "text", substring),
    strict("substring", "text text", "text", substring_regex),
    strict("position", "text text", "int4", |a, _| Ok(position(str_at(a, 0), str_at(a, 1)))),
    strict("strpos", "text text", "int4", |a, _| Ok(position(str_at(a, 0), str_at(a, 1)))),
    strict("replace", "text text text", "text", |a, _| Ok(replace(a))),
    strict("translate", "text text text", "text", |a, _| Ok(translate(a))),
    strict("split_part", "text text int4", "text", |a, _| split_part(a)),
    strict("left", "text int4", "text", |a, _| Ok(left(a))),
    strict("right", "text int4", "text", |a, _| Ok(right(a))),
    strict("btrim", "text|text text", "text", |a, _| Ok(trim(a, true, true))),
    strict("ltrim", "text|text text", "text", |a, _| Ok(trim(a, true, false))),
    strict("rtrim", "text|text text", "text", |a, _| Ok(trim(a, false, true))),
    strict("lpad", "text int4|text int4 text", "text", |a, _| Ok(pad(a, true))),
    strict("rpad", "text int4|text int4 text", "text", |a, _| Ok(pad(a, false))),
    strict("repeat", "text int4", "text", |a, _| repeat(a)),
    strict("reverse", "text", "text", |a, _| Ok(str_at(a, 0).chars().rev().collect::<String>().into())),
    strict("starts_with", "text text", "bool", |a, _| Ok(str_at(a, 0).starts_with(str_at(a, 1)).into())),
    strict("ascii", "text", "int4", |a, _| {
        Ok(Value::Int(str_at(a, 0).chars().next().map_or(0, |c| i64::from(u32::from(c)))))
    }),
    strict("chr", "int4", "text", |a, _| {
        Ok(int_at(a, 0).and_then(|n| char::from_u32(n as u32)).unwrap_or(' ').to_string().into())
    }),
    strict("md5", "text", "text", |_, _| Err(Error::unsupported("md5 in a catalog statement"))),
    strict("regexp_replace", "text text text|text text text text", "text", regexp_replace),
    strict("regexp_match", "text text|text text text", "_text", regexp_match),
    strict("regexp_like", "text text|text text text", "bool", regexp_like),
    strict("regexp_split_to_array", "text text", "_text", regexp_split),
    lax("concat", "any...", "text", concat),
    lax("concat_ws", "text any...", "text", concat_ws),
    strict("quote_ident", "text", "text", |a, _| Ok(quoted(str_at(a, 0)).into())),
    strict("quote_literal", "text", "text", |a, _| Ok(literal(str_at(a, 0)).into())),
    lax("quote_nullable", "text", "text", |a, _| Ok(a[0].as_str().map_or_else(|| "NULL".to_owned(), literal).into())),
    lax("format", "text|text any...", "text", format),
];

fn length(text: &str) -> Value {
    Value::Int(text.chars().count() as i64)
}

fn position(text: &str, part: &str) -> Value {
    Value::Int(text.find(part).map_or(0, |at| text[..at].chars().count() as i64 + 1))
}

fn substring(args: &[Value], _: &Context<'_>) -> Result<Value> {
    let start = int_at(args, 1).unwrap_or(1);
    let end = match int_at(args, 2) {
        Some(n) if n < 0 => {
            return Err(Error::new(Kind::InvalidParameterValue, "negative substring length not allowed"));
        }
        Some(n) => start.saturating_add(n),
        None => i64::MAX,
    };
    let skip = usize::try_from(start.saturating_sub(1)).unwrap_or(0);
    let take = usize::try_from(end.saturating_sub(start.max(1))).unwrap_or(0);
    Ok(str_at(args, 0).chars().skip(skip).take(take).collect::<String>().into())
}

fn substring_regex(args: &[Value], context: &Context<'_>) -> Result<Value> {
    let regex = context.regex(str_at(args, 1), false)?;
    let found = regex.captures(str_at(args, 0)).and_then(|found| found.get(usize::from(found.len() > 1)));
    Ok(found.map_or(Value::Null, |found| found.as_str().into()))
}

fn replace(args: &[Value]) -> Value {
    match str_at(args, 1) {
        "" => args[0].clone(),
        from => str_at(args, 0).replace(from, str_at(args, 2)).into(),
    }
}

fn translate(args: &[Value]) -> Value {
    let to: Vec<char> = str_at(args, 2).chars().collect();
    let mapped = str_at(args, 0).chars().filter_map(|c| match str_at(args, 1).chars().position(|from| from == c) {
        Some(at) => to.get(at).copied(),
        None => Some(c),
    });
    mapped.collect::<String>().into()
}

fn split_part(args: &[Value]) -> Result<Value> {
    let n = int_at(args, 2).unwrap_or(1);
    let parts: Vec<&str> = match str_at(args, 1) {
        "" => vec![str_at(args, 0)],
        separator => str_at(args, 0).split(separator).collect(),
    };
    let index = match n {
        0 => return Err(Error::new(Kind::InvalidParameterValue, "field position must not be zero")),
        n if n > 0 => usize::try_from(n - 1).ok(),
        n => parts.len().checked_sub(usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    Ok(index.and_then(|at| parts.get(at)).copied().unwrap_or_default().into())
}

fn left(args: &[Value]) -> Value {
    let text = str_at(args, 0);
    let n = int_at(args, 1).unwrap_or(0);
    let n = if n < 0 { (text.chars().count() as i64).saturating_add(n) } else { n };
    text.chars().take(usize::try_from(n).unwrap_or(0)).collect::<String>().into()
}

fn right(args: &[Value]) -> Value {
    let text = str_at(args, 0);
    let total = text.chars().count() as i64;
    let n = int_at(args, 1).unwrap_or(0);
    let skip = if n < 0 { n.saturating_neg() } else { total - n };
    text.chars().skip(usize::try_from(skip).unwrap_or(0)).collect::<String>().into()
}

fn trim(args: &[Value], start: bool, end: bool) -> Value {
    let set = args.get(1).and_then(Value::as_str).unwrap_or(" ");
    let mut text = str_at(args, 0);
    if start {
        text = text.trim_start_matches(|c| set.contains(c));
    }
    if end {
        text = text.trim_end_matches(|c| set.contains(c));
    }
    text.into()
}

fn pad(args: &[Value], at_left: bool) -> Value {
    let text = str_at(args, 0);
    let width = usize::try_from(int_at(args, 1).unwrap_or(0)).unwrap_or(0).min(1 << 20);
    let fill = args.get(2).and_then(Value::as_str).unwrap_or(" ");
    let n = text.chars().count();
    if n >= width || fill.is_empty() {
        return text.chars().take(width).collect::<String>().into();
    }
    let padding: String = fill.chars().cycle().take(width - n).collect();
    (if at_left { padding + text } else { text.to_owned() + &padding }).into()
}

fn repeat(args: &[Value]) -> Result<Value> {
    let n = usize::try_from(int_at(args, 1).unwrap_or(0)).unwrap_or(0);
    if n.saturating_mul(str_at(args, 0).len()) > 1 << 24 {
        return Err(Error::new(Kind::ConfigurationLimit, "requested length too large"));
    }
    Ok(str_at(args, 0).repeat(n).into())
}

fn regexp_replace(args: &[Value], context: &Context<'_>) -> Result<Value> {
    let flags = str_at(args, 3);
    let regex = context.regex(str_at(args, 1), flags.contains('i'))?;
    // PostgreSQL writes \1 and \& where the regex crate has ${1} and ${0}.
    let mut with = String::new();
    let mut chars = str_at(args, 2).chars();
    while let Some(c) = chars.next() {
        match c {
            '$' => with.push_str("$$"),
            '\\' => match chars.next() {
                Some('&') => with.push_str("${0}"),
                Some(digit) if digit.is_ascii_digit() => with.extend(["${", &digit.to_string(), "}"]),
                Some(other) => with.push(other),
                None => with.push('\\'),
            },
            c => with.push(c),
        }
    }
    let limit = usize::from(!flags.contains('g'));
    Ok(regex.replacen(str_at(args, 0), limit, with.as_str()).as_ref().into())
}

fn regexp_match(args: &[Value], context: &Context<'_>) -> Result<Value> {
    let regex = context.regex(str_at(args, 1), str_at(args, 2).contains('i'))?;
    Ok(regex.captures(str_at(args, 0)).map_or(Value::Null, |found| {
        let from = usize::from(found.len() > 1);
        Value::array(found.iter().skip(from).map(|part| part.map_or(Value::Null, |p| p.as_str().into())).collect())
    }))
}

fn regexp_like(args: &[Value], context: &Context<'_>) -> Result<Value> {
    let regex = context.regex(str_at(args, 1), str_at(args, 2).contains('i'))?;
    Ok(regex.is_match(str_at(args, 0)).into())
}

fn regexp_split(args: &[Value], context: &Context<'_>) -> Result<Value> {
    let regex = context.regex(str_at(args, 1), false)?;
    Ok(Value::array(regex.split(str_at(args, 0)).map(Value::from).collect()))
}

fn plain(value: &Value, context: &Context<'_>) -> String {
    // concat() writes booleans as their output function does: t and f.
    match value {
        Value::Bool(bool) => (if *bool { "t" } else { "f" }).to_owned(),
        _ => cast::text(value, types::UNKNOWN, context),
    }
}

fn concat(args: &[Value], context: &Context<'_>) -> Result<Value> {
    Ok(args.iter().map(|value| plain(value, context)).collect::<String>().into())
}

fn concat_ws(args: &[Value], context: &Context<'_>) -> Result<Value> {
    let Some(separator) = args[0].as_str() else { return Ok(Value::Null) };
    let parts: Vec<String> = args[1..].iter().filter(|v| !v.is_null()).map(|v| plain(v, context)).collect();
    Ok(parts.join(separator).into())
}

/// Returns a text as an SQL literal.
pub(crate) fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

fn format(args: &[Value], context: &Context<'_>) -> Result<Value> {
    let Some(pattern) = args[0].as_str() else { return Ok(Value::Null) };
    let wrong = |message: &str| Error::new(Kind::InvalidParameterValue, message);
    let (mut result, mut next) = (String::new(), 1);
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            result.push(c);
            continue;
        }
        if chars.next_if_eq(&'%').is_some() {
            result.push('%');
            continue;
        }
        let mut number = String::new();
        while let Some(digit) = chars.next_if(char::is_ascii_digit) {
            number.push(digit);
        }
        if chars.next_if_eq(&'$').is_some() {
            next =
                number.parse().map_err(|_| wrong("format specifies argument 0, but arguments are numbered from 1"))?;
            number.clear();
        }
        let value = args.get(next).ok_or_else(|| wrong("too few arguments for format()"))?;
        next += 1;
        let text = match chars.next() {
            Some('s') => plain(value, context),
            Some('I') if value.is_null() => return Err(wrong("null values cannot be formatted as an SQL identifier")),
            Some('I') => quoted(&plain(value, context)),
            Some('L') if value.is_null() => "NULL".to_owned(),
            Some('L') => literal(&plain(value, context)),
            other => return Err(wrong(&format!("unrecognized format() type specifier \"{}\"", other.unwrap_or(' ')))),
        };
        let width = number.parse().unwrap_or(0);
        write!(result, "{text:>width$}").map_err(|_| Error::internal("cannot write to a string"))?;
    }
    Ok(result.into())
}

/// Whether a text matches a LIKE pattern.
pub(crate) fn like(text: &str, pattern: &str, escape: Option<char>, ignore_case: bool) -> Result<bool> {
    enum Part {
        Any,
        One,
        Letter(char),
    }
    let fold = |text: &str| if ignore_case { text.to_lowercase() } else { text.to_owned() };
    let mut parts = Vec::new();
    let pattern = fold(pattern);
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        parts.push(match c {
            c if Some(c) == escape => Part::Letter(chars.next().ok_or_else(|| {
                Error::new(Kind::InvalidParameterValue, "LIKE pattern must not end with escape character")
            })?),
            '%' => Part::Any,
            '_' => Part::One,
            c => Part::Letter(c),
        });
    }
    let text: Vec<char> = fold(text).chars().collect();
    let (mut at, mut part, mut back) = (0, 0, None);
    while at < text.len() {
        match parts.get(part) {
            Some(Part::Any) => {
                back = Some((at, part));
                part += 1;
            }
            Some(Part::One) => (at, part) = (at + 1, part + 1),
            Some(Part::Letter(c)) if *c == text[at] => (at, part) = (at + 1, part + 1),
            _ => {
                let Some((from, any)) = back else { return Ok(false) };
                back = Some((from + 1, any));
                (at, part) = (from + 1, any + 1);
            }
        }
    }
    Ok(parts[part..].iter().all(|part| matches!(part, Part::Any)))
}
