//! The reader of what stands behind an item: keys, subscripts, filters and methods.

use crate::error::{Error, Result};
use crate::function::jsonpath::ast::{Expression, Method, Step};
use crate::function::jsonpath::lexer::Token;
use crate::function::jsonpath::parser::Parser;
use crate::function::numeric::Numeric;

impl Parser {
    pub(super) fn steps(&mut self) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        loop {
            if self.symbol(".") {
                steps.push(self.member()?);
            } else if self.symbol("[") {
                steps.push(self.elements()?);
            } else if self.symbol("?") {
                self.expect("(")?;
                self.filters += 1;
                // LAST of the array around is not seen within.
                let subscripts = std::mem::take(&mut self.subscripts);
                let predicate = self.predicate()?;
                self.subscripts = subscripts;
                self.filters -= 1;
                self.expect(")")?;
                steps.push(Step::Filter(predicate));
            } else {
                return Ok(steps);
            }
        }
    }

    /// What stands behind a point.
    fn member(&mut self) -> Result<Step> {
        match self.peek().clone() {
            Token::Symbol("*") => {
                self.at += 1;
                Ok(Step::AnyKey)
            }
            Token::Symbol("**") => {
                self.at += 1;
                self.levels()
            }
            Token::Quoted(key) => {
                self.at += 1;
                Ok(Step::Key(key))
            }
            Token::Word(word) => {
                self.at += 1;
                if !matches!(self.peek(), Token::Symbol("(")) {
                    return Ok(Step::Key(word));
                }
                let method = match word.to_ascii_lowercase().as_str() {
                    "abs" => Method::Abs,
                    "ceiling" => Method::Ceiling,
                    "floor" => Method::Floor,
                    "double" => Method::Double,
                    "size" => Method::Size,
                    "type" => Method::Type,
                    "keyvalue" => Method::KeyValue,
                    "datetime" => return Err(Error::unsupported("the jsonpath item method .datetime()")),
                    _ => return Err(self.fault()),
                };
                self.at += 1;
                self.expect(")")?;
                Ok(Step::Method(method))
            }
            _ => Err(self.fault()),
        }
    }

    fn levels(&mut self) -> Result<Step> {
        if !self.symbol("{") {
            return Ok(Step::Descend { first: 0, last: u32::MAX });
        }
        let first = self.level()?;
        let last = if self.word("to") { self.level()? } else { first };
        self.expect("}")?;
        Ok(Step::Descend { first, last })
    }

    fn level(&mut self) -> Result<u32> {
        if self.word("last") {
            return Ok(u32::MAX);
        }
        let Token::Integer(digits) = self.peek() else { return Err(self.fault()) };
        let level = i64::from(Numeric::parse(digits)?.to_i32()?);
        self.at += 1;
        Ok(u32::try_from(level).unwrap_or(u32::MAX))
    }

    /// What stands in brackets.
    fn elements(&mut self) -> Result<Step> {
        if self.symbol("*") {
            self.expect("]")?;
            return Ok(Step::AnyElement);
        }
        let mut places = Vec::new();
        self.subscripts += 1;
        loop {
            let from = self.place()?;
            let to = if self.word("to") { Some(self.place()?) } else { None };
            places.push((from, to));
            if !self.symbol(",") {
                break;
            }
        }
        self.subscripts -= 1;
        self.expect("]")?;
        Ok(Step::Elements(places))
    }

    fn place(&mut self) -> Result<Expression> {
        let parsed = self.any()?;
        self.as_expression(parsed)
    }
}
