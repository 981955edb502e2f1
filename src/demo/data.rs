//! The data set: rows by index, nothing held in memory.
//!
//! Index 0 is the newest row. Instants never rise with the index, so a time window is a range of indexes.

use std::ops::Range;

use super::Options;
use super::findings::{self, PER_FLAGGED, PER_TRACE};
use super::requests::{self, Figures};
use super::rhythm::{self, Rhythm};
use super::rows::{Anomaly, Request, Security, Trace};

/// The rows that a demo upstream with some [`Options`] serves.
#[derive(Clone, Debug)]
pub struct Data {
    seed: u64,
    rows: u64,
    rhythm: Rhythm,
    anomalies: Vec<Anomaly>,
}

/// An export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Requests,
    Traces,
    Anomalies,
    Security,
}

impl Data {
    /// The data of these options: `rows`, `seed`, `now` and `tie` count.
    pub fn new(options: &Options) -> Data {
        let rhythm = Rhythm::new(options.seed, options.rows, options.tie, options.now);
        let anomalies = findings::anomalies(options.seed, rhythm.instant(0));
        Data { seed: options.seed, rows: options.rows, rhythm, anomalies }
    }

    /// The request at an index below `options.rows`.
    pub fn request(&self, index: u64) -> Request {
        requests::request(self.seed, index, self.instant(Table::Requests, index))
    }

    /// The trace at an index below a quarter of the rows, rounded up.
    pub fn trace(&self, index: u64) -> Trace {
        findings::trace(self.seed, index, self.rows, self.instant(Table::Traces, index))
    }

    /// The security row at an index below a fiftieth of the rows, rounded down.
    pub fn flagged(&self, index: u64) -> Security {
        let request = findings::flagged(self.seed, index);
        findings::security(self.seed, index, request, self.instant(Table::Security, index))
    }

    /// All requests, newest first.
    pub fn requests(&self) -> impl Iterator<Item = Request> + '_ {
        (0..self.count(Table::Requests)).map(|index| self.request(index))
    }

    /// All traces, newest first.
    pub fn traces(&self) -> impl Iterator<Item = Trace> + '_ {
        (0..self.count(Table::Traces)).map(|index| self.trace(index))
    }

    /// All anomalies, by deviation, largest first.
    pub fn anomalies(&self) -> impl Iterator<Item = &Anomaly> + '_ {
        self.anomalies.iter()
    }

    /// All security rows, newest first.
    pub fn security(&self) -> impl Iterator<Item = Security> + '_ {
        (0..self.count(Table::Security)).map(|index| self.flagged(index))
    }

    pub(super) fn anomaly(&self, index: u64) -> &Anomaly {
        &self.anomalies[index as usize]
    }

    pub(super) fn figures(&self, index: u64) -> Figures {
        Figures::of(self.seed, index)
    }

    pub(super) fn count(&self, table: Table) -> u64 {
        match table {
            Table::Requests => self.rows,
            Table::Traces => self.rows.div_ceil(PER_TRACE),
            Table::Anomalies => self.anomalies.len() as u64,
            Table::Security => self.rows / PER_FLAGGED,
        }
    }

    /// What `created_at` is, or `detected_at`, in microseconds since 1970.
    pub(super) fn instant(&self, table: Table, index: u64) -> i64 {
        match table {
            Table::Requests => self.rhythm.instant(index),
            Table::Traces => {
                let at_ms = self.instant_ms(table, index);
                at_ms * 1000 + findings::trace_micros(self.seed, at_ms)
            }
            Table::Anomalies => self.anomaly(index).detected_at,
            Table::Security => self.rhythm.instant(findings::flagged(self.seed, index)),
        }
    }

    /// The same instant cut to milliseconds.
    fn instant_ms(&self, table: Table, index: u64) -> i64 {
        match table {
            Table::Requests => self.rhythm.instant_ms(index),
            Table::Traces => self.rhythm.instant_ms(findings::trace_anchor(index) * PER_TRACE),
            Table::Anomalies => self.instant(table, index).div_euclid(1000),
            Table::Security => self.rhythm.instant_ms(findings::flagged(self.seed, index)),
        }
    }

    /// The indexes of the rows whose millisecond lies in `from_ms..=to_ms`. Not for anomalies, which have another order.
    pub(super) fn window(&self, table: Table, from_ms: i64, to_ms: i64) -> Range<u64> {
        debug_assert!(table != Table::Anomalies, "anomalies are not in the order of time");
        rhythm::window(self.count(table), from_ms, to_ms, |index| self.instant_ms(table, index))
    }
}
