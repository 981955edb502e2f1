//! Subqueries in expressions.
//!
//! While an expression is read, a subquery stays in it as the engine's own expression. Once the plan below is made,
//! [`Analyzer::settle`] turns all but the simplest into joins: the engine's own way is left for `IN` and `EXISTS` that
//! are conditions of WHERE by themselves, and for values that depend on nothing outside.

mod quantified;
mod settle;
mod shared;

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, NullEquality, Spans};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, Case, Exists, InSubquery};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, lit};
use datafusion::sql::sqlparser::ast::{self};

use super::Analyzer;
use super::decorrelate::numbered;
use super::expr::Context;
use super::output::Bound;
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::registry::aggregates;
use crate::function::resolve::choose;
use crate::pgtype::types::PgType;
use crate::sql::fault::from_engine;
use crate::sql::gathered::{self, SortKey, Spec};
use crate::sql::scalar::{kept, nullable};

/// A subquery as the engine holds it. What subqueries within it refer to further out, it refers to itself.
pub(super) fn engine_subquery(plan: LogicalPlan) -> Subquery {
    let mut outer_ref_columns = plan.all_out_ref_exprs();
    let walked = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if matches!(part, Expr::OuterReferenceColumn(..)) && !outer_ref_columns.contains(part) {
                    outer_ref_columns.push(part.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    debug_assert!(walked.is_ok(), "the walk itself cannot fail");
    Subquery { subquery: Arc::new(plan), outer_ref_columns, spans: Spans::new() }
}

impl Analyzer<'_> {
    fn inner(&self, context: &Context<'_>, query: &ast::Query) -> Result<Bound> {
        self.query(Some(context.scope), context.ctes, query)
    }

    /// EXISTS.
    pub(super) fn exists(&self, context: &Context<'_>, query: &ast::Query, negated: bool) -> Result<Typed> {
        let bound = self.inner(context, query)?;
        Ok(Typed::new(Expr::Exists(Exists::new(engine_subquery(bound.plan), negated)), PgType::Bool))
    }

    /// A subquery that stands for a value.
    pub(super) fn scalar_subquery(&self, context: &Context<'_>, query: &ast::Query) -> Result<Typed> {
        let bound = self.inner(context, query)?;
        let [column] = bound.columns.as_slice() else {
            return Err(Error::new(Kind::Syntax, "subquery must return only one column"));
        };
        let (ty, typmod) = (column.ty, column.typmod);
        let subquery = engine_subquery(bound.plan);
        let subquery = match subquery.outer_ref_columns.is_empty() {
            true => engine_subquery(self.maybe_without_rows(Arc::unwrap_or_clone(subquery.subquery))?),
            false => subquery,
        };
        Ok(Typed::new(Expr::ScalarSubquery(subquery), ty).with_typmod(typmod))
    }

    /// A query of one column as a value, which is NULL without rows, whatever the engine thinks of the column.
    fn maybe_without_rows(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let own = plan.schema().columns().into_iter().next();
        let own = own.ok_or_else(|| Error::internal("a subquery without columns"))?;
        if !plan.schema().field(0).is_nullable() {
            return Ok(self.single(plan, own)?.0);
        }
        if is_of_table(&plan, &own) {
            return Ok(plan);
        }
        // It may turn out to be a constant.
        let (relation, name) = (own.relation.clone(), own.name.clone());
        project(plan, vec![nullable(Expr::Column(own)).alias_qualified(relation, name)])
    }

    /// A subquery that stands for a row: one value for each of its columns.
    pub(super) fn row_subquery(&self, context: &Context<'_>, query: &ast::Query) -> Result<Typed> {
        let bound = self.inner(context, query)?;
        let fields = bound.outputs.iter().zip(&bound.columns).map(|(output, column)| {
            let plan = project(bound.plan.clone(), vec![column.expr.clone()])?;
            Ok((output.name.clone(), Typed::new(Expr::ScalarSubquery(engine_subquery(plan)), column.ty)))
        });
        self.record(fields.collect::<Result<_>>()?)
    }

    /// `ARRAY(SELECT …)`.
    pub(super) fn array_subquery(&self, context: &Context<'_>, query: &ast::Query) -> Result<Typed> {
        let bound = self.inner(context, query)?;
        let [column] = bound.columns.as_slice() else {
            return Err(Error::new(Kind::Syntax, "subquery must return only one column"));
        };
        let number = self.fresh("n");
        let (plan, is_ordered) = match in_order(&bound.plan, &number)? {
            Some(plan) => (plan, true),
            None => (bound.plan.clone(), false),
        };
        let order = SortKey { ty: PgType::Int8, descending: false, nulls_first: false, arg: None };
        let choice = choose(aggregates("array_agg"), &[column.ty])
            .map_err(|_| Error::unsupported(format!("an array of {}", column.ty.name())))?;
        let spec = Spec {
            aggregate: choice.target,
            args: choice.args,
            result: choice.result,
            distinct: false,
            direct: Vec::new(),
            order: is_ordered.then_some(order).into_iter().collect(),
            style: Arc::clone(self.style()),
            zone: Arc::clone(self.zone()),
        };
        let result = spec.result;
        let name = self.fresh("a");
        let key = is_ordered.then(|| Expr::Column(Column::new_unqualified(&number)));
        let call = AggregateFunction::new_udf(
            gathered::function(spec),
            [column.expr.clone()].into_iter().chain(key).collect(),
            false,
            None,
            Vec::new(),
            None,
        );
        let gathered = self.column(None, &name, result);
        let plan = self.aggregated(plan, Vec::new(), vec![Expr::AggregateFunction(call).alias(&name)])?;
        let empty = self.constant(result, Datum::Array(Vec::new()))?;
        let value = self.coalesce(vec![gathered, empty])?;
        let name = self.fresh("o");
        let plan = project(plan, vec![value.expr.alias(&name)])?;
        self.column(None, &name, result);
        Ok(Typed::new(Expr::ScalarSubquery(engine_subquery(plan)), result))
    }

    /// `x IN (SELECT …)`.
    pub(super) fn in_subquery(
        &self,
        context: &Context<'_>,
        left: &ast::Expr,
        query: &ast::Query,
        negated: bool,
    ) -> Result<Typed> {
        let typed = self.expr(context, left)?.placed_at(left);
        let bound = self.inner(context, query)?;
        let any = self.any_of(typed, Operator::Eq, bound)?;
        if negated { self.negated(any) } else { Ok(any) }
    }

    /// Whether a comparison holds for any row of a subquery.
    fn any_of(&self, typed: Typed, op: Operator, bound: Bound) -> Result<Typed> {
        let width = typed.fields.as_ref().map_or(1, |fields| fields.len());
        check_width(width, bound.columns.len())?;
        match (&typed.fields, bound.columns.as_slice(), op) {
            (None, [column], Operator::Eq) => {
                let ty = self.compared_type("=", &typed, column)?;
                if ty.element().is_some() {
                    return self.any_by_counting(typed, op, bound);
                }
                let left = self.key(self.implicit(typed, ty)?)?;
                let right = self.key(self.implicit(column.clone(), ty)?)?;
                let name = self.fresh("o");
                self.column(None, &name, right.ty);
                let plan = project(bound.plan, vec![right.expr.alias(&name)])?;
                let within = InSubquery::new(Box::new(left.expr), engine_subquery(plan), false);
                Ok(Typed::new(Expr::InSubquery(within), PgType::Bool))
            }
            _ => self.any_by_counting(typed, op, bound),
        }
    }

    /// Counts the rows for which a comparison holds, and those for which it is NULL.
    fn any_by_counting(&self, typed: Typed, op: Operator, bound: Bound) -> Result<Typed> {
        let left = self.as_outer(typed);
        let right = match (&left.fields, bound.columns.as_slice()) {
            (None, [column]) => column.clone(),
            (_, columns) => {
                let fields = columns.iter().map(|column| (String::new(), column.clone())).collect();
                self.record(fields)?
            }
        };
        let test = self.compare(op, left, right)?;
        self.counted(test, bound.plan)
    }

    /// An expression, with its fields, as a query within sees it.
    fn as_outer(&self, typed: Typed) -> Typed {
        let fields = typed.fields.as_ref().map(|fields| {
            let turned = fields.iter().map(|(name, field)| (name.clone(), self.as_outer(field.clone())));
            Arc::new(turned.collect::<Vec<_>>())
        });
        Typed { expr: self.to_outer(typed.expr), fields, ..typed }
    }

    /// Whether a condition holds for any row: NULL if for none, but not for all it is false.
    fn counted(&self, test: Typed, plan: LogicalPlan) -> Result<Typed> {
        let (plan, mut settled) = self.settle(plan, vec![test.expr])?;
        let test = settled.pop().ok_or_else(|| Error::internal("a condition became none"))?;
        let (holds, unknown) = (self.fresh("a"), self.fresh("a"));
        let is_null = Expr::IsNull(Box::new(test.clone()));
        let calls = vec![count_where(test).alias(&holds), count_where(is_null).alias(&unknown)];
        let holds = self.column(None, &holds, PgType::Int8).expr;
        let unknown = self.column(None, &unknown, PgType::Int8).expr;
        let plan = self.aggregated(plan, Vec::new(), calls)?;
        let value = three_valued(holds.gt(lit(0_i64)), unknown.gt(lit(0_i64)));
        let name = self.fresh("o");
        self.column(None, &name, PgType::Bool);
        let plan = project(plan, vec![value.alias(&name)])?;
        Ok(Typed::new(Expr::ScalarSubquery(engine_subquery(plan)), PgType::Bool))
    }

    /// An aggregation by plain expressions of the engine.
    pub(super) fn aggregated(&self, plan: LogicalPlan, group: Vec<Expr>, calls: Vec<Expr>) -> Result<LogicalPlan> {
        LogicalPlanBuilder::from(plan).aggregate(group, calls).and_then(LogicalPlanBuilder::build).map_err(from_engine)
    }

    /// A join on columns that are the same on both sides, NULL included.
    pub(super) fn join_same(
        &self,
        left: LogicalPlan,
        right: LogicalPlan,
        join: JoinType,
        pairs: Vec<(Column, Column)>,
        filter: Option<Expr>,
    ) -> Result<LogicalPlan> {
        if pairs.is_empty() {
            return LogicalPlanBuilder::from(left)
                .join_on(right, join, filter)
                .and_then(LogicalPlanBuilder::build)
                .map_err(from_engine);
        }
        let keys: (Vec<Column>, Vec<Column>) = pairs.into_iter().unzip();
        // `ExtractEquijoinPredicate` of DataFusion 55.2 makes keys of the equalities in the filter, which then hold for
        // two NULLs as these keys do.
        let filter = filter.map(kept);
        LogicalPlanBuilder::from(left)
            .join_detailed(right, join, keys, filter, NullEquality::NullEqualsNull)
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)
    }
}

/// The plan with the number of each row in the column `name`, if its rows are in an order.
pub(super) fn in_order(plan: &LogicalPlan, name: &str) -> Result<Option<LogicalPlan>> {
    let numbered = match plan {
        LogicalPlan::Sort(sort) => numbered(plan.clone(), Vec::new(), sort.expr.clone(), name)?,
        LogicalPlan::Limit(limit) => match limit.input.as_ref() {
            LogicalPlan::Sort(sort) => numbered(plan.clone(), Vec::new(), sort.expr.clone(), name)?,
            _ => return Ok(None),
        },
        LogicalPlan::Projection(projection) => {
            let Some(input) = in_order(&projection.input, name)? else { return Ok(None) };
            let mut exprs = projection.expr.clone();
            exprs.push(Expr::Column(Column::new_unqualified(name)));
            return project(input, exprs).map(Some);
        }
        LogicalPlan::Filter(filter) => {
            let Some(input) = in_order(&filter.input, name)? else { return Ok(None) };
            let filtered = LogicalPlanBuilder::from(input).filter(filter.predicate.clone());
            return filtered.and_then(LogicalPlanBuilder::build).map(Some).map_err(from_engine);
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let inner = LogicalPlan::clone(&alias.input);
            let columns = inner.schema().columns();
            let Some(input) = in_order(&inner, name)? else { return Ok(None) };
            let mut exprs: Vec<Expr> = columns
                .into_iter()
                .map(|column| {
                    let own = column.name.clone();
                    Expr::Column(column).alias_qualified(Some(alias.alias.clone()), own)
                })
                .collect();
            exprs.push(Expr::Column(Column::new_unqualified(name)));
            return project(input, exprs).map(Some);
        }
        _ => return Ok(None),
    };
    // The engine counts without a sign.
    let mut exprs: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    let number = Expr::Column(Column::new_unqualified(name));
    exprs.push(datafusion::logical_expr::cast(number, datafusion::arrow::datatypes::DataType::Int64).alias(name));
    project(numbered, exprs).map(Some)
}

/// A plan with these columns only.
pub(super) fn project(plan: LogicalPlan, exprs: Vec<Expr>) -> Result<LogicalPlan> {
    LogicalPlanBuilder::from(plan).project(exprs).and_then(LogicalPlanBuilder::build).map_err(from_engine)
}

/// No columns, and one row or none.
pub(super) fn empty(one_row: bool) -> Result<LogicalPlan> {
    LogicalPlanBuilder::empty(one_row).build().map_err(from_engine)
}

/// How many rows satisfy a condition.
pub(super) fn count_where(condition: Expr) -> Expr {
    let filter = (condition != lit(true)).then(|| Box::new(condition));
    let call = AggregateFunction::new_udf(count_udaf(), vec![lit(1_i64)], false, filter, Vec::new(), None);
    Expr::AggregateFunction(call)
}

/// True, or NULL, or false.
fn three_valued(holds: Expr, unknown: Expr) -> Expr {
    let null = Expr::Literal(datafusion::common::ScalarValue::Boolean(None), None);
    let branches = vec![(Box::new(holds), Box::new(lit(true))), (Box::new(unknown), Box::new(null))];
    Expr::Case(Case::new(None, branches, Some(Box::new(lit(false)))))
}

/// Whether a column of a plan is one of a table as it stands there.
fn is_of_table(plan: &LogicalPlan, column: &Column) -> bool {
    match plan {
        LogicalPlan::TableScan(_) => true,
        LogicalPlan::Join(join) => {
            let side = [&join.left, &join.right].into_iter().find(|side| side.schema().has_column(column));
            side.is_some_and(|side| is_of_table(side, column))
        }
        LogicalPlan::Sort(sort) => is_of_table(&sort.input, column),
        LogicalPlan::Limit(limit) => is_of_table(&limit.input, column),
        LogicalPlan::Filter(filter) => is_of_table(&filter.input, column),
        LogicalPlan::SubqueryAlias(alias) => {
            let at = alias.schema.maybe_index_of_column(column);
            at.is_some_and(|at| is_of_table(&alias.input, &Column::from(alias.input.schema().qualified_field(at))))
        }
        LogicalPlan::Projection(projection) => {
            let at = projection.schema.maybe_index_of_column(column);
            let own = at.and_then(|at| projection.expr.get(at)).cloned().map(Expr::unalias);
            matches!(own, Some(Expr::Column(own)) if is_of_table(&projection.input, &own))
        }
        _ => false,
    }
}

/// Whether a subquery is in an expression.
pub(super) fn has_subquery(expr: &Expr) -> bool {
    let mut found = false;
    let walked = expr.apply(|part| {
        found |= matches!(part, Expr::Exists(_) | Expr::InSubquery(_) | Expr::ScalarSubquery(_));
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    walked.is_ok() && found
}

fn check_width(left: usize, right: usize) -> Result<()> {
    match left.cmp(&right) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(Error::new(Kind::Syntax, "subquery has too many columns")),
        std::cmp::Ordering::Greater => Err(Error::new(Kind::Syntax, "subquery has too few columns")),
    }
}
