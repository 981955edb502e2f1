//! A sixth upstream is one file and one word in a list: with nothing but `sixth/connector.rs` beside the built-in
//! connectors, a vendor that nobody has heard of gets its tables, catalogs, pushdown, joins and virtual tables.

use std::sync::Arc;

use spanwire::config::{self, Env};
use spanwire::demo::{Demo, Options};
use spanwire::model::connector::Connector;
use spanwire::server::{self, Compute};
use spanwire::upstream::CONNECTORS;
use tokio_postgres::Client;

use crate::contract::{Subject, keep};
use crate::support::{Gate, describe, fault, gate_of, rows, small, value};

mod connector;
mod data;
mod upstream;

use connector::CONNECTOR;
use upstream::{Acme, Entry, TOKEN};

type Row = Vec<Option<String>>;

/// Acme and Spanlens, and a gateway before both.
struct Sixth {
    acme: Acme,
    spanlens: Demo,
    gate: Gate,
}

fn connectors() -> Vec<&'static Connector> {
    CONNECTORS.iter().copied().chain([&CONNECTOR]).collect()
}

fn configuration(acme: &str, spanlens: &str, token: &str, lines: &str) -> String {
    let quota = "quota = { calls = 1000000, per = \"1m\", concurrency = 4 }\nlookback = \"60d\"";
    format!(
        "listen = \"127.0.0.1:0\"\n\
         [[source]]\nname = \"acme\"\nkind = \"acme\"\nbase_url = \"{acme}\"\ncredential = \"{token}\"\n{quota}\n{lines}\n\
         [[source]]\nname = \"spanlens\"\nkind = \"spanlens\"\nbase_url = \"{spanlens}\"\ncredential = \"demo-token\"\n{quota}\n\
         [[user]]\nname = \"demo\"\npassword = \"demo\"\n"
    )
}

const WORKSPACES: &str = "workspaces = [\"north\", \"south\"]";

async fn start_with(most_steps: usize, token: &str, lines: &str) -> Sixth {
    let acme = Acme::start(most_steps).await;
    let spanlens = Demo::start(Options { rows: 200, ..small() }).await.expect("the demo starts");
    let text = configuration(acme.url(), &spanlens.spanlens_url(), token, lines);
    let gate = gate_of(&connectors(), &text).await;
    Sixth { acme, spanlens, gate }
}

async fn start() -> Sixth {
    start_with(usize::MAX, TOKEN, WORKSPACES).await
}

impl Sixth {
    async fn client(&self) -> Client {
        self.gate.client().await
    }

    /// The rows of a statement, and what Acme was asked for them.
    async fn traced(&self, client: &Client, sql: &str) -> (Vec<Row>, Vec<Entry>) {
        let before = self.acme.log().len();
        let rows = rows(client, sql).await;
        (rows, self.acme.log().split_off(before))
    }
}

fn some<T: ToString>(value: T) -> Option<String> {
    opt(Some(value))
}

fn opt<T: ToString>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// A time as PostgreSQL writes it in UTC.
fn time(millis: i64) -> Option<String> {
    let time = chrono::DateTime::from_timestamp_millis(millis).expect("a time");
    let text = time.format("%Y-%m-%d %H:%M:%S%.3f").to_string();
    Some(format!("{}+00", text.trim_end_matches('0').trim_end_matches('.')))
}

fn is_configured(workspace: &str) -> bool {
    ["north", "south"].contains(&workspace)
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn acme_keeps_the_contract() {
    let sixth = Arc::new(start().await);
    let log = Arc::clone(&sixth);
    let log = move |from: usize| log.acme.log()[from..].iter().map(Entry::text).collect();
    keep(&Subject::new(&CONNECTOR, TOKEN, &sixth.gate, log).await).await;
    let refused: Vec<Entry> = sixth.acme.log().into_iter().filter(|entry| entry.status != 200).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pushdown_never_changes_its_results() {
    let sixth = start().await;
    let (pushing, plain) = (sixth.client().await, sixth.client().await);
    plain.simple_query("SET spanwire.pushdown = off").await.expect("a setting");
    let tally = crate::laws::hold(&CONNECTOR, [&pushing, &plain], 20, 7).await;
    assert!(tally.matching > tally.statements / 4, "{tally:?}");
    let refused: Vec<Entry> = sixth.acme.log().into_iter().filter(|entry| entry.status != 200).collect();
    assert!(refused.iter().all(|entry| entry.status == 404), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_those_of_the_server() {
    let sixth = start().await;
    let (client, held) = (sixth.client().await, &sixth.acme.state);
    let calls = held.calls.iter().filter(|call| is_configured(call.workspace)).map(|call| {
        vec![
            some(call.workspace),
            some(&call.id),
            call.run.clone(),
            some(call.model),
            opt(call.vendor),
            some(call.status),
            opt(call.cost),
            opt(call.tokens),
            some(call.took),
            some(if call.streamed { "t" } else { "f" }),
            opt(call.failure),
            opt(call.labels.as_ref().map(|labels| labels["plan"]["v"].as_str().expect("a text"))),
            time(call.at),
            None,
            some("{\"zone\": \"z1\"}"),
        ]
    });
    let sql = "SELECT workspace, id, run, model, vendor, status, cost, tokens, took, streamed, failure, \
               labels->'plan'->>'v', at, cohort, extra FROM acme.calls";
    assert_eq!(sorted(rows(&client, sql).await), sorted(calls.collect()));
    let runs = held.runs.iter().filter(|run| is_configured(run.workspace)).map(|run| {
        let (started, ended) = (time(run.started), run.ended.and_then(time));
        vec![some(run.workspace), some(&run.id), some(run.name), some(run.state), some(run.seconds), started, ended]
    });
    let sql = "SELECT workspace, id, name, state, seconds, started, ended FROM acme.runs";
    assert_eq!(sorted(rows(&client, sql).await), sorted(runs.collect()));
    let known: Vec<&str> =
        held.runs.iter().filter(|run| is_configured(run.workspace)).map(|run| run.id.as_str()).collect();
    let steps = held.steps.iter().filter(|step| known.contains(&step.run.as_str())).map(|step| {
        let model = step.payload.as_ref().and_then(|text| data::MODELS.iter().find(|model| text.contains(*model)));
        let took = step.ended.map(|ended| ended - step.began);
        let failure = opt(step.failure);
        vec![some(&step.run), some(step.id), some(step.kind), opt(model), time(step.began), opt(took), failure]
    });
    let sql = "SELECT run, id, kind, model, began, took, failure FROM acme.steps";
    assert_eq!(sorted(rows(&client, sql).await), sorted(steps.collect()));
}

#[tokio::test(flavor = "multi_thread")]
async fn its_tables_are_in_the_catalogs_with_their_comments() {
    let sixth = start().await;
    let client = sixth.client().await;
    for table in CONNECTOR.tables {
        let oid = format!("'acme.{}'::regclass", table.name);
        assert_eq!(value(&client, &format!("SELECT obj_description({oid}, 'pg_class')")).await, table.doc);
        let sql = format!(
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull, col_description(attrelid, attnum) \
             FROM pg_attribute WHERE attrelid = {oid} AND attnum > 0 ORDER BY attnum"
        );
        let expected: Vec<Row> = table
            .columns
            .iter()
            .map(|column| {
                let not_null = if column.nullable { "f" } else { "t" };
                vec![some(column.name), some(column.ty.name()), some(not_null), some(column.comment())]
            })
            .collect();
        assert_eq!(rows(&client, &sql).await, expected);
    }
    assert!(sixth.acme.log().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_and_the_system_views_show_it() {
    let reference = crate::readme::reference(&[&CONNECTOR]);
    for part in [
        "\n## acme.calls\nOne row per model call.",
        "| vendor | text | Provider of the model. | =, IN; <>, NOT IN (re-checked) |",
        "| took | double precision | From start to end. Unit: ms. |  |",
        "SELECT vendor, count(*), sum(cost) FROM acme.calls GROUP BY 1;",
    ] {
        assert!(reference.contains(part), "{part} is missing in\n{reference}");
    }
    let sixth = start().await;
    let client = sixth.client().await;
    let sql = "SELECT kind, title, documented_base_url, tables FROM spanwire.sources WHERE name = 'acme'";
    let expected = ["acme", "Acme Traces", "https://api.acme.test", "3"].map(some);
    assert_eq!(rows(&client, sql).await, [expected]);
    let sql = "SELECT path, operator, parameter, fidelity FROM spanwire.pushdown \
               WHERE source = 'acme' AND column_name = 'labels' ORDER BY 2";
    let paths: Vec<String> = rows(&client, sql)
        .await
        .into_iter()
        .map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(paths.len(), 3, "{paths:?}");
    assert!(paths.iter().all(|row| row.ends_with("label pushed")), "{paths:?}");
    for example in CONNECTOR.tables.iter().flat_map(|table| table.examples) {
        assert!(!rows(&client, example).await.is_empty(), "{example} gives no rows");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_order_and_limit_reach_it() {
    let sixth = start().await;
    let client = sixth.client().await;
    let sql = "SELECT id FROM acme.calls WHERE workspace = 'north' AND cohort = 'late' AND vendor IN ('helio', 'lumen') \
               AND labels->'plan'->>'v' = 'pro' AND cost > 0.01 ORDER BY cost DESC LIMIT 3";
    let (got, sent) = sixth.traced(&client, sql).await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    for part in [
        "POST /v3/calls/search",
        "\"workspace\":\"north\"",
        "\"cohort\":\"late\"",
        "\"order\":{\"by\":\"cost\",\"down\":true}",
        "{\"field\":\"vendors\",\"is\":\"in\",\"values\":[\"helio\",\"lumen\"]}",
        "{\"field\":\"cost\",\"is\":\">\",\"values\":[0.01]}",
        "{\"field\":\"label\",\"is\":\"is\",\"label\":\"plan\",\"values\":[\"pro\"]}",
        // Fewer would not show whether the order is kept.
        "\"size\":20",
    ] {
        assert!(sent[0].text().contains(part), "{part} is missing in {}", sent[0].text());
    }
    let mut expected: Vec<_> = sixth.acme.state.calls.iter().collect();
    expected.retain(|call| {
        let is_pro = call.labels.as_ref().is_some_and(|labels| labels["plan"]["v"] == "pro");
        let is_wanted = call.cohort == "late" && call.workspace == "north" && is_pro;
        is_wanted && matches!(call.vendor, Some("helio" | "lumen")) && call.cost.is_some_and(|cost| cost > 0.01)
    });
    expected.sort_by(|one, next| next.cost.partial_cmp(&one.cost).expect("numbers"));
    let expected: Vec<Row> = expected.iter().take(3).map(|call| vec![some(&call.id)]).collect();
    assert!(expected.len() == 3 && got == expected, "{got:?}\n{expected:?}");
    let sql = "SELECT id FROM acme.runs WHERE started >= '2020-01-01 00:00:00.5' AND name ILIKE 'NIGHTLY EXPORT' \
               AND workspace = 'south' LIMIT 2";
    let (_, sent) = sixth.traced(&client, sql).await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    for part in ["page=1&size=2&since=1577836800&until=", "&workspace=south&name_is=NIGHTLY+EXPORT"] {
        assert!(sent[0].query.contains(part), "{part} is missing in {}", sent[0].query);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_has_more_counted_filters_than_it_takes() {
    let sixth = start().await;
    let client = sixth.client().await;
    let sql = "SELECT id FROM acme.calls WHERE model = 'nova-large' AND cost > 0.01 AND cost <= 0.3 AND tokens >= 150 \
               AND labels->'plan'->>'v' LIKE 'pr%' AND failure IS NULL";
    let (got, sent) = sixth.traced(&client, sql).await;
    let wanted: serde_json::Value = serde_json::from_str(&sent[0].body).expect("JSON");
    let fields: Vec<&str> =
        wanted["where"].as_array().expect("a list").iter().filter_map(|one| one["field"].as_str()).collect();
    assert_eq!(fields, ["model", "cost", "failed"]);
    client.simple_query("SET spanwire.pushdown = off").await.expect("a setting");
    assert_eq!(sorted(got), sorted(rows(&client, sql).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn its_rows_are_in_the_virtual_tables() {
    let sixth = start().await;
    let (client, held) = (sixth.client().await, &sixth.acme.state);
    let count = |count: usize| some(count);
    let calls = held.calls.iter().filter(|call| is_configured(call.workspace)).count();
    let sql = "SELECT source, count(*) FROM requests GROUP BY 1 ORDER BY 1";
    let spanlens = sixth.spanlens.data().requests().count();
    assert_eq!(rows(&client, sql).await, [[some("acme"), count(calls)], [some("spanlens"), count(spanlens)]]);
    let sql = "SELECT id, trace_id, status, model FROM spans WHERE source = 'acme'";
    let own = "SELECT id::text, run, CASE WHEN failure IS NULL THEN 'ok' ELSE 'error' END, model FROM acme.steps";
    let (all, own) = (sorted(rows(&client, sql).await), sorted(rows(&client, own).await));
    assert!(all.len() > 50 && all == own, "{} and {} rows", all.len(), own.len());
    let sql = "SELECT id FROM requests WHERE provider = 'lumen' ORDER BY created_at DESC LIMIT 4";
    let (_, sent) = sixth.traced(&client, sql).await;
    assert!(sent.iter().all(|entry| entry.body.contains("[\"lumen\"]")), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_gives_the_keys_of_its_steps() {
    let sixth = start().await;
    let client = sixth.client().await;
    let failed: Vec<&str> = sixth
        .acme
        .state
        .runs
        .iter()
        .filter(|run| run.state == "failed" && is_configured(run.workspace))
        .map(|run| run.id.as_str())
        .collect();
    let expected = sixth.acme.state.steps.iter().filter(|step| failed.contains(&step.run.as_str())).count();
    for sql in [
        "SELECT count(*) FROM acme.runs r JOIN acme.steps s ON s.run = r.id WHERE r.state = 'failed'",
        "SELECT count(*) FROM acme.steps WHERE run IN (SELECT id FROM acme.runs WHERE state = 'failed')",
    ] {
        let (got, sent) = sixth.traced(&client, sql).await;
        assert_eq!(got, [[some(expected)]], "{sql}");
        let n_of = |path: &str| sent.iter().filter(|entry| entry.path == path).count();
        assert_eq!((n_of("/v3/runs"), n_of("/v3/steps")), (2, failed.len()), "{sql}");
    }
    let (got, sent) = sixth.traced(&client, "SELECT id FROM acme.steps WHERE run = 'run 100000'").await;
    assert_eq!((got.len(), sent.len(), sent[0].status), (0, 1, 404), "a run that is gone has no steps");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_for_each_value_of_the_setting() {
    let sixth = start_with(usize::MAX, TOKEN, "workspaces = \"south\"").await;
    let client = sixth.client().await;
    let (got, sent) = sixth.traced(&client, "SELECT DISTINCT run FROM acme.steps").await;
    let lists: Vec<&Entry> = sent.iter().filter(|entry| entry.path == "/v3/runs").collect();
    assert!(!lists.is_empty() && lists.iter().all(|entry| entry.query.contains("workspace=south")), "{lists:?}");
    let held = &sixth.acme.state;
    let south: Vec<&str> = held.runs.iter().filter(|run| run.workspace == "south").map(|run| run.id.as_str()).collect();
    let mut expected: Vec<Row> = held.steps.iter().map(|step| vec![some(&step.run)]).collect();
    expected.retain(|row| south.contains(&row[0].as_deref().expect("a run")));
    expected.dedup();
    assert_eq!(sorted(got), sorted(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_answer_fails_the_statement_unless_a_warning_is_wanted() {
    let sixth = start_with(2, TOKEN, WORKSPACES).await;
    let client = sixth.client().await;
    let longest = sixth.acme.state.steps.iter().find(|step| step.id == 3).expect("a run of three steps");
    let sql = format!("SELECT count(*) FROM acme.steps WHERE run = '{}'", longest.run);
    let (_, message) = fault(&client, &sql).await;
    assert_eq!(message, format!("upstream cut its answer for acme.steps under key '{}' after 2 rows", longest.run));
    client.simple_query("SET spanwire.on_truncated = warn").await.expect("a setting");
    assert_eq!(value(&client, &sql).await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_switch_and_its_settings_reach_it() {
    let sixth = start_with(usize::MAX, TOKEN, &format!("{WORKSPACES}\nregion = \"eu\"")).await;
    let client = sixth.client().await;
    let sql = "SELECT count(note), count(*) FROM acme.runs WHERE workspace = 'south'";
    let (off, _) = sixth.traced(&client, sql).await;
    client.simple_query("SET acme.notes = on").await.expect("a setting");
    let (on, sent) = sixth.traced(&client, sql).await;
    assert_eq!((off[0][0].as_deref(), &on[0][0], &on[0][1]), (Some("0"), &off[0][1], &off[0][1]));
    assert!(sent.iter().all(|entry| entry.query.contains("notes=yes") && entry.region.as_deref() == Some("eu")));
}

#[tokio::test(flavor = "multi_thread")]
async fn its_refusals_are_told_in_its_own_words() {
    let sixth = start_with(usize::MAX, "another-token", WORKSPACES).await;
    let client = sixth.client().await;
    let error = client.simple_query("SELECT count(*) FROM acme.runs").await.expect_err("the token is wrong");
    let said = describe(&error);
    assert!(said.starts_with("HV00N Acme does not know the token (HTTP 403)"), "{said}");
    assert!(said.ends_with("Tokens are made under Settings, Access.") && !said.contains("another-token"), "{said}");
}

#[tokio::test]
async fn its_settings_are_checked_like_those_of_the_others() {
    let kinds = server::kinds_of(&connectors());
    let parse = |lines: &str| {
        let text = configuration("https://api.acme.test", "https://spanlens.test", TOKEN, lines);
        config::parse(&text, "test", &Env::default(), &kinds).map_err(|faults| faults.to_string())
    };
    assert!(parse(WORKSPACES).is_ok());
    let unknown = parse(&format!("{WORKSPACES}\nregoin = \"eu\"")).expect_err("no such setting");
    assert!(unknown.contains("regoin"), "{unknown}");
    let foreign = parse(&format!("{WORKSPACES}\naccount = \"1\"")).expect_err("another vendor's setting");
    assert!(foreign.contains("it belongs to kind \"scale\""), "{foreign}");
    let bare = parse("").expect("the file alone is right");
    let compute = Compute::start().expect("threads");
    let missing = server::assemble_of(&connectors(), &bare, &compute).expect_err("a setting is missing");
    assert_eq!(missing.message, "source \"acme\" lacks \"workspaces\"");
    let built_in = config::parse(
        &configuration("https://api.acme.test", "https://spanlens.test", TOKEN, WORKSPACES),
        "test",
        &Env::default(),
        &server::kinds(),
    );
    let unknown = built_in.expect_err("the built-in list has no such kind").to_string();
    assert!(unknown.contains("unknown kind \"acme\""), "{unknown}");
}

#[test]
fn its_connector_is_one_file_that_knows_only_the_model() {
    let text = include_str!("sixth/connector.rs");
    let uses: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("use ")).collect();
    let allowed = ["use std::", "use serde_json::", "use spanwire::model::", "use spanwire::error::"];
    for line in uses {
        assert!(allowed.iter().any(|start| line.starts_with(start)), "{line}");
    }
}
