"""Part `backfill`: a long history fetched by `spanwire sync`, undisturbed and killed on the way."""

import math
import random
import time
from typing import NamedTuple

import dashboard_sides as sides
from dashboard_proxy import Proxy
from gateway import Program

ROWS = 5_000_000
# The most rows that the upstream sends in one answer.
CAP = 10_000
MOST_RATIO = 1.02
POLL_SECONDS = 0.002
# For count(DISTINCT id) of all rows, which is no part of what is measured.
LIMITS = 'query_memory = "4GB"\ntotal_memory = "4GB"\nmax_calls = 100000'


class Facts(NamedTuple):
    """What tells whether each row is there exactly once."""

    n_rows: int
    n_ids: int
    digest: sides.Digest


def backfill(run):
    """Counts the calls of both ways, and compares the rows with those that the upstream sends."""
    rows = run.rows(ROWS)
    since = sides.utc_now() - sides.WINDOW
    with sides.Upstream(run, rows, 0) as upstream, Proxy(upstream.url) as proxy:
        truth = _facts(run, _config(run, "truth", upstream.url, held=False), since, "off")
        run.expect((truth.n_rows, truth.n_ids) == (rows, rows), f"the truth has {truth.n_rows:,} rows, the demo {rows:,}")
        clean = _undisturbed(run, proxy, rows)
        _check(run, "undisturbed", proxy.url, since, truth)
        if run.options.kills:
            _disturbed(run, proxy, clean)
            _check(run, "killed", proxy.url, since, truth)


class Clean(NamedTuple):
    """The run without kills."""

    calls: int
    seconds: float


def _undisturbed(run, proxy, rows):
    before = proxy.count()
    done = sides.sync(run, _config(run, "undisturbed", proxy.url))
    calls, needed = proxy.count() - before, math.ceil(rows / CAP)
    # That there are no more rows behind a full last page takes a call; of few rows it is more than the ratio.
    most = max(int(needed * MOST_RATIO), needed + 1)
    run.say(f"  undisturbed: {calls} calls for {rows:,} rows, {needed} being needed: ratio {calls / needed:.3f} "
            f"(at most {most} calls); {done.seconds:.1f} s, {rows / done.seconds:,.0f} rows/s")
    run.say(f"  peak RSS of sync {sides.in_mb(done.peak_bytes)}, [cache] memory {run.options.memory}")
    _expect_answers(run, proxy.calls()[before:])
    run.expect(calls <= most, f"{calls} calls for rows that take {needed}")
    return Clean(calls, done.seconds)


def _disturbed(run, proxy, clean):
    """Kills at random moments: after so many calls, and within what one call takes."""
    dice = random.Random(run.options.seed)
    config, before = _config(run, "killed", proxy.url), proxy.count()
    # One in each part of the way, so that a sync that begins anew after a kill is told from one that goes on.
    bounds = [1 + (clean.calls - 1) * number // run.options.kills for number in range(run.options.kills + 1)]
    marks = [dice.randrange(start, end) for start, end in zip(bounds, bounds[1:]) if start < end]
    delays = [dice.uniform(0, clean.seconds / clean.calls) for _ in marks]
    done = [_run_until(run, config, proxy, before + mark, delay) for mark, delay in zip(marks, delays)]
    run.expect(sum(done) == run.options.kills, f"only {sum(done)} kills, as sync ended before, or has too few calls")
    last = sides.sync(run, config)
    calls = proxy.count() - before
    run.say(f"  killed {sum(done)} times, after calls {', '.join(map(str, marks))}: {calls} calls, "
            f"{calls - clean.calls} more than undisturbed (at most {sum(done)})")
    run.say(f"  the last run took {last.seconds:.1f} s, peak RSS of sync {sides.in_mb(last.peak_bytes)}")
    # The statuses of calls that a kill cut off are not known.
    _expect_answers(run, [call for call in proxy.calls()[before:] if call.status is not None])
    run.expect(calls <= clean.calls + sum(done), f"{calls} calls with {sum(done)} kills, {clean.calls} without")


def _run_until(run, config, proxy, mark, delay):
    """Runs `sync` until the proxy has seen so many calls, and some seconds more, then kills it; false if it ended before."""
    with Program(run.binary, "sync", "--config", config) as program:
        while proxy.count() < mark and program.process.poll() is None:
            time.sleep(POLL_SECONDS)
        time.sleep(delay)
        killed = program.process.poll() is None
        program.process.kill()
        program.process.wait()
    if not killed and program.process.returncode != 0:
        raise RuntimeError(f"sync ended with {program.process.returncode}:\n{program.output()[-4000:]}")
    return killed


def _expect_answers(run, calls):
    wrong = [call for call in calls if call.status != 200]
    run.expect(not wrong, f"{len(wrong)} calls were not answered with 200: {sorted({str(call.status) for call in wrong})}")


def _check(run, name, url, since, truth):
    """Compares what a directory holds with the truth; nothing may be called for it."""
    found = _facts(run, _config(run, name, url, sync=False), since, "only")
    verdict = "each row exactly once" if found == truth else "NOT the rows of the upstream"
    run.say(f"  {name}: {found.n_rows:,} rows held, {found.n_ids:,} ids: {verdict}")
    run.expect(found == truth, f"{name}: {found}, right is {truth}")


def _facts(run, config, since, cache):
    """Reads the facts by a gateway of its own."""
    where = f"FROM spanlens.requests WHERE created_at >= '{since.isoformat()}'"
    with sides.Gateway(run, config) as gateway, gateway.connect(cache=cache) as session:
        n_rows, n_ids = session.execute(f"SELECT count(*), count(DISTINCT id) {where}").fetchone()
        return Facts(n_rows, n_ids, sides.digest(session, since))


def _config(run, name, url, held=True, sync=True):
    """A configuration on the directory of this name, or on none."""
    cache = sides.cache_on_disk(run.work / f"backfill-{name}", run.options.memory) if held else ""
    return sides.write_config(
        run.work / f"backfill-{name}{'-sync' if sync else ''}.toml", url, sides.open_quota(run.options.concurrency),
        cache=cache, source=sides.SYNC if held and sync else "", limits=LIMITS)
