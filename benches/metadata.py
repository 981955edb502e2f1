"""How long metadata takes: the gateway against a PostgreSQL with the same tables, in one run, alternating.

    python benches/metadata.py PATH_OF_SPANWIRE

What is timed is the statements that psql's \\d and pgjdbc's getColumns send, without the start of the programs: they are
recorded once from the programs themselves (log_statement of PostgreSQL) and sent by libpq.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "clients"))

# pylint: disable=wrong-import-position
from gateway import Demo
from mirror import mirrored

ROUNDS = 30


def psql_statements(at, command):
    """What psql sends for a meta-command."""
    done = subprocess.run(["psql", "-X", "-E", "-c", command], env={"PATH": "/usr/bin:/bin", **at.environment}, capture_output=True,
                          text=True, timeout=60, check=True)
    return [part.split("**************************")[0].strip() for part in done.stdout.split("********* QUERY **********")[1:]]


GET_COLUMNS = """
SELECT * FROM (SELECT n.nspname, c.relname, a.attname, a.atttypid, a.attnotnull OR (t.typtype = 'd' AND t.typnotnull) AS attnotnull,
 a.atttypmod, a.attlen, t.typtypmod, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS attnum,
 nullif(a.attidentity, '') AS attidentity, nullif(a.attgenerated, '') AS attgenerated,
 pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS adsrc, dsc.description, t.typbasetype, t.typtype
 FROM pg_catalog.pg_namespace n
 JOIN pg_catalog.pg_class c ON (c.relnamespace = n.oid)
 JOIN pg_catalog.pg_attribute a ON (a.attrelid = c.oid)
 JOIN pg_catalog.pg_type t ON (a.atttypid = t.oid)
 LEFT JOIN pg_catalog.pg_attrdef def ON (a.attrelid = def.adrelid AND a.attnum = def.adnum)
 LEFT JOIN pg_catalog.pg_description dsc ON (c.oid = dsc.objoid AND a.attnum = dsc.objsubid)
 LEFT JOIN pg_catalog.pg_class dc ON (dc.oid = dsc.classoid AND dc.relname = 'pg_class')
 LEFT JOIN pg_catalog.pg_namespace dn ON (dc.relnamespace = dn.oid AND dn.nspname = 'pg_catalog')
 WHERE c.relkind IN ('r', 'p', 'v', 'f', 'm') AND a.attnum > 0 AND NOT a.attisdropped) c WHERE true
 ORDER BY nspname, c.relname, attnum"""


def main():
    """Prints a line for each kind of metadata."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with Demo(sys.argv[1], rows=1000) as demo, mirrored(demo) as (own, theirs):
        kinds = {
            r"psql \d spanlens.requests": [psql_statements(at, r"\d spanlens.requests") for at in (own, theirs)],
            r"psql \d": [psql_statements(at, r"\d *.*") for at in (own, theirs)],
            "pgjdbc getColumns of everything": [[GET_COLUMNS], [GET_COLUMNS]],
        }
        with own.connect() as gateway, theirs.connect() as postgres:
            for kind, statements in kinds.items():
                times = [[], []]
                for _ in range(ROUNDS):
                    for side, connection in enumerate((gateway, postgres)):
                        begun = time.perf_counter()
                        for statement in statements[side]:
                            connection.execute(statement).fetchall()
                        times[side].append(time.perf_counter() - begun)
                ours, reference = (statistics.median(side) * 1e3 for side in times)
                print(f"{kind:34} spanwire {ours:8.2f} ms  PostgreSQL {reference:8.2f} ms  ratio {ours / reference:.2f}"
                      f"  ({len(statements[0])} and {len(statements[1])} statements)", flush=True)


if __name__ == "__main__":
    main()
