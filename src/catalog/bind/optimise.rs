//! Moves conditions to where they cost least: into scans and subqueries, into joins as keys; and orders inner joins so that
//! each step has a key.

use super::super::plan::{Body, Compare, Distinct, From, Join, JoinKind, Node, Query, Test};
use super::super::value::Value;
use super::walk::{children, from_reads, reads, rebuild};

/// Splits a condition at its ANDs.
pub(super) fn conjuncts(node: Node, list: &mut Vec<Node>) {
    match node {
        Node::And(parts) => parts.into_iter().for_each(|part| conjuncts(part, list)),
        Node::Const(Value::Bool(true)) => {}
        other => list.push(other),
    }
}

/// Whether an item of FROM reads slots that stand before it.
pub(super) fn reads_before(from: &From, first: usize) -> bool {
    let mut slots = Vec::new();
    from_reads(from, 0, &mut slots);
    slots.into_iter().any(|slot| slot < first)
}

fn own_slots(from: &From, list: &mut Vec<usize>) {
    match from {
        From::Nothing => {}
        From::Scan { slot, .. }
        | From::Cte { slot, .. }
        | From::Derived { slot, .. }
        | From::Functions { slot, .. } => list.push(*slot),
        From::Join(join) => {
            own_slots(&join.left, list);
            own_slots(&join.right, list);
        }
    }
}

fn slots_of(from: &From) -> Vec<usize> {
    let mut list = Vec::new();
    own_slots(from, &mut list);
    list
}

/// Whether all slots of this level that an expression reads are among those, and there is at least one.
fn within(node: &Node, slots: &[usize]) -> bool {
    let mut read = Vec::new();
    reads(node, 0, &mut read);
    !read.is_empty() && read.iter().all(|slot| slots.contains(slot))
}

/// Places the conditions of WHERE in a FROM; returns those that stay.
pub(super) fn place(from: &mut From, conditions: Vec<Node>) -> Vec<Node> {
    let taken = std::mem::replace(from, From::Nothing);
    let (mut plan, mut conditions) = reorder(taken, conditions);
    conditions.retain(|condition| !push(&mut plan, condition));
    prepare(&mut plan);
    *from = plan;
    conditions
}

/// Tries to move a condition into a FROM.
fn push(from: &mut From, condition: &Node) -> bool {
    if !within(condition, &slots_of(from)) {
        return false;
    }
    match from {
        From::Nothing => false,
        From::Scan { slot, key, filter, .. } => {
            if key.is_none()
                && let Some(found) = scan_key(condition, *slot)
            {
                *key = Some(found);
            } else {
                filter.push(condition.clone());
            }
            true
        }
        From::Derived { slot, query, filter, correlated, .. } => {
            if *correlated || !push_inside(query, *slot, condition) {
                filter.push(condition.clone());
            }
            true
        }
        From::Cte { filter, .. } | From::Functions { filter, .. } => {
            filter.push(condition.clone());
            true
        }
        From::Join(join) => match join.kind {
            JoinKind::Inner => {
                if !push(&mut join.left, condition) && !push(&mut join.right, condition) {
                    join.on.push(condition.clone());
                }
                true
            }
            JoinKind::Left => push(&mut join.left, condition),
            JoinKind::Right => push(&mut join.right, condition),
            JoinKind::Full => false,
        },
    }
}

/// Finds `column = value` where the value does not depend on this SELECT: a lookup.
fn scan_key(condition: &Node, slot: usize) -> Option<(usize, Node)> {
    let Node::Test { test: Test::Compare(Compare::Eq), left, right } = condition else { return None };
    let column = |node: &Node| match node {
        Node::Column { depth: 0, slot: own, column } if *own == slot => Some(*column),
        _ => None,
    };
    let free = |node: &Node| {
        let mut read = Vec::new();
        reads(node, 0, &mut read);
        read.is_empty()
    };
    match (column(left), column(right)) {
        (Some(at), _) if free(right) => Some((at, right.as_ref().clone())),
        (_, Some(at)) if free(left) => Some((at, left.as_ref().clone())),
        _ => None,
    }
}

/// Moves a condition on the outputs of a plain SELECT into it.
fn push_inside(query: &mut Query, slot: usize, condition: &Node) -> bool {
    let Body::Select(select) = &mut query.body else { return false };
    let plain = select.group.is_none()
        && select.windows.is_empty()
        && select.sets.is_empty()
        && select.distinct == Distinct::No
        && query.limit.is_none()
        && query.offset.is_none();
    if !plain || holds_subquery(condition) || select.outputs.iter().any(holds_subquery) {
        return false;
    }
    let moved = rebuild(condition, &|depth, at, column| match column {
        Some(column) if depth == 0 && at == slot => select.outputs[column].clone(),
        Some(column) => Node::Column { depth: depth + 1, slot: at, column },
        None if depth == 0 && at == slot => Node::Row(select.outputs.clone()),
        None => Node::WholeRow { depth: depth + 1, slot: at },
    });
    let mut read_outside = Vec::new();
    reads(condition, 1, &mut read_outside);
    if !read_outside.is_empty() {
        // Rows of the subquery may be kept for the next time; they must not depend on rows around.
        return false;
    }
    let mut parts = Vec::new();
    conjuncts(moved, &mut parts);
    for part in parts {
        if !push(&mut select.from, &part) {
            select.filter.push(part);
        }
    }
    prepare(&mut select.from);
    true
}

fn holds_subquery(node: &Node) -> bool {
    let mut found = matches!(node, Node::Subquery(_));
    children(node, &mut |child| found |= holds_subquery(child));
    found
}

/// Takes apart inner joins into their items and conditions.
fn flatten(from: From, items: &mut Vec<From>, conditions: &mut Vec<Node>) {
    match from {
        From::Nothing => {}
        From::Join(join) if join.kind == JoinKind::Inner => {
            let Join { left, right, on, hash, .. } = *join;
            flatten(left, items, conditions);
            flatten(right, items, conditions);
            conditions.extend(on);
            conditions.extend(hash.into_iter().map(|(left, right)| equal(left, right)));
        }
        other => items.push(other),
    }
}

fn equal(left: Node, right: Node) -> Node {
    Node::Test { test: Test::Compare(Compare::Eq), left: Box::new(left), right: Box::new(right) }
}

/// Rebuilds inner joins so that each step has a key where there is one. Items that read others come after those.
fn reorder(from: From, mut conditions: Vec<Node>) -> (From, Vec<Node>) {
    let mut items = Vec::new();
    flatten(from, &mut items, &mut conditions);
    let mut waiting: Vec<From> = items;
    let mut done: Vec<usize> = Vec::new();
    let mut plan = From::Nothing;
    while !waiting.is_empty() {
        let all: Vec<usize> = waiting.iter().flat_map(slots_of).collect();
        let ready = |item: &From| {
            let mut read = Vec::new();
            from_reads(item, 0, &mut read);
            let own = slots_of(item);
            read.iter().all(|slot| own.contains(slot) || !all.contains(slot))
        };
        let score = |item: &From| {
            let own = slots_of(item);
            let looked_up = conditions.iter().any(|c| own.len() == 1 && scan_key(c, own[0]).is_some());
            let joined = !done.is_empty() && conditions.iter().any(|c| hash_key(c, &done, &own).is_some());
            let filtered = conditions.iter().any(|c| within(c, &own));
            (u8::from(looked_up) * 4) + u8::from(joined) * 2 + u8::from(filtered)
        };
        // Of equals the first stays first, as the statement has it.
        let best = waiting.iter().enumerate().filter(|(_, item)| ready(item)).map(|(at, item)| (score(item), at));
        let chosen = best.max_by_key(|(score, at)| (*score, usize::MAX - at)).map_or(0, |(_, at)| at);
        let item = waiting.remove(chosen);
        let own = slots_of(&item);
        let mut read = Vec::new();
        from_reads(&item, 0, &mut read);
        let lateral = read.iter().any(|slot| !own.contains(slot));
        done.extend(own);
        plan = match plan {
            From::Nothing => item,
            left => From::Join(Box::new(Join {
                kind: JoinKind::Inner,
                left,
                right: item,
                hash: Vec::new(),
                on: Vec::new(),
                lateral,
            })),
        };
    }
    (plan, conditions)
}

/// Splits `left = right` into the sides of a join.
fn hash_key(condition: &Node, left_slots: &[usize], right_slots: &[usize]) -> Option<(Node, Node)> {
    let Node::Test { test: Test::Compare(Compare::Eq), left, right } = condition else { return None };
    if holds_subquery(condition) {
        return None;
    }
    if within(left, left_slots) && within(right, right_slots) {
        return Some((left.as_ref().clone(), right.as_ref().clone()));
    }
    (within(right, left_slots) && within(left, right_slots)).then(|| (right.as_ref().clone(), left.as_ref().clone()))
}

/// Turns conditions of joins into keys, and moves those of one side of an outer join into it.
fn prepare(from: &mut From) {
    let From::Join(join) = from else { return };
    let mut conditions = std::mem::take(&mut join.on);
    match join.kind {
        JoinKind::Left => conditions.retain(|condition| !push(&mut join.right, condition)),
        JoinKind::Right => conditions.retain(|condition| !push(&mut join.left, condition)),
        JoinKind::Inner => conditions.retain(|c| !push(&mut join.left, c) && !push(&mut join.right, c)),
        JoinKind::Full => {}
    }
    let (left, right) = (slots_of(&join.left), slots_of(&join.right));
    for condition in conditions {
        match hash_key(&condition, &left, &right) {
            Some(pair) => join.hash.push(pair),
            None => join.on.push(condition),
        }
    }
    lookup(join);
    prepare(&mut join.left);
    prepare(&mut join.right);
}

/// Turns a join with a relation on one of its columns into lookups in an index of that relation, which outlives the join:
/// a subquery that is run for every row must not build a hash table each time.
fn lookup(join: &mut Join) {
    let From::Scan { slot, key: key @ None, .. } = &mut join.right else { return };
    if !matches!(join.kind, JoinKind::Inner | JoinKind::Left) {
        return;
    }
    let column = |node: &Node| match node {
        Node::Column { depth: 0, slot: own, column } if own == slot => Some(*column),
        _ => None,
    };
    let Some(at) = join.hash.iter().position(|(_, right)| column(right).is_some()) else { return };
    let (left, right) = join.hash.remove(at);
    *key = column(&right).map(|column| (column, left));
    join.lateral = true;
}

/// Finds a column that is neither a key nor part of one.
pub(super) fn ungrouped(node: &Node, keys: &[Node], whole: &[usize], extra_slot: usize) -> Option<(usize, usize)> {
    if keys.contains(node) {
        return None;
    }
    if let Node::Column { depth: 0, slot, column } = node {
        return (*slot < extra_slot && !whole.contains(slot)).then_some((*slot, *column));
    }
    let mut found = None;
    children(node, &mut |child| found = found.or_else(|| ungrouped(child, keys, whole, extra_slot)));
    found
}
