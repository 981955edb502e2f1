//! CSV with a header: cells, quotes, and what is no row.

use datafusion::arrow::array::{AsArray, BooleanArray, Float64Array, Int64Array, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{Float64Type, Int64Type};

use super::bodies::{batches, every_way, refusal};
use super::*;

fn read(columns: &[&str], text: &str) -> RecordBatch {
    let mut found = every_way("plain", "csv", columns, text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.len(), 1, "{text}");
    found.remove(0)
}

fn texts(name: &str, text: &str) -> Vec<Option<String>> {
    read(&[name], text).column(0).as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

#[test]
fn columns_are_found_by_the_header() {
    let text = "i,a.b,unknown,t\r\n1,x,\"y\"\"\",z\r\n2,,,\r\n";
    let found = read(&["t", "i", "dotted", "extra"], text);
    assert_eq!(super::texts(found.column(0)), [Some("z"), None]);
    assert_eq!(found.column(1).as_ref(), &Int64Array::from(vec![1, 2]));
    assert_eq!(super::texts(found.column(2)), [Some("x"), None]);
    assert_eq!(super::texts(found.column(3)), [Some("{\"unknown\": \"y\\\"\"}"), Some("{\"unknown\": null}")]);
    // The name of a column whose key is another is no key.
    assert_eq!(texts("extra", "dotted,t\n1,x"), some(&["{\"dotted\": \"1\"}"]));
    assert_eq!(texts("t", "\u{feff}\"t\",i\nx,1"), some(&["x"]));
}

#[test]
fn cells_are_quoted_as_rfc_4180_has_it() {
    let text = "t,i\n\"a,\"\"b\"\"\r\nc\",1\nplain \"q\",2\r\n\"\",3\n\"é😀\",\"4\"\n\\n,5";
    let found = read(&["t", "i"], text);
    assert_eq!(
        super::texts(found.column(0)),
        [Some("a,\"b\"\r\nc"), Some("plain \"q\""), Some(""), Some("é😀"), Some("\\n")]
    );
    assert_eq!(found.column(1).as_primitive::<Int64Type>().values(), &[1, 2, 3, 4, 5]);
    let long = "x\"\"\n".repeat(300);
    assert_eq!(texts("t", &format!("t\n\"{long}\"\n\ny\n")), some(&[&long.replace("\"\"", "\""), "y"]));
    // The last cell may be empty, and the last line without an end.
    assert_eq!(texts("t", "i,t\n1,"), [None]);
    assert_eq!(texts("t", "i,t\n1,\"\""), some(&[""]));
    assert_eq!(texts("t", "t,i\r\"a\",\r\"b\",1\r"), some(&["a", "b"]));
}

#[test]
fn cells_are_of_their_columns_types() {
    let text = "i,d,b,at,ms,j,jt\n\
        -5,1.5e3,true,1970-01-01T00:00:01Z,1500,\"{\"\"b\"\":1,\"\"a\"\":2}\",[1]\n\
        ,,,,,,\n\
        2.0,3,False,1970-01-02,1970-01-01T00:00:02Z,no json,no json\n\
        \"\",\"\",\"\",\"\",\"\",\"\",\"\"\n\
        7,7,TRUE,1970-01-01,0,\"\"\"5\"\"\",\"\"\"5\"\"\"\n";
    let found = read(&["i", "d", "b", "at", "ms", "j", "jt"], text);
    let times = |micros: Vec<Option<i64>>| TimestampMicrosecondArray::from(micros).with_timezone("UTC");
    assert_eq!(found.column(0).as_ref(), &Int64Array::from(vec![Some(-5), None, Some(2), None, Some(7)]));
    assert_eq!(found.column(1).as_ref(), &Float64Array::from(vec![Some(1_500.0), None, Some(3.0), None, Some(7.0)]));
    assert_eq!(found.column(2).as_ref(), &BooleanArray::from(vec![Some(true), None, Some(false), None, Some(true)]));
    assert_eq!(found.column(3).as_ref(), &times(vec![Some(1_000_000), None, Some(86_400_000_000), None, Some(0)]));
    assert_eq!(found.column(4).as_ref(), &times(vec![Some(1_500_000), None, Some(2_000_000), None, Some(0)]));
    let json = |last| [Some("{\"a\": 2, \"b\": 1}"), None, Some("\"no json\""), Some("\"\""), Some(last)];
    assert_eq!(super::texts(found.column(5)), json("\"5\""));
    assert_eq!(super::texts(found.column(6)), [Some("[1]"), None, Some("\"no json\""), Some("\"\""), Some("\"5\"")]);
}

#[test]
fn documents_and_spans_are_read_from_cells() {
    let text = "doc,start,end,tt\n\"{\"\"model\"\":\"\"m\"\"}\",1970-01-01,1970-01-01T00:00:00.002Z,17\n,,,\n";
    let found = read(&["model", "doc", "took", "tt"], text);
    assert_eq!(super::texts(found.column(0)), [Some("m"), None]);
    assert_eq!(super::texts(found.column(1)), [Some("{\"model\": \"m\"}"), None]);
    assert_eq!(found.column(2).as_primitive::<Float64Type>(), &Float64Array::from(vec![Some(2.0), None]));
    assert_eq!(super::texts(found.column(3)), [Some("17"), None]);
}

#[test]
fn cells_of_another_type_are_refused() {
    for (column, cell, expected) in [
        ("i", "x", "a string where bigint is expected"),
        ("i", "01", "a string where bigint is expected"),
        ("i", "1.5", "a fraction where bigint is expected"),
        ("i", "{}", "a string where bigint is expected"),
        ("d", "NaN", "a string where double precision is expected"),
        ("d", " 1", "a string where double precision is expected"),
        ("d", "1e400", "a number outside the range of double precision"),
        ("b", "1", "a string where boolean is expected"),
        ("at", "17", "text that is not an ISO 8601 time with its offset"),
        ("ms", "1.5", "a fraction where timestamp with time zone is expected"),
        ("ms", "soon", "text that is not an ISO 8601 time with its offset"),
    ] {
        let text = format!("t,{column}\n,\n,{cell}\n");
        let error = every_way("plain", "csv", &[column], text.as_bytes()).expect_err(cell);
        assert_eq!(error.kind, Kind::UpstreamData, "{cell}");
        assert_eq!(error.message, format!("column \"{column}\" of sgp.file: upstream sent {expected}"));
        assert!(error.detail.unwrap().starts_with("Row 2 of the answer holds "), "{cell}");
    }
}

#[test]
fn records_that_are_no_rows() {
    for (text, message, rest) in [
        ("t,i\na\nb,2\n", "upstream sent a row of sgp.file that cannot be read", "Row 1 of the answer: It has 1 cells"),
        ("t,i\na,1\na,1,2\n", "upstream sent a row of sgp.file that cannot be read", "Row 2 of the answer: It has 3"),
        ("t,i\na,1\nb,2,", "upstream sent a row of sgp.file that cannot be read", "Row 2 of the answer: It has 3"),
        ("x,y\n1,2\n", "upstream sent CSV without a column of sgp.file", "Its header is: x,y"),
        ("Internal Server Error", "upstream sent CSV without a column of sgp.file", "Internal Server Error"),
    ] {
        let error = refusal("plain", "csv", text.as_bytes());
        assert_eq!((error.kind, error.message.as_str()), (Kind::UpstreamFault, message), "{text}");
        assert!(error.to_string().contains(rest), "{error}");
    }
    let error = refusal("plain", "csv", b"t,i\n\xff,1\n");
    assert_eq!(error.detail.unwrap(), "Row 1 of the answer: It is not UTF-8.");
    assert!(refusal("plain", "csv", "x ".repeat(900).as_bytes()).detail.unwrap().len() < 150);
}

#[test]
fn records_that_are_cut() {
    let whole = "i,t\r\n1,a\r\n2,\"b\"\"\r\nc\"";
    let cut: Vec<usize> = (0..=whole.len())
        .filter(|length| match batches("plain", "csv", &["t"], &[&whole.as_bytes()[..*length]]) {
            Ok(_) => false,
            Err(error) => error.kind == Kind::UpstreamTruncated,
        })
        .collect();
    // Within a quoted cell, or before the last comma; a quote that is closed may be the end. What ends within an
    // unquoted cell cannot be told from the end.
    let start = whole.find("\"b").unwrap();
    let closed = start + "\"b\"".len();
    let expected =
        |length: &usize| matches!(*length, 6 | 11) || (*length > start && *length != closed && *length < whole.len());
    assert_eq!(cut, (0..=whole.len()).filter(expected).collect::<Vec<_>>());
}
