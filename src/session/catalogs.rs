//! Queries over the catalogs: what the session sees, as [`crate::catalog`] wants it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use datafusion::arrow::array::Array as _;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{Expr, ObjectName, Query, Statement, visit_expressions, visit_relations};

use crate::catalog::{
    self, Activity, Array, Assignment, Column, Effect, ForeignKey, PreparedStatement, Relation, RelationKind, Rowset,
    Schema, SessionInfo, Setting, Snapshot, Value,
};
use crate::error::{Error, Result};
use crate::function::registry;
use crate::model::canonical::{SHAPES, Shape};
use crate::model::scan::Source;
use crate::model::statement as running;
use crate::model::table::{self, Table};
use crate::session::cursors::Declared;
use crate::session::gateway::Seated;
use crate::session::prepared::Named;
use crate::session::vars::Described;
use crate::session::{Session, answer, prepared};
use crate::sql::relations::TEMPORARY;
use crate::table::{canonical, system};

/// What the catalogs show of a session, kept until something changes that they show.
#[derive(Debug, Default)]
pub(super) struct Shown {
    snapshot: OnceLock<Arc<Snapshot>>,
    settings: OnceLock<Arc<Vec<Setting>>>,
}

/// Whether every relation of a statement is one of the catalogs.
pub(super) fn applies(session: &Session, statement: &Statement) -> bool {
    query(statement).is_some_and(|query| catalog::applies(query, &snapshot(session), &info(session)))
}

/// Whether a statement without relations calls a function, or names a type, that only the catalogs know.
pub(super) fn may_know(statement: &Statement) -> bool {
    let found = visit_expressions(statement, |expr| {
        let is_theirs = match expr {
            Expr::Function(call) => call.name.0.last().and_then(|part| part.as_ident()).is_some_and(|name| {
                let name = name.value.to_lowercase();
                // The engine has no session to change.
                (!registry::is_known(&name) || name == "set_config") && catalog::knows_function(&name)
            }),
            Expr::Cast { data_type, .. } => {
                let name = data_type.to_string().to_lowercase();
                name.rsplit('.').next().is_some_and(|name| name.trim_matches('"').starts_with("reg"))
            }
            _ => false,
        };
        if is_theirs { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let from = |name: &ObjectName| {
        let last = name.0.last().and_then(|part| part.as_ident()).map(|own| own.value.to_lowercase());
        let is_theirs = last.is_some_and(|name| !registry::is_known(&name) && catalog::knows_function(&name));
        if is_theirs { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    found.is_break() || visit_relations(statement, from).is_break()
}

fn query(statement: &Statement) -> Option<&Query> {
    match statement {
        Statement::Query(query) => Some(query),
        _ => None,
    }
}

/// A query over the catalogs that has been planned.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    /// The columns.
    pub(super) schema: SchemaRef,
    plan: Arc<catalog::Planned>,
    /// What the plan is of.
    snapshot: Arc<Snapshot>,
}

impl Planned {
    /// Types of the parameters.
    pub(super) fn parameters(&self) -> Vec<u32> {
        self.plan.description.parameters.clone()
    }
}

/// Plans a query.
///
/// # Errors
/// What is wrong with the statement, as PostgreSQL says it.
pub(super) fn plan(session: &Session, statement: &Statement, declared: &[u32]) -> Result<Planned> {
    let query = query(statement).ok_or_else(|| Error::internal("only a query is asked of the catalogs"))?;
    let snapshot = snapshot(session);
    let plan = Arc::new(catalog::plan(query, &snapshot, &info(session), declared)?);
    let nothing = Rowset { columns: plan.description.columns.clone(), ..Rowset::default() };
    Ok(Planned { schema: catalog::to_batch(&nothing)?.schema(), plan, snapshot })
}

/// The rows.
///
/// # Errors
/// What goes wrong while they are computed.
pub(super) async fn run(
    session: &mut Session,
    planned: &Planned,
    statement: &Statement,
    oids: &[u32],
    parameters: &[ScalarValue],
    running: &running::Statement,
) -> Result<RecordBatch> {
    let (snapshot, info) = (snapshot(session), info(session));
    let plan = match Arc::ptr_eq(&snapshot, &planned.snapshot) {
        true => Arc::clone(&planned.plan),
        false => {
            let fresh = plan(session, statement, oids)?;
            prepared::check_same_result(&planned.schema, &fresh.schema)?;
            fresh.plan
        }
    };
    let parameters = parameters.iter().map(value).collect::<Result<Vec<_>>>()?;
    let work = move || {
        let rows = catalog::run(&plan, &snapshot, &info, &parameters)?;
        Ok((catalog::to_batch(&rows)?, rows.effects))
    };
    let (batch, effects) = session.gateway.engine.compute(work).await?;
    for effect in effects {
        match effect {
            Effect::Assign(Assignment { name, value, is_local }) => {
                session.assign(&name, value, is_local)?;
                session.forget_view();
            }
            Effect::Signal { pid, terminate } => session.gateway.registry.signal(pid, &session.hello.user, terminate),
            Effect::Sleep(time) => tokio::select! {
                () = tokio::time::sleep(time) => {}
                () = running.cancel.cancelled() => return Err(running.stopped()),
                () = running.expired() => return Err(running::Statement::timed_out()),
            },
        }
    }
    Ok(batch)
}

fn value(scalar: &ScalarValue) -> Result<Value> {
    if scalar.is_null() {
        return Ok(Value::Null);
    }
    Ok(match scalar {
        ScalarValue::Boolean(Some(truth)) => Value::Bool(*truth),
        ScalarValue::Int16(Some(number)) => Value::Int(i64::from(*number)),
        ScalarValue::Int32(Some(number)) => Value::Int(i64::from(*number)),
        ScalarValue::Int64(Some(number)) => Value::Int(*number),
        ScalarValue::UInt32(Some(number)) => Value::Int(i64::from(*number)),
        ScalarValue::Float32(Some(number)) => Value::Float(f64::from(*number)),
        ScalarValue::Float64(Some(number)) => Value::Float(*number),
        ScalarValue::Date32(Some(days)) => Value::Date(*days),
        ScalarValue::TimestampMicrosecond(Some(micros), None) => Value::Timestamp(*micros),
        ScalarValue::TimestampMicrosecond(Some(micros), Some(_)) => Value::Timestamptz(*micros),
        ScalarValue::Utf8(Some(text)) => Value::text(text),
        ScalarValue::List(list) => {
            let items = list.value(0);
            let item = |at| {
                let scalar =
                    ScalarValue::try_from_array(&items, at).map_err(|error| Error::internal(error.to_string()))?;
                value(&scalar)
            };
            let items = (0..items.len()).map(item).collect::<Result<Vec<_>>>()?;
            Value::Array(Arc::new(Array { lower: 1, items }))
        }
        other => {
            return Err(Error::unsupported(format!("a parameter of type {} in a catalog query", other.data_type())));
        }
    })
}

/// The numbers of the session's relations in `pg_class`, as the engine names them.
pub(super) fn oids(session: &Session) -> HashMap<(String, String), u32> {
    let own = format!("pg_temp_{}", session.hello.pid);
    let named = |(schema, name, oid): (String, String, u32)| {
        ((if schema == own { TEMPORARY.to_owned() } else { schema }, name), oid)
    };
    snapshot(session).oids().into_iter().map(named).collect()
}

/// The tables that the session sees.
fn snapshot(session: &Session) -> Arc<Snapshot> {
    Arc::clone(session.shown.snapshot.get_or_init(|| Arc::new(made_snapshot(session))))
}

fn made_snapshot(session: &Session) -> Snapshot {
    let sources = session.visible_sources();
    let public = Schema { name: "public".to_owned(), oid: None, comment: Some("standard public schema".to_owned()) };
    let schemas = sources.iter().map(|source| Schema {
        name: source.name.clone(),
        oid: None,
        comment: Some(format!("Exports of {}.", source.connector.title)),
    });
    let system = Schema {
        name: system::SCHEMA.to_owned(),
        oid: None,
        comment: Some("System views of the gateway: sources, what upstream can filter, scans, quota.".to_owned()),
    };
    let tables = sources.iter().flat_map(|source| {
        source.connector.tables.iter().map(move |table| Relation {
            foreign_keys: foreign_keys(source, table),
            ..relation(&source.name, table, RelationKind::Table)
        })
    });
    let system_views = system::VIEWS.iter().map(|view| relation(system::SCHEMA, &view.table, RelationKind::View));
    let views = SHAPES.iter().map(|shape| view(shape, &sources));
    let own = format!("pg_temp_{}", session.hello.pid);
    let temporary_tables = session.temporary.relations(&own);
    let temporary = Schema { name: own, oid: None, comment: None };
    let temporary = (!temporary_tables.is_empty()).then_some(temporary);
    Snapshot {
        database: session.hello.database.clone(),
        owner: session.hello.user.clone(),
        schemas: [public, system].into_iter().chain(schemas).chain(temporary).collect(),
        relations: views.chain(tables).chain(system_views).chain(temporary_tables).collect(),
        users: session.gateway.users.iter().map(|user| user.name.clone()).collect(),
        kept: Arc::default(),
    }
}

fn column(column: &table::Column) -> Column {
    Column {
        name: column.name.to_owned(),
        type_oid: column.ty.oid(),
        not_null: !column.nullable,
        comment: Some(column.comment()),
    }
}

/// A virtual table over all sources.
fn view(shape: &Shape, sources: &[Arc<Source>]) -> Relation {
    let parts = canonical::parts(shape, sources);
    Relation {
        schema: "public".to_owned(),
        name: shape.name.to_owned(),
        kind: RelationKind::View,
        comment: Some(shape.doc.to_owned()),
        // Columns of a view are never declared NOT NULL.
        columns: shape.columns.iter().map(|own| Column { not_null: false, ..column(own) }).collect(),
        primary_key: None,
        foreign_keys: Vec::new(),
        definition: Some(canonical::definition(shape, &parts)),
    }
}

fn relation(schema: &str, table: &Table, kind: RelationKind) -> Relation {
    Relation {
        schema: schema.to_owned(),
        name: table.name.to_owned(),
        kind,
        comment: Some(table.doc.to_owned()),
        columns: table.columns.iter().map(column).collect(),
        primary_key: table.key_positions(),
        foreign_keys: Vec::new(),
        definition: None,
    }
}

/// The columns whose values are those of another table of the source.
fn foreign_keys(source: &Source, table: &Table) -> Vec<ForeignKey> {
    let key = |(at, column): (usize, &table::Column)| {
        let (name, referenced) = column.references?;
        let other = source.connector.tables.iter().find(|other| other.name == name)?;
        let referenced = vec![other.position(referenced)?];
        Some(ForeignKey { columns: vec![at], schema: source.name.clone(), name: name.to_owned(), referenced })
    };
    table.columns.iter().enumerate().filter_map(key).collect()
}

fn info(session: &Session) -> SessionInfo {
    let hello = &session.hello;
    let mut info = SessionInfo::new(&hello.user, &hello.database, Utc::now());
    let since = session.transaction.since().and_then(DateTime::from_timestamp_micros);
    info.transaction_start = since.unwrap_or(info.now);
    info.search_path = session.vars.search_path();
    info.settings = Arc::clone(session.shown.settings.get_or_init(|| Arc::new(settings(session))));
    info.backend_pid = hello.pid;
    info.server_start = session.gateway.started;
    info.server_version = answer::version().trim_start_matches("PostgreSQL ").to_owned();
    info.client_addr = Some(hello.peer.ip().to_string());
    info.client_port = Some(i32::from(hello.peer.port()));
    info.sessions = session.gateway.registry.sessions().into_iter().map(|seated| activity(seated, session)).collect();
    info.prepared = session.statements.all().map(|(name, own)| prepared(name, own)).collect();
    info.cursors = session.cursors.all().map(cursor).collect();
    // A fixed offset has no name in the time zone database; the catalogs hold no times that it would move.
    info.style = Arc::new(session.style());
    info.timezone = session.vars.time_zone().parse().unwrap_or(chrono_tz::UTC);
    info
}

fn activity(seated: Seated, session: &Session) -> Activity {
    let own = seated.user == session.hello.user;
    // What others run is nobody's business, as in PostgreSQL.
    let hidden = || "<insufficient privilege>".to_owned();
    let time = |micros: i64| DateTime::from_timestamp_micros(micros);
    let Seated { pid, user, peer, since, runs, text, text_since, application_name } = seated;
    Activity {
        pid,
        user,
        database: session.hello.database.clone(),
        application_name,
        client_addr: own.then(|| peer.ip().to_string()),
        client_port: own.then(|| i32::from(peer.port())),
        backend_start: own.then(|| time(since)).flatten(),
        query_start: own.then(|| text_since.and_then(time)).flatten(),
        state_change: own.then(|| text_since.and_then(time)).flatten(),
        state: if !own {
            ""
        } else if runs {
            "active"
        } else {
            "idle"
        }
        .to_owned(),
        query: if own { text.to_string() } else { hidden() },
        ..Activity::default()
    }
}

fn prepared(name: &str, own: &Named) -> PreparedStatement {
    PreparedStatement {
        name: name.to_owned(),
        statement: own.text.to_string(),
        since: DateTime::from_timestamp_micros(own.since),
        parameters: own.prepared.parameter_oids().to_vec(),
        from_sql: own.from_sql,
    }
}

fn cursor(own: &Declared) -> catalog::Cursor {
    catalog::Cursor {
        name: own.declare.name.clone(),
        statement: own.text.to_string(),
        is_holdable: own.declare.hold,
        is_binary: own.declare.binary,
        is_scrollable: own.declare.scroll != Some(false),
        since: DateTime::from_timestamp_micros(own.statement.started),
    }
}

fn settings(session: &Session) -> Vec<Setting> {
    let setting = |own: Described| Setting {
        name: own.name,
        value: own.shown,
        raw: own.raw,
        reset_value: own.reset,
        unit: own.unit.map(str::to_owned),
        category: "Spanwire".to_owned(),
        description: own.doc.to_owned(),
        context: own.context.to_owned(),
        vartype: own.vartype.to_owned(),
        source: own.source.to_owned(),
        words: own.words.map(|words| words.iter().map(|word| (*word).to_owned()).collect()),
        bounds: own.bounds.map(|(least, most)| (least.to_string(), most.to_string())),
    };
    session.vars.described().into_iter().map(setting).collect()
}
