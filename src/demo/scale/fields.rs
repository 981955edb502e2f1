//! Reading a query string and a JSON body the way FastAPI does: lenient about how a value is written, strict about its
//! type, and telling every fault with its place.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use serde_json::{Map, Value, json};

/// What is wrong with a request: the entries of `detail`.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Value>);

impl Faults {
    /// Adds a fault of a kind at a place.
    pub(super) fn add(&mut self, place: Value, kind: &str, message: &str, input: &Value) {
        let mut fault = json!({ "type": kind, "msg": message, "input": input });
        fault["loc"] = place;
        self.0.push(fault);
    }

    /// Adds a fault of a value that is none of those allowed.
    fn add_choice(&mut self, place: Value, allowed: &[&str], input: &Value) {
        let quoted: Vec<String> = allowed.iter().map(|word| format!("'{word}'")).collect();
        let (last, others) = quoted.split_last().expect("a choice has alternatives");
        let expected = if others.is_empty() { last.clone() } else { format!("{} or {last}", others.join(", ")) };
        self.add(place, "enum", &format!("Input should be {expected}"), input);
        if let Some(fault) = self.0.last_mut() {
            fault["ctx"] = json!({ "expected": expected });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The body of the answer.
    pub(super) fn body(&self) -> Value {
        json!({ "detail": self.0 })
    }
}

/// The query string; of a repeated parameter the last counts.
#[derive(Debug)]
pub(super) struct Query(HashMap<String, String>);

impl Query {
    pub(super) fn parse(text: &str) -> Query {
        Query(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Microseconds since 1970; `null` is as good as absent.
    pub(super) fn time(&self, name: &str, faults: &mut Faults) -> Option<i64> {
        let text = self.text(name).filter(|text| *text != "null")?;
        let time = instant(text);
        if time.is_none() {
            let message = "Input should be a valid datetime or date";
            faults.add(json!(["query", name]), "datetime_from_date_parsing", message, &json!(text));
        }
        time
    }

    /// A whole number within bounds, which both count.
    pub(super) fn number(&self, name: &str, default: i64, bounds: (i64, i64), faults: &mut Faults) -> i64 {
        let Some(text) = self.text(name) else { return default };
        let (kind, message) = match text.trim().parse::<i64>() {
            Err(_) => {
                ("int_parsing", "Input should be a valid integer, unable to parse string as an integer".to_owned())
            }
            Ok(number) if number < bounds.0 => {
                ("greater_than_equal", format!("Input should be greater than or equal to {}", bounds.0))
            }
            Ok(number) if number > bounds.1 => {
                ("less_than_equal", format!("Input should be less than or equal to {}", bounds.1))
            }
            Ok(number) => return number,
        };
        faults.add(json!(["query", name]), kind, &message, &json!(text));
        default
    }

    /// One of some words; the first is the default.
    pub(super) fn choice(&self, name: &str, allowed: &[&'static str], faults: &mut Faults) -> &'static str {
        let Some(text) = self.text(name) else { return allowed[0] };
        allowed.iter().find(|word| **word == text).copied().unwrap_or_else(|| {
            faults.add_choice(json!(["query", name]), allowed, &json!(text));
            allowed[0]
        })
    }
}

/// The members of the body. A member that is null is not the same as an absent one: no type allows null.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads the body.
    pub(super) fn parse(body: &[u8], is_json: bool, faults: &mut Faults) -> Option<Fields> {
        if body.is_empty() {
            faults.add(json!(["body"]), "missing", "Field required", &Value::Null);
            return None;
        }
        let no_object = "Input should be a valid dictionary or object to extract fields from";
        if !is_json {
            let text = json!(String::from_utf8_lossy(body));
            faults.add(json!(["body"]), "model_attributes_type", no_object, &text);
            return None;
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Some(Fields(members)),
            Ok(other) => {
                faults.add(json!(["body"]), "model_attributes_type", no_object, &other);
                None
            }
            Err(error) => {
                let place = json!(["body", error.column()]);
                faults.add(place, "json_invalid", "JSON decode error", &json!({}));
                None
            }
        }
    }

    pub(super) fn flag(&self, name: &str, faults: &mut Faults) -> bool {
        match self.0.get(name) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) if text == "true" => true,
            Some(Value::String(text)) if text == "false" => false,
            Some(other) => {
                faults.add(json!(["body", name]), "bool_type", "Input should be a valid boolean", other);
                false
            }
        }
    }

    pub(super) fn int(&self, name: &str, faults: &mut Faults) -> Option<i64> {
        let value = self.0.get(name)?;
        let number = match value {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            faults.add(json!(["body", name]), "int_type", "Input should be a valid integer", value);
        }
        number
    }

    pub(super) fn text(&self, name: &str, faults: &mut Faults) -> Option<String> {
        let value = self.0.get(name)?;
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            faults.add(json!(["body", name]), "string_type", "Input should be a valid string", value);
        }
        text
    }

    /// A list of strings; absent is empty.
    pub(super) fn texts(&self, name: &str, faults: &mut Faults) -> Vec<String> {
        let mut texts = Vec::new();
        for (place, item) in self.list(name, faults).iter().enumerate() {
            match item {
                Value::String(text) => texts.push(text.clone()),
                _ => {
                    let message = "Input should be a valid string";
                    faults.add(json!(["body", name, place]), "string_type", message, item);
                }
            }
        }
        texts
    }

    /// A list of words out of some.
    pub(super) fn words(&self, name: &str, allowed: &[&str], faults: &mut Faults) -> Vec<String> {
        let mut words = Vec::new();
        for (place, item) in self.list(name, faults).iter().enumerate() {
            match item.as_str().filter(|word| allowed.contains(word)) {
                Some(word) => words.push(word.to_owned()),
                None => faults.add_choice(json!(["body", name, place]), allowed, item),
            }
        }
        words
    }

    /// One of some words; `default` if it is absent.
    pub(super) fn choice(
        &self,
        name: &str,
        allowed: &[&'static str],
        default: &'static str,
        faults: &mut Faults,
    ) -> &'static str {
        let Some(value) = self.0.get(name) else { return default };
        let found = allowed.iter().find(|word| value.as_str() == Some(**word));
        found.copied().unwrap_or_else(|| {
            faults.add_choice(json!(["body", name]), allowed, value);
            default
        })
    }

    /// The members of an object; absent is empty.
    pub(super) fn members(&self, name: &str, faults: &mut Faults) -> Map<String, Value> {
        match self.0.get(name) {
            None => Map::new(),
            Some(Value::Object(members)) => members.clone(),
            Some(other) => {
                faults.add(json!(["body", name]), "dict_type", "Input should be a valid dictionary", other);
                Map::new()
            }
        }
    }

    fn list(&self, name: &str, faults: &mut Faults) -> &[Value] {
        match self.0.get(name) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(other) => {
                faults.add(json!(["body", name]), "list_type", "Input should be a valid list", other);
                &[]
            }
        }
    }
}

fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

/// ISO 8601 with a `T` or a blank; without an offset it is UTC; a date is its midnight. Digits beyond microseconds are
/// cut.
fn instant(text: &str) -> Option<i64> {
    let offset = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%#z")
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z"));
    if let Ok(time) = offset {
        return Some(time.timestamp_micros());
    }
    let naive = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .or_else(|| Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN)))?;
    Some(naive.and_utc().timestamp_micros())
}
