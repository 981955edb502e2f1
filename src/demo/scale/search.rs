//! The search: the same spans page by page, each page beginning after the last span of the one before.

use axum::response::Response;
use serde_json::json;

use super::fields::Faults;
use super::filter::{Endpoint, Filter};
use super::server::{Asked, Refusal, Server, ok};
use super::span::Span;

const LIMITS: (i64, i64) = (1, 10_000);
const DEFAULT_LIMIT: i64 = 100;

/// Where a span stands: its sort key, and what decides between equal ones.
type Place<'a> = (i64, &'a str, &'a str);

/// What a page is cut by.
#[derive(Clone, Copy, Debug)]
enum Sort {
    Start,
    Duration,
    InputTokens,
    OutputTokens,
}

impl Sort {
    /// An unknown one is the start.
    fn parse(text: Option<&str>) -> Sort {
        match text {
            Some("duration_ms") => Sort::Duration,
            Some("input_tokens") => Sort::InputTokens,
            Some("output_tokens") => Sort::OutputTokens,
            _ => Sort::Start,
        }
    }

    /// Unfinished spans come before those that took no time; spans without a token count are among those with zero.
    fn place(self, span: &Span) -> Place<'_> {
        let key = match self {
            Sort::Start => span.start_timestamp,
            Sort::Duration => span.duration().unwrap_or(i64::MIN),
            Sort::InputTokens => span.input_tokens.unwrap_or(0),
            Sort::OutputTokens => span.output_tokens.unwrap_or(0),
        };
        (key, &span.trace_id, &span.id)
    }
}

/// Answers a call.
pub(super) fn answer(server: &Server, asked: &Asked) -> Result<Response, Refusal> {
    let mut faults = Faults::default();
    let query = &asked.query;
    let filter = Filter::parse(query, &asked.fields, Endpoint::Search, &mut faults);
    let limit = query.number("limit", DEFAULT_LIMIT, LIMITS, &mut faults) as usize;
    let descending = query.choice("sort_order", &["asc", "desc"], &mut faults) == "desc";
    let sort = Sort::parse(query.text("sort_by"));
    let after = cursor(server, asked, "starting_after", sort, descending, &mut faults);
    let before = cursor(server, asked, "ending_before", sort, descending, &mut faults);
    if after.is_some() && before.is_some() {
        let message = "Value error, starting_after and ending_before exclude each other";
        faults.add(json!(["query"]), "value_error", message, &json!(query.text("ending_before")));
    }
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults));
    }
    let mut spans = filter.select(&server.spans, server.options.whole_milliseconds);
    let is_before = |one: Place<'_>, other: Place<'_>| if descending { one > other } else { one < other };
    spans.retain(|span| {
        let place = sort.place(span);
        after.is_none_or(|after| is_before(after, place)) && before.is_none_or(|before| is_before(place, before))
    });
    spans.sort_by(|one, other| sort.place(one).cmp(&sort.place(other)));
    if descending {
        spans.reverse();
    }
    let has_more = spans.len() > limit;
    if before.is_some() {
        spans.drain(..spans.len() - limit.min(spans.len()));
    } else {
        spans.truncate(limit);
    }
    Ok(ok(page(&spans, limit, has_more)))
}

/// The place of the span that a parameter names by its id. If spans of several traces have the id, it is the last one,
/// so that paging always gets on.
fn cursor<'a>(
    server: &'a Server,
    asked: &Asked,
    name: &str,
    sort: Sort,
    descending: bool,
    faults: &mut Faults,
) -> Option<Place<'a>> {
    let id = asked.query.text(name)?;
    let places = server.spans.iter().filter(|span| span.id == id).map(|span| sort.place(span));
    let place = if descending { places.min() } else { places.max() };
    if place.is_none() {
        faults.add(json!(["query", name]), "value_error", "Value error, no span has this id", &json!(id));
    }
    place
}

/// The answer. The total is never counted.
fn page(spans: &[&Span], limit: usize, has_more: bool) -> Vec<u8> {
    let mut body = b"{\"object\":\"list\",\"items\":[".to_vec();
    for (place, span) in spans.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&span.object());
    }
    let rest = format!("],\"total\":0,\"limit\":{limit},\"has_more\":{has_more}}}");
    body.extend_from_slice(rest.as_bytes());
    body
}
