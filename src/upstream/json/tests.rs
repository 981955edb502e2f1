//! Bodies cut at every place into two chunks, and byte by byte, give the same rows.

use super::*;

type Rows = Result<(Vec<String>, Vec<(String, String)>), Fault>;

fn split(chunks: &[&[u8]]) -> Rows {
    run(Splitter::new(&["data", "results"], 1_000), chunks)
}

fn run(mut splitter: Splitter, chunks: &[&[u8]]) -> Rows {
    let mut rows = Vec::new();
    for chunk in chunks {
        let mut rest = *chunk;
        while let Some(row) = splitter.next(&mut rest)? {
            rows.push(String::from_utf8(row.to_vec()).unwrap());
        }
    }
    Ok((rows, splitter.finish()?.to_vec()))
}

fn every_way(body: &[u8]) -> Rows {
    by_every_way(body, split)
}

fn by_every_way(body: &[u8], split: impl Fn(&[&[u8]]) -> Rows) -> Rows {
    let whole = split(&[body]);
    for at in 0..=body.len() {
        assert_eq!(split(&[&body[..at], &body[at..]]), whole, "cut at {at}");
    }
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(split(&bytes), whole, "byte by byte");
    whole
}

fn lines(body: &str) -> Rows {
    by_every_way(body.as_bytes(), |chunks| run(Splitter::lines(1_000), chunks))
}

/// The pieces put together.
fn text(body: &str) -> Result<(String, usize), Fault> {
    let found = by_every_way(body.as_bytes(), |chunks| {
        run(Splitter::text("content"), chunks).map(|(pieces, members)| (vec![pieces.concat()], members))
    });
    found.map(|(pieces, members)| (pieces.concat(), members.len()))
}

fn rows(body: &str) -> Vec<String> {
    every_way(body.as_bytes()).unwrap_or_else(|fault| panic!("{fault:?}: {body}")).0
}

fn fault(body: &str) -> Fault {
    every_way(body.as_bytes()).expect_err(body)
}

#[test]
fn a_bare_array() {
    assert_eq!(rows("[]"), [""; 0]);
    assert_eq!(rows(" \n[ {} , {\"a\":[1,{}]}\n]\r\n"), ["{}", "{\"a\":[1,{}]}"]);
    assert_eq!(rows("\u{feff}[{\"é\":\"}]\\\"{\\\\\"}]"), ["{\"é\":\"}]\\\"{\\\\\"}"]);
}

#[test]
fn an_object_around_the_array() {
    let body = r#"{"exported_at":"2026-05-15","count": 2 ,"meta":{"a":[1]},"data":[{"x":1}, {"x":2}],"next":null}"#;
    let (rows, members) = every_way(body.as_bytes()).unwrap();
    assert_eq!(rows, ["{\"x\":1}", "{\"x\":2}"]);
    let members: Vec<_> = members.iter().map(|(key, raw)| format!("{key}={raw}")).collect();
    assert_eq!(members, ["exported_at=\"2026-05-15\"", "count=2", "meta={\"a\":[1]}", "next=null"]);
    assert_eq!(every_way(br#"{"d\u0061ta":[{}]}"#).unwrap().0, ["{}"]);
    assert_eq!(every_way(br#"{"results":[{}],"data":[1]}"#).unwrap().1, [("data".to_owned(), "[1]".to_owned())]);
}

#[test]
fn long_members_are_passed_over() {
    let long = "x".repeat(MAX_MEMBER_BYTES);
    let body = format!(r#"{{"a":"{long}","{long}":[1],"b":1,"data":[{{}}]}}"#);
    let (rows, members) = split(&body.as_bytes().chunks(1_000).collect::<Vec<_>>()).unwrap();
    assert_eq!((rows.len(), members.len()), (1, 2));
    assert_eq!(members[1], ("b".to_owned(), "1".to_owned()));
}

#[test]
fn every_shortening_is_a_cut() {
    for body in [r#"[{"a":"\\\""},{"b":[{}]}]"#, r#"{"count":1,"data":[{"a":1}],"more":{"x":"y"}}"#, "\u{feff}[{}]"] {
        for length in 0..body.len() {
            assert_eq!(split(&[&body.as_bytes()[..length]]), Err(Fault::Cut), "{}", &body[..length.min(40)]);
        }
    }
}

#[test]
fn what_is_no_body_of_rows_is_told_apart() {
    assert_eq!(fault("<!doctype html>"), Fault::Html);
    assert_eq!(fault("  \n<html>"), Fault::Html);
    assert_eq!(fault("id,provider\n1,x"), Fault::Syntax);
    assert_eq!(fault("null"), Fault::Syntax);
    assert_eq!(fault("{\"error\":\"x\"}"), Fault::NoRows);
    assert_eq!(fault("{}"), Fault::NoRows);
    assert_eq!(fault("{\"data\":null}"), Fault::NoRows);
    assert_eq!(fault("{\"rows\":[{}]}"), Fault::NoRows);
    assert_eq!(fault("[]x"), Fault::Trailing);
    assert_eq!(fault("[{}][]"), Fault::Trailing);
    assert_eq!(fault("{\"data\":[]},"), Fault::Trailing);
    for body in ["[1]", "[{},null]", "[[]]", "[\"a\"]"] {
        assert_eq!(fault(body), Fault::NotAnObject, "{body}");
    }
    for body in ["[,]", "[{},]", "[{} {}]", "{,}", "{\"a\" 1}", "{\"a\":tru}", "{\"a\":1 2}", "{\"data\":[]]", "]"] {
        assert_eq!(fault(body), Fault::Syntax, "{body}");
    }
    assert_eq!(split(&[&[0xef, 0xbb, b'[']]), Err(Fault::Syntax));
}

#[test]
fn a_row_too_long_is_refused_however_it_comes() {
    let fits = format!("[{{\"a\":\"{}\"}}]", "x".repeat(1_000 - 8));
    let long = format!("[{{\"a\":\"{}\"}}]", "x".repeat(1_001 - 8));
    for size in [1, 7, 5_000] {
        let chunks = |body: &str| split(&body.as_bytes().chunks(size).collect::<Vec<_>>()).map(|(rows, _)| rows.len());
        assert_eq!(chunks(&fits), Ok(1));
        assert_eq!(chunks(&long), Err(Fault::RowTooLong));
    }
}

#[test]
fn quotes_are_found_at_every_place() {
    for length in 0..40 {
        let mut text = vec![0xff_u8; length];
        assert_eq!(quote_or_backslash(&text), None);
        for at in 0..length {
            for hit in [b'"', b'\\'] {
                text[at] = hit;
                assert_eq!(quote_or_backslash(&text), Some(at));
                text[at] = hit ^ 1;
                assert_eq!(quote_or_backslash(&text), None);
            }
            text[at] = 0;
        }
    }
}

#[test]
fn an_object_a_line() {
    let rows = |body: &str| lines(body).unwrap_or_else(|fault| panic!("{fault:?}: {body}")).0;
    for empty in ["", "\n", " \r\n\n", "\u{feff}"] {
        assert_eq!(rows(empty), [""; 0], "{empty:?}");
    }
    assert_eq!(rows("{\"a\":1}\n{}"), ["{\"a\":1}", "{}"]);
    assert_eq!(rows("\u{feff}{}\r\n \r\n\n {\"}\":\"\\\"\\n{\"}  \r\n"), ["{}", "{\"}\":\"\\\"\\n{\"}"]);
}

#[test]
fn what_is_no_line_of_rows_is_told_apart() {
    for (body, expected) in [
        ("{\"a\":1}\n{\"a\":", Fault::Cut),
        ("{\"a\":[{}", Fault::Cut),
        ("{\"a\":1\n{\"a\":2}\n", Fault::BrokenLine),
        ("{}\n{\"a\":\"x\n\"}", Fault::BrokenLine),
        ("<html>", Fault::Html),
        ("id,name\n1,2\n", Fault::Syntax),
        ("{}{}", Fault::Syntax),
        ("{},\n{}", Fault::Syntax),
        ("{}\n}", Fault::Syntax),
        ("[{}]", Fault::NotAnObject),
        ("{}\n7\n", Fault::NotAnObject),
        ("{}\n\"a\"", Fault::NotAnObject),
    ] {
        assert_eq!(lines(body), Err(expected), "{body}");
    }
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1_001 - 8));
    assert_eq!(run(Splitter::lines(1_000), &[long.as_bytes()]), Err(Fault::RowTooLong));
}

#[test]
fn the_text_of_a_file_keeps_its_escapes() {
    let body = r#"{"filename":"a.jsonl","content":"{\"a\":\"\\\"\\u00e9\"}\n","signed_url":null}"#;
    assert_eq!(text(body), Ok((r#"{\"a\":\"\\\"\\u00e9\"}\n"#.to_owned(), 2)));
    assert_eq!(text(r#" {"content" : "" } "#), Ok((String::new(), 0)));
    assert_eq!(text(r#"{"content":"a","content":"b"}"#), Ok(("a".to_owned(), 1)));
    for (body, expected) in [
        (r#"{"content":null}"#, Fault::NoRows),
        (r#"{"content":["a"]}"#, Fault::NoRows),
        (r#"{"content":"a"#, Fault::Cut),
        (r#"{"content":"a""#, Fault::Cut),
        (r#"{"content":"a\"}"#, Fault::Cut),
        (r#"{"content":"a"} x"#, Fault::Trailing),
        (r#"{"content":"a" 1}"#, Fault::Syntax),
        ("[{}]", Fault::Syntax),
        ("<html>", Fault::Html),
    ] {
        assert_eq!(text(body), Err(expected), "{body}");
    }
}
