//! Properties of indexes and objects that the gateway does not know: NULL, as PostgreSQL answers for what does not exist.

use super::super::value::Value;
use super::{Function, strict};

pub(super) const FUNCTIONS: &[Function] = &[
    strict("pg_index_column_has_property", "regclass int4 text", "bool", |_, _| Ok(Value::Null)),
    strict("pg_indexam_has_property", "oid text", "bool", |_, _| Ok(Value::Null)),
    strict("pg_describe_object", "oid oid int4", "text", |_, _| Ok(Value::Null)),
];
