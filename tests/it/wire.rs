//! The protocol as a client sees it.

use futures::{StreamExt, TryStreamExt};
use tokio_postgres::error::SqlState;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::support::{describe, fault, rows, small, start, start_with, value};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_password_and_unknown_user_are_refused_alike() {
    let bench = start(small()).await;
    for (user, password) in [("demo", "wrong"), ("nobody", "demo")] {
        let error = bench.config().user(user).password(password).connect(NoTls).await.err().expect("refused");
        assert_eq!(error.code(), Some(&SqlState::INVALID_PASSWORD), "{}", describe(&error));
        let message = error.as_db_error().expect("an answer").message().to_owned();
        assert_eq!(message, format!("password authentication failed for user \"{user}\""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_statements_in_one_query_answer_in_turn() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let messages = client.simple_query("SELECT 1 AS a; ; SHOW TimeZone; SELECT 'x' WHERE false").await.unwrap();
    let shape: Vec<String> = messages
        .iter()
        .map(|message| match message {
            SimpleQueryMessage::Row(row) => format!("row {}", row.get(0).unwrap_or("NULL")),
            SimpleQueryMessage::CommandComplete(n) => format!("done {n}"),
            SimpleQueryMessage::RowDescription(columns) => format!("columns {}", columns[0].name()),
            _ => "other".to_owned(),
        })
        .collect();
    let expected =
        ["columns a", "row 1", "done 1", "columns TimeZone", "row UTC", "done 0", "columns ?column?", "done 0"];
    assert_eq!(shape, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_ends_the_rest_of_a_query_string() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let (code, message) =
        fault(&client, "SELECT 1; SELECT nope FROM spanlens.requests; SET application_name = 'later'").await;
    assert_eq!((code.as_str(), message.as_str()), ("42703", "column \"nope\" does not exist"));
    assert_eq!(value(&client, "SHOW application_name").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn transaction_state_follows_the_statements() {
    let bench = start(small()).await;
    let client = bench.client().await;
    client.simple_query("BEGIN; SELECT 1").await.unwrap();
    assert_eq!(fault(&client, "SELECT 1/0").await.0, "22012");
    assert_eq!(fault(&client, "SELECT 1").await.0, "25P02");
    client.simple_query("ROLLBACK").await.unwrap();
    assert_eq!(value(&client, "SELECT 1").await, "1");
    client
        .simple_query("BEGIN; SET TimeZone = 'Asia/Tokyo'; SAVEPOINT s; SET TimeZone = 'Europe/Berlin'")
        .await
        .unwrap();
    client.simple_query("ROLLBACK TO s").await.unwrap();
    assert_eq!(value(&client, "SHOW TimeZone").await, "Asia/Tokyo");
    client.simple_query("ROLLBACK").await.unwrap();
    assert_eq!(value(&client, "SHOW TimeZone").await, "UTC");
}

#[tokio::test(flavor = "multi_thread")]
async fn now_stands_still_within_a_transaction() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let moments =
        "SELECT extract(epoch FROM now()), extract(epoch FROM statement_timestamp()), current_timestamp = now()";
    let catalogs = "SELECT now() FROM pg_class LIMIT 1";
    client.batch_execute("BEGIN").await.unwrap();
    let one: Vec<String> = rows(&client, moments).await.remove(0).into_iter().flatten().collect();
    let other: Vec<String> = rows(&client, moments).await.remove(0).into_iter().flatten().collect();
    assert_eq!(one[0], other[0]);
    assert_ne!(one[1], other[1]);
    assert_eq!(other[2], "t");
    let known = client.prepare("SELECT (extract(epoch FROM now()) * 1000000)::bigint").await.unwrap();
    let prepared: i64 = client.query_one(&known, &[]).await.unwrap().get(0);
    assert_eq!(prepared.to_string(), one[0].replace('.', ""));
    assert_eq!(value(&client, catalogs).await, value(&client, "SELECT now()").await);
    client.batch_execute("COMMIT").await.unwrap();
    assert_ne!(rows(&client, moments).await[0][0].as_ref(), Some(&one[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_as_a_time_zone_counts_east() {
    let bench = start(small()).await;
    let client = bench.client().await;
    client.batch_execute("SET TIME ZONE INTERVAL '+05:30' HOUR TO MINUTE").await.unwrap();
    assert_eq!(value(&client, "SHOW TimeZone").await, "<+05:30>-05:30");
    let moment = "SELECT timestamptz '2026-07-01 12:00+00'";
    assert_eq!(value(&client, moment).await, "2026-07-01 17:30:00+05:30");
}

#[tokio::test(flavor = "multi_thread")]
async fn portals_suspend_and_resume_side_by_side() {
    let bench = start(small()).await;
    let mut client = bench.client().await;
    let expected: Vec<String> = bench.demo.data().requests().take(7).map(|row| row.id).collect();
    let transaction = client.transaction().await.unwrap();
    let sql = "SELECT id FROM spanlens.requests ORDER BY created_at DESC, id";
    let statement = transaction.prepare(sql).await.unwrap();
    let left = transaction.bind(&statement, &[]).await.unwrap();
    let right = transaction.bind(&statement, &[]).await.unwrap();
    let mut ids: [Vec<String>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        for (portal, ids) in [&left, &right].into_iter().zip(&mut ids) {
            let rows = transaction.query_portal(portal, 2).await.unwrap();
            ids.extend(rows.iter().map(|row| row.get::<_, String>(0)));
        }
    }
    assert_eq!(ids[0].len(), 6);
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[0][0], expected[0]);
    let rest = transaction.query_portal(&left, 0).await.unwrap();
    assert_eq!(rest.len() + 6, 3_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_and_results_of_every_type_travel_in_binary() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let row = client
        .query_one(
            "SELECT $1::bigint AS a, $2::text AS b, $3::double precision AS c, $4::boolean AS d, $5::timestamptz AS e, $6::int AS f",
            &[&9_007_199_254_740_993_i64, &"é'\n", &1e-9_f64, &true, &chrono::DateTime::UNIX_EPOCH, &-7_i32],
        )
        .await
        .unwrap_or_else(|error| panic!("{}", describe(&error)));
    assert_eq!(row.get::<_, i64>("a"), 9_007_199_254_740_993);
    assert_eq!(row.get::<_, String>("b"), "é'\n");
    assert!((row.get::<_, f64>("c") - 1e-9).abs() < f64::EPSILON * 1e-9);
    assert!(row.get::<_, bool>("d"));
    assert_eq!(row.get::<_, chrono::DateTime<chrono::Utc>>("e"), chrono::DateTime::UNIX_EPOCH);
    assert_eq!(row.get::<_, i32>("f"), -7);
    let none: Option<String> = client.query_one("SELECT $1::text", &[&None::<String>]).await.unwrap().get(0);
    assert_eq!(none, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn parameter_types_follow_the_columns_they_meet() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let statement = client
        .prepare(
            "SELECT id FROM spanlens.requests WHERE provider = $1 AND latency_ms > $2 AND created_at > $3 AND cost_usd < $4",
        )
        .await
        .unwrap();
    let types: Vec<&str> = statement.params().iter().map(|ty| ty.name()).collect();
    assert_eq!(types, ["text", "int8", "timestamptz", "float8"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_during_a_wait_for_the_quota_gives_the_permit_back() {
    let bench = start_with(small(), "quota = { calls = 2, per = \"1h\" }", "").await;
    let client = bench.client().await;
    assert_eq!(value(&client, "SELECT count(*) FROM spanlens.anomalies").await, "60");
    assert_eq!(value(&client, "SELECT count(*) FROM spanlens.anomalies").await, "60");
    let token = client.cancel_token();
    let waiting = async { fault(&client, "SET statement_timeout = 0; SELECT count(*) FROM spanlens.anomalies").await };
    let cancelling = async {
        // The wait is announced by nothing but itself, so the cancel is repeated until it strikes.
        loop {
            token.cancel_query(NoTls).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let (code, _) = tokio::select! {
        fault = waiting => fault,
        () = cancelling => unreachable!("cancels until the statement ends"),
    };
    assert_eq!(code, "57014");
    assert_eq!(bench.n_calls(), 2);
    assert_eq!(value(&client, "SELECT 1").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn statement_timeout_refuses_a_wait_that_cannot_end_in_time() {
    let bench = start_with(small(), "quota = { calls = 1, per = \"1h\" }", "").await;
    let client = bench.client().await;
    value(&client, "SELECT count(*) FROM spanlens.anomalies").await;
    let plan = rows(&client, "EXPLAIN SELECT count(*) FROM spanlens.anomalies").await;
    let quota = plan.iter().filter_map(|row| row[0].as_deref()).find(|line| line.contains("Quota:"));
    assert!(quota.is_some_and(|line| line.contains("1 calls in 1 hour, 2 at once; wait now 3")), "{quota:?}");
    let (code, message) = fault(&client, "SET statement_timeout = '5s'; SELECT count(*) FROM spanlens.anomalies").await;
    assert_eq!(code, "53400", "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_connections_are_refused_with_53300() {
    let bench = start_with(small(), "", "[limits]\nconnections = 1").await;
    let _first = bench.client().await;
    let error = bench.config().connect(NoTls).await.err().expect("refused");
    assert_eq!(error.code(), Some(&SqlState::TOO_MANY_CONNECTIONS), "{}", describe(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn prepared_statement_errors_have_their_codes() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let error = client.prepare("SELECT * FROM request").await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::UNDEFINED_TABLE));
    let error = error.as_db_error().expect("an answer").clone();
    assert_eq!(error.hint(), Some("Perhaps you meant the table \"spanlens.requests\"."));
    let error = client.prepare("SELEC 1").await.unwrap_err();
    let error = error.as_db_error().expect("an answer").clone();
    assert_eq!(error.message(), "syntax error at or near \"SELEC\"");
    assert_eq!(error.position(), Some(&tokio_postgres::error::ErrorPosition::Original(1)));
    assert_eq!(value(&client, "SELECT 1").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_stops_the_upstream_call() {
    let bench = start(spanwire::demo::Options { rows: 50_000, ..small() }).await;
    let (client, connection) = bench.config().connect(NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    {
        let no_parameters: [&str; 0] = [];
        let stream = client.query_raw("SELECT * FROM spanlens.requests", no_parameters).await.unwrap();
        futures::pin_mut!(stream);
        stream.next().await.expect("a row").expect("a row");
    }
    connection.abort();
    drop(client);
    // The session ends when the gateway has seen the socket close; from then on nothing calls any more.
    while !bench.gateway.registry.sessions().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(bench.n_calls() < 6, "{} of 6 pages were read", bench.n_calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn text_and_binary_say_the_same() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let sql = "SELECT id, model, total_tokens, cost_usd, latency_ms, error_message, created_at FROM spanlens.requests ORDER BY created_at DESC, id LIMIT 200";
    let texts = rows(&client, sql).await;
    let no_parameters: [&str; 0] = [];
    let binary: Vec<_> = client.query_raw(sql, no_parameters).await.unwrap().try_collect().await.unwrap();
    assert_eq!(binary.len(), 200);
    for (text, row) in texts.iter().zip(&binary) {
        assert_eq!(text[0].as_deref(), Some(row.get::<_, &str>(0)));
        assert_eq!(text[2], Some(row.get::<_, i64>(2).to_string()));
        let cost: Option<f64> = row.get(3);
        assert_eq!(text[3].as_ref().map(|text| text.parse::<f64>().unwrap().to_bits()), cost.map(f64::to_bits));
        assert_eq!(text[5].as_deref(), row.get::<_, Option<&str>>(5));
        let created: chrono::DateTime<chrono::Utc> = row.get(6);
        let shown = chrono::DateTime::parse_from_str(text[6].as_ref().unwrap(), "%Y-%m-%d %H:%M:%S%.f%#z").unwrap();
        assert_eq!(shown, created);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_sessions_are_ended_as_the_settings_say() {
    let bench = start(small()).await;
    for (setting, begin) in [("idle_session_timeout", ""), ("idle_in_transaction_session_timeout", "BEGIN")] {
        let (client, connection) = bench.config().connect(NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        client.simple_query(&format!("SET {setting} = '20ms'; {begin}")).await.unwrap();
        let error = connection.await.unwrap().expect_err("the gateway says why it ends the session");
        let code = error.code().expect("a code").code().to_owned();
        assert_eq!(code, if begin.is_empty() { "57P05" } else { "25P03" });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn startup_settings_and_options_are_obeyed_or_refused() {
    let bench = start(small()).await;
    let (client, connection) = bench
        .config()
        .application_name("test")
        .options("-c TimeZone=Asia/Tokyo --statement_timeout=90s -c spanwire.lookback=7\\ days")
        .connect(NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let shown =
        rows(&client, "SHOW application_name; SHOW TimeZone; SHOW statement_timeout; SHOW spanwire.lookback").await;
    let shown: Vec<_> = shown.iter().map(|row| row[0].as_deref().unwrap()).collect();
    assert_eq!(shown, ["test", "Asia/Tokyo", "90s", "7 days"]);
    let error = bench.config().options("-c nope=1").connect(NoTls).await.err().expect("refused");
    assert_eq!(error.code(), Some(&SqlState::UNDEFINED_OBJECT), "{}", describe(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_begin_with_the_settings_of_their_user() {
    let text = |settings: &str| {
        format!(
            "listen = \"127.0.0.1:0\"\n\
             [[source]]\nname = \"spanlens\"\nkind = \"spanlens\"\nbase_url = \"http://127.0.0.1:1\"\ncredential = \"t\"\n\
             [[user]]\nname = \"demo\"\npassword = \"demo\"\nsettings = {{ {settings} }}\n"
        )
    };
    let settings =
        "\"spanwire.max_staleness\" = \"1 minute\", statement_timeout = 90000, search_path = \"spanlens, public\"";
    let gate = crate::support::gate(&text(settings)).await;
    let shown = "SHOW spanwire.max_staleness; SHOW statement_timeout; SHOW search_path";
    let all = |client: tokio_postgres::Client| async move {
        let shown = rows(&client, shown).await;
        shown.into_iter().map(|mut row| row.remove(0).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(all(gate.client().await).await, ["1min", "90s", "spanlens, public"]);
    // A reset goes back to them, and what the client says counts more.
    let client = gate.client().await;
    client.batch_execute("SET spanwire.max_staleness = 0; RESET spanwire.max_staleness").await.unwrap();
    assert_eq!(value(&client, "SHOW spanwire.max_staleness").await, "1min");
    client.batch_execute("SELECT set_config('search_path', 'public, spanlens', false)").await.unwrap();
    assert_eq!(value(&client, "SHOW search_path").await, "public, spanlens");
    let options = "-c spanwire.max_staleness=5s -c search_path=public,spanlens";
    let (client, connection) = gate.config().options(options).connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(all(client).await, ["5s", "90s", "public, spanlens"]);
    // What cannot be set is told before anybody connects.
    for (settings, message) in [
        ("nope = 1", "settings of user \"demo\": unrecognized configuration parameter \"nope\""),
        (
            "\"spanwire.max_staleness\" = \"old\"",
            "settings of user \"demo\": invalid value for parameter \"spanwire.max_staleness\": \"old\"",
        ),
    ] {
        let config = spanwire::config::parse(
            &text(settings),
            "spanwire.toml",
            &spanwire::config::Env::default(),
            &spanwire::server::kinds(),
        );
        let config = config.unwrap_or_else(|faults| panic!("{faults}"));
        let sources = spanwire::server::sources(&config).unwrap();
        let error = spanwire::server::check_settings(&config, &sources).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (spanwire::error::Kind::Config, message));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statement_timeout_ends_a_statement_that_computes() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let sql = "SET statement_timeout = '50ms'; SELECT count(*) FROM generate_series(1, 300000) a(x) JOIN generate_series(1, 300000) b(y) ON x % 10 = y % 10 WHERE x + y < 0";
    let (code, message) = fault(&client, sql).await;
    assert_eq!((code.as_str(), message.as_str()), ("57014", "canceling statement due to statement timeout"));
    assert_eq!(value(&client, "SET statement_timeout = 0; SELECT 1").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_statement_follows_a_later_time_zone() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let sql = "SELECT count(DISTINCT created_at::date) AS days, min(created_at::date)::text AS first FROM spanlens.requests WHERE created_at >= $1";
    let statement = client.prepare(sql).await.unwrap();
    let since = chrono::Utc::now() - chrono::Duration::days(20);
    let before: String = client.query_one(&statement, &[&since]).await.unwrap().get("first");
    client.simple_query("SET TimeZone = '-12'").await.unwrap();
    let after: String = client.query_one(&statement, &[&since]).await.unwrap().get("first");
    let fresh: String = client.query_one(sql, &[&since]).await.unwrap().get("first");
    assert_eq!(after, fresh, "before: {before}");
    let local = |hours: i64| (since + chrono::Duration::hours(hours)).date_naive().to_string();
    assert!(before >= local(0) && after >= local(-12) && before >= after, "{before} {after}");
}
