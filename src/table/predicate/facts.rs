//! What follows from a predicate, and how that combines under AND and OR.

use std::collections::HashSet;

use datafusion::logical_expr::Operator;

use super::spans::Spans;
use crate::model::filter::{Atom, Condition, Pattern, Value};
use crate::model::table::{Column, Type};

/// Conditions that every row satisfies for which a predicate is true.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts {
    /// At most one atom a column, but for patterns, of which a column may have several.
    pub(crate) conditions: Vec<Condition>,
    /// Whether every row that satisfies them makes the predicate true.
    pub(crate) exact: bool,
}

impl Facts {
    /// Nothing is known.
    pub(crate) fn unknown() -> Self {
        Facts { conditions: Vec::new(), exact: false }
    }

    /// True for every row.
    pub(crate) fn always() -> Self {
        Facts { conditions: Vec::new(), exact: true }
    }

    /// True for no row. The contradiction is put down to `column`.
    pub(crate) fn never(column: &'static str) -> Self {
        Facts::one(column, Atom::OneOf(Vec::new()), true)
    }

    /// One condition.
    pub(crate) fn one(column: &'static str, atom: Atom, exact: bool) -> Self {
        Facts { conditions: vec![Condition { column, atom }], exact }
    }

    /// Whether no row can satisfy them.
    pub(crate) fn is_never(&self) -> bool {
        self.conditions.iter().any(|condition| is_empty(&condition.atom))
    }

    /// What is known if both hold.
    pub(crate) fn and(mut self, other: Facts) -> Self {
        self.exact &= other.exact;
        for condition in other.conditions {
            add(&mut self.conditions, condition);
        }
        // An atom that nothing satisfies says all there is to say.
        match self.conditions.iter().find(|condition| is_empty(&condition.atom)) {
            Some(condition) => Facts::never(condition.column),
            None => self,
        }
    }

    /// What is known if at least one of the branches holds: a column stays constrained if every branch that can hold
    /// constrains it. Says all only if the branches do and differ in one column at most.
    pub(crate) fn any(branches: Vec<Facts>, table_column: &'static str) -> Self {
        let nowhere = branches.first().and_then(|facts| facts.conditions.first()).map(|condition| condition.column);
        let possible: Vec<Facts> = branches.into_iter().filter(|facts| !facts.is_never()).collect();
        let Some((first, rest)) = possible.split_first() else {
            return Facts::never(nowhere.unwrap_or(table_column));
        };
        if rest.iter().all(|facts| facts == first) {
            return first.clone();
        }
        let mut columns: Vec<&'static str> = Vec::new();
        for condition in &first.conditions {
            if !columns.contains(&condition.column) {
                columns.push(condition.column);
            }
        }
        let same_columns = rest.iter().all(|facts| {
            facts.conditions.iter().all(|condition| columns.contains(&condition.column))
                && columns.iter().all(|column| facts.of(column).next().is_some())
        });
        let mut exact = same_columns && possible.iter().all(|facts| facts.exact);
        let mut differing = 0;
        let mut conditions = Vec::new();
        for column in columns {
            let joined = join(&possible, column);
            differing += usize::from(!joined.unchanged);
            exact &= joined.exact;
            conditions.extend(joined.atoms.into_iter().map(|atom| Condition { column, atom }));
        }
        Facts { conditions, exact: exact && differing <= 1 }
    }

    fn of(&self, column: &str) -> impl Iterator<Item = &Atom> {
        self.conditions.iter().filter(move |condition| condition.column == column).map(|condition| &condition.atom)
    }
}

/// What the branches of an OR say together of one column.
struct Joined {
    atoms: Vec<Atom>,
    exact: bool,
    unchanged: bool,
}

fn join(branches: &[Facts], column: &str) -> Joined {
    let groups: Vec<Vec<&Atom>> = branches.iter().map(|facts| facts.of(column).collect()).collect();
    let first = &groups[0];
    if groups.iter().all(|group| group == first) {
        return Joined { atoms: first.iter().map(|&atom| atom.clone()).collect(), exact: true, unchanged: true };
    }
    let loose = |atoms: Vec<Atom>| Joined { atoms, exact: false, unchanged: false };
    // Of several patterns in one branch the first stands for all of them: weaker, but true.
    let alone = groups.iter().all(|group| group.len() == 1);
    let singles: Option<Vec<&Atom>> = groups.iter().map(|group| group.first().copied()).collect();
    let Some(singles) = singles else { return loose(Vec::new()) };
    let nulls = singles.iter().filter(|atom| **atom == &Atom::Null).count();
    if nulls > 0 {
        return loose(if nulls == singles.len() { vec![Atom::Null] } else { Vec::new() });
    }
    if singles.contains(&&Atom::NotNull) {
        return Joined { atoms: vec![Atom::NotNull], exact: alone, unchanged: false };
    }
    match united(&singles) {
        Some((atom, exact)) => Joined { atoms: vec![atom], exact: exact && alone, unchanged: false },
        None => loose(vec![Atom::NotNull]),
    }
}

/// One atom for several, and whether it says no less.
fn united(atoms: &[&Atom]) -> Option<(Atom, bool)> {
    if let Some(lists) = atoms.iter().map(|atom| values(atom)).collect::<Option<Vec<_>>>() {
        let mut seen = HashSet::new();
        let all = lists.into_iter().flatten().filter(|value| seen.insert(value.to_string())).cloned().collect();
        return Some((Atom::OneOf(all), true));
    }
    let is_time = atoms
        .iter()
        .any(|atom| values(atom).is_some_and(|list| list.iter().any(|value| matches!(value, Value::Timestamp(_)))));
    let spans = atoms.iter().map(|atom| spans(atom)).collect::<Option<Vec<_>>>()?;
    Some(Spans::union(spans).atom(if is_time { Type::Timestamptz } else { Type::Bigint }))
}

fn values(atom: &Atom) -> Option<&Vec<Value>> {
    match atom {
        Atom::OneOf(values) => Some(values),
        _ => None,
    }
}

/// An atom over integers or times as the set of them.
fn spans(atom: &Atom) -> Option<Spans> {
    let at_least = |low: i64| Spans::compare(Operator::GtEq, i128::from(low));
    let at_most = |high: i64| Spans::compare(Operator::LtEq, i128::from(high));
    match atom {
        Atom::Within(low, i64::MAX) => at_least(*low),
        Atom::Within(i64::MIN, high) => at_most(*high),
        Atom::Within(low, high) => Some(Spans::between(i128::from(*low), i128::from(*high))),
        Atom::OneOf(values) => {
            let points = values.iter().map(number).collect::<Option<Vec<_>>>()?;
            Some(Spans::union(points.into_iter().map(|point| Spans::between(point.into(), point.into()))))
        }
        _ => None,
    }
}

/// An integer or time as a number.
pub(crate) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) | Value::Timestamp(number) => Some(*number),
        _ => None,
    }
}

/// Whether nothing satisfies the atom.
pub(crate) fn is_empty(atom: &Atom) -> bool {
    matches!(atom, Atom::OneOf(values) if values.is_empty())
}

/// Adds a condition to others that hold as well, melting it into the one of its column where that is possible.
pub(crate) fn add(conditions: &mut Vec<Condition>, condition: Condition) {
    let mut atom = condition.atom;
    let mut kept = Vec::with_capacity(conditions.len() + 1);
    for other in conditions.drain(..) {
        if other.column != condition.column {
            kept.push(other);
            continue;
        }
        match meet(&other.atom, &atom) {
            Some(both) => atom = both,
            None => kept.push(other),
        }
    }
    kept.push(Condition { column: condition.column, atom });
    *conditions = kept;
}

/// One atom that says the same as both; none if there is no such atom.
fn meet(one: &Atom, other: &Atom) -> Option<Atom> {
    let filtered = |values: &[Value], keep: &dyn Fn(&Value) -> bool| {
        Atom::OneOf(values.iter().filter(|value| keep(value)).cloned().collect())
    };
    match (one, other) {
        _ if one == other => Some(one.clone()),
        _ if is_empty(one) || is_empty(other) => Some(Atom::OneOf(Vec::new())),
        (Atom::Null, _) | (_, Atom::Null) => Some(Atom::OneOf(Vec::new())),
        (Atom::NotNull, atom) | (atom, Atom::NotNull) => Some(atom.clone()),
        (Atom::OneOf(ours), Atom::OneOf(theirs)) => Some(filtered(ours, &|value| theirs.contains(value))),
        (Atom::OneOf(values), Atom::Within(low, high)) | (Atom::Within(low, high), Atom::OneOf(values)) => {
            Some(filtered(values, &|value| number(value).is_none_or(|number| *low <= number && number <= *high)))
        }
        (Atom::Within(low, high), Atom::Within(from, to)) => {
            let (low, high) = ((*low).max(*from), (*high).min(*to));
            Some(if low > high { Atom::OneOf(Vec::new()) } else { Atom::Within(low, high) })
        }
        (Atom::OneOf(values), Atom::Like(pattern)) | (Atom::Like(pattern), Atom::OneOf(values)) => {
            let sure = !pattern.ignore_case
                || pattern.pieces.iter().all(|piece| piece.is_ascii())
                    && values.iter().all(|value| matches!(value, Value::Text(text) if text.is_ascii()));
            sure.then(|| filtered(values, &|value| matches!(value, Value::Text(text) if matches(pattern, text))))
        }
        _ => None,
    }
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
        (Atom::Like(known), Atom::Like(wanted)) => {
            known == wanted
                || matches!((one_piece(known), one_piece(wanted)), (Some(long), Some(short)) if long.contains(&short))
        }
        // Said together with what is known, the wanted atom adds nothing.
        _ => meet(known, wanted).is_some_and(|both| &both == known),
    }
}

/// The condition that a set of integers or times puts on a column.
pub(super) fn within(column: &'static Column, spans: &Spans, exact: bool) -> Facts {
    if spans.is_empty() {
        return Facts::never(column.name);
    }
    let (atom, all) = spans.atom(column.ty);
    Facts::one(column.name, atom, exact && all)
}
