"""The tables of the vendors beside Spanlens, and the views over all sources, beside a real PostgreSQL.

As in `oracle`, and the columns' types are compared too. The rows reach PostgreSQL as values of INSERT, read through the
gateway with nothing filtered upstream.
"""

import corpus_vendors as corpus
import oracle
from checks import equal

TABLES = ("scale.spans", "respan.spans", "adaline.spans", "trulayer.traces", "trulayer.spans")
VIEWS = ("public.spans", "public.traces")
# Beyond the beginning of the demo's data, so that the bound of the lookback falls on no row while the tests run.
LOOKBACK = "365 days"
# Column of time, of a trace, of a row.
MARKS = {
    "scale": ("scale.spans", "start_timestamp", "trace_id", "id"),
    "respan": ("respan.spans", "timestamp", "trace_unique_id", "id"),
    "adaline": ("adaline.spans", "started_at", "log_trace_id", "id"),
    "trulayer": ("trulayer.spans", "created_at", "trace_id", "span_id"),
}


def run(report, gateway, postgres):
    """Fills PostgreSQL and reports a check for each statement; both sessions are the oracle's."""
    gateway.execute(f"SET spanwire.lookback = '{LOOKBACK}'")
    gateway.execute("SET spanwire.pushdown = off")
    for schema in MARKS:
        postgres.execute(f"CREATE SCHEMA {schema}")
    for table in (*TABLES, *VIEWS):
        report.run(f"oracle: rows of {table}", _load, gateway, postgres, table)
    # PostgreSQL has all tables of public.spans now, and Spanlens' for public.traces.
    for view in VIEWS:
        report.run(f"oracle: {view} is what its definition says", _as_defined, gateway, postgres, view)
    gateway.execute("RESET spanwire.pushdown")
    compare(report, oracle.Pair(gateway, postgres, _values(postgres), typed=True))
    gateway.execute("RESET spanwire.lookback")


def compare(report, pair):
    """One check for each statement of the corpus."""
    def check(sql, *options):
        report.run(f"oracle: {sql.strip()}", pair.same_rows, sql, *options)

    for table, conditions in corpus.CONDITIONS.items():
        for condition in conditions.strip().splitlines():
            check(f"SELECT {corpus.KEYS[table]} FROM {table} WHERE {condition.strip()}", False)
    for sql in corpus.ORDERED:
        check(sql)
    for sql in corpus.SUMS:
        check(sql, True, oracle.SUM_DIGITS)
    pair.gateway.execute("SET spanwire.pushdown = off")
    for sql in corpus.WITHOUT_PUSHDOWN:
        report.run(f"oracle: without pushdown: {sql.strip()}", pair.same_rows, sql)
    pair.gateway.execute("RESET spanwire.pushdown")


def _load(gateway, postgres, table):
    columns = oracle.create(gateway, postgres, table)
    _, rows = oracle.answer(gateway, f"SELECT * FROM {table}")
    if not rows:
        raise AssertionError(f"{table} has no rows")
    places = ", ".join(f"%s::{kind}" for kind in columns)
    with postgres.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
    postgres.execute(f"ANALYZE {table}")
    # What PostgreSQL makes of the text is the text again: types and values are written as it writes them.
    equal(oracle.bag(oracle.answer(postgres, f"SELECT * FROM {table}")[1]), oracle.bag(rows), "rows read back")
    return f"{len(rows)} rows"


def _as_defined(gateway, postgres, view):
    (definition,) = gateway.execute(f"SELECT pg_get_viewdef('{view}'::regclass)").fetchone()
    names, rows = oracle.answer(gateway, f"SELECT * FROM {view}")
    expected = oracle.answer(postgres, definition.rstrip().removesuffix(";"))
    equal(names, expected[0], "columns")
    own, theirs = oracle.bag(rows), oracle.bag(expected[1])
    if own != theirs:
        raise AssertionError(oracle.difference(view, own, theirs))
    return f"{len(rows)} rows"


def _values(postgres):
    """Times and keys of rows that exist, for the corpus."""
    values = {}
    for name, (table, time, trace, key) in MARKS.items():
        rows = postgres.execute(
            f"SELECT x.{time}::text, x.{time}::date::text, x.{trace}, x.{key} FROM {table} x "
            f"WHERE x.{trace} IS NOT NULL ORDER BY x.{time}, x.{key}").fetchall()
        for mark, tenth in (("early", 2), ("middle", 5), ("late", 8)):
            values[f"{name}_{mark}"] = rows[len(rows) * tenth // 10][0]
        _, day, trace_id, row_id = rows[len(rows) // 2]
        values |= {f"{name}_day": day, f"{name}_trace": trace_id, f"{name}_id": row_id, f"{name}_other": rows[0][2]}
    return values | {"trulayer_span": values["trulayer_id"]}
