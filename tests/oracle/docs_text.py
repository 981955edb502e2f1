"""The words of docs/sql.md that no table of the sources holds."""

# What a topic of the corpus is about, where the first line of its file says less.
TOPICS = {
    "dashboards": "What BI tools send",
    "errors": "SQLSTATE and message of what PostgreSQL refuses",
    "joins": "Joins: inner, outer, cross, natural, USING, LATERAL",
    "subqueries": "Subqueries: scalar, EXISTS, IN, ANY, ALL, correlated, in FROM",
    "windows": "Window functions; frames by ROWS, RANGE and GROUPS, EXCLUDE, WINDOW",
}

# Families of functions, each with the modules of src/function that hold them.
FAMILIES = (
    ("numbers", ("number",)),
    ("text and bytea", ("text", "quote", "identifier", "size")),
    ("regular expressions", ("regex",)),
    ("dates and times", ("datetime",)),
    ("formatting", ("template",)),
    ("json and jsonb", ("json",)),
    ("jsonpath", ("jsonpath",)),
    ("arrays", ("array",)),
    ("series", ("series",)),
)

# What the analyzer makes of syntax.
CONSTRUCTS = {
    "CASE", "COALESCE", "NULLIF", "GREATEST", "LEAST", "CAST", "EXTRACT", "SUBSTRING", "POSITION", "OVERLAY", "TRIM",
    "GROUPING", "BETWEEN SYMMETRIC", "IS DISTINCT FROM", "LIKE", "ILIKE", "SIMILAR TO", "OVERLAPS", "AT TIME ZONE",
    "COLLATE", "ROW", "ARRAY", "IN", "ANY", "ALL", "EXISTS",
}

# What needs the session, or a column definition list.
CALLED = {
    "current_catalog", "current_database", "current_date", "current_role", "current_schema", "current_schemas",
    "current_setting", "current_timestamp", "current_user", "json_to_record", "json_to_recordset", "jsonb_to_record",
    "jsonb_to_recordset", "localtime", "localtimestamp", "now", "pg_backend_pid", "pg_is_in_recovery", "pg_typeof",
    "session_user", "statement_timestamp", "transaction_timestamp", "user", "version",
}

# In the tables, but written as operators, casts or constructs.
INTERNAL = {
    "anytextcat", "byteacat", "datetime_pl", "json_array_element", "json_array_element_text", "json_object_field",
    "json_object_field_text", "jsonb_array_element", "jsonb_array_element_text", "jsonb_concat", "jsonb_contained",
    "jsonb_contains", "jsonb_delete", "jsonb_delete_path", "jsonb_exists", "jsonb_exists_all", "jsonb_exists_any",
    "jsonb_object_field", "jsonb_object_field_text", "like", "like_escape", "notlike", "overlaps", "similar_to_escape",
    "textanycat", "textcat", "textlen", "textlike", "textnlike",
}

# Beside what listed.tsv has: what, SQLSTATE, what to do instead.
REFUSED = (
    ("Writes of any kind but to temporary tables, DDL, `SELECT INTO`, `FOR UPDATE`, LOCK, DO, CALL, VACUUM", "25006", ""),
    ("COPY in another encoding than UTF8", "0A000", ""),
    ("FETCH and MOVE of a portal of the protocol", "34000", "Execute with a row count"),
    ("SET ROLE, SET SESSION AUTHORIZATION", "0A000", "connect as the other user"),
    ("EXPLAIN (FORMAT XML or YAML)", "0A000", "EXPLAIN as text or JSON"),
    ("A statement over the catalogs and a source's tables at once", "42P01", "two statements"),
    ("A function of the catalogs beside a source's tables", "42883", "a statement of its own"),
    ("Arguments by name, but for make_interval", "0A000", "arguments by position"),
    ("A frame's offset, LIMIT or OFFSET that reads columns", "0A000, 42703", "a constant or, with LIMIT, a subquery"),
    ("Hypothetical-set aggregates of more than one column", "42883", "one column; `count(*) FILTER (WHERE …)`"),
    ("XML functions and predicates, full text search, geometry, money, cidr, macaddr, pg_lsn, hstore, citext, the "
     "types jsonpath and of a table's rows", "0A000, 42704, 42883", "text, numeric, jsonb"),
    ("System columns: ctid, xmin, tableoid", "42703", "the column id"),
    ("Collations other than C, POSIX, ucs_basic and default", "42704", "order by lower(…)"),
    ("Sequences, advisory locks, pg_sleep, large objects", "0A000, 42883", ""),
    ("standard_conforming_strings = off, client_encoding other than UTF8", "22023", ""),
)

PAGE = """# SQL

The gateway speaks PostgreSQL 15's SQL, read-only. A statement answers as PostgreSQL does over the same rows — values
in text and binary, names, types, SQLSTATE — or is refused. `tests/oracle/run.py` compares both: {total} statements of
[tests/oracle/corpus](../tests/oracle/corpus), and random ones. This page is written by `tests/oracle/docs.py`.

## Supported

| topic | statements compared |
|---|---|
{topics}

Types: boolean, smallint, integer, bigint, real, double precision, numeric, text, character varying, character, name,
bytea, date, time, timestamp, timestamptz, interval, json, jsonb, uuid, oid and its aliases, records, and arrays of
these.

{families}
{aggregates}
{windows}
{constructs}
{called}
{catalog}

## Refused

SQLSTATE 0A000 unless the function or the type does not exist here (42883, 42704).

| what | SQLSTATE | instead |
|---|---|---|
{refused}

Known differences of the corpus ([listed.tsv](../tests/oracle/listed.tsv)):

| reason | statement |
|---|---|
{listed}

## Differs

- Locale: C.UTF-8. Text is compared and sorted byte by byte, which is the order of code points: `'B' < 'a' < 'ä'`.
  Upper and lower case and the classes of regular expressions are Unicode's, one letter for one: `upper('ß')` is `ß`.
  Names of months and days are English.
- Row order: without ORDER BY it is undetermined, as in PostgreSQL, and follows upstream's pages. LIMIT without a
  total ORDER BY may give other rows each time.
- float8: sums and averages depend on the order of rows in the last digits, as in PostgreSQL; `cbrt` and `||/` depend
  on the C library in the last digit. numeric is exact, with PostgreSQL's scale, NaN and infinities.
- BEGIN, SAVEPOINT and isolation levels are accepted: nothing is written, and each statement sees what upstream has at
  that time.
- Time stamps: microseconds, from 4713 BC to the year 294246.
- Time zones: the IANA database and POSIX zones; abbreviations as in PostgreSQL's set Default, each with a fixed
  offset or the rules of its zone. `SET TimeZone` takes no abbreviations, as in PostgreSQL.
- Identifiers: folded to lower case unless quoted, cut at 63 bytes. Columns without a name have PostgreSQL's: `count`,
  `?column?`.
- Positions of errors point to the same line, and may be another character of the expression.
- LISTEN and NOTIFY are accepted; no notification comes.
- EXPLAIN shows the gateway's plan and its upstream calls; its cost is the least number of calls.
- DataFusion, the engine, plans and streams. Name resolution, types, casts, NULL, aggregates, windows and functions
  are PostgreSQL's, by `src/sql/analyze` and `src/function`.

## Limits

| limit | of | SQLSTATE |
|---|---|---|
| {series} | rows of one generate_series | 54000 |
| {operators} | operators of one statement | 54001 |
| {nesting} | levels of nesting of one statement | 54001 |
| {catalog_steps} | rows that a statement over the catalogs looks at | 53400 |
| {query_memory} (`limits.query_memory`) | memory of one statement | 53200 |
| {total_memory} (`limits.total_memory`) | memory of all statements | 53200 |
| {max_calls} (`spanwire.max_calls`) | upstream calls of one statement | 53400 |
| {statement_timeout} (`statement_timeout`) | time of one statement | 57014 |
"""
