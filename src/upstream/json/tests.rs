//! Bodies cut at every place into two chunks, and byte by byte, give the same rows.

use super::*;

type Rows = Result<(Vec<String>, Vec<(String, String)>), Fault>;

fn split(chunks: &[&[u8]]) -> Rows {
    let mut splitter = Splitter::new(&["data", "results"], 1_000);
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
    let whole = split(&[body]);
    for at in 0..=body.len() {
        assert_eq!(split(&[&body[..at], &body[at..]]), whole, "cut at {at}");
    }
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(split(&bytes), whole, "byte by byte");
    whole
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
