//! Lines, files within answers and files themselves, whole, in two pieces and byte by byte.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use datafusion::arrow::array::AsArray;

use super::*;
use crate::model::table::Column;

const COLUMNS: &[Column] = &[
    table::text("t").null(),
    table::bigint("i").null(),
    table::double("d").null(),
    Column { ty: table::Type::Boolean, ..table::text("b") }.null(),
    table::timestamptz("at").null(),
    table::timestamptz("ms").epoch_millis().null(),
    table::jsonb("j").null(),
    table::jsonb("jt").json_text().null(),
    table::text("tt").json_text().null(),
    table::text("model").inside(&["doc", "doc2"], &[&["model"], &["response", "model"]]),
    table::jsonb("doc").json_text().null(),
    table::double("took").between("start", "end"),
    table::timestamptz("start").null(),
    table::timestamptz("end").null(),
    table::text("dotted").keys(&["a.b"]).null(),
    table::text("project").each(),
    table::extra(),
];
const ROWS: Table = Table {
    name: "rows",
    path: "/rows",
    columns: COLUMNS,
    body: Body::Rows { keys: &[], count: false },
    ..table::TABLE
};
const LINES: Table = Table { name: "lines", body: Body::Lines { truncated: "x-cut" }, ..ROWS };
const FILE: Table = Table { name: "file", body: Body::File { content: "content", url: "signed_url" }, ..ROWS };
const SGP: Connector = Connector { tables: &[ROWS, LINES, FILE], ..spanlens::CONNECTOR };

pub(super) fn scan(name: &str, format: &str) -> Scan {
    let source = Source {
        name: "sgp".to_owned(),
        connector: &SGP,
        base_url: "http://127.0.0.1:1".parse().unwrap(),
        quota: SGP.quota,
        lookback: Duration::from_secs(1),
        settle: Duration::ZERO,
        body_bytes: 1 << 30,
        settings: [("format".to_owned(), vec![format.to_owned()])].into_iter().filter(|_| !format.is_empty()).collect(),
    };
    let table = SGP.tables.iter().find(|table| table.name == name).unwrap();
    Scan { echoes: vec![("project", Some("p1".to_owned()))], ..Scan::of(&Arc::new(source), table) }
}

/// Reads a body of one of these tables, or as `plain` the file itself.
pub(super) fn decode(name: &str, format: &str, columns: &[&str], chunks: &[&[u8]]) -> Result<Decoded> {
    let scan = scan(if name == "plain" { "file" } else { name }, format);
    let columns: Vec<usize> = columns.iter().map(|name| scan.table.position(name).unwrap()).collect();
    let decoder = if name == "plain" { Decoder::of_file } else { Decoder::new };
    let mut decoder = decoder(&scan, &columns, WINDOW_END)?;
    for chunk in chunks {
        decoder.feed(chunk)?;
    }
    decoder.finish()
}

pub(super) fn batches(name: &str, format: &str, columns: &[&str], chunks: &[&[u8]]) -> Result<Vec<RecordBatch>> {
    decode(name, format, columns, chunks).map(|decoded| decoded.batches)
}

/// The same however it comes.
pub(super) fn every_way(name: &str, format: &str, columns: &[&str], body: &[u8]) -> Result<Vec<RecordBatch>> {
    let whole = batches(name, format, columns, &[body]);
    for at in 0..=body.len() {
        let halves = batches(name, format, columns, &[&body[..at], &body[at..]]);
        assert_eq!(halves, whole, "{} cut at {at}", String::from_utf8_lossy(body));
    }
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(batches(name, format, columns, &bytes), whole, "{}", String::from_utf8_lossy(body));
    whole
}

/// The only batch of a body.
pub(super) fn rows_of(name: &str, columns: &[&str], body: &str) -> RecordBatch {
    let mut found = every_way(name, "", columns, body.as_bytes()).unwrap();
    assert_eq!(found.len(), 1, "{body}");
    found.remove(0)
}

/// The texts of a column of a body, over all batches.
fn texts_of(name: &str, format: &str, body: &[u8]) -> Vec<String> {
    let found = every_way(name, format, &["t"], body).unwrap_or_else(|error| panic!("{error}"));
    let texts = found.iter().flat_map(|batch| batch.column(0).as_string::<i32>().iter());
    texts.map(|text| text.unwrap_or("NULL").to_owned()).collect()
}

pub(super) fn refusal(name: &str, format: &str, body: &[u8]) -> Error {
    every_way(name, format, &["t", "i"], body).expect_err(&String::from_utf8_lossy(body))
}

/// The answer with a file of this text.
fn with_content(text: &str) -> String {
    format!("{{\"filename\":\"a\",\"content\":{},\"signed_url\":null}}", serde_json::to_string(text).unwrap())
}

/// The same, with nothing in it but escapes of UTF-16.
fn with_escapes(text: &str) -> String {
    let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    format!("{{\"content\":\"{escaped}\"}}")
}

#[test]
fn a_row_a_line() {
    for body in [
        "{\"t\":\"a\"}\n{\"t\":\"b\\n😀\"}\n",
        "{\"t\":\"a\"}\r\n\r\n{\"t\":\"b\\n😀\"}",
        "\u{feff}\n  {\"t\":\"a\"}\n\n{\"t\":\"b\\n\\ud83d\\ude00\"} \n\n",
    ] {
        assert_eq!(texts_of("lines", "", body.as_bytes()), ["a", "b\n😀"]);
        assert_eq!(texts_of("plain", "", body.as_bytes()), ["a", "b\n😀"]);
        assert_eq!(texts_of("plain", "csv", body.as_bytes()), ["a", "b\n😀"]);
    }
    assert_eq!(texts_of("lines", "", b""), [""; 0]);
    assert_eq!(texts_of("lines", "", b"\n\r\n"), [""; 0]);
}

#[test]
fn lines_that_are_cut() {
    let whole = "{\"t\":\"a\"}\n{\"t\":\"b\"}";
    for length in 0..whole.len() {
        let found = batches("lines", "", &["t"], &[&whole.as_bytes()[..length]]);
        if matches!(length, 0 | 9 | 10) {
            assert_eq!(found.unwrap().len(), usize::from(length > 0));
            continue;
        }
        let error = found.unwrap_err();
        let rows = usize::from(length > 10);
        assert_eq!(error.kind, Kind::UpstreamTruncated, "{length}");
        assert_eq!(error.message, format!("upstream cut its answer for sgp.lines after {rows} rows"));
    }
}

#[test]
fn lines_that_are_something_else() {
    for (body, message, rest) in [
        ("<!doctype html>", "upstream sent a web page instead of rows", "spanlens-server"),
        ("{\"error\":\"boom\"}", "upstream reported an error instead of rows", "boom"),
        ("{\"message\":\"boom\",\"code\":7}\n", "upstream reported an error instead of rows", "boom"),
        ("\n{\"detail\":{\"message\":\"boom\"}}", "upstream reported an error instead of rows", "boom"),
        ("{\"t\":\"a\"}\n{\"error\":\"boom\"}\n", "upstream reported an error instead of rows", "boom"),
        ("{\"code\":7}", "upstream sent an object without rows for sgp.lines", "Its keys are: code."),
        ("t,i\na,1\n", "upstream sent something other than JSON rows for sgp.lines", "After 0 rows"),
        ("[{\"t\":\"a\"}]", "upstream sent a row of sgp.lines that is not a JSON object", "row 1"),
        ("{}\n{\"t\":\n", "upstream sent a row of sgp.lines that cannot be read", "Row 2"),
        ("{}\n{\"t\":}\n", "upstream sent a row of sgp.lines that cannot be read", "Row 2"),
        ("{}{}", "upstream sent something other than JSON rows for sgp.lines", "After 1 rows"),
    ] {
        let error = refusal("lines", "", body.as_bytes());
        assert_eq!((error.kind, error.message.as_str()), (Kind::UpstreamFault, message), "{body}");
        assert!(error.to_string().contains(rest), "{error}");
    }
    let error = refusal("lines", "", b"{\"t\":1}");
    assert_eq!(error.message, "column \"t\" of sgp.lines: upstream sent a number where text is expected");
    // These are rows: one has more than an error has, the other less.
    assert_eq!(texts_of("lines", "", b"{\"error\":\"x\",\"t\":\"a\"}\n{}"), ["a", "NULL"]);
}

#[test]
fn a_file_within_the_answer() {
    let lines = "{\"t\":\"a\\\"\\\\\"}\r\n\n{\"t\":\"é\\u00e9😀\\ud83d\\ude00\"}";
    let array = " [{\"t\":\"a\\\"\\\\\"},\n{\"t\":\"éé😀😀\"}]\n";
    for (text, format) in [(lines, ""), (lines, "json"), (lines, "csv"), (array, ""), (array, "jsonl"), (array, "csv")]
    {
        for body in [with_content(text), with_escapes(text)] {
            assert_eq!(texts_of("file", format, body.as_bytes()), ["a\"\\", "éé😀😀"], "{body}");
        }
    }
    assert_eq!(texts_of("file", "csv", with_content("i,t\n1,a\n,\"b\n\"").as_bytes()), ["a", "b\n"]);
    for text in ["", " \n", "[]", "\u{feff}"] {
        assert_eq!(texts_of("file", "", with_content(text).as_bytes()), [""; 0], "{text:?}");
    }
    assert_eq!(texts_of("file", "csv", with_content("").as_bytes()), [""; 0]);
    assert_eq!(texts_of("file", "csv", with_content("i,t\n").as_bytes()), [""; 0]);
    let decoded = decode("file", "", &["t"], &[with_content("{}").as_bytes()]).unwrap();
    assert_eq!(decoded.file_url, None);
    assert_eq!(decoded.envelope.get(&["filename"]), Some("a".into()));
}

#[test]
fn a_file_in_base64() {
    for text in [
        "{\"t\":\"a>?~é\"}\n{\"t\":\"b\"}\n",
        "[{\"t\":\"a>?~é\"},{\"t\":\"b\"}]",
        " \n{\"t\":\"a>?~é\"}\n{\"t\":\"b\"}",
    ] {
        let wrapped: String = STANDARD
            .encode(text)
            .as_bytes()
            .chunks(7)
            .map(|line| format!("{}\r\n", String::from_utf8_lossy(line)))
            .collect();
        for encoded in [STANDARD.encode(text), STANDARD_NO_PAD.encode(text), URL_SAFE.encode(text), wrapped] {
            assert_eq!(texts_of("file", "", with_content(&encoded).as_bytes()), ["a>?~é", "b"], "{encoded}");
            assert_eq!(texts_of("plain", "json", encoded.as_bytes()), ["a>?~é", "b"], "{encoded}");
        }
    }
    let many = "{\"t\":\"x\"}\n".repeat(200);
    assert_eq!(texts_of("plain", "", STANDARD.encode(&many).as_bytes()).len(), 200);
    let cut = STANDARD.encode("{\"t\":\"a\"}\n{\"t\"");
    assert_eq!(refusal("plain", "", cut.as_bytes()).kind, Kind::UpstreamTruncated);
}

#[test]
fn a_file_of_no_known_kind() {
    let long = "neither JSON nor base64, ".repeat(10);
    let padded = format!("{}x", STANDARD.encode("{\"t\":\"ab\"}"));
    assert!(padded.contains('='));
    for (text, shown) in [
        ("t,i\na,1\n", "The file begins with: t,i a,1"),
        ("null", "The file begins with: null"),
        ("x", "The file begins with: x"),
        ("17", "The file begins with: 17"),
        (&padded, &padded),
        (&STANDARD.encode("t,i\na,1\n"), "The file begins with: dCxp"),
        (&STANDARD.encode(STANDARD.encode("{}")), "The file begins with: ZTMw"),
        (&long, "The file begins with: neither JSON nor base64, neither"),
    ] {
        for (name, body) in [("file", with_content(text)), ("plain", text.to_owned())] {
            let error = refusal(name, "", body.as_bytes());
            assert_eq!(error.kind, Kind::UpstreamFault, "{text}");
            assert_eq!(error.message, "upstream sent something other than JSON rows for sgp.file", "{text}");
            assert!(error.detail.as_ref().unwrap().contains(shown), "{error}");
            assert!(error.detail.unwrap().len() < 150);
        }
    }
    assert_eq!(refusal("plain", "", b" <?xml").message, "upstream sent a web page instead of rows");
    assert_eq!(refusal("plain", "csv", b"<html>").message, "upstream sent a web page instead of rows");
}

#[test]
fn files_that_are_cut() {
    for text in ["{\"t\":\"a\"}\n{\"t\"", "[{\"t\":\"a\"}", "[{\"t\":\"a\"},"] {
        let error = refusal("file", "", with_content(text).as_bytes());
        assert_eq!(
            (error.kind, error.message.as_str()),
            (Kind::UpstreamTruncated, "upstream cut its answer for sgp.file after 1 rows")
        );
        assert_eq!(refusal("plain", "", text.as_bytes()).kind, Kind::UpstreamTruncated);
    }
    let whole = with_content("{\"t\":\"a\\n\"}\n");
    for length in 0..whole.len() {
        let error = batches("file", "", &["t"], &[&whole.as_bytes()[..length]]).unwrap_err();
        assert_eq!(error.kind, Kind::UpstreamTruncated, "{length}");
    }
}

#[test]
fn answers_without_a_file() {
    for (body, message, rest) in [
        ("<html>", "upstream sent a web page instead of rows", ""),
        ("{\"detail\":\"boom\"}", "upstream reported an error instead of rows", "boom"),
        ("{\"filename\":\"a\"}", "upstream sent an object without rows for sgp.file", "Its keys are: filename."),
        ("{\"content\":null,\"signed_url\":null}", "upstream sent an object without rows for sgp.file", ""),
        ("{\"content\":null,\"signed_url\":\"\"}", "upstream sent an object without rows for sgp.file", ""),
        ("{\"content\":[],\"signed_url\":\"https://x\"}", "upstream sent an object without rows for sgp.file", ""),
        ("[{\"t\":\"a\"}]", "upstream sent something other than JSON rows for sgp.file", "After 0 rows"),
        ("{\"content\":\"\"} {}", "upstream sent more than one JSON value for sgp.file", ""),
        (
            "{\"content\":\"{\\x}\"}",
            "upstream sent something other than JSON rows for sgp.file",
            "After 0 rows the text",
        ),
        (
            "{\"content\":\"\\ud800\"}",
            "upstream sent something other than JSON rows for sgp.file",
            "After 0 rows the text",
        ),
        ("{\"content\":\"{}\n\"}", "upstream sent something other than JSON rows for sgp.file", "After"),
        ("{\"content\":\"{\\\"error\\\":\\\"boom\\\"}\"}", "upstream reported an error instead of rows", "boom"),
        ("{\"content\":\"{}\\n7\"}", "upstream sent a row of sgp.file that is not a JSON object", "row 2"),
    ] {
        let error = batches("file", "", &["t"], &[body.as_bytes()]).expect_err(body);
        assert_eq!((error.kind, error.message.as_str()), (Kind::UpstreamFault, message), "{body}");
        assert!(error.to_string().contains(rest), "{error}");
        let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
        assert_eq!(batches("file", "", &["t"], &bytes).expect_err(body).message, message, "{body}");
    }
    let error = refusal("file", "", with_content("{\"t\":\"a\",\"i\":1.5}").as_bytes());
    assert_eq!(error.message, "column \"i\" of sgp.file: upstream sent a fraction where bigint is expected");
}

#[test]
fn the_url_of_a_file() {
    let url = "https://files.example/a?b=c&d=%20\u{e9}";
    for body in [
        format!("{{\"filename\":\"a\",\"content\":null,\"signed_url\":\"{url}\"}}"),
        format!("{{\"signed_url\":\"{}\",\"filename\":\"a\"}}", url.replace('/', "\\/")),
        format!("{{\"content\":\"\",\"signed_url\":\"{url}\"}}"),
    ] {
        for size in [1, 7, 1_000] {
            let chunks: Vec<&[u8]> = body.as_bytes().chunks(size).collect();
            let decoded = decode("file", "", &["t"], &chunks).unwrap();
            assert_eq!(decoded.file_url.as_deref(), Some(url), "{body}");
            assert!(decoded.batches.is_empty());
        }
    }
    let both = format!("{{\"signed_url\":\"{url}\",\"content\":\"{{}}\"}}");
    let decoded = decode("file", "", &["t"], &[both.as_bytes()]).unwrap();
    assert_eq!((decoded.file_url, decoded.batches.len()), (None, 1));
}

#[test]
fn a_large_file_is_read_in_batches() {
    let text = "{\"t\":\"x\\n\"}\n".repeat(20_000);
    let body = with_content(&text);
    let chunks: Vec<&[u8]> = body.as_bytes().chunks(100_000).collect();
    let sizes: Vec<usize> = batches("file", "", &["t"], &chunks).unwrap().iter().map(RecordBatch::num_rows).collect();
    assert_eq!(sizes, [8_192, 8_192, 3_616]);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_cut_gives_the_same(
        bytes in proptest::collection::vec(proptest::sample::select(b"[]{},:\"\\ t1\n\rde83i".to_vec()), 0..40),
        format in proptest::sample::select(vec!["csv", "jsonl"]),
        at in 0..80_usize,
    ) {
        let mut text = bytes;
        if format == "csv" {
            text.splice(0..0, *b"t,i\n");
        }
        let body = [&b"{\"content\":\""[..], &text, &b"\"}"[..]].concat();
        for (name, body) in [("plain", &text), ("file", &body), ("lines", &text)] {
            let (left, right) = body.split_at(at.min(body.len()));
            let whole = batches(name, format, &["t", "i", "extra"], &[body]).map_err(|error| error.message);
            let halves = batches(name, format, &["t", "i", "extra"], &[left, right]).map_err(|error| error.message);
            // Of several things that are wrong, the one that is met first may depend on the cut.
            proptest::prop_assert_eq!(whole.ok(), halves.ok());
        }
    }
}

#[test]
fn a_small_page_takes_little_memory() {
    let row = r#"{"t":"text","i":1,"d":0.5,"b":true,"at":"2026-05-15T00:00:00Z","needed":"x"}"#;
    let body = format!("[{}]", [row; 10].join(","));
    let batches = read("types", &["t", "i", "d", "b", "at", "needed"], &[body.as_bytes()]).unwrap();
    assert_eq!(batches[0].num_rows(), 10);
    let bytes = batches[0].get_array_memory_size();
    assert!(bytes < 4_096, "{bytes} bytes for ten rows of six small values");
}
