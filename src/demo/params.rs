//! The query string of an export: which parameters there are and how leniently the server reads them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

use super::requests::{Figures, MODELS};

/// What was asked for. Unknown parameters are ignored; of a repeated one the first counts; an empty one is not there.
#[derive(Debug)]
pub(super) struct Params {
    pub(super) json: bool,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) limit: usize,
    pub(super) filter: Filter,
}

impl Params {
    pub(super) fn parse(query: &str, page_cap: usize) -> Params {
        let get = |name: &str| {
            let value = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name)?.1.into_owned();
            (!value.is_empty()).then_some(value)
        };
        Params {
            json: get("format").as_deref() == Some("json"),
            from: get("from"),
            to: get("to"),
            limit: limit(get("limit").as_deref(), page_cap),
            filter: Filter {
                project_id: get("projectId"),
                provider: get("provider"),
                models: get("model").map(|part| models_with(&part)),
                provider_key_id: get("providerKeyId"),
                status: get("status").and_then(|text| Status::parse(&text)),
            },
        }
    }
}

/// The filters that only requests have.
#[derive(Debug, Default)]
pub(super) struct Filter {
    project_id: Option<String>,
    provider: Option<String>,
    /// Which entries of [`MODELS`] hold the text that was asked for.
    models: Option<[bool; MODELS.len()]>,
    provider_key_id: Option<String>,
    status: Option<Status>,
}

impl Filter {
    pub(super) fn takes_all(&self) -> bool {
        let Filter { project_id, provider, models, provider_key_id, status } = self;
        project_id.is_none() && provider.is_none() && models.is_none() && provider_key_id.is_none() && status.is_none()
    }

    pub(super) fn takes(&self, figures: &Figures) -> bool {
        fn equal(wanted: Option<&String>, value: &str) -> bool {
            wanted.is_none_or(|wanted| wanted == value)
        }
        equal(self.project_id.as_ref(), figures.project_id)
            && equal(self.provider.as_ref(), figures.provider)
            && equal(self.provider_key_id.as_ref(), figures.provider_key_id)
            && self.models.is_none_or(|models| models[figures.model])
            && self.status.is_none_or(|status| status.takes(figures.status_code))
    }
}

/// A family of status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Ok,
    Client,
    Server,
}

impl Status {
    fn parse(text: &str) -> Option<Status> {
        match text {
            "ok" => Some(Status::Ok),
            "4xx" => Some(Status::Client),
            "5xx" => Some(Status::Server),
            _ => None,
        }
    }

    fn takes(self, code: i64) -> bool {
        let family = match self {
            Status::Ok => 200..=299,
            Status::Client => 400..=499,
            Status::Server => 500..=599,
        };
        family.contains(&code)
    }
}

/// `%` and `_` in the text stand for themselves.
fn models_with(part: &str) -> [bool; MODELS.len()] {
    let part = part.to_lowercase();
    MODELS.each_ref().map(|model| model.name.to_lowercase().contains(&part))
}

/// JavaScript's `parseInt`, then moved into `1..=page_cap`; what is no number gives the cap.
fn limit(text: Option<&str>, page_cap: usize) -> usize {
    let Some(text) = text.map(str::trim_start) else { return page_cap };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 {
        return page_cap;
    }
    if negative {
        return 1;
    }
    // Too many digits for the type are above any cap.
    digits[..length].parse().unwrap_or(usize::MAX).min(page_cap).max(1)
}

/// An ISO 8601 time in milliseconds since 1970, cut; without a zone it is UTC, without a time of day midnight.
pub(super) fn instant_ms(text: &str) -> Option<i64> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.timestamp_millis());
    }
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
        .into_iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .or_else(|| Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN)))?;
    Some(local.and_utc().timestamp_millis())
}
