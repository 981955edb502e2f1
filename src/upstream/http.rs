//! The only sender. One request, one answer: no retry, no limiter, no redirect followed, nothing cached.
//!
//! Invariant: the credential goes to the origin (scheme, host, port) of its source's base URL and nowhere else. The client
//! follows no redirect by itself; `refusal` lets the caller follow one only within the origin, as a call of its own.
//! Proxies of the environment are not used: a variable set for something else must not carry keys through a third party.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use rustls_platform_verifier::BuilderVerifierExt;
use url::Url;

use crate::error::{Error, Kind, Result};
use crate::model::connector::{Auth, Method, Request};
use crate::model::scan::Source;
use crate::upstream::refusal::{self, Headers, Refusal, Retry};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// An upstream that sends nothing for so long will not send anything.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// So much of an error answer is read.
const MAX_REFUSAL_BYTES: usize = 16 << 10;

/// What is sent to prove who asks.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Value of the header; marked sensitive, so that neither a log nor an HTTP/2 table shows it.
    pub header_value: HeaderValue,
    /// A fingerprint: calls with the same one share a quota, and rows.
    pub scope: String,
}

/// Sends requests. The one of production is [`Client`]; tests script their own.
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends one request and waits for the headers of the answer. `at` is a path with its query that a redirect gave,
    /// instead of the request's own. Dropping the future or the answer's body ends the call.
    fn send<'a>(
        &'a self,
        source: &'a Source,
        request: &'a Request,
        at: Option<&'a str>,
        credential: &'a Credential,
    ) -> BoxFuture<'a, Result<Response, Refusal>>;

    /// Gets a file that an answer has named, without the credential. Its address is as good as a secret.
    fn download<'a>(&'a self, source: &'a Source, url: &'a str) -> BoxFuture<'a, Result<Response, Refusal>> {
        let _ = url;
        let message = format!("source \"{}\" has no files", source.name);
        Box::pin(std::future::ready(Err(Refusal::fatal(Error::unsupported(message)))))
    }
}

/// An answer whose headers have come.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The headers that matter.
    pub headers: Headers,
    /// The body, decompressed.
    pub body: Body,
}

/// A body as it comes.
pub type Body = BoxStream<'static, Result<Bytes, Break>>;

/// Why a body ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Break {
    /// The connection broke.
    Cut(String),
    /// Nothing came for too long.
    Silent,
    /// It cannot be decompressed.
    Corrupt(String),
}

/// Sends over HTTP/1.1 or HTTP/2, with TLS that trusts what the operating system trusts.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
}

impl Credential {
    /// Makes the header value of a secret.
    ///
    /// # Errors
    /// When the secret holds what no header can, such as a line end. The error does not show it.
    pub fn new(auth: Auth, secret: &str, scope: String) -> Result<Self> {
        let text = match auth {
            Auth::Bearer => format!("Bearer {secret}"),
            Auth::Header(_) => secret.to_owned(),
        };
        let mut header_value = HeaderValue::from_str(&text).map_err(|_| {
            Error::new(Kind::Config, "a credential holds characters that no HTTP header can")
                .hint("Check for a line end or a blank that was copied along.")
        })?;
        header_value.set_sensitive(true);
        Ok(Credential { header_value, scope })
    }
}

impl Client {
    /// Makes a client; one serves all sources.
    ///
    /// # Errors
    /// When TLS cannot be set up. A system without any root certificate is no error: HTTPS then fails with its own.
    pub fn new() -> Result<Self> {
        let fault = |error: &dyn fmt::Display| Error::internal(format!("cannot set up the HTTP client: {error}"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = || {
            rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()
                .map_err(|error| fault(&error))
        };
        let mut tls = match builder()?.with_platform_verifier() {
            Ok(verified) => verified.with_no_client_auth(),
            Err(error) => {
                tracing::warn!(%error, "no root certificates: upstreams cannot be reached over https");
                builder()?.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
            }
        };
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("spanwire/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            // A retry that is not seen here would be a call that nobody counts.
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(IDLE_TIMEOUT)
            .build()
            .map_err(|error| fault(&error))?;
        Ok(Client { http })
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one sender that the lint leads to")]
    async fn call(
        &self,
        source: &Source,
        request: &Request,
        at: Option<&str>,
        credential: &Credential,
    ) -> Result<Response, Refusal> {
        let url = target(source, request, at);
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut call = self.http.request(method, url).header(ACCEPT, "application/json");
        call = match source.connector.auth {
            Auth::Bearer => call.header(AUTHORIZATION, credential.header_value.clone()),
            Auth::Header(name) => call.header(name, credential.header_value.clone()),
        };
        for (name, value) in &request.headers {
            call = call.header(*name, value);
        }
        if let Some(body) = &request.body {
            call = call.json(body);
        }
        let origin = source.base_url.origin().ascii_serialization();
        let answer = call.send().await.map_err(|error| unreachable_upstream(source, &origin, &error))?;
        let headers = headers(answer.headers(), answer.url());
        let status = answer.status().as_u16();
        let body = answer.bytes_stream().map(|piece| piece.map_err(|error| Break::from(&error))).boxed();
        Ok(Response { status, headers, body })
    }
}

impl Client {
    #[expect(clippy::disallowed_methods, reason = "this is the one sender that the lint leads to")]
    async fn get_file(&self, source: &Source, url: &str) -> Result<Response, Refusal> {
        let url = file_url(source, url).map_err(Refusal::fatal)?;
        let origin = url.origin().ascii_serialization();
        let answer = self.http.get(url).send().await.map_err(|error| {
            let mut refusal = unreachable_upstream(source, &origin, &error);
            refusal.error.message = format!("could not fetch the file that source \"{}\" names", source.name);
            refusal.error.hint = Some("Check that this machine can reach the vendor's file storage.".to_owned());
            refusal
        })?;
        let headers = headers(answer.headers(), answer.url());
        let status = answer.status().as_u16();
        let body = answer.bytes_stream().map(|piece| piece.map_err(|error| Break::from(&error))).boxed();
        Ok(Response { status, headers, body })
    }
}

/// The address of a file, if nobody else can read what comes from there.
fn file_url(source: &Source, url: &str) -> Result<Url> {
    let fault = |what: &str| {
        let message = format!("source \"{}\" names a file {what}", source.name);
        Error::new(Kind::UpstreamFault, message)
    };
    let url = Url::parse(url).map_err(|_| fault("whose address is no URL"))?;
    let is_loopback = match url.host() {
        Some(url::Host::Domain(domain)) => domain == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback => Ok(url),
        _ => Err(fault("that cannot be fetched safely").hint("Only https is taken, and http from this machine.")),
    }
}

impl Transport for Client {
    fn download<'a>(&'a self, source: &'a Source, url: &'a str) -> BoxFuture<'a, Result<Response, Refusal>> {
        Box::pin(self.get_file(source, url))
    }

    fn send<'a>(
        &'a self,
        source: &'a Source,
        request: &'a Request,
        at: Option<&'a str>,
        credential: &'a Credential,
    ) -> BoxFuture<'a, Result<Response, Refusal>> {
        Box::pin(self.call(source, request, at, credential))
    }
}

impl Response {
    /// The body if it is one of rows; otherwise reads what the answer says and judges it.
    pub async fn rows(self, source: &Source) -> Result<Body, Refusal> {
        let Response { status, headers, mut body } = self;
        if (200..300).contains(&status) {
            if refusal::is_web_page(&headers, b"") {
                return Err(Refusal::fatal(refusal::web_page(&source.name, source.connector.base_url)));
            }
            return Ok(body);
        }
        let mut said = Vec::new();
        while said.len() < MAX_REFUSAL_BYTES
            && let Some(Ok(piece)) = body.next().await
        {
            said.extend_from_slice(&piece);
        }
        said.truncate(MAX_REFUSAL_BYTES);
        let said = String::from_utf8_lossy(&said);
        Err(refusal::classify(source, status, &headers, &said, SystemTime::now()))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).field("headers", &self.headers).finish_non_exhaustive()
    }
}

/// The URL of a request: the path of the base URL, the path of the request, its parameters.
fn target(source: &Source, request: &Request, at: Option<&str>) -> Url {
    let mut url = source.base_url.clone();
    url.set_fragment(None);
    if let Some((path, query)) = at.map(|at| at.split_once('?').map_or((at, None), |(path, query)| (path, Some(query))))
    {
        url.set_path(path);
        url.set_query(query);
        return url;
    }
    let path = format!("{}{}", source.base_url.path().trim_end_matches('/'), request.path);
    url.set_path(&path);
    url.set_query(None);
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&request.query);
    }
    url
}

fn headers(all: &HeaderMap, url: &Url) -> Headers {
    let text = |name: &HeaderName| all.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Headers {
        content_type: text(&CONTENT_TYPE),
        retry_after: text(&RETRY_AFTER),
        rate_limit: text(&HeaderName::from_static("x-ratelimit-limit")),
        rate_limit_remaining: text(&HeaderName::from_static("x-ratelimit-remaining")),
        rate_limit_reset: text(&HeaderName::from_static("x-ratelimit-reset")),
        // A relative one counts from where it was sent.
        location: text(&LOCATION).map(|to| url.join(&to).map_or(to, String::from)),
        flags: all
            .iter()
            .filter(|(name, value)| name.as_str().starts_with("x-") && value.as_bytes().eq_ignore_ascii_case(b"true"))
            .map(|(name, _)| name.as_str().to_owned())
            .collect(),
    }
}

/// The causes of an error, without the URL and hence without anything of the request.
fn causes(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    // The innermost one says most; those around it repeat it.
    causes.pop().unwrap_or_else(|| "the connection failed".to_owned())
}

fn unreachable_upstream(source: &Source, origin: &str, error: &reqwest::Error) -> Refusal {
    let cause = causes(error);
    let name = &source.name;
    if error.is_timeout() && !error.is_connect() {
        let silent = Error::new(Kind::UpstreamConnection, format!("upstream \"{name}\" does not answer"))
            .detail(format!("{origin} sent nothing for {} s.", IDLE_TIMEOUT.as_secs()))
            .hint("Narrow the time range if the export is a large one.");
        return Refusal { error: silent, retry: Retry::Backoff };
    }
    let error = Error::new(Kind::UpstreamConnection, format!("could not connect to upstream \"{name}\""))
        .detail(format!("{origin}: {cause}."));
    if cause.contains("certificate") {
        let hint =
            "Check that base_url names the right host and that this system trusts the issuer of its certificate.";
        return Refusal::fatal(error.hint(hint));
    }
    let hint = "Check base_url of the source, and that this machine can reach it without a proxy.";
    Refusal { error: error.hint(hint), retry: Retry::Backoff }
}

impl From<&reqwest::Error> for Break {
    fn from(error: &reqwest::Error) -> Self {
        let mut next = error.source();
        while let Some(cause) = next {
            if let Some(cause) = cause.downcast_ref::<std::io::Error>()
                && matches!(cause.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput)
            {
                return Break::Corrupt(causes(error));
            }
            next = cause.source();
        }
        match error.is_timeout() {
            true => Break::Silent,
            false => Break::Cut(causes(error)),
        }
    }
}
