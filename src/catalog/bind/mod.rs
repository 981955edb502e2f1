//! Binds a statement: resolves names, types and functions, and gives the plan.
//!
//! Scopes stand in a stack, one per SELECT being bound; a column is (how many scopes out, slot, column). The rows at run
//! time are stacked the same way, also under subqueries in FROM that cannot see their neighbours.

mod call;
mod coerce;
mod expr;
mod from;
pub(crate) mod names;
mod operator;
mod optimise;
mod query;
mod select;
mod walk;

use datafusion::sql::sqlparser::ast;

use super::context::Context;
use super::plan::{AggregateCall, Node, Query, SetCall, Window};
use super::types;
use crate::error::{Error, Kind, Result};

/// An expression with its type.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bound {
    pub(super) node: Node,
    pub(super) type_oid: u32,
}

impl Bound {
    fn new(node: Node, type_oid: u32) -> Bound {
        Bound { node, type_oid }
    }
}

/// A relation of a FROM.
#[derive(Clone, Debug)]
struct Table {
    alias: String,
    /// The schema, if the relation was named and not aliased.
    schema: Option<String>,
    slot: usize,
    columns: Vec<(String, u32)>,
    /// The oid of the relation, for `tableoid`.
    class: Option<u32>,
}

/// A column as `*` and bare names see it; USING merges two into one.
#[derive(Clone, Debug)]
struct Visible {
    name: String,
    bound: Bound,
}

/// Where aggregates may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clause {
    From,
    Where,
    GroupBy,
    /// Select list, HAVING, ORDER BY.
    Output,
    /// Inside an aggregate's arguments.
    Aggregate,
}

/// A SELECT being bound.
#[derive(Debug)]
struct Scope {
    tables: Vec<Table>,
    visible: Vec<Visible>,
    /// While a subquery of FROM is bound that is not LATERAL.
    hidden: bool,
    clause: Clause,
    slots: usize,
    aggregates: Vec<AggregateCall>,
    windows: Vec<Window>,
    sets: Vec<SetCall>,
    named_windows: Vec<(String, ast::WindowSpec)>,
}

/// A WITH item in sight.
#[derive(Clone, Debug)]
struct CteName {
    name: String,
    id: usize,
    columns: Vec<(String, u32)>,
    /// The outermost scope that its rows depend on; `usize::MAX` for none.
    lowest: usize,
}

/// The state of binding one statement.
#[derive(Debug)]
struct Binder<'c, 'a> {
    context: &'c Context<'a>,
    scopes: Vec<Scope>,
    ctes: Vec<CteName>,
    /// Types of the parameters, UNKNOWN until something tells.
    parameters: Vec<u32>,
    next_id: usize,
    /// The outermost scope that was read since somebody set this to `usize::MAX`.
    lowest: usize,
    depth: usize,
}

/// How deep queries and views may be nested.
const MOST_DEPTH: usize = 64;

/// Binds a statement; returns the plan and the parameter types.
pub(super) fn bind(query: &ast::Query, context: &Context<'_>, declared: &[u32]) -> Result<(Query, Vec<u32>)> {
    let parameters = declared.iter().map(|&oid| if oid == 0 { types::UNKNOWN } else { oid }).collect();
    let mut binder =
        Binder { context, scopes: Vec::new(), ctes: Vec::new(), parameters, next_id: 0, lowest: usize::MAX, depth: 0 };
    let plan = binder.query(query)?;
    let parameters = binder.parameters.iter().map(|&oid| if oid == types::UNKNOWN { types::TEXT } else { oid });
    Ok((plan, parameters.collect()))
}

impl Binder<'_, '_> {
    fn id(&mut self) -> usize {
        self.next_id += 1;
        self.next_id
    }

    /// Returns the innermost scope.
    fn scope(&mut self) -> Result<&mut Scope> {
        self.scopes.last_mut().ok_or_else(|| Error::internal("an expression is bound outside any SELECT"))
    }

    /// Runs `bind` and tells the outermost scope that it read, while keeping the record for those around it.
    fn watching<T>(&mut self, bind: impl FnOnce(&mut Self) -> Result<T>) -> Result<(T, usize)> {
        let before = std::mem::replace(&mut self.lowest, usize::MAX);
        let result = bind(self);
        let lowest = self.lowest;
        self.lowest = before.min(lowest);
        Ok((result?, lowest))
    }

    /// Binds a subquery of an expression or FROM; tells whether it depends on the scopes around it.
    fn subquery(&mut self, query: &ast::Query) -> Result<(Query, bool)> {
        let level = self.scopes.len();
        let (plan, lowest) = self.watching(|binder| binder.query(query))?;
        Ok((plan, lowest < level))
    }

    /// Finds a bare column name, from the inside out.
    fn column(&mut self, name: &str) -> Result<Option<Bound>> {
        for level in (0..self.scopes.len()).rev() {
            let scope = &self.scopes[level];
            if scope.hidden {
                continue;
            }
            let mut found = scope.visible.iter().filter(|column| column.name == name);
            if let Some(first) = found.next() {
                if found.next().is_some() {
                    return Err(Error::new(Kind::AmbiguousColumn, format!("column reference \"{name}\" is ambiguous")));
                }
                let bound = first.bound.clone();
                return Ok(Some(self.outward(&bound, level)));
            }
            // System columns of the only relation that has them.
            let mut system = scope.tables.iter().filter_map(|table| system_column(table, name));
            if let Some(bound) = system.next() {
                return Ok(Some(bound));
            }
        }
        Ok(None)
    }

    /// Finds a column of a relation by alias, from the inside out.
    fn qualified(&mut self, schema: Option<&str>, alias: &str, name: &str) -> Result<Bound> {
        for level in (0..self.scopes.len()).rev() {
            let Some(table) = self.table_at(level, schema, alias) else { continue };
            let found = table.columns.iter().position(|(column, _)| column == name);
            let bound = found.map(|at| {
                let node = Node::Column { depth: 0, slot: table.slot, column: at };
                Bound::new(node, table.columns[at].1)
            });
            return match bound.or_else(|| system_column(table, name)) {
                Some(bound) => Ok(self.outward(&bound, level)),
                None => Err(Error::new(Kind::UndefinedColumn, format!("column {alias}.{name} does not exist"))),
            };
        }
        Err(Error::new(Kind::UndefinedTable, format!("missing FROM-clause entry for table \"{alias}\"")))
    }

    fn table_at(&self, level: usize, schema: Option<&str>, alias: &str) -> Option<&Table> {
        let scope = &self.scopes[level];
        if scope.hidden {
            return None;
        }
        let fits = |table: &&Table| {
            table.alias == alias && schema.is_none_or(|schema| table.schema.as_deref() == Some(schema))
        };
        scope.tables.iter().find(fits)
    }

    /// Finds a relation by alias: (depth, table).
    fn table(&mut self, alias: &str) -> Option<(usize, Table)> {
        let level = (0..self.scopes.len()).rev().find(|&level| self.table_at(level, None, alias).is_some())?;
        let table = self.table_at(level, None, alias)?.clone();
        self.lowest = self.lowest.min(level);
        Some((self.scopes.len() - 1 - level, table))
    }

    /// Turns an expression of the scope at `level` into one of the innermost scope.
    fn outward(&mut self, bound: &Bound, level: usize) -> Bound {
        let depth = self.scopes.len() - 1 - level;
        self.lowest = self.lowest.min(level);
        Bound::new(walk::deepen(&bound.node, depth), bound.type_oid)
    }
}

/// Every table has a few columns that `*` does not show; they tell nothing here.
fn system_column(table: &Table, name: &str) -> Option<Bound> {
    let class = table.class?;
    let (value, type_oid) = match name {
        "tableoid" => (super::Value::oid(class), types::OID),
        "xmin" | "xmax" => (super::Value::Int(if name == "xmin" { 1 } else { 0 }), types::XID),
        "cmin" | "cmax" => (super::Value::Int(0), types::CID),
        "ctid" => (super::Value::text("(0,1)"), 27),
        _ => return None,
    };
    Some(Bound::new(Node::Const(value), type_oid))
}

/// Folds an identifier as PostgreSQL does.
fn fold(ident: &ast::Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// Returns the parts of an object name, folded.
fn parts(name: &ast::ObjectName) -> Vec<String> {
    name.0.iter().filter_map(ast::ObjectNamePart::as_ident).map(fold).collect()
}
