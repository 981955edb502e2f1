//! What the session and the server say about themselves.

use std::time::Duration;

use super::super::context::Context;
use super::super::value::Value;
use super::super::{Assignment, Effect};
use super::{Function, int_at, lax, oid_at, str_at, strict};
use crate::error::{Error, Kind, Result};

pub(super) const FUNCTIONS: &[Function] = &[
    lax("version", "", "text", |_, c| Ok(format!("PostgreSQL {}", c.session.server_version).into())),
    lax("current_database", "", "name", |_, c| Ok(Value::text(&c.session.database))),
    lax("current_catalog", "", "name", |_, c| Ok(Value::text(&c.session.database))),
    lax("current_schema", "", "name", |_, c| Ok(c.search_path(false).first().map(String::as_str).into())),
    strict("current_schemas", "bool", "_name", |a, c| {
        Ok(Value::array(c.search_path(a[0].is_true()).into_iter().map(Value::from).collect()))
    }),
    lax("current_user", "", "name", |_, c| Ok(Value::text(&c.session.user))),
    lax("current_role", "", "name", |_, c| Ok(Value::text(&c.session.user))),
    lax("user", "", "name", |_, c| Ok(Value::text(&c.session.user))),
    lax("session_user", "", "name", |_, c| Ok(Value::text(&c.session.session_user))),
    strict("current_setting", "text|text bool", "text", current_setting),
    lax("set_config", "text text bool", "text", set_config),
    lax("pg_backend_pid", "", "int4", |_, c| Ok(Value::Int(i64::from(c.session.backend_pid)))),
    lax("pg_is_in_recovery", "", "bool", |_, _| Ok(Value::Bool(false))),
    lax("pg_is_wal_replay_paused", "", "bool", |_, _| Ok(Value::Bool(false))),
    lax("txid_current", "", "int8", |_, _| Ok(Value::Int(1))),
    lax("txid_current_if_assigned", "", "int8", |_, _| Ok(Value::Null)),
    lax("pg_current_xact_id", "", "xid8", |_, _| Ok(Value::Int(1))),
    lax("pg_current_xact_id_if_assigned", "", "xid8", |_, _| Ok(Value::Null)),
    lax("pg_my_temp_schema", "", "oid", |_, c| Ok(Value::oid(c.temporary_schema().map_or(0, |(_, oid)| oid)))),
    strict("pg_is_other_temp_schema", "oid", "bool", |_, _| Ok(Value::Bool(false))),
    lax("inet_server_addr", "", "inet", |_, c| Ok(c.session.server_addr.as_deref().into())),
    lax("inet_server_port", "", "int4", |_, c| Ok(c.session.server_port.map(i64::from).into())),
    lax("inet_client_addr", "", "inet", |_, c| Ok(c.session.client_addr.as_deref().into())),
    lax("inet_client_port", "", "int4", |_, c| Ok(c.session.client_port.map(i64::from).into())),
    lax("getdatabaseencoding", "", "name", |_, _| Ok("UTF8".into())),
    lax("pg_client_encoding", "", "name", |_, _| Ok("UTF8".into())),
    strict("pg_encoding_to_char", "int4", "name", |a, _| Ok(encoding(int_at(a, 0)).into())),
    strict("pg_char_to_encoding", "name", "int4", |a, _| {
        Ok(Value::Int(if str_at(a, 0).to_uppercase().replace('-', "") == "UTF8" { 6 } else { -1 }))
    }),
    strict("pg_encoding_max_length", "int4", "int4", |_, _| Ok(Value::Int(4))),
    strict("pg_sleep", "float8", "void", |a, c| sleep(number(&a[0]), c)),
    strict("pg_sleep_for", "interval", "void", |a, c| match &a[0] {
        Value::Interval { months, days, micros } => {
            let days = i64::from(*months) * 30 + i64::from(*days);
            sleep(days as f64 * 86_400.0 + *micros as f64 / 1e6, c)
        }
        _ => Ok("".into()),
    }),
    strict("pg_sleep_until", "timestamptz", "void", |a, c| match &a[0] {
        Value::Timestamptz(until) => sleep((until - c.session.now.timestamp_micros()) as f64 / 1e6, c),
        _ => Ok("".into()),
    }),
    strict("pg_cancel_backend", "int4", "bool", |a, c| signal(a, c, false)),
    strict("pg_terminate_backend", "int4|int4 int8", "bool", |a, c| signal(a, c, true)),
    strict("host", "inet", "text", |a, _| Ok(str_at(a, 0).split('/').next().into())),
    strict("pg_table_size", "regclass", "int8", |a, c| Ok(size(a, c))),
    strict("pg_indexes_size", "regclass", "int8", |a, c| Ok(size(a, c))),
    strict("pg_relation_size", "regclass|regclass text", "int8", |a, c| Ok(size(a, c))),
    strict("pg_total_relation_size", "regclass", "int8", |a, c| Ok(size(a, c))),
    strict("pg_database_size", "oid|name", "int8", |_, _| Ok(Value::Int(0))),
    strict("pg_tablespace_size", "oid|name", "int8", |_, _| Ok(Value::Int(0))),
    strict("pg_size_pretty", "int8", "text", |a, _| Ok(pretty(int_at(a, 0).unwrap_or(0)).into())),
    strict("pg_tablespace_location", "oid", "text", |_, _| Ok("".into())),
    strict("pg_stat_get_numscans", "oid", "int8", |_, _| Ok(Value::Int(0))),
    lax("pg_export_snapshot", "", "text", |_, _| Err(Error::unsupported("pg_export_snapshot"))),
    strict("pg_jit_available", "", "bool", |_, _| Ok(Value::Bool(false))),
    strict("pg_advisory_unlock_all", "", "void", |_, _| Ok("".into())),
    strict("pg_blocking_pids", "int4", "_int4", |_, _| Ok(Value::array(Vec::new()))),
    strict("pg_collation_actual_version", "oid", "text", |_, _| Ok(Value::Null)),
    strict("pg_database_collation_actual_version", "oid", "text", |_, _| Ok(Value::Null)),
    strict("abs", "int4|int8", "int8", |a, _| Ok(int_at(a, 0).and_then(i64::checked_abs).into())),
    strict("mod", "int4 int4|int8 int8", "int8", |a, _| modulo(a)),
];

fn current_setting(args: &[Value], context: &Context<'_>) -> Result<Value> {
    let name = str_at(args, 0);
    match context.session.setting(name) {
        Some(value) => Ok(value.into()),
        None if args.get(1).is_some_and(Value::is_true) => Ok(Value::Null),
        None => Err(Error::new(Kind::UndefinedObject, format!("unrecognized configuration parameter \"{name}\""))),
    }
}

fn encoding(number: Option<i64>) -> &'static str {
    match number {
        Some(0) => "SQL_ASCII",
        Some(6) => "UTF8",
        Some(8) => "LATIN1",
        _ => "",
    }
}

fn size(args: &[Value], context: &Context<'_>) -> Value {
    // Nothing is stored here; a relation that does not exist has no size.
    context.class(oid_at(args, 0)).map(|_| 0).into()
}

fn pretty(bytes: i64) -> String {
    let (mut number, mut unit) = (bytes, "bytes");
    for next in ["kB", "MB", "GB", "TB", "PB"] {
        if number.unsigned_abs() < 10 * 1024 {
            break;
        }
        // Halves round away from zero, as PostgreSQL has it.
        number = number.saturating_add(number.signum() * 512) / 1024;
        unit = next;
    }
    format!("{number} {unit}")
}

fn modulo(args: &[Value]) -> Result<Value> {
    match (int_at(args, 0), int_at(args, 1)) {
        (Some(_), Some(0)) => Err(Error::new(Kind::DivisionByZero, "division by zero")),
        (Some(a), Some(b)) => Ok(Value::Int(a.wrapping_rem(b))),
        _ => Ok(Value::Null),
    }
}

/// The session carries it out when the statement has run.
fn set_config(args: &[Value], context: &Context<'_>) -> Result<Value> {
    let Some(name) = args[0].as_str() else {
        return Err(Error::new(Kind::NullNotAllowed, "SET requires parameter name"));
    };
    let value = args[1].as_str().map(str::to_owned);
    let assignment = Assignment { name: name.to_owned(), value, is_local: args[2].is_true() };
    context.effects.borrow_mut().push(Effect::Assign(assignment));
    Ok(args[1].clone())
}

/// A number of any kind.
fn number(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        value => value.as_int().unwrap_or_default() as f64,
    }
}

/// The session waits when the statement has run.
fn sleep(seconds: f64, context: &Context<'_>) -> Result<Value> {
    if let Ok(time) = Duration::try_from_secs_f64(seconds) {
        context.effects.borrow_mut().push(Effect::Sleep(time));
    }
    Ok("".into())
}

/// The session carries it out when the statement has run.
fn signal(args: &[Value], context: &Context<'_>, terminate: bool) -> Result<Value> {
    let pid = int_at(args, 0).and_then(|pid| i32::try_from(pid).ok());
    let found = context.session.sessions.iter().find(|session| Some(session.pid) == pid);
    let Some(session) = found else { return Ok(Value::Bool(false)) };
    if session.user != context.session.user {
        let message = match terminate {
            true => "must be a member of the role whose process is being terminated or member of pg_signal_backend",
            false => "must be a member of the role whose query is being canceled or member of pg_signal_backend",
        };
        return Err(Error::new(Kind::InsufficientPrivilege, message));
    }
    context.effects.borrow_mut().push(Effect::Signal { pid: session.pid, terminate });
    Ok(Value::Bool(true))
}
