//! What of the conditions on one column is sent, and what upstream then guarantees.

use std::cmp::Reverse;

use crate::model::filter::{Atom, Condition, Pattern, Value};
use crate::model::scan::{ceil, floor, iso_micros};
use crate::model::table::{Column, Fidelity, Op, Push, Table, Type};
use crate::table::predicate::facts::{implies, number};

/// Shortest text that several values share and that is worth asking for.
const SHARED_CHARACTERS: usize = 3;

/// Something that is sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) column: &'static str,
    /// The parameter; none for a bound of the time range.
    pub(super) parameter: Option<(&'static str, String)>,
    /// What it asks for: all rows that satisfy this come.
    pub(super) atom: Atom,
    /// Exact: no other rows come.
    pub(super) fidelity: Fidelity,
}

impl Sent {
    /// The whole of an atom is sent and kept to.
    pub(super) fn exactly(column: &Column, atom: Atom) -> Self {
        Sent { column: column.name, parameter: None, atom, fidelity: Fidelity::Exact }
    }

    /// Whether rows that satisfy what is asked for satisfy the condition.
    pub(super) fn covers(&self, condition: &Condition) -> bool {
        self.column == condition.column && implies(&self.atom, &condition.atom)
    }

    /// Whether the condition is one that led to what is asked for: whether it implies it or is implied by it.
    pub(super) fn stems_from(&self, condition: &Condition) -> bool {
        self.column == condition.column
            && !matches!(condition.atom, Atom::Null | Atom::NotNull)
            && match &condition.atom {
                Atom::Like(_) => self.covers(condition) || contained(&condition.atom, &self.atom),
                _ => true,
            }
    }
}

/// What is sent for a column of which these atoms are known: at most one parameter for the value, and its bounds.
pub(super) fn send(table: &Table, column: &'static Column, atoms: &[&Atom]) -> Vec<Sent> {
    let of_value = [equal, class, contains].into_iter().find_map(|make| {
        column.push.iter().find_map(|push| {
            let (value, atom, keeps) = make(push, atoms)?;
            let fidelity = if keeps { push.fidelity } else { Fidelity::Superset };
            Some(Sent { column: column.name, parameter: Some((push.parameter, value)), atom, fidelity })
        })
    });
    let of_bounds = column.push.iter().filter_map(|push| bound(table, column, push, atoms));
    of_value.into_iter().chain(of_bounds).collect()
}

/// `=` with one value that upstream does not take for no filter at all.
fn equal(push: &Push, atoms: &[&Atom]) -> Option<(String, Atom, bool)> {
    let [Atom::OneOf(values)] = atoms else { return None };
    match (push.op, values.as_slice()) {
        (Op::Equal, [value]) if *value != Value::Text(String::new()) => {
            Some((value.to_text(), Atom::OneOf(values.clone()), true))
        }
        _ => None,
    }
}

/// The class that holds all the numbers.
fn class(push: &Push, atoms: &[&Atom]) -> Option<(String, Atom, bool)> {
    let Op::Class(classes) = push.op else { return None };
    let (least, greatest) = atoms.iter().find_map(|atom| hull(atom))?;
    let (word, low, high) = classes.iter().find(|(_, low, high)| *low <= least && greatest <= *high)?;
    Some(((*word).to_owned(), Atom::Within(*low, *high), true))
}

/// The longest text that upstream can be asked for as part of the value.
fn contains(push: &Push, atoms: &[&Atom]) -> Option<(String, Atom, bool)> {
    if push.op != Op::Contains {
        return None;
    }
    let candidates: Vec<String> = atoms
        .iter()
        .flat_map(|atom| match atom {
            Atom::Like(pattern) => pattern.pieces.clone(),
            Atom::OneOf(values) => shared(values).into_iter().collect(),
            _ => Vec::new(),
        })
        .collect();
    // The first of the longest.
    let text = candidates.iter().flat_map(|piece| sendable(piece)).min_by_key(|text| Reverse(text.len()))?;
    let wild = text.contains(['%', '_']);
    let pattern =
        Pattern { pieces: vec![text.to_owned()], anchored_start: false, anchored_end: false, ignore_case: true };
    Some((text.to_owned(), Atom::Like(pattern), !wild))
}

/// The parts of a text that every server reads alike. Letters beyond ASCII change case by locale; `\` escapes where the
/// server builds a LIKE pattern of what it is sent (there `%` and `_` match more than themselves, which loses nothing).
fn sendable(piece: &str) -> impl Iterator<Item = &str> {
    piece.split(|letter: char| letter == '\\' || !letter.is_ascii()).filter(|text| !text.is_empty())
}

/// The longest text that all the values have in common.
fn shared(values: &[Value]) -> Option<String> {
    let texts = values
        .iter()
        .map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect::<Option<Vec<_>>>()?;
    let (first, rest) = texts.split_first()?;
    if rest.is_empty() {
        return Some((*first).to_owned());
    }
    let ends: Vec<usize> = first.char_indices().map(|(index, _)| index).chain([first.len()]).collect();
    // Long texts are no model names; what they share is not worth the search.
    if ends.len() > 100 {
        return None;
    }
    let parts = ends.iter().flat_map(|&start| ends.iter().filter_map(move |&end| first.get(start..end)));
    parts
        .filter(|part| part.len() >= SHARED_CHARACTERS && rest.iter().all(|text| text.contains(part)))
        .max_by_key(|part| part.len())
        .map(str::to_owned)
}

/// A bound of the values. Bounds of the table's time column go into the range instead of a parameter.
fn bound(table: &Table, column: &'static Column, push: &Push, atoms: &[&Atom]) -> Option<Sent> {
    let (least, greatest) = atoms.iter().find_map(|atom| hull(atom))?;
    let (value, rounded, atom) = match push.op {
        Op::AtLeast(step) if least > i64::MIN => {
            let rounded = floor(least, step.max(1));
            (least, rounded, Atom::Within(rounded, i64::MAX))
        }
        Op::AtMost(step) if greatest < i64::MAX => {
            let rounded = ceil(greatest, step.max(1));
            (greatest, rounded, Atom::Within(i64::MIN, rounded))
        }
        _ => return None,
    };
    let is_time = table.time == Some(column.name);
    let text = if column.ty == Type::Timestamptz { iso_micros(rounded) } else { rounded.to_string() };
    let parameter = (!is_time).then_some((push.parameter, text));
    // The caller cuts the rows to the range, so there the bound is as good as it was asked for.
    let atom = match (is_time, push.op) {
        (true, Op::AtLeast(_)) => Atom::Within(value, i64::MAX),
        (true, _) => Atom::Within(i64::MIN, value),
        _ => atom,
    };
    let fidelity = if value == rounded { push.fidelity } else { Fidelity::Superset };
    Some(Sent { column: column.name, parameter, atom, fidelity })
}

/// The least and the greatest number that an atom lets through.
pub(super) fn hull(atom: &Atom) -> Option<(i64, i64)> {
    match atom {
        Atom::Within(low, high) => Some((*low, *high)),
        Atom::OneOf(values) => {
            let numbers = values.iter().map(number).collect::<Option<Vec<_>>>()?;
            Some((*numbers.iter().min()?, *numbers.iter().max()?))
        }
        _ => None,
    }
}

/// Whether the text sent is part of one of a pattern's pieces.
fn contained(known: &Atom, sent: &Atom) -> bool {
    match (known, sent) {
        (Atom::Like(known), Atom::Like(sent)) => {
            sent.pieces.iter().all(|text| known.pieces.iter().any(|piece| piece.contains(text.as_str())))
        }
        _ => false,
    }
}
