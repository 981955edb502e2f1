//! What follows from a predicate, and how that combines under AND and OR.

use super::atom::{any_of, meet, nothing};
pub(crate) use super::atom::{implies, is_empty, number};
use super::spans::Spans;
use crate::model::filter::{Atom, Condition};

/// Conditions that every row satisfies for which a predicate is true.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts {
    /// Of atoms about the same value there are only such that no one atom says together.
    pub(crate) conditions: Vec<Condition>,
    /// Whether every row that satisfies them makes the predicate true.
    pub(crate) exact: bool,
    /// Conditions over several columns of which one at least holds if and only if the predicate is true; none if it
    /// is no such disjunction.
    pub(crate) alternatives: Vec<Condition>,
}

impl Facts {
    /// Nothing is known.
    pub(crate) fn unknown() -> Self {
        Facts { conditions: Vec::new(), exact: false, alternatives: Vec::new() }
    }

    /// True for every row.
    pub(crate) fn always() -> Self {
        Facts { exact: true, ..Facts::unknown() }
    }

    /// True for no row. The contradiction is put down to `column`.
    pub(crate) fn never(column: &'static str) -> Self {
        Facts::one(Condition::of(column, nothing()), true)
    }

    /// One condition.
    pub(crate) fn one(condition: Condition, exact: bool) -> Self {
        Facts { conditions: vec![condition], exact, alternatives: Vec::new() }
    }

    /// Whether no row can satisfy them.
    pub(crate) fn is_never(&self) -> bool {
        self.conditions.iter().any(|condition| is_empty(&condition.atom))
    }

    /// What is known if both hold.
    pub(crate) fn and(self, other: Facts) -> Self {
        if self == Facts::always() {
            return other;
        }
        if other == Facts::always() {
            return self;
        }
        let mut conditions = self.conditions;
        for condition in other.conditions {
            add(&mut conditions, condition);
        }
        // An atom that nothing satisfies says all there is to say.
        match conditions.iter().find(|condition| is_empty(&condition.atom)) {
            Some(condition) => Facts::never(condition.column),
            None => Facts { conditions, exact: self.exact && other.exact, alternatives: Vec::new() },
        }
    }

    /// What is known if all hold. Pairs are joined first, so that long chains of one column do not grow one by one.
    pub(crate) fn all(mut parts: Vec<Facts>) -> Self {
        while parts.len() > 1 {
            let mut rest = parts.into_iter();
            parts = Vec::with_capacity(rest.len().div_ceil(2));
            while let Some(part) = rest.next() {
                parts.push(match rest.next() {
                    Some(next) => part.and(next),
                    None => part,
                });
            }
        }
        parts.pop().unwrap_or_else(Facts::always)
    }

    /// What is known if at least one of the branches holds: a value stays constrained if every branch that can hold
    /// constrains it. Says all only if the branches do and differ in one value at most.
    pub(crate) fn any(branches: Vec<Facts>, table_column: &'static str) -> Self {
        let nowhere = branches.first().and_then(|facts| facts.conditions.first()).map(|condition| condition.column);
        let possible: Vec<Facts> = branches.into_iter().filter(|facts| !facts.is_never()).collect();
        let Some((first, rest)) = possible.split_first() else {
            return Facts::never(nowhere.unwrap_or(table_column));
        };
        if rest.iter().all(|facts| facts == first) {
            return first.clone();
        }
        let values = first.values();
        let same_values = rest.iter().all(|facts| {
            facts.conditions.iter().all(|condition| values.iter().any(|value| value.is_about_same(condition)))
                && values.iter().all(|value| facts.of(value).next().is_some())
        });
        let mut exact = same_values && possible.iter().all(|facts| facts.exact);
        let mut differing = 0;
        let mut conditions = Vec::new();
        for value in values {
            let groups: Vec<Vec<&Atom>> = possible.iter().map(|facts| facts.of(value).collect()).collect();
            let unchanged = groups.iter().all(|group| group == &groups[0]);
            let (atoms, says_all) = match unchanged {
                true => (groups[0].iter().map(|&atom| atom.clone()).collect(), true),
                false if groups.iter().any(Vec::is_empty) => (Vec::new(), false),
                false => any_of(&groups),
            };
            differing += usize::from(!unchanged);
            exact &= says_all;
            conditions.extend(atoms.into_iter().map(|atom| Condition { atom, ..value.clone() }));
        }
        Facts { conditions, exact: exact && differing <= 1, alternatives: alternatives(&possible) }
    }

    /// The first condition about each value.
    fn values(&self) -> Vec<&Condition> {
        let mut values: Vec<&Condition> = Vec::new();
        for condition in &self.conditions {
            if !values.iter().any(|value| value.is_about_same(condition)) {
                values.push(condition);
            }
        }
        values
    }

    fn of(&self, value: &Condition) -> impl Iterator<Item = &Atom> {
        self.conditions.iter().filter(|condition| condition.is_about_same(value)).map(|condition| &condition.atom)
    }
}

/// The branches of an OR, if each of them is one exact condition or such a disjunction itself; none if they are all
/// about one value, since their union then says it.
fn alternatives(branches: &[Facts]) -> Vec<Condition> {
    let mut groups: Vec<Vec<&Condition>> = Vec::new();
    for facts in branches {
        let conditions = match facts.conditions.as_slice() {
            one @ [_] if facts.exact => one,
            _ if !facts.alternatives.is_empty() => &facts.alternatives,
            _ => return Vec::new(),
        };
        for condition in conditions {
            match groups.iter_mut().find(|group| group[0].is_about_same(condition)) {
                Some(group) => group.push(condition),
                None => groups.push(vec![condition]),
            }
        }
    }
    if groups.len() < 2 {
        return Vec::new();
    }
    groups.into_iter().flat_map(melted).collect()
}

/// One condition for several about one value, or, if no one condition says the same, those that they are.
fn melted(group: Vec<&Condition>) -> Vec<Condition> {
    let atoms: Vec<Vec<&Atom>> = group.iter().map(|condition| vec![&condition.atom]).collect();
    match (any_of(&atoms), group.first()) {
        ((united, true), Some(&first)) if united.len() == 1 => {
            united.into_iter().map(|atom| Condition { atom, ..first.clone() }).collect()
        }
        _ => group.into_iter().cloned().collect(),
    }
}

/// Adds a condition to others that hold as well, melting it into those about the same value where that is possible.
pub(crate) fn add(conditions: &mut Vec<Condition>, condition: Condition) {
    let mut condition = condition;
    let mut kept = Vec::with_capacity(conditions.len() + 1);
    for other in conditions.drain(..) {
        match meet(&other.atom, &condition.atom).filter(|_| other.is_about_same(&condition)) {
            Some(both) => condition.atom = both,
            None => kept.push(other),
        }
    }
    kept.push(condition);
    *conditions = kept;
}

/// What it asks of a value that it lies in a set of integers, or of times.
pub(super) fn within(value: &Condition, spans: &Spans, is_time: bool, exact: bool) -> Facts {
    let (atoms, all) = spans.atoms(is_time);
    let conditions: Vec<Condition> = atoms.into_iter().map(|atom| Condition { atom, ..value.clone() }).collect();
    Facts { conditions, exact: exact && all, alternatives: Vec::new() }
}
