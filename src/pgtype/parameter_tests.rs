//! Tests of what is refused; values are compared in `golden_tests`.

use datafusion::arrow::datatypes::DataType;

use super::*;

fn state(pg: PgType, format: Format, bytes: &[u8]) -> &'static str {
    decode(pg, format, Some(bytes), &Style::default()).map_or_else(|error| error.sqlstate(), |_| "ok")
}

#[test]
fn null_has_the_type_of_its_values() {
    for pg in PgType::scalars() {
        let null = decode(pg, Format::Binary, None, &Style::default()).unwrap();
        assert!(null.is_null(), "{}", pg.name());
        let array = decode(pg.array(), Format::Text, None, &Style::default()).unwrap();
        assert!(matches!(array.data_type(), DataType::List(_)), "{}", pg.name());
    }
}

#[test]
fn wrong_bytes_are_refused() {
    for (pg, bytes, expected) in [
        (PgType::Int4, b"\0\0\0".as_slice(), "22P03"),
        (PgType::Int8, b"\0\0\0\0\0\0\0\0\0", "22P03"),
        (PgType::Bool, b"", "22P03"),
        (PgType::Uuid, b"abc", "22P03"),
        (PgType::Interval, b"0123456789abcde", "22P03"),
        (PgType::Interval, b"0123456789abcdefg", "22P03"),
        (PgType::Numeric, b"\0\0\0\0\0\0", "22P03"),
        (PgType::Numeric, b"\0\x01\0\0\0\0\0\0\x27\x10", "22P03"),
        (PgType::Numeric, b"\0\0\0\0\xc0\0\0\0", "0A000"),
        (PgType::Time, b"\xff\xff\xff\xff\xff\xff\xff\xff", "22008"),
        (PgType::Date, b"\x7f\xff\xff\xfe", "22008"),
        (PgType::Timestamptz, b"\x7f\xff\xff\xff\xff\xff\xff\xfe", "22008"),
        (PgType::Text, b"\xff", "22021"),
        (PgType::Text, b"a\0", "22021"),
        (PgType::Jsonb, b"\x02{}", "0A000"),
        (PgType::Jsonb, b"\x01{", "22P02"),
        (PgType::Record, b"", "0A000"),
        (PgType::Int4.array(), b"\0\0\0\x01", "22P03"),
        (PgType::Int4.array(), b"\0\0\0\x01\0\0\0\0\0\0\0\x19\0\0\0\x01\0\0\0\x01\xff\xff\xff\xff", "42804"),
        (PgType::Int4.array(), b"\0\0\0\x01\0\0\0\0\0\0\0\x17\x7f\xff\xff\xff\0\0\0\x01", "22P03"),
        (PgType::Int4.array(), b"\0\0\0\0\0\0\0\0\0\0\0\x17x", "22P03"),
    ] {
        assert_eq!(state(pg, Format::Binary, bytes), expected, "{} {bytes:?}", pg.name());
    }
    assert_eq!(
        decode_oid(600, Format::Text, Some(b""), &Style::default()).unwrap_err().message,
        "a parameter of the type with OID 600 is not supported"
    );
}

#[test]
fn text_that_depends_on_more_than_the_value_is_refused() {
    for (pg, text) in [(PgType::Numeric, "NaN"), (PgType::Regclass, "pg_class"), (PgType::Record, "(1)")] {
        assert_eq!(state(pg, Format::Text, text.as_bytes()), "0A000", "{text}");
    }
}

#[test]
fn numbers_keep_their_scale() {
    let value = |text: &str| decode(PgType::Numeric, Format::Text, Some(text.as_bytes()), &Style::default());
    assert_eq!(value("-12.50"), Ok(ScalarValue::Decimal128(Some(-1250), 4, 2)));
    assert_eq!(value("0.05"), Ok(ScalarValue::Decimal128(Some(5), 2, 2)));
    assert!(matches!(value(&"9".repeat(39)), Ok(ScalarValue::Decimal256(Some(_), 39, 0))));
    assert_eq!(value(&"9".repeat(77)).unwrap_err().sqlstate(), "22003");
    assert_eq!(value("1e-77").unwrap_err().sqlstate(), "22003");
}

/// No bytes make a decoder panic: a walk over short inputs and over changed valid ones.
#[test]
fn any_bytes_are_read_or_refused() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let texts = [
        "{1,\"2\",{NULL}}",
        "2026-05-15T09:00:00.5+02:00 BC",
        "P1Y2M3DT4H5M6.7S",
        "-12.50e3",
        "1 mon -2:03:04.5 ago",
        "\\x00é",
    ];
    let types: Vec<PgType> = PgType::scalars().chain(PgType::scalars().map(PgType::array)).collect();
    for round in 0..60_000 {
        let mut bytes = texts[round % texts.len()].as_bytes().to_vec();
        if round % 3 == 0 {
            bytes = (0..random() % 40).map(|_| (random() % 4) as u8 * 85).collect();
        }
        for _ in 0..random() % 4 {
            let at = random() as usize % (bytes.len() + 1);
            bytes.splice(at..at, [b"0123456789-+:./ TZe{}\"\\,".map(u64::from)[random() as usize % 24] as u8]);
        }
        let pg = types[random() as usize % types.len()];
        for format in [Format::Text, Format::Binary] {
            let _ = decode(pg, format, Some(&bytes), &Style::default());
        }
    }
}
