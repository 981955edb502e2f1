--# Redash: its schema browser, the test of a data source, and questions with its annotation, all by psycopg2.

--@ group: connection and schema browser

SELECT 1

--@ only: table_schema sources
SELECT s.nspname as table_schema, c.relname as table_name, a.attname as column_name, null as data_type FROM pg_class c
    JOIN pg_namespace s ON c.relnamespace = s.oid AND s.nspname NOT IN ('pg_catalog', 'information_schema') JOIN
    pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relkind = 'm' AND
    has_table_privilege(quote_ident(s.nspname) || '.' || quote_ident(c.relname), 'select') AND
    has_schema_privilege(s.nspname, 'usage') UNION SELECT table_schema, table_name, column_name, data_type FROM
    information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND
    has_table_privilege(quote_ident(table_schema) || '.' || quote_ident(table_name), 'select') AND
    has_schema_privilege(table_schema, 'usage')

--# Of older versions.
--@ only: table_schema sources
SELECT s.nspname as table_schema, c.relname as table_name, a.attname as column_name FROM pg_class c JOIN pg_namespace
    s ON c.relnamespace = s.oid AND s.nspname NOT IN ('pg_catalog', 'information_schema') JOIN pg_attribute a ON
    a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relkind IN ('m', 'f', 'p') UNION SELECT
    table_schema, table_name, column_name FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog',
    'information_schema')

--@ group: questions

--@ ordered
/* Username: admin@example.com, query_id: 7, Queue: queries, Job ID: 00000000-0000-4000-8000-000000000000, Query Hash:
    0, Scheduled: False */ SELECT date_trunc('day', created_at) AS day, provider, count(*) AS requests, sum(cost_usd)
    AS cost FROM spanlens.requests WHERE created_at >= '@from@' AND created_at < '@to@' GROUP BY 1, 2 ORDER BY 1, 2

--# A date range parameter, a multi-select parameter and a text parameter, put into the text as Redash does.
--@ ordered
SELECT model, count(*) AS n, round(avg(latency_ms), 1) AS ms, max(created_at)::date AS last FROM spanlens.requests
    WHERE created_at BETWEEN '@from@ 00:00' AND '@to@ 23:59' AND provider IN ('openai','anthropic') AND model LIKE '%'
    || '4' || '%' GROUP BY model ORDER BY n DESC, model

--# The list of a drop-down.
--@ ordered
SELECT DISTINCT provider AS name, provider AS value FROM spanlens.requests ORDER BY 1

--@ ordered
WITH daily AS (SELECT created_at::date AS day, count(*) AS n, count(*) FILTER (WHERE status_code >= 400) AS failed
    FROM spanlens.requests GROUP BY 1) SELECT day, n, failed, round(100.0 * failed / n, 2) AS percent, sum(n) OVER
    (ORDER BY day) AS total FROM daily ORDER BY day

--@ ordered
SELECT status, span_count, to_char(started_at, 'YYYY-MM-DD HH24:MI') AS started, extract(epoch from ended_at -
    started_at) AS seconds, duration_ms / 1000.0 AS s FROM spanlens.traces ORDER BY started_at DESC, id LIMIT 1000

--@ fails: 42P01
SELECT * FROM nosuch LIMIT 10

--@ fails: 42601
SELECT * FORM spanlens.requests
