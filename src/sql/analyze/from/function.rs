//! Functions in FROM.

use datafusion::sql::sqlparser::ast::{self};

use super::super::Analyzer;
use super::super::call::function_name;
use super::super::cte::Ctes;
use super::super::expr::{Clause, Context};
use super::super::scope::{Column, Item, Scope, folded};
use super::super::sets::SetCall;
use super::super::typed::Typed;
use super::Part;
use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::registry::sets;
use crate::pgtype::types::PgType;
use crate::sql::unrolled;

impl Analyzer<'_> {
    pub(super) fn function(
        &self,
        scope: &Scope<'_>,
        ctes: &Ctes<'_>,
        name: &ast::ObjectName,
        args: &[ast::FunctionArg],
        ordinality: bool,
        alias: Option<&ast::TableAlias>,
    ) -> Result<(Part, Vec<Item>)> {
        let context = Context { scope, ctes, gather: None, clause: Clause::From };
        let name = function_name(name)?;
        let mut calls = Vec::new();
        if name == "rows from" {
            for arg in args {
                let ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(ast::Expr::Function(call))) = arg else {
                    return Err(Error::unsupported("this form of ROWS FROM"));
                };
                calls.push((function_name(&call.name)?, self.arguments(&context, call)?));
            }
        } else {
            let exprs = args.iter().map(|arg| match arg {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => {
                    Ok(self.expr(&context, expr)?.placed_at(expr))
                }
                _ => Err(Error::unsupported("an argument with a name in FROM")),
            });
            let args: Vec<Typed> = exprs.collect::<Result<_>>()?;
            if matches!(
                name.as_str(),
                "json_to_record" | "jsonb_to_record" | "json_to_recordset" | "jsonb_to_recordset"
            ) {
                return self.records(&name, &args, alias);
            }
            calls.push((name, args));
        }
        self.calls(calls, ordinality, alias)
    }

    /// `jsonb_to_recordset(…) AS t(a integer, b text)`: objects as rows of the columns that the alias defines.
    pub(super) fn records(
        &self,
        name: &str,
        args: &[Typed],
        alias: Option<&ast::TableAlias>,
    ) -> Result<(Part, Vec<Item>)> {
        let binary = name.starts_with("jsonb");
        let json = if binary { PgType::Jsonb } else { PgType::Json };
        let defined = alias.map(|alias| alias.columns.as_slice()).unwrap_or_default();
        if defined.is_empty() || defined.iter().any(|column| column.data_type.is_none()) {
            let message = "a column definition list is required for functions returning \"record\"";
            return Err(Error::new(Kind::Syntax, message));
        }
        let [one] = args else {
            return Err(self.missing_function(name, &args.iter().map(|arg| arg.ty).collect::<Vec<_>>()));
        };
        let one = self.implicit(one.clone(), json)?;
        let (list, object) = match name.ends_with("set") {
            true => {
                let elements = if binary { "jsonb_array_elements" } else { "json_array_elements" };
                let resolved = self.resolve_set(elements, vec![one])?;
                let mut unrolled = self.unroll(&resolved, false, false);
                unrolled.pop().ok_or_else(|| Error::internal("a function without columns"))?
            }
            false => {
                let column = self.fresh("s");
                let list = self.array_of(vec![one])?.expr;
                (SetCall { list, column: column.clone() }, self.column(None, &column, json))
            }
        };
        let mut columns = Vec::new();
        for column in defined {
            let Some(data_type) = &column.data_type else { continue };
            let (ty, typmod) = crate::sql::analyze::types::resolve(data_type)?;
            let key = folded(&column.name);
            let is_array = ty.element().is_some();
            let symbol = if is_array || matches!(ty, PgType::Json | PgType::Jsonb) { "->" } else { "->>" };
            let text = self.operate(symbol, object.clone(), self.text(&key))?;
            let text = match ty.element() {
                Some(element) => self.named_call("json_to_array", ty, vec![text], move |args, style| {
                    let (Datum::Text(json) | Datum::Jsonb(json)) = &args[0] else { return Ok(Datum::Null) };
                    json_items(element, json, style)
                })?,
                None => text,
            };
            let typed = self.cast(text, ty, typmod, crate::function::CastContext::Explicit)?;
            columns.push(Column { name: key, typed });
        }
        let own = alias.map(|alias| folded(&alias.name)).filter(|own| !own.is_empty());
        let item = Item {
            alias: Some(own.unwrap_or_else(|| name.to_owned())),
            schema: None,
            columns,
            is_named: true,
            shows_columns: true,
            is_scalar: false,
            oid: None,
        };
        Ok((Part::Lists(vec![list]), vec![item]))
    }

    /// `ROWS FROM (…)`, or an expression that stands for a table of one row.
    pub(super) fn table_function(
        &self,
        context: &Context<'_>,
        expr: &ast::Expr,
        alias: Option<&ast::TableAlias>,
    ) -> Result<(Part, Vec<Item>)> {
        if let ast::Expr::Function(call) = expr {
            let name = function_name(&call.name)?;
            if matches!(name.as_str(), "rows_from" | "rows_from_with_ordinality") {
                let list = crate::sql::analyze::call::list(call).map(|list| list.args.as_slice()).unwrap_or_default();
                let mut calls = Vec::new();
                for arg in list {
                    let ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(ast::Expr::Function(call))) = arg else {
                        return Err(Error::unsupported("this form of ROWS FROM"));
                    };
                    calls.push((function_name(&call.name)?, self.arguments(context, call)?));
                }
                return self.calls(calls, name == "rows_from_with_ordinality", alias);
            }
        }
        let typed = self.known(self.expr(context, expr)?.placed_at(expr))?;
        let (ty, item, name) = (typed.ty, self.fresh("s"), crate::sql::names::figure(expr));
        let lists = vec![SetCall { list: self.array_of(vec![typed])?.expr, column: item.clone() }];
        let given = alias.and_then(|alias| alias.columns.first()).map(|column| folded(&column.name));
        let own = alias.map(|alias| folded(&alias.name)).unwrap_or_else(|| name.clone());
        let column = given.unwrap_or_else(|| if alias.is_some() { own.clone() } else { name });
        let columns = vec![Column { name: column, typed: self.column(None, &item, ty) }];
        let item = Item {
            alias: Some(own),
            schema: None,
            columns,
            is_named: true,
            shows_columns: true,
            is_scalar: true,
            oid: None,
        };
        Ok((Part::Lists(lists), vec![item]))
    }

    /// Functions side by side.
    pub(super) fn calls(
        &self,
        calls: Vec<(String, Vec<Typed>)>,
        ordinality: bool,
        alias: Option<&ast::TableAlias>,
    ) -> Result<(Part, Vec<Item>)> {
        let mut lists = Vec::new();
        let mut columns: Vec<Column> = Vec::new();
        let single = calls.len() == 1;
        let first = calls.first().map(|(name, _)| name.clone()).unwrap_or_default();
        let own = alias.map(|alias| folded(&alias.name));
        let mut is_scalar = single && !ordinality;
        let mut calls: Vec<(String, Vec<Typed>)> = calls;
        // unnest(a, b) is unnest(a) beside unnest(b).
        if let [(name, args)] = calls.as_slice()
            && name == "unnest"
            && args.len() > 1
        {
            calls = args.iter().map(|arg| ("unnest".to_owned(), vec![arg.clone()])).collect();
            is_scalar = false;
        }
        // Over several functions the rows are numbered up to the longest.
        let numbers = ordinality && calls.len() > 1;
        let ordinality = ordinality && !numbers;
        for (name, args) in calls {
            if sets(&name).is_empty() {
                // A function of one value is a table of one row.
                let typed = self.by_name(&name, args)?;
                let (ty, item) = (typed.ty, self.fresh("s"));
                let array = self.array_of(vec![typed])?;
                lists.push(SetCall { list: array.expr, column: item.clone() });
                columns.push(Column { name: name.clone(), typed: self.column(None, &item, ty) });
                if ordinality {
                    let one = self.constant(PgType::Int8, crate::function::datum::Datum::Int8(1))?;
                    let item = self.fresh("s");
                    lists.push(SetCall { list: self.array_of(vec![one])?.expr, column: item.clone() });
                    let typed = self.column(None, &item, PgType::Int8);
                    columns.push(Column { name: "ordinality".to_owned(), typed });
                }
                continue;
            }
            let resolved = self.resolve_set(&name, args)?;
            let mut names: Vec<String> = resolved.columns.iter().map(|(name, _)| name.clone()).collect();
            is_scalar &= names.len() == 1;
            // A function with one column names it as the alias does.
            if let ([only], Some(own)) = (names.as_mut_slice(), own.as_ref())
                && single
            {
                *only = own.clone();
            }
            if ordinality {
                names.push("ordinality".to_owned());
            }
            for ((list, typed), name) in self.unroll(&resolved, ordinality, false).into_iter().zip(names) {
                lists.push(list);
                columns.push(Column { name, typed });
            }
        }
        if numbers {
            let item = self.fresh("s");
            let own = lists.iter().map(|list| list.list.clone()).collect();
            lists.push(SetCall { list: unrolled::numbers(own), column: item.clone() });
            let typed = self.column(None, &item, PgType::Int8);
            columns.push(Column { name: "ordinality".to_owned(), typed });
        }
        let given = alias.map(|alias| alias.columns.as_slice()).unwrap_or_default();
        if given.len() > columns.len() {
            let message = format!(
                "table \"{}\" has {} columns available but {} columns specified",
                own.unwrap_or(first),
                columns.len(),
                given.len()
            );
            return Err(Error::new(Kind::InvalidColumnReference, message));
        }
        for (column, name) in columns.iter_mut().zip(given) {
            column.name = folded(&name.name);
        }
        let item = Item {
            alias: Some(own.unwrap_or(first)),
            schema: None,
            columns,
            is_named: true,
            shows_columns: true,
            is_scalar,
            oid: None,
        };
        Ok((Part::Lists(lists), vec![item]))
    }
}

/// A JSON array as an array of one type.
fn json_items<'a>(element: PgType, json: &str, style: &crate::pgtype::style::Style) -> Result<Datum<'a>> {
    use crate::pgtype::jsonb::access;
    match json.trim_start().as_bytes().first() {
        Some(b'[') => {
            let item = |item: &str| match access::text(item) {
                Some(text) => crate::function::io::input(element, &text, style),
                None => Ok(Datum::Null),
            };
            Ok(Datum::Array(access::elements(json).map(item).collect::<Result<_>>()?))
        }
        _ if json.trim() == "null" => Ok(Datum::Null),
        _ => Err(Error::new(Kind::InvalidText, "expected JSON array")),
    }
}
