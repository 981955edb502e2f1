//! Functions of PostgreSQL that the engine lacks and that do not belong to one family: those that tell of the session.

pub mod json;
pub mod percentile;

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result as EngineResult, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

/// A function without arguments whose value is fixed for the session.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Constant {
    name: &'static str,
    value: ScalarValue,
    signature: Signature,
}

impl ScalarUDFImpl for Constant {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> EngineResult<DataType> {
        Ok(self.value.data_type())
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        Ok(ColumnarValue::Scalar(self.value.clone()))
    }
}

/// What the functions tell.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The user.
    pub user: String,
    /// The database that the client asked for.
    pub database: String,
    /// First schema of the search path that exists.
    pub schema: Option<String>,
    /// `version()`.
    pub version: String,
    /// Process number of the session.
    pub backend_pid: i32,
}

/// The functions that tell of a session.
pub fn of_session(facts: &Facts) -> Vec<Arc<ScalarUDF>> {
    let text = |value: &str| ScalarValue::Utf8(Some(value.to_owned()));
    let constant = |name: &'static str, value: ScalarValue| {
        let signature = Signature::new(TypeSignature::Nullary, Volatility::Immutable);
        Arc::new(ScalarUDF::new_from_impl(Constant { name, value, signature }))
    };
    vec![
        constant("version", text(&facts.version)),
        constant("current_user", text(&facts.user)),
        constant("session_user", text(&facts.user)),
        constant("user", text(&facts.user)),
        constant("current_role", text(&facts.user)),
        constant("current_database", text(&facts.database)),
        constant("current_catalog", text(&facts.database)),
        constant("current_schema", ScalarValue::Utf8(facts.schema.clone())),
        constant("pg_backend_pid", ScalarValue::Int32(Some(facts.backend_pid))),
        constant("pg_is_in_recovery", ScalarValue::Boolean(Some(true))),
    ]
}
