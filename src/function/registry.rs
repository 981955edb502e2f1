//! All functions, operators, casts, aggregates and set-returning functions, by name.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::function::{Aggregate, Cast, Function, SetFunction};
use crate::function::{
    aggregate, array, datetime, identifier, io, json, jsonpath, number, quote, regex, series, size, template, text,
};
use crate::pgtype::types::PgType;

const FUNCTIONS: &[&[Function]] = &[
    array::FUNCTIONS,
    datetime::FUNCTIONS,
    identifier::FUNCTIONS,
    json::FUNCTIONS,
    jsonpath::FUNCTIONS,
    number::FUNCTIONS,
    number::CAST_FUNCTIONS,
    quote::FUNCTIONS,
    regex::FUNCTIONS,
    size::FUNCTIONS,
    template::FUNCTIONS,
    text::FUNCTIONS,
];
const OPERATORS: &[&[Function]] = &[
    array::OPERATORS,
    datetime::OPERATORS,
    json::OPERATORS,
    jsonpath::OPERATORS,
    number::OPERATORS,
    regex::OPERATORS,
    text::OPERATORS,
];
const CASTS: &[&[Cast]] = &[datetime::CASTS, io::CASTS, number::CASTS];
const AGGREGATES: &[&[Aggregate]] = &[aggregate::AGGREGATES];
const SETS: &[&[SetFunction]] = &[array::SETS, json::SETS, jsonpath::SETS, regex::SETS, series::SETS, text::SETS];

/// The type of an argument or of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the pseudo-type of that name")]
pub enum Param {
    /// This one.
    Is(PgType),
    AnyElement,
    AnyArray,
    AnyNonarray,
    AnyCompatible,
    AnyCompatibleArray,
    Any,
}

/// What a table holds, with its types.
#[derive(Clone, Debug)]
pub struct Signature<T: 'static> {
    /// The entry of the table.
    pub target: &'static T,
    /// The types of the arguments.
    pub params: Vec<Param>,
    /// Whether the last one stands for any number.
    pub variadic: bool,
    /// The type of the value; for a set-returning function `Any`.
    pub result: Param,
}

type Table<T> = HashMap<&'static str, Vec<Signature<T>>>;

fn param(name: &'static str) -> Param {
    match name {
        "anyelement" => Param::AnyElement,
        "anyarray" => Param::AnyArray,
        "anynonarray" => Param::AnyNonarray,
        "anycompatible" | "anycompatiblenonarray" => Param::AnyCompatible,
        "anycompatiblearray" => Param::AnyCompatibleArray,
        "any" => Param::Any,
        name => Param::Is(
            PgType::from_name(name).unwrap_or_else(|| panic!("a function table names an unknown type {name:?}")),
        ),
    }
}

fn table<T>(
    entries: impl Iterator<Item = &'static T>,
    parts: impl Fn(&'static T) -> (&'static str, &'static str, &'static str),
) -> Table<T> {
    let mut table: Table<T> = HashMap::new();
    for target in entries {
        let (name, args, result) = parts(target);
        let variadic = args.ends_with("...");
        let params = args.split_whitespace().map(|name| param(name.trim_end_matches("..."))).collect();
        table.entry(name).or_default().push(Signature { target, params, variadic, result: param(result) });
    }
    table
}

fn all<T>(tables: &'static [&'static [T]]) -> impl Iterator<Item = &'static T> {
    tables.iter().flat_map(|table| table.iter())
}

/// The casts.
pub fn casts() -> impl Iterator<Item = &'static Cast> {
    all(CASTS)
}

static BY_NAME: LazyLock<Table<Function>> =
    LazyLock::new(|| table(all(FUNCTIONS), |own| (own.name, own.args, own.result)));
static BY_SYMBOL: LazyLock<Table<Function>> =
    LazyLock::new(|| table(all(OPERATORS), |own| (own.name, own.args, own.result)));
static AGGREGATES_BY_NAME: LazyLock<Table<Aggregate>> =
    LazyLock::new(|| table(all(AGGREGATES), |own| (own.name, own.args, own.result)));
static SETS_BY_NAME: LazyLock<Table<SetFunction>> =
    LazyLock::new(|| table(all(SETS), |own| (own.name, own.args, "any")));

/// The scalar functions of a name.
pub fn functions(name: &str) -> &'static [Signature<Function>] {
    BY_NAME.get(name).map_or(&[], Vec::as_slice)
}

/// The operators of a symbol, prefix operators with one argument.
pub fn operators(symbol: &str) -> &'static [Signature<Function>] {
    BY_SYMBOL.get(symbol).map_or(&[], Vec::as_slice)
}

/// The aggregates of a name.
pub fn aggregates(name: &str) -> &'static [Signature<Aggregate>] {
    AGGREGATES_BY_NAME.get(name).map_or(&[], Vec::as_slice)
}

/// The set-returning functions of a name.
pub fn sets(name: &str) -> &'static [Signature<SetFunction>] {
    SETS_BY_NAME.get(name).map_or(&[], Vec::as_slice)
}

/// Whether there is a function, an aggregate or a set-returning function of a name.
pub fn is_known(name: &str) -> bool {
    !functions(name).is_empty() || !aggregates(name).is_empty() || !sets(name).is_empty()
}

/// Names of all functions, for a hint.
pub fn names() -> impl Iterator<Item = &'static str> {
    BY_NAME.keys().chain(AGGREGATES_BY_NAME.keys()).chain(SETS_BY_NAME.keys()).copied()
}
