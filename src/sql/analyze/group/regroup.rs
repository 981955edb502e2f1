//! Expressions over rows as expressions over groups.

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, binary_expr};

use super::super::Analyzer;
use super::super::scope::{Scope, outer_reference};
use crate::error::{Error, Kind, Result};
use crate::pgtype::types::PgType;

impl Analyzer<'_> {
    /// An expression over rows as one over groups.
    pub(super) fn regroup(
        &self,
        expr: Expr,
        replaced: &[(Expr, Expr)],
        from: &[Column],
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let mut fault = None;
        let turned = expr.transform_down(|part| {
            if let Some((_, group)) = replaced.iter().find(|(own, _)| *own == part) {
                return Ok(Transformed::new(group.clone(), true, TreeNodeRecursion::Jump));
            }
            match part {
                Expr::Column(column) if from.contains(&column) => {
                    fault.get_or_insert_with(|| ungrouped(scope, &column, false));
                    Ok(Transformed::no(Expr::Column(column)))
                }
                Expr::ScalarSubquery(mut sub) => {
                    let plan = self.regrouped_plan(&sub.subquery, replaced, from, scope, &mut fault)?;
                    sub = super::super::subquery::engine_subquery(plan);
                    Ok(Transformed::yes(Expr::ScalarSubquery(sub)))
                }
                Expr::Exists(mut exists) => {
                    let plan = self.regrouped_plan(&exists.subquery.subquery, replaced, from, scope, &mut fault)?;
                    exists.subquery = super::super::subquery::engine_subquery(plan);
                    Ok(Transformed::yes(Expr::Exists(exists)))
                }
                Expr::InSubquery(mut within) => {
                    let plan = self.regrouped_plan(&within.subquery.subquery, replaced, from, scope, &mut fault)?;
                    within.subquery = super::super::subquery::engine_subquery(plan);
                    Ok(Transformed::yes(Expr::InSubquery(within)))
                }
                // PostgreSQL holds a chain as one node, of which the beginning is no expression by itself.
                Expr::BinaryExpr(both) if is_chain(&both) => {
                    let op = both.op;
                    // An operand that is written otherwise, such as BETWEEN, looks like a chain.
                    let chains = self.chains.borrow();
                    let is_operand = |expr: &Expr| replaced.iter().any(|(own, _)| own == expr && !chains.contains(own));
                    let (mut operands, mut rest) = (Vec::new(), Expr::BinaryExpr(both));
                    while !is_operand(&rest) {
                        match rest {
                            Expr::BinaryExpr(both) if both.op == op => {
                                operands.push(*both.right);
                                rest = *both.left;
                            }
                            other => {
                                rest = other;
                                break;
                            }
                        }
                    }
                    let mut regrouped = |operand: Expr| {
                        let turned = self.regroup(operand.clone(), replaced, from, scope);
                        turned.unwrap_or_else(|error| {
                            fault.get_or_insert(error);
                            operand
                        })
                    };
                    let first = regrouped(rest);
                    let operands = operands.into_iter().rev();
                    let chain = operands.fold(first, |chain, operand| binary_expr(chain, op, regrouped(operand)));
                    Ok(Transformed::new(chain, true, TreeNodeRecursion::Jump))
                }
                other => Ok(Transformed::no(other)),
            }
        });
        let turned = turned.map_err(crate::sql::fault::from_engine)?;
        match fault {
            Some(error) => Err(error),
            None => Ok(turned.data),
        }
    }

    fn regrouped_plan(
        &self,
        plan: &LogicalPlan,
        replaced: &[(Expr, Expr)],
        from: &[Column],
        scope: &Scope<'_>,
        fault: &mut Option<Error>,
    ) -> datafusion::common::Result<LogicalPlan> {
        let zone = self.zone();
        let computed = replaced.iter().filter(|(group, _)| !matches!(group, Expr::Column(_)));
        let computed = computed.map(|(group, column)| (self.to_outer(group.clone()), group, column));
        // A constant belongs to no query.
        let computed: Vec<(Expr, &Expr)> =
            computed.filter(|(outer, group, _)| outer != *group).map(|(outer, _, column)| (outer, column)).collect();
        let turned = plan.clone().transform_down_with_subqueries(|node| {
            node.map_expressions(|expr| {
                expr.transform_down(|part| {
                    // The operand of ANY, which belongs to the query around.
                    if let Some((_, Expr::Column(group))) = computed.iter().find(|(own, _)| *own == part) {
                        let ty = self.columns.borrow().get(group).copied().unwrap_or(PgType::Text);
                        let group = outer_reference(group.clone(), ty, zone);
                        return Ok(Transformed::new(group, true, TreeNodeRecursion::Jump));
                    }
                    let Expr::OuterReferenceColumn(_, column) = &part else { return Ok(Transformed::no(part)) };
                    if !from.contains(column) {
                        return Ok(Transformed::no(part));
                    }
                    let own = Expr::Column(column.clone());
                    match replaced.iter().find(|(group, _)| *group == own) {
                        Some((_, Expr::Column(group))) => {
                            let ty = self.columns.borrow().get(group).copied();
                            let ty = ty.or_else(|| self.columns.borrow().get(column).copied()).unwrap_or(PgType::Text);
                            Ok(Transformed::yes(outer_reference(group.clone(), ty, zone)))
                        }
                        _ => {
                            fault.get_or_insert_with(|| ungrouped(scope, column, true));
                            Ok(Transformed::no(part))
                        }
                    }
                })
            })
        });
        turned.map(|turned| turned.data)
    }
}

/// Whether an AND continues an AND, or an OR an OR.
fn is_chain(both: &BinaryExpr) -> bool {
    let continues = matches!(both.left.as_ref(), Expr::BinaryExpr(left) if left.op == both.op);
    continues && matches!(both.op, Operator::And | Operator::Or)
}

/// The error for a column that is in no group.
fn ungrouped(scope: &Scope<'_>, column: &Column, in_subquery: bool) -> Error {
    let own = Expr::Column(column.clone());
    let named = scope.items.iter().filter(|item| item.is_named);
    let found = named
        .flat_map(|item| item.columns.iter().map(move |column| (item, column)))
        .find(|(_, column)| column.typed.expr == own);
    let name = match found {
        Some((item, column)) => match &item.alias {
            Some(alias) => format!("{alias}.{}", column.name),
            None => column.name.clone(),
        },
        None => column.name.clone(),
    };
    let message = match in_subquery {
        true => format!("subquery uses ungrouped column \"{name}\" from outer query"),
        false => format!("column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function"),
    };
    Error::new(Kind::Grouping, message)
}
