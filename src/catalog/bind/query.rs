//! Queries: WITH, set operations, VALUES, ORDER BY, LIMIT.

use datafusion::sql::sqlparser::ast::{
    Expr, LimitClause, OrderBy, OrderByExpr, OrderByKind, Query as Ast, SetExpr, SetOperator, SetQuantifier,
    Value as Literal, With,
};

use super::super::plan::{Body, Cte, Node, Query, SetOp, SortKey};
use super::super::types;
use super::coerce::common;
use super::{Binder, Bound, CteName, MOST_DEPTH, fold};
use crate::error::{Error, Kind, Result};

/// A WITH item, its columns, and the outermost scope that it reads.
type BoundCte = (Cte, Vec<(String, u32)>, usize);

impl Binder<'_, '_> {
    /// Binds a query whose outputs get their final types.
    pub(super) fn query(&mut self, query: &Ast) -> Result<Query> {
        let mut plan = self.untyped_query(query)?;
        for at in 0..plan.columns.len() {
            if plan.columns[at].1 == types::UNKNOWN {
                self.coerce_output(&mut plan, at, types::TEXT)?;
            }
        }
        Ok(plan)
    }

    /// Binds a query; untyped literals among its outputs stay so, for a UNION around it to decide.
    fn untyped_query(&mut self, query: &Ast) -> Result<Query> {
        if self.depth >= MOST_DEPTH {
            return Err(Error::new(Kind::ConfigurationLimit, "the statement is nested too deep"));
        }
        if !query.locks.is_empty() {
            return Err(Error::unsupported("FOR UPDATE"));
        }
        self.depth += 1;
        let n_ctes = self.ctes.len();
        let ctes = query.with.as_ref().map_or(Ok(Vec::new()), |with| self.with(with))?;
        let mut plan = self.ordered(&query.body, query.order_by.as_ref())?;
        plan.ctes.splice(0..0, ctes);
        self.limit(query, &mut plan)?;
        self.ctes.truncate(n_ctes);
        self.depth -= 1;
        Ok(plan)
    }

    fn ordered(&mut self, body: &SetExpr, order: Option<&OrderBy>) -> Result<Query> {
        let keys: &[OrderByExpr] = match order.map(|order| &order.kind) {
            None => &[],
            Some(OrderByKind::Expressions(keys)) => keys,
            Some(OrderByKind::All(_)) => return Err(Error::unsupported("ORDER BY ALL")),
        };
        if let SetExpr::Select(select) = body {
            return self.select(select, keys);
        }
        let mut plan = self.body(body)?;
        if keys.is_empty() {
            return Ok(plan);
        }
        if !plan.sort.is_empty() || plan.limit.is_some() || plan.offset.is_some() {
            let columns = plan.columns.clone();
            plan = simple(columns, Body::Query(Box::new(plan)));
        }
        for key in keys {
            let column = match &key.expr {
                Expr::Identifier(name) => plan.columns.iter().position(|(column, _)| *column == fold(name)),
                Expr::Value(value) => ordinal(&value.value, plan.columns.len())?,
                _ => None,
            };
            let column = column.ok_or_else(|| match &key.expr {
                Expr::Identifier(name) => {
                    Error::new(Kind::UndefinedColumn, format!("column \"{}\" does not exist", fold(name)))
                }
                _ => Error::unsupported("an expression in ORDER BY of a UNION"),
            })?;
            plan.sort.push(sort_key(key, column));
        }
        Ok(plan)
    }

    fn limit(&mut self, query: &Ast, plan: &mut Query) -> Result<()> {
        let (limit, offset) = match &query.limit_clause {
            None => (None, None),
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
            Some(_) => return Err(Error::unsupported("LIMIT BY")),
        };
        let one = Expr::value(Literal::Number("1".to_owned(), false));
        let fetch = match &query.fetch {
            Some(fetch) if fetch.with_ties || fetch.percent => return Err(Error::unsupported("FETCH WITH TIES")),
            Some(fetch) => Some(fetch.quantity.as_ref().unwrap_or(&one)),
            None => None,
        };
        let mut number = |expr: Option<&Expr>| -> Result<Option<Node>> {
            let Some(expr) = expr else { return Ok(None) };
            let bound = self.expr(expr)?;
            self.coerce(bound, types::INT8).map(Some)
        };
        let (limit, offset) = (number(limit.or(fetch))?, number(offset)?);
        if (limit.is_some() || offset.is_some()) && (plan.limit.is_some() || plan.offset.is_some()) {
            let inner = std::mem::replace(plan, simple(Vec::new(), Body::Values(Vec::new())));
            *plan = simple(inner.columns.clone(), Body::Query(Box::new(inner)));
        }
        if limit.is_some() || offset.is_some() {
            (plan.limit, plan.offset) = (limit, offset);
        }
        Ok(())
    }

    fn body(&mut self, body: &SetExpr) -> Result<Query> {
        match body {
            SetExpr::Select(select) => self.select(select, &[]),
            SetExpr::Query(query) => self.untyped_query(query),
            SetExpr::Values(values) => self.values(values.rows.iter().map(|row| row.content.as_slice())),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let op = match op {
                    SetOperator::Union => SetOp::Union,
                    SetOperator::Intersect => SetOp::Intersect,
                    SetOperator::Except | SetOperator::Minus => SetOp::Except,
                };
                let (left, right) = (self.body(left)?, self.body(right)?);
                self.set(op, *set_quantifier == SetQuantifier::All, left, right)
            }
            _ => Err(Error::unsupported("this kind of query over the catalogs")),
        }
    }

    fn set(&mut self, op: SetOp, all: bool, mut left: Query, mut right: Query) -> Result<Query> {
        let word = match op {
            SetOp::Union => "UNION",
            SetOp::Intersect => "INTERSECT",
            SetOp::Except => "EXCEPT",
        };
        if left.columns.len() != right.columns.len() {
            return Err(Error::new(Kind::Syntax, format!("each {word} query must have the same number of columns")));
        }
        for at in 0..left.columns.len() {
            let to = common(word, [left.columns[at].1, right.columns[at].1].into_iter())?;
            self.coerce_output(&mut left, at, to)?;
            self.coerce_output(&mut right, at, to)?;
        }
        let columns = left.columns.clone();
        Ok(simple(columns, Body::Set { op, all, left: Box::new(left), right: Box::new(right) }))
    }

    fn values<'e>(&mut self, rows: impl Iterator<Item = &'e [Expr]>) -> Result<Query> {
        // VALUES has a scope of its own, without columns, so that its rows nest like those of a SELECT.
        self.push_scope();
        let bound: Result<Vec<Vec<Bound>>> = rows.map(|row| row.iter().map(|expr| self.expr(expr)).collect()).collect();
        self.scopes.pop();
        let bound = bound?;
        let width = bound.first().map_or(0, Vec::len);
        if bound.iter().any(|row| row.len() != width) {
            return Err(Error::new(Kind::Syntax, "VALUES lists must all be the same length"));
        }
        let mut columns = Vec::new();
        let mut cells: Vec<Vec<Node>> = vec![Vec::new(); bound.len()];
        for at in 0..width {
            let column = bound.iter().map(|row| row[at].clone()).collect();
            let (nodes, type_oid) = self.unify("VALUES", column)?;
            columns.push((format!("column{}", at + 1), type_oid));
            for (row, node) in cells.iter_mut().zip(nodes) {
                row.push(node);
            }
        }
        Ok(simple(columns, Body::Values(cells)))
    }

    fn with(&mut self, with: &With) -> Result<Vec<Cte>> {
        let mut list = Vec::new();
        for cte in &with.cte_tables {
            let name = fold(&cte.alias.name);
            let renames: Vec<String> = cte.alias.columns.iter().map(|column| fold(&column.name)).collect();
            let id = self.id();
            let recursive = if with.recursive { self.recursive(&cte.query, &name, &renames, id)? } else { None };
            let (item, columns, lowest) = match recursive {
                Some(found) => found,
                None => {
                    let (mut query, lowest) = self.watching(|binder| binder.query(&cte.query))?;
                    rename(&mut query.columns, &renames, &name)?;
                    let columns = query.columns.clone();
                    (Cte { id, query, recursive: None }, columns, lowest)
                }
            };
            self.ctes.push(CteName { name, id, columns, lowest });
            list.push(item);
        }
        Ok(list)
    }

    /// Binds `first UNION [ALL] term`, where the term reads the item itself.
    fn recursive(&mut self, query: &Ast, name: &str, renames: &[String], id: usize) -> Result<Option<BoundCte>> {
        let SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier, right } = query.body.as_ref() else {
            return Ok(None);
        };
        if query.with.is_some() || query.order_by.is_some() || query.limit_clause.is_some() {
            return Ok(None);
        }
        let (mut first, lowest) = self.watching(|binder| {
            let mut first = binder.body(left)?;
            for at in 0..first.columns.len() {
                if first.columns[at].1 == types::UNKNOWN {
                    binder.coerce_output(&mut first, at, types::TEXT)?;
                }
            }
            Ok(first)
        })?;
        rename(&mut first.columns, renames, name)?;
        let columns = first.columns.clone();
        // Whatever reads the working table changes with each round, hence depends on the outermost scope there is.
        self.ctes.push(CteName { name: name.to_owned(), id, columns: columns.clone(), lowest: 0 });
        let term = self.watching(|binder| binder.body(right));
        self.ctes.pop();
        let (mut term, inner) = term?;
        if term.columns.len() != columns.len() {
            return Err(Error::new(Kind::Syntax, "each UNION query must have the same number of columns"));
        }
        for (at, (_, type_oid)) in columns.iter().enumerate() {
            self.coerce_output(&mut term, at, *type_oid)?;
        }
        let inner = if self.scopes.is_empty() { usize::MAX } else { inner };
        let distinct = *set_quantifier != SetQuantifier::All;
        Ok(Some((Cte { id, query: first, recursive: Some((term, distinct)) }, columns, lowest.min(inner))))
    }
}

/// Makes a query of a body alone.
pub(super) fn simple(columns: Vec<(String, u32)>, body: Body) -> Query {
    Query { columns, ctes: Vec::new(), body, sort: Vec::new(), limit: None, offset: None }
}

/// Gives columns the names of an alias list.
pub(super) fn rename(columns: &mut [(String, u32)], names: &[String], table: &str) -> Result<()> {
    if names.len() > columns.len() {
        let message =
            format!("table \"{table}\" has {} columns available but {} columns specified", columns.len(), names.len());
        return Err(Error::new(Kind::UndefinedColumn, message));
    }
    for (column, name) in columns.iter_mut().zip(names) {
        column.0.clone_from(name);
    }
    Ok(())
}

/// Reads `ORDER BY 2`: the position from 0.
pub(super) fn ordinal(value: &Literal, width: usize) -> Result<Option<usize>> {
    let Literal::Number(text, _) = value else { return Ok(None) };
    match text.parse::<usize>() {
        Ok(n) if (1..=width).contains(&n) => Ok(Some(n - 1)),
        _ => Err(Error::new(Kind::Syntax, format!("ORDER BY position {text} is not in select list"))),
    }
}

/// NULLs sort as if greater than everything, unless it is said otherwise.
pub(super) fn sort_key(key: &OrderByExpr, column: usize) -> SortKey {
    let descending = key.options.asc == Some(false);
    SortKey { column, descending, nulls_first: key.options.nulls_first.unwrap_or(descending) }
}
