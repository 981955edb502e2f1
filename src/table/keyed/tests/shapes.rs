//! The shapes of SQL.

use super::fake::{Upstream, bench, trace};
use super::{driven_by, same_rows, spans_asked};

const SOME: &str = "SELECT DISTINCT id FROM traces WHERE kind IN ('k3', 'k4')";

#[tokio::test]
async fn an_inner_join_drives_the_scan_in_either_order() {
    let statements = [
        "SELECT t.*, s.* FROM traces t JOIN spans s ON s.trace_id = t.id WHERE t.kind IN ('k3', 'k4')",
        "SELECT t.*, s.* FROM spans s JOIN traces t ON s.trace_id = t.id WHERE t.kind IN ('k3', 'k4')",
        "SELECT s.tokens, t.owner FROM spans s, traces t WHERE t.id = s.trace_id AND t.kind IN ('k3', 'k4')",
        "SELECT trace_id, x.owner, s.id FROM spans s JOIN (SELECT id AS trace_id, owner, kind FROM traces) x USING (trace_id) WHERE kind IN ('k3', 'k4')",
        "SELECT count(*), sum(s.tokens) FROM spans s NATURAL JOIN (SELECT id AS trace_id FROM traces WHERE kind IN ('k3', 'k4')) x",
        "SELECT s.id, t.number FROM spans s JOIN traces t ON s.trace_id = t.id AND s.tokens > t.number WHERE t.kind IN ('k3', 'k4')",
        "SELECT s.id FROM spans s JOIN traces t ON s.trace_id = t.id AND s.tokens / 10 = t.number WHERE t.kind IN ('k3', 'k4')",
        "SELECT s.id, t.number FROM spans s JOIN traces t ON s.trace_id = t.id WHERE t.kind IN ('k3', 'k4') ORDER BY s.at, s.id",
    ];
    driven_by(SOME, &statements).await;
}

#[tokio::test]
async fn an_outer_join_drives_the_side_that_may_be_missing() {
    let statements = [
        "SELECT t.id, s.id FROM traces t LEFT JOIN spans s ON s.trace_id = t.id WHERE t.kind IN ('k3', 'k4')",
        "SELECT s.*, t.* FROM spans s RIGHT JOIN traces t ON s.trace_id = t.id WHERE t.kind IN ('k3', 'k4')",
        "SELECT t.id FROM traces t LEFT JOIN spans s ON s.trace_id = t.id WHERE t.kind IN ('k3', 'k4') AND s.id IS NULL",
        "SELECT x.owner, s.id FROM (SELECT * FROM traces WHERE kind IN ('k3', 'k4')) x LEFT JOIN spans s ON x.id = s.trace_id AND s.tokens > 100",
    ];
    driven_by(SOME, &statements).await;
}

#[tokio::test]
async fn subqueries_drive_the_scan() {
    let statements = [
        "SELECT * FROM spans WHERE trace_id IN (SELECT id FROM traces WHERE kind IN ('k3', 'k4'))",
        "SELECT count(*) FROM spans s WHERE EXISTS (SELECT 1 FROM traces t WHERE t.id = s.trace_id AND t.kind IN ('k3', 'k4'))",
        "SELECT s.id FROM spans s WHERE EXISTS (SELECT 1 FROM traces t WHERE t.id = s.trace_id AND t.number < s.tokens AND t.kind IN ('k3', 'k4'))",
        "SELECT * FROM traces WHERE kind IN ('k3', 'k4') AND id IN (SELECT trace_id FROM spans WHERE tokens % 2 = 0)",
        "SELECT * FROM traces t WHERE kind IN ('k3', 'k4') AND EXISTS (SELECT 1 FROM spans s WHERE s.trace_id = t.id)",
        "SELECT * FROM traces t WHERE kind IN ('k3', 'k4') AND NOT EXISTS (SELECT 1 FROM spans s WHERE s.trace_id = t.id AND s.tokens > 100)",
        "SELECT * FROM traces t WHERE kind IN ('k3', 'k4') AND id NOT IN (SELECT trace_id FROM spans WHERE tokens > 100)",
        "SELECT * FROM traces t WHERE kind IN ('k3', 'k4') AND (owner = 'o1' OR EXISTS (SELECT 1 FROM spans s WHERE s.trace_id = t.id AND s.tokens > 100))",
        "SELECT * FROM traces t WHERE kind IN ('k3', 'k4') AND (owner = 'o1' OR id IN (SELECT trace_id FROM spans WHERE tokens > 100))",
        "SELECT id, (SELECT count(*) FROM spans s WHERE s.trace_id = t.id) AS n FROM traces t WHERE kind IN ('k3', 'k4')",
        "SELECT id, (SELECT max(tokens) FROM spans s WHERE s.trace_id = t.id) AS n FROM traces t WHERE kind IN ('k3', 'k4')",
        "SELECT t.id, x.n FROM traces t, LATERAL (SELECT sum(s.tokens) AS n FROM spans s WHERE s.trace_id = t.id) x WHERE t.kind IN ('k3', 'k4')",
        "SELECT t.id, x.id FROM traces t JOIN LATERAL (SELECT * FROM spans s WHERE s.trace_id = t.id) x ON true WHERE t.kind IN ('k3', 'k4')",
        "SELECT t.id, x.id FROM traces t LEFT JOIN LATERAL (SELECT * FROM spans s WHERE s.trace_id = t.id) x ON true WHERE t.kind IN ('k3', 'k4')",
    ];
    driven_by(SOME, &statements).await;
}

#[tokio::test]
async fn a_scalar_subquery_drives_the_scan() {
    let first = "SELECT min(id) FROM traces WHERE kind = 'k3'";
    for sql in [
        format!("SELECT * FROM spans WHERE trace_id = ({first})"),
        format!("SELECT * FROM spans s WHERE ({first}) = s.trace_id::text AND tokens > 30"),
        format!("SELECT s.id, t.number FROM spans s JOIN traces t ON t.id = s.trace_id WHERE s.trace_id = ({first})"),
        "SELECT * FROM spans WHERE trace_id = (SELECT id FROM traces WHERE kind = 'k3' ORDER BY id LIMIT 1)".to_owned(),
    ] {
        driven_by(first, &[&sql]).await;
    }
    let statements = [
        "WITH one AS (SELECT id FROM traces WHERE number = 3) SELECT * FROM spans WHERE trace_id = (SELECT id FROM one)",
    ];
    driven_by("SELECT id FROM traces WHERE number = 3", &statements).await;
    let upstream = bench(Upstream::default());
    let none = "SELECT * FROM spans WHERE trace_id = (SELECT id FROM traces WHERE kind = 'none')";
    assert_eq!(upstream.rows(none).await.unwrap(), Vec::<String>::new());
    assert_eq!(upstream.upstream.keys("spans"), Some(Vec::new()));
}

#[tokio::test]
async fn what_lies_between_join_and_scan_is_looked_through() {
    let statements = [
        "WITH chosen AS (SELECT id FROM traces WHERE kind IN ('k3', 'k4')), all_spans AS (SELECT trace_id AS t, tokens + 1 AS n FROM spans) SELECT * FROM all_spans JOIN chosen ON chosen.id = all_spans.t",
        "SELECT * FROM (SELECT * FROM (SELECT trace_id AS a, id AS b FROM spans WHERE tokens % 3 > 0) x WHERE b <> 's9') y JOIN traces t ON t.id = y.a WHERE t.kind IN ('k3', 'k4')",
        "SELECT t.id, x.n FROM traces t JOIN (SELECT trace_id, sum(tokens) AS n FROM spans GROUP BY trace_id) x ON x.trace_id = t.id WHERE t.kind IN ('k3', 'k4')",
        "SELECT t.id, x.n FROM (SELECT trace_id, tokens % 2 AS odd, count(*) AS n FROM spans GROUP BY 2, 1 HAVING count(*) > 1) x JOIN traces t ON x.trace_id = t.id WHERE t.kind IN ('k3', 'k4')",
        "SELECT * FROM (SELECT DISTINCT trace_id FROM spans) x JOIN traces t ON x.trace_id = t.id WHERE t.kind IN ('k3', 'k4')",
        "SELECT * FROM (SELECT trace_id, row_number() OVER (PARTITION BY trace_id ORDER BY tokens) AS r FROM spans) x JOIN traces t ON x.trace_id = t.id WHERE t.kind IN ('k3', 'k4') AND r = 1",
        "SELECT * FROM (SELECT trace_id, sum(tokens) OVER (PARTITION BY trace_id) AS r FROM spans) x JOIN traces t ON x.trace_id = t.id WHERE t.kind IN ('k3', 'k4')",
        "SELECT s.id FROM spans s JOIN traces t ON s.trace_id::varchar = t.id::text WHERE t.kind IN ('k3', 'k4')",
        "SELECT s.id FROM spans s JOIN traces t ON s.trace_id = lower(t.id) WHERE t.kind IN ('k3', 'k4')",
        "SELECT s.id, p.a FROM (spans s CROSS JOIN (VALUES (1), (2)) p(a)) JOIN traces t ON s.trace_id = t.id WHERE t.kind IN ('k3', 'k4')",
        "SELECT x.id FROM (SELECT s.id, s.trace_id FROM spans s JOIN (VALUES (100), (250)) p(a) ON s.tokens > p.a) x JOIN traces t ON x.trace_id = t.id WHERE t.kind IN ('k3', 'k4')",
        "SELECT trace_id FROM spans INTERSECT SELECT id FROM traces WHERE kind IN ('k3', 'k4')",
        "SELECT id FROM traces WHERE kind IN ('k3', 'k4') EXCEPT SELECT trace_id FROM spans WHERE tokens > 100",
        "SELECT s.id FROM spans s JOIN (SELECT id FROM traces WHERE kind = 'k3' UNION ALL SELECT id FROM traces WHERE kind = 'k4') t ON s.trace_id = t.id",
    ];
    driven_by(SOME, &statements).await;
}

#[tokio::test]
async fn in_a_union_only_the_branches_that_need_keys_wait() {
    let union = "(SELECT id, trace_id FROM spans UNION ALL SELECT id, trace_id FROM events UNION ALL SELECT id, trace_id FROM notes) u";
    for sql in [
        format!("SELECT u.id, t.number FROM {union} JOIN traces t ON t.id = u.trace_id WHERE t.kind IN ('k3', 'k4')"),
        format!("SELECT u.id FROM {union} WHERE trace_id IN (SELECT id FROM traces WHERE kind IN ('k3', 'k4'))"),
        format!("SELECT t.id, u.id FROM traces t LEFT JOIN {union} ON t.id = u.trace_id WHERE t.kind IN ('k3', 'k4')"),
    ] {
        driven_by(SOME, &[&sql]).await;
        let upstream = same_rows(&sql).await.unwrap();
        // Each trace with an even number has a UUID.
        let uuids: Vec<String> = (0..40).filter(|n| n % 8 == 4).map(trace).collect();
        assert_eq!(upstream.keys("events"), Some(uuids), "{sql}");
        assert_eq!(upstream.keys("notes"), None, "{sql}");
    }
}

#[tokio::test]
async fn keys_are_distinct_and_never_null() {
    driven_by(
        "SELECT DISTINCT trace_id FROM notes WHERE trace_id IS NOT NULL",
        &["SELECT n.id, s.id FROM notes n JOIN spans s ON s.trace_id = n.trace_id"],
    )
    .await;
    driven_by(
        "SELECT DISTINCT trace_id FROM notes WHERE trace_id IS NOT NULL",
        &["SELECT n.id, s.id FROM notes n LEFT JOIN spans s ON s.trace_id = n.trace_id"],
    )
    .await;
    driven_by(
        "VALUES ('t01'), ('t99')",
        &["SELECT s.id FROM spans s JOIN (VALUES ('t01'), ('t01'), (NULL), ('t99')) v(k) ON v.k = s.trace_id"],
    )
    .await;
    driven_by(
        "VALUES ('t01')",
        &["SELECT s.id FROM spans s JOIN (VALUES ('t01'), (NULL)) v(k) ON v.k IS NOT DISTINCT FROM s.trace_id"],
    )
    .await;
}

#[tokio::test]
async fn of_several_joins_all_narrow_the_keys() {
    let statements = [
        "SELECT s.id FROM spans s JOIN traces t ON s.trace_id = t.id JOIN notes n ON n.trace_id = t.id WHERE t.number % 2 = 1",
        "SELECT s.id FROM spans s JOIN traces t ON s.trace_id = t.id JOIN notes n ON n.trace_id = s.trace_id WHERE t.number % 2 = 1",
        "SELECT s.id FROM traces t JOIN notes n ON n.trace_id = t.id JOIN spans s ON s.trace_id = t.id WHERE t.number % 2 = 1",
        "SELECT t.id, s.id FROM traces t LEFT JOIN spans s ON s.trace_id = t.id WHERE t.number % 2 = 1 AND t.id IN (SELECT trace_id FROM notes)",
    ];
    driven_by(
        "SELECT DISTINCT t.id FROM traces t JOIN notes n ON n.trace_id = t.id WHERE t.number % 2 = 1",
        &statements,
    )
    .await;
    let sql = "SELECT s.id, e.id FROM spans s JOIN traces t ON s.trace_id = t.id LEFT JOIN events e ON e.trace_id = s.trace_id WHERE t.number % 4 = 2";
    let upstream = same_rows(sql).await.unwrap();
    let expected: Vec<String> = (0..40).filter(|n| n % 4 == 2).map(trace).collect();
    assert_eq!(upstream.keys("spans").as_ref(), Some(&expected));
    assert_eq!(upstream.keys("events").as_ref(), Some(&expected));
}

#[tokio::test]
async fn of_two_scans_that_need_keys_one_lists_and_drives_the_other() {
    let upstream = same_rows("SELECT a.id, b.id FROM spans a JOIN events b USING (trace_id)").await.unwrap();
    assert_eq!(upstream.keys("spans"), None);
    // Events are asked for only where there is a span, and only by UUID.
    let expected: Vec<String> = (0..40).filter(|n| n % 4 > 0 && n % 2 == 0).map(trace).collect();
    assert_eq!(upstream.keys("events"), Some(expected));
}

#[tokio::test]
async fn keys_in_the_filter_stay_what_they_are() {
    driven_by(
        "VALUES ('t01'), ('t03')",
        &["SELECT s.id FROM spans s JOIN traces t ON s.trace_id = t.id WHERE s.trace_id IN ('t01', 't03')"],
    )
    .await;
}

#[tokio::test]
async fn rows_that_count_without_a_partner_are_all_read() {
    let statements = [
        "SELECT s.id, t.id FROM spans s LEFT JOIN traces t ON s.trace_id = t.id AND t.kind = 'k1'",
        "SELECT s.id, t.id FROM traces t RIGHT JOIN spans s ON s.trace_id = t.id AND t.kind = 'k1'",
        "SELECT s.id, t.id FROM spans s FULL JOIN (SELECT id FROM traces WHERE kind = 'k1') t ON s.trace_id = t.id",
        "SELECT id FROM spans WHERE trace_id NOT IN (SELECT id FROM traces WHERE kind = 'k1')",
        "SELECT id FROM spans s WHERE NOT EXISTS (SELECT 1 FROM traces t WHERE t.kind = 'k1' AND t.id = s.trace_id)",
        "SELECT id FROM spans WHERE tokens > 300 OR trace_id IN (SELECT id FROM traces WHERE kind = 'k1')",
        // A note without a trace is in the list only if there are no spans at all.
        "SELECT id FROM notes WHERE trace_id NOT IN (SELECT trace_id FROM spans)",
        "SELECT x.id FROM (SELECT trace_id, id FROM spans ORDER BY tokens, id LIMIT 50) x JOIN traces t ON x.trace_id = t.id",
        "SELECT x.id FROM (SELECT trace_id, id FROM spans LIMIT 500) x JOIN traces t ON x.trace_id = t.id",
        "SELECT x.n FROM (SELECT trace_id, count(*) AS n FROM spans GROUP BY ROLLUP (trace_id)) x JOIN traces t ON x.trace_id = t.id",
        "SELECT r FROM (SELECT trace_id, row_number() OVER (ORDER BY tokens, id) AS r FROM spans) x JOIN traces t ON x.trace_id = t.id WHERE t.kind = 'k1'",
        "SELECT s.id FROM spans s JOIN traces t ON s.trace_id || '' = t.id WHERE t.kind = 'k1'",
        "SELECT s.id FROM spans s JOIN traces t ON s.trace_id = t.id OR s.tokens = t.number WHERE t.kind = 'k1'",
        "SELECT s.id FROM spans s JOIN notes n ON s.tokens = n.number",
        "WITH RECURSIVE r(k) AS (SELECT 't01' UNION ALL SELECT 't' || lpad((s.tokens / 10 + 2)::text, 2, '0') FROM spans s JOIN r ON s.trace_id = r.k WHERE s.tokens < 100) SELECT * FROM r",
    ];
    spans_asked(None, &statements).await;
}
