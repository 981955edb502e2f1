//! Moving through the lexemes of one statement.

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectName, Value, ValueWithSpan};
use datafusion::sql::sqlparser::tokenizer::Span;

use super::MAX_NESTING;
use super::keyword::{Category, Keyword};
use super::lexer::{Lexeme, Tok};
use super::literal::Form;
use super::too_complex;
use crate::error::{Error, Kind, Result};

/// The reader of one statement; its list ends with a semicolon or the end of the text.
pub(super) struct Parser<'a> {
    text: &'a str,
    list: &'a [Lexeme],
    at: usize,
    depth: usize,
    /// Within an item of a select list, where a key word may be a label instead of an operator.
    pub(super) labels: bool,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, list: &'a [Lexeme]) -> Self {
        Parser { text, list, at: 0, depth: 0, labels: false }
    }

    /// Runs something one level deeper.
    pub(super) fn nested<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_NESTING {
            return Err(too_complex());
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    /// Runs something that is no item of a select list.
    pub(super) fn unlabelled<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = std::mem::replace(&mut self.labels, false);
        let result = run(self);
        self.labels = before;
        result
    }

    pub(super) fn lexeme(&self) -> &'a Lexeme {
        &self.list[self.at.min(self.list.len() - 1)]
    }

    pub(super) fn tok(&self) -> &'a Tok {
        &self.lexeme().tok
    }

    /// The lexeme so many places on.
    pub(super) fn ahead(&self, places: usize) -> &'a Tok {
        &self.list[(self.at + places).min(self.list.len() - 1)].tok
    }

    pub(super) fn lexeme_ahead(&self, places: usize) -> &'a Lexeme {
        &self.list[(self.at + places).min(self.list.len() - 1)]
    }

    pub(super) fn span(&self) -> Span {
        self.lexeme().span
    }

    /// The character of the current lexeme, from 1.
    pub(super) fn position(&self) -> usize {
        self.lexeme().offset + 1
    }

    /// The text of the current lexeme as written.
    pub(super) fn written(&self) -> &'a str {
        self.text.get(self.lexeme().start..self.lexeme().end).unwrap_or_default()
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    pub(super) fn back(&mut self) {
        self.at = self.at.saturating_sub(1);
    }

    /// A syntax error at the current lexeme.
    pub(super) fn unexpected(&self) -> Error {
        self.fault("syntax error")
    }

    /// An error in PostgreSQL's words for the place where its parser stopped.
    pub(super) fn fault(&self, message: &str) -> Error {
        let message = match self.tok() {
            Tok::End => format!("{message} at end of input"),
            _ => format!("{message} at or near \"{}\"", self.written()),
        };
        Error::new(Kind::Syntax, message).position(self.position())
    }

    /// An error of the grammar with words of its own.
    pub(super) fn refuse(message: impl Into<String>, position: usize) -> Error {
        Error::new(Kind::Syntax, message).position(position)
    }

    pub(super) fn is(&self, word: &str) -> bool {
        is_key(self.tok(), word)
    }

    pub(super) fn is_ahead(&self, places: usize, word: &str) -> bool {
        is_key(self.ahead(places), word)
    }

    pub(super) fn is_any(&self, words: &[&str]) -> bool {
        matches!(self.tok(), Tok::Key(key) if words.contains(&key.word))
    }

    pub(super) fn is_mark(&self, mark: &str) -> bool {
        is_mark(self.tok(), mark)
    }

    pub(super) fn is_op(&self, op: &str) -> bool {
        matches!(self.tok(), Tok::Op(text) if text == op)
    }

    pub(super) fn accept(&mut self, word: &str) -> bool {
        let found = self.is(word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn accept_mark(&mut self, mark: &str) -> bool {
        let found = self.is_mark(mark);
        self.at += usize::from(found);
        found
    }

    pub(super) fn accept_op(&mut self, op: &str) -> bool {
        let found = self.is_op(op);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, word: &str) -> Result<()> {
        if self.accept(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn expect_mark(&mut self, mark: &str) -> Result<()> {
        if self.accept_mark(mark) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Reads one or more of something between commas.
    pub(super) fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut list = vec![one(self)?];
        while self.accept_mark(",") {
            list.push(one(self)?);
        }
        Ok(list)
    }

    fn name_of(&mut self, allowed: impl Fn(&Keyword) -> bool) -> Result<Ident> {
        let span = self.span();
        let ident = match self.tok() {
            Tok::Name { value, quoted } => Ident { value: value.clone(), quote_style: quoted.then_some('"'), span },
            Tok::Key(key) if allowed(key) => Ident { value: key.word.to_owned(), quote_style: None, span },
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(ident)
    }

    /// The name of a column or table.
    pub(super) fn column_name(&mut self) -> Result<Ident> {
        self.name_of(|key| matches!(key.category, Category::Unreserved | Category::ColumnName))
    }

    /// The name of a function or type.
    pub(super) fn function_name(&mut self) -> Result<Ident> {
        self.name_of(|key| matches!(key.category, Category::Unreserved | Category::FunctionOrType))
    }

    /// A name behind AS or a point.
    pub(super) fn label(&mut self) -> Result<Ident> {
        self.name_of(|_| true)
    }

    /// Whether a name of a column or table stands here.
    pub(super) fn at_column_name(&self) -> bool {
        match self.tok() {
            Tok::Name { .. } => true,
            Tok::Key(key) => matches!(key.category, Category::Unreserved | Category::ColumnName),
            _ => false,
        }
    }

    /// Whether a label without AS stands here.
    pub(super) fn at_bare_label(&self) -> bool {
        match self.tok() {
            Tok::Name { .. } => true,
            Tok::Key(key) => key.bare_label,
            _ => false,
        }
    }

    /// A name with points.
    pub(super) fn qualified_name(&mut self) -> Result<ObjectName> {
        let mut names = vec![self.column_name()?];
        while self.accept_mark(".") {
            names.push(self.label()?);
        }
        Ok(ObjectName::from(names))
    }

    /// Names in parentheses.
    pub(super) fn name_list(&mut self) -> Result<Vec<Ident>> {
        self.expect_mark("(")?;
        let names = self.list(Self::column_name)?;
        self.expect_mark(")")?;
        Ok(names)
    }

    /// The integer constant that stands here, if one does.
    pub(super) fn integer(&mut self) -> Result<u64> {
        let value = match self.tok() {
            Tok::Number { integer: true } => self.written().parse().ok(),
            _ => None,
        };
        self.advance();
        value.ok_or_else(|| {
            self.at -= 1;
            self.unexpected()
        })
    }

    /// An integer in parentheses, if an opening one stands here.
    pub(super) fn optional_length(&mut self) -> Result<Option<u64>> {
        if !self.accept_mark("(") {
            return Ok(None);
        }
        let length = self.integer()?;
        self.expect_mark(")")?;
        Ok(Some(length))
    }

    /// Whether a string constant stands here that may follow the name of a type.
    pub(super) fn at_text(&self) -> bool {
        is_text(self.tok())
    }

    /// The string constant that stands here.
    pub(super) fn text(&mut self) -> Result<ValueWithSpan> {
        if !self.at_text() {
            return Err(self.unexpected());
        }
        self.constant()
    }

    /// The constant that stands here: a number, a string or a parameter.
    pub(super) fn constant(&mut self) -> Result<ValueWithSpan> {
        use datafusion::sql::sqlparser::ast::DollarQuotedString;
        let value = match self.tok() {
            Tok::Number { .. } => Value::Number(self.written().to_owned(), false),
            Tok::Parameter => Value::Placeholder(self.written().to_owned()),
            Tok::Text { value, form } => {
                let value = value.clone();
                match form {
                    Form::Plain => Value::SingleQuotedString(value),
                    Form::Escaped => Value::EscapedStringLiteral(value),
                    Form::Unicode => Value::UnicodeStringLiteral(value),
                    Form::Dollar(tag) => Value::DollarQuotedString(DollarQuotedString { value, tag: tag.clone() }),
                    Form::Bits => Value::SingleQuotedByteStringLiteral(value),
                    Form::Hex => Value::HexStringLiteral(value),
                    Form::National => Value::NationalStringLiteral(value),
                }
            }
            _ => return Err(self.unexpected()),
        };
        let span = self.span();
        self.advance();
        Ok(ValueWithSpan { value, span })
    }

    /// A value of its own at the place of the last lexeme.
    pub(super) fn value(value: Value, span: Span) -> Expr {
        Expr::Value(ValueWithSpan { value, span })
    }
}

pub(super) fn is_key(tok: &Tok, word: &str) -> bool {
    matches!(tok, Tok::Key(key) if key.word == word)
}

pub(super) fn is_mark(tok: &Tok, mark: &str) -> bool {
    matches!(tok, Tok::Mark(text) if *text == mark)
}

pub(super) fn is_text(tok: &Tok) -> bool {
    matches!(tok, Tok::Text { form, .. } if !matches!(form, Form::Bits | Form::Hex | Form::National))
}

pub(super) fn no_token() -> AttachedToken {
    AttachedToken::empty()
}
