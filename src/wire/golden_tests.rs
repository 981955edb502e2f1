//! Values as PostgreSQL 15 reads and prints them, in `golden.tsv`: type, input text, SQLSTATE or `ok`, hexadecimal binary
//! form, output text or error message, in COPY's text format; a line with `#` sets TimeZone, IntervalStyle,
//! extra_float_digits, bytea_output and the order of DateStyle.
//!
//! Left out are inputs that are read differently on purpose: `{{},{}}` (an error in 15, read from 17 on), a weekday before
//! an ISO date, and timestamps after 294246, which microseconds since 1970 do not reach. Details and hints are not compared.
//!
//! Each line is read as a text parameter, printed in both forms, and read back from the binary form.

use std::fmt::Write;

use crate::error::Result;
use crate::pgtype::column::{Column, Printer};
use crate::pgtype::parameter::decode;
use crate::pgtype::style::{ByteaOutput, DateOrder, Format, IntervalStyle, Style};
use crate::pgtype::types::PgType;
use crate::pgtype::zone::Zone;

fn style(line: &str) -> Style {
    let words: Vec<&str> = line.split(' ').collect();
    Style {
        timezone: Zone::parse(words[0]).unwrap(),
        interval_style: match words[1] {
            "postgres" => IntervalStyle::Postgres,
            "postgres_verbose" => IntervalStyle::PostgresVerbose,
            "sql_standard" => IntervalStyle::SqlStandard,
            _ => IntervalStyle::Iso8601,
        },
        extra_float_digits: words[2].parse().unwrap(),
        bytea_output: if words[3] == "hex" { ByteaOutput::Hex } else { ByteaOutput::Escape },
        date_order: match words[4] {
            "MDY" => DateOrder::Mdy,
            "DMY" => DateOrder::Dmy,
            _ => DateOrder::Ymd,
        },
    }
}

fn unescape(field: &str) -> String {
    let mut text = String::new();
    let mut letters = field.chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\\' => match letters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('b') => '\x08',
                Some('f') => '\x0c',
                Some('v') => '\x0b',
                other => other.unwrap(),
            },
            letter => letter,
        });
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap()).collect()
}

/// Reads a value and returns its binary form in hexadecimal and its text.
fn outcome(pg: PgType, format: Format, input: &[u8], style: &Style) -> Result<(String, String)> {
    let array = decode(pg, format, Some(input), style)?.to_array().unwrap();
    let column = Column::new(&array, pg, 0..1)?;
    let (mut text, mut binary) = (Vec::new(), Vec::new());
    column.put_text(0, &mut Printer::new(style), &mut text)?;
    column.put_binary(0, &mut binary)?;
    Ok((hex(&binary), String::from_utf8(text.to_vec()).unwrap()))
}

/// Returns what differs from PostgreSQL.
fn compare(table: &str) -> (usize, Vec<String>) {
    let mut faults = Vec::new();
    let mut n_values = 0;
    let mut settings = Style::default();
    for line in table.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            settings = style(comment);
            continue;
        }
        n_values += 1;
        let fields: Vec<String> = line.split('\t').map(unescape).collect();
        let [ty, input, state, binary, text] = fields.as_slice() else { panic!("{line}") };
        let state = state.as_str();
        let pg = PgType::from_name(ty.trim_matches('"')).unwrap();
        let expected = if state == "ok" { Ok((binary.clone(), text.clone())) } else { Err((state, text.clone())) };
        let found = outcome(pg, Format::Text, input.as_bytes(), &settings)
            .map_err(|error| (error.sqlstate(), error.message.clone()));
        if found != expected {
            faults.push(format!("{ty} {input:?} {}\n  found    {found:?}\n  expected {expected:?}", settings.timezone));
            continue;
        }
        if state == "ok" {
            let found = outcome(pg, Format::Binary, &bytes(binary), &settings);
            if found.as_ref() != Ok(&(binary.clone(), text.clone())) {
                faults.push(format!("{ty} {input:?} from binary\n  found    {found:?}\n  expected {expected:?}"));
            }
        }
    }
    (n_values, faults)
}

#[test]
fn values_are_read_and_printed_as_postgresql_does() {
    let (n_values, faults) = compare(include_str!("golden.tsv"));
    assert!(faults.is_empty(), "{} of {n_values} differ\n{}", faults.len(), faults.join("\n"));
    assert!(n_values > 500, "{n_values}");
}
