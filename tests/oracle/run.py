"""The judge: every statement of the corpus, and random ones, on the gateway and on a real PostgreSQL.

    python tests/oracle/run.py PATH_OF_SPANWIRE [--topic T]… [--corpus] [--random N] [--seed S] [--first F]
                               [--shrink N] [--pushdown-proof] [--self] [--held MODE]… [--rows N] [--log PATH]

Starts `spanwire demo` and a PostgreSQL with the demo's rows. Without --random the corpus is judged; with it that
many random statements (with --topic or --corpus both). --self judges PostgreSQL by a PostgreSQL that holds the rows in
another order and plans otherwise: a difference there is a statement whose answer is not determined. --pushdown-proof
compares the gateway with itself, spanwire.pushdown on and off, on random statements (1000, or --random N). --held asks
the random statements, many of them over a part of the time, of a gateway that holds rows on disk: see held.py.

Prints a line for each topic; the log has a line of JSON for each difference. Ends with 1 if a statement differs that
listed.tsv does not name, random ones with it, or if one that it names does not differ.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

# Nothing is written into the checkout.
sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).parents[1] / "clients"))

# pylint: disable=wrong-import-position
import psycopg

import data
import generate
import held
import shrink
import statements
from facts import Facts
from gateway import DATABASE, PASSWORD, USER, Demo
from judge import GIVEN_UP, OUT_OF_MEMORY, Side, Verdict, describe, judge
from postgres import Postgres

ROWS = 400
LISTED_SHARE = 0.01
POSTGRES = (
    "SET jit = off", "SET max_parallel_workers_per_gather = 0", "SET statement_timeout = '3s'", data.SEARCH_PATH)
# Another plan for the same statement.
OTHERWISE = ("SET enable_hashagg = off", "SET enable_hashjoin = off", "SET enable_material = off")
GATEWAY = (
    "SET client_min_messages = error", data.LOOKBACK, "SET spanwire.max_calls = 100000",
    "SET spanwire.max_staleness = '1h'", "SET statement_timeout = '30s'", data.SEARCH_PATH)
MIRROR = "mirror"


class Log:
    """The differences as lines of JSON, and their counts."""

    def __init__(self, path):
        self.path = path
        self.file = path.open("w", encoding="utf-8")
        self.hard = Counter()
        self.soft = Counter()

    def write(self, topic, sql, verdict, **more):
        """Notes a verdict that is not wholly equal, and what both refuse if it is random."""
        self.hard.update(verdict.hard)
        self.soft.update(verdict.soft)
        if verdict.hard or verdict.soft or ("number" in more and verdict.theirs.error):
            record = {"topic": topic, "statement": sql, "differs": [*verdict.hard, *verdict.soft]}
            record |= more | describe(verdict)
            self.file.write(json.dumps(record, ensure_ascii=False) + "\n")
            self.file.flush()


def main():
    """Judges what the arguments ask for."""
    options = _options()
    # Outside the checkout: the log is for reading, not for keeping.
    path = Path(options.log or Path(tempfile.gettempdir()) / "spanwire-oracle-differences.jsonl")
    log = Log(path)
    with Demo(str(Path(options.binary).resolve()), rows=options.rows) as demo, Postgres() as server:
        with server.connect() as first:
            first.execute(f"CREATE DATABASE {MIRROR}")
            with _mirror(server) as mirror, _loader(demo) as gateway:
                data.load(gateway, (first, mirror))
                facts = Facts.read(gateway, first)
            marks = data.marks(first)
        theirs = Side("PostgreSQL", server.port, "postgres", "postgres", settings=POSTGRES)
        if options.self:
            own = Side("PostgreSQL's mirror", server.port, "postgres", MIRROR, settings=(*POSTGRES, *OTHERWISE))
        else:
            own = _gateway(demo)
        good = True
        if options.pushdown_proof:
            own.close()
            good = _pushdown_proof(demo, options, facts, log)
        else:
            if options.topic or options.corpus or not options.random:
                good = _corpus(own, theirs, options, marks, log)
            if options.random and options.held:
                good = _held(demo, server, theirs, options, facts, log) and good
            elif options.random:
                good = _random(own, theirs, options, facts, log) and good
    print(f"log: {path}")
    sys.exit(0 if good else 1)


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", help="path of spanwire")
    parser.add_argument("--topic", action="append", help="only this topic of the corpus", choices=statements.topics())
    parser.add_argument("--corpus", action="store_true", help="the corpus too, with --random")
    parser.add_argument("--random", type=int, default=0, help="number of random statements")
    parser.add_argument("--seed", type=int, default=1, help="other random statements for another seed")
    parser.add_argument("--first", type=int, default=0, help="number of the first random statement")
    parser.add_argument("--shrink", type=int, default=10, help="random differences to make small")
    parser.add_argument("--pushdown-proof", action="store_true", help="pushdown on against off")
    parser.add_argument("--self", action="store_true", help="PostgreSQL in the place of the gateway")
    parser.add_argument("--held", action="append", help="rows held before the random statements",
                        choices=(*held.MODES, "all"))
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the demo's largest table")
    parser.add_argument("--log", help="path of the log")
    return parser.parse_args()


def _corpus(own, theirs, options, marks, log):
    known = {} if options.self else statements.listed()
    met, unlisted, total = set(), 0, 0
    for topic in options.topic or statements.topics():
        counts = Counter()
        for statement in statements.read(topic):
            key = " ".join(statement.text.split())
            theirs.use(statement.session)
            refusal = own.use(statement.session)
            sql = statement.sql(marks)
            if refusal:
                verdict = Verdict(("session",), (), refusal, theirs.ask(sql))
            else:
                verdict = judge(own, theirs, sql, statement.mode == "order", statement.digits)
            if (verdict.theirs.error is not None) != (statement.mode == "error"):
                unlisted += 1
                print(f"corpus/{topic}.sql:{statement.line}: PostgreSQL says {verdict.theirs.error}: {sql}")
            counts["total"] += 1
            counts["equal" if verdict.equal else "different"] += 1
            counts.update(verdict.soft)
            log.write(topic, sql, verdict, line=statement.line)
            if key in known:
                met.add(key)
                if verdict.equal:
                    unlisted += 1
                    print(f"listed.tsv: does not differ any more: {key}")
            elif not verdict.equal:
                unlisted += 1
        own.use(())
        theirs.use(())
        total += counts["total"]
        print(_line(topic, counts), flush=True)
    if not options.topic:
        for key in known.keys() - met:
            unlisted += 1
            print(f"listed.tsv: not in the corpus: {key}")
        if len(known) > total * LISTED_SHARE:
            unlisted += 1
            print(f"listed.tsv: {len(known)} of {total} statements, more than {LISTED_SHARE:.0%}")
    _summary(log, own, theirs)
    return unlisted == 0


def _random(own, theirs, options, facts, log, topic="random", profile=None, small=True, ask=None):
    ask = ask or (lambda sql, ordered, _number: judge(own, theirs, sql, ordered))
    counts = Counter()
    codes = Counter()
    begun = time.monotonic()
    for number in range(options.first, options.first + options.random):
        tree = generate.statement(facts, options.seed, number, profile)
        sql = tree.sql()
        verdict = ask(sql, tree.ordered, number)
        if verdict.own.error and verdict.own.error[0] == OUT_OF_MEMORY:
            # PostgreSQL would go on on disk; the bound is limits.query_memory.
            counts["out of memory"] += 1
            continue
        if any(answer.error and answer.error[0] in GIVEN_UP for answer in (verdict.own, verdict.theirs)):
            counts["too long"] += 1
            if verdict.theirs.error:
                continue
        if set(verdict.hard) <= {"typmods"}:
            # The modifier that PostgreSQL gives depends on which constants its planner has folded, within subqueries
            # too. The corpus says where it is settled.
            verdict = verdict._replace(hard=(), soft=(*verdict.soft, *verdict.hard))
        counts["total"] += 1
        counts["equal" if verdict.equal else "different"] += 1
        counts.update(verdict.soft)
        if verdict.theirs.error:
            codes[verdict.theirs.error[0]] += 1
        more = {"seed": options.seed, "number": number}
        if small and not verdict.equal and counts["different"] <= options.shrink:
            smallest = shrink.shrink(tree, verdict, own, theirs)
            more["small"] = smallest.sql()
            said = "; ".join(f"{side.name}: {answer.error[1]}" for side, answer in (
                (own, verdict.own), (theirs, verdict.theirs)) if answer.error)
            print(f"{number}: {'/'.join(verdict.hard)}: {more['small']}{said and ' -- '}{said}", flush=True)
        log.write(topic, sql, verdict, **more)
    seconds = time.monotonic() - begun
    print(_line(topic, counts))
    if codes:
        print(f"  refused by {theirs.name}: {_counts(codes)}")
    print(f"  {counts['total'] / max(seconds, 0.001):.0f} statements/s")
    _summary(log, own, theirs)
    return counts["different"] == 0


def _held(demo, server, theirs, options, facts, log):
    good = True
    modes = options.held if "all" not in options.held else held.ALL
    for mode in modes:
        with held.Held(demo, mode, GATEWAY, options.seed) as gateway:
            gateway.fill(server, facts)
            ask = partial(gateway.judge, theirs)
            good = _random(gateway.side, theirs, options, facts, log, f"held: {mode}", "held", ask=ask) and good
            good = gateway.report() and good
    return good


def _pushdown_proof(demo, options, facts, log):
    options.random = options.random or 1000
    # Held rows would answer without a call, and prove nothing.
    own = _gateway(demo, "SET spanwire.cache = off", "SET spanwire.pushdown = on")
    theirs = _gateway(demo, "SET spanwire.cache = off", "SET spanwire.pushdown = off")
    own.name, theirs.name = "pushdown on", "pushdown off"
    return _random(own, theirs, options, facts, log, "pushdown", "pushdown")


def _line(topic, counts):
    kinds = ("message", "position", "typmods", "too long", "out of memory", "with nothing held too")
    soft = "".join(f", {counts[kind]} {kind}" for kind in kinds if counts[kind])
    return (f"{topic:<14} {counts['equal']:5} equal  {counts['different']:5} different  {counts['total']:5} total"
            + (f"  (beside that{soft[1:]})" if soft else ""))


def _summary(log, *sides):
    if log.hard:
        print(f"  differences by kind: {_counts(log.hard)}")
    for side in sides:
        print(f"  {side.name}: {side.asked} answers, {side.asked / max(side.seconds, 0.001):.0f}/s")


def _counts(counter):
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


def _gateway(demo, *more):
    return Side("spanwire", demo.port, USER, DATABASE, PASSWORD, (*GATEWAY, *more))


def _loader(demo):
    return psycopg.connect(
        host="127.0.0.1", port=demo.port, user=USER, password=PASSWORD, dbname=DATABASE, autocommit=True,
        connect_timeout=10)


def _mirror(server):
    return psycopg.connect(
        host="127.0.0.1", port=server.port, user="postgres", dbname=MIRROR, autocommit=True, connect_timeout=10)


if __name__ == "__main__":
    main()
