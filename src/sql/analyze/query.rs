//! Queries: WITH, the body, ORDER BY, LIMIT.

use datafusion::common::Column;
use datafusion::common::tree_node::TreeNode;
use datafusion::functions_window::rank::rank_udwf;
use datafusion::logical_expr::WindowFunctionDefinition;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::sql::sqlparser::ast::{self, LimitClause, OrderByKind, SetExpr};

use super::Analyzer;
use super::assign::Targets;
use super::cte::Ctes;
use super::expr::{Clause, Context};
use super::output::Bound;
use super::scope::{Column as Named, Item, Scope, folded};
use super::subquery::project;
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::CastContext;
use crate::function::datum::Datum;
use crate::pgtype::types::PgType;
use crate::sql::fault::from_engine;

/// How much of the rows is wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    pub(super) skip: usize,
    pub(super) fetch: Option<usize>,
    pub(super) with_ties: bool,
    /// LIMIT and OFFSET that are known only when the statement runs.
    pub(super) open: Option<(Option<Expr>, Option<Expr>)>,
}

impl Analyzer<'_> {
    /// A statement.
    pub(super) fn statement(&self, query: &ast::Query, targets: &Targets) -> Result<Bound> {
        let bound = self.assigned(query, targets)?;
        // Parameters that nothing has given a type are text.
        for parameter in self.parameters.borrow_mut().iter_mut() {
            parameter.get_or_insert(PgType::Text);
        }
        Ok(bound)
    }

    /// A query with all its clauses.
    pub(super) fn query(&self, scope: Option<&Scope<'_>>, ctes: &Ctes<'_>, query: &ast::Query) -> Result<Bound> {
        refuse_extensions(query)?;
        let ctes = self.with(scope, ctes, query.with.as_ref())?;
        let items = match &query.order_by {
            None => &[][..],
            Some(order_by) => match &order_by.kind {
                OrderByKind::Expressions(items) => items.as_slice(),
                OrderByKind::All(_) => return Err(Error::new(Kind::Syntax, "syntax error at or near \"ALL\"")),
            },
        };
        let limits = self.limits(scope, &ctes, query)?;
        if limits.with_ties && items.is_empty() {
            return Err(Error::new(Kind::Syntax, "WITH TIES cannot be specified without ORDER BY clause"));
        }
        match query.body.as_ref() {
            SetExpr::Select(select) => self.select(scope, &ctes, select, items, &limits),
            body => {
                let bound = self.body(scope, &ctes, body)?;
                let is_set = matches!(body, SetExpr::SetOperation { .. });
                self.ordered(scope, &ctes, bound, items, &limits, is_set)
            }
        }
    }

    /// A query without ORDER BY and LIMIT.
    pub(super) fn body(&self, scope: Option<&Scope<'_>>, ctes: &Ctes<'_>, body: &SetExpr) -> Result<Bound> {
        match body {
            SetExpr::Select(select) => self.select(scope, ctes, select, &[], &Limits::default()),
            SetExpr::Query(query) => self.query(scope, ctes, query),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                self.set_operation(scope, ctes, (*op, *set_quantifier), left, right)
            }
            SetExpr::Values(values) => self.values(scope, ctes, values, &[]),
            SetExpr::Table(table) => {
                let parts = table.schema_name.iter().chain(&table.table_name);
                let idents: Vec<ast::Ident> = parts.map(|part| ast::Ident::new(part.clone())).collect();
                let factor = ast::TableFactor::Table {
                    name: ast::ObjectName::from(idents),
                    alias: None,
                    args: None,
                    with_hints: Vec::new(),
                    version: None,
                    with_ordinality: false,
                    partitions: Vec::new(),
                    json_path: None,
                    sample: None,
                    index_hints: Vec::new(),
                };
                self.whole_table(scope, ctes, &factor)
            }
            _ => Err(Error::new(Kind::ReadOnly, "cannot execute this statement in a read-only transaction")),
        }
    }

    /// ORDER BY and LIMIT over the columns of a query.
    fn ordered(
        &self,
        parent: Option<&Scope<'_>>,
        ctes: &Ctes<'_>,
        bound: Bound,
        items: &[ast::OrderByExpr],
        limits: &Limits,
        is_set: bool,
    ) -> Result<Bound> {
        if items.is_empty() {
            let plan = self.limited(bound.plan.clone(), limits, &[])?;
            return Ok(Bound { plan, ..bound });
        }
        let mut scope = Scope::new(parent);
        let columns = bound.outputs.iter().zip(&bound.columns);
        scope.items.push(Item {
            alias: None,
            schema: None,
            columns: columns
                .map(|(output, column)| Named { name: output.name.clone(), typed: column.clone() })
                .collect(),
            is_named: false,
            shows_columns: true,
            is_scalar: false,
            oid: None,
        });
        let context = Context { scope: &scope, ctes, gather: None, clause: Clause::OrderBy };
        let mut keys = Vec::new();
        for item in items {
            let typed = match self.output_item(&item.expr, &bound, "ORDER BY")? {
                Some(at) => bound.columns[at].clone(),
                None if is_set => {
                    let error = Error::new(Kind::FeatureNotSupported, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause")
                        .detail("Only result column names can be used, not expressions or functions.")
                        .hint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.");
                    // A name that is none of the result's is simply missing.
                    self.expr(&context, &item.expr)?;
                    return Err(self.located(error, &item.expr));
                }
                None => self.known(self.expr(&context, &item.expr)?)?,
            };
            keys.push(self.sort_key(typed, &item.options)?);
        }
        let sorted = LogicalPlanBuilder::from(bound.plan.clone()).sort(keys.clone());
        let plan = sorted.and_then(LogicalPlanBuilder::build).map_err(from_engine)?;
        let plan = self.limited(plan, limits, &keys)?;
        Ok(Bound { plan, ..bound })
    }

    /// The output column that an ORDER BY or GROUP BY item means by its name or number.
    pub(super) fn output_item(&self, expr: &ast::Expr, bound: &Bound, clause: &str) -> Result<Option<usize>> {
        if let Some(at) = self.ordinal(expr, bound.outputs.len(), clause)? {
            return Ok(Some(at));
        }
        let ast::Expr::Identifier(ident) = expr else { return Ok(None) };
        let name = folded(ident);
        let mut found = bound.outputs.iter().enumerate().filter(|(_, output)| output.name == name);
        let first = found.next().map(|(at, _)| at);
        if first.is_some() && found.next().is_some() {
            let message = format!("{clause} \"{name}\" is ambiguous");
            return Err(self.at(Error::new(Kind::AmbiguousColumn, message), ident.span.start));
        }
        Ok(first)
    }

    /// The column that a bare number means.
    pub(super) fn ordinal(&self, expr: &ast::Expr, width: usize, clause: &str) -> Result<Option<usize>> {
        let ast::Expr::Value(value) = expr else { return Ok(None) };
        let ast::Value::Number(digits, _) = &value.value else {
            if matches!(value.value, ast::Value::Placeholder(_)) {
                return Ok(None);
            }
            let message = format!("non-integer constant in {clause}");
            return Err(self.at(Error::new(Kind::Syntax, message), value.span.start));
        };
        let Ok(number) = digits.parse::<usize>() else {
            let message = format!("non-integer constant in {clause}");
            return Err(self.at(Error::new(Kind::Syntax, message), value.span.start));
        };
        match number.checked_sub(1).filter(|at| *at < width) {
            Some(at) => Ok(Some(at)),
            None => {
                let message = format!("{clause} position {number} is not in select list");
                Err(self.at(Error::new(Kind::InvalidColumnReference, message), value.span.start))
            }
        }
    }

    /// A key to sort by.
    pub(super) fn sort_key(&self, typed: Typed, options: &ast::OrderByOptions) -> Result<Sort> {
        if typed.ty == PgType::Json {
            let error = Error::new(Kind::UndefinedFunction, "could not identify an ordering operator for type json")
                .hint("Use an explicit ordering operator or modify the query.");
            return Err(self.at(error, typed.place));
        }
        let descending = options.asc == Some(false);
        let nulls_first = options.nulls_first.unwrap_or(descending);
        Ok(Sort::new(self.key(typed)?.expr, !descending, nulls_first))
    }

    fn limits(&self, scope: Option<&Scope<'_>>, ctes: &Ctes<'_>, query: &ast::Query) -> Result<Limits> {
        let mut limits = Limits::default();
        let is_open = |expr: &ast::Expr| matches!(expr, ast::Expr::Subquery(_) | ast::Expr::Nested(_));
        if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &query.limit_clause
            && (limit.as_ref().is_some_and(is_open) || offset.as_ref().is_some_and(|offset| is_open(&offset.value)))
        {
            let own = Scope::new(scope);
            let rows = |expr: Option<&ast::Expr>, clause: Clause| {
                let context = Context { scope: &own, ctes, gather: None, clause };
                let rows = expr.map(|expr| {
                    let typed = self.expr(&context, expr)?.placed_at(expr);
                    Ok::<_, Error>(self.coerce(typed, PgType::Int8, CastContext::Assignment)?.expr)
                });
                rows.transpose()
            };
            let offset = rows(offset.as_ref().map(|offset| &offset.value), Clause::Offset)?;
            limits.open = Some((rows(limit.as_ref(), Clause::Limit)?, offset));
            return Ok(limits);
        }
        match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
                if !limit_by.is_empty() {
                    return Err(Error::new(Kind::Syntax, "syntax error at or near \"BY\""));
                }
                if let Some(limit) = limit {
                    limits.fetch = self.row_count(scope, ctes, limit, Clause::Limit)?;
                }
                if let Some(offset) = offset {
                    limits.skip = self.row_count(scope, ctes, &offset.value, Clause::Offset)?.unwrap_or(0);
                }
            }
            Some(LimitClause::OffsetCommaLimit { .. }) => {
                return Err(Error::new(Kind::Syntax, "LIMIT #,# syntax is not supported")
                    .hint("Use separate LIMIT and OFFSET clauses."));
            }
            None => {}
        }
        if let Some(fetch) = &query.fetch {
            if fetch.percent {
                return Err(Error::new(Kind::Syntax, "syntax error at or near \"PERCENT\""));
            }
            limits.fetch = match &fetch.quantity {
                Some(quantity) => self.row_count(scope, ctes, quantity, Clause::Limit)?,
                None => Some(1),
            };
            limits.with_ties = fetch.with_ties;
        }
        Ok(limits)
    }

    /// A number of rows; NULL is no limit.
    fn row_count(
        &self,
        scope: Option<&Scope<'_>>,
        ctes: &Ctes<'_>,
        expr: &ast::Expr,
        clause: Clause,
    ) -> Result<Option<usize>> {
        let own = Scope::new(scope);
        let context = Context { scope: &own, ctes, gather: None, clause };
        let typed = self.expr(&context, expr)?.placed_at(expr);
        let from = typed.ty;
        let typed = self.coerce(typed, PgType::Int8, CastContext::Assignment).map_err(|error| match error.kind {
            Kind::CannotCoerce => {
                let message = format!("argument of {} must be type bigint, not type {}", clause.name(), from.name());
                self.located(Error::new(Kind::DatatypeMismatch, message), expr)
            }
            _ => error,
        })?;
        let value = match typed.value {
            Some(value) => value,
            // What the parameters are is known when the statement runs.
            None if self.values.is_none() && has_parameter(&typed.expr) => return Ok(None),
            None => {
                if !typed.expr.column_refs().is_empty() {
                    let message = format!("argument of {} must not contain variables", clause.name());
                    return Err(self.located(Error::new(Kind::InvalidColumnReference, message), expr));
                }
                return Err(Error::unsupported(format!("a {} that is no constant", clause.name())));
            }
        };
        match value {
            Datum::Int8(rows) => match usize::try_from(rows) {
                Ok(rows) => Ok(Some(rows)),
                Err(_) => {
                    let kind = if clause == Clause::Limit { Kind::InvalidLimit } else { Kind::InvalidOffset };
                    Err(Error::new(kind, format!("{} must not be negative", clause.name())))
                }
            },
            _ => Ok(None),
        }
    }

    /// The rows that LIMIT and OFFSET leave.
    pub(super) fn limited(&self, plan: LogicalPlan, limits: &Limits, keys: &[Sort]) -> Result<LogicalPlan> {
        let Limits { skip, fetch, with_ties, open } = limits;
        if let Some((limit, offset)) = open {
            return self.numbered_limit(plan, limit.as_ref(), offset.as_ref(), keys);
        }
        if *skip == 0 && fetch.is_none() {
            return Ok(plan);
        }
        if let (true, Some(fetch)) = (*with_ties, fetch) {
            return self.with_ties(plan, *skip, *fetch, keys);
        }
        LogicalPlanBuilder::from(plan).limit(*skip, *fetch).and_then(LogicalPlanBuilder::build).map_err(from_engine)
    }

    /// LIMIT and OFFSET by the rows' numbers.
    fn numbered_limit(
        &self,
        plan: LogicalPlan,
        limit: Option<&Expr>,
        offset: Option<&Expr>,
        keys: &[Sort],
    ) -> Result<LogicalPlan> {
        let columns = plan.schema().columns();
        let name = self.fresh("n");
        let plan = super::decorrelate::numbered(plan, Vec::new(), keys.to_vec(), &name)?;
        let number = datafusion::logical_expr::cast(
            Expr::Column(Column::new_unqualified(&name)),
            datafusion::arrow::datatypes::DataType::Int64,
        );
        let zero = lit(0_i64);
        let skip = match offset {
            Some(offset) => datafusion::functions::core::expr_fn::coalesce(vec![offset.clone(), zero]),
            None => zero,
        };
        let mut condition = number.clone().gt(skip.clone());
        if let Some(limit) = limit {
            // NULL is no limit.
            condition = condition.and(limit.clone().is_null().or(number.lt_eq(skip + limit.clone())));
        }
        let kept = self.filtered(plan, condition)?;
        let sorted = match keys.is_empty() {
            true => kept,
            false => LogicalPlanBuilder::from(kept)
                .sort(keys.to_vec())
                .and_then(LogicalPlanBuilder::build)
                .map_err(from_engine)?,
        };
        project(sorted, columns.into_iter().map(Expr::Column).collect())
    }

    /// The last row's equals stay too.
    fn with_ties(&self, plan: LogicalPlan, skip: usize, fetch: usize, keys: &[Sort]) -> Result<LogicalPlan> {
        let columns = plan.schema().columns();
        // OFFSET first: the ranks are those of the rows that it leaves.
        let plan = match skip {
            0 => plan,
            skip => LogicalPlanBuilder::from(plan)
                .limit(skip, None)
                .and_then(LogicalPlanBuilder::build)
                .map_err(from_engine)?,
        };
        let params = WindowFunctionParams {
            args: Vec::new(),
            partition_by: Vec::new(),
            order_by: keys.to_vec(),
            window_frame: crate::sql::windowed::whole_partition(),
            filter: None,
            null_treatment: None,
            distinct: false,
        };
        let name = self.fresh("w");
        let fun = WindowFunctionDefinition::WindowUDF(rank_udwf());
        let rank = Expr::WindowFunction(Box::new(WindowFunction { fun, params }));
        let ranked = super::decorrelate::windows(plan, vec![(rank, name.clone())])?;
        let rank = Expr::Column(Column::new_unqualified(&name));
        let kept = LogicalPlanBuilder::from(ranked)
            .filter(rank.lt_eq(lit(u64::try_from(fetch).unwrap_or(u64::MAX))))
            .and_then(|builder| builder.sort(keys.to_vec()))
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        project(kept, columns.into_iter().map(Expr::Column).collect())
    }
}

/// Clauses that lock or that PostgreSQL does not have.
/// Whether the value of an expression hangs on a parameter.
fn has_parameter(expr: &Expr) -> bool {
    // The closure fails nowhere.
    expr.exists(|node| Ok(matches!(node, Expr::Placeholder(_)))).unwrap_or(false)
}

fn refuse_extensions(query: &ast::Query) -> Result<()> {
    if let Some(lock) = query.locks.first() {
        let what = match lock.lock_type {
            ast::LockType::Share => "SELECT FOR SHARE",
            _ => "SELECT FOR UPDATE",
        };
        let message = format!("cannot execute {what} in a read-only transaction");
        return Err(Error::new(Kind::ReadOnly, message));
    }
    let near = |word: &str| Err(Error::new(Kind::Syntax, format!("syntax error at or near \"{word}\"")));
    if query.settings.is_some() {
        return near("SETTINGS");
    }
    if query.format_clause.is_some() {
        return near("FORMAT");
    }
    if query.for_clause.is_some() {
        return near("FOR");
    }
    if !query.pipe_operators.is_empty() {
        return near("|>");
    }
    Ok(())
}
