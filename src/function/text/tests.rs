//! The functions against a table of calls; the values are those of PostgreSQL 15.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::function::datum::Datum;
use crate::function::{Function, SetFunction};
use crate::pgtype::style::Style;

fn datum(value: &Value, type_name: &str) -> Datum<'static> {
    match (value, type_name) {
        (Value::Null, _) => Datum::Null,
        (Value::Number(number), "int4") => Datum::Int4(number.as_i64().unwrap().try_into().unwrap()),
        (Value::Number(number), "int8") => Datum::Int8(number.as_i64().unwrap()),
        (Value::String(text), "bytea") => Datum::Bytea(Cow::Owned(crate::pgtype::bytea::parse(text).unwrap())),
        (Value::String(text), _) => Datum::text(text.as_str()),
        _ => panic!("{value} is no {type_name}"),
    }
}

fn value(datum: &Datum<'_>) -> Value {
    match datum {
        Datum::Null => Value::Null,
        Datum::Bool(value) => json!(value),
        Datum::Int4(value) => json!(value),
        Datum::Int8(value) => json!(value),
        Datum::Text(text) => json!(text),
        Datum::Bytea(bytes) => json!(format!("\\x{}", super::letters::hex(bytes))),
        Datum::Array(items) => Value::Array(items.iter().map(value).collect()),
        _ => panic!("{datum:?}"),
    }
}

/// Runs a table of lines `kind, name, types, arguments, value`; the value of a fault is `!`, SQLSTATE and message.
pub(crate) fn check(table: &str, functions: &[Function], operators: &[Function], sets: &[SetFunction]) {
    let style = Style::default();
    let mut wrong = Vec::new();
    for line in table.lines() {
        let [kind, name, types, args, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let values: Vec<Value> = serde_json::from_str(args).unwrap();
        let each: Vec<&str> = types.split(' ').collect();
        let args: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(at, value)| datum(value, each[at.min(each.len() - 1)].trim_end_matches('.')))
            .collect();
        let found = if kind == "S" {
            let function = sets.iter().find(|function| function.name == name && function.args == types);
            let function = function.unwrap_or_else(|| panic!("{name}({types})"));
            (function.rows)(&args, &style).map(|rows| rows.iter().map(|row| value(&row[0])).collect::<Value>())
        } else {
            let among = if kind == "O" { operators } else { functions };
            let function = among.iter().find(|function| function.name == name && function.args == types);
            let function = function.unwrap_or_else(|| panic!("{name}({types})"));
            assert!(!function.strict || !args.contains(&Datum::Null), "{line}");
            (function.call)(&args, &style).map(|datum| value(&datum))
        };
        let is_same = match (&found, expected.strip_prefix('!')) {
            (Ok(found), None) => *found == serde_json::from_str::<Value>(expected).unwrap(),
            (Err(found), Some(expected)) => format!("{} {found}", found.sqlstate()).starts_with(expected),
            _ => false,
        };
        if !is_same {
            wrong.push(format!("{line}\n  got {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn functions_and_operators() {
    check(include_str!("cases.tsv"), super::FUNCTIONS, super::OPERATORS, super::SETS);
}

#[test]
fn random_uuids_are_of_version_4() {
    let function = super::FUNCTIONS.iter().find(|function| function.name == "gen_random_uuid").unwrap();
    let Datum::Uuid(uuid) = (function.call)(&[], &Style::default()).unwrap() else { panic!("no uuid") };
    assert_eq!((uuid[6] >> 4, uuid[8] >> 6), (4, 2));
}

#[test]
fn hashes_forms_and_values_put_together() {
    crate::function::io::tests::check_calls(include_str!("more.tsv"), super::FUNCTIONS, super::OPERATORS, super::SETS);
}
