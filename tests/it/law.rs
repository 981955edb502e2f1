//! The law: pushing a filter never changes a result. Random WHERE clauses give the same rows with pushdown, without it,
//! and by a plain filter over the rows that the upstream holds.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use spanwire::demo::Options;
use spanwire::demo::rows::Request;

use crate::support::{rows, small, start};

/// A condition that a test can check by itself.
#[derive(Clone, Debug)]
enum Wish {
    Provider(String),
    ProviderIn(Vec<String>),
    NotProvider(String),
    Model(String),
    ModelContains(String, bool),
    ModelStarts(String),
    Project(String),
    Status(i64, i64),
    StatusClass(i64),
    StatusIs(i64),
    Slow(i64),
    Unpriced(bool),
    NoError(bool),
    Since(i64),
    Until(i64, bool),
    At(usize),
    Not(Box<Wish>),
    Either(Box<Wish>, Box<Wish>),
}

/// Three-valued, as SQL: `None` is NULL.
fn holds(wish: &Wish, row: &Request, all: &[Request]) -> Option<bool> {
    let contains = |text: &str, part: &str, fold: bool| {
        if fold { text.to_lowercase().contains(&part.to_lowercase()) } else { text.contains(part) }
    };
    Some(match wish {
        Wish::Provider(value) => row.provider == value.as_str(),
        Wish::ProviderIn(values) => values.iter().any(|value| row.provider == value.as_str()),
        Wish::NotProvider(value) => row.provider != value.as_str(),
        Wish::Model(value) => row.model == value.as_str(),
        Wish::ModelContains(part, fold) => contains(row.model, part, *fold),
        Wish::ModelStarts(part) => row.model.starts_with(part.as_str()),
        Wish::Project(value) => row.project_id == value.as_str(),
        Wish::Status(low, high) => (*low..=*high).contains(&row.status_code),
        Wish::StatusClass(class) => row.status_code / 100 == *class,
        Wish::StatusIs(status) => row.status_code == *status,
        Wish::Slow(millis) => row.latency_ms > *millis,
        Wish::Unpriced(is) => row.cost_usd.is_none() == *is,
        Wish::NoError(is) => row.error_message.is_none() == *is,
        Wish::Since(time) => row.created_at >= *time,
        Wish::Until(time, inclusive) => {
            if *inclusive {
                row.created_at <= *time
            } else {
                row.created_at < *time
            }
        }
        Wish::At(index) => row.created_at == all[*index % all.len()].created_at,
        Wish::Not(inner) => return holds(inner, row, all).map(|truth| !truth),
        Wish::Either(left, right) => match (holds(left, row, all), holds(right, row, all)) {
            (Some(true), _) | (_, Some(true)) => true,
            (Some(false), Some(false)) => false,
            _ => return None,
        },
    })
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn time(micros: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(micros).expect("a time of the demo");
    quote(&time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true))
}

/// LIKE with its wildcards taken literally.
fn pattern(part: &str) -> String {
    part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn sql(wish: &Wish, all: &[Request]) -> String {
    match wish {
        Wish::Provider(value) => format!("provider = {}", quote(value)),
        Wish::ProviderIn(values) => {
            format!("provider IN ({})", values.iter().map(|value| quote(value)).collect::<Vec<_>>().join(", "))
        }
        Wish::NotProvider(value) => format!("provider <> {}", quote(value)),
        Wish::Model(value) => format!("{} = model", quote(value)),
        Wish::ModelContains(part, true) => format!("model ILIKE {}", quote(&format!("%{}%", pattern(part)))),
        Wish::ModelContains(part, false) => format!("model LIKE {}", quote(&format!("%{}%", pattern(part)))),
        Wish::ModelStarts(part) => format!("model LIKE {}", quote(&format!("{}%", pattern(part)))),
        Wish::Project(value) => format!("project_id = {}", quote(value)),
        Wish::Status(low, high) => format!("status_code BETWEEN {low} AND {high}"),
        Wish::StatusClass(class) => format!("status_code / 100 = {class}"),
        Wish::StatusIs(status) => format!("status_code = {status}"),
        Wish::Slow(millis) => format!("latency_ms > {millis}"),
        Wish::Unpriced(is) => format!("cost_usd IS {} NULL", if *is { "" } else { "NOT" }),
        Wish::NoError(is) => format!("error_message IS {} NULL", if *is { "" } else { "NOT" }),
        Wish::Since(micros) => format!("created_at >= {}", time(*micros)),
        Wish::Until(micros, inclusive) => {
            format!("created_at {} {}", if *inclusive { "<=" } else { "<" }, time(*micros))
        }
        Wish::At(index) => format!("created_at = {}", time(all[*index % all.len()].created_at)),
        Wish::Not(inner) => format!("NOT ({})", sql(inner, all)),
        Wish::Either(left, right) => format!("({} OR {})", sql(left, all), sql(right, all)),
    }
}

fn words(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(words).prop_map(str::to_owned)
}

fn wish(newest: i64) -> impl Strategy<Value = Wish> {
    const PROVIDERS: &[&str] = &["openai", "anthropic", "gemini", "OpenAI", "nobody", ""];
    const MODELS: &[&str] =
        &["gpt-4o-mini-2024-07-18", "GPT-4o-2024-08-06", "ft:gpt_4o%mini:demo", "gpt-4o", "none\\such"];
    const PARTS: &[&str] = &["mini", "MINI", "4o", "_", "%", "gpt_", "sonnet", "-00", "\\", "é"];
    let ago = (0..40 * 86_400_000_i64).prop_map(move |millis| newest - millis * 1_000 + millis % 1_000);
    let leaf = prop_oneof![
        words(PROVIDERS).prop_map(Wish::Provider),
        prop::collection::vec(words(PROVIDERS), 1..4).prop_map(Wish::ProviderIn),
        words(PROVIDERS).prop_map(Wish::NotProvider),
        words(MODELS).prop_map(Wish::Model),
        (words(PARTS), any::<bool>()).prop_map(|(part, fold)| Wish::ModelContains(part, fold)),
        words(PARTS).prop_map(Wish::ModelStarts),
        words(&["proj_web", "proj_api", "proj_API", "proj_none"]).prop_map(Wish::Project),
        (0..700_i64, 0..300_i64).prop_map(|(low, width)| Wish::Status(low, low + width)),
        (0..7_i64).prop_map(Wish::StatusClass),
        prop::sample::select(vec![0_i64, 200, 302, 400, 429, 499, 500, 503, 599, 600]).prop_map(Wish::StatusIs),
        (0..5_000_i64).prop_map(Wish::Slow),
        any::<bool>().prop_map(Wish::Unpriced),
        any::<bool>().prop_map(Wish::NoError),
        ago.clone().prop_map(Wish::Since),
        (ago, any::<bool>()).prop_map(|(micros, inclusive)| Wish::Until(micros, inclusive)),
        (0..3_000_usize).prop_map(Wish::At),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Wish::Not(Box::new(inner))),
            (inner.clone(), inner).prop_map(|(left, right)| Wish::Either(Box::new(left), Box::new(right))),
        ]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn pushing_filters_never_changes_the_rows() {
    const CASES: usize = 250;
    let bench = start(Options { rows: 2_000, ..small() }).await;
    let all: Vec<Request> = bench.demo.data().requests().collect();
    let (pushing, plain) = (bench.client().await, bench.client().await);
    // Over the whole of the data whatever the clause says, so that the lookback never decides.
    pushing.simple_query("SET spanwire.lookback = '60 days'").await.unwrap();
    plain.simple_query("SET spanwire.lookback = '60 days'; SET spanwire.pushdown = off").await.unwrap();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let wishes = prop::collection::vec(wish(all[0].created_at), 1..4);
    let mut n_matching = 0;
    for _ in 0..CASES {
        let wishes = wishes.new_tree(&mut runner).expect("a clause").current();
        let clause = wishes.iter().map(|wish| sql(wish, &all)).collect::<Vec<_>>().join(" AND ");
        let matching = |row: &&Request| wishes.iter().all(|wish| holds(wish, row, &all) == Some(true));
        let mut expected: Vec<String> = all.iter().filter(matching).map(|row| row.id.to_string()).collect();
        expected.sort();
        let query = format!("SELECT id FROM spanlens.requests WHERE {clause} ORDER BY id");
        for (client, how) in [(&pushing, "pushed"), (&plain, "plain")] {
            let got: Vec<String> = rows(client, &query).await.into_iter().filter_map(|row| row[0].clone()).collect();
            assert_eq!(got, expected, "{how}: {clause}");
        }
        n_matching += usize::from(!expected.is_empty());
    }
    assert!(n_matching > CASES / 5, "only {n_matching} clauses matched anything");
}
