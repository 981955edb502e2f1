//! How atoms about one value combine: what two say together, what follows if one of several holds, what implies what.
//!
//! Atoms about one place in a `jsonb` may be about its text or about that text cast to a number. What is said of the one
//! tells nothing of the other, so such atoms stand beside each other.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::Bound;

use datafusion::logical_expr::Operator;

use super::spans::Spans;
use crate::model::filter::{Atom, Pattern, Value, compare_doubles, is_between};

/// What kind of value an atom is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Text,
    /// An integer or a time.
    Number,
    Double,
    Boolean,
    /// A `jsonb` as a whole.
    Document,
}

fn sort_of(value: &Value) -> Sort {
    match value {
        Value::Text(_) => Sort::Text,
        Value::Integer(_) | Value::Timestamp(_) => Sort::Number,
        Value::Double(_) => Sort::Double,
        Value::Boolean(_) => Sort::Boolean,
    }
}

fn sort(atom: &Atom) -> Option<Sort> {
    match atom {
        Atom::OneOf(values) | Atom::NoneOf(values) => values.first().map(sort_of),
        Atom::Like(_) => Some(Sort::Text),
        Atom::Within(..) => Some(Sort::Number),
        Atom::Range(..) => Some(Sort::Double),
        Atom::Element(_) => Some(Sort::Document),
        Atom::Null | Atom::NotNull => None,
    }
}

/// An integer or time as a number.
pub(crate) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) | Value::Timestamp(number) => Some(*number),
        _ => None,
    }
}

/// The atom that nothing satisfies.
pub(super) fn nothing() -> Atom {
    Atom::OneOf(Vec::new())
}

/// Whether nothing satisfies the atom.
pub(crate) fn is_empty(atom: &Atom) -> bool {
    matches!(atom, Atom::OneOf(values) if values.is_empty())
}

/// The doubles between two bounds.
pub(super) fn range(low: Bound<f64>, high: Bound<f64>) -> Atom {
    // -0 and 0 are one value.
    let (low, high) = (low.map(|low| low + 0.0), high.map(|high| high + 0.0));
    match (low, high) {
        (Bound::Unbounded, Bound::Unbounded) => Atom::NotNull,
        (Bound::Included(from), Bound::Included(to)) if from == to => Atom::OneOf(vec![Value::Double(from)]),
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) if from >= to => {
            nothing()
        }
        _ => Atom::Range(low, high),
    }
}

/// All values but these, of which none is there twice.
pub(super) fn all_but(values: Vec<Value>) -> Atom {
    if values.is_empty() { Atom::NotNull } else { Atom::NoneOf(values) }
}

/// Whether a value satisfies the atom; none where that cannot be told.
fn holds(atom: &Atom, value: &Value) -> Option<bool> {
    let alike = |values: &[Value]| values.first().is_none_or(|first| sort_of(first) == sort_of(value));
    match (atom, value) {
        (Atom::Null, _) => Some(false),
        (Atom::NotNull, _) => Some(true),
        (Atom::OneOf(values), value) => alike(values).then(|| values.contains(value)),
        (Atom::NoneOf(values), value) => alike(values).then(|| !values.contains(value)),
        (Atom::Within(low, high), value) => number(value).map(|number| *low <= number && number <= *high),
        (Atom::Range(low, high), Value::Double(number)) => Some(is_between(*number, *low, *high)),
        (Atom::Like(pattern), Value::Text(text)) => {
            let sure = !pattern.ignore_case || text.is_ascii() && pattern.pieces.iter().all(|piece| piece.is_ascii());
            sure.then(|| matches(pattern, text))
        }
        _ => None,
    }
}

/// Whether a text matches a pattern; none where letters beyond ASCII would have to be folded.
pub(super) fn is_like(pattern: &Pattern, text: &str) -> Option<bool> {
    holds(&Atom::Like(pattern.clone()), &Value::Text(text.to_owned()))
}

/// One atom that says the same as both; none if there is no such atom.
pub(super) fn meet(one: &Atom, other: &Atom) -> Option<Atom> {
    match (one, other) {
        _ if one == other => Some(one.clone()),
        _ if is_empty(one) || is_empty(other) => Some(nothing()),
        (Atom::Null, _) | (_, Atom::Null) => Some(nothing()),
        (Atom::NotNull, atom) | (atom, Atom::NotNull) => Some(atom.clone()),
        _ if sort(one) != sort(other) => None,
        (Atom::OneOf(ours), Atom::OneOf(theirs)) => Some(Atom::OneOf(filtered(ours, theirs, true))),
        (Atom::OneOf(ours), Atom::NoneOf(theirs)) | (Atom::NoneOf(theirs), Atom::OneOf(ours)) => {
            Some(Atom::OneOf(filtered(ours, theirs, false)))
        }
        (Atom::NoneOf(ours), Atom::NoneOf(theirs)) => Some(all_but(union([ours, theirs]))),
        (Atom::OneOf(values), atom) | (atom, Atom::OneOf(values)) => {
            let kept = values.iter().map(|value| Some((value, holds(atom, value)?))).collect::<Option<Vec<_>>>()?;
            Some(Atom::OneOf(kept.into_iter().filter(|(_, keep)| *keep).map(|(value, _)| value.clone()).collect()))
        }
        // Values that are out of the other's reach need not be excluded.
        (Atom::NoneOf(values), atom) | (atom, Atom::NoneOf(values)) => {
            values.iter().all(|value| holds(atom, value) == Some(false)).then(|| atom.clone())
        }
        (Atom::Within(low, high), Atom::Within(from, to)) => {
            let (low, high) = ((*low).max(*from), (*high).min(*to));
            Some(if low > high { nothing() } else { Atom::Within(low, high) })
        }
        (Atom::Range(low, high), Atom::Range(from, to)) => {
            Some(range(tighter(*low, *from, Ordering::Greater), tighter(*high, *to, Ordering::Less)))
        }
        _ => None,
    }
}

/// Those of `values` that are (or are not) among `others`.
fn filtered(values: &[Value], others: &[Value], among: bool) -> Vec<Value> {
    let others: HashSet<String> = others.iter().map(Value::to_string).collect();
    values.iter().filter(|value| others.contains(&value.to_string()) == among).cloned().collect()
}

/// The values of all lists, each once.
fn union<'a>(lists: impl IntoIterator<Item = &'a Vec<Value>>) -> Vec<Value> {
    let mut seen = HashSet::new();
    lists.into_iter().flatten().filter(|value| seen.insert(value.to_string())).cloned().collect()
}

/// Of two bounds on one side the one that lets less through; `inwards` is how it then compares with the other.
fn tighter(one: Bound<f64>, other: Bound<f64>, inwards: Ordering) -> Bound<f64> {
    let ends = |bound| match bound {
        Bound::Included(end) | Bound::Excluded(end) => Some(end),
        Bound::Unbounded => None,
    };
    match (ends(one), ends(other)) {
        (None, _) => other,
        (_, None) => one,
        (Some(end), Some(its_end)) => match compare_doubles(end, its_end) {
            Ordering::Equal if matches!(one, Bound::Included(_)) => other,
            Ordering::Equal => one,
            order if order == inwards => one,
            _ => other,
        },
    }
}

/// Of two bounds on one side the one that lets more through.
fn looser(one: Bound<f64>, other: Bound<f64>, inwards: Ordering) -> Bound<f64> {
    if matches!(one, Bound::Unbounded) || matches!(other, Bound::Unbounded) {
        return Bound::Unbounded;
    }
    if tighter(one, other, inwards) == one { other } else { one }
}

/// What follows if all atoms of at least one group hold, and whether that says no less. No group is empty; no atoms
/// say that the value may be anything, NULL among it.
pub(super) fn any_of(groups: &[Vec<&Atom>]) -> (Vec<Atom>, bool) {
    let nulls = groups.iter().filter(|group| group.contains(&&Atom::Null)).count();
    if nulls > 0 {
        let all = nulls == groups.len();
        return (if all { vec![Atom::Null] } else { Vec::new() }, all);
    }
    if let Some(lists) = groups.iter().map(|group| list(group)).collect::<Option<Vec<_>>>()
        && lists.windows(2).all(|pair| pair[0].first().map(sort_of) == pair[1].first().map(sort_of))
    {
        return (vec![Atom::OneOf(union(lists))], true);
    }
    if let Some(found) = numbers(groups) {
        return found;
    }
    let (first, rest) = match groups.split_first() {
        Some((first, rest)) => (first, rest),
        None => return (vec![nothing()], true),
    };
    // (A and B) or (A and C) is A and (B or C).
    let common: Vec<&Atom> =
        first.iter().copied().filter(|atom| rest.iter().all(|group| group.contains(atom))).collect();
    let remainders: Vec<Vec<&Atom>> =
        groups.iter().map(|group| group.iter().copied().filter(|atom| !common.contains(atom)).collect()).collect();
    let mut atoms: Vec<Atom> = common.into_iter().cloned().collect();
    // Of several in one group the first stands for all of them: weaker, but true.
    let Some(singles) = remainders.iter().map(|group| group.first().copied()).collect::<Option<Vec<_>>>() else {
        return (atoms, true);
    };
    let alone = remainders.iter().all(|group| group.len() == 1);
    let (atom, exact) = united(&singles).unwrap_or((Atom::NotNull, false));
    if atoms.is_empty() || atom != Atom::NotNull {
        atoms.push(atom);
    }
    (atoms, exact && alone)
}

fn list<'a>(group: &[&'a Atom]) -> Option<&'a Vec<Value>> {
    match group {
        [Atom::OneOf(values)] => Some(values),
        _ => None,
    }
}

/// Groups that are all about integers or times.
fn numbers(groups: &[Vec<&Atom>]) -> Option<(Vec<Atom>, bool)> {
    let is_number = |atom: &&Atom| sort(atom) == Some(Sort::Number);
    if !groups.iter().flatten().any(is_number) {
        return None;
    }
    let of_group = |group: &Vec<&Atom>| {
        let sets = group.iter().map(|atom| spans(atom)).collect::<Option<Vec<_>>>()?;
        Some(sets.into_iter().fold(Spans::all(), |all, set| all.intersect(&set)))
    };
    let sets = groups.iter().map(of_group).collect::<Option<Vec<_>>>()?;
    let is_time = groups.iter().flatten().any(|atom| match atom {
        Atom::OneOf(values) | Atom::NoneOf(values) => values.iter().any(|value| matches!(value, Value::Timestamp(_))),
        _ => false,
    });
    Some(Spans::union(sets).atoms(is_time))
}

/// An atom over integers or times as the set of them.
fn spans(atom: &Atom) -> Option<Spans> {
    let points = |values: &[Value]| {
        let points = values.iter().map(number).collect::<Option<Vec<_>>>()?;
        Some(Spans::union(points.into_iter().map(|point| Spans::between(point.into(), point.into()))))
    };
    match atom {
        Atom::Within(low, i64::MAX) => Spans::compare(Operator::GtEq, i128::from(*low)),
        Atom::Within(i64::MIN, high) => Spans::compare(Operator::LtEq, i128::from(*high)),
        Atom::Within(low, high) => Some(Spans::between(i128::from(*low), i128::from(*high))),
        Atom::OneOf(values) => points(values),
        Atom::NoneOf(values) => Some(points(values)?.complement()),
        Atom::NotNull => Some(Spans::all()),
        Atom::Like(_) | Atom::Range(..) | Atom::Element(_) | Atom::Null => None,
    }
}

/// One atom for several, and whether it says no less.
fn united(atoms: &[&Atom]) -> Option<(Atom, bool)> {
    let (first, rest) = atoms.split_first()?;
    if atoms.contains(&&Atom::NotNull) {
        return Some((Atom::NotNull, true));
    }
    if rest.iter().any(|atom| sort(atom) != sort(first)) {
        return None;
    }
    if rest.iter().all(|atom| atom == first) {
        return Some(((*first).clone(), true));
    }
    let excluded = atoms.iter().find_map(|atom| match atom {
        Atom::NoneOf(values) => Some(values),
        _ => None,
    });
    if let Some(values) = excluded {
        // Still excluded is what none of them lets through.
        let mut sure = true;
        let mut is_out = |value: &Value| {
            let verdicts: Vec<Option<bool>> = atoms.iter().map(|atom| holds(atom, value)).collect();
            sure &= verdicts.iter().all(Option::is_some) || verdicts.contains(&Some(true));
            verdicts.iter().all(|verdict| *verdict == Some(false))
        };
        let left = values.iter().filter(|value| is_out(value)).cloned().collect();
        return Some((all_but(left), sure));
    }
    if sort(first) == Some(Sort::Double) {
        return doubles(atoms);
    }
    None
}

/// The least range that holds some ranges and values.
fn doubles(atoms: &[&Atom]) -> Option<(Atom, bool)> {
    let mut ranges: Vec<(Bound<f64>, Bound<f64>)> = Vec::new();
    for atom in atoms {
        match atom {
            Atom::Range(low, high) => ranges.push((*low, *high)),
            Atom::OneOf(values) => ranges.extend(values.iter().filter_map(|value| match value {
                Value::Double(number) => Some((Bound::Included(*number), Bound::Included(*number))),
                _ => None,
            })),
            _ => return None,
        }
    }
    let end = |bound: &Bound<f64>| match bound {
        Bound::Included(end) | Bound::Excluded(end) => *end,
        Bound::Unbounded => f64::NEG_INFINITY,
    };
    ranges.sort_by(|(left, _), (right, _)| {
        let included = |bound: &Bound<f64>| u8::from(matches!(bound, Bound::Excluded(_)));
        compare_doubles(end(left), end(right)).then(included(left).cmp(&included(right)))
    });
    let (first, rest) = ranges.split_first()?;
    let ((low, mut high), mut exact) = (*first, true);
    for (from, to) in rest {
        let touches = match (high, *from) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
            (Bound::Excluded(high), Bound::Excluded(from)) => from < high,
            (Bound::Included(high) | Bound::Excluded(high), Bound::Included(from) | Bound::Excluded(from)) => {
                from <= high
            }
        };
        exact &= touches;
        high = looser(high, *to, Ordering::Less);
    }
    Some((range(low, high), exact))
}

/// Whether the text matches the pattern.
fn matches(pattern: &Pattern, text: &str) -> bool {
    let fold = |text: &str| if pattern.ignore_case { text.to_ascii_lowercase() } else { text.to_owned() };
    let text = fold(text);
    let mut rest = text.as_str();
    let last = pattern.pieces.len().saturating_sub(1);
    for (index, piece) in pattern.pieces.iter().enumerate() {
        let piece = fold(piece);
        let (at_start, at_end) = (index == 0 && pattern.anchored_start, index == last && pattern.anchored_end);
        let found = match (at_start, at_end) {
            (true, true) => return rest == piece,
            (true, false) => rest.strip_prefix(piece.as_str()),
            (false, true) => return rest.ends_with(piece.as_str()),
            (false, false) => rest.find(piece.as_str()).map(|start| &rest[start + piece.len()..]),
        };
        match found {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

/// Whether every value that satisfies `known` satisfies `wanted`, as far as that can be told.
pub(crate) fn implies(known: &Atom, wanted: &Atom) -> bool {
    let one_piece = |pattern: &Pattern| match pattern.pieces.as_slice() {
        [piece] if !pattern.anchored_start && !pattern.anchored_end && pattern.ignore_case && piece.is_ascii() => {
            Some(piece.to_ascii_lowercase())
        }
        _ => None,
    };
    match (known, wanted) {
        (Atom::Null, _) => wanted == &Atom::Null,
        (_, Atom::NotNull) => true,
        (Atom::NoneOf(known), Atom::NoneOf(wanted)) => filtered(wanted, known, false).is_empty(),
        (Atom::Like(known), Atom::Like(wanted)) => {
            known == wanted
                || matches!((one_piece(known), one_piece(wanted)), (Some(long), Some(short)) if long.contains(&short))
        }
        // Said together with what is known, the wanted atom adds nothing.
        _ => meet(known, wanted).is_some_and(|both| &both == known),
    }
}

#[cfg(test)]
#[path = "atom_tests.rs"]
mod tests;
