//! The export of one trace: rows written while they are sent, as CSV or as JSON lines.

use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::Response;
use bytes::Bytes;
use futures::stream;

use super::super::text::{Csv, Json, Sink, Style};
use super::data::{Data, Span};
use super::{Options, Refusal, list};

/// The columns, in CSV order.
pub(super) const COLUMNS: [&str; 15] = [
    "trace_id",
    "span_id",
    "name",
    "type",
    "model",
    "created_at",
    "duration_ms",
    "prompt_tokens",
    "completion_tokens",
    "cost_usd",
    "trace_input",
    "trace_output",
    "span_input",
    "span_output",
    "error",
];
const ROWS_PER_CHUNK: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Jsonl,
}

pub(super) fn export(data: &Arc<Data>, options: &Options, query: &str) -> Result<Response, Refusal> {
    let trace_id = list::uuid(query, "trace_id", "trace_id must be a uuid")?;
    let trace_id = trace_id.ok_or(Refusal::Invalid("trace_id is required"))?;
    let project_id = list::uuid(query, "project_id", "project_id must be a uuid")?;
    let format = match list::get(query, "format").as_deref() {
        None | Some("csv") => Format::Csv,
        Some("jsonl") => Format::Jsonl,
        Some(_) => return Err(Refusal::Invalid("format must be csv or jsonl")),
    };
    if options.plan_cap == Some(0) {
        return Err(Refusal::Plan);
    }
    let known = data.trace(&trace_id).filter(|(trace, _)| project_id.is_none_or(|id| id == trace.project_id));
    let places = match known {
        Some(_) => data.exported(&trace_id),
        None if options.unknown_is_404 => return Err(Refusal::NoTrace),
        None => return Ok(head(Response::new(Body::empty()), format, &trace_id, options)),
    };
    let cap = options.plan_cap.unwrap_or(usize::MAX);
    let truncated = places.len() > cap;
    let places = places.into_iter().take(cap).collect();
    let mut response = head(Response::new(body(Arc::clone(data), format, places)), format, &trace_id, options);
    if truncated {
        response.headers_mut().insert("x-trulayer-truncated", HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn head(mut response: Response, format: Format, trace_id: &str, options: &Options) -> Response {
    let (kind, extension) = match format {
        Format::Csv => ("text/csv", "csv"),
        Format::Jsonl => ("application/x-ndjson", "jsonl"),
    };
    let file = format!("attachment; filename=\"spans-{}-{}.{extension}\"", &trace_id[..8], options.now.date_naive());
    let file = HeaderValue::from_str(&file).expect("made of digits, letters and dashes");
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CONTENT_DISPOSITION, file);
    response
}

/// A chunk at a time, so that the length of the body is not known before its end.
fn body(data: Arc<Data>, format: Format, places: Vec<usize>) -> Body {
    let mut header = Vec::new();
    if format == Format::Csv {
        header.extend_from_slice(COLUMNS.join(",").as_bytes());
        header.push(b'\n');
    }
    let chunks = stream::unfold((header, 0), move |(mut out, at)| {
        let end = places.len().min(at + ROWS_PER_CHUNK);
        for &place in &places[at..end] {
            write(&data.spans[place], format, &mut out);
        }
        let next = (!out.is_empty()).then(|| (Ok::<_, std::io::Error>(Bytes::from(out)), (Vec::new(), end)));
        std::future::ready(next)
    });
    Body::from_stream(chunks)
}

fn write(span: &Span, format: Format, out: &mut Vec<u8>) {
    match format {
        Format::Csv => columns(span, &mut Csv::open(out)),
        Format::Jsonl => {
            let mut json = Json::open(out, false);
            columns(span, &mut json);
            json.close();
        }
    }
    out.push(b'\n');
}

fn columns(span: &Span, sink: &mut impl Sink) {
    sink.text("trace_id", Some(&span.trace_id));
    sink.text("span_id", Some(&span.span_id));
    sink.text("name", Some(span.name));
    sink.text("type", Some(span.kind));
    sink.text("model", span.model);
    sink.time("created_at", Some(span.created_at), Style::Zulu);
    sink.int("duration_ms", span.duration_ms);
    sink.int("prompt_tokens", span.prompt_tokens);
    sink.int("completion_tokens", span.completion_tokens);
    sink.number("cost_usd", span.cost_usd);
    sink.text("trace_input", span.trace_input.as_deref());
    sink.text("trace_output", span.trace_output.as_deref());
    sink.text("span_input", span.span_input.as_deref());
    sink.text("span_output", span.span_output.as_deref());
    sink.text("error", span.error);
}
