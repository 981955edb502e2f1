"""Parts `warm` and `recall`: many rows held on disk, how fast they answer, and how soon after a kill."""

import datetime
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import psycopg

import dashboard_sides as sides
from gateway import Program
from postgres import Postgres, _free_port

WARM_ROWS = 10_000_000
RECALL_ROWS = 1_000_000
CONCURRENCY = 4
TARGET_RATIO = 0.5
TARGET_HOUR_MS = 20
START_SECONDS = 300
COUNT = "SELECT count(*) FROM spanlens.requests WHERE created_at >= '{since}'"
BY_DAY = """SELECT model, date_trunc('day', created_at) AS day, count(*) FROM spanlens.requests
WHERE created_at >= '{since}' GROUP BY 1, 2"""
COST_BY_DAY = """SELECT model, date_trunc('day', created_at) AS day, count(*), sum(cost_usd) FROM spanlens.requests
WHERE created_at >= '{since}' GROUP BY 1, 2"""
LAST_HOUR = "SELECT count(*) FROM spanlens.requests WHERE created_at >= now() - interval '1 hour'"


class Held(NamedTuple):
    """A directory with rows: the upstream from which they came (it may be gone), and how many there are since a time."""

    directory: Path
    url: str
    rows: int
    since: datetime.datetime


def warm(run):
    """Fills a directory and a PostgreSQL with the same rows, and times both in turns."""
    with sides.Upstream(run, run.rows(WARM_ROWS), 0) as upstream:
        run.held = _sync(run, upstream.url, run.rows(WARM_ROWS), "warm")
        config = _config(run, run.held, "warm-serve")
        with Postgres() as server, server.connect() as reference:
            _load(run, config, reference)
            # Another process than the one that sent all rows, so that its memory is that of the statements.
            with sides.Gateway(run, config) as gateway, gateway.connect(cache="only") as session:
                _measure(run, session, reference)
                peak = sides.peak_bytes(gateway.process.pid)
                run.say(f"  gateway's peak RSS {sides.in_mb(peak)}, [cache] memory {run.options.memory}")


def recall(run):
    """Kills a gateway that holds rows, and starts it again without an upstream."""
    held = run.held or _own(run)
    port = _free_port()
    config = _config(run, held, "recall", port)
    count = COUNT.format(since=held.since.isoformat())
    with sides.Gateway(run, config) as gateway, gateway.connect(cache="only") as session:
        run.expect(_number(session, count) == held.rows, "the rows before the kill are not those of the upstream")
        before = sides.digest(session, held.since)
        gateway.process.kill()
        gateway.process.wait()
    begun = time.monotonic()
    with Program(run.binary, "serve", "--config", config) as program:
        accepted, session = _first_session(program, port, begun)
        with session:
            answered = _first_answer(run, session, count, held.rows, begun)
            run.say(f"  {held.rows:,} rows: accepts connections {accepted * 1e3:.0f} ms after its start, "
                    f"answers count(*) rightly after {answered * 1e3:.0f} ms")
            after = sides.digest(session, held.since)
    run.say(f"  rows after the kill {'equal' if after == before else 'DIFFER FROM'} those before")
    run.expect(after == before, f"{before.n_rows:,} rows before the kill, {after.n_rows:,} after it, or others")
    run.expect(before.n_rows == held.rows, f"{before.n_rows:,} rows were held, {held.rows:,} are right")


def _own(run):
    """Rows of its own, for a run without `warm`. The upstream ends here: what is held must do."""
    rows = run.rows(RECALL_ROWS)
    with sides.Upstream(run, rows, 0) as upstream:
        return _sync(run, upstream.url, rows, "recall")


def _sync(run, url, rows, name):
    """Fills a new directory by `spanwire sync`."""
    directory = run.work / f"{name}-held"
    since = sides.utc_now() - sides.WINDOW
    cache = sides.cache_on_disk(directory, run.options.memory)
    config = sides.write_config(
        run.work / f"{name}-sync.toml", url, sides.open_quota(CONCURRENCY), cache=cache, source=sides.SYNC)
    done = sides.sync(run, config)
    n_bytes = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    run.say(f"  sync of {rows:,} rows: {done.seconds:.1f} s, {rows / done.seconds:,.0f} rows/s, peak RSS "
            f"{sides.in_mb(done.peak_bytes)}, {sides.in_mb(n_bytes)} on disk ({n_bytes / rows:.0f} bytes a row)")
    return Held(directory, url, rows, since)


def _config(run, held, name, port=0):
    """A configuration that serves what is held, and fetches nothing by itself while times are taken."""
    cache = sides.cache_on_disk(held.directory, run.options.memory)
    return sides.write_config(run.work / f"{name}.toml", held.url, sides.open_quota(CONCURRENCY), cache=cache, port=port)


def _load(run, config, reference):
    """Copies what is held into PostgreSQL."""
    begun = time.monotonic()
    with sides.Gateway(run, config) as gateway, gateway.connect(cache="only") as session:
        counts = sides.fill(session, reference, ("requests",), run.held.since)
    run.expect(counts["requests"] == run.held.rows, f"{counts['requests']:,} rows are held, {run.held.rows:,} are right")
    oldest, newest = reference.execute("SELECT min(created_at), max(created_at) FROM spanlens.requests").fetchone()
    run.say(f"  copied into PostgreSQL in {time.monotonic() - begun:.1f} s: "
            f"{oldest:%Y-%m-%d %H:%M} to {newest:%Y-%m-%d %H:%M}")


def _measure(run, session, reference):
    """Each statement in turns, after one round that is not counted."""
    since = run.held.since.isoformat()
    for title, sql in (("by model and day", BY_DAY), ("with sum of cost", COST_BY_DAY)):
        sql = sql.format(since=since)
        own, theirs, found = _in_turns(run, session, reference, sql)
        run.say(f"  {title}: spanwire {own:.1f} ms  PostgreSQL {theirs:.1f} ms  ratio {own / theirs:.2f} "
                f"(target {TARGET_RATIO})  {found or 'equal rows'}")
        run.expect(not found, f"{title}: {found}")
    own, theirs, found = _in_turns(run, session, reference, LAST_HOUR, _difference_of_hour)
    run.say(f"  last hour: spanwire {own:.1f} ms (target {TARGET_HOUR_MS})  PostgreSQL {theirs:.1f} ms  "
            f"{found or 'equal counts'}")
    run.expect(not found, f"last hour: {found}")


def _in_turns(run, session, reference, sql, compare=None):
    """Medians of both sides in milliseconds, and how their answers differ, if in any round they do."""
    compare = compare or (lambda _, __, own, theirs: sides.difference(own, theirs))
    times, differences = ([], []), []
    for _ in range(run.options.rounds + 1):
        begun = sides.utc_now()
        answers = []
        for side, connection in enumerate((session, reference)):
            started = time.perf_counter()
            answers.append(sides.ask(connection, sql))
            times[side].append((time.perf_counter() - started) * 1e3)
        differences.append(compare(reference, begun, *answers))
    own, theirs = (statistics.median(side[1:]) for side in times)
    return own, theirs, next(filter(None, differences), None)


def _difference_of_hour(reference, begun, own, _):
    """Both sides have a now() of their own: the count lies between those of the moments before and after."""
    hour = datetime.timedelta(hours=1)
    bounds = [_number(reference, COUNT.format(since=(now - hour).isoformat())) for now in (sides.utc_now(), begun)]
    found = int(own.rows[0][0])
    return None if bounds[0] <= found <= bounds[1] else f"{found} rows, right are {bounds[0]} to {bounds[1]}"


def _first_session(program, port, begun):
    """Seconds until the gateway lets somebody in, and the session."""
    while time.monotonic() - begun < START_SECONDS:
        try:
            return time.monotonic() - begun, sides.connect(port, cache="only")
        except psycopg.OperationalError:
            if program.process.poll() is not None:
                break
            time.sleep(0.002)
    raise RuntimeError(f"the gateway does not come back:\n{program.output()[-4000:]}")


def _first_answer(run, session, count, rows, begun):
    """Seconds until the right count. An error is no wrong answer, but another count is."""
    errors = set()
    while time.monotonic() - begun < START_SECONDS:
        try:
            found = _number(session, count)
        except psycopg.Error as error:
            errors.add(str(error))
            time.sleep(0.002)
            continue
        run.expect(found == rows, f"the first answer after the kill is {found}, right is {rows}")
        if errors:
            run.say(f"  before the first answer: {'; '.join(sorted(errors))}")
        return time.monotonic() - begun
    raise RuntimeError(f"no answer after the kill: {'; '.join(sorted(errors))}")


def _number(connection, sql):
    return connection.execute(sql).fetchone()[0]
