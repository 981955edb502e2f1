//! Which names a clause sees: PostgreSQL's namespace items, with what of them is visible.

use std::sync::Arc;

use datafusion::arrow::datatypes::Field;
use datafusion::common::Column as EngineColumn;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast::Ident;

use super::Analyzer;
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::pgtype::types::PgType;
use crate::sql::fault::nearest;
use crate::sql::values::data_type;

/// A column that a name can mean.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) typed: Typed,
}

/// A relation of FROM, or what a join makes of two.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) alias: Option<String>,
    pub(super) schema: Option<String>,
    pub(super) columns: Vec<Column>,
    /// `alias.column` finds it.
    pub(super) is_named: bool,
    /// `column` and `*` find its columns.
    pub(super) shows_columns: bool,
    /// A function with one column, whose name also means that column.
    pub(super) is_scalar: bool,
    /// `pg_class.oid`, if it is a relation.
    pub(super) oid: Option<u32>,
}

/// The names of one query, and those of the queries around it.
#[derive(Clone, Debug)]
pub(super) struct Scope<'p> {
    pub(super) items: Vec<Item>,
    pub(super) parent: Option<&'p Scope<'p>>,
}

impl<'p> Scope<'p> {
    pub(super) fn new(parent: Option<&'p Scope<'p>>) -> Self {
        Scope { items: Vec::new(), parent }
    }
}

/// An identifier as PostgreSQL folds it.
pub(super) fn folded(ident: &Ident) -> String {
    let name = match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    };
    truncated(name)
}

/// Identifiers have at most 63 bytes.
fn truncated(mut name: String) -> String {
    if name.len() > 63 {
        let mut end = 63;
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
    }
    name
}

impl Analyzer<'_> {
    /// A column of a query `levels` around the one that names it.
    fn outer(&self, typed: Typed, levels: usize) -> Typed {
        if levels == 0 {
            return typed;
        }
        let expr = match typed.expr {
            Expr::Column(column) => outer_reference(column, typed.ty, self.zone()),
            other => self.to_outer(other),
        };
        Typed { expr, value: None, ..typed }
    }

    /// An expression as a query within the one that it belongs to sees it.
    pub(super) fn to_outer(&self, expr: Expr) -> Expr {
        let turned = expr.clone().transform_up(|part| {
            Ok(match part {
                Expr::Column(column) => {
                    let ty = self.columns.borrow().get(&column).copied().unwrap_or(PgType::Text);
                    Transformed::yes(outer_reference(column, ty, self.zone()))
                }
                other => Transformed::no(other),
            })
        });
        turned.map_or(expr, |turned| turned.data)
    }

    /// What a name without a table means.
    pub(super) fn unqualified(&self, scope: &Scope<'_>, ident: &Ident) -> Result<Typed> {
        let name = folded(ident);
        let mut level = Some(scope);
        let mut levels = 0;
        while let Some(own) = level {
            let visible = own.items.iter().filter(|item| item.shows_columns);
            let mut found = visible.flat_map(|item| item.columns.iter().filter(|column| column.name == name));
            if let Some(column) = found.next() {
                if found.next().is_some() {
                    let message = format!("column reference \"{name}\" is ambiguous");
                    return Err(self.at(Error::new(Kind::AmbiguousColumn, message), ident.span.start));
                }
                return Ok(self.outer(column.typed.clone(), levels).placed(ident.span.start));
            }
            level = own.parent;
            levels += 1;
        }
        if let Some(typed) = self.whole_row(scope, &name)? {
            return Ok(typed.placed(ident.span.start));
        }
        let relations: Vec<&Item> = scope.items.iter().filter(|item| item.oid.is_some()).collect();
        match (relations.as_slice(), is_system(&name)) {
            ([only], true) => {
                if let Some(typed) = self.system_column(only, &name)? {
                    return Ok(typed.placed(ident.span.start));
                }
            }
            ([_, _, ..], true) => {
                let message = format!("column reference \"{name}\" is ambiguous");
                return Err(self.at(Error::new(Kind::AmbiguousColumn, message), ident.span.start));
            }
            _ => {}
        }
        Err(self.at(missing_column(scope, None, &name), ident.span.start))
    }

    /// The row of a relation, which its name alone means.
    fn whole_row(&self, scope: &Scope<'_>, name: &str) -> Result<Option<Typed>> {
        let mut level = Some(scope);
        let mut levels = 0;
        while let Some(own) = level {
            let mut named = own.items.iter().filter(|item| item.is_named);
            if let Some(item) = named.find(|item| item.alias.as_deref() == Some(name)) {
                if let (true, [column]) = (item.is_scalar, item.columns.as_slice()) {
                    return Ok(Some(self.outer(column.typed.clone(), levels)));
                }
                let fields = item.columns.iter().map(|column| {
                    let typed = self.outer(column.typed.clone(), levels);
                    (column.name.clone(), typed)
                });
                return Ok(Some(self.row_of_table(fields.collect())?));
            }
            level = own.parent;
            levels += 1;
        }
        Ok(None)
    }

    /// The relation that a qualifier means, and how many queries around it stands.
    pub(super) fn relation<'a>(&self, scope: &'a Scope<'_>, parts: &[Ident]) -> Result<(&'a Item, usize)> {
        let names: Vec<String> = parts.iter().map(folded).collect();
        let (schema, table) = match names.as_slice() {
            [table] => (None, table),
            [schema, table] => (Some(schema), table),
            [_, schema, table] => (Some(schema), table),
            _ => return Err(Error::new(Kind::Syntax, "improper qualified name (too many dotted names)")),
        };
        let mut level = Some(scope);
        let mut levels = 0;
        let fits = |item: &&Item| {
            item.is_named
                && item.alias.as_ref() == Some(table)
                && schema.is_none_or(|schema| item.schema.as_ref() == Some(schema))
        };
        while let Some(own) = level {
            let mut found = own.items.iter().filter(fits);
            if let Some(item) = found.next() {
                if found.next().is_some() {
                    let message = format!("table reference \"{table}\" is ambiguous");
                    return Err(Error::new(Kind::DuplicateAlias, message));
                }
                return Ok((item, levels));
            }
            level = own.parent;
            levels += 1;
        }
        let error =
            Error::new(Kind::UndefinedTable, format!("missing FROM-clause entry for table \"{}\"", names.join(".")));
        let place = parts.first().map(|part| part.span.start);
        Err(match place {
            Some(place) => self.at(error, place),
            None => error,
        })
    }

    /// What `table.column` means.
    pub(super) fn qualified(&self, scope: &Scope<'_>, idents: &[Ident]) -> Result<Typed> {
        let [table @ .., last] = idents else { return Err(Error::internal("a name without parts")) };
        let name = folded(last);
        let (item, levels) = self.relation(scope, table)?;
        let place = idents.first().map_or(last.span.start, |first| first.span.start);
        let mut found = item.columns.iter().filter(|column| column.name == name);
        let Some(column) = found.next() else {
            if let Some(typed) = self.system_column(item, &name)? {
                return Ok(typed.placed(place));
            }
            let shown = table.last().map(folded);
            return Err(self.at(missing_column(scope, shown.as_deref(), &name), place));
        };
        if found.next().is_some() {
            let message = format!("column reference \"{name}\" is ambiguous");
            return Err(self.at(Error::new(Kind::AmbiguousColumn, message), place));
        }
        Ok(self.outer(column.typed.clone(), levels).placed(place))
    }

    /// A system column of a relation. Nothing is stored, so all but the relation's number are what PostgreSQL shows for a
    /// foreign table: no place, and no transaction.
    fn system_column(&self, item: &Item, name: &str) -> Result<Option<Typed>> {
        let Some(oid) = item.oid else { return Ok(None) };
        Ok(Some(match name {
            "tableoid" => self.constant(PgType::Oid, Datum::Oid(oid))?,
            "ctid" => self.constant(PgType::Tid, Datum::text("(4294967295,0)"))?,
            "xmin" | "xmax" => self.constant(PgType::Xid, Datum::Oid(0))?,
            "cmin" | "cmax" => self.constant(PgType::Cid, Datum::Oid(0))?,
            _ => return Ok(None),
        }))
    }

    /// What `*`, or `table.*`, stands for.
    pub(super) fn star(&self, scope: &Scope<'_>, qualifier: Option<&[Ident]>) -> Result<Vec<(String, Typed)>> {
        if let Some(parts) = qualifier {
            let (item, levels) = self.relation(scope, parts)?;
            let columns = item.columns.iter();
            return Ok(columns.map(|column| (column.name.clone(), self.outer(column.typed.clone(), levels))).collect());
        }
        let visible = scope.items.iter().filter(|item| item.shows_columns);
        let columns = visible.flat_map(|item| &item.columns);
        Ok(columns.map(|column| (column.name.clone(), column.typed.clone())).collect())
    }
}

fn is_system(name: &str) -> bool {
    matches!(name, "tableoid" | "ctid" | "xmin" | "xmax" | "cmin" | "cmax")
}

/// A column of a query around.
pub(super) fn outer_reference(column: EngineColumn, ty: PgType, zone: &str) -> Expr {
    let field = Arc::new(Field::new(&column.name, data_type(ty, zone), true));
    Expr::OuterReferenceColumn(field, column)
}

fn missing_column(scope: &Scope<'_>, table: Option<&str>, name: &str) -> Error {
    let message = match table {
        Some(table) => format!("column {table}.{name} does not exist"),
        None => format!("column \"{name}\" does not exist"),
    };
    let error = Error::new(Kind::UndefinedColumn, message);
    let items = || scope.items.iter().filter(|item| item.alias.is_some());
    if table.is_none()
        && let Some(item) = scope
            .items
            .iter()
            .find(|item| !item.shows_columns && item.is_named && item.columns.iter().any(|column| column.name == name))
        && let Some(alias) = &item.alias
    {
        return error.hint(format!("Perhaps you meant to reference the column \"{alias}.{name}\"."));
    }
    let candidates: Vec<(&str, &str)> = items()
        .filter(|item| table.is_none_or(|table| item.alias.as_deref() == Some(table)))
        .flat_map(|item| {
            let alias = item.alias.as_deref().unwrap_or_default();
            item.columns.iter().map(move |column| (alias, column.name.as_str()))
        })
        .collect();
    match nearest(name, candidates.iter().map(|(_, column)| *column)) {
        Some(near) => {
            let alias = candidates.iter().find(|(_, column)| *column == near).map_or("", |(alias, _)| alias);
            error.hint(format!("Perhaps you meant to reference the column \"{alias}.{near}\"."))
        }
        None => error,
    }
}
