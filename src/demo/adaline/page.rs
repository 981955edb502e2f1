//! One page of a search: which rows it has and how they are written.

use serde_json::{Map, Value, json};

use super::Options;
use super::data::{Span, Trace};
use super::filter::Cell;
use super::query::{Cursor, Query};

/// A row that can be searched.
pub(super) trait Row {
    fn project_id(&self) -> &str;
    /// What rows are ordered by: the start in epoch milliseconds, then the id.
    fn key(&self) -> (i64, &str);
    /// The names that the filter on names looks at.
    fn names(&self) -> [&str; 2];
    fn status(&self) -> &str;
    fn reference_id(&self) -> Option<&str>;
    fn session_id(&self) -> Option<&str>;
    /// Prompt, model and provider, which only spans have.
    fn origin(&self) -> [Option<&str>; 3];
    fn cell(&self, column: &str) -> Cell<'_>;
    fn write(&self) -> Value;
}

/// The page that a query asks for; the rows stand newest first.
pub(super) fn page<R: Row>(rows: &[R], query: &Query, options: &Options, name: &str) -> Value {
    let (taken, has_more) = if query.ascending {
        let start =
            query.cursor.as_ref().map_or(rows.len(), |cursor| rows.partition_point(|row| row.key() > at(cursor)));
        cut(rows[..start].iter().rev(), query)
    } else {
        let start = query.cursor.as_ref().map_or(0, |cursor| rows.partition_point(|row| row.key() >= at(cursor)));
        cut(rows[start..].iter(), query)
    };
    let next = match (has_more, &query.cursor, taken.last()) {
        (true, Some(cursor), _) if options.repeats_cursor => Some(cursor.encode()),
        (true, _, Some(last)) => Some(Cursor { started_at: last.key().0, id: last.key().1.to_owned() }.encode()),
        _ => None,
    };
    let mut page = Map::new();
    page.insert(
        "pagination".to_owned(),
        json!({ "limit": query.limit, "returned": taken.len(), "hasMore": has_more, "nextCursor": next }),
    );
    let name = if options.data_envelope { "data" } else { name };
    page.insert(name.to_owned(), taken.iter().map(|row| row.write()).collect());
    Value::Object(page)
}

fn at(cursor: &Cursor) -> (i64, &str) {
    (cursor.started_at, &cursor.id)
}

/// The first rows that the query takes, and whether there are more.
fn cut<'a, R: Row>(rows: impl Iterator<Item = &'a R>, query: &Query) -> (Vec<&'a R>, bool) {
    let mut taken: Vec<&R> = rows.filter(|row| takes(*row, query)).take(query.limit + 1).collect();
    let has_more = taken.len() > query.limit;
    taken.truncate(query.limit);
    (taken, has_more)
}

fn takes<R: Row>(row: &R, query: &Query) -> bool {
    fn equal(wanted: Option<&String>, value: Option<&str>) -> bool {
        wanted.is_none_or(|wanted| value == Some(wanted))
    }
    fn part(wanted: Option<&String>, value: Option<&str>) -> bool {
        wanted.is_none_or(|wanted| value.is_some_and(|value| value.to_lowercase().contains(wanted.as_str())))
    }
    let [prompt_id, model, provider] = row.origin();
    let (started_at, _) = row.key();
    row.project_id() == query.project_id
        && query.started_after.is_none_or(|bound| started_at >= bound)
        && query.started_before.is_none_or(|bound| started_at <= bound)
        && equal(query.status.as_ref(), Some(row.status()))
        && equal(query.prompt_id.as_ref(), prompt_id)
        && equal(query.reference_id.as_ref(), row.reference_id())
        && equal(query.session_id.as_ref(), row.session_id())
        && part(query.model.as_ref(), model)
        && part(query.provider.as_ref(), provider)
        && row.names().into_iter().any(|name| part(query.name.as_ref(), Some(name)))
        && query.filters.iter().all(|filter| filter.takes(|column| row.cell(column)))
}

impl Row for Span {
    fn project_id(&self) -> &str {
        &self.project_id
    }

    fn key(&self) -> (i64, &str) {
        (self.started_at, &self.id)
    }

    fn names(&self) -> [&str; 2] {
        [self.name, self.trace_name]
    }

    fn status(&self) -> &str {
        self.status
    }

    fn reference_id(&self) -> Option<&str> {
        self.reference_id.as_deref()
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    fn origin(&self) -> [Option<&str>; 3] {
        [self.prompt_id, self.model, self.provider]
    }

    fn cell(&self, column: &str) -> Cell<'_> {
        match column {
            "id" => Cell::Text(Some(&self.id)),
            "name" => Cell::Text(Some(self.name)),
            "contentType" => Cell::Text(Some(self.content_type)),
            "status" => Cell::Text(Some(self.status)),
            "logTraceId" => Cell::Text(Some(&self.log_trace_id)),
            "promptId" => Cell::Text(self.prompt_id),
            "referenceId" => Cell::Text(self.reference_id.as_deref()),
            "parentReferenceId" => Cell::Text(self.parent_reference_id.as_deref()),
            "sessionId" => Cell::Text(self.session_id.as_deref()),
            "content" => Cell::Text(Some(&self.content)),
            "parsedContent" => Cell::Text(Some(&self.parsed_content)),
            "attributes" => Cell::Text(Some(&self.attributes)),
            "latency" => Cell::Number(Some(self.latency)),
            "cost" => Cell::Number(self.cost),
            "promptTokens" => Cell::Number(self.prompt_tokens),
            "completionTokens" => Cell::Number(self.completion_tokens),
            "totalTokens" => Cell::Number(self.total_tokens),
            "startedAt" => Cell::Number(Some(self.started_at as f64)),
            "endedAt" => Cell::Number(Some(self.ended_at as f64)),
            "createdAt" => Cell::Number(Some(self.created_at as f64)),
            "tags" => Cell::Elements(&self.tag_list),
            _ => Cell::Unknown,
        }
    }

    fn write(&self) -> Value {
        let number = |value: Option<f64>| value.map(|value| number(value, self.fractions));
        let mut row = json!({
            "id": self.id, "name": self.name, "contentType": self.content_type, "status": self.status,
            "startedAt": self.started_at, "endedAt": self.ended_at, "latency": number(Some(self.latency)),
            "logTraceId": self.log_trace_id, "promptId": self.prompt_id, "referenceId": self.reference_id,
            "parentReferenceId": self.parent_reference_id, "sessionId": self.session_id,
            "cost": number(self.cost), "promptTokens": number(self.prompt_tokens),
            "completionTokens": number(self.completion_tokens), "totalTokens": number(self.total_tokens),
            "content": self.content, "parsedContent": self.parsed_content, "attributes": self.attributes,
            "tags": self.tags, "events": self.events, "createdAt": self.created_at, "updatedAt": self.updated_at,
        });
        if let Value::Object(members) = &mut row {
            members.retain(|_, value| !(self.nulls_absent && value.is_null()));
            if let Some(region) = self.region {
                members.insert("region".to_owned(), Value::from(region));
            }
        }
        row
    }
}

impl Row for Trace {
    fn project_id(&self) -> &str {
        &self.project_id
    }

    fn key(&self) -> (i64, &str) {
        (self.started_at, &self.id)
    }

    fn names(&self) -> [&str; 2] {
        [self.name; 2]
    }

    fn status(&self) -> &str {
        self.status
    }

    fn reference_id(&self) -> Option<&str> {
        Some(&self.reference_id)
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    fn origin(&self) -> [Option<&str>; 3] {
        [None; 3]
    }

    fn cell(&self, column: &str) -> Cell<'_> {
        match column {
            "id" => Cell::Text(Some(&self.id)),
            "name" => Cell::Text(Some(self.name)),
            "status" => Cell::Text(Some(self.status)),
            "referenceId" => Cell::Text(Some(&self.reference_id)),
            "sessionId" => Cell::Text(self.session_id.as_deref()),
            "latency" => Cell::Number(Some((self.ended_at - self.started_at) as f64)),
            "totalCost" => Cell::Number(self.total_cost),
            "totalInputTokens" => Cell::Number(self.total_input_tokens),
            "totalOutputTokens" => Cell::Number(self.total_output_tokens),
            "startedAt" => Cell::Number(Some(self.started_at as f64)),
            "endedAt" | "createdAt" => Cell::Number(Some(self.ended_at as f64)),
            "tags" => Cell::Elements(&self.tags),
            _ => Cell::Unknown,
        }
    }

    fn write(&self) -> Value {
        let number = |value: Option<f64>| value.map(|value| number(value, false));
        let attributes: Map<String, Value> =
            self.attributes.iter().map(|&(key, value)| (key.to_owned(), Value::from(value))).collect();
        json!({
            "id": self.id, "name": self.name, "status": self.status, "startedAt": self.started_at,
            "endedAt": self.ended_at, "latency": self.ended_at - self.started_at, "referenceId": self.reference_id,
            "sessionId": self.session_id, "attributes": attributes, "tags": self.tags,
            "totalCost": number(self.total_cost), "totalInputTokens": number(self.total_input_tokens),
            "totalOutputTokens": number(self.total_output_tokens), "spanIds": self.span_ids,
            "createdAt": self.ended_at, "updatedAt": self.ended_at,
        })
    }
}

/// A number as this row writes it: whole ones as `12` or as `12.0`.
fn number(value: f64, fraction: bool) -> Value {
    if value.fract() == 0.0 && !fraction { Value::from(value as i64) } else { Value::from(value) }
}
