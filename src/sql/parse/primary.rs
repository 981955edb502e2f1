//! Operands: columns, constants, parentheses, CASE, ARRAY, rows.

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, Array, CaseWhen, Expr, FunctionArguments, Ident, ObjectName, Query, SetExpr, Subscript, TypedString,
    Value,
};

use super::cursor::{Parser, is_key, is_mark, no_token};
use super::keyword::Category;
use super::lexer::Tok;
use super::make::{call, function, private};
use super::operator::level;
use crate::error::{Error, Result};

/// What stands in parentheses.
#[derive(Debug)]
pub(super) enum Paren {
    /// A query.
    Query(Box<Query>),
    /// One expression.
    Expr(Box<Expr>),
    /// More than one, and what a place that wants one says of the first comma.
    Row { list: Vec<Expr>, comma: Box<Error> },
}

impl Parser<'_> {
    /// Whether a query starts so many lexemes on.
    pub(super) fn query_ahead(&self, places: usize) -> bool {
        match self.ahead(places) {
            Tok::Key(key) => match key.word {
                "select" | "table" | "with" => true,
                "values" => is_mark(self.ahead(places + 1), "("),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether behind all opening parentheses from here on a query starts.
    pub(super) fn leads_to_query(&self) -> bool {
        let mut places = 0;
        while is_mark(self.ahead(places), "(") {
            places += 1;
        }
        self.query_ahead(places)
    }

    /// Whether what stands here goes on with a query in parentheses.
    pub(super) fn continues_query(&self) -> bool {
        self.is_any(&["union", "intersect", "except", "order", "limit", "offset", "fetch", "for"])
    }

    /// Reads parentheses and what is in them.
    pub(super) fn parenthesised(&mut self) -> Result<Paren> {
        self.unlabelled(|parser| parser.nested(Self::within_parentheses))
    }

    fn within_parentheses(&mut self) -> Result<Paren> {
        self.expect_mark("(")?;
        if self.query_ahead(0) {
            let query = self.query()?;
            self.expect_mark(")")?;
            return Ok(Paren::Query(Box::new(query)));
        }
        let first = match self.is_mark("(") && self.leads_to_query() {
            false => self.expr()?,
            true => {
                let start = self.position();
                let left = match self.parenthesised()? {
                    Paren::Query(query) if self.is_mark(")") => {
                        self.advance();
                        return Ok(Paren::Query(query));
                    }
                    Paren::Query(query) if self.continues_query() => {
                        let query = self.query_from(SetExpr::Query(query))?;
                        self.expect_mark(")")?;
                        return Ok(Paren::Query(Box::new(query)));
                    }
                    other => {
                        let left = self.parenthesised_operand(other)?;
                        self.overlaps(left, start)?
                    }
                };
                self.climb(left, level::LOWEST, false)?
            }
        };
        let comma = Box::new(self.unexpected());
        let mut list = vec![first];
        while self.accept_mark(",") {
            list.push(self.expr()?);
        }
        self.expect_mark(")")?;
        match list.len() {
            1 => Ok(Paren::Expr(Box::new(list.remove(0)))),
            _ => Ok(Paren::Row { list, comma }),
        }
    }

    /// What was in parentheses as an operand.
    fn parenthesised_operand(&mut self, paren: Paren) -> Result<Expr> {
        match paren {
            Paren::Query(query) => self.indirection(Expr::Subquery(query)),
            Paren::Expr(expr) => self.indirection(Expr::Nested(expr)),
            Paren::Row { list, .. } => Ok(Expr::Tuple(list)),
        }
    }

    /// An operand.
    pub(super) fn primary(&mut self) -> Result<Expr> {
        match self.tok() {
            Tok::Number { .. } | Tok::Text { .. } => self.constant().map(Expr::Value),
            Tok::Parameter => {
                let value = self.constant()?;
                self.indirection(Expr::Value(value))
            }
            Tok::Mark("(") => {
                let start = self.position();
                let paren = self.parenthesised()?;
                let left = self.parenthesised_operand(paren)?;
                self.overlaps(left, start)
            }
            Tok::Name { .. } => self.named(),
            Tok::Key(key) => match key.category {
                Category::Reserved => self.reserved(key.word),
                _ => match self.special(key.word)? {
                    Some(expr) => Ok(expr),
                    None => self.named(),
                },
            },
            _ => Err(self.unexpected()),
        }
    }

    /// Row OVERLAPS row.
    pub(super) fn overlaps(&mut self, left: Expr, start: usize) -> Result<Expr> {
        let Expr::Tuple(mut all) = left else { return Ok(left) };
        if !self.is("overlaps") {
            return Ok(Expr::Tuple(all));
        }
        let wrong = |side: &str, position: usize| {
            Self::refuse(format!("wrong number of parameters on {side} side of OVERLAPS expression"), position)
        };
        self.advance();
        let position = self.position();
        let row = self.is("row") && is_mark(self.ahead(1), "(");
        if !row && !self.is_mark("(") {
            return Err(self.unexpected());
        }
        let right = match row {
            true => self.row()?,
            false => match self.parenthesised()? {
                Paren::Row { list, .. } => list,
                _ => return Err(self.unexpected()),
            },
        };
        if all.len() != 2 {
            return Err(wrong("left", start));
        }
        if right.len() != 2 {
            return Err(wrong("right", position));
        }
        all.extend(right);
        Ok(call(private("overlaps"), all))
    }

    /// ROW(…)
    pub(super) fn row(&mut self) -> Result<Vec<Expr>> {
        self.expect("row")?;
        self.expect_mark("(")?;
        let list = if self.is_mark(")") { Vec::new() } else { self.exprs()? };
        self.expect_mark(")")?;
        Ok(list)
    }

    /// An operand that starts with a reserved word.
    fn reserved(&mut self, word: &'static str) -> Result<Expr> {
        let span = self.span();
        let value = match word {
            "null" => Value::Null,
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            "case" => return self.case(),
            "array" => return self.array(),
            "cast" => return self.cast(),
            "unique" => {
                self.advance();
                return Err(if self.is_mark("(") { Error::unsupported("UNIQUE") } else { self.unexpected() });
            }
            "current_date" | "current_role" | "current_user" | "session_user" | "user" | "current_catalog" => {
                let name = ObjectName::from(vec![Ident { value: word.to_owned(), quote_style: None, span }]);
                self.advance();
                return Ok(Expr::Function(function(name, FunctionArguments::None)));
            }
            "current_time" | "current_timestamp" | "localtime" | "localtimestamp" => {
                let name = ObjectName::from(vec![Ident { value: word.to_owned(), quote_style: None, span }]);
                self.advance();
                if !self.accept_mark("(") {
                    return Ok(Expr::Function(function(name, FunctionArguments::None)));
                }
                let span = self.span();
                let digits = self.integer()?.to_string();
                self.expect_mark(")")?;
                return Ok(call(name, vec![Self::value(Value::Number(digits, false), span)]));
            }
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(Self::value(value, span))
    }

    fn case(&mut self) -> Result<Expr> {
        self.expect("case")?;
        let operand = if self.is("when") { None } else { Some(Box::new(self.expr()?)) };
        let mut conditions = Vec::new();
        while self.accept("when") {
            let condition = self.expr()?;
            self.expect("then")?;
            conditions.push(CaseWhen { condition, result: self.expr()? });
        }
        if conditions.is_empty() {
            return Err(self.unexpected());
        }
        let else_result = if self.accept("else") { Some(Box::new(self.expr()?)) } else { None };
        self.expect("end")?;
        Ok(Expr::Case { case_token: no_token(), end_token: no_token(), operand, conditions, else_result })
    }

    fn array(&mut self) -> Result<Expr> {
        let span = self.span();
        self.expect("array")?;
        if self.is_mark("[") {
            return self.array_items(true);
        }
        match self.leads_to_query() && self.is_mark("(") {
            true => match self.parenthesised()? {
                Paren::Query(query) => {
                    let name = Ident { value: "array".to_owned(), quote_style: None, span };
                    let args = FunctionArguments::Subquery(query);
                    Ok(Expr::Function(function(ObjectName::from(vec![name]), args)))
                }
                _ => Err(self.unexpected()),
            },
            false => {
                self.expect_mark("(")?;
                Err(self.unexpected())
            }
        }
    }

    /// `[…]`: expressions, or the same again within.
    fn array_items(&mut self, named: bool) -> Result<Expr> {
        self.nested(|parser| {
            parser.expect_mark("[")?;
            let elem = if parser.is_mark("]") {
                Vec::new()
            } else if parser.is_mark("[") {
                parser.list(|parser| parser.array_items(false))?
            } else {
                parser.exprs()?
            };
            parser.expect_mark("]")?;
            Ok(Expr::Array(Array { elem, named }))
        })
    }

    /// A column, a call, or a constant of a named type.
    pub(super) fn named(&mut self) -> Result<Expr> {
        let category = match self.tok() {
            Tok::Key(key) => key.category,
            _ => Category::Unreserved,
        };
        let mut names = vec![match category {
            Category::FunctionOrType => self.function_name()?,
            _ => self.column_name()?,
        }];
        let callable = |names: &[Ident]| category != Category::ColumnName || names.len() > 1;
        if category != Category::FunctionOrType {
            while self.is_mark(".") {
                self.advance();
                if self.is_op("*") {
                    let token = AttachedToken::empty();
                    self.advance();
                    self.no_indirection()?;
                    return Ok(Expr::QualifiedWildcard(ObjectName::from(names), token));
                }
                names.push(self.label()?);
            }
        }
        if callable(&names) {
            if self.is_mark("(") {
                return self.call(&names);
            }
            if self.at_text() {
                let data_type = self.data_type_named(&names, &[])?;
                let value = self.text()?;
                return Ok(Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false }));
            }
        }
        if category == Category::FunctionOrType {
            return Err(self.unexpected());
        }
        if !self.is_mark("[") {
            return Ok(match names.len() {
                1 => Expr::Identifier(names.remove(0)),
                _ => Expr::CompoundIdentifier(names),
            });
        }
        let mut names = names.into_iter();
        let root = names.next().map(Expr::Identifier).ok_or_else(|| Error::internal("a column without a name"))?;
        let chain = names.map(|name| AccessExpr::Dot(Expr::Identifier(name))).collect();
        self.access(root, chain)
    }

    /// `*` is the last of a row of points and subscripts.
    fn no_indirection(&mut self) -> Result<()> {
        if !self.is_mark(".") && !self.is_mark("[") {
            return Ok(());
        }
        // PostgreSQL finds out when it has read them all.
        self.access(Self::value(Value::Null, self.span()), Vec::new())?;
        Err(self.fault("improper use of \"*\""))
    }

    /// Points and subscripts behind an operand.
    fn indirection(&mut self, root: Expr) -> Result<Expr> {
        self.access(root, Vec::new())
    }

    fn access(&mut self, root: Expr, mut access_chain: Vec<AccessExpr>) -> Result<Expr> {
        loop {
            if self.accept_mark(".") {
                if self.accept_op("*") {
                    self.no_indirection()?;
                    access_chain.push(AccessExpr::Dot(Expr::Wildcard(no_token())));
                } else {
                    access_chain.push(AccessExpr::Dot(Expr::Identifier(self.label()?)));
                }
            } else if self.accept_mark("[") {
                access_chain.push(AccessExpr::Subscript(self.subscript()?));
            } else if access_chain.is_empty() {
                return Ok(root);
            } else {
                return Ok(Expr::CompoundFieldAccess { root: Box::new(root), access_chain });
            }
        }
    }

    fn subscript(&mut self) -> Result<Subscript> {
        let lower_bound = if self.is_mark(":") { None } else { Some(self.expr()?) };
        if self.accept_mark(":") {
            let upper_bound = if self.is_mark("]") { None } else { Some(self.expr()?) };
            self.expect_mark("]")?;
            return Ok(Subscript::Slice { lower_bound, upper_bound, stride: None });
        }
        self.expect_mark("]")?;
        lower_bound.map(|index| Subscript::Index { index }).ok_or_else(|| self.unexpected())
    }

    /// EXISTS of a query.
    pub(super) fn exists(&mut self) -> Result<Expr> {
        self.expect("exists")?;
        if !self.is_mark("(") || !self.leads_to_query() {
            self.expect_mark("(")?;
            return Err(self.unexpected());
        }
        match self.parenthesised()? {
            Paren::Query(subquery) => Ok(Expr::Exists { subquery, negated: false }),
            _ => Err(self.unexpected()),
        }
    }

    /// Whether a key word stands so many lexemes on and an opening parenthesis behind it.
    pub(super) fn is_call_of(&self, word: &str) -> bool {
        is_key(self.tok(), word) && is_mark(self.ahead(1), "(")
    }
}
