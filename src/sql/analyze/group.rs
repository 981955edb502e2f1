//! GROUP BY, grouping sets, and what may stand beside them.

mod regroup;

use datafusion::common::Column;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::functions_aggregate::grouping::grouping_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, Case};
use datafusion::logical_expr::{Aggregate, Expr, GroupingSet, LogicalPlan, lit};
use datafusion::sql::sqlparser::ast;

use super::Analyzer;
use super::expr::{Context, Gather};
use super::scope::{Scope, folded};
use super::select::Stage;
use super::subquery::project;
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::registry::aggregates;
use crate::pgtype::types::PgType;
use crate::sql::gathered::{self, Spec};

/// The most grouping sets that one GROUP BY may stand for, as in PostgreSQL.
const MOST_SETS: usize = 4096;

/// What GROUP BY says.
#[derive(Debug, Default)]
pub(super) struct Grouping {
    /// The expressions, each once.
    exprs: Vec<Typed>,
    /// The sets, by the expressions' numbers; `None` if there is one set of all of them.
    sets: Option<Vec<Vec<usize>>>,
}

impl Grouping {
    fn number(&mut self, typed: Typed) -> usize {
        match self.exprs.iter().position(|own| own.expr == typed.expr) {
            Some(at) => at,
            None => {
                self.exprs.push(typed);
                self.exprs.len() - 1
            }
        }
    }
}

impl Analyzer<'_> {
    /// Reads GROUP BY.
    pub(super) fn group_by(
        &self,
        context: &Context<'_>,
        exprs: &[ast::Expr],
        items: &[(String, Typed)],
        distinct: bool,
    ) -> Result<Grouping> {
        let mut grouping = Grouping::default();
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        let mut has_sets = false;
        for expr in exprs {
            let (own, is_plain) = self.grouping_sets(context, expr, items, &mut grouping)?;
            has_sets |= !is_plain;
            if sets.len() * own.len() > MOST_SETS {
                return Err(Error::new(Kind::StatementTooComplex, "too many grouping sets present (maximum 4096)"));
            }
            // Several items are combined, each set of one with each of the other.
            let crossed = sets.iter().flat_map(|one| {
                own.iter().map(move |other| {
                    let mut set = one.clone();
                    set.extend(other.iter().filter(|at| !one.contains(at)));
                    set
                })
            });
            sets = crossed.collect();
        }
        if distinct {
            let mut kept: Vec<Vec<usize>> = Vec::new();
            for mut set in sets {
                set.sort_unstable();
                if !kept.contains(&set) {
                    kept.push(set);
                }
            }
            sets = kept;
        }
        grouping.sets = has_sets.then_some(sets);
        Ok(grouping)
    }

    /// The sets that one item stands for, and whether it is a plain expression.
    fn grouping_sets(
        &self,
        context: &Context<'_>,
        expr: &ast::Expr,
        items: &[(String, Typed)],
        grouping: &mut Grouping,
    ) -> Result<(Vec<Vec<usize>>, bool)> {
        let mut group = |exprs: &[ast::Expr]| {
            let mut set = Vec::new();
            for expr in exprs {
                let typed = self.group_item(context, expr, items)?;
                let at = grouping.number(typed);
                if !set.contains(&at) {
                    set.push(at);
                }
            }
            Ok::<_, Error>(set)
        };
        match expr {
            ast::Expr::GroupingSets(sets) => {
                let mut all = Vec::new();
                for set in sets {
                    match set.as_slice() {
                        [nested @ (ast::Expr::GroupingSets(_) | ast::Expr::Rollup(_) | ast::Expr::Cube(_))] => {
                            all.extend(self.grouping_sets(context, nested, items, grouping)?.0);
                        }
                        [ast::Expr::Tuple(exprs)] => {
                            let mut own = Vec::new();
                            for expr in exprs {
                                let typed = self.group_item(context, expr, items)?;
                                own.push(grouping.number(typed));
                            }
                            all.push(own);
                        }
                        exprs => {
                            let mut own = Vec::new();
                            for expr in exprs {
                                let typed = self.group_item(context, expr, items)?;
                                own.push(grouping.number(typed));
                            }
                            all.push(own);
                        }
                    }
                }
                Ok((all, false))
            }
            ast::Expr::Rollup(parts) => {
                let parts = parts.iter().map(|part| group(part)).collect::<Result<Vec<_>>>()?;
                let sets = (0..=parts.len()).rev().map(|length| merged(&parts[..length]));
                Ok((sets.collect(), false))
            }
            ast::Expr::Cube(parts) => {
                let parts = parts.iter().map(|part| group(part)).collect::<Result<Vec<_>>>()?;
                if parts.len() > 12 {
                    return Err(Error::new(Kind::StatementTooComplex, "CUBE is limited to 12 elements"));
                }
                let sets = (0..1_usize << parts.len()).rev().map(|mask| {
                    let chosen: Vec<Vec<usize>> = parts
                        .iter()
                        .enumerate()
                        .filter(|(at, _)| mask & (1 << (parts.len() - 1 - at)) != 0)
                        .map(|(_, part)| part.clone())
                        .collect();
                    merged(&chosen)
                });
                Ok((sets.collect(), false))
            }
            ast::Expr::Tuple(exprs) => Ok((vec![group(exprs)?], true)),
            expr => Ok((vec![group(std::slice::from_ref(expr))?], true)),
        }
    }

    /// A name is a column of FROM before it is an output.
    fn group_item(&self, context: &Context<'_>, expr: &ast::Expr, items: &[(String, Typed)]) -> Result<Typed> {
        let mut expr = expr;
        while let ast::Expr::Nested(inner) = expr {
            expr = inner;
        }
        if let Some(at) = self.ordinal(expr, items.len(), "GROUP BY")? {
            return self.grouped_output(&items[at].1, expr);
        }
        if let ast::Expr::Identifier(ident) = expr {
            let name = folded(ident);
            match self.unqualified(&Scope { items: context.scope.items.clone(), parent: None }, ident) {
                Ok(typed) if typed.fields.is_none() => return Ok(typed),
                Err(error) if error.kind == Kind::AmbiguousColumn => return Err(error),
                _ => {}
            }
            let mut found = items.iter().filter(|(own, _)| *own == name);
            if let Some((_, typed)) = found.next() {
                if found.any(|(_, other)| other.expr != typed.expr) {
                    let message = format!("GROUP BY \"{name}\" is ambiguous");
                    return Err(self.at(Error::new(Kind::AmbiguousColumn, message), ident.span.start));
                }
                return self.grouped_output(typed, expr);
            }
        }
        let typed = self.known(self.expr(context, expr)?.placed_at(expr))?;
        self.groupable(typed)
    }

    fn groupable(&self, typed: Typed) -> Result<Typed> {
        if typed.ty == PgType::Json {
            let message = "could not identify an equality operator for type json";
            return Err(self.at(Error::new(Kind::UndefinedFunction, message), typed.place));
        }
        Ok(typed)
    }

    /// An output as an expression to group by.
    fn grouped_output(&self, typed: &Typed, expr: &ast::Expr) -> Result<Typed> {
        if self.listed_chains.borrow().contains(&typed.expr) {
            self.chains.borrow_mut().push(typed.expr.clone());
        }
        let mut has_aggregate = false;
        let mut has_window = false;
        let walked = typed.expr.apply(|part| {
            if let Expr::Column(column) = part
                && column.relation.is_none()
            {
                has_aggregate |= column.name.starts_with('a');
                has_window |= column.name.starts_with('w');
            }
            Ok(TreeNodeRecursion::Continue)
        });
        if walked.is_ok() && has_aggregate {
            let error = Error::new(Kind::Grouping, "aggregate functions are not allowed in GROUP BY");
            return Err(self.located(error, expr));
        }
        if has_window {
            let error = Error::new(Kind::Windowing, "window functions are not allowed in GROUP BY");
            return Err(self.located(error, expr));
        }
        self.groupable(self.known(typed.clone())?)
    }

    /// `grouping(…)`.
    pub(super) fn grouping_call(&self, context: &Context<'_>, args: Vec<Typed>) -> Result<Typed> {
        let Some(gather) = context.gather else {
            return Err(self.refuse_in(context, "grouping operations", Kind::Grouping));
        };
        let name = self.fresh("g");
        let exprs = args.into_iter().map(|arg| arg.expr).collect();
        gather.groupings.borrow_mut().push((exprs, name.clone()));
        Ok(self.column(None, &name, PgType::Int4))
    }

    /// The first value of a group.
    pub(super) fn first_value(&self, typed: Typed) -> Result<Expr> {
        let own = aggregates("first_of").first();
        let own = own.ok_or_else(|| Error::internal("no aggregate for first values"))?;
        let spec = Spec {
            aggregate: own.target,
            args: vec![typed.ty],
            result: typed.ty,
            distinct: false,
            direct: Vec::new(),
            order: Vec::new(),
            style: std::sync::Arc::clone(self.style()),
            zone: std::sync::Arc::clone(self.zone()),
        };
        let function = gathered::function(spec);
        let call = AggregateFunction::new_udf(function, vec![typed.expr], false, None, Vec::new(), None);
        Ok(Expr::AggregateFunction(call))
    }

    /// Aggregates the rows of a SELECT; what is yet to be computed then speaks of groups.
    pub(super) fn grouped(
        &self,
        stage: Stage,
        grouping: Grouping,
        gather: &Gather,
        scope: &Scope<'_>,
    ) -> Result<Stage> {
        let Grouping { exprs: groups, sets } = grouping;
        let calls: Vec<(Expr, String)> = gather.aggregates.borrow().clone();
        let from: Vec<Column> = stage.plan.schema().columns();
        let mut stage = stage;
        let calls = self.in_input_order(&mut stage.plan, calls)?;
        // Group expressions become columns first, so that the aggregation has nothing but names.
        let n_groups = groups.len();
        let exprs = groups.iter().map(|typed| typed.expr.clone()).chain(calls.iter().map(|(expr, _)| expr.clone()));
        let (mut plan, settled) = self.settle(stage.plan.clone(), exprs.collect())?;
        let (group_exprs, call_exprs) = settled.split_at(n_groups);
        let mut columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
        let mut keys = Vec::new();
        let mut firsts = Vec::new();
        // The first values of keys that a grouping set may leave out: the column, the value, whether it is left out.
        let mut partial = Vec::new();
        let mut replaced: Vec<(Expr, Expr)> = Vec::new();
        let mut is_widened = false;
        for (typed, expr) in groups.iter().zip(group_exprs) {
            let value = Typed { expr: expr.clone(), ..typed.clone() };
            let keyed = self.has_key(&value);
            let plain = matches!(expr, Expr::Column(_)) && !keyed && sets.is_none();
            if plain {
                keys.push(expr.clone());
                replaced.push((typed.expr.clone(), expr.clone()));
                continue;
            }
            let name = self.fresh("g");
            is_widened = true;
            let key = if keyed { self.key(value.clone())? } else { value.clone() };
            self.column(None, &name, key.ty);
            columns.push(key.expr.alias(&name));
            let column = Expr::Column(Column::new_unqualified(&name));
            keys.push(column.clone());
            let shown = match keyed {
                true => {
                    let first = self.fresh("a");
                    self.column(None, &first, typed.ty);
                    firsts.push(self.first_value(value)?.alias(&first));
                    let first = Expr::Column(Column::new_unqualified(first));
                    match sets.is_some() {
                        true => {
                            let (shown, left_out) = (self.fresh("g"), self.fresh("a"));
                            let call = vec![column];
                            let call = AggregateFunction::new_udf(grouping_udaf(), call, false, None, Vec::new(), None);
                            firsts.push(Expr::AggregateFunction(call).alias(&left_out));
                            let shown = self.column(None, &shown, typed.ty).expr;
                            partial.push((shown.clone(), first, Expr::Column(Column::new_unqualified(left_out))));
                            shown
                        }
                        false => first,
                    }
                }
                false => column,
            };
            self.stems(&shown, self.origin(&typed.expr));
            replaced.push((typed.expr.clone(), shown));
        }
        if is_widened {
            plan = project(plan, columns)?;
        }
        let mut aggregates: Vec<Expr> =
            call_exprs.iter().zip(&calls).map(|(expr, (_, name))| expr.clone().alias(name)).collect();
        aggregates.extend(firsts);
        let groupings = gather.groupings.borrow().clone();
        let mut flags = Vec::new();
        for (args, name) in &groupings {
            let positions = args.iter().map(|arg| groups.iter().position(|own| own.expr == *arg));
            let Some(positions) = positions.collect::<Option<Vec<usize>>>() else {
                let message = "arguments to GROUPING must be grouping expressions of the associated query level";
                return Err(Error::new(Kind::Grouping, message));
            };
            if sets.is_none() {
                flags.push(name.clone());
                continue;
            }
            let args = positions.into_iter().map(|at| keys[at].clone()).collect();
            let call = AggregateFunction::new_udf(grouping_udaf(), args, false, None, Vec::new(), None);
            aggregates.push(Expr::AggregateFunction(call).alias(name));
        }
        let group = match &sets {
            None => keys,
            Some(sets) => {
                let used: Vec<Vec<Expr>> =
                    sets.iter().map(|set| set.iter().map(|at| keys[*at].clone()).collect()).collect();
                vec![Expr::GroupingSet(GroupingSet::GroupingSets(used))]
            }
        };
        let has_groups = n_groups > 0 || sets.is_some();
        if !has_groups && aggregates.is_empty() {
            // HAVING alone: one group, of which nothing is asked.
            let name = self.fresh("a");
            aggregates.push(super::subquery::count_where(lit(true)).alias(name));
        }
        let mut plan = match &sets {
            Some(sets) if sets.iter().all(Vec::is_empty) => {
                if sets.len() > 1 {
                    return Err(Error::unsupported("several empty grouping sets and no other"));
                }
                let none =
                    aggregates.is_empty().then(|| super::subquery::count_where(lit(true)).alias(self.fresh("a")));
                aggregates.extend(none);
                self.aggregated(plan, Vec::new(), aggregates)?
            }
            _ => self.aggregated(plan, group, aggregates)?,
        };
        if !flags.is_empty() || sets.is_some() {
            // The engine's own number of the set is gone once it has settled what grouping() says.
            let columns = plan.schema().columns().into_iter();
            let columns = columns.filter(|column| column.name != Aggregate::INTERNAL_GROUPING_ID);
            let mut exprs: Vec<Expr> = columns.map(Expr::Column).collect();
            exprs.extend(partial.into_iter().map(|(shown, first, left_out)| {
                let branch = (Box::new(left_out.eq(lit(0_i32))), Box::new(first));
                let name = shown.schema_name().to_string();
                Expr::Case(Case::new(None, vec![branch], None)).alias(name)
            }));
            exprs.extend(flags.into_iter().map(|name: String| lit(0_i32).alias(name)));
            plan = project(plan, exprs)?;
        }
        // An operand of OR is written otherwise.
        let spread = replaced.iter().map(|(own, column)| (super::operator::spread(own.clone()), column.clone()));
        let spread: Vec<(Expr, Expr)> = spread.filter(|pair| !replaced.contains(pair)).collect();
        replaced.extend(spread);
        let change = |expr: Expr| self.regroup(expr, &replaced, &from, scope);
        for (_, typed) in stage.items.iter().filter(|(_, typed)| matches!(typed.expr, Expr::Column(_))) {
            change(typed.expr.clone()).map_err(|error| self.at(error, typed.place))?;
        }
        let windows =
            gather.windows.borrow().iter().map(|(expr, _)| change(expr.clone())).collect::<Result<Vec<_>>>()?;
        for (window, changed) in gather.windows.borrow_mut().iter_mut().zip(windows) {
            window.0 = changed;
        }
        let lists = gather.sets.borrow().iter().map(|call| change(call.list.clone())).collect::<Result<Vec<_>>>()?;
        for (call, changed) in gather.sets.borrow_mut().iter_mut().zip(lists) {
            call.list = changed;
        }
        let mut stage = stage;
        stage.plan = plan;
        stage.map(change)
    }

    /// Aggregates that take their rows as they come, over rows that are in an order: that order is kept.
    fn in_input_order(&self, plan: &mut LogicalPlan, calls: Vec<(Expr, String)>) -> Result<Vec<(Expr, String)>> {
        if !calls.iter().any(|(call, _)| gathered::takes_order(call)) {
            return Ok(calls);
        }
        let number = self.fresh("n");
        let Some(ordered) = super::subquery::in_order(plan, &number)? else { return Ok(calls) };
        *plan = ordered;
        let key = Expr::Column(Column::new_unqualified(number));
        Ok(calls.into_iter().map(|(call, name)| (gathered::ordered(call, &key), name)).collect())
    }
}

fn merged(parts: &[Vec<usize>]) -> Vec<usize> {
    let mut set = Vec::new();
    for at in parts.iter().flatten() {
        if !set.contains(at) {
            set.push(*at);
        }
    }
    set
}
