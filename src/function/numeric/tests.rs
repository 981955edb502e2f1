//! Values are those of PostgreSQL 15.

use num_bigint::BigInt;
use proptest::prelude::*;

use crate::function::numeric::Numeric;

fn numeric(text: &str) -> Numeric {
    Numeric::parse(text).unwrap()
}

fn any_numeric() -> impl Strategy<Value = Numeric> {
    prop_oneof![
        8 => (any::<i16>(), 0_u16..8).prop_map(|(value, scale)| Numeric::new(value, scale)),
        4 => (any::<i128>(), 0_u16..45).prop_map(|(value, scale)| Numeric::new(value, scale)),
        2 => (any::<i32>(), 0_u32..300, 0_u16..300)
            .prop_map(|(value, zeros, scale)| Numeric::new(BigInt::from(value) * BigInt::from(10).pow(zeros), scale)),
        1 => Just(Numeric::NaN),
        1 => Just(Numeric::Infinity),
        1 => Just(Numeric::NegInfinity),
    ]
}

proptest! {
    #[test]
    fn keys_order_as_numbers(a in any_numeric(), b in any_numeric()) {
        let (first, second) = (a.encode(), b.encode());
        prop_assert_eq!(Numeric::key(&first).cmp(Numeric::key(&second)), a.compare(&b));
        prop_assert_eq!(first.cmp(&second), a.compare(&b).then(a.scale().cmp(&b.scale())));
        prop_assert_eq!(Numeric::decode(&first), a);
    }

    #[test]
    fn text_and_binary_come_back(a in any_numeric()) {
        prop_assert_eq!(numeric(&a.to_string()), a.clone());
        let mut bytes = Vec::new();
        a.put_binary(&mut bytes);
        prop_assert_eq!(Numeric::from_binary(&bytes).unwrap(), a);
    }
}

#[test]
fn keys_far_from_the_point() {
    for text in ["1e131071", "-1e131071", "1e-16383", "-1e-16383", "0.00", "-123.4500", "1e100", "1e-100", "9e101"] {
        let value = numeric(text);
        assert_eq!(Numeric::decode(&value.encode()), value, "{text}");
    }
    let ordered =
        ["-1e131071", "-1e102", "-1e100", "-1", "-1e-16383", "0", "1e-16383", "1e-103", "1", "1e99", "1e131071"];
    for pair in ordered.windows(2) {
        assert!(numeric(pair[0]).encode() < numeric(pair[1]).encode(), "{pair:?}");
    }
}

#[test]
fn binary_form() {
    let cases = [
        ("Infinity", "00000000d0000020"),
        ("-Infinity", "00000000f0000020"),
        ("NaN", "00000000c0000000"),
        ("0.00", "0000000000000002"),
        ("-12345.678", "0003000140000003000109291a7c"),
        ("0.00001", "0001fffe0000000503e8"),
        ("100000000", "00010002000000000001"),
    ];
    for (text, expected) in cases {
        let mut bytes = Vec::new();
        numeric(text).put_binary(&mut bytes);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected, "{text}");
    }
}
