"""Held rows under load, in size, after a kill and while they are fetched, side by side with a PostgreSQL of the same rows.

    python benches/dashboard.py PATH_OF_SPANWIRE [PART …] [options]

PATH_OF_SPANWIRE is a release build; the Python is that of tests/run, with its packages; PostgreSQL's server is Debian's.
Everything runs on loopback, on the demo's Spanlens upstream. Without a PART all run, in this order:

    load      12 panels over 3 tables, 5 viewers that refresh all of them each minute, an upstream of 10 calls a minute
    warm      10,000,000 rows held on disk: a month by model and day, and the last hour, against PostgreSQL
    recall    the gateway is killed (SIGKILL) and started again: how long until it answers from what it held;
              on the rows of `warm` if that ran before, else on 1,000,000 of its own
    backfill  `spanwire sync` of 5,000,000 rows, once undisturbed and once killed five times: calls, rows, memory

Prints figures and, where there is one, the target; times never fail a run. Ends with 1 if an answer is wrong, a statement
fails, the upstream has to refuse a call (429), or rows cost more calls than they may.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

# Nothing is written into the checkout.
sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "clients"))

# pylint: disable=wrong-import-position
import dashboard_backfill
import dashboard_held
import dashboard_load

PARTS = {
    "load": dashboard_load.load,
    "warm": dashboard_held.warm,
    "recall": dashboard_held.recall,
    "backfill": dashboard_backfill.backfill,
}


class Run:
    """What the parts share: the arguments, a directory to work in, and the faults so far."""

    def __init__(self, options, work):
        self.options = options
        self.binary = str(Path(options.binary).resolve())
        self.work = Path(work)
        self.faults = []
        # What `warm` leaves for `recall`.
        self.held = None

    def say(self, line):
        """Prints a line at once, so that a long run can be watched."""
        print(line, flush=True)

    def rows(self, default):
        """Rows of the table requests: those of --rows, if it was given."""
        return self.options.rows or default

    def expect(self, holds, fault):
        """Notes a fault unless the condition holds."""
        if not holds:
            self.faults.append(fault)
            self.say(f"  FAULT: {fault}")


def main():
    """Runs the parts that the arguments name."""
    options = _options()
    # A run that is told to stop stops its programs too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))
    with tempfile.TemporaryDirectory(prefix="spanwire-dashboard-", dir=options.work) as work:
        # PostgreSQL runs as another user when we are root, in a directory of its own below this one.
        Path(work).chmod(0o755)
        tempfile.tempdir = work
        run = Run(options, work)
        for name in PARTS:
            if name in options.parts:
                run.say(f"{name}:")
                PARTS[name](run)
    if run.faults:
        sys.exit(f"{len(run.faults)} faults")


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", help="path of spanwire")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--work", help="directory for everything that is written; emptied at the end")
    parser.add_argument("--rows", type=int, help="rows of the table requests, in every part")
    parser.add_argument("--seed", type=int, default=1, help="of the demo's rows and of the moments of the kills")
    parser.add_argument("--memory", default="1GB", help="[cache] memory (default: %(default)s)")
    group = parser.add_argument_group("load")
    group.add_argument("--minutes", type=float, default=30, help="length (default: %(default)s)")
    group.add_argument("--viewers", type=int, default=5, help="(default: %(default)s)")
    group.add_argument("--memory-only", action="store_true", help="without [cache] dir")
    group = parser.add_argument_group("warm")
    group.add_argument("--rounds", type=int, default=5, help="how often each statement is timed (default: %(default)s)")
    group = parser.add_argument_group("backfill")
    group.add_argument("--kills", type=int, default=5, help="(default: %(default)s)")
    group.add_argument("--concurrency", type=int, default=2, help="calls at once (default: the vendor's, %(default)s)")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; parts are {', '.join(PARTS)}")
    options.parts = options.parts or list(PARTS)
    return options


if __name__ == "__main__":
    main()
