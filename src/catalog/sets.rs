//! Functions that return rows, in FROM and in the select list.

use super::context::Context;
use super::relations;
use super::tsv::Tsv;
use super::types::{self, Family};
use super::value::Value;
use crate::error::{Error, Kind, Result};

/// A set-returning function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// An ordinary function in FROM: one row.
    Scalar,
    Series,
    TimeSeries,
    Unnest,
    Subscripts,
    ExpandArray,
    SplitToTable,
    Settings,
    Keywords,
    Extensions,
    /// The rows of the view of its name.
    Zones,
    OptionsToTable,
    AclExplode,
    /// Functions of which the gateway knows no rows.
    Empty,
    /// The partitioned tables above one, of which there are none.
    Ancestors,
}

/// The fields of the rows that such functions return, by which `(f(x)).n` finds them.
const FIELDS: &[(&str, usize, u32)] = &[
    ("x", 0, types::INT4),
    ("n", 1, types::INT4),
    ("grantor", 0, types::OID),
    ("grantee", 1, types::OID),
    ("privilege_type", 2, types::TEXT),
    ("is_grantable", 3, types::BOOL),
    ("option_name", 0, types::TEXT),
    ("option_value", 1, types::TEXT),
];

/// Finds a field of a row that a set-returning function gave.
pub(crate) fn field(name: &str) -> Option<(usize, u32)> {
    FIELDS.iter().find(|(field, ..)| *field == name).map(|(_, at, oid)| (*at, *oid))
}

impl Set {
    /// Finds a function by name and number of arguments.
    pub(crate) fn named(name: &str, args: &[u32]) -> Option<Set> {
        Some(match (name, args.len()) {
            ("generate_series", 2 | 3) if args.iter().any(|&oid| types::family(oid) == Family::Time) => Set::TimeSeries,
            ("generate_series", 2 | 3) => Set::Series,
            ("unnest", _) => Set::Unnest,
            ("generate_subscripts", 2 | 3) => Set::Subscripts,
            ("_pg_expandarray", 1) => Set::ExpandArray,
            ("regexp_split_to_table" | "string_to_table", 2) => Set::SplitToTable,
            ("pg_show_all_settings", 0) => Set::Settings,
            ("pg_get_keywords", 0) => Set::Keywords,
            ("pg_available_extensions", 0) => Set::Extensions,
            ("pg_timezone_names", 0) => Set::Zones,
            ("pg_options_to_table", 1) => Set::OptionsToTable,
            ("aclexplode", 1) => Set::AclExplode,
            ("pg_partition_ancestors", 1) => Set::Ancestors,
            ("pg_listening_channels" | "pg_lock_status" | "pg_cursor" | "pg_prepared_statement", 0) => Set::Empty,
            _ => return None,
        })
    }

    /// Returns what the arguments are converted to.
    pub(crate) fn args(self, given: &[u32]) -> Vec<u32> {
        match self {
            Set::Series if given.iter().any(|&oid| types::base(oid) == types::INT8) => vec![types::INT8; given.len()],
            Set::Series => vec![types::INT4; given.len()],
            Set::TimeSeries => vec![types::TIMESTAMPTZ, types::TIMESTAMPTZ, types::INTERVAL],
            Set::Unnest => given.iter().map(|&oid| if oid == types::UNKNOWN { 1009 } else { oid }).collect(),
            Set::SplitToTable => vec![types::TEXT; 2],
            Set::Ancestors => vec![types::REGCLASS],
            _ => given.to_vec(),
        }
    }

    /// Returns the columns; a single column is renamed by the table alias.
    pub(crate) fn columns(self, name: &str, args: &[u32]) -> Vec<(String, u32)> {
        let named = |columns: &[(&str, u32)]| columns.iter().map(|(name, oid)| ((*name).to_owned(), *oid)).collect();
        let element = |oid: &u32| types::element(*oid).unwrap_or(types::TEXT);
        match self {
            Set::Scalar | Set::Empty => vec![(name.to_owned(), args.first().copied().unwrap_or(types::TEXT))],
            Set::Series => vec![(name.to_owned(), self.args(args)[0])],
            Set::Ancestors => vec![("relid".to_owned(), types::REGCLASS)],
            Set::TimeSeries => vec![(name.to_owned(), types::TIMESTAMPTZ)],
            Set::Unnest => args.iter().map(|oid| (name.to_owned(), element(oid))).collect(),
            Set::Subscripts => vec![(name.to_owned(), types::INT4)],
            Set::SplitToTable => vec![(name.to_owned(), types::TEXT)],
            Set::ExpandArray => {
                vec![("x".to_owned(), args.first().map_or(types::INT4, element)), ("n".to_owned(), types::INT4)]
            }
            Set::Settings => columns_of("pg_settings"),
            Set::Keywords => named(&[
                ("word", types::TEXT),
                ("catcode", types::CHAR),
                ("barelabel", types::BOOL),
                ("catdesc", types::TEXT),
                ("baredesc", types::TEXT),
            ]),
            Set::Extensions => {
                named(&[("name", types::NAME), ("default_version", types::TEXT), ("comment", types::TEXT)])
            }
            Set::Zones => columns_of("pg_timezone_names"),
            Set::OptionsToTable => named(&[("option_name", types::TEXT), ("option_value", types::TEXT)]),
            Set::AclExplode => named(&[
                ("grantor", types::OID),
                ("grantee", types::OID),
                ("privilege_type", types::TEXT),
                ("is_grantable", types::BOOL),
            ]),
        }
    }

    /// Returns the rows for values of the arguments.
    pub(crate) fn call(self, args: &[Value], context: &Context<'_>) -> Result<Vec<Vec<Value>>> {
        Ok(match self {
            Set::Scalar => vec![args.to_vec()],
            Set::Series => series(args)?,
            Set::TimeSeries => time_series(args)?,
            Set::Unnest => unnest(args),
            Set::Subscripts => subscripts(args),
            Set::ExpandArray => expand(&args[0]),
            Set::SplitToTable => split(args, context)?,
            Set::Settings => rows_of("pg_settings", context)?,
            Set::Zones => rows_of("pg_timezone_names", context)?,
            Set::Keywords => keywords(),
            Set::Extensions => extensions(),
            // Nothing here has options, an access list or partitions.
            Set::OptionsToTable | Set::AclExplode | Set::Ancestors | Set::Empty => Vec::new(),
        })
    }
}

fn columns_of(relation: &str) -> Vec<(String, u32)> {
    let at = relations::find("pg_catalog", relation);
    let columns = at.map_or(&[][..], |at| relations::all()[at].columns.as_slice());
    columns.iter().map(|column| (column.name.to_owned(), column.type_oid)).collect()
}

fn rows_of(relation: &str, context: &Context<'_>) -> Result<Vec<Vec<Value>>> {
    match relations::find("pg_catalog", relation) {
        Some(at) => Ok(context.rows(at)?.iter().map(|row| row.to_vec()).collect()),
        None => Ok(Vec::new()),
    }
}

/// More rows than any catalog statement has need of.
const MOST_ROWS: usize = 1_000_000;

fn too_many() -> Error {
    Error::new(Kind::ConfigurationLimit, format!("set-returning function gives more than {MOST_ROWS} rows"))
}

fn series(args: &[Value]) -> Result<Vec<Vec<Value>>> {
    let (Some(mut at), Some(end)) = (args[0].as_int(), args[1].as_int()) else { return Ok(Vec::new()) };
    let Some(step) = args.get(2).map_or(Some(1), Value::as_int) else { return Ok(Vec::new()) };
    if step == 0 {
        return Err(Error::new(Kind::InvalidParameterValue, "step size cannot equal zero"));
    }
    let mut rows = Vec::new();
    while if step > 0 { at <= end } else { at >= end } {
        if rows.len() >= MOST_ROWS {
            return Err(too_many());
        }
        rows.push(vec![Value::Int(at)]);
        let Some(next) = at.checked_add(step) else { break };
        at = next;
    }
    Ok(rows)
}

fn time_series(args: &[Value]) -> Result<Vec<Vec<Value>>> {
    let (Value::Timestamptz(start), Value::Timestamptz(end), Some(Value::Interval { months: 0, days, micros })) =
        (&args[0], &args[1], args.get(2))
    else {
        return Err(Error::unsupported("generate_series over these times"));
    };
    let step = i64::from(*days) * 86_400_000_000 + micros;
    let numbers = series(&[Value::Int(*start), Value::Int(*end), Value::Int(step)])?;
    Ok(numbers.iter().filter_map(|row| row[0].as_int()).map(|at| vec![Value::Timestamptz(at)]).collect())
}

fn unnest(args: &[Value]) -> Vec<Vec<Value>> {
    let n = args.iter().filter_map(Value::items).map(<[Value]>::len).max().unwrap_or(0);
    let cell = |arg: &Value, i: usize| arg.items().and_then(|items| items.get(i)).cloned().unwrap_or_default();
    (0..n).map(|i| args.iter().map(|arg| cell(arg, i)).collect()).collect()
}

fn subscripts(args: &[Value]) -> Vec<Vec<Value>> {
    let Value::Array(array) = &args[0] else { return Vec::new() };
    if args[1].as_int() != Some(1) {
        return Vec::new();
    }
    let mut numbers: Vec<i64> = (0..array.items.len() as i64).map(|i| i + i64::from(array.lower)).collect();
    if args.get(2).is_some_and(Value::is_true) {
        numbers.reverse();
    }
    numbers.into_iter().map(|n| vec![Value::Int(n)]).collect()
}

fn expand(array: &Value) -> Vec<Vec<Value>> {
    let items = array.items().unwrap_or_default();
    items.iter().zip(1..).map(|(item, n)| vec![item.clone(), Value::Int(n)]).collect()
}

fn split(args: &[Value], context: &Context<'_>) -> Result<Vec<Vec<Value>>> {
    let (Some(text), Some(pattern)) = (args[0].as_str(), args[1].as_str()) else { return Ok(Vec::new()) };
    let regex = context.regex(pattern, false)?;
    Ok(regex.split(text).map(|part| vec![Value::text(part)]).collect())
}

/// The words of SQL as PostgreSQL 15 knows them.
fn keywords() -> Vec<Vec<Value>> {
    let table = Tsv::new(include_str!("data/keywords.tsv"));
    let cell = |(at, text): (usize, &str)| if at == 2 { Value::Bool(text == "t") } else { Value::text(text) };
    table.rows().map(|row| row.into_iter().enumerate().map(cell).collect()).collect()
}

/// The extensions: the one that every PostgreSQL has.
fn extensions() -> Vec<Vec<Value>> {
    vec![vec!["plpgsql".into(), "1.0".into(), "PL/pgSQL procedural language".into()]]
}
