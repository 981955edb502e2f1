//! The rows of the catalog relations that are tables, and of the views that no SQL over them can give.

mod class;
mod object;
mod session;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use super::cast;
use super::context::{Class, Context, row};
use super::relations::{self, System};
use super::tsv::Tsv;
use super::types::{self, Family};
use super::value::{Row, Value};
use crate::error::Result;

pub(crate) use class::key_columns;

/// The relations whose rows are the same for everyone: dumps of PostgreSQL 15.
const DUMPS: &[(&str, &str)] = &[
    ("pg_type", include_str!("../data/pg_type.tsv")),
    ("pg_proc", include_str!("../data/pg_proc.tsv")),
    ("pg_operator", include_str!("../data/pg_operator.tsv")),
    ("pg_cast", include_str!("../data/pg_cast.tsv")),
    ("pg_opclass", include_str!("../data/pg_opclass.tsv")),
    ("pg_opfamily", include_str!("../data/pg_opfamily.tsv")),
    ("pg_aggregate", include_str!("../data/pg_aggregate.tsv")),
    ("pg_language", include_str!("../data/pg_language.tsv")),
    ("pg_am", include_str!("../data/pg_am.tsv")),
    ("pg_range", include_str!("../data/pg_range.tsv")),
    ("pg_conversion", include_str!("../data/pg_conversion.tsv")),
    ("pg_collation", include_str!("../data/pg_collation.tsv")),
    ("pg_tablespace", include_str!("../data/pg_tablespace.tsv")),
];

/// The dumps as text cells, in the order of the relation's columns; outer `None` is a column that the dump leaves out.
type Cells = Vec<Vec<Option<Option<&'static str>>>>;

static DUMPED: LazyLock<HashMap<&'static str, Cells>> = LazyLock::new(|| {
    let read = |name: &str, text| {
        let table = Tsv::new(text);
        let columns = relations::find("pg_catalog", name).map(|at| &relations::all()[at].columns);
        let places: Vec<Option<usize>> = columns
            .into_iter()
            .flatten()
            .map(|column| table.columns().iter().position(|name| *name == column.name))
            .collect();
        table
            .rows()
            .map(|cells| {
                places.iter().map(|place| place.map(|at| Some(cells[at]).filter(|cell| *cell != "\\N"))).collect()
            })
            .collect()
    };
    DUMPS.iter().map(|(name, text)| (*name, read(name, text))).collect()
});

/// Rows by relation.
type Shared = Mutex<HashMap<&'static str, Arc<Vec<Row>>>>;

/// The rows of the dumps as values, made once.
static SHARED: LazyLock<Shared> = LazyLock::new(Default::default);

/// Returns the rows of a catalog relation.
pub(crate) fn rows(context: &Context<'_>, position: usize) -> Result<Vec<Row>> {
    let relation = &relations::all()[position];
    let mut rows = dumped(context, relation)?;
    if (relation.schema, relation.name) == ("pg_catalog", "pg_attribute") {
        // The columns of the catalogs themselves are the same for everybody, and many.
        static OF_CATALOGS: OnceLock<Vec<Row>> = OnceLock::new();
        let of_catalogs = || filled(relation, class::attributes(context, true));
        rows.extend(OF_CATALOGS.get_or_init(of_catalogs).iter().cloned());
    }
    if let Some(made) = made(context, relation)? {
        rows.extend(filled(relation, made));
    }
    Ok(rows)
}

/// Rows with all columns of their relation.
fn filled(relation: &System, made: Made) -> Vec<Row> {
    let places: Vec<Option<usize>> =
        made.columns.iter().map(|name| relation.columns.iter().position(|column| column.name == *name)).collect();
    debug_assert!(places.iter().all(Option::is_some), "{}: {:?}", relation.name, made.columns);
    let defaults: Vec<Value> =
        relation.columns.iter().map(|column| default(column.type_oid, column.not_null)).collect();
    let with_defaults = |cells: Vec<Value>| {
        let mut values = defaults.clone();
        for (place, cell) in places.iter().zip(cells) {
            if let Some(at) = *place {
                values[at] = cell;
            }
        }
        row(values)
    };
    made.rows.into_iter().map(with_defaults).collect()
}

/// Rows under column names; other columns get a default.
pub(super) struct Made {
    pub(super) columns: &'static [&'static str],
    pub(super) rows: Vec<Vec<Value>>,
}

fn made(context: &Context<'_>, relation: &System) -> Result<Option<Made>> {
    Ok(Some(match (relation.schema, relation.name) {
        ("pg_catalog", "pg_class") => class::classes(context),
        ("pg_catalog", "pg_attribute") => class::attributes(context, false),
        ("pg_catalog", "pg_index") => class::indexes(context),
        ("pg_catalog", "pg_constraint") => class::constraints(context),
        ("pg_catalog", "pg_type") => class::row_types(context),
        ("pg_catalog", "pg_namespace") => object::namespaces(context),
        ("pg_catalog", "pg_database") => object::databases(context),
        ("pg_catalog", "pg_authid") => object::roles(context),
        ("pg_catalog", "pg_description") => object::descriptions(context),
        ("pg_catalog", "pg_depend") => object::dependencies(context),
        ("pg_catalog", "pg_rewrite") => object::rewrites(context),
        ("pg_catalog", "pg_settings") => session::settings(context),
        ("pg_catalog", "pg_stat_activity") => session::activity(context),
        ("pg_catalog", "pg_prepared_statements") => session::prepared_statements(context),
        ("pg_catalog", "pg_cursors") => session::cursors(context),
        ("pg_catalog", "pg_timezone_names") => session::timezones(context),
        _ => return Ok(None),
    }))
}

fn dumped(context: &Context<'_>, relation: &System) -> Result<Vec<Row>> {
    if relation.schema != "pg_catalog" {
        return Ok(Vec::new());
    }
    let Some((name, cells)) = DUMPED.get_key_value(relation.name) else { return Ok(Vec::new()) };
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(rows) = shared.get(name) {
        return Ok(rows.as_ref().clone());
    }
    let read = |cells: &Vec<Option<Option<&'static str>>>| -> Result<Row> {
        let values: Result<Vec<Value>> = cells
            .iter()
            .zip(&relation.columns)
            .map(|(cell, column)| match cell {
                None if column.name.ends_with("owner") => Ok(Value::oid(super::oids::OWNER)),
                None => Ok(default(column.type_oid, column.not_null)),
                Some(None) => Ok(Value::Null),
                // The dumps hold oids where a column shows a name.
                Some(Some(text)) if types::is_reg(column.type_oid) => cast::parse(text, types::OID, context),
                Some(Some(text)) => cast::parse(text, column.type_oid, context),
            })
            .collect();
        values.map(row)
    };
    let rows: Result<Vec<Row>> = cells.iter().map(read).collect();
    let rows = Arc::new(rows?);
    shared.insert(name, Arc::clone(&rows));
    Ok(rows.as_ref().clone())
}

fn default(type_oid: u32, not_null: bool) -> Value {
    if !not_null {
        return Value::Null;
    }
    match types::family(type_oid) {
        Family::Bool => Value::Bool(false),
        Family::Number if types::is_integer(type_oid) => Value::Int(0),
        Family::Number => Value::Float(0.0),
        Family::Text | Family::Other => Value::text(""),
        Family::Array if matches!(type_oid, types::INT2VECTOR | types::OIDVECTOR) => Value::vector(Vec::new()),
        Family::Array => Value::array(Vec::new()),
        _ => Value::Null,
    }
}

/// Returns the name of a class as `regclass` shows it: with its schema unless the search path finds it.
pub(crate) fn qualified(context: &Context<'_>, class: &Class) -> String {
    let name = super::functions::quoted(&class.name);
    match context.visible_class(&class.name) {
        Some(found) if found.oid == class.oid => name,
        _ => format!("{}.{name}", super::functions::quoted(&class.schema)),
    }
}
