//! Statements that live on in the session: PREPARE and EXECUTE, cursors; and COPY, which like them holds a query.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{self, Expr, Query};
use tokio::sync::Mutex;

use crate::error::{Error, Kind, Result};
use crate::model::statement::Statement;
use crate::pgtype::style::Format;
use crate::pgtype::types::PgType;
use crate::session::command::{Command, Parsed};
use crate::session::copy::CopyFormat;
use crate::session::cursors::Declared;
use crate::session::prepared::{Prepared, Work};
use crate::session::{Outcome, Session, oids};
use crate::sql::analyze::{Target, Targets, named_type};
use crate::sql::cursor::{Cursor, Scroll};
use crate::sql::engine::{Plan, Rows};
use crate::sql::parse::row_of;
use crate::sql::parse::utility::{Declare, Utility};

impl Session {
    /// Prepares one of these statements; also the types of its own parameters.
    pub(super) async fn prepare_utility(
        &mut self,
        parsed: &Parsed,
        utility: &Utility,
        declared: &[u32],
    ) -> Result<(Work, Vec<u32>)> {
        Ok(match utility {
            Utility::Copy(copy) => {
                let rows = self.prepare_inner(parsed, &copy.query, declared).await;
                let rows = rows.map_err(|error| of_relation(error, copy.table.as_deref()))?;
                let columns = rows.schema().ok_or_else(|| Error::internal("COPY of what has no rows"))?;
                let format = Arc::new(CopyFormat::new(&copy.options, &columns)?);
                let oids = rows.parameter_oids.clone();
                (Work::Copy { rows, format }, oids)
            }
            Utility::Prepare { name, types, query } => {
                if name.is_empty() {
                    return Err(Error::new(Kind::InvalidName, "invalid statement name: must not be empty"));
                }
                let types =
                    types.iter().map(|data_type| Ok(named_type(data_type)?.0.oid())).collect::<Result<Vec<_>>>()?;
                (Work::Prepare(self.prepare_inner(parsed, query, &types).await?), Vec::new())
            }
            Utility::Execute { name, args } => {
                let target = self.statements.get(name)?;
                self.allows(&target)?;
                let plan = self.plan_arguments(parsed, name, &target, args, declared).await?;
                let oids = plan.as_ref().map_or_else(Vec::new, |plan| oids(&plan.parameters));
                (Work::Execute { target, args: plan.map(Box::new) }, oids)
            }
            Utility::Declare(declare) => {
                let query = self.prepare_inner(parsed, &declare.query, declared).await?;
                let oids = query.parameter_oids.clone();
                (Work::Declare(query), oids)
            }
            Utility::Fetch(fetch) if fetch.moves => (Work::Move, Vec::new()),
            Utility::Fetch(fetch) => {
                let cursor = self.cursors.get(&fetch.name)?;
                let schema = cursor.prepared.schema().ok_or_else(|| Error::internal("a cursor without columns"))?;
                (Work::Fetch { schema, binary: cursor.declare.binary }, Vec::new())
            }
            Utility::Create(create) => return Box::pin(self.prepare_create(parsed, create, declared)).await,
            Utility::Insert(insert) => return Box::pin(self.prepare_insert(parsed, insert, declared)).await,
            Utility::Close(_) | Utility::Drop(_) | Utility::CopyFrom | Utility::CopyFile => (Work::Utility, Vec::new()),
        })
    }

    /// Prepares the query that a statement holds.
    pub(super) async fn prepare_inner(
        &mut self,
        parsed: &Parsed,
        query: &Query,
        declared: &[u32],
    ) -> Result<Arc<Prepared>> {
        let statement = ast::Statement::Query(Box::new(query.clone()));
        let inner = Parsed { command: Command::Query, statement: Some(statement), ..parsed.clone() };
        Ok(Arc::new(Box::pin(self.prepare(inner, declared)).await?))
    }

    /// Plans the arguments of EXECUTE as a query of one row with the types of the parameters.
    async fn plan_arguments(
        &mut self,
        parsed: &Parsed,
        name: &str,
        target: &Prepared,
        args: &[Expr],
        declared: &[u32],
    ) -> Result<Option<Plan>> {
        let wanted = target.parameter_oids().len();
        if args.len() != wanted {
            let message = format!("wrong number of parameters for prepared statement \"{name}\"");
            return Err(Error::new(Kind::Syntax, message)
                .detail(format!("Expected {wanted} parameters but got {}.", args.len())));
        }
        if args.is_empty() {
            return Ok(None);
        }
        let ty = |oid: &u32| PgType::from_oid(*oid).ok_or_else(|| Error::internal("a parameter of an unknown type"));
        let types = target.parameter_oids().iter().map(ty).collect::<Result<Vec<_>>>()?;
        let columns = types.into_iter().map(Target::parameter).collect();
        let targets = Targets { columns, is_listed: true };
        let view = self.view()?;
        let declared: Vec<Option<PgType>> = declared.iter().map(|oid| PgType::from_oid(*oid)).collect();
        let row = row_of(args.to_vec());
        Box::pin(self.gateway.engine.plan(&view, &row, &parsed.text, &declared, targets)).await.map(Some)
    }

    /// The values of the arguments of EXECUTE.
    pub(super) async fn arguments(
        &mut self,
        plan: Option<&Plan>,
        parameters: Vec<ScalarValue>,
        statement: &Arc<Statement>,
    ) -> Result<Vec<ScalarValue>> {
        let Some(plan) = plan else { return Ok(Vec::new()) };
        let view = self.view()?;
        let mut rows = self.gateway.engine.run(&view, plan, parameters, statement).await?;
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            if batch.num_rows() > 0 {
                // What the engine still does is of no interest, and must not stop the statement.
                while rows.next().await.transpose()?.is_some() {}
                let values = batch.columns().iter().map(|column| ScalarValue::try_from_array(column, 0));
                let values: datafusion::common::Result<Vec<_>> = values.collect();
                return values.map_err(|error| Error::internal(error.to_string()));
            }
        }
        Err(Error::internal("arguments without values"))
    }

    /// PREPARE.
    pub(super) fn keep_prepared(&mut self, parsed: &Parsed, prepared: &Arc<Prepared>) -> Result<Outcome> {
        let Some(Utility::Prepare { name, .. }) = parsed.utility() else { return Err(Error::internal("no PREPARE")) };
        self.statements.add(name.clone(), Arc::clone(prepared), Arc::clone(&parsed.text), true)?;
        Ok(Outcome::Done { tag: "PREPARE".to_owned() })
    }

    /// DECLARE.
    pub(super) fn declare(
        &mut self,
        parsed: &Parsed,
        prepared: &Arc<Prepared>,
        parameters: Vec<ScalarValue>,
    ) -> Result<Outcome> {
        let Some(Utility::Declare(declare)) = parsed.utility() else { return Err(Error::internal("no DECLARE")) };
        if declare.name.is_empty() {
            return Err(Error::new(Kind::InvalidName, "invalid cursor name: must not be empty"));
        }
        if !self.in_block() && !declare.hold {
            let message = "DECLARE CURSOR can only be used in transaction blocks";
            return Err(Error::new(Kind::NoActiveTransaction, message));
        }
        let statement = self.statement();
        statement.pause();
        let (declare, text) = (Arc::new(declare.clone()), Arc::clone(&parsed.text));
        let declared = Declared::new(Arc::clone(prepared), parameters, statement, declare, text);
        self.cursors.add(declared, self.transaction.level())?;
        Ok(Outcome::Done { tag: "DECLARE CURSOR".to_owned() })
    }

    /// The query of a cursor, and the form of its rows.
    pub fn cursor(&self, name: &str) -> Option<(Arc<Prepared>, Format)> {
        let declared = self.cursors.get(name).ok()?;
        let format = if declared.declare.binary { Format::Binary } else { Format::Text };
        Some((Arc::clone(&declared.prepared), format))
    }

    /// Closes a cursor, if it is there.
    pub fn close_cursor(&mut self, name: &str) {
        let _ = self.cursors.close(name);
    }

    /// The statement of the cursor that a FETCH or MOVE is about.
    pub(super) fn fetched_from(&self, prepared: &Prepared) -> Option<Arc<Statement>> {
        let Some(Utility::Fetch(fetch)) = prepared.parsed.utility() else { return None };
        self.cursors.get(&fetch.name).ok().map(|cursor| Arc::clone(&cursor.statement))
    }

    /// FETCH and MOVE.
    pub(super) async fn fetch(&mut self, prepared: &Prepared, statement: &Arc<Statement>) -> Result<Outcome> {
        let Some(Utility::Fetch(fetch)) = prepared.parsed.utility() else { return Err(Error::internal("no FETCH")) };
        let cursor = self.opened(&fetch.name).await?;
        if fetch.moves {
            let passed = cursor.lock().await.pass(fetch.direction).await;
            statement.pause();
            return Ok(Outcome::Done { tag: format!("MOVE {}", passed?) });
        }
        let schema = prepared.schema().ok_or_else(|| Error::internal("FETCH without columns"))?;
        let rows = Rows::fetched(schema, &cursor, fetch.direction, statement);
        Ok(Outcome::Rows { rows, verb: "FETCH" })
    }

    /// The rows of a cursor; the first call starts its query.
    async fn opened(&mut self, name: &str) -> Result<Arc<Mutex<Cursor>>> {
        let declared = self.cursors.get(name)?.clone();
        if let Some(cursor) = declared.cursor {
            return Ok(cursor);
        }
        let Declared { prepared, parameters, statement, declare, .. } = declared;
        let rows = Box::pin(self.rows(&prepared, parameters, &statement)).await?;
        let cursor = Arc::new(Mutex::new(Cursor::new(name, rows, scroll(&declare), &self.memory)));
        self.cursors.get_mut(name)?.cursor = Some(Arc::clone(&cursor));
        Ok(cursor)
    }
}

fn scroll(declare: &Declare) -> Scroll {
    match declare.scroll {
        Some(true) => Scroll::Always,
        Some(false) => Scroll::Never,
        None => Scroll::WhileCheap,
    }
}

/// A missing column as COPY of a table tells of it.
fn of_relation(error: Error, table: Option<&str>) -> Error {
    match (table, error.message.strip_suffix(" does not exist")) {
        (Some(table), Some(column)) if error.kind == Kind::UndefinedColumn => {
            let message = format!("{column} of relation \"{table}\" does not exist");
            Error::new(Kind::UndefinedColumn, message)
        }
        _ => error,
    }
}
