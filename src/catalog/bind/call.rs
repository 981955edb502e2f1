//! Function calls: scalar, aggregate, window, set-returning, and what only looks like a call.

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
    OrderByExpr, WindowSpec, WindowType,
};

use super::super::aggregate::Aggregate;
use super::super::engine::EngineCall;
use super::super::functions;
use super::super::plan::{AggregateCall, Compare, Node, SetCall, SortKey, SubqueryKind, Test, Window, WindowFunction};
use super::super::sets::Set;
use super::super::types;
use super::super::value::Value;
use super::query::sort_key;
use super::{Binder, Bound, Clause, fold, parts};
use crate::error::{Error, Kind, Result};
use crate::function::registry;
use crate::function::resolve::{self, Choice};
use crate::pgtype::types::PgType;

/// Sort keys of an aggregate or window, with what they sort by.
type SortNodes = Vec<(Node, SortKey)>;

impl Binder<'_, '_> {
    /// Binds a call.
    pub(super) fn call(&mut self, function: &Function) -> Result<Bound> {
        let path = parts(&function.name);
        let name = path.last().cloned().unwrap_or_default();
        if !function.within_group.is_empty() {
            return Err(Error::unsupported("WITHIN GROUP over the catalogs"));
        }
        let list = match &function.args {
            FunctionArguments::None => {
                return self.scalar(&name, Vec::new());
            }
            FunctionArguments::Subquery(query) => {
                let (node, columns) = self.subquery_node(SubqueryKind::Array, query)?;
                let element = columns.first().copied().unwrap_or(types::TEXT);
                return match columns.len() {
                    1 => Ok(Bound::new(node, types::array_of(element))),
                    _ => Err(Error::new(Kind::Syntax, "subquery must return only one column")),
                };
            }
            FunctionArguments::List(list) => list,
        };
        let builtin = path.len() == 1 || matches!(path[path.len() - 2].as_str(), "pg_catalog" | "information_schema");
        if !builtin {
            return Err(Error::new(Kind::UndefinedFunction, format!("function {} does not exist", path.join("."))));
        }
        if name == "similar_to_escape" {
            return Err(Error::unsupported("SIMILAR TO over the catalogs"));
        }
        let star = matches!(list.args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
        if let Some(aggregate) = Aggregate::named(&name) {
            let aggregate = if star && aggregate == Aggregate::Count { Aggregate::CountRows } else { aggregate };
            return self.aggregate(function, aggregate, &name);
        }
        if let Some(over) = &function.over {
            return self.window(&name, over);
        }
        let args = self.arguments(&list.args)?;
        let given: Vec<u32> = args.iter().map(|arg| arg.type_oid).collect();
        if let Some(set) = Set::named(&name, &given) {
            return self.set_call(set, &name, args);
        }
        self.scalar(&name, args)
    }

    /// Binds a call of a scalar function with bound arguments.
    pub(super) fn scalar(&mut self, name: &str, mut args: Vec<Bound>) -> Result<Bound> {
        match (name, args.len()) {
            ("coalesce", 1..) => {
                let (nodes, type_oid) = self.unify("COALESCE", args)?;
                return Ok(Bound::new(Node::Coalesce(nodes), type_oid));
            }
            ("nullif", 2) => {
                let result = args[0].clone();
                let second = args.pop().unwrap_or_else(|| result.clone());
                let result = if result.type_oid == types::UNKNOWN { self.known(result)? } else { result };
                let equal = self.comparison(Test::Compare(Compare::Eq), "=", result.clone(), second)?;
                let branches = vec![(equal.node, Node::Const(Value::Null))];
                return Ok(Bound::new(Node::Case { branches, otherwise: Box::new(result.node) }, result.type_oid));
            }
            ("greatest" | "least", 1..) => return self.extreme(name == "greatest", args),
            ("pg_typeof", 1) => return Ok(Bound::new(Node::Const(Value::oid(args[0].type_oid)), types::REGTYPE)),
            ("row", _) => {
                let nodes: Result<Vec<Node>> = args.into_iter().map(|arg| self.known(arg).map(|b| b.node)).collect();
                return Ok(Bound::new(Node::Row(nodes?), types::RECORD));
            }
            _ => {}
        }
        let given: Vec<u32> = args.iter().map(|arg| arg.type_oid).collect();
        let Some(choice) = functions::choose(name, &given) else {
            return match engine_function(name, &given) {
                Some(choice) => self.engine_call(&choice, args),
                None => self.conversion(name, args),
            };
        };
        let mut nodes = Vec::new();
        for (arg, to) in args.into_iter().zip(&choice.args) {
            // A function that prints anything sees text where a value has a name or no type.
            let prints = choice.ret == types::TEXT && matches!(*to, types::ANY | types::ANYARRAY);
            nodes.push(if prints && arg.type_oid != types::UNKNOWN {
                self.shown(arg)?
            } else {
                self.coerce(arg, *to)?
            });
        }
        Ok(Bound::new(Node::Call { function: choice.function, args: nodes }, choice.ret))
    }

    /// A function that the catalogs have not, as the engine carries it out.
    fn engine_call(&mut self, choice: &Choice<crate::function::Function>, args: Vec<Bound>) -> Result<Bound> {
        let mut nodes = Vec::new();
        for (arg, to) in args.into_iter().zip(&choice.args) {
            nodes.push(self.cast(arg, to.oid())?);
        }
        let call = EngineCall { function: choice.target, args: choice.args.clone(), result: choice.result };
        Ok(Bound::new(Node::EngineCall { call, args: nodes }, choice.result.oid()))
    }

    /// Turns what is shown by a name into that name, for functions that print anything.
    fn shown(&mut self, arg: Bound) -> Result<Node> {
        let named = |oid| types::is_reg(types::base(oid));
        match types::element(arg.type_oid) {
            Some(element) if named(element) => self.cast(arg, types::array_of(types::TEXT)),
            None if named(arg.type_oid) => self.cast(arg, types::TEXT),
            _ => Ok(arg.node),
        }
    }

    /// `text(x)` and `regclass('x')` are casts.
    fn conversion(&mut self, name: &str, mut args: Vec<Bound>) -> Result<Bound> {
        if let (1, Some(to), false) = (args.len(), types::by_name(name), functions::exists(name))
            && let Some(arg) = args.pop()
        {
            let to = types::base(to);
            return Ok(Bound::new(self.cast(arg, to)?, to));
        }
        Err(no_function(name, &args))
    }

    fn extreme(&mut self, greatest: bool, args: Vec<Bound>) -> Result<Bound> {
        let (nodes, type_oid) = self.unify(if greatest { "GREATEST" } else { "LEAST" }, args)?;
        let op = Test::Compare(if greatest { Compare::Ge } else { Compare::Le });
        // max(a, b) = CASE WHEN b IS NULL OR a >= b THEN a ELSE coalesce(b, a) END, folded over the list.
        let mut list = nodes.into_iter();
        let mut best = list.next().unwrap_or(Node::Const(Value::Null));
        for next in list {
            let test = Node::Test { test: op, left: Box::new(best.clone()), right: Box::new(next.clone()) };
            let absent = Node::IsNull { arg: Box::new(next.clone()), negated: false };
            let otherwise = Box::new(Node::Coalesce(vec![next, best.clone()]));
            best = Node::Case { branches: vec![(Node::Or(vec![absent, test]), best)], otherwise };
        }
        Ok(Bound::new(best, type_oid))
    }

    fn set_call(&mut self, set: Set, name: &str, args: Vec<Bound>) -> Result<Bound> {
        let given: Vec<u32> = args.iter().map(|arg| arg.type_oid).collect();
        let wanted = set.args(&given);
        let columns = set.columns(name, &wanted);
        let mut nodes = Vec::new();
        for (arg, to) in args.into_iter().zip(wanted) {
            nodes.push(self.coerce(arg, to)?);
        }
        let scope = self.scope()?;
        if scope.clause != Clause::Output {
            return Err(Error::unsupported("a set-returning function outside FROM and the select list"));
        }
        let slot = scope.slots + 2;
        let call = SetCall { function: set, args: nodes };
        let column = scope.sets.iter().position(|other| *other == call).unwrap_or_else(|| {
            scope.sets.push(call);
            scope.sets.len() - 1
        });
        let type_oid = if let [(_, type_oid)] = columns.as_slice() { *type_oid } else { types::RECORD };
        Ok(Bound::new(Node::Column { depth: 0, slot, column }, type_oid))
    }

    fn aggregate(&mut self, function: &Function, aggregate: Aggregate, name: &str) -> Result<Bound> {
        let before = self.scope()?.clause;
        if before != Clause::Output {
            let place = if before == Clause::Aggregate {
                "aggregate function calls cannot be nested"
            } else {
                "aggregate functions are not allowed here"
            };
            return Err(Error::new(Kind::Grouping, place));
        }
        // Over a window the arguments are of the groups, and may themselves be aggregates.
        self.scope()?.clause = if function.over.is_some() { Clause::Output } else { Clause::Aggregate };
        let bound = self.aggregate_call(function, aggregate, name);
        self.scope()?.clause = before;
        let (call, type_oid) = bound?;
        if let Some(over) = &function.over {
            let (partition, order) = self.window_spec(over)?;
            if !order.is_empty() {
                return Err(Error::unsupported("a running aggregate over the catalogs"));
            }
            return self.add_window(Window { function: WindowFunction::Aggregate(call), partition, order }, type_oid);
        }
        let scope = self.scope()?;
        let slot = scope.slots;
        let column = scope.aggregates.iter().position(|other| *other == call).unwrap_or_else(|| {
            scope.aggregates.push(call);
            scope.aggregates.len() - 1
        });
        Ok(Bound::new(Node::Column { depth: 0, slot, column }, type_oid))
    }

    fn aggregate_call(
        &mut self,
        function: &Function,
        aggregate: Aggregate,
        name: &str,
    ) -> Result<(AggregateCall, u32)> {
        let FunctionArguments::List(list) = &function.args else { return Err(Error::unsupported("this aggregate")) };
        let args = if aggregate == Aggregate::CountRows { Vec::new() } else { self.arguments(&list.args)? };
        let given: Vec<u32> = args.iter().map(|arg| arg.type_oid).collect();
        let type_oid = aggregate.result(&given).ok_or_else(|| no_function(name, &args))?;
        let mut nodes = Vec::new();
        for arg in args {
            nodes.push(match aggregate {
                Aggregate::BoolAnd | Aggregate::BoolOr => self.coerce(arg, types::BOOL)?,
                Aggregate::StringAgg => self.coerce(arg, types::TEXT)?,
                _ => self.known(arg)?.node,
            });
        }
        let mut order = Vec::new();
        for clause in &list.clauses {
            match clause {
                FunctionArgumentClause::OrderBy(keys) => order = self.sort_nodes(keys)?,
                _ => return Err(Error::unsupported("this clause of an aggregate")),
            }
        }
        let filter = function.filter.as_ref().map(|filter| self.condition(filter)).transpose()?;
        let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        Ok((AggregateCall { function: aggregate, args: nodes, distinct, order, filter }, type_oid))
    }

    fn sort_nodes(&mut self, keys: &[OrderByExpr]) -> Result<SortNodes> {
        let mut order = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            let bound = self.expr(&key.expr)?;
            order.push((self.known(bound)?.node, sort_key(key, at)));
        }
        Ok(order)
    }

    fn window(&mut self, name: &str, over: &WindowType) -> Result<Bound> {
        let function = match name {
            "row_number" => WindowFunction::RowNumber,
            "rank" => WindowFunction::Rank,
            "dense_rank" => WindowFunction::DenseRank,
            other => return Err(Error::unsupported(format!("the window function {other} over the catalogs"))),
        };
        let (partition, order) = self.window_spec(over)?;
        self.add_window(Window { function, partition, order }, types::INT8)
    }

    fn window_spec(&mut self, over: &WindowType) -> Result<(Vec<Node>, SortNodes)> {
        let spec: WindowSpec = match over {
            WindowType::WindowSpec(spec) => spec.clone(),
            WindowType::NamedWindow(name) => {
                let name = fold(name);
                let found =
                    self.scope()?.named_windows.iter().find(|(other, _)| *other == name).map(|(_, spec)| spec.clone());
                found.ok_or_else(|| Error::new(Kind::UndefinedObject, format!("window \"{name}\" does not exist")))?
            }
        };
        if spec.window_name.is_some() || spec.window_frame.is_some() {
            return Err(Error::unsupported("a window frame over the catalogs"));
        }
        let partition: Result<Vec<Node>> =
            spec.partition_by.iter().map(|expr: &Expr| self.expr(expr).map(|bound| bound.node)).collect();
        Ok((partition?, self.sort_nodes(&spec.order_by)?))
    }

    fn add_window(&mut self, window: Window, type_oid: u32) -> Result<Bound> {
        let scope = self.scope()?;
        if scope.clause != Clause::Output {
            return Err(Error::new(Kind::Grouping, "window functions are not allowed here"));
        }
        let slot = scope.slots + 1;
        scope.windows.push(window);
        let column = scope.windows.len() - 1;
        Ok(Bound::new(Node::Column { depth: 0, slot, column }, type_oid))
    }
}

/// The function of the engine that a call means.
fn engine_function(name: &str, given: &[u32]) -> Option<Choice<crate::function::Function>> {
    let types = given.iter().map(|oid| PgType::from_oid(types::base(*oid))).collect::<Option<Vec<PgType>>>()?;
    resolve::choose(registry::functions(name), &types).ok()
}

fn no_function(name: &str, args: &[Bound]) -> Error {
    let types: Vec<String> =
        args.iter().map(|arg| types::format(arg.type_oid, None).unwrap_or_else(|| "record".to_owned())).collect();
    Error::new(Kind::UndefinedFunction, format!("function {name}({}) does not exist", types.join(", ")))
        .hint("No function matches the given name and argument types. You might need to add explicit type casts.")
}
