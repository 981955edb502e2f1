//! Nothing but reading is possible, and what goes wrong is said in PostgreSQL's words.

use crate::support::{fault, small, start, value};

#[tokio::test(flavor = "multi_thread")]
async fn what_writes_is_refused() {
    let bench = start(small()).await;
    let client = bench.client().await;
    for (sql, code) in [
        ("INSERT INTO requests (id) VALUES ('x')", "25006"),
        ("UPDATE requests SET id = 'x'", "25006"),
        ("DELETE FROM requests", "25006"),
        ("TRUNCATE requests", "25006"),
        ("DROP TABLE requests", "25006"),
        ("CREATE TABLE t (a int)", "25006"),
        ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'", "25006"),
        ("ALTER TABLE requests ADD COLUMN a int", "25006"),
        ("GRANT SELECT ON requests TO demo", "25006"),
        ("SELECT * INTO copy FROM requests", "25006"),
        ("SELECT * FROM requests FOR UPDATE", "25006"),
        ("EXPLAIN ANALYZE DELETE FROM requests", "25006"),
        ("WITH gone AS (DELETE FROM requests RETURNING *) SELECT * FROM gone", "25006"),
        ("COPY requests FROM STDIN", "25006"),
        ("COPY requests TO '/tmp/requests.csv'", "42501"),
        ("COPY (SELECT 1) TO '/tmp/one.csv'", "42501"),
        ("COPY (SELECT 1) TO PROGRAM 'id'", "42501"),
        ("SET datafusion.execution.batch_size = 1", "42704"),
        ("SET transaction_read_only = off", "0A000"),
        ("BEGIN READ WRITE", "0A000"),
    ] {
        let (got, message) = fault(&client, sql).await;
        assert_eq!(got, code, "{sql}: {message}");
        client.simple_query("ROLLBACK").await.unwrap();
    }
    assert!(!std::path::Path::new("/tmp/one.csv").exists());
    assert_eq!(value(&client, "SELECT 1").await, "1");
    assert_eq!(bench.n_calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_the_codes_of_postgresql() {
    let bench = start(small()).await;
    let client = bench.client().await;
    for (sql, code, message) in [
        ("SELECT nope FROM requests", "42703", "column \"nope\" does not exist"),
        ("SELECT r.nope FROM requests r", "42703", "column r.nope does not exist"),
        ("SELECT * FROM nope", "42P01", "relation \"nope\" does not exist"),
        ("SELECT * FROM spanlens.nope", "42P01", "relation \"spanlens.nope\" does not exist"),
        ("SELECT nope(1)", "42883", ""),
        ("SELECT model, count(*) FROM requests", "42803", ""),
        (
            "SELECT id FROM requests r JOIN traces t ON r.trace_id = t.id",
            "42702",
            "column reference \"id\" is ambiguous",
        ),
        ("SELECT 1/0", "22012", "division by zero"),
        ("SELECT 'x'::int", "22P02", ""),
        ("SELECT 1 +", "42601", "syntax error at end of input"),
        ("SELEC 1", "42601", "syntax error at or near \"SELEC\""),
        ("SELECT 'open", "42601", "unterminated quoted string at or near \"'open\""),
        ("SHOW nope", "42704", "unrecognized configuration parameter \"nope\""),
        ("SET statement_timeout = 'soon'", "22023", "invalid value for parameter \"statement_timeout\": \"soon\""),
        ("SET server_version = '16'", "55P02", "parameter \"server_version\" cannot be changed"),
        ("SAVEPOINT a", "25P01", "SAVEPOINT can only be used in transaction blocks"),
    ] {
        let (got, text) = fault(&client, sql).await;
        assert_eq!(got, code, "{sql}: {text}");
        assert!(message.is_empty() || text == message, "{sql}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_point_at_their_place_in_the_whole_text() {
    let bench = start(small()).await;
    let client = bench.client().await;
    for (sql, at) in [
        ("SELECT nope FROM requests", 8),
        ("SELECT 1;\nSELECT id,\n  r.nope FROM requests r", 24),
        ("SELECT 'é', * FROM nope", 20),
        ("SELECT 1; SELECT 1 FROM requests WHERE", 39),
        ("SET x TO", 9),
    ] {
        let error = client.simple_query(sql).await.expect_err(sql);
        let error = error.as_db_error().expect("an answer");
        let position = Some(&tokio_postgres::error::ErrorPosition::Original(at));
        assert_eq!(error.position(), position, "{sql}: {}", error.message());
    }
}
