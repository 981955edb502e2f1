//! Window functions.

use std::sync::Arc;

use datafusion::logical_expr::expr::{Sort, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{Expr, WindowFunctionDefinition};
use datafusion::sql::sqlparser::ast::{
    self, DuplicateTreatment, Function as Call, FunctionArg, FunctionArgExpr, WindowSpec, WindowType,
};

use super::Analyzer;
use super::aggregate::only_where;
use super::expr::{Clause, Context, Gather};
use super::scope::folded;
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::CastContext;
use crate::function::datum::Datum;
use crate::function::registry::{aggregates, operators};
use crate::function::resolve::choose;
use crate::pgtype::types::PgType;
use crate::sql::gathered::SortKey;
use crate::sql::windowed::{self, Bound, Call as Own, Exclude, Frame, Shift, Spec, Units};

/// A window of the WINDOW clause.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) spec: WindowSpec,
}

/// The window functions that are no aggregates.
pub(super) fn is_window_function(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "row_number",
        "rank",
        "dense_rank",
        "percent_rank",
        "cume_dist",
        "ntile",
        "lag",
        "lead",
        "first_value",
        "last_value",
        "nth_value",
    ];
    NAMES.contains(&name)
}

/// A window that has been read.
struct Window {
    partition_by: Vec<Expr>,
    order: Vec<(Typed, SortKey)>,
    frame: Frame,
    shifts: Option<(Shift, Shift)>,
}

impl Analyzer<'_> {
    /// The windows of a WINDOW clause, each with what it takes from the one it names.
    pub(super) fn named_windows(&self, definitions: &[ast::NamedWindowDefinition]) -> Result<Vec<Named>> {
        let mut named: Vec<Named> = Vec::new();
        for ast::NamedWindowDefinition(name, definition) in definitions {
            let own = folded(name);
            if named.iter().any(|known| known.name == own) {
                let message = format!("window \"{own}\" is already defined");
                return Err(self.at(Error::new(Kind::Windowing, message), name.span.start));
            }
            let spec = match definition {
                ast::NamedWindowExpr::NamedWindow(other) => find(&named, other)?.spec.clone(),
                ast::NamedWindowExpr::WindowSpec(spec) => inherited(&named, spec)?,
            };
            named.push(Named { name: own, spec });
        }
        Ok(named)
    }

    /// A call with OVER.
    pub(super) fn window_call(
        &self,
        context: &Context<'_>,
        name: &str,
        call: &Call,
        over: &WindowType,
    ) -> Result<Typed> {
        let allowed = matches!(context.clause, Clause::Select | Clause::OrderBy);
        let Some(gather) = context.gather.filter(|_| allowed) else {
            return Err(self.refuse_in(context, "window functions", Kind::Windowing));
        };
        if !is_window_function(name) && name != "count" && aggregates(name).is_empty() {
            let args = self.arguments(context, call)?;
            let types: Vec<PgType> = args.iter().map(|arg| arg.ty).collect();
            if crate::function::registry::functions(name).is_empty() {
                return Err(self.missing_function(name, &types));
            }
            let message = format!("OVER specified, but {name} is not a window function nor an aggregate function");
            return Err(Error::new(Kind::WrongObjectType, message));
        }
        if call.null_treatment.is_some() {
            return Err(Error::new(Kind::Syntax, "syntax error at or near \"NULLS\""));
        }
        let spec = match over {
            WindowType::NamedWindow(name) => find(&gather.named_windows, name)?.spec.clone(),
            WindowType::WindowSpec(spec) => inherited(&gather.named_windows, spec)?,
        };
        let window = self.window(context, &spec)?;
        let inner = context.within(Clause::WindowDefinition);
        let (own, args, result) = match is_window_function(name) {
            true => {
                if call.filter.is_some() {
                    let message = "FILTER is not implemented for non-aggregate window functions";
                    return Err(Error::new(Kind::FeatureNotSupported, message));
                }
                let args = self.arguments(&inner, call)?;
                self.window_function(name, &args)?
            }
            false => self.window_aggregate(&inner, name, call)?,
        };
        let filter = match &call.filter {
            Some(filter) => {
                let typed = self.expr(&inner, filter)?.placed_at(filter.as_ref());
                Some(self.boolean(typed, "FILTER")?)
            }
            None => None,
        };
        let args: Vec<Typed> = match &filter {
            Some(filter) => {
                let lazy = |arg: Typed| Typed { expr: only_where(&filter.expr, arg.expr), ..arg };
                args.into_iter().map(lazy).collect()
            }
            None => args,
        };
        let Window { partition_by, order, frame, shifts } = window;
        let spec = Spec {
            call: own,
            name: name.to_owned(),
            args: args.iter().map(|arg| arg.ty).collect(),
            filter: filter.is_some(),
            order: order.iter().map(|(_, key)| *key).collect(),
            frame,
            shifts,
            result,
            style: Arc::clone(self.style()),
            zone: Arc::clone(self.zone()),
        };
        let spec = Spec { name: windowed::label(&spec), ..spec };
        let mut order_by = Vec::new();
        for (typed, key) in &order {
            order_by.push(Sort::new(self.key(typed.clone())?.expr, !key.descending, key.nulls_first));
        }
        let exprs = args.into_iter().chain(filter).chain(order.into_iter().map(|(typed, _)| typed));
        let params = WindowFunctionParams {
            args: exprs.map(|typed| typed.expr).collect(),
            partition_by,
            order_by,
            window_frame: windowed::whole_partition(),
            filter: None,
            null_treatment: None,
            distinct: false,
        };
        let fun = WindowFunctionDefinition::WindowUDF(windowed::function(spec));
        let expr = Expr::WindowFunction(Box::new(WindowFunction { fun, params }));
        let mut known = gather.windows.borrow_mut();
        let column = match known.iter().find(|(own, _)| *own == expr) {
            Some((_, column)) => column.clone(),
            None => {
                let column = self.fresh("w");
                known.push((expr, column.clone()));
                column
            }
        };
        drop(known);
        Ok(self.column(None, &column, result))
    }

    /// An aggregate, its arguments, and the type of its value.
    fn window_aggregate(&self, context: &Context<'_>, name: &str, call: &Call) -> Result<(Own, Vec<Typed>, PgType)> {
        let list = super::call::list(call);
        if list.is_some_and(|list| list.duplicate_treatment == Some(DuplicateTreatment::Distinct)) {
            let message = "DISTINCT is not implemented for window functions";
            return Err(Error::new(Kind::FeatureNotSupported, message));
        }
        if list.is_some_and(|list| !list.clauses.is_empty()) {
            let message = "aggregate ORDER BY is not implemented for window functions";
            return Err(Error::new(Kind::FeatureNotSupported, message));
        }
        if !call.within_group.is_empty() {
            let message = format!("OVER is not supported for ordered-set aggregate {name}");
            return Err(Error::new(Kind::FeatureNotSupported, message));
        }
        let written = list.map(|list| list.args.as_slice()).unwrap_or_default();
        if let [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)] = written {
            return match name {
                "count" => Ok((Own::Count, Vec::new(), PgType::Int8)),
                _ => Err(self.missing_function(name, &[])),
            };
        }
        // Aggregates may stand in the arguments here: sum(count(*)) OVER ().
        let args = self.arguments(context, call)?;
        if name == "count" {
            if args.is_empty() {
                let message = "count(*) must be used to call a parameterless aggregate function";
                return Err(Error::new(Kind::WrongObjectType, message));
            }
            if args.len() > 1 {
                return Err(self.missing_function(name, &args.iter().map(|arg| arg.ty).collect::<Vec<_>>()));
            }
            let args = args.into_iter().map(|arg| self.known(arg)).collect::<Result<_>>()?;
            return Ok((Own::Count, args, PgType::Int8));
        }
        let (name, args) = self.json_arguments(name, args)?;
        let types: Vec<PgType> = args.iter().map(|arg| arg.ty).collect();
        let choice = choose(aggregates(name), &types).map_err(|failure| self.no_aggregate(name, &types, failure))?;
        if choice.target.direct.is_some() {
            let message = format!("WITHIN GROUP is required for ordered-set aggregate {name}");
            return Err(Error::new(Kind::WrongObjectType, message));
        }
        let args = args.into_iter().zip(&choice.args).map(|(arg, ty)| self.implicit(arg, *ty));
        Ok((Own::Aggregate(choice.target), args.collect::<Result<_>>()?, choice.result))
    }

    fn window(&self, context: &Context<'_>, spec: &WindowSpec) -> Result<Window> {
        let inner = context.within(Clause::WindowDefinition);
        let key = |expr: &ast::Expr| self.key(self.known(self.expr(&inner, expr)?.placed_at(expr))?);
        let partition_by = spec.partition_by.iter().map(|expr| Ok(key(expr)?.expr)).collect::<Result<Vec<_>>>()?;
        let mut order = Vec::new();
        let mut exclude = Exclude::NoOthers;
        for item in &spec.order_by {
            if let Some(found) = exclusion(&item.expr) {
                exclude = found;
                continue;
            }
            let typed = self.known(self.expr(&inner, &item.expr)?.placed_at(&item.expr))?;
            let descending = item.options.asc == Some(false);
            let nulls_first = item.options.nulls_first.unwrap_or(descending);
            let key = SortKey { ty: typed.ty, descending, nulls_first, arg: None };
            order.push((typed, key));
        }
        let (frame, shifts) = self.frame(context, spec.window_frame.as_ref(), exclude, &mut order)?;
        Ok(Window { partition_by, order, frame, shifts })
    }

    fn frame(
        &self,
        context: &Context<'_>,
        frame: Option<&ast::WindowFrame>,
        exclude: Exclude,
        order: &mut [(Typed, SortKey)],
    ) -> Result<(Frame, Option<(Shift, Shift)>)> {
        let Some(frame) = frame else {
            let (start, end) = (Bound::UnboundedPreceding, Bound::CurrentRow);
            return Ok((Frame { units: Units::Range, start, end, exclude }, None));
        };
        let units = match frame.units {
            ast::WindowFrameUnits::Rows => Units::Rows,
            ast::WindowFrameUnits::Range => Units::Range,
            ast::WindowFrameUnits::Groups => Units::Groups,
        };
        if units == Units::Groups && order.is_empty() {
            return Err(Error::new(Kind::Windowing, "GROUPS mode requires an ORDER BY clause"));
        }
        let mut shifts = None;
        let mut bound = |bound: &ast::WindowFrameBound, side: &str| -> Result<Bound> {
            use ast::WindowFrameBound as B;
            Ok(match bound {
                B::CurrentRow => Bound::CurrentRow,
                B::Preceding(None) => Bound::UnboundedPreceding,
                B::Following(None) => Bound::UnboundedFollowing,
                B::Preceding(Some(expr)) => {
                    let (offset, own) = self.offset(context, expr, units, order, side)?;
                    shifts = shifts.or(own);
                    Bound::Preceding(offset)
                }
                B::Following(Some(expr)) => {
                    let (offset, own) = self.offset(context, expr, units, order, side)?;
                    shifts = shifts.or(own);
                    Bound::Following(offset)
                }
            })
        };
        let start = bound(&frame.start_bound, "starting")?;
        let end = match &frame.end_bound {
            Some(end) => bound(end, "ending")?,
            None => Bound::CurrentRow,
        };
        Ok((Frame { units, start, end, exclude }, shifts))
    }

    /// The distance of a frame's end from the current row, and for RANGE how a key is shifted by it.
    fn offset(
        &self,
        context: &Context<'_>,
        expr: &ast::Expr,
        units: Units,
        order: &mut [(Typed, SortKey)],
        side: &str,
    ) -> Result<(Datum<'static>, Option<(Shift, Shift)>)> {
        use PgType::{Date, Float4, Float8, Int2, Int4, Int8, Interval, Numeric, Time, Timestamp, Timestamptz};
        let typed = self.expr(&context.within(Clause::WindowFrame), expr)?.placed_at(expr);
        let place = typed.place;
        let mut key = None;
        let wanted = match (units, &mut *order) {
            (Units::Range, [(own, sort)]) => {
                let wanted = match own.ty {
                    Int2 | Int4 | Int8 => Int8,
                    Float4 | Float8 => Float8,
                    Numeric => Numeric,
                    Date | Timestamp | Timestamptz | Time | Interval => Interval,
                    other => {
                        let message = format!(
                            "RANGE with offset PRECEDING/FOLLOWING is not supported for column type {}",
                            other.name()
                        );
                        return Err(self.at(Error::new(Kind::FeatureNotSupported, message), place));
                    }
                };
                // The key goes to the type in which it is shifted.
                let shifted = match own.ty {
                    Int2 | Int4 => Int8,
                    Float4 => Float8,
                    Date => Timestamp,
                    ty => ty,
                };
                *own = self.implicit(own.clone(), shifted)?;
                sort.ty = shifted;
                key = Some(shifted);
                wanted
            }
            (Units::Range, _) => {
                let message = "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column";
                return Err(self.at(Error::new(Kind::Windowing, message), place));
            }
            _ => Int8,
        };
        let from = typed.ty;
        let typed = self.coerce(typed, wanted, CastContext::Assignment).map_err(|error| match error.kind {
            Kind::CannotCoerce if units != Units::Range => {
                let mode = if units == Units::Rows { "ROWS" } else { "GROUPS" };
                let message = format!("argument of {mode} must be type bigint, not type {}", from.name());
                self.at(Error::new(Kind::DatatypeMismatch, message), place)
            }
            _ => error,
        })?;
        let null = || Error::new(Kind::NullNotAllowed, format!("frame {side} offset must not be null"));
        let value = typed.value.ok_or_else(|| Error::unsupported("a frame's offset that is no constant"))?;
        let is_negative = match &value {
            Datum::Null => return Err(null()),
            Datum::Int8(value) => *value < 0,
            Datum::Float8(value) => *value < 0.0 || value.is_nan(),
            Datum::Numeric(value) => {
                value.compare(&crate::function::numeric::Numeric::from(0_i64)).is_lt() || value.is_nan()
            }
            Datum::Interval(value) => crate::function::datetime::interval_key(value) < 0,
            _ => false,
        };
        if is_negative {
            return Err(match units {
                Units::Range => {
                    Error::new(Kind::InvalidPreceding, "invalid preceding or following size in window function")
                }
                _ => Error::new(Kind::InvalidPreceding, format!("frame {side} offset must not be negative")),
            });
        }
        let Some(key) = key else { return Ok((value, None)) };
        let shift = |symbol: &str| {
            let choice = choose(operators(symbol), &[key, wanted]);
            choice.map(|choice| choice.target.call).map_err(|_| Error::internal("a key that cannot be shifted"))
        };
        Ok((value, Some((shift("+")?, shift("-")?))))
    }

    /// A window function, its arguments and the type of its value.
    fn window_function(&self, name: &str, args: &[Typed]) -> Result<(Own, Vec<Typed>, PgType)> {
        let types: Vec<PgType> = args.iter().map(|arg| arg.ty).collect();
        let missing = || self.missing_function(name, &types);
        let none = |own: Own, ty: PgType| match args.is_empty() {
            true => Ok((own, Vec::new(), ty)),
            false => Err(missing()),
        };
        let integer = |typed: &Typed| {
            let integer = self.implicit(typed.clone(), PgType::Int4);
            integer.map_err(|error| if error.kind == Kind::CannotCoerce { missing() } else { error })
        };
        match (name, args) {
            ("row_number", _) => none(Own::RowNumber, PgType::Int8),
            ("rank", _) => none(Own::Rank, PgType::Int8),
            ("dense_rank", _) => none(Own::DenseRank, PgType::Int8),
            ("percent_rank", _) => none(Own::PercentRank, PgType::Float8),
            ("cume_dist", _) => none(Own::CumeDist, PgType::Float8),
            ("ntile", [buckets]) => Ok((Own::Ntile, vec![integer(buckets)?], PgType::Int4)),
            ("first_value" | "last_value", [value]) => {
                let value = self.known(value.clone())?;
                let own = if name == "first_value" { Own::FirstValue } else { Own::LastValue };
                let ty = value.ty;
                Ok((own, vec![value], ty))
            }
            ("nth_value", [value, at]) => {
                let value = self.known(value.clone())?;
                let ty = value.ty;
                Ok((Own::NthValue, vec![value, integer(at)?], ty))
            }
            ("lag" | "lead", [value, rest @ ..]) if rest.len() <= 2 => {
                let own = if name == "lag" { Own::Lag } else { Own::Lead };
                let by = rest.first().map(integer).transpose()?;
                let (ty, value, default) = match rest.get(1) {
                    Some(default) => {
                        let common = crate::function::coerce::common([value.ty, default.ty]).map_err(|_| missing())?;
                        let default = self.implicit(default.clone(), common)?;
                        (common, self.implicit(value.clone(), common)?, Some(default))
                    }
                    None => {
                        let value = self.known(value.clone())?;
                        (value.ty, value, None)
                    }
                };
                Ok((own, [value].into_iter().chain(by).chain(default).collect(), ty))
            }
            _ => Err(missing()),
        }
    }
}

/// The EXCLUDE that stands as the last item of ORDER BY.
fn exclusion(expr: &ast::Expr) -> Option<Exclude> {
    use crate::sql::parse::{EXCLUDE_CURRENT_ROW, EXCLUDE_GROUP, EXCLUDE_TIES};
    let ast::Expr::Identifier(ident) = expr else { return None };
    match ident.value.as_str() {
        EXCLUDE_CURRENT_ROW => Some(Exclude::CurrentRow),
        EXCLUDE_GROUP => Some(Exclude::Group),
        EXCLUDE_TIES => Some(Exclude::Ties),
        _ => None,
    }
}

fn find<'n>(named: &'n [Named], name: &ast::Ident) -> Result<&'n Named> {
    let own = folded(name);
    named
        .iter()
        .find(|window| window.name == own)
        .ok_or_else(|| Error::new(Kind::UndefinedObject, format!("window \"{own}\" does not exist")))
}

/// A window that names another: it has its partitions, and its order unless that has none.
fn inherited(named: &[Named], spec: &WindowSpec) -> Result<WindowSpec> {
    let Some(name) = &spec.window_name else { return Ok(spec.clone()) };
    let base = find(named, name)?;
    let wrong = |what: &str| {
        let message = format!("cannot override {what} of window \"{}\"", base.name);
        Err(Error::new(Kind::Windowing, message))
    };
    if !spec.partition_by.is_empty() {
        return wrong("PARTITION BY clause");
    }
    if !spec.order_by.is_empty() && !base.spec.order_by.is_empty() {
        return wrong("ORDER BY clause");
    }
    if base.spec.window_frame.is_some() {
        let message = format!("cannot copy window \"{}\" because it has a frame clause", base.name);
        return Err(Error::new(Kind::Windowing, message));
    }
    let order_by = match spec.order_by.is_empty() {
        true => base.spec.order_by.clone(),
        false => spec.order_by.clone(),
    };
    let partition_by = base.spec.partition_by.clone();
    Ok(WindowSpec { window_name: None, partition_by, order_by, window_frame: spec.window_frame.clone() })
}

/// The windows that a SELECT's expressions have asked for.
pub(super) fn take(gather: &Gather) -> Vec<(Expr, String)> {
    gather.windows.borrow().clone()
}
