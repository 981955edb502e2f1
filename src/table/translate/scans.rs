//! One scan or several: what upstream does not return but has to be asked for, value by value.

use super::send::{Sent, is_taken, send};
use super::{MAX_SCANS, Parameters};
use crate::error::{Error, Kind, Result};
use crate::model::filter::{Atom, Condition, Value};
use crate::model::push::{Filter, is_uuid};
use crate::model::scan::Keys;
use crate::model::table::{Column, Fidelity, From, Op, Table};
use crate::table::predicate::Read;
use crate::table::predicate::facts::{add, implies, is_empty};

/// Splits the scans by the values that a filter-only column is asked for, unless upstream takes them all at once.
pub(super) fn ask_each(
    table: &Table,
    column: &Column,
    atoms: &[&Atom],
    scans: Vec<Parameters>,
) -> Result<Vec<Parameters>> {
    let Some(Atom::OneOf(values)) = atoms.first() else { return Ok(scans) };
    let list = column.push.iter().find(|push| push.op == Op::AnyOf);
    let Some(push) = list.or_else(|| column.push.first()) else { return Ok(scans) };
    // A value that upstream does not know is the value of no row, and would be refused.
    let values: Vec<Value> = values.iter().filter(|value| is_taken(push, value)).cloned().collect();
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let with = |scan: &Parameters, values: &[Value]| {
        let mut scan = scan.clone();
        let filter = Filter { parameter: push.parameter, key: None, op: push.op, values: values.to_vec() };
        scan.filters.push(filter);
        let shown = if let [value] = values { Some(value.to_text()) } else { None };
        scan.echoes.push((column.name, shown));
        scan
    };
    if list.is_some() {
        return Ok(scans.iter().map(|scan| with(scan, &values)).collect());
    }
    if scans.len() * values.len() > MAX_SCANS {
        return Err(Error::new(
            Kind::ProgramLimit,
            format!("column \"{}\" of \"{}\" is compared with too many values", column.name, table.name),
        )
        .detail(format!("Each value takes a scan of its own, and a statement may have {MAX_SCANS}."))
        .hint("Ask for fewer values."));
    }
    Ok(scans
        .iter()
        .flat_map(|scan| values.iter().map(|value| with(scan, std::slice::from_ref(value))).collect::<Vec<_>>())
        .collect())
}

/// Says which keys to ask for: those that the conditions name, or else those that the source lists.
pub(super) fn ask_keys(
    table: &Table,
    column: &'static Column,
    atoms: &[&Atom],
    scans: &mut [Parameters],
) -> Option<Sent> {
    let lookup = table.lookup?;
    let named = atoms.iter().find_map(|atom| match atom {
        Atom::OneOf(values) => Some(values),
        _ => None,
    });
    let keys = match named {
        None => Keys::Listed,
        Some(values) => {
            let mut keys: Vec<String> = values.iter().map(Value::to_text).collect();
            keys.retain(|key| !lookup.uuid || is_uuid(key));
            keys.sort_unstable();
            keys.dedup();
            Keys::Known(keys)
        }
    };
    scans.iter_mut().for_each(|scan| scan.keys = keys.clone());
    named.map(|values| Sent::exactly(column, Atom::OneOf(values.clone())))
}

/// Splits the scans by the values of a setting that the conditions leave.
pub(super) fn ask_settings(
    table: &Table,
    settings: &[String],
    atoms: &[&Atom],
    scans: Vec<Parameters>,
) -> Vec<Parameters> {
    let Some(each) = table.each else { return scans };
    let shows = table.column(each.column).is_some_and(|column| column.from == From::Each);
    let is_wanted = |setting: &&String| {
        let mut known = Vec::new();
        add(&mut known, condition(each.column, Atom::OneOf(vec![Value::Text((*setting).clone())])));
        for atom in atoms {
            add(&mut known, condition(each.column, (*atom).clone()));
        }
        !known.iter().any(|condition| is_empty(&condition.atom))
    };
    let with = |scan: &Parameters, setting: &String| {
        let mut scan = scan.clone();
        scan.filters.push(Filter::one(each.parameter, Op::Equal, Value::Text(setting.clone())));
        if shows {
            scan.echoes.push((each.column, Some(setting.clone())));
        }
        scan
    };
    let wanted: Vec<&String> = settings.iter().filter(is_wanted).collect();
    scans.iter().flat_map(|scan| wanted.iter().map(move |setting| with(scan, setting))).collect()
}

fn condition(column: &'static str, atom: Atom) -> Condition {
    Condition { column, path: Vec::new(), atom }
}

/// Asks for rows of which any of several conditions holds, if a conjunct says so, upstream can, and nothing else is asked.
/// Gives the conjunct's index.
pub(super) fn alternatives(table: &'static Table, conjuncts: &[Read], scans: &mut [Parameters]) -> Option<usize> {
    let [scan] = scans else { return None };
    if !table.any || !scan.filters.is_empty() {
        return None;
    }
    let filters = |conjunct: &Read| {
        if conjunct.alternatives.is_empty() {
            return None;
        }
        conjunct.alternatives.iter().map(|alternative| exactly(table, alternative)).collect::<Option<Vec<Filter>>>()
    };
    let (index, filters) =
        conjuncts.iter().enumerate().find_map(|(index, conjunct)| Some((index, filters(conjunct)?)))?;
    scan.filters = filters;
    scan.any = true;
    Some(index)
}

/// The one filter that says all of a condition and nothing else.
fn exactly(table: &'static Table, condition: &Condition) -> Option<Filter> {
    let column = table.column(condition.column)?;
    let sent = send(table, column, &condition.path, &[&condition.atom]);
    let whole = |sent: &Sent| {
        sent.fidelity == Fidelity::Exact
            && implies(&sent.atom, &condition.atom)
            && implies(&condition.atom, &sent.atom)
            && sent.filter.is_some()
    };
    sent.into_iter().find(whole)?.filter
}
