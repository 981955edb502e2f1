//! The tables in `expected` are what PostgreSQL 15.18 answers with `TimeZone` Europe/Berlin, as `COPY` writes them. An
//! error stands as `!SQLSTATE message / detail`.

use std::cmp::Ordering;

use super::*;
use crate::function::{Cast, Function, SetFunction};
use crate::pgtype::style::IntervalStyle;
use crate::pgtype::zone::Zone;

/// Takes back the escapes of `COPY`.
pub(crate) fn unescape(field: &str) -> String {
    let mut out = String::new();
    let mut letters = field.chars();
    while let Some(letter) = letters.next() {
        out.push(match letter {
            '\\' => match letters.next().unwrap() {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\x08',
                'f' => '\x0c',
                other => other,
            },
            other => other,
        });
    }
    out
}

pub(crate) fn rows<const N: usize>(table: &str) -> Vec<[String; N]> {
    let row = |line: &str| line.split('\t').map(unescape).collect::<Vec<_>>().try_into().unwrap();
    table.lines().map(row).collect()
}

pub(crate) fn berlin() -> Style {
    Style { timezone: Zone::parse("Europe/Berlin").unwrap(), ..Style::default() }
}

pub(crate) fn ty(name: &str) -> PgType {
    PgType::from_name(name.trim_matches('"').split('(').next().unwrap()).or_else(|| PgType::from_name(name)).unwrap()
}

pub(crate) fn shown(error: &Error) -> String {
    let detail = error.detail.as_ref().map(|detail| format!(" / {detail}")).unwrap_or_default();
    format!("!{} {}{detail}", error.sqlstate(), error.message)
}

/// Calls what the lines of a table name, and compares with their last field.
pub(crate) fn check_calls(table: &str, functions: &[Function], operators: &[Function], sets: &[SetFunction]) {
    let style = berlin();
    let mut faults = Vec::new();
    for line in table.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let (kind, name, signature) = (fields[0], fields[1], fields[2]);
        let types: Vec<PgType> = fields[3].split_ascii_whitespace().map(ty).collect();
        let (texts, expected) = (&fields[4..fields.len() - 1], unescape(fields[fields.len() - 1]));
        let value = |(ty, text): (&PgType, &&str)| match *text {
            "\\N" => Datum::Null,
            text => input(*ty, &unescape(text), &style).unwrap(),
        };
        let args: Vec<Datum<'_>> = types.iter().zip(texts).map(value).collect();
        let has_null = args.iter().any(Datum::is_null);
        let found = if kind == "s" {
            let set = sets.iter().find(|set| set.name == name && set.args == signature).expect(line);
            let shown_row = |row: Vec<Datum<'_>>| match row.as_slice() {
                [value] => output_variant(value, &style),
                _ => output_variant(&Datum::Record(row), &style),
            };
            match if set.strict && has_null { Ok(Vec::new()) } else { (set.rows)(&args, &style) } {
                Ok(rows) if rows.is_empty() => "<NULL>".to_owned(),
                Ok(rows) => rows.into_iter().map(shown_row).collect::<Vec<_>>().join(" ;; "),
                Err(error) => shown(&error),
            }
        } else {
            let table = if kind == "o" { operators } else { functions };
            let function = table.iter().find(|entry| entry.name == name && entry.args == signature).expect(line);
            match if function.strict && has_null { Ok(Datum::Null) } else { (function.call)(&args, &style) } {
                Ok(Datum::Null) => "<NULL>".to_owned(),
                Ok(value) => output_variant(&value, &style),
                Err(error) => shown(&error),
            }
        };
        if found != expected {
            faults.push(format!("{}: {found}, not {expected}", fields[..fields.len() - 1].join(" | ")));
        }
    }
    report(&faults);
}

fn report(faults: &[String]) {
    let lines: Vec<String> = faults.iter().map(|fault| fault.chars().take(500).collect()).collect();
    assert!(faults.is_empty(), "{} differ:\n{}", faults.len(), lines.join("\n"));
}

#[test]
fn input_and_output() {
    let style = berlin();
    let mut faults = Vec::new();
    for [name, text, expected] in rows::<3>(include_str!("expected/input.tsv")) {
        let found = match input(ty(&name), &text, &style) {
            Ok(value) => output(ty(&name), &value, &style),
            Err(error) => shown(&error),
        };
        if found != expected {
            faults.push(format!("{name} {text}: {found}, not {expected}"));
        }
    }
    report(&faults);
}

#[test]
fn more_dimensions_are_not_supported() {
    for text in ["{{1},{2}}", "[1:1][1:1]={{1}}", "[2:3]={1,2}"] {
        assert_eq!(input(PgType::Int4.array(), text, &Style::default()).unwrap_err().sqlstate(), "0A000", "{text}");
    }
}

#[test]
fn type_modifiers() {
    let style = berlin();
    let mut faults = Vec::new();
    for [name, typmod, text, explicit, assigned] in rows::<5>(include_str!("expected/typmod.tsv")) {
        for (is_explicit, expected) in [(true, explicit), (false, assigned)] {
            let value = input(ty(&name), &text, &style).unwrap();
            let found = match coerce_typmod(ty(&name), value, typmod.parse().unwrap(), is_explicit, &style) {
                Ok(value) => output(ty(&name), &value, &style),
                Err(error) => shown(&error),
            };
            if found != expected {
                faults.push(format!("{name} {typmod} {text} {is_explicit}: {found}, not {expected}"));
            }
        }
    }
    report(&faults);
}

#[test]
fn literals_with_type_modifiers() {
    let mut faults = Vec::new();
    for [style, name, typmod, text, expected] in rows::<5>(include_str!("expected/input_typmod.tsv")) {
        let interval_style = if style == "sql_standard" { IntervalStyle::SqlStandard } else { IntervalStyle::Postgres };
        let own = Style { interval_style, ..berlin() };
        let found = match input_typmod(ty(&name), &text, typmod.parse().unwrap(), &own) {
            Ok(value) => output(ty(&name), &value, &berlin()),
            Err(error) => shown(&error),
        };
        if found != expected {
            faults.push(format!("{style} {name} {typmod} {text}: {found}, not {expected}"));
        }
    }
    report(&faults);
}

#[test]
fn order_is_that_of_the_index() {
    let style = Style::default();
    let mut faults = Vec::new();
    let rows = rows::<3>(include_str!("expected/order.tsv"));
    for [name, rank, text] in &rows {
        let value = input(ty(name), text, &style).unwrap();
        for [_, other_rank, other_text] in rows.iter().filter(|row| row[0] == *name) {
            let other = input(ty(name), other_text, &style).unwrap();
            let number = |rank: &str| rank.parse::<u32>().unwrap();
            let (found, expected) = (compare(ty(name), &value, &other), number(rank).cmp(&number(other_rank)));
            if found != expected {
                faults.push(format!("{name} {text} {other_text}: {found:?}, not {expected:?}"));
            }
        }
    }
    report(&faults);
}

#[test]
fn nulls_and_rows_are_ordered() {
    let row =
        |items: &[Option<i32>]| Datum::Record(items.iter().map(|item| item.map_or(Datum::Null, Datum::Int4)).collect());
    // SELECT ROW(1, NULL) < ROW(1, 2) and so on, by the operators of record.
    let order = [row(&[Some(0), None]), row(&[Some(1), Some(2)]), row(&[Some(1), None]), row(&[None, Some(0)])];
    for pair in order.windows(2) {
        assert_eq!(compare(PgType::Record, &pair[0], &pair[1]), Ordering::Less);
    }
    assert_eq!(compare(PgType::Int4, &Datum::Null, &Datum::Null), Ordering::Equal);
    assert_eq!(compare(PgType::Int4, &Datum::Int4(1), &Datum::Null), Ordering::Less);
}

#[test]
fn rows_are_printed_with_their_quotes() {
    let style = Style::default();
    let fields = vec![
        Datum::Int4(1),
        Datum::text("a b"),
        Datum::Null,
        Datum::text(""),
        Datum::Bool(true),
        Datum::text("q\"\\(,)"),
    ];
    // SELECT ROW(1, 'a b', NULL, '', true, 'q"\(,)')
    let text = r#"(1,"a b",,"",t,"q""\\(,)")"#;
    assert_eq!(output(PgType::Record, &Datum::Record(fields.clone()), &style), text);
    // SELECT ARRAY[ROW(1, 'a b')]
    let array = Datum::Array(vec![Datum::Record(fields[..2].to_vec())]);
    assert_eq!(output(PgType::Record.array(), &array, &style), r#"{"(1,\"a b\")"}"#);
}

#[test]
fn casts() {
    let style = Style::default();
    let mut faults = Vec::new();
    for [from, to, text, expected] in rows::<4>(include_str!("expected/casts.tsv")) {
        let (from, to) = (ty(&from), ty(&to));
        let is_it = |cast: &&Cast| cast.from == from.typname() && cast.to == to.typname();
        let cast = CASTS.iter().find(is_it).unwrap();
        let value = input(from, &text, &style).unwrap();
        let found = match (cast.call)(&[value], &style) {
            Ok(value) => output(to, &value, &style),
            Err(error) => shown(&error),
        };
        if found != expected {
            faults.push(format!("{from:?} {to:?} {text}: {found}, not {expected}"));
        }
    }
    report(&faults);
}
