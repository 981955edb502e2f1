//! The body of a search: which fields there are and how strictly they are read.
//!
//! Unknown fields are ignored. A known field of the wrong type or out of its range is told, all of them together.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::filter::Filter;
use super::{Issue, Refusal};

const STATUSES: [&str; 6] = ["success", "failure", "aborted", "cancelled", "pending", "unknown"];
const SORTS: [&str; 2] = ["startedAt:asc", "startedAt:desc"];
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: i64 = 200;
const MAX_FILTERS: usize = 20;

/// Which rows are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Spans,
    Traces,
}

/// What was asked for.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) project_id: String,
    pub(super) prompt_id: Option<String>,
    /// In lower case, as are provider and name.
    pub(super) model: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) name: Option<String>,
    pub(super) started_after: Option<i64>,
    pub(super) started_before: Option<i64>,
    pub(super) status: Option<String>,
    pub(super) reference_id: Option<String>,
    pub(super) session_id: Option<String>,
    pub(super) filters: Vec<Filter>,
    pub(super) ascending: bool,
    pub(super) limit: usize,
    pub(super) cursor: Option<Cursor>,
}

/// The last row of the page before: its instant in epoch milliseconds and its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) started_at: i64,
    pub(super) id: String,
}

impl Cursor {
    pub(super) fn encode(&self) -> String {
        // The vendor's example starts like this; after the colon stands a quote.
        STANDARD.encode(format!(r#"{{"v":1,"startedAt":"{}","id":"{}"}}"#, self.started_at, self.id))
    }

    fn decode(text: &str) -> Option<Cursor> {
        let value: Value = serde_json::from_slice(&STANDARD.decode(text).ok()?).ok()?;
        (value["v"] == 1).then_some(())?;
        Some(Cursor { started_at: value["startedAt"].as_str()?.parse().ok()?, id: value["id"].as_str()?.to_owned() })
    }
}

impl Query {
    pub(super) fn parse(body: &[u8], target: Target) -> Result<Query, Refusal> {
        let Ok(Value::Object(body)) = serde_json::from_slice(body) else { return Err(Refusal::NotJson) };
        let mut reader = Reader { body: &body, issues: Vec::new() };
        let project_id = reader.id("projectId");
        if !body.contains_key("projectId") {
            reader.fault("projectId", "Required");
        }
        // A search for traces does not know these three.
        let spans = target == Target::Spans;
        let query = Query {
            project_id: project_id.unwrap_or_default(),
            prompt_id: if spans { reader.id("promptId") } else { None },
            model: if spans { reader.part("model") } else { None },
            provider: if spans { reader.part("provider") } else { None },
            name: reader.part("name"),
            started_after: reader.integer("startedAfter"),
            started_before: reader.integer("startedBefore"),
            status: reader.choice("status", &STATUSES),
            reference_id: reader.text("referenceId"),
            session_id: reader.text("sessionId"),
            filters: reader.filters(),
            ascending: reader.choice("sort", &SORTS).as_deref() == Some("startedAt:asc"),
            limit: reader.limit(),
            cursor: None,
        };
        let cursor = reader.text("cursor");
        if !reader.issues.is_empty() {
            return Err(Refusal::Invalid(reader.issues));
        }
        let cursor = cursor.map(|text| Cursor::decode(&text).ok_or(Refusal::Cursor)).transpose()?;
        Ok(Query { cursor, ..query })
    }
}

/// Takes fields out of the body and remembers what was wrong with them.
struct Reader<'a> {
    body: &'a Map<String, Value>,
    issues: Vec<Issue>,
}

impl Reader<'_> {
    fn fault(&mut self, field: &str, issue: &'static str) {
        self.issues.push(Issue { field: field.to_owned(), issue });
    }

    /// The value of a field that is there, if it can be read.
    fn read<T>(&mut self, field: &str, issue: &'static str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let value = read(self.body.get(field)?);
        if value.is_none() {
            self.fault(field, issue);
        }
        value
    }

    fn text(&mut self, field: &str) -> Option<String> {
        self.read(field, "Expected string", |value| value.as_str().map(str::to_owned))
    }

    fn part(&mut self, field: &str) -> Option<String> {
        self.text(field).map(|text| text.to_lowercase())
    }

    fn id(&mut self, field: &str) -> Option<String> {
        self.read(field, "Expected a string of 20 to 80 characters", |value| {
            value.as_str().filter(|text| (20..=80).contains(&text.chars().count())).map(str::to_owned)
        })
    }

    fn integer(&mut self, field: &str) -> Option<i64> {
        self.read(field, "Expected integer", Value::as_i64)
    }

    fn choice(&mut self, field: &str, of: &[&str]) -> Option<String> {
        self.read(field, "Invalid enum value", |value| {
            value.as_str().filter(|text| of.contains(text)).map(str::to_owned)
        })
    }

    fn limit(&mut self) -> usize {
        let limit = self.read("limit", "Expected an integer of 1 to 200", |value| {
            value.as_i64().filter(|limit| (1..=MAX_LIMIT).contains(limit))
        });
        limit.map_or(DEFAULT_LIMIT, |limit| limit as usize)
    }

    fn filters(&mut self) -> Vec<Filter> {
        let read = |value: &Value| value.as_array().filter(|list| list.len() <= MAX_FILTERS).cloned();
        let objects = self.read("filters", "Expected an array of at most 20 objects", read).unwrap_or_default();
        let mut filters = Vec::new();
        for (place, object) in objects.iter().enumerate() {
            match Filter::parse(object) {
                Ok(filter) => filters.push(filter),
                Err((member, issue)) => self.fault(&format!("filters.{place}.{member}"), issue),
            }
        }
        filters
    }
}
