"""Part `load`: a dashboard of twelve panels that several people look at, on an upstream of 10 calls a minute."""

import contextlib
import dataclasses
import functools
import math
import queue
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import psycopg

import dashboard_sides as sides
from dashboard_panels import LENGTH, PANELS, TABLES, Panel, statement
from dashboard_proxy import Proxy
from postgres import Postgres

# Few calls fetch them all, so that reading the truth stays within a minute's quota.
ROWS = 40_000
CALLS_PER_MINUTE = 10
QUOTA = f'{{ calls = {CALLS_PER_MINUTE}, per = "1m" }}'
MINUTE = 60
REFRESH_SECONDS = 60
# Until then rows are read for the first time.
FIRST_SECONDS = 120
MAX_STALENESS = "60s"
# How many calls a browser makes to one host at once, hence panels under way of one viewer.
CONNECTIONS = 6
SHOWN_FAULTS = 5


class Done(NamedTuple):
    """A statement that came to its end; times in seconds since the load began."""

    panel: Panel
    sql: str
    round: int
    begun: float
    ended: float
    answer: sides.Answer | None
    error: str | None

    @property
    def took_ms(self):
        """From sending to the last row, in milliseconds."""
        return (self.ended - self.begun) * 1e3


def load(run):
    """Fills PostgreSQL with the truth, lets the quota come free again, puts the load on, and judges it."""
    rows = run.rows(ROWS)
    with sides.Upstream(run, rows, CALLS_PER_MINUTE) as upstream, Proxy(upstream.url) as proxy, Postgres() as server, \
            server.connect() as reference:
        _read_truth(run, proxy, reference, rows)
        before = proxy.count()
        config = sides.write_config(run.work / "load.toml", proxy.url, QUOTA, cache=_cache(run))
        with sides.Gateway(run, config) as gateway:
            begun = time.monotonic()
            done, skipped = _view(run, gateway, begun)
            memory = sides.peak_bytes(gateway.process.pid)
        calls = [dataclasses.replace(call, at=call.at - begun) for call in proxy.calls()[before:]]
        run.say(f"  {run.options.viewers} viewers, {len(PANELS)} panels each {REFRESH_SECONDS} s, {run.options.minutes:g} "
                f"minutes, max_staleness {MAX_STALENESS}; gateway's peak RSS {sides.in_mb(memory)}")
        _report_calls(run, calls)
        _report_times(run, done, skipped)
        _judge(run, done, reference)


def _cache(run):
    """The lines of `[cache]`."""
    if run.options.memory_only:
        return f'memory = "{run.options.memory}"'
    return sides.cache_on_disk(run.work / "load-held", run.options.memory)


def _read_truth(run, proxy, reference, rows):
    """Copies all rows by a gateway of its own, and waits until its calls count no more."""
    config = sides.write_config(run.work / "truth.toml", proxy.url, QUOTA)
    with sides.Gateway(run, config) as gateway, gateway.connect(cache="off") as session:
        counts = sides.fill(session, reference, TABLES, sides.utc_now() - sides.WINDOW)
    right = {"requests": rows, "traces": math.ceil(rows / 4), "security": rows // 50}
    run.expect(counts == right, f"the demo has {right} rows, {counts} were read")
    run.say(f"  the truth: {', '.join(f'{number:,} {table}' for table, number in counts.items())}, {proxy.count()} calls")
    # A little longer than the upstream's window.
    time.sleep(max(0.0, proxy.calls()[-1].at + MINUTE + 2 - time.monotonic()))


# --- the viewers

def _view(run, gateway, begun):
    """All statements of all viewers, and how many refreshes were not begun as the one before still ran."""
    end = begun + run.options.minutes * MINUTE
    with contextlib.ExitStack() as stack:
        step = REFRESH_SECONDS / run.options.viewers
        viewers = [Viewer(stack, gateway, begun, number * step, end) for number in range(run.options.viewers)]
        for viewer in viewers:
            viewer.start()
        for viewer in viewers:
            viewer.join()
    for viewer in viewers:
        if viewer.fault:
            raise viewer.fault
    return [one for viewer in viewers for one in viewer.done], sum(viewer.skipped for viewer in viewers)


class Viewer(threading.Thread):
    """One who has the dashboard open: some connections, over which the panels of a refresh are sent at once.

    Refreshes at a phase of its own (seconds after the load began) until the end. A fault is what ended it early.
    """

    def __init__(self, stack, gateway, begun, phase, end):
        super().__init__(daemon=True)
        self.gateway = gateway
        self.begun, self.phase, self.end = begun, phase, end
        self.done, self.skipped, self.fault = [], 0, None
        self.free = queue.SimpleQueue()
        for _ in range(CONNECTIONS):
            self.free.put(stack.enter_context(contextlib.closing(self._connect())))
        self.pool = stack.enter_context(ThreadPoolExecutor(CONNECTIONS))

    def run(self):
        try:
            self._look()
        except Exception as fault:  # pylint: disable=broad-except  # it is raised where the viewers are waited for
            self.fault = fault

    def _look(self):
        due, number = self.begun + self.phase, 0
        while due < self.end:
            time.sleep(max(0.0, due - time.monotonic()))
            self.done.extend(self.pool.map(functools.partial(self._ask, sides.utc_now(), number), PANELS))
            due, number = due + REFRESH_SECONDS, number + 1
            while due < time.monotonic():
                # As a browser does: what is under way is not begun again.
                self.skipped += 1
                due += REFRESH_SECONDS

    def _connect(self):
        return self.gateway.connect(max_staleness=MAX_STALENESS)

    def _ask(self, now, number, panel):
        sql = statement(panel, now)
        connection = self.free.get()
        answer, error = None, None
        begun = time.monotonic() - self.begun
        try:
            if connection.closed:
                connection = self._connect()
            answer = sides.ask(connection, sql)
        except psycopg.Error as fault:
            error = f"{fault.sqlstate} {fault}"
        finally:
            self.free.put(connection)
        ended = time.monotonic() - self.begun
        return Done(panel, sql, number, begun, ended, answer, error)


# --- what came of it

def _report_calls(run, calls):
    """Calls by the minute, and what the upstream refused."""
    length = run.options.minutes * MINUTE
    first = [call for call in calls if call.at < FIRST_SECONDS]
    steady = [call for call in calls if FIRST_SECONDS <= call.at < length]
    line = f"  {len(calls)} calls: {len(first) / (min(length, FIRST_SECONDS) / MINUTE):.1f} a minute in the first two minutes"
    if length > FIRST_SECONDS:
        line += f", {len(steady) / ((length - FIRST_SECONDS) / MINUTE):.2f} a minute after them"
    times = [call.at for call in calls]
    most = max((sum(at <= other < at + MINUTE for other in times) for at in times), default=0)
    run.say(f"{line}; {most} in the fullest 60 s")
    by_table = {table: sum(f"/{table}?" in call.target for call in calls) for table in TABLES}
    run.say("  of them " + ", ".join(f"{number} for {table}" for table, number in by_table.items()))
    refused = [call for call in calls if call.status != 200]
    run.say(f"  429s: {sum(call.status == 429 for call in calls)}")
    statuses = sorted({str(call.status) for call in refused})
    run.expect(not refused, f"{len(refused)} calls were not answered with 200: {', '.join(statuses)}")


def _report_times(run, done, skipped):
    """Latencies at the client."""
    all_seen = max((one.ended for one in done if one.round == 0), default=0.0)
    cold = sorted(one.took_ms for one in done if one.begun < all_seen)
    warm = sorted(one.took_ms for one in done if one.begun >= all_seen)
    run.say(f"  {len(done)} statements; {skipped} refreshes not begun as the one before still ran")
    run.say(f"  until all had seen the dashboard ({all_seen:.1f} s): {_spread(cold)}")
    run.say(f"  warm: {_spread(warm)}")


def _spread(times):
    if not times:
        return "no statements"
    p95 = times[min(len(times) - 1, int(len(times) * 0.95))]
    return f"{len(times)} statements, ms: p50 {statistics.median(times):.1f}  p95 {p95:.1f}  max {times[-1]:.1f}"


def _judge(run, done, reference):
    """Every answer against PostgreSQL's to the same text. After the load, so as not to disturb it: the rows do not change."""
    failed = [one for one in done if one.error]
    answered = [one for one in done if not one.error]
    wrong = []
    for one in answered:
        found = sides.difference(one.answer, sides.ask(reference, one.sql), one.panel.ordered)
        if found:
            wrong.append((one, found))
    n_rows = sum(len(one.answer.rows) for one in answered)
    empty = sorted({one.panel.title for one in answered if not one.answer.rows})
    run.say(f"  {len(failed)} failed; {len(wrong)} of {len(answered)} answers ({n_rows:,} rows) differ from PostgreSQL's")
    for one in failed[:SHOWN_FAULTS]:
        run.say(f"    {one.panel.title} at {one.begun:.1f} s: {one.error}")
    for one, found in wrong[:SHOWN_FAULTS]:
        run.say(f"    {one.panel.title} at {one.begun:.1f} s: {found}\n      {' '.join(one.sql.split())}")
    run.expect(not failed, f"{len(failed)} statements failed")
    run.expect(not wrong, f"{len(wrong)} answers are wrong")
    # An empty panel would prove nothing.
    run.expect(answered and not empty, f"panels without rows: {', '.join(empty)}; the window is {LENGTH}")
