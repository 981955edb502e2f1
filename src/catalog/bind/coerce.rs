//! Brings types together: implicit conversions, common types.

use super::super::cast;
use super::super::functions;
use super::super::plan::{Body, Node, Query};
use super::super::types::{self, Family};
use super::super::value::Value;
use super::{Binder, Bound};
use crate::error::{Error, Kind, Result};
use crate::function::coerce;
use crate::pgtype::types::PgType;

impl Binder<'_, '_> {
    /// Converts an expression to a type, whether PostgreSQL would do it unasked or not.
    pub(super) fn cast(&mut self, bound: Bound, to: u32) -> Result<Node> {
        let (from, to) = (types::base(bound.type_oid), types::base(to));
        if from == types::UNKNOWN {
            return self.decide(bound.node, to);
        }
        if from == to || to == types::ANY {
            return Ok(bound.node);
        }
        if !castable(from, to) {
            return Err(cast::cannot(from, to));
        }
        Ok(Node::Cast { from, to, arg: Box::new(bound.node) })
    }

    /// Converts an expression to a type that it converts to unasked; leaves alone what is held alike.
    pub(super) fn coerce(&mut self, bound: Bound, to: u32) -> Result<Node> {
        let (from, to) = (types::base(bound.type_oid), types::base(to));
        let alike = match types::family(from) {
            Family::Text => types::family(to) == Family::Text && to != types::CHAR,
            Family::Number => types::is_integer(from) && types::is_integer(to),
            _ => false,
        };
        let generic = matches!(to, types::ANY | types::ANYELEMENT | types::ANYARRAY);
        if alike || (generic && from != types::UNKNOWN) {
            return Ok(bound.node);
        }
        self.cast(bound, if generic { if to == types::ANYARRAY { 1009 } else { types::TEXT } } else { to })
    }

    /// Gives an untyped literal, parameter or NULL its type.
    fn decide(&mut self, node: Node, to: u32) -> Result<Node> {
        match node {
            Node::Const(Value::Text(text)) => Ok(Node::Const(cast::parse(&text, to, self.context)?)),
            Node::Param { index, .. } => {
                let known = &mut self.parameters[index];
                if *known == types::UNKNOWN {
                    *known = to;
                }
                let (from, known) = (*known, *known);
                let node = Node::Param { index, type_oid: known };
                Ok(if from == to { node } else { Node::Cast { from, to, arg: Box::new(node) } })
            }
            Node::Const(Value::Null) => Ok(node),
            other => Ok(Node::Cast { from: types::TEXT, to, arg: Box::new(other) }),
        }
    }

    /// Makes an expression without a type a text, as the select list does.
    pub(super) fn known(&mut self, bound: Bound) -> Result<Bound> {
        let type_oid = if bound.type_oid == types::UNKNOWN { types::TEXT } else { bound.type_oid };
        Ok(Bound::new(self.coerce(bound, type_oid)?, type_oid))
    }

    /// Converts expressions to their common type.
    pub(super) fn unify(&mut self, what: &str, list: Vec<Bound>) -> Result<(Vec<Node>, u32)> {
        let common = common(what, list.iter().map(|bound| bound.type_oid))?;
        let nodes: Result<Vec<Node>> = list.into_iter().map(|bound| self.coerce(bound, common)).collect();
        Ok((nodes?, common))
    }

    /// Converts the i-th output of a query to a type.
    pub(super) fn coerce_output(&mut self, plan: &mut Query, at: usize, to: u32) -> Result<()> {
        let from = plan.columns[at].1;
        if from == to {
            return Ok(());
        }
        plan.columns[at].1 = to;
        match &mut plan.body {
            Body::Select(select) => {
                let node = std::mem::replace(&mut select.outputs[at], Node::Const(Value::Null));
                select.outputs[at] = self.coerce(Bound::new(node, from), to)?;
            }
            Body::Values(rows) => {
                for row in rows {
                    let node = std::mem::replace(&mut row[at], Node::Const(Value::Null));
                    row[at] = self.coerce(Bound::new(node, from), to)?;
                }
            }
            Body::Set { left, right, .. } => {
                self.coerce_output(left, at, to)?;
                self.coerce_output(right, at, to)?;
            }
            Body::Query(inner) => self.coerce_output(inner, at, to)?,
        }
        Ok(())
    }
}

/// Whether there is a cast at all, asked for.
fn castable(from: u32, to: u32) -> bool {
    use Family::{Array, Bool, Interval, Number, Other, Record, Text, Time};
    let (source, target) = (types::family(from), types::family(to));
    match (source, target) {
        _ if functions::implicit(from, to) || source == target => true,
        (_, Text) | (Text, _) => true,
        (Number, Bool) | (Bool, Number) => from == types::INT4 || to == types::INT4,
        (Interval | Time, Time | Interval) | (Other, Other) => true,
        (Array, Other) | (Record, Other) | (Other, Array) => false,
        _ => false,
    }
}

/// Returns the type that CASE, UNION, IN and their kin give to expressions of these types.
pub(super) fn common(what: &str, list: impl Iterator<Item = u32>) -> Result<u32> {
    let list: Vec<u32> = list.map(types::base).collect();
    if let Some(known) = list.iter().map(|oid| PgType::from_oid(*oid)).collect::<Option<Vec<PgType>>>()
        && known.iter().any(|ty| *ty != PgType::Unknown)
        && let Ok(common) = coerce::common(known)
    {
        return Ok(common.oid());
    }
    common_by_family(what, list)
}

/// Of types that the functions of the engine do not know.
fn common_by_family(what: &str, list: Vec<u32>) -> Result<u32> {
    let mut chosen = types::UNKNOWN;
    for next in list {
        if next == types::UNKNOWN || next == chosen {
            continue;
        }
        if chosen == types::UNKNOWN {
            chosen = next;
        } else if types::family(chosen) != types::family(next) {
            let name = |oid| types::format(oid, None).unwrap_or_else(|| "record".to_owned());
            let message = format!("{what} types {} and {} cannot be matched", name(chosen), name(next));
            return Err(Error::new(Kind::DatatypeMismatch, message));
        } else if types::family(chosen) == Family::Text {
            chosen = types::TEXT;
        } else if functions::implicit(chosen, next) {
            chosen = next;
        }
    }
    Ok(chosen)
}
