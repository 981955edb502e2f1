//! The functions behind `@>`, `<@`, `?`, `?|`, `?&`, `#>`, `#>>` and `||` of `jsonb`, and its input function.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result as EngineResult, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::{fault, is_jsonb, normalized, tagged};
use crate::error::{Error, Kind};
use crate::pgtype::jsonb::access::{self, Key, Path};
use crate::pgtype::jsonb::operators;
use crate::pgtype::types::PgType;
use crate::table::provider::external;

/// `jsonb @> jsonb`.
pub const CONTAINS: &str = "jsonb_contains";
/// `jsonb <@ jsonb`.
pub const CONTAINED: &str = "jsonb_contained";
/// `jsonb ? text`.
pub const EXISTS: &str = "jsonb_exists";
/// `jsonb ?| text[]`.
const EXISTS_ANY: &str = "jsonb_exists_any";
/// `jsonb ?& text[]`.
pub const EXISTS_ALL: &str = "jsonb_exists_all";
/// `jsonb #> text[]`.
const EXTRACT_PATH: &str = "jsonb_extract_path";
/// `jsonb #>> text[]`.
const EXTRACT_PATH_TEXT: &str = "jsonb_extract_path_text";
/// `jsonb || jsonb`.
const CONCAT: &str = "jsonb_concat";
/// `text::jsonb`.
pub const FROM_TEXT: &str = "jsonb_in";

/// What a function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Contains,
    Contained,
    Exists,
    ExistsAny,
    ExistsAll,
    ExtractPath,
    ExtractPathText,
    Concat,
    FromText,
}

/// All functions of this file.
pub(super) fn all() -> impl Iterator<Item = Arc<ScalarUDF>> {
    use Operation as O;
    let operations = [
        O::Contains,
        O::Contained,
        O::Exists,
        O::ExistsAny,
        O::ExistsAll,
        O::ExtractPath,
        O::ExtractPathText,
        O::Concat,
        O::FromText,
    ];
    operations.into_iter().map(Operation::function)
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Operation::Contains => CONTAINS,
            Operation::Contained => CONTAINED,
            Operation::Exists => EXISTS,
            Operation::ExistsAny => EXISTS_ANY,
            Operation::ExistsAll => EXISTS_ALL,
            Operation::ExtractPath => EXTRACT_PATH,
            Operation::ExtractPathText => EXTRACT_PATH_TEXT,
            Operation::Concat => CONCAT,
            Operation::FromText => FROM_TEXT,
        }
    }

    pub(super) fn function(self) -> Arc<ScalarUDF> {
        let signature = match self {
            Operation::FromText => Signature::any(1, Volatility::Immutable),
            Operation::ExtractPath | Operation::ExtractPathText => Signature::variadic_any(Volatility::Immutable),
            _ => Signature::any(2, Volatility::Immutable),
        };
        Arc::new(ScalarUDF::new_from_impl(Function { operation: self, signature }))
    }

    fn result(self) -> Field {
        let text = Field::new(self.name(), DataType::Utf8, true);
        match self {
            Operation::ExtractPathText => text,
            Operation::ExtractPath | Operation::Concat | Operation::FromText => tagged(text),
            _ => Field::new(self.name(), DataType::Boolean, true),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Function {
    operation: Operation,
    signature: Signature,
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.operation.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> EngineResult<DataType> {
        Ok(self.operation.result().data_type().clone())
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> EngineResult<FieldRef> {
        match (self.operation, arguments.arg_fields) {
            (Operation::FromText, [text]) if !is_text(text.data_type()) => {
                let message = match PgType::of(text) {
                    Ok(ty) => format!("cannot cast type {} to jsonb", ty.name()),
                    Err(_) => format!("cannot cast type {} to jsonb", text.data_type()),
                };
                Err(external(Error::new(Kind::CannotCoerce, message)))
            }
            (Operation::ExtractPath | Operation::ExtractPathText, [] | [_]) => {
                plan_err!("{} takes a document and a path", self.name())
            }
            _ => Ok(Arc::new(self.operation.result())),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let is_scalar = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let values = Arguments { rows: if is_scalar { 1 } else { arguments.number_rows }, all: &arguments };
        let result = match self.operation {
            Operation::Contains => values.compare(operators::contains)?,
            Operation::Contained => values.compare(|part, document| operators::contains(document, part))?,
            Operation::Exists => values.exist(&values.texts(1)?.map(|key| Some(vec![Key::new(key?)])), true)?,
            Operation::ExistsAny => values.exist(&values.lists(1)?.map(keys), false)?,
            Operation::ExistsAll => values.exist(&values.lists(1)?.map(keys), true)?,
            Operation::ExtractPath => values.extract(false)?,
            Operation::ExtractPathText => values.extract(true)?,
            Operation::Concat => values.concat()?,
            Operation::FromText => values.documents(0)?.values,
        };
        match is_scalar {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)),
            false => Ok(ColumnarValue::Array(result)),
        }
    }
}

/// Whether a type holds texts, or NULL alone.
pub(super) fn is_text(ty: &DataType) -> bool {
    matches!(ty, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null)
}

/// The keys of a list; a NULL among them counts for nothing.
fn keys(list: Option<&StringArray>) -> Option<Vec<Key>> {
    Some(list?.iter().flatten().map(Key::new).collect())
}

/// One argument: a value for each row, or one for all.
struct Column {
    values: ArrayRef,
    is_scalar: bool,
}

impl Column {
    fn index(&self, row: usize) -> usize {
        if self.is_scalar { 0 } else { row }
    }

    fn text(&self, row: usize) -> Option<&str> {
        let (texts, index): (&StringArray, usize) = (self.values.as_string(), self.index(row));
        texts.is_valid(index).then(|| texts.value(index))
    }

    /// Makes something of each text.
    fn map<T>(self, make: impl Fn(Option<&str>) -> Option<T>) -> Each<T> {
        let texts: &StringArray = self.values.as_string();
        Each { made: texts.iter().map(make).collect(), is_scalar: self.is_scalar }
    }
}

/// Lists of texts.
struct Lists(Column);

impl Lists {
    /// Makes something of each list.
    fn map<T>(self, make: impl Fn(Option<&StringArray>) -> Option<T>) -> Each<T> {
        let lists = self.0.values.as_list::<i32>().iter();
        let made = lists.map(|list| make(list.as_ref().map(|list| list.as_string()))).collect();
        Each { made, is_scalar: self.0.is_scalar }
    }
}

/// What was made of the values of an argument, once for each.
struct Each<T> {
    made: Vec<Option<T>>,
    is_scalar: bool,
}

impl<T> Each<T> {
    fn get(&self, row: usize) -> Option<&T> {
        self.made.get(if self.is_scalar { 0 } else { row })?.as_ref()
    }
}

/// The arguments of a call.
struct Arguments<'a> {
    all: &'a ScalarFunctionArgs,
    rows: usize,
}

impl Arguments<'_> {
    fn column(&self, place: usize, ty: &DataType) -> EngineResult<Column> {
        let (values, is_scalar) = match self.all.args.get(place) {
            Some(ColumnarValue::Array(values)) => (Arc::clone(values), false),
            Some(ColumnarValue::Scalar(value)) => (value.to_array()?, true),
            None => return plan_err!("an argument is missing"),
        };
        Ok(Column { values: cast(&values, ty)?, is_scalar })
    }

    fn texts(&self, place: usize) -> EngineResult<Column> {
        self.column(place, &DataType::Utf8)
    }

    fn lists(&self, place: usize) -> EngineResult<Lists> {
        let ty = DataType::new_list(DataType::Utf8, true);
        self.column(place, &ty).map(Lists)
    }

    /// An argument's documents. What is not known to be in form, as a constant whose tag was lost, is brought into it.
    fn documents(&self, place: usize) -> EngineResult<Column> {
        let mut documents = self.texts(place)?;
        if !self.all.arg_fields.get(place).is_some_and(|field| is_jsonb(field)) {
            documents.values = normalized(documents.values.as_string())?;
        }
        Ok(documents)
    }

    fn compare(&self, holds: impl Fn(&str, &str) -> bool) -> EngineResult<ArrayRef> {
        let (left, right) = (self.documents(0)?, self.documents(1)?);
        let verdict = |row| Some(holds(left.text(row)?, right.text(row)?));
        Ok(Arc::new((0..self.rows).map(verdict).collect::<BooleanArray>()))
    }

    /// Whether all keys, or any of them, exist.
    fn exist(&self, keys: &Each<Vec<Key>>, all: bool) -> EngineResult<ArrayRef> {
        let documents = self.documents(0)?;
        let verdict = |row| {
            let (document, keys) = (documents.text(row)?, keys.get(row)?);
            let mut found = keys.iter().map(|key| operators::exists(document, key));
            Some(if all { found.all(|there| there) } else { found.any(|there| there) })
        };
        Ok(Arc::new((0..self.rows).map(verdict).collect::<BooleanArray>()))
    }

    fn extract(&self, as_text: bool) -> EngineResult<ArrayRef> {
        let (documents, paths) = (self.documents(0)?, self.paths()?);
        let mut parts = StringBuilder::with_capacity(self.rows, 0);
        for row in 0..self.rows {
            let part = documents.text(row).zip(paths.get(row)).and_then(|(json, path)| access::at(json, path));
            match part {
                Some(json) if as_text => parts.append_option(access::text(json)),
                part => parts.append_option(part),
            }
        }
        Ok(Arc::new(parts.finish()))
    }

    /// The paths: one list, or the texts of which they consist. One with a NULL in it leads nowhere.
    fn paths(&self) -> EngineResult<Each<Path>> {
        if let [_, list] = self.all.arg_fields.as_slice()
            && matches!(list.data_type(), DataType::List(_) | DataType::LargeList(_))
        {
            let path = |list: &StringArray| list.iter().collect::<Option<Vec<_>>>().map(Path::new);
            return Ok(self.lists(1)?.map(|list| path(list?)));
        }
        let steps = (1..self.all.args.len()).map(|place| self.texts(place)).collect::<EngineResult<Vec<_>>>()?;
        let is_scalar = steps.iter().all(|step| step.is_scalar);
        let path = |row| Some(Path::new(steps.iter().map(|step| step.text(row)).collect::<Option<Vec<_>>>()?));
        Ok(Each { made: (0..if is_scalar { 1 } else { self.rows }).map(path).collect(), is_scalar })
    }

    fn concat(&self) -> EngineResult<ArrayRef> {
        let (left, right) = (self.documents(0)?, self.documents(1)?);
        let mut joined = StringBuilder::with_capacity(self.rows, 0);
        for row in 0..self.rows {
            let pair = left.text(row).zip(right.text(row));
            let document = pair.map(|(left, right)| operators::concat(left, right).map_err(fault));
            joined.append_option(document.transpose()?);
        }
        Ok(Arc::new(joined.finish()))
    }
}
