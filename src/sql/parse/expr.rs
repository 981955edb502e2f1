//! Expressions: what stands between operands.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, Expr, Ident, NormalizationForm, ObjectName, UnaryOperator, Value, ValueWithSpan,
};

use super::cursor::Parser;
use super::lexer::Tok;
use super::make::{call, private};
use super::operator::{Infix, binary, is_chained, level, level_of, unary};
use super::primary::Paren;
use crate::error::{Error, Result};

impl Parser<'_> {
    /// Any expression, that is no item of a select list.
    pub(super) fn expr(&mut self) -> Result<Expr> {
        self.unlabelled(|parser| parser.operand(level::LOWEST, false))
    }

    /// Expressions between commas.
    pub(super) fn exprs(&mut self) -> Result<Vec<Expr>> {
        self.list(Self::expr)
    }

    /// An expression without the operators that are words, as BETWEEN and POSITION have it.
    pub(super) fn plain_expr(&mut self) -> Result<Expr> {
        self.unlabelled(|parser| parser.operand(level::LOWEST, true))
    }

    /// An expression of operators that bind at least so tightly.
    pub(super) fn operand(&mut self, least: u8, restricted: bool) -> Result<Expr> {
        self.nested(|parser| {
            let left = parser.prefix(restricted)?;
            parser.climb(left, least, restricted)
        })
    }

    /// Goes on with an expression of which the first operand is read.
    pub(super) fn climb(&mut self, mut left: Expr, least: u8, restricted: bool) -> Result<Expr> {
        while let Some((infix, level)) = self.infix(restricted) {
            if level < least {
                break;
            }
            left = self.apply(left, infix, level, restricted)?;
        }
        Ok(left)
    }

    /// The operand right of an operator, behind which none of the same level may stand if they do not chain.
    fn right(&mut self, level: u8, restricted: bool) -> Result<Expr> {
        let right = self.operand(level + 1, restricted)?;
        if !is_chained(level) && self.infix(restricted).is_some_and(|(_, next)| next == level) {
            return Err(self.unexpected());
        }
        Ok(right)
    }

    fn prefix(&mut self, restricted: bool) -> Result<Expr> {
        match self.tok() {
            Tok::Op(op) if matches!(op.as_str(), "+" | "-") => {
                self.advance();
                let expr = self.operand(level::SIGN, restricted)?;
                let op = if op == "-" { UnaryOperator::Minus } else { UnaryOperator::Plus };
                Ok(Expr::UnaryOp { op, expr: Box::new(expr) })
            }
            Tok::Op(op) if level_of(op) == level::OTHER => {
                self.advance();
                let expr = self.operand(level::OTHER + 1, restricted)?;
                Ok(prefixed(op, expr))
            }
            Tok::Key(key) if key.word == "not" && !restricted => {
                self.advance();
                let expr = self.operand(level::NOT, false)?;
                Ok(match expr {
                    Expr::Exists { subquery, negated: false } => Expr::Exists { subquery, negated: true },
                    expr => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expr) },
                })
            }
            Tok::Key(key) if key.word == "operator" && super::cursor::is_mark(self.ahead(1), "(") => {
                let mut names = self.operator_name()?;
                let expr = self.operand(level::OTHER + 1, restricted)?;
                Ok(prefixed(&names.pop().unwrap_or_default(), expr))
            }
            Tok::Key(key) if key.word == "default" && !restricted => {
                Err(Parser::refuse("DEFAULT is not allowed in this context", self.position()))
            }
            _ => self.primary(),
        }
    }

    /// OPERATOR(schema.op)
    pub(super) fn operator_name(&mut self) -> Result<Vec<String>> {
        self.expect("operator")?;
        self.expect_mark("(")?;
        let mut names = Vec::new();
        loop {
            if let Tok::Op(op) = self.tok() {
                names.push(op.clone());
                self.advance();
                self.expect_mark(")")?;
                return Ok(names);
            }
            names.push(self.column_name()?.value);
            self.expect_mark(".")?;
        }
    }

    fn apply(&mut self, left: Expr, infix: Infix, level: u8, restricted: bool) -> Result<Expr> {
        let left = Box::new(left);
        match infix {
            Infix::Named => {
                let names = self.operator_name()?;
                self.operation(left, BinaryOperator::PGCustomBinaryOperator(names), level, restricted)
            }
            Infix::Is => {
                self.advance();
                self.is_test(*left, restricted)
            }
            Infix::Like { word, negated } => {
                if negated {
                    self.advance();
                }
                self.advance();
                self.like(left, word, negated)
            }
            Infix::Operator(op) => {
                self.advance();
                self.operation(left, binary(&op), level, restricted)
            }
            Infix::Or | Infix::And => {
                self.advance();
                let op = if infix == Infix::Or { BinaryOperator::Or } else { BinaryOperator::And };
                let right = Box::new(self.right(level, restricted)?);
                Ok(Expr::BinaryOp { left, op, right })
            }
            Infix::IsNull | Infix::NotNull => {
                self.advance();
                Ok(if infix == Infix::IsNull { Expr::IsNull(left) } else { Expr::IsNotNull(left) })
            }
            Infix::AtTimeZone => {
                self.advance();
                self.expect("time")?;
                self.expect("zone")?;
                let time_zone = Box::new(self.right(level, restricted)?);
                Ok(Expr::AtTimeZone { timestamp: left, time_zone })
            }
            Infix::Collate => {
                self.advance();
                Ok(Expr::Collate { expr: left, collation: self.qualified_name()? })
            }
            Infix::Cast => {
                self.advance();
                let data_type = self.type_name()?;
                Ok(Expr::Cast { kind: CastKind::DoubleColon, expr: left, data_type, array: false, format: None })
            }
        }
    }

    /// The right side of an operator: an operand, or ANY or ALL of something.
    fn operation(&mut self, left: Box<Expr>, op: BinaryOperator, level: u8, restricted: bool) -> Result<Expr> {
        if !restricted && self.is_any(&["any", "some", "all"]) {
            return self.any_or_all(left, op);
        }
        let right = Box::new(self.right(level, restricted)?);
        Ok(Expr::BinaryOp { left, op, right })
    }

    fn any_or_all(&mut self, left: Box<Expr>, compare_op: BinaryOperator) -> Result<Expr> {
        let (is_all, is_some) = (self.is("all"), self.is("some"));
        self.advance();
        let right = match self.parenthesised()? {
            Paren::Query(query) => Expr::Subquery(query),
            Paren::Expr(expr) => *expr,
            Paren::Row { comma, .. } => return Err(*comma),
        };
        let right = Box::new(right);
        Ok(match is_all {
            true => Expr::AllOp { left, compare_op, right },
            false => Expr::AnyOp { left, compare_op, right, is_some },
        })
    }

    fn is_test(&mut self, left: Expr, restricted: bool) -> Result<Expr> {
        let negated = self.accept("not");
        let inner = Box::new(left);
        let Tok::Key(key) = self.tok() else { return Err(self.unexpected()) };
        let word = key.word;
        self.advance();
        let made = match (word, negated) {
            ("null", false) => Expr::IsNull(inner),
            ("null", true) => Expr::IsNotNull(inner),
            ("true", false) => Expr::IsTrue(inner),
            ("true", true) => Expr::IsNotTrue(inner),
            ("false", false) => Expr::IsFalse(inner),
            ("false", true) => Expr::IsNotFalse(inner),
            ("unknown", false) => Expr::IsUnknown(inner),
            ("unknown", true) => Expr::IsNotUnknown(inner),
            ("distinct", _) => {
                self.expect("from")?;
                let right = Box::new(self.right(level::IS, restricted)?);
                match negated {
                    false => Expr::IsDistinctFrom(inner, right),
                    true => Expr::IsNotDistinctFrom(inner, right),
                }
            }
            ("document", _) => return Err(Error::unsupported("IS DOCUMENT")),
            ("normalized", _) => Expr::IsNormalized { expr: inner, form: None, negated },
            ("nfc" | "nfd" | "nfkc" | "nfkd", _) => {
                self.expect("normalized")?;
                let form = match word {
                    "nfc" => NormalizationForm::NFC,
                    "nfd" => NormalizationForm::NFD,
                    "nfkc" => NormalizationForm::NFKC,
                    _ => NormalizationForm::NFKD,
                };
                Expr::IsNormalized { expr: inner, form: Some(form), negated }
            }
            _ => {
                self.back();
                return Err(self.unexpected());
            }
        };
        Ok(made)
    }

    /// The right side of BETWEEN, IN, LIKE, ILIKE and SIMILAR TO.
    fn like(&mut self, expr: Box<Expr>, word: &str, negated: bool) -> Result<Expr> {
        match word {
            "between" => return self.between(expr, negated),
            "in" => return self.in_list(expr, negated),
            "similar" => {
                self.expect("to")?;
                let (pattern, escape) = self.pattern()?;
                let arguments = std::iter::once(pattern).chain(escape).collect();
                let op = if negated { BinaryOperator::PGRegexNotMatch } else { BinaryOperator::PGRegexMatch };
                let right = Box::new(call(private("similar_to_escape"), arguments));
                return Ok(Expr::BinaryOp { left: expr, op, right });
            }
            _ => {}
        }
        let fold = word == "ilike";
        if self.is_any(&["any", "some", "all"]) {
            let op = match (fold, negated) {
                (false, false) => BinaryOperator::PGLikeMatch,
                (false, true) => BinaryOperator::PGNotLikeMatch,
                (true, false) => BinaryOperator::PGILikeMatch,
                (true, true) => BinaryOperator::PGNotILikeMatch,
            };
            return self.any_or_all(expr, op);
        }
        let (pattern, escape) = self.pattern()?;
        let (pattern, escape_char) = match escape {
            Some(Expr::Value(value @ ValueWithSpan { value: Value::SingleQuotedString(_), .. })) => {
                (pattern, Some(value))
            }
            Some(escape) => (call(private("like_escape"), vec![pattern, escape]), None),
            None => (pattern, None),
        };
        let pattern = Box::new(pattern);
        Ok(match fold {
            false => Expr::Like { negated, any: false, expr, pattern, escape_char },
            true => Expr::ILike { negated, any: false, expr, pattern, escape_char },
        })
    }

    fn pattern(&mut self) -> Result<(Expr, Option<Expr>)> {
        let pattern = self.right(level::LIKE, false)?;
        let escape = match self.accept("escape") {
            true => Some(self.right(level::LIKE, false)?),
            false => None,
        };
        Ok((pattern, escape))
    }

    fn between(&mut self, expr: Box<Expr>, negated: bool) -> Result<Expr> {
        let symmetric = self.accept("symmetric");
        if !symmetric {
            self.accept("asymmetric");
        }
        let low = Box::new(self.plain_expr()?);
        self.expect("and")?;
        let high = Box::new(self.right(level::LIKE, false)?);
        let one = Expr::Between { expr: expr.clone(), negated, low: low.clone(), high: high.clone() };
        if !symmetric {
            return Ok(one);
        }
        let other = Expr::Between { expr, negated, low: high, high: low };
        let op = if negated { BinaryOperator::And } else { BinaryOperator::Or };
        let both = Expr::BinaryOp { left: Box::new(one), op, right: Box::new(other) };
        Ok(Expr::Nested(Box::new(both)))
    }

    fn in_list(&mut self, expr: Box<Expr>, negated: bool) -> Result<Expr> {
        Ok(match self.parenthesised()? {
            Paren::Query(subquery) => Expr::InSubquery { expr, subquery, negated },
            Paren::Expr(one) => Expr::InList { expr, list: vec![*one], negated },
            Paren::Row { list, .. } => Expr::InList { expr, list, negated },
        })
    }
}

/// An operator before its operand.
fn prefixed(op: &str, expr: Expr) -> Expr {
    match unary(op) {
        Some(op) => Expr::UnaryOp { op, expr: Box::new(expr) },
        None => {
            let name = ObjectName::from(vec![Ident::new("pg_catalog"), Ident::with_quote('"', format!("prefix {op}"))]);
            call(name, vec![expr])
        }
    }
}
