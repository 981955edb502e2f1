"""Scripts of statements that hold state (cursors, PREPARE, COPY, transactions), on the gateway and on a PostgreSQL.

Each step is sent by libpq; its tag, columns, rows, COPY data, notices and errors must be the same on both. A step is a
text for the simple protocol, a pair of a text and its parameters for the extended one, or a name with a text to prepare or
with None and parameters to run what was prepared.
"""

import psycopg
from psycopg import pq

import oracle
from checks import equal
from gateway import DATABASE, PASSWORD, USER
from postgres import Postgres

# Rows with everything that COPY has to escape, quote or write in binary.
TYPES = (
    "SELECT * FROM (VALUES "
    "(1::int2, 2147483647, (-9223372036854775808)::int8, 1.5::float8, 'NaN'::float4, 1.10::numeric, true, 'plain'::text), "
    "(NULL, 0, 1, '-Infinity', 1e-7, -123456789012345678901234567890.0001, false, E'tab\\t nl\\n cr\\r \\\\ \"q\" ,;|'), "
    "(2, NULL, NULL, NULL, NULL, NULL, NULL, ''), "
    "(3, 7, 7, 1e21, 1.5, 'NaN', true, E'\\\\.'), (4, 7, 7, 0.1, 1.5, 1e-9, true, '\\N'), "
    "(5, 7, 7, 0.1, 1.5, 100, true, E'Größe 🧵 \\b\\f\\v \\x0b')"
    ") AS v(a, b, c, d, e, f, g, \"T x\") ORDER BY a")
MORE_TYPES = (
    "SELECT '2026-02-28'::date, '2026-03-29 01:30:00.123456+00'::timestamptz, '2026-02-28 12:00'::timestamp, "
    "'12:34:56.789'::time, interval '1 mon -2 days 03:04:05.6', '{\"b\": [1, null], \"a\": \"x\"}'::jsonb, "
    "ARRAY['a', NULL, 'b c', '\"'], ARRAY[1, 2], '\\x00ff'::bytea, 'c0ffee00-0000-4000-8000-00000000beef'::uuid, "
    "'infinity'::timestamptz, '-infinity'::date, '{}'::int8[], NULL::text[], 'x'::varchar(3), 'y'::char(4), 42::oid")
REQUESTS = "SELECT id, model, latency_ms, cost_usd, created_at FROM spanlens.requests ORDER BY created_at, id"
NUMBERS = "SELECT n, n * n AS sq FROM generate_series(1, 10) AS g(n)"

SCRIPTS = {
    "cursor: every direction": [
        "BEGIN", f"DECLARE c SCROLL CURSOR FOR {NUMBERS}", "FETCH c", "FETCH NEXT FROM c", "FETCH 3 IN c",
        "FETCH FORWARD 2 FROM c", "FETCH PRIOR FROM c", "FETCH BACKWARD 2 FROM c", "FETCH 0 FROM c",
        "FETCH RELATIVE 0 FROM c", "FETCH FIRST FROM c", "FETCH LAST FROM c", "FETCH NEXT FROM c", "FETCH 0 FROM c",
        "FETCH PRIOR FROM c", "FETCH ABSOLUTE 4 FROM c", "FETCH ABSOLUTE -3 FROM c", "FETCH RELATIVE -2 FROM c",
        "FETCH RELATIVE 3 FROM c", "FETCH -2 FROM c", "FETCH BACKWARD -2 FROM c", "FETCH FORWARD 0 FROM c",
        "FETCH BACKWARD ALL FROM c", "FETCH BACKWARD 1 FROM c", "FETCH ALL FROM c", "FETCH ALL FROM c",
        "FETCH BACKWARD 3 FROM c", "FETCH ABSOLUTE 0 FROM c", "FETCH 1 FROM c", "FETCH ABSOLUTE 99 FROM c",
        "FETCH ABSOLUTE -99 FROM c", "FETCH RELATIVE 99 FROM c", "FETCH RELATIVE -99 FROM c", "FETCH FORWARD ALL c",
        "CLOSE c", "FETCH c", "ROLLBACK"],
    "cursor: MOVE": [
        "BEGIN", f"DECLARE c SCROLL CURSOR FOR {NUMBERS}", "MOVE 3 IN c", "FETCH c", "MOVE ALL IN c", "FETCH c",
        "MOVE BACKWARD ALL IN c", "FETCH c", "MOVE ABSOLUTE 5 IN c", "FETCH c", "MOVE RELATIVE 0 IN c", "MOVE LAST c",
        "FETCH c", "MOVE FIRST c", "MOVE PRIOR c", "FETCH c", "MOVE ABSOLUTE 0 c", "MOVE 0 c", "MOVE ABSOLUTE 99 c",
        "COMMIT"],
    "cursor: NO SCROLL only goes forward": [
        "BEGIN", f"DECLARE c NO SCROLL CURSOR FOR {NUMBERS}", "FETCH 2 c", "FETCH ABSOLUTE 4 c", "FETCH RELATIVE 2 c",
        "SAVEPOINT s", "FETCH PRIOR c", "ROLLBACK TO s", "FETCH 1 c", "SAVEPOINT t", "FETCH ABSOLUTE 1 c", "ROLLBACK"],
    "cursor: over the rows of a table": [
        "BEGIN", f"DECLARE c CURSOR FOR {REQUESTS}", "FETCH 7 FROM c", "MOVE FORWARD 100 IN c", "FETCH 3 FROM c",
        "FETCH FORWARD ALL FROM c", "FETCH 1 FROM c", "CLOSE c", "COMMIT"],
    "cursor: its end and its transaction": [
        f"DECLARE c CURSOR FOR {NUMBERS}", f"DECLARE h CURSOR WITH HOLD FOR {NUMBERS}", "FETCH 2 h", "BEGIN",
        f"DECLARE c CURSOR FOR {NUMBERS}", f"DECLARE c CURSOR FOR {NUMBERS}", "ROLLBACK", "BEGIN",
        f"DECLARE c CURSOR FOR {NUMBERS}", f"DECLARE k CURSOR WITH HOLD FOR {NUMBERS}", "FETCH 1 c", "FETCH 1 k",
        "COMMIT", "FETCH 1 c", "FETCH 1 k", "FETCH 1 h", "BEGIN", f"DECLARE g CURSOR WITH HOLD FOR {NUMBERS}",
        "ROLLBACK", "FETCH 1 g", "FETCH 1 h", "CLOSE h", "CLOSE h", "CLOSE ALL", "FETCH 1 k"],
    "cursor: and savepoints": [
        "BEGIN", f"DECLARE a CURSOR FOR {NUMBERS}", "SAVEPOINT s", f"DECLARE b CURSOR FOR {NUMBERS}", "FETCH a", "FETCH b",
        "ROLLBACK TO s", "FETCH a", "SAVEPOINT t", "FETCH b", "ROLLBACK TO t", "SAVEPOINT u",
        f"DECLARE d CURSOR FOR {NUMBERS}", "RELEASE u", "FETCH d", "ROLLBACK TO s", "SAVEPOINT v", "FETCH d",
        "ROLLBACK TO v", "FETCH a", "COMMIT"],
    "cursor: several statements in a text": [
        f"DECLARE c CURSOR FOR {NUMBERS}; FETCH 2 c; FETCH 1 c", "FETCH c",
        f"BEGIN; DECLARE c CURSOR FOR {NUMBERS}; FETCH 1 c", "FETCH 1 c", "END"],
    "cursor: binary": [
        "BEGIN", f"DECLARE c BINARY CURSOR FOR {NUMBERS}", "FETCH 3 c", "FETCH ALL c", "COMMIT"],
    "cursor: with parameters": [
        "BEGIN", ("DECLARE c CURSOR FOR SELECT n FROM generate_series(1, $1::int) AS g(n) WHERE n > $2::int", ["9", "4"]),
        "FETCH 2 c", "FETCH ALL c", "COMMIT"],
    "cursor: faults": [
        "BEGIN", "DECLARE c SCROLL NO SCROLL CURSOR FOR SELECT 1", "ROLLBACK", "BEGIN",
        "DECLARE c CURSOR FOR SELECT nosuch", "ROLLBACK", "BEGIN", "DECLARE c CURSOR FOR SELECT 1 / (n - 3) FROM "
        "generate_series(1, 5) AS g(n)", "FETCH ALL c", "FETCH c", "ROLLBACK", "FETCH c", "MOVE c", "CLOSE c",
        "DECLARE CURSOR FOR SELECT 1", "FETCH", "FETCH 1 2 c", "FETCH FORWARD c FROM c", "DECLARE c CURSOR SELECT 1",
        "DECLARE c CURSOR WITH HOLD SELECT 1", "CLOSE"],
    "cursor: names": [
        "BEGIN", 'DECLARE "SQL_CUR 1" CURSOR WITH HOLD FOR SELECT 1 AS one', 'FETCH 2048 IN "SQL_CUR 1"', 'FETCH sql_cur',
        "ROLLBACK", "BEGIN", "DECLARE next CURSOR FOR SELECT 2 AS two", "FETCH next", "FETCH NEXT FROM next", "FETCH ALL next",
        "COMMIT"],
    "prepare: and execute": [
        "PREPARE p AS SELECT 1 AS one", "EXECUTE p", "PREPARE p AS SELECT 2", "DEALLOCATE p", "EXECUTE p",
        "PREPARE q (int, text) AS SELECT $1 + 1 AS a, upper($2) AS b", "EXECUTE q(41, 'x')", "EXECUTE q(1 + 1, 'a' || 'b')",
        "EXECUTE q('7', current_date - current_date)", "EXECUTE q(1)", "EXECUTE q", "EXECUTE q(1, 2, 3)", "EXECUTE q(true, 'x')",
        "EXECUTE q(1.6, 'x')", "EXECUTE q(NULL, NULL)", "EXECUTE q('x', 'y')", "PREPARE r AS SELECT $1::date + $2 AS d",
        "EXECUTE r('2026-02-27', 2)", "PREPARE s (nosuch) AS SELECT $1", "PREPARE s (int, int) AS SELECT $1",
        "EXECUTE s(1, 2)", "DEALLOCATE PREPARE s", "DEALLOCATE ALL", "EXECUTE q(1, 'x')", "DEALLOCATE q"],
    "prepare: over the rows of a table": [
        "PREPARE p (text, bigint) AS SELECT count(*), max(id) FROM spanlens.requests WHERE provider = $1 AND latency_ms > $2",
        "EXECUTE p('openai', 1000)", "EXECUTE p('anthropic', 0)", "BEGIN", "EXECUTE p('groq', 0)", "ROLLBACK",
        "EXECUTE p('groq', 0)", "DISCARD ALL", "EXECUTE p('groq', 0)"],
    "prepare: what it holds": [
        "PREPARE p AS VALUES (1, 'a'), (2, 'b')", "EXECUTE p", "PREPARE t AS TABLE spanlens.traces", "DEALLOCATE t",
        "PREPARE w AS WITH x AS (SELECT 1 AS a) SELECT * FROM x", "EXECUTE w", "PREPARE z AS BEGIN", "PREPARE z SELECT 1",
        "BEGIN", "PREPARE y AS SELECT 1/0", "EXECUTE y", "EXECUTE p", "ROLLBACK", "EXECUTE p"],
    "prepare: seen by the session": [
        "PREPARE p (int, text[], numeric) AS SELECT $1, $2, $3",
        "SELECT name, parameter_types, from_sql FROM pg_prepared_statements WHERE from_sql ORDER BY name",
        f"DECLARE c SCROLL CURSOR WITH HOLD FOR {NUMBERS}",
        "SELECT name, statement, is_holdable, is_binary, is_scrollable FROM pg_cursors WHERE name <> '' ORDER BY name",
        "DEALLOCATE p", "CLOSE c", "SELECT count(*) FROM pg_prepared_statements WHERE from_sql", "SELECT count(*) FROM pg_cursors WHERE name = 'c'"],
    "copy: text": [
        f"COPY ({TYPES}) TO STDOUT", f"COPY ({MORE_TYPES}) TO STDOUT", f"COPY ({TYPES}) TO STDOUT WITH (HEADER)",
        f"COPY ({TYPES}) TO STDOUT (DELIMITER '|', NULL '-')", f"COPY ({TYPES}) TO STDOUT DELIMITER ',' NULL AS 'x y'",
        f"COPY ({TYPES}) TO STDOUT USING DELIMITERS '|'", f"COPY ({TYPES}) TO STDOUT (FORMAT text, DELIMITER ';')",
        "COPY (SELECT 1 WHERE false) TO STDOUT", "COPY (SELECT) TO STDOUT", "COPY (VALUES (1), (2)) TO STDOUT",
        "COPY (SELECT 1 AS a, 2 AS a) TO STDOUT (HEADER true)"],
    "copy: csv": [
        f"COPY ({TYPES}) TO STDOUT CSV", f"COPY ({TYPES}) TO STDOUT WITH CSV HEADER", f"COPY ({MORE_TYPES}) TO STDOUT (FORMAT csv)",
        f"COPY ({TYPES}) TO STDOUT (FORMAT csv, HEADER on, DELIMITER ';', NULL 'NULL', QUOTE '''', ESCAPE '\\')",
        f"COPY ({TYPES}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)", f'COPY ({TYPES}) TO STDOUT (FORMAT csv, FORCE_QUOTE (a, "T x"))',
        f"COPY ({TYPES}) TO STDOUT CSV FORCE QUOTE a, b", f"COPY ({TYPES}) TO STDOUT CSV DELIMITER AS E'\\t' QUOTE AS '$'",
        "COPY (VALUES (E'\\\\.'), ('x')) TO STDOUT CSV", "COPY (VALUES ('', NULL), ('a', 'b')) TO STDOUT CSV",
        "COPY (SELECT 1 WHERE false) TO STDOUT CSV HEADER"],
    "copy: binary": [
        f"COPY ({TYPES}) TO STDOUT (FORMAT binary)", f"COPY ({MORE_TYPES}) TO STDOUT WITH BINARY",
        "COPY (SELECT 1 WHERE false) TO STDOUT (FORMAT binary)", "COPY (SELECT 1 WHERE false) TO STDOUT BINARY"],
    "copy: tables": [
        f"COPY ({REQUESTS}) TO STDOUT", f"COPY ({REQUESTS}) TO STDOUT (FORMAT binary)", f"COPY ({REQUESTS}) TO STDOUT CSV HEADER",
        "COPY (TABLE nosuch) TO STDOUT", "COPY nosuch TO STDOUT", "COPY spanlens.requests (nosuch) TO STDOUT",
        "COPY (SELECT count(*) FROM spanlens.requests WHERE provider = 'openai') TO STDIN"],
    "copy: faults": [
        "COPY (SELECT 1) TO STDOUT (FORMAT xml)", "COPY (SELECT 1) TO STDOUT (nosuch 1)",
        "COPY (SELECT 1) TO STDOUT (FORMAT csv, FORMAT csv)", "COPY (SELECT 1) TO STDOUT (DELIMITER 'ab')",
        "COPY (SELECT 1) TO STDOUT (DELIMITER E'\\n')", "COPY (SELECT 1) TO STDOUT (DELIMITER 'a')",
        "COPY (SELECT 1) TO STDOUT (QUOTE 'x')", "COPY (SELECT 1) TO STDOUT (ESCAPE 'x')",
        "COPY (SELECT 1) TO STDOUT (FORCE_QUOTE *)", "COPY (SELECT 1) TO STDOUT (FORMAT csv, QUOTE 'ab')",
        "COPY (SELECT 1) TO STDOUT (FORMAT csv, DELIMITER '\"')", "COPY (SELECT 1) TO STDOUT (FORMAT csv, NULL '\"')",
        "COPY (SELECT 1) TO STDOUT (NULL E'\\n')", "COPY (SELECT 1) TO STDOUT (DELIMITER 'X', NULL 'aXb')",
        "COPY (SELECT 1) TO STDOUT (FORMAT binary, DELIMITER 'X')", "COPY (SELECT 1) TO STDOUT (FORMAT binary, NULL 'X')",
        "COPY (SELECT 1) TO STDOUT (FORMAT binary, HEADER)", "COPY (SELECT 1) TO STDOUT (HEADER match)",
        "COPY (SELECT 1) TO STDOUT (HEADER maybe)", "COPY (SELECT 1) TO STDOUT (FORMAT csv, FORCE_QUOTE (nosuch))",
        "COPY (SELECT 1) TO STDOUT (FORMAT csv, FORCE_QUOTE 'a')", "COPY (SELECT 1 / (n - 3) FROM generate_series(1, 5) AS g(n)) TO STDOUT",
        "COPY (SELECT 1) TO", "COPY SELECT 1 TO STDOUT", "COPY (SELECT 1 TO STDOUT", "COPY (SELECT 1) TO STDOUT CSV nonsense"],
    "copy: in the session's style": [
        "SET TimeZone = 'Asia/Tokyo'", "SET IntervalStyle = 'iso_8601'", "SET bytea_output = 'escape'", f"COPY ({MORE_TYPES}) TO STDOUT",
        f"COPY ({MORE_TYPES}) TO STDOUT CSV"],
    "temporary tables: rows": [
        "CREATE TEMP TABLE t (a int, b text, c timestamptz, d numeric(6,2), e varchar(3), f jsonb, g int[])",
        "INSERT INTO t VALUES (1, 'x', '2026-03-29 01:30:00+00', 1.234, 'abc', '{\"a\": 1}', '{1,2}')", "SELECT * FROM t",
        "INSERT INTO t (b, a) VALUES ('y', 2), ('z', 3)", "INSERT INTO t (a) SELECT n FROM generate_series(4, 6) AS g(n)",
        "SELECT a, b, c IS NULL AS c, d FROM t ORDER BY a", "INSERT INTO t DEFAULT VALUES", "SELECT count(*), sum(a), count(b) FROM t",
        "SELECT t.a, u.a AS other FROM t JOIN pg_temp.t AS u ON t.a = u.a + 1 ORDER BY 1", "INSERT INTO t SELECT * FROM t WHERE a < 3",
        "SELECT a, count(*) FROM t GROUP BY a ORDER BY a", "TABLE t ORDER BY a, b LIMIT 2", "COPY (SELECT * FROM t ORDER BY a, b) TO STDOUT",
        "INSERT INTO t (d) VALUES (123456)", "INSERT INTO t (e) VALUES ('abcd')", "INSERT INTO t (a) VALUES ('x')",
        "INSERT INTO t (a) VALUES (true)", "INSERT INTO t (nosuch) VALUES (1)", "INSERT INTO t (a, a) VALUES (1, 2)",
        "INSERT INTO t (a, b) VALUES (1)", "INSERT INTO t (a) VALUES (1, 2)", "INSERT INTO t (a, b) VALUES (1, 'x'), (2)",
        ("INSERT INTO t (a, b) VALUES ($1, $2)", ["70", "p"]), ("SELECT b FROM t WHERE a = $1", ["70"]), "DROP TABLE t", "SELECT * FROM t",
        "DROP TABLE t", "DROP TABLE IF EXISTS t"],
    "temporary tables: made by a query": [
        "CREATE TEMPORARY TABLE t AS SELECT n AS a, n * 1.5 AS b, 'x' AS c FROM generate_series(1, 3) AS g(n)", "SELECT * FROM t ORDER BY a",
        "CREATE TEMP TABLE u (x, y) AS VALUES (1, 'a'), (2, 'b')", "SELECT * FROM u ORDER BY x", "CREATE TEMP TABLE v AS TABLE t WITH NO DATA",
        "SELECT * FROM v", "SELECT a, c INTO TEMP w FROM t WHERE a > 1", "SELECT * FROM w ORDER BY a", "CREATE TEMP TABLE t AS SELECT 1",
        "CREATE TEMP TABLE IF NOT EXISTS t (a int)", "CREATE TEMP TABLE z (a, b, c) AS SELECT 1", "CREATE TEMP TABLE z AS SELECT 1 AS a, 2 AS a",
        "CREATE TEMP TABLE z (a int, a int)", "CREATE TEMP TABLE z (a nosuch)", "CREATE LOCAL TEMPORARY TABLE \"#Q z\" (\"COL\" INTEGER) ON COMMIT PRESERVE ROWS",
        "INSERT INTO \"#Q z\" (\"COL\") VALUES (1)", "SELECT \"COL\" FROM \"#Q z\"", "DROP TABLE \"#Q z\", u", "DISCARD TEMP", "SELECT * FROM t"],
    "temporary tables: over the rows of a table": [
        "CREATE TEMP TABLE slow AS SELECT id, latency_ms, created_at, cost_usd FROM spanlens.requests WHERE latency_ms > 1000",
        "SELECT count(*), max(latency_ms), min(created_at), sum(cost_usd::numeric) FROM slow",
        "SELECT count(*) FROM slow JOIN spanlens.requests USING (id)", "DROP TABLE slow"],
    "temporary tables: in the catalogs": [
        "CREATE TEMP TABLE own (a int, b text)", "SELECT relname, relkind FROM pg_class WHERE relname = 'own' AND pg_table_is_visible(oid)",
        "SELECT 'own'::regclass::text, 'pg_temp.own'::regclass::text", "SELECT array_length(current_schemas(true), 1) - array_length(current_schemas(false), 1) AS implicit",
        "SELECT (current_schemas(true))[1] ~ '^pg_temp_[0-9]+$' AS first, (current_schemas(true))[2] AS second",
        "SELECT nspname ~ '^pg_temp_' AS temp FROM pg_namespace WHERE oid = pg_my_temp_schema()",
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'own'::regclass AND attnum > 0 ORDER BY attnum",
        "DROP TABLE own", "SELECT count(*) FROM pg_class WHERE relname = 'own'"],
    "temporary tables: not null": [
        "CREATE TEMP TABLE t (a int NOT NULL, b int)", "INSERT INTO t (b) VALUES (1)", "INSERT INTO t VALUES (NULL, 1)", "INSERT INTO t VALUES (1, NULL)",
        "SELECT * FROM t"],
    "temporary tables: transactions": [
        "BEGIN", "CREATE TEMP TABLE t (a int)", "INSERT INTO t VALUES (1)", "SAVEPOINT s", "INSERT INTO t VALUES (2)", "SELECT count(*) FROM t",
        "ROLLBACK TO s", "SELECT count(*) FROM t", "SAVEPOINT u", "INSERT INTO t VALUES (3)", "RELEASE u", "SELECT count(*) FROM t", "ROLLBACK TO s",
        "SELECT count(*) FROM t", "COMMIT", "SELECT count(*) FROM t", "BEGIN", "DROP TABLE t", "ROLLBACK", "SELECT count(*) FROM t", "BEGIN",
        "CREATE TEMP TABLE d (a int) ON COMMIT DELETE ROWS", "CREATE TEMP TABLE e (a int) ON COMMIT DROP", "INSERT INTO d VALUES (1)",
        "INSERT INTO e VALUES (1)", "SELECT count(*) FROM d, e", "COMMIT", "SELECT count(*) FROM d", "SELECT count(*) FROM e", "BEGIN",
        "INSERT INTO t VALUES (9)", "SELECT 1/0", "ROLLBACK", "SELECT count(*) FROM t", "CREATE TEMP TABLE f (a int) ON COMMIT DROP",
        "SELECT count(*) FROM f", "DISCARD ALL", "SELECT count(*) FROM t"],
    "a text of several statements is a transaction": [
        "CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (1); SELECT 1/0", "SELECT * FROM t",
        "CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2); INSERT INTO t VALUES (1/0)", "SELECT * FROM t",
        "DROP TABLE t; SELECT nosuch", "SELECT * FROM t", "SET extra_float_digits = 2; SELECT 1/0", "SHOW extra_float_digits",
        "SET LOCAL extra_float_digits = 3; SHOW extra_float_digits", "SHOW extra_float_digits", "SET LOCAL extra_float_digits = 3",
        f"DECLARE k CURSOR WITH HOLD FOR {NUMBERS}; SELECT 1/0", "FETCH k", f"DECLARE k CURSOR WITH HOLD FOR {NUMBERS}; FETCH 2 k", "FETCH k",
        "INSERT INTO t VALUES (3); BEGIN; INSERT INTO t VALUES (4)", "INSERT INTO t VALUES (5)", "ROLLBACK", "SELECT * FROM t",
        "INSERT INTO t VALUES (6); BEGIN; INSERT INTO t VALUES (7); COMMIT; INSERT INTO t VALUES (8); SELECT 1/0", "SELECT * FROM t",
        "INSERT INTO t VALUES (9); ROLLBACK; INSERT INTO t VALUES (10)", "SELECT * FROM t", "INSERT INTO t VALUES (11); COMMIT; SELECT 1/0", "SELECT * FROM t",
        "SELECT 1; DISCARD ALL", "SELECT 1; SAVEPOINT s", "BEGIN; SAVEPOINT s; INSERT INTO t VALUES (12); ROLLBACK TO s; COMMIT", "SELECT * FROM t",
        "SELECT set_config('extra_float_digits', '-3', true); SHOW extra_float_digits", "SHOW extra_float_digits",
        "CREATE TEMP TABLE d (a int) ON COMMIT DELETE ROWS; INSERT INTO d VALUES (1); SELECT count(*) FROM d", "SELECT count(*) FROM d"],
    "prepared by the protocol, run again after a change": [
        "CREATE TEMP TABLE a (n int)", "CREATE TEMP TABLE b (n int, s text)",
        "INSERT INTO a VALUES (1)", ("i", "INSERT INTO b SELECT n, $1 FROM a", []), ("s", "SELECT n, s FROM b ORDER BY n, s", []),
        ("i", None, ["p"]), ("s", None, []), "INSERT INTO a VALUES (2)", ("i", None, ["q"]), ("s", None, []),
        "PREPARE e AS SELECT count(*) FROM a", ("x", "EXECUTE e", []), ("x", None, []), "INSERT INTO a VALUES (3)", ("x", None, []),
        "DEALLOCATE e", ("x", None, []), "PREPARE e AS SELECT max(n) + 0.5 FROM a", ("x", None, []), "DEALLOCATE e",
        "PREPARE e (int) AS SELECT $1 + count(*) AS count FROM a", ("x", None, []),
        "PREPARE z (timestamptz) AS SELECT $1 AT TIME ZONE 'UTC' AS z", ("y", "EXECUTE z('2026-01-01 00:00')", []), ("y", None, []),
        "SET TimeZone = 'Asia/Tokyo'", ("y", None, []), "DROP TABLE b", "CREATE TEMP TABLE b (n int, s int)", ("s", None, []),
        "DROP TABLE b", "CREATE TEMP TABLE b (s text, n int)", ("s", None, []), ("i", None, ["r"]), ("s", None, []),
        "DROP TABLE a", ("i", None, ["r"])],
    "set_config": [
        "SELECT set_config('extra_float_digits', '2', false)", "SHOW extra_float_digits", "SELECT current_setting('lock_timeout') AS cur, set_config('lock_timeout', '5s', false) AS new",
        "SHOW lock_timeout", "BEGIN", "SELECT set_config('TimeZone', 'Asia/Tokyo', true)", "SHOW TimeZone", "COMMIT", "SHOW TimeZone",
        "SELECT set_config('nosuch', 'x', false)", "SELECT set_config('extra_float_digits', 'x', false)", "SELECT set_config(NULL, 'x', false)",
        "SELECT pg_catalog.set_config('search_path', '', false)", "SELECT set_config('bytea_output', 'hex', false) FROM pg_show_all_settings() WHERE name = 'bytea_output'"],
    "pg_sleep": [
        "SELECT pg_sleep(0)", "SELECT pg_sleep(0.01), 1 AS one", "SELECT count(*) FROM pg_sleep(0)", "SELECT pg_sleep_for('10 milliseconds')",
        "SELECT pg_sleep_until(now())", "SELECT pg_sleep(-1)", "SELECT pg_sleep(NULL)", "SET statement_timeout = '50ms'", "SELECT pg_sleep(60)",
        "SELECT pg_sleep(0)"],
    "signals to sessions": [
        "SELECT pg_cancel_backend(0), pg_terminate_backend(-1)", "SELECT pg_cancel_backend(NULL)", "SELECT pg_cancel_backend(pg_backend_pid() + 100000)",
        "SELECT count(*) FROM pg_stat_activity WHERE pid = pg_backend_pid() AND state = 'active' AND query ~ 'pg_stat_activity'"],
    "nothing to do": [
        "LISTEN x", "UNLISTEN x", "UNLISTEN *", "LISTEN", "CLOSE ALL", "DEALLOCATE ALL", "DISCARD ALL", "DISCARD TEMP"],
}


def run(report, demo):
    """A check for each script."""
    with Postgres() as server, _connect(demo.port, USER, DATABASE, PASSWORD) as gateway, server.connect() as postgres:
        gateway.execute("SET client_min_messages = warning")
        gateway.execute("SET search_path = spanlens")
        postgres.execute("CREATE SCHEMA spanlens")
        for table in ("requests", "traces"):
            oracle.copy(gateway, postgres, table)
        for name, steps in SCRIPTS.items():
            report.run(f"scripts: {name}", _compare, demo, server, steps)


def _connect(port, user, database, password=None):
    return psycopg.connect(
        host="127.0.0.1", port=port, user=user, dbname=database, password=password, autocommit=True, connect_timeout=10)


def _compare(demo, server, steps):
    with _connect(demo.port, USER, DATABASE, PASSWORD) as own, _connect(server.port, "postgres", "postgres") as theirs:
        own.execute("SET client_min_messages = warning")
        for at, step in enumerate(steps):
            equal(answers(own.pgconn, step), answers(theirs.pgconn, step), f"step {at}: {step}")
    return f"{len(steps)} steps"


def answers(connection, step):
    """All that a server says to a step."""
    if isinstance(step, str):
        connection.send_query(step.encode())
    elif len(step) == 3:
        name, text, values = step
        if text is not None:
            connection.send_prepare(name.encode(), text.encode())
        else:
            connection.send_query_prepared(name.encode(), [value.encode() for value in values])
    else:
        connection.send_query_params(step[0].encode(), [value.encode() for value in step[1]])
    said = []
    while (result := connection.get_result()) is not None:
        said.append(_one(connection, result))
        if result.status == pq.ExecStatus.COPY_OUT:
            data = b""
            while (length_and_bytes := connection.get_copy_data(0))[0] > 0:
                data += bytes(length_and_bytes[1])
            said.append(data)
    if len(said) == 3 and len(said[2]) == 2:
        # How many rows of a COPY come before an error is nobody's promise.
        said = said[2:]
    return said, pq.TransactionStatus(connection.transaction_status).name


def _one(connection, result):
    if result.status == pq.ExecStatus.FATAL_ERROR:
        field = result.error_field
        # What lies in the text of a query is measured elsewhere; positions within it differ in some errors.
        return tuple(
            (value or b"").decode() for value in map(field, (pq.DiagnosticField.SQLSTATE, pq.DiagnosticField.MESSAGE_PRIMARY)))
    # A COPY has forms and no names.
    is_copy = result.status == pq.ExecStatus.COPY_OUT
    columns = [
        result.fformat(n) if is_copy else (result.fname(n).decode(), result.ftype(n), result.fformat(n))
        for n in range(result.nfields)]
    rows = [tuple(result.get_value(row, n) for n in range(result.nfields)) for row in range(result.ntuples)]
    tag = (result.command_status or b"").decode()
    return pq.ExecStatus(result.status).name, tag, columns, rows
