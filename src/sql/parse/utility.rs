//! Statements that are no query but hold one, or take expressions: COPY, cursors, PREPARE and EXECUTE.

use datafusion::sql::sqlparser::ast::{DataType, Expr, Ident, ObjectName, Query, SelectItem, SetExpr};

use super::cursor::Parser;
use super::lexer::Tok;
use super::make;
use super::temporary::{Create, Drop, Insert};
use crate::error::{Error, Kind, Result};

/// The words that they begin with.
pub(super) const VERBS: [&str; 10] =
    ["close", "copy", "create", "declare", "drop", "execute", "fetch", "insert", "move", "prepare"];

/// A statement around a query or expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum Utility {
    /// COPY … TO STDOUT.
    Copy(Copy),
    /// COPY … FROM.
    CopyFrom,
    /// COPY to or from a file or a program of the server.
    CopyFile,
    /// PREPARE.
    Prepare {
        /// The statement's name.
        name: String,
        /// The types of its parameters, as far as they are given.
        types: Vec<DataType>,
        /// What it does.
        query: Box<Query>,
    },
    /// EXECUTE.
    Execute {
        /// The statement's name.
        name: String,
        /// The parameters' values.
        args: Vec<Expr>,
    },
    /// DECLARE.
    Declare(Declare),
    /// FETCH and MOVE.
    Fetch(Fetch),
    /// CLOSE; none is ALL.
    Close(Option<String>),
    /// CREATE TEMPORARY TABLE.
    Create(Box<Create>),
    /// INSERT.
    Insert(Box<Insert>),
    /// DROP TABLE.
    Drop(Drop),
}

/// COPY … TO STDOUT.
#[derive(Clone, Debug, PartialEq)]
pub struct Copy {
    /// The rows.
    pub query: Box<Query>,
    /// The name of the table, if it is one that is copied and no query.
    pub table: Option<String>,
    /// The options as they are written, in order.
    pub options: Vec<CopyOption>,
}

/// One option of COPY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOption {
    /// Its name in lower case.
    pub name: String,
    /// What it is set to.
    pub value: CopyValue,
    /// Where it stands: a character of the text, from 1.
    pub position: usize,
}

/// What an option of COPY is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyValue {
    /// Nothing is said.
    Nothing,
    /// A word, a text or a number.
    Text(String),
    /// All columns.
    All,
    /// These columns.
    Names(Vec<String>),
}

/// DECLARE.
#[derive(Clone, Debug, PartialEq)]
pub struct Declare {
    /// The cursor's name.
    pub name: String,
    /// Its rows are in binary form.
    pub binary: bool,
    /// SCROLL or NO SCROLL, if one was said.
    pub scroll: Option<bool>,
    /// WITH HOLD.
    pub hold: bool,
    /// Its rows.
    pub query: Box<Query>,
}

/// FETCH or MOVE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The cursor's name.
    pub name: String,
    /// MOVE: only the cursor's place changes.
    pub moves: bool,
    /// Which rows.
    pub direction: Direction,
}

/// Which rows FETCH is after, as seen from the cursor's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// So many of the next rows, backward if negative; of 0 the row of the place.
    Forward(i64),
    /// So many of the rows before, forward if negative.
    Backward(i64),
    /// All of the next rows.
    ForwardAll,
    /// All of the rows before.
    BackwardAll,
    /// The row of a number from 1, or from the end if negative.
    Absolute(i64),
    /// The row so many rows on.
    Relative(i64),
}

impl Parser<'_> {
    /// Reads the statement if it is one of these.
    pub(super) fn utility(&mut self) -> Result<Option<Utility>> {
        let Tok::Key(key) = self.tok() else { return Ok(None) };
        let word = key.word;
        let read = match word {
            "copy" => Self::copy,
            "prepare" if !self.is_ahead(1, "transaction") => Self::prepare,
            "execute" => Self::execute,
            "declare" => Self::declare,
            "fetch" | "move" => Self::fetched,
            "close" => Self::close,
            "create" | "insert" | "drop" => return self.temporary(word),
            _ => return Ok(None),
        };
        self.advance();
        let statement = if word == "move" { self.moved()? } else { read(self)? };
        match self.tok() {
            Tok::End | Tok::Mark(";") => Ok(Some(statement)),
            _ => Err(self.unexpected()),
        }
    }

    fn temporary(&mut self, word: &str) -> Result<Option<Utility>> {
        self.advance();
        let read = match word {
            "create" => self.create_temporary()?,
            "insert" => self.insert()?,
            _ => self.drop_table()?,
        };
        match self.tok() {
            _ if read.is_none() => Ok(None),
            Tok::End | Tok::Mark(";") => Ok(read),
            _ => Err(self.unexpected()),
        }
    }

    fn name(&mut self) -> Result<String> {
        Ok(self.column_name()?.value)
    }

    fn prepare(&mut self) -> Result<Utility> {
        let name = self.name()?;
        let mut types = Vec::new();
        if self.accept_mark("(") {
            types = self.list(Self::type_name)?;
            self.expect_mark(")")?;
        }
        self.expect("as")?;
        self.preparable()?;
        Ok(Utility::Prepare { name, types, query: Box::new(self.query()?) })
    }

    /// Refuses what may stand where a query stands and writes.
    fn preparable(&self) -> Result<()> {
        match self.tok() {
            Tok::Key(key) if ["insert", "update", "delete", "merge"].contains(&key.word) => {
                let verb = key.word.to_uppercase();
                Err(Error::new(Kind::ReadOnly, format!("cannot execute {verb} in a read-only transaction")))
            }
            _ => Ok(()),
        }
    }

    fn execute(&mut self) -> Result<Utility> {
        let name = self.name()?;
        let mut args = Vec::new();
        if self.accept_mark("(") {
            args = self.list(Self::expr)?;
            self.expect_mark(")")?;
        }
        Ok(Utility::Execute { name, args })
    }

    fn declare(&mut self) -> Result<Utility> {
        let name = self.name()?;
        let (mut binary, mut scroll) = (false, None);
        loop {
            let position = self.position();
            let said = if self.accept("no") {
                self.expect("scroll")?;
                Some(false)
            } else if self.accept("scroll") {
                Some(true)
            } else if self.accept("binary") {
                binary = true;
                continue;
            } else if self.accept("insensitive") || self.accept("asensitive") {
                continue;
            } else {
                break;
            };
            if scroll.is_some() && scroll != said {
                let message = "cannot specify both SCROLL and NO SCROLL";
                return Err(Error::new(Kind::InvalidCursorDefinition, message).position(position));
            }
            scroll = said;
        }
        self.expect("cursor")?;
        let hold = if self.accept("with") {
            self.expect("hold")?;
            true
        } else if self.accept("without") {
            self.expect("hold")?;
            false
        } else {
            false
        };
        self.expect("for")?;
        let query = Box::new(self.query()?);
        Ok(Utility::Declare(Declare { name, binary, scroll, hold, query }))
    }

    fn fetched(&mut self) -> Result<Utility> {
        let (direction, name) = self.direction()?;
        Ok(Utility::Fetch(Fetch { name, moves: false, direction }))
    }

    fn moved(&mut self) -> Result<Utility> {
        let (direction, name) = self.direction()?;
        Ok(Utility::Fetch(Fetch { name, moves: true, direction }))
    }

    /// `[direction] [FROM | IN] name`. A word of a direction may also be the cursor's name.
    fn direction(&mut self) -> Result<(Direction, String)> {
        let ends = |tok: &Tok| matches!(tok, Tok::End | Tok::Mark(";"));
        if self.at_column_name() && ends(self.ahead(1)) {
            return Ok((Direction::Forward(1), self.name()?));
        }
        let direction = if self.accept("next") {
            Direction::Forward(1)
        } else if self.accept("prior") {
            Direction::Backward(1)
        } else if self.accept("first") {
            Direction::Absolute(1)
        } else if self.accept("last") {
            Direction::Absolute(-1)
        } else if self.accept("absolute") {
            Direction::Absolute(self.signed()?)
        } else if self.accept("relative") {
            Direction::Relative(self.signed()?)
        } else if self.accept("all") {
            Direction::ForwardAll
        } else if self.accept("forward") {
            self.many(Direction::ForwardAll, Direction::Forward)?
        } else if self.accept("backward") {
            self.many(Direction::BackwardAll, Direction::Backward)?
        } else if self.at_signed() {
            Direction::Forward(self.signed()?)
        } else {
            Direction::Forward(1)
        };
        if !self.accept("from") {
            self.accept("in");
        }
        Ok((direction, self.name()?))
    }

    /// ALL, a number, or one.
    fn many(&mut self, all: Direction, some: impl Fn(i64) -> Direction) -> Result<Direction> {
        if self.accept("all") {
            return Ok(all);
        }
        Ok(some(if self.at_signed() { self.signed()? } else { 1 }))
    }

    fn at_signed(&self) -> bool {
        self.is_op("-") || self.is_op("+") || matches!(self.tok(), Tok::Number { integer: true })
    }

    fn signed(&mut self) -> Result<i64> {
        let minus = self.accept_op("-");
        if !minus {
            self.accept_op("+");
        }
        let number = self.integer()?;
        // As PostgreSQL's grammar, which takes an integer constant of four bytes.
        let number = i32::try_from(number).map_err(|_| {
            self.back();
            self.unexpected()
        })?;
        Ok(i64::from(if minus { -number } else { number }))
    }

    fn close(&mut self) -> Result<Utility> {
        if self.accept("all") {
            return Ok(Utility::Close(None));
        }
        Ok(Utility::Close(Some(self.name()?)))
    }

    // --- COPY ---

    fn copy(&mut self) -> Result<Utility> {
        let position = self.position();
        if self.accept_mark("(") {
            self.preparable()?;
            let query = Box::new(self.query()?);
            self.expect_mark(")")?;
            self.expect("to")?;
            if !self.at_client()? {
                return Ok(Utility::CopyFile);
            }
            self.accept("with");
            return Ok(Utility::Copy(Copy { query, table: None, options: self.copy_options()? }));
        }
        let mut options = Vec::new();
        if self.accept("binary") {
            options.push(CopyOption { name: "format".to_owned(), value: text("binary"), position });
        }
        let table = self.qualified_name()?;
        let columns = if self.is_mark("(") { Some(self.name_list()?) } else { None };
        let to = if self.accept("from") {
            false
        } else {
            self.expect("to")?;
            true
        };
        if !self.at_client()? {
            return Ok(Utility::CopyFile);
        }
        let position = self.position();
        if self.accept("using") || self.is("delimiters") {
            self.expect("delimiters")?;
            let value = CopyValue::Text(self.copy_text()?);
            options.push(CopyOption { name: "delimiter".to_owned(), value, position });
        }
        self.accept("with");
        options.extend(self.copy_options()?);
        if !to {
            return Ok(Utility::CopyFrom);
        }
        let name = table.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone());
        Ok(Utility::Copy(Copy { query: Box::new(whole(table, columns)), table: name, options }))
    }

    /// STDOUT or STDIN, which mean the same here; false for a file or a program.
    fn at_client(&mut self) -> Result<bool> {
        if self.accept("stdout") || self.accept("stdin") {
            return Ok(true);
        }
        self.accept("program");
        self.copy_text()?;
        // What comes behind is of no interest any more.
        while !matches!(self.tok(), Tok::End | Tok::Mark(";")) {
            self.advance();
        }
        Ok(false)
    }

    fn copy_text(&mut self) -> Result<String> {
        match self.tok() {
            Tok::Text { value, .. } if self.at_text() => {
                self.advance();
                Ok(value.clone())
            }
            _ => Err(self.unexpected()),
        }
    }

    fn copy_options(&mut self) -> Result<Vec<CopyOption>> {
        if self.accept_mark("(") {
            let options = self.list(Self::generic_option)?;
            self.expect_mark(")")?;
            return Ok(options);
        }
        let mut options = Vec::new();
        while let Tok::Key(key) = self.tok() {
            let (position, word) = (self.position(), key.word);
            self.advance();
            let (name, value) = match word {
                "binary" | "csv" => ("format", text(word)),
                "freeze" | "header" => (word, CopyValue::Nothing),
                "delimiter" | "null" | "quote" | "escape" => {
                    self.accept("as");
                    (word, CopyValue::Text(self.copy_text()?))
                }
                "encoding" => (word, CopyValue::Text(self.copy_text()?)),
                "force" => self.force()?,
                _ => {
                    self.back();
                    return Err(self.unexpected());
                }
            };
            options.push(CopyOption { name: name.to_owned(), value, position });
        }
        Ok(options)
    }

    /// What stands behind FORCE in the older form of options.
    fn force(&mut self) -> Result<(&'static str, CopyValue)> {
        let name = if self.accept("quote") {
            if self.accept_op("*") {
                return Ok(("force_quote", CopyValue::All));
            }
            "force_quote"
        } else if self.accept("not") {
            self.expect("null")?;
            "force_not_null"
        } else {
            self.expect("null")?;
            "force_null"
        };
        let names = self.list(Self::column_name)?;
        Ok((name, CopyValue::Names(names.into_iter().map(|name| name.value).collect())))
    }

    fn generic_option(&mut self) -> Result<CopyOption> {
        let position = self.position();
        let name = self.label()?.value;
        let value = if self.is_mark(",") || self.is_mark(")") {
            CopyValue::Nothing
        } else if self.accept_op("*") {
            CopyValue::All
        } else if self.accept_mark("(") {
            let names = self.list(|parser| match parser.tok() {
                Tok::Text { .. } => parser.copy_text(),
                _ => Ok(parser.label()?.value),
            })?;
            self.expect_mark(")")?;
            CopyValue::Names(names)
        } else if self.at_text() {
            CopyValue::Text(self.copy_text()?)
        } else if matches!(self.tok(), Tok::Number { .. }) {
            let written = self.written().to_owned();
            self.advance();
            CopyValue::Text(written)
        } else {
            CopyValue::Text(self.label()?.value)
        };
        Ok(CopyOption { name, value, position })
    }
}

fn text(value: &str) -> CopyValue {
    CopyValue::Text(value.to_owned())
}

/// The rows of a table, or these columns of them.
fn whole(name: ObjectName, columns: Option<Vec<Ident>>) -> Query {
    let mut select = super::select::everything_of(super::from::table(name, None));
    if let Some(columns) = columns {
        select.projection = columns.into_iter().map(|name| SelectItem::UnnamedExpr(Expr::Identifier(name))).collect();
    }
    make::query(SetExpr::Select(Box::new(select)))
}
