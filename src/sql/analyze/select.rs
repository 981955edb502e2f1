//! SELECT: from its tables to its columns.
//!
//! ```text
//! FROM → WHERE → aggregates → HAVING → windows → sets → columns → DISTINCT → ORDER BY → LIMIT
//! ```

use datafusion::common::Column as EngineColumn;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::sql::sqlparser::ast::{
    self, Distinct, GroupByExpr, SelectItem, SelectItemQualifiedWildcardKind, Spanned,
};

use super::Analyzer;
use super::cte::Ctes;
use super::decorrelate::numbered;
use super::expr::{Clause, Context, Gather};
use super::group::Grouping;
use super::output::{Bound, Output};
use super::query::Limits;
use super::scope::{Scope, folded};
use super::subquery::project;
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::pgtype::types::PgType;
use crate::sql::fault::from_engine;
use crate::sql::names::figure;

/// A key of ORDER BY before the columns have their names: an output, or an expression of its own.
enum Key {
    Output(usize),
    Hidden(Box<Typed>),
}

impl Analyzer<'_> {
    /// A SELECT with the ORDER BY and LIMIT of its query.
    pub(super) fn select(
        &self,
        parent: Option<&Scope<'_>>,
        ctes: &Ctes<'_>,
        select: &ast::Select,
        order_by: &[ast::OrderByExpr],
        limits: &Limits,
    ) -> Result<Bound> {
        refuse_extensions(select)?;
        let source = self.from(parent, ctes, &select.from)?;
        let scope = Scope { items: source.items, parent };
        let gather = Gather { named_windows: self.named_windows(&select.named_window)?, ..Gather::default() };
        let context = Context { scope: &scope, ctes, gather: Some(&gather), clause: Clause::Select };
        let items = self.items(&context, &select.projection)?;
        let mut plan = source.plan;
        if let Some(condition) = &select.selection {
            let typed = self.condition(&context.within(Clause::Where), condition)?.placed_at(condition);
            plan = self.filtered(plan, self.boolean(typed, "WHERE")?.expr)?;
        }
        let having = match &select.having {
            Some(having) => {
                let typed = self.condition(&context.within(Clause::Having), having)?.placed_at(having);
                Some(self.boolean(typed, "HAVING")?.expr)
            }
            None => None,
        };
        let grouping = self.grouping(&context, &select.group_by, &items)?;
        let (on, distinct) = match &select.distinct {
            Some(Distinct::Distinct) => (Vec::new(), true),
            Some(Distinct::On(exprs)) => (self.distinct_on(&context, exprs, &items)?, false),
            _ => (Vec::new(), false),
        };
        let keys = self.order_keys(&context, order_by, &items)?;
        let mut stage = Stage { plan, items, having, keys, on };
        let is_grouped = grouping.is_some()
            || stage.having.is_some()
            || !gather.aggregates.borrow().is_empty()
            || !gather.groupings.borrow().is_empty();
        if is_grouped {
            stage = self.grouped(stage, grouping.unwrap_or_default(), &gather, &scope)?;
        }
        if let Some(having) = stage.having.take() {
            stage.plan = self.filtered(stage.plan, having)?;
        }
        stage = self.windowed(stage, &gather)?;
        let sets = gather.sets.borrow().clone();
        if !sets.is_empty() {
            stage.plan = self.unrolled(stage.plan, sets, false)?;
        }
        self.finished_select(stage, distinct, order_by, limits)
    }

    /// The select list, with the stars put in full.
    fn items(&self, context: &Context<'_>, projection: &[SelectItem]) -> Result<Vec<(String, Typed)>> {
        let mut items = Vec::new();
        for item in projection {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let typed = self.expr(context, expr)?.placed_at(expr);
                    items.push((figure(expr), typed));
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    items.push((folded(alias), self.expr(context, expr)?.placed_at(expr)));
                }
                SelectItem::Wildcard(options) => {
                    refuse_wildcard_options(options)?;
                    if context.scope.items.is_empty() {
                        let error = Error::new(Kind::Syntax, "SELECT * with no tables specified is not valid");
                        return Err(self.located(error, item));
                    }
                    items.extend(self.star(context.scope, None)?);
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    refuse_wildcard_options(options)?;
                    let idents: Vec<ast::Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
                    items.extend(self.star(context.scope, Some(&idents))?);
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), _) => {
                    let typed = self.expr(context, expr)?;
                    match &typed.fields {
                        Some(fields) => items.extend(fields.iter().cloned()),
                        None => {
                            let message = format!("type {} is not composite", typed.ty.name());
                            return Err(self.located(Error::new(Kind::WrongObjectType, message), expr));
                        }
                    }
                }
                SelectItem::ExprWithAliases { .. } => {
                    return Err(self.located(Error::new(Kind::Syntax, "syntax error at or near \"(\""), item));
                }
            }
        }
        Ok(items)
    }

    /// The expressions of DISTINCT ON.
    fn distinct_on(&self, context: &Context<'_>, exprs: &[ast::Expr], items: &[(String, Typed)]) -> Result<Vec<Typed>> {
        exprs.iter().map(|expr| self.listed_item(context, expr, items, "SELECT DISTINCT ON")).collect()
    }

    /// An expression that may name an output by its alias or number.
    fn listed_item(
        &self,
        context: &Context<'_>,
        expr: &ast::Expr,
        items: &[(String, Typed)],
        clause: &str,
    ) -> Result<Typed> {
        if let Some(at) = self.output_of(expr, items, clause)? {
            return Ok(items[at].1.clone());
        }
        self.known(self.expr(&context.within(Clause::OrderBy), expr)?.placed_at(expr))
    }

    /// The output that an item means by its name or number.
    fn output_of(&self, expr: &ast::Expr, items: &[(String, Typed)], clause: &str) -> Result<Option<usize>> {
        if let Some(at) = self.ordinal(expr, items.len(), clause)? {
            return Ok(Some(at));
        }
        let ast::Expr::Identifier(ident) = expr else { return Ok(None) };
        let name = folded(ident);
        let mut found = items.iter().enumerate().filter(|(_, (own, _))| *own == name);
        let Some((first, (_, typed))) = found.next() else { return Ok(None) };
        if found.any(|(_, (_, other))| other.expr != typed.expr) {
            let message = format!("{clause} \"{name}\" is ambiguous");
            return Err(self.at(Error::new(Kind::AmbiguousColumn, message), ident.span.start));
        }
        Ok(Some(first))
    }

    fn order_keys(
        &self,
        context: &Context<'_>,
        order_by: &[ast::OrderByExpr],
        items: &[(String, Typed)],
    ) -> Result<Vec<Key>> {
        let key = |item: &ast::OrderByExpr| {
            if let Some(at) = self.output_of(&item.expr, items, "ORDER BY")? {
                return Ok(Key::Output(at));
            }
            let typed = self.expr(&context.within(Clause::OrderBy), &item.expr)?.placed_at(&item.expr);
            let typed = self.known(typed)?;
            match items.iter().position(|(_, own)| own.expr == typed.expr && own.ty == typed.ty) {
                Some(at) => Ok(Key::Output(at)),
                None => Ok(Key::Hidden(Box::new(typed))),
            }
        };
        order_by.iter().map(key).collect()
    }

    /// The window functions.
    fn windowed(&self, stage: Stage, gather: &Gather) -> Result<Stage> {
        let windows = super::window::take(gather);
        if windows.is_empty() {
            return Ok(stage);
        }
        let Stage { mut plan, items, having, keys, on } = stage;
        let exprs = windows.iter().map(|(expr, _)| expr.clone()).collect();
        let (settled, exprs) = self.settle(plan, exprs)?;
        plan = settled;
        let named = exprs.into_iter().zip(windows).map(|(expr, (_, name))| (expr, name));
        plan = super::decorrelate::windows(plan, named.collect())?;
        Ok(Stage { plan, items, having, keys, on })
    }

    /// The columns, DISTINCT, ORDER BY and LIMIT.
    fn finished_select(
        &self,
        stage: Stage,
        distinct: bool,
        order_by: &[ast::OrderByExpr],
        limits: &Limits,
    ) -> Result<Bound> {
        let Stage { plan, items, keys, on, .. } = stage;
        let n_items = items.len();
        let mut literals = Vec::with_capacity(n_items);
        let mut outputs = Vec::with_capacity(n_items);
        let mut exprs = Vec::new();
        for (name, typed) in items {
            let is_open = typed.ty == PgType::Unknown;
            literals.push(is_open.then(|| typed.clone()));
            let typed = match typed.parameter {
                // A parameter that nothing gives a type stays open for a set operation, and is text at last.
                Some(_) if is_open => self.unknown_parameter(&typed)?,
                _ => self.known(typed)?,
            };
            let (origin, fields) = (self.origin(&typed.expr), self.field_types(&typed));
            outputs.push(Output { name, ty: typed.ty, typmod: typed.typmod, origin, fields });
            exprs.push(typed.expr);
        }
        let mut hidden = Vec::new();
        let mut sorts = Vec::new();
        for (key, item) in keys.into_iter().zip(order_by) {
            let at = match key {
                Key::Output(at) => at,
                Key::Hidden(typed) => {
                    if distinct {
                        let message = "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
                        let error = Error::new(Kind::InvalidColumnReference, message);
                        return Err(self.at(error, item.expr.span().start));
                    }
                    exprs.push(typed.expr);
                    hidden.push(typed.ty);
                    n_items + hidden.len() - 1
                }
            };
            sorts.push((at, &item.options));
        }
        let on_from = exprs.len();
        exprs.extend(on.iter().map(|typed| typed.expr.clone()));
        let (plan, mut exprs) = self.settle(plan, exprs)?;
        if !distinct && on.is_empty() {
            let of = |at: usize| outputs.get(at).map_or_else(|| hidden[at - n_items], |output| output.ty);
            let keys = sorts.iter().map(|(at, _)| Typed::new(exprs[*at].clone(), of(*at))).collect::<Vec<_>>();
            for ((at, _), key) in sorts.iter_mut().zip(keys) {
                // Beside the columns, a key of numbers is one that scans can tell upstream of.
                if matches!(key.ty, PgType::Float4 | PgType::Float8) && self.has_key(&key) && !key.expr.is_volatile() {
                    *at = exprs.len();
                    hidden.push(key.ty);
                    exprs.push(self.key(key)?.expr);
                }
            }
        }
        let names: Vec<String> = exprs.iter().map(|_| self.fresh("o")).collect();
        for (name, expr) in names.iter().zip(&exprs) {
            self.repeats(&Expr::Column(EngineColumn::new_unqualified(name)), expr);
        }
        let named = exprs.into_iter().zip(&names).map(|(expr, name)| expr.alias(name)).collect();
        let mut plan = project(plan, named)?;
        let types: Vec<PgType> =
            outputs.iter().map(|output| output.ty).chain(hidden).chain(on.iter().map(|typed| typed.ty)).collect();
        let columns: Vec<Typed> = names.iter().zip(&types).map(|(name, ty)| self.column(None, name, *ty)).collect();
        if distinct {
            plan = self.distinct_rows(plan, &types)?;
        }
        let mut order = Vec::new();
        for (at, options) in &sorts {
            order.push(self.sort_key(columns[*at].clone(), options)?);
        }
        if !on.is_empty() {
            plan = self.first_of_each(plan, &columns[on_from..], &sorts, &columns, &order)?;
        }
        if !order.is_empty() {
            plan = LogicalPlanBuilder::from(plan)
                .sort(order.clone())
                .and_then(LogicalPlanBuilder::build)
                .map_err(from_engine)?;
        }
        plan = self.limited(plan, limits, &order)?;
        if columns.len() > n_items {
            let kept = columns[..n_items].iter().map(|column| column.expr.clone()).collect();
            plan = project(plan, kept)?;
        }
        let columns = columns.into_iter().take(n_items).zip(&outputs);
        let columns = columns.map(|(column, output)| column.with_typmod(output.typmod)).collect();
        Ok(Bound { plan, outputs, columns, literals })
    }

    fn unknown_parameter(&self, typed: &Typed) -> Result<Typed> {
        match self.values.is_some() {
            true => self.known(typed.clone()),
            false => Ok(Typed { parameter: None, ..self.constant(PgType::Text, crate::function::datum::Datum::Null)? }),
        }
    }

    /// DISTINCT: rows that are equal are one.
    pub(super) fn distinct_rows(&self, plan: LogicalPlan, types: &[PgType]) -> Result<LogicalPlan> {
        if types.contains(&PgType::Json) {
            let message = "could not identify an equality operator for type json";
            return Err(Error::new(Kind::UndefinedFunction, message));
        }
        let columns = plan.schema().columns();
        let owns = columns.iter().zip(types).map(|(column, ty)| Typed::new(Expr::Column(column.clone()), *ty));
        let owns: Vec<Typed> = owns.collect();
        if !owns.iter().any(|own| self.has_key(own)) {
            return LogicalPlanBuilder::from(plan).distinct().and_then(LogicalPlanBuilder::build).map_err(from_engine);
        }
        let mut group = Vec::new();
        let mut calls = Vec::new();
        let mut exprs = Vec::new();
        for (column, own) in columns.iter().zip(owns) {
            if !self.has_key(&own) {
                group.push(own.expr.clone());
                exprs.push(own.expr);
                continue;
            }
            let (key, value) = (self.fresh("k"), self.fresh("a"));
            let first = self.first_value(own.clone())?;
            group.push(self.key(own)?.expr.alias(key));
            calls.push(first.alias(&value));
            exprs.push(Expr::Column(EngineColumn::new_unqualified(&value)).alias(&column.name));
        }
        project(self.aggregated(plan, group, calls)?, exprs)
    }

    /// DISTINCT ON: of each group the first row.
    fn first_of_each(
        &self,
        plan: LogicalPlan,
        on: &[Typed],
        sorts: &[(usize, &ast::OrderByOptions)],
        columns: &[Typed],
        order: &[Sort],
    ) -> Result<LogicalPlan> {
        let keys = on.iter().map(|typed| Ok(self.key(typed.clone())?.expr)).collect::<Result<Vec<_>>>()?;
        // The leading keys of ORDER BY are the expressions of DISTINCT ON, in any order.
        let projected = match &plan {
            LogicalPlan::Projection(projection) => projection.expr.clone(),
            _ => Vec::new(),
        };
        let written = |typed: &Typed| {
            let Expr::Column(own) = &typed.expr else { return None };
            let at = plan.schema().maybe_index_of_column(own)?;
            projected.get(at).cloned().map(Expr::unalias)
        };
        let wanted: Vec<Option<Expr>> = on.iter().map(written).collect();
        let mut matched = std::collections::HashSet::new();
        for (at, _) in sorts {
            let key = written(&columns[*at]);
            match wanted.iter().position(|own| *own == key) {
                Some(found) => {
                    matched.insert(found);
                }
                None if matched.len() < on.len() => {
                    let message = "SELECT DISTINCT ON expressions must match initial ORDER BY expressions";
                    return Err(Error::new(Kind::InvalidColumnReference, message));
                }
                None => break,
            }
        }
        let name = self.fresh("n");
        let own = plan.schema().columns();
        let numbered = numbered(plan, keys, order.to_vec(), &name)?;
        let first = Expr::Column(EngineColumn::new_unqualified(&name)).eq(lit(1_u64));
        let kept = LogicalPlanBuilder::from(numbered).filter(first).and_then(LogicalPlanBuilder::build);
        project(kept.map_err(from_engine)?, own.into_iter().map(Expr::Column).collect())
    }
}

/// What is there of a SELECT on its way.
pub(super) struct Stage {
    pub(super) plan: LogicalPlan,
    pub(super) items: Vec<(String, Typed)>,
    pub(super) having: Option<Expr>,
    keys: Vec<Key>,
    pub(super) on: Vec<Typed>,
}

impl Stage {
    /// Changes every expression that is yet to be computed.
    pub(super) fn map(mut self, mut change: impl FnMut(Expr) -> Result<Expr>) -> Result<Self> {
        for (_, typed) in &mut self.items {
            typed.expr = change(typed.expr.clone())?;
        }
        for key in &mut self.keys {
            if let Key::Hidden(typed) = key {
                typed.expr = change(typed.expr.clone())?;
            }
        }
        for typed in &mut self.on {
            typed.expr = change(typed.expr.clone())?;
        }
        self.having = self.having.take().map(change).transpose()?;
        Ok(self)
    }
}

/// GROUP BY of a SELECT as it is written, and whether sets that stand twice count once.
pub(super) fn group_items(group_by: &GroupByExpr) -> Result<(&[ast::Expr], bool)> {
    match group_by {
        GroupByExpr::Expressions(exprs, modifiers) if modifiers.is_empty() => Ok((exprs, false)),
        GroupByExpr::Expressions(exprs, modifiers)
            if matches!(modifiers.as_slice(), [ast::GroupByWithModifier::GroupingSets(ast::Expr::Identifier(_))]) =>
        {
            Ok((exprs, true))
        }
        GroupByExpr::All(_) => Err(Error::new(Kind::Syntax, "syntax error at or near \"ALL\"")),
        GroupByExpr::Expressions(..) => Err(Error::new(Kind::Syntax, "syntax error at or near \"WITH\"")),
    }
}

fn refuse_wildcard_options(options: &ast::WildcardAdditionalOptions) -> Result<()> {
    let ast::WildcardAdditionalOptions { opt_ilike, opt_exclude, opt_except, opt_replace, opt_rename, .. } = options;
    let is_plain = opt_ilike.is_none()
        && opt_exclude.is_none()
        && opt_except.is_none()
        && opt_replace.is_none()
        && opt_rename.is_none();
    match is_plain {
        true => Ok(()),
        false => Err(Error::new(Kind::Syntax, "syntax error after \"*\"")),
    }
}

/// Clauses that PostgreSQL does not have.
fn refuse_extensions(select: &ast::Select) -> Result<()> {
    let near = |word: &str| Err(Error::new(Kind::Syntax, format!("syntax error at or near \"{word}\"")));
    if select.into.is_some() {
        return Err(Error::new(Kind::ReadOnly, "cannot execute SELECT INTO in a read-only transaction"));
    }
    if select.top.is_some() {
        return near("TOP");
    }
    if select.qualify.is_some() {
        return near("QUALIFY");
    }
    if !select.lateral_views.is_empty() {
        return near("VIEW");
    }
    if select.prewhere.is_some() {
        return near("PREWHERE");
    }
    if !select.connect_by.is_empty() {
        return near("CONNECT");
    }
    if !select.cluster_by.is_empty() || !select.distribute_by.is_empty() || !select.sort_by.is_empty() {
        return near("BY");
    }
    Ok(())
}

impl Analyzer<'_> {
    /// What GROUP BY says, if there is one.
    fn grouping(
        &self,
        context: &Context<'_>,
        group_by: &GroupByExpr,
        items: &[(String, Typed)],
    ) -> Result<Option<Grouping>> {
        let (exprs, distinct) = group_items(group_by)?;
        if exprs.is_empty() {
            return Ok(None);
        }
        self.group_by(&context.within(Clause::GroupBy), exprs, items, distinct).map(Some)
    }
}
