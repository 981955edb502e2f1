//! Joins of FROM: by condition, by USING, by the same names.

use datafusion::common::Column as EngineColumn;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::logical_expr::expr::{Case, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::utils::{conjunction, split_conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, WindowFunctionDefinition, lit,
};
use datafusion::sql::sqlparser::ast::{self, JoinConstraint, JoinOperator, ObjectNamePart};

use super::super::Analyzer;
use super::super::cte::Ctes;
use super::super::decorrelate::{numbered, windows};
use super::super::expr::{Clause, Context};
use super::super::scope::{Column, Item, Scope, folded};
use super::super::subquery::{has_subquery, project};
use super::super::typed::Typed;
use super::{CROSS, Joining, Part, Source, check_aliases, deep_reference, is_true};
use crate::error::{Error, Kind, Result};
use crate::sql::fault::from_engine;
use crate::sql::windowed::whole_partition;

impl Analyzer<'_> {
    pub(super) fn join(&self, parent: &Scope<'_>, ctes: &Ctes<'_>, left: Source, join: &ast::Join) -> Result<Source> {
        let (kind, constraint) = match &join.join_operator {
            JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => (JoinType::Inner, constraint),
            JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (JoinType::Left, constraint),
            JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => (JoinType::Right, constraint),
            JoinOperator::FullOuter(constraint) => (JoinType::Full, constraint),
            JoinOperator::CrossJoin(constraint) => (JoinType::Inner, constraint),
            _ => return Err(Error::new(Kind::Syntax, "syntax error at or near \"JOIN\"")),
        };
        let scope = Scope { items: left.items.clone(), parent: Some(parent) };
        let (part, right) = self.factor(&scope, ctes, &join.relation)?;
        check_aliases(self, &left.items, &right)?;
        match constraint {
            JoinConstraint::None => {
                let plan = self.combined(left.plan, part, CROSS)?;
                Ok(Source { plan, items: [left.items, right].concat() })
            }
            JoinConstraint::On(condition) => {
                let items = [left.items, right].concat();
                let scope = Scope { items: items.clone(), parent: Some(parent) };
                let context = Context { scope: &scope, ctes, gather: None, clause: Clause::JoinOn };
                let typed = self.condition(&context, condition)?.placed_at(condition);
                let on = self.boolean(typed, "JOIN/ON")?.expr;
                if kind == JoinType::Full {
                    check_full(&on, &left.plan)?;
                }
                if has_subquery(&on) {
                    if kind != JoinType::Inner {
                        let part = Part::Plan(self.standing(part)?);
                        return self.outer_join_subqueries(left.plan, part, kind, on, items);
                    }
                    let plan = self.combined(left.plan, part, CROSS)?;
                    return Ok(Source { plan: self.filtered(plan, on)?, items });
                }
                let plan = self.combined(left.plan, part, Joining { join: kind, on: Some(on) })?;
                Ok(Source { plan, items })
            }
            JoinConstraint::Using(names) => {
                let mut alias = None;
                let mut columns = Vec::new();
                for name in names {
                    match name.0.as_slice() {
                        [marker, own] if marker.to_string() == "join_using_alias" => {
                            alias = own.as_ident().map(folded);
                        }
                        parts => columns.extend(parts.last().and_then(ObjectNamePart::as_ident).map(folded)),
                    }
                }
                let mut source = self.join_using(left, part, right, kind, &columns)?;
                if let (Some(alias), Some(merged)) = (alias, source.items.last().cloned()) {
                    // The alias names the merged columns, and does not show them a second time.
                    let columns = merged.columns.into_iter().take(columns.len()).collect();
                    source.items.push(Item {
                        alias: Some(alias),
                        columns,
                        is_named: true,
                        shows_columns: false,
                        ..merged
                    });
                }
                Ok(source)
            }
            JoinConstraint::Natural => {
                let visible = |items: &[Item]| {
                    let shown = items.iter().filter(|item| item.shows_columns);
                    shown.flat_map(|item| item.columns.iter().map(|column| column.name.clone())).collect::<Vec<_>>()
                };
                let theirs = visible(&right);
                let mut names = Vec::new();
                for name in visible(&left.items) {
                    if theirs.contains(&name) && !names.contains(&name) {
                        names.push(name);
                    }
                }
                self.join_using(left, part, right, kind, &names)
            }
        }
    }

    /// An outer join with subqueries in its condition: each belongs to the side whose columns it uses.
    pub(super) fn outer_join_subqueries(
        &self,
        left: LogicalPlan,
        part: Part,
        kind: JoinType,
        on: Expr,
        items: Vec<Item>,
    ) -> Result<Source> {
        let Part::Plan(right) = part else { return Err(Error::internal("lists that were not unrolled")) };
        let columns: Vec<Expr> =
            left.schema().columns().into_iter().chain(right.schema().columns()).map(Expr::Column).collect();
        let (mut left, mut right) = (left, right);
        let (mut conditions, mut of_both) = (Vec::new(), Vec::new());
        for conjunct in split_conjunction_owned(on) {
            if !has_subquery(&conjunct) {
                conditions.push(conjunct);
                continue;
            }
            let uses = |plan: &LogicalPlan| -> Result<bool> {
                let direct = conjunct.column_refs().iter().any(|column| plan.schema().has_column(column));
                let mut found = direct;
                let walked = conjunct.apply(|part| {
                    let sub = match part {
                        Expr::ScalarSubquery(sub) => Some(sub),
                        Expr::Exists(exists) => Some(&exists.subquery),
                        Expr::InSubquery(within) => Some(&within.subquery),
                        _ => None,
                    };
                    if let Some(sub) = sub {
                        found |= deep_reference(&sub.subquery, plan).unwrap_or(true);
                    }
                    Ok(TreeNodeRecursion::Continue)
                });
                walked.map_err(from_engine)?;
                Ok(found)
            };
            let (of_left, of_right) = (uses(&left)?, uses(&right)?);
            if of_left && of_right {
                of_both.push(conjunct);
                continue;
            }
            let side = if of_left { &mut left } else { &mut right };
            let (plan, mut settled) = self.settle(side.clone(), vec![conjunct])?;
            *side = plan;
            // The value becomes a column, so that the join has nothing but names.
            let name = self.fresh("c");
            let own = settled.pop().ok_or_else(|| Error::internal("a condition became none"))?;
            let mut exprs: Vec<Expr> = side.schema().columns().into_iter().map(Expr::Column).collect();
            exprs.push(own.alias(&name));
            *side = project(side.clone(), exprs)?;
            conditions.push(Expr::Column(EngineColumn::new_unqualified(name)));
        }
        let on = conjunction(conditions);
        let plan = match of_both.is_empty() {
            true => self.combined(left, Part::Plan(right), Joining { join: kind, on })?,
            false => match kind {
                JoinType::Left => self.outer_join_over_both(left, right, on, of_both)?,
                JoinType::Right => self.outer_join_over_both(right, left, on, of_both)?,
                _ if on.is_none() => return Err(not_hashable()),
                _ => return Err(Error::unsupported("a subquery over both sides in the condition of a full join")),
            },
        };
        Ok(Source { plan: project(plan, columns)?, items })
    }

    /// A join that keeps all rows of `kept`, each with those of `other` that satisfy the conditions, of which some hold
    /// subqueries over both. All pairs are made first; then the rows of `kept` that have no pair left get one without.
    fn outer_join_over_both(
        &self,
        kept: LogicalPlan,
        other: LogicalPlan,
        on: Option<Expr>,
        conditions: Vec<Expr>,
    ) -> Result<LogicalPlan> {
        let (number, holds, count, place) = (self.fresh("n"), self.fresh("c"), self.fresh("w"), self.fresh("w"));
        let named = |name: &str| Expr::Column(EngineColumn::new_unqualified(name));
        let (of_kept, of_other) = (kept.schema().columns(), other.schema().columns());
        let kept = numbered(kept, Vec::new(), Vec::new(), &number)?;
        let on = on.or_else(|| Some(lit(true)));
        let pairs = self.combined(kept, Part::Plan(other), Joining { join: JoinType::Left, on })?;
        let (pairs, settled) = self.settle(pairs, conditions)?;
        let truth = conjunction(settled).ok_or_else(|| Error::internal("a condition became none"))?;
        let mut exprs: Vec<Expr> = of_kept.iter().chain(&of_other).cloned().map(Expr::Column).collect();
        exprs.extend([named(&number), Expr::IsTrue(Box::new(truth)).alias(&holds)]);
        let pairs = project(pairs, exprs)?;
        let held = Expr::Case(Case::new(None, vec![(Box::new(named(&holds)), Box::new(lit(1_i64)))], None));
        let params = WindowFunctionParams {
            args: vec![held],
            partition_by: vec![named(&number)],
            order_by: Vec::new(),
            window_frame: whole_partition(),
            filter: None,
            null_treatment: None,
            distinct: false,
        };
        let fun = WindowFunctionDefinition::AggregateUDF(count_udaf());
        let counted = Expr::WindowFunction(Box::new(WindowFunction { fun, params }));
        let pairs = windows(pairs, vec![(counted, count.clone())])?;
        let pairs = numbered(pairs, vec![named(&number)], Vec::new(), &place)?;
        let alone = named(&count).eq(lit(0_i64)).and(named(&place).eq(lit(1_u64)));
        let chosen = LogicalPlanBuilder::from(pairs).filter(named(&holds).or(alone));
        let chosen = chosen.and_then(LogicalPlanBuilder::build).map_err(from_engine)?;
        let mut exprs: Vec<Expr> = of_kept.into_iter().map(Expr::Column).collect();
        exprs.extend(of_other.into_iter().map(|column| {
            let (relation, name) = (column.relation.clone(), column.name.clone());
            let value = Case::new(None, vec![(Box::new(named(&holds)), Box::new(Expr::Column(column)))], None);
            Expr::Case(value).alias_qualified(relation, name)
        }));
        project(chosen, exprs)
    }

    pub(super) fn join_using(
        &self,
        left: Source,
        part: Part,
        right: Vec<Item>,
        kind: JoinType,
        names: &[String],
    ) -> Result<Source> {
        let mut conditions = Vec::new();
        let mut merged = Vec::new();
        for name in names {
            let one = self.using_column(&left.items, name, "left")?;
            let other = self.using_column(&right, name, "right")?;
            let test = self.compare(Operator::Eq, one.clone(), other.clone()).map_err(|error| match error.kind {
                Kind::UndefinedFunction => {
                    let message =
                        format!("JOIN/USING types {} and {} cannot be matched", one.ty.name(), other.ty.name());
                    Error::new(Kind::DatatypeMismatch, message)
                }
                _ => error,
            })?;
            conditions.push(test);
            let (ty, both) = self.unified(vec![one, other], "JOIN/USING")?;
            let [one, other] = <[Typed; 2]>::try_from(both).map_err(|_| Error::internal("two columns became one"))?;
            let typed = match kind {
                JoinType::Full => self.coalesce(vec![one, other])?,
                JoinType::Right => other,
                _ => one,
            };
            debug_assert_eq!(typed.ty, ty);
            merged.push(Column { name: name.clone(), typed });
        }
        let on = match conditions.is_empty() {
            true => None,
            false => Some(self.joined(Operator::And, conditions).expr),
        };
        let join = match (&on, kind) {
            (None, JoinType::Inner) => CROSS,
            _ => Joining { join: kind, on },
        };
        let plan = self.combined(left.plan, part, join)?;
        let mut columns = merged;
        let mut items: Vec<Item> = [left.items, right].concat();
        for item in &mut items {
            if item.shows_columns {
                let rest = item.columns.iter().filter(|column| !names.contains(&column.name));
                columns.extend(rest.cloned());
            }
            item.shows_columns = false;
        }
        items.push(Item {
            alias: None,
            schema: None,
            columns,
            is_named: false,
            shows_columns: true,
            is_scalar: false,
            oid: None,
        });
        Ok(Source { plan, items })
    }

    pub(super) fn using_column(&self, items: &[Item], name: &str, side: &str) -> Result<Typed> {
        let shown = items.iter().filter(|item| item.shows_columns);
        let mut found = shown.flat_map(|item| item.columns.iter().filter(|column| column.name == name));
        let Some(column) = found.next() else {
            let message = format!("column \"{name}\" specified in USING clause does not exist in {side} table");
            return Err(Error::new(Kind::UndefinedColumn, message));
        };
        if found.next().is_some() {
            let message = format!("common column name \"{name}\" appears more than once in {side} table");
            return Err(Error::new(Kind::AmbiguousColumn, message));
        }
        Ok(column.typed.clone())
    }
}

/// FULL JOIN needs an equality of both sides, or no condition.
pub(super) fn check_full(on: &Expr, left: &LogicalPlan) -> Result<()> {
    let of_left = |expr: &Expr| {
        let columns = expr.column_refs();
        let owns = columns.iter().filter(|column| left.schema().has_column(column)).count();
        (!columns.is_empty()).then_some((owns == columns.len(), owns == 0))
    };
    let joins = |part: &&Expr| match part {
        Expr::BinaryExpr(both) if both.op == Operator::Eq => {
            matches!(
                (of_left(&both.left), of_left(&both.right)),
                (Some((true, _)), Some((_, true))) | (Some((_, true)), Some((true, _)))
            )
        }
        // Arrays are compared by a function.
        Expr::ScalarFunction(call) if call.name() == "=" && call.args.len() == 2 => {
            matches!(
                (of_left(&call.args[0]), of_left(&call.args[1])),
                (Some((true, _)), Some((_, true))) | (Some((_, true)), Some((true, _)))
            )
        }
        _ => false,
    };
    let parts = split_conjunction(on);
    if parts.iter().all(|part| is_true(part)) || parts.iter().any(joins) {
        return Ok(());
    }
    Err(not_hashable())
}

fn not_hashable() -> Error {
    let message = "FULL JOIN is only supported with merge-joinable or hash-joinable join conditions";
    Error::new(Kind::FeatureNotSupported, message)
}
