"""The two sides of the measurement: the gateway on the demo's upstream, and PostgreSQL; how their answers are compared."""

import datetime
import math
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import NamedTuple

import psycopg

import postgres
from checks import wait_until
from gateway import DATABASE, PASSWORD, TOKEN, USER, Program

FLOATS = (700, 701)
# Sums of float8 depend on the order of the rows.
RELATIVE = 1e-9
# Further back than the demo's oldest row, which is 29 days old, and within what `sync` is told to read.
WINDOW = datetime.timedelta(days=30)
SYNC_SINCE = "40d"
# Far above any limit, for an upstream that has none.
NO_LIMIT = 1_000_000
SYNC_SECONDS = 4 * 3600
START_SECONDS = 60
# Of a demo that makes the rows of all vendors before it answers: a quarter as many for each as for Spanlens.
OTHERS_BYTES_PER_ROW = 3600
OTHERS_ROWS_PER_SECOND = 10_000

# What is compared beyond the defaults: a shared buffer that holds more than the default's 128 MB.
postgres.SETTINGS["shared_buffers"] = "1GB"


def utc_now():
    """The time in UTC."""
    return datetime.datetime.now(datetime.timezone.utc)


def in_mb(n_bytes):
    """Bytes as text in MB, of 10^6 bytes."""
    return f"{n_bytes / 1e6:,.0f} MB"


class Started(Program):
    """A program that has printed what it prints when it is ready; one that does not within so many seconds is ended."""

    def __init__(self, ready, seconds, binary, *arguments):
        super().__init__(binary, *arguments)
        try:
            self.said = wait_until(lambda: self._look(ready), f"{ready} in the output", seconds)
        except BaseException:
            self.__exit__()
            raise

    def _look(self, ready):
        found = re.search(ready, self.output())
        if not found and self.process.poll() is not None:
            raise RuntimeError(f"it ended with {self.process.returncode}:\n{self.output()[-4000:]}")
        return found and found.group(1)


class Upstream(Started):
    """`spanwire demo`, of which only the Spanlens upstream is used; 0 calls a minute is no limit."""

    def __init__(self, run, rows, calls_per_minute):
        alone = _arguments_without_others(run.binary, rows)
        super().__init__(
            r"upstream spanlens at (http://\S+)\s", START_SECONDS + rows / OTHERS_ROWS_PER_SECOND, run.binary, "demo",
            "--port", 0, "--rows", rows, "--seed", run.options.seed, "--calls-per-minute", calls_per_minute, *alone)
        self.url = self.said


class Gateway(Started):
    """`spanwire serve` with a configuration."""

    def __init__(self, run, config):
        ready = r'"message":"ready","address":"127\.0\.0\.1:(\d+)"'
        super().__init__(ready, START_SECONDS, run.binary, "serve", "--config", config)
        self.port = int(self.said)

    def connect(self, **settings):
        """A session in autocommit; settings are those of schema spanwire, without its name."""
        return connect(self.port, **settings)


def _arguments_without_others(binary, rows):
    """What keeps the demo to Spanlens. Builds that cannot do that hold the rows of the others in memory: an error if
    there is not enough of it, before the machine's other programs suffer."""
    told = subprocess.run([binary, "demo", "--help"], capture_output=True, text=True, check=True).stdout
    if "--only" in told:
        return ("--only", "spanlens")
    free = int(re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii")).group(1)) * 1024
    needed = rows * OTHERS_BYTES_PER_ROW
    if needed > free / 2:
        raise RuntimeError(f"this build's demo of {rows:,} rows takes about {in_mb(needed)} for the vendors beside "
                           f"Spanlens; {in_mb(free)} are free, half of which may be taken: give fewer --rows")
    return ()


class Peak(threading.Thread):
    """The most memory that a process had resident at once (VmHWM), in bytes; looked up until the process ends."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process = process
        self.n_bytes = 0
        self.start()

    def run(self):
        while self.process.poll() is None:
            self.n_bytes = max(self.n_bytes, peak_bytes(self.process.pid))
            time.sleep(0.02)


def peak_bytes(pid):
    """VmHWM of a process in bytes; 0 if it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found.group(1)) * 1024 if found else 0


def connect(port, **settings):
    """A session of a gateway in autocommit, with settings of schema spanwire."""
    options = " ".join(f"-c spanwire.{name}={value}" for name, value in settings.items())
    connection = psycopg.connect(host="127.0.0.1", port=port, user=USER, password=PASSWORD, dbname=DATABASE,
                                 autocommit=True, connect_timeout=10, options=options)
    # A notice about the lookback is of no interest here.
    connection.execute("SET client_min_messages = warning")
    return connection


def write_config(path, url, quota, *, cache="", source="", limits="", port=0):
    """Writes a configuration with one source and one user, and further lines of some sections; returns its path."""
    sections = [
        f'listen = "127.0.0.1:{port}"',
        f'[[source]]\nname = "spanlens"\nkind = "spanlens"\nbase_url = "{url}"\ncredential = "{TOKEN}"',
        f"quota = {quota}\n{source}",
        f'[[user]]\nname = "{USER}"\npassword = "{PASSWORD}"',
        f"[cache]\n{cache}" if cache else "",
        f"[limits]\n{limits}" if limits else "",
    ]
    # The credential is the demo's, but a file that others can read is warned of.
    path.touch(mode=0o600)
    path.write_text("\n".join(sections) + "\n", encoding="utf-8")
    return path


def cache_on_disk(directory, memory):
    """The lines of `[cache]` for rows on disk."""
    return f'dir = "{directory}"\nmax_bytes = "20GB"\nmemory = "{memory}"'


def open_quota(concurrency):
    """The quota of an upstream without a limit."""
    return f'{{ calls = {NO_LIMIT}, per = "1m", concurrency = {concurrency} }}'


SYNC = f'sync = {{ tables = ["requests"], since = "{SYNC_SINCE}", every = "10m", share = 0.9 }}'


class Synced(NamedTuple):
    """A run of `spanwire sync` that came to its end."""

    seconds: float
    peak_bytes: int


def sync(run, config):
    """Runs `spanwire sync` to its end; an error if that is none of success."""
    begun = time.monotonic()
    with Program(run.binary, "sync", "--config", config) as program:
        peak = Peak(program.process)
        program.process.wait(SYNC_SECONDS)
        seconds = time.monotonic() - begun
        peak.join()
    if program.process.returncode != 0:
        raise RuntimeError(f"sync ended with {program.process.returncode}:\n{program.output()[-4000:]}")
    return Synced(seconds, peak.n_bytes)


# --- the same rows in PostgreSQL

def fill(gateway, reference, tables, since):
    """Makes tables of schema spanlens in PostgreSQL and copies the gateway's rows since a time; returns their numbers."""
    reference.execute("CREATE SCHEMA IF NOT EXISTS spanlens")
    counts = {}
    for table in tables:
        name = f"spanlens.{table}"
        columns = gateway.execute(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull FROM pg_attribute a "
            f"WHERE a.attrelid = '{name}'::regclass AND a.attnum > 0 ORDER BY a.attnum").fetchall()
        lines = [f'"{column}" {kind}' + (" NOT NULL" if required else "") for column, kind, required in columns]
        reference.execute(f"CREATE TABLE {name} ({', '.join(lines)})")
        select = f"SELECT * FROM {name} WHERE created_at >= '{since.isoformat()}'"
        with gateway.cursor().copy(f"COPY ({select}) TO STDOUT (FORMAT binary)") as source, \
                reference.cursor().copy(f"COPY {name} FROM STDIN (FORMAT binary)") as target:
            for data in source:
                target.write(data)
        reference.execute(f"CREATE INDEX ON {name} (created_at)")
        reference.execute(f"VACUUM ANALYZE {name}")
        counts[table] = reference.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
    return counts


class Digest(NamedTuple):
    """A bag of rows: their number, and the sum of a hash of each row's text (equal within one run of this program)."""

    n_rows: int
    total: int


def digest(connection, since):
    """The digest of the requests since a time, all columns."""
    select = f"SELECT * FROM spanlens.requests WHERE created_at >= '{since.isoformat()}'"
    n_rows, total, rest = 0, 0, b""
    with connection.cursor().copy(f"COPY ({select}) TO STDOUT") as source:
        for data in source:
            lines = (rest + bytes(data)).split(b"\n")
            rest = lines.pop()
            n_rows += len(lines)
            total += sum(map(hash, lines))
    if rest:
        raise RuntimeError("COPY ended within a line")
    return Digest(n_rows, total % (1 << 64))


# --- answers

class Answer(NamedTuple):
    """The columns' names and types (OIDs), and the rows as the server's text."""

    names: tuple
    types: tuple
    rows: list


def ask(connection, sql):
    """The answer to one statement."""
    result = connection.execute(sql).pgresult
    columns = range(result.nfields)
    return Answer(
        tuple(result.fname(at).decode() for at in columns), tuple(result.ftype(at) for at in columns),
        [tuple(_text(result.get_value(row, at)) for at in columns) for row in range(result.ntuples)])


def difference(own, theirs, ordered=False):
    """In what an answer of the gateway differs from PostgreSQL's; None if in nothing."""
    for what in ("names", "types"):
        if getattr(own, what) != getattr(theirs, what):
            return f"{what} {getattr(own, what)}, PostgreSQL has {getattr(theirs, what)}"
    if len(own.rows) != len(theirs.rows):
        return f"{len(own.rows)} rows, PostgreSQL has {len(theirs.rows)}"
    floats = [kind in FLOATS for kind in own.types]
    sides = [side.rows if ordered else sorted(side.rows, key=lambda row: _place(row, floats)) for side in (own, theirs)]
    for found, right in zip(*sides):
        if not all(_same(*pair) for pair in zip(found, right, floats)):
            return f"{found}, PostgreSQL has {right}"
    return None


def _text(value):
    return None if value is None else value.decode()


def _place(row, floats):
    """Where a row stands in a sorted bag; floats count last and roughly, since they may differ in their last digits."""
    exact = [(value is not None, value or "") for value, is_float in zip(row, floats) if not is_float]
    rough = [f"{float(value):.6g}" if value else "" for value, is_float in zip(row, floats) if is_float]
    return exact, rough


def _same(found, right, is_float):
    if not is_float or None in (found, right):
        return found == right
    one, other = float(found), float(right)
    return math.isclose(one, other, rel_tol=RELATIVE) or (math.isnan(one) and math.isnan(other))
