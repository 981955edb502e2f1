"""A real PostgreSQL with the gateway's rows: both must answer the same statements alike.

Compared are the columns' names and the values as text. Rows in a total order are compared in that order, others as
sorted bags. Sums and averages of float8 are compared to 9 digits, since they depend on the order of the rows.
"""

import re

import psycopg

import corpus
import oracle_vendors
from checks import equal, raises
from drivers import moment
from gateway import DATABASE, PASSWORD, USER
from postgres import Postgres

TABLES = ("requests", "traces", "security")
FLOAT8 = 701
SUM_DIGITS = 9


class Pair:
    """The gateway and the PostgreSQL, each with a session of its own."""

    def __init__(self, gateway, postgres, values, typed=False):
        self.gateway = gateway
        self.postgres = postgres
        self.values = values
        self.typed = typed

    def statement(self, template):
        """The statement with this run's times; { and } of its own would be doubled."""
        return template.strip().format(**self.values)

    def same_rows(self, template, ordered=True, digits=None):
        """Fails unless both give the same names and rows, and types if the pair is typed."""
        sql = self.statement(template)
        own = answer(self.gateway, sql, digits, self.typed)
        theirs = answer(self.postgres, sql, digits, self.typed)
        equal(own[0], theirs[0], f"columns of {sql}")
        own_rows, their_rows = (own[1], theirs[1]) if ordered else (bag(own[1]), bag(theirs[1]))
        if own_rows != their_rows:
            raise AssertionError(difference(sql, own_rows, their_rows))
        return f"{len(own_rows)} rows"

    def same_error(self, template):
        """Fails unless both refuse the statement with the same code."""
        sql = self.statement(template)
        own = raises(psycopg.Error, answer, self.gateway, sql)
        theirs = raises(psycopg.Error, answer, self.postgres, sql)
        equal(own.sqlstate, theirs.sqlstate, f"code of {sql} ({own.diag.message_primary})")
        return own.sqlstate


def run(report, demo):
    """Starts PostgreSQL, fills it, reports a check for each statement."""
    with Postgres() as server, _gateway(demo) as gateway, server.connect() as postgres:
        gateway.execute("SET client_min_messages = warning")
        # What upstream is asked for is measured here, not what is held.
        gateway.execute("SET spanwire.cache = off")
        postgres.execute("CREATE SCHEMA spanlens")
        postgres.execute("SET search_path = spanlens, public")
        for table in TABLES:
            copied = copy(gateway, postgres, table)
            report.run(f"oracle: rows of {table} are the upstream's", _as_upstream, demo, gateway, table, copied)
        compare(report, Pair(gateway, postgres, _values(demo)))
        oracle_vendors.run(report, gateway, postgres)


def compare(report, pair):
    """One check for each statement of the corpus."""
    def check(sql, method, *options):
        report.run(f"oracle: {sql.strip()}", method, sql, *options)

    for condition in corpus.CONDITIONS:
        check(f"SELECT id FROM requests WHERE {condition.strip()}", pair.same_rows, False)
    for sql in corpus.ORDERED:
        check(sql, pair.same_rows)
    for sql in corpus.BAGS:
        check(sql, pair.same_rows, False)
    for sql in corpus.SUMS:
        check(sql, pair.same_rows, True, SUM_DIGITS)
    for sql in corpus.ERRORS:
        check(sql, pair.same_error)
    pair.gateway.execute("SET spanwire.pushdown = off")
    for sql in corpus.WITHOUT_PUSHDOWN:
        report.run(f"oracle: without pushdown: {sql.strip()}", _without_pushdown, pair, sql)
    pair.gateway.execute("RESET spanwire.pushdown")


def answer(connection, sql, digits=None, typed=False):
    """(names, rows) by the simple protocol, every value as the server's text. Typed, a name is (name, OID of type)."""
    result = connection.pgconn.exec_(sql.encode())
    if result.error_message:
        raise psycopg.errors.error_from_result(result)
    names = [result.fname(column).decode() for column in range(result.nfields)]
    types = [result.ftype(column) for column in range(result.nfields)]
    rounded = [digits and kind == FLOAT8 for kind in types]

    def cell(row, column):
        value = result.get_value(row, column)
        if value is None:
            return None
        text = value.decode()
        return f"{float(text):.{digits}g}" if rounded[column] else text

    rows = [tuple(cell(row, column) for column in range(result.nfields)) for row in range(result.ntuples)]
    return list(zip(names, types)) if typed else names, rows


def bag(rows):
    """The rows in an order that does not depend on the server; NULL apart from ''."""
    return sorted(rows, key=lambda row: [(value is not None, value or "") for value in row])


def difference(sql, own, theirs):
    """The counts, and the first row that differs."""
    at = next((n for n, pair in enumerate(zip(own, theirs)) if pair[0] != pair[1]), min(len(own), len(theirs)))
    return (f"{sql}\n  {len(own)} rows, PostgreSQL has {len(theirs)}; first difference in row {at}:\n"
            f"  PostgreSQL {theirs[at:at + 1]}\n  spanwire   {own[at:at + 1]}")


def create(gateway, postgres, table):
    """Makes the table in PostgreSQL by the gateway's catalog; returns its columns' types."""
    columns = gateway.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull FROM pg_attribute a "
        f"WHERE a.attrelid = '{table}'::regclass AND a.attnum > 0 ORDER BY a.attnum").fetchall()
    body = ", ".join(f'"{name}" {kind}' + (" NOT NULL" if required else "") for name, kind, required in columns)
    postgres.execute(f"CREATE TABLE {table} ({body})")
    return [kind for _, kind, _ in columns]


def copy(gateway, postgres, table):
    """Makes the table of Spanlens in PostgreSQL and copies its rows; returns their number."""
    create(gateway, postgres, f"spanlens.{table}")
    _, rows = answer(gateway, f"SELECT * FROM {table}")
    with postgres.cursor().copy(f"COPY spanlens.{table} FROM STDIN") as target:
        for row in rows:
            target.write_row(row)
    postgres.execute(f"ANALYZE spanlens.{table}")
    return len(rows)


def _without_pushdown(pair, sql):
    equal(answer(pair.gateway, "SHOW spanwire.pushdown")[1], [("off",)])
    _, plan = answer(pair.gateway, f"EXPLAIN {pair.statement(sql)}")
    # Only the format, the limit and the bounds of the lookback may be sent.
    sent = re.findall(r"GET \S*\?(\S*)", "\n".join(line for (line,) in plan))
    names = {part.split("=")[0] for query in sent for part in query.split("&")}
    extra = names - {"format", "limit", "from", "to"}
    if not sent or extra:
        raise AssertionError(f"sent upstream in spite of pushdown = off: {sent}")
    return pair.same_rows(sql)


def _as_upstream(demo, gateway, table, copied):
    """What PostgreSQL was filled with is what the upstream serves."""
    rows = demo.rows(table)
    equal(copied, len(rows), "number of rows")
    found = gateway.execute(f"SELECT id, model, latency_ms, status_code, cost_usd, created_at FROM {table}"
                            if table != "traces" else
                            "SELECT id, name, duration_ms, span_count, total_cost_usd, created_at FROM traces")
    names = [column.name for column in found.description]
    expected = [(*(row.get(name) for name in names[:-1]), moment(row["created_at"])) for row in rows]
    equal(sorted(found.fetchall(), key=str), sorted(expected, key=str))


def _values(demo):
    """Times and keys of rows that exist, for the corpus."""
    rows = sorted(demo.rows("requests"), key=lambda row: moment(row["created_at"]))
    early, middle, late = (rows[len(rows) * tenth // 10]["created_at"] for tenth in (2, 5, 8))
    traced = next(row for row in rows if row.get("trace_id"))
    return {
        "early": early, "middle": middle, "late": late, "day": middle[:10], "id": traced["id"],
        "trace": traced["trace_id"],
    }


def _gateway(demo):
    return psycopg.connect(
        host="127.0.0.1", port=demo.port, user=USER, password=PASSWORD, dbname=DATABASE, autocommit=True,
        connect_timeout=10, options="-c search_path=spanlens")
