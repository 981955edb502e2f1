//! FROM: tables, subqueries, functions, and their joins.

mod function;
mod join;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column as EngineColumn, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, ObjectNamePart, TableFactor};

use super::Analyzer;
use super::cte::{Ctes, aliased, renamed};
use super::decorrelate::inner;
use super::expr::{Clause, Context};
use super::output::{Bound, ColumnOrigin, Output};
use super::scope::{Column, Item, Scope, folded};
use super::sets::SetCall;
use super::subquery::{empty, project};
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::model::table::PG_TYPMOD;
use crate::pgtype::types::PgType;
use crate::sql::fault::from_engine;
use crate::sql::relations::TEMPORARY;
use crate::sql::unrolled;
use crate::sql::values::data_type;

/// A part of FROM before it is joined with what stands at its left.
enum Part {
    /// A plan, which may depend on the left.
    Plan(LogicalPlan),
    /// Lists that are unrolled beside the left.
    Lists(Vec<SetCall>),
}

/// A part of FROM with its names.
pub(super) struct Source {
    pub(super) plan: LogicalPlan,
    pub(super) items: Vec<Item>,
}

/// How a part of FROM is joined with what stands at its left.
struct Joining {
    join: JoinType,
    on: Option<Expr>,
}

const CROSS: Joining = Joining { join: JoinType::Inner, on: None };

impl Analyzer<'_> {
    /// A FROM clause; without one there is one row without columns.
    pub(super) fn from(
        &self,
        parent: Option<&Scope<'_>>,
        ctes: &Ctes<'_>,
        tables: &[ast::TableWithJoins],
    ) -> Result<Source> {
        let mut left: Option<Source> = None;
        for table in tables {
            // Items at the left are visible to LATERAL ones, as a query around.
            let mut scope = Scope::new(parent);
            if let Some(left) = &left {
                scope.items = left.items.clone();
            }
            let (part, items) = self.tree(&scope, ctes, table)?;
            left = Some(match left {
                None => Source { plan: self.standing(part)?, items },
                Some(left) => {
                    check_aliases(self, &left.items, &items)?;
                    let plan = self.combined(left.plan, part, CROSS)?;
                    Source { plan, items: [left.items, items].concat() }
                }
            });
        }
        match left {
            Some(left) => Ok(left),
            None => Ok(Source { plan: empty(true)?, items: Vec::new() }),
        }
    }

    /// A part that nothing stands at the left of.
    fn standing(&self, part: Part) -> Result<LogicalPlan> {
        match part {
            Part::Plan(plan) => Ok(plan),
            Part::Lists(lists) => {
                let names: Vec<String> = lists.iter().map(|list| list.column.clone()).collect();
                let plan = self.unrolled(empty(true)?, lists, false)?;
                project(plan, names.into_iter().map(|name| Expr::Column(EngineColumn::new_unqualified(name))).collect())
            }
        }
    }

    /// A part beside what stands at its left.
    fn combined(&self, left: LogicalPlan, part: Part, joining: Joining) -> Result<LogicalPlan> {
        let Joining { join, on } = joining;
        match part {
            Part::Plan(plan) => {
                let depends = plan.all_out_ref_exprs().iter().any(|expr| match expr {
                    Expr::OuterReferenceColumn(_, column) => left.schema().has_column(column),
                    _ => false,
                }) || deep_reference(&plan, &left)?;
                if depends {
                    if !matches!(join, JoinType::Inner | JoinType::Left) {
                        let error = Error::new(Kind::InvalidColumnReference, "invalid reference to FROM-clause entry");
                        return Err(
                            error.detail("The combining JOIN type must be INNER or LEFT for a LATERAL reference.")
                        );
                    }
                    return self.dependent_join(left, plan, join, on);
                }
                match (join, on) {
                    (JoinType::Inner, None) => LogicalPlanBuilder::from(left).cross_join(plan),
                    (join, on) => LogicalPlanBuilder::from(left).join_on(plan, join, on),
                }
                .and_then(LogicalPlanBuilder::build)
                .map_err(from_engine)
            }
            Part::Lists(lists) => {
                let lists =
                    lists.into_iter().map(|list| Ok(SetCall { list: inner(list.list, left.schema())?, ..list }));
                let lists = lists.collect::<Result<Vec<_>>>()?;
                let depends = lists.iter().any(|list| !list.list.column_refs().is_empty());
                if !depends {
                    let plan = self.standing(Part::Lists(lists))?;
                    return self.combined(left, Part::Plan(plan), Joining { join, on });
                }
                match join {
                    JoinType::Inner => {
                        let plan = self.unrolled(left, lists, false)?;
                        match on {
                            Some(on) => self.filtered(plan, on),
                            None => Ok(plan),
                        }
                    }
                    JoinType::Left if on.as_ref().is_none_or(is_true) => {
                        let keep = |list: SetCall| SetCall { list: unrolled::keeping_empty(list.list), ..list };
                        self.unrolled(left, lists.into_iter().map(keep).collect(), true)
                    }
                    _ => Err(Error::unsupported("this join with a function of columns at its left")),
                }
            }
        }
    }

    /// A table and what is joined to it.
    fn tree(&self, parent: &Scope<'_>, ctes: &Ctes<'_>, table: &ast::TableWithJoins) -> Result<(Part, Vec<Item>)> {
        let nothing = Scope { items: Vec::new(), parent: Some(parent) };
        let (mut part, mut items) = self.factor(&nothing, ctes, &table.relation)?;
        for join in &table.joins {
            let left = self.standing(part)?;
            let source = Source { plan: left, items };
            let joined = self.join(parent, ctes, source, join)?;
            part = Part::Plan(joined.plan);
            items = joined.items;
        }
        Ok((part, items))
    }

    /// One item of FROM. `scope` has the items of the same join at the left, around it those of FROM.
    fn factor(&self, scope: &Scope<'_>, ctes: &Ctes<'_>, factor: &TableFactor) -> Result<(Part, Vec<Item>)> {
        match factor {
            TableFactor::Table { name, alias, args: None, sample, with_ordinality: false, .. } => {
                if sample.is_some() {
                    return Err(Error::unsupported("TABLESAMPLE")
                        .hint("Rows come from exports, which cannot be sampled; use a filter on a column instead."));
                }
                self.table(ctes, name, alias.as_ref())
            }
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => {
                self.function(scope, ctes, name, &args.args, *with_ordinality, alias.as_ref())
            }
            TableFactor::Function { name, args, with_ordinality, alias, .. } => {
                self.function(scope, ctes, name, args, *with_ordinality, alias.as_ref())
            }
            TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } => {
                let context = Context { scope, ctes, gather: None, clause: Clause::From };
                let arrays = array_exprs.iter().map(|expr| Ok(self.expr(&context, expr)?.placed_at(expr)));
                let arrays = arrays.collect::<Result<Vec<_>>>()?;
                self.calls(vec![("unnest".to_owned(), arrays)], *with_ordinality, alias.as_ref())
            }
            TableFactor::Derived { lateral, subquery, alias, sample: None } => {
                let bound = match lateral {
                    true => self.query(Some(scope), ctes, subquery)?,
                    // Not lateral: only the queries around the whole FROM are visible.
                    false => {
                        let around = scope.parent.and_then(|from| from.parent);
                        self.query(around, ctes, subquery)?
                    }
                };
                let columns = alias.iter().flat_map(|alias| &alias.columns);
                let columns: Vec<String> = columns.map(|column| folded(&column.name)).collect();
                let name = alias.as_ref().map(|alias| folded(&alias.name));
                if name.is_none() {
                    return Err(Error::new(Kind::Syntax, "subquery in FROM must have an alias")
                        .hint("For example, FROM (SELECT ...) [AS] foo."));
                }
                let bound = renamed(bound, &columns, name.as_deref().unwrap_or_default(), "table")?;
                self.relation_of(bound, name, None)
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let (part, items) = self.tree(scope, ctes, table_with_joins)?;
                let Some(alias) = alias else { return Ok((part, items)) };
                let name = folded(&alias.name);
                let shown = items.iter().filter(|item| item.shows_columns);
                let mut columns: Vec<Column> = shown.flat_map(|item| item.columns.clone()).collect();
                for (column, own) in columns.iter_mut().zip(&alias.columns) {
                    column.name = folded(&own.name);
                }
                let item = Item {
                    alias: Some(name),
                    schema: None,
                    columns,
                    is_named: true,
                    shows_columns: true,
                    is_scalar: false,
                    oid: None,
                };
                Ok((part, vec![item]))
            }
            TableFactor::TableFunction { expr, alias } => {
                let context = Context { scope, ctes, gather: None, clause: Clause::From };
                self.table_function(&context, expr, alias.as_ref())
            }
            other => {
                let text: String = other.to_string().chars().take(60).collect();
                Err(Error::unsupported(format!("{text} in FROM")))
            }
        }
    }

    /// `TABLE t`.
    pub(super) fn whole_table(
        &self,
        scope: Option<&Scope<'_>>,
        ctes: &Ctes<'_>,
        factor: &TableFactor,
    ) -> Result<Bound> {
        let own = Scope::new(scope);
        let (part, items) = self.factor(&own, ctes, factor)?;
        let plan = self.standing(part)?;
        let scope = Scope { items, parent: scope };
        let columns = self.star(&scope, None)?;
        self.projected(plan, columns)
    }

    /// A plan with these columns as a query's result.
    pub(super) fn projected(&self, plan: LogicalPlan, columns: Vec<(String, Typed)>) -> Result<Bound> {
        let mut exprs = Vec::new();
        let mut outputs = Vec::new();
        let mut own = Vec::new();
        for (name, typed) in columns {
            let column = self.fresh("o");
            let (origin, fields) = (self.origin(&typed.expr), self.field_types(&typed));
            outputs.push(Output { name, ty: typed.ty, typmod: typed.typmod, origin, fields });
            let made = self.column(None, &column, typed.ty).with_typmod(typed.typmod);
            self.repeats(&made.expr, &typed.expr);
            own.push(made);
            exprs.push(typed.expr.alias(column));
        }
        let literals = vec![None; own.len()];
        Ok(Bound { plan: project(plan, exprs)?, outputs, columns: own, literals })
    }

    /// A query's result as a relation.
    fn relation_of(&self, bound: Bound, alias: Option<String>, schema: Option<String>) -> Result<(Part, Vec<Item>)> {
        let name = self.fresh("r");
        let plan = aliased(bound.plan, &name)?;
        let columns = bound.outputs.iter().zip(&bound.columns).map(|(output, column)| {
            let Expr::Column(own) = &column.expr else {
                return Err(Error::internal("a query's column is none"));
            };
            let typed = self.column(Some(&name), &own.name, output.ty).with_typmod(output.typmod);
            self.repeats(&typed.expr, &column.expr);
            self.stems(&typed.expr, output.origin);
            self.has_fields(&typed.expr, output.fields.clone());
            let typed = Typed { fields: None, ..typed };
            Ok(Column { name: output.name.clone(), typed })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let item = Item { alias, schema, columns, is_named: true, shows_columns: true, is_scalar: false, oid: None };
        Ok((Part::Plan(plan), vec![item]))
    }

    fn table(
        &self,
        ctes: &Ctes<'_>,
        name: &ast::ObjectName,
        alias: Option<&ast::TableAlias>,
    ) -> Result<(Part, Vec<Item>)> {
        let idents: Vec<String> = name.0.iter().filter_map(ObjectNamePart::as_ident).map(folded).collect();
        let columns = alias.iter().flat_map(|alias| &alias.columns);
        let columns: Vec<String> = columns.map(|column| folded(&column.name)).collect();
        let own = alias.map(|alias| folded(&alias.name));
        if let [only] = idents.as_slice()
            && let Some(def) = ctes.find(only)
        {
            let shown = own.unwrap_or_else(|| only.clone());
            let bound = renamed(def.bound.clone(), &columns, &shown, "table")?;
            return self.relation_of(bound, Some(shown), None);
        }
        let (schema, table) = self.environment.relations.find(name, self.sql)?;
        let provider = self.environment.tables.get(&(schema.clone(), table.clone()));
        let provider = provider.ok_or_else(|| Error::internal(format!("there is no relation {schema}.{table}")))?;
        let source = provider_as_source(std::sync::Arc::clone(provider));
        let reference = TableReference::partial(schema.as_str(), table.as_str());
        let relation = self.fresh("r");
        let scan = LogicalPlanBuilder::scan(reference, source, None).and_then(LogicalPlanBuilder::build);
        let mut plan = scan.map_err(from_engine)?;
        let mut typed = Vec::new();
        let mut exprs = Vec::new();
        let mut is_cast = false;
        for (qualifier, field) in plan.schema().iter() {
            let ty = PgType::of(field)?;
            let own = EngineColumn::new(qualifier.cloned(), field.name());
            let wanted = data_type(ty, self.zone());
            exprs.push(match &wanted == field.data_type() {
                true => Expr::Column(own),
                false => {
                    is_cast = true;
                    Expr::Cast(Cast::new(Box::new(Expr::Column(own)), wanted)).alias(field.name())
                }
            });
            let typmod = field.metadata().get(PG_TYPMOD).and_then(|typmod| typmod.parse().ok()).unwrap_or(-1);
            typed.push((field.name().clone(), ty, typmod));
        }
        if is_cast {
            plan = project(plan, exprs)?;
        }
        let plan = aliased(plan, &relation)?;
        let outputs = typed.iter().enumerate().map(|(at, (name, ty, typmod))| Column {
            name: columns.get(at).cloned().unwrap_or_else(|| name.clone()),
            typed: self.column(Some(&relation), name, *ty).with_typmod(*typmod),
        });
        let outputs: Vec<Column> = outputs.collect();
        let oid = self.environment.relations.oids.get(&(schema.clone(), table.clone())).copied();
        for (at, column) in outputs.iter().enumerate() {
            let attnum = i16::try_from(at + 1).ok();
            self.stems(&column.typed.expr, oid.zip(attnum).map(|(relation, attnum)| ColumnOrigin { relation, attnum }));
        }
        // A temporary table has what it was given.
        if schema != TEMPORARY {
            self.one_zero.borrow_mut().extend(plan.schema().columns());
        }
        if columns.len() > outputs.len() {
            let shown = own.unwrap_or(table);
            let message = format!(
                "table \"{shown}\" has {} columns available but {} columns specified",
                outputs.len(),
                columns.len()
            );
            return Err(Error::new(Kind::InvalidColumnReference, message));
        }
        let item = Item {
            schema: own.is_none().then_some(schema),
            alias: Some(own.unwrap_or(table)),
            columns: outputs,
            is_named: true,
            shows_columns: true,
            is_scalar: false,
            oid,
        };
        Ok((Part::Plan(plan), vec![item]))
    }
}

/// A name that stands twice in FROM.
fn check_aliases(analyzer: &Analyzer<'_>, left: &[Item], right: &[Item]) -> Result<()> {
    let named = |items: &[Item]| {
        let named = items.iter().filter(|item| item.is_named);
        named.filter_map(|item| item.alias.clone().map(|alias| (item.schema.clone(), alias))).collect::<Vec<_>>()
    };
    let known = named(left);
    for (schema, alias) in named(right) {
        let same = |(own_schema, own): &(Option<String>, String)| {
            *own == alias && (*own_schema == schema || own_schema.is_none() || schema.is_none())
        };
        // Two tables of one name in different schemas are no fault, unless one is renamed.
        let is_fault = known.iter().any(|own| same(own) && (own.0.is_none() == schema.is_none() || own.0 == schema));
        if is_fault {
            let message = format!("table name \"{alias}\" specified more than once");
            return Err(analyzer.at(
                Error::new(Kind::DuplicateAlias, message),
                datafusion::sql::sqlparser::tokenizer::Location::empty(),
            ));
        }
    }
    Ok(())
}

/// Whether a plan uses columns of the left, also in its subqueries.
pub(super) fn deep_reference(plan: &LogicalPlan, left: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    let walked = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::OuterReferenceColumn(_, column) = part {
                    found |= left.schema().has_column(column);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    walked.map_err(from_engine)?;
    Ok(found)
}

pub(super) fn is_true(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(datafusion::common::ScalarValue::Boolean(Some(true)), _))
}
