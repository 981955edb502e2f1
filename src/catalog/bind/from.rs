//! The FROM clause: relations, subqueries, functions, joins.

use datafusion::sql::sqlparser::ast::{
    self, Expr, FunctionArg, FunctionArgExpr, JoinConstraint, JoinOperator, ObjectName, TableAlias, TableFactor,
    TableWithJoins,
};

use super::super::context::Source;
use super::super::plan::{From, Join, JoinKind, Node, SetCall, Test};
use super::super::relations;
use super::super::sets::Set;
use super::super::types;
use super::query::rename;
use super::{Binder, Bound, Scope, Table, Visible, fold, optimise, parts};
use crate::error::{Error, Kind, Result};

impl Binder<'_, '_> {
    /// Binds the comma list of a FROM.
    pub(super) fn from(&mut self, list: &[TableWithJoins]) -> Result<From> {
        let mut plan = From::Nothing;
        for item in list {
            let (right, lateral) = self.lateral(|binder| binder.joined(item))?;
            plan = match plan {
                From::Nothing => right,
                left => join(JoinKind::Inner, left, right, Vec::new(), lateral),
            };
        }
        Ok(plan)
    }

    /// Binds an item of FROM and tells whether it reads its neighbours.
    fn lateral(&mut self, bind: impl FnOnce(&mut Self) -> Result<From>) -> Result<(From, bool)> {
        let slots = self.scope()?.slots;
        let plan = bind(self)?;
        Ok((plan.clone(), optimise::reads_before(&plan, slots)))
    }

    fn joined(&mut self, item: &TableWithJoins) -> Result<From> {
        let first_visible = self.scope()?.visible.len();
        let first_table = self.scope()?.tables.len();
        let mut plan = self.factor(&item.relation)?;
        for step in &item.joins {
            let right_visible = self.scope()?.visible.len();
            let (kind, constraint) = kind(&step.join_operator)?;
            let (right, lateral) = self.lateral(|binder| binder.factor(&step.relation))?;
            let on = self.constraint(constraint, kind, first_visible, right_visible, first_table)?;
            plan = join(kind, plan, right, on, lateral);
        }
        Ok(plan)
    }

    fn constraint(
        &mut self,
        constraint: Option<&JoinConstraint>,
        kind: JoinKind,
        first: usize,
        middle: usize,
        first_table: usize,
    ) -> Result<Vec<Node>> {
        let mut on = Vec::new();
        let mut merged: Vec<String> = Vec::new();
        match constraint {
            None | Some(JoinConstraint::None) => {}
            Some(JoinConstraint::On(expr)) => {
                // ON sees only the two sides of its join.
                let scope = self.scope()?;
                let before: Vec<Visible> = scope.visible.drain(..first).collect();
                let tables: Vec<Table> = scope.tables.drain(..first_table).collect();
                let condition = self.condition(expr);
                let scope = self.scope()?;
                scope.visible.splice(0..0, before);
                scope.tables.splice(0..0, tables);
                optimise::conjuncts(condition?, &mut on);
            }
            Some(JoinConstraint::Using(columns)) => {
                for column in columns {
                    let name = parts(column).pop().unwrap_or_default();
                    on.push(self.merge(&name, kind, first, middle)?);
                    merged.push(name);
                }
            }
            Some(JoinConstraint::Natural) => {
                let scope = self.scope()?;
                let left: Vec<String> = scope.visible[first..middle].iter().map(|column| column.name.clone()).collect();
                let shared = |name: &String| scope.visible[middle..].iter().any(|column| column.name == *name);
                let names: Vec<String> = left.into_iter().filter(shared).collect();
                for name in names {
                    on.push(self.merge(&name, kind, first, middle)?);
                    merged.push(name);
                }
            }
        }
        // What the two sides share comes first.
        let scope = self.scope()?;
        for (at, name) in merged.iter().enumerate() {
            let place = scope.visible[first + at..].iter().position(|column| column.name == *name);
            if let Some(place) = place {
                scope.visible[first + at..=first + at + place].rotate_right(1);
            }
        }
        Ok(on)
    }

    /// Makes one column of the two of that name, and returns the condition that they are equal.
    fn merge(&mut self, name: &str, kind: JoinKind, first: usize, middle: usize) -> Result<Node> {
        let scope = self.scope()?;
        let find = |columns: &[Visible], side: &str| {
            columns.iter().position(|column| column.name == name).ok_or_else(|| {
                let message = format!("column \"{name}\" specified in USING clause does not exist in {side} table");
                Error::new(Kind::UndefinedColumn, message)
            })
        };
        let left_at = first + find(&scope.visible[first..middle], "left")?;
        let right_at = middle + find(&scope.visible[middle..], "right")?;
        let (left, right) = (scope.visible[left_at].bound.clone(), scope.visible.remove(right_at).bound);
        let merged = match kind {
            JoinKind::Inner | JoinKind::Left => left.clone(),
            JoinKind::Right => right.clone(),
            JoinKind::Full => Bound::new(Node::Coalesce(vec![left.node.clone(), right.node.clone()]), left.type_oid),
        };
        scope.visible[left_at].bound = merged;
        let equal = Test::Compare(super::super::plan::Compare::Eq);
        Ok(self.comparison(equal, "=", left, right)?.node)
    }

    fn factor(&mut self, factor: &TableFactor) -> Result<From> {
        match factor {
            TableFactor::Table { name, alias, args: None, sample: None, with_ordinality: false, .. } => {
                self.relation(name, alias.as_ref())
            }
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => {
                self.function(name, &args.args, alias.as_ref(), *with_ordinality)
            }
            TableFactor::Function { name, args, alias, with_ordinality, .. } => {
                self.function(name, args, alias.as_ref(), *with_ordinality)
            }
            TableFactor::UNNEST { alias, array_exprs, with_ordinality, with_offset: false, .. } => {
                let bound: Result<Vec<Bound>> = array_exprs.iter().map(|expr| self.expr(expr)).collect();
                self.rows_of(Set::Unnest, "unnest", bound?, alias.as_ref(), *with_ordinality)
            }
            TableFactor::Derived { lateral, subquery, alias, .. } => self.derived(*lateral, subquery, alias.as_ref()),
            TableFactor::NestedJoin { table_with_joins, alias: None } => self.joined(table_with_joins),
            other => Err(Error::unsupported(format!("{other} in FROM"))),
        }
    }

    /// Adds a relation to the scope.
    fn add(
        &mut self,
        alias: String,
        schema: Option<String>,
        columns: Vec<(String, u32)>,
        class: Option<u32>,
    ) -> Result<usize> {
        let scope: &mut Scope = self.scope()?;
        if scope.tables.iter().any(|table| table.alias == alias && table.schema == schema) {
            return Err(Error::new(Kind::Syntax, format!("table name \"{alias}\" specified more than once")));
        }
        let slot = scope.slots;
        scope.slots += 1;
        for (column, (name, type_oid)) in columns.iter().enumerate() {
            let bound = Bound::new(Node::Column { depth: 0, slot, column }, *type_oid);
            scope.visible.push(Visible { name: name.clone(), bound });
        }
        scope.tables.push(Table { alias, schema, slot, columns, class });
        Ok(slot)
    }

    fn relation(&mut self, name: &ObjectName, alias: Option<&TableAlias>) -> Result<From> {
        let path = parts(name);
        let table = path.last().cloned().unwrap_or_default();
        let shown = alias.map_or_else(|| table.clone(), |alias| fold(&alias.name));
        if let ([name], Some(cte)) =
            (path.as_slice(), path.first().and_then(|name| self.ctes.iter().rev().find(|cte| cte.name == *name)))
        {
            debug_assert_eq!(*name, cte.name);
            let (id, mut columns, lowest) = (cte.id, cte.columns.clone(), cte.lowest);
            self.lowest = self.lowest.min(lowest);
            rename(&mut columns, &alias_columns(alias), &shown)?;
            let width = columns.len();
            let slot = self.add(shown, None, columns, None)?;
            return Ok(From::Cte { slot, id, width, filter: Vec::new() });
        }
        let context = self.context;
        let class = match path.as_slice() {
            [name] => context.visible_class(name),
            [schema, name] => context.class_named(schema, name),
            [database, schema, name] if *database == context.session.database => context.class_named(schema, name),
            _ => None,
        };
        let class = class.ok_or_else(|| {
            Error::new(Kind::UndefinedTable, format!("relation \"{}\" does not exist", path.join(".")))
        })?;
        let Source::System(position) = class.source else {
            return Err(Error::unsupported(format!("relation \"{}\" together with the catalogs", path.join("."))));
        };
        let described = &relations::all()[position];
        let mut columns: Vec<(String, u32)> =
            described.columns.iter().map(|c| (c.name.to_owned(), types::base(c.type_oid))).collect();
        let schema = alias.is_none().then(|| described.schema.to_owned());
        let view = match relations::view(position) {
            Some(query) => Some(self.view(query, &columns)?),
            None => None,
        };
        rename(&mut columns, &alias_columns(alias), &shown)?;
        let width = columns.len();
        let slot = self.add(shown, schema, columns, Some(class.oid))?;
        Ok(match view {
            Some(query) => {
                From::Derived { slot, query: Box::new(query), id: self.id(), correlated: false, filter: Vec::new() }
            }
            None => From::Scan { slot, relation: position, width, key: None, filter: Vec::new() },
        })
    }

    /// Binds the query of a view, which sees nothing of the statement around it.
    fn view(&mut self, query: &ast::Query, columns: &[(String, u32)]) -> Result<super::super::plan::Query> {
        let scopes = std::mem::take(&mut self.scopes);
        let ctes = std::mem::take(&mut self.ctes);
        let lowest = self.lowest;
        let plan = self.query(query);
        // What the view reads of its own scopes says nothing about those outside.
        (self.scopes, self.ctes, self.lowest) = (scopes, ctes, lowest);
        let mut plan = plan?;
        for (at, (name, type_oid)) in columns.iter().enumerate() {
            self.coerce_output(&mut plan, at, *type_oid)?;
            plan.columns[at].0.clone_from(name);
        }
        Ok(plan)
    }

    fn derived(&mut self, lateral: bool, subquery: &ast::Query, alias: Option<&TableAlias>) -> Result<From> {
        let before = self.scope()?.hidden;
        self.scope()?.hidden = before || !lateral;
        let bound = self.subquery(subquery);
        self.scope()?.hidden = before;
        let (query, correlated) = bound?;
        let mut columns = query.columns.clone();
        let id = self.id();
        let shown = alias.map_or_else(|| format!("unnamed_subquery_{id}"), |alias| fold(&alias.name));
        rename(&mut columns, &alias_columns(alias), &shown)?;
        let slot = self.add(shown, None, columns, None)?;
        Ok(From::Derived { slot, query: Box::new(query), id, correlated, filter: Vec::new() })
    }

    fn function(
        &mut self,
        name: &ObjectName,
        args: &[FunctionArg],
        alias: Option<&TableAlias>,
        ordinality: bool,
    ) -> Result<From> {
        let function = parts(name).pop().unwrap_or_default();
        let mut bound = Vec::new();
        for arg in args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => bound.push(self.expr(expr)?),
                _ => return Err(Error::unsupported("a named argument")),
            }
        }
        let given: Vec<u32> = bound.iter().map(|arg| arg.type_oid).collect();
        if let Some(set) = Set::named(&function, &given) {
            return self.rows_of(set, &function, bound, alias, ordinality);
        }
        let scalar = self.scalar(&function, bound)?;
        self.rows_of(Set::Scalar, &function, vec![scalar], alias, ordinality)
    }

    fn rows_of(
        &mut self,
        set: Set,
        name: &str,
        args: Vec<Bound>,
        alias: Option<&TableAlias>,
        ordinality: bool,
    ) -> Result<From> {
        let given: Vec<u32> = args.iter().map(|arg| arg.type_oid).collect();
        let wanted = set.args(&given);
        let mut columns = set.columns(name, &wanted);
        let width = columns.len();
        let mut nodes = Vec::new();
        for (arg, to) in args.into_iter().zip(&wanted) {
            nodes.push(self.coerce(arg, *to)?);
        }
        if ordinality {
            columns.push(("ordinality".to_owned(), types::INT8));
        }
        let shown = alias.map_or_else(|| name.to_owned(), |alias| fold(&alias.name));
        let renames = alias_columns(alias);
        // The alias of a function with one column names the column too.
        if width == 1 && alias.is_some() && renames.is_empty() {
            columns[0].0.clone_from(&shown);
        }
        rename(&mut columns, &renames, &shown)?;
        let slot = self.add(shown, None, columns, None)?;
        let calls = vec![SetCall { function: set, args: nodes }];
        Ok(From::Functions { slot, calls, widths: vec![width], ordinality, filter: Vec::new() })
    }

    /// Binds the argument list of a function call.
    pub(super) fn arguments(&mut self, args: &[FunctionArg]) -> Result<Vec<Bound>> {
        let expr = |arg: &FunctionArg| -> Result<Expr> {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr.clone()),
                _ => Err(Error::unsupported("a named argument or * as an argument")),
            }
        };
        args.iter().map(|arg| expr(arg).and_then(|expr| self.expr(&expr))).collect()
    }
}

fn alias_columns(alias: Option<&TableAlias>) -> Vec<String> {
    alias.map(|alias| alias.columns.iter().map(|column| fold(&column.name)).collect()).unwrap_or_default()
}

fn join(kind: JoinKind, left: From, right: From, on: Vec<Node>, lateral: bool) -> From {
    From::Join(Box::new(Join { kind, left, right, hash: Vec::new(), on, lateral }))
}

fn kind(operator: &JoinOperator) -> Result<(JoinKind, Option<&JoinConstraint>)> {
    Ok(match operator {
        JoinOperator::Join(c) | JoinOperator::Inner(c) => (JoinKind::Inner, Some(c)),
        JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (JoinKind::Left, Some(c)),
        JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (JoinKind::Right, Some(c)),
        JoinOperator::FullOuter(c) => (JoinKind::Full, Some(c)),
        JoinOperator::CrossJoin(_) => (JoinKind::Inner, None),
        _ => return Err(Error::unsupported("this kind of join")),
    })
}
