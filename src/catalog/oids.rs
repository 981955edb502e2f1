//! Object identifiers of what the gateway adds to PostgreSQL's own objects.
//!
//! They are hashes of names, so that a client that remembers one finds the same object after a restart or after another
//! source was configured. All are at or above 16384, where PostgreSQL starts to number user objects.

use std::collections::HashSet;

use super::Snapshot;

pub(crate) const PG_CATALOG: u32 = 11;
pub(crate) const INFORMATION_SCHEMA: u32 = 13207;
/// The role that owns everything.
pub(crate) const OWNER: u32 = 10;
/// `pg_default`.
pub(crate) const TABLESPACE: u32 = 1663;

const FIRST: u32 = 16384;
/// The last 28 bits number relations, the bits above them the objects that belong to a relation.
const SPACE: u32 = 0x0fff_0000;

fn hash(kind: &str, parts: &[&str]) -> u32 {
    let mut state: u32 = 0x811c_9dc5;
    for text in std::iter::once(&kind).chain(parts) {
        for byte in text.bytes().chain([0]) {
            state = (state ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }
    FIRST + state % SPACE
}

/// Returns the oid of a schema.
pub(crate) fn schema(name: &str) -> u32 {
    if name == "public" { 2200 } else { hash("schema", &[name]) }
}

/// Returns the oid of a role.
pub(crate) fn role(name: &str) -> u32 {
    hash("role", &[name])
}

/// Returns the oid of a database.
pub(crate) fn database(name: &str) -> u32 {
    hash("database", &[name])
}

/// Returns, for each relation of the snapshot, the oids of it and of its primary-key index.
pub(crate) fn assign(snapshot: &Snapshot) -> Vec<(u32, u32)> {
    let mut taken = HashSet::new();
    let mut next = |wanted: u32| {
        let mut oid = wanted;
        while !taken.insert(oid) {
            oid = FIRST + (oid + 1 - FIRST) % SPACE;
        }
        oid
    };
    snapshot
        .relations
        .iter()
        .map(|relation| {
            let oid = next(hash("relation", &[&relation.schema, &relation.name]));
            (oid, next(hash("index", &[&relation.schema, &relation.name])))
        })
        .collect()
}

/// Returns the oid of the row type of a relation of the snapshot; catalog relations have PostgreSQL's.
pub(crate) fn row_type(relation: u32) -> u32 {
    if relation < FIRST { 0 } else { relation | 0x1000_0000 }
}

/// Returns the oid of the array type over a row type.
pub(crate) fn row_array(relation: u32) -> u32 {
    if relation < FIRST { 0 } else { relation | 0x2000_0000 }
}

/// Returns the oid of the primary-key constraint of a relation.
pub(crate) fn primary_key(relation: u32) -> u32 {
    relation | 0x3000_0000
}

/// Returns the oid of the n-th foreign-key constraint of a relation.
pub(crate) fn foreign_key(relation: u32, n: usize) -> u32 {
    (relation | 0x4000_0000).wrapping_add(u32::try_from(n).unwrap_or_default())
}
