//! A query string as statements, each classified by what it does. Queries are read by [`crate::sql::parse`]; utility
//! statements are read from the tokens by [`crate::session::utility`].

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{self, Statement};

use crate::error::Result;
use crate::session::utility;
use crate::sql::parse::temporary::{Contents, select_into};
use crate::sql::parse::utility::Utility;
use crate::sql::parse::{Part, Script};

pub use ast::Statement as Ast;

/// A statement of a query string.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// What it does.
    pub command: Command,
    /// Its syntax tree, if it is a query.
    pub statement: Option<Statement>,
    /// The whole query string, to which positions count.
    pub text: Arc<str>,
    /// The highest `$n` in it.
    pub parameters_max: usize,
}

impl Parsed {
    /// The statement if it is one of those around a query or expressions.
    pub fn utility(&self) -> Option<&Utility> {
        match &self.command {
            Command::Utility(utility) => Some(utility),
            _ => None,
        }
    }
}

/// The options of EXPLAIN that change what it says; the others are taken and have nothing to say here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExplainOptions {
    /// ANALYZE: run it and tell what it cost.
    pub analyze: bool,
    /// COSTS: tell the estimates.
    pub costs: bool,
    /// FORMAT JSON.
    pub json: bool,
}

impl Default for ExplainOptions {
    fn default() -> Self {
        ExplainOptions { analyze: false, costs: true, json: false }
    }
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// SELECT, VALUES, TABLE, WITH.
    Query,
    /// EXPLAIN of a query.
    Explain {
        /// How.
        options: ExplainOptions,
        /// The query.
        statement: Box<Statement>,
    },
    /// SET name = values; no values is DEFAULT.
    Set {
        /// The setting.
        name: String,
        /// The values, unquoted.
        values: Vec<String>,
        /// SET LOCAL.
        local: bool,
    },
    /// SET TRANSACTION, SET SESSION CHARACTERISTICS, and the modes of BEGIN.
    SetTransaction(Modes),
    /// SHOW name.
    Show(String),
    /// SHOW ALL.
    ShowAll,
    /// RESET name.
    Reset(String),
    /// RESET ALL.
    ResetAll,
    /// DISCARD.
    Discard(Discard),
    /// BEGIN, START TRANSACTION.
    Begin {
        /// Its modes.
        modes: Modes,
        /// BEGIN or START TRANSACTION.
        tag: &'static str,
    },
    /// COMMIT, END.
    Commit,
    /// ROLLBACK, ABORT.
    Rollback,
    /// SAVEPOINT.
    Savepoint(String),
    /// ROLLBACK TO.
    RollbackTo(String),
    /// RELEASE.
    Release(String),
    /// DEALLOCATE; none is ALL.
    Deallocate(Option<String>),
    /// LISTEN, UNLISTEN, NOTIFY: nothing to do, with this tag.
    Nothing(&'static str),
    /// COPY, PREPARE, EXECUTE, and what is done with cursors.
    Utility(Box<Utility>),
    /// No statement.
    Empty,
    /// Something that writes, by its tag.
    Write {
        /// The command's tag.
        tag: String,
    },
    /// Something that PostgreSQL has and the gateway has not.
    Unsupported {
        /// Its name.
        what: String,
    },
    /// COPY to or from a file of the server.
    CopyFile,
}

/// What a transaction is asked to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// ISOLATION LEVEL, in lower case.
    pub isolation: Option<String>,
    /// READ WRITE was asked for.
    pub read_write: bool,
    /// For the session's later transactions instead of this one.
    pub of_session: bool,
}

/// What DISCARD throws away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// Everything.
    All,
    /// Plans, sequences or temporary tables, of which there are none.
    Part(&'static str),
}

/// Splits and classifies a query string.
///
/// # Errors
/// 42601 with the place of the fault.
pub fn parse(sql: &str) -> Result<Vec<Parsed>> {
    let text: Arc<str> = sql.into();
    let script = Script::new(sql)?;
    let mut statements = script.parts().map(|part| one(&text, part)).collect::<Result<Vec<Parsed>>>()?;
    if statements.is_empty() {
        statements.push(Parsed { command: Command::Empty, statement: None, text, parameters_max: 0 });
    }
    Ok(statements)
}

fn one(sql: &Arc<str>, part: Part<'_>) -> Result<Parsed> {
    let parameters_max = part.parameters_max();
    let made = |command, statement| Ok(Parsed { command, statement, text: Arc::clone(sql), parameters_max });
    if let Some(utility) = part.utility()? {
        return made(classify_utility(utility), None);
    }
    if !part.is_query()
        && let Some(command) = utility::read(sql, &part.tokens())?
    {
        return made(command, None);
    }
    let statement = part.statement()?;
    if let Statement::Query(query) = &statement
        && let Some(create) = select_into(query)
    {
        return made(classify_utility(Utility::Create(Box::new(create))), None);
    }
    match classify(&statement) {
        Command::Query => made(Command::Query, Some(statement)),
        other => made(other, None),
    }
}

/// What a statement does.
pub(super) fn classify(statement: &Statement) -> Command {
    let write = |tag: &str| Command::Write { tag: tag.to_owned() };
    match statement {
        Statement::Query(query) => classify_query(query),
        Statement::Insert(_) => write("INSERT"),
        Statement::Update { .. } => write("UPDATE"),
        Statement::Delete(_) => write("DELETE"),
        Statement::Merge { .. } => write("MERGE"),
        other => {
            let text = other.to_string();
            let verb = text.split([' ', '(']).next().unwrap_or_default().to_uppercase();
            Command::Unsupported { what: format!("the command {verb}") }
        }
    }
}

fn classify_utility(utility: Utility) -> Command {
    let query = match &utility {
        Utility::CopyFrom => return Command::Write { tag: "COPY FROM".to_owned() },
        Utility::CopyFile => return Command::CopyFile,
        Utility::Copy(copy) => &copy.query,
        Utility::Prepare { query, .. } => query,
        Utility::Declare(declare) => &declare.query,
        Utility::Insert(insert) => match &insert.query {
            Some(query) => query,
            None => return Command::Utility(Box::new(utility)),
        },
        Utility::Create(create) => match &create.contents {
            Contents::Query { query, .. } => query,
            Contents::Columns(_) => return Command::Utility(Box::new(utility)),
        },
        Utility::Execute { .. } | Utility::Fetch(_) | Utility::Close(_) | Utility::Drop(_) => {
            return Command::Utility(Box::new(utility));
        }
    };
    match classify_query(query) {
        Command::Query => Command::Utility(Box::new(utility)),
        write => write,
    }
}

fn classify_query(query: &ast::Query) -> Command {
    use ast::SetExpr;
    let body = |body: &SetExpr| match body {
        SetExpr::Insert(_) => Some("INSERT"),
        SetExpr::Update(_) => Some("UPDATE"),
        SetExpr::Delete(_) => Some("DELETE"),
        SetExpr::Merge(_) => Some("MERGE"),
        SetExpr::Select(select) if select.into.is_some() => Some("SELECT INTO"),
        _ => None,
    };
    let ctes = query.with.iter().flat_map(|with| &with.cte_tables).map(|cte| cte.query.body.as_ref());
    match std::iter::once(query.body.as_ref()).chain(ctes).find_map(body) {
        Some(tag) => Command::Write { tag: tag.to_owned() },
        None if !query.locks.is_empty() => Command::Write { tag: format!("SELECT {}", query.locks[0]) },
        None => Command::Query,
    }
}
