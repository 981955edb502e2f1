//! What the user may do: read everything that the catalogs show, write nothing.

use super::super::context::Context;
use super::super::oids;
use super::super::types;
use super::super::value::Value;
use super::{Function, object_oid, str_at, strict};
use crate::error::{Error, Kind, Result};

/// A user may be named, given by oid, or left out; an object may be named or given by oid.
const FORMS: &str = "text text|oid text|name text text|name oid text|oid text text|oid oid text";

pub(super) const FUNCTIONS: &[Function] = &[
    strict("has_table_privilege", FORMS, "bool", |a, c| relation(a, c, &["SELECT"])),
    strict("has_any_column_privilege", FORMS, "bool", |a, c| relation(a, c, &["SELECT"])),
    strict("has_sequence_privilege", FORMS, "bool", |a, c| relation(a, c, &["SELECT", "USAGE"])),
    strict(
        "has_column_privilege",
        "text text text|text int2 text|oid text text|oid int2 text|name text text text|name text int2 text|name oid text text|name oid int2 text|oid oid text text|oid oid int2 text",
        "bool",
        column,
    ),
    strict("has_schema_privilege", FORMS, "bool", |a, c| object(a, types::REGNAMESPACE, c, &["USAGE"])),
    strict("has_database_privilege", FORMS, "bool", database),
    strict("has_function_privilege", FORMS, "bool", |a, c| object(a, types::REGPROCEDURE, c, &["EXECUTE"])),
    strict("has_type_privilege", FORMS, "bool", |a, c| object(a, types::REGTYPE, c, &["USAGE"])),
    strict("has_language_privilege", FORMS, "bool", |a, _| granted(a, &[])),
    strict("has_tablespace_privilege", FORMS, "bool", |a, _| granted(a, &[])),
    strict("has_server_privilege", FORMS, "bool", |a, _| granted(a, &[])),
    strict("has_foreign_data_wrapper_privilege", FORMS, "bool", |a, _| granted(a, &[])),
    strict("pg_has_role", FORMS, "bool", |_, _| Ok(Value::Bool(true))),
    strict("row_security_active", "oid|text", "bool", |_, _| Ok(Value::Bool(false))),
];

const KNOWN: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "REFERENCES",
    "TRIGGER",
    "RULE",
    "USAGE",
    "CREATE",
    "CONNECT",
    "TEMPORARY",
    "TEMP",
    "EXECUTE",
    "SET",
    "ALTER SYSTEM",
];

/// Whether one of the listed privileges is among those that everyone has.
fn granted(args: &[Value], held: &[&str]) -> Result<Value> {
    let list = str_at(args, args.len() - 1);
    let mut any = false;
    for privilege in list.split(',') {
        let upper = privilege.trim().to_uppercase();
        let plain = upper.strip_suffix(" WITH GRANT OPTION").unwrap_or(&upper);
        if !KNOWN.contains(&plain) {
            let name = privilege.trim();
            return Err(Error::new(Kind::InvalidParameterValue, format!("unrecognized privilege type: \"{name}\"")));
        }
        any |= held.contains(&upper.as_str());
    }
    Ok(Value::Bool(any))
}

/// A name that does not exist is an error, an oid that does not exist gives NULL.
fn relation(args: &[Value], context: &Context<'_>, held: &[&str]) -> Result<Value> {
    if !exists(&args[args.len() - 2], types::REGCLASS, context)? {
        return Ok(Value::Null);
    }
    granted(args, held)
}

fn exists(object: &Value, of: u32, context: &Context<'_>) -> Result<bool> {
    match (object, of) {
        (Value::Text(name), types::REGNAMESPACE) => match context.schema_oid(name) {
            Some(_) => Ok(true),
            None => Err(Error::new(Kind::UndefinedSchema, format!("schema \"{name}\" does not exist"))),
        },
        (Value::Text(name), _) => object_oid(name, of, context).map(|_| true),
        (_, types::REGCLASS) => Ok(object.as_oid().is_some_and(|oid| context.class(oid).is_some())),
        (_, types::REGNAMESPACE) => Ok(object.as_oid().is_some_and(|oid| context.schema_name(oid).is_some())),
        _ => Ok(true),
    }
}

fn object(args: &[Value], of: u32, context: &Context<'_>, held: &[&str]) -> Result<Value> {
    if !exists(&args[args.len() - 2], of, context)? {
        return Ok(Value::Null);
    }
    granted(args, held)
}

fn column(args: &[Value], context: &Context<'_>) -> Result<Value> {
    let n = args.len();
    if !exists(&args[n - 3], types::REGCLASS, context)? {
        return Ok(Value::Null);
    }
    let oid = match &args[n - 3] {
        Value::Text(name) => object_oid(name, types::REGCLASS, context)?,
        other => other.as_oid().unwrap_or_default(),
    };
    let Some(class) = context.class(oid) else { return Ok(Value::Null) };
    let columns = context.columns(class);
    match &args[n - 2] {
        Value::Text(name) if !columns.iter().any(|(column, ..)| **column == **name) => {
            let message = format!("column \"{name}\" of relation \"{}\" does not exist", class.name);
            Err(Error::new(Kind::UndefinedColumn, message))
        }
        Value::Int(number) if !usize::try_from(*number).is_ok_and(|n| n <= columns.len()) => Ok(Value::Null),
        _ => granted(args, &["SELECT"]),
    }
}

fn database(args: &[Value], context: &Context<'_>) -> Result<Value> {
    let own = &context.session.database;
    match &args[args.len() - 2] {
        Value::Text(name) if **name != **own => {
            Err(Error::new(Kind::UndefinedObject, format!("database \"{name}\" does not exist")))
        }
        Value::Int(oid) if *oid != i64::from(oids::database(own)) => Ok(Value::Null),
        _ => granted(args, &["CONNECT"]),
    }
}
