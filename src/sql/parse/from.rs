//! FROM: tables, functions, subqueries and joins.

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, Query, SetExpr, TableAlias, TableAliasColumnDef,
    TableFactor, TableFunctionArgs, TableSample, TableSampleKind, TableSampleMethod, TableSampleModifier,
    TableSampleQuantity, TableSampleSeed, TableSampleSeedModifier, TableWithJoins,
};

use super::cursor::{Parser, is_mark};
use super::keyword::Category;
use super::lexer::Tok;
use crate::error::{Error, Kind, Result};

/// What stands in parentheses in FROM.
enum Paren {
    Query(Box<Query>),
    Join(Box<TableWithJoins>),
}

impl Parser<'_> {
    /// A member of the list of FROM.
    pub(super) fn table_with_joins(&mut self) -> Result<TableWithJoins> {
        let relation = self.nested(Self::table_factor)?;
        Ok(TableWithJoins { relation, joins: self.joins()? })
    }

    fn at_join(&self) -> bool {
        self.is_any(&["join", "inner", "left", "right", "full", "cross", "natural"])
    }

    fn joins(&mut self) -> Result<Vec<Join>> {
        let mut joins = Vec::new();
        while self.at_join() {
            joins.push(self.join()?);
        }
        Ok(joins)
    }

    fn join(&mut self) -> Result<Join> {
        let cross = self.accept("cross");
        let natural = !cross && self.accept("natural");
        let word = match self.tok() {
            Tok::Key(key) if !cross && matches!(key.word, "inner" | "left" | "right" | "full") => key.word,
            _ => "",
        };
        if !word.is_empty() {
            self.advance();
        }
        let outer = matches!(word, "left" | "right" | "full") && self.accept("outer");
        self.expect("join")?;
        let mut relation = self.nested(Self::table_factor)?;
        let constraint = if cross {
            JoinConstraint::None
        } else if natural {
            JoinConstraint::Natural
        } else {
            let mut joins = Vec::new();
            while self.at_join() {
                joins.push(self.nested(Self::join)?);
            }
            if !joins.is_empty() {
                let table_with_joins = Box::new(TableWithJoins { relation, joins });
                relation = TableFactor::NestedJoin { table_with_joins, alias: None };
            }
            self.constraint()?
        };
        let join_operator = match (word, outer) {
            _ if cross => JoinOperator::CrossJoin(constraint),
            ("inner", _) => JoinOperator::Inner(constraint),
            ("left", false) => JoinOperator::Left(constraint),
            ("left", true) => JoinOperator::LeftOuter(constraint),
            ("right", false) => JoinOperator::Right(constraint),
            ("right", true) => JoinOperator::RightOuter(constraint),
            ("full", _) => JoinOperator::FullOuter(constraint),
            _ => JoinOperator::Join(constraint),
        };
        Ok(Join { relation, global: false, join_operator })
    }

    fn constraint(&mut self) -> Result<JoinConstraint> {
        if self.accept("on") {
            return Ok(JoinConstraint::On(self.expr()?));
        }
        self.expect("using")?;
        let mut columns: Vec<ObjectName> =
            self.name_list()?.into_iter().map(|name| ObjectName::from(vec![name])).collect();
        if self.accept("as") {
            let alias = self.column_name()?;
            columns.push(ObjectName::from(vec![Ident::new("join_using_alias"), alias]));
        }
        Ok(JoinConstraint::Using(columns))
    }

    /// A table, a function, a subquery or a join in parentheses.
    fn table_factor(&mut self) -> Result<TableFactor> {
        if self.is("lateral") {
            self.advance();
            if self.is_mark("(") {
                let start = self.position();
                if !self.leads_to_query() {
                    self.advance();
                    return Err(self.unexpected());
                }
                let query = self.query_in_parentheses()?;
                return self.derived(true, query, start);
            }
            return self.table_function(true);
        }
        if self.is_mark("(") {
            let start = self.position();
            return match self.table_parentheses()? {
                Paren::Query(query) => self.derived(false, *query, start),
                Paren::Join(join) => {
                    let alias = self.table_alias()?;
                    Ok(TableFactor::NestedJoin { table_with_joins: join, alias })
                }
            };
        }
        if self.is("rows") && self.is_ahead(1, "from") && is_mark(self.ahead(2), "(") {
            return self.table_function(false);
        }
        if self.is("xmltable") && is_mark(self.ahead(1), "(") {
            return Err(Error::unsupported("XMLTABLE"));
        }
        if self.function_ahead() {
            return self.table_function(false);
        }
        let mut relation = self.relation()?;
        let named = self.table_alias()?;
        let sampled = self.table_sample()?;
        if let TableFactor::Table { alias, sample, .. } = &mut relation {
            (*alias, *sample) = (named, sampled);
        }
        Ok(relation)
    }

    /// Whether a call stands here and not the name of a table.
    fn function_ahead(&self) -> bool {
        if let Tok::Key(key) = self.tok() {
            let special = matches!(
                key.word,
                "current_date"
                    | "current_time"
                    | "current_timestamp"
                    | "localtime"
                    | "localtimestamp"
                    | "current_role"
                    | "current_user"
                    | "session_user"
                    | "user"
                    | "current_catalog"
                    | "current_schema"
                    | "cast"
                    | "collation"
            );
            if special || (key.category != Category::Reserved && is_mark(self.ahead(1), "(")) {
                return true;
            }
        }
        let mut places = 1;
        while is_mark(self.ahead(places), ".") {
            places += 2;
        }
        let is_name = match self.tok() {
            Tok::Name { .. } => true,
            Tok::Key(key) => key.category != Category::Reserved,
            _ => false,
        };
        is_name && is_mark(self.ahead(places), "(")
    }

    /// A table by its name, with ONLY or `*` or without.
    pub(super) fn relation(&mut self) -> Result<TableFactor> {
        let mut start = self.position();
        let name = if self.accept("only") {
            let parentheses = self.accept_mark("(");
            start = self.position();
            let name = self.qualified_name()?;
            if parentheses {
                self.expect_mark(")")?;
            }
            name
        } else {
            let name = self.qualified_name()?;
            self.accept_op("*");
            name
        };
        if name.0.len() > 3 {
            let dotted: Vec<&str> =
                name.0.iter().filter_map(|part| part.as_ident()).map(|ident| ident.value.as_str()).collect();
            let message = format!("improper qualified name (too many dotted names): {}", dotted.join("."));
            return Err(Self::refuse(message, start));
        }
        Ok(table(name, None))
    }

    fn derived(&mut self, lateral: bool, subquery: Query, start: usize) -> Result<TableFactor> {
        let Some(alias) = self.table_alias()? else {
            let (message, example) = match subquery.body.as_ref() {
                SetExpr::Values(_) => ("VALUES in FROM must have an alias", "VALUES"),
                _ => ("subquery in FROM must have an alias", "SELECT"),
            };
            return Err(Self::refuse(message, start).hint(format!("For example, FROM ({example} ...) [AS] foo.")));
        };
        Ok(TableFactor::Derived { lateral, subquery: Box::new(subquery), alias: Some(alias), sample: None })
    }

    fn table_parentheses(&mut self) -> Result<Paren> {
        self.nested(|parser| {
            parser.expect_mark("(")?;
            if parser.query_ahead(0) {
                let query = parser.query()?;
                parser.expect_mark(")")?;
                return Ok(Paren::Query(Box::new(query)));
            }
            let relation = match parser.is_mark("(") && parser.leads_to_query() {
                false => parser.table_factor()?,
                true => {
                    let start = parser.position();
                    match parser.table_parentheses()? {
                        Paren::Query(query) if parser.accept_mark(")") => return Ok(Paren::Query(query)),
                        Paren::Query(query) if parser.continues_query() => {
                            let query = parser.query_from(SetExpr::Query(query))?;
                            parser.expect_mark(")")?;
                            return Ok(Paren::Query(Box::new(query)));
                        }
                        Paren::Query(query) => parser.derived(false, *query, start)?,
                        Paren::Join(join) => {
                            let alias = parser.table_alias()?;
                            TableFactor::NestedJoin { table_with_joins: join, alias }
                        }
                    }
                }
            };
            let joins = parser.joins()?;
            let is_join = matches!(&relation, TableFactor::NestedJoin { alias: None, .. });
            if joins.is_empty() && !is_join {
                return Err(parser.unexpected());
            }
            parser.expect_mark(")")?;
            Ok(Paren::Join(Box::new(TableWithJoins { relation, joins })))
        })
    }

    fn table_alias(&mut self) -> Result<Option<TableAlias>> {
        let explicit = self.accept("as");
        if !explicit && !self.at_column_name() {
            return Ok(None);
        }
        let name = self.column_name()?;
        let columns = if self.is_mark("(") { Self::alias_columns(self.name_list()?) } else { Vec::new() };
        Ok(Some(TableAlias { explicit, name, columns, at: None }))
    }

    /// The alias of a function, which may list columns with their types.
    pub(super) fn function_alias(&mut self) -> Result<Option<TableAlias>> {
        let explicit = self.accept("as");
        if explicit && self.is_mark("(") {
            let columns = self.column_definitions()?;
            return Ok(Some(TableAlias { explicit, name: Ident::new(""), columns, at: None }));
        }
        if !explicit && !self.at_column_name() {
            return Ok(None);
        }
        let name = self.column_name()?;
        let typed = self.is_mark("(") && !is_mark(self.ahead(2), ",") && !is_mark(self.ahead(2), ")");
        let columns = if typed {
            self.column_definitions()?
        } else if self.is_mark("(") {
            Self::alias_columns(self.name_list()?)
        } else {
            Vec::new()
        };
        Ok(Some(TableAlias { explicit, name, columns, at: None }))
    }

    fn column_definitions(&mut self) -> Result<Vec<TableAliasColumnDef>> {
        self.expect_mark("(")?;
        let columns = self.list(|parser| {
            let name = parser.column_name()?;
            let data_type = Some(parser.type_name()?);
            if parser.accept("collate") {
                parser.qualified_name()?;
            }
            Ok(TableAliasColumnDef { name, data_type })
        })?;
        self.expect_mark(")")?;
        Ok(columns)
    }

    fn table_sample(&mut self) -> Result<Option<TableSampleKind>> {
        if !self.accept("tablesample") {
            return Ok(None);
        }
        let position = self.position();
        let method = match self.function_ahead() {
            true => self.function_name()?,
            false => {
                self.function_name()?;
                return Err(self.unexpected());
            }
        };
        self.expect_mark("(")?;
        let mut arguments = self.exprs()?;
        self.expect_mark(")")?;
        let name = match method.value.as_str() {
            "system" => TableSampleMethod::System,
            "bernoulli" => TableSampleMethod::Bernoulli,
            other => {
                let message = format!("tablesample method {other} does not exist");
                return Err(Error::new(Kind::UndefinedObject, message).position(position));
            }
        };
        let count = arguments.len();
        let (Some(value), 1) = (arguments.pop(), count) else {
            let message = format!("tablesample method {} requires 1 argument, not {count}", method.value);
            return Err(Error::new(Kind::InvalidParameterValue, message).position(position));
        };
        let mut seed = None;
        if self.accept("repeatable") {
            self.expect_mark("(")?;
            let Expr::Value(value) = self.expr()? else {
                return Err(Error::unsupported("REPEATABLE of an expression"));
            };
            self.expect_mark(")")?;
            seed = Some(TableSampleSeed { modifier: TableSampleSeedModifier::Repeatable, value });
        }
        Ok(Some(TableSampleKind::AfterTableAlias(Box::new(TableSample {
            modifier: TableSampleModifier::TableSample,
            name: Some(name),
            quantity: Some(TableSampleQuantity { parenthesized: true, value, unit: None }),
            seed,
            bucket: None,
            offset: None,
        }))))
    }
}

pub(super) fn table(name: ObjectName, args: Option<TableFunctionArgs>) -> TableFactor {
    TableFactor::Table {
        name,
        alias: None,
        args,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}
