//! One connected user: settings, transaction, and what each kind of statement does. Knows nothing of messages or bytes.

pub mod command;
pub mod copy;
pub mod gateway;
pub mod prepared;
pub mod transaction;
pub mod vars;

mod answer;
mod catalogs;
mod cursors;
mod explained;
mod held;
mod implicit;
mod temporary;
mod utility;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use datafusion::common::ScalarValue;
use datafusion::execution::memory_pool::MemoryPool;

use crate::error::{Error, Kind, Result};
use crate::model::journal::Journal;
use crate::model::scan::Source;
use crate::model::statement::{HeldRows, Policy, Severity, Statement};
use crate::pgtype::types::PgType;
use crate::session::catalogs::Shown;
use crate::session::command::{Command, Parsed};
use crate::session::copy::CopyFormat;
use crate::session::cursors::Cursors;
use crate::session::gateway::Gateway;
use crate::session::implicit::Implicit;
use crate::session::prepared::{Prepared, Statements, Work};
use crate::session::temporary::Temporary;
use crate::session::transaction::Transaction;
use crate::session::vars::Vars;
use crate::sql::analyze::Targets;
use crate::sql::engine::{Plan, Rows, View, Viewer};
use crate::sql::facts::Facts;
use crate::sql::parse::utility::Utility;
use crate::sql::relations::names_a_relation;
use crate::sql::timezone::Zone;
use crate::table::provider::Settings;
use crate::table::system;

pub use crate::session::explained::explain_text;
pub use crate::session::transaction::Status;

/// The version that clients parse; that of the PostgreSQL whose answers are the measure.
pub const SERVER_VERSION: &str = "15.18";

/// What a client says when it connects.
#[derive(Debug)]
pub struct Hello {
    /// The authenticated user.
    pub user: String,
    /// The database asked for; any name will do.
    pub database: String,
    /// Settings of the startup message.
    pub parameters: Vec<(String, String)>,
    /// Process number.
    pub pid: i32,
    /// Where the client is.
    pub peer: SocketAddr,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    gateway: Arc<Gateway>,
    hello: Hello,
    vars: Vars,
    transaction: Transaction,
    /// Its prepared statements.
    pub statements: Statements,
    cursors: Cursors,
    temporary: Temporary,
    /// What cursors and temporary tables take from.
    memory: Arc<dyn MemoryPool>,
    shown: Shown,
    implicit: Option<Implicit>,
    /// The scans of the user.
    journal: Arc<Journal>,
    /// Made when it is needed, dropped when a setting changes that plans depend on.
    view: Option<View>,
    /// Counts how often it was dropped: a plan of an earlier generation is made anew before it runs.
    generation: u64,
}

/// What a statement came to.
#[derive(Debug)]
pub enum Outcome {
    /// Rows, and the word that their CommandComplete starts with.
    Rows {
        /// The rows.
        rows: Rows,
        /// SELECT, SHOW, EXPLAIN or FETCH.
        verb: &'static str,
    },
    /// The rows of a COPY.
    Copy {
        /// The rows.
        rows: Rows,
        /// How they are written.
        format: Arc<CopyFormat>,
    },
    /// Done, with this tag.
    Done {
        /// The text of CommandComplete.
        tag: String,
    },
    /// There was no statement in the text.
    Empty,
}

impl Session {
    /// Opens a session.
    ///
    /// # Errors
    /// What PostgreSQL says of a startup setting that does not exist or does not fit.
    pub fn new(gateway: Arc<Gateway>, hello: Hello) -> Result<Self> {
        let vars = answer::vars(&gateway, &hello)?;
        let journal = gateway.registry.journal(&hello.user);
        let memory = gateway.engine.session_memory();
        Ok(Session {
            gateway,
            hello,
            vars,
            transaction: Transaction::default(),
            statements: Statements::default(),
            cursors: Cursors::default(),
            temporary: Temporary::default(),
            memory,
            shown: Shown::default(),
            implicit: None,
            journal,
            view: None,
            generation: 0,
        })
    }

    /// Splits a text into statements.
    ///
    /// # Errors
    /// 42601, and in a failed transaction 25P02 only later, per statement.
    pub fn parse(&self, text: &str) -> Result<Vec<Parsed>> {
        command::parse(text)
    }

    /// Plans a statement. `declared` are the parameter types that the client gave; 0 leaves one open.
    ///
    /// # Errors
    /// Everything that is wrong with it before it runs.
    pub async fn prepare(&mut self, parsed: Parsed, declared: &[u32]) -> Result<Prepared> {
        self.transaction.check_allowed(&parsed.command)?;
        let (work, inferred) = match &parsed.command {
            Command::Query => self.prepare_query(&parsed, declared).await?,
            Command::Explain { options, statement } => {
                if names_a_relation(statement) && catalogs::applies(self, statement) {
                    (Work::ExplainCatalog(*options), Vec::new())
                } else {
                    let plan = self.plan(statement, &parsed.text, declared).await?;
                    let oids = oids(&plan.parameters);
                    (Work::Explain { plan: Box::new(plan), options: *options }, oids)
                }
            }
            Command::Show(name) => (Work::Show(answer::text_schema(&[&self.vars.canonical(name)?])), Vec::new()),
            Command::ShowAll => (Work::Show(answer::text_schema(&["name", "setting", "description"])), Vec::new()),
            Command::Utility(utility) => self.prepare_utility(&parsed, utility, declared).await?,
            Command::Write { tag } => return Err(answer::read_only(tag)),
            Command::Unsupported { what } => return Err(Error::unsupported(what)),
            _ => (Work::Utility, Vec::new()),
        };
        let n = inferred.len().max(parsed.parameters_max).max(declared.len());
        let parameter_oids = (0..n)
            .map(|index| match declared.get(index) {
                Some(&oid) if oid != 0 && oid != 705 => oid,
                _ => inferred.get(index).copied().unwrap_or(25),
            })
            .collect();
        Ok(Prepared { parsed, work, parameter_oids, generation: self.generation })
    }

    async fn prepare_query(&mut self, parsed: &Parsed, declared: &[u32]) -> Result<(Work, Vec<u32>)> {
        let statement = parsed.statement.as_ref().ok_or_else(|| Error::internal("a query without a statement"))?;
        // A statement without relations is the engine's, unless that cannot plan it.
        let named = names_a_relation(statement);
        if named && catalogs::applies(self, statement) {
            let planned = catalogs::plan(self, statement, declared)?;
            let oids = planned.parameters();
            return Ok((Work::Catalog(planned), oids));
        }
        let plan = match self.plan(statement, &parsed.text, declared).await {
            Ok(plan) => plan,
            // `SELECT pg_catalog.version()` and its like: functions that only the catalogs know.
            Err(error) if !named && error.kind != Kind::UndefinedObject && catalogs::may_know(statement) => {
                match catalogs::plan(self, statement, declared) {
                    Ok(planned) => {
                        let oids = planned.parameters();
                        return Ok((Work::Catalog(planned), oids));
                    }
                    Err(theirs) if error.kind == Kind::FeatureNotSupported => return Err(theirs),
                    Err(_) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        };
        let oids = oids(&plan.parameters);
        Ok((Work::Query(Box::new(plan)), oids))
    }

    async fn plan(&mut self, statement: &command::Ast, sql: &str, declared: &[u32]) -> Result<Plan> {
        let command::Ast::Query(query) = statement else {
            return Err(Error::unsupported("EXPLAIN of a statement that is no query"));
        };
        let view = self.view()?;
        let declared: Vec<Option<PgType>> = declared.iter().map(|oid| PgType::from_oid(*oid)).collect();
        // Boxed, because every future that waits for it would be as large.
        Box::pin(self.gateway.engine.plan(&view, query, sql, &declared, Targets::default())).await
    }

    fn view(&mut self) -> Result<View> {
        if let Some(view) = &self.view {
            return Ok(view.clone());
        }
        let view = self.gateway.engine.view(&self.viewer()?)?;
        self.view = Some(view.clone());
        Ok(view)
    }

    /// A setting has changed that plans depend on.
    fn forget_view(&mut self) {
        self.view = None;
        self.shown = Shown::default();
        self.generation += 1;
    }

    fn visible_sources(&self) -> Vec<Arc<Source>> {
        self.gateway.visible_sources(&self.hello.user)
    }

    fn viewer(&self) -> Result<Viewer> {
        let search_path = self.search_path();
        let facts = Facts {
            user: self.hello.user.clone(),
            database: self.hello.database.clone(),
            schema: search_path.first().cloned(),
            version: answer::version(),
            backend_pid: self.hello.pid,
        };
        let settings = Settings {
            zone: Zone::parse(&self.style().timezone.arrow_name())?,
            lookback: self.vars.lookback(),
            pushdown: self.vars.pushdown(),
            keeps: self.vars.held_rows() != HeldRows::Never,
            sample: self.vars.word("spanwire.sample") == "on",
            switches: self.switches(),
        };
        let (sources, journal) = (self.visible_sources(), Arc::clone(&self.journal));
        let (style, variables) = (self.style(), self.vars.values());
        let temporary = self.temporary.providers()?;
        let oids = Arc::new(catalogs::oids(self));
        Ok(Viewer { oids, facts, style, variables, settings, search_path, sources, journal, temporary })
    }

    /// The switches of the visible sources' tables that are on, as `(source, switch)`.
    fn switches(&self) -> Vec<(String, String)> {
        let all = self.gateway.switches(&self.hello.user).into_iter();
        let all = all.map(|(source, switch)| (source, switch.name.to_owned()));
        all.filter(|(source, switch)| self.vars.is_on(&format!("{source}.{switch}"))).collect()
    }

    /// The schemas of the search path that exist.
    fn search_path(&self) -> Vec<String> {
        let is_ours = |schema: &str| matches!(schema, "public" | system::SCHEMA);
        let exists = |schema: &String| is_ours(schema) || self.gateway.sources.iter().any(|own| own.name == *schema);
        self.vars.search_path().into_iter().filter(exists).collect()
    }

    /// What a prepared statement runs as now. FETCH goes on with what its cursor began.
    pub fn begin(&self, prepared: &Prepared) -> Arc<Statement> {
        match self.fetched_from(prepared) {
            Some(statement) => {
                self.resume(&statement);
                statement
            }
            None => self.statement(),
        }
    }

    /// The client asks for more rows of a statement.
    pub fn resume(&self, statement: &Statement) {
        statement.resume(self.vars.statement_timeout());
    }

    /// A statement that starts now.
    pub fn statement(&self) -> Arc<Statement> {
        let most = self.vars.max_calls().unwrap_or(self.gateway.limits.max_calls);
        let statement = Statement::new(&self.hello.user, self.vars.statement_timeout(), most);
        let mut statement = statement.recorded(&self.journal);
        let since = self.transaction.since().or(self.implicit.as_ref().map(|implicit| implicit.since));
        statement.transaction = since.unwrap_or(statement.started);
        statement.policy = Policy {
            warn_on_truncated: self.vars.word("spanwire.on_truncated") == "warn",
            warn_on_upstream_error: self.vars.word("spanwire.on_upstream_error") == "warn",
            held: self.vars.held_rows(),
            priority: self.vars.priority(),
            ..Policy::default()
        };
        Arc::new(statement)
    }

    /// Whether the transaction's state lets a prepared statement run.
    ///
    /// # Errors
    /// 25P02 in a failed transaction.
    pub fn allows(&self, prepared: &Prepared) -> Result<()> {
        self.transaction.check_allowed(&prepared.parsed.command)
    }

    /// Runs a statement.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn execute(
        &mut self,
        prepared: &Prepared,
        parameters: Vec<ScalarValue>,
        statement: &Arc<Statement>,
    ) -> Result<Outcome> {
        self.allows(prepared)?;
        let fresh = self.renewed(prepared).await?;
        if let (Some(before), Some(now)) = (prepared.schema(), fresh.as_ref().and_then(Prepared::schema)) {
            prepared::check_same_result(&before, &now)?;
        }
        let prepared = fresh.as_ref().unwrap_or(prepared);
        match &prepared.work {
            Work::Utility => answer::utility(self, &prepared.parsed, statement),
            Work::Prepare(inner) => self.keep_prepared(&prepared.parsed, inner),
            Work::Declare(inner) => self.declare(&prepared.parsed, inner, parameters),
            Work::Create(rows) => {
                let Some(Utility::Create(create)) = prepared.parsed.utility() else { return Err(mismatched()) };
                Box::pin(self.create(create, rows.as_ref(), parameters, statement)).await
            }
            Work::Insert { rows, given } => {
                let Some(Utility::Insert(insert)) = prepared.parsed.utility() else { return Err(mismatched()) };
                Box::pin(self.insert(insert, rows.as_deref(), given, parameters, statement)).await
            }
            Work::Fetch { .. } | Work::Move => self.fetch(prepared, statement).await,
            Work::Copy { rows, format } => {
                let rows = Box::pin(self.rows(rows, parameters, statement)).await?;
                Ok(Outcome::Copy { rows, format: Arc::clone(format) })
            }
            _ => Ok(Outcome::Rows { rows: self.rows(prepared, parameters, statement).await?, verb: prepared.verb() }),
        }
    }

    /// The statement that a portal is made of now.
    ///
    /// # Errors
    /// What is wrong with it by now.
    pub async fn current(&mut self, prepared: Arc<Prepared>) -> Result<Arc<Prepared>> {
        Ok(self.renewed(&prepared).await?.map_or(prepared, Arc::new))
    }

    /// A statement planned anew if what it was planned for is no longer so. A query sees to that itself, wherever it is held.
    async fn renewed(&mut self, prepared: &Prepared) -> Result<Option<Prepared>> {
        let is_stale = match (&prepared.work, prepared.parsed.utility()) {
            (Work::Execute { target, .. }, Some(Utility::Execute { name, .. })) => {
                prepared.generation != self.generation || !Arc::ptr_eq(target, &self.statements.get(name)?)
            }
            (Work::Explain { .. } | Work::Insert { .. }, _) => prepared.generation != self.generation,
            _ => false,
        };
        if !is_stale {
            return Ok(None);
        }
        Box::pin(self.prepare(prepared.parsed.clone(), &prepared.parameter_oids)).await.map(Some)
    }

    /// The rows of a statement that has some.
    async fn rows(
        &mut self,
        prepared: &Prepared,
        parameters: Vec<ScalarValue>,
        statement: &Arc<Statement>,
    ) -> Result<Rows> {
        let batch = match &prepared.work {
            Work::Query(plan) => {
                let view = self.view()?;
                let replanned = match (&prepared.parsed.statement, prepared.generation == self.generation) {
                    (Some(ast), false) => Some(self.plan(ast, &prepared.parsed.text, &prepared.parameter_oids).await?),
                    _ => None,
                };
                if let Some(replanned) = &replanned {
                    prepared::check_same_result(&plan.schema, &replanned.schema)?;
                }
                let plan = replanned.as_ref().unwrap_or(plan);
                return self.gateway.engine.run(&view, plan, parameters, statement).await;
            }
            Work::Catalog(planned) => {
                let ast = prepared.parsed.statement.as_ref();
                let ast = ast.ok_or_else(|| Error::internal("a catalog query without a statement"))?;
                catalogs::run(self, planned, ast, &prepared.parameter_oids, &parameters, statement).await?
            }
            Work::Explain { plan, options } => self.explain(plan, *options, parameters, statement).await?,
            Work::ExplainCatalog(options) => explained::of_catalogs(*options)?,
            Work::Show(schema) => answer::show(&self.vars, &prepared.parsed.command, schema)?,
            Work::Execute { target, args } => {
                let values = self.arguments(args.as_deref(), parameters, statement).await?;
                return Box::pin(self.rows(target, values, statement)).await;
            }
            _ => return Err(Error::internal("a statement without rows is asked for them")),
        };
        Ok(Rows::ready(batch, statement))
    }

    /// Settings that clients are told of and that have changed since this was last asked.
    pub fn reports(&mut self) -> Vec<(String, String)> {
        self.vars.take_reports()
    }

    /// The state for ReadyForQuery.
    pub fn status(&self) -> Status {
        self.transaction.status()
    }

    /// Whether a BEGIN is open.
    pub fn in_transaction(&self) -> bool {
        self.transaction.status() != Status::Idle
    }

    /// A statement failed.
    pub fn fail(&mut self) {
        self.transaction.fail();
    }

    /// The least severity that the client wants to hear of; none is nothing.
    pub fn least_notice(&self) -> Option<Severity> {
        self.vars.least_notice()
    }

    /// How long the session may stay idle now, and the error that it then ends with.
    pub fn idle_limit(&self) -> (Option<Duration>, Error) {
        if self.in_transaction() {
            let message = "terminating connection due to idle-in-transaction timeout";
            return (
                self.vars.idle_in_transaction_session_timeout(),
                Error::new(Kind::IdleInTransactionTimeout, message),
            );
        }
        let message = "terminating connection due to idle-session timeout";
        (self.vars.idle_session_timeout(), Error::new(Kind::IdleSessionTimeout, message))
    }

    /// How values are written.
    pub fn style(&self) -> crate::pgtype::style::Style {
        answer::style(&self.vars)
    }
}

/// Work that is not its statement's.
fn mismatched() -> Error {
    Error::internal("a statement is carried out as another")
}

/// The types of the parameters, by number.
fn oids(types: &[PgType]) -> Vec<u32> {
    types.iter().map(|ty| ty.oid()).collect()
}
