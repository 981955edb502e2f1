//! Casts, written and implied.

use std::sync::Arc;

use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::Cast as EngineCast;

use super::Analyzer;
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::CastContext;
use crate::function::coerce::{Path, common, path};
use crate::function::datum::Datum;
use crate::function::io;
use crate::pgtype::types::PgType;
use crate::sql::scalar::{Body, CAST, Declaration};
use crate::sql::values::data_type;

/// Casts that the engine does as PostgreSQL does: nothing is lost and nothing can go wrong.
fn is_widening(from: PgType, to: PgType) -> bool {
    use PgType::{Float4, Float8, Int2, Int4, Int8};
    matches!((from, to), (Int2, Int4 | Int8 | Float8) | (Int4, Int8 | Float8) | (Int8, Float8) | (Float4, Float8))
}

impl Analyzer<'_> {
    /// A value of a type, cast where `context` allows it.
    pub(super) fn coerce(&self, typed: Typed, to: PgType, context: CastContext) -> Result<Typed> {
        self.cast(typed, to, -1, context)
    }

    /// A value of a type where PostgreSQL casts by itself.
    pub(super) fn implicit(&self, typed: Typed, to: PgType) -> Result<Typed> {
        self.cast(typed, to, -1, CastContext::Implicit)
    }

    /// A value that has a type: literals without one are text.
    pub(super) fn known(&self, typed: Typed) -> Result<Typed> {
        match typed.ty {
            PgType::Unknown => self.implicit(typed, PgType::Text),
            _ => Ok(typed),
        }
    }

    /// A value of a type and modifier.
    pub(super) fn cast(&self, typed: Typed, to: PgType, typmod: i32, context: CastContext) -> Result<Typed> {
        let place = typed.place;
        if typmod >= 0
            && context == CastContext::Explicit
            && let Some(text) = typed.unknown_text()
        {
            let value = io::input_typmod(to, text, typmod, self.style()).map_err(|error| self.at(error, place))?;
            return Ok(self.constant(to, value)?.with_typmod(typmod).placed(place));
        }
        let was = (typed.ty, typed.typmod);
        let value = self.converted(typed, to, context).map_err(|error| self.at(error, place))?;
        if was == (to, typmod) {
            return Ok(value.with_typmod(typmod).placed(place));
        }
        if typmod < 0 {
            // A written cast to varchar without a length takes the length away.
            let stays = was.0 == to && context != CastContext::Explicit;
            return Ok(value.with_typmod(if stays { was.1 } else { -1 }).placed(place));
        }
        let explicit = context == CastContext::Explicit;
        let body: Body =
            Arc::new(move |args, style| io::coerce_typmod(to, args[0].clone().into_owned(), typmod, explicit, style));
        if let Some(constant) = &value.value {
            let cut = io::coerce_typmod(to, constant.clone(), typmod, explicit, self.style());
            let cut = cut.map_err(|error| self.at(error, place))?;
            return Ok(self.constant(to, cut)?.with_typmod(typmod).placed(place));
        }
        let declaration = Declaration {
            name: to.typname().to_owned(),
            args: vec![to],
            result: to,
            strict: true,
            volatile: false,
            tag: format!("typmod {typmod} {explicit}"),
        };
        Ok(self.row_call(declaration, body, vec![value])?.with_typmod(typmod).placed(place))
    }

    fn converted(&self, typed: Typed, to: PgType, context: CastContext) -> Result<Typed> {
        if typed.ty == to {
            return Ok(typed);
        }
        if typed.ty == PgType::Unknown {
            return self.given(&typed, to);
        }
        let from = typed.ty;
        let refused = || {
            let (from, to) = (from.name(), to.name());
            Error::new(Kind::CannotCoerce, format!("cannot cast type {from} to {to}"))
        };
        let path = path(from, to, context).ok_or_else(refused)?;
        if is_widening(from, to) && typed.value.is_none() {
            let cast = EngineCast::new(Box::new(typed.expr), data_type(to, self.zone()));
            return Ok(Typed::new(Expr::Cast(cast), to));
        }
        self.by_path(typed, to, path)
    }

    /// Carries a cast out.
    pub(super) fn by_path(&self, typed: Typed, to: PgType, path: Path) -> Result<Typed> {
        let from = typed.ty;
        let declaration = Declaration {
            name: to.typname().to_owned(),
            args: vec![from],
            result: to,
            strict: true,
            volatile: false,
            tag: CAST.to_owned(),
        };
        match path {
            Path::Relabel => match (from.is_oid(), to.is_oid()) {
                (false, false) | (true, true) => Ok(Typed { ty: to, typmod: -1, ..typed }),
                _ => Err(Error::internal("a cast between an oid and another type")),
            },
            Path::Function(cast) => {
                let body = cast.call;
                self.row_call(declaration, Arc::new(body), vec![typed])
            }
            Path::Text => {
                let body: Body = Arc::new(move |args, style| {
                    let text = match (&args[0], from) {
                        (Datum::Text(text), _) => text.as_ref().to_owned(),
                        (value, from) => io::output(from, value, style),
                    };
                    io::input(to, &text, style)
                });
                self.row_call(declaration, body, vec![typed])
            }
            Path::Elements => {
                let (Some(own), Some(other)) = (from.element(), to.element()) else {
                    return Err(Error::internal("an array without elements"));
                };
                let body: Body = Arc::new(move |args, style| {
                    let Datum::Array(items) = &args[0] else { return Ok(Datum::Null) };
                    let items = items.iter().map(|item| element(own, other, item, style));
                    Ok(Datum::Array(items.collect::<Result<_>>()?))
                });
                self.row_call(declaration, body, vec![typed])
            }
        }
    }

    /// A literal or parameter that gets its type here.
    fn given(&self, typed: &Typed, to: PgType) -> Result<Typed> {
        if let Some(index) = typed.parameter {
            let mut parameters = self.parameters.borrow_mut();
            if parameters[index].is_none_or(|ty| ty == PgType::Unknown) {
                parameters[index] = Some(to);
            }
            drop(parameters);
            return Ok(self.parameter(index, to)?.placed(typed.place));
        }
        match &typed.value {
            Some(Datum::Text(text)) => {
                let value = match self.of_now(to, text) {
                    Some(value) => value,
                    None => io::input(to, text, self.style())?,
                };
                Ok(self.constant(to, value)?.placed(typed.place))
            }
            _ => Ok(self.constant(to, Datum::Null)?.placed(typed.place)),
        }
    }

    /// What `'now'` means; `'today'` and its kin are of the moment as well, so that a plan does not hold for longer.
    fn of_now(&self, to: PgType, text: &str) -> Option<Datum<'static>> {
        use PgType::{Date, Time, Timestamp, Timestamptz};
        if !matches!(to, Date | Time | Timestamp | Timestamptz) {
            return None;
        }
        let word = text.trim().to_ascii_lowercase();
        if ["now", "today", "tomorrow", "yesterday"].iter().any(|own| word.contains(own)) {
            self.uses_now.set(true);
        }
        let now = self.environment.now;
        let local = now + i64::from(self.style().timezone.offset_at(now.div_euclid(1_000_000))) * 1_000_000;
        match (word.as_str(), to) {
            ("now", Timestamptz) => Some(Datum::Timestamptz(now)),
            ("now", Timestamp) => Some(Datum::Timestamp(local)),
            _ => None,
        }
    }

    /// The values as one type, as in CASE or UNION. `what` names the construct in an error.
    pub(super) fn unified(&self, values: Vec<Typed>, what: &str) -> Result<(PgType, Vec<Typed>)> {
        let ty = common(values.iter().map(|typed| typed.ty)).map_err(|(one, other)| {
            let message = format!("{what} types {} and {} cannot be matched", one.name(), other.name());
            let place = values.iter().find(|typed| typed.ty == other).map(|typed| typed.place);
            let error = Error::new(Kind::DatatypeMismatch, message);
            match place {
                Some(place) => self.at(error, place),
                None => error,
            }
        })?;
        let values = values.into_iter().map(|typed| {
            let place = typed.place;
            let from = typed.ty;
            self.implicit(typed, ty).map_err(|error| match error.kind {
                Kind::CannotCoerce => {
                    let message = format!("{what} could not convert type {} to {}", from.name(), ty.name());
                    self.at(Error::new(Kind::CannotCoerce, message), place)
                }
                _ => error,
            })
        });
        Ok((ty, values.collect::<Result<_>>()?))
    }

    /// A condition.
    pub(super) fn boolean(&self, typed: Typed, what: &str) -> Result<Typed> {
        if !matches!(typed.ty, PgType::Bool | PgType::Unknown) {
            let message = format!("argument of {what} must be type boolean, not type {}", typed.ty.name());
            return Err(self.at(Error::new(Kind::DatatypeMismatch, message), typed.place));
        }
        self.implicit(typed, PgType::Bool)
    }
}

/// One element of an array that is cast.
fn element<'a>(from: PgType, to: PgType, item: &Datum<'a>, style: &crate::pgtype::style::Style) -> Result<Datum<'a>> {
    if item.is_null() || from == to {
        return Ok(item.clone());
    }
    match path(from, to, CastContext::Explicit) {
        Some(Path::Relabel) => Ok(item.clone()),
        Some(Path::Function(cast)) => (cast.call)(std::slice::from_ref(item), style),
        Some(Path::Text) => io::input(to, &io::output(from, item, style), style),
        _ => Err(Error::internal("an array of arrays")),
    }
}
