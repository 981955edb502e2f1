//! The law of `predicate` over what the table `requests` lacks: doubles, parts of `jsonb` documents, CASE over words,
//! and disjunctions over several columns.

use std::cell::Cell;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::planned::Planned;
use super::predicate::{Read, read};
use super::predicate_tests::like;
use crate::model::filter::{Atom, Condition, Value, is_between};
use crate::model::table::{TABLE, Table, bigint, double, jsonb, text};
use crate::pgtype::jsonb::normalize;

static CALLS: Table = Table {
    name: "calls",
    path: "/calls",
    doc: "Calls.",
    columns: &[
        text("id"),
        text("status"),
        text("level").null(),
        bigint("tokens"),
        double("latency"),
        double("cost").null(),
        jsonb("metadata").null(),
    ],
    time: None,
    key: &["id"],
    ..TABLE
};

const WORDS: &[&str] = &["OK", "ok", "ERROR", "WARN", "pro", "free", ""];
const TOKENS: &[i64] = &[-2, 0, 1, 4, 5, 6, 7, 100];
/// Without -0, which the engine tells from 0.
const DOUBLES: &[f64] = &[-3.0, -0.5, 0.0, 0.01, 0.1, 0.3, 0.5, 1.0, 2.5, 1000.0];
const DOCUMENTS: &[&str] = &[
    r#"{"plan": "pro", "n": 4, "u": {"v": 4.5}}"#,
    r#"{"plan": "free", "n": "5", "u": {"v": 0.3}}"#,
    r#"{"plan": null, "n": 6, "u": {}}"#,
    r#"{"n": -2, "u": null}"#,
    r#"{"plan": "OK", "u": {"v": "0.5"}}"#,
    r#"{"plan": "", "n": 0, "u": {"v": 2.5}}"#,
    r#"{"plan": "ok", "n": null, "u": [1]}"#,
    r#"["pro", "OK", 4]"#,
    r#"["ok", ["pro"], {"plan": "pro"}]"#,
    r#""pro""#,
    "[]",
    "{}",
    "null",
];

struct Row {
    status: &'static str,
    level: Option<&'static str>,
    tokens: i64,
    latency: f64,
    cost: Option<f64>,
    metadata: Option<&'static str>,
}

fn rows() -> Vec<Row> {
    (0..420)
        .map(|n| Row {
            status: WORDS[n * 3 % WORDS.len()],
            level: (n % 5 != 0).then(|| WORDS[(n * 5 + n / 7) % WORDS.len()]),
            tokens: TOKENS[(n * 7 + n / 8) % TOKENS.len()],
            latency: DOUBLES[(n + n / 10) % DOUBLES.len()],
            cost: (n % 4 != 0).then(|| DOUBLES[(n * 3 + n / 9) % DOUBLES.len()]),
            metadata: (n % 11 != 0).then(|| DOCUMENTS[(n + n / 13) % DOCUMENTS.len()]),
        })
        .collect()
}

fn batch(schema: SchemaRef, rows: &[Row]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new((0..rows.len()).map(|n| Some(n.to_string())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.status)).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.level).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.tokens).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.latency)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.cost).collect::<Float64Array>()),
        Arc::new(
            rows.iter().map(|row| row.metadata.map(|json| normalize(json).expect("JSON"))).collect::<StringArray>(),
        ),
    ];
    RecordBatch::try_new(schema, columns).expect("columns of the schema")
}

impl Row {
    /// The text at a path, found by a parser of whole documents.
    fn part(&self, path: &[String]) -> Option<String> {
        let mut json: serde_json::Value = serde_json::from_str(self.metadata?).expect("JSON");
        for key in path {
            json = json.as_object_mut()?.remove(key)?;
        }
        match json {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }

    fn value(&self, condition: &Condition) -> Option<Value> {
        if !condition.path.is_empty() {
            assert_eq!(condition.column, "metadata");
            let text = self.part(&condition.path)?;
            let sample = match &condition.atom {
                Atom::OneOf(values) | Atom::NoneOf(values) => values.first().cloned(),
                Atom::Within(..) => Some(Value::Integer(0)),
                Atom::Range(..) => Some(Value::Double(0.0)),
                _ => None,
            };
            return Some(match sample {
                Some(Value::Integer(_)) => Value::Integer(text.parse().expect("an integer")),
                Some(Value::Double(_)) => Value::Double(text.parse().expect("a double")),
                _ => Value::Text(text),
            });
        }
        let text = |text: &str| Value::Text(text.to_owned());
        match condition.column {
            "id" => Some(text("")),
            "status" => Some(text(self.status)),
            "level" => self.level.map(text),
            "tokens" => Some(Value::Integer(self.tokens)),
            "latency" => Some(Value::Double(self.latency)),
            "cost" => self.cost.map(Value::Double),
            "metadata" => self.metadata.map(text),
            other => panic!("no clause is over {other}"),
        }
    }

    fn satisfies(&self, condition: &Condition) -> bool {
        match (&condition.atom, self.value(condition)) {
            (Atom::Null, value) => value.is_none(),
            (_, None) => false,
            (Atom::NotNull, Some(_)) => true,
            (Atom::OneOf(values), Some(value)) => values.contains(&value),
            (Atom::NoneOf(values), Some(value)) => !values.contains(&value),
            (Atom::Within(low, high), Some(Value::Integer(number))) => (*low..=*high).contains(&number),
            (Atom::Range(low, high), Some(Value::Double(number))) => is_between(number, *low, *high),
            (Atom::Like(pattern), Some(Value::Text(text))) => like(pattern, &text),
            (Atom::Element(wanted), Some(Value::Text(json))) => match serde_json::from_str(&json).expect("JSON") {
                serde_json::Value::Array(elements) => elements.iter().any(|element| element == wanted),
                serde_json::Value::Object(members) => members.contains_key(wanted),
                other => other == *wanted,
            },
            (atom, value) => panic!("{atom:?} over {value:?}"),
        }
    }

    /// Whether the conjunct is true of the row, so far as the reading of it tells.
    fn verdict(&self, read: &Read) -> Option<bool> {
        let all = read.conditions.iter().all(|condition| self.satisfies(condition));
        let any = read.alternatives.iter().any(|condition| self.satisfies(condition));
        match (read.exact, read.alternatives.is_empty()) {
            (true, true) => Some(all),
            (true, false) => {
                assert_eq!(all, any, "{read:?}");
                Some(all)
            }
            (false, false) => Some(any),
            (false, true) => None,
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{text}'")
}

fn comparison() -> impl Strategy<Value = &'static str> {
    select(&["=", "<>", "<", "<=", ">", ">="][..])
}

fn not() -> impl Strategy<Value = &'static str> {
    select(&["", "NOT "][..])
}

fn list(items: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::vec(items, 1..6).prop_map(|items| format!("({})", items.join(", ")))
}

fn texts(term: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> {
    let word = || select(WORDS).prop_map(quoted);
    prop_oneof![
        (term.clone(), comparison(), word()).prop_map(|(term, op, word)| format!("({term} {op} {word})")),
        (term.clone(), not(), list(word())).prop_map(|(term, not, list)| format!("({term} {not}IN {list})")),
        (term.clone(), word(), word()).prop_map(|(term, a, b)| format!("NOT ({term} = {a} OR {term} = {b})")),
        (term.clone(), not(), select(&["%o%", "O%", "pro", "%"][..]))
            .prop_map(|(term, not, like)| format!("({term} {not}LIKE '{like}')")),
        (term.clone(), not()).prop_map(|(term, not)| format!("({term} IS {not}NULL)")),
        (term, word(), select(&["IS DISTINCT FROM", "IS NOT DISTINCT FROM"][..]))
            .prop_map(|(term, word, op)| format!("({term} {op} {word})")),
    ]
}

/// CASE in both its forms, with and without ELSE, with words that come twice.
fn cases() -> impl Strategy<Value = String> {
    let column = select(&["status", "level", "metadata->>'plan'", "lower(level)"][..]);
    let word = || select(&["'ok'", "'ERROR'", "'pro'", "'free'", "NULL"][..]);
    let raw = || select(WORDS).prop_map(quoted);
    let pairs = prop::collection::vec((raw(), raw(), word()), 1..6);
    let rest = select(&["", "ELSE 'ok'", "ELSE 'other'", "ELSE NULL"][..]);
    let first = select(&["'ok'", "'pro'"][..]);
    (column, any::<bool>(), first, pairs, rest).prop_map(|(column, searched, first, pairs, rest)| {
        let whens: Vec<String> = pairs
            .iter()
            .enumerate()
            .map(|(n, (raw, also, word))| {
                let word = if n == 0 { first } else { word };
                match (searched, n % 3) {
                    (false, _) => format!("WHEN {raw} THEN {word}"),
                    (true, 0) => format!("WHEN {column} = {raw} THEN {word}"),
                    (true, 1) => format!("WHEN {column} IN ({raw}, {also}) THEN {word}"),
                    (true, _) => format!("WHEN {column} = {raw} OR {also} = {column} THEN {word}"),
                }
            })
            .collect();
        let subject = if searched { "" } else { column };
        format!("CASE {subject} {} {rest} END", whens.join(" "))
    })
}

fn doubles(term: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = String> {
    let number = || select(DOUBLES).prop_map(|number| format!("({number:?})"));
    let steps = ["* 1000.0", "/ 3.0", "* (-0.1)", "/ (-7.0)", "+ 0.2", "- 0.3"];
    let moved = (term.clone(), select(steps.to_vec()), any::<bool>()).prop_map(|(term, step, from)| match from {
        true => format!("(0.7 - ({term} {step}))"),
        false => format!("({term} {step})"),
    });
    let any_term = prop_oneof![3 => term, 1 => moved].boxed();
    prop_oneof![
        3 => (any_term.clone(), comparison(), number()).prop_map(|(term, op, n)| format!("({term} {op} {n})")),
        1 => (number(), comparison(), any_term.clone()).prop_map(|(n, op, term)| format!("({n} {op} {term})")),
        1 => (any_term.clone(), not(), number(), number())
            .prop_map(|(term, not, low, high)| format!("({term} {not}BETWEEN {low} AND {high})")),
        1 => (any_term, not(), list(number())).prop_map(|(term, not, list)| format!("({term} {not}IN {list})")),
    ]
}

fn integers(term: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> {
    let number = || select(TOKENS).prop_map(|number| format!("({number})"));
    prop_oneof![
        3 => (term.clone(), comparison(), number()).prop_map(|(term, op, n)| format!("({term} {op} {n})")),
        1 => (term, not(), list(number())).prop_map(|(term, not, list)| format!("({term} {not}IN {list})")),
    ]
}

/// What a document must hold.
fn contents() -> impl Strategy<Value = String> {
    let document = || select(&["metadata", "metadata->'u'", "metadata->'plan'"][..]);
    let part = select(
        &[r#"["pro"]"#, r#"["pro", "OK"]"#, r#""pro""#, "[4.0]", "[]", "{}", r#"{"plan": "pro"}"#, r#"[["pro"]]"#][..],
    );
    let key = select(&["pro", "plan", "OK", "v", "absent", ""][..]);
    let keys = select(&["?| '{pro,plan}'", "?& '{pro,OK}'", "?& ARRAY['n', 'u']", "?& '{}'", "?& '{pro,NULL}'"][..]);
    prop_oneof![
        3 => (document(), part, any::<bool>()).prop_map(|(document, part, turned)| match turned {
            true => format!("('{part}' <@ ({document}))"),
            false => format!("({document} @> '{part}')"),
        }),
        2 => (document(), key).prop_map(|(document, key)| format!("({document} ? '{key}')")),
        1 => (document(), keys).prop_map(|(document, keys)| format!("({document} {keys})")),
    ]
}

fn leaves() -> impl Strategy<Value = String> {
    let plan = || Just("metadata->>'plan'".to_owned());
    let column = select(&["status", "level"][..]).prop_map(str::to_owned);
    let score = select(&["double precision", "float8", "numeric", "numeric(10,1)"][..]);
    let score = score.prop_map(|ty| format!("(metadata->'u'->>'v')::{ty}"));
    let count = select(&["int", "bigint", "double precision"][..]).prop_map(|ty| format!("(metadata->>'n')::{ty}"));
    let real = || select(&["cost", "latency"][..]).prop_map(str::to_owned);
    let parts = ["metadata->'plan'", "metadata->'u'", "metadata->'u'->>'v'", "metadata", "metadata->>'n'"];
    prop_oneof![
        2 => texts(column),
        2 => texts(plan()),
        1 => texts(plan().prop_map(|term| format!("lower({term})"))),
        2 => texts(cases().boxed()),
        3 => doubles(real()),
        1 => doubles(score),
        1 => integers(Just("tokens".to_owned())),
        1 => integers(count),
        3 => contents(),
        1 => (select(parts.to_vec()), not()).prop_map(|(part, not)| format!("({part} IS {not}NULL)")),
    ]
}

fn clauses() -> impl Strategy<Value = String> {
    leaves().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" AND "))),
            4 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" OR "))),
            2 => inner.clone().prop_map(|part| format!("(NOT ({part}))")),
            1 => (inner, select(&["TRUE", "FALSE", "NOT TRUE", "NOT FALSE"][..]))
                .prop_map(|(part, what)| format!("(({part}) IS {what})")),
        ]
    })
}

/// How many clauses the engine answered, how many were read exactly, and how many as a disjunction.
#[derive(Default)]
struct Tally {
    answered: Cell<u32>,
    exact: Cell<u32>,
    disjunctions: Cell<u32>,
}

fn count(cell: &Cell<u32>, is_so: bool) {
    cell.set(cell.get() + u32::from(is_so));
}

async fn check(planned: &Planned, rows: &[Row], clause: &str, tally: &Tally) -> Result<(), TestCaseError> {
    let fail = |text: String| TestCaseError::fail(format!("{text}\nWHERE {clause}"));
    let Ok(found) = planned.ids(clause).await else { return Ok(()) };
    count(&tally.answered, true);
    let filters = planned.filters(clause).await.map_err(|error| fail(error.to_string()))?;
    let written = planned.written(clause).map_err(|error| fail(error.to_string()))?;
    for filters in filters.into_iter().chain([written]) {
        let reads: Vec<Read> = filters.iter().map(|filter| read(&CALLS, planned.zone, filter)).collect();
        count(&tally.exact, reads.iter().all(|read| read.exact));
        count(&tally.disjunctions, reads.iter().any(|read| !read.alternatives.is_empty()));
        for (n, row) in rows.iter().enumerate() {
            let matches = found.contains(&n.to_string());
            let broken = reads.iter().flat_map(|read| &read.conditions).find(|condition| !row.satisfies(condition));
            if let Some(condition) = broken.filter(|_| matches) {
                return Err(fail(format!("row {n} matches, but not {condition}")));
            }
            let verdicts: Vec<Option<bool>> = reads.iter().map(|read| row.verdict(read)).collect();
            if matches && verdicts.contains(&Some(false)) {
                return Err(fail(format!("row {n} matches, but not {reads:?}")));
            }
            if !matches && verdicts.iter().all(|verdict| *verdict == Some(true)) {
                return Err(fail(format!("row {n} does not match {reads:?}")));
            }
        }
    }
    Ok(())
}

fn law(clauses: impl Strategy<Value = String>, cases: u32) -> Tally {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let rows = rows();
    let planned = Planned::over(&CALLS, "UTC", |schema| batch(schema, &rows));
    let tally = Tally::default();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome =
        TestRunner::new(config).run(&clauses, |clause| runtime.block_on(check(&planned, &rows, &clause, &tally)));
    if let Err(error) = outcome {
        panic!("{error}");
    }
    assert!(tally.answered.get() > cases * 9 / 10, "the engine answered {} of {cases}", tally.answered.get());
    tally
}

#[test]
fn doubles_documents_and_words_are_read_soundly() {
    let tally = law(leaves(), 1_000);
    assert!(tally.exact.get() > 600, "{} readings were exact", tally.exact.get());
}

#[test]
fn their_combinations_and_alternatives_are_read_soundly() {
    let tally = law(clauses(), 500);
    assert!(tally.disjunctions.get() > 25, "{} readings were disjunctions", tally.disjunctions.get());
}
