//! The law over every vendor's tables: pushing filters, orders and limits never changes a result. Clauses are made of the
//! table's own columns and of values that stand in its rows; what comes with pushdown is compared with what comes without.
//!
//! `SPANWIRE_LAW_STATEMENTS` says how many statements run over each table, `SPANWIRE_LAW_ROWS` how many rows
//! there are; `SPANWIRE_LAW_SEED` chooses other statements, and `SPANWIRE_LAW_TABLES` is how
//! the names of the tables begin.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use spanwire::model::canonical::{SHAPES, Shape};
use spanwire::model::connector::Connector;
use spanwire::model::table::{Column, From, Table, Type};
use spanwire::upstream::CONNECTORS;
use tokio_postgres::Client;

use crate::five::{Options, start};
use crate::support::{describe, rows, texts};

/// Statements over each table, unless the environment says otherwise.
const STATEMENTS: usize = 20;
/// Rows whose values clauses are made of.
const SAMPLES: usize = 150;

/// A table that statements run over.
struct Subject {
    name: String,
    columns: Vec<&'static Column>,
    key: String,
    /// The column that a statement with a limit orders by.
    time: &'static str,
}

/// The tables of a vendor whose rows keep their values from call to call.
fn of_vendor(connector: &'static Connector) -> Vec<Subject> {
    // Rows without a time of their own show that of the call, so no two calls give the same.
    let own = |table: &&Table| table.has_own_time();
    let subject = |table: &'static Table| Subject {
        name: format!("{}.{}", connector.kind, table.name),
        columns: table.columns.iter().collect(),
        key: if table.key.is_empty() { table.columns[0].name.to_owned() } else { table.key.join(", ") },
        time: table.time.unwrap_or_default(),
    };
    connector.tables.iter().filter(own).map(subject).collect()
}

/// The tables over all vendors.
fn of_all() -> Vec<Subject> {
    let time = |shape: &Shape| if matches!(shape.name, "spans" | "traces") { "started_at" } else { "created_at" };
    let subject = |shape: &'static Shape| Subject {
        name: format!("public.{}", shape.name),
        columns: shape.columns.iter().collect(),
        key: "source, id".to_owned(),
        time: time(shape),
    };
    SHAPES.iter().filter(|shape| shape.name != "anomalies").map(subject).collect()
}

/// A column, and texts of values that stand in it.
#[derive(Clone, Debug)]
struct Values {
    name: &'static str,
    ty: Type,
    texts: Vec<String>,
}

pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(crate) fn pattern(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// A part of a text, by characters.
fn part(text: &str, from: usize, length: usize) -> String {
    let count = text.chars().count().max(1);
    text.chars().skip(from % count).take(length % 6 + 1).collect()
}

/// One condition over a column.
fn leaf(column: &Values) -> BoxedStrategy<String> {
    let name = column.name;
    if column.texts.is_empty() {
        return select(vec![format!("{name} IS NULL"), format!("{name} IS NOT NULL")]).boxed();
    }
    let one = select(column.texts.clone());
    let null = select(vec![format!("{name} IS NULL"), format!("{name} IS NOT NULL")]);
    match column.ty {
        Type::Text => {
            let list = prop::collection::vec(one.clone(), 1..5);
            let cut = (one.clone(), 0..9_usize, 0..9_usize).prop_map(|(text, from, length)| part(&text, from, length));
            let like = (cut, select(vec!["%{}%", "{}%", "%{}", "{}"]), select(vec!["LIKE", "ILIKE", "NOT LIKE"]));
            prop_oneof![
                one.clone().prop_map(move |text| format!("{name} = {}", literal(&text))),
                one.prop_map(move |text| format!("{name} <> {}", literal(&text))),
                (list, any::<bool>()).prop_map(move |(texts, not)| {
                    let texts: Vec<String> = texts.iter().map(|text| literal(text)).collect();
                    format!("{name} {}IN ({})", if not { "NOT " } else { "" }, texts.join(", "))
                }),
                like.prop_map(move |(text, form, word)| {
                    format!("{name} {word} {}", literal(&form.replace("{}", &pattern(&text))))
                }),
                null,
            ]
            .boxed()
        }
        Type::Bigint | Type::Double | Type::Timestamptz => {
            let compare = (select(vec!["=", "<>", "<", "<=", ">", ">="]), one.clone());
            let list = prop::collection::vec(one.clone(), 1..4);
            let value = move |text: &str| if column_is_time(name) { literal(text) } else { format!("'{text}'") };
            prop_oneof![
                4 => compare.prop_map(move |(op, text)| format!("{name} {op} {}", value(&text))),
                2 => (one.clone(), one).prop_map(move |(low, high)| format!("{name} BETWEEN {} AND {}", value(&low), value(&high))),
                1 => (list, any::<bool>()).prop_map(move |(texts, not)| {
                    let texts: Vec<String> = texts.iter().map(|text| value(text)).collect();
                    format!("{name} {}IN ({})", if not { "NOT " } else { "" }, texts.join(", "))
                }),
                1 => null,
            ]
            .boxed()
        }
        Type::Boolean => prop_oneof![Just(name.to_owned()), Just(format!("NOT {name}")), null].boxed(),
        Type::Jsonb => prop_oneof![3 => members(column), 1 => null].boxed(),
    }
}

fn column_is_time(name: &str) -> bool {
    name.ends_with("_at") || name.ends_with("timestamp") || name == "start_time"
}

/// Conditions over the members of the documents in a column.
fn members(column: &Values) -> BoxedStrategy<String> {
    let name = column.name;
    // What stands there, as SQL; its text; whether it is a number within a member.
    let mut found: Vec<(String, String, bool)> = Vec::new();
    for text in &column.texts {
        let Ok(serde_json::Value::Object(object)) = serde_json::from_str(text) else { continue };
        for (key, value) in object {
            let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let key = literal(&key);
            match &value {
                serde_json::Value::Object(inner) => {
                    let scalars = inner.iter().filter(|(_, value)| value.is_string() || value.is_number());
                    found.extend(scalars.map(|(member, value)| {
                        let place = format!("{name}->{key}->>{}", literal(member));
                        (place, text(value), value.is_number())
                    }));
                }
                _ => found.push((format!("{name}->>{key}"), text(&value), false)),
            }
        }
    }
    if found.is_empty() {
        return Just(format!("{name} IS NOT NULL")).boxed();
    }
    let ops = select(vec!["=", "<>", "LIKE", ">", "<=", "IN"]);
    (select(found), ops)
        .prop_map(move |((place, text, is_number), op)| match op {
            op if is_number => {
                let op = if matches!(op, "LIKE" | "IN") { ">=" } else { op };
                format!("({place})::float8 {op} {text}")
            }
            "LIKE" => format!("{place} LIKE {}", literal(&format!("{}%", pattern(&part(&text, 0, 3))))),
            "IN" => format!("{place} IN ({}, 'x')", literal(&text)),
            op => format!("{place} {op} {}", literal(&text)),
        })
        .boxed()
}

fn clause(columns: &[Values]) -> BoxedStrategy<String> {
    let leaves: Vec<BoxedStrategy<String>> = columns.iter().map(leaf).collect();
    let leaf = (0..leaves.len()).prop_flat_map(move |index| leaves[index].clone()).boxed();
    let tree = leaf.prop_recursive(2, 5, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| format!("NOT ({inner})")),
            (inner.clone(), inner).prop_map(|(left, right)| format!("({left} OR {right})")),
        ]
    });
    prop::collection::vec(tree, 1..4).prop_map(|parts| parts.join(" AND ")).boxed()
}

/// The columns that rows carry, with values that stand in them.
async fn sample(client: &Client, subject: &Subject) -> Vec<Values> {
    let carried = |column: &&&Column| !matches!(column.from, From::FilterOnly | From::Rest);
    let columns: Vec<&Column> = subject.columns.iter().filter(carried).copied().collect();
    let list = columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    let mut all = rows(client, &format!("SELECT {list} FROM {}", subject.name)).await;
    all.sort();
    let step = (all.len() / SAMPLES).max(1);
    assert!(all.len() > 20, "{} has {} rows", subject.name, all.len());
    let texts = |at: usize| {
        let mut texts: Vec<String> = all.iter().step_by(step).filter_map(|row| row[at].clone()).collect();
        texts.sort();
        texts.dedup();
        // Long texts make long statements and no new questions.
        texts.retain(|text| text.len() < 200 || columns[at].ty == Type::Jsonb);
        texts
    };
    let values = |(at, column): (usize, &&Column)| Values { name: column.name, ty: column.ty, texts: texts(at) };
    columns.iter().enumerate().map(values).collect()
}

/// A statement over a table; with a limit, the times of its newest rows, which are the same whichever rows share them.
fn statement(subject: &Subject, clause: &str, limit: Option<usize>) -> String {
    let Subject { name, key, time, .. } = subject;
    match limit {
        Some(limit) => {
            format!("SELECT {time} FROM {name} WHERE {clause} ORDER BY {time} DESC NULLS LAST LIMIT {limit}")
        }
        None => format!("SELECT {key} FROM {name} WHERE {clause}"),
    }
}

async fn outcome(client: &Client, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    match client.simple_query(sql).await {
        Ok(messages) => {
            let mut rows: Vec<_> = messages.iter().filter_map(texts).collect();
            if !sql.contains("ORDER BY") {
                rows.sort();
            }
            Ok(rows)
        }
        Err(error) => Err(describe(&error)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pushdown_never_changes_a_result() {
    let number =
        |name: &str, default: usize| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let statements = number("SPANWIRE_LAW_STATEMENTS", STATEMENTS);
    let seed = u8::try_from(number("SPANWIRE_LAW_SEED", 7) % 256).expect("a byte");
    let rows = number("SPANWIRE_LAW_ROWS", 300) as u64;
    let mut options = Options::of(chrono::Utc::now(), rows);
    // A fiftieth of them is flagged.
    options.spanlens.rows = 5 * rows.max(300);
    options.trulayer.traces = rows / 10;
    let five = start(options).await;
    let (pushing, plain) = (five.client().await, five.client().await);
    plain.simple_query("SET spanwire.pushdown = off").await.expect("a setting");
    let mut tally = Tally::default();
    for connector in CONNECTORS {
        tally.add(hold(connector, [&pushing, &plain], statements, seed).await);
    }
    tally.add(hold_over(&of_all(), [&pushing, &plain], statements, seed).await);
    assert!(tally.statements > 0 && tally.matching > tally.statements / 4, "{tally:?}");
}

/// How many statements there were, and how many of them found rows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) statements: usize,
    pub(crate) matching: usize,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.statements += other.statements;
        self.matching += other.matching;
    }
}

/// Runs statements over each table of a connector, whose source has the name of its kind: by a client that pushes and by
/// one that does not.
pub(crate) async fn hold(connector: &'static Connector, clients: [&Client; 2], statements: usize, seed: u8) -> Tally {
    hold_over(&of_vendor(connector), clients, statements, seed).await
}

async fn hold_over(subjects: &[Subject], [pushing, plain]: [&Client; 2], statements: usize, seed: u8) -> Tally {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]));
    let mut tally = Tally::default();
    let only = std::env::var("SPANWIRE_LAW_TABLES").unwrap_or_default();
    for subject in subjects.iter().filter(|subject| subject.name.starts_with(&only)) {
        let columns = sample(plain, subject).await;
        let clauses = (clause(&columns), prop::option::weighted(0.3, 1..60_usize));
        for _ in 0..statements {
            let (clause, limit) = clauses.new_tree(&mut runner).expect("a clause").current();
            let sql = statement(subject, &clause, limit);
            let (pushed, truth) = (outcome(pushing, &sql).await, outcome(plain, &sql).await);
            assert_eq!(pushed, truth, "{sql}");
            tally.statements += 1;
            tally.matching += usize::from(truth.is_ok_and(|rows| !rows.is_empty()));
        }
    }
    tally
}
