//! What is written in another way than its type's, and what is made of several values.

use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array, TimestampMicrosecondArray};

use super::bodies::{batches, rows_of};
use crate::error::Kind;

/// One column of rows of these members.
fn column(name: &str, members: &[&str]) -> ArrayRef {
    let rows: Vec<String> = members.iter().map(|member| format!("{{{member}}}")).collect();
    let found = rows_of("rows", &[name], &format!("[{}]", rows.join(",")));
    std::sync::Arc::clone(found.column(0))
}

fn texts(name: &str, members: &[&str]) -> Vec<Option<String>> {
    column(name, members).as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

/// The error of the second row.
fn refusal(columns: &[&str], member: &str) -> (String, String) {
    let error = batches("rows", "", columns, &[format!("[{{}},{{{member}}}]").as_bytes()]).expect_err(member);
    assert_eq!(error.kind, Kind::UpstreamData, "{member}");
    (error.message, error.detail.unwrap())
}

fn times(micros: Vec<Option<i64>>) -> TimestampMicrosecondArray {
    TimestampMicrosecondArray::from(micros).with_timezone("UTC")
}

#[test]
fn a_time_in_milliseconds() {
    let members = [
        "\"ms\":1778835600123",
        "\"ms\":1.7e12",
        "\"ms\":12.0",
        "\"ms\":-1",
        "\"ms\":0",
        "\"ms\":null",
        "",
        "\"ms\":\"1970-01-01T00:00:01Z\"",
    ];
    let expected = [
        Some(1_778_835_600_123_000),
        Some(1_700_000_000_000_000),
        Some(12_000),
        Some(-1_000),
        Some(0),
        None,
        None,
        Some(1_000_000),
    ];
    assert_eq!(column("ms", &members).as_ref(), &times(expected.to_vec()));
    let at = "column \"ms\" of sgp.rows: upstream sent";
    for (value, expected) in [
        ("1.5", "a fraction where timestamp with time zone is expected"),
        ("true", "a boolean where timestamp with time zone is expected"),
        ("[1]", "an array where timestamp with time zone is expected"),
        ("9223372036854775807", "a number outside the range of timestamp with time zone"),
        ("-9223372036854775808", "a number outside the range of timestamp with time zone"),
        ("18446744073709551615", "a number outside the range of timestamp with time zone"),
        ("1e300", "a number outside the range of timestamp with time zone"),
        ("9000000000000000", "a number outside the range of timestamp with time zone"),
        ("\"1778835600123\"", "text that is not an ISO 8601 time with its offset"),
    ] {
        let told = (format!("{at} {expected}"), format!("Row 2 of the answer holds {value}."));
        assert_eq!(refusal(&["ms"], &format!("\"ms\":{value}")), told);
    }
    assert!(refusal(&["at"], "\"at\":0").0.ends_with("a number where timestamp with time zone is expected"));
}

#[test]
fn a_string_that_holds_json_is_that_json() {
    let members = [
        r#""jt":"{\"b\":1e2,\"a\":[\"\\u00e9\"]}""#,
        r#""jt":"[1.10]""#,
        r#""jt":" 5 ""#,
        r#""jt":"\"x\"""#,
        r#""jt":{"b":1,"a":2}"#,
        r#""jt":[ ]"#,
        r#""jt":7"#,
        r#""jt":false"#,
    ];
    let expected = ["{\"a\": [\"é\"], \"b\": 100}", "[1.10]", "5", "\"x\"", "{\"a\": 2, \"b\": 1}", "[]", "7", "false"];
    assert_eq!(texts("jt", &members), expected.map(|text| Some(text.to_owned())));
}

#[test]
fn a_string_that_holds_no_json_is_a_string() {
    let members = [
        r#""jt":"hello""#,
        r#""jt":"""#,
        r#""jt":"{\"a\":""#,
        r#""jt":"{} {}""#,
        r#""jt":"{\"a\":\"\\u0000\"}""#,
        r#""jt":"1e999999999""#,
    ];
    let expected = ["\"hello\"", "\"\"", r#""{\"a\":""#, "\"{} {}\"", r#""{\"a\":\"\\u0000\"}""#, "\"1e999999999\""];
    assert_eq!(texts("jt", &members), expected.map(|text| Some(text.to_owned())));
    assert_eq!(texts("jt", &["\"jt\":null", "", "\"jt\":\"null\""]), [None, None, None]);
    assert!(refusal(&["jt"], r#""jt":"a\u0000""#).0.ends_with("the character \\u0000, which jsonb cannot hold"));
    assert!(refusal(&["jt"], r#""jt":{"a":"\u0000"}"#).0.ends_with("the character \\u0000, which jsonb cannot hold"));
    assert!(
        refusal(&["jt"], r#""jt":"\ud800""#).0.ends_with("half of a Unicode surrogate pair, which jsonb cannot hold")
    );
}

#[test]
fn a_text_that_may_be_json_keeps_what_was_sent() {
    let members = [
        r#""tt":"a\n{\"b\":1}""#,
        r#""tt":"""#,
        r#""tt":{"b":1e2,"a":"\u00e9"}"#,
        r#""tt":[1,{}]"#,
        r#""tt":1.50"#,
        r#""tt":true"#,
        r#""tt":null"#,
        "",
    ];
    let expected = [
        Some("a\n{\"b\":1}"),
        Some(""),
        Some(r#"{"b":1e2,"a":"\u00e9"}"#),
        Some("[1,{}]"),
        Some("1.50"),
        Some("true"),
        None,
        None,
    ];
    assert_eq!(texts("tt", &members), expected.map(|text| text.map(str::to_owned)));
    assert!(refusal(&["tt"], r#""tt":"a\u0000""#).0.ends_with("the character \\u0000, which text cannot hold"));
    assert!(refusal(&["tt"], r#""tt":"\ud800""#).0.ends_with("upstream sent text that is not Unicode"));
}

#[test]
fn a_text_within_a_document() {
    let members = [
        r#""doc":{"model":"a"},"doc2":{"model":"b"}"#,
        r#""doc2":"{\"response\":{\"model\":\"b\"}}""#,
        r#""doc":"{\"response\":{\"model\":\"b\"},\"model\":3}""#,
        r#""doc":null,"doc2":{"model":"b"}"#,
        r#""doc":"no json","doc2":{"model":"b"}"#,
        r#""doc":[{"model":"a"}]"#,
        r#""doc":17"#,
        "",
    ];
    let expected = [Some("a"), Some("b"), Some("b"), None, None, None, None, None];
    let expected = expected.map(|text| text.map(str::to_owned));
    assert_eq!(texts("model", &members), expected);
    // The key feeds a column of its own as well.
    let row = r#"[{"doc":"{\"model\":\"a\"}"}]"#;
    let found = rows_of("rows", &["model", "doc"], row);
    assert_eq!(found.column(0).as_string::<i32>().value(0), "a");
    assert_eq!(found.column(1).as_string::<i32>().value(0), "{\"model\": \"a\"}");
    let nul = r#""doc":{"model":"a\u0000"}"#;
    assert!(refusal(&["model"], nul).0.ends_with("the character \\u0000, which text cannot hold"));
}

#[test]
fn from_one_time_to_another() {
    let at = |start: &str, end: &str| format!("\"start\":\"1970-01-01T{start}Z\",\"end\":\"1970-01-01T{end}Z\"");
    let members = [
        at("00:00:00", "00:00:01.5"),
        at("00:00:00.000001", "00:00:00.000003"),
        at("00:00:01", "00:00:00"),
        at("00:00:00", "00:00:00"),
        "\"end\":\"1970-01-01T00:00:00.25+00:00\",\"start\":\"1970-01-01\"".to_owned(),
        "\"start\":\"1970-01-01\"".to_owned(),
        "\"end\":\"1970-01-01\"".to_owned(),
        "\"start\":\"1970-01-01\",\"end\":null".to_owned(),
        "\"start\":null,\"end\":\"1970-01-01\"".to_owned(),
        String::new(),
    ];
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let expected =
        vec![Some(1_500.0), Some(0.002), Some(-1_000.0), Some(0.0), Some(250.0), None, None, None, None, None];
    assert_eq!(column("took", &members).as_ref(), &Float64Array::from(expected.clone()));
    // The keys feed columns of their own as well, before it and behind it.
    let body = format!("[{}]", members.iter().map(|member| format!("{{{member}}}")).collect::<Vec<_>>().join(","));
    let found = rows_of("rows", &["start", "took", "end"], &body);
    assert_eq!(found.column(1).as_ref(), &Float64Array::from(expected));
    let starts = vec![Some(0), Some(1), Some(1_000_000), Some(0), Some(0), Some(0), None, Some(0), None, None];
    assert_eq!(found.column(0).as_ref(), &times(starts));
    let longest = "\"start\":\"0001-01-01\",\"end\":\"9999-12-31T23:59:59.999999Z\"";
    assert_eq!(column("took", &[longest]).as_ref(), &Float64Array::from(vec![315_537_897_599_999.999_999]));
}

#[test]
fn what_is_no_time_is_not_reckoned_with() {
    let at = "column \"took\" of sgp.rows: upstream sent";
    let good = "\"start\":\"1970-01-01\"";
    for (value, expected) in [
        ("\"soon\"", "text that is not an ISO 8601 time with its offset"),
        ("17", "a number where timestamp with time zone is expected"),
        ("{}", "an object where timestamp with time zone is expected"),
        ("\"\\ud800\"", "text that is not Unicode"),
    ] {
        let told = (format!("{at} {expected}"), format!("Row 2 of the answer holds {value}."));
        assert_eq!(refusal(&["took"], &format!("{good},\"end\":{value}")), told);
        assert_eq!(refusal(&["took"], &format!("\"end\":\"1970-01-01\",\"start\":{value}")), told);
    }
    assert_eq!(
        refusal(&["took", "end"], &format!("{good},\"end\":17")).0,
        format!("{at} a number where timestamp with time zone is expected")
    );
}

#[test]
fn the_value_asked_for_is_shown_in_every_row() {
    assert_eq!(texts("project", &["", "\"project\":\"told\""]), [Some("p1".to_owned()), Some("p1".to_owned())]);
}

#[test]
fn what_several_columns_read_is_not_extra() {
    let row = r#""doc":{},"start":null,"end":null,"z":1"#;
    assert_eq!(texts("extra", &[row]), [Some("{\"z\": 1}".to_owned())]);
}
