//! Aggregate calls.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNode;
use datafusion::functions_aggregate::{
    average::avg_udaf, count::count_udaf, min_max::max_udaf, min_max::min_udaf, sum::sum_udaf,
};
use datafusion::logical_expr::expr::{AggregateFunction, Case, Cast};
use datafusion::logical_expr::{AggregateUDF, Expr, lit};
use datafusion::sql::sqlparser::ast::{
    self, DuplicateTreatment, Function as Call, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
};

use super::Analyzer;
use super::expr::{Clause, Context};
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::CastContext;
use crate::function::coerce::{Category, category};
use crate::function::registry::aggregates;
use crate::function::resolve::{Failure, choose};
use crate::pgtype::types::PgType;
use crate::sql::gathered::{self, SortKey, Spec};

/// A call on its way to the plan: the engine's function, its arguments, and what becomes of its value.
struct Gathering {
    function: Arc<AggregateUDF>,
    args: Vec<Expr>,
    distinct: bool,
    /// The type of the value that the engine's function gives.
    gives: PgType,
    /// The type of the call's value, if it takes a further step.
    finish: Finish,
}

/// The last step from the engine's value to the call's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finish {
    /// None.
    Nothing,
    /// A sum of integers, held in 128 bits, as a `numeric`.
    Total,
}

impl Analyzer<'_> {
    /// An aggregate call without OVER.
    pub(super) fn aggregate_call(&self, context: &Context<'_>, name: &str, call: &Call) -> Result<Typed> {
        let allowed =
            matches!(context.clause, Clause::Select | Clause::Having | Clause::OrderBy | Clause::WindowDefinition);
        let Some(gather) = context.gather.filter(|_| allowed) else {
            return Err(self.refuse_in(context, "aggregate functions", Kind::Grouping));
        };
        let gathering = self.gathering(&context.within(Clause::AggregateArgument), name, call)?;
        let filter = match &call.filter {
            Some(filter) => {
                let typed = self.expr(&context.within(Clause::Filter), filter)?.placed_at(filter.as_ref());
                Some(Box::new(self.boolean(typed, "FILTER")?.expr))
            }
            None => None,
        };
        let Gathering { function, mut args, distinct, gives, finish } = gathering;
        if let Some(filter) = &filter {
            args = args.into_iter().map(|arg| only_where(filter, arg)).collect();
        }
        let expr =
            Expr::AggregateFunction(AggregateFunction::new_udf(function, args, distinct, filter, Vec::new(), None));
        let mut known = gather.aggregates.borrow_mut();
        let column = match known.iter().find(|(own, _)| *own == expr) {
            Some((_, column)) => column.clone(),
            None => {
                let column = self.fresh("a");
                known.push((expr, column.clone()));
                column
            }
        };
        drop(known);
        let typed = self.column(None, &column, gives);
        self.finished(typed, finish)
    }

    /// The last step.
    fn finished(&self, typed: Typed, finish: Finish) -> Result<Typed> {
        match finish {
            Finish::Nothing => Ok(typed),
            Finish::Total => {
                let total = crate::sql::scalar::total(typed.expr);
                Ok(Typed::new(total, PgType::Numeric))
            }
        }
    }

    /// What a call asks of the engine; without its FILTER.
    fn gathering(&self, inner: &Context<'_>, name: &str, call: &Call) -> Result<Gathering> {
        let list = super::call::list(call);
        let args = list.map(|list| list.args.as_slice()).unwrap_or_default();
        let distinct = list.is_some_and(|list| list.duplicate_treatment == Some(DuplicateTreatment::Distinct));
        if let [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)] = args {
            if name == "count" && !call.within_group.is_empty() {
                let message = "count is not an ordered-set aggregate, so it cannot have WITHIN GROUP";
                return Err(Error::new(Kind::WrongObjectType, message));
            }
            if name == "count" && !distinct {
                return Ok(count(vec![lit(1_i64)], false));
            }
            return Err(self.missing_function(name, &[]));
        }
        if name == "count" && args.is_empty() {
            let message = "count(*) must be used to call a parameterless aggregate function";
            return Err(Error::new(Kind::WrongObjectType, message));
        }
        let direct = self.arguments(inner, call)?;
        let is_ordered_set = !call.within_group.is_empty();
        let clauses = list.map(|list| list.clauses.as_slice()).unwrap_or_default();
        let order_by = clauses.iter().find_map(|clause| match clause {
            FunctionArgumentClause::OrderBy(items) => Some(items.as_slice()),
            _ => None,
        });
        let order_by = if is_ordered_set { call.within_group.as_slice() } else { order_by.unwrap_or_default() };
        let order = self.sort_items(inner, order_by)?;
        if name == "count" && is_ordered_set {
            let message = "count is not an ordered-set aggregate, so it cannot have WITHIN GROUP";
            return Err(Error::new(Kind::WrongObjectType, message));
        }
        if name == "count" {
            return self.count_call(direct, distinct);
        }
        if is_ordered_set {
            return self.ordered_set(name, direct, order);
        }
        if aggregates(name).iter().all(|own| own.target.direct.is_some()) {
            let types: Vec<PgType> = direct.iter().map(|arg| arg.ty).collect();
            return Err(match choose(aggregates(name), &types) {
                Ok(_) => {
                    let message = format!("WITHIN GROUP is required for ordered-set aggregate {name}");
                    Error::new(Kind::WrongObjectType, message)
                }
                Err(failure) => self.no_aggregate(name, &types, failure),
            });
        }
        self.plain(name, direct, distinct, order)
    }

    /// The keys of an ORDER BY within a call.
    fn sort_items(&self, context: &Context<'_>, items: &[ast::OrderByExpr]) -> Result<Vec<(Typed, SortKey)>> {
        let key = |item: &ast::OrderByExpr| {
            let typed = self.known(self.expr(context, &item.expr)?.placed_at(&item.expr))?;
            let descending = item.options.asc == Some(false);
            let nulls_first = item.options.nulls_first.unwrap_or(descending);
            let key = SortKey { ty: typed.ty, descending, nulls_first, arg: None };
            Ok((typed, key))
        };
        items.iter().map(key).collect()
    }

    fn count_call(&self, mut args: Vec<Typed>, distinct: bool) -> Result<Gathering> {
        let (Some(one), true) = (args.pop(), args.is_empty()) else {
            return Err(self.missing_function("count", &args.iter().map(|arg| arg.ty).collect::<Vec<_>>()));
        };
        let is_row = one.fields.is_some();
        let one = self.known(one)?;
        if one.ty == PgType::Json && distinct {
            let message = "could not identify an equality operator for type json";
            return Err(Error::new(Kind::UndefinedFunction, message));
        }
        let one = if distinct && !is_row { self.key(one)? } else { one };
        Ok(count(vec![one.expr], distinct))
    }

    /// An aggregate that takes its rows as they come, or in the order of the call.
    fn plain(&self, name: &str, args: Vec<Typed>, distinct: bool, order: Vec<(Typed, SortKey)>) -> Result<Gathering> {
        let written: Vec<Expr> = args.iter().map(|arg| arg.expr.clone()).collect();
        let (name, args) = self.json_arguments(name, args)?;
        let types: Vec<PgType> = args.iter().map(|arg| arg.ty).collect();
        let choice = choose(aggregates(name), &types).map_err(|failure| self.no_aggregate(name, &types, failure))?;
        let args = args.into_iter().zip(&choice.args).map(|(arg, ty)| self.implicit(arg, *ty));
        let args = args.collect::<Result<Vec<_>>>()?;
        if distinct {
            if choice.args.contains(&PgType::Json) {
                let message = "could not identify an equality operator for type json";
                return Err(Error::new(Kind::UndefinedFunction, message));
            }
            let stands = |key: &Typed| args.iter().any(|arg| arg.expr == key.expr) || written.contains(&key.expr);
            if !order.iter().all(|(key, _)| stands(key)) {
                let message = "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list";
                return Err(Error::new(Kind::InvalidColumnReference, message));
            }
        }
        if order.is_empty()
            && let Some(fast) = self.of_engine(name, &args, &choice.args, choice.result, distinct)
        {
            return Ok(fast);
        }
        let args: Vec<Expr> = args.into_iter().map(|arg| arg.expr).collect();
        let keys = order.into_iter().map(|(typed, key)| (typed.expr, key)).collect();
        let (order, keys) = gathered::repeated(&args, keys);
        let spec = Spec {
            aggregate: choice.target,
            args: choice.args,
            result: choice.result,
            distinct,
            direct: Vec::new(),
            order,
            style: Arc::clone(self.style()),
            zone: Arc::clone(self.zone()),
        };
        let exprs: Vec<Expr> = args.into_iter().chain(keys).collect();
        let exprs = if exprs.is_empty() { vec![lit(1_i64)] } else { exprs };
        let gives = spec.result;
        Ok(Gathering {
            function: gathered::function(spec),
            args: exprs,
            distinct: false,
            gives,
            finish: Finish::Nothing,
        })
    }

    /// An aggregate over rows in the order of WITHIN GROUP.
    fn ordered_set(&self, name: &str, direct: Vec<Typed>, order: Vec<(Typed, SortKey)>) -> Result<Gathering> {
        let values: Vec<Typed> = order.iter().map(|(typed, _)| typed.clone()).collect();
        let types: Vec<PgType> = direct.iter().chain(&values).map(|arg| arg.ty).collect();
        if aggregates(name).iter().all(|own| own.target.direct.is_none()) {
            let message = match aggregates(name).is_empty() {
                true => return Err(Error::unsupported(format!("the ordered-set aggregate {name}"))),
                false => format!("{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP"),
            };
            return Err(Error::new(Kind::WrongObjectType, message));
        }
        let choice = choose(aggregates(name), &types).map_err(|failure| self.no_aggregate(name, &types, failure))?;
        let n_direct = direct.len();
        let known: Vec<_> =
            direct.iter().zip(&choice.args).map(|(arg, ty)| self.implicit(arg.clone(), *ty)).collect::<Result<_>>()?;
        let known = known.into_iter().map(|arg| arg.value).collect::<Option<Vec<_>>>().unwrap_or_default();
        let args = direct.into_iter().chain(values).zip(&choice.args).map(|(arg, ty)| self.implicit(arg, *ty));
        let args = args.collect::<Result<Vec<_>>>()?;
        // The rows are sorted by the argument as it is given to the function.
        let keys = order.into_iter().zip(&args[n_direct..]).zip(&choice.args[n_direct..]);
        let keys: Vec<(Expr, SortKey)> =
            keys.map(|(((_, key), arg), ty)| (arg.expr.clone(), SortKey { ty: *ty, ..key })).collect();
        let mut args: Vec<Expr> = args.into_iter().map(|arg| arg.expr).collect();
        let (mut order, keys) = gathered::repeated(&args[n_direct..], keys);
        for arg in order.iter_mut().filter_map(|key| key.arg.as_mut()) {
            *arg += n_direct;
        }
        args.extend(keys);
        let spec = Spec {
            aggregate: choice.target,
            args: choice.args,
            result: choice.result,
            distinct: false,
            direct: known,
            order,
            style: Arc::clone(self.style()),
            zone: Arc::clone(self.zone()),
        };
        let gives = spec.result;
        Ok(Gathering { function: gathered::function(spec), args, distinct: false, gives, finish: Finish::Nothing })
    }

    pub(super) fn no_aggregate(&self, name: &str, types: &[PgType], failure: Failure) -> Error {
        match failure {
            Failure::Missing => self.missing_function(name, types),
            Failure::Ambiguous => {
                let message = format!("function {name}({}) is not unique", super::call::listed(types));
                Error::new(Kind::AmbiguousFunction, message)
                    .hint("Could not choose a best candidate function. You might need to add explicit type casts.")
            }
        }
    }

    /// The arguments of aggregates that make JSON.
    pub(super) fn json_arguments<'n>(&self, name: &'n str, args: Vec<Typed>) -> Result<(&'n str, Vec<Typed>)> {
        let binary = name.starts_with("jsonb");
        match (name, args.as_slice()) {
            ("json_agg" | "jsonb_agg", [value]) => {
                let in_lines = name == "json_agg" && (value.fields.is_some() || value.ty.is_array());
                let name = if in_lines { "json_agg_lines" } else { name };
                Ok((name, vec![self.to_json(value.clone(), binary)?]))
            }
            ("json_object_agg" | "jsonb_object_agg", [key, value]) => {
                let key = match category(key.ty) {
                    Category::Unknown | Category::String => self.implicit(key.clone(), PgType::Text)?,
                    _ => self.coerce(key.clone(), PgType::Text, CastContext::Explicit)?,
                };
                Ok((name, vec![key, self.to_json(value.clone(), binary)?]))
            }
            _ => Ok((name, args)),
        }
    }

    /// Aggregates that the engine computes as PostgreSQL does, and much faster than row by row.
    fn of_engine(
        &self,
        name: &str,
        args: &[Typed],
        types: &[PgType],
        result: PgType,
        distinct: bool,
    ) -> Option<Gathering> {
        use PgType::{Date, Float4, Float8, Int2, Int4, Int8, Oid, Text, Time, Timestamp, Timestamptz};
        let ([arg], [ty]) = (args, types) else { return None };
        let cast = |to: DataType| Expr::Cast(Cast::new(Box::new(arg.expr.clone()), to));
        let plain = |function: Arc<AggregateUDF>, expr: Expr, gives: PgType, finish: Finish, distinct: bool| {
            Gathering { function, args: vec![expr], distinct, gives, finish }
        };
        match (name, ty) {
            ("min" | "max", Int2 | Int4 | Int8 | Date | Time | Timestamp | Timestamptz | Text | Oid) => {
                let function = if name == "min" { min_udaf() } else { max_udaf() };
                Some(plain(function, arg.expr.clone(), result, Finish::Nothing, false))
            }
            ("sum", Int2 | Int4) => Some(plain(sum_udaf(), cast(DataType::Int64), result, Finish::Nothing, distinct)),
            ("sum", Int8) if !distinct => {
                Some(plain(sum_udaf(), cast(DataType::Decimal128(19, 0)), result, Finish::Total, false))
            }
            ("sum", Float8) if !distinct => Some(plain(sum_udaf(), arg.expr.clone(), result, Finish::Nothing, false)),
            ("avg", Float8) if !distinct => Some(plain(avg_udaf(), arg.expr.clone(), result, Finish::Nothing, false)),
            (_, Float4) => None,
            _ => None,
        }
    }
}

fn count(args: Vec<Expr>, distinct: bool) -> Gathering {
    Gathering { function: count_udaf(), args, distinct, gives: PgType::Int8, finish: Finish::Nothing }
}

/// An argument that is computed only for the rows that satisfy a FILTER; for others it is NULL, and not looked at. The
/// engine computes the arguments for all rows of a group.
pub(super) fn only_where(filter: &Expr, arg: Expr) -> Expr {
    if !arg.exists(|expr| Ok(matches!(expr, Expr::ScalarFunction(_) | Expr::BinaryExpr(_)))).unwrap_or(true) {
        return arg;
    }
    Expr::Case(Case::new(None, vec![(Box::new(filter.clone()), Box::new(arg))], None))
}
