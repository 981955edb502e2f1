//! PostgreSQL 15's grammar of queries, read into sqlparser's syntax tree.
//!
//! sqlparser knows many dialects at once: it accepts what PostgreSQL refuses, refuses what PostgreSQL accepts and
//! groups some operators in another way. So queries are read here, by a reader that follows PostgreSQL's grammar: it
//! stops at the lexeme where PostgreSQL stops and says what PostgreSQL says. Only what is no query (COPY, and DML
//! within WITH, which are refused later) is left to sqlparser.
//!
//! # Names
//!
//! Unquoted names are folded to lower case, all names are cut to 63 bytes. A quoted name has a `quote_style`, and so
//! has an unquoted one with capitals outside ASCII, which PostgreSQL does not fold.
//!
//! # What the syntax tree does not say by itself
//!
//! As in PostgreSQL's own grammar:
//!
//! | SQL | tree |
//! |---|---|
//! | `a SIMILAR TO p [ESCAPE e]` | `a ~ pg_catalog.similar_to_escape(p[, e])`, with NOT `!~` |
//! | `a LIKE p ESCAPE 'c'` | `Expr::Like` with `escape_char` |
//! | `a LIKE p ESCAPE` anything else | `a LIKE pg_catalog.like_escape(p, e)` |
//! | `a [NOT] [I]LIKE ANY (…)` | `Expr::AnyOp` or `AllOp` of `~~`, `~~*`, `!~~`, `!~~*` |
//! | `a BETWEEN SYMMETRIC b AND c` | `(a BETWEEN b AND c OR a BETWEEN c AND b)`, with NOT by AND |
//! | `(a, b) OVERLAPS (c, d)` | `pg_catalog.overlaps(a, b, c, d)` |
//! | `COLLATION FOR (a)` | `pg_catalog.pg_collation_for(a)` |
//! | `SUBSTRING(a SIMILAR p ESCAPE e)` | `pg_catalog.substring(a, p, e)` |
//! | `TABLE t` | `SELECT * FROM t` |
//! | `FETCH FIRST n ROWS ONLY` | LIMIT; `Query::fetch` is WITH TIES alone |
//! | `LIMIT ALL` | no limit |
//! | `ORDER BY a USING <` | `ORDER BY a ASC`; `>` is DESC |
//! | sets within GROUPING SETS | one flat list of sets |
//!
//! Encodings of this module:
//!
//! | SQL | tree |
//! |---|---|
//! | `EXCLUDE TIES` of a frame | the last item of ORDER BY is the quoted name `exclude ties`; so for GROUP, CURRENT ROW |
//! | `f(VARIADIC a)` | the argument is `Expr::Prefixed` with the prefix `VARIADIC` |
//! | `ROW(…)`, `(a, b)` | `Expr::Tuple`; one in parentheses is `Expr::Nested` |
//! | `(e).*` outside a select list | `Expr::CompoundFieldAccess` ending in `Dot(Wildcard)` |
//! | an unknown operator before its operand | a call of `pg_catalog."prefix <op>"` |
//! | `OPERATOR(s.op)` | `BinaryOperator::PGCustomBinaryOperator`, the operator last |
//! | `ROWS FROM (f(), g())` | `TableFactor::TableFunction` of `pg_catalog.rows_from(f(), g())` |
//! | the same WITH ORDINALITY | `pg_catalog.rows_from_with_ordinality(…)` |
//! | `FROM current_date`, `FROM cast(…)` | `TableFactor::TableFunction` of the expression |
//! | `LATERAL f()` | `TableFactor::Function`; without LATERAL a `Table` with `args`, or `UNNEST` |
//! | `f() AS (a int)` | an alias with an empty name and typed columns |
//! | `JOIN … USING (a) AS x` | the last of the columns is `join_using_alias.x` |
//! | `GROUP BY DISTINCT` of sets | `GroupByWithModifier::GroupingSets` of the identifier `distinct` |
//! | `INTERVAL(3) '…'`, `… SECOND(3)` | `fractional_seconds_precision`, also without a field |
//! | `EXTRACT('x' FROM …)` | `DateTimeField::Custom` with the quote `'` |
//! | `B'…'` and `X'…'` | `Value::SingleQuotedByteStringLiteral` and `HexStringLiteral` |
//!
//! `coalesce`, `nullif`, `greatest`, `least`, `grouping`, `normalize`, `substr`, `ceil` and plain calls of `substring`
//! and `overlay` are `Expr::Function`. Named types that the tree has no variant for are `DataType::Custom`.
//!
//! Refused with 0A000: SEARCH, CYCLE, XML, TREAT, column definitions in
//! ROWS FROM.

mod call;
mod cursor;
mod expr;
mod fallback;
mod from;
mod function_table;
mod keyword;
mod lexer;
mod literal;
mod make;
mod operator;
mod primary;
mod query;
mod select;
mod special;
pub mod temporary;
mod types;
pub mod utility;
mod window;

pub use window::{EXCLUDE_CURRENT_ROW, EXCLUDE_GROUP, EXCLUDE_TIES};

#[cfg(test)]
mod tests;

use datafusion::sql::sqlparser::ast::{Expr, Parens, Query, SetExpr, Statement, Values};
use datafusion::sql::sqlparser::tokenizer::{Location, TokenWithSpan};

use self::cursor::{Parser, is_key, is_mark};
use self::lexer::{Lexeme, Tok};
use crate::error::{Error, Kind, Result};

/// Operators of one statement at the most. Each may be a level of the syntax tree, and a level takes stack.
const MAX_OPERATORS: usize = 5_000;
/// Expressions and queries within each other at the most; parentheses are two of them.
const MAX_NESTING: usize = 400;

/// Brackets within each other that any thread has the stack for.
const SHALLOW: usize = 20;
/// The stack for more.
const DEEP_STACK: usize = 64 << 20;

/// A text divided into lexemes.
#[derive(Debug)]
pub struct Script<'a> {
    text: &'a str,
    lexemes: Vec<Lexeme>,
}

/// One statement of a text, not read yet.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    text: &'a str,
    /// With the semicolon or the end of the text.
    lexemes: &'a [Lexeme],
}

impl<'a> Script<'a> {
    /// Divides a text.
    ///
    /// # Errors
    /// 42601 for what is no lexeme, and what PostgreSQL says of a wrong escape.
    pub fn new(text: &'a str) -> Result<Self> {
        Ok(Script { text, lexemes: lexer::scan(text)? })
    }

    /// Its statements, without the empty ones.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let text = self.text;
        let parts = self.lexemes.split_inclusive(|lexeme| ends(&lexeme.tok));
        parts.filter(|lexemes| lexemes.len() > 1).map(move |lexemes| Part { text, lexemes })
    }
}

impl Part<'_> {
    /// The highest `$n` in it.
    pub fn parameters_max(&self) -> usize {
        let number = |lexeme: &Lexeme| match lexeme.tok {
            Tok::Parameter => self.text.get(lexeme.start + 1..lexeme.end)?.parse().ok(),
            _ => None,
        };
        self.lexemes.iter().filter_map(number).max().unwrap_or(0)
    }

    /// Its lexemes as sqlparser has them, without the end.
    pub fn tokens(&self) -> Vec<TokenWithSpan> {
        self.lexemes
            .iter()
            .filter(|lexeme| !ends(&lexeme.tok))
            .map(|lexeme| fallback::token(self.text, lexeme))
            .collect()
    }

    /// Whether a query starts it; DML within it is not looked for.
    pub fn is_query(&self) -> bool {
        let Some(first) = self.lexemes.first() else { return false };
        is_mark(&first.tok, "(") || ["select", "values", "table", "with"].iter().any(|word| is_key(&first.tok, word))
    }

    /// DML stands in a WITH of it, or behind one.
    fn has_dml(&self) -> bool {
        let is_verb = |tok: &Tok| ["insert", "update", "delete", "merge"].iter().any(|word| is_key(tok, word));
        self.lexemes.iter().any(|lexeme| is_key(&lexeme.tok, "with"))
            && self
                .lexemes
                .windows(2)
                .any(|pair| (is_mark(&pair[0].tok, "(") || is_mark(&pair[0].tok, ")")) && is_verb(&pair[1].tok))
    }

    /// Reads it if it is COPY, PREPARE, EXECUTE or of a cursor.
    ///
    /// # Errors
    /// As of [`Part::statement`].
    pub fn utility(&self) -> Result<Option<utility::Utility>> {
        let is_one = |word: &str| self.lexemes.first().is_some_and(|first| is_key(&first.tok, word));
        if !utility::VERBS.iter().any(|word| is_one(word)) {
            return Ok(None);
        }
        self.deeply(|part| Parser::new(part.text, part.lexemes).utility())
    }

    /// Reads it.
    ///
    /// # Errors
    /// What PostgreSQL says of the first fault, mostly 42601, with its place in the text; 54001 for what is too deep.
    pub fn statement(&self) -> Result<Statement> {
        if self.is_query() && !self.has_dml() {
            return self.deeply(Part::query);
        }
        self.bounded()?;
        fallback::statement(self.text, self.tokens())
    }

    fn bounded(&self) -> Result<()> {
        match self.lexemes.iter().filter(|lexeme| is_operator(&lexeme.tok)).count() > MAX_OPERATORS {
            true => Err(too_complex()),
            false => Ok(()),
        }
    }

    /// Reads it with enough stack: what is deep takes more than a thread of the server may have left.
    fn deeply<T: Send>(&self, read: impl FnOnce(&Self) -> Result<T> + Send) -> Result<T> {
        self.bounded()?;
        if self.depth() <= SHALLOW {
            return read(self);
        }
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, || read(self));
            thread.map_err(|_| too_complex())?.join().unwrap_or_else(|_| Err(Error::internal("the parser failed")))
        })
    }

    fn query(&self) -> Result<Statement> {
        let mut parser = Parser::new(self.text, self.lexemes);
        let query = parser.query()?;
        match ends(parser.tok()) {
            true => Ok(Statement::Query(Box::new(query))),
            false => Err(parser.unexpected()),
        }
    }

    /// How deep it may go: brackets within each other, and operators in a row.
    fn depth(&self) -> usize {
        let (mut open, mut row, mut most) = (0_usize, 0_usize, 0_usize);
        for Lexeme { tok, .. } in self.lexemes {
            row = if matches!(tok, Tok::Op(_)) || is_key(tok, "not") { row + 1 } else { 0 };
            open = match tok {
                Tok::Mark("(" | "[") => open + 1,
                Tok::Mark(")" | "]") => open.saturating_sub(1),
                Tok::Key(key) if key.word == "case" => open + 1,
                Tok::Key(key) if key.word == "end" => open.saturating_sub(1),
                _ => open,
            };
            most = most.max(open + row);
        }
        // Joins nest where their conditions stand at the end.
        most.max(self.lexemes.iter().filter(|lexeme| is_key(&lexeme.tok, "join")).count())
    }
}

/// Reads all statements of a text.
///
/// # Errors
/// What PostgreSQL says of the first fault, mostly 42601, with its place in the text.
pub fn statements(text: &str) -> Result<Vec<Statement>> {
    Script::new(text)?.parts().map(|part| part.statement()).collect()
}

/// Reads the statement that starts at a place of a text and goes on to the next semicolon.
///
/// # Errors
/// As of [`statements`].
pub fn statement_at(text: &str, start: Location) -> Result<Statement> {
    let script = Script::new(text)?;
    let from = script.lexemes.iter().position(|lexeme| lexeme.span.start == start);
    let rest = script.lexemes.get(from.unwrap_or(script.lexemes.len() - 1)..).unwrap_or_default();
    let length = rest.iter().position(|lexeme| ends(&lexeme.tok)).map_or(rest.len(), |end| end + 1);
    Part { text, lexemes: &rest[..length] }.statement()
}

/// A query of one row with these values.
pub fn row_of(values: Vec<Expr>) -> Query {
    let row = Parens { opening_token: cursor::no_token(), content: values, closing_token: cursor::no_token() };
    make::query(SetExpr::Values(Values { explicit_row: false, value_keyword: false, rows: vec![row] }))
}

/// An error at a token of sqlparser, or at the end of the text.
pub fn unexpected(text: &str, token: &TokenWithSpan) -> Error {
    fallback::unexpected(text, token)
}

fn ends(tok: &Tok) -> bool {
    matches!(tok, Tok::End | Tok::Mark(";"))
}

fn too_complex() -> Error {
    Error::new(Kind::StatementTooComplex, "stack depth limit exceeded")
        .detail(format!("A statement may have {MAX_OPERATORS} operators and {} levels of nesting.", MAX_NESTING / 2))
        .hint("Write long chains of OR as IN (…).")
}

/// What may be a level of the syntax tree.
fn is_operator(tok: &Tok) -> bool {
    match tok {
        Tok::Op(_) | Tok::Mark("[" | "::") => true,
        Tok::Key(key) => matches!(
            key.word,
            "and"
                | "or"
                | "not"
                | "union"
                | "intersect"
                | "except"
                | "is"
                | "isnull"
                | "notnull"
                | "like"
                | "ilike"
                | "in"
                | "between"
                | "similar"
                | "collate"
                | "at"
        ),
        _ => false,
    }
}
