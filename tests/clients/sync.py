"""What a BI tool does by itself costs few upstream calls: pgjdbc's whole metadata, then probes, fingerprints, distinct
values and samples of every table, as Sync.java asks for them.

With `spanwire.sample` it is at most one call a table; without it reading each table once, and one call for LIMIT 1 before.
"""

import os
import subprocess
from pathlib import Path

from checks import equal
from gateway import Demo
from jvm_and_node import JDBC_JAR
from mirror import Place

HERE = Path(__file__).parent
CALLS = "SELECT source || '.' || table_name, sum(calls) FROM spanwire.scans GROUP BY 1"
TABLES = """
    SELECT n.nspname || '.' || c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')"""


def run(report, demo):
    """Both checks, each on a demo that nobody has asked for anything yet."""
    report.run("sync: with samples at most one call a table", _sampled, demo.binary)
    report.run("sync: without samples one call for LIMIT 1 and then each table once", _whole, demo.binary)


def _sampled(binary):
    with Demo(binary) as demo:
        calls, remark = _calls(Place(demo.port), "-c spanwire.sample=on")
        equal({table: n for table, n in calls.items() if n > 1}, {}, "tables with more than one call")
        return remark


def _whole(binary):
    with Demo(binary) as demo, Demo(binary) as other:
        calls, remark = _calls(Place(demo.port))
        # What LIMIT 10000 takes where nothing is held.
        with Place(other.port).connect() as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute("SET spanwire.cache = off")
            for table in calls:
                connection.execute(f"SELECT * FROM {table} LIMIT 10000")
            once = dict(connection.execute(CALLS).fetchall())
        equal({table: n for table, n in calls.items() if n > once[table] + 1}, {}, "tables with more calls")
        return remark


def _calls(place, *options):
    """Upstream calls by table."""
    done = subprocess.run(
        ["java", HERE / "Sync.java", *options], env={**os.environ, **place.environment, "CLASSPATH": JDBC_JAR}, capture_output=True,
        text=True, timeout=110, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr[-3000:])
    with place.connect() as connection:
        tables = [table for (table,) in connection.execute(TABLES).fetchall()]
        calls = {table: 0 for table in tables} | {table: int(n) for table, n in connection.execute(CALLS).fetchall()}
    shown = ", ".join(f"{table} {n}" for table, n in sorted(calls.items()))
    return calls, f"{done.stdout.strip()} statements; calls: {shown}"
