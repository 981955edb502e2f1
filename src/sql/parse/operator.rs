//! Operators by their text, and how tightly what stands between two operands binds.

use datafusion::sql::sqlparser::ast::{BinaryOperator as B, UnaryOperator as U};

use super::cursor::{Parser, is_key, is_mark};
use super::lexer::Tok;

/// How tightly operators bind, in PostgreSQL's order.
pub(super) mod level {
    pub(in super::super) const LOWEST: u8 = 0;
    pub(in super::super) const OR: u8 = 1;
    pub(in super::super) const AND: u8 = 2;
    pub(in super::super) const NOT: u8 = 3;
    pub(in super::super) const IS: u8 = 4;
    pub(in super::super) const COMPARISON: u8 = 5;
    pub(in super::super) const LIKE: u8 = 6;
    pub(in super::super) const OTHER: u8 = 7;
    pub(in super::super) const ADD: u8 = 8;
    pub(in super::super) const MULTIPLY: u8 = 9;
    pub(in super::super) const POWER: u8 = 10;
    pub(in super::super) const AT: u8 = 11;
    pub(in super::super) const COLLATE: u8 = 12;
    pub(in super::super) const SIGN: u8 = 13;
    pub(in super::super) const CAST: u8 = 14;
}

/// What stands between two operands, or behind one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Infix {
    Or,
    And,
    Is,
    IsNull,
    NotNull,
    /// BETWEEN, IN, LIKE, ILIKE or SIMILAR, with NOT before it or not.
    Like {
        word: &'static str,
        negated: bool,
    },
    Operator(String),
    /// OPERATOR(…)
    Named,
    AtTimeZone,
    Collate,
    Cast,
}

/// Levels whose operators do not stand in a row.
pub(super) fn is_chained(level: u8) -> bool {
    !matches!(level, level::IS | level::COMPARISON | level::LIKE)
}

/// The level of a symbol.
pub(super) fn level_of(op: &str) -> u8 {
    match op {
        "<" | ">" | "=" | "<=" | ">=" | "<>" => level::COMPARISON,
        "+" | "-" => level::ADD,
        "*" | "/" | "%" => level::MULTIPLY,
        "^" => level::POWER,
        _ => level::OTHER,
    }
}

impl Parser<'_> {
    /// What stands here between operands; `restricted` is the form of the lower bound of BETWEEN.
    pub(super) fn infix(&self, restricted: bool) -> Option<(Infix, u8)> {
        let found = match self.tok() {
            Tok::Mark("::") => (Infix::Cast, level::CAST),
            Tok::Op(op) => (Infix::Operator(op.clone()), level_of(op)),
            Tok::Key(key) => {
                let found = match key.word {
                    "operator" if is_mark(self.ahead(1), "(") => return Some((Infix::Named, level::OTHER)),
                    "is" if restricted => {
                        let word = self.ahead(1 + usize::from(self.is_ahead(1, "not")));
                        let fits = is_key(word, "distinct") || is_key(word, "document");
                        return fits.then_some((Infix::Is, level::IS));
                    }
                    _ if restricted => return None,
                    "or" => (Infix::Or, level::OR),
                    "and" => (Infix::And, level::AND),
                    "is" => (Infix::Is, level::IS),
                    "isnull" => (Infix::IsNull, level::IS),
                    "notnull" => (Infix::NotNull, level::IS),
                    "not" => match self.ahead(1) {
                        Tok::Key(next) => (like(next.word, true)?, level::LIKE),
                        _ => return None,
                    },
                    "similar" if !self.is_ahead(1, "to") => return None,
                    "at" if self.is_ahead(1, "time") => (Infix::AtTimeZone, level::AT),
                    "collate" => (Infix::Collate, level::COLLATE),
                    word => (like(word, false)?, level::LIKE),
                };
                if self.labels && key.bare_label && ends_item(self.ahead(1)) {
                    return None;
                }
                found
            }
            _ => return None,
        };
        Some(found)
    }
}

fn like(word: &'static str, negated: bool) -> Option<Infix> {
    matches!(word, "between" | "in" | "like" | "ilike" | "similar").then_some(Infix::Like { word, negated })
}

/// What follows an item of a select list, so that a key word before it can only be a label.
fn ends_item(tok: &Tok) -> bool {
    matches!(tok, Tok::Mark(",")) || ends_targets(tok)
}

/// What follows a select list.
pub(super) fn ends_targets(tok: &Tok) -> bool {
    match tok {
        Tok::End | Tok::Mark(")" | ";") => true,
        Tok::Key(key) => matches!(
            key.word,
            "from"
                | "into"
                | "where"
                | "group"
                | "having"
                | "window"
                | "union"
                | "except"
                | "intersect"
                | "order"
                | "limit"
                | "offset"
                | "fetch"
                | "for"
        ),
        _ => false,
    }
}

/// The operator of two operands with a text.
pub(super) fn binary(op: &str) -> B {
    match op {
        "+" => B::Plus,
        "-" => B::Minus,
        "*" => B::Multiply,
        "/" => B::Divide,
        "%" => B::Modulo,
        "^" => B::PGExp,
        "||" => B::StringConcat,
        ">" => B::Gt,
        "<" => B::Lt,
        ">=" => B::GtEq,
        "<=" => B::LtEq,
        "=" => B::Eq,
        "<>" => B::NotEq,
        "|" => B::BitwiseOr,
        "&" => B::BitwiseAnd,
        "#" => B::PGBitwiseXor,
        "<<" => B::PGBitwiseShiftLeft,
        ">>" => B::PGBitwiseShiftRight,
        "&&" => B::PGOverlap,
        "~" => B::PGRegexMatch,
        "~*" => B::PGRegexIMatch,
        "!~" => B::PGRegexNotMatch,
        "!~*" => B::PGRegexNotIMatch,
        "~~" => B::PGLikeMatch,
        "~~*" => B::PGILikeMatch,
        "!~~" => B::PGNotLikeMatch,
        "!~~*" => B::PGNotILikeMatch,
        "^@" => B::PGStartsWith,
        "->" => B::Arrow,
        "->>" => B::LongArrow,
        "#>" => B::HashArrow,
        "#>>" => B::HashLongArrow,
        "@@" => B::AtAt,
        "@>" => B::AtArrow,
        "<@" => B::ArrowAt,
        "#-" => B::HashMinus,
        "@?" => B::AtQuestion,
        "?" => B::Question,
        "?&" => B::QuestionAnd,
        "?|" => B::QuestionPipe,
        "##" => B::DoubleHash,
        "<->" => B::LtDashGt,
        "&<" => B::AndLt,
        "&>" => B::AndGt,
        "<<|" => B::LtLtPipe,
        "|>>" => B::PipeGtGt,
        "&<|" => B::AndLtPipe,
        "|&>" => B::PipeAndGt,
        "<^" => B::LtCaret,
        ">^" => B::GtCaret,
        "?#" => B::QuestionHash,
        "?-" => B::QuestionDash,
        "?-|" => B::QuestionDashPipe,
        "?||" => B::QuestionDoublePipe,
        "~=" => B::TildeEq,
        other => B::Custom(other.to_owned()),
    }
}

/// The operator of one operand with a text, where the syntax tree has it.
pub(super) fn unary(op: &str) -> Option<U> {
    Some(match op {
        "+" => U::Plus,
        "-" => U::Minus,
        "~" => U::BitwiseNot,
        "@" => U::PGAbs,
        "|/" => U::PGSquareRoot,
        "||/" => U::PGCubeRoot,
        "!!" => U::PGPrefixFactorial,
        "@-@" => U::AtDashAt,
        "@@" => U::DoubleAt,
        "#" => U::Hash,
        "?-" => U::QuestionDash,
        "?|" => U::QuestionPipe,
        _ => return None,
    })
}
