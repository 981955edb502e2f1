//! Queries: WITH, set operations, ORDER BY, LIMIT and locks.

use datafusion::sql::sqlparser::ast::{
    Cte, CteAsMaterialized, Expr, Fetch, Ident, LimitClause, LockClause, LockType, NonBlock, Offset, OffsetRows,
    OrderBy, OrderByExpr, OrderByKind, OrderByOptions, Parens, Query, SetExpr, SetOperator, SetQuantifier, TableAlias,
    TableAliasColumnDef, Values, With,
};

use super::cursor::{Parser, is_key, is_mark, no_token};
use super::lexer::Tok;
use super::make;
use crate::error::{Error, Kind, Result};

/// What a query has behind its body.
#[derive(Debug, Default)]
struct Tail {
    order_by: Option<(OrderBy, usize)>,
    limit: Option<(Option<Expr>, usize)>,
    fetch: Option<Fetch>,
    offset: Option<(Offset, usize)>,
    locks: Vec<LockClause>,
}

impl Parser<'_> {
    /// A query that is a statement: it may stand in parentheses.
    pub(super) fn query(&mut self) -> Result<Query> {
        self.unlabelled(|parser| parser.nested(Self::query_with))
    }

    fn query_with(&mut self) -> Result<Query> {
        let (position, with) = (self.position(), self.with()?);
        let body = self.set_operations(0)?;
        let mut query = self.finish(body)?;
        if with.is_some() && inner(&query.body).is_some_and(|inner| inner.with.is_some()) {
            return Err(Self::refuse("multiple WITH clauses not allowed", position));
        }
        query.with = with;
        Ok(query)
    }

    /// Goes on with a query of which the first member is read.
    pub(super) fn query_from(&mut self, left: SetExpr) -> Result<Query> {
        let body = self.set_operations_from(left, 0)?;
        self.finish(body)
    }

    fn set_operations(&mut self, least: u8) -> Result<SetExpr> {
        let left = self.nested(Self::member)?;
        self.set_operations_from(left, least)
    }

    fn set_operations_from(&mut self, mut left: SetExpr, least: u8) -> Result<SetExpr> {
        loop {
            let (op, level) = match self.tok() {
                Tok::Key(key) if key.word == "union" => (SetOperator::Union, 1),
                Tok::Key(key) if key.word == "except" => (SetOperator::Except, 1),
                Tok::Key(key) if key.word == "intersect" => (SetOperator::Intersect, 2),
                _ => return Ok(left),
            };
            if level < least {
                return Ok(left);
            }
            self.advance();
            let set_quantifier = if self.accept("all") {
                SetQuantifier::All
            } else if self.accept("distinct") {
                SetQuantifier::Distinct
            } else {
                SetQuantifier::None
            };
            let right = Box::new(self.set_operations(level + 1)?);
            left = SetExpr::SetOperation { left: Box::new(left), op, set_quantifier, right };
        }
    }

    fn member(&mut self) -> Result<SetExpr> {
        match self.tok() {
            Tok::Mark("(") => {
                self.advance();
                let query = self.query()?;
                self.expect_mark(")")?;
                Ok(SetExpr::Query(Box::new(query)))
            }
            Tok::Key(key) if key.word == "select" => Ok(SetExpr::Select(Box::new(self.select()?))),
            Tok::Key(key) if key.word == "values" => self.values(),
            Tok::Key(key) if key.word == "table" => {
                self.advance();
                let relation = self.relation()?;
                Ok(SetExpr::Select(Box::new(super::select::everything_of(relation))))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn values(&mut self) -> Result<SetExpr> {
        self.expect("values")?;
        let rows = self.list(|parser| {
            parser.expect_mark("(")?;
            let content = parser.exprs()?;
            parser.expect_mark(")")?;
            Ok(Parens { opening_token: no_token(), content, closing_token: no_token() })
        })?;
        Ok(SetExpr::Values(Values { explicit_row: false, value_keyword: false, rows }))
    }

    fn with(&mut self) -> Result<Option<With>> {
        if !self.accept("with") {
            return Ok(None);
        }
        let is_name = is_key(self.ahead(1), "as") || is_mark(self.ahead(1), "(");
        let recursive = self.is("recursive") && !is_name;
        if recursive {
            self.advance();
        }
        let cte_tables = self.list(Self::cte)?;
        Ok(Some(With { with_token: no_token(), recursive, cte_tables }))
    }

    fn cte(&mut self) -> Result<Cte> {
        let name = self.column_name()?;
        let columns = if self.is_mark("(") { self.name_list()? } else { Vec::new() };
        self.expect("as")?;
        let materialized = if self.accept("materialized") {
            Some(CteAsMaterialized::Materialized)
        } else if self.accept("not") {
            self.expect("materialized")?;
            Some(CteAsMaterialized::NotMaterialized)
        } else {
            None
        };
        self.expect_mark("(")?;
        let query = Box::new(self.query()?);
        self.expect_mark(")")?;
        if self.is("search") && (self.is_ahead(1, "depth") || self.is_ahead(1, "breadth")) {
            return Err(Error::unsupported("SEARCH"));
        }
        if self.is("cycle") {
            return Err(Error::unsupported("CYCLE"));
        }
        let columns = columns.into_iter().map(|name| TableAliasColumnDef { name, data_type: None }).collect();
        let alias = TableAlias { explicit: true, name, columns, at: None };
        Ok(Cte { alias, query, from: None, materialized, closing_paren_token: no_token() })
    }

    /// Reads what stands behind the body of a query.
    fn finish(&mut self, body: SetExpr) -> Result<Query> {
        let mut tail = Tail::default();
        let mut start = self.position();
        let by = self.lexeme_ahead(2).offset + 1;
        if let Some(list) = self.order_by_list()? {
            start = by;
            tail.order_by = Some((OrderBy { kind: OrderByKind::Expressions(list), interpolate: None }, start));
        }
        self.locks(&mut tail)?;
        self.limits(&mut tail)?;
        if tail.locks.is_empty() {
            self.locks(&mut tail)?;
        }
        let ties = tail.fetch.is_some();
        let limited = tail.limit.is_some() || ties;
        if let Some(inner) = inner(&body) {
            let inner_limit = matches!(&inner.limit_clause, Some(LimitClause::LimitOffset { limit: Some(_), .. }))
                || inner.fetch.is_some();
            let inner_offset = matches!(&inner.limit_clause, Some(LimitClause::LimitOffset { offset: Some(_), .. }));
            let twice = |what: &str, position: usize| {
                Err(Self::refuse(format!("multiple {what} clauses not allowed"), position))
            };
            if let (Some(_), Some((_, position))) = (&inner.order_by, &tail.order_by) {
                return twice("ORDER BY", *position);
            }
            if let (true, Some((_, position))) = (inner_offset, &tail.offset) {
                return twice("OFFSET", *position);
            }
            if inner_limit && limited {
                return twice("LIMIT", tail.limit.as_ref().map_or(start, |(_, position)| *position));
            }
        }
        if ties && tail.order_by.is_none() && inner(&body).is_none_or(|inner| inner.order_by.is_none()) {
            return Err(Error::new(Kind::Syntax, "WITH TIES cannot be specified without ORDER BY clause"));
        }
        let (limit, offset) = (tail.limit.and_then(|(limit, _)| limit), tail.offset.map(|(offset, _)| offset));
        let limit_clause = (limit.is_some() || offset.is_some()).then_some(LimitClause::LimitOffset {
            limit,
            offset,
            limit_by: Vec::new(),
        });
        let order_by = tail.order_by.map(|(order_by, _)| order_by);
        Ok(Query { order_by, limit_clause, fetch: tail.fetch, locks: tail.locks, ..make::query(body) })
    }

    fn limits(&mut self, tail: &mut Tail) -> Result<()> {
        loop {
            let limited = tail.limit.is_some() || tail.fetch.is_some();
            if self.is("limit") && !limited {
                let start = self.position();
                self.advance();
                let position = self.position();
                let limit = if self.accept("all") { None } else { Some(self.expr()?) };
                if self.is_mark(",") {
                    self.advance();
                    self.expr()?;
                    return Err(Self::refuse("LIMIT #,# syntax is not supported", start)
                        .hint("Use separate LIMIT and OFFSET clauses."));
                }
                tail.limit = Some((limit, position));
            } else if self.is("fetch") && !limited {
                self.fetch(tail)?;
            } else if self.is("offset") && tail.offset.is_none() {
                self.advance();
                let position = self.position();
                let value = self.expr()?;
                let rows = if self.accept("row") {
                    OffsetRows::Row
                } else if self.accept("rows") {
                    OffsetRows::Rows
                } else {
                    OffsetRows::None
                };
                tail.offset = Some((Offset { value, rows }, position));
            } else {
                return Ok(());
            }
        }
    }

    /// FETCH FIRST … ONLY is LIMIT; with ties it stays what it is.
    fn fetch(&mut self, tail: &mut Tail) -> Result<()> {
        self.expect("fetch")?;
        if !self.accept("first") {
            self.expect("next")?;
        }
        let (position, span) = (self.position(), self.span());
        let quantity = match self.is("row") || self.is("rows") {
            true => Self::value(datafusion::sql::sqlparser::ast::Value::Number("1".to_owned(), false), span),
            false => self.fetch_count()?,
        };
        if !self.accept("row") {
            self.expect("rows")?;
        }
        if self.accept("only") {
            tail.limit = Some((Some(quantity), position));
            return Ok(());
        }
        self.expect("with")?;
        self.expect("ties")?;
        tail.fetch = Some(Fetch { with_ties: true, percent: false, quantity: Some(quantity) });
        Ok(())
    }

    fn locks(&mut self, tail: &mut Tail) -> Result<()> {
        while self.accept("for") {
            let lock_type = match self.tok() {
                Tok::Key(key) => key.word,
                _ => return Err(self.unexpected()),
            };
            self.advance();
            let lock_type = match lock_type {
                "update" => LockType::Update,
                "share" => LockType::Share,
                "no" => {
                    self.expect("key")?;
                    self.expect("update")?;
                    LockType::Update
                }
                "key" => {
                    self.expect("share")?;
                    LockType::Share
                }
                "read" => {
                    self.expect("only")?;
                    return Ok(());
                }
                _ => {
                    self.back();
                    return Err(self.unexpected());
                }
            };
            let of = if self.accept("of") { self.list(Self::qualified_name)?.into_iter().next() } else { None };
            let nonblock = if self.accept("nowait") {
                Some(NonBlock::Nowait)
            } else if self.accept("skip") {
                self.expect("locked")?;
                Some(NonBlock::SkipLocked)
            } else {
                None
            };
            tail.locks.push(LockClause { lock_type, of, nonblock });
        }
        Ok(())
    }

    /// One item of ORDER BY.
    pub(super) fn order_by_item(&mut self) -> Result<OrderByExpr> {
        let expr = self.expr()?;
        let asc = if self.accept("asc") {
            Some(true)
        } else if self.accept("desc") {
            Some(false)
        } else if self.accept("using") {
            Some(self.ordering_operator()?)
        } else {
            None
        };
        let mut nulls_first = None;
        if self.is("nulls") && (self.is_ahead(1, "first") || self.is_ahead(1, "last")) {
            self.advance();
            nulls_first = Some(self.is("first"));
            self.advance();
        }
        Ok(OrderByExpr { expr, options: OrderByOptions { asc, nulls_first }, with_fill: None })
    }

    /// The operator behind USING: whether it sorts upwards.
    fn ordering_operator(&mut self) -> Result<bool> {
        let position = self.position();
        let op = match self.tok() {
            Tok::Op(op) => {
                self.advance();
                op.clone()
            }
            Tok::Key(key) if key.word == "operator" => self.operator_name()?.pop().unwrap_or_default(),
            _ => return Err(self.unexpected()),
        };
        match op.as_str() {
            "<" => Ok(true),
            ">" => Ok(false),
            "~<~" | "~>~" | "*<" | "*>" => Err(Error::unsupported(format!("ORDER BY USING {op}"))),
            _ => Err(Error::new(Kind::WrongObjectType, format!("operator {op} is not a valid ordering operator"))
                .hint("Ordering operators must be \"<\" or \">\" members of btree operator families.")
                .position(position)),
        }
    }

    /// A name with its columns, where it stands behind a table.
    pub(super) fn alias_columns(columns: Vec<Ident>) -> Vec<TableAliasColumnDef> {
        columns.into_iter().map(|name| TableAliasColumnDef { name, data_type: None }).collect()
    }
}

/// The query that a body in parentheses is.
fn inner(body: &SetExpr) -> Option<&Query> {
    match body {
        SetExpr::Query(query) => Some(query),
        _ => None,
    }
}
