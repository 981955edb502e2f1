//! Runs a plan.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::Rowset;
use super::cast;
use super::context::{Context, Rows, row};
use super::eval::{Env, all_true, eval};
use super::plan::{
    AggregateCall, Body, Cte, Distinct, From, Group, Join, JoinKind, Node, Query, Select, SetCall, SetOp, SortKey,
    Window, WindowFunction,
};
use super::types;
use super::value::{Key, Row, Value};
use crate::error::{Error, Kind, Result};

/// One row for each slot of a SELECT.
type Tuple = Vec<Row>;

/// What rows are told apart by in DISTINCT, GROUP BY and UNION.
type RowKey = Vec<Option<Key>>;

/// How often a recursive query may go round.
const MOST_ROUNDS: usize = 100_000;

/// Runs a whole statement; `reg…` values become their texts.
pub(crate) fn rowset(plan: &Query, context: &Context<'_>) -> Result<Rowset> {
    let rows = query(plan, &Env { tuple: &[], parent: None }, context)?;
    let cell = |value: &Value, oid: u32| match value {
        Value::Int(_) if types::is_reg(oid) => cast::text(value, oid, context).into(),
        value => value.clone(),
    };
    let rows =
        rows.iter().map(|row| row.iter().zip(&plan.columns).map(|(value, (_, oid))| cell(value, *oid)).collect());
    let columns = plan.columns.iter().map(|(name, oid)| (name.clone(), types::base(*oid))).collect();
    Ok(Rowset { columns, rows: rows.collect() })
}

/// Runs a subquery, or takes its rows from the last time if it does not depend on rows around it.
pub(crate) fn subquery(
    plan: &Query,
    id: usize,
    correlated: bool,
    most: Option<usize>,
    env: &Env<'_>,
    context: &Context<'_>,
) -> Result<Rows> {
    if !correlated && let Some(rows) = context.cached.borrow().get(&id) {
        return Ok(Rc::clone(rows));
    }
    // Only EXISTS asks for fewer rows, and only plain queries can stop early; the rest is as cheap in full.
    let _ = most;
    let rows = Rc::new(query(plan, env, context)?);
    if !correlated {
        context.cached.borrow_mut().insert(id, Rc::clone(&rows));
    }
    Ok(rows)
}

/// Runs a query within the rows around it.
pub(crate) fn query(plan: &Query, env: &Env<'_>, context: &Context<'_>) -> Result<Vec<Row>> {
    for cte in &plan.ctes {
        run_cte(cte, env, context)?;
    }
    let mut rows = match &plan.body {
        Body::Select(select) => self::select(select, env, context)?,
        Body::Query(inner) => query(inner, env, context)?,
        Body::Values(values) => {
            let inner = Env { tuple: &[], parent: Some(env) };
            let make =
                |nodes: &Vec<Node>| nodes.iter().map(|n| eval(n, &inner, context)).collect::<Result<Vec<_>>>().map(row);
            values.iter().map(make).collect::<Result<_>>()?
        }
        Body::Set { op, all, left, right } => set(*op, *all, query(left, env, context)?, query(right, env, context)?),
    };
    if !plan.sort.is_empty() {
        rows.sort_by(|a, b| order(&plan.sort, |key| (&a[key.column], &b[key.column])));
    }
    let number = |node: &Option<Node>| -> Result<Option<usize>> {
        let Some(node) = node else { return Ok(None) };
        match eval(node, env, context)?.as_int() {
            Some(n) if n < 0 => Err(Error::new(Kind::InvalidParameterValue, "LIMIT must not be negative")),
            n => Ok(n.map(|n| usize::try_from(n).unwrap_or(usize::MAX))),
        }
    };
    if let Some(offset) = number(&plan.offset)? {
        rows.drain(..offset.min(rows.len()));
    }
    if let Some(limit) = number(&plan.limit)? {
        rows.truncate(limit);
    }
    if rows.first().is_some_and(|row| row.len() > plan.columns.len()) {
        rows = rows.iter().map(|row| Row::from(&row[..plan.columns.len()])).collect();
    }
    Ok(rows)
}

fn order<'v>(keys: &'v [SortKey], pair: impl Fn(&'v SortKey) -> (&'v Value, &'v Value)) -> std::cmp::Ordering {
    use std::cmp::Ordering::{Equal, Greater, Less};
    for key in keys {
        let (a, b) = pair(key);
        let order = match (a.is_null(), b.is_null()) {
            (true, true) => Equal,
            (true, false) if key.nulls_first => Less,
            (true, false) => Greater,
            (false, true) if key.nulls_first => Greater,
            (false, true) => Less,
            (false, false) if key.descending => b.compare(a),
            (false, false) => a.compare(b),
        };
        if order.is_ne() {
            return order;
        }
    }
    Equal
}

fn run_cte(cte: &Cte, env: &Env<'_>, context: &Context<'_>) -> Result<()> {
    let mut all = query(&cte.query, env, context)?;
    if let Some((term, distinct)) = &cte.recursive {
        let mut seen = HashSet::new();
        if *distinct {
            all.retain(|row| seen.insert(key_of(row)));
        }
        let mut working = all.clone();
        for round in 0.. {
            if working.is_empty() {
                break;
            }
            if round > MOST_ROUNDS {
                return Err(Error::new(Kind::ConfigurationLimit, "a recursive query does not end"));
            }
            context.ctes.borrow_mut().insert(cte.id, Rc::new(working));
            working = query(term, env, context)?;
            if *distinct {
                working.retain(|row| seen.insert(key_of(row)));
            }
            all.extend(working.iter().cloned());
        }
    }
    context.ctes.borrow_mut().insert(cte.id, Rc::new(all));
    Ok(())
}

fn key_of(row: &[Value]) -> RowKey {
    row.iter().map(Value::key).collect()
}

fn set(op: SetOp, all: bool, mut left: Vec<Row>, right: Vec<Row>) -> Vec<Row> {
    if op == SetOp::Union {
        left.extend(right);
        if !all {
            let mut seen = HashSet::new();
            left.retain(|row| seen.insert(key_of(row)));
        }
        return left;
    }
    let mut counts: HashMap<RowKey, usize> = HashMap::new();
    for row in &right {
        *counts.entry(key_of(row)).or_default() += 1;
    }
    let mut seen = HashSet::new();
    left.retain(|row| {
        let key = key_of(row);
        let matched = match counts.get_mut(&key) {
            Some(count) if *count > 0 => {
                // With ALL each row of the right side answers for one row of the left.
                *count -= usize::from(all);
                true
            }
            _ => false,
        };
        matched == (op == SetOp::Intersect) && (all || seen.insert(key))
    });
    left
}

fn select(select: &Select, env: &Env<'_>, context: &Context<'_>) -> Result<Vec<Row>> {
    let blank: Tuple = vec![row(Vec::new()); select.slots];
    let mut tuples = from(&select.from, &blank, env, context)?;
    keep(&mut tuples, &select.filter, env, context)?;
    if let Some(group) = &select.group {
        tuples = aggregate(group, select, tuples, env, context)?;
    }
    keep(&mut tuples, &select.having, env, context)?;
    windows(select, &mut tuples, env, context)?;
    if !select.sets.is_empty() {
        tuples = expand_sets(select, &tuples, env, context)?;
    }
    let mut rows = Vec::with_capacity(tuples.len());
    for tuple in &tuples {
        let inner = Env { tuple, parent: Some(env) };
        let values: Vec<Value> =
            select.outputs.iter().map(|node| eval(node, &inner, context)).collect::<Result<_>>()?;
        rows.push(row(values));
    }
    let mut seen = HashSet::new();
    match &select.distinct {
        Distinct::No => {}
        Distinct::Rows(width) => rows.retain(|row| seen.insert(key_of(&row[..*width]))),
        Distinct::On(columns) => rows.retain(|row| seen.insert(columns.iter().map(|&at| row[at].key()).collect())),
    }
    Ok(rows)
}

fn keep(tuples: &mut Vec<Tuple>, conditions: &[Node], env: &Env<'_>, context: &Context<'_>) -> Result<()> {
    if conditions.is_empty() {
        return Ok(());
    }
    let mut kept = Vec::with_capacity(tuples.len());
    for tuple in tuples.drain(..) {
        if all_true(conditions, &Env { tuple: &tuple, parent: Some(env) }, context)? {
            kept.push(tuple);
        }
    }
    *tuples = kept;
    Ok(())
}

/// Runs a FROM; every tuple starts as a copy of `start`.
fn from(plan: &From, start: &Tuple, env: &Env<'_>, context: &Context<'_>) -> Result<Vec<Tuple>> {
    let outer = Env { tuple: start, parent: Some(env) };
    let place = |slot: usize, rows: &mut dyn Iterator<Item = Row>, filter: &[Node]| -> Result<Vec<Tuple>> {
        let mut tuples = Vec::new();
        let mut tuple = start.clone();
        for row in rows {
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
            let rows = context.ctes.borrow().get(id).map(Rc::clone);
            let rows = rows.ok_or_else(|| Error::internal("a CTE is read before it is run"))?;
            place(*slot, &mut rows.iter().cloned(), filter)
        }
        From::Derived { slot, query, id, correlated, filter } => {
            let rows = subquery(query, *id, *correlated, None, &outer, context)?;
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

fn set_rows(call: &SetCall, env: &Env<'_>, context: &Context<'_>) -> Result<Vec<Vec<Value>>> {
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

fn null_rows(plan: &From) -> Vec<(usize, Row)> {
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

fn merge(mut tuple: Tuple, rows: &[(usize, Row)]) -> Tuple {
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

/// Groups tuples. A group's tuple is its first one, so that grouped expressions keep their values, with the aggregates in
/// the extra slot; without GROUP BY there is one group even of no tuples.
fn aggregate(
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

fn windows(select: &Select, tuples: &mut [Tuple], env: &Env<'_>, context: &Context<'_>) -> Result<()> {
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
fn expand_sets(select: &Select, tuples: &[Tuple], env: &Env<'_>, context: &Context<'_>) -> Result<Vec<Tuple>> {
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
