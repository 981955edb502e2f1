//! Subqueries that depend on the query around them, as joins with it.
//!
//! The subquery is evaluated once for all rows around it, its rows labelled with the outer values they belong to (the
//! *domain*), and joined with these. Operators that work on whole inputs then work per label: aggregates group by it,
//! windows partition by it, LIMIT counts within it. (T. Neumann, A. Kemper: Unnesting Arbitrary Queries, 2015.)
//!
//! Where the subquery says which of its own values equal the outer ones (`WHERE s.trace_id = t.id`), these values are the
//! labels and the rows around are read once. Else the distinct outer values are joined in, for which they are read twice.

mod nothing;
mod number;
mod push;

use self::nothing::{on_empty, on_empty_value};
pub(super) use self::number::{numbered, windows};

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::expr::{AggregateFunction, Case};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, lit};

use super::Analyzer;
use super::from::is_true;
use super::scope::outer_reference;
use super::subquery::project;
use crate::error::{Error, Result};
use crate::function::registry::aggregates;
use crate::pgtype::types::PgType;
use crate::sql::fault::from_engine;
use crate::sql::gathered::{self, Spec};

/// A label: a column of the subquery's plan, and the outer expression whose value it has.
#[derive(Clone, Debug)]
struct Label {
    column: Column,
    outer: Expr,
    ty: PgType,
}

/// What the labels of a subquery are.
#[derive(Clone, Debug)]
struct Domain {
    /// The outer columns that the subquery uses.
    columns: Vec<Column>,
    labels: Vec<Label>,
    /// The distinct outer values; `None` where the subquery's own values are the labels.
    values: Option<LogicalPlan>,
}

impl Domain {
    fn exprs(&self) -> Vec<Expr> {
        self.labels.iter().map(|label| Expr::Column(label.column.clone())).collect()
    }
}

/// The outer columns of `schema` that a plan uses, also in subqueries of its expressions.
fn outer_columns(plan: &LogicalPlan, schema: &DFSchema) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::new();
    let walked = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::OuterReferenceColumn(_, column) = part
                    && schema.has_column(column)
                    && !columns.contains(column)
                {
                    columns.push(column.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    walked.map_err(from_engine)?;
    Ok(columns)
}

/// Whether an expression uses one of these outer columns.
fn uses(expr: &Expr, columns: &[Column]) -> bool {
    let mut found = false;
    let walked = expr.apply(|part| {
        found |= match part {
            Expr::OuterReferenceColumn(_, column) => columns.contains(column),
            Expr::ScalarSubquery(sub) => plan_uses(&sub.subquery, columns),
            Expr::Exists(exists) => plan_uses(&exists.subquery.subquery, columns),
            Expr::InSubquery(within) => plan_uses(&within.subquery.subquery, columns),
            _ => false,
        };
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    walked.is_ok() && found
}

fn plan_uses(plan: &LogicalPlan, columns: &[Column]) -> bool {
    let mut found = false;
    let walked = plan.apply(|node| {
        node.apply_expressions(|expr| {
            found |= uses(expr, columns);
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    walked.is_ok() && found
}

/// Outer columns as columns of the plan around.
pub(super) fn inner(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let turned = expr.transform_up(|part| {
        Ok(match part {
            Expr::OuterReferenceColumn(_, column) if schema.has_column(&column) => {
                Transformed::yes(Expr::Column(column))
            }
            other => Transformed::no(other),
        })
    });
    Ok(turned.map_err(from_engine)?.data)
}

/// A subquery without those of its conditions that depend on the query around it, and these, as conditions of a join
/// with it; `None` where something else depends on that query.
fn pulled(sub: &LogicalPlan, columns: &[Column], around: &DFSchema) -> Result<Option<(LogicalPlan, Vec<Expr>)>> {
    match sub {
        LogicalPlan::Filter(filter) => {
            let Some((input, mut conditions)) = pulled(&filter.input, columns, around)? else { return Ok(None) };
            let conjuncts = split_conjunction_owned(filter.predicate.clone());
            let (dependent, rest): (Vec<Expr>, Vec<Expr>) =
                conjuncts.into_iter().partition(|conjunct| uses(conjunct, columns));
            for conjunct in dependent {
                let condition = inner(conjunct, around)?;
                if uses_subquery_or_outer(&condition) {
                    return Ok(None);
                }
                conditions.push(condition);
            }
            let plan = match conjunction(rest) {
                Some(rest) => LogicalPlanBuilder::from(input).filter(rest).and_then(LogicalPlanBuilder::build),
                None => Ok(input),
            };
            Ok(Some((plan.map_err(from_engine)?, conditions)))
        }
        LogicalPlan::Projection(projection) if !projection.expr.iter().any(|expr| uses(expr, columns)) => {
            let Some((input, conditions)) = pulled(&projection.input, columns, around)? else { return Ok(None) };
            let mut exprs = projection.expr.clone();
            for column in conditions.iter().flat_map(|condition| condition.column_refs().into_iter().cloned()) {
                let column = Expr::Column(column);
                let is_own = matches!(&column, Expr::Column(own) if input.schema().has_column(own));
                if is_own && !exprs.contains(&column) {
                    exprs.push(column);
                }
            }
            Ok(Some((project(input, exprs)?, conditions)))
        }
        other if outer_columns(other, around)?.is_empty() => Ok(Some((other.clone(), Vec::new()))),
        _ => Ok(None),
    }
}

/// Whether an expression holds what a join cannot have as its condition.
fn uses_subquery_or_outer(expr: &Expr) -> bool {
    let is_one = |part: &Expr| {
        matches!(part, Expr::OuterReferenceColumn(..) | Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_))
    };
    expr.exists(|part| Ok(is_one(part))).unwrap_or(true)
}

impl Analyzer<'_> {
    /// Joins a plan with a subquery that depends on it.
    pub(super) fn dependent_join(
        &self,
        outer: LogicalPlan,
        sub: LogicalPlan,
        join: JoinType,
        on: Option<Expr>,
    ) -> Result<LogicalPlan> {
        let columns = outer_columns(&sub, outer.schema())?;
        if columns.is_empty() {
            return LogicalPlanBuilder::from(outer)
                .join_on(sub, join, on)
                .and_then(LogicalPlanBuilder::build)
                .map_err(from_engine);
        }
        if matches!(join, JoinType::Inner | JoinType::Left)
            && on.as_ref().is_none_or(is_true)
            && let Some(joined) = self.join_whole(&outer, &sub, &columns)?
        {
            return Ok(joined);
        }
        let mut domain = Domain { columns: columns.clone(), labels: Vec::new(), values: None };
        if let Some(plan) = self.push(sub.clone(), &mut domain, false)?
            && !domain.labels.is_empty()
        {
            return self.join_labels(outer, plan, &domain, join, on);
        }
        if let Some((plan, mut conditions)) = pulled(&sub, &columns, outer.schema())? {
            let shown = outer.schema().columns().into_iter().chain(sub.schema().columns()).map(Expr::Column);
            conditions.extend(on);
            let joined = LogicalPlanBuilder::from(outer.clone()).join_on(plan, join, conditions);
            let joined = joined.and_then(LogicalPlanBuilder::build).map_err(from_engine)?;
            return match join {
                JoinType::LeftSemi | JoinType::LeftAnti => Ok(joined),
                _ => project(joined, shown.collect()),
            };
        }
        let (sub, domain) = self.labelled(&outer, sub, columns, false)?;
        self.join_labels(outer, sub, &domain, join, on)
    }

    /// A join with an aggregate over all rows, which gives one row for each of the plan's also where it has no input.
    fn join_whole(&self, outer: &LogicalPlan, sub: &LogicalPlan, columns: &[Column]) -> Result<Option<LogicalPlan>> {
        let own = sub.schema().columns();
        let zeros = own.iter().map(|column| on_empty_value(sub, &Expr::Column(column.clone())));
        let Some(zeros) = zeros.collect::<Option<Vec<Expr>>>() else { return Ok(None) };
        let (sub, domain) = self.labelled(outer, sub.clone(), columns.to_vec(), true)?;
        let mark = self.fresh("m");
        let mut exprs: Vec<Expr> = sub.schema().columns().into_iter().map(Expr::Column).collect();
        exprs.push(lit(true).alias(&mark));
        let sub = project(sub, exprs)?;
        let mut shown: Vec<Expr> = outer.schema().columns().into_iter().map(Expr::Column).collect();
        for (column, zero) in own.into_iter().zip(zeros) {
            let zero = inner(zero, outer.schema())?;
            let value = Expr::Column(column.clone());
            let is_null = matches!(&zero, Expr::Literal(constant, _) if constant.is_null());
            if is_null {
                shown.push(value);
                continue;
            }
            let missing = Expr::Column(Column::new_unqualified(&mark)).is_null();
            let branch = (Box::new(missing), Box::new(zero));
            let value = Expr::Case(Case::new(None, vec![branch], Some(Box::new(value))));
            shown.push(value.alias_qualified(column.relation.clone(), &column.name));
        }
        let joined = self.join_labels(outer.clone(), sub, &domain, JoinType::Left, None)?;
        project(joined, shown).map(Some)
    }

    fn join_labels(
        &self,
        outer: LogicalPlan,
        sub: LogicalPlan,
        domain: &Domain,
        join: JoinType,
        on: Option<Expr>,
    ) -> Result<LogicalPlan> {
        if domain.values.is_some() {
            let pair = |label: &Label| match &label.outer {
                Expr::OuterReferenceColumn(_, column) => Ok((column.clone(), label.column.clone())),
                _ => Err(Error::internal("a label that is no column")),
            };
            let pairs = domain.labels.iter().map(pair).collect::<Result<Vec<_>>>()?;
            return self.join_same(outer, sub, join, pairs, on);
        }
        let mut conditions = Vec::new();
        for label in &domain.labels {
            let value = inner(label.outer.clone(), outer.schema())?;
            conditions.push(value.eq(Expr::Column(label.column.clone())));
        }
        conditions.extend(on);
        LogicalPlanBuilder::from(outer)
            .join_on(sub, join, conditions)
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)
    }

    /// The subquery with its labels.
    fn labelled(
        &self,
        outer: &LogicalPlan,
        sub: LogicalPlan,
        columns: Vec<Column>,
        top: bool,
    ) -> Result<(LogicalPlan, Domain)> {
        let mut domain = Domain { columns: columns.clone(), labels: Vec::new(), values: None };
        if let Some(plan) = self.push(sub.clone(), &mut domain, top)?
            && !domain.labels.is_empty()
        {
            return Ok((plan, domain));
        }
        let mut domain = self.distinct_domain(outer, columns)?;
        let plan = self.push(sub, &mut domain, top)?;
        let plan = plan.ok_or_else(|| Error::unsupported("this correlated subquery"))?;
        Ok((plan, domain))
    }

    /// The distinct values of the outer columns.
    fn distinct_domain(&self, outer: &LogicalPlan, columns: Vec<Column>) -> Result<Domain> {
        let mut labels = Vec::new();
        let mut exprs = Vec::new();
        for column in &columns {
            let name = self.fresh("d");
            let ty = self.columns.borrow().get(column).copied().unwrap_or(PgType::Text);
            exprs.push(Expr::Column(column.clone()).alias(&name));
            self.column(None, &name, ty);
            let reference = outer_reference(column.clone(), ty, self.zone());
            labels.push(Label { column: Column::new_unqualified(name), outer: reference, ty });
        }
        let values = LogicalPlanBuilder::from(outer.clone())
            .project(exprs)
            .and_then(LogicalPlanBuilder::distinct)
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        Ok(Domain { columns, labels, values: Some(values) })
    }

    /// The same domain under other names.
    fn renamed(&self, domain: &Domain) -> Result<Domain> {
        let values = domain.values.clone().ok_or_else(|| Error::internal("labels without values"))?;
        let mut labels = Vec::new();
        let mut exprs = Vec::new();
        for label in &domain.labels {
            let name = self.fresh("d");
            self.column(None, &name, label.ty);
            exprs.push(Expr::Column(label.column.clone()).alias(&name));
            labels.push(Label { column: Column::new_unqualified(name), ..label.clone() });
        }
        // A domain may itself stand under new names already: its plan has those of the first.
        let values = project(values, exprs)?;
        Ok(Domain { columns: domain.columns.clone(), labels, values: Some(values) })
    }

    /// An expression over outer columns as one over their labels; `None` if a column has none.
    fn relabelled(&self, expr: Expr, domain: &Domain) -> Result<Option<Expr>> {
        let mut missing = false;
        let label = |column: &Column| {
            let is_it = |label: &&Label| matches!(&label.outer, Expr::OuterReferenceColumn(_, own) if own == column);
            domain.labels.iter().find(is_it).cloned()
        };
        let zone = self.zone();
        let turned = expr.transform_up(|part| {
            Ok(match part {
                Expr::OuterReferenceColumn(field, column) if domain.columns.contains(&column) => match label(&column) {
                    Some(label) => Transformed::yes(Expr::Column(label.column)),
                    None => {
                        missing = true;
                        Transformed::no(Expr::OuterReferenceColumn(field, column))
                    }
                },
                Expr::ScalarSubquery(mut sub) if plan_uses(&sub.subquery, &domain.columns) => {
                    match deeper(&sub.subquery, domain, zone) {
                        Some(plan) => {
                            sub = super::subquery::engine_subquery(plan);
                            Transformed::yes(Expr::ScalarSubquery(sub))
                        }
                        None => {
                            missing = true;
                            Transformed::no(Expr::ScalarSubquery(sub))
                        }
                    }
                }
                other if uses(&other, &domain.columns) && matches!(other, Expr::Exists(_) | Expr::InSubquery(_)) => {
                    missing = true;
                    Transformed::no(other)
                }
                other => Transformed::no(other),
            })
        });
        let expr = turned.map_err(from_engine)?.data;
        Ok((!missing).then_some(expr))
    }

    fn relabelled_all(&self, exprs: Vec<Expr>, domain: &Domain) -> Result<Option<Vec<Expr>>> {
        let mut turned = Vec::with_capacity(exprs.len());
        for expr in exprs {
            match self.relabelled(expr, domain)? {
                Some(expr) => turned.push(expr),
                None => return Ok(None),
            }
        }
        Ok(Some(turned))
    }

    /// The value of a subquery that depends on a plan: the plan with it, and the expression that it is.
    pub(super) fn dependent_value(&self, outer: LogicalPlan, sub: LogicalPlan) -> Result<(LogicalPlan, Expr)> {
        let column = sub.schema().columns().into_iter().next();
        let column = column.ok_or_else(|| Error::internal("a subquery without columns"))?;
        let (sub, column) = match on_empty(&sub) {
            Some(_) => (sub, column),
            None => self.single(sub, column)?,
        };
        let zero = on_empty(&sub).unwrap_or(Expr::Literal(ScalarValue::Null, None));
        let columns = outer_columns(&sub, outer.schema())?;
        let (sub, domain) = self.labelled(&outer, sub, columns, true)?;
        let mark = self.fresh("m");
        let ty = self.columns.borrow().get(&column).copied().unwrap_or(PgType::Text);
        // The plan may have the value under the name that it has within, from another place.
        let value = self.fresh("o");
        let mut exprs: Vec<Expr> = sub.schema().columns().into_iter().map(Expr::Column).collect();
        let within = exprs.iter_mut().find(|expr| **expr == Expr::Column(column.clone()));
        let within = within.ok_or_else(|| Error::internal("a subquery lost its column"))?;
        *within = within.clone().alias(&value);
        exprs.push(lit(true).alias(&mark));
        let sub = project(sub, exprs)?;
        let zero = inner(zero, outer.schema())?;
        let plan = self.join_labels(outer, sub, &domain, JoinType::Left, None)?;
        let value = self.column(None, &value, ty).expr;
        let is_null = matches!(&zero, Expr::Literal(constant, _) if constant.is_null());
        if is_null {
            return Ok((plan, value));
        }
        let missing = Expr::Column(Column::new_unqualified(mark)).is_null();
        let branch = (Box::new(missing), Box::new(zero));
        Ok((plan, Expr::Case(Case::new(None, vec![branch], Some(Box::new(value))))))
    }

    /// A subquery of one row at most, checked.
    pub(super) fn single(&self, sub: LogicalPlan, column: Column) -> Result<(LogicalPlan, Column)> {
        let ty = self.columns.borrow().get(&column).copied().unwrap_or(PgType::Text);
        let own = aggregates("single_value").first();
        let own = own.ok_or_else(|| Error::internal("no aggregate for single values"))?;
        let spec = Spec {
            aggregate: own.target,
            args: vec![ty],
            result: ty,
            distinct: false,
            direct: Vec::new(),
            order: Vec::new(),
            style: std::sync::Arc::clone(self.style()),
            zone: std::sync::Arc::clone(self.zone()),
        };
        let function = gathered::function(spec);
        let call = AggregateFunction::new_udf(function, vec![Expr::Column(column)], false, None, Vec::new(), None);
        let name = self.fresh("a");
        self.column(None, &name, ty);
        let plan = self.aggregated(sub, Vec::new(), vec![Expr::AggregateFunction(call).alias(&name)])?;
        Ok((plan, Column::new_unqualified(name)))
    }
}

/// A subquery within the one that is labelled, with the outer columns under their labels' names.
fn deeper(plan: &LogicalPlan, domain: &Domain, zone: &str) -> Option<LogicalPlan> {
    let mut missing = false;
    let turned = plan.clone().transform_down_with_subqueries(|node| {
        node.map_expressions(|expr| {
            expr.transform_up(|part| {
                Ok(match part {
                    Expr::OuterReferenceColumn(field, column) if domain.columns.contains(&column) => {
                        let is_it = |label: &&Label| {
                            matches!(&label.outer, Expr::OuterReferenceColumn(_, own) if *own == column)
                        };
                        match domain.labels.iter().find(is_it) {
                            Some(label) => Transformed::yes(outer_reference(label.column.clone(), label.ty, zone)),
                            None => {
                                missing = true;
                                Transformed::no(Expr::OuterReferenceColumn(field, column))
                            }
                        }
                    }
                    other => Transformed::no(other),
                })
            })
        })
    });
    turned.ok().filter(|_| !missing).map(|turned| turned.data)
}
