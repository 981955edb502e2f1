//! The scalar functions of the catalogs: plain functions of values, found by name and argument types.
//!
//! A signature is text: argument types by their `pg_type` names, alternatives separated by `|`, `any...` for any number of
//! arguments of any type.

mod array;
mod definition;
mod name;
mod privilege;
mod property;
mod session;
mod text;
mod time;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::context::Context;
use super::types::{self, Family};
use super::value::Value;
use crate::error::Result;

pub(crate) use array::join as array_join;
pub(crate) use name::{object_oid, object_text, quoted};
pub(crate) use text::like;

/// How a function is carried out.
pub(crate) type Eval = fn(&[Value], &Context<'_>) -> Result<Value>;

/// A scalar function.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    args: &'static str,
    ret: &'static str,
    /// NULL for any argument gives NULL.
    pub(crate) strict: bool,
    pub(crate) eval: Eval,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.name, self.args)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Function) -> bool {
        self.name == other.name && self.args == other.args
    }
}

/// Makes a function that is not called with NULL.
const fn strict(name: &'static str, args: &'static str, ret: &'static str, eval: Eval) -> Function {
    Function { name, args, ret, strict: true, eval }
}

/// Makes a function that sees its NULLs.
const fn lax(name: &'static str, args: &'static str, ret: &'static str, eval: Eval) -> Function {
    Function { name, args, ret, strict: false, eval }
}

/// A function with one list of argument types.
#[derive(Debug)]
struct Signature {
    function: &'static Function,
    args: Vec<u32>,
    variadic: bool,
    ret: u32,
}

static TABLE: LazyLock<HashMap<&'static str, Vec<Signature>>> = LazyLock::new(|| {
    let tables = [
        text::FUNCTIONS,
        property::FUNCTIONS,
        array::FUNCTIONS,
        name::FUNCTIONS,
        definition::FUNCTIONS,
        privilege::FUNCTIONS,
        session::FUNCTIONS,
        time::FUNCTIONS,
    ];
    let mut table: HashMap<&'static str, Vec<Signature>> = HashMap::new();
    for function in tables.into_iter().flatten() {
        for args in function.args.split('|') {
            let variadic = args.ends_with("...");
            let args = args.split_whitespace().map(|name| type_named(name.trim_end_matches("...")));
            let signature = Signature { function, args: args.collect(), variadic, ret: type_named(function.ret) };
            table.entry(function.name).or_default().push(signature);
        }
    }
    table
});

fn type_named(name: &str) -> u32 {
    types::by_name(name).unwrap_or_else(|| panic!("the function table names an unknown type {name:?}"))
}

/// A function chosen for a call: what its arguments become and what it returns.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) function: &'static Function,
    pub(crate) args: Vec<u32>,
    pub(crate) ret: u32,
}

/// Whether there is a function of that name, whatever its arguments.
pub(crate) fn exists(name: &str) -> bool {
    TABLE.contains_key(name)
}

/// Chooses the function for a call: the one with the most exact argument types, then the first.
pub(crate) fn choose(name: &str, given: &[u32]) -> Option<Choice> {
    let mut best: Option<(usize, &Signature, Vec<u32>)> = None;
    for signature in TABLE.get(name)? {
        let Some(args) = expand(signature, given.len()) else { continue };
        if !args.iter().zip(given).all(|(to, from)| implicit(*from, *to)) {
            continue;
        }
        let score = |(to, from): (&u32, &u32)| match (*to, *from) {
            (to, from) if to == from => 4,
            (types::TEXT, types::UNKNOWN) => 3,
            (to, from) if types::family(to) == types::family(from) => 2,
            _ => 1,
        };
        let total: usize = args.iter().zip(given).map(score).sum();
        if best.as_ref().is_none_or(|(other, ..)| total > *other) {
            best = Some((total, signature, args));
        }
    }
    let (_, signature, args) = best?;
    let ret = polymorphic(signature.ret, &signature.args, given);
    Some(Choice { function: signature.function, args, ret })
}

fn expand(signature: &Signature, n: usize) -> Option<Vec<u32>> {
    let mut args = signature.args.clone();
    if signature.variadic {
        let last = *args.last()?;
        if n + 1 < args.len() {
            return None;
        }
        args.resize(n, last);
    }
    (args.len() == n).then_some(args)
}

/// Resolves `anyelement` and `anyarray` as a return type by the first argument declared so.
pub(crate) fn polymorphic(ret: u32, declared: &[u32], given: &[u32]) -> u32 {
    if ret != types::ANYELEMENT && ret != types::ANYARRAY {
        return ret;
    }
    let known = |oid: u32| if oid == types::UNKNOWN { types::TEXT } else { oid };
    let element = declared.iter().zip(given).find_map(|(declared, given)| match *declared {
        types::ANYARRAY => types::element(*given),
        types::ANYELEMENT => Some(known(*given)),
        _ => None,
    });
    let element = element.unwrap_or(types::TEXT);
    if ret == types::ANYARRAY { types::array_of(element) } else { element }
}

/// Whether PostgreSQL converts one type to another without being asked.
pub(crate) fn implicit(from: u32, to: u32) -> bool {
    let (from, to) = (types::base(from), types::base(to));
    let (source, target) = (types::family(from), types::family(to));
    match to {
        _ if from == to || from == types::UNKNOWN => true,
        types::ANY | types::ANYELEMENT => true,
        types::ANYARRAY => source == Family::Array,
        types::REGCLASS if source == Family::Text => true,
        _ if source != target => false,
        _ => match target {
            Family::Text => to != types::CHAR,
            Family::Number => {
                types::is_integer(from) && (!types::is_integer(to) || widens(from, to)) || rank(from) < rank(to)
            }
            Family::Time => rank(from) <= rank(to),
            Family::Array => true,
            _ => false,
        },
    }
}

fn rank(oid: u32) -> u8 {
    match oid {
        types::INT2 | types::DATE => 1,
        types::INT4 | types::TIMESTAMP => 2,
        types::INT8 | types::TIMESTAMPTZ => 3,
        types::NUMERIC => 5,
        types::FLOAT4 => 6,
        types::FLOAT8 => 7,
        _ => 4,
    }
}

fn widens(from: u32, to: u32) -> bool {
    let oid_like = |oid| oid == types::OID || types::is_reg(oid);
    rank(from) <= rank(to) && !matches!(to, types::XID | types::CID)
        || oid_like(from) && (oid_like(to) || to == types::INT8)
}

/// Returns the i-th argument as text; the empty string when it is something else.
fn str_at(args: &[Value], i: usize) -> &str {
    args.get(i).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the i-th argument as an integer.
fn int_at(args: &[Value], i: usize) -> Option<i64> {
    args.get(i).and_then(Value::as_int)
}

/// Returns the i-th argument as an oid.
fn oid_at(args: &[Value], i: usize) -> u32 {
    args.get(i).and_then(Value::as_oid).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signature_names_known_types() {
        assert!(TABLE.len() > 100);
        assert!(TABLE.values().flatten().all(|signature| signature.ret != 0));
    }
}
