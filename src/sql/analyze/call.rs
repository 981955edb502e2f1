//! Function calls.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{
    self, Function as Call, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectNamePart,
};

use super::Analyzer;
use super::expr::{Clause, Context};
use super::scope::folded;
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::CastContext;
use crate::function::coerce::{Category, category};
use crate::function::datum::Datum;
use crate::function::io;
use crate::function::registry::{aggregates, functions, names, sets};
use crate::function::resolve::{Failure, choose};
use crate::pgtype::types::PgType;
use crate::sql::fault::nearest;

/// Functions whose arguments are all written as text first.
const OF_TEXTS: &[&str] = &["quote_literal", "quote_nullable"];
/// Functions whose arguments are first written as a client would see them: of `true` that is `t`.
const OF_OUTPUTS: &[&str] = &["concat", "concat_ws", "format"];

/// The name of a function, without the schema of the built-in ones.
pub(super) fn function_name(name: &ast::ObjectName) -> Result<String> {
    let parts: Vec<String> = name.0.iter().filter_map(ObjectNamePart::as_ident).map(folded).collect();
    match parts.as_slice() {
        [name] => Ok(name.clone()),
        [schema, name] if schema == "pg_catalog" => Ok(name.clone()),
        [schema, _] => Err(Error::new(Kind::UndefinedSchema, format!("schema \"{schema}\" does not exist"))),
        _ => Err(Error::unsupported(format!("the function name {}", parts.join(".")))),
    }
}

impl Analyzer<'_> {
    /// A function call of any kind.
    pub(super) fn call(&self, context: &Context<'_>, call: &Call) -> Result<Typed> {
        let name = function_name(&call.name)?;
        if let FunctionArguments::Subquery(query) = &call.args {
            return match name.as_str() {
                "array" => self.shared(context, call, || self.array_subquery(context, query)),
                _ => Err(Error::new(Kind::Syntax, "syntax error at or near \"SELECT\"")),
            };
        }
        let is_window = super::window::is_window_function(&name) && call.within_group.is_empty();
        let is_aggregate = !is_window && (name == "count" || !aggregates(&name).is_empty());
        if let Some(over) = &call.over {
            return self.window_call(context, &name, call, over);
        }
        if is_aggregate && (functions(&name).is_empty() || !call.within_group.is_empty()) {
            return self.aggregate_call(context, &name, call);
        }
        if is_window {
            let message = format!("window function {name} requires an OVER clause");
            return Err(Error::new(Kind::WrongObjectType, message));
        }
        let kind = if sets(&name).is_empty() { "function" } else { "set-returning function" };
        if call.filter.is_some() {
            let message = format!("FILTER specified, but {name} is not an aggregate function");
            return Err(Error::new(Kind::WrongObjectType, message));
        }
        if let Some(list) = list(call)
            && list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct)
        {
            let message = format!("DISTINCT specified, but {name} is not an aggregate function");
            return Err(Error::new(Kind::WrongObjectType, message));
        }
        debug_assert!(!kind.is_empty());
        if let Some(typed) = self.syntax_call(context, &name, call)? {
            return Ok(typed);
        }
        let args = self.arguments(context, call)?;
        if !sets(&name).is_empty() && functions(&name).is_empty() {
            return self.set_in_expression(context, &name, args);
        }
        self.by_name(&name, args)
    }

    /// The arguments of a call, without names.
    pub(super) fn arguments(&self, context: &Context<'_>, call: &Call) -> Result<Vec<Typed>> {
        let Some(list) = list(call) else { return Ok(Vec::new()) };
        let mut args = Vec::new();
        for arg in &list.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => {
                    args.push(self.expr(context, expr)?.placed_at(expr));
                }
                FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) => {
                    let idents: Vec<ast::Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
                    let fields = self.star(context.scope, Some(&idents))?;
                    args.push(self.row_of_table(fields)?);
                }
                FunctionArg::Unnamed(_) => {
                    let name = function_name(&call.name)?;
                    return Err(self.missing_function(&name, &[PgType::Unknown]));
                }
                FunctionArg::Named { name, .. } => {
                    let message = format!("a call by the name of its argument \"{}\"", name.value);
                    return Err(Error::unsupported(message));
                }
                FunctionArg::ExprNamed { .. } => {
                    return Err(Error::unsupported("a call by the names of its arguments"));
                }
            }
        }
        Ok(args)
    }

    /// A scalar function by its name.
    pub(super) fn by_name(&self, name: &str, mut args: Vec<Typed>) -> Result<Typed> {
        if let Some(typed) = self.built_in(name, &args)? {
            return Ok(typed);
        }
        if OF_TEXTS.contains(&name) {
            let as_text = |typed: Typed| match category(typed.ty) {
                Category::Unknown | Category::String => self.implicit(typed, PgType::Text),
                _ => self.coerce(typed, PgType::Text, CastContext::Explicit),
            };
            args = args.into_iter().map(as_text).collect::<Result<_>>()?;
        }
        if OF_OUTPUTS.contains(&name) {
            args = args.into_iter().map(|arg| self.written(arg)).collect::<Result<_>>()?;
        }
        let types: Vec<PgType> = args.iter().map(|arg| arg.ty).collect();
        match choose(functions(name), &types) {
            Ok(choice) => self.apply(&choice, args),
            Err(failure) => {
                // A type's name is also a function that casts.
                if let ([one], Some(ty)) = (args.as_slice(), cast_name(name))
                    && (one.ty == PgType::Unknown || failure == Failure::Missing)
                    && let Ok(typed) = self.coerce(one.clone(), ty, CastContext::Explicit)
                {
                    return Ok(typed);
                }
                Err(match failure {
                    Failure::Missing => self.missing_function(name, &types),
                    Failure::Ambiguous => {
                        let message = format!("function {}({}) is not unique", name, listed(&types));
                        Error::new(Kind::AmbiguousFunction, message).hint(
                            "Could not choose a best candidate function. You might need to add explicit type casts.",
                        )
                    }
                })
            }
        }
    }

    /// A value as the text that a client would see.
    fn written(&self, typed: Typed) -> Result<Typed> {
        let ty = typed.ty;
        match category(ty) {
            Category::Unknown | Category::String => self.implicit(typed, PgType::Text),
            _ => self.named_call("textout", PgType::Text, vec![typed], move |args, style| {
                Ok(Datum::text(io::output(ty, &args[0], style)))
            }),
        }
    }

    /// The error for a function that no such types have.
    pub(super) fn missing_function(&self, name: &str, types: &[PgType]) -> Error {
        let message = format!("function {name}({}) does not exist", listed(types));
        let error = Error::new(Kind::UndefinedFunction, message);
        let is_known = !functions(name).is_empty() || !aggregates(name).is_empty() || !sets(name).is_empty();
        match nearest(name, names()).filter(|_| !is_known) {
            Some(near) => error.hint(format!("Perhaps you meant the function \"{near}\".")),
            None => error.hint(
                "No function matches the given name and argument types. You might need to add explicit type casts.",
            ),
        }
    }

    /// Refuses what must not stand in a clause.
    pub(super) fn refuse_in(&self, context: &Context<'_>, what: &str, kind: Kind) -> Error {
        let clause = context.clause;
        let message = match clause {
            Clause::AggregateArgument if what == "aggregate functions" => {
                "aggregate function calls cannot be nested".to_owned()
            }
            Clause::AggregateArgument if what == "window functions" => {
                let message = "aggregate function calls cannot contain window function calls";
                return Error::new(Kind::Grouping, message);
            }
            Clause::AggregateArgument => {
                format!("aggregate function calls cannot contain {}", "set-returning function calls")
            }
            Clause::WindowDefinition if what == "window functions" => {
                "window functions are not allowed in window definitions".to_owned()
            }
            clause => format!("{what} are not allowed in {}", clause.name()),
        };
        Error::new(kind, message)
    }
}

/// The list of a call's arguments.
pub(super) fn list(call: &Call) -> Option<&ast::FunctionArgumentList> {
    match &call.args {
        FunctionArguments::List(list) => Some(list),
        _ => None,
    }
}

/// Types as an error lists them.
pub(super) fn listed(types: &[PgType]) -> String {
    types.iter().map(|ty| ty.name()).collect::<Vec<_>>().join(", ")
}

/// The type that a function of that name casts to.
fn cast_name(name: &str) -> Option<PgType> {
    PgType::from_name(name).filter(|ty| ty.typname() == name && !matches!(ty, PgType::Unknown | PgType::Record))
}

/// Makes a body that does not depend on its call.
pub(super) fn body(
    call: impl for<'a> Fn(
        &[crate::function::datum::Datum<'a>],
        &crate::pgtype::style::Style,
    ) -> Result<crate::function::datum::Datum<'a>>
    + Send
    + Sync
    + 'static,
) -> crate::sql::scalar::Body {
    Arc::new(call)
}
