--# Grafana: its query builder, its health check, and the macros as its PostgreSQL data source expands them.

--@ group: query builder

-- ping

SELECT current_setting('server_version_num')::int/100 as version

--@ empty
SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'

--@ only: name sources
--@ ordered
SELECT schema_name AS "name" FROM information_schema.schemata WHERE schema_name NOT IN ('information_schema',
    'pg_catalog', 'pg_toast', '_timescaledb_cache', '_timescaledb_catalog', '_timescaledb_internal',
    '_timescaledb_config', 'timescaledb_information', 'timescaledb_experimental') ORDER BY schema_name

--@ ordered
SELECT quote_ident(table_name) AS "table" FROM information_schema.tables WHERE quote_ident(table_schema) = 'spanlens'
    ORDER BY 1

set search_path = spanlens, public

--# Tables of the search path come without their schema.
--@ only: table anomalies requests security traces adaline.spans respan.spans scale.spans trulayer.spans trulayer.traces
--@ ordered
SELECT CASE WHEN quote_ident(table_schema) IN ( SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
    FROM generate_series(array_lower(string_to_array(current_setting('search_path'),','),1),
    array_upper(string_to_array(current_setting('search_path'),','),1)) as i,
    string_to_array(current_setting('search_path'),',') s) THEN quote_ident(table_name) ELSE quote_ident(table_schema)
    || '.' || quote_ident(table_name) END AS "table" FROM information_schema.tables WHERE quote_ident(table_schema)
    NOT IN ('information_schema', 'pg_catalog', '_timescaledb_cache', '_timescaledb_catalog', '_timescaledb_internal',
    '_timescaledb_config', 'timescaledb_information', 'timescaledb_experimental', 'public') ORDER BY CASE WHEN
    quote_ident(table_schema) IN ( SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END FROM
    generate_series(array_lower(string_to_array(current_setting('search_path'),','),1),
    array_upper(string_to_array(current_setting('search_path'),','),1)) as i,
    string_to_array(current_setting('search_path'),',') s) THEN 0 ELSE 1 END, 1

SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns WHERE CASE WHEN
    array_length(parse_ident('spanlens.requests'),1) = 2 THEN quote_ident(table_schema) =
    (parse_ident('spanlens.requests'))[1] AND quote_ident(table_name) = (parse_ident('spanlens.requests'))[2] ELSE
    quote_ident(table_name) = 'spanlens.requests' AND quote_ident(table_schema) IN ( SELECT CASE WHEN trim(s[i]) =
    '"$user"' THEN user ELSE trim(s[i]) END FROM
    generate_series(array_lower(string_to_array(current_setting('search_path'),','),1),
    array_upper(string_to_array(current_setting('search_path'),','),1)) as i,
    string_to_array(current_setting('search_path'),',') s) END

SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns WHERE CASE WHEN
    array_length(parse_ident('security'),1) = 2 THEN quote_ident(table_schema) = (parse_ident('security'))[1] AND
    quote_ident(table_name) = (parse_ident('security'))[2] ELSE quote_ident(table_name) = 'security' AND
    quote_ident(table_schema) = 'spanlens' END

--# Of its version 8.
--@ only: table requests
SELECT quote_ident(table_name) as "table" FROM information_schema.tables WHERE quote_ident(table_schema) NOT IN
    ('information_schema', 'pg_catalog', '_timescaledb_cache', '_timescaledb_catalog', '_timescaledb_internal',
    '_timescaledb_config') AND table_type = 'BASE TABLE' AND EXISTS (SELECT 1 FROM information_schema.columns c WHERE
    quote_ident(c.table_schema) = quote_ident(information_schema.tables.table_schema) AND quote_ident(c.table_name) =
    quote_ident(information_schema.tables.table_name) AND udt_name IN ('timestamptz','timestamp')) ORDER BY 1

SELECT quote_ident(column_name) as "column", data_type as "type" FROM information_schema.columns WHERE
    quote_ident(table_schema) = 'spanlens' AND quote_ident(table_name) = 'requests' AND data_type IN ('bigint',
    'integer', 'double precision', 'real')

--@ ordered
SELECT DISTINCT quote_literal("provider") FROM spanlens.requests WHERE "created_at" BETWEEN '@from@T00:00:00Z' AND
    '@to@T00:00:00Z' ORDER BY 1 LIMIT 100

--@ group: panels

--@ ordered
SELECT created_at AS "time", latency_ms FROM spanlens.requests WHERE created_at BETWEEN '@from@T00:00:00Z' AND
    '@to@T12:34:56.789Z' ORDER BY 1, 2

--@ ordered
SELECT floor(extract(epoch from created_at)/300)*300 AS "time", count(*) AS "value" FROM spanlens.requests WHERE
    created_at BETWEEN '@from@T00:00:00Z' AND '@to@T00:00:00Z' GROUP BY 1 ORDER BY 1

--@ ordered
SELECT floor(extract(epoch from created_at)/3600)*3600 AS "time", provider AS metric, avg(latency_ms) AS "latency",
    percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) AS p95 FROM spanlens.requests WHERE created_at BETWEEN
    '@from@T00:00:00Z' AND '@to@T00:00:00Z' GROUP BY time, provider ORDER BY time, metric

--@ ordered
SELECT extract(epoch from created_at) as "time", total_tokens::float AS tokens FROM spanlens.requests WHERE created_at
    BETWEEN '@from@T00:00:00Z' AND '@to@T00:00:00Z' AND provider IN ('openai','groq') ORDER BY 1, 2

--@ ordered
SELECT floor((extract(epoch from created_at))/86400)*86400 AS "time", sum(cost_usd) AS cost, count(*) FILTER (WHERE
    status_code >= 500) AS failed FROM spanlens.requests WHERE extract(epoch from created_at) >= extract(epoch from
    '@from@'::timestamptz) AND extract(epoch from created_at) <= extract(epoch from '@to@'::timestamptz) GROUP BY 1
    ORDER BY 1

--@ ordered
SELECT date_trunc('day', created_at) AS "time", model AS metric, sum(total_tokens) AS value FROM spanlens.requests
    WHERE created_at >= '@from@T00:00:00Z' AND created_at <= '@to@T00:00:00Z' AND model ILIKE '%%mini%%' GROUP BY 1, 2
    ORDER BY 1, 2

--@ ordered
SELECT width_bucket(latency_ms, 0, 5000, 10) AS bucket, count(*) FROM spanlens.requests WHERE created_at BETWEEN
    '@from@T00:00:00Z' AND '@to@T00:00:00Z' GROUP BY 1 ORDER BY 1

--# What its builder writes.
--@ ordered
SELECT AVG(latency_ms) AS "avg_latency", COUNT(id), provider FROM spanlens.requests WHERE (provider = 'openai' OR
    provider = 'groq') GROUP BY provider ORDER BY provider LIMIT 50

--@ ordered
SELECT created_at AS "time", latency_ms AS "ms", lag(latency_ms) OVER (PARTITION BY provider ORDER BY created_at, id)
    AS "before" FROM spanlens.requests WHERE created_at BETWEEN '@from@T00:00:00Z' AND '@to@T00:00:00Z' ORDER BY 1, id
    LIMIT 200

--# The list of a variable, and annotations.
--@ ordered
SELECT DISTINCT model AS __text, model AS __value FROM spanlens.requests ORDER BY 1

--@ ordered
SELECT extract(epoch from started_at) AS time, extract(epoch from ended_at) AS timeend, name AS text, status AS tags
    FROM spanlens.traces WHERE started_at BETWEEN '@from@T00:00:00Z' AND '@to@T00:00:00Z' AND status = 'error' ORDER
    BY 1, id

--@ ordered
SELECT generate_series('@from@T00:00:00Z'::timestamptz, '@to@T00:00:00Z'::timestamptz, '86400s'::interval) AS "time",
    0 AS value ORDER BY 1

--# Several statements in a text: Grafana shows the last result.
SET search_path = spanlens; SELECT now() IS NOT NULL AS yes, count(*) FROM requests WHERE created_at BETWEEN
    '@from@T00:00:00Z' AND '@to@T00:00:00Z';
