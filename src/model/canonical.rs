//! The virtual tables of schema `public`: one shape over all sources, and how a vendor's table takes it.

use crate::model::table::{Column, bigint, double, extra, jsonb, text, timestamptz};

/// One virtual table of schema `public`.
#[derive(Debug)]
pub struct Shape {
    /// Its name.
    pub name: &'static str,
    /// One sentence; becomes the table's comment.
    pub doc: &'static str,
    /// Its columns; the first is `source`, the last `extra`.
    pub columns: &'static [Column],
}

/// How a vendor's table shows as one of these. Columns that are not named are NULL; `extra` holds the vendor's columns
/// that no other one reads.
#[derive(Clone, Copy, Debug)]
pub struct Canonical {
    /// Name of the [`Shape`].
    pub shape: &'static str,
    /// Each of its columns that the vendor has, and where it is taken from.
    pub columns: &'static [(&'static str, Take)],
}

/// Where a canonical column is taken from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Take {
    /// A column as it is.
    Column(&'static str),
    /// A number times a constant: a change of units.
    Scaled(&'static str, f64),
    /// A column as text.
    Text(&'static str),
    /// A vendor's words in canonical ones; any other word, or none, is the last.
    Words(&'static str, &'static [(&'static str, &'static str)], &'static str),
    /// One word where a column is NULL, and another where it is not.
    IfNull(&'static str, &'static str, &'static str),
}

impl Take {
    /// The vendor's column that is read.
    pub const fn column(&self) -> &'static str {
        match self {
            Take::Column(name)
            | Take::Scaled(name, _)
            | Take::Text(name)
            | Take::Words(name, _, _)
            | Take::IfNull(name, _, _) => name,
        }
    }
}

const SOURCE: Column = text("source").doc("Name of the source, which is the schema of the vendor's own table.");

/// All virtual tables of schema `public`.
pub const SHAPES: &[Shape] = &[
    Shape {
        name: "requests",
        doc: "LLM calls of all sources that export them.",
        columns: &[
            SOURCE,
            text("id").null().doc("ID of the call, unique within its source."),
            text("project_id").null().doc("Project."),
            text("provider").null().doc("Provider, e.g. openai."),
            text("model").null().doc("Model."),
            bigint("prompt_tokens").null().unit("tokens").doc("Input tokens."),
            bigint("completion_tokens").null().unit("tokens").doc("Output tokens."),
            bigint("total_tokens").null().unit("tokens").doc("Sum of both."),
            double("cost_usd").null().unit("USD").doc("Cost."),
            double("latency_ms").null().unit("ms").doc("Duration of the call."),
            bigint("status_code").null().doc("HTTP status that the provider returned."),
            text("error_message").null().doc("Error text; NULL if there was none."),
            text("trace_id").null().doc("Trace that the call belongs to."),
            timestamptz("created_at").null().doc("When the call was made."),
            extra(),
        ],
    },
    Shape {
        name: "traces",
        doc: "Traces of all sources that export them.",
        columns: &[
            SOURCE,
            text("id").null().doc("ID of the trace, unique within its source."),
            text("project_id").null().doc("Project."),
            text("name").null().doc("Name."),
            text("status").null().doc("ok, error, cancelled, pending or unknown."),
            text("error_message").null().doc("Error text; NULL if there was none."),
            double("duration_ms").null().unit("ms").doc("From start to end."),
            double("total_cost_usd").null().unit("USD").doc("Cost of all its calls."),
            bigint("total_tokens").null().unit("tokens").doc("Tokens of all its calls."),
            bigint("span_count").null().doc("Number of spans."),
            timestamptz("started_at").null().doc("Start."),
            timestamptz("ended_at").null().doc("End; NULL while it runs."),
            timestamptz("created_at").null().doc("When the vendor saved it."),
            extra(),
        ],
    },
    Shape {
        name: "spans",
        doc: "Spans of all sources that export them.",
        columns: &[
            SOURCE,
            text("id").null().doc("ID of the span, unique within its source."),
            text("trace_id").null().doc("Trace that the span belongs to."),
            text("parent_id").null().doc("Span above it; NULL for a root."),
            text("name").null().doc("Name."),
            text("type").null().doc("Kind of span, in the vendor's words."),
            text("status").null().doc("ok, error, cancelled, pending or unknown."),
            text("provider").null().doc("Provider, e.g. openai."),
            text("model").null().doc("Model."),
            timestamptz("started_at").null().doc("Start."),
            timestamptz("ended_at").null().doc("End; NULL while it runs."),
            double("duration_ms").null().unit("ms").doc("From start to end."),
            bigint("prompt_tokens").null().unit("tokens").doc("Input tokens."),
            bigint("completion_tokens").null().unit("tokens").doc("Output tokens."),
            bigint("total_tokens").null().unit("tokens").doc("Sum of both."),
            double("cost_usd").null().unit("USD").doc("Cost."),
            text("input").null().doc("What went in; JSON as text where the vendor has JSON."),
            text("output").null().doc("What came out; JSON as text where the vendor has JSON."),
            text("error_message").null().doc("Error text; NULL if there was none."),
            text("session_id").null().doc("Session or thread."),
            text("user_id").null().doc("The user on whose behalf the span ran."),
            jsonb("metadata").null().doc("What the application attached."),
            extra(),
        ],
    },
    Shape {
        name: "anomalies",
        doc: "Anomalies that the sources have found.",
        columns: &[
            SOURCE,
            text("provider").null().doc("Provider, e.g. openai."),
            text("model").null().doc("Model."),
            text("kind").null().doc("What is off."),
            double("current_value").null().doc("Mean of the window observed, in the unit of the kind."),
            double("baseline_mean").null().doc("Mean of the baseline."),
            double("baseline_stddev").null().doc("Standard deviation of the baseline."),
            double("deviations").null().unit("sigma").doc("Distance from the baseline."),
            bigint("sample_count").null().doc("Calls in the window observed."),
            bigint("reference_count").null().doc("Calls in the baseline."),
            timestamptz("detected_at").null().doc("The row's own time, or else that of the export that showed it."),
            extra(),
        ],
    },
    Shape {
        name: "security",
        doc: "Security flags that the sources have raised.",
        columns: &[
            SOURCE,
            text("id").null().doc("ID of the flagged call."),
            text("provider").null().doc("Provider, e.g. openai."),
            text("model").null().doc("Model."),
            bigint("status_code").null().doc("HTTP status that the provider returned."),
            double("latency_ms").null().unit("ms").doc("Duration of the call."),
            double("cost_usd").null().unit("USD").doc("Cost."),
            jsonb("flags").null().doc("What was found."),
            timestamptz("created_at").null().doc("When the call was made."),
            extra(),
        ],
    },
];

/// The shape of that name.
pub fn shape(name: &str) -> Option<&'static Shape> {
    SHAPES.iter().find(|shape| shape.name == name)
}
