--# Superset: its own statements for PostgreSQL through SQLAlchemy and psycopg2, and those of its charts.

--@ group: connection

--@ shape
select pg_catalog.version()

show standard_conforming_strings

select current_schema()

show transaction isolation level

SELECT CAST('test plain returns' AS VARCHAR(60)) AS anon_1

SELECT CAST('test unicode returns' AS VARCHAR(60)) AS anon_1

--@ only: datname spanwire
SELECT datname FROM pg_database WHERE datistemplate = false;

--@ shape
SELECT pg_backend_pid()

BEGIN

set search_path = "spanlens"

select current_schema()

ROLLBACK

--# The plans are each server's own; Superset reads the first line.
--@ shape
EXPLAIN SELECT count(*) FROM spanlens.requests

--@ empty
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid='-1'

--@ group: metadata

--@ only: nspname sources
--@ ordered
SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' ORDER BY nspname

SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'spanlens' AND
    c.relkind in ('r', 'p')

--@ empty
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'spanlens' AND
    c.relkind IN ('v', 'm')

SELECT c.oid FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE (n.nspname
    = 'spanlens') AND c.relname = 'requests' AND c.relkind in ('r', 'v', 'm', 'f', 'p')

--@ ordered
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid)
    FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef) AS DEFAULT,
    a.attnotnull, a.attrelid as table_oid, pgd.description as comment, a.attgenerated as generated, (SELECT
    json_build_object('always', a.attidentity = 'a', 'start', s.seqstart, 'increment', s.seqincrement, 'minvalue',
    s.seqmin, 'maxvalue', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle) FROM pg_catalog.pg_sequence s JOIN
    pg_catalog.pg_class c on s.seqrelid = c."oid" WHERE c.relkind = 'S' AND a.attidentity != '' AND s.seqrelid =
    pg_catalog.pg_get_serial_sequence(a.attrelid::regclass::text, a.attname)::regclass::oid) as identity_options FROM
    pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_description pgd ON (pgd.objoid = a.attrelid AND pgd.objsubid =
    a.attnum) WHERE a.attrelid = @requests@ AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum

--@ empty
SELECT t.typname as "name", pg_catalog.format_type(t.typbasetype, t.typtypmod) as "attype", not t.typnotnull as
    "nullable", t.typdefault as "default", pg_catalog.pg_type_is_visible(t.oid) as "visible", n.nspname as "schema"
    FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'd' AND
    n.nspname <> 'information_schema'

--@ empty
SELECT t.typname as "name", pg_catalog.pg_type_is_visible(t.oid) as "visible", n.nspname as "schema", e.enumlabel as
    "label" FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace LEFT JOIN
    pg_catalog.pg_enum e ON t.oid = e.enumtypid WHERE t.typtype = 'e' ORDER BY "schema", "name", e.oid

--@ ordered
SELECT a.attname FROM pg_attribute a JOIN (SELECT unnest(ix.indkey) attnum, generate_subscripts(ix.indkey, 1) ord FROM
    pg_index ix WHERE ix.indrelid = @requests@ AND ix.indisprimary) k ON a.attnum=k.attnum WHERE a.attrelid =
    @requests@ ORDER BY k.ord

SELECT conname FROM pg_catalog.pg_constraint r WHERE r.conrelid = @requests@ AND r.contype = 'p' ORDER BY 1

--@ ordered
SELECT r.conname, pg_catalog.pg_get_constraintdef(r.oid, true) as condef, n.nspname as conschema FROM
    pg_catalog.pg_constraint r, pg_namespace n, pg_class c WHERE r.conrelid = @requests@ AND r.contype = 'f' AND c.oid
    = confrelid AND n.oid = c.relnamespace ORDER BY 1

--@ ordered
SELECT i.relname as relname, ix.indisunique, ix.indexprs, a.attname, a.attnum, c.conrelid, ix.indkey::varchar,
    ix.indoption::varchar, i.reloptions, am.amname, pg_get_expr(ix.indpred, ix.indrelid), ix.indnkeyatts as
    indnkeyatts FROM pg_class t join pg_index ix on t.oid = ix.indrelid join pg_class i on i.oid = ix.indexrelid left
    outer join pg_attribute a on t.oid = a.attrelid and a.attnum = ANY(ix.indkey) left outer join pg_constraint c on
    (ix.indrelid = c.conrelid and ix.indexrelid = c.conindid and c.contype in ('p', 'u', 'x')) left outer join pg_am
    am on i.relam = am.oid WHERE t.relkind IN ('r', 'v', 'f', 'm', 'p') and t.oid = @traces@ and ix.indisprimary = 't'
    ORDER BY t.relname, i.relname

--@ empty
SELECT cons.conname as name, cons.conkey as key, a.attnum as col_num, a.attname as col_name FROM
    pg_catalog.pg_constraint cons join pg_attribute a on cons.conrelid = a.attrelid AND a.attnum = ANY(cons.conkey)
    WHERE cons.conrelid = @requests@ AND cons.contype = 'u'

SELECT pgd.description as table_comment FROM pg_catalog.pg_description pgd WHERE pgd.objsubid = 0 AND pgd.objoid =
    @requests@

--@ empty
SELECT cons.conname as name, pg_get_constraintdef(cons.oid) as src FROM pg_catalog.pg_constraint cons WHERE
    cons.conrelid = @requests@ AND cons.contype = 'c'

--@ group: charts

--@ ordered
SELECT DATE_TRUNC('day', created_at) AS created_at, provider AS provider, COUNT(*) AS count FROM spanlens.requests
    JOIN (SELECT provider AS provider__, COUNT(*) AS mme_inner__ FROM spanlens.requests WHERE created_at >=
    TO_TIMESTAMP('@from@ 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US') AND created_at <
    TO_TIMESTAMP('@to@ 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US') GROUP BY provider ORDER BY mme_inner__ DESC LIMIT
    3) AS anon_1 ON provider = provider__ WHERE created_at >= TO_TIMESTAMP('@from@ 00:00:00.000000',
    'YYYY-MM-DD HH24:MI:SS.US') AND created_at < TO_TIMESTAMP('@to@ 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US')
    GROUP BY DATE_TRUNC('day', created_at), provider ORDER BY count DESC, 1, 2 LIMIT 10000

--@ ordered
SELECT DATE_TRUNC('week', created_at) AS __timestamp, sum(cost_usd) AS "SUM(cost_usd)", COUNT(DISTINCT model) AS
    "COUNT_DISTINCT(model)" FROM spanlens.requests GROUP BY DATE_TRUNC('week', created_at) ORDER BY __timestamp ASC
    LIMIT 50000

--@ ordered
SELECT DATE_TRUNC('quarter', created_at) AS __timestamp, DATE_TRUNC('hour', created_at) AS h, max(latency_ms) AS
    "MAX(latency_ms)" FROM spanlens.requests WHERE created_at >= TO_DATE('@day@', 'YYYY-MM-DD') GROUP BY
    DATE_TRUNC('quarter', created_at), DATE_TRUNC('hour', created_at) ORDER BY 1, 2

--@ ordered
SELECT model AS model, status_code AS status_code, AVG(latency_ms) AS "AVG(latency_ms)" FROM spanlens.requests WHERE
    provider IN ('openai', 'groq') AND ((latency_ms > 100)) GROUP BY model, status_code ORDER BY "AVG(latency_ms)"
    DESC, 1, 2 LIMIT 1000 OFFSET 0

--@ ordered
SELECT provider AS provider, (SUM(CASE WHEN status_code >= 400 THEN 1 ELSE 0 END)*100.0/COUNT(*)) AS "errors %" FROM
    (SELECT * FROM spanlens.requests WHERE status_code <> 0) AS virtual_table GROUP BY provider ORDER BY "errors %"
    DESC, 1 LIMIT 10

SELECT COUNT(*) AS rowcount FROM (SELECT model AS model, COUNT(*) AS count FROM spanlens.requests GROUP BY model LIMIT
    50000) AS rowcount_qry

--@ ordered
SELECT DISTINCT model AS model FROM spanlens.requests WHERE model ILIKE '%mini%' ORDER BY model LIMIT 10000

--@ ordered
SELECT id AS id, created_at AS created_at, model AS model, extra AS extra FROM spanlens.requests WHERE created_at >=
    TO_TIMESTAMP('@day@ 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US') ORDER BY created_at DESC, id LIMIT 101

--@ ordered
SELECT DATE_TRUNC('day', (timestamp 'epoch' + extract(epoch from created_at)::bigint * interval '1 second')) AS
    __timestamp, COUNT(*) AS count FROM spanlens.requests GROUP BY 1 ORDER BY 1

--@ ordered
SELECT min(created_at) AS lo, max(created_at) AS hi FROM spanlens.requests

--# A box plot and a histogram.
--@ ordered
SELECT provider, percentile_cont(0.25) WITHIN GROUP (ORDER BY latency_ms) AS q1, percentile_disc(0.5) WITHIN GROUP
    (ORDER BY latency_ms) AS q2, mode() WITHIN GROUP (ORDER BY status_code) AS m FROM spanlens.requests GROUP BY
    provider ORDER BY provider

--@ ordered
SELECT provider, project_id, COUNT(*) AS count, GROUPING(provider) AS g FROM spanlens.requests GROUP BY GROUPING SETS
    ((provider, project_id), (provider), ()) ORDER BY 1, 2, 4

--@ ordered
-- Note: Unless you save your query, these tabs will NOT persist if you clear your cookies or change browsers.
SELECT * FROM spanlens.requests WHERE created_at >= '@day@' AND created_at < '@to@' ORDER BY created_at, id LIMIT 1001

--@ fails: 25P01
DECLARE "c_0001" CURSOR WITHOUT HOLD FOR SELECT 1

BEGIN

DECLARE "c_0001" CURSOR WITHOUT HOLD FOR SELECT id, model FROM spanlens.requests WHERE provider = 'groq' ORDER BY id

--@ ordered
FETCH FORWARD 50 FROM "c_0001"

CLOSE "c_0001"

COMMIT
