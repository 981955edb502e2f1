"""The gateway with rows held on disk: nothing, a half or all of them held before the random statements are asked.

cold: starts with nothing; later statements meet what earlier ones have left.
half: of each table a part is read before: its later half, a band in the middle, or what matches a filter.
warm: each table is read before as a whole, and `spanwire.cache = only`, unless a table cannot be held.
off:  nothing is held, for comparison.

What was read before is met again after a SIGKILL, so that it comes from disk. When cold and half, half of the
statements have spanwire.max_staleness = 0: they read again what may have changed. Of some sources that is the last week,
so that it is more than a few rows.
"""

import random
import subprocess
from collections import Counter

import psycopg

from gateway import DATABASE, PASSWORD, TOKEN, USER, Serve
from judge import Side, judge

MODES = ("cold", "half", "warm", "off")
# What `--held all` means: without rows held, the other modes ask a statement that differs.
ALL = MODES[:3]
OFF = ("SET spanwire.cache = off",)
ONLY = ("SET spanwire.cache = only",)
# Never none: a reset would bring back the default, not what the session began with.
STALE = ("SET spanwire.max_staleness = '1h'",)
FRESH = ("SET spanwire.max_staleness = 0",)
# Of what was read at different times a part counts.
YOUNG = ("SET spanwire.max_staleness = '2s'",)
SETTLE = ("15m", "7d")
NOT_HELD = "55000"
# Of each table the column that its time range is about, and one that upstream filters by.
FILLED = {
    "spanlens.requests": ("created_at", "provider"), "spanlens.traces": ("created_at", "status"),
    "spanlens.security": ("created_at", None), "scale.spans": ("start_timestamp", "status"),
    "respan.spans": ("timestamp", "model"), "adaline.spans": ("started_at", "status"),
    "trulayer.traces": ("started_at", "model"), "trulayer.spans": ("created_at", None),
}
# The band leaves a gap on either side, and is wide enough not to be read again together with them.
BAND = (0.15, 0.85)
SOURCES = {"scale": 'account = "demo-account"',
           "adaline": 'projects = ["project_demo_alpha_0001", "project_demo_Beta_0002"]'}
SUMS = ("calls", "rows", "held", "stale")


class Held:
    """`spanwire serve` on the demo's upstreams with a new directory for its rows, in one of the modes."""

    def __init__(self, demo, mode, settings, seed):
        self.demo = demo
        self.mode = mode
        self.settings = settings
        self.seed = seed
        self.config = _write_config(demo, seed)
        self.counts = Counter()
        self.last = 0
        self.gateway = self.side = self.journal = None

    def __enter__(self):
        self._start()
        return self

    def __exit__(self, *exception):
        self._stop()

    def fill(self, server, facts):
        """Reads what is to be held before, and lets the gateway find it again after a SIGKILL."""
        statements = {"half": _halves, "warm": _wholes}.get(self.mode, lambda *_: ())(server, facts, self.seed)
        for sql in statements:
            answer = self.side.ask(sql)
            if answer.error:
                raise RuntimeError(f"{sql}: {answer.error}")
        if statements:
            self._stop()
            self._start()

    def judge(self, theirs, sql, ordered, number):
        """The verdict on a statement; one that is no other with nothing held is only noted."""
        self._sum(noted=False)
        session = self._session(number)
        self.side.use(session)
        verdict = judge(self.side, theirs, sql, ordered)
        if self.mode == "warm" and _code(verdict.own) == NOT_HELD != _code(verdict.theirs):
            self.counts["not held"] += 1
            # Which table it is.
            self.counts[verdict.own.error[1]] += 1
            session = STALE
            self.side.use(session)
            verdict = judge(self.side, theirs, sql, ordered)
        self._sum()
        if verdict.equal or self.mode == "off":
            return verdict
        self.side.use(OFF)
        other = judge(self.side, theirs, sql, ordered)
        # What makes the statement small goes on with what is held.
        self.side.use(session)
        if _way(other) != _way(verdict):
            return verdict
        return verdict._replace(hard=(), soft=(*verdict.soft, "with nothing held too"))

    def report(self):
        """Prints what was read and what was held; whether the mode was what its name says, and the files are sound."""
        calls, rows, held, stale = (self.counts[name] for name in SUMS)
        print(f"  {self.mode}: {calls} calls brought {rows} rows; {held} rows were held, {stale} of them stale")
        if self.counts["not held"]:
            said = ", ".join(name for name in self.counts if name.startswith("rows of "))
            print(f"  {self.mode}: {self.counts['not held']} statements had to be asked with spanwire.cache = on: {said}")
        self._stop()
        faults = self._verify()
        if (held == 0) != (self.mode == "off"):
            faults.append(f"{held} rows were held")
        if self.mode in ("cold", "half") and calls == 0:
            faults.append("no call was made")
        for fault in faults:
            print(f"  {self.mode}: {fault}")
        return not faults

    def _session(self, number):
        if self.mode in ("off", "warm"):
            return {"off": OFF, "warm": ONLY}[self.mode]
        return random.Random(f"{self.seed}:{number}:{self.mode}").choice((FRESH, FRESH, YOUNG, STALE))

    def _start(self):
        self.gateway = Serve(self.demo.binary, self.config)
        self.side = Side("spanwire", self.gateway.port, USER, DATABASE, PASSWORD, self.settings)
        self.journal = psycopg.connect(
            host="127.0.0.1", port=self.gateway.port, user=USER, password=PASSWORD, dbname=DATABASE, autocommit=True,
            connect_timeout=10)
        self.last = 0

    def _stop(self):
        """Ends the gateway as a crash would: nothing is written any more."""
        self.journal.close()
        self.side.close()
        self.gateway.process.kill()
        self.gateway.__exit__()

    def _sum(self, noted=True):
        """Adds up the scans since the last time, unless they were made to look into a difference."""
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in SUMS)
        self.last, *found = self.journal.execute(
            f"SELECT coalesce(max(id), %s), {sums} FROM spanwire.scans WHERE id > %s",
            (self.last, self.last)).fetchone()
        if noted:
            self.counts.update({name: int(value) for name, value in zip(SUMS, found)})

    def _verify(self):
        """What is wrong with the files: a row out of its range, a range that is held twice."""
        done = subprocess.run([self.demo.binary, "cache", "verify", "--config", self.config], capture_output=True,
                              text=True, check=False)
        return [] if done.returncode == 0 else [f"cache verify: {done.stdout}{done.stderr}"]


def _halves(server, facts, seed):
    """For each table a statement that reads a part of it; another kind of part for another seed."""
    statements = []
    for place, (table, (time, column)) in enumerate(FILLED.items()):
        kind = (place + seed) % 3
        if kind == 0 and column:
            values = facts.tables[table].samples[column]
            conditions = f"{column} = '{random.Random(f'{seed}:{table}').choice(values)}'"
        elif kind == 1:
            conditions = f"{time} >= '{_instants(server, table, time, 0.5)[0]}'"
        else:
            low, high = _instants(server, table, time, *BAND)
            conditions = f"{time} >= '{low}' AND {time} < '{high}'"
        statements.append(f"SELECT * FROM {table} WHERE {conditions}")
    return statements


def _wholes(_server, _facts, _seed):
    return [f"SELECT * FROM {table}" for table in FILLED]


def _instants(server, table, time, *shares):
    """Times of rows, so many of them being older."""
    with server.connect() as postgres:
        return postgres.execute(
            f"SELECT (percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY {time}))::text[] FROM {table}",
            (list(shares),)).fetchone()[0]


def _code(answer):
    return answer.error and answer.error[0]


def _way(verdict):
    """In what a verdict is one with another: the kinds of difference, and the codes of both sides."""
    return verdict.hard, _code(verdict.own), _code(verdict.theirs)


def _write_config(demo, seed):
    directory = demo.directory()
    sections = ['listen = "127.0.0.1:0"']
    for place, (name, url) in enumerate(demo.upstreams.items()):
        sections.append(
            f'[[source]]\nname = "{name}"\nkind = "{name}"\nbase_url = "{url}"\ncredential = "{TOKEN}"\n'
            f'quota = {{ calls = 1000000, per = "1m" }}\n{SOURCES.get(name, "")}\n'
            f'settle = "{SETTLE[(place + seed) % len(SETTLE)]}"')
    sections.append(f'[[user]]\nname = "{USER}"\npassword = "{PASSWORD}"')
    sections.append(f'[cache]\ndir = "{directory / "rows"}"')
    path = directory / "spanwire.toml"
    # The credential is the demo's, but a file that others can read is warned of.
    path.touch(mode=0o600)
    path.write_text("\n".join(sections) + "\n", encoding="utf-8")
    return path
