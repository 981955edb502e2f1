//! What of the conditions on one column is sent, and what upstream then guarantees.

use std::cmp::Reverse;
use std::ops::Bound;

use crate::model::filter::{Atom, Condition, Pattern, Value};
use crate::model::push::Filter;
use crate::model::scan::{ceil, floor};
use crate::model::table::{Column, Fidelity, Op, Push, Table, Type};
use crate::table::predicate::facts::{implies, number};

/// Shortest text that several values share and that is worth asking for.
const SHARED_CHARACTERS: usize = 3;
/// Values that a list holds at the most.
const MAX_LIST: usize = 1_000;

/// Something that is sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) column: &'static str,
    pub(super) path: Vec<String>,
    /// The filter; none for a bound of the time range.
    pub(super) filter: Option<Filter>,
    /// Counts against the table's limit.
    pub(super) counted: bool,
    /// What it asks for: all rows that satisfy this come.
    pub(super) atom: Atom,
    /// Exact: no other rows come.
    pub(super) fidelity: Fidelity,
}

/// What one push makes of the atoms: the values to send, what they ask for, and whether upstream's fidelity holds.
struct Made {
    values: Vec<Value>,
    atom: Atom,
    keeps: bool,
}

impl Sent {
    /// The whole of an atom is sent and kept to.
    pub(super) fn exactly(column: &Column, atom: Atom) -> Self {
        Sent { column: column.name, path: Vec::new(), filter: None, counted: false, atom, fidelity: Fidelity::Exact }
    }

    /// Whether rows that satisfy what is asked for satisfy the condition.
    fn covers(&self, condition: &Condition) -> bool {
        self.column == condition.column && self.path == condition.path && implies(&self.atom, &condition.atom)
    }

    /// Whether the condition is one that led to what is asked for: whether it implies it or is implied by it.
    pub(super) fn stems_from(&self, condition: &Condition) -> bool {
        self.column == condition.column
            && self.path == condition.path
            && match &condition.atom {
                Atom::Null | Atom::NotNull => self.atom == condition.atom,
                Atom::Like(_) => self.covers(condition) || contained(&condition.atom, &self.atom),
                Atom::NoneOf(_) | Atom::Element(_) => self.covers(condition),
                _ => true,
            }
    }
}

/// What is sent for a column (or a path into it) of which these atoms are known.
pub(super) fn send(table: &Table, column: &'static Column, path: &[String], atoms: &[&Atom]) -> Vec<Sent> {
    let mut chosen: Vec<Sent> = Vec::new();
    if atoms.is_empty() {
        return chosen;
    }
    for make in [equal, list, none, class, text, null] {
        for push in column.push {
            let (Some(key), Some(made)) = (key(push, path), make(push, atoms)) else { continue };
            if !made.values.iter().all(|value| is_taken(push, value)) {
                continue;
            }
            // What is asked for already need not be asked for in weaker words.
            if chosen.iter().any(|sent| implies(&sent.atom, &made.atom)) {
                continue;
            }
            let fidelity = if made.keeps { push.fidelity } else { Fidelity::Superset };
            let filter = Filter { parameter: push.parameter, key, op: push.op, values: made.values };
            chosen.push(sent(column, path, push, Some(filter), made.atom, fidelity));
        }
    }
    chosen.extend(elements(column, path, atoms));
    let pinned = chosen.iter().any(|sent| matches!(sent.atom, Atom::OneOf(_)));
    if !pinned || table.time == Some(column.name) {
        let mut bounds = column.push.iter().filter_map(|push| bound(table, column, path, push, atoms)).collect();
        drop_weaker(&mut bounds);
        chosen.extend(bounds);
    }
    chosen
}

fn sent(column: &Column, path: &[String], push: &Push, filter: Option<Filter>, atom: Atom, fidelity: Fidelity) -> Sent {
    Sent { column: column.name, path: path.to_vec(), filter, counted: push.counted, atom, fidelity }
}

/// Of two bounds on one side, the one that says more.
fn drop_weaker(bounds: &mut Vec<Sent>) {
    let mut at = 0;
    while at < bounds.len() {
        let weaker = (0..bounds.len()).any(|other| {
            other != at
                && implies(&bounds[other].atom, &bounds[at].atom)
                && (other < at || !implies(&bounds[at].atom, &bounds[other].atom))
        });
        if weaker {
            bounds.remove(at);
        } else {
            at += 1;
        }
    }
}

/// The key under which a push finds the value at a path; `None` if it is about another place.
#[expect(clippy::option_option, reason = "the column itself has no key")]
fn key(push: &Push, path: &[String]) -> Option<Option<String>> {
    match (push.under, path) {
        (None, []) => Some(None),
        (Some(suffix), [key, rest @ ..]) => rest.iter().eq(suffix.iter()).then(|| Some(key.clone())),
        _ => None,
    }
}

/// Whether upstream takes the value at all.
pub(super) fn is_taken(push: &Push, value: &Value) -> bool {
    match value {
        Value::Text(text) => push.takes.holds(text) && push.domain.is_none_or(|domain| domain.contains(&text.as_str())),
        _ => true,
    }
}

fn is_sendable(value: &Value) -> bool {
    // An empty parameter is no filter to upstream.
    !matches!(value, Value::Text(text) if text.is_empty())
}

/// `=` with one value that upstream does not take for no filter at all.
fn equal(push: &Push, atoms: &[&Atom]) -> Option<Made> {
    let one = atoms.iter().find_map(|atom| match atom {
        Atom::OneOf(values) if values.len() == 1 => values.first(),
        _ => None,
    })?;
    (push.op == Op::Equal && is_sendable(one)).then(|| Made {
        values: vec![one.clone()],
        atom: Atom::OneOf(vec![one.clone()]),
        keeps: true,
    })
}

/// `IN`.
fn list(push: &Push, atoms: &[&Atom]) -> Option<Made> {
    let values = atoms.iter().find_map(|atom| match atom {
        Atom::OneOf(values) => Some(values),
        _ => None,
    })?;
    let fits = push.op == Op::AnyOf && values.len() <= MAX_LIST && values.iter().all(is_sendable);
    fits.then(|| Made { values: values.clone(), atom: Atom::OneOf(values.clone()), keeps: true })
}

/// `NOT IN`.
fn none(push: &Push, atoms: &[&Atom]) -> Option<Made> {
    if !matches!(push.op, Op::NoneOf | Op::Except) {
        return None;
    }
    let values = atoms.iter().find_map(|atom| match atom {
        Atom::NoneOf(values) => Some(values),
        _ => None,
    })?;
    let values: Vec<Value> = values.iter().filter(|value| is_sendable(value)).take(MAX_LIST).cloned().collect();
    let atom = Atom::NoneOf(values.clone());
    (!values.is_empty()).then_some(Made { values, atom, keeps: push.op == Op::NoneOf })
}

/// A filter for each text that the document holds.
fn elements(column: &'static Column, path: &[String], atoms: &[&Atom]) -> Vec<Sent> {
    let Some(push) = column.push.iter().find(|push| push.op == Op::Element && path.is_empty()) else {
        return Vec::new();
    };
    let texts = atoms.iter().filter_map(|atom| match atom {
        Atom::Element(text) => Some(Value::Text(text.clone())).filter(is_sendable).map(|value| (*atom, value)),
        _ => None,
    });
    let one = |(atom, value): (&Atom, Value)| {
        sent(column, path, push, Some(Filter::one(push.parameter, push.op, value)), atom.clone(), push.fidelity)
    };
    texts.map(one).collect()
}

/// The class that holds all the numbers.
fn class(push: &Push, atoms: &[&Atom]) -> Option<Made> {
    let Op::Class(classes) = push.op else { return None };
    let (least, greatest) = atoms.iter().find_map(|atom| hull(atom))?;
    let (word, low, high) = classes.iter().find(|(_, low, high)| *low <= least && greatest <= *high)?;
    Some(Made { values: vec![Value::Text((*word).to_owned())], atom: Atom::Within(*low, *high), keeps: true })
}

/// `IS NULL`, and `IS NOT NULL` where nothing else is asked.
fn null(push: &Push, atoms: &[&Atom]) -> Option<Made> {
    let (wanted, value) = match push.op {
        Op::Null => (Atom::Null, true),
        Op::NotNull => (Atom::NotNull, false),
        _ => return None,
    };
    atoms.contains(&&wanted).then(|| Made { values: vec![Value::Boolean(value)], atom: wanted, keeps: true })
}

/// The longest text that upstream can be asked for in the way of the push.
fn text(push: &Push, atoms: &[&Atom]) -> Option<Made> {
    let folds = matches!(push.op, Op::Contains | Op::EqualIgnoreCase);
    let (from_start, to_end) = match push.op {
        Op::Contains | Op::ContainsCase => (false, false),
        Op::StartsWith => (true, false),
        Op::EndsWith => (false, true),
        Op::EqualIgnoreCase => (true, true),
        _ => return None,
    };
    let mut candidates: Vec<String> = Vec::new();
    for atom in atoms {
        match atom {
            Atom::Like(pattern) if folds || !pattern.ignore_case => {
                candidates.extend(pieces(pattern, from_start, to_end));
            }
            Atom::OneOf(values) if !from_start && !to_end => candidates.extend(shared(values)),
            _ => {}
        }
    }
    let parts = candidates.iter().flat_map(|piece| sendable(piece, folds));
    // A part of a piece says nothing about where the piece stands.
    let parts = parts.filter(|part| !(from_start || to_end) || candidates.iter().any(|piece| piece == part));
    // The first of the longest.
    let text = parts.min_by_key(|text| Reverse(text.len()))?;
    let wild = text.contains(['%', '_']);
    let pattern =
        Pattern { pieces: vec![text.to_owned()], anchored_start: from_start, anchored_end: to_end, ignore_case: folds };
    Some(Made { values: vec![Value::Text(text.to_owned())], atom: Atom::Like(pattern), keeps: !wild })
}

/// The pieces of a pattern that stand at the ends asked for.
fn pieces(pattern: &Pattern, from_start: bool, to_end: bool) -> Vec<String> {
    let (first, last) = (pattern.pieces.first(), pattern.pieces.last());
    let found = match (from_start, to_end) {
        (false, false) => return pattern.pieces.clone(),
        (true, true) if pattern.pieces.len() == 1 && pattern.anchored_start && pattern.anchored_end => first,
        (true, false) if pattern.anchored_start => first,
        (false, true) if pattern.anchored_end => last,
        _ => None,
    };
    found.into_iter().cloned().collect()
}

/// The parts of a text that every server reads alike. Letters beyond ASCII change case by locale; `\` escapes where the
/// server builds a LIKE pattern of what it is sent (there `%` and `_` match more than themselves, which loses nothing).
fn sendable(piece: &str, folds: bool) -> impl Iterator<Item = &str> {
    piece.split(move |letter: char| letter == '\\' || (folds && !letter.is_ascii())).filter(|text| !text.is_empty())
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

/// A bound of the values. Bounds that go by the parameter of the table's time column go into the range instead.
fn bound(table: &Table, column: &'static Column, path: &[String], push: &Push, atoms: &[&Atom]) -> Option<Sent> {
    let key = key(push, path)?;
    let made = match column.ty {
        Type::Timestamptz | Type::Bigint => whole_bound(column, push, atoms),
        _ => real_bound(push, atoms),
    }?;
    let of_range = table.time.and_then(|name| table.column(name)).is_some_and(|time| {
        let same = |own: &&Push| std::mem::discriminant(&own.op) == std::mem::discriminant(&push.op);
        column.ty == Type::Timestamptz && time.push.iter().find(same).is_some_and(|own| own.parameter == push.parameter)
    });
    let (atom, keeps) = match (of_range, atoms.iter().find_map(|atom| hull(atom)), push.op) {
        // The caller cuts the rows to the range, so there the bound is as good as it was asked for.
        (true, Some((least, _)), Op::AtLeast(_)) => (Atom::Within(least, i64::MAX), made.keeps),
        (true, Some((_, greatest)), _) => (Atom::Within(i64::MIN, greatest), made.keeps),
        _ => (made.atom, made.keeps),
    };
    let filter = (!of_range).then_some(Filter { parameter: push.parameter, key, op: push.op, values: made.values });
    let fidelity = if keeps { push.fidelity } else { Fidelity::Superset };
    Some(sent(column, path, push, filter, atom, fidelity))
}

/// A bound of integers or times.
fn whole_bound(column: &Column, push: &Push, atoms: &[&Atom]) -> Option<Made> {
    let (least, greatest) = atoms.iter().find_map(|atom| hull(atom))?;
    let (value, rounded, below) = match push.op {
        Op::AtLeast(step) if least > i64::MIN => (least, floor(least, step.max(1)), false),
        Op::AtMost(step) if greatest < i64::MAX => (greatest, ceil(greatest, step.max(1)), true),
        Op::GreaterEqual if least > i64::MIN => (least, least, false),
        Op::LessEqual if greatest < i64::MAX => (greatest, greatest, true),
        _ => return None,
    };
    let atom = if below { Atom::Within(i64::MIN, rounded) } else { Atom::Within(rounded, i64::MAX) };
    let sent = if column.ty == Type::Timestamptz { Value::Timestamp(rounded) } else { Value::Integer(rounded) };
    Some(Made { values: vec![sent], atom, keeps: value == rounded })
}

/// A bound of doubles.
fn real_bound(push: &Push, atoms: &[&Atom]) -> Option<Made> {
    let (low, high) = atoms.iter().find_map(|atom| real_hull(atom))?;
    let unbounded = Bound::Unbounded;
    let (value, atom, keeps) = match (push.op, low, high) {
        (Op::Greater, Bound::Excluded(low), _) => (low, Atom::Range(Bound::Excluded(low), unbounded), true),
        (Op::GreaterEqual, Bound::Included(low) | Bound::Excluded(low), _) => {
            (low, Atom::Range(Bound::Included(low), unbounded), true)
        }
        (Op::Less, _, Bound::Excluded(high)) => (high, Atom::Range(unbounded, Bound::Excluded(high)), true),
        (Op::LessEqual, _, Bound::Included(high) | Bound::Excluded(high)) => {
            (high, Atom::Range(unbounded, Bound::Included(high)), true)
        }
        (Op::AtLeast(step), Bound::Included(low) | Bound::Excluded(low), _) => {
            let rounded = (low / step as f64).floor() * step as f64;
            return whole(rounded, Atom::Range(Bound::Included(rounded), unbounded));
        }
        (Op::AtMost(step), _, Bound::Included(high) | Bound::Excluded(high)) => {
            let rounded = (high / step as f64).ceil() * step as f64;
            return whole(rounded, Atom::Range(unbounded, Bound::Included(rounded)));
        }
        _ => return None,
    };
    value.is_finite().then(|| Made { values: vec![Value::Double(value)], atom, keeps })
}

/// A rounded bound that upstream takes as an integer.
fn whole(rounded: f64, atom: Atom) -> Option<Made> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (rounded.abs() < EXACT).then(|| Made { values: vec![Value::Integer(rounded as i64)], atom, keeps: false })
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

/// The same for doubles.
fn real_hull(atom: &Atom) -> Option<(Bound<f64>, Bound<f64>)> {
    match atom {
        Atom::Range(low, high) => Some((*low, *high)),
        Atom::OneOf(values) => {
            let number = |value: &Value| match value {
                Value::Double(number) if !number.is_nan() => Some(*number),
                _ => None,
            };
            let numbers = values.iter().map(number).collect::<Option<Vec<f64>>>()?;
            let least = numbers.iter().copied().reduce(f64::min)?;
            let greatest = numbers.iter().copied().reduce(f64::max)?;
            Some((Bound::Included(least), Bound::Included(greatest)))
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
