//! Values, rows and bodies. The tables are those of Spanlens and one made for the types it has not.

use std::time::Duration;

use datafusion::arrow::array::{AsArray, BooleanArray, Float64Array, Int64Array, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, TimeUnit};

use super::*;
use std::sync::Arc;

use crate::model::connector::Connector;
use crate::model::scan::Source;
use crate::model::table::{self, Table};
use crate::upstream::spanlens;

mod bodies;
mod csv;
mod forms;

const TYPES: Table = Table {
    name: "types",
    path: "/types",
    doc: "",
    time: None,
    columns: &[
        table::text("t").null(),
        table::bigint("i").null(),
        table::double("d").null(),
        table::Column { ty: table::Type::Boolean, ..table::text("b") }.null(),
        table::timestamptz("at").null(),
        table::jsonb("j").null(),
        table::text("one").keys(&["a", "b2"]).null(),
        table::text("two").keys(&["b2"]).null(),
        table::timestamptz("ended").keys_or_window_end(&["ended_at", "endedAt"]),
        table::filter_only("hidden"),
        table::text("needed"),
        table::extra(),
    ],
    body: crate::model::connector::Body::Rows { keys: &["data"], count: true },
    ..table::TABLE
};
const CONNECTOR: Connector = Connector { tables: &[TYPES], ..spanlens::CONNECTOR };

const WINDOW_END: i64 = 42;

fn scan(name: &str, body_bytes: u64) -> Scan {
    let connector: &'static Connector = if name == "types" { &CONNECTOR } else { &spanlens::CONNECTOR };
    let source = Source {
        name: "spanlens".to_owned(),
        connector,
        base_url: "http://127.0.0.1:1".parse().unwrap(),
        quota: connector.quota,
        lookback: Duration::from_secs(1),
        settle: Duration::ZERO,
        body_bytes,
        settings: std::collections::BTreeMap::new(),
    };
    let table = connector.tables.iter().find(|table| table.name == name).unwrap();
    Scan { echoes: vec![("hidden", Some("asked".to_owned()))], ..Scan::of(&Arc::new(source), table) }
}

fn read(table: &str, columns: &[&str], chunks: &[&[u8]]) -> Result<Vec<RecordBatch>> {
    let scan = scan(table, 1 << 30);
    let columns: Vec<usize> = columns.iter().map(|name| scan.table.position(name).unwrap()).collect();
    let mut decoder = Decoder::new(&scan, &columns, WINDOW_END)?;
    for chunk in chunks {
        decoder.feed(chunk)?;
    }
    decoder.finish().map(|decoded| decoded.batches)
}

/// One column of the table of types from rows that have nothing else but what is needed.
fn column(name: &str, members: &[&str]) -> Result<datafusion::arrow::array::ArrayRef> {
    let rows: Vec<String> = members.iter().map(|member| format!("{{{member}}}")).collect();
    let body = format!("[{}]", rows.join(","));
    read("types", &[name], &[body.as_bytes()]).map(|batches| Arc::clone(batches[0].column(0)))
}

fn error(name: &str, member: &str) -> (String, String) {
    let error = column(name, &["\"needed\":\"\"", member]).expect_err(member);
    assert_eq!(error.kind, Kind::UpstreamData, "{member}");
    (error.message, error.detail.unwrap())
}

fn texts(array: &datafusion::arrow::array::ArrayRef) -> Vec<Option<&str>> {
    array.as_string::<i32>().iter().collect()
}

#[test]
fn the_row_of_the_documents() {
    let row = r#"{"id": "req_xxx", "project_id": "proj_xxx", "provider": "openai", "model": "gpt-4o-mini-2024-07-18",
      "prompt_tokens": 512, "completion_tokens": 128, "total_tokens": 640, "cost_usd": 0.000096, "latency_ms": 843,
      "status_code": 200, "error_message": null, "trace_id": null, "created_at": "2026-05-15T09:00:00.000Z"}"#;
    let bare = format!("[\n  {row}\n]");
    let enveloped = format!(r#"{{"exported_at":"2026-05-15T10:00:00Z","count":1,"data":[{row}]}}"#);
    for body in [bare, enveloped] {
        let batches = read("requests", &["id", "cost_usd", "error_message", "created_at", "extra"], &[body.as_bytes()]);
        let batch = &batches.unwrap()[0];
        assert_eq!(batch.num_rows(), 1);
        assert_eq!(texts(batch.column(0)), [Some("req_xxx")]);
        assert_eq!(batch.column(1).as_ref(), &Float64Array::from(vec![0.000_096]));
        assert_eq!(texts(batch.column(2)), [None]);
        let times = TimestampMicrosecondArray::from(vec![1_778_835_600_000_000]).with_timezone("UTC");
        assert_eq!(batch.column(3).as_ref(), &times);
        assert_eq!(texts(batch.column(4)), [None]);
        let schema = batch.schema();
        assert_eq!(schema.field(3).data_type(), &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
        assert_eq!(schema.field(4).metadata().get("pg.type").unwrap(), "jsonb");
    }
}

#[test]
fn bigint_is_exact_and_takes_nothing_else() {
    let members = [
        "\"i\":9007199254740993",
        "\"i\":-9223372036854775808",
        "\"i\":9223372036854775807",
        "\"i\":1e3",
        "\"i\":2.0",
        "\"i\":-0",
        "\"i\":null",
        "",
    ];
    let expected =
        [Some(9_007_199_254_740_993), Some(i64::MIN), Some(i64::MAX), Some(1000), Some(2), Some(0), None, None];
    assert_eq!(column("i", &members).unwrap().as_ref(), &Int64Array::from(expected.to_vec()));
    let at = "column \"i\" of spanlens.types: upstream sent";
    for (value, expected) in [
        ("1.5", "a fraction where bigint is expected"),
        ("\"1\"", "a string where bigint is expected"),
        ("true", "a boolean where bigint is expected"),
        ("[1]", "an array where bigint is expected"),
        ("{\"x\":1}", "an object where bigint is expected"),
        ("9223372036854775808", "a number outside the range of bigint"),
        ("-9223372036854775809", "a number outside the range of bigint"),
        ("1e300", "a number outside the range of bigint"),
        ("9007199254740994.0", "a number outside the range of bigint"),
        ("1e400", "a number outside the range of double precision"),
    ] {
        let told = (format!("{at} {expected}"), format!("Row 2 of the answer holds {value}."));
        assert_eq!(error("i", &format!("\"i\":{value}")), told);
    }
}

#[test]
fn double_is_the_nearest() {
    let members = [
        "\"d\":1e-9",
        "\"d\":0.1",
        "\"d\":5e-324",
        "\"d\":1.7976931348623157e308",
        "\"d\":3",
        "\"d\":18446744073709551615",
        "\"d\":0.30000000000000004",
        "\"d\":null",
    ];
    let expected = [
        Some(1e-9),
        Some(0.1),
        Some(5e-324),
        Some(f64::MAX),
        Some(3.0),
        Some(18_446_744_073_709_551_615.0),
        Some(0.300_000_000_000_000_04),
        None,
    ];
    assert_eq!(column("d", &members).unwrap().as_ref(), &Float64Array::from(expected.to_vec()));
    assert_eq!(
        error("d", "\"d\":1e400"),
        (
            "column \"d\" of spanlens.types: upstream sent a number outside the range of double precision".to_owned(),
            "Row 2 of the answer holds 1e400.".to_owned()
        )
    );
    assert!(error("d", "\"d\":\"0.1\"").0.ends_with("upstream sent a string where double precision is expected"));
}

#[test]
fn boolean_text_and_time() {
    let booleans = column("b", &["\"b\":true", "\"b\":false", ""]).unwrap();
    assert_eq!(booleans.as_ref(), &BooleanArray::from(vec![Some(true), Some(false), None]));
    assert!(error("b", "\"b\":1").0.ends_with("upstream sent a number where boolean is expected"));
    let found = column("t", &["\"t\":\"\"", "\"t\":\"é\\n\\u00e9\\ud83d\\ude00\"", "\"t\":null"]).unwrap();
    assert_eq!(texts(&found), [Some(""), Some("é\né😀"), None]);
    assert!(error("t", "\"t\":1").0.ends_with("upstream sent a number where text is expected"));
    assert!(error("t", "\"t\":\"a\\u0000\"").0.ends_with("the character \\u0000, which text cannot hold"));
    assert!(error("t", "\"t\":\"\\ud800\"").0.ends_with("upstream sent text that is not Unicode"));
    let times = column("at", &["\"at\":\"1970-01-01T00:00:01.5+00:00\"", "\"at\":\"1970-01-02\""]).unwrap();
    let expected = TimestampMicrosecondArray::from(vec![1_500_000, 86_400_000_000]).with_timezone("UTC");
    assert_eq!(times.as_ref(), &expected);
    assert!(
        error("at", "\"at\":\"yesterday\"")
            .0
            .ends_with("upstream sent text that is not an ISO 8601 time with its offset")
    );
    assert!(error("at", "\"at\":17").0.ends_with("a number where timestamp with time zone is expected"));
}

#[test]
fn jsonb_is_normal() {
    let found = column("j", &["\"j\":{\"b\":1e2,\"a\":[1.10]}", "\"j\":null", "", "\"j\":\"x\"", "\"j\":0"]).unwrap();
    assert_eq!(texts(&found), [Some("{\"a\": [1.10], \"b\": 100}"), None, None, Some("\"x\""), Some("0")]);
    assert!(
        error("j", "\"j\":[\"\\u0000\"]").0.ends_with("upstream sent the character \\u0000, which jsonb cannot hold")
    );
}

#[test]
fn a_value_that_is_needed_and_not_there() {
    let not_there = |member| error("needed", member);
    let at = "column \"needed\" of spanlens.types: upstream sent";
    let first = (format!("{at} null where text is expected"), "Row 2 of the answer holds null.".to_owned());
    assert_eq!(not_there("\"needed\":null"), first);
    let second = (format!("{at} nothing where text is expected"), "It is row 2 of the answer.".to_owned());
    assert_eq!(not_there("\"other\":1"), second);
    let long = format!("\"needed\":[{}]", "1,".repeat(200) + "1");
    assert!(not_there(&long).1.chars().count() < 150);
}

#[test]
fn which_key_is_read() {
    let members = [
        "\"a\":\"x\",\"b2\":\"y\"",
        "\"b2\":\"y\",\"a\":\"x\"",
        "\"b2\":\"y\"",
        "\"a\":\"x\",\"a\":\"z\"",
        "\"a\":null,\"b2\":\"y\"",
        "\"\\u0061\":\"x\"",
    ];
    assert_eq!(texts(&column("one", &members).unwrap()), [Some("x"), Some("x"), Some("y"), Some("z"), None, Some("x")]);
    let body = br#"[{"b2":"y","a":"x"},{"b2":"z"}]"#;
    let batch = &read("types", &["one", "two"], &[body]).unwrap()[0];
    assert_eq!(
        (texts(batch.column(0)), texts(batch.column(1))),
        (vec![Some("x"), Some("z")], vec![Some("y"), Some("z")])
    );
}

#[test]
fn what_stands_in_no_row() {
    let members =
        ["\"ended_at\":\"1970-01-01T00:00:01Z\"", "\"endedAt\":\"1970-01-01T00:00:02Z\"", "", "\"ended_at\":null"];
    let expected = TimestampMicrosecondArray::from(vec![1_000_000, 2_000_000, 42, 42]).with_timezone("UTC");
    assert_eq!(column("ended", &members).unwrap().as_ref(), &expected);
    assert_eq!(texts(&column("hidden", &["", "\"hidden\":\"told\""]).unwrap()), [Some("asked"), Some("asked")]);
}

#[test]
fn extra_holds_what_no_column_of_the_table_reads() {
    let members = [
        "\"t\":\"x\",\"needed\":1,\"endedAt\":0",
        "\"zz\":1.0,\"n\":null,\"t\":\"x\",\"a b\":{\"k\":1},\"n\":2,\"hidden\":3",
    ];
    let expected = [None, Some("{\"n\": 2, \"zz\": 1.0, \"a b\": {\"k\": 1}, \"hidden\": 3}")];
    assert_eq!(texts(&column("extra", &members).unwrap()), expected);
}

#[test]
fn without_columns_there_are_still_rows() {
    let batches = read("types", &[], &[b"[{},{\"t\":1},{}]"]).unwrap();
    assert_eq!((batches.len(), batches[0].num_rows(), batches[0].num_columns()), (1, 3, 0));
    assert!(read("types", &[], &[b"[]"]).unwrap().is_empty());
}

#[test]
fn batches_are_bounded_in_rows_and_bytes() {
    let body = format!("[{}{{}}]", "{\"t\":\"x\"},".repeat(20_000));
    let sizes = |batches: Vec<RecordBatch>| batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>();
    let pieces: Vec<&[u8]> = body.as_bytes().chunks(777).collect();
    assert_eq!(sizes(read("types", &["t"], &pieces).unwrap()), [8_192, 8_192, 3_617]);
    let row = format!("{{\"t\":\"{}\"}}", "x".repeat(1 << 20));
    let body = format!("[{0},{0},{0},{0},{0}]", row);
    assert_eq!(sizes(read("types", &["t"], &[body.as_bytes()]).unwrap()), [4, 1]);
}

fn body_error(body: &str) -> Error {
    read("types", &["t"], &[body.as_bytes()]).expect_err(body)
}

#[test]
fn bodies_that_are_cut() {
    for body in ["", "[", "[{\"t\":\"x\"},{\"t\"", "[{\"t\":\"x\"}", "{\"data\":[{\"t\":\"x\"}]"] {
        let error = body_error(body);
        assert_eq!(error.kind, Kind::UpstreamTruncated, "{body}");
        let rows = usize::from(body.contains('}'));
        assert_eq!(error.message, format!("upstream cut its answer for spanlens.types after {rows} rows"), "{body}");
    }
    let error = body_error(r#"{"count":3,"data":[{},{}]}"#);
    assert_eq!(
        (error.kind, error.detail.as_deref()),
        (Kind::UpstreamTruncated, Some("The answer says that it holds 3 rows."))
    );
    assert!(read("types", &["t"], &[br#"{"data":[{},{}],"count":2.0}"#]).is_ok());
    assert!(read("types", &["t"], &[br#"{"data":[{}],"count":"7"}"#]).is_ok());
}

#[test]
fn bodies_that_are_something_else() {
    for (body, message, rest) in [
        ("<html>", "upstream sent a web page instead of rows", "https://spanlens-server.vercel.app"),
        ("{\"error\":{\"code\":\"X\",\"message\":\"boom\"}}", "upstream reported an error instead of rows", "boom"),
        ("{\"error\":\"boom\"}", "upstream reported an error instead of rows", "boom"),
        ("{\"rows\":[]}", "upstream sent an object without rows for spanlens.types", "Its keys are: rows."),
        ("[{}] x", "upstream sent more than one JSON value for spanlens.types", "after 1 rows"),
        ("[{},7]", "upstream sent a row of spanlens.types that is not a JSON object", "row 2"),
        ("id,t\n", "upstream sent something other than JSON rows for spanlens.types", "After 0 rows"),
        ("[{\"t\":}]", "upstream sent a row of spanlens.types that cannot be read", "Row 1"),
        ("[{\"x\":[1}]}]", "upstream sent a row of spanlens.types that cannot be read", "Row 1"),
    ] {
        let error = body_error(body);
        assert_eq!((error.kind, error.message.as_str()), (Kind::UpstreamFault, message), "{body}");
        assert!(error.to_string().contains(rest), "{error}");
    }
    let error = read("types", &["t"], &[b"[{\"t\":\"\xff\"}]"]).unwrap_err();
    assert_eq!(error.detail.unwrap(), "Row 1 of the answer: It is not UTF-8.");
}

#[test]
fn a_body_larger_than_allowed_is_given_up() {
    let scan = scan("types", 10);
    let mut decoder = Decoder::new(&scan, &[0], 0).unwrap();
    decoder.feed(b"[{},{},{}").unwrap();
    let error = decoder.feed(b",{").unwrap_err();
    assert_eq!(error.kind, Kind::ConfigurationLimit);
    assert_eq!(error.message, "an answer for spanlens.types is larger than 10 bytes");
    assert_eq!(error.detail.unwrap(), "It was given up after 3 rows.");
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::sample::select(br#"[]{},:"\ tx19.e-u0"#.to_vec()), 0..60)) {
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let _ = read("types", &["t", "i", "j", "extra"], &[format!("[{{{text}}}]").as_bytes()]);
        // Whatever serde_json takes as JSON has a jsonb or a reason, and what it refuses has none.
        let known = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
        let normal = crate::pgtype::jsonb::normalize(&text);
        if !known {
            proptest::prop_assert!(normal.is_err(), "{}", text);
        } else if normal.is_err() {
            proptest::prop_assert!(normal != Err(crate::pgtype::jsonb::Fault::Syntax), "{}", text);
        }
    }
}
