//! The query string of a spans list: window, scope, order, page, and filters among the parameters.
//!
//! What is no parameter of the endpoint is a filter; a name that is no field either is a metadata key, so a misspelt
//! parameter selects nothing and nobody is told. Of a repeated parameter the last counts.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use serde_json::Value;

use super::body::connector;
use super::fields::{self, Cell, Field};
use super::filter::{Condition, Filter, Target, score};
use super::refusal::Refusal;
use super::span::Span;

const DEFAULT_WINDOW: TimeDelta = TimeDelta::hours(1);
const DEFAULT_PAGE_SIZE: usize = 100;
const MAX_PAGE_SIZE: usize = 1000;
/// Parameters that are no filters.
const PARAMETERS: [&str; 11] = [
    "start_time",
    "end_time",
    "sort_by",
    "page",
    "page_size",
    "all_envs",
    "is_test",
    "environment",
    "log_type",
    "fetch_filters",
    "include_fields",
];

/// What was asked for in the URL.
#[derive(Debug)]
pub(super) struct Query {
    /// Microseconds since 1970, both inclusive.
    from: i64,
    to: i64,
    scope: Scope,
    /// Whether the URL names an environment.
    environment: bool,
    log_type: Option<String>,
    order: Order,
    /// Counts from 1.
    pub(super) page: usize,
    pub(super) page_size: usize,
    pub(super) include: Option<Vec<String>>,
    pub(super) fetch_filters: bool,
    /// Filters by the name of their target, and whether OR joins them to what stands before.
    conditions: Vec<(String, bool, Condition)>,
}

/// Which environments are listed.
#[derive(Debug, PartialEq, Eq)]
enum Scope {
    All,
    Only(String),
    AllBut(&'static str),
}

impl Query {
    pub(super) fn parse(query: &str, now: DateTime<Utc>) -> Result<Query, Refusal> {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        // An empty parameter is not there.
        let get = |name: &str| {
            let (_, value) = pairs.iter().rev().find(|(key, _)| key == name)?;
            (!value.is_empty()).then_some(value.as_str())
        };
        let bound = |name: &str, default: DateTime<Utc>| match get(name) {
            Some(text) => instant(text).ok_or_else(|| Refusal::invalid(name, "Datetime has wrong format.")),
            None => Ok(default.timestamp_micros()),
        };
        let include = get("include_fields").map(|names| {
            let mut names: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
            names.sort();
            names.dedup();
            names.retain(|name| !name.is_empty());
            names
        });
        Ok(Query {
            from: bound("start_time", now - DEFAULT_WINDOW)?,
            to: bound("end_time", now)?,
            scope: scope(flag("all_envs", get("all_envs"))?, flag("is_test", get("is_test"))?, get("environment")),
            environment: get("environment").is_some(),
            log_type: get("log_type").map(str::to_owned),
            order: Order::parse(get("sort_by").unwrap_or("-id"))?,
            page: count("page", get("page"))?.unwrap_or(1),
            page_size: count("page_size", get("page_size"))?.unwrap_or(DEFAULT_PAGE_SIZE).min(MAX_PAGE_SIZE),
            include,
            fetch_filters: flag("fetch_filters", get("fetch_filters"))?.unwrap_or(false),
            conditions: conditions(&pairs)?,
        })
    }

    /// Whether the URL has a filter on this target, by its own name.
    pub(super) fn filters(&self, name: &str) -> bool {
        let named = match name {
            "environment" => self.environment,
            "log_type" => self.log_type.is_some(),
            _ => false,
        };
        named || self.conditions.iter().any(|(filtered, ..)| filtered == name)
    }

    /// Joins the filters of the URL to those of the body.
    pub(super) fn joined(&mut self, body: Filter) -> Filter {
        let mut filter = Filter::default();
        filter.push_group(false, body);
        for (_, or, condition) in self.conditions.drain(..) {
            filter.push(or, condition);
        }
        filter
    }

    /// Window, scope and type; the filters are apart.
    pub(super) fn takes(&self, span: &Span) -> bool {
        let in_scope = match &self.scope {
            Scope::All => true,
            Scope::Only(environment) => span.environment == *environment,
            Scope::AllBut(environment) => span.environment != *environment,
        };
        let in_window = (self.from..=self.to).contains(&span.timestamp);
        in_scope && in_window && self.log_type.as_ref().is_none_or(|wanted| span.log_type == *wanted)
    }

    pub(super) fn compare(&self, left: &Span, right: &Span) -> Ordering {
        self.order.compare(left, right)
    }
}

/// `is_test` decides before `environment`, `environment` before `all_envs`; without any of them it is production.
fn scope(all_envs: Option<bool>, is_test: Option<bool>, environment: Option<&str>) -> Scope {
    match (is_test, environment, all_envs) {
        (Some(true), ..) => Scope::Only("test".to_owned()),
        (Some(false), ..) => Scope::AllBut("test"),
        (None, Some(environment), _) => Scope::Only(environment.to_owned()),
        (None, None, Some(true)) => Scope::All,
        (None, None, _) => Scope::Only("prod".to_owned()),
    }
}

fn flag(name: &str, text: Option<&str>) -> Result<Option<bool>, Refusal> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(Refusal::invalid(name, "Must be a valid boolean.")),
    }
}

fn count(name: &str, text: Option<&str>) -> Result<Option<usize>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let number = text.parse().ok().filter(|number| *number > 0);
    number.map(Some).ok_or_else(|| Refusal::invalid(name, "A positive integer is required."))
}

/// The filters among the parameters, in the order of their names in the URL.
fn conditions(pairs: &[(String, String)]) -> Result<Vec<(String, bool, Condition)>, Refusal> {
    let mut parts: Vec<Parts<'_>> = Vec::new();
    for (key, value) in pairs {
        let (name, part) = match key.strip_suffix(']').and_then(|key| key.split_once('[')) {
            Some((name, part)) => (name, part),
            None if PARAMETERS.contains(&key.as_str()) => continue,
            None => (key.as_str(), "value"),
        };
        let place = parts.iter().position(|parts| parts.name == name).unwrap_or_else(|| {
            parts.push(Parts { name, ..Parts::default() });
            parts.len() - 1
        });
        match part {
            "value" => parts[place].value = Some(value),
            "operator" => parts[place].operator = value,
            "connector" => parts[place].connector = value,
            _ => return Err(Refusal::invalid(key, "Only value, operator and connector are known.")),
        }
    }
    parts.into_iter().map(Parts::condition).collect()
}

/// What the URL says about one name.
#[derive(Debug, Default)]
struct Parts<'a> {
    name: &'a str,
    value: Option<&'a str>,
    operator: &'a str,
    connector: &'a str,
}

impl Parts<'_> {
    fn condition(self) -> Result<(String, bool, Condition), Refusal> {
        let value = self.value.ok_or_else(|| Refusal::invalid(self.name, "A filter must have a value."))?;
        let or = connector(self.name, &Value::String(self.connector.to_owned()))?;
        let values = [Value::String(value.to_owned())];
        let target = Target::in_url(self.name);
        let name = target.name();
        Ok((name, or, Condition::new(self.name, target, self.operator, &values)?))
    }
}

/// What `sort_by` says.
#[derive(Debug)]
struct Order {
    key: Key,
    descending: bool,
}

#[derive(Debug)]
enum Key {
    /// By time, as an order by id is.
    Time,
    Field(&'static Field),
    Score(String),
}

impl Order {
    fn parse(text: &str) -> Result<Order, Refusal> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let key = match name {
            "id" | "timestamp" => Key::Time,
            "all_tokens" => Key::Field(fields::named("total_request_tokens").expect("it is one of the fields")),
            _ => match (name.strip_prefix("scores__"), fields::named(name).filter(|field| field.sorts)) {
                (Some(id), _) => Key::Score(id.to_owned()),
                (None, Some(field)) => Key::Field(field),
                (None, None) => return Err(Refusal::Unsupported(name.to_owned())),
            },
        };
        Ok(Order { key, descending })
    }

    /// Nulls stand last in both directions; rows that are equal stand by time and id.
    fn compare(&self, left: &Span, right: &Span) -> Ordering {
        let by_time = || (left.timestamp, &left.unique_id).cmp(&(right.timestamp, &right.unique_id));
        let (left, right) = match &self.key {
            Key::Time => return self.turned(by_time()),
            Key::Field(field) => (figure((field.read)(left)), figure((field.read)(right))),
            Key::Score(id) => (score(left, id), score(right, id)),
        };
        let by_key = match (left, right) {
            (Some(left), Some(right)) => self.turned(left.total_cmp(&right)),
            (left, right) => left.is_none().cmp(&right.is_none()),
        };
        by_key.then_with(|| self.turned(by_time()))
    }

    fn turned(&self, order: Ordering) -> Ordering {
        if self.descending { order.reverse() } else { order }
    }
}

fn figure(cell: Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Int(value) => Some(value as f64),
        Cell::Float(value) => Some(value),
        _ => None,
    }
}

/// An ISO 8601 time in microseconds since 1970; without a zone it is UTC, without a time of day midnight.
fn instant(text: &str) -> Option<i64> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.timestamp_micros());
    }
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
        .into_iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .or_else(|| Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN)))?;
    Some(local.and_utc().timestamp_micros())
}
