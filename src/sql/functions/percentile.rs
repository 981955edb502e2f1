//! `percentile_cont(p) WITHIN GROUP (ORDER BY x)` as PostgreSQL computes it.
//!
//! The engine's own interpolates with six digits of the fraction: 5506.346 where PostgreSQL says 5506.35 (seen with
//! DataFusion 55.2). Here it is `lower + fraction * (upper - lower)` in double precision, over the values in the order
//! that is asked for.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array, ListArray, RecordBatch};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Schema};
use datafusion::common::{Result as EngineResult, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

use crate::error::{Error, Kind};
use crate::table::provider::external;

/// The aggregate, to take the place of the engine's.
pub fn percentile_cont() -> AggregateUDF {
    let doubles = vec![DataType::Float64, DataType::Float64];
    let signature = Signature::exact(doubles, Volatility::Immutable);
    AggregateUDF::new_from_impl(PercentileCont { signature, aliases: vec!["quantile_cont".to_owned()] })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct PercentileCont {
    signature: Signature,
    /// All names of the one it replaces: a copied session registers every function under all its names again, and the
    /// engine's own would come back under a name that was left to it.
    aliases: Vec<String>,
}

impl AggregateUDFImpl for PercentileCont {
    fn name(&self) -> &'static str {
        "percentile_cont"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn return_type(&self, _arguments: &[DataType]) -> EngineResult<DataType> {
        Ok(DataType::Float64)
    }

    fn supports_within_group_clause(&self) -> bool {
        true
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> EngineResult<Vec<FieldRef>> {
        let list = DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true)));
        Ok(vec![Arc::new(Field::new(format!("{}[values]", args.name), list, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> EngineResult<Box<dyn Accumulator>> {
        let nothing = RecordBatch::new_empty(Arc::new(Schema::empty()));
        let percentile = match args.exprs[1].evaluate(&nothing)?.into_array(1)?.as_primitive_opt::<Float64Type>() {
            Some(value) => value.iter().next().flatten(),
            None => None,
        };
        if let Some(percentile) = percentile.filter(|percentile| !(0.0..=1.0).contains(percentile)) {
            let message = format!("percentile value {percentile} is not between 0 and 1");
            return Err(external(Error::new(Kind::NumericOutOfRange, message)));
        }
        let descending = args.order_bys.first().is_some_and(|order| order.options.descending);
        Ok(Box::new(Values { percentile, descending, distinct: args.is_distinct, values: Vec::new() }))
    }
}

#[derive(Debug)]
struct Values {
    percentile: Option<f64>,
    descending: bool,
    distinct: bool,
    values: Vec<f64>,
}

/// NaN is above all numbers, as PostgreSQL has it.
fn compare(left: &f64, right: &f64) -> Ordering {
    left.partial_cmp(right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

impl Accumulator for Values {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> EngineResult<()> {
        self.values.extend(arrays[0].as_primitive::<Float64Type>().iter().flatten());
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> EngineResult<()> {
        for list in states[0].as_list::<i32>().iter().flatten() {
            self.values.extend(list.as_primitive::<Float64Type>().iter().flatten());
        }
        Ok(())
    }

    fn state(&mut self) -> EngineResult<Vec<ScalarValue>> {
        let values: ArrayRef = Arc::new(Float64Array::from(std::mem::take(&mut self.values)));
        let field = Arc::new(Field::new_list_field(DataType::Float64, true));
        let list = ListArray::try_new(field, OffsetBuffer::from_lengths([values.len()]), values, None)?;
        Ok(vec![ScalarValue::List(Arc::new(list))])
    }

    fn evaluate(&mut self) -> EngineResult<ScalarValue> {
        let mut values = std::mem::take(&mut self.values);
        values.sort_unstable_by(compare);
        if self.descending {
            values.reverse();
        }
        if self.distinct {
            values.dedup();
        }
        Ok(ScalarValue::Float64(self.percentile.and_then(|percentile| interpolate(&values, percentile))))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<f64>()
    }
}

/// The value at a fraction of the way through sorted values; none of none.
fn interpolate(values: &[f64], percentile: f64) -> Option<f64> {
    let place = percentile * (values.len().checked_sub(1)? as f64);
    let (first, second) = (values[place.floor() as usize], values[place.ceil() as usize]);
    let fraction = place - place.floor();
    Some(if fraction == 0.0 { first } else { first + fraction * (second - first) })
}

#[cfg(test)]
mod tests {
    use super::interpolate;

    #[test]
    fn values_are_those_of_postgresql() {
        // SELECT percentile_cont(p) WITHIN GROUP (ORDER BY x) FROM unnest(…) x, PostgreSQL 15
        assert_eq!(interpolate(&[1.0, 2.0], 0.95), Some(1.95));
        assert_eq!(interpolate(&[100.0, 5000.0, 5533.0], 0.95), Some(5479.7));
        assert_eq!(interpolate(&[7.0], 0.5), Some(7.0));
        assert_eq!(interpolate(&[1.0, 2.0, 3.0], 1.0), Some(3.0));
        assert_eq!(interpolate(&[], 0.5), None);
    }
}
