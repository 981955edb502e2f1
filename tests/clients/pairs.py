"""What real drivers return, of the gateway and of a PostgreSQL with the same tables and rows: it must be the same.

Each function `pair_…` gets a place to connect to and returns something that can be compared.
"""

import asyncio
import datetime
import functools
import io
import json
import os
import subprocess
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
import asyncpg
import pandas
import psycopg
import psycopg2
import psycopg2.extras
import pyodbc
import sqlalchemy
from pgcli.pgexecute import PGExecute
from pgspecial.main import PGSpecial

import completion
import office
import tools
import tools_bi
from checks import equal
from gateway import DATABASE, PASSWORD, SOURCES, USER
from jvm_and_node import JDBC_JAR, node_modules
from mirror import mirrored
from samples import BOUND, NARROW, ODBC_DRIVER, REQUESTS, TYPES

HERE = Path(__file__).parent


def run(report, demo):
    """A check for each function."""
    with mirrored(demo) as (own, theirs):
        report.run("pairs: the rows of all tables are carried over by binary COPY", _same_counts, own, theirs)
        for name, function in list(globals().items()):
            if name.startswith("pair_"):
                report.run(f"pairs: {name.removeprefix('pair_').replace('_', ' ')}", _compare, function, own, theirs)
        for module in (office, tools_bi):
            for name, function in list(vars(module).items()):
                if name.startswith("pair_"):
                    report.run(f"pairs: {name.removeprefix('pair_').replace('_', ' ')}", _compare, function, own, theirs)
        report.guard("tools: the comparison as a whole", tools.run, report, own, theirs)
        report.guard("completion: the comparison as a whole", completion.run, report, own, theirs)
        # Last, because it adds to the catalogs of the mirror.
        report.run("pairs: postgres_fdw of a PostgreSQL on top of the gateway", _foreign, own, theirs)


def _compare(function, own, theirs):
    same(function(own), function(theirs), function.__name__)


def same(own, theirs, place):
    """As equal, but tells where within lists and tuples the difference is."""
    if isinstance(own, (list, tuple)) and isinstance(theirs, (list, tuple)) and len(own) == len(theirs):
        for at, pair in enumerate(zip(own, theirs)):
            same(*pair, f"{place}[{at}]")
    elif isinstance(own, dict) and isinstance(theirs, dict) and own.keys() == theirs.keys():
        for key, value in own.items():
            same(value, theirs[key], f"{place}[{key!r}]")
    elif isinstance(own, str) and isinstance(theirs, str) and own != theirs and len(own) > 200:
        at = next((at for at, pair in enumerate(zip(own, theirs)) if pair[0] != pair[1]), min(len(own), len(theirs)))
        equal(own[max(at - 60, 0):at + 100], theirs[max(at - 60, 0):at + 100], f"{place}, letter {at}")
    else:
        equal(own, theirs, place)


def _same_counts(own, theirs):
    counts = [
        {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _tables(connection)}
        for connection in (own.connect(), theirs.connect())]
    equal(counts[1]["spanlens.requests"] > 100, True, "there are rows")
    equal(sorted(counts[0]), sorted(counts[1]), "tables")


def _tables(connection):
    connection.execute("SET client_min_messages = warning")
    if connection.info.parameter_status("is_superuser") != "on":
        connection.execute("SET spanwire.lookback = '365 days'")
    return [
        f"{schema}.{table}" for schema, table in connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()]


def _foreign(own, theirs):
    """A PostgreSQL that has the gateway's tables as foreign ones answers as of its own."""
    with theirs.connect() as postgres:
        for statement in (
                "CREATE EXTENSION postgres_fdw",
                f"CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{own.host}', port '{own.port}', dbname '{DATABASE}')",
                f"CREATE USER MAPPING FOR {USER} SERVER far OPTIONS (user '{USER}', password '{PASSWORD}')",
                "CREATE SCHEMA far", "IMPORT FOREIGN SCHEMA spanlens FROM SERVER far INTO far", "ANALYZE far.traces",
                # It plans by the gateway's EXPLAIN.
                "ALTER FOREIGN TABLE far.requests OPTIONS (ADD use_remote_estimate 'true')"):
            postgres.execute(statement)
        for query in (
                f"SELECT count(*) FROM @requests WHERE {BOUND}", f"SELECT * FROM @requests WHERE {BOUND} ORDER BY created_at, id",
                f"SELECT provider, count(*), sum(latency_ms) FROM @requests WHERE {BOUND} AND latency_ms > 500 GROUP BY 1 ORDER BY 1",
                f"SELECT id FROM @requests WHERE {BOUND} AND provider IN ('openai', 'groq') AND model LIKE 'gpt%' ORDER BY id",
                f"SELECT id FROM @requests WHERE {BOUND} ORDER BY latency_ms DESC, id LIMIT 7",
                f"SELECT count(*), min(t.started_at) FROM @requests AS r JOIN @traces AS t ON t.id = r.trace_id WHERE r.{BOUND} "
                "AND t.started_at > '2020-01-01'"):
            far, near = (postgres.execute(query.replace("@", f"{schema}.")).fetchall() for schema in ("far", "spanlens"))
            equal(far, near, query)


# --- psycopg2

def _psycopg2(at):
    return psycopg2.connect(at.uri)


def pair_psycopg2_named_cursor(at):
    with _psycopg2(at) as connection, connection.cursor("Named Cursor") as cursor:
        cursor.itersize = 100
        cursor.execute(NARROW)
        first = cursor.fetchone()
        return cursor.description[0].name, first, cursor.fetchmany(10), list(cursor), cursor.rowcount


def pair_psycopg2_scrollable_cursor(at):
    with _psycopg2(at) as connection, connection.cursor("c", scrollable=True, withhold=True) as cursor:
        cursor.execute(NARROW)
        seen = [cursor.fetchmany(5)]
        cursor.scroll(-3)
        seen.append(cursor.fetchone())
        cursor.scroll(20, mode="absolute")
        seen.append(cursor.fetchmany(2))
        connection.commit()
        seen.append(cursor.fetchmany(2))
        return seen


def pair_psycopg2_copy(at):
    with _psycopg2(at) as connection:
        found = []
        for options in ("", "WITH CSV HEADER", "WITH (FORMAT csv, DELIMITER ';', FORCE_QUOTE *)"):
            out = io.StringIO()
            connection.cursor().copy_expert(f"COPY ({NARROW}) TO STDOUT {options}", out)
            found.append(out.getvalue())
        return found


def pair_psycopg2_types(at):
    with _psycopg2(at) as connection, connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute(TYPES)
        return [column.type_code for column in cursor.description], str(cursor.fetchall())


# --- psycopg 3

def pair_psycopg_server_cursor(at):
    with psycopg.connect(at.uri) as connection:
        found = []
        for binary in (False, True):
            with connection.cursor("srv", binary=binary, scrollable=True) as cursor:
                cursor.execute(f"SELECT id, latency_ms FROM spanlens.requests WHERE latency_ms > %s AND {BOUND} ORDER BY id", (100,))
                found.append((cursor.fetchmany(7), cursor.rownumber))
                cursor.scroll(-3)
                found.append(cursor.fetchone())
                found.append(cursor.fetchall())
        return found


def pair_psycopg_copy(at):
    with psycopg.connect(at.uri) as connection:
        found = []
        for form in ("text", "binary"):
            with connection.cursor().copy(f"COPY ({NARROW}) TO STDOUT (FORMAT {form})") as copied:
                found.append(b"".join(bytes(data) for data in copied))
            with connection.cursor().copy(f"COPY ({NARROW}) TO STDOUT (FORMAT {form})") as copied:
                copied.set_types(["text", "int8", "float8", "text", "timestamptz", "bool", "jsonb"])
                found.append(list(copied.rows()))
        return found


def pair_psycopg_types(at):
    with psycopg.connect(at.uri) as connection:
        found = []
        for binary in (False, True):
            cursor = connection.cursor(binary=binary)
            cursor.execute(TYPES)
            found.append([(column.name, column.type_code) for column in cursor.description])
            found.append(str(cursor.fetchall()))
        return found


def pair_psycopg_parameters(at):
    with psycopg.connect(at.uri) as connection:
        found = []
        for values in ((["openai", "groq"],), (["openai", None],)):
            found.append(connection.execute(f"SELECT count(*) FROM spanlens.requests WHERE provider = ANY(%s) AND {BOUND}", values).fetchall())
        found.append(connection.execute("SELECT %s + 1, %s || 'x', %s::date - 1", (1, "y", "2026-01-01")).fetchall())
        many = ", ".join(["%s"] * 3000)
        found.append(connection.execute(f"SELECT count(*) FROM spanlens.requests WHERE latency_ms IN ({many}) AND {BOUND}", list(range(3000))).fetchall())
        return found


# --- asyncpg

def _asyncpg(at, work):
    async def go():
        connection = await asyncpg.connect(at.uri, timeout=10)
        try:
            return await work(connection)
        finally:
            await connection.close(timeout=10)
    return asyncio.run(go())


def pair_asyncpg_copy(at):
    async def work(connection):
        found = []
        for options in ({}, {"format": "csv", "header": True}, {"format": "binary"}):
            out = io.BytesIO()
            status = await connection.copy_from_query(
                f"SELECT id, latency_ms FROM spanlens.requests WHERE latency_ms > $1 AND {BOUND} ORDER BY id", 1000, output=out, **options)
            found.append((status, out.getvalue()))
        return found
    return _asyncpg(at, work)


def pair_asyncpg_types(at):
    async def work(connection):
        statement = await connection.prepare(TYPES)
        kinds = [(column.name, column.type.name, column.type.kind) for column in statement.get_attributes()]
        return kinds, str([tuple(row) for row in await statement.fetch()])
    return _asyncpg(at, work)


def pair_asyncpg_rows(at):
    async def work(connection):
        found = []
        for sql in (
                "SELECT ROW(1, 2.50::numeric, true, NULL::int, '2026-03-29 01:30:00+00'::timestamptz, 'a,(b c)'::text, '')",
                "SELECT r FROM (SELECT ROW(n, n * 1.5) AS r FROM generate_series(1, 3) AS g(n)) AS s", "SELECT ROW(), ROW(NULL::text)",
                f"SELECT (provider, latency_ms, created_at) FROM spanlens.requests WHERE {BOUND} ORDER BY created_at, id LIMIT 20"):
            found.append(str([tuple(row) for row in await connection.fetch(sql)]))
        return found
    return _asyncpg(at, work)


def pair_asyncpg_types_as_parameters(at):
    async def work(connection):
        sql = "SELECT $1::int2, $2::int4[], $3::numeric, $4::timestamptz, $5::interval, $6::jsonb, $7::uuid, $8::bytea, $9::text[], $10::date"
        statement = await connection.prepare(sql)
        row = await connection.fetchrow(TYPES)
        values = [row["a"], row["v"], row["f"], row["r"], row["s"], row["t"], row["n"], row["m"], row["w"], row["o"]]
        return [kind.name for kind in statement.get_parameters()], str(tuple(await statement.fetchrow(*values)))
    return _asyncpg(at, work)


# --- psqlODBC

def _odbc(at, **options):
    settings = {"Driver": ODBC_DRIVER, "Server": at.host, "Port": at.port, "Database": DATABASE, "UID": USER, "PWD": PASSWORD}
    return pyodbc.connect(";".join(f"{name}={value}" for name, value in {**settings, **options}.items()), autocommit=True)


def pair_odbc_declare_fetch(at):
    found = []
    for options in ({"UseDeclareFetch": 1, "Fetch": 50}, {"UseDeclareFetch": 0}, {"UseDeclareFetch": 1, "UseServerSidePrepare": 1}):
        connection = _odbc(at, **options)
        cursor = connection.cursor()
        cursor.execute(NARROW)
        found.append([tuple(row) for row in cursor.fetchmany(60)])
        found.append([tuple(row) for row in cursor.fetchall()])
        cursor.execute(f"SELECT count(*) FROM spanlens.requests WHERE provider = ? AND latency_ms > ? AND {BOUND}", "openai", 500)
        found.append([tuple(row) for row in cursor.fetchall()])
        connection.close()
    return found


def pair_odbc_catalog(at):
    connection = _odbc(at)
    cursor = connection.cursor()
    found = [[tuple(row) for row in cursor.tables(schema="spanlens")]]
    # Without the number of the table.
    found.append([tuple(row[:22] + row[23:]) for row in map(tuple, cursor.columns(schema="spanlens", table="requests"))])
    found.append([tuple(row) for row in cursor.primaryKeys(schema="spanlens", table="traces")])
    found.append([tuple(row) for row in cursor.foreignKeys(schema="trulayer", table="traces")])
    found.append([tuple(row) for row in cursor.statistics("traces", schema="spanlens", unique=True)][1:])
    found.append([row[0] for row in cursor.getTypeInfo()])
    connection.close()
    return found


def pair_odbc_types(at):
    connection = _odbc(at)
    cursor = connection.cursor()
    cursor.execute(TYPES)
    described = [column[:6] for column in cursor.description]
    # A Decimal that is no number is not equal to itself.
    rows = [tuple(map(repr, row)) for row in cursor.fetchall()]
    connection.close()
    return described, rows


# --- SQLAlchemy, pandas, ADBC

def _engines(at):
    for dialect in ("psycopg2", "psycopg", "pg8000"):
        yield sqlalchemy.create_engine(at.uri.replace("postgresql://", f"postgresql+{dialect}://"))


def pair_sqlalchemy_reflection(at):
    found = []
    for engine in _engines(at):
        inspector = sqlalchemy.inspect(engine)
        for schema in ("spanlens", "trulayer"):
            for table in sorted(inspector.get_table_names(schema)):
                found.append((table, str(inspector.get_columns(table, schema)), inspector.get_pk_constraint(table, schema),
                              inspector.get_foreign_keys(table, schema), inspector.get_indexes(table, schema),
                              inspector.get_unique_constraints(table, schema), inspector.get_table_comment(table, schema),
                              inspector.get_check_constraints(table, schema)))
        reflected = sqlalchemy.Table("requests", sqlalchemy.MetaData(), schema="spanlens", autoload_with=engine)
        counted = sqlalchemy.select(sqlalchemy.func.count()).select_from(reflected).where(
            reflected.c.provider == "openai", reflected.c.created_at > datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc))
        with engine.connect() as connection:
            found.append(connection.execute(counted).fetchall())
        engine.dispose()
    return found


def pair_pandas(at):
    engine = next(iter(_engines(at)))
    frame = pandas.read_sql(NARROW, engine)
    grouped = pandas.read_sql(
        f"SELECT date_trunc('day', created_at) AS day, model, avg(latency_ms), sum(cost_usd) FILTER (WHERE cost_usd < 1), count(*) "
        f"FROM spanlens.requests WHERE {BOUND} GROUP BY 1, 2 ORDER BY 1, 2", engine)
    with engine.connect().execution_options(stream_results=True) as connection:
        chunks = [len(chunk) for chunk in pandas.read_sql(sqlalchemy.text(NARROW), connection, chunksize=100)]
    engine.dispose()
    return str(frame.dtypes), frame.to_json(), grouped.drop(columns="sum").to_json(), chunks


def pair_adbc(at):
    found = []
    with adbc.connect(at.uri) as connection, connection.cursor() as cursor:
        for sql in (NARROW, TYPES.replace(", NULL AS ab", "").replace(", '{\"a\": 1}'::json AS u", "")):
            cursor.execute(sql)
            table = cursor.fetch_arrow_table()
            found.append((str(table.schema), str(table.to_pylist())))
        cursor.execute(f"SELECT count(*) FROM spanlens.requests WHERE provider = $1 AND latency_ms > $2 AND {BOUND}", ("openai", 100))
        found.append(cursor.fetchall())
        found.append(str(connection.adbc_get_table_schema("requests", db_schema_filter="spanlens")))
        objects = connection.adbc_get_objects(db_schema_filter="spanlens", depth="all").read_all().to_pylist()
        found.append(_sorted([one for one in objects if one["catalog_name"] == DATABASE]))
    return found


def _sorted(value):
    """Lists without their order, which the driver's statements leave open."""
    if isinstance(value, list):
        return sorted((_sorted(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True, default=str))
    if isinstance(value, dict):
        return {key: _sorted(one) for key, one in value.items()}
    return value


# --- psql

def _psql(at, *commands):
    done = subprocess.run(
        ["psql", "-X", *(part for command in commands for part in ("-c", command))], env=os.environ | at.environment, capture_output=True,
        text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def pair_psql_describes_tables(at):
    return [_psql(at, command) for command in (
        r"\d spanlens.requests", r"\d+ spanlens.traces", r"\d trulayer.*", r"\d+ trulayer.spans", r"\d respan.spans", r"\dt spanlens.*",
        r"\dt+ nosuch.*", r"\d nosuch", r"\dv nosuch.*", r"\di spanlens.*", r"\dx nosuch", r"\dp nosuch.*", r"\df nosuch", r"\dT nosuch",
        r"\dC nosuch", r"\sf nosuch", r"\dy", r"\dRp", r"\dRs", r"\des", r"\dD", r"\dE", r"\ds", r"\dm", r"\dconfig nosuch", r"\dP")]


def pair_psql_output(at):
    return [_psql(at, "SET client_min_messages = warning", command) for command in (
        TYPES, f"{TYPES} \\gdesc", f"SELECT provider, status_code, count(*) FROM spanlens.requests WHERE {BOUND} GROUP BY 1, 2 ORDER BY 1, 2",
        f"SELECT provider, status_code >= 500 AS failed, count(*) FROM spanlens.requests WHERE {BOUND} GROUP BY 1, 2 ORDER BY 1, 2 \\crosstabview",
        f"\\copy (SELECT id FROM spanlens.requests WHERE {BOUND} ORDER BY id) TO STDOUT CSV HEADER")]


# --- pgcli

def pair_pgcli(at):
    executor = PGExecute(DATABASE, USER, PASSWORD, at.host, at.port)
    ours = set(SOURCES)
    found = [
        sorted(row for row in executor.tables() if row[0] in ours), sorted(str(row) for row in executor.table_columns() if row[0] in ours),
        sorted(map(str, (row for row in executor.functions() if row.func_name in ("upper", "count", "generate_series")))),
        sorted(map(str, executor.foreignkeys())), list(executor.datatypes()), list(executor.casing())]
    special = PGSpecial()
    for command in (
            r"\d spanlens.requests", r"\d+ trulayer.spans", r"\dt spanlens.*", r"\df upper", r"\dT", r"\di spanlens.*",
            r"\dp spanlens.requests", r"\dm", r"\ds", r"\ddp"):
        for title, rows, headers, status in special.execute(executor.conn.cursor(), command):
            found.append((command, title, list(rows or []), headers, status))
    executor.conn.close()
    return found


def pair_settings(at):
    # What a tool reads of a setting; "source" tells how the server was started.
    with at.connect() as connection:
        return connection.execute(
            "SELECT name, setting, unit, vartype FROM pg_settings WHERE name IN ('work_mem', 'lock_timeout', "
            "'client_min_messages', 'extra_float_digits', 'max_index_keys', 'DateStyle', 'IntervalStyle', "
            "'transaction_isolation', 'default_transaction_isolation', 'bytea_output', 'client_encoding') ORDER BY name").fetchall()


# --- programs in other languages

def pair_node(at):
    return json.loads(_program(at, {"NODE_PATH": node_modules()}, "node", HERE / "pair.js"))


def pair_pgjdbc(at):
    return _program(at, {"CLASSPATH": JDBC_JAR}, "java", HERE / "Pair.java", TYPES).splitlines()


def pair_go(at):
    return _program(at, {}, _go_program()).splitlines()


@functools.cache
def _go_program():
    """Compiles the program against Debian's packages of pgx and lib/pq."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "spanwire" / "go"
    settings = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(cache / "build"), "GOFLAGS": ""}
    done = subprocess.run(
        ["go", "build", "-o", str(cache / "pair"), "."], cwd=HERE / "go", env=os.environ | settings, capture_output=True, text=True,
        timeout=100, check=False)
    if done.returncode != 0:
        raise AssertionError(f"go build:\n{done.stderr}")
    return str(cache / "pair")


def _program(at, settings, *command):
    """What a program prints."""
    done = subprocess.run(
        command, env=os.environ | at.environment | settings, capture_output=True, text=True, timeout=100, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{Path(str(command[-1])).name[:40]} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr}")
    return done.stdout
