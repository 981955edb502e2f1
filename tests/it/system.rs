//! The system views, the call budget, and the settings that go with them.

use std::sync::Arc;
use std::time::Duration;

use spanwire::demo::Options;
use spanwire::model::connector::{Auth, Connector, Quota, Request, Told, never_absent, plain_refusal};
use spanwire::model::scan::Source;
use spanwire::model::table::{Switch, TABLE, Table, extra, text};
use spanwire::session::{Hello, Session};
use tokio_postgres::{Client, NoTls};

use crate::support::{Bench, describe, fault, rows, small, start, start_changed, start_with, value};

/// A source with a user of its own beside `demo`, who has a credential of its own.
const TWO_USERS: &str = "quota = { calls = 3, per = \"1h\" }\n\
    [[user]]\nname = \"other\"\npassword = \"other\"\ncredentials = { spanlens = \"another-token\" }";

async fn other(bench: &Bench) -> Client {
    let (client, connection) = bench.config().user("other").password("other").connect(NoTls).await.expect("let in");
    tokio::spawn(connection);
    client
}

/// The rows as one line each.
async fn table(client: &Client, sql: &str) -> Vec<String> {
    let line = |row: Vec<Option<String>>| {
        row.into_iter().map(|cell| cell.unwrap_or_else(|| "NULL".to_owned())).collect::<Vec<_>>().join("|")
    };
    rows(client, sql).await.into_iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_shows_each_source_with_its_quota() {
    let bench =
        start_with(small(), "lookback = \"7d\"\nquota = { calls = 8, per = \"90s\", concurrency = 3 }", "").await;
    let client = bench.client().await;
    let url = bench.demo.spanlens_url();
    let expected = format!(
        "spanlens|spanlens|Spanlens|{}|https://spanlens-server.vercel.app|8|90|3|604800|4",
        url.trim_end_matches('/')
    );
    assert_eq!(table(&client, "SELECT * FROM spanwire.sources").await, [expected]);
    assert_eq!(bench.n_calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pushdown_shows_what_each_column_can_push() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let of_column = "SELECT operator, operand, parameter, fidelity, filter_only, sortable FROM spanwire.pushdown \
                     WHERE source = 'spanlens' AND table_name = 'requests' AND column_name = ";
    for (column, expected) in [
        ("model", &["ILIKE|'%…%'|model|pushed|f|f"][..]),
        ("status_code", &["BETWEEN|200 AND 299, 400 AND 499, 500 AND 599|status|re-checked|f|f"]),
        ("created_at", &[">=|NULL|from|re-checked|f|t", "<=|NULL|to|re-checked|f|t"]),
        ("provider_key_id", &["=|NULL|providerKeyId|pushed|t|f"]),
        ("latency_ms", &["NULL|NULL|NULL|NULL|f|f"]),
    ] {
        assert_eq!(table(&client, &format!("{of_column}'{column}'")).await, expected, "{column}");
    }
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'spanlens'";
    let described = "SELECT count(DISTINCT table_name || '.' || column_name) FROM spanwire.pushdown";
    assert_eq!(value(&client, columns).await, value(&client, described).await);
    let joined = "SELECT s.title, count(*) FROM spanwire.pushdown p JOIN spanwire.sources s ON s.name = p.source \
                  WHERE p.operator = '=' GROUP BY s.title";
    assert_eq!(table(&client, joined).await, ["Spanlens|3"]);
    let all = table(&client, "SELECT * FROM spanwire.pushdown").await;
    assert_eq!(table(&client, "SELECT * FROM spanwire.pushdown LIMIT 3 OFFSET 2").await, all[2..5]);
    assert_eq!(bench.n_calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_tells_how_each_scan_ended() {
    let bench = start(Options { rows: 25_000, ..small() }).await;
    let client = bench.client().await;
    assert_eq!(table(&client, "SELECT * FROM spanwire.scans").await, [] as [&str; 0]);
    assert_eq!(value(&client, "SELECT count(*) FROM requests").await, "25000");
    let complete_calls = bench.n_calls();
    assert_eq!(rows(&client, "SELECT id FROM requests LIMIT 5").await.len(), 5);
    let before_failure = bench.n_calls();
    let sql = "SET spanwire.max_calls = 2; SELECT count(*) FROM requests";
    assert_eq!(
        fault(&client, sql).await,
        ("53400".to_owned(), "statement needs more than 2 upstream calls".to_owned())
    );
    client.simple_query("RESET spanwire.max_calls").await.unwrap();
    assert_eq!(bench.n_calls(), before_failure + 2);
    value(&client, "SELECT count(*) FROM anomalies a JOIN security s ON s.model = a.model").await;
    let shown = table(
        &client,
        "SELECT id, statement_id, source, table_name, state, calls, error FROM spanwire.scans WHERE id <= 3 ORDER BY id",
    )
    .await;
    let stopped_calls = before_failure - complete_calls;
    let expected = [
        format!("1|1|spanlens|requests|complete|{complete_calls}|NULL"),
        format!("2|2|spanlens|requests|stopped|{stopped_calls}|NULL"),
        "3|3|spanlens|requests|failed|2|statement needs more than 2 upstream calls".to_owned(),
    ];
    assert_eq!(shown, expected);
    let joined = "SELECT statement_id, table_name, state FROM spanwire.scans WHERE id > 3 ORDER BY table_name";
    assert_eq!(table(&client, joined).await, ["4|anomalies|complete", "4|security|complete"]);
    let all_calls = format!("{}", bench.n_calls());
    assert_eq!(value(&client, "SELECT sum(calls)::bigint FROM spanwire.scans").await, all_calls);
    let by_state = "SELECT o.kind, s.state, count(*) FROM spanwire.scans s JOIN spanwire.sources o ON o.name = s.source \
                    GROUP BY 1, 2 HAVING count(*) = 1 ORDER BY 2";
    assert_eq!(table(&client, by_state).await, ["spanlens|failed|1", "spanlens|stopped|1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_tells_what_each_scan_cost() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let before = chrono::Utc::now();
    assert_eq!(value(&client, "SELECT count(*) FROM requests").await, "3000");
    let row = client.query_one("SELECT started_at, rows, bytes, waited_ms FROM spanwire.scans", &[]);
    let row = row.await.unwrap_or_else(|error| panic!("{}", describe(&error)));
    let started: chrono::DateTime<chrono::Utc> = row.get(0);
    assert!(before - chrono::Duration::milliseconds(1) <= started && started <= chrono::Utc::now(), "{started}");
    assert_eq!(row.get::<_, i64>(1), 3_000);
    assert!(row.get::<_, i64>(2) > 3_000 * 100, "{} bytes", row.get::<_, i64>(2));
    assert!(row.get::<_, f64>(3) >= 0.0);
    let requests = value(&client, "SELECT requests FROM spanwire.scans").await;
    let path = "[\"GET /api/v1/exports/requests?format=json&from=";
    assert!(requests.starts_with(path) && requests.ends_with("limit=10000\"]"), "{requests}");
    assert!(!requests.contains("demo-token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_seen_while_it_runs_and_stops_with_its_portal() {
    let bench = start(Options { rows: 100_000, ..small() }).await;
    let mut client = bench.client().await;
    let other = bench.client().await;
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT id FROM requests", &[]).await.unwrap();
    assert_eq!(transaction.query_portal(&portal, 10).await.unwrap().len(), 10);
    assert_eq!(value(&other, "SELECT state FROM spanwire.scans").await, "running");
    transaction.rollback().await.unwrap();
    // The engine lets go of the scan a moment after the client was answered.
    loop {
        match value(&other, "SELECT state FROM spanwire.scans").await.as_str() {
            "running" => tokio::task::yield_now().await,
            state => break assert_eq!(state, "stopped"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_the_scans_or_the_quota_of_another_user() {
    let bench = start_with(small(), TWO_USERS, "").await;
    let (mine, theirs) = (bench.client().await, other(&bench).await);
    let quota = "SELECT source, calls, per_seconds, concurrency, used, under_way, waiting, wait_seconds > 0, \
                 next_free > now() FROM spanwire.quota";
    assert_eq!(table(&mine, quota).await, ["spanlens|3|3600|2|0|0|0|f|NULL"]);
    value(&mine, "SELECT count(*) FROM anomalies").await;
    assert_eq!(table(&mine, quota).await, ["spanlens|3|3600|2|1|0|0|f|NULL"]);
    assert_eq!(table(&theirs, quota).await, ["spanlens|3|3600|2|0|0|0|f|NULL"]);
    for _ in 0..2 {
        value(&mine, "SELECT count(*) FROM anomalies").await;
    }
    assert_eq!(table(&mine, quota).await, ["spanlens|3|3600|2|3|0|0|t|t"]);
    assert_eq!(table(&theirs, "SELECT id FROM spanwire.scans").await, [] as [&str; 0]);
    // The upstream knows one token only; what matters is whose call it was.
    assert_eq!(fault(&theirs, "SELECT count(*) FROM security").await.0, "HV00N");
    let scans = "SELECT id, statement_id, table_name, state FROM spanwire.scans ORDER BY id";
    assert_eq!(table(&theirs, scans).await, ["1|1|security|failed"]);
    assert_eq!(table(&theirs, "SELECT used FROM spanwire.quota").await, ["1"]);
    let anomalies = ["1|1|anomalies|complete", "2|2|anomalies|complete", "3|3|anomalies|complete"];
    assert_eq!(table(&mine, scans).await, anomalies);
    // Another session of the same user sees the same.
    assert_eq!(table(&bench.client().await, scans).await, anomalies);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_over_the_budget_is_refused_before_its_first_call() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let refused = |most: u32, least: u32| {
        format!(
            "53400 statement needs more than {most} upstream calls / Its scans take {least} calls at the least, and \
             \"spanwire.max_calls\" is {most}. None was made. / Narrow the time range, or SET spanwire.max_calls to a \
             larger number."
        )
    };
    for (most, least, sql) in [
        (1, 2, "SELECT count(*) FROM requests r JOIN traces t ON t.id = r.trace_id"),
        (1, 2, "SELECT count(*) FROM spanlens.requests WHERE provider_key_id IN ('key_gemini', 'key_openai_main')"),
        (2, 3, "SELECT 1 FROM anomalies UNION ALL SELECT 1 FROM security UNION ALL SELECT 1 FROM traces"),
        (0, 1, "EXPLAIN ANALYZE SELECT id FROM requests LIMIT 5"),
    ] {
        client.simple_query(&format!("SET spanwire.max_calls = {most}")).await.unwrap();
        let error = client.simple_query(sql).await.expect_err(sql);
        assert_eq!(describe(&error), refused(most, least), "{sql}");
    }
    let plan = table(&client, "EXPLAIN SELECT count(*) FROM requests").await;
    assert!(plan.iter().any(|line| line.contains("Calls Expected: 1")), "{plan:?}");
    for sql in
        ["SELECT count(*) FROM requests WHERE provider = 'a' AND provider = 'b'", "SELECT count(*) FROM spanwire.quota"]
    {
        value(&client, sql).await;
    }
    assert_eq!(bench.n_calls(), 0);
    assert_eq!(value(&client, "SELECT count(*) FROM spanwire.scans").await, "0");
    client.simple_query("SET spanwire.max_calls = 1").await.unwrap();
    assert_eq!(value(&client, "SELECT count(*) FROM requests").await, "3000");
    assert_eq!(bench.n_calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_says_how_many_calls_it_expects() {
    let bench = start(small()).await;
    let client = bench.client().await;
    for (sql, expected) in [
        ("SELECT id FROM requests", "1, and one more for each 10000 rows"),
        ("SELECT id FROM requests LIMIT 50", "1"),
        ("SELECT count(*) FROM anomalies", "1"),
        ("SELECT id FROM spanlens.requests WHERE provider_key_id IN ('a', 'b') LIMIT 50", "2"),
        ("SELECT id FROM spanlens.requests WHERE status_code = 200 AND status_code / 100 = 5", "0: no row can match"),
    ] {
        let plan = table(&client, &format!("EXPLAIN {sql}")).await;
        let calls: Vec<&str> = plan.iter().filter_map(|line| line.trim().strip_prefix("Calls Expected: ")).collect();
        assert_eq!(calls, [expected], "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogs_show_the_views_with_their_comments() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let views = "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'spanwire'::regnamespace \
                 AND obj_description(oid, 'pg_class') IS NOT NULL ORDER BY relname";
    assert_eq!(table(&client, views).await, ["pushdown|v", "quota|v", "scans|v", "segments|v", "sources|v"]);
    let uncommented = "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
                       WHERE c.relnamespace = 'spanwire'::regnamespace AND a.attnum > 0 \
                       AND col_description(c.oid, a.attnum) IS NULL";
    assert_eq!(value(&client, uncommented).await, "0");
    let comment = "SELECT col_description('spanwire.scans'::regclass, 7)";
    assert_eq!(value(&client, comment).await, "HTTP calls, repeated ones among them. Unit: calls.");
    let listed =
        "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'spanwire' ORDER BY 1";
    assert_eq!(
        table(&client, listed).await,
        ["pushdown|VIEW", "quota|VIEW", "scans|VIEW", "segments|VIEW", "sources|VIEW"]
    );
    for view in ["sources", "pushdown", "scans", "segments", "quota"] {
        let columns = format!(
            "SELECT attname, atttypid FROM pg_attribute WHERE attrelid = 'spanwire.{view}'::regclass AND attnum > 0 ORDER BY attnum"
        );
        let statement = client.prepare(&format!("SELECT * FROM spanwire.{view}")).await.unwrap();
        let described: Vec<String> =
            statement.columns().iter().map(|column| format!("{}|{}", column.name(), column.type_().oid())).collect();
        assert_eq!(table(&client, &columns).await, described, "{view}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_views_need_their_schema_unless_it_is_in_the_search_path() {
    let bench = start(small()).await;
    let client = bench.client().await;
    assert_eq!(fault(&client, "SELECT 1 FROM scans").await.0, "42P01");
    client.simple_query("SET search_path = spanwire").await.unwrap();
    assert_eq!(value(&client, "SELECT count(*) FROM quota").await, "1");
    assert_eq!(value(&client, "SELECT current_schema()").await, "spanwire");
}

#[tokio::test(flavor = "multi_thread")]
async fn times_of_the_views_follow_the_time_zone() {
    let bench = start(small()).await;
    let client = bench.client().await;
    value(&client, "SELECT count(*) FROM anomalies").await;
    assert!(value(&client, "SELECT started_at FROM spanwire.scans").await.ends_with("+00"));
    client.simple_query("SET TimeZone = 'Asia/Kolkata'").await.unwrap();
    assert!(value(&client, "SELECT started_at FROM spanwire.scans").await.ends_with("+05:30"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_cut_answers_is_a_setting() {
    let bench = start(small()).await;
    let hello = Hello {
        user: "demo".to_owned(),
        database: "spanwire".to_owned(),
        parameters: Vec::new(),
        pid: 1,
        peer: ([127, 0, 0, 1], 1).into(),
    };
    let mut session = Session::new(Arc::clone(&bench.gateway), hello).unwrap();
    assert!(!session.statement().policy.warn_on_truncated);
    let set = session.parse("SET spanwire.on_truncated = warn").unwrap().remove(0);
    let prepared = session.prepare(set, &[]).await.unwrap();
    let statement = session.statement();
    session.execute(&prepared, Vec::new(), &statement).await.unwrap();
    assert!(session.statement().policy.warn_on_truncated);
    let client = bench.client().await;
    assert_eq!(value(&client, "SHOW spanwire.on_truncated").await, "error");
    let error = client.simple_query("SET spanwire.on_truncated = 'ignore'").await.expect_err("no such word");
    let expected =
        "22023 invalid value for parameter \"spanwire.on_truncated\": \"ignore\" /  / Available values: error, warn.";
    assert_eq!(describe(&error), expected);
}

/// A vendor whose only use is that it has a switch.
static SWITCHED: Connector = Connector {
    kind: "switched",
    title: "Switched",
    base_url: "https://switched.test",
    auth: Auth::Bearer,
    quota: Quota { calls: 1, per: Duration::from_secs(1), concurrency: 1 },
    told: Told::NOTHING,
    settings: &[],
    required: &[],
    tables: &[Table {
        name: "spans",
        path: "/spans",
        doc: "Spans.",
        columns: &[text("id").doc("ID."), extra()],
        switches: &[Switch { name: "archived", doc: "Reads archived spans as well.", widens: true }],
        ..TABLE
    }],
    request: |_, _| Request::get("/spans", Vec::new()),
    refusal: plain_refusal,
    absent: never_absent,
};

#[tokio::test(flavor = "multi_thread")]
async fn switches_of_the_visible_sources_are_settings() {
    let source = Source {
        name: "switched".to_owned(),
        connector: &SWITCHED,
        base_url: SWITCHED.base_url.parse().unwrap(),
        quota: SWITCHED.quota,
        lookback: Duration::from_secs(1),
        settle: Duration::ZERO,
        body_bytes: 1_000,
        settings: std::collections::BTreeMap::new(),
    };
    let more = "[[user]]\nname = \"other\"\npassword = \"other\"\nsources = [\"spanlens\"]";
    let bench = start_changed(small(), more, "", |gateway| gateway.sources.push(Arc::new(source))).await;
    let client = bench.client().await;
    let shown = "SELECT name, setting, short_desc FROM pg_settings WHERE name LIKE 'switched.%'";
    assert_eq!(table(&client, shown).await, ["switched.archived|off|Reads archived spans as well."]);
    let refused = fault(&client, "SET switched.archived = 'perhaps'").await;
    assert_eq!(refused, ("22023".to_owned(), "parameter \"switched.archived\" requires a Boolean value".to_owned()));
    client.simple_query("SET switched.archived = 'yes'").await.unwrap();
    assert_eq!(value(&client, "SHOW switched.archived").await, "on");
    let all = rows(&client, "SHOW ALL").await;
    let row = all.iter().find(|row| row[0].as_deref() == Some("switched.archived")).expect("it is listed");
    assert_eq!(row[1..], [Some("on".to_owned()), Some("Reads archived spans as well.".to_owned())]);
    client.simple_query("RESET switched.archived").await.unwrap();
    assert_eq!(value(&client, "SHOW switched.archived").await, "off");
    // Whoever does not see the source has no such setting.
    let theirs = other(&bench).await;
    assert_eq!(fault(&theirs, "SHOW switched.archived").await.0, "42704");
    assert_eq!(fault(&client, "SET enable_seqscan = 'perhaps'").await.0, "22023");
}
