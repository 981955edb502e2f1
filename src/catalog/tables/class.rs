//! `pg_class` and what describes a class: attributes, indexes, constraints, row types.

use super::super::context::{Class, Context, Source};
use super::super::relations;
use super::super::types;
use super::super::value::Value;
use super::super::{Relation, oids};
use super::Made;

const HEAP: u32 = 2;
const BTREE: u32 = 403;

fn char(letter: char) -> Value {
    Value::text(letter.to_string())
}

fn row_type(class: &Class) -> u32 {
    match class.source {
        Source::System(position) => relations::all()[position].row_type,
        Source::User(_) => oids::row_type(class.oid),
        Source::Index(_) => 0,
    }
}

fn count(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Returns the columns of the primary key of a relation.
pub(crate) fn key_columns(relation: &Relation) -> &[usize] {
    relation.primary_key.as_deref().unwrap_or_default()
}

/// Whether a table has a foreign key, or is referred to by one. Such keys have triggers, and tools look for that.
fn is_referring(context: &Context<'_>, class: &Class) -> bool {
    let Source::User(position) = class.source else { return false };
    let own = &context.snapshot.relations[position];
    let refers =
        |other: &Relation| other.foreign_keys.iter().any(|key| (&key.schema, &key.name) == (&own.schema, &own.name));
    !own.foreign_keys.is_empty() || context.snapshot.relations.iter().any(refers)
}

pub(super) fn classes(context: &Context<'_>) -> Made {
    let rows = context.classes.iter().map(|class| {
        let system = matches!(class.source, Source::System(_));
        let (storage, access) = match class.kind {
            'r' => (class.oid, HEAP),
            'i' => (class.oid, BTREE),
            _ => (0, 0),
        };
        let n_columns = context.columns(class).len();
        let has_index = context.index_of(class).is_some();
        vec![
            Value::oid(class.oid),
            Value::text(&class.name),
            Value::oid(context.schema_oid(&class.schema).unwrap_or_default()),
            Value::oid(row_type(class)),
            Value::oid(oids::OWNER),
            Value::oid(access),
            Value::oid(if system && class.kind == 'r' { class.oid } else { storage }),
            Value::Float(-1.0),
            Value::Bool(has_index),
            char(if class.schema.starts_with("pg_temp") { 't' } else { 'p' }),
            char(class.kind),
            count(n_columns),
            Value::Bool(class.kind == 'v'),
            Value::Bool(is_referring(context, class)),
            Value::Bool(true),
            char(if class.kind == 'r' && !system { 'd' } else { 'n' }),
        ]
    });
    Made {
        columns: &[
            "oid",
            "relname",
            "relnamespace",
            "reltype",
            "relowner",
            "relam",
            "relfilenode",
            "reltuples",
            "relhasindex",
            "relpersistence",
            "relkind",
            "relnatts",
            "relhasrules",
            "relhastriggers",
            "relispopulated",
            "relreplident",
        ],
        rows: rows.collect(),
    }
}

/// The columns that every table has beside its own.
const SYSTEM_COLUMNS: &[(&str, u32, i64)] = &[
    ("ctid", 27, -1),
    ("xmin", types::XID, -2),
    ("cmin", types::CID, -3),
    ("xmax", types::XID, -4),
    ("cmax", types::CID, -5),
    ("tableoid", types::OID, -6),
];

/// The columns of the catalogs, or of everything else.
pub(super) fn attributes(context: &Context<'_>, of_catalogs: bool) -> Made {
    let mut rows = Vec::new();
    let is_wanted = |class: &&Class| matches!(class.source, Source::System(_)) == of_catalogs;
    for class in context.classes.iter().filter(is_wanted) {
        let mut push = |name: &str, type_oid: u32, number: i64, not_null: bool| {
            let entry = types::get(type_oid);
            rows.push(vec![
                Value::oid(class.oid),
                Value::text(name),
                Value::oid(type_oid),
                // Nobody analyses a system column.
                Value::Int(if number < 0 { 0 } else { -1 }),
                Value::Int(entry.map_or(-1, |e| e.len)),
                Value::Int(number),
                Value::Int(i64::from(entry.is_some_and(|e| e.category == 'A'))),
                Value::Int(-1),
                Value::Int(-1),
                Value::Bool(entry.is_some_and(|e| e.by_value)),
                Value::text(entry.map_or("i", |e| e.align.as_str())),
                Value::text(entry.map_or("p", |e| e.storage.as_str())),
                Value::Bool(not_null),
                Value::Bool(true),
                Value::oid(entry.map_or(0, |e| e.collation)),
            ]);
        };
        if class.kind == 'r' {
            for &(name, type_oid, number) in SYSTEM_COLUMNS {
                push(name, type_oid, number, true);
            }
        }
        for (position, (name, type_oid, not_null)) in context.columns(class).iter().enumerate() {
            push(name, *type_oid, i64::try_from(position + 1).unwrap_or(i64::MAX), *not_null);
        }
    }
    Made {
        columns: &[
            "attrelid",
            "attname",
            "atttypid",
            "attstattarget",
            "attlen",
            "attnum",
            "attndims",
            "attcacheoff",
            "atttypmod",
            "attbyval",
            "attalign",
            "attstorage",
            "attnotnull",
            "attislocal",
            "attcollation",
        ],
        rows,
    }
}

fn keyed<'a>(context: &'a Context<'_>) -> impl Iterator<Item = (&'a Class, &'a Class, &'a Relation)> {
    context.classes.iter().filter_map(|index| {
        let table = context.owner_of_index(index)?;
        Some((table, index, context.relation(index)?))
    })
}

fn numbers(columns: &[usize]) -> Vec<Value> {
    columns.iter().map(|&column| count(column + 1)).collect()
}

/// Returns the default btree operator class of a type.
fn operator_class(type_oid: u32) -> u32 {
    match type_oid {
        types::INT8 => 3124,
        types::INT4 => 1978,
        types::INT2 => 1979,
        types::TIMESTAMPTZ => 3127,
        types::TIMESTAMP => 3128,
        types::FLOAT8 => 3123,
        types::BOOL => 10007,
        _ => 3126,
    }
}

pub(super) fn indexes(context: &Context<'_>) -> Made {
    let rows = keyed(context).map(|(table, index, relation)| {
        let key = key_columns(relation);
        let type_of = |&column: &usize| relation.columns.get(column).map_or(0, |c| c.type_oid);
        let collation = |oid| Value::oid(types::get(oid).map_or(0, |e| e.collation));
        let yes = || Value::Bool(true);
        vec![
            Value::oid(index.oid),
            Value::oid(table.oid),
            count(key.len()),
            count(key.len()),
            yes(),
            yes(),
            yes(),
            yes(),
            yes(),
            yes(),
            Value::vector(numbers(key)),
            Value::vector(key.iter().map(type_of).map(collation).collect()),
            Value::vector(key.iter().map(type_of).map(|oid| Value::oid(operator_class(oid))).collect()),
            Value::vector(key.iter().map(|_| Value::Int(0)).collect()),
        ]
    });
    Made {
        columns: &[
            "indexrelid",
            "indrelid",
            "indnatts",
            "indnkeyatts",
            "indisunique",
            "indisprimary",
            "indimmediate",
            "indisvalid",
            "indisready",
            "indislive",
            "indkey",
            "indcollation",
            "indclass",
            "indoption",
        ],
        rows: rows.collect(),
    }
}

pub(super) fn constraints(context: &Context<'_>) -> Made {
    let mut rows = Vec::new();
    for (table, index, relation) in keyed(context) {
        let schema = Value::oid(context.schema_oid(&table.schema).unwrap_or_default());
        rows.push(vec![
            Value::oid(oids::primary_key(table.oid)),
            Value::text(&index.name),
            schema,
            char('p'),
            Value::Bool(true),
            Value::oid(table.oid),
            Value::oid(index.oid),
            Value::oid(0),
            char(' '),
            Value::array(numbers(key_columns(relation))),
            Value::Null,
            Value::Bool(true),
            Value::Bool(true),
        ]);
    }
    for class in context.classes {
        let (Source::User(_), Some(relation)) = (class.source, context.relation(class)) else { continue };
        for (n, key) in relation.foreign_keys.iter().enumerate() {
            let Some(target) = context.class_named(&key.schema, &key.name) else { continue };
            let names: Vec<&str> =
                key.columns.iter().filter_map(|&at| relation.columns.get(at)).map(|c| c.name.as_str()).collect();
            rows.push(vec![
                Value::oid(oids::foreign_key(class.oid, n)),
                Value::text(format!("{}_{}_fkey", relation.name, names.join("_"))),
                Value::oid(context.schema_oid(&class.schema).unwrap_or_default()),
                char('f'),
                Value::Bool(true),
                Value::oid(class.oid),
                Value::oid(context.index_of(target).map_or(0, |index| index.oid)),
                Value::oid(target.oid),
                char('a'),
                Value::array(numbers(&key.columns)),
                Value::array(numbers(&key.referenced)),
                Value::Bool(true),
                Value::Bool(true),
                Value::array(key.columns.iter().map(|&at| equality(relation, at)).collect()),
            ]);
        }
    }
    for row in &mut rows {
        // Update, delete and match actions are alike for every constraint here.
        let action = row[8].clone();
        let simple = if action == char('a') { char('s') } else { action.clone() };
        // The three comparisons of a foreign key are one here: both sides have the same type.
        let equal = if row.len() > 13 { row.pop().unwrap_or_default() } else { Value::Null };
        row.extend([action, simple, equal.clone(), equal.clone(), equal]);
    }
    Made {
        columns: &[
            "oid",
            "conname",
            "connamespace",
            "contype",
            "convalidated",
            "conrelid",
            "conindid",
            "confrelid",
            "confupdtype",
            "conkey",
            "confkey",
            "conislocal",
            "connoinherit",
            "confdeltype",
            "confmatchtype",
            "conpfeqop",
            "conppeqop",
            "conffeqop",
        ],
        rows,
    }
}

/// The oid of the operator `=` of a column's type (`pg_operator`).
fn equality(relation: &Relation, at: usize) -> Value {
    Value::oid(match relation.columns.get(at).map(|column| types::base(column.type_oid)) {
        Some(types::INT2) => 94,
        Some(types::INT4) => 96,
        Some(types::INT8) => 410,
        Some(2950) => 2972,
        // varchar is compared as text.
        _ => 98,
    })
}

pub(super) fn row_types(context: &Context<'_>) -> Made {
    let mut rows = Vec::new();
    let user = |class: &&Class| matches!(class.source, Source::User(_));
    for class in context.classes.iter().filter(user) {
        let schema = Value::oid(context.schema_oid(&class.schema).unwrap_or_default());
        let (own, array) = (oids::row_type(class.oid), oids::row_array(class.oid));
        let functions = |names: [i64; 5]| names.map(Value::Int);
        let mut push = |oid, name: String, kind, category, relation, element, over, procs: [i64; 5], align: &str| {
            let mut row = vec![
                Value::oid(oid),
                Value::text(name),
                schema.clone(),
                Value::oid(oids::OWNER),
                Value::Int(-1),
                char(kind),
                char(category),
                Value::Bool(true),
                Value::text(","),
                Value::oid(relation),
                Value::oid(element),
                Value::oid(over),
                Value::text(align),
                Value::text("x"),
                Value::Int(-1),
            ];
            row.extend(functions(procs));
            rows.push(row);
        };
        // record_in, record_out, record_recv, record_send; array_in … with array_subscript_handler.
        push(own, class.name.clone(), 'c', 'C', class.oid, 0, array, [0, 2290, 2291, 2402, 2403], "d");
        push(array, format!("_{}", class.name), 'b', 'A', 0, own, 0, [6179, 750, 751, 2400, 2401], "d");
    }
    Made {
        columns: &[
            "oid",
            "typname",
            "typnamespace",
            "typowner",
            "typlen",
            "typtype",
            "typcategory",
            "typisdefined",
            "typdelim",
            "typrelid",
            "typelem",
            "typarray",
            "typalign",
            "typstorage",
            "typtypmod",
            "typsubscript",
            "typinput",
            "typoutput",
            "typreceive",
            "typsend",
        ],
        rows,
    }
}
