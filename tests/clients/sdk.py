"""The vendors' own clients against the embedded upstreams of `spanwire demo`.

What these clients read is what a gateway must be able to read: they keep the upstreams honest.
"""

import sdk_adaline
import sdk_respan
import sdk_scale
import sdk_trulayer
from gateway import TOKEN, Demo

# Enough rows for several pages of every vendor, few enough to be read some twenty times within seconds.
ROWS = 8000
PROJECT = "project_demo_alpha_0001"
CALLS = 9
SPANS = 40


def run(report, demo):
    """Starts the upstreams that the checks want and reports a check for each client.

    Respan's calls until it is refused; the others' limits want upstreams that nobody has called yet.
    """
    with Demo(demo.binary, rows=ROWS, limits={"respan": 120}) as full:
        report.run("sdk: scale-gp-beta", _told, sdk_scale.check, full.upstreams["scale"], TOKEN)
        report.run("sdk: respan-api and keywordsai", _told, sdk_respan.check, full.upstreams["respan"], TOKEN)
        report.run("sdk: adaline-client", _told, sdk_adaline.check, full.upstreams["adaline"], TOKEN, PROJECT)
        report.run("sdk: trulayer by httpx", _told, sdk_trulayer.check, full.upstreams["trulayer"], TOKEN)
    with Demo(demo.binary, rows=ROWS, limits={"adaline": CALLS, "trulayer": CALLS}) as slow:
        url = slow.upstreams["adaline"]
        report.run("sdk: adaline-client, limit", _told, sdk_adaline.check_limit, url, TOKEN, PROJECT, CALLS)
        url = slow.upstreams["trulayer"]
        report.run("sdk: trulayer by httpx, limit", _told, sdk_trulayer.check_limit, url, TOKEN, CALLS)
    with Demo(demo.binary, "--trulayer-plan-cap", SPANS, rows=ROWS) as capped:
        url = capped.upstreams["trulayer"]
        report.run("sdk: trulayer by httpx, plan", _told, sdk_trulayer.check_cap, url, TOKEN, SPANS)


def _told(check, *arguments):
    """Runs a client's checks, which return the names of those that passed."""
    passed = check(*arguments)
    if not passed:
        raise AssertionError("no check ran")
    return f"{len(passed)} parts"
