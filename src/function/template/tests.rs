//! Comparison with PostgreSQL 15.

use crate::function::datum::Datum;
use crate::function::template::FUNCTIONS;
use crate::function::{Function, io};
use crate::pgtype::style::Style;
use crate::pgtype::types::PgType;
use crate::pgtype::zone::Zone;

/// What the server answered, one call a line: the function, or the type of `to_char`'s first argument; `TimeZone`; the
/// two arguments; the text of the result, `\N`, or `E:` with SQLSTATE, message, detail and hint. Escaped as by COPY.
const CASES: &str = include_str!("cases.tsv");

fn unescape(cell: &str) -> String {
    let mut text = String::new();
    let mut letters = cell.chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\\' => match letters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => panic!("nothing behind the backslash of {cell:?}"),
            },
            other => other,
        });
    }
    text
}

fn answer(kind: &str, zone: &str, value: &str, template: &str) -> Option<String> {
    let style = Style { timezone: Zone::parse(zone).unwrap(), ..Style::default() };
    let (name, args, ty) = match kind {
        "to_date" | "to_timestamp" | "to_number" => (kind, "text text".to_owned(), PgType::Text),
        "timestamp" => ("to_char", "timestamp text".to_owned(), PgType::Timestamp),
        "timestamptz" => ("to_char", "timestamptz text".to_owned(), PgType::Timestamptz),
        "interval" => ("to_char", "interval text".to_owned(), PgType::Interval),
        "int4" => ("to_char", "int4 text".to_owned(), PgType::Int4),
        "int8" => ("to_char", "int8 text".to_owned(), PgType::Int8),
        "float4" => ("to_char", "float4 text".to_owned(), PgType::Float4),
        "float8" => ("to_char", "float8 text".to_owned(), PgType::Float8),
        _ => ("to_char", "numeric text".to_owned(), PgType::Numeric),
    };
    let is_it = |function: &&Function| function.name == name && function.args == args;
    let function = FUNCTIONS.iter().find(is_it).unwrap();
    let value = io::input(ty, value, &style).unwrap();
    match (function.call)(&[value, Datum::text(template)], &style) {
        Ok(Datum::Null) => None,
        Ok(Datum::Timestamptz(micros)) => Some(io::output_variant(&Datum::Timestamp(micros), &style)),
        Ok(value) => Some(io::output_variant(&value, &style)),
        Err(error) => {
            let (detail, hint) = (error.detail.as_deref().unwrap_or(""), error.hint.as_deref().unwrap_or(""));
            Some(format!("E:{}|{}|{detail}|{hint}", error.sqlstate(), error.message))
        }
    }
}

fn differences(cases: &str) -> Vec<String> {
    cases
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let [kind, zone, value, template, expected] = cells.as_slice() else { panic!("{line}") };
            let expected = (*expected != "\\N").then(|| unescape(expected));
            let found = answer(kind, zone, &unescape(value), &unescape(template));
            (found != expected).then(|| format!("{kind} {zone} {value:?} {template:?}: {found:?}, not {expected:?}"))
        })
        .collect()
}

#[test]
fn templates_do_what_they_do_in_postgresql() {
    let differences = differences(CASES);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// No template makes it fail in another way than by an error, however long it is and whatever it is given.
#[test]
fn extremes_are_borne() {
    let nines = "9".repeat(70_000);
    for kind in ["int4", "int8", "float4", "float8", "numeric"] {
        for template in [nines.clone(), format!(".{nines}"), format!("9.{nines}EEEE"), format!("9V{nines}")] {
            answer(kind, "UTC", "12", &template);
        }
    }
    answer("to_number", "UTC", &nines, &nines);
    answer("to_number", "UTC", "1", &format!("9V{nines}"));
    for interval in ["-2147483648 days -2147483648 mons", "2147483647 days 2147483647 mons 2562047788:00:54.775807"] {
        for template in ["W WW IW IDDD IYYY J", "CC Y,YYY YYYY YY Q RM", "DDD DD MM HH24 SSSS US"] {
            answer("interval", "UTC", interval, template);
        }
    }
    for template in ["J", "CC", "YYYY", "IYYY-IW-ID", "IYYY-IDDD", "YYYY-DDD", "CC YY", "CC YY BC", "YYYY-WW", "W"] {
        for number in ["2147483647", "-2147483648"] {
            let text = [number; 3].join(" ");
            answer("to_date", "UTC", &text, template);
            answer("to_timestamp", "Europe/Berlin", &text, template);
        }
    }
}
