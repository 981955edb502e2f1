//! What an answer that is no rows means: whose fault it is, what the client is told, and when to ask again. Pure.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::error::{Error, Kind};
use crate::model::scan::Source;

/// What a 429 that says nothing else means.
const DEFAULT_WAIT: Duration = Duration::from_secs(60);
/// No upstream is asked to be left alone for longer; whoever says so is asked again then.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3_600);
/// Upstream's own words are cut to so many characters.
const SHOWN_CHARS: usize = 300;

/// A call that brought no rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the client is told if it is not tried again.
    pub error: Error,
    /// Whether and when it may be.
    pub retry: Retry,
}

/// When a call may be made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Never: it would fail in the same way.
    No,
    /// After this time, before which upstream wants no call at all.
    After(Duration),
    /// Soon, and then later and later.
    Backoff,
    /// At once, at another path of the same origin.
    Follow(String),
    /// It need not: the answer says that there are no rows.
    Absent,
}

/// The headers that an answer is judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Retry-After`: seconds or a date.
    pub retry_after: Option<String>,
    /// `X-RateLimit-Limit`: calls allowed.
    pub rate_limit: Option<String>,
    /// `X-RateLimit-Remaining`: calls left.
    pub rate_limit_remaining: Option<String>,
    /// `X-RateLimit-Reset`: seconds since 1970, or from now.
    pub rate_limit_reset: Option<String>,
    /// `Location` of a redirect.
    pub location: Option<String>,
    /// Names, in lower case, of the vendor's own headers (`x-…`) that say `true`.
    pub flags: Vec<String>,
}

impl Headers {
    /// `X-RateLimit-Limit`.
    pub fn limit(&self) -> Option<u32> {
        count(self.rate_limit.as_deref()?)
    }

    /// `X-RateLimit-Remaining`.
    pub fn remaining(&self) -> Option<u32> {
        count(self.rate_limit_remaining.as_deref()?)
    }

    /// `X-RateLimit-Reset`, from now.
    pub fn reset(&self, now: SystemTime) -> Option<Duration> {
        let reset: f64 = self.rate_limit_reset.as_deref()?.trim().parse().ok()?;
        // A small number is no time since 1970, and one beyond the year 5000 counts milliseconds.
        let reset = if reset < 1e11 { reset } else { reset / 1e3 };
        let wait = if reset < 1e9 { reset } else { reset - since_1970(now) };
        Some(bounded(wait))
    }
}

impl Refusal {
    /// A refusal that would only be repeated.
    pub fn fatal(error: Error) -> Self {
        Refusal { error, retry: Retry::No }
    }
}

/// Judges an answer whose status is not 2xx, by its status, its headers and the beginning of its body.
pub fn classify(source: &Source, status: u16, headers: &Headers, body: &str, now: SystemTime) -> Refusal {
    if (300..400).contains(&status) {
        return redirect(source, status, headers);
    }
    let page = is_web_page(headers, body.as_bytes());
    let said = if page { None } else { text(body) };
    let (kind, message, retry) = match status {
        401 | 403 => {
            (Kind::UpstreamAuthorization, format!("upstream refused the credential (HTTP {status})"), Retry::No)
        }
        429 => {
            let wait = wait(headers, body, now).unwrap_or(DEFAULT_WAIT);
            (
                Kind::UpstreamQuota,
                "upstream refused the call: too many requests (HTTP 429)".to_owned(),
                Retry::After(wait),
            )
        }
        500..=599 => {
            let retry = retry_after(headers, now).map_or(Retry::Backoff, Retry::After);
            (Kind::UpstreamFault, format!("upstream failed (HTTP {status})"), retry)
        }
        _ => (Kind::UpstreamRequest, format!("upstream did not accept the request (HTTP {status})"), Retry::No),
    };
    let mut error = Error::new(kind, message);
    if page && retry == Retry::No && kind == Kind::UpstreamRequest {
        error = web_page(&source.name, source.connector.base_url);
    }
    let hint = match kind {
        Kind::UpstreamAuthorization => Some("Check the credential of the source, and what it may read."),
        Kind::UpstreamQuota => Some("Try again later, or lower the quota of the source if others use the same key."),
        Kind::UpstreamRequest if status == 404 => Some("Check base_url of the source."),
        _ => None,
    };
    error.hint = error.hint.or_else(|| hint.map(str::to_owned));
    if let Some(own) = (source.connector.refusal)(status, body) {
        error = own;
    }
    let retry = if (source.connector.absent)(status, body) { Retry::Absent } else { retry };
    error.detail = error.detail.or_else(|| said.map(|said| format!("Source \"{}\" says: {said}", source.name)));
    error.detail = error.detail.or_else(|| Some(format!("It is source \"{}\".", source.name)));
    Refusal { error, retry }
}

fn redirect(source: &Source, status: u16, headers: &Headers) -> Refusal {
    let location = headers.location.as_deref();
    let target = location.and_then(|location| source.base_url.join(location).ok());
    let Some(target) = target else {
        let message = format!("upstream redirects to nowhere (HTTP {status})");
        return Refusal::fatal(
            Error::new(Kind::UpstreamFault, message).detail(format!("It is source \"{}\".", source.name)),
        );
    };
    // The origin is scheme, host and port; a key given for one is not shown to another.
    if target.origin() == source.base_url.origin() && matches!(status, 301 | 302 | 307 | 308) {
        let error =
            Error::new(Kind::UpstreamFault, "upstream redirects in a circle").hint("Check base_url of the source.");
        let query = target.query().map(|query| format!("?{query}")).unwrap_or_default();
        return Refusal { error, retry: Retry::Follow(format!("{}{query}", target.path())) };
    }
    let origin = target.origin().ascii_serialization();
    Refusal::fatal(
        Error::new(Kind::UpstreamFault, format!("upstream redirects to another host (HTTP {status})"))
            .detail(format!("Source \"{}\" redirects to {origin}. The credential was not sent there.", source.name))
            .hint("If that is where the API lives now, set base_url of the source to it."),
    )
}

/// The error of a web page that came where rows were expected.
pub fn web_page(source: &str, public_base_url: &str) -> Error {
    Error::new(Kind::UpstreamFault, "upstream sent a web page instead of rows")
        .detail(format!("It is source \"{source}\"."))
        .hint(format!("Check base_url of the source: the vendor's public one is {public_base_url}."))
}

/// Whether an answer is a web page, by its type or by its beginning.
pub fn is_web_page(headers: &Headers, body: &[u8]) -> bool {
    headers.content_type.as_deref().is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
        || body.trim_ascii_start().first() == Some(&b'<')
}

/// What an error body says for people, cut: of `{"error": {"message"}}`, `{"error": "…"}`, `{"message"}`, `{"detail"}`.
pub fn text(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    let told = ["error", "message", "detail"].iter().find_map(|key| body.get(key).filter(|value| !value.is_null()))?;
    let told = told.get("message").or_else(|| told.get("detail")).unwrap_or(told);
    let told = match told {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    // One line: it becomes part of a message that clients show on one.
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(match told.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &told[..end]),
        None => told,
    })
    .filter(|told| !told.is_empty())
}

fn wait(headers: &Headers, body: &str, now: SystemTime) -> Option<Duration> {
    retry_after(headers, now).or_else(|| told_wait(body)).or_else(|| headers.reset(now))
}

/// Some write a list, "60, 60;w=1": such words are no count.
fn count(text: &str) -> Option<u32> {
    text.trim().parse().ok()
}

fn retry_after(headers: &Headers, now: SystemTime) -> Option<Duration> {
    let text = headers.retry_after.as_deref()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Some(bounded(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(bounded(since_1970(date) - since_1970(now)))
}

fn told_wait(body: &str) -> Option<Duration> {
    let body: Value = serde_json::from_str(body).ok()?;
    let error = body.get("error");
    let told = body.get("retry_after").or_else(|| error?.get("retry_after"));
    told.or_else(|| error?.get("details")?.get("retry_after"))?.as_f64().map(bounded)
}

fn since_1970(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// At least a second: a time that has just passed by one clock may not have by the other.
fn bounded(seconds: f64) -> Duration {
    let longest = LONGEST_WAIT.as_secs_f64();
    Duration::try_from_secs_f64(seconds.clamp(1.0, longest)).unwrap_or(DEFAULT_WAIT)
}

#[cfg(test)]
mod tests;
