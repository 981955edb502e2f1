//! The cursors of a session, from DECLARE to CLOSE or the end of their transaction.
//!
//! A cursor WITH HOLD is not filled at COMMIT: nothing that it reads is of a transaction, so it goes on reading as it is
//! fetched from.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use tokio::sync::Mutex;

use crate::error::{Error, Kind, Result};
use crate::model::statement::Statement;
use crate::session::prepared::Prepared;
use crate::sql::cursor::Cursor;
use crate::sql::parse::utility::Declare;

/// A cursor that was declared.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// The query.
    pub(super) prepared: Arc<Prepared>,
    /// The query's parameters.
    pub(super) parameters: Vec<ScalarValue>,
    /// The statement that its rows are read for; it lives as long as the cursor.
    pub(super) statement: Arc<Statement>,
    /// `None` until the first FETCH, which starts the query.
    pub(super) cursor: Option<Arc<Mutex<Cursor>>>,
    /// How it was declared.
    pub(super) declare: Arc<Declare>,
    /// The text with the DECLARE in it.
    pub(super) text: Arc<str>,
    /// How many savepoints there were in the open transaction when it was declared; `None` once that has ended well.
    level: Option<usize>,
}

/// The cursors of a session by name.
#[derive(Debug, Default)]
pub(super) struct Cursors {
    by_name: BTreeMap<String, Declared>,
}

impl Declared {
    pub(super) fn new(
        prepared: Arc<Prepared>,
        parameters: Vec<ScalarValue>,
        statement: Arc<Statement>,
        declare: Arc<Declare>,
        text: Arc<str>,
    ) -> Self {
        Declared { prepared, parameters, statement, cursor: None, declare, text, level: None }
    }
}

impl Cursors {
    /// The cursor of that name.
    ///
    /// # Errors
    /// 34000 if there is none.
    pub(super) fn get(&self, name: &str) -> Result<&Declared> {
        self.by_name.get(name).ok_or_else(|| missing(name))
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Result<&mut Declared> {
        self.by_name.get_mut(name).ok_or_else(|| missing(name))
    }

    /// Adds a cursor. `level` is the number of savepoints.
    ///
    /// # Errors
    /// 42P03 if the name is taken.
    pub(super) fn add(&mut self, declared: Declared, level: usize) -> Result<()> {
        let name = declared.declare.name.clone();
        if self.by_name.contains_key(&name) {
            return Err(Error::new(Kind::DuplicateCursor, format!("cursor \"{name}\" already exists")));
        }
        self.by_name.insert(name, Declared { level: Some(level), ..declared });
        Ok(())
    }

    /// Closes a cursor.
    ///
    /// # Errors
    /// 34000 if there is none of that name.
    pub(super) fn close(&mut self, name: &str) -> Result<()> {
        self.by_name.remove(name).map(|_| ()).ok_or_else(|| missing(name))
    }

    /// Closes all.
    pub(super) fn close_all(&mut self) {
        self.by_name.clear();
    }

    /// A transaction ends well: only what is held stays.
    pub(super) fn commit(&mut self) {
        self.by_name.retain(|_, own| own.declare.hold);
        self.by_name.values_mut().for_each(|own| own.level = None);
    }

    /// A transaction fails: what was declared in it goes.
    pub(super) fn rollback(&mut self) {
        self.by_name.retain(|_, own| own.level.is_none());
    }

    /// The savepoints from a number on are gone, and what came after them stays.
    pub(super) fn release(&mut self, level: usize) {
        self.by_name.values_mut().for_each(|own| own.level = own.level.map(|own| own.min(level)));
    }

    /// What was declared after a savepoint goes; `level` is the number of savepoints up to it, itself among them.
    pub(super) fn rollback_to(&mut self, level: usize) {
        self.by_name.retain(|_, own| own.level.is_none_or(|own| own < level));
    }

    /// All of them, by name.
    pub(super) fn all(&self) -> impl Iterator<Item = &Declared> {
        self.by_name.values()
    }
}

fn missing(name: &str) -> Error {
    Error::new(Kind::UndefinedCursor, format!("cursor \"{name}\" does not exist"))
}
