//! The order of arrays as bytes: keys compare as the arrays do in PostgreSQL, element by element, NULL behind all
//! others, and an array that another begins with before that one.

use crate::function::datum::Datum;
use crate::function::io::jsonb_key::jsonb_key;
use crate::function::numeric::Numeric;
use crate::pgtype::types::PgType;

const END: u8 = 0;
const VALUE: u8 = 1;
const NULL: u8 = 2;

/// Makes the key of an array of `element`s.
pub fn array_key(element: PgType, items: &[Datum<'_>]) -> Vec<u8> {
    let mut key = Vec::with_capacity(items.len() * 8 + 1);
    for item in items {
        match item {
            Datum::Null => key.push(NULL),
            item => {
                key.push(VALUE);
                put(element, item, &mut key);
            }
        }
    }
    key.push(END);
    key
}

fn put(ty: PgType, value: &Datum<'_>, key: &mut Vec<u8>) {
    match value {
        Datum::Null => {}
        Datum::Bool(value) => key.push(u8::from(*value)),
        Datum::Int2(value) => signed(i64::from(*value), key),
        Datum::Int4(value) | Datum::Date(value) => signed(i64::from(*value), key),
        Datum::Int8(value) | Datum::Time(value) | Datum::Timestamp(value) | Datum::Timestamptz(value) => {
            signed(*value, key);
        }
        Datum::Oid(value) => signed(i64::from(*value), key),
        Datum::Float4(value) => real(f64::from(*value), key),
        Datum::Float8(value) => real(*value, key),
        Datum::Numeric(value) => bytes(Numeric::key(&value.encode()), key),
        Datum::Interval(value) => {
            let total = crate::function::datetime::interval_key(value);
            key.extend((total.cast_unsigned() ^ (1 << 127)).to_be_bytes());
        }
        Datum::Text(value) if ty == PgType::Bpchar => bytes(value.trim_end_matches(' ').as_bytes(), key),
        Datum::Text(value) => bytes(value.as_bytes(), key),
        Datum::Bytea(value) => bytes(value, key),
        Datum::Uuid(value) => key.extend(value),
        Datum::Jsonb(value) => bytes(&jsonb_key(value), key),
        Datum::Array(items) | Datum::Record(items) => {
            let inner = array_key(ty.element().unwrap_or(PgType::Text), items);
            bytes(&inner, key);
        }
    }
}

fn signed(value: i64, key: &mut Vec<u8>) {
    key.extend((value.cast_unsigned() ^ (1 << 63)).to_be_bytes());
}

/// NaN comes behind all others, and zero has one sign.
fn real(value: f64, key: &mut Vec<u8>) {
    let bits = if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() };
    let ordered = if bits >> 63 == 0 { bits ^ (1 << 63) } else { !bits };
    key.extend(ordered.to_be_bytes());
}

/// Bytes of any length: an end that sorts before every byte, zero bytes told apart from it.
fn bytes(value: &[u8], key: &mut Vec<u8>) {
    for byte in value {
        key.push(*byte);
        if *byte == 0 {
            key.push(0xff);
        }
    }
    key.extend([0, 0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::io::compare;

    #[test]
    fn keys_are_in_the_order_of_the_arrays() {
        let texts = ["", "a", "a\u{0}", "a\u{0}b", "ab", "b", "ß"];
        let mut arrays: Vec<Datum<'static>> = vec![Datum::Array(Vec::new()), Datum::Array(vec![Datum::Null])];
        for one in texts {
            arrays.push(Datum::Array(vec![Datum::text(one)]));
            arrays.push(Datum::Array(vec![Datum::text(one), Datum::Null]));
            arrays.extend(texts.map(|other| Datum::Array(vec![Datum::text(one), Datum::text(other)])));
        }
        let ty = PgType::Text.array();
        for one in &arrays {
            for other in &arrays {
                let (Datum::Array(left), Datum::Array(right)) = (one, other) else { continue };
                let keys = array_key(PgType::Text, left).cmp(&array_key(PgType::Text, right));
                assert_eq!(keys, compare(ty, one, other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn numbers_are_in_their_order() {
        let numbers = [f64::NEG_INFINITY, -1e300, -1.5, -0.0, 0.0, 5e-324, 2.0, f64::INFINITY, f64::NAN];
        let ty = PgType::Float8.array();
        for one in numbers {
            for other in numbers {
                let (left, right) = (vec![Datum::Float8(one)], vec![Datum::Float8(other)]);
                let keys = array_key(PgType::Float8, &left).cmp(&array_key(PgType::Float8, &right));
                assert_eq!(keys, compare(ty, &Datum::Array(left), &Datum::Array(right)), "{one} {other}");
            }
        }
    }
}
