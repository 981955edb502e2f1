//! `tests.tsv` holds calls and what PostgreSQL 15 answers to them, an error as `!SQLSTATE message / detail`.

use crate::error::Result;
use crate::function::datum::Datum;
use crate::function::number::{CASTS, FUNCTIONS, OPERATORS};
use crate::function::numeric::Numeric;
use crate::function::{Call, Function};
use crate::pgtype::float;
use crate::pgtype::style::Style;

fn read(pg: &str, text: &str) -> Datum<'static> {
    match pg {
        "bool" => Datum::Bool(text == "t"),
        "int2" => Datum::Int2(text.parse().unwrap()),
        "int4" => Datum::Int4(text.parse().unwrap()),
        "int8" => Datum::Int8(text.parse().unwrap()),
        "oid" => Datum::Oid(text.parse().unwrap()),
        "float4" => Datum::Float4(float::parse_f32(text).unwrap()),
        "float8" => Datum::Float8(float::parse_f64(text).unwrap()),
        "numeric" => Datum::Numeric(Numeric::parse(text).unwrap()),
        other => panic!("{other}"),
    }
}

fn print(datum: &Datum<'_>) -> String {
    let mut out = Vec::new();
    match datum {
        Datum::Null => "NULL".to_owned(),
        Datum::Bool(value) => value.to_string(),
        Datum::Int2(value) => value.to_string(),
        Datum::Int4(value) => value.to_string(),
        Datum::Int8(value) => value.to_string(),
        Datum::Oid(value) => value.to_string(),
        Datum::Numeric(value) => value.to_string(),
        Datum::Text(value) => value.clone().into_owned(),
        Datum::Float4(value) => {
            float::put_f32(*value, 1, &mut out);
            String::from_utf8(out).unwrap()
        }
        Datum::Float8(value) => {
            float::put_f64(*value, 1, &mut out);
            String::from_utf8(out).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

fn find(functions: &[Function], name: &str, args: &str) -> Call {
    let found = functions.iter().find(|function| function.name == name && function.args == args);
    found.unwrap_or_else(|| panic!("{name}({args})")).call
}

fn answer(kind: &str, name: &str, types: &str, args: &[&str]) -> Result<String> {
    let call = match kind {
        "op" => find(OPERATORS, name, types),
        "fn" => find(FUNCTIONS, name, types),
        "cast" => {
            let (from, to) = types.split_once(' ').unwrap();
            let cast = CASTS.iter().find(|cast| cast.from == from && cast.to == to);
            cast.unwrap().call
        }
        "in" => return Numeric::parse(args[0]).map(|value| value.to_string()),
        _ => {
            let (precision, scale) = name.split_once(',').unwrap();
            let value = Numeric::parse(args[0])?.fit(precision.parse().unwrap(), scale.parse().unwrap())?;
            return Ok(value.to_string());
        }
    };
    let args: Vec<Datum<'_>> =
        types.split(' ').zip(args).filter(|(pg, _)| !pg.is_empty()).map(|(pg, arg)| read(pg, arg)).collect();
    call(&args, &Style::default()).map(|value| print(&value))
}

fn check(table: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for line in table.lines() {
        let [kind, name, types, args, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let args: Vec<&str> = args.split('|').collect();
        let given = answer(kind, name, types, &args).unwrap_or_else(|error| {
            let detail = error.detail.as_ref().map_or(String::new(), |detail| format!(" / {detail}"));
            format!("!{} {}{detail}", error.sqlstate(), error.message)
        });
        if given != expected {
            wrong.push(format!("{line}\t<> {given}"));
        }
    }
    wrong
}

#[test]
fn as_postgresql() {
    let wrong = check(include_str!("tests.tsv"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
