-- What the gateway refuses for good: a statement for each reason, as listed.tsv has them.
-- order
SELECT ARRAY[[1, 2], [3, 4]] AS a, '{{a,b},{c,d}}'::text[] AS b, ARRAY[[1, 2]] || ARRAY[3, 4] AS c, (ARRAY[[1, 2], [3, 4]])[2][1] AS d, array_fill(0, ARRAY[2, 2]) AS e, array_agg(ARRAY[x, x * 2] ORDER BY x) AS f, '[0:1]={5,6}'::int[] AS g FROM generate_series(1, 3) AS x;
SELECT timetz '04:05:06-08' AS a, timestamptz '2026-05-15 10:11Z'::timetz AS b, time with time zone '10:00+02' AT TIME ZONE 'UTC' AS c, current_time IS NOT NULL AS d;
SELECT B'101' AS a, X'1F' AS b, '10'::bit(2) AS c, 5::bit(4) AS d, B'101'::int AS e, '101'::varbit AS f;
SELECT '[1,5)'::int4range AS a, daterange('2026-01-01', '2026-02-01') @> date '2026-01-05' AS b;
SELECT row(1, 'a', NULL) AS a, 'pg_class'::regclass AS d, '192.168.0.1/24'::inet AS b, inet '192.168.0.5' << inet '192.168.0.0/24' AS c;
SELECT (s.r).id AS a, (jsonb_populate_record(s.r, '{"id": "x"}')).id AS b FROM (SELECT r FROM requests r) s ORDER BY 1 LIMIT 3;
WITH RECURSIVE g(a, b) AS (VALUES (1, 2), (2, 3), (3, 1)), r(x, y) AS (SELECT a, b FROM g WHERE a = 1 UNION ALL SELECT g.a, g.b FROM g JOIN r ON g.a = r.y) SEARCH DEPTH FIRST BY x SET o CYCLE x SET c USING p SELECT x, y, c FROM r ORDER BY x, y, c;
SELECT count(*) FROM requests TABLESAMPLE BERNOULLI (100);
SELECT '294276-12-31 23:59:59.999999'::timestamp AS a;
SELECT setseed(0.5) IS NOT NULL AS a, hashtext('a') IS NOT NULL AS b, txid_current() > 0 AS c, to_ascii('abc', 'LATIN1') AS d;
-- session: SET DateStyle = 'SQL, DMY'
SELECT date '2026-05-06' AS a, timestamp '2026-05-06 10:11:12' AS b, timestamptz '2026-05-06 10:11:12Z' AS c, date '05/06/2026' AS d;
-- session:
-- error
SELECT * FROM requests LIMIT id;
