//! The labels on their way through the operators of a subquery.

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::{Case, Sort};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, FetchType, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, SkipType, lit,
};

use super::super::Analyzer;
use super::super::subquery::project;
use super::{Domain, Label, nothing::on_nothing, number::numbered, number::windows, plan_uses, uses};
use crate::error::{Error, Result};
use crate::pgtype::types::PgType;
use crate::sql::fault::from_engine;

impl Analyzer<'_> {
    /// The plan with its labels as further columns; `None` if the subquery's own values cannot be them. At the `top` an
    /// aggregate without groups may stay without a row for a label: the join shows it.
    pub(super) fn push(&self, plan: LogicalPlan, domain: &mut Domain, top: bool) -> Result<Option<LogicalPlan>> {
        if !plan_uses(&plan, &domain.columns) {
            let Some(values) = domain.values.clone() else { return Ok(None) };
            let joined = LogicalPlanBuilder::from(values).cross_join(plan).and_then(LogicalPlanBuilder::build);
            return joined.map(Some).map_err(from_engine);
        }
        match plan {
            LogicalPlan::Filter(filter) => {
                self.push_filter(LogicalPlan::clone(&filter.input), filter.predicate, domain, top)
            }
            LogicalPlan::Projection(projection) => {
                let Some(input) = self.push(LogicalPlan::clone(&projection.input), domain, top)? else {
                    return Ok(None);
                };
                let Some(own) = self.relabelled_all(projection.expr, domain)? else { return Ok(None) };
                let (input, own) = self.settle(input, own)?;
                let mut exprs = domain.exprs();
                exprs.extend(own);
                project(input, exprs).map(Some)
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let inner = LogicalPlan::clone(&alias.input);
                let columns = inner.schema().columns();
                let Some(input) = self.push(inner, domain, top)? else { return Ok(None) };
                let mut exprs = domain.exprs();
                let renamed = columns.into_iter().map(|column| {
                    let name = column.name.clone();
                    Expr::Column(column).alias_qualified(Some(alias.alias.clone()), name)
                });
                exprs.extend(renamed);
                project(input, exprs).map(Some)
            }
            LogicalPlan::Aggregate(aggregate) => self.push_aggregate(aggregate, domain, top),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let Some(input) = self.push(LogicalPlan::clone(&input), domain, false)? else { return Ok(None) };
                LogicalPlanBuilder::from(input)
                    .distinct()
                    .and_then(LogicalPlanBuilder::build)
                    .map(Some)
                    .map_err(from_engine)
            }
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => self.push(LogicalPlan::clone(&sort.input), domain, top),
            LogicalPlan::Limit(limit) => self.push_limit(&limit, domain),
            LogicalPlan::Window(window) => {
                let Some(input) = self.push(LogicalPlan::clone(&window.input), domain, false)? else { return Ok(None) };
                let Some(exprs) = self.relabelled_all(window.window_expr, domain)? else { return Ok(None) };
                let by = domain.exprs();
                let names: Vec<String> = exprs.iter().map(|expr| expr.schema_name().to_string()).collect();
                let exprs = exprs.into_iter().map(|expr| partitioned(expr, &by)).collect::<Result<Vec<_>>>()?;
                windows(input, exprs.into_iter().zip(names).collect()).map(Some)
            }
            LogicalPlan::Unnest(unnest) => {
                let Some(input) = self.push(LogicalPlan::clone(&unnest.input), domain, false)? else { return Ok(None) };
                LogicalPlanBuilder::from(input)
                    .unnest_columns_with_options(unnest.exec_columns, unnest.options)
                    .and_then(LogicalPlanBuilder::build)
                    .map(Some)
                    .map_err(from_engine)
            }
            LogicalPlan::Union(union) => {
                let mut inputs = Vec::new();
                let mut first: Option<Domain> = None;
                for input in union.inputs {
                    let Some(values) = domain.values.clone() else { return Ok(None) };
                    debug_assert!(!values.schema().fields().is_empty());
                    let mut own = if first.is_none() { domain.clone() } else { self.renamed(domain)? };
                    let columns = input.schema().columns();
                    let Some(pushed) = self.push(LogicalPlan::clone(&input), &mut own, false)? else { return Ok(None) };
                    let mut exprs = own.exprs();
                    exprs.extend(columns.into_iter().map(Expr::Column));
                    inputs.push(project(pushed, exprs)?);
                    first.get_or_insert(own);
                }
                let mut inputs = inputs.into_iter();
                let Some(one) = inputs.next() else { return Ok(None) };
                let united = inputs.try_fold(LogicalPlanBuilder::from(one), LogicalPlanBuilder::union);
                united.and_then(LogicalPlanBuilder::build).map(Some).map_err(from_engine)
            }
            LogicalPlan::Join(join) => self.push_join(&join, domain),
            _ => Ok(None),
        }
    }

    pub(super) fn push_filter(
        &self,
        input: LogicalPlan,
        predicate: Expr,
        domain: &mut Domain,
        top: bool,
    ) -> Result<Option<LogicalPlan>> {
        let depends = plan_uses(&input, &domain.columns);
        if domain.values.is_some() || depends {
            let Some(input) = self.push(input, domain, top)? else { return Ok(None) };
            if domain.values.is_some() {
                let Some(predicate) = self.relabelled(predicate, domain)? else { return Ok(None) };
                return self.filtered(input, predicate).map(Some);
            }
            return self.bind(input, predicate, domain);
        }
        self.bind(input, predicate, domain)
    }

    /// Takes the labels from the equalities of a filter.
    pub(super) fn bind(&self, input: LogicalPlan, predicate: Expr, domain: &mut Domain) -> Result<Option<LogicalPlan>> {
        let mut rest = Vec::new();
        let mut exprs: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
        let known = exprs.len();
        for conjunct in split_conjunction_owned(predicate) {
            if let Expr::BinaryExpr(both) = &conjunct
                && both.op == Operator::Eq
                && let Some((own, outer)) = self.equality(&both.left, &both.right, domain)
                && !domain.labels.iter().any(|label| label.outer == outer)
            {
                let name = self.fresh("d");
                let ty = match &outer {
                    Expr::OuterReferenceColumn(_, column) => self.columns.borrow().get(column).copied(),
                    _ => None,
                };
                let ty = ty.unwrap_or(PgType::Text);
                self.column(None, &name, ty);
                exprs.push(own.alias(&name));
                domain.labels.push(Label { column: Column::new_unqualified(name), outer, ty });
                continue;
            }
            rest.push(conjunct);
        }
        let plan = if exprs.len() == known { input } else { project(input, exprs)? };
        let Some(rest) = self.relabelled_all(rest, domain)? else { return Ok(None) };
        match conjunction(rest) {
            Some(condition) => self.filtered(plan, condition).map(Some),
            None => Ok(Some(plan)),
        }
    }

    /// An own value and an outer one that are equal.
    pub(super) fn equality(&self, left: &Expr, right: &Expr, domain: &Domain) -> Option<(Expr, Expr)> {
        let is_outer = |expr: &Expr| uses(expr, &domain.columns) && expr.column_refs().is_empty() && only(expr, domain);
        let is_own = |expr: &Expr| !uses(expr, &domain.columns) && !crate::sql::analyze::subquery::has_subquery(expr);
        if is_outer(right) && is_own(left) {
            return Some((left.clone(), right.clone()));
        }
        (is_outer(left) && is_own(right)).then(|| (right.clone(), left.clone()))
    }

    pub(super) fn push_aggregate(
        &self,
        aggregate: Aggregate,
        domain: &mut Domain,
        top: bool,
    ) -> Result<Option<LogicalPlan>> {
        let has_sets = aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_)));
        if has_sets {
            return Ok(None);
        }
        let is_whole = aggregate.group_expr.is_empty();
        if is_whole && !top && domain.values.is_none() {
            return Ok(None);
        }
        let Some(input) = self.push(LogicalPlan::clone(&aggregate.input), domain, false)? else { return Ok(None) };
        let Some(group) = self.relabelled_all(aggregate.group_expr, domain)? else { return Ok(None) };
        let Some(calls) = self.relabelled_all(aggregate.aggr_expr, domain)? else { return Ok(None) };
        let (input, group) = self.settle(input, group)?;
        let (input, calls) = self.settle(input, calls)?;
        let mut by = domain.exprs();
        by.extend(group);
        let grouped = self.aggregated(input, by, calls.clone())?;
        if !is_whole || top {
            return Ok(Some(grouped));
        }
        // Every label has a row here, also those without input.
        let whole = self.renamed(domain)?;
        let values = whole.values.clone().ok_or_else(|| Error::internal("labels without values"))?;
        let pairs = whole.labels.iter().zip(&domain.labels);
        let pairs = pairs.map(|(one, other)| (one.column.clone(), other.column.clone())).collect();
        let outputs: Vec<Column> = grouped.schema().columns().into_iter().skip(domain.labels.len()).collect();
        let joined = self.join_same(values, grouped, JoinType::Left, pairs, None)?;
        let mut exprs = Vec::new();
        for (one, other) in whole.labels.iter().zip(&domain.labels) {
            exprs.push(Expr::Column(one.column.clone()).alias(&other.column.name));
        }
        for (column, call) in outputs.into_iter().zip(&calls) {
            let name = column.name.clone();
            let value = Expr::Column(column);
            exprs.push(match on_nothing(call) {
                zero if zero.is_null() => value.alias(name),
                zero => {
                    let branch = (Box::new(value.clone().is_null()), Box::new(Expr::Literal(zero, None)));
                    Expr::Case(Case::new(None, vec![branch], Some(Box::new(value)))).alias(name)
                }
            });
        }
        project(joined, exprs).map(Some)
    }

    /// LIMIT counts within each label.
    pub(super) fn push_limit(
        &self,
        limit: &datafusion::logical_expr::Limit,
        domain: &mut Domain,
    ) -> Result<Option<LogicalPlan>> {
        let (Ok(SkipType::Literal(skip)), Ok(FetchType::Literal(fetch))) =
            (limit.get_skip_type(), limit.get_fetch_type())
        else {
            return Ok(None);
        };
        let (input, order) = match limit.input.as_ref() {
            LogicalPlan::Sort(sort) => (LogicalPlan::clone(&sort.input), sort.expr.clone()),
            other => (other.clone(), Vec::new()),
        };
        let columns = input.schema().columns();
        let Some(input) = self.push(input, domain, false)? else { return Ok(None) };
        let name = self.fresh("w");
        let mut keys = Vec::new();
        for key in order {
            let Some(expr) = self.relabelled(key.expr, domain)? else { return Ok(None) };
            keys.push(Sort::new(expr, key.asc, key.nulls_first));
        }
        let plan = numbered(input, domain.exprs(), keys, &name)?;
        let number = Expr::Column(Column::new_unqualified(&name));
        let bound = |rows: usize| lit(u64::try_from(rows).unwrap_or(u64::MAX));
        let mut condition = number.clone().gt(bound(skip));
        if let Some(fetch) = fetch {
            condition = condition.and(number.lt_eq(bound(skip.saturating_add(fetch))));
        }
        let plan = filter(plan, condition)?;
        let mut exprs = domain.exprs();
        exprs.extend(columns.into_iter().map(Expr::Column));
        project(plan, exprs).map(Some)
    }

    pub(super) fn push_join(
        &self,
        join: &datafusion::logical_expr::Join,
        domain: &mut Domain,
    ) -> Result<Option<LogicalPlan>> {
        let left_uses = plan_uses(&join.left, &domain.columns);
        let right_uses = plan_uses(&join.right, &domain.columns);
        let keeps_left =
            matches!(join.join_type, JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti);
        let keeps_right = matches!(join.join_type, JoinType::Inner | JoinType::Right);
        let conditions = join.on.iter().map(|(left, right)| match join.null_equality {
            datafusion::common::NullEquality::NullEqualsNothing => left.clone().eq(right.clone()),
            datafusion::common::NullEquality::NullEqualsNull => {
                datafusion::logical_expr::binary_expr(left.clone(), Operator::IsNotDistinctFrom, right.clone())
            }
        });
        let conditions: Vec<Expr> = conditions.chain(join.filter.clone()).collect();
        let (left, right) = (LogicalPlan::clone(&join.left), LogicalPlan::clone(&join.right));
        if !right_uses && keeps_left {
            let pushed = self.push(left, domain, false)?;
            let Some(left) = pushed else { return Ok(None) };
            let Some(on) = self.relabelled_all(conditions, domain)? else { return Ok(None) };
            return joined(left, right, join.join_type, on).map(Some);
        }
        if !left_uses && keeps_right {
            let Some(right) = self.push(right, domain, false)? else { return Ok(None) };
            let Some(on) = self.relabelled_all(conditions, domain)? else { return Ok(None) };
            return joined(left, right, join.join_type, on).map(Some);
        }
        if domain.values.is_none() {
            // The condition of an inner join is a filter like any other.
            if join.join_type == JoinType::Inner && !left_uses && !right_uses {
                let Some(condition) = conjunction(conditions) else { return Ok(None) };
                let crossed = LogicalPlanBuilder::from(left).cross_join(right).and_then(LogicalPlanBuilder::build);
                return self.bind(crossed.map_err(from_engine)?, condition, domain);
            }
            return Ok(None);
        }
        if !keeps_left {
            return Ok(None);
        }
        let mut other = self.renamed(domain)?;
        let Some(left) = self.push(left, domain, false)? else { return Ok(None) };
        let Some(right) = self.push(right, &mut other, false)? else { return Ok(None) };
        let Some(mut on) = self.relabelled_all(conditions, domain)? else { return Ok(None) };
        for (one, other) in domain.labels.iter().zip(&other.labels) {
            let (one, other) = (Expr::Column(one.column.clone()), Expr::Column(other.column.clone()));
            on.push(datafusion::logical_expr::binary_expr(one, Operator::IsNotDistinctFrom, other));
        }
        joined(left, right, join.join_type, on).map(Some)
    }
}

pub(super) fn filter(plan: LogicalPlan, condition: Expr) -> Result<LogicalPlan> {
    LogicalPlanBuilder::from(plan).filter(condition).and_then(LogicalPlanBuilder::build).map_err(from_engine)
}

pub(super) fn joined(left: LogicalPlan, right: LogicalPlan, join: JoinType, on: Vec<Expr>) -> Result<LogicalPlan> {
    LogicalPlanBuilder::from(left).join_on(right, join, on).and_then(LogicalPlanBuilder::build).map_err(from_engine)
}

/// Whether all outer columns of an expression are of the domain.
pub(super) fn only(expr: &Expr, domain: &Domain) -> bool {
    let mut all = true;
    let walked = expr.apply(|part| {
        all &= match part {
            Expr::OuterReferenceColumn(_, column) => domain.columns.contains(column),
            Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) => false,
            _ => true,
        };
        Ok(TreeNodeRecursion::Continue)
    });
    walked.is_ok() && all
}

/// A window function within each label.
pub(super) fn partitioned(expr: Expr, by: &[Expr]) -> Result<Expr> {
    let turned = expr.transform_up(|part| {
        Ok(match part {
            Expr::WindowFunction(mut window) => {
                window.params.partition_by.extend(by.iter().cloned());
                Transformed::yes(Expr::WindowFunction(window))
            }
            other => Transformed::no(other),
        })
    });
    Ok(turned.map_err(from_engine)?.data)
}
