//! The tables in `expected` are what PostgreSQL 15.18 answers. An error stands as `!SQLSTATE message / detail`.

use crate::error::Error;
use crate::function::datetime::{CASTS, FUNCTIONS, OPERATORS, fit};
use crate::function::datum::Datum;
use crate::function::io::{input, output};
use crate::function::series::SETS;
use crate::function::{Function, datetime};
use crate::pgtype::interval_parse::{self, mask};
use crate::pgtype::style::{DateOrder, IntervalStyle, Style};
use crate::pgtype::types::PgType;
use crate::pgtype::zone::Zone;

fn shown(error: &Error) -> String {
    let detail = error.detail.as_ref().map(|detail| format!(" / {detail}")).unwrap_or_default();
    format!("!{} {}{detail}", error.sqlstate(), error.message)
}

fn ty(name: &str) -> PgType {
    PgType::from_name(name).unwrap()
}

fn in_zone(name: &str) -> Style {
    Style { timezone: Zone::parse(name).unwrap(), ..Style::default() }
}

fn find(table: &[Function], name: &str, args: &str, result: &str) -> Function {
    let is_it = |found: &&Function| found.name == name && found.args == args && found.result == result;
    *table.iter().find(is_it).unwrap_or_else(|| panic!("{name}({args}) {result}"))
}

/// Each line: zone, name, argument types, result type, arguments, answer. `::` is a cast.
fn check_calls(table: &str) {
    let mut faults = Vec::new();
    for line in table.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [zone, name, types, result, args, expected] = fields[..] else { panic!("{line}") };
        let style = in_zone(zone);
        let (call, is_strict) = match name {
            "::" => (CASTS.iter().find(|cast| cast.from == types && cast.to == result).unwrap().call, true),
            _ => {
                let is_word = name.starts_with(|letter: char| letter.is_ascii_alphabetic());
                let found = find(if is_word { FUNCTIONS } else { OPERATORS }, name, types, result);
                (found.call, found.strict)
            }
        };
        let value = |(text, name): (&str, &str)| match text {
            "\\N" => Ok(Datum::Null),
            text => input(ty(name), text, &style),
        };
        let values: Result<Vec<Datum<'_>>, Error> = args.split('|').zip(types.split(' ')).map(value).collect();
        let answer = values.and_then(|values| {
            let is_null = is_strict && values.iter().any(Datum::is_null);
            if is_null { Ok(Datum::Null) } else { call(&values, &style) }
        });
        let found = match answer {
            Ok(Datum::Null) => "\\N".to_owned(),
            Ok(value) => output(ty(result), &value, &style),
            Err(error) => shown(&error),
        };
        if found != expected {
            faults.push(format!("{zone} {name}({types}) {args}: {found}, not {expected}"));
        }
    }
    assert!(faults.is_empty(), "{} differ:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn functions_operators_and_casts() {
    check_calls(include_str!("expected/calls.tsv"));
}

/// Each line: type, zone or `IntervalStyle`, order of `DateStyle`, text, value.
fn check_inputs(table: &str) {
    let mut faults = Vec::new();
    for line in table.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, setting, order, text, expected] = fields[..] else { panic!("{line}") };
        let mut style = Style::default();
        match setting {
            "postgres" => {}
            "sql_standard" => style.interval_style = IntervalStyle::SqlStandard,
            zone => style.timezone = Zone::parse(zone).unwrap(),
        }
        style.date_order = match order {
            "dmy" => DateOrder::Dmy,
            "ymd" => DateOrder::Ymd,
            _ => DateOrder::Mdy,
        };
        let value =
            if name.starts_with("interval") { interval(name, text, &style) } else { input(ty(name), text, &style) };
        let found = match value {
            Ok(value) => output(ty(name.split([' ', '(']).next().unwrap()), &value, &style),
            Err(error) => shown(&error),
        };
        if found != expected {
            faults.push(format!("{name} {setting} {order} {text}: {found}, not {expected}"));
        }
    }
    assert!(faults.is_empty(), "{} differ:\n{}", faults.len(), faults.join("\n"));
}

/// `interval`, `interval(3)` or `interval day to second`.
fn interval(name: &str, text: &str, style: &Style) -> Result<Datum<'static>, Error> {
    let digits = name.strip_prefix("interval(").map(|digits| digits[..1].parse().unwrap());
    let names = [
        ("year", mask::YEAR),
        ("month", mask::MONTH),
        ("day", mask::DAY),
        ("hour", mask::HOUR),
        ("minute", mask::MINUTE),
        ("second", mask::SECOND),
    ];
    let at = |word: &str| names.iter().position(|(name, _)| *name == word);
    let words: Vec<usize> = name.split(' ').filter_map(at).collect();
    let fields = match words[..] {
        [first, .., last] => names[first..=last].iter().fold(0, |sum, (_, bit)| sum | bit),
        [only] => names[only].1,
        [] => mask::FULL,
    };
    let value = interval_parse::parse_fields(text, fields, style.interval_style)?;
    Ok(Datum::Interval(fit(value, fields, digits)?))
}

#[test]
fn texts() {
    check_inputs(include_str!("expected/texts.tsv"));
}

/// Larger tables of the same form, if they are named.
#[test]
fn more_tables() {
    if let Ok(path) = std::env::var("SPANWIRE_DATETIME_CALLS") {
        check_calls(&std::fs::read_to_string(path).unwrap());
    }
    if let Ok(path) = std::env::var("SPANWIRE_DATETIME_TEXTS") {
        check_inputs(&std::fs::read_to_string(path).unwrap());
    }
}

#[test]
fn words_that_depend_on_the_clock() {
    let style = in_zone("Asia/Tokyo");
    let value = |name: &str, text: &str| input(ty(name), text, &style).unwrap();
    let Datum::Date(today) = value("date", "today") else { panic!() };
    let Datum::Timestamptz(now) = value("timestamptz", "now") else { panic!() };
    assert!((now - chrono::Utc::now().timestamp_micros()).abs() < 60_000_000);
    assert!((now + 9 * 3_600_000_000).div_euclid(86_400_000_000) - i64::from(today) <= 1);
    assert_eq!(value("timestamp", "yesterday 09:00"), value("timestamp", "09:00 yesterday"));
    let Datum::Timestamp(tomorrow) = value("timestamp", "tomorrow") else { panic!() };
    assert!(tomorrow / 86_400_000_000 - i64::from(today) <= 2);
    assert!(matches!(value("time", "now"), Datum::Time(_)));
}

/// What `SELECT * FROM generate_series(…)` and `generate_subscripts(…)` give.
#[test]
fn series() {
    let rows = |name: &str, types: &str, args: &[&str], zone: &str| {
        let style = in_zone(zone);
        let set = SETS.iter().find(|set| set.name == name && set.args == types).unwrap();
        let one =
            |(text, name): (&&str, &str)| input(ty(if name == "anyarray" { "_int4" } else { name }), text, &style);
        let values = args.iter().zip(types.split(' ')).map(one).collect::<Result<Vec<_>, _>>().unwrap();
        let rows = (set.rows)(&values, &style).map_err(|error| shown(&error))?;
        let shown = rows.iter().map(|row| output(ty(set.columns), &row[0], &style));
        Ok::<String, String>(shown.collect::<Vec<_>>().join(" | "))
    };
    let series = |types: &str, args: &[&str]| rows("generate_series", types, args, "Europe/Berlin");
    let is = |text: &str| Ok(text.to_owned());
    assert_eq!(series("int4 int4", &["1", "3"]), is("1 | 2 | 3"));
    assert_eq!(series("int4 int4 int4", &["5", "1", "-2"]), is("5 | 3 | 1"));
    assert_eq!(series("int4 int4 int4", &["2147483646", "2147483647", "1"]), is("2147483646 | 2147483647"));
    assert_eq!(series("int8 int8", &["3", "1"]), is(""));
    assert_eq!(series("int8 int8", &["9223372036854775806", "9223372036854775807"]).unwrap().matches('|').count(), 1);
    assert_eq!(series("numeric numeric numeric", &["0", "1.0", "0.50"]), is("0 | 0.50 | 1.00"));
    assert_eq!(series("timestamp timestamp interval", &["2024-01-31", "2024-05-01", "1 mon"]).unwrap(), {
        "2024-01-31 00:00:00 | 2024-02-29 00:00:00 | 2024-03-29 00:00:00 | 2024-04-29 00:00:00"
    });
    assert_eq!(series("timestamptz timestamptz interval", &["2026-03-28", "2026-03-30", "1 day"]).unwrap(), {
        "2026-03-28 00:00:00+01 | 2026-03-29 00:00:00+01 | 2026-03-30 00:00:00+02"
    });
    let zero = Err("!22023 step size cannot equal zero".to_owned());
    assert_eq!(series("int4 int4 int4", &["1", "2", "0"]), zero);
    assert_eq!(series("timestamp timestamp interval", &["2024-01-31", "2024-05-01", "1 mon -30 days"]), zero);
    assert_eq!(series("numeric numeric", &["NaN", "1"]), Err("!22023 start value cannot be NaN".to_owned()));
    assert_eq!(series("numeric numeric", &["1", "Infinity"]), Err("!22023 stop value cannot be infinity".to_owned()));
    let subscripts = |types: &str, args: &[&str]| rows("generate_subscripts", types, args, "UTC");
    assert_eq!(subscripts("anyarray int4", &["{7,8,9}", "1"]), is("1 | 2 | 3"));
    assert_eq!(subscripts("anyarray int4 bool", &["{7,8,9}", "1", "t"]), is("3 | 2 | 1"));
    assert_eq!(subscripts("anyarray int4", &["{7,8,9}", "2"]), is(""));
    assert_eq!(subscripts("anyarray int4", &["{}", "1"]), is(""));
}

#[test]
fn intervals_are_compared_by_their_length() {
    let key = |text: &str| datetime::interval_key(&interval_parse::parse(text).unwrap());
    assert_eq!(key("1 mon"), key("30 days"));
    assert_eq!(key("1 day"), key("24:00"));
    assert!(key("-178956970 years") < key("-9223372036854775808 us"));
}
