//! Values of settings: what is taken, in which form it is kept, and how it is shown.

use std::time::Duration;

use super::table::{Setting, Type};
use crate::error::{Error, Kind, Result};
use crate::pgtype::zone::Zone;

/// Checks the values of a SET and brings them into the form that is kept.
pub(super) fn check(setting: &Setting, values: &[String]) -> Result<String> {
    let joined = values.join(", ");
    let single = match values {
        [one] => one.as_str(),
        _ if matches!(setting.ty, Type::Path | Type::DateStyle) => joined.as_str(),
        _ => return Err(one_value_only(setting.name)),
    };
    let kept = match setting.ty {
        Type::Text => Some(single.to_owned()),
        Type::Bool => return boolean(setting.name, values),
        Type::Integer(low, high) => {
            let number = single.trim().parse::<i64>().ok();
            if let Some(number) = number.filter(|number| !(low..=high).contains(number)) {
                let message =
                    format!("{number} is outside the valid range for parameter \"{}\" ({low} .. {high})", setting.name);
                return Err(Error::new(Kind::InvalidParameterValue, message));
            }
            number.map(|number| number.to_string())
        }
        Type::Real => single.trim().parse::<f64>().ok().map(|_| single.trim().to_owned()),
        Type::Millis => millis(single).map(|millis| millis.to_string()),
        Type::Age => age(single).map(|millis| millis.to_string()),
        Type::Kilobytes => kilobytes(single).map(|kilobytes| kilobytes.to_string()),
        Type::Enum(words) => words.iter().find(|word| word.eq_ignore_ascii_case(single)).map(|word| (*word).to_owned()),
        Type::Zone => zone(single),
        Type::Path => Some(values.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(", ")),
        Type::DateStyle => return date_style(&joined),
        Type::Encoding => encoding(single).map(str::to_owned),
        Type::Span => (single.is_empty() || span(single).is_some()).then(|| single.to_owned()),
    };
    kept.ok_or_else(|| invalid(setting, single))
}

/// Checks the value of a setting that is on or off.
pub(super) fn boolean(name: &str, values: &[String]) -> Result<String> {
    let [single] = values else { return Err(one_value_only(name)) };
    match truth(single) {
        Some(truth) => Ok(if truth { "on" } else { "off" }.to_owned()),
        None => {
            let message = format!("parameter \"{name}\" requires a Boolean value");
            Err(Error::new(Kind::InvalidParameterValue, message))
        }
    }
}

fn one_value_only(name: &str) -> Error {
    Error::new(Kind::InvalidParameterValue, format!("SET {name} takes only one argument"))
}

fn invalid(setting: &Setting, value: &str) -> Error {
    let message = format!("invalid value for parameter \"{}\": \"{value}\"", setting.name);
    let error = Error::new(Kind::InvalidParameterValue, message);
    match setting.ty {
        Type::Enum(words) => error.hint(format!("Available values: {}.", words.join(", "))),
        Type::Millis => {
            error.hint("Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".")
        }
        Type::Kilobytes => error.hint("Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\"."),
        Type::Encoding => error.hint("The gateway speaks UTF8 only."),
        Type::Age => error.hint("Write an age such as '30s', '5 min' or '1 day'."),
        Type::Span => error.hint("Write a span such as '30 days' or '12h'."),
        _ => error,
    }
}

/// The value as SHOW has it.
pub(super) fn show(ty: Type, kept: &str) -> String {
    let with_unit = |units: &[(i64, &str)]| match kept.parse::<i64>() {
        Ok(0) | Err(_) => kept.to_owned(),
        Ok(number) => {
            let unit = units.iter().find(|(size, _)| number % size == 0);
            unit.map_or_else(|| kept.to_owned(), |(size, unit)| format!("{}{unit}", number / size))
        }
    };
    match ty {
        Type::Millis | Type::Age => {
            with_unit(&[(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms")])
        }
        Type::Kilobytes => with_unit(&[(1 << 30, "TB"), (1 << 20, "GB"), (1 << 10, "MB"), (1, "kB")]),
        _ => kept.to_owned(),
    }
}

fn truth(text: &str) -> Option<bool> {
    let text = text.trim().to_lowercase();
    let is_prefix = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if text == "1" || is_prefix("on", 2) || is_prefix("true", 1) || is_prefix("yes", 1) {
        return Some(true);
    }
    (text == "0" || is_prefix("off", 2) || is_prefix("false", 1) || is_prefix("no", 1)).then_some(false)
}

fn scaled(text: &str, units: &[(&str, f64)]) -> Option<i64> {
    let text = text.trim();
    let split = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let number: f64 = text[..split].trim().parse().ok()?;
    let unit = text[split..].trim();
    let scale = if unit.is_empty() { 1.0 } else { units.iter().find(|(name, _)| *name == unit)?.1 };
    let value = (number * scale).round();
    (0.0..=f64::from(i32::MAX)).contains(&value).then_some(value as i64)
}

fn millis(text: &str) -> Option<i64> {
    scaled(text, &[("us", 1e-3), ("ms", 1.0), ("s", 1e3), ("min", 6e4), ("h", 3.6e6), ("d", 8.64e7)])
}

/// As other settings write a length of time, or in words.
fn age(text: &str) -> Option<i64> {
    let words = || i64::try_from(humantime::parse_duration(text.trim()).ok()?.as_millis()).ok();
    millis(text).or_else(|| words().filter(|millis| *millis <= i64::from(i32::MAX)))
}

fn kilobytes(text: &str) -> Option<i64> {
    scaled(text, &[("B", 1.0 / 1024.0), ("kB", 1.0), ("MB", 1024.0), ("GB", 1_048_576.0), ("TB", 1_073_741_824.0)])
}

/// A span of time: humantime's words, or PostgreSQL's plural ones, which humantime also knows.
pub(super) fn span(text: &str) -> Option<Duration> {
    humantime::parse_duration(text.trim()).ok().filter(|span| !span.is_zero())
}

/// A zone under PostgreSQL's name. Offsets are whole minutes of less than 16 hours, as Arrow's zones are.
fn zone(text: &str) -> Option<String> {
    let zone = Zone::parse(text).ok()?;
    let fits = |east: i32| east % 60 == 0 && east.abs() < 16 * 3600;
    zone.constant().is_none_or(fits).then(|| zone.name().to_owned())
}

fn encoding(text: &str) -> Option<&'static str> {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    matches!(plain.to_lowercase().as_str(), "utf8" | "unicode").then_some("UTF8")
}

fn date_style(text: &str) -> Result<String> {
    let mut order = "MDY";
    for word in text.split(',').map(|word| word.trim().to_uppercase()) {
        match word.as_str() {
            "ISO" | "" | "DEFAULT" => {}
            "MDY" | "US" | "NONEURO" | "NONEUROPEAN" => order = "MDY",
            "DMY" | "EURO" | "EUROPEAN" => order = "DMY",
            "YMD" => order = "YMD",
            "SQL" | "POSTGRES" | "GERMAN" => {
                return Err(Error::unsupported(format!("DateStyle \"{word}\"")).hint("Use ISO."));
            }
            _ => {
                let message = format!("invalid value for parameter \"DateStyle\": \"{text}\"");
                return Err(Error::new(Kind::InvalidParameterValue, message)
                    .detail(format!("Unrecognized key word: \"{}\".", word.to_lowercase())));
            }
        }
    }
    Ok(format!("ISO, {order}"))
}

/// One schema of a path as it is kept: quoted where its letters need it.
fn quoted(part: &str) -> String {
    let plain = part.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if plain && !part.is_empty() { part.to_owned() } else { format!("\"{}\"", part.replace('"', "\"\"")) }
}

/// The schemas of a path.
pub(super) fn path(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut in_quotes = false;
    for letter in text.chars() {
        match letter {
            '"' => in_quotes = !in_quotes,
            ',' if !in_quotes => parts.push(std::mem::take(&mut part).trim().to_owned()),
            _ => part.push(letter),
        }
    }
    parts.push(part.trim().to_owned());
    parts.retain(|part| !part.is_empty());
    parts
}
