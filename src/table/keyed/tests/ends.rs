//! How driven scans begin and end, and what is said of them.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;
use futures::StreamExt;
use tokio::sync::mpsc;

use super::fake::{Bench, Upstream, bench, statement, trace};
use crate::model::scan::Range;
use crate::model::statement::Statement;
use crate::sql::explain;
use crate::table::keyed::KeysExec;

const JOIN: &str = "SELECT s.id FROM spans s JOIN traces t ON s.trace_id = t.id";

#[tokio::test]
async fn a_limit_ends_the_calls() {
    let all = bench(Upstream::default());
    all.rows(JOIN).await.unwrap();
    assert_eq!(all.upstream.keys("spans").map(|keys| keys.len()), Some(40));
    for sql in ["LIMIT 5", "LIMIT 3 OFFSET 2"].map(|limit| format!("{JOIN} {limit}")) {
        let few = bench(Upstream::default());
        let rows = few.rows(&sql).await.unwrap().len();
        assert_eq!(rows, if sql.ends_with("2") { 3 } else { 5 });
        let calls = few.upstream.keys("spans").unwrap().len();
        assert!((1..10).contains(&calls), "{sql}: {calls} calls");
    }
}

#[tokio::test]
async fn without_keys_nothing_is_asked() {
    for sql in [
        "SELECT s.id FROM spans s JOIN traces t ON s.trace_id = t.id WHERE t.number > 1000",
        "SELECT t.id, s.id FROM (SELECT * FROM traces WHERE number > 1000) t LEFT JOIN spans s ON s.trace_id = t.id",
        "SELECT t.id FROM traces t WHERE t.number > 1000 AND NOT EXISTS (SELECT 1 FROM spans s WHERE s.trace_id = t.id)",
        "SELECT s.id FROM spans s WHERE trace_id IN (SELECT trace_id FROM notes WHERE trace_id IS NULL)",
    ] {
        let bench = bench(Upstream::default());
        assert_eq!(bench.rows(sql).await.unwrap(), Vec::<String>::new(), "{sql}");
        assert_eq!(bench.upstream.keys("spans"), Some(Vec::new()), "{sql}");
    }
}

#[tokio::test]
async fn the_default_lookback_bounds_no_scan_that_a_join_drives() {
    for (clause, expected) in [
        ("", Range::default()),
        (" WHERE s.at <= '1970-01-02 00:00:00Z'", Range { from: None, to: Some(86_400_000_000) }),
        (" WHERE s.at >= '1960-01-01 00:00:00Z'", Range { from: Some(-315_619_200_000_000), to: None }),
    ] {
        let bench = bench(Upstream::default());
        let statement = statement();
        let mut rows = bench.started(&format!("{JOIN}{clause}"), &statement).await;
        let mut n_rows = 0;
        while let Some(batch) = rows.next().await {
            n_rows += batch.unwrap().num_rows();
        }
        assert_eq!(n_rows, 60, "{clause}");
        let calls = bench.upstream.calls();
        assert!(calls.iter().filter(|call| call.table == "spans").all(|call| call.range == expected), "{calls:?}");
        let notices: Vec<String> = statement.take_notices().into_iter().map(|notice| notice.message).collect();
        assert_eq!(notices, ["f.traces is read back to 1 hour ago"], "{clause}");
    }
    let listed = bench(Upstream::default());
    let statement = statement();
    drop(listed.started("SELECT * FROM spans", &statement).await.next().await);
    let notices = statement.take_notices();
    assert_eq!(notices.len(), 1);
    let detail = notices[0].detail.clone().unwrap();
    assert!(
        detail.contains("f.spans is read by \"trace_id\", one call for each: those that f.traces lists from"),
        "{detail}"
    );
    assert!(listed.upstream.calls()[0].range.from.is_some());
}

#[tokio::test]
async fn a_scan_whose_keys_are_listed_tells_from_when_on() {
    for (table, clause, told) in [
        ("spans", "trace_id = 't1'", None),
        ("spans", "at >= '1970-01-02 00:00:00Z'", Some("f.traces lists from 1970-01-02T00:00:00.000Z")),
        (
            "events",
            "at >= '1970-01-02 00:00:00Z'",
            Some("f.traces lists from 1970-01-01T23:00:00.000Z, 1 hour before the lower bound"),
        ),
    ] {
        let (bench, statement) = (bench(Upstream::default()), statement());
        let sql = format!("SELECT * FROM {table} WHERE {clause}");
        drop(bench.started(&sql, &statement).await.next().await);
        let notices: Vec<String> = statement.take_notices().into_iter().map(|notice| notice.message).collect();
        let start = format!("f.{table} is read by \"trace_id\", one call for each: those that ");
        assert_eq!(notices, Vec::from_iter(told.map(|told| format!("{start}{told}"))), "{sql}");
    }
}

#[tokio::test]
async fn a_cancelled_statement_drops_both_sides() {
    let (held, mut dropped) = mpsc::channel(1);
    let upstream = Upstream { stuck: Some(held).into(), ..Upstream::default() };
    let bench = bench(upstream);
    let statement = statement();
    let sql = "SELECT s.id FROM spans s JOIN notes n ON s.trace_id = n.trace_id";
    let mut rows = bench.started(sql, &statement).await;
    statement.cancel.cancel();
    assert_eq!(rows.next().await.unwrap().unwrap_err().sqlstate(), "57014");
    drop(rows);
    // Ends once the stream of the notes is gone.
    assert_eq!(dropped.recv().await, None);
    assert_eq!(bench.upstream.keys("spans"), Some(Vec::new()));
}

#[tokio::test]
async fn a_fault_of_the_program_is_no_end_of_the_rows() {
    let bench = bench(Upstream { panics: true, ..Upstream::default() });
    let error = bench.rows("SELECT count(*) FROM notes").await.unwrap_err();
    assert_eq!(error.kind, crate::error::Kind::Internal);
}

#[tokio::test]
async fn a_failure_of_the_keys_is_the_failure_of_the_statement() {
    let bench = bench(Upstream { is_broken: true, ..Upstream::default() });
    let sql = "SELECT s.id FROM spans s JOIN notes n ON s.trace_id = n.trace_id";
    assert_eq!(bench.rows(sql).await.unwrap_err().sqlstate(), "57014");
    assert_eq!(bench.upstream.keys("spans"), Some(Vec::new()));
}

/// The node that finds the keys of a plan, and the scan that waits for them.
async fn parts(bench: &Bench, sql: &str) -> (Arc<dyn ExecutionPlan>, Arc<dyn ExecutionPlan>) {
    let plan = bench.physical(sql).await;
    let (mut keys, mut scan) = (None, None);
    plan.apply(|node| {
        if node.is::<KeysExec>() {
            keys = Some(Arc::clone(node));
        } else if node.children().is_empty() {
            scan = Some(Arc::clone(node));
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    (keys.unwrap(), scan.unwrap())
}

fn context() -> TaskContext {
    TaskContext::default().with_session_config(SessionConfig::new().with_extension(statement()))
}

#[tokio::test]
async fn keys_that_nobody_collects_any_more_fail_the_scan() {
    let bench = bench(Upstream::default());
    let (keys, scan) = parts(&bench, JOIN).await;
    let context = Arc::new(context());
    let mut waiting = scan.execute(0, Arc::clone(&context)).unwrap();
    drop(keys.execute(0, context).unwrap());
    let failure = waiting.next().await.unwrap().unwrap_err();
    assert!(failure.to_string().contains("ended before the scan"), "{failure}");
    assert_eq!(bench.upstream.keys("spans"), Some(Vec::new()));
}

#[tokio::test]
async fn keys_count_as_memory_of_the_statement_while_they_live() {
    let bench = bench(Upstream::default());
    let (keys, scan) = parts(&bench, JOIN).await;
    let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(1 << 20));
    let runtime = |pool: &Arc<dyn MemoryPool>| {
        let environment = RuntimeEnvBuilder::new().with_memory_pool(Arc::clone(pool)).build_arc().unwrap();
        Arc::new(context().with_runtime(environment))
    };
    let mut rows = keys.execute(0, runtime(&pool)).unwrap();
    while let Some(batch) = rows.next().await {
        batch.unwrap();
    }
    drop((rows, keys));
    assert!(pool.reserved() > 40 * trace(1).len(), "{}", pool.reserved());
    drop(scan);
    assert_eq!(pool.reserved(), 0);

    let (keys, _scan) = parts(&bench, JOIN).await;
    let small: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(100));
    let failure = keys.execute(0, runtime(&small)).unwrap().next().await.unwrap().unwrap_err();
    assert!(matches!(failure, DataFusionError::ResourcesExhausted(_)), "{failure}");
}

#[tokio::test]
async fn explain_tells_where_the_keys_come_from() {
    let bench = bench(Upstream::default());
    for (sql, expected) in [
        (
            JOIN,
            &[
                "Keys: distinct id, for f.spans",
                "Keys: from the join",
                "Calls Expected: one for each trace_id that the rest of the statement finds",
                "Upstream Request: GET /spans?trace=<trace_id>",
            ][..],
        ),
        (
            "SELECT * FROM spans WHERE trace_id IN ('a', 'b', 'c')",
            &["Keys: 3 given", "Calls Expected: 3", "Upstream Request: GET /spans?trace=a"],
        ),
        (
            "SELECT * FROM spans",
            &[
                "Keys: listed by f.traces",
                "Calls Expected: those of reading traces, and one for each id there",
                "Notice: f.spans is read",
            ],
        ),
    ] {
        let lines = explain::lines(bench.physical(sql).await.as_ref(), &Statement::new("u", None, 1_000), false);
        for line in expected {
            assert!(lines.iter().any(|own| own.contains(line)), "{sql}: no {line} in {lines:#?}");
        }
        if sql == JOIN {
            assert!(!lines.iter().any(|own| own.contains("f.spans is read")), "{lines:#?}");
        }
    }
}
