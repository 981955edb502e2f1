"""psql's tab completion through a terminal, on the gateway and on a PostgreSQL with the same tables.

What stands on the line after the tabs, and the candidates that are listed, must be the same. psql itself tells the line:
it is put into a string, whose statement `\\p` prints. The line and the list come out of one stream of bytes that ends
with the text of an `\\echo`.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import tempfile
import termios
import time
from dataclasses import dataclass

from checks import equal

PROMPT = "psql> "
DEADLINE_SECONDS = 30
# Wide enough that neither the line nor a list is folded.
ROWS, COLUMNS = 50, 4000
READLINE = """
set bell-style none
set enable-bracketed-paste off
set completion-query-items 0
set page-completions off
set colored-stats off
set colored-completion-prefix off
"""
BEGINNING_OF_LINE, END_OF_LINE = "\x01", "\x05"

# What one tab completes.
COMPLETED = [
    "SELECT * FROM spanl", "SELECT * FROM spanlens.re", "SELECT * FROM respan.s", "SELECT * FROM SPANLENS.RE",
    'SELECT * FROM "spanlens"."tr', "SELECT * FROM spanlens.requests WHERE prov",
    "SELECT * FROM spanlens.traces JOIN spanlens.req", "SELECT * FROM trulayer.traces WHERE exter", "TABLE spanlens.an",
    "EXPLAIN SELECT * FROM scale.s", "WITH x AS (SELECT 1) SELECT * FROM adaline.s", "COPY spanlens.tr", "COPY spanl",
    "ALTER TABLE spanlens.requests DROP COLUMN l", "ALTER TABLE spanlens.requests DROP CONSTRAINT requests_p",
    "COMMENT ON TABLE spanlens.sec", "DROP SCHEMA trul", "SELECT * FROM information_schema.key_c",
    "SELECT * FROM pg_catalog.pg_descr", "SELECT * FROM pg_stat_activ", r"\d spanlens.re", r"\d trulayer.s", r"\d+ respan.",
    r"\dt spanl", r"\dn trul", r"\dT pg_catalog.tstzr", r"\dT pg_catalog.jsonp", r"\df pg_catalog.jsonb_build_o",
    r"\sf pg_catalog.string_to_a", r"\c spanw", r"\da pg_catalog.string_a", r"\l spanw", r"\dconfig search_p",
    r"\encoding UTF", "SHOW search_p", "SHOW standard_c", "SHOW statement_t", "SET search_p", "SET statement_t",
    "SET search_path TO spanl", "RESET application_n", "ALTER ROLE dem", "SET ROLE dem", "LOCK TABLE spanlens.tr",
    "SET timezone TO 'Europe/Berl",
]
# What several tabs list: the second if the first found nothing to add, else the third.
LISTED = [
    ("SELECT * FROM spanlens.", 2), ("SELECT * FROM trulayer.", 2), ("SELECT * FROM spanlens.requests WHERE p", 3),
    ("SELECT * FROM spanlens.requests WHERE ", 2), ("ANALYZE spanlens.", 2),
    ("ALTER TABLE spanlens.requests ALTER COLUMN c", 2), ("GRANT SELECT ON spanlens.", 2), ("DROP TABLE spanlens.", 2),
    (r"\d spanlens.", 2), (r"\dt spanlens.", 2), (r"\di spanlens.", 2), (r"\dp spanlens.", 2), (r"\dT pg_catalog.int", 2),
    (r"\df pg_catalog.array_l", 2), (r"\df pg_catalog.jsonb_build", 3), ("SHOW transaction_", 2),
    ("SET client_min_messages TO ", 2), ("SET bytea_output TO ", 2), ("SET intervalstyle TO ", 2),
    ("SET default_transaction_isolation TO ", 2), ("SET default_transaction_read_only TO ", 2), ("VACUUM spanlens.", 2),
    ("REINDEX TABLE spanlens.", 2),
]
NOTHING = [
    "SELECT * FROM nosuch.", r"\dv respan.", r"\dm spanlens.", r"\ds spanlens.", r"\do nosuch", r"\dy nosuch",
    r"\dx nosuch", r"\dC nosuch",
]
# Those that need statements before.
PREPARED = [
    (["PREPARE alpha AS SELECT 1;", "PREPARE alter_ego AS SELECT 2;"], "DEALLOCATE ", 2),
    (["PREPARE alpha AS SELECT 1;", "PREPARE alter_ego AS SELECT 2;"], "EXECUTE alp", 1),
    (["BEGIN;", "DECLARE one CURSOR FOR SELECT 1;", "DECLARE two CURSOR FOR SELECT 2;"], "CLOSE ", 2),
    (["BEGIN;", "DECLARE one CURSOR FOR SELECT 1;", "DECLARE two CURSOR FOR SELECT 2;"], "FETCH NEXT FROM tw", 1),
    (["SET search_path = spanlens;"], "SELECT * FROM req", 1),
    (["SET search_path = spanlens;"], "SELECT * FROM requests WHERE lat", 1),
    (["SET search_path = trulayer;"], r"\d tr", 2),
]
# What only the gateway has: text, tabs, the candidates or the completed line.
OWN = [
    ("SET spanwire.look", 1, "SET spanwire.lookback "),
    ("SHOW spanwire.push", 1, "SHOW spanwire.pushdown "),
    ("SELECT * FROM spanwire.sour", 1, "SELECT * FROM spanwire.sources "),
    # PostgreSQL also has timezone_abbreviations.
    ("SHOW tim", 1, "SHOW timezone "),
    (r"\dv public.", 2, ["public.anomalies", "public.requests", "public.security", "public.spans", "public.traces"]),
]


@dataclass
class Shown:
    """What psql made of the typed text."""
    line: str
    candidates: list


class Terminal:
    """psql on a terminal of its own."""

    def __init__(self, at, settings):
        self.seen = b""
        self.marks = 0
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment |= at.environment | {
            "INPUTRC": settings, "TERM": "dumb", "LC_ALL": "C.UTF-8", "PSQL_HISTORY": "/dev/null", "PAGER": "cat",
            "PGOPTIONS": "-c client_min_messages=warning"}
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.execvpe("psql", ["psql", "-X", "-q", "-v", f"PROMPT1={PROMPT}", "-v", f"PROMPT2={PROMPT}"], environment)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.read_to(PROMPT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.terminal)

    def send(self, text):
        """Types."""
        os.write(self.terminal, text.encode())

    def read_to(self, end):
        """What comes up to this text, which is left out."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while end.encode() not in self.seen:
            ready, _, _ = select.select([self.terminal], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                raise TimeoutError(f"no {end!r} in {self.seen!r}")
            self.seen += os.read(self.terminal, 65536)
        found, self.seen = self.seen.split(end.encode(), 1)
        return found.decode()

    def finish(self):
        """What comes until everything typed so far is done."""
        self.marks += 1
        # The echo of what is typed holds the parts apart, so that only the output matches.
        self.send(f"\\echo 'mark ''{self.marks}'' ends'\n")
        found = self.read_to(f"mark '{self.marks}' ends")
        self.read_to(PROMPT)
        return found

    def run(self, statement):
        """Runs a statement to its end."""
        self.send(statement + "\n")
        found = self.finish()
        if "ERROR" in found:
            raise AssertionError(f"{statement}: {found}")

    def complete(self, typed, tabs):
        """The line after the tabs, and what was listed."""
        self.send(typed + "\t" * tabs)
        # The line becomes a string, which is not run; psql prints its buffer.
        self.send(f"{BEGINNING_OF_LINE}SELECT $line${END_OF_LINE}$line$\n\\p\n\\r\n")
        found = self.finish().replace("\r\n", "\n")
        lines = re.findall(r"^SELECT \$line\$(.*)\$line\$$", found, re.MULTILINE)
        if len(lines) != 1:
            raise AssertionError(f"psql did not print its buffer: {found!r}")
        listed = []
        for row in found.split("\n")[1:]:
            if PROMPT in row:
                break
            listed += row.split()
        return Shown(lines[0], sorted(listed))


def run(report, own, theirs):
    """A check for each case."""
    with tempfile.NamedTemporaryFile("w", prefix="spanwire-inputrc-") as file:
        file.write(READLINE)
        file.flush()
        def check(expected, setup, typed, tabs):
            name = "; ".join([*(statement.rstrip(";") for statement in setup), typed])
            report.run(f"completion: {name}{'<TAB>' * tabs}", _same, own, theirs, file.name, expected, setup, typed, tabs)

        for typed in COMPLETED:
            check("line", [], typed, 1)
        for typed, tabs in LISTED:
            check("list", [], typed, tabs)
        for typed in NOTHING:
            check("nothing", [], typed, 2)
        for setup, typed, tabs in PREPARED:
            check("line" if tabs == 1 else "list", setup, typed, tabs)
        for typed, tabs, expected in OWN:
            name = f"completion: of the gateway's own: {typed}{'<TAB>' * tabs}"
            report.run(name, _offered, own, file.name, typed, tabs, expected)


def _same(own, theirs, settings, expected, setup, typed, tabs):
    shown = [_shown(at, settings, setup, typed, tabs) for at in (own, theirs)]
    # The case is about something only if PostgreSQL does what it was chosen for.
    equal(bool(shown[1].candidates), expected == "list", "PostgreSQL lists candidates")
    if expected != "list":
        equal(shown[1].line != typed, expected == "line", "PostgreSQL completes the line")
    equal(shown[0].line, shown[1].line, "line")
    equal(shown[0].candidates, shown[1].candidates, "candidates")
    return shown[0].line if tabs == 1 else f"{len(shown[0].candidates)} candidates"


def _offered(own, settings, typed, tabs, expected):
    shown = _shown(own, settings, [], typed, tabs)
    equal(shown.candidates if isinstance(expected, list) else shown.line, expected, "offered")


def _shown(at, settings, setup, typed, tabs):
    with Terminal(at, settings) as terminal:
        for statement in setup:
            terminal.run(statement)
        return terminal.complete(typed, tabs)
