//! An aggregate over values as an aggregate of the engine. DISTINCT and ORDER BY within the call are carried out here.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, ListArray, StructArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result as EngineResult, ScalarValue};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, Volatility};

use crate::error::{Error, Result};
use crate::function::datum::Datum;
use crate::function::{Aggregate, State, io};
use crate::pgtype::style::Style;
use crate::pgtype::types::PgType;
use crate::sql::scalar::external;
use crate::sql::values::{Builder, Reader, data_type, scalar};

/// One key of an ORDER BY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SortKey {
    /// Its type.
    pub ty: PgType,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST.
    pub nulls_first: bool,
    /// The argument that it repeats, by its number; it has no values of its own then.
    pub arg: Option<usize>,
}

/// What a call of an aggregate says beside its arguments.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The function.
    pub aggregate: &'static Aggregate,
    /// The types of its arguments, the direct ones first.
    pub args: Vec<PgType>,
    /// The type of its value.
    pub result: PgType,
    /// DISTINCT.
    pub distinct: bool,
    /// The values of the direct arguments where they are constants; a group without rows needs them too.
    pub direct: Vec<Datum<'static>>,
    /// ORDER BY; its values follow the arguments.
    pub order: Vec<SortKey>,
    /// How values are written and read.
    pub style: Arc<Style>,
    /// The session's zone.
    pub zone: Arc<str>,
}

impl Spec {
    fn n_direct(&self) -> usize {
        self.aggregate.direct.unwrap_or(0)
    }

    /// The types of the arguments and of the sort keys.
    fn types(&self) -> impl Iterator<Item = PgType> {
        let keys = self.order.iter().filter(|key| key.arg.is_none()).map(|key| key.ty);
        self.args.iter().copied().chain(keys)
    }

    /// Where in a row that is kept, which has no direct arguments, the value of each sort key stands.
    fn places(&self) -> Vec<usize> {
        let mut next = self.args.len() - self.n_direct();
        let place = |key: &SortKey| match key.arg {
            Some(arg) => arg - self.n_direct(),
            None => {
                next += 1;
                next - 1
            }
        };
        self.order.iter().map(place).collect()
    }

    /// Of rows that are kept: a list of them.
    fn state_type(&self) -> DataType {
        let fields =
            self.types().enumerate().map(|(at, ty)| Field::new(format!("c{at}"), data_type(ty, &self.zone), true));
        DataType::new_list(DataType::Struct(fields.collect()), true)
    }

    /// Whether rows must be kept until the end.
    fn keeps_rows(&self) -> bool {
        self.distinct || !self.order.is_empty()
    }
}

#[derive(Debug)]
struct Gathered {
    spec: Spec,
    signature: Signature,
}

/// The engine's function for a call.
pub fn function(spec: Spec) -> Arc<AggregateUDF> {
    let count = spec.types().count();
    let signature = match count {
        0 => Signature::nullary(Volatility::Immutable),
        count => Signature::any(count, Volatility::Immutable),
    };
    Arc::new(AggregateUDF::new_from_impl(Gathered { spec, signature }))
}

/// The keys, those that repeat an argument without their expressions.
pub fn repeated(args: &[Expr], keys: Vec<(Expr, SortKey)>) -> (Vec<SortKey>, Vec<Expr>) {
    let mut exprs = Vec::new();
    let keys = keys.into_iter().map(|(expr, key)| {
        let arg = args.iter().position(|arg| *arg == expr);
        exprs.extend(arg.is_none().then_some(expr));
        SortKey { arg, ..key }
    });
    (keys.collect(), exprs)
}

/// Aggregates whose value depends on the order of their rows.
const IN_ORDER: &[&str] =
    &["array_agg", "string_agg", "json_agg", "json_agg_lines", "jsonb_agg", "json_object_agg", "jsonb_object_agg"];

/// Aggregates that tell the rank of a row that is not there.
const HYPOTHETICAL: &[&str] = &["rank", "dense_rank", "percent_rank", "cume_dist"];

fn gathered_spec(call: &Expr) -> Option<&Spec> {
    let Expr::AggregateFunction(call) = call else { return None };
    let own: &dyn std::any::Any = call.func.inner().as_ref();
    own.downcast_ref::<Gathered>().map(|own| &own.spec)
}

/// Whether a call takes its rows as they come and shows their order.
pub fn takes_order(call: &Expr) -> bool {
    gathered_spec(call)
        .is_some_and(|spec| spec.order.is_empty() && !spec.distinct && IN_ORDER.contains(&spec.aggregate.name))
}

/// The call with its rows in the order of `key`, if it takes them as they come.
pub fn ordered(call: Expr, key: &Expr) -> Expr {
    if !takes_order(&call) {
        return call;
    }
    let Some(spec) = gathered_spec(&call) else { return call };
    let order = vec![SortKey { ty: PgType::Int8, descending: false, nulls_first: false, arg: None }];
    let func = function(Spec { order, ..spec.clone() });
    match call {
        Expr::AggregateFunction(mut call) => {
            call.params.args.push(key.clone());
            Expr::AggregateFunction(AggregateFunction { func, params: call.params })
        }
        other => other,
    }
}

impl Gathered {
    fn identity(&self) -> (&'static str, &'static str, &[PgType], PgType, bool, &[SortKey]) {
        let Spec { aggregate, args, result, distinct, order, .. } = &self.spec;
        (aggregate.name, aggregate.args, args, *result, *distinct, order)
    }
}

impl PartialEq for Gathered {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Gathered {}

impl Hash for Gathered {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl AggregateUDFImpl for Gathered {
    fn name(&self) -> &str {
        self.spec.aggregate.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> EngineResult<DataType> {
        Ok(data_type(self.spec.result, &self.spec.zone))
    }

    fn return_field(&self, _args: &[FieldRef]) -> EngineResult<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), self.return_type(&[])?, true)))
    }

    fn state_fields(&self, _args: StateFieldsArgs<'_>) -> EngineResult<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new("state", self.spec.state_type(), true))])
    }

    fn accumulator(&self, _args: AccumulatorArgs<'_>) -> EngineResult<Box<dyn Accumulator>> {
        Ok(Box::new(Rows {
            spec: self.spec.clone(),
            state: None,
            direct: Vec::new(),
            rows: VecDeque::new(),
            bytes: 0,
            sliding: false,
        }))
    }

    fn create_sliding_accumulator(&self, _args: AccumulatorArgs<'_>) -> EngineResult<Box<dyn Accumulator>> {
        Ok(Box::new(Rows {
            spec: self.spec.clone(),
            state: None,
            direct: Vec::new(),
            rows: VecDeque::new(),
            bytes: 0,
            sliding: true,
        }))
    }
}

/// What one group, or one window frame, has gathered.
#[derive(Debug)]
struct Rows {
    spec: Spec,
    state: Option<Box<dyn State>>,
    direct: Vec<Datum<'static>>,
    /// The rows, if they are needed again: arguments, then sort keys.
    rows: VecDeque<Vec<Datum<'static>>>,
    bytes: usize,
    /// Rows leave at the front again.
    sliding: bool,
}

impl Rows {
    fn readers<'a>(&self, arrays: &'a [ArrayRef]) -> Result<Vec<Reader<'a>>> {
        arrays.iter().zip(self.spec.types()).map(|(array, ty)| Reader::new(array, ty)).collect()
    }

    fn fresh(&self) -> Result<Box<dyn State>> {
        let mut known = if self.direct.is_empty() { self.spec.direct.clone() } else { self.direct.clone() };
        // A hypothetical row finds its place in the order of the call.
        if let (true, Some(key)) = (HYPOTHETICAL.contains(&self.spec.aggregate.name), self.spec.order.first()) {
            known.extend([Datum::Bool(key.descending), Datum::Bool(key.nulls_first)]);
        }
        (self.spec.aggregate.make)(&known, &self.spec.style)
    }

    fn update(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        let readers = self.readers(arrays)?;
        let rows = arrays.first().map_or(0, |array| array.len());
        let direct = self.spec.n_direct();
        let keeps = self.spec.keeps_rows() || self.sliding;
        for row in 0..rows {
            let values = readers.iter().map(|reader| reader.get(row)).collect::<Result<Vec<_>>>()?;
            let (first, rest) = values.split_at(direct);
            if self.direct.len() < direct {
                self.direct = first.iter().cloned().map(Datum::into_owned).collect();
            }
            let args = &rest[..self.spec.args.len() - direct];
            let is_left_out = self.spec.aggregate.strict && args.iter().any(Datum::is_null);
            if keeps {
                // A sliding frame counts its rows, also those that do not matter.
                if self.sliding || !is_left_out {
                    let kept: Vec<_> = rest.iter().cloned().map(Datum::into_owned).collect();
                    self.bytes += kept.iter().map(weight).sum::<usize>();
                    self.rows.push_back(kept);
                }
            } else if !is_left_out {
                if self.state.is_none() {
                    self.state = Some(self.fresh()?);
                }
                if let Some(state) = &mut self.state {
                    state.step(args)?;
                }
            }
        }
        Ok(())
    }

    /// The rows as one value, for when they do not fit into memory.
    fn saved(&self) -> Result<ScalarValue> {
        let builder = |ty| Builder::new(ty, &self.spec.zone, self.rows.len());
        let mut builders: Vec<Builder> = self.spec.types().map(builder).collect();
        for row in &self.rows {
            for (builder, value) in builders.iter_mut().zip(self.direct.iter().chain(row)) {
                builder.push(value)?;
            }
        }
        let DataType::List(item) = self.spec.state_type() else {
            return Err(Error::internal("the state of an aggregate is a list"));
        };
        let DataType::Struct(fields) = item.data_type().clone() else {
            return Err(Error::internal("the state of an aggregate is a list of rows"));
        };
        let columns = builders.into_iter().map(Builder::finish).collect();
        let rows = StructArray::try_new(fields, columns, None).map_err(|error| Error::internal(error.to_string()))?;
        let lengths = OffsetBuffer::from_lengths([self.rows.len()]);
        let list = ListArray::try_new(item, lengths, Arc::new(rows), None);
        Ok(ScalarValue::List(Arc::new(list.map_err(|error| Error::internal(error.to_string()))?)))
    }

    fn value(&self) -> Result<Datum<'static>> {
        if let Some(state) = &self.state {
            return state.finish();
        }
        let mut state = self.fresh()?;
        let count = self.spec.args.len() - self.spec.n_direct();
        let strict = self.spec.aggregate.strict;
        let mut rows: Vec<&[Datum<'static>]> = self
            .rows
            .iter()
            .map(Vec::as_slice)
            .filter(|row| !strict || !row[..count].iter().any(Datum::is_null))
            .collect();
        let types = &self.spec.args[self.spec.n_direct()..];
        let by_arguments = |one: &[Datum<'_>], other: &[Datum<'_>]| {
            let pairs = types.iter().zip(one.iter().zip(other));
            let orders = pairs.map(|(ty, (one, other))| nulls_last(*ty, one, other));
            orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        };
        let distinct = self.spec.distinct;
        let places = self.spec.places();
        rows.sort_by(|one, other| {
            let order = self.order(&places, one, other);
            if distinct { order.then_with(|| by_arguments(one, other)) } else { order }
        });
        if distinct {
            rows.dedup_by(|one, other| by_arguments(one, other).is_eq());
        }
        for row in rows {
            state.step(&row[..count])?;
        }
        state.finish()
    }

    fn order(&self, places: &[usize], one: &[Datum<'_>], other: &[Datum<'_>]) -> std::cmp::Ordering {
        for (key, &place) in self.spec.order.iter().zip(places) {
            let (one, other) = (&one[place], &other[place]);
            let ordering = match (one.is_null(), other.is_null()) {
                (true, true) => std::cmp::Ordering::Equal,
                (true, false) if key.nulls_first => std::cmp::Ordering::Less,
                (true, false) => std::cmp::Ordering::Greater,
                (false, true) if key.nulls_first => std::cmp::Ordering::Greater,
                (false, true) => std::cmp::Ordering::Less,
                (false, false) if key.descending => io::compare(key.ty, other, one),
                (false, false) => io::compare(key.ty, one, other),
            };
            if ordering.is_ne() {
                return ordering;
            }
        }
        std::cmp::Ordering::Equal
    }
}

fn nulls_last(ty: PgType, one: &Datum<'_>, other: &Datum<'_>) -> std::cmp::Ordering {
    match (one.is_null(), other.is_null()) {
        (false, false) => io::compare(ty, one, other),
        (one, other) => one.cmp(&other),
    }
}

/// Bytes of a value, roughly.
fn weight(value: &Datum<'_>) -> usize {
    let own = size_of::<Datum<'static>>();
    own + match value {
        Datum::Text(text) | Datum::Jsonb(text) => text.len(),
        Datum::Bytea(bytes) => bytes.len(),
        Datum::Array(items) | Datum::Record(items) => items.iter().map(weight).sum(),
        _ => 0,
    }
}

impl Accumulator for Rows {
    fn update_batch(&mut self, values: &[ArrayRef]) -> EngineResult<()> {
        self.update(values).map_err(external)
    }

    fn evaluate(&mut self) -> EngineResult<ScalarValue> {
        let value = self.value().map_err(external)?;
        scalar(self.spec.result, &value, &self.spec.zone).map_err(external)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes + self.state.as_ref().map_or(0, |state| state.size())
    }

    fn state(&mut self) -> EngineResult<Vec<ScalarValue>> {
        if !self.spec.keeps_rows() {
            let message = format!("{} cannot be moved to disk", self.spec.aggregate.name);
            return Err(DataFusionError::ResourcesExhausted(message));
        }
        Ok(vec![self.saved().map_err(external)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> EngineResult<()> {
        let none = || external(Error::internal("an aggregate was given a state of another"));
        for list in states.first().and_then(|state| state.as_list_opt::<i32>()).ok_or_else(none)?.iter().flatten() {
            self.update(list.as_struct_opt().ok_or_else(none)?.columns()).map_err(external)?;
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> EngineResult<()> {
        let rows = values.first().map_or(0, |array| array.len());
        for row in self.rows.drain(..rows.min(self.rows.len())) {
            self.bytes -= row.iter().map(weight).sum::<usize>();
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        self.sliding
    }
}
