//! Calls of functions and what may stand behind them.

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, OrderByExpr, TypedString,
};

use super::cursor::{Parser, is_mark};
use super::lexer::Tok;
use super::make::function;
use crate::error::Result;

impl Parser<'_> {
    /// A call, or a constant of a type with modifiers, behind its name.
    pub(super) fn call(&mut self, names: &[Ident]) -> Result<Expr> {
        let call = self.call_alone(ObjectName::from(names.to_vec()))?;
        if self.at_text()
            && let Some(modifiers) = modifiers(&call)
        {
            let data_type = self.data_type_named(names, &modifiers)?;
            let value = self.text()?;
            return Ok(Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false }));
        }
        self.behind_call(call).map(Expr::Function)
    }

    /// Name and arguments.
    pub(super) fn call_alone(&mut self, name: ObjectName) -> Result<Function> {
        let list = self.nested(|parser| parser.unlabelled(Self::arguments))?;
        Ok(function(name, FunctionArguments::List(list)))
    }

    /// The arguments of a call, in parentheses.
    fn arguments(&mut self) -> Result<FunctionArgumentList> {
        self.expect_mark("(")?;
        let mut list = FunctionArgumentList { duplicate_treatment: None, args: Vec::new(), clauses: Vec::new() };
        if self.accept_mark(")") {
            return Ok(list);
        }
        if self.is_op("*") && is_mark(self.ahead(1), ")") {
            self.advance();
            self.advance();
            list.args.push(FunctionArg::Unnamed(FunctionArgExpr::Wildcard));
            return Ok(list);
        }
        if self.accept("all") {
            list.duplicate_treatment = Some(DuplicateTreatment::All);
        } else if self.accept("distinct") {
            list.duplicate_treatment = Some(DuplicateTreatment::Distinct);
        }
        loop {
            let variadic = list.duplicate_treatment.is_none() && self.is("variadic");
            if variadic {
                let mut prefix = Ident::new("VARIADIC");
                prefix.span = self.span();
                self.advance();
                let argument = match self.argument()? {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => variadic_of(prefix, expr).into_unnamed(),
                    FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), operator } => {
                        FunctionArg::Named { name, arg: FunctionArgExpr::Expr(variadic_of(prefix, expr)), operator }
                    }
                    other => other,
                };
                list.args.push(argument);
                break;
            }
            list.args.push(self.argument()?);
            if !self.accept_mark(",") {
                break;
            }
        }
        if let Some(order_by) = self.order_by_list()? {
            list.clauses.push(FunctionArgumentClause::OrderBy(order_by));
        }
        self.expect_mark(")")?;
        Ok(list)
    }

    fn argument(&mut self) -> Result<FunctionArg> {
        let operator = match self.ahead(1) {
            Tok::Mark("=>") => Some(FunctionArgOperator::RightArrow),
            Tok::Mark(":=") => Some(FunctionArgOperator::Assignment),
            _ => None,
        };
        if let Some(operator) = operator
            && matches!(self.tok(), Tok::Name { .. } | Tok::Key(_))
        {
            let name = self.function_name()?;
            self.advance();
            return Ok(FunctionArg::Named { name, arg: FunctionArgExpr::Expr(self.expr()?), operator });
        }
        Ok(FunctionArg::Unnamed(match self.expr()? {
            Expr::QualifiedWildcard(name, _) => FunctionArgExpr::QualifiedWildcard(name),
            expr => FunctionArgExpr::Expr(expr),
        }))
    }

    /// WITHIN GROUP, FILTER and OVER.
    fn behind_call(&mut self, mut call: Function) -> Result<Function> {
        if self.is("within") && self.is_ahead(1, "group") {
            let position = self.position();
            self.advance();
            self.advance();
            self.expect_mark("(")?;
            let order_by = self.unlabelled(Self::order_by_list)?;
            self.expect_mark(")")?;
            call.within_group = order_by.ok_or_else(|| {
                self.back();
                self.unexpected()
            })?;
            refuse_within_group(&call, position)?;
        }
        if self.is("filter") && is_mark(self.ahead(1), "(") {
            self.advance();
            self.advance();
            self.expect("where")?;
            call.filter = Some(Box::new(self.expr()?));
            self.expect_mark(")")?;
        }
        if self.is("over") {
            self.advance();
            call.over = Some(self.unlabelled(Self::over)?);
        }
        Ok(call)
    }

    /// ORDER BY and its list, if it stands here.
    pub(super) fn order_by_list(&mut self) -> Result<Option<Vec<OrderByExpr>>> {
        if !self.accept("order") {
            return Ok(None);
        }
        self.expect("by")?;
        self.list(Self::order_by_item).map(Some)
    }
}

trait IntoArgument {
    fn into_unnamed(self) -> FunctionArg;
}

impl IntoArgument for Expr {
    fn into_unnamed(self) -> FunctionArg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(self))
    }
}

fn variadic_of(prefix: Ident, expr: Expr) -> Expr {
    Expr::Prefixed { prefix, value: Box::new(expr) }
}

/// What cannot go with WITHIN GROUP.
fn refuse_within_group(call: &Function, position: usize) -> Result<()> {
    let FunctionArguments::List(list) = &call.args else { return Ok(()) };
    let is_variadic = |arg: &FunctionArg| {
        let (FunctionArg::Unnamed(arg) | FunctionArg::Named { arg, .. } | FunctionArg::ExprNamed { arg, .. }) = arg;
        matches!(arg, FunctionArgExpr::Expr(Expr::Prefixed { .. }))
    };
    let message = if !list.clauses.is_empty() {
        "cannot use multiple ORDER BY clauses with WITHIN GROUP"
    } else if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) {
        "cannot use DISTINCT with WITHIN GROUP"
    } else if list.args.iter().any(is_variadic) {
        "cannot use VARIADIC with WITHIN GROUP"
    } else {
        return Ok(());
    };
    Err(Parser::refuse(message, position))
}

/// The arguments of a call as modifiers of a type, if they can be such.
fn modifiers(call: &Function) -> Option<Vec<String>> {
    let FunctionArguments::List(list) = &call.args else { return None };
    let plain = list.duplicate_treatment.is_none() && list.clauses.is_empty();
    let modifier = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.to_string()),
        _ => None,
    };
    if plain && !list.args.is_empty() { list.args.iter().map(modifier).collect() } else { None }
}
