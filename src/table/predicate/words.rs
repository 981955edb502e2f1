//! CASE over one text: `CASE status WHEN 'SUCCESS' THEN 'ok' … ELSE 'unknown' END`, and which texts lead to a word.

use datafusion::logical_expr::expr::{Case, InList};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::atom::is_like;
use super::invert::Wanted;
use super::pattern;
use super::term::{Kind, Step, Term, Terms, literal, text};

/// What becomes of a text.
#[derive(Clone, Debug)]
pub(super) struct Words {
    /// Texts, each once, and what they become.
    pairs: Vec<(String, Option<String>)>,
    /// What any other becomes, and NULL.
    rest: Option<String>,
    /// Whether there may be a NULL.
    nullable: bool,
}

/// Reads a CASE as a term, if every WHEN compares one and the same text with constants and every THEN is a constant.
pub(super) fn read(terms: Terms<'_>, case: &Case) -> Option<Term> {
    let mut subject = case.expr.as_deref();
    let mut pairs: Vec<(String, Option<String>)> = Vec::new();
    let mut kind = None;
    for (when, then) in &case.when_then_expr {
        let word = word(then, &mut kind)?;
        let mut texts = Vec::new();
        match case.expr {
            Some(_) => texts.extend(constant(when)?),
            None => compared(when, &mut subject, &mut texts)?,
        }
        for text in texts {
            if pairs.iter().all(|(known, _)| *known != text) {
                pairs.push((text, word.clone()));
            }
        }
    }
    let rest = match &case.else_expr {
        Some(rest) => word(rest, &mut kind)?,
        None => None,
    };
    let term = terms.read(subject?).filter(|term| matches!(term.kind, Kind::Text))?;
    let nullable = !term.is_never_null();
    let mut term = term.step(Step::Words(Words { pairs, rest, nullable }));
    term.kind = kind?;
    Some(term)
}

/// The word that a constant stands for, or NULL; nothing if it is no such constant. All words are of one kind.
fn word(expr: &Expr, kind: &mut Option<Kind>) -> Option<Option<String>> {
    let value = literal(expr)?;
    if value.is_null() {
        return Some(None);
    }
    let (its_kind, word) = match &value {
        datafusion::common::ScalarValue::Boolean(Some(truth)) => (Kind::Boolean, truth.to_string()),
        value => (Kind::Text, value.try_as_str().flatten()?.to_owned()),
    };
    match kind {
        Some(kind) if std::mem::discriminant(kind) != std::mem::discriminant(&its_kind) => None,
        kind => {
            *kind = Some(its_kind);
            Some(Some(word))
        }
    }
}

/// A text constant; none of them for NULL, which equals nothing.
fn constant(expr: &Expr) -> Option<Option<String>> {
    match literal(expr)? {
        value if value.is_null() => Some(None),
        _ => text(expr).map(Some),
    }
}

/// The constants that `subject` is compared with for equality, gathered from a condition that says nothing else.
fn compared<'a>(when: &'a Expr, subject: &mut Option<&'a Expr>, texts: &mut Vec<String>) -> Option<()> {
    let mut is_subject = |expr: &'a Expr| *subject.get_or_insert(expr) == expr;
    match when {
        Expr::Alias(alias) => compared(&alias.expr, subject, texts),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            compared(left, subject, texts)?;
            compared(right, subject, texts)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let (term, value) = if literal(left).is_some() { (right, left) } else { (left, right) };
            texts.extend(constant(value)?);
            is_subject(term).then_some(())
        }
        Expr::InList(InList { expr, list, negated: false }) => {
            for value in list {
                texts.extend(constant(value)?);
            }
            is_subject(expr).then_some(())
        }
        _ => None,
    }
}

impl Words {
    /// The texts that become a word that is wanted, and whether these are exactly they.
    pub(super) fn before(&self, wanted: &Wanted) -> (Wanted, bool) {
        let mut sure = true;
        let mut is_wanted = |word: &Option<String>| {
            let verdict = word.as_ref().map_or(Some(false), |word| accepts(wanted, word));
            sure &= verdict.is_some();
            verdict.unwrap_or(true)
        };
        let rest = is_wanted(&self.rest);
        if rest && self.nullable {
            return (Wanted::Unknown, false);
        }
        let chosen: Vec<String> =
            self.pairs.iter().filter(|(_, word)| is_wanted(word) != rest).map(|(text, _)| text.clone()).collect();
        let words = match rest {
            true if chosen.is_empty() => pattern::Words::Any,
            true => pattern::Words::NoneOf(chosen),
            false => pattern::Words::OneOf(chosen),
        };
        (Wanted::Words(words), sure)
    }
}

/// Whether a word is among those wanted; none where that cannot be told.
fn accepts(wanted: &Wanted, word: &String) -> Option<bool> {
    match wanted {
        Wanted::Any => Some(true),
        Wanted::Boolean(truth) => Some(*word == truth.to_string()),
        Wanted::Words(pattern::Words::Any) => Some(true),
        Wanted::Words(pattern::Words::OneOf(texts)) => Some(texts.contains(word)),
        Wanted::Words(pattern::Words::NoneOf(texts)) => Some(!texts.contains(word)),
        Wanted::Words(pattern::Words::Like(pattern)) => is_like(pattern, word),
        _ => None,
    }
}
