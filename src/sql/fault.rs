//! From the engine's errors to PostgreSQL's.

use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;

use crate::error::{Error, Kind};
use crate::sql::memory;

/// The error that a client sees for one of the engine.
pub fn from_engine(error: DataFusionError) -> Error {
    match error {
        DataFusionError::External(inner) => match inner.downcast::<Error>() {
            Ok(own) => *own,
            Err(other) => from_text(&other.to_string()),
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => from_engine(*inner),
        DataFusionError::Shared(inner) => from_shared(&inner),
        DataFusionError::Collection(mut errors) if !errors.is_empty() => from_engine(errors.remove(0)),
        DataFusionError::ArrowError(inner, _) => from_arrow(*inner),
        DataFusionError::SchemaError(inner, _) => from_schema(&inner),
        DataFusionError::NotImplemented(what) => Error::new(Kind::FeatureNotSupported, lower_first(&what)),
        DataFusionError::ResourcesExhausted(message) => memory::out_of_memory(&message),
        DataFusionError::SQL(inner, _) => Error::new(Kind::Syntax, lower_first(&inner.to_string())),
        other => from_text(&other.strip_backtrace()),
    }
}

/// An error behind an `Arc` cannot be taken apart, so what matters of it is cloned.
fn from_shared(error: &DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<Error>() {
            Some(own) => own.clone(),
            None => from_text(&inner.to_string()),
        },
        DataFusionError::ResourcesExhausted(message) => memory::out_of_memory(message),
        DataFusionError::SchemaError(inner, _) => from_schema(inner),
        other => from_text(&other.strip_backtrace()),
    }
}

fn from_arrow(error: ArrowError) -> Error {
    match error {
        ArrowError::DivideByZero => Error::new(Kind::DivisionByZero, "division by zero"),
        ArrowError::ArithmeticOverflow(_) => Error::new(Kind::NumericOutOfRange, "bigint out of range"),
        ArrowError::ExternalError(inner) => match inner.downcast::<DataFusionError>() {
            Ok(engine) => from_engine(*engine),
            Err(inner) => match inner.downcast::<Error>() {
                Ok(own) => *own,
                Err(other) => from_text(&other.to_string()),
            },
        },
        ArrowError::CastError(message) | ArrowError::ParseError(message) => cast(&message),
        other => from_text(&other.to_string()),
    }
}

/// Text that is no value of its type, in PostgreSQL's words where Arrow names both.
fn misread(message: &str) -> Option<Error> {
    let names = [
        ("Int16", "smallint"),
        ("Int32", "integer"),
        ("Int64", "bigint"),
        ("Float32", "real"),
        ("Float64", "double precision"),
        ("Boolean", "boolean"),
        ("Date32", "date"),
    ];
    let (value, kind, name) = if let Some(rest) = message.split("Cannot cast string '").nth(1) {
        let (value, rest) = rest.rsplit_once("' to value of ")?;
        let name = names.iter().find(|(arrow, _)| rest.starts_with(arrow))?.1;
        let kind = if name == "date" { Kind::InvalidDatetime } else { Kind::InvalidText };
        (value, kind, name)
    } else {
        let rest = message.split("rror parsing timestamp from '").nth(1)?;
        (rest.rsplit_once("': ")?.0, Kind::InvalidDatetime, "timestamp with time zone")
    };
    Some(Error::new(kind, format!("invalid input syntax for type {name}: \"{value}\"")))
}

fn cast(message: &str) -> Error {
    if let Some(error) = misread(message) {
        return error;
    }
    let about_time = ["imestamp", "Date", "date", "ime"].iter().any(|word| message.contains(word));
    let kind = if message.contains("overflow") || message.contains("out of range") {
        Kind::NumericOutOfRange
    } else if about_time {
        Kind::InvalidDatetime
    } else {
        Kind::InvalidText
    };
    Error::new(kind, lower_first(message))
}

fn from_schema(error: &SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => missing_column(field, valid_fields),
        SchemaError::AmbiguousReference { field } => {
            Error::new(Kind::AmbiguousColumn, format!("column reference \"{}\" is ambiguous", &field.name))
        }
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            Error::new(Kind::AmbiguousColumn, format!("column \"{}\" specified more than once", name))
        }
    }
}

fn missing_column(field: &Column, valid: &[Column]) -> Error {
    let name = &field.name;
    let message = match &field.relation {
        Some(relation) => format!("column {}.{name} does not exist", relation.table()),
        None => format!("column \"{name}\" does not exist"),
    };
    let error = Error::new(Kind::UndefinedColumn, message);
    let nearest = nearest(name, valid.iter().map(|column| column.name.as_str()));
    match nearest.and_then(|name| valid.iter().find(|column| column.name == name)) {
        Some(Column { relation: Some(relation), name, .. }) => {
            error.hint(format!("Perhaps you meant to reference the column \"{}.{}\".", relation.table(), name))
        }
        Some(Column { name, .. }) => error.hint(format!("Perhaps you meant to reference the column \"{}\".", name)),
        None => error,
    }
}

/// The candidate that is most like `name`, if any is near.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Errors for which the engine has no variant of their own are told apart by their wording.
fn from_text(text: &str) -> Error {
    let message = text
        .trim_start_matches("Error during planning: ")
        .trim_start_matches("Execution error: ")
        .trim_start_matches("Arrow error: ")
        .trim_start_matches("External error: ")
        .trim_start_matches("Optimizer rule 'simplify_expressions' failed\ncaused by\n");
    let has = |needle: &str| message.contains(needle);
    let kind = if has("Divide by zero") {
        return Error::new(Kind::DivisionByZero, "division by zero");
    } else if has("queries have different number of columns") {
        let verb = message.split(' ').next().unwrap_or_default();
        let message = format!("each {verb} query must have the same number of columns");
        return Error::new(Kind::Syntax, message);
    } else if has("Invalid function") {
        return missing_function(message);
    } else if has("Projection references non-aggregate")
        || has("must appear in the GROUP BY")
        || has("must be in the GROUP BY")
    {
        Kind::Grouping
    } else if has("table '") && has("not found") {
        Kind::UndefinedTable
    } else if has("No field named") {
        Kind::UndefinedColumn
    } else if has("failed to match any signature")
        || has("does not support zero arguments")
        || has("No function matches")
        || has("Failed to coerce arguments")
    {
        Kind::UndefinedFunction
    } else if has("verflow") {
        Kind::NumericOutOfRange
    } else if has("Cast error") || has("Parser error") {
        return cast(message);
    } else if has("more than one row") {
        return Error::new(Kind::Cardinality, "more than one row returned by a subquery used as an expression");
    } else if has("Cannot infer common argument type") || has("Cannot coerce") || has("not comparable") {
        Kind::DatatypeMismatch
    } else if has("not supported") || has("not implemented") || has("Unsupported") || has("not yet") {
        Kind::FeatureNotSupported
    } else if has("Placeholder") || has("placeholder") {
        Kind::UndefinedParameter
    } else {
        Kind::Internal
    };
    Error::new(kind, lower_first(message))
}

fn missing_function(message: &str) -> Error {
    let mut quoted = message.split('\'').skip(1).step_by(2);
    let name = quoted.next().unwrap_or_default();
    let error = Error::new(Kind::UndefinedFunction, format!("function {name} does not exist"));
    match quoted.next() {
        Some(near) => error.hint(format!("Perhaps you meant the function \"{near}\".")),
        None => error,
    }
}

fn lower_first(message: &str) -> String {
    let mut letters = message.chars();
    match (letters.next(), letters.clone().next()) {
        // An acronym such as SQL keeps its capitals.
        (Some(first), Some(second)) if first.is_uppercase() && !second.is_uppercase() => {
            first.to_lowercase().chain(letters).collect::<String>().trim_end_matches('.').to_owned()
        }
        _ => message.trim_end_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::cast;

    #[test]
    fn misread_text_is_said_in_the_words_of_postgresql() {
        for (arrow, code, message) in [
            ("Cannot cast string 'x' to value of Int32 type", "22P02", "invalid input syntax for type integer: \"x\""),
            (
                "Error parsing timestamp from 'nonsense': timestamp must contain at least 10 characters",
                "22007",
                "invalid input syntax for type timestamp with time zone: \"nonsense\"",
            ),
            (
                "Cannot cast string 'a'b' to value of Date32 type",
                "22007",
                "invalid input syntax for type date: \"a'b\"",
            ),
        ] {
            let error = cast(arrow);
            assert_eq!((error.sqlstate(), error.message.as_str()), (code, message));
        }
    }
}
