--# Tableau, through pgjdbc: its statements on connecting, its probes and those of its sheets.

--@ group: connection

SET extra_float_digits = 3

SET application_name = 'Tableau'

SET client_min_messages TO 'warning'

SET client_encoding TO 'UTF8'

SET TIMEZONE TO 'UTC'

SHOW TimeZone

SELECT 1

--# What it may do with temporary tables; both keep the session usable after a refusal.
--@ fails: 42601
CREATE LOCAL TEMPORARY TABLE '#Tableau_1_2_Connect_CheckCreateTempTableCap' ( COL INTEGER ) ON COMMIT PRESERVE ROWS

CREATE LOCAL TEMPORARY TABLE "#Tableau_1_00000000-0000-4000-8000-000000000000_1_Connect_C" ( "COL" INTEGER ) ON COMMIT
    PRESERVE ROWS

DROP TABLE "#Tableau_1_00000000-0000-4000-8000-000000000000_1_Connect_C"

SELECT "COL" FROM (SELECT 1 AS "COL") AS "CHECKTEMP" LIMIT 1

--@ fails: 42P01
SELECT * FROM "#Tableau_nosuch"

SELECT 1 AS "still"

--@ group: metadata

--@ only: TABLE_SCHEM sources
--@ ordered
SELECT nspname AS "TABLE_SCHEM", NULL AS "TABLE_CATALOG" FROM pg_catalog.pg_namespace WHERE nspname <> 'pg_toast' AND
    (nspname !~ '^pg_temp_' OR nspname = (pg_catalog.current_schemas(true))[1]) AND (nspname !~ '^pg_toast_temp_' OR
    nspname = replace((pg_catalog.current_schemas(true))[1], 'pg_temp_', 'pg_toast_temp_')) ORDER BY "TABLE_SCHEM"

--@ only: TABLE_SCHEM sources
--@ ordered
SELECT NULL AS "TABLE_CAT", n.nspname AS "TABLE_SCHEM", c.relname AS "TABLE_NAME", CASE n.nspname ~ '^pg_' OR
    n.nspname = 'information_schema' WHEN true THEN CASE WHEN n.nspname = 'pg_catalog' OR n.nspname =
    'information_schema' THEN CASE c.relkind WHEN 'r' THEN 'SYSTEM TABLE' WHEN 'v' THEN 'SYSTEM VIEW' WHEN 'i' THEN
    'SYSTEM INDEX' ELSE NULL END WHEN n.nspname = 'pg_toast' THEN CASE c.relkind WHEN 'r' THEN 'SYSTEM TOAST TABLE'
    WHEN 'i' THEN 'SYSTEM TOAST INDEX' ELSE NULL END ELSE CASE c.relkind WHEN 'r' THEN 'TEMPORARY TABLE' WHEN 'p' THEN
    'TEMPORARY TABLE' WHEN 'i' THEN 'TEMPORARY INDEX' WHEN 'S' THEN 'TEMPORARY SEQUENCE' WHEN 'v' THEN
    'TEMPORARY VIEW' ELSE NULL END END WHEN false THEN CASE c.relkind WHEN 'r' THEN 'TABLE' WHEN 'p' THEN
    'PARTITIONED TABLE' WHEN 'i' THEN 'INDEX' WHEN 'P' then 'PARTITIONED INDEX' WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN
    'VIEW' WHEN 'c' THEN 'TYPE' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END ELSE
    NULL END AS "TABLE_TYPE", d.description AS "REMARKS", '' as "TYPE_CAT", '' as "TYPE_SCHEM", '' as "TYPE_NAME", ''
    AS "SELF_REFERENCING_COL_NAME", '' AS "REF_GENERATION" FROM pg_catalog.pg_namespace n, pg_catalog.pg_class c LEFT
    JOIN pg_catalog.pg_description d ON (c.oid = d.objoid AND d.objsubid = 0 and d.classoid = 'pg_class'::regclass)
    WHERE c.relnamespace = n.oid AND n.nspname LIKE 'spanlens' AND (false OR ( c.relkind = 'r' AND n.nspname !~ '^pg_'
    AND n.nspname <> 'information_schema' ) OR ( c.relkind = 'v' AND n.nspname <> 'pg_catalog' AND n.nspname <>
    'information_schema' ) ) ORDER BY "TABLE_TYPE","TABLE_SCHEM","TABLE_NAME"

--@ ordered
SELECT * FROM (SELECT current_database() AS current_database, n.nspname,c.relname,a.attname,a.atttypid,a.attnotnull OR
    (t.typtype = 'd' AND t.typnotnull) AS attnotnull,a.atttypmod,a.attlen,t.typtypmod, row_number() OVER (PARTITION BY
    a.attrelid ORDER BY a.attnum) AS attnum, nullif(a.attidentity, '') as attidentity,nullif(a.attgenerated, '') as
    attgenerated,pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS adsrc,dsc.description,t.typbasetype,t.typtype FROM
    pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON (c.relnamespace = n.oid) JOIN pg_catalog.pg_attribute a ON
    (a.attrelid=c.oid) JOIN pg_catalog.pg_type t ON (a.atttypid = t.oid) LEFT JOIN pg_catalog.pg_attrdef def ON
    (a.attrelid=def.adrelid AND a.attnum = def.adnum) LEFT JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND
    a.attnum = dsc.objsubid) LEFT JOIN pg_catalog.pg_class dc ON (dc.oid=dsc.classoid AND dc.relname='pg_class') LEFT
    JOIN pg_catalog.pg_namespace dn ON (dc.relnamespace=dn.oid AND dn.nspname='pg_catalog') WHERE c.relkind in
    ('r','p','v','f','m') and a.attnum > 0 AND NOT a.attisdropped AND n.nspname LIKE 'spanlens' AND c.relname LIKE
    'requests') c WHERE true ORDER BY nspname,c.relname,attnum

--@ ordered
SELECT result."TABLE_CAT", result."TABLE_SCHEM", result."TABLE_NAME", result."COLUMN_NAME", result."KEY_SEQ",
    result."PK_NAME" FROM (SELECT current_database() AS "TABLE_CAT", n.nspname AS "TABLE_SCHEM", ct.relname AS
    "TABLE_NAME", a.attname AS "COLUMN_NAME", (information_schema._pg_expandarray(i.indkey)).n AS "KEY_SEQ",
    ci.relname AS "PK_NAME", information_schema._pg_expandarray(i.indkey) AS "KEYS", a.attnum AS "A_ATTNUM" FROM
    pg_catalog.pg_class ct JOIN pg_catalog.pg_attribute a ON (ct.oid = a.attrelid) JOIN pg_catalog.pg_namespace n ON
    (ct.relnamespace = n.oid) JOIN pg_catalog.pg_index i ON ( a.attrelid = i.indrelid) JOIN pg_catalog.pg_class ci ON
    (ci.oid = i.indexrelid) WHERE true AND n.nspname = 'spanlens' AND ct.relname = 'requests' AND i.indisprimary )
    result where result."A_ATTNUM" = (result."KEYS").x ORDER BY result."TABLE_NAME", result."PK_NAME",
    result."KEY_SEQ"

SELECT NULL::text AS "PKTABLE_CAT", pkn.nspname AS "PKTABLE_SCHEM", pkc.relname AS "PKTABLE_NAME", pka.attname AS
    "PKCOLUMN_NAME", NULL::text AS "FKTABLE_CAT", fkn.nspname AS "FKTABLE_SCHEM", fkc.relname AS "FKTABLE_NAME",
    fka.attname AS "FKCOLUMN_NAME", pos.n AS "KEY_SEQ", CASE con.confupdtype WHEN 'c' THEN 0 WHEN 'n' THEN 2 WHEN 'd'
    THEN 4 WHEN 'r' THEN 1 WHEN 'p' THEN 1 WHEN 'a' THEN 3 ELSE NULL END AS "UPDATE_RULE", CASE con.confdeltype WHEN
    'c' THEN 0 WHEN 'n' THEN 2 WHEN 'd' THEN 4 WHEN 'r' THEN 1 WHEN 'p' THEN 1 WHEN 'a' THEN 3 ELSE NULL END AS
    "DELETE_RULE", con.conname AS "FK_NAME", pkic.relname AS "PK_NAME", CASE WHEN con.condeferrable AND
    con.condeferred THEN 5 WHEN con.condeferrable THEN 6 ELSE 7 END AS "DEFERRABILITY" FROM pg_catalog.pg_namespace
    pkn, pg_catalog.pg_class pkc, pg_catalog.pg_attribute pka, pg_catalog.pg_namespace fkn, pg_catalog.pg_class fkc,
    pg_catalog.pg_attribute fka, pg_catalog.pg_constraint con, pg_catalog.generate_series(1, 32) pos(n),
    pg_catalog.pg_class pkic WHERE pkn.oid = pkc.relnamespace AND pkc.oid = pka.attrelid AND pka.attnum =
    con.confkey[pos.n] AND con.confrelid = pkc.oid AND fkn.oid = fkc.relnamespace AND fkc.oid = fka.attrelid AND
    fka.attnum = con.conkey[pos.n] AND con.conrelid = fkc.oid AND con.contype = 'f' AND (pkic.relkind = 'i' OR
    pkic.relkind = 'I') AND pkic.oid = con.conindid AND fkn.nspname = 'spanlens' AND fkc.relname = 'requests' ORDER BY
    pkn.nspname,pkc.relname, con.conname,pos.n

--@ empty
SELECT * FROM "spanlens"."requests" LIMIT 0

--@ empty
SELECT * FROM (SELECT id, model, created_at FROM spanlens.requests WHERE provider = 'openai') "Custom SQL Query" LIMIT
    0

--@ group: sheets
--@ formats: text binary

SELECT COUNT(1) AS "cnt:requests:ok" FROM "spanlens"."requests" "requests" HAVING (COUNT(1) > 0)

SELECT "requests"."provider" AS "provider", SUM("requests"."cost_usd") AS "sum:cost_usd:ok",
    SUM("requests"."total_tokens") AS "sum:total_tokens:ok" FROM "spanlens"."requests" "requests" GROUP BY 1

SELECT CAST(TRUNC(EXTRACT(YEAR FROM "requests"."created_at")) AS INTEGER) AS "yr:created_at:ok",
    CAST(TRUNC(EXTRACT(QUARTER FROM "requests"."created_at")) AS INTEGER) AS "qr:created_at:ok",
    CAST(TRUNC(EXTRACT(MONTH FROM "requests"."created_at")) AS INTEGER) AS "mn:created_at:ok",
    AVG(CAST("requests"."latency_ms" AS DOUBLE PRECISION)) AS "avg:latency_ms:ok" FROM "spanlens"."requests"
    "requests" GROUP BY 1, 2, 3

SELECT DATE_TRUNC( 'MONTH', CAST("requests"."created_at" AS TIMESTAMP) ) AS "tmn:created_at:ok", COUNT(DISTINCT
    "requests"."model") AS "ctd:model:ok" FROM "spanlens"."requests" "requests" GROUP BY 1

SELECT DATE_TRUNC( 'DAY', CAST("requests"."created_at" AS TIMESTAMP) ) AS "tdy:created_at:ok", "requests"."provider"
    AS "provider", SUM(1) AS "sum:Number of Records:ok" FROM "spanlens"."requests" "requests" WHERE
    (("requests"."created_at" >= TIMESTAMP '@from@ 00:00:00.000') AND ("requests"."created_at" < TIMESTAMP
    '@to@ 00:00:00.000')) GROUP BY 1, 2

SELECT CAST((DATE_TRUNC( 'day', CAST("requests"."created_at" AS DATE) ) + (-EXTRACT(DOW FROM "requests"."created_at")
    * INTERVAL '1 DAY')) AS DATE) AS "twk:created_at:ok", COUNT(1) AS "n" FROM "spanlens"."requests" "requests" GROUP
    BY 1

SELECT CAST("requests"."created_at" AS DATE) AS "day", (CASE WHEN ("requests"."status_code" >= 400) THEN 'failed' ELSE
    'ok' END) AS "Calculation_1", SUM((CASE WHEN ("requests"."status_code" >= 400) THEN 1 ELSE 0 END)) AS
    "sum:Calculation_2:ok" FROM "spanlens"."requests" "requests" WHERE ("requests"."provider" IN ('openai', 'groq'))
    GROUP BY 1, 2

--# A dimension filtered to its first members, as a join with a subselect.
SELECT "requests"."model" AS "model", SUM("requests"."latency_ms") AS "sum:latency_ms:ok" FROM "spanlens"."requests"
    "requests" INNER JOIN (SELECT "requests"."model" AS "model", SUM("requests"."total_tokens") AS "$__alias__0" FROM
    "spanlens"."requests" "requests" GROUP BY 1 ORDER BY 2 DESC NULLS LAST, 1 LIMIT 3) "t0" ON (NOT
    ("requests"."model" IS DISTINCT FROM "t0"."model")) GROUP BY 1

--# A level of detail.
SELECT "t0"."provider" AS "provider", AVG("t1"."__measure__1") AS "avg" FROM (SELECT "requests"."provider" AS
    "provider", "requests"."model" AS "model" FROM "spanlens"."requests" "requests" GROUP BY 1, 2) "t0" INNER JOIN
    (SELECT "requests"."model" AS "model", COUNT(1) AS "__measure__1" FROM "spanlens"."requests" "requests" GROUP BY
    1) "t1" ON (("t0"."model" = "t1"."model") OR (("t0"."model" IS NULL) AND ("t1"."model" IS NULL))) GROUP BY 1

--@ ordered
SELECT "requests"."provider" AS "provider" FROM "spanlens"."requests" "requests" GROUP BY 1 ORDER BY 1 ASC NULLS FIRST

SELECT "Custom SQL Query"."model" AS "model", MIN("Custom SQL Query"."created_at") AS "lo",
    MAX("Custom SQL Query"."created_at") AS "hi", STDDEV_SAMP("Custom SQL Query"."latency_ms") AS "std" FROM (SELECT
    id, model, created_at, latency_ms FROM spanlens.requests) "Custom SQL Query" GROUP BY 1

SELECT CAST(FLOOR("requests"."latency_ms" / 250.0) AS BIGINT) AS "latency (bin)", COUNT(1) AS "n",
    PERCENTILE_CONT(0.500000) WITHIN GROUP (ORDER BY "requests"."cost_usd") AS "med:cost_usd:ok" FROM
    "spanlens"."requests" "requests" GROUP BY 1

SELECT "traces"."name" AS "name", COUNT(DISTINCT "requests"."id") AS "n", MAX("traces"."ended_at" -
    "traces"."started_at") AS "longest" FROM "spanlens"."requests" "requests" LEFT JOIN "spanlens"."traces" "traces"
    ON ("requests"."trace_id" = "traces"."id") GROUP BY 1

SELECT UPPER("requests"."provider") AS "u", LEFT("requests"."model", 3) AS "l", POSITION('-' IN "requests"."model") AS
    "p", COUNT(1) AS "n" FROM "spanlens"."requests" "requests" WHERE (LOWER("requests"."model") LIKE '%mini%') GROUP
    BY 1, 2, 3

--@ group: cursor of its ODBC driver

BEGIN

declare "SQL_CUR0x600" cursor with hold for SELECT "requests"."id" AS "id", "requests"."latency_ms" AS "latency_ms"
    FROM "spanlens"."requests" "requests" ORDER BY 1

--@ ordered
fetch 2048 in "SQL_CUR0x600"

--@ ordered
fetch 2048 in "SQL_CUR0x600"

close "SQL_CUR0x600"

COMMIT
