--# Metabase: what its PostgreSQL driver (through pgjdbc) sends on connecting, while it syncs, and for questions.

--@ group: session

SET extra_float_digits = 2

SET application_name = 'Metabase v0.55.1 [00000000-0000-4000-8000-000000000000]'

--@ bind: []
SELECT 1

SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ UNCOMMITTED

SHOW TRANSACTION ISOLATION LEVEL

show timezone;

SET SESSION TIMEZONE TO 'Europe/Berlin';

show timezone;

SELECT current_setting('TimeZone') AS zone, CAST('2026-03-29 01:30:00Z' AS timestamptz) AS moment

SET SESSION TIMEZONE TO 'UTC';

BEGIN READ ONLY

--@ empty
SELECT TRUE AS "_" FROM "spanlens"."requests" WHERE 1 <> 1 LIMIT 0

COMMIT

--@ group: database sync

--@ only: TABLE_SCHEM sources
--@ ordered
SELECT nspname AS "TABLE_SCHEM", current_database() AS "TABLE_CATALOG" FROM pg_catalog.pg_namespace WHERE nspname <>
    'pg_toast' AND (nspname !~ '^pg_temp_' OR nspname = (pg_catalog.current_schemas(true))[1]) AND (nspname !~
    '^pg_toast_temp_' OR nspname = replace((pg_catalog.current_schemas(true))[1], 'pg_temp_', 'pg_toast_temp_')) ORDER
    BY "TABLE_SCHEM"

--# The gateway lets nobody write.
--@ only: schema sources
--@ without: update, insert, delete
with table_privileges as ( select NULL as role, t.schemaname as schema, t.objectname as table,
    pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' ||
    replace(t.objectname, '"', '""') || '"', 'update') as update, pg_catalog.has_any_column_privilege(current_user,
    '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'select')
    as select, pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.'
    || '"' || replace(t.objectname, '"', '""') || '"', 'insert') as insert, pg_catalog.has_table_privilege(
    current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') ||
    '"', 'delete') as delete from ( select schemaname, tablename as objectname from pg_catalog.pg_tables union select
    schemaname, viewname as objectname from pg_catalog.pg_views union select schemaname, matviewname as objectname
    from pg_catalog.pg_matviews ) t where t.schemaname !~ '^pg_' and t.schemaname <> 'information_schema' and
    pg_catalog.has_schema_privilege(current_user, t.schemaname, 'usage') ) select t.* from table_privileges t

--# The estimates are of the statistics, which the gateway does not collect.
--@ without: estimated_row_count
--@ ordered
--@ bind: [["varchar", "spanlens"], ["varchar", "respan"], ["varchar", "scale"], ["varchar", "adaline"], ["varchar", "trulayer"]]
SELECT "n"."nspname" AS "schema", "c"."relname" AS "name", CASE "c"."relkind" WHEN 'r' THEN 'TABLE' WHEN 'p' THEN
    'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL
    END AS "type", "d"."description" AS "description", "stat"."n_live_tup" AS "estimated_row_count" FROM
    "pg_catalog"."pg_class" AS "c" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "c"."relnamespace" = "n"."oid"
    LEFT JOIN "pg_catalog"."pg_description" AS "d" ON ("c"."oid" = "d"."objoid") AND ("d"."objsubid" = 0) AND
    ("d"."classoid" = 'pg_class'::regclass) LEFT JOIN "pg_stat_user_tables" AS "stat" ON ("n"."nspname" =
    "stat"."schemaname") AND ("c"."relname" = "stat"."relname") WHERE ("c"."relnamespace" = "n"."oid") AND
    ("n"."nspname" !~ '^pg_') AND ("n"."nspname" <> 'information_schema') AND c.relkind in ('r', 'p', 'v', 'f', 'm')
    AND ("n"."nspname" IN ($1, $2, $3, $4, $5)) ORDER BY "type" ASC, "schema" ASC, "name" ASC

--@ empty
SELECT nspname, typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid IN (SELECT DISTINCT
    enumtypid FROM pg_enum e)

--@ fails: 42P01
SELECT TRUE AS "_" FROM "spanlens"."nosuch" WHERE 1 <> 1 LIMIT 0

--@ group: field sync

--@ ordered
--@ bind: [["varchar", "spanlens"], ["varchar", "trulayer"], ["varchar", "spanlens"], ["varchar", "trulayer"]]
SELECT "c"."column_name" AS "name", CASE WHEN "c"."udt_schema" IN ('public', 'pg_catalog') THEN FORMAT('%s',
    "c"."udt_name") ELSE FORMAT('"%s"."%s"', "c"."udt_schema", "c"."udt_name") END AS "database-type",
    "c"."ordinal_position" - 1 AS "database-position", "c"."table_schema" AS "table-schema", "c"."table_name" AS
    "table-name", "pk"."column_name" IS NOT NULL AS "pk?", COL_DESCRIPTION(CAST(CAST(FORMAT('%I.%I',
    CAST("c"."table_schema" AS TEXT), CAST("c"."table_name" AS TEXT)) AS REGCLASS) AS OID), "c"."ordinal_position") AS
    "field-comment", (("column_default" IS NULL) OR (LOWER("column_default") = 'null')) AND ("is_nullable" = 'NO') AND
    NOT ((("column_default" IS NOT NULL) AND ("column_default" LIKE '%nextval(%')) OR ("is_identity" <> 'NO')) AS
    "database-required", (("column_default" IS NOT NULL) AND ("column_default" LIKE '%nextval(%')) OR ("is_identity"
    <> 'NO') AS "database-is-auto-increment" FROM "information_schema"."columns" AS "c" LEFT JOIN (SELECT
    "tc"."table_schema", "tc"."table_name", "kc"."column_name" FROM "information_schema"."table_constraints" AS "tc"
    INNER JOIN "information_schema"."key_column_usage" AS "kc" ON ("tc"."constraint_name" = "kc"."constraint_name")
    AND ("tc"."table_schema" = "kc"."table_schema") AND ("tc"."table_name" = "kc"."table_name") WHERE
    "tc"."constraint_type" = 'PRIMARY KEY') AS "pk" ON ("c"."table_schema" = "pk"."table_schema") AND
    ("c"."table_name" = "pk"."table_name") AND ("c"."column_name" = "pk"."column_name") WHERE c.table_schema !~
    '^information_schema|catalog_history|pg_' AND ("c"."table_schema" IN ($1, $2)) UNION ALL SELECT "pa"."attname" AS
    "name", CASE WHEN "ptn"."nspname" IN ('public', 'pg_catalog') THEN FORMAT('%s', "pt"."typname") ELSE
    FORMAT('"%s"."%s"', "ptn"."nspname", "pt"."typname") END AS "database-type", "pa"."attnum" - 1 AS
    "database-position", "pn"."nspname" AS "table-schema", "pc"."relname" AS "table-name", FALSE AS "pk?", NULL AS
    "field-comment", FALSE AS "database-required", FALSE AS "database-is-auto-increment" FROM "pg_catalog"."pg_class"
    AS "pc" INNER JOIN "pg_catalog"."pg_namespace" AS "pn" ON "pn"."oid" = "pc"."relnamespace" INNER JOIN
    "pg_catalog"."pg_attribute" AS "pa" ON "pa"."attrelid" = "pc"."oid" INNER JOIN "pg_catalog"."pg_type" AS "pt" ON
    "pt"."oid" = "pa"."atttypid" INNER JOIN "pg_catalog"."pg_namespace" AS "ptn" ON "ptn"."oid" = "pt"."typnamespace"
    WHERE ("pc"."relkind" = 'm') AND ("pa"."attnum" >= 1) AND ("pn"."nspname" IN ($3, $4)) ORDER BY "table-schema"
    ASC, "table-name" ASC, "database-position" ASC

SELECT "fk_ns"."nspname" AS "fk-table-schema", "fk_table"."relname" AS "fk-table-name", "fk_column"."attname" AS
    "fk-column-name", "pk_ns"."nspname" AS "pk-table-schema", "pk_table"."relname" AS "pk-table-name",
    "pk_column"."attname" AS "pk-column-name" FROM "pg_constraint" AS "c" INNER JOIN "pg_class" AS "fk_table" ON
    "c"."conrelid" = "fk_table"."oid" INNER JOIN "pg_namespace" AS "fk_ns" ON "c"."connamespace" = "fk_ns"."oid" INNER
    JOIN "pg_attribute" AS "fk_column" ON "c"."conrelid" = "fk_column"."attrelid" INNER JOIN "pg_class" AS "pk_table"
    ON "c"."confrelid" = "pk_table"."oid" INNER JOIN "pg_namespace" AS "pk_ns" ON "pk_table"."relnamespace" =
    "pk_ns"."oid" INNER JOIN "pg_attribute" AS "pk_column" ON "c"."confrelid" = "pk_column"."attrelid" WHERE
    fk_ns.nspname !~ '^information_schema|catalog_history|pg_' AND ("c"."contype" = 'f'::char) AND
    ("fk_column"."attnum" = ANY(c.conkey)) AND ("pk_column"."attnum" = ANY(c.confkey)) ORDER BY "fk-table-schema" ASC,
    "fk-table-name" ASC

--@ only: table-schema sources
SELECT "tmp"."table-schema", "tmp"."table-name", TRIM(BOTH '"' FROM "pg_catalog".pg_get_indexdef("tmp"."ci_oid",
    "tmp"."pos", FALSE)) AS "field-name" FROM (SELECT "n"."nspname" AS "table-schema", "ct"."relname" AS "table-name",
    "ci"."oid" AS "ci_oid", ("information_schema"._pg_expandarray("i"."indkey")).n AS "pos" FROM
    "pg_catalog"."pg_class" AS "ct" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "ct"."relnamespace" = "n"."oid"
    INNER JOIN "pg_catalog"."pg_index" AS "i" ON "ct"."oid" = "i"."indrelid" INNER JOIN "pg_catalog"."pg_class" AS
    "ci" ON "ci"."oid" = "i"."indexrelid" WHERE ("pg_catalog".pg_get_expr("i"."indpred", "i"."indrelid") IS NULL) AND
    n.nspname !~ '^information_schema|catalog_history|pg_') AS "tmp" WHERE "tmp"."pos" = 1

--@ group: fingerprints
--@ formats: text binary

SELECT "spanlens"."requests"."id" AS "id", SUBSTRING("spanlens"."requests"."model", 1, 1234) AS "substring1",
    SUBSTRING("spanlens"."requests"."error_message", 1, 1234) AS "substring2", "spanlens"."requests"."cost_usd" AS
    "cost_usd", "spanlens"."requests"."latency_ms" AS "latency_ms", "spanlens"."requests"."created_at" AS "created_at"
    FROM "spanlens"."requests" LIMIT 10000

--@ bind: [["int4", 1], ["int4", 1234]]
SELECT SUBSTRING("spanlens"."traces"."name", $1, $2) AS "substring10" FROM "spanlens"."traces" LIMIT 10000

--# The fields of a JSON column.
--@ ordered
SELECT "spanlens"."requests"."id", CAST("spanlens"."requests"."extra" AS text) FROM "spanlens"."requests" WHERE
    (LENGTH(CAST("spanlens"."requests"."extra" AS TEXT)) < 30000) AND ("spanlens"."requests"."extra" IS NOT NULL)
    ORDER BY "spanlens"."requests"."id" LIMIT 10000

SELECT "respan"."spans"."id" AS "id", "respan"."spans"."metadata" AS "metadata" FROM "respan"."spans" WHERE
    "respan"."spans"."metadata" IS NOT NULL LIMIT 10000

--@ ordered
SELECT "spanlens"."requests"."provider" AS "provider" FROM "spanlens"."requests" GROUP BY
    "spanlens"."requests"."provider" ORDER BY "spanlens"."requests"."provider" ASC LIMIT 1000

SELECT COUNT(*) AS "count" FROM "spanlens"."requests"

SELECT COUNT(DISTINCT "spanlens"."requests"."model") AS "count", COUNT(*) AS "count_2",
    COUNT("spanlens"."requests"."cost_usd") AS "count_3" FROM "spanlens"."requests"

--@ group: questions: time
--@ formats: text binary

--@ ordered
-- Metabase:: userID: 1 queryType: MBQL queryHash: 0000000000000000000000000000000000000000000000000000000000000000
SELECT DATE_TRUNC('month', "spanlens"."requests"."created_at") AS "created_at", COUNT(*) AS "count",
    SUM("spanlens"."requests"."total_tokens") AS "sum" FROM "spanlens"."requests" GROUP BY DATE_TRUNC('month',
    "spanlens"."requests"."created_at") ORDER BY DATE_TRUNC('month', "spanlens"."requests"."created_at") ASC

--@ ordered
-- Metabase:: userID: 1 queryType: MBQL queryHash: 0000000000000000000000000000000000000000000000000000000000000000
SELECT CAST("spanlens"."requests"."created_at" AS date) AS "created_at", COUNT(*) AS "count" FROM
    "spanlens"."requests" WHERE ("spanlens"."requests"."created_at" >= DATE_TRUNC('day', (NOW() + INTERVAL
    '-30 day'))) AND ("spanlens"."requests"."created_at" < DATE_TRUNC('day', NOW())) GROUP BY
    CAST("spanlens"."requests"."created_at" AS date) ORDER BY CAST("spanlens"."requests"."created_at" AS date) ASC
    LIMIT 1048575

--@ ordered
SELECT CAST(CAST("spanlens"."requests"."created_at" AS date) AS timestamptz) AS "created_at",
    AVG("spanlens"."requests"."latency_ms") AS "avg" FROM "spanlens"."requests" WHERE
    ("spanlens"."requests"."created_at" >= timestamp with time zone '@from@ 00:00:00.000Z') AND
    ("spanlens"."requests"."created_at" < timestamp with time zone '@to@ 00:00:00.000Z') GROUP BY
    CAST(CAST("spanlens"."requests"."created_at" AS date) AS timestamptz) ORDER BY
    CAST(CAST("spanlens"."requests"."created_at" AS date) AS timestamptz) ASC

--@ ordered
SELECT (DATE_TRUNC('week', "spanlens"."requests"."created_at" + INTERVAL '1 day') + INTERVAL '-1 day') AS
    "created_at", COUNT(*) AS "count" FROM "spanlens"."requests" GROUP BY (DATE_TRUNC('week',
    "spanlens"."requests"."created_at" + INTERVAL '1 day') + INTERVAL '-1 day') ORDER BY (DATE_TRUNC('week',
    "spanlens"."requests"."created_at" + INTERVAL '1 day') + INTERVAL '-1 day') ASC

--@ ordered
SELECT (CAST(extract(dow from "spanlens"."requests"."created_at") AS integer) + 1) AS "created_at", COUNT(*) AS
    "count" FROM "spanlens"."requests" GROUP BY (CAST(extract(dow from "spanlens"."requests"."created_at") AS integer)
    + 1) ORDER BY (CAST(extract(dow from "spanlens"."requests"."created_at") AS integer) + 1) ASC

--@ ordered
SELECT CAST(extract(hour from "spanlens"."requests"."created_at") AS integer) AS "created_at", CAST(extract(quarter
    from "spanlens"."requests"."created_at") AS integer) AS "q", CAST(extract(doy from
    "spanlens"."requests"."created_at") AS integer) AS "doy", CAST(extract(week from
    "spanlens"."requests"."created_at") AS integer) AS "w", COUNT(*) AS "count" FROM "spanlens"."requests" GROUP BY
    CAST(extract(hour from "spanlens"."requests"."created_at") AS integer), CAST(extract(quarter from
    "spanlens"."requests"."created_at") AS integer), CAST(extract(doy from "spanlens"."requests"."created_at") AS
    integer), CAST(extract(week from "spanlens"."requests"."created_at") AS integer) ORDER BY 1 ASC, 3 ASC

--@ ordered
SELECT CEIL((((CAST(extract(doy from DATE_TRUNC('week', "spanlens"."requests"."created_at")) AS integer)))) / 7.0) AS
    "created_at", COUNT(*) AS "count" FROM "spanlens"."requests" GROUP BY CEIL((((CAST(extract(doy from
    DATE_TRUNC('week', "spanlens"."requests"."created_at")) AS integer)))) / 7.0) ORDER BY 1

--@ bind: [["timestamptz", "@from@ 00:00:00+00"], ["timestamptz", "@to@ 00:00:00+00"]]
--@ ordered
SELECT DATE_TRUNC('hour', "spanlens"."requests"."created_at") AS "created_at", MAX("spanlens"."requests"."latency_ms")
    AS "max" FROM "spanlens"."requests" WHERE "spanlens"."requests"."created_at" BETWEEN $1 AND $2 GROUP BY
    DATE_TRUNC('hour', "spanlens"."requests"."created_at") ORDER BY DATE_TRUNC('hour',
    "spanlens"."requests"."created_at") ASC

--@ bind: [["date", "@day@"]]
SELECT COUNT(*) AS "count" FROM "spanlens"."requests" WHERE CAST("spanlens"."requests"."created_at" AS date) = $1

--# pgjdbc declares no type for a java.sql.Timestamp.
--@ bind: [["", "@day@ 00:00:00+00"]]
SELECT COUNT(*) AS "count" FROM "spanlens"."requests" WHERE "spanlens"."requests"."created_at" >= $1

--@ ordered
SELECT TIMEZONE('America/New_York', "spanlens"."requests"."created_at") AS "local", DATE_TRUNC('hour',
    TIMEZONE('Asia/Kolkata', "spanlens"."requests"."created_at")) AS "hour", "spanlens"."requests"."id" FROM
    "spanlens"."requests" WHERE "spanlens"."requests"."provider" = 'groq' ORDER BY "spanlens"."requests"."id" LIMIT 50

--@ ordered
SELECT "spanlens"."traces"."id", (CAST("spanlens"."traces"."ended_at" AS DATE) - CAST("spanlens"."traces"."started_at"
    AS DATE)) AS "days", CAST(TRUNC((extract(epoch from "spanlens"."traces"."ended_at") - extract(epoch from
    "spanlens"."traces"."started_at"))) AS integer) AS "seconds", CAST(extract(year from AGE(DATE_TRUNC('day',
    "spanlens"."traces"."ended_at"), DATE_TRUNC('day', "spanlens"."traces"."started_at"))) AS integer) AS "years",
    CAST((extract(month from AGE(DATE_TRUNC('day', "spanlens"."traces"."ended_at"), DATE_TRUNC('day',
    "spanlens"."traces"."started_at"))) + (extract(year from AGE(DATE_TRUNC('day', "spanlens"."traces"."ended_at"),
    DATE_TRUNC('day', "spanlens"."traces"."started_at"))) * 12)) AS integer) AS "months",
    ("spanlens"."traces"."started_at" + INTERVAL '3 month') AS "later" FROM "spanlens"."traces" ORDER BY
    "spanlens"."traces"."id" ASC LIMIT 100

SELECT COUNT(*) AS "count" FROM "spanlens"."requests" WHERE ("spanlens"."requests"."created_at" >= DATE_TRUNC('week',
    (NOW() + INTERVAL '-2 week') + INTERVAL '1 day') + INTERVAL '-1 day') AND ("spanlens"."requests"."created_at" <
    (DATE_TRUNC('week', NOW() + INTERVAL '1 day') + INTERVAL '-1 day'))

--@ group: questions: numbers
--@ formats: text binary

--@ ordered
SELECT "spanlens"."requests"."provider" AS "provider", COUNT(*) AS "count", COUNT(DISTINCT
    "spanlens"."requests"."model") AS "count_2", AVG("spanlens"."requests"."latency_ms") AS "avg",
    SUM("spanlens"."requests"."total_tokens") AS "sum", MIN("spanlens"."requests"."cost_usd") AS "min",
    MAX("spanlens"."requests"."cost_usd") AS "max" FROM "spanlens"."requests" GROUP BY
    "spanlens"."requests"."provider" ORDER BY "count" DESC, "spanlens"."requests"."provider" ASC

SELECT PERCENTILE_CONT(0.5) within group (order by "spanlens"."requests"."latency_ms") AS "median",
    PERCENTILE_CONT(0.95) within group (order by "spanlens"."requests"."latency_ms") AS "percentile",
    PERCENTILE_CONT(0.9) within group (order by "spanlens"."requests"."cost_usd") AS "p90" FROM "spanlens"."requests"

--# Sums of squares of floats depend on the order of the rows beyond the digits that are compared, so of integers.
--@ ordered
SELECT "spanlens"."requests"."provider" AS "provider", STDDEV_POP("spanlens"."requests"."latency_ms") AS "stddev",
    VAR_POP("spanlens"."requests"."latency_ms") AS "var" FROM "spanlens"."requests" GROUP BY
    "spanlens"."requests"."provider" ORDER BY "spanlens"."requests"."provider" ASC

--@ ordered
SELECT DATE_TRUNC('day', "spanlens"."requests"."created_at") AS "created_at", SUM(COUNT(*)) OVER (ORDER BY
    DATE_TRUNC('day', "spanlens"."requests"."created_at") ASC ROWS UNBOUNDED PRECEDING) AS "count" FROM
    "spanlens"."requests" GROUP BY DATE_TRUNC('day', "spanlens"."requests"."created_at") ORDER BY DATE_TRUNC('day',
    "spanlens"."requests"."created_at") ASC

--@ ordered
SELECT DATE_TRUNC('day', "spanlens"."requests"."created_at") AS "created_at", "spanlens"."requests"."provider" AS
    "provider", SUM(SUM("spanlens"."requests"."total_tokens")) OVER (PARTITION BY "spanlens"."requests"."provider"
    ORDER BY DATE_TRUNC('day', "spanlens"."requests"."created_at") ASC ROWS UNBOUNDED PRECEDING) AS "sum",
    LAG(COUNT(*), 1) OVER (PARTITION BY "spanlens"."requests"."provider" ORDER BY DATE_TRUNC('day',
    "spanlens"."requests"."created_at") ASC) AS "previous" FROM "spanlens"."requests" GROUP BY DATE_TRUNC('day',
    "spanlens"."requests"."created_at"), "spanlens"."requests"."provider" ORDER BY DATE_TRUNC('day',
    "spanlens"."requests"."created_at") ASC, "spanlens"."requests"."provider" ASC

--@ ordered
SELECT (FLOOR((("spanlens"."requests"."latency_ms" - 0.0) / 500.0)) * 500.0) + 0.0 AS "latency_ms", COUNT(*) AS
    "count" FROM "spanlens"."requests" GROUP BY (FLOOR((("spanlens"."requests"."latency_ms" - 0.0) / 500.0)) * 500.0)
    + 0.0 ORDER BY (FLOOR((("spanlens"."requests"."latency_ms" - 0.0) / 500.0)) * 500.0) + 0.0 ASC

--@ ordered
SELECT FLOOR(("spanlens"."requests"."cost_usd" / 0.005)) * 0.005 AS "cost_usd", COUNT(*) AS "count" FROM
    "spanlens"."requests" GROUP BY FLOOR(("spanlens"."requests"."cost_usd" / 0.005)) * 0.005 ORDER BY
    FLOOR(("spanlens"."requests"."cost_usd" / 0.005)) * 0.005 ASC

--@ ordered
SELECT "spanlens"."requests"."model" AS "model", CAST(SUM(CASE WHEN "spanlens"."requests"."status_code" >= 400 THEN 1
    ELSE 0.0 END) AS DOUBLE PRECISION) / NULLIF(COUNT(*), 0) AS "share", SUM(CASE WHEN
    "spanlens"."requests"."status_code" = 429 THEN "spanlens"."requests"."total_tokens" ELSE 0.0 END) AS "sum_where"
    FROM "spanlens"."requests" GROUP BY "spanlens"."requests"."model" ORDER BY "spanlens"."requests"."model" ASC

--@ ordered
SELECT "spanlens"."requests"."id", CAST("spanlens"."requests"."prompt_tokens" AS DOUBLE PRECISION) /
    NULLIF("spanlens"."requests"."total_tokens", 0) AS "ratio", ROUND(CAST("spanlens"."requests"."cost_usd" * 1000 AS
    numeric), 2) AS "cents", POWER("spanlens"."requests"."latency_ms", 2) AS "power",
    SQRT("spanlens"."requests"."latency_ms") AS "sqrt", LOG(10, CAST("spanlens"."requests"."latency_ms" AS numeric))
    AS "log", ABS("spanlens"."requests"."prompt_tokens" - "spanlens"."requests"."completion_tokens") AS "abs",
    COALESCE("spanlens"."requests"."error_message", 'none') AS "e" FROM "spanlens"."requests" WHERE
    "spanlens"."requests"."provider" = 'groq' ORDER BY "spanlens"."requests"."id" ASC LIMIT 100

--@ bind: [["int8", 200], ["float8", 0.001], ["numeric", 12.5]]
SELECT COUNT(*) AS "count" FROM "spanlens"."requests" WHERE ("spanlens"."requests"."status_code" = $1) AND
    ("spanlens"."requests"."cost_usd" > $2) AND ("spanlens"."requests"."latency_ms" > $3)

--@ group: questions: text and filters
--@ formats: text binary

--@ bind: [["varchar", "%mini%"]]
--@ ordered
SELECT "spanlens"."requests"."id" AS "id", "spanlens"."requests"."model" AS "model" FROM "spanlens"."requests" WHERE
    (LOWER("spanlens"."requests"."model") LIKE $1) ORDER BY "spanlens"."requests"."id" ASC LIMIT 2000

--@ bind: [["varchar", "openai"], ["varchar", "groq"], ["varchar", ""]]
SELECT COUNT(*) AS "count" FROM "spanlens"."requests" WHERE (("spanlens"."requests"."provider" = $1) OR
    ("spanlens"."requests"."provider" = $2)) AND (("spanlens"."requests"."error_message" <> $3) OR
    ("spanlens"."requests"."error_message" IS NULL))

--@ bind: [["varchar", "nobody"]]
SELECT COUNT(*) AS "count" FROM "spanlens"."requests" WHERE ("spanlens"."requests"."provider" <> $1) OR
    ("spanlens"."requests"."provider" IS NULL)

--@ bind: [["varchar", "%4o%"], ["varchar", "gpt%"]]
--@ ordered
SELECT "spanlens"."requests"."model" AS "model", COUNT(*) AS "count" FROM "spanlens"."requests" WHERE (NOT
    (LOWER("spanlens"."requests"."model") LIKE $1) OR ("spanlens"."requests"."model" IS NULL)) AND
    ("spanlens"."requests"."model" LIKE $2) GROUP BY "spanlens"."requests"."model" ORDER BY
    "spanlens"."requests"."model" ASC

--@ bind: [["varchar", "%a%"]]
--@ ordered
SELECT "spanlens"."requests"."model" AS "model" FROM "spanlens"."requests" WHERE LOWER("spanlens"."requests"."model")
    LIKE $1 GROUP BY "spanlens"."requests"."model" ORDER BY "spanlens"."requests"."model" ASC LIMIT 1000

--@ ordered
SELECT substring("spanlens"."requests"."model" FROM '[0-9]+') AS "digits", CASE WHEN 1 < 1 THEN '' ELSE
    SPLIT_PART("spanlens"."requests"."model", '-', 1) END AS "part", CONCAT("spanlens"."requests"."provider", '/',
    "spanlens"."requests"."model") AS "both", LENGTH("spanlens"."requests"."model") AS "length",
    REPLACE("spanlens"."requests"."model", '-', '_') AS "r", UPPER("spanlens"."requests"."provider") AS "u", COUNT(*)
    AS "count" FROM "spanlens"."requests" GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 3 ASC

--@ ordered
SELECT "source"."provider" AS "provider", "source"."slow" AS "slow", COUNT(*) AS "count" FROM (SELECT
    "spanlens"."requests"."provider" AS "provider", "spanlens"."requests"."latency_ms" AS "latency_ms", CASE WHEN
    "spanlens"."requests"."latency_ms" > 1000 THEN 'slow' ELSE 'fast' END AS "slow" FROM "spanlens"."requests") AS
    "source" GROUP BY "source"."provider", "source"."slow" ORDER BY "source"."provider" ASC, "source"."slow" ASC

--@ ordered
SELECT "source"."provider" AS "provider", "source"."count" AS "count" FROM (SELECT "spanlens"."requests"."provider" AS
    "provider", COUNT(*) AS "count" FROM "spanlens"."requests" GROUP BY "spanlens"."requests"."provider" ORDER BY
    "spanlens"."requests"."provider" ASC) AS "source" WHERE "source"."count" > 100 ORDER BY "source"."count" DESC
    LIMIT 5

--@ ordered
SELECT "Traces"."name" AS "Traces__name", COUNT(*) AS "count", SUM("spanlens"."requests"."cost_usd") AS "sum" FROM
    "spanlens"."requests" LEFT JOIN "spanlens"."traces" AS "Traces" ON "spanlens"."requests"."trace_id" =
    "Traces"."id" GROUP BY "Traces"."name" ORDER BY "count" DESC, "Traces"."name" ASC

--@ ordered
SELECT ("respan"."spans"."metadata"#>> array['team']::text[])::text AS "metadata → team", COUNT(*) AS "count" FROM
    "respan"."spans" GROUP BY "metadata → team" ORDER BY "metadata → team" ASC

--@ bind: [["varchar", "team"], ["varchar", "platform"]]
SELECT COUNT(*) AS "count" FROM "respan"."spans" WHERE ("respan"."spans"."metadata"#>> array[$1]::text[])::text <> $2

--@ bind: [["varchar", "@id@"]]
SELECT "spanlens"."requests"."id" AS "id", "spanlens"."requests"."project_id" AS "project_id",
    "spanlens"."requests"."provider" AS "provider", "spanlens"."requests"."model" AS "model",
    "spanlens"."requests"."prompt_tokens" AS "prompt_tokens", "spanlens"."requests"."cost_usd" AS "cost_usd",
    "spanlens"."requests"."trace_id" AS "trace_id", "spanlens"."requests"."created_at" AS "created_at",
    "spanlens"."requests"."extra" AS "extra" FROM "spanlens"."requests" WHERE "spanlens"."requests"."id" = $1 LIMIT 1

SELECT * FROM (SELECT provider, count(*) FROM spanlens.requests WHERE 1 = 1 GROUP BY provider) AS "source" LIMIT
    1048575
