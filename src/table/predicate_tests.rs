//! The law of `predicate`: a row for which the engine finds a WHERE clause true satisfies every condition read from it,
//! and where the reading calls itself exact, only such rows do. Random clauses over rows that sit on the boundaries;
//! the clause is read both as written and as the optimizer leaves it.
//!
//! And the law of `translate`: whatever a server may make of what is sent, such a row comes.

use std::cell::Cell;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray, new_null_array,
};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::clauses::{NUMBERS, TEXTS, TIMES, clauses, integers, micros, texts, times};
use super::planned::{Planned, requests};
use super::predicate::{Read, read};
use super::translate::{Parameters, translate};
use crate::model::filter::{Atom, Condition, Pattern, Value, is_between};
use crate::model::scan::Range;
use crate::model::table::Fidelity;

/// One row, as far as the clauses look at it.
#[derive(Debug)]
struct Row {
    provider: &'static str,
    model: &'static str,
    trace_id: Option<&'static str>,
    status_code: i64,
    latency_ms: i64,
    cost_usd: Option<f64>,
    created_at: i64,
}

/// Rows that mix the values without much order.
fn rows() -> Vec<Row> {
    let offsets = [0, 1, -1, 1_800_000_000, 3_600_000_000, -3_600_000_000, 86_400_000_000];
    (0..TIMES.len() * offsets.len() * 2)
        .map(|n| Row {
            provider: TEXTS[n * 7 % TEXTS.len()],
            model: TEXTS[(n * 5 + n / 11) % TEXTS.len()],
            trace_id: (n % 4 != 0).then(|| TEXTS[n * 3 % TEXTS.len()]),
            status_code: NUMBERS[n * 11 % NUMBERS.len()],
            latency_ms: NUMBERS[(n * 13 + n / 21) % NUMBERS.len()],
            cost_usd: (n % 3 != 0).then_some([0.5, 1.0, 2.5, -3.0][n % 4]),
            created_at: micros(TIMES[n % TIMES.len()]) + offsets[n / TIMES.len() % offsets.len()],
        })
        .collect()
}

fn batch(schema: SchemaRef, rows: &[Row]) -> RecordBatch {
    let texts = |pick: &dyn Fn(usize, &Row) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().enumerate().map(|(n, row)| pick(n, row)).collect::<StringArray>())
    };
    let numbers = |pick: &dyn Fn(&Row) -> i64| -> ArrayRef { Arc::new(rows.iter().map(pick).collect::<Int64Array>()) };
    let columns = schema
        .fields()
        .iter()
        .map(|field| match field.name().as_str() {
            "id" => texts(&|n, _| Some(n.to_string())),
            "project_id" => texts(&|_, _| Some("p".to_owned())),
            "provider" => texts(&|_, row| Some(row.provider.to_owned())),
            "model" => texts(&|_, row| Some(row.model.to_owned())),
            "trace_id" => texts(&|_, row| row.trace_id.map(str::to_owned)),
            "status_code" => numbers(&|row| row.status_code),
            "latency_ms" => numbers(&|row| row.latency_ms),
            "prompt_tokens" | "completion_tokens" | "total_tokens" => numbers(&|_| 1),
            "cost_usd" => Arc::new(rows.iter().map(|row| row.cost_usd).collect::<Float64Array>()),
            "created_at" => {
                let times = rows.iter().map(|row| Some(row.created_at)).collect::<TimestampMicrosecondArray>();
                Arc::new(times.with_data_type(field.data_type().clone()))
            }
            _ => new_null_array(field.data_type(), rows.len()),
        })
        .collect();
    RecordBatch::try_new(schema, columns).expect("columns of the schema")
}

impl Row {
    fn value(&self, column: &str) -> Option<Value> {
        let text = |text: &str| Value::Text(text.to_owned());
        match column {
            "provider" => Some(text(self.provider)),
            "model" => Some(text(self.model)),
            "trace_id" => self.trace_id.map(text),
            "status_code" => Some(Value::Integer(self.status_code)),
            "latency_ms" => Some(Value::Integer(self.latency_ms)),
            "cost_usd" => self.cost_usd.map(Value::Double),
            "created_at" => Some(Value::Timestamp(self.created_at)),
            // The column that a contradiction over none is put down to.
            "id" => Some(text("")),
            other => panic!("no clause is over {other}"),
        }
    }

    fn satisfies(&self, condition: &Condition) -> bool {
        match (&condition.atom, self.value(condition.column)) {
            (Atom::Null, value) => value.is_none(),
            (_, None) => false,
            (Atom::NotNull, Some(_)) => true,
            (Atom::OneOf(values), Some(value)) => values.contains(&value),
            (Atom::NoneOf(values), Some(value)) => !values.contains(&value),
            (Atom::Range(low, high), Some(Value::Double(number))) => is_between(number, *low, *high),
            (Atom::Within(low, high), Some(Value::Integer(number) | Value::Timestamp(number))) => {
                (*low..=*high).contains(&number)
            }
            (Atom::Like(pattern), Some(Value::Text(text))) => like(pattern, &text),
            (atom, value) => panic!("{atom:?} over {value:?}"),
        }
    }
}

/// LIKE by its definition: tries every split of the text. No text of these tests holds a NUL, so it can be the wildcard.
pub(super) fn like(pattern: &Pattern, text: &str) -> bool {
    let fold = |text: &str| if pattern.ignore_case { text.to_lowercase() } else { text.to_owned() };
    let wild = |anchored: bool| if anchored { "" } else { "\0" };
    let pieces = pattern.pieces.join("\0");
    let glob = format!("{}{pieces}{}", wild(pattern.anchored_start), wild(pattern.anchored_end));
    glob_matches(&fold(&glob).chars().collect::<Vec<_>>(), &fold(text).chars().collect::<Vec<_>>())
}

/// A NUL stands for any text, U+0001 for any character.
fn glob_matches(glob: &[char], text: &[char]) -> bool {
    match (glob.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('\0', rest)), _) => (0..=text.len()).any(|skip| glob_matches(rest, &text[skip..])),
        (Some((letter, glob)), Some((first, text))) => {
            (letter == first || *letter == '\u{1}') && glob_matches(glob, text)
        }
        _ => false,
    }
}

/// What servers make of the parameters; see `upstreams.md`, 1.1.
#[derive(Clone, Copy, Debug)]
enum Server {
    /// As the documents say.
    Documented,
    /// `model` is a pattern in which `%` and `_` are wildcards.
    Old,
    /// `ok` is all below 400, `5xx` all above 499.
    New,
}

impl Server {
    fn sends(self, row: &Row, scan: &Parameters) -> bool {
        scan.filters.iter().all(|filter| match (filter.parameter, filter.text().as_str()) {
            ("projectId", value) => value == "p",
            ("provider", value) => value == row.provider,
            ("model", value) => self.finds(row.model, value),
            ("status", "ok") => row.status_code < if matches!(self, Server::New) { 400 } else { 300 },
            ("status", "4xx") => (400..500).contains(&row.status_code),
            ("status", "5xx") => row.status_code >= 500,
            (name, value) => panic!("nothing sends {name}={value}"),
        })
    }

    fn finds(self, model: &str, value: &str) -> bool {
        assert!(!value.is_empty() && !value.contains('\\'), "{value:?} is not for sending");
        let (model, value) = (model.to_lowercase(), value.to_lowercase());
        match self {
            Server::Old => {
                let glob: Vec<char> = format!("%{value}%")
                    .chars()
                    .map(|c| match c {
                        '%' => '\0',
                        '_' => '\u{1}',
                        c => c,
                    })
                    .collect();
                glob_matches(&glob, &model.chars().collect::<Vec<_>>())
            }
            _ => model.contains(&value),
        }
    }
}

fn in_range(row: &Row, range: Range) -> bool {
    range.from.is_none_or(|from| from <= row.created_at) && range.to.is_none_or(|to| row.created_at <= to)
}

/// Compares the reading of a clause with the rows that the engine finds; tells whether the engine found any answer.
async fn check(planned: &Planned, rows: &[Row], clause: &str) -> Result<bool, TestCaseError> {
    let fail = |text: String| TestCaseError::fail(format!("{text}\nWHERE {clause}"));
    let Ok(found) = planned.ids(clause).await else { return Ok(false) };
    let filters = planned.filters(clause).await.map_err(|error| fail(error.to_string()))?;
    let written = planned.written(clause).map_err(|error| fail(error.to_string()))?;
    for filters in filters.into_iter().chain([written]) {
        let reads: Vec<Read> = filters.iter().map(|filter| read(requests(), planned.zone, filter)).collect();
        let exact = reads.iter().all(|read| read.exact);
        let translation = translate(requests(), &[], &reads).map_err(|error| fail(error.to_string()))?;
        for (n, row) in rows.iter().enumerate() {
            let matches = found.contains(&n.to_string());
            let broken = reads.iter().flat_map(|read| &read.conditions).find(|condition| !row.satisfies(condition));
            match broken {
                Some(condition) if matches => return Err(fail(format!("{row:?} matches, but not {condition}"))),
                None if exact && !matches => return Err(fail(format!("{row:?} does not match {reads:?}"))),
                _ => {}
            }
            for server in [Server::Documented, Server::Old, Server::New] {
                let comes = translation.scans.iter().filter(|scan| server.sends(row, scan)).count();
                let kept = comes > 0 && in_range(row, translation.range);
                let pushed =
                    reads.iter().zip(&translation.fidelity).filter(|(_, fidelity)| **fidelity == Fidelity::Exact);
                let mut pushed = pushed.flat_map(|(read, _)| &read.conditions);
                let is_wrong = comes > 1
                    || (matches && !kept)
                    || (translation.exact && kept && !matches)
                    || (comes > 0 && !pushed.all(|condition| row.satisfies(condition)));
                if is_wrong {
                    return Err(fail(format!("{server:?} sends {row:?} {comes} times for {translation:?}")));
                }
            }
        }
    }
    Ok(true)
}

fn law(zone: &str, clauses: impl Strategy<Value = String>, cases: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let rows = rows();
    let planned = Planned::new(zone, |schema| batch(schema, &rows));
    let answered = Cell::new(0);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&clauses, |clause| {
        let is_answered = runtime.block_on(check(&planned, &rows, &clause))?;
        answered.set(answered.get() + u32::from(is_answered));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    // Local times that do not exist and the like are errors; they must stay the exception.
    assert!(answered.get() > cases * 3 / 4, "the engine answered {} of {cases} clauses", answered.get());
}

#[test]
fn texts_are_read_soundly() {
    law("UTC", texts(), 800);
}

#[test]
fn integers_are_read_soundly() {
    law("UTC", integers(), 500);
}

#[test]
fn times_are_read_soundly() {
    let zones = ["UTC", "Europe/Berlin", "America/Santiago", "America/Havana", "America/St_Johns", "+05:30"];
    for zone in zones {
        law(zone, times(), 300);
    }
}

#[test]
fn combinations_are_read_soundly() {
    law("Europe/Berlin", clauses(), 400);
}
