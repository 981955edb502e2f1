//! What a WHERE clause asks → what to ask upstream, and what remains to be checked here. Pure: all it knows of a vendor
//! is the table's description.
//!
//! Invariant: the scans of a [`Translation`] together return every row that satisfies all conjuncts (rows outside
//! `range` aside), and a conjunct is called [`Fidelity::Exact`] only if every row that they return satisfies it.
//!
//! An `IN` over several values, where upstream takes one, is not sent: a scan for each value would cost at least one
//! call each, one scan of all rows costs a call per page, and how many rows there are is not known here. Only a
//! filter-only column, which cannot be checked here, takes a scan for each value.

mod send;

use self::send::{Sent, send};
use super::predicate::Read;
use super::predicate::facts::{add, implies, is_empty};
use crate::error::{Error, Kind, Result};
use crate::model::filter::{Atom, Condition, Value};
use crate::model::scan::Range;
use crate::model::table::{Column, Fidelity, From, Op, Table, Window};

/// Scans that one statement may be split into by the values of filter-only columns.
pub const MAX_SCANS: usize = 100;

/// What to ask upstream for the rows of one table that satisfy some conjuncts.
#[derive(Clone, Debug, PartialEq)]
pub struct Translation {
    /// Scans whose rows together are those wanted; no row comes from two of them. None if no row can match, one
    /// unless a filter-only column is asked for several values.
    pub scans: Vec<Parameters>,
    /// The time range of each, to the microsecond, not yet widened to upstream's precision.
    pub range: Range,
    /// For each conjunct, in order, what upstream makes of it.
    pub fidelity: Vec<Fidelity>,
    /// Whether the scans return exactly the rows that satisfy all conjuncts, once they are cut to `range`.
    pub exact: bool,
}

/// The request parameters of one scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Names and values, in the order of the columns, without the time bounds.
    pub parameters: Vec<(&'static str, String)>,
    /// The filter-only columns asked for, and the values they show.
    pub echoes: Vec<(&'static str, String)>,
}

impl Translation {
    /// Whether the conjuncts contradict each other or the table: no row can match, so nothing need be called.
    pub fn is_contradiction(&self) -> bool {
        self.scans.is_empty()
    }
}

/// Translates the conjuncts of a WHERE clause over `table`.
///
/// # Errors
/// 0A000 if a filter-only column is compared in another way than by `=` or `IN`; 54000 if it takes too many values.
pub fn translate(table: &'static Table, conjuncts: &[Read]) -> Result<Translation> {
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
        });
    }
    let mut scans = vec![Parameters::default()];
    let mut sent = Vec::new();
    for column in table.columns {
        let atoms: Vec<&Atom> =
            known.iter().filter(|condition| condition.column == column.name).map(|condition| &condition.atom).collect();
        if column.from == From::FilterOnly {
            scans = ask_each(table, column, &atoms, scans)?;
            sent.extend(atoms.first().map(|atom| Sent::exactly(column, (*atom).clone())));
            continue;
        }
        for one in send(table, column, &atoms) {
            if let Some(parameter) = &one.parameter {
                scans.iter_mut().for_each(|scan| scan.parameters.push(parameter.clone()));
            }
            sent.push(one);
        }
    }
    let is_exact = |sent: &&Sent| sent.fidelity == Fidelity::Exact;
    let by_upstream = guaranteed(sent.iter().filter(is_exact));
    let with_range = guaranteed(sent.iter().filter(|sent| is_exact(sent) || is_cut_by_time(table, sent)));
    let fidelity = |conjunct: &Read| {
        let stems = |condition: &Condition| sent.iter().any(|sent| sent.stems_from(condition));
        match conjunct.conditions.iter().any(stems) {
            true if is_answered(conjunct, &by_upstream) => Fidelity::Exact,
            true => Fidelity::Superset,
            false => Fidelity::Local,
        }
    };
    Ok(Translation {
        scans,
        range: range(table, &known),
        fidelity: conjuncts.iter().map(fidelity).collect(),
        exact: conjuncts.iter().all(|conjunct| is_answered(conjunct, &with_range)),
    })
}

/// A condition that no row of the table satisfies.
fn is_impossible(table: &Table, condition: &Condition) -> bool {
    let nullable = table.column(condition.column).is_none_or(|column| column.nullable);
    is_empty(&condition.atom) || (condition.atom == Atom::Null && !nullable)
}

/// The range that the conditions leave to the time column, so far as upstream takes its bounds.
fn range(table: &Table, known: &[Condition]) -> Range {
    let column = table.time.and_then(|name| table.column(name));
    let Some(column) = column else { return Range::default() };
    let takes = |wanted: fn(&Op) -> bool| column.push.iter().any(|push| wanted(&push.op));
    let bounds = known.iter().filter(|condition| condition.column == column.name).find_map(|c| send::hull(&c.atom));
    let (low, high) = bounds.unwrap_or((i64::MIN, i64::MAX));
    Range {
        from: (low > i64::MIN && takes(|op| matches!(op, Op::AtLeast(_)))).then_some(low),
        to: (high < i64::MAX && takes(|op| matches!(op, Op::AtMost(_)))).then_some(high),
    }
}

/// What is true of every row that the scans return.
fn guaranteed<'a>(sent: impl Iterator<Item = &'a Sent>) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for sent in sent {
        add(&mut conditions, Condition { column: sent.column, atom: sent.atom.clone() });
    }
    conditions
}

/// Whether rows of which `given` is true need not be checked against the conjunct.
fn is_answered(conjunct: &Read, given: &[Condition]) -> bool {
    let follows = |wanted: &Condition| {
        given.iter().any(|known| known.column == wanted.column && implies(&known.atom, &wanted.atom))
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

/// Splits the scans by the values that a filter-only column is asked for.
fn ask_each(table: &Table, column: &Column, atoms: &[&Atom], scans: Vec<Parameters>) -> Result<Vec<Parameters>> {
    let push = column.push.iter().find(|push| push.op == Op::Equal);
    let (Some(push), Some(Atom::OneOf(values))) = (push, atoms.first()) else { return Ok(scans) };
    if scans.len() * values.len() > MAX_SCANS {
        return Err(Error::new(
            Kind::ProgramLimit,
            format!("column \"{}\" of \"{}\" is compared with too many values", column.name, table.name),
        )
        .detail(format!("Each value takes a scan of its own, and a statement may have {MAX_SCANS}."))
        .hint("Ask for fewer values."));
    }
    let with = |scan: &Parameters, value: &Value| {
        let mut scan = scan.clone();
        scan.parameters.push((push.parameter, value.to_text()));
        scan.echoes.push((column.name, value.to_text()));
        scan
    };
    Ok(scans.iter().flat_map(|scan| values.iter().map(move |value| with(scan, value))).collect())
}
