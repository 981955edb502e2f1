//! SELECT: select list, grouping, sort keys.

use datafusion::sql::sqlparser::ast::{
    Distinct as AstDistinct, Expr, FunctionArguments, GroupByExpr, Ident, NamedWindowExpr, ObjectName, OrderByExpr,
    Select as Ast, SelectItem, SelectItemQualifiedWildcardKind, TableAlias, TableAliasColumnDef, TableFactor,
    TableWithJoins,
};

use super::super::plan::{Body, Distinct, Group, Node, Query, Select};
use super::super::sets::Set;
use super::super::types;
use super::query::{ordinal, simple, sort_key};
use super::{Binder, Bound, Clause, Scope, fold, names, optimise, parts};
use crate::error::{Error, Kind, Result};

/// An output and the name it gets.
type Output = (String, Bound);

impl Binder<'_, '_> {
    /// Opens a scope.
    pub(super) fn push_scope(&mut self) {
        self.scopes.push(Scope {
            tables: Vec::new(),
            visible: Vec::new(),
            hidden: false,
            clause: Clause::From,
            slots: 0,
            aggregates: Vec::new(),
            windows: Vec::new(),
            sets: Vec::new(),
            named_windows: Vec::new(),
        });
    }

    /// Binds a SELECT with the ORDER BY of the query that it makes up.
    pub(super) fn select(&mut self, select: &Ast, order: &[OrderByExpr]) -> Result<Query> {
        refuse(select)?;
        self.push_scope();
        let moved = sets_in_from(select);
        let plan = self.inner_select(moved.as_ref().unwrap_or(select), order);
        self.scopes.pop();
        plan
    }

    fn inner_select(&mut self, select: &Ast, order: &[OrderByExpr]) -> Result<Query> {
        let mut from = self.from(&select.from)?;
        for definition in &select.named_window {
            if let NamedWindowExpr::WindowSpec(spec) = &definition.1 {
                let named = (fold(&definition.0), spec.clone());
                self.scope()?.named_windows.push(named);
            }
        }
        self.scope()?.clause = Clause::Where;
        let mut filter = Vec::new();
        if let Some(condition) = &select.selection {
            let condition = self.condition(condition)?;
            optimise::conjuncts(condition, &mut filter);
        }
        let keys = self.group_keys(select)?;
        self.scope()?.clause = Clause::Output;
        let mut outputs = self.outputs(&select.projection)?;
        let mut having = Vec::new();
        if let Some(condition) = &select.having {
            let condition = self.condition(condition)?;
            optimise::conjuncts(condition, &mut having);
        }
        let width = outputs.len();
        let mut sort = Vec::new();
        for key in order {
            let column = self.sort_column(key, &mut outputs, width)?;
            sort.push(sort_key(key, column));
        }
        let distinct = self.distinct(select, &mut outputs, width)?;
        let scope = self.scope()?;
        let extra_slot = scope.slots;
        let (calls, windows, sets) = (
            std::mem::take(&mut scope.aggregates),
            std::mem::take(&mut scope.windows),
            std::mem::take(&mut scope.sets),
        );
        let grouped = !keys.is_empty() || !calls.is_empty() || select.having.is_some();
        if grouped {
            self.check_grouping(&keys, outputs.iter().map(|(_, bound)| &bound.node).chain(&having), extra_slot)?;
        }
        let leftover = optimise::place(&mut from, filter);
        let columns = outputs[..width].iter().map(|(name, bound)| (name.clone(), bound.type_oid)).collect();
        let body = Select {
            slots: extra_slot + 3,
            from,
            filter: leftover,
            group: grouped.then_some(Group { keys, calls }),
            having,
            windows,
            sets,
            outputs: outputs.into_iter().map(|(_, bound)| bound.node).collect(),
            distinct,
            extra_slot,
        };
        Ok(Query { sort, ..simple(columns, Body::Select(Box::new(body))) })
    }

    /// Binds an expression that must be boolean.
    pub(super) fn condition(&mut self, expr: &Expr) -> Result<Node> {
        let bound = self.expr(expr)?;
        if !matches!(types::base(bound.type_oid), types::BOOL | types::UNKNOWN) {
            let name = types::format(bound.type_oid, None).unwrap_or_default();
            return Err(Error::new(
                Kind::DatatypeMismatch,
                format!("argument of WHERE must be type boolean, not type {name}"),
            ));
        }
        self.coerce(bound, types::BOOL)
    }

    fn outputs(&mut self, items: &[SelectItem]) -> Result<Vec<Output>> {
        let mut outputs = Vec::new();
        for item in items {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let bound = self.expr(expr)?;
                    outputs.push((names::output(expr), bound));
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let bound = self.expr(expr)?;
                    outputs.push((fold(alias), bound));
                }
                SelectItem::Wildcard(_) => {
                    let scope = self.scope()?;
                    if scope.tables.is_empty() {
                        return Err(Error::new(Kind::Syntax, "SELECT * with no tables specified is not valid"));
                    }
                    outputs.extend(scope.visible.iter().map(|column| (column.name.clone(), column.bound.clone())));
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    self.table_outputs(name, &mut outputs)?;
                }
                _ => return Err(Error::unsupported("this select item")),
            }
        }
        Ok(outputs)
    }

    fn table_outputs(&mut self, name: &ObjectName, outputs: &mut Vec<Output>) -> Result<()> {
        let alias = parts(name).pop().unwrap_or_default();
        let Some((depth, table)) = self.table(&alias) else {
            return Err(Error::new(Kind::UndefinedTable, format!("missing FROM-clause entry for table \"{alias}\"")));
        };
        for (column, (name, type_oid)) in table.columns.iter().enumerate() {
            outputs.push((name.clone(), Bound::new(Node::Column { depth, slot: table.slot, column }, *type_oid)));
        }
        Ok(())
    }

    /// GROUP BY: positions and output names of the select list, or expressions.
    fn group_keys(&mut self, select: &Ast) -> Result<Vec<Node>> {
        let exprs = match &select.group_by {
            GroupByExpr::Expressions(exprs, modifiers) if modifiers.is_empty() => exprs,
            _ => return Err(Error::unsupported("GROUP BY ALL, ROLLUP and CUBE")),
        };
        self.scope()?.clause = Clause::GroupBy;
        let mut keys = Vec::new();
        for expr in exprs {
            if matches!(expr, Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_)) {
                return Err(Error::unsupported("GROUPING SETS"));
            }
            let expr = match expr {
                Expr::Value(value) => match ordinal(&value.value, select.projection.len())? {
                    Some(at) => item_expr(&select.projection[at]).unwrap_or(expr),
                    None => expr,
                },
                Expr::Identifier(name) if self.column(&fold(name))?.is_none() => {
                    let named = |item: &&SelectItem| matches!(item, SelectItem::ExprWithAlias { alias, .. } if fold(alias) == fold(name));
                    select.projection.iter().find(named).and_then(item_expr).unwrap_or(expr)
                }
                _ => expr,
            };
            if let Expr::Tuple(list) = expr {
                for expr in list {
                    keys.push(self.expr(expr)?.node);
                }
                continue;
            }
            let bound = self.expr(expr)?;
            keys.push(self.known(bound)?.node);
        }
        Ok(keys)
    }

    /// Finds or adds the output that a sort key stands for.
    fn sort_column(&mut self, key: &OrderByExpr, outputs: &mut Vec<Output>, width: usize) -> Result<usize> {
        match &key.expr {
            Expr::Value(value) => {
                if let Some(at) = ordinal(&value.value, width)? {
                    return Ok(at);
                }
            }
            Expr::Identifier(name) => {
                let name = fold(name);
                if let Some(at) = outputs[..width].iter().position(|(output, _)| *output == name) {
                    return Ok(at);
                }
            }
            _ => {}
        }
        let bound = self.expr(&key.expr)?;
        let bound = self.known(bound)?;
        Ok(add(outputs, bound))
    }

    fn distinct(&mut self, select: &Ast, outputs: &mut Vec<Output>, width: usize) -> Result<Distinct> {
        match &select.distinct {
            None | Some(AstDistinct::All) => Ok(Distinct::No),
            Some(AstDistinct::Distinct) if outputs.len() > width => {
                let message = "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
                Err(Error::new(Kind::Syntax, message))
            }
            Some(AstDistinct::Distinct) => Ok(Distinct::Rows(width)),
            Some(AstDistinct::On(exprs)) => {
                let mut columns = Vec::new();
                for expr in exprs {
                    let as_key = OrderByExpr { expr: expr.clone(), options: Default::default(), with_fill: None };
                    columns.push(self.sort_column(&as_key, outputs, width)?);
                }
                Ok(Distinct::On(columns))
            }
        }
    }

    /// Refuses columns that are neither grouped nor within an aggregate. A relation whose `oid` is grouped may show all.
    fn check_grouping<'n>(
        &mut self,
        keys: &[Node],
        nodes: impl Iterator<Item = &'n Node>,
        extra_slot: usize,
    ) -> Result<()> {
        let scope = self.scope()?;
        let whole: Vec<usize> = scope
            .tables
            .iter()
            .filter(|table| {
                let oid = table.columns.iter().position(|(name, _)| name == "oid");
                oid.is_some_and(|column| keys.contains(&Node::Column { depth: 0, slot: table.slot, column }))
            })
            .map(|table| table.slot)
            .collect();
        for node in nodes {
            if let Some((slot, column)) = optimise::ungrouped(node, keys, &whole, extra_slot) {
                let table = scope.tables.iter().find(|table| table.slot == slot);
                let name = table.map(|t| format!("{}.{}", t.alias, t.columns[column].0)).unwrap_or_default();
                let message =
                    format!("column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function");
                return Err(Error::new(Kind::Grouping, message));
            }
        }
        Ok(())
    }
}

fn add(outputs: &mut Vec<Output>, bound: Bound) -> usize {
    outputs.iter().position(|(_, output)| output.node == bound.node).unwrap_or_else(|| {
        outputs.push((String::new(), bound));
        outputs.len() - 1
    })
}

/// A SELECT that groups by what a set-returning function gives, with that function in FROM; `None` for any other.
fn sets_in_from(select: &Ast) -> Option<Ast> {
    let GroupByExpr::Expressions(exprs, _) = &select.group_by else { return None };
    let mut moved: Option<Ast> = None;
    for (at, expr) in exprs.iter().enumerate() {
        let listed = match expr {
            Expr::Value(value) => ordinal(&value.value, select.projection.len()).ok().flatten(),
            Expr::Identifier(name) => select
                .projection
                .iter()
                .position(|item| matches!(item, SelectItem::ExprWithAlias { alias, .. } if fold(alias) == fold(name))),
            _ => None,
        };
        let listed = listed.and_then(|place| item_expr(&select.projection[place])).unwrap_or(expr);
        let Expr::Function(call) = listed else { continue };
        let FunctionArguments::List(list) = &call.args else { continue };
        let name = call.name.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
        if Set::named(&name, &vec![types::UNKNOWN; list.args.len()]).is_none() {
            continue;
        }
        let own = moved.get_or_insert_with(|| select.clone());
        let column = Ident::with_quote('"', format!("grouped {at}"));
        let columns = vec![TableAliasColumnDef { name: column.clone(), data_type: None }];
        let alias = Some(TableAlias { explicit: true, name: column.clone(), columns, at: None });
        let (name, args) = (call.name.clone(), list.args.clone());
        let relation = TableFactor::Function { lateral: true, name, args, with_ordinality: false, alias };
        own.from.push(TableWithJoins { relation, joins: Vec::new() });
        let value = Expr::Identifier(column);
        for item in &mut own.projection {
            match item {
                SelectItem::ExprWithAlias { expr, .. } if expr == listed => *expr = value.clone(),
                SelectItem::UnnamedExpr(expr) if expr == listed => {
                    let alias = Ident::with_quote('"', names::output(expr));
                    *item = SelectItem::ExprWithAlias { expr: value.clone(), alias };
                }
                _ => {}
            }
        }
        if let GroupByExpr::Expressions(keys, _) = &mut own.group_by {
            keys[at] = value;
        }
    }
    moved
}

fn item_expr(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

fn refuse(select: &Ast) -> Result<()> {
    let what = match () {
        () if select.into.is_some() => "SELECT INTO",
        () if select.top.is_some() => "TOP",
        () if select.qualify.is_some() => "QUALIFY",
        () if !select.lateral_views.is_empty() => "LATERAL VIEW",
        () if select.exclude.is_some() => "EXCLUDE",
        () => return Ok(()),
    };
    Err(Error::unsupported(what))
}
