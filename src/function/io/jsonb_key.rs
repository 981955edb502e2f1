//! The order of `jsonb` as bytes: keys compare as the documents do in PostgreSQL.
//!
//! Containers come by their number of members first, then member by member; values of different kinds by their kind.
//! <https://www.postgresql.org/docs/15/datatype-json.html#JSON-INDEXING>

use crate::function::numeric::Numeric;
use crate::pgtype::jsonb::access::{elements, members, text};

const NULL: u8 = 1;
const STRING: u8 = 2;
const NUMBER: u8 = 3;
const BOOLEAN: u8 = 4;
const ARRAY: u8 = 5;
const OBJECT: u8 = 6;

/// Makes the key of a `jsonb`: the order of the keys is that of the documents, and equal documents have equal keys.
pub fn jsonb_key(json: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(json.len() + 16);
    match json.as_bytes().first() {
        Some(b'{') => value(json, &mut key),
        // PostgreSQL keeps a document that is a scalar as an array of one, which comes before a real one of one.
        Some(b'[') => array(json, 1, &mut key),
        _ => {
            key.push(ARRAY);
            key.extend(1_u32.to_be_bytes());
            key.push(0);
            value(json, &mut key);
        }
    }
    key
}

fn count(number: usize, key: &mut Vec<u8>) {
    key.extend(u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
}

fn array(json: &str, mark: u8, key: &mut Vec<u8>) {
    key.push(ARRAY);
    count(elements(json).count(), key);
    key.push(mark);
    elements(json).for_each(|element| value(element, key));
}

fn value(json: &str, key: &mut Vec<u8>) {
    match json.as_bytes().first() {
        Some(b'{') => {
            key.push(OBJECT);
            count(members(json).count(), key);
            for (name, member) in members(json) {
                string(name, key);
                value(member, key);
            }
        }
        Some(b'[') => array(json, 1, key),
        Some(b'"') => {
            key.push(STRING);
            string(json, key);
        }
        Some(b'n') | None => key.push(NULL),
        Some(b'f') => key.extend([BOOLEAN, 0]),
        Some(b't') => key.extend([BOOLEAN, 1]),
        Some(_) => {
            key.push(NUMBER);
            // What is normalised is a number.
            if let Ok(number) = Numeric::parse(json) {
                put(Numeric::key(&number.encode()), key);
            }
        }
    }
}

fn string(json: &str, key: &mut Vec<u8>) {
    put(text(json).unwrap_or_default().as_bytes(), key);
}

/// Appends bytes so that what follows does not count before their end: a zero byte as 0 255, the end as 0 0.
fn put(bytes: &[u8], key: &mut Vec<u8>) {
    for &byte in bytes {
        key.push(byte);
        if byte == 0 {
            key.push(255);
        }
    }
    key.extend([0, 0]);
}
