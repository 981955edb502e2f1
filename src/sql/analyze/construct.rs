//! Constructs that make a value out of several: CASE, COALESCE and its kin, arrays, rows.

use std::sync::Arc;

use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::sql::sqlparser::ast::{self, AccessExpr, CaseWhen, Subscript};

use super::Analyzer;
use super::compare::no_operator;
use super::expr::Context;
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::CastContext;
use crate::function::datum::Datum;
use crate::function::io;
use crate::pgtype::types::PgType;
use crate::sql::scalar::{Body, Declaration};

impl Analyzer<'_> {
    /// CASE.
    pub(super) fn case(
        &self,
        context: &Context<'_>,
        operand: Option<&ast::Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&ast::Expr>,
    ) -> Result<Typed> {
        let operand = operand.map(|operand| self.expr(context, operand)).transpose()?;
        let operand = operand.map(|operand| self.known(operand)).transpose()?;
        let mut tests = Vec::new();
        let mut results = Vec::new();
        let n_sets = context.set_calls();
        for when in conditions {
            let before = context.set_calls();
            let test = self.expr(context, &when.condition)?.placed_at(&when.condition);
            if context.set_calls() > before && operand.is_none() {
                let message = "argument of CASE/WHEN must not return a set";
                return Err(self.located(Error::new(Kind::DatatypeMismatch, message), &when.condition));
            }
            tests.push(match &operand {
                Some(operand) => self.compare(Operator::Eq, operand.clone(), test)?,
                None => self.boolean(test, "CASE/WHEN")?,
            });
            results.push(self.expr(context, &when.result)?.placed_at(&when.result));
        }
        let found = context.set_calls();
        // PostgreSQL looks at the ELSE first.
        let last = match otherwise {
            Some(otherwise) => self.expr(context, otherwise)?.placed_at(otherwise),
            None => self.unknown(None),
        };
        if found > n_sets || context.set_calls() > n_sets {
            let message = "set-returning functions are not allowed in CASE";
            return Err(Error::new(Kind::FeatureNotSupported, message)
                .hint("You might be able to move the set-returning function into a LATERAL FROM item."));
        }
        results.insert(0, last);
        let (ty, mut results) = self.unified(results, "CASE")?;
        let last = results.remove(0);
        Ok(self.chosen(tests, results, Some(last), ty))
    }

    /// CASE over conditions and values of one type; branches that no row takes are left out.
    pub(super) fn chosen(&self, tests: Vec<Typed>, results: Vec<Typed>, otherwise: Option<Typed>, ty: PgType) -> Typed {
        let (mut branches, mut kept) = (Vec::new(), Vec::new());
        let mut last = otherwise;
        for (test, result) in tests.into_iter().zip(results) {
            match test.value {
                Some(Datum::Bool(true)) => {
                    last = Some(result);
                    break;
                }
                Some(_) => {}
                None => {
                    branches.push((Box::new(test.expr), Box::new(result.expr.clone())));
                    kept.push(result);
                }
            }
        }
        if branches.is_empty()
            && let Some(last) = last
        {
            return last;
        }
        let typmod = common_typmod(kept.iter().chain(&last));
        let case = Case::new(None, branches, last.map(|last| Box::new(last.expr)));
        Typed::new(Expr::Case(case), ty).with_typmod(typmod)
    }

    /// COALESCE.
    pub(super) fn coalesce(&self, args: Vec<Typed>) -> Result<Typed> {
        let (ty, args) = self.unified(args, "COALESCE")?;
        let args: Vec<Typed> = args.into_iter().filter(|arg| !arg.is_null()).collect();
        let Some((last, first)) = args.split_last() else { return self.constant(ty, Datum::Null) };
        if let Some(known) = args.first().filter(|first| first.value.is_some()) {
            return Ok(known.clone());
        }
        let tests = first.iter().map(|arg| Typed::new(Expr::IsNotNull(Box::new(arg.expr.clone())), PgType::Bool));
        Ok(self.chosen(tests.collect(), first.to_vec(), Some(last.clone()), ty))
    }

    /// NULLIF: its value has the type of the first argument.
    pub(super) fn nullif(&self, one: Typed, other: Typed) -> Result<Typed> {
        let (one, other) = match (one.ty, other.ty) {
            (PgType::Unknown, PgType::Unknown) => (self.known(one)?, self.known(other)?),
            (PgType::Unknown, ty) => (self.implicit(one, ty)?, other),
            _ => (one, other),
        };
        // The value is what the comparison sees at its left.
        let has_operator = |one: PgType, other: PgType| {
            use PgType::{Date, Float4, Float8, Int2, Int4, Int8, Timestamp, Timestamptz};
            let family = |ty: PgType| match ty {
                Int2 | Int4 | Int8 => 1,
                Float4 | Float8 => 2,
                Date | Timestamp | Timestamptz => 3,
                _ => 0,
            };
            one == other && one != PgType::Varchar || (family(one) == family(other) && family(one) > 0)
        };
        let one = match one.fields.is_none() && !has_operator(one.ty, other.ty) {
            true => {
                let ty = self.compared_type("=", &one, &other)?;
                self.implicit(one, ty)?
            }
            false => one,
        };
        let same = self.compare(Operator::Eq, one.clone(), other)?;
        let null = self.constant(one.ty, Datum::Null)?;
        let (ty, typmod) = (one.ty, one.typmod);
        Ok(self.chosen(vec![same], vec![null], Some(one), ty).with_typmod(typmod))
    }

    /// GREATEST or LEAST. NULLs do not count.
    pub(super) fn extreme(&self, args: Vec<Typed>, greatest: bool) -> Result<Typed> {
        let name = if greatest { "GREATEST" } else { "LEAST" };
        let (ty, args) = self.unified(args, name)?;
        if matches!(ty, PgType::Json) {
            let message = format!("could not identify a comparison function for type {}", ty.name());
            return Err(Error::new(Kind::UndefinedFunction, message));
        }
        let body: Body = Arc::new(move |args, _| {
            let better = |one: &Datum<'_>, other: &Datum<'_>| {
                let ordering = io::compare(ty, one, other);
                if greatest { ordering.is_gt() } else { ordering.is_lt() }
            };
            let mut best = Datum::Null;
            for arg in args.iter().filter(|arg| !arg.is_null()) {
                if best.is_null() || better(arg, &best) {
                    best = arg.clone();
                }
            }
            Ok(best)
        });
        let declaration = Declaration {
            name: name.to_lowercase(),
            args: vec![ty; args.len()],
            result: ty,
            strict: false,
            volatile: false,
            tag: String::new(),
        };
        let typmod = common_typmod(&args);
        Ok(self.row_call(declaration, body, args)?.with_typmod(typmod))
    }

    /// `ARRAY[…]`.
    pub(super) fn array(&self, context: &Context<'_>, array: &ast::Array) -> Result<Typed> {
        if array.elem.is_empty() {
            return Err(Error::new(Kind::IndeterminateDatatype, "cannot determine type of empty array")
                .hint("Explicitly cast to the desired type, for example ARRAY[]::integer[]."));
        }
        let items = array.elem.iter().map(|item| Ok(self.expr(context, item)?.placed_at(item)));
        self.array_of(items.collect::<Result<_>>()?)
    }

    /// An array of values.
    pub(super) fn array_of(&self, items: Vec<Typed>) -> Result<Typed> {
        let (ty, items) = self.unified(items, "ARRAY")?;
        if ty.is_array() {
            return Err(Error::unsupported("an array of more than one dimension"));
        }
        let declaration = Declaration {
            name: "array".to_owned(),
            args: vec![ty; items.len()],
            result: ty.array(),
            strict: false,
            volatile: false,
            tag: String::new(),
        };
        let typmod = common_typmod(&items);
        let body: Body = Arc::new(|args, _| Ok(Datum::Array(args.to_vec())));
        Ok(self.row_call(declaration, body, items)?.with_typmod(typmod))
    }

    /// `ARRAY[]::integer[]`.
    pub(super) fn empty_array(&self, ty: PgType) -> Result<Typed> {
        self.constant(ty, Datum::Array(Vec::new()))
    }

    /// `ROW(…)` or `(a, b)`.
    pub(super) fn row(&self, context: &Context<'_>, items: &[ast::Expr]) -> Result<Typed> {
        let mut fields = Vec::new();
        for item in items {
            if let ast::Expr::QualifiedWildcard(name, _) = item {
                let idents: Vec<ast::Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
                fields.extend(self.star(context.scope, Some(&idents))?);
                continue;
            }
            fields.push((format!("f{}", fields.len() + 1), self.expr(context, item)?.placed_at(item)));
        }
        self.record(fields)
    }

    /// A row of named fields. As a value of its own it is its text, which is all that a client can do with it.
    pub(super) fn record(&self, fields: Vec<(String, Typed)>) -> Result<Typed> {
        let open = fields.clone();
        let known = fields.into_iter().map(|(name, typed)| Ok((name, self.known(typed)?)));
        let known = known.collect::<Result<Vec<_>>>()?;
        let types: Vec<PgType> = known.iter().map(|(_, typed)| typed.ty).collect();
        let args: Vec<Typed> = known.into_iter().map(|(_, typed)| typed).collect();
        let declaration = Declaration {
            name: "row".to_owned(),
            args: types.clone(),
            result: PgType::Record,
            strict: false,
            volatile: false,
            tag: String::new(),
        };
        let body: Body = Arc::new(move |args, style| {
            let texts = args.iter().zip(&types).map(|(value, ty)| match value {
                Datum::Null => Datum::Null,
                value => Datum::text(io::output(*ty, value, style)),
            });
            let record = Datum::Record(texts.collect());
            Ok(Datum::text(io::output(PgType::Record, &record, style)))
        });
        let typed = self.row_call(declaration, body, args)?;
        Ok(Typed { fields: Some(Arc::new(open)), value: None, ..typed })
    }

    /// The row of a table. That of an outer join's missing side is NULL.
    pub(super) fn row_of_table(&self, fields: Vec<(String, Typed)>) -> Result<Typed> {
        let filled =
            fields.iter().map(|(_, field)| Typed::new(Expr::IsNotNull(Box::new(field.expr.clone())), PgType::Bool));
        let any = self.joined(Operator::Or, filled.collect());
        let row = self.record(fields)?;
        let fields = row.fields.clone();
        let null = self.constant(PgType::Text, Datum::Null)?;
        let whole = self.chosen(vec![any], vec![row], Some(null), PgType::Record);
        Ok(Typed { fields, ..whole })
    }

    /// A comparison of rows, from left to right.
    pub(super) fn compare_rows(&self, op: Operator, left: &Typed, right: &Typed) -> Result<Typed> {
        let (Some(one), Some(other)) = (&left.fields, &right.fields) else {
            return Err(no_operator(super::compare::symbol(op), Some(left.ty), right.ty));
        };
        if one.len() != other.len() {
            return Err(Error::new(Kind::Syntax, "unequal number of entries in row expressions"));
        }
        let pairs: Vec<(Typed, Typed)> =
            one.iter().zip(other.iter()).map(|((_, one), (_, other))| (one.clone(), other.clone())).collect();
        let Some(((last_one, last_other), first)) = pairs.split_last() else {
            return Err(Error::unsupported("a comparison of rows without fields"));
        };
        match op {
            Operator::Eq => {
                let tests = pairs.into_iter().map(|(one, other)| self.compare(Operator::Eq, one, other));
                Ok(self.joined(Operator::And, tests.collect::<Result<_>>()?))
            }
            Operator::NotEq => {
                let tests = pairs.into_iter().map(|(one, other)| self.compare(Operator::NotEq, one, other));
                Ok(self.joined(Operator::Or, tests.collect::<Result<_>>()?))
            }
            op => {
                // (a, b) < (c, d) is a < c OR (a = c AND b < d); the last pair decides whether equal rows satisfy it.
                let strict = match op {
                    Operator::LtEq => Operator::Lt,
                    Operator::GtEq => Operator::Gt,
                    op => op,
                };
                let mut test = self.compare(op, last_one.clone(), last_other.clone())?;
                for (one, other) in first.iter().rev() {
                    let less = self.compare(strict, one.clone(), other.clone())?;
                    let same = self.compare(Operator::Eq, one.clone(), other.clone())?;
                    let deeper = self.joined(Operator::And, vec![same, test]);
                    test = self.joined(Operator::Or, vec![less, deeper]);
                }
                Ok(test)
            }
        }
    }

    /// `a[1]`, `a[1:2]`, `(row).field`.
    pub(super) fn access(&self, context: &Context<'_>, root: &ast::Expr, chain: &[AccessExpr]) -> Result<Typed> {
        // t.a[1] is parsed as t with .a and [1].
        let mut idents = match root {
            ast::Expr::Identifier(ident) => vec![ident.clone()],
            ast::Expr::CompoundIdentifier(idents) => idents.clone(),
            _ => Vec::new(),
        };
        let mut rest = chain;
        if !idents.is_empty() {
            while let [AccessExpr::Dot(ast::Expr::Identifier(ident)), tail @ ..] = rest {
                idents.push(ident.clone());
                rest = tail;
            }
        }
        let mut typed = match idents.as_slice() {
            [] => self.expr(context, root)?,
            [one] => self.expr(context, &ast::Expr::Identifier(one.clone()))?,
            many => self.expr(context, &ast::Expr::CompoundIdentifier(many.to_vec()))?,
        };
        for step in rest {
            typed = match step {
                AccessExpr::Dot(ast::Expr::Identifier(field)) => self.field(&typed, field)?,
                AccessExpr::Dot(_) => return Err(Error::new(Kind::Syntax, "syntax error at or near \".\"")),
                AccessExpr::Subscript(subscript) => self.subscript(context, typed, subscript)?,
            };
        }
        Ok(typed)
    }

    fn field(&self, typed: &Typed, field: &ast::Ident) -> Result<Typed> {
        let name = super::scope::folded(field);
        let found = typed.fields.iter().flat_map(|fields| fields.iter()).find(|(own, _)| *own == name);
        match found {
            Some((_, typed)) => Ok(typed.clone()),
            None if typed.fields.is_some() => {
                let message = format!("could not identify column \"{name}\" in record data type");
                Err(self.at(Error::new(Kind::UndefinedColumn, message), field.span.start))
            }
            None => {
                let message = format!(
                    "column notation .{name} applied to type {}, which is not a composite type",
                    typed.ty.name()
                );
                Err(self.at(Error::new(Kind::WrongObjectType, message), field.span.start))
            }
        }
    }

    fn subscript(&self, context: &Context<'_>, typed: Typed, subscript: &Subscript) -> Result<Typed> {
        if typed.ty == PgType::Jsonb {
            let Subscript::Index { index } = subscript else {
                return Err(Error::new(Kind::DatatypeMismatch, "jsonb subscript does not support slices"));
            };
            let key = self.expr(context, index)?;
            return self.operate("->", typed, key);
        }
        let Some(element) = typed.ty.element() else {
            let message = format!("cannot subscript type {} because it does not support subscripting", typed.ty.name());
            return Err(Error::new(Kind::DatatypeMismatch, message));
        };
        let integer = |expr: &ast::Expr| self.coerce(self.expr(context, expr)?, PgType::Int4, CastContext::Assignment);
        let typmod = typed.typmod;
        let taken = match subscript {
            Subscript::Index { index } => {
                let index = integer(index)?;
                self.named_call("array_get", element, vec![typed, index], |args, _| {
                    let (Datum::Array(items), Datum::Int4(at)) = (&args[0], &args[1]) else { return Ok(Datum::Null) };
                    let at = usize::try_from(*at).ok().and_then(|at| at.checked_sub(1));
                    Ok(at.and_then(|at| items.get(at)).cloned().unwrap_or(Datum::Null))
                })
            }
            Subscript::Slice { lower_bound, upper_bound, stride: None } => {
                let bound = |expr: &Option<ast::Expr>, missing: i32| match expr {
                    Some(expr) => integer(expr),
                    None => self.constant(PgType::Int4, Datum::Int4(missing)),
                };
                let args = vec![typed.clone(), bound(lower_bound, 1)?, bound(upper_bound, i32::MAX)?];
                self.named_call("array_slice", typed.ty, args, |args, _| {
                    let (Datum::Array(items), Datum::Int4(from), Datum::Int4(to)) = (&args[0], &args[1], &args[2])
                    else {
                        return Ok(Datum::Null);
                    };
                    let skip = usize::try_from(from.saturating_sub(1)).unwrap_or(0);
                    let end = usize::try_from(*to).unwrap_or(0);
                    Ok(Datum::Array(items.iter().take(end).skip(skip).cloned().collect()))
                })
            }
            Subscript::Slice { .. } => Err(Error::new(Kind::Syntax, "syntax error at or near \":\"")),
        };
        Ok(taken?.with_typmod(typmod))
    }
}

/// The type modifier that all values have, if they have the same.
fn common_typmod<'a>(values: impl IntoIterator<Item = &'a Typed>) -> i32 {
    let mut typmods = values.into_iter().map(|typed| typed.typmod);
    let first = typmods.next().unwrap_or(-1);
    if typmods.all(|typmod| typmod == first) { first } else { -1 }
}
