//! Which function a call means, as PostgreSQL decides it (chapter 10.3 of its documentation; `func_select_candidate`).

use crate::function::coerce::{Category, category, common, is_implicit, is_preferred};
use crate::function::registry::{Param, Signature};
use crate::pgtype::types::PgType;

/// A function chosen for a call.
#[derive(Clone, Debug)]
pub struct Choice<T: 'static> {
    /// The entry of the table.
    pub target: &'static T,
    /// What each argument becomes.
    pub args: Vec<PgType>,
    /// The type of the value.
    pub result: PgType,
}

/// Why none was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// None takes these types.
    Missing,
    /// More than one does, and none better than the others.
    Ambiguous,
}

/// One way to read a signature for so many arguments.
struct Candidate<T: 'static> {
    signature: &'static Signature<T>,
    params: Vec<Param>,
    /// The types that it takes, pseudo-types put in concrete terms.
    args: Vec<PgType>,
    returns: PgType,
    variadic: bool,
}

/// Chooses among functions of one name for arguments of these types; [`PgType::Unknown`] is a literal without a type.
///
/// # Errors
/// Which of the two failures it is.
pub fn choose<T>(signatures: &'static [Signature<T>], given: &[PgType]) -> Result<Choice<T>, Failure> {
    let mut candidates: Vec<Candidate<T>> =
        signatures.iter().filter_map(|signature| candidate(signature, given)).collect();
    let exact = |candidate: &Candidate<T>| !candidate.variadic && candidate.args == given;
    if let Some(at) = candidates.iter().position(|own| exact(own) && !is_polymorphic(own)) {
        return Ok(chosen(candidates.swap_remove(at)));
    }
    candidates.retain(|own| own.args.iter().zip(given).all(|(to, from)| is_implicit(*from, *to)));
    // One that needs no VARIADIC goes before one that does.
    if candidates.iter().any(|own| !own.variadic) {
        candidates.retain(|own| !own.variadic);
    }
    if candidates.len() > 1 {
        keep_best(&mut candidates, |own| count(own, given, |own, param, from| is_plain(own, param) && own == from));
    }
    if candidates.len() > 1 {
        let takes = |own: PgType, param: Param, from: PgType| {
            is_plain(own, param) && (own == from || (is_preferred(own) && category(own) == category(from)))
        };
        keep_best(&mut candidates, |own| count(own, given, takes));
    }
    if candidates.len() > 1 && given.contains(&PgType::Unknown) {
        by_category(&mut candidates, given);
    }
    if candidates.len() > 1 {
        let mut known = given.iter().filter(|ty| **ty != PgType::Unknown);
        if let Some(first) = known.next().copied()
            && known.all(|ty| *ty == first)
        {
            // Read anew: what the pseudo-types stand for depends on what the literals are taken for.
            let all = |own: &Candidate<T>| {
                let same = vec![first; given.len()];
                let read = candidate(own.signature, &same);
                read.is_some_and(|own| own.args.iter().all(|to| is_implicit(first, *to)))
            };
            if candidates.iter().filter(|own| all(own)).count() == 1 {
                candidates.retain(all);
            }
        }
    }
    match candidates.len() {
        0 => Err(Failure::Missing),
        1 => Ok(chosen(candidates.swap_remove(0))),
        _ => Err(Failure::Ambiguous),
    }
}

/// Chooses among binary operators: a literal without a type is first tried as what stands at the other side.
///
/// # Errors
/// As [`choose`].
pub fn choose_operator<T>(
    signatures: &'static [Signature<T>],
    left: PgType,
    right: PgType,
) -> Result<Choice<T>, Failure> {
    let same = match (left, right) {
        (PgType::Unknown, other) | (other, PgType::Unknown) if other != PgType::Unknown => Some(other),
        _ => None,
    };
    if let Some(ty) = same {
        let exact = |signature: &&Signature<T>| signature.params == [Param::Is(ty), Param::Is(ty)];
        if let Some(found) = signatures.iter().find(exact).and_then(|own| candidate(own, &[ty, ty])) {
            return Ok(chosen(found));
        }
    }
    choose(signatures, &[left, right])
}

fn chosen<T>(candidate: Candidate<T>) -> Choice<T> {
    Choice { target: candidate.signature.target, args: candidate.args, result: candidate.returns }
}

fn is_plain(own: PgType, param: Param) -> bool {
    param == Param::Is(own)
}

fn is_polymorphic<T>(candidate: &Candidate<T>) -> bool {
    candidate.params.iter().any(|param| !matches!(param, Param::Is(_)))
}

/// The signature for so many arguments, with its pseudo-types resolved from what is given.
fn candidate<T>(signature: &'static Signature<T>, given: &[PgType]) -> Option<Candidate<T>> {
    let mut params = signature.params.clone();
    if signature.variadic {
        let last = params.pop()?;
        let least = params.len() + usize::from(last != Param::Any);
        if given.len() < least {
            return None;
        }
        params.resize(given.len(), last);
    }
    if params.len() != given.len() {
        return None;
    }
    let element = polymorphic(&params, given)?;
    let compatible = compatible(&params, given)?;
    let concrete = |param: Param, from: PgType| match param {
        Param::Is(ty) => Some(ty),
        Param::Any => Some(if from == PgType::Unknown { PgType::Text } else { from }),
        Param::AnyElement => element,
        Param::AnyNonarray => element.filter(|ty| !ty.is_array()),
        Param::AnyArray => element.map(PgType::array),
        Param::AnyCompatible => compatible,
        Param::AnyCompatibleArray => compatible.map(PgType::array),
    };
    let args = params.iter().zip(given).map(|(param, from)| concrete(*param, *from)).collect::<Option<Vec<_>>>()?;
    let returns = concrete(signature.result, PgType::Unknown)?;
    Some(Candidate { signature, params, args, returns, variadic: signature.variadic })
}

/// What `anyelement` and its kin stand for; text if nothing tells.
fn polymorphic(params: &[Param], given: &[PgType]) -> Option<Option<PgType>> {
    let mut element: Option<PgType> = None;
    let mut is_used = false;
    for (param, from) in params.iter().zip(given) {
        let own = match param {
            Param::AnyElement | Param::AnyNonarray => *from,
            Param::AnyArray if *from == PgType::Unknown => *from,
            Param::AnyArray => from.element()?,
            _ => continue,
        };
        is_used = true;
        if own == PgType::Unknown {
            continue;
        }
        if element.is_some_and(|element| element != own) {
            return None;
        }
        element = Some(own);
    }
    Some(if is_used { Some(element.unwrap_or(PgType::Text)) } else { None })
}

/// What `anycompatible` and its kin stand for.
fn compatible(params: &[Param], given: &[PgType]) -> Option<Option<PgType>> {
    let mut types = Vec::new();
    let mut is_used = false;
    for (param, from) in params.iter().zip(given) {
        match param {
            Param::AnyCompatible => types.push(*from),
            Param::AnyCompatibleArray if *from == PgType::Unknown => {}
            Param::AnyCompatibleArray => types.push(from.element()?),
            _ => continue,
        }
        is_used = true;
    }
    Some(if is_used { Some(common(types).ok()?) } else { None })
}

fn count<T>(candidate: &Candidate<T>, given: &[PgType], takes: impl Fn(PgType, Param, PgType) -> bool) -> usize {
    let triples = candidate.args.iter().zip(&candidate.params).zip(given);
    triples.filter(|((own, param), from)| **from != PgType::Unknown && takes(**own, **param, **from)).count()
}

fn keep_best<T>(candidates: &mut Vec<Candidate<T>>, score: impl Fn(&Candidate<T>) -> usize) {
    let best = candidates.iter().map(&score).max().unwrap_or(0);
    if best > 0 {
        candidates.retain(|own| score(own) == best);
    }
}

/// The category of what is declared, whatever a pseudo-type stands for in the call, and whether it is preferred.
fn declared(param: Param) -> (Category, bool) {
    match param {
        Param::Is(ty) => (category(ty), is_preferred(ty)),
        _ => (Category::Pseudo, false),
    }
}

/// Literals without a type: strings are preferred, else the one category that all candidates take there.
fn by_category<T>(candidates: &mut Vec<Candidate<T>>, given: &[PgType]) {
    let mut wanted: Vec<Option<(Category, bool)>> = vec![None; given.len()];
    for (at, from) in given.iter().enumerate() {
        if *from != PgType::Unknown {
            continue;
        }
        let categories: Vec<(Category, bool)> = candidates.iter().map(|own| declared(own.params[at])).collect();
        let Some(first) = categories.first().copied() else { return };
        let found = if categories.iter().any(|(own, _)| *own == Category::String) {
            Category::String
        } else if categories.iter().all(|(own, _)| *own == first.0) {
            first.0
        } else {
            return;
        };
        let preferred = categories.iter().any(|(own, preferred)| *own == found && *preferred);
        wanted[at] = Some((found, preferred));
    }
    let fits = |own: &Candidate<T>| {
        wanted.iter().zip(&own.params).all(|(wanted, param)| match wanted {
            Some((category_wanted, preferred)) => {
                let (category, is_preferred) = declared(*param);
                category == *category_wanted && (!preferred || is_preferred)
            }
            None => true,
        })
    };
    if candidates.iter().any(fits) {
        candidates.retain(fits);
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
