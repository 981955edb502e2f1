//! Each line is what PostgreSQL 15.18 answers to the operator.

use super::*;
use crate::pgtype::jsonb::access::{Path, at};

const CONTAINS: &[(&str, &str, bool)] = &[
    (r#"["a","b"]"#, r#"["a"]"#, true),
    (r#"["a","b"]"#, r#""a""#, true),
    (r#""a""#, r#"["a"]"#, false),
    (r#""a""#, r#""a""#, true),
    (r#""a""#, r#""b""#, false),
    (r#"["a"]"#, r#"["a","b"]"#, false),
    (r#"["a","a"]"#, r#"["a","a","a"]"#, true),
    ("[1,2]", "[1.0]", true),
    ("[1.00]", "1", true),
    ("1", "1.0", true),
    ("0", "-0.0", true),
    ("[10]", "[1]", false),
    ("[100]", "[1e2]", true),
    (r#"["1"]"#, "[1]", false),
    ("[null]", "[null]", true),
    ("null", "null", true),
    ("[null]", "null", true),
    ("[true]", "[false]", false),
    ("[true]", "true", true),
    ("[]", "[]", true),
    (r#"["a"]"#, "[]", true),
    ("{}", "{}", true),
    (r#"{"a":1}"#, "{}", true),
    ("{}", "[]", false),
    ("[]", "{}", false),
    (r#""a""#, "[]", false),
    ("[[1,2]]", "[1]", false),
    ("[[1,2]]", "[[1]]", true),
    ("[1]", "[[1]]", false),
    ("[[1],[2,3]]", "[[3]]", true),
    ("[[1],[2,3]]", "[[1,3]]", false),
    (r#"[["a"]]"#, r#""a""#, false),
    (r#"{"a":1,"b":2}"#, r#"{"a":1}"#, true),
    (r#"{"a":1,"b":2}"#, r#"{"a":1.0}"#, true),
    (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false),
    (r#"{"a":1}"#, r#"{"b":1}"#, false),
    (r#"{"a":{"x":1,"y":2}}"#, r#"{"a":{"x":1}}"#, true),
    (r#"{"a":{"x":1}}"#, r#"{"x":1}"#, false),
    (r#"{"a":[1,2]}"#, r#"{"a":[2]}"#, true),
    (r#"{"a":[1,2]}"#, r#"{"a":2}"#, false),
    (r#"{"a":2}"#, r#"{"a":[2]}"#, false),
    (r#"{"a":null}"#, r#"{"a":null}"#, true),
    (r#"{"a":[]}"#, r#"{"a":{}}"#, false),
    (r#"{"a":[1]}"#, r#"{"a":[]}"#, true),
    (r#"[{"a":1,"b":2},{"a":3}]"#, r#"[{"a":3}]"#, true),
    (r#"[{"a":1,"b":2}]"#, r#"[{"b":2},{"a":1}]"#, true),
    (r#"[{"a":1}]"#, r#"{"a":1}"#, false),
    (r#"[1,{"a":[{"b":1}]}]"#, r#"[{"a":[{"b":1}]},1]"#, true),
    (r#"["é\n"]"#, r#"["\u00e9\n"]"#, true),
    ("[0.0]", "[0]", true),
    ("[-1.50]", "[-1.5]", true),
    (r#"[{"a":1}]"#, "[[]]", false),
    ("[[]]", "[[]]", true),
    ("[[[1]]]", "[[]]", true),
];

const EXISTS: &[(&str, &str, bool)] = &[
    (r#"["a","b"]"#, "a", true),
    (r#"["a"]"#, "b", false),
    (r#"{"a":1}"#, "a", true),
    (r#"{"a":1}"#, "1", false),
    (r#""a""#, "a", true),
    (r#""a""#, "b", false),
    ("[1]", "1", false),
    (r#"[["a"]]"#, "a", false),
    (r#"{"b":"a"}"#, "a", false),
    ("null", "null", false),
    ("[null]", "null", false),
    ("1", "1", false),
    (r#"["é\""]"#, r#"é""#, true),
    ("[]", "", false),
    (r#"[""]"#, "", true),
    (r#"{"":1}"#, "", true),
    ("true", "true", false),
];

const CONCAT: &[(&str, &str, &str)] = &[
    ("[1]", "[2]", "[1, 2]"),
    ("[1]", "2", "[1, 2]"),
    ("1", "2", "[1, 2]"),
    (r#"{"a":1}"#, r#"{"b":2}"#, r#"{"a": 1, "b": 2}"#),
    (r#"{"a":1,"b":2}"#, r#"{"a":3}"#, r#"{"a": 3, "b": 2}"#),
    (r#"{"a":1}"#, "2", r#"[{"a": 1}, 2]"#),
    (r#"{"a":1}"#, "[2]", r#"[{"a": 1}, 2]"#),
    ("[2]", r#"{"a":1}"#, r#"[2, {"a": 1}]"#),
    ("[]", "[]", "[]"),
    ("{}", "{}", "{}"),
    ("{}", "[]", "[{}]"),
    ("[]", "{}", "[{}]"),
    ("null", "null", "[null, null]"),
    (r#""a""#, r#"["b"]"#, r#"["a", "b"]"#),
    (r#"{"a":{"x":1}}"#, r#"{"a":{"y":2}}"#, r#"{"a": {"y": 2}}"#),
    ("[[1]]", "[[2]]", "[[1], [2]]"),
    ("[]", "1", "[1]"),
    ("{}", "1", "[{}, 1]"),
];

const PATHS: &[(&str, &[&str], Option<&str>)] = &[
    (r#"{"a":{"b":[1,"x",null]}}"#, &["a", "b", "1"], Some(r#""x""#)),
    (r#"{"a":{"b":[1,"x",null]}}"#, &["a", "b", "-1"], Some("null")),
    (r#"{"a":{"b":[1,"x",null]}}"#, &["a", "b", "-4"], None),
    (r#"{"a":{"b":[1,"x",null]}}"#, &["a", "b", "3"], None),
    (r#"{"a":1}"#, &[], Some(r#"{"a": 1}"#)),
    (r#""x""#, &[], Some(r#""x""#)),
    ("null", &[], Some("null")),
    ("[1,2]", &[], Some("[1, 2]")),
    (r#""x""#, &["0"], None),
    ("[1,2]", &[" 1"], Some("2")),
    ("[1,2]", &["+1"], Some("2")),
    ("[1,2]", &["1 "], None),
    ("[1,2]", &["01"], Some("2")),
    ("[1,2]", &["a"], None),
    ("[1,2]", &["1.0"], None),
    ("[1,2]", &[""], None),
    ("[1,2]", &["99999999999"], None),
    ("[1,2]", &["-2147483648"], None),
    (r#"{"1":"x"}"#, &["1"], Some(r#""x""#)),
    (r#"{"a":1}"#, &["a", "b"], None),
    (r#"{"a":[]}"#, &["a"], Some("[]")),
    ("[[1,[2]]]", &["0", "1", "0"], Some("2")),
    (r#"{"a":null}"#, &["a"], Some("null")),
    (r#"{"a":"q\"x"}"#, &["a"], Some(r#""q\"x""#)),
    (r#"{"a b":1}"#, &["a b"], Some("1")),
];

fn normal(text: &str) -> String {
    normalize(text).unwrap()
}

#[test]
fn containment_is_that_of_postgresql() {
    for (document, part, expected) in CONTAINS {
        assert_eq!(contains(&normal(document), &normal(part)), *expected, "{document} @> {part}");
    }
}

#[test]
fn a_text_exists_as_key_element_or_itself() {
    for (document, key, expected) in EXISTS {
        assert_eq!(exists(&normal(document), &Key::new(key)), *expected, "{document} ? {key}");
    }
}

#[test]
fn concatenation_is_that_of_postgresql() {
    for (left, right, expected) in CONCAT {
        assert_eq!(concat(&normal(left), &normal(right)).as_deref(), Ok(*expected), "{left} || {right}");
    }
}

#[test]
fn paths_lead_through_objects_and_arrays() {
    for (document, path, expected) in PATHS {
        let document = normal(document);
        assert_eq!(at(&document, &Path::new(path.iter().copied())), *expected, "{document} #> {path:?}");
    }
}

#[test]
fn what_contains_a_document_holds_its_texts() {
    assert_eq!(texts(r#"["a", 1, "b\n", ["c"], {"d": "e"}, null]"#), ["a", "b\n"]);
    assert_eq!(texts(r#""a""#), ["a"]);
    for none in ["1", "null", "[]", "{}", r#"{"a": "b"}"#] {
        assert!(texts(none).is_empty(), "{none}");
    }
    let documents = CONTAINS.iter().filter(|(_, _, holds)| *holds);
    for (document, part, _) in documents {
        for text in texts(&normal(part)) {
            assert!(exists(&normal(document), &Key::new(&text)), "{document} ? {text}");
        }
    }
}
