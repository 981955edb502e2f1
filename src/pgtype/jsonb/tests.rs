//! Each pair is what PostgreSQL answers to `SELECT '…'::jsonb`; compared with 15.18 by hand.

use super::*;

fn check(pairs: &[(&str, &str)]) {
    for (text, expected) in pairs {
        assert_eq!(normalize(text).as_deref(), Ok(*expected), "{text}");
        // What is normal stays as it is.
        assert_eq!(normalize(expected).as_deref(), Ok(*expected), "{text}");
    }
}

fn refuse(fault: Fault, texts: &[&str]) {
    for text in texts {
        assert_eq!(normalize(text), Err(fault), "{text}");
    }
}

#[test]
fn numbers_keep_their_digits() {
    check(&[
        ("1", "1"),
        ("1.10", "1.10"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("1E-3", "0.001"),
        ("1.10e1", "11.0"),
        ("1.5e3", "1500"),
        ("1.2345e2", "123.45"),
        ("12.5e-3", "0.0125"),
        ("100e-2", "1.00"),
        ("0.001e3", "1"),
        ("0.001e1", "0.01"),
        ("-0", "0"),
        ("-0.0", "0.0"),
        ("-0e3", "0"),
        ("0e999999", "0"),
        ("0e-5", "0.00000"),
        ("-1.5E-2", "-0.015"),
        ("9007199254740993", "9007199254740993"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("1e00000000000000000000002", "100"),
        ("1.0", "1.0"),
    ]);
    assert_eq!(normalize("1e400").unwrap().len(), 401);
    assert_eq!(normalize("1e131071").unwrap().len(), 131_072);
    assert_eq!(normalize("1e-16383").unwrap().len(), 16_385);
}

#[test]
fn numbers_beyond_numeric_are_refused() {
    refuse(Fault::Number, &["1e131072", "1e-16384", "1e99999999999999999999", "1e-99999999999999999999"]);
    refuse(Fault::Syntax, &["01", "-", "1.", ".5", "+1", "1e", "1e+", "0x10", "NaN", "Infinity", "--1", "00"]);
}

#[test]
fn keys_are_unique_and_sorted_by_length() {
    check(&[
        ("{}", "{}"),
        (r#"{"b":1,"a":2}"#, r#"{"a": 2, "b": 1}"#),
        (r#"{"aa":1,"b":2,"c":3,"ab":4}"#, r#"{"b": 2, "c": 3, "aa": 1, "ab": 4}"#),
        (r#"{"a":1,"b":2,"a":3,"a":{"x":null}}"#, r#"{"a": {"x": null}, "b": 2}"#),
        ("{\"é\":1,\"zz\":2,\"z\":3}", "{\"z\": 3, \"zz\": 2, \"é\": 1}"),
        (r#"{"\u0061":1,"a":2}"#, r#"{"a": 2}"#),
        (r#"{"":1}"#, r#"{"": 1}"#),
    ]);
}

#[test]
fn space_is_one_after_commas_and_colons() {
    check(&[
        ("[]", "[]"),
        (" [ 1 ,2,\n\t[ ] , { } ]\r\n", "[1, 2, [], {}]"),
        (r#"{ "a" : [ true , false , null ] }"#, r#"{"a": [true, false, null]}"#),
    ]);
}

#[test]
fn strings_are_escaped_as_postgresql_does() {
    check(&[
        (r#""a\/b""#, r#""a/b""#),
        (r#""\u00e9\u20ac""#, "\"é€\""),
        (r#""\ud83d\ude00""#, "\"😀\""),
        (r#""\b\f\n\r\t\"\\""#, r#""\b\f\n\r\t\"\\""#),
        (r#""\u0001\u001F\u007f""#, "\"\\u0001\\u001f\u{7f}\""),
        (r#""\u000A""#, r#""\n""#),
        ("\"漢字\"", "\"漢字\""),
    ]);
}

#[test]
fn what_postgresql_refuses_is_refused() {
    refuse(Fault::Nul, &[r#""\u0000""#, r#"{"a\u0000b":1}"#, r#"[{"a":"x\u0000"}]"#]);
    refuse(Fault::Surrogate, &[r#""\ud83d""#, r#""\ud83dx""#, r#""\ude00""#]);
    refuse(
        Fault::Syntax,
        &[
            "",
            " ",
            "{",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "\"",
            "\"\\\"",
            "\"\n\"",
            "\"\\x\"",
            "tru",
            "nul",
            "1 2",
            "[1 2]",
            "]",
            "\"\\é\"",
            "{\"a\":1}}",
        ],
    );
}

#[test]
fn depth_is_bounded_and_does_not_overflow_the_stack() {
    let nested = |depth: usize| [&*"[".repeat(depth), &*"]".repeat(depth)].concat();
    assert_eq!(normalize(&nested(900)), Ok(nested(900)));
    assert_eq!(normalize(&nested(100_000)), Err(Fault::Depth));
}
