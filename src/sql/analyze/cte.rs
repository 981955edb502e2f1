//! WITH.

use std::sync::Arc;

use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier};

use super::Analyzer;
use super::output::{Bound, Output};
use super::scope::{Scope, folded};
use super::subquery::project;
use crate::error::{Error, Kind, Result};
use crate::sql::fault::from_engine;

/// One WITH item: its name and its rows.
#[derive(Clone, Debug)]
pub(super) struct Def {
    pub(super) name: String,
    pub(super) bound: Bound,
}

/// The WITH items that a query sees.
#[derive(Debug)]
pub(super) struct Ctes<'p> {
    pub(super) defs: Vec<Def>,
    pub(super) parent: Option<&'p Ctes<'p>>,
}

impl Ctes<'_> {
    pub(super) fn find(&self, name: &str) -> Option<&Def> {
        let own = self.defs.iter().rev().find(|def| def.name == name);
        own.or_else(|| self.parent.and_then(|parent| parent.find(name)))
    }
}

impl Analyzer<'_> {
    /// The items of a WITH clause.
    pub(super) fn with<'p>(
        &self,
        scope: Option<&Scope<'_>>,
        parent: &'p Ctes<'p>,
        with: Option<&ast::With>,
    ) -> Result<Ctes<'p>> {
        let mut ctes = Ctes { defs: Vec::new(), parent: Some(parent) };
        let Some(with) = with else { return Ok(ctes) };
        for cte in &with.cte_tables {
            let name = folded(&cte.alias.name);
            if ctes.defs.iter().any(|def| def.name == name) {
                let message = format!("WITH query name \"{name}\" specified more than once");
                return Err(self.at(Error::new(Kind::DuplicateAlias, message), cte.alias.name.span.start));
            }
            let columns: Vec<String> = cte.alias.columns.iter().map(|column| folded(&column.name)).collect();
            let bound = match self.recursion(&name, with.recursive, &cte.query) {
                Some((base, quantifier, step)) => {
                    self.recursive(scope, &ctes, &name, &columns, (base, quantifier, step))?
                }
                None if with.recursive && names(&cte.query.body, &name) && ctes.find(&name).is_none() => {
                    let message = format!(
                        "recursive query \"{name}\" does not have the form non-recursive-term UNION [ALL] recursive-term"
                    );
                    return Err(Error::new(Kind::InvalidRecursion, message));
                }
                None => self.query(scope, &ctes, &cte.query)?,
            };
            let bound = renamed(bound, &columns, &name, "WITH query")?;
            ctes.defs.push(Def { name, bound });
        }
        Ok(ctes)
    }

    /// The two terms of a query that refers to itself.
    fn recursion<'q>(
        &self,
        name: &str,
        recursive: bool,
        query: &'q ast::Query,
    ) -> Option<(&'q SetExpr, SetQuantifier, &'q SetExpr)> {
        let SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier, right } = query.body.as_ref() else {
            return None;
        };
        (recursive && names(right, name)).then_some((left.as_ref(), *set_quantifier, right.as_ref()))
    }

    fn recursive(
        &self,
        scope: Option<&Scope<'_>>,
        ctes: &Ctes<'_>,
        name: &str,
        columns: &[String],
        (base, quantifier, step): (&SetExpr, SetQuantifier, &SetExpr),
    ) -> Result<Bound> {
        check_step(name, step)?;
        if names(base, name) {
            let message =
                format!("recursive reference to query \"{name}\" must not appear within its non-recursive term");
            return Err(Error::new(Kind::InvalidRecursion, message));
        }
        let base = self.body(scope, ctes, base)?;
        let base = self.typed_literals(base)?;
        let named = renamed(base.clone(), columns, name, "WITH query")?;
        let work = self.fresh("t");
        let schema = Arc::clone(base.plan.schema().inner());
        let source = provider_as_source(Arc::new(CteWorkTable::new(&work, schema)));
        let scan = LogicalPlanBuilder::scan(work.as_str(), source, None)
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        // The scan's columns are qualified by the table; a query's are not.
        let exprs = scan.schema().columns().into_iter().map(|column| {
            let name = column.name.clone();
            datafusion::logical_expr::Expr::Column(column).alias(name)
        });
        let plan = project(scan, exprs.collect())?;
        let own = Bound { plan, ..named.clone() };
        let mut inner = Ctes { defs: Vec::new(), parent: Some(ctes) };
        inner.defs.push(Def { name: name.to_owned(), bound: own });
        let step = self.body(scope, &inner, step)?;
        if step.columns.len() != base.columns.len() {
            return Err(Error::new(Kind::Syntax, "each UNION query must have the same number of columns"));
        }
        let mut exprs = Vec::new();
        for (at, (one, other)) in base.columns.iter().zip(&step.columns).enumerate() {
            let typed = step.literals[at].clone().unwrap_or_else(|| other.clone());
            let whole = crate::function::coerce::common([one.ty, typed.ty]).unwrap_or(typed.ty);
            if whole != one.ty {
                let message = format!(
                    "recursive query \"{name}\" column {} has type {} in non-recursive term but type {} overall",
                    at + 1,
                    one.ty.name(),
                    whole.name()
                );
                return Err(Error::new(Kind::DatatypeMismatch, message)
                    .hint("Cast the output of the non-recursive term to the correct type."));
            }
            let column = self.implicit(typed, one.ty)?;
            let (_, own) = base.plan.schema().qualified_field(at);
            exprs.push(column.expr.alias(own.name()));
        }
        let distinct = !matches!(quantifier, SetQuantifier::All);
        let step = project(step.plan, exprs)?;
        let plan = LogicalPlanBuilder::from(base.plan)
            .to_recursive_query(work, step, distinct)
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        Ok(Bound { plan, ..named })
    }

    /// A query whose literals without a type have become text for good.
    pub(super) fn typed_literals(&self, bound: Bound) -> Result<Bound> {
        let literals = vec![None; bound.columns.len()];
        Ok(Bound { literals, ..bound })
    }
}

/// The columns under other names.
pub(super) fn renamed(mut bound: Bound, names: &[String], relation: &str, what: &str) -> Result<Bound> {
    if names.len() > bound.outputs.len() {
        let message = match what {
            "WITH query" => format!(
                "WITH query \"{relation}\" has {} columns available but {} columns specified",
                bound.outputs.len(),
                names.len()
            ),
            _ => format!(
                "table \"{relation}\" has {} columns available but {} columns specified",
                bound.outputs.len(),
                names.len()
            ),
        };
        return Err(Error::new(Kind::InvalidColumnReference, message));
    }
    let outputs = bound.outputs.into_iter().enumerate().map(|(at, output)| match names.get(at) {
        Some(name) => Output { name: name.clone(), ..output },
        None => output,
    });
    bound.outputs = outputs.collect();
    Ok(bound)
}

/// What a recursive term may not do with the query itself.
fn check_step(name: &str, step: &SetExpr) -> Result<()> {
    let wrong = |message: String| Err(Error::new(Kind::InvalidRecursion, message));
    let mut count = 0;
    let _: std::ops::ControlFlow<()> = ast::visit_relations(step, |relation| {
        count += usize::from(is_named(relation, name));
        std::ops::ControlFlow::Continue(())
    });
    let mut direct = 0;
    let mut selects = vec![step];
    while let Some(body) = selects.pop() {
        match body {
            SetExpr::Query(query) => selects.push(&query.body),
            SetExpr::SetOperation { left, op, right, .. } => {
                if *op == SetOperator::Except && names(right, name) {
                    return wrong(format!("recursive reference to query \"{name}\" must not appear within EXCEPT"));
                }
                selects.extend([left.as_ref(), right.as_ref()]);
            }
            SetExpr::Select(select) => {
                for table in &select.from {
                    direct += from_names(&table.relation, name);
                    let mut left_has = from_names(&table.relation, name) > 0;
                    for join in &table.joins {
                        let has = from_names(&join.relation, name);
                        direct += has;
                        use ast::JoinOperator as J;
                        let is_wrong = match &join.join_operator {
                            J::Left(_) | J::LeftOuter(_) => has > 0,
                            J::Right(_) | J::RightOuter(_) => left_has,
                            J::FullOuter(_) => has > 0 || left_has,
                            _ => false,
                        };
                        if is_wrong {
                            return wrong(format!(
                                "recursive reference to query \"{name}\" must not appear within an outer join"
                            ));
                        }
                        left_has |= has > 0;
                    }
                }
                let has = select.from.iter().any(|table| {
                    from_names(&table.relation, name) > 0
                        || table.joins.iter().any(|join| from_names(&join.relation, name) > 0)
                });
                let aggregates = select.projection.iter().any(|item| match item {
                    ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. } => {
                        has_aggregate(expr)
                    }
                    _ => false,
                });
                if has && (aggregates || select.having.as_ref().is_some_and(has_aggregate)) {
                    return wrong(
                        "aggregate functions are not allowed in a recursive query's recursive term".to_owned(),
                    );
                }
            }
            _ => {}
        }
    }
    if count > 1 {
        return wrong(format!("recursive reference to query \"{name}\" must not appear more than once"));
    }
    if count > direct {
        return wrong(format!("recursive reference to query \"{name}\" must not appear within a subquery"));
    }
    Ok(())
}

fn is_named(relation: &ast::ObjectName, name: &str) -> bool {
    matches!(relation.0.as_slice(), [only] if only.as_ident().is_some_and(|ident| folded(ident) == name))
}

/// How often an item of FROM is the relation, not counting subqueries of expressions.
fn from_names(factor: &ast::TableFactor, name: &str) -> usize {
    match factor {
        ast::TableFactor::Table { name: own, args: None, .. } => usize::from(is_named(own, name)),
        ast::TableFactor::NestedJoin { table_with_joins, .. } => {
            let joins = table_with_joins.joins.iter().map(|join| from_names(&join.relation, name));
            from_names(&table_with_joins.relation, name) + joins.sum::<usize>()
        }
        ast::TableFactor::Derived { subquery, .. } => usize::from(names(&subquery.body, name)),
        _ => 0,
    }
}

fn has_aggregate(expr: &ast::Expr) -> bool {
    let found = ast::visit_expressions(expr, |part| match part {
        ast::Expr::Function(call) if call.over.is_none() => {
            let name = call.name.0.last().and_then(|part| part.as_ident()).map(folded).unwrap_or_default();
            let is_aggregate = name == "count" || !crate::function::registry::aggregates(&name).is_empty();
            if is_aggregate { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
        }
        _ => std::ops::ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Whether a query names a relation.
fn names(body: &SetExpr, name: &str) -> bool {
    use std::ops::ControlFlow;
    let found = ast::visit_relations(body, |relation| match relation.0.as_slice() {
        [only] if only.as_ident().is_some_and(|ident| folded(ident) == name) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// No WITH items.
pub(super) const NONE: Ctes<'static> = Ctes { defs: Vec::new(), parent: None };

/// What an alias makes of a plan.
pub(super) fn aliased(plan: LogicalPlan, alias: &str) -> Result<LogicalPlan> {
    LogicalPlanBuilder::from(plan).alias(alias).and_then(LogicalPlanBuilder::build).map_err(from_engine)
}
