//! What is no query, read by sqlparser.

use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::lexer::{Lexeme, Tok};
use super::literal::Form;
use super::{MAX_NESTING, too_complex};
use crate::error::{Error, Kind, Result};
use crate::sql::place::offset;

/// A lexeme as sqlparser has it.
pub(super) fn token(text: &str, lexeme: &Lexeme) -> TokenWithSpan {
    let written = text.get(lexeme.start..lexeme.end).unwrap_or_default();
    let token = match &lexeme.tok {
        Tok::Name { value, .. } if written.starts_with(['"', 'U', 'u']) && written.ends_with('"') => {
            Token::make_word(value, Some('"'))
        }
        Tok::Name { .. } | Tok::Key(_) => Token::make_word(written, None),
        Tok::Number { .. } => Token::Number(written.to_owned(), false),
        Tok::Parameter => Token::Placeholder(written.to_owned()),
        Tok::Text { value, form } => match form {
            Form::Escaped => Token::EscapedStringLiteral(value.clone()),
            Form::Bits => Token::SingleQuotedByteStringLiteral(value.clone()),
            Form::Hex => Token::HexStringLiteral(value.clone()),
            _ => Token::SingleQuotedString(value.clone()),
        },
        Tok::Op(_) | Tok::Mark(_) | Tok::Other => Tokenizer::new(&PostgreSqlDialect {}, written)
            .tokenize()
            .ok()
            .and_then(|tokens| tokens.into_iter().next())
            .unwrap_or_else(|| Token::CustomBinaryOperator(written.to_owned())),
        Tok::End => Token::EOF,
    };
    TokenWithSpan { token, span: lexeme.span }
}

/// Parses the tokens of one statement.
pub(super) fn statement(text: &str, tokens: Vec<TokenWithSpan>) -> Result<Statement> {
    let dialect = PostgreSqlDialect {};
    let mut parser = Parser::new(&dialect).with_recursion_limit(MAX_NESTING / 2).with_tokens_with_locations(tokens);
    let parsed = parser.parse_statement();
    let next = parser.peek_token();
    match parsed {
        Ok(statement) if next.token == Token::EOF => Ok(statement),
        Ok(_) => Err(unexpected(text, &next)),
        Err(ParserError::RecursionLimitExceeded) => Err(too_complex()),
        Err(ParserError::ParserError(message) | ParserError::TokenizerError(message)) => Err(match located(&message) {
            Some((place, found)) => at(text, place, &found),
            None => unexpected(text, &next),
        }),
    }
}

/// sqlparser names what it found at the end of its message: `Expected: x, found: y at Line: 1, Column: 8`.
fn located(message: &str) -> Option<(Location, String)> {
    let (before, place) = message.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    let column = column.split(|letter: char| !letter.is_ascii_digit()).next()?;
    let found = before.rsplit_once("found: ")?.1;
    Some((Location { line: line.parse().ok()?, column: column.parse().ok()? }, found.to_owned()))
}

/// A syntax error at a token.
pub(super) fn unexpected(text: &str, token: &TokenWithSpan) -> Error {
    at(text, token.span.start, &token.token.to_string())
}

fn at(text: &str, place: Location, found: &str) -> Error {
    if found == "EOF" {
        return Error::new(Kind::Syntax, "syntax error at end of input").position(text.chars().count() + 1);
    }
    Error::new(Kind::Syntax, format!("syntax error at or near \"{found}\"")).position(offset(text, place) + 1)
}
