//! Expressions.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, CaseWhen, DataType, Expr, Ident, Query as AstQuery, Subscript, TrimWhereField, Value as Literal,
};

use super::super::cast;
use super::super::plan::{Compare, Node, Subquery, SubqueryKind, Test};
use super::super::sets;
use super::super::types;
use super::super::value::Value;
use super::{Binder, Bound, MOST_DEPTH, fold};
use crate::error::{Error, Kind, Result};

/// Functions without parentheses.
const KEYWORDS: &[&str] = &[
    "current_role",
    "current_user",
    "session_user",
    "user",
    "current_catalog",
    "current_schema",
    "localtimestamp",
    "current_date",
];

impl Binder<'_, '_> {
    /// Binds an expression.
    pub(super) fn expr(&mut self, expr: &Expr) -> Result<Bound> {
        if self.depth >= MOST_DEPTH * 4 {
            return Err(Error::new(Kind::ConfigurationLimit, "the expression is nested too deep"));
        }
        self.depth += 1;
        let bound = self.any_expr(expr);
        self.depth -= 1;
        bound
    }

    fn any_expr(&mut self, expr: &Expr) -> Result<Bound> {
        match expr {
            Expr::Identifier(name) => self.identifier(name),
            Expr::CompoundIdentifier(path) => self.path(path),
            Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            Expr::Value(value) => self.literal(&value.value),
            Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => self.expr(inner),
            Expr::Cast { expr, data_type, .. } => self.explicit_cast(expr, data_type),
            Expr::TypedString(typed) => {
                let text = typed.value.value.clone().into_string().unwrap_or_default();
                self.typed_text(&text, &typed.data_type)
            }
            Expr::Interval(interval) => {
                let text = match interval.value.as_ref() {
                    Expr::Value(value) => value.value.clone().into_string().unwrap_or_else(|| value.value.to_string()),
                    other => return Err(Error::unsupported(format!("INTERVAL {other}"))),
                };
                let unit = interval.leading_field.as_ref().map(|field| format!(" {field}")).unwrap_or_default();
                let value = cast::parse(&format!("{text}{unit}"), types::INTERVAL, self.context)?;
                Ok(Bound::new(Node::Const(value), types::INTERVAL))
            }
            Expr::AtTimeZone { timestamp, time_zone } => {
                let (zone, time) = (self.expr(time_zone)?, self.expr(timestamp)?);
                self.scalar("timezone", vec![zone, time])
            }
            Expr::Function(function) => self.call(function),
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            Expr::Exists { subquery, negated } => {
                let exists = self.subquery_node(SubqueryKind::Exists, subquery)?;
                Ok(boolean(if *negated { Node::Not(Box::new(exists.0)) } else { exists.0 }))
            }
            Expr::Subquery(query) => {
                let (node, columns) = self.subquery_node(SubqueryKind::Scalar, query)?;
                match columns.as_slice() {
                    [type_oid] => Ok(Bound::new(node, *type_oid)),
                    _ => Err(Error::new(Kind::Syntax, "subquery must return only one column")),
                }
            }
            Expr::Array(array) => {
                let items: Result<Vec<Bound>> = array.elem.iter().map(|item| self.expr(item)).collect();
                let (nodes, element) = self.unify("ARRAY", items?)?;
                let untyped = element == types::UNKNOWN;
                let element = if untyped { types::TEXT } else { element };
                Ok(Bound::new(Node::Array(nodes), types::array_of(element)))
            }
            Expr::Tuple(items) => {
                let items: Result<Vec<Bound>> = items.iter().map(|item| self.expr(item)).collect();
                let mut nodes = Vec::new();
                for item in items? {
                    nodes.push(self.known(item)?.node);
                }
                Ok(Bound::new(Node::Row(nodes), types::RECORD))
            }
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                self.call_named("substring", [Some(expr.as_ref()), substring_from.as_deref(), substring_for.as_deref()])
            }
            Expr::Extract { field, expr, .. } => {
                let field = Bound::new(
                    Node::Const(Value::text(field.to_string().trim_matches('\'').to_lowercase())),
                    types::TEXT,
                );
                let from = self.expr(expr)?;
                self.scalar("extract", vec![field, from])
            }
            Expr::Position { expr, r#in } => self.call_named("position", [Some(r#in.as_ref()), Some(expr), None]),
            Expr::Trim { trim_where, trim_what, expr, trim_characters } => {
                let what = trim_what.as_deref().or(trim_characters.as_ref().and_then(|list| list.first()));
                let name = match trim_where {
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                    _ => "btrim",
                };
                self.call_named(name, [Some(expr), what, None])
            }
            _ => self.operator(expr),
        }
    }

    fn identifier(&mut self, name: &Ident) -> Result<Bound> {
        let folded = fold(name);
        if let Some(bound) = self.column(&folded)? {
            return Ok(bound);
        }
        // The name of a relation of FROM stands for its row; that of a function's relation for its value.
        if let Some((depth, table)) = self.table(&folded) {
            return Ok(Bound::new(Node::WholeRow { depth, slot: table.slot }, types::RECORD));
        }
        // Some of the functions that SQL calls without parentheses come as names.
        if name.quote_style.is_none() && KEYWORDS.contains(&folded.as_str()) {
            return self.scalar(&folded, Vec::new());
        }
        let message = format!("column \"{folded}\" does not exist");
        Err(Error::new(Kind::UndefinedColumn, message))
    }

    fn path(&mut self, path: &[Ident]) -> Result<Bound> {
        let names: Vec<String> = path.iter().map(fold).collect();
        match names.as_slice() {
            [table, column] => self.qualified(None, table, column),
            [schema, table, column] => self.qualified(Some(schema), table, column),
            [_, schema, table, column] => self.qualified(Some(schema), table, column),
            _ => Err(Error::unsupported("a name of that many parts")),
        }
    }

    /// Binds `a.b[1]`, `(f(x)).n`, `(current_schemas(true))[1]`.
    fn access(&mut self, root: &Expr, chain: &[AccessExpr]) -> Result<Bound> {
        let mut path: Vec<Ident> = Vec::new();
        let mut rest = chain;
        if let Expr::Identifier(first) = root {
            path.push(first.clone());
            while let Some((AccessExpr::Dot(Expr::Identifier(name)), tail)) = rest.split_first() {
                path.push(name.clone());
                rest = tail;
            }
        }
        let mut bound = match path.as_slice() {
            [] => self.expr(root)?,
            [name] => self.identifier(name)?,
            path => self.path(path)?,
        };
        for step in rest {
            bound = match step {
                AccessExpr::Dot(Expr::Identifier(name)) => self.field(bound, &fold(name))?,
                AccessExpr::Dot(other) => return Err(Error::unsupported(format!("the field {other}"))),
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    let Some(element) = types::element(bound.type_oid) else {
                        return Err(not_an_array(bound.type_oid));
                    };
                    let index = self.expr(index)?;
                    let index = Box::new(self.coerce(index, types::INT4)?);
                    Bound::new(Node::Subscript { base: Box::new(bound.node), index }, element)
                }
                AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, .. }) => {
                    let Some(element) = types::element(bound.type_oid) else {
                        return Err(not_an_array(bound.type_oid));
                    };
                    let mut limit = |expr: &Option<Expr>| -> Result<Option<Box<Node>>> {
                        let Some(expr) = expr else { return Ok(None) };
                        let index = self.expr(expr)?;
                        self.coerce(index, types::INT4).map(Box::new).map(Some)
                    };
                    let (lower, upper) = (limit(lower_bound)?, limit(upper_bound)?);
                    Bound::new(Node::Slice { base: Box::new(bound.node), lower, upper }, types::array_of(element))
                }
            };
        }
        Ok(bound)
    }

    fn field(&mut self, base: Bound, name: &str) -> Result<Bound> {
        if let Node::WholeRow { depth, slot } = base.node {
            let level = self.scopes.len() - 1 - depth;
            let table = self.scopes[level].tables.iter().find(|table| table.slot == slot);
            let found = table.and_then(|table| {
                let column = table.columns.iter().position(|(column, _)| column == name)?;
                Some(Bound::new(Node::Column { depth, slot, column }, table.columns[column].1))
            });
            return found.ok_or_else(|| Error::new(Kind::UndefinedColumn, format!("column \"{name}\" does not exist")));
        }
        match sets::field(name).filter(|_| base.type_oid == types::RECORD) {
            Some((index, type_oid)) => Ok(Bound::new(Node::Field { base: Box::new(base.node), index }, type_oid)),
            None => {
                let message = format!("could not identify column \"{name}\" in record data type");
                Err(Error::new(Kind::UndefinedColumn, message))
            }
        }
    }

    fn literal(&mut self, value: &Literal) -> Result<Bound> {
        Ok(match value {
            Literal::Number(text, _) => match text.parse::<i64>() {
                Ok(int) if i32::try_from(int).is_ok() => Bound::new(Node::Const(Value::Int(int)), types::INT4),
                Ok(int) => Bound::new(Node::Const(Value::Int(int)), types::INT8),
                Err(_) => {
                    let float =
                        text.parse().map_err(|_| Error::new(Kind::Syntax, format!("invalid number \"{text}\"")))?;
                    Bound::new(Node::Const(Value::Float(float)), types::NUMERIC)
                }
            },
            Literal::Boolean(bool) => boolean(Node::Const(Value::Bool(*bool))),
            Literal::Null => Bound::new(Node::Const(Value::Null), types::UNKNOWN),
            Literal::Placeholder(name) => self.placeholder(name)?,
            other => match other.clone().into_string() {
                Some(text) => Bound::new(Node::Const(Value::text(text)), types::UNKNOWN),
                None => return Err(Error::unsupported(format!("the literal {other}"))),
            },
        })
    }

    fn placeholder(&mut self, name: &str) -> Result<Bound> {
        let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
        let index = number.and_then(|n| n.checked_sub(1)).filter(|&index| index < 65535);
        let Some(index) = index else {
            return Err(Error::new(Kind::UndefinedParameter, format!("there is no parameter {name}")));
        };
        if self.parameters.len() <= index {
            self.parameters.resize(index + 1, types::UNKNOWN);
        }
        let type_oid = self.parameters[index];
        Ok(Bound::new(Node::Param { index, type_oid }, type_oid))
    }

    fn explicit_cast(&mut self, expr: &Expr, data_type: &DataType) -> Result<Bound> {
        let to = types::of_ast(data_type)?;
        let bound = self.expr(expr)?;
        let node = self.cast(bound, to)?;
        Ok(Bound::new(node, types::base(to)))
    }

    fn typed_text(&mut self, text: &str, data_type: &DataType) -> Result<Bound> {
        let to = types::base(types::of_ast(data_type)?);
        Ok(Bound::new(Node::Const(cast::parse(text, to, self.context)?), to))
    }

    fn case(&mut self, operand: Option<&Expr>, conditions: &[CaseWhen], otherwise: Option<&Expr>) -> Result<Bound> {
        let operand = operand.map(|expr| self.expr(expr)).transpose()?;
        let mut tests = Vec::new();
        // ELSE comes first where types are chosen and named in errors, as in PostgreSQL.
        let mut results = vec![match otherwise {
            Some(expr) => self.expr(expr)?,
            None => Bound::new(Node::Const(Value::Null), types::UNKNOWN),
        }];
        for branch in conditions {
            tests.push(match &operand {
                None => self.condition(&branch.condition)?,
                Some(operand) => {
                    let value = self.expr(&branch.condition)?;
                    self.comparison(Test::Compare(Compare::Eq), "=", operand.clone(), value)?.node
                }
            });
            results.push(self.expr(&branch.result)?);
        }
        let (results, type_oid) = self.unify("CASE", results)?;
        let mut results = results.into_iter();
        let otherwise = Box::new(results.next().unwrap_or(Node::Const(Value::Null)));
        Ok(Bound::new(Node::Case { branches: tests.into_iter().zip(results).collect(), otherwise }, type_oid))
    }

    /// Binds a subquery of an expression; returns it with the types of its columns.
    pub(super) fn subquery_node(&mut self, kind: SubqueryKind, query: &AstQuery) -> Result<(Node, Vec<u32>)> {
        let (query, correlated) = self.subquery(query)?;
        let columns = query.columns.iter().map(|(_, type_oid)| *type_oid).collect();
        let id = self.id();
        Ok((Node::Subquery(Arc::new(Subquery { kind, query, id, correlated })), columns))
    }

    fn call_named(&mut self, name: &str, args: [Option<&Expr>; 3]) -> Result<Bound> {
        let bound: Result<Vec<Bound>> = args.into_iter().flatten().map(|arg| self.expr(arg)).collect();
        self.scalar(name, bound?)
    }
}

/// Makes a boolean.
pub(super) fn boolean(node: Node) -> Bound {
    Bound::new(node, types::BOOL)
}

fn not_an_array(type_oid: u32) -> Error {
    let name = types::format(type_oid, None).unwrap_or_else(|| "record".to_owned());
    Error::new(Kind::DatatypeMismatch, format!("cannot subscript type {name} because it does not support subscripting"))
}
