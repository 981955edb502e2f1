//! Subqueries that are written twice: both are the same expression, so that a grouped one is found in the select list,
//! and one join serves both.

use std::fmt::Write;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::super::Analyzer;
use super::super::cte::Ctes;
use super::super::expr::Context;
use super::super::scope::Scope;
use super::super::typed::Typed;
use crate::error::Result;

impl Analyzer<'_> {
    /// What `make` makes of a text, or has made of it in the same place of the same query.
    pub(in crate::sql::analyze) fn shared(
        &self,
        context: &Context<'_>,
        text: &impl std::fmt::Display,
        make: impl FnOnce() -> Result<Typed>,
    ) -> Result<Typed> {
        let mut key = text.to_string();
        write_scope(&mut key, context.scope);
        write_ctes(&mut key, context.ctes);
        if let Some(made) = self.subqueries.borrow().get(&key) {
            return Ok(made.clone());
        }
        let n_aggregates = || context.gather.map_or(0, |gather| gather.aggregates.borrow().len());
        let before = n_aggregates();
        let made = make()?;
        // Each random() is a number of its own, and an aggregate of the query around may not stand in every clause.
        if !is_volatile(&made.expr) && n_aggregates() == before {
            self.subqueries.borrow_mut().insert(key, made.clone());
        }
        Ok(made)
    }
}

/// Every FROM gives its relations new names, so these tell which names a query sees.
fn write_scope(key: &mut String, scope: &Scope<'_>) {
    for item in &scope.items {
        let first = item.columns.first().map(|column| &column.typed.expr);
        // Writing into a string cannot fail.
        let _ = write!(key, "\n{:?} {first:?}", item.alias);
    }
    if let Some(parent) = scope.parent {
        key.push_str("\nwithin");
        write_scope(key, parent);
    }
}

fn write_ctes(key: &mut String, ctes: &Ctes<'_>) {
    for def in &ctes.defs {
        let first = def.bound.columns.first().map(|column| &column.expr);
        let _ = write!(key, "\nwith {} {first:?}", def.name);
    }
    if let Some(parent) = ctes.parent {
        write_ctes(key, parent);
    }
}

fn is_volatile(expr: &Expr) -> bool {
    let mut found = expr.is_volatile();
    let walked = expr.apply(|part| {
        found |= match part {
            Expr::ScalarSubquery(sub) => plan_is_volatile(&sub.subquery),
            Expr::Exists(exists) => plan_is_volatile(&exists.subquery.subquery),
            Expr::InSubquery(within) => plan_is_volatile(&within.subquery.subquery),
            _ => false,
        };
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    walked.is_err() || found
}

fn plan_is_volatile(plan: &LogicalPlan) -> bool {
    let mut found = false;
    let walked = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            found |= expr.is_volatile();
            Ok(TreeNodeRecursion::Continue)
        })
    });
    walked.is_err() || found
}
