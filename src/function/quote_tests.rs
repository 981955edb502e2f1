//! Comparison with PostgreSQL 15.

use super::*;

/// What the server answered, one call a line: the function; its arguments; the result, `\N`, or `E:` with SQLSTATE,
/// message, detail and hint. Escaped as by COPY.
const CASES: &str = include_str!("quote_cases.tsv");

fn unescape(cell: &str) -> Option<String> {
    (cell != "\\N").then(|| cell.replace("\\\\", "\\"))
}

#[test]
fn texts_are_quoted_and_formatted_as_postgresql_does() {
    for line in CASES.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let [name, args @ .., expected] = cells.as_slice() else { panic!("{line}") };
        let args: Vec<Datum<'_>> = args.iter().map(|cell| unescape(cell).map_or(Datum::Null, Datum::text)).collect();
        let function = FUNCTIONS.iter().find(|function| function.name == *name).unwrap();
        let found = match (function.call)(&args, &Style::default()) {
            _ if function.strict && args.iter().any(Datum::is_null) => None,
            Ok(Datum::Text(text)) => Some(text.into_owned()),
            Ok(_) => None,
            Err(error) => {
                let (detail, hint) = (error.detail.as_deref().unwrap_or(""), error.hint.as_deref().unwrap_or(""));
                Some(format!("E:{}|{}|{detail}|{hint}", error.sqlstate(), error.message))
            }
        };
        assert_eq!(found, unescape(expected), "{line}");
    }
}

#[test]
fn other_types_are_quoted_as_text() {
    let quote = |value: Datum<'static>| quote_literal(&[value], &Style::default()).unwrap();
    assert_eq!(quote(Datum::Int4(-1)), Datum::text("'-1'"));
    assert_eq!(quote(Datum::Bytea(vec![0, 255].into())), Datum::text("E'\\\\x00ff'"));
}
