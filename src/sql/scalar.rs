//! A function of values as a function of the engine, called row by row.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef};
use datafusion::common::{Result as EngineResult, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::error::{Error, Result};
use crate::function::datum::Datum;
use crate::function::numeric::Numeric;
use crate::pgtype::style::Style;
use crate::pgtype::types::PgType;
use crate::sql::values::{Builder, Reader, data_type, nulls};

/// What is done with the values of one row.
pub type Body = Arc<dyn for<'a> Fn(&[Datum<'a>], &Style) -> Result<Datum<'a>> + Send + Sync>;

/// A call's function, with the types that it was resolved to.
pub struct RowFunction {
    name: String,
    args: Vec<PgType>,
    result: PgType,
    strict: bool,
    style: Arc<Style>,
    zone: Arc<str>,
    body: Body,
    /// What tells two functions of one name and types apart.
    tag: String,
    signature: Signature,
}

/// The tag of a cast.
pub const CAST: &str = "cast";

/// How a function is made known to the engine.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The name, which pushdown reads.
    pub name: String,
    /// The types of the arguments.
    pub args: Vec<PgType>,
    /// The type of the value.
    pub result: PgType,
    /// NULL for any argument gives NULL.
    pub strict: bool,
    /// It gives another value each time.
    pub volatile: bool,
    /// What tells two functions of one name and types apart.
    pub tag: String,
}

/// Makes a call.
pub fn call(declaration: Declaration, body: Body, style: &Arc<Style>, zone: &Arc<str>, args: Vec<Expr>) -> Expr {
    let Declaration { name, args: types, result, strict, volatile, tag } = declaration;
    let volatility = if volatile { Volatility::Volatile } else { Volatility::Immutable };
    let (style, zone) = (Arc::clone(style), Arc::clone(zone));
    let signature = match types.is_empty() {
        true => Signature::nullary(volatility),
        false => Signature::any(types.len(), volatility),
    };
    let function = RowFunction { name, args: types, result, strict, style, zone, body, tag, signature };
    Arc::new(ScalarUDF::new_from_impl(function)).call(args)
}

impl std::fmt::Debug for RowFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:?}", self.name, self.args)
    }
}

impl PartialEq for RowFunction {
    fn eq(&self, other: &Self) -> bool {
        let key = |own: &RowFunction| (own.name.clone(), own.args.clone(), own.result, own.tag.clone());
        key(self) == key(other)
    }
}

impl Eq for RowFunction {}

impl Hash for RowFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.args.hash(state);
        self.tag.hash(state);
    }
}

/// An error of ours, for the engine to carry.
pub fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

impl RowFunction {
    /// The function behind one of the engine's, if it is of this kind.
    pub fn of(function: &ScalarUDF) -> Option<&RowFunction> {
        function.inner().downcast_ref()
    }

    /// The types of the arguments.
    pub fn args(&self) -> &[PgType] {
        &self.args
    }

    /// The type of the value.
    pub fn result(&self) -> PgType {
        self.result
    }

    /// Whether it casts a value to its name's type.
    pub fn is_cast(&self) -> bool {
        self.tag == CAST
    }

    /// The modifier that it fits a value of its type to, if that is what it does.
    pub fn typmod(&self) -> Option<i32> {
        self.tag.strip_prefix("typmod ")?.split(' ').next()?.parse().ok()
    }

    fn rows(&self, arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let readers: Vec<Reader<'_>> =
            arrays.iter().zip(&self.args).map(|(array, ty)| Reader::new(array, *ty)).collect::<Result<_>>()?;
        if self.strict && arrays.iter().any(|array| array.null_count() == array.len() && !array.is_empty()) {
            return Ok(nulls(self.result, &self.zone, rows));
        }
        let mut builder = Builder::new(self.result, &self.zone, rows);
        let mut args = Vec::with_capacity(readers.len());
        for row in 0..rows {
            args.clear();
            let mut is_null = false;
            for reader in &readers {
                let value = reader.get(row)?;
                is_null |= value.is_null();
                args.push(value);
            }
            let value = if self.strict && is_null { Datum::Null } else { (self.body)(&args, &self.style)? };
            builder.push(&value)?;
        }
        Ok(builder.finish())
    }
}

impl ScalarUDFImpl for RowFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Tells functions apart that differ in their types only.
    fn schema_name(&self, args: &[Expr]) -> EngineResult<String> {
        let args: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        let types: Vec<&str> = self.args.iter().map(|ty| ty.typname()).collect();
        Ok(format!("{}({}) {} {} {}", self.name, args.join(", "), types.join(" "), self.result.typname(), self.tag))
    }

    fn return_type(&self, _args: &[DataType]) -> EngineResult<DataType> {
        Ok(data_type(self.result, &self.zone))
    }

    /// Without the tags of the arguments.
    fn return_field_from_args(&self, _args: ReturnFieldArgs<'_>) -> EngineResult<FieldRef> {
        Ok(Arc::new(Field::new(&self.name, data_type(self.result, &self.zone), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let rows = args.number_rows;
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let volatile = self.signature.volatility == Volatility::Volatile;
        let length = if constant && !volatile { 1 } else { rows };
        let arrays = args.args.iter().map(|arg| match arg {
            ColumnarValue::Array(array) => Ok(Arc::clone(array)),
            ColumnarValue::Scalar(value) => value.to_array_of_size(length),
        });
        let arrays = arrays.collect::<EngineResult<Vec<_>>>()?;
        let array = self.rows(&arrays, length).map_err(external)?;
        match constant && !volatile {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)),
            false => Ok(ColumnarValue::Array(array)),
        }
    }
}

/// The sum of integers that the engine gives as a decimal, as a `numeric`.
pub fn total(sum: Expr) -> Expr {
    let function = Total { signature: Signature::any(1, Volatility::Immutable) };
    Arc::new(ScalarUDF::new_from_impl(function)).call(vec![sum])
}

/// [`total`].
#[derive(Debug, PartialEq, Eq, Hash)]
struct Total {
    signature: Signature,
}

impl ScalarUDFImpl for Total {
    fn name(&self) -> &str {
        "numeric"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> EngineResult<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let rows = args.number_rows;
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let sums = arrays[0].as_primitive::<Decimal128Type>();
        let mut builder = Builder::new(PgType::Numeric, "UTC", rows);
        for sum in sums {
            let value = sum.map_or(Datum::Null, |sum| Datum::Numeric(Numeric::new(sum, 0)));
            builder.push(&value).map_err(external)?;
        }
        Ok(ColumnarValue::Array(builder.finish()))
    }
}

/// Functions and operators that have a value for all arguments, under each of their names' overloads.
const TOTAL: &[&str] = &[
    "#>",
    "#>>",
    "->",
    "->>",
    "<@",
    "?",
    "?&",
    "?|",
    "@>",
    "array_key",
    "bpchar_key",
    "btrim",
    "float4_key",
    "float8_key",
    "jsonb_key",
    "kept",
    "lower",
    "ltrim",
    "numeric_key",
    "rtrim",
    "starts_with",
    "strpos",
    "text",
    "upper",
];

/// Whether a call of this name never ends in an error.
pub fn is_total(name: &str) -> bool {
    TOTAL.contains(&name)
}

/// A value that the engine does not look into: what it concludes from the expression itself ends here.
pub fn kept(value: Expr) -> Expr {
    let function = Kept { signature: Signature::any(1, Volatility::Immutable), is_nullable: false };
    Arc::new(ScalarUDF::new_from_impl(function)).call(vec![value])
}

/// A value that the engine never takes for one that cannot be NULL.
pub fn nullable(value: Expr) -> Expr {
    let function = Kept { signature: Signature::any(1, Volatility::Immutable), is_nullable: true };
    Arc::new(ScalarUDF::new_from_impl(function)).call(vec![value])
}

/// [`kept`] and [`nullable`].
#[derive(Debug, PartialEq, Eq, Hash)]
struct Kept {
    signature: Signature,
    is_nullable: bool,
}

impl ScalarUDFImpl for Kept {
    fn name(&self) -> &'static str {
        "kept"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> EngineResult<DataType> {
        args.first().cloned().ok_or_else(|| external(Error::internal("a value is missing")))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> EngineResult<FieldRef> {
        let field = args.arg_fields.first().cloned();
        let field = field.ok_or_else(|| external(Error::internal("a value is missing")))?;
        Ok(match self.is_nullable && !field.is_nullable() {
            true => Arc::new(field.as_ref().clone().with_nullable(true)),
            false => field,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        args.args.into_iter().next().ok_or_else(|| external(Error::internal("a value is missing")))
    }
}
