//! Rows that were read, in memory and on disk: what one statement has read of a table, the next need not ask for again.
//!
//! What is held of a table is a set of segments: all rows of a range of time that upstream gave for some filters, mostly
//! for none. Segments of the same filters do not overlap. Beside them stand *loose* rows: those of a table that does not
//! tell their time, and the first few of a table, which are enough where a statement wants so many and does not say which.
//!
//! Invariants: rows are found only under the credential that read them; what broke off or was cut is never kept as whole;
//! rows that may have changed since serve no longer than the session's `spanwire.max_staleness`; memory and disk stay
//! within their budgets.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

pub(super) use disk::KeyRecord;
pub use disk::{Disk, KeyedShelf, Record};
pub(super) use flight::Landing;
pub(super) use keep::{Claim, Kept};
pub(super) use keyed::{Found, Sought, is_lost};
pub(super) use plan::{Asks, Plan, Served, Stitch};

use body::Segment;
use columns::Columns;
use flight::Flight;
use held::Held;

use crate::error::Result;
use crate::model::filter::Value;
use crate::model::push::Filter;
use crate::model::scan::{Holding, Keys, Scan};
use crate::model::statement::lock;

mod body;
mod columns;
mod disk;
mod evict;
mod flight;
mod held;
mod insert;
mod keep;
mod keyed;
mod plan;

/// What one statement reads takes at most this part of the budget.
const SHARE: usize = 4;

/// Rows that were read, of all sources and credentials.
#[derive(Debug)]
pub(super) struct Cache {
    /// Bytes in memory.
    budget: usize,
    disk: Option<Arc<Disk>>,
    columns: Columns,
    state: Mutex<State>,
    /// Held by who changes segments; readers need only `state`.
    changes: Mutex<()>,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    tables: HashMap<Key, Table>,
    /// Bytes of rows that are in memory only.
    bytes: usize,
    /// What the last segment was worth that had to go.
    inflation: f64,
    /// Counts uses.
    clock: u64,
    /// Bytes on disk of rows that are held by key.
    keyed_bytes: u64,
    /// What is on disk of tables that there are not now, and the shelves of such, with their bytes.
    unused: Vec<Unused>,
    unused_shelves: Vec<(u64, u64)>,
}

/// A record on disk that no statement can use: of a source that is not configured, or of a table that has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unused {
    id: u64,
    file: Option<u64>,
    bytes: u64,
}

/// What is held of one table under one credential.
#[derive(Debug, Default)]
struct Table {
    shelves: Vec<Shelf>,
    loose: Option<Arc<Held>>,
    /// Rows by key, the number of their shelf on disk, and the keys that are being read.
    keyed: HashMap<String, keyed::Entry>,
    shelf: Option<u64>,
    reading: HashMap<String, tokio::sync::watch::Receiver<()>>,
    /// The fetches that run.
    flights: Vec<Arc<Flight>>,
    /// There were more rows than are held.
    too_large: Option<Instant>,
    /// With which filters it was asked for, and when last.
    asked: Vec<(Signature, Instant)>,
}

/// Segments that were read with the same filters, ascending.
#[derive(Debug)]
struct Shelf {
    signature: Signature,
    segments: Vec<Arc<Segment>>,
}

/// Whose rows, and of which table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    source: String,
    /// The source's vendor, address and settings: under another address the same name is another source.
    place: String,
    scope: String,
    table: String,
    /// What of the request decides about more than which rows come: switches, and what the source wants to be told.
    form: String,
}

/// The filters with which rows were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Signature {
    /// Ascending.
    filters: Vec<String>,
    /// One of them is enough.
    any: bool,
}

impl Cache {
    /// An empty one that holds at most so many bytes in memory.
    pub(super) fn new(budget: usize) -> Self {
        Cache {
            budget,
            disk: None,
            columns: Columns::new(budget),
            state: Mutex::default(),
            changes: Mutex::default(),
            next: AtomicU64::new(1),
        }
    }

    /// Whether it can hold anything.
    pub(super) fn is_on(&self) -> bool {
        self.budget > 0
    }

    /// The columns to read so that the rows serve what comes after: all, or those wanted and those wanted lately.
    pub(super) fn columns(&self, key: &Key, scan: &Scan) -> Vec<usize> {
        if !scan.table.narrows {
            return (0..scan.table.columns.len()).collect();
        }
        let state = lock(&self.state);
        let table = state.tables.get(key);
        let loose = table.and_then(|table| table.loose.as_ref()).map_or(&[][..], |held| &held.columns);
        let lately = table.iter().flat_map(|table| &table.shelves).filter_map(|shelf| shelf.segments.last());
        let lately = lately.flat_map(|segment| segment.columns.iter());
        let order = scan.order.as_ref().and_then(|order| scan.table.position(order.column));
        let own = scan.projection.iter().copied().chain(order).chain(scan.table.time_position());
        let mut columns: Vec<usize> = own.chain(loose.iter().chain(lately).copied()).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Keeps loose rows in place of those that were kept before, unless these are worth more.
    fn keep_loose(&self, key: Key, held: Held) {
        let mut state = lock(&self.state);
        let table = state.tables.entry(key).or_default();
        if let Some(before) = &table.loose
            && before.whole
            && !held.whole
            && held.columns.iter().all(|column| before.columns.contains(column))
        {
            return;
        }
        let added = held.bytes;
        let freed = table.loose.replace(Arc::new(held)).map_or(0, |before| before.bytes);
        state.bytes = state.bytes + added - freed;
        self.evict_memory(&mut state);
    }

    fn number(&self) -> u64 {
        match &self.disk {
            Some(disk) => disk.number(),
            None => self.next.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl Key {
    /// The key of the rows that a scan under this credential reads.
    pub(super) fn of(scan: &Scan, scope: &str) -> Self {
        let told: Vec<_> = scan.filters.iter().filter(|filter| is_told(scan, filter.parameter)).collect();
        let source = &scan.source;
        Key {
            source: source.name.clone(),
            place: format!("{} {} {:?}", source.connector.kind, source.base_url, source.settings),
            scope: scope.to_owned(),
            table: scan.table.name.to_owned(),
            form: format!("{:?} {told:?} {:?}", scan.switches, scan.echoes),
        }
    }
}

impl Signature {
    /// Of the filters that a scan sends.
    pub(super) fn of(scan: &Scan) -> Self {
        let own = scan.filters.iter().filter(|filter| !is_told(scan, filter.parameter));
        let mut filters: Vec<String> = own.map(text_of).collect();
        filters.sort_unstable();
        Signature { any: scan.any && filters.len() > 1, filters }
    }

    fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// Whether rows that were read with these filters hold all that a scan with its own wants. `rechecked`: what they hold
    /// beyond that is left out by others.
    fn serves(&self, scan: &Signature, rechecked: bool) -> bool {
        let weaker = || self.is_empty() || !self.any && !scan.any && self.is_part_of(scan);
        self == scan || rechecked && weaker()
    }

    fn is_part_of(&self, scan: &Signature) -> bool {
        self.filters.iter().all(|filter| scan.filters.binary_search(filter).is_ok())
    }

    /// Whether it was read with a filter, by its text.
    fn has(&self, filter: &Filter) -> bool {
        self.filters.binary_search(&text_of(filter)).is_ok()
    }
}

/// A filter as text; that of another one is another.
fn text_of(filter: &Filter) -> String {
    let Filter { parameter, key, op, values } = filter;
    let value = |value: &Value| match value {
        Value::Text(text) => format!("{text:?}"),
        other => format!("{other:?}"),
    };
    let values: Vec<String> = values.iter().map(value).collect();
    let key = key.as_ref().map(|key| format!(" {key:?}")).unwrap_or_default();
    format!("{parameter}{key} {op:?} {}", values.join(", "))
}

/// Whether a parameter names what every request for the table has to say, like the project that is meant.
fn is_told(scan: &Scan, parameter: &str) -> bool {
    scan.table.each.is_some_and(|each| each.parameter == parameter)
}

/// Whether all rows that a scan reads can be kept: all of its range that match its filters. Loose rows are read without.
pub(super) fn can_keep(scan: &Scan) -> bool {
    scan.order.is_none()
        && !scan.widened
        && matches!(scan.keys, Keys::NotNeeded)
        && (is_divisible(scan) || Signature::of(scan).is_empty())
}

/// Whether the rows of a scan are held by key, each key's with all columns.
pub(super) fn is_keyed(scan: &Scan) -> bool {
    scan.table.lookup.is_some() && !scan.table.narrows && !scan.widened && Signature::of(scan).is_empty()
}

/// Whether the rows of a scan are cut by their time.
fn is_divisible(scan: &Scan) -> bool {
    scan.table.has_own_time() && !scan.widened && matches!(scan.keys, Keys::NotNeeded)
}

impl Cache {
    /// What is held, each run of segments without a gap by itself, of the sources and scopes that are `shown`.
    pub(super) fn runs(&self, shown: impl Fn(&str, &str) -> bool) -> Vec<Holding> {
        let state = lock(&self.state);
        let mut runs: Vec<Holding> = Vec::new();
        for (key, table) in state.tables.iter().filter(|(key, _)| shown(&key.source, &key.scope)) {
            for shelf in &table.shelves {
                let first = runs.len();
                for segment in &shelf.segments {
                    let range = segment.extent.range;
                    let touches = runs[first..].last().is_some_and(|last| {
                        last.to.zip(range.from).is_some_and(|(to, from)| to.checked_add(1) == Some(from))
                    });
                    if !touches {
                        runs.push(run(key, &shelf.signature, segment));
                    }
                    if let Some(run) = runs.last_mut() {
                        add(run, segment);
                    }
                }
            }
        }
        for (key, known, memory, disk) in Cache::keyed_runs(&state) {
            if shown(&key.source, &key.scope) {
                runs.push(by_key(key, &known, memory, disk));
            }
        }
        drop(state);
        let place = |run: &Holding| (run.source.clone(), run.table.clone(), run.filters.clone(), run.from);
        runs.sort_by_key(place);
        runs
    }

    /// Bytes in memory.
    pub(super) fn memory(&self) -> usize {
        lock(&self.state).bytes + self.columns.bytes()
    }
}

fn run(key: &Key, signature: &Signature, first: &Segment) -> Holding {
    Holding {
        source: key.source.clone(),
        table: key.table.clone(),
        filters: signature.filters.clone(),
        keys: None,
        from: first.extent.range.from,
        to: None,
        read_at: first.extent.read_at,
        segments: 0,
        rows: 0,
        memory: 0,
        disk: 0,
        calls: 0.0,
    }
}

/// Rows that are held by key; each took a call. Of what time they are says when their first and last was.
fn by_key(key: &Key, known: &[&KeyRecord], memory: usize, disk: u64) -> Holding {
    let with_rows = || known.iter().filter(|known| known.rows > 0);
    Holding {
        source: key.source.clone(),
        table: key.table.clone(),
        filters: Vec::new(),
        keys: Some(known.len()),
        from: with_rows().map(|known| known.first).min(),
        to: with_rows().map(|known| known.last).max(),
        read_at: known.iter().map(|known| known.read_at).max().unwrap_or_default(),
        segments: 0,
        rows: known.iter().map(|known| usize::try_from(known.rows).unwrap_or(usize::MAX)).sum(),
        memory,
        disk,
        calls: known.len() as f64,
    }
}

fn add(run: &mut Holding, segment: &Segment) {
    run.to = segment.extent.range.to;
    run.read_at = run.read_at.max(segment.extent.read_at);
    run.segments += 1;
    run.rows += segment.n_rows;
    run.memory += segment.memory();
    run.disk += segment.disk();
    run.calls += segment.calls;
}

/// Numbers of the files that segments name.
fn disk_files(state: &State) -> std::collections::BTreeSet<u64> {
    let segments = state.tables.values().flat_map(|table| &table.shelves).flat_map(|shelf| &shelf.segments);
    segments.filter_map(|segment| segment.file().map(|file| file.id)).collect()
}

/// Drops a segment whose rows cannot be read: the next statement reads them anew.
impl Cache {
    fn lose(&self, lost: &Segment) {
        let _changes = lock(&self.changes);
        self.lose_locked(lost);
    }

    fn lose_locked(&self, lost: &Segment) {
        let mut state = lock(&self.state);
        for table in state.tables.values_mut() {
            for shelf in &mut table.shelves {
                shelf.segments.retain(|segment| segment.id != lost.id);
            }
        }
        drop(state);
        let file = lost.file().map_or(0, |file| file.id);
        tracing::error!(segment = lost.id, file, "held rows cannot be read: segment dropped");
        if let Some(disk) = &self.disk
            && let Err(error) = disk.commit(&[], &[lost.id])
        {
            tracing::error!(error = %error.message, "record of a damaged segment not dropped");
        }
    }

    /// Takes the result of reading a segment, which is dropped if it could not be read.
    fn read_of<T>(&self, segment: &Segment, result: Result<T>) -> Result<T> {
        if result.is_err() {
            self.lose(segment);
        }
        result
    }
}
