//! Runs FROM: relations, subqueries, functions, joins.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::context::{Context, row};
use super::super::eval::{Env, all_true, eval};
use super::super::plan::{From, Join, JoinKind, Node, SetCall};
use super::super::value::{Key, Row, Value};
use super::{Tuple, subquery};
use crate::error::{Error, Result};

/// Runs a FROM; every tuple starts as a copy of `start`.
pub(super) fn from(plan: &From, start: &Tuple, env: &Env<'_>, context: &Context<'_>) -> Result<Vec<Tuple>> {
    let outer = Env { tuple: start, parent: Some(env) };
    let place = |slot: usize, rows: &mut dyn Iterator<Item = Row>, filter: &[Node]| -> Result<Vec<Tuple>> {
        let mut tuples = Vec::new();
        let mut tuple = start.clone();
        for row in rows {
            context.spend(1)?;
            tuple[slot] = row;
            if all_true(filter, &Env { tuple: &tuple, parent: Some(env) }, context)? {
                tuples.push(tuple.clone());
            }
        }
        Ok(tuples)
    };
    match plan {
        From::Nothing => Ok(vec![start.clone()]),
        From::Scan { slot, relation, key, filter, .. } => {
            let rows = context.rows(*relation)?;
            let Some((column, wanted)) = key else { return place(*slot, &mut rows.iter().cloned(), filter) };
            let Some(wanted) = eval(wanted, &outer, context)?.key() else { return Ok(Vec::new()) };
            let index = context.index(*relation, *column)?;
            let places = index.get(&wanted).map(Vec::as_slice).unwrap_or_default();
            place(*slot, &mut places.iter().map(|&at| Arc::clone(&rows[at])), filter)
        }
        From::Cte { slot, id, filter, .. } => {
            let rows = context.ctes.borrow().get(id).map(Arc::clone);
            let rows = rows.ok_or_else(|| Error::internal("a CTE is read before it is run"))?;
            place(*slot, &mut rows.iter().cloned(), filter)
        }
        From::Derived { slot, query, id, correlated, filter } => {
            let rows = subquery(query, *id, *correlated, &outer, context)?;
            place(*slot, &mut rows.iter().cloned(), filter)
        }
        From::Functions { slot, calls, widths, ordinality, filter } => {
            let rows = functions(calls, widths, *ordinality, &outer, context)?;
            place(*slot, &mut rows.into_iter(), filter)
        }
        From::Join(join) => self::join(join, start, env, context),
    }
}

fn functions(
    calls: &[SetCall],
    widths: &[usize],
    ordinality: bool,
    env: &Env<'_>,
    context: &Context<'_>,
) -> Result<Vec<Row>> {
    let mut results = Vec::new();
    for call in calls {
        results.push(set_rows(call, env, context)?);
    }
    let n = results.iter().map(Vec::len).max().unwrap_or(0);
    let rows = (0..n).map(|i| {
        let mut values = Vec::new();
        for (result, &width) in results.iter().zip(widths) {
            match result.get(i) {
                Some(cells) => values.extend_from_slice(cells),
                None => values.resize(values.len() + width, Value::Null),
            }
        }
        if ordinality {
            values.push(Value::Int(i as i64 + 1));
        }
        row(values)
    });
    Ok(rows.collect())
}

pub(super) fn set_rows(call: &SetCall, env: &Env<'_>, context: &Context<'_>) -> Result<Vec<Vec<Value>>> {
    let args: Vec<Value> = call.args.iter().map(|arg| eval(arg, env, context)).collect::<Result<_>>()?;
    call.function.call(&args, context)
}

/// Lists the slots of a FROM with the widths of their rows.
fn slots(plan: &From, list: &mut Vec<(usize, usize)>) {
    match plan {
        From::Nothing => {}
        From::Scan { slot, width, .. } | From::Cte { slot, width, .. } => list.push((*slot, *width)),
        From::Derived { slot, query, .. } => list.push((*slot, query.columns.len())),
        From::Functions { slot, widths, ordinality, .. } => {
            list.push((*slot, widths.iter().sum::<usize>() + usize::from(*ordinality)));
        }
        From::Join(join) => {
            slots(&join.left, list);
            slots(&join.right, list);
        }
    }
}

pub(super) fn null_rows(plan: &From) -> Vec<(usize, Row)> {
    let mut list = Vec::new();
    slots(plan, &mut list);
    list.into_iter().map(|(slot, width)| (slot, row(vec![Value::Null; width]))).collect()
}

fn join(join: &Join, start: &Tuple, env: &Env<'_>, context: &Context<'_>) -> Result<Vec<Tuple>> {
    let left = from(&join.left, start, env, context)?;
    let keeps_left = matches!(join.kind, JoinKind::Left | JoinKind::Full);
    let keeps_right = matches!(join.kind, JoinKind::Right | JoinKind::Full);
    let right_nulls = null_rows(&join.right);
    let mut result = Vec::new();
    if join.lateral {
        for tuple in left {
            let before = result.len();
            for merged in from(&join.right, &tuple, env, context)? {
                if matches(join, &merged, env, context)? {
                    result.push(merged);
                }
            }
            if keeps_left && result.len() == before {
                result.push(merge(tuple, &right_nulls));
            }
        }
        return Ok(result);
    }
    if left.is_empty() && !keeps_right {
        return Ok(result);
    }
    let right = from(&join.right, start, env, context)?;
    let table = if join.hash.is_empty() { None } else { Some(hash(join, &right, env, context)?) };
    let everything: Vec<usize> = (0..right.len()).collect();
    let mut matched = vec![false; right.len()];
    for tuple in left {
        let candidates: &[usize] = match &table {
            None => &everything,
            Some(table) => {
                let inner = Env { tuple: &tuple, parent: Some(env) };
                keys(join.hash.iter().map(|(left, _)| left), &inner, context)?
                    .and_then(|key| table.get(&key))
                    .map_or(&[], Vec::as_slice)
            }
        };
        let before = result.len();
        context.spend(candidates.len())?;
        for &at in candidates {
            let mut merged = tuple.clone();
            for (slot, _) in &right_nulls {
                merged[*slot] = Arc::clone(&right[at][*slot]);
            }
            if all_true(&join.on, &Env { tuple: &merged, parent: Some(env) }, context)? {
                matched[at] = true;
                result.push(merged);
            }
        }
        if keeps_left && result.len() == before {
            result.push(merge(tuple, &right_nulls));
        }
    }
    if keeps_right {
        let left_nulls = null_rows(&join.left);
        let lonely = right.into_iter().zip(matched).filter(|(_, matched)| !matched);
        result.extend(lonely.map(|(tuple, _)| merge(tuple, &left_nulls)));
    }
    Ok(result)
}

pub(super) fn merge(mut tuple: Tuple, rows: &[(usize, Row)]) -> Tuple {
    for (slot, row) in rows {
        tuple[*slot] = Arc::clone(row);
    }
    tuple
}

/// Whether a tuple of a lateral join meets all its conditions.
fn matches(join: &Join, tuple: &Tuple, env: &Env<'_>, context: &Context<'_>) -> Result<bool> {
    let inner = Env { tuple, parent: Some(env) };
    for (left, right) in &join.hash {
        let (left, right) = (eval(left, &inner, context)?, eval(right, &inner, context)?);
        if left.is_null() || right.is_null() || left.compare(&right).is_ne() {
            return Ok(false);
        }
    }
    all_true(&join.on, &inner, context)
}

fn keys<'n>(nodes: impl Iterator<Item = &'n Node>, env: &Env<'_>, context: &Context<'_>) -> Result<Option<Vec<Key>>> {
    let mut keys = Vec::new();
    for node in nodes {
        match eval(node, env, context)?.key() {
            Some(key) => keys.push(key),
            None => return Ok(None),
        }
    }
    Ok(Some(keys))
}

fn hash(join: &Join, right: &[Tuple], env: &Env<'_>, context: &Context<'_>) -> Result<HashMap<Vec<Key>, Vec<usize>>> {
    let mut table: HashMap<Vec<Key>, Vec<usize>> = HashMap::new();
    for (at, tuple) in right.iter().enumerate() {
        let inner = Env { tuple, parent: Some(env) };
        if let Some(key) = keys(join.hash.iter().map(|(_, right)| right), &inner, context)? {
            table.entry(key).or_default().push(at);
        }
    }
    Ok(table)
}
