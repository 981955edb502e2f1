//! Names of objects: quoting, visibility, `reg…` values to and from text, comments.

use std::sync::Arc;

use super::super::context::{Class, Context};
use super::super::tables;
use super::super::value::{Row, Value};
use super::super::{oids, relations, types};
use super::{Function, int_at, lax, oid_at, str_at, strict};
use crate::error::{Error, Kind, Result};
use crate::function::quote::identifier;

pub(super) const FUNCTIONS: &[Function] = &[
    strict("oidvectortypes", "oidvector", "text", |a, c| {
        let types: Vec<String> =
            a[0].items().into_iter().flatten().filter_map(Value::as_oid).map(|oid| type_text(oid, c)).collect();
        Ok(Value::text(types.join(", ")))
    }),
    lax("format_type", "oid int4", "text", format_type),
    strict("to_regclass", "text", "regclass", |a, c| Ok(to_reg(a, types::REGCLASS, c))),
    strict("to_regtype", "text", "regtype", |a, c| Ok(to_reg(a, types::REGTYPE, c))),
    strict("to_regproc", "text", "regproc", |a, c| Ok(to_reg(a, types::REGPROC, c))),
    strict("to_regnamespace", "text", "regnamespace", |a, c| Ok(to_reg(a, types::REGNAMESPACE, c))),
    strict("to_regrole", "text", "regrole", |a, c| Ok(to_reg(a, types::REGROLE, c))),
    strict("pg_table_is_visible", "oid", "bool", |a, c| Ok(table_visible(oid_at(a, 0), c).into())),
    strict("pg_type_is_visible", "oid", "bool", |a, c| type_visible(oid_at(a, 0), c)),
    strict("pg_function_is_visible", "oid", "bool", builtin_visible),
    strict("pg_operator_is_visible", "oid", "bool", builtin_visible),
    strict("pg_opclass_is_visible", "oid", "bool", builtin_visible),
    strict("pg_opfamily_is_visible", "oid", "bool", builtin_visible),
    strict("pg_collation_is_visible", "oid", "bool", builtin_visible),
    strict("pg_conversion_is_visible", "oid", "bool", builtin_visible),
    strict("pg_ts_config_is_visible", "oid", "bool", builtin_visible),
    strict("pg_ts_dict_is_visible", "oid", "bool", builtin_visible),
    strict("pg_ts_parser_is_visible", "oid", "bool", builtin_visible),
    strict("pg_ts_template_is_visible", "oid", "bool", builtin_visible),
    strict("pg_statistics_obj_is_visible", "oid", "bool", builtin_visible),
    strict("pg_get_userbyid", "oid", "name", |a, c| Ok(user_name(oid_at(a, 0), c))),
    strict("obj_description", "oid|oid name", "text", |a, c| Ok(description(a, 0, c))),
    strict("col_description", "oid int4", "text", |a, c| Ok(description(a, int_at(a, 1).unwrap_or(0), c))),
    strict("shobj_description", "oid name", "text", |_, _| Ok(Value::Null)),
];

/// Returns an identifier, in double quotes if SQL would not read it back without.
pub(crate) fn quoted(name: &str) -> String {
    identifier(name).into_owned()
}

/// Splits a qualified name: folds what is not quoted.
pub(crate) fn split(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        let mut part = String::new();
        if let Some(body) = rest.strip_prefix('"') {
            let mut chars = body.char_indices().peekable();
            let end = loop {
                match chars.next()? {
                    (_, '"') if chars.next_if(|(_, c)| *c == '"').is_some() => part.push('"'),
                    (at, '"') => break at,
                    (_, c) => part.push(c),
                }
            };
            rest = body[end + 1..].trim_start();
        } else {
            let end = rest.find(['.', '"']).unwrap_or(rest.len());
            part = rest[..end].trim().to_lowercase();
            let word = part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
            if part.is_empty() || !word {
                return None;
            }
            rest = &rest[end..];
        }
        parts.push(part);
        match rest.strip_prefix('.') {
            Some(more) => rest = more.trim_start(),
            None => return rest.is_empty().then_some(parts),
        }
    }
}

fn class_of<'a>(text: &str, context: &'a Context<'_>) -> Option<&'a Class> {
    match split(text)?.as_slice() {
        [name] => context.visible_class(name),
        [schema, name] => context.class_named(schema, name),
        [database, schema, name] if *database == context.session.database => context.class_named(schema, name),
        _ => None,
    }
}

/// Finds the oid that the text of a `reg…` value stands for.
pub(crate) fn object_oid(text: &str, of: u32, context: &Context<'_>) -> Result<u32> {
    if text == "-" {
        return Ok(0);
    }
    if let Ok(oid) = text.parse() {
        return Ok(oid);
    }
    let missing = |kind, what: &str| Err(Error::new(kind, format!("{what} \"{text}\" does not exist")));
    let last = || split(text).and_then(|mut parts| parts.pop()).unwrap_or_default();
    match of {
        types::REGCLASS => match class_of(text, context) {
            Some(class) => Ok(class.oid),
            None => missing(Kind::UndefinedTable, "relation"),
        },
        types::REGTYPE => {
            match types::parse(text).or_else(|| class_of(text, context).map(|class| oids::row_type(class.oid))) {
                Some(oid) => Ok(oid),
                None => missing(Kind::UndefinedObject, "type"),
            }
        }
        types::REGNAMESPACE => match context.schema_oid(&last()) {
            Some(oid) => Ok(oid),
            None => missing(Kind::UndefinedSchema, "schema"),
        },
        types::REGROLE => match context.role_oid(&last()) {
            Some(oid) => Ok(oid),
            None => missing(Kind::UndefinedObject, "role"),
        },
        types::REGPROC => match all_by_name("pg_proc", &last(), context)?.as_slice() {
            [] => missing(Kind::UndefinedFunction, "function"),
            [one] => Ok(one[0].as_oid().unwrap_or_default()),
            _ => Err(Error::new(Kind::AmbiguousFunction, format!("more than one function named \"{text}\""))),
        },
        types::REGPROCEDURE => {
            let Some((name, args)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) else {
                return Err(Error::new(Kind::InvalidText, "expected a left parenthesis"));
            };
            let name = split(name).and_then(|mut parts| parts.pop()).unwrap_or_default();
            let args = args.split(',').map(str::trim).filter(|arg| !arg.is_empty()).map(types::parse);
            let Some(args) = args.collect::<Option<Vec<u32>>>() else { return missing(Kind::UndefinedObject, "type") };
            match all_by_name("pg_proc", &name, context)?.iter().find(|row| arguments(row) == args) {
                Some(row) => Ok(row[0].as_oid().unwrap_or_default()),
                None => missing(Kind::UndefinedFunction, "function"),
            }
        }
        4191 => Ok(find_by_name("pg_collation", &last(), context)?.unwrap_or_default()),
        _ => missing(Kind::UndefinedObject, "object"),
    }
}

/// Finds the oid of the first row of a relation whose second column, its name, is that.
fn find_by_name(relation: &str, name: &str, context: &Context<'_>) -> Result<Option<u32>> {
    let Some(position) = relations::find("pg_catalog", relation) else { return Ok(None) };
    let index = context.index(position, 1)?;
    let rows = context.rows(position)?;
    let found = Value::text(name).key().and_then(|key| index.get(&key)).and_then(|places| places.first());
    Ok(found.and_then(|&at| rows[at][0].as_oid()))
}

/// The rows of a relation whose second column, its name, is that.
fn all_by_name(relation: &str, name: &str, context: &Context<'_>) -> Result<Vec<Row>> {
    let Some(position) = relations::find("pg_catalog", relation) else { return Ok(Vec::new()) };
    let index = context.index(position, 1)?;
    let rows = context.rows(position)?;
    let places = Value::text(name).key().and_then(|key| index.get(&key));
    Ok(places.into_iter().flatten().map(|&at| Arc::clone(&rows[at])).collect())
}

/// A column of a row of one of the catalogs.
fn cell<'r>(relation: &str, row: &'r Row, column: &str) -> Option<&'r Value> {
    let position = relations::find("pg_catalog", relation)?;
    let at = relations::all()[position].columns.iter().position(|own| own.name == column)?;
    row.get(at)
}

/// The types of a function's arguments.
fn arguments(row: &Row) -> Vec<u32> {
    match cell("pg_proc", row, "proargtypes") {
        Some(Value::Array(array)) => array.items.iter().filter_map(Value::as_oid).collect(),
        _ => Vec::new(),
    }
}

/// The name of a type within the text of a function or operator.
fn type_text(oid: u32, context: &Context<'_>) -> String {
    context.type_name(oid, None).unwrap_or_else(|| oid.to_string())
}

/// A function with its arguments, as `regprocedure` is written.
fn procedure_text(oid: i64, context: &Context<'_>) -> Option<String> {
    let row = find_row("pg_proc", oid, context).ok()??;
    let args: Vec<String> = arguments(&row).into_iter().map(|arg| type_text(arg, context)).collect();
    Some(format!("{}({})", quoted(row[1].as_str()?), args.join(",")))
}

/// An operator with its operands, as `regoperator` is written.
fn operator_text(oid: i64, context: &Context<'_>) -> Option<String> {
    let row = find_row("pg_operator", oid, context).ok()??;
    let operand = |column| match cell("pg_operator", &row, column).and_then(Value::as_oid) {
        Some(oid) if oid != 0 => type_text(oid, context),
        _ => "NONE".to_owned(),
    };
    Some(format!("{}({},{})", row[1].as_str()?, operand("oprleft"), operand("oprright")))
}

/// The name of a function or operator, with its schema if others have it, too.
fn unique_name(relation: &str, oid: i64, context: &Context<'_>) -> Option<String> {
    let row = find_row(relation, oid, context).ok()??;
    let name = row[1].as_str()?;
    let shown = if relation == "pg_proc" { quoted(name) } else { name.to_owned() };
    match all_by_name(relation, name, context).ok()?.len() {
        0 | 1 => Some(shown),
        _ => Some(format!("pg_catalog.{shown}")),
    }
}

/// Finds the row of a relation whose first column, its oid, is that.
pub(super) fn find_row(relation: &str, oid: i64, context: &Context<'_>) -> Result<Option<Row>> {
    let Some(position) = relations::find("pg_catalog", relation) else { return Ok(None) };
    let index = context.index(position, 0)?;
    let rows = context.rows(position)?;
    let found = Value::Int(oid).key().and_then(|key| index.get(&key)).and_then(|places| places.first());
    Ok(found.map(|&at| Arc::clone(&rows[at])))
}

/// Returns the text of a `reg…` value.
pub(crate) fn object_text(oid: i64, of: u32, context: &Context<'_>) -> String {
    let number = u32::try_from(oid).unwrap_or_default();
    let name = match of {
        _ if oid == 0 => Some("-".to_owned()),
        types::REGCLASS => context.class(number).map(|class| tables::qualified(context, class)),
        types::REGTYPE => context.type_name(number, None),
        types::REGNAMESPACE => context.schema_name(number).map(quoted),
        types::REGROLE => context.roles().into_iter().find(|(_, role)| *role == number).map(|(name, _)| quoted(&name)),
        types::REGPROC => unique_name("pg_proc", oid, context),
        types::REGPROCEDURE => procedure_text(oid, context),
        2203 => unique_name("pg_operator", oid, context),
        2204 => operator_text(oid, context),
        4191 => second_column("pg_collation", oid, context),
        _ => None,
    };
    name.unwrap_or_else(|| oid.to_string())
}

fn second_column(relation: &str, oid: i64, context: &Context<'_>) -> Option<String> {
    find_row(relation, oid, context).ok().flatten().and_then(|row| row[1].as_str().map(quoted))
}

fn to_reg(args: &[Value], of: u32, context: &Context<'_>) -> Value {
    // Unlike the cast, this takes no number and fails for nothing.
    let text = str_at(args, 0);
    let named = text.parse::<u32>().is_err();
    object_oid(text, of, context).ok().filter(|_| named).map_or(Value::Null, Value::oid)
}

fn format_type(args: &[Value], context: &Context<'_>) -> Result<Value> {
    let Some(oid) = args[0].as_oid() else { return Ok(Value::Null) };
    if oid == 0 {
        return Ok("-".into());
    }
    Ok(context.type_name(oid, int_at(args, 1)).unwrap_or_else(|| "???".to_owned()).into())
}

fn table_visible(oid: u32, context: &Context<'_>) -> Option<bool> {
    let class = context.class(oid)?;
    Some(context.visible_class(&class.name).is_some_and(|found| found.oid == oid))
}

fn type_visible(oid: u32, context: &Context<'_>) -> Result<Value> {
    if let Some(entry) = types::get(oid) {
        return Ok((entry.schema == oids::PG_CATALOG).into());
    }
    let class = context
        .classes
        .iter()
        .find(|class| oid != 0 && (oids::row_type(class.oid) == oid || oids::row_array(class.oid) == oid));
    Ok(class.and_then(|class| table_visible(class.oid, context)).into())
}

/// Everything but relations and types is builtin, in `pg_catalog`, and that is on every search path.
#[expect(clippy::unnecessary_wraps, reason = "the signature is that of every function in the table")]
fn builtin_visible(_: &[Value], _: &Context<'_>) -> Result<Value> {
    Ok(Value::Bool(true))
}

fn user_name(oid: u32, context: &Context<'_>) -> Value {
    let role = context.roles().into_iter().find(|(_, role)| *role == oid);
    role.map_or_else(|| format!("unknown (OID={oid})"), |(name, _)| name).into()
}

fn description(args: &[Value], part: i64, context: &Context<'_>) -> Value {
    let oid = oid_at(args, 0);
    let catalog = args.get(1).and_then(Value::as_str);
    if let Some(class) = context.class(oid).filter(|_| catalog.is_none_or(|name| name == "pg_class")) {
        let Some(relation) = context.relation(class).filter(|_| class.kind != 'i') else { return Value::Null };
        let comment = match usize::try_from(part) {
            Ok(0) => relation.comment.as_deref(),
            Ok(n) => relation.columns.get(n - 1).and_then(|column| column.comment.as_deref()),
            Err(_) => None,
        };
        return Value::optional_text(comment);
    }
    if oid == oids::PG_CATALOG && catalog == Some("pg_namespace") {
        return "system catalog schema".into();
    }
    let schema = context.snapshot.schemas.iter().find(|schema| context.schema_oid(&schema.name) == Some(oid));
    Value::optional_text(
        schema.filter(|_| catalog == Some("pg_namespace")).and_then(|schema| schema.comment.as_deref()),
    )
}
