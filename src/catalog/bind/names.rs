//! Names: which relations a statement reads, and what its outputs are called.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, FunctionArguments, Query, Select, SelectItem, SetExpr, TableFactor, TrimWhereField, Visit,
    Visitor,
};

use super::super::context::{Context, Source};
use super::super::types;
use super::{fold, parts};

#[derive(Default)]
struct Relations {
    ctes: HashSet<String>,
    paths: Vec<Vec<String>>,
}

impl Visitor for Relations {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        self.ctes.extend(ctes.map(|cte| fold(&cte.alias.name)));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: None, .. } = factor {
            self.paths.push(parts(name));
        }
        ControlFlow::Continue(())
    }
}

/// Whether every relation that a query names is a catalog relation. Names of WITH items count as none, unless they stand
/// outside their WITH and then do not exist anyway.
pub(crate) fn only_catalogs(query: &Query, context: &Context<'_>) -> bool {
    let mut relations = Relations::default();
    let _ = query.visit(&mut relations);
    relations.paths.iter().all(|path| {
        let class = match path.as_slice() {
            [name] if relations.ctes.contains(name) => return true,
            [name] => context.visible_class(name),
            [schema, name] => match context.class_named(schema, name) {
                // A name that the catalogs do not have gets its error from here, too.
                None => return matches!(schema.as_str(), "pg_catalog" | "information_schema"),
                found => found,
            },
            [_, schema, name] => context.class_named(schema, name),
            _ => None,
        };
        class.is_some_and(|class| matches!(class.source, Source::System(_)))
    })
}

/// Returns the name that PostgreSQL gives an output without AS.
pub(super) fn output(expr: &Expr) -> String {
    figure(expr).map_or_else(|| "?column?".to_owned(), |(name, _)| name)
}

/// Returns a name and whether it is a strong one: weak names yield to that of a cast around or a CASE.
fn figure(expr: &Expr) -> Option<(String, bool)> {
    let strong = |name: &str| Some((name.to_owned(), true));
    match expr {
        Expr::Identifier(name) => Some((fold(name), true)),
        Expr::CompoundIdentifier(path) => path.last().map(|name| (fold(name), true)),
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|step| match step {
                AccessExpr::Dot(Expr::Identifier(name)) => Some((fold(name), true)),
                _ => None,
            });
            field.or_else(|| figure(root))
        }
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => figure(inner),
        Expr::Function(function) => match &function.args {
            FunctionArguments::Subquery(_) => strong("array"),
            _ => parts(&function.name).pop().map(|name| (name, true)),
        },
        Expr::Cast { expr, data_type, .. } => match figure(expr) {
            Some((name, true)) => Some((name, true)),
            _ => types::of_ast(data_type).ok().and_then(types::get).map(|entry| (type_name(entry), false)),
        },
        Expr::TypedString(typed) => {
            types::of_ast(&typed.data_type).ok().and_then(types::get).map(|entry| (type_name(entry), false))
        }
        Expr::Case { else_result, .. } => match else_result.as_deref().and_then(figure) {
            Some((name, true)) => Some((name, true)),
            _ => Some(("case".to_owned(), false)),
        },
        Expr::Interval(_) => Some(("interval".to_owned(), false)),
        Expr::Exists { .. } => strong("exists"),
        Expr::Array(_) => strong("array"),
        Expr::Subquery(query) => subquery(&query.body),
        Expr::Substring { .. } => strong("substring"),
        Expr::Position { .. } => strong("position"),
        Expr::Trim { trim_where: Some(TrimWhereField::Leading), .. } => strong("ltrim"),
        Expr::Trim { trim_where: Some(TrimWhereField::Trailing), .. } => strong("rtrim"),
        Expr::Trim { .. } => strong("btrim"),
        Expr::Tuple(_) => strong("row"),
        Expr::Extract { .. } => strong("extract"),
        _ => None,
    }
}

/// An array type is called by its element, as `x::text[]` is parsed.
fn type_name(entry: &types::Type) -> String {
    let element = if types::is_array(entry) { types::get(entry.elem) } else { None };
    element.unwrap_or(entry).name.clone()
}

fn subquery(body: &SetExpr) -> Option<(String, bool)> {
    match body {
        SetExpr::Select(select) => first_item(select),
        SetExpr::Query(query) => subquery(&query.body),
        SetExpr::SetOperation { left, .. } => subquery(left),
        _ => None,
    }
}

fn first_item(select: &Select) -> Option<(String, bool)> {
    match select.projection.first()? {
        SelectItem::UnnamedExpr(expr) => figure(expr),
        SelectItem::ExprWithAlias { alias, .. } => Some((fold(alias), true)),
        _ => None,
    }
}
