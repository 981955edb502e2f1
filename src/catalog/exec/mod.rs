//! Runs a plan.

mod from;
mod group;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Rowset;
use super::cast;
use super::context::{Context, Rows, row};
use super::eval::{Env, all_true, eval};
use super::plan::{Body, Cte, Distinct, Node, Query, Select, SetOp, SortKey};
use super::types;
use super::value::{Key, Row, Value};
use crate::error::{Error, Kind, Result};
use from::from;
use group::{aggregate, expand_sets, windows};

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
        Value::Array(array) if types::element(oid).is_some_and(types::is_reg) => {
            let of = types::element(oid).unwrap_or(oid);
            let text = |item: &Value| match item {
                Value::Null => Value::Null,
                item => cast::text(item, of, context).into(),
            };
            Value::array(array.items.iter().map(text).collect())
        }
        value => value.clone(),
    };
    let rows =
        rows.iter().map(|row| row.iter().zip(&plan.columns).map(|(value, (_, oid))| cell(value, *oid)).collect());
    let columns = plan.columns.iter().map(|(name, oid)| (name.clone(), types::base(*oid))).collect();
    let rows = rows.collect();
    Ok(Rowset { columns, rows, effects: context.effects.take() })
}

/// Runs a subquery, or takes its rows from the last time if it does not depend on rows around it.
pub(crate) fn subquery(
    plan: &Query,
    id: usize,
    correlated: bool,
    env: &Env<'_>,
    context: &Context<'_>,
) -> Result<Rows> {
    if !correlated && let Some(rows) = context.cached.borrow().get(&id) {
        return Ok(Arc::clone(rows));
    }
    let rows = Arc::new(query(plan, env, context)?);
    if !correlated {
        context.cached.borrow_mut().insert(id, Arc::clone(&rows));
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
    if let Body::Select(select) = &plan.body
        && let Distinct::On(columns) = &select.distinct
    {
        let mut seen = HashSet::new();
        rows.retain(|row| seen.insert(columns.iter().map(|&at| row[at].key()).collect::<RowKey>()));
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
            context.ctes.borrow_mut().insert(cte.id, Arc::new(working));
            working = query(term, env, context)?;
            if *distinct {
                working.retain(|row| seen.insert(key_of(row)));
            }
            all.extend(working.iter().cloned());
        }
    }
    context.ctes.borrow_mut().insert(cte.id, Arc::new(all));
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
        // Of each group the first row of the sorted ones is kept, so that waits for ORDER BY.
        Distinct::On(_) => {}
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
