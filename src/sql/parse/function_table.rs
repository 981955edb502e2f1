//! Functions in FROM.

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectName, TableFactor, TableFunctionArgs,
};

use super::cursor::{Parser, is_key, is_mark};
use super::from::table;
use super::keyword::Category;
use super::lexer::Tok;
use super::make::{call, private};
use crate::error::{Error, Result};

impl Parser<'_> {
    fn ordinality(&mut self) -> bool {
        let found = self.is("with") && self.is_ahead(1, "ordinality");
        if found {
            self.advance();
            self.advance();
        }
        found
    }

    pub(super) fn table_function(&mut self, lateral: bool) -> Result<TableFactor> {
        if self.is("rows") && self.is_ahead(1, "from") && is_mark(self.ahead(2), "(") {
            return self.rows_from();
        }
        let expr = self.function_alone()?;
        let with_ordinality = self.ordinality();
        let alias = self.function_alias()?;
        let call = match expr {
            Expr::Function(call) => call,
            expr if with_ordinality => {
                let expr = Self::rows_from_call(vec![expr], true);
                return Ok(TableFactor::TableFunction { expr, alias });
            }
            expr => return Ok(TableFactor::TableFunction { expr, alias }),
        };
        let (name, list) = match call {
            Function { name, args: FunctionArguments::List(list), .. } if list.clauses.is_empty() => (name, list),
            other => {
                let expr = Self::rows_from_call(vec![Expr::Function(other)], with_ordinality);
                return Ok(TableFactor::TableFunction { expr, alias });
            }
        };
        let args = list.args;
        let is_unnest = !lateral
            && !args.is_empty()
            && matches!(name.0.as_slice(), [part] if part.as_ident().is_some_and(|ident| ident.value == "unnest"));
        let plain = |arg: &FunctionArg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if !matches!(expr, Expr::Prefixed { .. }) => {
                Some(expr.clone())
            }
            _ => None,
        };
        if is_unnest && let Some(array_exprs) = args.iter().map(plain).collect::<Option<Vec<Expr>>>() {
            return Ok(TableFactor::UNNEST {
                alias,
                array_exprs,
                with_offset: false,
                with_offset_alias: None,
                with_ordinality,
            });
        }
        if lateral {
            return Ok(TableFactor::Function { lateral, name, args, with_ordinality, alias });
        }
        let mut made = table(name, Some(TableFunctionArgs { args, settings: None }));
        if let TableFactor::Table { alias: of, with_ordinality: ordinality, .. } = &mut made {
            (*of, *ordinality) = (alias, with_ordinality);
        }
        Ok(made)
    }

    /// A call without FILTER and OVER, as FROM has it.
    fn function_alone(&mut self) -> Result<Expr> {
        if let Tok::Key(key) = self.tok() {
            let is_name = matches!(key.category, Category::Unreserved | Category::FunctionOrType);
            if !is_name || (key.word == "collation" && is_key(self.ahead(1), "for")) || key.word == "current_schema" {
                let dotted = is_mark(self.ahead(1), ".");
                if !dotted {
                    return match key.category {
                        Category::ColumnName if self.is_call_of("row") || self.is_call_of("exists") => {
                            self.advance();
                            Err(self.unexpected())
                        }
                        _ => self.primary(),
                    };
                }
            }
        }
        let mut names = vec![match self.tok() {
            Tok::Key(key) if key.category == Category::FunctionOrType => self.function_name()?,
            _ => self.column_name()?,
        }];
        while self.accept_mark(".") {
            names.push(self.label()?);
        }
        if !self.is_mark("(") {
            return Err(self.unexpected());
        }
        self.call_alone(ObjectName::from(names)).map(Expr::Function)
    }

    fn rows_from_call(list: Vec<Expr>, with_ordinality: bool) -> Expr {
        call(private(if with_ordinality { "rows_from_with_ordinality" } else { "rows_from" }), list)
    }

    fn rows_from(&mut self) -> Result<TableFactor> {
        self.advance();
        self.advance();
        self.expect_mark("(")?;
        let list = self.nested(|parser| {
            parser.list(|parser| {
                let expr = parser.function_alone()?;
                match parser.is("as") && is_mark(parser.ahead(1), "(") {
                    true => Err(Error::unsupported("a column definition list in ROWS FROM")),
                    false => Ok(expr),
                }
            })
        })?;
        self.expect_mark(")")?;
        let expr = Self::rows_from_call(list, self.ordinality());
        Ok(TableFactor::TableFunction { expr, alias: self.function_alias()? })
    }
}
