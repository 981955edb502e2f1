//! The object storage that signed URLs lead to. It knows nothing of API keys: it refuses a request that shows one.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;

use super::Options;
use super::export::Export;
use super::server::{Server, in_pieces, with_type};
use crate::demo::dice::{Lane, draw};

/// Where the objects lie.
pub(super) const PREFIX: &str = "/object-storage/";

/// An object by its place and the query string that opens it.
#[derive(Debug)]
struct Object {
    path: String,
    signature: String,
    export: Export,
}

/// The objects.
#[derive(Debug)]
pub(super) struct Storage {
    seed: u64,
    objects: Mutex<Vec<Object>>,
    kept: AtomicU64,
    expired: AtomicU32,
}

impl Storage {
    pub(super) fn new(options: &Options) -> Storage {
        Storage {
            seed: options.seed,
            objects: Mutex::default(),
            kept: AtomicU64::new(0),
            expired: AtomicU32::new(options.signed_url_expired),
        }
    }

    /// Keeps an export and gives the URL that it can be downloaded by.
    pub(super) fn keep(&self, export: Export, base_url: &str, filename: &str) -> String {
        let number = self.kept.fetch_add(1, Ordering::Relaxed);
        let (token, mark) = (draw(self.seed, Lane::Security, number), draw(!self.seed, Lane::Security, number));
        let path = format!("{PREFIX}{token:016x}/{filename}");
        let signature = format!(
            "X-Amz-Algorithm=DEMO&X-Amz-Credential=demo%2Fspans%2Faws4_request&X-Amz-Expires=3600&X-Amz-Signature={mark:016x}"
        );
        let url = format!("{base_url}{path}?{signature}");
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).push(Object { path, signature, export });
        url
    }

    /// Answers a request below [`PREFIX`].
    pub(super) fn download(
        &self,
        server: &Server,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
    ) -> Response {
        if headers.contains_key("x-api-key") || headers.contains_key(AUTHORIZATION) {
            return refuse(StatusCode::BAD_REQUEST, "InvalidArgument", "Only one auth mechanism allowed");
        }
        if method != Method::GET {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "The method is not allowed");
        }
        let found = {
            let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
            objects.iter().find(|object| object.path == path).map(|one| (one.signature.clone(), one.export.clone()))
        };
        let Some((signature, export)) = found else {
            return refuse(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.");
        };
        if query != signature {
            return refuse(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", "The signature does not match the request");
        }
        let one_less = |left: u32| left.checked_sub(1);
        if self.expired.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            return refuse(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired");
        }
        with_type(in_pieces(export.file(server).into_bytes()), export.media_type())
    }
}

fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let mut response = with_type(Body::from(body), "application/xml");
    *response.status_mut() = status;
    response
}
