//! `[limits]`, `[cache]`, `[metrics]` and `listen`.

use std::time::Duration;

use super::read::{Item, Section};
use super::values::{TIMEOUT, listen, or};
use super::{Cache, Limits, Listen, Metrics, Tls};

/// DataFusion cannot plan in less; a wrong unit is better found here.
const LEAST_QUERY_MEMORY: u64 = 1_000_000;

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 200,
            statement_timeout: Some(Duration::from_secs(10 * 60)),
            query_memory: 512_000_000,
            total_memory: 2_000_000_000,
            max_calls: 1000,
            body_bytes: 512_000_000,
            idle_session_timeout: None,
            idle_in_transaction_session_timeout: None,
            authentication_timeout: Duration::from_secs(60),
        }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Cache { dir: None, max_bytes: None, memory: 256_000_000 }
    }
}

pub(super) fn limits(mut section: Section<'_>) -> Limits {
    let default = Limits::default();
    let count = |item: &Item<'_>| item.count(1..=1_000_000);
    let timeout = |item: &Item<'_>| item.duration_or_off(TIMEOUT);
    let query_memory = or(&mut section, "query_memory", default.query_memory, |item| item.size(LEAST_QUERY_MEMORY));
    let total_memory_item = section.get("total_memory");
    let total_memory = match &total_memory_item {
        Some(item) => item.size(LEAST_QUERY_MEMORY).unwrap_or(u64::MAX),
        // Who raises the one alone must not meet the other's default.
        None => default.total_memory.max(query_memory),
    };
    if let Some(item) = total_memory_item.filter(|_| total_memory < query_memory) {
        item.fault("must be at least query_memory");
    }
    let limits = Limits {
        connections: or(&mut section, "connections", default.connections, count),
        statement_timeout: or(&mut section, "statement_timeout", default.statement_timeout, timeout),
        query_memory,
        total_memory,
        max_calls: or(&mut section, "max_calls", default.max_calls, count),
        body_bytes: or(&mut section, "body_bytes", default.body_bytes, |item| item.size(1)),
        idle_session_timeout: or(&mut section, "idle_session_timeout", None, timeout),
        idle_in_transaction_session_timeout: or(&mut section, "idle_in_transaction_session_timeout", None, timeout),
        authentication_timeout: or(&mut section, "authentication_timeout", default.authentication_timeout, |item| {
            item.duration(TIMEOUT)
        }),
    };
    section.finish();
    limits
}

pub(super) fn cache(mut section: Section<'_>) -> Cache {
    let default = Cache::default();
    let dir = section.get("dir").and_then(|item| item.path_buf());
    let max_bytes_item = section.get("max_bytes");
    if let Some(item) = max_bytes_item.as_ref().filter(|_| dir.is_none()) {
        item.fault_hint("bounds the files of a directory, and there is no dir", "set dir, or memory instead");
    }
    let max_bytes = max_bytes_item.and_then(|item| item.size_or_off()).flatten();
    let memory_item = section.get("memory");
    let memory = memory_item.as_ref().map_or(Some(default.memory), |item| item.size(0)).unwrap_or(default.memory);
    if let (Some(item), 0, true) = (&memory_item, memory, dir.is_some()) {
        item.fault_hint("lets nothing be held, and dir is set", "take dir out, or give it some memory");
    }
    section.finish();
    Cache { dir, max_bytes, memory }
}

pub(super) fn metrics(mut section: Section<'_>, clients: &[Listen]) -> Option<Metrics> {
    let item = section.need("listen");
    section.finish();
    let item = item?;
    let listen = listen(item.text()?, &item)?;
    if listen.port != 0 && clients.contains(&listen) {
        item.fault(format!("{listen} is taken by listen"));
    }
    Some(Metrics { listen })
}

/// Reads `listen`: one address or several.
pub(super) fn listens(root: &mut Section<'_>) -> Vec<Listen> {
    let Some(item) = root.get("listen") else {
        return vec![Listen { host: "127.0.0.1".to_owned(), port: 5433 }];
    };
    let mut listens: Vec<Listen> = Vec::new();
    for (text, item) in item.texts().unwrap_or_default() {
        match listen(&text, &item) {
            // Port 0 is a free one, each time another.
            Some(listen) if listen.port != 0 && listens.contains(&listen) => item.fault("is listed twice"),
            Some(listen) => listens.push(listen),
            None => {}
        }
    }
    listens
}

/// Warns where the login is safe (SCRAM) but rows may cross a network in the clear.
pub(super) fn warn_open(listens: &[Listen], tls: Option<&Tls>, root: &mut Section<'_>) {
    let is_open = listens.iter().any(|listen| !listen.is_loopback()) && !tls.is_some_and(|tls| tls.required);
    // The default address is this machine's, so an open one stands in the file.
    if let Some(item) = root.get("listen").filter(|_| is_open) {
        item.warn("rows may cross the network unencrypted; set tls, with required = true");
    }
}
