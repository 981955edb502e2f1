"""Statements, and the place of a driver, that several comparisons use."""

ODBC_DRIVER = "/usr/lib/x86_64-linux-gnu/odbc/psqlodbcw.so"
BOUND = "created_at > '2020-01-01'"
REQUESTS = f"SELECT * FROM spanlens.requests WHERE {BOUND} ORDER BY created_at, id"
NARROW = (
    "SELECT id, latency_ms, cost_usd, error_message, created_at, status_code >= 500 AS failed, extra "
    f"FROM spanlens.requests WHERE {BOUND} ORDER BY created_at, id")
# One column of each type that a result can have.
TYPES = (
    "SELECT 7::smallint AS a, 8::integer AS b, 9::bigint AS c, 1.5::real AS d, 0.1::double precision AS e, "
    "123.4500::numeric AS f, 'NaN'::numeric AS g, true AS h, 'text' AS i, 'v'::varchar(3) AS j, 'c'::char(4) AS k, "
    "'n'::name AS l, '\\x00ff'::bytea AS m, 'c0ffee00-0000-4000-8000-00000000beef'::uuid AS n, '2026-02-28'::date AS o, "
    "'12:34:56.789'::time AS p, '2026-02-28 01:02:03.4'::timestamp AS q, '2026-03-29 01:30:00+00'::timestamptz AS r, "
    "interval '1 mon 2 days 03:04:05' AS s, '{\"a\": [1, null]}'::jsonb AS t, '{\"a\": 1}'::json AS u, "
    "ARRAY[1, NULL, 3] AS v, ARRAY['a', 'b c', NULL] AS w, '{}'::bigint[] AS x, ARRAY[1.5, 2.50]::numeric[] AS y, "
    "ARRAY['2026-01-01'::timestamptz] AS z, NULL::text AS aa, NULL AS ab, 42::oid AS ac")
