--# Npgsql: its type loading, the schema of a result, its schema collections; all results are binary.

--@ group: connect

--# The four statements of its type loading come in one text, by the simple protocol.
--@ simple
--@ shape
SELECT version(); SELECT ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid FROM ( SELECT typ.oid,
    typ.typnamespace, typ.typname, typ.typtype, typ.typrelid, typ.typnotnull, typ.relkind, elemtyp.oid AS elemtypoid,
    elemtyp.typname AS elemtypname, elemcls.relkind AS elemrelkind, CASE WHEN elemproc.proname='array_recv' THEN 'a'
    ELSE elemtyp.typtype END AS elemtyptype FROM (SELECT typ.oid, typnamespace, typname, typrelid, typnotnull,
    relkind, typelem AS elemoid, CASE WHEN proc.proname='array_recv' THEN 'a' ELSE typ.typtype END AS typtype, CASE
    WHEN proc.proname='array_recv' THEN typ.typelem WHEN typ.typtype='r' THEN rngsubtype WHEN typ.typtype='m' THEN
    (SELECT rngtypid FROM pg_range WHERE rngmultitypid = typ.oid) WHEN typ.typtype='d' THEN typ.typbasetype END AS
    elemtypoid FROM pg_type AS typ LEFT JOIN pg_class AS cls ON (cls.oid = typ.typrelid) LEFT JOIN pg_proc AS proc ON
    proc.oid = typ.typreceive LEFT JOIN pg_range ON (pg_range.rngtypid = typ.oid)) AS typ LEFT JOIN pg_type AS elemtyp
    ON elemtyp.oid = elemtypoid LEFT JOIN pg_class AS elemcls ON (elemcls.oid = elemtyp.typrelid) LEFT JOIN pg_proc AS
    elemproc ON elemproc.oid = elemtyp.typreceive) AS t JOIN pg_namespace AS ns ON (ns.oid = typnamespace) WHERE
    typtype IN ('b', 'r', 'm', 'e', 'd') OR (typtype = 'c' AND relkind='c') OR (typtype = 'p' AND typname IN
    ('record', 'void')) OR (typtype = 'a' AND (elemtyptype IN ('b', 'r', 'm', 'e', 'd') OR (elemtyptype = 'p' AND
    elemtypname IN ('record', 'void')) OR (elemtyptype = 'c' AND elemrelkind='c'))) ORDER BY CASE WHEN typtype IN
    ('b', 'e', 'p') THEN 0 WHEN typtype = 'r' THEN 1 WHEN typtype = 'm' THEN 2 WHEN typtype = 'c' THEN 3 WHEN typtype
    = 'd' AND elemtyptype <> 'a' THEN 4 WHEN typtype = 'a' THEN 5 WHEN typtype = 'd' AND elemtyptype = 'a' THEN 6 END;
    SELECT typ.oid, att.attname, att.atttypid FROM pg_type AS typ JOIN pg_namespace AS ns ON (ns.oid =
    typ.typnamespace) JOIN pg_class AS cls ON (cls.oid = typ.typrelid) JOIN pg_attribute AS att ON (att.attrelid =
    typ.typrelid) WHERE (typ.typtype = 'c' AND cls.relkind='c') AND attnum > 0 AND NOT attisdropped ORDER BY typ.oid,
    att.attnum; SELECT pg_type.oid, enumlabel FROM pg_enum JOIN pg_type ON pg_type.oid=enumtypid ORDER BY oid,
    enumsortorder;

--@ simple
DISCARD ALL

--# What a pool sends instead of DISCARD ALL when it keeps prepared statements.
--@ simple
CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD SEQUENCES; DISCARD TEMP; SET SESSION AUTHORIZATION
    DEFAULT; RESET ALL;

--@ group: types
--@ formats: text

--@ only: typname bool int8 text varchar jsonb timestamptz numeric float8 bytea _text _int8 tstzrange int4multirange record
SELECT ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid FROM ( SELECT typ.oid, typ.typnamespace,
    typ.typname, typ.typtype, typ.typrelid, typ.typnotnull, typ.relkind, elemtyp.oid AS elemtypoid, elemtyp.typname AS
    elemtypname, elemcls.relkind AS elemrelkind, CASE WHEN elemproc.proname='array_recv' THEN 'a' ELSE elemtyp.typtype
    END AS elemtyptype FROM (SELECT typ.oid, typnamespace, typname, typrelid, typnotnull, relkind, typelem AS elemoid,
    CASE WHEN proc.proname='array_recv' THEN 'a' ELSE typ.typtype END AS typtype, CASE WHEN proc.proname='array_recv'
    THEN typ.typelem WHEN typ.typtype='r' THEN rngsubtype WHEN typ.typtype='m' THEN (SELECT rngtypid FROM pg_range
    WHERE rngmultitypid = typ.oid) WHEN typ.typtype='d' THEN typ.typbasetype END AS elemtypoid FROM pg_type AS typ
    LEFT JOIN pg_class AS cls ON (cls.oid = typ.typrelid) LEFT JOIN pg_proc AS proc ON proc.oid = typ.typreceive LEFT
    JOIN pg_range ON (pg_range.rngtypid = typ.oid)) AS typ LEFT JOIN pg_type AS elemtyp ON elemtyp.oid = elemtypoid
    LEFT JOIN pg_class AS elemcls ON (elemcls.oid = elemtyp.typrelid) LEFT JOIN pg_proc AS elemproc ON elemproc.oid =
    elemtyp.typreceive) AS t JOIN pg_namespace AS ns ON (ns.oid = typnamespace) WHERE typtype IN ('b', 'r', 'm', 'e',
    'd') OR (typtype = 'c' AND relkind='c') OR (typtype = 'p' AND typname IN ('record', 'void')) OR (typtype = 'a' AND
    (elemtyptype IN ('b', 'r', 'm', 'e', 'd') OR (elemtyptype = 'p' AND elemtypname IN ('record', 'void')) OR
    (elemtyptype = 'c' AND elemrelkind='c'))) ORDER BY CASE WHEN typtype IN ('b', 'e', 'p') THEN 0 WHEN typtype = 'r'
    THEN 1 WHEN typtype = 'm' THEN 2 WHEN typtype = 'c' THEN 3 WHEN typtype = 'd' AND elemtyptype <> 'a' THEN 4 WHEN
    typtype = 'a' THEN 5 WHEN typtype = 'd' AND elemtyptype = 'a' THEN 6 END;

--# Of its version 3 and 4, which Power BI and Power Query come with.
--@ only: typname bool int8 text varchar jsonb timestamptz numeric float8 _text _int8 int4range oidvector
/*** Load all supported types ***/ SELECT ns.nspname, a.typname, a.oid, a.typrelid, a.typbasetype, CASE WHEN
    pg_proc.proname='array_recv' THEN 'a' ELSE a.typtype END AS type, CASE WHEN pg_proc.proname='array_recv' THEN
    a.typelem WHEN a.typtype='r' THEN rngsubtype ELSE 0 END AS elemoid, CASE WHEN pg_proc.proname IN
    ('array_recv','oidvectorrecv') THEN 3 WHEN a.typtype='r' THEN 2 WHEN a.typtype='d' THEN 1 ELSE 0 END AS ord FROM
    pg_type AS a JOIN pg_namespace AS ns ON (ns.oid = a.typnamespace) JOIN pg_proc ON pg_proc.oid = a.typreceive LEFT
    OUTER JOIN pg_class AS cls ON (cls.oid = a.typrelid) LEFT OUTER JOIN pg_type AS b ON (b.oid = a.typelem) LEFT
    OUTER JOIN pg_class AS elemcls ON (elemcls.oid = b.typrelid) LEFT OUTER JOIN pg_range ON (pg_range.rngtypid =
    a.oid) WHERE a.typtype IN ('b', 'r', 'e', 'd') OR (a.typtype = 'c' AND cls.relkind='c') OR
    (pg_proc.proname='array_recv' AND (b.typtype IN ('b', 'r', 'e', 'd') OR (b.typtype = 'p' AND b.typname IN
    ('record', 'void')) OR (b.typtype = 'c' AND elemcls.relkind='c'))) OR (a.typtype = 'p' AND a.typname IN ('record',
    'void')) ORDER BY ord

--@ empty
SELECT typ.oid, att.attname, att.atttypid FROM pg_type AS typ JOIN pg_namespace AS ns ON (ns.oid = typ.typnamespace)
    JOIN pg_class AS cls ON (cls.oid = typ.typrelid) JOIN pg_attribute AS att ON (att.attrelid = typ.typrelid) WHERE
    (typ.typtype = 'c' AND cls.relkind='c') AND attnum > 0 AND NOT attisdropped ORDER BY typ.oid, att.attnum;

--@ empty
SELECT pg_type.oid, enumlabel FROM pg_enum JOIN pg_type ON pg_type.oid=enumtypid ORDER BY oid, enumsortorder;

DISCARD ALL

--@ group: schema of a result
--@ formats: binary

--# PostgreSQL would let the user write.
--@ ordered
--@ without: is_updatable
SELECT typ.oid AS typoid, nspname, relname, attname, attrelid, attnum, attnotnull, attidentity != '' AS isidentity,
    CASE WHEN typ.typtype = 'd' THEN typ.typtypmod ELSE atttypmod END AS typmod, CASE WHEN atthasdef THEN (SELECT
    pg_get_expr(adbin, cls.oid) FROM pg_attrdef WHERE adrelid = cls.oid AND adnum = attr.attnum) ELSE NULL END AS
    default, CASE WHEN col.is_updatable = 'YES' THEN true ELSE false END AS is_updatable, EXISTS (SELECT * FROM
    pg_index WHERE pg_index.indrelid = cls.oid AND pg_index.indisprimary AND attnum = ANY (indkey)) AS isprimarykey,
    EXISTS (SELECT * FROM pg_index WHERE pg_index.indrelid = cls.oid AND pg_index.indisunique AND pg_index.indnkeyatts
    = 1 AND attnum = pg_index.indkey[0]) AS isunique FROM pg_attribute AS attr JOIN pg_type AS typ ON attr.atttypid =
    typ.oid JOIN pg_class AS cls ON cls.oid = attr.attrelid JOIN pg_namespace AS ns ON ns.oid = cls.relnamespace LEFT
    OUTER JOIN information_schema.columns AS col ON col.table_schema = nspname AND col.table_name = relname AND
    col.column_name = attname WHERE atttypid <> 0 AND relkind IN ('r', 'v', 'm') AND NOT attisdropped AND nspname NOT
    IN ('pg_catalog', 'information_schema') AND attnum > 0 AND ((attr.attrelid=@requests@ AND attr.attnum=1) OR
    (attr.attrelid=@requests@ AND attr.attnum=13) OR (attr.attrelid=@requests@ AND attr.attnum=15)) ORDER BY attnum

--@ only: database_name spanwire
--@ formats: text
--@ without: owner
SELECT d.datname AS database_name, u.usename AS owner, pg_catalog.pg_encoding_to_char(d.encoding) AS encoding FROM
    pg_catalog.pg_database d LEFT JOIN pg_catalog.pg_user u ON d.datdba = u.usesysid

--@ bind: [["text", "spanlens"]]
SELECT table_catalog, table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema = $1

--@ bind: [["text", "spanlens"], ["text", "requests"]]
SELECT table_catalog, table_schema, table_name, column_name, ordinal_position, column_default, is_nullable, udt_name
    AS data_type, character_maximum_length, character_octet_length, numeric_precision, numeric_precision_radix,
    numeric_scale, datetime_precision, character_set_catalog, character_set_schema, character_set_name,
    collation_catalog FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2

--@ bind: [["text", "spanlens"]]
--@ empty
SELECT table_catalog, table_schema, table_name, check_option, is_updatable FROM information_schema.views WHERE
    table_schema = $1

--@ formats: text
--@ only: user_name demo
SELECT usename as user_name, usesysid as user_sysid FROM pg_catalog.pg_user

SET search_path = spanlens

select current_database() as table_catalog, n.nspname as table_schema, t.relname as table_name, i.relname as
    index_name, a.attname as column_name from pg_class t join pg_index ix on t.oid = ix.indrelid join pg_class i on
    ix.indexrelid = i.oid join pg_attribute a on t.oid = a.attrelid left join pg_namespace n on i.relnamespace = n.oid
    where i.relkind = 'i' and n.nspname not in ('pg_catalog', 'pg_toast') and pg_catalog.pg_table_is_visible(i.oid)
    and a.attnum = ANY(ix.indkey) and t.relkind = 'r'

select current_database() as "CONSTRAINT_CATALOG", pgn.nspname as "CONSTRAINT_SCHEMA", pgc.conname as
    "CONSTRAINT_NAME", current_database() as "TABLE_CATALOG", pgtn.nspname as "TABLE_SCHEMA", pgt.relname as
    "TABLE_NAME", 'FOREIGN KEY' as "CONSTRAINT_TYPE", pgc.condeferrable as "IS_DEFERRABLE", pgc.condeferred as
    "INITIALLY_DEFERRED" from pg_catalog.pg_constraint pgc inner join pg_catalog.pg_namespace pgn on pgc.connamespace
    = pgn.oid inner join pg_catalog.pg_class pgt on pgc.conrelid = pgt.oid inner join pg_catalog.pg_namespace pgtn on
    pgt.relnamespace = pgtn.oid where pgc.contype='f'

--@ group: data
--@ formats: binary

--@ ordered
--@ bind: [["text", "openai"], ["int8", 100]]
SELECT * FROM spanlens.requests WHERE provider = $1 AND latency_ms > $2 ORDER BY id

--@ ordered
SELECT id, metadata, scores, latency, timestamp, stream FROM respan.spans ORDER BY id LIMIT 100

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED

SAVEPOINT "s1"

--@ fails: 22012
SELECT 1/0

ROLLBACK TO SAVEPOINT "s1"

SELECT 1

COMMIT
