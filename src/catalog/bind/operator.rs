//! Operators.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Query as AstQuery, UnaryOperator, ValueWithSpan};

use super::super::functions;
use super::super::plan::{Arith, Compare, Node, Subquery, SubqueryKind, Test};
use super::super::types::{self, Family};
use super::super::value::Value;
use super::expr::boolean;
use super::{Binder, Bound};
use crate::error::{Error, Kind, Result};

impl Binder<'_, '_> {
    /// Binds what is an operator in the widest sense.
    pub(super) fn operator(&mut self, expr: &Expr) -> Result<Bound> {
        match expr {
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right),
            Expr::UnaryOp { op, expr } => self.unary(op, expr),
            Expr::IsNull(arg) => self.is_null(arg, false),
            Expr::IsNotNull(arg) => self.is_null(arg, true),
            Expr::IsTrue(arg) => self.is_bool(arg, Some(true), false),
            Expr::IsNotTrue(arg) => self.is_bool(arg, Some(true), true),
            Expr::IsFalse(arg) => self.is_bool(arg, Some(false), false),
            Expr::IsNotFalse(arg) => self.is_bool(arg, Some(false), true),
            Expr::IsUnknown(arg) => self.is_bool(arg, None, false),
            Expr::IsNotUnknown(arg) => self.is_bool(arg, None, true),
            Expr::IsDistinctFrom(left, right) => self.distinct_from(left, right, false),
            Expr::IsNotDistinctFrom(left, right) => self.distinct_from(left, right, true),
            Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            Expr::InSubquery { expr, subquery, negated } => {
                let operand = self.expr(expr)?;
                let found = self.quantified(operand, Test::Compare(Compare::Eq), "=", false, subquery)?;
                Ok(boolean(if *negated { Node::Not(Box::new(found)) } else { found }))
            }
            Expr::Between { expr, negated, low, high } => {
                let (value, low, high) = (self.expr(expr)?, self.expr(low)?, self.expr(high)?);
                let above = self.comparison(Test::Compare(Compare::Ge), ">=", value.clone(), low)?.node;
                let below = self.comparison(Test::Compare(Compare::Le), "<=", value, high)?.node;
                let both = Node::And(vec![above, below]);
                Ok(boolean(if *negated { Node::Not(Box::new(both)) } else { both }))
            }
            Expr::Like { negated, any, expr, pattern, escape_char } => {
                self.like(expr, pattern, escape_char.as_ref(), *any, false, *negated)
            }
            Expr::ILike { negated, any, expr, pattern, escape_char } => {
                self.like(expr, pattern, escape_char.as_ref(), *any, true, *negated)
            }
            Expr::AnyOp { left, compare_op, right, .. } => self.any_or_all(left, compare_op, right, false),
            Expr::AllOp { left, compare_op, right } => self.any_or_all(left, compare_op, right, true),
            other => Err(Error::unsupported(format!("{other} over the catalogs"))),
        }
    }

    fn is_null(&mut self, arg: &Expr, negated: bool) -> Result<Bound> {
        let bound = self.expr(arg)?;
        let bound = self.known(bound)?;
        Ok(boolean(Node::IsNull { arg: Box::new(bound.node), negated }))
    }

    fn is_bool(&mut self, arg: &Expr, value: Option<bool>, negated: bool) -> Result<Bound> {
        let arg = Box::new(self.condition(arg)?);
        Ok(boolean(Node::IsBool { arg, value, negated }))
    }

    fn distinct_from(&mut self, left: &Expr, right: &Expr, negated: bool) -> Result<Bound> {
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        let (left, right) = self.comparable("=", left, right)?;
        Ok(boolean(Node::Distinct { left: Box::new(left), right: Box::new(right), negated }))
    }

    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Bound> {
        if matches!(op, BinaryOperator::And | BinaryOperator::Or) {
            let list = vec![self.condition(left)?, self.condition(right)?];
            return Ok(boolean(if *op == BinaryOperator::And { Node::And(list) } else { Node::Or(list) }));
        }
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        let symbol = symbol(op);
        if let Some(test) = test(&symbol) {
            return self.comparison(test, &symbol, left, right);
        }
        match symbol.as_str() {
            "||" => self.concat(left, right),
            "^@" => self.scalar("starts_with", vec![left, right]),
            symbol => self.arithmetic(symbol, left, right),
        }
    }

    fn unary(&mut self, op: &UnaryOperator, arg: &Expr) -> Result<Bound> {
        if *op == UnaryOperator::Not {
            return Ok(boolean(Node::Not(Box::new(self.condition(arg)?))));
        }
        let bound = self.expr(arg)?;
        match (op, bound.node) {
            (UnaryOperator::Plus, node) => Ok(Bound::new(node, bound.type_oid)),
            (UnaryOperator::Minus, Node::Const(Value::Int(int))) => {
                Ok(Bound::new(Node::Const(Value::Int(int.saturating_neg())), bound.type_oid))
            }
            (UnaryOperator::Minus, Node::Const(Value::Float(float))) => {
                Ok(Bound::new(Node::Const(Value::Float(-float)), bound.type_oid))
            }
            (UnaryOperator::Minus, node) => {
                let zero = Bound::new(Node::Const(Value::Int(0)), types::INT4);
                self.arithmetic("-", zero, Bound::new(node, bound.type_oid))
            }
            _ => Err(Error::unsupported(format!("the operator {op}"))),
        }
    }

    /// Binds a comparison or a pattern match.
    pub(super) fn comparison(&mut self, test: Test, symbol: &str, left: Bound, right: Bound) -> Result<Bound> {
        let (left, right) = match test {
            Test::Compare(_) => self.comparable(symbol, left, right)?,
            _ => self.texts(symbol, left, right)?,
        };
        Ok(boolean(Node::Test { test, left: Box::new(left), right: Box::new(right) }))
    }

    fn texts(&mut self, symbol: &str, left: Bound, right: Bound) -> Result<(Node, Node)> {
        let textual = |oid| matches!(types::family(oid), Family::Text | Family::Unknown) && oid != types::CHAR;
        if !textual(left.type_oid) || !textual(right.type_oid) {
            return Err(no_operator(symbol, left.type_oid, right.type_oid));
        }
        Ok((self.coerce(left, types::TEXT)?, self.coerce(right, types::TEXT)?))
    }

    /// Brings two operands of a comparison to types that compare.
    fn comparable(&mut self, symbol: &str, left: Bound, right: Bound) -> Result<(Node, Node)> {
        let (a, b) = (types::base(left.type_oid), types::base(right.type_oid));
        let both_time = types::family(a) == Family::Time && types::family(b) == Family::Time;
        let to = match (types::family(a), types::family(b)) {
            (Family::Unknown, Family::Unknown) => types::TEXT,
            (Family::Unknown, _) => b,
            (_, Family::Unknown) => a,
            _ if both_time && (a == types::TIMESTAMPTZ || b == types::TIMESTAMPTZ) => types::TIMESTAMPTZ,
            (x, y) if x == y => return Ok((left.node, right.node)),
            _ => return Err(no_operator(symbol, a, b)),
        };
        if types::family(to) == Family::Record && a != b {
            // A row of literals against a row of columns: each is of its own type.
            return Ok((left.node, right.node));
        }
        Ok((self.coerce(left, to)?, self.coerce(right, to)?))
    }

    fn in_list(&mut self, left: &Expr, list: &[Expr], negated: bool) -> Result<Bound> {
        let left = self.expr(left)?;
        let items: Result<Vec<Bound>> = list.iter().map(|item| self.expr(item)).collect();
        let items = items?;
        let kinds = items.iter().map(|item| item.type_oid).chain([left.type_oid]);
        let known = kinds.map(types::base).find(|&oid| oid != types::UNKNOWN).unwrap_or(types::TEXT);
        let mut nodes = Vec::new();
        let left = if left.type_oid == types::UNKNOWN { Bound::new(self.coerce(left, known)?, known) } else { left };
        for item in items {
            nodes.push(self.comparable("=", left.clone(), item)?.1);
        }
        Ok(boolean(Node::In { left: Box::new(left.node), list: nodes, negated }))
    }

    fn like(
        &mut self,
        text: &Expr,
        pattern: &Expr,
        escape: Option<&ValueWithSpan>,
        any: bool,
        ignore_case: bool,
        negated: bool,
    ) -> Result<Bound> {
        let test = Test::Like { ignore_case, negated };
        let symbol = if ignore_case { "~~*" } else { "~~" };
        let (left, right) = (self.expr(text)?, self.expr(pattern)?);
        if any {
            return self.any_array(left, test, symbol, false, right);
        }
        let Some(escape) = escape else { return self.comparison(test, symbol, left, right) };
        let (left, right) = self.texts(symbol, left, right)?;
        let escape = escape.value.clone().into_string().unwrap_or_default().chars().next();
        Ok(boolean(Node::LikeEscape { ignore_case, negated, escape, left: Box::new(left), right: Box::new(right) }))
    }

    fn any_or_all(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr, all: bool) -> Result<Bound> {
        let symbol = symbol(op);
        let test = test(&symbol).ok_or_else(|| Error::unsupported(format!("{symbol} ANY")))?;
        let left = self.expr(left)?;
        let mut inner = right;
        while let Expr::Nested(nested) = inner {
            inner = nested;
        }
        if let Expr::Subquery(query) = inner {
            return Ok(boolean(self.quantified(left, test, &symbol, all, query)?));
        }
        let right = self.expr(right)?;
        self.any_array(left, test, &symbol, all, right)
    }

    fn any_array(&mut self, left: Bound, test: Test, symbol: &str, all: bool, right: Bound) -> Result<Bound> {
        let right = if right.type_oid == types::UNKNOWN {
            let to = types::array_of(left.type_oid);
            Bound::new(self.coerce(right, to)?, to)
        } else {
            right
        };
        let Some(element) = types::element(right.type_oid) else {
            return Err(Error::new(Kind::DatatypeMismatch, "op ANY/ALL (array) requires array on right side"));
        };
        // Array constructors of bare literals were taken for text; their elements follow the left side.
        let literal_texts = matches!(&right.node, Node::Array(_))
            && element == types::TEXT
            && types::family(left.type_oid) != Family::Text;
        let (left, right) = if literal_texts && left.type_oid != types::UNKNOWN {
            let to = types::array_of(left.type_oid);
            (left.node, Node::Cast { from: right.type_oid, to, arg: Box::new(right.node) })
        } else {
            let probe = Bound::new(Node::Const(Value::Null), element);
            let (left, _) = match test {
                Test::Compare(_) => self.comparable(symbol, left, probe)?,
                _ => self.texts(symbol, left, probe)?,
            };
            (left, right.node)
        };
        Ok(boolean(Node::AnyArray { test, all, left: Box::new(left), right: Box::new(right) }))
    }

    fn quantified(&mut self, operand: Bound, op: Test, symbol: &str, all: bool, query: &AstQuery) -> Result<Node> {
        let (query, correlated) = self.subquery(query)?;
        let operand = match (&operand.node, query.columns.as_slice()) {
            (Node::Row(items), columns) if items.len() == columns.len() => operand.node,
            (_, [(_, type_oid)]) => {
                let probe = Bound::new(Node::Const(Value::Null), *type_oid);
                match op {
                    Test::Compare(_) => self.comparable(symbol, operand, probe)?.0,
                    _ => self.texts(symbol, operand, probe)?.0,
                }
            }
            (_, columns) => {
                let message =
                    if columns.is_empty() { "subquery has too few columns" } else { "subquery has too many columns" };
                return Err(Error::new(Kind::Syntax, message));
            }
        };
        let kind = SubqueryKind::Quantified { operand: Box::new(operand), op, all };
        let id = self.id();
        Ok(Node::Subquery(Arc::new(Subquery { kind, query, id, correlated })))
    }

    fn concat(&mut self, left: Bound, right: Bound) -> Result<Bound> {
        let (a, b) = (types::family(left.type_oid), types::family(right.type_oid));
        if a == Family::Array || b == Family::Array {
            let array = if a == Family::Array { left.type_oid } else { right.type_oid };
            let element = types::element(array).unwrap_or(types::TEXT);
            let mut side = |bound: Bound, family: Family| -> Result<Box<Node>> {
                Ok(Box::new(match family {
                    Family::Array => bound.node,
                    Family::Unknown => self.coerce(bound, array)?,
                    _ => Node::Array(vec![self.coerce(bound, element)?]),
                }))
            };
            return Ok(Bound::new(Node::Concat { left: side(left, a)?, right: side(right, b)? }, array));
        }
        let textual = |family| matches!(family, Family::Text | Family::Unknown);
        if !textual(a) && !textual(b) {
            return Err(no_operator("||", left.type_oid, right.type_oid));
        }
        let (left, right) = (self.cast(left, types::TEXT)?, self.cast(right, types::TEXT)?);
        Ok(Bound::new(Node::Concat { left: Box::new(left), right: Box::new(right) }, types::TEXT))
    }

    fn arithmetic(&mut self, symbol: &str, left: Bound, right: Bound) -> Result<Bound> {
        let op = match symbol {
            "+" => Arith::Add,
            "-" => Arith::Sub,
            "*" => Arith::Mul,
            "/" => Arith::Div,
            "%" => Arith::Mod,
            "&" => Arith::And,
            "|" => Arith::Or,
            "#" => Arith::Xor,
            "<<" => Arith::ShiftLeft,
            ">>" => Arith::ShiftRight,
            "^" => Arith::Power,
            other => return Err(Error::unsupported(format!("the operator {other} over the catalogs"))),
        };
        let (a, b) = (types::base(left.type_oid), types::base(right.type_oid));
        let (x, y) = (types::family(a), types::family(b));
        let interval_of =
            |other: Family| if other == Family::Time && op != Arith::Sub { types::INTERVAL } else { types::UNKNOWN };
        let (to_left, to_right, result) = match (x, y) {
            (Family::Number, Family::Number) => (a, b, number(op, a, b)),
            (Family::Unknown, Family::Number) => (b, b, number(op, b, b)),
            (Family::Number, Family::Unknown) => (a, a, number(op, a, a)),
            (Family::Time, Family::Number) if a == types::DATE => (a, b, a),
            (Family::Time, Family::Time) if op == Arith::Sub && a == types::DATE && b == types::DATE => {
                (a, b, types::INT4)
            }
            (Family::Time, Family::Time) if op == Arith::Sub => {
                let to = if a == types::TIMESTAMPTZ || b == types::TIMESTAMPTZ {
                    types::TIMESTAMPTZ
                } else {
                    types::TIMESTAMP
                };
                (to, to, types::INTERVAL)
            }
            (Family::Time, Family::Interval) => (a, b, if a == types::DATE { types::TIMESTAMP } else { a }),
            (Family::Interval, Family::Time) if op == Arith::Add => {
                (a, b, if b == types::DATE { types::TIMESTAMP } else { b })
            }
            (Family::Time, Family::Unknown) if interval_of(x) != types::UNKNOWN => (a, types::INTERVAL, a),
            (Family::Time, Family::Unknown) => (a, a, types::INTERVAL),
            (Family::Interval, Family::Interval) => (a, b, types::INTERVAL),
            (Family::Interval, Family::Number) | (Family::Number, Family::Interval) if op == Arith::Mul => {
                (a, b, types::INTERVAL)
            }
            _ => return Err(no_operator(symbol, a, b)),
        };
        let (left, right) = (Box::new(self.coerce(left, to_left)?), Box::new(self.coerce(right, to_right)?));
        Ok(Bound::new(Node::Arith { op, left, right }, result))
    }
}

fn number(op: Arith, a: u32, b: u32) -> u32 {
    if op == Arith::Power {
        return types::FLOAT8;
    }
    let wide = if functions::implicit(a, b) { b } else { a };
    if types::is_reg(wide) { types::OID } else { wide }
}

/// Returns the sign of an operator, without the schema of `OPERATOR(pg_catalog.~)`.
fn symbol(op: &BinaryOperator) -> String {
    match op {
        BinaryOperator::PGCustomBinaryOperator(path) => path.last().cloned().unwrap_or_default(),
        BinaryOperator::Custom(symbol) => symbol.clone(),
        other => other.to_string(),
    }
}

fn test(symbol: &str) -> Option<Test> {
    let regex = |ignore_case, negated| Test::Regex { ignore_case, negated };
    let like = |ignore_case, negated| Test::Like { ignore_case, negated };
    Some(match symbol {
        "=" | "==" => Test::Compare(Compare::Eq),
        "<>" | "!=" => Test::Compare(Compare::Ne),
        "<" => Test::Compare(Compare::Lt),
        "<=" => Test::Compare(Compare::Le),
        ">" => Test::Compare(Compare::Gt),
        ">=" => Test::Compare(Compare::Ge),
        "~" => regex(false, false),
        "~*" => regex(true, false),
        "!~" => regex(false, true),
        "!~*" => regex(true, true),
        "~~" => like(false, false),
        "~~*" => like(true, false),
        "!~~" => like(false, true),
        "!~~*" => like(true, true),
        _ => return None,
    })
}

fn no_operator(symbol: &str, left: u32, right: u32) -> Error {
    let name = |oid| types::format(oid, None).unwrap_or_else(|| "record".to_owned());
    let message = format!("operator does not exist: {} {symbol} {}", name(left), name(right));
    Error::new(Kind::UndefinedFunction, message)
        .hint("No operator matches the given name and argument types. You might need to add explicit type casts.")
}
