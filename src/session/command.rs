//! A query string as statements, each classified by what it does. Queries are parsed by sqlparser; utility statements,
//! of which it knows only some and in forms of its own, are read from the tokens by [`crate::session::utility`].

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{self, CopyTarget, Statement};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, TokenizerError, Whitespace};

use crate::error::{Error, Kind, Result};
use crate::session::utility;
use crate::sql::place::offset;

pub use ast::Statement as Ast;

/// A statement of a query string.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// What it does.
    pub command: Command,
    /// Its syntax tree, if it is a query.
    pub statement: Option<Statement>,
    /// The whole query string, to which positions count.
    pub text: Arc<str>,
    /// The highest `$n` in it.
    pub parameters_max: usize,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// SELECT, VALUES, TABLE, WITH.
    Query,
    /// EXPLAIN of a query.
    Explain {
        /// Run it and tell what it cost.
        analyze: bool,
        /// The query.
        statement: Box<Statement>,
    },
    /// SET name = values; no values is DEFAULT.
    Set {
        /// The setting.
        name: String,
        /// The values, unquoted.
        values: Vec<String>,
        /// SET LOCAL.
        local: bool,
    },
    /// SET TRANSACTION, SET SESSION CHARACTERISTICS, and the modes of BEGIN.
    SetTransaction(Modes),
    /// SHOW name.
    Show(String),
    /// SHOW ALL.
    ShowAll,
    /// RESET name.
    Reset(String),
    /// RESET ALL.
    ResetAll,
    /// DISCARD.
    Discard(Discard),
    /// BEGIN, START TRANSACTION.
    Begin {
        /// Its modes.
        modes: Modes,
        /// BEGIN or START TRANSACTION.
        tag: &'static str,
    },
    /// COMMIT, END.
    Commit,
    /// ROLLBACK, ABORT.
    Rollback,
    /// SAVEPOINT.
    Savepoint(String),
    /// ROLLBACK TO.
    RollbackTo(String),
    /// RELEASE.
    Release(String),
    /// DEALLOCATE; none is ALL.
    Deallocate(Option<String>),
    /// LISTEN, UNLISTEN, NOTIFY, CLOSE ALL: nothing to do, with this tag.
    Nothing(&'static str),
    /// No statement.
    Empty,
    /// Something that writes, by its tag.
    Write {
        /// The command's tag.
        tag: String,
    },
    /// Something that PostgreSQL has and the gateway has not.
    Unsupported {
        /// Its name.
        what: String,
    },
    /// COPY to or from a file of the server.
    CopyFile,
}

/// What a transaction is asked to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// ISOLATION LEVEL, in lower case.
    pub isolation: Option<String>,
    /// READ WRITE was asked for.
    pub read_write: bool,
    /// For the session's later transactions instead of this one.
    pub of_session: bool,
}

/// What DISCARD throws away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// Everything.
    All,
    /// Plans, sequences or temporary tables, of which there are none.
    Part(&'static str),
}

/// Operators of one statement at the most. Each may be a level of the syntax tree, and a level takes stack.
const MAX_OPERATORS: usize = 5_000;
/// Parentheses and subqueries within each other at the most.
const MAX_NESTING: usize = 200;

fn too_complex() -> Error {
    Error::new(Kind::StatementTooComplex, "stack depth limit exceeded")
        .detail(format!("A statement may have {MAX_OPERATORS} operators and {MAX_NESTING} levels of nesting."))
        .hint("Write long chains of OR as IN (…).")
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(word.keyword, Keyword::AND | Keyword::OR | Keyword::UNION | Keyword::NOT),
        Token::LBracket => true,
        other => {
            !matches!(other, Token::Comma | Token::LParen | Token::RParen | Token::Period | Token::RBracket)
                && !matches!(other, Token::Number(..) | Token::SingleQuotedString(_) | Token::Placeholder(_))
        }
    }
}

/// Splits and classifies a query string.
///
/// # Errors
/// 42601 with the place of the fault.
pub fn parse(sql: &str) -> Result<Vec<Parsed>> {
    let dialect = PostgreSqlDialect {};
    let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location().map_err(|error| lexical(sql, &error))?;
    let text: Arc<str> = sql.into();
    let mut statements = Vec::new();
    for tokens in tokens.split(|token| token.token == Token::SemiColon) {
        let words: Vec<TokenWithSpan> = tokens.iter().filter(|token| !is_blank(&token.token)).cloned().collect();
        if !words.is_empty() {
            statements.push(one(&text, words)?);
        }
    }
    if statements.is_empty() {
        statements.push(Parsed { command: Command::Empty, statement: None, text, parameters_max: 0 });
    }
    Ok(statements)
}

fn one(sql: &Arc<str>, tokens: Vec<TokenWithSpan>) -> Result<Parsed> {
    if tokens.iter().filter(|token| is_operator(&token.token)).count() > MAX_OPERATORS {
        return Err(too_complex());
    }
    let parameters_max = tokens.iter().filter_map(|token| placeholder(&token.token)).max().unwrap_or(0);
    let made = |command, statement| Ok(Parsed { command, statement, text: Arc::clone(sql), parameters_max });
    if let Some(command) = utility::read(sql, &tokens)? {
        return made(command, None);
    }
    let statement = statement(sql, tokens)?;
    match classify(&statement) {
        Command::Query => made(Command::Query, Some(statement)),
        other => made(other, None),
    }
}

/// Parses the tokens of one statement.
///
/// # Errors
/// 42601 with the place of the fault.
pub(super) fn statement(sql: &str, tokens: Vec<TokenWithSpan>) -> Result<Statement> {
    let dialect = PostgreSqlDialect {};
    let last = tokens.last().cloned();
    let mut parser = Parser::new(&dialect).with_recursion_limit(MAX_NESTING).with_tokens_with_locations(tokens);
    let parsed = parser.parse_statement();
    let next = parser.peek_token();
    match parsed {
        Ok(statement) if next.token == Token::EOF => Ok(statement),
        Ok(_) => Err(syntax(sql, &next, None)),
        Err(ParserError::RecursionLimitExceeded) => Err(too_complex()),
        Err(ParserError::ParserError(message) | ParserError::TokenizerError(message)) => {
            let found = if next.token == Token::EOF { last.filter(|_| false) } else { Some(next) };
            let found = located(sql, &message).or(found.map(|token| (token.span.start, token.token.to_string())));
            Err(match found {
                Some((place, text)) => at(sql, place, &text, Some(&message)),
                None => Error::new(Kind::Syntax, "syntax error at end of input").position(sql.chars().count() + 1),
            })
        }
    }
}

/// sqlparser names what it found at the end of its message: `Expected: x, found: y at Line: 1, Column: 8`.
fn located(_sql: &str, message: &str) -> Option<(Location, String)> {
    let (before, place) = message.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    let column = column.split(|letter: char| !letter.is_ascii_digit()).next()?;
    let found = before.rsplit_once("found: ")?.1;
    Some((Location { line: line.parse().ok()?, column: column.parse().ok()? }, found.to_owned()))
}

pub(super) fn syntax(sql: &str, token: &TokenWithSpan, detail: Option<&str>) -> Error {
    if token.token == Token::EOF {
        return Error::new(Kind::Syntax, "syntax error at end of input").position(sql.chars().count() + 1);
    }
    at(sql, token.span.start, &token.token.to_string(), detail)
}

fn at(sql: &str, place: Location, text: &str, detail: Option<&str>) -> Error {
    if text == "EOF" {
        return Error::new(Kind::Syntax, "syntax error at end of input").position(sql.chars().count() + 1);
    }
    let error = Error::new(Kind::Syntax, format!("syntax error at or near \"{text}\""));
    let expected =
        detail.and_then(|detail| detail.split(", found").next()).and_then(|text| text.strip_prefix("Expected: "));
    let error = error.position(offset(sql, place) + 1);
    match expected {
        Some(expected) => error.detail(format!("Expected {expected}.")),
        None => error,
    }
}

fn lexical(sql: &str, error: &TokenizerError) -> Error {
    let at = offset(sql, error.location);
    let rest: String = sql.chars().skip(at).take(40).collect();
    let message = match error.message.as_str() {
        text if text.contains("Unterminated") && text.contains("comment") => "unterminated /* comment".to_owned(),
        text if text.contains("Unterminated dollar") => {
            format!("unterminated dollar-quoted string at or near \"{rest}\"")
        }
        text if text.contains("Unterminated") => format!("unterminated quoted string at or near \"{rest}\""),
        text if text.contains("Expected close delimiter") => {
            format!("unterminated quoted identifier at or near \"{rest}\"")
        }
        _ => format!("syntax error at or near \"{rest}\""),
    };
    Error::new(Kind::Syntax, message).position(at + 1)
}

fn is_blank(token: &Token) -> bool {
    matches!(
        token,
        Token::Whitespace(
            Whitespace::Space
                | Whitespace::Newline
                | Whitespace::Tab
                | Whitespace::SingleLineComment { .. }
                | Whitespace::MultiLineComment(_)
        )
    )
}

fn placeholder(token: &Token) -> Option<usize> {
    match token {
        Token::Placeholder(text) => text.strip_prefix('$')?.parse().ok(),
        _ => None,
    }
}

/// What a statement does that sqlparser has read.
pub(super) fn classify(statement: &Statement) -> Command {
    let write = |tag: &str| Command::Write { tag: tag.to_owned() };
    match statement {
        Statement::Query(query) => classify_query(query),
        Statement::Insert(_) => write("INSERT"),
        Statement::Update { .. } => write("UPDATE"),
        Statement::Delete(_) => write("DELETE"),
        Statement::Merge { .. } => write("MERGE"),
        Statement::Copy { target: CopyTarget::Stdin | CopyTarget::Stdout, to, .. } => match to {
            true => Command::Unsupported { what: "COPY TO STDOUT".to_owned() },
            false => write("COPY FROM"),
        },
        Statement::Copy { .. } => Command::CopyFile,
        other => {
            let text = other.to_string();
            let verb = text.split([' ', '(']).next().unwrap_or_default().to_uppercase();
            Command::Unsupported { what: format!("the command {verb}") }
        }
    }
}

fn classify_query(query: &ast::Query) -> Command {
    use ast::SetExpr;
    let body = |body: &SetExpr| match body {
        SetExpr::Insert(_) => Some("INSERT"),
        SetExpr::Update(_) => Some("UPDATE"),
        SetExpr::Delete(_) => Some("DELETE"),
        SetExpr::Merge(_) => Some("MERGE"),
        SetExpr::Select(select) if select.into.is_some() => Some("SELECT INTO"),
        _ => None,
    };
    let ctes = query.with.iter().flat_map(|with| &with.cte_tables).map(|cte| cte.query.body.as_ref());
    match std::iter::once(query.body.as_ref()).chain(ctes).find_map(body) {
        Some(tag) => Command::Write { tag: tag.to_owned() },
        None if !query.locks.is_empty() => Command::Write { tag: format!("SELECT {}", query.locks[0]) },
        None => Command::Query,
    }
}
