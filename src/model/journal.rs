//! The recent scans of one user, those that run among them: what `spanwire.scans` shows.
//!
//! Bounded in scans and in what is kept of each, so it holds no more after a year than after a day. It holds ledgers and
//! no statements, and no ledger holds a journal, so nothing keeps itself alive.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::model::statement::{Ledger, lock};

/// Scans that are remembered.
pub const MAX_SCANS: usize = 1_000;
/// Scans, the newest, of which all requests are remembered.
const WHOLE_SCANS: usize = 50;

/// The recent scans of one user.
#[derive(Debug, Default)]
pub struct Journal {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    last_scan: i64,
    last_statement: i64,
}

/// One scan.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number among the user's scans, from 1.
    pub id: i64,
    /// The number of its statement among those of the user that have scanned something, from 1.
    pub statement_id: i64,
    /// What it has done.
    pub ledger: Arc<Ledger>,
}

impl Journal {
    /// The number of a statement that scans something.
    pub fn next_statement(&self) -> i64 {
        let mut state = lock(&self.state);
        state.last_statement += 1;
        state.last_statement
    }

    /// Remembers a scan, and forgets the oldest one if there are too many.
    pub fn push(&self, statement_id: i64, ledger: &Arc<Ledger>) {
        let mut state = lock(&self.state);
        state.last_scan += 1;
        let id = state.last_scan;
        state.entries.push_back(Entry { id, statement_id, ledger: Arc::clone(ledger) });
        if state.entries.len() > MAX_SCANS {
            state.entries.pop_front();
        }
        let old = state.entries.len().checked_sub(WHOLE_SCANS + 1).and_then(|at| state.entries.get(at));
        if let Some(old) = old {
            old.ledger.shorten();
        }
    }

    /// The scans, newest last.
    pub fn entries(&self) -> Vec<Entry> {
        lock(&self.state).entries.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::statement::{End, Statement};
    use crate::model::table::TABLE;

    fn statement(journal: &Arc<Journal>) -> Statement {
        Statement::new("alice", None, 10).recorded(journal)
    }

    #[test]
    fn scans_are_numbered_under_their_statement_and_seen_while_they_run() {
        let journal = Arc::new(Journal::default());
        let (first, idle, second) = (statement(&journal), statement(&journal), statement(&journal));
        first.open("a", &TABLE);
        second.open("b", &TABLE).end(End::Complete);
        first.open("c", &TABLE);
        drop(idle);
        let entries = journal.entries();
        let shown = entries.iter().map(|entry| (entry.id, entry.statement_id, entry.ledger.source.as_str()));
        assert_eq!(shown.collect::<Vec<_>>(), [(1, 1, "a"), (2, 2, "b"), (3, 1, "c")]);
        assert_eq!(entries.iter().map(|entry| entry.ledger.ended()).next(), Some(End::Open));
    }

    #[test]
    fn the_oldest_scans_are_forgotten_and_the_requests_of_old_ones_shortened() {
        let journal = Arc::new(Journal::default());
        for _ in 0..MAX_SCANS + 5 {
            let ledger = statement(&journal).open("a", &TABLE);
            (0..100).for_each(|page| ledger.request(format!("GET /rows?page={page:0>100}")));
        }
        let entries = journal.entries();
        assert_eq!((entries.len(), entries[0].id), (MAX_SCANS, 6));
        let n_requests: Vec<usize> = entries.iter().map(|entry| entry.ledger.requests().len()).collect();
        assert!(n_requests[..MAX_SCANS - WHOLE_SCANS].iter().all(|&n| n > 0 && n < 100), "{n_requests:?}");
        assert!(n_requests[MAX_SCANS - WHOLE_SCANS..].iter().all(|&n| n == 100), "{n_requests:?}");
        // A long scan that goes on grows no more, but still counts.
        let old = &entries[0].ledger;
        old.request("GET /more".to_owned());
        assert_eq!(old.requests().len(), n_requests[0]);
        assert_eq!(old.calls.load(std::sync::atomic::Ordering::Relaxed), 101);
    }

    #[test]
    fn a_finished_statement_is_freed() {
        let journal = Arc::new(Journal::default());
        let ledger = Arc::downgrade(&statement(&journal).open("a", &TABLE));
        assert_eq!(ledger.strong_count(), 1, "only the journal holds it");
        drop(journal);
        assert_eq!(ledger.strong_count(), 0);
    }
}
