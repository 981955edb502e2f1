//! From an accepted socket to a session: TLS, the startup message, SCRAM, the first ParameterStatus messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use pgwire::api::auth::sasl::scram::{ScramSecret, ScramServerAuth};
use pgwire::error::PgWireError;
use pgwire::messages::response::{ReadyForQuery, TransactionStatus};
use pgwire::messages::startup::{
    Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SecretKey, Startup,
};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage, ProtocolVersion};
use pgwire::tokio::TlsAcceptor;
use pgwire::tokio::server::{MaybeTls, negotiate_tls};
use tokio::net::TcpStream;

use crate::error::{Error, Kind, Result};
use crate::scram::Verifier;
use crate::session::gateway::{Gateway, Seat};
use crate::session::{Hello, Session};
use crate::wire::io::{Gone, Io};
use crate::wire::message;

const MECHANISM: &str = "SCRAM-SHA-256";
const MECHANISM_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// TLS as it is configured.
#[derive(Clone)]
pub struct Tls {
    /// Makes TLS streams.
    pub acceptor: TlsAcceptor,
    /// The certificate in PEM, for channel binding.
    pub certificate: Arc<[u8]>,
    /// Whether a connection without TLS is refused.
    pub required: bool,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("required", &self.required).finish_non_exhaustive()
    }
}

/// A connection that is ready for queries.
pub(super) struct Ready {
    pub(super) io: Io,
    pub(super) session: Session,
    pub(super) seat: Seat,
}

/// Brings a connection up. `None` when it ended before a session began: a cancel request, a refusal, a port scan.
pub(super) async fn start(socket: TcpStream, gateway: &Arc<Gateway>, tls: Option<&Tls>) -> Option<Ready> {
    let peer = socket.peer_addr().ok()?;
    // The codec's state is made for pgwire's own handlers; the buffers are all that is kept of it.
    let framed = negotiate_tls::<()>(socket, tls.map(|tls| tls.acceptor.clone())).await.ok()??;
    let parts = framed.into_parts();
    let secure = matches!(parts.io, MaybeTls::Tls(_));
    if secure && !parts.read_buf.is_empty() {
        // Bytes that came before the handshake would be taken for encrypted ones (the fault behind CVE-2021-23214).
        tracing::warn!(%peer, "connection closed: data before the TLS handshake");
        return None;
    }
    let mut io = Io::new(parts.io, parts.read_buf);
    io.context.awaiting_frontend_ssl = false;
    match greet(&mut io, gateway, tls, secure, peer).await {
        Ok(Some((session, seat))) => Some(Ready { io, session, seat }),
        Ok(None) => None,
        Err(error) => {
            tracing::info!(%peer, error = %error.message, "connection refused");
            let _ = io.put(&message::fatal(&error));
            io.close().await;
            None
        }
    }
}

async fn greet(
    io: &mut Io,
    gateway: &Arc<Gateway>,
    tls: Option<&Tls>,
    secure: bool,
    peer: std::net::SocketAddr,
) -> Result<Option<(Session, Seat)>> {
    let startup = match io.read().await? {
        Some(PgWireFrontendMessage::CancelRequest(cancel)) => {
            gateway.registry.cancel(cancel.pid, &cancel.secret_key.to_bytes());
            return Ok(None);
        }
        Some(PgWireFrontendMessage::Startup(startup)) => startup,
        Some(_) => return Err(Error::new(Kind::Protocol, "expected a startup message")),
        None => return Ok(None),
    };
    io.context.awaiting_frontend_startup = false;
    negotiate_version(io, &startup)?;
    if let Some(tls) = tls
        && tls.required
        && !secure
    {
        return Err(Error::new(Kind::InvalidAuthorization, "connection requires TLS")
            .hint("Connect with sslmode=require or stricter."));
    }
    let mut parameters = startup.parameters;
    let user = parameters.remove("user").filter(|user| !user.is_empty());
    let user = user
        .ok_or_else(|| Error::new(Kind::InvalidAuthorization, "no PostgreSQL user name specified in startup packet"))?;
    authenticate(io, gateway, &user, tls.filter(|_| secure)).await?;
    let database = parameters.remove("database").filter(|name| !name.is_empty()).unwrap_or_else(|| user.clone());
    refuse_replication(&mut parameters)?;
    parameters.retain(|name, _| !name.starts_with("_pq_."));
    let seat = gateway.registry.sit(&user, peer, gateway.limits.connections)?;
    let hello = Hello { user, database, parameters: parameters.into_iter().collect(), pid: seat.pid, peer };
    let mut session = Session::new(Arc::clone(gateway), hello)?;
    io.put(&PgWireBackendMessage::Authentication(Authentication::Ok))?;
    for (name, value) in session.reports() {
        io.put(&PgWireBackendMessage::ParameterStatus(ParameterStatus::new(name, value)))?;
    }
    let key = BackendKeyData::new(seat.pid, SecretKey::I32(seat.secret));
    io.put(&PgWireBackendMessage::BackendKeyData(key))?;
    io.put(&PgWireBackendMessage::ReadyForQuery(ReadyForQuery::new(TransactionStatus::Idle)))?;
    if let Err(Gone::Socket | Gone::Told) = io.flush().await {
        return Ok(None);
    }
    Ok(Some((session, seat)))
}

/// Version 3.0 is spoken; a client that asks for a later minor one is told so and goes on.
fn negotiate_version(io: &mut Io, startup: &Startup) -> Result<()> {
    io.context.protocol_version = ProtocolVersion::PROTOCOL3_0;
    let options: Vec<String> = startup.parameters.keys().filter(|name| name.starts_with("_pq_.")).cloned().collect();
    if startup.protocol_number_minor == 0 && options.is_empty() {
        return Ok(());
    }
    let newest = Startup::PROTOCOL_VERSION_3_0;
    io.put(&PgWireBackendMessage::NegotiateProtocolVersion(NegotiateProtocolVersion::new(newest, options)))
}

fn refuse_replication(parameters: &mut BTreeMap<String, String>) -> Result<()> {
    match parameters.remove("replication").as_deref() {
        None | Some("false" | "off" | "no" | "0") => Ok(()),
        Some(_) => Err(Error::unsupported("replication")),
    }
}

/// SCRAM-SHA-256. An unknown user gets a made-up verifier, so that it cannot be told from a wrong password.
async fn authenticate(io: &mut Io, gateway: &Gateway, user: &str, tls: Option<&Tls>) -> Result<()> {
    let known = gateway.user(user);
    let verifier = known.map_or_else(|| Verifier::mock(user, &gateway.mock_secret), |user| user.verifier.clone());
    let mut server = ScramServerAuth::new();
    let mut mechanisms = vec![MECHANISM.to_owned()];
    if let Some(tls) = tls {
        // A certificate whose signature names no hash (Ed25519) cannot be bound to; the plain mechanism remains.
        if server.configure_certificate(&tls.certificate).is_ok() {
            mechanisms.insert(0, MECHANISM_PLUS.to_owned());
        }
    }
    io.put(&PgWireBackendMessage::Authentication(Authentication::SASL(mechanisms.clone())))?;
    let first = password_message(io).await?.into_sasl_initial_response().map_err(|error| malformed(&error))?;
    if !mechanisms.contains(&first.auth_method) {
        return Err(Error::new(Kind::Protocol, "client selected an invalid SASL authentication mechanism"));
    }
    let secret = ScramSecret::Verifier {
        salt: verifier.salt.clone(),
        iterations: usize::try_from(verifier.iterations).unwrap_or(usize::MAX),
        stored_key: verifier.stored_key.to_vec(),
        server_key: verifier.server_key.to_vec(),
    };
    let (reply, waiting) = server
        .on_client_first_message_with_secret(first.data.as_deref().unwrap_or_default(), secret)
        .map_err(|error| malformed(&error))?;
    io.put(&PgWireBackendMessage::Authentication(Authentication::SASLContinue(reply.into())))?;
    let last = password_message(io).await?.into_sasl_response().map_err(|error| malformed(&error))?;
    match (waiting.on_client_final_message(&last.data), known) {
        (Ok(reply), Some(_)) => io.put(&PgWireBackendMessage::Authentication(Authentication::SASLFinal(reply.into()))),
        (Err(PgWireError::InvalidScramMessage(message)), Some(_)) if !message.contains("proof") => {
            Err(Error::new(Kind::Protocol, format!("malformed SCRAM message: {message}")))
        }
        _ => Err(Error::new(Kind::InvalidPassword, format!("password authentication failed for user \"{user}\""))),
    }
}

async fn password_message(io: &mut Io) -> Result<pgwire::messages::startup::PasswordMessageFamily> {
    io.flush().await.map_err(|_| Error::new(Kind::Protocol, "the client left"))?;
    match io.read().await? {
        Some(PgWireFrontendMessage::PasswordMessageFamily(message)) => Ok(message),
        Some(_) => Err(Error::new(Kind::Protocol, "expected SASL response")),
        None => Err(Error::new(Kind::Protocol, "the client left")),
    }
}

fn malformed(error: &PgWireError) -> Error {
    Error::new(Kind::Protocol, format!("malformed SCRAM message: {error}"))
}
