//! All values in `cases.txt` are those of PostgreSQL 15. A line has the name, the types, the direct argument, the rows of
//! each aggregated argument as an array of texts, and the result: `\N` is NULL, `!` stands before an error.

use super::*;
use crate::function::Aggregate;
use crate::pgtype::style::Style;

fn types(signature: &str) -> Vec<&str> {
    signature.split(' ').collect()
}

fn of_name(name: &str) -> PgType {
    PgType::from_name(name).unwrap_or_else(|| panic!("no type {name}"))
}

fn find(name: &str, actual: &[&str]) -> &'static Aggregate {
    let fits = |declared: &str, actual: &str| match declared {
        "anyarray" => actual.starts_with('_'),
        "anyelement" | "anynonarray" | "anycompatible" => true,
        _ => declared == actual,
    };
    let all = AGGREGATES.iter().filter(|aggregate| aggregate.name == name);
    let mut fitting = all.filter(|aggregate| {
        let declared = types(aggregate.args);
        declared.len() == actual.len() && declared.iter().zip(actual).all(|(declared, actual)| fits(declared, actual))
    });
    fitting.next().unwrap_or_else(|| panic!("no {name}({actual:?})"))
}

fn rows(ty: &str, literal: &str) -> Vec<Datum<'static>> {
    let texts = io::array::input(PgType::Text, literal, &Style::default()).unwrap();
    let value = |text: Datum<'_>| match text {
        Datum::Text(text) => io::input(of_name(ty), &text, &Style::default()).unwrap(),
        _ => Datum::Null,
    };
    texts.into_iter().map(value).collect()
}

fn run(aggregate: &Aggregate, direct: &[Datum<'_>], rows: &[Vec<Datum<'_>>]) -> Result<Datum<'static>> {
    let mut state = (aggregate.make)(direct, &Style::default())?;
    for row in rows {
        if !(aggregate.strict && row.iter().any(Datum::is_null)) {
            state.step(row)?;
        }
    }
    let result = state.finish()?;
    // Asked again, it says the same.
    assert_eq!(format!("{:?}", state.finish()?), format!("{result:?}"));
    Ok(result)
}

fn outcome(line: &str) -> (String, String) {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, signature, direct, arguments @ .., expected] = fields.as_slice() else { panic!("{line}") };
    let actual = types(signature);
    let aggregate = find(name, &actual);
    let direct: Vec<Datum<'static>> = match aggregate.direct {
        Some(1) if *direct == "\\N" => vec![Datum::Null],
        Some(1) => vec![io::input(of_name(actual[0]), direct, &Style::default()).unwrap()],
        _ => Vec::new(),
    };
    let last = actual[actual.len() - 1];
    let columns: Vec<Vec<Datum<'static>>> =
        arguments.iter().zip(&actual[direct.len()..]).map(|(literal, ty)| rows(ty, literal)).collect();
    let count = columns.first().map_or(0, Vec::len);
    let mut rows: Vec<Vec<Datum<'static>>> =
        (0..count).map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect();
    if aggregate.direct.is_some() {
        rows.sort_by(|left, right| io::compare(of_name(last), &left[0], &right[0]));
    }
    let result = match aggregate.result {
        "anyarray" => {
            if last.starts_with('_') {
                of_name(last)
            } else {
                of_name(last).array()
            }
        }
        "anyelement" => of_name(last),
        name => of_name(name),
    };
    let found = match run(aggregate, &direct, &rows) {
        Ok(Datum::Null) => "\\N".to_owned(),
        Ok(value) => io::output(result, &value, &Style::default()),
        Err(error) => format!("!{} {}", error.sqlstate(), error.message),
    };
    (found, (*expected).to_owned())
}

#[test]
fn as_postgresql() {
    let mut faults = 0;
    for line in include_str!("cases.txt").lines() {
        let (found, expected) = outcome(line);
        if found != expected {
            faults += 1;
            if faults < 60 {
                eprintln!("{line:.300}\n    found {found:.200}");
            }
        }
    }
    assert_eq!(faults, 0);
}

fn by_hand(name: &str, actual: &[&str], rows: &[Datum<'static>]) -> Result<Datum<'static>> {
    let rows: Vec<Vec<Datum<'_>>> = rows.iter().map(|value| vec![value.clone()]).collect();
    run(find(name, actual), &[], &rows)
}

#[test]
fn the_value_of_a_subquery() {
    let rows = [Datum::Null, Datum::Int4(2)];
    assert_eq!(by_hand("first_of", &["int4"], &[]), Ok(Datum::Null));
    assert_eq!(by_hand("first_of", &["int4"], &rows), Ok(Datum::Null));
    assert_eq!(by_hand("first_of", &["int4"], &rows[1..]), Ok(Datum::Int4(2)));
    assert_eq!(by_hand("single_value", &["int4"], &[]), Ok(Datum::Null));
    assert_eq!(by_hand("single_value", &["int4"], &rows[1..]), Ok(Datum::Int4(2)));
    let error = by_hand("single_value", &["int4"], &rows).unwrap_err();
    assert_eq!(error.sqlstate(), "21000");
    assert_eq!(error.message, "more than one row returned by a subquery used as an expression");
}

#[test]
fn json_of_arrays_stands_on_lines() {
    // SELECT json_agg(x) FROM (VALUES (array[1,2]), (NULL), (array[3])) t (x)
    let rows = [Datum::text("[1,2]"), Datum::Null, Datum::text("[3]")];
    assert_eq!(by_hand("json_agg_lines", &["json"], &rows), Ok(Datum::text("[[1,2], null, \n [3]]")));
    assert_eq!(by_hand("json_agg_lines", &["json"], &rows[1..]), Ok(Datum::text("[null, \n [3]]")));
}

#[test]
fn states_say_what_they_hold() {
    let size = |name: &str, actual: &[&str], direct: &[Datum<'_>], row: &[Datum<'_>]| {
        let mut state = (find(name, actual).make)(direct, &Style::default()).unwrap();
        for _ in 0..1_000 {
            state.step(row).unwrap();
        }
        state.size()
    };
    let text = Datum::text("0123456789");
    let half = [Datum::Float8(0.5)];
    let doubles = size("percentile_cont", &["float8", "float8"], &half, &half);
    assert!((8_000..20_000).contains(&doubles), "{doubles}");
    assert!(size("percentile_disc", &["float8", "text"], &half, std::slice::from_ref(&text)) > 30_000);
    assert!(size("array_agg", &["text"], &[], std::slice::from_ref(&text)) > 30_000);
    assert!(size("string_agg", &["text", "text"], &[], &[text.clone(), text.clone()]) >= 19_990);
    assert!(size("mode", &["text"], &[], std::slice::from_ref(&text)) < 300);
    assert!(size("max", &["text"], &[], std::slice::from_ref(&text)) < 200);
    assert!(size("stddev", &["int8"], &[], &[Datum::Int8(i64::MAX)]) < 300);
}

#[test]
fn no_two_have_one_signature() {
    let mut signatures: Vec<_> = AGGREGATES.iter().map(|aggregate| (aggregate.name, aggregate.args)).collect();
    signatures.sort_unstable();
    signatures.dedup();
    assert_eq!(signatures.len(), AGGREGATES.len());
}
