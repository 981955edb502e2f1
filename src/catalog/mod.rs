//! `pg_catalog` and `information_schema`: PostgreSQL's own tables, made from a [`Snapshot`] of what the gateway serves, and
//! the evaluator that answers any SELECT over them.
//!
//! No statement text is matched anywhere. A statement is bound (names, types, functions: [`bind`]) to a plan ([`plan`]),
//! the plan is run row by row ([`exec`], [`eval`]) over rows that are made on first use ([`tables`]). Shapes, types and
//! builtin objects come from dumps of PostgreSQL 15 in `data/`; views of the catalogs are their real SQL.
//!
//! It is a second, small SQL engine beside DataFusion because catalog statements lean on what that one lacks (correlated
//! subqueries anywhere, `ARRAY(SELECT …)`, `reg…` types, set-returning functions in the select list), and they are small.

mod value;

pub(crate) mod functions;

mod aggregate;
mod arith;
mod batch;
mod bind;
mod cast;
pub(crate) mod context;
mod engine;
mod eval;
mod exec;
mod oids;
mod plan;
mod relations;
mod sets;
mod tables;
#[cfg(test)]
mod tests;
mod tsv;
mod types;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use datafusion::sql::sqlparser::ast;

pub use batch::to_batch;
pub use value::{Array, Value};

use crate::error::Result;
use crate::pgtype::style::Style;
use context::Context;
pub use context::Kept;

/// What the gateway serves, as far as the catalogs show it.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The name of the one database.
    pub database: String,
    /// The role that owns every object.
    pub owner: String,
    /// The schemas, without `pg_catalog` and `information_schema`.
    pub schemas: Vec<Schema>,
    /// The tables and views.
    pub relations: Vec<Relation>,
    /// The roles that may connect.
    pub users: Vec<String>,
    /// What follows from the rest.
    pub kept: Arc<Kept>,
}

/// A schema.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// Its name.
    pub name: String,
    /// Its oid, if it must be a certain one; else it follows from the name.
    pub oid: Option<u32>,
    /// What `\dn+` shows.
    pub comment: Option<String>,
}

/// Whether a relation is a table or a view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RelationKind {
    /// `relkind` r.
    #[default]
    Table,
    /// `relkind` v.
    View,
    /// `relkind` f.
    Foreign,
}

/// A table or view.
#[derive(Clone, Debug, Default)]
pub struct Relation {
    /// The schema.
    pub schema: String,
    /// The name.
    pub name: String,
    /// Table or view.
    pub kind: RelationKind,
    /// What `\d+` shows.
    pub comment: Option<String>,
    /// The columns in order.
    pub columns: Vec<Column>,
    /// Positions (from 0) of the columns of the primary key.
    pub primary_key: Option<Vec<usize>>,
    /// References to other relations.
    pub foreign_keys: Vec<ForeignKey>,
    /// The query of a view, for `pg_get_viewdef`.
    pub definition: Option<String>,
}

/// A column.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// The name.
    pub name: String,
    /// The oid of its type in `pg_type`.
    pub type_oid: u32,
    /// Whether it is declared NOT NULL.
    pub not_null: bool,
    /// What `\d+` shows.
    pub comment: Option<String>,
}

/// A reference from columns of one relation to columns of another.
#[derive(Clone, Debug, Default)]
pub struct ForeignKey {
    /// Positions (from 0) of the referring columns.
    pub columns: Vec<usize>,
    /// The schema of the other relation.
    pub schema: String,
    /// The name of the other relation.
    pub name: String,
    /// Positions (from 0) of its columns.
    pub referenced: Vec<usize>,
}

/// The session that asks.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    /// The current user.
    pub user: String,
    /// The user that logged in.
    pub session_user: String,
    /// The database it named; tools compare it to `pg_database.datname`.
    pub database: String,
    /// The search path, `$user` not yet replaced.
    pub search_path: Vec<String>,
    /// The settings, for `current_setting` and `pg_settings`.
    pub settings: Arc<Vec<Setting>>,
    /// The number that stands in BackendKeyData.
    pub backend_pid: i32,
    /// The time of the statement.
    pub now: DateTime<Utc>,
    /// The time of the transaction: `now()`.
    pub transaction_start: DateTime<Utc>,
    /// The start of the server.
    pub server_start: DateTime<Utc>,
    /// What follows "PostgreSQL " in `version()`: starts with a number such as `15.0`.
    pub server_version: String,
    /// The client's address.
    pub client_addr: Option<String>,
    /// The client's port.
    pub client_port: Option<i32>,
    /// The server's address as the client sees it.
    pub server_addr: Option<String>,
    /// The server's port.
    pub server_port: Option<i32>,
    /// All sessions including this one, for `pg_stat_activity`.
    pub sessions: Vec<Activity>,
    /// The session's time zone.
    pub timezone: chrono_tz::Tz,
    /// The session's prepared statements with a name.
    pub prepared: Vec<PreparedStatement>,
    /// The session's cursors.
    pub cursors: Vec<Cursor>,
    /// How its values are written.
    pub style: Arc<Style>,
}

/// A prepared statement, as a row of `pg_prepared_statements`.
#[derive(Clone, Debug, Default)]
pub struct PreparedStatement {
    /// Its name.
    pub name: String,
    /// The text it was made from.
    pub statement: String,
    /// When it was prepared.
    pub since: Option<DateTime<Utc>>,
    /// The types of its parameters.
    pub parameters: Vec<u32>,
    /// By PREPARE, not by the protocol.
    pub from_sql: bool,
}

/// A cursor, as a row of `pg_cursors`.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    /// Its name.
    pub name: String,
    /// The text it was declared in.
    pub statement: String,
    /// It outlives its transaction.
    pub is_holdable: bool,
    /// Its rows are in binary form.
    pub is_binary: bool,
    /// It goes back.
    pub is_scrollable: bool,
    /// When it was declared.
    pub since: Option<DateTime<Utc>>,
}

/// A setting, as a row of `pg_settings`.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value now, as SHOW has it.
    pub value: String,
    /// Its value now, in its unit.
    pub raw: String,
    /// The value that RESET restores, in its unit.
    pub reset_value: String,
    /// `ms`, `kB` …
    pub unit: Option<String>,
    /// The heading it stands under.
    pub category: String,
    /// One sentence.
    pub description: String,
    /// `user`, `internal`, `postmaster` …
    pub context: String,
    /// `bool`, `integer`, `real`, `string`, `enum`.
    pub vartype: String,
    /// `default`, `client`, `session` …
    pub source: String,
    /// The words that it takes, if it takes words only.
    pub words: Option<Vec<String>>,
    /// The least and the largest number that it takes.
    pub bounds: Option<(String, String)>,
}

/// A session, as a row of `pg_stat_activity`.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    /// Its pid.
    pub pid: i32,
    /// Its user.
    pub user: String,
    /// Its database.
    pub database: String,
    /// Its `application_name`.
    pub application_name: String,
    /// The client's address.
    pub client_addr: Option<String>,
    /// The client's port.
    pub client_port: Option<i32>,
    /// When it connected.
    pub backend_start: Option<DateTime<Utc>>,
    /// When its transaction began.
    pub xact_start: Option<DateTime<Utc>>,
    /// When its statement began.
    pub query_start: Option<DateTime<Utc>>,
    /// When `state` changed.
    pub state_change: Option<DateTime<Utc>>,
    /// `active`, `idle`, `idle in transaction` …
    pub state: String,
    /// The statement, as far as the asking user may see it.
    pub query: String,
}

/// The rows of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rowset {
    /// Output names as PostgreSQL gives them, with type oids.
    pub columns: Vec<(String, u32)>,
    /// The rows; values of `reg…` types are their texts.
    pub rows: Vec<Vec<Value>>,
    /// What the session is to do when the statement has run.
    pub effects: Vec<Effect>,
}

/// What a statement does beside giving rows, carried out by the session when it has run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `set_config`.
    Assign(Assignment),
    /// `pg_cancel_backend` and `pg_terminate_backend`.
    Signal {
        /// The session's number.
        pid: i32,
        /// The session ends, not only its statement.
        terminate: bool,
    },
    /// `pg_sleep` and its kin.
    Sleep(Duration),
}

/// A call of `set_config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The setting.
    pub name: String,
    /// Its value; `None` is the default.
    pub value: Option<String>,
    /// For the transaction only.
    pub is_local: bool,
}

/// A statement that is ready to run.
#[derive(Debug)]
pub struct Planned {
    plan: plan::Query,
    /// What Describe tells.
    pub description: Description,
}

/// What Describe tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Type oids of `$1`, `$2` …
    pub parameters: Vec<u32>,
    /// Output names with type oids.
    pub columns: Vec<(String, u32)>,
}

impl RelationKind {
    fn letter(self) -> char {
        match self {
            RelationKind::Table => 'r',
            RelationKind::View => 'v',
            RelationKind::Foreign => 'f',
        }
    }
}

impl SessionInfo {
    /// Returns a session with defaults for everything but user, database and time.
    pub fn new(user: &str, database: &str, now: DateTime<Utc>) -> SessionInfo {
        SessionInfo {
            user: user.to_owned(),
            session_user: user.to_owned(),
            database: database.to_owned(),
            search_path: vec!["$user".to_owned(), "public".to_owned()],
            settings: Arc::default(),
            backend_pid: 1,
            now,
            transaction_start: now,
            server_start: now,
            server_version: "15.0".to_owned(),
            prepared: Vec::new(),
            cursors: Vec::new(),
            client_addr: None,
            client_port: None,
            server_addr: None,
            server_port: None,
            sessions: Vec::new(),
            timezone: chrono_tz::UTC,
            style: Arc::default(),
        }
    }

    /// Returns the value of a setting; names are case-insensitive.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings
            .iter()
            .find(|setting| setting.name.eq_ignore_ascii_case(name))
            .map(|setting| setting.value.as_str())
    }
}

/// Whether the catalogs have a function of that name.
pub fn knows_function(name: &str) -> bool {
    functions::exists(name) || sets::Set::named(name, &[]).is_some()
}

/// Whether a statement is answered here: each relation that it names is one of the catalogs, and a relation it does not
/// name has no need of an engine (`SELECT version()`).
pub fn applies(query: &ast::Query, snapshot: &Snapshot, session: &SessionInfo) -> bool {
    let context = Context::new(snapshot, session, &[]);
    bind::names::only_catalogs(query, &context)
}

/// Plans a statement; `declared` are the parameter types that Parse gave, 0 for none. The plan is of this snapshot.
///
/// # Errors
/// What is wrong with the statement.
pub fn plan(query: &ast::Query, snapshot: &Snapshot, session: &SessionInfo, declared: &[u32]) -> Result<Planned> {
    let context = Context::new(snapshot, session, &[]);
    let (plan, parameters) = bind::bind(query, &context, declared)?;
    let description = Description { parameters, columns: plan.columns.clone() };
    Ok(Planned { plan, description })
}

/// Runs a plan.
///
/// # Errors
/// What goes wrong on the way.
pub fn run(planned: &Planned, snapshot: &Snapshot, session: &SessionInfo, parameters: &[Value]) -> Result<Rowset> {
    exec::rowset(&planned.plan, &Context::new(snapshot, session, parameters))
}
