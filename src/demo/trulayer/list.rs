//! The list of traces: its parameters, and one page.

use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use serde_json::{Value, json};

use super::Refusal;
use super::data::{Data, Trace};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;
const FAILURES: [&str; 4] = ["timeout", "rate_limit", "invalid_response", "context_length"];

/// What was asked for. Unknown parameters are ignored; of a repeated one the first counts; an empty one is not there.
#[derive(Debug)]
struct Query {
    project_id: Option<String>,
    model: Option<String>,
    error: Option<bool>,
    failure_type: Option<String>,
    /// Both ends belong to it; in microseconds since 1970.
    started_at: RangeInclusive<i64>,
    /// `None` if neither bound was given: traces without a value then pass.
    latency_ms: Option<RangeInclusive<i64>>,
    token_count: Option<RangeInclusive<i64>>,
    tag: Option<(String, String)>,
    limit: usize,
    cursor: Option<String>,
}

/// One page of the list.
pub(super) fn list(data: &Data, query: &str) -> Result<Value, Refusal> {
    let query = Query::parse(query)?;
    let start = match &query.cursor {
        Some(id) => 1 + data.place(id).ok_or(Refusal::Invalid("invalid cursor"))?,
        None => 0,
    };
    let passing = data.listed().skip(start).filter(|trace| query.takes(trace));
    let mut page: Vec<&Trace> = passing.take(query.limit + 1).collect();
    let has_more = page.len() > query.limit;
    page.truncate(query.limit);
    let next = page.last().filter(|_| has_more).map(|last| encode(last));
    let traces: Value = page.iter().map(|trace| trace.json()).collect();
    Ok(json!({ "traces": traces, "next_cursor": next, "has_more": has_more }))
}

impl Query {
    fn parse(query: &str) -> Result<Query, Refusal> {
        let get = |name: &str| get(query, name);
        let cursor = get("cursor").map(|text| decode(&text).ok_or(Refusal::Invalid("invalid cursor"))).transpose()?;
        let tag = match (get("tag_key"), get("tag_value")) {
            (Some(key), Some(value)) => Some((key, value)),
            (None, None) => None,
            _ => return Err(Refusal::Invalid("error.tags_filter_incomplete")),
        };
        Ok(Query {
            project_id: uuid(query, "project_id", "project_id must be a uuid")?,
            model: get("model"),
            error: read(query, "error", "error must be true or false", |text| text.parse().ok())?,
            failure_type: read(query, "failure_type", "unknown failure_type", |text| {
                FAILURES.contains(&text).then(|| text.to_owned())
            })?,
            started_at: instant(query, "from")?.unwrap_or(i64::MIN)..=instant(query, "to")?.unwrap_or(i64::MAX),
            latency_ms: range(query, "latency_min", "latency_max")?,
            token_count: range(query, "token_count_min", "token_count_max")?,
            tag,
            limit: read(query, "limit", "limit must be between 1 and 200", |text| {
                text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit))
            })?
            .unwrap_or(DEFAULT_LIMIT),
            cursor,
        })
    }

    fn takes(&self, trace: &Trace) -> bool {
        fn equal(wanted: Option<&String>, value: Option<&str>) -> bool {
            wanted.is_none_or(|wanted| value == Some(wanted))
        }
        fn within(range: Option<&RangeInclusive<i64>>, value: Option<i64>) -> bool {
            range.is_none_or(|range| value.is_some_and(|value| range.contains(&value)))
        }
        equal(self.project_id.as_ref(), Some(&trace.project_id))
            && equal(self.model.as_ref(), trace.model)
            && equal(self.failure_type.as_ref(), trace.failure_type)
            && self.error.is_none_or(|wanted| trace.error.is_some() == wanted)
            && self.started_at.contains(&trace.started_at)
            && within(self.latency_ms.as_ref(), trace.latency_ms)
            && within(self.token_count.as_ref(), trace.total_token_count)
            && self.tag.as_ref().is_none_or(|(key, value)| trace.tag_map.contains(&(key.as_str(), value.as_str())))
    }
}

/// The first value of a parameter, if it is not empty.
pub(super) fn get(query: &str, name: &str) -> Option<String> {
    let value = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name)?.1.into_owned();
    (!value.is_empty()).then_some(value)
}

fn read<T>(
    query: &str,
    name: &str,
    fault: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Refusal> {
    get(query, name).map(|text| read(&text).ok_or(Refusal::Invalid(fault))).transpose()
}

/// A parameter that must be a UUID, in lower case.
pub(super) fn uuid(query: &str, name: &str, fault: &'static str) -> Result<Option<String>, Refusal> {
    read(query, name, fault, |text| is_uuid(text).then(|| text.to_ascii_lowercase()))
}

/// Whether a text is a UUID in its usual form.
pub(super) fn is_uuid(text: &str) -> bool {
    let dash = |place: usize| matches!(place, 8 | 13 | 18 | 23);
    text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(place, byte)| if dash(place) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

fn instant(query: &str, name: &str) -> Result<Option<i64>, Refusal> {
    read(query, name, "from and to must be RFC 3339 times", |text| {
        DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_micros())
    })
}

fn range(query: &str, min: &str, max: &str) -> Result<Option<RangeInclusive<i64>>, Refusal> {
    let bound = |name| read(query, name, "bounds must be integers", |text| text.parse::<i64>().ok());
    let (min, max) = (bound(min)?, bound(max)?);
    Ok((min.is_some() || max.is_some()).then(|| min.unwrap_or(i64::MIN)..=max.unwrap_or(i64::MAX)))
}

/// Opaque, and with letters that a query string must escape.
fn encode(last: &Trace) -> String {
    STANDARD.encode(format!("{}?>{}", last.id, last.started_at))
}

fn decode(text: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    Some(text.split_once("?>")?.0.to_owned())
}
