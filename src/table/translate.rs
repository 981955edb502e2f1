//! What a WHERE clause asks → what to ask upstream, and what remains to be checked here. Pure: all it knows of a vendor
//! is the table's description, and of the source the values of its settings.
//!
//! Invariant: the scans of a [`Translation`] together return every row that satisfies all conjuncts (rows outside
//! `range` aside), and a conjunct is called [`Fidelity::Exact`] only if every row that they return satisfies it.
//!
//! An `IN` over several values, where upstream takes one, is not sent: a scan for each value would cost at least one
//! call each, one scan of all rows costs a call per page, and how many rows there are is not known here. Only a
//! filter-only column, which cannot be checked here, takes a scan for each value.

mod scans;
mod send;

use self::send::{Sent, send};
use super::predicate::Read;
use super::predicate::facts::{add, implies, is_empty};
use crate::error::{Error, Kind, Result};
use crate::model::filter::{Atom, Condition, Value};
use crate::model::push::Filter;
use crate::model::scan::{Keys, Range};
use crate::model::table::{Column, Fidelity, From, Op, Table, Type, Window};

/// Scans that one statement may be split into by the values of filter-only columns.
pub const MAX_SCANS: usize = 100;

/// What to ask upstream for the rows of one table that satisfy some conjuncts.
#[derive(Clone, Debug)]
pub struct Translation {
    /// Scans whose rows together are those wanted; no row comes from two of them. None if no row can match, one
    /// unless a column that upstream does not return is asked for several values.
    pub scans: Vec<Parameters>,
    /// The time range of each, to the microsecond, not yet widened to upstream's precision.
    pub range: Range,
    /// For each conjunct, in order, what upstream makes of it.
    pub fidelity: Vec<Fidelity>,
    /// Whether the scans return exactly the rows that satisfy all conjuncts, once they are cut to `range`.
    pub exact: bool,
    /// Columns, and paths into them, of which every row that satisfies the conjuncts has a value.
    pub not_null: Vec<(&'static str, Vec<String>)>,
}

/// What one scan asks for.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// The filters, in the order of the columns, without the time bounds.
    pub filters: Vec<Filter>,
    /// Any of the filters is enough, instead of all.
    pub any: bool,
    /// The columns that upstream does not return, and what they show.
    pub echoes: Vec<(&'static str, Option<String>)>,
    /// The keys to ask for.
    pub keys: Keys,
}

impl Translation {
    /// Whether the conjuncts contradict each other or the table: no row can match, so nothing need be called.
    pub fn is_contradiction(&self) -> bool {
        self.scans.is_empty()
    }
}

/// Translates the conjuncts of a WHERE clause over `table`. `each` are the values of the setting that the table takes a
/// scan for each of.
///
/// # Errors
/// 0A000 if a filter-only column is compared in another way than by `=` or `IN`; 54000 if it takes too many values.
pub fn translate(table: &'static Table, each: &[String], conjuncts: &[Read]) -> Result<Translation> {
    let hidden = || table.columns.iter().filter(|column| column.from == From::FilterOnly);
    for column in hidden() {
        check_filter_only(table, column, conjuncts)?;
    }
    let mut known = Vec::new();
    for condition in conjuncts.iter().flat_map(|conjunct| &conjunct.conditions) {
        add(&mut known, condition.clone());
    }
    if known.iter().any(|condition| is_impossible(table, condition)) {
        return Ok(Translation {
            scans: Vec::new(),
            range: Range::default(),
            fidelity: vec![Fidelity::Exact; conjuncts.len()],
            exact: true,
            not_null: Vec::new(),
        });
    }
    let mut scans = vec![Parameters { filters: Vec::new(), any: false, echoes: Vec::new(), keys: Keys::NotNeeded }];
    let mut sent = Vec::new();
    let mut counted = 0;
    for (column, path) in places(table, &known) {
        let here = |condition: &&Condition| condition.column == column.name && condition.path == path;
        let atoms: Vec<&Atom> = known.iter().filter(here).map(|condition| &condition.atom).collect();
        if column.from == From::FilterOnly {
            scans = scans::ask_each(table, column, &atoms, scans)?;
            sent.extend(atoms.first().map(|atom| Sent::exactly(column, (*atom).clone())));
            continue;
        }
        if table.lookup.is_some_and(|lookup| lookup.column == column.name) {
            sent.extend(scans::ask_keys(table, column, &atoms, &mut scans));
            continue;
        }
        if table.each.is_some_and(|own| own.column == column.name) && !each.is_empty() {
            scans = scans::ask_settings(table, each, &atoms, scans);
            sent.extend(atoms.iter().map(|atom| Sent::exactly(column, (*atom).clone())));
            continue;
        }
        for one in send(table, column, &path, &atoms) {
            counted += usize::from(one.counted);
            if one.counted && counted > table.most_filters {
                continue;
            }
            if let Some(filter) = &one.filter {
                scans.iter_mut().for_each(|scan| scan.filters.push(filter.clone()));
            }
            sent.push(one);
        }
    }
    scans.retain(|scan| !matches!(&scan.keys, Keys::Known(keys) if keys.is_empty()));
    let any = scans::alternatives(table, conjuncts, &mut scans);
    let is_exact = |sent: &&Sent| sent.fidelity == Fidelity::Exact;
    let by_upstream = guaranteed(sent.iter().filter(is_exact));
    let with_range = guaranteed(sent.iter().filter(|sent| is_exact(sent) || is_cut_by_time(table, sent)));
    let fidelity = |(index, conjunct): (usize, &Read)| {
        let stems = |condition: &Condition| sent.iter().any(|sent| sent.stems_from(condition));
        match conjunct.conditions.iter().any(stems) {
            _ if any == Some(index) => Fidelity::Exact,
            true if is_answered(conjunct, &by_upstream) => Fidelity::Exact,
            true => Fidelity::Superset,
            false => Fidelity::Local,
        }
    };
    let answered = |(index, conjunct): (usize, &Read)| any == Some(index) || is_answered(conjunct, &with_range);
    Ok(Translation {
        scans,
        range: range(table, &known),
        fidelity: conjuncts.iter().enumerate().map(fidelity).collect(),
        exact: conjuncts.iter().enumerate().all(answered),
        not_null: known
            .into_iter()
            .filter(|known| known.atom != Atom::Null)
            .map(|known| (known.column, known.path))
            .collect(),
    })
}

/// The columns in their order, each with the paths into it that something is known of.
fn places(table: &'static Table, known: &[Condition]) -> Vec<(&'static Column, Vec<String>)> {
    let mut places = Vec::new();
    for column in table.columns {
        places.push((column, Vec::new()));
        for condition in known.iter().filter(|condition| condition.column == column.name) {
            let place = (column, condition.path.clone());
            if !places.iter().any(|(other, path)| other.name == column.name && *path == condition.path) {
                places.push(place);
            }
        }
    }
    places
}

/// A condition that no row of the table satisfies.
fn is_impossible(table: &Table, condition: &Condition) -> bool {
    let nullable = !condition.path.is_empty() || table.column(condition.column).is_none_or(|column| column.nullable);
    is_empty(&condition.atom) || (condition.atom == Atom::Null && !nullable)
}

/// The range that the conditions leave to the time column, so far as upstream takes its bounds. Columns that share the
/// parameter of a bound give theirs as well.
fn range(table: &Table, known: &[Condition]) -> Range {
    let Some(time) = table.time.and_then(|name| table.column(name)) else { return Range::default() };
    let bound_of = |column: &Column, wanted: fn(&Op) -> bool| {
        let own = column.push.iter().find(|push| wanted(&push.op))?;
        let parameter = time.push.iter().find(|push| wanted(&push.op))?.parameter;
        (column.ty == Type::Timestamptz && own.parameter == parameter).then_some(())
    };
    let mut range = Range::default();
    for column in table.columns {
        let hull = known.iter().filter(|condition| condition.column == column.name).find_map(|c| send::hull(&c.atom));
        let Some((low, high)) = hull else { continue };
        if low > i64::MIN && bound_of(column, |op| matches!(op, Op::AtLeast(_))).is_some() {
            range.from = Some(range.from.map_or(low, |from| from.max(low)));
        }
        if high < i64::MAX && bound_of(column, |op| matches!(op, Op::AtMost(_))).is_some() {
            range.to = Some(range.to.map_or(high, |to| to.min(high)));
        }
    }
    range
}

/// What is true of every row that the scans return.
fn guaranteed<'a>(sent: impl Iterator<Item = &'a Sent>) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for sent in sent {
        add(&mut conditions, Condition { column: sent.column, path: sent.path.clone(), atom: sent.atom.clone() });
    }
    conditions
}

/// Whether rows of which `given` is true need not be checked against the conjunct.
fn is_answered(conjunct: &Read, given: &[Condition]) -> bool {
    let follows = |wanted: &Condition| {
        given.iter().any(|known| {
            known.column == wanted.column && known.path == wanted.path && implies(&known.atom, &wanted.atom)
        })
    };
    conjunct.exact && conjunct.conditions.iter().all(follows)
}

/// Whether rows outside the time range do not come, or are cut off by the time that they carry.
fn is_cut_by_time(table: &Table, sent: &Sent) -> bool {
    let own_time = table.column(sent.column).is_some_and(|column| matches!(column.from, From::Keys(_)));
    table.window == Window::Kept && table.time == Some(sent.column) && own_time
}

/// A filter-only column is not in the rows, so a conjunct over it must be sent whole.
fn check_filter_only(table: &Table, column: &Column, conjuncts: &[Read]) -> Result<()> {
    let whole = |conjunct: &Read| {
        conjunct.exact
            && conjunct.conditions.iter().filter(|condition| condition.column == column.name).all(|condition| {
                // An empty parameter is no filter to upstream.
                matches!(&condition.atom, Atom::OneOf(values) if !values.contains(&Value::Text(String::new())))
            })
    };
    match conjuncts.iter().filter(|conjunct| conjunct.columns.contains(&column.name)).all(whole) {
        true => Ok(()),
        false => Err(Error::new(
            Kind::FeatureNotSupported,
            format!("column \"{}\" of \"{}\" can only be compared with = or IN", column.name, table.name),
        )
        .detail("Upstream filters by it but does not return it, so no other condition on it can be checked.")
        .hint(format!("Write {} = '…' or {} IN ('…', '…'), joined to the rest by AND.", column.name, column.name))),
    }
}
