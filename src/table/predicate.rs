//! Engine expression → what follows from it for single columns. Pure; knows no vendor.
//!
//! A predicate is read twice over: what follows if it is *true*, and, below a NOT, what follows if it is *false*. Under
//! SQL's three-valued logic that is all De Morgan needs, and a row for which the predicate is NULL belongs to neither.
//!
//! Invariant: every row for which the predicate is true satisfies every condition. What is not understood gives no
//! condition, never a wrong one. `exact` is the converse, and only then may a filter be taken from the engine.

use datafusion::arrow::array::timezone::Tz;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{InList, Like, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

mod atom;
mod constant;
mod document;
pub(crate) mod facts;
mod invert;
mod pattern;
mod real;
mod spans;
mod term;
mod words;
mod zone;

use self::document::Held;
use self::facts::Facts;
use self::invert::{Wanted, compared, invert, mirrored};
use self::pattern::Words;
use self::spans::Spans;
use self::term::{Kind, Terms, literal, text};
use crate::model::filter::{Atom, Condition};
use crate::model::table::Table;

/// What follows from one conjunct of a WHERE clause.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// Conditions that every row satisfies for which the conjunct is true. Of one column, or path in it, there may be
    /// several that no one atom says together: patterns, a range and exceptions from it.
    pub conditions: Vec<Condition>,
    /// Whether they say all of the conjunct: every row that satisfies them makes it true.
    pub exact: bool,
    /// If the conjunct is a disjunction of conditions over two or more columns or paths, all of these: it is true
    /// exactly where any of them holds. Else none.
    pub alternatives: Vec<Condition>,
    /// The table's columns that the conjunct mentions, in their order.
    pub columns: Vec<&'static str>,
}

/// Reads one conjunct over a table whose times are in the session's zone.
///
/// `status_code / 100 = 4` → `status_code BETWEEN 400 AND 499`, exact; `lower(model) LIKE '%mini%'` →
/// `model ILIKE '%mini%'`, exact; `created_at::date = '2026-05-01'` → that day in `zone`; `cost * 100.0 > 5` →
/// `cost >= 0.0499…`, not exact; `(scores->>'n')::int > 4` → `5` and more at the path `n` of `scores`;
/// `length(model) > 3` → nothing.
pub fn read(table: &Table, zone: Tz, expr: &Expr) -> Read {
    let Some(first) = table.columns.first() else {
        return Read { conditions: Vec::new(), exact: false, alternatives: Vec::new(), columns: Vec::new() };
    };
    let reader = Reader { terms: Terms { table, zone }, fallback: first.name };
    let facts = reader.when(expr, true);
    let columns = table.columns.iter().map(|column| column.name).filter(|name| mentions(expr, name)).collect();
    Read { conditions: facts.conditions, exact: facts.exact, alternatives: facts.alternatives, columns }
}

/// Whether an expression refers to a column of that name.
pub fn mentions(expr: &Expr, column: &str) -> bool {
    expr.column_refs().iter().any(|reference| reference.name == column)
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    terms: Terms<'a>,
    /// Where a contradiction is put down that is over no column.
    fallback: &'static str,
}

impl Reader<'_> {
    /// What follows if `expr` is true (or, with `truth` false, if it is false; neither if it is NULL).
    fn when(self, expr: &Expr, truth: bool) -> Facts {
        match expr {
            Expr::Alias(alias) => self.when(&alias.expr, truth),
            Expr::Not(inner) => self.when(inner, !truth),
            Expr::Literal(ScalarValue::Boolean(Some(value)), _) if *value == truth => Facts::always(),
            Expr::Literal(value, _) if value.is_null() || matches!(value, ScalarValue::Boolean(_)) => {
                Facts::never(self.fallback)
            }
            Expr::BinaryExpr(BinaryExpr { op: op @ (Operator::And | Operator::Or), .. }) => {
                self.connective(expr, *op, truth)
            }
            Expr::BinaryExpr(binary) => self.binary(binary, truth),
            Expr::Like(like) => self.like(like, truth),
            Expr::InList(list) => self.in_list(list, truth),
            // These are never NULL. What they say of a NULL inside can be told for a plain term alone.
            Expr::IsTrue(inner) if truth => self.when(inner, true),
            Expr::IsFalse(inner) if truth => self.when(inner, false),
            Expr::IsNotTrue(inner) if !truth => self.when(inner, true),
            Expr::IsNotFalse(inner) if !truth => self.when(inner, false),
            Expr::IsNull(inner) | Expr::IsUnknown(inner) => self.null(inner, truth),
            Expr::IsNotNull(inner) | Expr::IsNotUnknown(inner) => self.null(inner, !truth),
            Expr::ScalarFunction(call) => self.function(expr, call, truth),
            Expr::Column(_) | Expr::Case(_) => self.compare(expr, Operator::Eq, &ScalarValue::Boolean(Some(truth))),
            _ => Facts::unknown(),
        }
    }

    /// A chain of ANDs or ORs. Chains are as long as clients write them, so they are walked without recursion.
    fn connective(self, expr: &Expr, op: Operator, truth: bool) -> Facts {
        let mut open = vec![expr];
        let mut parts = Vec::new();
        while let Some(part) = open.pop() {
            match part {
                Expr::BinaryExpr(binary) if binary.op == op => open.extend([&*binary.right, &*binary.left]),
                part => parts.push(self.when(part, truth)),
            }
        }
        match (op == Operator::And) == truth {
            true => Facts::all(parts),
            false => Facts::any(parts, self.fallback),
        }
    }

    fn binary(self, binary: &BinaryExpr, truth: bool) -> Facts {
        let BinaryExpr { left, op, right } = binary;
        let op = match truth {
            true => Some(*op),
            false => op.negate(),
        };
        match (op, literal(left), literal(right)) {
            (Some(op), None, Some(constant)) => self.compare(left, op, &constant),
            (Some(op), Some(constant), None) => self.compare(right, mirrored(op), &constant),
            _ => Facts::unknown(),
        }
    }

    /// A comparison of a term with a constant that has to be true.
    fn compare(self, expr: &Expr, op: Operator, constant: &ScalarValue) -> Facts {
        match (op, constant) {
            (Operator::IsNotDistinctFrom, constant) if constant.is_null() => return self.null(expr, true),
            (Operator::IsDistinctFrom, constant) if constant.is_null() => return self.null(expr, false),
            (Operator::IsDistinctFrom, _) => {
                return match self.terms.read(expr) {
                    Some(term) if term.is_never_null() => self.compare(expr, Operator::NotEq, constant),
                    _ => Facts::unknown(),
                };
            }
            (_, constant) if constant.is_null() && is_comparison(op) => return Facts::never(self.fallback),
            _ => {}
        }
        let op = if op == Operator::IsNotDistinctFrom { Operator::Eq } else { op };
        let Some(term) = self.terms.read(expr) else {
            return match (op, constant) {
                (Operator::Eq, ScalarValue::Boolean(Some(truth))) if !is_value(expr) => self.when(expr, *truth),
                (Operator::NotEq, ScalarValue::Boolean(Some(truth))) if !is_value(expr) => self.when(expr, !*truth),
                _ => Facts::unknown(),
            };
        };
        let op = match (op, constant) {
            // Of two truth values, the other one.
            (Operator::NotEq, ScalarValue::Boolean(Some(truth))) => {
                return self.compare(expr, Operator::Eq, &ScalarValue::Boolean(Some(!*truth)));
            }
            (op, _) => op,
        };
        match compared(term, op, constant) {
            Some((term, wanted, exact)) => invert(&term, wanted, exact),
            None => Facts::unknown(),
        }
    }

    fn like(self, like: &Like, truth: bool) -> Facts {
        let escape = like.escape_char.unwrap_or('\\');
        self.matching(&like.expr, &like.pattern, truth != like.negated, |text| {
            Some(pattern::like(text, escape, like.case_insensitive))
        })
    }

    /// A text term against a pattern.
    fn matching(
        self,
        subject: &Expr,
        pattern: &Expr,
        truth: bool,
        parse: impl FnOnce(&str) -> Option<(Words, bool)>,
    ) -> Facts {
        if literal(pattern).is_some_and(|value| value.is_null()) {
            return Facts::never(self.fallback);
        }
        match (self.terms.read(subject), text(pattern)) {
            (Some(term), Some(pattern)) if matches!(term.kind, Kind::Text) => match parse(&pattern) {
                Some((words, exact)) if truth => invert(&term, Wanted::Words(words), exact),
                _ => invert(&term, Wanted::Any, false),
            },
            _ => Facts::unknown(),
        }
    }

    fn in_list(self, list: &InList, truth: bool) -> Facts {
        let Some(constants) = list.list.iter().map(literal).collect::<Option<Vec<_>>>() else {
            return Facts::unknown();
        };
        if truth == list.negated {
            // x NOT IN (…, NULL) is never true.
            let null = constants.iter().any(ScalarValue::is_null);
            return match null {
                true => Facts::never(self.fallback),
                false => Facts::all(
                    constants.iter().map(|constant| self.compare(&list.expr, Operator::NotEq, constant)).collect(),
                ),
            };
        }
        let branches = constants.iter().map(|constant| self.compare(&list.expr, Operator::Eq, constant)).collect();
        Facts::any(branches, self.fallback)
    }

    /// `IS NULL` if `null`, else `IS NOT NULL`.
    fn null(self, expr: &Expr, null: bool) -> Facts {
        let Some(term) = self.terms.read(expr) else { return Facts::unknown() };
        match null {
            // A JSON null is no NULL, but its text is; where there is a part, there is a document.
            true if matches!(term.kind, Kind::Json) && !term.path.is_empty() => {
                Facts::one(term.condition(Atom::Null), false)
            }
            false if matches!(term.kind, Kind::Json) && !term.path.is_empty() => {
                Facts::one(Condition::of(term.column.name, Atom::NotNull), false)
            }
            false => invert(&term, Wanted::Any, true),
            true if term.goes_by_words() => Facts::unknown(),
            true => Facts::one(term.condition(Atom::Null), true),
        }
    }

    /// A document that holds texts, or, without `truth`, does not.
    fn held(self, held: Held<'_>, truth: bool) -> Facts {
        let Some(term) = self.terms.read(held.document).filter(|term| matches!(term.kind, Kind::Json)) else {
            return Facts::unknown();
        };
        let column = |atom: Atom, exact: bool| Facts::one(Condition::of(term.column.name, atom), exact);
        if !truth || !term.path.is_empty() || held.texts.is_empty() {
            return column(Atom::NotNull, false);
        }
        Facts::all(held.texts.into_iter().map(|text| column(Atom::Element(text), held.exact)).collect())
    }

    fn function(self, expr: &Expr, call: &ScalarFunction, truth: bool) -> Facts {
        if let Some(held) = document::read(call.name(), &call.args) {
            return self.held(held, truth);
        }
        let name = call.name();
        let (subject, other) = match call.args.as_slice() {
            [_] if name == BOOL => return self.compare(expr, Operator::Eq, &ScalarValue::Boolean(Some(truth))),
            [subject, other] => (subject, other),
            _ => return Facts::unknown(),
        };
        let truth = truth != name.starts_with('!');
        match name {
            "~~" | "!~~" => self.matching(subject, other, truth, |text| Some(pattern::like(text, '\\', false))),
            "~~*" | "!~~*" => self.matching(subject, other, truth, |text| Some(pattern::like(text, '\\', true))),
            "~" | "!~" => self.matching(subject, other, truth, |text| pattern::regex(text, false)),
            "~*" | "!~*" => self.matching(subject, other, truth, |text| pattern::regex(text, true)),
            "starts_with" | "^@" => {
                self.matching(subject, other, truth, |text| Some((pattern::piece(text, true, false, false), true)))
            }
            _ => Facts::unknown(),
        }
    }
}

/// The cast to a truth value.
const BOOL: &str = "bool";

fn is_comparison(op: Operator) -> bool {
    Spans::compare(op, 0).is_some()
}

/// Whether an expression is a value that [`Reader::when`] would compare with a truth value again.
fn is_value(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) | Expr::Case(_) => true,
        Expr::ScalarFunction(call) => call.name() == BOOL && call.args.len() == 1,
        _ => false,
    }
}
