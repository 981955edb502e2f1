"""The statements that the gateway and PostgreSQL must answer alike.

{early}, {middle}, {late} are times within the rows, {day} is a date; {id}, {trace} are of a row that exists.
Statements whose difference is known and belongs to a later issue (literals' types, numeric, to_char, json operators, …)
are left out.
"""

# Conditions over requests.
CONDITIONS = r"""
    provider = 'openai'
    provider <> 'openai'
    'openai' = provider
    id = '{id}'
    model = 'ft:gpt_4o%mini:demo'
    model = 'GPT-4o-2024-08-06'
    project_id = 'proj_api'
    project_id = 'proj_api' AND provider = 'gemini' AND status_code = 200
    project_id = 'nobody'
    project_id = ''
    provider = 'openai' AND provider = 'groq'
    provider IN ('groq', 'mistral', 'nobody')
    provider NOT IN ('openai', 'anthropic')
    (provider, project_id) IN (('openai', 'proj_api'), ('groq', 'proj_web'))
    status_code IN (400, 401, 429)
    provider = 'openai' OR status_code = 500
    NOT (provider = 'openai' OR provider = 'gemini')
    NOT provider = 'openai' AND NOT status_code = 200
    (provider = 'groq' AND latency_ms > 500) OR (provider = 'mistral' AND latency_ms < 500)
    provider > 'g' AND provider <= 'mistral'
    model LIKE 'gpt-4o%'
    model LIKE '%mini%'
    model LIKE 'gpt_4o%'
    model LIKE '%gpt\_4o%'
    model LIKE '%\%%'
    model LIKE 'ft:gpt\_4o\%mini:demo'
    model LIKE ''
    model LIKE '%'
    model LIKE '_______'
    model NOT LIKE '%-%'
    model ILIKE 'GPT-4O%'
    model ILIKE '%GEMINI%'
    model ILIKE '%gpt\_4O\%%'
    model NOT ILIKE '%gpt%'
    model LIKE '%4o%' AND model LIKE '%mini%'
    model ~ '^gpt-4'
    model ~* 'SONNET|haiku'
    model !~ 'gpt'
    lower(model) = 'gpt-4o-2024-08-06'
    upper(provider) = 'GROQ'
    starts_with(model, 'claude')
    length(model) > 22
    substr(model, 1, 3) = 'gpt'
    strpos(model, 'mini') > 0
    provider || '/' || project_id = 'openai/proj_api'
    error_message LIKE '%imit%'
    error_message IS NULL AND status_code >= 400
    error_message IS NOT NULL
    error_message = ''
    error_message <> 'x'
    NOT error_message = 'x'
    cost_usd IS NULL
    cost_usd IS NOT NULL AND trace_id IS NULL
    cost_usd > 0.01
    cost_usd BETWEEN 0.001 AND 0.002
    cost_usd NOT BETWEEN 0.0001 AND 0.1
    cost_usd = 0
    NOT cost_usd > 0.01
    (cost_usd > 0.01) IS NOT TRUE
    (cost_usd > 0.01) IS UNKNOWN
    (provider = 'openai') IS FALSE
    provider IS DISTINCT FROM 'openai'
    error_message IS NOT DISTINCT FROM NULL
    coalesce(error_message, '') = ''
    coalesce(cost_usd, -1) < 0.0001
    nullif(provider, 'openai') IS NULL
    latency_ms BETWEEN 1000 AND 2000
    latency_ms > 50000 OR latency_ms < 50
    latency_ms % 7 = 0
    latency_ms * 2 > 100000
    latency_ms - 100 <= 0
    -latency_ms > -100
    latency_ms = 0
    latency_ms > 9223372036854775806
    abs(latency_ms - 1000) < 5
    prompt_tokens > completion_tokens
    prompt_tokens + completion_tokens = total_tokens
    prompt_tokens + completion_tokens <> total_tokens
    total_tokens >= 20000
    status_code = 200
    status_code <> 200
    status_code = 500
    status_code BETWEEN 200 AND 299
    status_code BETWEEN 400 AND 499
    status_code BETWEEN 500 AND 599
    status_code >= 500
    status_code >= 400 AND status_code < 500
    status_code > 399 AND NOT status_code > 499
    status_code < 200
    status_code >= 429 AND status_code <= 500
    status_code / 100 = 5
    NOT status_code BETWEEN 200 AND 499
    CASE WHEN status_code >= 500 THEN 'server' WHEN status_code >= 400 THEN 'client' ELSE 'fine' END = 'client'
    created_at >= '{middle}'
    created_at > '{middle}'
    created_at < '{middle}'
    created_at <= '{middle}'
    created_at = '{middle}'
    created_at <> '{middle}'
    created_at = '{late}'
    '{middle}' <= created_at
    created_at BETWEEN '{early}' AND '{late}'
    created_at NOT BETWEEN '{early}' AND '{late}'
    created_at >= '{early}' AND created_at < '{late}' AND provider = 'openai'
    created_at < '{early}' OR created_at >= '{late}'
    created_at >= '{late}' AND created_at < '{early}'
    created_at >= timestamptz '{middle}'
    created_at >= '{middle}'::timestamptz
    created_at >= timestamp '{day} 00:00:00'
    created_at >= '{day}'
    created_at >= date '{day}' AND created_at < date '{day}' + 1
    created_at >= '{day}'::date
    created_at::date = '{day}'
    created_at::date = date '{day}'
    created_at::date >= '{day}'
    created_at::date IN ('{day}')
    date_trunc('day', created_at) = '{day}'
    date_trunc('day', created_at) >= timestamptz '{day} 00:00:00+00'
    date_trunc('hour', created_at) > '{middle}'
    date_trunc('month', created_at) = date_trunc('month', timestamptz '{middle}')
    date_trunc('week', created_at) <= '{middle}'
    extract(hour FROM created_at) BETWEEN 9 AND 17
    extract(dow FROM created_at) IN (0, 6)
    extract(isodow FROM created_at) = 1
    created_at > now() - interval '7 days'
    created_at > now() - interval '36 hours' AND provider = 'openai'
    created_at < now() - interval '14 days'
    created_at >= now() - interval '2 weeks' AND created_at < now() - interval '1 week'
    created_at > current_timestamp - interval '1 day'
    created_at >= current_date - 3
    created_at >= date_trunc('day', now())
    created_at >= date_trunc('day', now() - interval '3 days')
    created_at >= date_trunc('week', now()) - interval '1 week' AND created_at < date_trunc('week', now())
    created_at > now()
    created_at + interval '1 hour' > '{late}'
    created_at - interval '1 day' < '{early}'
    now() - created_at < interval '48 hours'
    created_at >= timestamptz '{middle}' - interval '90 minutes' AND created_at <= timestamptz '{middle}' + interval '90 minutes'
    true
    false
    NULL
    1 = 1 AND provider = 'groq'
    provider = 'groq' AND NULL
    trace_id = '{trace}'
    trace_id IN (SELECT id FROM traces WHERE status = 'error')
    trace_id NOT IN (SELECT id FROM traces WHERE status = 'ok')
    EXISTS (SELECT 1 FROM traces t WHERE t.id = requests.trace_id AND t.span_count > 5)
    NOT EXISTS (SELECT 1 FROM traces t WHERE t.id = requests.trace_id)
    latency_ms > (SELECT avg(latency_ms::float8) FROM requests WHERE provider = 'openai')
    created_at = (SELECT max(created_at) FROM requests)
    latency_ms = (SELECT max(r.latency_ms) FROM requests r WHERE r.provider = requests.provider)
""".strip().splitlines()

# Each ends in a total order, which both must keep.
ORDERED = r"""
    SELECT * FROM requests ORDER BY id
    SELECT * FROM traces ORDER BY id
    SELECT * FROM security ORDER BY id
    SELECT id, created_at FROM requests ORDER BY created_at DESC, id LIMIT 20
    SELECT id, created_at FROM requests ORDER BY created_at, id LIMIT 20 OFFSET 2990
    SELECT id FROM requests ORDER BY id OFFSET 2995
    SELECT id FROM requests ORDER BY id LIMIT 0
    SELECT id FROM requests ORDER BY id LIMIT 5 OFFSET 5000
    SELECT id, cost_usd FROM requests ORDER BY cost_usd, id LIMIT 30
    SELECT id, cost_usd FROM requests ORDER BY cost_usd DESC, id LIMIT 40
    SELECT id, cost_usd FROM requests ORDER BY cost_usd DESC NULLS LAST, id LIMIT 30
    SELECT id, cost_usd FROM requests ORDER BY cost_usd NULLS FIRST, id LIMIT 30
    SELECT id, error_message FROM requests ORDER BY error_message, id LIMIT 150
    SELECT model AS m, id FROM requests ORDER BY m, 2 DESC LIMIT 25
    SELECT id, latency_ms * 2 AS twice FROM requests WHERE provider = 'groq' ORDER BY twice DESC, id
    SELECT id FROM requests WHERE status_code >= 500 ORDER BY latency_ms % 10, id
    SELECT id, model FROM requests WHERE provider = 'mistral' ORDER BY length(model), latency_ms, id
    SELECT provider, count(*) FROM requests GROUP BY provider ORDER BY provider
    SELECT provider, model, count(*) AS n FROM requests GROUP BY 1, 2 ORDER BY n DESC, 1, 2
    SELECT status_code, count(*) FROM requests GROUP BY status_code ORDER BY count(*) DESC, status_code
    SELECT provider, min(latency_ms), max(latency_ms), min(created_at), max(cost_usd) FROM requests GROUP BY provider ORDER BY 1
    SELECT model, count(*) FROM requests GROUP BY model HAVING count(*) > 100 ORDER BY 1
    SELECT model, max(latency_ms) FROM requests WHERE status_code = 200 GROUP BY model HAVING min(latency_ms) < 185 ORDER BY 2 DESC, 1
    SELECT provider, count(DISTINCT model) AS models, count(DISTINCT trace_id) AS traces FROM requests GROUP BY 1 ORDER BY 1
    SELECT provider, count(*) FILTER (WHERE status_code >= 400) AS errors, count(cost_usd) FROM requests GROUP BY 1 ORDER BY 1
    SELECT date_trunc('day', created_at) AS day, count(*) FROM requests GROUP BY 1 ORDER BY 1
    SELECT date_trunc('hour', created_at) AS hour, count(*) FROM requests WHERE created_at >= '{late}' GROUP BY 1 ORDER BY 1
    SELECT created_at::date AS day, provider, count(*) FROM requests GROUP BY 1, 2 ORDER BY 1, 2
    SELECT date_trunc('week', created_at) AS week, max(latency_ms) FROM requests GROUP BY 1 ORDER BY 1
    SELECT date_trunc('day', created_at) AS day, count(*) FROM requests WHERE created_at > now() - interval '7 days' AND status_code BETWEEN 500 AND 599 GROUP BY 1 ORDER BY 1
    SELECT CASE WHEN status_code < 300 THEN 'ok' WHEN status_code < 500 THEN 'client' ELSE 'server' END AS class, count(*) FROM requests GROUP BY 1 ORDER BY 1
    SELECT CASE provider WHEN 'openai' THEN 'o' WHEN 'groq' THEN 'g' END AS p, count(*) FROM requests GROUP BY 1 ORDER BY 1
    SELECT latency_ms / 1000 AS second, count(*) FROM requests GROUP BY 1 ORDER BY 1
    SELECT provider, status_code, count(*) FROM requests GROUP BY ROLLUP (provider, status_code) ORDER BY 1, 2, 3
    SELECT provider, project_id, count(*) FROM requests GROUP BY GROUPING SETS ((provider), (project_id), ()) ORDER BY 1, 2, 3
    SELECT coalesce(error_message, '-') AS e, nullif(provider, 'openai') AS p, count(*) FROM requests GROUP BY 1, 2 ORDER BY 1, 2
    SELECT DISTINCT provider FROM requests ORDER BY provider
    SELECT DISTINCT provider, status_code FROM requests ORDER BY 2 DESC, 1
    SELECT DISTINCT ON (provider) provider, id, latency_ms FROM requests ORDER BY provider, latency_ms DESC, id
    SELECT r.id, t.name, t.status FROM requests r JOIN traces t ON t.id = r.trace_id WHERE r.status_code >= 400 ORDER BY r.id
    SELECT r.id, t.name FROM requests r LEFT JOIN traces t ON t.id = r.trace_id WHERE r.provider = 'groq' ORDER BY r.id
    SELECT t.id, count(r.id) AS n FROM requests r RIGHT JOIN traces t ON t.id = r.trace_id GROUP BY t.id ORDER BY n DESC, t.id LIMIT 50
    SELECT t.name, count(*) AS n, count(t.duration_ms) FROM requests r FULL JOIN traces t ON t.id = r.trace_id GROUP BY 1 ORDER BY 1
    SELECT t.name, r.provider, count(*) FROM traces t JOIN requests r ON r.trace_id = t.id AND r.created_at >= t.started_at GROUP BY 1, 2 ORDER BY 1, 2
    SELECT a.id, b.id AS other FROM requests a JOIN requests b ON a.trace_id = b.trace_id AND a.id < b.id ORDER BY 1, 2 LIMIT 40
    SELECT t.id, r.id AS request FROM traces t, requests r WHERE r.trace_id = t.id AND t.span_count >= 6 ORDER BY 1, 2 LIMIT 60
    SELECT p.provider, s.status FROM (SELECT DISTINCT provider FROM requests) p CROSS JOIN (SELECT DISTINCT status FROM traces) s ORDER BY 1, 2
    SELECT r.id, s.latency_ms FROM requests r JOIN security s USING (id) ORDER BY r.id
    WITH slow AS (SELECT * FROM requests WHERE latency_ms > 5000) SELECT provider, count(*) FROM slow GROUP BY provider ORDER BY 1
    WITH a AS (SELECT provider, count(*) AS n FROM requests GROUP BY 1), b AS (SELECT max(n) AS most FROM a) SELECT a.provider, a.n FROM a JOIN b ON a.n = b.most ORDER BY 1
    WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT i FROM n ORDER BY i
    SELECT provider, n FROM (SELECT provider, count(*) AS n FROM requests GROUP BY provider) AS counts WHERE n > 100 ORDER BY 1
    SELECT name, (SELECT count(*) FROM requests r WHERE r.trace_id = t.id) AS n FROM traces t ORDER BY t.id LIMIT 40
    SELECT id, row_number() OVER (PARTITION BY provider ORDER BY latency_ms DESC, id) AS place FROM requests WHERE status_code = 500 ORDER BY id
    SELECT id, rank() OVER (ORDER BY latency_ms) AS r, dense_rank() OVER (ORDER BY latency_ms) AS d FROM requests WHERE provider = 'groq' ORDER BY id
    SELECT id, count(*) OVER (PARTITION BY provider) AS n, max(latency_ms) OVER (PARTITION BY model) AS most FROM requests WHERE status_code <> 200 ORDER BY id
    SELECT id, lag(latency_ms) OVER (ORDER BY created_at, id) AS before, lead(id, 2, 'none') OVER (ORDER BY created_at, id) AS later FROM requests WHERE provider = 'mistral' ORDER BY created_at, id
    SELECT id, first_value(id) OVER (PARTITION BY provider ORDER BY created_at, id) AS first, ntile(4) OVER (ORDER BY id) AS quarter FROM requests WHERE status_code >= 429 ORDER BY id
    SELECT provider, model, id FROM (SELECT r.*, row_number() OVER (PARTITION BY model ORDER BY latency_ms DESC, id) AS place FROM requests r) ranked WHERE place <= 2 ORDER BY 1, 2, 3
    SELECT provider, n, rank() OVER (ORDER BY n DESC) AS place FROM (SELECT provider, count(*) AS n FROM requests GROUP BY 1) c ORDER BY 1
    SELECT provider AS x FROM requests WHERE status_code = 503 UNION SELECT name FROM traces WHERE status = 'error' ORDER BY x
    SELECT id FROM requests WHERE provider = 'groq' UNION ALL SELECT id FROM traces WHERE status = 'error' ORDER BY 1
    SELECT trace_id FROM requests WHERE trace_id IS NOT NULL INTERSECT SELECT id FROM traces WHERE span_count > 5 ORDER BY 1
    SELECT id FROM traces EXCEPT SELECT trace_id FROM requests ORDER BY 1
    SELECT id, created_at, created_at + interval '1 month' AS later, created_at - interval '1 day 2 hours' AS sooner FROM requests ORDER BY id LIMIT 30
    SELECT id, created_at::date AS day, date_trunc('minute', created_at) AS minute, date_trunc('quarter', created_at) AS quarter FROM requests ORDER BY id LIMIT 30
    SELECT id, ended_at > started_at + interval '1 second' AS long FROM traces ORDER BY id LIMIT 60
    SELECT id, upper(provider) AS u, length(model) AS l, substr(model, 1, 5) AS s, replace(model, '-', '_') AS r, split_part(model, '-', 2) AS p FROM requests ORDER BY id LIMIT 50
    SELECT id, left(model, 4) AS l, right(model, 4) AS r, lpad(provider, 12, '*') AS pad, reverse(provider) AS v, initcap(provider) AS i FROM requests ORDER BY id LIMIT 50
    SELECT id, provider || ':' || model AS both, error_message || '!' AS loud FROM requests WHERE status_code <> 200 ORDER BY id
    SELECT name, upper(name) AS u, lower(name) AS l, length(name) AS n FROM traces GROUP BY name ORDER BY name
    SELECT id, greatest(prompt_tokens, completion_tokens) AS g, least(latency_ms, 1000::bigint) AS l, abs(prompt_tokens - completion_tokens) AS a FROM requests ORDER BY id LIMIT 50
    SELECT id, cost_usd * 1000 AS milli, latency_ms / 7 AS d, latency_ms % 7 AS m, -latency_ms AS neg FROM requests ORDER BY id LIMIT 200
    SELECT id, latency_ms::float8 / 1000 AS seconds, sqrt(latency_ms::float8) AS root FROM requests ORDER BY id LIMIT 200
    SELECT id, latency_ms::text AS a, status_code::float8 AS b, (status_code = 200)::text AS c FROM requests ORDER BY id LIMIT 200
    SELECT id, status_code = 200 AS fine, cost_usd IS NULL AS free, trace_id IS NOT NULL AND latency_ms > 1000 AS both FROM requests ORDER BY id
    SELECT id, extra FROM requests WHERE extra IS NOT NULL ORDER BY id
    SELECT id, flags FROM security ORDER BY id
    SELECT provider, string_agg(id, ',' ORDER BY id) AS ids FROM requests WHERE status_code = 503 GROUP BY provider ORDER BY 1
    SELECT provider, bool_and(status_code = 200) AS every, bool_or(status_code = 503) AS any FROM requests GROUP BY 1 ORDER BY 1
    SELECT provider, array_agg(DISTINCT status_code ORDER BY status_code) AS codes FROM requests GROUP BY 1 ORDER BY 1
    SELECT "spanlens"."requests"."id" FROM "spanlens"."requests" WHERE ("spanlens"."requests"."provider" = 'groq') ORDER BY "spanlens"."requests"."id" LIMIT 10
    SELECT R.ID, R.Provider AS "Mixed Case", r.model "spaced name" FROM Requests AS R ORDER BY R.ID LIMIT 5
""".strip().splitlines()

# One row, or rows in any order.
BAGS = r"""
    SELECT count(*) FROM requests
    SELECT count(*), count(cost_usd), count(DISTINCT provider), count(ALL error_message) FROM requests
    SELECT min(latency_ms), max(latency_ms), min(model), max(model), min(created_at), max(created_at) FROM requests
    SELECT min(cost_usd), max(cost_usd) FROM requests WHERE cost_usd IS NOT NULL
    SELECT min(cost_usd), max(latency_ms), count(*) FROM requests WHERE provider = 'nobody'
    SELECT sum(latency_ms), avg(cost_usd) FROM requests WHERE provider = 'nobody'
    SELECT max(created_at) - min(created_at) AS span FROM traces WHERE false
    SELECT id, model FROM requests WHERE provider = 'groq'
    SELECT provider, count(*) FROM requests GROUP BY provider
    SELECT provider FROM requests GROUP BY provider HAVING max(latency_ms) > 60000
    SELECT 1 FROM requests HAVING count(*) > 5000
    SELECT sum(latency_ms), sum(total_tokens), sum(status_code) FROM requests
    SELECT r.id FROM requests r WHERE r.trace_id IN (SELECT t.id FROM traces t WHERE t.name LIKE 'rag%')
    SELECT status, name, count(*) FROM traces GROUP BY status, name
    SELECT id FROM traces WHERE name LIKE '%100\%'
    SELECT id FROM traces WHERE name ILIKE '%SCHÖN%'
    SELECT id FROM traces WHERE name = 'antwort "schön" \ 要約 🧵, سلام'
    SELECT id FROM traces WHERE duration_ms IS NULL OR ended_at IS NULL
    SELECT id FROM traces WHERE status = 'error' AND error_message IS NULL
    SELECT id FROM traces WHERE started_at >= '{middle}' AND total_cost_usd > 0.001
    SELECT id FROM traces WHERE created_at >= now() - interval '3 days' AND status = 'ok'
    SELECT id FROM security WHERE created_at >= '{middle}' AND status_code = 200
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms) AS median FROM requests WHERE provider = 'groq'
    SELECT 'it''s' AS a, E'tab\there' AS b, '' AS c, NULL AS d, true AS e
    SELECT 'a' AS x UNION ALL SELECT 'a' UNION ALL SELECT NULL
    VALUES ('a', true), ('b', false)
    SELECT count(*) FROM requests r, traces t WHERE r.trace_id = t.id
    SELECT now() = now() AS same, now() = current_timestamp AS alike
    SELECT date '{day}' AS d, timestamptz '{middle}' AS t, interval '1 day 02:03:04' AS i, timestamp '{day} 10:00' AS p
""".strip().splitlines()

# Sums and averages of float8, which depend on the order of the rows: compared to 9 digits. Each in a total order.
SUMS = r"""
    SELECT sum(cost_usd), avg(cost_usd) FROM requests
    SELECT provider, sum(cost_usd) AS cost, avg(cost_usd) AS mean FROM requests GROUP BY provider ORDER BY provider
    SELECT date_trunc('day', created_at) AS day, sum(cost_usd) FROM requests GROUP BY 1 ORDER BY 1
    SELECT provider, avg(latency_ms::float8) AS mean FROM requests GROUP BY 1 ORDER BY 1
    SELECT model, sum(cost_usd) FROM requests GROUP BY model HAVING sum(cost_usd) > 0.05 ORDER BY 1
    SELECT provider, sum(cost_usd) / count(*) AS each, sum(cost_usd) FILTER (WHERE status_code = 200) AS good FROM requests GROUP BY 1 ORDER BY 1
    SELECT t.name, sum(r.cost_usd), sum(t.total_cost_usd) FROM traces t JOIN requests r ON r.trace_id = t.id GROUP BY 1 ORDER BY 1
    SELECT id, sum(cost_usd) OVER (PARTITION BY provider ORDER BY created_at, id) AS running FROM requests WHERE provider IN ('groq', 'mistral') ORDER BY id
    SELECT id, avg(cost_usd) OVER (ORDER BY created_at, id ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS moving FROM requests WHERE provider = 'groq' ORDER BY id
    SELECT day, sum(cost) OVER (ORDER BY day) AS total FROM (SELECT created_at::date AS day, sum(cost_usd) AS cost FROM requests GROUP BY 1) d ORDER BY day
    SELECT sum(total_cost_usd), avg(total_cost_usd) FROM traces WHERE status = 'ok' AND created_at > now() - interval '10 days'
    SELECT stddev(cost_usd) AS s, var_pop(cost_usd) AS v FROM requests WHERE provider = 'openai'
""".strip().splitlines()

# Again without pushdown: the upstream filters nothing, the gateway everything.
WITHOUT_PUSHDOWN = r"""
    SELECT id FROM requests WHERE provider = 'openai' AND status_code BETWEEN 500 AND 599 ORDER BY id
    SELECT id FROM requests WHERE project_id = 'proj_api' AND model ILIKE '%mini%' ORDER BY id
    SELECT id FROM requests WHERE model LIKE '%gpt\_4o%' ORDER BY id
    SELECT id FROM requests WHERE created_at BETWEEN '{early}' AND '{late}' AND status_code <> 200 ORDER BY id
    SELECT id FROM requests WHERE created_at::date = '{day}' ORDER BY id
    SELECT id FROM requests WHERE created_at >= '{middle}' AND (provider = 'groq' OR latency_ms > 30000) ORDER BY id
    SELECT id FROM traces WHERE status = 'error' AND created_at < '{late}' ORDER BY id
    SELECT provider, count(*) FROM requests WHERE created_at > now() - interval '7 days' GROUP BY 1 ORDER BY 1
    SELECT r.id, t.name FROM requests r JOIN traces t ON t.id = r.trace_id WHERE r.provider = 'gemini' AND t.status = 'ok' ORDER BY r.id
    SELECT id FROM requests ORDER BY created_at DESC, id LIMIT 15
""".strip().splitlines()

# Statements that both refuse, with the same code.
ERRORS = r"""
    SELECT nope FROM requests
    SELECT 1 FROM nosuch
    SELECT 1 FROM nosuch.requests
    SELECT r.nope FROM requests r
    SELECT id FROM requests r JOIN traces t ON t.id = r.trace_id
    SELECT nofunction(1)
    SELECT provider, count(*) FROM requests
    SELECT 1 FROM
    SELECT 'unfinished
    SELECT 1/0
    SELECT latency_ms / (status_code - status_code) FROM requests
    SELECT 'x'::bigint
    SELECT * FROM requests WHERE created_at > 'yesterdayish'
    SELECT (SELECT id FROM requests)
    SELECT id FROM requests UNION SELECT id, name FROM traces
    SELECT id FROM requests ORDER BY nope
    SHOW nosuchsetting
    COMMIT PREPARED
""".strip().splitlines()
