//! Walks over plans: the parts of an expression, the slots that it reads.

use super::super::plan::{Body, From, Node, Query, Select, SubqueryKind};

/// Calls `visit` on the direct parts of an expression; those of a subquery are left out.
pub(super) fn children<'n>(node: &'n Node, visit: &mut dyn FnMut(&'n Node)) {
    match node {
        Node::Const(_) | Node::Param { .. } | Node::Column { .. } | Node::WholeRow { .. } => {}
        Node::Cast { arg, .. }
        | Node::Not(arg)
        | Node::IsNull { arg, .. }
        | Node::IsBool { arg, .. }
        | Node::Field { base: arg, .. } => visit(arg),
        Node::Call { args: list, .. }
        | Node::EngineCall { args: list, .. }
        | Node::And(list)
        | Node::Or(list)
        | Node::Coalesce(list)
        | Node::Array(list)
        | Node::Row(list) => {
            list.iter().for_each(visit);
        }
        Node::Test { left, right, .. }
        | Node::LikeEscape { left, right, .. }
        | Node::AnyArray { left, right, .. }
        | Node::Distinct { left, right, .. }
        | Node::Arith { left, right, .. }
        | Node::Concat { left, right }
        | Node::Subscript { base: left, index: right } => {
            visit(left);
            visit(right);
        }
        Node::In { left, list, .. } => {
            visit(left);
            list.iter().for_each(visit);
        }
        Node::Case { branches, otherwise } => {
            for (condition, result) in branches {
                visit(condition);
                visit(result);
            }
            visit(otherwise);
        }
        Node::Slice { base, lower, upper } => {
            visit(base);
            lower.iter().chain(upper).for_each(|bound| visit(bound));
        }
        Node::Subquery(subquery) => {
            if let SubqueryKind::Quantified { operand, .. } = &subquery.kind {
                visit(operand);
            }
        }
    }
}

/// Rebuilds an expression with `change` applied to its columns and whole rows: (depth, slot, column) to a node.
pub(super) fn rebuild(node: &Node, change: &dyn Fn(usize, usize, Option<usize>) -> Node) -> Node {
    let mut copy = node.clone();
    rebuild_in_place(&mut copy, change);
    copy
}

fn rebuild_in_place(node: &mut Node, change: &dyn Fn(usize, usize, Option<usize>) -> Node) {
    let go = |part: &mut Node| rebuild_in_place(part, change);
    match node {
        Node::Column { depth, slot, column } => *node = change(*depth, *slot, Some(*column)),
        Node::WholeRow { depth, slot } => *node = change(*depth, *slot, None),
        Node::Const(_) | Node::Param { .. } | Node::Subquery(_) => {}
        Node::Cast { arg, .. }
        | Node::Not(arg)
        | Node::IsNull { arg, .. }
        | Node::IsBool { arg, .. }
        | Node::Field { base: arg, .. } => go(arg),
        Node::Call { args: list, .. }
        | Node::EngineCall { args: list, .. }
        | Node::And(list)
        | Node::Or(list)
        | Node::Coalesce(list)
        | Node::Array(list)
        | Node::Row(list) => {
            list.iter_mut().for_each(go);
        }
        Node::Test { left, right, .. }
        | Node::LikeEscape { left, right, .. }
        | Node::AnyArray { left, right, .. }
        | Node::Distinct { left, right, .. }
        | Node::Arith { left, right, .. }
        | Node::Concat { left, right }
        | Node::Subscript { base: left, index: right } => {
            go(left);
            go(right);
        }
        Node::In { left, list, .. } => {
            go(left);
            list.iter_mut().for_each(go);
        }
        Node::Case { branches, otherwise } => {
            for (condition, result) in branches {
                go(condition);
                go(result);
            }
            go(otherwise);
        }
        Node::Slice { base, lower, upper } => {
            go(base);
            lower.iter_mut().chain(upper).for_each(|bound| go(bound));
        }
    }
}

/// Makes an expression of a scope into one of a scope `by` levels further in; it holds columns only.
pub(super) fn deepen(node: &Node, by: usize) -> Node {
    if by == 0 {
        return node.clone();
    }
    rebuild(node, &|depth, slot, column| match column {
        Some(column) => Node::Column { depth: depth + by, slot, column },
        None => Node::WholeRow { depth: depth + by, slot },
    })
}

/// Adds the slots at a depth that an expression reads, subqueries included; returns false if it cannot tell.
pub(super) fn reads(node: &Node, level: usize, slots: &mut Vec<usize>) {
    match node {
        Node::Column { depth, slot, .. } | Node::WholeRow { depth, slot } if *depth == level => slots.push(*slot),
        Node::Subquery(subquery) => query_reads(&subquery.query, level, slots),
        _ => {}
    }
    children(node, &mut |child| reads(child, level, slots));
}

fn query_reads(query: &Query, level: usize, slots: &mut Vec<usize>) {
    for cte in &query.ctes {
        query_reads(&cte.query, level, slots);
        if let Some((term, _)) = &cte.recursive {
            query_reads(term, level, slots);
        }
    }
    query.limit.iter().chain(&query.offset).for_each(|node| reads(node, level, slots));
    match &query.body {
        Body::Select(select) => select_reads(select, level + 1, slots),
        Body::Values(rows) => rows.iter().flatten().for_each(|node| reads(node, level + 1, slots)),
        Body::Set { left, right, .. } => {
            query_reads(left, level, slots);
            query_reads(right, level, slots);
        }
        Body::Query(inner) => query_reads(inner, level, slots),
    }
}

fn select_reads(select: &Select, level: usize, slots: &mut Vec<usize>) {
    from_reads(&select.from, level, slots);
    let mut all: Vec<&Node> = select.filter.iter().chain(&select.having).chain(&select.outputs).collect();
    if let Some(group) = &select.group {
        all.extend(&group.keys);
        for call in &group.calls {
            all.extend(call.args.iter().chain(call.order.iter().map(|(node, _)| node)).chain(&call.filter));
        }
    }
    for window in &select.windows {
        all.extend(window.partition.iter().chain(window.order.iter().map(|(node, _)| node)));
    }
    all.extend(select.sets.iter().flat_map(|call| &call.args));
    all.into_iter().for_each(|node| reads(node, level, slots));
}

pub(super) fn from_reads(from: &From, level: usize, slots: &mut Vec<usize>) {
    match from {
        From::Nothing => {}
        From::Scan { key, filter, .. } => {
            key.iter().for_each(|(_, node)| reads(node, level, slots));
            filter.iter().for_each(|node| reads(node, level, slots));
        }
        From::Cte { filter, .. } => filter.iter().for_each(|node| reads(node, level, slots)),
        From::Derived { query, filter, .. } => {
            query_reads(query, level, slots);
            filter.iter().for_each(|node| reads(node, level, slots));
        }
        From::Functions { calls, filter, .. } => {
            calls.iter().flat_map(|call| &call.args).chain(filter).for_each(|node| reads(node, level, slots));
        }
        From::Join(join) => {
            from_reads(&join.left, level, slots);
            from_reads(&join.right, level, slots);
            join.hash.iter().for_each(|(left, right)| {
                reads(left, level, slots);
                reads(right, level, slots);
            });
            join.on.iter().for_each(|node| reads(node, level, slots));
        }
    }
}
