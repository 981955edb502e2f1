//! Prepared statements: what planning makes of a statement, and those of a session by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;

use crate::error::{Error, Kind, Result};
use crate::model::statement::Statement;
use crate::pgtype::style::Format;
use crate::pgtype::types::PgType;
use crate::session::command::{ExplainOptions, Parsed};
use crate::session::copy::CopyFormat;
use crate::session::{catalogs, explained};
use crate::sql::engine::Plan;

/// A statement that is parsed and, where it is a query, planned.
#[derive(Debug)]
pub struct Prepared {
    pub(super) parsed: Parsed,
    pub(super) work: Work,
    pub(super) parameter_oids: Vec<u32>,
    pub(super) generation: u64,
}

/// What executing a statement means.
#[derive(Debug)]
pub(super) enum Work {
    /// Rows from the engine.
    Query(Box<Plan>),
    /// Rows from the catalogs.
    Catalog(catalogs::Planned),
    /// EXPLAIN of a planned query.
    Explain { plan: Box<Plan>, options: ExplainOptions },
    /// EXPLAIN of what needs no plan.
    ExplainCatalog(ExplainOptions),
    /// Rows about the session.
    Show(SchemaRef),
    /// COPY of the rows of a query to the client.
    Copy { rows: Arc<Prepared>, format: Arc<CopyFormat> },
    /// EXECUTE of a statement; the plan makes the parameters.
    Execute { target: Arc<Prepared>, args: Option<Box<Plan>> },
    /// PREPARE of a statement.
    Prepare(Arc<Prepared>),
    /// DECLARE of a cursor over a query.
    Declare(Arc<Prepared>),
    /// Rows from a cursor.
    Fetch { schema: SchemaRef, binary: bool },
    /// MOVE of a cursor.
    Move,
    /// CREATE TEMPORARY TABLE, from the rows of a query or empty.
    Create(Option<Arc<Prepared>>),
    /// INSERT into these columns of a temporary table; without rows, one of NULLs.
    Insert { rows: Option<Box<Plan>>, given: Vec<usize> },
    /// Anything else without rows.
    Utility,
}

impl Prepared {
    /// The text that it stands in.
    pub fn text(&self) -> Arc<str> {
        Arc::clone(&self.parsed.text)
    }

    /// Types of the parameters.
    pub fn parameter_oids(&self) -> &[u32] {
        &self.parameter_oids
    }

    /// Columns of the result; `None` for a statement without rows.
    pub fn schema(&self) -> Option<SchemaRef> {
        match &self.work {
            Work::Query(plan) => Some(Arc::clone(&plan.schema)),
            Work::Catalog(planned) => Some(Arc::clone(&planned.schema)),
            Work::Show(schema) | Work::Fetch { schema, .. } => Some(Arc::clone(schema)),
            Work::Explain { options, .. } | Work::ExplainCatalog(options) => Some(explained::schema(*options)),
            Work::Execute { target, .. } => target.schema(),
            Work::Copy { .. }
            | Work::Prepare(_)
            | Work::Declare(_)
            | Work::Move
            | Work::Create(_)
            | Work::Insert { .. }
            | Work::Utility => None,
        }
    }

    /// The form of the rows where the client does not say it.
    pub fn format(&self) -> Format {
        match &self.work {
            Work::Fetch { binary: true, .. } => Format::Binary,
            _ => Format::Text,
        }
    }

    /// The word that CommandComplete starts with.
    pub fn verb(&self) -> &'static str {
        match &self.work {
            Work::Show(_) => "SHOW",
            Work::Explain { .. } | Work::ExplainCatalog(_) => "EXPLAIN",
            Work::Fetch { .. } => "FETCH",
            Work::Execute { target, .. } => target.verb(),
            _ => "SELECT",
        }
    }
}

/// What a client was told of the columns of a statement must stay true when it is planned anew.
///
/// # Errors
/// 0A000 if it does not.
pub(super) fn check_same_result(before: &SchemaRef, now: &SchemaRef) -> Result<()> {
    let columns = |schema: &SchemaRef| -> Result<Vec<(String, u32)>> {
        schema.fields().iter().map(|field| Ok((field.name().clone(), PgType::of(field)?.oid()))).collect()
    };
    match columns(before)? == columns(now)? {
        true => Ok(()),
        false => Err(Error::new(Kind::FeatureNotSupported, "cached plan must not change result type")),
    }
}

/// The prepared statements of a session, those of the protocol and those of PREPARE.
#[derive(Debug, Default)]
pub struct Statements {
    by_name: BTreeMap<String, Named>,
    /// That of the protocol without a name.
    unnamed: Option<Arc<Prepared>>,
}

/// A prepared statement with a name.
#[derive(Debug)]
pub struct Named {
    /// The statement.
    pub prepared: Arc<Prepared>,
    /// The text it was made from.
    pub text: Arc<str>,
    /// When it was prepared, in microseconds since 1970-01-01 UTC.
    pub since: i64,
    /// By PREPARE, not by the protocol.
    pub from_sql: bool,
}

impl Statements {
    /// Keeps a statement. "" replaces the one without a name.
    ///
    /// # Errors
    /// 42P05 if the name is taken.
    pub fn add(&mut self, name: String, prepared: Arc<Prepared>, text: Arc<str>, from_sql: bool) -> Result<()> {
        if name.is_empty() && !from_sql {
            self.unnamed = Some(prepared);
            return Ok(());
        }
        self.check_free(&name)?;
        let since = Statement::now_micros();
        self.by_name.insert(name, Named { prepared, text, since, from_sql });
        Ok(())
    }

    /// Whether a name can be given.
    ///
    /// # Errors
    /// 42P05 if it is taken.
    pub fn check_free(&self, name: &str) -> Result<()> {
        match self.by_name.contains_key(name) {
            true => {
                let message = format!("prepared statement \"{name}\" already exists");
                Err(Error::new(Kind::DuplicateStatement, message))
            }
            false => Ok(()),
        }
    }

    /// The statement of a name; "" is the one without.
    ///
    /// # Errors
    /// 26000 if there is none.
    pub fn get(&self, name: &str) -> Result<Arc<Prepared>> {
        let found = match name {
            "" => self.unnamed.as_ref(),
            name => self.by_name.get(name).map(|named| &named.prepared),
        };
        found.cloned().ok_or_else(|| missing(name))
    }

    /// Gives up a statement, if it is there.
    pub fn close(&mut self, name: &str) {
        match name {
            "" => self.unnamed = None,
            name => drop(self.by_name.remove(name)),
        }
    }

    /// DEALLOCATE of one.
    ///
    /// # Errors
    /// 26000 if there is none.
    pub(super) fn deallocate(&mut self, name: &str) -> Result<()> {
        self.by_name.remove(name).map(|_| ()).ok_or_else(|| missing(name))
    }

    /// DEALLOCATE ALL. The one without a name stays, as in PostgreSQL.
    pub(super) fn deallocate_all(&mut self) {
        self.by_name.clear();
    }

    /// Those with a name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &Named)> {
        self.by_name.iter()
    }
}

fn missing(name: &str) -> Error {
    match name {
        "" => Error::new(Kind::UndefinedStatement, "unnamed prepared statement does not exist"),
        _ => Error::new(Kind::UndefinedStatement, format!("prepared statement \"{name}\" does not exist")),
    }
}
