"""How long planning takes: EXPLAIN of every statement of the corpus, on the gateway and on a PostgreSQL in turns.

    python benches/planning.py PATH_OF_SPANWIRE [--rounds N]

PATH_OF_SPANWIRE is a release build; the Python is that of tests/run, with its packages. An EXPLAIN parses, analyzes,
optimizes and describes; of each statement the median of all rounds counts. Statements that one of both refuses are left
out, and so are those over the catalogs, which the gateway does not plan. Prints milliseconds at the client: the median,
the 99th percentile and the most of all statements, and those of a WHERE with an IN list of 1,000 values.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

# Nothing is written into the checkout.
sys.dont_write_bytecode = True
ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "oracle"), str(ROOT / "tests" / "clients")]

# pylint: disable=wrong-import-position
import data
import run
import statements
from gateway import Demo
from judge import Side
from postgres import Postgres

VALUES = 1000
LIST_ROUNDS = 100
BUDGET_MS, LIST_BUDGET_MS = 10, 20


def main():
    """Measures, and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", help="path of spanwire")
    parser.add_argument("--rounds", type=int, default=5, help="how often each statement is planned")
    options = parser.parse_args()
    with Demo(str(Path(options.binary).resolve()), rows=run.ROWS) as demo, Postgres() as server:
        with server.connect() as first, run._loader(demo) as gateway:
            data.load(gateway, (first,))
            marks = data.marks(first)
        own = run._gateway(demo)
        theirs = Side("PostgreSQL", server.port, "postgres", "postgres", settings=run.POSTGRES)
        times = _corpus(own, theirs, marks, options.rounds)
        _print(f"{len(times)} statements", times, BUDGET_MS)
        for name, value in (("text", "'model-{}'"), ("bigint", "{}")):
            column = {"text": "model", "bigint": "prompt_tokens"}[name]
            values = ", ".join(value.format(number) for number in range(VALUES))
            sql = f"SELECT id, {column} FROM requests WHERE {column} IN ({values}) ORDER BY id"
            pairs = [_both(own, theirs, sql) for _ in range(LIST_ROUNDS)]
            _print(f"IN list of {VALUES} {name}", pairs, LIST_BUDGET_MS)


def _corpus(own, theirs, marks, rounds):
    """For each statement the medians of both sides, in milliseconds."""
    medians, slowest = [], []
    for topic in statements.topics():
        for statement in statements.read(topic):
            if statement.mode == "error":
                continue
            theirs.use(statement.session)
            if own.use(statement.session):
                continue
            sql = statement.sql(marks)
            pairs = [_both(own, theirs, sql) for _ in range(rounds)]
            if None in pairs:
                continue
            pair = tuple(statistics.median(side) for side in zip(*pairs))
            medians.append(pair)
            slowest.append((pair[0], topic, statement.line))
        own.use(())
        theirs.use(())
    for milliseconds, topic, line in sorted(slowest, reverse=True)[:10]:
        print(f"  {milliseconds:7.2f} ms  corpus/{topic}.sql:{line}")
    return medians


def _both(own, theirs, sql):
    """The times of both, in milliseconds; None if one refuses, or does not plan."""
    pair = []
    for side in (own, theirs):
        begun = time.perf_counter()
        answer = side.ask(f"EXPLAIN {sql}")
        pair.append((time.perf_counter() - begun) * 1e3)
        if answer.error is not None or answer.rows[0][0].startswith(b"Result from the catalogs"):
            return None
    return tuple(pair)


def _print(what, pairs, budget):
    own, theirs = (sorted(side) for side in zip(*pairs))

    def figures(side):
        at = min(len(side) - 1, int(len(side) * 0.99))
        return f"median {statistics.median(side):.2f}  p99 {side[at]:.2f}  most {side[-1]:.2f}"

    print(f"{what}, ms: spanwire {figures(own)} (p99 may be {budget}) | PostgreSQL {figures(theirs)}")


if __name__ == "__main__":
    main()
