//! What utility statements do and answer.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;

use crate::error::{Error, Kind, Result};
use crate::model::statement::{Notice, Severity, Statement};
use crate::pgtype::style::{ByteaOutput, DateOrder, IntervalStyle, Style};
use crate::pgtype::zone::Zone;
use crate::session::catalogs::Shown;
use crate::session::command::{Command, Discard, Modes, Parsed};
use crate::session::gateway::Gateway;
use crate::session::vars::{Scope, Vars, no_writing};
use crate::session::{Hello, Outcome, SERVER_VERSION, Session, Status};
use crate::sql::parse::utility::Utility;

/// `version()`.
pub(super) fn version() -> String {
    let own = env!("CARGO_PKG_VERSION");
    format!("PostgreSQL {SERVER_VERSION} (spanwire {own}) on {}, read-only", std::env::consts::ARCH)
}

/// The settings of a new session.
pub(super) fn vars(gateway: &Gateway, hello: &Hello) -> Result<Vars> {
    let mut vars = Vars::default();
    let millis = |limit: Option<std::time::Duration>| limit.map_or(0, |limit| limit.as_millis()).to_string();
    vars.decide("session_authorization", &hello.user);
    vars.decide("max_connections", &gateway.limits.connections.to_string());
    vars.decide("statement_timeout", &millis(gateway.limits.statement_timeout));
    vars.decide("idle_session_timeout", &millis(gateway.limits.idle_session_timeout));
    let in_transaction = gateway.limits.idle_in_transaction_session_timeout;
    vars.decide("idle_in_transaction_session_timeout", &millis(in_transaction));
    vars.decide("spanwire.max_calls", &gateway.limits.max_calls.to_string());
    if !gateway.keeps_rows {
        vars.decide("spanwire.cache", "off");
    }
    let mut path = vec!["\"$user\"".to_owned(), "public".to_owned()];
    path.extend(gateway.sources.iter().map(|source| source.name.clone()));
    vars.decide("search_path", &path.join(", "));
    for (source, switch) in gateway.switches(&hello.user) {
        vars.offer(&format!("{source}.{}", switch.name), switch.doc);
    }
    for (name, value) in gateway.user(&hello.user).iter().flat_map(|user| &user.settings) {
        vars.set_text(name, value, Scope::Startup)?;
    }
    for (name, value) in &hello.parameters {
        if name == "options" {
            for (name, value) in options(value)? {
                vars.set_text(&name, &value, Scope::Startup)?;
            }
        } else {
            vars.set_text(name, value, Scope::Startup)?;
        }
    }
    Ok(vars)
}

/// `-c name=value --name=value`, blanks escaped by a backslash.
fn options(text: &str) -> Result<Vec<(String, String)>> {
    let mut words: Vec<String> = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, words.last_mut()) {
            ('\\', Some(word)) => word.extend(letters.next()),
            (letter, Some(word)) if !letter.is_whitespace() => word.push(letter),
            _ => words.push(String::new()),
        }
    }
    let mut words = words.into_iter().filter(|word| !word.is_empty());
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("--").or_else(|| word.strip_prefix("-c")) {
            Some("") => words.next().unwrap_or_default(),
            Some(setting) => setting.to_owned(),
            None => {
                let message = format!("invalid command-line argument for server process: {word}");
                return Err(Error::new(Kind::Syntax, message));
            }
        };
        let pair = setting.split_once('=');
        let (name, value) = pair.ok_or_else(|| Error::new(Kind::Syntax, format!("-c {setting} requires a value")))?;
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

/// How values are written.
pub(super) fn style(vars: &Vars) -> Style {
    Style {
        // The setting was checked when it was set.
        timezone: Zone::parse(vars.time_zone()).unwrap_or_else(|_| Zone::utc()),
        extra_float_digits: vars.extra_float_digits(),
        bytea_output: if vars.word("bytea_output") == "escape" { ByteaOutput::Escape } else { ByteaOutput::Hex },
        interval_style: match vars.word("intervalstyle") {
            "iso_8601" => IntervalStyle::Iso8601,
            "sql_standard" => IntervalStyle::SqlStandard,
            "postgres_verbose" => IntervalStyle::PostgresVerbose,
            _ => IntervalStyle::Postgres,
        },
        date_order: match vars.word("datestyle") {
            "ISO, DMY" => DateOrder::Dmy,
            "ISO, YMD" => DateOrder::Ymd,
            _ => DateOrder::Mdy,
        },
    }
}

/// A schema of text columns.
pub(super) fn text_schema(names: &[&str]) -> SchemaRef {
    let fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    Arc::new(Schema::new(fields))
}

fn batch(schema: &SchemaRef, columns: Vec<Vec<String>>) -> Result<RecordBatch> {
    let arrays = columns.into_iter().map(|column| Arc::new(StringArray::from(column)) as ArrayRef).collect();
    RecordBatch::try_new(Arc::clone(schema), arrays).map_err(|error| Error::internal(error.to_string()))
}

/// The rows of SHOW.
pub(super) fn show(vars: &Vars, command: &Command, schema: &SchemaRef) -> Result<RecordBatch> {
    match command {
        Command::Show(name) => batch(schema, vec![vec![vars.show(name)?]]),
        _ => {
            let mut columns = vec![Vec::new(), Vec::new(), Vec::new()];
            for (name, value, doc) in vars.all() {
                columns[0].push(name);
                columns[1].push(value);
                columns[2].push(doc);
            }
            batch(schema, columns)
        }
    }
}

/// The refusal of something that writes.
pub(super) fn read_only(tag: &str) -> Error {
    Error::new(Kind::ReadOnly, format!("cannot execute {tag} in a read-only transaction"))
        .hint("The gateway only reads; its rows come from the vendors' export APIs.")
}

/// Carries out a statement without rows.
pub(super) fn utility(session: &mut Session, parsed: &Parsed, statement: &Statement) -> Result<Outcome> {
    let tag = match &parsed.command {
        Command::Empty => return Ok(Outcome::Empty),
        Command::Set { name, values, local } => set(session, name, values, *local, statement)?,
        Command::SetTransaction(modes) => {
            take_modes(session, modes)?;
            "SET"
        }
        Command::Reset(name) => {
            session.vars.reset(name)?;
            "RESET"
        }
        Command::ResetAll => {
            session.vars.reset_all();
            "RESET"
        }
        Command::Discard(Discard::All) => {
            if session.in_block() {
                let message = "DISCARD ALL cannot run inside a transaction block";
                return Err(Error::new(Kind::ActiveTransaction, message));
            }
            session.vars.reset_all();
            session.cursors.close_all();
            session.statements.deallocate_all();
            session.temporary.clear();
            "DISCARD ALL"
        }
        Command::Discard(Discard::Part(tag)) => {
            if *tag == "DISCARD TEMP" {
                session.temporary.clear();
            }
            tag
        }
        Command::Nothing(tag) => tag,
        Command::Deallocate(Some(name)) => {
            session.statements.deallocate(name)?;
            return done("DEALLOCATE");
        }
        Command::Deallocate(None) => {
            session.statements.deallocate_all();
            return done("DEALLOCATE ALL");
        }
        Command::Utility(utility) => {
            let name = match utility.as_ref() {
                Utility::Close(name) => name,
                Utility::Drop(drop) => return session.drop_tables(drop, statement),
                _ => return Err(Error::internal("no way to carry out a statement")),
            };
            match name {
                Some(name) => session.cursors.close(name)?,
                None => session.cursors.close_all(),
            }
            return done(if name.is_some() { "CLOSE CURSOR" } else { "CLOSE CURSOR ALL" });
        }
        Command::CopyFile => {
            return Err(Error::new(Kind::InsufficientPrivilege, "permission denied to COPY to or from a file")
                .detail("The gateway reads and writes no files of its machine.")
                .hint("Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone."));
        }
        block => return transaction(session, block, statement),
    };
    // Time zone, search path and the gateway's own settings all change what a plan means.
    session.forget_view();
    done(tag)
}

fn done(tag: &str) -> Result<Outcome> {
    Ok(Outcome::Done { tag: tag.to_owned() })
}

fn set(
    session: &mut Session,
    name: &str,
    values: &[String],
    local: bool,
    statement: &Statement,
) -> Result<&'static str> {
    if local && !session.in_block() {
        warn(statement, "SET LOCAL can only be used in transaction blocks");
        return Ok("SET");
    }
    let scope = if local { Scope::Local } else { Scope::Session };
    match values {
        [] => session.vars.reset(name)?,
        values => session.vars.set(name, values, scope)?,
    }
    Ok("SET")
}

impl Session {
    /// `set_config`.
    pub(super) fn assign(&mut self, name: &str, value: Option<String>, is_local: bool) -> Result<()> {
        match value {
            Some(value) => self.vars.set_text(name, &value, if is_local { Scope::Local } else { Scope::Session }),
            None => self.vars.reset(name),
        }
    }
}

fn take_modes(session: &mut Session, modes: &Modes) -> Result<()> {
    if modes.of_session {
        // pgjdbc says READ WRITE to a connection that is handed back; only a transaction that means it is refused.
        if let Some(level) = &modes.isolation {
            session.vars.set("default_transaction_isolation", std::slice::from_ref(level), Scope::Session)?;
        }
        return Ok(());
    }
    if modes.read_write {
        return Err(no_writing());
    }
    if let Some(level) = &modes.isolation {
        session.vars.set("transaction_isolation", std::slice::from_ref(level), Scope::Local)?;
    }
    Ok(())
}

fn transaction(session: &mut Session, command: &Command, statement: &Statement) -> Result<Outcome> {
    // Its modes are settings.
    session.shown = Shown::default();
    match command {
        Command::Begin { modes, tag } => {
            let opened = session.transaction.begin(statement.transaction);
            if opened {
                session.save_at_begin();
            }
            if !opened {
                warn(statement, "there is already a transaction in progress");
            }
            if let Err(error) = take_modes(session, modes) {
                if opened {
                    session.transaction.end();
                }
                return Err(error);
            }
            done(tag)
        }
        Command::Commit | Command::Rollback => {
            let commits = *command == Command::Commit;
            let before = session.transaction.end();
            if before == Status::Idle {
                warn(statement, "there is no transaction in progress");
            }
            session.end_block(commits && before != Status::Failed);
            done(if commits && before != Status::Failed { "COMMIT" } else { "ROLLBACK" })
        }
        Command::Savepoint(name) => {
            session.transaction.savepoint(name)?;
            session.vars.begin(name);
            session.temporary.begin();
            done("SAVEPOINT")
        }
        Command::Release(name) => {
            session.transaction.release(name)?;
            session.vars.release(name);
            session.cursors.release(session.transaction.level());
            session.temporary.release(session.transaction.level());
            done("RELEASE")
        }
        Command::RollbackTo(name) => {
            session.transaction.rollback_to(name)?;
            session.vars.rollback_to(name);
            session.cursors.rollback_to(session.transaction.level());
            session.temporary.rollback_to(session.transaction.level());
            session.forget_view();
            done("ROLLBACK")
        }
        other => Err(Error::internal(format!("no way to carry out {other:?}"))),
    }
}

fn warn(statement: &Statement, message: &str) {
    let notice = Notice { severity: Severity::Warning, message: message.to_owned(), detail: None, hint: None };
    statement.notice(notice);
}
