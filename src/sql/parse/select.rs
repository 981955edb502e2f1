//! SELECT: its list, INTO, WHERE, GROUP BY, HAVING, WINDOW.

use datafusion::sql::sqlparser::ast::{
    AccessExpr, Distinct, Expr, GroupByExpr, GroupByWithModifier, Ident, Select, SelectFlavor, SelectInto, SelectItem,
    SelectItemQualifiedWildcardKind, TableFactor, TableWithJoins, WildcardAdditionalOptions,
};

use super::cursor::{Parser, no_token};
use super::operator::{ends_targets, level};
use super::primary::Paren;
use crate::error::Result;

impl Parser<'_> {
    pub(super) fn select(&mut self) -> Result<Select> {
        self.expect("select")?;
        let mut select = empty();
        if self.accept("distinct") {
            select.distinct = Some(match self.accept("on") {
                true => {
                    self.expect_mark("(")?;
                    let list = self.exprs()?;
                    self.expect_mark(")")?;
                    Distinct::On(list)
                }
                false => Distinct::Distinct,
            });
            select.projection = self.list(Self::target)?;
        } else {
            self.accept("all");
            if !ends_targets(self.tok()) {
                select.projection = self.list(Self::target)?;
            }
        }
        if self.accept("into") {
            select.into = Some(self.into()?);
        }
        if self.accept("from") {
            select.from = self.list(Self::table_with_joins)?;
        }
        if self.accept("where") {
            select.selection = Some(self.expr()?);
        }
        if self.accept("group") {
            self.expect("by")?;
            select.group_by = self.group_by()?;
        }
        if self.accept("having") {
            select.having = Some(self.expr()?);
        }
        if self.accept("window") {
            select.named_window = self.list(Self::named_window)?;
        }
        Ok(select)
    }

    /// An item of the select list.
    fn target(&mut self) -> Result<SelectItem> {
        if self.is_op("*") {
            self.advance();
            return Ok(SelectItem::Wildcard(WildcardAdditionalOptions::default()));
        }
        self.labels = true;
        let expr = self.operand(level::LOWEST, false);
        self.labels = false;
        let expr = expr?;
        if self.accept("as") {
            return Ok(SelectItem::ExprWithAlias { expr, alias: self.label()? });
        }
        if self.at_bare_label() {
            return Ok(SelectItem::ExprWithAlias { expr, alias: self.label()? });
        }
        Ok(wildcard_or(expr))
    }

    fn into(&mut self) -> Result<SelectInto> {
        if self.is_any(&["local", "global"]) && (self.is_ahead(1, "temporary") || self.is_ahead(1, "temp")) {
            self.advance();
        }
        let temporary = self.accept("temporary") || self.accept("temp");
        let unlogged = !temporary && self.accept("unlogged");
        let table = self.accept("table");
        Ok(SelectInto { temporary, unlogged, table, name: self.qualified_name()? })
    }

    fn group_by(&mut self) -> Result<GroupByExpr> {
        let distinct = self.accept("distinct");
        if !distinct {
            self.accept("all");
        }
        let list = self.list(Self::group_by_item)?;
        let sets = list.iter().any(|item| matches!(item, Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_)));
        let modifier = GroupByWithModifier::GroupingSets(Expr::Identifier(Ident::new("distinct")));
        Ok(GroupByExpr::Expressions(list, if distinct && sets { vec![modifier] } else { Vec::new() }))
    }

    fn group_by_item(&mut self) -> Result<Expr> {
        if self.is_mark("(") && super::cursor::is_mark(self.ahead(1), ")") {
            self.advance();
            self.advance();
            return Ok(Expr::Tuple(Vec::new()));
        }
        if self.is_call_of("rollup") || self.is_call_of("cube") {
            let rollup = self.is("rollup");
            self.advance();
            self.advance();
            let sets = self.list(|parser| parser.expr().map(members))?;
            self.expect_mark(")")?;
            return Ok(if rollup { Expr::Rollup(sets) } else { Expr::Cube(sets) });
        }
        if self.is("grouping") && self.is_ahead(1, "sets") {
            self.advance();
            self.advance();
            self.expect_mark("(")?;
            let items = self.nested(|parser| parser.list(Self::group_by_item))?;
            self.expect_mark(")")?;
            return Ok(Expr::GroupingSets(items.into_iter().flat_map(sets_of).collect()));
        }
        self.expr()
    }

    /// The query in parentheses that stands here.
    pub(super) fn query_in_parentheses(&mut self) -> Result<datafusion::sql::sqlparser::ast::Query> {
        match self.parenthesised()? {
            Paren::Query(query) => Ok(*query),
            _ => Err(self.unexpected()),
        }
    }
}

/// The grouping sets that an item within GROUPING SETS stands for.
fn sets_of(item: Expr) -> Vec<Vec<Expr>> {
    match item {
        Expr::GroupingSets(sets) => sets,
        Expr::Rollup(parts) => {
            (0..=parts.len()).rev().map(|length| parts.iter().take(length).flatten().cloned().collect()).collect()
        }
        Expr::Cube(parts) if parts.len() < 13 => {
            let subset = |mask: usize| {
                let chosen = parts.iter().enumerate().filter(|(index, _)| mask & (1 << index) == 0);
                chosen.flat_map(|(_, part)| part.iter().cloned()).collect()
            };
            (0..1_usize << parts.len()).map(subset).collect()
        }
        other => vec![members(other)],
    }
}

/// The columns of one grouping set.
fn members(item: Expr) -> Vec<Expr> {
    match item {
        Expr::Tuple(list) => list,
        Expr::Nested(one) => vec![*one],
        one => vec![one],
    }
}

/// `t.*` and `(expression).*` are items of their own.
fn wildcard_or(expr: Expr) -> SelectItem {
    let options = WildcardAdditionalOptions::default();
    match expr {
        Expr::QualifiedWildcard(name, _) => {
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options)
        }
        Expr::CompoundFieldAccess { root, mut access_chain }
            if matches!(access_chain.last(), Some(AccessExpr::Dot(Expr::Wildcard(_)))) =>
        {
            access_chain.pop();
            let expr = match access_chain.is_empty() {
                true => *root,
                false => Expr::CompoundFieldAccess { root, access_chain },
            };
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), options)
        }
        expr => SelectItem::UnnamedExpr(expr),
    }
}

/// `SELECT * FROM` a table.
pub(super) fn everything_of(relation: TableFactor) -> Select {
    Select {
        projection: vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())],
        from: vec![TableWithJoins { relation, joins: Vec::new() }],
        ..empty()
    }
}

fn empty() -> Select {
    Select {
        select_token: no_token(),
        optimizer_hints: Vec::new(),
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection: Vec::new(),
        exclude: None,
        into: None,
        from: Vec::new(),
        lateral_views: Vec::new(),
        prewhere: None,
        selection: None,
        connect_by: Vec::new(),
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        cluster_by: Vec::new(),
        distribute_by: Vec::new(),
        sort_by: Vec::new(),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: SelectFlavor::Standard,
    }
}
