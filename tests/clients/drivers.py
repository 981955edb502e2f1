"""Python's drivers: psycopg2, psycopg (text, binary, prepared, pipeline), asyncpg, pg8000, pyodbc, SQLAlchemy.

What they return is measured against the rows of the upstream itself.
"""

import asyncio
import datetime
import math
import re
import tempfile
from contextlib import contextmanager

import asyncpg
import pg8000.dbapi
import psycopg
import psycopg2
import psycopg2.extras
import pyodbc
import sqlalchemy

from checks import equal, raises
from gateway import DATABASE, PASSWORD, SCHEMAS, USER, VIEWS

ODBC_DRIVER = "/usr/lib/x86_64-linux-gnu/odbc/psqlodbcw.so"
UTC = datetime.timezone.utc

NEWEST = ("SELECT id, latency_ms, cost_usd, error_message, created_at, status_code >= 500 AS failed FROM spanlens.requests "
          "ORDER BY created_at DESC, id LIMIT 50")
COLUMNS = ["id", "latency_ms", "cost_usd", "error_message", "created_at", "failed"]
DIALECTS = ("postgresql+psycopg2", "postgresql+psycopg", "postgresql+pg8000")
TABLES = ["anomalies", "requests", "security", "traces"]


def moment(text):
    """A time of the upstream."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def newest(demo):
    """What NEWEST must give. The upstream leaves out some fields of some rows: NULL."""
    ordered = sorted(demo.rows("requests"), key=lambda row: (-moment(row["created_at"]).timestamp(), row["id"]))
    return [
        (row["id"], row["latency_ms"], row.get("cost_usd"), row.get("error_message"), moment(row["created_at"]),
         row["status_code"] >= 500)
        for row in ordered[:50]
    ]


def provider_count(demo, provider, latency):
    """Requests of a provider that took longer than so many ms."""
    return sum(row["provider"] == provider and row["latency_ms"] > latency for row in demo.rows("requests"))


# --- psycopg2

@contextmanager
def _psycopg2(demo):
    connection = psycopg2.connect(
        host="127.0.0.1", port=demo.port, user=USER, password=PASSWORD, dbname=DATABASE, connect_timeout=10)
    try:
        yield connection
    finally:
        connection.close()


def check_psycopg2_rows_and_types(demo):
    with _psycopg2(demo) as connection, connection.cursor() as cursor:
        cursor.execute(NEWEST)
        equal([column.name for column in cursor.description], COLUMNS)
        equal([column.type_code for column in cursor.description], [25, 20, 701, 25, 1184, 16])
        equal(cursor.fetchall(), newest(demo))


def check_psycopg2_parameters(demo):
    with _psycopg2(demo) as connection, connection.cursor() as cursor:
        sql = "SELECT count(*) FROM spanlens.requests WHERE provider = %s AND latency_ms > %s"
        cursor.execute(sql, ("openai", 1000))
        equal(cursor.fetchall(), [(provider_count(demo, "openai", 1000),)])
        cursor.execute("SELECT count(*) FROM spanlens.requests WHERE provider IN %s", (("groq", "mistral"),))
        equal(cursor.fetchone()[0], provider_count(demo, "groq", -1) + provider_count(demo, "mistral", -1))
        cursor.execute("SELECT %s, %s, %s", ("it's \\ é", None, True))
        equal(cursor.fetchone(), ("it's \\ é", None, True))


def check_psycopg2_errors_and_transactions(demo):
    with _psycopg2(demo) as connection, connection.cursor() as cursor:
        error = raises(psycopg2.errors.UndefinedTable, cursor.execute, "SELECT 1 FROM nosuch")
        equal((error.pgcode, error.diag.message_primary, error.diag.statement_position),
              ("42P01", 'relation "nosuch" does not exist', "15"))
        equal(raises(psycopg2.Error, cursor.execute, "SELECT 1").pgcode, "25P02")
        connection.rollback()
        cursor.execute("SELECT 1")
        equal(cursor.fetchall(), [(1,)])
        error = raises(psycopg2.Error, cursor.execute, "DELETE FROM requests")
        equal((type(error), error.pgcode), (psycopg2.errors.ReadOnlySqlTransaction, "25006"))


def check_psycopg2_session_settings_and_jsonb(demo):
    with _psycopg2(demo) as connection, connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        connection.set_session(readonly=True, isolation_level="REPEATABLE READ", autocommit=False)
        cursor.execute("SELECT id, flags FROM spanlens.security ORDER BY id, created_at")
        expected = sorted(demo.rows("security"), key=lambda row: (row["id"], row["created_at"]))
        equal([dict(row) for row in cursor.fetchall()], [{"id": r["id"], "flags": r["flags"]} for r in expected])
        cursor.execute("SET TIME ZONE 'Asia/Tokyo'")
        cursor.execute("SELECT created_at FROM spanlens.requests ORDER BY created_at LIMIT 1")
        oldest = cursor.fetchone()["created_at"]
        equal(oldest.utcoffset(), datetime.timedelta(hours=9))
        equal(oldest, min(moment(row["created_at"]) for row in demo.rows("requests")))


# --- psycopg 3

def _psycopg(demo, **options):
    return psycopg.connect(
        host="127.0.0.1", port=demo.port, user=USER, password=PASSWORD, dbname=DATABASE, connect_timeout=10, **options)


def check_psycopg_text_and_binary(demo):
    with _psycopg(demo) as connection:
        for binary in (False, True):
            cursor = connection.cursor(binary=binary)
            cursor.execute(NEWEST)
            equal([column.name for column in cursor.description], COLUMNS)
            equal([column.type_code for column in cursor.description], [25, 20, 701, 25, 1184, 16])
            equal(cursor.fetchall(), newest(demo), f"binary={binary}")


def check_psycopg_parameters_of_each_type(demo):
    values = ["é'\\", 9_007_199_254_740_993, 1e-9, True, datetime.datetime(2026, 5, 1, 12, 30, 0, 123456, UTC), None]
    kinds = ["text", "bigint", "double precision", "boolean", "timestamptz", "text"]
    for marker in ("%s", "%b", "%t"):
        sql = "SELECT " + ", ".join(f"{marker}::{kind}" for kind in kinds)
        with _psycopg(demo) as connection:
            cursor = connection.cursor(binary=marker == "%b")
            equal(list(cursor.execute(sql, values).fetchone()), values, marker)


def check_psycopg_prepares_on_the_server(demo):
    sql = "SELECT count(*) FROM spanlens.requests WHERE provider = %s AND latency_ms > %s"
    with _psycopg(demo) as connection, tempfile.TemporaryFile() as trace:
        # libpq's own record of the messages shows whether the statement got a name.
        connection.pgconn.trace(trace.fileno())
        for run in range(8):
            found = connection.execute(sql, ("openai", run * 300)).fetchall()
            equal(found, [(provider_count(demo, "openai", run * 300),)], f"run {run}")
        connection.pgconn.untrace()
        trace.seek(0)
        messages = trace.read().decode()
    # After prepare_threshold (5) runs the driver parses once more, by name, and then binds to that name.
    equal(messages.count('\tParse\t'), 6, "Parse messages")
    equal(len(re.findall(r'\tBind\t.*"_pg3_\d+_?\d*"', messages)), 3, f"Bind messages to a name in\n{messages}")


def check_psycopg_pipeline(demo):
    providers = ["openai", "anthropic", "gemini", "groq"]
    with _psycopg(demo, autocommit=True) as connection:
        with connection.pipeline():
            cursors = [
                connection.execute("SELECT count(*) FROM spanlens.requests WHERE provider = %s", (name,)) for name in providers]
            counts = [cursor.fetchone()[0] for cursor in cursors]
        equal(counts, [provider_count(demo, name, -1) for name in providers])


def check_psycopg_pipeline_with_an_error(demo):
    with _psycopg(demo, autocommit=True) as connection:
        with raises_in_pipeline(connection) as outcome:
            outcome["first"] = connection.execute("SELECT 'before'")
            outcome["second"] = connection.execute("SELECT nope FROM spanlens.requests")
            outcome["third"] = connection.execute("SELECT 'after'")
        equal(outcome["error"].sqlstate, "42703")
        equal(outcome["first"].fetchall(), [("before",)])
        equal(connection.execute("SELECT 'still here'").fetchall(), [("still here",)])


@contextmanager
def raises_in_pipeline(connection):
    """A pipeline whose body must fail; the error is kept."""
    outcome = {}
    try:
        with connection.pipeline():
            yield outcome
    except psycopg.Error as error:
        outcome["error"] = error
    if "error" not in outcome:
        raise AssertionError("the pipeline raised nothing")


def check_psycopg_executemany_and_stream(demo):
    with _psycopg(demo) as connection:
        cursor = connection.cursor()
        sql = "SELECT count(*) FROM spanlens.requests WHERE provider = %s"
        cursor.executemany(sql, [("openai",), ("groq",)], returning=True)
        counts = [cursor.fetchone()[0]]
        while cursor.nextset():
            counts.append(cursor.fetchone()[0])
        equal(counts, [provider_count(demo, "openai", -1), provider_count(demo, "groq", -1)])
        ids = [row[0] for row in connection.cursor().stream("SELECT id FROM spanlens.requests")]
        equal(sorted(ids), sorted(row["id"] for row in demo.rows("requests")))


def check_psycopg_arrays_as_parameters(demo):
    with _psycopg(demo) as connection:
        sql = "SELECT count(*) FROM spanlens.requests WHERE provider = ANY(%s::text[])"
        found = connection.execute(sql, (["groq", "mistral"],)).fetchone()[0]
        equal(found, provider_count(demo, "groq", -1) + provider_count(demo, "mistral", -1))


def check_psycopg_notices_and_cancel(demo):
    with _psycopg(demo, autocommit=True) as connection:
        notices = []
        connection.add_notice_handler(lambda notice: notices.append((notice.severity, notice.message_primary)))
        connection.execute("SELECT count(*) FROM spanlens.requests")
        equal(notices, [("NOTICE", "spanlens.requests is read back to 30 days ago")])
        connection.cancel_safe()  # nothing runs: must do no harm
        equal(connection.execute("SELECT 1").fetchall(), [(1,)])


def check_psycopg_transactions(demo):
    with _psycopg(demo) as connection:
        with connection.transaction():
            connection.execute("SET LOCAL TIME ZONE 'Asia/Tokyo'")
            equal(connection.info.parameter_status("TimeZone"), "Asia/Tokyo")
            # A nested block is a savepoint; its error leaves the outer one alive.
            raises(psycopg.errors.DivisionByZero, _in_savepoint, connection, "SELECT 1/0")
            equal(connection.execute("SHOW TimeZone").fetchone(), ("Asia/Tokyo",))
        equal(connection.info.parameter_status("TimeZone"), "UTC")


def _in_savepoint(connection, sql):
    with connection.transaction():
        connection.execute(sql)


# --- asyncpg

def _with_asyncpg(demo, work):
    async def run():
        connection = await asyncpg.connect(
            host="127.0.0.1", port=demo.port, user=USER, password=PASSWORD, database=DATABASE, timeout=10)
        try:
            await work(connection)
        finally:
            await connection.close(timeout=10)
    asyncio.run(run())


def check_asyncpg_rows_and_types(demo):
    async def work(connection):
        statement = await connection.prepare(NEWEST)
        kinds = [(column.name, column.type.name) for column in statement.get_attributes()]
        equal(kinds, list(zip(COLUMNS, ["text", "int8", "float8", "text", "timestamptz", "bool"])))
        equal([tuple(row) for row in await statement.fetch()], newest(demo))
    _with_asyncpg(demo, work)


def check_asyncpg_prepared_parameters(demo):
    async def work(connection):
        statement = await connection.prepare(
            "SELECT count(*) FROM spanlens.requests WHERE provider = $1 AND latency_ms > $2 AND created_at > $3 "
            "AND (cost_usd < $4 OR cost_usd IS NULL)")
        equal([kind.name for kind in statement.get_parameters()], ["text", "int8", "timestamptz", "float8"])
        for provider, latency in (("openai", 0), ("openai", 2000), ("gemini", 500)):
            found = await statement.fetchval(provider, latency, datetime.datetime(2020, 1, 1, tzinfo=UTC), 1e9)
            equal(found, provider_count(demo, provider, latency))
    _with_asyncpg(demo, work)


def check_asyncpg_cursor_in_a_transaction(demo):
    async def work(connection):
        async with connection.transaction():
            cursor = await connection.cursor("SELECT id FROM spanlens.requests ORDER BY id")
            pages = [await cursor.fetch(7), await cursor.fetch(7)]
        ids = sorted(row["id"] for row in demo.rows("requests"))
        equal([[row[0] for row in page] for page in pages], [ids[:7], ids[7:14]])
        async with connection.transaction():
            every = [row[0] async for row in connection.cursor("SELECT id FROM spanlens.requests ORDER BY id", prefetch=100)]
        equal(every, ids)
    _with_asyncpg(demo, work)


def check_asyncpg_errors_and_executemany(demo):
    async def work(connection):
        try:
            await connection.fetch("SELECT nope FROM spanlens.requests")
        except asyncpg.UndefinedColumnError as error:
            equal((error.sqlstate, error.message), ("42703", 'column "nope" does not exist'))
        else:
            raise AssertionError("no error")
        equal(await connection.fetchrow("SELECT $1::float8 AS a, $2::text[] AS b", math.pi, ["x", None]),
              (math.pi, ["x", None]))
        equal(await connection.execute("SET TIME ZONE 'Europe/Berlin'"), "SET")
        equal(connection.get_settings().TimeZone, "Europe/Berlin")
        await connection.reset()
        equal(await connection.fetchval("SHOW TimeZone"), "UTC")
    _with_asyncpg(demo, work)


def check_asyncpg_pool(demo):
    async def run():
        async with asyncpg.create_pool(
                host="127.0.0.1", port=demo.port, user=USER, password=PASSWORD, database=DATABASE, min_size=2,
                max_size=4, timeout=10) as pool:
            sql = "SELECT count(*) FROM spanlens.requests WHERE latency_ms > $1"
            counts = await asyncio.gather(*(pool.fetchval(sql, n * 100) for n in range(12)))
        equal(counts, [sum(row["latency_ms"] > n * 100 for row in demo.rows("requests")) for n in range(12)])
    asyncio.run(run())


# --- pg8000

@contextmanager
def _pg8000(demo):
    connection = pg8000.dbapi.connect(
        host="127.0.0.1", port=demo.port, user=USER, password=PASSWORD, database=DATABASE, timeout=60)
    try:
        yield connection
    finally:
        connection.close()


def check_pg8000_rows_types_and_parameters(demo):
    with _pg8000(demo) as connection:
        cursor = connection.cursor()
        cursor.execute(NEWEST)
        equal([column[0] for column in cursor.description], COLUMNS)
        equal([column[1] for column in cursor.description], [25, 20, 701, 25, 1184, 16])
        equal([tuple(row) for row in cursor.fetchall()], newest(demo))
        cursor.execute("SELECT count(*) FROM spanlens.requests WHERE provider = %s AND latency_ms > %s", ("openai", 1000))
        equal(cursor.fetchone()[0], provider_count(demo, "openai", 1000))


def check_pg8000_errors_and_transactions(demo):
    with _pg8000(demo) as connection:
        cursor = connection.cursor()
        error = raises(pg8000.dbapi.DatabaseError, cursor.execute, "SELECT nope FROM spanlens.requests")
        equal((error.args[0]["C"], error.args[0]["M"]), ("42703", 'column "nope" does not exist'))
        connection.rollback()
        cursor.execute("SELECT 1 AS one")
        equal([list(row) for row in cursor.fetchall()], [[1]])


# --- psqlODBC

@contextmanager
def _odbc(demo, **options):
    settings = {
        "Driver": ODBC_DRIVER, "Server": "127.0.0.1", "Port": demo.port, "Database": DATABASE, "UID": USER,
        "PWD": PASSWORD, **options,
    }
    connection = pyodbc.connect(";".join(f"{name}={value}" for name, value in settings.items()), timeout=10)
    try:
        yield connection
    finally:
        connection.close()


def check_odbc_rows(demo):
    # BoolsAsChar is the driver's default and would give '1'; timestamps come as times of the session's zone, naive.
    expected = [(*row[:4], row[4].replace(tzinfo=None), row[5]) for row in newest(demo)]
    for prepare in (0, 1):
        with _odbc(demo, BoolsAsChar=0, UseServerSidePrepare=prepare) as connection:
            cursor = connection.cursor().execute(NEWEST)
            equal([column[0] for column in cursor.description], COLUMNS)
            equal([column[1] for column in cursor.description], [str, int, float, str, datetime.datetime, bool])
            equal([tuple(row) for row in cursor.fetchall()], expected, f"UseServerSidePrepare={prepare}")


def check_odbc_parameters(demo):
    sql = "SELECT count(*) FROM spanlens.requests WHERE provider = ? AND latency_ms > ? AND created_at > ?"
    for prepare in (0, 1):
        with _odbc(demo, UseServerSidePrepare=prepare) as connection:
            for provider, latency in (("openai", 1000), ("gemini", 0)):
                row = connection.execute(sql, provider, latency, datetime.datetime(2020, 1, 1)).fetchone()
                equal(row[0], provider_count(demo, provider, latency), f"UseServerSidePrepare={prepare}")
            row = connection.execute("SELECT id FROM spanlens.requests WHERE model = ? AND cost_usd IS NULL", "é'").fetchone()
            equal(row, None)


def check_odbc_tables(demo):
    with _odbc(demo) as connection:
        found = [(row.table_schem, row.table_name, row.table_type)
                 for row in connection.cursor().tables(schema="spanlens")]
        equal(found, [("spanlens", name, "TABLE") for name in TABLES])
        found = [row.table_name for row in connection.cursor().tables(table="re%", schema="%", tableType="TABLE")]
        equal(found, ["requests"])


def check_odbc_columns(demo):
    with _odbc(demo) as connection:
        rows = connection.cursor().columns(table="requests", schema="spanlens").fetchall()
        found = {row.column_name: (row.type_name, row.nullable, row.ordinal_position) for row in rows}
        equal(len(found), 15)
        equal([found[name] for name in ("id", "cost_usd", "latency_ms", "created_at", "extra")], [
            ("text", 0, 1), ("float8", 1, 8), ("int8", 0, 9), ("timestamptz", 0, 13), ("jsonb", 1, 15)])


def check_odbc_keys(demo):
    with _odbc(demo) as connection:
        keys = connection.cursor().primaryKeys(table="requests", schema="spanlens").fetchall()
        equal([(row.column_name, row.key_seq, row.pk_name) for row in keys], [("id", 1, "requests_pkey")])
        rows = connection.cursor().statistics(table="requests", schema="spanlens", unique=True).fetchall()
        equal([(row.index_name, row.column_name, row.non_unique) for row in rows if row.index_name], [
            ("requests_pkey", "id", 0)])


def check_odbc_errors_and_transactions(demo):
    with _odbc(demo) as connection:
        error = raises(pyodbc.Error, connection.execute, "SELECT nope FROM spanlens.requests")
        equal(error.args[0], "42703")
        connection.rollback()
        equal(connection.execute("SELECT 1").fetchval(), 1)
        connection.commit()


# --- SQLAlchemy

@contextmanager
def _engine(demo, dialect):
    url = sqlalchemy.URL.create(
        dialect, username=USER, password=PASSWORD, host="127.0.0.1", port=demo.port, database=DATABASE)
    engine = sqlalchemy.create_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def check_sqlalchemy_tables_and_columns(demo):
    for dialect in DIALECTS:
        with _engine(demo, dialect) as engine:
            inspector = sqlalchemy.inspect(engine)
            equal(sorted(inspector.get_schema_names()), sorted([*SCHEMAS, "information_schema"]), dialect)
            equal(sorted(inspector.get_view_names()), VIEWS, dialect)
            equal(sorted(inspector.get_table_names(schema="trulayer")), ["spans", "traces"], dialect)
            equal(sorted(inspector.get_table_names(schema="spanlens")), TABLES, dialect)
            equal(inspector.get_view_names(schema="spanlens"), [], dialect)
            columns = inspector.get_columns("requests", schema="spanlens")
            found = {column["name"]: (str(column["type"]), column["nullable"]) for column in columns}
            equal([found[name] for name in ("id", "cost_usd", "latency_ms", "created_at", "extra")], [
                ("TEXT", False), ("DOUBLE PRECISION", True), ("BIGINT", False), ("TIMESTAMP", False),
                ("JSONB", True)], dialect)
            equal(columns[7]["comment"], "Calculated cost; NULL if the model is not in the price table. Unit: USD.")


def _check_keys(demo, dialect):
    with _engine(demo, dialect) as engine:
        inspector = sqlalchemy.inspect(engine)
        key = inspector.get_pk_constraint("requests", schema="spanlens")
        equal((key["name"], key["constrained_columns"]), ("requests_pkey", ["id"]))
        keys = inspector.get_foreign_keys("requests", schema="spanlens")
        equal([(key["constrained_columns"], key["referred_schema"], key["referred_table"], key["referred_columns"]) for key in keys],
              [(["trace_id"], "spanlens", "traces", ["id"])])
        equal(inspector.get_indexes("requests", schema="spanlens"), [])
        comment = inspector.get_table_comment("requests", schema="spanlens")
        equal(comment, {"text": "One row per LLM call that went through the Spanlens proxy."})


def check_sqlalchemy_keys_by_psycopg2(demo):
    _check_keys(demo, "postgresql+psycopg2")


def check_sqlalchemy_keys_by_psycopg(demo):
    _check_keys(demo, "postgresql+psycopg")


def check_sqlalchemy_keys_by_pg8000(demo):
    _check_keys(demo, "postgresql+pg8000")


def check_sqlalchemy_queries(demo):
    requests = sqlalchemy.table(
        "requests", *(sqlalchemy.column(name) for name in ("id", "provider", "model", "latency_ms")),
        schema="spanlens")
    for dialect in DIALECTS:
        _query(demo, dialect, requests)


def check_sqlalchemy_queries_of_a_reflected_table(demo):
    for dialect in DIALECTS:
        with _engine(demo, dialect) as engine:
            requests = sqlalchemy.Table("requests", sqlalchemy.MetaData(), schema="spanlens", autoload_with=engine)
            equal([column.name for column in requests.primary_key], ["id"], dialect)
        _query(demo, dialect, requests)


def _query(demo, dialect, requests):
    with _engine(demo, dialect) as engine, engine.connect() as connection:
        query = (
            sqlalchemy.select(requests.c.provider, sqlalchemy.func.count())
            .where(requests.c.latency_ms > 1000, requests.c.model.contains("4o"))
            .group_by(requests.c.provider).order_by(requests.c.provider))
        equal([tuple(row) for row in connection.execute(query)], _slow_4o(demo), dialect)
        one = demo.rows("requests")[5]["id"]
        query = sqlalchemy.select(requests.c.id).where(requests.c.id.in_(["a", one]))
        equal(connection.execute(query).scalars().all(), [one], dialect)


def _slow_4o(demo):
    counts = {}
    for row in demo.rows("requests"):
        if row["latency_ms"] > 1000 and "4o" in row["model"]:
            counts[row["provider"]] = counts.get(row["provider"], 0) + 1
    return sorted(counts.items())
