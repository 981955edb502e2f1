//! What PostgreSQL 15 makes of the same operands (`pg_typeof`, and the errors of what it refuses).

use super::*;
use crate::function::registry::{aggregates, operators};

fn ty(name: &str) -> PgType {
    PgType::from_name(name).unwrap()
}

fn operator(symbol: &str, left: &str, right: &str) -> String {
    match choose_operator(operators(symbol), ty(left), ty(right)) {
        Ok(choice) => {
            let args: Vec<&str> = choice.args.iter().map(|ty| ty.typname()).collect();
            format!("{} -> {}", args.join(" "), choice.result.typname())
        }
        Err(failure) => format!("{failure:?}"),
    }
}

#[test]
fn concatenation_takes_text_and_anything() {
    for (left, right, expected) in [
        ("text", "text", "text text -> text"),
        ("text", "int4", "text int4 -> text"),
        ("int4", "text", "int4 text -> text"),
        ("unknown", "int4", "text int4 -> text"),
        ("int8", "unknown", "int8 text -> text"),
        ("unknown", "unknown", "text text -> text"),
        ("varchar", "unknown", "text text -> text"),
        ("bpchar", "bpchar", "text text -> text"),
        ("name", "varchar", "text text -> text"),
        ("bpchar", "int4", "text int4 -> text"),
        ("date", "unknown", "date text -> text"),
        ("unknown", "bool", "text bool -> text"),
        ("json", "unknown", "json text -> text"),
        ("jsonb", "unknown", "jsonb jsonb -> jsonb"),
        ("jsonb", "text", "jsonb text -> text"),
        ("bytea", "unknown", "bytea bytea -> bytea"),
        ("text", "bytea", "text bytea -> text"),
        ("record", "unknown", "record text -> text"),
        ("int4", "int4", "Missing"),
        ("jsonb", "int4", "Missing"),
        ("_int4", "int4", "_int4 int4 -> _int4"),
        ("int4", "_int4", "int4 _int4 -> _int4"),
        ("_int4", "int8", "_int8 int8 -> _int8"),
        ("_int4", "_int4", "_int4 _int4 -> _int4"),
        ("_int4", "unknown", "_int4 _int4 -> _int4"),
        ("unknown", "_int4", "_int4 _int4 -> _int4"),
        ("_text", "unknown", "_text _text -> _text"),
        ("_text", "text", "_text text -> _text"),
        ("text", "_text", "text _text -> _text"),
        ("_int4", "text", "Missing"),
    ] {
        assert_eq!(operator("||", left, right), expected, "{left} || {right}");
    }
}

#[test]
fn booleans_have_no_least() {
    for name in ["min", "max"] {
        assert_eq!(choose(aggregates(name), &[PgType::Bool]).unwrap_err(), Failure::Missing);
    }
}
