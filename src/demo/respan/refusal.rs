//! Why a call gets no rows, and the bodies that say so.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::demo::quota::whole_seconds;

#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    Unauthorized,
    NotFound,
    MethodNotAllowed,
    /// The body is no JSON object, or `filters` is none.
    Format,
    /// A name that neither filters nor sorts.
    Unsupported(String),
    /// A value that cannot be read: the parameter or field, and what is wrong.
    Invalid(String, String),
    TooMany(Duration),
}

impl Refusal {
    pub(super) fn invalid(name: &str, fault: impl Into<String>) -> Refusal {
        Refusal::Invalid(name.to_owned(), fault.into())
    }

    /// The wait of a refused call is in the body only, in whole seconds.
    fn body(&self) -> (StatusCode, Value) {
        match self {
            Refusal::Unauthorized => {
                let detail = "Your API key is invalid or expired, please check your API key";
                (StatusCode::UNAUTHORIZED, json!({ "detail": detail }))
            }
            Refusal::NotFound => (StatusCode::NOT_FOUND, json!({ "detail": "Not found." })),
            Refusal::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, json!({ "detail": "Method not allowed." })),
            Refusal::Format => (StatusCode::BAD_REQUEST, json!({ "detail": "Invalid request format" })),
            Refusal::Unsupported(name) => {
                (StatusCode::BAD_REQUEST, json!({ "error": format!("Unsupported field: {name}") }))
            }
            Refusal::Invalid(name, fault) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                json!({ "detail": "Validation error", "errors": { name.as_str(): [fault] } }),
            ),
            Refusal::TooMany(wait) => {
                let seconds = whole_seconds(*wait);
                (StatusCode::TOO_MANY_REQUESTS, json!({ "detail": "Rate limit exceeded", "retry_after": seconds }))
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, body) = self.body();
        (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    }
}
