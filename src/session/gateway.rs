//! What all sessions share, and the register of who is connected and what has been scanned for whom.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;

use crate::config::{Limits, User};
use crate::error::{Error, Kind, Result};
use crate::model::journal::Journal;
use crate::model::scan::Source;
use crate::model::statement::{Statement, lock};
use crate::model::table::Switch;
use crate::sql::engine::Engine;

/// The gateway as a session sees it.
#[derive(Debug)]
pub struct Gateway {
    /// Plans and runs queries.
    pub engine: Engine,
    /// The configured sources.
    pub sources: Vec<Arc<Source>>,
    /// Who may connect.
    pub users: Vec<User>,
    /// Bounds on sessions and statements.
    pub limits: Limits,
    /// Who is connected.
    pub registry: Arc<Registry>,
    /// Secret of the process, from which the verifiers of unknown users are made.
    pub mock_secret: [u8; 32],
    /// Rows that were read are kept for the next statement.
    pub keeps_rows: bool,
    /// When the gateway started.
    pub started: chrono::DateTime<chrono::Utc>,
}

impl Gateway {
    /// The user of that name.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// The sources that a user sees.
    pub fn visible_sources(&self, user: &str) -> Vec<Arc<Source>> {
        let allowed = self.user(user).and_then(|user| user.sources.as_ref());
        let sees = |source: &&Arc<Source>| allowed.is_none_or(|names| names.contains(&source.name));
        self.sources.iter().filter(sees).cloned().collect()
    }

    /// The switches of these sources' tables, each with the name of its source.
    pub fn switches(&self, user: &str) -> Vec<(String, &'static Switch)> {
        let of_source = |source: Arc<Source>| {
            let switches = source.connector.tables.iter().flat_map(|table| table.switches);
            switches.map(move |switch| (source.name.clone(), switch))
        };
        self.visible_sources(user).into_iter().flat_map(of_source).collect()
    }
}

/// The sessions that are connected, for limits and cancel requests; and what each user has scanned, which outlives them.
#[derive(Debug, Default)]
pub struct Registry {
    sessions: Mutex<HashMap<i32, Entry>>,
    journals: Mutex<HashMap<String, Arc<Journal>>>,
    last_pid: AtomicI32,
}

#[derive(Debug)]
struct Entry {
    user: String,
    peer: SocketAddr,
    since: i64,
    secret: i32,
    running: Arc<Mutex<Running>>,
    /// Fires when the session is to end.
    end: CancellationToken,
}

/// What a session runs, or ran last.
#[derive(Debug, Default)]
struct Running {
    token: Option<CancellationToken>,
    text: Arc<str>,
    since: Option<i64>,
    application_name: String,
}

/// A session, as others see it.
#[derive(Debug)]
pub struct Seated {
    /// Process number.
    pub pid: i32,
    /// The user.
    pub user: String,
    /// Where the client is.
    pub peer: SocketAddr,
    /// When it was opened, in microseconds since 1970-01-01 UTC.
    pub since: i64,
    /// Whether a statement runs.
    pub runs: bool,
    /// The statement that runs or ran last.
    pub text: Arc<str>,
    /// When that began, in microseconds since 1970-01-01 UTC.
    pub text_since: Option<i64>,
    /// What the client calls itself.
    pub application_name: String,
}

/// A session's place in the register; given up when dropped.
#[derive(Debug)]
pub struct Seat {
    /// Process number, as clients see it.
    pub pid: i32,
    /// What a cancel request must show.
    pub secret: i32,
    /// Fires when another session ends this one.
    pub end: CancellationToken,
    registry: Arc<Registry>,
    running: Arc<Mutex<Running>>,
}

impl Registry {
    /// Takes a place.
    ///
    /// # Errors
    /// 53300 when all are taken.
    pub fn sit(self: &Arc<Self>, user: &str, peer: SocketAddr, most: u32) -> Result<Seat> {
        let mut sessions = lock(&self.sessions);
        if sessions.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
            return Err(Error::new(Kind::TooManyConnections, "sorry, too many clients already")
                .detail(format!("{most} connections are in use (limits.connections)."))
                .hint("Close a connection that is not needed, or raise limits.connections."));
        }
        let pid = self.last_pid.fetch_add(1, Ordering::Relaxed) % (i32::MAX - 1) + 1;
        let secret = random_i32();
        let running = Arc::default();
        let end = CancellationToken::new();
        let entry = Entry {
            user: user.to_owned(),
            peer,
            since: Statement::now_micros(),
            secret,
            running: Arc::clone(&running),
            end: end.clone(),
        };
        sessions.insert(pid, entry);
        Ok(Seat { pid, secret, end, registry: Arc::clone(self), running })
    }

    /// The scans of a user; all sessions of one user share them. Only for users that have been let in: their number bounds
    /// what is held.
    pub fn journal(&self, user: &str) -> Arc<Journal> {
        Arc::clone(lock(&self.journals).entry(user.to_owned()).or_default())
    }

    /// Cancels what the session of that number runs, if the key is its own.
    pub fn cancel(&self, pid: i32, key: &[u8]) {
        let sessions = lock(&self.sessions);
        let entry = sessions.get(&pid).filter(|entry| entry.secret.to_be_bytes() == *key);
        if let Some(token) = entry.and_then(|entry| lock(&entry.running).token.clone()) {
            token.cancel();
        }
    }

    /// Stops what a session of the user runs, or ends the session as well.
    pub fn signal(&self, pid: i32, user: &str, terminate: bool) {
        let sessions = lock(&self.sessions);
        let Some(entry) = sessions.get(&pid).filter(|entry| entry.user == user) else { return };
        // First, so that the error of what runs is the end of the session.
        if terminate {
            entry.end.cancel();
        }
        if let Some(token) = lock(&entry.running).token.clone() {
            token.cancel();
        }
    }

    /// Everybody connected.
    pub fn sessions(&self) -> Vec<Seated> {
        let seated = |(pid, entry): (&i32, &Entry)| {
            let running = lock(&entry.running);
            Seated {
                pid: *pid,
                user: entry.user.clone(),
                peer: entry.peer,
                since: entry.since,
                runs: running.token.is_some(),
                text: Arc::clone(&running.text),
                text_since: running.since,
                application_name: running.application_name.clone(),
            }
        };
        lock(&self.sessions).iter().map(seated).collect()
    }
}

impl Seat {
    /// Makes a statement the one that a cancel request stops.
    pub fn runs(&self, token: CancellationToken, text: Arc<str>) {
        let mut running = lock(&self.running);
        running.token = Some(token);
        running.text = text;
        running.since = Some(Statement::now_micros());
    }

    /// Nothing runs any more.
    pub fn rests(&self) {
        lock(&self.running).token = None;
    }

    /// What the client calls itself.
    pub fn is_called(&self, application_name: &str) {
        application_name.clone_into(&mut lock(&self.running).application_name);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.registry.sessions).remove(&self.pid);
    }
}

fn random_i32() -> i32 {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut bytes = [0; 4];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    i32::from_be_bytes(bytes)
}
