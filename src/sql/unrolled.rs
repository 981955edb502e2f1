//! A set-returning function as a function of the engine that gives a list for each row; the plan unrolls the list.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray, NullBufferBuilder};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result as EngineResult, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::error::Result;
use crate::function::SetFunction;
use crate::function::datum::Datum;
use crate::pgtype::style::Style;
use crate::pgtype::types::PgType;
use crate::sql::scalar::external;
use crate::sql::values::{Builder, Reader, data_type};

/// One column of a set-returning function's rows.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The function.
    pub function: &'static SetFunction,
    /// The types of its arguments.
    pub args: Vec<PgType>,
    /// Which column; one past the last is the number of the row.
    pub column: usize,
    /// The column's type.
    pub ty: PgType,
    /// No rows count as one row of NULLs.
    pub keeps_empty: bool,
    /// How values are read and written.
    pub style: Arc<Style>,
    /// The session's zone.
    pub zone: Arc<str>,
}

#[derive(Debug)]
struct Unrolled {
    spec: Spec,
    signature: Signature,
}

/// The list of a column's values.
pub fn call(spec: Spec, args: Vec<Expr>) -> Expr {
    let signature = match args.is_empty() {
        true => Signature::nullary(Volatility::Immutable),
        false => Signature::any(args.len(), Volatility::Immutable),
    };
    Arc::new(ScalarUDF::new_from_impl(Unrolled { spec, signature })).call(args)
}

impl PartialEq for Unrolled {
    fn eq(&self, other: &Self) -> bool {
        let key = |own: &Unrolled| {
            let Spec { function, args, column, ty, keeps_empty, .. } = &own.spec;
            (function.name, function.args, args.clone(), *column, *ty, *keeps_empty)
        };
        key(self) == key(other)
    }
}

impl Eq for Unrolled {}

impl Hash for Unrolled {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.spec.function.name, &self.spec.args, self.spec.column).hash(state);
    }
}

impl Unrolled {
    fn item(&self) -> FieldRef {
        Arc::new(Field::new_list_field(data_type(self.spec.ty, &self.spec.zone), true))
    }

    fn lists(&self, arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let Spec { function, args: types, column, ty, keeps_empty, style, zone } = &self.spec;
        let readers: Vec<Reader<'_>> =
            arrays.iter().zip(types).map(|(array, ty)| Reader::new(array, *ty)).collect::<Result<_>>()?;
        let mut items = Builder::new(*ty, zone, rows);
        let mut lengths = Vec::with_capacity(rows);
        let mut nulls = NullBufferBuilder::new(rows);
        for row in 0..rows {
            let args = readers.iter().map(|reader| reader.get(row)).collect::<Result<Vec<_>>>()?;
            let found = match function.strict && args.iter().any(Datum::is_null) {
                true => Vec::new(),
                false => (function.rows)(&args, style)?,
            };
            lengths.push(found.len());
            match found.is_empty() && *keeps_empty {
                true => nulls.append_null(),
                false => nulls.append_non_null(),
            }
            for (at, values) in found.iter().enumerate() {
                match values.get(*column) {
                    Some(value) => items.push(value)?,
                    None => items.push(&Datum::Int8(i64::try_from(at + 1).unwrap_or(i64::MAX)))?,
                }
            }
        }
        Ok(Arc::new(ListArray::new(self.item(), OffsetBuffer::from_lengths(lengths), items.finish(), nulls.finish())))
    }
}

impl ScalarUDFImpl for Unrolled {
    fn name(&self) -> &str {
        self.spec.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> EngineResult<DataType> {
        Ok(DataType::List(self.item()))
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs<'_>) -> EngineResult<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), DataType::List(self.item()), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let arrays = args.args.iter().map(|arg| match arg {
            ColumnarValue::Array(array) => Ok(Arc::clone(array)),
            ColumnarValue::Scalar(value) => value.to_array_of_size(rows),
        });
        let arrays = arrays.collect::<EngineResult<Vec<_>>>()?;
        let lists = self.lists(&arrays, rows).map_err(external)?;
        match constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&lists, 0)?)),
            false => Ok(ColumnarValue::Array(lists)),
        }
    }
}

/// The numbers from 1 to the length of the longest of these lists.
pub fn numbers(lists: Vec<Expr>) -> Expr {
    let signature = Signature::any(lists.len(), Volatility::Immutable);
    Arc::new(ScalarUDF::new_from_impl(Numbers { signature })).call(lists)
}

/// [`numbers`].
#[derive(Debug, PartialEq, Eq, Hash)]
struct Numbers {
    signature: Signature,
}

impl ScalarUDFImpl for Numbers {
    fn name(&self) -> &str {
        "ordinality"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> EngineResult<DataType> {
        Ok(DataType::new_list(DataType::Int64, true))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let rows = args.number_rows;
        let arrays = args.args.iter().map(|arg| arg.to_array(rows)).collect::<EngineResult<Vec<_>>>()?;
        let mut lengths = vec![0; rows];
        for array in &arrays {
            let list = array.as_list::<i32>();
            for (row, length) in lengths.iter_mut().enumerate() {
                let own = if list.is_null(row) { 0 } else { list.value_length(row) };
                *length = (*length).max(usize::try_from(own).unwrap_or(0));
            }
        }
        let mut items = Builder::new(PgType::Int8, "UTC", rows);
        for number in lengths.iter().flat_map(|length| 1..=*length) {
            items.push(&Datum::Int8(i64::try_from(number).unwrap_or(i64::MAX))).map_err(external)?;
        }
        let field = Arc::new(Field::new_list_field(DataType::Int64, true));
        let lists = ListArray::new(field, OffsetBuffer::from_lengths(lengths), items.finish(), None);
        Ok(ColumnarValue::Array(Arc::new(lists)))
    }
}

/// A call of [`call`] for which no rows count as one row of NULLs; other lists stay as they are.
pub fn keeping_empty(list: Expr) -> Expr {
    let Expr::ScalarFunction(function) = list else { return list };
    let own: &dyn std::any::Any = function.func.inner().as_ref();
    match own.downcast_ref::<Unrolled>() {
        Some(own) => call(Spec { keeps_empty: true, ..own.spec.clone() }, function.args),
        None => Expr::ScalarFunction(function),
    }
}
