//! One connection: reads messages, drives the session, writes what comes of it.
//!
//! One task does all of it. While a statement runs it also watches the socket, so a client that leaves stops the upstream
//! call; rows go out in writes of 64 KiB, and a client that does not read stops the engine by back pressure alone.

use std::collections::HashMap;
use std::sync::Arc;

use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{
    Bind, BindComplete, Close, CloseComplete, Describe, Execute, Parse, ParseComplete, PortalSuspended,
};
use pgwire::messages::response::{EmptyQueryResponse, ReadyForQuery, TransactionStatus};
use pgwire::messages::startup::ParameterStatus;
use pgwire::messages::{PgWireBackendMessage as Message, PgWireFrontendMessage as Request};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Kind, Result};
use crate::model::statement::Statement;
use crate::pgtype::parameter;
use crate::pgtype::style::Format;
use crate::session::gateway::{Gateway, Seat};
use crate::session::prepared::Prepared;
use crate::session::{Outcome, Session, Status};
use crate::wire::io::{Gone, Io};
use crate::wire::message;
use crate::wire::portal::{Portal, Running, put_notices};
use crate::wire::startup::{Ready, Tls, start};

/// Serves one socket to its end. `shutdown` asks for a goodbye between two statements.
pub async fn serve(socket: TcpStream, gateway: Arc<Gateway>, tls: Option<Tls>, shutdown: CancellationToken) {
    let deadline = gateway.limits.authentication_timeout;
    let ready = tokio::time::timeout(deadline, start(socket, &gateway, tls.as_ref())).await;
    let Ok(Some(Ready { io, session, seat })) = ready else { return };
    let mut connection = Connection { io, session, seat, portals: HashMap::new(), skipping: false, shutdown };
    // Only a broken socket ends the loop early, and then there is nobody left to tell.
    let _ = connection.run().await;
    connection.io.close().await;
}

struct Connection {
    io: Io,
    session: Session,
    seat: Seat,
    portals: HashMap<String, Portal>,
    /// After an error in the extended protocol: everything up to Sync is passed over.
    skipping: bool,
    shutdown: CancellationToken,
}

impl Connection {
    async fn run(&mut self) -> Result<(), Gone> {
        loop {
            let message = match self.next_message().await? {
                Some(Request::Terminate(_)) | None => return Ok(()),
                Some(message) => message,
            };
            self.handle(message).await?;
        }
    }

    /// Waits for a message, but not longer than the session's idle timeouts allow.
    async fn next_message(&mut self) -> Result<Option<Request>, Gone> {
        let (limit, error) = self.session.idle_limit();
        let idle = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let outcome = tokio::select! {
            message = self.io.read() => message,
            () = idle => Err(error),
            () = self.seat.end.cancelled() => Err(terminated()),
            () = self.shutdown.cancelled() => Err(terminated()),
        };
        match outcome {
            Ok(message) => Ok(message),
            Err(error) => {
                self.put(&message::fatal(&error))?;
                self.io.flush().await?;
                Err(Gone::Told)
            }
        }
    }

    fn put(&mut self, message: &Message) -> Result<(), Gone> {
        self.io.put(message).map_err(|error| {
            tracing::error!(error = %error.message, "message not encoded");
            Gone::Socket
        })
    }

    async fn handle(&mut self, request: Request) -> Result<(), Gone> {
        match request {
            Request::Query(query) => self.simple(&query.query).await,
            Request::Sync(_) => {
                self.session.end_message(self.skipping);
                self.skipping = false;
                if !self.session.in_transaction() {
                    self.portals.clear();
                }
                self.ready().await
            }
            Request::Flush(_) => self.io.flush().await,
            _ if self.skipping => Ok(()),
            Request::Parse(parse) => self.extended(Step::Parse(parse)).await,
            Request::Bind(bind) => self.extended(Step::Bind(bind)).await,
            Request::Describe(describe) => self.extended(Step::Describe(describe)).await,
            Request::Execute(execute) => self.extended(Step::Execute(execute)).await,
            Request::Close(close) => self.extended(Step::Close(close)).await,
            // Left over from a COPY that was refused; PostgreSQL passes these over as well.
            Request::CopyData(_) | Request::CopyDone(_) | Request::CopyFail(_) => Ok(()),
            _ => {
                let error = Error::new(Kind::Protocol, "invalid frontend message type");
                self.put(&message::fatal(&error))?;
                self.io.flush().await?;
                Err(Gone::Told)
            }
        }
    }

    async fn ready(&mut self) -> Result<(), Gone> {
        for (name, value) in self.session.reports() {
            if name == "application_name" {
                self.seat.is_called(&value);
            }
            self.put(&Message::ParameterStatus(ParameterStatus::new(name, value)))?;
        }
        let status = match self.session.status() {
            Status::Idle => TransactionStatus::Idle,
            Status::InTransaction => TransactionStatus::Transaction,
            Status::Failed => TransactionStatus::Error,
        };
        self.put(&Message::ReadyForQuery(ReadyForQuery::new(status)))?;
        self.io.flush().await
    }

    async fn fail(&mut self, error: &Error) -> Result<(), Gone> {
        // Another session has ended this one, and with it what it ran.
        if self.seat.end.is_cancelled() {
            self.put(&message::fatal(&terminated()))?;
            self.io.flush().await?;
            return Err(Gone::Told);
        }
        self.session.fail();
        self.put(&message::error(error))
    }

    // --- simple protocol ---

    async fn simple(&mut self, text: &str) -> Result<(), Gone> {
        // A simple query gives up what the unnamed names held.
        self.session.statements.close("");
        self.portals.remove("");
        self.skipping = false;
        self.session.begin_message();
        let outcome = self.simple_statements(text).await?;
        if let Err(error) = &outcome {
            self.fail(error).await?;
        }
        self.session.end_message(outcome.is_err());
        if !self.session.in_transaction() {
            self.portals.clear();
        }
        self.ready().await
    }

    async fn simple_statements(&mut self, text: &str) -> Result<Result<()>, Gone> {
        let parsed = match self.session.parse(text) {
            Ok(parsed) => parsed,
            Err(error) => return Ok(Err(error)),
        };
        if parsed.len() > 1 {
            self.session.is_script();
        }
        for one in parsed {
            let prepared = match self.session.prepare(one, &[]).await {
                Ok(prepared) => Arc::new(prepared),
                Err(error) => return Ok(Err(error)),
            };
            let formats = vec![prepared.format(); prepared.schema().map_or(0, |schema| schema.fields().len())];
            if let Err(error) = self.simple_one(&prepared, &formats).await? {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    async fn simple_one(&mut self, prepared: &Arc<Prepared>, formats: &[Format]) -> Result<Result<()>, Gone> {
        let statement = self.session.begin(prepared);
        let running = match self.start(prepared, Vec::new(), formats, &statement).await? {
            Ok(running) => running,
            Err(error) => return Ok(Err(error)),
        };
        let Some(mut running) = running else { return Ok(Ok(())) };
        if !running.is_copy() {
            match message::row_description(running.schema(), formats) {
                Ok(description) => self.put(&description)?,
                Err(error) => return Ok(Err(error)),
            }
        }
        let sent = running.send(&mut self.io, &statement, usize::MAX).await;
        self.seat.rests();
        match sent? {
            Ok(_) => self.put(&message::complete(&running.tag())).map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Starts a statement. `None` when it is over already and its tag is queued.
    async fn start(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: Vec<datafusion::common::ScalarValue>,
        formats: &[Format],
        statement: &Arc<Statement>,
    ) -> Result<Result<Option<Running>>, Gone> {
        self.seat.runs(statement.cancel.clone(), prepared.text());
        let outcome = {
            let execution = self.session.execute(prepared, parameters, statement);
            tokio::select! {
                biased;
                outcome = execution => Ok(outcome),
                gone = self.io.watch() => Err(gone),
            }
        };
        let outcome = outcome?;
        put_notices(&mut self.io, statement, self.session.least_notice())?;
        let style = self.session.style();
        match outcome {
            Ok(Outcome::Rows { rows, verb }) => {
                let least = self.session.least_notice();
                Ok(Running::new(rows, verb, formats, &style, Arc::clone(statement), least).map(Some))
            }
            Ok(Outcome::Copy { rows, format }) => {
                let least = self.session.least_notice();
                let copy = Running::copy(rows, &format, &style, Arc::clone(statement), least, &mut self.io.output);
                Ok(copy.map(Some))
            }
            Ok(Outcome::Done { tag }) => {
                self.seat.rests();
                self.put(&message::complete(&tag))?;
                Ok(Ok(None))
            }
            Ok(Outcome::Empty) => {
                self.seat.rests();
                self.put(&Message::EmptyQueryResponse(EmptyQueryResponse::new()))?;
                Ok(Ok(None))
            }
            Err(error) => {
                self.seat.rests();
                Ok(Err(error))
            }
        }
    }

    // --- extended protocol ---

    async fn extended(&mut self, step: Step) -> Result<(), Gone> {
        self.session.begin_message();
        let outcome = match step {
            Step::Parse(parse) => self.parse(parse).await,
            Step::Bind(bind) => self.bind(&bind).await,
            Step::Describe(describe) => self.describe(&describe),
            Step::Execute(execute) => self.execute(&execute).await?,
            Step::Close(close) => self.close(&close),
        };
        if let Err(error) = outcome {
            self.fail(&error).await?;
            self.skipping = true;
        }
        if self.io.is_full() { self.io.flush().await } else { Ok(()) }
    }

    async fn parse(&mut self, parse: Parse) -> Result<()> {
        let name = parse.name.unwrap_or_default();
        self.session.statements.check_free(&name)?;
        let mut parsed = self.session.parse(&parse.query)?;
        if parsed.len() > 1 {
            let message = "cannot insert multiple commands into a prepared statement";
            return Err(Error::new(Kind::Syntax, message));
        }
        let one = parsed.pop().ok_or_else(|| Error::internal("a text without statements"))?;
        let text = Arc::clone(&one.text);
        let prepared = self.session.prepare(one, &parse.type_oids).await?;
        self.session.statements.add(name, Arc::new(prepared), text, false)?;
        self.io.put(&Message::ParseComplete(ParseComplete::new()))
    }

    async fn bind(&mut self, bind: &Bind) -> Result<()> {
        let statement_name = bind.statement_name.clone().unwrap_or_default();
        let name = bind.portal_name.clone().unwrap_or_default();
        let prepared = self.session.statements.get(&statement_name)?;
        if !name.is_empty() && (self.portals.contains_key(&name) || self.session.cursor(&name).is_some()) {
            return Err(Error::new(Kind::DuplicateCursor, format!("cursor \"{name}\" already exists")));
        }
        let types = prepared.parameter_oids();
        if types.len() != bind.parameters.len() {
            let message = format!(
                "bind message supplies {} parameters, but prepared statement \"{statement_name}\" requires {}",
                bind.parameters.len(),
                types.len()
            );
            return Err(Error::new(Kind::Protocol, message));
        }
        let formats = spread(&bind.parameter_format_codes, types.len(), "parameter")?;
        let style = self.session.style();
        let mut values = Vec::with_capacity(types.len());
        for ((value, oid), format) in bind.parameters.iter().zip(types).zip(formats) {
            // The name of a relation, type or function is looked up by the catalogs, which take it as text.
            let named = format == Format::Text && REG_TYPES.contains(oid);
            let oid = if named { TEXT } else { *oid };
            values.push(parameter::decode_oid(oid, format, value.as_deref(), &style)?);
        }
        let prepared = self.session.current(prepared).await?;
        let columns = prepared.schema().map_or(0, |schema| schema.fields().len());
        let formats = spread(&bind.result_column_format_codes, columns, "result column")?;
        self.portals.insert(name, Portal::new(prepared, values, formats));
        self.io.put(&Message::BindComplete(BindComplete::new()))
    }

    fn describe(&mut self, describe: &Describe) -> Result<()> {
        let name = describe.name.clone().unwrap_or_default();
        let (prepared, formats) = if describe.target_type == b'S' {
            let prepared = self.session.statements.get(&name)?;
            let types = prepared.parameter_oids().to_vec();
            self.io.put(&Message::ParameterDescription(ParameterDescription::new(types)))?;
            (prepared, None)
        } else {
            match (self.portals.get(&name), self.session.cursor(&name)) {
                (Some(portal), _) => (Arc::clone(&portal.prepared), Some(portal.formats.clone())),
                // A cursor is a portal, too.
                (None, Some((prepared, format))) => {
                    let columns = prepared.schema().map_or(0, |schema| schema.fields().len());
                    (prepared, Some(vec![format; columns]))
                }
                (None, None) => return Err(missing_portal(&name)),
            }
        };
        let Some(schema) = prepared.schema() else {
            return self.io.put(&Message::NoData(NoData::new()));
        };
        let formats = formats.unwrap_or_else(|| vec![Format::Text; schema.fields().len()]);
        self.io.put(&message::row_description(&schema, &formats)?)
    }

    async fn execute(&mut self, execute: &Execute) -> Result<Result<()>, Gone> {
        let name = execute.name.clone().unwrap_or_default();
        let Some(mut portal) = self.portals.remove(&name) else { return Ok(Err(missing_portal(&name))) };
        let outcome = self.execute_portal(&mut portal, execute.max_rows).await?;
        // An error ends the portal, as it ends the transaction that it lives in.
        if outcome.is_ok() {
            self.portals.insert(name, portal);
        }
        Ok(outcome)
    }

    async fn execute_portal(&mut self, portal: &mut Portal, max_rows: i32) -> Result<Result<()>, Gone> {
        if let Err(error) = self.session.allows(&portal.prepared) {
            return Ok(Err(error));
        }
        if portal.running.is_none() {
            if portal.started {
                let tag = portal.finished_tag();
                return self.put(&message::complete(&tag)).map(Ok);
            }
            let statement = self.session.begin(&portal.prepared);
            let parameters = std::mem::take(&mut portal.parameters);
            portal.started = true;
            match self.start(&portal.prepared, parameters, &portal.formats, &statement).await? {
                Ok(Some(running)) => portal.running = Some(running),
                Ok(None) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
        let Some(running) = portal.running.as_mut() else { return Ok(Ok(())) };
        let statement = Arc::clone(running.statement());
        // Each Execute has the time that the setting gives.
        self.session.resume(&statement);
        self.seat.runs(statement.cancel.clone(), portal.prepared.text());
        let most = usize::try_from(max_rows).ok().filter(|&rows| rows > 0 && !running.is_copy());
        let most = most.unwrap_or(usize::MAX);
        let sent = running.send(&mut self.io, &statement, most).await;
        self.seat.rests();
        match sent? {
            Ok(true) => {
                statement.pause();
                self.put(&Message::PortalSuspended(PortalSuspended::new())).map(Ok)
            }
            Ok(false) => {
                let tag = running.tag();
                portal.running = None;
                self.put(&message::complete(&tag)).map(Ok)
            }
            Err(error) => Ok(Err(error)),
        }
    }

    fn close(&mut self, close: &Close) -> Result<()> {
        let name = close.name.clone().unwrap_or_default();
        if close.target_type == b'S' {
            self.session.statements.close(&name);
        } else if self.portals.remove(&name).is_none() {
            self.session.close_cursor(&name);
        }
        self.io.put(&Message::CloseComplete(CloseComplete::new()))
    }
}

/// `text`.
const TEXT: u32 = 25;
/// `regproc`, `regprocedure`, `regoper`, `regoperator`, `regclass`, `regtype`, `regnamespace`, `regrole`.
const REG_TYPES: [u32; 8] = [24, 2202, 2203, 2204, 2205, 2206, 4089, 4096];

enum Step {
    Parse(Parse),
    Bind(Bind),
    Describe(Describe),
    Execute(Execute),
    Close(Close),
}

fn missing_portal(name: &str) -> Error {
    Error::new(Kind::UndefinedCursor, format!("portal \"{name}\" does not exist"))
}

/// None, one, or one per value: the three ways in which a message gives format codes.
fn spread(codes: &[i16], n: usize, what: &str) -> Result<Vec<Format>> {
    let format = |code: i16| match code {
        0 => Ok(Format::Text),
        1 => Ok(Format::Binary),
        other => Err(Error::new(Kind::Protocol, format!("unsupported format code: {other}"))),
    };
    match codes {
        [] => Ok(vec![Format::Text; n]),
        [one] => Ok(vec![format(*one)?; n]),
        many if many.len() == n => many.iter().map(|&code| format(code)).collect(),
        many => {
            let message = format!("bind message has {} {what} formats but {n} {what}s", many.len());
            Err(Error::new(Kind::Protocol, message))
        }
    }
}

fn terminated() -> Error {
    Error::new(Kind::AdminShutdown, "terminating connection due to administrator command")
}
