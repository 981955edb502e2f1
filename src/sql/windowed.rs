//! Window functions over a partition whose rows are there in order: frames of every kind, with what they exclude.
//!
//! The engine partitions and sorts; a call gets the arguments, the condition of its FILTER and the keys of its ORDER BY
//! as columns, and finds the frame of each row by itself.

mod partition;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result as EngineResult, ScalarValue};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    PartitionEvaluator, Signature, Volatility, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowUDF,
    WindowUDFImpl,
};

use self::partition::Partition;
use crate::error::Result;
use crate::function::Aggregate;
use crate::function::datum::Datum;
use crate::pgtype::style::Style;
use crate::pgtype::types::PgType;
use crate::sql::gathered::SortKey;
use crate::sql::scalar::external;
use crate::sql::values::data_type;

/// What is computed.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each variant is the function of that name")]
pub enum Call {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
    Ntile,
    Lag,
    Lead,
    FirstValue,
    LastValue,
    NthValue,
    /// Rows whose argument, if there is one, is not NULL.
    Count,
    Aggregate(&'static Aggregate),
}

/// How a frame's ends are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the mode of that name")]
pub enum Units {
    Rows,
    Range,
    Groups,
}

/// One end of a frame.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each variant is the bound of that name")]
pub enum Bound {
    UnboundedPreceding,
    Preceding(Datum<'static>),
    CurrentRow,
    Following(Datum<'static>),
    UnboundedFollowing,
}

/// What a frame leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the exclusion of that name")]
pub enum Exclude {
    NoOthers,
    CurrentRow,
    Group,
    Ties,
}

/// A frame clause.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// How its ends are counted.
    pub units: Units,
    /// Where it begins.
    pub start: Bound,
    /// Where it ends.
    pub end: Bound,
    /// What it leaves out.
    pub exclude: Exclude,
}

/// A value plus or minus an offset, for RANGE.
pub type Shift = for<'a> fn(&[Datum<'a>], &Style) -> Result<Datum<'a>>;

/// A call of a window function.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The function.
    pub call: Call,
    /// Its name, for the engine.
    pub name: String,
    /// The types of its arguments.
    pub args: Vec<PgType>,
    /// Whether a condition of FILTER follows the arguments.
    pub filter: bool,
    /// The keys of ORDER BY, whose values come last.
    pub order: Vec<SortKey>,
    /// The frame.
    pub frame: Frame,
    /// The key plus, and minus, an offset.
    pub shifts: Option<(Shift, Shift)>,
    /// The type of the value.
    pub result: PgType,
    /// How values are read and written.
    pub style: Arc<Style>,
    /// The session's zone.
    pub zone: Arc<str>,
}

#[derive(Debug)]
struct Windowed {
    spec: Spec,
    signature: Signature,
}

/// The engine's function for a call.
pub fn function(spec: Spec) -> Arc<WindowUDF> {
    let count = spec.args.len() + usize::from(spec.filter) + spec.order.len();
    let signature = match count {
        0 => Signature::nullary(Volatility::Immutable),
        count => Signature::any(count, Volatility::Immutable),
    };
    Arc::new(WindowUDF::new_from_impl(Windowed { spec, signature }))
}

/// The name of a call for the engine, which names columns after it: with all that tells calls apart.
pub fn label(spec: &Spec) -> String {
    let Spec { name, args, filter, order, frame, result, .. } = spec;
    format!("{name} {args:?} {filter} {order:?} {frame:?} {result:?}")
}

/// The engine's frame for calls that find their own: all of the partition.
pub fn whole_partition() -> WindowFrame {
    let unbounded = || ScalarValue::UInt64(None);
    WindowFrame::new_bounds(
        WindowFrameUnits::Rows,
        WindowFrameBound::Preceding(unbounded()),
        WindowFrameBound::Following(unbounded()),
    )
}

impl Windowed {
    fn identity(&self) -> String {
        label(&self.spec)
    }
}

impl PartialEq for Windowed {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Windowed {}

impl Hash for Windowed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl WindowUDFImpl for Windowed {
    /// With all that tells calls apart, because the engine names columns after it.
    fn name(&self) -> &str {
        &self.spec.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(&self, _args: PartitionEvaluatorArgs<'_>) -> EngineResult<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Evaluator { spec: self.spec.clone() }))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> EngineResult<FieldRef> {
        let ty: DataType = data_type(self.spec.result, &self.spec.zone);
        Ok(Arc::new(Field::new(args.name(), ty, true)))
    }
}

#[derive(Debug)]
struct Evaluator {
    spec: Spec,
}

impl PartitionEvaluator for Evaluator {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> EngineResult<ArrayRef> {
        Partition::read(&self.spec, values, num_rows).and_then(|partition| partition.evaluate()).map_err(external)
    }

    fn supports_bounded_execution(&self) -> bool {
        false
    }

    fn uses_window_frame(&self) -> bool {
        false
    }
}
