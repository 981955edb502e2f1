//! UNION, INTERSECT, EXCEPT and VALUES.

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier};

use super::Analyzer;
use super::assign::Target;
use super::cte::Ctes;
use super::decorrelate::numbered;
use super::expr::{Clause, Context};
use super::output::{Bound, Output};
use super::scope::Scope;
use super::subquery::{empty, project};
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::pgtype::types::PgType;
use crate::sql::fault::from_engine;

impl Analyzer<'_> {
    /// Two queries as one.
    pub(super) fn set_operation(
        &self,
        scope: Option<&Scope<'_>>,
        ctes: &Ctes<'_>,
        (op, quantifier): (SetOperator, SetQuantifier),
        left: &SetExpr,
        right: &SetExpr,
    ) -> Result<Bound> {
        let what = match op {
            SetOperator::Union => "UNION",
            SetOperator::Intersect => "INTERSECT",
            SetOperator::Except => "EXCEPT",
            SetOperator::Minus => return Err(Error::new(Kind::Syntax, "syntax error at or near \"MINUS\"")),
        };
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::None | SetQuantifier::Distinct => false,
            _ => return Err(Error::new(Kind::Syntax, "syntax error at or near \"BY\"")),
        };
        let (left, right) = (self.body(scope, ctes, left)?, self.body(scope, ctes, right)?);
        if left.columns.len() != right.columns.len() {
            let message = format!("each {what} query must have the same number of columns");
            return Err(Error::new(Kind::Syntax, message));
        }
        let mut types = Vec::new();
        for at in 0..left.columns.len() {
            let side = |bound: &Bound| bound.literals[at].clone().unwrap_or_else(|| bound.columns[at].clone());
            let (ty, _) = self.unified(vec![side(&left), side(&right)], what)?;
            if ty == PgType::Json && !(all && op == SetOperator::Union) {
                let message = "could not identify an equality operator for type json";
                return Err(Error::new(Kind::UndefinedFunction, message));
            }
            types.push(ty);
        }
        let names: Vec<String> = types.iter().map(|_| self.fresh("o")).collect();
        let outputs: Vec<Output> = types
            .iter()
            .enumerate()
            .map(|(at, ty)| {
                let same = left.columns[at].typmod == right.columns[at].typmod
                    && left.columns[at].ty == *ty
                    && right.columns[at].ty == *ty;
                let typmod = if same { left.columns[at].typmod } else { -1 };
                Output { name: left.outputs[at].name.clone(), ty: *ty, typmod, origin: None, fields: None }
            })
            .collect();
        let left = self.as_types(left, &types, &names)?;
        let right = self.as_types(right, &types, &names)?;
        let plan = match op {
            SetOperator::Union => {
                let united = LogicalPlanBuilder::from(left).union(right).and_then(LogicalPlanBuilder::build);
                let united = united.map_err(from_engine)?;
                if all { united } else { self.distinct_rows(united, &types)? }
            }
            _ => self.matched(left, right, op == SetOperator::Intersect, all, &types)?,
        };
        let columns: Vec<Typed> = names
            .iter()
            .zip(&outputs)
            .map(|(name, output)| self.column(None, name, output.ty).with_typmod(output.typmod))
            .collect();
        let literals = vec![None; columns.len()];
        Ok(Bound { plan, outputs, columns, literals })
    }

    /// The columns as these types, under these names.
    fn as_types(&self, bound: Bound, types: &[PgType], names: &[String]) -> Result<LogicalPlan> {
        let mut exprs = Vec::new();
        for (at, (ty, name)) in types.iter().zip(names).enumerate() {
            let typed = bound.literals[at].clone().unwrap_or_else(|| bound.columns[at].clone());
            exprs.push(self.implicit(typed, *ty)?.expr.alias(name));
        }
        project(bound.plan, exprs)
    }

    /// Rows of the left that are, or are not, among those of the right.
    fn matched(
        &self,
        left: LogicalPlan,
        right: LogicalPlan,
        intersect: bool,
        all: bool,
        types: &[PgType],
    ) -> Result<LogicalPlan> {
        let columns = left.schema().columns();
        let (left, right) = match all {
            true => (left, right),
            false => (self.distinct_rows(left, types)?, right),
        };
        // Each side with its keys, and, with ALL, with the number of each row among its equals.
        let keyed = |plan: LogicalPlan| -> Result<(LogicalPlan, Vec<Column>)> {
            let own = plan.schema().columns();
            let mut exprs: Vec<Expr> = own.iter().cloned().map(Expr::Column).collect();
            let mut keys = Vec::new();
            for (column, ty) in own.iter().zip(types) {
                let key = self.key(Typed::new(Expr::Column(column.clone()), *ty))?;
                let name = self.fresh("k");
                exprs.push(key.expr.alias(&name));
                keys.push(Column::new_unqualified(name));
            }
            let mut plan = project(plan, exprs)?;
            if all {
                let name = self.fresh("n");
                plan = numbered(plan, keys.iter().cloned().map(Expr::Column).collect(), Vec::new(), &name)?;
                keys.push(Column::new_unqualified(name));
            }
            Ok((plan, keys))
        };
        let (left, left_keys) = keyed(left)?;
        let (right, right_keys) = keyed(right)?;
        let right = project(right, right_keys.iter().cloned().map(Expr::Column).collect())?;
        let join = if intersect { JoinType::LeftSemi } else { JoinType::LeftAnti };
        let pairs = left_keys.into_iter().zip(right_keys).collect();
        let joined = self.join_same(left, right, join, pairs, None)?;
        project(joined, columns.into_iter().map(Expr::Column).collect())
    }

    /// VALUES.
    pub(super) fn values(
        &self,
        scope: Option<&Scope<'_>>,
        ctes: &Ctes<'_>,
        values: &ast::Values,
        targets: &[Target],
    ) -> Result<Bound> {
        let own = Scope::new(scope);
        let context = Context { scope: &own, ctes, gather: None, clause: Clause::Values };
        let width = values.rows.first().map_or(0, |row| row.content.len());
        let mut columns: Vec<Vec<Typed>> = vec![Vec::new(); width];
        for row in &values.rows {
            if row.content.len() != width {
                return Err(Error::new(Kind::Syntax, "VALUES lists must all be the same length"));
            }
            for (at, (column, expr)) in columns.iter_mut().zip(&row.content).enumerate() {
                let typed = self.expr(&context, expr)?.placed_at(expr);
                column.push(match targets.get(at) {
                    Some(target) => self.assign(typed, target, at)?,
                    None => typed,
                });
            }
        }
        let rows = values.rows.len();
        let mut literals = Vec::new();
        let mut outputs = Vec::new();
        let mut typed = Vec::new();
        for (at, column) in columns.into_iter().enumerate() {
            let only = (rows == 1 && column[0].ty == PgType::Unknown).then(|| column[0].clone());
            let typmod = column[0].typmod;
            let same = column.iter().all(|value| value.typmod == typmod && value.ty == column[0].ty);
            let (ty, column) = self.unified(column, "VALUES")?;
            outputs.push(Output {
                name: format!("column{}", at + 1),
                ty,
                typmod: if same { typmod } else { -1 },
                origin: None,
                fields: None,
            });
            literals.push(only);
            typed.push(column);
        }
        let names: Vec<String> = outputs.iter().map(|_| self.fresh("o")).collect();
        let row = |at: usize| typed.iter().map(|column| column[at].expr.clone()).collect::<Vec<_>>();
        let is_plain = typed.iter().flatten().all(|value| value.value.is_some());
        let plan = match is_plain {
            true => {
                let values = LogicalPlanBuilder::values((0..rows).map(row).collect());
                let plan = values.and_then(LogicalPlanBuilder::build).map_err(from_engine)?;
                let columns = plan.schema().columns().into_iter().zip(&names);
                let exprs = columns.map(|(column, name)| Expr::Column(column).alias(name)).collect();
                project(plan, exprs)?
            }
            // A row that is not constant is a query of its own.
            false => {
                let mut united: Option<LogicalPlanBuilder> = None;
                for at in 0..rows {
                    let (one, exprs) = self.settle(empty(true)?, row(at))?;
                    let exprs = exprs.into_iter().zip(&names).map(|(expr, name)| expr.alias(name)).collect();
                    let plan = project(one, exprs)?;
                    united = Some(match united {
                        Some(united) => united.union(plan).map_err(from_engine)?,
                        None => LogicalPlanBuilder::from(plan),
                    });
                }
                let united = united.ok_or_else(|| Error::internal("VALUES without rows"))?;
                united.build().map_err(from_engine)?
            }
        };
        let columns: Vec<Typed> =
            names.iter().zip(&outputs).map(|(name, output)| self.column(None, name, output.ty)).collect();
        Ok(Bound { plan, outputs, columns, literals })
    }
}
