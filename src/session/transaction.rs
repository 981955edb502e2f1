//! The transaction block of a session. Nothing is ever written, so it only keeps the state that clients look at.

use crate::error::{Error, Kind, Result};
use crate::session::command::Command;

/// What ReadyForQuery tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Outside a block.
    #[default]
    Idle,
    /// In a block.
    InTransaction,
    /// In a block that has failed.
    Failed,
}

/// The block and its savepoints.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    status: Status,
    /// When the block was opened, in microseconds since 1970-01-01 UTC.
    since: Option<i64>,
    savepoints: Vec<String>,
}

impl Transaction {
    /// The state for ReadyForQuery.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Opens a block at a moment, in microseconds since 1970-01-01 UTC. False if one was open, which is a warning only.
    pub fn begin(&mut self, now: i64) -> bool {
        let opened = self.status == Status::Idle;
        if opened {
            self.status = Status::InTransaction;
            self.since = Some(now);
        }
        opened
    }

    /// When the block was opened, in microseconds since 1970-01-01 UTC; `None` outside a block.
    pub fn since(&self) -> Option<i64> {
        self.since
    }

    /// Ends the block; the answer is the state that it had.
    pub fn end(&mut self) -> Status {
        self.savepoints.clear();
        self.since = None;
        std::mem::take(&mut self.status)
    }

    /// A statement failed.
    pub fn fail(&mut self) {
        if self.status == Status::InTransaction {
            self.status = Status::Failed;
        }
    }

    /// How many savepoints there are.
    pub fn level(&self) -> usize {
        self.savepoints.len()
    }

    /// Sets a savepoint.
    ///
    /// # Errors
    /// 25P01 outside a block.
    pub fn savepoint(&mut self, name: &str) -> Result<()> {
        self.in_block("SAVEPOINT")?;
        self.savepoints.push(name.to_owned());
        Ok(())
    }

    /// Forgets a savepoint and those after it.
    ///
    /// # Errors
    /// 25P01 outside a block, 3B001 without such a savepoint.
    pub fn release(&mut self, name: &str) -> Result<()> {
        self.in_block("RELEASE SAVEPOINT")?;
        let at = self.find(name)?;
        self.savepoints.truncate(at);
        Ok(())
    }

    /// Goes back to a savepoint, which also mends a failed block. The savepoint stays.
    ///
    /// # Errors
    /// 25P01 outside a block, 3B001 without such a savepoint.
    pub fn rollback_to(&mut self, name: &str) -> Result<()> {
        self.in_block("ROLLBACK TO SAVEPOINT")?;
        let at = self.find(name)?;
        self.savepoints.truncate(at + 1);
        self.status = Status::InTransaction;
        Ok(())
    }

    fn find(&self, name: &str) -> Result<usize> {
        let missing = || Error::new(Kind::UndefinedSavepoint, format!("savepoint \"{name}\" does not exist"));
        self.savepoints.iter().rposition(|own| own == name).ok_or_else(missing)
    }

    fn in_block(&self, what: &str) -> Result<()> {
        match self.status {
            Status::Idle => {
                let message = format!("{what} can only be used in transaction blocks");
                Err(Error::new(Kind::NoActiveTransaction, message))
            }
            _ => Ok(()),
        }
    }

    /// Whether a statement may run in this state.
    ///
    /// # Errors
    /// 25P02 for all but the ends of a failed block.
    pub fn check_allowed(&self, command: &Command) -> Result<()> {
        let ends = matches!(command, Command::Commit | Command::Rollback | Command::RollbackTo(_) | Command::Empty);
        if self.status == Status::Failed && !ends {
            let message = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(Error::new(Kind::InFailedTransaction, message));
        }
        Ok(())
    }
}
