//! The transaction that every message is by itself: a text with its statements, or all up to Sync.

use crate::model::statement::Statement;
use crate::session::Session;

/// The transaction of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Implicit {
    /// When it began, in microseconds since 1970-01-01 UTC.
    pub(super) since: i64,
    /// A text of several statements, which is a block to what asks for one.
    is_script: bool,
}

impl Session {
    /// A message begins; within one nothing changes. Unless a block is open it is a transaction by itself, and what it
    /// has done is taken back if it fails.
    pub fn begin_message(&mut self) {
        if self.implicit.is_none() {
            self.implicit = Some(Implicit { since: Statement::now_micros(), is_script: false });
            if !self.in_transaction() {
                self.save();
            }
        }
    }

    /// The message is a text of several statements.
    pub fn is_script(&mut self) {
        if let Some(implicit) = &mut self.implicit {
            implicit.is_script = true;
        }
    }

    /// The message ends.
    pub fn end_message(&mut self, failed: bool) {
        if self.implicit.take().is_some() && !self.in_transaction() {
            self.settle(!failed);
        }
    }

    /// A block ends; the rest of the message is a transaction again.
    pub(super) fn end_block(&mut self, commits: bool) {
        self.settle(commits);
        // Plans may be of what the block did.
        self.forget_view();
        if self.implicit.is_some() {
            self.save();
        }
    }

    /// Whether a statement runs in a block, or in a text that is one.
    pub(super) fn in_block(&self) -> bool {
        self.in_transaction() || self.implicit.as_ref().is_some_and(|implicit| implicit.is_script)
    }

    /// BEGIN. Within a message what there was before that is kept already: PostgreSQL makes a block of all of it.
    pub(super) fn save_at_begin(&mut self) {
        if self.implicit.is_none() {
            self.save();
        }
    }

    fn save(&mut self) {
        self.vars.start_transaction();
        self.vars.begin("");
        self.temporary.begin();
    }

    fn settle(&mut self, commits: bool) {
        let changes = if commits {
            self.cursors.commit();
            [self.vars.commit(), self.temporary.commit()]
        } else {
            self.cursors.rollback();
            [self.vars.rollback(), self.temporary.rollback()]
        };
        if changes.contains(&true) {
            self.forget_view();
        }
    }
}
