//! Evaluates expressions.

use std::cmp::Ordering;
use std::sync::Arc;

use super::arith::arith;
use super::cast;
use super::context::Context;
use super::exec;
use super::functions::{array_join, like};
use super::plan::{Compare, Node, Subquery, SubqueryKind, Test};
use super::value::{Row, Value};
use crate::error::{Error, Kind, Result};

/// The rows that columns refer to: the tuple of the innermost SELECT, and those around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Env<'e> {
    pub(crate) tuple: &'e [Row],
    pub(crate) parent: Option<&'e Env<'e>>,
}

impl<'e> Env<'e> {
    fn at(&'e self, depth: usize) -> Result<&'e Env<'e>> {
        let mut env = self;
        for _ in 0..depth {
            env = env.parent.ok_or_else(|| Error::internal("a column refers to a query that is not there"))?;
        }
        Ok(env)
    }
}

/// Evaluates an expression.
pub(crate) fn eval(node: &Node, env: &Env<'_>, context: &Context<'_>) -> Result<Value> {
    let one = |node: &Node| eval(node, env, context);
    Ok(match node {
        Node::Const(value) => value.clone(),
        Node::Param { index, type_oid } => parameter(*index, *type_oid, context)?,
        Node::Column { depth, slot, column } => env.at(*depth)?.tuple[*slot][*column].clone(),
        Node::WholeRow { depth, slot } => Value::Record(Arc::clone(&env.at(*depth)?.tuple[*slot])),
        Node::Cast { from, to, arg } => cast::cast(&one(arg)?, *from, *to, context)?,
        Node::Call { function, args } => {
            let args: Vec<Value> = args.iter().map(one).collect::<Result<_>>()?;
            if function.strict && args.iter().any(Value::is_null) {
                Value::Null
            } else {
                (function.eval)(&args, context)?
            }
        }
        Node::EngineCall { call, args } => {
            let args: Vec<Value> = args.iter().map(one).collect::<Result<_>>()?;
            call.eval(&args, context)?
        }
        Node::Test { test, left, right } => apply(*test, &one(left)?, &one(right)?, context)?,
        Node::LikeEscape { ignore_case, negated, escape, left, right } => match (one(left)?, one(right)?) {
            (Value::Text(text), Value::Text(pattern)) => {
                (like(&text, &pattern, *escape, *ignore_case)? != *negated).into()
            }
            _ => Value::Null,
        },
        Node::AnyArray { test, all, left, right } => {
            let (left, right) = (one(left)?, one(right)?);
            match right.items() {
                Some(items) => quantified(*test, *all, &left, items.iter(), context)?,
                None => Value::Null,
            }
        }
        Node::In { left, list, negated } => in_list(&one(left)?, list, *negated, env, context)?,
        Node::Distinct { left, right, negated } => (one(left)?.same(&one(right)?) == *negated).into(),
        Node::Arith { op, left, right } => arith(*op, &one(left)?, &one(right)?)?,
        Node::Concat { left, right } => concat(&one(left)?, &one(right)?),
        Node::And(list) => connect(list, false, env, context)?,
        Node::Or(list) => connect(list, true, env, context)?,
        Node::Not(arg) => match one(arg)? {
            Value::Bool(bool) => (!bool).into(),
            _ => Value::Null,
        },
        Node::IsNull { arg, negated } => is_null(&one(arg)?, *negated).into(),
        Node::IsBool { arg, value, negated } => {
            let found = if let Value::Bool(bool) = one(arg)? { Some(bool) } else { None };
            ((found == *value) != *negated).into()
        }
        Node::Case { branches, otherwise } => {
            for (condition, result) in branches {
                if one(condition)?.is_true() {
                    return one(result);
                }
            }
            one(otherwise)?
        }
        Node::Coalesce(list) => {
            for item in list {
                let value = one(item)?;
                if !value.is_null() {
                    return Ok(value);
                }
            }
            Value::Null
        }
        Node::Array(items) => Value::array(items.iter().map(one).collect::<Result<_>>()?),
        Node::Row(items) => Value::Record(items.iter().map(one).collect::<Result<Vec<_>>>()?.into()),
        Node::Subscript { base, index } => subscript(&one(base)?, &one(index)?),
        Node::Slice { base, lower, upper } => {
            let bound = |node: &Option<Box<Node>>| node.as_deref().map(one).transpose();
            slice(&one(base)?, bound(lower)?.as_ref(), bound(upper)?.as_ref())
        }
        Node::Field { base, index } => match one(base)? {
            Value::Record(fields) => fields.get(*index).cloned().unwrap_or_default(),
            _ => Value::Null,
        },
        Node::Subquery(subquery) => self::subquery(subquery, env, context)?,
    })
}

/// Whether every condition is true.
pub(crate) fn all_true(conditions: &[Node], env: &Env<'_>, context: &Context<'_>) -> Result<bool> {
    for condition in conditions {
        if !eval(condition, env, context)?.is_true() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn parameter(index: usize, type_oid: u32, context: &Context<'_>) -> Result<Value> {
    match context.parameters.get(index) {
        Some(Value::Text(text)) => cast::parse(text, type_oid, context),
        Some(value) => Ok(value.clone()),
        None => Err(Error::new(Kind::UndefinedParameter, format!("there is no parameter ${}", index + 1))),
    }
}

fn connect(list: &[Node], decisive: bool, env: &Env<'_>, context: &Context<'_>) -> Result<Value> {
    let mut unknown = false;
    for node in list {
        match eval(node, env, context)? {
            Value::Bool(bool) if bool == decisive => return Ok(Value::Bool(decisive)),
            Value::Bool(_) => {}
            _ => unknown = true,
        }
    }
    Ok(if unknown { Value::Null } else { Value::Bool(!decisive) })
}

fn is_null(value: &Value, negated: bool) -> bool {
    match value {
        // A row is null when all its fields are, and not null when none is.
        Value::Record(fields) => fields.iter().all(|field| field.is_null() != negated),
        value => value.is_null() != negated,
    }
}

fn apply(test: Test, left: &Value, right: &Value, context: &Context<'_>) -> Result<Value> {
    if left.is_null() || right.is_null() {
        return Ok(Value::Null);
    }
    let texts = || match (left, right) {
        (Value::Text(text), Value::Text(pattern)) => Ok((text, pattern)),
        _ => Err(Error::internal("a pattern is matched with something that is no text")),
    };
    Ok(match test {
        Test::Compare(compare) => match (left, right) {
            (Value::Record(a), Value::Record(b)) if a.len() == b.len() => records(compare, a, b),
            _ => holds(compare, left.compare(right)).into(),
        },
        Test::Regex { ignore_case, negated } => {
            let (text, pattern) = texts()?;
            (context.regex(pattern, ignore_case)?.is_match(text) != negated).into()
        }
        Test::Like { ignore_case, negated } => {
            let (text, pattern) = texts()?;
            (like(text, pattern, Some('\\'), ignore_case)? != negated).into()
        }
    })
}

fn holds(compare: Compare, order: Ordering) -> bool {
    match compare {
        Compare::Eq => order.is_eq(),
        Compare::Ne => order.is_ne(),
        Compare::Lt => order.is_lt(),
        Compare::Le => order.is_le(),
        Compare::Gt => order.is_gt(),
        Compare::Ge => order.is_ge(),
    }
}

/// Compares rows: the first unequal pair decides, a NULL before that makes the answer NULL (for = and <>, unless another
/// pair is unequal anyway).
fn records(compare: Compare, left: &[Value], right: &[Value]) -> Value {
    let equality = matches!(compare, Compare::Eq | Compare::Ne);
    let mut unknown = false;
    for (a, b) in left.iter().zip(right) {
        if a.is_null() || b.is_null() {
            if !equality {
                return Value::Null;
            }
            unknown = true;
        } else if a.compare(b).is_ne() {
            return holds(compare, a.compare(b)).into();
        }
    }
    if unknown { Value::Null } else { holds(compare, Ordering::Equal).into() }
}

fn quantified<'v>(
    test: Test,
    all: bool,
    left: &Value,
    items: impl Iterator<Item = &'v Value>,
    context: &Context<'_>,
) -> Result<Value> {
    let mut unknown = false;
    for item in items {
        match apply(test, left, item, context)? {
            Value::Bool(bool) if bool != all => return Ok(Value::Bool(!all)),
            Value::Bool(_) => {}
            _ => unknown = true,
        }
    }
    Ok(if unknown { Value::Null } else { Value::Bool(all) })
}

fn in_list(left: &Value, list: &[Node], negated: bool, env: &Env<'_>, context: &Context<'_>) -> Result<Value> {
    if left.is_null() {
        return Ok(Value::Null);
    }
    let mut unknown = false;
    for node in list {
        match apply(Test::Compare(Compare::Eq), left, &eval(node, env, context)?, context)? {
            Value::Bool(true) => return Ok(Value::Bool(!negated)),
            Value::Bool(false) => {}
            _ => unknown = true,
        }
    }
    Ok(if unknown { Value::Null } else { Value::Bool(negated) })
}

fn subquery(subquery: &Subquery, env: &Env<'_>, context: &Context<'_>) -> Result<Value> {
    let run = || exec::subquery(&subquery.query, subquery.id, subquery.correlated, env, context);
    match &subquery.kind {
        SubqueryKind::Exists => Ok((!run()?.is_empty()).into()),
        SubqueryKind::Array => Ok(Value::array(run()?.iter().map(|row| row[0].clone()).collect())),
        SubqueryKind::Scalar => {
            let rows = run()?;
            if rows.len() > 1 {
                let message = "more than one row returned by a subquery used as an expression";
                return Err(Error::new(Kind::Cardinality, message));
            }
            Ok(rows.first().map_or(Value::Null, |row| row[0].clone()))
        }
        SubqueryKind::Quantified { operand, op, all } => {
            let left = eval(operand, env, context)?;
            let rows = run()?;
            if matches!(left, Value::Record(_)) {
                let records: Vec<Value> = rows.iter().map(|row| Value::Record(Arc::clone(row))).collect();
                return quantified(*op, *all, &left, records.iter(), context);
            }
            quantified(*op, *all, &left, rows.iter().map(|row| &row[0]), context)
        }
    }
}

fn subscript(base: &Value, index: &Value) -> Value {
    let (Value::Array(array), Some(index)) = (base, index.as_int()) else { return Value::Null };
    let at = index.checked_sub(i64::from(array.lower)).and_then(|at| usize::try_from(at).ok());
    at.and_then(|at| array.items.get(at)).cloned().unwrap_or_default()
}

fn slice(base: &Value, lower: Option<&Value>, upper: Option<&Value>) -> Value {
    let Value::Array(array) = base else { return Value::Null };
    let first = i64::from(array.lower);
    let from = lower.map_or(Some(first), Value::as_int);
    let to = upper.map_or(Some(first + array.items.len() as i64 - 1), Value::as_int);
    let (Some(from), Some(to)) = (from, to) else { return Value::Null };
    let inside = array.items.iter().zip(first..).filter(|(_, at)| (from..=to).contains(at));
    Value::array(inside.map(|(item, _)| item.clone()).collect())
}

fn concat(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Text(a), Value::Text(b)) => format!("{a}{b}").into(),
        (Value::Array(_), _) | (_, Value::Array(_)) => array_join(left, right),
        _ => Value::Null,
    }
}
