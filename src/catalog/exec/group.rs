//! Aggregates, window functions, and set-returning functions of the select list.

use std::collections::{HashMap, HashSet};

use super::super::context::{Context, row};
use super::super::eval::{Env, eval};
use super::super::plan::{AggregateCall, Group, Node, Select, SortKey, Window, WindowFunction};
use super::super::value::Value;
use super::from::{merge, null_rows, set_rows};
use super::{RowKey, Tuple, key_of, order};
use crate::error::Result;

/// Groups tuples. A group's tuple is its first one, so that grouped expressions keep their values, with the aggregates in
/// the extra slot; without GROUP BY there is one group even of no tuples.
pub(super) fn aggregate(
    group: &Group,
    select: &Select,
    tuples: Vec<Tuple>,
    env: &Env<'_>,
    context: &Context<'_>,
) -> Result<Vec<Tuple>> {
    let mut groups: Vec<Vec<Tuple>> = Vec::new();
    let mut places: HashMap<RowKey, usize> = HashMap::new();
    for tuple in tuples {
        let inner = Env { tuple: &tuple, parent: Some(env) };
        let key: RowKey =
            group.keys.iter().map(|key| eval(key, &inner, context).map(|v| v.key())).collect::<Result<_>>()?;
        let place = *places.entry(key).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(tuple);
    }
    if groups.is_empty() && group.keys.is_empty() {
        groups.push(Vec::new());
    }
    let mut result = Vec::with_capacity(groups.len());
    for members in groups {
        let calls: Vec<Value> =
            group.calls.iter().map(|call| call_aggregate(call, &members, env, context)).collect::<Result<_>>()?;
        let first = members.into_iter().next();
        let mut tuple = first.unwrap_or_else(|| merge(vec![row(Vec::new()); select.slots], &null_rows(&select.from)));
        tuple[select.extra_slot] = row(calls);
        result.push(tuple);
    }
    Ok(result)
}

fn call_aggregate(call: &AggregateCall, members: &[Tuple], env: &Env<'_>, context: &Context<'_>) -> Result<Value> {
    let mut rows: Vec<(Vec<Value>, Vec<Value>)> = Vec::new();
    for tuple in members {
        let inner = Env { tuple, parent: Some(env) };
        if let Some(filter) = &call.filter
            && !eval(filter, &inner, context)?.is_true()
        {
            continue;
        }
        let args = call.args.iter().map(|arg| eval(arg, &inner, context)).collect::<Result<_>>()?;
        let keys = call.order.iter().map(|(node, _)| eval(node, &inner, context)).collect::<Result<_>>()?;
        rows.push((keys, args));
    }
    if call.distinct {
        let mut seen = HashSet::new();
        rows.retain(|(_, args)| seen.insert(key_of(args)));
        if call.order.is_empty() {
            rows.sort_by(|(_, a), (_, b)| a[0].compare(&b[0]));
        }
    }
    let sort: Vec<SortKey> = call.order.iter().map(|(_, key)| key.clone()).collect();
    rows.sort_by(|(a, _), (b, _)| order(&sort, |key| (&a[key.column], &b[key.column])));
    let args: Vec<Vec<Value>> = rows.into_iter().map(|(_, args)| args).collect();
    call.function.compute(&args)
}

pub(super) fn windows(select: &Select, tuples: &mut [Tuple], env: &Env<'_>, context: &Context<'_>) -> Result<()> {
    if select.windows.is_empty() {
        return Ok(());
    }
    let mut columns: Vec<Vec<Value>> = Vec::new();
    for window in &select.windows {
        columns.push(window_values(window, tuples, env, context)?);
    }
    for (at, tuple) in tuples.iter_mut().enumerate() {
        tuple[select.extra_slot + 1] = row(columns.iter().map(|column| column[at].clone()).collect());
    }
    Ok(())
}

fn window_values(window: &Window, tuples: &[Tuple], env: &Env<'_>, context: &Context<'_>) -> Result<Vec<Value>> {
    let mut partitions: HashMap<RowKey, Vec<(usize, Vec<Value>)>> = HashMap::new();
    for (at, tuple) in tuples.iter().enumerate() {
        let inner = Env { tuple, parent: Some(env) };
        let value = |node: &Node| eval(node, &inner, context);
        let key: RowKey = window.partition.iter().map(|node| value(node).map(|v| v.key())).collect::<Result<_>>()?;
        let keys = window.order.iter().map(|(node, _)| value(node)).collect::<Result<_>>()?;
        partitions.entry(key).or_default().push((at, keys));
    }
    let sort: Vec<SortKey> = window.order.iter().map(|(_, key)| key.clone()).collect();
    let mut values = vec![Value::Null; tuples.len()];
    for members in partitions.values_mut() {
        members.sort_by(|(_, a), (_, b)| order(&sort, |key| (&a[key.column], &b[key.column])));
        let whole = match &window.function {
            WindowFunction::Aggregate(call) => {
                let own: Vec<Tuple> = members.iter().map(|(at, _)| tuples[*at].clone()).collect();
                Some(call_aggregate(call, &own, env, context)?)
            }
            _ => None,
        };
        let (mut rank, mut dense) = (0, 0);
        for i in 0..members.len() {
            let new = i == 0 || order(&sort, |key| (&members[i - 1].1[key.column], &members[i].1[key.column])).is_ne();
            if new {
                rank = i as i64 + 1;
                dense += 1;
            }
            values[members[i].0] = match &window.function {
                WindowFunction::RowNumber => Value::Int(i as i64 + 1),
                WindowFunction::Rank => Value::Int(rank),
                WindowFunction::DenseRank => Value::Int(dense),
                WindowFunction::Aggregate(_) => whole.clone().unwrap_or_default(),
            };
        }
    }
    Ok(values)
}

/// Gives each tuple as many copies as its longest set has rows; shorter sets go on with NULL.
pub(super) fn expand_sets(
    select: &Select,
    tuples: &[Tuple],
    env: &Env<'_>,
    context: &Context<'_>,
) -> Result<Vec<Tuple>> {
    let mut result = Vec::new();
    for tuple in tuples {
        let inner = Env { tuple, parent: Some(env) };
        let mut columns = Vec::new();
        for call in &select.sets {
            columns.push(set_rows(call, &inner, context)?);
        }
        let n = columns.iter().map(Vec::len).max().unwrap_or(0);
        for i in 0..n {
            let cells = columns.iter().map(|rows| match rows.get(i).map(Vec::as_slice) {
                None => Value::Null,
                Some([value]) => value.clone(),
                Some(fields) => Value::Record(fields.into()),
            });
            let mut copy = tuple.clone();
            copy[select.extra_slot + 2] = row(cells.collect());
            result.push(copy);
        }
    }
    Ok(result)
}
