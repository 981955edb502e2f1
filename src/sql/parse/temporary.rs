//! Temporary tables: CREATE TEMPORARY TABLE, with or without AS, SELECT INTO TEMPORARY, INSERT and DROP TABLE.

use datafusion::sql::sqlparser::ast::{DataType, ObjectName, Query, SelectInto, SetExpr};

use super::cursor::Parser;
use super::lexer::Tok;
use super::utility::Utility;
use crate::error::{Error, Result};

/// CREATE TEMPORARY TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    /// The table's name.
    pub name: String,
    /// A table that there is stays as it is.
    pub if_not_exists: bool,
    /// The columns, or where they come from.
    pub contents: Contents,
    /// What becomes of it at the end of a transaction.
    pub on_commit: OnCommit,
    /// How the statement is named in CommandComplete.
    pub verb: CreateVerb,
}

/// Which statement it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateVerb {
    /// CREATE TABLE.
    Create,
    /// CREATE TABLE AS and SELECT INTO, which tell how many rows there are.
    Select,
}

/// What a table is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Contents {
    /// Columns without rows.
    Columns(Vec<Definition>),
    /// The rows of a query.
    Query {
        /// Other names for its first columns.
        names: Vec<String>,
        /// The query.
        query: Box<Query>,
        /// WITH DATA.
        with_data: bool,
    },
}

/// A column of CREATE TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// NOT NULL.
    pub not_null: bool,
}

/// ON COMMIT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCommit {
    /// The rows stay.
    #[default]
    Preserve,
    /// The rows go.
    Delete,
    /// The table goes.
    Drop,
}

/// INSERT.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    /// The table.
    pub table: ObjectName,
    /// The columns, if they are listed.
    pub columns: Option<Vec<String>>,
    /// The rows; none is DEFAULT VALUES.
    pub query: Option<Box<Query>>,
}

/// DROP TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct Drop {
    /// The tables.
    pub tables: Vec<ObjectName>,
    /// Those that are not there are passed over.
    pub if_exists: bool,
}

impl Parser<'_> {
    /// Whether CREATE of a temporary table stands here.
    fn at_temporary(&self) -> bool {
        let is_temporary = |at| self.is_ahead(at, "temporary") || self.is_ahead(at, "temp");
        let skipped = usize::from(self.is("local") || self.is("global"));
        is_temporary(skipped) && self.is_ahead(skipped + 1, "table")
    }

    /// CREATE TEMPORARY TABLE, behind CREATE; `None` for any other CREATE.
    pub(super) fn create_temporary(&mut self) -> Result<Option<Utility>> {
        if !self.at_temporary() {
            return Ok(None);
        }
        while !self.accept("table") {
            self.advance();
        }
        let if_not_exists = self.accept("if");
        if if_not_exists {
            self.expect("not")?;
            self.expect("exists")?;
        }
        let name = self.temporary_name()?;
        let (names, definitions) = self.columns()?;
        let on_commit = self.on_commit()?;
        let (contents, verb) = if self.accept("as") {
            if !definitions.is_empty() {
                self.back();
                return Err(self.unexpected());
            }
            let query = Box::new(self.query()?);
            let with_data = self.with_data()?;
            (Contents::Query { names, query, with_data }, CreateVerb::Select)
        } else {
            if !names.is_empty() {
                return Err(self.unexpected());
            }
            (Contents::Columns(definitions), CreateVerb::Create)
        };
        Ok(Some(Utility::Create(Box::new(Create { name, if_not_exists, contents, on_commit, verb }))))
    }

    /// `pg_temp.name` or `name`.
    fn temporary_name(&mut self) -> Result<String> {
        let position = self.position();
        let name = self.qualified_name()?;
        let parts: Vec<&str> = name.0.iter().filter_map(|part| part.as_ident()).map(|own| own.value.as_str()).collect();
        match parts.as_slice() {
            [name] | ["pg_temp", name] => Ok((*name).to_owned()),
            _ => {
                let message = "cannot create temporary relation in non-temporary schema";
                Err(Error::new(crate::error::Kind::InvalidTableDefinition, message).position(position))
            }
        }
    }

    /// Names alone, or columns with their types.
    fn columns(&mut self) -> Result<(Vec<String>, Vec<Definition>)> {
        let (mut names, mut definitions) = (Vec::new(), Vec::new());
        if !self.accept_mark("(") {
            return Ok((names, definitions));
        }
        if self.accept_mark(")") {
            return Ok((names, definitions));
        }
        loop {
            if self.is_any(&["primary", "unique", "check", "foreign", "constraint", "exclude", "like"]) {
                return Err(Error::unsupported("a constraint of a temporary table"));
            }
            let name = self.column_name()?.value;
            if self.is_mark(",") || self.is_mark(")") {
                names.push(name);
            } else {
                let data_type = self.type_name()?;
                let not_null = self.column_constraints()?;
                definitions.push(Definition { name, data_type, not_null });
            }
            if !self.accept_mark(",") {
                break;
            }
        }
        self.expect_mark(")")?;
        if !names.is_empty() && !definitions.is_empty() {
            self.back();
            return Err(self.unexpected());
        }
        Ok((names, definitions))
    }

    /// NULL and NOT NULL; nothing else can be kept.
    fn column_constraints(&mut self) -> Result<bool> {
        let mut not_null = false;
        loop {
            if self.accept("not") {
                self.expect("null")?;
                not_null = true;
            } else if self.accept("null") {
                not_null = false;
            } else if self.is("default") && self.is_ahead(1, "null") {
                self.advance();
                self.advance();
            } else if self.is_any(&["default", "primary", "unique", "check", "references", "generated", "constraint"]) {
                return Err(Error::unsupported("a default or constraint of a temporary table"));
            } else {
                return Ok(not_null);
            }
        }
    }

    fn on_commit(&mut self) -> Result<OnCommit> {
        if self.accept("without") {
            self.label()?;
        }
        if !self.accept("on") {
            return Ok(OnCommit::Preserve);
        }
        self.expect("commit")?;
        if self.accept("drop") {
            return Ok(OnCommit::Drop);
        }
        let how = if self.accept("delete") {
            OnCommit::Delete
        } else {
            self.expect("preserve")?;
            OnCommit::Preserve
        };
        self.expect("rows")?;
        Ok(how)
    }

    fn with_data(&mut self) -> Result<bool> {
        if !self.accept("with") {
            return Ok(true);
        }
        let with_data = !self.accept("no");
        self.expect("data")?;
        Ok(with_data)
    }

    /// INSERT, behind the word; `None` for what is more than rows for a table.
    pub(super) fn insert(&mut self) -> Result<Option<Utility>> {
        self.expect("into")?;
        let table = self.qualified_name()?;
        let starts_query = |parser: &Self| parser.is_any(&["select", "values", "with", "table"]);
        let mut columns = None;
        if self.is_mark("(") {
            self.advance();
            let is_query = starts_query(self) || self.is_mark("(");
            self.back();
            if !is_query {
                columns = Some(self.name_list()?.into_iter().map(|name| name.value).collect());
            }
        }
        let query = if self.is("default") && self.is_ahead(1, "values") {
            self.advance();
            self.advance();
            None
        } else if starts_query(self) || self.is_mark("(") {
            Some(Box::new(self.query()?))
        } else {
            return Ok(None);
        };
        let ends = matches!(self.tok(), Tok::End | Tok::Mark(";"));
        Ok(ends.then(|| Utility::Insert(Box::new(Insert { table, columns, query }))))
    }

    /// DROP TABLE, behind DROP; `None` for any other DROP.
    pub(super) fn drop_table(&mut self) -> Result<Option<Utility>> {
        if !self.accept("table") {
            return Ok(None);
        }
        let if_exists = self.accept("if");
        if if_exists {
            self.expect("exists")?;
        }
        let tables = self.list(Self::qualified_name)?;
        if !self.accept("cascade") {
            self.accept("restrict");
        }
        Ok(Some(Utility::Drop(Drop { tables, if_exists })))
    }
}

/// A query with INTO TEMPORARY as CREATE TEMPORARY TABLE AS; `None` without.
pub fn select_into(query: &Query) -> Option<Create> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let SelectInto { temporary: true, name, .. } = select.into.as_ref()? else { return None };
    let name = name.0.last()?.as_ident()?.value.clone();
    let mut query = query.clone();
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.into = None;
    }
    let contents = Contents::Query { names: Vec::new(), query: Box::new(query), with_data: true };
    Some(Create { name, if_not_exists: false, contents, on_commit: OnCommit::Preserve, verb: CreateVerb::Select })
}
