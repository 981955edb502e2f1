//! Output column names as PostgreSQL gives them.
//!
//! The engine refuses two select items of one name and names unnamed ones after their text. So every unnamed item of a
//! select list gets the name that PostgreSQL's `FigureColname` would give, and a name that is taken already gets a
//! suffix that the wire strips again: `SELECT count(*), count(*)` is planned as `count`, `count\u{1}2`.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DataType, Expr, Function, Ident, Query, Select, SelectItem, SetExpr, Statement, Value, VisitMut, VisitorMut,
};

/// Stands between a name and the number that makes it unique.
const SUFFIX: char = '\u{1}';

/// The name that a client sees.
pub fn shown(name: &str) -> &str {
    name.split(SUFFIX).next().unwrap_or(name)
}

/// Names every select item of a statement, in subqueries too.
pub fn assign(statement: &mut Statement) {
    let _: ControlFlow<()> = statement.visit(&mut Assign);
}

struct Assign;

impl VisitorMut for Assign {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        assign_body(&mut query.body);
        ControlFlow::Continue(())
    }
}

fn assign_body(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => assign_select(select),
        SetExpr::SetOperation { left, right, .. } => {
            assign_body(left);
            assign_body(right);
        }
        _ => {}
    }
}

fn assign_select(select: &mut Select) {
    let is_wildcard = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(_, _));
    let wildcard = select.projection.iter().any(is_wildcard);
    let mut taken = HashSet::new();
    for (index, item) in select.projection.iter_mut().enumerate() {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let name = figure(expr);
                let bare = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
                let free = taken.insert(name.clone());
                // A bare column keeps its table's name, so that ORDER BY t.c and GROUP BY t.c find it.
                if !(bare && free && !wildcard) {
                    let unique = if free && !wildcard { name } else { format!("{name}{SUFFIX}{index}") };
                    *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('"', unique) };
                }
            }
            SelectItem::ExprWithAlias { alias, .. } => {
                let name = match alias.quote_style {
                    Some(_) => alias.value.clone(),
                    None => alias.value.to_lowercase(),
                };
                if !taken.insert(name.clone()) {
                    *alias = Ident::with_quote('"', format!("{name}{SUFFIX}{index}"));
                }
            }
            _ => {}
        }
    }
}

/// The name of an unnamed select item.
fn figure(expr: &Expr) -> String {
    strong(expr).or_else(|| weak(expr)).unwrap_or_else(|| "?column?".to_owned())
}

fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

/// A name that also shines through a cast.
fn strong(expr: &Expr) -> Option<String> {
    let fixed = |name: &str| Some(name.to_owned());
    match expr {
        Expr::Identifier(ident) => Some(folded(ident)),
        Expr::CompoundIdentifier(idents) => idents.last().map(folded),
        Expr::Function(function) => function_name(function),
        Expr::Cast { expr, .. } | Expr::Nested(expr) | Expr::Collate { expr, .. } => strong(expr),
        Expr::CompoundFieldAccess { root, .. } => strong(root),
        Expr::Extract { .. } => fixed("extract"),
        Expr::Position { .. } => fixed("position"),
        Expr::Substring { .. } => fixed("substring"),
        Expr::Trim { .. } => fixed("btrim"),
        Expr::Overlay { .. } => fixed("overlay"),
        Expr::Ceil { .. } => fixed("ceil"),
        Expr::Floor { .. } => fixed("floor"),
        Expr::AtTimeZone { .. } => fixed("timezone"),
        Expr::Exists { .. } => fixed("exists"),
        Expr::Array(_) => fixed("array"),
        Expr::Tuple(_) => fixed("row"),
        Expr::Subquery(query) => subquery_name(query),
        _ => None,
    }
}

/// A name that a cast's type or a CASE gives where nothing better is there.
fn weak(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Cast { expr, data_type, .. } => weak_inner(expr).or_else(|| Some(type_name(data_type))),
        Expr::TypedString(typed) => Some(type_name(&typed.data_type)),
        Expr::Interval(_) => Some("interval".to_owned()),
        Expr::Case { else_result, .. } => else_result.as_deref().and_then(strong).or_else(|| Some("case".to_owned())),
        Expr::Nested(expr) => weak(expr),
        Expr::Value(value) => match value.value {
            Value::Boolean(_) => Some("bool".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// Inside a cast, only a nested weak name other than the cast's own matters.
fn weak_inner(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Case { .. } => weak(expr),
        Expr::Nested(expr) => weak_inner(expr),
        _ => None,
    }
}

fn function_name(function: &Function) -> Option<String> {
    let last = function.name.0.last()?.as_ident()?;
    Some(folded(last))
}

fn subquery_name(query: &Query) -> Option<String> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    match select.projection.first()? {
        SelectItem::UnnamedExpr(expr) => Some(figure(expr)),
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        _ => None,
    }
}

/// The short name of a type, as `pg_type.typname` has it.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => "int4".to_owned(),
        DataType::BigInt(_) | DataType::Int8(_) => "int8".to_owned(),
        DataType::SmallInt(_) | DataType::Int2(_) => "int2".to_owned(),
        DataType::Double(_) | DataType::DoublePrecision | DataType::Float(_) | DataType::Float8 => "float8".to_owned(),
        DataType::Real | DataType::Float4 => "float4".to_owned(),
        DataType::Boolean | DataType::Bool => "bool".to_owned(),
        DataType::Numeric(_) | DataType::Decimal(_) | DataType::Dec(_) => "numeric".to_owned(),
        DataType::Varchar(_) | DataType::CharacterVarying(_) => "varchar".to_owned(),
        DataType::Char(_) | DataType::Character(_) => "bpchar".to_owned(),
        DataType::Timestamp(_, info) => {
            let zoned = info.to_string().contains("WITH TIME ZONE") || info.to_string().eq_ignore_ascii_case("TZ");
            if zoned { "timestamptz".to_owned() } else { "timestamp".to_owned() }
        }
        other => {
            let text = other.to_string().to_lowercase();
            text.split(['(', ' ']).next().unwrap_or_default().to_owned()
        }
    }
}

/// A text in which names may stand with their suffixes, as a client should see it.
pub fn without_suffixes(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != SUFFIX {
            clean.push(letter);
            continue;
        }
        while letters.next_if(char::is_ascii_digit).is_some() {}
    }
    clean
}
