//! The export: all matching spans in one file, as part of the answer or behind a signed URL.

use std::collections::HashSet;

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::fields::Faults;
use super::filter::{Endpoint, Filter};
use super::server::{Asked, Refusal, Server, ok};
use super::span::{COLUMNS, Span};
use crate::demo::dice::hash;
use crate::demo::text::{Csv, Json, push_string};

/// An export that was asked for. Its file is made when it is sent.
#[derive(Clone, Debug)]
pub(super) struct Export {
    filter: Filter,
    format: &'static str,
    with_children: bool,
    include_assessments: bool,
    /// Decides the order of the rows.
    nonce: u64,
}

/// Answers a call.
pub(super) fn answer(server: &Server, asked: &Asked) -> Result<Response, Refusal> {
    let mut faults = Faults::default();
    let fields = &asked.fields;
    let method = fields.choice("export_method", &["signed_url", "direct"], "direct", &mut faults);
    let export = Export {
        filter: Filter::parse(&asked.query, fields, Endpoint::Export, &mut faults),
        format: fields.choice("export_format", &["json", "jsonl", "csv"], "json", &mut faults),
        with_children: fields.flag("with_children", &mut faults),
        include_assessments: fields.flag("include_assessments", &mut faults),
        nonce: hash(&asked.body),
    };
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults));
    }
    let filename = format!("spans_{}.{}", server.options.now.format("%Y%m%dT%H%M%SZ"), export.format);
    if method == "direct" {
        return Ok(ok(direct(&filename, &export.file(server), server.options.base64)));
    }
    if !server.options.object_storage {
        return Err(Refusal::NoStorage);
    }
    let url = server.storage.keep(export, &asked.base_url, &filename);
    let body =
        Map::from_iter([("filename".to_owned(), Value::from(filename)), ("signed_url".to_owned(), Value::from(url))]);
    Ok(ok(Value::Object(body).to_string().into_bytes()))
}

/// The answer with the file in it.
fn direct(filename: &str, file: &str, base64: bool) -> Vec<u8> {
    let mut body = Vec::with_capacity(file.len() + file.len() / 4);
    body.extend_from_slice(b"{\"filename\":");
    push_string(&mut body, filename);
    body.extend_from_slice(b",\"content\":");
    if base64 {
        push_string(&mut body, &STANDARD.encode(file))
    } else {
        push_string(&mut body, file)
    }
    body.push(b'}');
    body
}

impl Export {
    /// The media type of the file.
    pub(super) fn media_type(&self) -> &'static str {
        match self.format {
            "json" => "application/json",
            "jsonl" => "application/x-ndjson",
            _ => "text/csv",
        }
    }

    /// The file.
    pub(super) fn file(&self, server: &Server) -> String {
        let spans = self.spans(server);
        let mut out = Vec::new();
        match self.format {
            "json" => {
                out.push(b'[');
                self.objects(&spans, b',', &mut out);
                out.push(b']');
            }
            "jsonl" => self.objects(&spans, b'\n', &mut out),
            _ => self.records(&spans, &mut out),
        }
        String::from_utf8(out).expect("made of strings")
    }

    /// The spans in the order of the file.
    fn spans<'a>(&self, server: &'a Server) -> Vec<&'a Span> {
        let mut spans = self.filter.select(&server.spans, server.options.whole_milliseconds);
        if self.with_children {
            let traces: HashSet<&str> = spans.iter().map(|span| span.trace_id.as_str()).collect();
            spans = server.spans.iter().filter(|span| traces.contains(span.trace_id.as_str())).collect();
        }
        if server.options.shuffled {
            let place = |span: &&Span| hash(format!("{} {} {}", self.nonce, span.trace_id, span.id).as_bytes());
            spans.sort_by_cached_key(place);
        } else {
            spans.sort_by(|one, other| order_key(one).cmp(&order_key(other)));
        }
        spans
    }

    fn objects(&self, spans: &[&Span], between: u8, out: &mut Vec<u8>) {
        for (place, span) in spans.iter().enumerate() {
            if place > 0 {
                out.push(between);
            }
            let mut json = Json::open(out, false);
            span.write(&mut json, self.include_assessments);
            json.close();
        }
    }

    fn records(&self, spans: &[&Span], out: &mut Vec<u8>) {
        out.extend_from_slice(COLUMNS.join(",").as_bytes());
        if self.include_assessments {
            out.extend_from_slice(b",assessments");
        }
        out.extend_from_slice(b"\r\n");
        for span in spans {
            span.write(&mut Csv::open(out), self.include_assessments);
            out.extend_from_slice(b"\r\n");
        }
    }
}

fn order_key(span: &Span) -> (i64, &str, &str) {
    (span.start_timestamp, &span.trace_id, &span.id)
}
