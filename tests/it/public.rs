//! The virtual tables over all sources: their rows are those of the vendors' tables, and no upstream is asked for more
//! than its part of a query.

use futures::{StreamExt, stream};
use spanwire::demo::{Demo, Options};
use spanwire::model::canonical::{SHAPES, Shape, Take};
use spanwire::model::table::Type;
use spanwire::upstream::CONNECTORS;
use tokio::io::AsyncReadExt;
use tokio_postgres::types::Type as PgType;
use tokio_postgres::{AsyncMessage, Client, NoTls};

use crate::support::{Bench, fault, rows, small, start, start_with, value};

const QUOTA: &str = "quota = { calls = 1000000, per = \"1m\" }";

/// The lines of another source of the same vendor.
fn source(name: &str, url: &str, token: &str) -> String {
    format!(
        "{QUOTA}\n[[source]]\nname = \"{name}\"\nkind = \"spanlens\"\nbase_url = \"{url}\"\ncredential = \"{token}\"\n{QUOTA}\n"
    )
}

/// A gateway with two accounts of one vendor, `spanlens` and `second`, each with rows of its own.
async fn two() -> (Bench, Demo) {
    let second = Demo::start(Options { rows: 2_000, seed: 8, ..small() }).await.expect("the demo starts");
    let bench = start_with(small(), &source("second", &second.spanlens_url(), "demo-token"), "").await;
    (bench, second)
}

/// A client and the severities and messages of the notices that it gets.
async fn listening(bench: &Bench) -> (Client, tokio::sync::mpsc::UnboundedReceiver<(String, String)>) {
    let (sender, notices) = tokio::sync::mpsc::unbounded_channel();
    let (client, mut connection) = bench.config().connect(NoTls).await.expect("the gateway lets demo in");
    tokio::spawn(async move {
        let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notice(notice) = message {
                let _ = sender.send((notice.severity().to_owned(), notice.message().to_owned()));
            }
        }
    });
    (client, notices)
}

async fn plan(client: &Client, sql: &str) -> String {
    let lines = rows(client, &format!("EXPLAIN {sql}")).await;
    lines.into_iter().map(|row| row[0].clone().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// What a Spanlens table shows of a shape, as SQL over that table.
fn vendor_sql(shape: &Shape, source: &str) -> String {
    let columns = shape.columns.iter().filter(|column| column.name != "detected_at").map(|column| match column.name {
        "source" => format!("'{source}'"),
        "status" => "CASE WHEN status IN ('ok', 'completed') THEN 'ok' WHEN status = 'error' THEN 'error' \
                     WHEN status = 'running' THEN 'pending' ELSE 'unknown' END"
            .to_owned(),
        name => name.to_owned(),
    });
    let columns: Vec<String> = columns.collect();
    format!("SELECT {} FROM {source}.{}", columns.join(", "), shape.name)
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_those_of_the_vendors_tables() {
    let (bench, _second) = two().await;
    let client = bench.client().await;
    for shape in SHAPES.iter().filter(|shape| shape.name != "spans") {
        let mut expected = Vec::new();
        for source in ["spanlens", "second"] {
            expected.extend(rows(&client, &vendor_sql(shape, source)).await);
        }
        // The time of an anomaly is that of its export.
        let columns = shape.columns.iter().map(|column| column.name).filter(|name| *name != "detected_at");
        let columns: Vec<&str> = columns.collect();
        let mut got = rows(&client, &format!("SELECT {} FROM public.{}", columns.join(", "), shape.name)).await;
        assert!(got.len() > 20, "{}", shape.name);
        got.sort();
        expected.sort();
        assert_eq!(got, expected, "{}", shape.name);
        let counted = value(&client, &format!("SELECT count(*) FROM {}", shape.name)).await;
        assert_eq!(counted, got.len().to_string(), "{}", shape.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sources_at_one_upstream_are_told_apart() {
    let bench = start_with(small(), &source("second", "{spanlens}", "demo-token"), "").await;
    let client = bench.client().await;
    let got = rows(&client, "SELECT source, count(*), count(DISTINCT id) FROM requests GROUP BY 1 ORDER BY 1").await;
    let row = |name: &str| [name, "3000", "3000"].map(|text| Some(text.to_owned()));
    assert_eq!(got, [row("second"), row("spanlens")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_sources_than_may_read_at_once_take_turns() {
    const SOURCES: usize = 20;
    let more: String = (1..SOURCES).map(|at| source(&format!("s{at:02}"), "{spanlens}", "demo-token")).collect();
    // Each text starts with the quota of the source before it.
    let more = more.replace(&format!("{QUOTA}\n{QUOTA}\n"), &format!("{QUOTA}\n"));
    let bench = start_with(Options { rows: 200, ..small() }, &more, "").await;
    let client = bench.client().await;
    let got = rows(&client, "SELECT count(*), count(DISTINCT source) FROM requests").await;
    assert_eq!(got, [[Some((SOURCES * 200).to_string()), Some(SOURCES.to_string())]]);
    let newest = rows(&client, "SELECT source FROM requests ORDER BY created_at DESC, source LIMIT 20").await;
    assert_eq!(newest.len(), 20);
    let newest = rows(&client, "SELECT created_at FROM requests ORDER BY created_at DESC LIMIT 20").await;
    assert!(newest.iter().all(|row| row == &newest[0]), "the newest row of each source");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shape_that_no_source_has_is_an_empty_table() {
    let bench = start(small()).await;
    let client = bench.client().await;
    assert_eq!(value(&client, "SELECT count(*) FROM spans").await, "0");
    assert!(rows(&client, "SELECT s.id, t.id FROM spans s JOIN traces t ON t.id = s.trace_id").await.is_empty());
    let statement = client.prepare("SELECT * FROM spans WHERE status = 'error'").await.unwrap();
    let names: Vec<&str> = statement.columns().iter().map(|column| column.name()).collect();
    let shape = SHAPES.iter().find(|shape| shape.name == "spans").unwrap();
    assert_eq!(names, shape.columns.iter().map(|column| column.name).collect::<Vec<_>>());
    assert!(client.query(&statement, &[]).await.unwrap().is_empty());
    assert_eq!(bench.n_calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_have_the_types_of_the_shape() {
    let (bench, _second) = two().await;
    let client = bench.client().await;
    for shape in SHAPES {
        let statement = client.prepare(&format!("SELECT * FROM {}", shape.name)).await.unwrap();
        let got: Vec<(&str, PgType)> =
            statement.columns().iter().map(|column| (column.name(), column.type_().clone())).collect();
        let expected = shape.columns.iter().map(|column| {
            let ty = match column.ty {
                Type::Text => PgType::TEXT,
                Type::Bigint => PgType::INT8,
                Type::Double => PgType::FLOAT8,
                Type::Boolean => PgType::BOOL,
                Type::Timestamptz => PgType::TIMESTAMPTZ,
                Type::Jsonb => PgType::JSONB,
            };
            (column.name, ty)
        });
        assert_eq!(got, expected.collect::<Vec<_>>(), "{}", shape.name);
    }
    client.simple_query("SET TimeZone = 'Asia/Kolkata'").await.unwrap();
    assert!(value(&client, "SELECT max(created_at) FROM requests").await.ends_with("+05:30"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_on_source_leaves_the_other_upstreams_alone() {
    let (bench, second) = two().await;
    let client = bench.client().await;
    for (filter, expected) in [
        ("source = 'second'", (0, 1)),
        ("source IN ('second', 'nobody')", (0, 1)),
        ("source IN ('second', 'nobody', 'x', 'y', 'z')", (0, 1)),
        ("source <> 'second'", (1, 0)),
        ("source LIKE 'span%'", (1, 0)),
        ("source ILIKE 'SEC%' AND provider = 'openai'", (0, 1)),
        ("source NOT IN ('spanlens', 'x')", (0, 1)),
        ("source = 'nobody'", (0, 0)),
        ("source IS NULL", (0, 0)),
        ("source || '!' = 'second!'", (0, 1)),
        ("upper(source) = 'SECOND'", (0, 1)),
        ("CASE source WHEN 'second' THEN 1 ELSE 2 END = 2", (1, 0)),
        ("source = 'second' AND source = 'spanlens'", (0, 0)),
        ("provider = 'openai' AND provider = 'gemini'", (0, 0)),
        ("(source = 'second' OR source = 'spanlens') AND id = 'x'", (1, 1)),
    ] {
        let before = (bench.n_calls(), second.calls().len());
        let sql = format!("SELECT count(*) FROM requests WHERE {filter}");
        let text = plan(&client, &sql).await;
        let scans = |name: &str| text.matches(&format!("Scan on {name}.requests")).count();
        assert_eq!((scans("spanlens"), scans("second")), expected, "{filter}\n{text}");
        assert!(!text.contains("Scan on nothing") || expected == (0, 0), "{filter}\n{text}");
        assert!(!text.contains("UnionExec") || expected == (1, 1), "{filter}\n{text}");
        assert!(!text.contains("Filter: true"), "{filter}\n{text}");
        value(&client, &sql).await;
        let after = (bench.n_calls() - before.0, second.calls().len() - before.1);
        assert_eq!(after, expected, "{filter}\n{text}");
    }
    let statement = client.prepare("SELECT count(*) FROM requests WHERE source = $1").await.unwrap();
    let before = bench.n_calls();
    let count: i64 = client.query_one(&statement, &[&"second"]).await.unwrap().get(0);
    assert_eq!((count, bench.n_calls() - before), (2_000, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_on_canonical_columns_reach_each_upstream() {
    let (bench, second) = two().await;
    let client = bench.client().await;
    let filter = "provider = 'openai' AND model ILIKE '%mini%' AND created_at > now() - interval '3 days'";
    let text = plan(&client, &format!("SELECT id FROM requests WHERE {filter} AND latency_ms > 500")).await;
    assert_eq!(text.matches("Pushed Filter: ").count(), 2, "{text}");
    assert_eq!(text.matches("provider=openai&model=mini").count(), 2, "{text}");
    value(&client, &format!("SELECT count(*) FROM requests WHERE {filter}")).await;
    for calls in [bench.demo.calls(), second.calls()] {
        assert_eq!(calls.len(), 1);
        for part in ["from=", "provider=openai", "model=mini"] {
            assert!(calls[0].query.contains(part), "{}", calls[0].query);
        }
    }
    let slow = value(&client, "SELECT count(*) FROM requests WHERE latency_ms > 500.5 AND source = 'spanlens'").await;
    let expected = bench.demo.data().requests().filter(|row| row.latency_ms > 500).count();
    assert_eq!(slow, expected.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_of_all_sources_take_one_small_call_each() {
    let (bench, second) = two().await;
    let client = bench.client().await;
    let mut expected: Vec<i64> = bench.demo.data().requests().map(|row| row.created_at).collect();
    expected.extend(second.data().requests().map(|row| row.created_at));
    expected.sort_unstable_by(|left, right| right.cmp(left));
    for (columns, tail, range) in [
        ("created_at", "LIMIT 50", 0..50),
        ("created_at, source, upper(model)", "LIMIT 30", 0..30),
        ("created_at, *", "LIMIT 30 OFFSET 20", 20..50),
        ("created_at AS at, id", "LIMIT 40", 0..40),
    ] {
        let before = (bench.n_calls(), second.calls().len());
        let sql = format!("SELECT {columns} FROM requests ORDER BY created_at DESC {tail}");
        let text = plan(&client, &sql).await;
        let got = client.query(&sql, &[]).await.unwrap();
        let got: Vec<i64> =
            got.iter().map(|row| row.get::<_, chrono::DateTime<chrono::Utc>>(0).timestamp_micros()).collect();
        assert_eq!(got, expected[range], "{sql}\n{text}");
        for calls in [&bench.demo.calls()[before.0..], &second.calls()[before.1..]] {
            assert_eq!(calls.len(), 1, "{sql}\n{text}");
            let limit: usize = calls[0].query.rsplit_once("limit=").unwrap().1.parse().unwrap();
            assert!(limit <= 50, "{sql}: {}\n{text}", calls[0].query);
        }
        assert_eq!(text.matches("Order: created_at descending, as upstream sends it").count(), 2, "{text}");
        assert!(!text.contains("SortExec"), "{text}");
    }
    let sql = "SELECT id FROM requests WHERE source = 'second' ORDER BY created_at DESC LIMIT 5";
    let before = (bench.n_calls(), second.calls().len());
    assert_eq!(rows(&client, sql).await.len(), 5);
    let calls = &second.calls()[before.1..];
    assert_eq!((bench.n_calls() - before.0, calls.len()), (0, 1));
    assert!(calls[0].query.ends_with("limit=20"), "{}\n{}", calls[0].query, plan(&client, sql).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_source_alone_is_read_as_its_own_table() {
    let bench = start(small()).await;
    let client = bench.client().await;
    let filter = "WHERE provider = 'openai' ORDER BY created_at DESC LIMIT 30";
    let all = rows(&client, &format!("SELECT created_at FROM requests {filter}")).await;
    let own = rows(&client, &format!("SELECT created_at FROM spanlens.requests {filter}")).await;
    assert_eq!(all, own);
    let without_time = |query: &str| {
        let parts = query.split('&').filter(|part| !part.starts_with("from=")).map(str::to_owned);
        parts.collect::<Vec<_>>()
    };
    let calls = bench.demo.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(without_time(&calls[0].query), without_time(&calls[1].query));
}

#[tokio::test(flavor = "multi_thread")]
async fn virtual_tables_join_each_other() {
    let (bench, second) = two().await;
    let client = bench.client().await;
    let joined = |demo: &Demo| {
        let traces: std::collections::HashSet<String> = demo.data().traces().map(|trace| trace.id).collect();
        demo.data().requests().filter(|row| row.trace_id.as_ref().is_some_and(|id| traces.contains(id))).count()
    };
    let sql = "SELECT count(*) FROM requests r JOIN traces t ON t.id = r.trace_id AND t.source = r.source";
    assert_eq!(value(&client, sql).await, (joined(&bench.demo) + joined(&second)).to_string());
    assert_eq!(value(&client, &format!("{sql} WHERE r.source = 'second'")).await, joined(&second).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_is_right() {
    let (bench, _second) = two().await;
    let client = bench.client().await;
    let filter = "WHERE created_at > '2020-01-01' AND provider = 'openai'";
    for order in [
        "source, id",
        "created_at DESC, id, source",
        "created_at, source DESC, id",
        "latency_ms DESC, id",
        "cost_usd DESC NULLS LAST, id, source",
        "upper(model), id, source",
        "error_message NULLS FIRST, id, source",
    ] {
        let all = rows(&client, &format!("SELECT * FROM requests {filter} ORDER BY {order}")).await;
        let page = format!("SELECT * FROM requests {filter} ORDER BY {order} LIMIT 17 OFFSET 3");
        let text = plan(&client, &page).await;
        assert_eq!(rows(&client, &page).await, all[3..20], "{order}\n{text}");
    }
    let trace = "SELECT source FROM spans UNION ALL SELECT source FROM traces ORDER BY source DESC LIMIT 3";
    assert_eq!(value(&client, &format!("SELECT min(source) FROM ({trace}) t")).await, "spanlens");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_reaches_each_branch() {
    let (bench, second) = two().await;
    let client = bench.client().await;
    assert_eq!(rows(&client, "SELECT id FROM requests LIMIT 5").await.len(), 5);
    assert_eq!(rows(&client, "SELECT id FROM requests LIMIT 5 OFFSET 2").await.len(), 5);
    let calls = [bench.demo.calls(), second.calls()].concat();
    assert!((2..=4).contains(&calls.len()), "{}", calls.len());
    assert!(calls.iter().all(|call| call.query.ends_with("limit=5") || call.query.ends_with("limit=7")), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn enough_rows_end_the_calls_of_the_other_branches() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let bench = start_with(small(), &source("silent", &format!("http://{address}"), "demo-token"), "").await;
    let client = bench.client().await;
    for sql in ["SELECT id FROM requests LIMIT 5", "SELECT id FROM requests LIMIT 5 OFFSET 5"] {
        assert_eq!(rows(&client, sql).await.len(), 5);
    }
    // Whoever has called the silent upstream stands before this one in its queue, and has hung up.
    let last = tokio::net::TcpStream::connect(address).await.unwrap();
    loop {
        let (mut socket, peer) = silent.accept().await.unwrap();
        if peer == last.local_addr().unwrap() {
            break;
        }
        let mut request = Vec::new();
        let closed = socket.read_to_end(&mut request);
        let closed = tokio::time::timeout(std::time::Duration::from_secs(20), closed).await;
        assert!(closed.is_ok(), "a call is still under way");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_upstream_fails_the_statement_unless_the_session_wants_a_warning() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let more = format!("{}{}", source("dead", &url, "demo-token"), {
        let refused = source("refused", "{spanlens}", "another-token");
        refused.trim_start_matches(QUOTA).to_owned()
    });
    let bench = start_with(small(), &more, "").await;
    let (client, mut notices) = listening(&bench).await;
    let sql = "SELECT count(*) FROM requests WHERE created_at > '2020-01-01'";
    let only = |name: &str| format!("{sql} AND source <> '{name}'");
    assert_eq!(fault(&client, &only("refused")).await.0, "08001");
    assert_eq!(fault(&client, &only("dead")).await.0, "HV00N");
    while notices.try_recv().is_ok() {}
    client.simple_query("SET spanwire.on_upstream_error = warn").await.unwrap();
    assert_eq!(value(&client, sql).await, "3000");
    let mut warnings = Vec::new();
    while let Ok((severity, message)) = notices.try_recv() {
        if severity == "WARNING" {
            warnings.push(message);
        }
    }
    warnings.sort();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("rows of source \"dead\" are missing: could not connect"), "{warnings:?}");
    assert!(warnings[1].starts_with("rows of source \"refused\" are missing: upstream refused"), "{warnings:?}");
    // The order of the others' rows does not depend on those that are missing.
    let newest = bench.demo.data().requests().next().expect("a row").created_at;
    let got = client.query("SELECT created_at FROM requests ORDER BY created_at DESC LIMIT 1", &[]).await.unwrap();
    assert_eq!(got[0].get::<_, chrono::DateTime<chrono::Utc>>(0).timestamp_micros(), newest);
    // A vendor's own table has nothing to go on with.
    assert_eq!(fault(&client, "SELECT count(*) FROM dead.requests").await.0, "08001");
    assert_eq!(fault(&client, "SELECT count(*) FROM refused.requests").await.0, "HV00N");
    assert_eq!(fault(&client, &format!("SET spanwire.max_calls = 0; {sql}")).await.0, "53400");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogs_show_views_with_comments() {
    let (bench, _second) = two().await;
    let client = bench.client().await;
    let sql = "SELECT c.relname, c.relkind, obj_description(c.oid), (SELECT count(*) FROM pg_attribute a \
               WHERE a.attrelid = c.oid AND a.attnum > 0 AND col_description(a.attrelid, a.attnum) <> '') \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' ORDER BY 1";
    let mut expected: Vec<Vec<Option<String>>> = SHAPES
        .iter()
        .map(|shape| {
            [shape.name, "v", shape.doc, &shape.columns.len().to_string()].map(|s| Some(s.to_owned())).to_vec()
        })
        .collect();
    expected.sort();
    assert_eq!(rows(&client, sql).await, expected);
    let definition = value(&client, "SELECT pg_get_viewdef('public.traces'::regclass)").await;
    for part in [
        "'spanlens'::text AS source",
        "duration_ms::double precision AS duration_ms",
        "CASE status WHEN 'ok' THEN 'ok' WHEN 'completed' THEN 'ok'",
        "FROM spanlens.traces\nUNION ALL\n SELECT 'second'::text",
        "FROM second.traces;",
    ] {
        assert!(definition.contains(part), "{part} is missing in\n{definition}");
    }
    assert_eq!(value(&client, "SELECT count(*) FROM pg_views WHERE schemaname = 'public'").await, "5");
}

#[test]
fn every_vendor_gives_columns_that_fit_the_shapes() {
    for connector in CONNECTORS {
        for table in connector.tables {
            let Some(canonical) = &table.canonical else { continue };
            let shape = SHAPES.iter().find(|shape| shape.name == canonical.shape).expect(canonical.shape);
            for (name, take) in canonical.columns {
                let what = format!("{}.{}: {name}", connector.kind, table.name);
                let to = shape.columns.iter().find(|column| column.name == *name).expect(&what);
                let from = table.column(take.column()).expect(&what);
                let fits = match take {
                    Take::Column(_) => {
                        from.ty == to.ty || to.ty == Type::Text || (from.ty, to.ty) == (Type::Bigint, Type::Double)
                    }
                    Take::Scaled(..) => matches!(from.ty, Type::Bigint | Type::Double) && to.ty == Type::Double,
                    Take::Text(_) | Take::Words(..) | Take::IfNull(..) => to.ty == Type::Text,
                };
                assert!(fits && !["source", "extra"].contains(name), "{what}");
            }
        }
    }
}
