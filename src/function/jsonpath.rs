//! SQL/JSON paths: `jsonb_path_query` and its like, `@?` and `@@`.
//!
//! PostgreSQL has a type `jsonpath`; here a path is a text, which is read where it is used. A literal is taken for it as
//! well, and its errors are those of the type's input.
//!
//! <https://www.postgresql.org/docs/15/functions-json.html#FUNCTIONS-SQLJSON-PATH>

mod ast;
mod evaluate;
mod execute;
mod identity;
mod item;
mod lexer;
mod parser;
mod steps;

use std::cell::RefCell;
use std::rc::Rc;

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::jsonpath::ast::Path;
use crate::function::jsonpath::execute::{Execution, Outcome};
use crate::function::jsonpath::item::Item;
use crate::function::{Function, SetFunction, strict};
use crate::pgtype::style::Style;

/// The functions that give one value.
pub const FUNCTIONS: &[Function] = &[
    strict("jsonb_path_exists", "jsonb text", "bool", exists),
    strict("jsonb_path_exists", "jsonb text jsonb", "bool", exists),
    strict("jsonb_path_exists", "jsonb text jsonb bool", "bool", exists),
    strict("jsonb_path_match", "jsonb text", "bool", matches),
    strict("jsonb_path_match", "jsonb text jsonb", "bool", matches),
    strict("jsonb_path_match", "jsonb text jsonb bool", "bool", matches),
    strict("jsonb_path_query_array", "jsonb text", "jsonb", query_array),
    strict("jsonb_path_query_array", "jsonb text jsonb", "jsonb", query_array),
    strict("jsonb_path_query_array", "jsonb text jsonb bool", "jsonb", query_array),
    strict("jsonb_path_query_first", "jsonb text", "jsonb", query_first),
    strict("jsonb_path_query_first", "jsonb text jsonb", "jsonb", query_first),
    strict("jsonb_path_query_first", "jsonb text jsonb bool", "jsonb", query_first),
];

/// The operators, which report no errors of the document.
pub const OPERATORS: &[Function] =
    &[strict("@?", "jsonb text", "bool", exists_quietly), strict("@@", "jsonb text", "bool", matches_quietly)];

/// The functions that give rows.
pub const SETS: &[SetFunction] = &[
    SetFunction { name: "jsonb_path_query", args: "jsonb text", columns: "jsonb", strict: true, rows: query },
    SetFunction { name: "jsonb_path_query", args: "jsonb text jsonb", columns: "jsonb", strict: true, rows: query },
    SetFunction {
        name: "jsonb_path_query",
        args: "jsonb text jsonb bool",
        columns: "jsonb",
        strict: true,
        rows: query,
    },
];

/// How many paths are kept ready in each thread.
const KEPT: usize = 16;

thread_local! {
    static READY: RefCell<Vec<(String, Rc<Path>)>> = const { RefCell::new(Vec::new()) };
}

/// Reads a path, or takes one that was.
fn ready(text: &str) -> Result<Rc<Path>> {
    READY.with_borrow_mut(|ready| {
        if let Some(at) = ready.iter().position(|(own, _)| own == text) {
            ready[..=at].rotate_right(1);
            return Ok(Rc::clone(&ready[0].1));
        }
        let path = Rc::new(parser::parse(text)?);
        ready.truncate(KEPT - 1);
        ready.insert(0, (text.to_owned(), Rc::clone(&path)));
        Ok(path)
    })
}

/// Carries out the path of a call.
fn run<T>(
    args: &[Datum<'_>],
    is_quiet: bool,
    call: impl for<'b> FnOnce(&mut Execution<'b, '_>) -> Result<T>,
) -> Result<T> {
    let (json, path, rest) = match args {
        [Datum::Jsonb(json), Datum::Text(path), rest @ ..] => (json, path, rest),
        _ => return Err(wrong_arguments()),
    };
    let (variables, is_quiet) = match rest {
        // Only the operators are quiet without being told.
        [] => ((!is_quiet).then_some("{}"), is_quiet),
        [Datum::Jsonb(variables)] => (Some(variables.as_ref()), is_quiet),
        [Datum::Jsonb(variables), Datum::Bool(is_quiet)] => (Some(variables.as_ref()), *is_quiet),
        _ => return Err(wrong_arguments()),
    };
    let path = ready(path)?;
    if variables.is_some_and(|variables| !variables.starts_with('{')) {
        return Err(Error::new(Kind::InvalidParameterValue, "\"vars\" argument is not an object")
            .detail("Jsonpath parameters should be encoded as key-value pairs of \"vars\" object."));
    }
    call(&mut Execution::new(&path, Item::read(json)?, variables, !is_quiet))
}

fn wrong_arguments() -> Error {
    Error::internal("a function of jsonpath was called with arguments of other types")
}

/// All items, also those that were found before an error that is not reported.
fn items(args: &[Datum<'_>]) -> Result<Vec<Item<'static>>> {
    run(args, false, |execution| {
        let mut found = Vec::new();
        execution.query(&mut found)?;
        Ok(found.into_iter().map(Item::into_owned).collect())
    })
}

fn existence(args: &[Datum<'_>], is_quiet: bool) -> Result<Datum<'static>> {
    let outcome = run(args, is_quiet, |execution| execution.exists())?;
    Ok(if outcome == Outcome::Failed { Datum::Null } else { Datum::Bool(outcome == Outcome::Found) })
}

fn exists<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    existence(args, false)
}

fn exists_quietly<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    existence(args, true)
}

fn match_of(args: &[Datum<'_>], is_quiet: bool) -> Result<Datum<'static>> {
    run(args, is_quiet, |execution| {
        let mut found = Vec::new();
        execution.query(&mut found)?;
        match found.as_slice() {
            [Item::Bool(value)] => Ok(Datum::Bool(*value)),
            [Item::Null] => Ok(Datum::Null),
            _ if execution.throws => Err(Error::new(Kind::JsonSingletonRequired, "single boolean result is expected")),
            _ => Ok(Datum::Null),
        }
    })
}

fn matches<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    match_of(args, false)
}

fn matches_quietly<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    match_of(args, true)
}

fn query<'a>(args: &[Datum<'a>], _: &Style) -> Result<Vec<Vec<Datum<'a>>>> {
    Ok(items(args)?.into_iter().map(|item| vec![item.datum()]).collect())
}

fn query_array<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let mut out = String::from("[");
    for (at, item) in items(args)?.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { ", " });
        item.put(&mut out);
    }
    out.push(']');
    Ok(Datum::jsonb(out))
}

fn query_first<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(items(args)?.into_iter().next().map_or(Datum::Null, Item::datum))
}

#[cfg(test)]
#[path = "jsonpath/tests.rs"]
mod tests;
