//! Operators that are not comparisons.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Expr, Operator, binary_expr};
use datafusion::sql::sqlparser::ast::{self, BinaryOperator, UnaryOperator};
use datafusion::sql::sqlparser::tokenizer::Location;

use super::Analyzer;
use super::compare::no_operator;
use super::expr::{Clause, Context};
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::Function;
use crate::function::datum::Datum;
use crate::function::registry::operators;
use crate::function::resolve::{Choice, Failure, choose, choose_operator};
use crate::pgtype::types::PgType;
use crate::sql::scalar::Declaration;

/// A comparison, if the operator is one.
pub(super) fn comparison(op: &BinaryOperator) -> Option<Operator> {
    Some(match op {
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::LtEq,
        BinaryOperator::Gt => Operator::Gt,
        BinaryOperator::GtEq => Operator::GtEq,
        BinaryOperator::PGCustomBinaryOperator(parts) => match parts.last().map(String::as_str) {
            Some("=") => Operator::Eq,
            Some("<>" | "!=") => Operator::NotEq,
            Some("<") => Operator::Lt,
            Some("<=") => Operator::LtEq,
            Some(">") => Operator::Gt,
            Some(">=") => Operator::GtEq,
            _ => return None,
        },
        _ => return None,
    })
}

/// The symbol as `pg_operator` has it.
pub(super) fn symbol(op: &BinaryOperator) -> String {
    match op {
        BinaryOperator::PGCustomBinaryOperator(parts) => parts.last().cloned().unwrap_or_default(),
        BinaryOperator::PGExp => "^".to_owned(),
        BinaryOperator::PGBitwiseXor => "#".to_owned(),
        op => op.to_string(),
    }
}

impl Analyzer<'_> {
    /// `left op right`.
    pub(super) fn binary(
        &self,
        context: &Context<'_>,
        left: &ast::Expr,
        op: &BinaryOperator,
        right: &ast::Expr,
    ) -> Result<Typed> {
        if matches!(op, BinaryOperator::And | BinaryOperator::Or) {
            return self.connective(context, left, op, right, Use::Value);
        }
        let one = self.expr(context, left)?;
        let other = match (right, &one.fields) {
            (ast::Expr::Subquery(query), Some(_)) => self.row_subquery(context, query)?,
            _ => self.expr(context, right)?,
        };
        if let Some(op) = comparison(op) {
            return self.compare(op, one, other);
        }
        self.operate(&symbol(op), one, other)
    }

    /// What a row must satisfy to count, of WHERE, HAVING or ON.
    pub(super) fn condition(&self, context: &Context<'_>, expr: &ast::Expr) -> Result<Typed> {
        match expr {
            ast::Expr::Nested(inner) => self.condition(context, inner),
            ast::Expr::BinaryOp { left, op: op @ (BinaryOperator::And | BinaryOperator::Or), right } => {
                let joined = self.connective(context, left, op, right, Use::Condition);
                joined.map_err(|error| self.located(error, expr))
            }
            other => self.expr(context, other),
        }
    }

    /// A chain of ANDs or ORs. They are as long as clients write them, so they are walked without recursion.
    fn connective(
        &self,
        context: &Context<'_>,
        left: &ast::Expr,
        op: &BinaryOperator,
        right: &ast::Expr,
        used: Use,
    ) -> Result<Typed> {
        let what = if *op == BinaryOperator::And { "AND" } else { "OR" };
        let mut open = vec![right, left];
        let mut parts = Vec::new();
        while let Some(part) = open.pop() {
            match part {
                ast::Expr::BinaryOp { left, op: own, right } if own == op => open.extend([&**right, &**left]),
                part => {
                    let typed = match used {
                        Use::Condition => self.condition(context, part)?,
                        Use::Value => self.expr(context, part)?,
                    };
                    parts.push(self.boolean(typed.placed_at(part), what)?);
                }
            }
        }
        let op = if *op == BinaryOperator::And { Operator::And } else { Operator::Or };
        if op == Operator::And && used == Use::Value && parts.iter().filter(|part| has_list(&part.expr)).count() > 1 {
            // The simplifier takes `x IN (1) AND x IN (2)` for false, also where x is NULL (`inlist_intersection` and
            // `inlist_except` of DataFusion 55.2; #24258 mends it).
            for part in parts.iter_mut().skip(1) {
                part.expr = crate::sql::scalar::kept(std::mem::take(&mut part.expr));
            }
        }
        let joined = self.joined(op, parts);
        let chains = match context.clause {
            Clause::GroupBy => Some(&self.chains),
            Clause::Select => Some(&self.listed_chains),
            _ => None,
        };
        if let Some(chains) = chains.filter(|_| !is_symmetric(left, right)) {
            chains.borrow_mut().push(joined.expr.clone());
        }
        Ok(joined)
    }

    /// Conditions joined by AND or OR.
    pub(super) fn joined(&self, op: Operator, parts: Vec<Typed>) -> Typed {
        let is_constant = parts.iter().all(|part| part.value.is_some());
        if is_constant {
            let absorbing = op == Operator::Or;
            let truths: Vec<Option<bool>> = parts
                .iter()
                .map(|part| match part.value {
                    Some(Datum::Bool(truth)) => Some(truth),
                    _ => None,
                })
                .collect();
            let value = if truths.contains(&Some(absorbing)) {
                Datum::Bool(absorbing)
            } else if truths.contains(&None) {
                Datum::Null
            } else {
                Datum::Bool(!absorbing)
            };
            if let Ok(constant) = self.constant(PgType::Bool, value) {
                return constant;
            }
        }
        let exprs = parts.into_iter().map(|part| match op {
            Operator::Or => spread(part.expr),
            _ => part.expr,
        });
        let joined = exprs.reduce(|one, other| binary_expr(one, op, other));
        Typed::new(joined.unwrap_or_else(|| datafusion::logical_expr::lit(op == Operator::And)), PgType::Bool)
    }

    /// An operator by its symbol.
    pub(super) fn operate(&self, symbol: &str, left: Typed, right: Typed) -> Result<Typed> {
        let place = left.place;
        let chosen = choose_operator(operators(symbol), left.ty, right.ty);
        let choice = chosen.map_err(|failure| self.at(refusal(failure, symbol, Some(left.ty), right.ty), place))?;
        Ok(self.apply(&choice, vec![left, right])?.placed(place))
    }

    /// A prefix operator by its symbol.
    pub(super) fn prefix(&self, symbol: &str, operand: Typed) -> Result<Typed> {
        let place = operand.place;
        let choice = choose(operators(symbol), &[operand.ty])
            .map_err(|failure| self.at(refusal(failure, symbol, None, operand.ty), place))?;
        Ok(self.apply(&choice, vec![operand])?.placed(place))
    }

    /// A call of a chosen function.
    pub(super) fn apply(&self, choice: &Choice<Function>, args: Vec<Typed>) -> Result<Typed> {
        let args = args.into_iter().zip(&choice.args).map(|(arg, ty)| self.implicit(arg, *ty));
        let args = args.collect::<Result<Vec<_>>>()?;
        let function = choice.target;
        let declaration = Declaration {
            name: function.name.to_owned(),
            args: choice.args.clone(),
            result: choice.result,
            strict: function.strict,
            volatile: function.volatile,
            tag: String::new(),
        };
        self.row_call(declaration, Arc::new(function.call), args)
    }

    /// `op operand`.
    pub(super) fn unary(&self, context: &Context<'_>, op: UnaryOperator, operand: &ast::Expr) -> Result<Typed> {
        // -2147483648 is an integer, though 2147483648 is none.
        if let (UnaryOperator::Minus, ast::Expr::Value(value)) = (op, operand)
            && let ast::Value::Number(digits, _) = &value.value
        {
            let negative = ast::Value::Number(format!("-{digits}"), false);
            let literal = ast::ValueWithSpan { value: negative, span: value.span };
            return self.literal(&literal);
        }
        let typed = self.expr(context, operand)?;
        let symbol = match op {
            UnaryOperator::Not => {
                let typed = self.boolean(typed.placed_at(operand), "NOT")?;
                return self.negated(typed);
            }
            UnaryOperator::Plus => "+",
            UnaryOperator::Minus => "-",
            UnaryOperator::BitwiseNot => "~",
            UnaryOperator::PGSquareRoot => "|/",
            UnaryOperator::PGCubeRoot => "||/",
            UnaryOperator::PGAbs => "@",
            other => {
                let message = format!("operator does not exist: {other} {}", typed.ty.name());
                return Err(self.located(Error::new(Kind::UndefinedFunction, message), operand));
            }
        };
        self.prefix(symbol, typed)
    }

    /// NOT.
    pub(super) fn negated(&self, typed: Typed) -> Result<Typed> {
        match &typed.value {
            Some(Datum::Bool(truth)) => self.constant(PgType::Bool, Datum::Bool(!truth)),
            Some(_) => self.constant(PgType::Bool, Datum::Null),
            None => Ok(Typed::new(opposite(typed.expr), PgType::Bool)),
        }
    }
}

impl Typed {
    /// With the place of the tree's node, if it has none yet.
    pub(super) fn placed_at(self, part: &impl ast::Spanned) -> Typed {
        match self.place == Location::empty() {
            true => {
                let place = part.span().start;
                self.placed(place)
            }
            false => self,
        }
    }
}

/// Whether these are the halves of a BETWEEN SYMMETRIC.
fn is_symmetric(left: &ast::Expr, right: &ast::Expr) -> bool {
    match (left, right) {
        (
            ast::Expr::Between { expr: one, low, high, .. },
            ast::Expr::Between { expr: other, low: top, high: bottom, .. },
        ) => one == other && low == bottom && high == top,
        _ => false,
    }
}

/// What becomes of the truth of an AND or OR.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// False and NULL are the same: the row does not count.
    Condition,
    Value,
}

/// Whether an expression compares something with a list, or may come to.
fn has_list(expr: &Expr) -> bool {
    let is_list = |expr: &Expr| match expr {
        Expr::InList(_) => true,
        Expr::BinaryExpr(both) => both.op == Operator::Or,
        _ => false,
    };
    expr.exists(|expr| Ok(is_list(expr))).unwrap_or(true)
}

/// The most values of a NOT IN that are written out.
const MOST_SPREAD: usize = 64;

/// NOT IN as comparisons. The engine takes `x NOT IN (1) OR x NOT IN (2)` for true, also where x is NULL
/// (`inlist_intersection` of DataFusion 55.2's simplifier), so an OR has none.
pub(super) fn spread(expr: Expr) -> Expr {
    match expr {
        Expr::InList(list) if list.negated && (1..=MOST_SPREAD).contains(&list.list.len()) => {
            let differs = |item: Expr| binary_expr((*list.expr).clone(), Operator::NotEq, item);
            let all = list.list.into_iter().map(differs).reduce(|one, other| binary_expr(one, Operator::And, other));
            all.unwrap_or_else(|| datafusion::logical_expr::lit(true))
        }
        Expr::Not(inner) => match *inner {
            Expr::InList(mut list) => {
                list.negated = !list.negated;
                spread(Expr::InList(list))
            }
            Expr::BinaryExpr(both) if matches!(both.op, Operator::And | Operator::Or) => {
                let op = if both.op == Operator::And { Operator::Or } else { Operator::And };
                binary_expr(spread(Expr::Not(both.left)), op, spread(Expr::Not(both.right)))
            }
            Expr::BinaryExpr(both) => match both.op.negate() {
                Some(op) => binary_expr(*both.left, op, *both.right),
                None => Expr::Not(Box::new(Expr::BinaryExpr(both))),
            },
            other => Expr::Not(Box::new(other)),
        },
        other => other,
    }
}

/// NOT, drawn into what has a negation of its own.
fn opposite(expr: Expr) -> Expr {
    match expr {
        Expr::InSubquery(mut within) => {
            within.negated = !within.negated;
            Expr::InSubquery(within)
        }
        Expr::Exists(mut exists) => {
            exists.negated = !exists.negated;
            Expr::Exists(exists)
        }
        other => Expr::Not(Box::new(other)),
    }
}

fn refusal(failure: Failure, symbol: &str, left: Option<PgType>, right: PgType) -> Error {
    let missing = no_operator(symbol, left, right);
    match failure {
        Failure::Missing => missing,
        Failure::Ambiguous => {
            let message = missing.message.replace("operator does not exist", "operator is not unique");
            Error::new(Kind::AmbiguousFunction, message)
                .hint("Could not choose a best candidate operator. You might need to add explicit type casts.")
        }
    }
}
